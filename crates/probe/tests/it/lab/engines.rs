//! Values that reach something that reads them as code: a shell, JavaScript, XPath, templates, regular expressions, a sign-in.
//!
//! The engines are real: `sh`, SQLite, and those of a browser.

use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::extract::{Form, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{get, post};
use gabion_browser::{Browser, Context, Options, Page as Tab, Verdict as Judged};
use gabion_probe::{Facts, Report, Verdict, run};
use rusqlite::Connection;
use serde_json::Value;

use super::{Page, Where, examine};
use crate::ground::{Silent, print, world};

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;").replace('\'', "&#39;")
}

/// The engines of a browser, on a page of nobody.
struct Engine {
    tab: Tab,
    _context: Context,
    _browser: Browser,
}

impl Engine {
    async fn start() -> Option<Arc<Self>> {
        let browser = Browser::launch(Options::new(|_: &str| Judged::Refuse)).await;
        let Ok(browser) = browser else {
            println!("skipped: {}: no browser was found", std::thread::current().name().unwrap_or("test"));
            return None;
        };
        let context = browser.context().await.unwrap();
        let tab = context.page().await.unwrap();
        Some(Arc::new(Self { tab, _context: context, _browser: browser }))
    }

    /// What a program gives, as text.
    async fn ask(&self, program: &str) -> Result<String, String> {
        let value =
            self.tab.evaluate(program, Duration::from_secs(30)).await.map_err(|error| error.to_string())?;
        Ok(match value {
            Value::String(text) => text,
            other => other.to_string(),
        })
    }
}

fn literal(text: &str) -> String {
    Value::String(text.to_owned()).to_string()
}

/// A page whose program has the value in it as it is (`{}`), or as a literal (`{s}`).
fn program(engine: &Arc<Engine>, place: Where, value: &str, text: &'static str, way: &'static str) -> Page {
    let engine = Arc::clone(engine);
    Page::later(place, value, move |value| {
        let (engine, value) = (Arc::clone(&engine), value.to_owned());
        Box::pin(async move {
            let said = engine.ask(&text.replace("{s}", &literal(&value)).replace("{}", &value)).await;
            match (way, said) {
                ("shown", Ok(said)) => Html(format!("<p>{}</p>", escaped(&said))).into_response(),
                (_, Ok(_)) => Html("<p>done</p>").into_response(),
                _ => (StatusCode::INTERNAL_SERVER_ERROR, "something went wrong").into_response(),
            }
        })
    })
}

#[tokio::test]
async fn conditions_of_scripts_and_of_documents_are_told_apart() {
    let Some(engine) = Engine::start().await else { return };
    let things = "[{ name: 'lamp', price: 3 }, { name: 'desk', price: 9 }, { name: 'lamp', price: 5 }]";
    let where_ = |condition: &str| {
        format!("{things}.filter(function () {{ return {condition} }}).map((one) => one.name + one.price).join(', ')")
        .replace("this.", "arguments[0].")
    };
    let wheres: Vec<&'static str> = [
        where_("this.name == '{}'"),
        where_("this.name == \"{}\""),
        where_("(this.name == '{}') && this.price > 1"),
    ]
    .into_iter()
    .map(|text| &*Box::leak(text.into_boxed_str()))
    .collect();
    let document = "const d = new DOMParser().parseFromString('<a><b n=\"lamp\">one</b><b n=\"desk\">two</b><b n=\"lamp\">three</b></a>', 'text/xml');";
    let path = |expression: &str| {
        format!(
            "(() => {{ {document} const r = d.evaluate(`{expression}`, d, null, 4, null); let s = '', n; while ((n = r.iterateNext())) s += n.textContent + ' '; return s || 'nothing'; }})()"
        )
    };
    let paths: Vec<&'static str> = [
        path("//b[@n='{}']"),
        path("//b[@n=\"{}\"]"),
        path("//b[@n='{}' and string-length(.) > 1]"),
        path("//b[contains(@n, '{}')]"),
    ]
    .into_iter()
    .map(|text| &*Box::leak(text.into_boxed_str()))
    .collect();
    let mut pages = Vec::new();
    for value in ["lamp", "torch"] {
        for text in &wheres {
            pages.push(
                program(&engine, Where::Query, value, text, "shown")
                    .is("engine", "script")
                    .is("value", value),
            );
        }
        for text in &paths {
            pages.push(
                program(&engine, Where::Query, value, text, "shown")
                    .is("engine", "document")
                    .is("value", value),
            );
        }
        let safe: &'static str = Box::leak(where_("this.name == {s}").into_boxed_str());
        pages.push(program(&engine, Where::Query, value, safe, "shown").alike("a literal"));
        let safe: &'static str = "JSON.stringify({s})";
        pages.push(program(&engine, Where::Query, value, safe, "shown").alike("an echo"));
    }
    let tests = ["nosql-injection", "sql-injection", "xpath-injection"];
    let table = examine(pages, &tests, &["nosql-injection", "xpath-injection"]).await;
    table.print();
    let (part, alarms) = table.score();
    assert_eq!((part, alarms), (100.0, 0));
    assert!(!table.report.findings.iter().any(|finding| finding.about.id == "sql-injection"));
}

