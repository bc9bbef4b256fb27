//! An application that lets people sign in here, through the real binary: the code flow with PKCE, consent,
//! refresh, userinfo, introspection, and what a restart and a disabled account leave of it.

use bytes::Bytes;
use http::{Request, header};
use serde_json::Value;

use crate::application::Application;
use crate::client::{Answer, Client, percent_encode, text};
use crate::gate::Gate;

pub(crate) const PASSWORD: &str = "boulders in a wire basket";
/// RFC 7636, appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
const CALLBACK: &str = "https://shop.example/cb";

/// The application: it has no cookies and knows the gate by its discovery document.
pub(crate) struct Shop {
    metadata: Value,
}

impl Shop {
    pub(crate) async fn register(gate: &Gate) -> Self {
        let callback = ["--redirect-uri", CALLBACK];
        let grants = ["--grant", "authorization_code", "--grant", "refresh_token"];
        let scopes = ["--scope", "openid", "--scope", "profile", "--scope", "offline_access"];
        let mut arguments = vec!["client", "add", "The shop", "--id", "shop", "--public"];
        arguments.extend(callback.iter().chain(&grants).chain(&scopes));
        gate.cli(&arguments).await;
        let mut anybody = Client::new(gate.address);
        let answer = anybody.get("/.well-known/openid-configuration").await.expect("answers");
        Self { metadata: json(&answer) }
    }

    pub(crate) fn endpoint(&self, name: &str) -> String {
        let address = self.metadata[name].as_str().unwrap_or_else(|| panic!("no {name}"));
        let issuer = self.metadata["issuer"].as_str().expect("an issuer");
        address.strip_prefix(issuer).expect("at the issuer").to_owned()
    }

    /// Where the application sends a browser.
    pub(crate) fn sign_in(&self, scope: &str) -> String {
        format!(
            "{}?client_id=shop&redirect_uri={}&response_type=code&scope={scope}&state=s&nonce=n\
             &code_challenge={CHALLENGE}&code_challenge_method=S256",
            self.endpoint("authorization_endpoint"),
            percent_encode(CALLBACK)
        )
    }

    pub(crate) async fn token(&self, gate: &Gate, form: &str) -> (u16, Value) {
        let request = Request::post(self.endpoint("token_endpoint"))
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header("origin", "https://shop.example")
            .header("sec-fetch-site", "cross-site")
            .header("sec-fetch-mode", "cors");
        let mut client = Client::new(gate.address);
        let answer = client.send(request, Bytes::from(form.to_owned())).await.expect("answers");
        let allowed = answer.headers().get("access-control-allow-origin").map(http::HeaderValue::as_bytes);
        assert_eq!(allowed, Some(&b"*"[..]), "scripts of other sites may read the answer");
        assert_eq!(answer.headers()[header::CACHE_CONTROL], "no-store");
        (answer.status().as_u16(), json(&answer))
    }

    /// Tokens for somebody who is signed in and says yes.
    pub(crate) async fn grant(&self, gate: &Gate, person: &mut Client, scope: &str) -> Value {
        let mut page = person.navigate(&self.sign_in(scope)).await.expect("answers");
        while page.status() == 303 {
            let next = location(&page);
            assert!(next.starts_with("/.gabion/oauth/"), "{next}");
            page = person.navigate(&next).await.expect("answers");
        }
        let page = text(&page);
        let fields =
            [("flow", input(&page, "flow")), ("session", input(&page, "session")), ("decision", "allow")];
        let back = location(&person.submit("/.gabion/oauth/consent", &fields).await.expect("answers"));
        assert!(back.starts_with(CALLBACK), "{back}");
        let (status, tokens) = self.token(gate, &exchange(parameter(&back, "code"))).await;
        assert_eq!(status, 200, "{tokens}");
        tokens
    }

    pub(crate) async fn userinfo(&self, gate: &Gate, tokens: &Value) -> (u16, String) {
        let token = tokens["access_token"].as_str().expect("a token");
        let request = Request::get(self.endpoint("userinfo_endpoint"))
            .header(header::AUTHORIZATION, format!("Bearer {token}"));
        let answer = Client::new(gate.address).send(request, Bytes::new()).await.expect("answers");
        (answer.status().as_u16(), text(&answer))
    }
}

pub(crate) fn json(answer: &Answer) -> Value {
    serde_json::from_slice(answer.body()).unwrap_or_else(|_| panic!("no JSON: {}", text(answer)))
}

fn location(answer: &Answer) -> String {
    assert_eq!(answer.status(), 303, "{}", text(answer));
    answer.headers()[header::LOCATION].to_str().expect("text").to_owned()
}

fn input<'a>(page: &'a str, name: &str) -> &'a str {
    let start = format!("name=\"{name}\" value=\"");
    let (_, rest) = page.split_once(&start).unwrap_or_else(|| panic!("no {name} in {page}"));
    rest.split('"').next().expect("a value")
}

fn parameter<'a>(location: &'a str, name: &str) -> &'a str {
    let (_, query) = location.split_once('?').expect("a query");
    query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('=')).unwrap_or_default()
}

fn exchange(code: &str) -> String {
    format!(
        "grant_type=authorization_code&client_id=shop&code={code}&redirect_uri={}&code_verifier={VERIFIER}",
        percent_encode(CALLBACK)
    )
}

pub(crate) fn refresh(tokens: &Value) -> String {
    let token = tokens["refresh_token"].as_str().expect("a refresh token");
    format!("grant_type=refresh_token&client_id=shop&refresh_token={token}")
}

