//! How a test of one's own runs: in rounds that must all agree.
//!
//! A round draws its values, prepares, sees that the control works, sends the twin, sends the attack, and cleans up. The oracle
//! looks at the attack and at the twin alike. What it sees in the attack alone, round after round, is a finding:
//! - `proven` where what it saw is a value that was drawn for this round and did not stand in the request that was answered
//!   with it (so no echo is one), or where the application fetched the callback;
//! - `firm` otherwise;
//! - `tentative` without a twin, or with a single round.

use std::collections::BTreeMap;
use std::time::Duration;

use super::Test;
use super::check::{split, user_of};
use super::expression::Term;
use super::form::{Form, Step, Who};
use super::look::{Looked, Seen};
use super::send::{Sent, send};
use super::values::{Drawn, Values};
use crate::Control;
use crate::catch::Catch;
use crate::compare::Profile;
use crate::facts::ANONYMOUS;
use crate::field::Field;
use crate::operation::template_matches;
use crate::verdict::{Exchange, Outcome, Proof, Verdict};
use crate::wire::WireError;

/// How long the application has to fetch a callback.
const PATIENCE: Duration = Duration::from_secs(3);

/// What came of one round.
enum Round {
    /// The oracle saw it in the attack alone.
    Shown(Box<Shown>),
    /// It did not; whether the control worked before.
    Quiet { why: String, controlled: bool },
    /// The twin shows it too.
    Alike,
    /// What should have worked did not.
    Broken(String),
}

struct Shown {
    proof: Proof,
    proven: bool,
    says: String,
}

/// The people of a test, by the names it uses.
type People = BTreeMap<String, usize>;

/// Runs a test and says what came of it.
///
/// # Errors
/// When the run is over.
pub(crate) async fn run(field: &Field, test: &Test) -> Result<(), WireError> {
    let form = &test.form;
    let id = form.id.clone();
    let place = place(field, form);
    let people = match people(field, form) {
        Ok(people) => people,
        Err(reason) => {
            field.not_tested(id, reason);
            return Ok(());
        }
    };
    if let Some(operation) = form.needs.operations.iter().find(|operation| !has_operation(field, operation)) {
        field.not_tested(id, format!("the application has no operation `{operation}`; hint: `--openapi`"));
        return Ok(());
    }
    if form.oracle.callback && field.catch.is_none() {
        field.not_tested(id, "nothing listens for callbacks; hint: `target.callback`");
        return Ok(());
    }
    let mut all_proven = true;
    let mut last = None;
    for round in 0..form.repeat {
        let outcome = |verdict, says: String| Outcome::new(id.clone(), &place, verdict, says);
        match one(field, form, &people).await? {
            Round::Shown(shown) => {
                all_proven &= shown.proven;
                last = Some(shown);
            }
            Round::Quiet { why, .. } if round > 0 => {
                field.say(outcome(
                    Verdict::Inconclusive,
                    format!("it was seen, and in another round not: {why}"),
                ));
                return Ok(());
            }
            Round::Quiet { why, controlled: true } => {
                let says = format!("the control worked, the attack did not: {why}");
                let control = Control::new("what `works` asks for was answered as it says");
                field.say(outcome(Verdict::Passed, says).control(control));
                return Ok(());
            }
            Round::Quiet { why, controlled: false } => {
                let says =
                    format!("nothing was seen ({why}), and nothing says that it could be; hint: `works`");
                field.say(outcome(Verdict::Inconclusive, says));
                return Ok(());
            }
            Round::Alike => {
                let says = "the oracle sees the same in the twin: it tells nothing";
                field.say(outcome(Verdict::Inconclusive, says.to_owned()));
                return Ok(());
            }
            Round::Broken(why) => {
                field.say(outcome(Verdict::Inconclusive, why));
                return Ok(());
            }
        }
    }
    if let Some(shown) = last {
        let verdict = match (form.twin.is_some() && form.repeat > 1, all_proven) {
            (false, _) => Verdict::Tentative,
            (true, false) => Verdict::Firm,
            (true, true) => Verdict::Proven,
        };
        field.say(Outcome::new(id, &place, verdict, shown.says).proof(shown.proof));
    }
    Ok(())
}

/// One more round at the end, for whoever found something.
///
/// # Errors
/// When the run is over.
pub(crate) async fn again(field: &Field, test: &Test) -> Result<bool, WireError> {
    let Ok(people) = people(field, &test.form) else { return Ok(false) };
    Ok(matches!(one(field, &test.form, &people).await?, Round::Shown(_)))
}

