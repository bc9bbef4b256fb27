//! Keys as JSON (RFC 7517, 7518 §6, 8037 §2): read once, kept parsed, named by their thumbprint.

use std::fmt;
use std::sync::{Arc, OnceLock};

use aws_lc_rs::hmac;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ECDSA_P521_SHA512_FIXED, ED25519, ParsedPublicKey,
    RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512,
    RSA_PSS_2048_8192_SHA256, RSA_PSS_2048_8192_SHA384, RSA_PSS_2048_8192_SHA512, RsaParameters,
    RsaPublicKeyComponents, VerificationAlgorithm,
};
use gabion_model::Secret;
use serde::ser::{Error as _, SerializeMap as _};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

use super::{Algorithm, SigningKey, TokenError, der};
use crate::encoding::{base64url_decode, base64url_encode};
use crate::json;
use crate::sha256;

/// One key to verify with: EC, Ed25519, RSA or a shared secret. Cheap to clone. Unknown members are passed
/// over; known ones must be right. Serialised, it is what may be published, and a shared secret never is.
#[derive(Clone)]
pub struct Jwk(Arc<Inner>);

struct Inner {
    material: Material,
    kid: Option<Box<str>>,
    alg: Option<Algorithm>,
    /// `use` and `key_ops` allow signatures to be verified.
    verifies: bool,
    usage: Option<Box<str>>,
    /// It was read together with its private part.
    private: bool,
    thumbprint: Box<str>,
}

enum Material {
    Ec { curve: Curve, x: Vec<u8>, y: Vec<u8>, parsed: ParsedPublicKey },
    Ed25519 { x: Vec<u8>, parsed: ParsedPublicKey },
    Rsa { modulus: Vec<u8>, exponent: Vec<u8>, parsed: Box<[OnceLock<Option<ParsedPublicKey>>; 6]> },
    Secret(Secret<Vec<u8>>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Curve {
    P256,
    P384,
    P521,
}

/// Not a key that can be used: another kind, or a member that is missing or wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a usable JSON web key")]
pub struct MalformedKey;

/// A set of keys, as `/.well-known/jwks.json` answers it. Keys of kinds that are not understood are passed
/// over (RFC 7517 §5); a set that mixes shared secrets with public keys is refused.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Jwks {
    pub keys: Vec<Jwk>,
}

impl Jwk {
    /// Reads one key.
    ///
    /// # Errors
    /// When it is not one that can be used, or a member is repeated.
    pub fn from_json(text: &str) -> Result<Self, MalformedKey> {
        if text.len() > LONGEST_SET {
            return Err(MalformedKey);
        }
        Self::from_members(&json::object(text.as_bytes()).ok_or(MalformedKey)?)
    }

    /// A shared secret, for one HMAC algorithm. RFC 7518 §3.2: at least as long as its hash.
    ///
    /// # Errors
    /// When it is too short or the algorithm is no HMAC.
    pub fn shared(secret: Secret<Vec<u8>>, alg: Algorithm) -> Result<Self, MalformedKey> {
        if secret.expose().len() < hash_length(alg).ok_or(MalformedKey)? {
            return Err(MalformedKey);
        }
        Ok(Self::new(Material::Secret(secret), None, Some(alg), None, true, true))
    }

    #[must_use]
    pub fn kid(&self) -> Option<&str> {
        self.0.kid.as_deref()
    }

    /// The algorithm the key names for itself.
    #[must_use]
    pub fn alg(&self) -> Option<Algorithm> {
        self.0.alg
    }

    /// The SHA-256 thumbprint (RFC 7638) in base64url: what `cnf.jkt` holds.
    #[must_use]
    pub fn thumbprint(&self) -> &str {
        &self.0.thumbprint
    }

    /// Whether it is a public key that was not read together with its private part: what a stranger may
    /// hand in.
    #[must_use]
    pub fn is_public(&self) -> bool {
        !self.0.private && !matches!(self.0.material, Material::Secret(_))
    }

    /// Whether signatures of this algorithm can be verified with it: kind, curve, `alg`, `use` and `key_ops`.
    #[must_use]
    pub fn is_for(&self, alg: Algorithm) -> bool {
        let own = match &self.0.material {
            Material::Ec { curve, .. } => curve.algorithm() == alg,
            Material::Ed25519 { .. } => alg == Algorithm::EdDsa,
            Material::Rsa { .. } => rsa(alg).is_some(),
            Material::Secret(secret) => {
                hash_length(alg).is_some_and(|length| secret.expose().len() >= length)
            }
        };
        own && self.0.verifies && self.0.alg.is_none_or(|pinned| pinned == alg)
    }

