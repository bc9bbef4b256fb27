//! What an event may hold: every string bounded, nothing that moves a terminal or forges a line, and,
//! as a second line of defence, nothing that looks like a secret.
//!
//! | field | bytes at most | and |
//! |---|---|---|
//! | action | 64 | |
//! | resource | 512 | cut at the first `?` or `#`: a query is never recorded |
//! | user agent | 256 | |
//! | reason | 512 | |
//! | actor's id, name, session | 128 each | |
//! | tenant | 128 | never cut: a longer one is written as its digest |
//! | metadata | 16 entries, key 64, value 256 | |
//!
//! Control characters, line separators and characters that change the direction of text are written
//! as `\u{…}`. A text that was cut ends in `…`. Secrets become `***` (see `redact`); they are looked for
//! before anything is cut, so that no part of one stays.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Write;

use gabion_model::{AccountId, Actor, Event, SessionId};

use crate::redact::redact;
use crate::tenants;

/// Cleans every string of the event.
pub fn event(event: &mut Event) {
    clean(&mut event.action, ACTION);
    if let Some(end) = event.resource.find(['?', '#']) {
        event.resource.truncate(end);
    }
    clean(&mut event.resource, RESOURCE);
    if let Some(user_agent) = &mut event.user_agent {
        clean(user_agent, USER_AGENT);
    }
    if let Some(reason) = &mut event.reason {
        clean(reason, REASON);
    }
    actor(&mut event.actor);
    if let Some(tenant) = &mut event.tenant {
        *tenant = tenants::recorded(tenant);
    }
    metadata(&mut event.metadata);
}

/// One text, cleaned and bounded to `most` bytes. Borrowed only when nothing had to be done.
#[must_use]
pub fn text(text: &str, most: usize) -> Cow<'_, str> {
    // Far beyond the bound nothing is looked at; the margin lets a secret be seen whole.
    let seen = clip_word(text, most.saturating_mul(4).saturating_add(4096));
    let redacted = redact(seen);
    let escaped = escape(&redacted);
    if let (Cow::Borrowed(_), Cow::Borrowed(_)) = (&redacted, &escaped)
        && text.len() <= most
    {
        return Cow::Borrowed(text);
    }
    let mut cleaned = escaped.into_owned();
    if cleaned.len() > most || seen.len() < text.len() {
        let kept = clip(&cleaned, most.saturating_sub(CUT.len())).len();
        cleaned.truncate(kept);
        cleaned.push_str(CUT);
    }
    Cow::Owned(cleaned)
}

/// The longest beginning of `text` that has at most `most` bytes.
pub(crate) fn clip(text: &str, most: usize) -> &str {
    text.get(..text.floor_char_boundary(most)).unwrap_or(text)
}

/// The same, cut between two words: half a secret does not look like one.
pub(crate) fn clip_word(text: &str, most: usize) -> &str {
    if text.len() <= most {
        return text;
    }
    clip(text, most)
        .trim_end_matches(|character: char| character.is_alphanumeric() || "-_.".contains(character))
}

/// Longest action.
pub(crate) const ACTION: usize = 64;
/// Longest resource.
pub(crate) const RESOURCE: usize = 512;
/// Longest user agent.
pub(crate) const USER_AGENT: usize = 256;
/// Longest reason.
pub(crate) const REASON: usize = 512;
/// Longest name or id of an actor.
const ACTOR: usize = 128;
const METADATA: usize = 16;
const METADATA_KEY: usize = 64;
const METADATA_VALUE: usize = 256;
const CUT: &str = "…";

fn clean(value: &mut String, most: usize) {
    if let Cow::Owned(cleaned) = text(value, most) {
        *value = cleaned;
    }
}

fn actor(actor: &mut Actor) {
    if let Actor::Account { id, name, session } = actor {
        if let Cow::Owned(cleaned) = text(id.as_str(), ACTOR) {
            *id = AccountId::new(&cleaned);
        }
        clean(name, ACTOR);
        if let Some(own) = session
            && let Cow::Owned(cleaned) = text(own.as_str(), ACTOR)
        {
            *own = SessionId::new(&cleaned);
        }
    }
}

fn metadata(metadata: &mut BTreeMap<String, String>) {
    let clean_already = metadata.len() <= METADATA
        && metadata.iter().all(|(key, value)| {
            matches!(text(key, METADATA_KEY), Cow::Borrowed(_)) && is_clean_value(key, value)
        });
    if !clean_already {
        *metadata = std::mem::take(metadata)
            .into_iter()
            .take(METADATA)
            .map(|(key, value)| {
                let value = if names_secret(&key) {
                    HIDDEN.to_owned()
                } else {
                    text(&value, METADATA_VALUE).into_owned()
                };
                (text(&key, METADATA_KEY).into_owned(), value)
            })
            .collect();
    }
}

const HIDDEN: &str = "***";

