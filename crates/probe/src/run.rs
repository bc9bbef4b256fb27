//! One run from the first request to the last: reach the target, sign in, learn what there is, attack, and look once more.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use gabion_dependencies::Advisories;
use gabion_egress::resolve::Resolve;
use gabion_egress::{Dial, Tls};
use gabion_model::{Clock, Rng};

use crate::attacks::{self, Attack, Phase};
use crate::browser::{Browsing, Chromium};
use crate::catch::Catch;
use crate::facts::{Facts, Level};
use crate::field::{Field, Person};
use crate::kept::Kept;
use crate::learn;
use crate::login::{self, Way, brought, sign_in};
use crate::operation::Provenance;
use crate::own::{Own, Template, Test};
use crate::report::{End, Report};
use crate::scope::{OWNERSHIP, Origin, ScopeError};
use crate::surface::{self, DOCUMENTS, add, entrance, graphql, read_openapi, rendered, scripts};
use crate::verdict::{Outcome, Verdict};
use crate::wire::{Budget, Request, Wire, WireError, step};

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
    let wire = Wire::new(origin, addresses, Arc::clone(&world.dial), world.tls.clone(), budget);
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
    let unreachable = |error| RunError::Unreachable { url: facts.target.url.clone(), error };
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

async fn look_around(field: &mut Field, world: &World, progress: &dyn Progress) -> Result<(), WireError> {
    progress.step("looking around", 0, 0);
    if let Some(chromium) = &world.browser {
        field.browser = Browsing::launch(chromium, &field.wire, &*field.rng).await;
        if let Err(reason) = &field.browser {
            field.note(reason.clone());
        }
    }
    let pages = step("looking around", async {
        learn::learn_missing(field).await?;
        documents(field, world).await?;
        field.told = field.operations.len();
        surface::crawl(field, 0, field.facts.limits.pages).await
    });
    let pages = pages.await?;
    progress.step("reading scripts", 0, 0);
    step("reading scripts", scripts::read(field, 0)).await?;
    progress.step("looking around in the browser", 0, 0);
    step("looking around in the browser", async {
        if rendered::is_scripted(field) {
            rendered::explore(field, 0).await?;
            scripts::read(field, 0).await?;
        }
        Ok::<(), WireError>(())
    })
    .await?;
    progress.step("signing in", 0, 0);
    step("signing in", people(field, &pages)).await
}

async fn learn_everything(field: &mut Field, progress: &dyn Progress) -> Result<(), WireError> {
    let most = field.facts.limits.pages;
    for who in field.signed_in().collect::<Vec<_>>() {
        progress.step("following links", who, field.people.len());
        step("following links", surface::crawl(field, who, most)).await?;
    }
    let mut seen = BTreeSet::new();
    for who in field.signed_in().collect::<Vec<_>>() {
        // What is shown depends on what somebody is, more than on who.
        let role = field.person(who).role.clone();
        if rendered::is_scripted(field) && seen.insert(role) {
            progress.step("looking around in the browser", who, field.people.len());
            rendered::explore(field, who).await?;
        }
        scripts::read(field, who).await?;
    }
    graphql::learn(field).await?;
    progress.step("learning what works", 0, field.operations.len());
    step("learning what works", learn::learn(field)).await
}

/// The documents the facts name, or those at well-known places.
async fn documents(field: &mut Field, world: &World) -> Result<(), WireError> {
    let is_openapi = |document: &Document| document.kind == DocumentKind::OpenApi;
    let named = !field.facts.target.openapi.is_empty() || world.documents.iter().any(is_openapi);
    for document in &world.documents {
        take_file(field, document);
    }
    let paths: Vec<String> = if named {
        field.facts.target.openapi.iter().filter(|path| path.starts_with('/')).cloned().collect()
    } else {
        DOCUMENTS.iter().map(|path| (*path).to_owned()).collect()
    };
    for path in paths {
        let answer = match field.request(0, &Request::get(&path)).await {
            Ok(answer) => answer,
            Err(error) if error.is_end() => return Err(error),
            Err(_) => continue,
        };
        if !answer.is_success() || field.is_missing(&answer) || answer.is_html() {
            if named {
                field.note(format!("`{path}` is no document: it answered {}", answer.status));
            }
            continue;
        }
        let found = take_document(field, &path, &answer.text(), Provenance::WellKnown);
        if found {
            field.documents.push(path);
        }
        if found && !named {
            break;
        }
    }
    Ok(())
}

