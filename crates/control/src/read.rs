//! From TOML to [`Catalogue`]: every entry on its own, so that every flaw is found in one pass.

use std::collections::BTreeMap;

use gabion_model::ControlId;
use serde::Deserialize;

use crate::catalogue::{Catalogue, suggest};
use crate::control::{Control, Group};
use crate::error::{CatalogueError, Flaw, Rule};
use crate::framework::{Framework, Requirement};
use crate::source::Source;

pub(crate) fn read(files: &[(&str, &str)]) -> Result<Catalogue, CatalogueError> {
    let mut flaws = Vec::new();
    let mut groups = BTreeMap::new();
    let mut controls: BTreeMap<ControlId, Control> = BTreeMap::new();

    for (file, text) in files {
        let mut flaw = |id: Option<&str>, rule| {
            flaws.push(Flaw { file: (*file).to_owned(), id: id.map(str::to_owned), rule });
        };
        let stem = file.rsplit('/').next().unwrap_or(file).trim_end_matches(".toml");
        let document: Document = match toml::from_str(text) {
            Ok(document) => document,
            Err(error) => {
                flaw(None, Rule::Syntax(one_line(&error)));
                continue;
            }
        };
        match document.group.try_into::<GroupEntry>() {
            Ok(group) if !group.title.trim().is_empty() && !group.about.trim().is_empty() => {
                let id = stem.to_owned();
                groups.insert(stem.to_owned(), Group { id, title: group.title, about: group.about });
            }
            Ok(_) => flaw(None, Rule::Group("it is empty".to_owned())),
            Err(error) => flaw(None, Rule::Group(one_line(&error))),
        }
        for entry in document.control {
            let Some(written) = entry.get("id").and_then(toml::Value::as_str).map(str::to_owned) else {
                flaw(None, Rule::NoId);
                continue;
            };
            let Ok(id) = written.parse::<ControlId>() else {
                let suggestion = suggest(&written).first().map(ToString::to_string);
                flaw(Some(&written), Rule::UnknownId { suggestion });
                continue;
            };
            let entry: Entry = match entry.try_into() {
                Ok(entry) => entry,
                Err(error) => {
                    flaw(Some(&written), Rule::Shape(one_line(&error)));
                    continue;
                }
            };
            let control = control(id, entry, &mut |rule| flaw(Some(&written), rule));
            if control.group() != stem {
                flaw(Some(&written), Rule::WrongFile { group: control.group().to_owned() });
            }
            if controls.insert(id, control).is_some() {
                flaw(Some(&written), Rule::Duplicate);
            }
        }
    }
    for id in ControlId::ALL {
        if !controls.contains_key(id) && !flaws.iter().any(|flaw| flaw.id.as_deref() == Some(id.as_str())) {
            let group = id.as_str().split_once('.').map_or(id.as_str(), |(group, _)| group);
            flaws.push(Flaw {
                file: format!("catalogue/{group}.toml"),
                id: Some(id.to_string()),
                rule: Rule::Missing,
            });
        }
    }
    if !flaws.is_empty() {
        return Err(CatalogueError { flaws });
    }
    let controls: Vec<Control> = ControlId::ALL.iter().filter_map(|id| controls.remove(id)).collect();
    let mut ordered: Vec<Group> = Vec::new();
    for control in &controls {
        ordered.extend(groups.remove(control.group()));
    }
    Ok(Catalogue { groups: ordered, controls })
}

