//! What is known against packages: one form for all sources, kept in a database that is one file.

mod ask;
mod builder;
mod bytes;
mod database;
mod matching;
mod osv;
mod rustsec;
mod scores;
mod severity;

use gabion_finding::Ecosystem;
use gabion_model::Severity;

pub use ask::Flaw;
pub use builder::{AddError, AdvisoryBuilder};
pub use database::{Database, DatabaseError};
pub(crate) use matching::{Hit, Hits, hits};

/// What a scan is judged by. Without it there is no verdict: the scan says so, and is not clean.
#[derive(Debug, Clone, Default)]
pub enum Advisories {
    /// There is no database, or it cannot be used; why, in a few words.
    #[default]
    Missing,
    Unusable(String),
    /// Nobody wants a verdict: nothing is judged, and nothing is said of it.
    Unwanted,
    /// Older than it may be: what it knows is reported, and the scan is incomplete.
    Stale {
        database: Database,
        days: u32,
    },
    Ready {
        database: Database,
        days: u32,
    },
}

impl Advisories {
    /// Whether a database is young enough: `now` in seconds since 1970, `oldest` in days.
    #[must_use]
    pub fn judge(database: Database, now: i64, oldest: u32) -> Self {
        let days = database.age_days(now);
        if days > oldest { Self::Stale { database, days } } else { Self::Ready { database, days } }
    }

    /// What may be asked, young or old.
    #[must_use]
    pub const fn database(&self) -> Option<&Database> {
        match self {
            Self::Ready { database, .. } | Self::Stale { database, .. } => Some(database),
            Self::Missing | Self::Unusable(_) | Self::Unwanted => None,
        }
    }

    /// Changes whenever another verdict is possible.
    #[must_use]
    pub fn version(&self) -> String {
        match self {
            Self::Missing => "none".to_owned(),
            Self::Unusable(reason) => format!("unusable {reason}"),
            Self::Unwanted => "unwanted".to_owned(),
            Self::Stale { database, days } => format!("{} {days}", database.checksum()),
            Self::Ready { database, .. } => database.checksum(),
        }
    }

    /// What packages are judged by, for people.
    #[must_use]
    pub fn judged_by(&self) -> Option<String> {
        let (Self::Ready { database, days } | Self::Stale { database, days }) = self else { return None };
        let age = match days {
            0 => "of today".to_owned(),
            1 => "of yesterday".to_owned(),
            &u32::MAX => "of the future".to_owned(),
            days => format!("{days} days old"),
        };
        let count = database.advisories();
        let advisories = if count == 1 { "advisory" } else { "advisories" };
        Some(format!("{count} {advisories} of {}, {age}", database.source()))
    }
}

/// One advisory as far as it speaks of one package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Advisory {
    pub(crate) id: String,
    /// Names of the same flaw elsewhere: a CVE, a GHSA.
    pub(crate) aliases: Vec<String>,
    pub(crate) summary: String,
    pub(crate) kind: Kind,
    pub(crate) severity: Severity,
    /// As it was scored: `9.8 CVSS:3.1/AV:N/…`. Empty where nobody did.
    pub(crate) score: String,
    pub(crate) ranges: Vec<Vec<Event>>,
    /// Versions that are named one by one.
    pub(crate) versions: Vec<String>,
    /// Functions in which the flaw is, by their paths; empty where nobody said.
    pub(crate) symbols: Vec<String>,
    pub(crate) link: String,
    pub(crate) cwe: Vec<u16>,
    /// Whether it is known to be used by attackers (`CISA KEV`).
    pub(crate) exploited: bool,
    /// Likelihood of attacks within 30 days in hundredths of a percent (EPSS), if known.
    pub(crate) epss: Option<u16>,
}

/// What an advisory says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Flaw,
    /// The package itself is the attack.
    Malicious,
    /// Nobody cares for it any more.
    Unmaintained,
}

/// Where a range begins or ends, in the words of OSV.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Event {
    Introduced(String),
    Fixed(String),
    LastAffected(String),
}

/// An advisory and the package it speaks of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) ecosystem: Ecosystem,
    pub(crate) name: String,
    pub(crate) advisory: Advisory,
}

pub(crate) fn ecosystem(text: &str) -> Option<Ecosystem> {
    // `Maven:https://repo1.maven.org` and the like name a repository behind the colon.
    let text = text.split(':').next().unwrap_or(text);
    Ecosystem::ALL.iter().copied().find(|it| it.as_str() == text)
}

#[cfg(test)]
mod tests;
