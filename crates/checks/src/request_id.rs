//! The id a request carries through answer, upstream, ledger and log.
//!
//! Control: `api.errors`
//!
//! **Standard.** ASVS 5.0 V16.5.1 (a generic message, an id to find the rest by); `X-Request-Id` by custom.
//!
//! **Threat.** Repudiation and information disclosure: CWE-778, CWE-209. Without an id an error must either
//! say too much or cannot be traced.
//!
//! **Rules.**
//! 1. Every request has an id of 96 bits, unique to it, written as 24 hexadecimal digits. It is a name, not
//!    a secret.
//! 2. An id the client sends is dropped. With `trust = true` a trusted proxy's id is kept, if it has
//!    exactly this shape.
//!    What an AuthZEN client calls its question is sent back to it in `X-Request-Id`, and used for nothing.
//! 3. The upstream gets it as `X-Request-Id`, the client as `Gabion-Request-Id`.
//!
//! **Answer.** Never refuses.
//!
//! **Default.** On; cannot be off. `trust = false`.
//!
//! **Caveat.** An upstream that makes its own id should log the gate's beside it.
//!
//! **Example.** `Gabion-Request-Id: 8f14e45fceea167a5a36dedd`

use std::sync::atomic::{AtomicU64, Ordering};

use gabion_model::{ControlId, Problem, RequestId, Rng, random};
use http::{HeaderMap, HeaderName, HeaderValue, request};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::answer::Answer;
use crate::check::{Check, Mode, Stop};
use crate::exchange::Exchange;
use crate::order::{self, Needs};
use crate::pipeline::Step;
use crate::settings::never_off;
use crate::shard::{SHARDS, shard};

/// `[checks.request_id]`
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// `enforce` or `observe`; it refuses nothing either way.
    pub mode: Mode,
    /// Keep the id a trusted proxy (`checks.client_address.trusted_proxies`) sends.
    pub trust: bool,
}

impl Settings {
    #[must_use]
    pub fn problems(&self) -> Vec<Problem> {
        never_off(self.mode)
    }
}

/// Draws ids: a counter per thread under a random permutation, so that a request costs no system call.
#[derive(Debug)]
pub(crate) struct Ids {
    keys: [u64; 2],
    counters: [Counter; SHARDS],
}

#[derive(Debug, Default)]
#[repr(align(128))]
struct Counter(AtomicU64);

impl Ids {
    pub(crate) fn new(rng: &dyn Rng) -> Self {
        let keys = [random::bytes(rng), random::bytes(rng)].map(u64::from_le_bytes);
        Self { keys, counters: Default::default() }
    }

    pub(crate) fn next(&self) -> RequestId {
        let shard = shard();
        let count = self.counters.get(shard).map_or(0, |counter| counter.0.fetch_add(1, Ordering::Relaxed));
        // INVARIANT: (shard, count) is unique while the process lives, and `mix` is a bijection.
        let unique = count.wrapping_mul(SHARDS as u64).wrapping_add(shard as u64);
        let [low, high] = self.keys;
        let first = mix(unique ^ low).to_le_bytes();
        let second = mix(unique ^ high).to_le_bytes();
        let mut bytes = [0; 12];
        for (byte, value) in bytes.iter_mut().zip(first.into_iter().chain(second)) {
            *byte = value;
        }
        RequestId::from_bytes(bytes)
    }
}

