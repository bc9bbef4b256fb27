//! What a program shows with every request instead of a session: an API key, a bearer token or a
//! client certificate, once it was found to be somebody's.

use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use gabion_model::{Acr, Principal, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;

use crate::session::AssertionSlot;
use crate::whereabouts::Whereabouts;

/// By what somebody can show who they are on a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CredentialKind {
    /// The cookie of somebody who signed in at the login page.
    Session,
    /// An access token of this gate, in `Authorization: Bearer` or `DPoP`.
    Bearer,
    /// A key that begins with `gab_`, in `Authorization: Bearer` or `X-API-Key`.
    ApiKey,
    /// A client certificate, shown in the TLS handshake.
    Certificate,
    /// The signature of a webhook's sender. Not among a route's `credentials`: there `webhook` names the sender.
    Webhook,
}

impl CredentialKind {
    pub const ALL: &[Self] = &[Self::Session, Self::Bearer, Self::ApiKey, Self::Certificate];

    /// Its name in the configuration and in events.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Session => "session",
            Self::Bearer => "bearer",
            Self::ApiKey => "api-key",
            Self::Certificate => "certificate",
            Self::Webhook => "webhook",
        }
    }
}

/// What a [`Credential`] begins with.
#[derive(Debug, Clone)]
pub struct NewCredential {
    pub kind: CredentialKind,
    /// Public: names the credential in events and lists. Never the secret itself.
    pub id: Arc<str>,
    pub principal: Principal,
    /// The OAuth client that acts, where there is one.
    pub client: Option<Arc<str>>,
    pub scopes: Scopes,
    /// The first moment it is worth nothing any more.
    pub expires: Timestamp,
    /// When and how well the person behind it proved who they are; nothing for a program by itself.
    pub authenticated: Option<(Timestamp, Acr)>,
}

/// Somebody's credential, living until it expires or is ended.
pub struct Credential {
    pub kind: CredentialKind,
    pub id: Arc<str>,
    pub principal: Principal,
    pub client: Option<Arc<str>>,
    pub scopes: Scopes,
    pub authenticated: Option<(Timestamp, Acr)>,
    /// From where it is used.
    pub whereabouts: Whereabouts,
    /// What the upstream is told about it, kept so that it need not be signed for every request.
    pub assertion: AssertionSlot,
    expires: AtomicI64,
    pub(crate) last_used: AtomicI64,
    ended: AtomicBool,
    end: Notify,
}

/// The scopes of a credential: words, each once.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Scopes(Arc<[Box<str>]>);

impl Credential {
    #[must_use]
    pub fn new(new: NewCredential) -> Self {
        let NewCredential { kind, id, principal, client, scopes, expires, authenticated } = new;
        Self {
            kind,
            id,
            principal,
            client,
            scopes,
            authenticated,
            whereabouts: Whereabouts::default(),
            assertion: AssertionSlot::default(),
            expires: AtomicI64::new(expires.as_micros()),
            last_used: AtomicI64::new(i64::MIN),
            ended: AtomicBool::new(false),
            end: Notify::new(),
        }
    }

    /// The first moment it is worth nothing any more.
    #[must_use]
    pub fn expires(&self) -> Timestamp {
        Timestamp::from_micros(self.expires.load(Ordering::Relaxed))
    }

    /// It ends at `at`, or earlier if it would have.
    pub(crate) fn shorten(&self, at: Timestamp) {
        self.expires.fetch_min(at.as_micros(), Ordering::Relaxed);
        // Streams look again until when they may go on.
        self.end.notify_waiters();
    }

    /// The last request it was used for, to within a second; none yet.
    #[must_use]
    pub fn last_used(&self) -> Option<Timestamp> {
        let used = self.last_used.load(Ordering::Relaxed);
        (used != i64::MIN).then(|| Timestamp::from_micros(used))
    }

