//! Lists, groups and removal.

use gabion_model::{AccountId, GroupId, Role, TenantId, Timestamp};

use super::{START, account, ids, invitation, session};
use crate::account::{Account, AccountEdit, AccountKind};
use crate::federation::external::{ExternalIdentity, IdentityId};
use crate::group::{Group, GroupEdit};
use crate::storage::{
    AccountChange, AccountFilter, AccountPage, AccountStorage, GroupChange, GroupPage, SessionStorage,
    Storage, StorageError, Without,
};

pub(super) fn cases<S: Storage>() -> [fn(&S); 9] {
    [
        a_list_is_walked_page_by_page,
        filters_mean_the_same_everywhere,
        an_edit_is_made_whole_or_not_at_all,
        an_edit_ends_what_it_contradicts,
        removal_takes_all_along,
        a_kept_name_is_given_to_nobody,
        groups_are_kept_whole,
        group_changes_end_sessions_of_whom_they_touch,
        administrators_are_found,
    ]
}

fn names(accounts: &[Account]) -> Vec<&str> {
    accounts.iter().map(|account| account.name.as_str()).collect()
}

fn a_list_is_walked_page_by_page(storage: &impl Storage) {
    for name in ["c", "a", "e", "b", "d"] {
        AccountStorage::insert(storage, &account(&name.repeat(2))).unwrap();
    }
    let page = |after: Option<&str>, skip, descending, limit| {
        let after = after.map(|name| name.parse().unwrap());
        storage.accounts(&AccountPage { after, skip, descending, limit, ..AccountPage::default() }).unwrap()
    };
    assert_eq!(names(&page(None, 0, false, 2)), ["aa", "bb"]);
    assert_eq!(names(&page(Some("bb"), 0, false, 2)), ["cc", "dd"]);
    assert_eq!(names(&page(Some("bc"), 0, false, 9)), ["cc", "dd", "ee"], "what is not there is no trouble");
    assert_eq!(names(&page(Some("ee"), 0, false, 2)), Vec::<&str>::new());
    assert_eq!(names(&page(None, 3, false, 9)), ["dd", "ee"]);
    assert_eq!(names(&page(Some("dd"), 1, true, 9)), ["bb", "aa"]);
    assert_eq!(names(&page(None, 0, false, 0)), Vec::<&str>::new());
    assert_eq!(storage.count_accounts(&AccountFilter::default()), Ok(5));
}

