//! `gabion scan`.

mod accepted;
mod database;
mod deliver;
mod live;
mod sbom;

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use gabion_dependencies::Advisories;
use gabion_finding::{Confidence, Fingerprint, Scanner};
use gabion_model::{Clock as _, Severity, SystemClock, Timestamp};
use gabion_scan::rules::{RuleBook, unpacked};
use gabion_scan::{
    ArchiveOptions, Archives, Baseline, Beside, CacheFolder, Changes, Choice, GitError, HistoryOptions,
    Report, ScanOptions, WalkOptions, advisories, kit, repair, visible,
};

use super::rules::{own_rules, unknown, wrong};
use crate::arguments::{FailOn, Scan, ScanVerb, Sure};
use crate::failure::{Exit, Failure};
use crate::output::progress::Progress;
use crate::output::{self, GOOD, STRONG};

pub(super) fn run(arguments: &Scan) -> Result<Exit, Failure> {
    match &arguments.verb {
        Some(ScanVerb::Db(verb)) => return database::run(verb),
        Some(ScanVerb::Sbom(arguments)) => return sbom::run(arguments),
        None => {}
    }
    let now = SystemClock.now();
    let own = own_rules(arguments.rules.as_deref())?;
    let own = if arguments.only_rules { own.alone() } else { own };
    let all = kit::scanners_with(&own, &knowledge(arguments, now)?).map_err(wrong)?;
    let book = RuleBook::new(&all);
    let (scanners, only, skip) = choose(all, arguments, &book)?;
    let since = arguments.diff.as_deref().or(arguments.review.as_deref());
    let changes = since.map(|revision| Changes::since(&arguments.path, revision));
    let changes = changes.transpose().map_err(git)?;
    let (file, baseline) = accepted::read(arguments)?;
    let previous = deliver::previous(&arguments.previous)?;
    let choice = Choice {
        confidence: match arguments.confidence {
            Sure::Low => Confidence::Low,
            Sure::Medium => Confidence::Medium,
            Sure::High => Confidence::High,
        },
        fail_on: fail_on(arguments.fail_on),
        only: &only,
        skip: &skip,
        baseline: baseline.as_ref(),
        changes: changes.as_ref(),
        strict: arguments.strict,
        now,
    };
    let job = Job { arguments, scanners: &scanners, book: &book, choice };
    let mut report = job.run(now)?;
    if arguments.fix && job.fix(&report, now)? {
        report = job.run(now)?;
    }
    if arguments.write_baseline {
        return accepted::write(arguments, &file, baseline.unwrap_or_default(), &report);
    }
    match changes.as_ref().filter(|_| arguments.review.is_some()) {
        Some(changes) => deliver::review(&job.scan(now)?, changes, &report, arguments)?,
        None => deliver::deliver(&report, arguments, &previous)?,
    }
    Ok(match (report.fails(), report.incomplete.is_empty()) {
        (true, _) => Exit::Failed,
        (false, true) => Exit::Success,
        (false, false) => Exit::Incomplete,
    })
}

struct Job<'a> {
    arguments: &'a Scan,
    scanners: &'a [Box<dyn Scanner>],
    book: &'a RuleBook,
    choice: Choice<'a>,
}

