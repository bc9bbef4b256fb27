//! The subjects of a review, read from their file once.

use std::sync::LazyLock;

use gabion_model::ControlId;
use ignore::gitignore::{Gitignore, GitignoreBuilder};
use regex::Regex;
use serde::{Deserialize, Serialize};

/// What a change may touch.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Subject {
    pub id: String,
    pub title: String,
    /// The promises it is about.
    pub controls: Vec<ControlId>,
    pub questions: Vec<String>,
    #[serde(default, skip_serializing)]
    paths: Vec<String>,
    #[serde(default, skip_serializing)]
    lines: Vec<String>,
    #[serde(default, skip_serializing)]
    #[cfg_attr(not(test), expect(dead_code, reason = "lines for the tests"))]
    touches: Vec<String>,
    #[serde(default, skip_serializing)]
    #[cfg_attr(not(test), expect(dead_code, reason = "lines for the tests"))]
    passes: Vec<String>,
    #[serde(skip)]
    ready: Option<Ready>,
}

impl PartialEq for Subject {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

impl Eq for Subject {}

#[derive(Debug, Clone)]
struct Ready {
    paths: Gitignore,
    lines: Vec<Regex>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    subject: Vec<Subject>,
}

const TEXT: &str = include_str!("../../../../rules/review/subjects.toml");

static ALL: LazyLock<Vec<Subject>> = LazyLock::new(|| read(TEXT).unwrap_or_default());

pub(super) fn all() -> &'static [Subject] {
    &ALL
}

fn read(text: &str) -> Result<Vec<Subject>, String> {
    let mut file: File = toml::from_str(text).map_err(|error| error.to_string())?;
    for subject in &mut file.subject {
        let mut paths = GitignoreBuilder::new("");
        for pattern in &subject.paths {
            paths.add_line(None, pattern).map_err(|error| error.to_string())?;
        }
        let lines = subject.lines.iter().map(|pattern| Regex::new(pattern)).collect::<Result<_, _>>();
        subject.ready = Some(Ready {
            paths: paths.build().map_err(|error| error.to_string())?,
            lines: lines.map_err(|error| error.to_string())?,
        });
    }
    Ok(file.subject)
}

/// Files in which words are only words.
const PROSE: &[&str] =
    &[".md", ".markdown", ".rst", ".txt", ".adoc", ".csv", ".svg", ".snap", ".lock", "-lock.json"];

impl Subject {
    /// Whether a change of that file touches it, whatever changes.
    pub(super) fn names(&self, path: &str) -> bool {
        let path = path.trim_start_matches('/');
        self.ready
            .as_ref()
            .is_some_and(|ready| ready.paths.matched_path_or_any_parents(path, false).is_ignore())
    }

    /// What of a line touches it.
    pub(super) fn finds<'a>(&self, path: &str, line: &'a str) -> Option<&'a str> {
        if PROSE.iter().any(|end| path.ends_with(end)) {
            return None;
        }
        let ready = self.ready.as_ref()?;
        let found = ready.lines.iter().find_map(|pattern| pattern.find(line))?.as_str();
        // Its first word is one of the pattern's; what follows may be anything, also a secret.
        let is_word = |character: char| character.is_ascii_alphanumeric() || "@._-".contains(character);
        let found = found.trim_start_matches(|character| !is_word(character));
        let word = found.split(|character| !is_word(character)).next()?;
        word.get(..word.floor_char_boundary(LONGEST_WORD))
    }
}

const LONGEST_WORD: usize = 40;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_subject_is_noticed_where_it_is_and_only_there() {
        let subjects = read(TEXT).unwrap();
        assert_eq!(subjects.len(), all().len());
        for subject in &subjects {
            assert!(!subject.questions.is_empty() && !subject.controls.is_empty(), "{}", subject.id);
            assert!(!subject.paths.is_empty() || !subject.lines.is_empty(), "{}", subject.id);
            assert_eq!(subject.lines.is_empty(), subject.touches.is_empty(), "{}", subject.id);
            for line in &subject.touches {
                assert!(subject.finds("a.js", line).is_some(), "{}: {line}", subject.id);
            }
            for line in &subject.passes {
                assert_eq!(subject.finds("a.js", line), None, "{}: {line}", subject.id);
            }
        }
    }
}
