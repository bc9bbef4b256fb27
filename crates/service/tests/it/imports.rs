use gabion_identity::storage::AccountStorage;
use gabion_model::Secret;
use gabion_service::{Caller, ImportedAccount, SignInError};

use crate::world::{World, secret};

/// bcrypt, cost 4, of `correct horse` and of `correct horse` with the pepper `salt and pepper`.
const HASH: &str = "$2b$04$abcdefghijklmnopqrstuujydOTSfIH/d5oUHpsygqV5X9xJLQc6e";
const PEPPERED: &str = "$2a$04$abcdefghijklmnopqrstuusKbocMrJJJhzIyupIo5BNyJMCbe4oFO";

fn account(name: &str, hash: &str) -> ImportedAccount {
    ImportedAccount { name: name.to_owned(), password: Some(secret(hash)), ..ImportedAccount::default() }
}

fn stored(world: &World, name: &str) -> Option<String> {
    world.storage.by_name(&name.parse().unwrap()).unwrap().and_then(|account| account.password)
}

#[tokio::test]
async fn an_imported_password_lets_in_once_by_the_old_hash_and_then_by_ours() {
    let world = World::new();
    let people = vec![account("ada", HASH)];
    let judged = world.service.import_accounts(&Caller::operator(), people, None, false).await.unwrap();
    assert_eq!(judged, [Ok(())]);
    assert_eq!(stored(&world, "ada").as_deref(), Some(HASH));
    assert_eq!(world.try_sign_in("ada", "wrong").await.unwrap_err(), SignInError::Rejected);
    assert_eq!(stored(&world, "ada").as_deref(), Some(HASH), "a wrong try changes nothing");

    world.try_sign_in("ada", "correct horse").await.unwrap();
    assert!(stored(&world, "ada").unwrap().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
    world.try_sign_in("ada", "correct horse").await.unwrap();
}

#[tokio::test]
async fn a_pepper_lies_sealed_beside_the_hash_until_that_is_replaced() {
    let world = World::new();
    let pepper = Secret::new("salt and pepper".to_owned());
    let people = vec![account("ada", PEPPERED)];
    let judged = world.service.import_accounts(&Caller::operator(), people, Some(pepper), false).await;
    assert_eq!(judged.unwrap(), [Ok(())]);
    let kept = stored(&world, "ada").unwrap();
    assert!(
        kept.starts_with("pepper:") && kept.ends_with(PEPPERED) && !kept.contains("salt and pepper"),
        "{kept}"
    );
    assert_eq!(world.try_sign_in("ada", "wrong").await.unwrap_err(), SignInError::Rejected);
    world.try_sign_in("ada", "correct horse").await.unwrap();
    assert!(stored(&world, "ada").unwrap().starts_with("$argon2id$"));
    world.try_sign_in("ada", "correct horse").await.unwrap();
}

#[tokio::test]
async fn each_is_taken_over_whole_or_not_at_all_and_a_dry_run_changes_nothing() {
    let world = World::new();
    world.person("taken", &[]).await;
    let email = |name: &str, email: &str| ImportedAccount {
        email: Some(email.to_owned()),
        email_verified: true,
        ..account(name, HASH)
    };
    let people = || {
        vec![
            account("ada", HASH),
            account("taken", HASH),
            account("no such <name>", HASH),
            account("plain", "5f4dcc3b5aa765d61d8327deb882cf99"),
            account("costly", "$2b$31$abcdefghijklmnopqrstuuY3W6vwfbMsd73C4N5cNn/cQmtsMMjOa"),
            email("mail", "not an address"),
            ImportedAccount { roles: vec!["a role".to_owned()], ..account("roles", HASH) },
            email("first", "same@example.org"),
            ImportedAccount { disabled: true, ..account("gone", HASH) },
            ImportedAccount { password: None, ..account("bare", HASH) },
        ]
    };
    let told = |judged: Vec<Result<(), gabion_model::Problem>>| -> Vec<String> {
        judged.into_iter().map(|one| one.map_or_else(|problem| problem.path, |()| "ok".to_owned())).collect()
    };
    let expected =
        ["ok", "name", "name", "password_hash", "password_hash", "email", "roles", "ok", "ok", "ok"];
    let operator = Caller::operator();
    let dry = world.service.import_accounts(&operator, people(), None, true).await.unwrap();
    assert_eq!(told(dry), expected);
    assert_eq!(world.service.list_accounts(&operator).await.unwrap().len(), 1, "nothing was changed");

    let done = world.service.import_accounts(&operator, people(), None, false).await.unwrap();
    assert_eq!(told(done), expected);
    let names: Vec<_> =
        world.service.list_accounts(&operator).await.unwrap().into_iter().map(|one| one.name).collect();
    assert_eq!(names, ["ada", "bare", "first", "gone", "taken"]);
    let again = vec![email("second", "same@example.org")];
    let judged = world.service.import_accounts(&operator, again, None, false).await.unwrap();
    assert_eq!(told(judged), ["name"], "a verified address is one account's only");
    for name in ["gone", "bare"] {
        assert_eq!(
            world.try_sign_in(name, "correct horse").await.unwrap_err(),
            SignInError::Rejected,
            "{name}"
        );
    }
}
