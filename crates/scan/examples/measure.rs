//! How long a scan of a folder takes, without and with what was kept of the one before:
//! `cargo run --release -p gabion-scan --example measure -- FOLDER`. Memory is told by `/usr/bin/time -v`.

use std::path::PathBuf;

use gabion_model::{Clock as _, SystemClock};
use gabion_scan::kit::{self, RuleFolder};
use gabion_scan::{CacheFolder, ScanOptions, WalkOptions};

#[expect(clippy::disallowed_methods, clippy::print_stdout, reason = "a measurement")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let root = std::env::args_os().nth(1).map_or_else(|| PathBuf::from("."), PathBuf::from);
    let scanners = kit::scanners(&RuleFolder::default())?;
    let cache = tempfile::TempDir::new()?;
    for run in ["cold", "second", "warm"] {
        let options = ScanOptions {
            root: root.clone(),
            walk: WalkOptions::default(),
            largest: gabion_scan::LARGEST,
            threads: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
            cache: Some(CacheFolder::new(cache.path().to_path_buf())),
            now: SystemClock.now(),
        };
        let start = std::time::Instant::now();
        let scan = gabion_scan::scan(&options, &scanners, &())?;
        let lines: u64 = scan.files.iter().map(|file| u64::from(file.lines)).sum();
        let bytes: u64 = scan.files.iter().map(|file| file.bytes).sum();
        println!(
            "{run}: {:.2} s, {} files ({} kept), {lines} lines, {:.1} MB, {} findings, {} unread",
            start.elapsed().as_secs_f64(),
            scan.files.len(),
            scan.kept,
            bytes as f64 / 1e6,
            scan.findings.len(),
            scan.unread.len()
        );
    }
    Ok(())
}
