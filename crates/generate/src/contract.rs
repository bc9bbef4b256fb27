//! The files of an OpenAPI description as trees, and the references between them.

use std::collections::BTreeMap;

use gabion_model::Problem;
use gabion_openapi::json::{Object, Pointer, Value};

/// An OpenAPI description of version 3.0 or 3.1.
#[derive(Debug, Clone, Copy)]
pub struct Contract<'a> {
    files: &'a BTreeMap<String, Value>,
    root: &'a str,
    pub(crate) dialect: Dialect,
}

/// How schemas are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// `nullable`, `exclusiveMinimum: true`; nothing counts beside `$ref`.
    OpenApi30,
    /// JSON Schema 2020-12.
    OpenApi31,
}

/// A value and where it stands.
#[derive(Debug, Clone)]
pub(crate) struct At<'a> {
    pub(crate) file: &'a str,
    pub(crate) pointer: Pointer,
    pub(crate) value: &'a Value,
}

impl<'a> Contract<'a> {
    /// # Errors
    /// The file `root` is not there, or is no OpenAPI description of a version that is read.
    pub fn new(files: &'a BTreeMap<String, Value>, root: &'a str) -> Result<Self, Problem> {
        let value =
            files.get(root).ok_or_else(|| Problem::new(root, "is not among the files of the contract"))?;
        let version = value.get("openapi").and_then(Value::as_str).unwrap_or_default();
        let dialect = match version.split('.').take(2).collect::<Vec<_>>().as_slice() {
            ["3", "0"] => Dialect::OpenApi30,
            ["3", "1"] => Dialect::OpenApi31,
            _ => {
                let problem = Problem::new(root, "is no OpenAPI description of version 3.0 or 3.1");
                return Err(
                    problem.hint("its member `openapi` says the version, for instance `openapi: 3.1.0`")
                );
            }
        };
        Ok(Self { files, root, dialect })
    }

    pub(crate) fn root(&self) -> Option<At<'a>> {
        let (file, value) = self.files.get_key_value(self.root)?;
        Some(At { file, pointer: Pointer::root(), value })
    }

    /// Follows references until a value that is none.
    pub(crate) fn resolve(&self, at: At<'a>) -> Result<At<'a>, String> {
        let mut at = at;
        for _ in 0..MOST_STEPS {
            let Some(reference) = at.str("$ref") else { return Ok(at) };
            at = self.follow(at.file, reference)?;
        }
        Err("the reference leads back to itself".to_owned())
    }

    /// One step.
    pub(crate) fn follow(&self, from: &str, reference: &str) -> Result<At<'a>, String> {
        let nothing = || format!("`{reference}` leads to nothing that is read");
        let (file, fragment) = reference.split_once('#').unwrap_or((reference, ""));
        let file = beside(from, file).ok_or_else(nothing)?;
        let (file, root) = self.files.get_key_value(&file).ok_or_else(nothing)?;
        let pointer = percent_decoded(fragment).and_then(|text| Pointer::parse(&text)).ok_or_else(nothing)?;
        let value = root.at(&pointer).ok_or_else(nothing)?;
        Ok(At { file, pointer, value })
    }
}

/// The file that `file` means in `from`; `None` for what is not a file below the contract's folder.
fn beside(from: &str, file: &str) -> Option<String> {
    if file.is_empty() {
        return Some(from.to_owned());
    }
    if file.contains(':') || file.contains('\\') || file.starts_with('/') {
        return None;
    }
    let mut parts: Vec<&str> = from.split('/').collect();
    parts.pop();
    for part in file.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

fn percent_decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let mut digit = || char::from(rest.next()?).to_digit(16);
            bytes.push(u8::try_from(digit()? * 16 + digit()?).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}

impl<'a> At<'a> {
    pub(crate) fn place(&self) -> String {
        format!("{}#{}", self.file, self.pointer)
    }

    pub(crate) fn get(&self, name: &str) -> Option<Self> {
        let value = self.value.get(name)?;
        Some(At { file: self.file, pointer: self.pointer.child(name), value })
    }

    pub(crate) fn str(&self, name: &str) -> Option<&'a str> {
        self.value.get(name).and_then(Value::as_str)
    }

    pub(crate) fn flag(&self, name: &str) -> bool {
        self.value.get(name).and_then(Value::as_bool).unwrap_or(false)
    }

    pub(crate) fn size(&self, name: &str) -> Option<u64> {
        self.value.get(name).and_then(Value::as_u64)
    }

    /// The members of the object under `name`.
    pub(crate) fn members(&self, name: &str) -> Vec<(&'a str, Self)> {
        let Some(at) = self.get(name) else { return Vec::new() };
        let members = at.value.as_object().into_iter().flat_map(Object::iter);
        let child = |(name, value)| (name, At { file: at.file, pointer: at.pointer.child(name), value });
        members.map(child).collect()
    }

    /// The items of the array under `name`.
    pub(crate) fn items(&self, name: &str) -> Vec<Self> {
        let Some(at) = self.get(name) else { return Vec::new() };
        let items = at.value.as_array().unwrap_or_default().iter().enumerate();
        items
            .map(|(index, value)| At { file: at.file, pointer: at.pointer.child(index.to_string()), value })
            .collect()
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.value.get(name).is_some()
    }
}

const MOST_STEPS: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_files_below_the_folder_are_meant() {
        assert_eq!(beside("a/b.yaml", "c.yaml").as_deref(), Some("a/c.yaml"));
        assert_eq!(beside("a/b.yaml", "../c.yaml").as_deref(), Some("c.yaml"));
        assert_eq!(beside("a/b.yaml", "").as_deref(), Some("a/b.yaml"));
        for outside in ["../../c", "/etc/passwd", "https://a.example/b", "..\\c", "file:c"] {
            assert_eq!(beside("a/b.yaml", outside), None, "{outside}");
        }
    }
}
