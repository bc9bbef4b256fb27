//! ICAP (RFC 3507): `OPTIONS` to learn how much the server wants to see first, then `RESPMOD` with the file as the
//! content of an answer.
//!
//! 204: nothing was found. 200 with a finding named in a field, or with an answer that is no longer a success: it was.
//! Everything else is no answer.

use std::io;

use bytes::{Bytes, BytesMut};
use gabion_checks::upload::{Scan, Source};
use tokio::io::AsyncWriteExt as _;

use super::{Both, read_until};

pub(super) async fn scan(
    mut stream: Box<dyn Both>,
    address: &str,
    authority: &str,
    file: &mut dyn Source,
) -> io::Result<Scan> {
    let options = format!("OPTIONS {address} ICAP/1.0\r\nHost: {authority}\r\n\r\n");
    stream.write_all(options.as_bytes()).await?;
    let head = Head::read(&mut *stream).await?;
    let answer = match head.status {
        200 => head,
        503 => return Ok(Scan::Busy),
        status => return Ok(Scan::Failed(format!("OPTIONS answered {status}"))),
    };
    let offers = |name: &str, value: &str| {
        answer.fields(name).any(|field| field.split(',').any(|one| one.trim().eq_ignore_ascii_case(value)))
    };
    if !offers("methods", "RESPMOD") || answer.fields("opt-body-type").next().is_some() {
        return Ok(Scan::Failed("it does not judge answers".to_owned()));
    }
    let preview = answer.fields("preview").next().and_then(|text| text.trim().parse::<usize>().ok());
    let preview = preview.map(|bytes| bytes.min(LARGEST_PREVIEW));
    let asked = "GET http://upload.invalid/file HTTP/1.1\r\nHost: upload.invalid\r\n\r\n";
    let made = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: {}\r\n\r\n",
        file.length()
    );
    let shown = preview.map_or(String::new(), |bytes| format!("Preview: {bytes}\r\n"));
    let head = format!(
        "RESPMOD {address} ICAP/1.0\r\nHost: {authority}\r\nAllow: 204\r\n{shown}\
         Encapsulated: req-hdr=0, res-hdr={}, res-body={}\r\n\r\n{asked}{made}",
        asked.len(),
        asked.len().saturating_add(made.len()),
    );
    stream.write_all(head.as_bytes()).await?;
    let mut rest = Bytes::new();
    if let Some(preview) = preview {
        let mut first = BytesMut::new();
        while first.len() < preview {
            let Some(piece) = file.next()? else { break };
            first.extend_from_slice(&piece);
        }
        rest = first.split_off(preview.min(first.len())).freeze();
        chunk(&mut *stream, &first).await?;
        let all = file.length() == first.len() as u64;
        stream.write_all(if all { b"0; ieof\r\n\r\n" } else { b"0\r\n\r\n" }).await?;
        stream.flush().await?;
        let answer = Head::read(&mut *stream).await?;
        if answer.status != 100 || all {
            return judge(&mut *stream, &answer).await;
        }
    }
    // It may answer before it has everything.
    let sent = send(&mut *stream, rest, file).await;
    match (Head::read(&mut *stream).await, sent) {
        (Ok(answer), _) => judge(&mut *stream, &answer).await,
        (Err(_), Err(error)) | (Err(error), Ok(())) => Err(error),
    }
}

async fn send(stream: &mut dyn Both, rest: Bytes, file: &mut dyn Source) -> io::Result<()> {
    chunk(stream, &rest).await?;
    while let Some(piece) = file.next()? {
        chunk(stream, &piece).await?;
    }
    stream.write_all(b"0\r\n\r\n").await?;
    stream.flush().await
}

async fn chunk(stream: &mut dyn Both, bytes: &[u8]) -> io::Result<()> {
    if bytes.is_empty() {
        return Ok(());
    }
    stream.write_all(format!("{:x}\r\n", bytes.len()).as_bytes()).await?;
    stream.write_all(bytes).await?;
    stream.write_all(b"\r\n").await
}

/// What the server's final answer means.
async fn judge(stream: &mut dyn Both, answer: &Head) -> io::Result<Scan> {
    let found = ["x-infection-found", "x-virus-id", "x-violations-found"]
        .into_iter()
        .find_map(|name| answer.fields(name).next());
    if let Some(found) = found {
        let threat = found.split(';').find_map(|part| part.trim().strip_prefix("Threat="));
        return Ok(Scan::Infected(threat.unwrap_or(found).trim().to_owned()));
    }
    match answer.status {
        204 => Ok(Scan::Clean),
        200 => {
            // The answer it would give in the file's place.
            let inner = read_until(stream, b"\r\n", LONGEST_HEAD).await?;
            let status =
                inner.split(|byte| *byte == b' ').nth(1).and_then(|text| std::str::from_utf8(text).ok());
            match status.and_then(|text| text.trim().parse::<u16>().ok()) {
                Some(300..=599) => Ok(Scan::Infected("not named".to_owned())),
                _ => Ok(Scan::Failed("it changed the file instead of judging it".to_owned())),
            }
        }
        503 => Ok(Scan::Busy),
        status => Ok(Scan::Failed(format!("RESPMOD answered {status}"))),
    }
}

/// An ICAP answer's status line and fields.
#[derive(Debug)]
struct Head {
    status: u16,
    fields: Vec<(String, String)>,
}

impl Head {
    async fn read(stream: &mut dyn Both) -> io::Result<Self> {
        let bytes = read_until(stream, b"\r\n\r\n", LONGEST_HEAD).await?;
        Self::parse(&bytes).ok_or_else(|| io::Error::other("the scanner does not speak ICAP"))
    }

    fn parse(bytes: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(bytes.strip_suffix(b"\r\n\r\n")?).ok()?;
        let mut lines = text.split("\r\n");
        let mut status = lines.next()?.split(' ');
        if status.next()? != "ICAP/1.0" {
            return None;
        }
        let status = status.next()?.parse().ok()?;
        let mut fields: Vec<(String, String)> = Vec::new();
        for line in lines {
            // Findings may take several lines.
            if let Some(more) = line.strip_prefix([' ', '\t']) {
                let (_, value) = fields.last_mut()?;
                value.push(' ');
                value.push_str(more.trim());
                continue;
            }
            let (name, value) = line.split_once(':')?;
            fields.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
        Some(Self { status, fields })
    }

    fn fields<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.fields.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

const LARGEST_PREVIEW: usize = 64 * 1024;
const LONGEST_HEAD: usize = 16 * 1024;
