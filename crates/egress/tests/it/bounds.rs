//! What is bounded, and what the gate's own settings allow.

use std::sync::Arc;
use std::time::Duration;

use gabion_egress::{EgressSettings, Guard};
use gabion_model::Secret;
use gabion_model::outbound::{Fetch as _, FetchError, FetchRequest};

use crate::world::{Internet, Names, PUBLIC, Reply, ok, redirect};

fn public() -> Names {
    Names { others: vec![PUBLIC.parse().unwrap()], ..Names::default() }
}

fn https() -> Guard {
    EgressSettings::default().guard()
}

#[tokio::test]
async fn by_default_only_https_on_its_port_is_reached() {
    let internet = Internet::new(public(), &["ok.example.net"], Arc::new(|_| ok("hello"))).await;
    let client = internet.client(https());
    let fetched = client.fetch(FetchRequest::get("https://ok.example.net/a?b=c")).await.unwrap();
    assert_eq!((fetched.status, fetched.body.as_slice()), (200, b"hello".as_slice()));
    let head = internet.heard.lock().unwrap().remove(0).to_ascii_lowercase();
    assert!(
        head.starts_with("get /a?b=c http/1.1\r\n") && head.contains("\r\nhost: ok.example.net\r\n"),
        "{head}"
    );
    for refused in ["http://ok.example.net/", "https://ok.example.net:8443/", "https://10.0.0.1/"] {
        let told = client.fetch(FetchRequest::get(refused)).await;
        assert!(matches!(told, Err(FetchError::Forbidden(_))), "{refused}: {told:?}");
    }
}

#[tokio::test]
async fn what_is_named_exactly_is_reached_wherever_it_is_and_nothing_beside_it() {
    let names = Names { others: vec!["10.1.2.3".parse().unwrap()], ..Names::default() };
    let internet = Internet::new(names, &["idp.internal"], Arc::new(|_| ok("inside"))).await;
    let allow = vec!["idp.internal:8443".to_owned(), "127.0.0.1:80".to_owned()];
    let client = internet.client(EgressSettings { allow, ..EgressSettings::default() }.guard());
    for allowed in ["https://idp.internal:8443/keys", "http://127.0.0.1/", "https://IDP.internal.:8443/"] {
        client.fetch(FetchRequest::get(allowed)).await.expect(allowed);
    }
    for refused in [
        "https://idp.internal/",
        "https://idp.internal:8444/",
        "https://other.internal:8443/",
        "http://127.0.0.2/",
    ] {
        let told = client.fetch(FetchRequest::get(refused)).await;
        assert!(matches!(told, Err(FetchError::Forbidden(_))), "{refused}: {told:?}");
    }
}

#[tokio::test]
async fn the_answers_size_is_bounded_announced_or_not() {
    let announced = |_: &str| Reply::Stuck(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n".to_vec());
    for (answer, largest, expected) in [
        (Arc::new(announced) as crate::world::Answer, 999, Err(FetchError::TooLarge)),
        (Arc::new(|_: &str| ok("12345")), 4, Err(FetchError::TooLarge)),
        (Arc::new(|_: &str| ok("12345")), 5, Ok(200)),
    ] {
        let internet = Internet::new(public(), &["ok.example.net"], answer).await;
        let request = FetchRequest { largest, ..FetchRequest::get("https://ok.example.net/") };
        let fetched = internet.client(https()).fetch(request).await;
        assert_eq!(fetched.map(|answer| answer.status), expected);
    }
}

#[tokio::test]
async fn a_head_without_end_is_given_up() {
    let endless = |_: &str| Reply::Endless(b"HTTP/1.1 200 OK\r\n".to_vec(), b"x-more: yes\r\n".repeat(100));
    let internet = Internet::new(public(), &["ok.example.net"], Arc::new(endless)).await;
    let fetched = internet.client(https()).fetch(FetchRequest::get("https://ok.example.net/")).await;
    assert!(matches!(fetched, Err(FetchError::Unreachable(_))), "{fetched:?}");
}

#[tokio::test]
async fn time_is_bounded_for_everything_together() {
    let stuck = |_: &str| Reply::Stuck(Vec::new());
    let internet = Internet::new(public(), &["ok.example.net"], Arc::new(stuck)).await;
    let request =
        FetchRequest { deadline: Duration::from_millis(100), ..FetchRequest::get("https://ok.example.net/") };
    assert_eq!(internet.client(https()).fetch(request).await, Err(FetchError::TimedOut));
}

#[tokio::test]
async fn a_redirect_is_an_answer_where_none_may_be_followed() {
    let internet =
        Internet::new(public(), &["ok.example.net"], Arc::new(|_| redirect(302, "https://b.example.net/")))
            .await;
    let fetched = internet.client(https()).fetch(FetchRequest::get("https://ok.example.net/")).await.unwrap();
    assert_eq!((fetched.status, fetched.header("location")), (302, Some("https://b.example.net/")));
    assert_eq!(internet.dialled().len(), 1);
}

#[tokio::test]
async fn a_form_is_sent_once_and_never_sent_on() {
    let internet =
        Internet::new(public(), &["ok.example.net"], Arc::new(|_| redirect(307, "https://b.example.net/")))
            .await;
    let form = FetchRequest::post_form("https://ok.example.net/token", Secret::new("code=1".to_owned()));
    let told = internet.client(https()).fetch(FetchRequest { redirects: 3, ..form }).await;
    assert!(matches!(told, Err(FetchError::Forbidden(_))), "{told:?}");
    assert_eq!(internet.dialled().len(), 1);
}

#[tokio::test]
async fn callers_do_not_frame_requests() {
    let internet = Internet::new(public(), &["ok.example.net"], Arc::new(|_| ok(""))).await;
    let client = internet.client(https());
    for (name, value) in [
        ("host", "evil.example"),
        ("content-length", "0"),
        ("transfer-encoding", "chunked"),
        ("x-a", "b\r\nHost: evil.example"),
        ("bad name", "x"),
    ] {
        let request =
            FetchRequest::get("https://ok.example.net/").header(name, Secret::new(value.to_owned()));
        let told = client.fetch(request).await;
        assert!(matches!(told, Err(FetchError::Forbidden(_))), "{name}: {told:?}");
    }
    assert!(internet.dialled().is_empty());
}
