//! The draft of `probe.toml`: what it says of the straw man is true, is read back, and holds no secret.

use gabion_model::{Clock as _, SystemClock};
use gabion_probe::draft::{Files, draft, variables};
use gabion_probe::facts::{Identity, Text};
use gabion_probe::{Facts, survey};
use gabion_strawman::{Options, accounts, serve};

use crate::ground::{Silent, facts, world};

/// Surveys the straw man with these facts, and drafts.
async fn drafted(options: Options, of: impl FnOnce(&str) -> Facts) -> (String, Facts) {
    let application = serve(options).await.unwrap();
    let given = of(&application.base());
    let field = survey(given.clone(), &world(&["headers"]), &Silent).await.unwrap();
    application.shutdown().await;
    let text = draft(&field, &Files::default(), SystemClock.now());
    println!("{text}");
    (text, given)
}

/// Nothing but who signs in.
fn bare(base: &str) -> Facts {
    let mut facts = facts(base);
    facts.policy.clear();
    facts.webhooks.clear();
    facts
}

fn password(name: &str) -> Option<String> {
    let name = name.strip_suffix("_PASSWORD")?.to_lowercase();
    accounts().into_iter().find(|account| account.name == name).map(|account| account.password)
}

#[tokio::test]
async fn a_draft_is_read_back_as_what_it_was_made_of() {
    let (text, given) = drafted(Options::vulnerable(), bare).await;
    for account in accounts() {
        assert!(!text.contains(&account.password), "the password of {}", account.name);
    }
    let read = Facts::parse(&text, &password).unwrap();
    assert_eq!(read.target.url, given.target.url);
    assert_eq!((read.limits.requests, read.limits.rate), (given.limits.requests, given.limits.rate));
    let who = |identity: &Identity| {
        let password = identity.password.as_ref().map(|text: &Text| text.expose().to_owned());
        (identity.name.clone(), password, identity.role.clone(), identity.tenant.clone())
    };
    assert_eq!(
        read.identities.iter().map(who).collect::<Vec<_>>(),
        given.identities.iter().map(who).collect::<Vec<_>>()
    );
    assert_eq!(variables(&given).len(), given.identities.len());
    assert!(text.contains("/openapi.yaml") && read.target.openapi == ["/openapi.yaml"], "{text}");
    for told in
        ["# + GET /api/notes/{id} (", "# Takes files: `", "# WebSockets: `", "is called like a webhook"]
    {
        assert!(text.contains(told), "{told}\n{text}");
    }
    // What a hole answers is asked about, and granted to nobody.
    assert!(read.policy.is_empty() && text.contains("# - `GET /api/admin/users` answered alice"), "{text}");
}

#[tokio::test]
async fn what_one_role_is_refused_is_for_those_who_are_answered() {
    let (text, _) = drafted(Options::repaired(), bare).await;
    let read = Facts::parse(&text, &password).unwrap();
    assert_eq!(read.roles_of("GET", "/api/admin/users").unwrap(), ["admin"], "{text}");
    assert!(read.policy.iter().all(|grant| grant.roles == ["admin"]), "{:?}", read.policy);
}

#[tokio::test]
async fn a_draft_of_nobody_asks_for_people_and_grants_nothing() {
    let (text, _) = drafted(Options::vulnerable(), Facts::of).await;
    let read = Facts::parse(&text, &|_| None).unwrap();
    assert!(
        read.identities.is_empty() && read.policy.is_empty() && text.contains("# Asked: who signs in"),
        "{text}"
    );
    // Nobody has a session that could end or a token that was signed.
    assert!(!text.contains("# idle") && !text.contains("[tokens]"), "{text}");
}
