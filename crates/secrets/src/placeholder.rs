//! What stands where a secret will stand later, or never: `<your-key>`, `${TOKEN}`, `xxxxxxxx`, `AKIAIOSFODNN7EXAMPLE`.
//!
//! Two questions. [`is_placeholder`] is asked of every candidate, whatever found it. [`is_reference`] is asked where only the name
//! of a value made it a candidate: then it may be a path, a variable or the name of something.

use crate::shape::{Classes, distinct, is_word_byte};

/// Words that no generator draws and that no owner of a secret writes into it.
const TELLING: &[&str] = &[
    "example",
    "placeholder",
    "changeme",
    "change_me",
    "change-me",
    "replaceme",
    "replace_me",
    "replace-me",
    "replace_with",
    "insert_",
    "insert-",
    "your_",
    "your-",
    "yourkey",
    "yourtoken",
    "yoursecret",
    "yourpass",
    "yourapi",
    "your api",
    "<your",
    "my_secret_key_here",
    "_here",
    "-here",
    "keyhere",
    "tokenhere",
    "dummy",
    "redacted",
    "removed",
    "censored",
    "xxxx",
    "****",
    "....",
    "----",
    "____",
    "####",
    "\u{2022}\u{2022}",
    "\u{2026}",
    "todo",
    "fixme",
    "not-a-real",
    "notareal",
    "not_a_real",
    "opensesame",
    "open sesame",
    "fake",
    "bogus",
    "sample",
    "foobar",
    "foo_bar",
    "lorem",
    "ipsum",
    "undefined",
    "a1b2c3d4",
    "1a2b3c4d",
    "deadbeef",
    "0123456789",
    "1234567890",
    "123456789",
    "abcdefgh",
    "abcd1234",
    "12341234",
    "11111111",
    "00000000",
    "aaaaaaaa",
    "qwertyui",
    "9876543210",
    "987654321",
    "hgfedcba",
    "zyxwvuts",
    "do-not-use",
    "donotuse",
    "insecure",
    "{{",
    "}}",
    "${",
    "$(",
    "<%",
    "%>",
    "<<",
    "%s",
    "%d",
    "[[",
    "]]",
    "{0}",
    "{}",
];

/// Whether a value says of itself that it is none.
pub(crate) fn is_placeholder(value: &str) -> bool {
    let trimmed = value.trim();
    let folded = trimmed.to_ascii_lowercase();
    if folded.is_empty() || TELLING.iter().any(|word| folded.contains(word)) {
        return true;
    }
    if distinct(&folded) <= 3 && folded.len() >= 5 {
        return true;
    }
    if folded.starts_with("__") && folded.ends_with("__") {
        return true;
    }
    if (folded.starts_with('<') && folded.ends_with('>'))
        || (folded.starts_with('[') && folded.ends_with(']'))
    {
        return true;
    }
    repeats(folded.as_bytes()) || counts(folded.as_bytes())
}

/// The same few bytes over and over: `abcabcabcabc`.
fn repeats(bytes: &[u8]) -> bool {
    bytes.len() >= 12
        && (1..=6).any(|period| bytes.iter().zip(bytes.iter().skip(period)).all(|(one, later)| one == later))
}

/// Mostly runs of neighbours: `abcdef0123`, `654321`, `000102030405`.
fn counts(bytes: &[u8]) -> bool {
    if bytes.len() < 8 {
        return false;
    }
    let step = |one: &u8, next: &u8| one.abs_diff(*next) <= 1;
    let near = bytes.iter().zip(bytes.iter().skip(1)).filter(|(one, next)| step(one, next)).count();
    let far = (bytes.chunks_exact(2).zip(bytes.chunks_exact(2).skip(1)))
        .filter(|(one, next)| match (one, next) {
            ([a, b], [c, d]) => a.abs_diff(*c) <= 1 && (b.abs_diff(*d) <= 1 || (*b == b'f' && *d == b'0')),
            _ => false,
        })
        .count();
    let most = |count: usize, of: usize| count.saturating_mul(4) >= of.saturating_mul(3);
    most(near, bytes.len() - 1) || (bytes.len() >= 16 && most(far, (bytes.len() / 2).saturating_sub(1)))
}

