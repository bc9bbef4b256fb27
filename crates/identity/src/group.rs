//! Groups: people who have the same roles together. Flat; a group is in no group.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use gabion_model::{AccountId, GroupId, Rng, Role, TenantId, Timestamp, random};
use gabion_vault::encoding::base64url_encode;
use serde::{Deserialize, Serialize};

use crate::account::{AccountError, Accounts};
use crate::name::AccountName;
use crate::storage::{GroupChange, GroupPage, Storage, StorageError, Without};

/// One group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    pub id: GroupId,
    pub name: GroupName,
    pub tenant: TenantId,
    /// What everybody in it has beside their own.
    pub roles: Vec<Role>,
    /// What whoever provisions it (SCIM) calls it (RFC 7643, 3.1).
    pub external_id: Option<String>,
    pub created: Timestamp,
    /// When name, roles or members last changed.
    pub updated: Timestamp,
    /// How many are in it. The storage counts.
    pub members: u64,
}

/// What a group is called: 1 to 128 characters, none of them invisible. Names that differ only in case
/// are one name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct GroupName(Arc<str>);

/// Why a text is no group's name. Alphabetical.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MalformedGroupName {
    #[error("a group's name has no control characters and none that are invisible or turn the text around")]
    Character,
    #[error("a group's name has 1 to 128 characters")]
    Length,
}

/// Somebody in a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    pub id: AccountId,
    pub name: AccountName,
}

/// What a group begins with.
#[derive(Debug, Clone)]
pub struct NewGroup {
    pub name: GroupName,
    pub tenant: TenantId,
    pub roles: Vec<Role>,
    pub external_id: Option<String>,
}

/// What an edit changes; what is `None` stays.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GroupEdit {
    pub name: Option<GroupName>,
    pub roles: Option<Vec<Role>>,
    pub external_id: Option<Option<String>>,
}

/// Why an act on a group was not done. Alphabetical.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GroupError {
    /// Nobody would be left who can administer.
    #[error("the last administrator who can sign in is one by this group")]
    LastAdministrator,
    #[error("there is no such group, or no such account to put into it")]
    NotFound,
    #[error(transparent)]
    Storage(StorageError),
    #[error("a group with this name exists")]
    Taken,
}

/// The engine over stored groups and living sessions. What changes what a session says of somebody (their
/// groups, their roles) ends their sessions, in the storage and here.
#[derive(Debug, Clone)]
pub struct Groups {
    storage: Arc<dyn Storage>,
    accounts: Accounts,
}

impl Groups {
    #[must_use]
    pub fn new(storage: Arc<dyn Storage>, accounts: Accounts) -> Self {
        Self { storage, accounts }
    }

    /// # Errors
    /// [`GroupError::Taken`] when the name is.
    pub fn create(&self, new: NewGroup, now: Timestamp, rng: &dyn Rng) -> Result<Group, GroupError> {
        let group = Group {
            id: GroupId::new(&base64url_encode(&random::bytes::<16>(rng))),
            name: new.name,
            tenant: new.tenant,
            roles: new.roles,
            external_id: new.external_id,
            created: now,
            updated: now,
            members: 0,
        };
        self.storage.insert_group(&group)?;
        Ok(group)
    }

    /// # Errors
    /// When the storage fails.
    pub fn by_id(&self, id: &GroupId) -> Result<Option<Group>, GroupError> {
        Ok(self.storage.group(id)?)
    }

    /// # Errors
    /// When the storage fails.
    pub fn find(&self, name: &GroupName) -> Result<Option<Group>, GroupError> {
        Ok(self.storage.group_by_name(name)?)
    }

    /// One page, by name.
    ///
    /// # Errors
    /// When the storage fails.
    pub fn page(&self, page: &GroupPage) -> Result<Vec<Group>, GroupError> {
        Ok(self.storage.groups(page)?)
    }

    /// # Errors
    /// When the storage fails.
    pub fn count(&self) -> Result<u64, GroupError> {
        Ok(self.storage.count_groups()?)
    }

    /// One page of those in it, by account id.
    ///
    /// # Errors
    /// When the storage fails.
    pub fn members(
        &self,
        id: &GroupId,
        after: Option<&AccountId>,
        limit: usize,
    ) -> Result<Vec<Member>, GroupError> {
        Ok(self.storage.members(id, after, limit)?)
    }

