//! A refusal, and the answers the gate gives in the application's place.

use std::borrow::Cow;

use gabion_model::ControlId;
use http::header::WWW_AUTHENTICATE;
use http::{HeaderMap, HeaderValue, StatusCode};

/// A refusal: which control made it, the status, what the client may read and what the record keeps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Denial {
    pub control: ControlId,
    pub status: StatusCode,
    /// For the client. Says what to do, never how the gate or the application works inside.
    pub public: &'static str,
    /// For ledger and log. Never quotes the request: no value, query, cookie or token.
    pub detail: Cow<'static, str>,
    /// What exactly broke which rule, for a client that can mend it.
    pub(crate) violations: Box<[Violation]>,
    pub(crate) remedy: Remedy,
    /// The connection cannot be trusted any more and is closed after the answer.
    pub(crate) close: bool,
    /// Refused even where the check only observes: there is no safe way to go on.
    pub(crate) final_: bool,
}

/// One broken rule of an application's contract, in the words of the contract: never in those of the request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Where: `query page`, `header x-trace`, or a JSON Pointer (RFC 6901) after `body`: `body /items/0/sku`.
    /// Names that the contract does not know are not repeated.
    pub place: String,
    /// What was asked, for instance `at most 20 characters`.
    pub rule: String,
}

/// What the client could do about a refusal, as far as a header field can say it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Remedy {
    None,
    /// `Allow`: the methods that would do.
    Allow(HeaderValue),
    /// `Retry-After`, in seconds.
    RetryAfter(u32),
    /// `WWW-Authenticate`.
    Challenge(Box<Challenge>),
    /// For a navigation the way to the login page, for a program the challenge.
    SignIn(Box<SignIn>),
}

/// How somebody becomes who the route asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SignIn {
    /// People can come in by the login page.
    pub(crate) people: bool,
    /// What the login page is asked for beside, for instance `acr=phr&fresh=1`.
    pub(crate) asked: &'static str,
    pub(crate) challenge: Challenge,
}

/// The values of `WWW-Authenticate`, one per scheme.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Challenge {
    pub(crate) first: HeaderValue,
    pub(crate) second: Option<HeaderValue>,
}

impl Challenge {
    pub(crate) const fn one(first: HeaderValue) -> Self {
        Self { first, second: None }
    }

    pub(crate) fn write(&self, headers: &mut HeaderMap) {
        headers.insert(WWW_AUTHENTICATE, self.first.clone());
        if let Some(second) = &self.second {
            headers.append(WWW_AUTHENTICATE, second.clone());
        }
    }
}

/// An answer of the gate that is not a refusal.
#[derive(Debug, Clone)]
pub struct Reply {
    pub status: StatusCode,
    pub headers: HeaderMap,
}

impl Denial {
    #[must_use]
    pub fn new(
        control: ControlId,
        status: StatusCode,
        public: &'static str,
        detail: impl Into<Cow<'static, str>>,
    ) -> Self {
        let detail = detail.into();
        Self {
            control,
            status,
            public,
            detail,
            violations: Box::default(),
            remedy: Remedy::None,
            close: false,
            final_: false,
        }
    }

    /// The same, with what exactly was wrong; the client is told in the member `errors` of the problem details
    /// (RFC 9457 §3.2).
    #[must_use]
    pub fn with_violations(mut self, violations: Vec<Violation>) -> Self {
        self.violations = violations.into_boxed_slice();
        self
    }

    /// The upstream could not be reached.
    #[must_use]
    pub fn upstream_unreachable() -> Self {
        Self::new(
            ControlId::API_ERRORS,
            StatusCode::BAD_GATEWAY,
            "The application is not reachable right now. Try again in a moment.",
            "upstream unreachable",
        )
    }

    /// The upstream took too long.
    #[must_use]
    pub fn upstream_timeout() -> Self {
        Self::new(
            ControlId::API_ERRORS,
            StatusCode::GATEWAY_TIMEOUT,
            "The application took too long to answer.",
            "upstream timed out",
        )
    }

    /// The upstream's answer is not valid HTTP.
    #[must_use]
    pub fn upstream_malformed() -> Self {
        Self::new(
            ControlId::API_ERRORS,
            StatusCode::BAD_GATEWAY,
            "The application gave an answer that cannot be passed on.",
            "upstream sent a malformed answer",
        )
    }

    /// The body is longer than the route takes.
    #[must_use]
    pub fn body_too_large() -> Self {
        Self::new(
            ControlId::INPUT_LIMITS,
            StatusCode::PAYLOAD_TOO_LARGE,
            "The request's body is too large.",
            "body over the limit",
        )
        .closing()
    }

    /// The client took too long to send its request.
    #[must_use]
    pub fn request_timeout() -> Self {
        Self::new(
            ControlId::INPUT_LIMITS,
            StatusCode::REQUEST_TIMEOUT,
            "The request did not arrive in time.",
            "request not complete in time",
        )
        .closing()
    }

    /// The bytes are not a valid request. `detail` must not quote them.
    #[must_use]
    pub fn malformed_request(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(
            ControlId::INPUT_LIMITS,
            StatusCode::BAD_REQUEST,
            "The request is malformed or ambiguous.",
            detail,
        )
        .closing()
    }

    /// The gate, or one address, has as many connections as it may.
    #[must_use]
    pub fn too_many_connections() -> Self {
        Self::new(
            ControlId::ABUSE_RATE_LIMITS,
            StatusCode::SERVICE_UNAVAILABLE,
            "Too many connections. Try again in a moment.",
            "connection limit reached",
        )
        .retry_after(5)
        .closing()
    }

    /// The gate is shutting down.
    #[must_use]
    pub fn draining() -> Self {
        Self::new(
            ControlId::API_FAIL_CLOSED,
            StatusCode::SERVICE_UNAVAILABLE,
            "The service is restarting. Try again in a moment.",
            "draining",
        )
        .retry_after(5)
        .closing()
    }

    /// Something the gate did not foresee. Closed on failure: 500 with the request id and nothing else.
    #[must_use]
    pub fn internal(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(
            ControlId::API_FAIL_CLOSED,
            StatusCode::INTERNAL_SERVER_ERROR,
            "Something went wrong. The request id tells the operators what.",
            detail,
        )
    }

    /// Says when to try again.
    #[must_use]
    pub fn retry_after(mut self, seconds: u32) -> Self {
        self.remedy = Remedy::RetryAfter(seconds.max(1));
        self
    }

    pub(crate) fn remedy(mut self, remedy: Remedy) -> Self {
        self.remedy = remedy;
        self
    }

    /// The connection is closed after the answer.
    #[must_use]
    pub fn closing(mut self) -> Self {
        self.close = true;
        self
    }

    /// Refused even where the check only observes.
    #[must_use]
    pub fn always(mut self) -> Self {
        self.final_ = true;
        self
    }
}
