//! The files of a contract: values with the place they were written at, and references between them.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, OnceLock};

use gabion_model::Problem;

use crate::json::yaml::Lines;
use crate::json::{Bounds, Object, ParseError, Pointer, Value, parse_file, yaml};

/// All files of a contract, read.
#[derive(Debug, Default)]
pub(crate) struct Sources {
    pub(crate) files: BTreeMap<String, File>,
}

/// One file.
#[derive(Debug)]
pub(crate) struct File {
    pub(crate) value: Arc<Value>,
    lines: Lines,
    /// The number of each value in the order of the file, by where it lies: looked up for every operation.
    numbers: OnceLock<HashMap<usize, usize>>,
}

impl File {
    fn line(&self, value: &Value) -> Option<u32> {
        let numbers = self.numbers.get_or_init(|| {
            let mut numbers = HashMap::new();
            let mut open = vec![&*self.value];
            while let Some(value) = open.pop() {
                numbers.insert(address(value), numbers.len());
                match value {
                    Value::Array(items) => open.extend(items.iter().rev()),
                    Value::Object(object) => {
                        let members: Vec<&Value> = object.iter().map(|(_, value)| value).collect();
                        open.extend(members.into_iter().rev());
                    }
                    _ => {}
                }
            }
            numbers
        });
        self.lines.at(*numbers.get(&address(value))?)
    }
}

fn address(value: &Value) -> usize {
    std::ptr::from_ref(value).addr()
}

/// A value and where it stands.
#[derive(Debug, Clone)]
pub(crate) struct At<'a> {
    pub(crate) file: &'a str,
    /// Inside the file.
    pub(crate) pointer: Pointer,
    pub(crate) value: &'a Value,
}

/// Why a reference leads nowhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Dangling {
    Circle,
    Missing(String),
    Remote(String),
    Unknown(String),
}

impl<'a> At<'a> {
    fn child(&self, segment: &str, value: &'a Value) -> Self {
        At { file: self.file, pointer: self.pointer.child(segment), value }
    }

    pub(crate) fn get(&self, name: &str) -> Option<Self> {
        self.value.get(name).map(|value| self.child(name, value))
    }

    pub(crate) fn str(&self, name: &str) -> Option<&'a str> {
        self.value.get(name).and_then(Value::as_str)
    }

    pub(crate) fn flag(&self, name: &str) -> bool {
        self.value.get(name).and_then(Value::as_bool).unwrap_or(false)
    }

    /// The members of the object under `name`.
    pub(crate) fn members(&self, name: &str) -> Vec<(&'a str, Self)> {
        self.get(name).map(|at| at.own_members()).unwrap_or_default()
    }

    pub(crate) fn own_members(&self) -> Vec<(&'a str, Self)> {
        let members = self.value.as_object().into_iter().flat_map(Object::iter);
        members.map(|(name, value)| (name, self.child(name, value))).collect()
    }

    /// The items of the array under `name`.
    pub(crate) fn items(&self, name: &str) -> Vec<Self> {
        let Some(at) = self.get(name) else { return Vec::new() };
        let items = at.value.as_array().unwrap_or_default();
        items.iter().enumerate().map(|(index, value)| at.child(&index.to_string(), value)).collect()
    }
}

/// Reads a file the team wrote: JSON where the name ends in `.json`, YAML otherwise.
///
/// # Errors
/// Where it is neither.
pub fn tree(name: &str, text: &str) -> Result<Value, ParseError> {
    read(name, text).map(|(value, _)| value)
}

fn read(name: &str, text: &str) -> Result<(Value, Lines), ParseError> {
    let bounds = Bounds::file();
    if name.to_ascii_lowercase().ends_with(".json") {
        return parse_file(text.as_bytes(), &bounds);
    }
    // What libyaml lets pass is passed too, where it can mean one thing only.
    yaml::parse(text, &bounds).or_else(|error| yaml::parse(&indented(text), &bounds).map_err(|_| error))
}

impl Sources {
    /// Reads all files: JSON where the name ends in `.json`, YAML otherwise.
    pub(crate) fn read(files: &BTreeMap<String, String>) -> Result<Self, Vec<Problem>> {
        let (mut sources, mut problems) = (Self::default(), Vec::new());
        for (name, text) in files {
            match read(name, text) {
                Ok((value, lines)) => {
                    sources
                        .files
                        .insert(name.clone(), File { value: value.into(), lines, numbers: OnceLock::new() });
                }
                Err(error) => {
                    let before = text.as_bytes().get(..error.offset).unwrap_or(text.as_bytes());
                    let line = before.iter().filter(|byte| **byte == b'\n').count().saturating_add(1);
                    problems.push(Problem::new(format!("{name}:{line}"), error.rule.to_string()));
                }
            }
        }
        if problems.is_empty() { Ok(sources) } else { Err(problems) }
    }