fn take_file(field: &mut Field, document: &Document) {
    let Document { kind, name, text } = document;
    let told = match kind {
        DocumentKind::OpenApi => {
            take_document(field, name, text, Provenance::Specification);
            return;
        }
        DocumentKind::Endpoints => surface::code::read(text),
        DocumentKind::Har => match surface::har::read(text, field.wire.origin()) {
            Ok(told) => {
                if told.operations.is_empty() && told.elsewhere > 0 {
                    field.note(format!(
                        "`{name}` has {} requests, none of them to the target",
                        told.elsewhere
                    ));
                }
                told.operations.into_iter().for_each(|one| add(&mut field.operations, one));
                told.calls.into_iter().for_each(|call| rendered::keep(field, 0, call));
                return;
            }
            Err(reason) => Err(reason),
        },
    };
    match told {
        Ok(operations) => operations.into_iter().for_each(|one| add(&mut field.operations, one)),
        Err(reason) => field.note(format!("`{name}`: {reason}")),
    }
}

fn take_document(field: &mut Field, name: &str, text: &str, source: Provenance) -> bool {
    match read_openapi(text) {
        Ok(told) => {
            for note in told.notes {
                field.note(format!("{name}: {note}"));
            }
            for mut operation in told.operations {
                operation.sources.insert(source);
                add(&mut field.operations, operation);
            }
            true
        }
        Err(reason) => {
            field.note(format!("`{name}`: {reason}"));
            false
        }
    }
}

/// Signs everybody in.
async fn people(field: &mut Field, pages: &[(String, surface::html::Page)]) -> Result<(), WireError> {
    let mut ways = login::ways(&field.facts, pages, &field.operations);
    let mut browsed = false;
    for identity in field.facts.identities.clone() {
        let mut person =
            Person::new(&identity.name, identity.user(), identity.role.clone(), identity.tenant.clone());
        let own: Vec<Way> =
            identity.login.iter().cloned().map(|login| Way::Declared(Box::new(login))).collect();
        let brought = brought(&identity);
        // What the page itself sends is surer than what a document looks like.
        let told = |way: &Way| matches!(way, Way::Form { .. } | Way::Declared(_));
        let formless = own.is_empty() && brought.is_none() && !ways.iter().any(told);
        let mut passed = None;
        if formless && !browsed {
            browsed = true;
            passed = entrance::sign_in(field, &identity).await;
            if let Some(login) = passed.as_mut().and_then(|passed| passed.login.take()) {
                ways.insert(0, Way::Declared(Box::new(login)));
            }
        }
        let ways = if own.is_empty() { &ways } else { &own };
        if let (Some(session), None) = (&brought, &identity.login) {
            person.become_known(session.clone());
        } else {
            person.trouble =
                Some("no form and no operation takes a name and a password; hint: `[login]`".to_owned());
            for way in ways {
                match sign_in(&field.wire, way, &identity, &*field.clock).await {
                    Ok(Ok(mut signed_in)) => {
                        signed_in.session.headers.extend(brought.clone().unwrap_or_default().headers);
                        person.become_known(signed_in.session);
                        person.login = Some((signed_in.request, signed_in.answer));
                        // Where no other password can be sent, none can be tried.
                        let fixed = matches!(way, Way::Declared(login) if login.fixed);
                        person.way = (!fixed).then(|| way.clone());
                        person.trouble = None;
                        break;
                    }
                    Ok(Err(reason)) => person.trouble = Some(reason),
                    Err(error) if error.is_end() => return Err(error),
                    Err(error) => person.trouble = Some(error.to_string()),
                }
            }
            if person.trouble.is_some() {
                if passed.is_none() {
                    passed = entrance::sign_in(field, &identity).await;
                }
                if let Some(passed) = passed {
                    person.become_known(passed.session);
                    person.trouble = None;
                }
            }
        }
        if let Some(trouble) = &person.trouble {
            field.note(format!("`{}` is not signed in: {trouble}", person.name));
        }
        field.people.push(person);
    }
    Ok(())
}

