//! Whether files may be of any size (OWASP API4:2023, CWE-770, CWE-400).
//!
//! 1. Control: a small plain text, or else a picture, is taken and found again.
//! 2. Files like it grow: 1, 4, 12 and 24 MiB, or, where the facts say how large one may be (`[[uploads]]`), one that is an eighth
//!    larger than that. They are made on the way and never whole in memory. It ends with the first that is refused, or whose
//!    answer takes long.
//! 3. It is a finding when the largest is kept: given back at its place, as long as it was sent. Negative twin: the small file. With
//!    a size in the facts it is proven when a second such file is kept, too; without one it is worth a look, for larger limits are
//!    known to nobody but the application.
//! 4. It has passed when one is refused, or not kept, and the small file is taken again after that: it was the size.
//!
//! What was kept is removed where an operation removes it; else a note says what stays.

use std::time::Duration;

use gabion_model::Severity;
use gabion_model::outbound::BoxFuture;

use super::leftovers::Leftovers;
use super::uploads::{Aim, Kept, aims};
use super::{Attack, Phase, usable};
use crate::control::Control;
use crate::field::Field;
use crate::verdict::{Outcome, Proof, Verdict};
use crate::wire::{Answer, Pour, Request, WireError};

pub(super) struct UploadSize;

const ID: &str = "upload-size";

impl Attack for UploadSize {
    fn id(&self) -> &'static str {
        ID
    }

    fn phase(&self) -> Phase {
        Phase::Write
    }

    fn run<'a>(&'a self, field: &'a Field) -> BoxFuture<'a, Result<(), WireError>> {
        Box::pin(run(field))
    }
}

async fn run(field: &Field) -> Result<(), WireError> {
    for aim in aims(field, ID) {
        let mut left = Leftovers::default();
        let outcome = aim.grow(&mut left).await?;
        field.say(outcome);
        left.clear(field, ID, &aim.operation()).await?;
    }
    Ok(())
}

const MIB: u64 = 1 << 20;
/// Sizes where nobody said how large a file may be.
const SIZES: &[u64] = &[MIB, 4 * MIB, 12 * MIB, 24 * MIB];
/// The largest file that is sent.
const MOST: u64 = 27 * MIB;
/// An answer that takes longer ends it: more would be a burden.
const LONG: Duration = Duration::from_secs(5);

/// What became of a large file.
enum Grown {
    /// It is there, as long as it was.
    Kept(Box<Large>),
    /// It was not taken, or not kept: why.
    Refused(String),
    /// It says nothing of sizes: it was asked too often, or nothing came.
    Unclear(String),
}

/// A large file that was kept.
struct Large {
    size: u64,
    /// As it was sent, without what only fills it.
    request: Request,
    answer: Answer,
    look: Request,
    got: Answer,
}

