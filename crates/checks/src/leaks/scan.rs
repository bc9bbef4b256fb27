//! What looks like a secret or like somebody's number, found in one pass.

use gabion_identity::api_key;

use super::Kind;
use super::numbers::{iban_length, is_card, is_iban, is_national};

/// Something that should not be there: bytes `start..end`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Found {
    pub kind: Kind,
    pub start: usize,
    pub end: usize,
}

/// What of `wanted` stands in a text, in order; at most [`MOST`]. A word that goes on past the end counts only when
/// the text is `complete`.
#[must_use]
pub fn scan(text: &[u8], complete: bool, wanted: &[Kind]) -> Vec<Found> {
    let mut scan = Scan { text, complete, wanted, found: Vec::new() };
    if wanted.contains(&Kind::PrivateKey) {
        scan.private_keys();
    }
    scan.words();
    scan.found.sort_by_key(|found| found.start);
    scan.found
}

struct Scan<'a> {
    text: &'a [u8],
    complete: bool,
    wanted: &'a [Kind],
    found: Vec<Found>,
}

impl Scan<'_> {
    fn note(&mut self, kind: Kind, start: usize, end: usize) {
        if self.found.len() < MOST && self.wanted.contains(&kind) {
            self.found.push(Found { kind, start, end });
        }
    }

    /// RFC 7468 and what OpenSSH and OpenPGP write, with the base64 that follows.
    fn private_keys(&mut self) {
        for at in memchr::memmem::find_iter(self.text, b"-----BEGIN ") {
            let label = self.text.get(at + 11..).unwrap_or_default();
            let Some(end) = label.iter().take(40).position(|byte| *byte == b'-') else { continue };
            let label = label.get(..end).unwrap_or_default();
            if !label.ends_with(b"PRIVATE KEY") && !label.ends_with(b"PRIVATE KEY BLOCK") {
                continue;
            }
            let body = self.text.get(at + 11 + end..).unwrap_or_default();
            let length = memchr::memmem::find(body, b"-----END").unwrap_or(body.len());
            self.note(Kind::PrivateKey, at, at + 11 + end + length);
        }
    }

    /// Words begin where no letter, digit or `_` stands before.
    fn words(&mut self) {
        let mut at = 0;
        let mut before = b' ';
        while let Some(&byte) = self.text.get(at) {
            let starts = !is_word(before);
            let end = match byte {
                _ if !starts => None,
                b'0'..=b'9' => self.number(at, before),
                b'A'..=b'Z' | b'a'..=b'z' => self.word(at),
                b'$' => self.hash(at),
                _ => None,
            };
            let next = end.unwrap_or(at + 1);
            before = self.text.get(next.saturating_sub(1)).copied().unwrap_or(b' ');
            at = next;
        }
    }

    fn rest(&self, at: usize) -> &[u8] {
        self.text.get(at..).unwrap_or_default()
    }

    /// How far it goes on with bytes of a kind.
    fn run(&self, at: usize, is: fn(u8) -> bool) -> usize {
        self.rest(at).iter().position(|byte| !is(*byte)).map_or(self.text.len(), |length| at + length)
    }

    /// Whether a word that ends here really does.
    fn ends(&self, end: usize) -> bool {
        end < self.text.len() || self.complete
    }

    fn word(&mut self, at: usize) -> Option<usize> {
        let end = self.run(at, is_token);
        let word = self.text.get(at..end).unwrap_or_default();
        if !self.ends(end) {
            return Some(end);
        }
        if let Some(kind) = token(word) {
            self.note(kind, at, end);
            return Some(end);
        }
        let letters = |range: std::ops::Range<usize>| {
            word.get(range).is_some_and(|bytes| bytes.iter().all(u8::is_ascii_uppercase))
        };
        if letters(0..2) && word.get(2..4).is_some_and(|bytes| bytes.iter().all(u8::is_ascii_digit)) {
            let wanted = iban_length(word).unwrap_or_default();
            let iban = groups(self.rest(at), wanted, |byte| byte == b' ', u8::is_ascii_alphanumeric);
            let whole = iban.last().filter(|(length, compact)| {
                let follows = self.text.get(at + length).is_some_and(u8::is_ascii_alphanumeric);
                !follows && is_iban(compact) && self.ends(at + length)
            });
            if let Some((length, _)) = whole {
                let end = at + length;
                self.note(Kind::Iban, at, end);
                return Some(end);
            }
        }
        if let Some(kind) = is_national(word, self.wanted) {
            self.note(kind, at, end);
        }
        // A word that is not known may hold one behind a hyphen or a point.
        Some(self.run(at, is_word))
    }

    fn number(&mut self, at: usize, before: u8) -> Option<usize> {
        let separated = |byte| matches!(byte, b' ' | b'-');
        // Part of a decimal, a longer word, a dotted or an encoded name: no number of anybody's.
        let part = |byte: u8| is_word(byte) || matches!(byte, b'-' | b'+' | b'%' | b'/');
        if part(before) || before == b'.' {
            return self.national(at);
        }
        // The longest first: what stands behind a card, its year say, is not part of it.
        let card = groups(self.rest(at), 19, separated, u8::is_ascii_digit).into_iter().rev().find(
            |(length, digits)| {
                let after = self.text.get(at + length).copied();
                let decimal =
                    after == Some(b'.') && self.text.get(at + length + 1).is_some_and(u8::is_ascii_digit);
                !decimal && !after.is_some_and(part) && self.ends(at + length) && is_card(digits)
            },
        );
        if let Some((length, _)) = card {
            let end = at + length;
            self.note(Kind::Card, at, end);
            return Some(end);
        }
        self.national(at)
    }

    fn national(&mut self, at: usize) -> Option<usize> {
        let end = self.run(at, |byte| is_word(byte) || matches!(byte, b'-' | b'.'));
        let mut word = self.text.get(at..end).unwrap_or_default();
        while let Some((b'.' | b'-', shorter)) = word.split_last() {
            word = shorter;
        }
        if self.ends(end)
            && let Some(kind) = is_national(word, self.wanted)
        {
            self.note(kind, at, at + word.len());
            return Some(at + word.len());
        }
        Some(self.run(at, is_word))
    }

    /// Password hashes as `crypt` and PHC strings write them.
    fn hash(&mut self, at: usize) -> Option<usize> {
        let end = self.run(at, |byte| byte.is_ascii_alphanumeric() || b"$./+=,-".contains(&byte));
        let word = self.text.get(at..end).unwrap_or_default();
        let bcrypt =
            [&b"$2a$"[..], b"$2b$", b"$2y$"].iter().any(|start| word.starts_with(start)) && word.len() >= 60;
        let others: [&[u8]; 6] =
            [b"$argon2id$", b"$argon2i$", b"$6$", b"$5$", b"$scrypt$", b"$pbkdf2-sha256$"];
        let other = others.iter().any(|start| word.starts_with(start)) && word.len() >= 40;
        if (bcrypt || other) && self.ends(end) {
            self.note(Kind::PasswordHash, at, end);
            return Some(end);
        }
        None
    }
}

