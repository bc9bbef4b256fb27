//! Passwords, keys and tokens written out where settings stand.

use gabion_finding::Span;

use crate::document::{Node, Value};
use crate::subject::{Hit, Subject};

/// Names and values wherever this kind of place has them.
pub(super) fn literal_secrets(subject: &Subject<'_>, _: &[Subject<'_>]) -> Vec<Hit> {
    let paths: &[&str] = match subject.kind {
        "kubernetes.container" | "github.workflow" | "github.job" | "github.step" => &["env"],
        "compose.service" => &["environment"],
        "dockerfile" => &["pairs"],
        "gitlab.file" | "gitlab.job" => &["variables"],
        "env.file" => &["."],
        "cloudformation" => &["Environment.Variables"],
        "kubernetes" => &["data"],
        "terraform" => &[
            "environment.variables",
            "environment.environment_variable",
            "environment_variables",
            "environment_variable",
            "app_settings",
            "env_vars",
            "default_arguments",
            "setting",
            "service_config.environment_variables",
            "template.containers.env",
            "template.template.containers.env",
            "template.container.env",
            "template.spec.containers.env",
            "container.environment_variables",
            "source_configuration.image_repository.image_configuration.runtime_environment_variables",
            "config.software_config.env_variables",
        ],
        _ => &[],
    };
    let nodes = paths
        .iter()
        .flat_map(|path| if *path == "." { vec![subject.node] } else { reached(subject.node, path) });
    let mut hits = Vec::new();
    for (name, value, place) in nodes.flat_map(|node| pairs(node, subject.source.text())) {
        if hits.len() < 100 && is_secret(&name, &value) {
            hits.push(Hit::saying(place, format!("`{name}` is written out here")));
        }
    }
    hits
}

/// The values at a path, into each element of the lists on the way.
fn reached<'a>(node: &'a Node, path: &str) -> Vec<&'a Node> {
    path.split('.').fold(vec![node], |nodes, key| {
        let elements = nodes.iter().flat_map(|node| match &node.value {
            Value::List(items) => items.as_slice(),
            _ => std::slice::from_ref(*node),
        });
        elements.filter_map(|node| node.get(key)).take(1_000).collect()
    })
}

/// `NAME: value`, `[{name, value}]` and `["NAME=value"]`.
fn pairs(node: &Node, text: &str) -> Vec<(String, String, Span)> {
    let mut all = Vec::new();
    for entry in node.entries() {
        let value = match &entry.node.value {
            // GitLab: `NAME: { value: … }`
            Value::Map(_) => entry.node.str_at("value"),
            _ => entry.node.scalar(),
        };
        all.extend(value.map(|value| (entry.key.to_string(), value.to_owned(), entry.place())));
    }
    for item in node.items() {
        if let (Some(name), Some(value)) = (item.str_at("name"), item.entry("value")) {
            all.extend(value.node.scalar().map(|text| (name.to_owned(), text.to_owned(), value.place())));
        } else if let Some((name, value)) = item.scalar().and_then(|line| line.split_once('=')) {
            let (raw, start) = (item.span.of(text), item.span.start);
            let from = if raw.starts_with(['"', '\'']) { start.saturating_add(1) } else { start };
            all.push((name.to_owned(), value.to_owned(), Span::new(from, item.span.end)));
        }
    }
    all
}

const WORDS: &[&str] = &[
    "password",
    "passwd",
    "passphrase",
    "secret",
    "token",
    "apikey",
    "api_key",
    "privatekey",
    "private_key",
    "accesskey",
    "access_key",
    "secretkey",
    "secret_key",
    "credentials",
    "encryption_key",
    "signing_key",
    "jwt_key",
    "master_key",
];
/// What behind such a word makes it the name of something else.
const HARMLESS_ENDS: &[&str] = &[
    "file",
    "path",
    "name",
    "ref",
    "arn",
    "ttl",
    "expiry",
    "expiration",
    "expires",
    "expires_in",
    "lifetime",
    "length",
    "header",
    "url",
    "uri",
    "endpoint",
    "enabled",
    "required",
    "id",
    "type",
    "issuer",
    "audience",
    "policy",
    "rounds",
    "algorithm",
    "prefix",
    "field",
    "max_age",
    "min_length",
    "dir",
    "provider",
    "mode",
    "version",
    "count",
    "limit",
    "rotation",
    "hash_cost",
    "key_id",
    "timeout",
    "interval",
    "days",
    "hours",
    "minutes",
    "seconds",
    "location",
    "keys_url",
    "cookie",
    "salt_rounds",
    "store",
];

