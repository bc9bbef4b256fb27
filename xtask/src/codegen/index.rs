//! `docs/README.md`: what there is to read.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use crate::tidy::Workspace;

pub(super) fn write(workspace: &Workspace, pages: &mut BTreeMap<String, String>) {
    let own = "docs/README.md";
    let mut titles: BTreeSet<(String, String)> = BTreeSet::new();
    let written = workspace.files.iter().map(|file| (file.path.as_str(), file.text.as_str()));
    let generated = pages.iter().map(|(path, text)| (path.as_str(), text.as_str()));
    for (path, text) in written.chain(generated) {
        let Some(page) = path.strip_prefix("docs/").filter(|page| page.ends_with(".md") && path != own)
        else {
            continue;
        };
        // A folder is listed by its first page.
        if page.contains('/') && !page.ends_with("/README.md") {
            continue;
        }
        if let Some(title) = text.lines().find_map(|line| line.strip_prefix("# ")) {
            titles.insert((title.to_owned(), page.to_owned()));
        }
    }
    let mut text = String::from(
        "# Documentation\n\nStart with the [README](../README.md); the map of the code is \
         [ARCHITECTURE](../ARCHITECTURE.md).\n\n",
    );
    for (title, page) in titles {
        let _ = writeln!(text, "- [{title}]({page})");
    }
    pages.insert(own.to_owned(), text);
}
