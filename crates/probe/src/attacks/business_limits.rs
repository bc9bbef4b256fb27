//! Whether numbers of a business keep their bounds (CWE-840, CWE-20; OWASP API6:2023): quantities, amounts and prices.
//!
//! Bounds are declared in the facts (`[[bounds]]`), or told by a field's name: a quantity is a whole number above zero, an
//! amount that is paid is not negative, and who buys does not say what it costs.
//!
//! 1. Controls: two good values. There must be a number, in the answer or where the write shows, that is each of them in turn
//!    (or, for an amount, moves by each).
//! 2. The value that should be refused. It is proven when that same number then is it, or moves the other way. Twin: the control.
//!
//! Without a declared bound it is proven only where the path says that something is bought or paid, and tentative elsewhere: a
//! stock or a ledger may well take negative numbers.
//!
//! `negative`, `fraction`, `above` (the declared most), `below` (the declared least) and `price`, where an operation that buys
//! something by its id takes the price from the request.

use std::collections::BTreeMap;

use gabion_model::Severity;
use gabion_model::outbound::BoxFuture;
use serde_json::Value;

use super::effect::places;
use super::meter::{numbers_of, same};
use super::{Attack, Phase, usable};
use crate::belongings::noun_of_name;
use crate::call::{Call, Put};
use crate::facts::Bound;
use crate::field::{Field, Known};
use crate::operation::{Place, Point};
use crate::verdict::{Outcome, Proof, Verdict};
use crate::wire::{Answer, Request, WireError};

pub(super) struct BusinessLimits;

const ID: &str = "business-limits";

