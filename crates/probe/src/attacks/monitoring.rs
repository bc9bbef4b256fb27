//! Whether attacks leave events where people look for them (CWE-778, CWE-117, CWE-532; OWASP ASVS 7.1, 7.2).
//!
//! The facts say where events are (`[monitoring]`): an operation that somebody may call, or a file of this machine. Control: it can be
//! read. Then words that nothing else has are sent, and looked for until the declared time is over (thirty seconds).
//!
//! `sign-in`: six wrong passwords for a name that is a word. `refusal`: nobody asks for what only people get, with a word in the
//! query. `payload`: an attack on a database with a word in it. Each is firm when no event names its word in time.
//!
//! `secret`: a wrong password is a word, and stands in an event. `forged`: a name has a line break in it, and an event begins
//! with what stood behind it; the twin is the same name with a space. Both are proven by the words.
//!
//! `noise`: ten requests of somebody who signed in, to what they may read, with a word in a header field. Where events name it,
//! every request makes one: tentative.
//!
//! Where the facts say where alerts and incidents are, or a gate of Gabion's in front tells somebody of them, it is also seen whether
//! anybody is told ([`super::alarms`]). `alert-noise`: fifty ordinary requests ring: tentative; it is the control of the others.
//! `alert-sign-in`, `alert-payload`: guessing, and attacks in addresses, ring nobody in time: firm where alerts are promised, else
//! tentative. `incident`: an alert of the worst kinds rang and no incident was opened: the same. `alert-reading` need not ring.

use std::collections::BTreeSet;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::time::Duration;

use gabion_model::Severity;
use gabion_model::outbound::BoxFuture;

use super::alarms::{Desk, entries};
use super::session_cookies::without_secrets;
use super::{Attack, Phase, usable};
use crate::call::Put;
use crate::facts::{Watched, operation_of};
use crate::field::Field;
use crate::login::{Tried, Try};
use crate::operation::{Place, Point};
use crate::sacrifice::door;
use crate::session::Session;
use crate::verdict::{Exchange, Outcome, Proof, Verdict};
use crate::wire::{Request, WireError};

pub(super) struct Monitoring;

pub(super) const ID: &str = "monitoring";
/// The most that is read of a file, from its end.
const TAIL: u64 = 4 << 20;
const PAUSE: Duration = Duration::from_millis(100);
/// Between two looks at what is late.
const LONGEST: Duration = Duration::from_secs(1);

impl Attack for Monitoring {
    fn id(&self) -> &'static str {
        ID
    }

    fn phase(&self) -> Phase {
        Phase::Last
    }

    fn run<'a>(&'a self, field: &'a Field) -> BoxFuture<'a, Result<(), WireError>> {
        Box::pin(run(field))
    }
}

async fn run(field: &Field) -> Result<(), WireError> {
    let desk = Desk::find(field).await?;
    let facts = field.facts.monitoring.as_ref();
    match facts.and_then(|facts| Some(Sink::new(field, facts.events()?, facts.within.as_duration()))) {
        Some(sink) => events(field, &sink).await?,
        None => {
            field.not_tested(ID, "where events are is not known; hint: `[monitoring]`");
        }
    }
    match desk {
        Some(desk) => desk.watch(field).await,
        None => {
            let says = "where alerts are is not known; hint: `monitoring.alerts`";
            field.say(Outcome::new(ID, "", Verdict::NotTested, says).aspect("alert"));
            Ok(())
        }
    }
}

