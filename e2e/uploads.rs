//! Files on their way to an application: small and large, over HTTP/1.1 and HTTP/2, looked at by real virus scanners.

use std::convert::Infallible;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use axum::Router;
use axum::body::Body;
use axum::extract::{DefaultBodyLimit, Multipart, State};
use axum::http::HeaderMap;
use axum::routing::{post, put};
use bytes::Bytes;
use futures_util::stream;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt as _, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::Child;

use crate::client::{Client, text};
use crate::clients;
use crate::gate::{Gate, PATIENCE};

/// An application that keeps files: what it saw of them.
#[derive(Default)]
struct Seen {
    begun: AtomicU64,
    ended: AtomicU64,
    bytes: AtomicU64,
}

/// Answers `field name type length` of every part, with the length the request said.
async fn keep(
    State(seen): State<Arc<Seen>>,
    headers: HeaderMap,
    mut form: Multipart,
) -> Result<String, String> {
    seen.begun.fetch_add(1, Relaxed);
    let stated = headers.get("content-length").and_then(|length| length.to_str().ok()).unwrap_or("unknown");
    let mut told = format!("length={stated}\n");
    while let Some(mut field) = form.next_field().await.map_err(|error| error.body_text())? {
        let name = field.name().unwrap_or_default().to_owned();
        let (file, kind) = (field.file_name().map(str::to_owned), field.content_type().map(str::to_owned));
        let mut length = 0;
        while let Some(piece) = field.chunk().await.map_err(|error| error.body_text())? {
            length += piece.len() as u64;
        }
        seen.bytes.fetch_add(length, Relaxed);
        told.push_str(&format!("{name} {file:?} {kind:?} {length}\n"));
    }
    seen.ended.fetch_add(1, Relaxed);
    Ok(told)
}

async fn keep_raw(State(seen): State<Arc<Seen>>, headers: HeaderMap, body: Body) -> String {
    seen.begun.fetch_add(1, Relaxed);
    let bytes = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    seen.ended.fetch_add(1, Relaxed);
    format!("{:?} {}", headers.get("content-type"), bytes.len())
}

async fn application() -> (SocketAddr, Arc<Seen>) {
    let seen = Arc::new(Seen::default());
    let router = Router::new()
        .route("/public/form", post(keep))
        .route("/public/large", post(keep))
        .route("/public/eager", post(keep))
        .route("/public/raw/{name}", put(keep_raw))
        .layer(DefaultBodyLimit::disable())
        .with_state(Arc::clone(&seen));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("has an address");
    tokio::spawn(async move { axum::serve(listener, router).await });
    (address, seen)
}

const ROUTES: &str = "[[routes]]\npath = \"/public/large\"\naccess = \"public\"\nupstream = \"app\"\n\
    upload_limit = \"300MB\"\nupload = { types = [\"text\"], max_size = \"250MB\" }\n\n\
    [[routes]]\npath = \"/public/raw/{name}\"\naccess = \"public\"\nupstream = \"app\"\n\
    upload = { types = [\"png\"], raw = true }\n\n";

async fn gate(address: SocketAddr, more: &str) -> Gate {
    Gate::start_on(address, 0, "http2_plaintext = true\n", &format!("{ROUTES}{more}")).await
}

const BOUNDARY: &str = "multipart/form-data; boundary=b";

fn head_of(name: &str, kind: &str) -> String {
    format!(
        "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\nContent-Type: {kind}\r\n\r\n"
    )
}

fn form(name: &str, kind: &str, content: &[u8]) -> Bytes {
    let title = "--b\r\nContent-Disposition: form-data; name=\"title\"\r\n\r\nhello\r\n";
    [title.as_bytes(), head_of(name, kind).as_bytes(), content, b"\r\n--b--\r\n"].concat().into()
}

async fn send(gate: &Gate, path: &str, body: Bytes) -> Response<Bytes> {
    let request = Request::post(path).header("content-type", BOUNDARY);
    Client::new(gate.address).send(request, body).await.expect("the gate answers")
}

