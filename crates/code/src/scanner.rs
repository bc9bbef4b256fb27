//! The scanner of code: each file is lowered by itself, then all are looked at together.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use gabion_finding::{
    Confidence, FileReport, Finding, Fingerprint, Fix, Rule, RuleError, RuleId, Scanner, Source, Step, Tree,
    Unread, UnreadReason, Verdict,
};
use gabion_model::Problem;
use gabion_patterns::PatternRules;
use gabion_syntax::Language;

use crate::facts::Facts;
use crate::interpret::exported::is_package;
use crate::mappers;
use crate::models::Models;
use crate::pages;
use crate::routes::Judged;
use crate::rules::Rules;
use crate::settings;
use crate::value::Trace;
use crate::world::{Hit, World};

/// Rules and models, ready.
#[derive(Debug)]
pub struct CodeScanner {
    models: Models,
    rules: Rules,
    patterns: PatternRules,
    version: String,
}

/// A stack for parsers and for code that calls code: as much as is used is taken. On threads with as much each file is read where it
/// is; on others room is made for it.
pub const STACK: usize = 4 * gabion_syntax::STACK;

/// Steps after which a way is less sure.
const FAR: u8 = 16;

impl CodeScanner {
    /// With the rules of the program, and those of a team besides: names of files and their texts.
    ///
    /// # Errors
    /// Everything wrong with a file of rules.
    pub fn new(own: &[(&str, &str)]) -> Result<Self, RuleError> {
        let built_in: Vec<(&str, &str)> =
            crate::pack::RULES.iter().chain(crate::routes::RULES).copied().collect();
        Self::of(&built_in, own)
    }

    /// With the rules of a team alone; what the program knows of libraries holds for them, too.
    ///
    /// # Errors
    /// Everything wrong with a file of rules.
    pub fn alone(own: &[(&str, &str)]) -> Result<Self, RuleError> {
        Self::of(&[], own)
    }

    fn of(built_in: &[(&str, &str)], own: &[(&str, &str)]) -> Result<Self, RuleError> {
        let mut models = Models::default();
        for (file, text) in crate::pack::MODELS {
            models
                .add(file, text)
                .map_err(|problems: Vec<Problem>| RuleError { file: (*file).to_owned(), problems })?;
        }
        for (file, text) in crate::routes::TABLES {
            models
                .routes
                .add(file, text)
                .map_err(|problems: Vec<Problem>| RuleError { file: (*file).to_owned(), problems })?;
        }
        let of = |patterns| own.iter().copied().filter(move |(file, _)| is_pattern_file(file) == patterns);
        let patterns: Vec<(&str, &str)> = of(true).collect();
        let files: Vec<(&str, &str)> = built_in.iter().copied().chain(of(false)).collect();
        let rules = Rules::new(&files, built_in.len(), &mut models)?;
        let mut version = String::from("3");
        let texts: Vec<&[u8]> = crate::pack::MODELS
            .iter()
            .chain(crate::routes::TABLES)
            .chain(&files)
            .chain(&patterns)
            .map(|(_, text)| text.as_bytes())
            .collect();
        for byte in gabion_vault::sha256_of(&texts) {
            let _ = write!(version, "{byte:02x}");
        }
        let patterns = read_patterns(&patterns)?;
        Ok(Self { models, rules, patterns, version })
    }

