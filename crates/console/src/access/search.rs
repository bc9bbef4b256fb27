//! AuthZEN's searches, below `/.gabion/access/v1/search/` (8): who may, what it may be done to, what may be done.
//!
//! Subjects are the accounts of the gate, by name, with their ids in `properties.account`; resources are those that
//! applications registered; actions those the policies know. For applications with the scope `gabion:search`. A page may hold
//! less than was asked for and have a successor: so many candidates are gone through at a time.

pub(crate) mod action;
pub(crate) mod resource;
pub(crate) mod subject;

use axum::response::Response;
use gabion_service::{AskedSearch, Caller, Hit, SearchError, Sought};
use gabion_vault::encoding::{base64url_decode, base64url_encode};
use http::StatusCode;
use serde::Serialize;
use serde_json::{Map, Value};

use super::question::{Open, Question};
use super::{Asked, unusable};
use crate::Console;
use crate::api::Problem;
use crate::api::v1::{json, refused};

/// What was found (8.4 to 8.6).
#[derive(Debug, Serialize)]
struct Results<T> {
    results: Vec<T>,
    page: PageOf,
}

/// Where it ends (8.2).
#[derive(Debug, Serialize)]
struct PageOf {
    /// Empty at the end.
    next_token: String,
    count: usize,
}

/// What was asked for.
struct Search {
    question: AskedSearch,
    /// The type of what was asked for.
    kind: String,
}

impl Search {
    fn read(asked: Asked, open: Open) -> Result<Self, String> {
        let Asked(mut members) = asked;
        let (after, limit) = page(members.remove("page"))?;
        let question = Question::read(Value::Object(members))?.asked(open)?;
        let (sought, kind) = match open {
            Open::Action => (Sought::Actions, String::new()),
            Open::Resource => (Sought::Resources, question.resource.kind.clone()),
            Open::Subject | Open::Nothing => (Sought::Subjects, question.subject_kind.clone()),
        };
        Ok(Self { question: AskedSearch { sought, question, after, limit }, kind })
    }
}

/// Behind what the page begins, and how many it holds at most.
fn page(asked: Option<Value>) -> Result<(Option<String>, usize), String> {
    let mut asked = match asked {
        None | Some(Value::Null) => Map::new(),
        Some(Value::Object(asked)) => asked,
        Some(_) => return Err("`page` is no object".to_owned()),
    };
    let limit = match asked.remove("limit") {
        None | Some(Value::Null) => USUAL,
        Some(limit) => match limit.as_u64() {
            Some(limit @ 1..) => usize::try_from(limit).unwrap_or(MOST).min(MOST),
            _ => return Err("`page.limit` is no number from 1".to_owned()),
        },
    };
    let after = match asked.remove("token") {
        None | Some(Value::Null) => None,
        Some(Value::String(token)) if token.is_empty() => None,
        Some(token) => {
            let bytes = token.as_str().and_then(|token| base64url_decode(token).ok());
            let after = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
            Some(after.ok_or("`page.token` is none that was given here")?)
        }
    };
    Ok((after, limit))
}

/// Each search there is, for the fuzz target.
#[cfg(fuzzing)]
pub(super) fn fuzzed(members: &Map<String, Value>) {
    for open in [Open::Action, Open::Resource, Open::Subject] {
        if let Ok(search) = Search::read(Asked(members.clone()), open) {
            assert!((1..=MOST).contains(&search.question.limit), "a page without a bound");
        }
    }
}

async fn answer<T: Serialize>(
    console: &Console,
    caller: &Caller,
    asked: Asked,
    open: Open,
    told: impl Fn(&str, Hit) -> T,
) -> Response {
    let Search { question, kind } = match Search::read(asked, open) {
        Ok(search) => search,
        Err(message) => return unusable(message),
    };
    match console.service.search(caller, question).await {
        Ok(found) => {
            let results: Vec<T> = found.hits.into_iter().map(|hit| told(&kind, hit)).collect();
            let next_token = found.next.map(|next| base64url_encode(next.as_bytes())).unwrap_or_default();
            json(StatusCode::OK, &Results { page: PageOf { next_token, count: results.len() }, results })
        }
        Err(error) => refused(error),
    }
}

impl From<SearchError> for Problem {
    fn from(error: SearchError) -> Self {
        match error {
            SearchError::Act(error) => error.into(),
            SearchError::NotListed => Self::new(StatusCode::BAD_REQUEST, error.to_string()),
            SearchError::Undecidable => Self::new(StatusCode::SERVICE_UNAVAILABLE, error.to_string()),
        }
    }
}

/// Results of a page that does not say how many.
const USUAL: usize = 100;
const MOST: usize = 1_000;