impl Aim<'_> {
    /// The sizes that are tried, and whether the first of them is more than the facts allow.
    fn sizes(&self) -> Result<(Vec<u64>, Option<u64>), String> {
        let own = self.operation();
        let said = self.field.facts.uploads.iter().find(|one| one.operation == own).map(|one| one.max);
        let Some(max) = said else { return Ok((SIZES.to_vec(), None)) };
        let over = max.saturating_add(max / 8).saturating_add(1);
        if over > MOST {
            return Err(format!(
                "files of {} may be sent, and the probe sends none so large",
                megabytes(max)
            ));
        }
        Ok((vec![over], Some(max)))
    }

    async fn grow(&self, left: &mut Leftovers) -> Result<Outcome, WireError> {
        let say = |verdict, says: String| Outcome::new(ID, &self.operation(), verdict, says);
        let (sizes, max) = match self.sizes() {
            Ok(sizes) => sizes,
            Err(says) => return Ok(say(Verdict::NotTested, says)),
        };
        let (control, ending) = match self.control().await? {
            Ok(control) => control,
            Err(says) => return Ok(say(Verdict::Inconclusive, says.to_owned())),
        };
        left.at(self.attempt.who, &control.path);
        let mut largest: Option<Box<Large>> = None;
        for size in sizes {
            match self.large(size, ending, left).await? {
                Grown::Kept(large) => {
                    let slow = large.answer.elapsed > LONG;
                    largest = Some(large);
                    if slow {
                        let says =
                            format!("{} are taken and take long; no larger file was sent", megabytes(size));
                        return Ok(say(Verdict::Inconclusive, says));
                    }
                }
                Grown::Refused(why) => return self.bounded(size, &why, left).await,
                Grown::Unclear(why) => return Ok(say(Verdict::Inconclusive, why)),
            }
        }
        let Some(large) = largest else { return Ok(say(Verdict::NotTested, "no file was sent".to_owned())) };
        let Some(max) = max else {
            let nobody = self.attempt.who == 0;
            let says = format!(
                "a file of {} is taken and kept{}, and none was refused; hint: `[[uploads]]` says how large one may be",
                megabytes(large.size),
                if nobody { ", from somebody who has not signed in" } else { "" }
            );
            let severity = if nobody { Severity::Medium } else { Severity::Low };
            return Ok(self.unbounded(&large, &control, Verdict::Tentative, severity, says));
        };
        // Once more, with another word in it.
        if !matches!(self.large(large.size, ending, left).await?, Grown::Kept(_)) {
            return Ok(say(Verdict::Inconclusive, "a large file was kept once and not again".to_owned()));
        }
        let says = format!(
            "a file of {} is taken and kept, where {} are the most that one may have",
            megabytes(large.size),
            megabytes(max)
        );
        Ok(self.unbounded(&large, &control, Verdict::Proven, Severity::Medium, says))
    }

    fn unbounded(
        &self,
        large: &Large,
        control: &Kept,
        verdict: Verdict,
        severity: Severity,
        says: String,
    ) -> Outcome {
        let (field, who) = (self.field, self.attempt.who);
        let evidence = format!(
            "`{}` gives back all of its {} bytes; the request is shown without the filling (`head -c {} /dev/zero`)",
            large.look.target, large.size, large.size
        );
        let proof = Proof::new(field.evidence(who, &large.request, &large.answer), evidence)
            .twin(field.evidence(who, &control.request, &control.answer))
            .shown(field.evidence(who, &large.look, &large.got))
            .by_steps();
        Outcome::new(ID, &self.operation(), verdict, says).severity(severity).proof(proof)
    }

    /// A file was refused: whether a small one is taken still.
    async fn bounded(&self, size: u64, why: &str, left: &mut Leftovers) -> Result<Outcome, WireError> {
        let say = |verdict, says: String| Outcome::new(ID, &self.operation(), verdict, says);
        let Ok((small, _)) = self.control().await? else {
            let says =
                format!("a file of {} {why}, and now a small one is not taken either", megabytes(size));
            return Ok(say(Verdict::Inconclusive, says));
        };
        left.at(self.attempt.who, &small.path);
        let who = self.attempt.who;
        let control = Control::shown(
            format!("a small file is taken and kept after that: at `{}`", small.path),
            self.field.evidence(who, &small.request, &small.answer),
        );
        Ok(say(Verdict::Passed, format!("a file of {} {why}", megabytes(size))).control(control))
    }

    /// Sends a file of that size and looks whether it is there.
    async fn large(&self, size: u64, ending: &str, left: &mut Leftovers) -> Result<Grown, WireError> {
        let (field, who) = (self.field, self.attempt.who);
        let file = self.honest(ending);
        let Some(request) = usable(field.prepared(who, &self.call(&file)).await)? else {
            return Ok(Grown::Unclear("its form is not there".to_owned()));
        };
        let Some(at) = memchr::memmem::find(&request.body, &file.content) else {
            return Ok(Grown::Unclear("the file is not in the request".to_owned()));
        };
        let (begins, ends) =
            request.body.split_at(at.saturating_add(file.content.len()).min(request.body.len()));
        let own = u64::try_from(file.content.len()).unwrap_or(0);
        let body = Pour { begins: begins.to_vec(), fill: size.saturating_sub(own), ends: ends.to_vec() };
        let (answer, sent) = match field.pour(who, &request, &body).await {
            Ok(poured) => poured,
            Err(error) if error.is_end() => return Err(error),
            Err(error) => return Ok(Grown::Unclear(error.to_string())),
        };
        let answer = match answer {
            Ok(answer) => answer,
            // Closed before all was sent: that is how many say that it is too much.
            Err(WireError::Io(_)) if sent < body.length() => {
                return Ok(Grown::Refused("is cut off while it is sent".to_owned()));
            }
            Err(error) => return Ok(Grown::Unclear(error.to_string())),
        };
        if answer.is_throttle() {
            return Ok(Grown::Unclear("files were sent too often".to_owned()));
        }
        if !answer.is_success() && !answer.is_redirect() {
            return Ok(Grown::Refused(format!("is refused ({})", answer.status)));
        }
        for path in self.places(&answer, &file.name) {
            let look = Request::get(&path);
            let Some(got) = usable(field.request(who, &look).await)? else { continue };
            if !got.is_success() || !got.has(&file.word) {
                continue;
            }
            left.at(who, &path);
            if length_of(&got).map_or(got.cut, |length| length == size) {
                return Ok(Grown::Kept(Box::new(Large { size, request, answer, look, got })));
            }
        }
        Ok(Grown::Refused("is not kept whole".to_owned()))
    }
}

/// How long an answer says that it is.
fn length_of(answer: &Answer) -> Option<u64> {
    answer.field("content-length")?.trim().parse().ok()
}

/// `4 MiB`, `1.5 MiB`, `200 bytes`.
fn megabytes(bytes: u64) -> String {
    let tenths = bytes.saturating_mul(10) / MIB;
    match (tenths / 10, tenths % 10) {
        (0, _) => format!("{bytes} bytes"),
        (whole, 0) => format!("{whole} MiB"),
        (whole, tenth) => format!("{whole}.{tenth} MiB"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_told_as_people_tell_them() {
        let all = [200, MIB, MIB + MIB / 2, 24 * MIB].map(megabytes);
        assert_eq!(all, ["200 bytes", "1 MiB", "1.5 MiB", "24 MiB"]);
        assert!(SIZES.iter().sum::<u64>() <= 41 * MIB && SIZES.iter().all(|size| *size <= MOST));
    }
}
