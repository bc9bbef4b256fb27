//! What a client certificate says (RFC 5280). Whether it is to be believed is decided by whoever verified it, the
//! TLS handshake or a trusted proxy; here its names are read.

mod name;

use std::fmt;

use gabion_model::Timestamp;
use x509_parser::asn1_rs::Tag;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer as _, X509Certificate};
use x509_parser::public_key::PublicKey;
use x509_parser::x509::SubjectPublicKeyInfo;

use crate::jose::Jwk;
use crate::sha256;

pub use name::{DistinguishedName, MalformedDistinguishedName};

/// A client's certificate. Its holder proved to have the key.
#[derive(Clone, PartialEq, Eq)]
pub struct PeerCertificate {
    /// A configured authority vouches for it, so that its names are somebody's. Without that only the certificate
    /// itself counts: by its thumbprint, or by its key.
    pub vouched_for: bool,
    /// SHA-256 of the certificate in DER: `x5t#S256` (RFC 8705, section 3.1).
    pub thumbprint: [u8; 32],
    pub subject: DistinguishedName,
    pub issuer: String,
    /// The RFC 7638 thumbprint of its public key; none for a kind of key that no token is signed with here.
    pub key: Option<String>,
    /// Subject and issuer are one name: it was signed by itself, or claims to be.
    pub is_self_issued: bool,
    /// In hexadecimal.
    pub serial: String,
    /// Lower-case DNS names of the subject.
    pub dns: Vec<String>,
    pub uris: Vec<String>,
    pub emails: Vec<String>,
    /// Addresses of the subject, in their usual text.
    pub addresses: Vec<String>,
    pub not_before: Timestamp,
    /// The last moment it is good.
    pub not_after: Timestamp,
    pub der: Vec<u8>,
}

/// How strong the key of a certificate is, and the signature under it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Strength {
    pub key: KeyKind,
    /// What it is signed with, where that is broken: `SHA-1`.
    pub broken_digest: Option<&'static str>,
}

/// A kind of public key, with its length in bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyKind {
    Rsa(usize),
    Elliptic(usize),
    Other,
}

/// Not one whole certificate in DER.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a certificate")]
pub struct MalformedCertificate;

impl PeerCertificate {
    /// # Errors
    /// When the bytes are not exactly one certificate, or it is larger than any client's.
    pub fn parse(der: &[u8]) -> Result<Self, MalformedCertificate> {
        if der.len() > LARGEST {
            return Err(MalformedCertificate);
        }
        let (rest, certificate) = X509Certificate::from_der(der).map_err(|_| MalformedCertificate)?;
        if !rest.is_empty() {
            return Err(MalformedCertificate);
        }
        let mut read = Self {
            vouched_for: false,
            thumbprint: sha256(der),
            subject: DistinguishedName::of(certificate.subject()),
            key: key_thumbprint(certificate.public_key()),
            issuer: certificate.issuer().to_string(),
            is_self_issued: certificate.subject().as_raw() == certificate.issuer().as_raw(),
            serial: certificate.raw_serial_as_string(),
            dns: Vec::new(),
            uris: Vec::new(),
            emails: Vec::new(),
            addresses: Vec::new(),
            not_before: Timestamp::from_secs(certificate.validity().not_before.timestamp()),
            not_after: Timestamp::from_secs(certificate.validity().not_after.timestamp()),
            der: der.to_vec(),
        };
        let names = certificate.subject_alternative_name().map_err(|_| MalformedCertificate)?;
        for name in names.iter().flat_map(|names| &names.value.general_names) {
            match name {
                GeneralName::DNSName(name) => read.dns.push(name.to_ascii_lowercase()),
                GeneralName::URI(uri) => read.uris.push((*uri).to_owned()),
                GeneralName::RFC822Name(email) => read.emails.push((*email).to_owned()),
                GeneralName::IPAddress(bytes) => read.addresses.extend(address(bytes)),
                _ => {}
            }
        }
        Ok(read)
    }

    /// How strong its key and the signature under it are.
    #[must_use]
    pub fn strength(&self) -> Strength {
        let none = Strength { key: KeyKind::Other, broken_digest: None };
        let Ok((_, certificate)) = X509Certificate::from_der(&self.der) else { return none };
        let key = match certificate.public_key().parsed() {
            Ok(PublicKey::RSA(key)) => KeyKind::Rsa(key.key_size()),
            Ok(PublicKey::EC(point)) => KeyKind::Elliptic(point.key_size()),
            _ => KeyKind::Other,
        };
        let signed = certificate.signature_algorithm.algorithm.to_id_string();
        let broken_digest = BROKEN.iter().find(|(id, _)| *id == signed).map(|(_, digest)| *digest);
        Strength { key, broken_digest }
    }

    /// The same, once it was found to be signed by somebody who is believed.
    #[must_use]
    pub fn by_authority(self) -> Self {
        Self { vouched_for: true, ..self }
    }

    /// Whether it is good at `now`; a connection may outlive its certificate.
    #[must_use]
    pub fn is_valid(&self, now: Timestamp) -> bool {
        (self.not_before..=self.not_after).contains(&now)
    }
}

