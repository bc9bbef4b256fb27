//! The functions of expressions: of texts, codings, digests, and values that are new each time.

use std::num::NonZeroU32;

use gabion_model::Rng;
use gabion_vault::encoding::{base64_decode, base64_encode, base64url_encode, hex_decode, hex_encode};
use percent_encoding::{NON_ALPHANUMERIC, percent_decode, percent_encode};
use regex::bytes::{Regex, RegexBuilder};

use super::expression::{LARGEST, Surroundings, Term, bounded, brief};

/// A function: its name, how few and how many values it takes, and what it does.
type Function = (&'static str, usize, usize, fn(&[Term], &Surroundings<'_>) -> Result<Term, String>);

/// As many as there are.
const MANY: usize = 64;

/// All of them, by name.
const FUNCTIONS: &[Function] = &[
    ("base64", 1, 1, |of, _| Ok(Term::text(&base64_encode(&bytes(of, 0))))),
    ("base64_decode", 1, 1, |of, _| {
        let text: String = text(of, 0).chars().filter(|letter| !letter.is_whitespace()).collect();
        base64_decode(&text)
            .map(Term::Text)
            .map_err(|_| format!("`{}` is no Base64", brief(&Term::text(&text))))
    }),
    ("base64_py", 1, 1, |of, _| Ok(Term::text(&lines_of_base64(&bytes(of, 0))))),
    ("base64url", 1, 1, |of, _| Ok(Term::text(&base64url_encode(&bytes(of, 0))))),
    ("canary", 0, 0, |_, with| {
        Ok(Term::Text(drawn(with.rng, 12, HEX).map(|word| [b"gx", &*word].concat())?))
    }),
    ("compare_versions", 2, MANY, |of, _| versions(of)),
    ("concat", 1, MANY, |of, _| bounded(of.iter().flat_map(Term::bytes).collect())),
    ("contains", 2, 2, |of, _| Ok(Term::Truth(has(&bytes(of, 0), &bytes(of, 1))))),
    ("contains_all", 2, MANY, |of, _| Ok(Term::Truth(rest(of).all(|part| has(&bytes(of, 0), &part))))),
    ("contains_any", 2, MANY, |of, _| Ok(Term::Truth(rest(of).any(|part| has(&bytes(of, 0), &part))))),
    ("dec_to_hex", 1, 1, |of, _| Ok(Term::text(&format!("{:x}", whole(of, 0)?)))),
    ("ends_with", 2, MANY, |of, _| Ok(Term::Truth(rest(of).any(|part| bytes(of, 0).ends_with(&part))))),
    ("equals_any", 2, MANY, |of, _| Ok(Term::Truth(rest(of).any(|part| bytes(of, 0) == part)))),
    ("hex_decode", 1, 1, |of, _| {
        hex_decode(text(of, 0).trim()).map(Term::Text).ok_or_else(|| "it is not hexadecimal".to_owned())
    }),
    ("hex_encode", 1, 1, |of, _| Ok(Term::text(&hex_encode(&bytes(of, 0))))),
    ("hmac", 3, 3, |of, _| match text(of, 0).to_ascii_lowercase().as_str() {
        "sha1" => Ok(Term::text(&hex_encode(&gabion_vault::hmac_sha1(&bytes(of, 2), &bytes(of, 1))))),
        "sha256" => Ok(Term::text(&hex_encode(&gabion_vault::hmac_sha256(&bytes(of, 2), &bytes(of, 1))))),
        "sha512" => Ok(Term::text(&hex_encode(&gabion_vault::hmac_sha512(&bytes(of, 2), &bytes(of, 1))))),
        other => Err(format!("`hmac` knows `sha1`, `sha256` and `sha512`, not `{other}`")),
    }),
    ("hmac_sha256", 2, 2, |of, _| {
        Ok(Term::Text(gabion_vault::hmac_sha256(&bytes(of, 0), &bytes(of, 1)).to_vec()))
    }),
    ("html_escape", 1, 1, |of, _| {
        let text = text(of, 0).replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        Ok(Term::text(&text.replace('"', "&#34;").replace('\'', "&#39;")))
    }),
    ("html_unescape", 1, 1, |of, _| {
        let text = text(of, 0).replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"");
        Ok(Term::text(&text.replace("&#34;", "\"").replace("&#39;", "'").replace("&amp;", "&")))
    }),
    ("index", 2, 2, |of, _| {
        let at = usize::try_from(whole(of, 1)?).map_err(|_| "it counts from 0".to_owned())?;
        match of.first() {
            Some(Term::List(items)) => items.get(at).cloned().ok_or_else(|| format!("it has no item {at}")),
            _ => bytes(of, 0)
                .get(at)
                .map(|byte| Term::Text(vec![*byte]))
                .ok_or_else(|| format!("it has no byte {at}")),
        }
    }),
    ("join", 2, MANY, |of, _| {
        let parts: Vec<Vec<u8>> = match of.get(1) {
            Some(Term::List(items)) => items.iter().map(Term::bytes).collect(),
            _ => rest(of).collect(),
        };
        bounded(parts.join(&*bytes(of, 0)))
    }),
    ("json", 1, 1, |of, _| Ok(Term::text(&serde_json::Value::String(text(of, 0)).to_string()))),
    ("len", 1, 1, |of, _| {
        let length = match of.first() {
            Some(Term::List(items)) => items.len(),
            _ => bytes(of, 0).len(),
        };
        Ok(count(length))
    }),
    ("line_ends_with", 2, MANY, |of, _| {
        Ok(Term::Truth(rest(of).any(|part| lines(of).any(|line| line.ends_with(&part)))))
    }),
    ("line_starts_with", 2, MANY, |of, _| {
        Ok(Term::Truth(rest(of).any(|part| lines(of).any(|line| line.starts_with(&part)))))
    }),
    ("md5", 1, 1, |of, _| Ok(Term::text(&hex_encode(&gabion_vault::md5(&bytes(of, 0)))))),
    ("mmh3", 1, 1, |of, _| Ok(Term::text(&murmur(&bytes(of, 0)).to_string()))),
    ("number", 2, 2, |of, with| between(whole(of, 0)?, whole(of, 1)?, with.rng)),
    ("product", 2, 2, |of, _| Ok(Term::Number(number(of, 0)? * number(of, 1)?))),
    ("rand_base", 1, 2, |of, with| drawn_text(of, LETTERS_AND_DIGITS, with.rng)),
    ("rand_char", 0, 1, |of, with| {
        let from = chosen(of, 0, LETTERS);
        drawn(with.rng, 1, &from).map(Term::Text)
    }),
    ("rand_int", 0, 2, |of, with| {
        let least = if of.is_empty() { 0 } else { whole(of, 0)? };
        between(least, if of.len() < 2 { i64::from(i32::MAX) } else { whole(of, 1)? }, with.rng)
    }),
    ("rand_text_alpha", 1, 2, |of, with| drawn_text(of, LETTERS, with.rng)),
    ("rand_text_alphanumeric", 1, 2, |of, with| drawn_text(of, LETTERS_AND_DIGITS, with.rng)),
    ("rand_text_numeric", 1, 2, |of, with| drawn_text(of, b"0123456789", with.rng)),
    ("regex", 2, 2, |of, _| Ok(Term::Truth(pattern(&text(of, 0))?.is_match(&bytes(of, 1))))),
    ("regex_all", 2, MANY, |of, _| matches_of(of).map(|all| Term::Truth(all.iter().all(|fits| *fits)))),
    ("regex_any", 2, MANY, |of, _| matches_of(of).map(|all| Term::Truth(all.iter().any(|fits| *fits)))),
    ("remove_bad_chars", 2, 2, |of, _| {
        let bad = text(of, 1);
        Ok(Term::text(&text(of, 0).chars().filter(|letter| !bad.contains(*letter)).collect::<String>()))
    }),
    ("repeat", 2, 2, |of, _| {
        let (part, times) = (bytes(of, 0), usize::try_from(whole(of, 1)?).unwrap_or(0));
        if part.len().saturating_mul(times) > LARGEST {
            return Err(format!("it grows beyond {} MiB", LARGEST >> 20));
        }
        Ok(Term::Text(part.repeat(times)))
    }),
    ("replace", 3, 3, |of, _| bounded(replaced(&bytes(of, 0), &bytes(of, 1), &bytes(of, 2)))),
    ("replace_regex", 3, 3, |of, _| {
        let to = text(of, 2).replace("${", "$ {");
        bounded(pattern(&text(of, 1))?.replace_all(&bytes(of, 0), to.as_bytes()).into_owned())
    }),
    ("reverse", 1, 1, |of, _| Ok(Term::text(&text(of, 0).chars().rev().collect::<String>()))),
    ("sha1", 1, 1, |of, _| Ok(Term::text(&hex_encode(&gabion_vault::sha1(&bytes(of, 0)))))),
    ("sha256", 1, 1, |of, _| Ok(Term::text(&hex_encode(&gabion_vault::sha256(&bytes(of, 0)))))),
    ("sha512", 1, 1, |of, _| Ok(Term::text(&hex_encode(&gabion_vault::sha512(&bytes(of, 0)))))),
    ("split", 2, 3, |of, _| {
        let by = text(of, 1);
        let most = if of.len() > 2 { usize::try_from(whole(of, 2)?).unwrap_or(0).max(1) } else { 10_000 };
        if by.is_empty() {
            return Err("it splits at nothing".to_owned());
        }
        Ok(Term::List(text(of, 0).splitn(most, &by).map(Term::text).collect()))
    }),
    ("starts_with", 2, MANY, |of, _| Ok(Term::Truth(rest(of).any(|part| bytes(of, 0).starts_with(&part))))),
    ("substr", 2, 3, |of, _| {
        let all = bytes(of, 0);
        let begin = usize::try_from(whole(of, 1)?).unwrap_or(0).min(all.len());
        let end =
            if of.len() > 2 { usize::try_from(whole(of, 2)?).unwrap_or(0).min(all.len()) } else { all.len() };
        Ok(Term::Text(all.get(begin..end).unwrap_or_default().to_vec()))
    }),
    ("sum", 2, 2, |of, _| Ok(Term::Number(number(of, 0)? + number(of, 1)?))),
    ("to_lower", 1, 1, |of, _| Ok(Term::Text(bytes(of, 0).to_ascii_lowercase()))),
    ("to_number", 1, 1, |of, _| number(of, 0).map(Term::Number)),
    ("to_string", 1, 1, |of, _| Ok(Term::Text(bytes(of, 0)))),
    ("to_upper", 1, 1, |of, _| Ok(Term::Text(bytes(of, 0).to_ascii_uppercase()))),
    ("tolower", 1, 1, |of, _| Ok(Term::Text(bytes(of, 0).to_ascii_lowercase()))),
    ("toupper", 1, 1, |of, _| Ok(Term::Text(bytes(of, 0).to_ascii_uppercase()))),
    ("trim", 2, 2, |of, _| {
        let cut = text(of, 1);
        Ok(Term::text(text(of, 0).trim_matches(|letter| cut.contains(letter))))
    }),
    ("trim_left", 2, 2, |of, _| {
        let cut = text(of, 1);
        Ok(Term::text(text(of, 0).trim_start_matches(|letter| cut.contains(letter))))
    }),
    ("trim_prefix", 2, 2, |of, _| {
        let all = bytes(of, 0);
        Ok(Term::Text(all.strip_prefix(&*bytes(of, 1)).unwrap_or(&all).to_vec()))
    }),
    ("trim_right", 2, 2, |of, _| {
        let cut = text(of, 1);
        Ok(Term::text(text(of, 0).trim_end_matches(|letter| cut.contains(letter))))
    }),
    ("trim_space", 1, 1, |of, _| Ok(Term::Text(bytes(of, 0).trim_ascii().to_vec()))),
    ("trim_suffix", 2, 2, |of, _| {
        let all = bytes(of, 0);
        Ok(Term::Text(all.strip_suffix(&*bytes(of, 1)).unwrap_or(&all).to_vec()))
    }),
    ("uniq", 1, MANY, |of, _| {
        let mut met = std::collections::BTreeSet::new();
        Ok(Term::text(&text(of, 0).chars().filter(|letter| met.insert(*letter)).collect::<String>()))
    }),
    ("unix_time", 0, 1, |of, with| {
        let later = if of.is_empty() { 0 } else { whole(of, 0)? };
        Ok(Term::text(&with.now.saturating_add(later).to_string()))
    }),
    ("unixtime", 0, 0, |_, with| Ok(Term::text(&with.now.to_string()))),
    ("url", 1, 1, |of, _| Ok(Term::text(&percent_encode(&bytes(of, 0), NON_ALPHANUMERIC).to_string()))),
    ("url_decode", 1, 1, |of, _| Ok(Term::Text(percent_decode(&bytes(of, 0)).collect()))),
    ("url_encode", 1, 1, |of, _| {
        Ok(Term::text(&percent_encode(&bytes(of, 0), NON_ALPHANUMERIC).to_string()))
    }),
    ("uuid", 0, 0, |_, with| {
        let hex = String::from_utf8(drawn(with.rng, 32, HEX)?).unwrap_or_default();
        let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default().to_owned();
        Ok(Term::text(&format!(
            "{}-{}-4{}-a{}-{}",
            part(0, 8),
            part(8, 12),
            part(12, 15),
            part(15, 18),
            part(18, 30)
        )))
    }),
];

