//! Whether a flow of the business can be gone through without one of its steps: an order that is confirmed and was not paid
//! (CWE-841; OWASP API6:2023).
//!
//! Flows are declared (`[[flows]]`), with the requests of their steps in order. A place in one (`{id}`) is filled by the member of that
//! name in the answer to a step before.
//!
//! 1. Control: all steps in order, by somebody who signed in for it, and each of them works.
//! 2. Negative twin: the last step of a new session, of a thing that is not there where it names one. It must not get the answer of
//!    the control; where it does, answers tell nothing, and only a declared effect does.
//! 3. Each step but the last is left out, and the last is sent. It is **firm** when it gets the answer of the control, twice, and
//!    **proven** where the declared effect (`effect`) shows after it, and did not before. A step whose answer others need cannot be
//!    left out.

use std::collections::BTreeMap;

use gabion_model::outbound::BoxFuture;
use serde_json::Value;

use super::{Attack, Phase, usable};
use crate::call::{Call, text_of};
use crate::compare::Profile;
use crate::facts::{Flow, Template, operation_of};
use crate::field::Field;
use crate::learn::works;
use crate::login::Tried;
use crate::operation::names_of;
use crate::session::Session;
use crate::verdict::{Exchange, Outcome, Proof, Verdict};
use crate::wire::{Answer, Request, WireError};

pub(super) struct SkippedStep;

const ID: &str = "skipped-step";

impl Attack for SkippedStep {
    fn id(&self) -> &'static str {
        ID
    }

    fn phase(&self) -> Phase {
        Phase::Sessions
    }

    fn run<'a>(&'a self, field: &'a Field) -> BoxFuture<'a, Result<(), WireError>> {
        Box::pin(async move {
            if field.facts.flows.is_empty() {
                field.not_tested(ID, "no flow is declared; hint: `[[flows]]`");
            }
            for flow in &field.facts.flows {
                let Some(who) = field.people.iter().position(|person| person.name == flow.identity) else {
                    continue;
                };
                Walk { field, flow, who }.attack().await?;
            }
            Ok(())
        })
    }
}

/// Steps of one flow.
const MOST: usize = 12;

/// A flow, and who goes through it.
struct Walk<'a> {
    field: &'a Field,
    flow: &'a Flow,
    who: usize,
}

/// How far somebody came.
struct Went {
    session: Session,
    /// The last request that was sent, and its answer.
    request: Request,
    answer: Answer,
    /// What answers had, by name.
    had: BTreeMap<String, String>,
    /// The first step that did not work.
    stuck: Option<usize>,
    /// Whether the effect showed before the last step.
    before: bool,
}