impl Job<'_> {
    fn options(&self, now: Timestamp) -> ScanOptions {
        ScanOptions {
            root: self.arguments.path.clone(),
            walk: WalkOptions {
                vendored: self.arguments.vendored,
                ignored: self.arguments.ignored,
                ..WalkOptions::default()
            },
            largest: self.arguments.largest.bytes(),
            threads: self.threads(),
            cache: (!self.arguments.no_cache).then(cache).flatten(),
            now,
        }
    }

    fn threads(&self) -> usize {
        let present = || std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        self.arguments.threads.unwrap_or_else(present).clamp(1, MOST_THREADS)
    }

    fn scan(&self, now: Timestamp) -> Result<gabion_scan::Scan, Failure> {
        let progress = Watched(Progress::of(0));
        let scan = gabion_scan::scan(&self.options(now), self.scanners, &progress);
        progress.0.finish();
        scan.map_err(|error| Failure::usage(visible(&error.to_string())).because(&error))
    }

    fn run(&self, now: Timestamp) -> Result<Report, Failure> {
        let mut scan = self.scan(now)?;
        if let Some(file) = &self.arguments.endpoints {
            deliver::endpoints(&scan, file)?;
        }
        let known: HashSet<_> = scan.findings.iter().map(|finding| finding.fingerprint).collect();
        let history = if self.arguments.history {
            let options = HistoryOptions {
                threads: self.threads(),
                largest: self.arguments.largest.bytes(),
                ..HistoryOptions::default()
            };
            let progress = Watched(Progress::of(0));
            let history = gabion_scan::history(&scan.root, self.scanners, &known, &options, &progress);
            progress.0.finish();
            Some(history.map_err(git)?)
        } else {
            None
        };
        let mut beside = Beside { history, archives: self.archives(&known, now)? };
        if self.arguments.live {
            live::ask(&mut scan, &mut beside, &self.choice)?;
        }
        Report::new(scan, beside, &self.choice, self.book).map_err(git)
    }

    fn archives(&self, known: &HashSet<Fingerprint>, now: Timestamp) -> Result<Option<Archives>, Failure> {
        if !self.arguments.archives {
            return Ok(None);
        }
        let scan = self.options(now);
        let options =
            ArchiveOptions { threads: scan.threads, largest: scan.largest, ..ArchiveOptions::default() };
        let progress = Watched(Progress::of(0));
        let found = gabion_scan::archives(&scan.root, &scan.walk, self.scanners, known, &options, &progress);
        progress.0.finish();
        let path = visible(&self.arguments.path.to_string_lossy());
        found.map(Some).map_err(|error| Failure::usage(format!("cannot read `{path}`")).because(&error))
    }

    /// Makes what the findings propose, or shows it. Whether files changed.
    fn fix(&self, report: &Report, now: Timestamp) -> Result<bool, Failure> {
        let scan = self.scan(now)?;
        let planned = repair::plan(&scan, report, self.scanners);
        for repaired in &planned {
            output::note(repaired.difference(&scan).trim_end());
            if repaired.left > 0 {
                output::note(format_args!("{} changes of this file touch others and wait", repaired.left));
            }
            if repaired.refused > 0 {
                output::note(format_args!(
                    "{} changes of `{}` are not made: the file could not be read after them",
                    repaired.refused,
                    visible(&repaired.path)
                ));
            }
            if self.arguments.dry_run || repaired.before == repaired.after {
                continue;
            }
            let path = visible(&repaired.path);
            repaired
                .write(&scan)
                .map_err(|error| Failure::new(format!("cannot write `{path}`")).because(&error))?;
            output::note(format_args!(
                "{GOOD}changed{GOOD:#} {STRONG}{path}{STRONG:#}: {}",
                visible(&repaired.says.join("; "))
            ));
        }
        if planned.is_empty() {
            output::note("no finding proposes a change");
        }
        let changes = planned.iter().any(|repaired| repaired.before != repaired.after);
        Ok(!self.arguments.dry_run && changes)
    }
}

const MOST_THREADS: usize = 256;

/// Shows which file is being read.
struct Watched(Progress);

impl gabion_scan::Watch for Watched {
    fn reading(&self, path: &str, done: usize, all: usize) {
        self.0.at(done, all, || visible(path));
    }
}

/// What scanners know besides rules.
fn knowledge(arguments: &Scan, now: Timestamp) -> Result<kit::Knowledge, Failure> {
    let dependencies = settings(&arguments.path)?;
    // Whoever asks for no verdict needs nothing to judge by.
    let judges = |word: &String| word == "dependencies" || word == "dep";
    let others = !arguments.only.is_empty()
        && !arguments.only.iter().any(|word| judges(word) || word.starts_with("dep."));
    let advisories = if arguments.no_advisories || others || arguments.skip.iter().any(judges) {
        Advisories::Unwanted
    } else {
        let file = database::file(&arguments.database);
        let load = |file: PathBuf| advisories::load(&file, now, arguments.age.db_max_age);
        file.map_or(Advisories::Missing, load)
    };
    Ok(kit::Knowledge { advisories, dependencies })
}

/// The advisories that lie where `scan db update` puts them, for whoever judges something else than lock files.
pub(super) fn known(now: Timestamp) -> Advisories {
    let file =
        folder("XDG_DATA_HOME", ".local/share").map(|folder| folder.join("gabion").join(advisories::FILE));
    file.map_or(Advisories::Missing, |file| advisories::load(&file, now, advisories::OLDEST))
}

/// What a project decides itself: `.gabion/scan.toml` of the folder that is scanned.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Own {
    dependencies: gabion_dependencies::Settings,
}

