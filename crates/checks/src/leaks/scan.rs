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
    pass(text, State::default(), complete, wanted, MOST).found
}

/// Where a text that comes in pieces stands between two of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct State {
    /// The byte before the piece.
    before: u8,
    /// Bytes of a private key whose end has not come.
    key: Option<usize>,
}

impl Default for State {
    fn default() -> Self {
        Self { before: b' ', key: None }
    }
}

/// What one piece comes to.
#[derive(Debug)]
pub(super) struct Passed {
    pub(super) found: Vec<Found>,
    /// What stands before is decided; the rest is to be shown again with what follows it.
    pub(super) until: usize,
    pub(super) state: State,
}

/// Searches a piece that `state` stands before. Unless it is the last one, it is searched up to a word that may go on.
pub(super) fn pass(text: &[u8], state: State, complete: bool, wanted: &[Kind], most: usize) -> Passed {
    let mut scan = Scan { text, complete, wanted, most, found: Vec::new(), key: None, token_end: 0 };
    let start = state.key.map_or(0, |before| scan.key_goes_on(before));
    let stands_before = |at: usize| at.checked_sub(1).and_then(|last| text.get(last)).copied();
    let until = scan.words(start, stands_before(start).unwrap_or(state.before));
    let before = stands_before(until).unwrap_or(state.before);
    Passed { found: scan.found, until, state: State { before, key: scan.key } }
}

struct Scan<'a> {
    text: &'a [u8],
    complete: bool,
    wanted: &'a [Kind],
    most: usize,
    found: Vec<Found>,
    /// Bytes so far of a private key that goes on behind the text.
    key: Option<usize>,
    /// Where the last run of letters, digits, `_`, `-` and `.` ends: what begins inside it ends there too.
    token_end: usize,
}

/// What is known of what begins at a place.
enum Step {
    /// Everything, up to there.
    To(usize),
    /// Nothing before more has come.
    Wait,
}

