-- API keys. Times are microseconds since 1970 (UTC).

CREATE TABLE api_keys (
    id        TEXT    NOT NULL PRIMARY KEY,
    hash      BLOB    NOT NULL UNIQUE CHECK (length(hash) = 32),  -- SHA-256 of the whole key
    account   TEXT    NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    label     TEXT    NOT NULL,
    hint      TEXT    NOT NULL,                                   -- the key's beginning
    scopes    TEXT    NOT NULL,                                   -- words with blanks between them
    created   INTEGER NOT NULL,
    expires   INTEGER NOT NULL,
    last_used INTEGER,
    successor TEXT
) STRICT, WITHOUT ROWID;

CREATE INDEX api_keys_by_account ON api_keys (account);