    /// # Errors
    /// [`TokenError::Algorithm`] when the key is not for it, [`TokenError::Signature`] when it is wrong.
    pub(super) fn verify(&self, alg: Algorithm, message: &[u8], signature: &[u8]) -> Result<(), TokenError> {
        if !self.is_for(alg) {
            return Err(TokenError::Algorithm);
        }
        let verified = match &self.0.material {
            Material::Ec { parsed, .. } | Material::Ed25519 { parsed, .. } => {
                parsed.verify_sig(message, signature).is_ok()
            }
            Material::Rsa { modulus, exponent, parsed } => {
                let (place, parameters) = rsa(alg).ok_or(TokenError::Algorithm)?;
                let parsed = parsed.get(place).ok_or(TokenError::Algorithm)?;
                let parsed = parsed.get_or_init(|| {
                    RsaPublicKeyComponents { n: modulus, e: exponent }.to_parsed_public_key(parameters).ok()
                });
                parsed.as_ref().is_some_and(|key| key.verify_sig(message, signature).is_ok())
            }
            Material::Secret(secret) => {
                let hash = hmac_of(alg).ok_or(TokenError::Algorithm)?;
                hmac::verify(&hmac::Key::new(hash, secret.expose()), message, signature).is_ok()
            }
        };
        if verified { Ok(()) } else { Err(TokenError::Signature) }
    }

    pub(super) fn from_members(members: &Map<String, Value>) -> Result<Self, MalformedKey> {
        let text = |name: &str| match members.get(name) {
            None => Ok(None),
            Some(Value::String(text)) if text.len() <= LONGEST_WORD => Ok(Some(text.as_str())),
            Some(_) => Err(MalformedKey),
        };
        let bytes = |name: &str| match members.get(name) {
            Some(Value::String(text)) => base64url_decode(text).map_err(|_| MalformedKey),
            _ => Err(MalformedKey),
        };
        let material = match text("kty")? {
            Some("EC") => {
                let curve = text("crv")?.and_then(Curve::named).ok_or(MalformedKey)?;
                ec(curve, bytes("x")?, bytes("y")?)
            }
            Some("OKP") if text("crv")? == Some("Ed25519") => ed25519(bytes("x")?),
            Some("RSA") => rsa_key(bytes("n")?, bytes("e")?),
            Some("oct") => Some(Material::Secret(Secret::new(bytes("k")?))),
            _ => None,
        };
        let usage = text("use")?;
        let operations = match members.get("key_ops") {
            None => true,
            Some(Value::Array(words)) => verifies(words)?,
            Some(_) => return Err(MalformedKey),
        };
        // An `alg` of another kind (of encryption, say) leaves the key unusable for signatures.
        let (alg, known) = match text("alg")? {
            None => (None, true),
            Some(word) => (word.parse().ok(), word.parse::<Algorithm>().is_ok()),
        };
        let verifies = operations && known && usage.is_none_or(|usage| usage == "sig");
        let material = material.ok_or(MalformedKey)?;
        Ok(Self::new(material, text("kid")?, alg, usage, verifies, members.contains_key("d")))
    }

    fn new(
        material: Material,
        kid: Option<&str>,
        alg: Option<Algorithm>,
        usage: Option<&str>,
        verifies: bool,
        private: bool,
    ) -> Self {
        let thumbprint = base64url_encode(&sha256(material.canonical().as_bytes())).into();
        let (kid, usage) = (kid.map(Into::into), usage.map(Into::into));
        Self(Arc::new(Inner { material, kid, alg, verifies, usage, private, thumbprint }))
    }

    /// A public key of our own, named by its thumbprint.
    fn own(material: Material, alg: Algorithm) -> Self {
        let thumbprint = base64url_encode(&sha256(material.canonical().as_bytes()));
        Self::new(material, Some(&thumbprint), Some(alg), Some("sig"), true, false)
    }

