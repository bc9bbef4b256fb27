//! Schema resources and anchors of a registry: what a reference can lead to.

use std::collections::HashMap;

use super::dialect::Dialect;
use super::error::CompileError;
use super::options::Draft;
use super::registry::{Registry, Root};
use super::uri::{percent_decoded, resolve, split_fragment};
use crate::json::{Pointer, Value};

/// A schema resource (2020-12 core §4.3.5): a document, or a part of one with an `$id` of its own.
#[derive(Debug)]
pub(super) struct Resource<'r> {
    pub(super) uri: String,
    pub(super) root: Target<'r>,
    pub(super) dialect: Dialect,
    anchors: HashMap<&'r str, Target<'r>>,
    pub(super) dynamic: HashMap<&'r str, Target<'r>>,
}

/// A value in a document.
#[derive(Debug, Clone)]
pub(super) struct Target<'r> {
    pub(super) value: &'r Value,
    pub(super) document: &'r str,
    pub(super) pointer: Pointer,
    pub(super) resource: u32,
}

impl Target<'_> {
    pub(super) fn place(&self) -> String {
        format!("{}#{}", self.document, self.pointer)
    }
}

#[derive(Debug, Default)]
pub(super) struct Index<'r> {
    pub(super) resources: Vec<Resource<'r>>,
    by_uri: HashMap<String, u32>,
    /// Resources by the address of their root.
    by_root: HashMap<usize, u32>,
    pub(super) errors: Vec<CompileError>,
}

/// Keywords whose value is a schema, a list of schemas, or schemas by name.
const ONE: &[&str] = &[
    "additionalItems",
    "additionalProperties",
    "contains",
    "contentSchema",
    "else",
    "if",
    "items",
    "not",
    "propertyNames",
    "then",
    "unevaluatedItems",
    "unevaluatedProperties",
];
const LIST: &[&str] = &["allOf", "anyOf", "items", "oneOf", "prefixItems"];
const NAMED: &[&str] =
    &["$defs", "definitions", "dependencies", "dependentSchemas", "patternProperties", "properties"];
/// Members of a container that hold data, not schemas.
const DATA: &[&str] = &["const", "default", "enum", "example", "examples", "value"];

impl<'r> Index<'r> {
    pub(super) fn new(registry: &'r Registry, draft: Draft) -> Self {
        let mut index = Self::default();
        for (name, document, root) in registry.documents() {
            let (uri, _) = split_fragment(name);
            let dialect = Dialect::of(draft);
            let target = Target { value: document, document: name, pointer: Pointer::root(), resource: 0 };
            let resource = index.add(uri.to_owned(), target, dialect);
            match root {
                Root::Schema => index.schema(document, resource, name, &Pointer::root(), true),
                Root::Container => index.container(document, resource, name, &mut Pointer::root()),
            }
        }
        index.dialects(registry, draft);
        index
    }

    fn add(&mut self, uri: String, mut root: Target<'r>, dialect: Dialect) -> u32 {
        let number = self.resources.len() as u32;
        root.resource = number;
        self.by_root.insert(address(root.value), number);
        self.by_uri.insert(uri.clone(), number);
        self.resources.push(Resource {
            uri,
            root,
            dialect,
            anchors: HashMap::new(),
            dynamic: HashMap::new(),
        });
        number
    }

    /// Dialects are known once all documents are: a metaschema may be one of them.
    fn dialects(&mut self, registry: &'r Registry, draft: Draft) {
        let metaschemas: HashMap<&str, &Value> =
            registry.documents().map(|(name, document, _)| (split_fragment(name).0, document)).collect();
        for number in 0..self.resources.len() {
            let Some(resource) = self.resources.get(number) else { continue };
            let place = resource.root.place();
            let dialect = match resource.root.value.get("$schema").and_then(Value::as_str) {
                None => self.enclosing(number).unwrap_or(Dialect::of(draft)),
                Some(name) => match dialect_named(name, &metaschemas) {
                    Ok(dialect) => dialect,
                    Err(reason) => {
                        self.errors.push(CompileError { place, reason });
                        continue;
                    }
                },
            };
            if let Some(resource) = self.resources.get_mut(number) {
                resource.dialect = dialect;
            }
        }
    }

