-- Accounts, sessions and one-time links. Times are microseconds since 1970 (UTC).

CREATE TABLE accounts (
    id               TEXT    NOT NULL PRIMARY KEY,
    name             TEXT    NOT NULL UNIQUE,      -- normalised
    tenant           TEXT    NOT NULL,
    roles            TEXT    NOT NULL,             -- a JSON array of names
    password         TEXT,                         -- a PHC string
    password_changed INTEGER,
    disabled         INTEGER NOT NULL CHECK (disabled IN (0, 1)),
    epoch            INTEGER NOT NULL,             -- the revocation epoch
    created          INTEGER NOT NULL,
    last_sign_in     INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE sessions (
    id          TEXT    NOT NULL PRIMARY KEY,
    ticket_hash BLOB    NOT NULL UNIQUE CHECK (length(ticket_hash) = 32),  -- SHA-256
    account     TEXT    NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    started     INTEGER NOT NULL,
    last_seen   INTEGER NOT NULL,
    address     TEXT,
    user_agent  TEXT
) STRICT, WITHOUT ROWID;

CREATE INDEX sessions_by_account ON sessions (account);

CREATE TABLE invitations (
    token_hash BLOB    NOT NULL PRIMARY KEY CHECK (length(token_hash) = 32),  -- SHA-256
    account    TEXT    NOT NULL UNIQUE REFERENCES accounts (id) ON DELETE CASCADE,
    purpose    TEXT    NOT NULL,
    created    INTEGER NOT NULL,
    expires    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
