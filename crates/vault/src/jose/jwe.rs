//! Decryption of the compact serialisation of JSON Web Encryption (RFC 7516, 7518 §4, §5).
//!
//! Key management by `dir`, `A128KW`, `A192KW`, `A256KW`, `A128GCMKW`, `A192GCMKW`, `A256GCMKW`, `RSA-OAEP`,
//! `RSA-OAEP-256`, `ECDH-ES` and `ECDH-ES+A128KW`, `+A192KW`, `+A256KW` on P-256, P-384 and P-521, and the
//! `PBES2` family with a bounded count; content by AES-GCM and AES-CBC with HMAC. `RSA1_5` is not understood:
//! its padding has been an oracle too often (RFC 8725 §3.2). Nor is `zip`: a small token must not become a
//! large one, and what is compressed beside a secret tells about it (RFC 8725 §3.6). No `crit` is understood.
//!
//! Whatever is wrong with a token after its header was read is one and the same error.

use aws_lc_rs::aead::{AES_128_GCM, AES_192_GCM, AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::agreement::{self, ECDH_P256, ECDH_P384, ECDH_P521, PrivateKey, UnparsedPublicKey};
use aws_lc_rs::cipher::{
    AES_128, AES_192, AES_256, DecryptingKey, DecryptionContext, PaddedBlockDecryptingKey, UnboundCipherKey,
};
use aws_lc_rs::iv::FixedLength;
use aws_lc_rs::rsa::{
    OAEP_SHA1_MGF1SHA1, OAEP_SHA256_MGF1SHA256, OaepPrivateDecryptingKey, PrivateDecryptingKey,
};
use aws_lc_rs::{digest, hmac, pbkdf2};
use gabion_model::Secret;
use serde_json::{Map, Value};
use zeroize::Zeroize as _;

use super::der;
use super::jwk::{Curve, MalformedKey};
use crate::constant_time_eq;
use crate::encoding::base64url_decode;
use crate::json;

/// A private or shared key that tokens are encrypted to. `Debug` shows nothing of it.
pub struct DecryptionKey {
    material: Material,
    /// What the key says it is for. Nothing else is done with it.
    alg: Option<String>,
}

enum Material {
    Ec(Curve, PrivateKey),
    Rsa(PrivateDecryptingKey),
    Secret(Secret<Vec<u8>>),
}

/// Why a token cannot be read. Alphabetical.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum JweError {
    /// Unknown, refused, or not the key's.
    #[error("the token's algorithms are not the key's or are not allowed")]
    Algorithm,
    #[error("the token names an extension that is not understood")]
    Critical,
    /// Damaged, or encrypted to another key.
    #[error("the token cannot be decrypted with this key")]
    Decrypt,
    #[error("the token is not five parts of canonical base64url with a JSON header")]
    Malformed,
}

