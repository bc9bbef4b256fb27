//! SPDX 3.0 (<https://spdx.github.io/spdx-spec/v3.0.1/>), JSON-LD: elements of a graph that name each other.

use std::collections::{BTreeMap, HashMap};

use gabion_finding::Source;
use serde_json::{Value, json};

use super::{Bom, Stamp, checksum, package, text};
use crate::document::{self, Malformed, Node};
use crate::licence;
use crate::package::{Inventory, Spot};

pub(super) fn write(bom: &Bom, stamp: Stamp<'_>) -> Value {
    let base = format!("urn:uuid:{}#", stamp.uuid);
    let id = |name: &str| format!("{base}{name}");
    let ids: BTreeMap<&str, String> =
        bom.components.keys().zip(1..).map(|(it, at)| (it.as_str(), id(&format!("package-{at}")))).collect();
    let info = "_:creation";
    let mut graph = vec![
        json!({
            "type": "CreationInfo",
            "@id": info,
            "specVersion": "3.0.1",
            "created": stamp.time,
            "createdBy": [id("agent")],
        }),
        json!({
            "type": "SoftwareAgent",
            "spdxId": id("agent"),
            "name": format!("gabion-{}", stamp.tool),
            "creationInfo": info,
        }),
    ];
    let mut elements = vec![id("project")];
    let mut root = json!({
        "type": "software_Package",
        "spdxId": id("project"),
        "creationInfo": info,
        "name": bom.name,
    });
    if let (false, Some(object)) = (bom.version.is_empty(), root.as_object_mut()) {
        object.insert("software_packageVersion".into(), json!(bom.version));
    }
    graph.push(root);
    let mut relations: Vec<(String, &str, Vec<String>)> = Vec::new();
    let mut direct = Vec::new();
    let mut licences: BTreeMap<&str, String> = BTreeMap::new();
    for (address, component) in &bom.components {
        let it = &component.package;
        let Some(own) = ids.get(address.as_str()) else { continue };
        let mut out = json!({
            "type": "software_Package",
            "spdxId": own,
            "creationInfo": info,
            "name": it.name,
            "software_packageVersion": it.version,
            "software_packageUrl": address,
        });
        if let (Some((kind, digits)), Some(object)) = (checksum(&it.integrity), out.as_object_mut()) {
            let kind = kind.to_lowercase().replace('-', "");
            let hash = json!([{ "type": "Hash", "algorithm": kind, "hashValue": digits }]);
            object.insert("verifiedUsing".into(), hash);
        }
        graph.push(out);
        elements.push(own.clone());
        if it.direct != Some(false) {
            direct.push(own.clone());
        }
        let needs: Vec<String> =
            component.needs.iter().filter_map(|it| ids.get(it.as_str()).cloned()).collect();
        if !needs.is_empty() {
            relations.push((own.clone(), "dependsOn", needs));
        }
        if let Some(written) = it.licence.as_deref().filter(|it| licence::is_expression(it)) {
            let next = id(&format!("licence-{}", licences.len() + 1));
            let licence = licences.entry(written).or_insert(next).clone();
            relations.push((own.clone(), "hasDeclaredLicense", vec![licence]));
        }
    }
    for (written, own) in licences {
        graph.push(json!({
            "type": "simplelicensing_LicenseExpression",
            "spdxId": own,
            "creationInfo": info,
            "simplelicensing_licenseExpression": written,
        }));
        elements.push(own);
    }
    if !direct.is_empty() {
        relations.push((id("project"), "dependsOn", direct));
    }
    for (at, (from, kind, to)) in (1..).zip(relations) {
        let own = id(&format!("relationship-{at}"));
        graph.push(json!({
            "type": "Relationship",
            "spdxId": own,
            "creationInfo": info,
            "from": from,
            "relationshipType": kind,
            "to": to,
        }));
        elements.push(own);
    }
    graph.push(json!({
        "type": "software_Sbom",
        "spdxId": id("sbom"),
        "creationInfo": info,
        "rootElement": [id("project")],
        "element": elements,
        "software_sbomType": ["source"],
    }));
    graph.push(json!({
        "type": "SpdxDocument",
        "spdxId": id("document"),
        "creationInfo": info,
        "name": bom.name,
        "rootElement": [id("sbom")],
        "profileConformance": ["core", "software", "simpleLicensing"],
    }));
    json!({ "@context": "https://spdx.org/rdf/3.0.1/spdx-context.jsonld", "@graph": graph })
}

pub(super) fn read(source: &Source, out: &mut Inventory) -> Result<(), Malformed> {
    let node = document::json(source.text())?;
    let graph = node.items_of("@graph");
    if graph.is_empty() {
        return Err(Malformed::new(0, "this is no SPDX 3 document: `@graph` is missing"));
    }
    let id =
        |node: &Node| node.text_of("spdxId").or_else(|| node.text_of("@id")).unwrap_or_default().to_owned();
    let kind = |node: &Node| text(node, if node.get("type").is_some() { "type" } else { "@type" });
    let mut written: HashMap<String, String> = HashMap::new();
    let mut licences: HashMap<String, String> = HashMap::new();
    let mut edges: HashMap<String, Vec<String>> = HashMap::new();
    let mut direct = None;
    let roots: Vec<String> = graph
        .iter()
        .filter(|it| kind(it) == "software_Sbom")
        .flat_map(|it| it.items_of("rootElement"))
        .filter_map(Node::text)
        .map(str::to_owned)
        .collect();
    for element in graph {
        match kind(element).as_str() {
            "SpdxDocument" => element.text_of("name").unwrap_or_default().clone_into(&mut out.project),
            "simplelicensing_LicenseExpression" => {
                written.insert(id(element), text(element, "simplelicensing_licenseExpression"));
            }
            "software_Package" => {
                let outside = element.items_of("externalIdentifier").iter();
                let outside = outside.filter(|it| it.text_of("externalIdentifierType") == Some("packageUrl"));
                let outside = outside.filter_map(|it| it.get("identifier")).next();
                let Some(address) = element.get("software_packageUrl").or(outside) else { continue };
                let spot = Spot::of(source, address.span);
                out.packages.extend(package(address.text().unwrap_or_default(), &id(element), spot));
            }
            "Relationship" | "LifecycleScopedRelationship" => {
                let from = text(element, "from");
                let to = element
                    .get("to")
                    .map_or(&[][..], |it| if it.is_list() { it.items() } else { std::slice::from_ref(it) });
                let to: Vec<String> = to.iter().filter_map(Node::text).map(str::to_owned).collect();
                match element.text_of("relationshipType") {
                    Some("dependsOn") => {
                        if roots.contains(&from) {
                            direct.get_or_insert_with(Vec::new).extend(to.clone());
                        }
                        edges.entry(from).or_default().extend(to);
                    }
                    Some("hasDeclaredLicense" | "hasConcludedLicense") => {
                        licences.extend(to.into_iter().next().map(|it| (from, it)));
                    }
                    _ => {}
                }
            }
            _ => {}
        }
    }
    let direct: Option<std::collections::HashSet<String>> = direct.map(|it| it.into_iter().collect());
    for package in &mut out.packages {
        package.needs = edges.remove(&package.key).unwrap_or_default();
        package.licence = licences.get(&package.key).and_then(|it| written.get(it)).cloned();
        package.direct = direct.as_ref().map(|it| it.contains(&package.key));
    }
    Ok(())
}
