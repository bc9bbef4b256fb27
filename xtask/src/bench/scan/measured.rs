//! One run of a program over a folder: what it cost, and what it found.

use std::path::Path;
use std::process::{Command, Stdio};

use serde::Deserialize;

use super::{Bench, Failure};

/// What a process and its children took, from the kernel.
#[derive(Debug, Clone, Copy, Deserialize)]
pub(super) struct Cost {
    /// Seconds of processor.
    pub(super) cpu: f64,
    /// Seconds.
    pub(super) clock: f64,
    /// Of the largest process, in kB.
    pub(super) memory: u64,
    status: i32,
}

/// A finding as the example `cost` writes it.
#[derive(Debug, Clone)]
pub(super) struct Found {
    pub(super) path: String,
    pub(super) line: u32,
    pub(super) rule: String,
    pub(super) cwe: Vec<u16>,
}

impl Bench {
    /// Runs `command`; its output goes to a file of the cache, whose text is returned. `expected` are the codes it may end with.
    pub(super) fn measure(&self, command: &[String], expected: &[i32]) -> Result<(Cost, String), Failure> {
        let output = self.cache.join("output");
        let mut python = Command::new("python3");
        python.arg(self.root.join("bench/scan/measure.py")).arg(&output).args(command);
        // Tools that keep what they read elsewhere start anew each time.
        let printed = python.stdin(Stdio::null()).env("SEMGREP_SEND_METRICS", "off").output()?;
        let cost: Cost = serde_json::from_slice(&printed.stdout)?;
        if !expected.contains(&cost.status) {
            return Err(format!("`{}` ended with {}", command.join(" "), cost.status).into());
        }
        Ok((cost, String::from_utf8_lossy(&std::fs::read(&output)?).into_owned()))
    }

    /// Our scan of a folder.
    pub(super) fn scan(&self, folder: &Path, options: &[&str]) -> Result<(Cost, Vec<Found>), Failure> {
        let mut command = vec![self.binary.display().to_string(), folder.display().to_string()];
        command.extend(options.iter().map(|option| (*option).to_owned()));
        command.extend(["--places".to_owned(), "all".to_owned()]);
        let (cost, printed) = self.measure(&command, &[0])?;
        Ok((cost, printed.lines().filter_map(Found::read).collect()))
    }
}

impl Found {
    /// `PATH:LINE:COLUMN RULE CWE,CWE …`.
    fn read(line: &str) -> Option<Self> {
        let mut words = line.split('\t');
        let (place, rule, cwe) = (words.next()?, words.next()?, words.next()?);
        let mut parts = place.rsplitn(3, ':');
        let line = parts.nth(1)?.parse().ok()?;
        Some(Self {
            path: parts.next()?.to_owned(),
            line,
            rule: rule.to_owned(),
            cwe: cwe.split(',').filter_map(|number| number.parse().ok()).collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_is_read() {
        let found = Found::read("a/b:c.js:12:3\tsql.injection\t89,943\tsays").unwrap();
        assert_eq!((found.path.as_str(), found.line, found.rule.as_str()), ("a/b:c.js", 12, "sql.injection"));
        assert_eq!(found.cwe, [89, 943]);
        assert!(Found::read("12 files").is_none());
    }
}