/// Those whose value is new each time.
const NEW: &[&str] = &[
    "canary",
    "number",
    "rand_base",
    "rand_char",
    "rand_int",
    "rand_text_alpha",
    "rand_text_alphanumeric",
    "rand_text_numeric",
    "uuid",
];

/// Those whose value is another one than what they are given.
const COMPUTED: &[&str] =
    &["hmac", "hmac_sha256", "md5", "mmh3", "product", "sha1", "sha256", "sha512", "sum"];

const HEX: &[u8] = b"0123456789abcdef";
const LETTERS: &[u8] = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
const LETTERS_AND_DIGITS: &[u8] = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

fn function(name: &str) -> Option<&'static Function> {
    FUNCTIONS.iter().find(|(own, ..)| *own == name)
}

/// Whether there is a function of that name.
pub(crate) fn is_known(name: &str) -> bool {
    function(name).is_some()
}

/// Whether what it gives is new each time.
pub(crate) fn is_new(name: &str) -> bool {
    NEW.contains(&name)
}

/// Whether what it gives is another value, and no other form of the same.
pub(crate) fn is_computed(name: &str) -> bool {
    COMPUTED.contains(&name)
}

/// The names of all functions, in order.
pub fn names() -> impl Iterator<Item = &'static str> {
    FUNCTIONS.iter().map(|(name, ..)| *name)
}

