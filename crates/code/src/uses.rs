//! Which packages a file uses: what it imports, and which of their functions it calls by name. What says how near a known flaw of a
//! package is.
//!
//! It looks at the file alone, so it is quick and kept with the file's report. Names are followed from imports through assignments
//! of the same function or of the module: `const { merge } = require("lodash")`, `d := yaml.NewDecoder(r); d.Decode(&v)` (the
//! symbol is then `NewDecoder().Decode`). What a function is handed is nobody's: better no evidence than a wrong one.

use std::collections::BTreeMap;
use std::rc::Rc;

use gabion_finding::{Ecosystem, Source, Span, Use};
use gabion_syntax::Language;
use gabion_syntax::tree::{
    Call, Export, Expr, ExprKind, Function, Import, Imported, Key, Module, Pattern, Stmt, StmtKind, Symbol,
    Type,
};
use hashbrown::HashMap;

use crate::walk::{self, Visitor};

/// In the order of the text, each once, where it stands first.
pub(crate) fn uses(module: &Module, source: &Source) -> Vec<Use> {
    let mut reader = Reader {
        module,
        source,
        ecosystem: ecosystem(module.language),
        global: HashMap::new(),
        local: HashMap::new(),
        found: BTreeMap::new(),
    };
    // Names of the module first: functions stand before the imports that they use in some files.
    for one in module.functions.iter().take(1) {
        reader.bind_all(one);
    }
    reader.global = std::mem::take(&mut reader.local);
    for one in &module.functions {
        reader.bind_imports(one);
    }
    for (at, one) in module.functions.iter().enumerate() {
        reader.local = HashMap::new();
        if at > 0 {
            for param in &one.params {
                reader.bind(&param.pattern, None);
            }
            reader.bind_all(one);
        }
        walk::function(one, &mut reader);
    }
    reader.local = HashMap::new();
    walk::classes(module, &mut reader);
    let mut out: Vec<(Span, Use)> = Vec::with_capacity(reader.found.len());
    for ((name, symbol, called), span) in reader.found {
        let place = source.place(span);
        let one = Use {
            ecosystem: reader.ecosystem,
            module: name.as_ref().into(),
            symbol: (!symbol.is_empty()).then(|| symbol.as_str().into()),
            called,
            place,
        };
        out.push((span, one));
    }
    out.sort();
    out.into_iter().map(|(_, one)| one).collect()
}

const fn ecosystem(language: Language) -> Ecosystem {
    match language {
        Language::Go => Ecosystem::Go,
        Language::Java => Ecosystem::Maven,
        Language::Python => Ecosystem::PyPi,
        Language::Rust => Ecosystem::Cargo,
        _ => Ecosystem::Npm,
    }
}

/// A module, and what of it: names with dots between them, `()` behind what was called.
#[derive(Debug, Clone)]
struct Origin {
    module: Rc<str>,
    path: String,
}

/// None: a name of this file that is nobody else's.
type Bindings = HashMap<Symbol, Option<Origin>>;

/// Paths are not longer.
const LONGEST: usize = 120;

struct Reader<'a> {
    module: &'a Module,
    source: &'a Source,
    ecosystem: Ecosystem,
    global: Bindings,
    local: Bindings,
    /// Where a module, and a symbol of it, stands first; whether it is called there.
    found: BTreeMap<(Rc<str>, String, bool), Span>,
}