fn filters_mean_the_same_everywhere(storage: &impl Storage) {
    let editors = group("Editors", &["editor"]);
    storage.insert_group(&editors).unwrap();
    let people = [
        Account { roles: vec![Role::new("editor")], ..account("ada") },
        Account { email: Some("eve_%@other.example".parse().unwrap()), ..account("eve") },
        Account { external_id: Some("00u1".to_owned()), disabled: true, ..account("bob") },
        Account { kind: AccountKind::Service, password: Some("phc".to_owned()), ..account("robot_1") },
        Account {
            tenant: TenantId::new("acme"),
            attributes: titled("Chief of Robots"),
            ..account("robotx1")
        },
    ];
    for one in &people {
        AccountStorage::insert(storage, one).unwrap();
    }
    let add = vec![people.get(1).map(|eve| eve.id.clone()).unwrap()];
    storage.update_group(&editors.id, &GroupChange::Members { add, remove: vec![], now: START }).unwrap();
    let some = |text: &str| Some(text.to_owned());
    for (filter, expected) in [
        (AccountFilter { name: Some("eve".parse().unwrap()), ..AccountFilter::default() }, vec!["eve"]),
        (AccountFilter { name_prefix: some("robot_"), ..AccountFilter::default() }, vec!["robot_1"]),
        (AccountFilter { contains: some("_%"), ..AccountFilter::default() }, vec!["eve"]),
        (
            AccountFilter { contains: some("o"), ..AccountFilter::default() },
            vec!["bob", "eve", "robot_1", "robotx1"],
        ),
        (AccountFilter { contains: some("'"), ..AccountFilter::default() }, vec![]),
        (
            AccountFilter { email: Some("eve_%@other.example".parse().unwrap()), ..AccountFilter::default() },
            vec!["eve"],
        ),
        (AccountFilter { external_id: some("00u1"), ..AccountFilter::default() }, vec!["bob"]),
        (AccountFilter { mentions: some("OF robots"), ..AccountFilter::default() }, vec!["robotx1"]),
        (AccountFilter { mentions: some("@Other.example"), ..AccountFilter::default() }, vec!["eve"]),
        (AccountFilter { mentions: some("{"), ..AccountFilter::default() }, vec!["robotx1"]),
        (AccountFilter { kind: Some(AccountKind::Service), ..AccountFilter::default() }, vec!["robot_1"]),
        (AccountFilter { tenant: Some(TenantId::new("acme")), ..AccountFilter::default() }, vec!["robotx1"]),
        (AccountFilter { role: Some(Role::new("editor")), ..AccountFilter::default() }, vec!["ada", "eve"]),
        (AccountFilter { group: Some(editors.id.clone()), ..AccountFilter::default() }, vec!["eve"]),
        (AccountFilter { disabled: Some(true), ..AccountFilter::default() }, vec!["bob"]),
        (AccountFilter { enrolled: Some(true), ..AccountFilter::default() }, vec!["robot_1"]),
        (
            AccountFilter {
                role: Some(Role::new("editor")),
                contains: some("d"),
                ..AccountFilter::default()
            },
            vec!["ada"],
        ),
    ] {
        let page = AccountPage { filter: filter.clone(), limit: 10, ..AccountPage::default() };
        let found = storage.accounts(&page).unwrap();
        assert_eq!(names(&found), expected, "{filter:?}");
        assert!(found.iter().all(|account| filter.fits(account)), "{filter:?}");
        assert_eq!(storage.count_accounts(&filter), Ok(expected.len() as u64), "{filter:?}");
    }
    assert_eq!(storage.account_roles(), Ok(vec![(Role::new("editor"), 1)]));
}

fn an_edit_is_made_whole_or_not_at_all(storage: &impl Storage) {
    let (ada, eve) = (account("ada"), account("eve"));
    for one in [&ada, &eve] {
        AccountStorage::insert(storage, one).unwrap();
    }
    let edit = AccountEdit {
        name: Some("lovelace".parse().unwrap()),
        email: Some((Some("ada@example.org".parse().unwrap()), Some(START))),
        personal: Some(crate::Personal { name: Some("Ada".to_owned()), ..crate::Personal::default() }),
        tenant: Some(TenantId::new("acme")),
        roles: Some(vec![Role::new("editor")]),
        external_id: Some(Some("00u1".to_owned())),
        attributes: Some(titled("Countess")),
        password: Some(Some("phc".to_owned())),
        disabled: Some(true),
    };
    let later = Timestamp::from_secs(300);
    let change = |edit: &AccountEdit| AccountChange::Edit { edit: Box::new(edit.clone()), now: later };
    let edited = storage.update(&ada.id, &change(&edit)).unwrap();
    let expected = Account {
        name: "lovelace".parse().unwrap(),
        email: Some("ada@example.org".parse().unwrap()),
        email_verified: Some(START),
        personal: edit.personal.clone().unwrap_or_default(),
        tenant: TenantId::new("acme"),
        roles: vec![Role::new("editor")],
        external_id: Some("00u1".to_owned()),
        attributes: titled("Countess"),
        password: Some("phc".to_owned()),
        password_changed: Some(later),
        disabled: true,
        epoch: 1,
        updated: later,
        ..ada
    };
    assert_eq!((&edited, storage.by_name(&expected.name)), (&expected, Ok(Some(expected.clone()))));
    assert_eq!(storage.account_roles(), Ok(vec![(Role::new("editor"), 1)]));
    let mut tenants = [TenantId::new("acme"), eve.tenant.clone()];
    tenants.sort();
    assert_eq!(storage.account_tenants(), Ok(tenants.to_vec()));
    let name = AccountEdit { name: edit.name.clone(), roles: Some(vec![]), ..AccountEdit::default() };
    assert_eq!(storage.update(&eve.id, &change(&name)), Err(StorageError::Taken));
    let address =
        AccountEdit { email: edit.email, name: Some("else".parse().unwrap()), ..AccountEdit::default() };
    assert_eq!(storage.update(&eve.id, &change(&address)), Err(StorageError::Taken));
    assert_eq!(storage.by_id(&eve.id), Ok(Some(eve)));
}

