//! Tests of policies, as a team writes them in YAML.

use std::collections::BTreeMap;
use std::sync::Arc;

use gabion_model::{Acr, Problem};
use serde::{Deserialize, Serialize};

use crate::decision::{Decision, Effect, Obligation};
use crate::explain::Explanation;
use crate::policies::Policies;
use crate::question::Subject;
use crate::value::Value;
use crate::written::{
    OwnedQuestion, WrittenError, WrittenPrincipal, WrittenQuestion, WrittenResource, read_context,
};

/// A file of cases.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cases {
    /// Principals cases can name.
    #[serde(default)]
    pub principals: BTreeMap<String, WrittenPrincipal>,
    /// Resources cases can name.
    #[serde(default)]
    pub resources: BTreeMap<String, WrittenResource>,
    /// Circumstances of every case that does not say otherwise.
    #[serde(default)]
    pub context: BTreeMap<Arc<str>, Value>,
    #[serde(default)]
    pub cases: Vec<Case>,
}

/// What must come of a question.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    pub name: String,
    pub principal: Named<WrittenPrincipal>,
    /// One action, or several of which each must come to the same.
    pub action: OneOrMore,
    pub resource: Named<WrittenResource>,
    #[serde(default)]
    pub context: BTreeMap<Arc<str>, Value>,
    pub expect: Effect,
    /// The policies that decide, all of them.
    #[serde(default)]
    pub by: Option<Vec<String>>,
    /// The obligations, all of them: `step_up:2fa`, `step_up:2fa,5m`, `mask:/email`, `dry_run`.
    #[serde(default)]
    pub obligations: Option<Vec<String>>,
}

/// The name of something, or the thing itself.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub enum Named<T> {
    Name(String),
    Here(T),
}

#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub enum OneOrMore {
    One(String),
    More(Vec<String>),
}

/// What came of one case and action.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Tried {
    pub name: String,
    pub action: String,
    pub passed: bool,
    pub expected: Effect,
    pub effect: Effect,
    /// What differs.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub differs: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub explanation: Option<Explanation>,
}

impl Cases {
    /// # Errors
    /// What is not YAML, not a case, or names something that is not there. Paths start with `file`.
    pub fn parse(file: &str, text: &str) -> Result<Self, Vec<Problem>> {
        let cases: Self = serde_saphyr::from_str(text).map_err(|error| {
            let first = error.to_string();
            let first = first.lines().next().unwrap_or_default().to_owned();
            vec![
                Problem::new(file, first)
                    .hint("see docs/guides/policies.md for what a file of cases looks like"),
            ]
        })?;
        let mut problems = Vec::new();
        for (index, case) in cases.cases.iter().enumerate() {
            let at = |key: &str| format!("{file}: cases[{index}].{key}");
            if let Named::Name(name) = &case.principal
                && !cases.principals.contains_key(name)
            {
                problems.push(unknown(at("principal"), name, cases.principals.keys()));
            }
            if let Named::Name(name) = &case.resource
                && !cases.resources.contains_key(name)
            {
                problems.push(unknown(at("resource"), name, cases.resources.keys()));
            }
            for obligation in case.obligations.iter().flatten() {
                if !is_obligation(obligation) {
                    let problem =
                        Problem::new(at("obligations"), format!("`{obligation}` is not an obligation"));
                    problems
                        .push(problem.hint("`step_up:2fa`, `step_up:2fa,5m`, `mask:/email` or `dry_run`"));
                }
            }
        }
        if problems.is_empty() { Ok(cases) } else { Err(problems) }
    }

    /// One question by itself.
    ///
    /// # Errors
    /// Why it is none, in words.
    pub fn question(text: &str) -> Result<WrittenQuestion, String> {
        serde_saphyr::from_str(text).map_err(|error| {
            let text = error.to_string();
            text.lines().next().unwrap_or_default().to_owned()
        })
    }

    /// The principals with their names; one without an id has its name for an id.
    pub fn subjects(&self) -> impl Iterator<Item = (&str, Result<Subject, WrittenError>)> {
        self.principals.iter().map(|(name, principal)| (name.as_str(), called(name, principal).read()))
    }

