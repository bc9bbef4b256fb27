//! One policy as it stands in a file: where, with which effect, and what its annotations oblige to.

use std::collections::BTreeMap;
use std::sync::Arc;

use cedar_policy_core::ast::{self, Expr};
use cedar_policy_core::parser::parse_policyset;
use cedar_policy_core::validator::{ValidationMode, Validator, ValidatorSchema};
use gabion_model::{Acr, Period, Problem};

use crate::decision::{Effect, Obligation, PolicyId};
use crate::place;

/// A policy.
#[derive(Debug, Clone)]
pub(crate) struct Rule {
    pub(crate) id: PolicyId,
    /// `orders.cedar`
    pub(crate) file: Arc<str>,
    pub(crate) line: usize,
    pub(crate) effect: Effect,
    /// Evaluated, but what comes of it is only told.
    pub(crate) dry_run: bool,
    pub(crate) obligations: Vec<Obligation>,
    pub(crate) policy: ast::Policy,
    /// `when` and `unless`; none when the scope is all.
    pub(crate) condition: Option<Arc<Expr>>,
}

impl Rule {
    /// `orders.cedar:12`
    pub(crate) fn place(&self) -> String {
        format!("{}:{}", self.file, self.line)
    }

    /// The text of a part of the policy, on one line.
    pub(crate) fn text(expr: &Expr) -> String {
        let text = expr.source_loc().and_then(|loc| loc.snippet()).map(ToOwned::to_owned);
        let text = text.unwrap_or_else(|| expr.to_string());
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    }
}

/// The annotations that mean something here.
const MEANT: &[&str] = &["id", "mask", "mode", "obligation", "step_up"];

