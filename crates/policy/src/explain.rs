//! Why a question was answered as it was, and what would change the answer.
//!
//! Every policy that names the action is looked at part by part: who, what, and each condition joined by `&&`.
//! For a denial nobody made explicitly, the policies that lack least come first.

use cedar_policy_core::ast::{
    BinaryOp, EntityReference, EntityUID, Expr, ExprKind, PrincipalOrResourceConstraint, UnaryOp,
};
use cedar_policy_core::evaluator::Evaluator;
use serde::Serialize;

use crate::decision::{Decision, Effect, Fault, Obligation, PolicyId};
use crate::evaluate::{self, Asked, Outcome};
use crate::policies::Policies;
use crate::question::Question;
use crate::rule::Rule;
use crate::shape;

/// A decision with its reasons.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Explanation {
    pub effect: Effect,
    pub generation: String,
    /// One sentence.
    pub because: String,
    /// The policies that decided.
    pub determining: Vec<Judged>,
    /// For a denial: what was nearest to permitting it, nearest first.
    pub nearest: Vec<Judged>,
    pub obligations: Vec<Obligation>,
    pub faults: Vec<Fault>,
    /// What of the question is missing or not what the schema says.
    pub unfit: Vec<String>,
}

/// One policy in the light of one question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Judged {
    pub policy: PolicyId,
    /// `orders.cedar:12`
    pub place: String,
    /// `permit` or `forbid`.
    pub effect: &'static str,
    pub applies: bool,
    /// Parts that hold, then parts that do not.
    pub parts: Vec<Part>,
}

/// One part of a policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Part {
    /// The part as it is written.
    pub text: String,
    pub holds: bool,
    /// What was found in the place of its names: `resource.owner` is `User::"bob"`.
    pub found: Vec<Found>,
    /// Why it could not be evaluated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fault: Option<String>,
}

/// What a name stands for in this question.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Found {
    pub name: String,
    pub value: String,
}

impl Judged {
    /// The parts that stand in the way.
    pub fn missing(&self) -> impl Iterator<Item = &Part> {
        self.parts.iter().filter(|part| !part.holds)
    }
}

/// How many policies that came near are told.
const NEAREST: usize = 3;

impl Policies {
    /// Why, and what would change it. Costs more than a decision: every policy of the action is evaluated.
    #[must_use]
    pub fn explain(&self, question: &Question<'_>) -> Explanation {
        let decision = self.decide(question);
        let judged = self.judge(question);
        let unfit = self.unfit(question);
        let applying = |effect: &str| {
            judged.iter().filter(|one| one.applies && one.effect == effect).cloned().collect::<Vec<_>>()
        };
        let (permits, forbids) = (applying("permit"), applying("forbid"));
        let mut nearest = Vec::new();
        let (because, determining) = match decision.effect {
            Effect::Allow => (allowed(&permits), permits),
            Effect::Deny if !forbids.is_empty() => (forbidden(&forbids, permits.is_empty()), forbids),
            Effect::Deny => {
                nearest = judged.into_iter().filter(|one| one.effect == "permit").collect();
                nearest.sort_by_key(|one| one.missing().count());
                nearest.truncate(NEAREST);
                (self.unpermitted(question, &decision, &nearest), Vec::new())
            }
        };
        Explanation {
            effect: decision.effect,
            generation: decision.generation.to_string(),
            because,
            determining,
            nearest,
            obligations: decision.obligations.to_vec(),
            faults: decision.faults.to_vec(),
            unfit,
        }
    }

    fn unfit(&self, question: &Question<'_>) -> Vec<String> {
        self.asked(question).map(|asked| Self::unfit_words(&asked)).unwrap_or_default()
    }

    fn asked(&self, question: &Question<'_>) -> Option<Asked> {
        let action = self.actions.get(question.action)?;
        let slice = self.slice(action, question.principal.kind(), &question.resource.entity.kind)?;
        let mut reads = slice.reads.clone();
        // Scopes are told with where the resource is.
        reads.resource.hierarchy = true;
        Asked::new(self, action, &reads, question)
    }

    fn unpermitted(&self, question: &Question<'_>, decision: &Decision, nearest: &[Judged]) -> String {
        if let Some(Fault { policy: None, reason }) = decision.faults.first() {
            return format!("{reason}: `{}` on `{}`", question.action, question.resource.entity.kind);
        }
        match nearest {
            [] => format!("no policy permits `{}` to anybody", question.action),
            [one, ..] => format!("nothing permits it; nearest is `{}` at {}", one.policy, one.place),
        }
    }

