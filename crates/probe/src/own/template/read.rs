//! A template from its YAML: what it says, or why it is refused.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use gabion_model::Severity;
use serde_json::{Map, Value};

use super::extract::Extractor;
use super::matcher::Matcher;
use super::{Attack, Block, Flow, Kind, Refused, Template, text_of, texts_of};
use crate::about::About;
use crate::facts::Level;
use crate::own::LARGEST;
use crate::own::expression::Expression;

/// Keys of a whole template that are read.
const KEYS: &[&str] =
    &["id", "info", "http", "requests", "variables", "flow", "stop-at-first-match", "self-contained"];
/// Protocols that are not.
const PROTOCOLS: &[&str] = &[
    "code",
    "dns",
    "file",
    "headless",
    "javascript",
    "network",
    "ssl",
    "tcp",
    "websocket",
    "whois",
    "workflows",
];
/// Keys of a block that are read, or change nothing that counts here.
const OF_BLOCK: &[&str] = &[
    "attack",
    "body",
    "cookie-reuse",
    "disable-cookie",
    "disable-path-automerge",
    "extractors",
    "headers",
    "host-redirects",
    "id",
    "iterate-all",
    "matchers",
    "matchers-condition",
    "max-redirects",
    "max-size",
    "method",
    "name",
    "path",
    "payloads",
    "pre-condition",
    "pre-condition-operator",
    "raw",
    "read-all",
    "redirects",
    "req-condition",
    "skip-variables-check",
    "stop-at-first-match",
    "threads",
    "unsafe",
];
/// What a template attacks whose weakness no test of ours is about: known holes of what others wrote.
const USUAL: &str = "supply.vulnerabilities";
/// The most blocks, and the most requests written in one.
const MOST: usize = 60;

/// Reads a template.
///
/// # Errors
/// Why it is refused.
pub fn read(file: &str, text: &str) -> Result<Template, Refused> {
    template(file, text).map_err(|why| Refused { file: file.to_owned(), why })
}

fn template(file: &str, text: &str) -> Result<Template, String> {
    if text.len() > LARGEST {
        return Err(format!("it is longer than {} KiB", LARGEST >> 10));
    }
    let root: Value = serde_saphyr::from_str(text).map_err(|error| {
        let says = error.to_string();
        says.lines().next().unwrap_or_default().trim().to_owned()
    })?;
    let Value::Object(root) = root else { return Err("it is no map".to_owned()) };
    for key in root.keys() {
        if PROTOCOLS.contains(&key.as_str()) {
            return Err(format!("the protocol `{key}` is not read"));
        }
    }
    known(&root, KEYS)?;
    if truth(&root, "self-contained")? {
        return Err("`self-contained` goes elsewhere than to the target".to_owned());
    }
    let id = root.get("id").and_then(text_of).unwrap_or_default();
    let plain = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '.');
    if id.is_empty() || id.len() > 120 || !id.chars().all(plain) {
        return Err("its `id` is none".to_owned());
    }
    let blocks = match (root.get("http"), root.get("requests")) {
        (Some(Value::Array(blocks)), None) | (None, Some(Value::Array(blocks))) => blocks,
        (None, None) => return Err("it sends nothing by HTTP".to_owned()),
        _ => return Err("`http` is no list".to_owned()),
    };
    if blocks.is_empty() || blocks.len() > MOST {
        return Err(format!("it has not between 1 and {MOST} entries in `http`"));
    }
    let mut variables = Vec::new();
    if let Some(value) = root.get("variables") {
        let Value::Object(map) = value else { return Err("`variables` is no map".to_owned()) };
        for (name, value) in map {
            let value = text_of(value).ok_or_else(|| format!("the variable `{name}` is no text"))?;
            super::known_functions(&value).map_err(|why| format!("the variable `{name}`: {why}"))?;
            variables.push((name.clone(), value));
        }
    }
    let stop = truth(&root, "stop-at-first-match")?;
    let requests: Vec<Block> = blocks
        .iter()
        .enumerate()
        .map(|(at, value)| block(value, stop).map_err(|why| format!("`http[{at}]`: {why}")))
        .collect::<Result<_, _>>()?;
    if !requests
        .iter()
        .any(|block| !block.matchers.is_empty() || block.extractors.iter().any(|own| !own.internal))
    {
        return Err("it matches nothing".to_owned());
    }
    let flow = match root.get("flow") {
        None => Flow::All,
        Some(value) => flow(&text_of(value).unwrap_or_default(), requests.len())?,
    };
    let removes = requests.iter().any(Block::removes);
    let about = about(&id, root.get("info"), removes)?;
    Ok(Template { file: file.to_owned(), about: Arc::new(about), variables, requests, flow })
}

