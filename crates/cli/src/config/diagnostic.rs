//! What is wrong with a configuration, shown where it was written.

use std::fmt::Write as _;
use std::ops::Range;

use anstyle::{AnsiColor, Style};
use serde::Serialize;

use super::tree::{Origin, Path};

/// A text that was read, for excerpts.
#[derive(Debug, Clone, Default)]
pub(crate) struct Source {
    pub(crate) name: String,
    pub(crate) text: String,
}

/// One thing wrong: where, what, the way out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Diagnostic {
    pub(crate) path: Path,
    pub(crate) origin: Origin,
    pub(crate) reason: String,
    pub(crate) hint: Option<String>,
}

/// A diagnostic as `--format json` prints it.
#[derive(Debug, Serialize)]
pub(crate) struct Placed<'a> {
    #[serde(skip_serializing_if = "String::is_empty")]
    path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    column: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    environment: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    flag: Option<&'a str>,
    reason: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<&'a str>,
}

const ERROR: Style = AnsiColor::Red.on_default().bold();
const WARNING: Style = AnsiColor::Yellow.on_default().bold();
const EDGE: Style = AnsiColor::Blue.on_default().bold();
const HINT: Style = AnsiColor::Cyan.on_default().bold();

impl Source {
    /// Line and column, both from 1, of a byte; columns count characters.
    pub(crate) fn place(&self, byte: usize) -> (usize, usize) {
        let before = self.text.get(..byte).unwrap_or(&self.text);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        (line, column)
    }

    fn line(&self, number: usize) -> &str {
        self.text.lines().nth(number.saturating_sub(1)).unwrap_or_default()
    }
}

impl Diagnostic {
    /// For sorting: file order first, then the environment, then flags.
    pub(crate) fn order(&self) -> (u8, usize, String) {
        match &self.origin {
            Origin::File(span) => (0, span.start, self.path.to_string()),
            Origin::Environment(name) => (1, 0, name.clone()),
            Origin::Flag(name) => (2, 0, (*name).to_owned()),
        }
    }

    pub(crate) fn placed<'a>(&'a self, source: Option<&'a Source>) -> Placed<'a> {
        let mut placed = Placed {
            path: self.path.to_string(),
            file: source.map(|source| source.name.as_str()),
            line: None,
            column: None,
            environment: None,
            flag: None,
            reason: &self.reason,
            hint: self.hint.as_deref(),
        };
        match (&self.origin, source) {
            (Origin::File(span), Some(source)) if *span != (0..0) => {
                let (line, column) = source.place(span.start);
                (placed.line, placed.column) = (Some(line), Some(column));
            }
            (Origin::File(_), _) => {}
            (Origin::Environment(name), _) => {
                placed.file = None;
                placed.environment = Some(name);
            }
            (Origin::Flag(name), _) => {
                placed.file = None;
                placed.flag = Some(name);
            }
        }
        placed
    }

    /// The whole message with colours; whoever prints it takes them out where nobody looks.
    pub(crate) fn render(&self, source: Option<&Source>) -> String {
        self.render_as("error", ERROR, source)
    }

    /// The same for what is allowed and worth a second look.
    pub(crate) fn render_warning(&self, source: Option<&Source>) -> String {
        self.render_as("warning", WARNING, source)
    }

    fn render_as(&self, word: &str, look: Style, source: Option<&Source>) -> String {
        let path = plain(&self.path.to_string());
        let mut out = format!("{look}{word}{look:#}: {}\n", plain(&self.reason));
        match (&self.origin, source) {
            (Origin::File(span), Some(source)) => render_excerpt(&mut out, source, span, &path, look),
            (Origin::File(_), None) => {
                let _ = writeln!(out, "  {EDGE}-->{EDGE:#} `{path}`");
            }
            (Origin::Environment(name), _) => {
                let _ = writeln!(out, "  {EDGE}-->{EDGE:#} environment variable {} (`{path}`)", plain(name));
            }
            (Origin::Flag(name), _) => {
                let _ = writeln!(out, "  {EDGE}-->{EDGE:#} flag {name} (`{path}`)");
            }
        }
        if let Some(hint) = &self.hint {
            let _ = writeln!(out, "   {EDGE}={EDGE:#} {HINT}hint{HINT:#}: {}", plain(hint));
        }
        out
    }
}

/// The text, without what would move a terminal: the file may be somebody else's.
fn plain(text: &str) -> String {
    text.chars().map(|character| if character.is_control() { '\u{fffd}' } else { character }).collect()
}

fn render_excerpt(out: &mut String, source: &Source, span: &Range<usize>, path: &str, look: Style) {
    if *span == (0..0) {
        let _ = match path {
            "" => writeln!(out, "  {EDGE}-->{EDGE:#} {}", source.name),
            path => writeln!(out, "  {EDGE}-->{EDGE:#} {} (`{path}`, which is not set there)", source.name),
        };
        return;
    }
    let (line, column) = source.place(span.start);
    let text = plain(&source.line(line).replace('\t', " "));
    let margin = " ".repeat(line.to_string().len());
    let covered = source.text.get(span.clone()).unwrap_or_default();
    let width = covered.lines().next().unwrap_or_default().chars().count().max(1);
    let carets = "^".repeat(width.min(text.chars().count().saturating_sub(column - 1).max(1)));
    let _ = writeln!(out, "  {EDGE}-->{EDGE:#} {}:{line}:{column}", source.name);
    let _ = writeln!(out, " {margin} {EDGE}|{EDGE:#}");
    let _ = writeln!(out, " {EDGE}{line} |{EDGE:#} {text}");
    let _ = writeln!(out, " {margin} {EDGE}|{EDGE:#} {}{look}{carets}{look:#}", " ".repeat(column - 1));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(diagnostic: &Diagnostic, text: &str) -> String {
        let source = Source { name: "gabion.toml".into(), text: text.into() };
        anstream::adapter::strip_str(&diagnostic.render(Some(&source))).to_string()
    }

    #[test]
    fn points_at_the_place() {
        let diagnostic = Diagnostic {
            path: Path::parse("gateway.lisen"),
            origin: Origin::File(25..30),
            reason: "unknown key `lisen` in `gateway`".into(),
            hint: Some("did you mean `listen`?".into()),
        };
        insta::assert_snapshot!(plain(&diagnostic, "# é\n[gateway]\nx = \"é\"\n\tlisen = 1\n"));
    }

    #[test]
    fn a_span_outside_the_text_is_no_harm() {
        for span in [0..0, 90..99, 1..2] {
            let diagnostic = Diagnostic {
                path: Path::default(),
                origin: Origin::File(span),
                reason: "x".into(),
                hint: None,
            };
            assert!(plain(&diagnostic, "é\n").starts_with("error: x\n"));
        }
    }
}