    /// From an uncompressed point (SEC 1 §2.3.3): 4, x, y.
    pub(crate) fn of_p256(point: &[u8]) -> Option<Self> {
        let (x, y) = point.strip_prefix(&[4])?.split_at_checked(32)?;
        Some(Self::own(ec(Curve::P256, x.to_vec(), y.to_vec())?, Algorithm::Es256))
    }

    /// From a certificate's `SubjectPublicKeyInfo` (RFC 5280, 4.1.2.7): the algorithm, its curve, the bits.
    pub(crate) fn of_certificate(algorithm: &str, curve: Option<&str>, bits: &[u8]) -> Option<Self> {
        match (algorithm, curve) {
            ("1.2.840.10045.2.1", Some(curve)) => {
                let curve = match curve {
                    "1.2.840.10045.3.1.7" => Curve::P256,
                    "1.3.132.0.34" => Curve::P384,
                    "1.3.132.0.35" => Curve::P521,
                    _ => return None,
                };
                let (x, y) = bits.strip_prefix(&[4])?.split_at_checked(curve.length())?;
                Some(Self::own(ec(curve, x.to_vec(), y.to_vec())?, curve.algorithm()))
            }
            ("1.3.101.112", None) => Self::of_ed25519(bits),
            ("1.2.840.113549.1.1.1", None) => {
                let (modulus, exponent) = der::rsa_public(bits)?;
                Self::of_rsa(modulus, exponent)
            }
            _ => None,
        }
    }

    pub(super) fn of_ed25519(public: &[u8]) -> Option<Self> {
        Some(Self::own(ed25519(public.to_vec())?, Algorithm::EdDsa))
    }

    pub(super) fn of_rsa(modulus: &[u8], exponent: &[u8]) -> Option<Self> {
        Some(Self::own(rsa_key(modulus.to_vec(), exponent.to_vec())?, Algorithm::Rs256))
    }
}

impl Jwks {
    #[must_use]
    pub fn of<'a>(keys: impl IntoIterator<Item = &'a SigningKey>) -> Self {
        Self { keys: keys.into_iter().map(|key| key.public().clone()).collect() }
    }

    /// Reads a set that somebody else publishes.
    ///
    /// # Errors
    /// When it is no set, has more than [`MOST_KEYS`] keys, or repeats a member.
    pub fn from_json(text: &str) -> Result<Self, MalformedKey> {
        if text.len() > LONGEST_SET {
            return Err(MalformedKey);
        }
        Self::from_members(&json::object(text.as_bytes()).ok_or(MalformedKey)?)
    }

    /// The key of this name; none where two have it.
    #[must_use]
    pub fn by_kid(&self, kid: &str) -> Option<&Jwk> {
        let mut named = self.keys.iter().filter(|key| key.kid() == Some(kid));
        named.next().filter(|_| named.next().is_none())
    }

    fn from_members(members: &Map<String, Value>) -> Result<Self, MalformedKey> {
        let Some(Value::Array(keys)) = members.get("keys") else { return Err(MalformedKey) };
        if keys.len() > MOST_KEYS {
            return Err(MalformedKey);
        }
        // Two of one kind under one name: which is meant? Neither is used, even where one of them is no key.
        let name =
            |key: &Value| Some((key.get("kty")?.as_str()?.to_owned(), key.get("kid")?.as_str()?.to_owned()));
        let alone = |key: &Value| {
            name(key)
                .is_none_or(|own| keys.iter().filter(|other| name(other).as_ref() == Some(&own)).count() == 1)
        };
        let read = |key: &Value| Jwk::from_members(key.as_object().filter(|_| alone(key))?).ok();
        let keys: Vec<Jwk> = keys.iter().filter_map(read).collect();
        let secrets = keys.iter().filter(|key| matches!(key.0.material, Material::Secret(_))).count();
        // Whoever publishes a shared secret beside public keys has given it away.
        if secrets != 0 && secrets != keys.len() {
            return Err(MalformedKey);
        }
        Ok(Self { keys })
    }
}