async fn events(field: &Field, sink: &Sink<'_>) -> Result<(), WireError> {
    if sink.read().await?.is_none() {
        let says = "events cannot be read where the facts say they are; hint: `[monitoring]`";
        field.say(Outcome::new(ID, &sink.name(), Verdict::Inconclusive, says));
        return Ok(());
    }
    // Noise first: what attacks leave must not drown it.
    noise(field, sink).await?;
    let (mut watched, mut refused) = (Vec::new(), None);
    if let Some(who) = field.people.iter().position(|person| person.way.is_some()) {
        let (name, password) = (field.canary(), field.canary());
        for _ in 0..6 {
            refused = attempt(field, who, &name, &password).await?.or(refused);
        }
        watched.push(("sign-in", name, "six wrong passwords for one name"));
        forged(field, sink, who, &password, refused.as_ref()).await?;
    }
    if let Some(door) = door(field) {
        let word = field.canary();
        let call = door.call.with(&Point::new(Place::Query, "probe"), &Put::Text(&word));
        usable(field.wire.send(&call.request()).await)?;
        watched.push(("refusal", word, "a request that was refused"));
    }
    let word = field.canary();
    let start = field.wire.origin().path().to_owned();
    let call = crate::call::Call::new("GET", &start);
    let payload = format!("{word}' UNION SELECT 1,2,3 --");
    usable(
        field.wire.send(&call.with(&Point::new(Place::Query, "q"), &Put::Text(&payload)).request()).await,
    )?;
    watched.push(("payload", word, "an attack on a database"));
    let words: Vec<&str> = watched.iter().map(|(_, word, _)| word.as_str()).collect();
    let seen = sink.wait(&words).await?;
    for (aspect, word, what) in &watched {
        let outcome = if seen.contains(word.as_str()) {
            Outcome::new(ID, &sink.name(), Verdict::Passed, format!("{what}: an event names it"))
        } else {
            let says = format!("{what}: no event names it within {:?}", sink.within());
            let mut outcome = Outcome::new(ID, &sink.name(), Verdict::Firm, says.clone());
            if let Some(Tried { request, answer, .. }) = refused.as_ref().filter(|_| *aspect == "sign-in") {
                outcome = outcome
                    .proof(Proof::new(Exchange::new("anonymous", &without_secrets(request), answer), says));
            }
            outcome
        };
        field.say(outcome.aspect(aspect));
    }
    Ok(())
}

pub(super) async fn attempt(
    field: &Field,
    who: usize,
    user: &str,
    password: &str,
) -> Result<Option<Tried>, WireError> {
    let one = Try { user, password, code: "", before: Session::default() };
    field.attempt(who, &one).await
}

/// Secrets in events, and events that somebody else wrote.
async fn forged(
    field: &Field,
    sink: &Sink<'_>,
    who: usize,
    password: &str,
    tried: Option<&Tried>,
) -> Result<(), WireError> {
    let (one, two, behind, beside) = (field.canary(), field.canary(), field.canary(), field.canary());
    attempt(field, who, &format!("{one}\r\n{behind} level=info signed in"), password).await?;
    attempt(field, who, &format!("{two} {beside} level=info signed in"), password).await?;
    let seen = sink.wait(&[&one, &two]).await?;
    let Some(tried) = tried else { return Ok(()) };
    let shown = Exchange::new("anonymous", &without_secrets(&tried.request), &tried.answer);
    let say = |aspect: &str, verdict, says: &str| {
        field.say(Outcome::new(ID, &sink.name(), verdict, says).aspect(aspect));
    };
    let found = |aspect: &str, severity, says: &str, evidence: String| {
        let outcome = Outcome::new(ID, &sink.name(), Verdict::Proven, says).aspect(aspect);
        field.say(outcome.severity(severity).proof(Proof::new(shown.clone(), evidence)));
    };
    if seen.contains(password) {
        let says = "a password that was wrong stands in an event";
        found("secret", Severity::Medium, says, format!("the password was `{password}`"));
    } else if seen.contains(one.as_str()) || seen.contains(two.as_str()) {
        say("secret", Verdict::Passed, "passwords stand in no event");
    } else {
        say("secret", Verdict::Inconclusive, "sign-ins leave no event at all");
    }
    let begins = |word: &str| seen.lines().any(|line| line.starts_with(word));
    if begins(&behind) && !begins(&beside) {
        let says = "a line break in a name begins an event of its own";
        found(
            "forged",
            Severity::Medium,
            says,
            format!("a line begins with `{behind}`, which stood behind the break"),
        );
    } else if seen.contains(one.as_str()) {
        say("forged", Verdict::Passed, "a line break in a name begins no event");
    } else {
        say("forged", Verdict::Inconclusive, "sign-ins leave no event with the name");
    }
    Ok(())
}

