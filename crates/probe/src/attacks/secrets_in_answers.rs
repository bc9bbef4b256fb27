//! Whether answers carry what was never meant to leave: password hashes, keys, tokens, and texts that the facts name as secret
//! (CWE-201, CWE-200, OWASP API3:2023).
//!
//! 1. Every working answer is read. Forms that nothing else has are findings wherever they stand: password hashes, private
//!    keys, keys of well-known providers, the `secrets` of the facts, the password of an identity.
//! 2. A member of JSON that is called like a secret is one where the contract declares the members of that answer and this one
//!    is not among them, and where its value looks like a credential and not like a word.
//! 3. What an answer gives to who asks for it in order to use it is none: a token from an operation that makes tokens.
//! 4. Control: the answer was read. The request is sent again, and the same must show; the twin is what nobody gets for it,
//!    where that lacks it.

use std::sync::LazyLock;

use gabion_model::Severity;
use gabion_model::outbound::BoxFuture;
use regex::bytes::{Regex, RegexBuilder};
use serde_json::Value;

use super::{Attack, Phase, usable};
use crate::field::{Field, Known};
use crate::verdict::{Outcome, Proof, Verdict};
use crate::wire::{Answer, WireError};

pub(super) struct SecretsInAnswers;

const ID: &str = "secrets-in-answers";

impl Attack for SecretsInAnswers {
    fn id(&self) -> &'static str {
        ID
    }

    fn phase(&self) -> Phase {
        Phase::Look
    }

    fn run<'a>(&'a self, field: &'a Field) -> BoxFuture<'a, Result<(), WireError>> {
        Box::pin(run(field))
    }
}

/// A secret in an answer: what it is, where, and its text.
struct Found {
    what: String,
    text: String,
    severity: Severity,
}

async fn run(field: &Field) -> Result<(), WireError> {
    let mut looked = 0_usize;
    for known in field.examples() {
        let Some(operation) = field.operation(known.operation) else { continue };
        looked = looked.saturating_add(1);
        let id = operation.id();
        let declared = operation.answers.as_ref();
        let makes = ["token", "key", "secret", "credential", "session"]
            .iter()
            .any(|word| operation.path.contains(word));
        let mut all = forms(field, &known.answer);
        if let (Some(declared), Some(body), false) = (declared, known.answer.json(), makes) {
            undeclared(&body, &|name| declared.contains(name), &mut all, 0);
        }
        let Some(worst) = all.iter().max_by_key(|found| found.severity) else { continue };
        report(field, known, &id, operation.is_safe(), worst, &all).await?;
    }
    match looked {
        0 => field.not_tested(ID, "no operation gave an answer to look at"),
        _ => field.say(Outcome::new(ID, "", Verdict::Passed, format!("{looked} answers were read"))),
    }
    Ok(())
}

async fn report(
    field: &Field,
    known: &Known,
    id: &str,
    safe: bool,
    worst: &Found,
    all: &[Found],
) -> Result<(), WireError> {
    let request = known.call.request();
    let mut answer = known.answer.clone();
    if safe {
        let Some(again) = usable(field.call(known.who, &known.call).await)? else { return Ok(()) };
        // Another one each time is made for this answer: a nonce, a token of a form.
        if !again.has(&worst.text) {
            return Ok(());
        }
        answer = again;
    }
    let mut names: Vec<&str> = all.iter().map(|found| found.what.as_str()).collect();
    names.dedup();
    let says = format!("the answer has {}", names.into_iter().take(4).collect::<Vec<_>>().join(", "));
    let evidence = format!("{}: `{}`", worst.what, shortened(&worst.text));
    let mut proof = Proof::new(field.evidence(known.who, &request, &answer), evidence).marked(&worst.text);
    if let Some(anonymous) = known.anonymous.as_ref().filter(|anonymous| !anonymous.has(&worst.text)) {
        proof = proof.twin(field.evidence(0, &request, anonymous));
    }
    field.say(Outcome::new(ID, id, Verdict::Proven, says).severity(worst.severity).proof(proof));
    Ok(())
}

/// The beginning of a secret, enough to know it again.
fn shortened(text: &str) -> String {
    let shown: String = text.chars().take((text.chars().count() / 3).min(12)).collect();
    format!("{shown}…")
}

