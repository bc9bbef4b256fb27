//! What is said to a scanner and what is made of its answers, word by word.

use std::io;

use bytes::Bytes;
use gabion_model::Period;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};
use tokio::net::TcpListener;

use super::*;

struct File {
    bytes: Bytes,
    left: Bytes,
}

impl File {
    fn new(bytes: &'static [u8]) -> Self {
        Self { bytes: Bytes::from_static(bytes), left: Bytes::from_static(bytes) }
    }
}

impl Source for File {
    fn length(&self) -> u64 {
        self.bytes.len() as u64
    }

    fn next(&mut self) -> io::Result<Option<Bytes>> {
        let piece = self.left.split_to(self.left.len().min(6));
        Ok((!piece.is_empty()).then_some(piece))
    }

    fn into_any(self: Box<Self>) -> Box<dyn std::any::Any + Send> {
        self
    }
}

/// Reads what ends in `end` and answers.
async fn turn(stream: &mut DuplexStream, end: &[u8], answer: &[u8]) -> String {
    let read = read_until(stream, end, 10_000).await.unwrap();
    stream.write_all(answer).await.unwrap();
    String::from_utf8_lossy(&read).into_owned()
}

#[tokio::test]
async fn clamd_is_told_lengths_and_believed_only_when_it_says_ok() {
    let rows: [(&[u8], Scan); 6] = [
        (b"stream: OK\0", Scan::Clean),
        (b"stream: Eicar FOUND\0", Scan::Infected("Eicar".into())),
        (
            b"INSTREAM size limit exceeded. ERROR\0",
            Scan::Failed("INSTREAM size limit exceeded. ERROR".into()),
        ),
        (b"stream: Can't allocate memory ERROR\0", Scan::Failed("Can't allocate memory ERROR".into())),
        (b"stream: OK", Scan::Failed("it closed the connection".into())),
        (b"", Scan::Failed("it closed the connection".into())),
    ];
    for (answer, found) in rows {
        let (ours, mut theirs) = duplex(1024);
        let server = tokio::spawn(async move {
            let mut said = vec![0; 33];
            theirs.read_exact(&mut said).await.unwrap();
            theirs.write_all(answer).await.unwrap();
            String::from_utf8(said).unwrap()
        });
        let asked = clamd::scan(Box::new(ours), &mut File::new(b"hello world")).await.unwrap();
        assert_eq!(asked, found);
        let said = server.await.unwrap();
        assert_eq!(said, "zINSTREAM\0\0\0\0\u{6}hello \0\0\0\u{5}world\0\0\0\0");
    }
}

const OPTIONS: &[u8] = b"ICAP/1.0 200 OK\r\nMethods: RESPMOD, REQMOD\r\nPreview: 4\r\nAllow: 204\r\n\r\n";

async fn icap(
    options: &'static [u8],
    turns: Vec<(&'static [u8], &'static [u8])>,
) -> (io::Result<Scan>, String) {
    let (ours, mut theirs) = duplex(4096);
    let server = tokio::spawn(async move {
        let mut said = turn(&mut theirs, b"\r\n\r\n", options).await;
        for (end, answer) in turns {
            said.push_str(&turn(&mut theirs, end, answer).await);
        }
        said
    });
    let address = "icap://127.0.0.1:1344/avscan";
    let asked = icap::scan(Box::new(ours), address, "127.0.0.1:1344", &mut File::new(b"hello world")).await;
    (asked, server.await.unwrap())
}

