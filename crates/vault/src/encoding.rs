//! base64url without padding (RFC 4648 §5), read strictly: no padding, no white space, no other
//! alphabet, and unused bits must be zero, so that one value has exactly one spelling (a second
//! spelling of a token would walk past whatever remembers the first).

use base64::Engine as _;
use base64::alphabet;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};

/// The text is not the one canonical base64url spelling of some bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not canonical base64url without padding")]
pub struct MalformedBase64;

#[must_use]
pub fn base64url_encode(bytes: &[u8]) -> String {
    BASE64URL.encode(bytes)
}

/// Standard base64 with padding (RFC 4648 §4), for the headers that ask for it.
#[must_use]
pub fn base64_encode(bytes: &[u8]) -> String {
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

/// # Errors
/// When the text is anything but the canonical spelling.
pub fn base64url_decode(text: &str) -> Result<Vec<u8>, MalformedBase64> {
    BASE64URL.decode(text).map_err(|_| MalformedBase64)
}

/// The standard alphabet with padding (RFC 4648 §4), as `Authorization: Basic` has it.
///
/// # Errors
/// When the text is anything but the canonical spelling.
pub fn base64_decode(text: &str) -> Result<Vec<u8>, MalformedBase64> {
    base64::engine::general_purpose::STANDARD.decode(text).map_err(|_| MalformedBase64)
}

/// Decodes exactly 32 bytes, the size of tickets and tokens, without allocating.
///
/// # Errors
/// When the text is anything but the canonical spelling of 32 bytes: 43 characters.
pub fn base64url_decode_32(text: &str) -> Result<[u8; 32], MalformedBase64> {
    if text.len() != 43 {
        return Err(MalformedBase64);
    }
    let mut out = [0; 32];
    match BASE64URL.decode_slice(text, &mut out) {
        Ok(32) => Ok(out),
        _ => Err(MalformedBase64),
    }
}

/// RFC 4648 §8, in lower case.
#[must_use]
pub fn hex_encode(bytes: &[u8]) -> String {
    let digit = |value: u8| char::from(if value < 10 { b'0' + value } else { b'a' + (value - 10) });
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

/// Pairs of hexadecimal digits in either case, nothing else.
#[must_use]
pub fn hex_decode(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|value| u8::try_from(value).ok());
    let pairs = text.as_bytes().chunks(2).map(|pair| match pair {
        [high, low] => Some(digit(*high)? << 4 | digit(*low)?),
        _ => None,
    });
    pairs.collect()
}

/// RFC 4648, 6, without padding: what authenticator apps take as a secret.
#[must_use]
pub fn base32_encode(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len().div_ceil(5).saturating_mul(8));
    let (mut buffer, mut held) = (0_u32, 0_u32);
    for byte in bytes {
        buffer = (buffer << 8 | u32::from(*byte)) & 0xffff;
        held += 8;
        while held >= 5 {
            held -= 5;
            out.push(base32_letter(buffer >> held));
        }
    }
    if held > 0 {
        out.push(base32_letter(buffer << (5 - held)));
    }
    out
}

fn base32_letter(value: u32) -> char {
    let value = u8::try_from(value & 31).unwrap_or_default();
    char::from(if value < 26 { b'A' + value } else { b'2' + (value - 26) })
}

const BASE64URL: GeneralPurpose = GeneralPurpose::new(
    &alphabet::URL_SAFE,
    GeneralPurposeConfig::new()
        .with_encode_padding(false)
        .with_decode_padding_mode(DecodePaddingMode::RequireNone)
        .with_decode_allow_trailing_bits(false),
);

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn knows_the_published_vectors() {
        // RFC 7515 appendix C.
        assert_eq!(base64url_encode(&[3, 236, 255, 224, 193]), "A-z_4ME");
        assert_eq!(base64url_decode("A-z_4ME"), Ok(vec![3, 236, 255, 224, 193]));
        for wrong in ["A-z_4ME=", "A-z_4MF", "A+z/4ME", " A-z_4ME", "A-z_4ME\n", "A", "A-z_4Mé"] {
            assert_eq!(base64url_decode(wrong), Err(MalformedBase64), "{wrong}");
        }
    }

    #[test]
    fn knows_the_published_base32_vectors() {
        let rows = [("", ""), ("f", "MY"), ("fo", "MZXQ"), ("foo", "MZXW6"), ("foob", "MZXW6YQ")];
        for (plain, encoded) in rows.into_iter().chain([("fooba", "MZXW6YTB"), ("foobar", "MZXW6YTBOI")]) {
            assert_eq!(base32_encode(plain.as_bytes()), encoded);
        }
        assert_eq!(base32_encode(&[0xff; 5]), "77777777");
    }

    proptest! {
        #[test]
        fn encodes_and_decodes_back(bytes: Vec<u8>) {
            prop_assert_eq!(base64url_decode(&base64url_encode(&bytes)), Ok(bytes));
        }

        #[test]
        fn what_is_accepted_is_canonical(text in "[A-Za-z0-9_=+/ -]{0,48}") {
            if let Ok(bytes) = base64url_decode(&text) {
                prop_assert_eq!(base64url_encode(&bytes), text);
            }
        }

        #[test]
        fn hexadecimal_comes_back(bytes: Vec<u8>, text in "[0-9a-zA-Z]{0,9}") {
            prop_assert_eq!(hex_decode(&hex_encode(&bytes)), Some(bytes));
            let read = hex_decode(&text).map(|bytes| hex_encode(&bytes));
            prop_assert!(read.is_none_or(|read| read == text.to_ascii_lowercase()));
        }

        #[test]
        fn the_fixed_decoder_agrees_with_the_general_one(bytes: [u8; 32], flip in 0..43_usize, with in "[ -~]") {
            let text = base64url_encode(&bytes);
            prop_assert_eq!(base64url_decode_32(&text), Ok(bytes));
            let mut other = text;
            other.replace_range(flip..=flip, &with);
            let general = base64url_decode(&other).map(|bytes| bytes.try_into().unwrap());
            prop_assert_eq!(base64url_decode_32(&other), general);
        }

        #[test]
        fn any_text_is_decoded_or_refused(text in ".{0,60}") {
            let _ = (base64url_decode(&text), base64url_decode_32(&text));
        }
    }
}
