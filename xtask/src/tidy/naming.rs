//! The naming law: a check names one control in its header, its file name is its configuration key, the
//! catalogue knows both, and nothing stands in one place only.

use std::collections::BTreeSet;

use gabion_control::{Catalogue, Control, Source};
use gabion_model::ControlId;

use super::finding::Finding;
use super::workspace::{File, Workspace};

pub(crate) const CHECKS: &str = "crates/checks/src/";

const SETTINGS: &str = "crates/checks/src/settings.rs";
const SCHEMA: &str = "schema/gabion.schema.json";
const HEADER: &str = "Control: `";

/// The files of the checks: those at the top of the crate that, or whose folder, implement `Check`.
pub(crate) fn checks(workspace: &Workspace) -> Vec<&File> {
    let implementing: BTreeSet<&str> = workspace
        .product_of("checks")
        .filter(|file| {
            let code = &file.source().code;
            code.contains("impl Check for") || (code.contains("> Check for") && code.contains("impl<"))
        })
        .map(|file| module(&file.path))
        .collect();
    workspace
        .product_of("checks")
        .filter(|file| {
            let rest = file.path.trim_start_matches(CHECKS);
            let top = !rest.contains('/') || rest.matches('/').count() == 1 && rest.ends_with("/mod.rs");
            top && implementing.contains(module(&file.path)) && module(&file.path) != "lib"
        })
        .collect()
}

/// `csrf` for `crates/checks/src/csrf.rs` and `crates/checks/src/csrf/token.rs`.
pub(crate) fn module(path: &str) -> &str {
    path.trim_start_matches(CHECKS).split(['/', '.']).next().unwrap_or_default()
}

/// The ids in the header's `Control:` line.
pub(crate) fn controls_of(file: &File) -> Vec<String> {
    let header = file.header();
    header
        .lines()
        .filter_map(|line| line.strip_prefix(HEADER))
        .filter_map(|rest| rest.split('`').next())
        .map(str::to_owned)
        .collect()
}

pub(super) fn check(workspace: &Workspace) -> Vec<Finding> {
    let catalogue = Catalogue::built_in();
    let mut findings = Vec::new();
    let checks = checks(workspace);
    for file in &checks {
        check_file(workspace, catalogue, file, &mut findings);
    }
    let names: Vec<&str> = checks.iter().map(|file| module(&file.path)).collect();
    for control in catalogue.controls() {
        sources(workspace, control, &names, &mut findings);
    }
    labels(workspace, catalogue, &mut findings);
    findings
}

fn check_file(workspace: &Workspace, catalogue: &Catalogue, file: &File, findings: &mut Vec<Finding>) {
    let name = module(&file.path);
    let mut report = |what: String, way_out: &str| findings.push(Finding::new(&file.path, what, way_out));

    let named = controls_of(file);
    let [id] = named.as_slice() else {
        report(
            format!("check `{name}` names {} controls in its header", named.len()),
            "write exactly one line `//! Control: `group.name`` at the top of the file",
        );
        return;
    };
    match catalogue.find(id) {
        Err(error) => report(
            error.to_string(),
            &error.suggestions.first().map_or("see `gabion controls` for the ids".to_owned(), |near| {
                format!("did you mean `{near}`?")
            }),
        ),
        Ok(control) => {
            if !control.enforced_by.iter().any(|source| source.check() == Some(name)) {
                report(
                    format!("the catalogue does not say that `{id}` is enforced by check `{name}`"),
                    &format!("add \"checks.{name}\" to `enforced_by` in catalogue/{}.toml", control.group()),
                );
            }
            let family: Vec<&File> =
                workspace.product_of("checks").filter(|other| module(&other.path) == name).collect();
            let constant = format!("ControlId::{}", constant(control.id));
            if family.iter().all(|file| file.source().lines_with(&constant).is_empty()) {
                report(
                    format!("the header names `{id}`, but the code never answers `{constant}`"),
                    "let `control()` answer the control of the header",
                );
            }
            if family.iter().all(|file| file.source().literals.iter().all(|literal| literal.text != name)) {
                report(
                    format!("nothing in the check is called `{name}`"),
                    "let `name()` answer the file's name: it is the configuration key",
                );
            }
        }
    }
    if workspace
        .file(SETTINGS)
        .is_some_and(|settings| settings.source().lines_with(&format!("pub {name}:")).is_empty())
    {
        report(
            format!("there is no table `[checks.{name}]`"),
            "add a field of the file's name to `Settings` in crates/checks/src/settings.rs",
        );
    }
}

