-- What is known of people beside how they sign in, and by what they proved who they are.

ALTER TABLE accounts ADD COLUMN kind           TEXT    NOT NULL DEFAULT 'person' CHECK (kind IN ('person', 'service'));
ALTER TABLE accounts ADD COLUMN email          TEXT;
ALTER TABLE accounts ADD COLUMN email_verified INTEGER;
ALTER TABLE accounts ADD COLUMN personal       TEXT    NOT NULL DEFAULT '{}';  -- a JSON object of claims
ALTER TABLE accounts ADD COLUMN updated        INTEGER NOT NULL DEFAULT 0;

UPDATE accounts SET updated = created;

-- A verified address is one account's only.
CREATE UNIQUE INDEX accounts_by_verified_email ON accounts (email) WHERE email_verified IS NOT NULL;

ALTER TABLE sessions ADD COLUMN authenticated INTEGER NOT NULL DEFAULT 0;
ALTER TABLE sessions ADD COLUMN methods       INTEGER NOT NULL DEFAULT 1;      -- model::Methods; 1 is a password

UPDATE sessions SET authenticated = started;
