//! What a scan costs beside peers that look for the same, on the sources of packages of the registries.
//!
//! All take turns. The peers read a corpus of some 100,000 lines; one of more than 1,000,000 lines is for us alone: cold, warm and
//! after one file changed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::measured::Cost;
use super::packages::Registry;
use super::{Bench, Failure, peers};
use crate::bench::report::{Row, median_and_least, publish};
use crate::output;

const SMALL: &[(Registry, &str, &str)] = &[
    (Registry::Npm, "express", "5.3.0"),
    (Registry::Npm, "knex", "3.3.0"),
    (Registry::Npm, "mongoose", "9.12.1"),
    (Registry::PyPi, "celery", "5.7.0"),
];

const LARGE: &[(Registry, &str, &str)] = &[
    (Registry::Npm, "graphql", "17.1.0"),
    (Registry::Npm, "mathjs", "15.2.0"),
    (Registry::Npm, "rxjs", "7.8.2"),
    (Registry::Npm, "sequelize", "6.37.8"),
    (Registry::Npm, "stripe", "23.1.0"),
    (Registry::Npm, "webpack", "5.112.2"),
    (Registry::Npm, "zod", "4.6.7"),
    (Registry::PyPi, "ansible-core", "2.19.14"),
    (Registry::PyPi, "django", "5.2.19"),
    (Registry::PyPi, "sqlalchemy", "2.1.9"),
    (Registry::PyPi, "sympy", "1.14.0"),
    (Registry::PyPi, "twisted", "26.10.0"),
];

const PEERS: &str = "semgrep==1.172.0 bandit==1.9.4 detect-secrets==1.5.0";

pub(super) fn run(bench: &Bench, rounds: usize) -> Result<(), Failure> {
    let tools = install(bench, "venv", PEERS)?;
    let small = corpus(bench, "small", SMALL)?;
    let large = corpus(bench, "large", LARGE)?;
    let rules = bench.root.join("bench/scan/semgrep.yml").display().to_string();
    let tool = |name: &str| tools.join(name).display().to_string();
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    let folder = small.display().to_string();
    let ours = |only: &str| words(&[&bench.binary.display().to_string(), &folder, "--only", only]);
    let semgrep_of = |folder: &str| {
        let options = ["--metrics=off", "--disable-version-check", "--no-git-ignore", "--quiet", "--json"];
        [words(&[&tool("semgrep"), "scan"]), words(&options), words(&["--config", &rules, folder])].concat()
    };
    let semgrep = semgrep_of(&folder);
    let bandit = words(&[&tool("bandit"), "--quiet", "-r", &folder, "-f", "json"]);
    let detect = words(&[&tool("detect-secrets"), "-C", &folder, "scan", "--all-files", "--no-verify"]);
    // The same rules for both, and none of the program's.
    let mut ours_rules = ours("code");
    ours_rules.extend(words(&["--only-rules", &rules]));
    let pairs = [
        ("code, the same rules", "semgrep", ours_rules, semgrep),
        ("code", "bandit (Python only)", ours("code"), bandit),
        ("secrets", "detect-secrets", ours("secrets"), detect),
    ];
    let mut rows = Vec::new();
    for (what, peer, ours, theirs) in pairs {
        let (mut mine, mut others) = (Vec::new(), Vec::new());
        let mut printed = String::new();
        for round in 0..rounds.max(1) {
            output::note(&format!("{peer}, round {}", round + 1));
            mine.push(bench.measure(&ours, &[0])?.0);
            let (cost, found) = bench.measure(&theirs, &[0, 1])?;
            others.push(cost);
            printed = found;
        }
        let least = |costs: &[Cost], of: fn(&Cost) -> f64| {
            median_and_least(&costs.iter().map(of).collect::<Vec<_>>()).1
        };
        rows.push(Row::new(format!("{what}, processor"), "s", least(&mine, cpu), peer, least(&others, cpu)));
        rows.push(Row::new(
            format!("{what}, memory"),
            "MB",
            least(&mine, memory),
            peer,
            least(&others, memory),
        ));
        agree(bench, &small, peer, &rules, &printed)?;
    }
    let folder = large.display().to_string();
    let ours =
        words(&[&bench.binary.display().to_string(), &folder, "--only", "code", "--only-rules", &rules]);
    output::note("semgrep, a dozen packages");
    let (mine, _) = bench.measure(&ours, &[0])?;
    let (theirs, _) = bench.measure(&semgrep_of(&folder), &[0, 1])?;
    let what = "code of a dozen packages, the same rules";
    rows.push(Row::new(format!("{what}, processor"), "s", cpu(&mine), "semgrep", cpu(&theirs)));
    rows.push(Row::new(format!("{what}, memory"), "MB", memory(&mine), "semgrep", memory(&theirs)));
    rows.extend(alone(bench, &large)?);
    publish(&bench.root.join("target/bench"), "scan", &rows)
}

