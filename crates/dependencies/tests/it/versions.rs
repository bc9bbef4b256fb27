//! Versions, against what the ecosystems' own programs say of them: lists that they put in order, lowest first; what they take for
//! equal stands on one line.

use gabion_dependencies::Version;
use gabion_finding::Ecosystem;

fn in_order(ecosystem: Ecosystem, list: &str) {
    let all: Vec<(usize, &str, Version)> = (list.lines().enumerate())
        .flat_map(|(line, texts)| texts.split(' ').map(move |text| (line, text)))
        .map(|(line, text)| {
            (line, text, Version::read(ecosystem, text).unwrap_or_else(|| panic!("`{text}` is a version")))
        })
        .collect();
    assert!(all.len() > 150);
    let mut wrong = Vec::new();
    for (at, (line, text, one)) in all.iter().enumerate() {
        for (other_line, other_text, other) in all.iter().skip(at + 1) {
            if one.cmp(other) != line.cmp(other_line) {
                wrong.push(format!(
                    "{text} {other_text}: {:?}, not {:?}",
                    one.cmp(other),
                    line.cmp(other_line)
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{} of them: {:#?}", wrong.len(), wrong.iter().take(20).collect::<Vec<_>>());
}

/// By `packaging` of PyPI.
#[test]
fn versions_of_python_are_ordered_as_its_installer_orders_them() {
    in_order(Ecosystem::PyPi, include_str!("../versions/pypi.txt"));
}

/// By `ComparableVersion` of Maven 3.8; without those of which it says that one is lower than another and that one than the first.
#[test]
fn versions_of_maven_are_ordered_as_maven_orders_them() {
    in_order(Ecosystem::Maven, include_str!("../versions/maven.txt"));
}
