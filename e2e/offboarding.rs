//! Who leaves: one person and one service with one of each credential, and an end to all of it at once.

use std::net::SocketAddr;

use bytes::Bytes;
use futures_util::{SinkExt as _, StreamExt as _};
use http::{Request, header};
use serde_json::Value;
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use crate::application::Application;
use crate::client::{Client, text};
use crate::clients;
use crate::gate::{Gate, PATIENCE};
use crate::oauth::{PASSWORD, Shop, json, refresh};

const ALL: &str = "credentials = [\"session\", \"bearer\", \"api-key\", \"certificate\"]";

/// Echoes what is said over WebSockets.
async fn live() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("has an address");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let Ok(mut socket) = tokio_tungstenite::accept_async(stream).await else { return };
                while let Some(Ok(message)) = socket.next().await {
                    if message.is_text() && socket.send(message).await.is_err() {
                        return;
                    }
                }
            });
        }
    });
    address
}

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// Everything somebody holds.
struct Holder {
    person: Client,
    shop: Shop,
    tokens: Value,
    device: Value,
    key: String,
    sockets: Vec<(&'static str, Socket)>,
}

struct House {
    gate: Gate,
    _application: Application,
}

impl House {
    async fn new() -> Self {
        let (application, live) = (Application::start().await, live().await);
        let more = format!(
            "[upstreams.live]\nurl = \"http://{live}\"\n\n\
             [[routes]]\npath = \"/live/*\"\naccess = \"signed-in\"\nupstream = \"live\"\n{ALL}\n\n\
             [[routes]]\npath = \"/api/*\"\naccess = \"signed-in\"\nupstream = \"app\"\n{ALL}\n\n\
             [checks.client_address]\ntrusted_proxies = [\"127.0.0.1\"]\n\
             [checks.redirect_https]\nmode = \"off\"\n\
             [checks.mtls]\nforwarded = true\n\
             [forward_auth]\ndialects = [\"caddy\"]\n\
             [[machines.certificates]]\naccount = \"bot\"\ndns = \"bot.internal\"\nscopes = [\"read\"]\n"
        );
        let gate = Gate::start_with(application.address, &more).await;
        gate.accept(&gate.administrator_link().await, PASSWORD).await;
        Self { gate, _application: application }
    }

    async fn with(&self, fields: &[(&str, &str)], path: &str) -> u16 {
        let request =
            fields.iter().fold(Request::get(path), |request, (name, value)| request.header(*name, *value));
        let answer =
            Client::new(self.gate.address).send(request, Bytes::new()).await.expect("the gate answers");
        answer.status().as_u16()
    }

    async fn bearer(&self, token: &str) -> u16 {
        self.with(&[("authorization", &format!("Bearer {token}"))], "/api/x").await
    }

    /// What a proxy that keeps its place hears about a browser.
    async fn forward_auth(&self, cookie: &str) -> u16 {
        let host = self.gate.address.to_string();
        let fields = [
            ("x-forwarded-method", "GET"),
            ("x-forwarded-proto", "http"),
            ("x-forwarded-host", &*host),
            ("x-forwarded-uri", "/private"),
            ("x-forwarded-for", "203.0.113.9"),
            ("cookie", cookie),
        ];
        self.with(&fields, "/.gabion/forward-auth/caddy").await
    }

    async fn socket(&self, name: &str, value: &str) -> Socket {
        let mut request =
            format!("ws://{}/live/1", self.gate.address).into_client_request().expect("a request");
        let origin = format!("http://{}", self.gate.address);
        request.headers_mut().insert("origin", origin.parse().expect("a value"));
        let name: http::HeaderName = name.parse().expect("a name");
        request.headers_mut().insert(name, value.parse().expect("a value"));
        let (mut socket, _) = tokio_tungstenite::connect_async(request).await.expect("the tunnel opens");
        socket.send(Message::text("hello")).await.expect("sent");
        assert_eq!(socket.next().await.expect("an echo").expect("an echo"), Message::text("hello"));
        socket
    }