impl Material {
    /// RFC 7638 §3.2: the required members, in lexicographic order, without white space.
    fn canonical(&self) -> String {
        let text = base64url_encode;
        match self {
            Self::Ec { curve, x, y, .. } => {
                format!(r#"{{"crv":"{}","kty":"EC","x":"{}","y":"{}"}}"#, curve.name(), text(x), text(y))
            }
            Self::Ed25519 { x, .. } => format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{}"}}"#, text(x)),
            Self::Rsa { modulus, exponent, .. } => {
                format!(r#"{{"e":"{}","kty":"RSA","n":"{}"}}"#, text(exponent), text(modulus))
            }
            Self::Secret(secret) => format!(r#"{{"k":"{}","kty":"oct"}}"#, text(secret.expose())),
        }
    }
}

impl Curve {
    pub(super) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "P-256" => Self::P256,
            "P-384" => Self::P384,
            "P-521" => Self::P521,
            _ => return None,
        })
    }

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::P256 => "P-256",
            Self::P384 => "P-384",
            Self::P521 => "P-521",
        }
    }

    /// The length of a coordinate; RFC 7518 §6.2.1.2 has them all of full length.
    pub(super) const fn length(self) -> usize {
        match self {
            Self::P256 => 32,
            Self::P384 => 48,
            Self::P521 => 66,
        }
    }

    const fn algorithm(self) -> Algorithm {
        match self {
            Self::P256 => Algorithm::Es256,
            Self::P384 => Algorithm::Es384,
            Self::P521 => Algorithm::Es512,
        }
    }

    fn verification(self) -> &'static dyn VerificationAlgorithm {
        match self {
            Self::P256 => &ECDSA_P256_SHA256_FIXED,
            Self::P384 => &ECDSA_P384_SHA384_FIXED,
            Self::P521 => &ECDSA_P521_SHA512_FIXED,
        }
    }
}

fn ec(curve: Curve, x: Vec<u8>, y: Vec<u8>) -> Option<Material> {
    if x.len() != curve.length() || y.len() != curve.length() {
        return None;
    }
    let parsed = ParsedPublicKey::new(curve.verification(), [&[4], &x[..], &y[..]].concat()).ok()?;
    Some(Material::Ec { curve, x, y, parsed })
}

fn ed25519(x: Vec<u8>) -> Option<Material> {
    let parsed = (x.len() == 32).then(|| ParsedPublicKey::new(&ED25519, &x).ok()).flatten()?;
    Some(Material::Ed25519 { x, parsed })
}

/// 2048 to 8192 bits (RFC 7518 §3.3), an odd exponent of at most 33 bits, no leading zeros.
fn rsa_key(modulus: Vec<u8>, exponent: Vec<u8>) -> Option<Material> {
    let bits = modulus.len().checked_mul(8)?.checked_sub(modulus.first()?.leading_zeros() as usize)?;
    let canonical = *modulus.first()? != 0 && *exponent.first()? != 0;
    let odd = exponent.last()? & 1 == 1 && exponent.as_slice() != [1];
    let sound =
        (2048..=8192).contains(&bits) && exponent.len() <= 5 && canonical && odd && !is_roca(&modulus);
    sound.then(|| Material::Rsa { modulus, exponent, parsed: Default::default() })
}

/// Whether the modulus has the fingerprint of CVE-2017-15361: modulo each of these primes it is a power of
/// 65537, as those of one vendor's flawed generator are, and can be factored. One sound key in 2^27 has it,
/// too.
fn is_roca(modulus: &[u8]) -> bool {
    const PRIMES: [u32; 17] = [11, 13, 17, 19, 37, 53, 61, 71, 73, 79, 97, 103, 107, 109, 127, 151, 157];
    PRIMES.iter().all(|prime| {
        let rest = modulus.iter().fold(0, |rest, byte| (rest * 256 + u32::from(*byte)) % prime);
        let mut power = 1;
        (0..*prime).any(|_| {
            power = power * (65_537 % prime) % prime;
            power == rest
        })
    })
}

/// Where the key parsed for an algorithm is kept, and how it is verified.
fn rsa(alg: Algorithm) -> Option<(usize, &'static RsaParameters)> {
    Some(match alg {
        Algorithm::Rs256 => (0, &RSA_PKCS1_2048_8192_SHA256),
        Algorithm::Rs384 => (1, &RSA_PKCS1_2048_8192_SHA384),
        Algorithm::Rs512 => (2, &RSA_PKCS1_2048_8192_SHA512),
        Algorithm::Ps256 => (3, &RSA_PSS_2048_8192_SHA256),
        Algorithm::Ps384 => (4, &RSA_PSS_2048_8192_SHA384),
        Algorithm::Ps512 => (5, &RSA_PSS_2048_8192_SHA512),
        _ => return None,
    })
}