fn titled(title: &str) -> crate::scim::Attributes {
    crate::scim::Attributes::new([("title".to_owned(), title.into())].into_iter().collect())
}

fn an_edit_ends_what_it_contradicts(storage: &impl Storage) {
    let edits = [
        (AccountEdit { name: Some("other".parse().unwrap()), ..AccountEdit::default() }, true),
        (AccountEdit { roles: Some(vec![Role::new("x")]), ..AccountEdit::default() }, true),
        (AccountEdit { tenant: Some(TenantId::new("acme")), ..AccountEdit::default() }, true),
        (AccountEdit { disabled: Some(true), ..AccountEdit::default() }, true),
        (AccountEdit { password: Some(Some("phc".to_owned())), ..AccountEdit::default() }, true),
        (AccountEdit { password: Some(None), ..AccountEdit::default() }, true),
        (AccountEdit { attributes: Some(titled("Dr")), ..AccountEdit::default() }, false),
        (AccountEdit { external_id: Some(Some("x".to_owned())), ..AccountEdit::default() }, false),
        (AccountEdit { personal: Some(crate::Personal::default()), ..AccountEdit::default() }, false),
        (AccountEdit { email: Some((None, None)), ..AccountEdit::default() }, false),
    ];
    for (index, (edit, ends)) in edits.into_iter().enumerate() {
        let owner = account(&format!("owner-{index}"));
        AccountStorage::insert(storage, &owner).unwrap();
        let begun = session(&format!("session-{index}"), &owner);
        SessionStorage::insert(storage, &begun, 0).unwrap();
        let change = AccountChange::Edit { edit: Box::new(edit), now: START };
        assert_eq!(storage.update(&owner.id, &change).unwrap().epoch, u64::from(ends), "{change:?}");
        assert_eq!(change.raises_epoch(), ends, "{change:?}");
        assert_eq!(!ids(storage).contains(&begun.id.to_string()), ends, "{change:?}");
    }
    let ada = account("ada");
    AccountStorage::insert(storage, &ada).unwrap();
    SessionStorage::insert(storage, &session("adas", &ada), 0).unwrap();
    storage.put(&invitation(9, &ada)).unwrap();
    storage.update(&ada.id, &AccountChange::RevokeAll).unwrap();
    assert!(!ids(storage).contains(&"adas".to_owned()));
    assert_eq!(storage.find(&[9; 32], START), Ok(None));
}

fn removal_takes_all_along(storage: &impl Storage) {
    let (ada, eve, editors) = (account("ada"), account("eve"), group("Editors", &[]));
    storage.insert_group(&editors).unwrap();
    for (index, one) in [(1, &ada), (2, &eve)] {
        AccountStorage::insert(storage, one).unwrap();
        SessionStorage::insert(storage, &session(one.name.as_str(), one), 0).unwrap();
        storage.put(&invitation(index, one)).unwrap();
    }
    let add = vec![ada.id.clone(), eve.id.clone()];
    storage.update_group(&editors.id, &GroupChange::Members { add, remove: vec![], now: START }).unwrap();
    SessionStorage::insert(storage, &session("adas", &ada), 1).unwrap();
    SessionStorage::insert(storage, &session("eves", &eve), 1).unwrap();
    storage.remove_account(&ada.id, None).unwrap();
    assert_eq!(AccountStorage::remove_account(storage, &ada.id, None), Err(StorageError::NotFound));
    assert_eq!(storage.by_id(&ada.id), Ok(None));
    assert_eq!(ids(storage), ["eves"]);
    assert_eq!(storage.find(&[1; 32], START), Ok(None));
    assert!(storage.find(&[2; 32], START).unwrap().is_some());
    let left = storage.members(&editors.id, None, 9).unwrap();
    assert_eq!(left.iter().map(|member| member.id.clone()).collect::<Vec<_>>(), [eve.id]);
    AccountStorage::insert(storage, &account("ada")).unwrap();
}

