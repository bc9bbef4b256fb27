//! Opsgenie, Alert API: `https://docs.opsgenie.com/docs/alert-api`. Jira Service Management takes the same at its address.

use gabion_alert::{Notice, NoticeKind};
use gabion_model::outbound::FetchRequest;
use gabion_model::{Secret, Severity};
use serde_json::{Map, Value, json};

use super::{post_json, text};

pub(super) const URL: &str = "https://api.opsgenie.com/v2/alerts";

pub(super) fn request(
    url: &str,
    key: Option<&Secret<String>>,
    notice: &Notice,
    source: &str,
) -> Option<FetchRequest> {
    let url = url.trim_end_matches('/');
    let verb = match notice.kind {
        NoticeKind::Acknowledged => Some("acknowledge"),
        NoticeKind::Closed => Some("close"),
        _ => None,
    };
    let request = match (verb, &notice.group) {
        (Some(verb), Some(group)) => {
            let alias = encoded(&alias(&text::identity(group, source)));
            let url = format!("{url}/{alias}/{verb}?identifierType=alias");
            post_json(&url, &json!({ "source": text::cut(source, 100), "note": text::title(notice) }))
        }
        _ => post_json(url, &alert(notice, source)),
    };
    Some(request.header("authorization", Secret::new(format!("GenieKey {}", key?.expose()))))
}

fn alert(notice: &Notice, source: &str) -> Value {
    let group = notice.group.as_deref();
    let priority = match notice.severity() {
        Severity::Critical => "P1",
        Severity::High => "P2",
        Severity::Medium => "P3",
        Severity::Low => "P4",
        Severity::Informational => "P5",
    };
    let identity = match group {
        Some(group) => text::identity(group, source),
        None => format!("gabion/{source}/{}", notice.kind.as_str()),
    };
    let details: Map<String, Value> =
        text::facts(notice, source).into_iter().map(|(name, value)| (name, value.into())).collect();
    json!({
        "message": text::cut(&text::title(notice), 130),
        "alias": alias(&identity),
        "description": format!("{}\n\n{}", text::summary(notice), text::next_lines(notice)).trim_end(),
        "details": details,
        "tags": ["gabion"],
        "source": text::cut(source, 100),
        "priority": priority,
    })
}

fn alias(identity: &str) -> String {
    text::cut(identity, 512)
}

/// As a segment of a path (RFC 3986).
fn encoded(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

/// `{"result": "Request will be processed", …}`.
pub(super) fn is_taken(body: &[u8]) -> bool {
    let answer: Option<Value> = serde_json::from_slice(body).ok();
    answer.as_ref().and_then(|answer| answer.get("requestId")).is_some_and(Value::is_string)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::channels::webhook::tests::hostile;

    #[test]
    fn what_was_opened_is_acknowledged_and_closed_by_its_alias() {
        let key = Secret::new("k".to_owned());
        let of =
            |kind| request(URL, Some(&key), &Notice { kind, ..hostile() }, "https://gate.example").unwrap();
        let opened = of(NoticeKind::Raised);
        let body: Value = serde_json::from_slice(opened.body.expose()).unwrap();
        assert_eq!(
            (&body["alias"], &body["priority"]),
            (&"gabion/https://gate.example/17".into(), &"P2".into())
        );
        assert!(body["message"].as_str().unwrap().chars().count() <= 130);
        assert!(body["description"].as_str().unwrap().chars().count() <= 15_000);
        let details = body["details"].as_object().unwrap();
        let all: usize = details
            .iter()
            .map(|(name, value)| name.chars().count() + value.as_str().unwrap().chars().count())
            .sum();
        assert!(all <= 8000, "{all}");
        assert!(!body.to_string().contains('<'), "messages may be shown as HTML");
        assert_eq!(
            of(NoticeKind::Closed).url,
            "https://api.opsgenie.com/v2/alerts/gabion%2Fhttps%3A%2F%2Fgate.example%2F17/close?identifierType=alias"
        );
        let header = |name: &str| {
            opened.headers.iter().find(|(own, _)| own == name).map(|(_, value)| value.expose().clone())
        };
        assert_eq!(header("authorization"), Some("GenieKey k".to_owned()));
    }
}
