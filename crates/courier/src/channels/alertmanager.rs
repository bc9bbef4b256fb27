//! Prometheus Alertmanager, API v2 (`POST /api/v2/alerts`):
//! `https://github.com/prometheus/alertmanager/blob/main/api/v2/openapi.yaml`.
//!
//! It knows an alert by its labels and forgets it at `endsAt`. That somebody has it is not among its words. How bad an alert
//! is is a label, because people route by it; when it becomes worse, the alert of the former label is ended.

use gabion_alert::{Notice, NoticeKind};
use gabion_model::outbound::FetchRequest;
use gabion_model::{Secret, Severity, Timestamp};
use serde_json::{Map, Value, json};

use super::{post_json, text};

pub(super) fn request(
    url: &str,
    token: Option<&Secret<String>>,
    notice: &Notice,
    source: &str,
    now: Timestamp,
) -> Option<FetchRequest> {
    if notice.kind == NoticeKind::Acknowledged {
        return None;
    }
    let url = format!("{}/api/v2/alerts", url.trim_end_matches('/'));
    let request = post_json(&url, &Value::Array(alerts(notice, source, now)));
    Some(match token {
        Some(token) => request.header("authorization", Secret::new(format!("Bearer {}", token.expose()))),
        None => request,
    })
}

fn alerts(notice: &Notice, source: &str, now: Timestamp) -> Vec<Value> {
    let Some(group) = &notice.group else {
        return vec![alert(notice, notice.severity(), source, now, notice.made.saturating_add(HOUR))];
    };
    let closed = notice.kind == NoticeKind::Closed;
    let ends = if closed { now } else { now.saturating_add(LONGEST) };
    let mut alerts = vec![alert(notice, group.severity, source, now, ends)];
    alerts.extend(group.was.iter().map(|severity| alert(notice, *severity, source, now, now)));
    alerts
}

fn alert(notice: &Notice, severity: Severity, source: &str, now: Timestamp, ends: Timestamp) -> Value {
    let mut labels = Map::new();
    let mut label = |name: &str, value: String| {
        if !value.is_empty() {
            labels.insert(name.to_owned(), value.into());
        }
    };
    label("job", "gabion".to_owned());
    label("instance", source.to_owned());
    label("severity", severity.as_str().to_owned());
    let mut starts = notice.made;
    match &notice.group {
        Some(group) => {
            label("alertname", text::defused(&group.rule, 250));
            label("alert_id", group.id.to_string());
            for (name, value) in &group.fields {
                label(&label_name(name), text::defused(value, 250));
            }
            starts = group.first_seen;
        }
        None => label("alertname", format!("gabion-{}", notice.kind.as_str())),
    }
    let mut alert = json!({
        "labels": labels,
        "annotations": {
            "summary": text::title(notice),
            "description": text::summary(notice),
            "next": text::next_lines(notice),
        },
        "startsAt": starts.min(now).min(ends).to_string(),
        "endsAt": ends.to_string(),
    });
    if let (true, Some(alert)) = (source.starts_with("http"), alert.as_object_mut()) {
        alert.insert("generatorURL".to_owned(), source.into());
    }
    alert
}

/// `[a-zA-Z_][a-zA-Z0-9_]*`.
fn label_name(name: &str) -> String {
    let plain = |character: char| if character.is_ascii_alphanumeric() { character } else { '_' };
    format!("gabion_{}", name.chars().take(60).map(plain).collect::<String>())
}

const HOUR: std::time::Duration = std::time::Duration::from_secs(3600);
/// A group is closed before.
const LONGEST: std::time::Duration = std::time::Duration::from_secs(91 * 86_400);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::channels::webhook::tests::hostile;

    #[test]
    fn labels_are_labels_and_stay_the_same_until_it_ends() {
        let now = Timestamp::from_secs(2_000_000_000);
        let of = |notice: &Notice| alerts(notice, "https://gate.example", now);
        let raised = of(&hostile()).remove(0);
        let closed = of(&Notice { kind: NoticeKind::Closed, ..hostile() });
        assert_eq!(raised["labels"], closed[0]["labels"]);
        assert_eq!(closed[0]["endsAt"], now.to_string());
        // What it was when it was less bad ends, too.
        let levels: Vec<_> = closed.iter().map(|one| one["labels"]["severity"].as_str().unwrap()).collect();
        assert_eq!(levels, ["high", "low"]);
        assert!(closed.iter().all(|one| one["endsAt"] == now.to_string()));
        for (name, value) in raised["labels"].as_object().unwrap() {
            assert!(name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_'), "{name}");
            assert!(value.is_string());
        }
        let taken = Notice { kind: NoticeKind::Acknowledged, ..hostile() };
        assert!(request("http://a", None, &taken, "s", now).is_none());
        assert_eq!(
            request("http://a:9093/", None, &hostile(), "s", now).unwrap().url,
            "http://a:9093/api/v2/alerts"
        );
    }
}
