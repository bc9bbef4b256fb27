//! What `.gitignore`, `.gabionignore` and `.git/info/exclude` name, by git's own rules.

use std::path::{Path, PathBuf};

use ignore::Match;
use ignore::gitignore::{Gitignore, GitignoreBuilder};

use crate::open;

/// In each folder, the later before the earlier.
const NAMES: &[&str] = &[".gitignore", ".gabionignore"];
/// No longer file of rules is read, and no rule past these.
const LARGEST: u64 = 1 << 20;
const MOST_RULES: usize = 10_000;

/// The rules of the folders from the repository's root to where the walk is.
#[derive(Debug)]
pub(super) struct Ignored {
    /// Above the root of the walk, farthest first.
    above: Vec<Gitignore>,
    /// By depth of the folder below the root; none where there are no rules.
    levels: Vec<Vec<Gitignore>>,
}

impl Ignored {
    /// The rules of the repository that has `root`, from above it.
    pub(super) fn above(root: &Path) -> Self {
        let mut above = Vec::new();
        let repository =
            root.ancestors().take(64).find(|folder| folder.join(".git").symlink_metadata().is_ok());
        if let Some(repository) = repository {
            above.extend(read(repository, &repository.join(".git/info/exclude")));
            let mut folders: Vec<&Path> =
                root.ancestors().skip(1).take_while(|folder| folder.starts_with(repository)).collect();
            folders.reverse();
            above.extend(folders.into_iter().flat_map(rules));
        }
        Self { above, levels: Vec::new() }
    }

    /// The walk is in this folder now, so many below the root.
    pub(super) fn enter(&mut self, folder: &Path, depth: usize) {
        self.levels.truncate(depth);
        while self.levels.len() < depth {
            self.levels.push(Vec::new());
        }
        self.levels.push(rules(folder));
    }

    /// Whether something in the folder the walk is in is left out. What is in a folder that is left out is never asked for.
    pub(super) fn is(&self, path: &Path, folder: bool) -> bool {
        let nearest_first = self.levels.iter().rev().flat_map(|level| level.iter().rev());
        for rules in nearest_first.chain(self.above.iter().rev()) {
            match rules.matched(path, folder) {
                Match::None => {}
                Match::Ignore(_) => return true,
                Match::Whitelist(_) => return false,
            }
        }
        false
    }
}

fn rules(folder: &Path) -> Vec<Gitignore> {
    NAMES.iter().filter_map(|name| read(folder, &folder.join(name))).collect()
}

/// A file of rules that is none, or too long, has none.
fn read(folder: &Path, file: &Path) -> Option<Gitignore> {
    let bytes = open::whole(file, LARGEST).ok()?;
    let text = String::from_utf8_lossy(&bytes);
    let mut builder = GitignoreBuilder::new(folder);
    for line in text.trim_start_matches('\u{feff}').lines().take(MOST_RULES) {
        // A rule that cannot be read names nothing, as in git.
        let _ = builder.add_line(None::<PathBuf>, line);
    }
    builder.build().ok().filter(|rules| !rules.is_empty())
}