#[tokio::test]
async fn templates_compute_in_the_marks_of_their_engine() {
    let Some(engine) = Engine::start().await else { return };
    let mut pages = Vec::new();
    for (name, marks) in [
        ("double braces", r"/\{\{(.+?)\}\}/g"),
        ("dollar and brace", r"/\$\{(.+?)\}/g"),
        ("percent", r"/<%=(.+?)%>/g"),
        ("hash and brace", r"/#\{(.+?)\}/g"),
        ("at and parenthesis", r"/@\((.+?)\)/g"),
        ("one brace", r"/\{([^}{]+?)\}/g"),
        ("percent and brace", r"/%\{(.+?)\}/g"),
        ("star and brace", r"/\*\{(.+?)\}/g"),
        ("square brackets", r"/\[\[(.+?)\]\]/g"),
    ] {
        let text = format!("{{s}}.replace({marks}, (_, inner) => String((0, eval)(inner)))");
        let text: &'static str = Box::leak(text.into_boxed_str());
        for place in [Where::Query, Where::Form] {
            pages.push(program(&engine, place, "lamp", text, "shown").is("marks", name));
        }
    }
    for (name, text) in [
        ("within a text", "'Hello ' + '{}'"),
        ("within a text in double quotes", "\"Hello {}\""),
        ("within a text of a template", "`Hello {}`"),
    ] {
        pages.push(program(&engine, Where::Query, "lamp", text, "shown").is("marks", name));
    }
    pages.push(program(&engine, Where::Query, "lamp", "{s}", "shown").alike("an echo"));
    pages.push(program(&engine, Where::Query, "lamp", "{s}.toUpperCase()", "shown").alike("capitals"));
    pages.push(program(&engine, Where::Query, "lamp", "`Hello ${ {s} }`", "shown").alike("its data"));
    let table = examine(pages, &["template-injection"], &["template-injection"]).await;
    table.print();
    let (part, alarms) = table.score();
    assert_eq!((part, alarms), (100.0, 0));
}

#[tokio::test]
async fn expressions_that_go_back_without_end_are_felt() {
    let Some(engine) = Engine::start().await else { return };
    let mut pages = Vec::new();
    for text in [
        r"/^(a+)+$/.test({s})",
        r"/^([a-z]+)*$/.test({s})",
        r"/^(\w+\s?)*$/.test({s})",
        r"/^(a|a)*$/.test({s})",
    ] {
        pages.push(program(&engine, Where::Query, "lamp", text, "shown").is("expression", text));
    }
    for text in [r"/^[a-z]+$/.test({s})", r"/^(lamp|desk)$/.test({s})", r"/^(?:[a-z]+ )*[a-z]+$/.test({s})"] {
        pages.push(program(&engine, Where::Query, "lamp", text, "shown").alike(text));
    }
    let cut = r"/^(a+)+$/.test({s}.slice(0, 12))";
    pages.push(program(&engine, Where::Query, "lamp", cut, "shown").alike("what is long is cut"));
    let table = examine(pages, &["redos"], &["redos"]).await;
    table.print();
    let (part, alarms) = table.score();
    assert_eq!((part, alarms), (100.0, 0));
}

