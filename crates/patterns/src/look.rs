//! Runs rules over files.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::Arc;

use gabion_finding::{Edit, Finding, Fix, Rule, RuleError, Source, Span, Unread, UnreadReason};
use gabion_model::Problem;
use gabion_syntax::Language;
use gabion_syntax::tree::Module;
use hashbrown::HashSet;
use serde::{Deserialize, Serialize};

use crate::evaluate::Ground;
use crate::family::Family;
use crate::formula::Op;
use crate::matcher::{Env, Found};
use crate::read::{LeftOut, Mode, PatternRule, Repair, read};
use crate::taint::Requires;
use crate::target::Target;

/// Steps for one rule in one file.
const STEPS: u64 = 3_000_000;
/// Steps for all rules in one file, for each byte of it and above that.
const STEPS_BYTE: u64 = 4_000;
const STEPS_FREE: u64 = 20_000_000;
/// Findings of one rule in one file.
const MOST: usize = 500;
/// Of what a variable stands for, so much is shown in a message.
const SHOWN: usize = 200;

/// All rules of all files, ready.
#[derive(Debug, Default)]
pub struct PatternRules {
    rules: Vec<PatternRule>,
    left: Vec<LeftOut>,
}

/// What a file shows.
#[derive(Debug, Default)]
pub struct Looked {
    pub findings: Vec<Finding>,
    pub marks: Marks,
    pub unread: Vec<Unread>,
}

/// Places that rules of the mode `taint` name in one file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Marks(pub Vec<Mark>);

impl Marks {
    /// The rules that have a source here, and those that have a sink.
    #[must_use]
    pub fn ends(&self) -> (Vec<u32>, Vec<u32>) {
        let of = |wanted: fn(&Role) -> bool| {
            let mut rules: Vec<u32> =
                self.0.iter().filter(|mark| wanted(&mark.role)).map(|mark| mark.rule).collect();
            rules.sort_unstable();
            rules.dedup();
            rules
        };
        (of(|role| matches!(role, Role::Source { .. })), of(|role| matches!(role, Role::Sink { .. })))
    }
}

/// One place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// The number of the rule.
    pub rule: u32,
    pub span: Span,
    pub role: Role,
}

/// What a place is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Role {
    /// What comes from here has the label; `side_effect`: what it names keeps it.
    Source { number: u32, label: u8, side_effect: bool },
    /// The number of the sink in its rule; without `exact` also what stands in it arrives. `message` is the rule's, with names.
    Sink { number: u32, exact: bool, message: String },
    /// What comes from here is harmless; without `exact` also what stands in it.
    Sanitizer { side_effect: bool, exact: bool },
    /// What is at `from` goes to `to` as well.
    Propagator { from: Span, to: Span },
}

/// A line of a test: what a comment says of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestLine {
    pub line: u32,
    pub rule: String,
    /// Whether the rule finds something there.
    pub fires: bool,
}

impl PatternRules {
    /// Adds a file of rules, on a stack of [`gabion_syntax::STACK`] bytes.
    ///
    /// # Errors
    /// Everything wrong with it.
    pub fn read(&mut self, file: &str, text: &str) -> Result<(), RuleError> {
        let (rules, left) = read(file, text)?;
        let twice: Vec<Problem> = rules
            .iter()
            .filter(|rule| self.rules.iter().any(|other| other.head.id == rule.head.id))
            .map(|rule| Problem::new(format!("rule `{}`", rule.head.id), "stands in another file as well"))
            .collect();
        if !twice.is_empty() {
            return Err(RuleError { file: file.to_owned(), problems: twice });
        }
        self.rules.extend(rules);
        self.left.extend(left);
        Ok(())
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty() && self.left.is_empty()
    }

    /// Whether some rule is for code that is written like this language.
    #[must_use]
    pub fn reads(&self, language: Language) -> bool {
        self.rules.iter().any(|rule| rule.families.contains(&Family::of(language)))
    }

    /// What each rule says of itself, by its number.
    pub fn rules(&self) -> impl Iterator<Item = &Rule> {
        self.rules.iter().map(|rule| &rule.head)
    }

    #[must_use]
    pub fn rule(&self, number: usize) -> Option<&Rule> {
        self.rules.get(number).map(|rule| &rule.head)
    }

    /// Which labels a sink of a rule wants.
    #[must_use]
    pub fn requires(&self, rule: usize, sink: usize) -> Option<&Requires> {
        match &self.rules.get(rule)?.mode {
            Mode::Taint(taint) => taint.sinks.get(sink).map(|sink| &sink.requires),
            Mode::Search(_) => None,
        }
    }

    /// Which labels a value must have already for a source of a rule to add its own.
    #[must_use]
    pub fn source_requires(&self, rule: usize, source: usize) -> Option<&Requires> {
        match &self.rules.get(rule)?.mode {
            Mode::Taint(taint) => taint.sources.get(source)?.requires.as_ref(),
            Mode::Search(_) => None,
        }
    }