async fn one(field: &Field, form: &Form, people: &People) -> Result<Round, WireError> {
    let with = Drawn { rng: &*field.rng, now: field.clock.now().as_secs() };
    let mut values = Values::default();
    let word = Catch::word(&*field.rng);
    given(field, people, &word, &mut values);
    for variable in &form.variables {
        if let Err(problem) = values.define(&variable.name, &variable.value, &with) {
            return Ok(Round::Broken(format!("the variable `{}`: {problem}", variable.name)));
        }
    }
    let result = body(field, form, people, &mut values, &word).await;
    for step in &form.clean_up {
        match go(field, people, step, &mut values, false).await? {
            Ok(_) => {}
            Err(why) => field.note(format!("`{}` did not clean up: {why}", form.id)),
        }
    }
    result
}

async fn body(
    field: &Field,
    form: &Form,
    people: &People,
    values: &mut Values,
    word: &str,
) -> Result<Round, WireError> {
    let mut before = Vec::new();
    for (part, steps) in [("prepare", &form.prepare), ("works", &form.works)] {
        for (at, step) in steps.iter().enumerate() {
            match go(field, people, step, values, false).await? {
                Ok((sent, _)) => before.extend(evidence(field, &sent)),
                Err(why) => return Ok(Round::Broken(format!("{part}: {}: {why}", called(step, at)))),
            }
        }
    }
    let twin = match twin(field, form, people, values, word).await? {
        Ok(twin) => twin,
        Err(why) => return Ok(Round::Broken(format!("twin: {why}"))),
    };
    let in_attack = Part { steps: &form.attack, people: people.clone(), in_turn: false };
    let attack =
        match in_attack.watch(field, form, values, word, twin.as_ref().map(|twin| &twin.sent)).await? {
            Ok(attack) => attack,
            Err(why) => return Ok(Round::Broken(format!("attack: {why}"))),
        };
    let controlled = !form.works.is_empty();
    let seen = match attack.looked {
        Ok(seen) => seen,
        Err(why) => return Ok(Round::Quiet { why, controlled }),
    };
    if twin.as_ref().is_some_and(|twin| twin.looked.is_ok()) {
        return Ok(Round::Alike);
    }
    let Some(sent) = attack.sent else { return Ok(Round::Broken("attack: no step was sent".to_owned())) };
    let mark = telling(&seen, &sent);
    let proven = mark.is_some() || (form.oracle.callback && attack.called);
    let says = if seen.says.is_empty() { form.title.clone() } else { seen.says.join(", ") };
    let answer = sent
        .answers
        .iter()
        .find(|answer| seen.texts.iter().all(|text| answer.has(text)))
        .or_else(|| sent.answers.first());
    let Some(answer) = answer else { return Ok(Round::Broken("attack: nothing answers".to_owned())) };
    let mut proof = Proof::new(field.evidence(sent.who, &sent.request, answer), says.clone()).by_steps();
    if let Some(mark) = mark.or_else(|| seen.texts.first().cloned()) {
        proof = proof.marked(mark);
    }
    if let Some(exchange) = twin.and_then(|twin| twin.sent).and_then(|sent| evidence(field, &sent)) {
        proof = proof.twin(exchange);
    }
    for exchange in before.into_iter().chain(attack.others) {
        proof = proof.shown(exchange);
    }
    Ok(Round::Shown(Box::new(Shown { proof, proven, says })))
}

/// The attack, or its twin.
struct Part<'a> {
    steps: &'a [Step],
    people: People,
    in_turn: bool,
}

/// What the oracle saw of one of them.
struct Watched {
    looked: Looked,
    /// The step it looked at.
    sent: Option<Sent>,
    /// The others, as evidence.
    others: Vec<Exchange>,
    called: bool,
}

