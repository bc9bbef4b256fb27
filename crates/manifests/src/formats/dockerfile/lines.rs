//! A Dockerfile cut into instructions: continuations, the escape directive, comments between lines, heredocs.

use gabion_finding::{Span, UnreadReason};

use crate::document::{Gap, line_of, span};

/// One instruction.
#[derive(Debug, Clone)]
pub(super) struct Instruction {
    /// In upper case.
    pub(super) name: String,
    /// Behind `ONBUILD`.
    pub(super) onbuild: bool,
    pub(super) name_span: Span,
    /// What stands behind the name, to the end of its last line, heredocs left out.
    pub(super) text: Span,
    /// The bodies of its heredocs.
    pub(super) heredocs: Vec<Span>,
    /// How lines are continued in this file.
    pub(super) escape: char,
}

const KNOWN: &[&str] = &[
    "ADD",
    "ARG",
    "CMD",
    "COPY",
    "ENTRYPOINT",
    "ENV",
    "EXPOSE",
    "FROM",
    "HEALTHCHECK",
    "LABEL",
    "MAINTAINER",
    "ONBUILD",
    "RUN",
    "SHELL",
    "STOPSIGNAL",
    "USER",
    "VOLUME",
    "WORKDIR",
];
const MOST: usize = 5_000;

struct Lines<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Lines<'a> {
    /// The next line with where it begins.
    fn next(&mut self) -> Option<(usize, &'a str)> {
        let rest = self.text.get(self.at..).filter(|rest| !rest.is_empty())?;
        let length = rest.find('\n').map_or(rest.len(), |end| end.saturating_add(1));
        let start = self.at;
        self.at = self.at.saturating_add(length);
        Some((start, rest.get(..length).unwrap_or_default()))
    }
}

pub(super) fn read(text: &str) -> (Vec<Instruction>, Vec<Gap>) {
    let (mut all, mut gaps) = (Vec::new(), Vec::new());
    let escape = escape_of(text);
    let mut lines = Lines { text, at: 0 };
    while let Some((start, line)) = lines.next() {
        let trimmed = line.trim_start_matches('\u{feff}').trim();
        if trimmed.is_empty() || trimmed.starts_with('#') {
            continue;
        }
        if all.len() >= MOST {
            let detail = format!("more than {MOST} instructions");
            gaps.push(Gap { reason: UnreadReason::Budget, detail });
            break;
        }
        let end = continued(&mut lines, start, line, escape);
        let whole = text.get(start..end).unwrap_or_default();
        let Some(mut instruction) = instruction(start, whole, escape) else {
            if gaps.len() < 16 {
                let word = trimmed.split_whitespace().next().unwrap_or_default();
                gaps.push(Gap::syntax(line_of(text, start), &format!("`{word}` is no instruction")));
            }
            continue;
        };
        if matches!(instruction.name.as_str(), "RUN" | "COPY" | "ADD") {
            for word in heredoc_words(instruction.text.of(text)) {
                instruction.heredocs.push(heredoc(&mut lines, &word));
            }
        }
        all.push(instruction);
    }
    (all, gaps)
}

/// `# escape=` may stand among the first comments.
fn escape_of(text: &str) -> char {
    let directives = text.lines().take_while(|line| line.trim_start().starts_with('#'));
    let tick = directives.map(|line| line.replace([' ', '\t', '#'], "").to_ascii_lowercase());
    if tick.into_iter().any(|line| line == "escape=`") { '`' } else { '\\' }
}

/// Where the instruction ends that begins with this line. Comments and empty lines do not end a continuation.
fn continued(lines: &mut Lines<'_>, start: usize, first: &str, escape: char) -> usize {
    let mut end = start.saturating_add(first.trim_end().len());
    let mut open = first.trim_end().ends_with(escape);
    while open {
        let Some((at, line)) = lines.next() else { break };
        let trimmed = line.trim();
        end = at.saturating_add(line.trim_end().len()).max(end);
        open = trimmed.is_empty() || trimmed.starts_with('#') || trimmed.ends_with(escape);
    }
    end
}

fn instruction(start: usize, whole: &str, escape: char) -> Option<Instruction> {
    let body = whole.trim_start_matches('\u{feff}').trim_start();
    let indent = whole.len().saturating_sub(body.len());
    let length = body.find(|letter: char| letter.is_whitespace()).unwrap_or(body.len());
    let name = body.get(..length)?.to_ascii_uppercase();
    if !KNOWN.contains(&name.as_str()) {
        return None;
    }
    let rest = body.get(length..).unwrap_or_default();
    let text = rest.trim_start();
    let name_start = start.saturating_add(indent);
    let text_start = name_start.saturating_add(length).saturating_add(rest.len().saturating_sub(text.len()));
    if name == "ONBUILD" {
        let inner = instruction(text_start, text, escape).filter(|inner| inner.name != "ONBUILD")?;
        return Some(Instruction { onbuild: true, ..inner });
    }
    Some(Instruction {
        name,
        onbuild: false,
        name_span: span(name_start, name_start.saturating_add(length)),
        text: span(text_start, text_start.saturating_add(text.len())),
        heredocs: Vec::new(),
        escape,
    })
}

/// The words behind `<<` and `<<-`, quotes taken away. `<<<` is a text, no document.
fn heredoc_words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find("<<") {
        rest = rest.get(at.saturating_add(2)..).unwrap_or_default();
        if let Some(more) = rest.strip_prefix('<') {
            rest = more;
            continue;
        }
        let word = rest.strip_prefix('-').unwrap_or(rest).trim_start_matches(['"', '\'']);
        let length =
            word.find(|letter: char| !(letter.is_alphanumeric() || letter == '_')).unwrap_or(word.len());
        words.extend(word.get(..length).filter(|word| !word.is_empty()).map(str::to_owned));
        if words.len() >= 16 {
            break;
        }
    }
    words
}

fn heredoc(lines: &mut Lines<'_>, word: &str) -> Span {
    let start = lines.at;
    while let Some((at, line)) = lines.next() {
        if line.trim() == word {
            return span(start, at);
        }
    }
    span(start, lines.at)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn names(text: &str) -> Vec<(String, String)> {
        let (all, _) = read(text);
        all.iter().map(|one| (one.name.clone(), one.text.of(text).to_owned())).collect()
    }

    #[test]
    fn continuations_comments_and_heredocs() {
        let text = "# a\nFROM a AS b\nrun x \\\n  # why\n\n  && y\nRUN <<EOF\nFROM c\nEOF\nONBUILD USER d\n";
        let read = names(text);
        let name: Vec<&str> = read.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(name, ["FROM", "RUN", "RUN", "USER"]);
        assert!(read[1].1.ends_with("&& y"));
        let windows = "# escape=`\nFROM a\nRUN x `\n y\nCOPY a b\\\nUSER c\n";
        assert_eq!(names(windows).len(), 4);
    }

    #[test]
    fn what_is_no_instruction_is_said() {
        let (all, gaps) = read("FROM a\nRUNN b\nUSER c\n");
        assert_eq!((all.len(), gaps.len()), (2, 1));
        assert_eq!(gaps[0].detail, "line 2: `RUNN` is no instruction");
    }

    proptest! {
        #[test]
        fn any_text_is_cut(text in "(FROM|RUN|ONBUILD|COPY|ARG|a|=|<<E|E|\\\\|`|#|\n| |ü){0,40}") {
            read(&text);
        }
    }
}
