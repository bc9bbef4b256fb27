//! Whether a value becomes part of an SQL query (CWE-89, OWASP A03:2021).
//!
//! For each value of each request, the first that shows it ends the search:
//! 1. The cheap question: quotation marks and a word that no query has go in. Where another value gives another answer and
//!    these give the original one, they are taken out before; nothing more is asked.
//! 2. All: a function that changes nothing, spelled right and wrong ([`super::spelling`]). What is written is the original value:
//!    writes are safe.
//! 3. All: the value in two parts that only a database joins (`la'||'mp`): the original answer, and not with a broken sign.
//! 4. Reads: a condition is added in the forms a query may have it, true and false ([`super::condition`]: control, twin and
//!    eight rounds).
//! 5. Names of columns: a `CASE` that gives the order of the original value or none.
//! 6. Writes that find nothing: a row of empty columns is added ([`super::union`]); a statement that writes refuses that whole.
//! 7. All: one quotation mark gives an error of a database, two do not, one does again. That is firm.
//! 8. Where nothing shows in an answer: a wait by the database's own function, as in `command-injection`. That is firm. No heavy
//!    queries.
//!
//! Fields that every request has (`User-Agent`, `Referer`, `X-Forwarded-For`) get quotation marks all at once, and are asked one by
//! one only where that makes a difference. So do cookies that no contract tells of, but those that sign somebody in.
//!
//! A condition that is true for every row is never sent to a write.

use gabion_model::outbound::BoxFuture;

use super::condition::{Grammar, condition};
use super::extras::{Extra, extras};
use super::spelling::{is_name, spelled};
use super::union::union;
use super::waiting::{Waits, waits};
use super::{Attack, Phase, shuffled, usable};
use crate::aim::{Aim, Sent, aim_at, aim_named, aims};
use crate::call::{Call, Put};
use crate::compare::{Profile, restored};
use crate::field::{Field, Known};
use crate::leak::database_error;
use crate::operation::{Place, Point};
use crate::reaction::Reaction;
use crate::verdict::{Proof, Verdict};
use crate::wire::{Answer, WireError};

pub(super) struct SqlInjection;

const ID: &str = "sql-injection";

impl Attack for SqlInjection {
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
    let aims = aims(field);
    let mut tested = 0_usize;
    for aim in aims.iter().filter(|aim| aim.is_value()) {
        tested = tested.saturating_add(1);
        attack(aim).await?;
    }
    for known in field.attempts().filter(|known| field.has_turn(known)) {
        heads(field, known).await?;
    }
    // Once, and not again where people sign in.
    if field.has_first_turn() {
        for extra in extras(field).await? {
            cookie(field, &extra).await?;
        }
    }
    if tested == 0 {
        field.not_tested(ID, "no operation takes a value");
    }
    Ok(())
}

/// What is kept of every request, and put into queries by who counts visitors.
const HEADS: &[&str] = &["User-Agent", "Referer", "X-Forwarded-For"];

/// Quotation marks in all of them at once; where that makes a difference, each by itself.
async fn heads(field: &Field, known: &Known) -> Result<(), WireError> {
    let with = |names: &[&str], text: &str| {
        let put = |call: Call, name: &&str| call.with(&Point::new(Place::Header, name), &Put::Text(text));
        names.iter().fold(known.call.clone(), put)
    };
    let broken = format!("{HEAD}'\"");
    let Some(changed) = usable(field.call(known.who, &with(HEADS, &broken)).await)? else { return Ok(()) };
    let like = |plain: &Answer| Profile::of(&[plain]).is_none_or(|base| base.fits(&changed, &broken, HEAD));
    // What is answered as it was without them needs no comparison.
    if like(&known.answer) {
        return Ok(());
    }
    let Some(plain) = usable(field.call(known.who, &with(HEADS, HEAD)).await)? else { return Ok(()) };
    if like(&plain) {
        return Ok(());
    }
    // What is made has an id of its own each time: that is told by more than one answer.
    let own = Known { call: with(HEADS, HEAD), ..known.clone() };
    let aim = HEADS.first().and_then(|name| aim_at(field, &own, Point::new(Place::Header, name)));
    let Some(aim) = aim else { return Ok(()) };
    if aim.profile().await?.is_some_and(|base| base.fits(&changed, &broken, HEAD)) {
        return Ok(());
    }
    for name in HEADS {
        let own = Known { call: with(&[*name], HEAD), ..known.clone() };
        let point = Point::new(Place::Header, name);
        if let Some(aim) = aim_at(field, &own, point) {
            attack(&aim).await?;
        }
    }
    Ok(())
}

