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

/// What is listed of the bot's keys.
async fn listed(gate: &Gate) -> serde_json::Value {
    let listed = gate.cli(&["api-key", "list", "--account", "bot", "--format", "json"]).await;
    serde_json::from_str(&listed).expect("JSON")
}

#[tokio::test]
async fn a_key_says_when_it_was_used_and_makes_way_for_its_successor() {
    let application = Application::start().await;
    let gate = Gate::start_with(application.address, API).await;
    gate.cli(&["service-account", "add", "bot"]).await;
    let (key, id) = make_key(&gate, "read").await;
    assert!(listed(&gate).await[0]["last_used"].is_null());
    assert_eq!(with_key(&gate, "/api/orders", &key).await.0, StatusCode::OK);
    let used = listed(&gate).await;
    assert!(used[0]["last_used"].is_string(), "{used}");
    assert!(used[0]["expires"].is_string(), "{used}");

    let rotate = async |id: &str, overlap: &str| {
        let made = gate.cli(&["api-key", "rotate", id, "--overlap", overlap, "--format", "json"]).await;
        let made: serde_json::Value = serde_json::from_str(&made).expect("JSON");
        let word = |name: &str| made[name].as_str().unwrap_or_else(|| panic!("{made}")).to_owned();
        (word("key"), word("id"))
    };
    let (second, second_id) = rotate(&id, "1h").await;
    for key in [&key, &second] {
        assert_eq!(with_key(&gate, "/api/orders", key).await.0, StatusCode::OK, "both, for an hour");
    }
    let (third, _) = rotate(&second_id, "0s").await;
    assert_eq!(with_key(&gate, "/api/orders", &second).await.0, StatusCode::UNAUTHORIZED, "no overlap");
    assert_eq!(with_key(&gate, "/api/orders", &third).await.0, StatusCode::OK);
    let gate = gate.kill().await.start_again().await;
    for (key, status) in
        [(&key, StatusCode::OK), (&second, StatusCode::UNAUTHORIZED), (&third, StatusCode::OK)]
    {
        assert_eq!(with_key(&gate, "/api/orders", key).await.0, status, "after a restart");
    }
}

/// A service that gets tokens by itself (RFC 6749, 4.4), and a route that asks for a scope.
#[tokio::test]
async fn a_service_gets_a_token_and_opens_what_its_scopes_say() {
    let application = Application::start().await;
    let route = "[provider.scopes.\"reports:read\"]\ndescription = \"Read\"\n\
        [provider.scopes.\"reports:write\"]\ndescription = \"Write\"\n\n\
        [[routes]]\npath = \"/reports/*\"\naccess = \"signed-in\"\nupstream = \"app\"\n\
        credentials = [\"bearer\"]\nscopes = [\"reports:read\"]\n";
    let gate = Gate::start_with(application.address, route).await;
    let scopes = ["--scope", "reports:read", "--scope", "reports:write"];
    let client = ["client", "add", "Reports", "--id", "reports", "--grant", "client_credentials"];
    let post = ["--authentication", "client_secret_post", "--format", "json"];
    let made = gate.cli(&[&client[..], &scopes, &post].concat()).await;
    let made: serde_json::Value = serde_json::from_str(&made).expect("JSON");
    let secret = made["client_secret"].as_str().unwrap_or_else(|| panic!("{made}")).to_owned();
    let token = async |secret: &str, scope: &str| {
        let form =
            format!("grant_type=client_credentials&client_id=reports&client_secret={secret}&scope={scope}");
        let request =
            Request::post("/.gabion/oauth/token").header("content-type", "application/x-www-form-urlencoded");
        let answer = Client::new(gate.address).send(request, Bytes::from(form)).await.expect("answers");
        (answer.status(), serde_json::from_slice::<serde_json::Value>(answer.body()).expect("JSON"))
    };
    let (status, refused) = token("wrong", "reports:read").await;
    assert_eq!((status, &refused["error"]), (StatusCode::UNAUTHORIZED, &"invalid_client".into()));
    let (status, refused) = token(&secret, "everything").await;
    assert_eq!((status, &refused["error"]), (StatusCode::BAD_REQUEST, &"invalid_scope".into()));
    let access = async |scope: &str| {
        let (status, tokens) = token(&secret, scope).await;
        assert_eq!(status, StatusCode::OK, "{tokens}");
        assert!(tokens["refresh_token"].is_null(), "the service can ask again (RFC 6749, 4.4.3)");
        tokens["access_token"].as_str().expect("a token").to_owned()
    };
    let (reading, writing) = (access("reports:read").await, access("reports:write").await);
    let (status, echo) = with_key(&gate, "/reports/7", &reading).await;
    assert_eq!(status, StatusCode::OK, "{echo}");
    assert!(echo.contains("identity=true"), "{echo}");
    let (status, refused) = with_key(&gate, "/reports/7", &writing).await;
    assert_eq!(status, StatusCode::FORBIDDEN, "{refused}");
    assert_eq!(with_key(&gate, "/reports/7", &format!("{reading}x")).await.0, StatusCode::UNAUTHORIZED);
    gate.cli(&["client", "disable", "reports"]).await;
    assert_eq!(token(&secret, "reports:read").await.0, StatusCode::UNAUTHORIZED);
}

