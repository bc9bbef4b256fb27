-- The keys that sign tokens. The private part is PKCS#8, sealed under the key beside the database.

CREATE TABLE keys (
    kid     TEXT    NOT NULL PRIMARY KEY,  -- RFC 7638 thumbprint
    sealed  BLOB    NOT NULL,
    created INTEGER NOT NULL,              -- published from here on
    active  INTEGER NOT NULL,              -- signs from here on
    retired INTEGER,                       -- signed until here
    expires INTEGER                        -- published until here
) STRICT, WITHOUT ROWID;
