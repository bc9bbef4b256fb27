//! Signing keys.

use gabion_identity::StorageError;
use gabion_identity::keyring::{StoredKey, Times};
use gabion_identity::storage::KeyStorage;
use gabion_model::Timestamp;
use rusqlite::{Row, named_params};

use super::Database;

impl KeyStorage for Database {
    fn signing_keys(&self) -> Result<Vec<StoredKey>, StorageError> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(LIST)?;
            Ok(statement.query_map([], key)?.collect::<Result<_, _>>()?)
        })
    }

    fn add_signing_key(&self, key: &StoredKey) -> Result<(), StorageError> {
        self.write(|transaction| {
            transaction.prepare_cached(INSERT)?.execute(named_params! {
                ":kid": key.kid,
                ":sealed": key.sealed,
                ":created": key.times.created.as_micros(),
                ":active": key.times.active.as_micros(),
                ":retired": key.times.retired.map(Timestamp::as_micros),
                ":expires": key.times.expires.map(Timestamp::as_micros),
            })?;
            Ok(())
        })
    }

    fn retire_signing_key(
        &self,
        kid: &str,
        retired: Timestamp,
        expires: Timestamp,
    ) -> Result<(), StorageError> {
        self.write(|transaction| {
            let mut statement = transaction.prepare_cached(RETIRE)?;
            match statement.execute((kid, retired.as_micros(), expires.as_micros()))? {
                0 => Err(StorageError::NotFound.into()),
                _ => Ok(()),
            }
        })
    }

    fn remove_signing_key(&self, kid: &str) -> Result<(), StorageError> {
        self.write(|transaction| {
            transaction.prepare_cached(REMOVE)?.execute([kid])?;
            Ok(())
        })
    }
}

fn key(row: &Row<'_>) -> rusqlite::Result<StoredKey> {
    let time =
        |column| Ok::<_, rusqlite::Error>(row.get::<_, Option<i64>>(column)?.map(Timestamp::from_micros));
    Ok(StoredKey {
        kid: row.get("kid")?,
        sealed: row.get("sealed")?,
        times: Times {
            created: Timestamp::from_micros(row.get("created")?),
            active: Timestamp::from_micros(row.get("active")?),
            retired: time("retired")?,
            expires: time("expires")?,
        },
    })
}

const LIST: &str =
    "SELECT kid, sealed, created, active, retired, expires FROM signing_keys ORDER BY created, kid";
const INSERT: &str = "
    INSERT INTO signing_keys (kid, sealed, created, active, retired, expires)
    VALUES (:kid, :sealed, :created, :active, :retired, :expires)";
const RETIRE: &str = "UPDATE signing_keys SET retired = ?2, expires = ?3 WHERE kid = ?1";
const REMOVE: &str = "DELETE FROM signing_keys WHERE kid = ?1";
