//! Ways around a limit of wrong passwords that holds for the plain way: part of the test `login-rate`.
//!
//! Each begins with an account that was not asked for yet: one that the probe made, or else another identity of the facts.
//!
//! `spelling`: the name in capitals, with a space behind it, or with a tag in its address (`ann+1@…`), another one each time. Only
//! where such a spelling with the right password signs in: then it is the same account. `parallel`: twenty at once. Each is proven
//! when more wrong passwords are judged than one after the other and five. `spraying`: another name each time; names that nobody
//! has, so that it only tells that addresses are not counted, and is tentative.

use gabion_model::Severity;

use super::login_rate::{TRIES, is_alike, shown};
use crate::field::Field;
use crate::login::{Tried, Try};
use crate::sacrifice;
use crate::session::Session;
use crate::verdict::{Outcome, Proof, Verdict};
use crate::wire::{Answer, Request, WireError};

/// More than one after the other: what a few late answers explain is none.
const BEYOND: usize = 5;

/// What is known of the plain way.
pub(super) struct Plain<'a> {
    pub(super) id: &'static str,
    pub(super) operation: &'a str,
    /// Somebody who signs in the way that is tried.
    pub(super) who: usize,
    /// How many were judged one after the other.
    pub(super) judged: usize,
    /// The try that was not judged any more.
    pub(super) refused: &'a Tried,
    /// Name and password of identities that were not asked for yet.
    pub(super) left: Vec<(String, String)>,
}

/// Tries each way.
pub(super) async fn around(field: &Field, plain: Plain<'_>) -> Result<(), WireError> {
    let mut accounts: Vec<(String, String)> = plain.left.clone();
    // What the probe made needs nobody's patience afterwards.
    if sacrifice::recipe(field).await?.is_ok() {
        for _ in 0..2 {
            if let Ok(account) = sacrifice::make(field).await? {
                accounts.push((account.name().to_owned(), account.password.clone()));
            }
        }
    }
    for aspect in ["parallel", "spelling"] {
        let Some((name, password)) = accounts.pop() else {
            let says = "it takes one more account that was not asked for yet";
            field.say(Outcome::new(plain.id, plain.operation, Verdict::NotTested, says).aspect(aspect));
            continue;
        };
        if aspect == "parallel" {
            parallel(field, &plain, &name).await?;
        } else {
            spelling(field, &plain, &name, &password).await?;
        }
    }
    spraying(field, &plain).await
}

impl Plain<'_> {
    async fn attempt(&self, field: &Field, user: &str, password: &str) -> Result<Option<Tried>, WireError> {
        let one = Try { user, password, code: "", before: Session::default() };
        field.attempt(self.who, &one).await
    }

    fn outcome(&self, aspect: &str, verdict: Verdict, says: impl Into<String>) -> Outcome {
        Outcome::new(self.id, self.operation, verdict, says).aspect(aspect)
    }

    fn judge(&self, field: &Field, aspect: &str, how: &str, all: &[Tried]) {
        let first = all.first().filter(|first| !first.answer.is_throttle());
        let count = first.map_or(0, |first| {
            all.iter().filter(|tried| is_alike(first, tried) && !tried.answer.is_throttle()).count()
        });
        let outcome = match first {
            Some(first) if count > self.judged.saturating_add(BEYOND) => {
                let says = format!(
                    "{how}, {count} wrong passwords were judged, and {} one after the other",
                    self.judged
                );
                let proof = Proof::new(
                    shown("anonymous", first),
                    format!("{count} were answered {}", first.answer.status),
                )
                .twin(shown("anonymous", self.refused));
                self.outcome(aspect, Verdict::Proven, says).proof(proof)
            }
            Some(_) => {
                self.outcome(aspect, Verdict::Passed, format!("{how}, {count} wrong passwords were judged"))
            }
            None => self.outcome(aspect, Verdict::Inconclusive, "it was asked too often before"),
        };
        field.say(outcome);
    }
}

