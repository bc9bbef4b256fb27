-- What applications registered about their objects, for decisions: JSON, as it was judged.

CREATE TABLE resources (
    kind       TEXT    NOT NULL,
    id         TEXT    NOT NULL,
    attributes TEXT    NOT NULL,
    parents    TEXT    NOT NULL,
    by_account TEXT    NOT NULL,
    at         INTEGER NOT NULL,
    PRIMARY KEY (kind, id)
) STRICT, WITHOUT ROWID;
