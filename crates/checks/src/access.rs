//! Declared routes, and who may use them.
//!
//! Control: `authz.declared-routes`
//!
//! **Standard.** ASVS 5.0 V8.2.1, V8.3.1 (deny by default, enforced at a trusted layer); RFC 9110 §15.5.2, §15.5.4;
//! RFC 6750 §3.1; RFC 9470.
//!
//! **Threat.** Elevation of privilege: CWE-862 (missing authorization), CWE-425 (direct request), CWE-285.
//!
//! **Rules.**
//! 1. A request no route matches is refused, even for an administrator.
//! 2. A path that is declared with other methods only is refused with their list.
//! 3. `signed-in` needs a session or another of the route's `credentials`; nothing else a client can send replaces
//!    it (no user agent, no address, no header of a health check).
//! 4. `roles` needs any one of them.
//! 5. `scopes` needs all of them, of programs: a token, key or certificate was given some, people have none.
//! 6. `second_factor`, `acr` and `max_age` need a person who signed in so strongly, so recently (RFC 9470). Keys and
//!    certificates never signed in.
//!
//! **Answer.** 404 for 1, 405 with `Allow` for 2; for 3 and 6 a navigation goes to the login page (303) and
//! everything else gets 401 with `WWW-Authenticate`; 403 for 4 and, with a challenge, for 5; 403 for a key or
//! certificate under 6.
//!
//! **Default.** On. Rules 1 and 2 refuse even where the check only observes: there is nowhere to send it.
//!
//! **Caveat.** `path = "/*"` with `access = "public"` declares everything; list what must not be public first.
//!
//! **Example.** `[[routes]] path = "/admin/*"`, `access = "signed-in"`, `roles = ["administrator"]`.

use std::time::Duration;

use gabion_identity::{CredentialKind, Scopes, Session};
use gabion_model::{Acr, ControlId, Problem, Role, Timestamp};
use http::{HeaderValue, Method, StatusCode, request};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::challenge::Challenges;
use crate::check::{Check, Mode, Stop};
use crate::denial::{Denial, Remedy, SignIn};
use crate::exchange::Exchange;
use crate::order::{self, Needs};
use crate::pipeline::Step;
use crate::route::{Access, Compiled, RouteIndex, Routes};

/// `[checks.access]`
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// `enforce` or `observe`. A gate without it would be none.
    pub mode: Mode,
}

impl Settings {
    #[must_use]
    pub fn problems(&self) -> Vec<Problem> {
        crate::settings::never_off(self.mode)
    }
}

/// What a route asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Demand {
    pub access: Access,
    /// Any one of them; empty: none.
    pub roles: Vec<Role>,
    /// All of them, of programs.
    pub scopes: Vec<String>,
    pub acr: Option<Acr>,
    pub max_age: Option<Duration>,
}

/// Who asks.
#[derive(Debug, Clone, Copy)]
pub struct Asking<'a> {
    pub roles: &'a [Role],
    /// What a program was given; `None` for people.
    pub scopes: Option<&'a Scopes>,
    /// When and how strongly the person signed in; `None` for what never does.
    pub authenticated: Option<(Timestamp, Acr)>,
}

/// The broken rules. Alphabetical.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    #[error("none of the roles the route needs")]
    MissingRole,
    #[error("not all of the scopes the route needs")]
    MissingScope,
    #[error("the route needs a person who signed in")]
    NotAPerson,
    #[error("not signed in")]
    NotSignedIn,
    #[error("declared with other methods only")]
    OtherMethods,
    #[error("signed in too long ago")]
    TooLongAgo,
    #[error("signed in too weakly")]
    TooWeak,
    #[error("no route declares the path")]
    Undeclared,
}

/// Rules 3 to 6.
pub fn verify(demand: &Demand, asking: Option<Asking<'_>>, now: Timestamp) -> Result<(), Violation> {
    let asking = match (demand.access, asking) {
        (Access::Public, _) => return Ok(()),
        (Access::SignedIn, None) => return Err(Violation::NotSignedIn),
        (Access::SignedIn, Some(asking)) => asking,
    };
    if !demand.roles.is_empty() && !demand.roles.iter().any(|role| asking.roles.contains(role)) {
        return Err(Violation::MissingRole);
    }
    if let Some(scopes) = asking.scopes
        && !demand.scopes.iter().all(|scope| scopes.contains(scope))
    {
        return Err(Violation::MissingScope);
    }
    if demand.acr.is_none() && demand.max_age.is_none() {
        return Ok(());
    }
    let Some((time, acr)) = asking.authenticated else { return Err(Violation::NotAPerson) };
    if demand.acr.is_some_and(|wanted| acr < wanted) {
        return Err(Violation::TooWeak);
    }
    // A sign-in from the future is as little worth as one too long ago.
    let age = u64::try_from(now.as_secs().saturating_sub(time.as_secs())).unwrap_or(u64::MAX);
    if demand.max_age.is_some_and(|most| age > most.as_secs()) {
        return Err(Violation::TooLongAgo);
    }
    Ok(())
}

