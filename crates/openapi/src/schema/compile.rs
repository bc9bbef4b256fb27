//! Schemas to [`Code`]: one queue, no recursion, each schema once.

use std::collections::HashMap;
use std::sync::Arc;

use super::code::{ALWAYS, Applied, Code, Dependent, Excluded, Id, NEVER, Schema, types};
use super::dialect::Dialect;
use super::error::{CompileError, Unenforced};
use super::extent::Extents;
use super::index::{Index, Target, address};
use super::options::{Direction, Draft, Options, Patterns};
use super::pattern::Matcher;
use super::program::Program;
use super::registry::Registry;
use crate::json::Value;

/// Compiles schemas of one registry that share what they refer to.
#[derive(Debug)]
pub struct Compiler<'r> {
    index: Index<'r>,
    options: Options,
    pub(super) schemas: Vec<Schema>,
    /// Schemas that have a number, by the address of their value.
    numbers: HashMap<usize, Id>,
    queue: Vec<(Id, Target<'r>)>,
    patterns: HashMap<&'r str, Result<Arc<Matcher>, String>>,
    dynamic_names: HashMap<String, u32>,
    dynamic: Vec<Vec<(u32, Id)>>,
    pub(super) errors: Vec<CompileError>,
    unenforced: Vec<(Id, Unenforced)>,
    entries: Vec<Id>,
}

/// Schemas that one compiler takes on.
const MOST_SCHEMAS: usize = 1_000_000;

impl<'r> Compiler<'r> {
    #[must_use]
    pub fn new(registry: &'r Registry, options: Options) -> Self {
        let always = Schema { types: types::ANY, ..Schema::default() };
        let never = Schema { types: 0, ..Schema::default() };
        Self {
            index: Index::new(registry, options.draft),
            options,
            schemas: vec![always, never],
            numbers: HashMap::new(),
            queue: Vec::new(),
            patterns: HashMap::new(),
            dynamic_names: HashMap::new(),
            dynamic: Vec::new(),
            errors: Vec::new(),
            unenforced: Vec::new(),
            entries: Vec::new(),
        }
    }

    /// Compiles the schema at `location` (`openapi.yaml#/components/schemas/Pet`) and all it refers to. The number is
    /// for [`Compiler::finish`]'s list.
    ///
    /// # Errors
    /// What cannot be enforced as written. The programs added before stay good.
    pub fn add(&mut self, location: &str) -> Result<usize, Vec<CompileError>> {
        if !self.index.errors.is_empty() {
            return Err(self.index.errors.clone());
        }
        let target = match self.index.find(u32::MAX, location) {
            Ok((target, _)) => target,
            Err(reason) => return Err(vec![CompileError { place: location.to_owned(), reason }]),
        };
        let (first, dynamic) = (self.schemas.len(), self.dynamic.len());
        let entry = self.number(target);
        while let Some((id, target)) = self.queue.pop() {
            if self.schemas.len() > MOST_SCHEMAS {
                self.error(&target, format!("more than {MOST_SCHEMAS} schemas"));
                self.queue.clear();
                break;
            }
            let schema = super::keywords::compile(self, id, &target);
            if let Some(slot) = self.schemas.get_mut(id as usize) {
                *slot = schema;
            }
        }
        self.refuse_cycles(first as Id);
        if self.errors.is_empty() {
            self.entries.push(entry);
            return Ok(self.entries.len() - 1);
        }
        // What was compiled with an error is forgotten, so that whoever needs it too meets the error again.
        self.numbers.retain(|_, id| (*id as usize) < first);
        self.schemas.truncate(first);
        self.unenforced.retain(|(id, _)| (*id as usize) < first);
        self.dynamic.truncate(dynamic);
        self.dynamic_names.retain(|_, number| (*number as usize) < dynamic);
        let mut errors = std::mem::take(&mut self.errors);
        errors.sort_by(|one, other| (&one.place, &one.reason).cmp(&(&other.place, &other.reason)));
        errors.dedup();
        Err(errors)
    }

    /// The programs, in the order they were added. They share their code.
    #[must_use]
    pub fn finish(self) -> Vec<Program> {
        let code = Arc::new(Code {
            schemas: self.schemas,
            dynamic: self.dynamic,
            unknown: self.options.unknown,
            other_direction: self.options.other_direction,
            steps: self.options.steps,
            violations: self.options.violations,
            unenforced: self.unenforced,
        });
        let mut extents = Extents::new(&code);
        let extents: Vec<_> = self.entries.iter().map(|entry| extents.of(*entry)).collect();
        let entries = self.entries.iter().zip(extents);
        entries.map(|(entry, extent)| Program::new(Arc::clone(&code), *entry, extent)).collect()
    }

