//! Lists of components, in and out: CycloneDX 1.6 (JSON in and out, XML in), SPDX 2.3 (JSON in and out, tag-value in), SPDX 3.0
//! (JSON-LD in and out). The same packages give the same bytes: the time and the number of a document are parameters.

mod cyclonedx;
mod spdx2;
mod spdx3;

use std::collections::{BTreeMap, BTreeSet};

use gabion_finding::Source;

use crate::document::{Malformed, Node};
use crate::package::{Format, Integrity, Inventory, Package, Spot};
use crate::purl;

/// What a project is built of, ready to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bom {
    /// Of the project.
    pub name: String,
    pub version: String,
    /// By address, each once.
    components: BTreeMap<String, Component>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Component {
    package: Package,
    /// Addresses of what it needs.
    needs: BTreeSet<String>,
}

/// What no scan knows, said by whoever writes the document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp<'a> {
    /// RFC 3339 in UTC: `2026-01-31T12:00:00Z`.
    pub time: &'a str,
    /// A random UUID, in lower case; documents must not share one.
    pub uuid: &'a str,
    /// Version of this program.
    pub tool: &'a str,
}

impl Bom {
    #[must_use]
    pub fn new(name: &str, version: &str) -> Self {
        Self { name: name.to_owned(), version: version.to_owned(), components: BTreeMap::new() }
    }

    /// Adds what a file lists. A package that several files list is one component.
    pub fn add(&mut self, inventory: &Inventory) {
        let addresses: BTreeMap<&str, String> =
            inventory.packages.iter().map(|package| (package.key.as_str(), address(package))).collect();
        for package in &inventory.packages {
            let component = self
                .components
                .entry(address(package))
                .or_insert_with(|| Component { package: package.clone(), needs: BTreeSet::new() });
            component
                .needs
                .extend(package.needs.iter().filter_map(|key| addresses.get(key.as_str()).cloned()));
            if component.package.licence.is_none() {
                component.package.licence.clone_from(&package.licence);
            }
        }
    }

    /// Packages by their licence, as far as files name one.
    #[must_use]
    pub fn licences(&self) -> BTreeMap<Option<&str>, Vec<&str>> {
        let mut out: BTreeMap<Option<&str>, Vec<&str>> = BTreeMap::new();
        for (address, component) in &self.components {
            out.entry(component.package.licence.as_deref()).or_default().push(address);
        }
        out
    }

    #[must_use]
    pub fn len(&self) -> usize {
        self.components.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.components.is_empty()
    }

    /// CycloneDX 1.6, JSON.
    #[must_use]
    pub fn cyclonedx(&self, stamp: Stamp<'_>) -> String {
        pretty(&cyclonedx::write(self, stamp))
    }

    /// SPDX 2.3, JSON.
    #[must_use]
    pub fn spdx2(&self, stamp: Stamp<'_>) -> String {
        pretty(&spdx2::write(self, stamp))
    }

    /// SPDX 3.0.1, JSON-LD.
    #[must_use]
    pub fn spdx3(&self, stamp: Stamp<'_>) -> String {
        pretty(&spdx3::write(self, stamp))
    }
}

pub(crate) fn read(source: &Source, out: &mut Inventory) -> Result<(), Malformed> {
    match out.format {
        Format::CycloneDxXml => cyclonedx::read_xml(source, out),
        Format::Spdx2Json => spdx2::read_json(source, out),
        Format::Spdx2Tags => spdx2::read_tags(source, out),
        Format::Spdx3Json => spdx3::read(source, out),
        _ => cyclonedx::read_json(source, out),
    }
}

fn address(package: &Package) -> String {
    purl::write(package.ecosystem, &package.name, &package.version)
}

/// A component of a document, by its address; nothing where the address is none of our ecosystems.
fn package(address: &str, key: &str, spot: Spot) -> Option<Package> {
    let (ecosystem, name, version) = purl::read(address)?;
    let mut package = Package::new(ecosystem, &name, &version, spot);
    key.clone_into(&mut package.key);
    Some(package)
}

/// An algorithm and hexadecimal digits, for what writes checksums so.
fn checksum(integrity: &Integrity) -> Option<(&'static str, String)> {
    let Integrity::Present(text) = integrity else { return None };
    let hexadecimal = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if let Some(digits) = text.strip_prefix("sha256:").or_else(|| text.strip_prefix("sha256=")) {
        let whole = digits.len() == 64 && hexadecimal(digits);
        return whole.then(|| ("SHA-256", digits.to_lowercase()));
    }
    if let Some((kind, encoded)) = text.split_once('-') {
        let (kind, length) = match kind {
            "sha512" => ("SHA-512", 128),
            "sha384" => ("SHA-384", 96),
            "sha256" => ("SHA-256", 64),
            "sha1" => ("SHA-1", 40),
            _ => return None,
        };
        // Both forms refuse a document with a checksum that is none.
        return hex_of_base64(encoded).filter(|digits| digits.len() == length).map(|digits| (kind, digits));
    }
    (text.len() == 64 && hexadecimal(text)).then(|| ("SHA-256", text.to_lowercase()))
}

fn hex_of_base64(text: &str) -> Option<String> {
    use base64::Engine as _;
    let text = text.split([' ', '?']).next()?;
    let bytes = base64::engine::general_purpose::STANDARD.decode(text).ok()?;
    Some(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

fn pretty(value: &serde_json::Value) -> String {
    let mut text = serde_json::to_string_pretty(value).unwrap_or_default();
    text.push('\n');
    text
}

fn text(node: &Node, key: &str) -> String {
    node.text_of(key).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests;
