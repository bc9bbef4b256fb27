//! Whether a text makes a regular expression of the target try without end (CWE-1333).
//!
//! For each text of each request that works, in steps that stop as soon as anything is felt:
//! 1. Texts of 24, 28 and 32 equal letters with an end that does not fit. Where none is slower than usual, it passed.
//! 2. Three rounds of three lengths, from where it is felt: two letters more must take at least one and a half times as long, both
//!    times, by the quickest of each, and the longest at least a fifth of a second.
//! 3. Negative twin: in each round a text as long that is read without going back. The quickest must be as quick as usual.
//! 4. Where something was felt and the lengths do not tell it from another load of the target, all of it is tried once more.
//!
//! No text takes a target of this kind longer than a few seconds.

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
/// What is too slow to be made slower.
const SLOW: Duration = Duration::from_millis(900);

async fn attack(aim: &Aim<'_>) -> Result<bool, WireError> {
    // Of an address both sides are read: the name, and the host.
    let sides: &[&str] = if aim.original.contains('@') { &["a@a.", ""] } else { &[""] };
    for before in sides {
        for _ in 0..TRIES {
            match slows(aim, before).await? {
                Felt::Shown => return Ok(true),
                Felt::Unclear => {}
                Felt::Nothing => break,
            }
        }
    }
    Ok(false)
}

/// How often what was felt and not shown is tried.
const TRIES: usize = 2;

/// What longer texts came to.
enum Felt {
    Nothing,
    /// Slow, and not by their length as far as it was seen: the target may have been busy.
    Unclear,
    Shown,
}

async fn slows(aim: &Aim<'_>, before: &str) -> Result<Felt, WireError> {
    let text = |length: usize| format!("{before}{}!", "a".repeat(length));
    let took = async |text: &str| Ok::<_, WireError>(aim.text(text).await?.map(|sent| sent.answer.elapsed));
    // A step that was not felt is followed by one that takes at most 16 times as long.
    let mut felt = None;
    for length in [24, 28, 32] {
        let Some(now) = took(&text(length)).await? else { return Ok(Felt::Nothing) };
        if now >= FELT {
            felt = Some(if now > SLOW { length.saturating_sub(2) } else { length });
            break;
        }
    }
    let Some(mut longest) = felt else { return Ok(Felt::Nothing) };
    let Some(usual) = took(&aim.original).await? else { return Ok(Felt::Nothing) };
    // As long, and read without going back: all letters different, without the end that does not fit, or no letters at all.
    let mut quick = None;
    for twin in [('b'..='y').chain(['!']).collect::<String>(), "a".repeat(25), "!".repeat(25)] {
        let Some(now) = took(&twin).await? else { return Ok(Felt::Nothing) };
        if now <= usual.saturating_add(FELT) {
            quick = Some(twin);
            break;
        }
    }
    let Some(quick) = quick else { return Ok(Felt::Unclear) };
    // So long that a fourth and a sixteenth of it are felt too.
    for _ in 0..2 {
        let Some(now) = took(&text(longest)).await? else { return Ok(Felt::Nothing) };
        if now >= Duration::from_millis(400) {
            break;
        }
        longest = longest.saturating_add(2);
    }
    let first = longest.saturating_sub(4);
    // What else the target does makes it slower, never quicker: the quickest of three rounds is its own.
    let lengths = [first, first.saturating_add(2), longest];
    let (mut least, mut least_of_twin) = ([Duration::MAX; 3], Duration::MAX);
    for _ in 0..3 {
        for (length, least) in lengths.into_iter().zip(&mut least) {
            let Some(now) = took(&text(length)).await? else { return Ok(Felt::Nothing) };
            *least = now.min(*least);
        }
        let Some(now) = took(&quick).await? else { return Ok(Felt::Nothing) };
        least_of_twin = now.min(least_of_twin);
    }
    let grows = least
        .iter()
        .zip(least.iter().skip(1))
        .all(|(one, two)| two.as_secs_f64() >= one.as_secs_f64() * GROWTH);
    let slow = least.iter().max().is_some_and(|last| *last >= Duration::from_millis(200));
    if !grows || !slow || least_of_twin > usual.saturating_add(FELT) {
        return Ok(Felt::Unclear);
    }
    let seen: Vec<String> = lengths
        .iter()
        .zip(&least)
        .map(|(length, took)| format!("{length}: {:.2} s", took.as_secs_f64()))
        .collect();
    let (Some(attack), Some(twin)) = (aim.text(&text(longest)).await?, aim.text(&quick).await?) else {
        return Ok(Felt::Nothing);
    };
    let evidence = format!("letters and how long they took: {}", seen.join(", "));
    let proof = Proof::new(aim.evidence(&attack), evidence).twin(aim.evidence(&twin));
    let says = "two letters more take one and a half times as long, and so do the next two";
    aim.field.say(aim.outcome(ID, Verdict::Firm, says).proof(proof));
    Ok(Felt::Shown)
}
