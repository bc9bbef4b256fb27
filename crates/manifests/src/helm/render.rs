//! Renders a template: what is known is written out, what is not leaves a mark and a note.

use std::collections::BTreeMap;

use gabion_finding::UnreadReason;
use serde_json::{Map, Value as Json, json};

use super::OPEN;
use super::expression::{Pipeline, Term};
use super::functions::{self, Answer, Unknown};
use super::template::{Kind, Part};
use crate::document::{DEEPEST, Gap};

const MOST_STEPS: usize = 100_000;
const LONGEST: usize = 1 << 20;
/// Notes of one template; the others say the same.
const MOST_NOTES: usize = 12;

#[derive(Debug, Default)]
pub(super) struct Out {
    pub(super) text: String,
    pub(super) lines: Vec<u32>,
    pub(super) gaps: Vec<Gap>,
}

pub(super) struct Renderer<'a> {
    library: &'a BTreeMap<&'a str, &'a [Part]>,
    root: Json,
    source: &'a str,
    steps: usize,
    depth: usize,
    /// Inside of a helper, lines are those of the call.
    called_from: Option<u32>,
    variables: Vec<(String, Json)>,
    gaps: Vec<Gap>,
}

/// Text with the line each of its lines came from.
#[derive(Debug, Default)]
struct Page {
    text: String,
    lines: Vec<u32>,
}

impl Page {
    fn push(&mut self, text: &str, first: u32, moves: bool) {
        let mut line = first;
        for letter in text.chars() {
            if self.lines.is_empty() || self.text.ends_with('\n') {
                self.lines.push(line);
            }
            self.text.push(letter);
            if letter == '\n' && moves {
                line = line.saturating_add(1);
            }
        }
        // A line that a block left empty belongs to what is written on it.
        if let Some(last) = self.lines.last_mut() {
            let written = self.text.rsplit('\n').next().unwrap_or_default();
            if !written.is_empty() && written.trim() == text.rsplit('\n').next().unwrap_or_default().trim() {
                *last = line;
            }
        }
    }
}

impl<'a> Renderer<'a> {
    pub(super) fn new(
        library: &'a BTreeMap<&'a str, &'a [Part]>,
        values: &Json,
        chart: &Json,
        source: &'a str,
    ) -> Self {
        // Helm spells the keys of Chart.yaml with a capital.
        let chart: Map<String, Json> = (chart.as_object().into_iter().flatten())
            .map(|(key, value)| {
                let mut letters = key.chars();
                let first = letters.next().map(|first| first.to_ascii_uppercase());
                (first.into_iter().chain(letters).collect(), value.clone())
            })
            .collect();
        let name = chart.get("Name").cloned().unwrap_or_else(|| json!("chart"));
        let root = json!({
            "Values": if values.is_object() { values.clone() } else { json!({}) },
            "Chart": chart,
            "Release": { "Name": name, "Namespace": "default", "Service": "Helm", "IsInstall": true, "IsUpgrade": false, "Revision": 1 },
            "Template": { "Name": "template", "BasePath": "templates" },
        });
        let (variables, gaps) = (Vec::new(), Vec::new());
        Self { library, root, source, steps: 0, depth: 0, called_from: None, variables, gaps }
    }

    pub(super) fn run(mut self, parts: &[Part]) -> Out {
        let mut page = Page::default();
        let root = self.root.clone();
        self.parts(parts, &root, &mut page);
        Out { text: page.text, lines: page.lines, gaps: self.gaps }
    }

    fn note(&mut self, line: u32, says: &str) {
        let line = self.called_from.unwrap_or(line);
        let detail = format!("line {line}: {says}");
        if self.gaps.len() < MOST_NOTES && !self.gaps.iter().any(|gap| gap.detail == detail) {
            self.gaps.push(Gap { reason: UnreadReason::Syntax, detail });
        }
    }

    fn spent(&mut self, page: &Page) -> bool {
        self.steps = self.steps.saturating_add(1);
        if self.steps > MOST_STEPS || page.text.len() > LONGEST {
            let detail = "rendering was cut off".to_owned();
            if !self.gaps.iter().any(|gap| gap.reason == UnreadReason::Budget) {
                self.gaps.push(Gap { reason: UnreadReason::Budget, detail });
            }
            return true;
        }
        false
    }