    /// The rules that cannot be run here, and why.
    #[must_use]
    pub fn left_out(&self) -> Vec<Unread> {
        let one = |left: &LeftOut| Unread {
            path: Arc::clone(&left.file),
            reason: UnreadReason::Syntax,
            detail: left.reason.clone(),
        };
        self.left.iter().map(one).collect()
    }

    /// Whether some rule is for files of this path that are no code.
    #[must_use]
    pub fn reads_text(&self, path: &str) -> bool {
        self.rules
            .iter()
            .any(|rule| rule.families.iter().any(|family| !family.is_code()) && rule.paths.wants(path))
    }

    /// What a file shows; `code` where it is of a language that is read.
    #[must_use]
    pub fn look(&self, source: &Source, code: Option<(Language, &Module)>) -> Looked {
        let mut looked = Looked::default();
        let (path, text) = (source.path(), source.text());
        let wants = |rule: &PatternRule| {
            let of_language = code.is_some_and(|(language, _)| rule.languages.contains(&language));
            (of_language || rule.families.iter().any(|family| !family.is_code())) && rule.paths.wants(path)
        };
        let wanted: Vec<(usize, &PatternRule)> =
            self.rules.iter().enumerate().filter(|(_, rule)| wants(rule)).collect();
        if wanted.is_empty() {
            return looked;
        }
        let words = Words::of(text);
        let mut target = None;
        let mut left = STEPS_FREE.saturating_add(STEPS_BYTE.saturating_mul(text.len() as u64));
        let mut cut: Vec<&str> = Vec::new();
        for (number, rule) in wanted {
            let family = code
                .filter(|(language, _)| rule.languages.contains(language))
                .map(|(language, _)| Family::of(language));
            let is_text = family.is_none();
            if let Some(family) = family {
                if !rule.may_fit(family, &words) {
                    continue;
                }
                if target.is_none() {
                    target = code.map(|(_, module)| Target::new(module, text));
                }
            }
            let steps = Cell::new(STEPS.min(left));
            let before = steps.get();
            let was_cut = Cell::new(false);
            let ground = Ground {
                code: target.as_ref().filter(|_| !is_text),
                text,
                within: Span::new(0, u32::try_from(text.len()).unwrap_or(u32::MAX)),
                family: family.unwrap_or(Family::Generic),
                options: rule.options,
                steps: &steps,
                cut: &was_cut,
            };
            rule.run(number, &ground, source, &mut looked);
            left = left.saturating_sub(before.saturating_sub(steps.get()));
            if steps.get() == 0 || was_cut.get() {
                cut.push(rule.head.id.as_str());
            }
        }
        if !cut.is_empty() {
            let detail =
                format!("more work than is done for: {}; what was found until then stands", cut.join(", "));
            looked.unread.push(Unread { path: Arc::clone(path), reason: UnreadReason::Budget, detail });
        }
        looked
    }

    /// What the comments of a test say: `ruleid: a, b` and `ok: a` speak of the next line.
    #[must_use]
    pub fn test_lines(text: &str) -> Vec<TestLine> {
        let mut lines = Vec::new();
        for (line, number) in text.lines().zip(1_u32..) {
            for (word, fires) in [("ruleid:", true), ("ok:", false)] {
                let Some(at) = line.find(word) else { continue };
                let before = line.get(..at).unwrap_or_default().trim();
                // A comment that begins the line; `todoruleid:` is none.
                if !before.chars().all(|sign| "#/*<!-{ ".contains(sign)) || before.is_empty() {
                    continue;
                }
                let names = line.get(at.saturating_add(word.len())..).unwrap_or_default();
                let names = names.trim_end_matches(['*', '/', '-', '>', '}', ' ']);
                for name in names.split(',').map(str::trim).filter(|name| !name.is_empty()) {
                    let name = name.split_whitespace().next().unwrap_or(name);
                    let rule = crate::read::rule_name(name);
                    lines.push(TestLine { line: number.saturating_add(1), rule, fires });
                }
            }
        }
        // Comments one above the other speak of the line below all of them.
        let is_comment = |number: u32| {
            let line = text.lines().nth((number as usize).saturating_sub(1)).unwrap_or_default();
            ["ruleid:", "ok:", "todoruleid:", "todook:"].iter().any(|word| line.contains(word))
                && line.trim_start().starts_with(['#', '/', '*', '<', '{'])
        };
        for line in &mut lines {
            while is_comment(line.line) {
                line.line = line.line.saturating_add(1);
            }
        }
        lines
    }
}

/// The words of a text, for a first look.
struct Words<'t> {
    all: HashSet<&'t str>,
}

impl<'t> Words<'t> {
    fn of(text: &'t str) -> Self {
        let mut all = HashSet::new();
        let is_part = |sign: char| sign.is_alphanumeric() || sign == '_';
        if !text.is_ascii() {
            all.extend(text.split(|sign| !is_part(sign)).filter(|word| word.len() > 2));
            return Self { all };
        }
        let is_part = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        let mut start = 0;
        for (at, _) in text.bytes().enumerate().filter(|(_, byte)| !is_part(*byte)) {
            if at.saturating_sub(start) > 2 {
                all.extend(text.get(start..at));
            }
            start = at.saturating_add(1);
        }
        all.extend(text.get(start..).filter(|word| word.len() > 2));
        Self { all }
    }
}