/// What both found.
fn agree(bench: &Bench, folder: &Path, peer: &str, rules: &str, printed: &str) -> Result<(), Failure> {
    let found = |options: &[&str]| bench.scan(folder, options).map(|(_, found)| found);
    match peer {
        "semgrep" => {
            let text = fs::read_to_string(rules)?;
            let same: Vec<&str> =
                text.lines().filter_map(|line| line.trim().strip_prefix("- id: ")).map(str::trim).collect();
            let mut ours = found(&["--only", "code", "--only-rules", rules])?;
            ours.retain(|one| same.contains(&one.rule.as_str()));
            let terms = peers::Terms { same_rules: true, reasons: None };
            peers::compare(bench, peer, &ours, &peers::semgrep(folder, printed)?, &terms)
        }
        "detect-secrets" => {
            let ours = found(&["--only", "secrets"])?;
            let terms = peers::Terms::default();
            peers::compare(bench, peer, &ours, &peers::detect_secrets(printed)?, &terms)
        }
        _ => {
            let mut ours = found(&["--only", "code"])?;
            ours.retain(|one| one.path.ends_with(".py"));
            let table = fs::read_to_string(bench.root.join("bench/scan/bandit.tsv"))?;
            let terms = peers::Terms { same_rules: false, reasons: Some(peers::Reasons::read(&table)) };
            peers::compare(bench, peer, &ours, &peers::bandit(folder, printed)?, &terms)
        }
    }
}

fn cpu(cost: &Cost) -> f64 {
    cost.cpu
}

fn memory(cost: &Cost) -> f64 {
    cost.memory as f64 * 1024.0 / 1e6
}

/// All scanners on the large corpus, beside our goals.
fn alone(bench: &Bench, large: &Path) -> Result<Vec<Row>, Failure> {
    let kept = bench.cache.join("kept");
    let _ = fs::remove_dir_all(&kept);
    let keep = kept.display().to_string();
    let with = ["--cache", keep.as_str()];
    let (lines, bytes) = size(large)?;
    output::note(&format!("{lines} lines, {:.1} MB", bytes as f64 / 1e6));
    let (cold, first) = bench.scan(large, &with)?;
    // What was written a moment ago may be read again: its time stamp tells nothing yet.
    std::thread::sleep(std::time::Duration::from_secs(3));
    bench.scan(large, &with)?;
    let (warm, second) = bench.scan(large, &with)?;
    if first.len() != second.len() {
        return Err("a warm scan found something else".into());
    }
    let changed = large.join("npm/express.js");
    fs::write(&changed, "module.exports = 1;\n")?;
    let (change, _) = bench.scan(large, &with)?;
    fs::remove_file(changed)?;
    let (secrets, _) = bench.scan(large, &["--only", "secrets", "--threads", "1"])?;
    let rate = bytes as f64 / 1e6 / secrets.cpu;
    Ok(vec![
        Row::new("all, cold, processor", "s", cold.cpu, "(none)", 0.0),
        Row::new("all, cold, memory", "MB", memory(&cold), "goal", 300.0),
        Row::new("all, warm", "s", warm.clock, "goal", 1.0),
        Row::new("all, a file added", "s", change.clock, "(none)", 0.0),
        Row::new("secrets, whole process", "MB/s", rate, "goal", 500.0),
    ])
}

/// Copies the packages' sources side by side.
fn corpus(bench: &Bench, name: &str, packages: &[(Registry, &str, &str)]) -> Result<PathBuf, Failure> {
    let folder = bench.cache.join(name);
    let _ = fs::remove_dir_all(&folder);
    for (registry, name, version) in packages {
        let from = bench.package(*registry, name, version)?.ok_or_else(|| format!("no {name} {version}"))?;
        let kind = match registry {
            Registry::Npm => "npm",
            Registry::PyPi => "pypi",
        };
        let to = folder.join(kind);
        fs::create_dir_all(&to)?;
        let copied = Command::new("cp").arg("-R").arg(&from).arg(to.join(name)).status()?;
        if !copied.success() {
            return Err(format!("cannot copy {}", from.display()).into());
        }
    }
    Ok(folder)
}

/// Lines and bytes of the scripts in a folder.
fn size(folder: &Path) -> Result<(usize, u64), Failure> {
    let (mut lines, mut bytes) = (0, 0);
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder)?.flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let text = fs::read(&path)?;
                bytes += text.len() as u64;
                let script = path.extension().and_then(|end| end.to_str());
                if script.is_some_and(|end| ["js", "cjs", "mjs", "ts", "tsx", "py"].contains(&end)) {
                    lines += text.iter().filter(|byte| **byte == b'\n').count();
                }
            }
        }
    }
    Ok((lines, bytes))
}

/// Peers in an environment of their own, once.
pub(super) fn install(bench: &Bench, name: &str, packages: &str) -> Result<PathBuf, Failure> {
    let venv = bench.cache.join(name);
    let tools = venv.join("bin");
    let mark = venv.join("installed");
    if fs::read_to_string(&mark).is_ok_and(|text| text == packages) {
        return Ok(tools);
    }
    output::note(&format!("installing {packages}"));
    fs::create_dir_all(&bench.cache)?;
    let mut make = Command::new("python3");
    make.args(["-m", "venv", "--clear"]).arg(&venv);
    let mut pip = Command::new(tools.join("pip"));
    pip.args(["install", "--quiet", "--disable-pip-version-check"]).args(packages.split(' '));
    for command in [&mut make, &mut pip] {
        if !command.stdin(Stdio::null()).status()?.success() {
            return Err("the peers cannot be installed".into());
        }
    }
    fs::write(&mark, packages)?;
    Ok(tools)
}
