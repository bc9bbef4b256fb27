//! Tokens that are worth nothing to a thief: bound to a client's certificate over real TLS, or to a key of its own;
//! with clients written by others, and with everything wrong that a thief could try.

use std::path::Path;

use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use crate::application::Application;
use crate::clients;
use crate::gate::Gate;

fn routes(resource: &str) -> String {
    format!(
        "[provider.scopes.orders]\ndescription = \"Read the orders\"\n\n\
         [[routes]]\npath = \"/api/*\"\naccess = \"signed-in\"\nupstream = \"app\"\ncredentials = [\"bearer\"]\n\
         scopes = [\"orders\"]\nresource = \"{resource}/api\"\n\n"
    )
}

/// An application that begins an answer and never ends it.
async fn endless() -> std::net::SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("has an address");
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n";
                let mut asked = [0; 4096];
                if stream.read(&mut asked).await.is_ok() && stream.write_all(head.as_bytes()).await.is_ok() {
                    // Until the gate hangs up.
                    while stream.read(&mut asked).await.is_ok_and(|read| read > 0) {}
                }
            });
        }
    });
    address
}

async fn thumbprint(certificate: &Path) -> String {
    let script = "openssl x509 -in \"$0\" -outform DER | openssl dgst -sha256 -binary | base64 | tr '+/' '-_' | tr -d '='";
    let mut command = clients::program("sh");
    let said = clients::run(command.arg("-c").arg(script).arg(certificate)).await;
    said.trim().to_owned()
}

#[tokio::test]
async fn a_certificate_is_a_clients_name_and_its_tokens_lock() {
    let made = TempDir::new().expect("a temporary directory");
    let at = |name: &str| made.path().join(name).display().to_string();
    let directory = made.path().display().to_string();
    clients::run(&mut clients::python("certificates.py", &[directory.as_str()])).await;
    let application = Application::start().await;
    let stream = endless().await;
    let port = Gate::free_port();
    let origin = format!("https://localhost:{port}");
    let tls = format!(
        "public_url = \"{origin}\"\ntls = {{ mode = \"local-ca\", names = [\"localhost\"], client_certificates = \
         {{ ca_file = {ca:?}, self_signed = true }} }}\n",
        ca = at("ca.pem")
    );
    let more = routes(&origin)
        + &format!(
            "[[routes]]\npath = \"/stream/*\"\naccess = \"signed-in\"\nupstream = \"stream\"\n\
             credentials = [\"certificate\"]\nscopes = [\"watch\"]\n\n\
             [upstreams.stream]\nurl = \"http://{stream}\"\n\n\
             [[machines.certificates]]\naccount = \"billing\"\ndns = \"billing.internal\"\nscopes = [\"watch\"]\n"
        );
    let gate = Gate::start_on(application.address, port, &tls, &more).await;
    gate.cli(&["service-account", "add", "billing"]).await;
    let pinned = thumbprint(&made.path().join("self.pem")).await;
    let resource = format!("{origin}/api");
    let rows: [(&str, &[&str]); 4] = [
        ("billing", &["--authentication", "tls_client_auth", "--certificate", "dns:billing.internal"]),
        (
            "by-subject",
            &["--authentication", "tls_client_auth", "--certificate", "dn:CN=billing,O=Example\\, Ltd,C=DE"],
        ),
        ("pinned", &["--authentication", "self_signed_tls_client_auth", "--certificate-thumbprint", &pinned]),
        (
            "api",
            &[
                "--authentication",
                "tls_client_auth",
                "--certificate",
                "dns:shipping.internal",
                "--introspects",
                &resource,
            ],
        ),
    ];
    for (id, arguments) in rows {
        let mut all =
            vec!["client", "add", id, "--id", id, "--grant", "client_credentials", "--scope", "orders"];
        all.extend(["--certificate-bound"]);
        all.extend_from_slice(arguments);
        gate.cli(&all).await;
    }
    let authority = gate.directory().join("data/local-ca.pem").display().to_string();
    let arguments = [origin.as_str(), authority.as_str(), directory.as_str()];
    let said = clients::run(&mut clients::python("binding.py", &arguments)).await;
    for step in [
        "tls_client_auth",
        "authlib",
        "self_signed",
        "bound token",
        "introspection",
        "metadata",
        "revocation",
        "stream",
    ] {
        assert!(said.contains(step), "{said}");
    }
}

/// Browsers are not asked for certificates where nobody needs one, and programs are told where they are.
#[tokio::test]
async fn certificates_are_asked_for_at_one_host_only() {
    let made = TempDir::new().expect("a temporary directory");
    let directory = made.path().display().to_string();
    clients::run(&mut clients::python("certificates.py", &[directory.as_str()])).await;
    let application = Application::start().await;
    let port = Gate::free_port();
    let tls = format!(
        "public_url = \"https://localhost:{port}\"\ntls = {{ mode = \"local-ca\", names = [\"localhost\"], \
         client_certificates = {{ ca_file = {:?}, hosts = [\"mtls.localhost\"] }} }}\n",
        made.path().join("ca.pem")
    );
    let gate = Gate::start_on(application.address, port, &tls, "").await;
    gate.cli(&[
        "client",
        "add",
        "billing",
        "--id",
        "billing",
        "--grant",
        "client_credentials",
        "--scope",
        "orders",
        "--authentication",
        "tls_client_auth",
        "--certificate",
        "dns:billing.internal",
    ])
    .await;
    let authority = gate.directory().join("data/local-ca.pem").display().to_string();
    let port = port.to_string();
    let arguments = [port.as_str(), authority.as_str(), directory.as_str()];
    let said = clients::run(&mut clients::python("aside.py", &arguments)).await;
    assert!(said.contains("asked at mtls.localhost only"), "{said}");
}

#[tokio::test]
async fn openid_client_proves_its_key_at_the_application() {
    let application = Application::start().await;
    let port = Gate::free_port();
    let origin = format!("http://127.0.0.1:{port}");
    let gate = Gate::start_on(application.address, port, "", &routes(&origin)).await;
    let added = [
        "client",
        "add",
        "batch",
        "--id",
        "batch",
        "--grant",
        "client_credentials",
        "--scope",
        "orders",
        "--dpop-bound",
        "--format",
        "json",
    ];
    let client: Value = serde_json::from_str(&gate.cli(&added).await).expect("a client");
    let given = serde_json::json!({ "client_id": client["id"], "client_secret": client["client_secret"] });
    let given = given.to_string();
    let said = clients::run(&mut clients::node("dpop.mjs", &[origin.as_str(), given.as_str()])).await;
    assert!(said.contains("bound to its key"), "{said}");
}
