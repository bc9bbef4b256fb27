//! Names in the generated code: each a plain identifier, each once.

use std::collections::BTreeSet;
use std::fmt::Write as _;

/// The names that are taken.
#[derive(Debug, Default)]
pub(crate) struct Names {
    taken: BTreeSet<String>,
}

impl Names {
    pub(crate) fn with(reserved: &[&str]) -> Self {
        Self { taken: reserved.iter().map(|name| (*name).to_owned()).collect() }
    }

    /// `wanted`, or that with the first number that is free.
    pub(crate) fn take(&mut self, wanted: &str) -> String {
        let mut name = wanted.to_owned();
        let mut number = 2_u32;
        while !self.taken.insert(name.clone()) {
            name = format!("{wanted}{number}");
            number += 1;
        }
        name
    }
}

/// `order-item` as `OrderItem`.
pub(crate) fn pascal(text: &str) -> String {
    let name: String = words(text).iter().map(|word| capital(word)).collect();
    identifier(name, "Type")
}

/// `Get order item` as `getOrderItem`.
pub(crate) fn camel(text: &str) -> String {
    let mut characters = pascal(text).chars().collect::<Vec<_>>().into_iter();
    let first = characters.next().map(|first| first.to_ascii_lowercase());
    first.into_iter().chain(characters).collect()
}

/// `orderItem` as `order_item`.
pub(crate) fn snake(text: &str) -> String {
    let mut name = String::new();
    for word in words(text) {
        let mut before = '_';
        for character in word.chars() {
            if character.is_ascii_uppercase() && (before.is_ascii_lowercase() || before.is_ascii_digit()) {
                name.push('_');
            }
            name.push(character.to_ascii_lowercase());
            before = character;
        }
        name.push('_');
    }
    identifier(name.trim_matches('_').to_owned(), "field")
}

fn words(text: &str) -> Vec<&str> {
    text.split(|character: char| !character.is_ascii_alphanumeric()).filter(|word| !word.is_empty()).collect()
}

fn capital(word: &str) -> String {
    let mut characters = word.chars();
    characters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(characters).collect()
}

fn identifier(name: String, otherwise: &str) -> String {
    match name.chars().next() {
        None => otherwise.to_owned(),
        Some(first) if first.is_ascii_digit() => format!("{otherwise}_{name}"),
        Some(_) => name,
    }
}

/// A text as a literal of JavaScript and TypeScript: JSON's, in ASCII only.
pub(crate) fn quoted(text: &str) -> String {
    literal(text, |out, other| {
        let mut units = [0_u16; 2];
        for unit in other.encode_utf16(&mut units) {
            let _ = write!(out, "\\u{unit:04x}");
        }
    })
}

/// The same for Python, where a pair of surrogates is two characters.
pub(crate) fn quoted_python(text: &str) -> String {
    literal(text, |out, other| {
        let _ = write!(out, "\\U{:08x}", u32::from(other));
    })
}

/// In quotes, with `escape` for what is not printable ASCII.
fn literal(text: &str, escape: impl Fn(&mut String, char)) -> String {
    let mut out = String::from("\"");
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            ' '..='~' => out.push(character),
            other => escape(&mut out, other),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_identifiers() {
        assert_eq!(pascal("order-item"), "OrderItem");
        assert_eq!(pascal("2fa"), "Type_2fa");
        assert_eq!(pascal("€"), "Type");
        assert_eq!(camel("GET /pets/{id}"), "gETPetsId");
        assert_eq!(snake("orderItemID"), "order_item_id");
        assert_eq!(snake("x-request-id"), "x_request_id");
        let mut names = Names::with(&["a"]);
        assert_eq!([names.take("a"), names.take("a"), names.take("b")], ["a2", "a3", "b"]);
    }

    #[test]
    fn a_literal_cannot_be_left() {
        assert_eq!(quoted("a\"; alert(1) //\n\u{2028}😀"), "\"a\\\"; alert(1) //\\n\\u2028\\ud83d\\ude00\"");
        assert_eq!(quoted_python("\\😀"), "\"\\\\\\U0001f600\"");
    }
}
