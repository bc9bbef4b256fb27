//! Who is calling, as a handler sees it.

use std::ops::Deref;
use std::sync::Arc;

use gabion_checks::Caller;
use gabion_checks::access::Asking;
use gabion_identity::{Credential, CredentialKind, Scopes, Session};
use gabion_model::{Acr, Timestamp};

/// An authenticated person or program, and how it came.
///
/// Account, name, tenant, roles and groups stand in the [`gabion_model::Principal`] it derefs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// Account, name, tenant, roles, groups.
    pub who: gabion_model::Principal,
    /// By what it was shown.
    pub kind: CredentialKind,
    /// The OAuth client that acts, where there is one.
    pub client: Option<Arc<str>>,
    /// What a program was given; empty for people, who have none ([`has_scope`](Self::has_scope)).
    pub scopes: Scopes,
    /// When the person behind it signed in (`auth_time`); `None` for what never does.
    pub authenticated: Option<Timestamp>,
    /// How strongly.
    pub acr: Option<Acr>,
    /// By which methods, as RFC 8176 names them: `pwd`, `otp`, …; empty where they are not told.
    pub methods: Arc<[Box<str>]>,
}

impl Principal {
    /// Whether it is a person with a session, and not a program that was given something.
    #[must_use]
    pub fn is_session(&self) -> bool {
        self.kind == CredentialKind::Session
    }

    /// Whether it may do what the scope names: programs were given some, people have none and need none.
    #[must_use]
    pub fn has_scope(&self, scope: &str) -> bool {
        self.is_session() || self.scopes.contains(scope)
    }

    pub(crate) fn of_session(session: &Session) -> Self {
        Self {
            who: session.principal.clone(),
            kind: CredentialKind::Session,
            client: None,
            scopes: Scopes::default(),
            authenticated: Some(session.authenticated),
            acr: Some(session.methods.acr()),
            methods: session.methods.amr().into_iter().map(Box::from).collect(),
        }
    }

    pub(crate) fn of_credential(credential: &Credential) -> Self {
        Self {
            who: credential.principal.clone(),
            kind: credential.kind,
            client: credential.client.clone(),
            scopes: credential.scopes.clone(),
            authenticated: credential.authenticated.map(|(time, _)| time),
            acr: credential.authenticated.map(|(_, acr)| acr),
            methods: Arc::default(),
        }
    }

    /// Whom a [`CheckLayer`](gabion_checks::CheckLayer) let pass.
    pub(crate) fn of_caller(caller: &Caller) -> Option<Self> {
        let session = caller.session.as_deref().map(Self::of_session);
        session.or_else(|| caller.credential.as_deref().map(Self::of_credential))
    }

    pub(crate) fn asking(&self) -> Asking<'_> {
        Asking {
            roles: &self.who.roles,
            scopes: (!self.is_session()).then_some(&self.scopes),
            authenticated: self.authenticated.zip(self.acr),
        }
    }
}

impl Deref for Principal {
    type Target = gabion_model::Principal;

    fn deref(&self) -> &Self::Target {
        &self.who
    }
}