    /// Every enforced policy that names the action, part by part.
    fn judge(&self, question: &Question<'_>) -> Vec<Judged> {
        let (Some(action), Some(asked)) = (self.actions.get(question.action), self.asked(question)) else {
            return Vec::new();
        };
        let Some(slice) = self.slice(action, question.principal.kind(), &question.resource.entity.kind)
        else {
            return Vec::new();
        };
        let evaluator = asked.evaluator();
        let mut judged = Vec::new();
        for number in &action.rules {
            let Some(rule) = self.rule(*number).filter(|rule| !rule.dry_run) else { continue };
            let unfit = slice.each.get(number).and_then(|reads| asked.unfit_of(reads));
            judged.push(judge(rule, &asked, &evaluator, unfit.as_deref()));
        }
        judged
    }
}

fn judge(rule: &Rule, asked: &Asked, evaluator: &Evaluator<'_>, unfit: Option<&str>) -> Judged {
    let principal = rule.policy.principal_constraint();
    let resource = rule.policy.resource_constraint();
    let who = (&*asked.principal.uid, asked.principal.within.as_slice());
    let what = (&*asked.resource, asked.within.as_slice());
    let mut parts: Vec<Part> = [
        scope_part("principal", principal.as_inner(), who),
        scope_part("resource", resource.as_inner(), what),
    ]
    .into_iter()
    .flatten()
    .collect();
    let in_scope = parts.iter().all(|part| part.holds);
    let whole = match (&rule.condition, unfit) {
        (_, Some(reason)) => Outcome::Fault(reason.into()),
        (None, None) => Outcome::Holds,
        (Some(condition), None) => evaluate::holds(evaluator, condition),
    };
    for conjunct in rule.condition.iter().flat_map(|condition| conjuncts(condition)) {
        let outcome = evaluate::holds(evaluator, conjunct);
        let mut found = Vec::new();
        names(conjunct, evaluator, &mut found);
        found.sort();
        found.dedup();
        parts.push(Part {
            text: text_of(conjunct),
            holds: outcome == Outcome::Holds,
            found,
            fault: match outcome {
                Outcome::Fault(reason) => Some(reason.to_string()),
                Outcome::Holds | Outcome::Fails => None,
            },
        });
    }
    if let (Some(reason), true) = (unfit, parts.iter().all(|part| part.holds)) {
        parts.push(Part {
            text: reason.to_owned(),
            holds: false,
            found: Vec::new(),
            fault: Some(reason.to_owned()),
        });
    }
    let holds = match (rule.effect, whole) {
        (_, Outcome::Holds) | (Effect::Deny, Outcome::Fault(_)) => true,
        (_, Outcome::Fails) | (Effect::Allow, Outcome::Fault(_)) => false,
    };
    parts.sort_by_key(|part| !part.holds);
    Judged {
        policy: rule.id.clone(),
        place: rule.place(),
        effect: if rule.effect == Effect::Allow { "permit" } else { "forbid" },
        applies: in_scope && holds,
        parts,
    }
}

/// What a scope asks, unless it asks nothing.
fn scope_part(
    name: &str,
    constraint: &PrincipalOrResourceConstraint,
    (uid, within): (&EntityUID, &[EntityUID]),
) -> Option<Part> {
    let is =
        |reference: &EntityReference| matches!(reference, EntityReference::EUID(wanted) if **wanted == *uid);
    let is_in = |reference: &EntityReference| {
        is(reference) || matches!(reference, EntityReference::EUID(wanted) if within.contains(wanted))
    };
    let (text, holds) = match constraint {
        PrincipalOrResourceConstraint::Any => return None,
        PrincipalOrResourceConstraint::Eq(wanted) => (format!("{name} == {}", named(wanted)), is(wanted)),
        PrincipalOrResourceConstraint::In(wanted) => (format!("{name} in {}", named(wanted)), is_in(wanted)),
        PrincipalOrResourceConstraint::Is(kind) => {
            (format!("{name} is {kind}"), **kind == *uid.entity_type())
        }
        PrincipalOrResourceConstraint::IsIn(kind, wanted) => {
            (format!("{name} is {kind} in {}", named(wanted)), **kind == *uid.entity_type() && is_in(wanted))
        }
    };
    let mut found = vec![Found { name: name.to_owned(), value: uid.to_string() }];
    if !within.is_empty() {
        let within: Vec<String> = within.iter().map(ToString::to_string).collect();
        found.push(Found { name: format!("{name} is in"), value: within.join(", ") });
    }
    Some(Part { text, holds, found, fault: None })
}

pub(crate) fn named(reference: &EntityReference) -> String {
    match reference {
        EntityReference::EUID(uid) => uid.to_string(),
        EntityReference::Slot(_) => "a slot".to_owned(),
    }
}

/// The parts that must all hold.
pub(crate) fn conjuncts(expr: &Expr) -> Vec<&Expr> {
    match expr.expr_kind() {
        ExprKind::And { left, right } => {
            let mut parts = conjuncts(left);
            parts.extend(conjuncts(right));
            parts
        }
        _ => vec![expr],
    }
}

