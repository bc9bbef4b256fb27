//! What incidents keep of people, sealed with the keys of their accounts: erasing an account erases it there as well, and every
//! digest still holds.
//!
//! A text of a step is sealed for every account it names, by its name or its verified e-mail address; where somebody is, for
//! whoever takes the step; an address an incident is about, for the one account that stands beside it in the step. A file that
//! is kept as evidence is sealed as a whole for every account it names. What an erased account was called is left out.

use gabion_identity::Email;
use gabion_incident::personal::{self, Part, Slot};
use gabion_incident::step::Step;
use gabion_incident::{Incident, Subject};
use gabion_ledger::attached::{Attached, Detached, Opening};
use gabion_ledger::personal::SubjectId;

use super::IncidentError;
use crate::ActError;
use crate::service::Inner;

/// Accounts a text names.
#[derive(Default)]
pub(super) struct Named {
    subjects: Vec<SubjectId>,
    /// Names of those that were erased.
    erased: Vec<String>,
}

/// A piece of evidence as it is read.
pub(super) enum Piece {
    Content(Vec<u8>),
    Erased,
    Missing,
}

impl Inner {
    /// The accounts a text names.
    pub(super) fn named_in(&self, text: &str) -> Result<Named, IncidentError> {
        let mut words = personal::words(text);
        let mut names = Vec::new();
        for word in words.iter().filter(|word| word.contains('@')) {
            if let Ok(email) = word.parse::<Email>()
                && let Some(account) = self.accounts.by_verified_email(&email).map_err(ActError::from)?
            {
                names.push(account.name.as_str().to_owned());
            }
        }
        words.extend(names);
        let found = self.ledger.spoken_of(words.iter().map(String::as_str));
        let (subjects, erased) = found.map_err(|error| unsealed(&error))?;
        Ok(Named { subjects, erased })
    }

    /// Whether a text names an account, so that it stands where it can be erased and nowhere else.
    pub(super) fn names_somebody(&self, text: &str) -> Result<bool, IncidentError> {
        let named = self.named_in(text)?;
        Ok(!named.subjects.is_empty() || !named.erased.is_empty())
    }

    /// A step as it is kept.
    pub(super) fn sealed_step(&self, step: &Step) -> Result<Vec<u8>, IncidentError> {
        let mut step = step.clone();
        let (mut slots, mut accounts) = (Vec::new(), Vec::new());
        step.slots(&mut |slot| {
            if let Slot::Subject(Subject::Account(name)) = &slot {
                accounts.push(name.clone());
            }
            let of_caller = matches!(slot, Slot::From(_));
            let of_account = matches!(slot, Slot::Subject(Subject::Address(_) | Subject::Network(_)));
            slots.push((slot.text(), of_caller, of_account));
        });
        let caller = self.named_in(&step.by)?;
        let mut beside = self.named_in(&accounts.join(" "))?;
        if beside.subjects.len() != 1 || accounts.len() != 1 {
            // Whose address it is cannot be told.
            beside = Named::default();
        }
        let mut parts = Vec::new();
        for (number, (text, of_caller, of_account)) in slots.into_iter().enumerate() {
            let Some(text) = text else { continue };
            let own;
            let named = if of_caller {
                &caller
            } else if of_account {
                &beside
            } else {
                own = self.named_in(&text)?;
                &own
            };
            let text = named.erased.iter().fold(text.clone(), |text, name| without(&text, name));
            if named.subjects.is_empty() {
                if !named.erased.is_empty() {
                    personal::at(&mut step, number, |slot| slot.put(&text));
                }
                continue;
            }
            let sealed = self.ledger.attach(&named.subjects, text.as_bytes());
            parts.push(Part { slot: number, text: sealed.map_err(|error| unsealed(&error))? });
            personal::at(&mut step, number, |slot| slot.clear());
        }
        personal::write(&step, &parts).map_err(|_| ActError::Unavailable.into())
    }

