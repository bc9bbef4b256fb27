//! A report that was kept in JSON, read again: what replays a finding, goes on with a run that was interrupted, and compares
//! with the run before.
//!
//! Variables stand in it for what is hidden ([`crate::hidden`]). [`Filling`] puts in what they stand for now: sessions that began
//! afresh, passwords of the facts. A variable nobody has any more, a stranger's cookie for instance, is said and not guessed.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use gabion_model::Severity;
use serde::Deserialize;

use crate::control::Control;
use crate::field::Field;
use crate::format::{JsonExchange, JsonPositive, JsonProof, JsonRequest};
use crate::hidden::Hidden;
use crate::matrix::Access;
use crate::operation::Point;
use crate::trend::Past;
use crate::verdict::{Exchange, Outcome, Proof, Verdict};
use crate::wire::Request;

/// Where the last report stands, beside the facts.
pub const FILE: &str = ".gabion/probe-report.json";
/// The version of reports that is read.
const VERSION: u32 = 1;

/// A report of an earlier run.
#[derive(Debug, Clone, Deserialize)]
pub struct Kept {
    version: u32,
    /// When that run ended.
    pub at: String,
    target: KeptTarget,
    pub(crate) summary: KeptSummary,
    pub findings: Vec<KeptFinding>,
    #[serde(default)]
    accepted: Vec<KeptAccepted>,
    #[serde(default)]
    outcomes: Vec<KeptOutcome>,
    #[serde(default)]
    matrix: KeptMatrix,
    /// Tests that were chosen, by id.
    #[serde(default)]
    tests: BTreeMap<String, serde::de::IgnoredAny>,
    /// Tests that did not come to their end.
    #[serde(default)]
    pub left: BTreeSet<String>,
    #[serde(default)]
    trend: Option<KeptTrend>,
}

#[derive(Debug, Clone, Deserialize)]
struct KeptTarget {
    base: String,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct KeptSummary {
    #[serde(default)]
    pub(crate) requests: usize,
    #[serde(default)]
    pub(crate) milliseconds: u64,
    /// By severity.
    #[serde(default)]
    pub(crate) findings: BTreeMap<String, usize>,
}

#[derive(Debug, Clone, Deserialize)]
struct KeptAccepted {
    finding: KeptFinding,
}

/// A finding of an earlier run.
#[derive(Debug, Clone, Deserialize)]
pub struct KeptFinding {
    pub id: String,
    pub test: String,
    #[serde(default)]
    pub title: String,
    pub severity: Severity,
    pub verdict: Verdict,
    pub operation: String,
    #[serde(default)]
    pub point: Option<Point>,
    #[serde(default)]
    pub says: String,
    #[serde(default)]
    pub(crate) proof: Option<JsonProof>,
}

#[derive(Debug, Clone, Deserialize)]
struct KeptOutcome {
    test: String,
    operation: String,
    #[serde(default)]
    point: Option<Point>,
    #[serde(default)]
    aspect: String,
    verdict: Verdict,
    #[serde(default)]
    says: String,
    #[serde(default)]
    positive_control: Option<JsonPositive>,
}

#[derive(Debug, Clone, Default, Deserialize)]
struct KeptMatrix {
    people: Vec<String>,
    rows: Vec<KeptRow>,
}

#[derive(Debug, Clone, Deserialize)]
struct KeptRow {
    operation: String,
    cells: Vec<KeptCell>,
}

#[derive(Debug, Clone, Deserialize)]
struct KeptCell {
    access: Access,
    #[serde(default)]
    reasons: Vec<String>,
}

#[derive(Debug, Clone, Deserialize)]
struct KeptTrend {
    #[serde(default)]
    runs: Vec<Past>,
}

/// Why a text is no report.
#[derive(Debug, thiserror::Error)]
pub enum KeptError {
    #[error("{0}")]
    Json(#[from] serde_json::Error),
    #[error("`{0}` is no version this program knows; the present one is {VERSION}")]
    Version(u32),
}

/// Which finding is meant.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Which {
    #[error("no finding has the id `{0}`")]
    None(String),
    #[error("several findings have ids that begin with `{0}`: {1}")]
    Several(String, String),
}

impl Kept {
    /// Reads what `--format json` wrote.
    ///
    /// # Errors
    /// When it is none, or of a version that is not known.
    pub fn parse(text: &str) -> Result<Self, KeptError> {
        let kept: Self = serde_json::from_str(text)?;
        if kept.version != VERSION {
            return Err(KeptError::Version(kept.version));
        }
        Ok(kept)
    }

    /// `http://127.0.0.1:3000`.
    #[must_use]
    pub fn base(&self) -> &str {
        &self.target.base
    }

    /// The tests that were chosen.
    pub fn tests(&self) -> impl Iterator<Item = &str> {
        self.tests.keys().map(String::as_str)
    }