    /// # Errors
    /// [`GroupError::LastAdministrator`] when nobody else could administer.
    pub fn edit(&self, id: &GroupId, edit: GroupEdit, now: Timestamp) -> Result<Group, GroupError> {
        let _held = self.accounts.hold();
        let group = self.storage.group(id)?.ok_or(GroupError::NotFound)?;
        let mut after = group.clone();
        edit.apply(&mut after, now);
        if after == (Group { updated: now, ..group.clone() }) {
            return Ok(group);
        }
        if group.gives_administrator() && !after.gives_administrator() {
            self.others_administer(id)?;
        }
        self.change(id, &GroupChange::Edit { edit, now })
    }

    /// Puts accounts in and takes others out.
    ///
    /// # Errors
    /// [`GroupError::LastAdministrator`] when nobody else could administer, [`GroupError::NotFound`] when
    /// an account to put in is not there.
    pub fn change_members(
        &self,
        id: &GroupId,
        add: Vec<AccountId>,
        remove: Vec<AccountId>,
        now: Timestamp,
    ) -> Result<Group, GroupError> {
        let _held = self.accounts.hold();
        let group = self.storage.group(id)?.ok_or(GroupError::NotFound)?;
        if group.gives_administrator() && !remove.is_empty() {
            self.somebody_stays(id, |member| !remove.contains(member))?;
        }
        self.change(id, &GroupChange::Members { add, remove, now })
    }

    /// Exactly these are in it.
    ///
    /// # Errors
    /// As [`change_members`](Self::change_members).
    pub fn replace_members(
        &self,
        id: &GroupId,
        members: Vec<AccountId>,
        now: Timestamp,
    ) -> Result<Group, GroupError> {
        let _held = self.accounts.hold();
        let group = self.storage.group(id)?.ok_or(GroupError::NotFound)?;
        if group.gives_administrator() {
            self.somebody_stays(id, |member| members.contains(member))?;
        }
        self.change(id, &GroupChange::ReplaceMembers { members, now })
    }

    /// An edit and who is in it: all of it, or nothing. Those to put in and to take out count after `members`.
    ///
    /// # Errors
    /// As [`edit`](Self::edit) and [`change_members`](Self::change_members).
    pub fn change_whole(
        &self,
        id: &GroupId,
        edit: GroupEdit,
        members: Option<Vec<AccountId>>,
        add: Vec<AccountId>,
        remove: Vec<AccountId>,
        now: Timestamp,
    ) -> Result<Group, GroupError> {
        let _held = self.accounts.hold();
        let group = self.storage.group(id)?.ok_or(GroupError::NotFound)?;
        let mut after = group.clone();
        edit.apply(&mut after, now);
        let moves = members.is_some() || !add.is_empty() || !remove.is_empty();
        if !moves && after == (Group { updated: now, ..group.clone() }) {
            return Ok(group);
        }
        if group.gives_administrator() {
            if !after.gives_administrator() {
                self.others_administer(id)?;
            } else if moves {
                let out: BTreeSet<_> = remove.iter().collect();
                let only: Option<BTreeSet<_>> = members.as_ref().map(|members| members.iter().collect());
                self.somebody_stays(id, |member| {
                    !out.contains(member) && only.as_ref().is_none_or(|only| only.contains(member))
                })?;
            }
        }
        self.change(id, &GroupChange::Whole { edit, members, add, remove, now })
    }

    /// # Errors
    /// [`GroupError::LastAdministrator`] when nobody else could administer.
    pub fn remove(&self, id: &GroupId) -> Result<Group, GroupError> {
        let _held = self.accounts.hold();
        let group = self.storage.group(id)?.ok_or(GroupError::NotFound)?;
        if group.gives_administrator() {
            self.others_administer(id)?;
        }
        for account in self.storage.remove_group(id)? {
            self.accounts.regrouped(&account)?;
        }
        Ok(group)
    }

    fn change(&self, id: &GroupId, change: &GroupChange) -> Result<Group, GroupError> {
        let (group, changed) = self.storage.update_group(id, change)?;
        for account in changed {
            self.accounts.regrouped(&account)?;
        }
        Ok(group)
    }

    /// Somebody can administer without this group, or nobody could with it.
    fn others_administer(&self, id: &GroupId) -> Result<(), GroupError> {
        let left = self.storage.has_administrator(&Without::Group(id.clone()))?;
        if left || !self.storage.has_administrator(&Without::Nobody)? {
            Ok(())
        } else {
            Err(GroupError::LastAdministrator)
        }
    }

    /// As [`others_administer`](Self::others_administer), or one of those who stay in the group can.
    fn somebody_stays(&self, id: &GroupId, stays: impl Fn(&AccountId) -> bool) -> Result<(), GroupError> {
        let refused = match self.others_administer(id) {
            Err(GroupError::LastAdministrator) => GroupError::LastAdministrator,
            decided => return decided,
        };
        let mut after = None;
        loop {
            let page = self.storage.members(id, after.as_ref(), MEMBERS_AT_ONCE)?;
            let Some(last) = page.last() else { return Err(refused) };
            after = Some(last.id.clone());
            for member in page.iter().filter(|member| stays(&member.id)) {
                let linked = self.storage.is_linked(&member.id)?;
                if self.storage.by_id(&member.id)?.is_some_and(|account| account.can_administer(linked)) {
                    return Ok(());
                }
            }
        }
    }
}

