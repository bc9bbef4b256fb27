//! JSON Web Tokens (RFC 7519) in their compact form: found in texts, taken apart, and put together as no library would.

use gabion_model::Timestamp;
use gabion_vault::encoding::{base64_decode, base64_encode, base64url_decode, base64url_encode};
use gabion_vault::jose::{Algorithm, SigningKey};
use gabion_vault::tls::LocalCa;
use gabion_vault::{hmac_sha256, hmac_sha384, hmac_sha512};
use serde_json::{Map, Value};

/// A token that was seen.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Token {
    pub(super) text: String,
    pub(super) head: Map<String, Value>,
    pub(super) claims: Map<String, Value>,
    pub(super) signature: Vec<u8>,
}

/// The longest token that is looked at.
const LONGEST: usize = 8 << 10;

impl Token {
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('.');
        let (head, claims, signature) = (parts.next()?, parts.next()?, parts.next()?);
        if parts.next().is_some() || text.len() > LONGEST {
            return None;
        }
        let object = |part: &str| serde_json::from_slice(&base64url_decode(part).ok()?).ok();
        let head: Map<String, Value> = object(head)?;
        head.get("alg")?.as_str()?;
        Some(Self {
            text: text.to_owned(),
            head,
            claims: object(claims)?,
            signature: base64url_decode(signature).ok()?,
        })
    }

    pub(super) fn algorithm(&self) -> &str {
        self.head.get("alg").and_then(Value::as_str).unwrap_or_default()
    }

    /// What the signature is over.
    pub(super) fn signed(&self) -> &str {
        self.text.rsplit_once('.').map_or("", |(signed, _)| signed)
    }

    /// The same with another signature.
    pub(super) fn with_signature(&self, signature: &[u8]) -> String {
        format!("{}.{}", self.signed(), base64url_encode(signature))
    }
}

/// A token of any head and claims, signed in whichever way.
pub(super) fn compact(head: &Value, claims: &Value, sign: impl FnOnce(&[u8]) -> Vec<u8>) -> String {
    let part = |value: &Value| base64url_encode(value.to_string().as_bytes());
    let text = format!("{}.{}", part(head), part(claims));
    let signature = base64url_encode(&sign(text.as_bytes()));
    format!("{text}.{signature}")
}

/// The signature of a shared secret (RFC 7518 section 3.2); nothing for an algorithm that has none.
pub(super) fn hmac(algorithm: &str, secret: &[u8], text: &[u8]) -> Option<Vec<u8>> {
    match algorithm {
        "HS256" => Some(hmac_sha256(secret, text).to_vec()),
        "HS384" => Some(hmac_sha384(secret, text).to_vec()),
        "HS512" => Some(hmac_sha512(secret, text).to_vec()),
        _ => None,
    }
}

/// Every token in a text, a few at most.
pub(super) fn tokens_in(text: &str) -> Vec<Token> {
    let word = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '.');
    let parts = text.split(|letter: char| !word(letter)).filter(|part| part.starts_with("eyJ"));
    let mut found: Vec<Token> = Vec::new();
    for token in parts.filter_map(Token::parse) {
        if found.len() < 4 && !found.contains(&token) {
            found.push(token);
        }
    }
    found
}

/// What a careless verifier takes for a secret, of a key that is public: the texts in which it is published or kept.
pub(super) fn texts_of_key(set: &str, key: &Value) -> Vec<Vec<u8>> {
    let mut texts: Vec<Vec<u8>> = vec![set.as_bytes().to_vec(), set.trim().as_bytes().to_vec()];
    if let Ok(value) = serde_json::from_str::<Value>(set) {
        texts.push(value.to_string().into_bytes());
    }
    texts.push(key.to_string().into_bytes());
    for name in ["x", "n"] {
        texts.extend(key.get(name).and_then(Value::as_str).map(|text| text.as_bytes().to_vec()));
    }
    if let Some(der) = public_key_info(key) {
        let encoded = base64_encode(&der);
        let lines: Vec<String> =
            encoded.as_bytes().chunks(64).map(|line| String::from_utf8_lossy(line).into_owned()).collect();
        let pem = format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----", lines.join("\n"));
        texts.push(format!("{pem}\n").into_bytes());
        texts.push(pem.into_bytes());
        texts.push(der);
    }
    texts.dedup();
    texts
}

/// A public key of P-256 or RSA as X.509 has it (RFC 5280, section 4.1.2.7).
fn public_key_info(key: &Value) -> Option<Vec<u8>> {
    let member = |name: &str| base64url_decode(key.get(name)?.as_str()?).ok();
    let kind = key.get("kty")?.as_str()?;
    if kind == "EC" && key.get("crv").and_then(Value::as_str) == Some("P-256") {
        let algorithm =
            sequence(&[&[6, 7, 42, 134, 72, 206, 61, 2, 1], &[6, 8, 42, 134, 72, 206, 61, 3, 1, 7]]);
        let bits = [vec![0, 4], member("x")?, member("y")?].concat();
        return Some(sequence(&[&algorithm, &tagged(3, &bits)]));
    }
    if kind == "RSA" {
        let algorithm = sequence(&[&[6, 9, 42, 134, 72, 134, 247, 13, 1, 1, 1], &[5, 0]]);
        let numbers = sequence(&[&integer(member("n")?), &integer(member("e")?)]);
        return Some(sequence(&[&algorithm, &tagged(3, &[vec![0], numbers].concat())]));
    }
    None
}

