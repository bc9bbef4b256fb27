//! `docs/controls/`: a page per control, and the list of all.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use gabion_control::{Catalogue, Control, Framework, Kind, Source};
use gabion_model::ControlId;

use crate::tidy::Workspace;

pub(super) fn write(workspace: &Workspace, pages: &mut BTreeMap<String, String>) {
    let described = Described {
        rules: described(workspace, &["code", "dependencies", "manifests", "scan", "secrets"], "rule"),
        tests: described(workspace, &["probe"], "test"),
    };
    let catalogue = Catalogue::built_in().clone();
    let catalogue = catalogue.with_rules(named(&described.rules)).with_tests(named(&described.tests));
    for control in catalogue.controls() {
        pages.insert(control.page(), page(workspace, &described, control));
    }
    pages.insert("docs/controls/README.md".to_owned(), list(&catalogue));
}

/// By id: which control something is for, and the file it stands in.
type ByName = BTreeMap<String, (ControlId, String)>;

/// What names its control itself.
struct Described {
    /// Of `gabion scan`.
    rules: ByName,
    /// Of `gabion probe`.
    tests: ByName,
}

fn named(all: &ByName) -> impl Iterator<Item = (ControlId, &str)> {
    all.iter().map(|(name, (control, _))| (*control, name.as_str()))
}

fn described(workspace: &Workspace, folders: &[&str], table_name: &str) -> ByName {
    let mut all = ByName::new();
    let is_rules = |path: &str| {
        let name = path.strip_prefix("rules/").and_then(|path| path.strip_suffix(".toml"));
        name.and_then(|name| name.split_once('/'))
            .is_some_and(|(folder, file)| folders.contains(&folder) && !file.contains('/'))
    };
    for file in workspace.files.iter().filter(|file| is_rules(&file.path)) {
        let Ok(table) = toml::from_str::<toml::Table>(&file.text) else { continue };
        for rule in table.get(table_name).and_then(toml::Value::as_array).into_iter().flatten() {
            let text = |key: &str| rule.get(key).and_then(toml::Value::as_str);
            if let (Some(id), Some(Ok(control))) = (text("id"), text("control").map(str::parse)) {
                all.insert(id.to_owned(), (control, file.path.clone()));
            }
        }
    }
    all
}

fn page(workspace: &Workspace, described: &Described, control: &Control) -> String {
    let mut page = format!("# {}\n\n`{}`\n\n{}\n\n", control.title, control.id, control.promise);
    let _ = write!(page, "## Why\n\n{}\n\n## Evidence\n\n", control.why);
    if !control.has_evidence_source() {
        page.push_str("Nothing in the product stands behind this control yet: it reports `unknown`.\n\n");
    }
    for evidence in control.evidence() {
        let heading = match (evidence.kind, evidence.planned) {
            (Kind::Enforced, false) => "Enforced",
            (Kind::Enforced, true) => "Still to come",
            (Kind::Attacked, false) => "Attacked",
            (Kind::Attacked, true) => "Attacked (planned)",
            (Kind::Read, false) => "Read",
            (Kind::Read, true) => "Read (planned)",
        };
        let _ = write!(page, "**{heading}.** {}", evidence.text);
        if !evidence.sources.is_empty() {
            let links: Vec<String> =
                evidence.sources.iter().map(|source| link(workspace, described, source)).collect();
            let _ = write!(page, " By {}.", links.join(", "));
        }
        page.push_str("\n\n");
    }
    if let Some(note) = &control.note {
        let _ = write!(page, "**Note.** {note}\n\n");
    }
    page.push_str("## Requirements it answers to\n\n| list | requirements |\n|---|---|\n");
    for framework in Framework::ALL {
        let numbers: Vec<String> = control
            .requirements_of(*framework)
            .map(|requirement| {
                let mark =
                    if requirement.judgement && *framework == Framework::Iso27001 { "\\*" } else { "" };
                format!("{}{mark}", requirement.number)
            })
            .collect();
        if !numbers.is_empty() {
            let _ = writeln!(page, "| {framework} | {} |", numbers.join(", "));
        }
    }
    let starred = control.requirements_of(Framework::Iso27001).any(|requirement| requirement.judgement);
    page.push_str("\nLinks to SOC 2, PCI DSS, HIPAA and GDPR are our reading of those texts.");
    if starred {
        page.push_str(" ISO links with a \\* are ours too; the others follow the table NIST publishes.");
    }
    page.push('\n');
    page
}

fn link(workspace: &Workspace, described: &Described, source: &Source) -> String {
    let of = |all: &ByName, name: &str| match all.get(name) {
        Some((_, file)) => format!("[`{name}`](../../{file})"),
        None => format!("`{name}`"),
    };
    match source {
        Source::Rule(name) => of(&described.rules, name),
        Source::Test(name) => of(&described.tests, name),
        Source::Check(name) => format!("[`{source}`](../checks/{name}.md)"),
        Source::Setting(_) => format!("[`{source}`](../configuration.md)"),
        Source::Module(path) => {
            let (name, rest) = path.split_once("::").unwrap_or((path, "lib"));
            let file = format!("crates/{name}/src/{}", rest.replace("::", "/"));
            let file = if workspace.file(&format!("{file}.rs")).is_some() {
                format!("{file}.rs")
            } else {
                format!("{file}/mod.rs")
            };
            format!("[`{source}`](../../{file})")
        }
    }
}

fn list(catalogue: &Catalogue) -> String {
    let enforced = catalogue.controls().iter().filter(|control| !control.enforced_by.is_empty()).count();
    let mut page = format!(
        "# Controls\n\nEvery promise Gabion knows, and what stands behind it today. Of {} controls {enforced} are enforced \
         by the product, wholly or in the part their page describes; the others report `unknown` until something does. \
         `gabion controls` prints this list, `gabion controls show ID` a page. \
         [By requirement](../requirements.md) turns it around.\n",
        catalogue.controls().len(),
    );
    for group in catalogue.groups() {
        let _ = write!(
            page,
            "\n## {}\n\n{}\n\n| control | promise | enforced by |\n|---|---|---|\n",
            group.title, group.about
        );
        for control in catalogue.group(&group.id) {
            let sources: Vec<String> =
                control.enforced_by.iter().map(|source| format!("`{source}`")).collect();
            let by = if sources.is_empty() { "–".to_owned() } else { sources.join(", ") };
            let _ = writeln!(page, "| [`{0}`]({0}.md) | {1} | {by} |", control.id, control.title);
        }
    }
    page
}