#[tokio::test]
async fn an_application_signs_people_in() {
    let application = Application::start().await;
    let gate = Gate::start_with(application.address, "").await;
    gate.accept(&gate.administrator_link().await, PASSWORD).await;
    gate.add_account("alice", PASSWORD).await;
    let shop = Shop::register(&gate).await;

    // The application sends the browser; the person signs in and is asked.
    let mut alice = Client::new(gate.address);
    let login =
        location(&alice.navigate(&shop.sign_in("openid%20profile%20offline_access")).await.expect("answers"));
    assert!(login.starts_with("/.gabion/login?next="), "{login}");
    let next = parameter(&login, "next").replace("%2F", "/").replace("%3F", "?").replace("%3D", "=");
    assert!(alice.sign_in("alice", PASSWORD).await.expect("answers"));
    let page = alice.navigate(&next).await.expect("answers");
    let policy = page.headers()["content-security-policy"].to_str().expect("text").to_owned();
    assert!(policy.contains("form-action 'self' https://shop.example;"), "{policy}");
    let page = text(&page);
    assert!(page.contains("The shop") && page.contains("Stay connected"), "{page}");
    let fields =
        [("flow", input(&page, "flow")), ("session", input(&page, "session")), ("decision", "allow")];
    let back = location(&alice.submit("/.gabion/oauth/consent", &fields).await.expect("answers"));
    assert!(back.starts_with(CALLBACK) && parameter(&back, "state") == "s", "{back}");
    assert_eq!(parameter(&back, "iss"), percent_encode_issuer(&shop));

    // The application exchanges the code, once.
    let code = parameter(&back, "code").to_owned();
    let (status, tokens) = shop.token(&gate, &exchange(&code)).await;
    assert_eq!(status, 200, "{tokens}");
    let (status, claims) = shop.userinfo(&gate, &tokens).await;
    assert!(status == 200 && claims.contains("alice"), "{claims}");
    let (status, refreshed) = shop.token(&gate, &refresh(&tokens)).await;
    assert_eq!(status, 200, "{refreshed}");
    let (_, again) = shop.token(&gate, &refresh(&tokens)).await;
    assert_eq!(again, refreshed, "the answer that was lost on the way, once more");

    // What was granted outlives the gate's restart; what ended does not come back.
    let gate = gate.terminate().await.start_again().await;
    let (status, tokens) = shop.token(&gate, &refresh(&refreshed)).await;
    assert_eq!(status, 200, "{tokens}");
    let (status, reused) = shop.token(&gate, &exchange(&code)).await;
    assert_eq!((status, &reused["error"]), (400, &"invalid_grant".into()));
    let (status, _) = shop.userinfo(&gate, &tokens).await;
    assert_eq!(status, 401, "a code that came twice ends everything made from it");

    // Allowed once, nobody is asked again; a disabled account ends it all.
    let back = location(&alice_again(&gate).await.navigate(&shop.sign_in("openid")).await.expect("answers"));
    let (status, tokens) = shop.token(&gate, &exchange(parameter(&back, "code"))).await;
    assert_eq!(status, 200, "{tokens}");
    gate.cli(&["user", "disable", "alice"]).await;
    assert_eq!(shop.userinfo(&gate, &tokens).await.0, 401);
    assert_eq!(shop.token(&gate, &refresh(&tokens)).await.0, 400);
}

async fn alice_again(gate: &Gate) -> Client {
    let mut alice = Client::new(gate.address);
    assert!(alice.sign_in("alice", PASSWORD).await.expect("answers"));
    alice
}

fn percent_encode_issuer(shop: &Shop) -> String {
    let issuer = shop.metadata["issuer"].as_str().expect("an issuer");
    percent_encode(issuer).replace("%2E", ".").replace("%2D", "-")
}

/// identity.md 2, 9 on the durable store: what logs people out elsewhere does not here, and what must end does.
#[tokio::test]
async fn a_hundred_parallel_refreshes_log_nobody_out_and_a_replay_by_another_client_ends_the_family() {
    let application = Application::start().await;
    let gate = Gate::start_with(application.address, "").await;
    gate.add_account("alice", PASSWORD).await;
    let shop = Shop::register(&gate).await;
    let blog = ["client", "add", "The blog", "--id", "blog", "--public", "--redirect-uri", CALLBACK];
    gate.cli(&[&blog[..], &["--grant", "authorization_code", "--grant", "refresh_token"]].concat()).await;
    let mut alice = alice_again(&gate).await;
    let mut tokens = shop.grant(&gate, &mut alice, "openid%20offline_access").await;
    for _ in 0..2 {
        let form = refresh(&tokens);
        let answers = futures_util::future::join_all((0..100).map(|_| shop.token(&gate, &form))).await;
        for (status, answer) in &answers {
            assert_eq!((*status, answer), (200, &answers[0].1), "the very same answer for all");
        }
        assert_eq!(shop.userinfo(&gate, &answers[0].1).await.0, 200);
        assert_ne!(answers[0].1["refresh_token"], tokens["refresh_token"]);
        tokens = answers[0].1.clone();
    }
    let gate = gate.terminate().await.start_again().await;
    let stolen = refresh(&tokens).replace("client_id=shop", "client_id=blog");
    let (status, refused) = shop.token(&gate, &stolen).await;
    assert_eq!((status, &refused["error"]), (400, &"invalid_grant".into()));
    let (status, refused) = shop.token(&gate, &refresh(&tokens)).await;
    assert_eq!((status, &refused["error"]), (400, &"invalid_grant".into()), "the owner's is dead with it");
    assert_eq!(shop.userinfo(&gate, &tokens).await.0, 401);
    let gate = gate.kill().await.start_again().await;
    assert_eq!(shop.token(&gate, &refresh(&tokens)).await.0, 400, "and stays so");
}
