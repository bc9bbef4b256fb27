//! Whose account it is.

use gabion_identity::storage::AccountStorage as _;
use gabion_identity::{Email, Session};
use gabion_model::{Methods, Role};
use gabion_service::federation::{Condition, MapRule, Provisioning};
use gabion_service::{
    ActError, Arrival, Caller, DisableAccountError, FederationError, LinkError, NewGroup, SignInError,
    StartFederation, UnlinkError,
};
use gabion_vault::jose::SigningKey;
use serde_json::{Value, json};

use super::{ISSUER, Stage, Tab, let_in, start, stranger};
use crate::world::signed_in;

const ADDRESS: &str = "ada@example.org";

/// An account that proved to hold the address.
async fn holder(stage: &Stage, name: &str, verified: bool) {
    let link = stage.world.person(name, &[]).await;
    let account = stage.world.storage.by_id(&link.account).unwrap().unwrap();
    let now = gabion_model::Clock::now(&*stage.world.clock);
    let change = gabion_identity::storage::AccountChange::Email {
        email: Some(ADDRESS.parse::<Email>().unwrap()),
        verified: verified.then_some(now),
        now,
    };
    stage.world.storage.update(&account.id, &change).unwrap();
}

fn says(stage: &Stage, claims: Value) {
    stage.op.state().id_token.extend(claims.as_object().unwrap().clone());
}

async fn unlinked(stage: &Stage, tab: &mut Tab) -> String {
    match stage.sign_in(tab).await {
        Ok(Arrival::Unlinked { ticket }) => ticket,
        other => panic!("{other:?}"),
    }
}

/// "nOAuth" (CWE-290; Descope 2023, and better-auth, NextAuth and Keycloak advisories of the class): the
/// provider says an address, and whoever has it here is not thereby the same person.
#[tokio::test]
async fn an_address_alone_links_nobody() {
    for (trust_email, claims, locally_verified) in [
        (false, json!({"email": ADDRESS, "email_verified": true}), true),
        (true, json!({"email": ADDRESS, "email_verified": false}), true),
        (true, json!({"email": ADDRESS}), true),
        // Pre-hijacking: somebody put the victim's address on their own account, unverified.
        (true, json!({"email": ADDRESS, "email_verified": true}), false),
    ] {
        let stage = Stage::new(|settings| settings.trust_email = trust_email);
        holder(&stage, "ada", locally_verified).await;
        says(&stage, claims.clone());
        let mut tab = Tab::default();
        let ticket = unlinked(&stage, &mut tab).await;
        let made = stage.world.service.create_from_identity(&stranger(), &ticket, tab.cookies()).await;
        assert_eq!(made.unwrap_err(), FederationError::NotAdmitted, "{claims}: link-only");
    }
}

/// With `create`, the new account of somebody with the same, unproved address is not the old one's.
#[tokio::test]
async fn a_new_account_takes_nothing_of_an_old_one() {
    let stage = Stage::new(|settings| settings.provisioning = Provisioning::Create);
    holder(&stage, "ada", true).await;
    says(&stage, json!({"email": ADDRESS, "email_verified": true, "preferred_username": "ada"}));
    let mut tab = Tab::default();
    let ticket = unlinked(&stage, &mut tab).await;
    let service = &stage.world.service;
    let chosen = service.create_from_identity(&stranger(), &ticket, tab.cookies()).await.unwrap();
    let session = chosen.step.signed_in().unwrap().session;
    assert_eq!(&*session.principal.name, "ada-2");
    let made = stage.world.storage.by_id(&session.principal.account).unwrap().unwrap();
    assert_eq!(made.email_verified, None, "the word is not trusted");
    let holder = stage.world.storage.by_verified_email(&ADDRESS.parse().unwrap()).unwrap().unwrap();
    assert_eq!(holder.name.as_str(), "ada");
}

#[tokio::test]
async fn a_trusted_provider_links_the_holder_of_the_verified_address() {
    let stage = Stage::new(|settings| settings.trust_email = true);
    holder(&stage, "ada", true).await;
    says(&stage, json!({"email": "Ada@Example.org", "email_verified": true}));
    let session = let_in(stage.sign_in(&mut Tab::default()).await).session;
    assert_eq!(&*session.principal.name, "ada");
    assert_eq!(session.methods, Methods::FEDERATED);
    // From now on by issuer and subject, whatever the address.
    says(&stage, json!({"email": "other@example.org"}));
    let session = let_in(stage.sign_in(&mut Tab::default()).await).session;
    assert_eq!(&*session.principal.name, "ada");
    assert!(!stage.world.outcomes("federation.admit").await.is_empty());
}

