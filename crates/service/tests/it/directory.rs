//! People and groups, as administrators, provisioning programs and people themselves change them.

use gabion_model::{Outcome, Role};
use gabion_service::{
    Caller, DirectoryError, EditPerson, EditProfile, GroupSearch, NewGroup, NewPerson, PersonSearch,
    Personal, Start, StateFilter, Which,
};

use crate::world::{World, signed_in};

fn operator() -> Caller {
    Caller::operator()
}

fn new(name: &str) -> NewPerson {
    NewPerson { name: name.to_owned(), ..NewPerson::default() }
}

fn named(name: &str) -> Which {
    Which::Name(name.to_owned())
}

fn fields(error: DirectoryError) -> Vec<String> {
    match error {
        DirectoryError::Invalid(problems) => problems.into_iter().map(|problem| problem.path).collect(),
        error => panic!("{error:?}"),
    }
}

#[tokio::test]
async fn a_list_is_walked_by_tokens_that_cannot_be_made() {
    let world = World::new();
    let service = &world.service;
    for name in ["ada", "bob", "cyd", "dan", "eve"] {
        service.provision(&operator(), new(name)).await.unwrap();
    }
    let mut start = Start::First;
    let mut seen = Vec::new();
    let mut tokens = Vec::new();
    loop {
        let page = service.find_people(&operator(), PersonSearch::default(), start, 2).await.unwrap();
        assert_eq!(page.total, 5);
        seen.extend(page.items.into_iter().map(|one| one.name));
        match page.next {
            Some(next) => {
                tokens.push(next.clone());
                start = Start::Token(next);
            }
            None => break,
        }
    }
    assert_eq!(seen, ["ada", "bob", "cyd", "dan", "eve"]);
    assert_eq!(tokens.len(), 2);
}

/// Ory Hydra GO-2026-4807: a page token somebody made reached the database.
#[tokio::test]
async fn hydra_go_2026_4807_a_forged_page_token_is_refused() {
    let world = World::new();
    let service = &world.service;
    for name in ["ada", "bob", "cyd"] {
        service.provision(&operator(), new(name)).await.unwrap();
    }
    let first = service.find_people(&operator(), PersonSearch::default(), Start::First, 1).await.unwrap();
    let token = first.next.unwrap();
    let other = PersonSearch { contains: Some("a".to_owned()), ..PersonSearch::default() };
    let moved = service.find_people(&operator(), other, Start::Token(token.clone()), 1).await;
    assert_eq!(fields(moved.unwrap_err()), ["page"], "a token of another filter");
    let groups =
        service.find_groups(&operator(), GroupSearch::default(), Start::Token(token.clone()), 1).await;
    assert_eq!(fields(groups.unwrap_err()), ["page"], "a token of another list");
    let mut flipped = token.clone().into_bytes();
    if let Some(last) = flipped.get_mut(20) {
        *last = if *last == b'A' { b'B' } else { b'A' };
    }
    let flipped = String::from_utf8(flipped).unwrap();
    for forged in ["", "YWRh", "' OR 1=1 --", &flipped, &format!("{token}A"), &"A".repeat(100_000)] {
        let found = service
            .find_people(&operator(), PersonSearch::default(), Start::Token((*forged).to_owned()), 1)
            .await;
        assert_eq!(fields(found.unwrap_err()), ["page"]);
    }
    assert!(service.find_people(&operator(), PersonSearch::default(), Start::Token(token), 1).await.is_ok());
}

#[tokio::test]
async fn everything_wrong_is_told_at_once() {
    let world = World::new();
    let wrong = NewPerson {
        name: "a b".to_owned(),
        email: Some("x@@y".to_owned()),
        tenant: Some("t t".to_owned()),
        roles: vec!["r r".to_owned()],
        external_id: Some(String::new()),
        groups: vec![gabion_model::GroupId::new("none")],
        personal: Personal {
            picture: Some("javascript:alert(1)".to_owned()),
            birthdate: Some("1.1.2000".to_owned()),
            nickname: Some("a\u{0}".to_owned()),
            ..Personal::default()
        },
        ..NewPerson::default()
    };
    let error = world.service.provision(&operator(), wrong).await.unwrap_err();
    assert_eq!(
        fields(error),
        [
            "name",
            "email",
            "roles",
            "tenant",
            "personal.nickname",
            "personal.picture",
            "personal.birthdate",
            "external_id",
            "groups"
        ]
    );
    world.service.provision(&operator(), new("ada")).await.unwrap();
    let taken = world.service.provision(&operator(), new("ADA")).await;
    assert_eq!(taken, Err(DirectoryError::Taken("name")));
}

#[tokio::test]
async fn an_edit_names_the_version_it_was_made_for() {
    let world = World::new();
    let service = &world.service;
    let ada = service.provision(&operator(), new("ada")).await.unwrap();
    let role = |role: &str, version: &str| EditPerson {
        roles: Some(vec![role.to_owned()]),
        version: Some(version.to_owned()),
        ..EditPerson::default()
    };
    let edited = service.edit_person(&operator(), named("ada"), role("editor", &ada.version)).await.unwrap();
    assert_ne!(edited.version, ada.version);
    let late = service.edit_person(&operator(), named("ada"), role("writer", &ada.version)).await;
    assert_eq!(late, Err(DirectoryError::Changed));
    assert_eq!(service.person(&operator(), named("ada")).await.unwrap().roles, ["editor"]);
}

