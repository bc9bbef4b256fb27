//! What every scanner is to whoever runs it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{Finding, Place, Rule, RuleId, Source, Verdict};

/// Reads files one by one, in any order and on any thread, then says what only all of them together show.
///
/// **Pure:** the same input gives the same output, to the byte; no clock, file, socket or environment. That is what lets results
/// be kept by the hash of a file. **Bounded:** work and memory grow with the file at most linearly, or are cut off and named in
/// [`Verdict::unread`]. Nothing a file holds makes it panic.
pub trait Scanner: Send + Sync + std::fmt::Debug {
    /// One lower-case word: `secrets`.
    fn name(&self) -> &'static str;

    /// Changes whenever another output is possible for the same input: rules, settings, code. Kept results of another version are
    /// not used.
    fn version(&self) -> String;

    /// Every rule it may name in a finding.
    fn rules(&self) -> Vec<&Rule>;

    /// Whether it reads files of this path. Called for every file of the tree.
    fn reads(&self, path: &str) -> bool;

    /// Whether it also reads what programs wrote: minified and generated files. Secrets and lock files stand there; code that
    /// nobody wrote is not worth its findings.
    fn reads_generated(&self) -> bool {
        true
    }

    /// What one file shows, and what [`Scanner::tree`] must know of it.
    fn file(&self, source: &Source) -> FileReport;

    /// What only the whole tree shows.
    fn tree(&self, tree: &Tree<'_>) -> Verdict {
        let _ = tree;
        Verdict::default()
    }

    /// Parts of a tree that have nothing to do with each other, as numbers of [`Tree::facts`]: what each shows hangs on the facts of
    /// its own files alone, so that it is kept until one of them changes. None: the tree is one.
    fn parts(&self, tree: &Tree<'_>) -> Option<Vec<Vec<usize>>> {
        let _ = tree;
        None
    }

    /// What each of these parts shows, one verdict for each. What is not of any part, [`Scanner::tree`] says of a tree without facts.
    fn look_at(&self, tree: &Tree<'_>, parts: &[Vec<usize>]) -> Vec<Verdict> {
        let _ = (tree, parts);
        Vec::new()
    }

    /// Whether [`Scanner::tree`] asks for [`Tree::uses`]; they are empty where it does not.
    fn asks_uses(&self) -> bool {
        false
    }

    /// Changes whenever [`Scanner::tree`] says something else of the same facts, and [`Scanner::file`] the same of the same files:
    /// another database that only the tree is judged by.
    fn tree_version(&self) -> String {
        String::new()
    }

    /// What the tree is judged by besides rules, for people, with its age: `310 advisories of osv.dev, 2 days old`.
    fn judged_by(&self) -> Option<String> {
        None
    }

    /// What it says of an example of one of its rules, where that needs more than the example itself; none where it does not.
    fn example(&self, rule: &RuleId, side: Side, source: &Source) -> Option<Vec<Finding>> {
        let _ = (rule, side, source);
        None
    }
}

/// Of an example.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    Vulnerable,
    Repaired,
}

/// What one file shows.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileReport {
    pub verdict: Verdict,
    /// For the scanner's own [`Scanner::tree`]: whatever it needs, in whatever form; kept with the report.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub facts: Vec<u8>,
    /// Which packages the file uses, for all scanners; all places are of this file.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub uses: Vec<Use>,
}

/// A file imports a package, or names something of it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Use {
    pub ecosystem: Ecosystem,
    /// As the code spells it: `lodash/merge`, `yaml`, `com.fasterxml.jackson.databind`, `serde_json`.
    pub module: Arc<str>,
    /// What of it, where that is known: `merge`, `load`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub symbol: Option<Arc<str>>,
    /// Whether `symbol` is called here, not only imported.
    #[serde(default)]
    pub called: bool,
    pub place: Place,
}

/// Where packages come from, as OSV names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Ecosystem {
    #[serde(rename = "crates.io")]
    Cargo,
    #[serde(rename = "Packagist")]
    Composer,
    Go,
    Maven,
    #[serde(rename = "npm")]
    Npm,
    NuGet,
    #[serde(rename = "PyPI")]
    PyPi,
    #[serde(rename = "RubyGems")]
    RubyGems,
}

impl Ecosystem {
    pub const ALL: &[Self] = &[
        Self::Cargo,
        Self::Composer,
        Self::Go,
        Self::Maven,
        Self::Npm,
        Self::NuGet,
        Self::PyPi,
        Self::RubyGems,
    ];

    /// As OSV writes it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Cargo => "crates.io",
            Self::Composer => "Packagist",
            Self::Go => "Go",
            Self::Maven => "Maven",
            Self::Npm => "npm",
            Self::NuGet => "NuGet",
            Self::PyPi => "PyPI",
            Self::RubyGems => "RubyGems",
        }
    }
}

/// All files together.
#[derive(Debug, Clone, Copy)]
pub struct Tree<'a> {
    /// The path of every file, in order, whoever reads it, ignored ones left out.
    pub paths: &'a [Arc<str>],
    /// What this scanner kept of each file it read, by path, in order. Files without facts are left out.
    pub facts: &'a [(Arc<str>, Arc<[u8]>)],
    /// What all files use, in order.
    pub uses: &'a [Use],
}
