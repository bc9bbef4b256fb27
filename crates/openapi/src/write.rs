//! Values as YAML that people read: blocks, and quotes wherever a plain word could mean something else.

use std::fmt::Write as _;

use crate::json::{Value, write_string};

/// One YAML document (YAML 1.2 §10.3, the core schema).
#[must_use]
pub fn yaml(value: &Value) -> String {
    let mut out = String::new();
    block(value, 0, &mut out);
    out
}

fn block(value: &Value, depth: usize, out: &mut String) {
    let pad = "  ".repeat(depth);
    match value {
        Value::Object(object) if !object.is_empty() => {
            for (name, value) in object.iter() {
                out.push_str(&pad);
                scalar(name, out);
                out.push(':');
                inside(value, depth, out);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for item in items {
                let _ = write!(out, "{pad}-");
                inside(item, depth, out);
            }
        }
        leaf => {
            let _ = writeln!(out, "{pad}{}", flow(leaf));
        }
    }
}

fn inside(value: &Value, depth: usize, out: &mut String) {
    let is_block = match value {
        Value::Object(object) => !object.is_empty(),
        Value::Array(items) => !items.is_empty(),
        _ => false,
    };
    if is_block {
        out.push('\n');
        block(value, depth.saturating_add(1), out);
    } else {
        let _ = writeln!(out, " {}", flow(value));
    }
}

fn flow(value: &Value) -> String {
    match value {
        Value::String(text) => {
            let mut out = String::new();
            scalar(text, &mut out);
            out
        }
        other => other.to_string(),
    }
}

fn scalar(text: &str, out: &mut String) {
    let words = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"];
    let plain = text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '/')
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-./{}".contains(&byte))
        && !words.contains(&text.to_ascii_lowercase().as_str());
    if plain {
        out.push_str(text);
    } else {
        let _ = write_string(text, out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::{Bounds, parse, yaml as reader};

    #[test]
    fn what_is_written_is_read_again() {
        let text = r#"{"a":{"/x/{id}":[1,{"b":[]},"no","","x: y","a\nb","1e3","200",true,null,{}],"200":"ok"},"c":[[1,[2]],-1.5]}"#;
        let value = parse(text.as_bytes(), &Bounds::default()).unwrap();
        let written = yaml(&value);
        let (read, _) = reader::parse(&written, &Bounds::file()).unwrap();
        assert_eq!(read, value, "{written}");
    }
}
