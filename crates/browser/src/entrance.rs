//! Signing in as a person does: at the page's own form, whatever becomes of the session.
//!
//! 1. The form is the one with a single password and something to be called by. Where there is none yet, a form that asks
//!    for the name alone is filled in and sent once: some ask in two steps.
//! 2. It is sent by its own button; fields without a form by the key that sends, then by what says that it signs in.
//! 3. It worked where something with the password in it was sent and answered without refusal, and the page it led to
//!    does not ask again. What stands in storage then belongs to the context.

use serde::Deserialize;

use crate::error::BrowserError;
use crate::explore::says;
use crate::limits::Patience;
use crate::page::Page;
use crate::record::Exchange;
use crate::sight::{Field, Form};

const SURVEY: &str = include_str!("scripts/survey.js");

/// What is pressed to sign in.
const SIGN_IN: &[&str] = &[
    "log in",
    "login",
    "sign in",
    "signin",
    "log on",
    "logon",
    "anmelden",
    "einloggen",
    "connexion",
    "entrar",
    "acceder",
    "continue",
    "next",
    "weiter",
    "submit",
    "go",
    "enter",
];
/// Things to press that are looked at.
const MOST: usize = 200;
/// Forms that ask one after the other.
const STEPS: usize = 2;

/// What a person signs in with.
#[derive(Clone, Copy)]
pub struct Credentials<'a> {
    /// The name.
    pub user: &'a str,
    /// The password.
    pub password: &'a str,
    /// A code for once; empty where there is none.
    pub code: &'a str,
}

impl std::fmt::Debug for Credentials<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Credentials").field("user", &self.user).finish_non_exhaustive()
    }
}

#[derive(Deserialize)]
struct Survey {
    clicks: Vec<Press>,
}

#[derive(Deserialize)]
struct Press {
    words: String,
    selector: String,
}

impl Form {
    /// The fields for a name and a password, where signing in is what the form is for.
    #[must_use]
    pub fn sign_in(&self) -> Option<(&Field, &Field)> {
        let mut passwords = self.fields.iter().filter(|field| field.kind == "password" && !field.disabled);
        let password = passwords.next()?;
        if passwords.next().is_some() || password.autocomplete == "new-password" {
            return None;
        }
        Some((self.named()?, password))
    }

    fn named(&self) -> Option<&Field> {
        let texts = || {
            self.fields
                .iter()
                .filter(|field| matches!(field.kind.as_str(), "text" | "email" | "tel") && !field.disabled)
        };
        let called = |field: &&Field| {
            let words =
                ["user", "username", "email", "e mail", "mail", "login", "name", "account", "benutzer*"];
            [&field.autocomplete, &field.name, &field.label].iter().any(|text| says(text, words))
        };
        texts().find(called).or_else(|| texts().next())
    }
}

impl Page {
    /// Signs somebody in at the form that stands on the page now. Whether it worked.
    ///
    /// # Errors
    ///
    /// The page or the browser is lost.
    pub async fn sign_in(&self, who: Credentials<'_>, patience: Patience) -> Result<bool, BrowserError> {
        for _ in 0..STEPS {
            let forms = self.forms().await?;
            if let Some((form, user, password)) =
                forms.iter().find_map(|form| form.sign_in().map(|(user, password)| (form, user, password)))
            {
                self.fill(&user.selector, who.user).await?;
                self.fill(&password.selector, who.password).await?;
                if let Some(code) = form.fields.iter().find(|field| is_code(field)) {
                    self.fill(&code.selector, who.code).await?;
                }
                return self.send_off(form, password, who, patience).await;
            }
            // The name alone, and the password behind it.
            let Some((form, user)) = forms.iter().find_map(|form| {
                let words = ["user", "username", "email", "login", "account"];
                let user = form.named()?;
                let called = [&user.autocomplete, &user.name, &user.label, &user.kind];
                called.iter().any(|text| says(text, words)).then_some((form, user))
            }) else {
                return Ok(false);
            };
            self.fill(&user.selector, who.user).await?;
            if form.loose {
                self.enter(&user.selector).await?;
            } else {
                self.submit(&form.selector).await?;
            }
            self.settle(patience).await?;
        }
        Ok(false)
    }

    async fn send_off(
        &self,
        form: &Form,
        password: &Field,
        who: Credentials<'_>,
        patience: Patience,
    ) -> Result<bool, BrowserError> {
        let before = self.recorded().exchanges.len();
        if form.loose {
            self.enter(&password.selector).await?;
        } else {
            self.submit(&form.selector).await?;
        }
        self.settle(patience).await?;
        if self.answered(before, who).is_none() {
            // It listens to something else.
            let survey: Survey = serde_json::from_value(self.survey(SURVEY, MOST).await?)
                .map_err(|error| BrowserError::Script(error.to_string()))?;
            let own = form.fields.iter().filter(|field| field.kind == "button" || field.kind == "submit");
            let buttons = own.map(|button| (button.label.as_str(), button.selector.as_str()));
            let all = survey.clicks.iter().map(|press| (press.words.as_str(), press.selector.as_str()));
            let fitting = buttons.chain(all).find(|(words, _)| says(words, SIGN_IN.iter().copied()));
            if let Some((_, selector)) = fitting {
                self.click(selector).await?;
                self.settle(patience).await?;
            }
        }
        let Some(answered) = self.answered(before, who) else { return Ok(false) };
        Ok(answered && !self.forms().await?.iter().any(|form| form.sign_in().is_some()))
    }

    /// Whether what had the password in it was taken; nothing where it was not sent.
    fn answered(&self, before: usize, who: Credentials<'_>) -> Option<bool> {
        let recorded = self.recorded();
        let sent = recorded.exchanges.iter().skip(before).find(|one| carries(one, who.password))?;
        Some(sent.status.is_some_and(|status| status < 400))
    }
}

/// Whether a request has a text in its body, in whatever form bodies have texts.
#[must_use]
pub(crate) fn carries(exchange: &Exchange, text: &str) -> bool {
    let Some(sent) = &exchange.sent else { return false };
    if text.is_empty() {
        return false;
    }
    let json = serde_json::Value::from(text).to_string();
    let pairs = || url::form_urlencoded::parse(sent.as_bytes());
    sent.contains(text) || sent.contains(json.trim_matches('"')) || pairs().any(|(_, value)| value == text)
}

fn is_code(field: &Field) -> bool {
    field.autocomplete == "one-time-code"
        || [&field.name, &field.label].iter().any(|text| says(text, ["otp", "totp", "code", "2fa", "mfa"]))
}