    /// The dialect of the resource around that of this number.
    fn enclosing(&self, number: usize) -> Option<Dialect> {
        let inner = &self.resources.get(number)?.root;
        if inner.pointer.is_root() {
            return None;
        }
        let depth = |target: &Target<'_>| target.pointer.segments().len();
        self.resources
            .iter()
            .filter(|outer| outer.root.document == inner.document && depth(&outer.root) < depth(inner))
            .filter(|outer| {
                outer.root.pointer.segments().eq(inner.pointer.segments().take(depth(&outer.root)))
            })
            .max_by_key(|outer| depth(&outer.root))
            .map(|outer| outer.dialect)
    }

    /// The dialect that identifiers are read by while walking: the one the value says itself, else that around it.
    fn draft_of(&self, value: &Value, resource: u32) -> Dialect {
        let own = value.get("$schema").and_then(Value::as_str).and_then(Dialect::by_name);
        let outer = self.resources.get(resource as usize).map(|resource| resource.dialect);
        own.or(outer).unwrap_or(Dialect::of(Draft::Draft202012))
    }

    fn schema(&mut self, value: &'r Value, outer: u32, document: &'r str, pointer: &Pointer, root: bool) {
        let Some(object) = value.as_object() else { return };
        let resource = self.identify(value, outer, document, pointer, root);
        for (keyword, child) in object.iter() {
            if ONE.contains(&keyword) && !child.as_array().is_some_and(|_| LIST.contains(&keyword)) {
                self.schema(child, resource, document, &pointer.child(keyword), false);
            } else if LIST.contains(&keyword) {
                for (number, item) in child.as_array().unwrap_or_default().iter().enumerate() {
                    self.schema(
                        item,
                        resource,
                        document,
                        &pointer.child(keyword).child(number.to_string()),
                        false,
                    );
                }
            } else if NAMED.contains(&keyword)
                && let Some(named) = child.as_object()
            {
                for (name, item) in named.iter() {
                    self.schema(item, resource, document, &pointer.child(keyword).child(name), false);
                }
            }
        }
    }

    fn container(&mut self, value: &'r Value, outer: u32, document: &'r str, pointer: &mut Pointer) {
        match value {
            Value::Array(items) => {
                for (number, item) in items.iter().enumerate() {
                    pointer.push(number.to_string());
                    self.container(item, outer, document, pointer);
                    pointer.pop();
                }
            }
            Value::Object(object) => {
                let resource = if pointer.is_root() {
                    outer
                } else {
                    self.identify(value, outer, document, pointer, false)
                };
                for (name, child) in object.iter() {
                    if !DATA.contains(&name) && !name.starts_with("x-") && !child.is_scalar() {
                        pointer.push(name);
                        self.container(child, resource, document, pointer);
                        pointer.pop();
                    }
                }
            }
            _ => {}
        }
    }

    /// Notes identifier and anchors of a schema; gives the resource it belongs to.
    fn identify(
        &mut self,
        value: &'r Value,
        outer: u32,
        document: &'r str,
        pointer: &Pointer,
        root: bool,
    ) -> u32 {
        let dialect = self.draft_of(value, outer);
        let mut resource = outer;
        if root && let Some(own) = self.resources.get_mut(outer as usize) {
            own.dialect = dialect;
        }
        let target = |resource: u32| Target { value, document, pointer: pointer.clone(), resource };
        let id = dialect.id_keyword().and_then(|keyword| value.get(keyword)).and_then(Value::as_str);
        let hidden = dialect.lonely_ref() && value.get("$ref").is_some();
        if let Some(id) = id.filter(|_| !hidden) {
            let (name, fragment) = split_fragment(id);
            if !name.is_empty() {
                let base = self.resources.get(outer as usize).map_or("", |outer| outer.uri.as_str());
                let uri = resolve(base, name);
                if root {
                    self.by_uri.insert(uri.clone(), outer);
                    if let Some(own) = self.resources.get_mut(outer as usize) {
                        own.uri = uri;
                    }
                } else if let Some(taken) = self.by_uri.get(&uri) {
                    let other = self.resources.get(*taken as usize).map_or(String::new(), |r| r.root.place());
                    let place = target(outer).place();
                    self.errors.push(CompileError { place, reason: format!("`{uri}` is also {other}") });
                } else {
                    resource = self.add(uri, target(0), dialect);
                }
            }
            if !fragment.is_empty() && dialect.draft == Draft::Draft4 {
                let (_, anchor) = split_fragment(id);
                self.anchor(anchor, target(resource), false);
            }
        }
        if dialect.draft == Draft::Draft202012 {
            for (keyword, dynamic) in [("$anchor", false), ("$dynamicAnchor", true)] {
                if let Some(name) = value.get(keyword).and_then(Value::as_str) {
                    self.anchor(name, target(resource), dynamic);
                }
            }
        }
        resource
    }