    /// A step as it is read: what was erased says so.
    pub(super) fn opened_step(&self, bytes: &[u8]) -> Result<Option<Step>, IncidentError> {
        let Ok((mut step, parts)) = personal::read::<Attached>(bytes) else { return Ok(None) };
        for part in parts {
            let detached = self.ledger.detach(&part.text);
            let done = match detached {
                Ok(Detached::Text(Opening { text, .. })) => {
                    let Ok(text) = String::from_utf8(text) else { return Ok(None) };
                    personal::at(&mut step, part.slot, |slot| slot.put(&text))
                }
                Ok(Detached::Erased) => {
                    let word = part.text.stand_in(gabion_ledger::personal::ERASED);
                    personal::at(&mut step, part.slot, |slot| {
                        slot.stand_in(&word);
                        true
                    })
                }
                Err(error) if error.kind() == std::io::ErrorKind::InvalidData => return Ok(None),
                Err(error) => return Err(unsealed(&error)),
            };
            if done != Some(true) {
                return Ok(None);
            }
        }
        Ok(Some(step))
    }

    /// What opens the sealed texts of a step, for whoever has no keys; none for what was erased.
    pub(super) fn openings(&self, bytes: &[u8]) -> Result<Vec<Option<String>>, IncidentError> {
        let Ok((_, parts)) = personal::read::<Attached>(bytes) else { return Ok(Vec::new()) };
        let open = |part: &Part<Attached>| match self.ledger.detach(&part.text) {
            Ok(Detached::Text(opening)) => Ok(Some(opening.encode())),
            Ok(Detached::Erased) => Ok(None),
            Err(error) => Err(unsealed(&error)),
        };
        parts.iter().map(open).collect()
    }

    /// A file as it is kept, and whether it is sealed.
    pub(super) fn sealed_file(&self, content: Vec<u8>) -> Result<(Vec<u8>, bool), IncidentError> {
        let named = self.named_in(&String::from_utf8_lossy(&content))?;
        if named.subjects.is_empty() {
            return Ok((content, false));
        }
        if named.subjects.len() > gabion_ledger::attached::MOST_SUBJECTS {
            let most = gabion_ledger::attached::MOST_SUBJECTS;
            return Err(IncidentError::invalid("content", format!("names more than {most} accounts")));
        }
        let sealed = self.ledger.attach(&named.subjects, &content).map_err(|error| unsealed(&error))?;
        Ok((serde_json::to_vec(&sealed).map_err(|_| ActError::Unavailable)?, true))
    }

    /// A piece of evidence.
    pub(super) fn piece(&self, incident: &Incident, id: u64) -> Result<Piece, IncidentError> {
        let kept = self.desk.load().storage.content(incident.id, id)?;
        let Some(kept) = kept else { return Ok(Piece::Missing) };
        if !incident.evidence.iter().any(|item| item.id == id && item.sealed) {
            return Ok(Piece::Content(kept));
        }
        let Ok(attached) = serde_json::from_slice::<Attached>(&kept) else { return Ok(Piece::Missing) };
        match self.ledger.detach(&attached) {
            Ok(Detached::Text(opening)) => Ok(Piece::Content(opening.text)),
            Ok(Detached::Erased) => Ok(Piece::Erased),
            Err(error) if error.kind() == std::io::ErrorKind::InvalidData => Ok(Piece::Missing),
            Err(error) => Err(unsealed(&error)),
        }
    }
}

/// The text without a name, which is ASCII, in whatever case.
fn without(text: &str, name: &str) -> String {
    let lower = text.to_ascii_lowercase();
    let (mut out, mut at) = (String::with_capacity(text.len()), 0);
    for (found, _) in lower.match_indices(name) {
        out.push_str(text.get(at..found).unwrap_or_default());
        out.push_str(gabion_ledger::personal::ERASED);
        at = found.saturating_add(name.len());
    }
    out.push_str(text.get(at..).unwrap_or_default());
    out
}

fn unsealed(error: &std::io::Error) -> IncidentError {
    tracing::error!(%error, "what an incident keeps of people cannot be sealed or opened");
    ActError::Unavailable.into()
}
