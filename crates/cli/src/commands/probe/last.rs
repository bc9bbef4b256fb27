//! The last report, kept beside the facts: what is replayed, gone on with and compared with.

use std::path::{Path, PathBuf};

use gabion_probe::{Kept, Report, format, kept};

use super::accepted::replace;
use super::given::{shown, whole};
use crate::failure::Failure;
use crate::output;

/// Where it stands.
pub(super) fn file(folder: &Path) -> PathBuf {
    folder.strip_prefix(".").unwrap_or(folder).join(kept::FILE)
}

/// A report that must be there.
pub(super) fn read(file: &Path) -> Result<Kept, Failure> {
    if file.symlink_metadata().is_err() {
        return Err(Failure::usage(format!("there is no report `{}`", shown(file))).hint(
            "`gabion probe` keeps its last report there; `--report FILE` and `--since FILE` name another",
        ));
    }
    let text = whole(file)?;
    Kept::parse(&text).map_err(|error| {
        Failure::usage(format!("`{}` is no report of `gabion probe --format json`", shown(file)))
            .because(&error)
    })
}

/// The report that `--since` means; nothing where `last` is the first one.
pub(super) fn since(word: &str, folder: &Path) -> Result<Option<Kept>, Failure> {
    if word != "last" {
        return read(Path::new(word)).map(Some);
    }
    let file = file(folder);
    if file.symlink_metadata().is_err() {
        output::note(format_args!("nothing to compare with yet: `{}` is written now", shown(&file)));
        return Ok(None);
    }
    read(&file).map(Some)
}

/// Keeps a report for its owner alone: requests and answers of the application stand in it.
/// Where that cannot be, the report is printed all the same.
pub(super) fn keep(report: &Report, folder: &Path) {
    if let Err(failure) = replace(&file(folder), format::json(report).as_bytes(), 0o600) {
        output::report(&failure);
    }
}
