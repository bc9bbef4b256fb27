//! `cargo xtask bench probe [PART…]`: what a run of the probe finds and costs, beside peers.
//!
//! | part | |
//! |---|---|
//! | `peers` | the straw man and its repaired twin, attacked by us, wapiti, schemathesis and sqlmap in turn |
//! | `small` | the small API of fifteen operations of the tests: requests and time |
//! | `lab` | the whole laboratory of the tests: found, missed and false by kind |
//!
//! Peers come from their registries once and stay in the user's cache.

mod judge;
mod lab;
mod reading;
mod target;
mod tools;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use self::judge::{Holes, Judged};
use self::target::Target;
use self::tools::{Cost, Tool};
use super::Failure;
use super::ground::{Folder, build, example};
use super::report::{Row, publish};
use crate::output;

/// Runs the parts that are named, or all. `--binary PATH` and `--strawman PATH` name programs that are built already, `--only TOOL`
/// runs one of the tools, `--limit SECONDS` is how long each may take.
pub(crate) fn run(arguments: &[String]) -> Result<(), Failure> {
    let (mut parts, mut tools, mut limit) = (Vec::new(), Vec::new(), 300);
    let (mut binary, mut strawman) = (None, None);
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        let mut value = || rest.next().ok_or_else(|| format!("`{argument}` needs a value"));
        match argument.as_str() {
            "--binary" => binary = Some(PathBuf::from(value()?)),
            "--strawman" => strawman = Some(PathBuf::from(value()?)),
            "--limit" => limit = value()?.parse()?,
            "--only" => tools.push(Tool::named(value()?)?),
            part if PARTS.contains(&part) => parts.push(part),
            other => {
                return Err(format!("no part is called `{other}`; there are {}", PARTS.join(", ")).into());
            }
        }
    }
    if parts.is_empty() {
        parts.extend(PARTS);
    }
    if tools.is_empty() {
        tools.extend(Tool::ALL);
    }
    let root = crate::root();
    for part in parts {
        match part {
            "peers" => {
                let binary = binary.clone().map_or_else(|| build(&root), Ok)?;
                let strawman =
                    strawman.clone().map_or_else(|| example(&root, "gabion-strawman", "strawman"), Ok)?;
                peers(&Bench::make(&root, binary, strawman, limit)?, &tools)?;
            }
            "small" => lab::small(&root)?,
            _ => lab::whole(&root)?,
        }
    }
    Ok(())
}

/// What all tools need.
struct Bench {
    root: PathBuf,
    binary: PathBuf,
    strawman: PathBuf,
    /// Seconds.
    limit: u64,
    /// Where peers are installed.
    cache: PathBuf,
    /// What a run writes.
    folder: Folder,
}

impl Bench {
    fn make(root: &Path, binary: PathBuf, strawman: PathBuf, limit: u64) -> Result<Self, Failure> {
        let cache = crate::cargo::cache().ok_or("no home for a cache")?.join("bench-probe");
        fs::create_dir_all(&cache)?;
        Ok(Self { root: root.into(), binary, strawman, limit, cache, folder: Folder::make()? })
    }
}

/// One tool against one of both applications.
struct Run {
    tool: Tool,
    version: String,
    repaired: bool,
    cost: Cost,
    requests: u64,
    judged: Judged,
}

fn peers(bench: &Bench, tools: &[Tool]) -> Result<(), Failure> {
    let holes = Holes::read(&bench.root)?;
    let mut runs = Vec::new();
    for repaired in [false, true] {
        for tool in tools {
            let version = tool.install(bench)?;
            output::note(&format!(
                "{} {version} against the {}",
                tool.name(),
                if repaired { "repaired twin" } else { "straw man" }
            ));
            let mut target = Target::start(&bench.strawman, repaired)?;
            let (cost, found) = tool.attack(bench, &mut target)?;
            let requests = target.stop()?;
            runs.push(Run {
                tool: *tool,
                version,
                repaired,
                cost,
                requests,
                judged: holes.judge(*tool, repaired, &found)?,
            });
        }
    }
    print(&holes, &runs);
    write(&bench.root, &holes, &runs)
}

