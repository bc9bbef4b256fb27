//! Principal × endpoint of SCIM, as the router answers, committed as `scim_authorization.txt`.
//!
//! After a deliberate change: `GABION_BLESS=1 cargo test -p gabion-console scim_authorization`.

use std::fmt::Write as _;

use gabion_model::Role;
use gabion_service::{Caller, NewGroup};

use crate::api::Program;
use crate::scim::service_account;
use crate::site::Site;

const USER: &str = r#"{"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "victim"}"#;
const NEW_USER: &str = r#"{"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "new"}"#;
const GROUP: &str = r#"{"schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": "New"}"#;
const PATCH: &str = r#"{"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
    "Operations": [{"op": "add", "path": "externalId", "value": "7"}]}"#;
const SEARCH: &str = r#"{"schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"]}"#;

/// `{id}` is somebody's, something's.
const ENDPOINTS: &[(&str, &str, &str)] = &[
    ("GET", "/.gabion/scim/v2/Users", ""),
    ("POST", "/.gabion/scim/v2/Users", NEW_USER),
    ("POST", "/.gabion/scim/v2/Users/.search", SEARCH),
    ("GET", "/.gabion/scim/v2/Users/{id}", ""),
    ("PUT", "/.gabion/scim/v2/Users/{id}", USER),
    ("PATCH", "/.gabion/scim/v2/Users/{id}", PATCH),
    ("DELETE", "/.gabion/scim/v2/Users/{id}", ""),
    ("GET", "/.gabion/scim/v2/Groups", ""),
    ("POST", "/.gabion/scim/v2/Groups", GROUP),
    ("POST", "/.gabion/scim/v2/Groups/.search", SEARCH),
    ("GET", "/.gabion/scim/v2/Groups/{id}", ""),
    ("PUT", "/.gabion/scim/v2/Groups/{id}", GROUP),
    ("PATCH", "/.gabion/scim/v2/Groups/{id}", PATCH),
    ("DELETE", "/.gabion/scim/v2/Groups/{id}", ""),
    ("POST", "/.gabion/scim/v2/.search", SEARCH),
    ("GET", "/.gabion/scim/v2/ServiceProviderConfig", ""),
    ("GET", "/.gabion/scim/v2/ResourceTypes", ""),
    ("GET", "/.gabion/scim/v2/ResourceTypes/{id}", ""),
    ("GET", "/.gabion/scim/v2/Schemas", ""),
    ("GET", "/.gabion/scim/v2/Schemas/{id}", ""),
    ("GET", "/.gabion/scim/v2/Me", ""),
    ("POST", "/.gabion/scim/v2/Bulk", "{}"),
    ("GET", "/.gabion/scim/{*rest}", ""),
];

/// `person-key` is a person's key with the scope, `admin-key` a service account's with another one.
const VISITORS: &[&str] = &["stranger", "member", "administrator", "person-key", "admin-key", "scim-key"];

#[tokio::test]
async fn the_matrix_is_as_committed() {
    let mut matrix = String::from(
        "# Who may use which endpoint of SCIM. Made by tests/it/scim_authorization.rs; do not edit.\n",
    );
    write!(matrix, "{:<50}", "endpoint").unwrap();
    for visitor in VISITORS {
        write!(matrix, " {visitor:<14}").unwrap();
    }
    for (method, endpoint, body) in ENDPOINTS {
        write!(matrix, "\n{:<50}", format!("{method} {endpoint}")).unwrap();
        for visitor in VISITORS {
            write!(matrix, " {:<14}", outcome(method, endpoint, body, visitor).await).unwrap();
        }
    }
    let matrix = matrix.lines().map(str::trim_end).collect::<Vec<_>>().join("\n") + "\n";

    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/scim_authorization.txt");
    #[expect(clippy::disallowed_methods, reason = "how the committed file is renewed")]
    if std::env::var_os("GABION_BLESS").is_some() {
        std::fs::write(path, &matrix).unwrap();
    }
    let committed = std::fs::read_to_string(path).unwrap();
    assert_eq!(matrix, committed, "the matrix changed; if that is meant, renew it (see this file's head)");
}

async fn outcome(method: &str, endpoint: &str, body: &str, visitor: &str) -> u16 {
    let site = Site::new();
    let roles: &[&str] = if visitor == "member" { &[] } else { &[Role::ADMINISTRATOR] };
    let me = site.guest("me", roles).await;
    let victim = site.guest("victim", &[]).await;
    let group = NewGroup { name: "Some".to_owned(), ..NewGroup::default() };
    let group = site.service.add_group(&Caller::operator(), group).await.unwrap();
    let mut program = Program::new(&site);
    match visitor {
        "stranger" => {}
        "person-key" => {
            program.credential = Some(crate::api_authorization::credential(&site, "gabion:scim").await);
        }
        "admin-key" => {
            program.credential = Some(service_account(&site, "gabion:admin", &[Role::ADMINISTRATOR]).await);
        }
        "scim-key" => program.credential = Some(service_account(&site, "gabion:scim", &[]).await),
        _ => program.session = Some(me),
    }
    let id = match endpoint {
        _ if endpoint.contains("Users/{id}") => victim.principal.account.to_string(),
        _ if endpoint.contains("Groups/{id}") => group.id.to_string(),
        _ if endpoint.contains("Schemas/{id}") => "urn:ietf:params:scim:schemas:core:2.0:User".to_owned(),
        _ => "User".to_owned(),
    };
    let path = endpoint.replace("{id}", &id).replace("{*rest}", "none");
    program.send(method, &path, body).await.status.as_u16()
}
