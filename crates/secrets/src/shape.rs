//! What a value is made of.

/// The classes of characters in a text.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Classes {
    pub lower: usize,
    pub upper: usize,
    pub digit: usize,
    /// Everything else, white space too.
    pub other: usize,
}

impl Classes {
    pub(crate) fn of(text: &str) -> Self {
        let mut classes = Self::default();
        for byte in text.bytes() {
            let count = match byte {
                b'a'..=b'z' => &mut classes.lower,
                b'A'..=b'Z' => &mut classes.upper,
                b'0'..=b'9' => &mut classes.digit,
                _ => &mut classes.other,
            };
            *count = count.saturating_add(1);
        }
        classes
    }

    /// How many of the four kinds occur.
    pub(crate) fn kinds(self) -> usize {
        [self.lower, self.upper, self.digit, self.other].iter().filter(|count| **count > 0).count()
    }
}

/// Shannon's entropy of the bytes, in bits for each.
pub(crate) fn entropy(text: &str) -> f32 {
    let mut counts = [0_u16; 256];
    let bytes = text.as_bytes().get(..text.len().min(4096)).unwrap_or_default();
    for byte in bytes {
        if let Some(count) = counts.get_mut(usize::from(*byte)) {
            *count = count.saturating_add(1);
        }
    }
    let all = f32::from(u16::try_from(bytes.len()).unwrap_or(u16::MAX));
    let share = |count: u16| f32::from(count) / all;
    -counts.iter().filter(|count| **count > 0).map(|count| share(*count) * share(*count).log2()).sum::<f32>()
}

/// How many different bytes there are.
pub(crate) fn distinct(text: &str) -> usize {
    let mut seen = [false; 256];
    for byte in text.bytes() {
        if let Some(seen) = seen.get_mut(usize::from(byte)) {
            *seen = true;
        }
    }
    seen.iter().filter(|seen| **seen).count()
}

pub(crate) fn is_hex(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// `8-4-4-4-12` hexadecimal digits.
pub(crate) fn is_uuid(text: &str) -> bool {
    let mut parts = text.split('-');
    [8, 4, 4, 4, 12]
        .iter()
        .all(|length| parts.next().is_some_and(|part| part.len() == *length && is_hex(part)))
        && parts.next().is_none()
}

/// Whether all characters are of base64 or base64url, padding only at the end.
pub(crate) fn is_base64(text: &str) -> bool {
    let body = text.trim_end_matches('=');
    text.len().saturating_sub(body.len()) <= 2 && !body.is_empty() && body.bytes().all(is_base64_byte)
}

pub(crate) const fn is_base64_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'-' | b'_')
}

/// A byte of identifiers in about every language.
pub(crate) const fn is_word_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes() {
        assert!(is_uuid("123e4567-e89b-12d3-a456-426614174000"));
        assert!(!is_uuid("123e4567-e89b-12d3-a456-42661417400") && !is_uuid("a-b-c-d-e-f"));
        assert!(is_hex("00fF") && !is_hex("") && !is_hex("0x00"));
        assert!(is_base64("aGk=") && !is_base64("a=b") && !is_base64("===") && !is_base64("a b"));
        assert!((entropy("aabb") - 1.0).abs() < 0.001 && entropy("aaaa").abs() < 0.001);
        assert_eq!(distinct("aab"), 2);
        assert_eq!(Classes::of("aB1-").kinds(), 4);
    }
}
