//! The schema, step by step. A step that was released is never edited; the next one changes it.

use rusqlite::{Connection, TransactionBehavior};

use super::DatabaseError;

/// Brings the schema to the latest version, each step in a transaction of its own with the version.
pub(super) fn run(connection: &mut Connection) -> Result<(), DatabaseError> {
    let application: i32 = connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
    let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if application != APPLICATION && (application != 0 || tables != 0) {
        return Err(DatabaseError::NotOurs);
    }
    let known = u32::try_from(STEPS.len()).unwrap_or(u32::MAX);
    let found: u32 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if found > known {
        return Err(DatabaseError::Newer { found, known });
    }
    for (version, step) in (1..).zip(STEPS).skip_while(|(version, _)| *version <= found) {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        transaction.execute_batch(step)?;
        transaction.pragma_update(None, "application_id", APPLICATION)?;
        transaction.pragma_update::<u32>(None, "user_version", version)?;
        transaction.commit()?;
    }
    Ok(())
}

#[rustfmt::skip]
const STEPS: &[&str] = &[
    include_str!("0001_identity.sql"),
    include_str!("0002_people.sql"),
    include_str!("0003_keys.sql"),
    include_str!("0004_mail.sql"),
    include_str!("0005_factors.sql"),
    include_str!("0006_oauth.sql"),
    include_str!("0007_clients.sql"),
    include_str!("0008_federation.sql"),
    include_str!("0009_machines.sql"),
    include_str!("0010_directory.sql"),
    include_str!("0011_decoys.sql"),
    include_str!("0012_declared.sql"),
    include_str!("0013_attributes.sql"),
    include_str!("0014_resources.sql"),
    include_str!("0015_incidents.sql"),
    include_str!("0016_subjects.sql"),
    include_str!("0017_documents.sql"),
];

/// `GABI`, in the file's header.
const APPLICATION: i32 = 0x4741_4249;