/// Calls one.
pub(crate) fn call(name: &str, of: &[Term], with: &Surroundings<'_>) -> Result<Term, String> {
    let Some((_, least, most, does)) = function(name) else {
        return Err(format!("there is no function `{name}`"));
    };
    if of.len() < *least || of.len() > *most {
        let wanted = if least == most { least.to_string() } else { format!("{least} to {most}") };
        return Err(format!("`{name}` takes {wanted} values, not {}", of.len()));
    }
    does(of, with).map_err(|problem| format!("`{name}`: {problem}"))
}

/// A pattern, bounded in what it may cost.
pub(crate) fn pattern(text: &str) -> Result<Regex, String> {
    let mut builder = RegexBuilder::new(text);
    builder.size_limit(4 << 20).dfa_size_limit(4 << 20).nest_limit(100).unicode(false);
    // Classes such as `\p{L}` need Unicode.
    let built = builder.build().or_else(|_| builder.unicode(true).build());
    built.map_err(|error| {
        let says = error.to_string();
        let last = says.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
        format!("`{}` is no pattern: {last}", brief(&Term::text(text)))
    })
}

fn bytes(of: &[Term], at: usize) -> Vec<u8> {
    of.get(at).map(Term::bytes).unwrap_or_default()
}

fn text(of: &[Term], at: usize) -> String {
    of.get(at).map(Term::show).unwrap_or_default()
}