#[tokio::test]
async fn a_trusted_provider_makes_accounts_where_told_to() {
    let stage = Stage::new(|settings| {
        (settings.trust_email, settings.provisioning) = (true, Provisioning::Create);
    });
    says(&stage, json!({"email": ADDRESS, "email_verified": true, "name": "Ada"}));
    let session = let_in(stage.sign_in(&mut Tab::default()).await).session;
    assert_eq!(&*session.principal.name, ADDRESS);
    let made = stage.world.storage.by_id(&session.principal.account).unwrap().unwrap();
    assert!(made.email_verified.is_some());
    assert_eq!(made.personal.name.as_deref(), Some("Ada"));
}

#[tokio::test]
async fn a_disabled_account_is_not_let_in() {
    let stage = Stage::linked(|_| {}).await;
    let name = stage.world.service.list_accounts(&Caller::operator()).await.unwrap().remove(0).name;
    stage.world.service.disable_account(&Caller::operator(), &name).await.unwrap();
    let refused = stage.sign_in(&mut Tab::default()).await.unwrap_err();
    assert_eq!(refused, FederationError::SignIn(SignInError::Rejected));
    let trusting = Stage::new(|settings| {
        (settings.trust_email, settings.provisioning) = (true, Provisioning::Create);
    });
    holder(&trusting, "ada", true).await;
    trusting.world.service.disable_account(&Caller::operator(), "ada").await.unwrap();
    says(&trusting, json!({"email": ADDRESS, "email_verified": true}));
    assert!(trusting.sign_in(&mut Tab::default()).await.is_err());
    assert_eq!(trusting.world.service.list_accounts(&Caller::operator()).await.unwrap().len(), 1);
}

#[tokio::test]
async fn an_identity_is_linked_by_whoever_is_signed_in_and_says_yes() {
    let stage = Stage::new(|_| {});
    stage.world.person("ada", &[]).await;
    let ada = stage.world.sign_in("ada").await;
    let caller = signed_in(&ada.session);
    let service = &stage.world.service;
    let mut tab = Tab::default();
    let linking = || StartFederation { link: true, ..start() };
    let refused = service.federation_start(&stranger(), "op", linking(), None).await;
    assert_eq!(refused.unwrap_err(), FederationError::Act(ActError::Forbidden));

    let url = stage.start(&mut tab, &caller, linking()).await;
    let Ok(Arrival::Unlinked { ticket }) = stage.back(&tab, &caller, stage.op.authorize(&url)).await else {
        panic!("nothing is linked before the person says so")
    };
    assert_eq!(service.identities(&caller).await.unwrap(), []);
    // Another browser, another person, nobody, a guess.
    assert!(service.federation_proven(&ticket, &[]).is_none());
    stage.world.person("eve", &[]).await;
    let eve = signed_in(&stage.world.sign_in("eve").await.session);
    let link = |caller: Caller, ticket: String, cookies: Vec<String>| async move {
        service.link_identity(&caller, &ticket, cookies).await
    };
    assert_eq!(link(caller.clone(), ticket.clone(), vec![]).await, Err(LinkError::Unknown));
    assert_eq!(link(eve, ticket.clone(), tab.cookies()).await, Err(LinkError::Unknown), "another account's");
    assert_eq!(
        link(stranger(), ticket.clone(), tab.cookies()).await,
        Err(LinkError::Act(ActError::Forbidden))
    );
    assert_eq!(link(caller.clone(), "guess".to_owned(), tab.cookies()).await, Err(LinkError::Unknown));
    assert_eq!(link(caller.clone(), ticket.clone(), tab.cookies()).await, Ok("/notes".to_owned()));
    assert_eq!(link(caller.clone(), ticket, tab.cookies()).await, Err(LinkError::Unknown), "once");

    let own = service.identities(&caller).await.unwrap();
    assert_eq!((own.len(), own[0].provider.as_str(), own[0].label.as_str()), (1, "op", "7"));
    assert_eq!(&*let_in(stage.sign_in(&mut Tab::default()).await).session.principal.name, "ada");
}

/// The session that began to link must be the one that comes back: otherwise whoever swaps the session in
/// between gets somebody else's identity on their account, or theirs on somebody else's.
#[tokio::test]
async fn a_link_is_begun_and_ended_in_one_session() {
    let stage = Stage::new(|_| {});
    for name in ["ada", "eve"] {
        stage.world.person(name, &[]).await;
    }
    let (ada, eve) = (stage.world.sign_in("ada").await, stage.world.sign_in("eve").await);
    let mut tab = Tab::default();
    let linking = StartFederation { link: true, ..start() };
    let url = stage.start(&mut tab, &signed_in(&ada.session), linking).await;
    let pairs = stage.op.authorize(&url);
    let arrival = stage.back(&tab, &signed_in(&eve.session), pairs).await;
    assert_eq!(arrival.unwrap_err(), FederationError::Unknown);
}

