//! Rules: what all have, and what these have besides.

use gabion_finding::{Finding, Rule, RuleError, RuleFile, Span};
use gabion_model::Problem;
use serde::Deserialize;

use crate::language::{Condition, Path, Roots, Truth, evaluate, parse, path, select};
use crate::subject::{Check, Hit, Subject};
use crate::{checks, formats, pack};

/// The keys of a rule for manifests.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Own {
    /// The kind of place, and behind `:` which of them, with `|` between: `terraform:aws_s3_bucket|aws_s3_bucket_acl`.
    pub on: String,
    /// The condition under which it is wrong; the grammar stands in [`crate::language`].
    pub finds: Option<String>,
    /// The name of a check that is part of the program, instead of a condition.
    pub check: Option<String>,
    /// A path to where the finding points, when that is not what the condition saw.
    pub at: Option<String>,
    /// What is said instead of the title; `{name}` is the name of the place.
    pub message: Option<String>,
    /// Whether what is found is a secret that no output may show.
    #[serde(default)]
    pub hides: bool,
}

/// Rules, ready to be asked.
#[derive(Debug)]
pub struct ManifestRules {
    pub(crate) rules: Vec<Ready>,
}

#[derive(Debug)]
pub(crate) struct Ready {
    pub(crate) rule: Rule,
    own: Own,
    kind: String,
    sorts: Vec<String>,
    how: How,
    at: Option<Path>,
}

#[derive(Debug)]
enum How {
    Finds(Condition),
    Check(Check),
}

/// As many findings of one rule in one file are more than anybody reads.
const MOST: usize = 500;

impl ManifestRules {
    /// The rules that come with the program.
    ///
    /// # Errors
    /// Never, unless the program was built with files its own tests refuse.
    pub fn built_in() -> Result<Self, RuleError> {
        let mut all = Self { rules: Vec::new() };
        for (file, text) in pack::FILES {
            all.rules.extend(Self::of(file, text, true)?.rules);
        }
        Ok(all)
    }

    /// Reads a file of rules.
    ///
    /// # Errors
    /// Names every rule that is wrong: no such kind or check, no condition, both, or one that cannot be read.
    pub fn read(file: &str, text: &str) -> Result<Self, RuleError> {
        Self::of(file, text, false)
    }

    fn of(file: &str, text: &str, built_in: bool) -> Result<Self, RuleError> {
        let read = if built_in {
            RuleFile::<Own>::built_in(file, text)?
        } else {
            RuleFile::<Own>::read(file, text)?
        };
        let (mut rules, mut problems) = (Vec::new(), Vec::new());
        for (rule, own) in read.rules {
            let name = format!("rule `{}`", rule.id);
            match Ready::new(rule, own, built_in) {
                Ok(ready) => rules.push(ready),
                Err(problem) => problems.push(problem.under(&name)),
            }
        }
        if problems.is_empty() {
            Ok(Self { rules })
        } else {
            Err(RuleError { file: file.to_owned(), problems })
        }
    }

    /// Asks all rules about all places.
    pub(crate) fn findings(&self, subjects: &[Subject<'_>]) -> Vec<Finding> {
        let mut kinds: std::collections::HashMap<&str, Vec<&Subject<'_>>> = std::collections::HashMap::new();
        for subject in subjects {
            kinds.entry(subject.kind).or_default().push(subject);
        }
        let mut findings = Vec::new();
        for ready in &self.rules {
            let mut left = MOST;
            for subject in kinds.get(ready.kind.as_str()).into_iter().flatten() {
                if left == 0 {
                    break;
                }
                if !ready.sorts.is_empty() && !ready.sorts.iter().any(|sort| sort == subject.sort) {
                    continue;
                }
                for hit in ready.hits(subject, subjects).into_iter().take(left) {
                    left = left.saturating_sub(1);
                    findings.push(ready.finding(subject, hit));
                }
            }
        }
        findings
    }
}

impl Ready {
    fn new(rule: Rule, own: Own, built_in: bool) -> Result<Self, Problem> {
        let (kind, sorts) = own.on.split_once(':').unwrap_or((&own.on, ""));
        if !formats::KINDS.contains(&kind) {
            let hint = format!("one of {}", formats::KINDS.join(", "));
            return Err(Problem::new("on", format!("`{kind}` is no kind of place")).hint(hint));
        }
        let how = match (&own.finds, &own.check) {
            (Some(text), None) => {
                How::Finds(parse(text, built_in).map_err(|says| Problem::new("finds", says))?)
            }
            (None, Some(name)) => match checks::named(name) {
                Some(check) => How::Check(check),
                None => return Err(Problem::new("check", format!("there is no check `{name}`"))),
            },
            _ => return Err(Problem::new("finds", "is needed, or `check`, and not both")),
        };
        let at = own.at.as_deref().map(path).transpose().map_err(|says| Problem::new("at", says))?;
        let sorts = sorts.split('|').filter(|sort| !sort.is_empty()).map(str::to_owned).collect();
        Ok(Self { rule, kind: kind.to_owned(), sorts, how, at, own })
    }

