//! What an application takes and asks for, on its way to being a layer.

use std::sync::Arc;
use std::time::Duration;

use gabion_checks::{Access, Alone, Route};
use gabion_identity::CredentialKind;
use gabion_model::{Acr, Clock, Period, Problem, Rng, SystemClock};
use gabion_vault::SystemRng;
use tower_layer::Layer;

use crate::service::{Guarded, Ready};
use crate::source::{Keys, Sessions, Tokens};

/// By what one may come, and what is asked beside. Cheap to clone: make one and vary it by route.
#[derive(Debug, Clone)]
#[must_use = "credentials do nothing until they are made a layer"]
pub struct Credentials {
    pub(crate) sessions: Option<Sessions>,
    pub(crate) tokens: Option<Tokens>,
    pub(crate) keys: Option<Keys>,
    pub(crate) route: Route,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) rng: Arc<dyn Rng>,
}

impl Credentials {
    pub(crate) fn none() -> Self {
        Self {
            sessions: None,
            tokens: None,
            keys: None,
            route: Route::new("/*", Access::SignedIn, "application"),
            clock: Arc::new(SystemClock),
            rng: Arc::new(SystemRng::new()),
        }
    }

    /// Takes what either takes; what was asked for beside stays as it is here. Of two of a kind, the first counts.
    pub fn or(self, other: Self) -> Self {
        Self {
            sessions: self.sessions.or(other.sessions),
            tokens: self.tokens.or(other.tokens),
            keys: self.keys.or(other.keys),
            ..self
        }
    }

    /// Asks for any one of the roles named so; `role` twice is a choice.
    pub fn role(mut self, role: &str) -> Self {
        self.route.roles.push(role.to_owned());
        self
    }

    /// Asks programs for this scope, beside those asked for before. People have none and need none.
    pub fn scope(mut self, scope: &str) -> Self {
        self.route.scopes.push(scope.to_owned());
        self
    }

    /// Asks for a person who signed in so strongly. Keys and certificates never signed in.
    pub fn acr(mut self, acr: Acr) -> Self {
        self.route.acr = Some(acr);
        self
    }

    /// Asks for a person who signed in so recently, to the second.
    pub fn max_age(mut self, age: Duration) -> Self {
        self.route.max_age = Some(Period::from_secs(age.as_secs()));
        self
    }

    /// Lets requests without any credential pass, without a [`Principal`](crate::Principal). Whatever was asked for
    /// beside is asked of nobody then; a credential that does not count is refused all the same.
    pub fn allow_strangers(mut self) -> Self {
        self.route.access = Access::Public;
        self.route.roles.clear();
        self.route.scopes.clear();
        (self.route.acr, self.route.max_age) = (None, None);
        self
    }

    /// Leaves key or token in the request, for handlers that pass it on. Otherwise it is taken out.
    pub fn pass_authorization(mut self) -> Self {
        self.route.pass_authorization = true;
        self
    }

    /// Asks the gate about each access token, so that one revoked a moment ago counts no more; needs
    /// [`Gabion::client`](crate::Gabion::client).
    pub fn asking(mut self) -> Self {
        if let Some(tokens) = &mut self.tokens {
            tokens.ask();
        }
        self
    }

    /// With another clock, for tests.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// The layer.
    ///
    /// # Errors
    /// What cannot be asked for, for instance a scope with a blank in it, or scopes where only people may come.
    pub fn layer(self) -> Result<CredentialLayer, Mistakes> {
        let mut route = self.route;
        // The gate's word may also be about a program, whatever it showed to the gate.
        let vouched = matches!(self.sessions, Some(Sessions::Assertion(..)));
        let kinds = [
            (CredentialKind::Session, self.sessions.is_some()),
            (CredentialKind::Bearer, self.tokens.is_some()),
            (CredentialKind::ApiKey, self.keys.is_some()),
            (CredentialKind::Certificate, vouched),
        ];
        route.credentials = Some(kinds.iter().filter(|(_, taken)| *taken).map(|(kind, _)| *kind).collect());
        let mut problems = Vec::new();
        let asks = self.tokens.as_ref().is_some_and(|tokens| !tokens.can_ask());
        if asks || self.keys.as_ref().is_some_and(|keys| !keys.can_ask()) {
            problems.push(
                Problem::new("client", "the gate is asked, but by nobody it knows")
                    .hint("register a confidential client and name it with `Gabion::client`"),
            );
        }
        match Alone::new(&route, "") {
            Ok(alone) if problems.is_empty() => Ok(CredentialLayer(Arc::new(Ready {
                alone,
                sessions: self.sessions,
                tokens: self.tokens,
                keys: self.keys,
                vouched,
                pass: route.pass_authorization,
                clock: self.clock,
                rng: self.rng,
            }))),
            Ok(_) => Err(Mistakes(problems)),
            Err(found) => Err(Mistakes(problems.into_iter().chain(found).collect())),
        }
    }
}

/// What is wrong with what was asked for, all at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistakes(pub Vec<Problem>);

impl std::fmt::Display for Mistakes {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (index, problem) in self.0.iter().enumerate() {
            let separator = if index > 0 { "; " } else { "" };
            write!(formatter, "{separator}{problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Mistakes {}

/// Lets requests pass whose credential counts; a [`tower_layer::Layer`].
#[derive(Debug, Clone)]
pub struct CredentialLayer(Arc<Ready>);

impl<S> Layer<S> for CredentialLayer {
    type Service = Guarded<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Guarded::new(inner, Arc::clone(&self.0))
    }
}
