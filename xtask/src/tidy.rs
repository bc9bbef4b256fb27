//! `cargo xtask tidy`: the invariants of the architecture, each in a file of its own.

use std::path::Path;
use std::process::ExitCode;

use self::finding::Finding;
pub(crate) use self::workspace::Workspace;
use crate::output;

mod acts;
mod arrows;
mod denials;
mod dependencies;
mod endpoints;
mod engines;
mod finding;
mod generated;
mod links;
pub(crate) mod naming;
mod order;
mod primitives;
mod sizes;
mod sockets;
mod source;
mod sql;
mod text;
mod workspace;

struct Rule {
    name: &'static str,
    about: &'static str,
    check: fn(&Workspace) -> Vec<Finding>,
}

const RULES: &[Rule] = &[
    Rule { name: "arrows", about: "crates know only what lies below them", check: arrows::check },
    Rule {
        name: "primitives",
        about: "cryptography stays in vault, TLS in vault, gateway and egress",
        check: primitives::check,
    },
    Rule {
        name: "sockets",
        about: "connections are opened by the upstream pool only",
        check: sockets::check,
    },
    Rule { name: "sql", about: "SQL stands in store only", check: sql::check },
    Rule {
        name: "engines",
        about: "engines read no clock, randomness, environment, file or socket",
        check: engines::check,
    },
    Rule { name: "order", about: "the order of checks stands in order.rs only", check: order::check },
    Rule { name: "denials", about: "one function turns a denial into an answer", check: denials::check },
    Rule { name: "acts", about: "privileged acts go through service", check: acts::check },
    Rule { name: "endpoints", about: "every endpoint has an authorization test", check: endpoints::check },
    Rule {
        name: "naming",
        about: "a check, its control, its key and the catalogue agree",
        check: naming::check,
    },
    Rule { name: "sizes", about: "files stay small enough to be read", check: sizes::check },
    Rule { name: "generated", about: "generated pages are current", check: generated::check },
    Rule { name: "links", about: "links between pages lead somewhere", check: links::check },
    Rule {
        name: "text",
        about: "nothing of one machine, nothing silenced, nothing undone",
        check: text::check,
    },
    Rule {
        name: "dependencies",
        about: "bans, licences and sources of deny.toml hold",
        check: dependencies::check,
    },
];

/// Checks every rule, or only those named.
pub(crate) fn run(root: &Path, names: &[String]) -> ExitCode {
    if let Some(unknown) = names.iter().find(|name| !RULES.iter().any(|rule| rule.name == **name)) {
        let known: Vec<&str> = RULES.iter().map(|rule| rule.name).collect();
        output::error(&format!("no rule is called `{unknown}`; there are {}", known.join(", ")));
        return ExitCode::from(2);
    }
    let workspace = match Workspace::open(root) {
        Ok(workspace) => workspace,
        Err(error) => {
            output::error(&error);
            return ExitCode::from(2);
        }
    };
    let mut broken = 0_usize;
    for rule in RULES.iter().filter(|rule| names.is_empty() || names.iter().any(|name| name == rule.name)) {
        let mut findings = (rule.check)(&workspace);
        findings.sort();
        findings.dedup();
        let verdict = if findings.is_empty() { output::green("ok") } else { output::red("broken") };
        output::line(&format!("{:13} {verdict:8} {}", rule.name, output::dim(rule.about)));
        for finding in &findings {
            output::line(&format!("  {}", output::bold(&finding.place)));
            output::line(&format!("    {}", finding.what));
            output::line(&format!("    {} {}", output::dim("way out:"), finding.way_out));
        }
        broken += findings.len();
    }
    if broken == 0 {
        return ExitCode::SUCCESS;
    }
    output::error(&format!(
        "{broken} {} of the architecture's rules",
        if broken == 1 { "breach" } else { "breaches" }
    ));
    ExitCode::FAILURE
}
