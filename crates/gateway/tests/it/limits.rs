//! Clients that take too long, take too much, or are too many.

use gabion_model::{ByteSize, Period};

use crate::rig::{Build, Client, Recorder, Rig, ok};

async fn impatient() -> (Rig, Recorder) {
    let upstream = Recorder::plain().await;
    let mut build = Build::before(upstream.address);
    build.settings.head_timeout = Period::from_millis(300);
    build.settings.stall_timeout = Period::from_millis(300);
    build.settings.idle_timeout = Period::from_millis(300);
    (build.start(), upstream)
}

#[tokio::test]
async fn a_head_that_trickles_is_timed_out_with_an_answer() {
    let (rig, upstream) = impatient().await;
    let mut client = rig.connect().await;
    client.send("GET / HTTP/1.1\r\nHost: a\r\nX: ").await;
    let answer = client.response("GET").await.unwrap();
    assert_eq!(answer.status, 408);
    answer.assert_is_ours();
    assert_eq!(client.rest().await, b"");
    assert_eq!(upstream.all(), []);
}

#[tokio::test]
async fn a_head_that_goes_on_trickling_gains_nothing() {
    let (rig, _upstream) = impatient().await;
    let mut client = rig.connect().await;
    let _ = client.try_send("GET / HTTP/1.1\r\nHost: a\r\n").await;
    let mut ticks = tokio::time::interval(std::time::Duration::from_millis(20));
    for count in 0.. {
        ticks.tick().await;
        if client.try_send("X: y\r\n").await.is_err() {
            break;
        }
        assert!(count < 500, "still listening");
    }
}

#[tokio::test]
async fn silence_is_closed_without_a_word() {
    let (rig, _upstream) = impatient().await;
    assert_eq!(rig.connect().await.rest().await, b"", "before the first request");
    let mut client = rig.connect().await;
    assert_eq!(client.get("/").await.status, 200);
    assert_eq!(client.rest().await, b"", "after a request");
    assert_eq!(rig.refusals("input.limits"), 0);
}

#[tokio::test]
async fn a_body_that_stalls_is_timed_out_with_an_answer() {
    let (rig, upstream) = impatient().await;
    let mut client = rig.connect().await;
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc").await;
    let answer = client.response("POST").await.unwrap();
    assert_eq!(answer.status, 408);
    answer.assert_is_ours();
    assert_eq!(upstream.all(), [], "the upstream never saw a whole request");
}

#[tokio::test]
async fn nothing_but_empty_lines_is_timed_out() {
    let (rig, upstream) = impatient().await;
    let mut client = rig.connect().await;
    let mut ticks = tokio::time::interval(std::time::Duration::from_millis(20));
    for count in 0.. {
        ticks.tick().await;
        if client.try_send("\r\n\r\n").await.is_err() {
            break;
        }
        assert!(count < 500, "still listening");
    }
    assert_eq!(upstream.all(), []);
}

#[tokio::test]
async fn a_body_in_chunks_of_one_byte_arrives_whole() {
    let upstream = Recorder::plain().await;
    let rig = Build::before(upstream.address).start();
    let mut client = rig.connect().await;
    let chunks = "1\r\nx\r\n".repeat(50_000);
    client
        .send(format!("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n{chunks}0\r\n\r\n"))
        .await;
    assert_eq!(client.response("POST").await.unwrap().status, 200);
    assert_eq!(upstream.all().pop().unwrap().body, "x".repeat(50_000).into_bytes());
}

#[tokio::test]
async fn a_client_that_does_not_read_is_cut() {
    let upstream = Recorder::start(|_| ok(&"x".repeat(50_000_000))).await;
    let mut build = Build::before(upstream.address);
    build.settings.stall_timeout = Period::from_millis(300);
    let rig = build.start();
    let mut client = rig.connect().await;
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
    crate::rig::until(|| rig.gate.connections() == 1).await;
    crate::rig::until(|| rig.gate.connections() == 0).await;
    assert!(client.rest().await.len() < 50_000_000);
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused_by_its_word_or_by_its_bytes() {
    let upstream = Recorder::plain().await;
    let mut build = Build::before(upstream.address);
    build.checks.limits.body = ByteSize::new(1000);
    let rig = build.start();
    let mut client = rig.connect().await;
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1001\r\n\r\n").await;
    let answer = client.response("POST").await.unwrap();
    assert_eq!((answer.status, answer.field("connection")), (413, Some("close")));
    answer.assert_is_ours();

    let mut client = rig.connect().await;
    client.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n").await;
    let chunk = format!("1f4\r\n{}\r\n", "x".repeat(500));
    for _ in 0..3 {
        let _ = client.try_send(&chunk).await;
    }
    let answer = client.response("POST").await.unwrap();
    assert_eq!(answer.status, 413);
    answer.assert_is_ours();
    assert_eq!(upstream.all(), []);

    let mut client = rig.connect().await;
    client
        .send(format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n{}", "x".repeat(1000)))
        .await;
    assert_eq!(client.response("POST").await.unwrap().status, 200);
}

#[tokio::test]
async fn connections_are_counted_per_address_and_in_total() {
    let upstream = Recorder::plain().await;
    let mut build = Build::before(upstream.address);
    build.settings.max_connections_per_address = 3;
    let rig = build.start();
    let mut open = Vec::new();
    for _ in 0..3 {
        let mut client = rig.connect().await;
        assert_eq!(client.get("/").await.status, 200);
        open.push(client);
    }
    let mut more = rig.connect().await;
    let answer = more.response("GET").await.unwrap();
    assert_eq!((answer.status, answer.field("connection")), (503, Some("close")));
    answer.assert_is_ours();
    assert!(answer.field("retry-after").is_some());
    assert_eq!(rig.refusals("abuse.rate-limits"), 1);
    drop(open.pop());
    crate::rig::until(|| rig.gate.connections() == 2).await;
    assert_eq!(rig.connect().await.get("/").await.status, 200);
}

#[tokio::test]
async fn many_idle_and_slow_connections_do_not_stop_a_normal_user() {
    let upstream = Recorder::plain().await;
    let mut build = Build::before(upstream.address);
    build.settings.max_connections_per_address = 2_000;
    let rig = build.start();
    let mut crowd = Vec::new();
    for index in 0..400 {
        let mut client: Client = rig.connect().await;
        match index % 3 {
            0 => {}
            1 => client.send("GET / HT").await,
            _ => client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc").await,
        }
        crowd.push(client);
    }
    let mut client = rig.connect().await;
    for _ in 0..50 {
        assert_eq!(client.get("/").await.status, 200);
    }
    assert!(rig.gate.connections() > 400);
    drop(crowd);
}
