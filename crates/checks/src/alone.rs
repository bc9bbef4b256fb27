//! The credentials of one route, judged without a pipeline: for whoever verifies them himself, over the network
//! for instance, and wants the gate's rules and the gate's answers.
//!
//! [`Alone::shown`] finds what a request shows, by the rules of [`api_key`](crate::api_key) and
//! [`bearer`](crate::bearer); [`Alone::judge`] decides by those of [`access`](crate::access); [`Alone::answer`]
//! writes the refusal.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use bytes::Bytes;
use gabion_identity::CredentialKind;
use gabion_model::{Acr, ControlId, Problem, RequestId, Timestamp};
use http::{HeaderMap, Response, StatusCode, request};

use crate::access::{self, AccessCheck, Asking};
use crate::answer;
use crate::api_key;
use crate::bearer::{self, Presented};
use crate::challenge::Challenges;
use crate::denial::{Denial, Remedy};
use crate::exchange::{Connection, Exchange};
use crate::route::{Route, RouteIndex, Routes, Taken};

/// One route, ready to be judged.
#[derive(Debug)]
pub struct Alone {
    takes: Taken,
    access: AccessCheck,
    challenges: Challenges,
}

/// What a request shows in its own fields. A session is the caller's to find.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown<'a> {
    ApiKey(&'a str),
    Token(Presented<'a>),
}

impl Alone {
    /// `issuer` is the gate whose metadata tells how to come by a token for this route; empty: none does.
    ///
    /// # Errors
    /// All that is wrong with the route.
    pub fn new(route: &Route, issuer: &str) -> Result<Self, Vec<Problem>> {
        let routes = Routes::compile(std::slice::from_ref(route))?;
        let takes = routes.get(ONLY).map(crate::route::Compiled::taken);
        let takes = takes.ok_or_else(|| vec![Problem::new("routes", "there is none")])?;
        Ok(Self {
            takes,
            access: AccessCheck::new(&routes, issuer),
            challenges: Challenges::new(&routes, issuer),
        })
    }

    /// Whether the route takes such credentials.
    #[must_use]
    pub const fn takes(&self, kind: CredentialKind) -> bool {
        self.takes.contains(kind)
    }

    /// The one key or token a request shows, if it shows any that the route takes.
    ///
    /// # Errors
    /// Several, one in the query, or a key where none is taken.
    pub fn shown<'a>(
        &self,
        headers: &'a HeaderMap,
        query: Option<&str>,
    ) -> Result<Option<Shown<'a>>, Denial> {
        let key = api_key::verify(headers, query, self.takes(CredentialKind::ApiKey))?;
        let token = if self.takes(CredentialKind::Bearer) { bearer::verify(headers)? } else { None };
        match (key, token) {
            (Some(_), Some(_)) => Err(Self::beside_another()),
            (Some(key), None) => Ok(Some(Shown::ApiKey(key))),
            (None, token) => Ok(token.map(Shown::Token)),
        }
    }

    /// A credential beside another one.
    #[must_use]
    pub fn beside_another() -> Denial {
        bearer::Violation::BesideAnother.into()
    }

    /// A credential that does not count, with the challenge that says so.
    pub fn not_valid(&self, broken: impl Into<Denial>) -> Denial {
        let denial = broken.into();
        if denial.status != StatusCode::UNAUTHORIZED {
            return denial;
        }
        denial.remedy(Remedy::Challenge(Box::new(self.challenges.invalid(Some(ONLY)))))
    }

    /// An identity the gate did not sign for this application, or signed too long ago.
    #[must_use]
    pub fn not_vouched_for(&self) -> Denial {
        let public = "The gate's word about who this is cannot be believed.";
        let detail =
            "an identity assertion that is malformed, not the gate's, not for this application, or expired";
        let denial = Denial::new(ControlId::AUTHZ_TRUSTED_IDENTITY, StatusCode::UNAUTHORIZED, public, detail);
        denial.remedy(Remedy::Challenge(Box::new(self.challenges.missing(Some(ONLY)))))
    }

    /// Whether who asks may use the route.
    ///
    /// # Errors
    /// Why not.
    pub fn judge(&self, asking: Option<Asking<'_>>, now: Timestamp) -> Result<(), Denial> {
        self.access.judge(Some(ONLY), asking, now)
    }

    /// A sign-in so strong and so fresh is asked for. `authenticated`: how strongly whoever asks signed in, if ever.
    #[must_use]
    pub fn step_up(&self, authenticated: Option<Acr>, acr: Acr, max_age: Option<Duration>) -> Denial {
        let violation = match authenticated {
            None => access::Violation::NotAPerson,
            Some(own) if own < acr => access::Violation::TooWeak,
            Some(_) => access::Violation::TooLongAgo,
        };
        self.access.refuse_for(violation, Some(ONLY), Some(acr), max_age)
    }

    /// Nobody is signed in.
    #[must_use]
    pub fn stranger(&self) -> Denial {
        self.access.stranger(Some(ONLY))
    }

    /// The answer to a refused request.
    #[must_use]
    pub fn answer(head: &request::Parts, refused: Denial, now: Timestamp, id: RequestId) -> Response<Bytes> {
        answer::refusal(&Exchange::new(NOWHERE, now, id, head), &refused)
    }
}

/// The declared routes come first.
const ONLY: RouteIndex = 0;

const NOWHERE: Connection = Connection {
    peer: SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0),
    local: SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0),
    secure: false,
};