fn known(map: &Map<String, Value>, keys: &[&str]) -> Result<(), String> {
    match map.keys().find(|key| !keys.contains(&key.as_str())) {
        Some(key) => Err(format!("the key `{key}` is not read")),
        None => Ok(()),
    }
}

/// Whether every function in what is sent is there.
fn written(value: &Value) -> Result<(), String> {
    match value {
        Value::String(text) => super::known_functions(text),
        Value::Array(items) => items.iter().try_for_each(written),
        Value::Object(map) => map
            .iter()
            .filter(|(key, _)| *key != "matchers" && *key != "extractors")
            .try_for_each(|(_, value)| written(value)),
        _ => Ok(()),
    }
}

pub(super) fn truth(map: &Map<String, Value>, key: &str) -> Result<bool, String> {
    match map.get(key) {
        None => Ok(false),
        Some(Value::Bool(truth)) => Ok(*truth),
        Some(_) => Err(format!("`{key}` is neither true nor false")),
    }
}

fn number(map: &Map<String, Value>, key: &str) -> Option<usize> {
    map.get(key).and_then(Value::as_u64).and_then(|number| usize::try_from(number).ok())
}

fn block(value: &Value, stop: bool) -> Result<Block, String> {
    let Value::Object(map) = value else { return Err("it is no map".to_owned()) };
    known(map, OF_BLOCK)?;
    let text = |key: &str| map.get(key).and_then(text_of).unwrap_or_default();
    written(value)?;
    let raw = texts_of(map.get("raw"))?;
    let kind = if raw.is_empty() {
        let paths = texts_of(map.get("path"))?;
        if paths.is_empty() {
            return Err("it has neither `path` nor `raw`".to_owned());
        }
        let method =
            Some(text("method")).filter(|method| !method.is_empty()).unwrap_or_else(|| "GET".to_owned());
        Kind::Paths { method, paths }
    } else {
        Kind::Raw(raw.iter().map(|text| annotated(text)).collect::<Result<_, _>>()?)
    };
    let count = match &kind {
        Kind::Paths { paths, .. } => paths.len(),
        Kind::Raw(all) => all.len(),
    };
    if count > MOST.saturating_mul(10) {
        return Err(format!("it writes {count} requests"));
    }
    let mut headers = Vec::new();
    if let Some(value) = map.get("headers") {
        let Value::Object(all) = value else { return Err("`headers` is no map".to_owned()) };
        for (name, value) in all {
            headers.push((name.clone(), text_of(value).unwrap_or_default()));
        }
    }
    let mut lists = BTreeMap::new();
    if let Some(value) = map.get("payloads") {
        let Value::Object(all) = value else { return Err("`payloads` is no map".to_owned()) };
        for (name, value) in all {
            let Value::Array(_) = value else {
                return Err(format!("the payloads `{name}` stand in another file"));
            };
            let list = texts_of(Some(value))?;
            if list.is_empty() {
                return Err(format!("the payloads `{name}` are none"));
            }
            lists.insert(name.clone(), list);
        }
    }
    let attack = match text("attack").as_str() {
        "" if lists.len() > 1 => Attack::Pitchfork,
        "" | "batteringram" | "sniper" => Attack::BatteringRam,
        "pitchfork" => Attack::Pitchfork,
        "clusterbomb" => Attack::ClusterBomb,
        other => return Err(format!("the attack `{other}` is not known")),
    };
    let all = match text("matchers-condition").as_str() {
        "" | "or" => false,
        "and" => true,
        other => return Err(format!("the condition `{other}` is not known")),
    };
    let list = |key: &str| match map.get(key) {
        None => Ok(Vec::new()),
        Some(Value::Array(items)) if items.len() <= MOST => Ok(items.clone()),
        Some(_) => Err(format!("`{key}` is no list, or a long one")),
    };
    let matchers = list("matchers")?.iter().map(Matcher::read).collect::<Result<Vec<_>, _>>()?;
    let extractors = list("extractors")?.iter().map(Extractor::read).collect::<Result<Vec<_>, _>>()?;
    let condition = list("pre-condition")?;
    let condition = condition
        .iter()
        .map(|value| match value.get("dsl").map(|dsl| texts_of(Some(dsl))) {
            Some(Ok(all)) => all.iter().map(|text| Expression::parse(text)).collect::<Result<Vec<_>, _>>(),
            _ => Err("a `pre-condition` is no `dsl`".to_owned()),
        })
        .collect::<Result<Vec<_>, _>>()?
        .concat();
    let redirects = truth(map, "redirects")? || truth(map, "host-redirects")?;
    Ok(Block {
        kind,
        headers,
        body: text("body"),
        payloads: lists,
        attack,
        matchers,
        all,
        extractors,
        stop: stop || truth(map, "stop-at-first-match")?,
        redirects: if redirects { number(map, "max-redirects").unwrap_or(10).min(10) } else { 0 },
        cookies: !truth(map, "disable-cookie")? && map.get("cookie-reuse") != Some(&Value::Bool(false)),
        condition,
        condition_all: text("pre-condition-operator") != "or",
    })
}

