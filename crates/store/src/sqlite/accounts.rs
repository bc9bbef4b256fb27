//! Accounts.

use gabion_identity::storage::{AccountChange, AccountStorage};
use gabion_identity::{Account, AccountKind, AccountName, Email, Personal, StorageError};
use gabion_model::{AccountId, Role, SessionId, TenantId, Timestamp};
use rusqlite::{Connection, OptionalExtension as _, Row, named_params};

use super::{Database, Failure};

impl AccountStorage for Database {
    fn insert(&self, account: &Account) -> Result<(), StorageError> {
        self.write(|transaction| {
            transaction.prepare_cached(INSERT)?.execute(named_params! {
                ":id": account.id.as_str(),
                ":name": account.name.as_str(),
                ":kind": kind_to_text(account.kind),
                ":email": account.email.as_ref().map(Email::as_str),
                ":email_verified": account.email_verified.map(Timestamp::as_micros),
                ":personal": personal_to_json(&account.personal)?,
                ":updated": account.updated.as_micros(),
                ":tenant": account.tenant.as_str(),
                ":roles": roles_to_json(&account.roles)?,
                ":password": account.password,
                ":password_changed": account.password_changed.map(Timestamp::as_micros),
                ":disabled": account.disabled,
                ":epoch": epoch_to_integer(account.epoch),
                ":created": account.created.as_micros(),
                ":last_sign_in": account.last_sign_in.map(Timestamp::as_micros),
            })?;
            Ok(())
        })
    }

    fn by_name(&self, name: &AccountName) -> Result<Option<Account>, StorageError> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(BY_NAME)?;
            Ok(statement.query_row([name.as_str()], account).optional()?)
        })
    }

    fn by_id(&self, id: &AccountId) -> Result<Option<Account>, StorageError> {
        self.read(|connection| find(connection, id))
    }

    fn by_verified_email(&self, email: &Email) -> Result<Option<Account>, StorageError> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(BY_VERIFIED_EMAIL)?;
            Ok(statement.query_row([email.as_str()], account).optional()?)
        })
    }

    fn list(&self) -> Result<Vec<Account>, StorageError> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(LIST)?;
            Ok(statement.query_map([], account)?.collect::<Result<_, _>>()?)
        })
    }

    fn update(&self, id: &AccountId, change: &AccountChange) -> Result<Account, StorageError> {
        self.write(|transaction| {
            let mut account = find(transaction, id)?.ok_or(StorageError::NotFound)?;
            let raised = change.apply(&mut account);
            transaction.prepare_cached(UPDATE)?.execute(named_params! {
                ":id": account.id.as_str(),
                ":email": account.email.as_ref().map(Email::as_str),
                ":email_verified": account.email_verified.map(Timestamp::as_micros),
                ":personal": personal_to_json(&account.personal)?,
                ":updated": account.updated.as_micros(),
                ":roles": roles_to_json(&account.roles)?,
                ":password": account.password,
                ":password_changed": account.password_changed.map(Timestamp::as_micros),
                ":disabled": account.disabled,
                ":epoch": epoch_to_integer(account.epoch),
                ":last_sign_in": account.last_sign_in.map(Timestamp::as_micros),
            })?;
            if raised {
                let keep = change.keeps().map(SessionId::as_str);
                transaction.prepare_cached(END_SESSIONS)?.execute((id.as_str(), keep))?;
            }
            if change.ends_invitations() {
                transaction.prepare_cached(END_INVITATIONS)?.execute([id.as_str()])?;
            }
            Ok(account)
        })
    }
}

