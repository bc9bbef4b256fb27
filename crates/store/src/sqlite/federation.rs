//! Identities of other providers.

use gabion_identity::federation::external::{ExternalIdentity, FederationStorage, IdentityId};
use gabion_identity::{Account, StorageError};
use gabion_model::{AccountId, Timestamp};
use rusqlite::{Connection, OptionalExtension as _, Row, named_params};

use super::{Database, Failure, accounts};

impl FederationStorage for Database {
    fn link_identity(&self, identity: &ExternalIdentity) -> Result<(), StorageError> {
        self.write(|transaction| {
            let account = identity.account.as_str();
            let known = transaction.prepare_cached(KNOWN)?.query_row([account], |_| Ok(())).optional()?;
            if known.is_none() {
                return Err(StorageError::NotFound.into());
            }
            link(transaction, identity)
        })
    }

    fn provision(&self, account: &Account, identity: &ExternalIdentity) -> Result<(), StorageError> {
        self.write(|transaction| {
            accounts::insert(transaction, account)?;
            link(transaction, identity)
        })
    }

    fn identity(&self, issuer: &str, subject: &str) -> Result<Option<ExternalIdentity>, StorageError> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(FIND)?;
            Ok(statement.query_row((issuer, subject), identity).optional()?)
        })
    }

    fn identities(&self, account: &AccountId) -> Result<Vec<ExternalIdentity>, StorageError> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(LIST)?;
            Ok(statement.query_map([account.as_str()], identity)?.collect::<Result<_, _>>()?)
        })
    }

    fn identity_used(&self, id: &IdentityId, label: &str, now: Timestamp) -> Result<(), StorageError> {
        self.write(|transaction| {
            transaction.prepare_cached(USED)?.execute((id.as_str(), label, now.as_micros()))?;
            Ok(())
        })
    }

    fn unlink_identity(
        &self,
        account: &AccountId,
        id: &IdentityId,
        keep_one: bool,
    ) -> Result<bool, StorageError> {
        self.write(|transaction| {
            let removed = transaction.prepare_cached(UNLINK)?.execute((id.as_str(), account.as_str()))?;
            let left: i64 =
                transaction.prepare_cached(COUNT)?.query_row([account.as_str()], |row| row.get(0))?;
            if removed > 0 && keep_one && left == 0 {
                return Err(StorageError::Stale.into());
            }
            Ok(removed > 0)
        })
    }
}

fn link(transaction: &Connection, identity: &ExternalIdentity) -> Result<(), Failure> {
    transaction.prepare_cached(INSERT)?.execute(named_params! {
        ":id": identity.id.as_str(),
        ":account": identity.account.as_str(),
        ":issuer": identity.issuer,
        ":subject": identity.subject,
        ":label": identity.label,
        ":linked": identity.linked.as_micros(),
        ":last_used": identity.last_used.map(Timestamp::as_micros),
    })?;
    Ok(())
}

fn identity(row: &Row<'_>) -> rusqlite::Result<ExternalIdentity> {
    Ok(ExternalIdentity {
        id: IdentityId::new(&row.get::<_, String>("id")?),
        account: AccountId::new(&row.get::<_, String>("account")?),
        issuer: row.get("issuer")?,
        subject: row.get("subject")?,
        label: row.get("label")?,
        linked: Timestamp::from_micros(row.get("linked")?),
        last_used: row.get::<_, Option<i64>>("last_used")?.map(Timestamp::from_micros),
    })
}

const KNOWN: &str = "SELECT 1 FROM accounts WHERE id = ?1";
const INSERT: &str = "
    INSERT INTO external_identities (id, account, issuer, subject, label, linked, last_used)
    VALUES (:id, :account, :issuer, :subject, :label, :linked, :last_used)";
const FIND: &str = "
    SELECT id, account, issuer, subject, label, linked, last_used FROM external_identities
    WHERE issuer = ?1 AND subject = ?2";
const LIST: &str = "
    SELECT id, account, issuer, subject, label, linked, last_used FROM external_identities
    WHERE account = ?1 ORDER BY linked, id";
const USED: &str = "UPDATE external_identities SET label = ?2, last_used = ?3 WHERE id = ?1";
const UNLINK: &str = "DELETE FROM external_identities WHERE id = ?1 AND account = ?2";
const COUNT: &str = "SELECT count(*) FROM external_identities WHERE account = ?1";