impl DecryptionKey {
    /// From a private or shared JSON web key.
    ///
    /// # Errors
    /// When it is not one that can decrypt: another kind, a wrong member, `use` or `key_ops` for signatures.
    pub fn from_json(text: &str) -> Result<Self, MalformedKey> {
        let members = json::object(text.as_bytes()).ok_or(MalformedKey)?;
        let text = |name: &str| match members.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.as_str())),
            Some(_) => Err(MalformedKey),
        };
        let bytes = |name: &str| match members.get(name) {
            Some(Value::String(text)) => base64url_decode(text).map(Secret::new).map_err(|_| MalformedKey),
            _ => Err(MalformedKey),
        };
        if text("use")?.is_some_and(|usage| usage != "enc") || !may_decrypt(members.get("key_ops"))? {
            return Err(MalformedKey);
        }
        let material = match text("kty")? {
            Some("EC") => {
                let curve = text("crv")?.and_then(Curve::named).ok_or(MalformedKey)?;
                let key = PrivateKey::from_private_key(agreement_of(curve), bytes("d")?.expose());
                Material::Ec(curve, key.map_err(|_| MalformedKey)?)
            }
            Some("RSA") => {
                let parts = ["n", "e", "d", "p", "q", "dp", "dq", "qi"].map(bytes);
                let [n, e, d, p, q, dp, dq, qi] = parts;
                let (n, e, d, p, q, dp, dq, qi) = (n?, e?, d?, p?, q?, dp?, dq?, qi?);
                let parts = [&n, &e, &d, &p, &q, &dp, &dq, &qi].map(|part| part.expose().as_slice());
                let pkcs8 = Secret::new(der::rsa_pkcs8(&parts));
                Material::Rsa(PrivateDecryptingKey::from_pkcs8(pkcs8.expose()).map_err(|_| MalformedKey)?)
            }
            Some("oct") => Material::Secret(bytes("k")?),
            _ => return Err(MalformedKey),
        };
        Ok(Self { material, alg: text("alg")?.map(str::to_owned) })
    }

    /// What is encrypted in a compact token.
    ///
    /// # Errors
    /// [`JweError::Decrypt`] for whatever is wrong beyond the header.
    pub fn decrypt(&self, token: &str) -> Result<Secret<Vec<u8>>, JweError> {
        if token.len() > LONGEST {
            return Err(JweError::Malformed);
        }
        let parts: Vec<&str> = token.splitn(6, '.').collect();
        let &[header, key, iv, body, tag] = parts.as_slice() else { return Err(JweError::Malformed) };
        let decode = |part| base64url_decode(part).map_err(|_| JweError::Malformed);
        let members = json::object(&decode(header)?).ok_or(JweError::Malformed)?;
        let (key, iv, body, tag) = (decode(key)?, decode(iv)?, decode(body)?, decode(tag)?);
        if members.contains_key("crit") {
            return Err(JweError::Critical);
        }
        if members.contains_key("zip") {
            return Err(JweError::Algorithm);
        }
        let word = |name: &str| members.get(name).and_then(Value::as_str).ok_or(JweError::Malformed);
        let (alg, enc) = (word("alg")?, word("enc")?);
        let content = Content::named(enc).ok_or(JweError::Algorithm)?;
        // A key for direct use names the content's algorithm.
        let own = if alg == "dir" { enc } else { alg };
        if self.alg.as_deref().is_some_and(|pinned| pinned != own && pinned != alg) {
            return Err(JweError::Algorithm);
        }
        let cek = self.content_key(alg, enc, &members, &key, content.key_length())?;
        if cek.expose().len() != content.key_length() {
            return Err(JweError::Decrypt);
        }
        content.open(&cek, header.as_bytes(), &iv, body, &tag).map(Secret::new).ok_or(JweError::Decrypt)
    }

    fn content_key(
        &self,
        alg: &str,
        enc: &str,
        members: &Map<String, Value>,
        wrapped: &[u8],
        length: usize,
    ) -> Result<Secret<Vec<u8>>, JweError> {
        let part = |name: &str| match members.get(name) {
            Some(Value::String(text)) => base64url_decode(text).map_err(|_| JweError::Malformed),
            _ => Err(JweError::Malformed),
        };
        match (&self.material, alg) {
            (Material::Secret(secret), "dir") if wrapped.is_empty() => Ok(secret.clone()),
            (Material::Secret(secret), "A128KW" | "A192KW" | "A256KW") => {
                let size = if alg == "A128KW" {
                    16
                } else if alg == "A192KW" {
                    24
                } else {
                    32
                };
                sized(secret, size).and_then(|key| unwrap_key(key, wrapped)).ok_or(JweError::Decrypt)
            }
            (Material::Secret(secret), "A128GCMKW" | "A192GCMKW" | "A256GCMKW") => {
                let size = if alg == "A128GCMKW" {
                    16
                } else if alg == "A192GCMKW" {
                    24
                } else {
                    32
                };
                let (iv, tag) = (part("iv")?, part("tag")?);
                let key = sized(secret, size).ok_or(JweError::Decrypt)?;
                gcm_open(key, b"", &iv, wrapped.to_vec(), &tag).map(Secret::new).ok_or(JweError::Decrypt)
            }
            // Only where the key says so: a shared key must not be taken for a password.
            (Material::Secret(secret), _) if self.alg.as_deref() == Some(alg) => {
                let (hash, size) = match alg {
                    "PBES2-HS256+A128KW" => (pbkdf2::PBKDF2_HMAC_SHA256, 16),
                    "PBES2-HS384+A192KW" => (pbkdf2::PBKDF2_HMAC_SHA384, 24),
                    "PBES2-HS512+A256KW" => (pbkdf2::PBKDF2_HMAC_SHA512, 32),
                    _ => return Err(JweError::Algorithm),
                };
                let count =
                    members.get("p2c").and_then(Value::as_u64).and_then(|count| u32::try_from(count).ok());
                let count = count.filter(|count| (1_000..=MOST_ITERATIONS).contains(count));
                let count = count.and_then(std::num::NonZeroU32::new).ok_or(JweError::Algorithm)?;
                let salt = [alg.as_bytes(), &[0], &part("p2s")?].concat();
                let mut derived = vec![0; size];
                pbkdf2::derive(hash, count, &salt, secret.expose(), &mut derived);
                let key = Secret::new(derived);
                unwrap_key(key.expose(), wrapped).ok_or(JweError::Decrypt)
            }
            (Material::Rsa(key), "RSA-OAEP" | "RSA-OAEP-256") => {
                let hash = if alg == "RSA-OAEP" { &OAEP_SHA1_MGF1SHA1 } else { &OAEP_SHA256_MGF1SHA256 };
                let key = OaepPrivateDecryptingKey::new(key.clone()).map_err(|_| JweError::Decrypt)?;
                let mut out = vec![0; key.min_output_size()];
                let opened = key.decrypt(hash, wrapped, &mut out, None).map(|opened| opened.to_vec());
                out.zeroize();
                opened.map(Secret::new).map_err(|_| JweError::Decrypt)
            }
            (
                Material::Ec(curve, key),
                "ECDH-ES" | "ECDH-ES+A128KW" | "ECDH-ES+A192KW" | "ECDH-ES+A256KW",
            ) => {
                let (size, purpose) = match alg {
                    "ECDH-ES" => (length, enc),
                    "ECDH-ES+A128KW" => (16, alg),
                    "ECDH-ES+A192KW" => (24, alg),
                    _ => (32, alg),
                };
                let point = ephemeral(members.get("epk"), *curve)?;
                let optional = |name| if members.contains_key(name) { part(name) } else { Ok(Vec::new()) };
                let (apu, apv) = (optional("apu")?, optional("apv")?);
                let peer = UnparsedPublicKey::new(agreement_of(*curve), point);
                let derived = agreement::agree(key, peer, JweError::Decrypt, |shared| {
                    Ok(concat_kdf(shared, purpose, &apu, &apv, size))
                })?;
                match alg {
                    "ECDH-ES" if wrapped.is_empty() => Ok(derived),
                    "ECDH-ES" => Err(JweError::Decrypt),
                    _ => unwrap_key(derived.expose(), wrapped).ok_or(JweError::Decrypt),
                }
            }
            _ => Err(JweError::Algorithm),
        }
    }
}

