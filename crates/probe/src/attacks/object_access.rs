//! Whether somebody reads what belongs to somebody else, by its id (OWASP API1:2023, CWE-639).
//!
//! 1. A reads an object of A's: of A's lists and of nobody else's, or made by A. That is the positive control.
//! 2. B asks the same. It is a finding when B gets the same object, on what does not change by itself;
//! 3. when nobody (anonymous) does not get it: else it is public, or the test `missing-login` speaks; and
//! 4. when B's own lists do not have it: else it is shared by design.
//! 5. Negative twin: an id that no object has must not give the same to B.
//!
//! The same object is recognised by its own words: texts that its owner's answer has and the twin's has not. Where it has none,
//! by all that is stable. An id that nobody guesses (22 random letters) may be meant as a key: then it is tentative.
//!
//! The id may stand in the path, the query, a header field or a cookie; and in the body of an operation that only reads (a
//! search, a batch, an export, a query), where the answer has words of the object.
//!
//! `parent`: where the path names what the object is part of (`/users/{a}/orders/{b}`) and B is refused at A's, B names B's own
//! there and A's object behind it.
//!
//! What is known of people by their id may be a page that everybody who signed in shall see. It is proven where the answer has
//! something private in it (an address, a number of a telephone or an account, a date of birth); else tentative.
//!
//! B of another tenant than A is another finding (`tenant`). Where the facts' policy lets B's role call the operation for
//! everybody's objects it is no finding.

use gabion_model::Severity;
use gabion_model::outbound::BoxFuture;

use super::{Attack, Phase, takes_two, usable};
use crate::belongings::{last_of_path, own_id, owned};
use crate::call::{Call, Payload, Put};
use crate::compare::Profile;
use crate::field::{Field, Known};
use crate::learn::Object;
use crate::matrix::Access;
use crate::operation::{Operation, Place, Point};
use crate::verdict::{Outcome, Proof, Verdict};
use crate::wire::{Answer, Request, WireError};

pub(super) struct ObjectAccess;

const ID: &str = "object-access";

impl Attack for ObjectAccess {
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
    if !takes_two(field, ID) {
        return Ok(());
    }
    let mut tested = 0_usize;
    for known in &field.known {
        let Some(operation) = field.operation(known.operation) else { continue };
        if known.who == 0 || !(operation.is_safe() || only_reads(operation, &known.call)) {
            continue;
        }
        for point in points(&known.call) {
            let Some(object) = owned(field, &known.call, &point, known.who) else { continue };
            tested = tested.saturating_add(1);
            attack(field, known, &operation.id(), &point, object).await?;
        }
    }
    if tested == 0 {
        field.not_tested(ID, "no operation reads an object that belongs to one identity alone");
    }
    Ok(())
}

/// Where ids may stand: the last of a path; without one in it, anywhere else.
fn points(call: &Call) -> Vec<Point> {
    last_of_path(call).map_or_else(|| call.points(), |last| vec![last])
}

/// Whether an operation that could write is one that reads, by its name or by what it sends.
fn only_reads(operation: &Operation, call: &Call) -> bool {
    let last = operation.path.rsplit('/').find(|part| !part.is_empty() && !part.contains('{'));
    let named = READS.iter().any(|word| last.unwrap_or_default().to_ascii_lowercase().contains(word));
    let asked = match &call.payload {
        Payload::Json(body) => body.get("query").and_then(serde_json::Value::as_str).is_some_and(|query| {
            let query = query.trim_start();
            query.starts_with("query") || query.starts_with('{')
        }),
        _ => false,
    };
    operation.method == "POST" && (asked || named)
}

const READS: &[&str] = &[
    "batch", "bulk", "detail", "download", "export", "fetch", "find", "list", "lookup", "print", "query",
    "read", "report", "search", "status", "view",
];

