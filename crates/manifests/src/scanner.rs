//! The scanner: which files it reads, what one shows, what all together show.

use gabion_finding::{FileReport, Rule, RuleError, Scanner, Source, Tree, Unread, UnreadReason, Verdict};

use crate::document::Gap;
use crate::formats::{self, Format};
use crate::rule::ManifestRules;
use crate::tree;

/// Reads configuration. See the crate's page.
#[derive(Debug)]
pub struct Manifests {
    rules: ManifestRules,
    version: String,
}

/// No manifest that a person wrote is longer.
const LARGEST: usize = 2 << 20;
/// Changes with the code, so that what was kept of another version is not used.
const CODE: u32 = 1;

impl Manifests {
    /// With the rules that come with the program.
    ///
    /// # Errors
    /// Never, unless the program was built with rules its own tests refuse.
    pub fn new() -> Result<Self, RuleError> {
        Ok(Self { rules: ManifestRules::built_in()?, version: version(crate::pack::FILES.iter().copied()) })
    }

    /// With the rules of files (name, text) besides those of the program.
    ///
    /// # Errors
    /// Names every rule that is wrong.
    pub fn with(files: &[(&str, &str)]) -> Result<Self, RuleError> {
        Self::beside(ManifestRules::built_in()?, crate::pack::FILES, files)
    }

    /// With the rules of files (name, text) alone.
    ///
    /// # Errors
    /// Names every rule that is wrong.
    pub fn alone(files: &[(&str, &str)]) -> Result<Self, RuleError> {
        Self::beside(ManifestRules { rules: Vec::new() }, &[], files)
    }

    fn beside(
        mut rules: ManifestRules,
        built_in: &[(&str, &str)],
        files: &[(&str, &str)],
    ) -> Result<Self, RuleError> {
        for (file, text) in files {
            rules.rules.extend(ManifestRules::read(file, text)?.rules);
        }
        let all = built_in.iter().copied().chain(files.iter().copied());
        Ok(Self { rules, version: version(all) })
    }
}

/// Of the code and of every byte of the rules.
fn version<'a>(files: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    // FNV-1a: nobody gains from two versions that are the same.
    let mut sum = 0xcbf2_9ce4_8422_2325_u64;
    for byte in files.flat_map(|(name, text)| name.bytes().chain(text.bytes())) {
        sum = (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    format!("{CODE}-{sum:016x}")
}

impl Scanner for Manifests {
    fn name(&self) -> &'static str {
        "manifests"
    }

    fn version(&self) -> String {
        self.version.clone()
    }

    fn rules(&self) -> Vec<&Rule> {
        self.rules.rules.iter().map(|ready| &ready.rule).collect()
    }

    fn reads(&self, path: &str) -> bool {
        formats::may_be(path)
    }

    fn file(&self, source: &Source) -> FileReport {
        let mut report = FileReport::default();
        let Some(format) = formats::recognise(source.path(), source.text()) else { return report };
        if source.text().len() > LARGEST {
            report.verdict.unread.push(unread(
                source,
                Gap { reason: UnreadReason::Large, detail: "longer than 2 MiB".to_owned() },
            ));
            return report;
        }
        match format {
            // What these mean, only their neighbours tell.
            Format::Terraform | Format::Sql | Format::Chart => {
                report.facts = tree::text_facts(format, source);
            }
            Format::Ignore => report.facts = tree::text_facts(format, source),
            _ => {
                let file = formats::File::read(format, source);
                let gaps = file.gaps.iter().cloned().map(|gap| unread(source, gap));
                report.verdict.unread.extend(gaps);
                let subjects = file.subjects(source);
                report.verdict.findings = self.rules.findings(&subjects);
                report.facts = tree::facts(format, &subjects);
            }
        }
        report
    }

    /// Who reads `.env` keeps it out of the repository.
    fn asks_uses(&self) -> bool {
        true
    }

    fn tree(&self, tree: &Tree<'_>) -> Verdict {
        tree::verdict(&self.rules, tree)
    }
}

pub(crate) fn unread(source: &Source, gap: Gap) -> Unread {
    Unread { path: std::sync::Arc::clone(source.path()), reason: gap.reason, detail: gap.detail }
}
