//! The report as JSON. Fields are only ever added; a change that is more than that is another version.

mod shown;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub(crate) use self::shown::JsonPositive;
use self::shown::{JsonArea, JsonComponent, area, component, positive};
use super::{bounded, curl, line};
use crate::Report;
use crate::about::About;
use crate::areas::areas;
use crate::evidence::evidence;
use crate::matrix::Cell;
use crate::replay::Standing;
use crate::report::{End, Finding};
use crate::through::Through;
use crate::trend::{Former, Past, Trend};
use crate::verdict::{Exchange, Outcome, Verdict};
use crate::wire::Request;

/// The version of what [`json`] writes.
const VERSION: u32 = 1;
/// The version of its part `evidence`.
const EVIDENCE: u32 = 1;
/// Characters of an answer that are kept.
const ANSWER: usize = 2_000;

/// A report of `gabion probe --format json`.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(title = "Report of gabion probe")]
struct Document {
    /// Of this form.
    version: u32,
    tool: Tool,
    /// When the run ended.
    at: String,
    target: Target,
    summary: Summary,
    /// The ten tests that every release needs, each with what it came to.
    required: Vec<JsonArea>,
    /// Most severe first.
    findings: Vec<JsonFinding>,
    /// What somebody took upon themselves, with the reason.
    accepted: Vec<JsonAccepted>,
    /// Ids of the baseline that are found no longer.
    gone: Vec<String>,
    /// Everything that was said of every place, with its control and without proofs.
    outcomes: Vec<JsonOutcome>,
    /// Who signed in. Nobody at all was always tried too.
    people: Vec<JsonPerson>,
    /// What there is.
    operations: Vec<JsonOperation>,
    /// Who may do what.
    matrix: JsonMatrix,
    /// Software that shows its version.
    components: Vec<JsonComponent>,
    /// What was not looked at.
    gaps: Vec<JsonGap>,
    notes: Vec<String>,
    /// The last requests, where the run ended early.
    journal: Vec<String>,
    /// Names of the variables that stand for header lines in `curl`; `gabion probe login` prints what they are.
    variables: Vec<String>,
    /// Every test that was chosen, by id.
    tests: BTreeMap<String, JsonTest>,
    /// Tests that did not come to their end; `gabion probe --resume` goes on with them.
    left: Vec<String>,
    /// How it stands to the run before.
    #[serde(skip_serializing_if = "Option::is_none")]
    trend: Option<JsonTrend>,
    /// What a gate in front of the target makes of the findings.
    #[serde(skip_serializing_if = "Option::is_none")]
    through: Option<JsonThrough>,
    /// What the run is evidence of.
    evidence: JsonEvidence,
}

