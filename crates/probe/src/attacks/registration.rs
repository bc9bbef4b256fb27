//! Whether whoever registers gives themselves power (OWASP API3:2023, CWE-915): a part of `mass-assignment`.
//!
//! 1. Control: an account is made, and a read that was met shows a property of it that means power (`admin`, `role`).
//! 2. Another account is registered with that property set to another value; the read must show that value for it.
//! 3. Negative twin: the first account, registered without, has the other value. It is repeated with a third account.

use serde_json::{Map, Value};

use super::mass_assignment::{is_power, with};
use super::usable;
use crate::account::Values;
use crate::call::{Call, text_of};
use crate::field::{Field, Known};
use crate::sacrifice::{self, Recipe};
use crate::verdict::{Outcome, Proof, Verdict};
use crate::wire::{Answer, Request, WireError};

/// Reads that are looked at for the account, and properties that are tried.
const READS: usize = 12;
const PROPERTIES: usize = 4;

/// A read that shows an account.
struct Mirror<'a> {
    known: &'a Known,
    request: Request,
    answer: Answer,
    object: Map<String, Value>,
}

/// Whether there was something to test.
///
/// # Errors
/// When the run is over.
pub(super) async fn registration(field: &Field, test: &'static str) -> Result<bool, WireError> {
    let Ok(recipe) = sacrifice::recipe(field).await? else { return Ok(false) };
    let Ok(plain) = sacrifice::register(field, &recipe, None, &sacrifice::strong(field)).await? else {
        return Ok(false);
    };
    let mut seen = None;
    let reads = field.examples().filter(|known| known.call.method == "GET" && known.answer.json().is_some());
    for known in reads.take(READS) {
        if let Some(mirror) = shows(field, known, plain.name()).await?
            && mirror.object.iter().any(|(name, value)| is_power(name) && other(value).is_some())
        {
            seen = Some(mirror);
            break;
        }
    }
    let Some(mirror) = seen else { return Ok(false) };
    let id = recipe.step.id();
    let mut found = false;
    for (name, before) in mirror.object.iter().filter(|(name, _)| is_power(name)).take(PROPERTIES) {
        let Some(value) = other(before) else { continue };
        let Some((call, sent, first)) = tried(field, &recipe, &mirror, name, &value).await? else { continue };
        let again = tried(field, &recipe, &mirror, name, &value).await?.is_some();
        found = true;
        let says = format!(
            "whoever registers sets `{name}`: it is `{}` without, and became `{}`",
            text_of(before),
            text_of(&value)
        );
        let evidence = format!("`{name}` of the new account is read as `{}`", text_of(&value));
        let proof = Proof::new(field.evidence(recipe.maker(), &call.request(), &sent), evidence)
            .twin(field.evidence(recipe.maker(), &plain.made.0, &plain.made.1))
            .shown(field.evidence(mirror.known.who, &mirror.request, &mirror.answer))
            .shown(field.evidence(mirror.known.who, &first.request, &first.answer));
        let verdict = if again { Verdict::Proven } else { Verdict::Firm };
        field.say(Outcome::new(test, &id, verdict, says).aspect(name).proof(proof));
    }
    if !found {
        field.say(Outcome::new(test, &id, Verdict::Passed, "properties that were added had no effect"));
    }
    Ok(true)
}

/// Registers somebody with the property; what was sent and what the read shows, where it took.
async fn tried<'a>(
    field: &Field,
    recipe: &Recipe,
    mirror: &Mirror<'a>,
    name: &str,
    value: &Value,
) -> Result<Option<(Call, Answer, Mirror<'a>)>, WireError> {
    let user = field.canary();
    let email = format!("{user}@example.com");
    let password = sacrifice::strong(field);
    let values = Values { user: &user, email: &email, password: &password, ..Values::default() };
    let call = with(&recipe.step.call(&values), name, value);
    let Some((_, answer)) = usable(field.exchange(recipe.maker(), &call).await)? else { return Ok(None) };
    let Some(shown) = shows(field, mirror.known, &user).await? else { return Ok(None) };
    let took = shown.object.get(name).is_some_and(|now| text_of(now) == text_of(value));
    Ok(took.then_some((call, answer, shown)))
}

/// The read as it answers now, where an object of it names the account.
async fn shows<'a>(field: &Field, known: &'a Known, user: &str) -> Result<Option<Mirror<'a>>, WireError> {
    let Some((request, answer)) = usable(field.exchange(known.who, &known.call).await)? else {
        return Ok(None);
    };
    let object = answer.json().and_then(|body| object_of(&body, user, 0));
    Ok(object.map(|object| Mirror { known, request, answer, object }))
}

/// The object that has a text as one of its values.
fn object_of(value: &Value, text: &str, depth: usize) -> Option<Map<String, Value>> {
    if depth > 6 {
        return None;
    }
    match value {
        Value::Object(members) => {
            if members.values().any(|value| value.as_str() == Some(text)) {
                return Some(members.clone());
            }
            members.values().find_map(|value| object_of(value, text, depth.saturating_add(1)))
        }
        Value::Array(items) => {
            items.iter().rev().find_map(|item| object_of(item, text, depth.saturating_add(1)))
        }
        _ => None,
    }
}

/// What gives more power than a value.
fn other(value: &Value) -> Option<Value> {
    match value {
        Value::Bool(own) => Some(Value::Bool(!own)),
        Value::String(own) if own != "admin" && !own.is_empty() && !own.contains(' ') => {
            Some(Value::String("admin".to_owned()))
        }
        Value::Number(own) if own.as_i64() == Some(0) => Some(Value::from(1)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_account_is_found_wherever_it_stands() {
        let body = json!({ "users": [{ "name": "a", "admin": true }, { "name": "b", "admin": false }] });
        assert_eq!(object_of(&body, "b", 0).unwrap().get("admin"), Some(&json!(false)));
        assert_eq!(object_of(&body, "c", 0), None);
        assert_eq!(other(&json!(false)), Some(json!(true)));
        assert_eq!(other(&json!("admin")), None);
    }
}