impl Scan<'_> {
    fn note(&mut self, kind: Kind, start: usize, end: usize) {
        if self.found.len() < self.most && end > start && self.wanted.contains(&kind) {
            self.found.push(Found { kind, start, end });
        }
    }

    /// RFC 7468 and what OpenSSH and OpenPGP write, with the base64 that follows.
    fn private_key(&mut self, at: usize) -> Step {
        let rest = self.rest(at);
        let Some(label) = rest.strip_prefix(BEGIN) else {
            let may_be = BEGIN.starts_with(rest) && !self.complete;
            return if may_be { Step::Wait } else { Step::To(at + 1) };
        };
        let Some(length) = label.iter().take(LONGEST_LABEL).position(|byte| *byte == b'-') else {
            let may_be = label.len() < LONGEST_LABEL && !self.complete;
            return if may_be { Step::Wait } else { Step::To(at + 1) };
        };
        let label = label.get(..length).unwrap_or_default();
        if !label.ends_with(b"PRIVATE KEY") && !label.ends_with(b"PRIVATE KEY BLOCK") {
            return Step::To(at + BEGIN.len() + length);
        }
        let end = self.end_of_key(at + BEGIN.len() + length, 0);
        self.note(Kind::PrivateKey, at, end);
        Step::To(end)
    }

    /// Where a key ends, or the text.
    fn end_of_key(&mut self, from: usize, before: usize) -> usize {
        if let Some(length) = memchr::memmem::find(self.rest(from), END) {
            return from + length;
        }
        let so_far = before.saturating_add(self.text.len().saturating_sub(from));
        if self.complete || so_far > LONGEST_KEY {
            return self.text.len();
        }
        self.key = Some(so_far);
        // The beginning of the word that ends it may stand here.
        self.text.len().saturating_sub(END.len() - 1).max(from)
    }

    fn key_goes_on(&mut self, before: usize) -> usize {
        let end = self.end_of_key(0, before);
        self.note(Kind::PrivateKey, 0, end);
        end
    }

    /// Words begin where no letter, digit or `_` stands before. Answers how far everything is decided.
    fn words(&mut self, start: usize, before: u8) -> usize {
        let (mut at, mut before) = (start, before);
        while self.key.is_none()
            && let Some(&byte) = self.text.get(at)
        {
            let starts = !is_word(before);
            let step = match byte {
                b'-' if self.wanted.contains(&Kind::PrivateKey) => self.private_key(at),
                _ if !starts => Step::To(at + 1),
                b'0'..=b'9' => self.number(at, before),
                b'A'..=b'Z' | b'a'..=b'z' => self.word(at),
                b'$' => self.hash(at),
                _ => Step::To(at + 1),
            };
            let Step::To(next) = step else { return at };
            before = self.text.get(next.saturating_sub(1)).copied().unwrap_or(b' ');
            at = next;
        }
        at
    }

    /// How far letters, digits, `_`, `-` and `.` go on.
    fn token_run(&mut self, at: usize) -> usize {
        if at >= self.token_end {
            self.token_end = self.run(at, is_token);
        }
        self.token_end
    }

    /// Whether a number in groups reaches the end of the text and may go on behind it.
    fn number_may_go_on(&self, at: usize, is: fn(u8) -> bool) -> bool {
        let is_last = self.may_go_on(at, self.text.len(), LONGEST_NUMBER);
        is_last && self.rest(at).iter().all(|byte| is(*byte))
    }

    /// Whether a word that reaches the end of the text may go on behind it, and is not too long for any.
    fn may_go_on(&self, at: usize, end: usize, longest: usize) -> bool {
        !self.complete && end >= self.text.len() && self.text.len() - at < longest
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

    fn word(&mut self, at: usize) -> Step {
        let end = self.token_run(at);
        let word = self.text.get(at..end).filter(|word| word.len() <= LONGEST).unwrap_or_default();
        if self.may_go_on(at, end, LONGEST) {
            return Step::Wait;
        }
        if !self.ends(end) {
            return Step::To(end);
        }
        if let Some(kind) = token(word) {
            self.note(kind, at, end);
            return Step::To(end);
        }
        let letters = |range: std::ops::Range<usize>| {
            word.get(range).is_some_and(|bytes| bytes.iter().all(u8::is_ascii_uppercase))
        };
        if letters(0..2) && word.get(2..4).is_some_and(|bytes| bytes.iter().all(u8::is_ascii_digit)) {
            if self.number_may_go_on(at, |byte| byte.is_ascii_alphanumeric() || byte == b' ') {
                return Step::Wait;
            }
            let wanted = iban_length(word).unwrap_or_default();
            let iban = groups(self.rest(at), wanted, |byte| byte == b' ', u8::is_ascii_alphanumeric);
            let whole = iban.last().filter(|(length, compact)| {
                let follows = self.text.get(at + length).is_some_and(u8::is_ascii_alphanumeric);
                !follows && is_iban(compact) && self.ends(at + length)
            });
            if let Some((length, _)) = whole {
                let end = at + length;
                self.note(Kind::Iban, at, end);
                return Step::To(end);
            }
        }
        if let Some(kind) = is_national(word, self.wanted) {
            self.note(kind, at, end);
        }
        // A word that is not known may hold one behind a hyphen or a point.
        Step::To(self.run(at, is_word))
    }

    fn number(&mut self, at: usize, before: u8) -> Step {
        let separated = |byte| matches!(byte, b' ' | b'-');
        // Part of a decimal, a longer word, a dotted or an encoded name: no number of anybody's.
        let part = |byte: u8| is_word(byte) || matches!(byte, b'-' | b'+' | b'%' | b'/');
        if part(before) || before == b'.' {
            return self.national(at);
        }
        if self.number_may_go_on(at, |byte| byte.is_ascii_digit() || matches!(byte, b' ' | b'-' | b'.')) {
            return Step::Wait;
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
            return Step::To(end);
        }
        self.national(at)
    }

    fn national(&mut self, at: usize) -> Step {
        let end = self.token_run(at);
        if self.may_go_on(at, end, LONGEST) {
            return Step::Wait;
        }
        let mut word = self.text.get(at..end).filter(|word| word.len() <= LONGEST_NUMBER).unwrap_or_default();
        while let Some((b'.' | b'-', shorter)) = word.split_last() {
            word = shorter;
        }
        if self.ends(end)
            && let Some(kind) = is_national(word, self.wanted)
        {
            let end = at + word.len();
            self.note(kind, at, end);
            return Step::To(end);
        }
        Step::To(self.run(at, is_word))
    }

    /// Password hashes as `crypt` and PHC strings write them.
    fn hash(&mut self, at: usize) -> Step {
        let rest = self.rest(at).get(..LONGEST_HASH).unwrap_or(self.rest(at));
        let Some((start, least)) = HASHES.iter().find(|(start, _)| rest.starts_with(start)) else {
            let may_be = self.may_go_on(at, self.text.len(), LONGEST_HASH_START)
                && HASHES.iter().any(|(start, _)| start.starts_with(rest));
            return if may_be { Step::Wait } else { Step::To(at + 1) };
        };
        let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || b"$./+=,-".contains(byte);
        let length = rest.iter().position(|byte| !is_part(byte)).unwrap_or(rest.len());
        if self.may_go_on(at, at + length, LONGEST_HASH) {
            return Step::Wait;
        }
        if length >= *least && length > start.len() && self.ends(at + length) {
            self.note(Kind::PasswordHash, at, at + length);
            return Step::To(at + length);
        }
        Step::To(at + 1)
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
    let begins = |prefix: &str| word.starts_with(prefix.as_bytes());
    if !begins("eyJ") && !begins(api_key::PREFIX) && !TOKENS.iter().any(|(prefix, ..)| begins(prefix)) {
        return None;
    }
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

/// How the hashes of passwords begin, and how long they are at least.
const HASHES: &[(&[u8], usize)] = &[
    (b"$2a$", 60),
    (b"$2b$", 60),
    (b"$2y$", 60),
    (b"$5$", 40),
    (b"$6$", 40),
    (b"$argon2i$", 40),
    (b"$argon2id$", 40),
    (b"$pbkdf2-sha256$", 40),
    (b"$scrypt$", 40),
];
const LONGEST_HASH: usize = 512;
const LONGEST_HASH_START: usize = 16;

const BEGIN: &[u8] = b"-----BEGIN ";
const END: &[u8] = b"-----END";
const LONGEST_LABEL: usize = 40;
/// Bytes of a private key between its two lines.
const LONGEST_KEY: usize = 64 * 1024;
/// Bytes of a token, a password's hash or any other word.
pub(super) const LONGEST: usize = 8 * 1024;
/// Bytes of a card's or an account's number in groups, and of what stands behind it.
const LONGEST_NUMBER: usize = 64;
