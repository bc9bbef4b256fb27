//! Targets that speak old TLS, and such that only look as if they did.

use std::io;
use std::net::SocketAddr;
use std::process::Stdio;
use std::sync::{Arc, Mutex};

use gabion_egress::{Dial, Stream, TcpDial, Tls};
use gabion_model::outbound::BoxFuture;
use gabion_probe::{Facts, Report, Verdict, World, run};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::ground::{Silent, print, world};

const ANSWER: &[u8] =
    b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi";

/// A server with what it believes of itself.
struct Server {
    address: SocketAddr,
    folder: TempDir,
}

/// Where another server is, once that is known.
type Behind = Arc<Mutex<Option<SocketAddr>>>;

/// Speaks TLS 1.2 and 1.3 as `rustls` does; where it is `lax`, it also agrees by hand to whatever it is offered that ever had a number.
async fn serve(lax: bool, days: i64) -> Server {
    serve_before(lax, days, None).await
}

/// As [`serve`], with another server behind it that gets what is written by hand.
async fn serve_before(lax: bool, days: i64, behind: Option<Behind>) -> Server {
    let folder = TempDir::new().unwrap();
    let mut parameters =
        rcgen::CertificateParams::new(["127.0.0.1".to_owned(), "localhost".to_owned()]).unwrap();
    let today = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs();
    let end = i64::try_from(today).unwrap() + days * 86_400;
    parameters.not_after =
        rcgen::date_time_ymd(1970, 1, 1) + std::time::Duration::from_secs(end.unsigned_abs());
    let key = rcgen::KeyPair::generate().unwrap();
    let made = parameters.self_signed(&key).unwrap();
    std::fs::write(folder.path().join("ca.pem"), made.pem()).unwrap();
    std::fs::write(folder.path().join("key.pem"), key.serialize_pem()).unwrap();
    let private = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = rustls::ServerConfig::builder_with_provider(gabion_vault::tls::provider())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![CertificateDer::from(made.der().to_vec())], private)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let Ok((mut stream, _)) = listener.accept().await else { return };
            let (acceptor, behind) = (acceptor.clone(), behind.clone());
            tokio::spawn(async move {
                let mut head = [0; 2_000];
                let read = stream.peek(&mut head).await.unwrap_or(0);
                let agreed = agreement(&head[..read]);
                if let (Some(behind), true) = (behind, agreed.is_some()) {
                    let address = *behind.lock().unwrap();
                    let mut other = TcpDial.dial(address.unwrap()).await.unwrap();
                    let _ = tokio::io::copy_bidirectional(&mut stream, &mut other).await;
                    return;
                }
                if let Some(answer) = agreed.filter(|_| lax) {
                    let _ = stream.read(&mut head).await;
                    let _ = stream.write_all(&answer).await;
                    return;
                }
                let Ok(mut stream) = acceptor.accept(stream).await else { return };
                let _ = stream.read(&mut head).await;
                let _ = stream.write_all(ANSWER).await;
                let _ = stream.shutdown().await;
            });
        }
    });
    Server { address, folder }
}

/// A `ServerHello` of the version and of the first suite that is offered and known; nothing where TLS 1.3 is offered.
fn agreement(hello: &[u8]) -> Option<Vec<u8>> {
    let version = hello.get(9..11)?;
    let session = usize::from(*hello.get(43)?);
    let suites = hello.get(44 + session..)?;
    let count = usize::from(u16::from_be_bytes([suites[0], suites[1]]));
    let suite = suites.get(2..4)?;
    let compression = suites.get(2 + count + 1)?;
    // Supported versions: TLS 1.3 alone, or first.
    let newest = hello.windows(2).any(|pair| pair == [3, 4]) && suite[0] == 0x13;
    if newest || suite[0] == 0xfe {
        return None;
    }
    let mut body = version.to_vec();
    body.extend([9; 32]);
    body.extend([0, suite[0], suite[1], *compression]);
    let mut all = vec![22, version[0], version[1], 0, u8::try_from(body.len() + 4).unwrap()];
    all.extend([2, 0, 0, u8::try_from(body.len()).unwrap()]);
    all.extend(body);
    Some(all)
}

fn trusting(server: &Server) -> World {
    let mut world = world(&["tls"]);
    world.tls = Some(Tls::new(Some(&server.folder.path().join("ca.pem"))).unwrap());
    world
}

async fn probe(server: &Server) -> Report {
    let facts = Facts::of(&format!("https://{}", server.address));
    let report = run(facts, &trusting(server), &Silent).await.unwrap();
    print(&report);
    report
}

fn found(report: &Report) -> Vec<(&str, Verdict)> {
    let mut found: Vec<_> = report
        .findings
        .iter()
        .map(|finding| (finding.outcome.aspect.as_str(), finding.outcome.verdict))
        .collect();
    found.sort_unstable();
    found
}

