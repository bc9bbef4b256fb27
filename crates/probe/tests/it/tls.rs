//! Targets that speak old TLS, and such that only look as if they did.

use std::io;
use std::net::SocketAddr;
use std::process::Stdio;
use std::sync::{Arc, Mutex};

use gabion_egress::{Dial, Stream, TcpDial, Tls};
use gabion_model::Severity;
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
    let address = speak(config, lax, behind).await;
    Server { address, folder }
}

async fn speak(config: rustls::ServerConfig, lax: bool, behind: Option<Behind>) -> SocketAddr {
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
    address
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
    assert_eq!(passed, ["", "certificate", "issuer", "name", "key", "signature"]);
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

/// Certificates of an authority, one between, and a server, by which it is shown what.
struct Chain {
    /// For whom the last one is.
    name: &'static str,
    /// Days until it ends.
    days: i64,
    /// Whether those above are sent.
    whole: bool,
    /// Whether the authority is believed.
    believed: bool,
}

const GOOD: Chain = Chain { name: "127.0.0.1", days: 90, whole: true, believed: true };

impl Chain {
    async fn judged(&self) -> Report {
        use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
        let folder = TempDir::new().unwrap();
        let above = |name: &str| {
            let mut parameters = CertificateParams::default();
            parameters.distinguished_name.push(DnType::CommonName, name);
            parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            parameters
        };
        let keys = [(); 3].map(|()| KeyPair::generate().unwrap());
        let [root_key, between_key, own_key] = keys;
        let root = above("an authority");
        let root_made = root.self_signed(&root_key).unwrap();
        let root = Issuer::new(root, root_key);
        let between = above("one between");
        let between_made = between.signed_by(&between_key, &root).unwrap();
        let between = Issuer::new(between, between_key);
        let mut own = CertificateParams::new([self.name.to_owned()]).unwrap();
        own.distinguished_name.push(DnType::CommonName, "a server");
        let today = i64::try_from(std::time::UNIX_EPOCH.elapsed().unwrap().as_secs()).unwrap();
        let end = (today + self.days * 86_400).unsigned_abs();
        own.not_after = rcgen::date_time_ymd(1970, 1, 1) + std::time::Duration::from_secs(end);
        let own_made = own.signed_by(&own_key, &between).unwrap();
        std::fs::write(folder.path().join("ca.pem"), root_made.pem()).unwrap();
        let mut chain = vec![CertificateDer::from(own_made.der().to_vec())];
        if self.whole {
            chain.extend([between_made, root_made].map(|made| CertificateDer::from(made.der().to_vec())));
        }
        let private = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(own_key.serialize_der()));
        let config = rustls::ServerConfig::builder_with_provider(gabion_vault::tls::provider())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(chain, private)
            .unwrap();
        let address = speak(config, false, None).await;
        let believed = folder.path().join("ca.pem");
        unverified(address, self.believed.then_some(believed.as_path())).await
    }
}

async fn unverified(address: SocketAddr, believed: Option<&std::path::Path>) -> Report {
    let mut world = world(&["tls"]);
    world.tls = Some(Tls::new(believed).unwrap());
    let mut facts = Facts::of(&format!("https://{address}"));
    facts.target.verify = false;
    let report = run(facts, &world, &Silent).await.unwrap();
    print(&report);
    report
}

fn wrong(report: &Report) -> Vec<(&str, Verdict, Severity, &str)> {
    let all = report.findings.iter();
    all.map(|one| (one.outcome.aspect.as_str(), one.outcome.verdict, one.severity, one.outcome.says.as_str()))
        .collect()
}

#[tokio::test]
async fn what_is_wrong_with_a_certificate_is_said_as_what_it_is() {
    assert_eq!(wrong(&GOOD.judged().await), []);
    for (chain, aspect, says) in [
        (Chain { believed: false, ..GOOD }, "issuer", "an authority that nobody here knows"),
        (
            Chain { whole: false, ..GOOD },
            "issuer",
            "the chain is not whole: the certificate of `CN=one between`",
        ),
        (Chain { name: "other.example", ..GOOD }, "name", "is for other.example, and not for `127.0.0.1`"),
        (Chain { days: -3, ..GOOD }, "certificate", "days ago"),
    ] {
        let report = chain.judged().await;
        let found = wrong(&report);
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!((found[0].0, found[0].1, found[0].2), (aspect, Verdict::Proven, Severity::Low));
        assert!(found[0].3.contains(says), "{}", found[0].3);
    }
}

#[tokio::test]
async fn a_certificate_that_is_not_believed_ends_the_run_unless_the_facts_say_otherwise() {
    let server = serve(false, 90).await;
    let mut world = world(&["tls"]);
    world.tls = Some(Tls::new(None).unwrap());
    let error = run(Facts::of(&format!("https://{}", server.address)), &world, &Silent).await.unwrap_err();
    assert!(
        error.to_string().contains("is not believed") && error.to_string().contains("target.verify"),
        "{error}"
    );
    let report = unverified(server.address, None).await;
    let found = wrong(&report);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].0 == "issuer" && found[0].3.contains("signed by itself"));
    let mut facts = Facts::of("https://192.0.2.1");
    facts.target.verify = false;
    facts.target.ownership = Some("x".repeat(20));
    let error = run(facts, &world, &Silent).await.unwrap_err().to_string();
    assert!(error.contains("not near by"), "{error}");
}

/// A certificate of RSA with 1024 bits, signed by itself over SHA-1, for a key that is not its own: nobody looks.
#[derive(Debug)]
struct Old(Arc<rustls::sign::CertifiedKey>);

impl rustls::server::ResolvesServerCert for Old {
    fn resolve(&self, _hello: rustls::server::ClientHello<'_>) -> Option<Arc<rustls::sign::CertifiedKey>> {
        Some(Arc::clone(&self.0))
    }
}

#[tokio::test]
async fn short_keys_and_broken_digests_are_seen() {
    let provider = gabion_vault::tls::provider();
    let key = rcgen::KeyPair::generate().unwrap();
    let private = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let key = provider.key_provider.load_private_key(private).unwrap();
    let old = CertificateDer::from(include_bytes!("tls/old.der").to_vec());
    let old = Old(Arc::new(rustls::sign::CertifiedKey::new(vec![old], key)));
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(old));
    let report = unverified(speak(config, false, None).await, None).await;
    let mut found = found(&report);
    found.sort_unstable();
    assert_eq!(found, ["issuer", "key", "signature"].map(|aspect| (aspect, Verdict::Proven)));
    assert_eq!(wrong(&report)[0].2, Severity::Medium);
}
