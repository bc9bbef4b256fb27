//! The device grant (RFC 8628): a device without a browser shows a short code, a person types it at a page
//! of ours and says yes, the device gets its tokens.
//!
//! A user code has 8 letters of an alphabet without vowels and without what looks alike: 20^8, about 2^34
//! values. What a guesser may try is bounded by the caller; a code that was entered is bound to the
//! account that entered it.

use std::time::Duration;

use gabion_model::{AccountId, Methods, Rng, SessionId, Timestamp, random};

use super::client::ClientId;
use super::error::{ErrorCode, OAuthError};
use super::scope::Scopes;

/// How long a device may wait.
pub const LIFE: Duration = Duration::from_secs(10 * 60);
/// How often it may ask, at first.
pub const INTERVAL: Duration = Duration::from_secs(5);
/// By how much a device that asks too often must slow down (RFC 8628, 3.5).
const SLOWER: Duration = Duration::from_secs(5);
const SLOWEST: Duration = Duration::from_secs(60);

/// A device that waits.
#[derive(Debug, Clone)]
pub struct DeviceRequest {
    /// As the person types it, normalised.
    pub user_code: String,
    pub client: ClientId,
    pub scope: Scopes,
    pub resources: Vec<String>,
    /// From where the device asked, for the page that asks for consent.
    pub address: Option<String>,
    pub created: Timestamp,
    interval: Duration,
    asked: Option<Timestamp>,
    decision: Option<Decision>,
}

/// What the person said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    Approved(Approval),
    Denied,
}

/// Who said yes, and how they were signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approval {
    pub account: AccountId,
    pub epoch: u64,
    pub session: SessionId,
    pub authenticated: Timestamp,
    pub methods: Methods,
}

impl DeviceRequest {
    #[must_use]
    pub fn new(
        client: ClientId,
        scope: Scopes,
        resources: Vec<String>,
        address: Option<String>,
        now: Timestamp,
        rng: &dyn Rng,
    ) -> Self {
        Self {
            user_code: user_code(rng),
            client,
            scope,
            resources,
            address,
            created: now,
            interval: INTERVAL,
            asked: None,
            decision: None,
        }
    }

    /// The person decides; the first decision stands. Answers whether it was this one.
    pub fn decide(&mut self, decision: Decision) -> bool {
        let first = self.decision.is_none();
        if first {
            self.decision = Some(decision);
        }
        first
    }

    #[must_use]
    pub const fn is_decided(&self) -> bool {
        self.decision.is_some()
    }

    /// The device asks whether it is time.
    ///
    /// # Errors
    /// `slow_down`, `authorization_pending` or `access_denied`.
    pub fn poll(&mut self, now: Timestamp) -> Result<Approval, OAuthError> {
        let too_soon = self.asked.is_some_and(|last| now.saturating_since(last) < self.interval);
        self.asked = Some(now);
        match &self.decision {
            Some(Decision::Approved(approval)) => Ok(approval.clone()),
            Some(Decision::Denied) => Err(OAuthError::new(ErrorCode::AccessDenied, "the person said no")),
            None if too_soon => {
                self.interval = self.interval.saturating_add(SLOWER).min(SLOWEST);
                Err(OAuthError::new(
                    ErrorCode::SlowDown,
                    "the device asks too often; it must wait 5 s longer",
                ))
            }
            None => Err(OAuthError::new(ErrorCode::AuthorizationPending, "the person has not decided yet")),
        }
    }
}

/// `BCDF-GHJK` for people.
#[must_use]
pub fn shown(user_code: &str) -> String {
    match user_code.split_at_checked(LENGTH / 2) {
        Some((first, second)) => format!("{first}-{second}"),
        None => user_code.to_owned(),
    }
}

/// What somebody typed, as it is kept: upper case, without separators. None when it cannot be a code.
#[must_use]
pub fn normalised(typed: &str) -> Option<String> {
    if typed.len() > 64 {
        return None;
    }
    let letters = typed.chars().filter(|letter| !matches!(letter, ' ' | '-' | '_' | '.' | '\t'));
    let code: String = letters.map(|letter| letter.to_ascii_uppercase()).collect();
    (code.len() == LENGTH && code.bytes().all(|letter| ALPHABET.contains(&letter))).then_some(code)
}

fn user_code(rng: &dyn Rng) -> String {
    let mut code = String::with_capacity(LENGTH);
    while code.len() < LENGTH {
        let [byte] = random::bytes::<1>(rng);
        // 240 is the largest multiple of 20 in a byte: what is above would favour some letters.
        if byte < 240
            && let Some(letter) = ALPHABET.get(usize::from(byte) % ALPHABET.len())
        {
            code.push(char::from(*letter));
        }
    }
    code
}

/// RFC 8628, 6.1.
const ALPHABET: &[u8; 20] = b"BCDFGHJKLMNPQRSTVWXZ";
const LENGTH: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;
    use gabion_model::random::SeededRng;

    const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

    fn request() -> DeviceRequest {
        let scope = Scopes::of(["openid"]);
        DeviceRequest::new("tv".parse().unwrap(), scope, Vec::new(), None, NOW, &SeededRng::new(1))
    }

    fn approval() -> Approval {
        Approval {
            account: AccountId::new("ada"),
            epoch: 1,
            session: SessionId::new("s"),
            authenticated: NOW,
            methods: Methods::PASSWORD,
        }
    }

    fn after(seconds: u64) -> Timestamp {
        NOW.saturating_add(Duration::from_secs(seconds))
    }

    #[test]
    fn a_device_waits_for_the_persons_word() {
        let mut device = request();
        let code = |device: &mut DeviceRequest, at| device.poll(after(at)).unwrap_err().code;
        assert_eq!(code(&mut device, 0), ErrorCode::AuthorizationPending);
        assert_eq!(code(&mut device, 5), ErrorCode::AuthorizationPending);
        assert_eq!(code(&mut device, 6), ErrorCode::SlowDown);
        assert_eq!(code(&mut device, 12), ErrorCode::SlowDown, "it is ten seconds now, and then fifteen");
        assert_eq!(code(&mut device, 27), ErrorCode::AuthorizationPending);
        assert!(device.decide(Decision::Approved(approval())));
        assert!(!device.decide(Decision::Denied), "the first word stands");
        assert_eq!(device.poll(after(28)), Ok(approval()));
        let mut denied = request();
        denied.decide(Decision::Denied);
        assert_eq!(code(&mut denied, 5), ErrorCode::AccessDenied);
    }

    #[test]
    fn codes_are_easy_to_type() {
        let rng = SeededRng::new(7);
        let mut letters = std::collections::BTreeSet::new();
        for _ in 0..200 {
            let code = user_code(&rng);
            letters.extend(code.bytes());
            let typed = shown(&code);
            assert_eq!(typed.len(), 9);
            for way in
                [typed.clone(), typed.to_lowercase(), code.clone(), format!(" {} ", typed.replace('-', " "))]
            {
                assert_eq!(normalised(&way), Some(code.clone()), "{way}");
            }
        }
        assert_eq!(letters.len(), 20, "every letter is used");
        for wrong in ["", "BCDF", "BCDF-GHJKL", "AEIO-UYAE", "BCDF-GHJ1", "ＢCDFGHJK", &"B".repeat(100)] {
            assert_eq!(normalised(wrong), None, "{wrong}");
        }
    }
}
