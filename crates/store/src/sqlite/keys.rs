//! API keys.

use gabion_identity::storage::ApiKeyStorage;
use gabion_identity::{Account, ApiKey, ApiKeyId, Scopes, StorageError};
use gabion_model::{AccountId, Timestamp};
use rusqlite::{OptionalExtension as _, Row, named_params};

use super::Database;
use super::accounts::{account, account_columns, epoch_to_integer, malformed};

impl ApiKeyStorage for Database {
    fn insert_key(&self, key: &ApiKey, epoch: u64, replaced: Option<&ApiKey>) -> Result<(), StorageError> {
        self.write(|transaction| {
            let mut allowed = transaction.prepare_cached(ALLOWED)?;
            let allowed =
                allowed.query_row((key.account.as_str(), epoch_to_integer(epoch)), |_| Ok(())).optional()?;
            if allowed.is_none() {
                return Err(StorageError::Stale.into());
            }
            if let Some(former) = replaced {
                let successor = former.successor.as_ref().map(ApiKeyId::as_str);
                let changed = transaction.prepare_cached(REPLACE)?.execute((
                    former.id.as_str(),
                    former.expires.as_micros(),
                    successor,
                ))?;
                if changed == 0 {
                    return Err(StorageError::NotFound.into());
                }
            }
            transaction.prepare_cached(INSERT)?.execute(named_params! {
                ":id": key.id.as_str(),
                ":hash": key.hash,
                ":account": key.account.as_str(),
                ":label": key.label,
                ":hint": key.hint,
                ":scopes": key.scopes.to_string(),
                ":created": key.created.as_micros(),
                ":expires": key.expires.as_micros(),
                ":last_used": key.last_used.map(Timestamp::as_micros),
                ":successor": key.successor.as_ref().map(ApiKeyId::as_str),
            })?;
            Ok(())
        })
    }

    fn load_keys(&self) -> Result<Vec<(ApiKey, Account)>, StorageError> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(LOAD)?;
            let rows = statement.query_map([], |row| Ok((key(row)?, account(row)?)))?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    fn remove_keys(&self, ids: &[ApiKeyId]) -> Result<(), StorageError> {
        self.write(|transaction| {
            let mut statement = transaction.prepare_cached(REMOVE)?;
            for id in ids {
                statement.execute([id.as_str()])?;
            }
            Ok(())
        })
    }

    fn touch_keys(&self, used: &[(ApiKeyId, Timestamp)]) -> Result<(), StorageError> {
        self.write(|transaction| {
            let mut statement = transaction.prepare_cached(TOUCH)?;
            for (id, time) in used {
                statement.execute((id.as_str(), time.as_micros()))?;
            }
            Ok(())
        })
    }
}

fn key(row: &Row<'_>) -> rusqlite::Result<ApiKey> {
    let scopes: String = row.get("scopes")?;
    let text = |column| row.get::<_, String>(column);
    Ok(ApiKey {
        id: ApiKeyId::new(&text("key_id")?),
        hash: row.get("hash")?,
        account: AccountId::new(&text("account_id")?),
        label: text("label")?,
        hint: text("hint")?,
        scopes: Scopes::parse(&scopes).map_err(|error| malformed("scopes", error))?,
        created: Timestamp::from_micros(row.get("key_created")?),
        expires: Timestamp::from_micros(row.get("expires")?),
        last_used: row.get::<_, Option<i64>>("last_used")?.map(Timestamp::from_micros),
        successor: row.get::<_, Option<String>>("successor")?.map(|id| ApiKeyId::new(&id)),
    })
}

const ALLOWED: &str = "SELECT 1 FROM accounts WHERE id = ?1 AND disabled = 0 AND epoch = ?2";
const REPLACE: &str = "UPDATE api_keys SET expires = ?2, successor = ?3 WHERE id = ?1";
const INSERT: &str = "
    INSERT INTO api_keys (id, hash, account, label, hint, scopes, created, expires, last_used, successor)
    VALUES (:id, :hash, :account, :label, :hint, :scopes, :created, :expires, :last_used, :successor)";
const LOAD: &str = concat!(
    "SELECT api_keys.id AS key_id, hash, label, hint, scopes, api_keys.created AS key_created, expires, \
    last_used, successor, ",
    account_columns!(),
    " FROM api_keys JOIN accounts ON accounts.id = api_keys.account WHERE disabled = 0"
);
const REMOVE: &str = "DELETE FROM api_keys WHERE id = ?1";
const TOUCH: &str = "UPDATE api_keys SET last_used = ?2 WHERE id = ?1";
