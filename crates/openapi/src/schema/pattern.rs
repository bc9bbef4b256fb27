//! ECMA-262 regular expressions on a linear-time engine.
//!
//! JSON Schema means ECMA-262 with the `u` flag (2020-12 core §6.4), found anywhere in the string. What is written
//! here for the engine means the same: `\d`, `\w` and `\b` are ASCII, `\s` is ECMA's white space, `.` leaves out four
//! line ends, `$` is the very end. Identity escapes of punctuation (`\_`, `\-`) are taken, since contracts have them.
//!
//! Lookaheads at the start of an anchored expression (`^(?=.*\d)(?!.*\s).{8,}$`) become expressions of their own.
//! Other lookarounds and backreferences need a backtracking engine, which an attacker can make run for ever: they are
//! not translated.

use regex::{Regex, RegexBuilder};

/// Characters of one expression.
const LONGEST: usize = 16 * 1024;
/// Bytes of one compiled expression.
const LARGEST: usize = 8 << 20;

/// A regular expression: several that must match, or must not.
#[derive(Debug)]
pub(super) struct Matcher {
    parts: Vec<(Regex, bool)>,
}

impl Matcher {
    /// `Err` says what is wrong with the expression, to be put after it.
    pub(super) fn new(text: &str) -> Result<Self, String> {
        if text.len() > LONGEST {
            return Err(format!("is longer than {LONGEST} bytes"));
        }
        let mut texts = Vec::new();
        let (heads, rest) = leading_lookaheads(text).unwrap_or((Vec::new(), text.to_owned()));
        for (head, expected) in heads {
            texts.push((format!("\\A(?:{})", translated(&head)?), expected));
        }
        texts.push((translated(&rest)?, true));
        let build = |text: &str| {
            let built = RegexBuilder::new(text).size_limit(LARGEST).nest_limit(100).build();
            built.map_err(|error| match error {
                regex::Error::CompiledTooBig(_) => {
                    "needs too much memory; are its repetitions bounded high?".to_owned()
                }
                _ => "is not a regular expression".to_owned(),
            })
        };
        let parts = texts.into_iter().map(|(text, expected)| Ok((build(&text)?, expected)));
        Ok(Self { parts: parts.collect::<Result<_, String>>()? })
    }

    #[inline]
    pub(super) fn is_match(&self, text: &str) -> bool {
        self.parts.iter().all(|(regex, expected)| regex.is_match(text) == *expected)
    }
}

/// Whether a text is an expression of ECMA-262, whether or not it could be run here.
pub(super) fn is_regex(text: &str) -> bool {
    let mut translator = Translator::new(text);
    translator.expression().is_ok() && RegexBuilder::new(&translator.out).size_limit(LARGEST).build().is_ok()
}

fn translated(text: &str) -> Result<String, String> {
    let mut translator = Translator::new(text);
    translator.expression()?;
    match translator.unsupported {
        Some(what) => Err(format!("has {what}, which no linear-time engine can run")),
        None => Ok(translator.out),
    }
}

/// `^(?=a)(?!b)rest` as `[(a, true), (b, false)]` and `^rest`. `None` where it is not of that form.
fn leading_lookaheads(text: &str) -> Option<(Vec<(String, bool)>, String)> {
    let mut rest = text.strip_prefix('^')?;
    let mut heads = Vec::new();
    while let Some(body) = rest.strip_prefix("(?=").or_else(|| rest.strip_prefix("(?!")) {
        let end = closing(body)?;
        heads.push((body.get(..end)?.to_owned(), rest.starts_with("(?=")));
        rest = body.get(end + 1..)?;
    }
    // A quantified lookahead, or an alternative without it, means something else.
    let quantified = rest.starts_with(['*', '+', '?', '{']);
    (!heads.is_empty() && !quantified && !has_alternatives(rest)).then(|| (heads, format!("^{rest}")))
}

/// Where the group that `body` is inside of closes.
fn closing(body: &str) -> Option<usize> {
    structure(body).find(|(_, depth, character)| *character == ')' && *depth < 0).map(|(at, _, _)| at)
}

fn has_alternatives(text: &str) -> bool {
    structure(text).any(|(_, depth, character)| character == '|' && depth == 0)
}

