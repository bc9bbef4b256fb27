//! What applications registered about their objects.

use gabion_identity::StorageError;
use gabion_identity::storage::{ResourceStorage, StoredResource};
use gabion_model::{AccountId, Timestamp};
use rusqlite::{OptionalExtension as _, Row, named_params, params};

use super::Database;

impl ResourceStorage for Database {
    fn resource(&self, kind: &str, id: &str) -> Result<Option<StoredResource>, StorageError> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(READ)?;
            Ok(statement.query_row([kind, id], resource).optional()?)
        })
    }

    fn resources_of(
        &self,
        kind: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<StoredResource>, StorageError> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(LIST)?;
            let limit = i64::try_from(limit).unwrap_or(i64::MAX);
            let rows = statement.query_map(params![kind, after, limit], resource)?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    fn put_resource(&self, resource: &StoredResource) -> Result<(), StorageError> {
        self.write(|transaction| {
            transaction.prepare_cached(PUT)?.execute(named_params! {
                ":kind": resource.kind,
                ":id": resource.id,
                ":attributes": resource.attributes,
                ":parents": resource.parents,
                ":by": resource.by.as_str(),
                ":at": resource.at.as_micros(),
            })?;
            Ok(())
        })
    }

    fn remove_resource(&self, kind: &str, id: &str) -> Result<bool, StorageError> {
        self.write(|transaction| Ok(transaction.prepare_cached(REMOVE)?.execute([kind, id])? > 0))
    }
}

fn resource(row: &Row<'_>) -> rusqlite::Result<StoredResource> {
    let by: String = row.get("by_account")?;
    Ok(StoredResource {
        kind: row.get("kind")?,
        id: row.get("id")?,
        attributes: row.get("attributes")?,
        parents: row.get("parents")?,
        by: AccountId::new(&by),
        at: Timestamp::from_micros(row.get("at")?),
    })
}

const READ: &str = "
    SELECT kind, id, attributes, parents, by_account, at FROM resources WHERE kind = ?1 AND id = ?2";
const LIST: &str = "
    SELECT kind, id, attributes, parents, by_account, at FROM resources
    WHERE kind = ?1 AND (?2 IS NULL OR id > ?2) ORDER BY id LIMIT ?3";
const PUT: &str = "
    INSERT INTO resources (kind, id, attributes, parents, by_account, at)
    VALUES (:kind, :id, :attributes, :parents, :by, :at)
    ON CONFLICT (kind, id)
    DO UPDATE SET attributes = excluded.attributes, parents = excluded.parents,
        by_account = excluded.by_account, at = excluded.at";
const REMOVE: &str = "DELETE FROM resources WHERE kind = ?1 AND id = ?2";
