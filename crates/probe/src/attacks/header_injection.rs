//! Whether a value begins a new field in the head of an answer (CWE-113, CWE-93).
//!
//! For each value of each request, but those of header fields:
//! 1. The value is followed by the end of a line and a field with a random name, in the forms that decoders let through. The answer
//!    must have that field.
//! 2. Negative twin: the same with spaces in place of the end of the line. It must not have its field.
//! 3. It is repeated with another name. Then it is proven.

use gabion_model::outbound::BoxFuture;

use super::{Attack, Phase};
use crate::aim::{Aim, Sent, aims};
use crate::call::Put;
use crate::field::Field;
use crate::operation::Place;
use crate::verdict::{Proof, Verdict};
use crate::wire::WireError;

pub(super) struct HeaderInjection;

const ID: &str = "header-injection";

impl Attack for HeaderInjection {
    fn id(&self) -> &'static str {
        ID
    }

    fn phase(&self) -> Phase {
        Phase::Write
    }

    fn run<'a>(&'a self, field: &'a Field) -> BoxFuture<'a, Result<(), WireError>> {
        Box::pin(async move {
            let mut tested = 0_usize;
            for aim in aims(field).iter().filter(|aim| is_candidate(aim)) {
                tested = tested.saturating_add(1);
                attack(aim).await?;
            }
            if tested == 0 {
                field.not_tested(ID, "no operation takes a text");
            }
            Ok(())
        })
    }
}

fn is_candidate(aim: &Aim<'_>) -> bool {
    aim.is_value()
        && !matches!(aim.point.place, Place::Header | Place::Cookie)
        && aim.original.parse::<f64>().is_err()
}

/// Ends of a line as decoders read them; the last is a character whose low byte is one.
const ENDS: &[&str] = &["\r\n", "\n", "\u{560d}\u{560a}"];

async fn attack(aim: &Aim<'_>) -> Result<(), WireError> {
    // Only where an answer leads or is kept can a value be in its head; others get the commonest form.
    let head = aim.known.answer.is_redirect() || aim.known.answer.field("set-cookie").is_some();
    for end in ENDS.iter().take(if head { 3 } else { 1 }) {
        let Some((attack, name)) = send(aim, end).await? else { continue };
        if attack.answer.field(&name).is_none() {
            continue;
        }
        let (Some((twin, other)), Some((again, third))) = (send(aim, "  ").await?, send(aim, end).await?)
        else {
            continue;
        };
        if twin.answer.field(&other).is_some() || again.answer.field(&third).is_none() {
            continue;
        }
        let proof = Proof::new(aim.evidence(&attack), format!("the head of the answer has `{name}: 1`"))
            .twin(aim.evidence(&twin))
            .shown(aim.evidence(&again));
        let says = format!("{} writes fields into the head of the answer", aim.point);
        aim.field.say(aim.outcome(ID, Verdict::Proven, says).proof(proof));
        return Ok(());
    }
    aim.field.say(aim.outcome(ID, Verdict::Passed, "no field of the answer began in it"));
    Ok(())
}

async fn send(aim: &Aim<'_>, end: &str) -> Result<Option<(Sent, String)>, WireError> {
    let name = format!("x-{}", aim.field.canary());
    let sent = aim.send(&Put::Text(&format!("{}{end}{name}: 1", aim.original))).await?;
    Ok(sent.map(|sent| (sent, name)))
}
