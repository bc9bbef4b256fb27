//! What the identity file made.

use crate::storage::{Declaration, DeclaredKind, Storage};

pub(super) fn declarations_are_kept_until_they_are_withdrawn(storage: &impl Storage) {
    assert_eq!(storage.declarations(), Ok(Vec::new()));
    let one = |kind, name: &str| Declaration {
        kind,
        name: name.to_owned(),
        id: "1".to_owned(),
        made: true,
        password_given: false,
    };
    let (group, account) = (one(DeclaredKind::Group, "ada"), one(DeclaredKind::Account, "ada"));
    storage.declare(&group).unwrap();
    storage.declare(&account).unwrap();
    storage.declare(&one(DeclaredKind::Client, "Shop~1")).unwrap();
    let all = storage.declarations().unwrap();
    assert_eq!(
        all,
        [account.clone(), one(DeclaredKind::Client, "Shop~1"), group.clone()],
        "by kind and name"
    );

    let later = Declaration { id: "2".to_owned(), made: false, password_given: true, ..account };
    storage.declare(&later).unwrap();
    storage.undeclare(DeclaredKind::Client, "Shop~1").unwrap();
    storage.undeclare(DeclaredKind::Client, "nothing").unwrap();
    assert_eq!(storage.declarations().unwrap(), [later, group], "the latest is what counts");
}