impl fmt::Debug for PeerCertificate {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("PeerCertificate")
            .field("subject", &self.subject.to_string())
            .field("issuer", &self.issuer)
            .field("serial", &self.serial)
            .finish_non_exhaustive()
    }
}

fn key_thumbprint(info: &SubjectPublicKeyInfo<'_>) -> Option<String> {
    // The reader of identifiers takes any value for one: those of RSA are NULL.
    let parameters = info.algorithm.parameters.as_ref().filter(|any| any.tag() == Tag::Oid);
    let parameters = parameters.and_then(|any| any.as_oid().ok());
    let (kind, curve) = (info.algorithm.algorithm.to_id_string(), parameters.map(|oid| oid.to_id_string()));
    let key = Jwk::of_certificate(&kind, curve.as_deref(), &info.subject_public_key.data)?;
    Some(key.thumbprint().to_owned())
}

fn address(bytes: &[u8]) -> Option<String> {
    if let Ok(four) = <[u8; 4]>::try_from(bytes) {
        return Some(std::net::Ipv4Addr::from(four).to_string());
    }
    <[u8; 16]>::try_from(bytes).ok().map(|sixteen| std::net::Ipv6Addr::from(sixteen).to_string())
}

/// Signatures over digests for which two texts with one digest were made, by their identifiers.
const BROKEN: &[(&str, &str)] = &[
    ("1.2.840.113549.1.1.2", "MD2"),
    ("1.2.840.113549.1.1.3", "MD4"),
    ("1.2.840.113549.1.1.4", "MD5"),
    ("1.2.840.113549.1.1.5", "SHA-1"),
    ("1.2.840.10040.4.3", "SHA-1"),
    ("1.2.840.10045.4.1", "SHA-1"),
    ("1.3.14.3.2.29", "SHA-1"),
];

/// In bytes; far above any client's certificate.
const LARGEST: usize = 64 * 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rcgen::{CertificateParams, DnType, KeyPair, SanType};

    #[test]
    fn names_and_thumbprint_are_read() {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec!["Billing.Internal".to_owned()]).unwrap();
        params.distinguished_name.push(DnType::CommonName, "billing");
        params.subject_alt_names.push(SanType::URI("spiffe://example/billing".try_into().unwrap()));
        params.subject_alt_names.push(SanType::IpAddress("192.0.2.1".parse().unwrap()));
        params.subject_alt_names.push(SanType::Rfc822Name("bot@example.org".try_into().unwrap()));
        let der = params.self_signed(&key).unwrap().der().to_vec();
        let read = PeerCertificate::parse(&der).unwrap();
        assert_eq!(read.dns, ["billing.internal"]);
        assert_eq!(read.uris, ["spiffe://example/billing"]);
        assert_eq!(read.emails, ["bot@example.org"]);
        assert_eq!(read.addresses, ["192.0.2.1"]);
        assert_eq!(read.subject.to_string(), "CN=billing");
        assert!(!read.vouched_for && read.clone().by_authority().vouched_for);
        assert_eq!(read.thumbprint, sha256(&der));
        assert_eq!(read.key.as_deref().map(str::len), Some(43));
        assert_eq!(read.strength(), Strength { key: KeyKind::Elliptic(256), broken_digest: None });
        assert!(read.is_valid(Timestamp::from_secs(1_800_000_000)));
        assert!(!read.is_valid(Timestamp::from_secs(0)));
        let mut longer = der.clone();
        longer.push(0);
        assert_eq!(PeerCertificate::parse(&longer), Err(MalformedCertificate));
    }

    /// RFC 3279, 2.3.1: the parameters of an RSA key are NULL, and no curve.
    #[test]
    fn rsa_keys_have_a_thumbprint() {
        let key = KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).unwrap();
        let der = CertificateParams::new(Vec::new()).unwrap().self_signed(&key).unwrap();
        let read = PeerCertificate::parse(der.der()).unwrap();
        assert_eq!(read.key.as_deref().map(str::len), Some(43));
        assert!(matches!(read.strength().key, KeyKind::Rsa(2048)));
    }

    /// RFC 4514, 2.1: written with the most specific part first, whatever order the certificate has them in.
    #[test]
    fn a_subject_is_the_name_that_was_registered() {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name = rcgen::DistinguishedName::new();
        for (kind, value) in [
            (DnType::CountryName, "DE"),
            (DnType::OrganizationName, "Example, Ltd"),
            (DnType::CommonName, "billing"),
        ] {
            params.distinguished_name.push(kind, value);
        }
        let read = PeerCertificate::parse(params.self_signed(&key).unwrap().der()).unwrap();
        assert_eq!(read.subject.to_string(), "CN=billing,O=Example\\, Ltd,C=DE");
        assert_eq!("CN=billing, O=Example\\, Ltd, C=DE".parse(), Ok(read.subject.clone()));
        assert_ne!("C=DE,O=Example\\, Ltd,CN=billing".parse(), Ok(read.subject));
    }

    proptest! {
        #[test]
        fn any_bytes_are_judged(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = PeerCertificate::parse(&bytes).map(|read| read.strength());
        }
    }
}
