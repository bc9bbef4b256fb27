//! The checklist, for people and for programs.

use std::fmt::Write as _;

use super::{Review, Spot, State};
use crate::report::Reported;
use crate::visible::markdown as plain;

impl Review {
    /// As Markdown, for a comment or a file. `found` is what the scan found on changed lines.
    #[must_use]
    pub fn markdown(&self, found: &[Reported]) -> String {
        let mut out = String::from("# Security review\n\n");
        let count = |state: State| self.files.iter().filter(|file| file.state == state).count();
        let _ = writeln!(
            out,
            "Files since `{}`: {} changed, {} new, {} removed.\n",
            self.base,
            count(State::Changed),
            count(State::New),
            count(State::Removed)
        );
        if self.left > 0 {
            let _ = writeln!(out, "> **{} more files changed and were not compared.**\n", self.left);
        }
        let _ = writeln!(out, "## Found on changed lines\n");
        if found.is_empty() {
            out.push_str("Nothing. That is no answer to the questions below.\n");
        }
        for reported in found {
            let finding = &reported.finding;
            let place = format!("{}:{}", finding.place.path, finding.place.start.line);
            let _ = writeln!(
                out,
                "- [ ] **{}** {}: {} ({})",
                finding.severity.as_str(),
                plain(&place),
                plain(&finding.message),
                plain(finding.rule.as_str())
            );
        }
        for touched in &self.touched {
            let controls: Vec<&str> =
                touched.subject.controls.iter().map(|control| control.as_str()).collect();
            let _ = writeln!(out, "\n## {}\n\nControls: {}\n", touched.subject.title, controls.join(", "));
            for spot in &touched.places {
                let _ = writeln!(out, "- {}", place(spot));
            }
            if touched.more > 0 {
                let _ = writeln!(out, "- and {} more", touched.more);
            }
            out.push('\n');
            for question in &touched.subject.questions {
                let _ = writeln!(out, "- [ ] {question}");
            }
        }
        if !self.untouched.is_empty() {
            let _ = writeln!(out, "\n## Not touched\n\n{}.", self.untouched.join("; "));
        }
        out
    }

    /// For programs; see [`Review`].
    ///
    /// # Errors
    /// Never with what was reviewed.
    pub fn json(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string_pretty(self)
    }
}

fn place(spot: &Spot) -> String {
    let mut text = plain(&spot.path);
    if let Some(line) = spot.line {
        let _ = write!(text, ":{line}");
    }
    if spot.removed {
        text.push_str(" (removed)");
    }
    if let Some(word) = &spot.word {
        let _ = write!(text, " {}", plain(word));
    }
    text
}
