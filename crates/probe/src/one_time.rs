//! One-time passwords of an identity (RFC 6238): six digits, steps of thirty seconds, HMAC-SHA-1.

use gabion_vault::hmac_sha1;

/// The code at a time in seconds since 1970; nothing where the secret is no Base32 (RFC 4648, section 6).
#[must_use]
pub(crate) fn code(secret: &str, seconds: i64) -> Option<String> {
    let key = base32(secret)?;
    let step = u64::try_from(seconds).ok()? / 30;
    let sum = hmac_sha1(&key, &step.to_be_bytes());
    // RFC 4226, section 5.3.
    let at = usize::from(sum.last()? & 0x0F);
    let word: [u8; 4] = sum.get(at..at.saturating_add(4))?.try_into().ok()?;
    let number = (u32::from_be_bytes(word) & 0x7FFF_FFFF) % 1_000_000;
    Some(format!("{number:06}"))
}

fn base32(text: &str) -> Option<Vec<u8>> {
    let (mut bytes, mut buffer, mut held) = (Vec::new(), 0_u32, 0_u32);
    for letter in text.bytes().filter(|letter| !matches!(letter, b' ' | b'-' | b'=')) {
        let value = match letter.to_ascii_uppercase() {
            letter @ b'A'..=b'Z' => letter.wrapping_sub(b'A'),
            letter @ b'2'..=b'7' => letter.wrapping_sub(b'2').wrapping_add(26),
            _ => return None,
        };
        buffer = (buffer << 5 | u32::from(value)) & 0xFFFF;
        held = held.saturating_add(5);
        if held >= 8 {
            held = held.saturating_sub(8);
            bytes.push(u8::try_from(buffer >> held & 0xFF).ok()?);
        }
    }
    (!bytes.is_empty()).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6238, appendix B: the last six of its eight digits.
    #[test]
    fn knows_the_published_vectors() {
        let secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
        for (seconds, shown) in [(59, "287082"), (1_111_111_109, "081804"), (20_000_000_000, "353130")] {
            assert_eq!(code(secret, seconds).as_deref(), Some(shown));
        }
        assert_eq!(code("not base32!", 59), None);
        assert_eq!(code("", 59), None);
    }
}
