use serde_json::json;

use super::*;

const PAGE: PageId = PageId(1);

fn asked(id: &str, url: &str) -> Value {
    json!({ "requestId": id, "type": "Fetch", "request": { "url": url, "method": "GET", "headers": {} } })
}

#[test]
fn each_redirect_is_an_exchange_of_its_own() {
    let mut log = Log::new(Limits::default());
    log.asked(PAGE, &asked("1", "http://a/1"));
    log.sent(&json!({ "requestId": "1", "headers": { "Cookie": "s=1" } }));
    log.came(&json!({ "requestId": "1", "statusCode": 302, "headers": { "Location": "/2" } }));
    let mut second = asked("1", "http://a/2");
    second["redirectResponse"] = json!({ "status": 302, "headers": {}, "mimeType": "" });
    log.asked(PAGE, &second);
    log.sent(&json!({ "requestId": "1", "headers": { "Cookie": "s=2" } }));
    assert!(log.is_waiting(PAGE));
    let answered = json!({ "requestId": "1", "response": { "status": 200, "mimeType": "application/json" } });
    log.answered(PAGE, &answered);
    assert!(log.finished(PAGE, &json!({ "requestId": "1", "encodedDataLength": 12 })));
    log.body("1", &json!({ "body": "{}", "base64Encoded": false }));
    assert!(!log.is_waiting(PAGE));
    let [first, second] = log.recorded.exchanges.as_slice() else { panic!("two hops") };
    assert_eq!((first.status, &first.outcome), (Some(302), &Outcome::Redirected));
    assert_eq!((first.header("cookie"), first.answer_header("location")), (Some("s=1"), Some("/2")));
    assert_eq!((second.status, &second.outcome), (Some(200), &Outcome::Finished));
    assert_eq!((second.header("cookie"), second.body.as_deref()), (Some("s=2"), Some("{}")));
}

#[test]
fn what_is_told_before_its_request_is_not_lost() {
    let mut log = Log::new(Limits::default());
    log.came(&json!({ "requestId": "1", "statusCode": 302, "headers": { "Location": "/2" } }));
    log.sent(&json!({ "requestId": "1", "headers": { "Cookie": "s=1" } }));
    log.sent(&json!({ "requestId": "1", "headers": { "Cookie": "s=2" } }));
    log.asked(PAGE, &asked("1", "http://a/1"));
    let mut second = asked("1", "http://a/2");
    second["redirectResponse"] = json!({ "status": 302, "headers": {}, "mimeType": "" });
    log.asked(PAGE, &second);
    let [first, second] = log.recorded.exchanges.as_slice() else { panic!("two hops") };
    assert_eq!((first.status, first.header("cookie")), (Some(302), Some("s=1")));
    assert_eq!((second.status, second.header("cookie")), (None, Some("s=2")));
    for _ in 0..100 {
        log.sent(&json!({ "requestId": "nobody", "headers": {} }));
    }
    assert_eq!(log.chains["nobody"].early.len(), EARLY);
}

#[test]
fn a_verdict_finds_its_hop_before_or_after_it_is_told_of() {
    let mut log = Log::new(Limits::default());
    log.judge("1", "http://b/", Outcome::Refused);
    log.asked(PAGE, &asked("1", "http://b/"));
    log.failed(PAGE, &json!({ "requestId": "1", "errorText": "net::ERR_BLOCKED_BY_CLIENT" }));
    log.asked(PAGE, &asked("2", "http://a/"));
    log.judge("2", "http://b/", Outcome::Answered);
    assert_eq!(log.recorded.exchanges[1].outcome, Outcome::Pending, "another hop is meant");
    log.asked(PAGE, &asked("2", "http://b/"));
    let outcomes: Vec<_> = log.recorded.exchanges.iter().map(|one| one.outcome.clone()).collect();
    assert_eq!(outcomes, [Outcome::Refused, Outcome::Pending, Outcome::Answered]);
}

#[test]
fn what_never_ends_is_not_waited_for() {
    let mut log = Log::new(Limits::default());
    log.asked(PAGE, &asked("1", "http://a/stream"));
    let answered =
        json!({ "requestId": "1", "response": { "status": 200, "mimeType": "text/event-stream" } });
    log.answered(PAGE, &answered);
    assert!(!log.is_waiting(PAGE));
    log.asked(PAGE, &asked("2", "data:text/plain,x"));
    assert_eq!((log.is_waiting(PAGE), log.recorded.exchanges.len()), (false, 1));
}

#[test]
fn everything_is_bounded_and_counted() {
    let limits = Limits { requests: 2, notes: 1, frames: 1, url: 10, ..Limits::default() };
    let mut log = Log::new(limits);
    for number in 0..5 {
        log.asked(PAGE, &asked(&number.to_string(), "http://a/long/long/long"));
    }
    assert_eq!(log.recorded.exchanges.len(), 2);
    assert_eq!(log.recorded.exchanges[0].url, "http://a/l");
    log.note(|recorded| &mut recorded.routes, crate::record::Route { page: PAGE, url: "a".into() });
    log.note(|recorded| &mut recorded.routes, crate::record::Route { page: PAGE, url: "b".into() });
    log.socket(PAGE, &json!({ "requestId": "w", "url": "ws://a/" }), true);
    for _ in 0..3 {
        let frame = json!({ "requestId": "w", "response": { "opcode": 1, "payloadData": "x" } });
        log.socket_event("Network.webSocketFrameReceived", &frame);
    }
    assert_eq!(log.recorded.dropped, 3 + 1 + 2);
    assert!(log.admit() && log.admit() && !log.admit());
}

#[test]
fn events_of_any_shape_are_taken() {
    let mut log = Log::new(Limits::default());
    for params in [json!(null), json!([]), json!({ "requestId": 3 }), json!({ "request": [], "response": 1 })]
    {
        log.asked(PAGE, &params);
        log.sent(&params);
        log.came(&params);
        log.answered(PAGE, &params);
        assert!(!log.finished(PAGE, &params));
        log.failed(PAGE, &params);
        log.socket_event("Network.webSocketFrameSent", &params);
        log.body("", &params);
    }
    assert_eq!(log.recorded.exchanges, []);
    assert_eq!(
        [status(&json!(-1)), status(&json!(1e9)), status(&json!(0)), status(&json!("200"))],
        [None; 4]
    );
    assert_eq!(status(&json!(200.0)), Some(200));
}
