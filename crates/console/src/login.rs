//! `GET /.gabion/login`: the sign-in page. `POST`: sign in with `name`, `password` and `next`.
//!
//! A wrong name, a wrong password and a disabled account get one and the same answer. It is 403 and not
//! 401: RFC 9110, 15.5.2 lets a 401 out only with a challenge of a registered HTTP scheme, which a form
//! is not; 403 is "credentials were provided, and they are insufficient" (15.5.4). On success 303 to
//! `next`, which must be a path of this site, or to the page that asks for a second factor.
//!
//! Others send people here with hints in the query: `next`, where to go afterwards; `fresh=1`, ask even
//! who is signed in already; `acr`, by how much at least; `login_hint`, as whom. They are hints: whoever
//! needs freshness or an `acr` looks at the session on return. A hint that is repeated or malformed is
//! as if it were not there.

pub(crate) mod enrol;
pub(crate) mod passkey;
pub(crate) mod second_factor;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use axum::routing::{MethodRouter, get};
use gabion_model::{Acr, Secret};
use gabion_service::SignInError;
use http::StatusCode;
use serde::Deserialize;

use crate::context::Visitor;
use crate::form::{Asking, Form, Trouble};
use crate::notice::Notice;
use crate::{Console, next, page, step, words};

pub(crate) fn route() -> MethodRouter<Console> {
    get(show).post(sign_in)
}

#[derive(Debug, Default, Deserialize)]
struct Asked {
    #[serde(default)]
    next: String,
    notice: Option<Notice>,
    #[serde(default)]
    fresh: String,
    #[serde(default)]
    acr: String,
    #[serde(default)]
    login_hint: String,
}

#[derive(Debug, Deserialize)]
struct Fields {
    name: String,
    password: Secret<String>,
    #[serde(default)]
    next: String,
    #[serde(default)]
    acr: String,
}

#[derive(Debug, Template)]
#[template(path = "login.html")]
struct Page<'a> {
    host: Option<&'a str>,
    name: &'a str,
    next: &'a str,
    /// What is asked for at least, where that is more than one factor.
    acr: Option<&'static str>,
    /// Signed in already, and asked again.
    again: bool,
    /// Passkeys are possible here.
    passkey: bool,
    notice: Option<&'static str>,
    problem: Option<Trouble>,
    /// Other providers to sign in with.
    ways: Vec<Way>,
    /// An address alone may say where somebody signs in.
    by_domain: bool,
}

/// Another provider to sign in with.
#[derive(Debug)]
struct Way {
    href: String,
    label: String,
}

/// The page of a provider to which a typed address leads.
#[derive(Debug, Template)]
#[template(path = "federation_go.html")]
struct Onward<'a> {
    provider: &'a str,
    href: &'a str,
}

async fn show(State(console): State<Console>, visitor: Visitor, Asking(asked): Asking<Asked>) -> Response {
    let next = next::local(&asked.next);
    let wanted = wanted(&asked.acr);
    let session = visitor.known.session.as_ref().filter(|session| !session.is_ended());
    if let Some(session) = session
        && asked.fresh != "1"
        && session.methods.acr() >= wanted
    {
        return page::see_other(next);
    }
    let name = match session {
        Some(session) => session.principal.name.to_string(),
        None => asked.login_hint.chars().filter(|one| !one.is_control()).take(LONGEST_NAME).collect(),
    };
    let page = Page {
        host: visitor.host(),
        name: &name,
        next,
        acr: hidden(wanted),
        again: session.is_some(),
        passkey: console.service.passkeys_are_possible(),
        notice: asked.notice.and_then(Notice::text),
        problem: None,
        ways: ways(&console, next, wanted, asked.fresh == "1"),
        by_domain: console.service.federation_routes_by_domain(),
    };
    page::render(StatusCode::OK, &page)
}

/// A link per provider, in the order of the configuration.
fn ways(console: &Console, next: &str, wanted: Acr, fresh: bool) -> Vec<Way> {
    let providers = console.service.federation_providers();
    let way = |provider: gabion_service::ProviderView| Way {
        href: start(&provider.name, next, wanted, fresh),
        label: provider.display_name,
    };
    providers.into_iter().map(way).collect()
}

fn start(provider: &str, next: &str, wanted: Acr, fresh: bool) -> String {
    let mut href = format!("/.gabion/federation/{provider}/start?next={}", encoded(next));
    if let Some(acr) = hidden(wanted) {
        href.push_str(&format!("&acr={}", encoded(acr)));
    }
    if fresh {
        href.push_str("&fresh=1");
    }
    href
}

fn encoded(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

/// What is asked for; one factor where it says nothing we know.
fn wanted(acr: &str) -> Acr {
    Acr::ALL.iter().copied().find(|one| one.as_str() == acr).unwrap_or(Acr::OneFactor)
}

fn hidden(wanted: Acr) -> Option<&'static str> {
    (wanted > Acr::OneFactor).then(|| wanted.as_str())
}

async fn sign_in(
    State(console): State<Console>,
    visitor: Visitor,
    Form(Fields { name, password, next, acr }): Form<Fields>,
) -> Response {
    let (next, wanted) = (next::local(&next), wanted(&acr));
    // Whoever types an address and no password is taken to where such addresses sign in. Said by the
    // configuration alone, whether or not there is such an account.
    if password.expose().is_empty()
        && let Some(provider) = console.service.federation_provider_for(&name)
    {
        let fresh = visitor.known.session.is_some();
        let href = format!("{}&login_hint={}", start(&provider.name, next, wanted, fresh), encoded(&name));
        return page::render(StatusCode::OK, &Onward { provider: &provider.display_name, href: &href });
    }
    let error = match console.service.sign_in_for(&visitor.caller(), &name, password, wanted).await {
        Ok(next_step) => return step::answer(&visitor, &next_step, next),
        Err(error) => error,
    };
    let (status, problem, retry_after) = match error {
        SignInError::Rejected => (
            StatusCode::FORBIDDEN,
            Trouble::new("The name or the password is wrong.", "Please check both and try again."),
            None,
        ),
        SignInError::Throttled { retry_after } => (
            StatusCode::TOO_MANY_REQUESTS,
            Trouble::throttled(&words::wait(retry_after)),
            Some(words::seconds_up(retry_after)),
        ),
        SignInError::Busy => (StatusCode::SERVICE_UNAVAILABLE, Trouble::busy(), Some(5)),
        SignInError::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, Trouble::unavailable(), Some(60)),
    };
    let page = Page {
        host: visitor.host(),
        name: &name,
        next,
        acr: hidden(wanted),
        again: visitor.known.session.is_some(),
        passkey: console.service.passkeys_are_possible(),
        notice: None,
        problem: Some(problem),
        ways: ways(&console, next, wanted, visitor.known.session.is_some()),
        by_domain: console.service.federation_routes_by_domain(),
    };
    let answer = page::render(status, &page);
    match retry_after {
        Some(seconds) => page::retry_after(answer, seconds),
        None => answer,
    }
}

const LONGEST_NAME: usize = 254;
