//! Whether a write takes properties that only the application should set (OWASP API3:2023, CWE-915).
//!
//! 1. What the write is known to take is left as it is. One more property is added: one that answers show and requests do not
//!    have, and names of power and money (`role`, `is_admin`, `credit`, `tenant_id`, …).
//! 2. Control: the write without it, read back, shows the property with another value.
//! 3. The write with it: proven when the read-back shows the value, twice: a second write with another value, or the way back.
//! 4. Negative twin: a property of a random name. Where that is read back too, the store keeps whatever it is sent; then only
//!    properties count that the control had by itself.
//!
//! A property that the contract lists for the request, or that the known request has, is meant to be set. What was changed is
//! set back to what it was.

use std::collections::{BTreeMap, BTreeSet};

use gabion_model::Severity;
use gabion_model::outbound::BoxFuture;
use serde_json::{Map, Value, json};

use super::effect::places;
use super::{Attack, Phase, usable};
use crate::call::{Call, Payload, text_of};
use crate::field::{Field, Known};
use crate::learn::works;
use crate::matrix::Access;
use crate::operation::Operation;
use crate::verdict::{Outcome, Proof, Verdict};
use crate::wire::{Answer, Request, WireError};

pub(super) struct MassAssignment;

const ID: &str = "mass-assignment";

impl Attack for MassAssignment {
    fn id(&self) -> &'static str {
        ID
    }

    fn phase(&self) -> Phase {
        Phase::Write
    }

    fn run<'a>(&'a self, field: &'a Field) -> BoxFuture<'a, Result<(), WireError>> {
        Box::pin(run(field))
    }
}

async fn run(field: &Field) -> Result<(), WireError> {
    let seen = values(field);
    let mut tested = 0_usize;
    for known in field.examples().filter(|known| field.has_turn(known)) {
        let Some(operation) = field.operation(known.operation) else { continue };
        let takes = matches!(&known.call.payload, Payload::Json(Value::Object(_)) | Payload::Form(_));
        let writes = matches!(operation.method.as_str(), "POST" | "PUT" | "PATCH");
        // What takes nothing takes no more either.
        if !takes || !writes || known.who == 0 || sent_texts(&known.call).is_empty() {
            continue;
        }
        if attack(field, known, operation, &seen).await? {
            tested = tested.saturating_add(1);
        }
    }
    if field.has_first_turn() && super::registration::registration(field, ID).await? {
        tested = tested.saturating_add(1);
    }
    if tested == 0 {
        field.not_tested(ID, "no write shows as JSON what it has done");
    }
    Ok(())
}

/// Values that answers have for a property, by its name.
fn values(field: &Field) -> BTreeMap<String, BTreeSet<String>> {
    fn walk(value: &Value, depth: usize, all: &mut BTreeMap<String, BTreeSet<String>>) {
        match value {
            Value::Object(members) if depth < 6 => {
                for (name, value) in members {
                    if matches!(value, Value::String(_) | Value::Number(_)) && all.len() < 2_000 {
                        let values = all.entry(name.clone()).or_default();
                        if values.len() < 50 {
                            values.insert(text_of(value));
                        }
                    }
                    walk(value, depth.saturating_add(1), all);
                }
            }
            Value::Array(items) if depth < 6 => {
                items.iter().take(50).for_each(|item| walk(item, depth.saturating_add(1), all));
            }
            _ => {}
        }
    }
    let mut all = BTreeMap::new();
    for body in field.known.iter().filter_map(|known| known.answer.json()) {
        walk(&body, 0, &mut all);
    }
    for person in &field.people {
        for (name, value) in [("role", &person.role), ("tenant", &person.tenant)] {
            all.entry(name.to_owned()).or_default().extend(value.clone());
        }
    }
    all
}

/// Where the state of what is written can be read.
enum Mirror {
    /// A read of its own.
    Read(Call),
    /// What a plain write answers.
    Write(Call),
}

struct Aim<'a> {
    field: &'a Field,
    who: usize,
    plain: &'a Call,
    mirror: Mirror,
    /// A write that makes something new each time: its answer or its place tells of that one alone.
    creates: bool,
}