impl From<Violation> for Denial {
    fn from(violation: Violation) -> Self {
        let (control, status, public) = match violation {
            Violation::MissingRole => {
                (ControlId::AUTHZ_ROLES, StatusCode::FORBIDDEN, "Your account may not use this.")
            }
            Violation::MissingScope => (
                ControlId::AUTHZ_ROLES,
                StatusCode::FORBIDDEN,
                "The credential was not given the scope this needs.",
            ),
            Violation::NotAPerson => (
                ControlId::AUTHZ_STEP_UP,
                StatusCode::FORBIDDEN,
                "This needs a person who signed in, not a key or a certificate.",
            ),
            Violation::NotSignedIn => {
                (ControlId::AUTHZ_DECLARED_ROUTES, StatusCode::UNAUTHORIZED, "Sign in first.")
            }
            Violation::OtherMethods => (
                ControlId::AUTHZ_DECLARED_ROUTES,
                StatusCode::METHOD_NOT_ALLOWED,
                "This method is not available here.",
            ),
            Violation::TooLongAgo => {
                (ControlId::AUTHZ_STEP_UP, StatusCode::UNAUTHORIZED, "Sign in again to use this.")
            }
            Violation::TooWeak => (
                ControlId::AUTHZ_STEP_UP,
                StatusCode::UNAUTHORIZED,
                "Sign in with a second factor to use this.",
            ),
            Violation::Undeclared => {
                (ControlId::AUTHZ_DECLARED_ROUTES, StatusCode::NOT_FOUND, "There is nothing at this address.")
            }
        };
        let denial = Self::new(control, status, public, violation.to_string());
        match violation {
            Violation::OtherMethods | Violation::Undeclared => denial.always(),
            _ => denial,
        }
    }
}

pub(crate) fn step(needs: &Needs<'_, '_>) -> Option<Step> {
    let issuer = needs.parts.map_or("", |parts| &parts.issuer);
    order::step(needs.settings.access.mode, AccessCheck::new(needs.routes, issuer))
}

/// The check.
#[derive(Debug)]
pub struct AccessCheck {
    demands: Vec<Demand>,
    /// Routes that declare their methods without `OPTIONS`, with those methods.
    no_options: Vec<Option<HeaderValue>>,
    /// Routes people can come to.
    people: Vec<bool>,
    challenges: Challenges,
}

impl AccessCheck {
    pub(crate) fn new(routes: &Routes, issuer: &str) -> Self {
        let demand = |route: &Compiled| Demand {
            access: route.declared.access,
            roles: route.roles.clone(),
            scopes: route.declared.scopes.clone(),
            acr: route.declared.acr(),
            max_age: route.declared.max_age.map(|age| age.as_duration()),
        };
        let no_options = |route: &Compiled| {
            let silent = !route.methods.is_empty() && !route.methods.contains(&Method::OPTIONS);
            silent.then(|| route.allow.clone())
        };
        Self {
            demands: routes.iter().map(demand).collect(),
            no_options: routes.iter().map(no_options).collect(),
            people: routes.iter().map(|route| route.taken().contains(CredentialKind::Session)).collect(),
            challenges: Challenges::new(routes, issuer),
        }
    }

    /// Rules 3 to 6, for a route.
    pub(crate) fn judge(
        &self,
        route: Option<RouteIndex>,
        asking: Option<Asking<'_>>,
        now: Timestamp,
    ) -> Result<(), Denial> {
        let demand = route.and_then(|route| self.demands.get(route));
        let verdict = demand.map_or(Err(Violation::Undeclared), |demand| verify(demand, asking, now));
        verdict.map_err(|violation| self.refuse(violation, route))
    }

    /// The refusal of nobody in particular.
    pub(crate) fn stranger(&self, route: Option<RouteIndex>) -> Denial {
        self.refuse(Violation::NotSignedIn, route)
    }

    fn refuse(&self, violation: Violation, route: Option<RouteIndex>) -> Denial {
        let demand = route.and_then(|route| self.demands.get(route));
        let (acr, max_age) = demand.map_or((None, None), |demand| (demand.acr, demand.max_age));
        self.refuse_for(violation, route, acr, max_age)
    }

    /// The refusal where a sign-in so strong and so fresh is asked for, by whomever.
    pub(crate) fn refuse_for(
        &self,
        violation: Violation,
        route: Option<RouteIndex>,
        acr: Option<Acr>,
        max_age: Option<Duration>,
    ) -> Denial {
        let denial = Denial::from(violation);
        let people = route.and_then(|route| self.people.get(route)).is_some_and(|people| *people);
        let sign_in = |asked, challenge| Remedy::SignIn(Box::new(SignIn { people, asked, challenge }));
        match violation {
            Violation::MissingScope => {
                denial.remedy(Remedy::Challenge(Box::new(self.challenges.scope(route))))
            }
            Violation::NotSignedIn => denial.remedy(sign_in("", self.challenges.missing(route))),
            Violation::TooLongAgo | Violation::TooWeak => {
                let asked = match (acr, violation) {
                    (Some(Acr::PhishingResistant), Violation::TooLongAgo) => "acr=phr&fresh=1",
                    (Some(Acr::PhishingResistant), _) => "acr=phr",
                    (Some(Acr::TwoFactors), Violation::TooLongAgo) => "acr=urn:gabion:acr:2fa&fresh=1",
                    (Some(Acr::TwoFactors), _) => "acr=urn:gabion:acr:2fa",
                    _ => "fresh=1",
                };
                denial.remedy(sign_in(asked, self.challenges.step_up(route, acr, max_age)))
            }
            _ => denial,
        }
    }
}

