//! The list of holes itself, and the marks in the code.

use std::collections::BTreeSet;
use std::path::Path;

use gabion_strawman::{Visibility, holes};

/// The weaknesses the product promises to know.
const FAMILIES: &[(&str, u32)] = &[
    ("sql-injection", 89),
    ("nosql-injection", 943),
    ("command-injection", 78),
    ("reflected-xss", 79),
    ("stored-xss", 79),
    ("idor-user", 639),
    ("idor-tenant", 639),
    ("function-level", 285),
    ("mass-assignment", 915),
    ("path-traversal", 22),
    ("ssrf", 918),
    ("open-redirect", 601),
    ("csrf", 352),
    ("verbose-errors", 209),
    ("missing-headers", 693),
    ("permissive-cors", 942),
    ("login-rate", 307),
    ("unsafe-upload", 434),
    ("unsigned-webhook", 345),
    ("secrets-in-answer", 201),
    ("host-header", 644),
    ("xxe", 611),
    ("jwt-algorithm", 347),
    ("user-enumeration", 204),
    ("weak-session-cookie", 330),
    ("cacheable-answer", 525),
    ("forged-identity", 290),
    ("missing-login", 306),
];

#[test]
fn every_family_is_on_the_list() {
    assert!(holes().len() >= 24);
    for (id, cwe) in FAMILIES {
        let hole = holes().iter().find(|hole| hole.id == *id);
        assert_eq!(hole.map(|hole| hole.cwe), Some(*cwe), "{id}");
    }
}

#[test]
fn ids_are_unique_and_every_entry_says_everything() {
    let ids: BTreeSet<_> = holes().iter().map(|hole| hole.id.as_str()).collect();
    assert_eq!(ids.len(), holes().len());
    for hole in holes() {
        let texts = [&hole.title, &hole.endpoint, &hole.exploit, &hole.success, &hole.twin];
        assert!(texts.into_iter().chain(&hole.variants).all(|text| !text.trim().is_empty()), "{}", hole.id);
        let in_code = hole.visible.contains(&Visibility::Code);
        assert_eq!(in_code, !hole.seen.is_empty(), "{}: where a scan sees it", hole.id);
        let reason = hole.unseen.as_deref().unwrap_or_default();
        assert_eq!(in_code, reason.is_empty(), "{}: why reading does not show it", hole.id);
    }
}

/// The marks `HOLE <id>` in the code and the list are the same set.
#[test]
fn every_hole_is_marked_in_the_code_and_every_mark_is_on_the_list() {
    let mut marked = BTreeSet::new();
    for entry in std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/app")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "rs") {
            continue;
        }
        for line in std::fs::read_to_string(&path).unwrap().lines() {
            if let Some(rest) = line.trim_start().trim_start_matches('/').trim_start().strip_prefix("HOLE ")
                && !rest.starts_with('<')
            {
                let id = rest.split(|letter: char| !(letter.is_ascii_alphanumeric() || letter == '-')).next();
                marked.insert(id.unwrap().to_owned());
            }
        }
    }
    let listed: BTreeSet<_> = holes().iter().map(|hole| hole.id.clone()).collect();
    assert_eq!(marked, listed);
}

/// Each endpoint on the list stands in the contract that a gate goes by, the own login excepted.
#[test]
fn the_contract_names_the_endpoints() {
    let contract = include_str!("../../../../examples/shop/openapi.yaml");
    for hole in holes() {
        for part in hole.endpoint.split("; ") {
            let path = part.split(' ').find(|word| word.starts_with('/')).unwrap().split('?').next().unwrap();
            let replaced = ["/login", "/reset", "/signup/check"].contains(&path);
            let named = contract.contains(&format!("\n  {path}:\n"));
            assert!(named != replaced, "{}: {path}", hole.id);
        }
    }
}
