//! Keywords of arrays and objects, which are read together.

use std::sync::Arc;

use super::super::code::{ArrayRules, Contains, Dependent, Member, ObjectRules};
use super::super::compile::is_openapi30;
use super::super::options::Draft;
use super::super::table::Table;
use super::Reader;
use crate::json::{Object, Value};

impl<'r> Reader<'_, 'r> {
    pub(super) fn arrays(&mut self) {
        let object = self.object;
        let list = self.dialect.draft == Draft::Draft202012;
        let mut rules = ArrayRules::default();
        let mut any = false;
        let applies = self.dialect.applicator;
        let validates = self.dialect.validation;
        if let Some(value) = object.get("prefixItems").filter(|_| list && applies) {
            any = true;
            rules.prefix = self.schemas("prefixItems", value).unwrap_or_default();
        }
        if let Some(value) = object.get("items").filter(|_| applies) {
            any = true;
            match value {
                Value::Array(items) if self.dialect.draft == Draft::Draft4 => {
                    if !items.is_empty() {
                        rules.prefix = self.schemas("items", value).unwrap_or_default();
                    }
                    if let Some(rest) = object.get("additionalItems") {
                        rules.rest = Some(self.child("additionalItems", rest));
                    }
                }
                Value::Array(_) => self.wrong("items", "a schema; lists of them are `prefixItems` (2020-12)"),
                _ => rules.rest = Some(self.child("items", value)),
            }
        }
        if let Some(value) = object.get("contains").filter(|_| list && applies) {
            any = true;
            let schema = self.child("contains", value);
            let bound = |reader: &mut Self, keyword: &str| {
                let value = object.get(keyword).filter(|_| validates)?;
                reader.count(keyword, value)
            };
            let least = bound(self, "minContains").unwrap_or(1);
            let most = bound(self, "maxContains");
            rules.contains = Some(Contains { schema, least, most });
        }
        if validates {
            if let Some(count) = object.get("minItems").and_then(|value| self.count("minItems", value)) {
                (rules.least, any) = (count, true);
            }
            if let Some(count) = object.get("maxItems").and_then(|value| self.count("maxItems", value)) {
                (rules.most, any) = (Some(count), true);
            }
            match object.get("uniqueItems") {
                Some(Value::Bool(unique)) => (rules.unique, any) = (*unique, any || *unique),
                Some(_) => self.wrong("uniqueItems", "`true` or `false`"),
                None => {}
            }
        }
        if any {
            self.array = Some(rules);
        }
    }

    fn named(&mut self, keyword: &str) -> Option<&'r Object> {
        let value = self.object.get(keyword)?;
        let named = value.as_object();
        if named.is_none() {
            self.wrong(keyword, "an object of schemas");
        }
        named
    }

    pub(super) fn objects(&mut self) {
        let object = self.object;
        let (applies, validates) = (self.dialect.applicator, self.dialect.validation);
        let modern = self.dialect.draft == Draft::Draft202012;
        let openapi30 = is_openapi30(self.dialect);
        let mut any = false;
        let mut members: Vec<(Box<str>, Member)> = Vec::new();
        let mut excluded: Vec<&str> = Vec::new();
        if let Some(properties) =
            object.get("properties").filter(|_| applies).and_then(|_| self.named("properties"))
        {
            any = !properties.is_empty();
            for (name, value) in properties.iter() {
                let target = self.compiler.inner(self.target, value, &["properties", name]);
                if self.compiler.excluded(&target).is_some() {
                    excluded.push(name);
                }
                let id = self.compiler.number(target);
                members.push((name.into(), Member { schema: Some(id), required: false }));
            }
        }
        let mut describes = any;
        let mut required = 0;
        if let Some(value) = object.get("required").filter(|_| validates) {
            for name in self.required(value) {
                if excluded.contains(&name) {
                    continue;
                }
                any = true;
                match members.iter_mut().find(|(other, _)| **other == *name) {
                    Some((_, member)) if member.required => {}
                    Some((_, member)) => {
                        member.required = true;
                        required += 1;
                    }
                    None => {
                        members.push((name.into(), Member { schema: None, required: true }));
                        required += 1;
                    }
                }
            }
        }
        let mut patterns = Vec::new();
        if !openapi30
            && applies
            && let Some(named) = self.named("patternProperties")
        {
            (any, describes) = (true, describes || !named.is_empty());
            for (text, value) in named.iter() {
                let place = self.compiler.inner(self.target, value, &["patternProperties", text]);
                let matcher = self.compiler.pattern(self.id, &place, text);
                let id = self.compiler.number(place);
                patterns.extend(matcher.map(|matcher| (matcher, id)));
            }
        }
        let additional = object.get("additionalProperties").filter(|_| applies);
        let additional = additional.map(|value| self.child("additionalProperties", value));
        let names = object.get("propertyNames").filter(|_| modern && applies);
        let property_names = names.map(|value| self.child("propertyNames", value));
        let mut dependent = Vec::new();
        self.dependent(&mut dependent);
        let mut bound = |keyword: &str| {
            let value = object.get(keyword).filter(|_| validates)?;
            self.count(keyword, value)
        };
        let (least, most) = (bound("minProperties").unwrap_or(0), bound("maxProperties"));
        any = any || additional.is_some() || property_names.is_some() || !dependent.is_empty();
        if any || least > 0 || most.is_some() {
            self.shape = Some(ObjectRules {
                names: Table::new(members),
                required,
                patterns,
                additional,
                property_names,
                least,
                most,
                dependent,
                describes,
            });
        }
    }

    fn required(&mut self, value: &'r Value) -> Vec<&'r str> {
        let names =
            value.as_array().and_then(|names| names.iter().map(Value::as_str).collect::<Option<Vec<_>>>());
        match (names, value) {
            (Some(names), _) => names,
            (None, Value::Bool(_)) if self.dialect.draft != Draft::Draft202012 => {
                self.unenforced("required", "`required` must be a list of names, beside `properties`");
                Vec::new()
            }
            (None, _) => {
                self.wrong("required", "a list of names");
                Vec::new()
            }
        }
    }

    fn dependent(&mut self, dependent: &mut Vec<(Arc<str>, Dependent)>) {
        let modern = self.dialect.draft == Draft::Draft202012;
        let (applies, validates) = (self.dialect.applicator, self.dialect.validation);
        for (keyword, on) in [
            ("dependentRequired", modern && validates),
            ("dependentSchemas", modern && applies),
            // Gone from 2020-12, and still enforced where somebody writes it.
            ("dependencies", !is_openapi30(self.dialect) && applies),
        ] {
            if !on {
                continue;
            }
            let Some(named) = self.named(keyword) else { continue };
            for (name, value) in named.iter() {
                let names = value
                    .as_array()
                    .filter(|_| keyword != "dependentSchemas")
                    .and_then(|names| names.iter().map(Value::as_str).collect::<Option<Vec<_>>>());
                match names {
                    Some(names) => {
                        let names = names.into_iter().map(Arc::from).collect();
                        dependent.push((name.into(), Dependent::Names(names)));
                    }
                    None if keyword == "dependentRequired" => self.wrong(keyword, "lists of names"),
                    None => {
                        let id = self.compiler.below(self.target, value, &[keyword, name]);
                        dependent.push((name.into(), Dependent::Schema(id)));
                    }
                }
            }
        }
    }
}