#[tokio::test]
async fn an_identity_is_one_accounts() {
    let stage = Stage::linked(|_| {}).await;
    stage.world.person("eve", &[]).await;
    let eve = signed_in(&stage.world.sign_in("eve").await.session);
    let mut tab = Tab::default();
    let url = stage.start(&mut tab, &eve, StartFederation { link: true, ..start() }).await;
    let Ok(Arrival::Unlinked { ticket }) = stage.back(&tab, &eve, stage.op.authorize(&url)).await else {
        panic!("linking asks")
    };
    let linked = stage.world.service.link_identity(&eve, &ticket, tab.cookies()).await;
    assert_eq!(linked, Err(LinkError::Taken));
}

#[tokio::test]
async fn the_last_way_in_is_not_unlinked() {
    let stage = Stage::linked(|_| {}).await;
    let service = &stage.world.service;
    let caller = signed_in(&let_in(stage.sign_in(&mut Tab::default()).await).session);
    let only = service.identities(&caller).await.unwrap().remove(0).id;
    assert_eq!(service.unlink_identity(&caller, &only).await, Err(UnlinkError::Last));
    let unknown = service.unlink_identity(&caller, "nobody's").await;
    assert_eq!(unknown, Err(UnlinkError::Act(ActError::NotFound)));

    // Somebody with a password has another.
    let stage = Stage::new(|settings| settings.trust_email = true);
    holder(&stage, "ada", true).await;
    says(&stage, json!({"email": ADDRESS, "email_verified": true}));
    let service = &stage.world.service;
    let caller = signed_in(&let_in(stage.sign_in(&mut Tab::default()).await).session);
    let only = service.identities(&caller).await.unwrap().remove(0).id;
    assert_eq!(service.unlink_identity(&caller, &only).await, Ok(()));
    assert_eq!(service.identities(&caller).await.unwrap(), []);
}

/// Whoever administers by another provider's word needs no password for it.
#[tokio::test]
async fn an_administrator_of_a_provider_is_one() {
    let stage = Stage::new(|settings| settings.provisioning = Provisioning::Create);
    let service = &stage.world.service;
    let link = || async { service.first_administrator_link(&Caller::operator()).await.unwrap() };
    assert!(link().await.is_some());
    let mut tab = Tab::default();
    let ticket = unlinked(&stage, &mut tab).await;
    let chosen = service.create_from_identity(&stranger(), &ticket, tab.cookies()).await.unwrap();
    let account = chosen.step.signed_in().unwrap().session.principal.account.clone();
    let roles = gabion_identity::storage::AccountChange::Roles(vec![Role::new(Role::ADMINISTRATOR)]);
    stage.world.storage.update(&account, &roles).unwrap();
    assert!(link().await.is_none(), "nobody else needs to be made one");
    let name = stage.world.storage.by_id(&account).unwrap().unwrap().name.to_string();
    let disabled = service.disable_account(&Caller::operator(), &name).await;
    assert_eq!(disabled.unwrap_err(), DisableAccountError::LastAdministrator);
    stage.world.administrator("other").await;
    service.disable_account(&Caller::operator(), &name).await.unwrap();
}

#[tokio::test]
async fn conditions_and_rules_hold_at_every_sign_in() {
    let rule = |value: &str, role: &str| MapRule {
        claim: "groups".to_owned(),
        value: Some(value.to_owned()),
        roles: vec![Role::new(role)],
        tenant: Some("acme".to_owned()),
        ..MapRule::default()
    };
    let stage = Stage::new(|settings| {
        settings.provisioning = Provisioning::Create;
        settings.admit = vec![Condition { claim: "hd".to_owned(), value: Some("example.org".to_owned()) }];
        settings.map = vec![rule("staff", "member"), rule("bosses", "auditor")];
    });
    let arrival = stage.sign_in(&mut Tab::default()).await;
    assert_eq!(arrival.unwrap_err(), FederationError::NotAdmitted);
    says(&stage, json!({"hd": "example.org", "groups": ["staff"]}));
    let mut tab = Tab::default();
    let ticket = unlinked(&stage, &mut tab).await;
    let service = &stage.world.service;
    let chosen = service.create_from_identity(&stranger(), &ticket, tab.cookies()).await.unwrap();
    let first = chosen.step.signed_in().unwrap();
    assert_eq!(first.session.principal.tenant.as_str(), "acme");
    assert!(first.session.principal.has_role("member"));
    says(&stage, json!({"groups": ["bosses"]}));
    let second = let_in(stage.sign_in(&mut tab).await);
    assert!(second.session.principal.has_role("auditor") && !second.session.principal.has_role("member"));
    assert!(!stage.world.lives(&first), "a session keeps no role that was taken");
}

