//! Where people sign in, as a browser sees it, and what a sign-in is made of: so that it can be sent again without a browser.
//!
//! The page's own form is filled in with what somebody signs in with. The request that carried their password is then read back
//! into facts: its fields, with placeholders where name, password and code stood; the token of its answer that later requests
//! carried, and the header field they carried it in.

use std::collections::BTreeMap;

use gabion_browser::{BrowserError, Credentials, Exchange, FormFound, Recorded};
use gabion_model::Clock;
use serde_json::Value;

use super::recorded::{self, Sent};
use crate::browser::{PATIENCE, Visitor};
use crate::call::{Payload, text_of};
use crate::facts::{Identity, Login};
use crate::field::Field;
use crate::login::code_of;
use crate::operation::Provenance;
use crate::session::Session;

/// A page with a form to sign in at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entrance {
    /// Its address.
    pub page: String,
}

/// What a sign-in in the browser gave.
#[derive(Debug, Default)]
pub struct Passed {
    /// How it is sent without a browser, where that can be told.
    pub login: Option<Login>,
    pub session: Session,
}

/// Values of a page's own storage.
const KEPT: usize = 100;
/// The shortest token.
const TOKEN: usize = 8;

impl Entrance {
    /// The likeliest of the forms that were met.
    #[must_use]
    pub fn among(forms: &[FormFound]) -> Option<Self> {
        let fits = |found: &&FormFound| {
            let texts = found.form.fields.iter().filter(|field| {
                matches!(field.kind.as_str(), "text" | "email" | "tel" | "number" | "date" | "textarea")
            });
            found.form.sign_in().is_some() && texts.count() <= 3
        };
        let word = |found: &&FormFound| {
            let text = format!("{} {}", found.page, found.form.action).to_ascii_lowercase();
            let register =
                ["register", "signup", "sign-up", "join", "create"].iter().any(|word| text.contains(word));
            let enter =
                ["login", "signin", "sign-in", "auth", "session"].iter().any(|word| text.contains(word));
            (register, !enter, found.form.fields.len())
        };
        forms.iter().filter(fits).min_by_key(word).map(|found| Self { page: found.page.clone() })
    }

    /// Signs somebody in there.
    ///
    /// # Errors
    /// When the browser is lost.
    pub(crate) async fn pass(
        &self,
        visitor: &Visitor<'_>,
        identity: &Identity,
        clock: &dyn Clock,
    ) -> Result<bool, BrowserError> {
        let Some(password) = identity.password.as_ref() else { return Ok(false) };
        visitor.go(&self.page).await?;
        let code = code_of(identity, clock);
        let who = Credentials { user: identity.user(), password: password.expose(), code: &code };
        let passed = visitor.page().sign_in(who, PATIENCE).await?;
        if passed {
            // What a page keeps for itself the next one would not have.
            let kept =
                visitor.page().evaluate("JSON.stringify({...sessionStorage})", PATIENCE.settle).await?;
            let kept: Value = serde_json::from_str(kept.as_str().unwrap_or("{}")).unwrap_or_default();
            if kept.as_object().is_some_and(|kept| !kept.is_empty() && kept.len() <= KEPT) {
                let script = format!(
                    "for (const [name, value] of Object.entries({kept})) {{ try {{ sessionStorage.getItem(name) ?? \
                     sessionStorage.setItem(name, value) }} catch {{}} }}"
                );
                visitor.context().on_new_document(&script);
            }
        }
        Ok(passed)
    }
}

/// Signs an identity in by the browser and reads back what that was. Nothing where it does not work.
pub(crate) async fn sign_in(field: &Field, identity: &Identity) -> Option<Passed> {
    let (browsing, entrance) = (field.browser.as_ref().ok()?, field.entrance.as_ref()?);
    let password = identity.password.as_ref()?.expose();
    let visitor = browsing.explorer(field.person(0), &field.facts.target.spare).await.ok()?;
    if !entrance.pass(&visitor, identity, &*field.clock).await.ok()? {
        return None;
    }
    // What the pages send from now on says how they are known.
    let _either = visitor.go(field.wire.origin().path()).await;
    let cookies = visitor.context().cookies().await.unwrap_or_default();
    let host = field.wire.origin().host().trim_matches(['[', ']']);
    let recorded = visitor.take();
    let code = code_of(identity, &*field.clock);
    let words = [("{user}", identity.user()), ("{password}", password), ("{totp}", &code)];
    let at = recorded.exchanges.iter().position(|one| carries(field, one, password))?;
    let sent = recorded.exchanges.get(at)?;
    let token = token(sent, &recorded, at);
    let mut session = Session::default();
    let ours = cookies.iter().filter(|cookie| cookie.domain.trim_start_matches('.') == host);
    session.cookies.extend(ours.map(|cookie| (cookie.name.clone(), cookie.value.clone())));
    if let Some((_, name, value)) = &token {
        session.headers.push((name.clone(), value.clone()));
    }
    if session.is_empty() {
        return None;
    }
    Some(Passed { login: login(field, sent, &words, token), session })
}

