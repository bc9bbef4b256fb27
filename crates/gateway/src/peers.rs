//! The certificates clients show: which of them a handshake takes, and what they are worth.
//!
//! One that a configured authority signed, that has not expired and was not revoked, is vouched for: its names are
//! somebody's. Where `self_signed` is on, others are taken too: their holder has proved to have the key, and nothing
//! more is said of them (RFC 8705, 2.2 and 3). Whatever else is wrong with a certificate ends the handshake.

use std::sync::Arc;
use std::time::Duration;

use gabion_checks::PeerCertificate;
use gabion_model::Timestamp;
use gabion_vault::tls::provider;
use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, RootCertStore, SignatureScheme,
};

use crate::settings::{ClientCertificateMode, ClientCertificates};
use crate::tls::{TlsError, certificates, read};

/// Judges the certificates of clients.
#[derive(Debug)]
pub(crate) struct ClientVerifier {
    /// Knows the authorities and what they revoked; none where only self-signed ones are taken.
    authorities: Option<Arc<dyn ClientCertVerifier>>,
    self_signed: bool,
    required: bool,
    algorithms: WebPkiSupportedAlgorithms,
}

impl ClientVerifier {
    pub(crate) fn new(settings: &ClientCertificates) -> Result<Self, TlsError> {
        let authorities =
            if settings.ca_file.as_os_str().is_empty() { None } else { Some(authorities(settings)?) };
        Ok(Self {
            authorities,
            self_signed: settings.self_signed,
            required: settings.mode == ClientCertificateMode::Required,
            algorithms: provider().signature_verification_algorithms,
        })
    }

    /// The certificate of a connection, judged as of now: a session that is resumed was judged long ago. None when
    /// it cannot be let in by it.
    pub(crate) fn judge(&self, chain: &[CertificateDer<'_>], now: Timestamp) -> Option<PeerCertificate> {
        let (own, others) = chain.split_first()?;
        let certificate = PeerCertificate::parse(own).ok()?;
        let seconds = u64::try_from(now.as_secs()).ok()?;
        let now = UnixTime::since_unix_epoch(Duration::from_secs(seconds));
        match self.vouches(own, others, now) {
            Ok(()) => Some(certificate.by_authority()),
            Err(error) => self.is_taken(own, &error, now).then_some(certificate),
        }
    }

    fn vouches(
        &self,
        own: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<(), Error> {
        match &self.authorities {
            Some(authorities) => authorities.verify_client_cert(own, others, now).map(drop),
            None => Err(CertificateError::UnknownIssuer.into()),
        }
    }

    /// Whether one that nobody vouches for is taken nonetheless. Not when an authority signed it and something else
    /// is wrong: what has expired or was revoked does not come in by another door.
    fn is_taken(&self, own: &CertificateDer<'_>, error: &Error, now: UnixTime) -> bool {
        if !self.self_signed {
            return false;
        }
        let Ok(certificate) = PeerCertificate::parse(own) else { return false };
        let now = Timestamp::from_secs(i64::try_from(now.as_secs()).unwrap_or(i64::MAX));
        let unknown = matches!(error, Error::InvalidCertificate(CertificateError::UnknownIssuer));
        certificate.is_valid(now) && (unknown || certificate.is_self_issued)
    }
}

fn authorities(settings: &ClientCertificates) -> Result<Arc<dyn ClientCertVerifier>, TlsError> {
    let what = format!("`{}`", settings.ca_file.display());
    let mut roots = RootCertStore::empty();
    let (added, _) =
        roots.add_parsable_certificates(certificates(read(&settings.ca_file)?.as_bytes(), &what)?);
    if added == 0 {
        return Err(TlsError::NoCertificate { what });
    }
    let mut builder = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider());
    if let Some(path) = &settings.crl_file {
        let lists: Vec<CertificateRevocationListDer<'static>> =
            CertificateRevocationListDer::pem_slice_iter(read(path)?.as_bytes())
                .collect::<Result<_, _>>()
                .map_err(|cause| TlsError::Pem { what: format!("`{}`", path.display()), cause })?;
        builder = builder.with_crls(lists);
    }
    builder.build().map_err(|cause| TlsError::ClientCertificates(cause.to_string()))
}

impl ClientCertVerifier for ClientVerifier {
    fn client_auth_mandatory(&self) -> bool {
        self.required
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        match &self.authorities {
            // Named authorities would keep clients from showing others' certificates.
            Some(authorities) if !self.self_signed => authorities.root_hint_subjects(),
            _ => &[],
        }
    }

    fn verify_client_cert(
        &self,
        own: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        match self.vouches(own, others, now) {
            Err(error) if !self.is_taken(own, &error, now) => Err(error),
            _ => Ok(ClientCertVerified::assertion()),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signed, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signed, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}
