//! Every endpoint of the gate has an authorization test: its address stands in a test file whose name
//! says `authorization`. Those without one are listed, and the list may only shrink.

use super::finding::Finding;
use super::workspace::{File, Workspace};

pub(super) const LIST: &str = "xtask/lists/endpoints-without-authorization-test.txt";

/// How long the list may be. Lower it when an entry goes; never raise it.
const MOST: usize = 0;

pub(super) fn check(workspace: &Workspace) -> Vec<Finding> {
    let listed = workspace.list(LIST);
    let tests: Vec<&File> = workspace.files.iter().filter(|file| is_authorization_test(&file.path)).collect();
    let mut findings = Vec::new();
    let mut known = Vec::new();
    for (place, endpoint) in endpoints(workspace) {
        let tested = tests.iter().any(|file| names(&file.text, &endpoint));
        let excused = listed.contains(&endpoint);
        if !tested && !excused {
            findings.push(Finding::new(
                place,
                format!("no authorization test names `{endpoint}`"),
                "say who may use it in crates/console/tests/it/authorization.rs: nobody, a stranger, a person, another person",
            ));
        }
        if tested && excused {
            findings.push(Finding::new(LIST, format!("`{endpoint}` has its test now"), "remove the line"));
        }
        known.push(endpoint);
    }
    for gone in listed.iter().filter(|endpoint| !known.contains(endpoint)) {
        findings.push(Finding::new(LIST, format!("there is no endpoint `{gone}`"), "remove the line"));
    }
    if listed.len() > MOST {
        let what = format!("{} entries; it may only shrink, and stood at {MOST}", listed.len());
        findings.push(Finding::new(LIST, what, "write the test instead"));
    }
    findings
}

/// The addresses given to `.route(` in the console, with their places.
fn endpoints(workspace: &Workspace) -> Vec<(String, String)> {
    let mut all = Vec::new();
    for file in workspace.product_of("console") {
        let lines: Vec<&str> = file.source().code.lines().collect();
        for literal in file.source().literals.iter().filter(|literal| literal.text.starts_with("/.")) {
            // The address may stand on the line after `.route(`.
            let here = lines.get(literal.line - 1).copied().unwrap_or_default();
            let above =
                literal.line.checked_sub(2).and_then(|line| lines.get(line)).copied().unwrap_or_default();
            if here.contains(".route(") || above.trim_end().ends_with(".route(") {
                all.push((file.at(literal.line), literal.text.clone()));
            }
        }
    }
    all
}

fn is_authorization_test(path: &str) -> bool {
    let test = path.contains("/tests/") || path.starts_with("e2e/");
    test && path.rsplit('/').next().is_some_and(|name| name.contains("authorization"))
}

/// Whether `endpoint` stands in `text` whole: `/.gabion/account` does not stand in `/.gabion/account/x`.
fn names(text: &str, endpoint: &str) -> bool {
    text.match_indices(endpoint).any(|(at, _)| {
        let after = text.get(at + endpoint.len()..).and_then(|tail| tail.chars().next());
        !after.is_some_and(|c| c.is_alphanumeric() || matches!(c, '/' | '-' | '_' | '{'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROUTER: (&str, &str) = (
        "crates/console/src/lib.rs",
        "Router::new()\n.route(\"/.gabion/account\", a())\n.route(\n    \"/.gabion/account/password\",\n p())",
    );
    const TEST: &str = "crates/console/tests/it/authorization.rs";

    fn what(files: &[(&str, &str)]) -> Vec<String> {
        check(&Workspace::of(files)).into_iter().map(|finding| finding.what).collect()
    }

    #[test]
    fn an_endpoint_without_a_test_is_found() {
        assert_eq!(what(&[ROUTER]).len(), 2);
        assert_eq!(
            what(&[ROUTER, (TEST, "/.gabion/account/password")]),
            ["no authorization test names `/.gabion/account`"]
        );
        assert_eq!(
            what(&[ROUTER, (TEST, "GET /.gabion/account 401\nPOST /.gabion/account/password")]),
            [""; 0]
        );
    }

    #[test]
    fn a_stale_excuse_is_found() {
        let all = (TEST, "/.gabion/account /.gabion/account/password");
        let stale = what(&[ROUTER, all, (LIST, "/.gabion/account\n/.gabion/gone # never was")]);
        assert!(stale.contains(&"`/.gabion/account` has its test now".to_owned()));
        assert!(stale.contains(&"there is no endpoint `/.gabion/gone`".to_owned()));
    }
}