fn rest(of: &[Term]) -> impl Iterator<Item = Vec<u8>> {
    of.iter().skip(1).map(Term::bytes)
}

fn lines(of: &[Term]) -> impl Iterator<Item = Vec<u8>> {
    text(of, 0).lines().map(|line| line.as_bytes().to_vec()).collect::<Vec<_>>().into_iter()
}

fn number(of: &[Term], at: usize) -> Result<f64, String> {
    let term = of.get(at).cloned().unwrap_or_else(|| Term::text(""));
    term.number().ok_or_else(|| format!("`{}` is no number", brief(&term)))
}

#[expect(clippy::cast_possible_truncation, reason = "it was looked at first")]
fn whole(of: &[Term], at: usize) -> Result<i64, String> {
    let number = number(of, at)?;
    if number.abs() > 9e15 { Err("the number is too large".to_owned()) } else { Ok(number.trunc() as i64) }
}

fn count(length: usize) -> Term {
    Term::Number(u32::try_from(length).map_or(f64::MAX, f64::from))
}

fn has(all: &[u8], part: &[u8]) -> bool {
    memchr::memmem::find(all, part).is_some()
}

fn replaced(all: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    if from.is_empty() {
        return all.to_vec();
    }
    let mut out = Vec::new();
    let mut left = all;
    while let Some(at) = memchr::memmem::find(left, from) {
        out.extend_from_slice(left.get(..at).unwrap_or_default());
        out.extend_from_slice(to);
        if out.len() > LARGEST {
            break;
        }
        left = left.get(at.saturating_add(from.len())..).unwrap_or_default();
    }
    out.extend_from_slice(left);
    out
}

