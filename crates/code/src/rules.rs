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
//! repair = { says = "…", … }       # how a machine writes it right: see `repair`
//!
//! [[rule.set]]                     # a place that is set; `argument = 0` is what it is given
//! path = "flask.Flask().config.DEBUG="
//! languages = ["python"]
//! when = [{ argument = 0, is = true }]
//!
//! [[rule.read]]                    # a place that is wrong to read at all
//! path = "express.Request().query.password"
//! languages = ["javascript", "typescript", "tsx"]
//!
//! [[rule.compare]]                 # two sides compared by `==`, in either order
//! languages = ["javascript", "typescript", "tsx"]
//! path = '\.createHmac\(\)\.update\(\)\.digest\(\)$'
//! constant = false
//! ```
//!
//! The literal of a type (`tls.Config{InsecureSkipVerify: true}`) is a call of the type with its fields as named arguments. A name
//! that is set has the path `~name=`; so has a field of an object nobody knows, or of an object literal. What a function `f` gives
//! is set to `~f()=`.
//!
//! `[[rule.texts]]` with `all = [...]` finds files that have a text of each of these forms. `[[rule.ends]]` finds functions that compare
//! a value with names and say yes to whatever is none of them.
//!
//! With `missing = ["helmet()"]` a rule finds something only in trees that call none of these; `[[rule.right]]` does so for calls
//! that are right because of what they are given.
//!
//! What an application lacks is judged by all of its files together:
//!
//! ```toml
//! said = ['^next/']                # of each of these forms there is a name, a text, an import, a name of a dependency
//! unsaid = ['(?i)sentry']          # and of none of these
//! once = "application"             # said once, at the first place, and not in tests and examples; or once in each file
//! yields_to = ["helmet.missing"]   # not where one of these speaks
//! ```

use gabion_finding::{Rule, RuleError, RuleFile};
use gabion_model::Problem;
use gabion_syntax::Language;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::forms::Forms;
use crate::glob::Globs;
use crate::models::Models;
use crate::repair::Repair;
use crate::routes::{RouteCheck, RouteRule};
use crate::value::KindSet;

/// What a rule of code says besides what all rules say.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CodeRule {
    /// Printed for a finding; `{source}` and `{sink}` are where it comes from and where it arrives, `{callee}` what is called.
    pub message: String,
    pub taint: Option<Taint>,
    #[serde(default)]
    pub call: Vec<CallRule>,
    /// Patterns of these languages that may take exponentially long.
    #[serde(default)]
    #[schemars(with = "Vec<LanguageName>")]
    pub slow_patterns: Vec<Language>,
    #[serde(default)]
    pub set: Vec<CallRule>,
    /// A place that is wrong to read at all: a password in an address.
    #[serde(default)]
    pub read: Vec<CallRule>,
    #[serde(default)]
    pub compare: Vec<CompareRule>,
    /// Calls that would have been right, by their paths: where the tree has one of them, nothing is found.
    #[serde(default)]
    pub missing: Vec<String>,
    /// Calls that show that such things are done in another way, by their paths: where the tree has one of them and none of `instead_unless`,
    /// nothing is found.
    #[serde(default)]
    pub instead: Vec<String>,
    #[serde(default)]
    pub instead_unless: Vec<String>,
    /// Calls and places that are set, which would have been right with what they are given: where the application has one, nothing is
    /// found.
    #[serde(default)]
    pub right: Vec<CallRule>,
    /// Of each of these forms the application has a name, a text, an import or a name of a dependency.
    #[serde(default)]
    pub said: Vec<String>,
    /// And it has none of any of these.
    #[serde(default)]
    pub unsaid: Vec<String>,
    /// It is said once, at the first place, and not of tests and examples.
    pub once: Option<Once>,
    /// Rules that say more: where one of them speaks of the same place, or of the same application where it is said once, this one is
    /// silent.
    #[serde(default)]
    pub yields_to: Vec<String>,
    /// Not in functions whose name has this form: where it is what they are for.
    pub not_within: Option<String>,
    /// Texts that a file has, each of these rules by itself.
    #[serde(default)]
    pub texts: Vec<TextRule>,
    /// Functions that decide, by what they end with.
    #[serde(default)]
    pub ends: Vec<EndRule>,
    /// Something a route shows, or lacks; each of these would do.
    #[serde(default)]
    pub route: Vec<RouteRule>,
    /// Files that are there; each of these would do.
    #[serde(default)]
    pub file: Vec<PlaceRule>,
}