    /// What the schemas compiled so far say and nothing enforces, in the order of the places.
    #[must_use]
    pub fn unenforced(&self) -> Vec<Unenforced> {
        let mut all: Vec<Unenforced> =
            self.unenforced.iter().map(|(_, unenforced)| unenforced.clone()).collect();
        all.sort();
        all.dedup();
        all
    }

    pub(super) const fn options(&self) -> &Options {
        &self.options
    }

    pub(super) fn dialect(&self, target: &Target<'_>) -> Dialect {
        self.index.dialect(target.resource)
    }

    pub(super) fn error(&mut self, target: &Target<'_>, reason: impl Into<String>) {
        self.errors.push(CompileError { place: target.place(), reason: reason.into() });
    }

    pub(super) fn list(&mut self, id: Id, target: &Target<'_>, reason: impl Into<String>) {
        self.unenforced.push((id, Unenforced { place: target.place(), reason: reason.into() }));
    }

    /// The number of the schema at `target`, which is compiled if it is new.
    pub(super) fn number(&mut self, target: Target<'r>) -> Id {
        match target.value {
            Value::Bool(true) => return ALWAYS,
            Value::Bool(false) => return NEVER,
            _ => {}
        }
        let address = address(target.value);
        if let Some(id) = self.numbers.get(&address) {
            return *id;
        }
        let id = self.schemas.len() as Id;
        self.schemas.push(Schema { types: types::ANY, ..Schema::default() });
        self.numbers.insert(address, id);
        self.queue.push((id, target));
        id
    }

    /// The schema `steps` below `target`.
    pub(super) fn below(&mut self, target: &Target<'r>, value: &'r Value, steps: &[&str]) -> Id {
        let inner = self.inner(target, value, steps);
        self.number(inner)
    }

    pub(super) fn inner(&self, target: &Target<'r>, value: &'r Value, steps: &[&str]) -> Target<'r> {
        let mut inner = target.clone();
        inner.value = value;
        steps.iter().for_each(|step| inner.pointer.push(*step));
        if let Some(resource) = self.index.beginning_at(value) {
            inner.resource = resource;
        }
        inner
    }

    /// Where a reference leads.
    pub(super) fn find(
        &self,
        from: &Target<'r>,
        reference: &str,
    ) -> Result<(Target<'r>, Option<String>), String> {
        self.index.find(from.resource, reference)
    }

    /// The number of a dynamic anchor's name, all schemas that bear it compiled.
    pub(super) fn dynamic(&mut self, name: &str) -> u32 {
        if let Some(number) = self.dynamic_names.get(name) {
            return *number;
        }
        let number = self.dynamic.len() as u32;
        self.dynamic_names.insert(name.to_owned(), number);
        let targets: Vec<(u32, Target<'r>)> = self
            .index
            .resources
            .iter()
            .enumerate()
            .filter_map(|(resource, of)| of.dynamic.get(name).map(|target| (resource as u32, target.clone())))
            .collect();
        let schemas = targets.into_iter().map(|(resource, target)| (resource, self.number(target))).collect();
        self.dynamic.push(schemas);
        number
    }

    /// Whether the fragment of a reference that led to `target` is a dynamic anchor there.
    pub(super) fn is_dynamic(&self, target: &Target<'_>, anchor: &str) -> bool {
        let resource = self.index.resources.get(target.resource as usize);
        resource.is_some_and(|resource| resource.dynamic.contains_key(anchor))
    }

    /// A regular expression, translated once. `None` where it is listed instead.
    pub(super) fn pattern(&mut self, id: Id, target: &Target<'r>, text: &'r str) -> Option<Arc<Matcher>> {
        let known = self.patterns.entry(text).or_insert_with(|| Matcher::new(text).map(Arc::new));
        match known.clone() {
            Ok(matcher) => Some(matcher),
            Err(reason) => {
                let reason = format!("the pattern `{text}` {reason}");
                match self.options.patterns {
                    Patterns::Refuse => self.error(target, reason),
                    Patterns::List => self.list(id, target, reason),
                }
                None
            }
        }
    }

    /// Whether a schema says that its value has no business in this direction: itself, by `$ref` or by `allOf`.
    pub(super) fn excluded(&self, target: &Target<'r>) -> Option<Excluded> {
        let direction = self.options.direction?;
        let mut left = vec![target.clone()];
        // A cycle of references is refused elsewhere; here it only must end.
        for _ in 0..64 {
            let target = left.pop()?;
            let flag = |name| target.value.get(name).and_then(Value::as_bool) == Some(true);
            let lonely = self.dialect(&target).lonely_ref() && target.value.get("$ref").is_some();
            match direction {
                Direction::Request if !lonely && flag("readOnly") => return Some(Excluded::ReadOnly),
                Direction::Response if !lonely && flag("writeOnly") => return Some(Excluded::WriteOnly),
                _ => {}
            }
            if let Some(reference) = target.value.get("$ref").and_then(Value::as_str)
                && let Ok((next, _)) = self.find(&target, reference)
            {
                left.push(next);
            }
            if !lonely && let Some(parts) = target.value.get("allOf").and_then(Value::as_array) {
                for (number, part) in parts.iter().enumerate() {
                    left.push(self.inner(&target, part, &["allOf", &number.to_string()]));
                }
            }
        }
        None
    }

    /// A schema that needs itself for the very same value would never come to an end.
    fn refuse_cycles(&mut self, first: Id) {
        let new = self.schemas.len().saturating_sub(first as usize);
        // 0: not seen, 1: on the path, 2: done. Schemas before `first` were judged and lead to none of these.
        let mut state = vec![0_u8; new];
        let slot = |id: Id| (id as usize).checked_sub(first as usize);
        let mut found = Vec::new();
        for start in 0..new {
            if state.get(start) != Some(&0) {
                continue;
            }
            if let Some(state) = state.get_mut(start) {
                *state = 1;
            }
            let id = first + start as Id;
            let mut path: Vec<(Id, Vec<Id>)> = vec![(id, in_place(self.schemas.get(id as usize)))];
            while let Some((id, next)) = path.last_mut() {
                let Some(child) = next.pop() else {
                    if let Some(state) = slot(*id).and_then(|slot| state.get_mut(slot)) {
                        *state = 2;
                    }
                    path.pop();
                    continue;
                };
                match slot(child).and_then(|slot| state.get_mut(slot)) {
                    Some(state @ 0) => {
                        *state = 1;
                        path.push((child, in_place(self.schemas.get(child as usize))));
                    }
                    Some(1) => found.push(child),
                    _ => {}
                }
            }
        }
        for id in found {
            let place =
                self.schemas.get(id as usize).map_or(String::new(), |schema| schema.place.to_string());
            let reason = "this schema leads back to itself without going into the value".to_owned();
            self.errors.push(CompileError { place, reason });
        }
    }
}

