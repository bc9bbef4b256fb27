//! Microsoft Teams, by a workflow ("When a Teams webhook request is received") that posts Adaptive Cards:
//! `https://adaptivecards.io/explorer`, version 1.4.
//!
//! `TextRun` is the one element in which text is never Markdown, so all of it stands in those.

use gabion_alert::Notice;
use gabion_model::Severity;
use gabion_model::outbound::FetchRequest;
use serde_json::{Value, json};

use super::{post_json, text};

pub(super) fn request(url: &str, notice: &Notice, source: &str) -> FetchRequest {
    post_json(url, &message(notice, source))
}

fn message(notice: &Notice, source: &str) -> Value {
    let card = json!({
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": body(notice, source),
    });
    json!({
        "type": "message",
        "attachments": [{
            "contentType": "application/vnd.microsoft.card.adaptive",
            "contentUrl": null,
            "content": card,
        }],
    })
}

fn body(notice: &Notice, source: &str) -> Vec<Value> {
    let colour = match notice.severity() {
        Severity::Informational | Severity::Low => "default",
        Severity::Medium => "warning",
        Severity::High | Severity::Critical => "attention",
    };
    let block = |runs: Vec<Value>| json!({ "type": "RichTextBlock", "inlines": runs });
    let title = json!({
        "type": "TextRun", "text": text::title(notice), "weight": "bolder", "size": "medium", "color": colour,
    });
    let mut body =
        vec![block(vec![title]), block(vec![json!({ "type": "TextRun", "text": text::summary(notice) })])];
    let next = text::next(notice).into_iter().map(|(what, command)| (what.to_owned(), command));
    for (name, value) in next.chain(text::facts(notice, source)) {
        let name = json!({ "type": "TextRun", "text": format!("{name}: "), "weight": "bolder" });
        body.push(block(vec![name, json!({ "type": "TextRun", "text": value })]));
    }
    body
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::channels::webhook::tests::hostile;

    #[test]
    fn what_an_attacker_wrote_is_text() {
        let message = message(&hostile(), "https://gate.example");
        let card = &message["attachments"][0]["content"];
        assert_eq!(card["version"], "1.4");
        for block in card["body"].as_array().unwrap() {
            assert_eq!(block["type"], "RichTextBlock");
            assert!(block["inlines"].as_array().unwrap().iter().all(|run| run["type"] == "TextRun"));
        }
        assert!(message.to_string().len() <= 28 * 1024, "what a message may have");
        let all = card["body"].to_string();
        assert!(!all.contains("://evil") && !all.contains("@everyone"), "{all}");
        assert!(message.get("msteams").is_none(), "without entities `<at>` calls nobody");
    }
}
