//! The baseline: reads it, and accepts what is found.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use gabion_probe::{Baseline, Report, baseline};

use super::given::{shown, whole};
use crate::arguments::ProbeReport;
use crate::failure::{Exit, Failure};
use crate::output::{self, GOOD, STRONG};

/// The file, and what it accepts where it is there.
pub(super) fn read(arguments: &ProbeReport, folder: &Path) -> Result<(PathBuf, Option<Baseline>), Failure> {
    let file = arguments.baseline.clone().unwrap_or_else(|| folder.join(baseline::FILE));
    let wanted = arguments.baseline.is_some() && !arguments.write_baseline;
    if !wanted && file.symlink_metadata().is_err() {
        return Ok((file, None));
    }
    let text = whole(&file)?;
    let baseline = Baseline::parse(&text).map_err(|error| {
        Failure::usage(format!("`{}` is no baseline", shown(&file)))
            .because(&error)
            .hint("write it anew with `--write-baseline --reason TEXT`")
    })?;
    Ok((file, Some(baseline)))
}

pub(super) fn write(
    arguments: &ProbeReport,
    file: &Path,
    baseline: Baseline,
    report: &Report,
) -> Result<Exit, Failure> {
    let reason = arguments.reason.as_deref().unwrap_or_default().trim();
    if reason.is_empty() {
        return Err(Failure::usage("`--reason` is empty").hint("say why the findings are accepted"));
    }
    let baseline = baseline.with(report, reason);
    replace(file, baseline.to_text().as_bytes(), 0o644)?;
    output::note(format_args!(
        "{GOOD}wrote{GOOD:#} {STRONG}{}{STRONG:#}: {} accepted now, {} no longer found",
        shown(file),
        report.findings.len(),
        report.gone.len()
    ));
    Ok(if report.is_complete() { Exit::Success } else { Exit::Incomplete })
}

/// Writes a file whole, or leaves the one that is there. `mode` says who may read it.
pub(super) fn replace(file: &Path, bytes: &[u8], mode: u32) -> Result<(), Failure> {
    let kept = (|| {
        let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        std::fs::create_dir_all(folder)?;
        let mut builder = tempfile::Builder::new();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            builder.permissions(std::fs::Permissions::from_mode(mode));
        }
        let mut beside = builder.tempfile_in(folder)?;
        beside.write_all(bytes)?;
        beside.persist(file).map(drop).map_err(|error| error.error)
    })();
    kept.map_err(|error| Failure::new(format!("cannot write `{}`", shown(file))).because(&error))
}