/// The finaliser of SplitMix64: a bijection that looks random.
const fn mix(mut word: u64) -> u64 {
    word = (word ^ (word >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    word = (word ^ (word >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    word ^ (word >> 31)
}

/// What a program called its question to the gate, as it sent it: in the extensions of requests to the AuthZEN endpoints,
/// which send it back (AuthZEN Authorization API 1.0, 10.1.8). Nothing else is done with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SentId(pub HeaderValue);

fn sent(headers: &HeaderMap) -> Option<SentId> {
    let mut values = headers.get_all(X_REQUEST_ID).iter();
    let value = values.next()?;
    let short =
        (1..=LONGEST_SENT).contains(&value.len()) && value.as_bytes().iter().all(u8::is_ascii_graphic);
    (short && values.next().is_none()).then(|| SentId(value.clone()))
}

/// The id a trusted proxy sent: one field of exactly the right shape.
#[must_use]
pub fn verify(headers: &HeaderMap) -> Option<RequestId> {
    let mut values = headers.get_all(X_REQUEST_ID).iter();
    let id = values.next()?.to_str().ok()?.parse().ok()?;
    values.next().is_none().then_some(id)
}

pub(crate) fn step(needs: &Needs<'_, '_>) -> Option<Step> {
    order::step(needs.settings.request_id.mode, RequestIdCheck::new(&needs.settings.request_id))
}

/// The check.
#[derive(Debug)]
pub struct RequestIdCheck {
    trust: bool,
}

impl RequestIdCheck {
    pub(crate) fn new(settings: &Settings) -> Self {
        Self { trust: settings.trust }
    }
}

impl Check for RequestIdCheck {
    fn name(&self) -> &'static str {
        "request_id"
    }

    fn control(&self) -> ControlId {
        ControlId::API_ERRORS
    }

    fn request(&self, head: &mut request::Parts, exchange: &mut Exchange) -> Result<(), Stop> {
        if self.trust
            && exchange.trusted_peer
            && let Some(id) = verify(&head.headers)
        {
            exchange.request_id = id;
        }
        exchange.request_id_value = value(exchange.request_id);
        if head.uri.path().starts_with(ECHOING)
            && let Some(sent) = sent(&head.headers)
        {
            head.extensions.insert(sent);
        }
        head.headers.insert(X_REQUEST_ID, exchange.request_id_value.clone());
        Ok(())
    }

    fn response(&self, exchange: &mut Exchange, answer: &mut Answer<'_>) {
        // Refused before this check's turn: nobody has written the id out yet.
        if exchange.request_id_value.is_empty() {
            exchange.request_id_value = value(exchange.request_id);
        }
        answer.head.headers.insert(GABION_REQUEST_ID, exchange.request_id_value.clone());
    }
}

pub(crate) fn value(id: RequestId) -> HeaderValue {
    HeaderValue::from_bytes(&id.as_ascii()).unwrap_or(HeaderValue::from_static(""))
}

/// On answers.
pub const GABION_REQUEST_ID: HeaderName = HeaderName::from_static("gabion-request-id");
/// On requests to the upstream, and from trusted proxies.
/// Below this the id that was sent is sent back.
const ECHOING: &str = "/.gabion/access/";
/// Longer ones are not sent back; bytes.
const LONGEST_SENT: usize = 128;
pub const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

#[cfg(test)]
mod tests {
    use super::*;
    use gabion_model::random::SeededRng;
    use proptest::prelude::*;
    use std::collections::HashSet;

    #[test]
    fn ids_do_not_repeat_across_threads() {
        let ids = Ids::new(&SeededRng::new(1));
        let all: Vec<RequestId> = std::thread::scope(|scope| {
            let threads: Vec<_> =
                (0..4).map(|_| scope.spawn(|| (0..5_000).map(|_| ids.next()).collect::<Vec<_>>())).collect();
            threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
        });
        assert_eq!(all.iter().collect::<HashSet<_>>().len(), 20_000);
    }

    proptest! {
        #[test]
        fn only_the_exact_shape_is_kept(text in "[0-9a-gA-F]{20,26}", repeat: bool) {
            let mut headers = HeaderMap::new();
            headers.append(X_REQUEST_ID, HeaderValue::from_str(&text).unwrap());
            if repeat {
                headers.append(X_REQUEST_ID, HeaderValue::from_str(&text).unwrap());
            }
            let shape = text.len() == 24 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
            prop_assert_eq!(verify(&headers).is_some(), shape && !repeat);
        }
    }
}
