//! A name and a password in an address: `postgres://lena:hunter2@db.internal/shop`.

use std::ops::Range;

use gabion_finding::Confidence;

use crate::check::is_random;
use crate::context::Context;
use crate::placeholder;
use crate::shape::Classes;

/// How long user and password may be together, in bytes.
const LONGEST: usize = 300;

/// What stands in an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct UrlPassword {
    pub password: Range<usize>,
    pub database: bool,
    pub confidence: Confidence,
}

/// Looks behind and before a `://`.
pub(crate) fn read(text: &str, separator: Range<usize>, context: Context) -> Option<UrlPassword> {
    let bytes = text.as_bytes();
    let before = bytes.get(separator.start.saturating_sub(24)..separator.start)?;
    let letters = before
        .iter()
        .rev()
        .take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'))
        .count();
    let scheme = text.get(separator.start - letters..separator.start)?;
    if scheme.len() < 2 {
        return None;
    }
    let rest = bytes.get(separator.end..separator.end.saturating_add(LONGEST).min(bytes.len()))?;
    let end = rest.iter().position(|byte| {
        matches!(
            byte,
            b'/' | b'?'
                | b'#'
                | b'"'
                | b'\''
                | b'`'
                | b' '
                | b'\t'
                | b'\n'
                | b'\r'
                | b'<'
                | b'>'
                | b','
                | b'\\'
                | b'|'
        )
    });
    let authority = rest.get(..end.unwrap_or(rest.len()))?;
    let at = authority.iter().rposition(|byte| *byte == b'@')?;
    let colon = authority.get(..at)?.iter().position(|byte| *byte == b':')?;
    let (user, host) = (authority.get(..colon)?, authority.get(at + 1..)?);
    let password = separator.end + colon + 1..separator.end + at;
    let value = text.get(password.clone())?;
    let host = std::str::from_utf8(host).ok()?;
    if host.is_empty()
        || !host.starts_with(|sign: char| {
            sign.is_ascii_alphanumeric() || matches!(sign, '[' | '$' | '{' | '%' | '_')
        })
    {
        return None;
    }
    let confidence = judge(std::str::from_utf8(user).ok()?, value, host, context)?;
    Some(UrlPassword { password, database: is_database(scheme), confidence })
}

fn judge(user: &str, password: &str, host: &str, context: Context) -> Option<Confidence> {
    // What is left without the escapes.
    let bare: usize = (password.split('%').enumerate())
        .map(|(at, part)| {
            part.bytes().skip(if at == 0 { 0 } else { 2 }).filter(u8::is_ascii_alphanumeric).count()
        })
        .sum();
    if bare < 3
        || placeholder::is_placeholder(password)
        || password.contains(['{', '}', '[', '(', '*', '$', '%'].as_slice()) && !encoded(password)
    {
        return None;
    }
    let folded = password.to_ascii_lowercase();
    const SAMPLES: &[&str] = &[
        "password",
        "passwd",
        "pass",
        "pwd",
        "pw",
        "secret",
        "token",
        "user",
        "username",
        "xxx",
        "pswd",
        "mypassword",
        "mypass",
        "test",
        "guest",
        "port",
        "bar",
        "b",
        "p",
        "pa55",
        "pass123",
        "x-oauth-basic",
        "x-token-auth",
        "oauth2",
        "your-password",
        "apikey",
        "key",
    ];
    if SAMPLES.contains(&folded.as_str())
        || folded == "tiger" && user == "scott"
        || folded == user.to_ascii_lowercase() && matches!(folded.as_str(), "user" | "foo" | "a" | "username")
    {
        return Some(Confidence::Low).filter(|_| !context.test && !host.contains("example"));
    }
    if host.starts_with("example.") || host.contains(".example") || host.starts_with("host") {
        return is_random(password).then_some(Confidence::Low);
    }
    if password.bytes().all(|byte| byte.is_ascii_digit()) && password.len() <= 5 && user.contains('.') {
        // `host:port@…` of some other syntax.
        return None;
    }
    let classes = Classes::of(password);
    let plain = classes.digit == 0 && classes.upper == 0 && classes.other == 0;
    Some(match (is_random(password), plain || context.test) {
        (true, _) => Confidence::High,
        (false, true) if context.test && plain => Confidence::Low,
        (false, _) => Confidence::Medium,
    })
}

/// `%40` and the like, not `%s`.
fn encoded(password: &str) -> bool {
    !password.contains(['{', '}', '[', '(', '*'])
        && (!password.contains('$') || is_random(password))
        && password.split('%').skip(1).all(|rest| rest.get(..2).is_some_and(crate::shape::is_hex))
}

fn is_database(scheme: &str) -> bool {
    const SCHEMES: &[&str] = &[
        "postgres",
        "postgresql",
        "mysql",
        "mariadb",
        "mongodb",
        "mongodb+srv",
        "redis",
        "rediss",
        "amqp",
        "amqps",
        "sqlserver",
        "mssql",
        "oracle",
        "clickhouse",
        "cassandra",
        "neo4j",
        "bolt",
        "couchbase",
        "couchdb",
        "cockroachdb",
        "kafka",
        "nats",
        "elasticsearch",
        "influxdb",
        "ldap",
        "ldaps",
        "snowflake",
        "db2",
        "libsql",
        "valkey",
        "memcached",
        "rabbitmq",
        "psql",
        "pgsql",
    ];
    let folded = scheme.to_ascii_lowercase();
    let base = folded.split('+').next().unwrap_or_default();
    SCHEMES.contains(&folded.as_str()) || SCHEMES.contains(&base) || base.ends_with("sql")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Option<(&str, bool, Confidence)> {
        let at = text.find("://")?;
        let url = read(text, at..at + 3, Context::of("src/a.py"))?;
        Some((text.get(url.password)?, url.database, url.confidence))
    }

    #[test]
    fn passwords_in_addresses() {
        assert_eq!(
            found("postgres://lena:hunter2@db.internal/shop"),
            Some(("hunter2", true, Confidence::Medium))
        );
        assert_eq!(
            found("https://ci:x7Kq9vBn2mWzR4tYc8Lp@git.acme.io/r.git"),
            Some(("x7Kq9vBn2mWzR4tYc8Lp", false, Confidence::High))
        );
        assert_eq!(
            found("mongodb+srv://app:p%40ss7word@c.mongodb.net"),
            Some(("p%40ss7word", true, Confidence::High))
        );
        assert_eq!(found("redis://:s3cr3t-9@cache:6379").map(|found| found.0), Some("s3cr3t-9"));
        for text in [
            "https://a.example/x",
            "http://localhost:8080/@user",
            "postgres://user:${PASSWORD}@db/x",
            "https://user:<token>@host",
            "https://{user}:{password}@h",
            "git@github.com:a/b",
            "http://user:%s@host",
            "https://a:b:c/d@e",
            "://",
            "postgres://user:password@host.example/db",
        ] {
            assert_eq!(found(text), None, "{text}");
        }
    }
}
