//! Whether one GraphQL request may ask for any amount of work (OWASP API4:2023, CWE-770).
//!
//! `depth`: a query that goes twenty circles deep, of an object that is not there, so that nothing is computed: who counts
//! refuses it before. `aliases`: one field a hundred times. `batch`: twenty queries in one list. Each is asked twice, and its twin
//! is the same with one circle, one field, one query. They are firm: what it costs is not tried.
//!
//! `passwords`: twenty wrong passwords for the last identity of the facts and then the right one, in one request. It is proven
//! when each is judged: the wrong ones are refused and the right one is not. A limit that counts requests has then seen one.

use gabion_model::Severity;
use gabion_model::outbound::BoxFuture;
use serde_json::{Value, json};

use super::{Attack, Phase, usable};
use crate::field::Field;
use crate::graphql::{Endpoint, Entry, Schema, data, endpoints, errors};
use crate::verdict::{Outcome, Proof, Verdict};
use crate::wire::{Answer, Request, WireError};

pub(super) struct GraphqlLimits;

const ID: &str = "graphql-limits";

impl Attack for GraphqlLimits {
    fn id(&self) -> &'static str {
        ID
    }

    fn phase(&self) -> Phase {
        Phase::Limits
    }

    fn run<'a>(&'a self, field: &'a Field) -> BoxFuture<'a, Result<(), WireError>> {
        Box::pin(run(field))
    }
}

const CIRCLES: usize = 20;
const ALIASES: usize = 100;
const BATCH: usize = 20;
const PASSWORDS: usize = 20;

async fn run(field: &Field) -> Result<(), WireError> {
    let endpoints = endpoints(field).await?;
    if endpoints.is_empty() {
        field.not_tested(ID, "nothing answers GraphQL");
    }
    for endpoint in endpoints {
        batch(field, &endpoint).await?;
        let Some(schema) = &endpoint.schema else {
            for aspect in ["aliases", "depth", "passwords"] {
                let says = "its schema is not told, and no query is known";
                field.say(Outcome::new(ID, &endpoint.id(), Verdict::NotTested, says).aspect(aspect));
            }
            continue;
        };
        depth(field, &endpoint, schema).await?;
        aliases(field, &endpoint, schema).await?;
        passwords(field, &endpoint, schema).await?;
    }
    Ok(())
}

/// A question and how to tell that it was answered as a whole.
struct Question<'a> {
    aspect: &'static str,
    big: Value,
    small: Value,
    whole: &'a (dyn Fn(&Answer) -> bool + Sync),
    says: String,
}

async fn judge(field: &Field, endpoint: &Endpoint, question: Question<'_>) -> Result<(), WireError> {
    let Question { aspect, big, small, whole, says } = question;
    let say = |verdict, says: &str| field.say(Outcome::new(ID, &endpoint.id(), verdict, says).aspect(aspect));
    let who = endpoint.who;
    let (big, small) = (endpoint.request(&big), endpoint.request(&small));
    let Some(twin) = usable(field.request(who, &small).await)? else { return Ok(()) };
    if !twin.is_success() || errors(&twin) {
        say(Verdict::Inconclusive, "the same in small is refused");
        return Ok(());
    }
    let mut shown: Option<Answer> = None;
    for _ in 0..2 {
        match usable(field.request(who, &big).await)? {
            Some(answer) if whole(&answer) => shown = Some(answer),
            Some(_) => {
                say(Verdict::Passed, "more than a request should ask for is refused");
                return Ok(());
            }
            None => {
                say(Verdict::Inconclusive, "it got no answer");
                return Ok(());
            }
        }
    }
    if let Some(answer) = shown {
        let proof = Proof::new(field.evidence(who, &big, &answer), says.clone())
            .twin(field.evidence(who, &small, &twin));
        let outcome = Outcome::new(ID, &endpoint.id(), Verdict::Firm, says).aspect(aspect);
        field.say(outcome.severity(Severity::Low).proof(proof));
    }
    Ok(())
}