/// Whether the name is that of a secret and the value is one.
pub(crate) fn is_secret(name: &str, value: &str) -> bool {
    let value = value.trim().trim_matches(['"', '\'']);
    if in_address(value) {
        return true;
    }
    let mut lower = String::new();
    let mut small = false;
    for letter in name.chars() {
        // `apiKey` is `api_key`.
        if letter.is_uppercase() && small {
            lower.push('_');
        }
        small = letter.is_lowercase();
        lower.extend(
            letter.to_lowercase().map(|letter| if matches!(letter, '-' | '.') { '_' } else { letter }),
        );
    }
    let named = WORDS.iter().any(|word| {
        lower.match_indices(word).any(|(at, _)| {
            let before =
                lower.get(..at).is_none_or(|text| text.is_empty() || text.ends_with('_') || word.len() > 6);
            let rest = lower.get(at.saturating_add(word.len())..).unwrap_or_default();
            before
                && (rest.is_empty()
                    || rest == "s"
                    || rest.starts_with('_')
                    || rest.chars().all(|letter| letter.is_ascii_digit()))
        })
    });
    let harmless = HARMLESS_ENDS.iter().any(|end| lower == *end || lower.ends_with(&format!("_{end}")));
    let switch = ["allow_empty", "enable", "disable", "use_", "require", "public", "max_", "min_", "skip_"]
        .iter()
        .any(|word| lower.contains(word));
    named && !harmless && !switch && is_value(value)
}

/// `postgres://user:password@host`
fn in_address(value: &str) -> bool {
    let Some((_, rest)) = value.split_once("://") else { return false };
    let Some((user, _)) = rest.split('/').next().unwrap_or_default().rsplit_once('@') else { return false };
    user.split_once(':').is_some_and(|(_, password)| is_value(password))
}

/// A literal, not a reference, a placeholder or a switch.
fn is_value(value: &str) -> bool {
    let lower = value.to_lowercase();
    let placeholder = [
        "change",
        "example",
        "placeholder",
        "your",
        "xxx",
        "todo",
        "replace",
        "dummy",
        "<",
        "redacted",
        "***",
        "...",
        "insert",
        "fixme",
        "not-set",
        "unset",
        "none",
        "null",
        "undefined",
        "sample",
        "fake",
    ];
    let marks = ["${", "{{", "$("];
    let beginnings = [
        "arn:aws",
        "secretref",
        "vault:",
        "op://",
        "ssm:",
        "sm://",
        "kms:",
        "enc:",
        "file:",
        "http://",
        "https://",
    ];
    let reference = value.starts_with(['$', '/', '%', '{', '@', '#'])
        || marks.iter().any(|mark| lower.contains(mark))
        || beginnings.iter().any(|mark| lower.starts_with(mark));
    let switches = ["true", "false", "enabled", "disabled", "optional", "required", "default"];
    let small_number = value.len() < 8 && value.bytes().all(|byte| byte.is_ascii_digit());
    let one_letter = value.chars().collect::<std::collections::BTreeSet<_>>().len() < 2;
    let harmless = placeholder.iter().any(|word| lower.contains(word)) || switches.contains(&lower.as_str());
    value.len() >= 6 && !reference && !harmless && !small_number && !one_letter
}

#[cfg(test)]
mod tests {
    use super::is_secret;

    #[test]
    fn secrets_and_what_looks_like_them() {
        for (name, value) in [
            ("DB_PASSWORD", "hunter2hunter2"),
            ("apiKey", "sk_live_abcdef123"),
            ("JWT_SECRET", "s3cr3t-k3y"),
            ("DATABASE_URL", "postgres://app:Tr0ub4dor@db/app"),
            ("POSTGRES_PASSWORD", "postgres"),
        ] {
            assert!(is_secret(name, value), "{name}={value}");
        }
        for (name, value) in [
            ("DB_PASSWORD", "${DB_PASSWORD}"),
            ("DB_PASSWORD_FILE", "/run/secrets/db"),
            ("TOKEN_TTL", "3600000000"),
            ("API_KEY", "changeme-please"),
            ("API_KEY", "your-api-key"),
            ("PASSWORD_MIN_LENGTH", "12000000"),
            ("DATABASE_URL", "postgres://app:${PW}@db/app"),
            ("DATABASE_URL", "postgres://db/app"),
            ("TOKENIZER", "whitespace-tokenizer"),
            ("SECRET_NAME", "prod/db/password"),
            ("ENABLE_TOKEN", "something"),
            ("PASSWORD", ""),
            ("KEYCLOAK_URL", "https://sso.internal/auth"),
        ] {
            assert!(!is_secret(name, value), "{name}={value}");
        }
    }
}