impl Part<'_> {
    /// The inner error is one of the test itself.
    async fn watch(
        &self,
        field: &Field,
        form: &Form,
        values: &mut Values,
        word: &str,
        twin: Option<&Option<Sent>>,
    ) -> Result<Result<Watched, String>, WireError> {
        let with = Drawn { rng: &*field.rng, now: field.clock.now().as_secs() };
        let oracle = &form.oracle;
        let look = oracle.look();
        let last = self.steps.len().saturating_sub(1);
        let mut watched = Watched {
            looked: Err("nothing was sent".to_owned()),
            sent: None,
            others: Vec::new(),
            called: false,
        };
        for (at, step) in self.steps.iter().enumerate() {
            let is_it = oracle.step.as_ref().map_or(at == last, |name| step.name == *name);
            let (sent, kept) = match go_on(field, &self.people, step, values, self.in_turn).await? {
                Ok(done) => done,
                Err(why) => return Ok(Err(format!("{}: {why}", called(step, at)))),
            };
            if is_it {
                watched.looked = match seen_in(&look, oracle.at_least.unwrap_or(1), &sent, values, &with) {
                    Ok(looked) => looked,
                    Err(problem) => return Ok(Err(format!("oracle: {problem}"))),
                };
                if oracle.differs && watched.looked.is_ok() {
                    let other = twin.and_then(Option::as_ref);
                    // The twin differs from nothing.
                    watched.looked = match other {
                        Some(other) if differ(&sent, other) => watched.looked,
                        _ => Err("its answer is that of the twin".to_owned()),
                    };
                }
                watched.sent = Some(sent);
            } else {
                watched.others.extend(evidence(field, &sent));
            }
            if let Err(why) = kept
                && (!is_it || at != last)
            {
                watched.looked = Err(format!("{}: {why}", called(step, at)));
                break;
            }
        }
        if oracle.callback && watched.looked.is_ok() {
            let hit = match &field.catch {
                Some(catch) => catch.wait(word, PATIENCE).await,
                None => None,
            };
            match (&mut watched.looked, hit) {
                (Ok(seen), Some(hit)) => {
                    watched.called = true;
                    seen.says.push(format!("the application fetched the callback from {}", hit.peer.ip()));
                }
                _ => watched.looked = Err("nothing fetched the callback".to_owned()),
            }
        }
        Ok(Ok(watched))
    }
}

async fn twin(
    field: &Field,
    form: &Form,
    people: &People,
    values: &Values,
    word: &str,
) -> Result<Result<Option<Watched>, String>, WireError> {
    let Some(twin) = &form.twin else { return Ok(Ok(None)) };
    let with = Drawn { rng: &*field.rng, now: field.clock.now().as_secs() };
    let mut values = values.clone();
    let own_word = Catch::word(&*field.rng);
    if form.oracle.callback
        && let Some(catch) = &field.catch
    {
        values.set("callback", Term::text(&catch.url(&own_word)));
    }
    let mut changed: Vec<&str> = if form.oracle.callback { vec!["callback"] } else { Vec::new() };
    for variable in &form.variables {
        let other = twin.variables.iter().find(|own| own.name == variable.name);
        let text = other.map_or(&variable.value, |own| &own.value);
        let names = super::values::Pattern::parse(text).unwrap_or_default();
        if other.is_none() && !names.names().iter().any(|name| changed.contains(name)) {
            continue;
        }
        if let Err(problem) = values.define(&variable.name, text, &with) {
            return Ok(Err(format!("the variable `{}`: {problem}", variable.name)));
        }
        changed.push(&variable.name);
    }
    let mut others = people.clone();
    for (from, to) in &twin.senders {
        if let Some(who) = people.get(to) {
            others.insert(from.clone(), *who);
        }
    }
    let steps = if twin.steps.is_empty() { &form.attack } else { &twin.steps };
    let part = Part { steps, people: others, in_turn: twin.in_turn };
    let _ = word;
    let watched = match part.watch(field, form, &mut values, &own_word, None).await? {
        Ok(watched) => watched,
        Err(why) => return Ok(Err(why)),
    };
    Ok(Ok(Some(watched)))
}

/// Whether the answers of a step look as the oracle says; enough of them, where several were sent.
fn seen_in(
    look: &super::form::Look,
    least: u8,
    sent: &Sent,
    values: &Values,
    with: &Drawn<'_>,
) -> Result<Looked, String> {
    let mut fits = 0_usize;
    let mut last: Looked = Err("nothing answers".to_owned());
    for answer in &sent.answers {
        match look.at(answer, values, with)? {
            Ok(seen) => {
                fits = fits.saturating_add(1);
                last = Ok(seen);
            }
            Err(why) if last.is_err() => last = Err(why),
            Err(_) => {}
        }
    }
    let least = usize::from(least);
    Ok(match last {
        Ok(_) if fits < least => {
            Err(format!("{fits} of {} answers look so, not {least}", sent.answers.len()))
        }
        Ok(mut seen) if sent.answers.len() > 1 => {
            seen.says.push(format!("{fits} of {} requests at once", sent.answers.len()));
            Ok(seen)
        }
        other => other,
    })
}