/// What changed since the run before.
#[derive(Debug, Serialize, JsonSchema)]
struct JsonTrend {
    /// Earlier runs, oldest first; the last of them is the one compared with.
    runs: Vec<Past>,
    /// Ids of findings that the run before did not have.
    new: Vec<String>,
    /// Ids of findings that both have.
    still: Vec<String>,
    /// Findings of the run before that their tests looked for and found no longer.
    gone: Vec<JsonFormer>,
    /// Findings of the run before that were not looked at.
    unseen: Vec<JsonFormer>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct JsonFormer {
    id: String,
    test: String,
    operation: String,
    severity: &'static str,
    says: String,
}

#[derive(Debug, Serialize, JsonSchema)]
struct JsonThrough {
    /// Where the gate is: `http://127.0.0.1:8080`.
    base: String,
    requests: usize,
    /// One for each finding that is firm or proven.
    findings: Vec<JsonCompared>,
    /// What is found through the gate only.
    only: Vec<JsonOnly>,
    /// What was not looked at there.
    gaps: Vec<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct JsonCompared {
    id: String,
    /// `stopped`, `still_there` or `cannot_say`.
    standing: &'static str,
    says: String,
}

#[derive(Debug, Serialize, JsonSchema)]
struct JsonOnly {
    test: String,
    operation: String,
    says: String,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Tool {
    name: &'static str,
    version: String,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Target {
    /// `http://127.0.0.1:3000`.
    base: String,
    /// `passive`, `active` or `destructive`.
    level: &'static str,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Summary {
    /// Whether everything was tried that was asked for; else `gaps` says what was not.
    complete: bool,
    /// Why it ended early, where it did.
    #[serde(skip_serializing_if = "Option::is_none")]
    ended_early: Option<String>,
    requests: usize,
    milliseconds: u64,
    operations: usize,
    /// Those that answered with a success.
    reached: usize,
    /// Findings by severity, tentative ones left out.
    findings: BTreeMap<&'static str, usize>,
    tentative: usize,
    accepted: usize,
    /// What was said of all places, by verdict.
    verdicts: BTreeMap<&'static str, usize>,
}

/// Something that is wrong.
#[derive(Debug, Serialize, JsonSchema)]
struct JsonFinding {
    /// The same from run to run: of the test, the place and the aspect.
    id: String,
    test: String,
    title: String,
    control: &'static str,
    cwe: Vec<u16>,
    owasp: Vec<String>,
    severity: &'static str,
    /// `tentative`, `firm` or `proven`.
    verdict: &'static str,
    /// `GET /notes/{id}`; empty where it is about the application as a whole.
    operation: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    point: Option<JsonPoint>,
    aspect: String,
    says: String,
    fix: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    /// What was asked and succeeded before that was said.
    positive_control: Option<JsonPositive>,
    #[serde(skip_serializing_if = "Option::is_none")]
    proof: Option<JsonProof>,
}

/// Where in a request a value stands.
#[derive(Debug, Serialize, JsonSchema)]
struct JsonPoint {
    /// `path`, `query`, `header`, `cookie`, `form`, `json`, `file` or `body`.
    place: &'static str,
    /// A JSON pointer in a JSON body.
    name: String,
}

/// What shows a finding.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub(crate) struct JsonProof {
    pub(crate) evidence: String,
    /// The text of the answer that shows it, where one does.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) mark: String,
    /// Whether several requests show it together: one of them alone, sent again, says nothing.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) by_steps: bool,
    pub(crate) attack: JsonExchange,
    /// As like the attack as it can be without being one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) twin: Option<JsonExchange>,
    /// What was asked before or after and shows the effect.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) shown: Vec<JsonExchange>,
}

/// A request, and what came back.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub(crate) struct JsonExchange {
    /// Who sent it: the name of an identity, or `anonymous`.
    pub(crate) who: String,
    pub(crate) request: JsonRequest,
    /// The line that sends it again.
    pub(crate) curl: String,
    pub(crate) status: u16,
    /// The head of the answer and the beginning of its body.
    pub(crate) answer: String,
}

/// Variables stand for what is hidden: `$ALICE`.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub(crate) struct JsonRequest {
    pub(crate) method: String,
    /// Path and query.
    pub(crate) target: String,
    /// In order: name and value.
    pub(crate) headers: Vec<(String, String)>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) body: String,
    /// Whether `body` is Base64, because it is no text.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) base64: bool,
}

#[derive(Debug, Serialize, JsonSchema)]
struct JsonAccepted {
    reason: String,
    finding: JsonFinding,
}