/// Every source the catalogue names exists.
fn sources(workspace: &Workspace, control: &Control, checks: &[&str], findings: &mut Vec<Finding>) {
    let place = format!("catalogue/{}.toml", control.group());
    for source in control.enforced_by.iter().chain(&control.attacked_by).chain(&control.read_by) {
        let (exists, way_out) = match source {
            Source::Check(name) => (
                checks.contains(&name.as_str()),
                "name a file in crates/checks/src, or move the claim to `planned`",
            ),
            Source::Module(path) => (
                module_exists(workspace, path),
                "name a module as `crate::module`, or move the claim to `planned`",
            ),
            Source::Rule(_) | Source::Test(_) => (
                false,
                "take it out: rules and tests name their control themselves, and the pages are made from that",
            ),
            Source::Setting(path) => {
                let Some(schema) = workspace.file(SCHEMA) else { continue };
                (
                    setting_exists(&schema.text, path),
                    "name a key of gabion.toml (see schema/gabion.schema.json), or move the claim to `planned`",
                )
            }
        };
        if !exists {
            let what = format!("`{}` is said to rest on `{source}`, which does not exist", control.id);
            findings.push(Finding::new(&place, what, way_out));
        }
    }
}

/// A control whose label the product uses has to be in the catalogue as something the product does.
fn labels(workspace: &Workspace, catalogue: &Catalogue, findings: &mut Vec<Finding>) {
    for control in catalogue.controls().iter().filter(|control| !control.has_evidence_source()) {
        let word = format!("ControlId::{}", constant(control.id));
        for file in
            workspace.product().filter(|file| !matches!(file.crate_name(), Some("model" | "strawman")))
        {
            if let Some(line) = file.source().lines_with(&word).first() {
                findings.push(Finding::new(
                    file.at(*line),
                    format!("carries the label `{}`, which the catalogue says nothing enforces", control.id),
                    format!(
                        "name what enforces it in catalogue/{}.toml, or use another control",
                        control.group()
                    ),
                ));
            }
        }
    }
}

/// `WEB_CSRF` for `web.csrf`.
fn constant(id: ControlId) -> String {
    id.as_str().replace(['.', '-'], "_").to_uppercase()
}

fn module_exists(workspace: &Workspace, path: &str) -> bool {
    let mut words = path.split("::");
    let Some(name) = words.next() else { return false };
    let rest: Vec<&str> = words.collect();
    let base = format!("crates/{name}/src/{}", rest.join("/"));
    workspace.file(&format!("{base}.rs")).is_some() || workspace.file(&format!("{base}/mod.rs")).is_some()
}

/// Follows `a.b.c` through the JSON schema; in a map any word will do.
fn setting_exists(schema: &str, path: &str) -> bool {
    let Ok(root) = serde_json::from_str::<serde_json::Value>(schema) else { return false };
    let mut here = vec![&root];
    for word in path.split('.') {
        here = here.iter().flat_map(|schema| below(&root, schema, word)).collect();
    }
    !here.is_empty()
}

fn below<'a>(
    root: &'a serde_json::Value,
    schema: &'a serde_json::Value,
    word: &str,
) -> Vec<&'a serde_json::Value> {
    resolve(root, schema)
        .into_iter()
        .flat_map(|schema| {
            let property = schema.get("properties").and_then(|properties| properties.get(word));
            let any = schema.get("additionalProperties").filter(|any| any.is_object());
            property.into_iter().chain(any).collect::<Vec<_>>()
        })
        .collect()
}

