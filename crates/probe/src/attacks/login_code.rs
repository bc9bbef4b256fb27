//! Whether a code that comes by letter and signs in can be guessed, or is good again (CWE-307, CWE-294; OWASP ASVS 2.7).
//!
//! Letters arrive at the probe (`accounts.mail` of the facts), for an account that the probe made. What a letter has that the next
//! one has not is its code.
//!
//! Control: a code of now begins a session that opens what only people get who signed in. Negative twin: another code of its form,
//! which begins none.
//! 1. `reuse`: the code begins a second session.
//! 2. `rate`: where codes are short, twenty wrong ones are judged alike, and the right one of a new letter begins a session after
//!    them. It passed where they are judged no more, or the right one is refused then.

use gabion_model::Severity;
use gabion_model::outbound::BoxFuture;

use super::password_reset::{WITHIN, WRONG, bits, find, like, tokens};
use super::{Attack, Phase, usable};
use crate::account::{Meaning, Step, Values};
use crate::control::Control;
use crate::field::Field;
use crate::login::token_in;
use crate::mail::MailSink;
use crate::sacrifice::{Sacrifice, door, make, submit};
use crate::session::Session;
use crate::verdict::{Exchange, Outcome, Proof, Verdict};
use crate::wire::{Answer, Request, WireError};

pub(super) struct LoginCode;

const ID: &str = "login-code";
/// What paths have in them where such codes are asked for or taken.
const WORDS: &[&str] = &["code", "magic", "one-time", "onetime", "otp", "passcode", "passwordless"];

impl Attack for LoginCode {
    fn id(&self) -> &'static str {
        ID
    }

    fn phase(&self) -> Phase {
        Phase::Sessions
    }

    fn run<'a>(&'a self, field: &'a Field) -> BoxFuture<'a, Result<(), WireError>> {
        Box::pin(run(field))
    }
}

struct Codes<'a> {
    field: &'a Field,
    sink: &'a MailSink,
    ask: Step,
    enter: Step,
    operation: String,
    one: Sacrifice,
}

/// A code that was sent in.
struct Tried {
    exchange: Exchange,
    answer: Answer,
    /// Whether a session began that opens what only they get.
    open: bool,
}

async fn run(field: &Field) -> Result<(), WireError> {
    let not_tested = |reason: &str| field.not_tested(ID, reason);
    let declared = &field.facts.accounts;
    let named = |path: &str| WORDS.iter().any(|word| path.contains(word));
    let ask = declared.code.clone().map(Step::Declared).or_else(|| {
        find(field, &|path, meanings| {
            let has = |meaning| meanings.contains(&meaning);
            let other = [Meaning::Password, Meaning::New, Meaning::Token].into_iter().any(has);
            named(path) && (has(Meaning::Mail) || has(Meaning::User)) && !other
        })
    });
    let enter = declared.enter.clone().map(Step::Declared).or_else(|| {
        find(field, &|path, meanings| {
            let has = |meaning| meanings.contains(&meaning);
            named(path) && has(Meaning::Token) && !has(Meaning::Password) && !has(Meaning::New)
        })
    });
    let (Some(ask), Some(enter)) = (ask, enter) else {
        not_tested(
            "nothing looks like signing in by a code from a letter; hint: `[accounts.code]` and `[accounts.enter]`",
        );
        return Ok(());
    };
    let Some(sink) = &field.mail else {
        not_tested(
            "no letters arrive here; hint: `accounts.mail = \"127.0.0.1:2525\"`, and let the application send its mail there",
        );
        return Ok(());
    };
    if door(field).is_none() {
        not_tested("nothing is known that only people get who signed in");
        return Ok(());
    }
    let one = match make(field).await? {
        Ok(one) => one,
        Err(reason) => {
            not_tested(&reason);
            return Ok(());
        }
    };
    let operation = enter.id();
    Codes { field, sink, ask, enter, operation, one }.attack().await
}

