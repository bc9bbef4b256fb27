//! Whether a text makes a regular expression of the target try without end (CWE-1333).
//!
//! For each text of each request that works, in steps that stop as soon as anything is felt:
//! 1. Texts of 20 to 26 equal letters with an end that does not fit. Where the longest is no slower than usual, it passed.
//! 2. Three rounds of growing lengths: every two letters more must take at least one and a half times as long, in each round, and
//!    the longest at least a fifth of a second.
//! 3. Negative twin: a text as long whose letters are all different. It must be as quick as usual.
//!
//! No text takes a target of this kind longer than a second or two.

use std::time::Duration;

use gabion_model::outbound::BoxFuture;

use super::{Attack, Phase};
use crate::aim::{Aim, aims};
use crate::field::Field;
use crate::operation::Place;
use crate::verdict::{Proof, Verdict};
use crate::wire::WireError;

pub(super) struct Redos;

const ID: &str = "redos";

impl Attack for Redos {
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
                if !attack(aim).await? {
                    let says = "longer texts do not take longer";
                    field.say(aim.outcome(ID, Verdict::Passed, says));
                }
            }
            if tested == 0 {
                field.not_tested(ID, "no operation takes a text");
            }
            Ok(())
        })
    }
}

fn is_candidate(aim: &Aim<'_>) -> bool {
    let plain = matches!(aim.point.place, Place::Query | Place::Form | Place::Json | Place::Path);
    plain && aim.works && aim.original.parse::<f64>().is_err()
}

/// What is felt at all.
const FELT: Duration = Duration::from_millis(80);
/// How much longer each step takes at least.
const GROWTH: f64 = 1.5;

async fn attack(aim: &Aim<'_>) -> Result<bool, WireError> {
    let text = |length: usize| {
        let before = if aim.original.contains('@') { "a@a." } else { "" };
        format!("{before}{}!", "a".repeat(length))
    };
    let took = async |text: &str| Ok::<_, WireError>(aim.text(text).await?.map(|sent| sent.answer.elapsed));
    let Some(longest) = took(&text(24)).await? else { return Ok(false) };
    if longest < FELT {
        return Ok(false);
    }
    let different: String = ('b'..='y').collect();
    let different = format!("{different}!");
    let (Some(usual), Some(quick)) = (took(&aim.original).await?, took(&different).await?) else {
        return Ok(false);
    };
    if quick > usual.saturating_add(FELT) {
        return Ok(false);
    }
    let mut seen = Vec::new();
    for _ in 0..3 {
        let mut last: Option<Duration> = None;
        for length in [20, 22, 24, 26] {
            let Some(now) = took(&text(length)).await? else { return Ok(false) };
            let grows = last.is_none_or(|last| now.as_secs_f64() >= last.as_secs_f64() * GROWTH);
            if !grows {
                return Ok(false);
            }
            seen.push(format!("{length}: {:.2} s", now.as_secs_f64()));
            last = Some(now);
        }
        if last.is_none_or(|last| last < Duration::from_millis(200)) {
            return Ok(false);
        }
    }
    let (Some(attack), Some(twin)) = (aim.text(&text(26)).await?, aim.text(&different).await?) else {
        return Ok(false);
    };
    if twin.answer.elapsed > usual.saturating_add(FELT) {
        return Ok(false);
    }
    let evidence = format!("letters and how long they took: {}", seen.join(", "));
    let proof = Proof::new(aim.evidence(&attack), evidence).twin(aim.evidence(&twin));
    let says = "two letters more take one and a half times as long, again and again";
    aim.field.say(aim.outcome(ID, Verdict::Firm, says).proof(proof));
    Ok(true)
}