/// At most so many bytes of a kind with single separators between: after each group, how long it is so far, and
/// without the separators.
fn groups(text: &[u8], most: usize, separator: fn(u8) -> bool, is: fn(&u8) -> bool) -> Vec<(usize, Vec<u8>)> {
    let (mut groups, mut bytes, mut length) = (Vec::new(), Vec::new(), 0);
    for (index, byte) in text.iter().enumerate() {
        if is(byte) && bytes.len() < most {
            bytes.push(*byte);
            length = index + 1;
        } else if is(byte) {
            // A group that goes on is no group.
            return groups;
        } else if separator(*byte) && index == length {
            groups.push((length, bytes.clone()));
        } else {
            break;
        }
    }
    if groups.last().is_none_or(|(last, _)| *last != length) {
        groups.push((length, bytes));
    }
    groups
}

/// A secret by the prefix its issuer gives it and the form of the rest.
fn token(word: &[u8]) -> Option<Kind> {
    let text = std::str::from_utf8(word).ok()?;
    let own = text.starts_with(api_key::PREFIX) && api_key::contains_key(text);
    if own {
        return Some(Kind::Token);
    }
    for (prefix, least, most, is) in TOKENS {
        if let Some(rest) = text.strip_prefix(prefix)
            && (*least..=*most).contains(&rest.len())
            && rest.bytes().all(is)
            // `sk_live_xxxxxxxxxxxxxxxxxxxxxxxx` in a manual.
            && is_varied(rest)
        {
            return Some(Kind::Token);
        }
    }
    let mut parts = text.split('.');
    let jwt = (parts.next(), parts.next(), parts.next(), parts.next());
    if let (Some(head), Some(claims), Some(signature), None) = jwt
        && head.starts_with("eyJ")
        && claims.starts_with("eyJ")
        && head.len() >= 16
        && signature.len() >= 20
    {
        return Some(Kind::Jwt);
    }
    None
}

/// At least six different characters: what stands in documentation as an example rarely has.
fn is_varied(text: &str) -> bool {
    let mut seen: Vec<u8> = Vec::new();
    for byte in text.bytes() {
        if !seen.contains(&byte) {
            seen.push(byte);
        }
        if seen.len() >= 6 {
            return true;
        }
    }
    false
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

fn is_token(byte: u8) -> bool {
    is_word(byte) || byte == b'-' || byte == b'.'
}

fn base62(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
}

fn base32(byte: u8) -> bool {
    byte.is_ascii_uppercase() || matches!(byte, b'2'..=b'7')
}

type Form = (&'static str, usize, usize, fn(u8) -> bool);

/// Prefix, least and most characters of the rest, and which; from the issuers' own documentation.
const TOKENS: &[Form] = &[
    ("AKIA", 16, 16, base32),
    ("ASIA", 16, 16, base32),
    ("SG.", 60, 72, is_token),
    ("dop_v1_", 64, 64, base62),
    ("ghp_", 36, 36, base62),
    ("gho_", 36, 36, base62),
    ("ghs_", 36, 255, is_token),
    ("ghu_", 36, 36, base62),
    ("github_pat_", 82, 82, is_word),
    ("glpat-", 20, 64, is_token),
    ("hvs.", 90, 120, is_token),
    ("npm_", 36, 36, base62),
    ("pypi-AgEIcHlwaS5vcmc", 50, 250, is_token),
    ("rk_live_", 24, 250, base62),
    ("shpat_", 32, 32, base62),
    ("sk-ant-", 80, 130, is_token),
    ("sk-proj-", 40, 200, is_token),
    ("sk_live_", 24, 250, base62),
    ("whsec_", 24, 88, is_token),
    ("whsk_", 40, 90, is_token),
    ("xapp-", 40, 200, is_token),
    ("xoxb-", 40, 120, is_token),
    ("xoxp-", 40, 120, is_token),
];

/// One of a kind is enough to know.
pub const MOST: usize = 200;
