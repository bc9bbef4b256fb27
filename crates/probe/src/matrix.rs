//! Who may do what: every operation and every identity, with what was seen of the two.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::field::Field;
use crate::learn::works;

/// The matrix of a run. Rows are operations, columns are identities with nobody first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Matrix {
    /// The names of the columns.
    pub people: Vec<String>,
    pub rows: Vec<Row>,
}

/// An operation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Row {
    /// `GET /api/notes/{id}`.
    pub operation: String,
    /// As many as there are people, in their order.
    pub cells: Vec<Cell>,
}

/// What is known of one identity at one operation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Cell {
    pub access: Access,
    /// Why, in words; several where several things were seen.
    pub reasons: Vec<String>,
}

/// What somebody may do, and whether that is as it should be. What is said later in this list outweighs what is said before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Access {
    NotTested,
    /// Refused, as expected.
    Denied,
    /// It works for them, and nothing says that it should not.
    Allowed,
    /// It works for them, and should not.
    Violation,
}

impl Access {
    pub const ALL: [Self; 4] = [Self::Allowed, Self::Denied, Self::Violation, Self::NotTested];

    /// One letter for a table.
    #[must_use]
    pub const fn letter(self) -> char {
        match self {
            Self::NotTested => '?',
            Self::Denied => '✗',
            Self::Allowed => '✓',
            Self::Violation => '!',
        }
    }

    /// For people.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::NotTested => "not tested",
            Self::Denied => "denied as expected",
            Self::Allowed => "allowed as expected",
            Self::Violation => "violation",
        }
    }
}

impl fmt::Display for Access {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.words())
    }
}

/// Something that was seen of an identity at an operation.
#[derive(Debug, Clone)]
pub(crate) struct Mark {
    pub(crate) operation: String,
    pub(crate) who: usize,
    pub(crate) access: Access,
    pub(crate) reason: String,
}

impl Matrix {
    /// What learning and the tests saw.
    #[must_use]
    pub fn of(field: &Field) -> Self {
        let people = field.people.iter().map(|person| person.name.clone()).collect();
        let marks = field.marks();
        let rows = field.operations.iter().enumerate().map(|(at, operation)| {
            let id = operation.id();
            let cells = (0..field.people.len()).map(|who| {
                let own = marks.iter().filter(|mark| mark.who == who && mark.operation == id);
                let mut seen: Vec<(Access, String)> =
                    own.map(|mark| (mark.access, mark.reason.clone())).collect();
                seen.extend(learned(field, at, who));
                cell(seen, || untested(field, at, who))
            });
            Row { operation: id.clone(), cells: cells.collect() }
        });
        Self { people, rows: rows.collect() }
    }

    /// How many cells say that.
    #[must_use]
    pub fn count(&self, access: Access) -> usize {
        self.rows.iter().flat_map(|row| &row.cells).filter(|cell| cell.access == access).count()
    }

    /// The cell of an operation and an identity by their names.
    #[must_use]
    pub fn cell(&self, operation: &str, person: &str) -> Option<&Cell> {
        let column = self.people.iter().position(|name| name == person)?;
        self.rows.iter().find(|row| row.operation == operation)?.cells.get(column)
    }
}

/// Reasons that one cell keeps.
const REASONS: usize = 4;

fn cell(mut seen: Vec<(Access, String)>, untested: impl FnOnce() -> String) -> Cell {
    seen.sort_by_key(|(access, _)| std::cmp::Reverse(*access));
    let access = seen.first().map_or(Access::NotTested, |(access, _)| *access);
    let mut reasons: Vec<String> = Vec::new();
    for (_, reason) in seen {
        if reasons.len() < REASONS && !reasons.contains(&reason) {
            reasons.push(reason);
        }
    }
    if reasons.is_empty() {
        reasons.push(untested());
    }
    Cell { access, reasons }
}

fn learned(field: &Field, at: usize, who: usize) -> Option<(Access, String)> {
    if let Some(known) = field.known_of(at).find(|known| known.who == who) {
        return Some((Access::Allowed, format!("their request was answered {}", known.answer.status)));
    }
    let answer = field.known_of(at).find_map(|known| known.anonymous.as_ref()).filter(|_| who == 0)?;
    if works(field, answer) {
        Some((Access::Allowed, format!("everybody's request is answered {}", answer.status)))
    } else {
        Some((Access::Denied, format!("refused with {}", answer.status)))
    }
}

fn untested(field: &Field, at: usize, who: usize) -> String {
    if let Some(trouble) = &field.person(who).trouble {
        return format!("they are not signed in: {trouble}");
    }
    if field.known_of(at).next().is_none() {
        return "no request of it worked for anybody".to_owned();
    }
    "it was not asked as them".to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gravest_thing_seen_decides_and_all_reasons_stand() {
        let seen = vec![
            (Access::Denied, "refused with 404".to_owned()),
            (Access::Violation, "reads bob's".to_owned()),
            (Access::Allowed, "answered 200".to_owned()),
            (Access::Allowed, "answered 200".to_owned()),
        ];
        let cell = cell(seen, String::new);
        assert_eq!(cell.access, Access::Violation);
        assert_eq!(cell.reasons, ["reads bob's", "answered 200", "refused with 404"]);
        let empty = super::cell(Vec::new(), || "nobody asked".to_owned());
        assert_eq!(
            (empty.access, empty.reasons.as_slice()),
            (Access::NotTested, ["nobody asked".to_owned()].as_slice())
        );
    }
}
