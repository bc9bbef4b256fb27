//! Hostile texts stay inside their field, and every line is one line (CWE-117).

use std::collections::BTreeMap;

use gabion_model::{Actor, Event};
use gabion_telemetry::{Source, cef, ocsf, syslog};
use proptest::prelude::*;
use serde_json::Value;

use crate::{events, hostile};

proptest! {
    #[test]
    fn cef_has_the_fields_that_were_put_there(event in events(), version in hostile(), position: u64) {
        let line = cef::line(&Source { version: &version, host: "" }, position, &event);
        prop_assert!(one_line(&line), "{line:?}");
        let (header, extension) = read_cef(&line);
        prop_assert_eq!(&header[..3], ["CEF:0", "Gabion", "Gabion"]);
        prop_assert_eq!(&header[3], &flat(&version));
        prop_assert_eq!(&header[4], &flat(&event.action));
        prop_assert!(["1", "3", "5", "8", "10"].contains(&&*header[6]));
        prop_assert!(extension.keys().all(|key| KEYS.contains(&&**key)), "{extension:?}");
        let value = |key: &str| extension.get(key).map(String::as_str);
        prop_assert_eq!(value("externalId"), Some(&*position.to_string()));
        prop_assert_eq!(value("outcome"), Some(event.outcome.as_str()));
        prop_assert_eq!(value("cs1"), Some(event.control.as_str()));
        prop_assert_eq!(value("reason").map(str::to_owned), event.reason.as_deref().map(ends));
        let agent = event.user_agent.as_deref().map(ends);
        prop_assert_eq!(value("requestClientApplication").map(str::to_owned), agent);
        match &event.actor {
            Actor::Account { name, .. } => prop_assert_eq!(value("suser"), Some(&*ends(name))),
            _ => prop_assert_eq!(value("suid"), None),
        }
        if let Some(metadata) = value("cs5") {
            let read: BTreeMap<String, String> = serde_json::from_str(metadata).unwrap();
            prop_assert_eq!(&read, &event.metadata);
        }
    }

    #[test]
    fn syslog_has_the_fields_that_were_put_there(
        event in events(), version in hostile(), host in hostile(), position: u64,
    ) {
        let source = Source { version: &version, host: &host };
        let message = syslog::message(&source, position, &event, syslog::Message::Ocsf);
        prop_assert!(message.bytes().all(|byte| !byte.is_ascii_control()), "{message:?}");
        let mut parts = message.splitn(7, ' ');
        let mut next = || parts.next().unwrap();
        let (first, time, host, app, process, id) = (next(), next(), next(), next(), next(), next());
        let priority = first.strip_prefix('<').and_then(|rest| rest.strip_suffix(">1")).unwrap();
        prop_assert_eq!(priority.parse::<u8>().unwrap() / 8, 13);
        prop_assert!(time == "-" || time.len() == 27);
        prop_assert_eq!((app, process), ("gabion", "-"));
        for (field, most) in [(host, 255), (id, 32)] {
            prop_assert!((1..=most).contains(&field.len()) && field.bytes().all(|byte| byte.is_ascii_graphic()));
        }
        let (elements, body) = read_structured(next());
        prop_assert_eq!(elements.len(), 2);
        let sequence = elements["meta"]["sequenceId"].parse::<u64>().unwrap();
        prop_assert!((1..=2_147_483_647).contains(&sequence));
        prop_assert_eq!(&elements["origin"]["swVersion"], &flat(&version));
        prop_assert_eq!(elements["origin"].len(), 2);
        let read: Value = serde_json::from_str(&body).unwrap();
        prop_assert_eq!(read, ocsf::event_object(&source, position, &event));

        let message = syslog::message(&source, position, &event, syslog::Message::Cef);
        let body = message.split_once("] \u{feff}").unwrap().1;
        prop_assert_eq!(body, cef::line(&source, position, &event));
        let framed = syslog::framed(&message);
        let (length, rest) = framed.split_once(' ').unwrap();
        prop_assert_eq!((length.parse().unwrap(), rest), (rest.len(), &*message));
    }

    #[test]
    fn ocsf_has_the_texts_that_were_put_there(event in events(), position: u64) {
        let source = Source { version: "0.1.0", host: "" };
        let line = ocsf::line(&source, position, &event);
        prop_assert!(line.bytes().all(|byte| (0x20..0x7f).contains(&byte)));
        let read: Value = serde_json::from_str(&line).unwrap();
        prop_assert_eq!(&read, &ocsf::event_object(&source, position, &event));
        prop_assert_eq!(read["status_detail"].as_str(), event.reason.as_deref());
        prop_assert_eq!(read["metadata"]["event_code"].as_str(), Some(&*event.action));
        let (class, activity) = (read["class_uid"].as_u64().unwrap(), read["activity_id"].as_u64().unwrap());
        prop_assert_eq!(read["type_uid"].as_u64(), Some(class * 100 + activity));
        prop_assert_eq!(read["category_uid"].as_u64(), Some(class / 1000));
        metadata_is_kept(&read, &event)?;
    }
}

