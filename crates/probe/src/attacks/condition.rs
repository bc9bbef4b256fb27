//! Adding a condition to a query, true and false: the answers of something that computes it follow.
//!
//! Where another value gives another answer, the condition is added with "and"; where it gives the same, with "or".
//!
//! 1. With "and" the true one must give the answer of the original value and the false one another; with "or", the
//!    other way round.
//! 2. Negative twin: the true one with a broken keyword must not get its answer.
//! 3. Proof: eight comparisons of random numbers, true and false in random order; the answers must follow all of them. Chance
//!    does so in one of 256 runs of an answer that changes at random, and only after 1 and 2.

use crate::aim::{Aim, Sent};
use crate::compare::Profile;
use crate::verdict::{Proof, Verdict};
use crate::wire::WireError;

/// A language of queries.
pub(super) struct Grammar {
    /// Who computes: `the database`.
    pub(super) who: &'static str,
    pub(super) and: &'static str,
    pub(super) or: &'static str,
    /// Keywords that look like them and that nothing knows.
    pub(super) broken_and: &'static str,
    pub(super) broken_or: &'static str,
    /// A comparison of two random numbers, true or false.
    pub(super) compare: fn(u32, u32, bool) -> String,
    /// How a value may stand in a query: what closes it, and what the rest of the query needs to stay whole.
    pub(super) forms: &'static [(&'static str, &'static str)],
}

/// Tries all forms of a language. True when there is something to say, and then it is said. `or` where another value gets the
/// same answer: what finds what another finds too, mostly nothing, tells nothing with "and".
///
/// # Errors
/// When the run is over.
pub(super) async fn condition(
    aim: &Aim<'_>,
    test: &'static str,
    base: &Profile,
    grammar: &Grammar,
    or: bool,
) -> Result<bool, WireError> {
    let is_number = aim.original.parse::<f64>().is_ok();
    for (before, after) in
        grammar.forms.iter().filter(|(before, _)| !is_number || !before.contains(['%', '"']))
    {
        // With "or" the form without a sign of patterns does within a pattern, too: what is behind it compares unlike texts.
        if or && before.starts_with('%') {
            continue;
        }
        let form = Form { aim, grammar, before, after, or };
        if form.attempt(test, base).await? {
            return Ok(true);
        }
    }
    Ok(false)
}

struct Form<'a> {
    aim: &'a Aim<'a>,
    grammar: &'a Grammar,
    before: &'static str,
    after: &'static str,
    /// Whether the condition is added with "or".
    or: bool,
}

const ROUNDS: usize = 8;

impl Form<'_> {
    async fn attempt(&self, test: &'static str, base: &Profile) -> Result<bool, WireError> {
        let (aim, word) = (self.aim, if self.or { self.grammar.or } else { self.grammar.and });
        // What must be as the original value, and what must not; first what is less likely by itself.
        let first = self.send(word, true).await?;
        let Some(first) = first.filter(|sent| aim.fits(base, sent) != self.or) else { return Ok(false) };
        let second = self.send(word, false).await?;
        let Some(second) = second.filter(|sent| aim.fits(base, sent) == self.or) else { return Ok(false) };
        let (unchanged, changed) = if self.or { (second, first) } else { (first, second) };
        // The twin must not be what the true condition is. Where that is another answer, a query that fails may look like the
        // original one that found nothing.
        let broken = if self.or { self.grammar.broken_or } else { self.grammar.broken_and };
        let Some(twin) = self.send(broken, true).await? else { return Ok(false) };
        let again = Profile::of(&[&changed.answer]);
        let as_changed =
            || again.is_some_and(|again| again.distance(&twin.answer, &twin.text, &changed.text) == Some(0));
        if if self.or { as_changed() } else { aim.fits(base, &twin) } {
            return Ok(false);
        }
        for truth in super::shuffled(aim.field, ROUNDS) {
            let follows = match self.send(word, truth).await? {
                Some(sent) => aim.fits(base, &sent) == (truth != self.or),
                None => false,
            };
            if !follows {
                let says = "one condition made a difference and others did not";
                aim.field.say(aim.outcome(test, Verdict::Inconclusive, says));
                return Ok(true);
            }
        }
        let says = format!(
            "{} computed what was put into {}: {ROUNDS} of {ROUNDS} comparisons",
            self.grammar.who, aim.point
        );
        let evidence = format!(
            "`{}` gives the answer of `{}`, and `{}` another",
            unchanged.text, aim.original, changed.text
        );
        let proof = Proof::new(aim.evidence(&changed), evidence)
            .twin(aim.evidence(&twin))
            .shown(aim.evidence(&unchanged));
        aim.field.say(aim.outcome(test, Verdict::Proven, says).proof(proof));
        Ok(true)
    }

    /// `lamp' AND (7*8=56) AND '1'='1`. The rest is bound to the condition, so that it decides alone.
    async fn send(&self, word: &str, truth: bool) -> Result<Option<Sent>, WireError> {
        let number = || self.aim.field.number(900).saturating_add(100);
        let compared = (self.grammar.compare)(number(), number(), truth);
        let Self { before, after, .. } = self;
        let text = format!("{}{before} {word} ({compared}) {} {after}", self.aim.original, self.grammar.and);
        self.aim.text(&text).await
    }
}