fn print(holes: &Holes, runs: &[Run]) {
    output::line(&format!(
        "{:<14} {:>8} {:>9} {:>12} {:>8} {:>9} {:>11} {:>9}  ended",
        "", "version", "holes", "other places", "remarks", "requests", "processor s", "time s"
    ));
    for run in runs {
        let (found, other, remarks) =
            (run.judged.holes.len(), run.judged.other.len(), run.judged.remarks.len());
        output::line(&format!(
            "{:<14} {:>8} {:>9} {:>12} {:>8} {:>9} {:>11.1} {:>9.1}  {}",
            if run.repaired { format!("{}, twin", run.tool.name()) } else { run.tool.name().to_owned() },
            run.version,
            if run.repaired { String::new() } else { format!("{found} of {}", holes.visible().len()) },
            if run.repaired { other + run.judged.places } else { other },
            remarks,
            run.requests,
            run.cost.cpu,
            run.cost.clock,
            if run.cost.limited { "at the limit of time" } else { "by itself" }
        ));
    }
    for run in runs.iter().filter(|run| !run.repaired) {
        let missed: Vec<&str> =
            holes.visible().into_iter().filter(|hole| !run.judged.holes.contains(*hole)).collect();
        output::line(&format!("{} misses {}", run.tool.name(), missed.join(", ")));
    }
    let peers: BTreeSet<&String> = runs
        .iter()
        .filter(|run| !run.repaired && run.tool != Tool::Gabion)
        .flat_map(|run| &run.judged.holes)
        .collect();
    if let Some(own) = runs.iter().find(|run| !run.repaired && run.tool == Tool::Gabion) {
        let alone: Vec<&str> =
            peers.into_iter().filter(|hole| !own.judged.holes.contains(*hole)).map(String::as_str).collect();
        output::line(&format!("found by a peer alone: {}", alone.join(", ")));
    }
}

/// The figures beside each peer, and every single finding with what it was held for.
fn write(root: &Path, holes: &Holes, runs: &[Run]) -> Result<(), Failure> {
    let folder = root.join("target/bench");
    let of = |tool: Tool, repaired: bool| {
        runs.iter().find(move |run| run.tool == tool && run.repaired == repaired)
    };
    let mut rows = Vec::new();
    for tool in Tool::ALL.into_iter().filter(|tool| *tool != Tool::Gabion) {
        let both = |repaired| of(Tool::Gabion, repaired).zip(of(tool, repaired));
        if let Some((ours, theirs)) = both(false) {
            let mut row = |name: &str, unit, of: fn(&Run) -> f64| {
                rows.push(Row::new(name, unit, of(ours), tool.name(), of(theirs)));
            };
            row("holes found", "", |run| run.judged.holes.len() as f64);
            row("requests", "", |run| run.requests as f64);
            row("processor", "s", |run| run.cost.cpu);
            row("time", "s", |run| run.cost.clock);
        }
        if let Some((ours, theirs)) = both(true) {
            let alarms = |run: &Run| (run.judged.other.len() + run.judged.places) as f64;
            rows.push(Row::new("false alarms", "", alarms(ours), tool.name(), alarms(theirs)));
        }
    }
    let mut lines = vec!["tool\tversion\ttarget\theld for\tclass\tplace".to_owned()];
    for run in runs {
        let target = if run.repaired { "repaired" } else { "vulnerable" };
        for (held, class, place) in &run.judged.lines {
            lines.push(format!("{}\t{}\t{target}\t{held}\t{class}\t{place}", run.tool.name(), run.version));
        }
    }
    fs::create_dir_all(&folder)?;
    fs::write(folder.join("probe-findings.tsv"), lines.join("\n") + "\n")?;
    output::note(&format!("{} holes are visible from outside", holes.visible().len()));
    publish(&folder, "probe", &rows)
}

const PARTS: &[&str] = &["peers", "small", "lab"];