fn settings(path: &Path) -> Result<gabion_dependencies::Settings, Failure> {
    let file = beside(path, OWN);
    let shown = gabion_scan::shown(&file);
    let text = match std::fs::read_to_string(&file) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Own::default().dependencies),
        Err(error) => return Err(Failure::usage(format!("cannot read `{shown}`")).because(&error)),
    };
    toml::from_str::<Own>(&text).map(|own| own.dependencies).map_err(|error| {
        Failure::usage(format!("`{shown}` is wrong")).because_text(visible(&error.to_string()))
    })
}

const OWN: &str = ".gabion/scan.toml";

/// Which scanners run, and which rules of theirs are told.
#[expect(clippy::type_complexity, reason = "three lists that are made together")]
fn choose(
    all: Vec<Box<dyn Scanner>>,
    arguments: &Scan,
    book: &RuleBook,
) -> Result<(Vec<Box<dyn Scanner>>, Vec<String>, Vec<String>), Failure> {
    for word in arguments.only.iter().chain(&arguments.skip) {
        if book.select(word).is_empty() && !all.iter().any(|scanner| scanner.name() == word) {
            return Err(unknown(book, word));
        }
    }
    let is_scanner = |word: &String| all.iter().any(|scanner| scanner.name() == word);
    let (only_scanners, mut only): (Vec<String>, Vec<String>) =
        unpacked(&arguments.only).into_iter().partition(is_scanner);
    let (skip_scanners, skip): (Vec<String>, Vec<String>) =
        unpacked(&arguments.skip).into_iter().partition(is_scanner);
    let has = |scanner: &dyn Scanner, words: &[String]| {
        scanner.rules().iter().any(|rule| words.iter().any(|word| rule.id.is_under(word)))
    };
    let mut chosen: Vec<Box<dyn Scanner>> = Vec::new();
    let mut whole: Vec<String> = Vec::new();
    for scanner in all {
        let name = scanner.name().to_owned();
        let named = only_scanners.contains(&name);
        if named {
            whole.extend(scanner.rules().iter().map(|rule| rule.id.to_string()));
        }
        let wanted = arguments.only.is_empty() || named || has(scanner.as_ref(), &only);
        if wanted && !skip_scanners.contains(&name) {
            chosen.push(scanner);
        }
    }
    // A scanner that is named is wanted whole, also beside single rules of others.
    if !only.is_empty() || !only_scanners.is_empty() {
        only.extend(whole);
    }
    if chosen.is_empty() {
        return Err(Failure::usage("no scanner is left").hint("name fewer under `--skip`"));
    }
    Ok((chosen, only, skip))
}

const fn fail_on(word: FailOn) -> Option<Severity> {
    Some(match word {
        FailOn::Critical => Severity::Critical,
        FailOn::High => Severity::High,
        FailOn::Medium => Severity::Medium,
        FailOn::Low => Severity::Low,
        FailOn::Informational => Severity::Informational,
        FailOn::Never => return None,
    })
}

/// `$XDG_CACHE_HOME/gabion/scan`; none where nobody's home is known.
fn cache() -> Option<CacheFolder> {
    Some(CacheFolder::new(folder("XDG_CACHE_HOME", ".cache")?.join("gabion/scan")))
}

/// A folder of the XDG directories: what the variable says, or below the home.
fn folder(variable: &str, usual: &str) -> Option<PathBuf> {
    let of = |wanted: &str| {
        let found = std::env::vars_os().find(|(name, _)| name == wanted);
        found.map(|(_, value)| PathBuf::from(value)).filter(|path| path.is_absolute())
    };
    of(variable).or_else(|| of("HOME").map(|home| home.join(usual)))
}

fn git(error: GitError) -> Failure {
    let failure = Failure::usage(visible(&error.to_string()));
    match error {
        GitError::None(_) => failure.hint("`--diff`, `--review` and `--history` need the repository itself"),
        GitError::Revision(_) => failure.hint("in CI, fetch it first: a shallow clone has no other branches"),
        GitError::Unreadable(_) => failure,
    }
}

/// Where the baseline stands unless somebody says otherwise: in the folder that is scanned.
fn default_baseline(path: &Path) -> PathBuf {
    beside(path, gabion_scan::baseline::FILE)
}

/// A file in the folder that is scanned.
fn beside(path: &Path, file: &str) -> PathBuf {
    let folder = if path.is_file() { path.parent().unwrap_or(Path::new(".")) } else { path };
    folder.join(file)
}

/// What was accepted; with the place it is written to.
type Accepted = (PathBuf, Option<Baseline>);