    /// Tests that came to their end.
    pub(crate) fn ended(&self) -> impl Iterator<Item = &str> {
        self.tests().filter(|id| !self.left.contains(*id))
    }

    /// All findings, those that were accepted included.
    pub fn all(&self) -> impl Iterator<Item = &KeptFinding> {
        self.findings.iter().chain(self.accepted.iter().map(|one| &one.finding))
    }

    /// The finding of an id or its beginning.
    ///
    /// # Errors
    /// When it is not one.
    pub fn find(&self, id: &str) -> Result<&KeptFinding, Which> {
        let id = id.trim().to_ascii_lowercase();
        let fitting: Vec<&KeptFinding> =
            self.all().filter(|one| !id.is_empty() && one.id.starts_with(&id)).collect();
        match fitting.as_slice() {
            [one] => Ok(one),
            [] => Err(Which::None(id)),
            several => {
                let ids: Vec<&str> = several.iter().take(5).map(|one| one.id.as_str()).collect();
                Err(Which::Several(id, ids.join(", ")))
            }
        }
    }

    /// What a trend keeps of it: the runs before it, and itself.
    #[must_use]
    pub(crate) fn runs(&self) -> Vec<Past> {
        let mut runs = self.trend.as_ref().map(|trend| trend.runs.clone()).unwrap_or_default();
        runs.push(Past { at: self.at.clone(), findings: self.summary.findings.clone() });
        runs
    }

    /// Says again what was said by tests that came to their end, with proofs that can be sent again.
    pub(crate) fn say_again(&self, field: &Field) {
        let filling = Filling::new(&Hidden::of(field));
        let proofs: BTreeMap<&str, &KeptFinding> = self.all().map(|one| (one.id.as_str(), one)).collect();
        for kept in self.outcomes.iter().filter(|one| !self.left.contains(&one.test)) {
            let mut outcome =
                Outcome::new(Cow::Owned(kept.test.clone()), &kept.operation, kept.verdict, kept.says.clone());
            outcome.aspect.clone_from(&kept.aspect);
            outcome.point.clone_from(&kept.point);
            outcome.control = kept.positive_control.as_ref().map(|control| filling.control(control));
            if let Some(finding) = proofs.get(outcome.id().as_str()) {
                outcome.severity = Some(finding.severity);
                outcome.proof = finding.proof.as_ref().map(|proof| filling.proof(proof));
            }
            field.say(outcome);
        }
        let who: Vec<Option<usize>> = self
            .matrix
            .people
            .iter()
            .map(|name| field.people.iter().position(|person| person.name == *name))
            .collect();
        for row in &self.matrix.rows {
            for (cell, who) in row.cells.iter().zip(&who) {
                if let (Some(who), true) = (who, cell.access != Access::NotTested) {
                    for reason in &cell.reasons {
                        field.saw(&row.operation, *who, cell.access, reason.clone());
                    }
                }
            }
        }
    }
}

/// What variables stand for now.
#[derive(Debug)]
pub struct Filling {
    /// Header lines and values by variable, the longest names first: `$ALICE` is the beginning of `$ALICE_SID`.
    lines: Vec<(String, String)>,
    values: Vec<(String, String)>,
}

impl Filling {
    #[must_use]
    pub fn new(hidden: &Hidden) -> Self {
        let mut lines: Vec<(String, String)> =
            hidden.lines().iter().map(|(line, name)| (format!("${name}"), line.clone())).collect();
        let is_line = |name: &str| hidden.lines().iter().any(|(_, own)| own == name);
        let mut values: Vec<(String, String)> = hidden
            .variables()
            .filter(|(name, _)| !is_line(name))
            .map(|(name, value)| (format!("${name}"), value.to_owned()))
            .collect();
        for all in [&mut lines, &mut values] {
            all.sort_by(|(one, _), (two, _)| two.len().cmp(&one.len()).then_with(|| one.cmp(two)));
        }
        Self { lines, values }
    }

    /// A request that can be sent.
    ///
    /// # Errors
    /// With the name of a variable that nobody has.
    pub(crate) fn request(&self, kept: &JsonRequest) -> Result<Request, String> {
        let request = self.loosely(kept);
        let body = std::str::from_utf8(&request.body).unwrap_or_default();
        let headers = request.headers.iter().map(|(_, value)| value.as_str());
        let left = headers.chain([request.target.as_str(), body]).find_map(unfilled);
        left.map_or(Ok(request), Err)
    }

    /// A request with what is known; other variables stay.
    fn loosely(&self, kept: &JsonRequest) -> Request {
        let mut request = Request::new(&kept.method, &self.text(&kept.target));
        for (name, value) in &kept.headers {
            let line = self.lines.iter().find(|(variable, _)| variable == value);
            let whole = line.and_then(|(_, line)| line.split_once(": ")).map(|(_, value)| value.to_owned());
            request.headers.push((name.clone(), whole.unwrap_or_else(|| self.text(value))));
        }
        request.body = if kept.base64 {
            gabion_vault::encoding::base64_decode(&kept.body).unwrap_or_default()
        } else {
            self.text(&kept.body).into_bytes()
        };
        request
    }

