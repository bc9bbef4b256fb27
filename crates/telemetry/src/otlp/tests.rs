use gabion_model::{AccountId, ControlId, Outcome, RequestId, SessionId};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn event(resource: &str) -> Event {
    let actor = Actor::Account {
        id: AccountId::new("a1"),
        name: "ada".to_owned(),
        session: Some(SessionId::new("s1")),
    };
    let time = Timestamp::from_secs(1_767_323_045);
    let mut event =
        Event::new(time, EventKind::Refusal, "request.refused", actor, Outcome::Failure, ControlId::WEB_CSRF);
    event.resource = resource.to_owned();
    event.reason = Some("why\nnot".to_owned());
    event.address = Some("2001:db8::1".parse().unwrap());
    event.request_id = Some(RequestId::from_bytes([7; 12]));
    event.metadata.insert("status".to_owned(), "403".to_owned());
    event.metadata.insert("method".to_owned(), "POST".to_owned());
    event
}

fn json_of(event: &Event) -> Value {
    let source = Source { version: "0.1.0", host: "gate-1" };
    let bytes = logs(Encoding::Json, &source, Timestamp::from_secs(1_767_323_046), [(7, event)].into_iter());
    serde_json::from_slice(&bytes).unwrap()
}

#[test]
fn a_record_says_what_the_event_says() {
    let request = json_of(&event("/orders"));
    let resource = &request["resourceLogs"][0];
    assert_eq!(
        resource["resource"]["attributes"][0],
        json!({ "key": "service.name", "value": { "stringValue": "gabion" } })
    );
    let record = &resource["scopeLogs"][0]["logRecords"][0];
    assert_eq!(record["timeUnixNano"], "1767323045000000000");
    assert_eq!((&record["severityNumber"], &record["severityText"]), (&10.into(), &"INFO2".into()));
    assert_eq!(record["eventName"], "request.refused");
    assert_eq!(record["body"]["stringValue"], "request.refused failure: why\\u{a}not", "one line");
    let attributes: Vec<String> =
        record["attributes"].as_array().unwrap().iter().map(ToString::to_string).collect();
    for expected in [
        r#"{"key":"gabion.position","value":{"intValue":"7"}}"#,
        r#"{"key":"http.response.status_code","value":{"intValue":"403"}}"#,
        r#"{"key":"url.path","value":{"stringValue":"/orders"}}"#,
        r#"{"key":"client.address","value":{"stringValue":"2001:db8::1"}}"#,
        r#"{"key":"session.id","value":{"stringValue":"s1"}}"#,
    ] {
        assert!(attributes.iter().any(|attribute| attribute == expected), "{expected}: {attributes:#?}");
    }
}

proptest! {
    #[test]
    fn no_text_makes_a_line_or_leaves_its_field(text: String) {
        let request = json_of(&event(&text));
        let written = request.to_string();
        prop_assert!(!written.chars().any(text::is_unprintable));
        let attributes = &request["resourceLogs"][0]["scopeLogs"][0]["logRecords"][0]["attributes"];
        let found = attributes.as_array().unwrap().iter().filter(|one| one["key"] == "gabion.resource").count();
        prop_assert_eq!(found, usize::from(!text.is_empty()));
    }
}
