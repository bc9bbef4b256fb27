//! `docs/requirements.md`: from a requirement to the controls that answer to it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use gabion_control::{Catalogue, Framework};

pub(super) fn write(pages: &mut BTreeMap<String, String>) {
    let catalogue = Catalogue::built_in();
    let mut page = String::from(
        "# Requirements\n\nWhich controls answer to which requirement. A control can meet a requirement only in part; \
         its page says what it does. A requirement that is missing here is answered by no control.\n",
    );
    for framework in Framework::ALL {
        let _ = write!(page, "\n## {framework}\n\n| requirement | controls |\n|---|---|\n");
        let mut rows: BTreeMap<Vec<Part>, (String, BTreeSet<String>)> = BTreeMap::new();
        for control in catalogue.controls() {
            for requirement in control.requirements_of(*framework) {
                rows.entry(parts(&requirement.number))
                    .or_insert_with(|| (requirement.number.clone(), BTreeSet::new()))
                    .1
                    .insert(format!("[`{0}`](controls/{0}.md)", control.id));
            }
        }
        for (number, controls) in rows.into_values() {
            let _ = writeln!(page, "| {number} | {} |", controls.into_iter().collect::<Vec<_>>().join(", "));
        }
    }
    pages.insert("docs/requirements.md".to_owned(), page);
}

/// Numbers compare as numbers: `V2.1` before `V10.1`.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    Number(u64),
    Text(String),
}

fn parts(number: &str) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut run = String::new();
    let mut flush = |run: &mut String| {
        let text = std::mem::take(run);
        if !text.is_empty() {
            parts.push(text.parse().map_or(Part::Text(text), Part::Number));
        }
    };
    for c in number.chars() {
        if run.chars().next_back().is_some_and(|last| last.is_ascii_digit() != c.is_ascii_digit()) {
            flush(&mut run);
        }
        run.push(c);
    }
    flush(&mut run);
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_sort_as_numbers() {
        assert!(parts("V2.10.1") < parts("V10.1.1"));
        assert!(parts("V2.2.1") < parts("V2.10.1"));
        assert!(parts("Art. 5(1)(c)") < parts("Art. 32(1)(a)"));
    }
}
