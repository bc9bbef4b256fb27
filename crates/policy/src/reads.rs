//! What a policy reads: the ground on which decisions are cached and attributes are asked for.
//!
//! INVARIANT: whatever the evaluator can look at while it evaluates a condition is named here, or covered by `all`.
//! A request that differs only in what is not named gets the same answer.

use std::collections::BTreeSet;

use cedar_policy_core::ast::{BinaryOp, EntityType, Expr, ExprKind, Literal, Var};
use cedar_policy_core::validator::ValidatorSchema;
use cedar_policy_core::validator::types::{EntityKind, Type};

use crate::shape::entity_type;

/// What is read of a principal, a resource or the context.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Part {
    /// Which one it is.
    pub(crate) identity: bool,
    /// What it is in.
    pub(crate) hierarchy: bool,
    pub(crate) tags: bool,
    pub(crate) attributes: BTreeSet<String>,
}

/// What a policy, or several, read of a request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Reads {
    pub(crate) principal: Part,
    pub(crate) resource: Part,
    pub(crate) context: Part,
    /// Entities other than principal and resource are looked into.
    pub(crate) beyond: bool,
}

impl Part {
    pub(crate) fn merge(&mut self, other: &Self) {
        self.identity |= other.identity;
        self.hierarchy |= other.hierarchy;
        self.tags |= other.tags;
        self.attributes.extend(other.attributes.iter().cloned());
    }
}

impl Reads {
    pub(crate) fn merge(&mut self, other: &Self) {
        self.principal.merge(&other.principal);
        self.resource.merge(&other.resource);
        self.context.merge(&other.context);
        self.beyond |= other.beyond;
    }
}

/// The request a policy is read for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Environment<'a> {
    pub(crate) schema: &'a ValidatorSchema,
    pub(crate) principal: &'a EntityType,
    pub(crate) resource: &'a EntityType,
    pub(crate) context: Option<&'a Type>,
}

