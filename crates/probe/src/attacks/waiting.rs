//! Having something wait: answers that are as late as chosen numbers say.
//!
//! One wait of two seconds asks whether there is anything to see. Only then waits of chosen lengths follow, zero among them: every
//! long one must be at least nearly as late as it says, every short one at most a second later than usual, and the slope of the
//! line through all of them must be one second for each second. A target that is slow by itself, or under load, does not do that.

use std::time::Duration;

use crate::aim::{Aim, Sent};
use crate::verdict::{Proof, Verdict};
use crate::wire::WireError;

/// A text made of the original value and a number of seconds.
pub(super) type Text = fn(&str, &str) -> String;

/// A way to have something wait.
pub(super) struct Waits {
    pub(super) attack: Text,
    /// As like the attack as can be, and waits for nobody.
    pub(super) twin: Text,
    /// Who waits: `a shell`.
    pub(super) who: &'static str,
}

/// Seconds, in an order that no growing load follows.
const ROUNDS: &[&str] = &["2", "0", "3", "1", "0", "2"];

/// Whether the answers wait as long as they are told to; says so where they do.
///
/// # Errors
/// When the run is over.
pub(super) async fn waits(aim: &Aim<'_>, test: &'static str, form: &Waits) -> Result<bool, WireError> {
    let Some(first) = send(aim, form.attack, "2").await? else { return Ok(false) };
    if first.answer.elapsed < Duration::from_millis(1_800) {
        return Ok(false);
    }
    let Some(usual) = aim.text(&aim.original).await? else { return Ok(false) };
    let usual = usual.answer.elapsed.as_secs_f64();
    let mut seen: Vec<(f64, f64)> = Vec::new();
    for seconds in ROUNDS {
        let Some(sent) = send(aim, form.attack, seconds).await? else { return Ok(false) };
        let (asked, took) = (seconds.parse().unwrap_or(0.0), sent.answer.elapsed.as_secs_f64());
        if took < asked * 0.9 || (asked == 0.0 && took > usual + 1.0) {
            return Ok(false);
        }
        seen.push((asked, took));
    }
    let Some(twin) = send(aim, form.twin, "2").await? else { return Ok(false) };
    if twin.answer.elapsed.as_secs_f64() > usual + 1.0 || !(0.5..=2.2).contains(&slope(&seen)) {
        return Ok(false);
    }
    let times: Vec<String> = seen.iter().map(|(asked, took)| format!("{asked} s: {took:.1} s")).collect();
    let proof =
        Proof::new(aim.evidence(&first), format!("told to wait, and how long it took: {}", times.join(", ")))
            .twin(aim.evidence(&twin));
    let says = format!("{} waits as long as the value says", form.who);
    aim.field.say(aim.outcome(test, Verdict::Firm, says).proof(proof));
    Ok(true)
}

async fn send(aim: &Aim<'_>, text: Text, seconds: &str) -> Result<Option<Sent>, WireError> {
    aim.text(&text(&aim.original, seconds)).await
}

/// Of the line that fits best.
fn slope(seen: &[(f64, f64)]) -> f64 {
    let count = f64::from(u32::try_from(seen.len()).unwrap_or(1)).max(1.0);
    let mean = |take: fn(&(f64, f64)) -> f64| seen.iter().map(take).sum::<f64>() / count;
    let (middle, height) = (mean(|pair| pair.0), mean(|pair| pair.1));
    let over: f64 = seen.iter().map(|(asked, took)| (asked - middle) * (took - height)).sum();
    let under: f64 = seen.iter().map(|(asked, _)| (asked - middle).powi(2)).sum();
    if under > 0.0 { over / under } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_has_a_slope_and_noise_has_none() {
        assert!((slope(&[(2.0, 2.1), (0.0, 0.1), (3.0, 3.1), (1.0, 1.1)]) - 1.0).abs() < 0.01);
        assert!(slope(&[(2.0, 2.0), (0.0, 2.0), (3.0, 2.0)]).abs() < 0.01);
        assert!(slope(&[]).abs() < 0.01);
    }
}
