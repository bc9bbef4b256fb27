//! What a test says: of each thing it looked at one [`Outcome`], with a [`Proof`] where it found something.

use std::borrow::Cow;
use std::fmt;

use gabion_model::Severity;
use serde::{Deserialize, Serialize};

use crate::control::Control;
use crate::operation::Point;
use crate::wire::{Answer, Request};

/// How sure it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Something that the test needs is not known or not there; the reason says what.
    NotTested,
    /// The positive control succeeded, and the attack was refused.
    Passed,
    /// It was tried, and what came back allows no verdict: the positive control failed, or answers changed by themselves.
    Inconclusive,
    /// Worth a look. Never fails a run.
    Tentative,
    /// It happened twice where the negative twin did not, and nothing else explains it.
    Firm,
    /// The effect itself was seen: a canary, a computed value, a read-back, a callback, an execution.
    Proven,
}

impl Verdict {
    pub const ALL: [Self; 6] =
        [Self::NotTested, Self::Passed, Self::Inconclusive, Self::Tentative, Self::Firm, Self::Proven];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotTested => "not_tested",
            Self::Passed => "passed",
            Self::Inconclusive => "inconclusive",
            Self::Tentative => "tentative",
            Self::Firm => "firm",
            Self::Proven => "proven",
        }
    }

    /// For people.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::NotTested => "not tested",
            other => other.as_str(),
        }
    }

    /// Whether it says that something is wrong.
    #[must_use]
    pub const fn is_finding(self) -> bool {
        matches!(self, Self::Tentative | Self::Firm | Self::Proven)
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.words())
    }
}

/// What a test says of one thing.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The id of the test; tests of files have ids of their own.
    pub test: Cow<'static, str>,
    /// `GET /notes/{id}`; empty where it is about the application as a whole.
    pub operation: String,
    pub point: Option<Point>,
    pub verdict: Verdict,
    /// One line: what was seen, or why there is no verdict.
    pub says: String,
    /// What makes it another finding of the same test at the same place: `no-httponly`. Mostly empty.
    pub aspect: String,
    /// Where it differs from what the test usually means.
    pub severity: Option<Severity>,
    pub proof: Option<Proof>,
    /// What was asked and succeeded before that was said.
    pub control: Option<Control>,
}

/// What shows a finding.
#[derive(Debug, Clone)]
pub struct Proof {
    pub attack: Exchange,
    /// As like the attack as it can be without being one.
    pub twin: Option<Exchange>,
    /// What was asked before or after and shows the effect, in order.
    pub shown: Vec<Exchange>,
    /// What of the answer shows it, in words of the answer; secrets are shortened.
    pub evidence: String,
    /// The very text of the answer, head or body, that shows it: the rest may change from request to request. Empty where the
    /// whole answer is what counts.
    pub mark: String,
    /// Whether several requests show it together: one of them alone, sent again, says nothing.
    pub by_steps: bool,
}

/// A request somebody sent, and what came back.
#[derive(Debug, Clone)]
pub struct Exchange {
    /// Who sent it: the name of an identity, or `anonymous`.
    pub who: String,
    pub request: Request,
    pub status: u16,
    /// The head of the answer and the beginning of its body, bounded.
    pub answer: String,
}

/// How much of an answer is kept as evidence, in characters.
const KEPT: usize = 2_000;

impl Exchange {
    #[must_use]
    pub fn new(who: &str, request: &Request, answer: &Answer) -> Self {
        let mut text = format!("HTTP/1.1 {}\n", answer.status);
        for (name, value) in &answer.headers {
            text.push_str(&format!("{name}: {value}\n"));
        }
        text.push('\n');
        text.push_str(&answer.text());
        let answer_text = text.chars().take(KEPT).collect();
        Self { who: who.to_owned(), request: request.clone(), status: answer.status, answer: answer_text }
    }
}

impl Exchange {
    /// With no more of what was sent than its beginning: what only fills a body says nothing.
    #[must_use]
    pub fn shortened(mut self) -> Self {
        self.request.body.truncate(KEPT);
        self
    }
}

impl Outcome {
    #[must_use]
    pub fn new(
        test: impl Into<Cow<'static, str>>,
        operation: &str,
        verdict: Verdict,
        says: impl Into<String>,
    ) -> Self {
        Self {
            test: test.into(),
            operation: operation.to_owned(),
            point: None,
            verdict,
            says: says.into(),
            aspect: String::new(),
            severity: None,
            proof: None,
            control: None,
        }
    }

    #[must_use]
    pub fn at(mut self, point: &Point) -> Self {
        self.point = Some(point.clone());
        self
    }

    #[must_use]
    pub fn aspect(mut self, aspect: &str) -> Self {
        aspect.clone_into(&mut self.aspect);
        self
    }

    #[must_use]
    pub const fn severity(mut self, severity: Severity) -> Self {
        self.severity = Some(severity);
        self
    }

    #[must_use]
    pub fn proof(mut self, proof: Proof) -> Self {
        self.proof = Some(proof);
        self
    }

    /// What was asked and succeeded, where it is another than what tests usually begin with.
    #[must_use]
    pub fn control(mut self, control: Control) -> Self {
        self.control = Some(control);
        self
    }

    /// Sixteen hexadecimal digits that stay the same from run to run: of the test, the place and the aspect.
    #[must_use]
    pub fn id(&self) -> String {
        let point = self.point.as_ref().map(ToString::to_string).unwrap_or_default();
        let parts = [&*self.test, &self.operation, &point, &self.aspect].map(str::as_bytes);
        let mut joined = Vec::new();
        for part in parts {
            joined.extend_from_slice(part);
            joined.push(0);
        }
        gabion_vault::sha256_of(&[&joined]).iter().take(8).map(|byte| format!("{byte:02x}")).collect()
    }
}

impl Proof {
    #[must_use]
    pub fn new(attack: Exchange, evidence: impl Into<String>) -> Self {
        Self {
            attack,
            twin: None,
            shown: Vec::new(),
            evidence: evidence.into(),
            mark: String::new(),
            by_steps: false,
        }
    }

    #[must_use]
    pub fn twin(mut self, twin: Exchange) -> Self {
        self.twin = Some(twin);
        self
    }

    /// Several requests show it together.
    #[must_use]
    pub fn by_steps(self) -> Self {
        Self { by_steps: true, ..self }
    }

    /// Nothing but this text shows it.
    #[must_use]
    pub fn marked(mut self, mark: impl Into<String>) -> Self {
        self.mark = mark.into();
        self
    }

    #[must_use]
    pub fn shown(mut self, exchange: Exchange) -> Self {
        self.shown.push(exchange);
        self
    }
}
