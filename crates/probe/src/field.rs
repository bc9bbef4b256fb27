//! The ground that tests stand on: the target, who is known there, what it answers, and what was said so far.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use gabion_model::{Clock, Rng};
use serde_json::Value;

use crate::about::{self, About};
use crate::browser::Browsing;
use crate::call::{Call, Payload};
use crate::catch::Catch;
use crate::doors::{Doors, is_blank};
use crate::facts::{ANONYMOUS, Facts};
use crate::learn::Object;
use crate::login::{Tried, Try, Way, attempt, code_of};
use crate::matrix::{Access, Mark};
use crate::memory::Memory;
use crate::operation::Operation;
use crate::sacrifice::Recipe;
use crate::session::Session;
use crate::surface::components::Component;
use crate::surface::entrance::Entrance;
use crate::surface::html;
use crate::verdict::{Exchange, Outcome, Verdict};
use crate::wire::{Answer, Pour, Request, Wire, WireError, sent_by};

/// Somebody, or nobody.
#[derive(Debug)]
pub struct Person {
    /// `anonymous` for nobody.
    pub name: String,
    /// What they sign in with: what pages call them.
    pub user: String,
    pub role: Option<String>,
    pub tenant: Option<String>,
    /// Why they are not signed in, where they should be.
    pub trouble: Option<String>,
    session: Mutex<Session>,
    /// What they sent along before.
    past: Mutex<Vec<Session>>,
    /// Whether they could not be signed in again: whoever goes on trying locks out others, too.
    gone: AtomicBool,
    /// What they were answered since somebody last made sure that they are signed in.
    answered: Mutex<BTreeSet<u16>>,
    /// The answer that signed them in.
    pub login: Option<(Request, Answer)>,
    /// How they signed in; nothing where they brought what they send.
    pub way: Option<Way>,
}

/// A request of an operation that succeeded, and its answer.
#[derive(Debug, Clone)]
pub struct Known {
    /// Its place in [`Field::operations`].
    pub operation: usize,
    /// Its place in [`Field::people`].
    pub who: usize,
    pub call: Call,
    pub answer: Answer,
    /// What nobody got for the same, where that was asked.
    pub anonymous: Option<Answer>,
}

/// A request that was sent by somebody else: a browser, or whoever recorded it.
#[derive(Debug, Clone)]
pub struct Recording {
    /// As whom: a place in [`Field::people`].
    pub who: usize,
    /// Without who sent it.
    pub call: Call,
}

/// Everything tests know and use.
#[derive(Debug)]
pub struct Field {
    pub wire: Arc<Wire>,
    pub facts: Facts,
    pub clock: Arc<dyn Clock>,
    pub rng: Arc<dyn Rng>,
    /// What the tests of this run say of themselves: those built in, then those of files.
    pub abouts: Vec<Arc<About>>,
    /// Nobody first, then the identities of the facts.
    pub people: Vec<Person>,
    pub operations: Vec<Operation>,
    /// How many of them documents told of.
    pub told: usize,
    /// Paths of the documents that the target serves.
    pub documents: Vec<String>,
    /// Who was refused with 401 or 403, by operation and person.
    pub denied: BTreeSet<(usize, usize)>,
    /// Requests that work, by operation and person.
    pub known: Vec<Known>,
    /// Requests that should work and did not, for another reason than who sent them: one of each operation without a known one.
    pub refused: Vec<Known>,
    pub objects: Vec<Object>,
    /// What people had before anything was written.
    pub(crate) former: Vec<crate::restore::Former>,
    /// Requests that worked for somebody else: what learning begins with.
    pub recorded: Vec<Recording>,
    /// Where people sign in, as the browser saw it.
    pub entrance: Option<Entrance>,
    /// Scripts of the target that pages load, by path.
    pub scripts: BTreeSet<String>,
    /// Whether a page was met in which something runs.
    pub scripted: bool,
    /// Those of them that were read.
    pub scripts_read: BTreeSet<String>,
    /// Scripts that stand in pages, not read yet.
    pub inline: Vec<String>,
    /// Pages that scripts draw, with parameters as `{name}`.
    pub views: BTreeSet<String>,
    /// Documents of GraphQL that stand in scripts.
    pub queries: BTreeSet<String>,
    /// What components are judged by.
    pub advisories: gabion_dependencies::Advisories,
    components: Mutex<Vec<Component>>,
    /// The browser, or why there is none.
    pub browser: Result<Browsing, String>,
    /// Pages that were met, with who met them.
    pub pages: Vec<(usize, String)>,
    /// What a path that is not there gets.
    pub missing: Vec<Answer>,
    /// Where what the target fetches arrives.
    pub catch: Option<Catch>,
    /// What need not be asked again.
    pub memory: Memory,
    /// Where the application's letters arrive.
    pub mail: Option<crate::mail::MailSink>,
    /// What was noted on the way, for the report.
    pub notes: Mutex<Vec<String>>,
    /// How accounts are made that tests may break, once that was found out.
    pub(crate) recipe: tokio::sync::OnceCell<Result<Recipe, String>>,
    /// Where GraphQL is asked, once that was found out.
    pub(crate) graphql: tokio::sync::OnceCell<Vec<crate::graphql::Endpoint>>,
    /// Sessions of nobody in [`Field::people`]: to be hidden.
    others: Mutex<Vec<Session>>,
    pub(crate) doors: Doors,
    /// Sessions of which one is left alone while the tests run.
    pub(crate) resting: tokio::sync::Mutex<Option<crate::attacks::session_timeout::Resting>>,
    outcomes: Mutex<Vec<Outcome>>,
    /// Tests that came to their end.
    finished: Mutex<BTreeSet<String>>,
    /// Of answers that are kept, in all.
    kept_bytes: AtomicUsize,
    marks: Mutex<Vec<Mark>>,
}

