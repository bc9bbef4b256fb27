//! The pages behind the real pipeline: every check before and after them, as in the gate.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use axum::body::Body;
use gabion_checks::{Access, Connection, Destination, Pipeline, Route};
use gabion_console::page::CONTENT_POLICY;
use gabion_model::random::SeededRng;
use gabion_vault::jwt::SigningKey;
use http::{Request, Response, StatusCode};
use http_body_util::BodyExt as _;
use tower::ServiceExt as _;

use crate::site::{PASSWORD, Site};

struct Gate {
    site: Site,
    pipeline: Pipeline,
    secure: bool,
}

impl Gate {
    fn new(secure: bool) -> Self {
        let site = Site::new();
        let route = Route::new("/*", Access::SignedIn, "app");
        let parts = gabion_checks::pipeline::Parts {
            sessions: site.service.live_sessions(),
            machines: None,
            shield: None,
            webhooks: Arc::default(),
            keys: gabion_identity::Keyring::of(Arc::new(SigningKey::generate().unwrap())),
            ledger: site.ledger.clone(),
            policies: None,
            resources: None,
            clock: site.clock.clone(),
            rng: Arc::new(SeededRng::new(5)),
            issuer: "https://notes.example".to_owned(),
            https_port: None,
            contracts: Default::default(),
            access_log: None,
            fault_log: None,
            outside: None,
            previous: None,
        };
        let mut settings = gabion_checks::Settings::default();
        settings.redirect_https.mode = gabion_checks::Mode::Off;
        let pipeline = Pipeline::new(&settings, &[route], parts).unwrap();
        Self { site, pipeline, secure }
    }

    /// The answer's head; the body where the pages made it.
    async fn send(&self, request: Request<&'static str>) -> (Response<()>, String) {
        let peer = SocketAddr::from((Ipv4Addr::new(203, 0, 113, 7), 40_000));
        let connection = Connection { peer, local: peer, secure: self.secure };
        let (head, body) = request.into_parts();
        let mut admitted = match self.pipeline.request(connection, head) {
            Ok(admitted) => admitted,
            Err(refused) => {
                let (head, body) = self.pipeline.answer(refused).into_parts();
                return (Response::from_parts(head, ()), String::from_utf8(body.to_vec()).unwrap());
            }
        };
        if admitted.destination != Destination::Local {
            return (Response::new(()), "the application".to_owned());
        }
        let request = Request::from_parts(admitted.head, Body::from(body));
        let (mut head, body) = self.site.router.clone().oneshot(request).await.unwrap().into_parts();
        let replaced = self.pipeline.response(&mut admitted.exchange, &mut head);
        let body = match replaced {
            Some(body) => body,
            None => body.collect().await.unwrap().to_bytes(),
        };
        (Response::from_parts(head, ()), String::from_utf8(body.to_vec()).unwrap())
    }
}

fn browse(path: &str) -> http::request::Builder {
    Request::get(path)
        .header("host", "notes.example")
        .header("accept", "text/html")
        .header("sec-fetch-site", "same-origin")
        .header("sec-fetch-mode", "navigate")
}

fn login() -> http::request::Builder {
    browse("/.gabion/login").method("POST").header("content-type", "application/x-www-form-urlencoded")
}

const RIGHT: &str = "name=ada&password=boulders+in+a+wire+basket&next=%2Fnotes";
const WRONG: &str = "name=ada&password=wrong&next=%2Fnotes";

#[tokio::test]
async fn from_stranger_to_the_application() {
    assert_eq!(PASSWORD, "boulders in a wire basket");
    for (secure, cookie_name) in [(true, "__Host-gabion="), (false, "gabion-dev=")] {
        let gate = Gate::new(secure);
        gate.site.person("ada").await;

        let (answer, _) = gate.send(browse("/notes").body("").unwrap()).await;
        assert_eq!(answer.status(), StatusCode::SEE_OTHER);
        let location = answer.headers()["location"].to_str().unwrap().to_owned();
        assert!(location.starts_with("/.gabion/login?next="), "{location}");
        let (_, page) = gate.send(browse(&location).body("").unwrap()).await;
        assert!(page.contains("name=\"next\" value=\"/notes\""), "{page}");

        let (answer, _) = gate.send(login().body(RIGHT).unwrap()).await;
        assert_eq!(
            (answer.status(), &answer.headers()["location"]),
            (StatusCode::SEE_OTHER, &"/notes".parse().unwrap())
        );
        let cookie = answer.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
        assert!(cookie.starts_with(cookie_name), "{cookie}");

        let (_, body) = gate.send(browse("/notes").header("cookie", &cookie).body("").unwrap()).await;
        assert_eq!(body, "the application");
        let (_, page) =
            gate.send(browse("/.gabion/account").header("cookie", &cookie).body("").unwrap()).await;
        assert!(page.contains("<h1>Your account</h1>") && page.contains("203.0.113.7"), "{page}");
    }
}

