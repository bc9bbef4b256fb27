//! Makes a database of advisories, file by file.

use std::collections::BTreeMap;

use super::database::{self, Database};
use super::{Entry, osv, rustsec};
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
}

/// A file that is no advisory.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddError {
    #[error("`{name}` is larger than 8 MiB; an advisory has some kilobytes")]
    Large { name: String },
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

    /// Adds a file: OSV in JSON (`*.json`), PyPA's YAML (`*.yaml`, `*.yml`), RustSec's Markdown (`*.md`). Answers how many packages
    /// of our ecosystems it speaks of: none for other files of such a database, for other ecosystems, and for what was withdrawn.
    ///
    /// # Errors
    /// When the file has such a name and is no advisory. What was added before stands.
    pub fn add(&mut self, name: &str, bytes: &[u8]) -> Result<usize, AddError> {
        let file = name.rsplit(['/', '\\']).next().unwrap_or(name);
        let extension = file.rsplit_once('.').map_or("", |(_, extension)| extension);
        let markdown = extension == "md" && file.starts_with("RUSTSEC-");
        let yaml = matches!(extension, "yaml" | "yml") && file.contains('-');
        if !(extension == "json" || markdown || yaml) {
            return Ok(0);
        }
        if bytes.len() > bounds::ADVISORY {
            return Err(AddError::Large { name: name.to_owned() });
        }
        let fail = |reason: String| AddError::Malformed { name: name.to_owned(), reason };
        let text = std::str::from_utf8(bytes).map_err(|_| fail("it is no UTF-8".to_owned()))?;
        let wrong = |error: Malformed| fail(error.to_string());
        let entries = if markdown {
            rustsec::entries(text).map_err(wrong)?
        } else {
            let node = if yaml { document::yaml(text) } else { document::json(text) }.map_err(wrong)?;
            osv::entries(&node).ok_or_else(|| fail("`id` is missing".to_owned()))?
        };
        let added = entries.len();
        if self.count.saturating_add(added) > bounds::ADVISORIES {
            return Err(AddError::Many);
        }
        self.count += added;
        let mut fresh: BTreeMap<(u8, String, String), Vec<Entry>> = BTreeMap::new();
        for entry in entries {
            let key = (database::floor(entry.ecosystem), entry.name.clone(), entry.advisory.id.clone());
            fresh.entry(key).or_default().push(entry);
        }
        self.entries.extend(fresh);
        Ok(added)
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
        Database::write(self.entries.into_values().flatten().collect(), source, fetched)
    }
}