impl Person {
    #[must_use]
    pub fn nobody() -> Self {
        Self {
            name: ANONYMOUS.to_owned(),
            user: String::new(),
            role: None,
            tenant: None,
            trouble: None,
            session: Mutex::default(),
            past: Mutex::default(),
            gone: AtomicBool::new(false),
            answered: Mutex::default(),
            login: None,
            way: None,
        }
    }

    #[must_use]
    pub fn new(name: &str, user: &str, role: Option<String>, tenant: Option<String>) -> Self {
        Self { name: name.to_owned(), user: user.to_owned(), role, tenant, ..Self::nobody() }
    }

    /// A copy of what they send along now.
    #[must_use]
    pub fn session(&self) -> Session {
        lock(&self.session).clone()
    }

    /// From now on they send this along.
    pub fn become_known(&self, session: Session) {
        let former = std::mem::replace(&mut *lock(&self.session), session);
        let mut past = lock(&self.past);
        if !former.is_empty() && past.len() < PAST {
            past.push(former);
        }
    }

    /// From now on these fields go along with what they send.
    pub fn accompany(&self, companions: Vec<crate::session::Companion>) {
        lock(&self.session).companions = companions;
    }

    /// What they sent along before they became known anew.
    #[must_use]
    pub fn past(&self) -> Vec<Session> {
        lock(&self.past).clone()
    }

    #[must_use]
    pub fn is_signed_in(&self) -> bool {
        !lock(&self.session).is_empty()
    }
}

impl Field {
    #[must_use]
    pub fn new(wire: Arc<Wire>, facts: Facts, clock: Arc<dyn Clock>, rng: Arc<dyn Rng>) -> Self {
        Self {
            wire,
            facts,
            clock,
            rng,
            abouts: about::all().to_vec(),
            people: vec![Person::nobody()],
            operations: Vec::new(),
            told: 0,
            documents: Vec::new(),
            denied: BTreeSet::new(),
            known: Vec::new(),
            refused: Vec::new(),
            objects: Vec::new(),
            former: Vec::new(),
            recorded: Vec::new(),
            entrance: None,
            scripts: BTreeSet::new(),
            scripted: false,
            scripts_read: BTreeSet::new(),
            inline: Vec::new(),
            views: BTreeSet::new(),
            queries: BTreeSet::new(),
            advisories: gabion_dependencies::Advisories::Missing,
            components: Mutex::default(),
            browser: Err("no browser was wanted".to_owned()),
            pages: Vec::new(),
            missing: Vec::new(),
            catch: None,
            memory: Memory::default(),
            mail: None,
            notes: Mutex::default(),
            recipe: tokio::sync::OnceCell::new(),
            graphql: tokio::sync::OnceCell::new(),
            others: Mutex::default(),
            doors: Doors::default(),
            resting: tokio::sync::Mutex::default(),
            outcomes: Mutex::default(),
            finished: Mutex::default(),
            kept_bytes: AtomicUsize::new(0),
            marks: Mutex::default(),
        }
    }

