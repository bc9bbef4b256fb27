//! What the JSON says of the tests that every release needs, of positive controls, and of components.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::line;
use super::{JsonExchange, exchange};
use crate::Report;
use crate::areas::Area;
use crate::control::Control;
use crate::surface::components::Component;
use crate::verdict::Verdict;

/// One of the tests that every release needs.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct JsonArea {
    name: &'static str,
    /// That of the test that found most; nothing where none of its tests was chosen.
    #[serde(skip_serializing_if = "Option::is_none")]
    verdict: Option<&'static str>,
    /// Its tests by the strongest verdict of each.
    tests: BTreeMap<&'static str, Vec<&'static str>>,
    /// What was seen, by the test that decided.
    #[serde(skip_serializing_if = "String::is_empty")]
    says: String,
    /// What was asked and succeeded before that was said.
    #[serde(skip_serializing_if = "Option::is_none")]
    positive_control: Option<JsonPositive>,
    /// Why there is no verdict.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    reasons: Vec<String>,
}

/// The positive control: what was asked and succeeded. Without it a verdict would mean nothing.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub(crate) struct JsonPositive {
    pub(crate) says: String,
    /// The request, where one alone shows it, with the beginning of its answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) exchange: Option<JsonExchange>,
}

/// Software that shows its version: a server, a framework, a library of a page.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct JsonComponent {
    name: String,
    version: String,
    /// Where advisories speak of it: `npm`, `PyPI`; nothing for servers and the like.
    #[serde(skip_serializing_if = "Option::is_none")]
    ecosystem: Option<&'static str>,
    /// Where it was seen: `GET /js/jquery.js`.
    seen: String,
    /// The words that told.
    words: String,
    /// What the test `vulnerable-component` said of it, where it could judge it.
    #[serde(skip_serializing_if = "Option::is_none")]
    verdict: Option<&'static str>,
}

pub(super) fn component(report: &Report, one: &Component) -> JsonComponent {
    JsonComponent {
        name: line(report, &one.name),
        version: line(report, &one.version),
        ecosystem: one.ecosystem.map(gabion_finding::Ecosystem::as_str),
        seen: line(report, &one.seen),
        words: line(report, &one.words),
        verdict: report.judged(one).map(|outcome| outcome.verdict.as_str()),
    }
}

pub(super) fn positive(report: &Report, control: &Control) -> JsonPositive {
    JsonPositive {
        says: line(report, &control.says),
        exchange: control.exchange.as_ref().map(|one| exchange(report, one)),
    }
}

pub(super) fn area(report: &Report, area: &Area) -> JsonArea {
    let control = area.shown.as_ref().and_then(|outcome| outcome.control.as_ref());
    JsonArea {
        name: area.name,
        verdict: area.verdict.map(Verdict::as_str),
        tests: area.tests.iter().map(|(verdict, tests)| (verdict.as_str(), tests.clone())).collect(),
        says: area.shown.as_ref().map(|outcome| line(report, &outcome.says)).unwrap_or_default(),
        positive_control: control.map(|control| positive(report, control)),
        reasons: area.reasons.iter().map(|reason| line(report, reason)).collect(),
    }
}