async fn attack(
    field: &Field,
    known: &Known,
    operation: &str,
    point: &Point,
    object: &Object,
) -> Result<(), WireError> {
    let reads = matches!(known.call.method.as_str(), "GET" | "HEAD");
    let inconclusive =
        |why: &str| field.say(Outcome::new(ID, operation, Verdict::Inconclusive, why).at(point));
    let public =
        known.anonymous.as_ref().is_some_and(|answer| !field.is_refusal(answer) && answer.is_success());
    if public {
        field.say(Outcome::new(ID, operation, Verdict::NotTested, "everybody may read it").at(point));
        return Ok(());
    }
    let Some((request, control)) = usable(field.exchange(known.who, &known.call).await)? else {
        inconclusive("its owner got no answer any more");
        return Ok(());
    };
    let Some(profile) = Profile::of(&[&known.answer, &control]).filter(Profile::is_calm) else {
        inconclusive("its owner gets another answer each time");
        return Ok(());
    };
    let owner = field.person(known.who);
    for other in field.signed_in().filter(|other| *other != known.who) {
        let person = field.person(other);
        if object.seen_by.contains(&other) || may_see_all(field, &known.call, other, known.who) {
            continue;
        }
        let Some(stolen) = usable(field.call(other, &known.call).await)? else { continue };
        let elsewhere = owner.tenant.is_some() && person.tenant.is_some() && owner.tenant != person.tenant;
        let aspect = if elsewhere { "tenant" } else { "" };
        // No twin is needed to tell that they were refused, unless there is another way round.
        if known.call.path.len() < 2 && (field.is_refusal(&stolen) || stolen.status >= 400) {
            let says = format!("`{}` does not get what belongs to `{}`", person.name, owner.name);
            field.saw(operation, other, Access::Denied, says.as_str());
            field.say(Outcome::new(ID, operation, Verdict::Passed, says).at(point).aspect(aspect));
            continue;
        }
        let (twin_request, twin) = twin(field, other, &known.call, point).await?;
        let own = own_words(object, &control, &twin);
        if own.is_empty() && !reads {
            inconclusive("nothing in the answer tells one object from another");
            continue;
        }
        let same = if own.is_empty() {
            is_same(&profile, &stolen, field, other, known.who)
        } else {
            stolen.is_success() && own.iter().all(|word| stolen.has(word))
        };
        if !same {
            let says = format!("`{}` does not get what belongs to `{}`", person.name, owner.name);
            field.saw(operation, other, Access::Denied, says.as_str());
            field.say(Outcome::new(ID, operation, Verdict::Passed, says).at(point).aspect(aspect));
            beside(field, known, operation, point, other, &own).await?;
            continue;
        }
        if profile.fits(&twin, "", "") {
            inconclusive("an id that nothing has gets the same answer");
            continue;
        }
        let shared = shared(field, &known.call, point, other, object).await?;
        if shared == Shared::Whole {
            let says = format!("a list shows it to `{}` too: it is shared by design", person.name);
            field.say(Outcome::new(ID, operation, Verdict::NotTested, says).at(point).aspect(aspect));
            continue;
        }
        let says = format!("`{}` reads what belongs to `{}`", person.name, owner.name);
        let evidence = own.first().map_or_else(
            || "the same object as its owner reads".to_owned(),
            |word| format!("the answer has `{word}`, as its owner's has"),
        );
        let proof = Proof::new(field.evidence(other, &request, &stolen), evidence)
            .twin(field.evidence(other, &twin_request, &twin))
            .shown(field.evidence(known.who, &request, &control));
        let private = private_words(&control);
        let shown = PEOPLE.contains(&object.noun.as_str())
            && !private.iter().any(|word| stolen.has(word) && !twin.has(word));
        let outcome = if shown {
            let says = format!("{says}, which may be what everybody is shown of people; hint: `[[policy]]`");
            Outcome::new(ID, operation, Verdict::Tentative, says).aspect(aspect).severity(Severity::Low)
        } else if is_key(&known.call.value(point).unwrap_or_default()) {
            let says = format!(
                "{says}, by an id that nobody guesses; hint: name it in the facts as shared, if it is meant so"
            );
            Outcome::new(ID, operation, Verdict::Tentative, says).severity(Severity::Low)
        } else {
            field.saw(operation, other, Access::Violation, says.as_str());
            Outcome::new(ID, operation, Verdict::Proven, says).aspect(aspect)
        };
        field.say(outcome.at(point).proof(proof));
    }
    Ok(())
}

/// What B's own lists show of an object.
#[derive(Debug, PartialEq, Eq)]
enum Shared {
    Nothing,
    /// Its id, and not what is called secret.
    Partly,
    Whole,
}

