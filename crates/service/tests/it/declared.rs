//! Identity as a file declares it: planned, made, made again, pruned, exported.

use std::time::Duration;

use gabion_identity::storage::AccountStorage as _;
use gabion_model::{Outcome, Role};
use gabion_service::client::Metadata;
use gabion_service::{
    Caller, Declared, DeclaredAccount, DeclaredClient, DeclaredGroup, DeclaredSecret, EditPerson,
    IdentityError, InitialPassword, NewClient, PlannedAction, Which,
};
use gabion_vault::password;

use crate::world::{PASSWORD, World, secret, token};

/// bcrypt of `boulders in a wire basket`, as another program made it.
const HASH: &str = "$2b$04$abcdefghijklmnopqrstuuSFbrQFADg5lIBs5P4y0fTIBsHOxWKae";

fn names(words: &[&str]) -> Option<Vec<String>> {
    Some(words.iter().map(|word| (*word).to_owned()).collect())
}

fn person(name: &str) -> DeclaredAccount {
    DeclaredAccount { name: name.to_owned(), ..DeclaredAccount::default() }
}

fn root() -> DeclaredAccount {
    DeclaredAccount {
        roles: names(&[Role::ADMINISTRATOR]),
        password: Some(InitialPassword::Text(secret(PASSWORD))),
        ..person("root")
    }
}

fn editors(roles: &[&str]) -> DeclaredGroup {
    DeclaredGroup { name: "Editors".to_owned(), roles: names(roles), ..DeclaredGroup::default() }
}

fn shop(text: &str) -> DeclaredClient {
    DeclaredClient {
        id: "shop".to_owned(),
        tenant: None,
        metadata: Metadata {
            name: "Shop".to_owned(),
            redirect_uris: vec!["https://shop.example/cb".parse().unwrap()],
            ..Metadata::default()
        },
        disabled: None,
        secret: Some(DeclaredSecret::Text(secret(text))),
        secret_overlap: Duration::from_secs(3600),
    }
}

const FIRST: &str = "the first secret of the shop, long enough";
const SECOND: &str = "the second secret of the shop, long enough";

fn house() -> Declared {
    Declared {
        groups: vec![editors(&["editor"])],
        people: vec![
            root(),
            DeclaredAccount {
                email: Some("ada@example.org".to_owned()),
                groups: names(&["editors"]),
                ..person("Ada")
            },
        ],
        service_accounts: vec![DeclaredAccount { roles: names(&["clerk"]), ..person("billing") }],
        clients: vec![shop(FIRST)],
    }
}

async fn apply(world: &World, declared: Declared, prune: bool) -> (usize, usize, usize) {
    let done = world.service.apply_identity(&Caller::identity_file(), declared, prune).await.unwrap();
    assert_eq!(done.failed, []);
    done.counts()
}

