//! A laboratory: an application with many pages, each of which has one mistake or only looks as if it had it.
//!
//! Pages are made as a product of what pages differ in, so that what is missed shows by its kind. One test runs the probe
//! against all of them and prints how much was found of each kind.

mod dom;
mod engines;
mod files;
mod postgres;
mod sql;
mod xss;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use gabion_model::Period;
use gabion_model::outbound::BoxFuture;
use gabion_probe::{Document, DocumentKind, Facts, Report, Verdict, run};
use serde_json::{Map, Value, json};

use crate::ground::{Silent, world};

/// Where the value of a page stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Where {
    Query,
    Form,
    Json,
    Header,
    Cookie,
    Path,
    /// A field of the head that the contract does not tell of.
    Agent,
    /// Nowhere: the page takes none.
    Nowhere,
}

impl Where {
    pub(crate) const ALL: [Self; 6] =
        [Self::Query, Self::Form, Self::Json, Self::Header, Self::Cookie, Self::Path];

    const fn word(self) -> &'static str {
        match self {
            Self::Query => "query",
            Self::Form => "form",
            Self::Json => "json",
            Self::Header => "header",
            Self::Cookie => "cookie",
            Self::Path => "path",
            Self::Agent => "agent",
            Self::Nowhere => "nowhere",
        }
    }
}

type Answer = Arc<dyn Fn(&str) -> BoxFuture<'static, Response> + Send + Sync>;

/// One page with one value.
#[derive(Clone)]
pub(crate) struct Page {
    pub(crate) place: Where,
    /// What the contract shows as an example.
    pub(crate) value: String,
    /// Whether the contract says it is a number.
    pub(crate) number: bool,
    /// What it is, by dimension.
    pub(crate) kind: Vec<(&'static str, String)>,
    /// Whether it has the mistake.
    pub(crate) open: bool,
    pub(crate) answer: Answer,
}

impl Page {
    pub(crate) fn new(
        place: Where,
        value: &str,
        answer: impl Fn(&str) -> Response + Send + Sync + 'static,
    ) -> Self {
        Self::later(place, value, move |value| {
            let answer = answer(value);
            Box::pin(async move { answer })
        })
    }

    /// A page that takes its time.
    pub(crate) fn later(
        place: Where,
        value: &str,
        answer: impl Fn(&str) -> BoxFuture<'static, Response> + Send + Sync + 'static,
    ) -> Self {
        let number = value.parse::<i64>().is_ok();
        let answer = Arc::new(answer);
        let kind = vec![("place", place.word().to_owned())];
        Self { place, value: value.to_owned(), number, kind, open: true, answer }
    }

    pub(crate) fn is(mut self, dimension: &'static str, word: &str) -> Self {
        self.kind.push((dimension, word.to_owned()));
        self
    }