impl Aim<'_> {
    /// Sends the write with more in it.
    async fn write(&self, more: Option<(&str, &Value)>) -> Result<Option<(Request, Answer)>, WireError> {
        let call = more.map_or_else(|| self.plain.clone(), |(name, value)| with(self.plain, name, value));
        usable(self.field.exchange(self.who, &call).await)
    }

    /// All of them in one write: where it works, those that nothing is seen of are done with.
    async fn sift(&self, wanted: &mut Vec<(String, Weight, Value)>) -> Result<(), WireError> {
        if wanted.len() < 3 {
            return Ok(());
        }
        let call = wanted.iter().fold(self.plain.clone(), |call, (name, _, value)| with(&call, name, value));
        let Some((_, answer)) = usable(self.field.exchange(self.who, &call).await)? else { return Ok(()) };
        if !works(self.field, &answer) {
            return Ok(());
        }
        if let Some(state) = self.state(&answer).await? {
            wanted.retain(|(name, _, value)| {
                state.object.get(name).is_some_and(|now| text_of(now) == text_of(value))
            });
        }
        Ok(())
    }

    /// The object as it is read after a write that was answered so.
    async fn state(&self, written: &Answer) -> Result<Option<State>, WireError> {
        let call = match &self.mirror {
            Mirror::Read(call) => {
                if self.creates {
                    let near = places(self.field, self.who, self.plain, written).into_iter().next();
                    near.filter(|near| !near.path.is_empty()).unwrap_or_else(|| call.clone())
                } else {
                    call.clone()
                }
            }
            Mirror::Write(call) => call.clone(),
        };
        let Some((request, answer)) = usable(self.field.exchange(self.who, &call).await)? else {
            return Ok(None);
        };
        let object = object_of(&answer).filter(|_| works(self.field, &answer));
        Ok(object.map(|object| State { request, answer, object }))
    }
}

/// An object as it was read.
struct State {
    request: Request,
    answer: Answer,
    object: Map<String, Value>,
}

fn object_of(answer: &Answer) -> Option<Map<String, Value>> {
    let body = answer.json()?;
    let members = body.as_object()?;
    // `{"user": {…}}` is that user.
    let mut inner = members.values().filter_map(Value::as_object);
    match (inner.next(), inner.next()) {
        (Some(only), None) if members.len() <= 3 => Some(only.clone()),
        _ => Some(members.clone()),
    }
}

pub(super) fn with(call: &Call, name: &str, value: &Value) -> Call {
    let mut call = call.clone();
    match &mut call.payload {
        Payload::Json(Value::Object(members)) => {
            members.insert(name.to_owned(), value.clone());
        }
        Payload::Form(fields) => {
            fields.retain(|(own, _)| own != name);
            fields.push((name.to_owned(), value.clone()));
        }
        _ => {}
    }
    call
}

/// Whether there was something to test.
async fn attack(
    field: &Field,
    known: &Known,
    operation: &Operation,
    seen: &BTreeMap<String, BTreeSet<String>>,
) -> Result<bool, WireError> {
    let id = operation.id();
    let Some(aim) = aim(field, known).await? else { return Ok(false) };
    let Some((_, written)) = aim.write(None).await? else { return Ok(false) };
    let Some(before) = aim.state(&written).await?.filter(|_| works(field, &written)) else {
        return Ok(false);
    };
    // The twin: does it keep what no application knows?
    let stray = field.canary();
    let twin = aim.write(Some((&stray, &json!("1")))).await?;
    let Some((twin_request, twin)) = twin else { return Ok(false) };
    let after = aim.state(&twin).await?;
    let keeps_all = after.as_ref().is_some_and(|state| state.object.contains_key(&stray));
    let twin = field.evidence(aim.who, &twin_request, &twin);
    let mut found = false;
    let mut wanted = Vec::new();
    for (name, weight) in names(operation, known, &before.object) {
        let own = before.object.get(&name);
        if own.is_none() && (keeps_all || weight != Weight::Power) {
            continue;
        }
        if let Some(value) = other_value(field, &name, own, seen) {
            wanted.push((name, weight, value));
        }
    }
    aim.sift(&mut wanted).await?;
    for (name, weight, value) in wanted {
        let own = before.object.get(&name);
        let Some((request, answer)) = aim.write(Some((&name, &value))).await? else { continue };
        let Some(state) = aim.state(&answer).await? else { continue };
        let took = |state: &State, value: &Value| {
            state.object.get(&name).is_some_and(|now| text_of(now) == text_of(value))
        };
        if !took(&state, &value) {
            continue;
        }
        // Without it, nothing of the kind happens; and it goes back by the same way.
        let back = own.cloned().unwrap_or(Value::Null);
        let restored = match aim.write(Some((&name, &back))).await? {
            Some((_, answer)) => {
                aim.state(&answer).await?.is_some_and(|state| own.is_none() || took(&state, &back))
            }
            None => false,
        };
        let again = if aim.creates || !restored {
            let plain = aim.write(None).await?;
            match plain {
                Some((_, answer)) if aim.creates => {
                    aim.state(&answer).await?.is_some_and(|state| !took(&state, &value))
                }
                _ => false,
            }
        } else {
            true
        };
        if !restored && !aim.creates {
            field.note(format!("`{id}` set `{name}` and did not set it back to `{}`", text_of(&back)));
        }
        found = true;
        let says = format!(
            "whoever calls it sets `{name}`: it was `{}` and became `{}`",
            own.map_or_else(|| "not there".to_owned(), text_of),
            text_of(&value)
        );
        field.saw(&id, aim.who, Access::Violation, format!("sets `{name}`"));
        let evidence = format!("`{name}` is read as `{}`", text_of(&value));
        let proof = Proof::new(field.evidence(aim.who, &request, &answer), evidence)
            .twin(twin.clone())
            .shown(field.evidence(aim.who, &before.request, &before.answer))
            .shown(field.evidence(aim.who, &state.request, &state.answer));
        let verdict = if again { Verdict::Proven } else { Verdict::Firm };
        let mut outcome = Outcome::new(ID, &id, verdict, says).aspect(&name);
        if weight == Weight::Other {
            outcome = outcome.severity(Severity::Low);
        }
        field.say(outcome.proof(proof));
    }
    if !found {
        field.say(Outcome::new(ID, &id, Verdict::Passed, "properties that were added had no effect"));
    }
    Ok(true)
}

