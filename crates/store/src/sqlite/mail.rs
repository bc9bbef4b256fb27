//! Links by mail and known devices.

use gabion_identity::StorageError;
use gabion_identity::mail::{Device, MailLink, MailPurpose};
use gabion_identity::storage::DEVICE_PRECISION;
use gabion_identity::storage::MailStorage;
use gabion_model::{AccountId, Timestamp};
use rusqlite::{Connection, OptionalExtension as _, Row, named_params};

use super::accounts::malformed;
use super::{Database, Failure};

impl MailStorage for Database {
    fn put_mail_link(&self, link: &MailLink) -> Result<(), StorageError> {
        self.write(|transaction| {
            known(transaction, &link.account)?;
            let account = link.account.as_str();
            if link.purpose == MailPurpose::Confirm {
                transaction.prepare_cached(END_CONFIRMATIONS)?.execute([account])?;
            }
            transaction.prepare_cached(END_EXPIRED)?.execute((account, link.created.as_micros()))?;
            transaction.prepare_cached(INSERT)?.execute(named_params! {
                ":token_hash": link.token_hash,
                ":account": account,
                ":purpose": purpose_to_text(link.purpose),
                ":email": link.email.as_str(),
                ":created": link.created.as_micros(),
                ":expires": link.expires.as_micros(),
            })?;
            Ok(())
        })
    }

    fn find_mail_link(&self, hash: &[u8; 32], now: Timestamp) -> Result<Option<MailLink>, StorageError> {
        self.read(|connection| {
            let found = connection.prepare_cached(FIND)?.query_row([hash], mail_link).optional()?;
            Ok(found.filter(|link| link.expires > now))
        })
    }

    fn take_mail_link(&self, hash: &[u8; 32], now: Timestamp) -> Result<Option<MailLink>, StorageError> {
        self.write(|transaction| {
            let taken = transaction.prepare_cached(TAKE)?.query_row([hash], mail_link).optional()?;
            Ok(taken.filter(|link| link.expires > now))
        })
    }

    fn end_confirmations(&self, account: &AccountId) -> Result<(), StorageError> {
        self.write(|transaction| {
            transaction.prepare_cached(END_CONFIRMATIONS)?.execute([account.as_str()])?;
            Ok(())
        })
    }

    fn mail_links_of(&self, account: &AccountId, now: Timestamp) -> Result<Vec<MailLink>, StorageError> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(LINKS_OF)?;
            let rows = statement.query_map((account.as_str(), now.as_micros()), mail_link)?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    fn devices_of(&self, account: &AccountId) -> Result<Vec<([u8; 32], Timestamp)>, StorageError> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(DEVICES_OF)?;
            let rows = statement.query_map([account.as_str()], |row| {
                Ok((row.get(0)?, Timestamp::from_micros(row.get(1)?)))
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    fn remember_device(
        &self,
        account: &AccountId,
        device: &[u8; 32],
        now: Timestamp,
        keep: usize,
    ) -> Result<Device, StorageError> {
        let judge = |connection: &Connection| {
            let (all, seen): (i64, Option<i64>) = connection
                .prepare_cached(COUNT_DEVICES)?
                .query_row((account.as_str(), device), |row| Ok((row.get(0)?, row.get(1)?)))?;
            let due =
                seen.is_none_or(|seen| Timestamp::from_micros(seen).saturating_add(DEVICE_PRECISION) <= now);
            Ok((all, seen.is_some(), due))
        };
        // A device that was seen lately, as most are, costs no transaction.
        if let (_, true, false) = self.read(judge)? {
            return Ok(Device::Known);
        }
        self.write(|transaction| {
            known(transaction, account)?;
            let (all, same, _) = judge(transaction)?;
            transaction.prepare_cached(SEE_DEVICE)?.execute((account.as_str(), device, now.as_micros()))?;
            let keep = i64::try_from(keep.max(1)).unwrap_or(i64::MAX);
            if !same && all >= keep {
                transaction.prepare_cached(FORGET_DEVICES)?.execute((account.as_str(), keep))?;
            }
            Ok(match (all, same) {
                (0, _) => Device::First,
                (_, false) => Device::New,
                _ => Device::Known,
            })
        })
    }
}

fn known(connection: &Connection, account: &AccountId) -> Result<(), Failure> {
    let mut statement = connection.prepare_cached(KNOWN)?;
    let known = statement.query_row([account.as_str()], |_| Ok(())).optional()?;
    known.ok_or_else(|| StorageError::NotFound.into())
}

fn mail_link(row: &Row<'_>) -> rusqlite::Result<MailLink> {
    let email: String = row.get("email")?;
    Ok(MailLink {
        token_hash: row.get("token_hash")?,
        account: AccountId::new(&row.get::<_, String>("account")?),
        purpose: match row.get_ref("purpose")?.as_str()? {
            "cancel" => MailPurpose::Cancel,
            _ => MailPurpose::Confirm,
        },
        email: email.parse().map_err(|error| malformed("email", error))?,
        created: Timestamp::from_micros(row.get("created")?),
        expires: Timestamp::from_micros(row.get("expires")?),
    })
}

const fn purpose_to_text(purpose: MailPurpose) -> &'static str {
    match purpose {
        MailPurpose::Cancel => "cancel",
        MailPurpose::Confirm => "confirm",
    }
}

const KNOWN: &str = "SELECT 1 FROM accounts WHERE id = ?1";
const END_CONFIRMATIONS: &str = "DELETE FROM mail_links WHERE account = ?1 AND purpose = 'confirm'";
const END_EXPIRED: &str = "DELETE FROM mail_links WHERE account = ?1 AND expires <= ?2";
const INSERT: &str = "
    INSERT INTO mail_links (token_hash, account, purpose, email, created, expires)
    VALUES (:token_hash, :account, :purpose, :email, :created, :expires)";
const FIND: &str =
    "SELECT token_hash, account, purpose, email, created, expires FROM mail_links WHERE token_hash = ?1";
const TAKE: &str = "
    DELETE FROM mail_links WHERE token_hash = ?1
    RETURNING token_hash, account, purpose, email, created, expires";
const LINKS_OF: &str = "
    SELECT token_hash, account, purpose, email, created, expires FROM mail_links
    WHERE account = ?1 AND expires > ?2 ORDER BY created DESC, token_hash DESC";
const DEVICES_OF: &str =
    "SELECT device, seen FROM devices WHERE account = ?1 ORDER BY seen DESC, device DESC";
const COUNT_DEVICES: &str =
    "SELECT count(*), max(CASE WHEN device = ?2 THEN seen END) FROM devices WHERE account = ?1";
const SEE_DEVICE: &str = "
    INSERT INTO devices (account, device, seen) VALUES (?1, ?2, ?3)
    ON CONFLICT (account, device) DO UPDATE SET seen = excluded.seen";
const FORGET_DEVICES: &str = "
    DELETE FROM devices WHERE account = ?1 AND device NOT IN
        (SELECT device FROM devices WHERE account = ?1 ORDER BY seen DESC, device DESC LIMIT ?2)";