#[tokio::test]
async fn an_application_gets_files_that_are_what_they_say_and_hears_of_no_others() {
    let (address, seen) = application().await;
    let gate = gate(address, "").await;
    let kept = send(&gate, "/public/form", form("notes.txt", "text/plain", b"plain text")).await;
    let told = text(&kept);
    assert_eq!(kept.status(), StatusCode::OK, "{told}");
    let lines: Vec<&str> = told.lines().collect();
    assert!(lines[0].starts_with("length=") && lines[0] != "length=unknown", "{told}");
    assert_eq!(lines[1], "title None None 5");
    assert!(lines[2].ends_with(".txt\") Some(\"text/plain\") 10") && !told.contains("notes"), "{told}");

    let eicar_like: &[(&str, &str, &[u8], StatusCode)] = &[
        ("a.png", "image/png", b"<html><script>alert(1)</script>", StatusCode::UNPROCESSABLE_ENTITY),
        ("a.html", "text/html", b"<p>hello", StatusCode::UNPROCESSABLE_ENTITY),
        ("a.svg", "image/svg+xml", b"<svg onload=\"alert(1)\"/>", StatusCode::UNSUPPORTED_MEDIA_TYPE),
        ("a.js", "text/javascript", b"alert(1)", StatusCode::UNSUPPORTED_MEDIA_TYPE),
        ("a.php", "text/plain", b"<?php system(1);", StatusCode::UNPROCESSABLE_ENTITY),
        ("../a.txt", "text/plain", b"x", StatusCode::UNPROCESSABLE_ENTITY),
        ("a.zip", "application/zip", b"PK\x03\x04", StatusCode::UNSUPPORTED_MEDIA_TYPE),
    ];
    for (name, kind, content, status) in eicar_like {
        let refused = send(&gate, "/public/form", form(name, kind, content)).await;
        let told = text(&refused);
        assert_eq!(refused.status(), *status, "{name} {told}");
        assert!(told.contains("\"place\":\"part 2\"") && !told.contains(name), "{told}");
    }
    let broken = send(&gate, "/public/form", Bytes::from_static(b"--b\nnothing")).await;
    assert_eq!(broken.status(), StatusCode::BAD_REQUEST);
    assert_eq!((seen.begun.load(Relaxed), seen.ended.load(Relaxed)), (1, 1), "it heard of one upload");

    let put = |kind: &'static str, body: &'static [u8]| {
        let request = Request::put("/public/raw/x").header("content-type", kind);
        let mut client = Client::new(gate.address);
        async move { client.send(request, Bytes::from_static(body)).await.expect("the gate answers") }
    };
    assert_eq!(put("image/png", PNG).await.status(), StatusCode::OK);
    assert_eq!(put("image/png", b"GIF89a").await.status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
    assert_eq!(put("text/plain", b"hello").await.status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
    let elsewhere = Request::post("/public/form").header("content-type", "image/png");
    let refused = Client::new(gate.address).send(elsewhere, Bytes::from_static(PNG)).await.expect("answers");
    assert_eq!(refused.status(), StatusCode::UNSUPPORTED_MEDIA_TYPE, "a file on a route that takes none");
}

/// Grey, one point.
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\0\0\0\0:~\x9bU\0\0\0\nIDATx\x9cc`\0\0\0\x02\0\x01H\xaf\xa4q\0\0\0\0IEND\xaeB`\x82";

/// The answer comes while most of the body was never sent.
#[tokio::test]
async fn a_refused_upload_is_cut_off() {
    let (address, seen) = application().await;
    let gate = gate(address, "").await;
    let mut stream = TcpStream::connect(gate.address).await.expect("connects");
    let start = format!(
        "POST /public/large HTTP/1.1\r\nHost: {}\r\nContent-Type: {BOUNDARY}\r\nContent-Length: 200000000\r\n\r\n{}{}",
        gate.address,
        head_of("a.txt", "text/plain"),
        "<html><script>alert(1)</script>".repeat(100),
    );
    stream.write_all(start.as_bytes()).await.expect("sent");
    let mut answer = vec![0; 12];
    let read = tokio::time::timeout(PATIENCE, stream.read_exact(&mut answer)).await;
    read.expect("answered before the end").expect("an answer");
    assert_eq!(String::from_utf8_lossy(&answer), "HTTP/1.1 422");
    let mut rest = Vec::new();
    let closed = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut rest)).await;
    closed.expect("closed, not kept for the rest").expect("read");
    assert_eq!(seen.begun.load(Relaxed), 0, "the application never heard of it");
}

