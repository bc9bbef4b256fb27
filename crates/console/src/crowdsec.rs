//! `GET /.gabion/crowdsec/v1/decisions` and `…/decisions/stream`: who is blocked, for programs that block as CrowdSec's
//! bouncers do (its local API, `https://crowdsecurity.github.io/api_doc/lapi/`).
//!
//! A bouncer is given the address `https://GATE/.gabion/crowdsec/` and an API key with the scope `gabion:blocks`, which it
//! shows in `X-Api-Key`. The stream says what is new and what is over since the same key asked from the same address before;
//! with `startup=true`, and after a restart of the gate, everything. Refusals are objects with a `message`, as bouncers
//! read them.

use axum::Router;
use axum::extract::{FromRequestParts, State};
use axum::response::Response;
use axum::routing::{MethodRouter, get};
use gabion_model::Timestamp;
use gabion_service::ActError;
use gabion_service::respond::{Measure, Network, Origin, Pulled, Target};
use http::{StatusCode, request};
use serde::{Deserialize, Serialize};

use crate::Console;
use crate::api::Query;
use crate::api::v1::json;
use crate::api::v1::measures::Bouncer;

pub(crate) fn routes() -> Router<Console> {
    Router::new()
        .route("/.gabion/crowdsec/v1/decisions", decisions())
        .route("/.gabion/crowdsec/v1/decisions/stream", stream())
}

fn decisions() -> MethodRouter<Console> {
    get(list)
}

fn stream() -> MethodRouter<Console> {
    get(pull)
}

/// A decision in the words of CrowdSec.
#[derive(Debug, Serialize)]
struct Decision {
    id: u64,
    origin: &'static str,
    #[serde(rename = "type")]
    kind: &'static str,
    /// `Ip` or `Range`.
    scope: &'static str,
    value: String,
    /// As Go writes it: `3599s`.
    duration: String,
    scenario: String,
}

/// What bouncers ask with; what is not known is passed over, since each has words of its own. Lists are separated by commas,
/// and an empty text asks for nothing.
#[derive(Debug, Default, Deserialize)]
struct Asked {
    /// The decisions that hold for this address.
    ip: Option<String>,
    /// Those that hold for all of this network; with `contains=false` those within it.
    range: Option<String>,
    contains: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
    /// `Ip` or `Range`.
    scope: Option<String>,
    scopes: Option<String>,
    value: Option<String>,
    origins: Option<String>,
    scenarios_containing: Option<String>,
    scenarios_not_containing: Option<String>,
    /// `true`: the bouncer knows nothing yet.
    startup: Option<String>,
}

#[derive(Debug, Serialize)]
struct Streamed {
    new: Vec<Decision>,
    deleted: Vec<Decision>,
}

/// A refusal as bouncers read it.
#[derive(Debug, Serialize)]
struct Refusal {
    message: &'static str,
}

/// Whoever may ask.
struct Asker(Bouncer);

impl FromRequestParts<Console> for Asker {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut request::Parts, console: &Console) -> Result<Self, Response> {
        match Bouncer::from_request_parts(parts, console).await {
            Ok(bouncer) => Ok(Self(bouncer)),
            Err(answer) => Err(match answer.status() {
                StatusCode::UNAUTHORIZED => refusal(StatusCode::FORBIDDEN, "access forbidden"),
                _ => answer,
            }),
        }
    }
}

async fn list(State(console): State<Console>, asker: Asker, Query(asked): Query<Asked>) -> Response {
    let Ok(within) = asked.within() else {
        return refusal(StatusCode::BAD_REQUEST, "`ip` is an address, `range` a network");
    };
    let blocks = match console.service.blocks(&asker.0.0).await {
        Ok(blocks) => blocks,
        Err(error) => return refused(&error),
    };
    let now = console.clock.now();
    let contains = asked.contains.as_deref() != Some("false");
    let is_about = |block: &&Measure| match (&block.target, &within) {
        (Target::Network { network }, Some(asked)) if contains => network.covers(asked),
        (Target::Network { network }, Some(asked)) => asked.covers(network),
        (Target::Network { .. }, None) => true,
        _ => false,
    };
    let found: Vec<Decision> = blocks
        .iter()
        .filter(is_about)
        .filter_map(|block| decision(block, block.until, now))
        .filter(|decision| asked.wants(decision))
        .collect();
    // None is `null`, as CrowdSec has it.
    if found.is_empty() { json(StatusCode::OK, &None::<()>) } else { json(StatusCode::OK, &found) }
}

async fn pull(State(console): State<Console>, asker: Asker, Query(asked): Query<Asked>) -> Response {
    let starts = asked.startup.as_deref() == Some("true");
    let Pulled { new, ended } = match console.service.pull_blocks(&asker.0.0, starts).await {
        Ok(pulled) => pulled,
        Err(error) => return refused(&error),
    };
    let now = console.clock.now();
    let told = |measures: Vec<Measure>, until: fn(&Measure, Timestamp) -> Timestamp| {
        let decisions = measures.iter().filter_map(|block| decision(block, until(block, now), now));
        decisions.filter(|decision| asked.wants(decision)).collect()
    };
    let streamed = Streamed { new: told(new, |block, _| block.until), deleted: told(ended, |_, now| now) };
    json(StatusCode::OK, &streamed)
}

impl Asked {
    /// The network that is asked about.
    fn within(&self) -> Result<Option<Network>, ()> {
        let given = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
        match (given(&self.ip), given(&self.range)) {
            (Some(ip), _) => ip.parse().map(|address| Some(Network::host(address))).map_err(drop),
            (None, Some(range)) => range.parse().map(Some).map_err(drop),
            (None, None) => Ok(None),
        }
    }

    fn wants(&self, decision: &Decision) -> bool {
        let words = |text: &Option<String>| -> Vec<String> {
            let words = text.iter().flat_map(|text| text.split(','));
            words.map(|word| word.trim().to_lowercase()).filter(|word| !word.is_empty()).collect()
        };
        let is = |asked: &Option<String>, own: &str| {
            let words = words(asked);
            words.is_empty() || words.iter().any(|word| own.eq_ignore_ascii_case(word))
        };
        let named = |word: &String| decision.scenario.to_lowercase().contains(word);
        let with = words(&self.scenarios_containing);
        is(&self.kind, decision.kind)
            && is(&self.scope, decision.scope)
            && is(&self.scopes, decision.scope)
            && is(&self.value, &decision.value)
            && is(&self.origins, decision.origin)
            && (with.is_empty() || with.iter().any(named))
            && !words(&self.scenarios_not_containing).iter().any(named)
    }
}

fn decision(measure: &Measure, until: Timestamp, now: Timestamp) -> Option<Decision> {
    let Target::Network { network } = &measure.target else { return None };
    let is_one = network.address().is_ipv4() && network.prefix() == 32;
    let scenario = match &measure.origin {
        Origin::Hand { .. } => "gabion/by-hand".to_owned(),
        Origin::Rule { rule, .. } => format!("gabion/{rule}"),
    };
    Some(Decision {
        id: measure.id,
        origin: "gabion",
        kind: "ban",
        scope: if is_one { "Ip" } else { "Range" },
        value: network.to_string(),
        duration: format!("{}s", until.saturating_since(now).as_secs()),
        scenario,
    })
}

fn refused(error: &ActError) -> Response {
    match error {
        ActError::Forbidden => refusal(StatusCode::FORBIDDEN, "access forbidden"),
        _ => refusal(StatusCode::SERVICE_UNAVAILABLE, "it cannot be read now"),
    }
}

fn refusal(status: StatusCode, message: &'static str) -> Response {
    json(status, &Refusal { message })
}