impl Walk<'_> {
    fn operation(&self) -> String {
        self.flow.steps.last().map(|step| step.operation.clone()).unwrap_or_default()
    }

    fn say(&self, verdict: Verdict, says: impl Into<String>) {
        self.field.say(Outcome::new(ID, &self.operation(), verdict, says).aspect(&self.flow.name));
    }

    async fn attack(&self) -> Result<(), WireError> {
        let steps = &self.flow.steps;
        if steps.len() < 2 || steps.len() > MOST {
            self.say(Verdict::NotTested, format!("a flow has two to {MOST} steps"));
            return Ok(());
        }
        let (Some(control), Some(second)) = (self.walk(None).await?, self.walk(None).await?) else {
            self.say(Verdict::Inconclusive, "nobody could be signed in for it");
            return Ok(());
        };
        if let Some(at) = control.stuck.or(second.stuck) {
            let step = steps.get(at).map(|step| step.operation.as_str()).unwrap_or_default();
            self.say(Verdict::Inconclusive, format!("`{step}` does not work, with all steps before it"));
            return Ok(());
        }
        let (one, two) = (self.alike(&control), self.alike(&second));
        let Some(base) = Profile::of(&[&one, &two]).filter(Profile::is_calm) else {
            self.say(Verdict::Inconclusive, "the last step gets another answer each time");
            return Ok(());
        };
        let shows = self.shows(&control).await?;
        if shows == Some(false) || control.before {
            self.say(
                Verdict::Inconclusive,
                "the effect does not show after the flow, or shows before its end",
            );
            return Ok(());
        }
        let Some((twin, refused)) = self.twin().await? else { return Ok(()) };
        let telling = !base.fits(&refused, "", "");
        let mut found = false;
        for at in 0..steps.len().saturating_sub(1) {
            if let Some(went) = self.without(at, &base).await? {
                let effect = self.shows(&went).await?;
                let sure = effect == Some(true) && !went.before;
                if sure || (telling && effect.is_none()) {
                    found = true;
                    self.found(at, sure, &went, &control, (&twin, &refused));
                }
            }
        }
        if !found {
            if telling || self.flow.effect.is_some() {
                self.say(Verdict::Passed, "no step can be left out");
            } else {
                let says =
                    "the last step gets the same answer whatever was before; hint: `effect` in `[[flows]]`";
                self.say(Verdict::Inconclusive, says);
            }
        }
        Ok(())
    }

    /// All steps but one, twice; nothing where the last does not get the answer of the control both times.
    async fn without(&self, at: usize, base: &Profile) -> Result<Option<Went>, WireError> {
        let mut last = None;
        for _ in 0..2 {
            let Some(went) = self.walk(Some(at)).await? else { return Ok(None) };
            if went.stuck.is_some() || !base.fits(&self.alike(&went), "", "") {
                return Ok(None);
            }
            last = Some(went);
        }
        Ok(last)
    }

    fn found(&self, at: usize, sure: bool, went: &Went, control: &Went, twin: (&Request, &Answer)) {
        let step = self.flow.steps.get(at).map(|step| step.operation.as_str()).unwrap_or_default();
        let name = &self.field.person(self.who).name;
        let shown = |went: &Went| Exchange::new(name, &went.session.apply(&went.request), &went.answer);
        let says = format!("`{}` goes through to its end without `{step}`", self.flow.name);
        let evidence = if sure {
            "the declared effect shows after it, and did not before"
        } else {
            "the last step gets the answer that it gets after all steps"
        };
        let proof = Proof::new(shown(went), evidence)
            .twin(Exchange::new(name, twin.0, twin.1))
            .shown(shown(control))
            .by_steps();
        let verdict = if sure { Verdict::Proven } else { Verdict::Firm };
        let aspect = format!("{} without {step}", self.flow.name);
        self.field.say(Outcome::new(ID, &self.operation(), verdict, says).aspect(&aspect).proof(proof));
    }

    /// The last answer, with what names this one thing put back into places: each time it is another.
    fn alike(&self, went: &Went) -> Answer {
        let mut answer = went.answer.clone();
        let paths = self.flow.steps.iter().flat_map(|step| names_of(&step.operation));
        let own: BTreeMap<&str, String> =
            paths.filter_map(|name| Some((went.had.get(name)?.as_str(), format!("{{{name}}}")))).collect();
        if let Some(mut body) = answer.json() {
            put_back(&mut body, &own, 0);
            answer.body = body.to_string().into_bytes();
        }
        answer
    }

    /// A session of its own, where somebody can be signed in; else the one they have.
    async fn session(&self) -> Result<Option<Session>, WireError> {
        if self.field.person(self.who).way.is_none() {
            return Ok(Some(self.field.person(self.who).session()));
        }
        let tried = self.field.sign_in_again(self.who, Session::default()).await?;
        let session = tried.and_then(|Tried { session, .. }| session.ok());
        session.iter().for_each(|session| self.field.hide(session));
        Ok(session)
    }

    /// Goes through the flow, but for one step; stops where one does not work. A step that cannot be filled is one that does not.
    async fn walk(&self, without: Option<usize>) -> Result<Option<Went>, WireError> {
        let Some(mut session) = self.session().await? else { return Ok(None) };
        let mut had: BTreeMap<String, String> = BTreeMap::new();
        let (mut last, mut before) = (None, false);
        let end = self.flow.steps.len().saturating_sub(1);
        for (at, step) in self.flow.steps.iter().enumerate().filter(|(at, _)| Some(*at) != without) {
            if at == end {
                before = self.effect(&had).await?.is_some_and(|holds| holds);
            }
            let Some(call) = filled(step, &had) else { return Ok(None) };
            let request = call.request();
            let Some(answer) = usable(self.field.as_session(&session, &request).await)? else {
                return Ok(None);
            };
            session.learn(&answer);
            let stuck = (!works(self.field, &answer)).then_some(at);
            if let Some(body) = answer.json() {
                members(&body, &mut had, 0);
            }
            last = Some((request, answer));
            if let (Some(at), Some((request, answer))) = (stuck, last.clone()) {
                return Ok(Some(Went { session, request, answer, had, stuck: Some(at), before }));
            }
        }
        Ok(last.map(|(request, answer)| Went { session, request, answer, had, stuck: None, before }))
    }

    /// The last step alone, of a thing that is not there.
    async fn twin(&self) -> Result<Option<(Request, Answer)>, WireError> {
        let (Some(step), Some(session)) = (self.flow.steps.last(), self.session().await?) else {
            return Ok(None);
        };
        let made_up = format!("9{:08}", self.field.number(100_000_000));
        let request =
            step.call(&|text| replaced(text, &|_| Some(made_up.clone())).unwrap_or_default()).request();
        let answer = usable(self.field.as_session(&session, &request).await)?;
        Ok(answer.map(|answer| (session.apply(&request), answer)))
    }

    /// Whether the declared effect shows; nothing where none is declared.
    async fn shows(&self, went: &Went) -> Result<Option<bool>, WireError> {
        self.effect(&went.had).await
    }

    async fn effect(&self, had: &BTreeMap<String, String>) -> Result<Option<bool>, WireError> {
        let Some(effect) = &self.flow.effect else { return Ok(None) };
        let Some(who) = self.field.people.iter().position(|person| person.name == effect.identity) else {
            return Ok(None);
        };
        let Some(request) = replaced(&effect.request, &|name| had.get(name).cloned()) else {
            return Ok(Some(false));
        };
        let Some((method, path)) = operation_of(&request) else { return Ok(None) };
        let answer = usable(self.field.request(who, &Request::new(method, path)).await)?;
        Ok(Some(answer.is_some_and(|answer| answer.is_success() && answer.has(&effect.holds))))
    }
}