fn metadata_is_kept(read: &Value, event: &Event) -> Result<(), TestCaseError> {
    for (key, value) in &event.metadata {
        prop_assert_eq!(read["unmapped"]["metadata"][key].as_str(), Some(&**value));
    }
    Ok(())
}

/// Every key the form knows.
const KEYS: &[&str] = &[
    "rt",
    "externalId",
    "cat",
    "act",
    "outcome",
    "reason",
    "suid",
    "suser",
    "src",
    "c6a2",
    "c6a2Label",
    "request",
    "requestMethod",
    "requestClientApplication",
    "cnt",
    "cs1",
    "cs1Label",
    "cs2",
    "cs2Label",
    "cs3",
    "cs3Label",
    "cs4",
    "cs4Label",
    "cs5",
    "cs5Label",
];

fn one_line(text: &str) -> bool {
    !text.chars().any(|character| character.is_control() || ('\u{2028}'..='\u{202e}').contains(&character))
}

/// What readers make of a CEF line: the seven fields of the header, and the extension, in which a key is the word
/// before an `=` that is not escaped.
fn read_cef(line: &str) -> (Vec<String>, BTreeMap<String, String>) {
    let (mut header, mut field, mut rest) = (Vec::new(), String::new(), line.chars());
    while header.len() < 7 {
        match rest.next().expect("the header is whole") {
            '\\' => field.extend(rest.next()),
            '|' => header.push(std::mem::take(&mut field)),
            other => field.push(other),
        }
    }
    let (mut extension, mut key, mut value) = (BTreeMap::new(), None::<String>, String::new());
    let mut put = |key: Option<String>, value: &str| match key {
        Some(key) => assert_eq!(extension.insert(key, value.trim().to_owned()), None, "a key stands twice"),
        None => assert_eq!(value.trim(), ""),
    };
    while let Some(character) = rest.next() {
        match character {
            '\\' => value.extend(rest.next()),
            '=' => {
                let at = value.rfind(' ').map_or(0, |space| space + 1);
                let next = value.split_off(at);
                put(key.replace(next), &std::mem::take(&mut value));
            }
            other => value.push(other),
        }
    }
    put(key, &value);
    (header, extension)
}

type Elements = BTreeMap<String, BTreeMap<String, String>>;

/// Structured data by RFC 5424, 6.3, and the message behind it.
fn read_structured(text: &str) -> (Elements, String) {
    let (mut elements, mut rest) = (Elements::new(), text);
    while let Some(element) = rest.strip_prefix('[') {
        let (name, mut inside) = element.split_once(' ').unwrap();
        let parameters = elements.entry(name.to_owned()).or_default();
        loop {
            let (key, quoted) = inside.split_once("=\"").unwrap();
            let (mut value, mut characters) = (String::new(), quoted.char_indices());
            let end = loop {
                match characters.next().expect("the value ends") {
                    (_, '\\') => value.extend(characters.next().map(|(_, next)| next)),
                    (at, '"') => break at + 1,
                    (_, ']') => panic!("a bare bracket in a value"),
                    (_, other) => value.push(other),
                }
            };
            assert_eq!(parameters.insert(key.to_owned(), value), None);
            inside = quoted.split_at(end).1;
            match inside.split_at(1) {
                (" ", more) => inside = more,
                ("]", more) => break rest = more,
                other => panic!("{other:?}"),
            }
        }
    }
    (elements, rest.strip_prefix(' ').unwrap().to_owned())
}

/// What the forms write instead of what could leave a line.
fn flat(text: &str) -> String {
    let unprintable = |character: char| {
        character.is_control()
            || matches!(character,
                '\u{200e}' | '\u{200f}' | '\u{061c}' | '\u{feff}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    let escaped = |character: char| {
        if unprintable(character) {
            format!("\\u{{{:x}}}", u32::from(character))
        } else {
            character.to_string()
        }
    };
    text.chars().map(escaped).collect()
}

/// The same as a reader of CEF gets it: white space around a value is not kept.
fn ends(text: &str) -> String {
    flat(text).trim().to_owned()
}
