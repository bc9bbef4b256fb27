//! What applications answer, and what reaches people of it: redirects, secrets, markup. GraphQL in front of a real
//! server.

use std::net::SocketAddr;
use std::process::Stdio;

use bytes::Bytes;
use http::{Request, StatusCode};
use serde_json::json;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::process::Child;

use crate::client::{Client, percent_encode, text};
use crate::clients::node;
use crate::gate::{Gate, PATIENCE};

/// A server of `e2e/clients`, until it is dropped.
struct Server {
    address: SocketAddr,
    _process: Child,
}

async fn serve(script: &str) -> Server {
    let mut process = node(script, &[]).stdout(Stdio::piped()).spawn().expect("node runs");
    let mut lines = BufReader::new(process.stdout.take().expect("a pipe")).lines();
    let line = tokio::time::timeout(PATIENCE, lines.next_line()).await.expect("in time").expect("reads");
    let line = line.unwrap_or_default();
    let address = line.strip_prefix("listening ").and_then(|address| address.parse().ok());
    Server { address: address.unwrap_or_else(|| panic!("{script} said {line:?}")), _process: process }
}

async fn get(address: SocketAddr, path: &str) -> (StatusCode, String) {
    let answer = Client::new(address).get(path).await.expect("answers");
    (answer.status(), text(&answer))
}

async fn graphql(address: SocketAddr, kind: &str, path: &str, body: String) -> (StatusCode, String) {
    let request = Request::post(path).header("content-type", kind).header("accept", "application/json");
    let answer = Client::new(address).send(request, Bytes::from(body)).await.expect("answers");
    (answer.status(), text(&answer))
}

/// Sends a request as it is written; the first line of the answer.
async fn first_line(address: SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(address).await.expect("the gate listens");
    stream.write_all(request.as_bytes()).await.expect("the gate reads");
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line).await.expect("the gate answers");
    line
}

const GRAPHQL: &str =
    "[[routes]]\npath = \"/graphql\"\naccess = \"public\"\nupstream = \"app\"\ngraphql = { depth = 5 }\n";

#[tokio::test]
async fn graphql_abuses_do_not_reach_the_server() {
    let server = serve("graphql_server.mjs").await;
    let gate = Gate::start_with(server.address, GRAPHQL).await;
    let ask = async |text: &str| {
        graphql(gate.address, "application/json", "/graphql", json!({ "query": text }).to_string()).await
    };
    let (status, said) = ask("{ me { name friends(first: 2) { name } } }").await;
    assert_eq!((status, said.contains("alice")), (StatusCode::OK, true), "{said}");
    let (status, said) = ask("mutation { rename(name: \"bob\") { name } }").await;
    assert_eq!((status, said.contains("bob")), (StatusCode::OK, true), "{said}");
    let query = percent_encode("{ me { name } }");
    assert_eq!(get(gate.address, &format!("/graphql?query={query}")).await.0, StatusCode::OK);

    // The server itself suggests names; through the gate it does not.
    let wrong = json!({ "query": "{ mee { name } }" }).to_string();
    let (_, direct) = graphql(server.address, "application/json", "/graphql", wrong.clone()).await;
    assert!(direct.contains("Did you mean"), "{direct}");
    let (_, said) = graphql(gate.address, "application/json", "/graphql", wrong).await;
    assert!(said.contains("Cannot query field") && !said.contains("Did you mean"), "{said}");

    let deep = format!("{{ me {} name {} }}", "{ friends ".repeat(8) + "{", "}".repeat(9));
    let aliases: String = (0..40).map(|index| format!("a{index}: me {{ id }} ")).collect();
    let by_fragments = "{ me { ...A } } fragment A on User { friends { ...B } } fragment B on User { friends { friends \
        { friends { friends { name } } } } }";
    let cycle = "{ me { ...A } } fragment A on User { friends { ...A } }";
    let rows = [
        (deep.as_str(), 400),
        (by_fragments, 400),
        (cycle, 400),
        (&format!("{{ {aliases} }}"), 400),
        (&format!("{{ me {{ name {} }} }}", "@include(if: true) ".repeat(40)), 400),
        ("{ users(first: 1000) { friends(first: 1000) { name } } }", 400),
        ("{ __schema { types { name } } }", 403),
        ("query A { me { name } } query B { __type(name: \"User\") { name } }", 403),
        (&format!("{{ me {{ {} }} }}", "name ".repeat(2_000)), 400),
    ];
    for (query, expected) in rows {
        let (status, said) = ask(query).await;
        assert_eq!(status.as_u16(), expected, "{query}: {said}");
        assert!(!said.contains("friends"), "nothing of the request is repeated: {said}");
    }
    let batch = json!([{ "query": "{ me { name } }" }, { "query": "{ me { name } }" }]).to_string();
    let twice = r#"{"query":"{ me { name } }","query":"{ __schema { types { name } } }"}"#.to_owned();
    let good = json!({ "query": "{ me { name } }" }).to_string();
    let multipart =
        "--x\r\nContent-Disposition: form-data; name=\"operations\"\r\n\r\n{}\r\n--x--\r\n".to_owned();
    let stored =
        json!({ "extensions": { "persistedQuery": { "version": 1, "sha256Hash": "a" } } }).to_string();
    let mutation = percent_encode("mutation { rename(name: \"bob\") { name } }");
    for (kind, path, body, expected) in [
        ("application/json", "/graphql", batch, 400),
        ("application/json", "/graphql", twice, 400),
        ("application/json", "/graphql", stored, 400),
        ("application/json", "/graphql?query=%7Bme%7Bid%7D%7D", good.clone(), 400),
        ("text/plain", "/graphql", good.clone(), 415),
        ("application/graphql", "/graphql", "{ me { name } }".to_owned(), 415),
        ("multipart/form-data; boundary=x", "/graphql", multipart, 415),
        ("application/json", "/graphql", good.repeat(4_000), 413),
    ] {
        let (status, said) = graphql(gate.address, kind, path, body).await;
        assert_eq!(status.as_u16(), expected, "{kind} {path}: {said}");
    }
    assert_eq!(
        get(gate.address, &format!("/graphql?query={mutation}")).await.0,
        StatusCode::METHOD_NOT_ALLOWED
    );
    // A socket in which nobody would look at what is asked, and a body where none is looked for.
    let query = percent_encode("{ me { name } }");
    for protocol in ["graphql-transport-ws", "graphql-ws"] {
        let head = format!(
            "GET /graphql?query={query} HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
             sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
             sec-websocket-protocol: {protocol}\r\norigin: http://{}\r\n\r\n",
            gate.address
        );
        assert!(first_line(gate.address, &head).await.contains(" 403 "), "{protocol}");
    }
    let head = format!(
        "GET /graphql?query={query} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n\
         content-length: 2\r\nconnection: close\r\n\r\n{{}}"
    );
    assert!(first_line(gate.address, &head).await.contains(" 400 "));
    let (_, executed) = get(gate.address, "/public/executed").await;
    assert_eq!(executed, "3", "only what passed was executed");
}

