//! Names and addresses of hosts.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::LazyLock;

use idna::AsciiDenyList;
use idna::uts46::{DnsLength, Hyphens, Uts46};
use regex::Regex;

/// RFC 2673 §3.2: four decimal octets.
pub(super) fn is_ipv4(text: &str) -> bool {
    text.parse::<Ipv4Addr>().is_ok()
}

/// RFC 4291 §2.2, without a zone.
pub(super) fn is_ipv6(text: &str) -> bool {
    text.parse::<Ipv6Addr>().is_ok()
}

/// RFC 1123 §2.1; a label that says it is internationalised must be so (RFC 5890 §2.3.2.1).
pub(super) fn is_hostname(text: &str) -> bool {
    text.len() <= 253
        && text.split('.').all(|label| is_label(label) && (!says_a_label(label) || is_a_label(label)))
}

fn is_label(label: &str) -> bool {
    (1..=63).contains(&label.len())
        && !label.starts_with('-')
        && !label.ends_with('-')
        && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

/// Whether the third and fourth characters are hyphens, which is reserved.
fn is_encoded(label: &str) -> bool {
    label.get(2..4) == Some("--")
}

fn says_a_label(label: &str) -> bool {
    label.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("xn--"))
}

fn is_a_label(label: &str) -> bool {
    if !says_a_label(label) {
        return false;
    }
    let (unicode, result) = Uts46::new().to_unicode(label.as_bytes(), AsciiDenyList::STD3, Hyphens::Check);
    result.is_ok() && !unicode.is_ascii() && is_u_label(&unicode)
}

/// RFC 5890 §2.3.2.3: labels as hostnames have them, or U-labels.
pub(super) fn is_idn_hostname(text: &str) -> bool {
    if text.is_empty() {
        return false;
    }
    let labels_fit = text.split(['.', '\u{3002}', '\u{FF0E}', '\u{FF61}']).all(|label| {
        if label.is_ascii() {
            is_label(label) && (!is_encoded(label) || is_a_label(label))
        } else {
            is_u_label(label)
        }
    });
    let ascii =
        Uts46::new().to_ascii(text.as_bytes(), AsciiDenyList::STD3, Hyphens::Check, DnsLength::Verify);
    labels_fit && ascii.is_ok()
}

/// A name that becomes one of hosts by UTS 46, which changes case and composes: what people type (RFC 6531 §3.3).
pub(super) fn is_mapped_hostname(text: &str) -> bool {
    if text.is_ascii() {
        return is_hostname(text);
    }
    let (unicode, result) = Uts46::new().to_unicode(text.as_bytes(), AsciiDenyList::STD3, Hyphens::Check);
    result.is_ok() && is_idn_hostname(&unicode)
}

/// RFC 5892: no disallowed characters, and those that depend on their context in the right one.
fn is_u_label(label: &str) -> bool {
    let characters: Vec<char> = label.chars().collect();
    if is_encoded_u(&characters) || label.starts_with('-') || label.ends_with('-') {
        return false;
    }
    // What mapping would change is no U-label (RFC 5891 §4.2.1).
    let (unicode, result) = Uts46::new().to_unicode(label.as_bytes(), AsciiDenyList::STD3, Hyphens::Check);
    if result.is_err() || unicode != label {
        return false;
    }
    if !LETTERS.as_ref().is_some_and(|letters| letters.is_match(label)) {
        return false;
    }
    let at = |index: Option<usize>| index.and_then(|index| characters.get(index)).copied();
    let has =
        |range: std::ops::RangeInclusive<char>| characters.iter().any(|character| range.contains(character));
    characters.iter().enumerate().all(|(index, character)| match character {
        // §2.6: exceptions.
        '\u{640}' | '\u{7FA}' | '\u{302E}' | '\u{302F}' | '\u{3031}'..='\u{3035}' | '\u{303B}' => false,
        // Appendix A.3: between two l.
        '\u{B7}' => at(index.checked_sub(1)) == Some('l') && at(Some(index + 1)) == Some('l'),
        // A.4: before Greek.
        '\u{375}' => at(Some(index + 1)).is_some_and(is_greek),
        // A.5, A.6: after Hebrew.
        '\u{5F3}' | '\u{5F4}' => {
            at(index.checked_sub(1)).is_some_and(|c| ('\u{591}'..='\u{5F4}').contains(&c))
        }
        // A.7: with some Hiragana, Katakana or Han.
        '\u{30FB}' => characters.iter().any(|c| is_kana_or_han(*c)),
        // A.8, A.9: one kind of digits.
        '\u{660}'..='\u{669}' => !has('\u{6F0}'..='\u{6F9}'),
        '\u{6F0}'..='\u{6F9}' => !has('\u{660}'..='\u{669}'),
        _ => true,
    })
}

/// What RFC 5892 §3 leaves: letters, marks and digits, the exceptions (§2.6), and what its context allows (appendix A).
static LETTERS: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"\A[-\p{Ll}\p{Lo}\p{Lm}\p{Mn}\p{Mc}\p{Nd}\u{6FD}\u{6FE}\u{F0B}\u{3007}\u{B7}\u{375}\u{5F3}\u{5F4}\u{30FB}\u{200C}\u{200D}]+\z",
    )
    .ok()
});

fn is_encoded_u(characters: &[char]) -> bool {
    characters.get(2..4) == Some(&['-', '-'])
}

const fn is_greek(character: char) -> bool {
    matches!(character, '\u{370}'..='\u{3FF}' | '\u{1F00}'..='\u{1FFF}')
}

const fn is_kana_or_han(character: char) -> bool {
    matches!(
        character,
        '\u{3041}'..='\u{309F}'
            | '\u{30A1}'..='\u{30FA}'
            | '\u{30FC}'..='\u{30FF}'
            | '\u{3005}'
            | '\u{3007}'
            | '\u{3400}'..='\u{4DBF}'
            | '\u{4E00}'..='\u{9FFF}'
            | '\u{F900}'..='\u{FAFF}'
            | '\u{20000}'..='\u{323AF}'
    )
}
