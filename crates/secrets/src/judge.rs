//! Whether what is given to a name is a secret, and how sure that is.
//!
//! The name says what to expect ([`Kind`]), the value what it looks like. A password may be short and made of words; something merely
//! called `key` must look drawn and be explained by nothing else: no hash of a file, no identifier, no address.

use gabion_finding::Confidence;

use crate::assignment::Assigned;
use crate::check::{decode, is_chosen, is_jwt, is_random, is_text};
use crate::context::{Context, Style};
use crate::name::{self, Kind};
use crate::shape::{Classes, is_base64, is_hex, is_uuid};
use crate::{placeholder, words};

/// How sure it is that the value is a secret; none where it is not.
pub(crate) fn confidence(
    kind: Kind,
    text: &str,
    assigned: &Assigned,
    context: Context,
) -> Option<Confidence> {
    let name = text.get(assigned.name.clone())?;
    let value = text.get(assigned.value.clone())?.trim();
    if value.len() < 4
        || value.len() >= crate::assignment::LONGEST
        || placeholder::is_placeholder(value)
        || is_public(value)
    {
        return None;
    }
    // Object identifiers, versions, dates.
    if value.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'/' | b':' | b'-' | b' '))
        && value.contains(['.', '/', ':'])
    {
        return None;
    }
    let sure = match kind {
        Kind::Password => password(name, value, assigned.quoted, context),
        Kind::Secret => secret(name, value, context),
        Kind::Token => token(value, context),
        Kind::Key if signs(&name::words(name)) => {
            key(value, context).or_else(|| secret(name, value, context))
        }
        Kind::Key => key(value, context),
    }?;
    // Encrypted for a cluster, to be committed.
    if value.starts_with("Ag") && value.len() >= 60 && text.contains("kind: SealedSecret") {
        return None;
    }
    if is_hex(value) && in_table(text, &assigned.value) {
        return Some(Confidence::Low);
    }
    if context.locale && sure < Confidence::High && !is_random(value) {
        return None;
    }
    Some(sure)
}

fn password(name: &str, value: &str, quoted: bool, context: Context) -> Option<Confidence> {
    if !is_chosen(value) || is_hash(value) {
        return None;
    }
    let classes = Classes::of(value);
    if echoes(name, value) && classes.digit == 0 || numbered(name, value) && context.style == Style::Code {
        return None;
    }
    if is_random(value) {
        return Some(if value.len() >= 16 || !context.test { Confidence::Medium } else { Confidence::Low });
    }
    // `newPassword`, `user-password`: an identifier, said with a quote around it. `MyPassw0rd!` is none.
    // Capitals inside of letters make a name: `IAMUserSSHKeys`.
    let camel = classes.digit == 0 && classes.other == 0 && classes.upper >= 2 && classes.lower >= 2;
    let wordlike = (words::surprise(value) < 4.6 || camel) && classes.digit == 0;
    if wordlike
        && (value.contains(['-', '_', '.', '/', ' ']) || (classes.upper > 0 && !is_title(value, classes)))
    {
        return Some(Confidence::Low)
            .filter(|_| context.style == Style::Config && !context.test && !value.contains('.'));
    }
    if wordlike {
        // A plain word. In settings that is what it says; in code it is as often the name of a field.
        let setting = context.style == Style::Config || name::words(name).len() >= 2;
        return Some(if setting && !context.test && quoted_or_config(quoted, context) {
            Confidence::Medium
        } else {
            Confidence::Low
        });
    }
    Some(if context.style == Style::Text && !quoted { Confidence::Low } else { Confidence::Medium })
}

const fn quoted_or_config(quoted: bool, context: Context) -> bool {
    quoted || matches!(context.style, Style::Config)
}

/// `Secret` as one capital and small letters.
fn is_title(value: &str, classes: Classes) -> bool {
    classes.upper == 1 && value.starts_with(|sign: char| sign.is_ascii_uppercase())
}