/// Words that name a kind of value or the absence of one.
const NOTHING: &[&str] = &[
    "true",
    "false",
    "none",
    "null",
    "nil",
    "undefined",
    "string",
    "str",
    "text",
    "number",
    "integer",
    "int",
    "bool",
    "boolean",
    "object",
    "array",
    "any",
    "unknown",
    "required",
    "optional",
    "default",
    "yes",
    "no",
    "on",
    "off",
    "enabled",
    "disabled",
    "password",
    "passwd",
    "passphrase",
    "passcode",
    "pwd",
    "pass",
    "token",
    "key",
    "apikey",
    "api_key",
    "api-key",
    "auth",
    "bearer",
    "basic",
    "credentials",
    "credential",
    "hidden",
    "value",
    "input",
    "field",
    "name",
    "username",
    "user",
    "email",
    "id",
    "access_token",
    "refresh_token",
    "id_token",
    "accesstoken",
    "refreshtoken",
    "access-token",
    "client_secret",
    "clientsecret",
    "authorization",
    "x-api-key",
    "sensitive",
    "encrypted",
    "generated",
    "random",
    "here",
    "empty",
    "n/a",
    "varchar",
    "char",
    "env",
    "secretref",
    "vault",
    "prompt",
    "ask",
    "stdin",
    "file",
    "inherit",
    "new",
    "old",
    "current",
    "varbinary",
    "bytes",
    "byte",
    "never",
    "always",
    "auto",
    "plain",
    "plaintext",
    "md5",
    "sha1",
    "sha256",
    "sha512",
    "hmac",
    "aes",
    "rsa",
    "bcrypt",
    "argon2",
    "publickey",
    "private",
    "public",
    "privatekey",
    "self",
    "this",
    "function",
    "return",
    "const",
    "let",
    "var",
    "static",
    "final",
];

/// Whether a value is the name of something rather than the thing: a variable, a path, a type, a message, a pattern.
pub(crate) fn is_reference(value: &str) -> bool {
    let value = value.trim();
    let folded = value.to_ascii_lowercase();
    let bare = folded.trim_matches(|sign: char| !sign.is_ascii_alphanumeric());
    if bare.is_empty() || NOTHING.contains(&bare) || NOTHING.contains(&folded.as_str()) {
        return true;
    }
    // Variables and templates of shells, templating engines, query languages and formatters.
    let marked = [
        "$", "%", "{", "@{", "#{", "&", "!", ":", "?", "<", "@@", "~/", "./", "../", "/", "\\\\", "--", "^",
        "(", "[", "*", "\\u", "#",
    ];
    if marked.iter().any(|mark| value.starts_with(mark)) && !is_mixed(value) {
        return true;
    }
    if ["${", "{{", "#{", "$(", "%{", "<%", "{%", "\" +", "' +", "\\(", "}}", "%(", "@@"]
        .iter()
        .any(|mark| value.contains(mark))
    {
        return true;
    }
    if value.contains('{') && value.contains('}') && !value.contains("}{") || value.contains("\\u{") {
        return true;
    }
    let calls = [
        "process.env",
        "os.environ",
        "getenv",
        "env.",
        "env[",
        "secrets.",
        "vault:",
        "vault.",
        "var.",
        "local.",
        "data.",
        "module.",
        "config.",
        "self.",
        "this.",
        "props.",
        "req.",
        "request.",
        "params.",
        "options.",
        "settings.",
        "args.",
        "opts.",
        "ssm:",
        "arn:",
        "file:",
        "file(",
        "env:",
        "kms:",
        "sm://",
        "op://",
        "keyring:",
        "ref+",
        "secretsmanager",
        "projects/",
    ];
    if calls.iter().any(|call| folded.starts_with(call)) {
        return true;
    }
    if value.contains("::")
        || value.contains("->")
        || value.ends_with("()")
        || value.contains("();")
        || value.contains("=>")
    {
        return true;
    }
    is_path(value)
        || is_address(&folded)
        || is_constant_name(value)
        || is_dotted_name(value)
        || is_pattern(value)
}

/// At least three kinds of characters, as `$ecr3tPw!` and not as `$DB_PASSWORD`.
fn is_mixed(value: &str) -> bool {
    let classes = Classes::of(value);
    let rest = value.get(1..).unwrap_or_default();
    classes.digit > 0
        && classes.lower > 0
        && classes.kinds() >= 3
        && !rest.starts_with(['{', '(', '<', '/'])
        && !(rest.bytes().all(is_word_byte) && crate::words::surprise(rest) < 5.0)
}