fn matches_of(of: &[Term]) -> Result<Vec<bool>, String> {
    let all = bytes(of, 0);
    of.iter().skip(1).map(|one| Ok(pattern(&one.show())?.is_match(&all))).collect()
}

fn below(most: u32, rng: &dyn Rng) -> u32 {
    let most = NonZeroU32::new(most).unwrap_or(NonZeroU32::MIN);
    u32::from_le_bytes(gabion_model::random::bytes::<4>(rng)) % most
}

fn between(least: i64, most: i64, rng: &dyn Rng) -> Result<Term, String> {
    let width = most.checked_sub(least).and_then(|width| u32::try_from(width).ok());
    let width = width.filter(|width| *width < u32::MAX);
    let Some(width) = width else { return Err("the second number is not above the first".to_owned()) };
    let drawn = least.saturating_add(i64::from(below(width.saturating_add(1), rng)));
    #[expect(clippy::cast_precision_loss, reason = "both ends were numbers before")]
    Ok(Term::Number(drawn as f64))
}

fn drawn(rng: &dyn Rng, length: usize, from: &[u8]) -> Result<Vec<u8>, String> {
    if length > 10_000 {
        return Err("it is longer than 10000".to_owned());
    }
    let most = u32::try_from(from.len()).unwrap_or(1);
    let letter = |_| from.get(usize::try_from(below(most, rng)).unwrap_or(0)).copied();
    Ok((0..length).filter_map(letter).collect())
}

fn chosen(of: &[Term], at: usize, usual: &[u8]) -> Vec<u8> {
    Some(bytes(of, at)).filter(|own| !own.is_empty()).unwrap_or_else(|| usual.to_vec())
}