impl Reader<'_> {
    fn bind_all(&mut self, one: &Function) {
        let mut bindings = Binder { reader: self };
        walk::function(one, &mut bindings);
    }

    /// What other functions import is known everywhere, unless the module has another meaning for the name.
    fn bind_imports(&mut self, one: &Function) {
        let mut imports = Imports { found: Vec::new() };
        walk::function(one, &mut imports);
        for import in imports.found {
            for (symbol, origin) in self.imported(&import) {
                self.global.entry(symbol).or_insert(origin);
            }
        }
    }

    /// The names that an import gives; none of them is anybody's where the module is of this project, or only types are imported.
    fn imported(&self, import: &Import) -> Vec<(Symbol, Option<Origin>)> {
        let module = self.foreign(self.module.text(import.module), import.level);
        let module = module.filter(|_| !import.types_only);
        let path = |what: Imported| match what {
            Imported::Default | Imported::Module | Imported::Glob => String::new(),
            Imported::Name(name) => self.module.text(name).to_owned(),
        };
        let origin = |what| Some(Origin { module: Rc::clone(module.as_ref()?), path: path(what) });
        let named = import.items.iter().filter(|item| item.what != Imported::Glob);
        named.map(|item| (item.local, origin(item.what))).collect()
    }

    /// The name of a module that is none of this project and none of the language.
    fn foreign(&self, written: &str, level: u32) -> Option<Rc<str>> {
        let own = match self.module.language {
            Language::Python => level > 0,
            Language::Rust => {
                let first = written.trim_start_matches("::").split("::").next().unwrap_or_default();
                matches!(first, "crate" | "self" | "super" | "std" | "core" | "alloc" | "Self" | "")
            }
            Language::Go => !written.split('/').next().unwrap_or_default().contains('.'),
            Language::Java => written.starts_with("java.") || !written.contains('.'),
            _ => {
                written.starts_with(['.', '/', '#', '~'])
                    || written.starts_with("@/")
                    || written.contains(':')
            }
        };
        let name = written.trim_start_matches("::");
        (!own && !name.is_empty() && name.len() <= LONGEST.saturating_mul(2)).then(|| name.into())
    }

    fn bind(&mut self, pattern: &Pattern, origin: Option<&Origin>) {
        match pattern {
            Pattern::Name(name, _) => {
                self.local.insert(*name, origin.cloned());
            }
            Pattern::Object { fields, rest } => {
                for field in fields {
                    let part = match (&field.key, origin) {
                        (Key::Name(name), Some(origin)) => self.member(origin, *name),
                        _ => None,
                    };
                    self.bind(&field.pattern, part.as_ref());
                }
                if let Some(rest) = rest {
                    self.bind(rest, None);
                }
            }
            // `d, err := yaml.New(r)`: the first is what one asked for.
            Pattern::List(all) => {
                for (at, one) in all.iter().enumerate() {
                    let go = self.module.language == Language::Go && at == 0;
                    self.bind(one, origin.filter(|_| go));
                }
            }
            Pattern::Default(one, _) => self.bind(one, origin),
            Pattern::As(one, name) => {
                self.bind(one, origin);
                self.local.insert(*name, origin.cloned());
            }
            Pattern::Rest(one) => self.bind(one, None),
            Pattern::Or(all) => all.iter().for_each(|one| self.bind(one, None)),
            // `Ok(x)`, `Some(x)`.
            Pattern::Variant { items, .. } => items.iter().for_each(|one| self.bind(one, origin)),
            Pattern::Ignore | Pattern::Place(_) | Pattern::Value(_) => {}
        }
    }

    fn member(&self, origin: &Origin, name: Symbol) -> Option<Origin> {
        let name = self.module.text(name);
        let path = if origin.path.is_empty() { name.to_owned() } else { format!("{}.{name}", origin.path) };
        (path.len() <= LONGEST).then(|| Origin { module: Rc::clone(&origin.module), path })
    }

    fn origin(&self, one: &Expr) -> Option<Origin> {
        match &one.kind {
            ExprKind::Name(name) => self.local.get(name).or_else(|| self.global.get(name)).cloned().flatten(),
            ExprKind::Member { object, name } => {
                let origin = self.origin(object).or_else(|| self.crate_of(object))?;
                self.member(&origin, *name)
            }
            ExprKind::Call(call) => self.given(call),
            ExprKind::Await(it) | ExprKind::Reference(it) | ExprKind::Cast { value: it, .. } => {
                self.origin(it)
            }
            ExprKind::Logical { left, right, .. } => self.origin(left).or_else(|| self.origin(right)),
            // `x?` of Rust.
            ExprKind::Unknown(parts) if parts.len() == 1 => self.origin(parts.first()?),
            _ => None,
        }
    }

    /// What a call gives: a module, or a value of one.
    fn given(&self, call: &Call) -> Option<Origin> {
        if let Some(module) = self.loaded(call) {
            return Some(Origin { module, path: String::new() });
        }
        let origin = self.origin(&call.callee)?;
        let path = format!("{}()", origin.path);
        (path.len() <= LONGEST).then_some(Origin { path, ..origin })
    }

    /// `require("x")`, `import("x")`, `importlib.import_module("x")`.
    fn loaded(&self, call: &Call) -> Option<Rc<str>> {
        let [argument] = call.arguments.as_slice() else { return None };
        let ExprKind::String(text) = &argument.value.kind else { return None };
        let name = match &call.callee.kind {
            ExprKind::Name(name) if !self.local.contains_key(name) => self.module.text(*name),
            ExprKind::Member { name, .. } => self.module.text(*name),
            _ => return None,
        };
        let loads = match self.ecosystem {
            Ecosystem::Npm => matches!(name, "require" | "import"),
            Ecosystem::PyPi => matches!(name, "import_module" | "__import__"),
            _ => false,
        };
        if loads { self.foreign(self.module.text(*text), 0) } else { None }
    }

    /// The first word of `regex::Regex::new`, which needs no import.
    fn crate_of(&self, one: &Expr) -> Option<Origin> {
        let ExprKind::Name(name) = &one.kind else { return None };
        let known = self.local.contains_key(name) || self.global.contains_key(name);
        if self.module.language != Language::Rust || known {
            return None;
        }
        let behind = self.source.text().get(one.span.end as usize..)?;
        if !behind.trim_start().starts_with("::") {
            return None;
        }
        self.a_crate(self.module.text(*name))
    }

    fn a_crate(&self, name: &str) -> Option<Origin> {
        let named = name.starts_with(|sign: char| sign.is_ascii_lowercase() || sign == '_');
        let primitive = matches!(
            name,
            "u8" | "u16"
                | "u32"
                | "u64"
                | "u128"
                | "usize"
                | "i8"
                | "i16"
                | "i32"
                | "i64"
                | "i128"
                | "isize"
                | "f32"
                | "f64"
                | "bool"
                | "char"
                | "str"
        );
        let module = self.foreign(name, 0).filter(|_| named && !primitive)?;
        Some(Origin { module, path: String::new() })
    }

    fn note(&mut self, module: Rc<str>, symbol: String, called: bool, span: Span) {
        let place = self.found.entry((module, symbol, called)).or_insert(span);
        *place = span.min(*place);
    }

    fn note_module(&mut self, written: &str, level: u32, span: Span) {
        if let Some(module) = self.foreign(written, level) {
            self.note(module, String::new(), false, span);
        }
    }

    fn called(&mut self, callee: &Expr) {
        let Some(origin) = self.origin(callee) else { return };
        let symbol = if origin.path.is_empty() { "default".to_owned() } else { origin.path };
        self.note(origin.module, symbol, true, callee.span);
    }
}