    /// What a test says of itself.
    #[must_use]
    pub fn about(&self, id: &str) -> Option<&Arc<About>> {
        self.abouts.iter().find(|about| about.id == id)
    }

    /// Everybody who is signed in, by their place.
    pub fn signed_in(&self) -> impl Iterator<Item = usize> {
        self.people.iter().enumerate().filter(|(_, person)| person.is_signed_in()).map(|(at, _)| at)
    }

    #[must_use]
    pub fn person(&self, who: usize) -> &Person {
        // The first is nobody and always there.
        self.people.get(who).or_else(|| self.people.first()).unwrap_or_else(|| &NOBODY)
    }

    /// Software that showed its version.
    #[must_use]
    pub fn components(&self) -> Vec<Component> {
        lock(&self.components).clone()
    }

    /// Keeps what showed its version.
    pub fn notice(&self, found: Vec<Component>) {
        let mut components = lock(&self.components);
        for one in found {
            let met = components.iter().any(|own| own.name == one.name && own.version == one.version);
            if !met && components.len() < COMPONENTS {
                components.push(one);
            }
        }
    }

    /// What the facts say of somebody.
    #[must_use]
    pub fn identity(&self, who: usize) -> Option<&crate::facts::Identity> {
        let name = &self.person(who).name;
        self.facts.identities.iter().find(|identity| identity.name == *name)
    }

    #[must_use]
    pub fn operation(&self, at: usize) -> Option<&Operation> {
        self.operations.get(at)
    }

    /// The requests known of one operation.
    pub fn known_of(&self, operation: usize) -> impl Iterator<Item = &Known> {
        self.known.iter().filter(move |known| known.operation == operation)
    }

    /// One working request of each operation: of somebody who is signed in where there is one.
    pub fn examples(&self) -> impl Iterator<Item = &Known> {
        let mut met = BTreeSet::new();
        self.known.iter().filter(move |known| met.insert(known.operation))
    }

    /// [`Field::examples`], and for operations that have none what comes nearest: a request that was understood and refused.
    pub fn attempts(&self) -> impl Iterator<Item = &Known> {
        let known: BTreeSet<usize> = self.known.iter().map(|known| known.operation).collect();
        self.examples().chain(self.refused.iter().filter(move |own| !known.contains(&own.operation)))
    }

    /// Sends a request as somebody, and keeps the cookies they get.
    ///
    /// # Errors
    /// As [`Wire::send`].
    pub async fn request(&self, who: usize, request: &Request) -> Result<Answer, WireError> {
        let person = self.person(who);
        let sent = person.session().apply(request);
        let answer = sent_by(&person.name, self.wire.send(&sent)).await?;
        if who != 0 {
            lock(&person.session).learn(&answer);
            lock(&person.answered).insert(if self.leads_to_login(&answer) { 401 } else { answer.status });
        }
        Ok(answer)
    }

    /// Sends a call as somebody: with fresh tokens where its form has them.
    ///
    /// # Errors
    /// As [`Wire::send`].
    pub async fn call(&self, who: usize, call: &Call) -> Result<Answer, WireError> {
        Ok(self.exchange(who, call).await?.1)
    }

    /// As [`Field::call`], with the request as it went out (without who sent it).
    ///
    /// # Errors
    /// As [`Wire::send`].
    pub async fn exchange(&self, who: usize, call: &Call) -> Result<(Request, Answer), WireError> {
        let call = self.fresh(who, call).await?;
        let request = call.request();
        let answer = self.request(who, &request).await?;
        Ok((request, answer))
    }

    /// Sends a request as somebody, with a body that is made on the way.
    ///
    /// # Errors
    /// As [`Wire::pour`].
    pub async fn pour(
        &self,
        who: usize,
        request: &Request,
        body: &Pour,
    ) -> Result<(Result<Answer, WireError>, u64), WireError> {
        let person = self.person(who);
        let sent = person.session().apply(request);
        sent_by(&person.name, self.wire.pour(&sent, body)).await
    }