const LINE: &[u8; 64] = b"A line of text that stands in the file again and again, and on.\n";
const LARGE: u64 = 80_000_000;

/// A form with one large text, made as it is sent.
fn large(bad_end: bool) -> StreamBody<impl stream::Stream<Item = Result<Frame<Bytes>, Infallible>>> {
    let piece = Bytes::from(LINE.repeat(1000));
    let count = LARGE / piece.len() as u64;
    let end: &'static [u8] = if bad_end { b"\0\0\r\n--b--\r\n" } else { b"\r\n--b--\r\n" };
    let head = Bytes::from(head_of("a.txt", "text/plain"));
    let pieces = std::iter::once(head)
        .chain((0..count).map(move |_| piece.clone()))
        .chain([Bytes::from_static(end)])
        .map(|piece| Ok(Frame::data(piece)));
    StreamBody::new(stream::iter(pieces))
}

async fn send_large(gate: &Gate, http2: bool, bad_end: bool) -> Response<Incoming> {
    let stream = TokioIo::new(TcpStream::connect(gate.address).await.expect("connects"));
    let request = |uri: String| {
        Request::post(uri).header("content-type", BOUNDARY).header("host", gate.address.to_string())
    };
    if http2 {
        let (mut sender, connection) =
            hyper::client::conn::http2::handshake(TokioExecutor::new(), stream).await.expect("HTTP/2");
        tokio::spawn(connection);
        let request =
            Request::post(format!("http://{}/public/large", gate.address)).header("content-type", BOUNDARY);
        return sender
            .send_request(request.body(large(bad_end)).expect("a request"))
            .await
            .expect("an answer");
    }
    let (mut sender, connection) = hyper::client::conn::http1::handshake(stream).await.expect("HTTP/1.1");
    tokio::spawn(connection);
    let request = request("/public/large".to_owned()).body(large(bad_end)).expect("a request");
    sender.send_request(request).await.expect("an answer")
}

/// The most memory the process ever had, in bytes.
fn peak_memory(gate: &Gate) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", gate.pid())).expect("Linux tells");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a peak");
    line.trim().trim_end_matches(" kB").parse::<u64>().expect("a number") * 1024
}

#[tokio::test]
async fn eighty_megabytes_pass_without_being_in_memory() {
    let (address, seen) = application().await;
    let gate = gate(address, "").await;
    send(&gate, "/public/form", form("a.txt", "text/plain", b"warm")).await;
    let before = peak_memory(&gate);
    for http2 in [false, true] {
        let kept = send_large(&gate, http2, false).await;
        let status = kept.status();
        let told = kept.into_body().collect().await.expect("read").to_bytes();
        let told = String::from_utf8_lossy(&told);
        assert_eq!(status, StatusCode::OK, "{told}");
        let whole = LARGE / 64_000 * 64_000;
        assert!(told.contains(&format!(" {whole}\n")) && !told.contains("length=unknown"), "{told}");
    }
    assert_eq!((seen.begun.load(Relaxed), seen.ended.load(Relaxed)), (3, 3));
    let refused = send_large(&gate, true, true).await;
    assert_eq!(refused.status(), StatusCode::UNPROCESSABLE_ENTITY, "what is wrong stands at the very end");
    assert_eq!(seen.begun.load(Relaxed), 3, "the application never heard of that one");
    let grown = peak_memory(&gate).saturating_sub(before);
    // What is busy beside it moves the peak; a body that was held would be all of its eighty megabytes.
    assert!(grown < 64 * 1024 * 1024, "grew by {grown} bytes");
    let left = fs::read_dir(gate.directory().join("data/uploads")).expect("the spool").count();
    assert_eq!(left, 0, "no name leads to what was held");
}