/// An authority, and certificates of it.
struct Authority(TempDir);

impl Authority {
    async fn new() -> Self {
        let authority = Self(TempDir::new().expect("a temporary directory"));
        authority.openssl("req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout ca.key -out ca.pem -subj /CN=ca -days 2").await;
        authority
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    async fn openssl(&self, line: &str) {
        clients::run(clients::program("openssl").args(line.split(' ')).current_dir(self.0.path())).await;
    }

    /// `name.pem` and `name.key` for a DNS name.
    async fn certify(&self, name: &str) {
        self.openssl(&format!("req -new -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout {name}.key -out {name}.csr -subj /CN={name} -addext subjectAltName=DNS:{name}")).await;
        self.openssl(&format!("x509 -req -in {name}.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -copy_extensions copy -out {name}.pem")).await;
    }

    /// What `curl` with a certificate is answered; nothing when there is no connection.
    async fn fetch(&self, gate: &Gate, path: &str, name: Option<&str>, more: &[&str]) -> Option<u16> {
        let port = gate.address.port();
        let mut curl = clients::program("curl");
        curl.args(["--silent", "--output", "/dev/null", "--write-out", "%{http_code}"])
            .args(["--resolve", &format!("localhost:{port}:127.0.0.1")])
            .arg("--cacert")
            .arg(gate.directory().join("data/local-ca.pem"))
            .args(more);
        if let Some(name) = name {
            let (certificate, key) = (self.file(&format!("{name}.pem")), self.file(&format!("{name}.key")));
            curl.arg("--cert").arg(certificate).arg("--key").arg(key);
        }
        let answered = curl.arg(format!("https://localhost:{port}{path}")).output().await.expect("curl runs");
        let status: u16 = String::from_utf8_lossy(&answered.stdout).parse().expect("a number");
        (answered.status.success() && status != 0).then_some(status)
    }
}

#[tokio::test]
async fn a_client_certificate_is_a_principal_on_routes_that_take_it() {
    let application = Application::start().await;
    let (ours, theirs) = (Authority::new().await, Authority::new().await);
    for (authority, name) in
        [(&ours, "billing.internal"), (&ours, "other.internal"), (&theirs, "billing.internal")]
    {
        authority.certify(name).await;
    }
    let more = "[[routes]]\npath = \"/invoices/*\"\naccess = \"signed-in\"\nupstream = \"app\"\n\
        credentials = [\"certificate\"]\nscopes = [\"invoices\"]\n\n\
        [[routes]]\npath = \"/payments/*\"\naccess = \"signed-in\"\nupstream = \"app\"\n\
        credentials = [\"certificate\"]\nscopes = [\"payments\"]\n\n\
        [[machines.certificates]]\naccount = \"billing\"\ndns = \"billing.internal\"\nscopes = [\"invoices\"]\n";
    let gate = Gate::start_mutual(application.address, &ours.file("ca.pem"), more).await;
    gate.cli(&["service-account", "add", "billing"]).await;
    let billing = Some("billing.internal");
    assert_eq!(ours.fetch(&gate, "/invoices/7", billing, &[]).await, Some(200));
    assert_eq!(application.served(), 1);
    assert_eq!(ours.fetch(&gate, "/payments/7", billing, &[]).await, Some(403), "a scope it has not");
    assert_eq!(
        ours.fetch(&gate, "/private", billing, &[]).await,
        Some(401),
        "a route that takes people only"
    );
    assert_eq!(ours.fetch(&gate, "/invoices/7", None, &[]).await, Some(401), "none shown");
    assert_eq!(ours.fetch(&gate, "/invoices/7", Some("other.internal"), &[]).await, Some(401), "nobody's");
    assert_eq!(theirs.fetch(&gate, "/invoices/7", billing, &[]).await, None, "of a foreign authority");
    // The same certificate, told instead of shown.
    let pem = fs::read_to_string(ours.file("billing.internal.pem")).expect("a certificate");
    let der: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
    let field = format!("Client-Cert: :{der}:");
    assert_eq!(ours.fetch(&gate, "/invoices/7", None, &["--header", &field]).await, Some(401));
    gate.cli(&["service-account", "disable", "billing"]).await;
    assert_eq!(ours.fetch(&gate, "/invoices/7", billing, &[]).await, Some(401));
    assert_eq!(application.served(), 1, "the application saw nothing of the others");
}

/// A proxy of somebody else in front of the application, asking a gate.
pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    _process: Child,
    _directory: TempDir,
}

/// Starts a proxy with the example of its kind, its addresses replaced by those of this test.
pub(crate) async fn proxy(kind: &str, gate: SocketAddr, application: SocketAddr) -> Proxy {
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

pub(crate) const ASKED: &str = "[checks.client_address]\ntrusted_proxies = [\"127.0.0.1\"]\n\
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
