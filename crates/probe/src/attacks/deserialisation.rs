//! Whether a value is read back into objects of whatever kind it names (CWE-502, OWASP A08:2021).
//!
//! For each value of a request, and each cookie, that is a serialised object of Java, PHP, Python, Ruby, Node or .NET, a document of
//! YAML or the state of a page, in whatever wrapping ([`crate::serialised`]):
//! 1. Control: the original value gets the same answer three times, and so does one that was changed and says the same. Where it does
//!    not, the value is signed or is read otherwise, and nothing more is sent.
//! 2. The value names a class or a function that every installation has, or (negative twin) one that differs in two letters and is
//!    nowhere. Nothing that is named does anything.
//! 3. It is proven when eight of eight answers, in random order and of several names, follow the spelling. Whoever makes only data,
//!    or only what is on a list, treats both alike. (The state of a page is not told by names: it is taken with something behind it
//!    that a signature would not cover, and not where its beginning is broken.)
//!
//! 4. Where answers tell nothing, and the probe has a zone (`[callback]`): in Java, Python and Node the value has whoever makes it ask for
//!    the address of a name in that zone. Who asks, twice, and not where the class or function is misspelled (the twin), proves it.
//!
//! Bodies of JSON are looked at for type hints: see `hints`.

mod hints;

use std::time::Duration;

use gabion_model::outbound::BoxFuture;

use super::extras::{Extra, extras};
use super::{Attack, Phase, shuffled, usable};
use crate::call::{Call, Put};
use crate::catch::Catch;
use crate::compare::Profile;
use crate::field::Field;
use crate::operation::{Operation, Place, Point};
use crate::serialised::{Form, Found, Language, find};
use crate::verdict::{Outcome, Proof, Verdict};
use crate::wire::{Answer, Request, WireError};

pub(super) struct Deserialisation;

const ID: &str = "deserialisation";

impl Attack for Deserialisation {
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

/// A serialised value in a request.
struct Spot<'a> {
    field: &'a Field,
    who: usize,
    operation: String,
    call: Call,
    point: Point,
    original: String,
    found: Found,
}

/// What a spot is known to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Seen {
    /// It was said.
    Open,
    /// Changed values are taken, and nothing is made of what they name.
    Data,
    /// Changed values are not taken.
    Sealed,
    /// Answers change by themselves.
    Restless,
}

async fn run(field: &Field) -> Result<(), WireError> {
    let mut any = false;
    for known in field.attempts().filter(|known| field.has_turn(known)) {
        let Some(operation) = field.operation(known.operation).map(Operation::id) else { continue };
        for point in known.call.points() {
            let Some(original) = known.call.value(&point) else { continue };
            let Some(found) = find(&original) else { continue };
            let (call, operation) = (known.call.clone(), operation.clone());
            any = true;
            let spot = Spot { field, who: known.who, operation, call, point, original, found };
            let seen = spot.attack().await?;
            spot.conclude(seen).await?;
        }
    }
    // Once, and not again where people sign in.
    let cookies = if field.has_first_turn() { extras(field).await? } else { Vec::new() };
    for extra in cookies {
        if let Some(found) = find(&extra.value) {
            any = true;
            cookie(field, &extra, &found).await?;
        }
    }
    any |= hints::run(field).await?;
    if !any {
        field.not_tested(ID, "no value and no cookie is a serialised object, and no body is JSON");
    }
    Ok(())
}

/// A cookie goes along with every request, and counts for some: the first that shows it ends the search.
async fn cookie(field: &Field, extra: &Extra, found: &Found) -> Result<(), WireError> {
    let point = Point::new(Place::Cookie, &extra.name);
    let mut last = None;
    for (operation, known) in &extra.requests {
        let call = known.call.with(&point, &Put::Text(&extra.value));
        let (point, original, found) = (point.clone(), extra.value.clone(), found.clone());
        let spot = Spot { field, who: extra.who, operation: operation.clone(), call, point, original, found };
        let seen = spot.attack().await?;
        if seen == Seen::Open {
            return Ok(());
        }
        last = Some((spot, seen));
    }
    match last {
        Some((spot, seen)) => spot.conclude(seen).await,
        None => Ok(()),
    }
}

const ROUNDS: usize = 8;
/// How long a name is waited for; the second time longer.
const SOON: Duration = Duration::from_millis(400);
const LATE: Duration = Duration::from_secs(2);

