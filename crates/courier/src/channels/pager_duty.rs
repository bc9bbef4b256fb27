//! PagerDuty, Events API v2: `https://developer.pagerduty.com/docs/send-alert-event`.

use gabion_alert::{Notice, NoticeKind};
use gabion_model::outbound::FetchRequest;
use gabion_model::{Secret, Severity};
use serde_json::{Map, Value, json};

use super::{post_json, text};

pub(super) const URL: &str = "https://events.pagerduty.com/v2/enqueue";

pub(super) fn request(
    url: &str,
    key: Option<&Secret<String>>,
    notice: &Notice,
    source: &str,
) -> Option<FetchRequest> {
    let mut event = event(notice, source);
    event.insert("routing_key".to_owned(), key?.expose().as_str().into());
    Some(post_json(url, &Value::Object(event)))
}

fn event(notice: &Notice, source: &str) -> Map<String, Value> {
    let action = match notice.kind {
        NoticeKind::Acknowledged => "acknowledge",
        NoticeKind::Closed => "resolve",
        _ => "trigger",
    };
    let key = match &notice.group {
        Some(group) => text::identity(group, source),
        None => format!("gabion/{source}/{}", notice.kind.as_str()),
    };
    let mut event = Map::new();
    event.insert("event_action".to_owned(), action.into());
    event.insert("dedup_key".to_owned(), text::cut(&key, 255).into());
    if action == "trigger" {
        event.insert("client".to_owned(), "Gabion".into());
        event.insert("payload".to_owned(), payload(notice, source));
    }
    event
}

fn payload(notice: &Notice, source: &str) -> Value {
    let group = notice.group.as_deref();
    let severity = match notice.severity() {
        Severity::Critical => "critical",
        Severity::High => "error",
        Severity::Medium => "warning",
        Severity::Low | Severity::Informational => "info",
    };
    let mut details: Map<String, Value> =
        text::facts(notice, source).into_iter().map(|(name, value)| (name, value.into())).collect();
    for (what, command) in text::next(notice) {
        details.insert(what.to_owned(), command.into());
    }
    let summary = format!("{}. {}", text::title(notice), text::summary(notice));
    json!({
        "summary": text::cut(&summary, 1024),
        "source": source,
        "severity": severity,
        "timestamp": notice.made.to_string(),
        "component": "gabion",
        "class": group.map_or_else(|| "test".to_owned(), |group| text::defused(&group.rule, 250)),
        "custom_details": details,
    })
}

/// `{"status": "success", …}`.
pub(super) fn is_taken(body: &[u8]) -> bool {
    let answer: Option<Value> = serde_json::from_slice(body).ok();
    answer.as_ref().and_then(|answer| answer.get("status")).is_some_and(|status| status == "success")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::channels::webhook::tests::hostile;

    #[test]
    fn one_incident_is_triggered_taken_and_resolved_by_one_key() {
        let notice = |kind| Notice { kind, ..hostile() };
        let of = |kind| event(&notice(kind), "https://gate.example");
        let trigger = of(NoticeKind::Raised);
        assert_eq!(
            (&trigger["event_action"], &trigger["payload"]["severity"]),
            (&"trigger".into(), &"error".into())
        );
        assert_eq!(of(NoticeKind::Escalated)["dedup_key"], trigger["dedup_key"]);
        let taken = of(NoticeKind::Acknowledged);
        assert_eq!(
            (&taken["event_action"], &taken["dedup_key"]),
            (&"acknowledge".into(), &trigger["dedup_key"])
        );
        assert!(taken.get("payload").is_none());
        assert_eq!(of(NoticeKind::Closed)["event_action"], "resolve");
        assert!(trigger["dedup_key"].as_str().unwrap().len() <= 255);
        assert!(trigger["payload"].to_string().len() <= 512 * 1024);
        assert_eq!(trigger["payload"]["custom_details"]["Take it"], "gabion alert ack 17");
        assert!(trigger["payload"]["summary"].as_str().unwrap().chars().count() <= 1024);
        assert!(is_taken(br#"{"status":"success","message":"Event processed"}"#));
        assert!(!is_taken(b"ok") && !is_taken(br#"{"status":"invalid event"}"#));
    }
}