impl std::fmt::Debug for DecryptionKey {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("DecryptionKey").field("alg", &self.alg).finish_non_exhaustive()
    }
}

/// How the content is encrypted (RFC 7518 §5.1).
#[derive(Clone, Copy)]
enum Content {
    /// Key length.
    Cbc(usize),
    Gcm(usize),
}

impl Content {
    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "A128CBC-HS256" => Self::Cbc(32),
            "A192CBC-HS384" => Self::Cbc(48),
            "A256CBC-HS512" => Self::Cbc(64),
            "A128GCM" => Self::Gcm(16),
            "A192GCM" => Self::Gcm(24),
            "A256GCM" => Self::Gcm(32),
            _ => return None,
        })
    }

    const fn key_length(self) -> usize {
        match self {
            Self::Cbc(length) | Self::Gcm(length) => length,
        }
    }

    fn open(
        self,
        key: &Secret<Vec<u8>>,
        aad: &[u8],
        iv: &[u8],
        body: Vec<u8>,
        tag: &[u8],
    ) -> Option<Vec<u8>> {
        match self {
            Self::Gcm(_) => gcm_open(key.expose(), aad, iv, body, tag),
            Self::Cbc(length) => cbc_open(key.expose(), length, aad, iv, body, tag),
        }
    }
}

fn gcm_open(key: &[u8], aad: &[u8], iv: &[u8], mut body: Vec<u8>, tag: &[u8]) -> Option<Vec<u8>> {
    let cipher = match key.len() {
        16 => &AES_128_GCM,
        24 => &AES_192_GCM,
        32 => &AES_256_GCM,
        _ => return None,
    };
    // A shorter tag is easier to guess.
    let (nonce, 16) = (Nonce::try_assume_unique_for_key(iv).ok()?, tag.len()) else { return None };
    let key = LessSafeKey::new(UnboundKey::new(cipher, key).ok()?);
    body.extend_from_slice(tag);
    let length = key.open_in_place(nonce, Aad::from(aad), &mut body).ok()?.len();
    body.truncate(length);
    Some(body)
}

/// RFC 7518 §5.2: first the MAC, then the rest, so that the padding tells nothing.
fn cbc_open(
    key: &[u8],
    length: usize,
    aad: &[u8],
    iv: &[u8],
    mut body: Vec<u8>,
    tag: &[u8],
) -> Option<Vec<u8>> {
    let (hash, cipher) = match length {
        32 => (hmac::HMAC_SHA256, &AES_128),
        48 => (hmac::HMAC_SHA384, &AES_192),
        _ => (hmac::HMAC_SHA512, &AES_256),
    };
    let half = length / 2;
    let (mac_key, cipher_key) = key.split_at_checked(half)?;
    let iv: [u8; 16] = iv.try_into().ok()?;
    let bits = u64::try_from(aad.len()).ok()?.checked_mul(8)?.to_be_bytes();
    let mut mac = hmac::Context::with_key(&hmac::Key::new(hash, mac_key));
    for part in [aad, &iv, &body, &bits] {
        mac.update(part);
    }
    let mac = mac.sign();
    if !constant_time_eq(mac.as_ref().get(..half)?, tag) {
        return None;
    }
    let key = PaddedBlockDecryptingKey::cbc_pkcs7(UnboundCipherKey::new(cipher, cipher_key).ok()?).ok()?;
    let context = DecryptionContext::Iv128(FixedLength::from(iv));
    let length = key.decrypt(&mut body, context).ok()?.len();
    body.truncate(length);
    Some(body)
}

