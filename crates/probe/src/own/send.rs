//! A step of a test: its request with the values of the round, its answers, and what is kept of them.

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde_json::Value;

use super::expression::Term;
use super::form::{Capture, Step, Texts};
use super::functions::pattern;
use super::values::{Drawn, Values};
use crate::attacks::usable;
use crate::call::{Call, Part, Payload};
use crate::field::Field;
use crate::session::SetCookie;
use crate::surface::is_spared;
use crate::wire::{Answer, Request, WireError};

/// What went out and came back: several answers where several were sent at once.
#[derive(Debug, Clone)]
pub(crate) struct Sent {
    pub(crate) who: usize,
    pub(crate) request: Request,
    pub(crate) answers: Vec<Answer>,
}

/// Redirects that are followed.
const FOLLOWED: usize = 5;

/// What must not stand in a request line; everything else is as the test writes it.
const TARGET: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'<')
    .add(b'>')
    .add(b'#')
    .add(b'\\')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// The request of a step.
///
/// # Errors
/// In words, when a value cannot be computed.
pub(crate) fn request(step: &Step, values: &Values, with: &Drawn<'_>) -> Result<Request, String> {
    if let Some(raw) = &step.raw {
        return super::raw::read(&values.fill_bytes(raw, with)?);
    }
    let (method, target) = step.request.split_once(' ').unwrap_or(("GET", "/"));
    let target = values.fill(target, with)?;
    let mut call = Call::new(method, "/");
    call.query = fields(&step.query, values, with)?;
    call.payload = payload(step, values, with)?;
    let mut request = call.request();
    let query = request.target.split_once('?').map(|(_, query)| query.to_owned());
    request.target = utf8_percent_encode(&target, TARGET).to_string();
    if let Some(query) = query {
        request.target.push(if target.contains('?') { '&' } else { '?' });
        request.target.push_str(&query);
    }
    for (name, texts) in &step.headers {
        request = request.without(name);
        for text in texts.all() {
            let value = values.fill(&text.shown(), with)?;
            if value.contains(['\r', '\n']) {
                return Err(format!("the value of `{name}` has a line end in it; hint: `raw` sends one"));
            }
            request = request.header(name, &value);
        }
    }
    if !step.cookies.is_empty() {
        let all =
            step.cookies.iter().map(|(name, value)| Ok(format!("{name}={}", values.fill(value, with)?)));
        request = request.header("Cookie", &all.collect::<Result<Vec<_>, String>>()?.join("; "));
    }
    Ok(request)
}

fn fields(
    map: &std::collections::BTreeMap<String, Texts>,
    values: &Values,
    with: &Drawn<'_>,
) -> Result<Vec<(String, Value)>, String> {
    let mut out = Vec::new();
    for (name, texts) in map {
        for text in texts.all() {
            out.push((name.clone(), Value::String(values.fill(&text.shown(), with)?)));
        }
    }
    Ok(out)
}

fn payload(step: &Step, values: &Values, with: &Drawn<'_>) -> Result<Payload, String> {
    if let Some(value) = &step.json {
        return Ok(Payload::Json(values.fill_json(value, with)?));
    }
    if !step.form.is_empty() {
        return Ok(Payload::Form(fields(&step.form, values, with)?));
    }
    if !step.multipart.is_empty() {
        let parts = step.multipart.iter().map(|(name, part)| {
            let media_type = part.media_type.clone().unwrap_or_else(|| "application/octet-stream".to_owned());
            let file = part.file.as_ref().map(|file| Ok::<_, String>((values.fill(file, with)?, media_type)));
            let content = values.fill_bytes(&part.text, with)?;
            Ok(Part { name: name.clone(), file: file.transpose()?, content })
        });
        return Ok(Payload::Multipart(parts.collect::<Result<_, String>>()?));
    }
    match &step.body {
        Some(body) => {
            let bytes = values.fill_bytes(&body.text, with)?;
            Ok(Payload::Raw { media_type: body.media_type.clone(), bytes })
        }
        None => Ok(Payload::Nothing),
    }
}

/// Sends a step. The inner error says in words why there is no answer.
///
/// # Errors
/// When the run is over.
pub(crate) async fn send(
    field: &Field,
    who: usize,
    step: &Step,
    values: &Values,
    in_turn: bool,
) -> Result<Result<Sent, String>, WireError> {
    let with = Drawn { rng: &*field.rng, now: field.clock.now().as_secs() };
    let request = match request(step, values, &with) {
        Ok(request) => request,
        Err(problem) => return Ok(Err(problem)),
    };
    if !request.target.starts_with('/') && step.raw.is_none() {
        return Ok(Err(format!("`{}` is no path of the target", request.target)));
    }
    if is_spared(field, &request.target) {
        return Ok(Err(format!("`{}` is spared; hint: `target.spare`", request.target)));
    }
    let times = usize::from(step.at_once.unwrap_or(1));
    let silent = || "nothing answers".to_owned();
    if times > 1 && !in_turn {
        let sent = field.person(who).session().apply(&request);
        let answers = field.wire.together(&vec![sent; times]).await?;
        let answers: Vec<Answer> = answers.into_iter().filter_map(Result::ok).collect();
        return Ok(if answers.is_empty() { Err(silent()) } else { Ok(Sent { who, request, answers }) });
    }
    let mut answers = Vec::new();
    for _ in 0..times {
        if let Some(answer) = usable(field.request(who, &request).await)? {
            answers.push(followed(field, who, step, &request, answer).await?);
        }
    }
    Ok(if answers.is_empty() { Err(silent()) } else { Ok(Sent { who, request, answers }) })
}

async fn followed(
    field: &Field,
    who: usize,
    step: &Step,
    request: &Request,
    answer: Answer,
) -> Result<Answer, WireError> {
    let mut answer = answer;
    let mut at = request.target.clone();
    for _ in 0..FOLLOWED {
        if !step.follow || !answer.is_redirect() {
            break;
        }
        let to = answer.field("location").unwrap_or_default();
        let path = at.split('?').next().unwrap_or_default();
        let Some(to) = field.wire.origin().inside(path, to) else { break };
        let Some(next) = usable(field.request(who, &Request::get(&to)).await)? else { break };
        (answer, at) = (next, to);
    }
    Ok(answer)
}

impl Capture {
    /// What stands there in an answer.
    pub(crate) fn of(&self, answer: &Answer) -> Option<Term> {
        if let Some(pointer) = &self.json {
            let value = answer.json()?.pointer(pointer)?.clone();
            return (!value.is_null()).then(|| Term::text(&crate::call::text_of(&value)));
        }
        if let Some(name) = &self.header {
            return answer.field(name).map(Term::text);
        }
        if let Some(name) = &self.cookie {
            let mut cookies = answer.fields("set-cookie").filter_map(SetCookie::parse);
            return cookies.find(|cookie| cookie.name == *name).map(|cookie| Term::text(&cookie.value));
        }
        let pattern = pattern(self.regex.as_deref()?).ok()?;
        let found = pattern.captures(&answer.body)?;
        let group = found.get(1).or_else(|| found.get(0))?;
        Some(Term::Text(group.as_bytes().to_vec()))
    }
}
