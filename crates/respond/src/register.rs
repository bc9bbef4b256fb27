//! Every measure there is, kept durably before it does anything.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use gabion_model::{DocumentChange, DocumentError, Documents, MemoryDocuments, Timestamp};

use crate::budget::Touched;
use crate::pulls::is_block;
use crate::shield::Shield;
use crate::{Budget, Ended, Measure, NewMeasure, Origin, Population, State};

/// The measures. State changes are durable when a method returns, and in force by then.
#[derive(Debug)]
pub struct Register {
    book: Mutex<Book>,
    storage: Arc<dyn Documents>,
    shield: Arc<Shield>,
}

#[derive(Debug, Clone, Default)]
struct Book {
    measures: BTreeMap<u64, Measure>,
    last: u64,
    /// Up to where alerts were answered.
    position: Option<u64>,
}

/// What became of a measure that was to be taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Taken {
    /// There was one for the same target; its time is longer now.
    Extended(Measure),
    New(Measure),
}

impl Taken {
    #[must_use]
    pub fn measure(self) -> Measure {
        let (Self::Extended(measure) | Self::New(measure)) = self;
        measure
    }
}

/// Why nothing was done. Alphabetical.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RegisterError {
    /// Somebody ended the same measure, and its time is not over.
    #[error("somebody undid the same measure; it is left alone until its time is over")]
    LeftAlone,
    #[error("there is no such measure")]
    NotFound,
    #[error("it has ended already")]
    Over,
    #[error(transparent)]
    Storage(#[from] DocumentError),
    #[error("there are as many measures as can be kept")]
    TooMany,
    #[error("this cannot be done to that")]
    Unfit,
}

impl Register {
    /// Reads what was kept and puts it in force.
    ///
    /// # Errors
    /// When it cannot be read, or a text in it is not one of ours.
    pub fn open(storage: Arc<dyn Documents>) -> Result<Self, DocumentError> {
        let mut book = Book::default();
        for (id, text) in storage.documents(AREA)? {
            let damaged = || DocumentError(format!("the measure `{id}` cannot be read"));
            if id == POSITION {
                book.position = Some(text.parse().map_err(|_| damaged())?);
                continue;
            }
            let measure: Measure = serde_json::from_str(&text).map_err(|_| damaged())?;
            book.last = book.last.max(measure.id);
            book.measures.insert(measure.id, measure);
        }
        let shield = Arc::new(Shield::new());
        shield.set(book.active());
        Ok(Self { book: Mutex::new(book), storage, shield })
    }

    /// One that forgets at its end.
    #[must_use]
    pub fn forgetful() -> Self {
        let shield = Arc::new(Shield::new());
        Self { book: Mutex::default(), storage: Arc::new(MemoryDocuments::default()), shield }
    }

    #[must_use]
    pub fn shield(&self) -> Arc<Shield> {
        Arc::clone(&self.shield)
    }

    /// Up to where alerts were answered.
    #[must_use]
    pub fn position(&self) -> Option<u64> {
        self.lock().position
    }

    /// Alerts up to `position` were answered.
    ///
    /// # Errors
    /// When it is not kept: they are answered again, to no other end.
    pub fn answered(&self, position: u64) -> Result<(), DocumentError> {
        let mut book = self.lock();
        if book.position.is_some_and(|own| own >= position) {
            return Ok(());
        }
        let put = DocumentChange::Put { id: POSITION.to_owned(), text: position.to_string() };
        self.storage.change_documents(AREA, &[put])?;
        book.position = Some(position);
        Ok(())
    }

