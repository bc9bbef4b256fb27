//! SPDX 2.3 (<https://spdx.github.io/spdx-spec/v2.3/>): JSON and tag-value.

use std::collections::{BTreeMap, HashMap};

use gabion_finding::Source;
use serde_json::{Value, json};

use super::{Bom, Stamp, checksum, package};
use crate::document::{self, Malformed};
use crate::licence;
use crate::package::{Inventory, Spot};

pub(super) fn write(bom: &Bom, stamp: Stamp<'_>) -> Value {
    let ids: BTreeMap<&str, String> = bom
        .components
        .keys()
        .zip(1..)
        .map(|(address, at)| (address.as_str(), format!("SPDXRef-{at}")))
        .collect();
    let mut packages = vec![json!({
        "SPDXID": "SPDXRef-Project",
        "name": bom.name,
        "versionInfo": bom.version,
        "downloadLocation": "NOASSERTION",
        "filesAnalyzed": false,
    })];
    let relation = |one: &str, kind: &str, other: &str| json!({ "spdxElementId": one, "relationshipType": kind, "relatedSpdxElement": other });
    let mut relations = vec![relation("SPDXRef-DOCUMENT", "DESCRIBES", "SPDXRef-Project")];
    for (address, component) in &bom.components {
        let it = &component.package;
        let Some(id) = ids.get(address.as_str()) else { continue };
        let declared = it.licence.as_deref().filter(|it| licence::is_expression(it)).unwrap_or("NOASSERTION");
        let mut out = json!({
            "SPDXID": id,
            "name": it.name,
            "versionInfo": it.version,
            "downloadLocation": "NOASSERTION",
            "filesAnalyzed": false,
            "licenseConcluded": "NOASSERTION",
            "licenseDeclared": declared,
            "externalRefs": [{
                "referenceCategory": "PACKAGE-MANAGER",
                "referenceType": "purl",
                "referenceLocator": address,
            }],
        });
        if let (Some((kind, digits)), Some(object)) = (checksum(&it.integrity), out.as_object_mut()) {
            let kind = kind.replace('-', "");
            object.insert("checksums".into(), json!([{ "algorithm": kind, "checksumValue": digits }]));
        }
        packages.push(out);
        if it.direct != Some(false) {
            relations.push(relation("SPDXRef-Project", "DEPENDS_ON", id));
        }
        for need in component.needs.iter().filter_map(|it| ids.get(it.as_str())) {
            relations.push(relation(id, "DEPENDS_ON", need));
        }
    }
    json!({
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": bom.name,
        "documentNamespace": format!("urn:uuid:{}", stamp.uuid),
        "creationInfo": { "created": stamp.time, "creators": [format!("Tool: gabion-{}", stamp.tool)] },
        "packages": packages,
        "relationships": relations,
    })
}

pub(super) fn read_json(source: &Source, out: &mut Inventory) -> Result<(), Malformed> {
    let node = document::json(source.text())?;
    if node.text_of("spdxVersion").is_none() {
        if node.get("@graph").is_some() {
            return super::spdx3::read(source, out);
        }
        return Err(Malformed::new(0, "this is no SPDX document"));
    }
    node.text_of("name").unwrap_or_default().clone_into(&mut out.project);
    for item in node.items_of("packages") {
        let address =
            item.items_of("externalRefs").iter().find(|it| it.text_of("referenceType") == Some("purl"));
        let Some(address) = address.and_then(|it| it.get("referenceLocator")) else { continue };
        let key = item.text_of("SPDXID").unwrap_or_default();
        let text = address.text().unwrap_or_default();
        if let Some(mut package) = package(text, key, Spot::of(source, address.span)) {
            let licence = item.text_of("licenseConcluded").filter(|it| is_said(it));
            let licence = licence.or_else(|| item.text_of("licenseDeclared").filter(|it| is_said(it)));
            package.licence = licence.map(str::to_owned);
            out.packages.push(package);
        }
    }
    let relations = node.items_of("relationships").iter().filter_map(|it| {
        let kind = it.text_of("relationshipType")?;
        Some((it.text_of("spdxElementId")?, kind, it.text_of("relatedSpdxElement")?))
    });
    connect(relations, out);
    Ok(())
}

fn is_said(text: &str) -> bool {
    !matches!(text, "NOASSERTION" | "NONE" | "")
}

fn connect<'a>(relations: impl Iterator<Item = (&'a str, &'a str, &'a str)>, out: &mut Inventory) {
    let mut edges: HashMap<&str, Vec<String>> = HashMap::new();
    for (one, kind, other) in relations {
        match kind {
            "DEPENDS_ON" => edges.entry(one).or_default().push(other.to_owned()),
            "DEPENDENCY_OF" => edges.entry(other).or_default().push(one.to_owned()),
            _ => {}
        }
    }
    for package in &mut out.packages {
        package.needs = edges.remove(package.key.as_str()).unwrap_or_default();
    }
}

/// One line, one value; a package begins with `PackageName`.
pub(super) fn read_tags(source: &Source, out: &mut Inventory) -> Result<(), Malformed> {
    if source.text().trim_start().starts_with('{') {
        return read_json(source, out);
    }
    if !source.text().contains("SPDXVersion:") {
        return Err(Malformed::new(0, "this is no SPDX document: `SPDXVersion:` is missing"));
    }
    let mut relations: Vec<(&str, &str, &str)> = Vec::new();
    let (mut id, mut licence) = ("", None);
    let mut offset = 0;
    let mut long = false;
    for line in source.text().split_inclusive('\n') {
        let start = offset;
        offset += line.len();
        if long {
            long = !line.contains("</text>");
            continue;
        }
        let Some((tag, value)) = line.split_once(':') else { continue };
        let value = value.trim();
        long = value.contains("<text>") && !value.contains("</text>");
        match tag.trim() {
            "DocumentName" => value.clone_into(&mut out.project),
            "PackageName" => (id, licence) = ("", None),
            "SPDXID" => id = value,
            "PackageLicenseConcluded" | "PackageLicenseDeclared" if licence.is_none() => {
                licence = Some(value).filter(|it| is_said(it));
                if let Some(package) =
                    out.packages.last_mut().filter(|it| it.key == id && it.licence.is_none())
                {
                    package.licence = licence.map(str::to_owned);
                }
            }
            "ExternalRef" => {
                let mut words = value.split_whitespace();
                let (Some(_), Some("purl"), Some(address)) = (words.next(), words.next(), words.next())
                else {
                    continue;
                };
                let spot = Spot::of(source, document::span(start, start + line.trim_end().len()));
                if let Some(mut package) = package(address, id, spot) {
                    package.licence = licence.map(str::to_owned);
                    out.packages.push(package);
                }
            }
            "Relationship" => {
                let words: Vec<&str> = value.split_whitespace().collect();
                if let [one, kind, other, ..] = words.as_slice() {
                    relations.push((one, kind, other));
                }
            }
            _ => {}
        }
    }
    connect(relations.into_iter(), out);
    Ok(())
}