async fn parallel(field: &Field, plain: &Plain<'_>, name: &str) -> Result<(), WireError> {
    let word = field.canary();
    let Some(first) = plain.attempt(field, name, &word).await? else { return Ok(()) };
    let text = String::from_utf8_lossy(&first.request.body).into_owned();
    if !text.contains(&word) {
        field.say(plain.outcome("parallel", Verdict::NotTested, "the password is not sent as it is"));
        return Ok(());
    }
    let requests: Vec<Request> = (0..TRIES)
        .map(|_| Request { body: text.replace(&word, &field.canary()).into_bytes(), ..first.request.clone() })
        .collect();
    let answers = field.wire.together(&requests).await?;
    let answers: Vec<Answer> = answers.into_iter().filter_map(Result::ok).collect();
    let tried = answers.into_iter().zip(requests).map(|(answer, request)| Tried {
        request,
        answer,
        session: Err(String::new()),
    });
    let all: Vec<Tried> = std::iter::once(first).chain(tried).collect();
    plain.judge(field, "parallel", "at once", &all);
    Ok(())
}

/// Other spellings of a name; none where there is no other one.
fn spellings(name: &str, kind: usize) -> Vec<String> {
    let turned = |at: usize| -> String {
        let letters = name.chars().enumerate().map(|(place, letter)| {
            if at >> (place % 16) & 1 == 1 {
                letter.to_ascii_uppercase()
            } else {
                letter.to_ascii_lowercase()
            }
        });
        letters.collect()
    };
    let all = 1..=TRIES.saturating_add(1);
    let mut found: Vec<String> = match (kind, name.split_once('@')) {
        (0, _) => all.map(|at| turned(at.saturating_mul(7))).collect(),
        (1, _) => all.map(|at| format!("{name}{}", " ".repeat(at))).collect(),
        (_, Some((local, domain))) => all.map(|at| format!("{local}+{at}@{domain}")).collect(),
        _ => Vec::new(),
    };
    let mut met = std::collections::BTreeSet::new();
    found.retain(|other| other != name && met.insert(other.clone()));
    found
}

async fn spelling(field: &Field, plain: &Plain<'_>, name: &str, password: &str) -> Result<(), WireError> {
    for (kind, how) in
        ["with capitals in the name", "with spaces behind the name", "with tags in the address"]
            .into_iter()
            .enumerate()
    {
        let mut all = spellings(name, kind).into_iter();
        let Some(first) = all.next() else { continue };
        let Some(right) = plain.attempt(field, &first, password).await? else { continue };
        let Ok(session) = &right.session else { continue };
        let open = match sacrifice::door(field) {
            Some(door) => field.as_session(session, &door.call.request()).await?.status == door.answer.status,
            None => true,
        };
        field.hide(session);
        if !open || all.len() < TRIES / 2 {
            continue;
        }
        let mut tried = Vec::new();
        for other in all {
            let Some(one) = plain.attempt(field, &other, &format!("{}-Wrong", field.canary())).await? else {
                break;
            };
            let over = one.answer.is_throttle();
            tried.push(one);
            if over {
                break;
            }
        }
        plain.judge(field, "spelling", how, &tried);
        return Ok(());
    }
    field.say(plain.outcome("spelling", Verdict::Passed, "no other spelling of a name signs in"));
    Ok(())
}

async fn spraying(field: &Field, plain: &Plain<'_>) -> Result<(), WireError> {
    let mut tried: Vec<Tried> = Vec::new();
    for _ in 0..TRIES {
        let (name, wrong) = (field.canary(), "Harbour-41-wrong");
        let Some(one) = plain.attempt(field, &name, wrong).await? else { break };
        let over = one.answer.is_throttle();
        tried.push(one);
        if over {
            break;
        }
    }
    let judged = tried.iter().filter(|one| !one.answer.is_throttle()).count();
    let outcome = match tried.first() {
        Some(first) if judged == TRIES => {
            let says = format!("one password for another name each time: all {TRIES} were judged");
            let proof = Proof::new(shown("anonymous", first), "names alone are counted, not who asks")
                .twin(shown("anonymous", plain.refused));
            plain.outcome("spraying", Verdict::Tentative, says).severity(Severity::Low).proof(proof)
        }
        _ => plain.outcome(
            "spraying",
            Verdict::Passed,
            format!("one password for many names: {judged} were judged"),
        ),
    };
    field.say(outcome);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_spellings_are_other_texts_of_one_name() {
        let capitals = spellings("alice", 0);
        assert!(
            capitals.len() >= TRIES / 2 && capitals.iter().all(|name| name.eq_ignore_ascii_case("alice"))
        );
        assert!(!capitals.contains(&"alice".to_owned()));
        assert_eq!(spellings("ann@example.com", 2)[0], "ann+1@example.com");
        assert!(spellings("ann", 2).is_empty() && spellings("7", 0).is_empty());
    }
}
