//! What a scan of a folder costs: processor time, time on the clock, memory, and what was found by rule.
//! `cargo run --release -p gabion-scan --example cost -- FOLDER [--only SCANNER] [--threads N] [--cache FOLDER] [--vendored yes]
//! [--rules PATH] [--only-rules PATH] [--places RULE] [--least CONFIDENCE]`; `--rules` names rules besides those of the program,
//! `--only-rules` those that run alone. With a rule (or the beginning of one, or `all`) its places are listed, with `unread` what was
//! not read; `--least medium` leaves out what is less sure.

use std::collections::BTreeMap;
use std::io::Write as _;

use gabion_finding::{Confidence, Scanner};
use gabion_model::Timestamp;
use gabion_scan::{CacheFolder, LARGEST, ScanOptions, WalkOptions, kit, scan};

/// As in the program.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let root = arguments.next().ok_or("name a folder")?.into();
    let mut options = ScanOptions {
        root,
        walk: WalkOptions::default(),
        largest: LARGEST,
        threads: 2,
        cache: None,
        now: now()?,
    };
    let (mut only, mut places) = (None, None);
    let mut least = Confidence::Low;
    let mut rules = kit::RuleFolder::default();
    while let Some(option) = arguments.next() {
        let value = arguments.next().ok_or_else(|| format!("`{option}` needs a value"))?;
        match option.as_str() {
            "--only" => only = Some(value),
            "--threads" => options.threads = value.parse()?,
            "--cache" => options.cache = Some(CacheFolder::new(value.into())),
            "--least" => {
                least = match value.as_str() {
                    "low" => Confidence::Low,
                    "medium" => Confidence::Medium,
                    "high" => Confidence::High,
                    _ => return Err(format!("`{value}` is no confidence: low, medium or high").into()),
                };
            }
            "--places" => places = Some(value),
            "--rules" => rules = kit::RuleFolder::read(value.as_ref())?,
            "--only-rules" => rules = kit::RuleFolder::read(value.as_ref())?.alone(),
            "--vendored" => options.walk.vendored = value == "yes",
            _ => return Err(format!("unknown option `{option}`").into()),
        }
    }
    let scanners: Vec<Box<dyn Scanner>> = kit::scanners(&rules)?
        .into_iter()
        .filter(|scanner| only.as_deref().is_none_or(|only| scanner.name() == only))
        .collect();
    let rules = scanners.iter().flat_map(|scanner| scanner.rules());
    let cwe: BTreeMap<&str, String> = rules
        .map(|rule| (rule.id.as_str(), rule.cwe.iter().map(u16::to_string).collect::<Vec<_>>().join(",")))
        .collect();
    let begin = now()?;
    let scan = scan(&options, &scanners, &())?;
    let clock = now()?.as_micros().saturating_sub(begin.as_micros());
    let mut out = std::io::stdout().lock();
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for finding in scan.findings.iter().filter(|finding| finding.confidence >= least) {
        let count = counts.entry(finding.rule.as_str()).or_default();
        *count = count.saturating_add(1);
        if places.as_deref().is_some_and(|places| places == "all" || finding.rule.is_under(places)) {
            let (place, says) = (&finding.place, finding.message.replace(['\n', '\t'], " "));
            let cwe = cwe.get(finding.rule.as_str()).map_or("", String::as_str);
            writeln!(
                out,
                "{}:{}:{}\t{}\t{cwe}\t{says}",
                place.path, place.start.line, place.start.column, finding.rule
            )?;
        }
    }
    let mut reasons: BTreeMap<&str, usize> = BTreeMap::new();
    for unread in &scan.unread {
        let count = reasons.entry(unread.reason.as_str()).or_default();
        *count = count.saturating_add(1);
        if places.as_deref() == Some("unread") {
            writeln!(out, "{}: {} {}", unread.path, unread.reason.as_str(), unread.detail)?;
        }
    }
    for (name, count) in counts {
        writeln!(out, "{count:>7} {name}")?;
    }
    for (name, count) in reasons {
        writeln!(out, "{count:>7} not read: {name}")?;
    }
    let bytes: u64 = scan.files.iter().map(|file| file.bytes).sum();
    let lines: u64 = scan.files.iter().map(|file| u64::from(file.lines)).sum();
    let (files, kept) = (scan.files.len(), scan.kept);
    writeln!(out, "{files} files, {kept} kept, {lines} lines, {:.1} MB", bytes as f64 / 1e6)?;
    let status = std::fs::read_to_string("/proc/self/status")?;
    let most = status.lines().find(|line| line.starts_with("VmHWM")).unwrap_or_default();
    writeln!(out, "{:.2} s of processor, {:.2} s, {most}", processor_time()?, clock as f64 / 1e6)?;
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "a measurement")]
fn now() -> Result<Timestamp, Box<dyn std::error::Error>> {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?;
    Ok(Timestamp::from_micros(i64::try_from(now.as_micros())?))
}

/// Of all threads, to a hundredth of a second.
fn processor_time() -> Result<f64, Box<dyn std::error::Error>> {
    let text = std::fs::read_to_string("/proc/self/stat")?;
    let fields = text.rsplit_once(')').ok_or("no name in stat")?.1.split_whitespace();
    Ok(fields.skip(11).take(2).filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() / 100.0)
}
