//! What is told of a scan: chosen, with frames, in the order people read it in.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use gabion_finding::{Confidence, Finding, Rule, RuleId, Source, Span, Unread, UnreadReason};
use gabion_model::{Severity, Timestamp};

use crate::allow::Allow;
use crate::archives::Archives;
use crate::baseline::{self, Baseline};
use crate::changes::{Changed, Changes};
use crate::elsewhere::Elsewhere;
use crate::engine::Scan;
use crate::evidence::{Evidence, Told};
use crate::frame::{Frame, everywhere, frame};
use crate::git::GitError;
use crate::history::History;
use crate::rules::RuleBook;

/// What of a scan is told.
#[derive(Debug)]
pub struct Choice<'a> {
    /// Less sure findings are left out and counted.
    pub confidence: Confidence,
    /// From where on a finding makes the scan fail; none never does.
    pub fail_on: Option<Severity>,
    /// Rules, families of rules; empty means all.
    pub only: &'a [String],
    pub skip: &'a [String],
    pub baseline: Option<&'a Baseline>,
    pub changes: Option<&'a Changes>,
    /// Whether everything left unread makes the scan incomplete.
    pub strict: bool,
    pub now: Timestamp,
}

/// A finding with what is shown of its place.
#[derive(Debug, Clone)]
pub struct Reported {
    pub finding: Finding,
    /// Without lines where the file is not what it was.
    pub frame: Frame,
}

/// A finding somebody took upon themselves.
#[derive(Debug, Clone)]
pub struct Suppressed {
    pub reported: Reported,
    pub by: Reason,
}

/// How it was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// By a comment on that line.
    Comment {
        line: u32,
        reason: String,
    },
    Baseline {
        reason: String,
    },
}

impl Reason {
    #[must_use]
    pub fn text(&self) -> &str {
        match self {
            Self::Comment { reason, .. } | Self::Baseline { reason } => reason,
        }
    }
}

impl Choice<'_> {
    /// Whether a rule is among those that were asked for.
    #[must_use]
    pub fn has(&self, rule: &RuleId) -> bool {
        chosen_rule(rule, self)
    }
}

/// What was looked at besides the files of a tree.
#[derive(Debug, Default)]
pub struct Beside {
    pub history: Option<History>,
    pub archives: Option<Archives>,
}