/// A raw request without its notes to the sender; one that names another place is refused.
fn annotated(text: &str) -> Result<String, String> {
    let mut rest = text.trim_start();
    while let Some(note) = rest.strip_prefix('@') {
        let (line, behind) = note.split_once('\n').unwrap_or((note, ""));
        let name = line.split(':').next().unwrap_or_default().trim().to_ascii_lowercase();
        match name.as_str() {
            // The probe has its own patience.
            "timeout" | "once" => {}
            other => return Err(format!("the note `@{other}` is not read")),
        }
        rest = behind.trim_start();
    }
    Ok(rest.to_owned())
}

impl Block {
    /// Whether it removes something, by its method.
    fn removes(&self) -> bool {
        match &self.kind {
            Kind::Paths { method, .. } => method == "DELETE",
            Kind::Raw(all) => all.iter().any(|text| text.starts_with("DELETE ")),
        }
    }
}

/// `http(1) && http(2)`; everything else is a program.
fn flow(text: &str, blocks: usize) -> Result<Flow, String> {
    let program = || "its `flow` is a program".to_owned();
    let text: String = text.chars().filter(|letter| !letter.is_whitespace() && *letter != ';').collect();
    if text == "http()" {
        return Ok(Flow::All);
    }
    let and = !text.contains("||");
    if text.len() > 2_000 || (!and && text.contains("&&")) {
        return Err(program());
    }
    let mut order = Vec::new();
    for part in text.split(if and { "&&" } else { "||" }) {
        let number = part.strip_prefix("http(").and_then(|rest| rest.strip_suffix(')'));
        let at =
            number.and_then(|number| number.parse::<usize>().ok()).and_then(|number| number.checked_sub(1));
        order.push(at.filter(|at| *at < blocks).ok_or_else(program)?);
    }
    Ok(Flow::While(order, and))
}

fn about(id: &str, info: Option<&Value>, removes: bool) -> Result<About, String> {
    let text = |value: Option<&Value>| value.and_then(text_of).unwrap_or_default().trim().to_owned();
    let member = |name: &str| info.and_then(|info| info.get(name));
    let severity = match text(member("severity")).to_ascii_lowercase().as_str() {
        "critical" => Severity::Critical,
        "high" => Severity::High,
        "medium" => Severity::Medium,
        "low" => Severity::Low,
        "" | "info" | "unknown" => Severity::Informational,
        other => return Err(format!("the severity `{other}` is not known")),
    };
    let tags: BTreeSet<String> = texts_of(member("tags"))
        .unwrap_or_default()
        .iter()
        .flat_map(|tags| tags.split(','))
        .map(|tag| tag.trim().to_ascii_lowercase())
        .collect();
    if tags.contains("dos") {
        return Err("it is tagged `dos`: it wants the target to fall over".to_owned());
    }
    let classes = texts_of(member("classification").and_then(|of| of.get("cwe-id"))).unwrap_or_default();
    let cwe: Vec<u16> = classes
        .iter()
        .flat_map(|text| text.split(','))
        .filter_map(|text| text.trim().to_ascii_uppercase().strip_prefix("CWE-")?.parse().ok())
        .take(10)
        .collect();
    let like = crate::about::all().iter().find(|about| cwe.iter().any(|number| about.cwe.contains(number)));
    let or = |text: String, other: &str| if text.is_empty() { other.to_owned() } else { text };
    let links = texts_of(member("reference")).unwrap_or_default();
    Ok(About {
        id: id.to_owned(),
        title: or(text(member("name")), id),
        control: like.map(|about| about.control).or_else(|| USUAL.parse().ok()).ok_or("it has no control")?,
        cwe,
        owasp: like.map(|about| about.owasp.clone()).unwrap_or_default(),
        severity,
        level: if removes || tags.contains("intrusive") { Level::Destructive } else { Level::Active },
        why: or(text(member("description")), "The template does not say what somebody could do with it."),
        fix: or(text(member("remediation")), "The template does not say what to do instead."),
        references: links.into_iter().filter(|link| link.starts_with("https://")).take(20).collect(),
    })
}
