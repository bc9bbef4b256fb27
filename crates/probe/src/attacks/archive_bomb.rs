//! Whether an archive may become however much it likes once it is opened (CWE-409, OWASP API4:2023).
//!
//! For each operation that takes a file, with ZIP and with GZIP:
//! 1. Control: an archive with one packed file is opened: that file is found again, or, of a ZIP, its name is in the answer and is
//!    not where the same bytes are no archive. What opens none is not tested.
//! 2. 64 MiB of zeros go out in 64 KiB, with a small file behind them. Negative twin: bytes that cannot be packed, as long in the
//!    archive, with such a file.
//! 3. It is proven when all 64 MiB are there at their place, and of a second such archive, too. It is firm when nothing shows them
//!    and the answers take three times as long as those to the twin at least, in three of three rounds in random order.
//! 4. Where files are found again, a ZIP of 5,000 small ones is worth a look when the last and one of the middle are there.
//!
//! It has passed when such an archive is refused, or nothing of it is unpacked, and the twin is taken. What was made is removed where
//! an operation removes it; else a note says what stays.

use std::time::Duration;

use gabion_model::Severity;
use gabion_model::outbound::BoxFuture;

use super::leftovers::Leftovers;
use super::upload_contents::{inner, unpacked};
use super::uploads::{Aim, File, aims};
use super::{Attack, Phase, shuffled, usable};
use crate::archive::{Member, archive, gzip};
use crate::control::Control;
use crate::field::Field;
use crate::verdict::{Outcome, Proof, Verdict};
use crate::wire::{Answer, Request, WireError};

pub(super) struct ArchiveBomb;

const ID: &str = "archive-bomb";

impl Attack for ArchiveBomb {
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

/// What zeros become, in mebibytes.
const SIZE: usize = 64;
const ROUNDS: usize = 6;
/// Files of an archive that has many.
const MANY: usize = 5_000;
/// What a longer answer takes longer at least: less than that may be anything.
const LONGER: Duration = Duration::from_millis(100);

async fn run(field: &Field) -> Result<(), WireError> {
    for aim in aims(field, ID) {
        let mut opened = 0_usize;
        for kind in [Kind::Zip, Kind::Gzip] {
            let mut bomb = Bomb { aim: &aim, kind, left: Leftovers::default() };
            if let Some(opens) = bomb.opens().await? {
                opened = opened.saturating_add(1);
                let outcome = bomb.attack(&opens).await?;
                field.say(outcome.aspect(kind.name()));
                if kind == Kind::Zip && opens == Opens::Given {
                    field.say(bomb.many().await?.aspect("entries"));
                }
            }
            bomb.left.clear(field, ID, &aim.operation()).await?;
        }
        if opened == 0 {
            let says = "no archive was seen to be opened here";
            field.say(Outcome::new(ID, &aim.operation(), Verdict::NotTested, says));
        }
    }
    Ok(())
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Zip,
    Gzip,
}

impl Kind {
    const fn name(self) -> &'static str {
        match self {
            Self::Zip => "zip",
            Self::Gzip => "gzip",
        }
    }
}

/// What shows that archives are opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Opens {
    /// What is inside is found again.
    Given,
    /// The names inside are told.
    Named,
}

/// An operation, and archives for it.
struct Bomb<'a> {
    aim: &'a Aim<'a>,
    kind: Kind,
    left: Leftovers,
}

/// An archive that is sent.
struct Charge {
    file: File,
    /// What is inside and large: its name.
    large: String,
    /// What is inside and small, the last of all.
    small: (String, Vec<u8>),
}

/// What became of one.
enum Came {
    Answered(Request, Answer),
    /// Nothing came.
    Silent,
    /// It was asked too often.
    Throttled,
}