/// AES key wrap (RFC 3394 §2.2.2); AWS-LC has it for two of the three key lengths only.
fn unwrap_key(key: &[u8], wrapped: &[u8]) -> Option<Secret<Vec<u8>>> {
    let cipher = match key.len() {
        16 => &AES_128,
        24 => &AES_192,
        32 => &AES_256,
        _ => return None,
    };
    let key = DecryptingKey::ecb(UnboundCipherKey::new(cipher, key).ok()?).ok()?;
    let (blocks, rest) = wrapped.as_chunks::<8>();
    let ([check, blocks @ ..], []) = (blocks, rest) else { return None };
    let mut check = *check;
    let (mut out, count) = (blocks.to_vec(), u64::try_from(blocks.len()).ok()?);
    // A content key has at most 64 bytes.
    if !(2..=8).contains(&count) {
        return None;
    }
    for round in (0..6_u64).rev() {
        for (index, block) in out.iter_mut().enumerate().rev() {
            let index = u64::try_from(index).ok()?;
            let step = u64::from_be_bytes(check) ^ (count * round + index + 1);
            let mut both = [0; 16];
            let (left, right) = both.split_at_mut(8);
            left.copy_from_slice(&step.to_be_bytes());
            right.copy_from_slice(block);
            key.decrypt(&mut both, DecryptionContext::None).ok()?;
            let (left, right) = both.split_at(8);
            check.copy_from_slice(left);
            block.copy_from_slice(right);
            both.zeroize();
        }
    }
    let unwrapped = Secret::new(out.concat());
    out.zeroize();
    constant_time_eq(&check, &[0xa6; 8]).then_some(unwrapped)
}

/// RFC 7518 §4.6.2: NIST SP 800-56A's single-step derivation with SHA-256.
fn concat_kdf(shared: &[u8], purpose: &str, apu: &[u8], apv: &[u8], length: usize) -> Secret<Vec<u8>> {
    let number = |value: usize| u32::try_from(value).unwrap_or(u32::MAX).to_be_bytes();
    let mut out = Vec::with_capacity(length.next_multiple_of(32));
    for round in 1_u32.. {
        let mut hash = digest::Context::new(&digest::SHA256);
        hash.update(&round.to_be_bytes());
        hash.update(shared);
        for part in [purpose.as_bytes(), apu, apv] {
            hash.update(&number(part.len()));
            hash.update(part);
        }
        hash.update(&number(length.saturating_mul(8)));
        out.extend_from_slice(hash.finish().as_ref());
        if out.len() >= length {
            break;
        }
    }
    out.truncate(length);
    Secret::new(out)
}

/// The sender's point, uncompressed; that it is on the curve is checked when it is used.
fn ephemeral(epk: Option<&Value>, curve: Curve) -> Result<Vec<u8>, JweError> {
    let Some(Value::Object(epk)) = epk else { return Err(JweError::Malformed) };
    let word = |name: &str| epk.get(name).and_then(Value::as_str);
    if word("kty") != Some("EC") || word("crv") != Some(curve.name()) || epk.contains_key("d") {
        return Err(JweError::Malformed);
    }
    let coordinate = |name: &str| {
        let bytes = word(name).and_then(|text| base64url_decode(text).ok());
        bytes.filter(|bytes| bytes.len() == curve.length()).ok_or(JweError::Malformed)
    };
    Ok([vec![4], coordinate("x")?, coordinate("y")?].concat())
}

fn sized(secret: &Secret<Vec<u8>>, size: usize) -> Option<&[u8]> {
    Some(secret.expose().as_slice()).filter(|key| key.len() == size)
}

/// `key_ops` (RFC 7517 §4.3), where there are any.
fn may_decrypt(operations: Option<&Value>) -> Result<bool, MalformedKey> {
    let words = match operations {
        None => return Ok(true),
        Some(Value::Array(words)) => words,
        Some(_) => return Err(MalformedKey),
    };
    let wanted = ["decrypt", "unwrapKey", "deriveKey", "deriveBits"];
    Ok(words.iter().filter_map(Value::as_str).any(|word| wanted.contains(&word)))
}

fn agreement_of(curve: Curve) -> &'static agreement::Algorithm {
    match curve {
        Curve::P256 => &ECDH_P256,
        Curve::P384 => &ECDH_P384,
        Curve::P521 => &ECDH_P521,
    }
}

const LONGEST: usize = 64 * 1024;
/// A token must not decide how long we work.
const MOST_ITERATIONS: u32 = 100_000;
