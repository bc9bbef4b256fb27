//! Where a report goes: to standard output, and to files.

use gabion_finding::visible;
use gabion_probe::Report;
use gabion_probe::format::{self, Format, TextOptions};

use super::given::shown;
use crate::arguments::{ProbeForm, ProbeReport};
use crate::failure::Failure;
use crate::output;

pub(super) fn deliver(report: &Report, arguments: &ProbeReport) -> Result<(), Failure> {
    for target in &arguments.output {
        let mut text = written(report, target.form, arguments);
        if target.form == ProbeForm::Text {
            text = output::plain(&text);
        }
        std::fs::write(&target.file, text).map_err(|error| {
            Failure::new(format!("cannot write `{}`", shown(&target.file))).because(&error)
        })?;
    }
    if let Some(file) = &arguments.trace {
        std::fs::write(file, format::trace(report))
            .map_err(|error| Failure::new(format!("cannot write `{}`", shown(file))).because(&error))?;
    }
    let text = written(report, arguments.format, arguments);
    if !text.is_empty() {
        output::data(text.trim_end_matches('\n'))?;
    }
    if arguments.format != ProbeForm::Text {
        for gap in &report.gaps {
            output::warn(visible(&report.hidden.text(&gap.says)));
        }
    }
    Ok(())
}

fn written(report: &Report, form: ProbeForm, arguments: &ProbeReport) -> String {
    let format = match form {
        ProbeForm::Text => return format::text(report, TextOptions { all: arguments.all }),
        ProbeForm::Json => Format::Json,
        ProbeForm::Html => Format::Html,
        ProbeForm::Sarif => Format::Sarif,
        ProbeForm::Junit => Format::Junit,
        ProbeForm::Markdown => Format::Markdown,
        ProbeForm::Github => Format::Github,
    };
    format::write(report, format)
}
