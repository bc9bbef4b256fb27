//! The dashboard and the alert rules of `deploy/` against what a real gate says of itself.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use tokio::process::Command;

use crate::application::Application;
use crate::clients::run;
use crate::gate::Gate;

fn deploy(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy").join(path)
}

fn read(path: &str) -> String {
    fs::read_to_string(deploy(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The names of metrics in an expression.
fn names(expression: &str) -> BTreeSet<String> {
    let words = expression.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    words.filter(|word| word.starts_with("gabion_")).map(str::to_owned).collect()
}

/// A histogram has three names, and its family a fourth.
fn families(page: &str) -> (BTreeSet<String>, BTreeSet<String>) {
    let said =
        |prefix: &str| page.lines().filter_map(|line| line.strip_prefix(prefix)).map(str::to_owned).collect();
    let lines: BTreeSet<String> = said("# TYPE ");
    let families: BTreeSet<String> =
        lines.iter().filter_map(|line| line.split(' ').next()).map(str::to_owned).collect();
    let samples = page.lines().filter(|line| !line.starts_with('#'));
    let samples = samples.filter_map(|line| line.split(['{', ' ']).next()).map(str::to_owned).collect();
    (families, samples)
}

/// Where a value says `expr`, at any depth.
fn expressions(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                if name == "expr" {
                    found.extend(value.as_str().map(str::to_owned));
                }
                expressions(value, found);
            }
        }
        Value::Array(values) => values.iter().for_each(|value| expressions(value, found)),
        _ => {}
    }
}

/// What no dashboard may be without; a gate's other metrics are shown as they come.
const IMPORTANT: &[&str] = &[
    "gabion_checks_total",
    "gabion_connections",
    "gabion_connections_refused_total",
    "gabion_errors_dropped",
    "gabion_errors_open",
    "gabion_errors_others",
    "gabion_http2_errors_total",
    "gabion_http_answers_total",
    "gabion_http_in_flight",
    "gabion_ledger_ready",
    "gabion_mail_given_up",
    "gabion_mail_waiting",
    "gabion_sinks_behind",
    "gabion_sinks_failing",
    "gabion_sinks_rejected",
    "gabion_tls_handshakes_failed_total",
    "gabion_traces_dropped",
    "gabion_traces_exported",
    "gabion_upstream_malformed_total",
    "gabion_upstream_seconds",
    "gabion_upstream_timeout_total",
    "gabion_upstream_unreachable_total",
    "gabion_upstream_up",
    "gabion_uptime_seconds",
    "gabion_watch_alerts",
    "gabion_watch_lag",
    "gabion_watch_running",
    "gabion_watch_untold",
];

#[tokio::test]
async fn dashboard_and_rules_name_what_a_gate_says_and_show_what_matters() {
    let application = Application::start().await;
    let gate = Gate::start(application.address).await;
    let page = gate.metrics().await;
    let (families, samples) = families(&page);

    let dashboard: Value = serde_json::from_str(&read("grafana/gabion.json")).expect("JSON");
    let mut shown = Vec::new();
    expressions(&dashboard, &mut shown);
    assert!(shown.len() > 30, "{shown:?}");
    let shown = names(&shown.join(" "));
    let missing: Vec<_> = shown.difference(&samples).collect();
    assert_eq!(missing, [&""; 0], "the dashboard asks for what there is not");
    let variables = names(&dashboard["templating"].to_string());
    assert!(!variables.is_empty() && variables.is_subset(&samples), "{variables:?}");
    for name in IMPORTANT {
        assert!(families.contains(*name), "no gate says {name}");
        assert!(shown.iter().any(|own| own.starts_with(name)), "the dashboard does not show {name}");
    }
    let ids: BTreeSet<_> =
        dashboard["panels"].as_array().expect("panels").iter().map(|panel| panel["id"].as_u64()).collect();
    assert_eq!(ids.len(), dashboard["panels"].as_array().expect("panels").len(), "ids are one panel's own");

    let rules = names(&read("prometheus/gabion-alerts.yml"));
    let missing: Vec<_> = rules.difference(&samples).collect();
    assert_eq!(missing, [&""; 0], "a rule asks for what there is not");
    for name in ["gabion_ledger_ready", "gabion_sinks_failing", "gabion_upstream_up", "gabion_watch_running"]
    {
        assert!(rules.contains(name), "no rule rings for {name}");
    }
}

#[tokio::test]
async fn prometheus_takes_the_rules_and_the_configuration() {
    run(Command::new("promtool").args(["check", "rules"]).arg(deploy("prometheus/gabion-alerts.yml"))).await;
    run(Command::new("promtool").args(["check", "config"]).arg(deploy("prometheus/prometheus.yml"))).await;
    let folder = tempfile::tempdir().expect("a temporary directory");
    let broken = folder.path().join("broken.yml");
    fs::write(
        &broken,
        read("prometheus/gabion-alerts.yml").replace("gabion_ledger_ready == 0", "gabion_ledger_ready =="),
    )
    .expect("written");
    let output =
        Command::new("promtool").args(["check", "rules"]).arg(&broken).output().await.expect("it runs");
    assert!(!output.status.success(), "the tool does object");
}
