//! The catalogue against the list of controls it renders in our own words.

use std::collections::BTreeSet;
use std::path::PathBuf;

use gabion_control::{Catalogue, Framework};
use gabion_model::ControlId;

#[test]
fn ids_and_mappings_are_those_of_the_list() {
    let Some(text) = shared("data/controls.csv") else {
        println!("skipped: ids_and_mappings_are_those_of_the_list: no test data");
        return;
    };
    let mut rows = csv(&text).into_iter();
    let header = rows.next().expect("a header");
    let column = |name: &str| {
        header.iter().position(|cell| cell == name).unwrap_or_else(|| panic!("no column `{name}`"))
    };
    let columns = [
        (Framework::Owasp, column("owasp_top10_2025")),
        (Framework::Asvs, column("asvs_5_0_0")),
        (Framework::Stride, column("stride")),
        (Framework::Nist, column("nist_800_53_r5")),
        (Framework::Soc2, column("soc2_tsc")),
        (Framework::Iso27001, column("iso27001_2022_annex_a")),
        (Framework::PciDss, column("pci_dss_4_0_1")),
        (Framework::Hipaa, column("hipaa_security_rule")),
        (Framework::Gdpr, column("gdpr")),
    ];
    let (id, title, backed) = (column("id"), column("title"), column("iso_olir_backed"));
    let catalogue = Catalogue::built_in();
    let mut listed = BTreeSet::new();

    for row in rows {
        let control = catalogue.find(&row[id]).unwrap_or_else(|error| panic!("{error}"));
        listed.insert(control.id);
        for (framework, column) in columns {
            let ours: BTreeSet<&str> =
                control.requirements_of(framework).map(|requirement| requirement.number.as_str()).collect();
            assert_eq!(ours, cells(&row[column]), "{} and {framework}", control.id);
        }
        let published: BTreeSet<&str> = control
            .requirements_of(Framework::Iso27001)
            .filter(|requirement| !requirement.judgement)
            .map(|requirement| requirement.number.as_str())
            .collect();
        assert_eq!(published, cells(&row[backed]), "{}: published ISO links", control.id);
        assert_ne!(control.title, row[title], "{}: the title is not in our own words", control.id);
    }
    assert_eq!(listed.into_iter().collect::<Vec<_>>(), {
        let mut all = ControlId::ALL.to_vec();
        all.sort();
        all
    });
}

#[test]
fn asvs_numbers_exist_in_the_published_list() {
    let Some(text) = shared("data/asvs5.flat.json") else {
        println!("skipped: asvs_numbers_exist_in_the_published_list: no test data");
        return;
    };
    let list: serde_json::Value = serde_json::from_str(&text).unwrap();
    let rows = list.as_array().or_else(|| list["requirements"].as_array()).expect("a list of requirements");
    let known: BTreeSet<String> = rows
        .iter()
        .filter_map(|row| row["req_id"].as_str())
        .map(|id| format!("V{}", id.trim_start_matches('V')))
        .collect();
    assert!(known.len() > 300, "{} requirements", known.len());
    for control in Catalogue::built_in().controls() {
        for requirement in control.requirements_of(Framework::Asvs) {
            assert!(known.contains(&requirement.number), "{}: {}", control.id, requirement.number);
        }
    }
}

#[test]
fn every_text_reads_as_a_sentence() {
    for control in Catalogue::built_in().controls() {
        assert!(!control.title.ends_with('.'), "{}: a title is no sentence", control.id);
        assert!(control.title.len() <= 100, "{}: the title is {} long", control.id, control.title.len());
        let texts = [Some(&control.promise), Some(&control.why), control.enforced.as_ref()]
            .into_iter()
            .flatten()
            .chain([&control.planned, &control.attacked, &control.read, &control.note].into_iter().flatten());
        for text in texts {
            assert!(text.ends_with('.'), "{}: `{text}` has no end", control.id);
            assert!(
                !text.contains("  ") && !text.contains('\n'),
                "{}: `{text}` has stray spaces",
                control.id
            );
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the place of the test data comes from the environment")]
fn shared(path: &str) -> Option<String> {
    let root = std::env::var_os("GABION_SHARED")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared"), PathBuf::from);
    std::fs::read_to_string(root.join(path)).ok()
}

fn cells(text: &str) -> BTreeSet<&str> {
    text.split(';').map(str::trim).filter(|cell| !cell.is_empty()).collect()
}

/// RFC 4180: quoted cells may hold commas, line ends and doubled quotes.
fn csv(text: &str) -> Vec<Vec<String>> {
    let (mut rows, mut row, mut cell, mut quoted) = (Vec::new(), Vec::new(), String::new(), false);
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => {
                chars.next();
                cell.push('"');
            }
            '"' => quoted = !quoted,
            ',' if !quoted => row.push(std::mem::take(&mut cell)),
            '\n' if !quoted => {
                row.push(std::mem::take(&mut cell));
                rows.push(std::mem::take(&mut row));
            }
            '\r' if !quoted => {}
            c => cell.push(c),
        }
    }
    if !cell.is_empty() || !row.is_empty() {
        row.push(cell);
        rows.push(row);
    }
    rows
}