impl Visitor for Reader<'_> {
    fn statement(&mut self, one: &Stmt) {
        let module = self.module;
        match &one.kind {
            StmtKind::Import(import) if !import.types_only => {
                self.note_module(module.text(import.module), import.level, import.span);
                // `from google.cloud import storage` names a module, perhaps.
                for origin in self.imported(import).into_iter().filter_map(|(_, origin)| origin) {
                    if module.language == Language::Python && !origin.path.is_empty() {
                        self.note(origin.module, origin.path, false, import.span);
                    }
                }
            }
            StmtKind::Export(Export::From { module: from, .. }) => {
                self.note_module(module.text(*from), 0, one.span)
            }
            _ => {}
        }
    }

    fn expression(&mut self, one: &Expr) {
        match &one.kind {
            ExprKind::Call(call) => match self.loaded(call) {
                Some(module) => self.note(module, String::new(), false, one.span),
                None => self.called(&call.callee),
            },
            ExprKind::Jsx(jsx) => {
                if let Some(element) = &jsx.element {
                    self.called(element);
                }
            }
            ExprKind::Template { tag: Some(tag), .. } => self.called(tag),
            // A crate that is only named: `serde_json::Value::Null`.
            ExprKind::Member { object, .. } => {
                if let Some(origin) = self.crate_of(object) {
                    self.note(origin.module, String::new(), false, one.span);
                }
            }
            _ => {}
        }
    }

    fn decorator(&mut self, one: &Expr) {
        if !matches!(one.kind, ExprKind::Call(_)) {
            self.called(one);
        }
    }

    fn of_type(&mut self, one: &Type) {
        let text = self.module.text(one.path);
        if self.module.language == Language::Rust
            && let Some((first, _)) = text.split_once("::").or_else(|| text.split_once('.'))
            && let Some(origin) = self.a_crate(first)
        {
            self.note(origin.module, String::new(), false, one.span);
        }
    }
}

/// Binds what a function names.
struct Binder<'r, 'a> {
    reader: &'r mut Reader<'a>,
}

impl Visitor for Binder<'_, '_> {
    fn statement(&mut self, one: &Stmt) {
        let reader = &mut *self.reader;
        match &one.kind {
            StmtKind::Import(import) => {
                for (symbol, origin) in reader.imported(import) {
                    reader.local.insert(symbol, origin);
                }
            }
            StmtKind::Let { pattern, value: Some(value), .. } => {
                let origin = reader.origin(value);
                reader.bind(pattern, origin.as_ref());
            }
            StmtKind::Let { pattern, value: None, .. } | StmtKind::Each { pattern, .. } => {
                reader.bind(pattern, None)
            }
            StmtKind::With { items, .. } => {
                for (value, pattern) in items {
                    let origin = reader.origin(value);
                    pattern.iter().for_each(|pattern| reader.bind(pattern, origin.as_ref()));
                }
            }
            _ => {}
        }
    }

