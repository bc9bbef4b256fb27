//! From YAML to rules. What is not known is an error: a misspelt field would be a rule that never rings.

mod correlation;
mod detection;

use std::time::Duration;

use gabion_model::{ControlId, EventKind, Problem, Severity};

use crate::anomaly;
use crate::bounds;
use crate::condition::shown;
use crate::fields;
use crate::rule::{Body, Rule};
use crate::yaml::{self, Node, Value};

/// A file of rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// As problems name it.
    pub file: String,
    pub text: String,
}

/// Reads rules for the events of other products, whose fields are not known here: for tests against public rules.
///
/// # Errors
/// What is wrong with each rule that is.
pub fn foreign(source: &Source) -> Result<Vec<Rule>, Vec<Problem>> {
    read(source, Taxonomy::Foreign)
}

/// Whose fields the rules are about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Taxonomy {
    Foreign,
    Own,
}

/// The rules of one file.
pub(crate) fn read(source: &Source, taxonomy: Taxonomy) -> Result<Vec<Rule>, Vec<Problem>> {
    let documents = yaml::read(&source.file, &source.text).map_err(|problem| vec![problem])?;
    let (mut rules, mut problems) = (Vec::new(), Vec::new());
    if documents.is_empty() {
        problems.push(Problem::new(&source.file, "there is no rule in it").hint("remove the file"));
    }
    for document in documents {
        let title = document.find("title").and_then(Node::text).unwrap_or_default();
        let reading = Reading { file: &source.file, rule: shown(title), taxonomy };
        match reading.rule(&document) {
            Ok(rule) => rules.push(rule),
            Err(problem) => problems.push(problem),
        }
    }
    if problems.is_empty() { Ok(rules) } else { Err(problems) }
}

pub(crate) type Read<T> = Result<T, Problem>;

/// Where one reads.
pub(crate) struct Reading<'a> {
    file: &'a str,
    /// The title, for messages.
    rule: String,
    pub(crate) taxonomy: Taxonomy,
}

const KEYS: &[&str] = &[
    "author",
    "correlation",
    "date",
    "description",
    "detection",
    "falsepositives",
    "fields",
    "gabion",
    "id",
    "level",
    "license",
    "logsource",
    "modified",
    "name",
    "references",
    "regression_tests_path",
    "related",
    "scope",
    "simulation",
    "status",
    "tags",
    "taxonomy",
    "title",
];