/// The characters outside classes and escapes, each with how many groups are open after it.
fn structure(text: &str) -> impl Iterator<Item = (usize, i32, char)> {
    let (mut escaped, mut class, mut depth) = (false, false, 0_i32);
    text.char_indices().filter_map(move |(at, character)| {
        if std::mem::replace(&mut escaped, false) {
            return None;
        }
        match character {
            '\\' => escaped = true,
            ']' if class => class = false,
            _ if class => {}
            '[' => class = true,
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        (!escaped && !class).then_some((at, depth, character))
    })
}

const SPACE: &str =
    r"\x{9}-\x{D}\x{20}\x{A0}\x{1680}\x{2000}-\x{200A}\x{2028}\x{2029}\x{202F}\x{205F}\x{3000}\x{FEFF}";
const WORD: &str = "0-9A-Z_a-z";

struct Translator<'t> {
    rest: std::iter::Peekable<std::str::Chars<'t>>,
    out: String,
    /// The first thing that is well formed and cannot be run.
    unsupported: Option<&'static str>,
}

/// One member of a class.
enum Member {
    One(char),
    Set(String),
}

impl<'t> Translator<'t> {
    fn new(text: &'t str) -> Self {
        Self { rest: text.chars().peekable(), out: String::with_capacity(text.len() * 2), unsupported: None }
    }

    fn eat(&mut self, character: char) -> bool {
        self.rest.next_if_eq(&character).is_some()
    }

    fn expression(&mut self) -> Result<(), String> {
        let mut depth = 0_usize;
        // Whether what came last can be repeated.
        let mut atom = false;
        while let Some(character) = self.rest.next() {
            match character {
                '\\' => atom = self.escape()?,
                '[' => {
                    self.class()?;
                    atom = true;
                }
                '(' => {
                    depth += 1;
                    self.group()?;
                    atom = false;
                }
                ')' => {
                    depth = depth.checked_sub(1).ok_or("closes a group that is not open")?;
                    self.out.push(')');
                    atom = true;
                }
                '|' => {
                    self.out.push('|');
                    atom = false;
                }
                '^' | '$' => {
                    self.out.push_str(if character == '^' { "\\A" } else { "\\z" });
                    atom = false;
                }
                '.' => {
                    self.out.push_str(r"[^\n\r\x{2028}\x{2029}]");
                    atom = true;
                }
                '*' | '+' | '?' => {
                    self.repeated(&character.to_string(), atom)?;
                    atom = false;
                }
                '{' => match self.counts() {
                    Some(counts) => {
                        self.repeated(&counts, atom)?;
                        atom = false;
                    }
                    None => {
                        self.literal('{');
                        atom = true;
                    }
                },
                other => {
                    self.literal(other);
                    atom = true;
                }
            }
        }
        if depth > 0 { Err("leaves a group open".to_owned()) } else { Ok(()) }
    }

    fn repeated(&mut self, how: &str, atom: bool) -> Result<(), String> {
        if !atom {
            return Err("repeats nothing".to_owned());
        }
        self.out.push_str(how);
        if self.eat('?') {
            self.out.push('?');
        }
        Ok(())
    }

    /// `{2}`, `{2,}` or `{2,3}` after its bracket; anything else is literal.
    fn counts(&mut self) -> Option<String> {
        let mut ahead = self.rest.clone();
        let mut text = String::from("{");
        loop {
            match ahead.next()? {
                digit @ '0'..='9' => text.push(digit),
                ',' if text.len() > 1 && !text.contains(',') => text.push(','),
                '}' if text.len() > 1 => {
                    text.push('}');
                    self.rest = ahead;
                    return Some(text);
                }
                _ => return None,
            }
        }
    }

    fn group(&mut self) -> Result<(), String> {
        self.out.push_str("(?:");
        if !self.eat('?') {
            return Ok(());
        }
        match self.rest.next() {
            Some(':') => {}
            Some('=' | '!') => self.unsupported = self.unsupported.or(Some("a lookahead")),
            Some('<') => match self.rest.peek() {
                Some('=' | '!') => {
                    self.rest.next();
                    self.unsupported = self.unsupported.or(Some("a lookbehind"));
                }
                _ => self.group_name()?,
            },
            _ => return Err("has a group that ECMA-262 does not know".to_owned()),
        }
        Ok(())
    }

    fn group_name(&mut self) -> Result<(), String> {
        let mut length = 0;
        loop {
            match self.rest.next() {
                Some('>') if length > 0 => return Ok(()),
                Some(c) if c == '_' || c == '$' || c.is_alphabetic() || length > 0 && c.is_alphanumeric() => {
                    length += 1
                }
                _ => return Err("has a group without a proper name".to_owned()),
            }
        }
    }

    fn literal(&mut self, character: char) {
        if character.is_ascii_alphanumeric() {
            self.out.push(character);
        } else {
            self.out.push_str(&code(character));
        }
    }

