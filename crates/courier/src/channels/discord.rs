//! Discord, by a webhook: `https://docs.discord.com/developers/resources/webhook#execute-webhook`.
//!
//! `allowed_mentions` with an empty `parse` calls nobody, whatever the text says; markup is escaped besides.

use gabion_alert::Notice;
use gabion_model::outbound::FetchRequest;
use serde_json::{Value, json};

use super::{post_json, text};

pub(super) fn request(url: &str, notice: &Notice, source: &str) -> FetchRequest {
    post_json(url, &message(notice, source))
}

fn message(notice: &Notice, source: &str) -> Value {
    let title = text::cut(&escaped(&text::title(notice)), 256);
    let summary = text::cut(&escaped(&text::summary(notice)), 2000);
    let next = text::next_lines(notice);
    let mut facts = text::facts(notice, source);
    if !next.is_empty() {
        facts.insert(0, ("Next".to_owned(), next));
    }
    // All texts of a message together are bounded: what has no place stands in `gabion alert show`.
    let mut left = MOST.saturating_sub(text::units(&title)).saturating_sub(text::units(&summary));
    let mut fields = Vec::new();
    for (name, value) in facts.into_iter().take(25) {
        let inline = name != "Next";
        let (name, value) = (text::cut(&escaped(&name), 256), text::cut(&escaped(&value), 1024));
        let Some(rest) = left.checked_sub(text::units(&name).saturating_add(text::units(&value))) else {
            break;
        };
        left = rest;
        fields.push(json!({ "name": name, "value": value, "inline": inline }));
    }
    json!({
        "username": "Gabion",
        "allowed_mentions": { "parse": [] },
        "embeds": [{
            "title": title,
            "description": summary,
            "color": text::colour(notice.severity()),
            "timestamp": notice.made.to_string(),
            "fields": fields,
        }],
    })
}

/// Every character by which Markdown could begin anything.
fn escaped(text: &str) -> String {
    let mut out = String::new();
    for character in text.chars() {
        if "\\*_~`|>#-[]()<:+.".contains(character) {
            out.push('\\');
        }
        out.push(character);
    }
    out
}

/// Characters of all texts in all embeds of a message.
const MOST: usize = 6000;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::channels::webhook::tests::hostile;

    #[test]
    fn what_an_attacker_wrote_is_text() {
        let message = message(&hostile(), "https://gate.example");
        assert_eq!(message["allowed_mentions"], json!({ "parse": [] }));
        let embed = &message["embeds"][0];
        let title = embed["title"].as_str().unwrap();
        assert!(title.contains("‹!channel›") && !title.contains("@everyone"), "{title}");
        let all = message.to_string();
        assert!(!all.contains("](http"), "{all}");
        assert!(embed["fields"].as_array().unwrap().len() <= 25);
        assert!(embed["description"].as_str().unwrap().chars().count() <= 4096);
        let texts = |value: &Value| -> usize {
            [&value["title"], &value["description"], &value["name"], &value["value"]]
                .into_iter()
                .filter_map(Value::as_str)
                .map(text::units)
                .sum()
        };
        let fields = embed["fields"].as_array().unwrap();
        assert!(texts(embed) + fields.iter().map(texts).sum::<usize>() <= 6000);
        assert!(fields.iter().all(|field| !field["value"].as_str().unwrap().is_empty()));
        assert_eq!(fields[0]["name"], "Next", "what to do is never cut off");
    }
}