/// Whether the list above a path has the object for B as well.
async fn shared(
    field: &Field,
    call: &Call,
    point: &Point,
    other: usize,
    object: &Object,
) -> Result<Shared, WireError> {
    let Some((above, _)) = call.template.rsplit_once("/{").filter(|_| point.place == Place::Path) else {
        return Ok(Shared::Nothing);
    };
    let list = field.known.iter().find(|known| known.call.method == "GET" && known.call.template == above);
    let Some(list) = list else { return Ok(Shared::Nothing) };
    let Some(answer) = usable(field.call(other, &list.call).await)? else { return Ok(Shared::Nothing) };
    if !lists(&answer.json().unwrap_or_default(), &point.name, &object.id, 0) {
        return Ok(Shared::Nothing);
    }
    let hidden = object.fields.iter().any(|(name, value)| {
        let name = name.to_ascii_lowercase();
        let kept = ["secret", "private", "confidential", "password", "token", "iban", "ssn"];
        let text = value.as_str().unwrap_or_default();
        kept.iter().any(|word| name.contains(word)) && text.len() >= 6 && !answer.has(text)
    });
    Ok(if hidden { Shared::Partly } else { Shared::Whole })
}

/// Whether an object of a list has that id, under one of the names ids have.
fn lists(value: &serde_json::Value, name: &str, id: &str, depth: usize) -> bool {
    match value {
        serde_json::Value::Object(members) if depth < 6 => members.iter().any(|(own, value)| {
            let is_id = own == name || matches!(own.as_str(), "id" | "_id" | "uuid" | "slug" | "key");
            (is_id && crate::call::text_of(value) == id) || lists(value, name, id, depth.saturating_add(1))
        }),
        serde_json::Value::Array(items) if depth < 6 => {
            items.iter().any(|item| lists(item, name, id, depth.saturating_add(1)))
        }
        _ => false,
    }
}

/// Behind what is B's own in the path, the object of A.
async fn beside(
    field: &Field,
    known: &Known,
    operation: &str,
    point: &Point,
    other: usize,
    own: &[String],
) -> Result<(), WireError> {
    let mut call = known.call.clone();
    let parents = known.call.points().into_iter().filter(|one| one.place == Place::Path && one != point);
    for parent in parents {
        let noun = crate::learn::noun_of(&known.call.template, &parent.name);
        let Some(id) = own_id(field, &noun, other) else { return Ok(()) };
        call = call.with(&parent, &Put::Text(&id));
    }
    if call == known.call || own.is_empty() {
        return Ok(());
    }
    let Some((request, answer)) = usable(field.exchange(other, &call).await)? else { return Ok(()) };
    let (twin_request, twin) = twin(field, other, &call, point).await?;
    let (person, owner) = (field.person(other), field.person(known.who));
    let outcome = if answer.is_success() && own.iter().all(|word| answer.has(word) && !twin.has(word)) {
        let says = format!(
            "`{}` reads what belongs to `{}`, by naming it as a part of something of their own",
            person.name, owner.name
        );
        field.saw(operation, other, Access::Violation, says.as_str());
        let evidence = own
            .first()
            .map(|word| format!("the answer has `{word}`, as its owner's has"))
            .unwrap_or_default();
        let owners = known.call.request();
        let proof = Proof::new(field.evidence(other, &request, &answer), evidence)
            .twin(field.evidence(other, &twin_request, &twin))
            .shown(field.evidence(known.who, &owners, &known.answer));
        Outcome::new(ID, operation, Verdict::Proven, says).proof(proof)
    } else {
        Outcome::new(ID, operation, Verdict::Passed, "what an object is part of is looked at")
    };
    field.say(outcome.at(point).aspect("parent"));
    Ok(())
}

/// Texts of an object by which it is known again: its owner's answer has them, and the twin's has not.
fn own_words(object: &Object, control: &Answer, twin: &Answer) -> Vec<String> {
    let texts = object.fields.values().filter_map(serde_json::Value::as_str);
    let texts = texts.filter(|text| text.len() >= 6 && *text != object.id);
    texts.filter(|text| control.has(text) && !twin.has(text)).take(5).map(str::to_owned).collect()
}