async fn batch(field: &Field, endpoint: &Endpoint) -> Result<(), WireError> {
    let one = json!({ "query": "{__typename}" });
    let list = |count: usize| Value::Array(vec![one.clone(); count]);
    let whole = |answer: &Answer| {
        answer.json().is_some_and(|body| {
            let all = body.as_array().map_or(&[][..], Vec::as_slice);
            all.len() == BATCH && all.iter().all(|one| one.pointer("/data/__typename").is_some())
        })
    };
    let says = format!("a list of {BATCH} queries is one request");
    let question = Question { aspect: "batch", big: list(BATCH), small: one.clone(), whole: &whole, says };
    judge(field, endpoint, question).await
}

/// A query for one object by an id that nothing has: it costs next to nothing.
fn cheap(field: &Field, schema: &Schema) -> Vec<(Entry, String)> {
    let queries = schema.queries().iter().filter(|entry| {
        let by_id = entry.arguments.iter().any(|argument| argument.required && is_id(&argument.name));
        !entry.list && by_id && schema.types.contains_key(&entry.of)
    });
    queries
        .map(|entry| {
            let number = format!("9{:06}", field.number(999_999));
            let text = schema.field(entry, &|name| {
                let argument =
                    entry.arguments.iter().find(|argument| argument.name == name && is_id(name))?;
                Some(if argument.of == "Int" { number.clone() } else { format!("\"{number}\"") })
            });
            (entry.clone(), text)
        })
        .collect()
}

/// Whether an argument is an id by its name.
pub(super) fn is_id(name: &str) -> bool {
    name == "id" || name == "uuid" || name.ends_with("Id") || name.ends_with("_id") || name.ends_with("ID")
}

async fn depth(field: &Field, endpoint: &Endpoint, schema: &Schema) -> Result<(), WireError> {
    let all = cheap(field, schema);
    let found = all.iter().find_map(|(entry, text)| Some((text, schema.circle(&entry.of)?)));
    let Some((text, circle)) = found else {
        let says = "no object that is asked for by its id leads back to itself";
        field.say(Outcome::new(ID, &endpoint.id(), Verdict::NotTested, says).aspect("depth"));
        return Ok(());
    };
    let nested = |times: usize| {
        let steps: Vec<&str> =
            circle.iter().copied().cycle().take(circle.len().saturating_mul(times)).collect();
        let mut query = format!("{{{text}{{");
        query.extend(steps.iter().flat_map(|step| [*step, "{"]));
        query.push_str("__typename");
        query.push_str(&"}".repeat(steps.len().saturating_add(2)));
        json!({ "query": query })
    };
    let whole = |answer: &Answer| data(answer).is_some() && !errors(answer);
    let says = format!("a query {CIRCLES} times in a circle (`{}`) is answered", circle.join("."));
    judge(
        field,
        endpoint,
        Question { aspect: "depth", big: nested(CIRCLES), small: nested(1), whole: &whole, says },
    )
    .await
}

async fn aliases(field: &Field, endpoint: &Endpoint, schema: &Schema) -> Result<(), WireError> {
    let Some((_, text)) = cheap(field, schema).into_iter().next() else {
        let says = "no object is asked for by its id";
        field.say(Outcome::new(ID, &endpoint.id(), Verdict::NotTested, says).aspect("aliases"));
        return Ok(());
    };
    let many = |count: usize| {
        let fields: Vec<String> = (0..count).map(|at| format!("a{at}:{text}{{__typename}}")).collect();
        json!({ "query": format!("{{{}}}", fields.join(" ")) })
    };
    let whole = |answer: &Answer| {
        let all = data(answer).and_then(|data| Some(data.as_object()?.len()));
        all == Some(ALIASES) && !errors(answer)
    };
    let says = format!("one request asks for the same field {ALIASES} times");
    judge(
        field,
        endpoint,
        Question { aspect: "aliases", big: many(ALIASES), small: many(1), whole: &whole, says },
    )
    .await
}

