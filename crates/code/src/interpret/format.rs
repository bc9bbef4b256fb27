//! Format strings of Go and Rust.

use std::rc::Rc;

use crate::value::{Known, Value, concatenated};

/// A format string of `fmt` with what it is given: numbers are numbers.
pub(super) fn formatted_as_go(format: &Value, given: &[&Value]) -> Value {
    let Some(text) = format.as_text() else {
        let mut all: Vec<Value> = vec![format.clone()];
        all.extend(given.iter().map(|one| (*one).clone()));
        return concatenated(&all);
    };
    let mut parts = Vec::new();
    let mut said = String::new();
    let mut given = given.iter();
    let mut signs = text.chars();
    while let Some(sign) = signs.next() {
        if sign != '%' {
            said.push(sign);
            continue;
        }
        let verb = signs.by_ref().find(|sign| sign.is_alphabetic() || *sign == '%');
        match verb {
            Some('%') | None => said.push('%'),
            Some(verb) => {
                parts.push(Value::text(&std::mem::take(&mut said)));
                match (verb, given.next()) {
                    (_, None) => {}
                    ('d' | 't' | 'f' | 'g' | 'e' | 'b' | 'o' | 'c' | 'x' | 'X' | 'p' | 'T', Some(value)) => {
                        // A number: only chance is still to be seen in it.
                        let flows = Rc::new(value.lasting());
                        parts.push(Value { known: Known::Harmless, flows, ..Value::default() });
                    }
                    (_, Some(value)) => parts.push((*value).clone()),
                }
            }
        }
    }
    parts.push(Value::text(&said));
    parts.extend(given.map(|one| (*one).clone()));
    let mut value = concatenated(&parts);
    value.add_flows(&format.flows);
    value
}

/// A format string of Rust with what it is given.
pub(super) fn formatted_as_rust(given: &[(Option<Rc<str>>, Value)]) -> Value {
    let Some(((_, format), rest)) = given.split_first() else { return Value::text("") };
    let Some(text) = format.as_text() else {
        return concatenated(&given.iter().map(|(_, value)| value.clone()).collect::<Vec<_>>());
    };
    let mut positional = rest.iter().filter(|(name, _)| name.is_none()).map(|(_, value)| value);
    let mut parts = Vec::new();
    let mut remaining: &str = &text;
    while let Some((before, behind)) = remaining.split_once('{') {
        parts.push(Value::text(before));
        if let Some(behind) = behind.strip_prefix('{') {
            parts.push(Value::text("{"));
            remaining = behind;
            continue;
        }
        let (inside, after) = behind.split_once('}').unwrap_or((behind, ""));
        let name = inside.split(':').next().unwrap_or_default();
        let named = rest.iter().find(|(own, _)| own.as_deref() == Some(name)).map(|(_, value)| value);
        let numbered = name.parse::<usize>().ok();
        let value = match (named, numbered) {
            (Some(value), _) => Some(value),
            (None, Some(at)) => rest.get(at).map(|(_, value)| value),
            (None, None) => positional.next(),
        };
        parts.extend(value.cloned());
        remaining = after;
    }
    parts.push(Value::text(&remaining.replace("}}", "}")));
    let mut value = concatenated(&parts);
    value.add_flows(&format.flows);
    value
}