fn secret(name: &str, value: &str, context: Context) -> Option<Confidence> {
    // Bytes written out: what a test compares with.
    if value.matches("\\x").count() >= 4 {
        return None;
    }
    if value.len() < 8 || value.contains(char::is_whitespace) || echoes(name, value) {
        return None;
    }
    if is_uuid(value) {
        return Some(if context.test { Confidence::Low } else { Confidence::Medium });
    }
    if is_drawn(value) {
        return Some(Confidence::Medium);
    }
    if placeholder::is_reference(value) {
        return None;
    }
    // A secret that somebody made up: `s3cr3t-of-the-app`. Words alone are as often the name of a secret.
    let classes = Classes::of(value);
    let made_up =
        (classes.kinds() >= 3 || (classes.digit > 0 && classes.kinds() >= 2)) && words::surprise(value) > 4.0;
    let words = name::words(name);
    let names_secret = words.iter().any(|word| word.contains("secret"));
    // Every kind of sign, in no order: nobody names anything so.
    if classes.kinds() >= 4 && value.len() >= 16 && is_random(value) && !context.test {
        return Some(Confidence::Medium);
    }
    // What an application signs with, as people make it up: words and a year.
    let signs = names_secret && words.iter().any(|word| SIGNING.contains(&word.as_str())) || signs(&words);
    let counted = classes.digit > 0 && value.len() >= 10 && !value.contains(['.', '/', ':']);
    if signs && counted && !context.test && context.style != Style::Text {
        return Some(Confidence::Medium);
    }
    // Words run together, long enough that nobody means the name of something: `mysupersecretjwtkey`.
    let run_together = value.len() >= 12
        && value.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
        && matches!(words.last().map(String::as_str), Some("secret" | "key"));
    if signs && run_together && !context.test && context.style != Style::Text && !context.locale {
        return Some(Confidence::Medium);
    }
    let made_up = made_up && (names_secret || !is_slug(value));
    match (made_up, names_secret) {
        (true, true) => Some(Confidence::Medium),
        (true, false) | (false, true) if !context.test || made_up => Some(Confidence::Low),
        _ => None,
    }
}

/// `jwtKey`, `SIGNING_KEY`, `hmac_key`: what tokens are signed with.
fn signs(words: &[String]) -> bool {
    words.last().is_some_and(|last| last == "key")
        && words.iter().any(|word| matches!(word.as_str(), "jwt" | "hmac" | "signing"))
        && !words.iter().any(|word| matches!(word.as_str(), "public" | "name" | "id"))
}

/// Beside `secret` they name what an application signs or encrypts with.
const SIGNING: &[&str] =
    &["app", "cookie", "encryption", "flask", "hmac", "jwt", "key", "session", "signing"];

fn token(value: &str, context: Context) -> Option<Confidence> {
    if value.len() < 12 || value.contains(char::is_whitespace) {
        return None;
    }
    if ends_as_uuid(value) {
        return Some(Confidence::Low);
    }
    if !is_drawn(value) {
        return None;
    }
    Some(if value.len() < 16 || (context.test && value.len() < 20) {
        Confidence::Low
    } else {
        Confidence::Medium
    })
}

fn key(value: &str, context: Context) -> Option<Confidence> {
    if value.len() < 16 || value.contains(char::is_whitespace) || ends_as_uuid(value) || !is_drawn(value) {
        return None;
    }
    // Hexadecimal digits of the length of a hash are one as often as not.
    let hash = is_hex(value) && matches!(value.len(), 32 | 40 | 64 | 96 | 128);
    Some(if hash || is_hex(value) || context.test || value.len() < 20 {
        Confidence::Low
    } else {
        Confidence::Medium
    })
}

/// Whether the lines around say the same of what is no secret: a list of hashes by name.
fn in_table(text: &str, value: &std::ops::Range<usize>) -> bool {
    let before = text.get(..value.start).and_then(|before| {
        let (rest, _) = before.rsplit_once('\n')?;
        rest.get(floor(rest, rest.len().saturating_sub(300))..)?.rsplit('\n').next()
    });
    let after = text.get(value.end..).and_then(|after| after.get(..floor(after, 600))?.split('\n').nth(1));
    [before, after].into_iter().flatten().any(|line| {
        let Some((name, other)) = line.rsplit_once([':', '=']) else { return false };
        let other = other.trim_matches(|sign: char| !sign.is_ascii_alphanumeric());
        let name = name.trim_matches(|sign: char| !sign.is_ascii_alphanumeric());
        other.len() == value.len() && is_hex(other) && name::kind(name).is_none()
    })
}

