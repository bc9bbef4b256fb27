//! Clients.

use std::sync::Barrier;

use gabion_model::{AccountId, TenantId, Timestamp};
use serde_json::json;

use super::{PARALLEL, START, parallel};
use crate::oauth::client::{
    AuthenticationMethod, CertificateSubject, Client, ClientSecret, GrantType, Metadata, Registration,
    SignatureAlgorithm,
};
use crate::storage::{Storage, StorageError};

pub(super) fn clients_are_kept_whole(storage: &impl Storage) {
    let plain = client("zoo");
    let full = Client {
        metadata: Metadata {
            name: "Shop <b>\u{202e}ü".to_owned(),
            authentication: AuthenticationMethod::SelfSignedTls,
            grant_types: GrantType::ALL.to_vec(),
            jwks: Some(json!({"keys": [{"kty": "EC", "n": "\"quoted\""}]})),
            certificate_subject: Some(CertificateSubject::Dn("CN=shop,O=Ex\\, Ltd".to_owned())),
            id_token_signed_response_alg: Some(SignatureAlgorithm::EdDsa),
            default_max_age: Some(u64::from(u32::MAX)),
            ..plain.metadata.clone()
        },
        tenant: TenantId::new("acme"),
        secrets: vec![
            ClientSecret { expires: Some(Timestamp::from_micros(-1)), ..secret("one") },
            secret("two"),
        ],
        account: Some(AccountId::new("id of a service")),
        registration: Registration::Dynamic,
        registration_token: Some([9; 32]),
        disabled: true,
        updated: Timestamp::from_micros(7),
        revision: 3,
        ..client("Acme.shop~1")
    };
    for one in [&plain, &full] {
        assert_eq!(storage.client(&one.id), Ok(None));
        storage.insert_client(one).unwrap();
        assert_eq!(storage.client(&one.id), Ok(Some(one.clone())));
    }
    assert_eq!(storage.clients(), Ok(vec![full, plain]), "by id");
    assert_eq!(storage.count_clients(), Ok(2));
}

pub(super) fn a_client_id_is_given_once(storage: &impl Storage) {
    let first = client("shop");
    storage.insert_client(&first).unwrap();
    let second = Client { secrets: vec![], ..client("shop") };
    assert_eq!(storage.insert_client(&second), Err(StorageError::Taken));
    assert_eq!(storage.clients(), Ok(vec![first]), "nothing of the second is left");
}

pub(super) fn a_client_is_replaced_by_the_next_revision_only(storage: &impl Storage) {
    let first = client("shop");
    assert_eq!(storage.replace_client(&first), Err(StorageError::NotFound));
    storage.insert_client(&first).unwrap();
    let next = Client { revision: 1, secrets: vec![secret("new")], disabled: true, ..first.clone() };
    storage.replace_client(&next).unwrap();
    assert_eq!(storage.client(&first.id), Ok(Some(next.clone())));
    for stale in [0, 1, 3] {
        let stale = Client { revision: stale, ..next.clone() };
        assert_eq!(storage.replace_client(&stale), Err(StorageError::Stale));
    }
    let barrier = Barrier::new(PARALLEL);
    let replaced = parallel(|index| {
        let one = Client { revision: 2, secrets: vec![secret(&format!("of {index}"))], ..first.clone() };
        barrier.wait();
        storage.replace_client(&one)
    });
    assert_eq!(replaced.iter().filter(|result| result.is_ok()).count(), 1, "{replaced:?}");
    assert_eq!(storage.client(&first.id).unwrap().unwrap().secrets.len(), 1);
}

pub(super) fn a_removed_client_leaves_nothing(storage: &impl Storage) {
    let one = client("shop");
    assert_eq!(storage.remove_client(&one.id), Ok(false));
    storage.insert_client(&one).unwrap();
    assert_eq!(storage.remove_client(&one.id), Ok(true));
    assert_eq!(storage.client(&one.id), Ok(None));
    let again = Client { secrets: vec![], ..one };
    storage.insert_client(&again).unwrap();
    assert_eq!(storage.client(&again.id), Ok(Some(again)));
}

fn client(id: &str) -> Client {
    Client {
        id: id.parse().unwrap(),
        metadata: Metadata {
            name: id.to_owned(),
            redirect_uris: vec!["https://shop.example/cb".parse().unwrap()],
            ..Metadata::default()
        },
        tenant: TenantId::new(TenantId::DEFAULT),
        secrets: vec![secret("first")],
        account: None,
        registration: Registration::Operator,
        registration_token: None,
        disabled: false,
        created: START,
        updated: START,
        revision: 0,
    }
}

fn secret(id: &str) -> ClientSecret {
    ClientSecret {
        id: id.to_owned(),
        hash: gabion_vault::sha256(id.as_bytes()),
        created: START,
        expires: None,
    }
}