/// Whether two answers are different ones.
fn differ(one: &Sent, two: &Sent) -> bool {
    let (Some(first), Some(second)) = (one.answers.first(), two.answers.first()) else { return false };
    if first.status != second.status {
        return true;
    }
    let distance = Profile::of(&[second]).and_then(|profile| profile.distance(first, "", ""));
    distance.is_none_or(|distance| distance > 3)
}

/// The new value that the answer has and its request had not.
fn telling(seen: &Seen, sent: &Sent) -> Option<String> {
    let mut request = sent.request.target.clone().into_bytes();
    request.extend(percent_encoding::percent_decode_str(&sent.request.target));
    for (name, value) in &sent.request.headers {
        request.extend_from_slice(name.as_bytes());
        request.extend_from_slice(value.as_bytes());
    }
    request.extend_from_slice(&sent.request.body);
    request.extend(percent_encoding::percent_decode(&sent.request.body));
    let new = |value: &[u8]| memchr::memmem::find(&request, value).is_none();
    seen.telling.iter().find(|(value, _)| new(value)).map(|(_, text)| text.clone())
}

/// Sends a step that must go well: its answer is what it should be, and everything is there that is kept of it.
async fn go(
    field: &Field,
    people: &People,
    step: &Step,
    values: &mut Values,
    in_turn: bool,
) -> Result<Result<(Sent, ()), String>, WireError> {
    Ok(match go_on(field, people, step, values, in_turn).await? {
        Ok((sent, Ok(()))) => Ok((sent, ())),
        Ok((_, Err(why))) | Err(why) => Err(why),
    })
}

/// Sends a step; the inner result says whether its answer is what it should be.
async fn go_on(
    field: &Field,
    people: &People,
    step: &Step,
    values: &mut Values,
    in_turn: bool,
) -> Result<Result<(Sent, Result<(), String>), String>, WireError> {
    let name = step.sender.as_deref().unwrap_or(ANONYMOUS);
    let Some(who) = people.get(name) else { return Ok(Err(format!("nobody is `{name}`"))) };
    let sent = match send(field, *who, step, values, in_turn).await? {
        Ok(sent) => sent,
        Err(why) => return Ok(Err(why)),
    };
    let with = Drawn { rng: &*field.rng, now: field.clock.now().as_secs() };
    let kept = (|| {
        let mut good = sent.answers.first();
        if let Some(look) = &step.expect {
            let mut why = "nothing answers".to_owned();
            good = None;
            for answer in &sent.answers {
                match look.at(answer, values, &with)? {
                    Ok(_) => {
                        good = Some(answer);
                        break;
                    }
                    Err(reason) => why = reason,
                }
            }
            if good.is_none() {
                return Err(why);
            }
        }
        for (name, capture) in &step.capture {
            let value = good.and_then(|answer| capture.of(answer));
            let Some(value) = value else { return Err(format!("its answer has nothing for `{name}`")) };
            values.set(name, value);
        }
        Ok(())
    })();
    Ok(Ok((sent, kept)))
}

/// What every test knows.
fn given(field: &Field, people: &People, word: &str, values: &mut Values) {
    let origin = field.wire.origin();
    values.set("base", Term::text(&origin.base()));
    values.set("host", Term::text(&origin.authority()));
    values.set("port", Term::text(&origin.port().to_string()));
    let callback = field.catch.as_ref().map(|catch| catch.url(word)).unwrap_or_default();
    values.set("callback", Term::text(&callback));
    for (name, who) in people {
        values.set(&user_of(name), Term::text(&field.person(*who).user));
    }
}

/// Who is who; everybody is somebody else.
fn people(field: &Field, form: &Form) -> Result<People, String> {
    let mut people = People::from([(ANONYMOUS.to_owned(), 0)]);
    let steps = form.prepare.iter().chain(&form.works).chain(&form.attack).chain(&form.clean_up);
    let steps = steps.chain(form.twin.iter().flat_map(|twin| &twin.steps));
    let twin = form.twin.iter().flat_map(|twin| twin.senders.values());
    let named = steps.filter_map(|step| step.sender.as_ref()).chain(twin);
    for name in named.filter(|name| *name != ANONYMOUS && !form.needs.people.contains_key(*name)) {
        let who = Who { identity: Some(name.clone()), ..Who::default() };
        let found = candidates(field, &who, &people).next();
        people.insert(name.clone(), found.ok_or_else(|| missing(name, &who))?);
    }
    if form.needs.people.len() > 8 {
        return Err("it needs more than 8 people".to_owned());
    }
    let open: Vec<(&String, &Who)> = form.needs.people.iter().collect();
    let mut steps = 10_000;
    if assign(field, &open, &mut people, &mut steps) {
        return Ok(people);
    }
    let all: Vec<String> = open.iter().map(|(name, who)| missing(name, who)).collect();
    Err(format!("not everybody it needs is signed in: {}; hint: `--logins FILE`", all.join(", ")))
}