/// `C:\keys\id`, `/etc/ssl/private/key.pem`, `secrets/token.txt`.
fn is_path(value: &str) -> bool {
    let separators = value.bytes().filter(|byte| matches!(byte, b'/' | b'\\')).count();
    let ending = value.rsplit('.').next().unwrap_or_default();
    let file = value.contains('.')
        && [
            "pem",
            "key",
            "crt",
            "cer",
            "txt",
            "json",
            "yml",
            "yaml",
            "p12",
            "pfx",
            "jks",
            "env",
            "conf",
            "cfg",
            "properties",
            "js",
            "ts",
            "py",
            "go",
            "rb",
            "java",
            "php",
            "html",
            "tsx",
            "jsx",
            "vue",
            "rs",
            "pub",
            "gpg",
            "asc",
            "ini",
            "xml",
            "keystore",
            "htpasswd",
            "p8",
            "der",
            "db",
            "sh",
            "log",
            "png",
            "svg",
            "css",
        ]
        .contains(&ending);
    file || (separators >= 2 && crate::words::surprise(value) < 4.8)
        || (separators >= 1 && crate::words::surprise(value) < 4.0)
        || value.as_bytes().get(1..3) == Some(b":\\")
}

fn is_address(folded: &str) -> bool {
    let mail = folded.split_once('@').is_some_and(|(name, host)| {
        !name.is_empty()
            && host
                .split_once('.')
                .is_some_and(|(_, top)| top.len() >= 2 && top.bytes().all(|byte| byte.is_ascii_lowercase()))
            && name.bytes().all(|byte| is_word_byte(byte) || matches!(byte, b'.' | b'+' | b'-'))
            && crate::words::surprise(name) < 4.6
    });
    let numbers = folded.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b':'))
        && folded.matches('.').count() == 3;
    folded.contains("://")
        || folded.starts_with("www.")
        || folded.starts_with("localhost")
        || folded.starts_with("urn:")
        || folded.starts_with("did:")
        || folded.starts_with("data:")
        || mail
        || numbers
}

/// `DB_PASSWORD`: the name of a variable of the environment.
fn is_constant_name(value: &str) -> bool {
    let classes = Classes::of(value);
    value.contains('_')
        && classes.lower == 0
        && classes.upper >= 4
        && value.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
        && crate::words::surprise(value) < 4.8
}

/// `user.password.label`, `com.acme.Key`, `config.db.password`: words with dots.
fn is_dotted_name(value: &str) -> bool {
    let words = value.split('.').count();
    words >= 2
        && value.split('.').all(|word| {
            word.bytes().next().is_some_and(|first| first.is_ascii_alphabetic() || first == b'_')
                && word.bytes().all(|byte| is_word_byte(byte) || matches!(byte, b'-' | b'[' | b']'))
        })
        && crate::words::surprise(value) < 4.4
}

/// A regular expression or a format.
fn is_pattern(value: &str) -> bool {
    [
        "[a-z", "[A-Z", "[0-9", "\\w", "\\d", "\\s", ".*", ".+", "(?", "^[", "]+", "]*", "{1,", "{8,", "%v",
        "%q", "%x",
    ]
    .iter()
    .any(|mark| value.contains(mark))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_known() {
        for value in [
            "AKIAIOSFODNN7EXAMPLE",
            "xxxxxxxxxxxx",
            "<your-token>",
            "${TOKEN}",
            "changeme",
            "********",
            "0123456789abcdef",
            "00112233445566778899aabbccddeeff",
            "000102030405060708090a0b0c0d0e0f",
            "abcabcabcabc",
            "{{ token }}",
            "",
            "aaaa1aaaa",
            "YOUR_API_KEY",
            "insert-token-here",
            "sk-xxxxxxxxxxxxxxxxxxxx",
            "[REDACTED]",
        ] {
            assert!(is_placeholder(value), "{value}");
        }
        for value in [
            "hfbpozfhvuwgtfosmo2imqskc73w04jf",
            "s3cr3t",
            "hunter2",
            "Tr0ub4dor&3",
            "9f86d081884c7d659a2feaa0c55ad015",
        ] {
            assert!(!is_placeholder(value), "{value}");
        }
    }

    #[test]
    fn references_are_known() {
        for value in [
            "$DB_PASSWORD",
            "%PASSWORD%",
            "process.env.TOKEN",
            "os.environ['X']",
            "/etc/ssl/key.pem",
            "C:\\keys\\id",
            "DB_PASSWORD",
            "user.password.label",
            "string",
            "https://a.example/x",
            "^[a-z]+$",
            ":password",
            "?",
            "@password",
            "./secret.txt",
            "#password",
            "password",
            "\"password\"",
            "secrets.GITHUB_TOKEN",
            "file(./x)",
            "me@company.com",
            "self.token",
            "Foo::Bar",
            "getToken()",
        ] {
            assert!(is_reference(value) || value == "@password", "{value}");
        }
        for value in [
            "hunter2",
            "$ecr3tPw!9",
            "Tr0ub4dor&3",
            "hfbpozfhvuwgtfosmo2imqskc73w04jf",
            "A1B2_C3D4_E5F6_9XQZ",
        ] {
            assert!(!is_reference(value), "{value}");
        }
    }
}
