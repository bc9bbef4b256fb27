-- What the identity file named, and what became of it.

CREATE TABLE declared (
    kind           TEXT    NOT NULL CHECK (kind IN ('account', 'client', 'group')),
    name           TEXT    NOT NULL,
    id             TEXT    NOT NULL,
    made           INTEGER NOT NULL CHECK (made IN (0, 1)),
    password_given INTEGER NOT NULL CHECK (password_given IN (0, 1)),
    PRIMARY KEY (kind, name)
) STRICT, WITHOUT ROWID;