/// What is told.
#[derive(Debug)]
pub struct Report {
    pub version: &'static str,
    pub at: Timestamp,
    pub findings: Vec<Reported>,
    pub suppressed: Vec<Suppressed>,
    /// Comments that allow nothing that was found, with their files; some are over.
    pub idle: Vec<(Arc<str>, Allow)>,
    /// Entries of the baseline for what is no longer found.
    pub gone: Vec<baseline::Entry>,
    /// Findings that were left out as too unsure.
    pub unsure: usize,
    /// Findings on lines that did not change.
    pub unchanged: usize,
    pub unread: Vec<Unread>,
    /// Why the scan says nothing about a part, in words; empty when it is whole.
    pub incomplete: Vec<String>,
    /// By id: every rule named above, with the scanner that has it.
    pub rules: BTreeMap<String, (&'static str, Rule)>,
    pub scanners: Vec<(&'static str, String)>,
    /// What a scanner judged by besides rules: a database, and its age.
    pub judged_by: Vec<(&'static str, String)>,
    pub files: usize,
    pub lines: u64,
    pub kept: usize,
    /// Commits and texts that were looked at.
    pub history: Option<(usize, usize)>,
    /// Archives and texts in them that were looked at.
    pub archives: Option<(usize, usize)>,
    /// The commit changes were told by.
    pub base: Option<String>,
    pub fail_on: Option<Severity>,
    /// Of which controls it is evidence.
    pub evidence: Evidence,
    /// Findings that were left out as too unsure, by rule.
    below: BTreeMap<RuleId, usize>,
}

impl Report {
    /// # Errors
    /// When the repository that tells what changed cannot be read.
    pub fn new(scan: Scan, beside: Beside, choice: &Choice<'_>, book: &RuleBook) -> Result<Self, GitError> {
        let mut report = Self {
            version: env!("CARGO_PKG_VERSION"),
            at: choice.now,
            findings: Vec::new(),
            suppressed: Vec::new(),
            idle: Vec::new(),
            gone: Vec::new(),
            unsure: 0,
            unchanged: 0,
            unread: scan.unread.clone(),
            incomplete: Vec::new(),
            rules: BTreeMap::new(),
            scanners: scan.scanners.clone(),
            judged_by: scan.judged_by.clone(),
            files: scan.files.len(),
            lines: scan.files.iter().map(|file| u64::from(file.lines)).sum(),
            kept: scan.kept,
            history: beside.history.as_ref().map(|history| (history.commits, history.texts)),
            archives: beside.archives.as_ref().map(|archives| (archives.archives, archives.texts)),
            base: choice.changes.map(Changes::base),
            fail_on: choice.fail_on,
            evidence: Evidence::default(),
            below: BTreeMap::new(),
        };
        report.choose(&scan, choice)?;
        let history = beside.history.map(|history| (history.unread, history.findings));
        let archives = beside.archives.map(|archives| (archives.unread, archives.findings));
        for (unread, findings) in history.into_iter().chain(archives) {
            report.unread.extend(unread);
            for Elsewhere { finding, frame, .. } in findings {
                report.add(Reported { finding, frame }, choice, None);
            }
        }
        report.settle(&scan, choice, book);
        Ok(report)
    }

    fn choose(&mut self, scan: &Scan, choice: &Choice<'_>) -> Result<(), GitError> {
        let today = today(choice.now);
        let mut used: BTreeSet<(&str, u32)> = BTreeSet::new();
        let mut lens = Lens { scan, open: None, hidden: Vec::new(), changed: HashMap::new() };
        for finding in &scan.findings {
            let path = &finding.place.path;
            let allow = scan.allows.get(path).into_iter().flatten().find(|allow| allow.covers(finding));
            if let Some(allow) = allow {
                used.insert((path, allow.line));
            }
            if !chosen(finding, choice) {
                continue;
            }
            if let Some(changes) = choice.changes
                && !lens.changed(changes, finding)?
            {
                self.unchanged = self.unchanged.saturating_add(1);
                continue;
            }
            let sure = finding.confidence >= choice.confidence;
            let frame = if sure { lens.frame(finding) } else { Frame::default() };
            let reported = Reported { finding: finding.clone(), frame };
            self.add(reported, choice, allow.filter(|allow| !allow.is_over(&today)));
        }
        let all = choice.only.is_empty() && choice.skip.is_empty();
        for (path, allows) in scan.allows.iter().filter(|_| all) {
            let idle =
                allows.iter().filter(|allow| !used.contains(&(path, allow.line)) || allow.is_over(&today));
            self.idle.extend(idle.map(|allow| (Arc::clone(path), allow.clone())));
        }
        if let Some(baseline) = choice.baseline.filter(|_| all && choice.changes.is_none()) {
            let found: BTreeSet<_> = scan.findings.iter().map(|finding| finding.fingerprint).collect();
            self.gone.extend(baseline.all().filter(|entry| !found.contains(&entry.fingerprint)).cloned());
        }
        Ok(())
    }

    fn add(&mut self, reported: Reported, choice: &Choice<'_>, allow: Option<&Allow>) {
        let today = today(choice.now);
        if !chosen(&reported.finding, choice) {
            return;
        }
        let accepted = choice.baseline.and_then(|baseline| baseline.find(&reported.finding, &today));
        if let Some(allow) = allow {
            let by = Reason::Comment { line: allow.line, reason: allow.reason.clone() };
            self.suppressed.push(Suppressed { reported, by });
        } else if let Some(reason) = accepted {
            let by = Reason::Baseline { reason: reason.to_owned() };
            self.suppressed.push(Suppressed { reported, by });
        } else if reported.finding.confidence < choice.confidence {
            self.unsure = self.unsure.saturating_add(1);
            let below = self.below.entry(reported.finding.rule).or_default();
            *below = below.saturating_add(1);
        } else {
            self.findings.push(reported);
        }
    }

    fn settle(&mut self, scan: &Scan, choice: &Choice<'_>, book: &RuleBook) {
        self.findings.sort_by(|one, other| {
            let key = |reported: &Reported| std::cmp::Reverse(reported.finding.severity);
            key(one).cmp(&key(other)).then_with(|| one.finding.place.cmp(&other.finding.place))
        });
        let named = self.findings.iter().chain(self.suppressed.iter().map(|one| &one.reported));
        for reported in named {
            let id = reported.finding.rule.as_str();
            if let Some(entry) = book.find(id) {
                self.rules.insert(id.to_owned(), (entry.scanner, entry.rule.clone()));
            }
        }
        self.unread.sort();
        self.unread.dedup();
        if scan.files.is_empty() && choice.changes.is_none() {
            self.incomplete.push("there was no file to read".to_owned());
        }
        let mut reasons: BTreeMap<UnreadReason, (usize, &Unread)> = BTreeMap::new();
        for unread in self.unread.iter().filter(|unread| is_gap(unread.reason, choice.strict)) {
            let (count, _) = reasons.entry(unread.reason).or_insert((0, unread));
            *count = count.saturating_add(1);
        }
        let words = |(reason, (count, first)): (UnreadReason, (usize, &Unread))| {
            let place = if first.path.is_empty() { "the tree" } else { &first.path };
            let more = if count > 1 { format!(", and {} more", count - 1) } else { String::new() };
            format!("{} ({}): {place}{more}", words(reason), first.detail)
        };
        self.incomplete.extend(reasons.into_iter().map(words));
        let told = Told {
            findings: &self.findings,
            suppressed: &self.suppressed,
            unsure: &self.below,
            complete: self.incomplete.is_empty(),
        };
        self.evidence = Evidence::new(scan, choice, book, &told);
    }

    /// Whether anything found is as severe as the scan fails on.
    #[must_use]
    pub fn fails(&self) -> bool {
        let fails =
            |reported: &Reported| self.fail_on.is_some_and(|least| reported.finding.severity >= least);
        self.findings.iter().any(fails)
    }

    /// How many of each severity, most severe first.
    #[must_use]
    pub fn counts(&self) -> Vec<(Severity, usize)> {
        let of =
            |severity: Severity| self.findings.iter().filter(|one| one.finding.severity == severity).count();
        Severity::ALL.iter().rev().map(|severity| (*severity, of(*severity))).collect()
    }

    /// The scanner a rule belongs to.
    #[must_use]
    pub fn scanner(&self, rule: &str) -> &'static str {
        self.rules.get(rule).map_or("scan", |(scanner, _)| scanner)
    }
}

/// The day of a time, as `2026-12-31`.
pub(crate) fn today(now: Timestamp) -> String {
    now.to_string().chars().take(10).collect()
}

fn chosen(finding: &Finding, choice: &Choice<'_>) -> bool {
    chosen_rule(&finding.rule, choice)
}

/// Whether the rule is among those that were asked for.
pub(crate) fn chosen_rule(rule: &RuleId, choice: &Choice<'_>) -> bool {
    let named = |words: &[String]| words.iter().any(|word| rule.is_under(word));
    (choice.only.is_empty() || named(choice.only)) && !named(choice.skip)
}

/// Whether leaving a file for this reason is a gap in what the scan was asked for. A picture is none, nor are other people's
/// packages; a text that is too long may hold anything, but stands in most repositories.
const fn is_gap(reason: UnreadReason, strict: bool) -> bool {
    match reason {
        UnreadReason::Budget | UnreadReason::Io | UnreadReason::NoVerdict => true,
        UnreadReason::Deep
        | UnreadReason::Encoding
        | UnreadReason::Generated
        | UnreadReason::Large
        | UnreadReason::Minified
        | UnreadReason::Syntax => strict,
        UnreadReason::Binary | UnreadReason::Link | UnreadReason::Vendored => false,
    }
}

/// Why something was not read, for people.
pub(crate) const fn words(reason: UnreadReason) -> &'static str {
    match reason {
        UnreadReason::Binary => "no text",
        UnreadReason::Budget => "more work than is done",
        UnreadReason::Deep => "nested too deep",
        UnreadReason::Encoding => "unknown encoding",
        UnreadReason::Generated => "generated",
        UnreadReason::Io => "cannot be read",
        UnreadReason::Large => "too large",
        UnreadReason::Link => "a link",
        UnreadReason::Minified => "minified",
        UnreadReason::NoVerdict => "nothing to judge by",
        UnreadReason::Syntax => "cannot be parsed",
        UnreadReason::Vendored => "other people's code",
    }
}

/// Looks at the files of findings again, each once: findings come by path.
struct Lens<'a> {
    scan: &'a Scan,
    open: Option<(Arc<str>, Option<Source>)>,
    /// Of the file that is open.
    hidden: Vec<Span>,
    changed: HashMap<Arc<str>, Changed>,
}