    /// Takes a measure. One that a rule wants is judged by the budget first, and waits for a person where it is beyond it.
    ///
    /// # Errors
    /// Why it is not taken; nothing changed then.
    pub fn take(
        &self,
        new: NewMeasure,
        budget: Budget,
        population: &Population,
        now: Timestamp,
    ) -> Result<Taken, RegisterError> {
        if !new.action.fits(&new.target) {
            return Err(RegisterError::Unfit);
        }
        let mut book = self.lock();
        let same = |measure: &&Measure| measure.action == new.action && measure.target.is(&new.target);
        let by_rule = matches!(new.origin, Origin::Rule { .. });
        let is_undone = |measure: &Measure| measure.state == State::Undone && now < measure.until;
        if by_rule && book.measures.values().filter(same).any(is_undone) {
            return Err(RegisterError::LeftAlone);
        }
        // A dry run never stands in the way of the real thing, nor is it made one by an alert.
        let is_open = |measure: &&Measure| {
            measure.state.is_open()
                && now < measure.until
                && (measure.state == State::DryRun) == (new.state == State::DryRun)
        };
        let known = book.measures.values().filter(same).filter(is_open).map(|measure| measure.id).next();
        if let Some(mut measure) = known.and_then(|id| book.measures.get(&id).cloned()) {
            let before = (measure.until, measure.state);
            measure.until = measure.until.max(new.until);
            if !by_rule && measure.state == State::Pending {
                measure.state = State::Active;
            }
            if (measure.until, measure.state) == before {
                return Ok(Taken::Extended(measure));
            }
            measure.changed = now;
            self.keep(&mut book, measure.clone())?;
            return Ok(Taken::Extended(measure));
        }
        let mut state = new.state;
        if by_rule && state == State::Active {
            let holding = book.measures.values().filter(|measure| measure.holds(now));
            let known =
                |address: &&IpAddr| new.target.contains(**address) || self.shield.is_held(**address, now);
            let touched = Touched {
                anybody: population.known.iter().any(|address| new.target.contains(*address)),
                all: population.known.iter().filter(known).count(),
            };
            if !budget.allows(&new.target, holding, population, touched) {
                state = State::Pending;
            }
        }
        let waiting = || book.measures.values().filter(|measure| measure.state == State::Pending);
        if state == State::Pending && waiting().count() >= MOST_PENDING {
            return Err(RegisterError::TooMany);
        }
        let mut removed = Vec::new();
        if book.measures.len() >= MOST {
            // What is over first, then what does nothing.
            let oldest = |is_it: fn(State) -> bool| book.measures.values().find(|one| is_it(one.state));
            let room = oldest(|state| !state.is_open()).or_else(|| oldest(|state| state == State::DryRun));
            removed.push(room.ok_or(RegisterError::TooMany)?.id);
        }
        let id = book.last.saturating_add(1);
        let NewMeasure { action, target, origin, reason, from, until, .. } = new;
        // An alert may quote what somebody sent, and the list is shown in terminals.
        let plain = |letter: char| if letter.is_control() { ' ' } else { letter };
        let reason = reason.chars().take(LONGEST_REASON).map(plain).collect();
        let measure = Measure {
            id,
            action,
            target,
            origin,
            reason,
            from,
            until,
            state,
            changed: now,
            approved_by: None,
            ended: None,
        };
        for id in removed {
            self.storage.change_documents(AREA, &[DocumentChange::Remove { id: key(id) }])?;
            book.measures.remove(&id);
        }
        book.last = id;
        self.keep(&mut book, measure.clone())?;
        Ok(Taken::New(measure))
    }

    /// Ends a measure, or says no to one that waits.
    ///
    /// # Errors
    /// When there is none, or it has ended.
    pub fn undo(&self, id: u64, by: &str, now: Timestamp) -> Result<Measure, RegisterError> {
        self.change(id, now, |measure| {
            measure.state = State::Undone;
            measure.ended = Some(Ended { at: now, by: by.to_owned() });
            Ok(())
        })
    }

    /// Takes a measure that waits. Its time begins now.
    ///
    /// # Errors
    /// When there is none that waits.
    pub fn approve(&self, id: u64, by: &str, now: Timestamp) -> Result<Measure, RegisterError> {
        self.change(id, now, |measure| {
            if measure.state != State::Pending {
                return Err(RegisterError::Over);
            }
            let life = measure.until.saturating_since(measure.from);
            (measure.from, measure.until) = (now, now.saturating_add(life));
            measure.changed = now;
            measure.state = State::Active;
            measure.approved_by = Some(by.to_owned());
            Ok(())
        })
    }

    /// Ends what is over, and answers what it was. What happened to them is remembered for a while.
    ///
    /// # Errors
    /// When it is not kept; they hold no more all the same.
    pub fn sweep(&self, now: Timestamp) -> Result<Vec<Measure>, DocumentError> {
        let mut book = self.lock();
        let over = |measure: &&Measure| measure.state.is_open() && now >= measure.until;
        let mut ended: Vec<Measure> = book.measures.values().filter(over).cloned().collect();
        let old = |measure: &&Measure| {
            let ended = measure.ended.as_ref().map_or(measure.until, |ended| ended.at.max(measure.until));
            !measure.state.is_open() && now.saturating_since(ended) > REMEMBERED
        };
        let forgotten: Vec<u64> = book.measures.values().filter(old).map(|measure| measure.id).collect();
        if ended.is_empty() && forgotten.is_empty() {
            return Ok(ended);
        }
        for measure in &mut ended {
            measure.ended = Some(Ended { at: measure.until, by: "gate".to_owned() });
            measure.state = State::Expired;
        }
        let mut changes: Vec<_> = ended.iter().map(put).collect();
        changes.extend(forgotten.iter().map(|id| DocumentChange::Remove { id: key(*id) }));
        self.storage.change_documents(AREA, &changes)?;
        for measure in &ended {
            book.measures.insert(measure.id, measure.clone());
        }
        for id in forgotten {
            book.measures.remove(&id);
        }
        self.shield.set(book.active());
        Ok(ended)
    }

