//! CycloneDX 1.6 (ECMA-424, <https://cyclonedx.org/docs/1.6/json/>). Older versions 1.2 to 1.5 are read as well.

use std::collections::HashMap;

use gabion_finding::Source;
use serde_json::{Map, Value, json};

use super::{Bom, Stamp, checksum, package};
use crate::document::xml::Element;
use crate::document::{self, Malformed, Node};
use crate::licence;
use crate::package::{Inventory, Spot};

pub(super) fn write(bom: &Bom, stamp: Stamp<'_>) -> Value {
    let root = format!("{}@{}", bom.name, bom.version);
    let components: Vec<Value> = bom
        .components
        .iter()
        .map(|(address, component)| {
            let package = &component.package;
            let mut out = Map::new();
            out.insert("type".into(), json!("library"));
            out.insert("bom-ref".into(), json!(address));
            out.insert("name".into(), json!(package.name));
            out.insert("version".into(), json!(package.version));
            if package.development == Some(true) {
                out.insert("scope".into(), json!("excluded"));
            }
            if let Some((kind, digits)) = checksum(&package.integrity) {
                out.insert("hashes".into(), json!([{ "alg": kind, "content": digits }]));
            }
            if let Some(written) = &package.licence {
                let licence = if licence::is_expression(written) {
                    json!([{ "expression": written }])
                } else {
                    json!([{ "license": { "name": written } }])
                };
                out.insert("licenses".into(), licence);
            }
            out.insert("purl".into(), json!(address));
            Value::Object(out)
        })
        .collect();
    let direct = bom.components.iter().filter(|(_, it)| it.package.direct == Some(true)).map(|(it, _)| it);
    let mut dependencies = vec![json!({ "ref": root, "dependsOn": direct.collect::<Vec<_>>() })];
    dependencies
        .extend(bom.components.iter().map(|(address, it)| json!({ "ref": address, "dependsOn": it.needs })));
    json!({
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": format!("urn:uuid:{}", stamp.uuid),
        "version": 1,
        "metadata": {
            "timestamp": stamp.time,
            "tools": { "components": [{ "type": "application", "name": "gabion", "version": stamp.tool }] },
            "component": { "type": "application", "bom-ref": root, "name": bom.name, "version": bom.version },
        },
        "components": components,
        "dependencies": dependencies,
    })
}

pub(super) fn read_json(source: &Source, out: &mut Inventory) -> Result<(), Malformed> {
    let node = document::json(source.text())?;
    if node.text_of("bomFormat") != Some("CycloneDX") {
        return Err(Malformed::new(0, "this is no CycloneDX document"));
    }
    let main = node.at(&["metadata", "component"]);
    main.and_then(|it| it.text_of("name")).unwrap_or_default().clone_into(&mut out.project);
    components(source, node.items_of("components"), out, 0);
    let root = main.and_then(|it| it.text_of("bom-ref")).unwrap_or_default();
    let mut edges: HashMap<String, Vec<String>> = HashMap::new();
    for it in node.items_of("dependencies") {
        let needs = it.items_of("dependsOn").iter().filter_map(Node::text).map(str::to_owned);
        edges.entry(super::text(it, "ref")).or_default().extend(needs);
    }
    connect(root, edges, out);
    Ok(())
}

fn components(source: &Source, items: &[Node], out: &mut Inventory, depth: usize) {
    if depth > 16 {
        out.gaps.push("components lie deeper in each other than 16; the rest was not read".to_owned());
        return;
    }
    for item in items {
        if let Some(address) = item.get("purl") {
            let text = address.text().unwrap_or_default();
            let key = item.text_of("bom-ref").unwrap_or(text);
            if let Some(mut package) = package(text, key, Spot::of(source, address.span)) {
                package.development = item.text_of("scope").map(|it| it == "excluded");
                package.licence = licences(item);
                out.packages.push(package);
            }
        }
        components(source, item.items_of("components"), out, depth + 1);
    }
}

fn licences(item: &Node) -> Option<String> {
    let all: Vec<&str> = (item.items_of("licenses").iter())
        .filter_map(|it| {
            it.text_of("expression").or_else(|| {
                let licence = it.get("license")?;
                licence.text_of("id").or_else(|| licence.text_of("name"))
            })
        })
        .collect();
    (!all.is_empty()).then(|| all.join(" OR "))
}

fn connect(root: &str, edges: HashMap<String, Vec<String>>, out: &mut Inventory) {
    let direct = edges.get(root).cloned().filter(|it| !it.is_empty());
    let direct: Option<std::collections::HashSet<String>> = direct.map(|it| it.into_iter().collect());
    let mut edges = edges;
    for package in &mut out.packages {
        package.needs = edges.remove(&package.key).unwrap_or_default();
        package.direct = direct.as_ref().map(|it| it.contains(&package.key));
    }
}

pub(super) fn read_xml(source: &Source, out: &mut Inventory) -> Result<(), Malformed> {
    let root = document::xml::read(source.text())?;
    if root.name != "bom" {
        return Err(Malformed::new(0, "this is no CycloneDX document"));
    }
    let main = root.at(&["metadata", "component"]);
    main.and_then(|it| it.text_of("name")).unwrap_or_default().clone_into(&mut out.project);
    let mut found: Vec<&Element> = Vec::new();
    if let Some(components) = root.child("components") {
        components.walk(&mut |it| {
            if it.name == "component" {
                found.push(it);
            }
        });
    }
    for element in found {
        let Some(address) = element.child("purl") else { continue };
        let key = element.attribute("bom-ref").unwrap_or(&address.text);
        if let Some(mut package) = package(&address.text, key, Spot::of(source, address.span)) {
            package.development = element.text_of("scope").map(|it| it == "excluded");
            let licences = element.child("licenses");
            package.licence = licences.and_then(|it| {
                let licence =
                    || it.child("license").and_then(|it| it.text_of("id").or_else(|| it.text_of("name")));
                it.text_of("expression").or_else(licence).map(str::to_owned)
            });
            out.packages.push(package);
        }
    }
    let mut edges: HashMap<String, Vec<String>> = HashMap::new();
    for it in root.child("dependencies").into_iter().flat_map(|it| it.all("dependency")) {
        let needs = it.all("dependency").filter_map(|it| it.attribute("ref")).map(str::to_owned);
        edges.entry(it.attribute("ref").unwrap_or_default().to_owned()).or_default().extend(needs);
    }
    connect(main.and_then(|it| it.attribute("bom-ref")).unwrap_or_default(), edges, out);
    Ok(())
}