/// A key of our own with certificates for it, the key's first: of an authority of our own, or by itself for RSA.
pub(super) fn certified(algorithm: &str, now: Timestamp) -> Option<(SigningKey, Vec<Vec<u8>>)> {
    if algorithm.starts_with("RS") {
        let key = SigningKey::generate_for(Algorithm::Rs256).ok()?;
        let certificate = own_certificate(&key)?;
        return Some((key, vec![certificate]));
    }
    let issued = LocalCa::create(now).ok()?.issue(&["tokens.example".to_owned()], now).ok()?;
    let key = SigningKey::from_pkcs8_pem(issued.key_pem.expose()).ok()?;
    let parts = issued.chain_pem.split("-----BEGIN CERTIFICATE-----").skip(1);
    let der = |part: &str| {
        let text: String = part.split("-----").next()?.split_whitespace().collect();
        base64_decode(&text).ok()
    };
    Some((key, parts.filter_map(der).collect()))
}

/// A certificate of an RSA key (RFC 5280, section 4.1). What stands for its signature is a signature of the key over something else:
/// nobody reads it who takes a key out of a certificate that a stranger sent, and nobody else goes on with it.
fn own_certificate(key: &SigningKey) -> Option<Vec<u8>> {
    let info = public_key_info(&serde_json::to_value(key.public()).ok()?)?;
    let other = key.sign_bare(&Value::Null).ok()?;
    let signature = base64url_decode(other.rsplit('.').next()?).ok()?;
    let by_rsa = sequence(&[&[6, 9, 42, 134, 72, 134, 247, 13, 1, 1, 11], &[5, 0]]);
    let common = sequence(&[&[6, 3, 85, 4, 3], &tagged(12, b"tokens.example")]);
    let name = sequence(&[&tagged(49, &common)]);
    let times = sequence(&[&tagged(23, b"200101000000Z"), &tagged(23, b"491231235959Z")]);
    let signed =
        sequence(&[&tagged(160, &[2, 1, 2]), &integer(vec![1]), &by_rsa, &name, &times, &name, &info]);
    Some(sequence(&[&signed, &by_rsa, &tagged(3, &[vec![0], signature].concat())]))
}

fn sequence(parts: &[&[u8]]) -> Vec<u8> {
    tagged(48, &parts.concat())
}

fn integer(mut number: Vec<u8>) -> Vec<u8> {
    if number.first().is_some_and(|byte| *byte >= 128) {
        number.insert(0, 0);
    }
    tagged(2, &number)
}

fn tagged(tag: u8, content: &[u8]) -> Vec<u8> {
    let length: Vec<u8> = match content.len() {
        short @ 0..128 => vec![u8::try_from(short).unwrap_or(0)],
        long => {
            let bytes: Vec<u8> = long.to_be_bytes().into_iter().skip_while(|byte| *byte == 0).collect();
            [vec![128 | u8::try_from(bytes.len()).unwrap_or(0)], bytes].concat()
        }
    };
    [vec![tag], length, content.to_vec()].concat()
}

#[cfg(test)]
mod tests {
    use gabion_vault::x509::PeerCertificate;
    use serde_json::json;

    use super::*;

    #[test]
    fn tokens_are_found_and_taken_apart() {
        let text = compact(&json!({ "alg": "HS256" }), &json!({ "sub": "ann" }), |_| vec![1, 2, 3]);
        let found = tokens_in(&format!("{{\"token\":\"{text}\",\"other\":\"eyJhIjoxfQ.e30.x\"}}"));
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].algorithm(), found[0].claims["sub"].as_str()), ("HS256", Some("ann")));
        assert_eq!(found[0].signature, [1, 2, 3]);
        assert!(tokens_in("eyJ eyJ.. eyJhbGciOiJub25lIn0.e30 plain").is_empty());
    }

    #[test]
    fn certificates_of_our_own_are_read_as_certificates() {
        for (algorithm, length) in [("ES256", 2), ("RS256", 1)] {
            let (key, chain) = certified(algorithm, Timestamp::from_secs(1_800_000_000)).unwrap();
            assert_eq!(chain.len(), length);
            let read = PeerCertificate::parse(&chain[0]).unwrap();
            assert!(read.key.is_none_or(|own| own == key.kid()), "{algorithm}");
            let jwk = serde_json::to_value(key.public()).unwrap();
            let number = jwk.get("n").or_else(|| jwk.get("x")).and_then(Value::as_str).unwrap();
            let number = base64url_decode(number).unwrap();
            assert!(chain[0].windows(number.len()).any(|bytes| bytes == number), "{algorithm}");
        }
    }

    #[test]
    fn a_published_key_is_written_as_files_have_it() {
        let key = SigningKey::generate().unwrap();
        let jwk = serde_json::to_value(key.public()).unwrap();
        let texts = texts_of_key(" {\"keys\": []}\n", &jwk);
        let pem = texts.iter().map(|text| String::from_utf8_lossy(text)).find(|text| text.contains("BEGIN"));
        // The algorithm of every key of P-256 begins the same.
        assert!(pem.unwrap().contains("\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE"));
        assert!(texts.contains(&b"{\"keys\":[]}".to_vec()));
    }
}