    pub(crate) fn root<'a>(&'a self, file: &str) -> Option<At<'a>> {
        let (name, file) = self.files.get_key_value(file)?;
        Some(At { file: name, pointer: Pointer::root(), value: &file.value })
    }

    /// Follows `$ref` to a value that has none.
    pub(crate) fn resolve<'a>(&'a self, at: At<'a>) -> Result<At<'a>, Dangling> {
        let mut at = at;
        for _ in 0..MOST_STEPS {
            let Some(reference) = at.str("$ref") else { return Ok(at) };
            at = self.follow(at.file, reference)?;
        }
        Err(Dangling::Circle)
    }

    fn follow<'a>(&'a self, from: &str, reference: &str) -> Result<At<'a>, Dangling> {
        let (file, fragment) = reference.split_once('#').unwrap_or((reference, ""));
        let file = target(from, file)?;
        let mut at = self.root(&file).ok_or(Dangling::Missing(file))?;
        let fragment = crate::encoding::decode(fragment.as_bytes(), false)
            .map_err(|_| Dangling::Unknown(reference.to_owned()))?;
        let Some(pointer) = fragment.strip_prefix('/') else {
            return if fragment.is_empty() { Ok(at) } else { Err(Dangling::Unknown(reference.to_owned())) };
        };
        for segment in pointer.split('/') {
            let segment = segment.replace("~1", "/").replace("~0", "~");
            let value = at.value.child(&segment).ok_or_else(|| Dangling::Unknown(reference.to_owned()))?;
            at = at.child(&segment, value);
        }
        Ok(at)
    }

    /// `openapi.yaml:12`
    pub(crate) fn place(&self, at: &At<'_>) -> String {
        self.place_of(at.file, at.value)
    }

    fn place_of(&self, file: &str, value: &Value) -> String {
        match self.files.get(file).and_then(|file| file.line(value)) {
            Some(line) => format!("{file}:{line}"),
            None => file.to_owned(),
        }
    }

    /// The place of `openapi.yaml#/components/schemas/Pet`.
    pub(crate) fn place_at(&self, location: &str) -> String {
        let (file, pointer) = location.split_once('#').unwrap_or((location, ""));
        let Some(root) = self.files.get(file).map(|file| &*file.value) else { return file.to_owned() };
        // The nearest one above where there is none.
        let mut value = root;
        for segment in Pointer::parse(pointer).unwrap_or_default().segments() {
            let Some(child) = value.child(segment) else { break };
            value = child;
        }
        self.place_of(file, value)
    }

    pub(crate) fn problem(&self, at: &At<'_>, reason: impl Into<String>) -> Problem {
        Problem::new(self.place(at), reason)
    }

    pub(crate) fn dangling(&self, at: &At<'_>, dangling: &Dangling) -> Problem {
        match dangling {
            Dangling::Circle => self.problem(at, "the reference leads back to itself"),
            Dangling::Missing(file) => self
                .problem(at, format!("the file `{file}` is not among those of the contract"))
                .hint("references lead to files below the folder of the contract"),
            Dangling::Remote(url) => self
                .problem(at, format!("`{url}` is not a local file, and nothing is ever fetched"))
                .hint("save the document beside the contract and refer to the file"),
            Dangling::Unknown(reference) => {
                self.problem(at, format!("`{reference}` leads to nothing")).hint("see the spelling after `#`")
            }
        }
    }
}

/// YAML asks the lines of a quoted scalar to be indented further than its key (YAML 1.2 §7.3), and many files do
/// not. Blanks at the beginning of such a line mean nothing, so more of them change nothing.
fn indented(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut block: Option<usize> = None;
    let mut open: Option<char> = None;
    for line in text.split_inclusive('\n') {
        let body = line.trim_end();
        let indent = line.len().saturating_sub(line.trim_start_matches(' ').len());
        if let Some(quote) = open {
            if !body.is_empty() {
                out.push_str("        ");
                out.push_str(&" ".repeat(indent));
            }
            out.push_str(line);
            if is_closed(body, quote) {
                open = None;
            }
            continue;
        }
        out.push_str(line);
        if block.is_some_and(|above| body.is_empty() || indent > above) {
            continue;
        }
        block = None;
        if body.trim_start().starts_with('#') {
            continue;
        }
        let value = body
            .split_once(": ")
            .map_or_else(|| body.trim_start().trim_start_matches("- "), |(_, value)| value)
            .trim_start();
        if value.starts_with(['|', '>']) {
            block = Some(indent);
        } else if let Some(rest) = value.strip_prefix('"')
            && !is_closed(rest, '"')
        {
            open = Some('"');
        } else if let Some(rest) = value.strip_prefix('\'')
            && !is_closed(rest, '\'')
        {
            open = Some('\'');
        }
    }
    out
}

/// Does the quoted scalar end in this text, which is inside it?
fn is_closed(text: &str, quote: char) -> bool {
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        if character == '\\' && quote == '"' {
            characters.next();
        } else if character == quote {
            if quote == '\'' && characters.peek() == Some(&quote) {
                characters.next();
            } else {
                return true;
            }
        }
    }
    false
}

/// The file a reference means, relative to the one it stands in.
pub(crate) fn target(from: &str, file: &str) -> Result<String, Dangling> {
    if file.is_empty() {
        return Ok(from.to_owned());
    }
    if file.contains(':') || file.starts_with('/') || file.contains('\\') {
        return Err(Dangling::Remote(file.to_owned()));
    }
    let mut parts: Vec<&str> = from.split('/').collect();
    parts.pop();
    for part in file.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                if parts.pop().is_none() {
                    return Err(Dangling::Missing(file.to_owned()));
                }
            }
            part => parts.push(part),
        }
    }
    Ok(parts.join("/"))
}

/// The files that references lead to and that are not among `files`: names relative to the same folder.
pub(crate) fn missing(files: &BTreeMap<String, String>) -> Result<BTreeSet<String>, Vec<Problem>> {
    let sources = Sources::read(files)?;
    let mut missing = BTreeSet::new();
    for (name, file) in &sources.files {
        let mut open = vec![&*file.value];
        while let Some(value) = open.pop() {
            match value {
                Value::Array(items) => open.extend(items),
                Value::Object(object) => {
                    for (key, value) in object.iter() {
                        if key == "$ref"
                            && let Some(reference) = value.as_str()
                            && let Ok(target) = target(name, reference.split('#').next().unwrap_or_default())
                            && !files.contains_key(&target)
                        {
                            missing.insert(target);
                        }
                        open.push(value);
                    }
                }
                _ => {}
            }
        }
    }
    Ok(missing)
}

const MOST_STEPS: usize = 32;
