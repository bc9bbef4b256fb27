//! Principal × endpoint of the admin API, as the router answers, committed as
//! `api_authorization.txt`.
//!
//! After a deliberate change: `GABION_BLESS=1 cargo test -p gabion-console api_authorization`.

use std::fmt::Write as _;
use std::sync::Arc;

use gabion_identity::credential::{NewCredential, Scopes};
use gabion_identity::{Credential, CredentialKind};
use gabion_incident::Class;
use gabion_model::{Clock as _, Principal, Role, TenantId};
use gabion_service::incidents::NewIncident;
use gabion_service::{Caller, Which};

use crate::api::Program;
use crate::site::{Answer, Site};

/// `{user}`, `{group}` and `{session}` are somebody's, something's.
const ENDPOINTS: &[(&str, &str, &str)] = &[
    ("GET", "/.gabion/api/v1/errors", ""),
    ("GET", "/.gabion/api/v1/errors/{fingerprint}", ""),
    ("POST", "/.gabion/api/v1/errors/{fingerprint}/resolve", ""),
    ("GET", "/.gabion/api/v1/users", ""),
    ("POST", "/.gabion/api/v1/users", r#"{"name": "new"}"#),
    ("GET", "/.gabion/api/v1/users/{id}", ""),
    ("PATCH", "/.gabion/api/v1/users/{id}", r#"{"external_id": "7"}"#),
    ("PATCH", "/.gabion/api/v1/users/{id}", r#"{"roles": ["administrator"]}"#),
    ("DELETE", "/.gabion/api/v1/users/{id}", ""),
    ("POST", "/.gabion/api/v1/users/{id}/reset", ""),
    ("POST", "/.gabion/api/v1/users/{id}/revoke", ""),
    ("GET", "/.gabion/api/v1/users/{id}/sessions", ""),
    ("DELETE", "/.gabion/api/v1/users/{id}/sessions", ""),
    ("POST", "/.gabion/api/v1/users/{id}/invite", ""),
    ("GET", "/.gabion/api/v1/users/{id}/factors", ""),
    ("DELETE", "/.gabion/api/v1/users/{id}/factors", ""),
    ("DELETE", "/.gabion/api/v1/users/{id}/factors/{factor}", ""),
    ("GET", "/.gabion/api/v1/users/{id}/api-keys", ""),
    ("POST", "/.gabion/api/v1/users/{id}/api-keys", r#"{"label": "build", "scopes": ["read"]}"#),
    ("GET", "/.gabion/api/v1/service-accounts", ""),
    ("POST", "/.gabion/api/v1/service-accounts", r#"{"name": "batch"}"#),
    ("GET", "/.gabion/api/v1/service-accounts/{id}", ""),
    ("DELETE", "/.gabion/api/v1/service-accounts/{id}", ""),
    ("POST", "/.gabion/api/v1/service-accounts/{id}/disable", ""),
    ("POST", "/.gabion/api/v1/service-accounts/{id}/enable", ""),
    ("GET", "/.gabion/api/v1/api-keys", ""),
    ("DELETE", "/.gabion/api/v1/api-keys/{id}", ""),
    ("POST", "/.gabion/api/v1/api-keys/{id}/rotate", "{}"),
    ("GET", "/.gabion/api/v1/users/{id}/grants", ""),
    ("DELETE", "/.gabion/api/v1/users/{id}/grants/{client}", ""),
    ("GET", "/.gabion/api/v1/groups", ""),
    ("POST", "/.gabion/api/v1/groups", r#"{"name": "New"}"#),
    ("POST", "/.gabion/api/v1/groups", r#"{"name": "New", "roles": ["administrator"]}"#),
    ("GET", "/.gabion/api/v1/groups/{id}", ""),
    ("PATCH", "/.gabion/api/v1/groups/{id}", r#"{"name": "Other"}"#),
    ("DELETE", "/.gabion/api/v1/groups/{id}", ""),
    ("GET", "/.gabion/api/v1/groups/{id}/members", ""),
    ("POST", "/.gabion/api/v1/groups/{id}/members", r#"{"add": []}"#),
    ("GET", "/.gabion/api/v1/roles", ""),
    ("GET", "/.gabion/api/v1/sessions", ""),
    ("DELETE", "/.gabion/api/v1/sessions/{id}", ""),
    ("GET", "/.gabion/api/v1/clients", ""),
    (
        "POST",
        "/.gabion/api/v1/clients",
        r#"{"metadata": {"name": "Shop", "redirect_uris": ["https://shop.example/cb"]}}"#,
    ),
    ("GET", "/.gabion/api/v1/clients/{id}", ""),
    (
        "PUT",
        "/.gabion/api/v1/clients/{id}",
        r#"{"name": "Shop", "redirect_uris": ["https://shop.example/cb"]}"#,
    ),
    ("POST", "/.gabion/api/v1/clients/{id}/secret", "{}"),
    ("DELETE", "/.gabion/api/v1/clients/{id}", ""),
    ("POST", "/.gabion/api/v1/clients/{id}/disable", ""),
    ("POST", "/.gabion/api/v1/clients/{id}/enable", ""),
    ("GET", "/.gabion/api/v1/keys", ""),
    ("POST", "/.gabion/api/v1/keys/rotate", ""),
    ("DELETE", "/.gabion/api/v1/keys/{kid}", ""),
    ("GET", "/.gabion/api/v1/operations", ""),
    ("GET", "/.gabion/api/v1/contract-drafts/{name}", ""),
    ("GET", "/.gabion/api/v1/alerts", ""),
    ("GET", "/.gabion/api/v1/alerts/channels", ""),
    ("POST", "/.gabion/api/v1/alerts/test", "{}"),
    ("GET", "/.gabion/api/v1/alerts/{id}", ""),
    ("POST", "/.gabion/api/v1/alerts/{id}/acknowledge", ""),
    ("POST", "/.gabion/api/v1/alerts/{id}/close", ""),
    ("GET", "/.gabion/api/v1/silences", ""),
    ("POST", "/.gabion/api/v1/silences", r#"{"rule": "noise", "for": "1h", "reason": "known"}"#),
    ("DELETE", "/.gabion/api/v1/silences/{id}", ""),
    ("GET", "/.gabion/api/v1/measures", ""),
    (
        "POST",
        "/.gabion/api/v1/measures",
        r#"{"action": "block_address", "target": "192.0.2.7", "reason": "guesses"}"#,
    ),
    ("POST", "/.gabion/api/v1/measures/{id}/undo", ""),
    ("POST", "/.gabion/api/v1/measures/{id}/approve", ""),
    ("GET", "/.gabion/api/v1/blocks", ""),
    ("GET", "/.gabion/crowdsec/v1/decisions", ""),
    ("GET", "/.gabion/crowdsec/v1/decisions/stream", ""),
    ("POST", "/.gabion/api/v1/authorize", QUESTION),
    ("POST", "/.gabion/api/v1/authorize/batch", QUESTIONS),
    ("POST", "/.gabion/access/v1/evaluation", EVALUATION),
    ("POST", "/.gabion/access/v1/evaluations", EVALUATION),
    ("POST", "/.gabion/access/v1/search/action", EVALUATION),
    ("POST", "/.gabion/access/v1/search/resource", EVALUATION),
    ("POST", "/.gabion/access/v1/search/subject", EVALUATION),
    ("GET", "/.gabion/api/v1/resources/{type}/{id}", ""),
    ("PUT", "/.gabion/api/v1/resources/{type}/{id}", r#"{"attributes": {"owner": "ada"}}"#),
    ("DELETE", "/.gabion/api/v1/resources/{type}/{id}", ""),
    ("POST", "/.gabion/api/v1/events", r#"{"action": "order.created", "outcome": "success"}"#),
    ("GET", "/.gabion/api/v1/incidents", ""),
    ("POST", "/.gabion/api/v1/incidents", r#"{"title": "New", "class": "P1"}"#),
    ("GET", "/.gabion/api/v1/incidents/metrics", ""),
    ("GET", "/.gabion/api/v1/incidents/{id}", ""),
    ("POST", "/.gabion/api/v1/incidents/{id}/steps", r#"{"change": "note", "text": "seen"}"#),
    ("GET", "/.gabion/api/v1/incidents/{id}/report", ""),
    ("POST", "/.gabion/api/v1/incidents/{id}/evidence", ""),
    ("GET", "/.gabion/api/v1/incidents/{id}/evidence?purpose=audit", ""),
];

const QUESTION: &str = r#"{"principal": {"type": "user", "id": "me"}, "action": "read", "resource": {"type": "Order", "id": "1"}}"#;
const QUESTIONS: &str = r#"{"questions": [{"principal": {"type": "user", "id": "me"}, "action": "read", "resource": {"type": "Order", "id": "1"}}]}"#;
const EVALUATION: &str = r#"{"subject": {"type": "user", "id": "me"}, "action": {"name": "read"}, "resource": {"type": "Order", "id": "1"}}"#;

const VISITORS: &[&str] = &[
    "stranger",
    "member",
    "administrator",
    "admin-key",
    "scim-key",
    "asks-key",
    "seeks-key",
    "says-key",
    "events-key",
    "blocks-key",
    "elsewhere",
];

#[tokio::test]
async fn the_matrix_is_as_committed() {
    let mut matrix = String::from(
        "# Who may use which endpoint of the admin API. Made by tests/it/api_authorization.rs; do not edit.\n\
         # `elsewhere` is an administrator whose address is not in `api.networks`.\n",
    );
    write!(matrix, "{:<60}", "endpoint").unwrap();
    for visitor in VISITORS {
        write!(matrix, " {visitor:<14}").unwrap();
    }
    for (method, endpoint, body) in ENDPOINTS {
        let told = format!(
            "{method} {endpoint} {}",
            if body.contains("administrator") { "(administrator)" } else { "" }
        );
        write!(matrix, "\n{told:<60}").unwrap();
        for visitor in VISITORS {
            write!(matrix, " {:<14}", outcome(method, endpoint, body, visitor).await.status.as_u16())
                .unwrap();
        }
    }
    let matrix = matrix.lines().map(str::trim_end).collect::<Vec<_>>().join("\n") + "\n";

    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/api_authorization.txt");
    #[expect(clippy::disallowed_methods, reason = "how the committed file is renewed")]
    if std::env::var_os("GABION_BLESS").is_some() {
        std::fs::write(path, &matrix).unwrap();
    }
    let committed = std::fs::read_to_string(path).unwrap();
    assert_eq!(matrix, committed, "the matrix changed; if that is meant, renew it (see this file's head)");
}

async fn outcome(method: &str, endpoint: &str, body: &str, visitor: &str) -> Answer {
    let site = Site::new();
    let administrator = [Role::ADMINISTRATOR];
    let roles: &[&str] = if visitor == "member" { &[] } else { &administrator };
    let me = site.guest("me", roles).await;
    let victim = site.guest("victim", &[]).await;
    let group = gabion_service::NewGroup { name: "Some".to_owned(), ..Default::default() };
    let group = site.service.add_group(&Caller::operator(), group).await.unwrap();
    let operator = Caller::operator();
    site.service.add_service_account(&operator, "bot", Vec::new()).await.unwrap();
    let bot = site.service.person(&operator, Which::Name("bot".to_owned())).await.unwrap();
    let key = gabion_service::CreateApiKey {
        account: Some("victim".to_owned()),
        label: "build".to_owned(),
        scopes: vec!["read".to_owned()],
        life: None,
    };
    let key = site.service.create_api_key(&operator, key).await.unwrap().view.id;
    let incident =
        NewIncident { title: Some("Some".to_owned()), class: Some(Class::P2), ..NewIncident::default() };
    site.service.open_incident(&operator, incident).await.unwrap();
    let mut program = Program::new(&site);
    match visitor {
        "stranger" => {}
        "admin-key" => program.credential = Some(credential(&site, "gabion:admin").await),
        "scim-key" => program.credential = Some(credential(&site, "gabion:scim").await),
        "asks-key" => program.credential = Some(credential(&site, "gabion:authorize").await),
        "seeks-key" => program.credential = Some(credential(&site, "gabion:search").await),
        "says-key" => program.credential = Some(credential(&site, "gabion:resources").await),
        "blocks-key" => program.credential = Some(credential(&site, "gabion:blocks").await),
        "events-key" => program.credential = Some(credential(&site, "gabion:events").await),
        "elsewhere" => {
            program.session = Some(me);
            program.address = "198.51.100.9".parse().unwrap();
        }
        _ => program.session = Some(me),
    }
    let id = match endpoint {
        _ if endpoint.contains("/incidents/") => "1".to_owned(),
        _ if endpoint.contains("/users/") => victim.principal.account.to_string(),
        _ if endpoint.contains("/service-accounts/") => bot.id.to_string(),
        _ if endpoint.contains("/v1/api-keys/") => key,
        _ if endpoint.contains("/groups/") => group.id.to_string(),
        _ if endpoint.contains("/sessions/") => victim.id.to_string(),
        _ => "none".to_owned(),
    };
    let path = endpoint
        .replace("{id}", &id)
        .replace("{client}", "none")
        .replace("{kid}", "none")
        .replace("{type}", "Order")
        .replace("{name}", "none")
        .replace("{factor}", "none")
        .replace("{fingerprint}", "none");
    program.send(method, &path, body).await
}

pub(crate) async fn credential(site: &Site, scope: &str) -> Arc<Credential> {
    let person = site.service.person(&Caller::operator(), Which::Name("me".to_owned())).await.unwrap();
    let principal = Principal {
        account: person.id,
        name: "me".into(),
        tenant: TenantId::new(TenantId::DEFAULT),
        roles: [].into(),
        groups: [].into(),
        program: false,
    };
    Arc::new(Credential::new(NewCredential {
        kind: CredentialKind::ApiKey,
        id: "key".into(),
        principal,
        client: None,
        scopes: Scopes::parse(scope).unwrap(),
        expires: site.clock.now().saturating_add(std::time::Duration::from_secs(3600)),
        authenticated: None,
    }))
}
