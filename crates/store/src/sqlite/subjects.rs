//! The keys of the ledger's personal data. Destroying one overwrites it in the file (`secure_delete`) and in the log that is
//! written ahead.

use std::fmt;
use std::io;
use std::sync::Arc;

use gabion_identity::StorageError;
use gabion_ledger::personal::{Mention, Standing, Subject, SubjectId, Subjects};
use gabion_model::Timestamp;
use gabion_vault::SealingKey;
use rusqlite::{Connection, OptionalExtension as _};

use super::{Database, Failure};

/// The keys of accounts in a database. `tags` makes names unreadable.
pub struct SubjectKeys {
    database: Database,
    tags: Arc<SealingKey>,
}

impl SubjectKeys {
    #[must_use]
    pub const fn new(database: Database, tags: Arc<SealingKey>) -> Self {
        Self { database, tags }
    }

    fn tag(&self, name: &str) -> [u8; 32] {
        self.tags.tag("ledger:name", name.as_bytes())
    }
}

/// What a name's row says.
enum Row {
    Erased,
    Live { subject: Subject, due: bool },
}

impl Subjects for SubjectKeys {
    fn named(
        &self,
        name: &str,
        mention: Mention,
        make: &dyn Fn() -> io::Result<Subject>,
    ) -> io::Result<Standing> {
        let tag = self.tag(name);
        let (row, account) = self
            .database
            .read(|connection| Ok((row(connection, &tag)?, has_account(connection, name)?)))
            .map_err(failed)?;
        let new = match (&row, mention) {
            (Some(Row::Live { subject, .. }), Mention::Alias(id)) if subject.id == id => false,
            (_, Mention::Alias(id)) => {
                self.point(&tag, id)?;
                return Ok(self
                    .sealed(id)?
                    .map_or(Standing::Erased, |sealed| Standing::Known(Subject { id, sealed })));
            }
            // Somebody else has the name by now: the former one's key stays due.
            (Some(Row::Live { due, .. }), mention) => *due && (mention == Mention::Created || account),
            (Some(Row::Erased), mention) => mention == Mention::Created || account,
            (None, Mention::Actor | Mention::Created) => true,
            (None, Mention::Named) => account,
        };
        if new {
            let subject = make()?;
            let written = self.database.write(|transaction| {
                transaction.prepare_cached(INSERT)?.execute((&subject.id.0, &subject.sealed))?;
                transaction.prepare_cached(POINT)?.execute((&tag, &subject.id.0))?;
                Ok(())
            });
            written.map_err(failed)?;
            return Ok(Standing::Known(subject));
        }
        Ok(match row {
            Some(Row::Live { subject, .. }) => Standing::Known(subject),
            Some(Row::Erased) => Standing::Erased,
            None => Standing::Stranger,
        })
    }

    fn sealed(&self, subject: SubjectId) -> io::Result<Option<Vec<u8>>> {
        self.database
            .read(|connection| {
                let mut statement = connection.prepare_cached(SEALED)?;
                Ok(statement.query_row([&subject.0], |row| row.get(0)).optional()?)
            })
            .map_err(failed)
    }

    fn erase(&self, name: &str) -> io::Result<Option<SubjectId>> {
        let tag = self.tag(name);
        let erased = self.database.write(|transaction| {
            let Some(Row::Live { subject, .. }) = row(transaction, &tag)? else { return Ok(None) };
            destroy(transaction, subject.id)?;
            Ok(Some(subject.id))
        });
        let erased = erased.map_err(failed)?;
        self.database.truncate_log().map_err(failed)?;
        Ok(erased)
    }

    fn erase_at(&self, name: &str, at: Timestamp) -> io::Result<Option<SubjectId>> {
        let tag = self.tag(name);
        let due = self.database.write(|transaction| {
            let Some(Row::Live { subject, .. }) = row(transaction, &tag)? else { return Ok(None) };
            transaction.prepare_cached(DUE_AT)?.execute((&subject.id.0, at.as_micros()))?;
            Ok(Some(subject.id))
        });
        due.map_err(failed)
    }

    fn due(&self, now: Timestamp, spared: &[SubjectId]) -> io::Result<u64> {
        let due = self.database.read(|connection| due(connection, now, spared)).map_err(failed)?;
        Ok(due.len() as u64)
    }

