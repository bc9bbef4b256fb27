//! Routes of whole applications: which there are, what runs before them, what is said of them.

mod axum;
mod controllers;
mod django;
mod express;
mod flask;
mod go;
mod graph;
mod next;
mod rights;
mod servers;
mod spring;
mod wrapped;

use crate::world::{lines, scan, scanner};

/// Each endpoint as `METHOD path handler; guards; evidence`.
fn inventory(files: &[(&str, &str)]) -> Vec<String> {
    let verdict = scan(scanner(), files);
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
    let verdict = scan(scanner(), files);
    let mut lines = lines(&verdict.findings);
    // Only what is said because of routes.
    let of_routes = ["authz.", "csrf.", "nextjs.", "ratelimit.", "session.no-", "state-change", "webhook."];
    lines.retain(|line| of_routes.iter().any(|start| line.starts_with(start)));
    lines.sort();
    lines
}