impl Reading<'_> {
    pub(crate) fn wrong(
        &self,
        line: u32,
        reason: impl std::fmt::Display,
        hint: impl Into<String>,
    ) -> Problem {
        let whose = if self.rule.is_empty() { String::new() } else { format!("rule `{}`: ", self.rule) };
        Problem::new(format!("{}:{line}", self.file), format!("{whose}{reason}")).hint(hint)
    }

    pub(crate) fn members<'n>(&self, node: &'n Node, what: &str) -> Read<&'n [(String, Node)]> {
        node.members()
            .ok_or_else(|| self.wrong(node.line, format!("{what} is a map"), "write `key: value` lines"))
    }

    pub(crate) fn text<'n>(&self, node: &'n Node, what: &str) -> Read<&'n str> {
        let text = node.text().filter(|text| !text.trim().is_empty());
        text.ok_or_else(|| self.wrong(node.line, format!("`{what}` is a text"), "put it into quotes"))
    }

    pub(crate) fn texts(&self, node: &Node, what: &str, most: usize) -> Read<Vec<String>> {
        let items = node.items();
        if items.len() > most {
            return Err(self.wrong(
                node.line,
                format!("`{what}` is too long"),
                format!("at most {most} items"),
            ));
        }
        items.iter().map(|item| self.text(item, what).map(str::to_owned)).collect()
    }

    /// Refuses keys that are not in the list.
    pub(crate) fn only(&self, members: &[(String, Node)], known: &[&str], what: &str) -> Read<()> {
        for (key, node) in members {
            if !known.contains(&key.as_str()) {
                let reason = format!("`{}` is not known in {what}", shown(key));
                return Err(self.wrong(node.line, reason, format!("known are {}", listed(known))));
            }
        }
        Ok(())
    }

    pub(crate) fn field(&self, line: u32, field: &str) -> Read<String> {
        if self.taxonomy == Taxonomy::Foreign || fields::is_known(field) {
            return Ok(field.to_owned());
        }
        let known = format!("{}, {}", listed(fields::NAMES), listed(anomaly::FIELDS));
        let reason = format!("events have no field `{}`", shown(field));
        Err(self.wrong(line, reason, format!("they have {known}, and `metadata.` with a key")))
    }

    pub(crate) fn period(&self, node: &Node, what: &str, most: Duration) -> Read<Duration> {
        let text = self.text(node, what)?;
        let period = period(text).filter(|period| !period.is_zero() && *period <= most);
        period.ok_or_else(|| {
            let reason = format!("`{what}` is a time of at least 1s and at most {}h", most.as_secs() / 3600);
            self.wrong(node.line, reason, "for instance `10m`; s, m, h and d are known")
        })
    }

    fn rule(&self, document: &Node) -> Read<Rule> {
        let members = self.members(document, "a rule")?;
        if let Some(node) = document.find("filter") {
            let hint =
                "write the exception into the rule (`and not filter`), or list the rule in `watch.disabled`";
            return Err(self.wrong(node.line, "filters are not read", hint));
        }
        if let Some(node) = document.find("action") {
            let hint = "write each rule as a document of its own";
            return Err(self.wrong(node.line, "collections of Sigma 1 (`action`) are not read", hint));
        }
        self.only(members, KEYS, "a rule")?;
        let need = |key: &str, hint: &str| {
            let node = document.find(key);
            node.ok_or_else(|| self.wrong(document.line, format!("`{key}` is missing"), hint))
        };
        let title = self.text(need("title", "say in a few words what it finds")?, "title")?;
        let id = self.text(need("id", "a UUID of its own, for instance by `uuidgen`")?, "id")?;
        let level = self.level(need("level", "informational, low, medium, high or critical")?)?;
        let optional = |key: &str| document.find(key).filter(|node| !matches!(node.value, Value::Null));
        let some = |key: &str| optional(key).map(|node| self.text(node, key).map(str::to_owned)).transpose();
        let list = |key: &str| match optional(key) {
            Some(node) => self.texts(node, key, 256),
            None => Ok(Vec::new()),
        };
        let body = match (document.find("detection"), document.find("correlation")) {
            (Some(node), None) => Body::Detection(self.detection(node)?),
            (None, Some(node)) => Body::Correlation(self.correlation(node)?),
            _ => {
                let reason = "a rule has either `detection` or `correlation`";
                return Err(self.wrong(document.line, reason, "add the one, or remove the other"));
            }
        };
        let classes = self.classes(document, &body)?;
        let own = self.own(document.find("gabion"), &body)?;
        Ok(Rule {
            id: id.to_owned(),
            name: some("name")?,
            title: title.to_owned(),
            description: some("description")?.unwrap_or_default(),
            level,
            author: some("author")?,
            tags: list("tags")?,
            false_positives: list("falsepositives")?,
            references: list("references")?,
            control: own.control,
            file: self.file.to_owned(),
            line: document.line,
            quiet: own.quiet,
            rings: own.rings,
            dry_run: own.dry_run,
            same: own.same,
            classes,
            body,
            written: document.clone(),
        })
    }

    fn level(&self, node: &Node) -> Read<Severity> {
        let level = Severity::ALL.iter().copied().find(|level| node.text() == Some(level.as_str()));
        level.ok_or_else(|| {
            self.wrong(node.line, "this level is not known", "informational, low, medium, high or critical")
        })
    }

    /// Which events a detection is for.
    fn classes(&self, document: &Node, body: &Body) -> Read<Vec<EventKind>> {
        let source = document.find("logsource");
        if matches!(body, Body::Correlation(_)) {
            return match source {
                Some(node) => Err(self.wrong(
                    node.line,
                    "a correlation has no `logsource`",
                    "its rules have; remove it",
                )),
                None => Ok(Vec::new()),
            };
        }
        let hint = "`logsource:` with `product: gabion` and, if it is for one class only, `category: login`";
        let node = source.ok_or_else(|| self.wrong(document.line, "`logsource` is missing", hint))?;
        let members = self.members(node, "`logsource`")?;
        if self.taxonomy == Taxonomy::Foreign {
            return Ok(Vec::new());
        }
        self.only(members, &["category", "definition", "product", "service"], "`logsource`")?;
        let word = |key: &str| node.find(key).map(|node| self.text(node, key)).transpose();
        if let Some(service) = node.find("service") {
            return Err(self.wrong(
                service.line,
                "events have no `service`",
                "use `category`, or the field `action`",
            ));
        }
        let (product, category) = (word("product")?, word("category")?);
        match (product, category) {
            (Some("gabion"), None) => Ok(fields::CLASSES.to_vec()),
            (Some("gabion"), Some(name)) => {
                let class = fields::CLASSES.into_iter().find(|class| class.as_str() == name);
                class.map(|class| vec![class]).ok_or_else(|| {
                    let known: Vec<_> = fields::CLASSES.iter().map(|class| class.as_str()).collect();
                    self.wrong(node.line, format!("there is no class `{}`", shown(name)), listed(&known))
                })
            }
            // Public rules for web servers: what was asked of the gate and refused.
            (None, Some("webserver")) => Ok(vec![EventKind::Refusal]),
            _ => {
                let reason = "no event here comes from this `logsource`";
                Err(self.wrong(
                    node.line,
                    reason,
                    "`product: gabion`, or `category: webserver` for refused requests",
                ))
            }
        }
    }

    /// What is ours in a rule: the control, and when it is quiet.
    fn own(&self, node: Option<&Node>, body: &Body) -> Read<Own> {
        let mut own = Own {
            control: ControlId::WATCH_DETECTIONS,
            quiet: QUIET,
            rings: None,
            dry_run: false,
            same: Vec::new(),
        };
        if let Body::Correlation(correlation) = body {
            own.quiet = own.quiet.max(correlation.timespan);
        } else if self.taxonomy == Taxonomy::Own {
            own.same = ["actor", "network", "resource"].map(str::to_owned).to_vec();
        }
        let Some(node) = node else { return Ok(own) };
        let members = self.members(node, "`gabion`")?;
        self.only(members, &["control", "dry_run", "quiet", "rings", "same"], "`gabion`")?;
        if let Some(node) = node.find("control") {
            let id = self.text(node, "control")?;
            own.control = id.parse().map_err(|_| {
                let reason = format!("no control has the id `{}`", shown(id));
                self.wrong(node.line, reason, "`gabion controls` lists them")
            })?;
        }
        if let Some(node) = node.find("quiet") {
            own.quiet = self.period(node, "quiet", bounds::QUIET)?;
        }
        if let Some(node) = node.find("rings") {
            let Value::Bool(rings) = node.value else {
                return Err(self.wrong(node.line, "`rings` is `true` or `false`", "remove it"));
            };
            own.rings = Some(rings);
        }
        if let Some(node) = node.find("dry_run") {
            let Value::Bool(dry_run) = node.value else {
                return Err(self.wrong(node.line, "`dry_run` is `true` or `false`", "remove it"));
            };
            own.dry_run = dry_run;
        }
        if let Some(node) = node.find("same") {
            if matches!(body, Body::Correlation(_)) {
                return Err(self.wrong(node.line, "a correlation has its groups", "remove `same`"));
            }
            own.same = self.texts(node, "same", bounds::GROUP_BY)?;
            for field in &own.same {
                self.field(node.line, field)?;
            }
        }
        Ok(own)
    }
}

struct Own {
    control: ControlId,
    quiet: Duration,
    rings: Option<bool>,
    dry_run: bool,
    same: Vec<String>,
}

/// How long a rule is quiet after it rang, when it says nothing of it.
const QUIET: Duration = Duration::from_secs(600);

fn period(text: &str) -> Option<Duration> {
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let factor = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86_400,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(factor).map(Duration::from_secs)
}

pub(crate) fn listed(words: &[&str]) -> String {
    words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
}