    /// Sends a request with exactly that session, which nobody keeps.
    ///
    /// # Errors
    /// As [`Wire::send`].
    pub async fn as_session(&self, session: &Session, request: &Request) -> Result<Answer, WireError> {
        self.wire.send(&session.apply(request)).await
    }

    /// The request that shows best whether somebody is signed in: nobody is refused there, and the answer names them where one
    /// does.
    #[must_use]
    pub fn proof_of(&self, who: usize) -> Option<&Known> {
        let user = &self.person(who).user;
        let fits = |known: &&Known| {
            let refused = known.anonymous.as_ref().is_some_and(|answer| self.is_refusal(answer));
            let safe = self.operation(known.operation).is_some_and(Operation::is_safe);
            known.who == who && refused && safe && known.answer.is_success()
        };
        let all = self.known.iter().filter(fits);
        // What never ends is waited for each time, and what is said of one thing among others may change.
        all.max_by_key(|known| {
            let named = known.answer.has(user);
            let own = known.call.template.split('/').any(|word| OWN_WORDS.contains(&word));
            let length = std::cmp::Reverse(known.answer.body.len());
            (!known.answer.cut, named, own, known.call.path.is_empty(), length)
        })
    }

    /// Whether a session is somebody's: what only they get is got with it.
    ///
    /// # Errors
    /// As [`Wire::send`].
    pub async fn opens(&self, session: &Session, proof: &Known) -> Result<bool, WireError> {
        let answer = self.as_session(session, &proof.call.request()).await?;
        let user = &self.person(proof.who).user;
        let named = !proof.answer.has(user) || answer.has(user);
        Ok(answer.status == proof.answer.status && !self.is_refusal(&answer) && named)
    }

    /// Tries to sign in the way somebody did, with whatever name and password.
    ///
    /// # Errors
    /// As [`Wire::send`].
    pub async fn attempt(&self, who: usize, one: &Try<'_>) -> Result<Option<Tried>, WireError> {
        let Some(way) = &self.person(who).way else { return Ok(None) };
        match attempt(&self.wire, way, one).await {
            Ok(tried) => Ok(tried.ok()),
            Err(error) if error.is_end() => Err(error),
            Err(_) => Ok(None),
        }
    }

    /// Signs somebody in once more, beside the session they have: with what was sent along before, as the facts say they do.
    ///
    /// # Errors
    /// As [`Wire::send`].
    pub async fn sign_in_again(&self, who: usize, before: Session) -> Result<Option<Tried>, WireError> {
        let name = &self.person(who).name;
        let Some(identity) = self.facts.identities.iter().find(|identity| identity.name == *name) else {
            return Ok(None);
        };
        let password = identity.password.as_ref().map_or("", |password| password.expose());
        let code = code_of(identity, &*self.clock);
        let one = Try { user: identity.user(), password, code: &code, before };
        let tried = self.attempt(who, &one).await?;
        // Other tests may have tried too often.
        match &tried {
            Some(Tried { answer, session: Err(_), .. }) if self.wire.wait_as_told(answer).await => {
                let code = code_of(identity, &*self.clock);
                self.attempt(who, &Try { code: &code, ..one }).await
            }
            _ => Ok(tried),
        }
    }

    /// Signs those in again whose session was lost on the way, and says whether there were any. Who got no answer that somebody
    /// gets who is not signed in, is not asked for, unless everybody is to be.
    ///
    /// # Errors
    /// As [`Wire::send`].
    pub async fn keep_alive(&self, everybody: bool) -> Result<bool, WireError> {
        let mut lost = false;
        for who in 1..self.people.len() {
            let person = self.person(who);
            let answered = std::mem::take(&mut *lock(&person.answered));
            let here = person.is_signed_in() && !person.gone.load(Ordering::Relaxed);
            let Some(proof) = self.proof_of(who).filter(|_| here) else { continue };
            let refused = proof.anonymous.as_ref().map_or(401, |answer| answer.status);
            if !everybody && ![401, 407, refused].iter().any(|status| answered.contains(status)) {
                continue;
            }
            // What it says of them may have changed since.
            match self.as_session(&person.session(), &proof.call.request()).await {
                Ok(answer) if self.is_refusal(&answer) => {}
                Err(error) if error.is_end() => return Err(error),
                Ok(_) | Err(_) => continue,
            }
            self.note(format!("`{}` was signed out on the way", person.name));
            let tried = self.sign_in_again(who, Session::default()).await?;
            if let Some(Tried { session: Ok(session), .. }) = tried {
                person.become_known(session);
                lost = true;
            } else {
                person.gone.store(true, Ordering::Relaxed);
                self.note(format!("`{}` cannot be signed in again", person.name));
            }
        }
        Ok(lost)
    }

