//! Groups and who is in them.

use std::collections::BTreeSet;

use gabion_identity::storage::{GroupChange, GroupPage, GroupStorage};
use gabion_identity::{Group, GroupName, Member, StorageError};
use gabion_model::{AccountId, GroupId, TenantId, Timestamp};
use rusqlite::{Connection, OptionalExtension as _, Row, named_params};

use super::accounts::{malformed, roles_from_json, roles_to_json};
use super::{Database, Failure};

impl GroupStorage for Database {
    fn insert_group(&self, group: &Group) -> Result<(), StorageError> {
        self.write(|transaction| {
            transaction.prepare_cached(INSERT)?.execute(named_params! {
                ":id": group.id.as_str(),
                ":name": group.name.as_str(),
                ":folded": group.name.folded(),
                ":tenant": group.tenant.as_str(),
                ":roles": roles_to_json(&group.roles)?,
                ":external_id": group.external_id,
                ":created": group.created.as_micros(),
                ":updated": group.updated.as_micros(),
            })?;
            Ok(())
        })
    }

    fn group(&self, id: &GroupId) -> Result<Option<Group>, StorageError> {
        self.read(|connection| find(connection, id))
    }

    fn group_by_name(&self, name: &GroupName) -> Result<Option<Group>, StorageError> {
        self.read(|connection| {
            Ok(connection.prepare_cached(BY_NAME)?.query_row([name.folded()], group).optional()?)
        })
    }

