//! What can be wrong with a catalogue: every flaw names its file, its control and the broken rule.

use std::fmt;

/// Everything wrong with a catalogue, found in one pass. Never empty.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the catalogue has {} {}:\n{}", .flaws.len(), if .flaws.len() == 1 { "flaw" } else { "flaws" }, lines(.flaws))]
pub struct CatalogueError {
    pub flaws: Vec<Flaw>,
}

/// One broken rule in one place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flaw {
    /// For instance `catalogue/web.toml`.
    pub file: String,
    /// The id as written, when the entry has one.
    pub id: Option<String>,
    pub rule: Rule,
}

/// The rules an entry must keep. Alphabetical.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Rule {
    #[error("`{text}` is not a requirement number of {framework}")]
    BadRequirement { framework: &'static str, text: String },
    #[error("in `{field}`: {reason}")]
    BadSource { field: &'static str, reason: String },
    #[error("the id stands twice")]
    Duplicate,
    #[error("`{0}` is empty")]
    EmptyText(&'static str),
    #[error("an `about` or `title` of the group is missing or misspelt: {0}")]
    Group(String),
    #[error("the control has no entry in any file")]
    Missing,
    #[error("none of `enforced`, `planned`, `attacked` and `read` says what would count as evidence")]
    NoEvidence,
    #[error("it names no requirement of any list")]
    NoRequirement,
    #[error("the entry has no `id`")]
    NoId,
    #[error("the entry does not read: {0}")]
    Shape(String),
    #[error("`{0}` names sources, but `{1}` does not say what they do")]
    SourceWithoutText(&'static str, &'static str),
    #[error("the file is not TOML: {0}")]
    Syntax(String),
    #[error("`enforced` claims something that no source in `enforced_by` does; move it to `planned`")]
    TextWithoutSource,
    #[error("no control has this id{}", hint(.suggestion.as_deref()))]
    UnknownId { suggestion: Option<String> },
    #[error("the id belongs in `catalogue/{group}.toml`")]
    WrongFile { group: String },
}

impl fmt::Display for Flaw {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.id {
            Some(id) => write!(formatter, "{}: `{id}`: {}", self.file, self.rule),
            None => write!(formatter, "{}: {}", self.file, self.rule),
        }
    }
}

fn lines(flaws: &[Flaw]) -> String {
    flaws.iter().map(|flaw| format!("  {flaw}")).collect::<Vec<_>>().join("\n")
}

fn hint(suggestion: Option<&str>) -> String {
    suggestion.map_or_else(String::new, |id| format!("; did you mean `{id}`?"))
}
