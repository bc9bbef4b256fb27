//! How a template runs.
//!
//! 1. Its blocks go one after the other, as nobody, with what earlier answers were kept for.
//! 2. A match is looked at: the same request is sent again and must match again, and a twin ([`super::twin`]) must not. Then it is
//!    `firm`; without a twin, or where the answer is that of a path that is not there, it is `tentative`. What the application
//!    fetched on a word of this run is `proven`.
//! 3. Where nothing matches nothing is known: what the template is about may not be there at all. That is no pass.

use std::collections::BTreeMap;
use std::time::Duration;

use gabion_model::Severity;

use super::{Block, Flow, Kind, Template, payloads, twin};
use crate::attacks::usable;
use crate::catch::Catch;
use crate::field::Field;
use crate::own::expression::{Expression, LARGEST, Names, Surroundings, Term};
use crate::own::look::describe;
use crate::own::{functions, raw};
use crate::session::{Session, SetCookie};
use crate::surface::is_spared;
use crate::verdict::{Outcome, Proof, Verdict};
use crate::wire::{Answer, Request, WireError};

/// How long the application has to fetch a callback.
const PATIENCE: Duration = Duration::from_secs(3);

/// A template while it runs.
struct Running<'a> {
    field: &'a Field,
    template: &'a Template,
    names: Names,
    session: Session,
    /// Requests so far.
    sent: usize,
    matched: usize,
    /// Why something was not sent.
    skipped: Option<String>,
    word: String,
}

/// The most requests of one template.
const MOST: usize = 400;

/// Runs a template and says what came of it.
///
/// # Errors
/// When the run is over.
pub(crate) async fn run(field: &Field, template: &Template) -> Result<(), WireError> {
    let mut running = Running {
        field,
        template,
        names: Names::new(),
        session: Session::default(),
        sent: 0,
        matched: 0,
        skipped: None,
        word: Catch::word(&*field.rng),
    };
    running.given();
    let order: Vec<usize> = match &template.flow {
        Flow::All => (0..template.requests.len()).collect(),
        Flow::While(order, _) => order.clone(),
    };
    for at in order {
        let Some(block) = template.requests.get(at) else { continue };
        let matched = running.block(block).await?;
        let goes_on = match &template.flow {
            Flow::All => true,
            Flow::While(_, and) => matched == *and,
        };
        if !goes_on || running.sent >= MOST {
            break;
        }
    }
    if running.matched == 0 {
        let why = match running.skipped {
            Some(why) if running.sent == 0 => format!("nothing was sent: {why}"),
            _ => format!("none of {} requests matched: what it is about may not be there", running.sent),
        };
        field.not_tested(template.about.id.clone(), why);
    }
    Ok(())
}

/// A request that matched, with what it takes to send it again.
struct Match {
    request: Request,
    answer: Answer,
    marks: Vec<String>,
    extracted: Vec<String>,
    only_extracted: bool,
}

