//! One value of one request under attack: what it was, what is sent in its place, and what comes back.

use std::sync::Arc;

use serde_json::Value;
use tokio::sync::OnceCell;

use crate::account::is_needed;
use crate::attacks::usable;
use crate::call::{Call, Payload, Put};
use crate::compare::Profile;
use crate::field::{Field, Known};
use crate::operation::{Place, Point};
use crate::verdict::{Exchange, Outcome, Verdict};
use crate::wire::{Answer, Request, WireError};

/// A value of a request.
#[derive(Debug)]
pub struct Aim<'a> {
    pub field: &'a Field,
    pub known: &'a Known,
    /// `GET /notes/{id}`.
    pub operation: String,
    pub point: Point,
    /// What stands there in the known request.
    pub original: String,
    /// Whether the known request succeeded.
    pub works: bool,
    /// What is stable of its answers, asked once for all values of the request.
    profile: Arc<OnceCell<Option<Profile>>>,
}

/// A request that went out, and its answer.
#[derive(Debug, Clone)]
pub struct Sent {
    pub request: Request,
    pub answer: Answer,
    /// What was put in place of the original, as text.
    pub text: String,
    /// Where the answer led to, when that is at the target.
    pub next: Option<Answer>,
}

/// Every value of every request there is, those of requests that were refused too.
pub fn aims<'a>(field: &'a Field) -> Vec<Aim<'a>> {
    let mut all = Vec::new();
    for known in field.attempts().filter(|known| field.has_turn(known)) {
        let Some(operation) = field.operation(known.operation) else { continue };
        let works = field.known_of(known.operation).next().is_some();
        let profile = Arc::new(OnceCell::new());
        let tokens = operation.body.as_ref().map(|body| &body.tokens);
        for point in known.call.points() {
            let token = point.place == Place::Form && tokens.is_some_and(|all| all.contains(&point.name));
            let Some(original) = known.call.value(&point).filter(|_| !token) else { continue };
            if is_needed(field, &known.call, &point) {
                continue;
            }
            let (operation, profile) = (operation.id(), Arc::clone(&profile));
            all.push(Aim { field, known, operation, point, original, works, profile });
        }
    }
    all
}

/// One value of one request, whether a contract tells of it or not.
#[must_use]
pub fn aim_at<'a>(field: &'a Field, known: &'a Known, point: Point) -> Option<Aim<'a>> {
    let operation = field.operation(known.operation)?.id();
    let works = field.known_of(known.operation).next().is_some();
    let original = known.call.value(&point)?;
    Some(Aim { field, known, operation, point, original, works, profile: Arc::default() })
}

/// As [`aim_at`], of a request that works and may belong to no operation; `operation` is what reports call it.
#[must_use]
pub fn aim_named<'a>(field: &'a Field, known: &'a Known, operation: &str, point: Point) -> Option<Aim<'a>> {
    let (operation, original) = (operation.to_owned(), known.call.value(&point)?);
    Some(Aim { field, known, operation, point, original, works: true, profile: Arc::default() })
}

impl<'a> Aim<'a> {
    /// Whether asking changes nothing, by the method.
    #[must_use]
    pub fn is_safe(&self) -> bool {
        matches!(self.known.call.method.as_str(), "GET" | "HEAD" | "OPTIONS")
    }

    /// Whether it is a single value: no file and no whole body.
    #[must_use]
    pub const fn is_value(&self) -> bool {
        !matches!(self.point.place, Place::File | Place::Body)
    }

    /// Sends the request with something else there; nothing when there is no answer that can be used.
    ///
    /// # Errors
    /// When the run is over.
    pub async fn send(&self, put: &Put<'_>) -> Result<Option<Sent>, WireError> {
        let text = match put {
            Put::Text(text) | Put::Raw(text) => (*text).to_owned(),
            Put::Json(value) => crate::call::text_of(value),
        };
        self.send_call(&self.known.call.with(&self.point, put), text).await
    }

    /// Sends the request with a text there.
    ///
    /// # Errors
    /// As [`Aim::send`].
    pub async fn text(&self, text: &str) -> Result<Option<Sent>, WireError> {
        self.send(&Put::Text(text)).await
    }

    /// Sends another form of the request; `text` is what it has in place of the original.
    ///
    /// # Errors
    /// As [`Aim::send`].
    pub async fn send_call(&self, call: &Call, text: String) -> Result<Option<Sent>, WireError> {
        let Some((request, answer)) = usable(self.field.exchange(self.known.who, call).await)? else {
            return Ok(None);
        };
        Ok(Some(Sent { request, answer, text, next: None }))
    }

    /// As [`Aim::send`], and goes where the answer of a write leads to: what was written shows there.
    ///
    /// # Errors
    /// As [`Aim::send`].
    pub async fn follow(&self, put: &Put<'_>) -> Result<Option<Sent>, WireError> {
        let Some(mut sent) = self.send(put).await? else { return Ok(None) };
        if !self.is_safe() && sent.answer.is_redirect() {
            let to = sent.answer.field("location").unwrap_or_default();
            let path = sent.request.target.split('?').next().unwrap_or_default();
            if let Some(to) = self.field.wire.origin().inside(path, to) {
                sent.next = usable(self.field.request(self.known.who, &Request::get(&to)).await)?;
            }
        }
        Ok(Some(sent))
    }

