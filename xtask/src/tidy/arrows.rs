//! Arrows between crates point down, and neighbours on one floor do not know each other (DESIGN: the
//! house). Test code may reach sideways, never up.

use super::finding::Finding;
use super::workspace::Workspace;

/// From the cellar to the roof.
const FLOORS: &[&[&str]] = &[
    &["model"],
    &["vault"],
    &["tlog", "finding"],
    &[
        "seclang",
        "openapi",
        "identity",
        "policy",
        "ledger",
        "telemetry",
        "watch",
        "incident",
        "alert",
        "respond",
        "control",
        "secrets",
        "dependencies",
        "manifests",
        "syntax",
    ],
    &["checks", "generate", "patterns"],
    &["service", "egress", "browser", "code"],
    &["gateway", "console", "store", "courier", "scan", "probe", "strawman", "tower", "verifier", "witness"],
    &["cli"],
];

const PREFIX: &str = "gabion-";

pub(super) fn check(workspace: &Workspace) -> Vec<Finding> {
    let mut findings = Vec::new();
    for member in &workspace.crates {
        let place = format!("crates/{}/Cargo.toml", member.name);
        let Some(floor) = floor(&member.name) else {
            findings.push(Finding::new(
                place,
                format!("crate `{}` stands on no floor", member.name),
                "draw it into ARCHITECTURE.md with its reason, then add it to FLOORS in xtask/src/tidy/arrows.rs",
            ));
            continue;
        };
        for dependency in &member.dependencies {
            let Some(name) = dependency.name.strip_prefix(PREFIX) else { continue };
            let Some(below) = self::floor(name) else { continue };
            let (wrong, way_out) = if below > floor {
                ("points up", "move what is needed down, or pass it in as a trait or a value")
            } else if below == floor && !dependency.dev {
                ("knows its neighbour", "let whoever composes both pass it in, or move what is shared down")
            } else {
                continue;
            };
            findings.push(Finding::new(&place, format!("`{}` {wrong} `{name}`", member.name), way_out));
        }
    }
    findings
}

fn floor(name: &str) -> Option<usize> {
    FLOORS.iter().position(|floor| floor.contains(&name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn what(name: &str, dependencies: &[&str]) -> Vec<String> {
        let workspace = Workspace::with_dependencies(name, dependencies);
        check(&workspace).into_iter().map(|finding| finding.what).collect()
    }

    #[test]
    fn down_is_fine_up_sideways_and_nowhere_are_not() {
        assert_eq!(what("checks", &["gabion-identity", "gabion-model", "http"]), [""; 0]);
        assert_eq!(what("identity", &["gabion-checks"]), ["`identity` points up `checks`"]);
        assert_eq!(what("identity", &["gabion-ledger"]), ["`identity` knows its neighbour `ledger`"]);
        assert_eq!(what("utils", &["gabion-model"]), ["crate `utils` stands on no floor"]);
    }

    #[test]
    fn a_test_may_reach_sideways() {
        let mut workspace = Workspace::with_dependencies("gateway", &["gabion-strawman"]);
        workspace.crates[0].dependencies[0].dev = true;
        assert_eq!(check(&workspace), []);
    }
}
