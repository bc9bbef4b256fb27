//! `GET /.gabion/account/keys/new`: the form. `POST`: makes an API key with `label`, `scopes` (separated by
//! blanks or commas) and `life` in seconds, and shows it: once.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use axum::routing::{MethodRouter, get};
use gabion_model::{Period, Timestamp};
use gabion_service::{Act, ApiKeyActError, CreateApiKey};
use http::StatusCode;
use serde::Deserialize;

use super::shown;
use crate::context::Member;
use crate::form::{Form, Trouble};
use crate::{Console, page, words};

pub(crate) fn route() -> MethodRouter<Console> {
    get(show).post(create)
}

#[derive(Debug, Default, Deserialize)]
struct Fields {
    label: String,
    scopes: String,
    #[serde(default)]
    life: String,
}

#[derive(Debug, Template)]
#[template(path = "key_new.html")]
struct Page<'a> {
    name: &'a str,
    label: &'a str,
    scopes: &'a str,
    lives: Vec<Life>,
    /// The field it is about, and what is wrong with it.
    problem: Option<(&'static str, Trouble)>,
}

/// How long a key may live.
#[derive(Debug)]
struct Life {
    seconds: u64,
    words: String,
    /// `YYYY-MM-DD`
    until: String,
    chosen: bool,
}

impl Page<'_> {
    fn wrong(&self, field: &str) -> bool {
        self.problem.as_ref().is_some_and(|(about, _)| *about == field)
    }
}

async fn show(State(console): State<Console>, member: Member) -> Response {
    if let Err(error) = console.service.ready_for(&member.visitor.caller(), Act::CreateApiKey).await {
        return member.refused(error);
    }
    form(&console, &member, StatusCode::OK, &Fields::default(), None)
}

async fn create(State(console): State<Console>, member: Member, Form(fields): Form<Fields>) -> Response {
    let again = |field, title, advice: String| {
        let problem = Some((field, Trouble::new(title, advice)));
        form(&console, &member, StatusCode::UNPROCESSABLE_ENTITY, &fields, problem)
    };
    let life = match fields.life.as_str() {
        "" => None,
        text => match text.parse() {
            Ok(seconds) => Some(Period::from_secs(seconds)),
            Err(_) => return again("life", "Choose how long it works.", "Nothing was made.".to_owned()),
        },
    };
    let separators = |one: char| one.is_whitespace() || one == ',';
    let scopes = fields.scopes.split(separators).filter(|scope| !scope.is_empty());
    let wanted = CreateApiKey {
        account: None,
        label: fields.label.trim().to_owned(),
        scopes: scopes.map(str::to_owned).collect(),
        life,
    };
    match console.service.create_api_key(&member.visitor.caller(), wanted).await {
        Ok(fresh) => shown(&member, fresh, None, console.clock.now()),
        Err(ApiKeyActError::Invalid(problem)) => {
            let field = match problem.path.as_str() {
                "label" => "label",
                "life" => "life",
                "scopes" => "scopes",
                _ => "form",
            };
            again(field, "The key was not made.", words::sentence(&problem.reason))
        }
        Err(ApiKeyActError::Act(error)) => member.refused(error),
    }
}

fn form(
    console: &Console,
    member: &Member,
    status: StatusCode,
    fields: &Fields,
    problem: Option<(&'static str, Trouble)>,
) -> Response {
    let (usual, longest) = console.service.api_key_lives();
    let wanted = fields.life.parse().map_or(usual, Period::from_secs);
    let page = Page {
        name: &member.session.principal.name,
        label: &fields.label,
        scopes: &fields.scopes,
        lives: lives(usual, longest, wanted, console.clock.now()),
        problem,
    };
    page::render(status, &page)
}

/// A few lengths, the usual and the longest among them, the shortest first.
fn lives(usual: Period, longest: Period, wanted: Period, now: Timestamp) -> Vec<Life> {
    let mut offered = OFFERED.map(|days| Period::from_secs(days * DAY)).to_vec();
    offered.extend([usual, longest]);
    offered.retain(|life| *life <= longest);
    offered.sort();
    offered.dedup();
    let life = |life: Period| {
        let until = now.saturating_add(life.as_duration()).to_string();
        Life {
            seconds: life.as_duration().as_secs(),
            words: words::length(life.as_duration()),
            until: until.split('T').next().unwrap_or_default().to_owned(),
            chosen: life == wanted,
        }
    };
    offered.into_iter().map(life).collect()
}

/// In days.
const OFFERED: [u64; 4] = [1, 7, 30, 180];
const DAY: u64 = 86_400;
