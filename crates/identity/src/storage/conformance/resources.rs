//! What applications registered.

use gabion_model::AccountId;

use super::START;
use crate::storage::{ResourceStorage, Storage, StoredResource};

pub(super) fn a_resource_is_kept_until_it_is_replaced_or_removed(storage: &impl Storage) {
    let one = StoredResource {
        kind: "Order".to_owned(),
        id: "17/ä'\"".to_owned(),
        attributes: r#"{"owner":"ada"}"#.to_owned(),
        parents: "[]".to_owned(),
        by: AccountId::new("shop"),
        at: START,
    };
    assert_eq!(ResourceStorage::resource(storage, &one.kind, &one.id).unwrap(), None);
    storage.put_resource(&one).unwrap();
    let other = StoredResource { kind: "Invoice".to_owned(), attributes: "{}".to_owned(), ..one.clone() };
    storage.put_resource(&other).unwrap();
    assert_eq!(storage.resource(&one.kind, &one.id).unwrap().as_ref(), Some(&one));
    let changed = StoredResource { attributes: r#"{"owner":"bob"}"#.to_owned(), ..one.clone() };
    storage.put_resource(&changed).unwrap();
    assert_eq!(storage.resource(&one.kind, &one.id).unwrap(), Some(changed));
    let third = StoredResource { id: "2".to_owned(), ..one.clone() };
    storage.put_resource(&third).unwrap();
    let ids = |after: Option<&str>, limit: usize| {
        let page = storage.resources_of("Order", after, limit).unwrap();
        page.into_iter().map(|one| one.id).collect::<Vec<_>>()
    };
    assert_eq!(ids(None, 10), ["17/ä'\"", "2"], "of one type, by id");
    assert_eq!(ids(None, 1), ["17/ä'\""]);
    assert_eq!(ids(Some("17/ä'\""), 10), ["2"]);
    assert_eq!(ids(Some("2"), 10), [""; 0]);
    assert!(storage.remove_resource(&one.kind, &one.id).unwrap());
    assert!(!storage.remove_resource(&one.kind, &one.id).unwrap());
    assert_eq!(storage.resource(&one.kind, &one.id).unwrap(), None);
    assert_eq!(storage.resource(&other.kind, &other.id).unwrap(), Some(other));
}
