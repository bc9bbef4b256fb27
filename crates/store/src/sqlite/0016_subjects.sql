-- The keys of the ledger's personal data: one of each account that records speak of, sealed with the ledger's key.

CREATE TABLE ledger_subjects (
    id       BLOB    NOT NULL PRIMARY KEY,
    sealed   BLOB    NOT NULL,
    erase_at INTEGER                     -- when the key is destroyed
) STRICT, WITHOUT ROWID;

-- Names under a keyed hash, so that an erased one stands nowhere.
CREATE TABLE ledger_names (
    tag      BLOB    NOT NULL PRIMARY KEY,
    subject  BLOB                        -- none: erased
) STRICT, WITHOUT ROWID;

CREATE INDEX ledger_names_by_subject ON ledger_names (subject);
