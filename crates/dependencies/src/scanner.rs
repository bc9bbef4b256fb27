//! The scanner: reads files one by one, judges the tree.

use std::collections::HashSet;
use std::sync::Arc;

use gabion_finding::{
    Ecosystem, FileReport, Finding, Rule, RuleError, RuleId, Scanner, Side, Source, Span, Tree, Unread,
    UnreadReason, Use, Verdict,
};

use crate::advisory::{Advisories, AdvisoryBuilder};
use crate::check::{flaws, locks, origins, packages, requirements, tree};
use crate::lock;
use crate::pack;
use crate::package::{Format, Inventory};
use crate::parents;
use crate::reach::Uses;
use crate::say::Rules;
use crate::sbom::Bom;
use crate::settings::Settings;

/// Finds what dependencies bring with them. Without advisories it says of every list of packages that there is no verdict
/// ([`UnreadReason::NoVerdict`]); whoever runs it must not call such a scan clean.
#[derive(Debug, Clone)]
pub struct DependencyScanner {
    rules: Rules,
    settings: Settings,
    advisories: Advisories,
}

impl DependencyScanner {
    /// # Errors
    /// When a rule that comes with the program cannot be read, which its tests rule out.
    pub fn new(settings: Settings, advisories: Advisories) -> Result<Self, RuleError> {
        Ok(Self { rules: Rules { all: pack::rules()? }, settings, advisories })
    }

    /// Reads files, and judges them as a tree.
    fn look(&self, files: &[Source], uses: &[Use]) -> Verdict {
        let paths: Vec<Arc<str>> = files.iter().map(|file| Arc::clone(file.path())).collect();
        let mut verdict = Verdict::default();
        let mut facts: Vec<(Arc<str>, Arc<[u8]>)> = Vec::new();
        for file in files.iter().filter(|file| self.reads(file.path())) {
            let report = self.file(file);
            verdict.extend(report.verdict);
            facts.push((Arc::clone(file.path()), report.facts.into()));
        }
        verdict.extend(self.tree(&Tree { paths: &paths, facts: &facts, uses }));
        verdict
    }

    #[must_use]
    pub const fn advisories(&self) -> &Advisories {
        &self.advisories
    }

    /// What the tree is built of, for a list of components: all lock files, and where there is none for a folder, what manifests name
    /// exactly.
    #[must_use]
    pub fn bom(&self, tree: &Tree<'_>, name: &str, version: &str) -> Bom {
        let mut bom = Bom::new(name, version);
        let (files, _) = inventories(tree);
        let redundant = redundant(&files);
        for (path, it) in &files {
            if !it.format.is_sbom() && !redundant.contains(path) {
                bom.add(it);
            }
        }
        bom
    }
}