impl Group {
    fn gives_administrator(&self) -> bool {
        self.roles.iter().any(|role| role.as_str() == Role::ADMINISTRATOR)
    }
}

impl GroupName {
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    #[must_use]
    pub fn to_shared(&self) -> Arc<str> {
        Arc::clone(&self.0)
    }

    /// What names are compared and sorted by.
    #[must_use]
    pub fn folded(&self) -> String {
        self.0.to_lowercase()
    }
}

impl FromStr for GroupName {
    type Err = MalformedGroupName;

    fn from_str(text: &str) -> Result<Self, MalformedGroupName> {
        let text = text.trim();
        if text.len() > 4 * LONGEST || !(1..=LONGEST).contains(&text.chars().count()) {
            return Err(MalformedGroupName::Length);
        }
        if text.chars().any(is_invisible) {
            return Err(MalformedGroupName::Character);
        }
        Ok(Self(text.into()))
    }
}

/// Control characters, and what shows nothing or turns the direction of the text (Unicode TR 36, 2.10).
fn is_invisible(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}')
}

impl fmt::Display for GroupName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(&self.0)
    }
}

impl TryFrom<String> for GroupName {
    type Error = MalformedGroupName;

    fn try_from(text: String) -> Result<Self, MalformedGroupName> {
        text.parse()
    }
}

impl From<GroupName> for String {
    fn from(name: GroupName) -> Self {
        name.as_str().to_owned()
    }
}

impl From<StorageError> for GroupError {
    fn from(error: StorageError) -> Self {
        match error {
            StorageError::NotFound => Self::NotFound,
            StorageError::Taken => Self::Taken,
            error => Self::Storage(error),
        }
    }
}

impl From<AccountError> for GroupError {
    fn from(error: AccountError) -> Self {
        match error {
            AccountError::LastAdministrator => Self::LastAdministrator,
            AccountError::NotFound => Self::NotFound,
            AccountError::Storage(error) => Self::Storage(error),
            AccountError::Taken => Self::Taken,
        }
    }
}

