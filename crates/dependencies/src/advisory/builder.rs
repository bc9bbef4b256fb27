//! Makes a database of advisories, file by file.

use std::collections::BTreeMap;

use super::database::{self, Database, DatabaseError};
use super::{Entry, osv, rustsec, scores::Scores};
use crate::bounds;
use crate::document::{self, Malformed};

/// Takes advisories as their databases publish them. Pure: whoever opens directories and archives hands over names and bytes.
///
/// ```
/// use gabion_dependencies::AdvisoryBuilder;
///
/// let mut builder = AdvisoryBuilder::new();
/// let advisory = br#"{"id": "X-1", "affected": [{"package": {"ecosystem": "npm", "name": "a"}, "versions": ["1.0.0"]}]}"#;
/// assert_eq!(builder.add("npm/X-1.json", advisory), Ok(1));
/// let database = builder.build("an example", 1_767_225_600);
/// assert_eq!(database.advisories(), 1);
/// ```
#[derive(Debug, Default)]
pub struct AdvisoryBuilder {
    /// By package and id: the same advisory from two sources is one, the later counts.
    entries: BTreeMap<(u8, String, String), Vec<Entry>>,
    count: usize,
    scores: Scores,
}

/// A file that is no advisory.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddError {
    #[error("`{name}` is larger than {limit} MiB; an advisory has some kilobytes")]
    Large { name: String, limit: usize },
    #[error("`{name}` is no advisory: {reason}")]
    Malformed { name: String, reason: String },
    #[error("more than 4 000 000 advisories; leave out ecosystems that are not used")]
    Many,
}

impl AdvisoryBuilder {
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Begins with what a database has. What is added replaces what it says of the same package under the same name.
    ///
    /// # Errors
    /// When it has records that cannot be read.
    pub fn upon(database: &Database) -> Result<Self, DatabaseError> {
        let mut builder = Self::default();
        builder.take(database.entries().ok_or(DatabaseError::Form)?);
        Ok(builder)
    }

    /// Adds a file: OSV in JSON (`*.json`), OSV in TOML (`*.toml`), PyPA's YAML (`*.yaml`, `*.yml`), RustSec's Markdown (`*.md`).
    /// Answers how many packages of our ecosystems it speaks of: none for other files of such a database, for other ecosystems, and
    /// for what was withdrawn. EPSS's scores (`*.csv`) and CISA's catalogue of exploited flaws (JSON) say more of flaws that other
    /// files name, in whatever order they come.
    ///
    /// # Errors
    /// When the file has such a name and is no advisory. What was added before stands.
    pub fn add(&mut self, name: &str, bytes: &[u8]) -> Result<usize, AddError> {
        let Some((form, limit)) = form(name) else { return Ok(0) };
        if bytes.len() > limit {
            return Err(AddError::Large { name: name.to_owned(), limit: limit >> 20 });
        }
        let fail = |reason: String| AddError::Malformed { name: name.to_owned(), reason };
        let text = std::str::from_utf8(bytes).map_err(|_| fail("it is no UTF-8".to_owned()))?;
        let wrong = |error: Malformed| fail(error.to_string());
        let node = match form {
            Form::Scores => {
                self.scores.add_epss(text).map_err(wrong)?;
                return Ok(0);
            }
            Form::Markdown => None,
            Form::Json => Some(document::json(text).map_err(wrong)?),
            Form::Toml => Some(document::toml(text).map_err(wrong)?),
            Form::Yaml => Some(document::yaml(text).map_err(wrong)?),
        };
        let entries = match node {
            Some(node) if self.scores.add_exploited(&node) => return Ok(0),
            Some(node) => osv::entries(&node).ok_or_else(|| fail("`id` is missing".to_owned()))?,
            None => rustsec::entries(text).map_err(wrong)?,
        };
        let added = entries.len();
        if self.count.saturating_add(added) > bounds::ADVISORIES {
            return Err(AddError::Many);
        }
        self.take(entries);
        Ok(added)
    }

    /// How many bytes of a file of this name may be handed over; none where it is not read at all.
    #[must_use]
    pub fn limit(name: &str) -> Option<usize> {
        form(name).map(|(_, limit)| limit)
    }

    fn take(&mut self, entries: Vec<Entry>) {
        self.count = self.count.saturating_add(entries.len());
        let mut fresh: BTreeMap<(u8, String, String), Vec<Entry>> = BTreeMap::new();
        for entry in entries {
            let key = (database::floor(entry.ecosystem), entry.name.clone(), entry.advisory.id.clone());
            fresh.entry(key).or_default().push(entry);
        }
        self.entries.extend(fresh);
    }

    /// For how many flaws a likelihood of attacks is known, and how many are known to be used by attackers, whatever packages they
    /// are in.
    #[must_use]
    pub fn scored(&self) -> (usize, usize) {
        self.scores.len()
    }

    /// How many packages are spoken of so far, each as often as by an advisory.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.count
    }

    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The database: where it is from, and when it was fetched, in seconds since 1970.
    #[must_use]
    pub fn build(self, source: &str, fetched: i64) -> Database {
        let mut entries: Vec<Entry> = self.entries.into_values().flatten().collect();
        for entry in &mut entries {
            self.scores.apply(&mut entry.advisory);
        }
        Database::write(entries, source, fetched)
    }
}

#[derive(Debug, Clone, Copy)]
enum Form {
    Json,
    /// RustSec's.
    Markdown,
    /// EPSS's.
    Scores,
    Toml,
    Yaml,
}

/// What a file is by its name, and how large it may be.
fn form(name: &str) -> Option<(Form, usize)> {
    let file = name.rsplit(['/', '\\']).next().unwrap_or(name);
    let extension = file.rsplit_once('.').map_or("", |(_, extension)| extension);
    // Those two are one file for everything.
    let limit = if extension == "csv" || file.contains("known_exploited") {
        bounds::SCORES
    } else {
        bounds::ADVISORY
    };
    let form = match extension {
        "csv" => Form::Scores,
        "json" => Form::Json,
        "md" if file.starts_with("RUSTSEC-") => Form::Markdown,
        // Every advisory has a number; what else lies in such a database has none.
        "toml" if numbered(file) => Form::Toml,
        "yaml" | "yml" if numbered(file) => Form::Yaml,
        _ => return None,
    };
    Some((form, limit))
}

/// `PYSEC-2024-1.yaml`.
fn numbered(file: &str) -> bool {
    file.contains('-') && file.contains(|sign: char| sign.is_ascii_digit())
}
