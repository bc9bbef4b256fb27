//! Reads a file of rules. Every key is known or refused by its name and line.

mod head;
mod operators;
mod options;
mod taint;

use std::sync::Arc;

use gabion_finding::{Rule, RuleError};
use gabion_model::Problem;
use gabion_syntax::Language;

use crate::family::{Family, named};
use crate::formula::Op;
use crate::paths::PathFilter;
use crate::taint::Taint;
use crate::text_pattern::TextPattern;
use crate::yaml::{self, Node};

pub(crate) use head::name as rule_name;
pub(crate) use options::Options;

/// A rule, ready to be looked for.
#[derive(Debug)]
pub(crate) struct PatternRule {
    pub(crate) head: Rule,
    /// With variables in it.
    pub(crate) message: String,
    pub(crate) families: Vec<Family>,
    pub(crate) languages: Vec<Language>,
    pub(crate) paths: PathFilter,
    pub(crate) mode: Mode,
    pub(crate) fix: Option<Repair>,
    pub(crate) options: Options,
}

#[derive(Debug)]
pub(crate) enum Mode {
    Search(Op),
    Taint(Taint),
}

/// What is written in place of what was found.
#[derive(Debug)]
pub(crate) enum Repair {
    Text(String),
    Regex { regex: regex::Regex, replacement: String, count: usize },
}

/// A rule that is not run, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LeftOut {
    pub(crate) file: Arc<str>,
    pub(crate) reason: String,
}

/// No file of rules is longer.
const LARGEST: usize = 16 << 20;
/// No pattern is longer.
pub(crate) const LONGEST: usize = 64 << 10;

pub(crate) struct Reader {
    file: Arc<str>,
    rule: String,
    problems: Vec<Problem>,
    left: Vec<String>,
    families: Vec<Family>,
    /// In what is asked of a variable: there is something to take away from.
    narrowing: bool,
}

/// The rules of a file, and those that cannot be run here.
pub(crate) fn read(file: &str, text: &str) -> Result<(Vec<PatternRule>, Vec<LeftOut>), RuleError> {
    let fail = |problems| RuleError { file: file.to_owned(), problems };
    if text.len() > LARGEST {
        return Err(fail(vec![Problem::new("", "is longer than 16 MiB")]));
    }
    let root = yaml::read(text)
        .map_err(|(line, reason)| fail(vec![Problem::new(format!("line {line}"), reason)]))?;
    let missing =
        || fail(vec![Problem::new("rules", "is missing").hint("a file of rules begins with `rules:`")]);
    let root = root.ok_or_else(missing)?;
    let rules = root.get("rules").ok_or_else(missing)?;
    let mut reader = Reader {
        file: file.into(),
        rule: String::new(),
        problems: Vec::new(),
        left: Vec::new(),
        families: Vec::new(),
        narrowing: false,
    };
    for (key, node) in root.entries() {
        if !["rules", "version", "min-version", "missed"].contains(&key.as_str()) {
            reader.rule.clear();
            reader.unknown(key, node.line, "a file of rules");
        }
    }
    let (mut read, mut left) = (Vec::new(), Vec::new());
    for (at, node) in rules.each().iter().enumerate() {
        reader.rule =
            node.get("id").and_then(Node::text).map_or_else(|| format!("rules[{at}]"), str::to_owned);
        let rule = reader.one(node);
        if let Some(rule) = rule.filter(|_| reader.left.is_empty()) {
            if read.iter().any(|other: &PatternRule| other.head.id == rule.head.id) {
                reader.wrong(node.line, "stands here twice, as far as its name is read here");
            }
            read.push(rule);
        }
        for reason in std::mem::take(&mut reader.left) {
            let reason = format!("the rule `{}` is not run: {reason}", reader.rule);
            left.push(LeftOut { file: Arc::clone(&reader.file), reason });
        }
    }
    if reader.problems.is_empty() { Ok((read, left)) } else { Err(fail(reader.problems)) }
}

/// Keys of a rule that say what it looks for.
const OPERATORS: &[&str] = &["pattern", "patterns", "pattern-either", "pattern-regex"];
const TAINT: &[&str] = &["pattern-sources", "pattern-sinks", "pattern-sanitizers", "pattern-propagators"];
const OTHERS: &[&str] = &[
    "id",
    "message",
    "severity",
    "languages",
    "mode",
    "fix",
    "fix-regex",
    "metadata",
    "options",
    "paths",
    "min-version",
    "max-version",
    "product",
    "version",
    "source",
    "source-rule-url",
];

impl Reader {
    fn place(&self, line: usize) -> String {
        if self.rule.is_empty() {
            format!("line {line}")
        } else {
            format!("rule `{}`, line {line}", self.rule)
        }
    }

    fn wrong(&mut self, line: usize, reason: impl Into<String>) {
        self.problems.push(Problem::new(self.place(line), reason.into()));
    }

    fn unknown(&mut self, key: &str, line: usize, of: &str) {
        let reason = format!("`{key}` is no key of {of}");
        let problem = Problem::new(self.place(line), reason);
        self.problems.push(problem.hint("docs/guides/scan-rules.md lists the keys that are read"));
    }

    /// The text of a value; said where it is none.
    fn text(&mut self, node: &Node, key: &str) -> Option<String> {
        let text = node.text().map(str::to_owned);
        if text.is_none() {
            self.wrong(node.line, format!("`{key}` wants a text"));
        }
        text
    }