async fn refused(world: &World, declared: Declared) -> Vec<String> {
    match world.service.apply_identity(&Caller::identity_file(), declared, true).await {
        Err(IdentityError::Invalid(problems)) => problems.into_iter().map(|problem| problem.path).collect(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_fresh_machine_is_as_the_file_says_and_stays_so() {
    let world = World::new();
    let plan = world.service.plan_identity(&Caller::operator(), house(), false).await.unwrap();
    assert_eq!(plan.changes.len(), 5);
    assert!(plan.changes.iter().all(|change| change.action == PlannedAction::Create));
    assert!(world.service.person(&Caller::operator(), Which::Name("root".to_owned())).await.is_err());

    assert_eq!(apply(&world, house(), false).await, (5, 0, 0));
    world.sign_in("root").await;
    let ada = world.service.person(&Caller::operator(), Which::Name("ada".to_owned())).await.unwrap();
    assert_eq!(ada.effective_roles, ["editor"]);
    let shop = world.service.client(&Caller::operator(), "shop").await.unwrap();
    assert_eq!((shop.secrets.len(), shop.secrets[0].expires), (1, None));

    assert_eq!(apply(&world, house(), true).await, (0, 0, 0), "a second time changes nothing");
    let service = world.restart();
    let plan = service.plan_identity(&Caller::operator(), house(), true).await.unwrap();
    assert!(plan.changes.is_empty() && plan.kept.is_empty(), "nor after a restart");
    let applied = world.outcomes("identity.apply").await;
    assert_eq!(applied, [(Outcome::Begun, None), (Outcome::Success, None)], "what changed nothing is no act");
    let events = world.events().await;
    for action in ["group.add", "account.provision", "account.initial-password", "client.add"] {
        assert!(events.iter().any(|event| event.action == action), "{action} is not on record");
    }
    let record = format!("{events:?}");
    assert!(!record.contains(PASSWORD) && !record.contains(FIRST));
}

#[tokio::test]
async fn what_the_file_does_not_say_stays_and_what_it_says_is_made_so() {
    let world = World::new();
    apply(&world, house(), false).await;
    let operator = Caller::operator();
    let edit = EditPerson {
        roles: Some(vec!["writer".to_owned()]),
        email: Some(Some("other@example.org".to_owned())),
        disabled: Some(true),
        ..EditPerson::default()
    };
    world.service.edit_person(&operator, Which::Name("ada".to_owned()), edit).await.unwrap();
    assert_eq!(apply(&world, house(), false).await, (0, 1, 0));
    let ada = world.service.person(&operator, Which::Name("ada".to_owned())).await.unwrap();
    assert_eq!(ada.email.as_deref(), Some("ada@example.org"));
    assert_eq!(ada.roles, ["writer"], "the file says nothing of them");
    assert_eq!(
        ada.state,
        gabion_service::AccountState::Disabled,
        "whom an administrator barred stays barred"
    );

    let edit = EditPerson { name: Some("ada.l".to_owned()), ..EditPerson::default() };
    world.service.edit_person(&operator, Which::Name("ada".to_owned()), edit).await.unwrap();
    assert_eq!(apply(&world, house(), false).await, (0, 1, 0), "known by what it was made as");
    let again = world.service.person(&operator, Which::Name("ada".to_owned())).await.unwrap();
    assert_eq!(again.id, ada.id);
}

/// A password that was taken away because others knew it must not come back with the next start.
#[tokio::test]
async fn an_initial_password_is_given_once() {
    let world = World::new();
    apply(&world, house(), false).await;
    let operator = Caller::operator();
    world.service.reset_account(&operator, "root").await.unwrap();
    assert_eq!(apply(&world, house(), false).await, (0, 0, 0));
    assert!(world.try_sign_in("root", PASSWORD).await.is_err());

    // Somebody who was there before the file and has no password gets it, once as well.
    let mut declared = house();
    declared
        .people
        .push(DeclaredAccount { password: Some(InitialPassword::Text(secret(PASSWORD))), ..person("eve") });
    let new = gabion_service::NewPerson { name: "eve".to_owned(), ..gabion_service::NewPerson::default() };
    world.service.provision(&operator, new).await.unwrap();
    assert_eq!(apply(&world, declared.clone(), false).await, (0, 1, 0));
    world.sign_in("eve").await;
    world.service.reset_account(&operator, "eve").await.unwrap();
    assert_eq!(apply(&world, declared, false).await, (0, 0, 0));
    // Who was not made by the file is not pruned with it.
    assert_eq!(apply(&world, house(), true).await, (0, 0, 0));
    assert!(world.service.person(&operator, Which::Name("eve".to_owned())).await.is_ok());
}

#[tokio::test]
async fn only_what_the_file_made_is_pruned_and_only_when_asked() {
    let world = World::new();
    apply(&world, house(), false).await;
    let operator = Caller::operator();
    let by_hand =
        gabion_service::NewPerson { name: "hand".to_owned(), ..gabion_service::NewPerson::default() };
    world.service.provision(&operator, by_hand).await.unwrap();
    let less = Declared { people: vec![root()], ..Declared::default() };

    let plan = world.service.plan_identity(&operator, less.clone(), false).await.unwrap();
    assert!(plan.changes.is_empty());
    let kept: Vec<_> = plan.kept.iter().map(|kept| kept.name.as_str()).collect();
    assert_eq!(kept, ["shop", "ada", "billing", "Editors"]);
    assert_eq!(apply(&world, less.clone(), true).await, (0, 0, 4));
    assert!(world.service.person(&operator, Which::Name("hand".to_owned())).await.is_ok());
    assert!(world.service.client(&operator, "shop").await.is_err());
    assert_eq!(apply(&world, less, true).await, (0, 0, 0));

    // Removed by hand and made again by hand: another one, and not the file's.
    apply(&world, house(), false).await;
    world.service.remove_person(&operator, Which::Name("ada".to_owned()), false).await.unwrap();
    let ada = gabion_service::NewPerson { name: "ada".to_owned(), ..gabion_service::NewPerson::default() };
    world.service.provision(&operator, ada).await.unwrap();
    assert_eq!(
        apply(&world, Declared { people: vec![root()], ..Declared::default() }, true).await,
        (0, 0, 3)
    );
    assert!(world.service.person(&operator, Which::Name("ada".to_owned())).await.is_ok());

    apply(
        &world,
        Declared { people: vec![root()], clients: vec![shop(FIRST)], ..Declared::default() },
        false,
    )
    .await;
    world.service.remove_client(&operator, "shop").await.unwrap();
    world.pass(1);
    let metadata = shop(FIRST).metadata;
    let by_hand = NewClient { id: Some("shop".to_owned()), metadata, ..NewClient::default() };
    world.service.add_client(&operator, by_hand).await.unwrap();
    assert_eq!(
        apply(&world, Declared { people: vec![root()], ..Declared::default() }, true).await,
        (0, 0, 0)
    );
    assert!(world.service.client(&operator, "shop").await.is_ok(), "its id is the same, it is not");
}

#[tokio::test]
async fn the_last_administrator_is_never_lost() {
    let world = World::new();
    apply(&world, house(), false).await;
    let operator = Caller::operator();
    let plan = world.service.plan_identity(&operator, Declared::default(), true).await.unwrap();
    let kept: Vec<_> = plan.kept.iter().map(|kept| (kept.name.as_str(), kept.reason.as_str())).collect();
    assert!(kept.contains(&("root", "nobody would be left who can administer")), "{kept:?}");
    assert!(plan.changes.iter().all(|change| change.name != "root"));

    let mut demoted = house();
    demoted.people[0].roles = names(&[]);
    assert_eq!(refused(&world, demoted.clone()).await, ["people"]);
    let mut barred = house();
    barred.people[0].disabled = Some(true);
    assert_eq!(refused(&world, barred).await, ["people"]);

    // Two who change places do, in whatever order they stand.
    demoted.people.push(DeclaredAccount { name: "vera".to_owned(), ..root() });
    assert_eq!(apply(&world, demoted, false).await, (1, 1, 0));
    let root = world.service.person(&operator, Which::Name("root".to_owned())).await.unwrap();
    assert!(root.roles.is_empty());

    // By a group that loses the role.
    let by_group = |roles: &[&str]| Declared {
        groups: vec![DeclaredGroup {
            name: "Admins".to_owned(),
            roles: names(roles),
            ..DeclaredGroup::default()
        }],
        people: vec![DeclaredAccount { roles: names(&[]), groups: names(&["Admins"]), ..person("vera") }],
        ..Declared::default()
    };
    assert_eq!(apply(&world, by_group(&[Role::ADMINISTRATOR]), false).await, (1, 1, 0));
    assert_eq!(refused(&world, by_group(&["editor"])).await, ["people"]);
}

#[tokio::test]
async fn a_changed_secret_overlaps_and_an_unchanged_one_stays() {
    let world = World::new();
    apply(&world, Declared { clients: vec![shop(FIRST)], ..Declared::default() }, false).await;
    let second = Declared { clients: vec![shop(SECOND)], ..Declared::default() };
    assert_eq!(apply(&world, second.clone(), false).await, (0, 1, 0));
    let secrets = world.service.client(&Caller::operator(), "shop").await.unwrap().secrets;
    assert_eq!(secrets.iter().filter(|one| one.expires.is_some()).count(), 1);
    assert_eq!(secrets.len(), 2);
    assert_eq!(apply(&world, second, false).await, (0, 0, 0));
    world.pass(61);
    assert_eq!(world.service.client(&Caller::operator(), "shop").await.unwrap().secrets.len(), 1);
    let digest = gabion_vault::sha256(SECOND.as_bytes());
    let by_digest = DeclaredClient { secret: Some(DeclaredSecret::Sha256(digest)), ..shop(SECOND) };
    let by_digest = Declared { clients: vec![by_digest], ..Declared::default() };
    assert_eq!(apply(&world, by_digest, false).await, (0, 0, 0), "the same secret, said another way");
}

#[tokio::test]
async fn everything_that_cannot_be_is_told_at_once_and_nothing_is_changed() {
    let world = World::new();
    let wrong = Declared {
        groups: vec![editors(&["a b"]), editors(&[])],
        people: vec![
            DeclaredAccount { email: Some("x@@y".to_owned()), roles: names(&["r r"]), ..person("a b") },
            DeclaredAccount {
                password: Some(InitialPassword::Hash(secret("5f4dcc3b5aa765d61d8327deb882cf99"))),
                ..person("md5")
            },
            DeclaredAccount { invite: true, ..person("nowhere") },
        ],
        service_accounts: vec![person("MD5")],
        clients: vec![DeclaredClient { id: "https://x.example/".to_owned(), ..shop("too short") }],
    };
    let paths = refused(&world, wrong).await;
    let expected = [
        "groups[0].roles",
        "groups[1]",
        "people[0].name",
        "people[0].roles",
        "people[0].email",
        "people[1].password_hash",
        "people[2].invite",
        "service_accounts[0]",
        "clients[0].id",
        "clients[0].secret",
    ];
    assert_eq!(paths, expected);

    let nowhere = DeclaredAccount {
        groups: names(&["Nowhere"]),
        password: Some(InitialPassword::Text(secret("short"))),
        ..person("ann")
    };
    let bare = DeclaredClient { secret: None, ..shop(FIRST) };
    let unmade = Declared { people: vec![nowhere], clients: vec![bare], ..Declared::default() };
    let paths = refused(&world, unmade).await;
    assert_eq!(paths, ["clients[0]", "people[0].groups", "people[0].password"]);
    apply(&world, house(), false).await;
    let turned = Declared { service_accounts: vec![person("ada")], ..Declared::default() };
    assert_eq!(refused(&world, turned).await, ["service_accounts[0].name"]);
    assert!(world.outcomes("account.provision").await.len() == 6, "two events for each of three");
}

#[tokio::test]
async fn an_export_is_no_change_here_and_everything_elsewhere() {
    let world = World::new();
    apply(&world, house(), false).await;
    let operator = Caller::operator();
    let bare = world.service.export_identity(&operator, false).await.unwrap();
    assert!(bare.people.iter().all(|one| one.password.is_none()));
    assert!(bare.clients.iter().all(|one| one.secret.is_none()));
    let plan = world.service.plan_identity(&operator, bare, true).await.unwrap();
    assert!(plan.changes.is_empty() && plan.kept.is_empty(), "{plan:?}");

    let whole = world.service.export_identity(&operator, true).await.unwrap();
    let elsewhere = World::new();
    assert_eq!(apply(&elsewhere, whole.clone(), false).await, (5, 0, 0));
    elsewhere.sign_in("root").await;
    let plan = elsewhere.service.plan_identity(&operator, house(), true).await.unwrap();
    assert!(plan.changes.is_empty(), "with the same secrets: {plan:?}");
    assert_eq!(apply(&elsewhere, whole, true).await, (0, 0, 0));
}

#[tokio::test]
async fn a_hash_of_another_program_is_taken_and_an_invitation_leaves_by_mail() {
    let world = World::new();
    password::examine(HASH).expect("a hash that an import takes");
    let declared = Declared {
        people: vec![
            DeclaredAccount { password: Some(InitialPassword::Hash(secret(HASH))), ..person("old") },
            DeclaredAccount { email: Some("new@example.org".to_owned()), invite: true, ..person("new") },
        ],
        ..Declared::default()
    };
    assert_eq!(apply(&world, declared.clone(), false).await, (2, 0, 0));
    let old: gabion_identity::AccountName = "old".parse().unwrap();
    assert_eq!(world.storage.by_name(&old).unwrap().unwrap().password.as_deref(), Some(HASH));
    let letters = world.outbox.take();
    assert_eq!(letters.len(), 1);
    assert_eq!(letters[0].to, "new@example.org");
    let anybody = crate::world::anonymous("203.0.113.1");
    world.service.accept_invitation(&anybody, token(&letters[0]), secret(PASSWORD)).await.unwrap();
    world.sign_in("new").await;
    world.outbox.take();
    assert_eq!(apply(&world, declared, false).await, (0, 0, 0));
    assert!(world.outbox.take().is_empty(), "nobody is invited twice");
}

#[tokio::test]
async fn a_clients_own_service_account_can_be_declared_beside_it() {
    let world = World::new();
    let mut batch = shop(FIRST);
    batch.id = "batch".to_owned();
    batch.metadata.grant_types = vec![gabion_service::client::GrantType::ClientCredentials];
    batch.metadata.response_types.clear();
    batch.metadata.redirect_uris.clear();
    let declared = Declared {
        clients: vec![batch],
        service_accounts: vec![DeclaredAccount { roles: names(&["clerk"]), ..person("client-batch") }],
        ..Declared::default()
    };
    assert_eq!(apply(&world, declared.clone(), false).await, (2, 0, 0));
    let own = world.service.client(&Caller::operator(), "batch").await.unwrap().account.unwrap();
    let account = world.service.person(&Caller::operator(), Which::Id(own)).await.unwrap();
    assert_eq!((account.name.as_str(), account.roles), ("client-batch", vec!["clerk".to_owned()]));
    assert_eq!(apply(&world, declared, true).await, (0, 0, 0));
    let exported = world.service.export_identity(&Caller::operator(), true).await.unwrap();
    assert_eq!(exported.service_accounts.len(), 1);
}