/// The request of a step, where all its places can be filled.
fn filled(step: &Template, had: &BTreeMap<String, String>) -> Option<Call> {
    let whole = std::cell::Cell::new(true);
    let call = step.call(&|text| {
        replaced(text, &|name| had.get(name).cloned()).unwrap_or_else(|| {
            whole.set(false);
            String::new()
        })
    });
    whole.get().then_some(call)
}

/// A text with its places filled; nothing where one cannot be.
fn replaced(text: &str, value: &dyn Fn(&str) -> Option<String>) -> Option<String> {
    let mut out = text.to_owned();
    for name in names_of(text) {
        out = out.replace(&format!("{{{name}}}"), &value(name)?);
    }
    Some(out)
}

/// Leaves that are one of those values become what stands for it.
fn put_back(value: &mut Value, own: &BTreeMap<&str, String>, depth: usize) {
    if depth > 8 {
        return;
    }
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| put_back(item, own, depth.saturating_add(1))),
        Value::Object(all) => {
            all.values_mut().for_each(|value| put_back(value, own, depth.saturating_add(1)))
        }
        leaf => {
            if let Some(place) = own.get(text_of(leaf).as_str()) {
                *leaf = Value::String(place.clone());
            }
        }
    }
}

/// Every member of an answer that is a text or a number, by its name; the last one counts.
fn members(value: &Value, had: &mut BTreeMap<String, String>, depth: usize) {
    if depth > 4 || had.len() > 200 {
        return;
    }
    if let Value::Object(all) = value {
        for (name, value) in all {
            if value.is_string() || value.is_number() {
                had.insert(name.clone(), text_of(value));
            } else {
                members(value, had, depth.saturating_add(1));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn places_are_filled_by_what_answers_had() {
        let mut had = BTreeMap::new();
        members(&json!({ "order": { "id": 7, "lines": [1] }, "token": "t" }), &mut had, 0);
        let step = |text: &str| toml::from_str::<Template>(text).unwrap();
        let one = step("operation = \"POST /orders/{id}/pay\"\njson = { token = \"{token}\", of = 1 }");
        let call = filled(&one, &had).unwrap();
        assert_eq!(call.path_text(), "/orders/7/pay");
        assert!(filled(&step("operation = \"POST /orders/{other}\""), &had).is_none());
    }
}