    fn required(&mut self, node: &Node, key: &str) -> Option<String> {
        match node.get(key) {
            Some(value) => self.text(value, key),
            None => {
                self.wrong(node.line, format!("`{key}` is missing"));
                None
            }
        }
    }

    fn one(&mut self, node: &Node) -> Option<PatternRule> {
        if node.entries().is_empty() {
            self.wrong(node.line, "is no rule");
            return None;
        }
        let taint = match node.get("mode").map(|mode| mode.text().unwrap_or_default()) {
            None | Some("search") => false,
            Some("taint") => true,
            Some(mode @ ("join" | "extract" | "steps" | "secrets")) => {
                self.left.push(format!("its mode `{mode}` is none that is read here"));
                return None;
            }
            Some(mode) => {
                self.wrong(node.line, format!("`{mode}` is no mode"));
                return None;
            }
        };
        for (key, value) in node.entries() {
            let known = OTHERS.contains(&key.as_str())
                || if taint { TAINT } else { OPERATORS }.contains(&key.as_str());
            if !known {
                let of = if taint { "a rule in mode `taint`" } else { "a rule" };
                self.unknown(key, value.line, of);
            }
        }
        let languages = self.languages(node)?;
        let message = self.required(node, "message")?;
        let head = self.head(node, &message)?;
        let options = node.get("options").map(|options| self.options(options)).unwrap_or_default();
        let paths = node.get("paths").map(|paths| self.paths(paths)).unwrap_or_default();
        let fix = self.repair(node);
        let mode = if taint {
            Mode::Taint(self.taint(node)?)
        } else {
            let mut ops: Vec<Op> = Vec::new();
            for key in OPERATORS {
                if let Some(value) = node.get(key) {
                    ops.extend(self.operator(key, value));
                }
            }
            if ops.len() > 1 {
                self.wrong(
                    node.line,
                    "has more than one of `pattern`, `patterns`, `pattern-either`, `pattern-regex`",
                );
            }
            let Some(op) = ops.pop() else {
                if self.left.is_empty() && self.problems.is_empty() {
                    self.wrong(node.line, "looks for nothing: it has no `pattern`");
                }
                return None;
            };
            Mode::Search(op)
        };
        let families = self.families.clone();
        Some(PatternRule { head, message, families, languages, paths, mode, fix, options })
    }

    fn languages(&mut self, node: &Node) -> Option<Vec<Language>> {
        let Some(names) = node.get("languages") else {
            self.wrong(node.line, "`languages` is missing");
            return None;
        };
        self.families.clear();
        let (mut languages, mut unread) = (Vec::new(), Vec::new());
        for name in names.each() {
            let Some(name) = self.text(name, "languages") else { continue };
            match named(&name) {
                Some((family, own)) => {
                    languages.extend_from_slice(own);
                    if !self.families.contains(&family) {
                        self.families.push(family);
                    }
                }
                None => unread.push(format!("`{name}`")),
            }
        }
        if self.families.is_empty() {
            let unread = unread.join(", ");
            self.left.push(format!("its language {unread} is none that patterns are matched in here"));
            return None;
        }
        Some(languages)
    }

    fn paths(&mut self, node: &Node) -> PathFilter {
        let mut filter = PathFilter::default();
        for (key, value) in node.entries() {
            if !["include", "exclude"].contains(&key.as_str()) {
                self.unknown(key, value.line, "`paths`");
                continue;
            }
            for glob in value.each() {
                let Some(text) = self.text(glob, key) else { continue };
                if let Err(reason) = filter.add(&text, key == "include") {
                    self.wrong(glob.line, reason);
                }
            }
        }
        filter
    }

    fn repair(&mut self, node: &Node) -> Option<Repair> {
        if let Some(fix) = node.get("fix") {
            return self.text(fix, "fix").map(Repair::Text);
        }
        let fix = node.get("fix-regex")?;
        for (key, value) in fix.entries() {
            if !["regex", "replacement", "count"].contains(&key.as_str()) {
                self.unknown(key, value.line, "`fix-regex`");
            }
        }
        let (text, replacement) = (self.required(fix, "regex")?, self.required(fix, "replacement")?);
        let count = fix.get("count").and_then(Node::text).and_then(|count| count.parse().ok()).unwrap_or(0);
        match regex::RegexBuilder::new(&text).multi_line(true).size_limit(1 << 20).build() {
            Ok(regex) => {
                let replacement = python_groups(&replacement);
                Some(Repair::Regex { regex, replacement, count })
            }
            Err(error) => {
                self.wrong(
                    fix.line,
                    format!("`{text}` is no pattern: {}", error.to_string().replace('\n', " ")),
                );
                None
            }
        }
    }

    fn regex(&mut self, node: &Node, key: &str) -> Option<TextPattern> {
        let text = self.text(node, key)?;
        match TextPattern::regex(text.trim_end_matches('\n')) {
            Ok(pattern) => Some(pattern),
            Err(reason) => {
                self.wrong(node.line, reason);
                None
            }
        }
    }
}

/// `\1` of Python is `${1}` here.
fn python_groups(text: &str) -> String {
    let mut out = String::new();
    let mut signs = text.chars().peekable();
    while let Some(sign) = signs.next() {
        match (sign, signs.peek()) {
            ('\\', Some(digit)) if digit.is_ascii_digit() => {
                out.push_str("${");
                out.push(*digit);
                out.push('}');
                signs.next();
            }
            ('$', _) => out.push_str("$$"),
            _ => out.push(sign),
        }
    }
    out
}
