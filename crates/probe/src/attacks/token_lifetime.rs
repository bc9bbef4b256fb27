//! How long tokens are good, and whether the means to renew them is good once (CWE-613; RFC 9700, OWASP ASVS 3.5).
//!
//! `never`: a token that carries a session says no end. `long`: it ends after more than a day, or than the facts declare
//! (`accounts.token`). Both are read in the token.
//!
//! `reuse`: somebody signs in once more and renews by the refresh token of that. Control: the new token opens what only they get,
//! and a made-up refresh token renews nothing (twin). It is proven when the same refresh token renews again.
//!
//! `confused`: the refresh token is sent as if it were the other one, and opens what only they get.

use gabion_model::Severity;
use gabion_model::outbound::BoxFuture;
use serde_json::Value;

use super::{Attack, Phase, usable};
use crate::call::{Call, Payload, Put};
use crate::field::{Field, Known};
use crate::learn;
use crate::login::Tried;
use crate::operation::{Operation, Place, Point};
use crate::session::Session;
use crate::tokens;
use crate::verdict::{Exchange, Outcome, Proof, Verdict};
use crate::wire::{Answer, Request, WireError};

pub(super) struct TokenLifetime;

const ID: &str = "token-lifetime";

impl Attack for TokenLifetime {
    fn id(&self) -> &'static str {
        ID
    }

    fn phase(&self) -> Phase {
        Phase::Sessions
    }

    fn run<'a>(&'a self, field: &'a Field) -> BoxFuture<'a, Result<(), WireError>> {
        Box::pin(run(field))
    }
}

const DAY: i64 = 24 * 60 * 60;

async fn run(field: &Field) -> Result<(), WireError> {
    let signed: Vec<usize> = field.signed_in().filter(|who| field.person(*who).way.is_some()).collect();
    let mut tested = false;
    for who in &signed {
        let session = field.person(*who).session();
        let told = tokens::values(&session).find_map(|text| tokens::read(text).map(|(_, claims)| claims));
        if let Some(claims) = told {
            lifetime(field, *who, &claims);
            tested = true;
            break;
        }
    }
    for who in signed {
        let Some((_, answer)) = &field.person(who).login else { continue };
        if refresh_in(answer).is_some() {
            tested = true;
            renewal(field, who).await?;
            break;
        }
    }
    if !tested {
        field.not_tested(ID, "nobody's session is a token that says when it ends, or that is renewed");
    }
    Ok(())
}

fn lifetime(field: &Field, who: usize, claims: &Value) {
    let Some((request, answer)) = &field.person(who).login else { return };
    let operation = format!("{} {}", request.method, request.target.split('?').next().unwrap_or_default());
    let time = |name: &str| claims.get(name).and_then(Value::as_f64).map(|seconds| seconds as i64);
    let begin = time("iat").or_else(|| time("nbf")).unwrap_or_else(|| field.clock.now().as_secs());
    let shown =
        Exchange::new(&field.person(who).name, &super::session_cookies::without_secrets(request), answer);
    let found = |aspect, severity, says: String| {
        let proof = Proof::new(shown.clone(), says.clone());
        let outcome = Outcome::new(ID, &operation, Verdict::Proven, says);
        field.say(outcome.aspect(aspect).severity(severity).proof(proof));
    };
    let Some(end) = time("exp") else {
        found("never", Severity::Medium, "a token that carries a session never ends (`exp`)".to_owned());
        return;
    };
    let lives = end.saturating_sub(begin);
    let declared =
        field.facts.accounts.token.and_then(|period| i64::try_from(period.as_duration().as_secs()).ok());
    let most = declared.unwrap_or(DAY);
    if lives > most {
        let severity = if declared.is_some() { Severity::Medium } else { Severity::Low };
        found("long", severity, format!("a token that carries a session is good for {} minutes", lives / 60));
    } else {
        let says = format!("a token that carries a session ends after {} minutes", lives / 60);
        field.say(Outcome::new(ID, &operation, Verdict::Passed, says).aspect("long"));
    }
}

/// The refresh token in what signed somebody in.
fn refresh_in(answer: &Answer) -> Option<String> {
    fn walk(value: &Value, depth: usize) -> Option<String> {
        let members = value.as_object().filter(|_| depth < 5)?;
        let own = members.iter().find(|(name, value)| {
            name.to_ascii_lowercase().contains("refresh")
                && value.as_str().is_some_and(|text| text.len() >= 16)
        });
        own.and_then(|(_, value)| value.as_str().map(str::to_owned))
            .or_else(|| members.values().find_map(|value| walk(value, depth.saturating_add(1))))
    }
    walk(&answer.json()?, 0)
}

/// The operation that renews, and where its token goes.
fn operation(field: &Field) -> Option<(&Operation, Call, Point)> {
    field.operations.iter().filter(|operation| operation.method == "POST").find_map(|operation| {
        let mut call = Call::new("POST", &operation.path);
        call.payload = learn::payload(field, operation, 0);
        let point = call.points().into_iter().find(|point| {
            let fits = matches!(point.place, Place::Json | Place::Form);
            fits && point.word().to_ascii_lowercase().contains("refresh")
        });
        let path = operation.path.to_ascii_lowercase();
        let point = point.or_else(|| {
            let bare = path.contains("refresh") && call.payload == Payload::Nothing;
            bare.then(|| {
                call.payload = Payload::Json(Value::Object(serde_json::Map::new()));
                Point::new(Place::Json, "/refresh_token")
            })
        })?;
        let grant = call.points().into_iter().find(|point| point.word() == "grant_type");
        if let Some(grant) = grant {
            call = call.with(&grant, &Put::Text("refresh_token"));
        }
        Some((operation, call, point))
    })
}