fn drawn_text(of: &[Term], usual: &[u8], rng: &dyn Rng) -> Result<Term, String> {
    let length = usize::try_from(whole(of, 0)?).unwrap_or(0);
    drawn(rng, length, &chosen(of, 1, usual)).map(Term::Text)
}

/// Lines of 76 signs, as Python's older function writes them: favicons are known by it.
fn lines_of_base64(bytes: &[u8]) -> String {
    let whole = base64_encode(bytes);
    let mut out = String::new();
    for (at, sign) in whole.chars().enumerate() {
        if at > 0 && at % 76 == 0 {
            out.push('\n');
        }
        out.push(sign);
    }
    out.push('\n');
    out
}

/// MurmurHash3, 32 bits, seed 0, as a signed number.
#[expect(clippy::cast_possible_wrap, reason = "it is known by its signed form")]
fn murmur(bytes: &[u8]) -> i32 {
    let mixed = |mut part: u32| {
        part = part.wrapping_mul(0xcc9e_2d51).rotate_left(15);
        part.wrapping_mul(0x1b87_3593)
    };
    let mut hash = 0_u32;
    let (parts, tail) = bytes.as_chunks::<4>();
    for part in parts {
        hash ^= mixed(u32::from_le_bytes(*part));
        hash = hash.rotate_left(13).wrapping_mul(5).wrapping_add(0xe654_6b64);
    }
    if !tail.is_empty() {
        let last = tail.iter().rev().fold(0_u32, |sum, byte| (sum << 8) | u32::from(*byte));
        hash ^= mixed(last);
    }
    hash ^= u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    hash ^= hash >> 16;
    hash = hash.wrapping_mul(0x85eb_ca6b);
    hash ^= hash >> 13;
    hash = hash.wrapping_mul(0xc2b2_ae35);
    (hash ^ (hash >> 16)) as i32
}

/// Whether a version fits all of `< 1.2`, `>= 1.0`, `= 1.1`.
fn versions(of: &[Term]) -> Result<Term, String> {
    let parts = |text: &str| -> Vec<u64> {
        let text = text.trim().trim_start_matches(['v', 'V']);
        text.split(|letter: char| !letter.is_ascii_digit())
            .filter_map(|part| part.parse().ok())
            .take(8)
            .collect()
    };
    let own = parts(&text(of, 0));
    if own.is_empty() {
        return Ok(Term::Truth(false));
    }
    let compared = |two: &[u64]| {
        let at = |list: &[u64], at: usize| list.get(at).copied().unwrap_or(0);
        (0..8)
            .map(|place| at(&own, place).cmp(&at(two, place)))
            .find(|order| order.is_ne())
            .unwrap_or(std::cmp::Ordering::Equal)
    };
    for wanted in of.iter().skip(1).map(Term::show) {
        for wanted in wanted.split(',') {
            let wanted = wanted.trim();
            let digits = wanted.trim_start_matches(['<', '>', '=', '!', '~', ' ']);
            let order = compared(&parts(digits));
            let fits = match wanted.strip_suffix(digits).unwrap_or_default().trim() {
                "<" => order.is_lt(),
                "<=" => order.is_le(),
                ">" => order.is_gt(),
                ">=" => order.is_ge(),
                "!=" => order.is_ne(),
                "" | "=" | "==" => order.is_eq(),
                other => return Err(format!("`{other}` compares no versions")),
            };
            if !fits {
                return Ok(Term::Truth(false));
            }
        }
    }
    Ok(Term::Truth(true))
}

#[cfg(test)]
mod tests {
    use gabion_model::random::SeededRng;

    use super::super::expression::{Expression, Names};
    use super::*;

    fn value(text: &str) -> Result<Term, String> {
        let mut names = Names::new();
        names.insert("body".to_owned(), Term::text("Hello World"));
        names.insert("status_code".to_owned(), Term::Number(200.0));
        names.insert("content-type".to_owned(), Term::text("text/html"));
        let rng = SeededRng::new(7);
        Expression::parse(text)?.value(&Surroundings { names: &names, rng: &rng, now: 1_000 })
    }

