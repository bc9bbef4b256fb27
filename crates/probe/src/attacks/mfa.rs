//! Whether the second factor counts (CWE-308, CWE-294, CWE-307; RFC 6238 section 5.2, OWASP ASVS 2.8).
//!
//! For an identity with the secret of one-time passwords. Control: password and code of now sign in, and open what only they get.
//!
//! `skipped`: without a code; `ignored`: with a wrong one. `replay`: with a code that signed in just now. `recovery`: with a recovery code that
//! did; `recovery-rate`: ten wrong codes of that form are judged alike, and a right one signs in after them. `window`: with codes of
//! ninety seconds and more ago, or ahead. `rate`: ten wrong codes are judged alike, and the right one signs in after them. Each is
//! proven when the session that begins opens what only they get. Twin: the wrong code, that does not.
//!
//! Where the code of now was used already, the one that comes next is taken, and waited for where it has to be.

use std::time::Duration;

use gabion_model::Severity;
use gabion_model::outbound::BoxFuture;

use super::session_cookies::without_secrets;
use super::{Attack, Phase};
use crate::facts::Identity;
use crate::field::{Field, Known};
use crate::login::{Tried, Try, Way};
use crate::one_time;
use crate::session::Session;
use crate::verdict::{Exchange, Outcome, Proof, Verdict};
use crate::wire::WireError;

pub(super) struct Mfa;

const ID: &str = "mfa";
const STEP: i64 = 30;
const WRONG: usize = 10;

impl Attack for Mfa {
    fn id(&self) -> &'static str {
        ID
    }

    fn phase(&self) -> Phase {
        Phase::Factor
    }

    fn run<'a>(&'a self, field: &'a Field) -> BoxFuture<'a, Result<(), WireError>> {
        Box::pin(run(field))
    }
}

/// Somebody with a second factor.
struct Owner<'a> {
    field: &'a Field,
    who: usize,
    identity: &'a Identity,
    proof: &'a Known,
}

/// A sign-in that was tried with a code.
struct Seen {
    tried: Tried,
    /// Whether it opens what only they get.
    open: bool,
}

async fn run(field: &Field) -> Result<(), WireError> {
    let with = field.facts.identities.iter().filter(|identity| identity.totp.is_some());
    let mut found = None;
    for identity in with {
        let who = field
            .people
            .iter()
            .position(|person| person.name == identity.name && person.way.as_ref().is_some_and(sends_code));
        if let Some((who, proof)) = who.and_then(|who| Some((who, field.proof_of(who)?))) {
            found = Some(Owner { field, who, identity, proof });
            break;
        }
    }
    let Some(owner) = found else {
        field.not_tested(ID, "nobody signs in with a second factor; hint: `totp` in `[[identities]]`, and `{totp}` in `[login]`");
        return Ok(());
    };
    owner.attack().await
}

/// Whether a way to sign in has a place for the code: without it, every code would be as good.
fn sends_code(way: &Way) -> bool {
    let Way::Declared(login) = way else { return false };
    let first = format!("{:?} {:?}", login.form, login.json);
    login.second.is_some() || first.contains("{totp}")
}

