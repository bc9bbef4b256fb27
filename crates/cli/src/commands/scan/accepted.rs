//! The baseline: reads it, and accepts what is found.

use std::io::Write as _;
use std::path::Path;

use gabion_scan::baseline::BaselineError;
use gabion_scan::{Baseline, Report};

use super::{Accepted, default_baseline};
use crate::arguments::Scan;
use crate::failure::{Exit, Failure};
use crate::output::{self, GOOD, STRONG};

pub(super) fn read(arguments: &Scan) -> Result<Accepted, Failure> {
    let file = arguments.baseline.clone().unwrap_or_else(|| default_baseline(&arguments.path));
    let wanted = arguments.baseline.is_some() && !arguments.write_baseline;
    if !wanted && file.symlink_metadata().is_err() {
        return Ok((file, None));
    }
    let shown = gabion_scan::shown(&file);
    match Baseline::read(&file) {
        Ok(baseline) => Ok((file, Some(baseline))),
        Err(BaselineError::Io(error)) => {
            Err(Failure::usage(format!("cannot read the baseline `{shown}`")).because(&error))
        }
        Err(BaselineError::Wrong(problem)) => {
            Err(Failure::usage(format!("`{shown}` is no baseline")).because_text(problem.to_string()).hint(
                problem
                    .hint
                    .unwrap_or_else(|| "write it anew with `--write-baseline --reason TEXT`".to_owned()),
            ))
        }
    }
}

pub(super) fn write(
    arguments: &Scan,
    file: &Path,
    baseline: Baseline,
    report: &Report,
) -> Result<Exit, Failure> {
    let reason = arguments.reason.as_deref().unwrap_or_default().trim();
    if reason.is_empty() {
        return Err(Failure::usage("`--reason` is empty").hint("say why the findings are accepted"));
    }
    let count = report.findings.len();
    let baseline =
        baseline.without(&report.gone).with(report.findings.iter().map(|one| &one.finding), reason);
    let shown = gabion_scan::shown(file);
    let kept = (|| {
        let text = baseline.to_text()?;
        let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        std::fs::create_dir_all(folder)?;
        let mut builder = tempfile::Builder::new();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            builder.permissions(std::fs::Permissions::from_mode(0o644));
        }
        let mut beside = builder.tempfile_in(folder)?;
        beside.write_all(text.as_bytes())?;
        beside.persist(file).map_err(|error| error.error)
    })();
    kept.map_err(|error| Failure::new(format!("cannot write `{shown}`")).because(&error))?;
    output::note(format_args!(
        "{GOOD}wrote{GOOD:#} {STRONG}{shown}{STRONG:#}: {count} accepted now, {} no longer found",
        report.gone.len()
    ));
    Ok(Exit::Success)
}