/// Requests that are attacked by one cookie.
const REQUESTS: usize = 3;

/// A cookie that no contract tells of: quotation marks in it, and where that makes a difference, all else. One without which
/// somebody is not signed in is left alone: whatever it holds, another one is nobody's.
async fn cookie(field: &Field, extra: &Extra) -> Result<(), WireError> {
    let point = Point::new(Place::Cookie, &extra.name);
    if let Some(proof) = field.proof_of(extra.who) {
        let mut without = field.person(extra.who).session();
        without.cookies.retain(|(name, _)| *name != extra.name);
        if !field.opens(&without, proof).await? {
            return Ok(());
        }
    }
    for (operation, known) in extra.requests.iter().take(REQUESTS) {
        let with = |text: &str| known.call.with(&point, &Put::Text(text));
        let broken = format!("{}'\"", extra.value);
        let session = field.person(extra.who).session();
        let plain = usable(field.as_session(&session, &with(&extra.value).request()).await)?;
        let changed = usable(field.as_session(&session, &with(&broken).request()).await)?;
        let (Some(plain), Some(changed)) = (plain, changed) else { continue };
        if Profile::of(&[&plain]).is_none_or(|base| base.fits(&changed, &broken, &extra.value)) {
            continue;
        }
        let own = Known { call: with(&extra.value), ..known.clone() };
        if let Some(aim) = aim_named(field, &own, operation, point.clone()) {
            attack(&aim).await?;
        }
    }
    Ok(())
}

/// What stands in them otherwise.
const HEAD: &str = "probe";

const SQL: Grammar = Grammar {
    who: "the database",
    and: "AND",
    or: "OR",
    broken_and: "XAND",
    broken_or: "XOR_",
    compare: |one, two, truth| {
        format!("{one}*{two}={}", one.saturating_mul(two).saturating_add(u32::from(!truth)))
    },
    forms: &[
        ("'", "'1'!='2"),
        ("", "1=1"),
        ("%'", "'%'='"),
        ("\"", "\"1\"=\"1"),
        ("')", "('1'!='2"),
        ("%')", "('%'='"),
        (")", "(1=1"),
        ("'))", "(('1'='1"),
        ("))", "((1=1"),
    ],
};

/// Where a value can be joined to another the rest was tried already.
const PLAIN: Grammar = Grammar { forms: &[("'", "'1'!='2"), ("", "1=1"), ("\"", "\"1\"=\"1")], ..SQL };

async fn attack(aim: &Aim<'_>) -> Result<(), WireError> {
    if aim.is_typed().await? {
        aim.field.say(aim.outcome(ID, Verdict::Passed, "only numbers are taken"));
        return Ok(());
    }
    let base = aim.profile().await?;
    let (mut hidden, mut told) = (true, true);
    if let Some(base) = &base {
        let Some(signs) = aim.reaction(base).await? else { return Ok(()) };
        if signs.matters && !signs.breaks {
            aim.field.say(aim.outcome(ID, Verdict::Passed, "quotation marks are taken out of it"));
            return Ok(());
        }
        if signs.is_kept {
            aim.field.say(aim.outcome(
                ID,
                Verdict::Passed,
                "it is kept as it is sent, quotation marks and all",
            ));
            return Ok(());
        }
        if signs.breaks && (spelled(aim, ID, base).await? || joined(aim, base).await?) {
            return Ok(());
        }
        if aim.is_safe() {
            let grammar = if signs.matters { &PLAIN } else { &SQL };
            if !signs.is_refused && condition(aim, ID, base, grammar, !signs.matters).await? {
                return Ok(());
            }
            if signs.breaks && ordered(aim).await? {
                return Ok(());
            }
        } else if !signs.matters && !signs.breaks && shows_rows(aim, signs) && union(aim, ID, base).await? {
            return Ok(());
        }
        hidden = !signs.breaks || signs.is_failure;
        told = signs.is_database;
    }
    if (told && errors(aim).await?) || (hidden && sleeps(aim).await?) {
        return Ok(());
    }
    let (verdict, says) = match base {
        Some(_) => (Verdict::Passed, "nothing that was put into it was read as SQL"),
        None => (Verdict::Inconclusive, "the original value gets another answer each time"),
    };
    aim.field.say(aim.outcome(ID, verdict, says));
    Ok(())
}