    /// What may still do something.
    #[must_use]
    pub fn open_ones(&self, now: Timestamp) -> Vec<Measure> {
        self.lock().measures.values().filter(|measure| measure.is_open(now)).cloned().collect()
    }

    /// Forgets every measure that names an account that is erased, but for those that still hold against a network: of
    /// these, only why.
    ///
    /// # Errors
    /// When it cannot be kept.
    pub fn erase(&self, name: &str) -> Result<(), DocumentError> {
        let mut book = self.lock();
        let names = |measure: &&Measure| {
            serde_json::to_string(measure).is_ok_and(|text| text.to_lowercase().contains(name))
        };
        let named: Vec<Measure> = book.measures.values().filter(names).cloned().collect();
        let mut changes = Vec::new();
        for mut measure in named {
            let still = measure.state.is_open() && matches!(measure.target, crate::Target::Network { .. });
            if still {
                "erased".clone_into(&mut measure.reason);
            }
            if still && !names(&&measure) {
                changes.push(put(&measure));
                book.measures.insert(measure.id, measure);
            } else {
                changes.push(DocumentChange::Remove { id: key(measure.id) });
                book.measures.remove(&measure.id);
            }
        }
        if !changes.is_empty() {
            self.storage.change_documents(AREA, &changes)?;
            self.shield.set(book.active());
        }
        Ok(())
    }

    /// All, the latest first.
    #[must_use]
    pub fn all(&self) -> Vec<Measure> {
        self.lock().measures.values().rev().cloned().collect()
    }

    #[must_use]
    pub fn one(&self, id: u64) -> Option<Measure> {
        self.lock().measures.get(&id).cloned()
    }

    /// Blocks that hold: what other machines may enforce, too.
    #[must_use]
    pub fn blocks(&self, now: Timestamp) -> Vec<Measure> {
        let is_block = |measure: &&Measure| measure.holds(now) && is_block(measure);
        self.lock().measures.values().filter(is_block).cloned().collect()
    }

    fn change(
        &self,
        id: u64,
        now: Timestamp,
        change: impl FnOnce(&mut Measure) -> Result<(), RegisterError>,
    ) -> Result<Measure, RegisterError> {
        let mut book = self.lock();
        let mut measure = book.measures.get(&id).cloned().ok_or(RegisterError::NotFound)?;
        if !measure.state.is_open() || now >= measure.until {
            return Err(RegisterError::Over);
        }
        change(&mut measure)?;
        self.keep(&mut book, measure.clone())?;
        Ok(measure)
    }

    /// Durable first, then in force.
    fn keep(&self, book: &mut Book, measure: Measure) -> Result<(), DocumentError> {
        self.storage.change_documents(AREA, &[put(&measure)])?;
        book.measures.insert(measure.id, measure);
        self.shield.set(book.active());
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Book {
    /// Each is asked for its time again when it is looked up.
    fn active(&self) -> impl Iterator<Item = &Measure> {
        self.measures.values().filter(|measure| measure.state == State::Active)
    }
}

fn put(measure: &Measure) -> DocumentChange {
    let text = serde_json::to_string(measure).unwrap_or_default();
    DocumentChange::Put { id: key(measure.id), text }
}

fn key(id: u64) -> String {
    format!("{id:020}")
}

const AREA: &str = "respond";
const POSITION: &str = "position";
/// Measures that are kept, with those that ended.
const MOST: usize = 20_000;
/// Measures that wait for a person. Nobody decides about more, and an attacker could make any number.
const MOST_PENDING: usize = 1_000;
const LONGEST_REASON: usize = 500;
/// How long an ended measure is.
const REMEMBERED: std::time::Duration = std::time::Duration::from_secs(30 * 86_400);

#[cfg(test)]
mod tests;