#[tokio::test]
async fn icap_shows_a_preview_and_goes_on_when_asked() {
    let clean: &[u8] = b"ICAP/1.0 204 No modifications\r\n\r\n";
    let (found, said) =
        icap(OPTIONS, vec![(b"\r\n0\r\n\r\n", b"ICAP/1.0 100 Continue\r\n\r\n"), (b"\r\n0\r\n\r\n", clean)])
            .await;
    assert_eq!(found.unwrap(), Scan::Clean);
    assert!(said.contains("RESPMOD icap://127.0.0.1:1344/avscan ICAP/1.0\r\nHost: 127.0.0.1:1344\r\nAllow: 204\r\nPreview: 4\r\n"));
    assert!(said.contains("Encapsulated: req-hdr=0, res-hdr=65, res-body=144\r\n\r\nGET "), "{said}");
    assert!(said.ends_with("4\r\nhell\r\n0\r\n\r\n2\r\no \r\n5\r\nworld\r\n0\r\n\r\n"), "{said}");
    let (found, _) = icap(OPTIONS, vec![(b"\r\n0\r\n\r\n", clean)]).await;
    assert_eq!(found.unwrap(), Scan::Clean, "by the preview alone");

    let longer = b"ICAP/1.0 200 OK\r\nMethods: RESPMOD\r\nPreview: 100\r\n\r\n";
    let (found, said) = icap(longer, vec![(b"0; ieof\r\n\r\n", clean)]).await;
    assert_eq!((found.unwrap(), said.contains("b\r\nhello world\r\n0; ieof")), (Scan::Clean, true));
    let without = b"ICAP/1.0 200 OK\r\nMethods: RESPMOD\r\n\r\n";
    let (found, said) = icap(without, vec![(b"\r\n0\r\n\r\n", clean)]).await;
    assert_eq!((found.unwrap(), said.contains("Preview")), (Scan::Clean, false));
}

#[tokio::test]
async fn icap_findings_and_failures() {
    let rows: [(&'static [u8], Scan); 6] = [
        (
            b"ICAP/1.0 200 OK\r\nX-Violations-Found: 1\r\n\t-\r\n\tEicar\r\n\t0\r\nX-Infection-Found: Type=0; Resolution=2; Threat=Eicar;\r\n\r\n",
            Scan::Infected("Eicar".into()),
        ),
        (
            b"ICAP/1.0 200 OK\r\nEncapsulated: res-hdr=0, res-body=9\r\n\r\nHTTP/1.1 403 Forbidden\r\n",
            Scan::Infected("not named".into()),
        ),
        (
            b"ICAP/1.0 200 OK\r\nEncapsulated: res-hdr=0, res-body=9\r\n\r\nHTTP/1.1 200 OK\r\n",
            Scan::Failed("it changed the file instead of judging it".into()),
        ),
        (b"ICAP/1.0 503 Overloaded\r\n\r\n", Scan::Busy),
        (b"ICAP/1.0 500 Error\r\n\r\n", Scan::Failed("RESPMOD answered 500".into())),
        (b"ICAP/1.0 404 Not Found\r\n\r\n", Scan::Failed("RESPMOD answered 404".into())),
    ];
    for (answer, found) in rows {
        let (said, _) = icap(OPTIONS, vec![(b"\r\n0\r\n\r\n", answer)]).await;
        assert_eq!(said.unwrap(), found);
    }
    let (found, _) = icap(b"ICAP/1.0 503 Overloaded\r\n\r\n", vec![]).await;
    assert_eq!(found.unwrap(), Scan::Busy);
    let (found, _) = icap(b"ICAP/1.0 200 OK\r\nMethods: REQMOD\r\n\r\n", vec![]).await;
    assert_eq!(found.unwrap(), Scan::Failed("it does not judge answers".into()));
    let (found, _) = icap(b"HTTP/1.1 200 OK\r\n\r\n", vec![]).await;
    assert!(found.is_err());
}

fn settings(address: String, timeout: Period, at_once: u32) -> Antivirus {
    Antivirus { protocol: AntivirusProtocol::Clamd, address, timeout, at_once }
}

#[tokio::test]
async fn a_scanner_that_is_not_there_or_says_nothing_is_no_answer() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let mute = scanner(&settings(address.clone(), Period::from_millis(50), 1));
    let (found, file) = mute.scan(Box::new(File::new(b"x"))).await;
    assert_eq!(found, Scan::Failed("no answer in time".into()));
    assert_eq!(file.length(), 1, "the file comes back");
    drop(listener);
    let gone = scanner(&settings(address, Period::from_secs(5), 1));
    assert!(matches!(gone.scan(Box::new(File::new(b"x"))).await.0, Scan::Failed(_)));
}

#[tokio::test]
async fn a_unix_socket_will_do() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("clamd");
    let listener = tokio::net::UnixListener::bind(&path).unwrap();
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut read = vec![0; 10 + 4 + 1 + 4];
        stream.read_exact(&mut read).await.unwrap();
        stream.write_all(b"stream: OK\0").await.unwrap();
    });
    let asked = scanner(&settings(format!("unix:{}", path.display()), Period::from_secs(20), 1));
    assert_eq!(asked.scan(Box::new(File::new(b"x"))).await.0, Scan::Clean);
    server.await.unwrap();
}