async fn passwords(field: &Field, endpoint: &Endpoint, schema: &Schema) -> Result<(), WireError> {
    let say = |verdict, says: &str| {
        field.say(Outcome::new(ID, &endpoint.id(), verdict, says).aspect("passwords"));
    };
    let login = schema.mutations().iter().find(|entry| {
        let names: Vec<String> =
            entry.arguments.iter().map(|argument| argument.name.to_ascii_lowercase()).collect();
        let name = entry.name.to_ascii_lowercase();
        names.iter().any(|name| name.contains("passw"))
            && names.iter().any(|name| is_user(name))
            && ["login", "signin", "authenticate", "token"].iter().any(|word| name.contains(word))
    });
    let identity = field.facts.identities.iter().rfind(|identity| identity.password.is_some());
    let (Some(login), Some(identity)) = (login, identity) else {
        say(Verdict::NotTested, "no mutation takes a name and a password, or nobody's are known");
        return Ok(());
    };
    let right = identity.password.as_ref().map_or("", |password| password.expose());
    let one = |alias: &str, password: &str| {
        let call = schema.field(login, &|name| {
            let name = name.to_ascii_lowercase();
            let value = if name.contains("passw") { password } else { identity.user() };
            (name.contains("passw") || is_user(&name)).then(|| Value::from(value).to_string())
        });
        format!("{alias}:{call}{}", schema.selection(&login.of))
    };
    let mut fields: Vec<String> =
        (0..PASSWORDS).map(|at| one(&format!("w{at}"), &format!("Wrong-{}-{at}", field.canary()))).collect();
    fields.push(one("right", right));
    let whole = json!({ "query": format!("mutation{{{}}}", fields.join(" ")) });
    let single = json!({ "query": format!("mutation{{{}}}", one("w0", "Wrong-Harbour-1")) });
    let (whole, single) = (endpoint.request(&whole), endpoint.request(&single));
    let Some(answer) = usable(field.request(0, &whole).await)? else { return Ok(()) };
    let Some(twin) = usable(field.request(0, &single).await)? else { return Ok(()) };
    let empty = |value: Option<&Value>| value.is_none_or(is_empty);
    let told = answer.json().and_then(|body| body.get("data").cloned()).unwrap_or_default();
    let wrong = (0..PASSWORDS).filter(|at| empty(told.get(format!("w{at}")))).count();
    let in_now = !empty(told.get("right"));
    if !in_now || wrong < PASSWORDS {
        let says = if wrong < PASSWORDS && in_now {
            "a wrong password and the right one are answered alike"
        } else {
            "many passwords in one request are refused"
        };
        say(if in_now { Verdict::Inconclusive } else { Verdict::Passed }, says);
        return Ok(());
    }
    let says =
        format!("one request tries {PASSWORDS} wrong passwords and then the right one, which signs in");
    let hidden = |request: &Request| Request {
        body: format!(
            "(a mutation of `{}` with {} names and passwords)",
            login.name,
            PASSWORDS.saturating_add(1)
        )
        .into_bytes(),
        ..request.clone()
    };
    let proof = Proof::new(
        crate::verdict::Exchange::new("anonymous", &hidden(&whole), &Answer { body: Vec::new(), ..answer }),
        format!("{wrong} answers are empty, and that to the right password is not"),
    )
    .twin(crate::verdict::Exchange::new("anonymous", &single, &twin));
    field.say(
        Outcome::new(ID, &endpoint.id(), Verdict::Proven, says)
            .aspect("passwords")
            .severity(Severity::High)
            .proof(proof),
    );
    Ok(())
}

fn is_user(name: &str) -> bool {
    ["user", "login", "mail", "name", "account"].iter().any(|word| name.contains(word))
}

/// Whether nothing is said: null, or an object of nothing.
fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Object(members) => members.iter().all(|(name, value)| name == "__typename" || is_empty(value)),
        Value::Bool(truth) => !truth,
        Value::String(text) => text.is_empty(),
        _ => false,
    }
}