impl Environment<'_> {
    /// What a condition reads.
    pub(crate) fn reads(&self, condition: &Expr) -> Reads {
        let mut reads = Reads::default();
        self.walk(condition, &mut reads);
        reads
    }

    fn walk(&self, expr: &Expr, reads: &mut Reads) {
        match expr.expr_kind() {
            ExprKind::Lit(_) | ExprKind::Slot(_) | ExprKind::Unknown(_) => {}
            // As a value, for instance to be compared. What is then looked up in it is found by its type.
            ExprKind::Var(var) => self.whole(*var, reads),
            ExprKind::If { test_expr, then_expr, else_expr } => {
                for part in [test_expr, then_expr, else_expr] {
                    self.walk(part, reads);
                }
            }
            ExprKind::And { left, right } | ExprKind::Or { left, right } => {
                self.walk(left, reads);
                self.walk(right, reads);
            }
            ExprKind::UnaryApp { arg, .. } => self.walk(arg, reads),
            ExprKind::BinaryApp { op: BinaryOp::In, arg1, arg2 } => {
                match arg1.expr_kind() {
                    // `principal in Role::"clerk"` cannot be about which principal it is.
                    ExprKind::Var(Var::Principal) if self.is_of_other_types(arg2, self.principal) => {}
                    ExprKind::Var(Var::Resource) if self.is_of_other_types(arg2, self.resource) => {}
                    _ => self.walk(arg1, reads),
                }
                self.walk(arg2, reads);
                self.look(arg1, reads, |part| part.hierarchy = true);
            }
            ExprKind::BinaryApp { op: BinaryOp::GetTag | BinaryOp::HasTag, arg1, arg2 } => {
                self.walk_looked_into(arg1, reads);
                self.walk(arg2, reads);
                self.look(arg1, reads, |part| part.tags = true);
            }
            ExprKind::BinaryApp { arg1, arg2, .. } => {
                self.walk(arg1, reads);
                self.walk(arg2, reads);
            }
            ExprKind::ExtensionFunctionApp { args, .. } => args.iter().for_each(|arg| self.walk(arg, reads)),
            ExprKind::GetAttr { expr, attr } | ExprKind::HasAttr { expr, attr } => {
                self.walk_looked_into(expr, reads);
                self.look(expr, reads, |part| {
                    part.attributes.insert(attr.to_string());
                });
            }
            ExprKind::ExtHasAttr { expr, attrs } => {
                self.walk_looked_into(expr, reads);
                // The later ones belong to what the earlier ones hold; taken for both, that is too much at worst.
                self.look(expr, reads, |part| part.attributes.extend(attrs.iter().map(ToString::to_string)));
                let mut held = self.type_of(expr);
                for attr in attrs {
                    held = held.and_then(|held| self.member(&held, attr));
                    if held.as_ref().is_none_or(|held| !matches!(held, Type::Record { .. })) {
                        for part in [&mut reads.principal, &mut reads.resource] {
                            part.attributes.extend(attrs.iter().map(ToString::to_string));
                        }
                        reads.beyond = true;
                    }
                }
            }
            ExprKind::Like { expr, .. } => self.walk(expr, reads),
            // The type is part of every question's class.
            ExprKind::Is { expr, .. } => self.walk_looked_into(expr, reads),
            ExprKind::Set(items) => items.iter().for_each(|item| self.walk(item, reads)),
            ExprKind::Record(members) => members.values().for_each(|member| self.walk(member, reads)),
        }
    }

    /// A variable that is only looked into is not read as a value.
    fn walk_looked_into(&self, expr: &Expr, reads: &mut Reads) {
        if !matches!(expr.expr_kind(), ExprKind::Var(_)) {
            self.walk(expr, reads);
        }
    }

    fn whole(&self, var: Var, reads: &mut Reads) {
        match var {
            Var::Principal => reads.principal.identity = true,
            Var::Resource => reads.resource.identity = true,
            Var::Action => {}
            Var::Context => {
                if let Some(Type::Record { attrs, .. }) = self.context {
                    reads.context.attributes.extend(attrs.keys().map(ToString::to_string));
                }
            }
        }
    }

    /// Something is looked up in what `expr` gives: in whatever entity that can be.
    fn look(&self, expr: &Expr, reads: &mut Reads, mut mark: impl FnMut(&mut Part)) {
        match expr.expr_kind() {
            ExprKind::Var(Var::Principal) => return mark(&mut reads.principal),
            ExprKind::Var(Var::Resource) => return mark(&mut reads.resource),
            ExprKind::Var(Var::Context) => return mark(&mut reads.context),
            ExprKind::Var(Var::Action) => return,
            _ => {}
        }
        // It may be the principal or the resource by another way: `resource.owner.name`.
        match self.type_of(expr) {
            Some(Type::Record { .. }) => return,
            Some(of) if entity_type(&of).is_some() => {
                let kind = entity_type(&of);
                if kind == Some(self.principal) {
                    mark(&mut reads.principal);
                    reads.principal.identity = true;
                }
                if kind == Some(self.resource) {
                    mark(&mut reads.resource);
                    reads.resource.identity = true;
                }
            }
            _ => {
                for part in [&mut reads.principal, &mut reads.resource] {
                    mark(part);
                    part.identity = true;
                }
            }
        }
        reads.beyond = true;
    }

    /// Entities written out, none of which is of the type.
    fn is_of_other_types(&self, expr: &Expr, kind: &EntityType) -> bool {
        match expr.expr_kind() {
            ExprKind::Lit(Literal::EntityUID(uid)) => uid.entity_type() != kind,
            ExprKind::Set(items) => items.iter().all(|item| self.is_of_other_types(item, kind)),
            _ => false,
        }
    }

    /// The type of a chain of attributes; `None` where it is anything else.
    fn type_of(&self, expr: &Expr) -> Option<Type> {
        match expr.expr_kind() {
            ExprKind::Var(Var::Principal) => Some(entity(self.principal)),
            ExprKind::Var(Var::Resource) => Some(entity(self.resource)),
            ExprKind::Var(Var::Context) => self.context.cloned(),
            ExprKind::Lit(Literal::EntityUID(uid)) => Some(entity(uid.entity_type())),
            ExprKind::GetAttr { expr, attr } => self.member(&self.type_of(expr)?, attr),
            _ => None,
        }
    }

    fn member(&self, of: &Type, attr: &str) -> Option<Type> {
        let attribute = match of {
            Type::Record { attrs, .. } => attrs.get_attr(attr)?.clone(),
            other => self.schema.get_entity_type(entity_type(other)?)?.attr(attr)?.clone(),
        };
        Some(Type::clone(&attribute.attr_type))
    }
}

fn entity(kind: &EntityType) -> Type {
    Type::Entity(EntityKind::Entity(cedar_policy_core::validator::types::EntityLUB::single_entity(
        kind.clone(),
    )))
}
