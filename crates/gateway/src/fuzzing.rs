//! What the fuzz target `http1` asks of the codec. Only in builds for fuzzing.

use bytes::BytesMut;
use http::Method;

use crate::h1::framing::{Decoded, Decoder, Framing};
use crate::h1::head;

/// Reads `bytes` as a request and as an answer, whole and in two pieces: both give the same.
pub fn http1(bytes: &[u8]) {
    let cut = bytes.first().map_or(0, |byte| usize::from(*byte)).min(bytes.len());
    assert_eq!(request(bytes, bytes.len()), request(bytes, cut), "a request is read differently in pieces");
    assert_eq!(answer(bytes, bytes.len()), answer(bytes, cut), "an answer is read differently in pieces");
}

/// What was read, printed: the head, and how much of a body followed it.
fn request(bytes: &[u8], cut: usize) -> Option<String> {
    let (first, second) = bytes.split_at_checked(cut)?;
    let (mut buffer, mut seen) = (BytesMut::from(first), 0);
    let mut read = head::request(&mut buffer, &mut seen).ok()?;
    if read.is_none() {
        buffer.extend_from_slice(second);
        read = head::request(&mut buffer, &mut seen).ok()?;
    } else {
        buffer.extend_from_slice(second);
    }
    let read = read?;
    let headers = &read.parts.headers;
    assert!(!(headers.contains_key("content-length") && headers.contains_key("transfer-encoding")));
    let body = body(read.framing, buffer);
    Some(format!("{:?} {} {body:?}", read.parts, read.keep_alive))
}

fn answer(bytes: &[u8], cut: usize) -> Option<String> {
    let (first, second) = bytes.split_at_checked(cut)?;
    let (mut buffer, mut seen) = (BytesMut::from(first), 0);
    let mut read = head::response(&mut buffer, &mut seen, &Method::GET, LIMIT).ok()?;
    if read.is_none() {
        buffer.extend_from_slice(second);
        read = head::response(&mut buffer, &mut seen, &Method::GET, LIMIT).ok()?;
    } else {
        buffer.extend_from_slice(second);
    }
    let read = read?;
    let mut behind = BytesMut::from(&*read.rest);
    behind.extend_from_slice(&buffer);
    let body = body(read.framing, behind);
    Some(format!("{:?} {} {body:?}", read.parts, read.keep_alive))
}

/// The bytes of the body and how many were left behind it; `None` when it is malformed.
fn body(framing: Framing, mut buffer: BytesMut) -> Option<(Vec<u8>, usize, bool)> {
    let mut decoder = Decoder::new(framing);
    let mut body = Vec::new();
    loop {
        match decoder.decode(&mut buffer).ok()? {
            Decoded::Data(data) => body.extend_from_slice(&data),
            Decoded::End => return Some((body, buffer.len(), true)),
            Decoded::Hungry => return Some((body, buffer.len(), false)),
        }
    }
}

const LIMIT: usize = 64 * 1024;
