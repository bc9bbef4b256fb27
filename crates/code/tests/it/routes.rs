//! Routes of whole applications: which there are, what runs before them, what is said of them.

mod express;
mod flask;

use gabion_code::CodeScanner;

use crate::world::{lines, scan};

/// Each endpoint as `METHOD path handler; guards; evidence`.
fn inventory(files: &[(&str, &str)]) -> Vec<String> {
    let verdict = scan(&CodeScanner::new(&[]).unwrap(), files);
    let mut endpoints = verdict.endpoints;
    endpoints.sort_by_key(|one| (one.path.clone(), one.method.clone(), one.place.clone()));
    endpoints
        .iter()
        .map(|one| {
            let guards: Vec<&str> = one.guards.iter().map(|guard| guard.name.as_str()).collect();
            let head = format!("{} {} {}", one.method, one.path, one.name);
            format!("{}; {}; {}", head.trim(), guards.join(" > "), one.evidence.join(" "))
        })
        .collect()
}

/// What is said of routes: `rule path:line`.
fn said(files: &[(&str, &str)]) -> Vec<String> {
    let verdict = scan(&CodeScanner::new(&[]).unwrap(), files);
    let mut lines = lines(&verdict.findings);
    lines.retain(|line| !line.contains("injection") && !line.contains("missing-schema"));
    lines.sort();
    lines
}
