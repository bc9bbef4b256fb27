//! The rules of code, as data: `rules/code/*.toml`, besides what every rule has.
//!
//! ```toml
//! [rule.taint]                     # what comes from such a source reaches such a sink
//! sources = ["http"]
//! sinks = ["sql"]
//!
//! [[rule.call]]                    # a call that is wrong in itself; each of these would do
//! path = "crypto.createHash()"
//! languages = ["javascript", "typescript", "tsx"]
//! when = [{ argument = 0, matches = "(?i)^(md5|sha1)$" }]
//! ```

use gabion_finding::{Rule, RuleError, RuleFile};
use gabion_model::Problem;
use gabion_syntax::Language;
use serde::Deserialize;

use crate::glob::Globs;
use crate::models::{Models, pattern};
use crate::value::KindSet;

/// What a rule of code says besides what all rules say.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CodeRule {
    /// Printed for a finding; `{source}` and `{sink}` are where it comes from and where it arrives, `{callee}` what is called.
    pub message: String,
    pub taint: Option<Taint>,
    #[serde(default)]
    pub call: Vec<CallRule>,
    /// Patterns of these languages that may take exponentially long.
    #[serde(default)]
    pub slow_patterns: Vec<Language>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Taint {
    pub sources: Vec<String>,
    pub sinks: Vec<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CallRule {
    pub path: Paths,
    pub languages: Vec<Language>,
    /// All of them.
    #[serde(default)]
    pub when: Vec<Condition>,
    /// None of them.
    #[serde(default)]
    pub unless: Vec<Condition>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub enum Paths {
    One(String),
    More(Vec<String>),
}

impl Paths {
    fn all(&self) -> &[String] {
        match self {
            Self::One(path) => std::slice::from_ref(path),
            Self::More(paths) => paths,
        }
    }
}

/// What is asked of a value that a call is given.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Condition {
    /// Which argument, from 0.
    pub argument: Option<usize>,
    /// Or the one of that name.
    pub named: Option<String>,
    /// A field of it: `cookie.secure`.
    pub field: Option<String>,
    /// It is a constant of this form.
    pub matches: Option<String>,
    /// It is this constant.
    pub is: Option<toml::Value>,
    /// It is not given, or it is; neither holds where nobody can know.
    pub absent: Option<bool>,
    /// It is a number below.
    pub below: Option<f64>,
    /// It is a number above.
    pub above: Option<f64>,
    /// It is a constant.
    pub constant: Option<bool>,
    /// Its path has this form.
    pub path: Option<String>,
}

/// Every rule with what it needs to be asked.
#[derive(Debug)]
pub(crate) struct Rules {
    pub(crate) rules: Vec<(Rule, CodeRule)>,
    /// Rule, its sources, its sinks.
    pub(crate) taints: Vec<(usize, KindSet, KindSet)>,
    /// Of each path, rule and call of it.
    pub(crate) calls: Globs<(usize, usize)>,
    /// Rules about slow patterns, and their languages.
    pub(crate) regexes: Vec<(usize, Vec<Language>)>,
    /// The patterns of all conditions, by their text.
    pub(crate) patterns: hashbrown::HashMap<String, regex::Regex>,
}

impl Rules {
    pub(crate) fn new(files: &[(&str, &str)], models: &mut Models) -> Result<Self, RuleError> {
        let mut own = Self {
            rules: Vec::new(),
            taints: Vec::new(),
            calls: Globs::default(),
            regexes: Vec::new(),
            patterns: hashbrown::HashMap::new(),
        };
        for (file, text) in files {
            let read = RuleFile::<CodeRule>::read(file, text)?;
            let mut problems = Vec::new();
            for (rule, code) in read.rules {
                let name = format!("rule `{}`", rule.id);
                if own.rules.iter().any(|(other, _)| other.id == rule.id) {
                    problems.push(Problem::new(&name, "stands in another file as well"));
                }
                if let Err(reason) = own.add(rule, code, models) {
                    problems.push(Problem::new(name, reason));
                }
            }
            if !problems.is_empty() {
                return Err(RuleError { file: (*file).to_owned(), problems });
            }
        }
        Ok(own)
    }

    fn add(&mut self, rule: Rule, code: CodeRule, models: &mut Models) -> Result<(), String> {
        let at = self.rules.len();
        if code.taint.is_none() && code.call.is_empty() && code.slow_patterns.is_empty() {
            return Err("finds nothing: it has neither `taint` nor `call` nor `slow_patterns`".to_owned());
        }
        if !code.slow_patterns.is_empty() {
            self.regexes.push((at, code.slow_patterns.clone()));
        }
        if let Some(taint) = &code.taint {
            let mut set = |names: &[String]| {
                let mut bits = names.iter().map(|name| models.kinds.bit(name));
                bits.try_fold(0, |set, bit| bit.map(|bit| set | bit)).ok_or("there are more than 63 kinds")
            };
            let (sources, sinks) = (set(&taint.sources)?, set(&taint.sinks)?);
            self.taints.push((at, sources, sinks));
        }
        for (number, call) in code.call.iter().enumerate() {
            for path in call.path.all() {
                self.calls.add(path, (at, number))?;
            }
            for condition in call.when.iter().chain(&call.unless) {
                for text in condition.matches.iter().chain(&condition.path) {
                    self.patterns.insert(text.clone(), pattern(text)?);
                }
            }
        }
        self.rules.push((rule, code));
        Ok(())
    }
}