    fn groups(&self, page: &GroupPage) -> Result<Vec<Group>, StorageError> {
        self.read(|connection| {
            let mut statement =
                connection.prepare_cached(if page.descending { LIST_DOWN } else { LIST_UP })?;
            let rows = statement.query_map(
                named_params! {
                    ":external_id": page.external_id,
                    ":after": page.after.as_ref().map(GroupName::folded),
                    ":limit": i64::try_from(page.limit).unwrap_or(i64::MAX),
                    ":skip": i64::try_from(page.skip).unwrap_or(i64::MAX),
                },
                group,
            )?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    fn count_groups(&self) -> Result<u64, StorageError> {
        self.read(|connection| {
            let count: i64 = connection.prepare_cached(COUNT)?.query_row([], |row| row.get(0))?;
            Ok(u64::try_from(count).unwrap_or(0))
        })
    }

    fn update_group(
        &self,
        id: &GroupId,
        change: &GroupChange,
    ) -> Result<(Group, Vec<AccountId>), StorageError> {
        self.write(|transaction| {
            let mut group = find(transaction, id)?.ok_or(StorageError::NotFound)?;
            let changed = match change {
                GroupChange::Edit { edit, now } => {
                    let all = edit.apply(&mut group, *now);
                    if all { member_ids(transaction, id)? } else { BTreeSet::new() }
                }
                GroupChange::Members { add, remove, now } => {
                    group.updated = *now;
                    let out: BTreeSet<_> = remove.iter().cloned().collect();
                    let into = add.iter().filter(|account| !out.contains(*account)).cloned().collect();
                    move_members(transaction, id, &into, &out)?
                }
                GroupChange::ReplaceMembers { members, now } => {
                    group.updated = *now;
                    let into: BTreeSet<_> = members.iter().cloned().collect();
                    let out = member_ids(transaction, id)?.difference(&into).cloned().collect();
                    move_members(transaction, id, &into, &out)?
                }
                GroupChange::Whole { edit, members, add, remove, now } => {
                    let before = member_ids(transaction, id)?;
                    let mut after = match members {
                        Some(members) => members.iter().cloned().collect(),
                        None => before.clone(),
                    };
                    after.extend(add.iter().cloned());
                    for account in remove {
                        after.remove(account);
                    }
                    let into = after.difference(&before).cloned().collect();
                    let out = before.difference(&after).cloned().collect();
                    let moved = move_members(transaction, id, &into, &out)?;
                    let all = edit.apply(&mut group, *now);
                    if all { before.union(&after).cloned().collect() } else { moved }
                }
            };
            transaction.prepare_cached(UPDATE)?.execute(named_params! {
                ":id": group.id.as_str(),
                ":name": group.name.as_str(),
                ":folded": group.name.folded(),
                ":roles": roles_to_json(&group.roles)?,
                ":external_id": group.external_id,
                ":updated": group.updated.as_micros(),
            })?;
            raise(transaction, &changed)?;
            let group = find(transaction, id)?.ok_or(StorageError::NotFound)?;
            Ok((group, changed.into_iter().collect()))
        })
    }

    fn remove_group(&self, id: &GroupId) -> Result<Vec<AccountId>, StorageError> {
        self.write(|transaction| {
            let members = member_ids(transaction, id)?;
            if transaction.prepare_cached(REMOVE)?.execute([id.as_str()])? == 0 {
                return Err(StorageError::NotFound.into());
            }
            raise(transaction, &members)?;
            Ok(members.into_iter().collect())
        })
    }

    fn members(
        &self,
        id: &GroupId,
        after: Option<&AccountId>,
        limit: usize,
    ) -> Result<Vec<Member>, StorageError> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(MEMBERS)?;
            let rows = statement.query_map(
                (id.as_str(), after.map_or("", AccountId::as_str), i64::try_from(limit).unwrap_or(i64::MAX)),
                |row| {
                    let (id, name): (String, String) = (row.get(0)?, row.get(1)?);
                    let name = name.parse().map_err(|error| malformed("name", error))?;
                    Ok(Member { id: AccountId::new(&id), name })
                },
            )?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }
}

fn find(connection: &Connection, id: &GroupId) -> Result<Option<Group>, Failure> {
    Ok(connection.prepare_cached(BY_ID)?.query_row([id.as_str()], group).optional()?)
}

fn group(row: &Row<'_>) -> rusqlite::Result<Group> {
    let name: String = row.get("name")?;
    Ok(Group {
        id: GroupId::new(&row.get::<_, String>("id")?),
        name: name.parse().map_err(|error| malformed("name", error))?,
        tenant: TenantId::new(&row.get::<_, String>("tenant")?),
        roles: roles_from_json(&row.get::<_, String>("roles")?)?,
        external_id: row.get("external_id")?,
        created: Timestamp::from_micros(row.get("created")?),
        updated: Timestamp::from_micros(row.get("updated")?),
        members: u64::try_from(row.get::<_, i64>("members")?).unwrap_or(0),
    })
}

fn member_ids(transaction: &Connection, id: &GroupId) -> Result<BTreeSet<AccountId>, Failure> {
    let mut statement = transaction.prepare_cached(MEMBER_IDS)?;
    let rows = statement.query_map([id.as_str()], |row| Ok(AccountId::new(&row.get::<_, String>(0)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Puts in and takes out; answers of whom that changed something.
fn move_members(
    transaction: &Connection,
    id: &GroupId,
    into: &BTreeSet<AccountId>,
    out: &BTreeSet<AccountId>,
) -> Result<BTreeSet<AccountId>, Failure> {
    let mut changed = BTreeSet::new();
    let mut exists = transaction.prepare_cached(ACCOUNT_EXISTS)?;
    let mut add = transaction.prepare_cached(ADD_MEMBER)?;
    for account in into {
        if !exists.exists([account.as_str()])? {
            return Err(StorageError::NotFound.into());
        }
        if add.execute((id.as_str(), account.as_str()))? > 0 {
            changed.insert(account.clone());
        }
    }
    let mut remove = transaction.prepare_cached(REMOVE_MEMBER)?;
    for account in out {
        if remove.execute((id.as_str(), account.as_str()))? > 0 {
            changed.insert(account.clone());
        }
    }
    Ok(changed)
}

/// All that was granted to them before ends.
fn raise(transaction: &Connection, accounts: &BTreeSet<AccountId>) -> Result<(), Failure> {
    let mut epoch = transaction.prepare_cached(RAISE)?;
    let mut sessions = transaction.prepare_cached(END_SESSIONS)?;
    for account in accounts {
        epoch.execute([account.as_str()])?;
        sessions.execute([account.as_str()])?;
    }
    Ok(())
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, name, tenant, roles, external_id, created, updated, ",
            "(SELECT count(*) FROM group_members WHERE group_id = groups.id) AS members FROM groups ",
            $rest
        )
    };
}

const BY_ID: &str = select!("WHERE id = ?1");
const BY_NAME: &str = select!("WHERE folded = ?1");
const LIST_UP: &str = select!(
    "WHERE (:after IS NULL OR folded > :after) AND (:external_id IS NULL OR external_id = :external_id)
    ORDER BY folded LIMIT :limit OFFSET :skip"
);
const LIST_DOWN: &str = select!(
    "WHERE (:after IS NULL OR folded < :after) AND (:external_id IS NULL OR external_id = :external_id)
    ORDER BY folded DESC LIMIT :limit OFFSET :skip"
);
const COUNT: &str = "SELECT count(*) FROM groups";
const INSERT: &str = "
    INSERT INTO groups (id, name, folded, tenant, roles, external_id, created, updated)
    VALUES (:id, :name, :folded, :tenant, :roles, :external_id, :created, :updated)";
const UPDATE: &str = "
    UPDATE groups
    SET name = :name, folded = :folded, roles = :roles, external_id = :external_id, updated = :updated
    WHERE id = :id";
const REMOVE: &str = "DELETE FROM groups WHERE id = ?1";
const MEMBERS: &str = "
    SELECT accounts.id, accounts.name FROM group_members JOIN accounts ON accounts.id = group_members.account
    WHERE group_id = ?1 AND account > ?2 ORDER BY account LIMIT ?3";
const MEMBER_IDS: &str = "SELECT account FROM group_members WHERE group_id = ?1";
const ACCOUNT_EXISTS: &str = "SELECT 1 FROM accounts WHERE id = ?1";
const ADD_MEMBER: &str = "INSERT OR IGNORE INTO group_members (group_id, account) VALUES (?1, ?2)";
const REMOVE_MEMBER: &str = "DELETE FROM group_members WHERE group_id = ?1 AND account = ?2";
const RAISE: &str = "UPDATE accounts SET epoch = epoch + 1 WHERE id = ?1";
const END_SESSIONS: &str = "DELETE FROM sessions WHERE account = ?1";