    fn erase_due(&self, now: Timestamp, spared: &[SubjectId]) -> io::Result<Vec<SubjectId>> {
        let due = |connection: &Connection| due(connection, now, spared);
        if self.database.read(due).map_err(failed)?.is_empty() {
            return Ok(Vec::new());
        }
        let erased = self.database.write(|transaction| {
            let ids = due(transaction)?;
            ids.iter().try_for_each(|id| destroy(transaction, *id))?;
            Ok(ids)
        });
        let erased = erased.map_err(failed)?;
        self.database.truncate_log().map_err(failed)?;
        Ok(erased)
    }

    fn reseal(&self, again: &dyn Fn(&Subject) -> io::Result<Vec<u8>>) -> io::Result<()> {
        let resealed = self.database.write(|transaction| {
            let mut statement = transaction.prepare_cached(ALL)?;
            let all = statement
                .query_map([], |row| Ok(Subject { id: SubjectId(row.get(0)?), sealed: row.get(1)? }))?
                .collect::<Result<Vec<_>, _>>()?;
            for subject in all {
                let sealed = again(&subject).map_err(|error| StorageError::Io(error.to_string()))?;
                transaction.prepare_cached(RESEAL)?.execute((&subject.id.0, sealed))?;
            }
            Ok(())
        });
        resealed.map_err(failed)
    }
}

impl SubjectKeys {
    fn point(&self, tag: &[u8; 32], subject: SubjectId) -> io::Result<()> {
        self.database
            .write(|transaction| {
                transaction.prepare_cached(POINT)?.execute((tag, &subject.0))?;
                Ok(())
            })
            .map_err(failed)
    }
}

impl fmt::Debug for SubjectKeys {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("SubjectKeys")
    }
}

fn row(connection: &Connection, tag: &[u8; 32]) -> Result<Option<Row>, Failure> {
    let mut statement = connection.prepare_cached(NAMED)?;
    let row = statement.query_row([tag], |row| {
        let (id, sealed): (Option<[u8; 16]>, Option<Vec<u8>>) = (row.get(0)?, row.get(1)?);
        let due: Option<i64> = row.get(2)?;
        Ok(match (id, sealed) {
            (Some(id), Some(sealed)) => {
                Row::Live { subject: Subject { id: SubjectId(id), sealed }, due: due.is_some() }
            }
            _ => Row::Erased,
        })
    });
    Ok(row.optional()?)
}

fn due(connection: &Connection, now: Timestamp, spared: &[SubjectId]) -> Result<Vec<SubjectId>, Failure> {
    let mut statement = connection.prepare_cached(DUE)?;
    let ids = statement.query_map([now.as_micros()], |row| Ok(SubjectId(row.get(0)?)))?;
    let mut ids = ids.collect::<Result<Vec<_>, _>>()?;
    ids.retain(|id| !spared.contains(id));
    Ok(ids)
}

fn has_account(connection: &Connection, name: &str) -> Result<bool, Failure> {
    let mut statement = connection.prepare_cached(ACCOUNT)?;
    Ok(statement.query_row([name], |_| Ok(())).optional()?.is_some())
}

fn destroy(transaction: &Connection, id: SubjectId) -> Result<(), Failure> {
    transaction.prepare_cached(DESTROY)?.execute([&id.0])?;
    transaction.prepare_cached(FORGET)?.execute([&id.0])?;
    Ok(())
}

fn failed(error: StorageError) -> io::Error {
    io::Error::other(format!("the keys of personal data: {error}"))
}

const NAMED: &str = "
    SELECT ledger_names.subject, sealed, erase_at
    FROM ledger_names LEFT JOIN ledger_subjects ON ledger_subjects.id = ledger_names.subject WHERE tag = ?1";
const ACCOUNT: &str = "SELECT 1 FROM accounts WHERE name = ?1";
const INSERT: &str = "INSERT INTO ledger_subjects (id, sealed) VALUES (?1, ?2)";
const POINT: &str = "INSERT OR REPLACE INTO ledger_names (tag, subject) VALUES (?1, ?2)";
const SEALED: &str = "SELECT sealed FROM ledger_subjects WHERE id = ?1";
const DESTROY: &str = "DELETE FROM ledger_subjects WHERE id = ?1";
const FORGET: &str = "UPDATE ledger_names SET subject = NULL WHERE subject = ?1";
const DUE_AT: &str = "UPDATE ledger_subjects SET erase_at = ?2 WHERE id = ?1";
const DUE: &str = "SELECT id FROM ledger_subjects WHERE erase_at <= ?1";
const ALL: &str = "SELECT id, sealed FROM ledger_subjects";
const RESEAL: &str = "UPDATE ledger_subjects SET sealed = ?2 WHERE id = ?1";