    fn finding(&self, world: &mut World<'_>, hit: &Hit) -> Option<Finding> {
        let own = self.rules.rules.get(hit.rule);
        let (rule, message) = match own {
            Some((rule, code)) => (rule, code.message.as_str()),
            None => {
                let number = hit.rule.checked_sub(self.rules.rules.len())?;
                (self.patterns.rule(number)?, &*hit.callee)
            }
        };
        let path = Arc::clone(&world.units.get(hit.module)?.path);
        let loaded = world.load(hit.module)?;
        let mut trace = Vec::new();
        let mut next = hit.trace.as_deref();
        while let Some(step) = next {
            trace.extend(Self::step(world, step));
            next = step.before.as_deref();
        }
        trace.reverse();
        let source = trace.first().map_or_else(|| "a secret".into(), |step| step.says.clone());
        let callee = crate::world::of_express(hit.callee.trim_start_matches('~').to_owned());
        let message =
            message.replace("{source}", &source).replace("{callee}", &callee).replace("{sink}", &callee);
        // On a long way much was joined of which one part is true at a time.
        let weak = hit.weak || hit.trace.as_ref().is_some_and(|trace| trace.length > FAR);
        let confidence = match (rule.confidence, weak) {
            // What runs in tests is not served to anybody.
            _ if is_python_test(&path) || is_script_test(&path) => Confidence::Low,
            (Confidence::High, true) => Confidence::Medium,
            (Confidence::Medium, true) => Confidence::Low,
            (confidence, _) => confidence,
        };
        let repair = world.repairs.get(&(hit.rule, hit.module, hit.span)).copied();
        let fix = repair.and_then(|repair| {
            let edits = repair.edits(loaded.module(), hit.span)?;
            Some(Fix { says: repair.says.clone(), path: Arc::clone(&path), edits })
        });
        Some(Finding {
            rule: rule.id.clone(),
            message,
            severity: rule.severity,
            confidence,
            place: loaded.facts.place(&path, hit.span),
            trace,
            fix,
            properties: BTreeMap::new(),
            hidden: Vec::new(),
            fingerprint: Fingerprint::new(
                rule.id.as_str(),
                &path,
                &format!("{} {} {source}", hit.within, hit.callee),
            ),
        })
    }

    fn step(world: &mut World<'_>, step: &Trace) -> Option<Step> {
        let path = Arc::clone(&world.units.get(step.module)?.path);
        let loaded = world.load(step.module)?;
        Some(Step { place: loaded.facts.place(&path, step.span), says: step.says.to_string() })
    }

    /// Whether there are rules in the format of semgrep alone.
    fn follows_patterns_only(&self) -> bool {
        self.rules.rules.is_empty()
    }

    fn look(&self, tree: &Tree<'_>) -> Verdict {
        if self.follows_patterns_only() && !Facts::may_arrive(tree.facts) {
            return Verdict::default();
        }
        let mut world = World::new(&self.models, &self.rules, &self.patterns, tree.facts);
        for module in 0..world.units.len() {
            world.look_at(module);
        }
        world.look_at_packages();
        let hits = world.take_hits();
        let mut findings: Vec<Finding> =
            hits.iter().filter_map(|hit| self.finding(&mut world, hit)).collect();
        let judged = if self.follows_patterns_only() { Judged::default() } else { world.judge_routes() };
        findings.extend(judged.findings);
        let findings = self.rules.settled(&world, findings);
        let cut = std::mem::take(&mut world.cut);
        let unread = cut.into_iter().filter_map(|module| {
            let path = Arc::clone(&world.units.get(module)?.path);
            let detail =
                "more ways through it than are followed: what was found until then stands".to_owned();
            Some(Unread { path, reason: UnreadReason::Budget, detail })
        });
        let unread = unread.collect();
        world.end();
        Verdict { findings, unread, endpoints: judged.endpoints }
    }
}