impl Bomb<'_> {
    fn charge(&self, zeros: usize) -> Charge {
        let aim = self.aim;
        let small = inner(aim);
        let word = aim.field.canary();
        let large = format!("{word}.txt");
        // As long as the zeros are once they are packed.
        let noise = || noise(aim.field, Member::zeros("", SIZE).packed());
        let (name, media_type, content) = match self.kind {
            Kind::Zip => {
                let large =
                    if zeros > 0 { Member::zeros(&large, zeros) } else { Member::stored(&large, &noise()) };
                let all = [large, Member::deflated(&small.0, &small.1)];
                (format!("{}.zip", aim.field.canary()), "application/zip", archive(&all))
            }
            Kind::Gzip => {
                let begins = if zeros > 0 { small.1.clone() } else { [small.1.clone(), noise()].concat() };
                (format!("{large}.gz"), "application/gzip", gzip(&begins, zeros))
            }
        };
        Charge { file: File { name, media_type, content, word }, large, small }
    }

    async fn send(&self, file: &File) -> Result<Came, WireError> {
        let sent = self.aim.send(self.aim.attempt.who, file).await?;
        Ok(match sent {
            Some((_, answer)) if answer.is_throttle() => Came::Throttled,
            Some((request, answer)) => Came::Answered(request, answer),
            None => Came::Silent,
        })
    }

    /// The control: whether archives are opened here.
    async fn opens(&mut self) -> Result<Option<Opens>, WireError> {
        let aim = self.aim;
        let small = inner(aim);
        let content = match self.kind {
            Kind::Zip => archive(&[Member::deflated(&small.0, &small.1)]),
            Kind::Gzip => gzip(&small.1, 0),
        };
        let word = aim.field.canary();
        let (name, media_type) = match self.kind {
            Kind::Zip => (format!("{word}.zip"), "application/zip"),
            Kind::Gzip => (format!("{}.gz", small.0), "application/gzip"),
        };
        let mut file = File { name, media_type, content, word };
        let Some((request, answer)) = aim.give(&file).await? else { return Ok(None) };
        let named = answer.has(&small.0);
        if let Some(found) = unpacked(aim, request, answer, &small).await? {
            // Some servers give a packed file as it is, and say that it is packed on the way.
            if found.got.field("content-encoding").is_none() {
                self.left.at(aim.attempt.who, &found.path);
                return Ok(Some(Opens::Given));
            }
        }
        if !named || self.kind == Kind::Gzip {
            return Ok(None);
        }
        // The same bytes, and no archive: who finds the name in these only looks for texts.
        let other = aim.field.canary();
        file.name = format!("{other}.zip");
        for at in memchr::memmem::find_iter(&file.content.clone(), b"PK").collect::<Vec<_>>() {
            if let Some(byte) = file.content.get_mut(at.saturating_add(1)) {
                *byte = b'k';
            }
        }
        let broken = aim.give(&file).await?;
        let told = broken.is_some_and(|(_, answer)| answer.has(&small.0));
        Ok((!told).then_some(Opens::Named))
    }

    async fn attack(&mut self, opens: &Opens) -> Result<Outcome, WireError> {
        let say = |verdict, says: String| Outcome::new(ID, &self.aim.operation(), verdict, says);
        let (field, who) = (self.aim.field, self.aim.attempt.who);
        let twin = self.charge(0);
        let (twin_request, twin_answer) = match self.send(&twin.file).await? {
            Came::Answered(request, answer) if answer.is_success() || answer.is_redirect() => {
                (request, answer)
            }
            Came::Answered(_, answer) => {
                let says = format!(
                    "an archive of 64 KiB that becomes no more than that is refused ({})",
                    answer.status
                );
                return Ok(say(Verdict::Inconclusive, says));
            }
            Came::Throttled | Came::Silent => {
                return Ok(say(Verdict::Inconclusive, "an honest archive got no answer".to_owned()));
            }
        };
        let honest = field.evidence(who, &twin_request, &twin_answer).shortened();
        let control =
            Control::shown("an archive as long, of what cannot be packed, is taken", honest.clone());
        let charge = self.charge(SIZE);
        match self.send(&charge.file).await? {
            Came::Throttled => {
                return Ok(say(Verdict::Inconclusive, "files were sent too often".to_owned()));
            }
            Came::Answered(_, answer) if !answer.is_success() && !answer.is_redirect() => {
                let says = format!("an archive that becomes {SIZE} MiB is refused ({})", answer.status);
                return Ok(say(Verdict::Passed, says).control(control));
            }
            Came::Answered(request, answer) if *opens == Opens::Given => {
                let found = self.found(&charge, &answer).await?;
                if let Some((look, got)) = found
                    && self.again().await?
                {
                    let says = format!(
                        "{SIZE} MiB were unpacked from an archive of {} KiB, both times",
                        charge.file.content.len() >> 10
                    );
                    let evidence = format!("`{}` has all of it", look.target);
                    let proof = Proof::new(field.evidence(who, &request, &answer).shortened(), evidence)
                        .twin(honest)
                        .shown(field.evidence(who, &look, &got))
                        .by_steps();
                    let outcome = say(Verdict::Proven, says).severity(Severity::Medium);
                    return Ok(outcome.proof(proof).control(control));
                }
            }
            Came::Answered(..) | Came::Silent => {}
        }
        self.timed(control).await
    }

    /// Where all that was packed is now, where it is.
    async fn found(
        &mut self,
        charge: &Charge,
        answer: &Answer,
    ) -> Result<Option<(Request, Answer)>, WireError> {
        let (field, who) = (self.aim.field, self.aim.attempt.who);
        let begins = if self.kind == Kind::Gzip { charge.small.1.len() } else { 0 };
        let whole = SIZE.saturating_mul(1 << 20).saturating_add(begins);
        for path in self.aim.places(answer, &charge.large) {
            let look = Request::get(&path);
            let Some(got) = usable(field.request(who, &look).await)? else { continue };
            let zeros = got.body.iter().skip(begins).all(|byte| *byte == 0);
            let said = got.field("content-length").and_then(|length| length.trim().parse::<usize>().ok());
            let long = got.cut && said.is_none_or(|said| said == whole);
            if got.is_success() && got.field("content-encoding").is_none() && zeros && long {
                self.left.at(who, &path);
                return Ok(Some((look, got)));
            }
        }
        Ok(None)
    }

    /// A second one, with other names in it.
    async fn again(&mut self) -> Result<bool, WireError> {
        let charge = self.charge(SIZE);
        let Came::Answered(_, answer) = self.send(&charge.file).await? else { return Ok(false) };
        Ok(self.found(&charge, &answer).await?.is_some())
    }

    /// Nothing shows what became of it; the time may.
    async fn timed(&mut self, control: Control) -> Result<Outcome, WireError> {
        let say = |verdict, says: String| Outcome::new(ID, &self.aim.operation(), verdict, says);
        let (field, who) = (self.aim.field, self.aim.attempt.who);
        let (mut long, mut short) = (Vec::new(), Vec::new());
        let mut last: [Option<(Request, Answer)>; 2] = [None, None];
        for full in shuffled(field, ROUNDS) {
            let charge = self.charge(if full { SIZE } else { 0 });
            let (request, answer) = match self.send(&charge.file).await? {
                Came::Answered(request, answer) => (request, answer),
                Came::Throttled => {
                    return Ok(say(Verdict::Inconclusive, "files were sent too often".to_owned()));
                }
                Came::Silent => return Ok(say(Verdict::Inconclusive, "an archive got no answer".to_owned())),
            };
            (if full { &mut long } else { &mut short }).push(answer.elapsed);
            let [bomb, twin] = &mut last;
            *(if full { bomb } else { twin }) = Some((request, answer));
        }
        let quickest = long.iter().min().copied().unwrap_or_default();
        let slowest = short.iter().max().copied().unwrap_or_default();
        let [Some(bomb), Some(twin)] = last else {
            return Ok(say(Verdict::Inconclusive, "an archive got no answer".to_owned()));
        };
        if quickest < slowest.saturating_mul(3) || quickest.saturating_sub(slowest) < LONGER {
            let says =
                "an archive that becomes 64 MiB is taken, and nothing shows that all of it is unpacked";
            return Ok(say(Verdict::Passed, says.to_owned()).control(control));
        }
        let says = format!(
            "an archive of 64 KiB that becomes {SIZE} MiB takes {} ms at least, and one that stays as it is {} ms at most",
            quickest.as_millis(),
            slowest.as_millis()
        );
        let proof = Proof::new(
            field.evidence(who, &bomb.0, &bomb.1).shortened(),
            "the time of the answers in random order",
        )
        .twin(field.evidence(who, &twin.0, &twin.1).shortened())
        .by_steps();
        Ok(say(Verdict::Firm, says).severity(Severity::Medium).proof(proof).control(control))
    }

    /// An archive of many files, each with its own name in it.
    async fn many(&mut self) -> Result<Outcome, WireError> {
        let say = |verdict, says: String| Outcome::new(ID, &self.aim.operation(), verdict, says);
        let (aim, who) = (self.aim, self.aim.attempt.who);
        let word = aim.field.canary();
        let name = |at: usize| (format!("{word}{at:04}.txt"), format!("notes of {word} {at}\n").into_bytes());
        let members: Vec<Member> =
            (0..MANY).map(name).map(|(name, content)| Member::stored(&name, &content)).collect();
        let file = File {
            name: format!("{word}.zip"),
            media_type: "application/zip",
            content: archive(&members),
            word: word.clone(),
        };
        let (request, answer) = match self.send(&file).await? {
            Came::Answered(request, answer) if answer.is_success() || answer.is_redirect() => {
                (request, answer)
            }
            Came::Answered(_, answer) => {
                let says = format!("an archive of {MANY} files is refused ({})", answer.status);
                let small = inner(aim);
                let word = aim.field.canary();
                let content = archive(&[Member::deflated(&small.0, &small.1)]);
                let one = File { name: format!("{word}.zip"), media_type: "application/zip", content, word };
                let Some((request, taken)) = aim.give(&one).await? else {
                    return Ok(say(
                        Verdict::Inconclusive,
                        format!("{says}, and now one of a single file, too"),
                    ));
                };
                let shown = aim.field.evidence(who, &request, &taken);
                return Ok(say(Verdict::Passed, says)
                    .control(Control::shown("one of a single file is taken", shown)));
            }
            Came::Throttled | Came::Silent => {
                return Ok(say(Verdict::Inconclusive, format!("an archive of {MANY} files got no answer")));
            }
        };
        self.left.more(MANY);
        let mut there = true;
        for at in [MANY / 2, MANY.saturating_sub(1)] {
            there &= unpacked(aim, request.clone(), answer.clone(), &name(at)).await?.is_some();
        }
        let shown = aim.field.evidence(who, &request, &answer).shortened();
        if !there {
            let says = format!("of an archive of {MANY} files not all are unpacked");
            return Ok(say(Verdict::Passed, says).control(Control::shown("it is taken", shown)));
        }
        let says = format!("all {MANY} files of one archive are unpacked: no bound on their number was met");
        let proof = Proof::new(shown, "the last file and one of the middle are there").by_steps();
        Ok(say(Verdict::Tentative, says).severity(Severity::Low).proof(proof))
    }
}

/// Bytes that cannot be packed.
fn noise(field: &Field, length: usize) -> Vec<u8> {
    let mut state = u64::from(field.number(u32::MAX)) | 1;
    let mut out = Vec::with_capacity(length);
    while out.len() < length {
        // Marsaglia's xorshift: no secret, only no pattern.
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        out.extend_from_slice(&state.to_le_bytes());
    }
    out.truncate(length);
    out
}