/// Of what it is said once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Once {
    /// Files that belong together.
    Application,
    File,
}

/// A file, by its place.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PlaceRule {
    #[schemars(with = "Vec<LanguageName>")]
    pub languages: Vec<Language>,
    /// Its path has this form.
    pub path: String,
}

#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Taint {
    pub sources: Vec<String>,
    pub sinks: Vec<String>,
}

impl CodeRule {
    /// The call or set of a number: those that are wrong, then those that are right; and whether it is right.
    pub(crate) fn numbered<'r>(
        &'r self,
        wrong: &'r [CallRule],
        ending: &str,
        number: usize,
    ) -> Option<(&'r CallRule, bool)> {
        if let Some(own) = wrong.get(number) {
            return Some((own, false));
        }
        let mut right =
            self.right.iter().filter(|one| one.path.all().iter().all(|path| path.ends_with(ending)));
        right.nth(number.checked_sub(wrong.len())?).map(|own| (own, true))
    }
}

/// A call, or a place that is set.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CallRule {
    pub path: Paths,
    #[schemars(with = "Vec<LanguageName>")]
    pub languages: Vec<Language>,
    /// Only where it stands in no function.
    #[serde(default)]
    pub of_module: bool,
    /// Only in files whose path has this form.
    pub in_file: Option<String>,
    /// Only in functions whose name has this form.
    pub within: Option<String>,
    /// Only in files that have a name or a text of each of these forms, of what is imported too.
    #[serde(default)]
    pub anywhere: Vec<String>,
    /// And none of any of these.
    #[serde(default)]
    pub none: Vec<String>,
    /// Only where the function it stands in, or one that calls that one, has a name or a text of each of these forms.
    #[serde(default)]
    pub beside: Vec<String>,
    /// All of them.
    #[serde(default)]
    pub when: Vec<Condition>,
    /// None of them.
    #[serde(default)]
    pub unless: Vec<Condition>,
    /// How it is written right, where a machine can write it.
    pub repair: Option<Repair>,
}

/// A comparison.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CompareRule {
    #[schemars(with = "Vec<LanguageName>")]
    pub languages: Vec<Language>,
    /// The path of one side has this form.
    pub path: String,
    /// And that of the other this one.
    pub other: Option<String>,
    /// The other is a constant, or is none.
    pub constant: Option<bool>,
    /// The other is a constant of this form.
    pub matches: Option<String>,
}

/// Texts that say too much where a file has all of them.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TextRule {
    #[schemars(with = "Vec<LanguageName>")]
    pub languages: Vec<Language>,
    /// Of each of these forms there is one.
    pub all: Vec<String>,
    /// One of each of these forms stands anywhere in it, as a name of what is imported too.
    #[serde(default)]
    pub anywhere: Vec<String>,
    /// And none of any of these.
    #[serde(default)]
    pub none: Vec<String>,
}

/// A function that compares something with names, and gives the same for whatever is none of them.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EndRule {
    #[schemars(with = "Vec<LanguageName>")]
    pub languages: Vec<Language>,
    /// Its name has this form.
    pub function: String,
    /// So has the name of what is compared.
    pub of: String,
    /// What it gives in the end.
    pub gives: bool,
}

