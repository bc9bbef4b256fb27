//! What a tree is built of: its lock files alone, read for a list of components.

use std::path::Path;
use std::sync::Arc;

use gabion_dependencies::{Advisories, Bom, DependencyScanner, Settings};
use gabion_finding::{Scanner as _, Source, Tree, Unread, UnreadReason};

use crate::engine::{LARGEST, LOCK_FILE, is_lock_file};
use crate::text::{self, Decoded};
use crate::walk::{self, WalkOptions};
use crate::{ScanError, open};

/// A list of components, and what of the tree it does not know.
#[derive(Debug)]
pub struct ListedBom {
    pub bom: Bom,
    pub unread: Vec<Unread>,
}

/// Lists what the lock files of a tree name, and, where there is none, what manifests name exactly.
///
/// # Errors
/// When the root cannot be read.
pub fn bom(
    root: &Path,
    options: &WalkOptions,
    settings: Settings,
    name: &str,
    version: &str,
) -> Result<ListedBom, ScanError> {
    let unreadable = |source| ScanError::Root { path: root.to_path_buf(), source };
    let whole = root.canonicalize().map_err(unreadable)?;
    let walked = walk::walk(&whole, options, &[]).map_err(unreadable)?;
    let scanner = DependencyScanner::new(settings, Advisories::Unwanted)
        .map_err(|error| unreadable(std::io::Error::other(error)))?;
    let mut paths: Vec<Arc<str>> = Vec::with_capacity(walked.files.len());
    let mut facts: Vec<(Arc<str>, Arc<[u8]>)> = Vec::new();
    let mut unread = Vec::new();
    for file in &walked.files {
        paths.push(Arc::clone(&file.path));
        if !scanner.reads(&file.path) {
            continue;
        }
        let largest = if is_lock_file(&file.path) { LOCK_FILE } else { LARGEST };
        let mut leave = |reason, detail: String| {
            unread.push(Unread { path: Arc::clone(&file.path), reason, detail });
        };
        let bytes = match open::whole(&file.at, largest) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::FileTooLarge => {
                leave(UnreadReason::Large, format!("{} bytes, over {largest}", file.stamp.size));
                continue;
            }
            Err(error) => {
                leave(UnreadReason::Io, error.to_string());
                continue;
            }
        };
        match text::decode(bytes) {
            Decoded::Text(text) | Decoded::Damaged(text) => {
                let report = scanner.file(&Source::new(&file.path, &text));
                unread.extend(report.verdict.unread);
                if !report.facts.is_empty() {
                    facts.push((Arc::clone(&file.path), report.facts.into()));
                }
            }
            Decoded::Binary => leave(UnreadReason::Binary, "it is no text".to_owned()),
        }
    }
    let bom = scanner.bom(&Tree { paths: &paths, facts: &facts, uses: &[] }, name, version);
    Ok(ListedBom { bom, unread })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lock_files_of_a_tree_are_one_list() {
        let folder = tempfile::TempDir::new().unwrap();
        let write = |path: &str, text: &str| {
            let at = folder.path().join(path);
            std::fs::create_dir_all(at.parent().unwrap()).unwrap();
            std::fs::write(at, text).unwrap();
        };
        write(
            "web/package-lock.json",
            r#"{"lockfileVersion": 3, "packages": {"": {}, "node_modules/a": {"version": "1.0.0", "license": "MIT"}}}"#,
        );
        write("api/go.sum", "example.org/b v1.2.3 h1:x=\n");
        write("api/go.mod", "module c\n\ngo 1.24\n\nrequire example.org/b v1.2.3\n");
        write("old/yarn.lock", "x\n");
        let listed = bom(folder.path(), &WalkOptions::default(), Settings::default(), "it", "1").unwrap();
        let licences: Vec<(Option<&str>, Vec<&str>)> = listed.bom.licences().into_iter().collect();
        assert_eq!(
            licences,
            [(None, vec!["pkg:golang/example.org/b@v1.2.3"]), (Some("MIT"), vec!["pkg:npm/a@1.0.0"]),]
        );
        assert_eq!(listed.unread.len(), 1, "{:?}", listed.unread);
    }
}