    fn text(&self, text: &str) -> String {
        let mut text = text.to_owned();
        if text.contains('$') {
            for (variable, value) in &self.values {
                if text.contains(variable.as_str()) {
                    text = text.replace(variable.as_str(), value);
                }
            }
        }
        text
    }

    fn exchange(&self, kept: &JsonExchange) -> Exchange {
        Exchange {
            who: kept.who.clone(),
            request: self.loosely(&kept.request),
            status: kept.status,
            answer: self.text(&kept.answer),
        }
    }

    fn control(&self, kept: &JsonPositive) -> Control {
        Control {
            says: kept.says.clone(),
            exchange: kept.exchange.as_ref().map(|one| self.exchange(one)),
            refused: false,
        }
    }

    fn proof(&self, kept: &JsonProof) -> Proof {
        Proof {
            attack: self.exchange(&kept.attack),
            twin: kept.twin.as_ref().map(|twin| self.exchange(twin)),
            shown: kept.shown.iter().map(|one| self.exchange(one)).collect(),
            evidence: kept.evidence.clone(),
            mark: self.text(&kept.mark),
            by_steps: kept.by_steps,
        }
    }
}

/// The name of a variable that still stands in a text: `$`, and capitals, digits and `_` as [`crate::hidden`] makes them.
fn unfilled(text: &str) -> Option<String> {
    for (at, _) in text.match_indices('$') {
        let rest = text.get(at.saturating_add(1)..).unwrap_or_default();
        let name: String = rest
            .chars()
            .take_while(|one| one.is_ascii_uppercase() || one.is_ascii_digit() || *one == '_')
            .collect();
        let made = name.len() > 2 && name.starts_with(|first: char| first.is_ascii_uppercase());
        if made && !rest.chars().nth(name.len()).is_some_and(|next| next.is_ascii_lowercase()) {
            return Some(name);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::Session;

    fn request(target: &str, headers: &[(&str, &str)], body: &str) -> JsonRequest {
        JsonRequest {
            method: "POST".to_owned(),
            target: target.to_owned(),
            headers: headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
            body: body.to_owned(),
            base64: false,
        }
    }

    #[test]
    fn variables_become_what_they_stand_for_now() {
        let session = Session {
            cookies: vec![("sid".to_owned(), "0123456789abcdef".to_owned())],
            ..Session::default()
        };
        let filling = Filling::new(&Hidden::of_sessions([("alice", &session)]));
        let kept =
            request("/a?t=$ALICE_SID", &[("Cookie", "$ALICE"), ("X", "price: $5, $where")], "s=$ALICE_SID");
        let sent = filling.request(&kept).unwrap();
        assert_eq!(sent.target, "/a?t=0123456789abcdef");
        assert_eq!(sent.field("cookie"), Some("sid=0123456789abcdef"));
        assert_eq!(sent.body, b"s=0123456789abcdef");
        for unknown in ["$SESSION", "x$BOB_TOKEN.y"] {
            let kept = request("/", &[("Cookie", unknown)], "");
            assert_eq!(
                filling.request(&kept).unwrap_err(),
                unknown.trim_matches(['$', 'x', '.', 'y']),
                "{unknown}"
            );
        }
        let pieces = JsonRequest { body: "AP8=".to_owned(), base64: true, ..request("/", &[], "") };
        assert_eq!(filling.request(&pieces).unwrap().body, [0, 255]);
    }

    #[test]
    fn what_is_no_report_is_named() {
        for (text, says) in [("[]", "invalid"), ("{}", "missing field"), ("", "EOF")] {
            let error = Kept::parse(text).unwrap_err().to_string();
            assert!(error.contains(says), "{error}");
        }
        let text = |version: u32| {
            let finding = |id: &str| serde_json::json!({ "id": id, "test": "headers", "severity": "low", "verdict": "firm", "operation": "" });
            serde_json::json!({
                "version": version, "at": "2026-01-01T00:00:00Z", "target": { "base": "http://h" }, "summary": {},
                "findings": [finding("aa01"), finding("aa02"), finding("bb")],
            })
            .to_string()
        };
        assert!(matches!(Kept::parse(&text(2)), Err(KeptError::Version(2))));
        let kept = Kept::parse(&text(1)).unwrap();
        assert_eq!(kept.find("BB").unwrap().id, "bb");
        assert_eq!(kept.find("aa").unwrap_err(), Which::Several("aa".to_owned(), "aa01, aa02".to_owned()));
        assert_eq!(kept.find("").unwrap_err(), Which::None(String::new()));
        assert_eq!(kept.runs().len(), 1);
    }
}
