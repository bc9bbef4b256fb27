//! Private keys in PEM (RFC 7468), on many lines, indented, behind comment signs, in one line with `\n`, or glued together from texts.

use std::ops::Range;

use crate::check::decode;
use crate::shape::distinct;

/// The longest block that is read, in bytes.
pub(crate) const LONGEST: usize = 32 << 10;
/// How the blocks begin.
pub(crate) const BEGIN: &str = "-----BEGIN ";

/// A private key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PrivateKey {
    pub whole: Range<usize>,
    /// A passphrase stands between it and whoever reads it.
    pub encrypted: bool,
    /// It decodes to what it says it is.
    pub intact: bool,
}

/// The key whose `-----BEGIN ` stands at `start`.
pub(crate) fn read(text: &str, start: usize) -> Option<PrivateKey> {
    let rest = text.get(start..)?;
    let rest = bounded(rest);
    let label_end = rest.get(BEGIN.len()..)?.bytes().take(48).position(|byte| byte == b'-')? + BEGIN.len();
    let label = rest.get(BEGIN.len()..label_end)?;
    let named = label.ends_with("PRIVATE KEY")
        || label == "PGP PRIVATE KEY BLOCK"
        || label.ends_with("PRIVATE KEY BLOCK");
    if !named || !label.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b' ')
    {
        return None;
    }
    let body_from = label_end.checked_add(5)?;
    let body = rest.get(body_from..)?;
    // A key that was cut off is one still, if enough of it is there.
    let (body, whole) = match body.find("-----") {
        Some(at) if body.get(at..).is_some_and(|tail| tail.starts_with("-----END")) => {
            let tail = body.get(at + 5..)?;
            let close = tail
                .bytes()
                .take(64)
                .enumerate()
                .skip(3)
                .find(|(_, byte)| *byte == b'-')
                .map_or(0, |(close, _)| close + 5);
            (body.get(..at)?, body_from + at + 5 + close)
        }
        Some(_) => return None,
        None => {
            let end = body.find("\n\n").unwrap_or(body.len());
            (body.get(..end)?, body_from + end)
        }
    };
    let whole = start..(start + whole.min(rest.len()));
    let encrypted = label.starts_with("ENCRYPTED") || body.contains("ENCRYPTED");
    let letters = base64_of(body)?;
    let intact = is_intact(label, &letters);
    let openssh_locked = label.starts_with("OPENSSH")
        && decode(letters.get(..letters.len().min(80) / 4 * 4)?).is_some_and(|bytes| {
            // After the magic: the name of the cipher, `none` in the open.
            bytes.get(15..).is_some_and(|rest| !rest.starts_with(&[0, 0, 0, 4, b'n', b'o', b'n', b'e']))
        });
    Some(PrivateKey { whole, encrypted: encrypted || openssh_locked, intact })
}

/// The base64 of a body, whatever was put between its lines; none where it is too little or something else.
fn base64_of(body: &str) -> Option<String> {
    let body = body.replace("\\\\n", "\n").replace("\\r", "\n").replace("\\n", "\n").replace("\\/", "/");
    let mut letters = String::new();
    for line in body.lines() {
        let quoted = line.contains(['"', '\'']);
        let is_noise = |sign: char| {
            sign.is_whitespace()
                || matches!(
                    sign,
                    '"' | '\'' | ',' | ';' | '#' | '*' | '>' | '|' | '\\' | '`' | '.' | '(' | ')' | '<' | '&'
                )
                || (quoted && sign == '+')
        };
        let line = line.trim_matches(is_noise);
        // Headers of the block, and the checksum of OpenPGP.
        if line.contains(": ") || line.starts_with('=') || line.starts_with("//") && line.len() < 8 {
            continue;
        }
        if line.is_empty() {
            continue;
        }
        if !line.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=')) {
            return None;
        }
        letters.push_str(line);
    }
    (letters.len() >= 40 && distinct(&letters) >= 16).then_some(letters)
}

fn is_intact(label: &str, letters: &str) -> bool {
    let Some(head) = letters.get(..letters.len().min(64) / 4 * 4).and_then(decode) else { return false };
    match label {
        "OPENSSH PRIVATE KEY" => head.starts_with(b"openssh-key-v1\0"),
        label if label.starts_with("PGP") => head.first().is_some_and(|first| first & 0x80 != 0),
        // A sequence of DER, whatever algorithm.
        _ => head.first() == Some(&0x30),
    }
}

fn bounded(text: &str) -> &str {
    let mut end = text.len().min(LONGEST);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &str = "MC4CAQAwBQYDK2VwBCIEIHgXq0pTn3hN5vJ2Kc8yWf1mRz4uQbLd7oPsGtEiAj9x";

    fn key(text: &str) -> Option<PrivateKey> {
        read(text, text.find(BEGIN)?)
    }

    #[test]
    fn keys_in_every_dress() {
        for text in [
            format!("-----BEGIN PRIVATE KEY-----\n{BODY}\n-----END PRIVATE KEY-----\n"),
            format!("key: |\n    -----BEGIN PRIVATE KEY-----\n    {BODY}\n    -----END PRIVATE KEY-----\n"),
            format!("\"k\": \"-----BEGIN PRIVATE KEY-----\\n{BODY}\\n-----END PRIVATE KEY-----\\n\""),
            format!(
                "x = \"-----BEGIN PRIVATE KEY-----\\n\" +\n  \"{BODY}\\n\" +\n  \"-----END PRIVATE KEY-----\""
            ),
            format!("# -----BEGIN PRIVATE KEY-----\r\n# {BODY}\r\n# -----END PRIVATE KEY-----\r\n"),
        ] {
            let found = key(&text).unwrap_or_else(|| panic!("{text}"));
            assert!(found.intact && !found.encrypted, "{text}");
            assert!(text.get(found.whole).unwrap().ends_with("KEY-----"), "{text}");
        }
        let locked = format!(
            "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,0011\n\n{BODY}\n-----END RSA PRIVATE KEY-----"
        );
        assert!(key(&locked).unwrap().encrypted);
    }

    #[test]
    fn what_is_no_key() {
        for text in [
            format!("-----BEGIN PUBLIC KEY-----\n{BODY}\n-----END PUBLIC KEY-----\n"),
            format!("-----BEGIN CERTIFICATE-----\n{BODY}\n-----END CERTIFICATE-----\n"),
            "-----BEGIN PRIVATE KEY-----\n...\n-----END PRIVATE KEY-----".to_owned(),
            "-----BEGIN PRIVATE KEY-----\n<your key here>\n-----END PRIVATE KEY-----".to_owned(),
            "if (text.startsWith(\"-----BEGIN RSA PRIVATE KEY-----\")) {".to_owned(),
            "-----BEGIN ".to_owned(),
        ] {
            assert_eq!(key(&text), None, "{text}");
        }
    }
}