    /// After a backslash outside a class. Whether it can be repeated.
    fn escape(&mut self) -> Result<bool, String> {
        match self.rest.peek() {
            Some('b') => {
                self.rest.next();
                self.out.push_str(r"(?-u:\b)");
                return Ok(false);
            }
            Some('B') => {
                self.rest.next();
                self.out.push_str(r"(?-u:\B)");
                return Ok(false);
            }
            Some('1'..='9') => {
                while self.rest.next_if(char::is_ascii_digit).is_some() {}
                self.unsupported = self.unsupported.or(Some("a backreference"));
                self.out.push_str("(?:)");
                return Ok(true);
            }
            Some('k') => {
                self.rest.next();
                if !self.eat('<') {
                    return Err("has a backreference without a name".to_owned());
                }
                self.group_name()?;
                self.unsupported = self.unsupported.or(Some("a backreference"));
                self.out.push_str("(?:)");
                return Ok(true);
            }
            _ => {}
        }
        match self.member_escape()? {
            Member::One(character) => self.literal(character),
            Member::Set(set) => {
                self.out.push('[');
                self.out.push_str(&set);
                self.out.push(']');
            }
        }
        Ok(true)
    }

    /// After a backslash: what means the same inside and outside a class.
    fn member_escape(&mut self) -> Result<Member, String> {
        let Some(kind) = self.rest.next() else { return Err("ends in a backslash".to_owned()) };
        Ok(match kind {
            'd' => Member::Set("0-9".to_owned()),
            'D' => Member::Set("[^0-9]".to_owned()),
            'w' => Member::Set(WORD.to_owned()),
            'W' => Member::Set(format!("[^{WORD}]")),
            's' => Member::Set(SPACE.to_owned()),
            'S' => Member::Set(format!("[^{SPACE}]")),
            'p' | 'P' => self.property(kind)?,
            't' => Member::One('\t'),
            'n' => Member::One('\n'),
            'v' => Member::One('\u{B}'),
            'f' => Member::One('\u{C}'),
            'r' => Member::One('\r'),
            '0' if !self.rest.peek().is_some_and(char::is_ascii_digit) => Member::One('\0'),
            'c' => match self.rest.next() {
                Some(letter) if letter.is_ascii_alphabetic() => {
                    Member::One(char::from(u8::try_from(letter).unwrap_or_default() % 32))
                }
                _ => return Err("has `\\c` without a letter".to_owned()),
            },
            'x' => Member::One(
                self.hexadecimal(2).and_then(char::from_u32).ok_or("has `\\x` without two digits")?,
            ),
            'u' => Member::One(self.unicode().ok_or("has `\\u` without a character")?),
            other if other.is_ascii_alphanumeric() => {
                return Err(format!("has `\\{other}`, which ECMA-262 does not know"));
            }
            other => Member::One(other),
        })
    }

    fn hexadecimal(&mut self, digits: usize) -> Option<u32> {
        (0..digits).try_fold(0, |sum, _| Some(sum * 16 + self.rest.next()?.to_digit(16)?))
    }

