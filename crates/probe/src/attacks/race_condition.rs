//! Whether something that goes once goes more often when it is asked for at once (CWE-362, CWE-367): a voucher, a bonus, a vote.
//!
//! What is tested begins afresh each time: with an account that the probe made, or with an object that it made.
//!
//! 1. Control and twin: one after the other. It goes some times (mostly once) and is refused then.
//! 2. Afresh, nine more than that arrive within one tick. It is a finding when more of them are answered as those that went,
//!    twice, afresh again. It is proven where a number that the account reads, or the length of a list, has moved further than in
//!    the control; else tentative: answers alone may be polite.
//!
//! Looked at are operations that are called like something that goes once: redeem, claim, vote, withdraw and such.

use std::collections::BTreeMap;

use gabion_model::outbound::BoxFuture;
use serde_json::Value;

use super::effect::{make, places};
use super::meter::{numbers_of, same};
use super::{Attack, Phase, usable};
use crate::belongings::{last_of_path, noun_at, owned};
use crate::call::Call;
use crate::compare::Profile;
use crate::field::{Field, Known};
use crate::sacrifice;
use crate::session::Session;
use crate::verdict::{Exchange, Outcome, Proof, Verdict};
use crate::wire::{Answer, Request, WireError};

pub(super) struct RaceCondition;

const ID: &str = "race-condition";

