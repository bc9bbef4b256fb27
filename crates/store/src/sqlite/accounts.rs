//! Accounts.

use gabion_identity::scim::Attributes;
use gabion_identity::storage::{AccountChange, AccountFilter, AccountPage, AccountStorage, Without};
use gabion_identity::{Account, AccountKind, AccountName, Email, Membership, Personal, StorageError};
use gabion_model::{AccountId, GroupId, Role, SessionId, TenantId, Timestamp};
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension as _, Row, named_params, params_from_iter};

use super::{Database, Failure};

impl AccountStorage for Database {
    fn insert(&self, account: &Account) -> Result<(), StorageError> {
        self.write(|transaction| insert(transaction, account))
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

    fn password_near(&self, id: &AccountId) -> Result<Option<String>, StorageError> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(PASSWORD_FROM)?;
            for from in [id.as_str(), ""] {
                if let Some(found) = statement.query_row([from], |row| row.get(0)).optional()? {
                    return Ok(Some(found));
                }
            }
            Ok(None)
        })
    }

    fn accounts(&self, page: &AccountPage) -> Result<Vec<Account>, StorageError> {
        let (mut conditions, mut values) = conditions(&page.filter);
        if let Some(after) = &page.after {
            conditions.push(if page.descending { "name < ?" } else { "name > ?" });
            values.push(Value::from(after.as_str().to_owned()));
        }
        let order = if page.descending { "ORDER BY name DESC" } else { "ORDER BY name" };
        let text = format!("{LIST} {} {order} LIMIT ? OFFSET ?", where_all(&conditions));
        values.push(Value::from(i64::try_from(page.limit).unwrap_or(i64::MAX)));
        values.push(Value::from(i64::try_from(page.skip).unwrap_or(i64::MAX)));
        self.read(|connection| {
            let mut statement = connection.prepare_cached(&text)?;
            Ok(statement.query_map(params_from_iter(values), account)?.collect::<Result<_, _>>()?)
        })
    }

    fn count_accounts(&self, filter: &AccountFilter) -> Result<u64, StorageError> {
        let (conditions, values) = conditions(filter);
        let text = format!("SELECT count(*) FROM accounts {}", where_all(&conditions));
        self.read(|connection| {
            let mut statement = connection.prepare_cached(&text)?;
            let count: i64 = statement.query_row(params_from_iter(values), |row| row.get(0))?;
            Ok(u64::try_from(count).unwrap_or(0))
        })
    }

    fn is_linked(&self, account: &AccountId) -> Result<bool, StorageError> {
        self.read(|connection| Ok(connection.prepare_cached(IS_LINKED)?.exists([account.as_str()])?))
    }

    fn has_administrator(&self, but: &Without) -> Result<bool, StorageError> {
        let (account, group) = match but {
            Without::Nobody => (None, None),
            Without::Account(id) => (Some(id.as_str()), None),
            Without::Group(id) => (None, Some(id.as_str())),
        };
        self.read(|connection| {
            let values = (Role::ADMINISTRATOR, account, group);
            Ok(connection.prepare_cached(OWN_ADMINISTRATOR)?.exists((values.0, values.1))?
                || connection.prepare_cached(GROUP_ADMINISTRATOR)?.exists(values)?)
        })
    }

    fn account_roles(&self) -> Result<Vec<(Role, u64)>, StorageError> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(ROLES)?;
            let rows = statement.query_map([], |row| {
                let (role, count): (String, i64) = (row.get(0)?, row.get(1)?);
                Ok((Role::new(&role), u64::try_from(count).unwrap_or(0)))
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    fn account_tenants(&self) -> Result<Vec<TenantId>, StorageError> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(TENANTS)?;
            let rows = statement.query_map([], |row| Ok(TenantId::new(&row.get::<_, String>(0)?)))?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    fn remove_account(&self, id: &AccountId, kept: Option<Timestamp>) -> Result<(), StorageError> {
        self.write(|transaction| {
            if let Some(kept) = kept {
                transaction.prepare_cached(KEEP_NAME)?.execute((id.as_str(), kept.as_micros()))?;
            }
            // Everything that hangs on it goes by `ON DELETE CASCADE`.
            match transaction.prepare_cached(REMOVE)?.execute([id.as_str()])? {
                0 => Err(StorageError::NotFound.into()),
                _ => Ok(()),
            }
        })
    }

    fn is_kept_name(&self, name: &AccountName) -> Result<bool, StorageError> {
        self.read(|connection| Ok(connection.prepare_cached(IS_KEPT)?.exists([name.as_str()])?))
    }

    fn release_name(&self, name: &AccountName) -> Result<bool, StorageError> {
        self.write(|transaction| Ok(transaction.prepare_cached(RELEASE_NAME)?.execute([name.as_str()])? > 0))
    }

    fn update(&self, id: &AccountId, change: &AccountChange) -> Result<Account, StorageError> {
        self.write(|transaction| {
            let mut account = find(transaction, id)?.ok_or(StorageError::NotFound)?;
            let (name, roles) = (account.name.clone(), account.roles.clone());
            let raised = change.apply(&mut account);
            if account.name != name {
                refuse_kept_name(transaction, &account.name)?;
            }
            transaction.prepare_cached(UPDATE)?.execute(named_params! {
                ":id": account.id.as_str(),
                ":name": account.name.as_str(),
                ":tenant": account.tenant.as_str(),
                ":external_id": account.external_id,
                ":attributes": account.attributes.to_json(),
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
            if account.roles != roles {
                transaction.prepare_cached(FORGET_ROLES)?.execute([id.as_str()])?;
                index_roles(transaction, &account)?;
            }
            if raised {
                let keep = change.keeps().map(SessionId::as_str);
                transaction.prepare_cached(END_SESSIONS)?.execute((id.as_str(), keep))?;
            }
            if change.ends_keys() {
                transaction.prepare_cached(END_KEYS)?.execute([id.as_str()])?;
            }
            if change.ends_invitations() {
                transaction.prepare_cached(END_INVITATIONS)?.execute([id.as_str()])?;
            }
            Ok(account)
        })
    }
}

pub(super) fn insert(transaction: &Connection, account: &Account) -> Result<(), Failure> {
    refuse_kept_name(transaction, &account.name)?;
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
        ":external_id": account.external_id,
        ":attributes": account.attributes.to_json(),
        ":password": account.password,
        ":password_changed": account.password_changed.map(Timestamp::as_micros),
        ":disabled": account.disabled,
        ":epoch": epoch_to_integer(account.epoch),
        ":created": account.created.as_micros(),
        ":last_sign_in": account.last_sign_in.map(Timestamp::as_micros),
    })?;
    index_roles(transaction, account)?;
    Ok(())
}

/// Every text is written here; what a caller gave is a value.
fn conditions(filter: &AccountFilter) -> (Vec<&'static str>, Vec<Value>) {
    let mut conditions = Vec::new();
    let mut values = Vec::new();
    let mut add = |condition, value: Option<Value>| {
        if let Some(value) = value {
            conditions.push(condition);
            values.push(value);
        }
    };
    let text = |text: &str| Some(Value::from(text.to_owned()));
    add("name = ?", filter.name.as_ref().and_then(|name| text(name.as_str())));
    // Names are ASCII below DEL, so this is the range of those that begin so: found by the index.
    add("name >= ?", filter.name_prefix.as_deref().and_then(text));
    add("name < ? || char(127)", filter.name_prefix.as_deref().and_then(text));
    add("instr(name || ' ' || coalesce(email, ''), ?) > 0", filter.contains.as_deref().and_then(text));
    add("email = ?", filter.email.as_ref().and_then(|email| text(email.as_str())));
    add("external_id = ?", filter.external_id.as_deref().and_then(text));
    // Either may have it; `fits` says the same.
    add(
        "instr(coalesce(email, '') || char(10) || coalesce(lower(nullif(attributes, '{}')), ''), ?) > 0",
        filter.mentions.as_deref().and_then(|mentioned| text(&mentioned.to_ascii_lowercase())),
    );
    add("kind = ?", filter.kind.and_then(|kind| text(kind_to_text(kind))));
    add("tenant = ?", filter.tenant.as_ref().and_then(|tenant| text(tenant.as_str())));
    add(
        "id IN (SELECT account FROM group_members WHERE group_id = ?)",
        filter.group.as_ref().and_then(|group| text(group.as_str())),
    );
    add("disabled = ?", filter.disabled.map(|disabled| Value::from(i64::from(disabled))));
    add("(password IS NOT NULL) = ?", filter.enrolled.map(|enrolled| Value::from(i64::from(enrolled))));
    if let Some(role) = filter.role.as_ref() {
        conditions.push(HAS_ROLE);
        values.extend([role.as_str().to_owned(), role.as_str().to_owned()].map(Value::from));
    }
    (conditions, values)
}

fn where_all(conditions: &[&str]) -> String {
    if conditions.is_empty() { String::new() } else { format!("WHERE {}", conditions.join(" AND ")) }
}

fn refuse_kept_name(transaction: &Connection, name: &AccountName) -> Result<(), Failure> {
    if transaction.prepare_cached(IS_KEPT)?.exists([name.as_str()])? {
        return Err(StorageError::Taken.into());
    }
    Ok(())
}

fn index_roles(transaction: &Connection, account: &Account) -> Result<(), Failure> {
    let mut statement = transaction.prepare_cached(INDEX_ROLE)?;
    for role in &account.roles {
        statement.execute((role.as_str(), account.id.as_str()))?;
    }
    Ok(())
}

fn groups(row: &Row<'_>) -> rusqlite::Result<Vec<Membership>> {
    let text: String = row.get("groups")?;
    if text == "[]" {
        return Ok(Vec::new());
    }
    let mut groups: Vec<(String, String, Vec<Role>, String)> =
        serde_json::from_str(&text).map_err(|error| malformed("groups", error))?;
    // Not in SQL: there every reading of an account would set up a sorter, for nothing most of the time.
    groups.sort_by(|one, other| one.3.cmp(&other.3));
    let groups = groups.into_iter().map(|(id, name, roles, _)| {
        let name = name.parse().map_err(|error| malformed("groups", error))?;
        Ok(Membership { group: GroupId::new(&id), name, roles })
    });
    groups.collect()
}

/// An account from the columns of [`LIST`], in whatever order.
pub(super) fn account(row: &Row<'_>) -> rusqlite::Result<Account> {
    let roles = roles_from_json(&row.get::<_, String>("roles")?)?;
    let (name, email): (String, Option<String>) = (row.get("name")?, row.get("email")?);
    let personal: String = row.get("personal")?;
    let attributes: String = row.get("attributes")?;
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
        groups: groups(row)?,
        external_id: row.get("external_id")?,
        attributes: match attributes.as_str() {
            "{}" => Attributes::default(),
            text => serde_json::from_str(text).map_err(|error| malformed("attributes", error))?,
        },
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

pub(super) fn roles_from_json(text: &str) -> rusqlite::Result<Vec<Role>> {
    serde_json::from_str(text).map_err(|error| malformed("roles", error))
}

pub(super) fn roles_to_json(roles: &[Role]) -> Result<String, StorageError> {
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

/// The columns of [`account`], for whatever is joined to `accounts`.
macro_rules! account_columns {
    () => {
        "accounts.id AS account_id, accounts.name, accounts.kind, accounts.email, accounts.email_verified, \
        accounts.personal, accounts.tenant, accounts.roles, accounts.external_id, accounts.attributes, accounts.password, \
        accounts.password_changed, accounts.disabled, accounts.epoch, accounts.created, accounts.updated, \
        accounts.last_sign_in, (SELECT coalesce(json_group_array(json_array(own.id, own.name, \
        json(own.roles), own.folded)), '[]') FROM group_members JOIN groups AS own \
        ON own.id = group_members.group_id WHERE group_members.account = accounts.id) AS groups"
    };
}
pub(super) use account_columns;

macro_rules! select {
    ($rest:literal) => {
        concat!("SELECT ", account_columns!(), " FROM accounts ", $rest)
    };
}

const BY_ID: &str = select!("WHERE id = ?1");
const BY_VERIFIED_EMAIL: &str = select!("WHERE email = ?1 AND email_verified IS NOT NULL");
const BY_NAME: &str = select!("WHERE name = ?1");
const LIST: &str = select!("");
const PASSWORD_FROM: &str =
    "SELECT password FROM accounts WHERE password IS NOT NULL AND id >= ?1 ORDER BY id LIMIT 1";
const HAS_ROLE: &str = "
    id IN (SELECT account FROM account_roles WHERE role = ?
        UNION SELECT account FROM groups JOIN group_members ON group_id = groups.id
        WHERE EXISTS (SELECT 1 FROM json_each(groups.roles) AS one WHERE one.value = ?))";
const IS_LINKED: &str = "SELECT 1 FROM external_identities WHERE account = ?1";
const OWN_ADMINISTRATOR: &str = "
    SELECT 1 FROM account_roles JOIN accounts ON accounts.id = account_roles.account
    WHERE role = ?1 AND disabled = 0 AND account_roles.account IS NOT ?2
        AND (password IS NOT NULL OR accounts.id IN (SELECT account FROM external_identities))";
const GROUP_ADMINISTRATOR: &str = "
    SELECT 1 FROM groups
    JOIN group_members ON group_id = groups.id
    JOIN accounts ON accounts.id = group_members.account
    WHERE disabled = 0 AND group_members.account IS NOT ?2 AND groups.id IS NOT ?3
        AND (password IS NOT NULL OR accounts.id IN (SELECT account FROM external_identities))
        AND EXISTS (SELECT 1 FROM json_each(groups.roles) AS one WHERE one.value = ?1)";
const ROLES: &str = "SELECT role, count(*) FROM account_roles GROUP BY role ORDER BY role";
const TENANTS: &str = "SELECT DISTINCT tenant FROM accounts ORDER BY tenant";
const INDEX_ROLE: &str = "INSERT OR IGNORE INTO account_roles (role, account) VALUES (?1, ?2)";
const FORGET_ROLES: &str = "DELETE FROM account_roles WHERE account = ?1";
const REMOVE: &str = "DELETE FROM accounts WHERE id = ?1";
const IS_KEPT: &str = "SELECT 1 FROM kept_names WHERE name = ?1";
const KEEP_NAME: &str = "
    INSERT OR REPLACE INTO kept_names (name, removed) SELECT name, ?2 FROM accounts WHERE id = ?1";
const RELEASE_NAME: &str = "DELETE FROM kept_names WHERE name = ?1";
const INSERT: &str = "
    INSERT INTO accounts
        (id, name, kind, email, email_verified, personal, tenant, roles, external_id, attributes, password,
        password_changed, disabled, epoch, created, updated, last_sign_in)
    VALUES
        (:id, :name, :kind, :email, :email_verified, :personal, :tenant, :roles, :external_id, :attributes, :password,
        :password_changed, :disabled, :epoch, :created, :updated, :last_sign_in)";
const UPDATE: &str = "
    UPDATE accounts
    SET name = :name, tenant = :tenant, external_id = :external_id, attributes = :attributes,
        email = :email, email_verified = :email_verified, personal = :personal, updated = :updated,
        roles = :roles, password = :password, password_changed = :password_changed, disabled = :disabled,
        epoch = :epoch, last_sign_in = :last_sign_in
    WHERE id = :id";
const END_SESSIONS: &str = "DELETE FROM sessions WHERE account = ?1 AND id IS NOT ?2";
const END_KEYS: &str = "DELETE FROM api_keys WHERE account = ?1";
const END_INVITATIONS: &str = "DELETE FROM invitations WHERE account = ?1";
