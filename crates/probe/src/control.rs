//! The positive control of a verdict: what was asked and succeeded, without which nothing that is said means anything.
//!
//! A test that has a control of its own gives it ([`Outcome::control`]). For the others it is what they all begin with, in this
//! order: a request of the same operation that works; for operations that sign people in, somebody who signed in there with the
//! right password; an honest request that was understood and refused, where none succeeded; a request of the same path; and of
//! the application as a whole, a request that was answered with a success.
//!
//! Where the honest request was refused, an attack that is refused too says nothing: what would have passed is inconclusive.
//! Tests of files say by themselves what their control is (`works`).

use crate::about;
use crate::attacks::without_secrets;
use crate::field::{Field, Known};
use crate::verdict::{Exchange, Outcome, Verdict};

/// What was asked and succeeded.
#[derive(Debug, Clone)]
pub struct Control {
    /// In one line.
    pub says: String,
    /// The request, where one alone shows it.
    pub exchange: Option<Exchange>,
    /// Whether it was refused: understood, and no more than that.
    pub(crate) refused: bool,
}

/// Characters of the answer that are kept: that it succeeded is what counts.
const KEPT: usize = 300;

impl Control {
    #[must_use]
    pub fn new(says: impl Into<String>) -> Self {
        Self { says: says.into(), exchange: None, refused: false }
    }

    #[must_use]
    pub fn shown(says: impl Into<String>, mut exchange: Exchange) -> Self {
        if let Some((at, _)) = exchange.answer.char_indices().nth(KEPT) {
            exchange.answer.truncate(at);
        }
        Self { says: says.into(), exchange: Some(exchange), refused: false }
    }
}

impl Field {
    /// An outcome with its control, where it says something that needs one.
    pub(crate) fn controlled(&self, outcome: Outcome) -> Outcome {
        let speaks = outcome.verdict == Verdict::Passed || outcome.verdict.is_finding();
        if !speaks {
            return Outcome { control: None, ..outcome };
        }
        if outcome.control.is_some() || about::about(&outcome.test).is_none() {
            return outcome;
        }
        match self.usual_control(&outcome.operation) {
            Some(control) if control.refused && outcome.verdict == Verdict::Passed => {
                let says = format!("{}; {}, which may be why", outcome.says, control.says);
                Outcome { verdict: Verdict::Inconclusive, says, control: None, ..outcome }
            }
            control => Outcome { control, ..outcome },
        }
    }

    fn usual_control(&self, operation: &str) -> Option<Control> {
        if operation.is_empty() {
            let known = self.examples().find(|known| known.answer.is_success())?;
            return Some(self.works("the application answers", known));
        }
        let path = operation.split_once(' ').map_or(operation, |(_, path)| path);
        let path = path.split('?').next().unwrap_or_default();
        let at = |known: &&Known, whole: bool| {
            let own = self.operation(known.operation);
            own.is_some_and(|own| if whole { own.id() == operation } else { own.path == path })
        };
        if let Some(known) = self.known.iter().find(|known| at(known, true)) {
            return Some(self.works("the operation works", known));
        }
        let signed = self.people.iter().find_map(|person| {
            let (request, answer) = person.login.as_ref()?;
            let own = request.target.split('?').next().unwrap_or_default();
            (own == path).then(|| {
                let says = format!("`{}` signs in there with the right password", person.name);
                Control::shown(says, Exchange::new(&person.name, &without_secrets(request), answer))
            })
        });
        let honest = || {
            let known = self.refused.iter().find(|known| at(known, true))?;
            let says = "no request of it succeeded, an honest one was refused";
            Some(Control { refused: true, ..self.works(says, known) })
        };
        signed.or_else(honest).or_else(|| {
            let known = self.known.iter().find(|known| at(known, false))?;
            Some(self.works("the path is answered", known))
        })
    }

    fn works(&self, says: &str, known: &Known) -> Control {
        let who = &self.person(known.who).name;
        let says = format!("{says}: a request of `{who}` got {}", known.answer.status);
        Control::shown(says, self.evidence(known.who, &known.call.request(), &known.answer))
    }
}
