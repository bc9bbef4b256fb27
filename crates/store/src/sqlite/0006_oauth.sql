-- The OpenID Connect provider: what is on its way, what was granted, what people agreed to.

CREATE TABLE oauth_pending (
    id         BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 32),  -- SHA-256 of what the browser has
    browser    BLOB    NOT NULL CHECK (length(browser) = 32),         -- SHA-256 of the browser's cookie
    request    TEXT    NOT NULL,                                      -- JSON
    begun      INTEGER NOT NULL,
    selected   INTEGER NOT NULL,
    stepped_up INTEGER NOT NULL,
    expires    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX oauth_pending_by_expires ON oauth_pending (expires);

CREATE TABLE oauth_grants (
    id          TEXT    NOT NULL PRIMARY KEY,
    client      TEXT    NOT NULL,
    account     TEXT    NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    epoch       INTEGER NOT NULL,
    session     TEXT,
    offline     INTEGER NOT NULL,
    terms       TEXT    NOT NULL,                                     -- JSON
    code_hash   BLOB    UNIQUE CHECK (length(code_hash) = 32),
    redeemed    INTEGER,
    created     INTEGER NOT NULL,
    last_used   INTEGER NOT NULL,
    expires     INTEGER NOT NULL,
    latest      INTEGER NOT NULL,
    ended       INTEGER,
    refresh_key BLOB,                                                 -- sealed
    counter     INTEGER NOT NULL DEFAULT 0,
    last_time   INTEGER,
    last_asked  BLOB,
    last_answer BLOB                                                  -- sealed
) STRICT;

CREATE INDEX oauth_grants_by_account ON oauth_grants (account, client);
CREATE INDEX oauth_grants_by_session ON oauth_grants (session) WHERE session IS NOT NULL;
CREATE INDEX oauth_grants_by_client ON oauth_grants (client);
CREATE INDEX oauth_grants_by_ended ON oauth_grants (ended) WHERE ended IS NOT NULL;

CREATE TABLE oauth_consents (
    account TEXT    NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    client  TEXT    NOT NULL,
    scope   TEXT    NOT NULL,
    claims  TEXT    NOT NULL,                                         -- JSON array
    granted INTEGER NOT NULL,
    PRIMARY KEY (account, client)
) STRICT, WITHOUT ROWID;