/// Secrets by their form, and those of the facts.
fn forms(field: &Field, answer: &Answer) -> Vec<Found> {
    let text = answer.text();
    let mut all: Vec<Found> = FORMS
        .iter()
        .filter_map(|(expression, what, severity)| {
            let found = expression.find(text.as_bytes())?;
            Some(Found {
                what: (*what).to_owned(),
                text: String::from_utf8_lossy(found.as_bytes()).into_owned(),
                severity: *severity,
            })
        })
        .collect();
    for secret in &field.facts.secrets {
        let secret = secret.expose();
        if secret.len() >= 4 && text.contains(secret) {
            let what = "a text that the facts name as secret".to_owned();
            all.push(Found { what, text: secret.to_owned(), severity: Severity::Critical });
        }
    }
    if let Some(body) = answer.json().filter(|_| answer.is_success()) {
        passwords(field, &body, &mut all, 0);
    }
    for identity in &field.facts.identities {
        let password = identity.password.as_ref().map_or("", |password| password.expose());
        if password.len() >= 8 && text.contains(password) && answer.is_success() {
            let what = format!("the password of `{}`", identity.name);
            all.push(Found { what, text: password.to_owned(), severity: Severity::Critical });
        }
    }
    all
}

/// Passwords that stand in a field of that name beside the name of whose they are: no matter how short.
fn passwords(field: &Field, value: &Value, all: &mut Vec<Found>, depth: usize) {
    match value {
        Value::Object(members) if depth < 8 => {
            for identity in &field.facts.identities {
                let Some(password) = identity.password.as_ref().map(|password| password.expose()) else {
                    continue;
                };
                let named = members.values().any(|value| value.as_str() == Some(identity.user()));
                let shown = members.iter().find(|(name, value)| {
                    is_password(name) && !password.is_empty() && value.as_str() == Some(password)
                });
                if let (true, Some((name, _))) = (named, shown) {
                    let what = format!("the password of `{}` as it is", identity.name);
                    let text = format!("\"{name}\"");
                    all.push(Found { what, text, severity: Severity::Critical });
                }
            }
            members.values().for_each(|value| passwords(field, value, all, depth.saturating_add(1)));
        }
        Value::Array(items) if depth < 8 => {
            items.iter().take(200).for_each(|item| passwords(field, item, all, depth.saturating_add(1)));
        }
        _ => {}
    }
}

fn is_password(name: &str) -> bool {
    let name = name.to_ascii_lowercase().replace(['_', '-'], "");
    matches!(name.as_str(), "password" | "passwd" | "pwd" | "pass" | "plainpassword" | "userpassword")
}

static FORMS: LazyLock<Vec<(Regex, &'static str, Severity)>> = LazyLock::new(|| {
    let form = |(what, severity, text): &(&'static str, Severity, &str)| {
        #[expect(clippy::expect_used, reason = "the expressions are constants and a test compiles them")]
        let expression =
            RegexBuilder::new(text).unicode(false).build().expect("the expressions are well formed");
        (expression, *what, *severity)
    };
    TABLE.iter().map(form).collect()
});

const TABLE: &[(&str, Severity, &str)] = &[
    (
        "a password hash",
        Severity::High,
        r"\$argon2(?:id|i|d)\$v=\d+\$[^\s\x22<]{10,}|\$2[abxy]\$\d\d\$[./A-Za-z0-9]{53}|\$scrypt\$ln=\d+[^\s\x22<]{10,}|\$pbkdf2-sha\d+\$\d+\$[^\s\x22<]{10,}|\bpbkdf2_sha\d+\$\d+\$[^\s\x22<]{10,}|\b(?:scrypt|pbkdf2):[a-z0-9:]+\$[A-Za-z0-9]+\$[0-9a-f]{32,}|\$[156]\$[./A-Za-z0-9]{4,16}\$[./A-Za-z0-9]{22,}|\{SSHA(?:256|512)?\}[A-Za-z0-9+/=]{20,}",
    ),
    (
        "a password hash",
        Severity::High,
        r#"(?i)"(?:[a-z]*_?)?(?:password|passwd|pwd|pass)_?(?:hash|digest|md5|sha1|sha256)?"\s*:\s*"(?:[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64}|[0-9a-f]{128})""#,
    ),
    (
        "a private key",
        Severity::Critical,
        r"-----BEGIN (?:RSA |EC |OPENSSH |DSA |ENCRYPTED |PGP )?PRIVATE KEY(?: BLOCK)?-----",
    ),
    (
        "a private key",
        Severity::Critical,
        r#""kty"\s*:\s*"(?:RSA|EC|OKP)"[^{}]{0,2000}"d"\s*:\s*"[A-Za-z0-9_-]{30,}""#,
    ),
    ("a key of AWS", Severity::High, r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"),
    ("a token of GitHub", Severity::High, r"\bgh[pousr]_[A-Za-z0-9]{36}\b|\bgithub_pat_[A-Za-z0-9_]{50,}"),
    ("a token of GitLab", Severity::High, r"\bglpat-[A-Za-z0-9_-]{20}\b"),
    ("a secret key of Stripe", Severity::High, r"\b(?:sk|rk)_live_[A-Za-z0-9]{20,}"),
    ("a token of Slack", Severity::High, r"\bxox[abprs]-[0-9A-Za-z-]{20,}"),
    ("a key of SendGrid", Severity::High, r"\bSG\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}\b"),
    (
        "an address with a password in it",
        Severity::High,
        r"\b(?:postgres(?:ql)?|mysql|mongodb(?:\+srv)?|redis|rediss|amqps?)://[^\s:/@<>\x22']{1,64}:[^\s/@<>\x22'*]{3,}@[\w.-]+",
    ),
];

/// Members that are called like a secret and that nobody declared.
fn undeclared(value: &Value, declared: &dyn Fn(&str) -> bool, out: &mut Vec<Found>, depth: usize) {
    if depth > 12 || out.len() > 20 {
        return;
    }
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                match value {
                    Value::String(text) if !declared(name) && is_secret_name(name) && is_credential(text) => {
                        let what = format!("`{name}`, which the contract does not declare");
                        out.push(Found { what, text: text.clone(), severity: Severity::High });
                    }
                    other => undeclared(other, declared, out, depth.saturating_add(1)),
                }
            }
        }
        Value::Array(items) => {
            items.iter().take(50).for_each(|item| undeclared(item, declared, out, depth.saturating_add(1)));
        }
        _ => {}
    }
}