const LONGEST: usize = 128;
const MEMBERS_AT_ONCE: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::NewAccount;
    use crate::session::{BeginSession, Sessions};
    use crate::settings::SessionSettings;
    use crate::storage::MemoryStorage;
    use gabion_model::Methods;
    use gabion_model::random::SeededRng;

    const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

    struct House {
        sessions: Arc<Sessions>,
        accounts: Accounts,
        groups: Groups,
        rng: SeededRng,
    }

    impl House {
        fn new() -> Self {
            let storage = Arc::new(MemoryStorage::new());
            let sessions = Sessions::open(storage.clone(), &SessionSettings::default(), NOW).unwrap();
            let accounts = Accounts::new(storage.clone(), Arc::clone(&sessions));
            let groups = Groups::new(storage, accounts.clone());
            Self { sessions, accounts, groups, rng: SeededRng::new(1) }
        }

        fn person(&self, name: &str) -> AccountId {
            let made =
                self.accounts.create(NewAccount::person(name.parse().unwrap()), NOW, &self.rng).unwrap();
            self.accounts.set_password(&made.id, "phc".to_owned(), None, NOW).unwrap();
            made.id
        }

        fn group(&self, name: &str, roles: &[&str]) -> GroupId {
            let new = NewGroup {
                name: name.parse().unwrap(),
                tenant: TenantId::new(TenantId::DEFAULT),
                roles: roles.iter().map(|role| Role::new(role)).collect(),
                external_id: None,
            };
            self.groups.create(new, NOW, &self.rng).unwrap().id
        }

        fn sign_in(&self, id: &AccountId) -> Arc<crate::Session> {
            let account = self.accounts.by_id(id).unwrap().unwrap();
            let begin =
                BeginSession { methods: Methods::PASSWORD, address: None, user_agent: None, now: NOW };
            self.sessions.begin(&account, begin, &self.rng).unwrap().1
        }

        fn put(&self, group: &GroupId, account: &AccountId) {
            self.groups.change_members(group, vec![account.clone()], vec![], NOW).unwrap();
        }
    }

    #[test]
    fn a_session_says_what_is_so_or_ends() {
        let house = House::new();
        let (ada, eve) = (house.person("ada"), house.person("eve"));
        let editors = house.group("Editors", &["editor"]);
        let (before, eves) = (house.sign_in(&ada), house.sign_in(&eve));
        house.put(&editors, &ada);
        assert!(before.is_ended() && !eves.is_ended());

        let session = house.sign_in(&ada);
        assert_eq!(session.principal.groups.iter().map(|one| &**one).collect::<Vec<_>>(), ["Editors"]);
        assert!(session.principal.has_role("editor"));
        house.put(&editors, &ada);
        assert!(!session.is_ended(), "she was in it already");
        let external = GroupEdit { external_id: Some(Some("x".to_owned())), ..GroupEdit::default() };
        house.groups.edit(&editors, external, NOW).unwrap();
        assert!(!session.is_ended(), "no session says it");
        let roles = GroupEdit { roles: Some(vec![Role::new("writer")]), ..GroupEdit::default() };
        house.groups.edit(&editors, roles, NOW).unwrap();
        assert!(session.is_ended());
        let session = house.sign_in(&ada);
        assert!(session.principal.has_role("writer") && !session.principal.has_role("editor"));
        house.groups.remove(&editors).unwrap();
        assert!(session.is_ended() && !eves.is_ended());
        assert!(house.sign_in(&ada).principal.roles.is_empty());
    }

    #[test]
    fn the_last_administrator_by_a_group_is_not_lost() {
        let house = House::new();
        let ada = house.person("ada");
        let crew = house.group("crew", &[Role::ADMINISTRATOR]);
        assert_eq!(house.accounts.has_administrator(), Ok(false));
        house.put(&crew, &ada);
        assert_eq!(house.accounts.has_administrator(), Ok(true));

        let refused = Err(GroupError::LastAdministrator);
        let none = GroupEdit { roles: Some(vec![]), ..GroupEdit::default() };
        assert_eq!(house.groups.edit(&crew, none.clone(), NOW), refused);
        assert_eq!(house.groups.remove(&crew), refused);
        assert_eq!(house.groups.change_members(&crew, vec![], vec![ada.clone()], NOW), refused);
        assert_eq!(house.groups.replace_members(&crew, vec![], NOW), refused);
        assert_eq!(house.accounts.disable(&ada), Err(AccountError::LastAdministrator));
        assert_eq!(house.accounts.remove(&ada, false, NOW), Err(AccountError::LastAdministrator));

        let eve = house.person("eve");
        house.put(&crew, &eve);
        house.groups.change_members(&crew, vec![], vec![ada.clone()], NOW).unwrap();
        assert_eq!(house.groups.change_members(&crew, vec![], vec![eve], NOW), refused);
        house.accounts.set_roles(&ada, vec![Role::new(Role::ADMINISTRATOR)]).unwrap();
        house.groups.edit(&crew, none, NOW).unwrap();
        house.groups.remove(&crew).unwrap();
        assert_eq!(house.accounts.has_administrator(), Ok(true));
    }

    #[test]
    fn a_removed_account_leaves_nothing_and_may_keep_its_name() {
        let house = House::new();
        let (ada, eve) = (house.person("ada"), house.person("eve"));
        let group = house.group("Editors", &["editor"]);
        house.put(&group, &ada);
        let session = house.sign_in(&ada);
        house.accounts.remove(&ada, true, NOW).unwrap();
        assert!(session.is_ended());
        assert_eq!(house.accounts.by_id(&ada), Ok(None));
        assert_eq!(house.groups.members(&group, None, 9), Ok(vec![]));
        let again = || house.accounts.create(NewAccount::person("ada".parse().unwrap()), NOW, &house.rng);
        assert_eq!(again(), Err(AccountError::Taken));
        let rename = crate::AccountEdit { name: Some("ADA".parse().unwrap()), ..Default::default() };
        assert_eq!(house.accounts.edit(&eve, rename.clone(), NOW), Err(AccountError::Taken));
        assert_eq!(house.accounts.release_name(&"ada".parse().unwrap()), Ok(true));
        assert_eq!(house.accounts.edit(&eve, rename, NOW).unwrap().name.as_str(), "ada");
    }

    #[test]
    fn names() {
        assert_eq!(" Tour Guides ".parse::<GroupName>().unwrap().as_str(), "Tour Guides");
        for wrong in ["", "  ", "a\nb", "a\u{202e}b", "a\u{200b}", &"x".repeat(129), &"x".repeat(1 << 20)] {
            assert!(wrong.parse::<GroupName>().is_err(), "{wrong:.20}");
        }
        let house = House::new();
        let id = house.group("Editors", &[]);
        assert_eq!(house.groups.find(&"EDITORS".parse().unwrap()).unwrap().unwrap().id, id);
    }
}
