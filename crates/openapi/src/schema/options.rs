//! How schemas are read and what is done about members they do not name.

/// The dialect of schemas that do not say theirs by `$schema`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Draft {
    /// JSON Schema draft 4.
    Draft4,
    /// The Schema Object of OpenAPI 3.0: a part of draft 5 with `nullable`, `discriminator`, `readOnly`, `writeOnly`.
    OpenApi30,
    /// JSON Schema 2020-12, with OpenAPI 3.1's `discriminator`.
    Draft202012,
}

/// Which way a document goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    Request,
    Response,
}

/// What is done about a member that should not be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Handling {
    /// The document is refused.
    Refuse,
    /// It stays.
    Allow,
    /// The document is accepted; [`super::Validated`] gives it without the member.
    Strip,
}

/// What is done about a regular expression that the linear-time engine cannot run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Patterns {
    /// The schema is refused.
    Refuse,
    /// It is listed as not enforced.
    List,
}

/// How schemas are compiled.
#[derive(Debug, Clone)]
pub struct Options {
    pub draft: Draft,
    /// `None`: `readOnly` and `writeOnly` mean nothing.
    pub direction: Option<Direction>,
    /// Members that no schema evaluates.
    pub unknown: Handling,
    /// `readOnly` members of a request, `writeOnly` ones of a response.
    pub other_direction: Handling,
    /// Whether `format` is asserted. A format that is not known is listed.
    pub formats: bool,
    pub patterns: Patterns,
    /// Applications of a schema to a value that one validation may take. A document that needs more is refused: nested
    /// alternatives can multiply.
    pub steps: u32,
    /// Violations reported at most.
    pub violations: usize,
}

impl Options {
    /// For what an OpenAPI contract says about one direction: strict.
    #[must_use]
    pub const fn contract(draft: Draft, direction: Direction) -> Self {
        Self {
            draft,
            direction: Some(direction),
            unknown: Handling::Refuse,
            other_direction: Handling::Refuse,
            formats: true,
            patterns: Patterns::Refuse,
            steps: 1_000_000,
            violations: 20,
        }
    }

    /// JSON Schema by the letter: nothing is closed that the schema leaves open.
    #[must_use]
    pub const fn plain(draft: Draft) -> Self {
        Self {
            draft,
            direction: None,
            unknown: Handling::Allow,
            other_direction: Handling::Allow,
            formats: false,
            patterns: Patterns::Refuse,
            steps: 1_000_000,
            violations: 20,
        }
    }
}
