//! `[checks]`: one table per check, named after its file.

use gabion_model::Problem;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::check::Mode;
use crate::route::Route;
use crate::{
    access, api_key, audit, bearer, block, cache, client_address, contract, cookies, cors, csrf, errors,
    graphql, headers, identity_header, leaks, learn, limits, mtls, normalise, policy, rate, redirect_https,
    redirects, request_id, sanitise, session, upload, webhook,
};

/// Settings of all checks. Every default is the safe one.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Sizes, counts and message framing.
    pub limits: limits::Settings,
    /// Who is believed about the client's address.
    pub client_address: client_address::Settings,
    /// Who is blocked or slowed down for a while.
    pub block: block::Settings,
    /// The id a request carries everywhere.
    pub request_id: request_id::Settings,
    /// Host, path, method: one reading or none.
    pub normalise: normalise::Settings,
    /// Plain HTTP is redirected or refused.
    pub redirect_https: redirect_https::Settings,
    /// Headers that make browsers careful.
    pub headers: headers::Settings,
    /// Which origins may read answers.
    pub cors: cors::Settings,
    /// How many requests an address or a person may make.
    pub rate: rate::Settings,
    /// Who is signed in.
    pub session: session::Settings,
    /// The keys of programs.
    pub api_key: api_key::Settings,
    /// Access tokens of this gate's provider.
    pub bearer: bearer::Settings,
    /// Client certificates.
    pub mtls: mtls::Settings,
    /// Messages other systems send, believed only when signed.
    pub webhook: webhook::Settings,
    /// Requests other sites make a browser send.
    pub csrf: csrf::Settings,
    /// Declared routes and who may use them.
    pub access: access::Settings,
    /// Requests and answers fit the application's contract.
    pub contract: contract::Settings,
    /// GraphQL requests that ask for too much.
    pub graphql: graphql::Settings,
    /// Contracts drafted from what passes.
    pub learn: learn::Settings,
    /// Who may do what to which object, by policies.
    pub policy: policy::Settings,
    /// Who is calling, told to the application.
    pub identity_header: identity_header::Settings,
    /// Files that people send.
    pub upload: upload::Settings,
    /// Where the application sends browsers.
    pub redirects: redirects::Settings,
    /// Cookies the application sets.
    pub cookies: cookies::Settings,
    /// Private answers stay out of caches.
    pub cache: cache::Settings,
    /// Markup that people wrote.
    pub sanitise: sanitise::Settings,
    /// Secrets and personal numbers in answers.
    pub leaks: leaks::Settings,
    /// Error answers that say too much.
    pub errors: errors::Settings,
    /// What is recorded.
    pub audit: audit::Settings,
}

impl Settings {
    /// All that is wrong, paths relative to `checks`.
    #[must_use]
    pub fn problems(&self) -> Vec<Problem> {
        let tables = [
            ("limits", self.limits.problems()),
            ("client_address", self.client_address.problems()),
            ("block", self.block.problems()),
            ("request_id", self.request_id.problems()),
            ("normalise", self.normalise.problems()),
            ("redirect_https", self.redirect_https.problems()),
            ("headers", self.headers.problems()),
            ("cors", self.cors.problems()),
            ("rate", self.rate.problems()),
            ("session", self.session.problems()),
            ("api_key", self.api_key.problems()),
            ("bearer", self.bearer.problems()),
            ("mtls", self.mtls.problems()),
            ("webhook", self.webhook.problems()),
            ("csrf", self.csrf.problems()),
            ("access", self.access.problems()),
            ("contract", self.contract.problems()),
            ("graphql", self.graphql.problems()),
            ("learn", self.learn.problems()),
            ("policy", self.policy.problems()),
            ("identity_header", self.identity_header.problems()),
            ("upload", self.upload.problems()),
            ("redirects", self.redirects.problems()),
            ("cookies", self.cookies.problems()),
            ("cache", self.cache.problems()),
            ("sanitise", self.sanitise.problems()),
            ("leaks", self.leaks.problems()),
            ("errors", self.errors.problems()),
            ("audit", self.audit.problems()),
        ];
        let under = |(name, problems): (&str, Vec<Problem>)| {
            problems.into_iter().map(|problem| problem.under(name)).collect::<Vec<_>>()
        };
        tables.into_iter().flat_map(under).collect()
    }

    /// What the routes name and the checks do not have. Paths from the top of the file.
    #[must_use]
    pub fn problems_with(&self, routes: &[Route]) -> Vec<Problem> {
        let unknown = |(index, route): (usize, &Route)| {
            let profile = route.rate.as_ref()?;
            (!self.rate.has_profile(profile)).then(|| {
                Problem::new(format!("routes[{index}].rate"), format!("there is no rate profile `{profile}`"))
                    .hint(format!("known are {}", self.rate.profile_names().join(", ")))
            })
        };
        let too_small = |(index, route): (usize, &Route)| {
            let (declared, whole) =
                (route.upload.as_ref()?, route.upload_limit.unwrap_or(self.limits.upload));
            let largest = declared.max_size.unwrap_or(self.upload.max_size);
            (largest > whole).then(|| {
                let reason = format!("a file of `{largest}` never comes: a body has at most `{whole}`");
                Problem::new(format!("routes[{index}].upload.max_size"), reason)
                    .hint("raise `upload_limit` of the route")
            })
        };
        let routes = || routes.iter().enumerate();
        routes().filter_map(unknown).chain(routes().filter_map(too_small)).collect()
    }
}

/// For checks the gate cannot do without.
pub(crate) fn never_off(mode: Mode) -> Vec<Problem> {
    let problem = || Problem::new("mode", "this check cannot be off").hint("`observe` is the least there is");
    if mode == Mode::Off { vec![problem()] } else { Vec::new() }
}
