//! One finding of an earlier report, looked at again: does it still hold?
//!
//! 1. People sign in afresh; what stood for their credentials is filled in.
//! 2. Attack and twin are sent as they stand in the report, where sending them again cannot hit something else: reads, and `POST`
//!    as the same person. Where both go as they went, and the two differ, it is `still there`.
//! 3. Everything else its own test decides, at the whole application: with objects that are there now, its positive control and
//!    its twin. A refused attack alone says little: the object may be gone, or the address.
//!
//! `gone` is said only where that test came to a verdict at the same place and found nothing.

use crate::facts::Facts;
use crate::field::Field;
use crate::format::JsonExchange;
use crate::hidden::Hidden;
use crate::kept::{Filling, KeptFinding};
use crate::report::Report;
use crate::run::{Progress, RunError, World, complete, enter};
use crate::verdict::{Exchange, Verdict};

/// What became of a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    StillThere,
    Gone,
    CannotSay,
}

impl Standing {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::StillThere => "still_there",
            Self::Gone => "gone",
            Self::CannotSay => "cannot_say",
        }
    }

    /// For people.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::StillThere => "still there",
            Self::Gone => "gone",
            Self::CannotSay => "cannot say",
        }
    }
}

/// A finding that was looked at again.
#[derive(Debug)]
pub struct Replayed {
    pub finding: KeptFinding,
    pub standing: Standing,
    /// Why, in one line.
    pub says: String,
    /// Attack and twin as they were sent again, with the status they had.
    pub sent: Vec<(&'static str, Exchange, u16)>,
    /// What the test said, where it was asked.
    pub report: Option<Report>,
    pub base: String,
    pub hidden: Hidden,
}

/// Looks at a finding again.
///
/// # Errors
/// As [`crate::run()`].
pub async fn replay(
    facts: Facts,
    world: &World,
    progress: &dyn Progress,
    finding: &KeptFinding,
) -> Result<Replayed, RunError> {
    let world = World { only: vec![finding.test.clone()], skip: Vec::new(), ..world.clone() };
    let mut field = enter(facts, &world, progress).await?;
    progress.step("sending it again", 0, 0);
    let resent = resend(&field, finding).await;
    let (standing, says, report) = if resent.holds {
        (Standing::StillThere, resent.says, None)
    } else {
        let found = complete(&mut field, &world, progress).await;
        let (standing, says) = judge(&found, finding, &resent.says);
        (standing, says, Some(found))
    };
    let hidden = Hidden::of(&field);
    Ok(Replayed {
        finding: finding.clone(),
        standing,
        says: hidden.text(&says),
        sent: resent.sent,
        report,
        base: field.wire.origin().base(),
        hidden,
    })
}

/// What came of sending a proof again.
pub(crate) struct Resent {
    /// Whether attack and twin went as they had gone, and the two differ.
    pub(crate) holds: bool,
    /// Whether the attack was refused now.
    pub(crate) refused: bool,
    pub(crate) says: String,
    pub(crate) sent: Vec<(&'static str, Exchange, u16)>,
}

/// Sends attack and twin as they stand in a report.
pub(crate) async fn resend(field: &Field, finding: &KeptFinding) -> Resent {
    let mut out = Resent { holds: false, refused: false, says: String::new(), sent: Vec::new() };
    let Some(proof) = &finding.proof else {
        out.says = "the report has no request of it".to_owned();
        return out;
    };
    if proof.by_steps {
        out.says = "several requests show it together".to_owned();
        return out;
    }
    let filling = Filling::new(&Hidden::of(field));
    let parts: Vec<(&'static str, &JsonExchange)> = std::iter::once(("attack", &proof.attack))
        .chain(proof.twin.iter().map(|twin| ("twin", twin)))
        .collect();
    for (name, kept) in &parts {
        if !matches!(kept.request.method.as_str(), "GET" | "HEAD" | "OPTIONS" | "POST") {
            out.says = format!("its {name} changes what may be somebody else's by now");
            return out;
        }
        if let Err(why) = present(field, &kept.who) {
            out.says = why;
            return out;
        }
        if let Err(variable) = filling.request(&kept.request) {
            out.says = format!("its {name} has `${variable}` in it, which nobody has any more");
            return out;
        }
    }
    for (name, kept) in &parts {
        let Ok(request) = filling.request(&kept.request) else { return out };
        match field.wire.send(&request).await {
            Ok(answer) => {
                if *name == "attack" {
                    out.refused = field.is_refusal(&answer)
                        || matches!(answer.status, 400 | 405 | 406 | 413 | 415 | 422);
                }
                out.sent.push((name, Exchange::new(&kept.who, &request, &answer), kept.status));
            }
            Err(error) => {
                out.says = format!("its {name} got no answer: {error}");
                return out;
            }
        }
    }
    let hidden = Hidden::of(field);
    let now =
        |at: usize| out.sent.get(at).map(|(_, exchange, _)| (exchange.status, hidden.text(&exchange.answer)));
    let Some((status, attack)) = now(0) else { return out };
    let went = |kept: &JsonExchange| (kept.status, kept.answer.clone());
    (out.holds, out.says) = holds(
        &went(&proof.attack),
        &(status, attack),
        proof.twin.as_ref().map(went).as_ref(),
        now(1).as_ref(),
        &proof.mark,
    );
    out
}

/// Whether somebody of the report can send something.
fn present(field: &Field, name: &str) -> Result<(), String> {
    let person = field.people.iter().find(|person| person.name == name);
    match person {
        // Somebody a test made for itself sends what stands in the request.
        None => Ok(()),
        Some(person) => match &person.trouble {
            Some(trouble) => Err(format!("`{name}` is not signed in: {trouble}")),
            None => Ok(()),
        },
    }
}

/// Status and head and body of an answer.
type Went = (u16, String);

/// Whether both went as they had gone, in words too.
fn holds(
    then: &Went,
    now: &Went,
    twin_then: Option<&Went>,
    twin_now: Option<&Went>,
    mark: &str,
) -> (bool, String) {
    let twin = twin_then.zip(twin_now);
    if matches!(now.0, 429 | 503) {
        return (false, format!("the attack was answered {}: too many at once", now.0));
    }
    if !mark.is_empty() && then.1.contains(mark) {
        let attack = now.1.contains(mark);
        let same = twin.is_none_or(|(then, now)| then.1.contains(mark) == now.1.contains(mark));
        return match (attack, same) {
            (true, true) => (true, "the attack is answered as it was, and so is its twin".to_owned()),
            (true, false) => (false, "attack and twin are answered alike now".to_owned()),
            (false, _) => (false, format!("the attack is answered {} without what showed it", now.0)),
        };
    }
    let Some((twin_then, twin_now)) = twin else {
        return (false, "it has no twin it could be told from".to_owned());
    };
    if then.0 == twin_then.0 {
        return (false, "attack and twin differ in more than their status".to_owned());
    }
    match (now.0 == then.0, twin_now.0 == twin_then.0) {
        (true, true) if alike(&then.1, &now.1) => {
            (true, format!("the attack is answered {} as it was, its twin {}", now.0, twin_now.0))
        }
        (true, true) => (false, format!("the attack is answered {} as it was, in other words", now.0)),
        (true, false) => (false, format!("the twin is answered {} instead of {}", twin_now.0, twin_then.0)),
        (false, _) => (false, format!("the attack is answered {} instead of {}", now.0, then.0)),
    }
}

/// Whether most words of the one are in the other.
fn alike(one: &str, other: &str) -> bool {
    let words = |text: &str| -> std::collections::BTreeSet<String> {
        let body = text.split_once("\n\n").map_or(text, |(_, body)| body);
        body.split(|letter: char| !letter.is_alphanumeric())
            .filter(|word| !word.is_empty())
            .map(str::to_owned)
            .collect()
    };
    let (one, other) = (words(one), words(other));
    let both = one.intersection(&other).count();
    both.saturating_mul(5) >= one.len().max(other.len()).saturating_mul(3)
}

/// What a run of its test says of a finding.
fn judge(report: &Report, finding: &KeptFinding, before: &str) -> (Standing, String) {
    let own = report.outcomes.iter().find(|outcome| outcome.id() == finding.id);
    match own.map(|outcome| (outcome.verdict, outcome.says.as_str())) {
        Some((verdict, says))
            if verdict > Verdict::Tentative || verdict.is_finding() && verdict >= finding.verdict =>
        {
            return (Standing::StillThere, format!("its test found it again, {verdict}: {says}"));
        }
        Some((Verdict::Tentative, says)) => {
            return (Standing::CannotSay, format!("its test is no longer sure: {says}"));
        }
        _ => {}
    }
    if let crate::report::End::Early(why) = &report.end {
        return (Standing::CannotSay, format!("the run ended early: {why}"));
    }
    if report.looked_at(finding) {
        return (
            Standing::Gone,
            "its test looked at the same place again, saw its control, and found nothing".to_owned(),
        );
    }
    let at =
        |outcome: &&crate::Outcome| outcome.operation == finding.operation || outcome.operation.is_empty();
    let open = report.outcomes.iter().filter(|outcome| outcome.test == finding.test).find(at);
    let mut why = match open {
        Some(outcome) => format!("its test came to no verdict: {}", outcome.says),
        None => format!("its test did not get to `{}`", finding.operation),
    };
    if !before.is_empty() {
        why = format!("{before}; {why}");
    }
    (Standing::CannotSay, why)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn went(status: u16, body: &str) -> Went {
        (status, format!("HTTP/1.1 {status}\na: b\n\n{body}"))
    }

    #[test]
    fn an_attack_holds_where_it_and_its_twin_go_as_they_went() {
        let (then, twin) = (went(200, "the note of alice is here"), went(404, "nothing is here"));
        let same = |now: &Went, twin_now: &Went| holds(&then, now, Some(&twin), Some(twin_now), "").0;
        assert!(same(&then, &twin));
        assert!(same(&went(200, "the note of alice is here 17"), &twin));
        for (now, twin_now) in [
            (went(403, "no"), twin.clone()),
            (went(200, "please sign in first"), twin.clone()),
            (then.clone(), went(200, "the note of alice is here")),
            (went(429, "slow down"), twin.clone()),
        ] {
            assert!(!same(&now, &twin_now), "{now:?} {twin_now:?}");
        }
        // What differs in its head only is for the test to judge.
        assert!(!holds(&then, &then, Some(&then), Some(&then), "").0);
        assert!(!holds(&then, &then, None, None, "").0);
    }

    #[test]
    fn a_mark_decides_where_there_is_one() {
        let (then, twin) = (went(200, "x gx49 y"), went(200, "x y"));
        assert!(holds(&then, &went(200, "other gx49"), Some(&twin), Some(&twin), "gx49").0);
        assert!(!holds(&then, &twin, Some(&twin), Some(&twin), "gx49").0);
        assert!(!holds(&then, &then, Some(&twin), Some(&then), "gx49").0);
    }
}
