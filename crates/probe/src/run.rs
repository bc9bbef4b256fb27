//! One run from the first request to the last: reach the target, sign in, learn what there is, attack, and look once more.

mod around;
mod turns;

use std::sync::Arc;
use std::time::Duration;

use gabion_dependencies::Advisories;
use gabion_egress::resolve::Resolve;
use gabion_egress::{Dial, Tls, is_distrust};
use gabion_model::{Clock, Rng};

use self::around::{learn_everything, listen, look_around};
use self::turns::attack;
use crate::browser::Chromium;
use crate::facts::Facts;
use crate::field::Field;
use crate::kept::Kept;
use crate::own::Own;
use crate::report::{End, Report};
use crate::restore;
use crate::scope::{OWNERSHIP, Origin, ScopeError, is_near};
use crate::verdict::{Outcome, Verdict};
use crate::wire::{Budget, Request, Wire, WireError};

/// What a run needs from outside.
#[derive(Debug, Clone)]
pub struct World {
    pub clock: Arc<dyn Clock>,
    pub rng: Arc<dyn Rng>,
    pub resolver: Arc<dyn Resolve>,
    pub dial: Arc<dyn Dial>,
    /// For targets by `https`.
    pub tls: Option<Tls>,
    /// Files that tell of operations, read.
    pub documents: Vec<Document>,
    /// What components are judged by.
    pub advisories: Advisories,
    /// The browser that tests prove things in; nothing where none is wanted.
    pub browser: Option<Chromium>,
    /// Only these tests; empty for all.
    pub only: Vec<String>,
    pub skip: Vec<String>,
    /// Tests from files.
    pub own: Own,
}

/// A file that tells of operations.
#[derive(Debug, Clone)]
pub struct Document {
    pub kind: DocumentKind,
    /// As messages call it.
    pub name: String,
    pub text: String,
}

/// What a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DocumentKind {
    OpenApi,
    /// What `gabion scan --endpoints` wrote.
    Endpoints,
    /// Recorded traffic.
    Har,
}

impl World {
    /// Whether a test was chosen.
    #[must_use]
    pub fn wants(&self, id: &str) -> bool {
        let named = |list: &[String]| list.iter().any(|one| one == id);
        (self.only.is_empty() || named(&self.only)) && !named(&self.skip)
    }
}

/// Told on the way.
pub trait Progress: Sync {
    /// What is done now, and which part of how many of it that is.
    fn step(&self, what: &str, done: usize, of: usize);
}

/// Why there was no run.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    #[error(transparent)]
    Scope(#[from] ScopeError),
    #[error("`{url}` does not answer: {error}; hint: is the application running?")]
    Unreachable { url: String, error: WireError },
    #[error(
        "the certificate of `{url}` is not believed: {error}; hint: `target.ca_file`, or `target.verify = false` (`--no-verify`) for a target near by"
    )]
    Untrusted { url: String, error: WireError },
    #[error(
        "`{0}` is not near by, and is talked to by nobody whose certificate is not believed; hint: `target.verify`"
    )]
    Unverified(String),
    #[error("`{0}` does not serve the word of `target.ownership` at `{OWNERSHIP}`")]
    NotOwned(String),
}

/// What a run takes up, and what ends it before its time.
#[derive(Debug, Default)]
pub struct Course {
    pub stop: Stop,
    /// A run that ended early: what its tests said stands, and those that are left are run.
    pub resume: Option<Kept>,
}

/// Ends a run from outside; whoever has a copy can.
#[derive(Debug, Clone, Default)]
pub struct Stop(Arc<tokio::sync::Notify>);

impl Stop {
    /// Ends the run at once; what it has so far becomes its report.
    pub fn now(&self) {
        self.0.notify_one();
    }

    /// Waits until it was told.
    pub async fn told(&self) {
        self.0.notified().await;
    }
}

/// Runs all tests there are against the target of the facts.
///
/// # Errors
/// When the target cannot or must not be reached. What happens later is in the report.
pub async fn run(facts: Facts, world: &World, progress: &dyn Progress) -> Result<Report, RunError> {
    run_on(facts, world, progress, &Course::default()).await
}

/// As [`run`], going on where another run ended, and ending when it is told to.
///
/// # Errors
/// As [`run`].
pub async fn run_on(
    facts: Facts,
    world: &World,
    progress: &dyn Progress,
    course: &Course,
) -> Result<Report, RunError> {
    let mut field = open(facts, world).await?;
    let stopped = tokio::select! {
        biased;
        () = course.stop.told() => Err(WireError::Stopped("it was interrupted".to_owned())),
        done = everything(&mut field, world, progress, course.resume.as_ref()) => done,
    };
    restore::put_back(&field).await;
    if let (Err(error), Some(kept)) = (&stopped, &course.resume)
        && field.finished().is_empty()
    {
        // Not even where the other run had been: what it said is not lost.
        field.note(format!("nothing was gone on with: {error}"));
        kept.say_again(&field);
        kept.ended().for_each(|id| field.finish(id));
    }
    let mut report = reported(&field, world, stopped);
    if let Some(kept) = &course.resume {
        report.requests = report.requests.saturating_add(kept.summary.requests);
        report.elapsed = report.elapsed.saturating_add(Duration::from_millis(kept.summary.milliseconds));
        report.notes.push(format!("went on from the run that ended at {}", kept.at));
    }
    Ok(report)
}