impl Lens<'_> {
    fn source(&mut self, path: &Arc<str>) -> Option<&Source> {
        if self.open.as_ref().is_none_or(|(open, _)| open != path) {
            let source = self.scan.source(path);
            let hidden = self.scan.hidden.get(path).map(Vec::as_slice).unwrap_or_default();
            self.hidden = source.as_ref().map(|source| everywhere(source.text(), hidden)).unwrap_or_default();
            self.open = Some((Arc::clone(path), source));
        }
        self.open.as_ref().and_then(|(_, source)| source.as_ref())
    }

    fn frame(&mut self, finding: &Finding) -> Frame {
        let source = self.source(&finding.place.path).cloned();
        source.map(|source| frame(&source, &finding.place, &self.hidden)).unwrap_or_default()
    }

    fn changed(&mut self, changes: &Changes, finding: &Finding) -> Result<bool, GitError> {
        let path = &finding.place.path;
        if let Some(changed) = self.changed.get(path) {
            return Ok(changed.touches(finding));
        }
        let text = self.source(path).map(|source| source.text().to_owned());
        // What is of no one file, or of one that is not what it was, is told.
        let changed = text.map_or(Ok(Changed::Everything), |text| changes.of(path, &text))?;
        let touches = changed.touches(finding);
        self.changed.insert(Arc::clone(path), changed);
        Ok(touches)
    }
}
