//! Whether another site's page can make a browser ask GraphQL with somebody's cookie (CWE-352): by an address, or by a form.
//!
//! Only where cookies make the session. What a page can send without being asked first (Fetch, CORS-safelisted) is sent with
//! the fields a browser adds to it: `Origin` of somebody else and `Sec-Fetch-Site: cross-site`.
//!
//! `form`: the query in `application/x-www-form-urlencoded` and in `text/plain`. `get`: a mutation in an address. It is proven when
//! `__typename` is computed; where `SameSite` keeps the cookie at home (`Lax` for forms, `Strict` for both) it is tentative. The
//! twin has a field that is not there, and gets none. Control: the usual way with JSON works.

use gabion_model::outbound::BoxFuture;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::{Attack, Phase, usable};
use crate::field::Field;
use crate::graphql::{Endpoint, endpoints};
use crate::session::SetCookie;
use crate::verdict::{Outcome, Proof, Verdict};
use crate::wire::{Answer, Request, WireError};

pub(super) struct GraphqlCsrf;

const ID: &str = "graphql-csrf";

impl Attack for GraphqlCsrf {
    fn id(&self) -> &'static str {
        ID
    }

    fn phase(&self) -> Phase {
        Phase::Read
    }

    fn run<'a>(&'a self, field: &'a Field) -> BoxFuture<'a, Result<(), WireError>> {
        Box::pin(run(field))
    }
}

async fn run(field: &Field) -> Result<(), WireError> {
    let endpoints = endpoints(field).await?;
    if endpoints.is_empty() {
        field.not_tested(ID, "nothing answers GraphQL");
        return Ok(());
    }
    let carried = |who: &usize| {
        let session = field.person(*who).session();
        !session.cookies.is_empty() && session.headers.is_empty()
    };
    let Some(who) = field.signed_in().find(carried) else {
        field.not_tested(ID, "nobody's session is a cookie alone: another site cannot use it");
        return Ok(());
    };
    for endpoint in endpoints {
        let Some((_, control)) = endpoint.ask(field, who, "{__typename}").await? else { continue };
        if !computed(&control) {
            let says = "the usual way gets no answer";
            field.say(Outcome::new(ID, &endpoint.id(), Verdict::Inconclusive, says));
            continue;
        }
        for (aspect, make) in WAYS {
            attack(field, &endpoint, who, aspect, *make).await?;
        }
    }
    Ok(())
}

type Make = fn(&Endpoint, &str) -> Request;

const WAYS: &[(&str, Make)] = &[
    ("form", |endpoint, name| {
        let body = format!("query={}", utf8_percent_encode(&format!("mutation{{{name}}}"), NON_ALPHANUMERIC));
        Request::new("POST", &endpoint.path).body("application/x-www-form-urlencoded", body)
    }),
    ("text", |endpoint, name| {
        let body = format!("{{\"query\":\"mutation{{{name}}}\"}}");
        Request::new("POST", &endpoint.path).body("text/plain", body)
    }),
    ("get", |endpoint, name| {
        let query = utf8_percent_encode(&format!("mutation{{{name}}}"), NON_ALPHANUMERIC).to_string();
        Request::get(&format!("{}?query={query}", endpoint.path))
    }),
];

async fn attack(
    field: &Field,
    endpoint: &Endpoint,
    who: usize,
    aspect: &'static str,
    make: Make,
) -> Result<(), WireError> {
    let foreign = |request: Request| {
        let request = request.header("Sec-Fetch-Site", "cross-site");
        if request.method == "GET" { request } else { request.header("Origin", "https://elsewhere.example") }
    };
    let request = foreign(make(endpoint, "__typename"));
    let Some(answer) = usable(field.request(who, &request).await)? else { return Ok(()) };
    let twin_request = foreign(make(endpoint, &field.canary()));
    let Some(twin) = usable(field.request(who, &twin_request).await)? else { return Ok(()) };
    let outcome = if computed(&answer) && !computed(&twin) {
        let says = match aspect {
            "get" => "a mutation in an address is carried out, for another site's page too",
            _ => "a mutation in a form is carried out, for another site's page too",
        };
        let proof = Proof::new(field.evidence(who, &request, &answer), "`__typename` was computed")
            .twin(field.evidence(who, &twin_request, &twin))
            .marked("__typename");
        let verdict = if at_home(field, who, aspect == "get") { Verdict::Tentative } else { Verdict::Proven };
        Outcome::new(ID, &endpoint.id(), verdict, says).proof(proof)
    } else {
        Outcome::new(ID, &endpoint.id(), Verdict::Passed, "what another site's page can send is refused")
    };
    field.say(outcome.aspect(aspect));
    Ok(())
}

/// Whether every cookie of somebody's sign-in stays at home with such a request (RFC 6265bis, section 5.5).
fn at_home(field: &Field, who: usize, by_link: bool) -> bool {
    let Some((_, answer)) = &field.person(who).login else { return false };
    let mut cookies = answer.fields("set-cookie").filter_map(SetCookie::parse).peekable();
    cookies.peek().is_some()
        && cookies.all(|cookie| {
            let same = cookie.attribute("samesite").unwrap_or_default().to_ascii_lowercase();
            same == "strict" || same == "lax" && !by_link
        })
}

fn computed(answer: &Answer) -> bool {
    answer
        .json()
        .is_some_and(|body| body.pointer("/data/__typename").is_some_and(serde_json::Value::is_string))
}