fn is_clean_value(key: &str, value: &str) -> bool {
    if names_secret(key) { value == HIDDEN } else { matches!(text(value, METADATA_VALUE), Cow::Borrowed(_)) }
}

/// Whether a value under this key is a secret whatever it looks like.
fn names_secret(key: &str) -> bool {
    key != KEY_ID && crate::redact::names_secret(key)
}

/// Under this key the gate names the id of an API key, which is none; a key itself looks like a secret and is one here, too.
const KEY_ID: &str = "api-key";

fn escape(text: &str) -> Cow<'_, str> {
    // Nearly every text is plain ASCII, and whether it is costs little to see.
    let plain = text.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    if plain || !text.chars().any(is_unprintable) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        if is_unprintable(character) {
            // Writing to a string cannot fail.
            let _ = write!(out, "\\u{{{:x}}}", u32::from(character));
        } else {
            out.push(character);
        }
    }
    Cow::Owned(out)
}

/// Control characters, line and paragraph separators, and the marks that reorder text on a screen.
fn is_unprintable(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use gabion_model::{ControlId, EventKind, Outcome, Timestamp};
    use proptest::prelude::*;

    use super::*;

    fn sample(texts: &[String; 8]) -> Event {
        let [action, resource, user_agent, reason, id, name, key, value] = texts.clone();
        let actor = Actor::Account { id: AccountId::new(&id), name, session: Some(SessionId::new(&reason)) };
        let kind = EventKind::Refusal;
        let mut event =
            Event::new(Timestamp::default(), kind, &action, actor, Outcome::Failure, ControlId::WEB_CSRF);
        event.resource = resource;
        event.user_agent = Some(user_agent);
        event.reason = Some(reason);
        for number in 0..40 {
            event.metadata.insert(format!("{number}{key}"), value.clone());
        }
        event
    }

    /// Texts in which the interesting characters are frequent.
    fn hostile() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            ".{0,20}",
            "[\\x00-\\x20\\x7f-\\xa0\u{202e}\u{2028}]{1,4}",
            "[ =:&;?#\"'%]{1,3}",
            Just("password".to_owned()),
            Just("Bearer ".to_owned()),
            "[a-zA-Z0-9_-]{30,80}",
            Just("é".repeat(300)),
            Just("x".repeat(9000)),
        ];
        prop::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat())
    }

    #[test]
    fn a_query_is_never_recorded() {
        let mut event = sample(&[const { String::new() }; 8]);
        event.resource = "/reset?token=abc#x".to_owned();
        super::event(&mut event);
        assert_eq!(event.resource, "/reset");
    }

    #[test]
    fn escapes_what_moves_a_terminal_and_marks_what_was_cut() {
        assert_eq!(text("a\u{1b}[2J\r\nb\u{202e}", 99), "a\\u{1b}[2J\\u{d}\\u{a}b\\u{202e}");
        assert_eq!(text(&"é".repeat(9), 10), "ééé…");
        assert_eq!(text("plain: nothing to do", 64), "plain: nothing to do");
        assert_eq!(text(&"x".repeat(100_000), 64), "…");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn every_field_is_bounded_and_printable(texts in prop::array::uniform8(hostile())) {
            let mut event = sample(&texts);
            super::event(&mut event);
            let encoded = serde_json::to_vec(&event).unwrap();
            prop_assert!(encoded.len() < 16_384, "{}", encoded.len());
            prop_assert!(event.action.len() <= ACTION && event.resource.len() <= RESOURCE);
            prop_assert!(event.user_agent.as_ref().unwrap().len() <= USER_AGENT);
            prop_assert!(event.reason.as_ref().unwrap().len() <= REASON);
            prop_assert!(event.metadata.len() <= METADATA);
            let printed = format!("{}{}{:?}{:?}", event.action, event.resource, event.user_agent, event.reason);
            prop_assert!(!printed.chars().any(is_unprintable));
            let short = |(key, value): (&String, &String)| {
                key.len() <= METADATA_KEY && value.len() <= METADATA_VALUE && !value.chars().any(is_unprintable)
            };
            prop_assert!(event.metadata.iter().all(short));
        }

        #[test]
        fn no_part_of_a_ticket_stays_wherever_it_stands(
            texts in prop::array::uniform8(prop::collection::vec("[ /&;,é]{0,300}", 2)),
        ) {
            const TICKET: &str = "q0Zr8mB3sKfXvT1yLw9JcHnPdEaGuR5i7oQ2eU4tY6A";
            let mut event = sample(&texts.map(|around| around.join(TICKET)));
            super::event(&mut event);
            let encoded = serde_json::to_string(&event).unwrap();
            for part in TICKET.as_bytes().windows(8) {
                prop_assert!(!encoded.contains(std::str::from_utf8(part).unwrap()), "{}", encoded);
            }
        }
    }
}
