//! One-time links.

use gabion_identity::storage::InvitationStorage;
use gabion_identity::{Invitation, Purpose, StorageError};
use gabion_model::{AccountId, Timestamp};
use rusqlite::{OptionalExtension as _, Row, named_params};

use super::Database;
use super::accounts::malformed;

impl InvitationStorage for Database {
    fn put(&self, invitation: &Invitation) -> Result<(), StorageError> {
        self.write(|transaction| {
            let account = invitation.account.as_str();
            let known = transaction.prepare_cached(KNOWN)?.query_row([account], |_| Ok(())).optional()?;
            if known.is_none() {
                return Err(StorageError::NotFound.into());
            }
            transaction.prepare_cached(REMOVE_FORMER)?.execute([account])?;
            transaction.prepare_cached(INSERT)?.execute(named_params! {
                ":token_hash": invitation.token_hash,
                ":account": account,
                ":purpose": purpose_to_text(invitation.purpose),
                ":created": invitation.created.as_micros(),
                ":expires": invitation.expires.as_micros(),
            })?;
            Ok(())
        })
    }

    fn find(&self, token_hash: &[u8; 32], now: Timestamp) -> Result<Option<Invitation>, StorageError> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(FIND)?;
            let found = statement.query_row([token_hash], invitation).optional()?;
            Ok(found.filter(|one| !one.is_expired(now)))
        })
    }

    fn take(&self, token_hash: &[u8; 32], now: Timestamp) -> Result<Option<Invitation>, StorageError> {
        self.write(|transaction| {
            let mut statement = transaction.prepare_cached(TAKE)?;
            let taken = statement.query_row([token_hash], invitation).optional()?;
            Ok(taken.filter(|one| !one.is_expired(now)))
        })
    }
}

fn invitation(row: &Row<'_>) -> rusqlite::Result<Invitation> {
    let purpose: String = row.get("purpose")?;
    Ok(Invitation {
        token_hash: row.get("token_hash")?,
        account: AccountId::new(&row.get::<_, String>("account")?),
        purpose: purpose_from_text(&purpose)
            .ok_or_else(|| malformed("purpose", StorageError::Io(format!("`{purpose}`"))))?,
        created: Timestamp::from_micros(row.get("created")?),
        expires: Timestamp::from_micros(row.get("expires")?),
    })
}

const fn purpose_to_text(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::Enrolment => "enrolment",
        Purpose::FirstAdministrator => "first_administrator",
        Purpose::Forgotten => "forgotten",
        Purpose::Reset => "reset",
    }
}

fn purpose_from_text(text: &str) -> Option<Purpose> {
    [Purpose::Enrolment, Purpose::FirstAdministrator, Purpose::Forgotten, Purpose::Reset]
        .into_iter()
        .find(|purpose| purpose_to_text(*purpose) == text)
}

const KNOWN: &str = "SELECT 1 FROM accounts WHERE id = ?1";
const REMOVE_FORMER: &str = "DELETE FROM invitations WHERE account = ?1";
const INSERT: &str = "
    INSERT INTO invitations (token_hash, account, purpose, created, expires)
    VALUES (:token_hash, :account, :purpose, :created, :expires)";
const FIND: &str =
    "SELECT token_hash, account, purpose, created, expires FROM invitations WHERE token_hash = ?1";
const TAKE: &str = "
    DELETE FROM invitations WHERE token_hash = ?1
    RETURNING token_hash, account, purpose, created, expires";
