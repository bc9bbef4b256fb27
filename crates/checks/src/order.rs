//! The order of the checks: one array, top to bottom, the reason beside each position. Requests and
//! answers both pass it from the top; a check that is off is not in the built list at all.

use std::sync::Arc;

use crate::check::{Check, Mode};
use crate::pipeline::{Memory, Parts, Step};
use crate::route::Routes;
use crate::settings::Settings;
use crate::{
    access, audit, cache, client_address, cookies, cors, csrf, errors, headers, identity_header, limits,
    normalise, rate, redirect_https, request_id, session,
};

/// Top to bottom. A starred check also acts on answers; every refusal leaves through all of those.
const ORDER: [Builder; 18] = [
    // Before anything looks closer: framing that cannot be trusted, and more than anybody needs to send.
    |needs| needs.step(needs.settings.limits.mode, limits::Limits::new(&needs.settings.limits)),
    // Nobody is judged under a wrong address: rates and records come after this.
    |needs| {
        needs.step(
            needs.settings.client_address.mode,
            client_address::ClientAddress::new(&needs.settings.client_address),
        )
    },
    // The pipeline drew the id already, so that even the two above refuse with one; here a trusted
    // proxy's id may take its place, and upstream and client are told.*
    |needs| {
        needs
            .step(needs.settings.request_id.mode, request_id::RequestIdCheck::new(&needs.settings.request_id))
    },
    // One reading of host, path and fields, on which everything below decides; finds the route.*
    |needs| {
        needs.step(
            needs.settings.normalise.mode,
            normalise::Normalise::new(&needs.settings.normalise, needs.routes),
        )
    },
    // How long a body may be depends on the route just found.
    |needs| {
        needs.step(needs.settings.limits.mode, limits::BodyLimit::new(&needs.settings.limits, needs.routes))
    },
    // Before any cookie is looked at on a connection others can read.
    |needs| {
        needs.step(
            needs.settings.redirect_https.mode,
            redirect_https::RedirectHttps::new(needs.parts.https_port),
        )
    },
    // Answers only.*
    |needs| {
        needs.step(needs.settings.headers.mode, headers::Headers::new(&needs.settings.headers, needs.routes))
    },
    // Preflights carry no credentials: they are answered before anybody asks for some.*
    |needs| needs.step(needs.settings.cors.mode, cors::Cors::new(&needs.settings.cors, needs.routes)),
    // Before the first step that costs something: hashing and looking up tickets.*
    |needs| {
        needs.step(
            needs.settings.rate.mode,
            rate::Rate::by_address(&needs.settings.rate, needs.routes, &needs.memory.addresses),
        )
    },
    // Who it is. Does not refuse: public routes are for strangers too.
    |needs| {
        needs.step(needs.settings.session.mode, session::SessionCheck::new(Arc::clone(&needs.parts.sessions)))
    },
    // After the session, whose token it may need; before anything acts on the person's behalf.
    |needs| {
        needs.step(
            needs.settings.csrf.mode,
            csrf::Csrf::new(&needs.settings.csrf, needs.routes, &needs.memory.token_key),
        )
    },
    // One person on many addresses is still one person.*
    |needs| {
        needs.step(
            needs.settings.rate.mode,
            rate::Rate::by_principal(&needs.settings.rate, needs.routes, &needs.memory.principals),
        )
    },
    // Declared routes, and who may use them. After the rates, so that probing for routes is slowed.
    |needs| needs.step(needs.settings.access.mode, access::AccessCheck::new(needs.routes)),
    // Only what is admitted is worth a signature. Nothing below may refuse.
    |needs| {
        needs.step(
            needs.settings.identity_header.mode,
            identity_header::IdentityHeader::new(
                &needs.settings.identity_header,
                &needs.parts.key,
                &needs.parts.issuer,
                needs.routes,
            ),
        )
    },
    // What the application sends, top to bottom: its cookies,*
    |needs| needs.step(needs.settings.cookies.mode, cookies::Cookies::new(&needs.settings.cookies)),
    // what caches may keep,*
    |needs| needs.step(needs.settings.cache.mode, cache::Cache::new(needs.routes)),
    // and errors that say too much. Late, so that nothing dresses a body that is then replaced.*
    |needs| needs.step(needs.settings.errors.mode, errors::Errors::new(&needs.settings.errors)),
    // Last: it records what really leaves.*
    |needs| {
        needs.step(
            needs.settings.audit.mode,
            audit::Audit::new(needs.parts.ledger.clone(), needs.parts.access_log.clone()),
        )
    },
];

type Builder = fn(&Needs<'_, '_>) -> Option<Step>;

struct Needs<'a, 'b> {
    settings: &'a Settings,
    routes: &'a Arc<Routes>,
    parts: &'a Parts<'b>,
    memory: &'a Memory,
}

impl Needs<'_, '_> {
    #[expect(clippy::unused_self, reason = "reads as one sentence in the array")]
    fn step(&self, mode: Mode, check: impl Check + 'static) -> Option<Step> {
        (mode != Mode::Off).then(|| Step { check: Box::new(check), mode })
    }
}

/// The checks of a configuration, in order.
pub(crate) fn steps(
    settings: &Settings,
    routes: &Arc<Routes>,
    parts: &Parts<'_>,
    memory: &Memory,
) -> Vec<Step> {
    let needs = Needs { settings, routes, parts, memory };
    ORDER.iter().filter_map(|build| build(&needs)).collect()
}