async fn renewal(field: &Field, who: usize) -> Result<(), WireError> {
    let Some((operation, call, point)) = operation(field) else {
        field
            .say(Outcome::new(ID, "", Verdict::NotTested, "nothing takes the refresh token").aspect("reuse"));
        return Ok(());
    };
    let id = operation.id();
    let say =
        |verdict, aspect: &str, says: &str| field.say(Outcome::new(ID, &id, verdict, says).aspect(aspect));
    let Some(proof) = field.proof_of(who) else {
        say(Verdict::NotTested, "reuse", "nothing shows whether somebody is signed in");
        return Ok(());
    };
    let Some(Tried { answer, session: Ok(session), .. }) =
        field.sign_in_again(who, Session::default()).await?
    else {
        say(Verdict::Inconclusive, "reuse", "nobody could sign in once more");
        return Ok(());
    };
    let Some(token) = refresh_in(&answer) else { return Ok(()) };
    field.hide(&session);
    field.hide(&Session { headers: vec![("Authorization".to_owned(), token.clone())], ..Session::default() });
    // Another one, that is not used up: it is asked once more at the end.
    if let Some(unused) = field.person(who).login.as_ref().and_then(|(_, answer)| refresh_in(answer)) {
        confused(field, who, &id, &unused, proof).await?;
    }
    let renew = |token: &str| call.with(&point, &Put::Text(token)).request();
    let stray: String = token.chars().rev().collect();
    let Some(twin) = usable(field.wire.send(&renew(&stray)).await)? else { return Ok(()) };
    let Some(first) = usable(field.wire.send(&renew(&token)).await)? else { return Ok(()) };
    let renewed = opened_by(field, &session, &first, proof).await?;
    if !renewed || twin.is_success() && opened_by(field, &session, &twin, proof).await? {
        say(Verdict::Inconclusive, "reuse", "a refresh token renews nothing, or any does");
        return Ok(());
    }
    let Some(second) = usable(field.wire.send(&renew(&token)).await)? else { return Ok(()) };
    let name = &field.person(who).name;
    if opened_by(field, &session, &second, proof).await? {
        let says = "a refresh token is good again after it was used";
        let shown = |request: Request, answer: &Answer| Exchange::new(name, &request, answer);
        let found =
            Proof::new(shown(renew(&token), &second), "the token that it gave opens what only they get")
                .twin(shown(renew(&stray), &twin))
                .shown(shown(renew(&token), &first));
        field.say(
            Outcome::new(ID, &id, Verdict::Proven, says).aspect("reuse").severity(Severity::Low).proof(found),
        );
    } else {
        say(Verdict::Passed, "reuse", "a refresh token is good once");
    }
    Ok(())
}

/// Whether what a renewal gave opens what the session did.
async fn opened_by(
    field: &Field,
    session: &Session,
    answer: &Answer,
    proof: &Known,
) -> Result<bool, WireError> {
    if !answer.is_success() {
        return Ok(false);
    }
    let mut own = Session { headers: session.headers.clone(), ..Session::default() };
    own.learn(answer);
    if let Some(token) = answer.json().as_ref().and_then(crate::login::token_in) {
        for (_, value) in &mut own.headers {
            let scheme = value.rsplit_once(' ').map_or_else(String::new, |(scheme, _)| format!("{scheme} "));
            *value = format!("{scheme}{token}");
        }
    } else if own.cookies.is_empty() {
        return Ok(false);
    }
    field.hide(&own);
    field.opens(&own, proof).await
}

async fn confused(field: &Field, who: usize, id: &str, token: &str, proof: &Known) -> Result<(), WireError> {
    let own = field.person(who).session();
    if own.headers.is_empty() {
        return Ok(());
    }
    let with = |token: &str| {
        let headers = own.headers.iter().map(|(name, value)| {
            let scheme = value.rsplit_once(' ').map_or_else(String::new, |(scheme, _)| format!("{scheme} "));
            (name.clone(), format!("{scheme}{token}"))
        });
        Session { headers: headers.collect(), ..Session::default() }
    };
    let (theirs, stray) = (with(token), with(&token.chars().rev().collect::<String>()));
    let outcome = |verdict, says: &str| Outcome::new(ID, id, verdict, says).aspect("confused");
    if field.opens(&theirs, proof).await? && !field.opens(&stray, proof).await? {
        let request = proof.call.request();
        let answer = field.as_session(&theirs, &request).await?;
        let twin = field.as_session(&stray, &request).await?;
        let name = &field.person(who).name;
        let found = Proof::new(
            Exchange::new(name, &theirs.apply(&request), &answer),
            "what only they get is got with the refresh token",
        )
        .twin(Exchange::new("anonymous", &stray.apply(&request), &twin));
        let says = "a refresh token is taken where the short one belongs";
        field.say(outcome(Verdict::Proven, says).severity(Severity::Medium).proof(found));
    } else {
        field.say(outcome(Verdict::Passed, "a refresh token opens nothing by itself"));
    }
    Ok(())
}