    fn hits(&self, subject: &Subject<'_>, all: &[Subject<'_>]) -> Vec<Hit> {
        match &self.how {
            How::Check(check) => check(subject, all),
            How::Finds(condition) => {
                let roots = Roots { here: subject.node, named: &subject.named };
                let Truth::Yes(seen) = evaluate(condition, roots) else { return Vec::new() };
                let pointed =
                    self.at.as_ref().and_then(|path| select(path, roots).0.first().map(|place| place.span()));
                vec![Hit::at(pointed.or(seen).unwrap_or(subject.anchor))]
            }
        }
    }

    fn finding(&self, subject: &Subject<'_>, hit: Hit) -> Finding {
        let says = hit.says.unwrap_or_else(|| match &self.own.message {
            Some(message) => message.replace("{name}", &subject.name),
            None if subject.name.is_empty() => self.rule.title.clone(),
            None => format!("{} (`{}`)", self.rule.title, subject.name),
        });
        let span = clipped(hit.span, subject.source.text());
        let mut finding = subject.source.finding(&self.rule, span, says);
        if self.own.hides {
            finding.hidden.push(value_of(span, subject.source.text()));
        }
        finding
    }
}

/// At most the first line of a place that has many.
fn clipped(span: Span, text: &str) -> Span {
    let inside = span.of(text);
    let line = inside.lines().next().unwrap_or_default().trim_end();
    Span::new(span.start, span.start.saturating_add(u32::try_from(line.len()).unwrap_or(u32::MAX)))
}

/// What stands behind the first `=` or `:` of a place, or all of it.
fn value_of(span: Span, text: &str) -> Span {
    let inside = span.of(text);
    let from = inside.find(['=', ':']).map_or(0, |at| at.saturating_add(1));
    Span::new(span.start.saturating_add(u32::try_from(from).unwrap_or(0)), span.end)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "[[rule]]\nid = \"a.b\"\ntitle = \"t\"\ncontrol = \"config.containers\"\ncwe = [250]\nseverity = \"low\"\n\
                        confidence = \"high\"\nwhy = \"w\"\nfix = \"f\"\n";

    fn refused(own: &str) -> String {
        ManifestRules::read("a.toml", &format!("{HEAD}{own}")).map(|_| ()).unwrap_err().to_string()
    }

    #[test]
    fn a_rule_that_could_never_fire_is_refused() {
        assert!(refused("on = \"kubernetes.container\"").contains("is needed, or `check`"));
        assert!(refused("on = \"kubernets\"\nfinds = \"a\"").contains("is no kind of place"));
        assert!(refused("on = \"dockerfile\"\ncheck = \"nothing\"").contains("there is no check"));
        assert!(refused("on = \"dockerfile\"\nfinds = \"a ==\"").contains("a value is missing"));
        assert!(refused("on = \"dockerfile\"\nfinds = \"a\"\nat = \"..\"").contains("at"));
    }

    #[test]
    fn every_rule_of_the_program_would_be_taken_from_outside() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../rules/manifests");
        for (file, json) in pack::FILES {
            let text = std::fs::read_to_string(folder.join(file)).unwrap();
            ManifestRules::read(file, &text).unwrap();
            let (written, made) =
                (RuleFile::<Own>::read(file, &text).unwrap(), RuleFile::<Own>::built_in(file, json).unwrap());
            assert_eq!(format!("{written:?}"), format!("{made:?}"));
        }
    }
}