/// The part as it is written; `unless` is told as what must not hold.
pub(crate) fn text_of(expr: &Expr) -> String {
    if let ExprKind::UnaryApp { op: UnaryOp::Not, arg } = expr.expr_kind() {
        let inner = Rule::text(arg);
        if is_comparison_the_other_way_round(arg, &inner) && Rule::text(expr) == inner {
            return inner;
        }
        let inner = inner.strip_prefix("unless").map_or(inner.as_str(), str::trim);
        let inner =
            inner.strip_prefix('{').and_then(|inner| inner.strip_suffix('}')).map_or(inner, str::trim);
        return format!("not ({inner})");
    }
    let text = Rule::text(expr);
    let inner = text.strip_prefix("when").map_or(text.as_str(), str::trim);
    inner.strip_prefix('{').and_then(|inner| inner.strip_suffix('}')).map_or(inner, str::trim).to_owned()
}

/// Cedar has no `>=`, `>` and `!=` of its own: it reads the opposite and negates it, at the same place of the text.
fn is_comparison_the_other_way_round(expr: &Expr, text: &str) -> bool {
    let written = match expr.expr_kind() {
        ExprKind::BinaryApp { op: BinaryOp::Less, .. } => ">=",
        ExprKind::BinaryApp { op: BinaryOp::LessEq, .. } => ">",
        ExprKind::BinaryApp { op: BinaryOp::Eq, .. } => "!=",
        _ => return false,
    };
    text.contains(written) && !text.starts_with("unless")
}

/// The attributes a part looks at, with what they are.
fn names(expr: &Expr, evaluator: &Evaluator<'_>, found: &mut Vec<Found>) {
    let is_chain = is_chain(expr);
    if is_chain && !matches!(expr.expr_kind(), ExprKind::Var(_)) {
        let value = evaluator.interpret(expr, &std::collections::HashMap::new());
        let value = value.map_or_else(|_| "not there".to_owned(), |value| shape::shown(&value));
        found.push(Found { name: expr.to_string(), value });
        return;
    }
    if let ExprKind::Var(var) = expr.expr_kind() {
        if let Ok(value) = evaluator.interpret(expr, &std::collections::HashMap::new())
            && !matches!(value.value_kind(), cedar_policy_core::ast::ValueKind::Record(_))
        {
            found.push(Found { name: var.to_string(), value: shape::shown(&value) });
        }
        return;
    }
    match expr.expr_kind() {
        ExprKind::If { test_expr, then_expr, else_expr } => {
            [test_expr, then_expr, else_expr].into_iter().for_each(|part| names(part, evaluator, found));
        }
        ExprKind::And { left, right } | ExprKind::Or { left, right } => {
            names(left, evaluator, found);
            names(right, evaluator, found);
        }
        ExprKind::UnaryApp { arg, .. } => names(arg, evaluator, found),
        ExprKind::BinaryApp { arg1, arg2, .. } => {
            names(arg1, evaluator, found);
            names(arg2, evaluator, found);
        }
        ExprKind::ExtensionFunctionApp { args, .. } => {
            args.iter().for_each(|arg| names(arg, evaluator, found))
        }
        ExprKind::GetAttr { expr, .. }
        | ExprKind::HasAttr { expr, .. }
        | ExprKind::ExtHasAttr { expr, .. }
        | ExprKind::Like { expr, .. }
        | ExprKind::Is { expr, .. } => names(expr, evaluator, found),
        ExprKind::Set(items) => items.iter().for_each(|item| names(item, evaluator, found)),
        ExprKind::Record(members) => members.values().for_each(|member| names(member, evaluator, found)),
        ExprKind::Lit(_) | ExprKind::Var(_) | ExprKind::Slot(_) | ExprKind::Unknown(_) => {}
    }
}

/// `resource.owner.name`
fn is_chain(expr: &Expr) -> bool {
    match expr.expr_kind() {
        ExprKind::Var(_) => true,
        ExprKind::GetAttr { expr, .. } => is_chain(expr),
        _ => false,
    }
}

fn allowed(permits: &[Judged]) -> String {
    match permits {
        [one] => format!("`{}` at {} permits it, and nothing else does", one.policy, one.place),
        several => format!("{} policies permit it, and nothing forbids it", several.len()),
    }
}

fn forbidden(forbids: &[Judged], unpermitted: bool) -> String {
    let also = if unpermitted { "; without that, nothing would permit it either" } else { "" };
    match forbids {
        [one] => format!("`{}` at {} forbids it{also}", one.policy, one.place),
        several => format!("{} policies forbid it{also}", several.len()),
    }
}
