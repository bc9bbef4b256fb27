//! Conditions of pages that ask for a role.

use gabion_syntax::tree::{BinaryOp, Expr, ExprKind, Jsx, LogicalOp, Module, UnaryOp};

/// Conditions in each other.
const DEEPEST: usize = 16;

/// Whether it holds for those who have a role (`user.role === 'admin'`), or for all others (`!isAdmin`); none where it asks for
/// something else.
pub(super) fn asks_for_role(module: &Module, condition: &Expr) -> Option<bool> {
    asks(module, condition, DEEPEST)
}

fn asks(module: &Module, condition: &Expr, depth: usize) -> Option<bool> {
    let depth = depth.checked_sub(1)?;
    match &condition.kind {
        ExprKind::Unary { op: UnaryOp::Not, operand } => asks(module, operand, depth).map(|role| !role),
        ExprKind::Binary { op: op @ (BinaryOp::Equal | BinaryOp::NotEqual), left, right } => {
            let text = |one: &Expr| matches!(one.kind, ExprKind::String(_) | ExprKind::Member { .. });
            let compared = names_role(module, left) && text(right) || names_role(module, right) && text(left);
            compared.then_some(*op == BinaryOp::Equal)
        }
        ExprKind::Logical { op: LogicalOp::And, left, right } => {
            let (left, right) = (asks(module, left, depth), asks(module, right, depth));
            (left == Some(true) || right == Some(true)).then_some(true)
        }
        ExprKind::Logical { op: LogicalOp::Or, left, right } => {
            let (left, right) = (asks(module, left, depth), asks(module, right, depth));
            match (left, right) {
                (Some(true), Some(true)) => Some(true),
                // `!user || user.role !== 'admin'`.
                (Some(false), _) | (_, Some(false)) => Some(false),
                _ => None,
            }
        }
        ExprKind::Member { name, .. } | ExprKind::Name(name) => is_flag(module.text(*name)).then_some(true),
        ExprKind::Call(call) => {
            let ExprKind::Member { name, object } = &call.callee.kind else {
                let ExprKind::Name(name) = &call.callee.kind else { return None };
                return is_question(module.text(*name)).then_some(true);
            };
            let name = module.text(*name);
            (is_question(name) || is_flag(name) || name == "includes" && names_role(module, object))
                .then_some(true)
        }
        ExprKind::Cast { value, .. } => asks(module, value, depth),
        _ => None,
    }
}

/// `user.role`, `session?.user.roles`.
fn names_role(module: &Module, one: &Expr) -> bool {
    match &one.kind {
        ExprKind::Member { name, .. } | ExprKind::Name(name) => {
            matches!(
                module.text(*name),
                "role" | "roles" | "userRole" | "userType" | "user_role" | "permissions"
            )
        }
        ExprKind::Cast { value, .. } => names_role(module, value),
        _ => false,
    }
}

/// A truth about somebody.
fn is_flag(name: &str) -> bool {
    matches!(
        name,
        "isAdmin" | "is_admin" | "isSuperuser" | "is_superuser" | "isStaff" | "is_staff" | "isModerator"
    ) || matches!(name, "isSuperAdmin" | "isManager" | "isEditor" | "userIsAdmin")
}

fn is_question(name: &str) -> bool {
    matches!(
        name,
        "hasRole" | "hasPermission" | "hasAnyRole" | "userHasRole" | "checkPermission" | "isInRole"
    )
}

/// `<AdminOnly>`, `<RequireRole role="admin">`.
pub(super) fn is_gate(module: &Module, jsx: &Jsx) -> bool {
    let Some(ExprKind::Name(name)) = jsx.element.as_ref().map(|element| &element.kind) else { return false };
    matches!(
        module.text(*name),
        "AdminOnly" | "RequireRole" | "RequireAdmin" | "RoleGuard" | "HasRole" | "IfAdmin" | "PermissionGate"
    ) || matches!(module.text(*name), "HasPermission" | "RequirePermission" | "RoleGate" | "AdminGuard")
}