#[tokio::test]
async fn groups_are_joined_and_left_by_rule() {
    let stage = Stage::linked(|settings| {
        settings.map = vec![MapRule {
            claim: "groups".to_owned(),
            value: Some("staff".to_owned()),
            groups: vec!["Staff".to_owned(), "not there".to_owned()],
            ..MapRule::default()
        }];
    })
    .await;
    let new = NewGroup { name: "staff".to_owned(), ..NewGroup::default() };
    stage.world.service.add_group(&Caller::operator(), new).await.unwrap();
    let groups = |session: &Session| {
        let account = stage.world.storage.by_id(&session.principal.account).unwrap().unwrap();
        account.groups.len()
    };
    says(&stage, json!({"groups": ["staff"]}));
    let first = let_in(stage.sign_in(&mut Tab::default()).await);
    assert_eq!(groups(&first.session), 1);
    says(&stage, json!({"groups": []}));
    let second = let_in(stage.sign_in(&mut Tab::default()).await);
    assert_eq!(groups(&second.session), 0);
    assert!(!stage.world.lives(&first) && stage.world.lives(&second));
}

#[tokio::test]
async fn a_second_factor_elsewhere_counts_where_trusted() {
    for (trust_mfa, expected) in [(false, Methods::FEDERATED), (true, Methods::FEDERATED_TWO_FACTORS)] {
        let stage = Stage::linked(|settings| settings.trust_mfa = trust_mfa).await;
        says(&stage, json!({"amr": ["pwd", "mfa"]}));
        assert_eq!(let_in(stage.sign_in(&mut Tab::default()).await).session.methods, expected);
    }
}

#[tokio::test]
async fn signing_out_there_ends_what_began_there() {
    let stage = Stage::linked(|_| {}).await;
    says(&stage, json!({"sid": "s-1"}));
    let one = let_in(stage.sign_in(&mut Tab::default()).await);
    says(&stage, json!({"sid": "s-2"}));
    let other = let_in(stage.sign_in(&mut Tab::default()).await);
    let now = gabion_model::Clock::now(&*stage.world.clock).as_secs();
    let token = |key: &SigningKey, jti: &str, sub: Option<&str>, sid: Option<&str>| {
        let claims = json!({
            "iss": ISSUER, "aud": "gabion", "iat": now, "exp": now + 60, "jti": jti, "sub": sub, "sid": sid,
            "events": {"http://schemas.openid.net/event/backchannel-logout": {}},
        });
        key.sign("logout+jwt", &claims).unwrap()
    };
    let service = &stage.world.service;
    let caller = stranger();
    let logout = |token: String| async move { service.federation_logout(&stranger(), "op", &token).await };
    assert!(logout(token(&stage.op.other_key, "0", Some("7"), None)).await.is_err(), "another key");
    assert!(service.federation_logout(&caller, "nobody", "x").await.is_err());
    assert!(stage.world.lives(&one) && stage.world.lives(&other));
    let first = token(&stage.op.key, "1", Some("7"), Some("s-1"));
    assert_eq!(logout(first.clone()).await, Ok(()));
    assert!(!stage.world.lives(&one) && stage.world.lives(&other), "one session of the two");
    assert!(logout(first).await.is_err(), "once");
    assert_eq!(logout(token(&stage.op.key, "2", Some("7"), None)).await, Ok(()));
    assert!(!stage.world.lives(&other), "all of the person's");
}

#[tokio::test]
async fn a_domain_leads_to_its_provider_whoever_exists() {
    let stage = Stage::new(|settings| settings.domains = vec!["example.org".to_owned()]);
    let service = &stage.world.service;
    assert!(service.federation_routes_by_domain());
    for name in ["ada@example.org", "NOBODY@Example.ORG"] {
        assert_eq!(service.federation_provider_for(name).unwrap().name, "op");
    }
    for name in ["ada", "ada@other.example", "ada@example.org.evil.example", "ada@evil.example@example.org"] {
        assert_eq!(service.federation_provider_for(name), None, "{name}");
    }
}