impl Attack for RaceCondition {
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

const WORDS: &[&str] = &[
    "accept", "apply", "bonus", "buy", "cash", "checkout", "claim", "confirm", "coupon", "follow", "gift",
    "invite", "like", "payout", "promo", "purchase", "redeem", "refund", "reserve", "reward", "spend",
    "transfer", "use", "verify", "vote", "voucher", "withdraw",
];
/// How often it may go one after the other.
const IN_A_ROW: usize = 6;
/// How many more arrive at once.
const MORE: usize = 9;
/// Operations of one run.
const MOST: usize = 8;

async fn run(field: &Field) -> Result<(), WireError> {
    let named = |known: &&Known| {
        let path = known.call.template.to_ascii_lowercase();
        let mut parts = path.split(['/', '-', '_']).filter(|part| !part.contains('{'));
        let writes = matches!(known.call.method.as_str(), "POST" | "PUT" | "PATCH");
        writes
            && known.who != 0
            && parts.any(|part| WORDS.iter().any(|word| part == *word || part == format!("{word}s")))
    };
    let mut tested = 0_usize;
    for known in field.attempts().filter(named).filter(|known| field.has_turn(known)).take(MOST) {
        tested = tested.saturating_add(1);
        attack(field, known).await?;
    }
    if tested == 0 {
        field.not_tested(ID, "no operation is called like something that goes once");
    }
    Ok(())
}

/// A beginning: who sends, what, and where its effect may show.
struct Fresh {
    name: String,
    session: Session,
    call: Call,
    windows: Vec<Call>,
}

/// How to begin afresh.
enum Source {
    Account,
    /// A new object of a kind that the call names, in its path or its body.
    Object(crate::operation::Point, String),
}

async fn source(field: &Field, known: &Known) -> Result<Result<Source, String>, WireError> {
    let mut points: Vec<_> = last_of_path(&known.call).into_iter().collect();
    points.extend(known.call.points());
    for point in points {
        let Some(kind) = noun_at(&known.call, &point) else { continue };
        if make(field, known.who, &kind, &field.canary()).await?.is_some() {
            return Ok(Ok(Source::Object(point, kind)));
        }
    }
    let bound = known.call.points().iter().any(|point| owned(field, &known.call, point, known.who).is_some());
    if bound {
        return Ok(Err("it is about something that the probe cannot make anew".to_owned()));
    }
    Ok(match sacrifice::recipe(field).await? {
        Ok(_) => Ok(Source::Account),
        Err(reason) => Err(reason),
    })
}

async fn fresh(field: &Field, known: &Known, source: &Source) -> Result<Option<Fresh>, WireError> {
    let nothing = Answer::nothing();
    match source {
        Source::Account => {
            let Ok(account) = sacrifice::make(field).await? else { return Ok(None) };
            let mut windows = places(field, known.who, &known.call, &nothing);
            windows.extend(sacrifice::door(field).map(|door| door.call.clone()));
            Ok(Some(Fresh {
                name: account.user,
                session: account.session,
                call: known.call.clone(),
                windows,
            }))
        }
        Source::Object(point, kind) => {
            let Some(id) = make(field, known.who, kind, &field.canary()).await? else { return Ok(None) };
            let call = known.call.with_like(point, &id);
            let windows = places(field, known.who, &call, &nothing);
            let person = field.person(known.who);
            Ok(Some(Fresh { name: person.name.clone(), session: person.session(), call, windows }))
        }
    }
}

type Figures = BTreeMap<(usize, String), f64>;

async fn figures(field: &Field, fresh: &Fresh) -> Result<Figures, WireError> {
    let mut all = Figures::new();
    for (at, call) in fresh.windows.iter().take(6).enumerate() {
        let Some(answer) = usable(field.as_session(&fresh.session, &call.request()).await)? else { continue };
        if let Some(body) = answer.json().filter(|_| answer.is_success()) {
            all.extend(numbers_of(&body).into_iter().map(|(pointer, number)| ((at, pointer), number)));
            lengths(&body, &mut String::new(), &mut |pointer, length| {
                all.insert((at, format!("{pointer}/#")), length);
            });
        }
    }
    Ok(all)
}

/// How long lists are, down to those in members of the whole.
fn lengths(value: &Value, at: &mut String, take: &mut dyn FnMut(&str, f64)) {
    match value {
        Value::Array(items) => take(at, u32::try_from(items.len()).map_or(0.0, f64::from)),
        Value::Object(members) if at.len() < 100 => {
            for (name, value) in members {
                let length = at.len();
                at.push('/');
                at.push_str(name);
                lengths(value, at, take);
                at.truncate(length);
            }
        }
        _ => {}
    }
}

/// By how much figures moved.
fn moves(before: &Figures, after: &Figures) -> Figures {
    let moved = after.iter().filter_map(|(key, now)| Some((key.clone(), now - before.get(key)?)));
    moved.filter(|(_, by)| !same(*by, 0.0)).collect()
}

async fn attack(field: &Field, known: &Known) -> Result<(), WireError> {
    let operation = format!("{} {}", known.call.method, known.call.template);
    let say = |verdict, says: String| field.say(Outcome::new(ID, &operation, verdict, says));
    let source = match source(field, known).await? {
        Ok(source) => source,
        Err(reason) => {
            say(Verdict::NotTested, reason);
            return Ok(());
        }
    };
    let Some(begin) = fresh(field, known, &source).await? else {
        say(Verdict::NotTested, "nothing could be made to begin with".to_owned());
        return Ok(());
    };
    let before = figures(field, &begin).await?;
    let Some((first, last, goes)) = in_a_row(field, &begin).await? else {
        say(Verdict::NotTested, "it does not go even once for something new".to_owned());
        return Ok(());
    };
    if last.1.is_throttle() {
        say(
            Verdict::NotTested,
            format!("after {goes} it was asked too often, which tells nothing of what it does"),
        );
        return Ok(());
    }
    // What goes one time and not the next is switched on and off.
    let request = begin.session.apply(&begin.call.request());
    if usable(field.wire.send(&request).await)?.is_some_and(|next| alike(&first.1, &next)) {
        say(Verdict::NotTested, "it goes again after it was refused".to_owned());
        return Ok(());
    }
    if goes >= IN_A_ROW {
        say(Verdict::NotTested, format!("it may be done again and again: {goes} in a row went"));
        return Ok(());
    }
    let expected = moves(&before, &figures(field, &begin).await?);
    let mut shown: Option<(Fresh, Request, Answer, usize, Option<String>)> = None;
    for _ in 0..2 {
        let Some(begin) = fresh(field, known, &source).await? else { return Ok(()) };
        let before = figures(field, &begin).await?;
        let request = begin.session.apply(&begin.call.request());
        let all = vec![request.clone(); goes.saturating_add(MORE)];
        let answers: Vec<Answer> =
            field.wire.together(&all).await?.into_iter().filter_map(Result::ok).collect();
        let went: Vec<&Answer> = answers.iter().filter(|answer| alike(&first.1, answer)).collect();
        let (Some(answer), true) = (went.first(), went.len() > goes) else {
            let verdict = if went.is_empty() { Verdict::Inconclusive } else { Verdict::Passed };
            let says = format!("of {} at once {} went, as one after the other", all.len(), went.len());
            say(verdict, says);
            return Ok(());
        };
        let (answer, count) = ((*answer).clone(), went.len());
        let moved = moves(&before, &figures(field, &begin).await?);
        let further = expected.iter().find_map(|(key, by)| {
            let now = moved.get(key).filter(|now| now.abs() > by.abs() && now.signum() == by.signum())?;
            Some(format!("`{}` moved by {now}, and by {by} one after the other", key.1))
        });
        let further = further.or_else(|| shown.as_ref().and_then(|(.., further)| further.clone()));
        shown = Some((begin, request, answer, count, further));
    }
    let Some((begin, request, answer, count, further)) = shown else { return Ok(()) };
    let says = format!("it goes {goes} times one after the other, and {count} times at once");
    let verdict = if further.is_some() { Verdict::Proven } else { Verdict::Tentative };
    let evidence = further.unwrap_or_else(|| says.clone());
    let proof = Proof::new(Exchange::new(&begin.name, &request, &answer), evidence)
        .twin(Exchange::new(&begin.name, &last.0, &last.1))
        .shown(Exchange::new(&begin.name, &first.0, &first.1));
    field.say(Outcome::new(ID, &operation, verdict, says).proof(proof));
    Ok(())
}

/// One after the other, until one does not go: the first that went, the first that did not, and how many did.
async fn in_a_row(
    field: &Field,
    fresh: &Fresh,
) -> Result<Option<((Request, Answer), (Request, Answer), usize)>, WireError> {
    let request = fresh.session.apply(&fresh.call.request());
    let (mut first, mut last): (Option<Answer>, Option<Answer>) = (None, None);
    let mut goes = 0_usize;
    while goes < IN_A_ROW {
        let Some(answer) = usable(field.wire.send(&request).await)? else { return Ok(None) };
        match &first {
            None if !answer.is_success() => return Ok(None),
            None => first = Some(answer.clone()),
            Some(first) if !alike(first, &answer) => {
                last = Some(answer);
                break;
            }
            Some(_) => {}
        }
        last = Some(answer);
        goes = goes.saturating_add(1);
    }
    let exchange = |answer: Answer| (request.clone(), answer);
    Ok(first.zip(last).map(|(first, last)| (exchange(first), exchange(last), goes)))
}

/// Whether two answers say the same of what was done; numbers in them may differ.
fn alike(first: &Answer, other: &Answer) -> bool {
    let Some(profile) = Profile::of(&[first]) else { return false };
    let words = profile.words();
    first.status == other.status
        && profile
            .distance(other, "", "")
            .is_some_and(|distance| distance.saturating_mul(3) <= words.saturating_add(3))
}