/// How a write is sent and read back; nothing where it cannot be.
async fn aim<'a>(field: &'a Field, known: &'a Known) -> Result<Option<Aim<'a>>, WireError> {
    let Some((_, written)) = usable(field.exchange(known.who, &known.call).await)? else { return Ok(None) };
    if !works(field, &written) {
        return Ok(None);
    }
    let creates = known.call.method == "POST" && known.call.path.is_empty();
    let shape: BTreeSet<String> =
        object_of(&written).map(|object| object.keys().cloned().collect()).unwrap_or_default();
    let texts = sent_texts(&known.call);
    let near = places(field, known.who, &known.call, &written);
    let operation = format!("{} {}", known.call.method, known.call.template);
    for call in near {
        let path = call.request().target;
        if field.memory.is_vain(known.who, &operation, &path) {
            continue;
        }
        let Some(answer) = usable(field.call(known.who, &call).await)? else { continue };
        // What was sent stands there in no form.
        let long = |text: &String| text.chars().count() >= LONG;
        if texts.iter().any(|(_, text)| long(text))
            && !texts.iter().any(|(_, text)| long(text) && answer.has(text))
        {
            field.memory.keep_vain(known.who, &operation, &path);
        }
        let Some(object) = object_of(&answer).filter(|_| works(field, &answer)) else { continue };
        let shared = object.keys().filter(|name| shape.contains(*name)).count();
        let alike = shape.len() >= 2 && shared.saturating_mul(2) > shape.len();
        let shows =
            texts.iter().any(|(name, text)| object.get(name).is_some_and(|own| text_of(own) == *text));
        if shows && (alike || shape.len() < 2) {
            let mirror = Mirror::Read(call);
            return Ok(Some(Aim { field, who: known.who, plain: &known.call, mirror, creates }));
        }
    }
    if shape.len() >= 2 && !creates {
        let mirror = Mirror::Write(known.call.clone());
        return Ok(Some(Aim { field, who: known.who, plain: &known.call, mirror, creates }));
    }
    Ok(None)
}

/// Texts of so many letters do not stand anywhere by chance.
const LONG: usize = 8;

/// Names and values that a request sends at its top.
fn sent_texts(call: &Call) -> Vec<(String, String)> {
    match &call.payload {
        Payload::Json(Value::Object(members)) => {
            members.iter().map(|(name, value)| (name.clone(), text_of(value))).collect()
        }
        Payload::Form(fields) => fields.iter().map(|(name, value)| (name.clone(), text_of(value))).collect(),
        _ => Vec::new(),
    }
}

/// What a property is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Weight {
    /// Power, money or whose it is.
    Power,
    Other,
}

