//! What has to stand around a pattern so that a parser reads it: a member of a class is no program.

use super::{AROUND, ELLIPSIS, Kind, VARIABLE};
use crate::family::Family;

/// Texts to try, the likeliest first, and where in them the pattern is.
pub(super) fn ways(family: Family, text: &str) -> Vec<(String, Kind)> {
    let plain = text.trim();
    let any = format!("{VARIABLE}_");
    let first = plain
        .split(|sign: char| !(sign.is_alphanumeric() || "_\"'".contains(sign)))
        .next()
        .unwrap_or_default();
    let behind = plain.get(first.len()..).unwrap_or_default().trim_start();
    // `secure: false`, which alone would be a label.
    let entry = !first.is_empty()
        && behind.starts_with(':')
        && !behind.starts_with(":=")
        && !behind.starts_with("::")
        && !["case", "default", "else"].contains(&first);
    match family {
        Family::Script => {
            let as_is = (text.to_owned(), Kind::Body);
            let value = (format!("({plain})"), Kind::Body);
            let mut ways = if plain.starts_with('{') && plain.ends_with('}') && !plain.contains(';') {
                vec![value, as_is]
            } else {
                vec![as_is, value]
            };
            let pair = (format!("({{{plain}}})"), Kind::Entry);
            if entry {
                ways.insert(0, pair.clone());
            }
            if first == "catch" {
                ways.insert(0, (format!("try {{ {ELLIPSIS} }} {plain}"), Kind::Catch));
            }
            ways.extend([
                (format!("class {AROUND} {{ {plain} }}"), Kind::Member),
                pair,
                (format!("async function {AROUND}() {{ {text}\n}}"), Kind::Function),
                (format!("async function* {AROUND}() {{ {text}\n}}"), Kind::Function),
                (format!("class {AROUND} {{ {plain} {any}({ELLIPSIS}) {{ {ELLIPSIS} }} }}"), Kind::Member),
                (format!("try {{ {ELLIPSIS} }} {plain}"), Kind::Catch),
                (format!("{plain} {{ {ELLIPSIS} }}"), Kind::Body),
            ]);
            ways
        }
        Family::Python => vec![
            (text.to_owned(), Kind::Body),
            (format!("{plain}\ndef {any}({ELLIPSIS}): {ELLIPSIS}"), Kind::Body),
            (format!("{plain} {ELLIPSIS}"), Kind::Body),
            (format!("{plain}: {ELLIPSIS}"), Kind::Body),
            (format!("{{{plain}}}"), Kind::Entry),
            (format!("({plain})"), Kind::Body),
            (format!("async def {AROUND}():\n{}", indented(text)), Kind::Function),
            (format!("try:\n    {ELLIPSIS}\n{plain}"), Kind::Catch),
        ],
        Family::Java => {
            // What is written of a member only a member can have.
            let member =
                plain.starts_with('@') || ["private", "public", "protected", "static"].contains(&first);
            let mut ways = if member {
                vec![
                    (format!("class {AROUND} {{ {plain} }}"), Kind::Member),
                    (format!("class {AROUND} {{ {plain}; }}"), Kind::Member),
                ]
            } else {
                Vec::new()
            };
            ways.extend([
                (text.to_owned(), Kind::Body),
                (format!("{plain};"), Kind::Body),
                (format!("class {AROUND} {{ {plain} }}"), Kind::Member),
                (format!("class {AROUND} {{ {plain}; }}"), Kind::Member),
                (format!("void {AROUND}() {{ {plain} }}"), Kind::Function),
                (format!("void {AROUND}() {{ {plain}; }}"), Kind::Function),
                (format!("{plain} {{ {ELLIPSIS}; }}"), Kind::Body),
                (
                    format!("class {AROUND} {{ {plain} Object {any}(Object {ELLIPSIS}) {{ {ELLIPSIS}; }} }}"),
                    Kind::Member,
                ),
                (format!("class {AROUND} {{ {plain} {{ {ELLIPSIS}; }} }}"), Kind::Member),
                (format!("try {{ {ELLIPSIS}; }} {plain}"), Kind::Catch),
            ]);
            ways
        }
        Family::Go if entry => vec![(format!("var _ = {AROUND}{{{plain}}}"), Kind::Entry)],
        Family::Go => vec![
            (text.to_owned(), Kind::Body),
            (format!("func {AROUND}() {{\n{text}\n}}"), Kind::Function),
            (format!("var _ = {plain}"), Kind::Body),
            (format!("{AROUND}{{{plain}}}"), Kind::Entry),
            (format!("{plain} {{ {ELLIPSIS} }}"), Kind::Body),
        ],
        Family::Rust => {
            let inside = (format!("fn {AROUND}() {{ {plain} }}"), Kind::Function);
            let ended = (format!("fn {AROUND}() {{ {plain}; }}"), Kind::Function);
            let as_is = (text.to_owned(), Kind::Body);
            let first =
                plain.trim_start_matches("pub ").trim_start_matches("async ").trim_start_matches("unsafe ");
            let item =
                ["fn ", "struct ", "impl ", "enum ", "trait ", "use ", "#[", "mod ", "static ", "const "]
                    .iter()
                    .any(|word| first.starts_with(word));
            if item { vec![as_is, inside, ended] } else { vec![ended, inside, as_is] }
        }
        Family::Generic | Family::Regex => Vec::new(),
    }
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("    {line}\n")).collect()
}
