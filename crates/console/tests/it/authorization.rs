//! Endpoint × visitor, as the router answers, committed as `authorization.txt`: nobody signed in, the person
//! whose account and session it is, and another person.
//!
//! After a deliberate change: `GABION_BLESS=1 cargo test -p gabion-console authorization`.

use std::fmt::Write as _;

use gabion_identity::cookie;
use gabion_model::Clock as _;

use crate::site::{Answer, Browser, PASSWORD, Site};

const NEW: &str = "gravel under every wheel";

type Fields = &'static [(&'static str, &'static str)];

/// Every endpoint with every method it has. `{id}` is a session of ada's, below `/keys/` an API key of hers.
pub(crate) const ENDPOINTS: &[(&str, &str, Fields)] = &[
    ("GET", "/.gabion/login", &[]),
    ("POST", "/.gabion/login", &[("name", "ada"), ("password", "a guess")]),
    ("POST", "/.gabion/login/passkey", &[("answer", "{}")]),
    ("POST", "/.gabion/login/passkey/options", &[]),
    ("GET", "/.gabion/login/second-factor", &[]),
    ("POST", "/.gabion/login/second-factor", &[("factor", "totp"), ("code", "000000")]),
    ("POST", "/.gabion/login/second-factor/passkey", &[("answer", "{}")]),
    ("POST", "/.gabion/login/second-factor/passkey/options", &[]),
    ("GET", "/.gabion/login/enrol", &[]),
    ("GET", "/.gabion/login/enrol/totp", &[]),
    ("POST", "/.gabion/login/enrol/totp", &[("enrolment", "a guess"), ("code", "000000")]),
    ("GET", "/.gabion/login/enrol/passkey", &[]),
    ("POST", "/.gabion/login/enrol/passkey", &[("answer", "{}")]),
    ("POST", "/.gabion/login/enrol/passkey/options", &[]),
    ("POST", "/.gabion/logout", &[]),
    ("GET", "/.gabion/welcome", &[]),
    ("POST", "/.gabion/welcome", &[("token", "a guess"), ("password", NEW), ("repeat", NEW)]),
    ("GET", "/.gabion/forgot", &[]),
    ("POST", "/.gabion/forgot", &[("name", "ada")]),
    ("GET", "/.gabion/email", &[]),
    ("POST", "/.gabion/email", &[("token", "a guess")]),
    ("GET", "/.gabion/account", &[]),
    ("GET", "/.gabion/account/applications", &[]),
    ("POST", "/.gabion/account/applications/revoke", &[("client", "shop")]),
    ("GET", "/.gabion/account/data", &[]),
    ("POST", "/.gabion/account/data/export", &[]),
    ("GET", "/.gabion/account/delete", &[]),
    ("POST", "/.gabion/account/delete", &[("name", "ada")]),
    ("GET", "/.gabion/account/email", &[]),
    ("POST", "/.gabion/account/email", &[("email", "ada@example.org")]),
    ("GET", "/.gabion/account/keys", &[]),
    ("GET", "/.gabion/account/keys/new", &[]),
    ("POST", "/.gabion/account/keys/new", &[("label", "build"), ("scopes", "read"), ("life", "86400")]),
    ("GET", "/.gabion/account/keys/{id}", &[]),
    ("POST", "/.gabion/account/keys/{id}/rotate", &[("overlap", "0")]),
    ("POST", "/.gabion/account/keys/{id}/revoke", &[]),
    ("GET", "/.gabion/account/password", &[]),
    ("POST", "/.gabion/account/password", &[("current", PASSWORD), ("password", NEW), ("repeat", NEW)]),
    ("GET", "/.gabion/account/profile", &[]),
    ("POST", "/.gabion/account/profile", &[("name", "Ada")]),
    ("GET", "/.gabion/account/security", &[]),
    ("GET", "/.gabion/account/security/totp", &[]),
    ("POST", "/.gabion/account/security/totp", &[("enrolment", "a guess"), ("code", "000000")]),
    ("GET", "/.gabion/account/security/passkey", &[]),
    ("POST", "/.gabion/account/security/passkey", &[("answer", "{}")]),
    ("POST", "/.gabion/account/security/passkey/options", &[]),
    ("GET", "/.gabion/account/security/recovery-codes", &[]),
    ("POST", "/.gabion/account/security/recovery-codes", &[]),
    ("GET", "/.gabion/account/security/factors/{id}", &[]),
    ("POST", "/.gabion/account/security/factors/{id}/rename", &[("name", "new")]),
    ("POST", "/.gabion/account/security/factors/{id}/remove", &[]),
    ("GET", "/.gabion/account/identities", &[]),
    ("POST", "/.gabion/account/identities/{id}/unlink", &[]),
    ("POST", "/.gabion/account/sessions/revoke-others", &[]),
    ("POST", "/.gabion/account/sessions/{id}/revoke", &[]),
    ("GET", "/.gabion/federation/choose", &[]),
    ("POST", "/.gabion/federation/choose", &[("ticket", "a guess"), ("choice", "link")]),
    ("GET", "/.gabion/federation/{provider}/start", &[]),
    ("GET", "/.gabion/federation/{provider}/callback", &[]),
    ("POST", "/.gabion/federation/{provider}/backchannel-logout", &[("logout_token", "a guess")]),
    ("GET", "/.gabion/assets/{name}", &[]),
    ("POST", "/.gabion/csp-report", &[]),
    ("GET", "/.gabion/oauth/authorize", &[]),
    ("POST", "/.gabion/oauth/authorize", &[("client_id", "nobody")]),
    ("GET", "/.gabion/oauth/consent", &[]),
    ("POST", "/.gabion/oauth/consent", &[("flow", "a guess"), ("session", "{id}"), ("decision", "allow")]),
    ("POST", "/.gabion/oauth/token", &[("grant_type", "refresh_token"), ("refresh_token", "a guess")]),
    ("POST", "/.gabion/oauth/introspect", &[("token", "a guess")]),
    ("POST", "/.gabion/oauth/revoke", &[("token", "a guess")]),
    ("GET", "/.gabion/oauth/userinfo", &[]),
    ("POST", "/.gabion/oauth/userinfo", &[]),
    ("GET", "/.well-known/openid-configuration", &[]),
    ("GET", "/.well-known/oauth-authorization-server", &[]),
    ("GET", "/.gabion/oauth/device", &[]),
    ("POST", "/.gabion/oauth/device", &[("user_code", "BCDF-GHJK"), ("decision", "allow")]),
    ("POST", "/.gabion/oauth/device_authorization", &[("client_id", "a-guess")]),
    ("GET", "/.gabion/oauth/logout", &[]),
    ("POST", "/.gabion/oauth/logout", &[("state", "x")]),
    ("POST", "/.gabion/oauth/logout/confirm", &[]),
    ("POST", "/.gabion/oauth/par", &[("client_id", "a-guess")]),
    ("POST", "/.gabion/oauth/register", &[]),
    ("GET", "/.gabion/oauth/register/{id}", &[]),
    ("GET", "/.well-known/authzen-configuration", &[]),
    ("GET", "/.well-known/authzen-configuration/.gabion", &[]),
    ("GET", "/.well-known/jwks.json", &[]),
    ("GET", "/.well-known/oauth-protected-resource", &[]),
    ("GET", "/.well-known/oauth-protected-resource/{*path}", &[]),
];