    fn anchor(&mut self, name: &'r str, target: Target<'r>, dynamic: bool) {
        let Some(resource) = self.resources.get_mut(target.resource as usize) else { return };
        if dynamic {
            resource.dynamic.insert(name, target.clone());
        }
        let place = target.place();
        if let Some(other) = resource.anchors.insert(name, target)
            && other.place() != place
        {
            let reason = format!("the anchor `{name}` is also at {}", other.place());
            self.errors.push(CompileError { place, reason });
        }
    }

    /// What `reference` means in the resource of that number; the name of the anchor, if it is one.
    pub(super) fn find(&self, base: u32, reference: &str) -> Result<(Target<'r>, Option<String>), String> {
        let base = self.resources.get(base as usize).map_or("", |resource| resource.uri.as_str());
        let (name, fragment) = split_fragment(reference);
        let uri = resolve(base, name);
        let missing =
            || format!("`{reference}` leads to `{uri}`, which is not among the files; nothing is fetched");
        let number = *self.by_uri.get(&uri).ok_or_else(missing)?;
        let resource = self.resources.get(number as usize).ok_or_else(missing)?;
        let nowhere = || format!("`{reference}` leads to nothing");
        let fragment = percent_decoded(fragment).ok_or_else(nowhere)?;
        if fragment.is_empty() {
            return Ok((resource.root.clone(), None));
        }
        if !fragment.starts_with('/') {
            let target = resource.anchors.get(fragment.as_str()).cloned().ok_or_else(nowhere)?;
            return Ok((target, Some(fragment)));
        }
        let steps = Pointer::parse(&fragment).ok_or_else(nowhere)?;
        let mut target = resource.root.clone();
        for step in steps.segments() {
            target.value = target.value.child(step).ok_or_else(nowhere)?;
            target.pointer.push(step);
            if let Some(inner) = self.by_root.get(&address(target.value)) {
                target.resource = *inner;
            }
        }
        Ok((target, None))
    }

    /// The resource that begins at a value, if one does.
    pub(super) fn beginning_at(&self, value: &Value) -> Option<u32> {
        self.by_root.get(&address(value)).copied()
    }

    pub(super) fn dialect(&self, resource: u32) -> Dialect {
        let dialect = self.resources.get(resource as usize).map(|resource| resource.dialect);
        dialect.unwrap_or(Dialect::of(Draft::Draft202012))
    }
}

fn dialect_named(name: &str, metaschemas: &HashMap<&str, &Value>) -> Result<Dialect, String> {
    if let Some(dialect) = Dialect::by_name(name) {
        return Ok(dialect);
    }
    let unknown = || format!("the dialect `{name}` is not known; 2020-12 and draft 4 are");
    let metaschema = metaschemas.get(split_fragment(name).0).ok_or_else(unknown)?;
    match Dialect::by_metaschema(metaschema) {
        Ok(dialect) => dialect.ok_or_else(unknown),
        Err(vocabulary) => Err(format!("the vocabulary `{vocabulary}` is required and not known")),
    }
}

/// Values stay where they are while a registry is borrowed: the address tells one from another.
pub(super) fn address(value: &Value) -> usize {
    std::ptr::from_ref(value).addr()
}
