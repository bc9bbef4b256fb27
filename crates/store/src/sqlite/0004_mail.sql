-- Links that prove an address or take a change of it back, and the devices an account is known from.

CREATE TABLE mail_links (
    token_hash BLOB    NOT NULL PRIMARY KEY,
    account    TEXT    NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    purpose    TEXT    NOT NULL CHECK (purpose IN ('cancel', 'confirm')),
    email      TEXT    NOT NULL,
    created    INTEGER NOT NULL,
    expires    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX mail_links_by_account ON mail_links (account);

CREATE TABLE devices (
    account TEXT    NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    device  BLOB    NOT NULL,  -- SHA-256 of the kind of program and the network
    seen    INTEGER NOT NULL,
    PRIMARY KEY (account, device)
) STRICT, WITHOUT ROWID;