fn hmac_of(alg: Algorithm) -> Option<hmac::Algorithm> {
    Some(match alg {
        Algorithm::Hs256 => hmac::HMAC_SHA256,
        Algorithm::Hs384 => hmac::HMAC_SHA384,
        Algorithm::Hs512 => hmac::HMAC_SHA512,
        _ => return None,
    })
}

const fn hash_length(alg: Algorithm) -> Option<usize> {
    match alg {
        Algorithm::Hs256 => Some(32),
        Algorithm::Hs384 => Some(48),
        Algorithm::Hs512 => Some(64),
        _ => None,
    }
}

/// Whether `key_ops` (RFC 7517 §4.3) allow verifying: words, none twice.
fn verifies(words: &[Value]) -> Result<bool, MalformedKey> {
    let words: Option<Vec<&str>> = words.iter().map(Value::as_str).collect();
    let words = words.filter(|words| words.len() <= MOST_OPERATIONS).ok_or(MalformedKey)?;
    let mut seen = words.clone();
    seen.sort_unstable();
    seen.dedup();
    if seen.len() != words.len() {
        return Err(MalformedKey);
    }
    Ok(words.contains(&"verify"))
}

impl PartialEq for Jwk {
    fn eq(&self, other: &Self) -> bool {
        let same = |one: &Inner, other: &Inner| {
            (&one.thumbprint, &one.kid, one.alg, &one.usage, one.verifies)
                == (&other.thumbprint, &other.kid, other.alg, &other.usage, other.verifies)
        };
        Arc::ptr_eq(&self.0, &other.0) || same(&self.0, &other.0)
    }
}

impl Eq for Jwk {}

impl fmt::Debug for Jwk {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match &self.0.material {
            Material::Ec { curve, .. } => curve.name(),
            Material::Ed25519 { .. } => "Ed25519",
            Material::Rsa { .. } => "RSA",
            Material::Secret(_) => "oct",
        };
        formatter
            .debug_struct("Jwk")
            .field("kind", &kind)
            .field("kid", &self.0.kid)
            .field("alg", &self.0.alg)
            .finish_non_exhaustive()
    }
}

impl Serialize for Jwk {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut members = serializer.serialize_map(None)?;
        let text = base64url_encode;
        match &self.0.material {
            Material::Ec { curve, x, y, .. } => {
                members.serialize_entry("kty", "EC")?;
                members.serialize_entry("crv", curve.name())?;
                members.serialize_entry("x", &text(x))?;
                members.serialize_entry("y", &text(y))?;
            }
            Material::Ed25519 { x, .. } => {
                members.serialize_entry("kty", "OKP")?;
                members.serialize_entry("crv", "Ed25519")?;
                members.serialize_entry("x", &text(x))?;
            }
            Material::Rsa { modulus, exponent, .. } => {
                members.serialize_entry("kty", "RSA")?;
                members.serialize_entry("n", &text(modulus))?;
                members.serialize_entry("e", &text(exponent))?;
            }
            Material::Secret(_) => return Err(S::Error::custom("a shared secret is not published")),
        }
        if let Some(kid) = &self.0.kid {
            members.serialize_entry("kid", kid)?;
        }
        if let Some(alg) = self.0.alg {
            members.serialize_entry("alg", &alg)?;
        }
        if let Some(usage) = &self.0.usage {
            members.serialize_entry("use", usage)?;
        }
        members.end()
    }
}

impl<'de> Deserialize<'de> for Jwk {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let json::Strict(value) = json::Strict::deserialize(deserializer)?;
        let read = value.as_object().ok_or(MalformedKey).and_then(Self::from_members);
        read.map_err(serde::de::Error::custom)
    }
}

impl<'de> Deserialize<'de> for Jwks {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let json::Strict(value) = json::Strict::deserialize(deserializer)?;
        let read = value.as_object().ok_or(MalformedKey).and_then(Self::from_members);
        read.map_err(serde::de::Error::custom)
    }
}

/// More keys than any provider publishes.
const MOST_KEYS: usize = 128;
/// All the operations there are, twice.
const MOST_OPERATIONS: usize = 16;
/// `kid` and the other words.
const LONGEST_WORD: usize = 1024;
const LONGEST_SET: usize = 256 * 1024;
