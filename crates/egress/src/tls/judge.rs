//! What somebody shows in a handshake, judged afterwards: who vouches for it, and for which name it is.

use std::io;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use gabion_vault::tls::provider;
use gabion_vault::x509::PeerCertificate;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{verify_server_cert_signed_by_trust_anchor, verify_server_name};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};

/// What the other side shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// In DER: its own certificate first, and what it sends besides.
    pub chain: Vec<Vec<u8>>,
    pub trust: Trust,
    /// Whether it is for the host that was asked.
    pub named: bool,
}

/// What those who are believed say to a chain, while its certificate is good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trust {
    /// It leads to one of them.
    Whole,
    /// It leads to nobody who is believed.
    Nobody,
    /// It is not taken for another reason.
    Refused(String),
}

/// Takes every certificate, and remembers it.
#[derive(Debug, Default)]
pub(super) struct Anybody(Mutex<Vec<Vec<u8>>>);

/// Certificates that are kept of one handshake.
const MOST: usize = 10;

impl Anybody {
    pub(super) fn chain(&self) -> Vec<Vec<u8>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        own: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let chain = std::iter::once(own).chain(others).take(MOST).map(|one| one.to_vec()).collect();
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = chain;
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _own: &CertificateDer<'_>,
        _signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _message: &[u8],
        _own: &CertificateDer<'_>,
        _signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        let mut all = provider().signature_verification_algorithms.supported_schemes();
        // Whoever has nothing better is looked at as well.
        all.extend([SignatureScheme::RSA_PKCS1_SHA1, SignatureScheme::ECDSA_SHA1_Legacy]);
        all
    }
}

pub(super) fn judged(chain: Vec<Vec<u8>>, name: &ServerName<'_>, roots: &RootCertStore) -> io::Result<Shown> {
    let all: Vec<CertificateDer<'_>> = chain.iter().map(|one| CertificateDer::from(one.as_slice())).collect();
    let (own, others) = all.split_first().ok_or(io::ErrorKind::InvalidData)?;
    let parsed = match ParsedCertificate::try_from(own) {
        Ok(parsed) => parsed,
        Err(error) => {
            let trust = Trust::Refused(error.to_string());
            return Ok(Shown { chain, trust, named: false });
        }
    };
    let named = verify_server_name(&parsed, name).is_ok();
    let algorithms = provider().signature_verification_algorithms.all;
    let verified =
        verify_server_cert_signed_by_trust_anchor(&parsed, roots, others, while_good(own), algorithms);
    let trust = match verified {
        Ok(()) => Trust::Whole,
        Err(Error::InvalidCertificate(CertificateError::UnknownIssuer)) => Trust::Nobody,
        Err(error) => Trust::Refused(error.to_string()),
    };
    Ok(Shown { chain, trust, named })
}

/// Now, or the nearest moment at which the certificate is good: that it has ended is another matter.
fn while_good(own: &CertificateDer<'_>) -> UnixTime {
    let now = UnixTime::now();
    let Ok(read) = PeerCertificate::parse(own) else { return now };
    let seconds = |at: i64| u64::try_from(at).unwrap_or_default();
    let (first, last) = (seconds(read.not_before.as_secs()), seconds(read.not_after.as_secs()));
    let good = now.as_secs().min(last).max(first);
    UnixTime::since_unix_epoch(Duration::from_secs(good))
}
