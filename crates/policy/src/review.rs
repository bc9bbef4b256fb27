//! Who can do what: the table an access review asks for, and the matrix of decisions.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use cedar_policy_core::ast::{Expr, ExprKind, PrincipalOrResourceConstraint, Var};
use serde::Serialize;

use crate::decision::{Decision, Effect, Obligation};
use crate::evaluate::{self, Asked, Outcome};
use crate::explain::{conjuncts, named, text_of};
use crate::policies::Policies;
use crate::question::{Context, Question, Resource, Subject};
use crate::reads::Reads;
use crate::rule::Rule;
use crate::written::OwnedQuestion;

/// One row: a principal, an action, a type of resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Access {
    pub principal: String,
    pub name: String,
    pub tenant: String,
    pub roles: Vec<String>,
    pub groups: Vec<String>,
    pub action: String,
    pub resource: String,
    pub may: May,
    /// What remains to be asked of the resource and the circumstances; any one line is enough.
    pub when: Vec<String>,
    /// What takes it away again.
    pub unless: Vec<String>,
    /// The policies, with their places.
    pub policies: Vec<String>,
    pub obligations: Vec<String>,
}

/// Whether somebody may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum May {
    Always,
    Sometimes,
    Never,
}

impl May {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Always => "always",
            Self::Sometimes => "sometimes",
            Self::Never => "never",
        }
    }
}

/// What is left of a policy once the principal is known.
enum Rest {
    Out,
    Remains(Vec<String>),
}

impl Policies {
    /// What each of `principals` may do to each type of resource: every action the schema has. Rows of what nobody
    /// may are left out.
    #[must_use]
    pub fn review(&self, principals: &[Subject]) -> Vec<Access> {
        let mut rows = Vec::new();
        for principal in principals {
            for (action, resources) in self.actions() {
                for resource in resources {
                    rows.extend(self.access(principal, &action, &resource));
                }
            }
        }
        rows
    }

    fn access(&self, principal: &Subject, action_name: &str, resource: &str) -> Option<Access> {
        let action = self.actions.get(action_name)?;
        let slice = self.slice(action, principal.kind(), resource)?;
        // Only the principal is known: nothing else is looked into.
        let placeholder = Resource::new(resource, "");
        let context = Context::default();
        let question = Question { principal, action: action_name, resource: &placeholder, context: &context };
        let asked = Asked::new(self, action, &Reads::default(), &question)?;
        let evaluator = asked.evaluator();
        let (mut when, mut unless, mut policies, mut obligations) =
            (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let (mut always, mut never) = (false, false);
        let who = (&*asked.principal.uid, asked.principal.within.as_slice());
        for number in slice.candidates_whatever(who) {
            let Some(rule) = self.rule(number).filter(|rule| !rule.dry_run) else { continue };
            let rest = rest(rule, |part| match evaluate::holds(&evaluator, part) {
                Outcome::Holds => Some(true),
                Outcome::Fails => Some(false),
                Outcome::Fault(_) => None,
            });
            let Rest::Remains(conditions) = rest else { continue };
            policies.push(format!("{} ({})", rule.id, rule.place()));
            match (rule.effect, conditions.is_empty()) {
                (Effect::Allow, true) => always = true,
                (Effect::Deny, true) => never = true,
                (Effect::Allow, false) => when.push(conditions.join(" and ")),
                (Effect::Deny, false) => unless.push(conditions.join(" and ")),
            }
            if rule.effect == Effect::Allow {
                obligations.extend(rule.obligations.iter());
            }
        }
        let may = match (never, always, when.is_empty(), unless.is_empty()) {
            (true, ..) | (_, false, true, _) => return None,
            (false, true, _, true) => May::Always,
            _ => May::Sometimes,
        };
        let identity = &principal.0;
        let texts = |names: &[std::sync::Arc<str>]| names.iter().map(ToString::to_string).collect();
        Some(Access {
            principal: principal.entity().to_string(),
            name: identity.name.to_string(),
            tenant: identity.tenant.as_ref().map(ToString::to_string).unwrap_or_default(),
            roles: texts(&identity.roles),
            groups: texts(&identity.groups),
            action: action_name.to_owned(),
            resource: resource.to_owned(),
            may,
            when: if always { Vec::new() } else { when },
            unless,
            policies,
            obligations: Obligation::together(obligations.into_iter())
                .iter()
                .map(ToString::to_string)
                .collect(),
        })
    }
}

/// What of a policy is left to ask.
fn rest(rule: &Rule, judge: impl Fn(&Expr) -> Option<bool>) -> Rest {
    let mut conditions = Vec::new();
    match rule.policy.resource_constraint().as_inner() {
        PrincipalOrResourceConstraint::Eq(wanted) => {
            conditions.push(format!("resource == {}", named(wanted)))
        }
        PrincipalOrResourceConstraint::In(wanted) | PrincipalOrResourceConstraint::IsIn(_, wanted) => {
            conditions.push(format!("resource in {}", named(wanted)));
        }
        PrincipalOrResourceConstraint::Any | PrincipalOrResourceConstraint::Is(_) => {}
    }
    for part in rule.condition.iter().flat_map(|condition| conjuncts(condition)) {
        let known = if is_about_the_principal(part) { judge(part) } else { None };
        match known {
            Some(true) => {}
            Some(false) => return Rest::Out,
            None => conditions.push(text_of(part)),
        }
    }
    Rest::Remains(conditions)
}

/// Neither the resource nor the context is named.
fn is_about_the_principal(expr: &Expr) -> bool {
    expr.subexpressions().all(|part| !matches!(part.expr_kind(), ExprKind::Var(Var::Resource | Var::Context)))
}

/// The rows for a spreadsheet (RFC 4180). A field that a spreadsheet would take for a formula gets a `'` before it.
#[must_use]
pub fn csv(rows: &[Access]) -> String {
    let mut out = String::from(
        "principal,name,tenant,roles,groups,action,resource,may,when,unless,policies,obligations\r\n",
    );
    for row in rows {
        let fields = [
            row.principal.clone(),
            row.name.clone(),
            row.tenant.clone(),
            row.roles.join(" "),
            row.groups.join(" "),
            row.action.clone(),
            row.resource.clone(),
            row.may.as_str().to_owned(),
            row.when.join(" | "),
            row.unless.join(" | "),
            row.policies.join(" "),
            row.obligations.join(" "),
        ];
        out.push_str(&fields.iter().map(|field| quoted(field)).collect::<Vec<_>>().join(","));
        out.push_str("\r\n");
    }
    out
}

fn quoted(field: &str) -> String {
    let formula = field.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let field = if formula { format!("'{field}") } else { field.to_owned() };
    if field.contains([',', '"', '\n', '\r', '|', '\'']) {
        format!("\"{}\"", field.replace('"', "\"\""))
    } else {
        field
    }
}

/// The rows as a page that needs nothing else.
#[must_use]
pub fn html(rows: &[Access], title: &str, generation: &str) -> String {
    let mut out = String::new();
    let _ = write!(
        out,
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{0}</title><style>{STYLE}</style></head>\
         <body><h1>{0}</h1><p>Policies {1}. {2} rows; what is not listed, nobody listed here may do.</p>\n<table><thead><tr>\
         <th>Principal</th><th>Roles</th><th>Groups</th><th>Action</th><th>Resource</th><th>May</th><th>When</th>\
         <th>Unless</th><th>Policies</th><th>Obligations</th></tr></thead><tbody>\n",
        escaped(title),
        escaped(generation),
        rows.len()
    );
    for row in rows {
        let who =
            if row.tenant.is_empty() { row.name.clone() } else { format!("{} ({})", row.name, row.tenant) };
        let cells = [
            who,
            row.roles.join(", "),
            row.groups.join(", "),
            row.action.clone(),
            row.resource.clone(),
            row.may.as_str().to_owned(),
            row.when.join("\nor "),
            row.unless.join("\nor "),
            row.policies.join("\n"),
            row.obligations.join("\n"),
        ];
        let _ = write!(out, "<tr class=\"{}\">", row.may.as_str());
        for cell in cells {
            let _ = write!(out, "<td>{}</td>", escaped(&cell).replace('\n', "<br>"));
        }
        out.push_str("</tr>\n");
    }
    out.push_str("</tbody></table></body></html>\n");
    out
}

const STYLE: &str = "body{font:14px system-ui,sans-serif;margin:2rem}table{border-collapse:collapse}\
th,td{border:1px solid #ccc;padding:.3rem .5rem;text-align:left;vertical-align:top}\
th{background:#f3f3f3;position:sticky;top:0}.sometimes td:nth-child(6){background:#fff6db}\
.always td:nth-child(6){background:#e2f3e2}";

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&#39;")
}