/// Finds somebody for everybody, by trying.
fn assign(field: &Field, open: &[(&String, &Who)], people: &mut People, steps: &mut usize) -> bool {
    let Some(((name, who), rest)) = open.split_first() else {
        return true;
    };
    for found in candidates(field, who, people).collect::<Vec<_>>() {
        *steps = steps.saturating_sub(1);
        people.insert((*name).clone(), found);
        let fits = people_fit(field, people, open);
        if *steps > 0 && fits && assign(field, rest, people, steps) {
            return true;
        }
        people.remove(*name);
    }
    false
}

/// Whether the tenants are as they should be, as far as both are known.
fn people_fit(field: &Field, people: &People, open: &[(&String, &Who)]) -> bool {
    let tenant = |name: &String| people.get(name).map(|who| field.person(*who).tenant.clone());
    open.iter().all(|(name, who)| {
        let own = tenant(name);
        let same = who.tenant_of.as_ref().and_then(tenant);
        let other = who.other_tenant_than.as_ref().and_then(tenant);
        match own {
            None => true,
            Some(own) => same.is_none_or(|same| same == own) && other.is_none_or(|other| other != own),
        }
    })
}

fn candidates<'a>(field: &'a Field, who: &'a Who, taken: &'a People) -> impl Iterator<Item = usize> + 'a {
    field.signed_in().filter(move |at| {
        let person = field.person(*at);
        let fits = |wanted: &Option<String>, own: Option<&str>| {
            wanted.as_deref().is_none_or(|wanted| own == Some(wanted))
        };
        fits(&who.identity, Some(&person.name))
            && fits(&who.role, person.role.as_deref())
            && fits(&who.tenant, person.tenant.as_deref())
            && !taken.values().any(|other| other == at)
    })
}

fn missing(name: &str, who: &Who) -> String {
    let parts = [("identity", &who.identity), ("role", &who.role), ("tenant", &who.tenant)];
    let parts: Vec<String> =
        parts.iter().filter_map(|(word, value)| Some(format!("{word} `{}`", value.as_ref()?))).collect();
    if parts.is_empty() { format!("`{name}`") } else { format!("`{name}` ({})", parts.join(", ")) }
}

fn has_operation(field: &Field, operation: &str) -> bool {
    let Some((method, path)) = split(operation) else { return false };
    let same = |own: &str| plain(own) == plain(path) || template_matches(own, path).is_some();
    field.operations.iter().any(|own| own.method == method && same(&own.path))
}

/// A template without the names of its parameters.
fn plain(template: &str) -> String {
    let mut out = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        out.push_str(before);
        out.push_str("{}");
        rest = after.split_once('}').map_or("", |(_, behind)| behind);
    }
    out.push_str(rest);
    out
}

/// What the test is about: the operation of the step that the oracle looks at.
fn place(field: &Field, form: &Form) -> String {
    let step = match &form.oracle.step {
        Some(name) => form.attack.iter().find(|step| step.name == *name),
        None => form.attack.last(),
    };
    let Some(step) = step else { return String::new() };
    let line = step
        .raw
        .as_ref()
        .map_or(step.request.as_str(), |raw| raw.trim_start().lines().next().unwrap_or_default());
    let line = line.replace("{{", "{").replace("}}", "}");
    let mut words = line.split_whitespace();
    let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let path = target.split('?').next().unwrap_or_default();
    let same = |own: &&crate::operation::Operation| {
        own.method == method
            && (plain(&own.path) == plain(path) || template_matches(&own.path, path).is_some())
    };
    field
        .operations
        .iter()
        .find(same)
        .map_or_else(|| format!("{method} {path}"), crate::operation::Operation::id)
}

fn evidence(field: &Field, sent: &Sent) -> Option<Exchange> {
    Some(field.evidence(sent.who, &sent.request, sent.answers.first()?))
}

fn called(step: &Step, at: usize) -> String {
    if step.name.is_empty() { format!("step {}", at.saturating_add(1)) } else { format!("`{}`", step.name) }
}