/// One path, or several that are judged alike.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
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
#[derive(Debug, Clone, Deserialize, JsonSchema)]
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
    #[schemars(with = "Option<Constant>")]
    pub is: Option<toml::Value>,
    /// It is not given, or it is; neither holds where nobody can know.
    pub absent: Option<bool>,
    /// It is a number below.
    pub below: Option<f64>,
    /// It is a number above.
    pub above: Option<f64>,
    /// It is a list with this constant in it.
    pub item: Option<String>,
    /// It is a constant.
    pub constant: Option<bool>,
    /// It is a list, or is none as far as is known.
    pub list: Option<bool>,
    /// It is a function, or is none as far as is known.
    pub function: Option<bool>,
    /// Its path has this form.
    pub path: Option<String>,
    /// It is a text of this form, or has one in it; of all that is given where neither `argument` nor `named` is said.
    pub says: Option<String>,
    /// What is sure of it, with U+FFFC for the rest, has this form.
    pub looks: Option<String>,
}

/// A language as a rule names it.
#[derive(JsonSchema)]
#[serde(rename_all = "lowercase")]
#[expect(dead_code, reason = "only its schema is asked for")]
enum LanguageName {
    Go,
    Java,
    JavaScript,
    Python,
    Rust,
    TypeScript,
    Tsx,
}

/// A constant as a rule writes it.
#[derive(JsonSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "only its schema is asked for")]
enum Constant {
    Bool(bool),
    Number(f64),
    Text(String),
}

/// The JSON Schema of what a rule of code says besides what all rules say.
#[must_use]
pub fn rule_schema() -> schemars::Schema {
    schemars::schema_for!(CodeRule)
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
    /// Of each path with its `=`, rule and set of it.
    pub(crate) sets: Globs<(usize, usize)>,
    /// Of each path that is read, rule and read of it.
    pub(crate) reads: Globs<(usize, usize)>,
    pub(crate) compares: Vec<(usize, CompareRule)>,
    /// Of the paths of calls, the rules that find nothing where there is one.
    pub(crate) missing: Globs<usize>,
    /// The same for `instead` and `instead_unless`.
    pub(crate) instead: Globs<usize>,
    pub(crate) instead_unless: Globs<usize>,
    pub(crate) routes: Vec<RouteCheck>,
    pub(crate) texts: Vec<(usize, TextRule)>,
    pub(crate) files: Vec<(usize, PlaceRule)>,
    pub(crate) ends: Vec<(usize, EndRule)>,
    pub(crate) forms: Forms,
}