    /// The request of a call as it would go out now, for whoever changes it further.
    ///
    /// # Errors
    /// As [`Wire::send`].
    pub async fn prepared(&self, who: usize, call: &Call) -> Result<Request, WireError> {
        Ok(self.fresh(who, call).await?.request())
    }

    /// The call with the tokens of a new view of its page.
    async fn fresh(&self, who: usize, call: &Call) -> Result<Call, WireError> {
        let own = |operation: &&Operation| operation.method == call.method && operation.path == call.template;
        let operation = self.operations.iter().find(own);
        let tokens =
            operation.and_then(|operation| Some((operation.page.as_deref()?, operation.body.as_ref()?)));
        let Some((page, body)) = tokens.filter(|(_, body)| !body.tokens.is_empty()) else {
            return Ok(call.clone());
        };
        let answer = self.request(who, &Request::page(page)).await?;
        let read = html::read(&answer.text());
        let mut call = call.clone();
        if let Payload::Form(fields) = &mut call.payload {
            for (name, value) in fields.iter_mut().filter(|(name, _)| body.tokens.contains(name)) {
                let all = read.forms.iter().flat_map(|form| &form.fields);
                if let Some(field) = all.into_iter().find(|field| field.name == *name) {
                    *value = Value::String(field.value.clone());
                }
            }
        }
        Ok(call)
    }

    /// An exchange as evidence.
    #[must_use]
    pub fn evidence(&self, who: usize, request: &Request, answer: &Answer) -> Exchange {
        let person = self.person(who);
        Exchange::new(&person.name, &person.session().apply(request), answer)
    }

    /// Whether an answer is what a path gets that is not there: some say 200.
    #[must_use]
    pub fn is_missing(&self, answer: &Answer) -> bool {
        if matches!(answer.status, 404 | 410) {
            return true;
        }
        self.missing.iter().any(|missing| {
            missing.status == answer.status
                && missing.media_type() == answer.media_type()
                && missing.field("location").is_some() == answer.field("location").is_some()
                && crate::compare::Profile::of(&[missing])
                    .and_then(|profile| profile.distance(answer, "", ""))
                    .is_some_and(|distance| distance <= 6)
        })
    }

    /// Whether an answer is the one that paths get which lead nowhere: not the same as an object that is not there.
    #[must_use]
    pub fn is_unrouted(&self, answer: &Answer) -> bool {
        matches!(answer.status, 404 | 405 | 501) && answer.body.is_empty()
            || !matches!(answer.status, 404 | 410) && self.is_missing(answer)
    }

    /// Whether an answer sends somebody to sign in, or refuses them.
    #[must_use]
    pub fn is_refusal(&self, answer: &Answer) -> bool {
        if matches!(answer.status, 401 | 403 | 404 | 407) {
            return true;
        }
        if answer.is_success() && answer.has("\"errors\"") {
            return answer.json().is_some_and(|body| crate::surface::graphql::is_refusal(&body));
        }
        self.leads_to_login(answer)
    }

    fn leads_to_login(&self, answer: &Answer) -> bool {
        let to = answer.field("location").unwrap_or_default().to_ascii_lowercase();
        answer.is_redirect() && LOGIN_WORDS.iter().any(|word| to.contains(word))
    }

    /// Remembers that a session is nothing for a report.
    pub(crate) fn hide(&self, session: &Session) {
        let mut others = lock(&self.others);
        if others.len() < PAST && !others.contains(session) {
            others.push(session.clone());
        }
    }

    /// Sessions of accounts that the probe made.
    pub(crate) fn others(&self) -> Vec<Session> {
        lock(&self.others).clone()
    }

    /// A new word that nothing else has: letters and digits, the first one a letter.
    #[must_use]
    pub fn canary(&self) -> String {
        let bytes = gabion_model::random::bytes::<6>(&*self.rng);
        let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        format!("gx{digits}")
    }

