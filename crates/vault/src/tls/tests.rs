use std::io::Cursor;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::time_provider::TimeProvider;
use rustls::{ClientConfig, ClientConnection, RootCertStore, ServerConfig, ServerConnection};

use super::*;

const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);
const DAY: Duration = Duration::from_secs(86_400);

#[derive(Debug)]
struct At(Timestamp);

impl TimeProvider for At {
    fn current_time(&self) -> Option<UnixTime> {
        Some(UnixTime::since_unix_epoch(Duration::from_secs(self.0.as_secs().try_into().unwrap())))
    }
}

/// A whole handshake in memory: what both sides agreed on, or the client's complaint.
fn shake(
    issued: &Issued,
    trusted: &str,
    name: &str,
    now: Timestamp,
    versions: &[&'static rustls::SupportedProtocolVersion],
) -> Result<(rustls::NamedGroup, rustls::ProtocolVersion), rustls::Error> {
    let chain = CertificateDer::pem_slice_iter(issued.chain_pem.as_bytes()).map(Result::unwrap).collect();
    let key = PrivateKeyDer::from_pem_slice(issued.key_pem.expose().as_bytes()).unwrap();
    let server = ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(VERSIONS)
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(trusted.as_bytes()).unwrap()).unwrap();
    let client = ClientConfig::builder_with_details(provider(), Arc::new(At(now)))
        .with_protocol_versions(versions)
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from(name.to_owned()).unwrap();
    let mut client = ClientConnection::new(Arc::new(client), name).unwrap();
    let mut server = ServerConnection::new(Arc::new(server)).unwrap();
    while client.is_handshaking() || server.is_handshaking() {
        let mut bytes = Vec::new();
        while client.wants_write() {
            client.write_tls(&mut bytes).unwrap();
        }
        let mut reader = Cursor::new(&bytes);
        while reader.position() < bytes.len() as u64 {
            server.read_tls(&mut reader).unwrap();
            server.process_new_packets()?;
        }
        let mut bytes = Vec::new();
        while server.wants_write() {
            server.write_tls(&mut bytes).unwrap();
        }
        let mut reader = Cursor::new(&bytes);
        while reader.position() < bytes.len() as u64 {
            client.read_tls(&mut reader).unwrap();
            client.process_new_packets()?;
        }
    }
    let group = client.negotiated_key_exchange_group().unwrap().name();
    Ok((group, client.protocol_version().unwrap()))
}

fn names() -> Vec<String> {
    ["localhost", "*.app.test", "127.0.0.1", "::1"].map(str::to_owned).to_vec()
}

#[test]
fn post_quantum_key_exchange_is_what_two_of_us_agree_on() {
    let ca = LocalCa::create(NOW).unwrap();
    let issued = ca.issue(&names(), NOW).unwrap();
    let agreed = shake(&issued, ca.certificate_pem(), "localhost", NOW, VERSIONS).unwrap();
    assert_eq!(agreed, (rustls::NamedGroup::X25519MLKEM768, rustls::ProtocolVersion::TLSv1_3));
    let older = shake(&issued, ca.certificate_pem(), "localhost", NOW, &[&rustls::version::TLS12]).unwrap();
    assert_eq!(older.1, rustls::ProtocolVersion::TLSv1_2);
}

#[test]
fn a_certificate_is_good_for_its_names_its_time_and_its_authority() {
    let ca = LocalCa::create(NOW).unwrap();
    let issued = ca.issue(&names(), NOW).unwrap();
    let judge = |name: &str, now| shake(&issued, ca.certificate_pem(), name, now, VERSIONS).map(drop);
    for name in ["localhost", "shop.app.test", "127.0.0.1", "::1"] {
        assert_eq!(judge(name, NOW), Ok(()), "{name}");
    }
    for name in ["example.org", "a.b.app.test", "127.0.0.2"] {
        assert!(judge(name, NOW).is_err(), "{name}");
    }
    assert_eq!(issued.expires, NOW.saturating_add(DAY * 397));
    assert_eq!(judge("localhost", NOW.saturating_add(DAY * 396)), Ok(()));
    assert!(judge("localhost", NOW.saturating_add(DAY * 398)).is_err());
    assert!(judge("localhost", Timestamp::from_secs(NOW.as_secs() - 7200)).is_err());
    let stranger = LocalCa::create(NOW).unwrap();
    assert!(shake(&issued, stranger.certificate_pem(), "localhost", NOW, VERSIONS).is_err());
}

#[test]
fn an_authority_is_the_same_after_a_file() {
    let made = LocalCa::create(NOW).unwrap();
    let loaded = LocalCa::load(made.certificate_pem(), &made.key_pem()).unwrap();
    assert_eq!(loaded.certificate_pem(), made.certificate_pem());
    let later = NOW.saturating_add(DAY * 3000);
    let issued = loaded.issue(&names(), later).unwrap();
    assert!(shake(&issued, made.certificate_pem(), "localhost", later, VERSIONS).is_ok());

    let other = LocalCa::create(NOW).unwrap();
    assert!(matches!(
        LocalCa::load(made.certificate_pem(), &other.key_pem()),
        Err(CaError::Malformed(why)) if why == "the key is not the certificate's"
    ));
    assert!(LocalCa::load("rubbish", &made.key_pem()).is_err());
    assert!(LocalCa::load(made.certificate_pem(), &Secret::new("rubbish".to_owned())).is_err());
    assert!(!format!("{made:?}").contains("PRIVATE"));
}

#[test]
fn unusable_names_are_refused() {
    let ca = LocalCa::create(NOW).unwrap();
    assert_eq!(ca.issue(&[], NOW).unwrap_err(), CaError::NoNames);
    for wrong in ["", "a b", "http://x", "x..y", "*", "*.*.x", "a_b", "ümlaut.test", &"x".repeat(64)] {
        let refused = ca.issue(&[wrong.to_owned()], NOW).unwrap_err();
        assert_eq!(refused, CaError::BadName(wrong.to_owned()));
    }
    // Any time a clock may show gives a certificate, never a panic.
    for now in [Timestamp::from_micros(i64::MIN), Timestamp::from_micros(i64::MAX), Timestamp::default()] {
        assert!(LocalCa::create(now).and_then(|ca| ca.issue(&names(), now)).is_ok());
    }
}
