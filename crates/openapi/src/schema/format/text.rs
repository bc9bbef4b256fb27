//! Formats of plain strings.

use super::host;
use crate::json::Pointer;

/// Digits, perhaps with a sign before and a point between them; no exponent.
pub(super) fn is_decimal(value: &str) -> bool {
    let digits = value.strip_prefix(['+', '-']).unwrap_or(value);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let all = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    all(whole) && all(fraction)
}

/// Base64 with padding (RFC 4648 §4).
pub(super) fn is_base64(text: &str) -> bool {
    let body = text.trim_end_matches('=');
    let padding = text.len() - body.len();
    let alphabet = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'+' || byte == b'/';
    // The bits that the padding leaves over must be zero, or several texts would mean one value.
    let spare = match padding {
        0 => true,
        1 => body.ends_with(|last: char| "AEIMQUYcgkosw048".contains(last)),
        2 => body.ends_with(['A', 'Q', 'g', 'w']),
        _ => false,
    };
    text.len().is_multiple_of(4) && spare && body.bytes().all(alphabet)
}

/// A mailbox (RFC 5321 §4.1.2; with `international` RFC 6531 §3.3).
pub(super) fn is_email(text: &str, international: bool) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    if local.is_empty() || local.len() > 64 || text.len() > 320 {
        return false;
    }
    let beyond = |character: char| international && !character.is_ascii();
    let local_fits = match local.strip_prefix('"') {
        Some(quoted) => quoted.strip_suffix('"').is_some_and(|inside| is_quoted(inside, international)),
        None => local.split('.').all(|atom| {
            !atom.is_empty()
                && atom.chars().all(|character| {
                    character.is_ascii_alphanumeric()
                        || "!#$%&'*+-/=?^_`{|}~".contains(character)
                        || beyond(character)
                })
        }),
    };
    local_fits
        && match domain.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            Some(literal) => match literal.strip_prefix("IPv6:") {
                Some(address) => host::is_ipv6(address),
                None => host::is_ipv4(literal),
            },
            None if international => host::is_mapped_hostname(domain),
            None => host::is_hostname(domain),
        }
}

/// The inside of a quoted string: printable, with `"` and `\` escaped.
fn is_quoted(inside: &str, international: bool) -> bool {
    let mut characters = inside.chars();
    while let Some(character) = characters.next() {
        let fits = match character {
            '\\' => characters.next().is_some_and(|next| (' '..='~').contains(&next)),
            '"' => false,
            ' '..='~' => true,
            other => international && !other.is_ascii(),
        };
        if !fits {
            return false;
        }
    }
    true
}

/// RFC 6901 §3.
pub(super) fn is_json_pointer(text: &str) -> bool {
    Pointer::parse(text).is_some()
}

/// Relative JSON Pointers §3: a number, and a pointer or `#`; a number may be added or taken away.
pub(super) fn is_relative_json_pointer(text: &str) -> bool {
    let Some(rest) = without_number(text) else { return false };
    let rest = match rest.strip_prefix(['+', '-']) {
        Some(shifted) => match without_number(shifted) {
            Some(rest) if !shifted.starts_with('0') => rest,
            _ => return false,
        },
        None => rest,
    };
    rest == "#" || is_json_pointer(rest)
}

/// What follows a number without leading zeros.
fn without_number(text: &str) -> Option<&str> {
    let end = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, rest) = text.split_at_checked(end)?;
    (number == "0" || !number.is_empty() && !number.starts_with('0')).then_some(rest)
}

/// RFC 9562 §4: any version, digits of either case.
pub(super) fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(index, byte)| match index {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}