impl PatternRule {
    /// Whether the words are there without which nothing can be found.
    fn may_fit(&self, family: Family, words: &Words<'_>) -> bool {
        let has = |op: &Op| op.may_fit(family, &|word| words.all.contains(word));
        match &self.mode {
            Mode::Search(op) => has(op),
            // Either end may stand in another file.
            Mode::Taint(taint) => {
                taint.sources.iter().any(|one| has(&one.op)) || taint.sinks.iter().any(|one| has(&one.op))
            }
        }
    }

    fn run(&self, number: usize, ground: &Ground<'_, '_>, source: &Source, looked: &mut Looked) {
        let rule = u32::try_from(number).unwrap_or(u32::MAX);
        let mut mark = |span: Span, role: Role| looked.marks.0.push(Mark { rule, span, role });
        match &self.mode {
            Mode::Search(op) => {
                let mut found = ground.eval(op);
                found.sort_by_key(|one| (one.span, one.env.iter().count()));
                found.dedup_by(|one, other| one.span == other.span);
                for one in found.into_iter().take(MOST) {
                    looked.findings.push(self.finding(ground, source, &one));
                }
            }
            Mode::Taint(taint) => {
                for (one, number) in taint.sources.iter().zip(0_u32..) {
                    let (label, side_effect) = (one.label, one.side_effect);
                    for found in ground.eval(&one.op) {
                        mark(found.span, Role::Source { number, label, side_effect });
                    }
                }
                for (one, number) in taint.sinks.iter().zip(0_u32..) {
                    for found in ground.eval(&one.op) {
                        let message = filled(&self.message, &found.env, ground.text);
                        mark(found.span, Role::Sink { number, exact: one.exact, message });
                    }
                }
                for one in &taint.sanitizers {
                    for found in ground.eval(&one.op) {
                        mark(found.span, Role::Sanitizer { side_effect: one.side_effect, exact: one.exact });
                    }
                }
                for one in &taint.propagators {
                    for found in ground.eval(&one.op) {
                        if let (Some(from), Some(to)) = (found.env.get(&one.from), found.env.get(&one.to)) {
                            mark(found.span, Role::Propagator { from: from.span, to: to.span });
                        }
                    }
                }
                looked.marks.0.dedup();
            }
        }
    }

    fn finding(&self, ground: &Ground<'_, '_>, source: &Source, found: &Found) -> Finding {
        let message = filled(&self.message, &found.env, ground.text);
        let mut finding = source.finding(&self.head, found.span, message);
        finding.fix = self.repaired(ground, source, found);
        finding
    }

    fn repaired(&self, ground: &Ground<'_, '_>, source: &Source, found: &Found) -> Option<Fix> {
        let own = found.span.of(ground.text);
        let text = match self.fix.as_ref()? {
            Repair::Text(text) => replaced(text.trim_end_matches('\n'), &found.env, ground.text, usize::MAX),
            Repair::Regex { regex, replacement, count } => {
                regex.replacen(own, *count, replacement.as_str()).into_owned()
            }
        };
        if text == own {
            return None;
        }
        let edits = vec![Edit { span: found.span, text }];
        Some(Fix { says: "as the rule writes it".to_owned(), path: Arc::clone(source.path()), edits })
    }
}

/// A message in one line, its variables with what they stand for.
fn filled(message: &str, env: &Env, text: &str) -> String {
    let filled = replaced(message, env, text, SHOWN);
    filled.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn replaced(template: &str, env: &Env, text: &str, longest: usize) -> String {
    let values: BTreeMap<&str, &str> =
        env.iter().map(|(name, bound)| (&**name, bound.span.of(text))).collect();
    let mut out = String::new();
    let mut rest = template;
    while let Some(at) = rest.find('$') {
        out.push_str(rest.get(..at).unwrap_or_default());
        rest = rest.get(at..).unwrap_or_default();
        let name = crate::text_pattern::variable(rest)
            .map(|(name, behind)| (name.trim_start_matches("..."), behind));
        let number = rest.get(1..).map(|rest| {
            let end = rest.find(|sign: char| !sign.is_ascii_digit()).unwrap_or(rest.len());
            (rest.get(..end).unwrap_or_default(), rest.get(end..).unwrap_or_default())
        });
        match name.or(number).and_then(|(name, behind)| values.get(name).map(|value| (value, behind))) {
            Some((value, behind)) => {
                let end = (0..=longest.min(value.len()))
                    .rev()
                    .find(|end| value.is_char_boundary(*end))
                    .unwrap_or(0);
                out.push_str(value.get(..end).unwrap_or(value));
                rest = behind;
            }
            None => {
                out.push('$');
                rest = rest.get(1..).unwrap_or_default();
            }
        }
    }
    out.push_str(rest);
    out
}