    fn expression(&mut self, one: &Expr) {
        if let ExprKind::Assign { target, op: None, value } = &one.kind {
            let origin = self.reader.origin(value);
            // A name of the module that a function gives another meaning has both; it keeps the first.
            let both = matches!(&**target, Pattern::Name(name, _)
                if origin.is_none() && self.reader.local.get(name).is_some_and(Option::is_some));
            if !both {
                self.reader.bind(target, origin.as_ref());
            }
        }
    }
}

/// All imports of a function.
struct Imports {
    found: Vec<Import>,
}

impl Visitor for Imports {
    fn statement(&mut self, one: &Stmt) {
        if let StmtKind::Import(import) = &one.kind {
            self.found.push(import.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn used(path: &str, text: &str) -> Vec<String> {
        let source = Source::new(path, text);
        let parsed = gabion_syntax::parse(Language::of(path).unwrap(), text);
        let show = |one: Use| {
            let call = if one.called { "()" } else { "" };
            let symbol = one.symbol.map(|symbol| format!(" {symbol}{call}")).unwrap_or_default();
            format!("{}{symbol}", one.module)
        };
        uses(&parsed.module, &source).into_iter().map(show).collect()
    }

    #[test]
    fn modules_of_javascript_and_what_is_called_of_them() {
        let text = r#"
import _, { template as t } from "lodash";
import * as yaml from "js-yaml";
import type { Request } from "express";
import "./own.js";
import fs from "node:fs";
const merge = require("lodash.merge");
const { parse } = require("qs");
export * from "zod";
async function f(qs) {
  _.set({}, "a", 1);
  t("x");
  merge({}, {});
  parse("a=b");
  qs.stringify({});
  const { default: got } = await import("got");
  const doc = new yaml.Document("a");
  doc.parse("b");
  return <Box>{yaml.load("a")}</Box>;
}
"#;
        assert_eq!(
            used("a.tsx", text),
            [
                "lodash",
                "js-yaml",
                "lodash.merge",
                "qs",
                "zod",
                "lodash set()",
                "lodash template()",
                "lodash.merge default()",
                "qs parse()",
                "got",
                "js-yaml Document()",
                "js-yaml Document().parse()",
                "js-yaml load()",
            ]
        );
    }

    #[test]
    fn modules_of_python_and_what_is_called_of_them() {
        let text = "
import yaml, os.path
import google.cloud.storage
from jinja2 import Template as T
from . import own
from .models import User
@app.route('/')
def f(yaml2):
    import requests
    yaml.load(yaml2)
    with requests.Session() as s:
        s.get('x')
    T('a').render()
    google.cloud.storage.Client()
    yaml2.load(1)
def g():
    requests.get('a')
";
        assert_eq!(
            used("a.py", text),
            [
                "yaml",
                "os",
                "os.path",
                "google",
                "google.cloud.storage",
                "jinja2",
                "jinja2 Template",
                "requests",
                "yaml load()",
                "requests Session()",
                "requests Session().get()",
                "jinja2 Template()",
                "jinja2 Template().render()",
                "google cloud.storage.Client()",
                "requests get()",
            ]
        );
    }

    #[test]
    fn modules_of_go_rust_and_java() {
        let go = "package a\nimport (\n\t\"net/http\"\n\t\"gopkg.in/yaml.v3\"\n)\nfunc f(r io.Reader) {\n\td := yaml.NewDecoder(r)\n\t_ = d.Decode(&x)\n\thttp.Get(\"a\")\n}\n";
        assert_eq!(
            used("a.go", go),
            ["gopkg.in/yaml.v3", "gopkg.in/yaml.v3 NewDecoder()", "gopkg.in/yaml.v3 NewDecoder().Decode()"]
        );
        let rust = "use regex::Regex;\nuse std::fs;\nmod own;\nfn f(v: &serde_json::Value, time: u8) -> Option<u8> {\n    Regex::new(\"a\");\n    let all = smallvec::SmallVec::new();\n    all.insert_many(0);\n    own::g();\n    time.to_string();\n    u8::from_str(\"1\")\n}\n";
        assert_eq!(
            used("a.rs", rust),
            [
                "regex",
                "serde_json",
                "regex Regex.new()",
                "smallvec",
                "smallvec SmallVec.new()",
                "smallvec SmallVec.new().insert_many()",
            ]
        );
        let java = "import java.util.List;\nimport com.fasterxml.jackson.databind.ObjectMapper;\nclass A { void f() { ObjectMapper m = new ObjectMapper(); m.readValue(x); } }\n";
        assert_eq!(
            used("A.java", java),
            [
                "com.fasterxml.jackson.databind",
                "com.fasterxml.jackson.databind ObjectMapper()",
                "com.fasterxml.jackson.databind ObjectMapper().readValue()",
            ]
        );
    }
}
