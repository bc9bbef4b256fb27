//! TOML 1.1, read by the `toml` crate, which bounds how deep it is nested.

use std::borrow::Cow;

use gabion_finding::Span;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{Malformed, Member, Node, Value, span};
use crate::bounds;

pub(crate) fn read(text: &str) -> Result<Node, Malformed> {
    if text.len() > bounds::FILE {
        return Err(Malformed::bound(0, "the document is larger than 32 MiB"));
    }
    let table = DeTable::parse(text).map_err(|error| {
        let offset = error.span().map_or(0, |span| span.start);
        Malformed::new(offset, error.message().to_owned())
    })?;
    let at = table.span();
    let mut node = of_table(table.into_inner());
    node.span = span(at.start, at.end);
    Ok(node)
}

fn of_table(table: DeTable<'_>) -> Node {
    let mut members: Vec<Member> = (table.into_iter())
        .map(|(key, value)| Member { at: place(&key), key: key.into_inner().into_owned(), node: of(value) })
        .collect();
    // The crate sorts by key; readers go by what stands first.
    members.sort_by_key(|member| member.at.start);
    Node { span: Span::default(), value: Value::Table(members) }
}

fn of(value: Spanned<DeValue<'_>>) -> Node {
    let at = place(&value);
    let value = match value.into_inner() {
        DeValue::String(text) => Value::Text(Cow::into_owned(text)),
        DeValue::Integer(number) => Value::Number(number.as_str().to_owned()),
        DeValue::Float(number) => Value::Number(number.as_str().to_owned()),
        DeValue::Boolean(it) => Value::Bool(it),
        DeValue::Datetime(moment) => Value::Text(moment.to_string()),
        DeValue::Array(items) => Value::List(items.into_iter().map(of).collect()),
        DeValue::Table(table) => of_table(table).value,
    };
    Node { span: at, value }
}

fn place<T>(spanned: &Spanned<T>) -> Span {
    let at = spanned.span();
    span(at.start, at.end)
}
