//! Whatever a target or a file says, it is read under bounds and without a panic: documents, schemas, reports, people, heads.

use gabion_probe::scope::Origin;
use gabion_probe::session::{Session, SetCookie};
use gabion_probe::surface::{code, graphql, har, read_openapi};
use gabion_probe::wire::{Answer, Request};
use gabion_probe::{Baseline, Kept, logins, shared_logins};
use proptest::prelude::*;
use serde_json::{Value, json};

/// Any JSON whose members are called as those of a document are.
fn shaped(words: &'static str) -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "[ -~é]{0,20}".prop_map(Value::from),
        "(http://127.0.0.1:3000)?/[a-z{}#?=%]{0,12}".prop_map(Value::from),
        "#/[a-z/~]{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 60, 6, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            proptest::collection::vec((words, inner), 0..7)
                .prop_map(|all| Value::Object(all.into_iter().collect())),
        ]
    })
}

const REPORT: &str = "version|at|target|base|summary|requests|findings|accepted|outcomes|matrix|people|rows|cells|access|\
                      tests|left|trend|runs|id|test|severity|verdict|operation|point|place|name|says|proof|attack|\
                      positive_control|exchange|request|headers|method|reason|finding";
const PEOPLE: &str = "auth|authTemplate|schemaVersion|configs|name|fixedHeaders|value|loginEndpointAuth|endpoint|verb|\
                      payloadRaw|payloadUserPwd|username|password|usernameField|passwordField|contentType|token|\
                      extractFrom|extractSelector|sendIn|expectCookies|headers";
const OPENAPI: &str = "paths|/a|/b/[{]c[}]|get|post|parameters|in|name|schema|requestBody|content|application/json|properties|\
                       items|allOf|oneOf|[$]ref|example|enum|type|responses|200|security|servers|url|basePath";
const TRAFFIC: &str = "log|entries|request|method|url|headers|name|value|postData|mimeType|text";
const INVENTORY: &str = "version|endpoints|method|path|parameters|query|body|evidence";

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn a_report_is_read_or_refused(text in shaped(REPORT), version in 0_u32..3) {
        let mut own = text;
        if let Some(members) = own.as_object_mut() {
            for (name, value) in [("at", json!("x")), ("target", json!({ "base": "http://h" })), ("summary", json!({}))] {
                members.entry(name).or_insert(value);
            }
            members.insert("version".to_owned(), version.into());
            members.entry("findings").or_insert(json!([]));
        }
        if let Ok(kept) = Kept::parse(&own.to_string()) {
            prop_assert_eq!(version, 1);
            let _ = (kept.find("a").is_ok(), kept.all().count(), kept.tests().count(), kept.base().len());
        }
        let _ = Baseline::parse(&own.to_string());
    }

    #[test]
    fn people_are_read_or_refused_and_no_password_is_told(text in shaped(PEOPLE), secret in "[a-z]{12}") {
        let person = json!({ "name": "a", "loginEndpointAuth": { "payloadUserPwd": { "password": secret, "username": text } } });
        let document = json!({ "auth": [person, text], "authTemplate": text });
        for written in [document.to_string(), text.to_string()] {
            match shared_logins::read(&written) {
                Ok(people) => prop_assert!(people.len() <= 100),
                Err(says) => prop_assert!(!says.contains(&secret), "{}", says),
            }
        }
        let _ = logins(&text.to_string());
    }

    #[test]
    fn documents_are_read_or_refused(openapi in shaped(OPENAPI), traffic in shaped(TRAFFIC), inventory in shaped(INVENTORY)) {
        if let Ok(told) = read_openapi(&json!({ "paths": openapi, "parameters": openapi }).to_string()) {
            for operation in told.operations {
                let schema = operation.body.map(|body| body.schema).unwrap_or_default();
                let _ = gabion_probe::sample::sample(&schema, "");
            }
        }
        let origin = Origin::parse("http://127.0.0.1:3000").unwrap();
        let _ = har::read(&json!({ "log": { "entries": [{ "request": traffic }] } }).to_string(), &origin);
        let _ = har::read(&traffic.to_string(), &origin);
        let _ = code::read(&json!({ "version": 1, "endpoints": [inventory] }).to_string());
        let _ = graphql::name_of(&inventory);
    }

    #[test]
    fn any_head_is_read_and_what_it_sets_is_sent_back(
        status in "[0-9]{0,4}",
        fields in proptest::collection::vec(("(?i)set-cookie|content-encoding|location|[a-z]{0,5}", "[ -~é]{0,60}"), 0..60),
        body in proptest::collection::vec(any::<u8>(), 0..200),
    ) {
        let head: String = fields.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let bytes = [format!("HTTP/1.1 {status} OK\r\n{head}\r\n").as_bytes(), &body].concat();
        let Some(answer) = Answer::of_bytes(&bytes) else { return Ok(()) };
        let mut session = Session::default();
        for _ in 0..3 {
            session.learn(&answer);
        }
        prop_assert!(session.cookies.len() <= 50);
        for cookie in answer.fields("set-cookie").filter_map(SetCookie::parse) {
            prop_assert!(!cookie.name.is_empty() && !cookie.value.contains(';'));
            let _ = (cookie.is_removal(), cookie.attribute("max-age").is_some());
        }
        let sent = session.apply(&Request::get("/"));
        prop_assert!(sent.headers.iter().all(|(_, value)| !value.contains(['\r', '\n'])), "{:?}", sent);
    }
}
