//! A test of one's own as it is written: `probe.d/NAME.yaml`. `docs/guides/probe-tests.md` explains it with examples.

use std::collections::BTreeMap;

use gabion_model::Severity;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use crate::facts::Level;

/// One test.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Form {
    /// What `--only` and reports call it: small letters, digits and `-`.
    pub id: String,
    /// What is wrong where it finds something, in one line.
    pub title: String,
    /// The promise it attacks: `gabion controls` lists them.
    pub control: String,
    /// Numbers of the Common Weakness Enumeration, the closest first.
    #[serde(default)]
    pub cwe: Vec<u16>,
    /// Categories of OWASP's lists: `API1:2023`.
    #[serde(default)]
    pub owasp: Vec<String>,
    #[schemars(with = "SeverityWord")]
    pub severity: Severity,
    /// How far the run must be allowed to go.
    #[serde(default)]
    #[schemars(with = "LevelWord")]
    pub level: Level,
    /// What somebody could do with it.
    #[serde(default)]
    pub why: String,
    /// What to do instead.
    #[serde(default)]
    pub fix: String,
    #[serde(default)]
    pub references: Vec<String>,
    #[serde(default)]
    pub needs: Needs,
    /// Values by name, in order: later ones may use earlier ones. New in every round.
    #[serde(default)]
    pub variables: Vec<Variable>,
    /// Requests that come first: what they make, the attack uses.
    #[serde(default)]
    pub prepare: Vec<Step>,
    /// The positive control: what must work for the silence of the attack to mean something.
    #[serde(default)]
    pub works: Vec<Step>,
    pub attack: Vec<Step>,
    /// What shows that the attack succeeded. All of it must be so.
    pub oracle: Oracle,
    /// As like the attack as it can be without being one: the oracle must not see there what it sees in the attack.
    #[serde(default)]
    pub twin: Option<Twin>,
    /// Requests that remove what was made. They are sent however a round ends.
    #[serde(default)]
    pub clean_up: Vec<Step>,
    /// Rounds that must all agree.
    #[serde(default = "two")]
    #[schemars(range(min = 1, max = 10))]
    pub repeat: u8,
}

const fn two() -> u8 {
    2
}

/// What must be there; without it the test says `not tested`.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Needs {
    /// People by the names that `as` uses here. Each is somebody else. A name that is not here is that of an identity.
    pub people: BTreeMap<String, Who>,
    /// Operations that the application must have: `POST /api/notes`.
    pub operations: Vec<String>,
}

/// Somebody who must be signed in.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Who {
    /// The name of the identity.
    pub identity: Option<String>,
    pub role: Option<String>,
    pub tenant: Option<String>,
    /// Of the same tenant as this one of `people`.
    pub tenant_of: Option<String>,
    /// Of another tenant than this one of `people`.
    pub other_tenant_than: Option<String>,
}

/// A name and its value.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Variable {
    pub name: String,
    /// A text; `{{…}}` is computed: `{{canary()}}`, `{{product(a, b)}}`.
    pub value: String,
}

/// One request.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Step {
    /// What `oracle.step` and messages call it.
    pub name: String,
    /// Who sends it; nobody where it is not said.
    #[serde(rename = "as")]
    pub sender: Option<String>,
    /// Method and path: `GET /api/notes/{{id}}`.
    pub request: String,
    /// A request of HTTP/1.1 as it goes out, instead of `request`: request line, fields, an empty line, the body.
    pub raw: Option<String>,
    /// Values after `?`, encoded as they need to be.
    pub query: BTreeMap<String, Texts>,
    pub headers: BTreeMap<String, Texts>,
    pub cookies: BTreeMap<String, String>,
    pub json: Option<Value>,
    pub form: BTreeMap<String, Texts>,
    pub multipart: BTreeMap<String, Part>,
    pub body: Option<Body>,
    /// Whether redirects within the target are followed, up to five.
    pub follow: bool,
    /// How often the same request is sent at one moment.
    #[schemars(range(min = 1, max = 50))]
    pub at_once: Option<u8>,
    /// What its answer must be; otherwise the round says nothing.
    pub expect: Option<Look>,
    /// What is kept of its answer, by the name it is used by.
    pub capture: BTreeMap<String, Capture>,
}

