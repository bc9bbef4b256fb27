//! Serialised objects that are read back by the real readers of their languages, as far as these are installed.

use std::net::SocketAddr;
use std::process::Stdio;
use std::sync::Arc;

use axum::Router;
use axum::extract::Query;
use axum::http::HeaderMap;
use axum::response::{Html, IntoResponse as _};
use axum::routing::get;
use gabion_probe::facts::Callback;
use gabion_probe::{Facts, Report, Verdict, run};
use gabion_vault::encoding::base64_encode;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::Mutex;

use crate::ground::{Silent, print, world};
use crate::names::free;

/// A reader in its own language: a line in, a line out.
struct Reader {
    _child: Child,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
}

impl Reader {
    /// Nothing where the language is not installed.
    fn start(program: &str, arguments: &[&str]) -> Option<Self> {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/deserialisation");
        let mut command = Command::new(program);
        command.current_dir(folder).args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped());
        match command.kill_on_drop(true).spawn() {
            Ok(mut child) => {
                let (input, output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
                Some(Self { _child: child, input, output: BufReader::new(output).lines() })
            }
            Err(error) => {
                println!("no `{program}` here: {error}");
                None
            }
        }
    }

    async fn read(&mut self, text: &str) -> String {
        let line: String = text.chars().filter(|letter| !letter.is_control()).collect();
        self.input.write_all(format!("{line}\n").as_bytes()).await.unwrap();
        self.input.flush().await.unwrap();
        self.output.next_line().await.unwrap().unwrap_or_default()
    }
}

/// An application that keeps what somebody likes in a cookie, and what they were at in an address.
async fn probe(reader: Reader, value: &[u8]) -> Report {
    probe_named(reader, value, None).await
}

async fn probe_named(mut reader: Reader, value: &[u8], dns: Option<SocketAddr>) -> Report {
    // Some take long to begin.
    reader.read("").await;
    let reader = Arc::new(Mutex::new(reader));
    let value = base64_encode(value);
    let (cookie, state) = (value.clone(), value.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D"));
    let other = Arc::clone(&reader);
    let home = move |headers: HeaderMap| async move {
        let sent = headers.get("cookie").and_then(|value| value.to_str().ok()?.strip_prefix("likes="));
        let text = match sent {
            Some(sent) => reader.lock().await.read(sent).await,
            None => "hello stranger".to_owned(),
        };
        let page = Html(format!("<p>{text}</p><a href=\"/load?state={state}\">go on</a>"));
        ([("set-cookie", format!("likes={cookie}"))], page).into_response()
    };
    let load = move |Query(query): Query<Vec<(String, String)>>| async move {
        let state = query.first().map(|(_, value)| value.clone()).unwrap_or_default();
        other.lock().await.read(&state).await
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let app = Router::new().route("/", get(home)).route("/load", get(load));
    let server = tokio::spawn(async move { axum::serve(listener, app).await });
    let mut facts = Facts::of(&base);
    facts.callback = dns.map(|dns| Callback { dns, zone: "cb.example".to_owned() });
    let report = run(facts, &world(&["deserialisation"]), &Silent).await.unwrap();
    server.abort();
    print(&report);
    report
}

fn found(report: &Report) -> Vec<(&str, Verdict)> {
    let all = report.findings.iter();
    let mut found: Vec<_> =
        all.map(|finding| (finding.outcome.operation.as_str(), finding.outcome.verdict)).collect();
    found.sort_unstable();
    found
}

const BOTH: &[(&str, Verdict)] = &[("GET /", Verdict::Proven), ("GET /load", Verdict::Proven)];

fn passed(report: &Report) -> usize {
    report.outcomes.iter().filter(|outcome| outcome.verdict == Verdict::Passed).count()
}

const PICKLE: &[u8] =
    b"\x80\x04\x95\x23\0\0\0\0\0\0\0}\x94(\x8c\x04user\x94\x8c\x05alice\x94\x8c\x05theme\x94\x8c\x04dark\x94u.";
const PHP: &[u8] = br#"a:2:{s:4:"user";s:5:"alice";s:5:"theme";s:4:"dark";}"#;
const JSON: &[u8] = br#"{"user":"alice","theme":"dark"}"#;
const RUBY: &[u8] =
    b"\x04\x08{\x07I\"\x09user\x06:\x06ETI\"\x0aalice\x06;\0TI\"\x0atheme\x06;\0TI\"\x09dark\x06;\0T";
const JAVA: &[u8] = b"\xac\xed\0\x05sr\0\x11java.util.TreeMap\x0c\xc1\xf6\x3e\x2d\x25\x6a\xe6\x03\0\x01L\0\
    \x0acomparatort\0\x16Ljava/util/Comparator;xppw\x04\0\0\0\x02t\0\x05themet\0\x04darkt\0\x04usert\0\x05alicex";

#[tokio::test]
async fn a_pickle_that_calls_functions_is_proven_and_one_of_plain_data_is_not() {
    let reader = Reader::start("python3", &["open.py"]).unwrap();
    assert_eq!(found(&probe(reader, PICKLE).await), BOTH);
    let first = b"(dp0\nVuser\np1\nValice\np2\nsVtheme\np3\nVdark\np4\ns.";
    let reader = Reader::start("python3", &["open.py"]).unwrap();
    assert_eq!(found(&probe(reader, first).await), BOTH);
    let reader = Reader::start("python3", &["closed.py"]).unwrap();
    let report = probe(reader, PICKLE).await;
    assert_eq!((found(&report), passed(&report)), (Vec::new(), 2));
}

#[tokio::test]
async fn yaml_that_makes_what_its_tags_name_is_proven_and_a_safe_reader_is_not() {
    let value = b"user: alice\ntheme: dark\n";
    let mut first = Reader::start("python3", &["open_yaml.py"]).unwrap();
    if first.read(&base64_encode(value)).await == "none" {
        println!("no PyYAML here");
        return;
    }
    assert_eq!(found(&probe(first, value).await), BOTH);
    let report = probe(Reader::start("python3", &["closed_yaml.py"]).unwrap(), value).await;
    assert_eq!((found(&report), passed(&report)), (Vec::new(), 2));
}

#[tokio::test]
async fn objects_of_other_languages_are_proven_and_lists_of_classes_are_not() {
    type Found = &'static [(&'static str, Verdict)];
    let cases: [(&str, &[&str], &[u8], Found); 7] = [
        ("php", &["open.php"], PHP, BOTH),
        ("php", &["closed.php"], PHP, &[]),
        ("ruby", &["open.rb"], RUBY, BOTH),
        ("node", &["open.js"], JSON, BOTH),
        ("node", &["closed.js"], JSON, &[]),
        ("java", &["Reader.java"], JAVA, BOTH),
        ("java", &["Reader.java", "list"], JAVA, &[]),
    ];
    for (program, arguments, value, expected) in cases {
        if let Some(reader) = Reader::start(program, arguments) {
            let report = probe(reader, value).await;
            assert_eq!(found(&report), expected, "{program} {arguments:?}");
            assert!(!expected.is_empty() || passed(&report) == 2, "{program} {arguments:?}");
        }
    }
}