    fn parts(&mut self, parts: &[Part], dot: &Json, page: &mut Page) {
        let scope = self.variables.len();
        for part in parts {
            if self.spent(page) {
                break;
            }
            match part {
                Part::Text { text, line } => {
                    page.push(text, self.called_from.unwrap_or(*line), self.called_from.is_none());
                }
                Part::Show { what, line, alone } => self.show(what, *line, *alone, dot, page),
                Part::Set { name, what } => {
                    let value = self.value(what, dot).unwrap_or_else(|_| json!(OPEN));
                    match self.variables.iter_mut().rev().find(|(known, _)| known == name) {
                        Some((_, old)) => *old = value,
                        None => self.variables.push((name.clone(), value)),
                    }
                }
                Part::Open { line, alone } => {
                    let written =
                        self.source.lines().nth((*line as usize).saturating_sub(1)).unwrap_or_default();
                    let says = format!("`{}` is not understood", written.trim());
                    self.note(*line, &says);
                    self.mark(*line, *alone, page);
                }
                Part::Block { kind, what, line, then, otherwise } => {
                    self.block(kind, what, *line, (then, otherwise), dot, page);
                }
            }
        }
        self.variables.truncate(scope);
    }

    fn mark(&mut self, line: u32, alone: bool, page: &mut Page) {
        let text = if alone { format!("{OPEN}{line}: {OPEN}") } else { OPEN.to_owned() };
        page.push(&text, self.called_from.unwrap_or(line), false);
    }