    #[test]
    fn names_are_in_order_and_known() {
        let all: Vec<&str> = names().collect();
        assert!(all.is_sorted(), "{all:?}");
        assert!(NEW.iter().all(|name| is_known(name)));
    }

    #[test]
    fn expressions_come_to_what_they_say() {
        for (text, wanted) in [
            ("1 + 2 * 3", "7"),
            ("(1 + 2) * 3 - -1", "10"),
            ("to_upper('ab') + \"c\"", "ABc"),
            ("md5('Hello')", "8b1a9953c4611296a827abf8c47804d7"),
            ("sha1('Hello')", "f7ff9e8b7bb2e09b70935a5d785e0cc5d9d0abf0"),
            ("base64_decode(base64('Hello'))", "Hello"),
            ("mmh3('Hello')", "316307400"),
            ("url_encode('a b/')", "a%20b%2F"),
            ("hex_decode('4142')", "AB"),
            ("replace('aXbX', 'X', '')", "ab"),
            ("replace_regex('He123llo', '(\\d+)', '')", "Hello"),
            ("join('-', 'a', 'b')", "a-b"),
            ("trim_prefix('aab', 'a')", "ab"),
            ("len(repeat('ab', 4))", "8"),
            ("unix_time(10)", "1010"),
            ("substr('abcdef', 1, 3)", "bc"),
            ("'\\x41\\n'", "A\n"),
        ] {
            assert_eq!(value(text).map(|term| term.show()).as_deref(), Ok(wanted), "{text}");
        }
        for (text, wanted) in [
            ("status_code == 200 && contains(body, 'World')", true),
            ("status_code == 404 || !contains(body, 'World')", false),
            ("!(status_code == 404) && len(body) > 5", true),
            ("contains(tolower(body), 'hello') && !regex('^x', body)", true),
            ("body =~ 'W.rld$' && 200 in (200, 201)", true),
            ("[content-type] == 'text/html'", true),
            ("compare_versions('1.2.3', '>= 1.2', '< 1.10')", true),
            ("compare_versions('2.0', '< 1.10')", false),
            ("contains_any(body, 'x', 'Hello')", true),
            ("line_starts_with('a\\nb', 'b')", true),
        ] {
            assert_eq!(value(text), Ok(Term::Truth(wanted)), "{text}");
        }
    }

    #[test]
    fn what_is_none_says_so() {
        for text in [
            "",
            "1 +",
            "nothing",
            "nobody(1)",
            "'open",
            "md5()",
            "1 2",
            "(1",
            "a b",
            "5 / 0",
            "!'x'",
            "repeat('aaaa', 9000000)",
            "rand_text_alpha(99999)",
            "regex('(', body)",
            "\\",
            "1 && 2",
        ] {
            assert!(value(text).is_err(), "{text}");
        }
        assert!(value(&"(".repeat(5_000)).is_err());
        assert!(value(&"!".repeat(5_000)).is_err());
        assert!(value(&"1+".repeat(9_000)).is_err());
    }

    #[test]
    fn what_is_new_is_new() {
        let rng = SeededRng::new(7);
        let names = Names::new();
        let with = Surroundings { names: &names, rng: &rng, now: 0 };
        let canary = Expression::parse("canary()").unwrap();
        let (one, two) = (canary.value(&with).unwrap(), canary.value(&with).unwrap());
        assert!(one != two && one.show().starts_with("gx") && one.show().len() == 14);
        assert_eq!(Expression::parse("uuid()").unwrap().value(&with).unwrap().show().len(), 36);
        let number = Expression::parse("number(3, 5)").unwrap();
        assert!((0..50).all(|_| (3.0..=5.0).contains(&number.value(&with).unwrap().number().unwrap())));
    }
}