impl Scanner for DependencyScanner {
    fn name(&self) -> &'static str {
        "dependencies"
    }

    fn version(&self) -> String {
        let settings = serde_json::to_string(&self.settings).unwrap_or_default();
        format!("2 {settings}")
    }

    /// What the advisories know changes findings of the tree only.
    fn tree_version(&self) -> String {
        self.advisories.version()
    }

    fn judged_by(&self) -> Option<String> {
        self.advisories.judged_by()
    }

    /// With the files beside it, and judged by the advisories that the rule brings for it.
    fn example(&self, rule: &RuleId, side: Side, source: &Source) -> Option<Vec<Finding>> {
        let (_, own) = self.rules.all.iter().find(|(it, _)| it.id == *rule)?;
        let mut builder = AdvisoryBuilder::new();
        for (advisory, at) in own.advisories.iter().zip(0_u32..) {
            builder.add(&format!("{at}.json"), advisory.as_bytes()).ok()?;
        }
        let advisories = Advisories::Ready { database: builder.build("examples", 0), days: 0 };
        let judge = Self { rules: self.rules.clone(), settings: Settings::default(), advisories };
        let here = match side {
            Side::Vulnerable => "vulnerable",
            Side::Repaired => "repaired",
        };
        let beside = own.beside.iter().filter(|it| it.side.is_empty() || it.side == here);
        let mut files: Vec<Source> = beside.map(|it| Source::new(&it.file, &it.text)).collect();
        files.push(source.clone());
        files.sort_by(|one, other| one.path().cmp(other.path()));
        let place = Source::new("src/example.js", "x").place(Span::new(0, 1));
        let used = |module: &String| Use {
            ecosystem: Ecosystem::Npm,
            module: module.as_str().into(),
            symbol: None,
            called: false,
            place: place.clone(),
        };
        let uses: Vec<Use> = own.uses.iter().map(used).collect();
        Some(judge.look(&files, &uses).findings)
    }

    fn rules(&self) -> Vec<&Rule> {
        self.rules.all.iter().map(|(rule, _)| rule).collect()
    }

    fn reads(&self, path: &str) -> bool {
        Format::of(path).is_some()
    }

    fn file(&self, source: &Source) -> FileReport {
        let mut report = FileReport::default();
        let path = source.path();
        let Some(format) = Format::of(path) else { return report };
        let (it, malformed) = lock::read(format, source);
        if let Some(malformed) = malformed {
            let reason = if malformed.bound { UnreadReason::Budget } else { UnreadReason::Syntax };
            let line = source.lines().line(malformed.offset);
            let detail = format!("line {line}: {malformed}");
            report.verdict.unread.push(Unread { path: Arc::clone(path), reason, detail });
        }
        for gap in &it.gaps {
            let unread = Unread { path: Arc::clone(path), reason: UnreadReason::Syntax, detail: gap.clone() };
            report.verdict.unread.push(unread);
        }
        let out = &mut report.verdict.findings;
        if !it.format.is_sbom() {
            origins::check(&self.rules, &self.settings, path, &it, out);
            requirements::check(&self.rules, &self.settings, path, &it, out);
        }
        packages::check(&self.rules, &self.settings, path, &it, out);
        report.facts = serde_json::to_vec(&it).unwrap_or_default();
        report
    }

    fn asks_uses(&self) -> bool {
        true
    }

    fn tree(&self, tree: &Tree<'_>) -> Verdict {
        let mut out = Verdict::default();
        let (mut files, broken) = inventories(tree);
        out.unread.extend(broken);
        parents::complete(&mut files);
        let uses = Uses::new(tree.uses);
        let redundant = redundant(&files);
        for (path, it) in files.iter().filter(|(path, _)| !redundant.contains(path)) {
            flaws::check(&self.rules, &self.advisories, &uses, path, it, &mut out);
        }
        locks::check(&self.rules, tree.paths, &files, &mut out.findings);
        tree::check(&self.rules, &self.settings, tree, &files, &uses, &mut out.findings);
        out
    }
}

fn inventories(tree: &Tree<'_>) -> (Vec<(Arc<str>, Inventory)>, Vec<Unread>) {
    let (mut files, mut broken) = (Vec::with_capacity(tree.facts.len()), Vec::new());
    for (path, facts) in tree.facts {
        match serde_json::from_slice::<Inventory>(facts) {
            Ok(it) => files.push((Arc::clone(path), it)),
            Err(error) => broken.push(Unread {
                path: Arc::clone(path),
                reason: UnreadReason::Io,
                detail: format!("what was kept of it cannot be read: {error}"),
            }),
        }
    }
    (files, broken)
}

/// Files whose packages another one lists too, and better: build files beside their lock file, lists of components where there are
/// lock files.
fn redundant(files: &[(Arc<str>, Inventory)]) -> HashSet<Arc<str>> {
    let locked: HashSet<(&str, Format)> = (files.iter())
        .filter(|(_, it)| it.format.is_lock() && !it.packages.is_empty())
        .map(|(path, it)| (locks::folder(path), it.format))
        .collect();
    let any = !locked.is_empty();
    let better = |path: &str, format: Format| match format {
        Format::GradleBuild => locked.contains(&(locks::folder(path), Format::GradleLock)),
        Format::NugetProject => locked.contains(&(locks::folder(path), Format::NugetLock)),
        format => format.is_sbom() && any,
    };
    files.iter().filter(|(path, it)| better(path, it.format)).map(|(path, _)| Arc::clone(path)).collect()
}

#[cfg(test)]
mod tests;