/// The checks dress the answer, but do not loosen what the page asks for.
#[tokio::test]
async fn the_pages_headers_survive_the_checks() {
    let gate = Gate::new(true);
    gate.site.person("ada").await;
    let requests = [
        browse("/.gabion/login").body("").unwrap(),
        login().body(WRONG).unwrap(),
        login().body(RIGHT).unwrap(),
    ];
    for request in requests {
        let (answer, _) = gate.send(request).await;
        let one = |name: &str| {
            let values: Vec<_> = answer.headers().get_all(name).iter().collect();
            assert_eq!(values.len(), 1, "{name}: {values:?}");
            values[0].to_str().unwrap().to_owned()
        };
        assert_eq!(one("content-security-policy"), CONTENT_POLICY);
        assert_eq!(one("cache-control"), "no-store");
        assert_eq!(one("x-frame-options"), "DENY");
        assert_eq!(one("referrer-policy"), "strict-origin");
        assert_eq!(one("cross-origin-opener-policy"), "same-origin");
        assert!(one("strict-transport-security").starts_with("max-age="));
        assert!(!one("permissions-policy").is_empty());
    }
}

/// CWE-352, also for the login itself: nobody is signed in as somebody else by another site.
#[tokio::test]
async fn forms_of_other_sites_are_refused() {
    let gate = Gate::new(true);
    gate.site.person("ada").await;
    for (name, value) in
        [("sec-fetch-site", "cross-site"), ("origin", "https://evil.example"), ("origin", "null")]
    {
        let mut request = login().body(RIGHT).unwrap();
        if name == "origin" {
            request.headers_mut().remove("sec-fetch-site");
        }
        request.headers_mut().insert(name, value.parse().unwrap());
        let (answer, _) = gate.send(request).await;
        assert_eq!(answer.status(), StatusCode::FORBIDDEN, "{name}: {value}");
        assert!(!answer.headers().contains_key("set-cookie"));
    }
}

/// CWE-352: no form of an account page works from another site, whoever is signed in.
#[tokio::test]
async fn account_pages_take_no_form_of_another_site() {
    let gate = Gate::new(true);
    gate.site.person("ada").await;
    let (answer, _) = gate.send(login().body(RIGHT).unwrap()).await;
    let cookie = answer.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
    let own = |method: &str, path: &str| method == "POST" && path.starts_with("/.gabion/account/");
    let mut seen = 0;
    for (method, path, _) in
        crate::authorization::ENDPOINTS.iter().filter(|(method, path, _)| own(method, path))
    {
        for (name, value) in [
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-site", "same-site"),
            ("origin", "https://evil.example"),
        ] {
            let mut request = browse(&path.replace(['{', '}'], ""))
                .method(*method)
                .header("cookie", &cookie)
                .header("content-type", "application/x-www-form-urlencoded")
                .body("name=ada&label=x&scopes=x&overlap=0&client=x&email=a@b.example")
                .unwrap();
            if name == "origin" {
                request.headers_mut().remove("sec-fetch-site");
            }
            request.headers_mut().insert(name, value.parse().unwrap());
            let (answer, _) = gate.send(request).await;
            assert_eq!(answer.status(), StatusCode::FORBIDDEN, "{path}: {name}: {value}");
            seen += 1;
        }
    }
    assert!(seen >= 45, "{seen}");
    let (answer, _) = gate.send(browse("/.gabion/account").header("cookie", &cookie).body("").unwrap()).await;
    assert_eq!(answer.status(), StatusCode::OK, "nothing happened to the account");
}

/// RFC 6749, 3.2; Fetch, CORS protocol: a script of any site may ask for tokens with what it holds itself, and
/// never with the person's cookie. The pages stay closed.
#[tokio::test]
async fn the_providers_endpoints_are_open_to_scripts_without_cookies() {
    let gate = Gate::new(true);
    let cross = |method: &str, path: &str| {
        Request::builder()
            .method(method)
            .uri(path)
            .header("host", "notes.example")
            .header("origin", "https://shop.example")
            .header("sec-fetch-site", "cross-site")
            .header("sec-fetch-mode", "cors")
    };
    let allowed = |answer: &Response<()>| answer.headers().get("access-control-allow-origin").cloned();
    for path in ["/.gabion/oauth/token", "/.gabion/oauth/revoke", "/.gabion/oauth/userinfo"] {
        let form = cross("POST", path).header("content-type", "application/x-www-form-urlencoded");
        let (answer, body) = gate.send(form.body("grant_type=refresh_token").unwrap()).await;
        assert_ne!(answer.status(), StatusCode::FORBIDDEN, "{path}: {body}");
        assert_eq!(allowed(&answer), Some("*".parse().unwrap()), "{path}");
        assert!(!answer.headers().contains_key("access-control-allow-credentials"), "{path}");
        let preflight = cross("OPTIONS", path)
            .header("access-control-request-method", "POST")
            .header("access-control-request-headers", "authorization, dpop");
        let (answer, _) = gate.send(preflight.body("").unwrap()).await;
        assert_eq!(answer.status(), StatusCode::NO_CONTENT, "{path}");
        assert_eq!(allowed(&answer), Some("*".parse().unwrap()), "{path}");
        let fields = answer.headers()["access-control-allow-headers"].to_str().unwrap();
        assert!(fields.contains("authorization") && fields.contains("dpop"), "{path}: {fields}");
    }
    for path in ["/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"] {
        let (answer, body) = gate.send(cross("GET", path).body("").unwrap()).await;
        assert_eq!(
            (answer.status(), allowed(&answer)),
            (StatusCode::OK, Some("*".parse().unwrap())),
            "{body}"
        );
    }
    for path in ["/.gabion/oauth/consent", "/.gabion/login"] {
        let form = cross("POST", path).header("content-type", "application/x-www-form-urlencoded");
        let (answer, _) = gate.send(form.body("decision=allow").unwrap()).await;
        assert_eq!((answer.status(), allowed(&answer)), (StatusCode::FORBIDDEN, None), "{path}");
    }
}