/// All policies of a file in the order they stand in, or what is wrong with it.
pub(crate) fn read(file: &str, text: &str, validator: &Validator) -> Result<Vec<Rule>, Vec<Problem>> {
    let set = parse_policyset(text)
        .map_err(|errors| errors.iter().map(|error| place::problem(file, text, error)).collect::<Vec<_>>())?;
    let mut problems = Vec::new();
    for template in set.templates().filter(|template| template.slots().next().is_some()) {
        let line = template.loc().map_or(1, |loc| place::line(text, loc.start()));
        let problem =
            Problem::new(format!("{file}:{line}"), "a template is never linked, so it would never apply");
        problems.push(problem.hint("write the principal or resource instead of the slot"));
    }
    let judged = validator.validate(&set, ValidationMode::Strict);
    let schema = validator.schema();
    problems.extend(judged.validation_errors().map(|error| meant(place::problem(file, text, error), schema)));
    // A policy that never applies, or text that looks like other text, is not what was meant.
    problems.extend(judged.validation_warnings().map(|warning| place::problem(file, text, warning)));
    let mut rules: Vec<(usize, Rule)> = Vec::new();
    for policy in set.policies() {
        let start = policy.loc().map_or(0, |loc| loc.start());
        match rule(file, place::line(text, start), policy) {
            Ok(rule) => rules.push((start, rule)),
            Err(problem) => problems.push(problem),
        }
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    rules.sort_by_key(|(start, _)| *start);
    Ok(rules.into_iter().map(|(_, rule)| rule).collect())
}

/// Of a name that is not there, the nearest that is: of several that are alike, Cedar names now one, now another.
fn meant(mut problem: Problem, schema: &ValidatorSchema) -> Problem {
    let named = |prefix: &str| problem.reason.strip_prefix(prefix)?.strip_suffix('`').map(str::to_owned);
    let (name, mut known): (String, Vec<String>) = if let Some(name) = named("unrecognized action `") {
        (name, schema.action_ids().map(|action| action.name().to_string()).collect())
    } else if let Some(name) = named("unrecognized entity type `") {
        (name, schema.entity_type_names().map(ToString::to_string).collect())
    } else {
        return problem;
    };
    known.sort_unstable();
    let near = known.iter().min_by_key(|known| strsim::damerau_levenshtein(known, &name));
    problem.hint = near.map(|near| format!("did you mean `{near}`?"));
    problem
}

fn rule(file: &str, line: usize, policy: &ast::Policy) -> Result<Rule, Problem> {
    let at = format!("{file}:{line}");
    let annotations: BTreeMap<String, String> =
        policy.annotations().map(|(key, value)| (key.to_string(), value.as_ref().to_owned())).collect();
    for name in annotations.keys().filter(|name| !MEANT.contains(&name.as_str())) {
        if let Some(near) =
            MEANT.iter().find(|meant| strsim::damerau_levenshtein(meant, name) <= 2 && name.len() > 3)
        {
            let problem = Problem::new(at, format!("the annotation `@{name}` means nothing"));
            return Err(problem.hint(format!("did you mean `@{near}`?")));
        }
    }
    let wrong = |reason: String, hint: &str| Problem::new(at.clone(), reason).hint(hint);
    let dry_run = match annotations.get("mode").map(String::as_str) {
        None | Some("enforce") => false,
        Some("dry_run") => true,
        Some(other) => {
            return Err(wrong(format!("`{other}` is not a mode"), "`@mode(\"dry_run\")`, or leave it out"));
        }
    };
    let mut obligations = Vec::new();
    if let Some(text) = annotations.get("step_up") {
        obligations.push(step_up(text).ok_or_else(|| wrong(format!("`{text}` is not a step-up"), STEP_UP))?);
    }
    if let Some(text) = annotations.get("mask") {
        obligations.push(mask(text).ok_or_else(|| wrong(format!("`{text}` does not name members"), MASK))?);
    }
    let mut dry_run = dry_run;
    for part in annotations.get("obligation").iter().flat_map(|text| text.split(';')) {
        let (word, rest) = part.split_once(':').unwrap_or((part, ""));
        match word.trim() {
            "step_up" => {
                obligations
                    .push(step_up(rest).ok_or_else(|| wrong(format!("`{part}` is not a step-up"), STEP_UP))?);
            }
            "mask" => obligations
                .push(mask(rest).ok_or_else(|| wrong(format!("`{part}` does not name members"), MASK))?),
            "dry_run" if rest.is_empty() => dry_run = true,
            _ => {
                return Err(wrong(
                    format!("`{part}` is not an obligation"),
                    "`mask:/email,/phone`, `step_up:2fa` or `dry_run`; several are separated by `;`",
                ));
            }
        }
    }
    let effect = match policy.effect() {
        ast::Effect::Permit => Effect::Allow,
        ast::Effect::Forbid => Effect::Deny,
    };
    if effect == Effect::Deny && obligations.iter().any(|one| matches!(one, Obligation::Mask { .. })) {
        return Err(wrong(
            "what is forbidden has nothing to mask".to_owned(),
            "mask in the policy that permits",
        ));
    }
    let id = match annotations.get("id") {
        Some(id) if id.trim().is_empty() => {
            return Err(wrong("the `@id` is empty".to_owned(), "remove it, or name the policy"));
        }
        Some(id) => PolicyId(id.as_str().into()),
        None => PolicyId(at.as_str().into()),
    };
    Ok(Rule {
        id,
        file: file.into(),
        line,
        effect,
        dry_run,
        obligations,
        policy: policy.clone(),
        condition: policy.non_scope_constraints_arc().cloned(),
    })
}

const STEP_UP: &str = "`1fa`, `2fa` or `phr`, and perhaps how fresh: `@step_up(\"2fa, 5m\")`";
const MASK: &str = "JSON pointers, separated by commas: `@mask(\"/email, /address/street\")`";

fn step_up(text: &str) -> Option<Obligation> {
    let (acr, age) = match text.split_once(',') {
        Some((acr, age)) => (acr.trim(), Some(age.trim())),
        None => (text.trim(), None),
    };
    let acr = match acr {
        "1fa" => Acr::OneFactor,
        "2fa" => Acr::TwoFactors,
        other => Acr::parse(other)?,
    };
    let max_age = match age {
        Some(age) => Some(age.strip_prefix("max_age=").unwrap_or(age).parse::<Period>().ok()?.as_duration()),
        None => None,
    };
    Some(Obligation::StepUp { acr, max_age })
}

fn mask(text: &str) -> Option<Obligation> {
    let fields: Vec<Arc<str>> = text.split(',').map(|field| Arc::from(field.trim())).collect();
    let is_pointer = |field: &Arc<str>| field.len() > 1 && field.starts_with('/');
    fields.iter().all(is_pointer).then_some(Obligation::Mask { fields })
}