#[tokio::test]
async fn what_must_not_be_spoken_is_proven() {
    let report = probe(&serve(true, 90).await).await;
    let aspects = [
        "anonymous",
        "compression",
        "des",
        "export",
        "no-encryption",
        "no-secrecy",
        "rc4",
        "ssl-3",
        "tls-1.0",
        "tls-1.1",
    ];
    assert_eq!(found(&report), aspects.map(|aspect| (aspect, Verdict::Proven)));
}

#[tokio::test]
async fn a_server_of_today_is_left_in_peace_until_its_certificate_ends() {
    let report = probe(&serve(false, 90).await).await;
    assert_eq!(found(&report), []);
    let passed: Vec<&str> = report.outcomes.iter().map(|outcome| outcome.aspect.as_str()).collect();
    assert_eq!(passed, ["", "certificate"]);
    let report = probe(&serve(false, 5).await).await;
    assert_eq!(found(&report), [("certificate", Verdict::Proven)]);
}

#[tokio::test]
async fn the_old_library_that_everybody_has_is_read_right() {
    let behind = Behind::default();
    let server = serve_before(false, 90, Some(Arc::clone(&behind))).await;
    let mut command = tokio::process::Command::new("openssl");
    command.args(["s_server", "-accept", "127.0.0.1:0", "-www", "-cert", "ca.pem", "-key", "key.pem"]);
    command.args(["-min_protocol", "TLSv1", "-cipher", "ALL:COMPLEMENTOFALL:@SECLEVEL=0"]);
    command.current_dir(server.folder.path()).stdin(Stdio::piped()).stdout(Stdio::piped());
    let Ok(mut child) = command.stderr(Stdio::null()).kill_on_drop(true).spawn() else {
        println!("no `openssl` here");
        return;
    };
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let address = loop {
        let line = lines.next_line().await.unwrap().unwrap();
        if let Some(address) = line.strip_prefix("ACCEPT ") {
            break address.parse::<SocketAddr>().unwrap();
        }
    };
    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
    *behind.lock().unwrap() = Some(address);
    let report = probe(&server).await;
    let found = found(&report);
    for aspect in ["tls-1.0", "tls-1.1", "no-encryption", "anonymous"] {
        assert!(found.contains(&(aspect, Verdict::Proven)), "{aspect}");
    }
    assert!(!found.iter().any(|(aspect, _)| matches!(*aspect, "ssl-3" | "certificate")));
}

/// Port 443 and port 80 stand elsewhere.
#[derive(Debug)]
struct Elsewhere {
    secure: SocketAddr,
    clear: Option<SocketAddr>,
}

impl Dial for Elsewhere {
    fn dial(&self, address: SocketAddr) -> BoxFuture<'_, io::Result<Box<dyn Stream>>> {
        let to = if address.port() == 443 { Some(self.secure) } else { self.clear };
        Box::pin(async move {
            match to {
                Some(to) => TcpDial.dial(to).await,
                None => Err(io::ErrorKind::ConnectionRefused.into()),
            }
        })
    }
}

async fn beside(answer: Option<&'static [u8]>) -> Vec<(String, Verdict)> {
    let server = serve(false, 90).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let clear = answer.map(|_| listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let (Ok((mut stream, _)), Some(answer)) = (listener.accept().await, answer) {
            let _ = stream.read(&mut [0; 2_000]).await;
            let _ = stream.write_all(answer).await;
        }
    });
    let mut world = trusting(&server);
    world.dial = Arc::new(Elsewhere { secure: server.address, clear });
    let report = run(Facts::of("https://localhost"), &world, &Silent).await.unwrap();
    print(&report);
    let clear = report.outcomes.iter().filter(|outcome| outcome.aspect == "clear");
    clear.map(|outcome| (outcome.says.clone(), outcome.verdict)).collect()
}

#[tokio::test]
async fn what_is_served_in_clear_beside_it_is_proven() {
    let verdicts =
        async |answer| beside(answer).await.into_iter().map(|(_, verdict)| verdict).collect::<Vec<_>>();
    assert_eq!(verdicts(Some(ANSWER)).await, [Verdict::Proven]);
    let leads =
        b"HTTP/1.1 308 Permanent Redirect\r\nLocation: https://localhost/\r\nContent-Length: 0\r\n\r\n";
    assert_eq!(verdicts(Some(leads)).await, [Verdict::Passed]);
    assert_eq!(verdicts(None).await, [Verdict::Passed]);
    assert_eq!(verdicts(Some(b"SSH-2.0-x\r\n")).await, [Verdict::Inconclusive]);
}