    async fn make_key(&self, account: &str, scope: &str) -> String {
        let arguments = ["api-key", "create", "--account", account, "--scope", scope, "--format", "json"];
        let made: Value = serde_json::from_str(&self.gate.cli(&arguments).await).expect("JSON");
        made["key"].as_str().expect("a key").to_owned()
    }

    /// ada, with one of each, and every one opens something.
    async fn ada(&self) -> Holder {
        let gate = &self.gate;
        gate.add_account("ada", PASSWORD).await;
        let mut person = Client::new(gate.address);
        assert!(person.sign_in("ada", PASSWORD).await.expect("answers"));
        let shop = Shop::register(gate).await;
        let tokens = shop.grant(gate, &mut person, "openid%20offline_access").await;
        let device = self.sign_in_device(&mut person, &shop).await;
        let key = self.make_key("ada", "read").await;

        let cookie = person.cookie().expect("a session").to_owned();
        let access = |tokens: &Value| tokens["access_token"].as_str().expect("a token").to_owned();
        let bearer = |token: &str| format!("Bearer {token}");
        let sockets = vec![
            ("session", self.socket("cookie", &cookie).await),
            ("access token", self.socket("authorization", &bearer(&access(&tokens))).await),
            ("device's token", self.socket("authorization", &bearer(&access(&device))).await),
            ("API key", self.socket("authorization", &bearer(&key)).await),
        ];
        let holder = Holder { person, shop, tokens, device, key, sockets };
        self.everything_is(&holder, 200).await;
        holder
    }

    /// A television: shows a code that ada types in.
    async fn sign_in_device(&self, person: &mut Client, shop: &Shop) -> Value {
        let grants = ["--grant", "device_code", "--grant", "refresh_token"];
        let scopes = ["--scope", "openid", "--scope", "offline_access"];
        let mut arguments = vec!["client", "add", "The television", "--id", "tv", "--public"];
        arguments.extend(grants.iter().chain(&scopes));
        self.gate.cli(&arguments).await;
        let form = "client_id=tv&scope=openid%20offline_access";
        let request = Request::post(shop.endpoint("device_authorization_endpoint"))
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        let answer = Client::new(self.gate.address).send(request, Bytes::from(form)).await.expect("answers");
        let codes = json(&answer);
        let word = |name: &str| codes[name].as_str().unwrap_or_else(|| panic!("{codes}")).to_owned();
        let fields = [("user_code", word("user_code")), ("decision", "allow".to_owned())];
        let fields: Vec<_> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let page = person.submit("/.gabion/oauth/device", &fields).await.expect("answers");
        assert!(text(&page).contains("The device is signed in"), "{}", text(&page));
        let grant = "urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Adevice_code";
        let form = format!("grant_type={grant}&client_id=tv&device_code={}", word("device_code"));
        let (status, tokens) = shop.token(&self.gate, &form).await;
        assert_eq!(status, 200, "{tokens}");
        tokens
    }

    async fn everything_is(&self, holder: &Holder, expected: u16) {
        let cookie = holder.person.cookie().expect("a session");
        assert_eq!(self.with(&[("cookie", cookie)], "/private").await, expected, "session");
        assert_eq!(self.forward_auth(cookie).await, expected, "forward-auth");
        for (name, tokens) in [("access token", &holder.tokens), ("device's token", &holder.device)] {
            let token = tokens["access_token"].as_str().expect("a token");
            assert_eq!(self.bearer(token).await, expected, "{name}");
            assert_eq!(holder.shop.userinfo(&self.gate, tokens).await.0, expected, "{name} at userinfo");
        }
        assert_eq!(self.bearer(&holder.key).await, expected, "API key");
        assert_eq!(self.with(&[("x-api-key", &holder.key)], "/api/x").await, expected, "API key");
    }

