//! Everything that is printed: data on standard output, all else on standard error.

pub(crate) mod progress;
pub(crate) mod table;

use std::fmt::Display;
use std::io::{self, BufRead as _, Write as _};
use std::process::ExitCode;

use anstyle::{AnsiColor, Style};
use gabion_model::Secret;
use rustix::termios::{self, LocalModes, OptionalActions};
use serde::Serialize;

use crate::arguments::{Colour, Format};
use crate::config::load::Wrong;
use crate::failure::{Exit, Failure};

pub(crate) const STRONG: Style = Style::new().bold();
pub(crate) const FAINT: Style = Style::new().dimmed();
pub(crate) const GOOD: Style = AnsiColor::Green.on_default().bold();
pub(crate) const WARN: Style = AnsiColor::Yellow.on_default().bold();
pub(crate) const BAD: Style = AnsiColor::Red.on_default().bold();
pub(crate) const PLACE: Style = AnsiColor::Cyan.on_default();

/// Decides for the whole process; `auto` looks at the terminal, `NO_COLOR` and `CLICOLOR_FORCE`.
pub(crate) fn choose_colour(colour: Colour) {
    match colour {
        Colour::Auto => anstream::ColorChoice::Auto,
        Colour::Always => anstream::ColorChoice::Always,
        Colour::Never => anstream::ColorChoice::Never,
    }
    .write_global();
}

/// Text as data: what the command was asked for.
pub(crate) fn data(text: impl Display) -> Result<(), Failure> {
    let mut out = anstream::stdout().lock();
    writeln!(out, "{text}")?;
    out.flush()?;
    Ok(())
}

/// Without colours, for a file.
pub(crate) fn plain(text: &str) -> String {
    anstream::adapter::strip_str(text).to_string()
}

/// One value as JSON, on lines of its own.
pub(crate) fn json(value: &impl Serialize) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(value).map_err(io::Error::from)?;
    data(text)
}

/// One value as JSON on one line: for streams.
pub(crate) fn json_line(value: &impl Serialize) -> Result<(), Failure> {
    let text = serde_json::to_string(value).map_err(io::Error::from)?;
    data(text)
}

/// Data in the format that was asked for.
pub(crate) fn value(
    format: Format,
    value: &impl Serialize,
    text: impl FnOnce() -> String,
) -> Result<(), Failure> {
    match format {
        Format::Json => json(value),
        Format::Text => data(text().trim_end_matches('\n')),
    }
}

/// For the person who watches. Nothing depends on its being read.
pub(crate) fn note(text: impl Display) {
    let _ = writeln!(anstream::stderr().lock(), "{text}");
}

/// What a gate says when it starts. The gate goes on whoever reads it.
pub(crate) fn announce(text: &str) {
    let mut out = anstream::stdout().lock();
    let _ = writeln!(out, "{}", text.trim_end());
    let _ = out.flush();
}

/// One line from the terminal, not shown while it is typed.
pub(crate) fn ask_secretly(question: &str) -> io::Result<Secret<String>> {
    let stdin = io::stdin();
    let before = termios::tcgetattr(&stdin)?;
    let mut quiet = before.clone();
    quiet.local_modes.remove(LocalModes::ECHO);
    let _ = write!(anstream::stderr().lock(), "{question}");
    termios::tcsetattr(&stdin, OptionalActions::Flush, &quiet)?;
    let mut line = String::new();
    let read = stdin.lock().read_line(&mut line);
    let restored = termios::tcsetattr(&stdin, OptionalActions::Flush, &before);
    note("");
    let line = Secret::new(line);
    read?;
    restored?;
    Ok(Secret::new(line.expose().trim_end_matches(['\r', '\n']).to_owned()))
}

pub(crate) fn warn(text: impl Display) {
    note(format_args!("{WARN}warning{WARN:#}: {text}"));
}

/// Says why a command failed, and which exit code that is.
pub(crate) fn report(failure: &Failure) -> ExitCode {
    match failure {
        Failure::BrokenPipe => Exit::Success.into(),
        Failure::Configuration { wrong, consequence } => {
            note(wrong_configuration(wrong, *consequence));
            Exit::Usage.into()
        }
        Failure::Told(told) => {
            let mut text = format!("{BAD}error{BAD:#}: {}", told.message);
            for cause in &told.causes {
                text.push_str(&format!("\n  {FAINT}because{FAINT:#}: {cause}"));
            }
            if let Some(hint) = &told.hint {
                text.push_str(&format!("\n  {PLACE}hint{PLACE:#}: {hint}"));
            }
            note(text);
            told.exit.into()
        }
    }
}

/// Every fault of a configuration, how many there are, and what came of it.
fn wrong_configuration(wrong: &Wrong, consequence: Option<&str>) -> String {
    let mut text = String::new();
    for diagnostic in &wrong.diagnostics {
        text.push_str(&diagnostic.render(wrong.source.as_ref()));
        text.push('\n');
    }
    let count = wrong.diagnostics.len();
    let errors = if count == 1 { "1 error".to_owned() } else { format!("{count} errors") };
    text.push_str(&format!("{BAD}{errors}{BAD:#} in the configuration"));
    if let Some(consequence) = consequence {
        text.push_str(&format!("; {consequence}"));
    }
    text
}
