//! Writes the changes that findings propose: all of a file's at once or none, none over another, and only to a file that is still
//! what was scanned. A change after which the file could no longer be read as what it is, is not made.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write as _};
use std::path::Path;
use std::sync::Arc;

use gabion_finding::{Edit, Fix, Scanner, Source, UnreadReason};
use gabion_vault::sha256;

use crate::engine::Scan;
use crate::{Report, open};

/// What would become of a file.
#[derive(Debug, Clone)]
pub struct Repaired {
    pub path: Arc<str>,
    pub before: String,
    pub after: String,
    /// What the changes are, in words.
    pub says: Vec<String>,
    /// Changes that touch others and wait for the next time.
    pub left: usize,
    /// Changes that would have left a file that is not of its language any more.
    pub refused: usize,
    mark: bool,
}

/// What the findings of a report propose, by file. Nothing is written. The scanners say whether a file can still be read.
#[must_use]
pub fn plan(scan: &Scan, report: &Report, scanners: &[Box<dyn Scanner>]) -> Vec<Repaired> {
    let mut fixes: BTreeMap<Arc<str>, Vec<&Fix>> = BTreeMap::new();
    for fix in report.findings.iter().filter_map(|reported| reported.finding.fix.as_ref()) {
        let of_file = fixes.entry(Arc::clone(&fix.path)).or_default();
        if !of_file.contains(&fix) {
            of_file.push(fix);
        }
    }
    fixes.into_iter().filter_map(|(path, fixes)| one(scan, scanners, path, &fixes)).collect()
}

fn one(scan: &Scan, scanners: &[Box<dyn Scanner>], path: Arc<str>, fixes: &[&Fix]) -> Option<Repaired> {
    let file = scan.file(&path)?;
    let bytes = open::whole(&file.at, file.bytes).ok().filter(|bytes| sha256(bytes) == file.hash)?;
    let mark = bytes.starts_with(MARK);
    // Places are of the text without its mark. Other encodings are not written.
    let text = String::from_utf8(bytes.strip_prefix(MARK).map(<[u8]>::to_vec).unwrap_or(bytes)).ok()?;
    let (mut chosen, mut left) = apart(&text, fixes);
    let mut after = changed(&text, &chosen);
    let before = gaps(scanners, &path, &text);
    let mut refused = 0_usize;
    if gaps(scanners, &path, &after) > before {
        let all = chosen.len();
        chosen.retain(|fix| gaps(scanners, &path, &changed(&text, &[*fix])) <= before);
        refused = all.saturating_sub(chosen.len());
        after = changed(&text, &chosen);
        if gaps(scanners, &path, &after) > before {
            // Each alone is right and all together are not: the first is made, the others wait.
            left = left.saturating_add(chosen.len().saturating_sub(1));
            chosen.truncate(1);
            after = changed(&text, &chosen);
        }
    }
    let mut says: Vec<String> = Vec::new();
    for fix in chosen {
        if !says.contains(&fix.says) {
            says.push(fix.says.clone());
        }
    }
    let repaired = Repaired { path, before: text, after, says, left, refused, mark };
    (repaired.after != repaired.before || left > 0 || refused > 0).then_some(repaired)
}

/// Those that do not touch each other, and how many do.
fn apart<'f>(text: &str, fixes: &[&'f Fix]) -> (Vec<&'f Fix>, usize) {
    let mut taken: Vec<&Edit> = Vec::new();
    let (mut chosen, mut left) = (Vec::new(), 0_usize);
    for fix in fixes {
        let fits = |edit: &Edit| {
            let (start, end) = (edit.span.start as usize, edit.span.end as usize);
            text.get(start..end).is_some()
                && taken
                    .iter()
                    .all(|other| edit.span.end < other.span.start || other.span.end < edit.span.start)
        };
        let in_order =
            fix.edits.iter().zip(fix.edits.iter().skip(1)).all(|(one, next)| one.span.end <= next.span.start);
        if fix.edits.is_empty() || !in_order || !fix.edits.iter().all(fits) {
            left = left.saturating_add(1);
            continue;
        }
        taken.extend(&fix.edits);
        chosen.push(*fix);
    }
    (chosen, left)
}

fn changed(text: &str, fixes: &[&Fix]) -> String {
    let mut edits: Vec<&Edit> = fixes.iter().flat_map(|fix| &fix.edits).collect();
    edits.sort_by_key(|edit| edit.span);
    let mut after = String::with_capacity(text.len());
    let mut at = 0;
    for edit in edits {
        after.push_str(text.get(at..edit.span.start as usize).unwrap_or_default());
        after.push_str(&edit.text);
        at = edit.span.end as usize;
    }
    after.push_str(text.get(at..).unwrap_or_default());
    after
}

/// What scanners cannot read of a text.
fn gaps(scanners: &[Box<dyn Scanner>], path: &Arc<str>, text: &str) -> usize {
    let source = Source::new(path, text);
    let unread = |scanner: &dyn Scanner| {
        let unread = scanner.file(&source).verdict.unread;
        unread.iter().filter(|one| matches!(one.reason, UnreadReason::Syntax | UnreadReason::Deep)).count()
    };
    scanners.iter().map(AsRef::as_ref).filter(|scanner| scanner.reads(path)).map(unread).sum()
}

const MARK: &[u8] = &[0xEF, 0xBB, 0xBF];

impl Repaired {
    /// Writes it beside the file and renames it over: whoever reads sees the one or the other.
    ///
    /// # Errors
    /// When the file is no longer what it was, or cannot be written.
    pub fn write(&self, scan: &Scan) -> io::Result<()> {
        let file = scan.file(&self.path).ok_or(io::ErrorKind::NotFound)?;
        let present = open::whole(&file.at, file.bytes)?;
        if sha256(&present) != file.hash {
            return Err(io::Error::other("it changed since it was scanned"));
        }
        let folder = file.at.parent().unwrap_or(Path::new("."));
        let mut beside = tempfile::NamedTempFile::new_in(folder)?;
        if self.mark {
            beside.write_all(MARK)?;
        }
        beside.write_all(self.after.as_bytes())?;
        beside.as_file().set_permissions(fs::symlink_metadata(&file.at)?.permissions())?;
        beside.as_file().sync_all()?;
        beside.persist(&file.at).map_err(|error| error.error)?;
        Ok(())
    }

    /// The change as people read one, with three lines around; nothing in it reaches the terminal. Secrets of the file are `…`.
    #[must_use]
    pub fn difference(&self, scan: &Scan) -> String {
        let secrets: Vec<&str> = (scan.hidden.get(&self.path).into_iter().flatten())
            .map(|span| span.of(&self.before))
            .filter(|secret| !secret.is_empty())
            .collect();
        let blank =
            |text: &str| secrets.iter().fold(text.to_owned(), |text, secret| text.replace(secret, "…"));
        let (before, after) = (blank(&self.before), blank(&self.after));
        let path = crate::visible(&self.path);
        let difference = similar::TextDiff::from_lines(&before, &after);
        let text = difference.unified_diff().context_radius(3).header(&path, &path).to_string();
        text.lines().map(|line| format!("{}\n", crate::visible(line))).collect()
    }
}
