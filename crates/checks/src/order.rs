//! The order of the checks: one array, top to bottom, the reason beside each position. Requests and
//! answers both pass it from the top; a check that is off is not in the built list at all.

use std::sync::Arc;

use crate::check::{Check, Mode};
use crate::pipeline::{Memory, Parts, Step};
use crate::route::Routes;
use crate::settings::Settings;
use crate::{
    access, api_key, audit, bearer, block, cache, client_address, contract, cookies, cors, csrf, errors,
    graphql, headers, identity_header, leaks, learn, limits, mtls, normalise, policy, rate, redirect_https,
    redirects, request_id, sanitise, session, upload, webhook,
};

/// Top to bottom. A starred check also acts on answers; every refusal leaves through all of those.
const ORDER: &[fn(&Needs<'_, '_>) -> Option<Step>] = &[
    // Before anything looks closer: framing that cannot be trusted, more than anybody needs to send.
    limits::head_step,
    // Nobody is judged under a wrong address: rates and records come after this.
    client_address::step,
    // Whoever is blocked costs nothing more. Behind the address, before everything that is spent on a request.
    block::address_step,
    // What the proxy just found trusted says about the client's certificate, before `normalise` removes it.
    mtls::forwarded_step,
    // The pipeline drew the id already, so that even the two above refuse with one; here a trusted
    // proxy's id may take its place, and upstream and client are told.*
    request_id::step,
    // One reading of host, path and fields, on which everything below decides; finds the route.
    normalise::step,
    // How long a body may be depends on the route just found.
    limits::body_step,
    // Before any cookie is looked at on a connection others can read.
    redirect_https::step,
    // Answers only.*
    headers::step,
    // Preflights carry no credentials: they are answered before anybody asks for some.*
    cors::step,
    // Before the first step that costs something: hashing and looking up tickets.*
    rate::address_step,
    // Who it is. Does not refuse: public routes are for strangers too.
    session::step,
    // Programs: after the session, beside which a second credential is ambiguous. Keys first, since they can
    // stand where tokens do.
    api_key::step,
    bearer::step,
    // Last of the four: a certificate only adds to what was shown deliberately.
    mtls::step,
    // Who it is may be under a measure; asked before a body is read for them.
    block::principal_step,
    // Whoever signs what it sends. After the addresses' rates, since a body is read; before csrf, which does not
    // judge what no browser sends.*
    webhook::step,
    // After the session, whose token it may need; before anything acts on the person's behalf.*
    csrf::step,
    // One person on many addresses is still one person.
    rate::principal_step,
    // Declared routes, and who may use them. After the rates, so that probing for routes is slowed.
    access::step,
    // Which of those may do it to which object: asks an application about the object, so only for whom the route is.
    policy::step,
    // What the request says, once it is clear that whoever says it may come here. Reads the body, so as late as
    // can be.*
    contract::step,
    // The members policies take out are taken out of what fits the contract.*
    policy::mask_step,
    // What is asked for, once it is clear that somebody may ask. A body is read for it, so nothing cheaper waits.
    graphql::step,
    // Only what every judge before let pass teaches what an application takes. Refuses nothing.*
    learn::step,
    // Only what is admitted is worth a signature.
    identity_header::step,
    // Last of those that judge requests: what it makes of the body is what the application gets, and nobody reads
    // it by its new head before.
    upload::step,
    // What the application sends, top to bottom: where it leads people,
    redirects::step,
    // its cookies,*
    cookies::step,
    // what caches may keep,*
    cache::step,
    // markup that people wrote, in what is left of the answer by now,
    sanitise::step,
    // secrets and personal numbers nobody should see. Before errors are replaced, whose text is gone then,
    leaks::step,
    // and errors that say too much. Late, so that nothing dresses a body that is then replaced.*
    errors::step,
    // Last: it records what really leaves.*
    audit::step,
];

/// What checks are built from.
pub(crate) struct Needs<'a, 'b> {
    pub(crate) settings: &'a Settings,
    pub(crate) routes: &'a Arc<Routes>,
    pub(crate) memory: &'a Memory,
    /// Absent for a layer without sessions and ledger.
    pub(crate) parts: Option<&'a Parts<'b>>,
}

/// The checks of a configuration, in order.
pub(crate) fn steps(
    settings: &Settings,
    routes: &Arc<Routes>,
    memory: &Memory,
    parts: Option<&Parts<'_>>,
) -> Vec<Step> {
    let needs = Needs { settings, routes, memory, parts };
    ORDER.iter().filter_map(|build| build(&needs)).collect()
}

/// A step unless it is off.
pub(crate) fn step(mode: Mode, check: impl Check + 'static) -> Option<Step> {
    (mode != Mode::Off).then(|| Step { check: Box::new(check), mode })
}