    /// The questions, in order, each with its case.
    ///
    /// # Errors
    /// What cannot be read.
    pub fn questions(&self, file: &str) -> Result<Vec<(&Case, OwnedQuestion)>, Vec<Problem>> {
        let (mut questions, mut problems) = (Vec::new(), Vec::new());
        for (index, case) in self.cases.iter().enumerate() {
            let principal = match &case.principal {
                Named::Name(name) => self.principals.get(name).map(|one| called(name, one)),
                Named::Here(one) => Some(one.clone()),
            };
            let resource = match &case.resource {
                Named::Name(name) => self.resources.get(name).cloned(),
                Named::Here(one) => Some(one.clone()),
            };
            let (Some(principal), Some(resource)) = (principal, resource) else { continue };
            let mut context = self.context.clone();
            context.extend(case.context.iter().map(|(name, value)| (name.clone(), value.clone())));
            let actions = match &case.action {
                OneOrMore::One(one) => std::slice::from_ref(one),
                OneOrMore::More(several) => several.as_slice(),
            };
            for action in actions {
                let written = WrittenQuestion {
                    principal: principal.clone(),
                    action: action.clone(),
                    resource: resource.clone(),
                    context: context.clone(),
                };
                match written.read() {
                    Ok(question) => questions.push((case, question)),
                    Err(error) => {
                        problems.push(Problem::new(format!("{file}: cases[{index}]"), error.to_string()))
                    }
                }
            }
        }
        if problems.is_empty() { Ok(questions) } else { Err(problems) }
    }

    /// Every principal with every resource and every action that applies to its type: what a matrix shows. Named
    /// by the file's names.
    ///
    /// # Errors
    /// What cannot be read.
    pub fn everything(
        &self,
        file: &str,
        policies: &Policies,
    ) -> Result<Vec<(String, String, OwnedQuestion)>, Vec<Problem>> {
        let mut all = Vec::new();
        let context = read_context(&self.context)
            .map_err(|error| vec![Problem::new(format!("{file}: context"), error.to_string())])?;
        for (who, subject) in self.subjects() {
            let at = |error: WrittenError| {
                vec![Problem::new(format!("{file}: principals.{who}"), error.to_string())]
            };
            let subject = subject.map_err(at)?;
            for (what, resource) in &self.resources {
                for (action, kinds) in policies.actions() {
                    if kinds.iter().any(|kind| **kind == *resource.kind) {
                        let question = OwnedQuestion {
                            principal: subject.clone(),
                            action: action.to_string(),
                            resource: resource.read(),
                            context: context.clone(),
                        };
                        all.push((who.to_owned(), what.clone(), question));
                    }
                }
            }
        }
        Ok(all)
    }

    /// Asks every case.
    ///
    /// # Errors
    /// What cannot be asked.
    pub fn run(&self, file: &str, policies: &Policies) -> Result<Vec<Tried>, Vec<Problem>> {
        let tried = |(case, question): (&Case, OwnedQuestion)| {
            let decision = policies.decide(&question.as_question());
            let differs = differs(case, &decision);
            Tried {
                name: case.name.clone(),
                action: question.action.clone(),
                passed: differs.is_empty(),
                expected: case.expect,
                effect: decision.effect,
                explanation: (!differs.is_empty()).then(|| policies.explain(&question.as_question())),
                differs,
            }
        };
        Ok(self.questions(file)?.into_iter().map(tried).collect())
    }
}

fn called(name: &str, principal: &WrittenPrincipal) -> WrittenPrincipal {
    let mut called = principal.clone();
    if called.id.is_empty() && called.kind != "Anonymous" {
        name.clone_into(&mut called.id);
    }
    called
}

fn unknown<'a>(path: String, name: &str, known: impl Iterator<Item = &'a String>) -> Problem {
    let known: Vec<&str> = known.map(String::as_str).collect();
    let problem = Problem::new(path, format!("`{name}` is not declared"));
    if known.is_empty() { problem } else { problem.hint(format!("declared are {}", known.join(", "))) }
}

fn differs(case: &Case, decision: &Decision) -> Vec<String> {
    let mut differs = Vec::new();
    if decision.effect != case.expect {
        differs.push(format!("expected {}, got {}", case.expect.as_str(), decision.effect.as_str()));
    }
    if let Some(by) = &case.by {
        let mut wanted = by.clone();
        let mut got: Vec<String> = decision.policies.iter().map(ToString::to_string).collect();
        wanted.sort();
        got.sort();
        if wanted != got {
            differs.push(format!(
                "expected it to be decided by [{}], got [{}]",
                wanted.join(", "),
                got.join(", ")
            ));
        }
    }
    if let Some(obligations) = &case.obligations {
        let mut wanted = obligations.clone();
        let mut got: Vec<String> = decision.obligations.iter().map(Obligation::to_string).collect();
        wanted.sort();
        got.sort();
        if wanted != got {
            differs.push(format!(
                "expected the obligations [{}], got [{}]",
                wanted.join("; "),
                got.join("; ")
            ));
        }
    }
    differs
}

fn is_obligation(text: &str) -> bool {
    let (word, rest) = text.split_once(':').unwrap_or((text, ""));
    match word {
        "dry_run" => rest.is_empty(),
        "mask" => rest.starts_with('/'),
        "step_up" => {
            let acr = rest.split(',').next().unwrap_or_default();
            matches!(acr, "1fa" | "2fa") || Acr::parse(acr).is_some()
        }
        _ => false,
    }
}