/// As soon as a file was judged, the application may have it; of a refused one it never sees the end.
#[tokio::test]
async fn with_hold_file_the_application_sees_what_stands_before_a_refused_file_and_no_end() {
    let (address, seen) = application().await;
    let gate = gate(address, "[checks.upload]\nhold = \"file\"\n").await;
    let good = [head_of("a.txt", "text/plain").as_bytes(), &LINE.repeat(2000), b"\r\n"].concat();
    let bad = [head_of("b.txt", "text/plain").as_bytes(), b"<html>", b"\r\n--b--\r\n"].concat();
    let refused = send(&gate, "/public/form", [good.clone(), bad].concat().into()).await;
    assert_eq!(refused.status(), StatusCode::UNPROCESSABLE_ENTITY, "{}", text(&refused));
    let kept = send(&gate, "/public/form", [good, b"--b--\r\n".to_vec()].concat().into()).await;
    assert_eq!(kept.status(), StatusCode::OK, "{}", text(&kept));
    assert_eq!(seen.ended.load(Relaxed), 1, "only the one that passed");
}

/// Not a virus, but what every scanner takes for one (eicar.org). In two halves, so that no scanner takes this file for it.
fn eicar() -> Vec<u8> {
    [r"X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR", "-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"].concat().into_bytes()
}

/// ClamAV's daemon with a database of one signature of ours.
struct Clamd {
    _process: Child,
    directory: TempDir,
    port: u16,
}

impl Clamd {
    async fn start() -> Self {
        let directory = TempDir::new().expect("a temporary directory");
        let at = directory.path();
        fs::create_dir(at.join("database")).expect("a directory");
        let hex: String = eicar().iter().map(|byte| format!("{byte:02x}")).collect();
        fs::write(at.join("database/own.ndb"), format!("Own.Test:0:*:{hex}\n")).expect("written");
        let port = Gate::free_port();
        let configuration = format!(
            "Foreground yes\nDatabaseDirectory {at}/database\nLocalSocket {at}/socket\nTCPAddr 127.0.0.1\nTCPSocket {port}\n\
             StreamMaxLength 1M\nMaxThreads 4\nTemporaryDirectory {at}\n",
            at = at.display(),
        );
        fs::write(at.join("clamd.conf"), configuration).expect("written");
        let process = clients::program("clamd")
            .arg("--config-file")
            .arg(at.join("clamd.conf"))
            .stdout(std::process::Stdio::null())
            .spawn()
            .expect("clamd starts (hint: `cargo xtask test tools` installs clamav-daemon)");
        listening(port).await;
        Self { _process: process, directory, port }
    }
}

/// A real ICAP server that asks the same daemon.
async fn icap(clamd: &Clamd) -> (Child, u16) {
    let at = clamd.directory.path();
    let modules = modules();
    let port = Gate::free_port();
    let configuration = format!(
        "PidFile {at}/icap.pid\nCommandsSocket {at}/icap.ctl\nStartServers 1\nMaxServers 2\nMinSpareThreads 1\n\
         MaxSpareThreads 4\nThreadsPerChild 4\nPort 127.0.0.1:{port}\nTmpDir {at}\nModulesDir {modules}\n\
         ServicesDir {modules}\nTemplateDir /usr/share/c_icap/templates/\nTemplateDefaultLanguage en\n\
         LoadMagicFile /etc/c-icap/c-icap.magic\nServerLog {at}/icap.log\nAccessLog {at}/icap-access.log\n\
         Module common clamd_mod.so\nclamd_mod.ClamdSocket {at}/socket\nService antivirus virus_scan.so\n\
         ServiceAlias avscan virus_scan?allow204=on&sizelimit=off&mode=simple\n\
         virus_scan.ScanFileTypes TEXT DATA EXECUTABLE ARCHIVE GIF JPEG MSOFFICE\nvirus_scan.MaxObjectSize 5M\n\
         virus_scan.DefaultEngine clamd\n",
        at = at.display(),
        modules = modules.display(),
    );
    fs::write(at.join("c-icap.conf"), configuration).expect("written");
    let process = clients::program("c-icap")
        .args(["-N", "-f"])
        .arg(at.join("c-icap.conf"))
        .stdout(std::process::Stdio::null())
        .spawn()
        .expect("c-icap starts (hint: `cargo xtask test tools` installs it)");
    listening(port).await;
    (process, port)
}