    fn unicode(&mut self) -> Option<char> {
        if self.eat('{') {
            let mut point = 0_u32;
            loop {
                match self.rest.next()? {
                    '}' => return char::from_u32(point),
                    digit => point = point.checked_mul(16)?.checked_add(digit.to_digit(16)?)?,
                }
            }
        }
        let first = self.hexadecimal(4)?;
        if !(0xD800..0xDC00).contains(&first) {
            return char::from_u32(first);
        }
        let second = (self.eat('\\') && self.eat('u')).then(|| self.hexadecimal(4)).flatten()?;
        (0xDC00..0xE000)
            .contains(&second)
            .then(|| char::from_u32(0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00)))
            .flatten()
    }

    fn property(&mut self, kind: char) -> Result<Member, String> {
        let broken = || format!("has `\\{kind}` without a property of characters");
        if !self.eat('{') {
            return Err(broken());
        }
        let mut name = String::new();
        loop {
            match self.rest.next() {
                Some('}') if !name.is_empty() => return Ok(Member::Set(format!("\\{kind}{{{name}}}"))),
                Some(c) if c.is_ascii_alphanumeric() || matches!(c, '_' | '=') => name.push(c),
                _ => return Err(broken()),
            }
        }
    }

    fn class_member(&mut self) -> Result<Option<Member>, String> {
        match self.rest.next() {
            None => Err("leaves a class open".to_owned()),
            Some(']') => Ok(None),
            Some('\\') => {
                if self.eat('b') {
                    return Ok(Some(Member::One('\u{8}')));
                }
                self.member_escape().map(Some)
            }
            Some(other) => Ok(Some(Member::One(other))),
        }
    }

    /// A class after its opening bracket.
    fn class(&mut self) -> Result<(), String> {
        let negated = self.eat('^');
        let mut set = String::new();
        while let Some(member) = self.class_member()? {
            let first = match member {
                Member::Set(inner) => {
                    set.push_str(&inner);
                    continue;
                }
                Member::One(first) => first,
            };
            let mut ahead = self.rest.clone();
            let range = ahead.next() == Some('-') && ahead.next().is_some_and(|next| next != ']');
            set.push_str(&code(first));
            if !range {
                continue;
            }
            self.rest.next();
            match self.class_member()? {
                Some(Member::One(last)) if last < first => {
                    return Err("has a range that is upside down".to_owned());
                }
                Some(Member::One(last)) => {
                    set.push('-');
                    set.push_str(&code(last));
                }
                Some(Member::Set(inner)) => {
                    set.push_str(&code('-'));
                    set.push_str(&inner);
                }
                None => set.push_str(&code('-')),
            }
        }
        self.out.push_str(match (set.is_empty(), negated) {
            (true, true) => r"[\x{0}-\x{10FFFF}]",
            (true, false) => r"[^\x{0}-\x{10FFFF}]",
            (false, true) => "[^",
            (false, false) => "[",
        });
        if !set.is_empty() {
            self.out.push_str(&set);
            self.out.push(']');
        }
        Ok(())
    }
}

fn code(character: char) -> String {
    format!("\\x{{{:X}}}", u32::from(character))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_translated_means_the_same() {
        for (pattern, fits, fails) in [
            ("^[a-z0-9_-]+$", &["a-b_1"][..], &["A", "a\n", ""][..]),
            (r"^\w+@[\w.-]+$", &["a@b.c"], &["é@b"]),
            (r"^(?=.*\d)(?=.*[A-Z])(?!.*\s).{4,}$", &["aB1cd"], &["aB1 d", "aBcd", "B1"]),
            (r"^a(?<year>\d{4})b$", &["a2020b"], &["a202b"]),
            (r"\bcat\b", &["a cat."], &["cats"]),
            (r"^[^]$", &["x", "\n"], &["", "xy"]),
            ("a[]b", &[], &["ab", "a]b"]),
            (r"^[\w-.]+$", &["a-b.c"], &["a b"]),
            (r"^\uD83D\uDC32$", &["🐲"], &["x"]),
            (r"^[[&&~~-]+$", &["[", "&", "~", "-"], &["x"]),
            (r"^a{,3}$", &["a{,3}"], &["aa"]),
            (r"^\/\_\-$", &["/_-"], &[]),
            (r"^\p{Lu}\P{Lu}$", &["Äb"], &["ab"]),
        ] {
            let matcher = Matcher::new(pattern).unwrap();
            fits.iter().for_each(|text| assert!(matcher.is_match(text), "{pattern} on {text}"));
            fails.iter().for_each(|text| assert!(!matcher.is_match(text), "{pattern} on {text}"));
        }
    }

    #[test]
    fn what_cannot_be_run_is_refused_with_the_reason() {
        for (pattern, reason) in [
            (r"(a)\1", "a backreference"),
            (r"^((?!x).)*$", "a lookahead"),
            (r"(?<=a)b", "a lookbehind"),
            (r"^(?=a)b|c$", "a lookahead"),
            (r"a**", "repeats nothing"),
            (r"a*+", "repeats nothing"),
            (r"\Z", "ECMA-262 does not know"),
            ("(?i)a", "ECMA-262 does not know"),
            ("(a", "leaves a group open"),
            ("a)", "not open"),
            ("[a", "leaves a class open"),
            (r"^(\p{L}{1,9999}){1,9999}$", "too much memory"),
        ] {
            let error = Matcher::new(pattern).unwrap_err();
            assert!(error.contains(reason), "{pattern}: {error}");
        }
    }

    #[test]
    fn what_explodes_elsewhere_takes_no_time() {
        let long = "a".repeat(100_000) + "!";
        for pattern in ["^(a+)+$", "^(a|aa)+$", "^(a|a?)+$", r"^([a-zA-Z]+)*$", "(.*a){12}$"] {
            assert!(!Matcher::new(pattern).unwrap().is_match(&long) || pattern.starts_with('('), "{pattern}");
        }
    }
}