    fn show(&mut self, what: &Pipeline, line: u32, alone: bool, dot: &Json, page: &mut Page) {
        let outside = self.called_from;
        self.called_from = Some(outside.unwrap_or(line));
        let value = self.value(what, dot);
        self.called_from = outside;
        match value {
            Ok(value) => page.push(&functions::shown(&value), outside.unwrap_or(line), false),
            Err(Unknown(says)) => {
                self.note(line, &format!("{says} is only known to Helm"));
                // Where it says how deep it stands, the mark stands there.
                let depth = what.0.iter().find_map(|call| match call.as_slice() {
                    [Term::Function(name), Term::Number(depth)] if name == "nindent" => Some(*depth),
                    _ => None,
                });
                match depth {
                    Some(depth) if (0.0..100.0).contains(&depth) => {
                        #[expect(
                            clippy::cast_possible_truncation,
                            clippy::cast_sign_loss,
                            reason = "between 0 and 100"
                        )]
                        let indent = " ".repeat(depth as usize);
                        page.push(&format!("\n{indent}{OPEN}{line}: {OPEN}"), outside.unwrap_or(line), false);
                    }
                    _ => self.mark(line, alone, page),
                }
            }
        }
    }

    fn block(
        &mut self,
        kind: &Kind,
        what: &Pipeline,
        line: u32,
        (then, otherwise): (&[Part], &[Part]),
        dot: &Json,
        page: &mut Page,
    ) {
        let value = match self.value(what, dot) {
            Ok(value) => value,
            Err(Unknown(says)) => {
                self.note(line, &format!("{says} is only known to Helm; read as if it were so"));
                let inside = if *kind == Kind::If { dot.clone() } else { json!(OPEN) };
                return self.parts(then, &inside, page);
            }
        };
        match kind {
            Kind::If if functions::truth(&value) => self.parts(then, dot, page),
            Kind::With if functions::truth(&value) => self.parts(then, &value, page),
            Kind::If | Kind::With => self.parts(otherwise, dot, page),
            Kind::Range(names) => {
                let all: Vec<(Json, Json)> = match &value {
                    Json::Array(items) => {
                        items.iter().enumerate().map(|(at, item)| (json!(at), item.clone())).collect()
                    }
                    Json::Object(map) => map.iter().map(|(key, item)| (json!(key), item.clone())).collect(),
                    _ => Vec::new(),
                };
                if all.is_empty() {
                    return self.parts(otherwise, dot, page);
                }
                for (key, item) in all {
                    if self.spent(page) {
                        return;
                    }
                    let scope = self.variables.len();
                    match names.as_slice() {
                        [one] => self.variables.push((one.clone(), item.clone())),
                        [first, second] => {
                            self.variables.push((first.clone(), key));
                            self.variables.push((second.clone(), item.clone()));
                        }
                        _ => {}
                    }
                    self.parts(then, &item, page);
                    self.variables.truncate(scope);
                }
            }
        }
    }

    fn value(&mut self, what: &Pipeline, dot: &Json) -> Answer {
        let mut piped: Option<Json> = None;
        for call in &what.0 {
            piped = Some(self.call(call, piped, dot)?);
        }
        match piped {
            Some(Json::String(text)) if text.contains(OPEN) => Err(Unknown("what it stands on".to_owned())),
            Some(value) => Ok(value),
            None => Ok(Json::Null),
        }
    }

    fn call(&mut self, call: &[Term], piped: Option<Json>, dot: &Json) -> Answer {
        let [first, rest @ ..] = call else { return Ok(Json::Null) };
        let Term::Function(name) = first else { return self.term(first, dot) };
        // The first that is true; the others are not asked.
        let mut arguments = Vec::new();
        for term in rest {
            arguments.push(self.term(term, dot)?);
        }
        arguments.extend(piped);
        if matches!(name.as_str(), "include" | "tpl") {
            return self.include(name, &arguments);
        }
        functions::call(name, &arguments)
    }

    fn include(&mut self, function: &str, arguments: &[Json]) -> Answer {
        let name = arguments.first().and_then(Json::as_str).unwrap_or_default().to_owned();
        let dot = arguments.get(1).cloned().unwrap_or(Json::Null);
        if function == "tpl" {
            return if name.contains("{{") { Err(Unknown("`tpl`".to_owned())) } else { Ok(json!(name)) };
        }
        let Some(parts) = self.library.get(name.as_str()).copied() else {
            return Err(Unknown(format!("the template `{name}`")));
        };
        if self.depth >= DEEPEST.min(24) {
            return Err(Unknown(format!("the template `{name}`, called too deep,")));
        }
        self.depth = self.depth.saturating_add(1);
        let variables = std::mem::take(&mut self.variables);
        let mut page = Page::default();
        self.parts(parts, &dot, &mut page);
        self.variables = variables;
        self.depth = self.depth.saturating_sub(1);
        // What a helper left open stays a mark inside of its text.
        if page.text.contains(OPEN) {
            return Err(Unknown(format!("a part of the template `{name}`")));
        }
        Ok(json!(page.text))
    }

    /// A term, paid for by its size: values are copied.
    fn term(&mut self, term: &Term, dot: &Json) -> Answer {
        if self.steps > MOST_STEPS {
            return Err(Unknown("what stands behind the bound of work".to_owned()));
        }
        let value = self.copied(term, dot)?;
        self.steps = self.steps.saturating_add(heft(&value) / 16);
        Ok(value)
    }

    fn copied(&mut self, term: &Term, dot: &Json) -> Answer {
        match term {
            Term::Text(text) => Ok(json!(text)),
            Term::Number(number) => Ok(functions::number(*number)),
            Term::Bool(value) => Ok(json!(value)),
            Term::Nil => Ok(Json::Null),
            Term::Function(name) => functions::call(name, &[]),
            Term::Field(steps) => follow(dot, steps),
            Term::Variable(name, steps) if name.is_empty() => follow(&self.root, steps),
            Term::Variable(name, steps) => {
                let value = self.variables.iter().rev().find(|(known, _)| known == name);
                match value {
                    Some((_, value)) => follow(value, steps),
                    None => Err(Unknown(format!("`${name}`"))),
                }
            }
            Term::Inner(inner, steps) => {
                let value = self.value(inner, dot)?;
                follow(&value, steps)
            }
        }
    }
}

/// How many values a value holds, long texts counted as several.
fn heft(value: &Json) -> usize {
    match value {
        Json::Array(items) => items.iter().map(heft).fold(1, usize::saturating_add),
        Json::Object(map) => map.values().map(heft).fold(1, usize::saturating_add),
        Json::String(text) => 1_usize.saturating_add(text.len() / 64),
        _ => 1,
    }
}

/// A key that is not there is nothing, as in Helm; what the cluster says is not known.
fn follow(value: &Json, steps: &[String]) -> Answer {
    if value.as_str().is_some_and(|text| text.contains(OPEN)) {
        return Err(Unknown("what it stands on".to_owned()));
    }
    if matches!(steps.first().map(String::as_str), Some("Capabilities" | "Files")) {
        return Err(Unknown(format!("`.{}`", steps.join("."))));
    }
    Ok(steps.iter().try_fold(value, |value, step| value.get(step)).cloned().unwrap_or(Json::Null))
}