/// What a test said of one place.
#[derive(Debug, Serialize, JsonSchema)]
struct JsonOutcome {
    test: String,
    operation: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    point: Option<JsonPoint>,
    aspect: String,
    /// `not_tested`, `passed`, `inconclusive`, `tentative`, `firm` or `proven`.
    verdict: &'static str,
    says: String,
    /// What was asked and succeeded before that was said; of a pass and of a finding.
    #[serde(skip_serializing_if = "Option::is_none")]
    positive_control: Option<JsonPositive>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct JsonPerson {
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tenant: Option<String>,
    /// Why they are not signed in, where they should be.
    #[serde(skip_serializing_if = "Option::is_none")]
    trouble: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct JsonOperation {
    method: String,
    /// With parameters as `{name}`.
    path: String,
    /// Who told of it: `page`, `browser`, `code`, `facts`, `har`, `script`, `specification`, `well_known`.
    sources: Vec<serde_json::Value>,
    /// Whether a request of it succeeded.
    reached: bool,
}

/// Every operation and every identity, with what was seen of the two.
#[derive(Debug, Serialize, JsonSchema)]
struct JsonMatrix {
    /// The columns: identities, `anonymous` first.
    people: Vec<String>,
    rows: Vec<JsonRow>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct JsonRow {
    /// `GET /api/notes/{id}`.
    operation: String,
    /// One for each of `people`.
    cells: Vec<JsonCell>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct JsonCell {
    /// `allowed`, `denied`, `violation` or `not_tested`.
    access: serde_json::Value,
    reasons: Vec<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct JsonGap {
    says: String,
    /// Whether the run is not what was asked for.
    incomplete: bool,
}

#[derive(Debug, Serialize, JsonSchema)]
struct JsonTest {
    title: String,
    control: &'static str,
    cwe: Vec<u16>,
    owasp: Vec<String>,
    severity: &'static str,
    level: &'static str,
    why: String,
    fix: String,
    references: Vec<String>,
    /// What it said, by verdict; empty where there was nothing it could attack.
    verdicts: BTreeMap<&'static str, usize>,
}

/// For whoever gathers what is known of each control.
#[derive(Debug, Serialize, JsonSchema)]
struct JsonEvidence {
    /// The version of this part; it changes when fields change their meaning.
    version: u32,
    complete: bool,
    /// By id of the control; one that no test of this run attacks is not named, and nothing is known of it.
    controls: BTreeMap<&'static str, JsonControl>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct JsonControl {
    /// `found`, `accepted`, `incomplete`, `not_looked` or `nothing`; docs/guides/probe.md says what each means.
    outcome: &'static str,
    tests: Vec<String>,
    verdicts: BTreeMap<&'static str, usize>,
    /// Findings by severity, tentative ones left out.
    findings: BTreeMap<&'static str, usize>,
    /// Findings that the baseline accepts.
    accepted: usize,
}

/// The report as JSON with a final line end.
#[must_use]
pub fn json(report: &Report) -> String {
    let document = Document {
        version: VERSION,
        tool: Tool { name: "gabion", version: report.version.to_owned() },
        at: report.at.to_string(),
        target: Target { base: report.base.clone(), level: report.level.as_str() },
        summary: summary(report),
        required: areas(report).iter().map(|own| area(report, own)).collect(),
        findings: report.findings.iter().map(|one| finding(report, one)).collect(),
        accepted: report
            .accepted
            .iter()
            .map(|(one, reason)| JsonAccepted { reason: reason.clone(), finding: finding(report, one) })
            .collect(),
        gone: report.gone.clone(),
        outcomes: report.outcomes.iter().map(|one| outcome(report, one)).collect(),
        people: report
            .people
            .iter()
            .filter(|who| who.name != crate::facts::ANONYMOUS)
            .map(|who| JsonPerson {
                name: who.name.clone(),
                role: who.role.clone(),
                tenant: who.tenant.clone(),
                trouble: who.trouble.as_ref().map(|text| line(report, text)),
            })
            .collect(),
        operations: report
            .operations
            .iter()
            .map(|one| JsonOperation {
                method: one.operation.method.clone(),
                path: one.operation.path.clone(),
                sources: one
                    .operation
                    .sources
                    .iter()
                    .filter_map(|source| serde_json::to_value(source).ok())
                    .collect(),
                reached: one.reached,
            })
            .collect(),
        matrix: matrix(report),
        components: report.components.iter().map(|one| component(report, one)).collect(),
        gaps: report
            .gaps
            .iter()
            .map(|gap| JsonGap { says: line(report, &gap.says), incomplete: gap.incomplete })
            .collect(),
        notes: report.notes.iter().map(|note| line(report, note)).collect(),
        journal: report.journal.iter().map(|request| line(report, request)).collect(),
        variables: report.variables.iter().map(|(_, name)| name.clone()).collect(),
        tests: report.tests.iter().map(|about| (about.id.clone(), test(report, about))).collect(),
        left: report.left.iter().cloned().collect(),
        trend: report.trend.as_ref().map(|own| trend(report, own)),
        through: report.through.as_ref().map(through),
        evidence: controls(report),
    };
    pretty(&document)
}

fn trend(report: &Report, trend: &Trend) -> JsonTrend {
    let former = |one: &Former| JsonFormer {
        id: one.id.clone(),
        test: one.test.clone(),
        operation: one.operation.clone(),
        severity: one.severity.as_str(),
        says: line(report, &one.says),
    };
    JsonTrend {
        runs: trend.runs.clone(),
        new: trend.new.iter().cloned().collect(),
        still: trend.still.iter().cloned().collect(),
        gone: trend.gone().map(former).collect(),
        unseen: trend.unseen().map(former).collect(),
    }
}

fn through(through: &Through) -> JsonThrough {
    let standing = |standing: Standing| match standing {
        Standing::Gone => "stopped",
        other => other.as_str(),
    };
    JsonThrough {
        base: through.base.clone(),
        requests: through.requests,
        findings: through
            .rows
            .iter()
            .map(|row| JsonCompared {
                id: row.id.clone(),
                standing: standing(row.standing),
                says: bounded(&super::flat(&row.says), 600),
            })
            .collect(),
        only: through
            .only
            .iter()
            .map(|one| JsonOnly {
                test: one.test.clone(),
                operation: one.operation.clone(),
                says: bounded(&super::flat(&one.says), 600),
            })
            .collect(),
        gaps: through.gaps.clone(),
    }
}

/// A JSON value as a text with a final line end, in which nothing is hidden.
pub(super) fn pretty(value: &impl Serialize) -> String {
    let text = serde_json::to_string_pretty(value).unwrap_or_default();
    let mut text = gabion_finding::visible::json(&text);
    text.push('\n');
    text
}

/// The JSON Schema of what [`json`] writes.
#[must_use]
pub fn schema() -> serde_json::Value {
    schemars::schema_for!(Document).to_value()
}

fn matrix(report: &Report) -> JsonMatrix {
    let cell = |cell: &Cell| JsonCell {
        access: serde_json::to_value(cell.access).unwrap_or_default(),
        reasons: cell.reasons.iter().map(|reason| line(report, reason)).collect(),
    };
    let rows = report
        .matrix
        .rows
        .iter()
        .map(|row| JsonRow { operation: row.operation.clone(), cells: row.cells.iter().map(cell).collect() });
    JsonMatrix { people: report.matrix.people.clone(), rows: rows.collect() }
}

fn summary(report: &Report) -> Summary {
    let sure = || report.findings.iter().filter(|one| one.outcome.verdict > Verdict::Tentative);
    let mut findings: BTreeMap<&'static str, usize> = BTreeMap::new();
    for one in sure() {
        let count = findings.entry(one.severity.as_str()).or_default();
        *count = count.saturating_add(1);
    }
    Summary {
        complete: report.is_complete(),
        ended_early: match &report.end {
            End::Whole => None,
            End::Early(why) => Some(line(report, why)),
        },
        requests: report.requests,
        milliseconds: u64::try_from(report.elapsed.as_millis()).unwrap_or(u64::MAX),
        operations: report.operations.len(),
        reached: report.operations.iter().filter(|one| one.reached).count(),
        findings,
        tentative: report.findings.len().saturating_sub(sure().count()),
        accepted: report.accepted.len(),
        verdicts: verdicts(report.outcomes.iter()),
    }
}

fn verdicts<'a>(outcomes: impl Iterator<Item = &'a Outcome>) -> BTreeMap<&'static str, usize> {
    let mut all: BTreeMap<&'static str, usize> = BTreeMap::new();
    for outcome in outcomes {
        let count = all.entry(outcome.verdict.as_str()).or_default();
        *count = count.saturating_add(1);
    }
    all
}

fn finding(report: &Report, finding: &Finding) -> JsonFinding {
    let Outcome { operation, aspect, says, verdict, proof, control, .. } = &finding.outcome;
    JsonFinding {
        id: finding.id.clone(),
        test: finding.about.id.clone(),
        title: finding.about.title.clone(),
        control: finding.about.control.as_str(),
        cwe: finding.about.cwe.clone(),
        owasp: finding.about.owasp.clone(),
        severity: finding.severity.as_str(),
        verdict: verdict.as_str(),
        operation: operation.clone(),
        point: point(&finding.outcome),
        aspect: aspect.clone(),
        says: line(report, says),
        fix: finding.about.fix.clone(),
        positive_control: control.as_ref().map(|control| positive(report, control)),
        proof: proof.as_ref().map(|proof| JsonProof {
            evidence: line(report, &proof.evidence),
            mark: report.hidden.text(&proof.mark),
            by_steps: proof.by_steps,
            attack: exchange(report, &proof.attack),
            twin: proof.twin.as_ref().map(|twin| exchange(report, twin)),
            shown: proof.shown.iter().map(|one| exchange(report, one)).collect(),
        }),
    }
}

fn point(outcome: &Outcome) -> Option<JsonPoint> {
    let point = outcome.point.as_ref()?;
    Some(JsonPoint { place: point.place.as_str(), name: point.name.clone() })
}

fn exchange(report: &Report, exchange: &Exchange) -> JsonExchange {
    JsonExchange {
        who: exchange.who.clone(),
        request: JsonRequest::of(&report.hidden.request(&exchange.request)),
        curl: curl(report, exchange),
        status: exchange.status,
        answer: bounded(&report.hidden.text(&exchange.answer), ANSWER),
    }
}

impl JsonRequest {
    fn of(request: &Request) -> Self {
        let (body, base64) = match std::str::from_utf8(&request.body) {
            Ok(text) => (text.to_owned(), false),
            Err(_) => (gabion_vault::encoding::base64_encode(&request.body), true),
        };
        Self {
            method: request.method.clone(),
            target: request.target.clone(),
            headers: request.headers.clone(),
            body,
            base64,
        }
    }
}

fn outcome(report: &Report, outcome: &Outcome) -> JsonOutcome {
    JsonOutcome {
        test: outcome.test.clone().into_owned(),
        operation: outcome.operation.clone(),
        point: point(outcome),
        aspect: outcome.aspect.clone(),
        verdict: outcome.verdict.as_str(),
        says: line(report, &outcome.says),
        positive_control: outcome.control.as_ref().map(|control| positive(report, control)),
    }
}

fn test(report: &Report, about: &About) -> JsonTest {
    JsonTest {
        title: about.title.clone(),
        control: about.control.as_str(),
        cwe: about.cwe.clone(),
        owasp: about.owasp.clone(),
        severity: about.severity.as_str(),
        level: about.level.as_str(),
        why: about.why.clone(),
        fix: about.fix.clone(),
        references: about.references.clone(),
        verdicts: verdicts(report.outcomes.iter().filter(|outcome| outcome.test == about.id)),
    }
}

fn controls(report: &Report) -> JsonEvidence {
    let controls = evidence(report).into_iter().map(|(id, of)| {
        let control = JsonControl {
            outcome: of.standing.as_str(),
            tests: of.tests.into_iter().collect(),
            verdicts: of.verdicts.iter().map(|(verdict, count)| (verdict.as_str(), *count)).collect(),
            findings: of.findings.iter().map(|(severity, count)| (severity.as_str(), *count)).collect(),
            accepted: of.accepted,
        };
        (id.as_str(), control)
    });
    JsonEvidence { version: EVIDENCE, complete: report.is_complete(), controls: controls.collect() }
}
