//! Finding what looks like a secret in a text, and taking it out. A second line of defence: whoever
//! makes an event does not put secrets into it. Rather too much than too little is taken out.
//!
//! 1. The value behind a name such as `password=`, `token:`, `"api_key": "`, also percent-encoded.
//! 2. The rest of the line behind `authorization:`, `cookie:` and `set-cookie:`.
//! 3. What follows `Bearer`, `Basic`, `Digest` or `DPoP`.
//! 4. Words that begin like a key: `gab_`, `ghp_`, `AKIA`, `sk_live_`, … and JWTs (`eyJ…`).
//! 5. Words of 32 characters or more in mixed case: tickets and keys in base64.
//! 6. The password in a URL, `//name:password@host`.
//! 7. Everything behind `-----BEGIN`.

use std::borrow::Cow;

const HIDDEN: &str = "***";

/// Names whose value is a secret, as [`Plain`] has them.
fn is_secret(name: &[u8]) -> bool {
    matches!(
        name,
        b"accesskey"
            | b"accesstoken"
            | b"apikey"
            | b"assertion"
            | b"clientsecret"
            | b"codeverifier"
            | b"credential"
            | b"credentials"
            | b"csrf"
            | b"csrftoken"
            | b"gabiondev"
            | b"hostgabion"
            | b"idtoken"
            | b"jwt"
            | b"newpassword"
            | b"oldpassword"
            | b"otp"
            | b"passphrase"
            | b"passwd"
            | b"password"
            | b"privatekey"
            | b"pwd"
            | b"refreshtoken"
            | b"secret"
            | b"secretkey"
            | b"sessionid"
            | b"sid"
            | b"token"
            | b"totp"
            | b"xapikey"
    )
}

/// Names whose value is a secret behind `=`, but which stand before a `:` in plain sentences.
fn is_soft(name: &[u8]) -> bool {
    matches!(name, b"auth" | b"gabion" | b"pin" | b"session" | b"ticket")
}

/// Headers whose whole value is a secret.
fn is_header(name: &[u8]) -> bool {
    matches!(name, b"authorization" | b"cookie" | b"proxyauthorization" | b"setcookie")
}

fn is_scheme(name: &[u8]) -> bool {
    matches!(name, b"basic" | b"bearer" | b"digest" | b"dpop")
}

/// Beginnings of keys of well-known issuers, ours first.
const PREFIXES: &[&str] = &[
    "gab_",
    "AIza",
    "AKIA",
    "ASIA",
    "eyJ",
    "ghp_",
    "gho_",
    "ghs_",
    "ghu_",
    "github_pat_",
    "glpat-",
    "npm_",
    "pypi-",
    "rk_live_",
    "sk-",
    "sk_live_",
    "sk_test_",
    "whsec_",
    "xoxb-",
    "xoxp-",
];

/// Whether a value under this name is a secret whatever it looks like.
pub(crate) fn names_secret(name: &str) -> bool {
    let name = Plain::of(name);
    is_secret(name.bytes()) || is_header(name.bytes())
}

/// The text without what looks like a secret.
pub(crate) fn redact(text: &str) -> Cow<'_, str> {
    let mut out = String::new();
    let mut copied = 0;
    let mut at = 0;
    while let Some((start, end)) = next_word(text, at) {
        at = end;
        if let Some((from, to)) = secret(text, start, end) {
            out.push_str(text.get(copied..from).unwrap_or_default());
            out.push_str(HIDDEN);
            copied = to;
            at = to.max(end);
        }
    }
    if copied == 0 && out.is_empty() {
        return Cow::Borrowed(text);
    }
    out.push_str(text.get(copied..).unwrap_or_default());
    if out == text { Cow::Borrowed(text) } else { Cow::Owned(out) }
}

