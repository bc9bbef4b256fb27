//! One version of one package, asked about by whoever saw it run.

use gabion_finding::Ecosystem;
use gabion_model::Severity;

use super::matching::hits;
use super::{Database, Kind};

/// A flaw that is known of a version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flaw {
    /// All its names, the advisory's own first.
    pub names: Vec<String>,
    /// What it is, in one line.
    pub summary: String,
    /// How bad it is.
    pub severity: Severity,
    /// The lowest version in which it is repaired.
    pub fixed: Option<String>,
    /// Where more is written.
    pub link: String,
    /// Whether attackers are known to use it.
    pub exploited: bool,
}

impl Database {
    /// The flaws of a version, the worst first. Where it cannot be told whether a version has one, it is left out.
    #[must_use]
    pub fn flaws(&self, ecosystem: Ecosystem, name: &str, version: &str) -> Vec<Flaw> {
        let found = hits(self, ecosystem, name, version).hits.into_iter();
        let mut flaws: Vec<Flaw> = found
            .filter(|hit| !hit.uncertain && hit.advisory.kind == Kind::Flaw)
            .map(|hit| Flaw {
                names: hit.names,
                summary: hit.advisory.summary,
                severity: hit.advisory.severity,
                fixed: hit.fixed,
                link: hit.advisory.link,
                exploited: hit.advisory.exploited,
            })
            .collect();
        flaws.sort_by(|one, two| two.severity.cmp(&one.severity).then_with(|| one.names.cmp(&two.names)));
        flaws
    }
}
