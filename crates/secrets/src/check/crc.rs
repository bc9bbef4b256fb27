//! Tokens that carry a checksum of themselves.

const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// 62^6 is more than 2^32.
const CHECKSUM: usize = 6;

/// `ghp_<random><checksum>`: CRC-32 of the random part. Both orders of letters occur among those who took the idea over.
pub(super) fn base62_after_prefix(token: &str) -> bool {
    let Some((_, body)) = token.rsplit_once('_') else { return false };
    split(body).is_some_and(|(random, checksum)| {
        let sum = base62(crc32(random.as_bytes()));
        checksum == sum || checksum.bytes().map(swap).eq(sum.bytes())
    })
}

/// `gab_<env>_<random><checksum>`: CRC-32 of all that stands before it.
pub(super) fn base62_of_all(token: &str) -> bool {
    split(token).is_some_and(|(before, checksum)| checksum == base62(crc32(before.as_bytes())))
}

/// A seed of NATS: 32 bytes behind two of a prefix, then their CRC-16, all in base32.
pub(super) fn is_nkey(token: &str) -> bool {
    let Some(bytes) = base32(token) else { return false };
    let Some((body, sum)) = bytes.split_last_chunk::<2>() else { return false };
    body.len() == 34 && crc16(body) == u16::from_le_bytes(*sum)
}

fn split(text: &str) -> Option<(&str, &str)> {
    text.split_at_checked(text.len().checked_sub(CHECKSUM)?)
}

fn swap(byte: u8) -> u8 {
    if byte.is_ascii_lowercase() { byte.to_ascii_uppercase() } else { byte.to_ascii_lowercase() }
}

fn base62(mut number: u32) -> String {
    let mut digits = [b'0'; CHECKSUM];
    for digit in digits.iter_mut().rev() {
        *digit = DIGITS.get((number % 62) as usize).copied().unwrap_or(b'0');
        number /= 62;
    }
    digits.iter().copied().map(char::from).collect()
}

/// CRC-32 with the reflected polynomial of IEEE 802.3.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(
            crc ^ u32::from(*byte),
            |crc, _| {
                if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 }
            },
        )
    })
}

/// CRC-16 as XMODEM has it, which NATS uses.
fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |crc, byte| {
        (0..8).fold(crc ^ (u16::from(*byte) << 8), |crc, _| {
            if crc & 0x8000 == 0 { crc << 1 } else { (crc << 1) ^ 0x1021 }
        })
    })
}

fn base32(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let (mut held, mut bits) = (0_u32, 0_u32);
    for byte in text.bytes() {
        let digit = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'2'..=b'7' => byte - b'2' + 26,
            _ => return None,
        };
        held = (held << 5 | u32::from(digit)) & 0xfff;
        bits += 5;
        if bits >= 8 {
            bits -= 8;
            bytes.push(u8::try_from(held >> bits & 0xff).ok()?);
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_those_of_the_standards() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
        assert_eq!(crc16(b"123456789"), 0x31c3);
        assert_eq!(base62(u32::MAX), "4gfFC3");
        assert_eq!(base32("MZXW6YTB").unwrap(), b"fooba");
    }

    #[test]
    fn one_wrong_letter_is_seen() {
        let random = "x7Kq9vBn2mWzR4tYc8LpQ1sDf6GhJk";
        let token = format!("ghp_{random}{}", base62(crc32(random.as_bytes())));
        assert!(base62_after_prefix(&token));
        assert!(!base62_after_prefix(&token.replacen('x', "y", 1)));
        assert!(base62_of_all("gab_live_000000000000000000000000000000000000000000036YLs0"));
        assert!(!base62_of_all("gab_live_000000000000000000000000000000000000000000036YLs1"));
        assert!(!base62_after_prefix("_") && !base62_of_all("abc"));
    }

    #[test]
    fn a_seed_of_nats_has_its_sum() {
        // From the documentation of nkeys: a published test seed of a user.
        assert!(is_nkey("SUACSSL3UAHUDXKFSNVUZRF5UHPMWZ6BFDTJ7M6USDXIEDNPPQYYYCU3VY"));
        assert!(!is_nkey("SUACSSL3UAHUDXKFSNVUZRF5UHPMWZ6BFDTJ7M6USDXIEDNPPQYYYCU4VY"));
    }
}