/// An account from the columns of [`LIST`], in whatever order.
pub(super) fn account(row: &Row<'_>) -> rusqlite::Result<Account> {
    let roles: String = row.get("roles")?;
    let roles: Vec<Role> = serde_json::from_str(&roles).map_err(|error| malformed("roles", error))?;
    let (name, email): (String, Option<String>) = (row.get("name")?, row.get("email")?);
    let personal: String = row.get("personal")?;
    let time =
        |column| Ok::<_, rusqlite::Error>(row.get::<_, Option<i64>>(column)?.map(Timestamp::from_micros));
    Ok(Account {
        id: AccountId::new(&row.get::<_, String>("account_id")?),
        name: name.parse().map_err(|error| malformed("name", error))?,
        kind: match row.get_ref("kind")?.as_str()? {
            "service" => AccountKind::Service,
            _ => AccountKind::Person,
        },
        email: email.map(|text| text.parse()).transpose().map_err(|error| malformed("email", error))?,
        email_verified: time("email_verified")?,
        personal: serde_json::from_str(&personal).map_err(|error| malformed("personal", error))?,
        updated: Timestamp::from_micros(row.get("updated")?),
        tenant: TenantId::new(&row.get::<_, String>("tenant")?),
        roles,
        password: row.get("password")?,
        password_changed: time("password_changed")?,
        disabled: row.get("disabled")?,
        epoch: u64::try_from(row.get::<_, i64>("epoch")?).unwrap_or(0),
        created: Timestamp::from_micros(row.get("created")?),
        last_sign_in: time("last_sign_in")?,
    })
}

fn find(connection: &Connection, id: &AccountId) -> Result<Option<Account>, Failure> {
    Ok(connection.prepare_cached(BY_ID)?.query_row([id.as_str()], account).optional()?)
}

fn roles_to_json(roles: &[Role]) -> Result<String, StorageError> {
    serde_json::to_string(roles).map_err(|error| StorageError::Io(error.to_string()))
}

const fn kind_to_text(kind: AccountKind) -> &'static str {
    match kind {
        AccountKind::Person => "person",
        AccountKind::Service => "service",
    }
}

fn personal_to_json(personal: &Personal) -> Result<String, StorageError> {
    serde_json::to_string(personal).map_err(|error| StorageError::Io(error.to_string()))
}

pub(super) fn epoch_to_integer(epoch: u64) -> i64 {
    i64::try_from(epoch).unwrap_or(i64::MAX)
}

/// A stored value that we would not have written.
pub(super) fn malformed(
    column: &str,
    error: impl std::error::Error + Send + Sync + 'static,
) -> rusqlite::Error {
    let message = format!("column `{column}`: {error}");
    rusqlite::Error::FromSqlConversionFailure(0, rusqlite::types::Type::Text, message.into())
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id AS account_id, name, kind, email, email_verified, personal, tenant, roles, password, ",
            "password_changed, disabled, epoch, created, updated, last_sign_in FROM accounts ",
            $rest
        )
    };
}

const BY_ID: &str = select!("WHERE id = ?1");
const BY_VERIFIED_EMAIL: &str = select!("WHERE email = ?1 AND email_verified IS NOT NULL");
const BY_NAME: &str = select!("WHERE name = ?1");
const LIST: &str = select!("ORDER BY name");
const INSERT: &str = "
    INSERT INTO accounts
        (id, name, kind, email, email_verified, personal, tenant, roles, password, password_changed, disabled,
        epoch, created, updated, last_sign_in)
    VALUES
        (:id, :name, :kind, :email, :email_verified, :personal, :tenant, :roles, :password, :password_changed,
        :disabled, :epoch, :created, :updated, :last_sign_in)";
const UPDATE: &str = "
    UPDATE accounts
    SET email = :email, email_verified = :email_verified, personal = :personal, updated = :updated,
        roles = :roles, password = :password, password_changed = :password_changed, disabled = :disabled,
        epoch = :epoch, last_sign_in = :last_sign_in
    WHERE id = :id";
const END_SESSIONS: &str = "DELETE FROM sessions WHERE account = ?1 AND id IS NOT ?2";
const END_INVITATIONS: &str = "DELETE FROM invitations WHERE account = ?1";
