//! Declared routes, and who may use them.
//!
//! Control: `authz.declared-routes`
//!
//! **Standard.** ASVS 5.0 V8.2.1, V8.3.1 (deny by default, enforced at a trusted layer); RFC 9110 §15.5.2, §15.5.4.
//!
//! **Threat.** Elevation of privilege: CWE-862 (missing authorization), CWE-425 (direct request), CWE-285.
//!
//! **Rules.**
//! 1. A request no route matches is refused, even for an administrator.
//! 2. A path that is declared with other methods only is refused with their list.
//! 3. `signed-in` needs a session; nothing else a client can send replaces it (no user agent, no address, no
//!    header of a health check).
//! 4. `roles` needs any one of them.
//!
//! **Answer.** 404 for 1, 405 with `Allow` for 2; for 3 a navigation goes to the login page (303) and
//! everything else gets 401 with `WWW-Authenticate`; 403 for 4.
//!
//! **Default.** On. Rules 1 and 2 refuse even where the check only observes: there is nowhere to send it.
//!
//! **Caveat.** `path = "/*"` with `access = "public"` declares everything; list what must not be public first.
//!
//! **Example.** `[[routes]] path = "/admin/*"`, `access = "signed-in"`, `roles = ["administrator"]`.

use gabion_identity::Session;
use gabion_model::{ControlId, Problem, Role};
use http::{HeaderValue, Method, StatusCode, request};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::check::{Check, Mode, Stop};
use crate::denial::{Denial, Remedy};
use crate::exchange::Exchange;
use crate::order::{self, Needs};
use crate::pipeline::Step;
use crate::route::{Access, Compiled, Routes};

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
}

/// The broken rules. Alphabetical.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    #[error("none of the roles the route needs")]
    MissingRole,
    #[error("not signed in")]
    NotSignedIn,
    #[error("declared with other methods only")]
    OtherMethods,
    #[error("no route declares the path")]
    Undeclared,
}

/// Rules 3 and 4.
pub fn verify(demand: &Demand, roles: Option<&[Role]>) -> Result<(), Violation> {
    match (demand.access, roles) {
        (Access::Public, _) => Ok(()),
        (Access::SignedIn, None) => Err(Violation::NotSignedIn),
        (Access::SignedIn, Some(own)) => {
            let fits = demand.roles.is_empty() || demand.roles.iter().any(|role| own.contains(role));
            if fits { Ok(()) } else { Err(Violation::MissingRole) }
        }
    }
}

impl From<Violation> for Denial {
    fn from(violation: Violation) -> Self {
        let (control, status, public) = match violation {
            Violation::MissingRole => {
                (ControlId::AUTHZ_ROLES, StatusCode::FORBIDDEN, "Your account may not use this.")
            }
            Violation::NotSignedIn => {
                (ControlId::AUTHZ_DECLARED_ROUTES, StatusCode::UNAUTHORIZED, "Sign in first.")
            }
            Violation::OtherMethods => (
                ControlId::AUTHZ_DECLARED_ROUTES,
                StatusCode::METHOD_NOT_ALLOWED,
                "This method is not available here.",
            ),
            Violation::Undeclared => {
                (ControlId::AUTHZ_DECLARED_ROUTES, StatusCode::NOT_FOUND, "There is nothing at this address.")
            }
        };
        let denial = Self::new(control, status, public, violation.to_string());
        match violation {
            Violation::MissingRole => denial,
            Violation::NotSignedIn => denial.remedy(Remedy::SignIn),
            Violation::OtherMethods | Violation::Undeclared => denial.always(),
        }
    }
}

pub(crate) fn step(needs: &Needs<'_, '_>) -> Option<Step> {
    order::step(needs.settings.access.mode, AccessCheck::new(needs.routes))
}

/// The check.
#[derive(Debug)]
pub struct AccessCheck {
    demands: Vec<Demand>,
    /// Routes that declare their methods without `OPTIONS`, with those methods.
    no_options: Vec<Option<HeaderValue>>,
}

impl AccessCheck {
    pub(crate) fn new(routes: &Routes) -> Self {
        let demand = |route: &Compiled| Demand { access: route.declared.access, roles: route.roles.clone() };
        let no_options = |route: &Compiled| {
            let silent = !route.methods.is_empty() && !route.methods.contains(&Method::OPTIONS);
            silent.then(|| route.allow.clone())
        };
        Self {
            demands: routes.iter().map(demand).collect(),
            no_options: routes.iter().map(no_options).collect(),
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
        let Some(demand) = exchange.route.and_then(|route| self.demands.get(route)) else {
            return Err(match exchange.other_methods.take() {
                Some(allow) => Denial::from(Violation::OtherMethods).remedy(Remedy::Allow(allow)).into(),
                None => Denial::from(Violation::Undeclared).into(),
            });
        };
        // A preflight was answered by `cors`; what still asks for options needs them declared.
        if head.method == Method::OPTIONS
            && let Some(Some(allow)) = exchange.route.and_then(|route| self.no_options.get(route))
        {
            return Err(Denial::from(Violation::OtherMethods).remedy(Remedy::Allow(allow.clone())).into());
        }
        let roles = exchange.session.as_deref().map(|session: &Session| &*session.principal.roles);
        verify(demand, roles).map_err(|violation| Denial::from(violation).into())
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
            let demand = Demand { access, roles: roles(&wanted) };
            let own_roles = own.as_deref().map(roles);
            let expected = public
                || own.as_ref().is_some_and(|own| wanted.is_empty() || wanted.iter().any(|role| own.contains(role)));
            prop_assert_eq!(verify(&demand, own_roles.as_deref()).is_ok(), expected);
        }
    }
}
