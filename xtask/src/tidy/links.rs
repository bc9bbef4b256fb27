//! Links between pages of the repository lead somewhere.

use super::finding::Finding;
use super::workspace::Workspace;

pub(super) fn check(workspace: &Workspace) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in workspace.files.iter().filter(|file| file.path.ends_with(".md")) {
        for (number, line) in file.text.lines().enumerate() {
            for target in targets(line) {
                let Some(path) = resolve(&file.path, target) else { continue };
                let folder = format!("{}/", path.trim_end_matches('/'));
                let texts = workspace.files.iter().map(|file| file.path.as_str());
                let exists = texts
                    .chain(workspace.pictures.iter().map(String::as_str))
                    .any(|other| other == path || other.starts_with(&folder));
                if !exists {
                    findings.push(Finding::new(
                        file.at(number + 1),
                        format!("the link `{target}` leads nowhere"),
                        "name the file from the page's own folder",
                    ));
                }
            }
        }
    }
    findings
}

/// What stands in `](...)`.
fn targets(line: &str) -> Vec<&str> {
    line.match_indices("](")
        .filter_map(|(at, mark)| line.get(at + mark.len()..)?.split(')').next())
        .filter(|target| !target.is_empty())
        .collect()
}

/// The path from the root; `None` for what lies outside the repository or on the same page.
fn resolve(page: &str, target: &str) -> Option<String> {
    let target = target.split('#').next().unwrap_or_default();
    if target.is_empty() || target.contains(':') || target.starts_with('/') {
        return None;
    }
    let mut parts: Vec<&str> = page.split('/').collect();
    parts.pop();
    for part in target.split('/') {
        match part {
            "." | "" => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_that_leads_nowhere_is_found() {
        let count = |text: &str| {
            let files = [("docs/a.md", text), ("docs/b.md", ""), ("crates/x/src/lib.rs", "")];
            check(&Workspace::of(&files)).len()
        };
        assert_eq!(
            count("[b](b.md) [c](../crates/x/src/lib.rs) [d](../crates) [e](#here) [f](https://x.y/z)"),
            0
        );
        assert_eq!(count("[b](c.md) and [c](b.md#there)"), 1);
        assert_eq!(count("[b](../b.md)"), 1);
    }
}
