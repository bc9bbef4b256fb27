//! What makes a match more than a chance: checksums and structure, where the provider put some.

mod bech32;
mod crc;
mod jwt;

pub(crate) use jwt::is_token as is_jwt;

use base64::Engine as _;
use base64::engine::general_purpose::GeneralPurpose;
use base64::engine::{DecodePaddingMode, GeneralPurposeConfig};

use crate::rule::Check;
use crate::shape::{Classes, distinct};
use crate::{placeholder, words};

/// Whether the secret passes.
pub(crate) fn passes(check: Check, secret: &str) -> bool {
    match check {
        Check::Crc32Base62 => crc::base62_after_prefix(secret),
        Check::Crc32Base62All => crc::base62_of_all(secret),
        Check::AwsKeyId => is_aws_key_id(secret),
        Check::AwsSecret => {
            let classes = Classes::of(secret);
            classes.upper >= 4
                && classes.lower >= 4
                && classes.digit >= 1
                && distinct(secret) >= 16
                && words::surprise(secret) > 5.0
        }
        Check::Jwt => jwt::is_token(secret),
        Check::JwtServiceRole => jwt::is_service_role(secret),
        Check::PypiMacaroon => is_pypi_macaroon(secret),
        Check::Bech32 => bech32::is_valid(secret),
        Check::Nkey => crc::is_nkey(secret),
        Check::Base64 => decode(secret).is_some_and(|bytes| !is_text(&bytes)),
        Check::Random => is_random(secret),
        Check::Password => is_chosen(secret),
        Check::BasicPair => basic_pair(secret).is_some_and(|password| is_chosen(&password)),
        Check::Mixed => {
            let classes = Classes::of(secret);
            classes.digit > 0 && classes.digit < secret.len()
        }
    }
}

/// Base64 in either alphabet, padded or not.
pub(crate) fn decode(text: &str) -> Option<Vec<u8>> {
    const CONFIG: GeneralPurposeConfig = GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true);
    const STANDARD: GeneralPurpose = GeneralPurpose::new(&base64::alphabet::STANDARD, CONFIG);
    const URL: GeneralPurpose = GeneralPurpose::new(&base64::alphabet::URL_SAFE, CONFIG);
    let engine = if text.contains(['-', '_']) { URL } else { STANDARD };
    engine.decode(text).ok()
}

/// Whether bytes are characters somebody wrote: UTF-8, hardly a control character.
pub(crate) fn is_text(bytes: &[u8]) -> bool {
    !bytes.is_empty()
        && std::str::from_utf8(bytes).is_ok()
        && bytes.iter().all(|byte| *byte >= 0x20 || matches!(byte, b'\n' | b'\r' | b'\t'))
}

/// Whether a value was drawn rather than written. Short ones must be more surprising; they vary more by chance.
pub(crate) fn is_random(value: &str) -> bool {
    let least = match value.len() {
        0..=7 => return false,
        8..=11 => 5.6,
        12..=19 => 5.2,
        20..=39 => 5.0,
        _ => 4.8,
    };
    let most = if value.len() >= 40 { 12 } else { value.len() / 3 };
    words::surprise(value) >= least && distinct(value) >= most.min(10) && !is_number(value)
}

/// Whether a value can be a password that somebody chose.
pub(crate) fn is_chosen(value: &str) -> bool {
    (4..=128).contains(&value.len())
        && !value.contains(char::is_whitespace)
        && !placeholder::is_placeholder(value)
        && !placeholder::is_reference(value)
}

/// The password in what `Authorization: Basic` carries.
pub(crate) fn basic_pair(text: &str) -> Option<String> {
    let pair = String::from_utf8(decode(text)?).ok()?;
    if pair.chars().any(char::is_control) {
        return None;
    }
    let (_, password) = pair.split_once(':')?;
    Some(password.to_owned())
}

/// Digits with the signs that dates, versions and amounts have.
fn is_number(value: &str) -> bool {
    value.bytes().all(|byte| {
        byte.is_ascii_digit() || matches!(byte, b'.' | b'-' | b'+' | b':' | b'_' | b',' | b'/' | b' ')
    })
}

/// Four letters for the kind, then sixteen of base32 of which the first eight hold the account.
fn is_aws_key_id(secret: &str) -> bool {
    let Some(body) = secret.get(4..) else { return false };
    let mut number = 0_u64;
    for byte in body.bytes().take(8) {
        let digit = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'2'..=b'7' => byte - b'2' + 26,
            _ => return false,
        };
        number = (number << 5) | u64::from(digit);
    }
    // The account is 40 of these bits, shifted by 7 (as AWS's own `get-access-key-info` shows); accounts have at most 12 digits.
    let account = (number & 0x7f_ffff_ff80) >> 7;
    body.len() == 16 && account <= 999_999_999_999 && Classes::of(body).digit < 12 && distinct(body) >= 6
}

/// `pypi-` and a macaroon of version 2 whose location is `pypi.org` or `test.pypi.org`.
fn is_pypi_macaroon(secret: &str) -> bool {
    let Some(bytes) = secret.strip_prefix("pypi-").and_then(decode_prefix) else { return false };
    bytes.first() == Some(&2) && bytes.windows(8).any(|window| window == b"pypi.org")
}

/// The first bytes of a text in base64url of any length.
fn decode_prefix(text: &str) -> Option<Vec<u8>> {
    let length = text.len().min(64) / 4 * 4;
    decode(text.get(..length)?)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn drawn_and_written_values() {
        for drawn in [
            "hfbpozfhvuwgtfosmo2imqskc73w04jf",
            "9f86d081884c7d659a2feaa0c55ad015",
            "x7Kq9vBn2mWz",
            "Zk3pQ8sLw0Tg",
        ] {
            assert!(is_random(drawn), "{drawn}");
        }
        for written in [
            "databaseConnection",
            "192.168.100.200",
            "2024-01-01T00:00:00",
            "application/octet-stream",
            "short",
        ] {
            assert!(!is_random(written), "{written}");
        }
    }

    #[test]
    fn a_pair_has_a_password() {
        assert_eq!(basic_pair("QWxhZGRpbjpvcGVuIHNlc2FtZQ==").as_deref(), Some("open sesame"));
        assert_eq!(basic_pair("QWxhZGRpbg=="), None);
    }

    #[test]
    fn keys_of_aws_name_an_account() {
        assert!(is_aws_key_id("AKIAY34FZKBOKMUTVV7A"));
        assert!(
            !is_aws_key_id("AKIA0123456789ABCDEF")
                && !is_aws_key_id("AKIAAAAAAAAAAAAAAAAA")
                && !is_aws_key_id("AK")
        );
    }

    proptest! {
        #[test]
        fn every_check_answers_to_every_text(text in "\\PC{0,200}|[a-zA-Z0-9_.-]{0,200}") {
            for check in [
                Check::Crc32Base62, Check::Crc32Base62All, Check::AwsKeyId, Check::AwsSecret, Check::Jwt, Check::JwtServiceRole,
                Check::PypiMacaroon, Check::Bech32, Check::Nkey, Check::Base64, Check::Random, Check::Password, Check::BasicPair,
                Check::Mixed,
            ] {
                passes(check, &text);
            }
        }
    }
}
