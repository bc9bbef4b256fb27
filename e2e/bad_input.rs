//! Input that is made to be read in two ways, through the whole gate: every row of docs/guides/contracts.md, "Bad input".

use std::net::SocketAddr;
use std::process::Stdio;

use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Child;

use crate::client::raw;
use crate::clients::node;
use crate::gate::{Gate, PATIENCE, command};

const CONTRACT: &str = r##"openapi: 3.1.0
info: { title: Bad input, version: '1' }
servers: [ { url: /api } ]
paths:
  /tree: { post: { requestBody: { required: true, content: { application/json: { schema: { $ref: '#/components/schemas/Node' } } } }, responses: {} } }
  /code:
    post:
      requestBody: { required: true, content: { application/json: { schema: { type: object, properties: { code: { type: string, pattern: '^(a+)+$', maxLength: 60000 } } } } } }
      responses: {}
  /number:
    post:
      requestBody: { required: true, content: { application/json: { schema: { type: object, properties: { n: { type: integer, maximum: 9007199254740992 } } } } } }
      responses: {}
  /text:
    post:
      requestBody: { required: true, content: { application/json: { schema: { type: object, properties: { text: { type: string, maxLength: 9 } } } } } }
      responses: {}
  /any: { post: { requestBody: { required: true, content: { application/json: { schema: {} } } }, responses: {} } }
  /form:
    post:
      requestBody: { required: true, content: { application/x-www-form-urlencoded: { schema: { type: object, properties: { name: { type: string } } } } } }
      responses: {}
  /file:
    post:
      requestBody: { required: true, content: { multipart/form-data: { schema: { type: object, properties: { title: { type: string }, file: { type: string, format: binary } } } } } }
      responses: {}
  /list:
    get:
      parameters:
        - { name: page, in: query, schema: { type: integer } }
        - { name: q, in: query, schema: { type: string } }
        - { name: X-Trace, in: header, schema: { type: string, pattern: '^[a-z]+$' } }
        - { name: theme, in: cookie, schema: { type: string, enum: [dark, light] } }
      responses: {}
components:
  schemas:
    Node: { type: object, properties: { name: { type: string }, children: { type: array, items: { $ref: '#/components/schemas/Node' } } } }
"##;

/// The application, the folder of the contract, and the gate. The application answers 404 with `{}` to all it gets.
async fn setting() -> (Child, TempDir, Gate) {
    let mut application = node("accounts.mjs", &[]).stdout(Stdio::piped()).spawn().expect("node runs");
    let mut lines = BufReader::new(application.stdout.take().expect("a pipe")).lines();
    let line = tokio::time::timeout(PATIENCE, lines.next_line()).await.expect("in time");
    let port: u16 = line.expect("readable").expect("a line").trim().parse().expect("a port");
    let folder = TempDir::new().expect("a temporary directory");
    let file = folder.path().join("bad.yaml");
    std::fs::write(&file, CONTRACT).expect("the contract is written");
    let more = format!(
        "[contracts.bad]\nfile = {file:?}\nanswers = \"off\"\n\n[[routes]]\npath = \"/api/*\"\naccess = \"public\"\n\
         upstream = \"app\"\ncontract = \"bad\"\ncsrf_off = \"for programs\"\n"
    );
    let gate = Gate::start_with(SocketAddr::from(([127, 0, 0, 1], port)), &more).await;
    (application, folder, gate)
}

/// The status, 0 where the application got it, and the answer.
async fn send(gate: &Gate, head: &str, fields: &[&[u8]], body: &[u8]) -> (u16, String) {
    let mut bytes = format!("{head} HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n").into_bytes();
    for field in fields {
        bytes.extend_from_slice(field);
        bytes.extend_from_slice(b"\r\n");
    }
    if !head.starts_with("GET") {
        bytes.extend_from_slice(format!("content-length: {}\r\n", body.len()).as_bytes());
    }
    bytes.extend_from_slice(b"\r\n");
    bytes.extend_from_slice(body);
    let answer = raw(gate.address, &bytes).await;
    let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(999);
    let passed = status == 404 && answer.trim_end().ends_with("{}");
    (if passed { 0 } else { status }, answer)
}