/// What objects are called that are people.
const PEOPLE: &[&str] = &["user", "member", "person", "people", "profile", "author", "player", "employee"];
/// Names of properties that are nobody else's business.
const PRIVATE: &[&str] = &[
    "mail",
    "phone",
    "mobile",
    "address",
    "street",
    "birth",
    "dob",
    "iban",
    "account",
    "card",
    "balance",
    "credit",
    "salary",
    "ssn",
    "passport",
    "tax",
    "password",
    "token",
    "secret",
    "medical",
    "diagnosis",
    "invoice",
    "order",
];

/// Values of an answer that are private by their names.
fn private_words(answer: &Answer) -> Vec<String> {
    fn walk(value: &serde_json::Value, private: bool, depth: usize, out: &mut Vec<String>) {
        match value {
            serde_json::Value::Object(members) if depth < 8 => {
                for (name, value) in members {
                    let name = name.to_ascii_lowercase();
                    let own = private || PRIVATE.iter().any(|word| name.contains(word));
                    walk(value, own, depth.saturating_add(1), out);
                }
            }
            serde_json::Value::Array(items) if depth < 8 => {
                items.iter().take(20).for_each(|item| walk(item, private, depth.saturating_add(1), out));
            }
            serde_json::Value::String(text) if private && text.len() >= 5 => out.push(text.clone()),
            serde_json::Value::Number(number) if private && number.to_string().len() >= 4 => {
                out.push(number.to_string());
            }
            _ => {}
        }
    }
    let mut all = Vec::new();
    walk(&answer.json().unwrap_or_default(), false, 0, &mut all);
    all.truncate(50);
    all
}

/// Whether an id is as good as a password: random letters of 80 bits or more.
fn is_key(id: &str) -> bool {
    let name = id.split('.').next().unwrap_or_default();
    let has = |test: fn(&u8) -> bool| name.bytes().any(|byte| test(&byte));
    if !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')) {
        return false;
    }
    let counted = name.bytes().all(|byte| byte.is_ascii_digit());
    let hexadecimal = !counted && name.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    let bits = match (has(u8::is_ascii_digit), has(u8::is_ascii_uppercase), has(u8::is_ascii_lowercase)) {
        (true, ..) if hexadecimal => 4,
        (_, true, true) => 6,
        (true, true, false) | (true, false, true) => 5,
        // Words, or numbers that are counted.
        _ => 0,
    };
    name.len().saturating_mul(bits) >= 80
}

/// The same object: all that is stable, but for what a page says of its reader.
fn is_same(profile: &Profile, answer: &Answer, field: &Field, reader: usize, owner: usize) -> bool {
    let (reader, owner) = (&field.person(reader).user, &field.person(owner).user);
    profile.fits(answer, "", "")
        || profile.distance(answer, reader, owner).is_some_and(|distance| distance <= 2)
}

/// Whether the facts let a role see everybody's, in its own tenant.
pub(super) fn may_see_all(field: &Field, call: &Call, who: usize, owner: usize) -> bool {
    let (person, owner) = (field.person(who), field.person(owner));
    if person.tenant != owner.tenant {
        return false;
    }
    let above = person.role.is_some() && person.role != owner.role;
    let granted = field.facts.roles_of(&call.method, &call.template);
    // Somebody of another role may well be meant to see more; only a policy can say that they are not.
    above && granted.is_none_or(|roles| person.role.as_ref().is_some_and(|role| roles.contains(role)))
}

async fn twin(field: &Field, who: usize, call: &Call, point: &Point) -> Result<(Request, Answer), WireError> {
    let id = call.value(point).unwrap_or_default();
    let nothing = if id.parse::<u64>().is_ok() {
        format!("9{:08}", field.number(99_999_999))
    } else {
        // As long, of the same kinds of characters.
        id.chars().rev().map(|letter| if letter.is_ascii_digit() { '7' } else { letter }).collect()
    };
    field.exchange(who, &call.with_like(point, &nothing)).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_told_from_a_name() {
        for key in ["dGhp_BpcyBhIGtl.txt", "3f2b8c1e-7a64-4d59-9c0e-5b1d2f3a4c6e", "4f8a1bc95d3e2f60718293a4"]
        {
            assert!(is_key(key), "{key}");
        }
        for name in ["7", "probe.txt", "annual-report-of-the-board", "1000000000000000000001", "Invoice-2026"]
        {
            assert!(!is_key(name), "{name}");
        }
    }
}