/// What has to go because of the word at `start..end`, as a range of bytes.
fn secret(text: &str, start: usize, end: usize) -> Option<(usize, usize)> {
    let word = text.get(start..end)?;
    let rest = text.get(end..)?;
    // Most words are short and nothing is assigned to them.
    if word.len() < SHORTEST_KEY && !rest.bytes().next().is_some_and(may_assign) && !word.ends_with(BEGIN) {
        return None;
    }
    if word == BEGIN && text.get(..start)?.ends_with("-----") || word.starts_with("-----BEGIN") {
        return Some((end, text.len())).filter(|(from, to)| from < to);
    }
    let name = Plain::of(word);
    let name = name.bytes();
    if is_header(name)
        && let Some(gap) = assigned(rest)
    {
        let value = end + gap;
        let length = text.get(value..)?.find(['\r', '\n']).unwrap_or(text.len() - value);
        return some_range(value, value + length);
    }
    let soft = is_soft(name) && rest.starts_with('=');
    if (soft || is_secret(name))
        && let Some(gap) = assigned(rest)
    {
        let value = end + gap;
        return some_range(value, value + value_length(text.get(value..)?));
    }
    // `word` has no signs to leave out: it is the scheme itself.
    if name.len() == word.len() && is_scheme(name) {
        let gap = gap_length(rest);
        let value = end + gap;
        let length = value_length(text.get(value..)?);
        // `Basic usage` is no credential.
        let least = if matches!(name, b"bearer" | b"dpop") { 1 } else { 6 };
        return if gap > 0 && length >= least { some_range(value, value + length) } else { None };
    }
    if let Some(user) =
        rest.strip_prefix(':').filter(|_| text.get(..start).is_some_and(|head| head.ends_with("//")))
    {
        let length = user.find(['/', ' ', '\n', '"']).unwrap_or(user.len());
        if let Some(host) = user.get(..length).and_then(|authority| authority.rfind('@')) {
            return some_range(end + 1, end + 1 + host);
        }
    }
    if is_key(word) {
        // A JWT goes on behind its dots, base64 behind its own signs.
        let more =
            rest.find(|c: char| !(c.is_ascii_alphanumeric() || "_-.+/=~".contains(c))).unwrap_or(rest.len());
        let more = if word.starts_with("eyJ") { more } else { 0 };
        return some_range(start, end + more);
    }
    None
}

fn some_range(from: usize, to: usize) -> Option<(usize, usize)> {
    (from < to).then_some((from, to))
}

/// The next run of word characters at or behind `from`.
fn next_word(text: &str, from: usize) -> Option<(usize, usize)> {
    let bytes = text.as_bytes();
    let start = from + bytes.get(from..)?.iter().position(is_word)?;
    let rest = bytes.get(start..)?;
    Some((start, start + rest.iter().position(|byte| !is_word(byte)).unwrap_or(rest.len())))
}

/// Signs of words are ASCII: where one begins and ends is a boundary of characters.
const fn is_word(byte: &u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(*byte, b'_' | b'-')
}

/// A word in lower case without `-` and `_`; nothing where it is too long to be one of the names.
struct Plain {
    bytes: [u8; Self::MOST],
    length: usize,
}

impl Plain {
    /// Of `proxyauthorization`, the longest.
    const MOST: usize = 18;

    fn of(word: &str) -> Self {
        let mut plain = Self { bytes: [0; Self::MOST], length: 0 };
        for byte in word.bytes().filter(|byte| !matches!(byte, b'-' | b'_')) {
            let Some(place) = plain.bytes.get_mut(plain.length) else {
                plain.length = 0;
                break;
            };
            *place = byte.to_ascii_lowercase();
            plain.length += 1;
        }
        plain
    }

    fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }
}

/// Bytes up to the value when `rest` assigns one: `=`, `: "`, `%3D`, `": `.
fn assigned(rest: &str) -> Option<usize> {
    let before = gap_length(rest);
    let sign = rest.get(before..)?;
    let length =
        ["=>", "=", ":", "%3D", "%3d", "%3A", "%3a"].iter().find(|sign_| sign.starts_with(**sign_))?.len();
    Some(before + length + gap_length(sign.get(length..)?))
}

