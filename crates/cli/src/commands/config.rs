//! `gabion config check | explain | schema`.

use std::fmt::Write as _;

use serde::Serialize;

use crate::arguments::{ConfigCheck, ConfigExplain, ConfigVerb, Format};
use crate::config::diagnostic::Placed;
use crate::config::explain::{self, Key};
use crate::config::{Config, LoadError, Loaded, Schema, Sources};
use crate::failure::{Exit, Failure};
use crate::output::{self, FAINT, GOOD, PLACE, STRONG};

pub(super) fn run(verb: &ConfigVerb) -> Result<Exit, Failure> {
    match verb {
        ConfigVerb::Check(arguments) => check(arguments),
        ConfigVerb::Explain(arguments) => explain(arguments),
        ConfigVerb::Schema => {
            output::json(Schema::of::<Config>().as_json())?;
            Ok(Exit::Success)
        }
    }
}

#[derive(Serialize)]
struct Verdict<'a> {
    file: String,
    ok: bool,
    errors: Vec<Placed<'a>>,
    warnings: Vec<Placed<'a>>,
}

fn check(arguments: &ConfigCheck) -> Result<Exit, Failure> {
    let sources = Sources { file: Some(arguments.file.clone()), whole: true, ..Sources::default() }
        .with_environment(std::env::vars_os());
    let file = arguments.file.display().to_string();
    match (sources.load(), arguments.output.format) {
        (Ok(loaded), Format::Text) => {
            for warning in loaded.warnings() {
                output::note(warning.render_warning(loaded.source.as_ref()));
            }
            if let Some(declared) = &loaded.declared {
                for warning in &declared.warnings {
                    output::note(warning.render_warning(Some(&declared.source)));
                }
            }
            let config = loaded.config;
            output::data(format_args!(
                "{GOOD}ok{GOOD:#}  {file}: {} route{}, {} upstream{}",
                config.routes.len(),
                if config.routes.len() == 1 { "" } else { "s" },
                config.upstreams.len(),
                if config.upstreams.len() == 1 { "" } else { "s" },
            ))?;
            Ok(Exit::Success)
        }
        (Ok(loaded), Format::Json) => {
            let warnings = loaded.warnings();
            let declared = loaded.declared.iter().flat_map(|declared| {
                declared.warnings.iter().map(|warning| warning.placed(Some(&declared.source)))
            });
            let warnings = warnings.iter().map(|warning| warning.placed(loaded.source.as_ref()));
            let warnings = warnings.chain(declared).collect();
            output::json(&Verdict { file, ok: true, errors: Vec::new(), warnings })?;
            Ok(Exit::Success)
        }
        (Err(LoadError::Wrong(wrong)), Format::Json) => {
            let errors = wrong.diagnostics.iter().map(|fault| fault.placed(wrong.source.as_ref())).collect();
            output::json(&Verdict { file, ok: false, errors, warnings: Vec::new() })?;
            Ok(Exit::Usage)
        }
        (Err(error), _) => Err(Failure::from(error).consequence(None)),
    }
}

fn explain(arguments: &ConfigExplain) -> Result<Exit, Failure> {
    let schema = Schema::of::<Config>();
    let sources =
        Sources { file: arguments.config.exists().then(|| arguments.config.clone()), ..Sources::default() };
    // A configuration with faults can still be explained; its values are then not shown.
    let loaded: Option<Loaded> = sources.with_environment(std::env::vars_os()).load().ok();
    let wanted = arguments.key.as_deref().unwrap_or_default();
    let keys = explain::keys(&schema, loaded.as_ref(), wanted);
    if keys.is_empty() {
        let paths = explain::all_paths(&schema);
        let names: Vec<&str> = paths.iter().map(String::as_str).collect();
        let hint = match crate::config::schema::nearest(wanted, &names) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "`gabion config explain` lists the tables".to_owned(),
        };
        return Err(Failure::usage(format!("there is no key `{wanted}`")).hint(hint));
    }
    if arguments.output.format == Format::Json {
        output::json(&keys)?;
    } else if wanted.is_empty() {
        output::data(overview(&keys).trim_end())?;
    } else {
        output::data(text(&keys).trim_end())?;
    }
    Ok(Exit::Success)
}

/// The tables and what is set now.
fn overview(keys: &[Key]) -> String {
    let mut out = String::new();
    let tables: Vec<&Key> = keys.iter().filter(|key| key.table && !key.path.contains(['<', '['])).collect();
    let width = tables.iter().map(|key| key.path.len()).max().unwrap_or_default();
    for key in tables {
        let summary = key.doc.lines().next().unwrap_or_default();
        let _ = writeln!(out, "{STRONG}{:width$}{STRONG:#}  {summary}", key.path);
    }
    let set: Vec<_> = keys.iter().flat_map(|key| &key.set).collect();
    if !set.is_empty() {
        let _ = writeln!(out, "\n{FAINT}Set now{FAINT:#}");
        for set in set {
            let _ =
                writeln!(out, "  {} = {}  {PLACE}{}{PLACE:#}", set.path, toml_text(&set.value), set.origin);
        }
    }
    let _ = writeln!(out, "\n`gabion config explain KEY` tells more about a table or a key.");
    out
}

fn text(keys: &[Key]) -> String {
    let mut out = String::new();
    for key in keys {
        let name = if key.table { format!("[{}]", key.path) } else { key.path.clone() };
        let _ = writeln!(out, "{STRONG}{name}{STRONG:#}");
        for line in key.doc.lines() {
            let _ = writeln!(out, "  {line}");
        }
        if !key.table {
            let _ = writeln!(out, "  {FAINT}type{FAINT:#}     {}", key.kind);
            for choice in key.choices.iter().filter(|choice| !choice.doc.is_empty()) {
                let _ = writeln!(out, "             `{}`: {}", choice.word, choice.doc.replace('\n', " "));
            }
            let default = key.default.as_ref().map_or("none".to_owned(), toml_text);
            let _ = writeln!(out, "  {FAINT}default{FAINT:#}  {default}");
            for set in &key.set {
                let place = if set.path == key.path { String::new() } else { format!(" ({})", set.path) };
                let _ = writeln!(
                    out,
                    "  {FAINT}now{FAINT:#}      {}{place}  {PLACE}{}{PLACE:#}",
                    toml_text(&set.value),
                    set.origin
                );
            }
        }
        out.push('\n');
    }
    out
}

/// A value as it stands in the file.
fn toml_text(value: &serde_json::Value) -> String {
    use serde_json::Value as Json;
    match value {
        Json::Null => "none".to_owned(),
        Json::Array(items) => format!("[{}]", items.iter().map(toml_text).collect::<Vec<_>>().join(", ")),
        Json::Object(entries) => {
            let inside: Vec<String> =
                entries.iter().map(|(key, value)| format!("{key} = {}", toml_text(value))).collect();
            format!("{{ {} }}", inside.join(", "))
        }
        other => other.to_string(),
    }
}