/// The schema itself, what it refers to, and its alternatives.
fn resolve<'a>(root: &'a serde_json::Value, schema: &'a serde_json::Value) -> Vec<&'a serde_json::Value> {
    let mut found = vec![schema];
    let mut at = 0;
    while let Some(schema) = found.get(at).copied() {
        at += 1;
        if at > 64 {
            break;
        }
        let pointed = schema.get("$ref").and_then(|pointer| pointer.as_str()?.strip_prefix('#'));
        found.extend(pointed.and_then(|pointer| root.pointer(pointer)));
        for key in ["allOf", "anyOf", "oneOf"] {
            found.extend(schema.get(key).and_then(|all| all.as_array()).into_iter().flatten());
        }
        found.extend(schema.get("items").filter(|items| items.is_object()));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "//! Forgery.\n//!\n//! Control: `web.csrf`\n\nimpl Check for Csrf {\n\
                        fn name(&self) -> &'static str { \"csrf\" }\n\
                        fn control(&self) -> ControlId { ControlId::WEB_CSRF }\n}\n";
    const TABLE: (&str, &str) = (SETTINGS, "pub struct Settings { pub csrf: csrf::Settings }");
    const CSRF: &str = "crates/checks/src/csrf.rs";

    fn of_the_check(files: &[(&str, &str)]) -> Vec<String> {
        let findings = check(&Workspace::of(files));
        findings.into_iter().filter(|finding| finding.place == CSRF).map(|finding| finding.what).collect()
    }

    #[test]
    fn a_check_that_keeps_the_law_is_silent() {
        assert_eq!(of_the_check(&[(CSRF, GOOD), TABLE]), [""; 0]);
    }

    #[test]
    fn each_missing_name_is_found() {
        let spoiled =
            |from: &str, to: &str| of_the_check(&[(CSRF, &GOOD.replace(from, to)), TABLE]).join("; ");
        assert_eq!(spoiled("//! Control: `web.csrf`", "//!"), "check `csrf` names 0 controls in its header");
        assert_eq!(
            spoiled("//! Control: `web.csrf`", "//! Control: `web.csrf`\n//! Control: `web.cors`"),
            "check `csrf` names 2 controls in its header"
        );
        assert_eq!(spoiled("`web.csrf`", "`web.crsf`"), "no control has the id `web.crsf`");
        assert!(
            spoiled("`web.csrf`", "`web.https`").contains("does not say that `web.https` is enforced by")
        );
        assert!(spoiled("ControlId::WEB_CSRF", "ControlId::WEB_CORS").contains("never answers"));
        assert!(spoiled("\"csrf\"", "\"forgery\"").contains("nothing in the check is called `csrf`"));
        assert_eq!(of_the_check(&[(CSRF, GOOD), (SETTINGS, "")]), ["there is no table `[checks.csrf]`"]);
    }

    #[test]
    fn a_source_that_does_not_exist_is_found() {
        let findings = check(&Workspace::of(&[(SCHEMA, "{}")]));
        let what: Vec<&str> = findings.iter().map(|finding| finding.what.as_str()).collect();
        assert!(
            what.contains(&"`web.csrf` is said to rest on `checks.csrf`, which does not exist"),
            "{what:?}"
        );
    }

    #[test]
    fn a_label_of_something_nobody_enforces_is_found() {
        let unproven =
            Catalogue::built_in().controls().iter().find(|control| !control.has_evidence_source()).unwrap();
        let code = format!("let c = ControlId::{};", constant(unproven.id));
        let findings = check(&Workspace::of(&[("crates/gateway/src/a.rs", &code)]));
        assert!(findings.iter().any(|finding| finding.place == "crates/gateway/src/a.rs:1"));
    }

    #[test]
    fn settings_are_found_through_references_and_maps() {
        let schema = r##"{"properties":{"upstreams":{"additionalProperties":{"$ref":"#/$defs/Upstream"}},
            "sessions":{"allOf":[{"$ref":"#/$defs/Sessions"}]}},
            "$defs":{"Upstream":{"properties":{"timeouts":{}}},"Sessions":{"properties":{"idle":{}}}}}"##;
        assert!(setting_exists(schema, "upstreams.app.timeouts"));
        assert!(setting_exists(schema, "sessions.idle"));
        assert!(!setting_exists(schema, "sessions.idel"));
        assert!(!setting_exists(schema, "nothing"));
    }
}
