//! One event in every form, as a person sees it, and the classes of what the product does.

use gabion_model::{AccountId, Actor, ControlId, Event, EventKind, Outcome, RequestId, SessionId, Timestamp};
use gabion_telemetry::ocsf::class::{self, Class};
use gabion_telemetry::{Source, cef, ocsf, syslog};

const HERE: Source<'_> = Source { version: "0.1.0", host: "gate-1" };

fn refusal() -> Event {
    let (kind, control) = (EventKind::Refusal, ControlId::WEB_CSRF);
    let time = Timestamp::from_micros(1_767_323_045_000_006);
    let mut event = Event::new(time, kind, "request.refused", Actor::Anonymous, Outcome::Failure, control);
    event.resource = "/transfer".to_owned();
    event.address = Some("203.0.113.9".parse().unwrap());
    event.user_agent = Some("curl/8".to_owned());
    event.reason = Some("the origin `a=b|c` is not ours".to_owned());
    event.request_id = Some(RequestId::from_bytes([7; 12]));
    event.metadata =
        [("method", "POST"), ("status", "403")].map(|(key, value)| (key.into(), value.into())).into();
    event
}

#[test]
fn a_refused_request_in_every_form() {
    let event = refusal();
    assert_eq!(
        cef::line(&HERE, 17, &event),
        r#"CEF:0|Gabion|Gabion|0.1.0|request.refused|request.refused failure|3|rt=1767323045000 externalId=17 cat=refusal act=request.refused outcome=failure reason=the origin `a\=b|c` is not ours suser=anonymous src=203.0.113.9 request=/transfer requestMethod=POST requestClientApplication=curl/8 cs1Label=control cs1=web.csrf cs2Label=requestId cs2=070707070707070707070707 cs3Label=resource cs3=/transfer cs5Label=metadata cs5={"method":"POST","status":"403"}"#
    );
    let object = ocsf::line(&HERE, 17, &event);
    assert_eq!(
        object,
        r#"{"class_uid":4002,"class_name":"HTTP Activity","category_uid":4,"category_name":"Network Activity","activity_id":6,"activity_name":"Post","type_uid":400206,"type_name":"HTTP Activity: Post","time":1767323045000,"severity_id":2,"severity":"Low","status_id":2,"status":"Failure","status_detail":"the origin `a=b|c` is not ours","message":"request.refused failure","metadata":{"version":"1.8.0","product":{"name":"Gabion","vendor_name":"Gabion","version":"0.1.0"},"uid":"17","event_code":"request.refused","log_name":"ledger","labels":["web.csrf"],"original_time":"2026-01-02T03:04:05.000006Z","profiles":["host","security_control"],"correlation_uid":"070707070707070707070707"},"unmapped":{"kind":"refusal","control":"web.csrf","resource":"/transfer","actor":"anonymous","metadata":{"method":"POST","status":"403"}},"actor":{"user":{"name":"anonymous","type_id":0,"type":"Unknown"}},"http_request":{"http_method":"POST","url":{"path":"/transfer"},"user_agent":"curl/8","uid":"070707070707070707070707"},"http_response":{"code":403},"policy":{"name":"web.csrf","uid":"web.csrf"},"action_id":2,"action":"Denied","src_endpoint":{"ip":"203.0.113.9"}}"#
    );
    let message = syslog::message(&HERE, 17, &event, syslog::Message::Ocsf);
    assert_eq!(
        syslog::framed(&message),
        format!(
            "{} <109>1 2026-01-02T03:04:05.000006Z gate-1 gabion - request.refused [meta sequenceId=\"17\"]\
             [origin software=\"Gabion\" swVersion=\"0.1.0\"] {object}",
            message.len()
        )
    );
}

#[test]
fn each_act_is_of_the_class_a_reader_looks_for_it_in() {
    for (kind, action, expected, activity) in [
        (EventKind::Login, "account.sign-in", Class::Authentication, 1),
        (EventKind::Alert, "alert.raised", Class::DetectionFinding, 1),
        (EventKind::Logout, "account.sign-out", Class::Authentication, 2),
        (EventKind::Session, "oauth.token", Class::Authentication, 99),
        (EventKind::Session, "session.revoke", Class::EntityManagement, 4),
        (EventKind::Session, "grant.revoke", Class::UserAccess, 2),
        (EventKind::Administration, "account.add", Class::AccountChange, 1),
        (EventKind::Administration, "account.disable", Class::AccountChange, 5),
        (EventKind::Administration, "account.list", Class::EntityManagement, 2),
        (EventKind::Administration, "factor.add", Class::AccountChange, 10),
        (EventKind::Administration, "oauth.consent", Class::UserAccess, 1),
        (EventKind::Administration, "federation.map", Class::AuthorizeSession, 1),
        (EventKind::Administration, "group.add", Class::GroupManagement, 6),
        (EventKind::Administration, "key.rotate", Class::EntityManagement, 3),
        (EventKind::Configuration, "gate.start", Class::ApplicationLifecycle, 3),
        (EventKind::Configuration, "configuration.reload", Class::ApplicationLifecycle, 8),
        (EventKind::Decision, "decision.denied", Class::ApiActivity, 99),
        (EventKind::Application, "order.created", Class::ApiActivity, 1),
        (EventKind::Application, "invoice.sent", Class::ApiActivity, 99),
        (EventKind::Refusal, "flood.counted", Class::HttpActivity, 0),
        (EventKind::Refusal, "account.list", Class::ApiActivity, 2),
        (EventKind::Refusal, "csp.report", Class::DetectionFinding, 1),
    ] {
        let event = Event { kind, action: action.to_owned(), metadata: [].into(), ..refusal() };
        let classified = class::of(&event);
        assert_eq!((classified.class, classified.activity), (expected, activity), "{kind:?} {action}");
    }
}

#[test]
fn an_act_is_about_the_account_it_names_and_done_by_who_did_it() {
    let account = |name: &str| Actor::Account {
        id: AccountId::new("7"),
        name: name.to_owned(),
        session: Some(SessionId::new("s1")),
    };
    let mut event = refusal();
    (event.kind, event.action) = (EventKind::Administration, "account.disable".to_owned());
    (event.actor, event.resource) = (account("root"), "ada".to_owned());
    event.metadata = [("api-key".to_owned(), "k1".to_owned())].into();
    let object = ocsf::event_object(&HERE, 1, &event);
    assert_eq!(object["user"]["name"], "ada");
    assert_eq!(object["actor"]["user"]["name"], "root");
    assert_eq!(object["actor"]["user"]["credential_uid"], "k1");
    assert_eq!(object["actor"]["session"]["uid"], "s1");
    (event.kind, event.action) = (EventKind::Logout, "account.sign-out".to_owned());
    event.resource = "s1".to_owned();
    assert_eq!(
        ocsf::event_object(&HERE, 1, &event)["user"]["name"],
        "root",
        "a session's id is nobody's name"
    );
}

#[test]
fn a_sequence_begins_anew_where_the_standard_ends_it() {
    for (position, sequence) in [(0, 1), (1, 1), (2_147_483_647, 2_147_483_647), (2_147_483_648, 1)] {
        let message = syslog::message(&HERE, position, &refusal(), syslog::Message::Cef);
        assert!(message.contains(&format!("[meta sequenceId=\"{sequence}\"]")), "{position}: {message}");
    }
}
