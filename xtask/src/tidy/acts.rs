//! Privileged acts go through `service`: console and CLI do not call what changes accounts, sessions or
//! invitations behind its back. Composing the parts at start is wiring and stays in one folder.

use super::finding::Finding;
use super::workspace::Workspace;

const DOORS: &[&str] = &["console", "cli", "gateway"];

/// What the engines offer that changes something, and the storage below them.
const CHANGES: &[&str] = &[
    "identity::storage",
    "AccountStorage",
    "SessionStorage",
    "InvitationStorage",
    "identity::Accounts",
    "identity::Invitations",
    "identity::Throttle",
    "password::hash",
    "password::verify",
    "sessions.begin(",
    "sessions.revoke(",
    "sessions.revoke_account(",
    "accounts.add(",
    "accounts.disable(",
    "accounts.enable(",
    "accounts.set_password(",
    "accounts.set_roles(",
];

/// Where the binary puts engines, storage and service together.
const WIRING: &str = "crates/cli/src/wiring";

pub(super) fn check(workspace: &Workspace) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in DOORS.iter().flat_map(|door| workspace.product_of(door)) {
        if file.path.starts_with(WIRING) {
            continue;
        }
        for change in CHANGES {
            for line in file.source().lines_with(change) {
                findings.push(Finding::new(
                    file.at(line),
                    format!("`{change}` acts behind the back of `service`"),
                    "call the act on `service::Service`; add it there, with its audience, when it is missing",
                ));
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_private_door_is_found() {
        let code = "use gabion_identity::Accounts;\nfn f() { sessions.revoke(&id); }";
        assert_eq!(check(&Workspace::of(&[("crates/console/src/a.rs", "sessions.revoke(&id)")])).len(), 1);
        assert_eq!(check(&Workspace::of(&[("crates/cli/src/wiring.rs", code)])), []);
        assert_eq!(check(&Workspace::of(&[("crates/service/src/a.rs", code)])), []);
        assert_eq!(check(&Workspace::of(&[("crates/console/src/a.rs", "service.revoke_session(&id)")])), []);
    }
}