/// The report of a run that ended so.
fn reported(field: &Field, world: &World, end: Result<(), WireError>) -> Report {
    let end = match end {
        Ok(()) => End::Whole,
        Err(error) => End::Early(error.to_string()),
    };
    if let End::Early(why) = &end {
        let finished = field.finished();
        let said = field.outcomes();
        for about in
            field.abouts.iter().filter(|about| world.wants(&about.id) && !finished.contains(&about.id))
        {
            if !said.iter().any(|outcome| outcome.test == about.id && outcome.verdict == Verdict::NotTested) {
                field.say(Outcome::new(about.id.clone(), "", Verdict::NotTested, why.clone()));
            }
        }
    }
    let mut report = Report::new(field, end, world.clock.now());
    // Of many templates most are about what is not there: a row for each would hide the rest.
    let said =
        |id: &str| report.outcomes.iter().any(|one| one.test == id && one.verdict != Verdict::NotTested);
    let shown: Vec<bool> = report
        .tests
        .iter()
        .map(|about| world.wants(&about.id) && (!world.own.is_template(&about.id) || said(&about.id)))
        .collect();
    let mut shown = shown.into_iter();
    report.tests.retain(|_| shown.next().unwrap_or(true));
    if report.end == End::Whole {
        report.left.clear();
    }
    report.left.retain(|id| world.wants(id));
    report
}

/// Learns the rest and attacks, where somebody has entered.
pub(crate) async fn complete(field: &mut Field, world: &World, progress: &dyn Progress) -> Report {
    let done = async {
        learn_everything(field, progress).await?;
        listen(field).await;
        attack(field, world, progress).await
    };
    let done = done.await;
    restore::put_back(field).await;
    reported(field, world, done)
}

/// Reaches the target and signs people in, and no more.
///
/// # Errors
/// As [`run`].
pub async fn enter(facts: Facts, world: &World, progress: &dyn Progress) -> Result<Field, RunError> {
    let mut field = open(facts, world).await?;
    if let Err(error) = look_around(&mut field, world, progress).await {
        field.note(error.to_string());
    }
    Ok(field)
}

/// Learns what there is and what works, and attacks nothing.
///
/// # Errors
/// As [`run`].
pub async fn survey(facts: Facts, world: &World, progress: &dyn Progress) -> Result<Field, RunError> {
    let mut field = open(facts, world).await?;
    let learned = async {
        look_around(&mut field, world, progress).await?;
        learn_everything(&mut field, progress).await
    };
    if let Err(error) = learned.await {
        field.note(error.to_string());
    }
    restore::put_back(&field).await;
    Ok(field)
}

async fn open(facts: Facts, world: &World) -> Result<Field, RunError> {
    let origin = Origin::parse(&facts.target.url)?;
    let addresses = origin.addresses(&*world.resolver, facts.target.ownership.is_some()).await?;
    let budget = Budget {
        requests: facts.limits.requests,
        time: facts.limits.time.as_duration(),
        rate: facts.limits.rate,
    };
    let mut tls = world.tls.clone();
    if !facts.target.verify {
        if addresses.iter().any(|address| !is_near(address.ip())) {
            return Err(RunError::Unverified(facts.target.url));
        }
        let anybody = tls.as_ref().map(Tls::believing_anybody).transpose();
        tls = anybody.map_err(|error| RunError::Unreachable {
            url: facts.target.url.clone(),
            error: WireError::Io(std::io::Error::other(error)),
        })?;
    }
    let wire = Wire::new(origin, addresses, Arc::clone(&world.dial), tls, budget);
    let wire = Arc::new(wire.through(facts.target.proxy).speaking(facts.target.http));
    reach(&wire, &facts).await?;
    let mut field = Field::new(wire, facts, Arc::clone(&world.clock), Arc::clone(&world.rng));
    field.abouts.extend(world.own.abouts().cloned());
    for note in world.own.notes() {
        field.note(note);
    }
    field.advisories = world.advisories.clone();
    Ok(field)
}

async fn reach(wire: &Wire, facts: &Facts) -> Result<(), RunError> {
    let unreachable = |error| {
        let url = facts.target.url.clone();
        match &error {
            WireError::Io(inner) if is_distrust(inner) => RunError::Untrusted { url, error },
            _ => RunError::Unreachable { url, error },
        }
    };
    if let Some(word) = &facts.target.ownership {
        let answer = wire.send(&Request::get(OWNERSHIP)).await.map_err(unreachable)?;
        if word.len() < 16 || answer.text().trim() != word.as_str() {
            return Err(RunError::NotOwned(facts.target.url.clone()));
        }
    }
    wire.send(&Request::get(wire.origin().path())).await.map_err(unreachable)?;
    Ok(())
}

async fn everything(
    field: &mut Field,
    world: &World,
    progress: &dyn Progress,
    resume: Option<&Kept>,
) -> Result<(), WireError> {
    look_around(field, world, progress).await?;
    learn_everything(field, progress).await?;
    listen(field).await;
    if let Some(kept) = resume {
        kept.say_again(field);
        kept.ended().for_each(|id| field.finish(id));
    }
    attack(field, world, progress).await
}
