//! Templates in nuclei's format: what they say is sent and matched, what is not understood is refused, and a match that a request
//! for nothing has as well is only tentative.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{get, post};
use gabion_probe::own::template::{is_template, read};
use gabion_probe::{Facts, Own, Report, Verdict, run};

use crate::ground::{Silent, print, world};

type Seen = Arc<Mutex<Vec<String>>>;

/// An application that leaves its configuration about, knows a session, and fetches what it is told.
async fn leaky(seen: Seen) -> (SocketAddr, tokio::task::JoinHandle<()>) {
    let note = |seen: &Seen, text: String| seen.lock().unwrap().push(text);
    let log = Arc::clone(&seen);
    let routes = Router::new()
        .route("/", get(async || Html("<h1>Welcome</h1><a href=\"/about\">about</a>")))
        .route(
            "/config.json",
            get(async || ([(header::CONTENT_TYPE, "application/json")], "{\"db_password\": \"x\"}")),
        )
        .route("/always/{name}", get(async || "db_password everywhere"))
        .route(
            "/token",
            get(async || ([(header::SET_COOKIE, "sid=abc; Path=/")], "<input name=\"t\" value=\"tok123\">")),
        )
        .route(
            "/run",
            post(async |State(seen): State<Seen>, headers: HeaderMap, body: Bytes| {
                let body = String::from_utf8_lossy(&body).into_owned();
                let cookie = headers.get("cookie").and_then(|value| value.to_str().ok()).unwrap_or_default();
                seen.lock().unwrap().push(format!("{cookie} {body}"));
                let done = cookie.contains("sid=abc") && body.contains("t=tok123");
                if done { (StatusCode::OK, "uid=0(root)") } else { (StatusCode::FORBIDDEN, "no") }
                    .into_response()
            }),
        )
        .route(
            "/search",
            get(async |request: Request| {
                let query = request.uri().query().unwrap_or_default().to_owned();
                if query.contains("%27") {
                    Html("SQL syntax error near".to_owned())
                } else {
                    Html("nothing".to_owned())
                }
            }),
        )
        .route("/fetch", get(fetch))
        .with_state(Arc::clone(&log));
    let _ = note;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (address, tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() }))
}