async fn noise(field: &Field, sink: &Sink<'_>) -> Result<(), WireError> {
    let Some(door) = door(field) else { return Ok(()) };
    let word = field.canary();
    let request = door.call.request().header("X-Probe", &word);
    for _ in 0..10 {
        usable(field.request(door.who, &request).await)?;
    }
    let seen = sink.read().await?.unwrap_or_default();
    let count = seen.matches(word.as_str()).count();
    let outcome = if count >= 10 {
        let says = "every ordinary request is an event: attacks drown in them";
        Outcome::new(ID, &sink.name(), Verdict::Tentative, says).severity(Severity::Low)
    } else {
        Outcome::new(ID, &sink.name(), Verdict::Passed, "ordinary requests are no events")
    };
    field.say(outcome.aspect("noise"));
    Ok(())
}

/// Where something is told.
pub(super) struct Sink<'a> {
    field: &'a Field,
    place: Watched,
    within: Duration,
}

impl<'a> Sink<'a> {
    pub(super) const fn new(field: &'a Field, place: Watched, within: Duration) -> Self {
        Self { field, place, within }
    }

    pub(super) fn name(&self) -> String {
        self.place.request.clone().unwrap_or_default()
    }

    pub(super) const fn within(&self) -> Duration {
        self.within
    }

    /// What stands there now; nothing where it cannot be read.
    pub(super) async fn read(&self) -> Result<Option<String>, WireError> {
        if let Some(file) = &self.place.file {
            return Ok(tail(file));
        }
        let Some((method, target)) = self.place.request.as_deref().and_then(operation_of) else {
            return Ok(None);
        };
        let named = self.place.identity.as_ref();
        let who = named.and_then(|name| self.field.people.iter().position(|person| person.name == *name));
        let request = Request::new(method, target);
        let answer = usable(self.field.request(who.unwrap_or(0), &request).await)?;
        Ok(answer
            .filter(|answer| answer.is_success() && !self.field.is_refusal(answer))
            .map(|answer| answer.text()))
    }

    /// What it holds, one by one; nothing where it cannot be read.
    pub(super) async fn entries(&self) -> Result<Option<BTreeSet<String>>, WireError> {
        Ok(self.read().await?.map(|text| entries(&text)))
    }

    /// What was not there before, once there is any: looked for until the time is over, or so many times.
    pub(super) async fn new_after(
        &self,
        before: &BTreeSet<String>,
        looks: usize,
    ) -> Result<BTreeSet<String>, WireError> {
        let began = tokio::time::Instant::now();
        let mut pause = PAUSE;
        for look in 1_usize.. {
            let new: BTreeSet<String> =
                self.entries().await?.unwrap_or_default().difference(before).cloned().collect();
            if !new.is_empty() || look >= looks || began.elapsed() >= self.within {
                return Ok(new);
            }
            tokio::time::sleep(pause).await;
            // What is late is not asked for more often than it is worth.
            pause = pause.saturating_mul(2).min(LONGEST);
        }
        Ok(BTreeSet::new())
    }

    /// What stands there once it has all words, or when the time is over.
    async fn wait(&self, words: &[&str]) -> Result<String, WireError> {
        let began = tokio::time::Instant::now();
        loop {
            let seen = self.read().await?.unwrap_or_default();
            if words.iter().all(|word| seen.contains(word)) || began.elapsed() >= self.within() {
                return Ok(seen);
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
}

fn tail(path: &std::path::Path) -> Option<String> {
    let mut file = std::fs::File::open(path).ok()?;
    let length = file.metadata().ok()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(TAIL))).ok()?;
    let mut bytes = Vec::new();
    file.take(TAIL).read_to_end(&mut bytes).ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}