impl Rules {
    /// The first `built_in` files are the program's own.
    pub(crate) fn new(
        files: &[(&str, &str)],
        built_in: usize,
        models: &mut Models,
    ) -> Result<Self, RuleError> {
        let mut own = Self {
            rules: Vec::new(),
            taints: Vec::new(),
            calls: Globs::default(),
            regexes: Vec::new(),
            sets: Globs::default(),
            reads: Globs::default(),
            compares: Vec::new(),
            missing: Globs::default(),
            instead: Globs::default(),
            instead_unless: Globs::default(),
            routes: Vec::new(),
            texts: Vec::new(),
            files: Vec::new(),
            ends: Vec::new(),
            forms: Forms::default(),
        };
        for (at, (file, text)) in files.iter().enumerate() {
            if at >= built_in {
                own.forms.be_strict();
                models.routes.forms.be_strict();
            }
            let read = if at < built_in {
                RuleFile::<CodeRule>::built_in(file, text)?
            } else {
                RuleFile::<CodeRule>::read(file, text)?
            };
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
        let none = code.taint.is_none() && code.call.is_empty() && code.set.is_empty();
        let none = none && code.read.is_empty() && code.compare.is_empty() && code.texts.is_empty();
        let none = none && code.ends.is_empty() && code.file.is_empty();
        if none && code.slow_patterns.is_empty() && code.route.is_empty() {
            return Err(
                "finds nothing: it has no `taint`, `call`, `set`, `read`, `compare`, `texts`, `ends`, `route`, `file` or `slow_patterns`"
                    .to_owned(),
            );
        }
        if !code.slow_patterns.is_empty() {
            self.regexes.push((at, code.slow_patterns.clone()));
        }
        if let Some(taint) = &code.taint {
            let mut set = |names: &[String]| {
                let mut bits = names.iter().map(|name| models.kinds.bit(name));
                bits.try_fold(0, |set, bit| bit.map(|bit| set | bit)).ok_or("there are more than 127 kinds")
            };
            let (sources, sinks) = (set(&taint.sources)?, set(&taint.sinks)?);
            self.taints.push((at, sources, sinks));
        }
        // Those that are right are numbered behind those that are wrong.
        let right = |ending: &str| {
            let own =
                code.right.iter().filter(|one| one.path.all().iter().all(|path| path.ends_with(ending)));
            own.cloned().collect::<Vec<_>>()
        };
        let (right_calls, right_sets) = (right("()"), right("="));
        if right_calls.len().saturating_add(right_sets.len()) != code.right.len() {
            return Err("the paths of one `right` all end with `()`, or all with `=`".to_owned());
        }
        let with =
            |rules: &[CallRule], right: Vec<CallRule>| rules.iter().cloned().chain(right).collect::<Vec<_>>();
        for (rules, globs, ending) in [
            (with(&code.call, right_calls), &mut self.calls, "()"),
            (with(&code.set, right_sets), &mut self.sets, "="),
            (code.read.clone(), &mut self.reads, ""),
        ] {
            for (number, rule) in rules.iter().enumerate() {
                for path in rule.path.all() {
                    if ending.is_empty() && path.ends_with(['=', ')']) {
                        return Err(format!("`{path}` is not what is read: it is called or set"));
                    }
                    if !path.ends_with(ending) {
                        return Err(format!("`{path}` does not end with `{ending}`"));
                    }
                    globs.add(path, (at, number))?;
                    crate::glob::expanded(path)?.iter().for_each(|path| models.note_type(path));
                }
                if let Some(reason) = rule.repair.as_ref().and_then(Repair::problem) {
                    return Err(reason.to_owned());
                }
                let texts = rule.in_file.iter().chain(&rule.within);
                for text in texts.chain(&rule.anywhere).chain(&rule.none).chain(&rule.beside) {
                    self.forms.add(text)?;
                }
                for condition in rule.when.iter().chain(&rule.unless) {
                    let forms = condition.matches.iter().chain(&condition.path).chain(&condition.looks);
                    for text in forms.chain(&condition.says) {
                        self.forms.add(text)?;
                    }
                }
            }
        }
        for text in code.not_within.iter().chain(&code.said).chain(&code.unsaid) {
            self.forms.add(text)?;
        }
        for file in &code.file {
            self.forms.add(&file.path)?;
            self.files.push((at, file.clone()));
        }
        for compare in &code.compare {
            for text in std::iter::once(&compare.path).chain(&compare.other).chain(&compare.matches) {
                self.forms.add(text)?;
            }
            self.compares.push((at, compare.clone()));
        }
        for texts in &code.texts {
            for text in texts.all.iter().chain(&texts.anywhere).chain(&texts.none) {
                self.forms.add(text)?;
            }
            self.texts.push((at, texts.clone()));
        }
        for ends in &code.ends {
            self.forms.add(&ends.function)?;
            self.forms.add(&ends.of)?;
            self.ends.push((at, ends.clone()));
        }
        for (paths, globs) in [
            (&code.missing, &mut self.missing),
            (&code.instead, &mut self.instead),
            (&code.instead_unless, &mut self.instead_unless),
        ] {
            for path in paths {
                globs.add(path, at)?;
            }
        }
        for route in &code.route {
            self.routes.push(RouteCheck::new(at, route, &mut models.routes)?);
        }
        self.rules.push((rule, code));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_of_the_program_would_be_taken_from_outside() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../");
        for (file, json) in crate::pack::RULES.iter().chain(crate::routes::RULES) {
            let text = std::fs::read_to_string(folder.join(file)).unwrap();
            let (written, made) = (
                RuleFile::<CodeRule>::read(file, &text).unwrap(),
                RuleFile::<CodeRule>::built_in(file, json).unwrap(),
            );
            assert_eq!(format!("{written:?}"), format!("{made:?}"));
        }
    }
}