impl Owner<'_> {
    fn operation(&self) -> String {
        self.field.person(self.who).login.as_ref().map_or_else(String::new, |(request, _)| {
            format!("{} {}", request.method, request.target.split('?').next().unwrap_or_default())
        })
    }

    fn say(&self, verdict: Verdict, aspect: &str, says: impl Into<String>) {
        self.field.say(Outcome::new(ID, &self.operation(), verdict, says).aspect(aspect));
    }

    fn found(&self, aspect: &str, severity: Severity, says: &str, seen: &Seen, twin: Option<&Seen>) {
        let name = &self.field.person(self.who).name;
        let shown =
            |seen: &Seen| Exchange::new(name, &without_secrets(&seen.tried.request), &seen.tried.answer);
        let mut proof = Proof::new(shown(seen), "the session that began opens what only they get");
        proof.twin = twin.map(shown);
        let outcome = Outcome::new(ID, &self.operation(), Verdict::Proven, says);
        self.field.say(outcome.aspect(aspect).severity(severity).proof(proof));
    }

    /// The code so many steps from now.
    fn code(&self, steps: i64) -> String {
        let at = self.field.clock.now().as_secs().saturating_add(steps.saturating_mul(STEP));
        let secret = self.identity.totp.as_ref().map_or("", |secret| secret.expose());
        one_time::code(secret, at).unwrap_or_default()
    }

    /// A code that is right at no time near.
    fn wrong(&self) -> String {
        let near: Vec<String> = (-20..=20).map(|step| self.code(step)).collect();
        (0..100_u32)
            .map(|_| format!("{:06}", self.field.number(1_000_000)))
            .find(|code| !near.contains(code))
            .unwrap_or_default()
    }

    async fn sign_in(&self, code: &str) -> Result<Option<Seen>, WireError> {
        let password = self.identity.password.as_ref().map_or("", |password| password.expose());
        let one = Try { user: self.identity.user(), password, code, before: Session::default() };
        let Some(tried) = self.field.attempt(self.who, &one).await? else { return Ok(None) };
        let open = match &tried.session {
            Ok(session) => {
                self.field.hide(session);
                self.field.opens(session, self.proof).await?
            }
            Err(_) => false,
        };
        Ok(Some(Seen { tried, open }))
    }

    /// A code that signs in and was not used before.
    async fn fresh(&self) -> Result<Option<(String, Seen)>, WireError> {
        for wait in [false, true] {
            for step in [0, 1, -1] {
                let code = self.code(step);
                if let Some(seen) = self.sign_in(&code).await?.filter(|seen| seen.open) {
                    return Ok(Some((code, seen)));
                }
            }
            if !wait {
                let now = self.field.clock.now().as_secs();
                let left = STEP.saturating_mul(2).saturating_sub(now.rem_euclid(STEP));
                tokio::time::sleep(Duration::from_secs(u64::try_from(left).unwrap_or(0))).await;
            }
        }
        Ok(None)
    }

    async fn attack(&self) -> Result<(), WireError> {
        let Some(refused) = self.sign_in(&self.wrong()).await? else {
            self.say(Verdict::Inconclusive, "", "signing in could not be tried");
            return Ok(());
        };
        if refused.open {
            self.found("ignored", Severity::Critical, "a wrong code signs in", &refused, None);
            return Ok(());
        }
        self.say(Verdict::Passed, "ignored", "a wrong code does not sign in");
        match self.sign_in("").await? {
            Some(seen) if seen.open => {
                let says = "the password alone opens what the second factor should guard";
                self.found("skipped", Severity::Critical, says, &seen, Some(&refused));
            }
            Some(_) => self.say(Verdict::Passed, "skipped", "without a code nothing opens"),
            None => self.say(Verdict::Inconclusive, "skipped", "it got no answer"),
        }
        let Some((code, _)) = self.fresh().await? else {
            self.say(Verdict::Inconclusive, "replay", "no code of now signs in");
            return Ok(());
        };
        match self.sign_in(&code).await? {
            Some(seen) if seen.open => {
                self.found(
                    "replay",
                    Severity::Medium,
                    "a code signs in a second time",
                    &seen,
                    Some(&refused),
                );
            }
            Some(_) => self.say(Verdict::Passed, "replay", "a code signs in once"),
            None => self.say(Verdict::Inconclusive, "replay", "it got no answer"),
        }
        self.recovery(&refused).await?;
        self.window(&refused).await?;
        self.rate(&refused).await?;
        self.recovery_rate(&refused).await
    }

    /// A code for whoever lost the device signs in once. Those that were used up before are passed over.
    async fn recovery(&self, refused: &Seen) -> Result<(), WireError> {
        for code in &self.identity.recovery {
            if !self.sign_in(code.expose()).await?.is_some_and(|seen| seen.open) {
                continue;
            }
            match self.sign_in(code.expose()).await? {
                Some(seen) if seen.open => {
                    let says = "a recovery code signs in a second time";
                    self.found("recovery", Severity::High, says, &seen, Some(refused));
                }
                Some(_) => self.say(Verdict::Passed, "recovery", "a recovery code signs in once"),
                None => self.say(Verdict::Inconclusive, "recovery", "it got no answer"),
            }
            return Ok(());
        }
        let says = if self.identity.recovery.is_empty() {
            "no recovery code is known; hint: `recovery` in `[[identities]]`"
        } else {
            "no recovery code of the facts signs in; each is good once, and a run uses one or two up"
        };
        self.say(Verdict::NotTested, "recovery", says);
        Ok(())
    }

    /// Guesses at codes for whoever lost the device: of their form, so that what tells them from others by that judges them.
    async fn recovery_rate(&self, refused: &Seen) -> Result<(), WireError> {
        let Some(last) = self.identity.recovery.last() else { return Ok(()) };
        let codes: Vec<&str> = self.identity.recovery.iter().map(|code| code.expose()).collect();
        // What all have in common is no part of the secret.
        let same = last.expose().char_indices().take_while(|(at, letter)| {
            codes.len() > 1
                && codes.iter().all(|code| code.get(*at..).is_some_and(|rest| rest.starts_with(*letter)))
        });
        let end = same.map(|(at, letter)| at.saturating_add(letter.len_utf8())).last().unwrap_or(0);
        let (common, own) = last.expose().split_at_checked(end).unwrap_or(("", last.expose()));
        let mut status = None;
        for at in 0..WRONG {
            let wrong = format!("{common}{}", super::password_reset::like(own, at, self.field));
            if codes.contains(&wrong.as_str()) {
                continue;
            }
            let Some(seen) = self.sign_in(&wrong).await? else { return Ok(()) };
            let answer = &seen.tried.answer;
            if answer.is_throttle() || *status.get_or_insert(answer.status) != answer.status {
                let says = match at {
                    0 => "the limit of wrong codes holds for recovery codes, too".to_owned(),
                    _ => format!("after {at} wrong recovery codes no more were judged"),
                };
                self.say(Verdict::Passed, "recovery-rate", says);
                return Ok(());
            }
        }
        // The last ones first: those before may be used up.
        for code in codes.iter().rev() {
            let Some(seen) = self.sign_in(code).await? else { continue };
            if seen.open {
                let says =
                    format!("{WRONG} wrong recovery codes were judged, and a right one signed in after them");
                self.found("recovery-rate", Severity::High, &says, &seen, Some(refused));
                return Ok(());
            }
            if seen.tried.answer.is_throttle() || status != Some(seen.tried.answer.status) {
                self.say(Verdict::Passed, "recovery-rate", "after wrong recovery codes none is judged");
                return Ok(());
            }
        }
        let says = "wrong recovery codes were judged alike, and no unused one is left to see whether a right one still signs in; hint: two of them in `recovery`";
        self.say(Verdict::NotTested, "recovery-rate", says);
        Ok(())
    }

    async fn window(&self, refused: &Seen) -> Result<(), WireError> {
        for step in [-3, -6, -20, 3, 6, 20] {
            let Some(seen) = self.sign_in(&self.code(step)).await? else { continue };
            if seen.tried.answer.is_throttle() {
                self.say(Verdict::Inconclusive, "window", "codes were asked too often");
                return Ok(());
            }
            if seen.open {
                let when = if step < 0 { "ago" } else { "ahead" };
                let says = format!(
                    "a code of {} seconds {when} signs in",
                    step.saturating_abs().saturating_mul(STEP)
                );
                self.found("window", Severity::Low, &says, &seen, Some(refused));
                return Ok(());
            }
        }
        self.say(Verdict::Passed, "window", "codes of other minutes do not sign in");
        Ok(())
    }

    async fn rate(&self, refused: &Seen) -> Result<(), WireError> {
        for at in 0..WRONG {
            let Some(seen) = self.sign_in(&self.wrong()).await? else { return Ok(()) };
            let answer = &seen.tried.answer;
            if answer.is_throttle() || answer.status != refused.tried.answer.status {
                self.say(Verdict::Passed, "rate", format!("after {at} wrong codes no more were judged"));
                return Ok(());
            }
        }
        match self.fresh().await? {
            Some((_, seen)) => {
                let says = format!("{WRONG} wrong codes were judged, and the right one signed in after them");
                self.found("rate", Severity::High, &says, &seen, Some(refused));
            }
            None => self.say(Verdict::Passed, "rate", "after wrong codes the right one is refused, too"),
        }
        Ok(())
    }
}
