//! JSON in which texts with a sign before them are functions, that are called while it is read (`node-serialize` and its like).

use serde_json::Value;

use super::{Form, Language};

pub(super) const FUNCTIONS: Language = Language {
    name: "JSON with functions in it",
    does: "run any script",
    keeps: true,
    fits: |bytes| bytes.first() == Some(&b'{') && leaf(bytes).is_some(),
    write,
    resolve: Some(resolve),
    ..Language::NAMES
};

/// The document, and the first text in it that is a word.
fn leaf(bytes: &[u8]) -> Option<(Value, String)> {
    let document: Value = serde_json::from_slice(bytes).ok()?;
    let (name, _) = document.as_object()?.iter().find(|(_, value)| {
        let text = value.as_str().unwrap_or_default();
        !text.is_empty() && text.chars().all(|letter| letter.is_alphanumeric() || " _-.@".contains(letter))
    })?;
    let name = name.clone();
    Some((document, name))
}

fn write(bytes: &[u8], _at: usize, form: Form) -> Option<Vec<u8>> {
    let (mut document, name) = leaf(bytes)?;
    let text = document.get_mut(&name)?;
    if form == Form::Plain {
        // The same document, written with spaces.
        return serde_json::to_vec_pretty(&document).ok();
    }
    let value = Value::String(text.as_str()?.to_owned());
    let sign = if form == Form::Named { "_$$ND_FUNC$$_" } else { "_$$ND_FNUC$$_" };
    *text = Value::String(format!("{sign}function(){{return {value}}}()"));
    serde_json::to_vec(&document).ok()
}

fn resolve(bytes: &[u8], name: &str, form: Form) -> Option<Vec<u8>> {
    let (mut document, leaf) = leaf(bytes)?;
    let text = document.get_mut(&leaf)?;
    let value = Value::String(text.as_str()?.to_owned());
    let sign = if form == Form::Named { "_$$ND_FUNC$$_" } else { "_$$ND_FNUC$$_" };
    let ask = format!("require('dns').lookup('{name}',function(){{}})");
    *text = Value::String(format!("{sign}function(){{{ask};return {value}}}()"));
    serde_json::to_vec(&document).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_becomes_a_function_that_gives_it() {
        let text = |form| String::from_utf8(write(br#"{"n":1,"user":"alice"}"#, 0, form).unwrap()).unwrap();
        assert_eq!(text(Form::Named), r#"{"n":1,"user":"_$$ND_FUNC$$_function(){return \"alice\"}()"}"#);
        assert!(text(Form::Misspelled).contains("_$$ND_FNUC$$_"));
        assert!(!(FUNCTIONS.fits)(br#"{"n":1}"#));
    }
}