impl Attack for BusinessLimits {
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

const QUANTITIES: &[&str] =
    &["quantity", "qty", "seats", "tickets", "units", "copies", "pieces", "persons", "nights"];
const AMOUNTS: &[&str] = &["amount", "sum", "points", "credits", "coins"];
const PRICES: &[&str] = &["price", "unitprice", "cost", "totalprice", "total", "fee", "linetotal"];
/// Paths of operations that buy.
const BUYING: &[&str] = &["order", "cart", "basket", "checkout", "purchase", "buy", "booking", "reservation"];
/// Paths of operations that move what is somebody's.
const PAYING: &[&str] = &[
    "transfer", "pay", "withdraw", "deposit", "send", "give", "gift", "donat", "tip", "redeem", "spend",
    "refund", "topup", "top-up", "wallet",
];
/// Fields of one run.
const MOST: usize = 24;

/// What is wrong with a value.
struct Try {
    aspect: &'static str,
    value: f64,
    says: String,
    severity: Severity,
    /// Whether nobody could mean it: else it is tentative.
    sure: bool,
}

async fn run(field: &Field) -> Result<(), WireError> {
    let mut tested = 0_usize;
    for known in field.examples() {
        if known.who == 0 || !matches!(known.call.method.as_str(), "POST" | "PUT" | "PATCH") {
            continue;
        }
        for point in known.call.points() {
            if tested >= MOST || !matches!(point.place, Place::Json | Place::Form | Place::Query) {
                continue;
            }
            let Some((good, tries)) = tries(field, known, &point) else { continue };
            tested = tested.saturating_add(1);
            attack(field, known, &point, good, tries).await?;
        }
    }
    for bound in &field.facts.bounds {
        let known = field.examples().any(|known| is_at(bound, &known.call));
        if !known {
            let says = "no request of it is known that works";
            field.say(Outcome::new(ID, &bound.operation, Verdict::NotTested, says));
        }
    }
    if tested == 0 && field.facts.bounds.is_empty() {
        field.not_tested(
            ID,
            "no write takes a quantity, an amount or a price by its name; hint: `[[bounds]]`",
        );
    }
    Ok(())
}

fn is_at(bound: &Bound, call: &Call) -> bool {
    bound.operation == format!("{} {}", call.method, call.template)
}

/// Two good values of a field, and those that should be refused.
fn tries(field: &Field, known: &Known, point: &Point) -> Option<([f64; 2], Vec<Try>)> {
    let word: String =
        point.word().chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
    let value: f64 = known.call.value(point)?.parse().ok()?;
    let bound = field.facts.bounds.iter().find(|bound| {
        is_at(bound, &known.call) && (bound.field == point.name || bound.field == point.word())
    });
    let path = known.call.template.to_ascii_lowercase();
    let about = |words: &[&str]| words.iter().any(|word| path.contains(word));
    // A stock or a ledger may well take negative numbers.
    let sure = bound.is_some() || about(BUYING) || about(PAYING);
    let attempt = |aspect, value: f64, says: String, severity| Try { aspect, value, says, severity, sure };
    if let Some(bound) = bound {
        let least = bound.min.unwrap_or_else(|| bound.max.map_or(2.0, |most| most.min(3.0) - 1.0));
        let good = [least, least + bound.step.unwrap_or(1.0)];
        let mut all = Vec::new();
        if let Some(min) = bound.min {
            let below = min - bound.step.unwrap_or(1.0);
            all.push(attempt(
                "below",
                below,
                format!("takes {below}, and {min} is the least"),
                Severity::Medium,
            ));
        }
        if let Some(max) = bound.max {
            let above = max + bound.step.unwrap_or(1.0);
            all.push(attempt(
                "above",
                above,
                format!("takes {above}, and {max} is the most"),
                Severity::Medium,
            ));
        }
        if let Some(step) = bound.step {
            let between = good[0] + step / 2.0;
            all.push(attempt(
                "fraction",
                between,
                format!("takes {between} between two steps of {step}"),
                Severity::Medium,
            ));
        }
        return Some((good, all));
    }
    if QUANTITIES.contains(&word.as_str()) {
        let good = if value.fract() == 0.0 && value >= 1.0 { [value, value + 1.0] } else { [1.0, 2.0] };
        return Some((
            good,
            vec![
                attempt("negative", -1.0, "takes a negative quantity".to_owned(), Severity::High),
                attempt("fraction", good[0] + 0.5, "takes a fraction of a piece".to_owned(), Severity::Low),
            ],
        ));
    }
    if AMOUNTS.contains(&word.as_str()) {
        return Some((
            [2.0, 3.0],
            vec![attempt("negative", -2.0, "takes a negative amount".to_owned(), Severity::High)],
        ));
    }
    let names = known.call.points().iter().any(|other| {
        other != point && noun_of_name("/", other.word()).is_some_and(|noun| ITEMS.contains(&noun.as_str()))
            || ITEMS.contains(&other.word().to_ascii_lowercase().as_str())
    });
    if PRICES.contains(&word.as_str()) && about(BUYING) && names {
        let says = "takes the price of what is bought from who buys it".to_owned();
        return Some((
            [value.max(2.0), value.max(2.0) + 1.0],
            vec![attempt("price", 0.5, says, Severity::High)],
        ));
    }
    None
}

/// What is bought.
const ITEMS: &[&str] =
    &["product", "item", "sku", "article", "offer", "plan", "event", "room", "flight", "book"];

/// Numbers by where they show: in the answer, or at one of the places; each with its answer.
struct Shown {
    numbers: BTreeMap<(String, String), f64>,
    answer: Answer,
    request: Request,
    windows: Vec<(String, Request, Answer)>,
}

async fn send(field: &Field, known: &Known, point: &Point, value: f64) -> Result<Option<Shown>, WireError> {
    let call = with(&known.call, point, value);
    let Some((request, answer)) = usable(field.exchange(known.who, &call).await)? else { return Ok(None) };
    let mut numbers = BTreeMap::new();
    let mut keep = |label: &str, answer: &Answer| {
        let body = answer.json().filter(|_| answer.is_success()).unwrap_or_default();
        for (pointer, number) in numbers_of(&body) {
            numbers.insert((label.to_owned(), pointer), number);
        }
    };
    keep("", &answer);
    let mut windows = Vec::new();
    for call in places(field, known.who, &call, &answer).into_iter().take(4) {
        if let Some((request, answer)) = usable(field.exchange(known.who, &call).await)? {
            keep(&call.template, &answer);
            windows.push((call.template, request, answer));
        }
    }
    Ok(Some(Shown { numbers, answer, request, windows }))
}

fn with(call: &Call, point: &Point, value: f64) -> Call {
    let whole = value.fract() == 0.0;
    let number = if whole {
        format!("{value:.0}").parse::<i64>().map_or(Value::Null, Value::from)
    } else {
        Value::from(value)
    };
    let was_text = call.payload_text(point);
    if point.place == Place::Json && !was_text {
        call.with(point, &Put::Json(number))
    } else {
        call.with(point, &Put::Text(&number.to_string()))
    }
}

async fn attack(
    field: &Field,
    known: &Known,
    point: &Point,
    good: [f64; 2],
    tries: Vec<Try>,
) -> Result<(), WireError> {
    let operation = format!("{} {}", known.call.method, known.call.template);
    let say = |verdict, says: &str| field.say(Outcome::new(ID, &operation, verdict, says).at(point));
    let [one, two] = good;
    let before = send(field, known, point, one).await?;
    let after = send(field, known, point, two).await?;
    let (Some(before), Some(after)) = (before, after) else {
        say(Verdict::Inconclusive, "it got no answer");
        return Ok(());
    };
    let keys: Vec<&(String, String)> = before.numbers.keys().collect();
    let direct: Vec<_> = keys
        .iter()
        .filter(|key| {
            before.numbers.get(**key).is_some_and(|own| same(*own, one))
                && after.numbers.get(**key).is_some_and(|own| same(*own, two))
        })
        .map(|key| (*key).clone())
        .collect();
    // A balance moves by what was sent.
    let moving: Vec<((String, String), f64)> = keys
        .iter()
        .filter_map(|key| {
            let by = after.numbers.get(*key)? - before.numbers.get(*key)?;
            same(by.abs(), two).then(|| ((*key).clone(), by.signum()))
        })
        .collect();
    if direct.is_empty() && moving.is_empty() {
        say(Verdict::NotTested, "nothing shows what was sent");
        return Ok(());
    }
    let mut last = after;
    for Try { aspect, value, says, severity, sure } in tries {
        let Some(now) = send(field, known, point, value).await? else { continue };
        let key = direct
            .iter()
            .find(|key| now.numbers.get(*key).is_some_and(|own| same(*own, value)))
            .or_else(|| {
                let back = moving.iter().find(|(key, sign)| {
                    let by = now.numbers.get(key).zip(last.numbers.get(key)).map(|(now, last)| now - last);
                    value < 0.0 && by.is_some_and(|by| same(by, sign * value))
                });
                back.map(|(key, _)| key)
            });
        let outcome = match key {
            Some((window, pointer)) if now.answer.status < 400 => {
                let mut proof = Proof::new(
                    field.evidence(known.who, &now.request, &now.answer),
                    format!(
                        "`{pointer}` of {} shows it",
                        if window.is_empty() { "the answer" } else { window }
                    ),
                )
                .twin(field.evidence(known.who, &last.request, &last.answer));
                for (_, request, answer) in now.windows.iter().filter(|(name, ..)| name == window) {
                    proof = proof.shown(field.evidence(known.who, request, answer));
                }
                let verdict = if sure { Verdict::Proven } else { Verdict::Tentative };
                Outcome::new(ID, &operation, verdict, says).severity(severity).proof(proof)
            }
            _ => Outcome::new(ID, &operation, Verdict::Passed, format!("{value} is not taken")),
        };
        field.say(outcome.at(point).aspect(aspect));
        last = now;
    }
    // As it was when it was learned.
    usable(field.call(known.who, &known.call).await)?;
    Ok(())
}