fn modules() -> PathBuf {
    let architectures = fs::read_dir("/usr/lib").expect("a directory").flatten();
    let found =
        architectures.map(|one| one.path().join("c_icap")).find(|path| path.join("virus_scan.so").exists());
    found.expect("libc-icap-mod-virus-scan is installed")
}

async fn listening(port: u16) {
    let listening = async {
        while TcpStream::connect(("127.0.0.1", port)).await.is_err() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, listening).await.expect("the scanner listens");
}

fn antivirus(protocol: &str, address: &str) -> String {
    format!(
        "[checks.upload]\nmax_size = \"4MB\"\nantivirus = {{ protocol = \"{protocol}\", address = \"{address}\", timeout = \"20s\" }}\n"
    )
}

/// A clean file passes, the test file does not, and neither does anything when the scanner gives no answer.
async fn scanned(configuration: &str, too_long: bool) {
    let (address, seen) = application().await;
    let gate = gate(address, configuration).await;
    let clean = send(&gate, "/public/form", form("a.txt", "text/plain", b"all is well")).await;
    assert_eq!(clean.status(), StatusCode::OK, "{}\n{}", text(&clean), gate.output());
    let long = send(&gate, "/public/form", form("a.txt", "text/plain", &LINE.repeat(5000))).await;
    assert_eq!(long.status(), StatusCode::OK, "from the spool: {}\n{}", text(&long), gate.output());
    let infected = send(&gate, "/public/form", form("a.txt", "text/plain", &eicar())).await;
    assert_eq!(infected.status(), StatusCode::UNPROCESSABLE_ENTITY, "{}", text(&infected));
    assert!(text(&infected).contains("the file is infected"), "{}", text(&infected));
    if too_long {
        let answer = send(&gate, "/public/form", form("a.txt", "text/plain", &LINE.repeat(50_000))).await;
        assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE, "longer than the scanner takes");
        assert!(answer.headers().contains_key("retry-after"));
    }
    assert_eq!(seen.begun.load(Relaxed), 2);
    let events = gate.cli(&["ledger", "search", "--format", "json"]).await;
    assert!(events.contains("input.uploads") && events.contains("infected"), "{events}");
}

#[tokio::test]
async fn clamd_looks_at_every_file() {
    let clamd = Clamd::start().await;
    scanned(&antivirus("clamd", &format!("127.0.0.1:{}", clamd.port)), true).await;
    let socket: &Path = &clamd.directory.path().join("socket");
    scanned(&antivirus("clamd", &format!("unix:{}", socket.display())), true).await;

    let (address, seen) = application().await;
    let gate = gate(address, &antivirus("clamd", &format!("127.0.0.1:{}", Gate::free_port()))).await;
    let closed = send(&gate, "/public/form", form("a.txt", "text/plain", b"all is well")).await;
    assert_eq!(closed.status(), StatusCode::SERVICE_UNAVAILABLE, "no scanner, no upload");
    assert_eq!(seen.begun.load(Relaxed), 0);
}

#[tokio::test]
async fn an_icap_server_looks_at_every_file() {
    let clamd = Clamd::start().await;
    let (_server, port) = icap(&clamd).await;
    scanned(&antivirus("icap", &format!("icap://127.0.0.1:{port}/avscan")), false).await;
}
