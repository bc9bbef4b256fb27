//! Anybody else, by Standard Webhooks: `{"type", "timestamp", "data"}`, signed. The id stays the same when a message is sent
//! again.

use gabion_alert::Notice;
use gabion_model::Timestamp;
use gabion_model::outbound::FetchRequest;
use gabion_vault::webhook::{Key, SignFault};
use serde_json::json;

use super::text;

pub(super) fn request(
    url: &str,
    keys: &[Key],
    notice: &Notice,
    source: &str,
    now: Timestamp,
) -> Result<FetchRequest, SignFault> {
    let body = json!({
        "type": format!("alert.{}", notice.kind.as_str()),
        "timestamp": notice.made.to_string(),
        "data": {
            "gate": source,
            "title": text::title(notice),
            "next": text::next(notice).into_iter().map(|(_, command)| command).collect::<Vec<_>>(),
            "more": notice.more,
            "alert": notice.group,
        },
    });
    crate::webhook(url, keys, &format!("alert-{}", notice.id), now, body.to_string().into_bytes())
}

#[cfg(test)]
pub(crate) mod tests {
    use gabion_alert::{Group, GroupState, NoticeKind};
    use gabion_model::Severity;

    use super::*;

    /// A notice in which everything an attacker has a say in tries something.
    pub(crate) fn hostile() -> Notice {
        let at = Timestamp::from_secs(1_800_000_000);
        let evil = "<!channel> @everyone [x](https://evil.example/) <https://evil.example|ok> **b** \u{202e}"
            .to_owned();
        let group = Group {
            id: 17,
            key: "r\u{1f}".to_owned(),
            rule: "<!channel> @everyone".to_owned(),
            summary: evil.repeat(40),
            description: evil.repeat(9),
            false_positives: evil.repeat(9),
            severity: Severity::High,
            was: vec![Severity::Low],
            state: GroupState::Open,
            first_seen: at,
            last_seen: at,
            count: 3,
            fields: (0..12).map(|number| (format!("o\nther-{number}"), evil.repeat(3))).collect(),
            address: Some("192.0.2.7".to_owned()),
            techniques: "T1110.004".to_owned(),
            author: evil,
            control: "authn.login-throttle".to_owned(),
            alerts: vec![41],
            step: 1,
            told: None,
            channels: Vec::new(),
            silence: None,
            acknowledged: None,
            closed: None,
        };
        Notice {
            id: 18,
            channel: "c".to_owned(),
            kind: NoticeKind::Raised,
            group: Some(Box::new(group)),
            more: 0,
            worst: None,
            made: at,
            due: at,
            tries: 0,
        }
    }
}