fn control(id: ControlId, entry: Entry, flaw: &mut dyn FnMut(Rule)) -> Control {
    for (name, text) in [
        ("title", Some(&entry.title)),
        ("promise", Some(&entry.promise)),
        ("why", Some(&entry.why)),
        ("enforced", entry.enforced.as_ref()),
        ("planned", entry.planned.as_ref()),
        ("attacked", entry.attacked.as_ref()),
        ("read", entry.read.as_ref()),
        ("note", entry.note.as_ref()),
    ] {
        if text.is_some_and(|text| text.trim().is_empty()) {
            flaw(Rule::EmptyText(name));
        }
    }
    if [&entry.enforced, &entry.planned, &entry.attacked, &entry.read].iter().all(|text| text.is_none()) {
        flaw(Rule::NoEvidence);
    }
    if entry.enforced.is_some() && entry.enforced_by.is_empty() {
        flaw(Rule::TextWithoutSource);
    }
    let mut sources = |field, list: &[String], text_field, text: &Option<String>| {
        if !list.is_empty() && text.is_none() {
            flaw(Rule::SourceWithoutText(field, text_field));
        }
        list.iter()
            .filter_map(|source| match source.parse::<Source>() {
                Ok(source) => Some(source),
                Err(error) => {
                    flaw(Rule::BadSource { field, reason: error.to_string() });
                    None
                }
            })
            .collect()
    };
    let enforced_by = sources("enforced_by", &entry.enforced_by, "enforced", &entry.enforced);
    let attacked_by = sources("attacked_by", &entry.attacked_by, "attacked", &entry.attacked);
    let read_by = sources("read_by", &entry.read_by, "read", &entry.read);
    Control {
        id,
        title: entry.title,
        promise: entry.promise,
        why: entry.why,
        enforced: entry.enforced,
        enforced_by,
        planned: entry.planned,
        attacked: entry.attacked,
        attacked_by,
        read: entry.read,
        read_by,
        note: entry.note,
        requirements: requirements(entry.requirements, flaw),
    }
}

fn requirements(lists: Requirements, flaw: &mut dyn FnMut(Rule)) -> Vec<Requirement> {
    let by_list = [
        (Framework::Owasp, false, lists.owasp),
        (Framework::Asvs, false, lists.asvs),
        (Framework::Stride, false, lists.stride),
        (Framework::Nist, false, lists.nist),
        (Framework::Soc2, true, lists.soc2),
        (Framework::Iso27001, false, lists.iso27001.published),
        (Framework::Iso27001, true, lists.iso27001.judgement),
        (Framework::PciDss, true, lists.pci),
        (Framework::Hipaa, true, lists.hipaa),
        (Framework::Gdpr, true, lists.gdpr),
    ];
    let mut all = Vec::new();
    for (framework, judgement, numbers) in by_list {
        for number in numbers {
            if !framework.accepts(&number) {
                flaw(Rule::BadRequirement { framework: framework.title(), text: number.clone() });
            }
            all.push(Requirement { framework, number, judgement });
        }
    }
    if all.is_empty() {
        flaw(Rule::NoRequirement);
    }
    all
}

/// TOML's errors draw the place over several lines; a flaw is one line.
fn one_line(error: &toml::de::Error) -> String {
    error.message().lines().map(str::trim).collect::<Vec<_>>().join(", ")
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    group: toml::Table,
    #[serde(default)]
    control: Vec<toml::Table>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct GroupEntry {
    title: String,
    about: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    #[serde(rename = "id")]
    _id: String,
    title: String,
    promise: String,
    why: String,
    enforced: Option<String>,
    #[serde(default)]
    enforced_by: Vec<String>,
    planned: Option<String>,
    attacked: Option<String>,
    #[serde(default)]
    attacked_by: Vec<String>,
    read: Option<String>,
    #[serde(default)]
    read_by: Vec<String>,
    note: Option<String>,
    #[serde(default)]
    requirements: Requirements,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Requirements {
    owasp: Vec<String>,
    asvs: Vec<String>,
    stride: Vec<String>,
    nist: Vec<String>,
    soc2: Vec<String>,
    iso27001: IsoLinks,
    pci: Vec<String>,
    hipaa: Vec<String>,
    gdpr: Vec<String>,
}

/// NIST publishes which Annex A controls its own controls correspond to; what that table backs is
/// `published`, the rest is our reading.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct IsoLinks {
    published: Vec<String>,
    judgement: Vec<String>,
}
