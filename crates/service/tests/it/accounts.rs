use gabion_model::{Outcome, Role};
use gabion_service::{
    AccountState, ActError, AddAccountError, Caller, DisableAccountError, NewAccount, Purpose, SignInError,
};

use crate::world::{PASSWORD, World, anonymous, secret, signed_in};

#[tokio::test]
async fn disabling_ends_everything_at_once() {
    let world = World::new();
    world.administrator("root").await;
    world.person("ada", &[]).await;
    let (root, ada) = (world.sign_in("root").await, world.sign_in("ada").await);

    world.service.disable_account(&signed_in(&root.session), "ADA").await.unwrap();

    assert!(ada.session.is_ended() && !world.lives(&ada));
    assert_eq!(world.try_sign_in("ada", PASSWORD).await.unwrap_err(), SignInError::Rejected);

    world.service.enable_account(&signed_in(&root.session), "ada").await.unwrap();
    world.sign_in("ada").await;
}

#[tokio::test]
async fn nobody_locks_everybody_out() {
    let world = World::new();
    world.administrator("root").await;
    let root = world.sign_in("root").await;
    for caller in [signed_in(&root.session), Caller::operator()] {
        let answer = world.service.disable_account(&caller, "root").await;
        assert_eq!(answer, Err(DisableAccountError::LastAdministrator));
    }
    assert!(world.lives(&root));
}

#[tokio::test]
async fn a_reset_takes_the_old_password_away() {
    let world = World::new();
    world.administrator("root").await;
    world.person("ada", &[]).await;
    let ada = world.sign_in("ada").await;

    let link = world.service.reset_account(&Caller::operator(), "ada").await.unwrap();

    assert_eq!((link.purpose, link.name.as_str()), (Purpose::Reset, "ada"));
    assert!(!world.lives(&ada));
    assert!(world.try_sign_in("ada", PASSWORD).await.is_err());
    let new = "gravel under every wheel";
    world.service.accept_invitation(&anonymous("192.0.2.1"), link.token, secret(new)).await.unwrap();
    world.try_sign_in("ada", new).await.unwrap();
}

#[tokio::test]
async fn the_list_says_who_can_sign_in() {
    let world = World::new();
    world.administrator("root").await;
    world.person("bob", &["editor"]).await;
    world.sign_in("bob").await;
    let operator = Caller::operator();
    let new = NewAccount { name: "Ada".to_owned(), tenant: Some("acme".to_owned()), roles: vec![] };
    world.service.add_account(&operator, new).await.unwrap();
    world.person("carl", &[]).await;
    world.service.disable_account(&operator, "carl").await.unwrap();

    let list = world.service.list_accounts(&operator).await.unwrap();

    let rows: Vec<_> = list
        .iter()
        .map(|view| (view.name.as_str(), view.state, view.tenant.as_str(), view.sessions))
        .collect();
    assert_eq!(
        rows,
        [
            ("ada", AccountState::Invited, "acme", 0),
            ("bob", AccountState::Active, "default", 1),
            ("carl", AccountState::Disabled, "default", 0),
            ("root", AccountState::Active, "default", 0),
        ]
    );
    assert_eq!(list[1].roles, ["editor"]);
    assert!(list[1].last_sign_in.is_some() && list[3].last_sign_in.is_none());
}

#[tokio::test]
async fn what_cannot_be_an_account_is_refused_with_the_reason() {
    let world = World::new();
    let add = |name: &str, role: &str| {
        let new = NewAccount { name: name.to_owned(), tenant: None, roles: vec![role.to_owned()] };
        let service = world.service.clone();
        async move { service.add_account(&Caller::operator(), new).await.unwrap_err() }
    };
    world.person("ada", &[]).await;
    assert_eq!(add("ADA", "editor").await, AddAccountError::NameTaken("ada".to_owned()));
    for (name, role, path) in [("a b", "editor", "name"), ("bob", "", "roles"), ("bob", "a,b", "roles")] {
        let AddAccountError::Invalid(problem) = add(name, role).await else { panic!("{name} {role}") };
        assert_eq!(problem.path, path);
    }
    let reset = world.service.reset_account(&Caller::operator(), "bob").await;
    assert_eq!(reset.unwrap_err(), ActError::NotFound);
    assert!(
        world
            .outcomes("account.add")
            .await
            .iter()
            .filter(|(outcome, _)| *outcome == Outcome::Failure)
            .count()
            == 4
    );
}

#[tokio::test]
async fn the_first_administrators_link_exists_only_while_there_is_none() {
    let world = World::new();
    let gate = Caller::gate();
    let first = world.service.first_administrator_link(&gate).await.unwrap().unwrap();
    let second = world.service.first_administrator_link(&Caller::operator()).await.unwrap().unwrap();
    assert_eq!((first.name.as_str(), &first.account), ("admin", &second.account));
    assert!(world.service.invitation(&anonymous("192.0.2.1"), first.token).await.is_err(), "replaced");
    let view = world.service.invitation(&anonymous("192.0.2.1"), second.token.clone()).await.unwrap();
    assert_eq!(view.purpose, Purpose::FirstAdministrator);

    world.service.accept_invitation(&anonymous("192.0.2.1"), second.token, secret(PASSWORD)).await.unwrap();

    assert!(world.service.first_administrator_link(&gate).await.unwrap().is_none());
    let admin = world.sign_in("admin").await;
    assert!(admin.session.principal.has_role(Role::ADMINISTRATOR));
}

/// A link to a password would make a way in for people of an account that is a program's.
#[tokio::test]
async fn a_service_account_gets_no_link_to_a_password() {
    let world = World::new();
    let operator = Caller::operator();
    world.service.add_service_account(&operator, "bot", Vec::new()).await.unwrap();
    assert_eq!(world.service.reset_account(&operator, "bot").await.unwrap_err(), ActError::NotFound);
}