/// The schemas that a schema applies to the same value.
pub(super) fn in_place(schema: Option<&Schema>) -> Vec<Id> {
    let Some(schema) = schema else { return Vec::new() };
    let mut ids = Vec::new();
    for applied in &schema.applied {
        match applied {
            Applied::All(id) | Applied::Not(id) => ids.push(*id),
            Applied::Any(all, _) | Applied::One(all, _) => ids.extend(all),
            Applied::If { condition, then, otherwise } => ids.extend([condition, then, otherwise]),
            Applied::Dynamic { otherwise, .. } => ids.push(*otherwise),
        }
    }
    if let Some(object) = &schema.object {
        ids.extend(object.dependent.iter().filter_map(|(_, dependent)| match dependent {
            Dependent::Schema(id) => Some(*id),
            Dependent::Names(_) => None,
        }));
    }
    ids
}

/// The schemas that a schema applies to parts of the value.
pub(super) fn inside(schema: &Schema) -> Vec<Id> {
    let mut ids = Vec::new();
    if let Some(array) = &schema.array {
        ids.extend(&array.prefix);
        ids.extend(array.rest);
        ids.extend(array.contains.as_ref().map(|contains| contains.schema));
    }
    if let Some(object) = &schema.object {
        ids.extend(object.names.iter().filter_map(|(_, member)| member.schema));
        ids.extend(object.patterns.iter().map(|(_, id)| *id));
        ids.extend(object.additional);
        ids.extend(object.property_names);
    }
    ids.extend(schema.unevaluated_items);
    ids.extend(schema.unevaluated_properties);
    ids
}

impl Code {
    /// All schemas that validation from `entry` may come to.
    pub(super) fn reachable(&self, entry: Id) -> Vec<Id> {
        let mut seen = vec![false; self.schemas.len()];
        let mut left = vec![entry];
        let mut reached = Vec::new();
        while let Some(id) = left.pop() {
            let Some(mark) = seen.get_mut(id as usize) else { continue };
            if std::mem::replace(mark, true) {
                continue;
            }
            reached.push(id);
            let Some(schema) = self.schemas.get(id as usize) else { continue };
            left.extend(in_place(Some(schema)));
            left.extend(inside(schema));
            for applied in &schema.applied {
                if let Applied::Dynamic { name, .. } = applied {
                    left.extend(self.dynamic.get(*name as usize).into_iter().flatten().map(|(_, id)| *id));
                }
            }
        }
        reached
    }
}

/// Whether a dialect is the Schema Object of OpenAPI 3.0.
pub(super) const fn is_openapi30(dialect: Dialect) -> bool {
    matches!(dialect.draft, Draft::OpenApi30)
}
