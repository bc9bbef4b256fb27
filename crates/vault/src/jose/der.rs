//! The little DER (X.690) that RSA keys are written in: sequences of integers.

/// The modulus and exponent of an `RSAPublicKey` (RFC 8017 A.1.1), without leading zeros.
pub(crate) fn rsa_public(der: &[u8]) -> Option<(&[u8], &[u8])> {
    let (body, rest) = element(der, SEQUENCE)?;
    let (modulus, body) = element(body, INTEGER)?;
    let (exponent, end) = element(body, INTEGER)?;
    (rest.is_empty() && end.is_empty()).then(|| (unsigned(modulus), unsigned(exponent)))
}

/// A PKCS#8 `PrivateKeyInfo` of an `RSAPrivateKey` (RFC 8017 A.1.2) from n, e, d, p, q, dp, dq, qi.
pub(crate) fn rsa_pkcs8(integers: &[&[u8]; 8]) -> Vec<u8> {
    let mut key = tagged(INTEGER, &[0]);
    for integer in integers {
        key.extend(positive(integer));
    }
    let key = tagged(SEQUENCE, &key);
    let mut info = tagged(INTEGER, &[0]);
    info.extend_from_slice(RSA_ENCRYPTION);
    info.extend(tagged(OCTETS, &key));
    tagged(SEQUENCE, &info)
}

fn element(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (&found, rest) = der.split_first()?;
    let (&first, mut rest) = rest.split_first()?;
    let length = if first < 0x80 {
        usize::from(first)
    } else {
        let (bytes, more) = rest.split_at_checked(usize::from(first & 0x7f))?;
        rest = more;
        if bytes.len() > 2 {
            return None;
        }
        bytes.iter().fold(0, |length, byte| length << 8 | usize::from(*byte))
    };
    (found == tag).then(|| rest.split_at_checked(length)).flatten()
}

fn unsigned(integer: &[u8]) -> &[u8] {
    integer.strip_prefix(&[0]).unwrap_or(integer)
}

fn positive(integer: &[u8]) -> Vec<u8> {
    let mut body = Vec::with_capacity(integer.len().saturating_add(1));
    if integer.first().is_none_or(|first| *first >= 0x80) {
        body.push(0);
    }
    body.extend_from_slice(integer);
    tagged(INTEGER, &body)
}

fn tagged(tag: u8, body: &[u8]) -> Vec<u8> {
    let mut out = vec![tag];
    let length = body.len().to_be_bytes();
    match body.len() {
        0..0x80 => out.extend(length.last()),
        _ => {
            let length: Vec<u8> = length.into_iter().skip_while(|byte| *byte == 0).collect();
            out.push(0x80 | u8::try_from(length.len()).unwrap_or(8));
            out.extend(length);
        }
    }
    out.extend_from_slice(body);
    out
}

const INTEGER: u8 = 0x02;
const OCTETS: u8 = 0x04;
const SEQUENCE: u8 = 0x30;

/// `AlgorithmIdentifier { rsaEncryption, NULL }` (RFC 8017 A.1).
const RSA_ENCRYPTION: &[u8] =
    &[0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00];