#[tokio::test]
async fn each_has_its_answer() {
    let (_application, _folder, gate) = setting().await;
    let json: &[u8] = b"content-type: application/json";
    let nested = |levels: usize| {
        format!("{}{{}}{}", r#"{"children":["#.repeat(levels), "]}".repeat(levels)).into_bytes()
    };
    let deep = [vec![b'['; 100_000], vec![b']'; 100_000]].concat();
    let slow = format!(r#"{{"code":"{}!"}}"#, "a".repeat(50_000)).into_bytes();
    let rows: Vec<(&str, &str, Vec<u8>, u16)> = vec![
        // Schemas that refer to themselves.
        ("a tree", "/api/tree", nested(3), 0),
        (
            "a leaf that nobody named",
            "/api/tree",
            br#"{"children":[{"children":[{"admin":true}]}]}"#.to_vec(),
            400,
        ),
        ("a tree without an end", "/api/tree", nested(4_000), 400),
        ("deep nesting where any value will do", "/api/any", deep, 400),
        // Regular expressions.
        ("an expression that explodes elsewhere", "/api/code", slow, 400),
        ("the same with what fits", "/api/code", br#"{"code":"aaaa"}"#.to_vec(), 0),
        // Numbers.
        ("2^53", "/api/number", br#"{"n":9007199254740992}"#.to_vec(), 0),
        ("2^53 + 1, which a double rounds down", "/api/number", br#"{"n":9007199254740993}"#.to_vec(), 400),
        ("the same with a fraction", "/api/number", br#"{"n":9007199254740992.5}"#.to_vec(), 400),
        ("infinite as a double", "/api/number", br#"{"n":1e400}"#.to_vec(), 400),
        ("an exponent without an end", "/api/number", br#"{"n":1e99999999999999}"#.to_vec(), 400),
        ("not a number", "/api/number", br#"{"n":NaN}"#.to_vec(), 400),
        ("octal", "/api/number", br#"{"n":0017}"#.to_vec(), 400),
        // Names.
        ("a name twice", "/api/text", br#"{"text":"a","text":"b"}"#.to_vec(), 400),
        ("the same, escaped", "/api/text", br#"{"text":"a","te\u0078t":"b"}"#.to_vec(), 400),
        ("a comment", "/api/text", br#"{"text":"a"/*,"text":"b"*/}"#.to_vec(), 400),
        ("more after the end", "/api/text", br#"{"text":"a"}{"text":"b"}"#.to_vec(), 400),
        // Characters.
        ("half a surrogate pair", "/api/text", br#"{"text":"\ud83d"}"#.to_vec(), 400),
        ("its halves turned round", "/api/text", br#"{"text":"\ude00\ud83d"}"#.to_vec(), 400),
        ("a whole pair", "/api/text", br#"{"text":"\ud83d\ude00"}"#.to_vec(), 0),
        ("a byte order mark", "/api/text", b"\xef\xbb\xbf{\"text\":\"a\"}".to_vec(), 400),
        ("bytes of another charset", "/api/text", b"{\"text\":\"\xe9\"}".to_vec(), 400),
        ("an overlong form", "/api/text", b"{\"text\":\"\xc0\xaf\"}".to_vec(), 400),
        ("UTF-16", "/api/text", b"\xff\xfe{\0}\0".to_vec(), 400),
    ];
    for (what, path, body, expected) in rows {
        let (status, answer) = send(&gate, &format!("POST {path}"), &[json], &body).await;
        assert_eq!(status, expected, "{what}: {answer}");
    }
    for (charset, expected) in [
        ("charset=utf-8", 0),
        ("charset=\"UTF-8\"", 0),
        ("charset=utf-16", 415),
        ("charset=utf-7", 415),
        ("charset=iso-8859-1", 415),
        ("charset=utf-8; charset=utf-7", 415),
        ("charset=utf-8, text/plain", 415),
    ] {
        let field = format!("content-type: application/json; {charset}");
        let (status, answer) = send(&gate, "POST /api/text", &[field.as_bytes()], b"{\"text\":\"a\"}").await;
        assert_eq!(status, expected, "{charset}: {answer}");
    }
    let twice: [&[u8]; 2] = [json, b"content-type: text/plain"];
    let (status, answer) = send(&gate, "POST /api/text", &twice, b"{\"text\":\"a\"}").await;
    assert_eq!(status, 400, "two content types: {answer}");
}

#[tokio::test]
async fn parameters_have_one_reading() {
    let (_application, _folder, gate) = setting().await;
    for (target, expected) in [
        ("/api/list?page=1&q=a%3Bb", 0),
        ("/api/list?page=1&page=2", 400),
        ("/api/list?page=1;page=2", 400),
        ("/api/list?q=a;page=2", 400),
        ("/api/list?page[]=1", 400),
        ("/api/list?page%5B%5D=1", 400),
        ("/api/list?Page=1", 400),
        ("/api/list?%70age=1&page=2", 400),
        ("/api/list?q=%ff", 400),
        ("/api/list?q=%", 400),
        ("/api/list?q=%c0%af", 400),
        ("/api/list/", 404),
        ("/api//list", 404),
        ("/api/LIST", 404),
        ("/api/%6Cist", 0),
        ("/api/x/../list", 400),
        ("/api/list%2f", 400),
        ("/api/list;page=1", 404),
    ] {
        let (status, answer) = send(&gate, &format!("GET {target}"), &[], b"").await;
        assert_eq!(status, expected, "{target}: {answer}");
    }
    let fields: [(&[&[u8]], u16); 8] = [
        (&[b"x-trace: abc"], 0),
        (&[b"x-trace: ABC"], 400),
        (&[b"x-trace: abc", b"x-trace: def"], 400),
        (&[b"cookie: theme=dark"], 0),
        (&[b"cookie: theme=planted"], 400),
        (&[b"cookie: theme=dark; theme=light"], 400),
        (&[b"cookie: theme=dark", b"cookie: theme=light"], 400),
        (&[b"cookie: theme=planted\xff"], 400),
    ];
    for (fields, expected) in fields {
        let (status, answer) = send(&gate, "GET /api/list", fields, b"").await;
        let told: Vec<_> = fields.iter().map(|field| String::from_utf8_lossy(field)).collect();
        assert_eq!(status, expected, "{told:?}: {answer}");
    }
    let form: &[u8] = b"content-type: application/x-www-form-urlencoded";
    for (body, expected) in [
        ("name=a", 0),
        ("name=a&name=b", 400),
        ("name=a;name=b", 400),
        ("name[]=a", 400),
        ("name=%ff", 400),
        ("name=a&admin=1", 400),
        ("Name=a", 400),
    ] {
        let (status, answer) = send(&gate, "POST /api/form", &[form], body.as_bytes()).await;
        assert_eq!(status, expected, "{body}: {answer}");
    }
}

#[tokio::test]
async fn multipart_has_one_reading() {
    let (_application, _folder, gate) = setting().await;
    let part = |disposition: &str, more: &str, value: &str| {
        format!("--b\r\ncontent-disposition: form-data; {disposition}\r\n{more}\r\n{value}\r\n")
    };
    let title = part("name=\"title\"", "", "a");
    let file = part("name=\"file\"; filename=\"a.txt\"", "content-type: text/plain\r\n", "text");
    let good = format!("{title}{file}--b--\r\n");
    let nested =
        part("name=\"title\"", "content-type: multipart/mixed; boundary=c\r\n", "--c\r\n\r\na\r\n--c--");
    let usual = "multipart/form-data; boundary=b";
    let rows: Vec<(&str, &str, String, u16)> = vec![
        ("as it should be", usual, good.clone(), 0),
        ("no boundary named", "multipart/form-data", good.clone(), 400),
        ("an empty boundary", "multipart/form-data; boundary=\"\"", good.clone(), 400),
        ("another boundary", "multipart/form-data; boundary=c", good.clone(), 400),
        ("two boundaries", "multipart/form-data; boundary=b; boundary=c", good.clone(), 415),
        ("no end", usual, format!("{title}{file}"), 400),
        ("text before", usual, format!("planted\r\n{good}"), 400),
        ("text after", usual, format!("{good}--b\r\n\r\nplanted"), 400),
        ("nested", usual, format!("{nested}--b--\r\n"), 400),
        ("a field twice", usual, format!("{title}{title}--b--\r\n"), 400),
        (
            "a file where text belongs",
            usual,
            format!("{}--b--\r\n", part("name=\"title\"; filename=\"x\"", "", "a")),
            400,
        ),
        ("no name", usual, format!("{}--b--\r\n", part("filename=\"x\"", "", "a")), 400),
        ("two names", usual, format!("{}--b--\r\n", part("name=\"title\"; name=\"admin\"", "", "a")), 400),
        ("a field nobody named", usual, format!("{title}{}--b--\r\n", part("name=\"admin\"", "", "1")), 400),
        (
            "another charset",
            usual,
            format!(
                "{}--b--\r\n",
                part("name=\"title\"", "content-type: text/plain; charset=utf-7\r\n", "a")
            ),
            400,
        ),
        (
            "an encoding",
            usual,
            format!("{}--b--\r\n", part("name=\"title\"", "content-transfer-encoding: base64\r\n", "YQ==")),
            400,
        ),
        ("bare line feeds", usual, good.replace("\r\n", "\n"), 400),
        ("another type", "multipart/mixed; boundary=b", good, 415),
    ];
    for (what, media_type, body, expected) in rows {
        let field = format!("content-type: {media_type}");
        let (status, answer) = send(&gate, "POST /api/file", &[field.as_bytes()], body.as_bytes()).await;
        assert_eq!(status, expected, "{what}: {answer}");
    }
}

/// What `gabion contract check` says of a contract with this schema.
async fn checked(schema: &str) -> (bool, String) {
    let folder = TempDir::new().expect("a temporary directory");
    let text = format!(
        "openapi: 3.1.0\ninfo: {{ title: t, version: '1' }}\npaths:\n  /a:\n    post:\n      requestBody: {{ content: {{ application/json: {{ schema: {schema} }} }} }}\n      responses: {{}}\ncomponents:\n  schemas:\n    A: {{ $ref: '#/components/schemas/B' }}\n    B: {{ $ref: '#/components/schemas/A' }}\n"
    );
    std::fs::write(folder.path().join("c.yaml"), text).expect("the contract is written");
    let output =
        command(folder.path()).args(["contract", "check", "c.yaml"]).output().await.expect("gabion runs");
    let told =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    (output.status.success(), told)
}

#[tokio::test]
async fn contracts_that_cannot_hold_are_refused_or_listed() {
    for (schema, loads, told) in [
        ("{ $ref: 'https://planted.invalid/x.json' }", false, "c.yaml:6"),
        ("{ $ref: '//planted.invalid/x.json' }", false, "c.yaml:6"),
        ("{ $ref: 'file:///etc/passwd' }", false, "c.yaml:6"),
        ("{ $ref: '../../../etc/passwd' }", false, "c.yaml:6"),
        ("{ $ref: '#/components/schemas/A' }", false, "leads back to itself"),
        ("{ type: string, pattern: '^(a)\\1$' }", true, "not enforced"),
        ("{ type: string, pattern: '^(?=a)b' }", true, "not enforced"),
        ("{ type: string, pattern: '^(a{1000}){1000}$' }", true, "not enforced"),
        ("{ type: string, pattern: '(' }", true, "not enforced"),
        ("{ type: string, format: planted }", true, "not enforced"),
    ] {
        let (loaded, said) = checked(schema).await;
        assert!(loaded == loads && said.contains(told), "{schema}: {loaded} {said}");
    }
}