    /// A random number of up to `below`.
    #[must_use]
    pub fn number(&self, below: u32) -> u32 {
        u32::from_le_bytes(gabion_model::random::bytes::<4>(&*self.rng)) % below.max(1)
    }

    /// An answer as it is kept for the whole run: no longer than what is compared, and short once all of them are many.
    #[must_use]
    pub fn kept(&self, mut answer: Answer) -> Answer {
        let so_far = self.kept_bytes.load(Ordering::Relaxed);
        answer.body.truncate(if so_far > KEPT_IN_ALL { KEPT_SHORT } else { KEPT });
        answer.body.shrink_to_fit();
        self.kept_bytes.fetch_add(answer.body.len(), Ordering::Relaxed);
        answer
    }

    /// Says what a test found, or did not.
    pub fn say(&self, outcome: Outcome) {
        // Who was here before said so where there was nothing.
        if !(self.doors.are_open() && is_blank(&outcome)) {
            let outcome = self.controlled(outcome);
            lock(&self.outcomes).push(outcome);
        }
    }

    pub(crate) fn change_outcomes(&self, change: impl FnOnce(&mut Vec<Outcome>)) {
        change(&mut lock(&self.outcomes));
    }

    /// Takes back all that a test said: it is repeated.
    pub(crate) fn forget(&self, test: &str) {
        lock(&self.outcomes).retain(|outcome| outcome.test != test);
    }

    /// Takes back a part of what was said of something.
    pub fn weaken(&self, outcome: &Outcome) {
        let id = outcome.id();
        for own in lock(&self.outcomes).iter_mut().filter(|own| own.test == outcome.test && own.id() == id) {
            *own = outcome.clone();
        }
    }

    /// Says that something could not be tested at all.
    pub fn not_tested(&self, test: impl Into<Cow<'static, str>>, reason: impl Into<String>) {
        self.say(Outcome::new(test, "", Verdict::NotTested, reason));
    }

    /// The browser; a test that needs one says so where there is none.
    #[must_use]
    pub fn browsing(&self, test: &'static str) -> Option<&Browsing> {
        match &self.browser {
            Ok(browsing) => Some(browsing),
            Err(reason) => {
                self.not_tested(test, reason.clone());
                None
            }
        }
    }

    pub fn note(&self, text: impl Into<String>) {
        let mut notes = lock(&self.notes);
        let text = text.into();
        if notes.len() < NOTES && !notes.contains(&text) {
            notes.push(text);
        }
    }

    /// Says for the matrix what was seen of somebody at an operation (`GET /api/notes/{id}`).
    pub fn saw(&self, operation: &str, who: usize, access: Access, reason: impl Into<String>) {
        let mut marks = lock(&self.marks);
        if marks.len() < MARKS {
            marks.push(Mark { operation: operation.to_owned(), who, access, reason: reason.into() });
        }
    }

    pub(crate) fn marks(&self) -> Vec<Mark> {
        lock(&self.marks).clone()
    }

    /// A test has said all that it has to say.
    pub fn finish(&self, test: &str) {
        lock(&self.finished).insert(test.to_owned());
    }

    /// Tests that came to their end.
    #[must_use]
    pub fn finished(&self) -> BTreeSet<String> {
        lock(&self.finished).clone()
    }

    /// What was said so far.
    #[must_use]
    pub fn outcomes(&self) -> Vec<Outcome> {
        lock(&self.outcomes).clone()
    }
}

/// The most that is said for the matrix.
const MARKS: usize = 50_000;
/// The most that is kept of one answer, in bytes.
const KEPT: usize = 256 << 10;
/// From this much on, what is kept of one answer is short.
const KEPT_IN_ALL: usize = 64 << 20;
const KEPT_SHORT: usize = 4 << 10;

/// Components that are kept.
const COMPONENTS: usize = 200;
/// The most notes of a run.
const NOTES: usize = 200;
/// Former sessions that are kept to be hidden.
const PAST: usize = 200;
/// What addresses of sign-in pages have in them.
const LOGIN_WORDS: &[&str] = &["login", "signin", "sign-in", "sign_in", "auth", "sso", "session"];

/// What paths have in them that show somebody themselves.
const OWN_WORDS: &[&str] = &["me", "whoami", "self", "profile", "account", "current", "userinfo"];

static NOBODY: std::sync::LazyLock<Person> = std::sync::LazyLock::new(Person::nobody);

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
