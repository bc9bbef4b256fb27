//! TLS: the provider rustls runs on and a certificate authority for development.

#[cfg(test)]
mod tests;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use gabion_model::{Secret, Timestamp};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyPair, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, SanType, date_time_ymd,
};
use rustls::ServerConfig;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

/// What gives rustls its primitives: aws-lc-rs, with the post-quantum hybrid X25519MLKEM768 preferred
/// and X25519 and the NIST curves for everybody else.
#[must_use]
pub fn provider() -> Arc<CryptoProvider> {
    let mut provider = aws_lc_rs::default_provider();
    let hybrid = aws_lc_rs::kx_group::X25519MLKEM768;
    provider.kx_groups.retain(|group| group.name() != hybrid.name());
    provider.kx_groups.insert(0, hybrid);
    Arc::new(provider)
}

/// TLS 1.3 and 1.2, nothing older.
pub const VERSIONS: &[&rustls::SupportedProtocolVersion] =
    &[&rustls::version::TLS13, &rustls::version::TLS12];

/// A certificate authority for development, made once and kept: whoever trusts its certificate reaches
/// the gate without a warning. Never for production.
pub struct LocalCa {
    issuer: Issuer<'static, KeyPair>,
    certificate_pem: String,
}

/// A certificate for the gate and its key.
#[derive(Debug)]
pub struct Issued {
    /// The gate's certificate, then the authority's.
    pub chain_pem: String,
    pub key_pem: Secret<String>,
    /// When the certificate ends; issue another before.
    pub expires: Timestamp,
}

/// Why the authority cannot be made, read or used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CaError {
    #[error("`{0}` is neither a host name nor an address")]
    BadName(String),
    #[error("no name was given to make a certificate for")]
    NoNames,
    #[error("the certificate could not be made: {0}")]
    Make(String),
    #[error("the authority's certificate or key cannot be read: {0}")]
    Malformed(String),
}

impl Issued {
    /// A server that shows this certificate and asks clients for none: what tests of clients connect to.
    ///
    /// # Errors
    /// When certificate and key cannot be read.
    pub fn server(&self) -> Result<Arc<ServerConfig>, CaError> {
        let malformed = |error: &dyn std::fmt::Display| CaError::Malformed(error.to_string());
        let chain = CertificateDer::pem_slice_iter(self.chain_pem.as_bytes()).collect::<Result<_, _>>();
        let chain = chain.map_err(|error| malformed(&error))?;
        let key = PrivateKeyDer::from_pem_slice(self.key_pem.expose().as_bytes());
        let key = key.map_err(|error| malformed(&error))?;
        let server = ServerConfig::builder_with_provider(provider()).with_protocol_versions(VERSIONS);
        let server = server.map_err(|error| malformed(&error))?.with_no_client_auth();
        server.with_single_cert(chain, key).map(Arc::new).map_err(|error| malformed(&error))
    }
}

impl LocalCa {
    /// A new authority, good for ten years.
    ///
    /// # Errors
    /// When no key can be generated.
    pub fn create(now: Timestamp) -> Result<Self, CaError> {
        let key = generate()?;
        let mut params = CertificateParams::default();
        params.distinguished_name = name("Gabion local CA (development)");
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        valid(&mut params, now, CA_LIFE);
        let certificate = params.self_signed(&key).map_err(make)?;
        Ok(Self { certificate_pem: certificate.pem(), issuer: Issuer::new(params, key) })
    }

    /// Reads back what [`certificate_pem`](Self::certificate_pem) and [`key_pem`](Self::key_pem) gave.
    ///
    /// # Errors
    /// When either cannot be read or they do not belong together.
    pub fn load(certificate_pem: &str, key_pem: &Secret<String>) -> Result<Self, CaError> {
        let malformed = |error: rcgen::Error| CaError::Malformed(error.to_string());
        let key = KeyPair::from_pem(key_pem.expose()).map_err(malformed)?;
        let certificate = CertificateDer::from_pem_slice(certificate_pem.as_bytes())
            .map_err(|error| CaError::Malformed(error.to_string()))?;
        let public = key.public_key_raw();
        if !certificate.windows(public.len()).any(|window| window == public) {
            return Err(CaError::Malformed("the key is not the certificate's".to_owned()));
        }
        let issuer = Issuer::from_ca_cert_der(&certificate, key).map_err(malformed)?;
        Ok(Self { certificate_pem: certificate_pem.to_owned(), issuer })
    }

    #[must_use]
    pub fn certificate_pem(&self) -> &str {
        &self.certificate_pem
    }

    #[must_use]
    pub fn key_pem(&self) -> Secret<String> {
        Secret::new(self.issuer.key().serialize_pem())
    }

    /// A certificate for host names and addresses, good for 397 days.
    ///
    /// # Errors
    /// When a name is unusable.
    pub fn issue(&self, names: &[String], now: Timestamp) -> Result<Issued, CaError> {
        let first = names.first().ok_or(CaError::NoNames)?;
        let key = generate()?;
        let mut params = CertificateParams::default();
        params.distinguished_name = name(first);
        params.subject_alt_names = names.iter().map(|name| alternative(name)).collect::<Result<_, _>>()?;
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        valid(&mut params, now, LEAF_LIFE);
        let certificate = params.signed_by(&key, &self.issuer).map_err(make)?;
        Ok(Issued {
            chain_pem: format!("{}{}", certificate.pem(), self.certificate_pem),
            key_pem: Secret::new(key.serialize_pem()),
            expires: now.saturating_add(LEAF_LIFE),
        })
    }
}

impl std::fmt::Debug for LocalCa {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("LocalCa").finish_non_exhaustive()
    }
}

fn generate() -> Result<KeyPair, CaError> {
    KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(make)
}

#[expect(clippy::needless_pass_by_value, reason = "the signature `map_err` asks for")]
fn make(error: rcgen::Error) -> CaError {
    CaError::Make(error.to_string())
}

fn name(common: &str) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, common);
    name
}

fn alternative(name: &str) -> Result<SanType, CaError> {
    if let Ok(address) = name.parse::<IpAddr>() {
        return Ok(SanType::IpAddress(address));
    }
    let bad = || CaError::BadName(name.to_owned());
    let label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    if name.len() > 253 || !name.strip_prefix("*.").unwrap_or(name).split('.').all(label) {
        return Err(bad());
    }
    name.try_into().map(SanType::DnsName).map_err(|_| bad())
}

/// Valid from an hour ago (clocks differ) for `life`.
fn valid(params: &mut CertificateParams, now: Timestamp, life: Duration) {
    // Kept between 1970 and 9999, the years a certificate can hold.
    let seconds =
        |time: Timestamp| Duration::from_secs(u64::try_from(time.as_secs()).unwrap_or(0).min(LAST_SECOND));
    let epoch = date_time_ymd(1970, 1, 1);
    let begin = Timestamp::from_secs(now.as_secs().saturating_sub(BACKDATED));
    params.not_before = epoch + seconds(begin);
    params.not_after = epoch + seconds(now.saturating_add(life));
}

const BACKDATED: i64 = 3600;
const CA_LIFE: Duration = Duration::from_secs(3650 * 86_400);
/// The longest browsers accept (CA/Browser Forum: 398 days).
const LEAF_LIFE: Duration = Duration::from_secs(397 * 86_400);
/// 9999-12-31T23:59:59Z.
const LAST_SECOND: u64 = 253_402_300_799;