/// One text, or several.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Texts {
    One(Text),
    Many(Vec<Text>),
}

/// A text; numbers and truths are written as they stand.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Text {
    Truth(bool),
    Whole(i64),
    Number(f64),
    Text(String),
}

/// A part of a multipart form.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Part {
    pub text: String,
    /// Its name as a file.
    pub file: Option<String>,
    /// Its media type as a file.
    #[serde(rename = "type")]
    pub media_type: Option<String>,
}

/// A body as it is.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Body {
    /// `text/xml`.
    #[serde(rename = "type")]
    pub media_type: String,
    #[serde(default)]
    pub text: String,
}

/// Where in an answer a value stands: one of these.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Capture {
    /// A JSON pointer into the body: `/items/0/id`.
    pub json: Option<String>,
    /// The name of a header field.
    pub header: Option<String>,
    /// The name of a cookie it sets.
    pub cookie: Option<String>,
    /// A pattern over the body; its first group, or all it matches.
    pub regex: Option<String>,
}

/// What an answer looks like. All of it must be so.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Look {
    /// `200`, `2xx`, or several of them.
    pub status: Option<Texts>,
    /// Header fields by name.
    pub header: BTreeMap<String, Holds>,
    /// Members of the JSON body by their pointers.
    pub json: BTreeMap<String, Holds>,
    pub body: Option<Holds>,
    /// An expression: `status_code == 200 && len(body) > 100`.
    pub fits: Option<String>,
}

/// What a value holds. A value alone stands for `is` (for a body: `has`).
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Holds {
    Rules(Rules),
    Value(Value),
}

/// Rules for a value. All of them must be so.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Rules {
    pub is: Option<Value>,
    /// Texts it has in it.
    pub has: Option<Texts>,
    /// Texts it does not have in it.
    pub lacks: Option<Texts>,
    pub matches: Option<String>,
    /// That it is not there.
    pub absent: Option<bool>,
}

/// What shows that the attack succeeded.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Oracle {
    /// The name of the step of `attack` it looks at; the last one where it is not said.
    pub step: Option<String>,
    pub status: Option<Texts>,
    pub header: BTreeMap<String, Holds>,
    pub json: BTreeMap<String, Holds>,
    pub body: Option<Holds>,
    pub fits: Option<String>,
    /// The application fetched `{{callback}}`.
    pub callback: bool,
    /// The answer is another one than that of the same step of the twin: by its status, or by its words.
    pub differs: bool,
    /// Of the requests sent at once, so many must be answered like this.
    pub at_least: Option<u8>,
}

impl Oracle {
    pub(crate) fn look(&self) -> Look {
        Look {
            status: self.status.clone(),
            header: self.header.clone(),
            json: self.json.clone(),
            body: self.body.clone(),
            fits: self.fits.clone(),
        }
    }
}

/// What the twin has in place of what the attack has.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Twin {
    /// Other values of these names.
    pub variables: Vec<Variable>,
    /// Who sends in place of whom.
    #[serde(rename = "as")]
    pub senders: BTreeMap<String, String>,
    /// One after the other what the attack sends at once.
    pub in_turn: bool,
    /// Requests in place of those of the attack.
    pub steps: Vec<Step>,
}

/// The words of severities, for the schema.
#[derive(JsonSchema)]
#[serde(rename_all = "snake_case")]
#[expect(dead_code, reason = "it stands for the words of another type in the schema")]
enum SeverityWord {
    Informational,
    Low,
    Medium,
    High,
    Critical,
}

/// The words of levels, for the schema.
#[derive(JsonSchema)]
#[serde(rename_all = "snake_case")]
#[expect(dead_code, reason = "it stands for the words of another type in the schema")]
enum LevelWord {
    Passive,
    Active,
    Destructive,
}

/// The JSON Schema of a file.
#[must_use]
pub fn schema() -> Value {
    schemars::schema_for!(Form).to_value()
}