/// Fetches `u`.
async fn fetch(request: Request) -> Response {
    let query = request.uri().query().unwrap_or_default();
    let url = query.strip_prefix("u=http://").unwrap_or_default().to_owned();
    let (authority, path) = url.split_once('/').unwrap_or((&url, ""));
    let Ok(address) = authority.parse::<SocketAddr>() else { return StatusCode::BAD_REQUEST.into_response() };
    let stream = gabion_egress::Dial::dial(&gabion_egress::TcpDial, address).await;
    if let Ok(mut stream) = stream {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        stream.write_all(format!("GET /{path} HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes()).await.unwrap();
        let mut out = Vec::new();
        let _ = stream.read_to_end(&mut out).await;
    }
    "fetched".into_response()
}

async fn with(templates: &[&str]) -> (Report, Seen) {
    let seen = Seen::default();
    let (address, server) = leaky(Arc::clone(&seen)).await;
    let mut own = Own::default();
    for (at, text) in templates.iter().enumerate() {
        assert!(is_template(text));
        own.add(&format!("t{at}.yaml"), text).unwrap();
    }
    let ids: Vec<String> = own.abouts().map(|about| about.id.clone()).collect();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    let mut world = world(if ids.is_empty() { &["none"] } else { &ids });
    world.own = own;
    let mut facts = Facts::of(&format!("http://{address}"));
    facts.limits.rate = 2_000;
    let report = run(facts, &world, &Silent).await.unwrap();
    server.abort();
    print(&report);
    (report, seen)
}

fn verdict(report: &Report, id: &str) -> Option<Verdict> {
    report.outcomes.iter().filter(|outcome| outcome.test == id).map(|outcome| outcome.verdict).max()
}

const CONFIGURATION: &str = r#"
id: leaked-configuration
info:
  name: A configuration is served
  author: somebody
  severity: high
  classification: { cwe-id: CWE-538 }
  tags: config,exposure
http:
  - method: GET
    path:
      - "{{BaseURL}}/nothing.json"
      - "{{BaseURL}}/config.json"
    stop-at-first-match: true
    matchers-condition: and
    matchers:
      - type: word
        words: ["DB_PASSWORD", "db_user"]
        case-insensitive: true
      - type: word
        part: header
        words: ["application/json"]
      - type: status
        status: [200]
      - type: dsl
        dsl: ["len(body) > 5 && !contains(body, 'nothing')", "status_code == 200"]
        condition: and
    extractors:
      - type: json
        json: [".db_password"]
"#;

#[tokio::test]
async fn a_match_is_firm_where_a_request_for_nothing_has_none() {
    let everywhere = CONFIGURATION
        .replace("leaked-configuration", "everywhere")
        .replace("/config.json", "/always/config.json");
    let everywhere = everywhere
        .replace("      - type: word\n        part: header\n        words: [\"application/json\"]\n", "");
    let front = "
id: front
info: { name: The front page, author: x, severity: low }
http:
  - path: ['{{BaseURL}}']
    matchers: [{ type: regex, regex: ['<h1>W[a-z]+'] }]
";
    let absent = CONFIGURATION.replace("leaked-configuration", "absent").replace("config.json", "other.json");
    let (report, _) = with(&[CONFIGURATION, &everywhere, front, &absent]).await;
    assert_eq!(verdict(&report, "leaked-configuration"), Some(Verdict::Firm));
    assert_eq!(verdict(&report, "everywhere"), Some(Verdict::Tentative));
    assert_eq!(verdict(&report, "front"), Some(Verdict::Tentative));
    assert_eq!(verdict(&report, "absent"), Some(Verdict::NotTested));
    let found = report.findings.iter().find(|one| one.about.id == "leaked-configuration").unwrap();
    assert!(found.outcome.operation == "GET /config.json" && found.about.cwe == [538]);
    assert!(found.outcome.proof.as_ref().unwrap().twin.is_some());
    // What is not there has no row.
    assert!(!report.tests.iter().any(|about| about.id == "absent"));
    assert!(report.notes.iter().any(|note| note == "templates: 4 read, 0 refused"));
}

#[tokio::test]
async fn raw_requests_share_cookies_and_what_was_kept() {
    let chain = r#"
id: chain
info: { name: A chain, author: x, severity: critical }
variables:
  file: "{{to_lower('A')}}{{rand_text_alpha(3)}}"
http:
  - raw:
      - |
        GET /token HTTP/1.1
        Host: {{Hostname}}
      - |
        @timeout: 20s
        POST /run HTTP/1.1
        Host: {{Hostname}}
        Content-Type: application/x-www-form-urlencoded

        t={{token}}&f={{file}}&p={{7*7}}
    extractors:
      - { type: regex, name: token, group: 1, internal: true, part: body_1, regex: ['value="([a-z0-9]+)"'] }
    req-condition: true
    matchers:
      - type: dsl
        dsl: ["status_code_1 == 200 && contains(body_2, 'uid=0')"]
"#;
    let (report, seen) = with(&[chain]).await;
    // The twin of the chain's last request asks another path: nothing is there.
    assert_eq!(verdict(&report, "chain"), Some(Verdict::Firm));
    let seen = seen.lock().unwrap();
    assert!(seen[0].starts_with("sid=abc t=tok123&f=a") && seen[0].ends_with("&p={{7*7}}"), "{seen:?}");
}

#[tokio::test]
async fn payloads_are_put_in_and_a_word_is_their_twin() {
    let payloads = r#"
id: payloads
info: { name: Payloads, author: x, severity: high }
http:
  - method: GET
    path: ["{{BaseURL}}/search?q={{quote}}"]
    attack: batteringram
    payloads: { quote: ["a", "%27", "%22"] }
    stop-at-first-match: true
    matchers: [{ type: word, words: ["SQL syntax"] }]
"#;
    let callback = r#"
id: callback
info: { name: It fetches, author: x, severity: high }
http:
  - method: GET
    path: ["{{BaseURL}}/fetch?u=http://{{interactsh-url}}"]
    matchers:
      - { type: word, part: interactsh_protocol, words: ["http"] }
"#;
    let (report, _) = with(&[payloads, callback]).await;
    assert_eq!(verdict(&report, "payloads"), Some(Verdict::Firm));
    assert_eq!(verdict(&report, "callback"), Some(Verdict::Proven));
}

#[tokio::test]
async fn flow_goes_on_while_blocks_match() {
    let flow = r#"
id: flow
info: { name: Flow, author: x, severity: high }
flow: http(1) && http(2)
http:
  - path: ["{{BaseURL}}/WORD"]
    matchers: [{ type: word, words: ["Welcome"], internal: true }]
  - path: ["{{BaseURL}}/config.json"]
    matchers: [{ type: word, words: ["db_password"] }]
"#;
    let goes = flow.replace("WORD", "");
    let stays = flow.replace("WORD", "nothing").replace("id: flow", "id: stays");
    let (report, _) = with(&[&goes, &stays]).await;
    assert_eq!(verdict(&report, "flow"), Some(Verdict::Firm));
    assert_eq!(verdict(&report, "stays"), Some(Verdict::NotTested));
}

#[tokio::test]
async fn nothing_leaves_the_target_and_what_is_refused_is_counted() {
    let away = "
id: away
info: { name: Away, author: x, severity: low }
http:
  - path: ['http://example.com/']
    matchers: [{ type: status, status: [200] }]
";
    let dns = "id: dns\ninfo: { name: D, author: x, severity: low }\ndns:\n  - name: '{{FQDN}}'\n";
    let (report, _) = with(&[away, dns]).await;
    assert_eq!(verdict(&report, "away"), Some(Verdict::NotTested));
    assert!(report.notes.iter().any(|note| note == "templates: 1 read, 1 refused"));
    assert!(
        report.notes.iter().any(|note| note.contains("`t1.yaml` is refused: the protocol `dns` is not read"))
    );
}

#[test]
fn what_is_not_understood_is_refused_by_name() {
    let head = "id: a\ninfo: { name: A, author: x, severity: low }\n";
    let status = "matchers: [{ type: status, status: [200] }]";
    for (rest, why) in [
        ("ssl: []\n".to_owned(), "the protocol `ssl`"),
        ("unknown: 1\n".to_owned(), "the key `unknown`"),
        ("self-contained: true\nhttp: [{ path: ['{{BaseURL}}'] }]\n".to_owned(), "self-contained"),
        ("http: []\n".to_owned(), "between 1"),
        ("http: [{ path: ['{{BaseURL}}'] }]\n".to_owned(), "matches nothing"),
        (
            format!("http: [{{ path: ['{{{{BaseURL}}}}'], fuzzing: [], {status} }}]\n"),
            "`http[0]`: the key `fuzzing`",
        ),
        (format!("http: [{{ path: ['{{{{BaseURL}}}}'], race: true, {status} }}]\n"), "the key `race`"),
        (
            "http: [{ path: ['/'], matchers: [{ type: xpath, xpath: ['/a'] }] }]\n".to_owned(),
            "the type `xpath`",
        ),
        (
            "http: [{ path: ['/'], matchers: [{ type: dsl, dsl: ['aes_cbc(body)'] }] }]\n".to_owned(),
            "no function `aes_cbc`",
        ),
        (
            "http: [{ path: ['/'], matchers: [{ type: regex, regex: ['(?=a)'] }] }]\n".to_owned(),
            "is no pattern",
        ),
        (
            format!("http: [{{ path: ['/'], payloads: {{ a: list.txt }}, {status} }}]\n"),
            "stand in another file",
        ),
        (format!("flow: 'for (x of y) http(1)'\nhttp: [{{ path: ['/'], {status} }}]\n"), "is a program"),
        (
            "http: [{ raw: ['@Host: other\nGET / HTTP/1.1'], matchers: [{ type: status, status: [1] }] }]\n"
                .to_owned(),
            "`@host`",
        ),
    ] {
        let text = format!("{head}{rest}");
        let refused = read("a.yaml", &text).unwrap_err();
        assert!(refused.to_string().contains(why), "{rest}: {refused}");
    }
    assert!(read("a.yaml", &"a: [".repeat(100_000)).is_err());
    assert!(read("a.yaml", &"x".repeat(1 << 20)).is_err());
    let dos = format!(
        "{}http: [{{ path: ['/'], {status} }}]\n",
        head.replace("severity: low", "severity: low, tags: 'cve,dos'")
    );
    assert!(read("a.yaml", &dos).unwrap_err().why.contains("`dos`"));
}

#[test]
fn functions_in_what_is_sent_must_be_there_and_time_is_read() {
    let text = "id: a\ninfo: { name: A, author: x, severity: low }\nhttp:\n  - raw: ['GET /{{gadget(1)}} HTTP/1.1']\n    \
                matchers: [{ type: dsl, dsl: ['duration >= 5'] }]\n";
    assert!(read("a.yaml", text).unwrap_err().why.contains("no function `gadget`"));
    assert!(read("a.yaml", &text.replace("gadget", "md5")).is_ok());
    let filled = text.replace("gadget", "md5").replace("duration >= 5", "contains(body, \"{{nobody(1)}}\")");
    assert!(read("a.yaml", &filled).unwrap_err().why.contains("no function `nobody`"));
}
