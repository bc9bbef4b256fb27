-- Second factors: authenticator apps, passkeys, recovery codes.

CREATE TABLE totps (
    number    INTEGER NOT NULL PRIMARY KEY,       -- the order they were added in
    id        TEXT    NOT NULL UNIQUE,
    account   TEXT    NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    name      TEXT    NOT NULL,
    sealed    BLOB    NOT NULL,                   -- the secret, under totps:sealed:<account>:<id>
    last_step INTEGER NOT NULL,                   -- no code of this or an earlier step is accepted
    created   INTEGER NOT NULL,
    last_used INTEGER
) STRICT;

CREATE INDEX totps_by_account ON totps (account);

CREATE TABLE passkeys (
    number          INTEGER NOT NULL PRIMARY KEY,
    id              TEXT    NOT NULL UNIQUE,
    account         TEXT    NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    name            TEXT    NOT NULL,
    credential      BLOB    NOT NULL UNIQUE,      -- one account's only
    public_key      BLOB    NOT NULL,             -- a COSE key
    sign_count      INTEGER NOT NULL,
    backup_eligible INTEGER NOT NULL CHECK (backup_eligible IN (0, 1)),
    backed_up       INTEGER NOT NULL CHECK (backed_up IN (0, 1)),
    transports      TEXT    NOT NULL,             -- separated by spaces
    aaguid          BLOB    NOT NULL CHECK (length(aaguid) = 16),
    created         INTEGER NOT NULL,
    last_used       INTEGER
) STRICT;

CREATE INDEX passkeys_by_account ON passkeys (account);

CREATE TABLE recovery_codes (
    account TEXT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    hash    BLOB NOT NULL CHECK (length(hash) = 32),
    PRIMARY KEY (account, hash)
) STRICT, WITHOUT ROWID;
