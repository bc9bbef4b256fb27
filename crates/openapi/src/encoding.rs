//! Percent-encoding (RFC 3986 §2.1) and the pairs of a query, read strictly.

use std::fmt;

/// Why a piece of a request cannot be read in one way only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unreadable {
    /// More names and values than anybody needs.
    Pairs,
    /// A plain `;`, at which some readers split and others do not.
    Semicolon,
    /// `%` that no two hexadecimal digits follow.
    Triplet,
    /// What is encoded is not UTF-8.
    Utf8,
}

impl fmt::Display for Unreadable {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Pairs => "too many names and values",
            Self::Semicolon => "every `;` is written `%3B`",
            Self::Triplet => "every `%` is followed by two hexadecimal digits",
            Self::Utf8 => "text is UTF-8",
        })
    }
}

/// Decodes once. `plus`: `+` is a blank, as in forms.
///
/// # Errors
/// A broken triplet, or bytes that are not UTF-8.
pub fn decode(text: &[u8], plus: bool) -> Result<String, Unreadable> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        match byte {
            b'%' => {
                let [high, low, after @ ..] = after else { return Err(Unreadable::Triplet) };
                let (Some(high), Some(low)) = (nibble(*high), nibble(*low)) else {
                    return Err(Unreadable::Triplet);
                };
                out.push(high << 4 | low);
                rest = after;
            }
            b'+' if plus => out.push(b' '),
            byte => out.push(byte),
        }
    }
    String::from_utf8(out).map_err(|_| Unreadable::Utf8)
}

/// The pairs of a query or an urlencoded form: decoded names, values as they came.
///
/// # Errors
/// More than `limit` pairs, a name that cannot be decoded, or a `;`: it ends a pair for old readers (HTML 4, B.2.2).
pub fn pairs(text: &str, limit: usize) -> Result<Vec<(String, &str)>, Unreadable> {
    if text.contains(';') {
        return Err(Unreadable::Semicolon);
    }
    let mut pairs = Vec::new();
    for piece in text.split('&').filter(|piece| !piece.is_empty()) {
        if pairs.len() >= limit {
            return Err(Unreadable::Pairs);
        }
        let (name, value) = piece.split_once('=').unwrap_or((piece, ""));
        pairs.push((decode(name.as_bytes(), true)?, value));
    }
    Ok(pairs)
}

/// A path's literal part in the form the gate gives paths: unreserved characters plain, the rest of what was
/// encoded in upper-case triplets.
pub(crate) fn canonical(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        let mut encoded = false;
        let mut byte = byte;
        if byte == b'%'
            && let [high, low, after @ ..] = after
            && let (Some(high), Some(low)) = (nibble(*high), nibble(*low))
        {
            byte = high << 4 | low;
            encoded = true;
            rest = after;
        }
        let plain = byte.is_ascii_alphanumeric()
            || b"-._~".contains(&byte)
            || (!encoded && b"!$&'()*+,;=:@".contains(&byte));
        if plain {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.push(hexadecimal(byte >> 4));
            out.push(hexadecimal(byte & 15));
        }
    }
    out
}

pub(crate) fn nibble(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

fn hexadecimal(nibble: u8) -> char {
    char::from(if nibble < 10 { b'0' + nibble } else { b'A' + nibble - 10 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_decoded_once_and_strictly() {
        assert_eq!(decode(b"a%20b+c", true).unwrap(), "a b c");
        assert_eq!(decode(b"a+%2541", false).unwrap(), "a+%41");
        assert_eq!(decode(b"%", false), Err(Unreadable::Triplet));
        assert_eq!(decode(b"%+1", false), Err(Unreadable::Triplet));
        assert_eq!(decode(b"%c0%af", false), Err(Unreadable::Utf8));
    }

    #[test]
    fn a_query_is_pairs() {
        assert_eq!(
            pairs("a=1&&b&%61=%32", 9).unwrap(),
            [("a".to_owned(), "1"), ("b".to_owned(), ""), ("a".to_owned(), "%32")]
        );
        assert_eq!(pairs("a&b&c", 2), Err(Unreadable::Pairs));
        assert_eq!(pairs("a=1;admin=1", 9), Err(Unreadable::Semicolon));
    }

    #[test]
    fn literals_are_compared_in_the_gates_form() {
        assert_eq!(canonical("a%7eb c%2f:@é"), "a~b%20c%2F:@%C3%A9");
    }
}