    /// What is stable of the answers to the original value; nothing where too little is.
    ///
    /// # Errors
    /// As [`Aim::send`].
    pub async fn profile(&self) -> Result<Option<Profile>, WireError> {
        Ok(self.profile.get_or_try_init(|| self.remembered()).await?.clone())
    }

    /// What another test found to be stable, where it still is: one request instead of three, and none where nothing was written
    /// since.
    async fn remembered(&self) -> Result<Option<Profile>, WireError> {
        let (operation, who) = (self.known.operation, self.known.who);
        if let Some((profile, written)) = self.field.memory.profile(operation, who) {
            if written == self.field.wire.written() {
                return Ok(Some(profile));
            }
            let sent = self.send_call(&self.known.call, self.original.clone()).await?;
            if sent.is_some_and(|sent| self.fits(&profile, &sent)) {
                self.field.memory.keep_profile(operation, who, profile.clone(), self.field.wire.written());
                return Ok(Some(profile));
            }
        }
        let profile = self.profile_of(&self.known.call, &self.original).await?;
        if let Some(profile) = &profile {
            self.field.memory.keep_profile(operation, who, profile.clone(), self.field.wire.written());
        }
        Ok(profile)
    }

    /// What is stable of the answers to a request, asked three times.
    ///
    /// # Errors
    /// As [`Aim::send`].
    pub async fn profile_of(&self, call: &Call, text: &str) -> Result<Option<Profile>, WireError> {
        let mut answers = Vec::new();
        for _ in 0..3 {
            match self.send_call(call, text.to_owned()).await? {
                Some(sent) if !sent.answer.is_throttle() => answers.push(sent.answer),
                _ => return Ok(None),
            }
        }
        let answers: Vec<&Answer> = answers.iter().collect();
        Ok(Profile::of(&answers).filter(Profile::is_calm))
    }

    /// Whether it is a number, and everything else there is refused as malformed: such a value reaches nothing as text.
    ///
    /// # Errors
    /// As [`Aim::send`].
    pub async fn is_typed(&self) -> Result<bool, WireError> {
        if self.original.parse::<f64>().is_err() || !self.works {
            return Ok(false);
        }
        if let Some(typed) = self.field.memory.typed(self.known.operation, &self.point) {
            return Ok(typed);
        }
        let typed = self.takes_numbers_only().await?;
        self.field.memory.keep_typed(self.known.operation, &self.point, typed);
        Ok(typed)
    }

    async fn takes_numbers_only(&self) -> Result<bool, WireError> {
        for text in ["'", " x"] {
            let sent = self.text(&format!("{}{text}", self.original)).await?;
            if sent.is_none_or(|sent| !matches!(sent.answer.status, 400 | 422)) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Whether the answer is that of the original value.
    #[must_use]
    pub fn fits(&self, profile: &Profile, sent: &Sent) -> bool {
        profile.fits(&sent.answer, &sent.text, &self.original)
    }

    /// The request with members named `name[suffix]` in place of this one, as many frameworks write structures.
    #[must_use]
    pub fn bracketed(&self, suffix: &str, value: &str) -> Option<Call> {
        let mut call = self.known.call.clone();
        let fields = match (self.point.place, &mut call.payload) {
            (Place::Query, _) => &mut call.query,
            (Place::Form, Payload::Form(fields)) => fields,
            _ => return None,
        };
        let own = fields.iter_mut().find(|(name, _)| *name == self.point.name)?;
        *own = (format!("{}{suffix}", self.point.name), Value::String(value.to_owned()));
        Some(call)
    }

    /// An outcome at this value.
    #[must_use]
    pub fn outcome(&self, test: &'static str, verdict: Verdict, says: impl Into<String>) -> Outcome {
        Outcome::new(test, &self.operation, verdict, says).at(&self.point)
    }

    /// A request as evidence.
    #[must_use]
    pub fn evidence(&self, sent: &Sent) -> Exchange {
        self.field.evidence(self.known.who, &sent.request, &sent.answer)
    }

    /// Two factors of four digits, and their product.
    #[must_use]
    pub fn factors(&self) -> (u32, u32, String) {
        let one = self.field.number(8_000).saturating_add(1_999);
        let two = self.field.number(8_000).saturating_add(1_999);
        (one, two, one.saturating_mul(two).to_string())
    }
}

impl Sent {
    /// Whether a text came back: in the body, in a field of the head, or where the answer led to.
    #[must_use]
    pub fn shows(&self, text: &str) -> bool {
        self.answer.has(text)
            || self.answer.headers.iter().any(|(_, value)| value.contains(text))
            || self.next.as_ref().is_some_and(|next| next.has(text))
    }
}