/// Properties that are tried, those of the object first.
fn names(operation: &Operation, known: &Known, object: &Map<String, Value>) -> Vec<(String, Weight)> {
    let body = operation.body.as_ref();
    let listed = body.and_then(|body| body.schema.get("properties")).and_then(Value::as_object);
    let sent: BTreeSet<String> = sent_texts(&known.call).into_iter().map(|(name, _)| name).collect();
    let meant = |name: &str| {
        let read_only = |schema: &Value| schema.get("readOnly") == Some(&Value::Bool(true));
        sent.contains(name) || listed.and_then(|all| all.get(name)).is_some_and(|schema| !read_only(schema))
    };
    let mut all: Vec<(String, Weight)> = Vec::new();
    for (name, value) in object {
        let simple = matches!(value, Value::String(_) | Value::Number(_) | Value::Bool(_) | Value::Null);
        let weight = if is_power(name) { Weight::Power } else { Weight::Other };
        // Without a contract nobody says what else is meant to be set.
        if simple && !meant(name) && !is_own_of_record(name) && (weight == Weight::Power || listed.is_some())
        {
            all.push((name.clone(), weight));
        }
    }
    all.sort_by_key(|(_, weight)| *weight != Weight::Power);
    for name in UNSEEN {
        if !meant(name) && !object.contains_key(*name) {
            all.push(((*name).to_owned(), Weight::Power));
        }
    }
    all.truncate(MOST);
    all
}

/// Properties tried at one operation.
const MOST: usize = 16;

/// What every record has, and a change of which means little.
fn is_own_of_record(name: &str) -> bool {
    let name = name.to_ascii_lowercase().replace(['_', '-'], "");
    matches!(name.as_str(), "id" | "uuid" | "guid" | "version" | "etag" | "href" | "url" | "self" | "links")
        || ["createdat", "updatedat", "created", "updated", "modified", "timestamp", "date"]
            .iter()
            .any(|ending| name.ends_with(ending))
        || ["password", "passwd", "hash", "token", "secret"].iter().any(|word| name.contains(word))
}

pub(super) fn is_power(name: &str) -> bool {
    let name = name.to_ascii_lowercase().replace(['_', '-'], "");
    POWER.iter().any(|word| name.contains(word)) || matches!(name.as_str(), "total" | "paid" | "plan" | "org")
}

const POWER: &[&str] = &[
    "role",
    "admin",
    "permission",
    "privilege",
    "scope",
    "staff",
    "superuser",
    "verified",
    "approved",
    "credit",
    "balance",
    "price",
    "discount",
    "tenant",
    "organization",
    "organisation",
    "owner",
    "userid",
    "accountid",
    "customerid",
    "status",
    "premium",
    "quota",
    "limit",
    "confirmed",
    "locked",
    "banned",
];

/// Names that are tried where no answer has them: an answer that then has them tells.
const UNSEEN: &[&str] = &["role", "is_admin", "isAdmin", "admin", "verified", "balance"];

/// Another value of the same kind that the property may well have.
fn other_value(
    field: &Field,
    name: &str,
    own: Option<&Value>,
    seen: &BTreeMap<String, BTreeSet<String>>,
) -> Option<Value> {
    let word = name.to_ascii_lowercase();
    let others = || {
        let own = own.map(text_of).unwrap_or_default();
        seen.get(name).into_iter().flatten().find(|value| **value != own && !value.is_empty()).cloned()
    };
    let value = match own {
        Some(Value::Bool(own)) => json!(!own),
        Some(Value::Number(number)) => {
            let own = number.as_i64()?;
            let reference = word.ends_with("id");
            let other = others().filter(|_| reference).and_then(|value| value.parse::<i64>().ok());
            if reference { json!(other?) } else { json!(own.saturating_add(4_173)) }
        }
        Some(Value::String(_)) => match others() {
            Some(other) if is_power(name) => Value::String(other),
            _ if word.contains("role") => json!("admin"),
            _ if word.contains("mail") => json!(format!("{}@example.com", field.canary())),
            // A word that nothing has would be refused for what it is.
            _ if is_power(name) => return None,
            _ => json!(field.canary()),
        },
        None | Some(Value::Null) => match word.as_str() {
            "role" => json!("admin"),
            "balance" | "credit" => json!(4_173),
            _ => json!(true),
        },
        _ => return None,
    };
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn power_is_known_by_its_names() {
        for name in ["role", "isAdmin", "is_admin", "tenant_id", "credit", "accountBalance", "userId"] {
            assert!(is_power(name), "{name}");
        }
        for name in ["title", "body", "display_name", "email"] {
            assert!(!is_power(name), "{name}");
        }
        for name in ["id", "created_at", "updatedAt", "password_hash", "api_token"] {
            assert!(is_own_of_record(name), "{name}");
        }
    }
}
