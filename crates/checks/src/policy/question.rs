//! Who asks, and under which circumstances.

use std::sync::Arc;

use gabion_identity::CredentialKind;
use gabion_model::{Acr, Methods, Timestamp};
use gabion_policy::{Context, Needed, Subject, SubjectKind};
use http::Method;

use crate::exchange::Exchange;

/// Words every question has, made once.
#[derive(Debug)]
pub(super) struct Circumstances {
    methods: Vec<(Method, Arc<str>)>,
    credentials: Vec<(CredentialKind, Arc<str>)>,
    none: Arc<str>,
}

impl Circumstances {
    pub(super) fn new() -> Self {
        let methods = [
            Method::GET,
            Method::HEAD,
            Method::POST,
            Method::PUT,
            Method::PATCH,
            Method::DELETE,
            Method::OPTIONS,
        ];
        Self {
            methods: methods.into_iter().map(|method| (method.clone(), method.as_str().into())).collect(),
            // Those a route can name, and the senders of webhooks.
            credentials: CredentialKind::ALL
                .iter()
                .chain([&CredentialKind::Webhook])
                .map(|kind| (*kind, kind.as_str().into()))
                .collect(),
            none: "none".into(),
        }
    }

    /// Those that the policies read, and what costs nothing.
    pub(super) fn of(&self, exchange: &Exchange, needed: &Needed) -> Context {
        let wants = |name: &str| needed.context.contains(name);
        let (acr, authenticated_at) = signed_in(exchange);
        let kind = exchange.credential.as_ref().map(|credential| credential.kind);
        let kind = exchange.session.as_ref().map(|_| CredentialKind::Session).or(kind);
        let credential = kind.and_then(|kind| self.credentials.iter().find(|(own, _)| *own == kind));
        let method = self.methods.iter().find(|(own, _)| *own == exchange.method);
        let scopes = exchange.credential.as_ref().filter(|_| wants("scopes"));
        Context {
            ip: Some(exchange.client),
            now: Some(exchange.now),
            acr,
            factors: exchange.session.as_ref().map_or(Methods::NONE, |session| session.methods),
            authenticated_at,
            credential: Some(Arc::clone(credential.map_or(&self.none, |(_, word)| word))),
            scopes: scopes.map(|one| one.scopes.iter().map(Into::into).collect()).unwrap_or_default(),
            secure: exchange.secure,
            device: exchange
                .certificate
                .as_ref()
                .filter(|_| wants("device"))
                .map(|certificate| gabion_vault::encoding::base64url_encode(&certificate.thumbprint).into()),
            method: method
                .map(|(_, word)| Arc::clone(word))
                .or_else(|| Some(exchange.method.as_str().into())),
            host: wants("host").then(|| exchange.host_str().into()),
            path: wants("path").then(|| exchange.path().into()),
            attributes: std::collections::BTreeMap::new(),
        }
    }
}

/// How strongly and when the person behind the request signed in.
pub(super) fn signed_in(exchange: &Exchange) -> (Option<Acr>, Option<Timestamp>) {
    if let Some(session) = &exchange.session {
        return (Some(session.methods.acr()), Some(session.authenticated));
    }
    let proven = exchange.credential.as_ref().and_then(|credential| credential.authenticated);
    (proven.map(|(_, acr)| acr), proven.map(|(time, _)| time))
}

/// Whose request it is, prepared once per session or credential.
pub(super) fn subject(exchange: &Exchange, anonymous: &Subject) -> Subject {
    let (slot, principal) = match (&exchange.session, &exchange.credential) {
        (Some(session), _) => (&session.assertion, &session.principal),
        (None, Some(credential)) => (&credential.assertion, &credential.principal),
        (None, None) => return anonymous.clone(),
    };
    if let Some(subject) = slot.read::<Subject>(SLOT, exchange.now) {
        return subject;
    }
    let kind = if principal.program { SubjectKind::ServiceAccount } else { SubjectKind::User };
    let subject = Subject::of(principal, kind);
    slot.keep(SLOT, FOR_EVER, subject.clone());
    subject
}

/// No upstream has such a name.
const SLOT: &str = "\0policy";
const FOR_EVER: Timestamp = Timestamp::from_micros(i64::MAX);
