-- The applications that may ask for tokens.

CREATE TABLE clients (
    id                 TEXT    NOT NULL PRIMARY KEY,
    tenant             TEXT    NOT NULL,
    metadata           TEXT    NOT NULL,              -- a JSON object: identity's Metadata
    account            TEXT,                          -- its service account
    registration       TEXT    NOT NULL CHECK (registration IN ('dynamic', 'operator')),
    registration_token BLOB    CHECK (length(registration_token) = 32),  -- SHA-256
    disabled           INTEGER NOT NULL CHECK (disabled IN (0, 1)),
    created            INTEGER NOT NULL,
    updated            INTEGER NOT NULL,
    revision           INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE client_secrets (
    client   TEXT    NOT NULL REFERENCES clients (id) ON DELETE CASCADE,
    position INTEGER NOT NULL,                        -- the oldest first
    id       TEXT    NOT NULL,
    hash     BLOB    NOT NULL CHECK (length(hash) = 32),  -- SHA-256
    created  INTEGER NOT NULL,
    expires  INTEGER,
    PRIMARY KEY (client, position)
) STRICT, WITHOUT ROWID;