impl Scanner for CodeScanner {
    fn name(&self) -> &'static str {
        "code"
    }

    fn version(&self) -> String {
        self.version.clone()
    }

    fn rules(&self) -> Vec<&Rule> {
        self.rules.rules.iter().map(|(rule, _)| rule).chain(self.patterns.rules()).collect()
    }

    fn reads(&self, path: &str) -> bool {
        if self.follows_patterns_only() {
            let code = Language::of(path).filter(|_| !path.ends_with(".d.ts"));
            return code.is_some_and(|language| self.patterns.reads(language))
                || self.patterns.reads_text(path);
        }
        (Language::of(path).is_some() && !path.ends_with(".d.ts"))
            || settings::is_settings(path)
            || mappers::may_be(path)
            || pages::may_be(path)
            || is_package(path)
            || self.patterns.reads_text(path)
    }

    fn reads_generated(&self) -> bool {
        false
    }

    fn file(&self, source: &Source) -> FileReport {
        let mut report = FileReport::default();
        let read = if settings::is_settings(source.path()) {
            Some(settings::module(source.path(), source.text()))
        } else if mappers::may_be(source.path()) {
            mappers::module(source.text())
        } else if pages::may_be(source.path()) {
            pages::module(source.path(), source.text())
        } else {
            None
        };
        if let Some(module) = read {
            let looked = self.patterns.look(source, None);
            report.verdict.findings = looked.findings;
            report.verdict.unread = looked.unread;
            report.facts = Facts::new(module, looked.marks, source).to_bytes().unwrap_or_default();
            return report;
        }
        if is_package(source.path()) {
            let looked = self.patterns.look(source, None);
            report.verdict.findings = looked.findings;
            report.verdict.unread = looked.unread;
            // What is written in JSON is an expression of JavaScript.
            let text = format!("({})", source.text());
            let parsed = on_stack(|| gabion_syntax::parse(Language::JavaScript, &text));
            let module = parsed.problems.is_empty().then_some(parsed.module);
            let facts = module.map(|module| Facts::new(module, looked.marks, source));
            report.facts = facts.and_then(|facts| facts.to_bytes()).unwrap_or_default();
            return report;
        }
        let Some(language) = Language::of(source.path()) else {
            let looked = self.patterns.look(source, None);
            report.verdict.findings = looked.findings;
            report.verdict.unread = looked.unread;
            return report;
        };
        let (parsed, uses) = on_stack(|| {
            let parsed = gabion_syntax::parse(language, source.text());
            // Where only such rules run, nobody asks what is used of packages.
            let asked = !self.follows_patterns_only();
            let uses = if asked { crate::uses::uses(&parsed.module, source) } else { Vec::new() };
            (parsed, uses)
        });
        for problem in &parsed.problems {
            let reason = match problem {
                gabion_syntax::Problem::Deep(_) => UnreadReason::Deep,
                gabion_syntax::Problem::Syntax { .. } => UnreadReason::Syntax,
            };
            report.verdict.unread.push(Unread {
                path: Arc::clone(source.path()),
                reason,
                detail: problem.to_string(),
            });
        }
        report.uses = uses;
        let mut marks = gabion_patterns::Marks::default();
        if !self.patterns.is_empty() {
            let looked = on_stack(|| self.patterns.look(source, Some((language, &parsed.module))));
            report.verdict.findings.extend(looked.findings);
            report.verdict.unread.extend(looked.unread);
            marks = looked.marks;
        }
        report.facts = Facts::new(parsed.module, marks, source).to_bytes().unwrap_or_default();
        report
    }

    fn parts(&self, tree: &Tree<'_>) -> Option<Vec<Vec<usize>>> {
        Some(crate::groups::groups(tree))
    }

    fn look_at(&self, tree: &Tree<'_>, parts: &[Vec<usize>]) -> Vec<Verdict> {
        let groups: Vec<Group> = parts.iter().map(|files| Group::new(tree, files)).collect();
        // The largest first, so that none is left when all others are done.
        let mut order: Vec<usize> = (0..groups.len()).collect();
        order.sort_by_key(|number| groups.get(*number).map(|group| std::cmp::Reverse(group.bytes())));
        let next = AtomicUsize::new(0);
        let work = || {
            let mut done = Vec::new();
            while let Some(number) = order.get(next.fetch_add(1, Ordering::Relaxed)) {
                let Some(group) = groups.get(*number) else { continue };
                let tree = Tree { facts: &group.facts, ..*tree };
                let verdict = catch_unwind(AssertUnwindSafe(|| self.look(&tree)));
                done.push((*number, verdict.unwrap_or_else(|_| group.failed())));
            }
            done
        };
        let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let done = on_stacks(threads.min(groups.len()).min(MOST_THREADS), work);
        let mut done: BTreeMap<usize, Verdict> = done.into_iter().collect();
        // Where no thread can be had, nothing was looked at.
        let verdict =
            |(number, group): (usize, &Group)| done.remove(&number).unwrap_or_else(|| group.failed());
        groups.iter().enumerate().map(verdict).collect()
    }

    fn tree(&self, tree: &Tree<'_>) -> Verdict {
        let mut all = Verdict::default();
        let parts = crate::groups::groups(tree);
        self.look_at(tree, &parts).into_iter().for_each(|verdict| all.extend(verdict));
        all.unread.extend(self.patterns.left_out());
        all
    }
}

