use gabion_finding::Ecosystem;

use super::*;
use crate::lock;
use crate::package::Origin;

const STAMP: Stamp<'_> =
    Stamp { time: "2026-01-31T12:00:00Z", uuid: "00000000-0000-4000-8000-000000000000", tool: "0.1.0" };

const LOCK: &str = r#"{"lockfileVersion": 3, "packages": {"": {"dependencies": {"@s/a": "1"}},
  "node_modules/@s/a": {"version": "1.0.0", "license": "MIT OR Apache-2.0", "dependencies": {"b": "2"},
    "resolved": "https://registry.npmjs.org/@s/a/-/a-1.0.0.tgz", "integrity": "sha256-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="},
  "node_modules/b": {"version": "2.0.0", "license": "SEE LICENSE IN x", "dev": true,
    "resolved": "https://registry.npmjs.org/b/-/b-2.0.0.tgz", "integrity": "sha512-AAAA"}}}"#;

fn inventory(path: &str, text: &str) -> Inventory {
    let source = Source::new(path, text);
    let (inventory, malformed) = lock::read(Format::of(path).unwrap(), &source);
    assert_eq!(malformed, None, "{path}");
    inventory
}

fn bom() -> Bom {
    let mut bom = Bom::new("app", "1.0");
    bom.add(&inventory("package-lock.json", LOCK));
    bom.add(&inventory("package-lock.json", LOCK));
    bom
}

/// What is left of packages after they were written and read.
fn read_back(path: &str, text: &str) -> Vec<(String, String, Vec<String>, Option<String>)> {
    let it = inventory(path, text);
    let name =
        |key: &String| it.packages.iter().find(|it| it.key == *key).map_or("", |it| &it.name).to_owned();
    let of = |it: &Package| {
        assert_eq!((it.ecosystem, &it.origin), (Ecosystem::Npm, &Origin::Unknown));
        (it.name.clone(), it.version.clone(), it.needs.iter().map(name).collect(), it.licence.clone())
    };
    it.packages.iter().map(of).collect()
}

#[test]
fn what_is_written_is_read() {
    let bom = bom();
    assert_eq!(bom.len(), 2);
    for (path, text, other) in [
        ("a.cdx.json", bom.cyclonedx(STAMP), Some("SEE LICENSE IN x")),
        ("a.spdx.json", bom.spdx2(STAMP), None),
        ("a.spdx3.json", bom.spdx3(STAMP), None),
    ] {
        let licence = Some("MIT OR Apache-2.0".to_owned());
        let expected = [
            ("@s/a".to_owned(), "1.0.0".to_owned(), vec!["b".to_owned()], licence),
            ("b".to_owned(), "2.0.0".to_owned(), Vec::new(), other.map(str::to_owned)),
        ];
        assert_eq!(read_back(path, &text), expected, "{path}: {text}");
    }
}

#[test]
fn the_same_packages_give_the_same_bytes() {
    let (one, other) = (bom(), bom());
    assert_eq!(one.cyclonedx(STAMP), other.cyclonedx(STAMP));
    assert_eq!(one.spdx2(STAMP), other.spdx2(STAMP));
    assert_eq!(one.spdx3(STAMP), other.spdx3(STAMP));
    let text = one.cyclonedx(STAMP);
    let value: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(value["dependencies"][0]["dependsOn"], serde_json::json!(["pkg:npm/%40s/a@1.0.0"]));
    assert_eq!(
        value["components"][0]["hashes"][0],
        serde_json::json!({ "alg": "SHA-256", "content": "0".repeat(64) })
    );
    // Three bytes are no checksum of that kind.
    assert!(value["components"][1].get("hashes").is_none());
    assert_eq!(value["metadata"]["timestamp"], "2026-01-31T12:00:00Z");
}

#[test]
fn xml_and_tags_are_read() {
    let xml = r#"<?xml version="1.0"?><bom xmlns="http://cyclonedx.org/schema/bom/1.6" version="1">
  <metadata><component type="application" bom-ref="app"><name>app</name></component></metadata>
  <components><component type="library" bom-ref="x"><name>a</name><version>1.0.0</version>
    <licenses><license><id>MIT</id></license></licenses><purl>pkg:npm/%40s/a@1.0.0</purl>
    <components><component type="library" bom-ref="y"><name>b</name><purl>pkg:npm/b@2.0.0</purl></component></components>
  </component><component type="operating-system"><name>debian</name></component></components>
  <dependencies><dependency ref="app"><dependency ref="x"/></dependency><dependency ref="x"><dependency ref="y"/></dependency></dependencies></bom>"#;
    let expected = [
        ("@s/a".to_owned(), "1.0.0".to_owned(), vec!["b".to_owned()], Some("MIT".to_owned())),
        ("b".to_owned(), "2.0.0".to_owned(), Vec::new(), None),
    ];
    assert_eq!(read_back("a.cdx.xml", xml), expected);
    let it = inventory("a.cdx.xml", xml);
    assert_eq!((it.packages[0].direct, it.packages[1].direct), (Some(true), Some(false)));
    let tags = "SPDXVersion: SPDX-2.3\nDocumentName: app\nPackageName: a\nSPDXID: SPDXRef-1\nPackageComment: <text>two\nPackageName: no\nlines</text>\nPackageLicenseConcluded: NOASSERTION\nPackageLicenseDeclared: MIT\nExternalRef: PACKAGE-MANAGER purl pkg:npm/%40s/a@1.0.0\n\nPackageName: b\nSPDXID: SPDXRef-2\nExternalRef: PACKAGE-MANAGER purl pkg:npm/b@2.0.0\nRelationship: SPDXRef-2 DEPENDENCY_OF SPDXRef-1\n";
    assert_eq!(read_back("a.spdx", tags), expected);
}

#[test]
fn other_documents_are_refused() {
    for (path, text) in [
        ("bom.json", "{}"),
        ("bom.xml", "<a/>"),
        ("a.spdx", "x"),
        ("a.spdx.json", "[]"),
        ("a.spdx3.json", "{}"),
    ] {
        let source = Source::new(path, text);
        assert!(lock::read(Format::of(path).unwrap(), &source).1.is_some(), "{path}");
    }
}
