//! Where a report goes: to standard output, and to files.

use std::path::{Path, PathBuf};

use gabion_scan::format::{self, Format, Previous, TextOptions};
use gabion_scan::{Changes, Report, Review};

use crate::arguments::{ReportForm, Scan};
use crate::failure::Failure;
use crate::output;

pub(super) fn deliver(report: &Report, arguments: &Scan, previous: &[Previous]) -> Result<(), Failure> {
    for target in &arguments.output {
        let mut text = written(report, target.form, arguments, previous);
        if target.form == ReportForm::Text {
            text = output::plain(&text);
        }
        let shown = gabion_scan::shown(&target.file);
        std::fs::write(&target.file, text)
            .map_err(|error| Failure::new(format!("cannot write `{shown}`")).because(&error))?;
    }
    let text = written(report, arguments.format, arguments, previous);
    if !text.is_empty() {
        output::data(text.trim_end_matches('\n'))?;
    }
    if arguments.format != ReportForm::Text {
        for gap in &report.incomplete {
            output::warn(format_args!("the scan is incomplete: {}", gabion_scan::visible(gap)));
        }
    }
    Ok(())
}

/// What the program answers.
pub(super) fn endpoints(scan: &gabion_scan::Scan, file: &Path) -> Result<(), Failure> {
    let shown = gabion_scan::shown(file);
    let text = format!("{}\n", gabion_scan::inventory::inventory(scan));
    std::fs::write(file, text)
        .map_err(|error| Failure::new(format!("cannot write `{shown}`")).because(&error))
}

/// The checklist of a change, instead of a report.
pub(super) fn review(
    scan: &gabion_scan::Scan,
    changes: &Changes,
    report: &Report,
    arguments: &Scan,
) -> Result<(), Failure> {
    let review = Review::new(scan, changes).map_err(super::git)?;
    let text = match arguments.format {
        ReportForm::Json => {
            review.json().map_err(|error| Failure::new("the review cannot be written").because(&error))?
        }
        ReportForm::Text | ReportForm::Markdown => review.markdown(&report.findings),
        _ => {
            return Err(Failure::usage("a review is Markdown or JSON")
                .hint("leave `--format` out, or write `--format json`"));
        }
    };
    output::data(text.trim_end_matches('\n'))?;
    for gap in &report.incomplete {
        output::warn(format_args!("the scan is incomplete: {}", gabion_scan::visible(gap)));
    }
    Ok(())
}

fn written(report: &Report, form: ReportForm, arguments: &Scan, previous: &[Previous]) -> String {
    let format = match form {
        ReportForm::Text => return format::text(report, TextOptions { all: arguments.all }),
        ReportForm::Json => Format::Json,
        ReportForm::Sarif => Format::Sarif,
        ReportForm::Github => Format::Github,
        ReportForm::GitlabSast => Format::GitlabSast,
        ReportForm::GitlabSecrets => Format::GitlabSecrets,
        ReportForm::Junit => Format::Junit,
        ReportForm::Markdown => Format::Markdown,
        ReportForm::Html => Format::Html,
    };
    format::write(report, format, previous)
}

pub(super) fn previous(files: &[PathBuf]) -> Result<Vec<Previous>, Failure> {
    files
        .iter()
        .map(|file| {
            let shown = gabion_scan::shown(file);
            let text = std::fs::read_to_string(file)
                .map_err(|error| Failure::usage(format!("cannot read `{shown}`")).because(&error))?;
            format::read_previous(&text).map_err(|error| {
                Failure::usage(format!("`{shown}` is no report"))
                    .because(&error)
                    .hint("it is made by `gabion scan --format json`")
            })
        })
        .collect()
}
