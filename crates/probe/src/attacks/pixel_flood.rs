//! Whether a small file may be a picture of however many pixels (CWE-789, CWE-400, OWASP API4:2023).
//!
//! 1. Control: a small picture (PNG, one bit a pixel) is taken and comes back as another file that is a picture: somebody decoded it.
//!    The same with its pixels broken does not; where that one comes back as a picture, too, what comes back tells nothing.
//! 2. A hundred million pixels, all the same, go out in some kilobytes. Negative twin: as many bytes of pixels that cannot be packed.
//! 3. It is proven when a picture comes back that somebody made of it, and of a second one, too.
//!
//! It has passed when it is refused, or nothing is made of it, while something is of the twin. Decoded it may take some hundred
//! megabytes for a moment: it is sent at the level `destructive` alone.

use gabion_model::Severity;
use gabion_model::outbound::BoxFuture;

use super::leftovers::Leftovers;
use super::uploads::{Aim, File, aims};
use super::{Attack, Phase, usable};
use crate::control::Control;
use crate::field::Field;
use crate::picture::{is_picture, png};
use crate::verdict::{Outcome, Proof, Verdict};
use crate::wire::{Answer, Request, WireError};

pub(super) struct PixelFlood;

const ID: &str = "pixel-flood";

impl Attack for PixelFlood {
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

/// Pixels on each side: of the flood, of its twin in as many bytes, of the control.
const FLOOD: u32 = 10_000;
const TWIN: u32 = 320;
const SMALL: u32 = 24;

async fn run(field: &Field) -> Result<(), WireError> {
    for aim in aims(field, ID) {
        let mut left = Leftovers::default();
        let outcome = aim.flood(&mut left).await?;
        field.say(outcome);
        left.clear(field, ID, &aim.operation()).await?;
    }
    Ok(())
}

/// What became of a picture.
enum Made {
    /// Somebody made another of it.
    Drawn(Box<Drawn>),
    /// It was taken, and no other is there.
    Taken,
    Refused(u16),
    /// It was asked too often, or nothing came.
    Unclear,
}

struct Drawn {
    request: Request,
    answer: Answer,
    look: Request,
    got: Answer,
}

impl Aim<'_> {
    async fn flood(&self, left: &mut Leftovers) -> Result<Outcome, WireError> {
        let say = |verdict, says: String| Outcome::new(ID, &self.operation(), verdict, says);
        let not = |says: &str| Ok(say(Verdict::NotTested, says.to_owned()));
        let Some(small) = self.picture(SMALL, true) else { return not("no picture could be made") };
        let word = self.field.canary();
        let mut broken = File {
            name: format!("{word}.png"),
            media_type: small.media_type,
            content: small.content.clone(),
            word,
        };
        match self.made(&small, left).await? {
            Made::Drawn(_) => {}
            Made::Unclear => {
                return Ok(say(Verdict::Inconclusive, "a small picture got no answer".to_owned()));
            }
            Made::Taken | Made::Refused(_) => return not("no picture comes back that somebody made of one"),
        }
        // The head stays, and of the pixels the beginning.
        let (keeps, length) = (50, broken.content.len());
        broken.content.get_mut(keeps..length).unwrap_or_default().fill(b'x');
        if matches!(self.made(&broken, left).await?, Made::Drawn(_)) {
            return Ok(say(Verdict::Inconclusive, "a picture comes back whatever is sent".to_owned()));
        }
        let Some(twin) = self.picture(TWIN, true) else { return not("no picture could be made") };
        let Made::Drawn(twin) = self.made(&twin, left).await? else {
            return Ok(say(Verdict::Inconclusive, "of a picture of 13 kB none is made".to_owned()));
        };
        let who = self.attempt.who;
        let honest = self.field.evidence(who, &twin.request, &twin.answer).shortened();
        let control = Control::shown("of a picture of as many bytes another is made", honest.clone());
        let Some(flood) = self.picture(FLOOD, false) else { return not("no picture could be made") };
        let drawn = match self.made(&flood, left).await? {
            Made::Drawn(drawn) => drawn,
            Made::Refused(status) => {
                let says = format!("a picture of {FLOOD} by {FLOOD} pixels is refused ({status})");
                return Ok(say(Verdict::Passed, says).control(control));
            }
            Made::Taken => {
                let says = format!("nothing is made of a picture of {FLOOD} by {FLOOD} pixels");
                return Ok(say(Verdict::Passed, says).control(control));
            }
            Made::Unclear => {
                let says = format!("a picture of {FLOOD} by {FLOOD} pixels got no answer");
                return Ok(say(Verdict::Inconclusive, says));
            }
        };
        let again = self.picture(FLOOD, false);
        let again = match &again {
            Some(again) => matches!(self.made(again, left).await?, Made::Drawn(_)),
            None => false,
        };
        if !again {
            let says = "of a picture of many pixels another was made once and not again";
            return Ok(say(Verdict::Inconclusive, says.to_owned()));
        }
        let says = format!(
            "a picture of {FLOOD} by {FLOOD} pixels in {} kB is decoded, both times",
            flood.content.len() / 1_000
        );
        let evidence = format!("`{}` is another picture that was made of it", drawn.look.target);
        let proof = Proof::new(self.field.evidence(who, &drawn.request, &drawn.answer).shortened(), evidence)
            .twin(honest)
            .shown(self.field.evidence(who, &drawn.look, &drawn.got))
            .by_steps();
        let outcome = say(Verdict::Proven, says).severity(Severity::Medium);
        Ok(outcome.proof(proof).control(control))
    }

    /// A picture of that size, of one colour or of noise.
    fn picture(&self, side: u32, noisy: bool) -> Option<File> {
        let mut state = u64::from(self.field.number(u32::MAX)) | 1;
        let content = png(side, side, |row| {
            for byte in row.iter_mut() {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                *byte = if noisy { state.to_be_bytes()[0] } else { 0 };
            }
        });
        let word = self.field.canary();
        Some(File { name: format!("{word}.png"), media_type: "image/png", content: content.ok()?, word })
    }

    async fn made(&self, file: &File, left: &mut Leftovers) -> Result<Made, WireError> {
        let who = self.attempt.who;
        let Some((request, answer)) = self.send(who, file).await? else { return Ok(Made::Unclear) };
        if answer.is_throttle() {
            return Ok(Made::Unclear);
        }
        if !answer.is_success() && !answer.is_redirect() {
            return Ok(Made::Refused(answer.status));
        }
        for path in self.places(&answer, &file.name) {
            let look = Request::get(&path);
            let Some(got) = usable(self.field.request(who, &look).await)? else { continue };
            if !got.is_success() || !is_picture(&got.body) {
                continue;
            }
            left.at(who, &path);
            if got.body != file.content {
                return Ok(Made::Drawn(Box::new(Drawn { request, answer, look, got })));
            }
        }
        Ok(Made::Taken)
    }
}