fn is_secret_name(name: &str) -> bool {
    let name: String =
        name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
    let harmless =
        ["csrf", "xsrf", "nextpage", "cursor", "public", "continuation", "pagetoken", "idempotency"];
    if harmless.iter().any(|word| name.contains(word)) {
        return false;
    }
    [
        "password",
        "passwd",
        "secret",
        "token",
        "apikey",
        "privatekey",
        "accesskey",
        "credential",
        "otp",
        "mfakey",
        "totp",
    ]
    .iter()
    .any(|word| name.contains(word))
        || name.ends_with("key") && name.len() > 3
        || matches!(name.as_str(), "pwd" | "salt" | "hash" | "pin")
}

/// A value that was made and not written: long enough, without spaces, with digits or both cases.
fn is_credential(text: &str) -> bool {
    let mixed = text.bytes().any(|byte| byte.is_ascii_digit())
        || text.bytes().any(|byte| byte.is_ascii_uppercase())
            && text.bytes().any(|byte| byte.is_ascii_lowercase());
    let masked = text.contains("***") || text.contains("•••") || text.contains("...");
    text.len() >= 8
        && text.len() <= 5_000
        && mixed
        && !masked
        && !text.contains(char::is_whitespace)
        && !text.contains("://")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn by_form(text: &str) -> Vec<&'static str> {
        FORMS
            .iter()
            .filter(|(expression, ..)| expression.is_match(text.as_bytes()))
            .map(|(_, what, _)| *what)
            .collect()
    }

    #[test]
    fn secrets_are_known_by_their_form() {
        for text in [
            "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ$aGFzaGhhc2g",
            "$2b$12$abcdefghijklmnopqrstuuMQ7J1Z5l8kQeZ8mQbYvQ2oVq6XlYw5K",
            "pbkdf2_sha256$600000$abc$c29tZWhhc2hvZmFwYXNzd29yZA==",
            r#"{"password":"5f4dcc3b5aa765d61d8327deb882cf99"}"#,
        ] {
            assert_eq!(by_form(text), ["a password hash"], "{text}");
        }
        for no in [
            r#"{"etag":"5f4dcc3b5aa765d61d8327deb882cf99","password":"********"}"#,
            "-----BEGIN PUBLIC KEY-----",
            "costs $2 and $100$",
            r#"{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"}"#,
            "postgres://user:****@db/x",
        ] {
            assert_eq!(by_form(no), [""; 0], "{no}");
        }
    }

    #[test]
    fn undeclared_members_are_secrets_by_name_and_value() {
        let body = serde_json::json!({ "api_token": "straw_8f3a9c1e", "csrf_token": "8f3a9c1e8f3a", "key_color": "red",
            "public_key": "8f3a9c1e8f3a", "token": "declared8f3a9c1e", "secret": "a long story with 1 number" });
        let mut all = Vec::new();
        undeclared(&body, &|name| name == "token", &mut all, 0);
        let names: Vec<&str> = all.iter().map(|found| found.text.as_str()).collect();
        assert_eq!(names, ["straw_8f3a9c1e"]);
    }
}
