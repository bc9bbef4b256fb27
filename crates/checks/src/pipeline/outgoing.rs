//! The bodies of answers: looked into before they leave, and followed while they do.

use bytes::Bytes;
use http::response;

use super::{Pipeline, Step};
use crate::check::{Inspected, Leaving, Mode, Seen};
use crate::denial::Denial;
use crate::exchange::Exchange;
use crate::metrics::Verdict;

/// The body of an answer that is judged while it leaves.
#[derive(Debug)]
pub struct Followed {
    pub leaving: Box<dyn Leaving>,
    check: &'static str,
    /// Whatever is found, the body leaves as it came.
    pub watched: bool,
}

impl Pipeline {
    /// Whether a check wants to see the body of an application's answer, and how many bytes of it at most. Asked
    /// before [`response`](Self::response).
    pub fn look(&self, exchange: &mut Exchange, head: &response::Parts) -> Option<usize> {
        exchange.looking = 0;
        let mut most = None;
        for (index, step) in self.steps.iter().enumerate() {
            if let Some(limit) = step.check.look(exchange, head) {
                exchange.looking |= 1 << index.min(63);
                most = most.max(Some(limit));
            }
        }
        most
    }

    /// Lets the checks that asked for it judge an answer's body.
    pub fn inspect(
        &self,
        exchange: &mut Exchange,
        head: &mut response::Parts,
        seen: &Seen<'_>,
    ) -> Result<Option<Bytes>, Box<(Denial, &'static str)>> {
        let mut replaced: Option<Bytes> = None;
        let looking = exchange.looking;
        for (index, step) in self.steps.iter().enumerate() {
            if looking & 1 << index.min(63) == 0 {
                continue;
            }
            let seen = match &replaced {
                Some(bytes) => Seen { bytes, complete: true },
                None => *seen,
            };
            if step.mode == Mode::Observe {
                let mut untouched = head.clone();
                match step.check.inspect(exchange, &mut untouched, &seen) {
                    Inspected::Pass => {}
                    Inspected::Observe(denial) | Inspected::Deny(denial) => {
                        self.observe(step, denial, exchange);
                    }
                    Inspected::Replace(_) => {
                        self.counters.add(step.check.name(), step.check.control(), Verdict::Observed);
                    }
                }
                continue;
            }
            match step.check.inspect(exchange, head, &seen) {
                Inspected::Pass => {}
                Inspected::Replace(bytes) => {
                    self.counters.add(step.check.name(), step.check.control(), Verdict::Replaced);
                    replaced = Some(bytes);
                }
                Inspected::Observe(denial) => self.observe(step, denial, exchange),
                Inspected::Deny(denial) => return Err(Box::new((denial, step.check.name()))),
            }
        }
        Ok(replaced)
    }

    /// What judges the body of an application's answer while it leaves. Asked before [`response`](Self::response).
    /// `whole`: the checks that looked into it saw all of it.
    pub fn follow(&self, exchange: &Exchange, head: &mut response::Parts, whole: bool) -> Option<Followed> {
        let followed = |(index, step): (usize, &Step)| {
            let has_seen = whole && exchange.looking & 1 << index.min(63) != 0;
            let leaving = if has_seen { None } else { step.check.follow(exchange, head) }?;
            Some(Followed { leaving, check: step.check.name(), watched: step.mode == Mode::Observe })
        };
        self.steps.iter().enumerate().find_map(followed)
    }

    /// Counts and records what was found in an answer that was leaving.
    pub fn late(&self, exchange: &Exchange, followed: &Followed, denial: &Denial) {
        let verdict = if followed.watched { Verdict::Observed } else { Verdict::Refused };
        self.counters.add(followed.check, denial.control, verdict);
        for step in &self.steps {
            step.check.late(exchange, followed.check, denial, !followed.watched);
        }
    }
}
