//! Texts with places to fill, and texts in parts of which only some are wanted.

use std::collections::BTreeSet;

/// `text` with `{{name}}` replaced. Names that are not given stay, and a test finds them.
pub(crate) fn fill(text: &str, values: &[(&str, &str)]) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{{") {
        let Some((name, tail)) = after.split_once("}}") else { break };
        out.push_str(before);
        match values.iter().find(|(key, _)| *key == name) {
            Some((_, value)) => out.push_str(value),
            None => {
                out.push_str("{{");
                out.push_str(name);
                out.push_str("}}");
            }
        }
        rest = tail;
    }
    out.push_str(rest);
    out
}

/// The parts of `text` that are wanted, in its order. A part begins at a line of `mark` and its name.
pub(crate) fn parts(text: &str, mark: &str, wanted: &BTreeSet<&str>) -> String {
    let mut out = String::new();
    let mut in_wanted = false;
    for line in text.lines() {
        if let Some(name) = line.strip_prefix(mark) {
            in_wanted = wanted.contains(name.trim());
        } else if in_wanted {
            out.push_str(line);
            out.push('\n');
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_filled_in_is_not_read_again() {
        assert_eq!(fill("a {{x}} {{y}}", &[("x", "{{y}}"), ("y", "1")]), "a {{y}} 1");
        assert_eq!(fill("${{ secrets }} {{", &[("x", "1")]), "${{ secrets }} {{");
    }

    #[test]
    fn only_parts_that_are_wanted() {
        assert_eq!(parts("## a\n1\n## b\n2\n", "## ", &BTreeSet::from(["b"])), "2\n");
    }
}
