//! Private answers stay out of caches.
//!
//! Control: `data.minimisation`
//!
//! **Standard.** RFC 9111 §3, §5.2.2 (`no-store`, `private`); ASVS 5.0 V14.2.2, V14.3.2.
//!
//! **Threat.** Information disclosure: CWE-524, CWE-525 (one person's page from a cache for another).
//!
//! **Rules.**
//! 1. An answer on a signed-in route leaves with `Cache-Control: no-store`, whatever the application said, and
//!    without `Expires`, `Surrogate-Control` or `CDN-Cache-Control`.
//! 2. With `cache = "private"` the application's word stays, but shared caches are excluded: `public` and `s-maxage`
//!    go, `private` comes.
//! 3. With `cache = "upstream"`, the default of public routes, nothing changes, except that an answer which
//!    sets a cookie to a signed-in person is treated as in 2.
//!
//! **Answer.** Never refuses.
//!
//! **Default.** `no-store` on signed-in routes, `upstream` on public ones.
//!
//! **Caveat.** Assets behind sign-in are then loaded anew each time: give them a route with
//! `cache = "private"`.
//!
//! **Example.** `[[routes]] path = "/assets/*"`, `access = "signed-in"`, `cache = "private"`.

use gabion_model::{ControlId, Problem};
use http::header::{CACHE_CONTROL, EXPIRES, PRAGMA, SET_COOKIE};
use http::{HeaderMap, HeaderName, HeaderValue};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::answer::{Answer, Source};
use crate::check::{Check, Mode};
use crate::exchange::Exchange;
use crate::order::{self, Needs};
use crate::pipeline::Step;
use crate::route::{CachePolicy, Routes};

/// `[checks.cache]`
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// `enforce`, `observe` or `off`.
    pub mode: Mode,
}

impl Settings {
    #[must_use]
    pub fn problems(&self) -> Vec<Problem> {
        Vec::new()
    }
}

/// The rule for one answer.
#[must_use]
pub fn verify(policy: CachePolicy, signed_in: bool, sets_cookie: bool) -> CachePolicy {
    match policy {
        CachePolicy::Upstream if signed_in && sets_cookie => CachePolicy::Private,
        policy => policy,
    }
}

pub(crate) fn step(needs: &Needs<'_, '_>) -> Option<Step> {
    order::step(needs.settings.cache.mode, Cache::new(needs.routes))
}

/// The check.
#[derive(Debug)]
pub struct Cache {
    routes: Vec<CachePolicy>,
}

impl Cache {
    pub(crate) fn new(routes: &Routes) -> Self {
        Self { routes: routes.iter().map(crate::route::Compiled::cache).collect() }
    }
}

impl Check for Cache {
    fn name(&self) -> &'static str {
        "cache"
    }

    fn control(&self) -> ControlId {
        ControlId::DATA_MINIMISATION
    }

    fn response(&self, exchange: &mut Exchange, answer: &mut Answer<'_>) {
        if answer.source == Source::Gate {
            return;
        }
        let Some(policy) = exchange.route.and_then(|route| self.routes.get(route)) else { return };
        let headers = &mut answer.head.headers;
        match verify(*policy, exchange.session.is_some(), headers.contains_key(SET_COOKIE)) {
            CachePolicy::Upstream => {}
            CachePolicy::NoStore => {
                for name in OTHERS {
                    headers.remove(name);
                }
                headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
            }
            CachePolicy::Private => make_private(headers),
        }
    }
}

fn make_private(headers: &mut HeaderMap) {
    for name in [CDN_CACHE_CONTROL, SURROGATE_CONTROL] {
        headers.remove(name);
    }
    let mut text = String::from("private");
    for value in headers.get_all(CACHE_CONTROL) {
        for directive in value.to_str().unwrap_or("no-store").split(',').map(str::trim) {
            let name = directive.split('=').next().unwrap_or_default();
            let shared = ["public", "private", "s-maxage", "proxy-revalidate"];
            if !directive.is_empty() && !shared.iter().any(|shared| name.eq_ignore_ascii_case(shared)) {
                text.push_str(", ");
                text.push_str(directive);
            }
        }
    }
    headers
        .insert(CACHE_CONTROL, HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static("no-store")));
}

const CDN_CACHE_CONTROL: HeaderName = HeaderName::from_static("cdn-cache-control");
const SURROGATE_CONTROL: HeaderName = HeaderName::from_static("surrogate-control");
const OTHERS: [HeaderName; 4] = [EXPIRES, PRAGMA, CDN_CACHE_CONTROL, SURROGATE_CONTROL];

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_private_answer_never_invites_a_shared_cache(
            directives in proptest::collection::vec("(public|s-maxage=9|max-age=[0-9]|no-cache|Public|immutable|private)", 0..5),
        ) {
            let mut headers = HeaderMap::new();
            let text = directives.join(", ");
            headers.insert(CACHE_CONTROL, HeaderValue::from_str(&text).unwrap());
            make_private(&mut headers);
            let made = headers[CACHE_CONTROL].to_str().unwrap().to_ascii_lowercase();
            prop_assert!(made.starts_with("private") && !made.contains("public") && !made.contains("s-maxage"));
            prop_assert_eq!(made.contains("immutable"), text.contains("immutable"));
        }

        #[test]
        fn a_cookie_for_somebody_is_never_left_to_the_upstream(signed_in: bool, sets_cookie: bool) {
            let policy = verify(CachePolicy::Upstream, signed_in, sets_cookie);
            prop_assert_eq!(policy == CachePolicy::Upstream, !(signed_in && sets_cookie));
            prop_assert_eq!(verify(CachePolicy::NoStore, signed_in, sets_cookie), CachePolicy::NoStore);
        }
    }
}