impl Check for AccessCheck {
    fn name(&self) -> &'static str {
        "access"
    }

    fn control(&self) -> ControlId {
        ControlId::AUTHZ_DECLARED_ROUTES
    }

    fn request(&self, head: &mut request::Parts, exchange: &mut Exchange) -> Result<(), Stop> {
        if exchange.route.is_none() {
            return Err(match exchange.other_methods.take() {
                Some(allow) => Denial::from(Violation::OtherMethods).remedy(Remedy::Allow(allow)).into(),
                None => Denial::from(Violation::Undeclared).into(),
            });
        }
        // A preflight was answered by `cors`; what still asks for options needs them declared.
        if head.method == Method::OPTIONS
            && let Some(Some(allow)) = exchange.route.and_then(|route| self.no_options.get(route))
        {
            return Err(Denial::from(Violation::OtherMethods).remedy(Remedy::Allow(allow.clone())).into());
        }
        let person = |session: &'_ Session| (session.authenticated, session.methods.acr());
        let asking = match (&exchange.session, &exchange.credential) {
            (Some(session), _) => Some(Asking {
                roles: &session.principal.roles,
                scopes: None,
                authenticated: Some(person(session)),
            }),
            (None, Some(credential)) => Some(Asking {
                roles: &credential.principal.roles,
                scopes: Some(&credential.scopes),
                authenticated: credential.authenticated,
            }),
            (None, None) => None,
        };
        self.judge(exchange.route, asking, exchange.now).map_err(Stop::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn signed_in_routes_need_a_session_and_one_of_the_roles(
            public: bool,
            wanted in proptest::collection::vec("[abc]", 0..3),
            own in proptest::option::of(proptest::collection::vec("[abc]", 0..3)),
        ) {
            let roles = |names: &[String]| names.iter().map(|name| Role::new(name)).collect::<Vec<_>>();
            let access = if public { Access::Public } else { Access::SignedIn };
            let demand = Demand { access, roles: roles(&wanted), scopes: Vec::new(), acr: None, max_age: None };
            let own_roles = own.as_deref().map(roles);
            let expected = public
                || own.as_ref().is_some_and(|own| wanted.is_empty() || wanted.iter().any(|role| own.contains(role)));
            let asking = own_roles.as_deref().map(|roles| Asking { roles, scopes: None, authenticated: None });
            prop_assert_eq!(verify(&demand, asking, Timestamp::from_secs(0)).is_ok(), expected);
        }
    }

    const NOW: Timestamp = Timestamp::from_secs(10_000);

    fn demand(scopes: &[&str], acr: Option<Acr>, max_age: Option<u64>) -> Demand {
        Demand {
            access: Access::SignedIn,
            roles: Vec::new(),
            scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
            acr,
            max_age: max_age.map(Duration::from_secs),
        }
    }

    #[test]
    fn programs_need_every_scope_and_people_none() {
        let scopes = Scopes::parse("read").unwrap();
        let program = Asking { roles: &[], scopes: Some(&scopes), authenticated: None };
        let person = Asking { scopes: None, ..program };
        assert_eq!(verify(&demand(&["read"], None, None), Some(program), NOW), Ok(()));
        assert_eq!(
            verify(&demand(&["read", "write"], None, None), Some(program), NOW),
            Err(Violation::MissingScope)
        );
        assert_eq!(verify(&demand(&["read", "write"], None, None), Some(person), NOW), Ok(()));
    }

    #[test]
    fn strength_and_age_are_asked_of_people_and_nobody_else_has_any() {
        let at = |seconds: i64, acr| Asking {
            roles: &[],
            scopes: None,
            authenticated: Some((Timestamp::from_secs(10_000 - seconds), acr)),
        };
        let wanted = demand(&[], Some(Acr::TwoFactors), Some(60));
        let rows = [
            (at(60, Acr::TwoFactors), Ok(())),
            (at(60, Acr::PhishingResistant), Ok(())),
            (at(0, Acr::OneFactor), Err(Violation::TooWeak)),
            (at(61, Acr::TwoFactors), Err(Violation::TooLongAgo)),
            (at(-1, Acr::TwoFactors), Err(Violation::TooLongAgo)),
            (Asking { authenticated: None, ..at(0, Acr::OneFactor) }, Err(Violation::NotAPerson)),
        ];
        for (asking, expected) in rows {
            assert_eq!(verify(&wanted, Some(asking), NOW), expected, "{asking:?}");
        }
    }
}