const VISITORS: &[&str] = &["stranger", "ada", "bob"];

#[tokio::test]
async fn the_matrix_is_as_committed() {
    let mut matrix = String::from(
        "# Who may use which endpoint. Made by tests/it/authorization.rs; do not edit.\n\
         # The answer, then what became of ada's other session.\n",
    );
    write!(matrix, "{:<47}", "endpoint").unwrap();
    for visitor in VISITORS {
        write!(matrix, " {visitor:<50}").unwrap();
    }
    for (method, endpoint, form) in ENDPOINTS {
        write!(matrix, "\n{:<47}", format!("{method} {endpoint}")).unwrap();
        for visitor in VISITORS {
            write!(matrix, " {:<50}", outcome(method, endpoint, form, visitor).await).unwrap();
        }
    }
    let matrix = matrix.lines().map(str::trim_end).collect::<Vec<_>>().join("\n") + "\n";

    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/authorization.txt");
    #[expect(clippy::disallowed_methods, reason = "how the committed file is renewed")]
    if std::env::var_os("GABION_BLESS").is_some() {
        std::fs::write(path, &matrix).unwrap();
    }
    let committed = std::fs::read_to_string(path).unwrap();
    assert_eq!(matrix, committed, "the matrix changed; if that is meant, renew it (see this file's head)");
}

/// What `visitor` gets, and whether ada's other session lived through it.
async fn outcome(method: &str, endpoint: &str, form: &[(&str, &str)], visitor: &str) -> String {
    let site = Site::new();
    for name in ["ada", "bob"] {
        site.person(name).await;
    }
    let mut other = site.browser();
    other.sign_in("ada").await;
    let session = session(&other);
    let mut browser = site.browser();
    if visitor != "stranger" {
        browser.sign_in(visitor).await;
    }
    let key = gabion_service::CreateApiKey {
        account: Some("ada".to_owned()),
        label: "ada's".to_owned(),
        scopes: vec!["read".to_owned()],
        life: None,
    };
    let key = site.service.create_api_key(&gabion_service::Caller::operator(), key).await.unwrap().view.id;
    let path = endpoint
        .replace("{id}", if endpoint.contains("/keys/") { &key } else { &session })
        .replace("{name}", "gabion.css")
        .replace("{provider}", "op");
    let answer = match method {
        "GET" => browser.get(&path).await,
        _ => browser.post(&path, form).await,
    };
    let lives = other.get("/.gabion/account").await.status.is_success();
    format!("{} {}", summary(&answer), if lives { "lives" } else { "ended" })
}

/// The id of the session a browser is in.
fn session(browser: &Browser<'_>) -> String {
    let site = browser.site;
    cookie::tickets(browser.cookie.as_deref(), browser.secure)
        .find_map(|ticket| site.service.live_sessions().resolve(ticket, site.clock.now()))
        .expect("signed in")
        .id
        .to_string()
}

fn summary(answer: &Answer) -> String {
    let status = answer.status.as_u16();
    match answer.header("location").split("?next=").next() {
        None | Some("") => status.to_string(),
        Some(location) => format!("{status} {location}"),
    }
}