/// Whether an answer could tell that a row was found: whoever is sent on by a write that works is sent there in any case.
const fn shows_rows(aim: &Aim<'_>, signs: Reaction) -> bool {
    !(aim.works && matches!(signs.plain, 300..400))
}

/// How databases join texts: what stands between, and the same broken.
const JOINS: &[(&str, &str)] = &[("'||'", "'|!|'"), ("' '", "' ! '"), ("\" \"", "\" ! \"")];

/// The value in two parts.
async fn joined(aim: &Aim<'_>, base: &Profile) -> Result<bool, WireError> {
    if !aim.works {
        return Ok(false);
    }
    let letters: Vec<char> = aim.original.chars().collect();
    let cuts = u32::try_from(letters.len().saturating_sub(1)).unwrap_or(0);
    if cuts == 0 || !letters.iter().all(|letter| letter.is_alphanumeric() || " -_.@".contains(*letter)) {
        return Ok(false);
    }
    for (join, broken) in JOINS {
        let cut = |between: &str, false_letter: &str| {
            let at = usize::try_from(aim.field.number(cuts)).unwrap_or(0).saturating_add(1);
            let part = |letters: &[char]| letters.iter().collect::<String>();
            let (first, last) = letters.split_at_checked(at).unwrap_or((&letters, &[]));
            format!("{}{between}{false_letter}{}", part(first), part(last))
        };
        let texts = |truth: bool| cut(join, if truth { "" } else { "q" });
        if follows(aim, base, &texts, &cut(broken, "")).await? {
            return Ok(true);
        }
    }
    Ok(false)
}

const ROUNDS: usize = 6;

/// Whether true texts give the original answer, false ones and the twin another; in all rounds.
async fn follows(
    aim: &Aim<'_>,
    base: &Profile,
    text: &(dyn Fn(bool) -> String + Sync),
    broken: &str,
) -> Result<bool, WireError> {
    let Some(first) = aim.text(&text(true)).await? else { return Ok(false) };
    if !aim.fits(base, &first) {
        return Ok(false);
    }
    let Some(twin) = aim.text(broken).await? else { return Ok(false) };
    if aim.fits(base, &twin) {
        return Ok(false);
    }
    let mut lie = None;
    for truth in shuffled(aim.field, ROUNDS) {
        let Some(sent) = aim.text(&text(truth)).await? else { return Ok(false) };
        if aim.fits(base, &sent) != truth {
            return Ok(false);
        }
        if !truth {
            lie = Some(sent);
        }
    }
    let says = format!("the database computed the value of {} again: {ROUNDS} of {ROUNDS} times", aim.point);
    let evidence =
        format!("`{}` gives the answer of `{}`, and `{broken}` does not", first.text, aim.original);
    let mut proof = Proof::new(aim.evidence(&first), evidence).twin(aim.evidence(&twin));
    if let Some(lie) = lie {
        proof = proof.shown(aim.evidence(&lie));
    }
    aim.field.say(aim.outcome(ID, Verdict::Proven, says).proof(proof));
    Ok(true)
}

