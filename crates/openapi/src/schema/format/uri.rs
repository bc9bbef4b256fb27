//! URIs and IRIs (RFC 3986, RFC 3987), and templates of URIs (RFC 6570).

use super::host;

#[derive(Clone, Copy)]
pub(super) struct Kind {
    /// With a scheme.
    pub(super) absolute: bool,
    /// Characters beyond ASCII may stand as they are.
    pub(super) international: bool,
}

/// `URI` or `URI-reference` (RFC 3986 §3, §4.1).
pub(super) fn is_reference(text: &str, kind: Kind) -> bool {
    let (rest, fragment) = cut(text, '#');
    let (rest, query) = cut(rest, '?');
    let colon = rest.find(':').filter(|at| rest.find('/').is_none_or(|slash| *at < slash));
    let (scheme, rest) = match colon.and_then(|at| rest.split_at_checked(at)) {
        Some((scheme, rest)) => (Some(scheme), rest.get(1..).unwrap_or_default()),
        None => (None, rest),
    };
    // Without a scheme the first step has no colon (§4.2), so a colon there is that of a scheme.
    let scheme_fits = match scheme {
        Some(scheme) => {
            scheme.starts_with(|first: char| first.is_ascii_alphabetic())
                && scheme
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'))
        }
        None => !kind.absolute,
    };
    let (authority, path) = match rest.strip_prefix("//") {
        Some(rest) => {
            let end = rest.find('/').unwrap_or(rest.len());
            let (authority, path) = rest.split_at_checked(end).unwrap_or((rest, ""));
            (Some(authority), path)
        }
        None => (None, rest),
    };
    scheme_fits
        && authority.is_none_or(|authority| is_authority(authority, kind.international))
        && all(path, ":@/", kind.international, false)
        && query.is_none_or(|query| all(query, ":@/?", kind.international, true))
        && fragment.is_none_or(|fragment| all(fragment, ":@/?", kind.international, false))
}

fn cut(text: &str, at: char) -> (&str, Option<&str>) {
    text.split_once(at).map_or((text, None), |(head, tail)| (head, Some(tail)))
}

fn is_authority(text: &str, international: bool) -> bool {
    let (user, rest) = match text.rsplit_once('@') {
        Some((user, rest)) => (Some(user), rest),
        None => (None, text),
    };
    let (name, port) = if rest.starts_with('[') {
        let Some(end) = rest.find(']') else { return false };
        let (name, port) = rest.split_at_checked(end + 1).unwrap_or((rest, ""));
        match port.strip_prefix(':') {
            Some(port) => (name, port),
            None if port.is_empty() => (name, ""),
            None => return false,
        }
    } else {
        rest.rsplit_once(':').unwrap_or((rest, ""))
    };
    let name_fits = match name.strip_prefix('[').and_then(|name| name.strip_suffix(']')) {
        Some(literal) => host::is_ipv6(literal) || is_future_address(literal),
        None => all(name, "", international, false),
    };
    user.is_none_or(|user| all(user, ":", international, false))
        && name_fits
        && port.bytes().all(|byte| byte.is_ascii_digit())
}

/// `IPvFuture` (§3.2.2).
fn is_future_address(text: &str) -> bool {
    let Some((version, rest)) = text.strip_prefix(['v', 'V']).and_then(|text| text.split_once('.')) else {
        return false;
    };
    !version.is_empty()
        && version.bytes().all(|byte| byte.is_ascii_hexdigit())
        && !rest.is_empty()
        && !rest.contains('%')
        && all(rest, ":", false, false)
}

/// Unreserved characters, sub-delimiters, `more`, and whole percent-encodings (§2).
fn all(text: &str, more: &str, international: bool, private: bool) -> bool {
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        let fits = match character {
            '%' => (0..2).all(|_| characters.next().is_some_and(|digit| digit.is_ascii_hexdigit())),
            other if other.is_ascii() => {
                other.is_ascii_alphanumeric() || "-._~!$&'()*+,;=".contains(other) || more.contains(other)
            }
            other => international && (is_ucschar(other) || private && is_private(other)),
        };
        if !fits {
            return false;
        }
    }
    true
}

/// `ucschar` (RFC 3987 §2.2).
fn is_ucschar(character: char) -> bool {
    match character {
        '\u{A0}'..='\u{D7FF}' | '\u{F900}'..='\u{FDCF}' | '\u{FDF0}'..='\u{FFEF}' => true,
        '\u{E0000}'..='\u{E0FFF}' => false,
        '\u{10000}'..='\u{EFFFF}' => u32::from(character) & 0xFFFE != 0xFFFE,
        _ => false,
    }
}

/// `iprivate` (RFC 3987 §2.2).
const fn is_private(character: char) -> bool {
    matches!(character, '\u{E000}'..='\u{F8FF}' | '\u{F0000}'..='\u{FFFFD}' | '\u{100000}'..='\u{10FFFD}')
}

/// RFC 6570 §2.
pub(super) fn is_template(text: &str) -> bool {
    let mut rest = text;
    loop {
        let (literal, after) = match rest.split_once('{') {
            Some((literal, after)) => (literal, Some(after)),
            None => (rest, None),
        };
        if !are_literals(literal) {
            return false;
        }
        let Some(after) = after else { return true };
        let Some((expression, next)) = after.split_once('}') else { return false };
        if !is_expression(expression) {
            return false;
        }
        rest = next;
    }
}

/// §2.1, and the apostrophe, which a URI may hold and the suite asks for.
fn are_literals(text: &str) -> bool {
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        let fits = match character {
            '%' => (0..2).all(|_| characters.next().is_some_and(|digit| digit.is_ascii_hexdigit())),
            '\0'..=' ' | '"' | '<' | '>' | '\\' | '^' | '`' | '{' | '|' | '}' | '\u{7F}' => false,
            other => other.is_ascii() || is_ucschar(other) || is_private(other),
        };
        if !fits {
            return false;
        }
    }
    true
}

/// §2.2.
fn is_expression(text: &str) -> bool {
    let variables = text.strip_prefix(['+', '#', '.', '/', ';', '?', '&']).unwrap_or(text);
    variables.split(',').all(|variable| {
        let name = match variable.strip_suffix('*') {
            Some(name) => name,
            None => match variable.split_once(':') {
                Some((name, length)) => {
                    let digits = length.bytes().all(|byte| byte.is_ascii_digit());
                    if !digits || length.starts_with('0') || !(1..=4).contains(&length.len()) {
                        return false;
                    }
                    name
                }
                None => variable,
            },
        };
        !name.is_empty() && name.split('.').all(|part| !part.is_empty() && is_variable(part))
    })
}

fn is_variable(text: &str) -> bool {
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        let fits = match character {
            '%' => (0..2).all(|_| characters.next().is_some_and(|digit| digit.is_ascii_hexdigit())),
            other => other.is_ascii_alphanumeric() || other == '_',
        };
        if !fits {
            return false;
        }
    }
    true
}
