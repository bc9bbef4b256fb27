//! `GET /.gabion/api/v1/alerts` and `…/{id}`: what rang. `POST …/{id}/acknowledge`, `…/{id}/close`: who has it, and that it
//! is over. `GET …/alerts/channels`: how each channel does. `POST …/alerts/test`: whether messages arrive. `…/silences`: what
//! nobody is told of.

use std::collections::BTreeMap;

use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::{MethodRouter, delete, get, post};
use gabion_model::{Period, Severity};
use gabion_service::alert::{ChannelStanding, DeskError, Group, Matcher, Silence};
use gabion_service::{AlertError, AskedSilence};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{Page, done, json, limit, refused};
use crate::Console;
use crate::api::{Asker, Body, Problem, Query};

pub(crate) fn route() -> MethodRouter<Console> {
    get(list)
}

pub(crate) fn one() -> MethodRouter<Console> {
    get(read)
}

pub(crate) fn acknowledging() -> MethodRouter<Console> {
    post(acknowledge)
}

pub(crate) fn closing() -> MethodRouter<Console> {
    post(close)
}

pub(crate) fn testing() -> MethodRouter<Console> {
    post(test)
}

pub(crate) fn channels() -> MethodRouter<Console> {
    get(list_channels)
}

pub(crate) fn silences() -> MethodRouter<Console> {
    get(list_silences).post(silence)
}

pub(crate) fn silence_of() -> MethodRouter<Console> {
    delete(unsilence)
}

/// Alerts of one rule for the same.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AlertItem {
    id: u64,
    /// The rule's name, or its id where it has none.
    rule: String,
    summary: String,
    severity: &'static str,
    /// `open`, `acknowledged`, `silenced` or `closed`.
    state: &'static str,
    first_seen: String,
    last_seen: String,
    count: u64,
    /// What the events have in common.
    fields: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<String>,
    /// Of MITRE ATT&CK.
    techniques: String,
    control: String,
    /// Channels that were told.
    channels: Vec<String>,
    /// The latest alerts' places in the ledger.
    records: Vec<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    acknowledged_by: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    acknowledged_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    closed_by: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    closed_at: Option<String>,
}

impl From<Group> for AlertItem {
    fn from(group: Group) -> Self {
        let (acknowledged, closed) = (group.acknowledged, group.closed);
        Self {
            id: group.id,
            rule: group.rule,
            summary: group.summary,
            severity: group.severity.as_str(),
            state: group.state.as_str(),
            first_seen: group.first_seen.to_string(),
            last_seen: group.last_seen.to_string(),
            count: group.count,
            fields: group.fields,
            address: group.address,
            techniques: group.techniques,
            control: group.control,
            channels: group.channels,
            records: group.alerts,
            acknowledged_by: acknowledged.as_ref().map(|touched| touched.by.clone()),
            acknowledged_at: acknowledged.map(|touched| touched.at.to_string()),
            closed_by: closed.as_ref().map(|touched| touched.by.clone()),
            closed_at: closed.map(|touched| touched.at.to_string()),
        }
    }
}

/// A channel, and how it does since the gate began.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ChannelItem {
    name: String,
    #[serde(rename = "type")]
    kind: &'static str,
    /// When in the order of escalation it is told; the first is 1.
    step: u8,
    least: &'static str,
    /// Messages that were not delivered yet.
    waiting: usize,
    /// Alerts that it is told of in one message, because there was no room for them.
    folded: u64,
    /// When it took something last.
    #[serde(skip_serializing_if = "Option::is_none")]
    delivered: Option<String>,
    /// Since when every try fails.
    #[serde(skip_serializing_if = "Option::is_none")]
    failing_since: Option<String>,
    /// Failed tries in a row.
    failures: u32,
    /// Why the last of them did.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

impl From<ChannelStanding> for ChannelItem {
    fn from(channel: ChannelStanding) -> Self {
        Self {
            name: channel.name,
            kind: channel.kind.as_str(),
            step: channel.step,
            least: channel.least.as_str(),
            waiting: channel.waiting,
            folded: channel.folded,
            delivered: channel.delivered.map(|at| at.to_string()),
            failing_since: channel.failing_since.map(|at| at.to_string()),
            failures: channel.failures,
            reason: channel.reason,
        }
    }
}

