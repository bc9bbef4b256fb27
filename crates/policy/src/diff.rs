//! What a change of policies would alter, asked over decisions that were made.

use serde::Serialize;

use crate::decision::{Effect, PolicyId};
use crate::policies::Policies;
use crate::written::{OwnedQuestion, WrittenQuestion};

/// What a change alters.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Difference {
    /// How many questions were asked.
    pub asked: usize,
    /// What changes, each kind of change once, with how often it would have happened.
    pub changes: Vec<Change>,
}

/// A question whose answer changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    pub question: WrittenQuestion,
    /// How many questions by the same principal, action and resource change like this.
    pub count: usize,
    pub before: Side,
    pub after: Side,
}

/// An answer, shortened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Side {
    pub effect: Effect,
    pub policies: Vec<PolicyId>,
    pub obligations: Vec<String>,
}

impl Difference {
    /// Asks both about every question. Which policies decide is no change while effect and obligations stay.
    #[must_use]
    pub fn of<'a>(
        before: &Policies,
        after: &Policies,
        questions: impl IntoIterator<Item = &'a OwnedQuestion>,
    ) -> Self {
        let mut difference = Self::default();
        for question in questions {
            difference.asked = difference.asked.saturating_add(1);
            let question = question.as_question();
            let side = |policies: &Policies| {
                let decision = policies.decide(&question);
                Side {
                    effect: decision.effect,
                    policies: decision.policies.to_vec(),
                    obligations: decision.obligations.iter().map(ToString::to_string).collect(),
                }
            };
            let (before, after) = (side(before), side(after));
            if before.effect == after.effect && before.obligations == after.obligations {
                continue;
            }
            let question = WrittenQuestion::of(&question);
            let same = difference.changes.iter_mut().find(|change| {
                change.question.principal == question.principal
                    && change.question.action == question.action
                    && change.question.resource == question.resource
                    && change.before == before
                    && change.after == after
            });
            match same {
                Some(change) => change.count = change.count.saturating_add(1),
                None => difference.changes.push(Change { question, count: 1, before, after }),
            }
        }
        // What opens first: it is what a reviewer looks for.
        difference.changes.sort_by_key(|change| (change.after.effect, std::cmp::Reverse(change.count)));
        difference
    }
}