/// A name of a column, in an order: the answer is compared as it stands, for an order changes no word.
async fn ordered(aim: &Aim<'_>) -> Result<bool, WireError> {
    let name = &aim.original;
    if !is_name(name) || !aim.works {
        return Ok(false);
    }
    let Some(base) = aim.text(name).await? else { return Ok(false) };
    for case in CASES {
        if follows_order(aim, &base, *case).await? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// A name that stands for an order, or none; or a number's own order, or the other way round.
const CASES: &[fn(&str, &str, &str) -> String] = &[
    |then, name, condition| format!("CASE WHEN ({condition}) {then} {name} END"),
    |then, name, condition| format!("(CASE WHEN ({condition}) {then} 1 ELSE -1 END)*{name}"),
];

async fn follows_order(
    aim: &Aim<'_>,
    base: &Sent,
    case: fn(&str, &str, &str) -> String,
) -> Result<bool, WireError> {
    let text = |then: &str, truth: bool| {
        let number = || aim.field.number(900).saturating_add(100);
        case(then, &aim.original, &(SQL.compare)(number(), number(), truth))
    };
    let same = |sent: &Sent| {
        sent.answer.status == base.answer.status
            && restored(&sent.answer.text(), &sent.text, &aim.original) == base.answer.text()
    };
    let Some(first) = aim.text(&text("THEN", true)).await? else { return Ok(false) };
    if !same(&first) {
        return Ok(false);
    }
    let Some(twin) = aim.text(&text("XTHEN", true)).await? else { return Ok(false) };
    if same(&twin) {
        return Ok(false);
    }
    for truth in shuffled(aim.field, ROUNDS) {
        let Some(sent) = aim.text(&text("THEN", truth)).await? else { return Ok(false) };
        if same(&sent) != truth {
            return Ok(false);
        }
    }
    let says = format!("the order follows a condition in {}: {ROUNDS} of {ROUNDS} times", aim.point);
    let evidence = format!("`{}` gives the order of `{}`", first.text, aim.original);
    let proof = Proof::new(aim.evidence(&first), evidence).twin(aim.evidence(&twin));
    aim.field.say(aim.outcome(ID, Verdict::Proven, says).proof(proof));
    Ok(true)
}

/// One quotation mark gives an error of a database, two do not, one does again.
async fn errors(aim: &Aim<'_>) -> Result<bool, WireError> {
    for mark in ["'", "\""] {
        let text = |count: usize| format!("{}{}", aim.original, mark.repeat(count));
        let Some(one) = aim.text(&text(1)).await? else { continue };
        let Some(words) = database_error(&one.answer) else { continue };
        let Some(two) = aim.text(&text(2)).await? else { continue };
        let Some(three) = aim.text(&text(3)).await? else { continue };
        let Some(plain) = aim.text(&aim.original).await? else { continue };
        let quiet = database_error(&two.answer).is_none() && database_error(&plain.answer).is_none();
        if !quiet || database_error(&three.answer).is_none() {
            continue;
        }
        let says = format!("a quotation mark in {} makes the database fail on the query", aim.point);
        let evidence = format!("the answer to `{}` has `{words}`, that to `{}` has not", one.text, two.text);
        let proof =
            Proof::new(aim.evidence(&one), evidence).twin(aim.evidence(&two)).shown(aim.evidence(&three));
        aim.field.say(aim.outcome(ID, Verdict::Firm, says).proof(proof));
        return Ok(true);
    }
    Ok(false)
}

const WAITS: &[(bool, Waits)] = &[
    (
        true,
        Waits {
            attack: |value, seconds| format!("{value}'+(SELECT SLEEP({seconds}))+'"),
            twin: |value, seconds| format!("{value}'+(SELECT SLEPP({seconds}))+'"),
            who: "the database",
        },
    ),
    (
        true,
        Waits {
            attack: |value, seconds| format!("{value}'||(SELECT '' FROM pg_sleep({seconds}))||'"),
            twin: |value, seconds| format!("{value}'||(SELECT '' FROM pg_slepp({seconds}))||'"),
            who: "the database",
        },
    ),
    (
        true,
        Waits {
            attack: |value, seconds| format!("{value}'; WAITFOR DELAY '0:0:{seconds}'--"),
            twin: |value, seconds| format!("{value}'; WAITFER DELAY '0:0:{seconds}'--"),
            who: "the database",
        },
    ),
    (
        false,
        Waits {
            attack: |value, seconds| format!("{value}+(SELECT SLEEP({seconds}))"),
            twin: |value, seconds| format!("{value}+(SELECT SLEPP({seconds}))"),
            who: "the database",
        },
    ),
    (
        false,
        Waits {
            attack: |value, seconds| format!("{value}+(SELECT 0 FROM pg_sleep({seconds}))"),
            twin: |value, seconds| format!("{value}+(SELECT 0 FROM pg_slepp({seconds}))"),
            who: "the database",
        },
    ),
    (
        false,
        Waits {
            attack: |value, seconds| format!("{value}; WAITFOR DELAY '0:0:{seconds}'--"),
            twin: |value, seconds| format!("{value}; WAITFER DELAY '0:0:{seconds}'--"),
            who: "the database",
        },
    ),
];

async fn sleeps(aim: &Aim<'_>) -> Result<bool, WireError> {
    let is_text = aim.original.parse::<f64>().is_err();
    for (_, form) in WAITS.iter().filter(|(text, _)| *text == is_text) {
        if waits(aim, ID, form).await? {
            return Ok(true);
        }
    }
    Ok(false)
}