/// Alerts that nobody is told of for a while.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SilenceItem {
    id: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    rule: Option<String>,
    fields: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    at_most: Option<&'static str>,
    from: String,
    until: String,
    reason: String,
    by: String,
}

impl From<Silence> for SilenceItem {
    fn from(silence: Silence) -> Self {
        Self {
            id: silence.id,
            rule: silence.matcher.rule,
            fields: silence.matcher.fields,
            at_most: silence.matcher.at_most.map(Severity::as_str),
            from: silence.from.to_string(),
            until: silence.until.to_string(),
            reason: silence.reason,
            by: silence.by,
        }
    }
}

/// Which alerts.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct AlertsOf {
    /// `open`, `acknowledged`, `silenced` or `closed`.
    state: Option<String>,
    /// The number of the last one seen: the page begins with older ones.
    page: Option<u64>,
    /// How many, at most 200; 50 when not given.
    limit: Option<usize>,
}

/// Of which alerts nobody is to be told, how long and why.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewSilenceOf {
    /// Name or id of the rule.
    rule: Option<String>,
    /// What the events have in common, for instance `{"network": "192.0.2.0/24"}`.
    #[serde(default)]
    fields: BTreeMap<String, String>,
    /// Only alerts that are not worse.
    #[schema(value_type = Option<String>)]
    at_most: Option<Severity>,
    /// For instance `2h`.
    #[serde(rename = "for")]
    #[schema(value_type = String)]
    life: Period,
    reason: String,
}

/// Which channel.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct TestOf {
    /// All when not given.
    channel: Option<String>,
}

/// What rang, the latest first.
#[utoipa::path(get, path = "/.gabion/api/v1/alerts", tag = "alerts", operation_id = "list_alerts", params(AlertsOf),
    responses((status = 200, body = Page<AlertItem>), (status = 403, body = Problem)))]
pub(crate) async fn list(
    State(console): State<Console>,
    asker: Asker,
    Query(which): Query<AlertsOf>,
) -> Response {
    let limit = match limit(which.limit) {
        Ok(limit) => limit,
        Err(answer) => return answer,
    };
    match console.service.alerts(&asker.caller).await {
        Ok((groups, _)) => {
            let wanted = |group: &Group| {
                which.state.as_ref().is_none_or(|state| group.state.as_str() == state)
                    && which.page.is_none_or(|page| group.id < page)
            };
            let mut items: Vec<AlertItem> = groups
                .into_iter()
                .filter(wanted)
                .take(limit.saturating_add(1))
                .map(AlertItem::from)
                .collect();
            let more = items.len() > limit;
            items.truncate(limit);
            let next = items.last().filter(|_| more).map(|last| last.id.to_string());
            json(StatusCode::OK, &Page { items, total: None, next })
        }
        Err(error) => refused(error),
    }
}

/// One of them.
#[utoipa::path(get, path = "/.gabion/api/v1/alerts/{id}", tag = "alerts", operation_id = "read_alert", params(("id" = u64, Path)),
    responses((status = 200, body = AlertItem), (status = 404, body = Problem)))]
pub(crate) async fn read(State(console): State<Console>, asker: Asker, Path(id): Path<String>) -> Response {
    match console.service.alert(&asker.caller, number(&id)).await {
        Ok(group) => json(StatusCode::OK, &AlertItem::from(group)),
        Err(error) => refused(error),
    }
}

/// Somebody has it: nobody else is told, unless it becomes worse.
#[utoipa::path(post, path = "/.gabion/api/v1/alerts/{id}/acknowledge", tag = "alerts", operation_id = "acknowledge_alert",
    params(("id" = u64, Path)),
    responses((status = 200, body = AlertItem), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub(crate) async fn acknowledge(
    State(console): State<Console>,
    asker: Asker,
    Path(id): Path<String>,
) -> Response {
    match console.service.acknowledge_alert(&asker.caller, number(&id)).await {
        Ok(group) => json(StatusCode::OK, &AlertItem::from(group)),
        Err(error) => refused(error),
    }
}

/// It is over: the next alert of its kind begins another.
#[utoipa::path(post, path = "/.gabion/api/v1/alerts/{id}/close", tag = "alerts", operation_id = "close_alert",
    params(("id" = u64, Path)),
    responses((status = 200, body = AlertItem), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub(crate) async fn close(State(console): State<Console>, asker: Asker, Path(id): Path<String>) -> Response {
    match console.service.close_alert(&asker.caller, number(&id)).await {
        Ok(group) => json(StatusCode::OK, &AlertItem::from(group)),
        Err(error) => refused(error),
    }
}

/// A test message to a channel, or to all. What becomes of it stands in the ledger.
#[utoipa::path(post, path = "/.gabion/api/v1/alerts/test", tag = "alerts", operation_id = "test_alerts", request_body = TestOf,
    responses((status = 204), (status = 404, body = Problem)))]