/// The next boundary of characters at or below a place.
fn floor(text: &str, at: usize) -> usize {
    (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}

/// A UUID, or a name made unique by the better part of one.
fn ends_as_uuid(value: &str) -> bool {
    let mut parts = value.rsplit('-');
    [12, 4, 4, 4].iter().all(|length| parts.next().is_some_and(|part| part.len() == *length && is_hex(part)))
}

/// Drawn characters of an alphabet that secrets are written in.
fn is_drawn(value: &str) -> bool {
    let classes = Classes::of(value);
    let alphabet = value.bytes().all(|byte| {
        byte.is_ascii_graphic()
            && !matches!(byte, b'(' | b')' | b'{' | b'}' | b'<' | b'>' | b'"' | b'\\' | b',' | b';')
    });
    if !alphabet
        || is_slug(value)
        || !is_random(value)
        || (classes.digit == 0 && value.len() < 24 && classes.upper == 0)
    {
        return false;
    }
    if value.contains("://")
        || value.starts_with('/')
        || value.contains('$') && placeholder::is_reference(value)
    {
        return false;
    }
    // Base64 of a text is the text's business: another layer looks into it.
    let encoded = value.len() >= 16
        && is_base64(value)
        && !is_hex(value)
        && decode(value).is_some_and(|bytes| is_text(&bytes));
    !encoded || is_jwt(value)
}

/// Words and numbers with dashes or dots between, as things and versions are named: `gpl-2.0-djvu`, `iso-8879`.
fn is_slug(value: &str) -> bool {
    let mut parts = 0_usize;
    for part in value.split(['-', '.']) {
        parts = parts.saturating_add(1);
        let kinds = Classes::of(part);
        let mixed = kinds.digit > 0 && kinds.digit < part.len();
        let turns = part
            .bytes()
            .zip(part.bytes().skip(1))
            .filter(|(one, next)| one.is_ascii_digit() != next.is_ascii_digit())
            .count();
        let named = !part.is_empty() && part.len() <= 12 && kinds.other == 0 && turns <= 2;
        let one_case = kinds.upper == 0 || kinds.lower == 0 || is_title(part, kinds);
        if !named || !one_case || mixed && (kinds.upper > 0 || part.len() > 8) {
            return false;
        }
    }
    (2..=6).contains(&parts)
}

/// The value says no more than the name: `clientSecret = "client-secret"`.
fn echoes(name: &str, value: &str) -> bool {
    let letters = |text: &str| {
        text.chars().filter(|sign| sign.is_alphanumeric()).flat_map(char::to_lowercase).collect::<String>()
    };
    let (name, value) = (letters(name), letters(value));
    !value.is_empty()
        && (name.ends_with(&value)
            || value.ends_with(&name) && value.bytes().all(|byte| byte.is_ascii_lowercase()))
}

/// The names of fields one after the other: `"password1", "password2"`, `old_password`, `new_password1`.
fn numbered(name: &str, value: &str) -> bool {
    let is_name =
        |text: &str| text.bytes().all(|byte| byte.is_ascii_lowercase() || matches!(byte, b'_' | b'0'..=b'9'));
    let stem = value.trim_end_matches(|sign: char| sign.is_ascii_digit());
    let digits = value.len().saturating_sub(stem.len());
    is_name(name) && is_name(value) && digits == 1 && stem.ends_with("password") && name.contains("password")
}

/// Passwords as they are stored: hashed.
fn is_hash(value: &str) -> bool {
    let folded = value.to_ascii_lowercase();
    [
        "$2a$",
        "$2b$",
        "$2y$",
        "$argon2",
        "$pbkdf2",
        "$5$",
        "$6$",
        "$1$",
        "$apr1$",
        "$scrypt",
        "$y$",
        "{ssha",
        "{sha",
        "{md5}",
        "{crypt}",
        "{bcrypt}",
        "{pbkdf2",
        "pbkdf2_sha",
        "pbkdf2:",
        "scrypt:",
        "scram-sha",
        "*",
    ]
    .iter()
    .any(|start| folded.starts_with(start))
}

/// What is meant to be seen: public keys, certificates, hashes that say which they are, identifiers of images.
fn is_public(value: &str) -> bool {
    const STARTS: &[&str] = &[
        "ssh-rsa ",
        "ssh-ed25519 ",
        "ecdsa-sha2",
        "-----BEGIN PUBLIC",
        "-----BEGIN CERT",
        "-----BEGIN RSA PUBLIC",
        "MIIBIjANBgkqhki",
        "MIGfMA0GCSqGSIb3",
        "MFkwEwYHKoZIzj0",
        "MCowBQYDK2Vw",
        "MIIB",
        "MIIC",
        "MIID",
        "MIIE",
        "MIIF",
        "MII",
        "sha1-",
        "sha256-",
        "sha384-",
        "sha512-",
        "sha256:",
        "sha512:",
        "sha1:",
        "md5:",
        "sha256/",
        "AAAAB3NzaC1",
        "AAAAC3NzaC1",
        "AAAAE2VjZHNh",
        "iVBORw0KGgo",
        "R0lGOD",
        "/9j/",
        "UklGR",
        "PHN2Zy",
        "data:",
        "pk_test_",
        "pk_live_",
        "age1",
        "npub1",
        "0x",
        "urn:",
        "ENC[",
        "ENC(",
        "{cipher}",
        "AgA",
        "CiQA",
        "vault:v",
        "$ANSIBLE_VAULT",
        "6Le",
        "6Lc",
        "6Ld",
        "G-",
        "UA-",
        "GTM-",
        "ca-app-pub-",
        "com.",
        "org.",
    ];
    STARTS.iter().any(|start| value.starts_with(start))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(name: &str, value: &str, path: &str) -> Option<Confidence> {
        let text = format!("{name} = \"{value}\"");
        let assigned = Assigned {
            name: 0..name.len(),
            value: name.len() + 4..name.len() + 4 + value.len(),
            quoted: true,
        };
        confidence(name::kind(name)?, &text, &assigned, Context::of(path))
    }

    #[test]
    fn what_is_shown() {
        for (name, value) in [
            ("password", "hunter2"),
            ("db_password", "Tr0ub4dor&3"),
            ("api_key", "hfbpozfhvuwgtfosmo2imqskc73w04jf"),
            ("token", "x7Kq9vBn2mWzR4tYc8Lp"),
            ("client_secret", "123e4567-e89b-12d3-a456-426614174000"),
            ("SECRET_KEY", "9f86d081884c7d659a2feaa0c55ad015"),
            ("key", "x7Kq9vBn2mWzR4tYc8LpQ1sDf6"),
            ("jwt_secret", "sup3r-s3cr3t!"),
        ] {
            assert!(judged(name, value, "src/app.py") >= Some(Confidence::Medium), "{name} {value}");
        }
    }

    #[test]
    fn what_is_not() {
        for (name, value) in [
            ("password", "password"),
            ("password", "${DB_PASSWORD}"),
            ("password", "Enter your password"),
            ("password", "********"),
            ("api_key", "YOUR_API_KEY"),
            ("token", "authentication_token"),
            ("key", "application.name.first"),
            ("secret", "client-secret"),
            ("password", "$2b$12$abcdefghijklmnopqrstuv"),
            ("access_key", "databaseConnection"),
            ("api_key", "https://a.example/keys"),
            ("token", "next.page.of.results"),
            ("key", "translation.key.of.a.page"),
            ("auth", "Bearer"),
            ("passwordInput", "hunter2"),
            ("key", "sha512-W7s+uC5bikET2twEFgqq8fGk1vJ6d3K9aWzLm=="),
            ("password", "user.password.required"),
            ("api_key", "process.env.API_KEY"),
            ("secret", "/run/secrets/app_secret_file"),
        ] {
            assert!(
                judged(name, value, "src/app.py") < Some(Confidence::Low)
                    || judged(name, value, "src/app.py").is_none(),
                "{name} {value}"
            );
        }
    }
}
