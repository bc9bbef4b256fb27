//! Scans a folder: `cargo run --release --example folder -- FOLDER`. Prints findings, what was not read, and the time.
#![expect(clippy::print_stdout, reason = "it is what it is for")]

use std::path::Path;
use std::sync::Arc;

use gabion_code::CodeScanner;
use gabion_finding::{Scanner as _, Source, Tree, UnreadReason};

fn files(folder: &Path, into: &mut Vec<std::path::PathBuf>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => files(&path, into),
            Ok(kind) if kind.is_file() => into.push(path),
            _ => {}
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "a measuring program")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let root = std::env::args().nth(1).ok_or("which folder?")?;
    let scanner = CodeScanner::new(&[])?;
    let mut paths = Vec::new();
    files(Path::new(&root), &mut paths);
    paths.sort();
    let start = std::time::Instant::now();
    let (mut facts, mut names): (Vec<(Arc<str>, Arc<[u8]>)>, Vec<Arc<str>>) = (Vec::new(), Vec::new());
    let (mut bytes, mut lines, mut kept) = (0, 0, 0);
    let mut unread = Vec::new();
    for path in paths {
        let name = path.strip_prefix(&root)?.to_string_lossy().into_owned();
        if !scanner.reads(&name) || name.contains(".min.") {
            continue;
        }
        let Ok(text) = std::fs::read_to_string(&path) else { continue };
        if text.len() > 2 << 20 {
            continue;
        }
        bytes += text.len();
        lines += text.lines().count();
        let report = scanner.file(&Source::new(&name, &text));
        kept += report.facts.len();
        unread.extend(report.verdict.unread);
        facts.push((name.as_str().into(), report.facts.into()));
        names.push(name.as_str().into());
    }
    let parsed = start.elapsed();
    let verdict = scanner.tree(&Tree { paths: &names, facts: &facts, uses: &[] });
    for finding in &verdict.findings {
        let place = &finding.place;
        println!("{}:{} {} {:?} {}", place.path, place.start.line, finding.rule, finding.confidence, finding.message);
    }
    unread.extend(verdict.unread);
    for reason in [UnreadReason::Deep, UnreadReason::Syntax, UnreadReason::Budget] {
        let of: Vec<_> = unread.iter().filter(|unread| unread.reason == reason).collect();
        println!("{reason:?}: {}", of.len());
        of.iter().take(12).for_each(|unread| println!("  {} {}", unread.path, unread.detail));
    }
    println!(
        "{} files, {lines} lines, {bytes} bytes, {kept} kept; lowered in {parsed:?}, all in {:?}; {} findings",
        facts.len(),
        start.elapsed(),
        verdict.findings.len()
    );
    Ok(())
}