/// A cookie that changes no answer is not known to be read by anybody.
const ONE: [(&str, Verdict); 1] = [("GET /load", Verdict::Proven)];

/// Who answers the same whatever is read is met by the name that an object asks for.
#[tokio::test]
async fn readers_that_say_nothing_are_met_by_a_name() {
    for (program, file, value) in [("python3", "blind.py", PICKLE), ("java", "Blind.java", JAVA)] {
        for (more, expected) in [(None, &ONE[..]), (Some("list"), &[][..])] {
            let dns = free();
            let port = dns.port().to_string();
            let arguments: Vec<&str> = [file, &port].into_iter().chain(more).collect();
            if let Some(reader) = Reader::start(program, &arguments) {
                let report = probe_named(reader, value, Some(dns)).await;
                assert_eq!(found(&report), expected, "{program} {arguments:?}");
                assert!(!expected.is_empty() || passed(&report) > 0, "{program} {arguments:?}");
            }
        }
        let port = free().port().to_string();
        if let Some(reader) = Reader::start(program, &[file, &port]) {
            assert_eq!(found(&probe(reader, value).await), [], "without a zone nobody would know");
        }
    }
}

/// What only looks at the value, and what believes none that it did not sign.
#[tokio::test]
async fn values_that_nobody_reads_are_no_finding() {
    // A signature over the whole is as any change being refused.
    let reader = Reader::start(
        "python3",
        &[
            "-uc",
            "import sys\nfor line in sys.stdin: print('hello alice' if line.strip() == sys.argv[1] else 'no')",
            &base64_encode(PICKLE),
        ],
    );
    let report = probe(reader.unwrap(), PICKLE).await;
    assert_eq!((found(&report), passed(&report)), (Vec::new(), 2));
    let reader = Reader::start("python3", &["-uc", "import sys\nfor line in sys.stdin: print('hello')"]);
    assert_eq!(found(&probe(reader.unwrap(), PHP).await), []);
}