/// Files that are looked at together.
struct Group {
    facts: Vec<(Arc<str>, Arc<[u8]>)>,
}

impl Group {
    fn new(tree: &Tree<'_>, files: &[usize]) -> Self {
        Self { facts: files.iter().filter_map(|file| tree.facts.get(*file).cloned()).collect() }
    }

    fn bytes(&self) -> usize {
        self.facts.iter().map(|(_, facts)| facts.len()).sum()
    }

    fn failed(&self) -> Verdict {
        let unread = |(path, _): &(Arc<str>, _)| Unread {
            path: Arc::clone(path),
            reason: UnreadReason::Budget,
            detail: "not followed: this is a fault of Gabion".to_owned(),
        };
        Verdict { unread: self.facts.iter().map(unread).collect(), ..Verdict::default() }
    }
}

/// Groups that are looked at at once: each has its modules in memory.
const MOST_THREADS: usize = 8;

/// Whether a file holds tests of Python, by the names that its test runners look for.
fn is_python_test(path: &str) -> bool {
    let Some(path) = path.strip_suffix(".py") else { return false };
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    let of_name = name == "conftest" || name.starts_with("test_") || name.ends_with("_test");
    of_name || folder.split('/').any(|part| part == "tests")
}

/// Tests of JavaScript: by the folder, or by the word before the ending.
pub(crate) fn is_script_test(path: &str) -> bool {
    if !Language::of(path).is_some_and(Language::is_script) {
        return false;
    }
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    let of_name = name.split('.').rev().nth(1).is_some_and(|word| matches!(word, "test" | "spec" | "cy"));
    of_name || folder.split('/').any(|part| matches!(part, "__tests__" | "__mocks__" | "__fixtures__"))
}

/// Rules in the format of semgrep stand in YAML.
fn is_pattern_file(file: &str) -> bool {
    [".yaml", ".yml"].iter().any(|end| file.ends_with(end))
}

fn read_patterns(files: &[(&str, &str)]) -> Result<PatternRules, RuleError> {
    if files.is_empty() {
        return Ok(PatternRules::default());
    }
    on_stack(|| {
        let mut patterns = PatternRules::default();
        files.iter().try_for_each(|(file, text)| patterns.read(file, text))?;
        Ok(patterns)
    })
}

/// The rules that stand in a file in the format of semgrep.
///
/// # Errors
/// Everything wrong with it.
pub fn pattern_ids(file: &str, text: &str) -> Result<Vec<RuleId>, RuleError> {
    Ok(read_patterns(&[(file, text)])?.rules().map(|rule| rule.id.clone()).collect())
}

/// What the comments of a test of rules in the format of semgrep say.
#[must_use]
pub fn test_lines(text: &str) -> Vec<gabion_patterns::TestLine> {
    PatternRules::test_lines(text)
}

/// Runs with room for what recurses.
fn on_stack<T>(run: impl FnOnce() -> T) -> T {
    stacker::maybe_grow(STACK, STACK.saturating_add(GUARD), run)
}

/// What a thread uses before and behind [`STACK`].
const GUARD: usize = 1 << 20;

/// The same on several threads, all that each gave.
fn on_stacks<T: Send>(threads: usize, run: impl Fn() -> Vec<T> + Send + Sync) -> Vec<T> {
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..threads)
            .filter_map(|_| std::thread::Builder::new().stack_size(STACK).spawn_scoped(scope, &run).ok())
            .collect();
        threads.into_iter().filter_map(|thread| thread.join().ok()).flatten().collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_the_program_is_one_and_none_is_compiled_before_it_is_asked() {
        let scanner = CodeScanner::new(&[]).unwrap();
        for forms in [&scanner.models.forms, &scanner.rules.forms, &scanner.models.routes.forms] {
            assert!(forms.len() > 10);
            assert_eq!(forms.compiled(), 0);
            assert!(forms.wrong().is_empty(), "{:?}", forms.wrong());
        }
        assert!(scanner.models.routes.set_is_made());
    }
}
