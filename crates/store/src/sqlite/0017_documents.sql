-- What engines remember that nobody asks for by its parts: alerts, measures.

CREATE TABLE documents (
    area TEXT NOT NULL,
    id   TEXT NOT NULL,
    text TEXT NOT NULL,
    PRIMARY KEY (area, id)
) STRICT, WITHOUT ROWID;