    /// Notes that it was used, unless it has ended or expired; returns whether it lives.
    pub fn touch(&self, now: Timestamp) -> bool {
        if self.is_ended() || now >= self.expires() {
            return false;
        }
        // Written once a second at most, so that cores do not fight over the line.
        let used = self.last_used.load(Ordering::Relaxed);
        if now.as_micros() >= used.saturating_add(SECOND) {
            self.last_used.fetch_max(now.as_micros(), Ordering::Relaxed);
        }
        true
    }

    /// Revoked, replaced or expired.
    #[must_use]
    pub fn is_ended(&self) -> bool {
        self.ended.load(Ordering::Acquire)
    }

    /// Resolves when it ends: what a stream that it opened waits for.
    pub async fn ended(&self) {
        loop {
            // Registered before the flag is read, so that an end between the two is not missed.
            let end = self.end.notified();
            if self.is_ended() {
                return;
            }
            end.await;
        }
    }

    /// Resolves when it ends, when it expires, or at `latest`, whichever comes first; `at` resolves when its
    /// moment has come.
    pub async fn over<F: Future<Output = ()>>(&self, latest: Timestamp, at: impl Fn(Timestamp) -> F) {
        loop {
            // Registered before anything is read, so that no change between the two is missed.
            let mut changed = pin!(self.end.notified());
            changed.as_mut().enable();
            if self.is_ended() {
                return;
            }
            let mut last = pin!(at(self.expires().min(latest)));
            let is_over = poll_fn(|cx| match last.as_mut().poll(cx) {
                std::task::Poll::Ready(()) => std::task::Poll::Ready(true),
                std::task::Poll::Pending => changed.as_mut().poll(cx).map(|()| false),
            });
            if is_over.await {
                return;
            }
        }
    }

    /// Ends it now, with every stream it opened.
    pub fn end(&self) {
        self.ended.store(true, Ordering::Release);
        self.end.notify_waiters();
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Credential")
            .field("kind", &self.kind)
            .field("id", &self.id)
            .field("principal", &self.principal)
            .field("scopes", &self.scopes)
            .field("ended", &self.is_ended())
            .finish_non_exhaustive()
    }
}

impl Scopes {
    /// # Errors
    /// The first word that cannot be a scope (RFC 6749, appendix A.4), or that there are too many.
    pub fn new<'a>(words: impl IntoIterator<Item = &'a str>) -> Result<Self, MalformedScope> {
        let mut scopes: Vec<Box<str>> = Vec::new();
        for word in words {
            if !is_scope(word) || scopes.len() >= MOST_SCOPES {
                return Err(MalformedScope);
            }
            if !scopes.iter().any(|own| **own == *word) {
                scopes.push(word.into());
            }
        }
        Ok(Self(scopes.into()))
    }

    /// From a `scope` parameter or claim: words with single blanks between them.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn parse(text: &str) -> Result<Self, MalformedScope> {
        if text.is_empty() { Ok(Self::default()) } else { Self::new(text.split(' ')) }
    }

    #[must_use]
    pub fn contains(&self, scope: &str) -> bool {
        self.0.iter().any(|own| **own == *scope)
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|own| &**own)
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, scope) in self.iter().enumerate() {
            if index > 0 {
                formatter.write_str(" ")?;
            }
            formatter.write_str(scope)?;
        }
        Ok(())
    }
}

/// Not 1 to 64 words of printable ASCII without `"` and `\`, of at most 128 characters each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a scope is 1 to 128 printable characters without blanks, `\"` and `\\`; at most 64 of them")]
pub struct MalformedScope;

/// Whether a word can be a scope (RFC 6749, appendix A.4).
#[must_use]
pub fn is_scope(word: &str) -> bool {
    (1..=128).contains(&word.len())
        && word.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\')
}

/// The scope with which a credential of an administrator may administer.
pub const ADMINISTRATION_SCOPE: &str = "gabion:admin";

const MOST_SCOPES: usize = 64;
/// In microseconds.
const SECOND: i64 = 1_000_000;