impl Codes<'_> {
    fn say(&self, verdict: Verdict, aspect: &str, says: impl Into<String>, control: Option<&Tried>) {
        let mut outcome = Outcome::new(ID, &self.operation, verdict, says).aspect(aspect);
        if let Some(control) = control {
            outcome = outcome.control(Control::shown("a code of now signs in", control.exchange.clone()));
        }
        self.field.say(outcome);
    }

    fn found(&self, aspect: &str, severity: Severity, says: String, seen: Tried, twin: Option<&Tried>) {
        let mut proof =
            Proof::new(seen.exchange, "the session that began opens what only they get").by_steps();
        if let Some(twin) = twin {
            proof = proof.twin(twin.exchange.clone());
        }
        let outcome = Outcome::new(ID, &self.operation, Verdict::Proven, says).aspect(aspect);
        self.field.say(outcome.severity(severity).proof(proof));
    }

    /// Asks for a letter, and gives its text.
    async fn letter(&self) -> Result<Option<String>, WireError> {
        let before = self.sink.letters(&self.one.email).len();
        let call = self.ask.call(&self.one.values("", ""));
        if usable(submit(self.field, &mut Session::default(), &call).await)?.is_none() {
            return Ok(None);
        }
        Ok(self.sink.wait(&self.one.email, before, WITHIN).await.map(|letter| letter.text))
    }

    async fn enter(&self, code: &str) -> Result<Option<Tried>, WireError> {
        let values = Values { token: code, ..self.one.values("", "") };
        let mut session = Session::default();
        let sent: Option<(Request, Answer)> =
            usable(submit(self.field, &mut session, &self.enter.call(&values)).await)?;
        let Some((request, answer)) = sent else { return Ok(None) };
        if let Some(token) = answer.json().as_ref().and_then(token_in) {
            session.headers.push(("Authorization".to_owned(), format!("Bearer {token}")));
        }
        let mut open = false;
        if answer.status < 400 && !session.is_empty() {
            self.field.hide(&session);
            open = self.one.opens(self.field, &session).await? == Some(true);
        }
        Ok(Some(Tried { exchange: self.one.evidence(&request, &answer), answer, open }))
    }

    async fn attack(&self) -> Result<(), WireError> {
        let field = self.field;
        let (Some(former), Some(letter)) = (self.letter().await?, self.letter().await?) else {
            field.not_tested(ID, "no letter arrived within five seconds");
            return Ok(());
        };
        let Some((_, code)) = tokens(&former, &letter) else {
            self.say(Verdict::NotTested, "", "letters have nothing in them that the next one has not", None);
            return Ok(());
        };
        let Some(twin) = self.enter(&like(&code, 0, field)).await? else { return Ok(()) };
        let (mut letter, mut code) = (letter, code);
        let mut control = self.enter(&code).await?.filter(|tried| tried.open);
        if control.is_none() && !twin.open {
            // The wrong one may have ended it.
            let Some(next) = self.letter().await? else { return Ok(()) };
            let Some((_, other)) = tokens(&letter, &next) else { return Ok(()) };
            (letter, code) = (next, other);
            control = self.enter(&code).await?.filter(|tried| tried.open);
        }
        let Some(control) = control.filter(|_| !twin.open) else {
            self.say(Verdict::Inconclusive, "", "a code of now signs nobody in, or any does", None);
            return Ok(());
        };
        match self.enter(&code).await? {
            Some(again) if again.open => {
                let says = "a code from a letter signs in a second time".to_owned();
                self.found("reuse", Severity::Medium, says, again, Some(&twin));
            }
            _ => self.say(Verdict::Passed, "reuse", "a code from a letter signs in once", Some(&control)),
        }
        let bits = bits(&code);
        if bits >= 64 {
            self.say(Verdict::Passed, "rate", format!("a code has about {bits} bits"), Some(&control));
            return Ok(());
        }
        let Some(next) = self.letter().await? else {
            self.say(Verdict::Inconclusive, "rate", "no more letter arrived", None);
            return Ok(());
        };
        let Some((_, code)) = tokens(&letter, &next) else { return Ok(()) };
        for at in 0..WRONG {
            let guess = like(&code, at, field);
            if guess == code {
                continue;
            }
            let Some(tried) = self.enter(&guess).await? else { return Ok(()) };
            if tried.answer.is_throttle() || tried.answer.status != twin.answer.status {
                let says = format!("after {at} wrong codes no more were judged");
                self.say(Verdict::Passed, "rate", says, Some(&control));
                return Ok(());
            }
        }
        match self.enter(&code).await? {
            Some(seen) if seen.open => {
                let says = format!(
                    "a code has about {bits} bits, and {WRONG} wrong ones were judged before the right one signed in"
                );
                self.found("rate", Severity::High, says, seen, Some(&twin));
            }
            _ => self.say(
                Verdict::Passed,
                "rate",
                "after wrong codes the right one is refused, too",
                Some(&control),
            ),
        }
        Ok(())
    }
}
