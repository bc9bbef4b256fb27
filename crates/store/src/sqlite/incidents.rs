//! Incidents.

use gabion_identity::StorageError as Refused;
use gabion_incident::{IncidentStorage, StorageError, StoredStep};
use rusqlite::{OptionalExtension as _, params};

use super::{Database, Failure};

impl IncidentStorage for Database {
    fn latest(&self) -> Result<u64, StorageError> {
        self.read(|connection| {
            let latest: Option<i64> =
                connection.query_row("SELECT max(id) FROM incidents", [], |row| row.get(0))?;
            Ok(latest.map_or(0, number))
        })
        .map_err(of)
    }

    fn ids(&self, before: Option<u64>, open: bool, limit: usize) -> Result<Vec<u64>, StorageError> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(if open { OPEN } else { ALL })?;
            let (before, limit) = (before.map_or(i64::MAX, signed), i64::try_from(limit).unwrap_or(i64::MAX));
            let rows = statement.query_map(params![before, limit], |row| row.get(0).map(number))?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
        .map_err(of)
    }

    fn steps(&self, incident: u64) -> Result<Vec<StoredStep>, StorageError> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(STEPS)?;
            let rows = statement.query_map([signed(incident)], |row| {
                let digest: Vec<u8> = row.get(2)?;
                Ok(StoredStep {
                    number: number(row.get(0)?),
                    step: row.get(1)?,
                    // One of another length is none that fits.
                    digest: digest.try_into().unwrap_or([0; 32]),
                    record: number(row.get(3)?),
                })
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
        .map_err(of)
    }

    fn append(
        &self,
        incident: u64,
        step: &StoredStep,
        is_closed: bool,
        content: Option<(u64, &[u8])>,
    ) -> Result<(), StorageError> {
        let incident = signed(incident);
        self.write(|transaction| {
            let last: Option<i64> = transaction
                .prepare_cached("SELECT max(number) FROM incident_steps WHERE incident = ?1")?
                .query_row([incident], |row| row.get(0))?;
            if last.map_or(0, number).saturating_add(1) != step.number {
                return Err(Failure(Refused::Taken));
            }
            transaction.prepare_cached(PUT)?.execute(params![incident, is_closed])?;
            transaction.prepare_cached(ADD)?.execute(params![
                incident,
                signed(step.number),
                step.step,
                step.digest.as_slice(),
                signed(step.record),
            ])?;
            if let Some((evidence, bytes)) = content {
                transaction.prepare_cached(KEEP)?.execute(params![incident, signed(evidence), bytes])?;
            }
            Ok(())
        })
        .map_err(of)
    }

    fn content(&self, incident: u64, evidence: u64) -> Result<Option<Vec<u8>>, StorageError> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(CONTENT)?;
            let content = statement.query_row([signed(incident), signed(evidence)], |row| row.get(0));
            Ok(content.optional()?)
        })
        .map_err(of)
    }

    fn cursor(&self) -> Result<Option<u64>, StorageError> {
        self.read(|connection| {
            let position = connection.query_row("SELECT position FROM incident_cursor", [], |row| row.get(0));
            Ok(position.optional()?.map(number))
        })
        .map_err(of)
    }

    fn set_cursor(&self, position: u64) -> Result<(), StorageError> {
        self.write(|transaction| {
            transaction.prepare_cached(CURSOR)?.execute([signed(position)])?;
            Ok(())
        })
        .map_err(of)
    }
}

fn of(error: Refused) -> StorageError {
    match error {
        Refused::Full => StorageError::Full,
        Refused::Taken => StorageError::Taken,
        error => StorageError::Io(error.to_string()),
    }
}

fn number(stored: i64) -> u64 {
    u64::try_from(stored).unwrap_or(0)
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

const OPEN: &str = "SELECT id FROM incidents WHERE closed = 0 AND id < ?1 ORDER BY id DESC LIMIT ?2";
const ALL: &str = "SELECT id FROM incidents WHERE id < ?1 ORDER BY id DESC LIMIT ?2";
const STEPS: &str =
    "SELECT number, step, digest, record FROM incident_steps WHERE incident = ?1 ORDER BY number";
const PUT: &str = "
    INSERT INTO incidents (id, closed) VALUES (?1, ?2)
    ON CONFLICT (id) DO UPDATE SET closed = excluded.closed";
const ADD: &str = "
    INSERT INTO incident_steps (incident, number, step, digest, record) VALUES (?1, ?2, ?3, ?4, ?5)";
const KEEP: &str = "INSERT INTO incident_evidence (incident, id, content) VALUES (?1, ?2, ?3)";
const CONTENT: &str = "SELECT content FROM incident_evidence WHERE incident = ?1 AND id = ?2";
const CURSOR: &str = "
    INSERT INTO incident_cursor (one, position) VALUES (1, ?1)
    ON CONFLICT (one) DO UPDATE SET position = excluded.position";
