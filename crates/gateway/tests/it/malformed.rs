//! Bytes that are not quite a request. The oracle is what the upstream received.

use crate::rig::{Build, Client, Recorder, Rig, find};

/// Refused: an answer of the 400 class or 501/505 with our headers, the connection closed, nothing at
/// the upstream.
const REFUSED: &[(&str, &str)] = &[
    (
        "CL.TE",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nG",
    ),
    (
        "TE.CL",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n1\r\nZ\r\n0\r\n\r\n",
    ),
    ("two equal lengths", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\na"),
    ("two lengths", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab"),
    ("a list of lengths", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1, 1\r\n\r\na"),
    ("a signed length", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\na"),
    ("a negative length", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n"),
    ("a hexadecimal length", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x1\r\n\r\na"),
    ("an empty length", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\n"),
    ("an endless length", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 18446744073709551617\r\n\r\na"),
    ("two codings", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"),
    ("chunked twice", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n"),
    ("an empty coding", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: ,chunked\r\n\r\n0\r\n\r\n"),
    ("identity", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: identity\r\n\r\n"),
    (
        "two coding lines",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n",
    ),
    ("an unknown coding", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"),
    ("a quoted coding", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n"),
    ("a coding in HTTP/1.0", "POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    (
        "vertical tab in a coding",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n",
    ),
    ("space before the colon", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n"),
    ("a folded line", "GET / HTTP/1.1\r\nHost: a\r\nX: y\r\n Transfer-Encoding: chunked\r\n\r\n"),
    ("a line that begins with a space", "GET / HTTP/1.1\r\n Host: a\r\n\r\n"),
    ("bare line feeds", "GET / HTTP/1.1\nHost: a\n\n"),
    ("one bare line feed", "GET / HTTP/1.1\r\nHost: a\nX: y\r\n\r\n"),
    ("a bare line feed at the end", "GET / HTTP/1.1\r\nHost: a\r\n\n"),
    ("a bare carriage return", "GET / HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n"),
    ("NUL in a value", "GET / HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n"),
    ("DEL in a value", "GET / HTTP/1.1\r\nHost: a\r\nX: a\x7fb\r\n\r\n"),
    ("an empty name", "GET / HTTP/1.1\r\nHost: a\r\n: b\r\n\r\n"),
    ("no colon", "GET / HTTP/1.1\r\nHost: a\r\nx\r\n\r\n"),
    ("a name with a space", "GET / HTTP/1.1\r\nHost: a\r\nx y: z\r\n\r\n"),
    ("two hosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"),
    ("two equal hosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n"),
    ("no host", "GET / HTTP/1.1\r\nX: y\r\n\r\n"),
    ("an empty host", "GET / HTTP/1.1\r\nHost:\r\n\r\n"),
    ("a path in the host", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n"),
    ("a user in the host", "GET / HTTP/1.1\r\nHost: a@b\r\n\r\n"),
    ("a host and another", "GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n"),
    ("a fragment", "GET /x#y HTTP/1.1\r\nHost: a\r\n\r\n"),
    ("bytes above ASCII in the target", "GET /\u{fc} HTTP/1.1\r\nHost: a\r\n\r\n"),
    ("two spaces", "GET  / HTTP/1.1\r\nHost: a\r\n\r\n"),
    ("a tab", "GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n"),
    ("no target", "GET HTTP/1.1\r\nHost: a\r\n\r\n"),
    ("HTTP/0.9", "GET /\r\n\r\n"),
    ("HTTP/1.2", "GET / HTTP/1.2\r\nHost: a\r\n\r\n"),
    ("HTTP/2 by prior knowledge", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    ("CONNECT", "CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n"),
    ("a lower-case method", "get / HTTP/1.1\r\nHost: a\r\n\r\n"),
    ("TRACE", "TRACE / HTTP/1.1\r\nHost: a\r\n\r\n"),
    ("a path that climbs", "GET /../x HTTP/1.1\r\nHost: a\r\n\r\n"),
    ("a path that climbs in code", "GET /x/%2e%2e%2f%2e%2e%2fy HTTP/1.1\r\nHost: a\r\n\r\n"),
    ("an encoded slash", "GET /x%2fy HTTP/1.1\r\nHost: a\r\n\r\n"),
    ("an encoded NUL", "GET /x%00y HTTP/1.1\r\nHost: a\r\n\r\n"),
    ("a broken escape", "GET /x%zz HTTP/1.1\r\nHost: a\r\n\r\n"),
    ("not HTTP at all", "\x16\x03\x01\x02\0\x01\0\x01\u{fc}\x03\x03\r\n\r\n"),
];

/// A well-formed head whose body is not: the upstream may have got the head and the good part of the
/// body, but never an end of it.
const BROKEN_BODIES: &[(&str, &str)] = &[
    ("a chunk size with 0x", "0x1\r\na\r\n0\r\n\r\n"),
    ("a chunk size with a sign", "+1\r\na\r\n0\r\n\r\n"),
    ("a chunk size that overflows", "ffffffffffffffff1\r\na\r\n0\r\n\r\n"),
    ("a chunk that is too long", "1\r\nabc\r\n0\r\n\r\n"),
    ("a bare line feed after a size", "1\na\r\n0\r\n\r\n"),
    ("a bare line feed after a chunk", "1\r\na\n0\r\n\r\n"),
    (
        "a bare line feed in an extension",
        "1;\nxx\r\n4c\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n0\r\n\r\n",
    ),
    ("a bare line feed at the end", "1\r\na\r\n0\r\n\n"),
    ("a space before the size", " 1\r\na\r\n0\r\n\r\n"),
    ("a comma in the size", "1,1\r\na\r\n0\r\n\r\n"),
    ("a trailer without a colon", "1\r\na\r\n0\r\nGET /smuggled HTTP/1.1\r\n\r\n"),
];

async fn rig() -> (Rig, Recorder) {
    let upstream = Recorder::plain().await;
    (Build::before(upstream.address).start(), upstream)
}

#[tokio::test]
async fn what_can_be_read_in_two_ways_is_refused_with_everything_a_refusal_has() {
    let (rig, upstream) = rig().await;
    for (index, (name, bytes)) in REFUSED.iter().enumerate() {
        let mut client = rig.connect().await;
        client.send(bytes).await;
        let answer = client.response("GET").await.unwrap_or_else(|| panic!("{name}: no answer"));
        assert!(matches!(answer.status, 400..=499 | 501 | 505), "{name}: {}", answer.status);
        answer.assert_is_ours();
        let counted: u64 = rig
            .pipeline
            .metrics()
            .iter()
            .filter(|metric| metric.verdict == gabion_checks::Verdict::Refused)
            .map(|metric| metric.count)
            .sum();
        assert_eq!(counted, index as u64 + 1, "{name}: every refusal is counted");
        let received = upstream.all();
        assert!(received.is_empty(), "{name}: {received:?}");
    }
}

#[tokio::test]
async fn a_refusal_is_on_record() {
    let (rig, _upstream) = rig().await;
    let mut client = rig.connect().await;
    client.send("GET / HTTP/1.1\nHost: a\n\n").await;
    let answer = client.response("GET").await.unwrap();
    let id = answer.field("gabion-request-id").unwrap().to_owned();
    assert_eq!(client.rest().await, b"", "and the connection is closed");
    rig.ledger.flush().await.unwrap();
    let records = rig.ledger.tail(10).unwrap();
    let found = records.iter().any(|record| {
        record.event.request_id.is_some_and(|own| own.to_string() == id)
            && record.event.reason.as_deref() == Some("a line ends without a carriage return")
    });
    assert!(found, "{id} in {records:?}");
}

#[tokio::test]
async fn a_body_that_breaks_its_framing_never_ends_for_the_upstream() {
    let (rig, upstream) = rig().await;
    for (name, body) in BROKEN_BODIES {
        let mut client = rig.connect().await;
        client.send("POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n").await;
        let _ = client.try_send(body).await;
        let answer = client.response("POST").await;
        if let Some(answer) = answer {
            assert_eq!(answer.status, 400, "{name}");
            answer.assert_is_ours();
        }
        assert_eq!(upstream.all(), [], "{name}");
    }
}

#[tokio::test]
async fn heads_have_bounds() {
    let (rig, upstream) = rig().await;
    let many = format!("GET / HTTP/1.1\r\nHost: a\r\n{}\r\n", "X: y\r\n".repeat(200));
    let long = format!("GET / HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n", "y".repeat(200_000));
    let endless = format!("GET / HTTP/1.1\r\nHost: a\r\nX: {}", "y".repeat(2_000_000));
    let target = format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", "y".repeat(40_000));
    for (name, request) in [("many", many), ("long", long), ("endless", endless), ("target", target)] {
        let mut client = rig.connect().await;
        let _ = client.try_send(&request).await;
        let answer = client.response("GET").await.unwrap_or_else(|| panic!("{name}: no answer"));
        assert!(matches!(answer.status, 414 | 431), "{name}: {}", answer.status);
        answer.assert_is_ours();
    }
    assert_eq!(upstream.all(), []);
}

/// Requests that are well formed go through in exactly one shape, however they were written.
#[tokio::test]
async fn what_is_let_through_is_written_anew() {
    let (rig, upstream) = rig().await;
    let mut client = rig.connect().await;
    client
        .send("\r\nPOST http://a/x?y=%7E HTTP/1.1\r\nhOsT:a\r\nCONTENT-length: \t 3 \r\nX:  y\t \r\n\r\nabc")
        .await;
    let answer = client.response("POST").await.unwrap();
    rig.ledger.flush().await.unwrap();
    assert_eq!(answer.status, 200, "{:?}", rig.ledger.tail(1));
    let received = &upstream.all()[0];
    assert_eq!(received.line().split('?').next(), Some("POST /x"));
    assert_eq!((received.field("host"), received.field("content-length")), (Some("a"), Some("3")));
    assert!(received.head.contains("\r\nx: y\r\n"), "{}", received.head);
    assert_eq!(received.body, b"abc");
}

#[tokio::test]
async fn what_follows_a_refused_request_is_not_read_as_a_request() {
    let (rig, upstream) = rig().await;
    let mut client: Client = rig.connect().await;
    client
        .send("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\nGET /second HTTP/1.1\r\nHost: a\r\n\r\n")
        .await;
    assert_eq!(client.response("GET").await.unwrap().status, 400);
    let rest = client.rest().await;
    assert!(find(&rest, b"HTTP/1.1").is_none());
    assert_eq!(upstream.all(), []);
}
