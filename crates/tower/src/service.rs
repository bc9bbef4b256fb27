//! The service around the application's.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use gabion_checks::alone::Shown;
use gabion_checks::api_key::X_API_KEY;
use gabion_checks::identity_header::GABION_IDENTITY;
use gabion_checks::{Alone, Denial, request_id};
use gabion_identity::CredentialKind;
use gabion_model::{Clock, RequestId, Rng};
use http::header::AUTHORIZATION;
use http::{Request, Response, request};
use tower_service::Service;

use crate::principal::Principal;
use crate::source::{Keys, Sessions, Tokens};

/// A service that only requests reach whose credential counts.
#[derive(Clone)]
pub struct Guarded<S> {
    inner: S,
    ready: Arc<Ready>,
}

/// What a layer judges by.
pub(crate) struct Ready {
    pub(crate) alone: Alone,
    pub(crate) sessions: Option<Sessions>,
    pub(crate) tokens: Option<Tokens>,
    pub(crate) keys: Option<Keys>,
    /// Whoever the gate vouches for may come.
    pub(crate) vouched: bool,
    pub(crate) pass: bool,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) rng: Arc<dyn Rng>,
}

impl<S> Guarded<S> {
    pub(crate) const fn new(inner: S, ready: Arc<Ready>) -> Self {
        Self { inner, ready }
    }
}

impl<S, B, A> Service<Request<B>> for Guarded<S>
where
    S: Service<Request<B>, Response = Response<A>> + Clone + Send + 'static,
    S::Future: Send + 'static,
    A: From<Bytes>,
    B: Send + 'static,
{
    type Response = Response<A>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response<A>, S::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        // The one that said it was ready is the one to call.
        let clone = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, clone);
        let ready = Arc::clone(&self.ready);
        Box::pin(async move {
            let (mut head, body) = request.into_parts();
            match ready.admit(&mut head).await {
                Ok(()) => inner.call(Request::from_parts(head, body)).await,
                Err(denial) => Ok(ready.answer(&head, denial).map(A::from)),
            }
        })
    }
}

impl Ready {
    /// Judges a request. Afterwards the head holds the principal and no credential that was judged.
    async fn admit(self: &Arc<Self>, head: &mut request::Parts) -> Result<(), Denial> {
        let principal = match self.principal(head).await? {
            Some(principal) => Some(principal),
            // An outer layer found out already, and took the credential out of the request.
            None => head
                .extensions
                .remove::<Principal>()
                .filter(|outer| self.vouched || self.alone.takes(outer.kind)),
        };
        self.alone.judge(principal.as_ref().map(Principal::asking), self.clock.now())?;
        // Whatever says who it is and was not judged here must not be believed further in.
        head.headers.remove(GABION_IDENTITY);
        if !self.pass {
            match principal.as_ref().map(|principal| principal.kind) {
                Some(CredentialKind::Bearer) => {
                    head.headers.remove(AUTHORIZATION);
                }
                Some(CredentialKind::ApiKey) if head.headers.remove(X_API_KEY).is_none() => {
                    head.headers.remove(AUTHORIZATION);
                }
                _ => {}
            }
        }
        head.extensions.insert(Arc::clone(self));
        if let Some(principal) = principal {
            head.extensions.insert(principal);
        }
        Ok(())
    }

    /// Whom the request's one credential belongs to.
    async fn principal(&self, head: &request::Parts) -> Result<Option<Principal>, Denial> {
        let now = self.clock.now();
        let shown = self.alone.shown(&head.headers, head.uri.query())?;
        let person = match &self.sessions {
            Some(sessions) => sessions.find(&self.alone, &head.headers, now).await?,
            None => None,
        };
        let program = match (shown, &self.keys, &self.tokens) {
            (Some(Shown::ApiKey(key)), Some(keys), _) => Some(keys.find(&self.alone, key, now).await?),
            (Some(Shown::Token(token)), _, Some(tokens)) => Some(tokens.find(&self.alone, token, now).await?),
            _ => None,
        };
        match (person, program) {
            (Some(_), Some(_)) => Err(Alone::beside_another()),
            (person, program) => Ok(person.or(program)),
        }
    }

    pub(crate) fn answer(&self, head: &request::Parts, denial: Denial) -> Response<Bytes> {
        let id = request_id::verify(&head.headers).unwrap_or_else(|| RequestId::random(&*self.rng));
        tracing::info!(control = denial.control.as_str(), status = denial.status.as_u16(), detail = &*denial.detail, request_id = %id, "request refused");
        Alone::answer(head, denial, self.clock.now(), id)
    }
}

impl<S> fmt::Debug for Guarded<S> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Guarded").field("ready", &self.ready).finish_non_exhaustive()
    }
}

impl fmt::Debug for Ready {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Ready").field("alone", &self.alone).finish_non_exhaustive()
    }
}