#[tokio::test]
async fn disabling_renaming_and_removing_end_what_lives() {
    let world = World::new();
    let service = &world.service;
    for (index, edit) in [
        EditPerson { disabled: Some(true), ..EditPerson::default() },
        EditPerson { name: Some("renamed".to_owned()), ..EditPerson::default() },
        EditPerson { roles: Some(vec!["x".to_owned()]), ..EditPerson::default() },
    ]
    .into_iter()
    .enumerate()
    {
        let name = format!("ada-{index}");
        let guest = world.guest(&name, &[]).await;
        service.edit_person(&operator(), named(&name), edit).await.unwrap();
        assert!(!world.lives(&guest) && guest.session.is_ended(), "{name}");
    }
    let guest = world.guest("eve", &[]).await;
    service.remove_person(&operator(), named("eve"), true).await.unwrap();
    assert!(!world.lives(&guest) && guest.session.is_ended());
    assert_eq!(service.person(&operator(), named("eve")).await, Err(DirectoryError::NotFound));
    assert_eq!(service.provision(&operator(), new("eve")).await, Err(DirectoryError::Taken("name")));
    assert_eq!(service.release_name(&operator(), "eve").await, Ok(true));
    assert!(service.provision(&operator(), new("eve")).await.is_ok());
    let bob = world.guest("bob", &[]).await;
    assert_eq!(service.revoke_person(&operator(), named("bob")).await, Ok(1));
    assert!(bob.session.is_ended());
}

#[tokio::test]
async fn people_change_take_along_and_remove_what_is_theirs() {
    let world = World::new();
    let service = &world.service;
    let me = world.guest("ada", &[]).await;
    let other = world.guest("eve", &[]).await;
    let caller = signed_in(&me.session);
    let personal = Personal { name: Some("<script>alert(1)</script>".to_owned()), ..Personal::default() };
    let edited = service.edit_profile(&caller, EditProfile { personal: personal.clone() }).await.unwrap();
    assert_eq!(edited.personal, personal);
    assert!(!me.session.is_ended());

    let export = service.export(&caller).await.unwrap();
    assert_eq!((export.account.name.as_str(), export.sessions.len()), ("ada", 1));
    assert!(export.events.iter().any(|event| event.action == "profile.edit"));
    let text = serde_json::to_string(&export).unwrap();
    assert!(!text.contains("\"eve\""), "nothing of others: {text}");

    assert_eq!(fields(service.remove_own(&caller, "eve").await.unwrap_err()), ["name"]);
    service.remove_own(&caller, " Ada ").await.unwrap();
    assert!(me.session.is_ended() && !other.session.is_ended());
    assert_eq!(
        world.outcomes("account.remove-own").await,
        [(Outcome::Begun, None), (Outcome::Success, None)]
    );
}

#[tokio::test]
async fn the_last_administrator_stays() {
    let world = World::new();
    let service = &world.service;
    world.administrator("ada").await;
    let none = EditPerson { roles: Some(vec![]), ..EditPerson::default() };
    let disabled = EditPerson { disabled: Some(true), ..EditPerson::default() };
    for edit in [none, disabled] {
        let refused = service.edit_person(&operator(), named("ada"), edit).await;
        assert_eq!(refused, Err(DirectoryError::LastAdministrator));
    }
    let refused = service.remove_person(&operator(), named("ada"), false).await;
    assert_eq!(refused, Err(DirectoryError::LastAdministrator));
}

#[tokio::test]
async fn groups_give_roles_and_are_listed_with_them() {
    let world = World::new();
    let service = &world.service;
    let ada = service.provision(&operator(), new("ada")).await.unwrap();
    let crew = NewGroup {
        name: "Crew".to_owned(),
        roles: vec![Role::ADMINISTRATOR.to_owned()],
        members: vec![ada.id.clone()],
        ..NewGroup::default()
    };
    let crew = service.add_group(&operator(), crew).await.unwrap();
    assert_eq!(crew.members, 1);
    let ada = service.person(&operator(), named("ada")).await.unwrap();
    assert_eq!((ada.roles.len(), ada.effective_roles.as_slice()), (0, &[Role::ADMINISTRATOR.to_owned()][..]));
    let roles = service.roles(&operator()).await.unwrap();
    assert_eq!(roles.len(), 1);
    assert!(roles.iter().all(|role| role.accounts == 0 && role.groups.len() == 1));
    let invited = PersonSearch { state: Some(StateFilter::Invited), ..PersonSearch::default() };
    assert_eq!(service.find_people(&operator(), invited, Start::First, 9).await.unwrap().total, 1);
}

/// rauthy's audit of 2025, elevated: a picture that was a script. An address of the web is taken and nothing else.
#[tokio::test]
async fn rauthy_audit_2025_a_picture_is_an_address_of_the_web() {
    let world = World::new();
    let me = world.guest("ada", &[]).await;
    let caller = signed_in(&me.session);
    let picture = |text: &str| EditProfile {
        personal: Personal { picture: Some(text.to_owned()), ..Personal::default() },
    };
    for script in [
        "data:image/svg+xml,<svg/onload=alert(1)>",
        "data:text/html;base64,PHNjcmlwdD4=",
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        "blob:https://gate.example/1",
        "//evil.example/x.svg",
        "x.svg",
    ] {
        let refused = world.service.edit_profile(&caller, picture(script)).await.unwrap_err();
        assert_eq!(fields(refused), ["personal.picture"], "{script}");
    }
    world.service.edit_profile(&caller, picture("https://cdn.example/ada.png")).await.unwrap();
}
