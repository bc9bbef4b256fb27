//! The order of the checks stands in `crates/checks/src/order.rs` and nowhere else: every check is
//! placed there, and no other file composes checks.

use super::finding::Finding;
use super::naming::{CHECKS, checks};
use super::workspace::Workspace;

const ORDER: &str = "crates/checks/src/order.rs";

pub(super) fn check(workspace: &Workspace) -> Vec<Finding> {
    let checks = checks(workspace);
    if checks.is_empty() {
        return Vec::new();
    }
    let Some(order) = workspace.file(ORDER) else {
        return vec![Finding::new(ORDER, "there are checks, but no order", "put the array of checks there")];
    };
    let mut findings = Vec::new();
    for file in &checks {
        let name = name(&file.path);
        if order.source().lines_with(&format!("{name}::")).is_empty() {
            findings.push(Finding::new(
                &file.path,
                format!("check `{name}` has no place in the order"),
                format!("put it into {ORDER} with the reason for its position"),
            ));
        }
    }
    for file in workspace.product().filter(|file| file.path != ORDER) {
        for line in
            file.source().lines_with("dyn Check").into_iter().chain(file.source().lines_with("Vec<Step>"))
        {
            let text = file.source().code.lines().nth(line - 1).unwrap_or_default();
            if text.contains("vec![") || text.contains("&[") || text.contains(".push(") {
                findings.push(Finding::new(
                    file.at(line),
                    "a second list of checks",
                    format!("the order of checks stands in {ORDER} only"),
                ));
            }
        }
        // The constructors of checks are called where the order is written.
        let called: Vec<&str> = checks
            .iter()
            .filter(|other| other.path != file.path && !in_folder_of(&file.path, &other.path))
            .map(|other| name(&other.path))
            .filter(|name| {
                let types = [camel(name), format!("{}Check", camel(name))];
                types.iter().any(|kind| !file.source().lines_with(&format!("{name}::{kind}::")).is_empty())
            })
            .collect();
        if called.len() > 1 {
            findings.push(Finding::new(
                &file.path,
                format!("puts checks together ({})", called.join(", ")),
                format!("the order of checks stands in {ORDER} only"),
            ));
        }
    }
    findings
}

fn name(path: &str) -> &str {
    path.trim_start_matches(CHECKS).split(['/', '.']).next().unwrap_or_default()
}

fn in_folder_of(path: &str, check: &str) -> bool {
    path.starts_with(&format!("{}/", check.trim_end_matches(".rs").trim_end_matches("/mod")))
}

fn camel(name: &str) -> String {
    name.split('_')
        .map(|word| {
            let mut chars = word.chars();
            chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const CSRF: (&str, &str) = ("crates/checks/src/csrf.rs", "impl Check for Csrf {}");
    const CORS: (&str, &str) = ("crates/checks/src/cors.rs", "impl Check for Cors {}");

    #[test]
    fn a_check_without_a_place_is_found() {
        assert_eq!(check(&Workspace::of(&[CSRF])).len(), 1);
        assert_eq!(check(&Workspace::of(&[CSRF, (ORDER, "[cors::Cors::new]")])).len(), 1);
        assert_eq!(check(&Workspace::of(&[CSRF, (ORDER, "[csrf::Csrf::new]")])), []);
    }

    #[test]
    fn a_second_order_is_found() {
        let order = (ORDER, "[csrf::Csrf::new, cors::Cors::new]");
        let second = ("crates/gateway/src/a.rs", "let a = csrf::Csrf::new(); let b = cors::Cors::new();");
        let single = ("crates/checks/src/layer.rs", "let a = csrf::Csrf::new();");
        assert_eq!(check(&Workspace::of(&[CSRF, CORS, order, second])).len(), 1);
        assert_eq!(check(&Workspace::of(&[CSRF, CORS, order, single])), []);
        assert_eq!(camel("client_address"), "ClientAddress");
    }
}