/// What a sign that assigns begins with, or a gap before it.
const fn may_assign(byte: u8) -> bool {
    matches!(byte, b'=' | b':' | b'%') || is_gap(byte)
}

/// Spaces, quotes and escapes between a name and its value.
fn gap_length(rest: &str) -> usize {
    rest.bytes().position(|byte| !is_gap(byte)).unwrap_or(rest.len())
}

const fn is_gap(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'"' | b'\'' | b'`' | b'\\' | b'[' | b']')
}

/// Bytes of a value: up to white space or a sign that ends one.
fn value_length(value: &str) -> usize {
    value
        .find(|c: char| c.is_whitespace() || matches!(c, '&' | ';' | ',' | '"' | '\'' | '`'))
        .unwrap_or(value.len())
}

fn is_key(word: &str) -> bool {
    if word.len() < SHORTEST_KEY {
        return false;
    }
    if PREFIXES.iter().any(|prefix| word.starts_with(prefix)) {
        return true;
    }
    if word.len() < 32 {
        return false;
    }
    let upper = word.bytes().any(|byte| byte.is_ascii_uppercase());
    let lower = word.bytes().any(|byte| byte.is_ascii_lowercase());
    let digit = word.bytes().any(|byte| byte.is_ascii_digit());
    upper && lower && (word.len() >= 40 || digit)
}

const BEGIN: &str = "BEGIN";

/// Shorter words are no keys, however they begin.
const SHORTEST_KEY: usize = 12;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TICKET: &str = "q0Zr8mB3sKfXvT1yLw9JcHnPdEaGuR5i7oQ2eU4tY6A";

    #[test]
    fn takes_secrets_out() {
        for (text, left) in [
            ("password=hunter2&next=/", "password=***&next=/"),
            ("{\"new_password\": \"hunter2\", \"a\": 1}", "{\"new_password\": \"***\", \"a\": 1}"),
            ("Authorization: Basic aHVudGVyMg==", "Authorization: ***"),
            ("sent Cookie: a=b; c=d\nHost: x", "sent Cookie: ***\nHost: x"),
            ("with Bearer hunter2 in it", "with Bearer *** in it"),
            ("basic usage", "basic usage"),
            ("eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhIn0.c2ln_bmF0", "***"),
            ("key gab_live_0123456789abcdef", "key ***"),
            ("/invite/q0Zr8mB3sKfXvT1yLw9JcHnPdEaGuR5i7oQ2eU4tY6A/x", "/invite/***/x"),
            ("__Host-gabion=short", "__Host-gabion=***"),
            ("postgres://app:hunter2@db/x", "postgres://app:***@db/x"),
            ("token%3Dhunter2", "token%3D***"),
            ("-----BEGIN PRIVATE KEY-----\nMIIB", "-----BEGIN***"),
            ("session=abc; session: ended", "session=***; session: ended"),
            ("the password is wrong", "the password is wrong"),
            ("/users/42/orders", "/users/42/orders"),
            ("3f2c9a7e-0b1d-4c55-9e43-7a1f0c2b8d10", "3f2c9a7e-0b1d-4c55-9e43-7a1f0c2b8d10"),
        ] {
            assert_eq!(redact(text), left, "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_planted_secret_is_gone(
            before in "[ -~é]{0,40}",
            after in "([ &;,\"][ -~é]{0,40})?",
            form in prop::sample::select(vec![
                "password=", "api_key: ", "Bearer ", "\"token\":\"", "x-api-key=", "Cookie: a=", "secret => ", "",
            ]),
        ) {
            let text = format!("{before} {form}{TICKET}{after}");
            prop_assert!(!redact(&text).contains(TICKET), "{}", redact(&text));
        }

        #[test]
        fn any_text_is_redacted(text in "([ -~é\\n]|password|=|:|Bearer |//a:b@|eyJ|-----BEGIN){0,60}") {
            // Never longer by more than a mark for each character.
            prop_assert!(redact(&text).len() <= 3 * text.len());
        }
    }
}