/// The decisions of named questions as a table of text, to be committed: rows are action and resource, columns are
/// principals. `-` is a denial.
#[must_use]
pub fn matrix(policies: &Policies, questions: &[(String, String, OwnedQuestion)]) -> String {
    let mut columns: Vec<&str> = Vec::new();
    let mut rows: BTreeMap<(String, &str), BTreeMap<&str, String>> = BTreeMap::new();
    for (principal, resource, question) in questions {
        if !columns.contains(&principal.as_str()) {
            columns.push(principal);
        }
        let row = rows.entry((question.action.clone(), resource)).or_default();
        row.insert(principal, cell(&policies.decide(&question.as_question())));
    }
    let mut table = vec![vec!["action".to_owned(), "resource".to_owned()]];
    if let Some(head) = table.first_mut() {
        head.extend(columns.iter().map(|name| (*name).to_owned()));
    }
    for ((action, resource), cells) in rows {
        let mut row = vec![action, resource.to_owned()];
        row.extend(columns.iter().map(|name| cells.get(name).cloned().unwrap_or_default()));
        table.push(row);
    }
    lined_up(&table)
}

fn cell(decision: &Decision) -> String {
    let mut text = if decision.is_allowed() { "allow".to_owned() } else { "-".to_owned() };
    for obligation in decision.obligations.iter() {
        let _ = write!(text, " {obligation}");
    }
    text
}

fn lined_up(table: &[Vec<String>]) -> String {
    let mut widths: Vec<usize> = Vec::new();
    for row in table {
        for (position, text) in row.iter().enumerate() {
            match widths.get_mut(position) {
                Some(width) => *width = (*width).max(text.chars().count()),
                None => widths.push(text.chars().count()),
            }
        }
    }
    let mut out = String::new();
    for row in table {
        let cells: Vec<String> =
            row.iter().zip(&widths).map(|(text, width)| format!("{text:width$}")).collect();
        out.push_str(cells.join("  ").trim_end());
        out.push('\n');
    }
    out
}