    /// Nothing opens anything any more, nor does what could be had for it; and nobody had to ask for the streams to end.
    async fn all_of_it_ended(&self, mut holder: Holder) {
        for (name, socket) in &mut holder.sockets {
            let end = tokio::time::timeout(PATIENCE, socket.next()).await;
            let end = end.unwrap_or_else(|_| panic!("the stream of the {name} goes on"));
            assert!(!matches!(end, Some(Ok(ref message)) if message.is_text()), "{name}: {end:?}");
        }
        self.everything_is(&holder, 401).await;
        let refused = holder.shop.token(&self.gate, &refresh(&holder.tokens)).await;
        assert_eq!((refused.0, &refused.1["error"]), (400, &"invalid_grant".into()), "refresh token");
        let device = refresh(&holder.device).replace("client_id=shop", "client_id=tv");
        let refused = holder.shop.token(&self.gate, &device).await;
        assert_eq!(
            (refused.0, &refused.1["error"]),
            (400, &"invalid_grant".into()),
            "the device's refresh token"
        );
        let mut anew = Client::new(self.gate.address);
        assert!(!anew.sign_in("ada", PASSWORD).await.expect("answers"), "nor by the password");
    }
}

/// Zitadel CVE-2023-22492: refresh tokens outlived the lock of their user.
#[tokio::test]
async fn zitadel_cve_2023_22492_disabling_a_person_ends_all_they_hold_at_once() {
    let house = House::new().await;
    let ada = house.ada().await;
    house.gate.cli(&["user", "disable", "ada"]).await;
    house.all_of_it_ended(ada).await;
}

/// The same by deleting the account, and nothing comes back after a restart.
#[tokio::test]
async fn zitadel_cve_2023_22492_deleting_a_person_ends_all_they_hold_at_once() {
    let house = House::new().await;
    let ada = house.ada().await;
    let admin = house.make_key("admin", "gabion:admin").await;
    let bearer = ("authorization", format!("Bearer {admin}"));
    let mut api = Client::new(house.gate.address);
    let request = Request::get("/.gabion/api/v1/users?name=ada").header(bearer.0, &bearer.1);
    let found = json(&api.send(request, Bytes::new()).await.expect("answers"));
    let id = found["items"][0]["id"].as_str().unwrap_or_else(|| panic!("{found}")).to_owned();
    let request = Request::delete(format!("/.gabion/api/v1/users/{id}")).header(bearer.0, &bearer.1);
    let answer = api.send(request, Bytes::new()).await.expect("answers");
    assert_eq!(answer.status(), 204, "{}", text(&answer));
    house.all_of_it_ended(ada).await;
}

/// A service: its key, its own tokens, its certificate, and what streams by each.
#[tokio::test]
async fn zitadel_cve_2023_22492_disabling_a_service_ends_its_key_tokens_certificate_and_streams() {
    let house = House::new().await;
    let gate = &house.gate;
    gate.cli(&["service-account", "add", "bot"]).await;
    let key = house.make_key("bot", "read").await;
    let certificate = format!(":{}:", certificate("bot.internal").await);
    let bearer = format!("Bearer {key}");
    let mut sockets = vec![
        ("API key", house.socket("authorization", &bearer).await),
        ("certificate", house.socket("client-cert", &certificate).await),
    ];
    assert_eq!(house.bearer(&key).await, 200);
    assert_eq!(house.with(&[("client-cert", &certificate)], "/api/x").await, 200);
    gate.cli(&["service-account", "disable", "bot"]).await;
    for (name, socket) in &mut sockets {
        let end = tokio::time::timeout(PATIENCE, socket.next()).await;
        let end = end.unwrap_or_else(|_| panic!("the stream of the {name} goes on"));
        assert!(!matches!(end, Some(Ok(ref message)) if message.is_text()), "{name}: {end:?}");
    }
    assert_eq!(house.bearer(&key).await, 401);
    assert_eq!(house.with(&[("client-cert", &certificate)], "/api/x").await, 401);
}

/// A certificate for a name, as a trusted proxy passes it on (RFC 9440).
async fn certificate(name: &str) -> String {
    let alternative = format!("subjectAltName=DNS:{name}");
    let arguments = [
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
        "-keyout",
        "/dev/null",
        "-subj",
        "/CN=x",
        "-days",
        "2",
        "-addext",
        &alternative,
        "-outform",
        "PEM",
    ];
    let pem = clients::run(clients::program("openssl").args(arguments)).await;
    pem.lines().filter(|line| !line.starts_with("-----")).collect()
}
