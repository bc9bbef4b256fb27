//! What leaves the machine on somebody's behalf, as traits: whoever needs a document or sends a letter
//! knows nothing of sockets, and whoever owns the sockets decides what may be reached.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use crate::Secret;

pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Fetches what somebody else's address names, guarded: only what may be reached, bounded in size and
/// time.
pub trait Fetch: Send + Sync + fmt::Debug {
    fn fetch(&self, request: FetchRequest) -> BoxFuture<'_, Result<FetchResponse, FetchError>>;
}

/// One request. Bodies may hold secrets and are not printed.
#[derive(Clone)]
pub struct FetchRequest {
    pub method: FetchMethod,
    /// As it was given, before any parsing: the guard looks at the raw text, too.
    pub url: String,
    /// Names in lower case.
    pub headers: Vec<(String, Secret<String>)>,
    pub body: Secret<Vec<u8>>,
    /// More bytes than this are an error, not a truncation.
    pub largest: usize,
    /// For everything together: names, connections, redirects, body.
    pub deadline: Duration,
    /// How many redirects may be followed; each is checked like the first address.
    pub redirects: u8,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FetchMethod {
    Get,
    Post,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FetchResponse {
    pub status: u16,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

/// Why nothing was fetched. Alphabetical.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FetchError {
    /// The guard does not let anybody go there; the text says by which rule.
    #[error("the address may not be reached: {0}")]
    Forbidden(String),
    #[error("the answer is too large")]
    TooLarge,
    #[error("there was no answer in time")]
    TimedOut,
    #[error("the server cannot be reached: {0}")]
    Unreachable(String),
}

/// Takes letters and sees to their delivery; never waits for it.
pub trait Mailer: Send + Sync + fmt::Debug {
    /// # Errors
    /// When the letter is not taken: nothing is sent then.
    fn send(&self, letter: Letter) -> Result<(), MailError>;

    /// Whether letters leave at all.
    fn is_configured(&self) -> bool {
        true
    }
}

/// A letter to one person. Bodies may hold one-time links and are not printed.
#[derive(Clone)]
pub struct Letter {
    /// The address, checked by whoever owns the type for it.
    pub to: String,
    pub subject: String,
    pub text: Secret<String>,
    pub html: Option<Secret<String>>,
}

/// Why a letter was not taken. Alphabetical.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MailError {
    /// No way to send is configured.
    #[error("no mail transport is configured")]
    NotConfigured,
    #[error("too many letters are waiting")]
    QueueFull,
}

impl FetchRequest {
    /// A `GET` within 64 KiB, 5 seconds and no redirect.
    #[must_use]
    pub fn get(url: impl Into<String>) -> Self {
        Self {
            method: FetchMethod::Get,
            url: url.into(),
            headers: Vec::new(),
            body: Secret::new(Vec::new()),
            largest: 64 * 1024,
            deadline: Duration::from_secs(5),
            redirects: 0,
        }
    }

    /// A `POST` of a form, with the same bounds.
    #[must_use]
    pub fn post_form(url: impl Into<String>, form: Secret<String>) -> Self {
        let content_type = Secret::new("application/x-www-form-urlencoded".to_owned());
        Self {
            method: FetchMethod::Post,
            headers: vec![("content-type".to_owned(), content_type)],
            body: Secret::new(form.expose().clone().into_bytes()),
            ..Self::get(url)
        }
    }

    #[must_use]
    pub fn header(mut self, name: &str, value: Secret<String>) -> Self {
        self.headers.push((name.to_owned(), value));
        self
    }
}

impl FetchResponse {
    /// The first field of that (lower-case) name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }
}

impl fmt::Debug for FetchRequest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("FetchRequest")
            .field("method", &self.method)
            .field("url", &self.url)
            .field("largest", &self.largest)
            .field("deadline", &self.deadline)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Letter {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Letter").field("subject", &self.subject).finish_non_exhaustive()
    }
}

/// No way out: every fetch and every letter is refused. For services that need neither, and for tests.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoOutbound;

impl Fetch for NoOutbound {
    fn fetch(&self, _: FetchRequest) -> BoxFuture<'_, Result<FetchResponse, FetchError>> {
        Box::pin(async { Err(FetchError::Forbidden("nothing may be reached".to_owned())) })
    }
}

impl Mailer for NoOutbound {
    fn send(&self, _: Letter) -> Result<(), MailError> {
        Err(MailError::NotConfigured)
    }

    fn is_configured(&self) -> bool {
        false
    }
}