fn a_kept_name_is_given_to_nobody(storage: &impl Storage) {
    let (ada, eve) = (account("ada"), account("eve"));
    for one in [&ada, &eve] {
        AccountStorage::insert(storage, one).unwrap();
    }
    AccountStorage::remove_account(storage, &ada.id, Some(START)).unwrap();
    let again = Account { id: AccountId::new("another"), ..account("ada") };
    assert_eq!(AccountStorage::insert(storage, &again), Err(StorageError::Taken));
    let edit = AccountEdit { name: Some(ada.name.clone()), ..AccountEdit::default() };
    let rename = AccountChange::Edit { edit: Box::new(edit), now: START };
    assert_eq!(storage.update(&eve.id, &rename), Err(StorageError::Taken));
    assert_eq!(storage.is_kept_name(&ada.name), Ok(true));
    assert_eq!(storage.release_name(&ada.name), Ok(true));
    assert_eq!(storage.release_name(&ada.name), Ok(false));
    assert_eq!(storage.is_kept_name(&ada.name), Ok(false));
    assert_eq!(AccountStorage::insert(storage, &again), Ok(()));
}

fn groups_are_kept_whole(storage: &impl Storage) {
    let full = Group {
        tenant: TenantId::new("acme"),
        external_id: Some("g-1".to_owned()),
        updated: Timestamp::from_secs(200),
        ..group("Zürich <b>", &["editor", "with \"quotes\""])
    };
    let plain = group("authors", &[]);
    for one in [&full, &plain] {
        storage.insert_group(one).unwrap();
        assert_eq!(storage.group(&one.id), Ok(Some(one.clone())));
    }
    assert_eq!(storage.group_by_name(&"AUTHORS".parse().unwrap()), Ok(Some(plain.clone())));
    let same_name = Group { id: GroupId::new("other"), ..group("Authors", &[]) };
    assert_eq!(storage.insert_group(&same_name), Err(StorageError::Taken));
    let rename = GroupEdit { name: Some("AUTHORS".parse().unwrap()), ..GroupEdit::default() };
    let rename = GroupChange::Edit { edit: rename, now: START };
    assert_eq!(storage.update_group(&full.id, &rename), Err(StorageError::Taken));
    assert_eq!(storage.update_group(&plain.id, &rename).unwrap().0.name.as_str(), "AUTHORS");
    let listed = |page: GroupPage| {
        let groups = storage.groups(&GroupPage { limit: 9, ..page }).unwrap();
        groups.iter().map(|group| group.name.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(listed(GroupPage::default()), ["AUTHORS", "Zürich <b>"]);
    assert_eq!(
        listed(GroupPage { after: Some("Authors".parse().unwrap()), ..GroupPage::default() }),
        ["Zürich <b>"]
    );
    assert_eq!(listed(GroupPage { descending: true, skip: 1, ..GroupPage::default() }), ["AUTHORS"]);
    assert_eq!(
        listed(GroupPage { external_id: Some("g-1".to_owned()), ..GroupPage::default() }),
        ["Zürich <b>"]
    );
    assert_eq!(storage.count_groups(), Ok(2));
    let nobody = GroupId::new("nobody");
    assert_eq!(storage.group(&nobody), Ok(None));
    assert_eq!(storage.remove_group(&nobody), Err(StorageError::NotFound));
    assert_eq!(storage.update_group(&nobody, &rename), Err(StorageError::NotFound));
    storage.remove_group(&full.id).unwrap();
    assert_eq!(storage.group(&full.id), Ok(None));
}

fn group_changes_end_sessions_of_whom_they_touch(storage: &impl Storage) {
    let (ada, bob, eve) = (account("ada"), account("bob"), account("eve"));
    let (editors, others) = (group("Editors", &["editor"]), group("Others", &["other"]));
    for one in [&editors, &others] {
        storage.insert_group(one).unwrap();
    }
    for one in [&ada, &bob, &eve] {
        AccountStorage::insert(storage, one).unwrap();
    }
    let begin = || {
        for one in [&ada, &bob, &eve] {
            let now = storage.by_id(&one.id).unwrap().unwrap();
            // Who is signed in stays so.
            let _ = SessionStorage::insert(storage, &session(one.name.as_str(), one), now.epoch);
        }
    };
    let id = |one: &Account| one.id.clone();
    let change = |change: GroupChange| {
        begin();
        let (group, mut changed) = storage.update_group(&editors.id, &change).unwrap();
        changed.sort();
        (group.members, changed, ids(storage))
    };
    let members = |add: &[&Account], remove: &[&Account]| GroupChange::Members {
        add: add.iter().map(|one| id(one)).collect(),
        remove: remove.iter().map(|one| id(one)).collect(),
        now: START,
    };
    assert_eq!(change(members(&[&ada], &[])), (1, vec![id(&ada)], vec!["bob".to_owned(), "eve".to_owned()]));
    assert_eq!(
        change(members(&[&ada, &bob], &[&eve])),
        (2, vec![id(&bob)], vec!["ada".to_owned(), "eve".to_owned()])
    );
    let unknown = GroupChange::Members { add: vec![AccountId::new("nobody")], remove: vec![], now: START };
    assert_eq!(storage.update_group(&editors.id, &unknown), Err(StorageError::NotFound));
    let edit = |edit| GroupChange::Edit { edit, now: START };
    let external = GroupEdit { external_id: Some(Some("x".to_owned())), ..GroupEdit::default() };
    assert_eq!(change(edit(external)).1, Vec::<AccountId>::new());
    let roles = GroupEdit { roles: Some(vec![Role::new("writer")]), ..GroupEdit::default() };
    assert_eq!(change(edit(roles)), (2, vec![id(&ada), id(&bob)], vec!["eve".to_owned()]));
    let replace = GroupChange::ReplaceMembers { members: vec![id(&bob), id(&eve)], now: START };
    assert_eq!(change(replace), (2, vec![id(&ada), id(&eve)], vec!["bob".to_owned()]));
    let whole =
        |edit, members: Option<&[&Account]>, add: &[&Account], remove: &[&Account]| GroupChange::Whole {
            edit,
            members: members.map(|members| members.iter().map(|one| id(one)).collect()),
            add: add.iter().map(|one| id(one)).collect(),
            remove: remove.iter().map(|one| id(one)).collect(),
            now: START,
        };
    let moved = whole(GroupEdit::default(), None, &[&ada], &[&eve]);
    assert_eq!(change(moved), (2, vec![id(&ada), id(&eve)], vec!["bob".to_owned()]));
    let renamed = GroupEdit { name: Some("Writers".parse().unwrap()), ..GroupEdit::default() };
    let renamed = whole(renamed, Some(&[&bob, &ada]), &[&eve], &[&ada]);
    assert_eq!(change(renamed), (2, vec![id(&ada), id(&bob), id(&eve)], Vec::new()));
    let clash = GroupEdit { name: Some("OTHERS".parse().unwrap()), ..GroupEdit::default() };
    let clash = whole(clash, Some(&[]), &[], &[]);
    assert_eq!(storage.update_group(&editors.id, &clash), Err(StorageError::Taken));
    assert_eq!(storage.members(&editors.id, None, 9).unwrap().len(), 2, "all of it or nothing");
    let found = storage.by_id(&bob.id).unwrap().unwrap();
    assert_eq!(found.effective_roles(), [Role::new("writer")]);
    let page = storage.members(&editors.id, None, 1).unwrap();
    let rest = storage.members(&editors.id, page.first().map(|one| &one.id), 9).unwrap();
    let all: Vec<_> = page.iter().chain(&rest).map(|one| one.name.to_string()).collect();
    assert_eq!(all, ["bob", "eve"]);
    begin();
    assert_eq!(storage.remove_group(&editors.id).unwrap().len(), 2);
    assert_eq!(ids(storage), ["ada"]);
    assert_eq!(storage.by_id(&bob.id).unwrap().unwrap().groups, []);
}

fn administrators_are_found(storage: &impl Storage) {
    let crew = group("Crew", &["editor", Role::ADMINISTRATOR]);
    storage.insert_group(&crew).unwrap();
    let password = Some("phc".to_owned());
    let own =
        Account { roles: vec![Role::new(Role::ADMINISTRATOR)], password: password.clone(), ..account("own") };
    let by_group = Account { password, ..account("by-group") };
    let near = Account { roles: vec![Role::new("not-administrator")], ..by_group.clone() };
    let near = Account { id: AccountId::new("near"), name: "near".parse().unwrap(), ..near };
    for one in [&by_group, &near] {
        AccountStorage::insert(storage, one).unwrap();
    }
    assert_eq!(storage.has_administrator(&Without::Nobody), Ok(false));
    let add = GroupChange::Members { add: vec![by_group.id.clone()], remove: vec![], now: START };
    storage.update_group(&crew.id, &add).unwrap();
    assert_eq!(storage.has_administrator(&Without::Nobody), Ok(true));
    assert_eq!(storage.has_administrator(&Without::Group(crew.id.clone())), Ok(false));
    assert_eq!(storage.has_administrator(&Without::Account(by_group.id.clone())), Ok(false));
    AccountStorage::insert(storage, &own).unwrap();
    assert_eq!(storage.has_administrator(&Without::Group(crew.id.clone())), Ok(true));
    assert_eq!(storage.has_administrator(&Without::Account(by_group.id.clone())), Ok(true));
    storage.update(&own.id, &AccountChange::Disable).unwrap();
    assert_eq!(storage.has_administrator(&Without::Account(by_group.id.clone())), Ok(false));
    storage.update(&by_group.id, &AccountChange::RemovePassword).unwrap();
    assert_eq!(storage.has_administrator(&Without::Nobody), Ok(false));

    // Whoever signs in with another provider needs no password.
    for (owner, id) in [(&by_group, "one"), (&own, "two")] {
        assert_eq!(storage.is_linked(&owner.id), Ok(false));
        let identity = ExternalIdentity {
            id: IdentityId::new(id),
            account: owner.id.clone(),
            issuer: "https://op.example".to_owned(),
            subject: id.to_owned(),
            label: id.to_owned(),
            linked: START,
            last_used: None,
        };
        storage.link_identity(&identity).unwrap();
        assert_eq!(storage.is_linked(&owner.id), Ok(true));
    }
    assert_eq!(storage.has_administrator(&Without::Nobody), Ok(true));
    assert_eq!(
        storage.has_administrator(&Without::Group(crew.id.clone())),
        Ok(false),
        "the other is disabled"
    );
    storage.update(&own.id, &AccountChange::RemovePassword).unwrap();
    storage.update(&own.id, &AccountChange::Enable).unwrap();
    assert_eq!(storage.has_administrator(&Without::Group(crew.id.clone())), Ok(true));
}

fn group(name: &str, roles: &[&str]) -> Group {
    Group {
        id: GroupId::new(&format!("id of {name}")),
        name: name.parse().unwrap(),
        tenant: TenantId::new(TenantId::DEFAULT),
        roles: roles.iter().map(|role| Role::new(role)).collect(),
        external_id: None,
        created: START,
        updated: START,
        members: 0,
    }
}
