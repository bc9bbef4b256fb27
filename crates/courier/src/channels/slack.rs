//! Slack, by an incoming webhook: `https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks`.
//!
//! What comes from events stands in `plain_text` objects, where nothing is markup. The fallback `text` is markup whatever one
//! does: `&`, `<` and `>` are escaped there, which leaves no `<!channel>` and no `<url|text>`.

use gabion_alert::Notice;
use gabion_model::outbound::FetchRequest;
use serde_json::{Value, json};

use super::{post_json, text};

pub(super) fn request(url: &str, notice: &Notice, source: &str) -> FetchRequest {
    post_json(url, &message(notice, source))
}

fn message(notice: &Notice, source: &str) -> Value {
    let title = text::title(notice);
    let plain = |words: &str, most: usize| json!({ "type": "plain_text", "text": text::cut(words, most), "emoji": false });
    let facts: Vec<Value> = text::facts(notice, source)
        .iter()
        .map(|(name, value)| plain(&format!("{name}: {value}"), 2000))
        .collect();
    let mut blocks = vec![
        json!({ "type": "header", "text": plain(&title, 150) }),
        json!({ "type": "section", "text": plain(&text::summary(notice), 3000) }),
    ];
    let next = text::next_lines(notice);
    if !next.is_empty() {
        blocks.push(json!({ "type": "section", "text": plain(&next, 3000) }));
    }
    // Ten fields are what a section takes.
    blocks.extend(facts.chunks(10).map(|fields| json!({ "type": "section", "fields": fields })));
    json!({ "text": escaped(&title), "blocks": blocks, "unfurl_links": false, "unfurl_media": false })
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// Slack says `ok` in as many letters.
pub(super) fn is_taken(body: &[u8]) -> bool {
    body.trim_ascii() == b"ok"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::channels::webhook::tests::hostile;

    #[test]
    fn what_an_attacker_wrote_is_text() {
        let message = message(&hostile(), "https://gate.example");
        let all = message.to_string();
        assert!(!all.contains("mrkdwn") && !all.contains("://evil") && !all.contains("@everyone"), "{all}");
        let fallback = message["text"].as_str().unwrap();
        assert!(!fallback.contains('<') && fallback.contains("‹!channel›"), "{fallback}");
        assert!(message["blocks"][0]["text"]["text"].as_str().unwrap().chars().count() <= 150);
        for block in message["blocks"].as_array().unwrap() {
            assert!(block["fields"].as_array().is_none_or(|fields| fields.len() <= 10));
        }
        assert!(is_taken(b"ok") && !is_taken(b"invalid_token") && !is_taken(b"<html>ok"));
    }
}
