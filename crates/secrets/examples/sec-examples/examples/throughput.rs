//! How fast a folder is read, in megabytes for each second of processor time, and what is found in it by rule.
//! `cargo run --release -p gabion-secrets --example throughput -- FOLDER [RULE]`; with a rule (or the beginning of one) its places are
//! listed, what was found hidden unless `--show` follows.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use gabion_finding::{Confidence, Scanner as _};
use gabion_secrets::Secrets;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().ok_or("name a folder")?;
    let wanted = arguments.next();
    let show = arguments.next().is_some_and(|word| word == "--show");
    let secrets = Secrets::new()?;
    let mut files = Vec::new();
    walk(Path::new(&folder), &secrets, &mut files)?;
    let bytes: usize = files.iter().map(|(_, text)| text.len()).sum();
    let mut out = std::io::stdout().lock();
    // Once to compile what is needed, as the first files of a scan do; then measured.
    let mut spent = Vec::new();
    let mut counts: BTreeMap<(Confidence, String), usize> = BTreeMap::new();
    for round in 0..3 {
        let before = processor_time()?;
        for (path, text) in &files {
            let (found, unread) = secrets.matches(path, text);
            if round > 0 {
                continue;
            }
            if let Some(unread) = unread {
                writeln!(out, "{path}: {}", unread.reason.as_str())?;
            }
            for one in found {
                if wanted.as_deref().is_some_and(|wanted| one.rule.id.is_under(wanted)) {
                    let line = text
                        .get(..one.span.start as usize)
                        .unwrap_or_default()
                        .bytes()
                        .filter(|byte| *byte == b'\n')
                        .count()
                        + 1;
                    let secret =
                        if show { one.span.of(text).chars().take(100).collect() } else { "…".to_owned() };
                    writeln!(out, "{path}:{line}: {:?} {}: {secret:?}", one.confidence, one.message)?;
                }
                let count = counts.entry((one.confidence, one.rule.id.to_string())).or_default();
                *count = count.saturating_add(1);
            }
        }
        spent.push(processor_time()?.saturating_sub(before));
    }
    for ((confidence, rule), count) in counts.iter().rev() {
        writeln!(out, "{count:>7} {:6} {rule}", confidence.as_str())?;
    }
    let rate = |nanoseconds: u64| bytes as f64 * 1000.0 / nanoseconds.max(1) as f64;
    writeln!(out, "{} files, {:.1} MB, {} rules", files.len(), bytes as f64 / 1e6, secrets.rules().len())?;
    for (round, nanoseconds) in spent.iter().enumerate() {
        writeln!(
            out,
            "round {round}: {:.2} s of processor time, {:.0} MB/s",
            *nanoseconds as f64 / 1e9,
            rate(*nanoseconds)
        )?;
    }
    Ok(())
}

fn walk(path: &Path, secrets: &Secrets, files: &mut Vec<(String, String)>) -> std::io::Result<()> {
    let mut entries: Vec<PathBuf> =
        std::fs::read_dir(path)?.map(|entry| entry.map(|entry| entry.path())).collect::<Result<_, _>>()?;
    entries.sort();
    for entry in entries {
        if entry.is_symlink() {
            continue;
        }
        if entry.is_dir() {
            walk(&entry, secrets, files)?;
            continue;
        }
        let name = entry.to_string_lossy().into_owned();
        if !secrets.reads(&name) {
            continue;
        }
        let bytes = std::fs::read(&entry)?;
        if bytes.iter().take(8192).all(|byte| *byte != 0) {
            files.push((name, String::from_utf8_lossy(&bytes).into_owned()));
        }
    }
    Ok(())
}

/// What this thread used, in nanoseconds, as Linux counts it.
fn processor_time() -> Result<u64, Box<dyn std::error::Error>> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat")?;
    Ok(text.split_whitespace().next().ok_or("no time")?.parse()?)
}
