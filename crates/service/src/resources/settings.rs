//! `[resolvers.NAME]`: who knows the attributes of an application's objects.

use std::collections::BTreeMap;
use std::path::PathBuf;

use gabion_model::{ByteSize, Period, Problem};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use url::Url;

/// Who knows the attributes of some types of object: the application, asked by a signed request, or what the
/// application registered before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ResolverSettings {
    /// The types of object, as policies name them, for instance `["Order"]`. Each type has one resolver.
    pub types: Vec<String>,
    /// Where the application answers (`POST`), for instance `http://127.0.0.1:3000/internal/resources`. Nothing else
    /// is reached, no redirect is followed. When not set, what the application registered
    /// (`PUT /.gabion/api/v1/resources/…`) is known, and nothing else.
    pub url: Option<String>,
    /// How long an answer may take with everything; later there is none. Between 10 milliseconds and 30 seconds.
    pub timeout: Period,
    /// The longest answer.
    pub answer_limit: ByteSize,
    /// How long an answer is used again; `0s`: never. At most a day. So long a change in the application may
    /// go unseen.
    pub cache: Period,
    /// How long it is remembered that there is no such object; `0s`: not at all. At most a day.
    pub cache_missing: Period,
    /// How many objects of a type are remembered.
    pub entries: usize,
    /// How many questions may be under way.
    pub concurrent: usize,
    /// Certificates in PEM form of authorities that are believed beside those of the machine. A relative path
    /// counts from the configuration file.
    pub ca_file: Option<PathBuf>,
}

impl Default for ResolverSettings {
    fn default() -> Self {
        Self {
            types: Vec::new(),
            url: None,
            timeout: Period::from_secs(2),
            answer_limit: ByteSize::new(64 * 1024),
            cache: Period::from_secs(10),
            cache_missing: Period::from_secs(2),
            entries: 10_000,
            concurrent: 64,
            ca_file: None,
        }
    }
}

impl ResolverSettings {
    /// The `host:port` of the address.
    #[must_use]
    pub fn authority(&self) -> Option<String> {
        let url = Url::parse(self.url.as_deref()?).ok()?;
        let host = url.host_str()?;
        Some(format!("{host}:{}", url.port_or_known_default()?))
    }

    /// Everything wrong with these values; paths are relative to the table.
    #[must_use]
    pub fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        if self.types.is_empty() {
            problems.push(
                Problem::new("types", "names no type, so it would never be asked")
                    .hint("for instance `types = [\"Order\"]`"),
            );
        }
        for (index, kind) in self.types.iter().enumerate() {
            if !is_type(kind) {
                problems.push(
                    Problem::new(format!("types[{index}]"), format!("`{kind}` is not a type of object"))
                        .hint("a name as policies have it, for instance `Order` or `Shop::Order`"),
                );
            }
        }
        if let Some(text) = &self.url
            && !is_address(text)
        {
            problems.push(
                Problem::new("url", format!("`{text}` is not an address to ask"))
                    .hint("for instance `http://127.0.0.1:3000/internal/resources`, without query, fragment and password"),
            );
        }
        let day = Period::from_secs(24 * 60 * 60);
        let zero = Period::from_secs(0);
        let bounds = [
            ("timeout", self.timeout, Period::from_millis(10), Period::from_secs(30)),
            ("cache", self.cache, zero, day),
            ("cache_missing", self.cache_missing, zero, day),
        ];
        for (key, value, least, most) in bounds {
            if !(least..=most).contains(&value) {
                problems.push(Problem::new(key, format!("`{value}` is not between {least} and {most}")));
            }
        }
        if !(16..=16 << 20).contains(&self.answer_limit.bytes()) {
            let reason = format!("`{}` is not between 16B and 16MiB", self.answer_limit);
            problems.push(Problem::new("answer_limit", reason));
        }
        for (key, value, most) in
            [("entries", self.entries, 1_000_000), ("concurrent", self.concurrent, 10_000)]
        {
            if !(1..=most).contains(&value) {
                problems.push(Problem::new(key, format!("`{value}` is not between 1 and {most}")));
            }
        }
        problems
    }
}

/// Everything wrong with all of them; paths are relative to `resolvers`.
#[must_use]
pub fn problems(settings: &BTreeMap<String, ResolverSettings>) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut owners: BTreeMap<&str, &str> = BTreeMap::new();
    for (name, one) in settings {
        problems.extend(one.problems().into_iter().map(|problem| problem.under(name)));
        for (index, kind) in one.types.iter().enumerate() {
            if let Some(other) = owners.insert(kind, name) {
                problems.push(
                    Problem::new(
                        format!("{name}.types[{index}]"),
                        format!("`{kind}` has the resolver `{other}` already"),
                    )
                    .hint("each type has one resolver"),
                );
            }
        }
    }
    problems
}

/// A Cedar name: identifiers between `::`.
pub(crate) fn is_type(text: &str) -> bool {
    text.len() <= 128
        && text.split("::").all(|part| {
            let mut bytes = part.bytes();
            bytes.next().is_some_and(|first| first.is_ascii_alphabetic() || first == b'_')
                && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        })
}

fn is_address(text: &str) -> bool {
    Url::parse(text).is_ok_and(|url| {
        matches!(url.scheme(), "http" | "https")
            && url.host_str().is_some_and(|host| !host.is_empty())
            && url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
            && url.fragment().is_none()
    })
}
