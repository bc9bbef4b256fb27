-- Groups, names that are not given again, and what lists of a million accounts are found by.

ALTER TABLE accounts ADD COLUMN external_id TEXT;                              -- RFC 7643, 3.1

CREATE INDEX accounts_by_external_id ON accounts (external_id) WHERE external_id IS NOT NULL;
CREATE INDEX accounts_by_email ON accounts (email) WHERE email IS NOT NULL;

-- Who has which role of their own: what stands in accounts.roles, to be found by role.
CREATE TABLE account_roles (
    role    TEXT NOT NULL,
    account TEXT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    PRIMARY KEY (role, account)
) STRICT, WITHOUT ROWID;

CREATE INDEX account_roles_by_account ON account_roles (account);

INSERT INTO account_roles (role, account)
SELECT DISTINCT one.value, accounts.id FROM accounts, json_each(accounts.roles) AS one;

CREATE TABLE groups (
    id          TEXT    NOT NULL PRIMARY KEY,
    name        TEXT    NOT NULL,
    folded      TEXT    NOT NULL UNIQUE,           -- the name in lower case
    tenant      TEXT    NOT NULL,
    roles       TEXT    NOT NULL,                  -- a JSON array of names
    external_id TEXT,
    created     INTEGER NOT NULL,
    updated     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX groups_by_external_id ON groups (external_id) WHERE external_id IS NOT NULL;

CREATE TABLE group_members (
    group_id TEXT NOT NULL REFERENCES groups (id) ON DELETE CASCADE,
    account  TEXT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    PRIMARY KEY (group_id, account)
) STRICT, WITHOUT ROWID;

CREATE INDEX group_members_by_account ON group_members (account);

-- Names of removed accounts.
CREATE TABLE kept_names (
    name    TEXT    NOT NULL PRIMARY KEY,
    removed INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
