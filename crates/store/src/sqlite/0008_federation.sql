-- Who of another OpenID provider is whose account here. Times are microseconds since 1970 (UTC).

CREATE TABLE external_identities (
    id        TEXT    NOT NULL PRIMARY KEY,
    account   TEXT    NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    issuer    TEXT    NOT NULL,
    subject   TEXT    NOT NULL,
    label     TEXT    NOT NULL,             -- for the eyes
    linked    INTEGER NOT NULL,
    last_used INTEGER,
    UNIQUE (issuer, subject)
) STRICT, WITHOUT ROWID;

CREATE INDEX external_identities_by_account ON external_identities (account);