/// A page whose command a shell reads: the line with the value in it, and whether what it says is shown.
fn shell(place: Where, line: &'static str, shown: bool, filter: fn(&str) -> String) -> Page {
    Page::later(place, "lamp", move |value| {
        let line = line.replace("{}", &filter(value));
        Box::pin(async move {
            let made = tokio::process::Command::new("sh")
                .args(["-c", &line])
                .stdin(Stdio::null())
                .stderr(Stdio::null())
                .output()
                .await;
            let said =
                made.map(|made| String::from_utf8_lossy(&made.stdout).into_owned()).unwrap_or_default();
            if shown {
                Html(format!("<pre>{}</pre>", escaped(&said))).into_response()
            } else {
                "done".into_response()
            }
        })
    })
}

const LINES: &[(&str, &str)] = &[
    ("as it is", "echo looking for {}"),
    ("in the middle", "echo looking for {} in stock"),
    ("in single quotes", "echo 'looking for {}' in stock"),
    ("in double quotes", "echo \"looking for {}\" in stock"),
    ("in parentheses", "(echo looking for {})"),
    ("in a substitution", "echo $(echo {})"),
    ("before a pipe", "echo {} | tr a-z A-Z"),
];

fn as_it_is(value: &str) -> String {
    value.to_owned()
}

#[tokio::test]
async fn shells_compute_what_stands_in_their_line() {
    let mut pages = Vec::new();
    for (name, line) in LINES {
        for place in [Where::Query, Where::Json] {
            pages.push(shell(place, line, true, as_it_is).is("line", name).is("filter", "none"));
        }
    }
    type Filter = fn(&str) -> String;
    let filters: &[(&str, Filter)] = &[
        ("no semicolon", |value| value.replace(';', "")),
        ("no ampersand and no bar", |value| value.replace(['&', '|'], "")),
        ("no semicolon, ampersand, bar", |value| value.replace([';', '&', '|'], "")),
        ("no line end", |value| value.replace(['\n', '\r'], "")),
        ("no backtick and no dollar", |value| value.replace(['`', '$'], "")),
    ];
    for (name, filter) in filters {
        pages.push(shell(Where::Query, LINES[0].1, true, *filter).is("line", "as it is").is("filter", name));
    }
    let quoted: Filter = |value| format!("'{}'", value.replace('\'', "'\\''"));
    pages.push(shell(Where::Query, LINES[0].1, true, quoted).alike("quoted"));
    let letters: Filter = |value| value.replace(|letter: char| !letter.is_alphanumeric(), "");
    pages.push(shell(Where::Query, LINES[0].1, true, letters).alike("letters only"));
    let argument = Page::later(Where::Query, "lamp", |value| {
        let value = value.to_owned();
        Box::pin(async move {
            let made = tokio::process::Command::new("echo").args(["--", &value]).output().await.unwrap();
            Html(escaped(&String::from_utf8_lossy(&made.stdout))).into_response()
        })
    });
    pages.push(argument.alike("an argument"));
    let table = examine(pages, &["command-injection"], &["command-injection"]).await;
    table.print();
    let (part, alarms) = table.score();
    assert_eq!((part, alarms), (100.0, 0));
}

/// Who says nothing waits: for a shell and for a database.
#[tokio::test]
async fn what_says_nothing_waits() {
    let mut pages = vec![
        shell(Where::Query, "echo {} > /dev/null", false, as_it_is).is("who", "a shell"),
        shell(Where::Query, "echo '{}' > /dev/null", false, as_it_is).is("who", "a shell, quoted"),
        shell(Where::Query, "echo > /dev/null", false, as_it_is).alike("a shell that is told nothing"),
    ];
    for (name, query, value) in [
        ("a database", "SELECT * FROM things WHERE name = '{}'", "lamp"),
        ("a database, number", "SELECT * FROM things WHERE id = {}", "2"),
    ] {
        let page = Page::later(Where::Query, value, move |value| {
            let query = query.replace("{}", value);
            Box::pin(async move {
                let _ = tokio::task::spawn_blocking(move || slow_database(&query)).await;
                "done".into_response()
            })
        });
        pages.push(page.is("who", name));
    }
    let table =
        examine(pages, &["command-injection", "sql-injection"], &["command-injection", "sql-injection"])
            .await;
    table.print();
    let (part, alarms) = table.score();
    assert_eq!((part, alarms), (100.0, 0));
}

