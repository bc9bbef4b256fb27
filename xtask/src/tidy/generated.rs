//! Generated pages are committed and current. What needs the built program (schema, command reference)
//! is checked by `cargo xtask codegen --check`.

use super::finding::Finding;
use super::workspace::Workspace;
use crate::codegen;

const WAY_OUT: &str = "run `cargo xtask codegen` and commit what it writes";

pub(super) fn check(workspace: &Workspace) -> Vec<Finding> {
    let pages = codegen::pages(workspace);
    let mut findings = Vec::new();
    for (path, text) in &pages {
        match workspace.file(path) {
            None => findings.push(Finding::new(path, "is missing", WAY_OUT)),
            Some(file) if file.text != *text => findings.push(Finding::new(path, "is stale", WAY_OUT)),
            Some(_) => {}
        }
    }
    for file in workspace.files.iter().filter(|file| codegen::owns(&file.path)) {
        if !pages.contains_key(&file.path) {
            findings.push(Finding::new(&file.path, "is generated from something that is gone", "delete it"));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_stale_and_orphaned_pages_are_found() {
        let what = |files: &[(&str, &str)], path: &str| {
            let findings = check(&Workspace::of(files));
            findings.into_iter().find(|finding| finding.place == path).map(|finding| finding.what)
        };
        let page = "docs/controls/web.csrf.md";
        assert_eq!(what(&[], page).as_deref(), Some("is missing"));
        assert_eq!(what(&[(page, "old")], page).as_deref(), Some("is stale"));
        let current = codegen::pages(&Workspace::of(&[])).remove(page).unwrap();
        assert_eq!(what(&[(page, &current)], page), None);
        let orphan = "docs/controls/web.gone.md";
        assert_eq!(
            what(&[(orphan, "")], orphan).as_deref(),
            Some("is generated from something that is gone")
        );
    }
}