impl Running<'_> {
    /// What every template knows.
    fn given(&mut self) {
        let origin = self.field.wire.origin();
        let base = origin.base();
        let path = origin.path().trim_end_matches('/').to_owned();
        let scheme = if origin.is_tls() { "https" } else { "http" };
        let callback = self.field.catch.as_ref().map(|catch| catch.url(&self.word));
        let callback = callback.unwrap_or_default().replace("http://", "");
        let random = |length: usize| self.field.canary().chars().take(length).collect::<String>();
        let mut texts = vec![
            ("BaseURL".to_owned(), format!("{base}{path}")),
            ("RootURL".to_owned(), base),
            ("Hostname".to_owned(), origin.authority()),
            ("Host".to_owned(), origin.host().to_owned()),
            ("Port".to_owned(), origin.port().to_string()),
            ("Path".to_owned(), path.clone()),
            ("File".to_owned(), String::new()),
            ("Scheme".to_owned(), scheme.to_owned()),
            ("FQDN".to_owned(), origin.host().to_owned()),
            ("RDN".to_owned(), origin.host().to_owned()),
            ("DN".to_owned(), origin.host().split('.').next().unwrap_or_default().to_owned()),
            ("randstr".to_owned(), random(14)),
        ];
        texts.extend((1..10).map(|number| (format!("randstr_{number}"), random(14))));
        if !callback.is_empty() {
            texts.push(("interactsh-url".to_owned(), callback));
        }
        self.names.extend(texts.into_iter().map(|(name, text)| (name, Term::text(&text))));
        for (name, text) in &self.template.variables {
            let filled = lenient(text, &self.with());
            if let Ok(value) = filled {
                self.names.insert(name.clone(), Term::Text(value));
            }
        }
    }

    fn with(&self) -> Surroundings<'_> {
        Surroundings { names: &self.names, rng: &*self.field.rng, now: self.field.clock.now().as_secs() }
    }

    /// Sends a block; says whether anything matched.
    async fn block(&mut self, block: &Block) -> Result<bool, WireError> {
        let fits = |own: &Expression| own.truth(&self.with()).unwrap_or(false);
        let condition = &block.condition;
        if !condition.is_empty()
            && !(if block.condition_all { condition.iter().all(fits) } else { condition.iter().any(fits) })
        {
            return Ok(false);
        }
        let (sets, more) = payloads::sets(&block.payloads, block.attack);
        if more {
            let id = &self.template.about.id;
            self.field.note(format!("`{id}`: only the first {} sets of payloads are sent", payloads::MOST));
        }
        let count = match &block.kind {
            Kind::Paths { paths, .. } => paths.len(),
            Kind::Raw(all) => all.len(),
        };
        let mut any = false;
        for set in &sets {
            for at in 0..count {
                if self.sent >= MOST {
                    self.field.note(format!(
                        "`{}`: only the first {MOST} requests are sent",
                        self.template.about.id
                    ));
                    return Ok(any);
                }
                let Some((request, answer)) = self.one(block, set, at).await? else { continue };
                let Some(found) = self.judge(block, request, answer).await? else { continue };
                any = true;
                if block.matchers.iter().all(|matcher| matcher.internal) && !block.matchers.is_empty() {
                    continue;
                }
                self.matched = self.matched.saturating_add(1);
                self.confirm(block, set, at, found).await?;
                if block.stop {
                    return Ok(true);
                }
            }
        }
        Ok(any)
    }

    /// Sends one request, and keeps what its answer is kept for.
    async fn one(
        &mut self,
        block: &Block,
        set: &BTreeMap<String, String>,
        at: usize,
    ) -> Result<Option<(Request, Answer)>, WireError> {
        let request = match self.put(set).and_then(|()| self.request(block, set, at)) {
            Ok(request) => request,
            Err(why) => {
                self.skipped = Some(why);
                return Ok(None);
            }
        };
        self.sent = self.sent.saturating_add(1);
        let Some(answer) = self.exchange(block, &request).await? else { return Ok(None) };
        self.learn(block, &answer, at);
        Ok(Some((request, answer)))
    }

    async fn exchange(&mut self, block: &Block, request: &Request) -> Result<Option<Answer>, WireError> {
        let nobody = Session::default();
        let session = if block.cookies { &self.session } else { &nobody };
        let Some(mut answer) = usable(self.field.as_session(session, request).await)? else {
            return Ok(None);
        };
        self.session.learn(&answer);
        let mut from = request.target.clone();
        for _ in 0..block.redirects {
            if !answer.is_redirect() {
                break;
            }
            let to = answer.field("location").unwrap_or_default();
            let path = from.split('?').next().unwrap_or_default();
            let Some(to) = self.field.wire.origin().inside(path, to) else { break };
            let Some(next) = usable(self.field.as_session(&self.session, &Request::get(&to)).await)? else {
                break;
            };
            self.session.learn(&next);
            (answer, from) = (next, to);
        }
        Ok(Some(answer))
    }

    /// Payloads are values for as long as their request counts.
    fn put(&mut self, set: &BTreeMap<String, String>) -> Result<(), String> {
        for (name, value) in set {
            let value = lenient(value, &self.with())?;
            self.names.insert(name.clone(), Term::Text(value));
        }
        Ok(())
    }

    fn request(&self, block: &Block, set: &BTreeMap<String, String>, at: usize) -> Result<Request, String> {
        let with = self.with();
        let fill =
            |text: &str| lenient(text, &with).map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        let mut request = match &block.kind {
            Kind::Paths { method, paths } => {
                let path = paths.get(at).map(String::as_str).unwrap_or_default();
                let mut request = Request::new(&fill(method)?, fill(path)?.trim());
                request.body = lenient(&block.body, &with)?;
                request
            }
            Kind::Raw(all) => {
                // `§name§` is how payloads are marked in raw requests, too.
                let text = all.get(at).map(String::as_str).unwrap_or_default();
                let mut text = text.to_owned();
                for name in set.keys() {
                    text = text.replace(&format!("§{name}§"), &format!("{{{{{name}}}}}"));
                }
                raw::read(&lenient(&text, &with)?)?
            }
        };
        for (name, value) in &block.headers {
            request = request.with(name, &fill(value)?);
        }
        request.target = self.inside(&request.target, matches!(block.kind, Kind::Raw(_)))?;
        let own = self.field.wire.origin().authority();
        if request.field("host").is_some_and(|host| host == own) {
            request = request.without("host");
        }
        let form = !request.body.is_empty()
            && request.field("content-type").is_none()
            && matches!(block.kind, Kind::Paths { .. });
        if form && request.body.contains(&b'=') {
            request = request.with("content-type", "application/x-www-form-urlencoded");
        }
        if is_spared(self.field, &request.target) {
            return Err(format!("`{}` is spared; hint: `target.spare`", request.target));
        }
        Ok(request)
    }

    /// The target of a request at this application; nothing leaves it.
    fn inside(&self, target: &str, is_raw: bool) -> Result<String, String> {
        let origin = self.field.wire.origin();
        let elsewhere = || format!("`{}` is not at the target", target.chars().take(100).collect::<String>());
        if target.starts_with("http://") || target.starts_with("https://") {
            let rest = target.strip_prefix(&origin.base()).ok_or_else(elsewhere)?;
            return match rest.chars().next() {
                None => Ok("/".to_owned()),
                Some('/') => Ok(rest.to_owned()),
                Some('?') => Ok(format!("/{rest}")),
                _ => Err(elsewhere()),
            };
        }
        let path = origin.path().trim_end_matches('/');
        if !target.starts_with('/') {
            return Err(elsewhere());
        }
        let merged = is_raw && !path.is_empty() && !target.starts_with(path);
        Ok(if merged { format!("{path}{target}") } else { target.to_owned() })
    }

    /// What later requests know of an answer.
    fn learn(&mut self, block: &Block, answer: &Answer, at: usize) {
        describe(answer, &mut self.names, "");
        describe(answer, &mut self.names, &format!("_{}", at.saturating_add(1)));
        for cookie in answer.fields("set-cookie").filter_map(SetCookie::parse) {
            let name = cookie.name.to_ascii_lowercase().replace('-', "_");
            self.names.insert(format!("cookie:{name}"), Term::text(&cookie.value));
        }
        for extractor in &block.extractors {
            let found = extractor.all(&self.with()).into_iter().next();
            if let Some(value) = found.filter(|_| !extractor.name.is_empty()) {
                self.names.insert(extractor.name.clone(), Term::Text(value));
            }
        }
    }

    /// Whether an answer that was learnt matches.
    async fn judge(
        &mut self,
        block: &Block,
        request: Request,
        answer: Answer,
    ) -> Result<Option<Match>, WireError> {
        if block.matchers.iter().any(super::matcher::Matcher::is_of_callback) {
            self.callback().await;
        }
        Ok(self.seen(block, request, answer))
    }

    /// Waits for what the application fetches.
    async fn callback(&mut self) {
        let hit = match &self.field.catch {
            Some(catch) => catch.wait(&self.word, PATIENCE).await,
            None => None,
        };
        let (protocol, request) = match hit {
            // Whoever fetches a page by its name has asked for the name.
            Some(hit) => ("http\ndns".to_owned(), hit.head),
            None => (String::new(), String::new()),
        };
        self.names.insert("interactsh_protocol".to_owned(), Term::text(&protocol));
        self.names.insert("interactsh_request".to_owned(), Term::text(&request));
    }

    fn seen(&self, block: &Block, request: Request, answer: Answer) -> Option<Match> {
        let with = self.with();
        let fits = |matcher: &super::matcher::Matcher| matcher.matches(&with);
        let matched =
            if block.all { block.matchers.iter().all(fits) } else { block.matchers.iter().any(fits) };
        let shown = block.extractors.iter().filter(|own| !own.internal);
        let extracted: Vec<String> = shown
            .flat_map(|own| own.all(&with))
            .map(|value| String::from_utf8_lossy(&value).chars().take(100).collect())
            .take(10)
            .collect();
        let only_extracted = block.matchers.is_empty();
        let found = if only_extracted { !extracted.is_empty() } else { matched };
        found.then(|| {
            let marks = block
                .matchers
                .iter()
                .filter(|own| own.matches(&with))
                .filter_map(|own| own.mark(&with))
                .collect();
            Match { request, answer, marks, extracted, only_extracted }
        })
    }

    /// Looks at a match again, and at its twin, and says what it comes to.
    async fn confirm(
        &mut self,
        block: &Block,
        set: &BTreeMap<String, String>,
        at: usize,
        found: Match,
    ) -> Result<(), WireError> {
        let field = self.field;
        let before = self.names.clone();
        let by_callback = block.matchers.iter().any(|own| own.is_of_callback() && own.matches(&self.with()));
        let place = place(field, &found.request);
        let mut says = if found.only_extracted { "found".to_owned() } else { "matched".to_owned() };
        if let Some(mark) = found.marks.first() {
            says.push_str(&format!(
                " by `{}`",
                mark.chars().filter(|letter| !letter.is_control()).take(80).collect::<String>()
            ));
        }
        if !found.extracted.is_empty() {
            says.push_str(&format!(": {}", found.extracted.join(", ")));
        }
        let mut proof = Proof::new(field.evidence(0, &found.request, &found.answer), says.clone());
        if let Some(mark) = found.marks.first().filter(|mark| found.answer.has(mark)) {
            proof = proof.marked(mark.clone());
        }
        let outcome = |verdict: Verdict, says: String| {
            let outcome = Outcome::new(self.template.about.id.clone(), &place, verdict, says);
            if set.is_empty() {
                outcome
            } else {
                outcome.aspect(&set.values().cloned().collect::<Vec<_>>().join(" "))
            }
        };
        if by_callback {
            says.push_str("; the application fetched an address of this run");
            field.say(outcome(Verdict::Proven, says).proof(proof.by_steps()));
            return Ok(());
        }
        let informational = self.template.about.severity == Severity::Informational;
        let by_time = block.matchers.iter().any(super::matcher::Matcher::is_of_time);
        let twin = self.twin(block, set, at, &found.request).await?;
        self.names.clone_from(&before);
        let verdict = match twin {
            _ if found.only_extracted || field.is_missing(&found.answer) => Verdict::Tentative,
            None => {
                says.push_str("; its request has no twin");
                Verdict::Tentative
            }
            Some((request, answer, true)) => {
                says.push_str("; so does a request for what nobody has");
                proof = proof.twin(field.evidence(0, &request, &answer));
                Verdict::Tentative
            }
            Some((request, answer, false)) => {
                proof = proof.twin(field.evidence(0, &request, &answer));
                // Once more: what is not there again is nothing to rely on.
                match self.one(block, set, at).await? {
                    Some((request, answer)) => {
                        let again = self.seen(block, request, answer).is_some();
                        if !again {
                            says.push_str("; sent again, it did not");
                        }
                        if again { Verdict::Firm } else { Verdict::Tentative }
                    }
                    None => Verdict::Tentative,
                }
            }
        };
        self.names = before;
        if by_time {
            says.push_str("; time alone shows little");
        }
        let verdict = if informational || by_time { verdict.min(Verdict::Tentative) } else { verdict };
        field.say(outcome(verdict, says).proof(proof));
        Ok(())
    }

    /// The twin of a request, its answer, and whether it matches as well; nothing where it has none.
    async fn twin(
        &mut self,
        block: &Block,
        set: &BTreeMap<String, String>,
        at: usize,
        request: &Request,
    ) -> Result<Option<(Request, Answer, bool)>, WireError> {
        let other = match twin::of_payloads(set, || self.field.canary()) {
            Some(set) => {
                let put = self.put(&set).and_then(|()| self.request(block, &set, at));
                put.ok().filter(|other| other != request)
            }
            None => twin::of_request(request, || self.field.canary()),
        };
        let Some(other) = other else { return Ok(None) };
        let Some(answer) = self.exchange(block, &other).await? else { return Ok(None) };
        self.learn(block, &answer, at);
        let matches = self.seen(block, other.clone(), answer.clone()).is_some();
        Ok(Some((other, answer, matches)))
    }
}