/// A database with a function that waits, as others have it.
fn slow_database(query: &str) -> rusqlite::Result<()> {
    let connection = Connection::open_in_memory()?;
    connection.execute_batch(
        "CREATE TABLE things (id INTEGER, name TEXT); INSERT INTO things VALUES (2, 'lamp');",
    )?;
    connection.create_scalar_function(
        "sleep",
        1,
        rusqlite::functions::FunctionFlags::SQLITE_UTF8,
        |context| {
            let seconds: f64 = context.get(0)?;
            std::thread::sleep(Duration::from_secs_f64(seconds.clamp(0.0, 5.0)));
            Ok(0)
        },
    )?;
    let mut statement = connection.prepare(query)?;
    let mut rows = statement.query([])?;
    while rows.next()?.is_some() {}
    Ok(())
}

#[derive(serde::Deserialize)]
struct SignIn {
    username: String,
    password: String,
}

#[derive(Clone)]
struct Door {
    /// The query, with the name and the password in it; nothing for parameters.
    query: Option<&'static str>,
    sessions: Arc<AtomicUsize>,
}

async fn sign_in(State(door): State<Door>, Form(form): Form<SignIn>) -> Response {
    let connection = Connection::open_in_memory().unwrap();
    let rows = "CREATE TABLE people (name TEXT, password TEXT); INSERT INTO people VALUES ('ann', 'Quiet-Lamp-7'), ('bob', 'Green-Desk-9');";
    connection.execute_batch(rows).unwrap();
    let own = match door.query {
        Some(query) => {
            let query = query.replace("{name}", &form.username).replace("{password}", &form.password);
            connection.query_row(&query, [], |row| row.get::<_, String>(0))
        }
        None => connection.query_row(
            "SELECT name FROM people WHERE name = ?1 AND password = ?2",
            [&form.username, &form.password],
            |row| row.get::<_, String>(0),
        ),
    };
    match own {
        Ok(name) => {
            let number = door.sessions.fetch_add(1, Ordering::Relaxed);
            let cookie = format!("sid={name}-{number}-5e2f9a7bd1c44e; Path=/; HttpOnly");
            (StatusCode::SEE_OTHER, [(header::SET_COOKIE, cookie), (header::LOCATION, "/home".to_owned())])
                .into_response()
        }
        Err(_) => (StatusCode::UNAUTHORIZED, Html("<p>Wrong name or password</p>")).into_response(),
    }
}

async fn home(headers: HeaderMap) -> Response {
    let cookies = headers.get("cookie").and_then(|value| value.to_str().ok()).unwrap_or_default();
    match cookies.split("sid=").nth(1).and_then(|sid| sid.split('-').next()) {
        Some(name) => Html(format!("<p>Hello {name}</p>")).into_response(),
        None => (StatusCode::SEE_OTHER, [(header::LOCATION, "/login")]).into_response(),
    }
}

async fn sign_in_of(query: Option<&'static str>) -> Report {
    let form = "<form method=post action=/login><input name=username><input name=password type=password><button>Sign in</button></form>";
    let app = axum::Router::new()
        .route("/", get(|| async { Html("<a href=/login>Sign in</a><a href=/home>Home</a>") }))
        .route("/login", get(move || async move { Html(form) }))
        .route("/login", post(sign_in))
        .route("/home", get(home))
        .with_state(Door { query, sessions: Arc::default() });
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let server = tokio::spawn(async move { axum::serve(listener, app).await });
    let mut facts = Facts::of(&base).with("ann", "Quiet-Lamp-7");
    facts.limits.rate = 2_000;
    let report = run(facts, &world(&["login-injection"]), &Silent).await.unwrap();
    server.abort();
    print(&report);
    report
}

#[tokio::test]
async fn a_sign_in_by_a_query_is_passed_without_the_password() {
    for query in [
        "SELECT name FROM people WHERE name = '{name}' AND password = '{password}'",
        "SELECT name FROM people WHERE name = \"{name}\" AND password = \"{password}\"",
        "SELECT name FROM people WHERE (name = '{name}') AND (password = '{password}')",
    ] {
        let report = sign_in_of(Some(query)).await;
        let found: Vec<Verdict> = report.findings.iter().map(|finding| finding.outcome.verdict).collect();
        assert_eq!(found, [Verdict::Proven], "{query}");
    }
    let report = sign_in_of(None).await;
    assert!(report.findings.is_empty());
    assert!(report.outcomes.iter().any(|outcome| outcome.verdict == Verdict::Passed));
}