#[cfg(test)]
mod tests {
    use super::*;
    use gabion_model::{AccountId, TenantId};

    fn credential() -> Credential {
        Credential::new(NewCredential {
            kind: CredentialKind::ApiKey,
            id: "k1".into(),
            principal: Principal {
                account: AccountId::new("a"),
                name: "bot".into(),
                tenant: TenantId::new("t"),
                roles: Arc::from([]),
                groups: Arc::from([]),
                program: true,
            },
            client: None,
            scopes: Scopes::parse("read write").unwrap(),
            expires: Timestamp::from_secs(100),
            authenticated: None,
        })
    }

    #[test]
    fn scopes_are_words_each_once() {
        let scopes = Scopes::parse("read write read").unwrap();
        assert_eq!(scopes.to_string(), "read write");
        assert!(scopes.contains("write") && !scopes.contains("rea"));
        for wrong in [" ", "a  b", "a\tb", "a\"b", "a\\b", "ä", &"x".repeat(129)] {
            assert_eq!(Scopes::parse(wrong), Err(MalformedScope), "{wrong}");
        }
        let many: Vec<String> = (0..65).map(|number| number.to_string()).collect();
        assert_eq!(Scopes::new(many.iter().map(String::as_str)), Err(MalformedScope));
        assert!(Scopes::parse("").unwrap().is_empty());
    }

    #[tokio::test]
    async fn it_lives_until_it_expires_or_is_ended() {
        let credential = Arc::new(credential());
        assert_eq!(credential.last_used(), None);
        assert!(credential.touch(Timestamp::from_secs(99)));
        assert_eq!(credential.last_used(), Some(Timestamp::from_secs(99)));
        assert!(!credential.touch(Timestamp::from_secs(100)));
        credential.shorten(Timestamp::from_secs(50));
        assert!(!credential.touch(Timestamp::from_secs(50)));
        credential.shorten(Timestamp::from_secs(90));
        assert_eq!(credential.expires(), Timestamp::from_secs(50), "never longer");
        let stream = tokio::spawn({
            let credential = Arc::clone(&credential);
            async move { credential.ended().await }
        });
        credential.end();
        stream.await.unwrap();
        assert!(!credential.touch(Timestamp::from_secs(1)));
    }

    /// A stream ends by itself at the credential's last moment or an earlier one, and hears of a nearer one.
    #[tokio::test]
    async fn a_stream_ends_with_its_credential() {
        let far = Timestamp::from_secs(1000);
        let (told, mut asked) = tokio::sync::mpsc::unbounded_channel();
        let over = |credential: Arc<Credential>, latest, now| {
            let told = told.clone();
            tokio::spawn(async move {
                let at = |moment: Timestamp| {
                    told.send(moment).unwrap();
                    async move {
                        if moment > now {
                            std::future::pending().await
                        }
                    }
                };
                credential.over(latest, at).await;
            })
        };
        over(Arc::new(credential()), far, Timestamp::from_secs(100)).await.unwrap();
        assert_eq!(asked.recv().await, Some(Timestamp::from_secs(100)), "when it expires");
        over(Arc::new(credential()), Timestamp::from_secs(5), Timestamp::from_secs(5)).await.unwrap();
        assert_eq!(asked.recv().await, Some(Timestamp::from_secs(5)), "or before, when told so");

        let living = Arc::new(credential());
        let stream = over(Arc::clone(&living), far, Timestamp::from_secs(50));
        assert_eq!(asked.recv().await, Some(Timestamp::from_secs(100)));
        living.shorten(Timestamp::from_secs(40));
        stream.await.unwrap();
        assert_eq!(asked.recv().await, Some(Timestamp::from_secs(40)), "an end that was moved is heard of");

        let ended = Arc::new(credential());
        let stream = over(Arc::clone(&ended), far, Timestamp::from_secs(0));
        assert_eq!(asked.recv().await, Some(Timestamp::from_secs(100)));
        ended.end();
        stream.await.unwrap();
    }
}
