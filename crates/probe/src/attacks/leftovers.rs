//! What a test made and nobody needs any more: removed where the level lets the probe remove and an operation says how; said,
//! where it stays.

use super::usable;
use crate::facts::Level;
use crate::field::Field;
use crate::harvest::id_of;
use crate::surface::is_spared;
use crate::wire::{Answer, Request, WireError};

/// Things of one operation that one test made.
#[derive(Debug, Default)]
pub(super) struct Leftovers {
    /// Where they are, and whose.
    known: Vec<(usize, String)>,
    /// How many more there may be, of which nothing says where they are.
    unknown: usize,
    /// Whether two requests came to one place: they change a thing, and make none.
    changes: bool,
}

/// Things of one operation that are removed.
const MOST: usize = 60;

impl Leftovers {
    /// Keeps what a request made: under its id, or where its answer leads.
    pub(super) fn made(&mut self, field: &Field, who: usize, request: &Request, answer: &Answer) {
        let path = request.target.split('?').next().unwrap_or_default();
        let led = answer.field("location").and_then(|to| field.wire.origin().inside(path, to));
        let id = answer.json().and_then(|body| id_of(&body, ""));
        // What was there before is nobody's to remove.
        if id
            .as_ref()
            .is_some_and(|id| field.objects.iter().any(|own| own.id == *id && own.made_by.is_none()))
        {
            self.changes = true;
            return;
        }
        let named = id.map(|id| {
            let id = percent_encoding::utf8_percent_encode(&id, percent_encoding::NON_ALPHANUMERIC);
            format!("{path}/{id}")
        });
        match led.filter(|to| removes(field, to)).or(named) {
            Some(path) if self.known.iter().any(|(_, own)| *own == path) => self.changes = true,
            Some(path) => self.known.push((who, path)),
            None => self.unknown = self.unknown.saturating_add(1),
        }
    }

    /// Keeps what is at a path.
    pub(super) fn at(&mut self, who: usize, path: &str) {
        self.known.push((who, path.to_owned()));
    }

    /// Keeps that there are so many more, somewhere.
    pub(super) const fn more(&mut self, count: usize) {
        self.unknown = self.unknown.saturating_add(count);
    }

    /// Whether the requests change one thing instead of making some.
    pub(super) const fn is_change(&self) -> bool {
        self.changes
    }

    /// Removes what can be removed, and says what stays.
    ///
    /// # Errors
    /// When the run is over.
    pub(super) async fn clear(self, field: &Field, test: &str, operation: &str) -> Result<(), WireError> {
        if self.changes {
            return Ok(());
        }
        let may = field.facts.target.level >= Level::Destructive;
        let (mut stay, mut removable) = (self.unknown, 0_usize);
        for (at, (who, path)) in self.known.iter().enumerate() {
            if !removes(field, path) || at >= MOST {
                stay = stay.saturating_add(1);
            } else if !may {
                removable = removable.saturating_add(1);
            } else {
                let answer = usable(field.request(*who, &Request::new("DELETE", path)).await)?;
                if !answer.is_some_and(|answer| answer.is_success() || answer.is_redirect()) {
                    stay = stay.saturating_add(1);
                }
            }
        }
        if removable > 0 {
            field.note(format!(
                "`{test}` left {removable} of what it made by `{operation}`: only the level `destructive` removes it"
            ));
        }
        if stay > 0 {
            field.note(format!(
                "`{test}` left {stay} of what it made by `{operation}`: nothing is known that removes it"
            ));
        }
        Ok(())
    }
}

/// Whether an operation removes what is at a path.
fn removes(field: &Field, path: &str) -> bool {
    let mut all = field.operations.iter().filter(|own| own.method == "DELETE");
    !is_spared(field, path) && all.any(|own| own.matches(path).is_some())
}
