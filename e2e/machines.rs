//! Programs at the gate: keys that open and stop opening, and proxies of others that ask before they pass requests on.

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use http::{Request, StatusCode};
use tempfile::TempDir;
use tokio::process::Child;

use crate::application::Application;
use crate::client::{Client, text};
use crate::clients;
use crate::gate::{Gate, PATIENCE};

const API: &str = "[[routes]]\npath = \"/api/*\"\naccess = \"signed-in\"\nupstream = \"app\"\n\
    credentials = [\"session\", \"api-key\"]\nscopes = [\"read\"]\n";

async fn with_key(gate: &Gate, path: &str, key: &str) -> (StatusCode, String) {
    let request = Request::get(path).header("authorization", format!("Bearer {key}"));
    let answer = Client::new(gate.address).send(request, Bytes::new()).await.expect("the gate answers");
    (answer.status(), text(&answer))
}

async fn make_key(gate: &Gate, scope: &str) -> (String, String) {
    let made =
        gate.cli(&["api-key", "create", "--account", "bot", "--scope", scope, "--format", "json"]).await;
    let made: serde_json::Value = serde_json::from_str(&made).expect("JSON");
    let word = |name: &str| made[name].as_str().expect("text").to_owned();
    (word("key"), word("id"))
}

#[tokio::test]
async fn a_key_opens_what_its_scopes_say_until_it_is_revoked_or_its_account_disabled() {
    let application = Application::start().await;
    let gate = Gate::start_with(application.address, API).await;
    gate.cli(&["service-account", "add", "bot"]).await;
    let ((key, id), (narrow, _)) = (make_key(&gate, "read").await, make_key(&gate, "other").await);

    let (status, echo) = with_key(&gate, "/api/orders", &key).await;
    assert_eq!(status, StatusCode::OK, "{echo}");
    assert!(echo.contains("identity=true"), "{echo}");
    assert_eq!(with_key(&gate, "/api/orders", &narrow).await.0, StatusCode::FORBIDDEN);
    assert_eq!(with_key(&gate, "/elsewhere", &key).await.0, StatusCode::FORBIDDEN, "takes no keys");
    let served = application.served();

    gate.cli(&["api-key", "revoke", &id]).await;
    assert_eq!(with_key(&gate, "/api/orders", &key).await.0, StatusCode::UNAUTHORIZED);

    let (second, _) = make_key(&gate, "read").await;
    assert_eq!(with_key(&gate, "/api/orders", &second).await.0, StatusCode::OK);
    gate.cli(&["service-account", "disable", "bot"]).await;
    assert_eq!(with_key(&gate, "/api/orders", &second).await.0, StatusCode::UNAUTHORIZED);
    assert_eq!(application.served(), served + 1);
    assert!(!gate.output().contains(&key), "a key is in no log");
}

/// A proxy of somebody else in front of the application, asking a gate.
struct Proxy {
    address: SocketAddr,
    _process: Child,
    _directory: TempDir,
}

/// Starts a proxy with the example of its kind, its addresses replaced by those of this test.
async fn proxy(kind: &str, gate: SocketAddr, application: SocketAddr) -> Proxy {
    let port = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a free port");
    let directory = TempDir::new().expect("a temporary directory");
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/forward-auth").join(kind);
    for entry in fs::read_dir(&examples).expect("the example is there") {
        let entry = entry.expect("a file");
        let written = fs::read_to_string(entry.path()).expect("text");
        let mut written = written
            .replace("127.0.0.1:8080", &gate.to_string())
            .replace("127.0.0.1:3000", &application.to_string())
            .replace("127.0.0.1:8000", &port.to_string());
        if kind == "haproxy" {
            let lua = directory.path().join("gabion.lua");
            written = written.replace("lua-load gabion.lua", &format!("lua-load {}", lua.display()));
        }
        if kind == "nginx" {
            let at = |name: &str| directory.path().join(name).display().to_string();
            let head = format!("daemon off;\npid {};\nerror_log {};\n", at("pid"), at("error.log"));
            let paths = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
                .map(|name| format!("    {name}_temp_path {};\n", at(name)));
            let http = format!("http {{\n    access_log off;\n{}", paths.concat());
            written = head + &written.replace("http {\n", &http);
        }
        fs::write(directory.path().join(entry.file_name()), written).expect("written");
    }
    let file = |name: &str| -> PathBuf { directory.path().join(name) };
    let mut command = clients::program(kind);
    match kind {
        "nginx" => command.arg("-c").arg(file("nginx.conf")).arg("-p").arg(directory.path()),
        "caddy" => command
            .args(["run", "--adapter", "caddyfile", "--config"])
            .arg(file("Caddyfile"))
            .env("HOME", directory.path()),
        _ => command.arg("-db").arg("-f").arg(file("haproxy.cfg")),
    };
    let process = command.spawn().expect("the proxy starts (hint: `cargo xtask test tools` installs it)");
    let listening = async {
        while tokio::net::TcpStream::connect(port).await.is_err() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, listening).await.expect("the proxy listens");
    Proxy { address: port, _process: process, _directory: directory }
}

const ASKED: &str = "[checks.client_address]\ntrusted_proxies = [\"127.0.0.1\"]\n\
    [checks.redirect_https]\nmode = \"off\"\n\
    [forward_auth]\ndialects = [\"nginx\", \"caddy\", \"haproxy\"]\nname_header = \"Remote-User\"\n";

async fn protects(kind: &str) {
    let application = Application::start().await;
    let gate = Gate::start_with(application.address, ASKED).await;
    gate.add_account("ada", "boulders in a wire basket").await;
    let proxy = proxy(kind, gate.address, application.address).await;
    let mut person = Client::new(proxy.address);

    let open = person.get("/public/page").await.expect("the proxy answers");
    assert_eq!(open.status(), StatusCode::OK, "{kind}: {}", text(&open));
    let before = application.served();
    let away = person.navigate("/private?tab=a").await.expect("the proxy answers");
    assert!(away.status().is_redirection(), "{kind}: {} {}", away.status(), text(&away));
    let login = away.headers()["location"].to_str().expect("text").to_owned();
    assert!(login.contains("/.gabion/login?next=/private%3Ftab%3Da"), "{kind}: {login}");
    let program = person.get("/private").await.expect("the proxy answers");
    assert_eq!(program.status(), StatusCode::UNAUTHORIZED, "{kind}");
    let forged =
        Request::get("/private").header("remote-user", "root").header("x-forwarded-uri", "/public/x");
    let forged = person.send(forged, Bytes::new()).await.expect("the proxy answers");
    assert_eq!(forged.status(), StatusCode::UNAUTHORIZED, "{kind}");
    let outside = person.get(&format!("/.gabion/forward-auth/{kind}")).await.expect("the proxy answers");
    assert_eq!(outside.status(), StatusCode::NOT_FOUND, "{kind}");
    assert_eq!(application.served(), before, "{kind}: the application saw nothing of it");

    assert!(person.sign_in("ada", "boulders in a wire basket").await.expect("the proxy answers"), "{kind}");
    let page = person.get("/private").await.expect("the proxy answers");
    assert_eq!(page.status(), StatusCode::OK, "{kind}: {}", text(&page));
    assert!(text(&page).contains("identity=true"), "{kind}: {}", text(&page));
}

#[tokio::test]
async fn nginx_asks_and_protects_a_page() {
    protects("nginx").await;
}

#[tokio::test]
async fn caddy_asks_and_protects_a_page() {
    protects("caddy").await;
}

#[tokio::test]
async fn haproxy_asks_and_protects_a_page() {
    protects("haproxy").await;
}
