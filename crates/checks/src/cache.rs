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
//!    without `Expires` and the fields by which single caches are told (`Surrogate-Control`, `CDN-Cache-Control`,
//!    `X-Accel-Expires` and others).
//! 2. With `cache = "private"` the application's word stays, but shared caches are excluded: `public` and `s-maxage`
//!    go, `private` comes.
//! 3. With `cache = "upstream"`, the default of public routes, nothing changes, except for an answer that sets a cookie,
//!    which is treated as in 2, since whoever got it from a shared cache would get the cookie too; and for one to
//!    somebody who is known that does not say itself who may keep it (`public`, `s-maxage`, `private`, `no-store`),
//!    since shared caches may keep what says nothing (RFC 9111 §4.2.2). `private` of single fields says nothing of the
//!    rest (§5.2.2.7).
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
pub fn verify(policy: CachePolicy, is_known: bool, sets_cookie: bool, says_who: bool) -> CachePolicy {
    match policy {
        CachePolicy::Upstream if sets_cookie || is_known && !says_who => CachePolicy::Private,
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
        let is_known = exchange.principal().is_some();
        match verify(*policy, is_known, headers.contains_key(SET_COOKIE), says_who(headers)) {
            CachePolicy::Upstream => {}
            CachePolicy::NoStore => {
                for name in [EXPIRES, PRAGMA].into_iter().chain(OF_SINGLE_CACHES) {
                    headers.remove(name);
                }
                headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
            }
            CachePolicy::Private => make_private(headers),
        }
    }
}

/// Whether the application says who may keep it.
fn says_who(headers: &HeaderMap) -> bool {
    headers.get_all(CACHE_CONTROL).iter().filter_map(|value| value.to_str().ok()).any(|value| {
        directives(value).any(|(name, argument)| match name {
            name if name.eq_ignore_ascii_case("private") => argument.is_empty(),
            name => ["public", "s-maxage", "no-store"].iter().any(|known| name.eq_ignore_ascii_case(known)),
        })
    })
}

/// Names and arguments. Commas in quotes separate nothing (RFC 9111 §5.2).
fn directives(value: &str) -> impl Iterator<Item = (&str, &str)> {
    let mut quoted = false;
    let split = move |sign: char| {
        quoted ^= sign == '"';
        sign == ',' && !quoted
    };
    value.split(split).map(|directive| {
        let (name, argument) = directive.split_once('=').unwrap_or((directive, ""));
        (name.trim(), argument.trim())
    })
}

fn make_private(headers: &mut HeaderMap) {
    for name in OF_SINGLE_CACHES {
        headers.remove(name);
    }
    let kept_by_nobody = headers.get_all(CACHE_CONTROL).iter().filter_map(|value| value.to_str().ok());
    if kept_by_nobody.flat_map(directives).any(|(name, _)| name.eq_ignore_ascii_case("no-store")) {
        return;
    }
    let mut text = String::from("private");
    for value in headers.get_all(CACHE_CONTROL) {
        for (name, argument) in directives(value.to_str().unwrap_or("no-store")) {
            let shared = ["public", "private", "s-maxage", "proxy-revalidate"];
            if !name.is_empty() && !shared.iter().any(|shared| name.eq_ignore_ascii_case(shared)) {
                text.push_str(", ");
                text.push_str(name);
                if !argument.is_empty() {
                    text.push('=');
                    text.push_str(argument);
                }
            }
        }
    }
    headers
        .insert(CACHE_CONTROL, HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static("no-store")));
}

/// What is meant for one cache on the way, and overrules `Cache-Control` there (RFC 9213 and those before it).
const OF_SINGLE_CACHES: [HeaderName; 9] = [
    HeaderName::from_static("akamai-cache-control"),
    HeaderName::from_static("cdn-cache-control"),
    HeaderName::from_static("cloudflare-cdn-cache-control"),
    HeaderName::from_static("edge-control"),
    HeaderName::from_static("netlify-cdn-cache-control"),
    HeaderName::from_static("surrogate-control"),
    HeaderName::from_static("surrogate-key"),
    HeaderName::from_static("vercel-cdn-cache-control"),
    HeaderName::from_static("x-accel-expires"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_field_that_is_private_says_nothing_of_the_rest() {
        let rows = [
            ("public", true),
            ("Private", true),
            ("max-age=5, S-MaxAge = 9", true),
            ("no-store", true),
            ("private=\"set-cookie, x\"", false),
            ("no-cache=\"public\"", false),
            ("no-cache=\"a, public, b\"", false),
            ("max-age=60", false),
            ("must-revalidate", false),
            ("x-public", false),
        ];
        for (value, says) in rows {
            let mut headers = HeaderMap::new();
            headers.insert(CACHE_CONTROL, HeaderValue::from_static(value));
            assert_eq!(says_who(&headers), says, "{value}");
        }
        let mut headers = HeaderMap::new();
        headers.append(
            CACHE_CONTROL,
            HeaderValue::from_static("private=\"a, b\", no-cache=\"c, public\", public"),
        );
        headers.append(CACHE_CONTROL, HeaderValue::from_static("max-age=5"));
        make_private(&mut headers);
        assert_eq!(headers[CACHE_CONTROL], "private, no-cache=\"c, public\", max-age=5");
    }

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
        fn what_is_for_somebody_is_never_left_to_the_upstream(known: bool, sets_cookie: bool, everybody: bool) {
            let policy = verify(CachePolicy::Upstream, known, sets_cookie, everybody);
            prop_assert_eq!(policy == CachePolicy::Upstream, !sets_cookie && (!known || everybody));
            prop_assert_eq!(verify(CachePolicy::NoStore, known, sets_cookie, everybody), CachePolicy::NoStore);
        }
    }
}