impl Spot<'_> {
    /// Sends it with a text there; what the answer sets, nobody keeps.
    async fn send(&self, text: &str) -> Result<Option<(Request, Answer)>, WireError> {
        let call = self.call.with(&self.point, &Put::Text(text));
        let Some(request) = usable(self.field.prepared(self.who, &call).await)? else { return Ok(None) };
        let session = self.field.person(self.who).session();
        let answer = usable(self.field.as_session(&session, &request).await)?;
        Ok(answer.filter(|answer| !answer.is_throttle()).map(|answer| (request, answer)))
    }

    async fn form(
        &self,
        language: &Language,
        form: Form,
    ) -> Result<Option<(Request, Answer, String)>, WireError> {
        let at = usize::try_from(self.field.number(1_000)).unwrap_or(0);
        let Some(text) = self.found.text(language, at, form) else { return Ok(None) };
        Ok(self.send(&text).await?.map(|(request, answer)| (request, answer, text)))
    }

    async fn attack(&self) -> Result<Seen, WireError> {
        let mut answers = Vec::new();
        for _ in 0..3 {
            match self.send(&self.original).await? {
                Some((_, answer)) => answers.push(answer),
                None => return Ok(Seen::Restless),
            }
        }
        let all: Vec<&Answer> = answers.iter().collect();
        let Some(base) = Profile::of(&all).filter(Profile::is_calm) else { return Ok(Seen::Restless) };
        let mut seen = Seen::Sealed;
        for language in &self.found.languages {
            let own = self.read_as(language, &base).await?;
            // Nothing more can be said than that.
            if own == Seen::Open || own == Seen::Restless {
                return Ok(own);
            }
            // One that takes changes says more than one that takes none.
            if own == Seen::Data {
                seen = own;
            }
        }
        Ok(seen)
    }

    /// Whether it is read as a value of that language, with whatever it names.
    async fn read_as(&self, language: &'static Language, base: &Profile) -> Result<Seen, WireError> {
        let fits = |answer: &Answer, text: &str| base.fits(answer, text, &self.original);
        let plain = self.form(language, Form::Plain).await?;
        let Some((_, answer, text)) = plain else { return Ok(Seen::Restless) };
        if !fits(&answer, &text) {
            return Ok(Seen::Sealed);
        }
        let keeps = language.keeps;
        let mut last: [Option<(Request, Answer)>; 2] = [None, None];
        for named in shuffled(self.field, ROUNDS) {
            let form = if named { Form::Named } else { Form::Misspelled };
            let sent = self.form(language, form).await?;
            let Some((request, answer, text)) = sent else { return Ok(Seen::Restless) };
            if fits(&answer, &text) != (named == keeps) {
                return Ok(Seen::Data);
            }
            let [right, wrong] = &mut last;
            *(if named { right } else { wrong }) = Some((request, answer));
        }
        // What is plain is taken still, so that it was not the application that changed.
        let still = self.form(language, Form::Plain).await?;
        let Some((request, plain, _)) = still.filter(|(_, answer, text)| fits(answer, text)) else {
            return Ok(Seen::Restless);
        };
        let [Some(right), Some(wrong)] = last else { return Ok(Seen::Restless) };
        self.say(language, right, wrong, (request, plain));
        Ok(Seen::Open)
    }

    fn say(
        &self,
        language: &Language,
        right: (Request, Answer),
        wrong: (Request, Answer),
        plain: (Request, Answer),
    ) {
        let field = self.field;
        let says = format!(
            "{} is read at {}, and whoever writes it can {}: it {}, {ROUNDS} of {ROUNDS} times",
            language.name, self.point, language.does, language.tells
        );
        let evidence = if language.keeps {
            "the value that names what every installation has gets the answer of the original, and a misspelled name does not"
        } else {
            "a name that nothing has is passed over, and one that every installation has is made, and fails"
        };
        let proof = Proof::new(field.evidence(self.who, &right.0, &right.1), evidence)
            .twin(field.evidence(self.who, &wrong.0, &wrong.1))
            .shown(field.evidence(self.who, &plain.0, &plain.1));
        let outcome = Outcome::new(ID, &self.operation, Verdict::Proven, says);
        field.say(outcome.at(&self.point).proof(proof));
    }

    /// Asks for a name, and says who did.
    async fn asks(&self, language: &Language) -> Result<bool, WireError> {
        let Some(names) = self.field.catch.as_ref().and_then(Catch::names) else { return Ok(false) };
        let ask = async |form| {
            let word = Catch::word(&*self.field.rng);
            let text = self.found.resolving(language, &names.name(&word), form);
            let Some(text) = text else { return Ok(None) };
            Ok::<_, WireError>(self.send(&text).await?.map(|sent| (word, sent)))
        };
        let Some((first, _)) = ask(Form::Named).await? else { return Ok(false) };
        if names.wait(&first, SOON).await.is_none() {
            return Ok(false);
        }
        let Some((twin, (twin_request, twin_answer))) = ask(Form::Misspelled).await? else {
            return Ok(false);
        };
        let Some((again, (request, answer))) = ask(Form::Named).await? else { return Ok(false) };
        let Some(asked) = names.wait(&again, LATE).await else { return Ok(false) };
        if names.wait(&twin, SOON).await.is_some() {
            return Ok(false);
        }
        let says = format!(
            "{} reads {}: whoever writes it can {}; it asked for a name that the value told",
            language.name, self.point, language.does
        );
        let evidence = format!("our name server was asked for `{}` by {}", asked.name, asked.peer.ip());
        let proof = Proof::new(self.field.evidence(self.who, &request, &answer), evidence)
            .twin(self.field.evidence(self.who, &twin_request, &twin_answer));
        let outcome = Outcome::new(ID, &self.operation, Verdict::Proven, says);
        self.field.say(outcome.at(&self.point).proof(proof));
        Ok(true)
    }

    async fn conclude(&self, seen: Seen) -> Result<(), WireError> {
        for language in &self.found.languages {
            if seen != Seen::Open && self.asks(language).await? {
                return Ok(());
            }
        }
        let (verdict, says) = match seen {
            Seen::Open => return Ok(()),
            Seen::Data => (Verdict::Passed, "nothing is made of what a value names"),
            Seen::Sealed => (Verdict::Passed, "a serialised value that was changed is not taken"),
            Seen::Restless => (Verdict::Inconclusive, "the original value gets another answer each time"),
        };
        self.field.say(Outcome::new(ID, &self.operation, verdict, says).at(&self.point));
        Ok(())
    }
}