/// From here on what the target fetches and mails is caught.
async fn listen(field: &mut Field) {
    if let Some(address) = field.facts.accounts.mail {
        match crate::mail::MailSink::start(address).await {
            Ok(sink) => field.mail = Some(sink),
            Err(error) => {
                field.note(format!("no letters are taken at `{address}`: {error}; hint: `accounts.mail`"))
            }
        }
    }
    let Some(target) = field.wire.addresses().first().copied() else { return };
    match Catch::start(target, field.facts.target.callback).await {
        Ok(catch) => field.catch = Some(catch),
        Err(error) => field.note(format!("nothing listens for callbacks: {error}; hint: `target.callback`")),
    }
}

/// A test that is built in, or one of a file.
enum Job<'a> {
    BuiltIn(&'a dyn Attack),
    Own(&'a Test),
    Template(&'a Template),
}

impl Job<'_> {
    fn id(&self) -> Cow<'static, str> {
        match self {
            Self::BuiltIn(attack) => attack.id().into(),
            Self::Own(test) => test.about.id.clone().into(),
            Self::Template(template) => template.about.id.clone().into(),
        }
    }

    fn phase(&self) -> Phase {
        match self {
            Self::BuiltIn(attack) => attack.phase(),
            Self::Own(test) => test.phase(),
            Self::Template(template) if template.about.level == Level::Destructive => Phase::Remove,
            Self::Template(_) => Phase::Write,
        }
    }

    async fn run(&self, field: &Field) -> Result<(), WireError> {
        match self {
            Self::BuiltIn(attack) => attack.run(field).await,
            Self::Own(test) => test.run(field).await,
            Self::Template(template) => crate::own::template::run(field, template).await,
        }
    }
}

async fn attack(field: &Field, world: &World, progress: &dyn Progress) -> Result<(), WireError> {
    let ended = field.finished();
    let left = |id: &str| world.wants(id) && !ended.contains(id);
    let built_in = attacks::ALL.iter().map(|attack| Job::BuiltIn(*attack));
    let own = world.own.tests.iter().map(|test| Job::Own(test));
    let templates = world.own.templates.iter().map(|template| Job::Template(template));
    let mut all: Vec<_> = built_in.chain(own).chain(templates).filter(|job| left(&job.id())).collect();
    all.sort_by_key(Job::phase);
    for (at, job) in all.iter().enumerate() {
        let id = job.id();
        progress.step(&id, at, all.len());
        if job.phase() == Phase::Lock {
            doors(field, &all).await?;
        }
        let level = field.about(&id).map(|about| about.level).unwrap_or_default();
        if level > field.facts.target.level {
            let reason = format!(
                "the level is `{}`; hint: `target.level = \"{}\"`",
                field.facts.target.level.as_str(),
                level.as_str()
            );
            field.finish(&id);
            field.not_tested(id, reason);
            continue;
        }
        step(&id, one(field, job, at == 0)).await?;
        field.finish(&id);
    }
    doors(field, &all).await?;
    progress.step("looking once more", all.len(), all.len());
    step("looking once more", world.own.look_again(field)).await?;
    step("looking once more", crate::again::look_again(field)).await
}

/// Where people sign in, after all else and before accounts may be locked; once.
async fn doors(field: &Field, all: &[Job<'_>]) -> Result<(), WireError> {
    let waiting = field.doors.open();
    for job in all.iter().filter(|job| waiting.contains(&*job.id())) {
        let id = job.id();
        step(&id, job.run(field)).await?;
        field.found_after_all(&id);
    }
    field.doors.close();
    Ok(())
}

/// Lets one test attack; once more where somebody lost their session meanwhile, for then it saw what strangers see.
async fn one(field: &Field, job: &Job<'_>, first: bool) -> Result<(), WireError> {
    if first {
        step("keeping signed in", field.keep_alive(true)).await?;
    }
    job.run(field).await?;
    let lost = step("keeping signed in", field.keep_alive(false)).await?;
    if lost && job.phase() < Phase::Sessions {
        field.forget(&job.id());
        job.run(field).await?;
    }
    Ok(())
}
