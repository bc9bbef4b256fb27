-- Incidents: their steps as JSON, byte for byte what the digest covers, and the evidence.

CREATE TABLE incidents (
    id     INTEGER PRIMARY KEY,
    closed INTEGER NOT NULL
) STRICT;

CREATE INDEX incidents_open ON incidents (id) WHERE closed = 0;

CREATE TABLE incident_steps (
    incident INTEGER NOT NULL REFERENCES incidents (id),
    number   INTEGER NOT NULL,
    step     BLOB    NOT NULL,
    digest   BLOB    NOT NULL,
    record   INTEGER NOT NULL,
    PRIMARY KEY (incident, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE incident_evidence (
    incident INTEGER NOT NULL REFERENCES incidents (id),
    id       INTEGER NOT NULL,
    content  BLOB    NOT NULL,
    PRIMARY KEY (incident, id)
) STRICT;

-- The last record of the ledger that was looked at for alerts.
CREATE TABLE incident_cursor (
    one      INTEGER PRIMARY KEY CHECK (one = 1),
    position INTEGER NOT NULL
) STRICT;