fn carries(field: &Field, exchange: &Exchange, password: &str) -> bool {
    let Some(to) = field.wire.origin().inside("/", &exchange.url) else { return false };
    let sent = Sent {
        method: &exchange.method,
        target: &to,
        headers: &exchange.headers,
        body: exchange.sent.as_deref().unwrap_or_default(),
    };
    let Some((_, call)) = recorded::take(&sent, &[], Provenance::Browser) else { return false };
    call.points().iter().any(|point| call.value(point).as_deref() == Some(password))
}

/// The pointer of the token in the answer, and the header field that carries it later.
fn token(sent: &Exchange, recorded: &Recorded, at: usize) -> Option<(String, String, String)> {
    let body: Value = serde_json::from_str(sent.body.as_deref()?).ok()?;
    let mut texts = Vec::new();
    leaves(&body, String::new(), 0, &mut texts);
    let later = recorded.exchanges.iter().skip(at.saturating_add(1));
    for (name, value) in later.flat_map(|one| &one.headers) {
        if name.eq_ignore_ascii_case("cookie") || name.eq_ignore_ascii_case("referer") {
            continue;
        }
        if let Some((pointer, _)) = texts.iter().find(|(_, text)| value.contains(text.as_str())) {
            return Some((pointer.clone(), name.clone(), value.clone()));
        }
    }
    None
}

fn leaves(value: &Value, at: String, depth: usize, out: &mut Vec<(String, String)>) {
    if depth > 6 || out.len() > 200 {
        return;
    }
    match value {
        Value::String(text) if text.len() >= TOKEN => out.push((at, text.clone())),
        Value::Object(members) => {
            for (name, value) in members {
                let name = name.replace('~', "~0").replace('/', "~1");
                leaves(value, format!("{at}/{name}"), depth.saturating_add(1), out);
            }
        }
        _ => {}
    }
}

/// The request as facts say it.
fn login(
    field: &Field,
    sent: &Exchange,
    words: &[(&str, &str)],
    token: Option<(String, String, String)>,
) -> Option<Login> {
    let to = field.wire.origin().inside("/", &sent.url)?;
    let parts = Sent {
        method: &sent.method,
        target: &to,
        headers: &sent.headers,
        body: sent.sent.as_deref().unwrap_or_default(),
    };
    let (_, call) = recorded::take(&parts, &[], Provenance::Browser)?;
    let put = |text: &str| {
        let word = words.iter().find(|(_, own)| !own.is_empty() && *own == text);
        word.map_or_else(|| text.to_owned(), |(word, _)| (*word).to_owned())
    };
    let (mut json, mut form) = (None, BTreeMap::new());
    match &call.payload {
        Payload::Json(value) => json = Some(replaced(value, &put)),
        Payload::Form(fields) => {
            form = fields.iter().map(|(name, value)| (name.clone(), put(&text_of(value)))).collect();
        }
        _ => return None,
    }
    let (token, header) = match token {
        Some((pointer, name, value)) => {
            let body: Value = serde_json::from_str(sent.body.as_deref()?).ok()?;
            let text = body.pointer(&pointer)?.as_str()?.to_owned();
            (Some(pointer), Some(format!("{name}: {}", value.replace(&text, "{token}"))))
        }
        None => (None, None),
    };
    Some(Login { operation: format!("{} {to}", sent.method), form, json, token, header, ..Login::default() })
}

fn replaced(value: &Value, put: &dyn Fn(&str) -> String) -> Value {
    match value {
        Value::String(text) => Value::String(put(text)),
        Value::Array(items) => items.iter().map(|item| replaced(item, put)).collect(),
        Value::Object(members) => members
            .iter()
            .map(|(name, value)| (name.clone(), replaced(value, put)))
            .collect::<serde_json::Map<_, _>>()
            .into(),
        other => other.clone(),
    }
}