    pub(crate) fn alike(mut self, word: &str) -> Self {
        self.open = false;
        self.is("alike", word)
    }
}

/// The path of a page's operation, and its entry in the contract.
fn entry(at: usize, page: &Page) -> (String, Value) {
    let schema = if page.number {
        json!({ "type": "integer", "example": page.value.parse::<i64>().unwrap_or(1) })
    } else {
        json!({ "type": "string", "example": page.value })
    };
    let parameter = |place: &str| json!([{ "name": "v", "in": place, "required": true, "schema": schema }]);
    let body = |kind: &str| {
        let object = json!({ "type": "object", "required": ["v"], "properties": { "v": schema } });
        json!({ "required": true, "content": { kind: { "schema": object } } })
    };
    let mut path = format!("/page{at}");
    let (method, operation) = match page.place {
        Where::Query => ("get", json!({ "parameters": parameter("query") })),
        Where::Header => ("get", json!({ "parameters": parameter("header") })),
        Where::Cookie => ("get", json!({ "parameters": parameter("cookie") })),
        Where::Path => {
            path.push_str("/{v}");
            ("get", json!({ "parameters": parameter("path") }))
        }
        Where::Agent | Where::Nowhere => ("get", json!({})),
        Where::Form => ("post", json!({ "requestBody": body("application/x-www-form-urlencoded") })),
        Where::Json => ("post", json!({ "requestBody": body("application/json") })),
    };
    (path, json!({ method: operation }))
}

async fn serve_page(State(pages): State<Arc<Vec<Page>>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let mut segments = parts.uri.path().trim_start_matches('/').splitn(2, '/');
    let first = segments.next().unwrap_or_default();
    let Some(page) = first.strip_prefix("page").and_then(|at| pages.get(at.parse::<usize>().ok()?)) else {
        return (StatusCode::NOT_FOUND, "no such page").into_response();
    };
    let bytes = axum::body::to_bytes(body, 1 << 20).await.unwrap_or_default();
    let pairs = |bytes: &[u8]| {
        let mut all = url::form_urlencoded::parse(bytes);
        all.find(|(name, _)| name == "v").map(|(_, value)| value.into_owned())
    };
    let value = match page.place {
        Where::Query => pairs(parts.uri.query().unwrap_or_default().as_bytes()),
        Where::Form => pairs(&bytes),
        Where::Nowhere => Some(String::new()),
        Where::Json => serde_json::from_slice::<Value>(&bytes).ok().and_then(|body| match body.get("v") {
            Some(Value::String(text)) => Some(text.clone()),
            Some(Value::Number(number)) => Some(number.to_string()),
            _ => None,
        }),
        Where::Agent => Some(
            parts
                .headers
                .get("user-agent")
                .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
                .unwrap_or_default(),
        ),
        Where::Header => {
            parts.headers.get("v").map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
        }
        Where::Cookie => parts
            .headers
            .get("cookie")
            .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
            .and_then(|all| {
                let one = all.split(';').find_map(|pair| pair.trim().strip_prefix("v=").map(str::to_owned));
                one.map(|value| percent_encoding::percent_decode_str(&value).decode_utf8_lossy().into_owned())
            }),
        Where::Path => segments
            .next()
            .map(|value| percent_encoding::percent_decode_str(value).decode_utf8_lossy().into_owned()),
    };
    match value {
        Some(value) => (page.answer)(&value).await,
        None => (StatusCode::BAD_REQUEST, "no value").into_response(),
    }
}

/// One page of so many: what a test that everybody runs has the time for. `cargo xtask bench probe lab` runs all of them:
/// it says `GABION_LAB=whole`.
#[expect(clippy::disallowed_methods, reason = "how much of the lab is run is told by the environment")]
pub(crate) fn sample(pages: Vec<Page>, every: usize) -> Vec<Page> {
    let every = if std::env::var_os("GABION_LAB").is_some_and(|how| how == "whole") { 1 } else { every };
    pages.into_iter().enumerate().filter(|(at, _)| at.is_multiple_of(every)).map(|(_, page)| page).collect()
}

/// What came of a run.
pub(crate) struct Table {
    pub(crate) report: Report,
    /// Which tests were meant.
    name: String,
    pages: Vec<Page>,
    /// The best verdict of the tests that were meant, by page.
    verdicts: BTreeMap<usize, Verdict>,
}

/// Runs some tests against all pages; what counts is found by one of `meant`.
pub(crate) async fn examine(pages: Vec<Page>, tests: &[&str], meant: &[&str]) -> Table {
    let mut paths = Map::new();
    for (at, page) in pages.iter().enumerate() {
        let (path, operation) = entry(at, page);
        paths.insert(path, operation);
    }
    let contract =
        json!({ "openapi": "3.0.3", "info": { "title": "Laboratory", "version": "1" }, "paths": paths });
    let shared = Arc::new(pages.clone());
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let app = Router::new().fallback(serve_page).with_state(shared);
    let server = tokio::spawn(async move { axum::serve(listener, app).await });
    let mut facts = Facts::of(&base);
    facts.limits.requests = 500_000;
    facts.limits.rate = 100_000;
    facts.limits.pages = 1_000;
    facts.limits.time = Period::from_secs(900);
    let mut world = world(tests);
    world.documents = vec![Document {
        kind: DocumentKind::OpenApi,
        name: "contract.json".to_owned(),
        text: contract.to_string(),
    }];
    let report = run(facts, &world, &Silent).await.unwrap();
    server.abort();
    let mut verdicts: BTreeMap<usize, Verdict> = BTreeMap::new();
    for outcome in report.outcomes.iter().filter(|outcome| meant.contains(&&*outcome.test)) {
        let digits: String = outcome
            .operation
            .chars()
            .skip_while(|c| !c.is_ascii_digit())
            .take_while(char::is_ascii_digit)
            .collect();
        if let Ok(at) = digits.parse() {
            let own = verdicts.entry(at).or_insert(outcome.verdict);
            *own = (*own).max(outcome.verdict);
        }
    }
    Table { report, name: meant.join(" "), pages, verdicts }
}

impl Table {
    fn verdict(&self, at: usize) -> Verdict {
        self.verdicts.get(&at).copied().unwrap_or(Verdict::NotTested)
    }

    /// Prints what was found by kind, and what was missed.
    pub(crate) fn print(&self) {
        let mut kinds: BTreeMap<(&str, &str), (usize, usize, usize)> = BTreeMap::new();
        for (at, page) in self.pages.iter().enumerate() {
            let verdict = self.verdict(at);
            for (dimension, word) in &page.kind {
                let row = kinds.entry((dimension, word)).or_default();
                row.0 += 1;
                row.1 += usize::from(verdict >= Verdict::Firm);
                row.2 += usize::from(verdict == Verdict::Proven);
            }
        }
        for ((dimension, word), (all, firm, proven)) in kinds {
            println!("{dimension:10} {word:28} {firm:4} of {all:4}, {proven} proven");
        }
        for (at, page) in self.pages.iter().enumerate() {
            let verdict = self.verdict(at);
            if page.open != (verdict >= Verdict::Firm) {
                let kind: BTreeSet<String> = page.kind.iter().map(|(a, b)| format!("{a}={b}")).collect();
                println!("{} page{at} {verdict}: {kind:?}", if page.open { "missed" } else { "FALSE ALARM" });
                for outcome in
                    self.report.outcomes.iter().filter(|one| one.operation.ends_with(&format!("/page{at}")))
                {
                    println!("    {} {} {}", outcome.test, outcome.verdict, outcome.says);
                }
            }
        }
    }

    /// The part of the open pages that was found, in hundredths, and how many others were held for open.
    pub(crate) fn score(&self) -> (f64, usize) {
        let open = self.pages.iter().filter(|page| page.open).count();
        let all = || self.pages.iter().enumerate().filter(|(at, _)| self.verdict(*at) >= Verdict::Firm);
        let found = all().filter(|(_, page)| page.open).count();
        let alarms = all().filter(|(_, page)| !page.open).count();
        #[expect(clippy::cast_precision_loss, reason = "there are a few hundred")]
        let part = found as f64 * 100.0 / open.max(1) as f64;
        // The bench reads this line.
        println!(
            "lab {}: found {found} of {open} ({part:.1} %), false alarms {alarms} of {}, {} requests in {:.1} s, {:?}",
            self.name,
            self.pages.len() - open,
            self.report.requests,
            self.report.elapsed.as_secs_f64(),
            self.report.end
        );
        (part, alarms)
    }
}
