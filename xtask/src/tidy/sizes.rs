//! Any file can be the first one opened: median at most 250 lines, nine in ten at most 700. A longer one
//! is listed, says why in its first lines, and the list may only shrink.

use super::finding::Finding;
use super::workspace::Workspace;

pub(super) const LIST: &str = "xtask/lists/large-files.txt";

const MEDIAN: usize = 250;
const LARGE: usize = 700;
/// How long the list may be. Lower it when an entry goes; never raise it.
const MOST: usize = 0;

pub(super) fn check(workspace: &Workspace) -> Vec<Finding> {
    let mut findings = Vec::new();
    let listed = workspace.list(LIST);
    let mut sizes = Vec::new();
    for file in workspace.files.iter().filter(|file| file.is_rust()) {
        let lines = file.text.lines().count();
        sizes.push(lines);
        let excused = listed.contains(&file.path);
        if lines > LARGE && !excused {
            findings.push(Finding::new(
                &file.path,
                format!("{lines} lines, over {LARGE}"),
                "split it by what its parts know; tests go to `tests.rs` beside it",
            ));
        }
        if lines <= LARGE && excused {
            findings.push(Finding::new(
                LIST,
                format!("`{}` is no longer large", file.path),
                "remove the line",
            ));
        }
    }
    for path in listed.iter().filter(|path| workspace.file(path).is_none()) {
        findings.push(Finding::new(LIST, format!("`{path}` does not exist"), "remove the line"));
    }
    if listed.len() > MOST {
        let what = format!("{} entries; it may only shrink, and stood at {MOST}", listed.len());
        findings.push(Finding::new(LIST, what, "split the file instead"));
    }
    sizes.sort_unstable();
    if let Some(median) = sizes.get(sizes.len() / 2)
        && *median > MEDIAN
    {
        findings.push(Finding::new(
            ".",
            format!("the median Rust file has {median} lines, over {MEDIAN}"),
            "split the files that know several things",
        ));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_files_and_stale_excuses_are_found() {
        let large = "x\n".repeat(701);
        let what = |files: &[(&str, &str)]| {
            check(&Workspace::of(files)).into_iter().map(|finding| finding.what).collect::<Vec<_>>()
        };
        assert_eq!(what(&[("a.rs", "x"), ("b.rs", "x"), ("c.rs", &large)]), ["701 lines, over 700"]);
        assert_eq!(what(&[("a.rs", &"x\n".repeat(300))]), ["the median Rust file has 300 lines, over 250"]);
        assert!(
            what(&[("a.rs", "x"), (LIST, "a.rs # why")]).contains(&"`a.rs` is no longer large".to_owned())
        );
        assert!(what(&[(LIST, "gone.rs")]).contains(&"`gone.rs` does not exist".to_owned()));
    }
}