const ANSWERS: &str = "[checks.redirects]\nmode = \"enforce\"\ntargets = [\"https://pay.example\"]\n\n\
    [checks.leaks]\nmode = \"enforce\"\n\n\
    [[routes]]\npath = \"/public/invoice\"\naccess = \"public\"\nupstream = \"app\"\nleaks_allowed = [\"iban\"]\n";

#[tokio::test]
async fn redirects_leave_the_site_only_for_listed_targets() {
    let server = serve("answers_server.mjs").await;
    let gate = Gate::start_with(server.address, ANSWERS).await;
    let own = format!("http://{}/public/x", gate.address);
    for (to, expected) in [
        ("/public/x", 302),
        (own.as_str(), 302),
        ("https://pay.example/pay?order=1", 302),
        ("https://evil.example", 502),
        ("//evil.example", 502),
        ("/\\evil.example", 502),
        ("https:evil.example", 502),
        ("https://pay.example@evil.example", 502),
        ("javascript:alert(1)", 502),
    ] {
        let (status, said) = get(gate.address, &format!("/public/go?to={}", percent_encode(to))).await;
        assert_eq!(status.as_u16(), expected, "{to}");
        assert!(!said.contains("evil.example"), "{said}");
    }
    let refresh = |to: &str| format!("/public/refresh?to={}", percent_encode(to));
    assert_eq!(get(gate.address, &refresh("/public/x")).await.0, StatusCode::OK);
    assert_eq!(get(gate.address, &refresh("https://evil.example")).await.0, StatusCode::BAD_GATEWAY);
}

#[tokio::test]
async fn numbers_of_cards_do_not_leave_and_accounts_only_where_they_belong() {
    let server = serve("answers_server.mjs").await;
    let gate = Gate::start_with(server.address, ANSWERS).await;
    let (status, said) = get(gate.address, "/public/card").await;
    assert_eq!(status, StatusCode::BAD_GATEWAY, "in two pieces too");
    assert!(!said.contains("4242"), "{said}");
    assert_eq!(get(gate.address, "/public/invoice").await.0, StatusCode::OK);

    let masking = ANSWERS.replace("mode = \"enforce\"\n\n[[", "mode = \"enforce\"\naction = \"mask\"\n\n[[");
    let gate = Gate::start_with(server.address, &masking).await;
    let (status, said) = get(gate.address, "/public/card").await;
    assert_eq!((status, said.as_str()), (StatusCode::OK, "<p>**** **** **** 4242</p>"));
}

const MARKUP: &str = "[[routes]]\npath = \"/public/comment\"\naccess = \"public\"\nupstream = \"app\"\n\
    sanitise = { pointers = [\"/list/*/html\"] }\n\n\
    [[routes]]\npath = \"/public/fragment\"\naccess = \"public\"\nupstream = \"app\"\nsanitise = { html = true }\n";

#[tokio::test]
async fn markup_of_people_leaves_cleaned_where_a_route_says_that_it_is_some() {
    let server = serve("answers_server.mjs").await;
    let gate = Gate::start_with(server.address, MARKUP).await;
    let (status, said) = get(gate.address, "/public/fragment").await;
    assert_eq!(
        (status, said.as_str()),
        (StatusCode::OK, "<p>hi <a rel=\"noopener noreferrer\">there</a></p>")
    );
    let (status, said) = get(gate.address, "/public/comment").await;
    let expected = r#"{"id":"12345678901234567890","list":[{"html":"<b>hi</b>"}]}"#;
    assert_eq!((status, said.as_str()), (StatusCode::OK, expected));
}