pub(crate) async fn test(
    State(console): State<Console>,
    asker: Asker,
    Body(asked): Body<TestOf>,
) -> Response {
    match console.service.test_alerts(&asker.caller, asked.channel).await {
        Ok(_) => done(),
        Err(error) => refused(error),
    }
}

/// How each channel does.
#[utoipa::path(get, path = "/.gabion/api/v1/alerts/channels", tag = "alerts", operation_id = "list_alert_channels",
    responses((status = 200, body = Page<ChannelItem>), (status = 403, body = Problem)))]
pub(crate) async fn list_channels(State(console): State<Console>, asker: Asker) -> Response {
    match console.service.alert_channels(&asker.caller).await {
        Ok(channels) => {
            let items: Vec<ChannelItem> = channels.into_iter().map(ChannelItem::from).collect();
            json(StatusCode::OK, &Page { items, total: None, next: None })
        }
        Err(error) => refused(error),
    }
}

/// What nobody is told of.
#[utoipa::path(get, path = "/.gabion/api/v1/silences", tag = "alerts", operation_id = "list_silences",
    responses((status = 200, body = Page<SilenceItem>), (status = 403, body = Problem)))]
pub(crate) async fn list_silences(State(console): State<Console>, asker: Asker) -> Response {
    match console.service.silences(&asker.caller).await {
        Ok(silences) => {
            let items: Vec<SilenceItem> = silences.into_iter().map(SilenceItem::from).collect();
            json(StatusCode::OK, &Page { items, total: None, next: None })
        }
        Err(error) => refused(error),
    }
}

/// Tells nobody of some alerts for a while.
#[utoipa::path(post, path = "/.gabion/api/v1/silences", tag = "alerts", operation_id = "silence_alerts", request_body = NewSilenceOf,
    responses((status = 201, body = SilenceItem), (status = 422, body = Problem)))]
pub(crate) async fn silence(
    State(console): State<Console>,
    asker: Asker,
    Body(asked): Body<NewSilenceOf>,
) -> Response {
    let NewSilenceOf { rule, fields, at_most, life, reason } = asked;
    let asked = AskedSilence { matcher: Matcher { rule, fields, at_most }, life, reason };
    match console.service.silence_alerts(&asker.caller, asked).await {
        Ok(silence) => json(StatusCode::CREATED, &SilenceItem::from(silence)),
        Err(error) => refused(error),
    }
}

/// Ends a silence now.
#[utoipa::path(delete, path = "/.gabion/api/v1/silences/{id}", tag = "alerts", operation_id = "unsilence_alerts",
    params(("id" = u64, Path)), responses((status = 204), (status = 404, body = Problem)))]
pub(crate) async fn unsilence(
    State(console): State<Console>,
    asker: Asker,
    Path(id): Path<String>,
) -> Response {
    match console.service.unsilence_alerts(&asker.caller, number(&id)).await {
        Ok(_) => done(),
        Err(error) => refused(error),
    }
}

/// What is no number is that of nothing.
pub(super) fn number(text: &str) -> u64 {
    text.parse().unwrap_or(u64::MAX)
}

impl From<AlertError> for Problem {
    fn from(error: AlertError) -> Self {
        match error {
            AlertError::Act(error) => error.into(),
            AlertError::Desk(DeskError::NotFound) => Self::new(StatusCode::NOT_FOUND, error.to_string()),
            AlertError::Desk(error) => Self::new(StatusCode::CONFLICT, error.to_string()),
            AlertError::Invalid(problem) => {
                Self::field(StatusCode::UNPROCESSABLE_ENTITY, &problem.path, problem.reason)
            }
        }
    }
}
