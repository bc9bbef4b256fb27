//! Whether a value becomes part of the filter of a directory's search (CWE-90, RFC 4515).
//!
//! For each text of each request that reads and works:
//! 1. The filter is closed and goes on with a part that every entry fits: the original answer must come. With a part that no entry
//!    fits it must not.
//! 2. Negative twin: the same with a parenthesis too many, which is no filter. It must not give the original answer.
//! 3. Proof: six rounds of both kinds with fresh values in random order; the answers must follow all of them.

use gabion_model::outbound::BoxFuture;

use super::{Attack, Phase, shuffled};
use crate::aim::{Aim, aims};
use crate::field::Field;
use crate::verdict::{Proof, Verdict};
use crate::wire::WireError;

pub(super) struct LdapInjection;

const ID: &str = "ldap-injection";

impl Attack for LdapInjection {
    fn id(&self) -> &'static str {
        ID
    }

    fn phase(&self) -> Phase {
        Phase::Read
    }

    fn run<'a>(&'a self, field: &'a Field) -> BoxFuture<'a, Result<(), WireError>> {
        Box::pin(async move {
            let mut tested = 0_usize;
            for aim in aims(field).iter().filter(|aim| is_candidate(aim)) {
                tested = tested.saturating_add(1);
                let (verdict, says) = match attack(aim).await? {
                    Some(true) => continue,
                    Some(false) => {
                        (Verdict::Passed, "no part of a filter that was put into it made a difference")
                    }
                    None => (Verdict::Inconclusive, "the original value gets another answer each time"),
                };
                field.say(aim.outcome(ID, verdict, says));
            }
            if tested == 0 {
                field.not_tested(ID, "no operation that reads takes a text");
            }
            Ok(())
        })
    }
}

fn is_candidate(aim: &Aim<'_>) -> bool {
    aim.is_value() && aim.is_safe() && aim.works && aim.original.parse::<f64>().is_err()
}

const ROUNDS: usize = 6;

/// Whether it was found; nothing where answers cannot be compared.
async fn attack(aim: &Aim<'_>) -> Result<Option<bool>, WireError> {
    let Some(base) = aim.profile().await? else { return Ok(None) };
    // The last parenthesis is the filter's own.
    let text = |truth: bool, broken: &str| {
        let (value, word) = (&aim.original, aim.field.canary());
        let joins = if truth { '|' } else { '&' };
        format!("{value})({broken}{joins}(objectClass=*)(cn={word})")
    };
    let Some(first) = aim.text(&text(true, "")).await? else { return Ok(Some(false)) };
    if !aim.fits(&base, &first) {
        return Ok(Some(false));
    }
    let Some(other) = aim.text(&text(false, "")).await? else { return Ok(Some(false)) };
    let Some(twin) = aim.text(&text(true, "(")).await? else { return Ok(Some(false)) };
    if aim.fits(&base, &other) || aim.fits(&base, &twin) {
        return Ok(Some(false));
    }
    for truth in shuffled(aim.field, ROUNDS) {
        let Some(sent) = aim.text(&text(truth, "")).await? else { return Ok(Some(false)) };
        if aim.fits(&base, &sent) != truth {
            return Ok(Some(false));
        }
    }
    let says =
        format!("a directory's filter went on in {}: {ROUNDS} of {ROUNDS} answers followed it", aim.point);
    let evidence =
        format!("`{}` gives the answer of `{}`, and `{}` does not", first.text, aim.original, other.text);
    let proof =
        Proof::new(aim.evidence(&first), evidence).twin(aim.evidence(&twin)).shown(aim.evidence(&other));
    aim.field.say(aim.outcome(ID, Verdict::Proven, says).proof(proof));
    Ok(Some(true))
}
