//! TOML, with places.

use ::toml::Spanned;
use ::toml::de::{DeTable, DeValue};

use super::{Documents, Entry, Gap, Node, Value, line_of, span};

/// Reads one document.
pub(crate) fn read(text: &str) -> Documents {
    match DeTable::parse(text) {
        Ok(table) => {
            let whole = table.span();
            let entries = entries(table.into_inner());
            Documents { roots: vec![Node::map(span(whole.start, whole.end), entries)], gaps: Vec::new() }
        }
        Err(error) => {
            let line = line_of(text, error.span().map_or(0, |at| at.start));
            Documents { roots: Vec::new(), gaps: vec![Gap::syntax(line, error.message())] }
        }
    }
}

fn entries(table: DeTable<'_>) -> Vec<Entry> {
    let entry = |(key, value): (Spanned<_>, Spanned<DeValue<'_>>)| {
        let place = key.span();
        let key: std::borrow::Cow<'_, str> = key.into_inner();
        Entry { key: key.as_ref().into(), key_span: span(place.start, place.end), node: node(value) }
    };
    table.into_iter().map(entry).collect()
}

/// As deep as the parser lets it be.
fn node(value: Spanned<DeValue<'_>>) -> Node {
    let place = span(value.span().start, value.span().end);
    let value = match value.into_inner() {
        DeValue::String(text) => Value::Text(text.as_ref().into()),
        DeValue::Integer(number) => return Node::number_or_text(place, &number.to_string()),
        DeValue::Float(number) => return Node::number_or_text(place, &number.to_string()),
        DeValue::Boolean(value) => Value::Bool(value),
        DeValue::Datetime(time) => Value::Text(time.to_string().into()),
        DeValue::Array(items) => Value::List(items.into_iter().map(node).collect()),
        DeValue::Table(table) => Value::Map(entries(table)),
    };
    Node::new(place, value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_and_values_have_places() {
        let text = "[server]\nport = 80\nnames = [\"a\"]\n";
        let root = read(text).roots.remove(0);
        assert_eq!(root.get("server").unwrap().entry("port").unwrap().place().of(text), "port = 80");
        assert_eq!(read("a = \n").gaps.len(), 1);
    }
}