/// The operation that a request is of, or its method and path.
fn place(field: &Field, request: &Request) -> String {
    let path = request.target.split('?').next().unwrap_or_default();
    let own = field.operations.iter().find(|own| own.method == request.method && own.matches(path).is_some());
    own.map_or_else(|| format!("{} {path}", request.method), crate::operation::Operation::id)
}

/// Fills a text as templates mean it: what stands in braces and is no value of theirs stays as it is (`{{7*7}}` is a payload).
///
/// # Errors
/// When a value is named that is not known: a request with a hole in it is another request.
pub(super) fn lenient(text: &str, with: &Surroundings<'_>) -> Result<Vec<u8>, String> {
    let mut out = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{{") {
        let Some((inside, behind)) = after.split_once("}}") else { break };
        out.extend_from_slice(before.as_bytes());
        match placed(inside.trim(), with)? {
            Some(value) => out.extend_from_slice(&value),
            None => out.extend_from_slice(format!("{{{{{inside}}}}}").as_bytes()),
        }
        if out.len() > LARGEST {
            return Err("it grows too large".to_owned());
        }
        rest = behind;
    }
    out.extend_from_slice(rest.as_bytes());
    Ok(out)
}

fn placed(inside: &str, with: &Surroundings<'_>) -> Result<Option<Vec<u8>>, String> {
    if let Some(value) = with.names.get(inside) {
        return Ok(Some(value.bytes()));
    }
    let plain = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-');
    if !inside.is_empty()
        && inside.chars().all(plain)
        && !inside.starts_with(|letter: char| letter.is_ascii_digit())
    {
        return Err(format!("`{{{{{inside}}}}}` is not known"));
    }
    let Ok(expression) = Expression::parse(inside) else {
        let name = inside.split('(').next().unwrap_or_default();
        let is_call = inside.ends_with(')') && !name.is_empty() && name.chars().all(plain);
        return if is_call { Err(format!("there is no function `{name}`")) } else { Ok(None) };
    };
    let mut calls = Vec::new();
    expression.calls(&mut calls);
    let mut names = Vec::new();
    expression.names(&mut names);
    if calls.is_empty() && names.iter().all(|name| !with.names.contains_key(*name)) {
        return Ok(None);
    }
    debug_assert!(calls.iter().all(|name| functions::is_known(name)), "they were read");
    expression.value(with).map(|value| Some(value.bytes()))
}
