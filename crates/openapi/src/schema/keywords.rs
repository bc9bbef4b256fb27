//! What each keyword becomes.

mod containers;

use super::code::{
    Applied, ArrayRules, Bound, Constants, Discriminator, Id, NumberRules, ObjectRules, Schema, StringRules,
    types,
};
use super::compile::{Compiler, is_openapi30};
use super::dialect::Dialect;
use super::format::Format;
use super::index::Target;
use super::options::Draft;
use super::table::Table;
use crate::json::{Number, Object, Value, small};

/// Keywords that say nothing about what is valid.
const ANNOTATIONS: &[&str] = &[
    "$anchor",
    "$comment",
    "$defs",
    "$dynamicAnchor",
    "$id",
    "$schema",
    "$vocabulary",
    "default",
    "definitions",
    "deprecated",
    "description",
    "example",
    "examples",
    "externalDocs",
    "id",
    "readOnly",
    "title",
    "writeOnly",
    "xml",
];

/// Keywords that OpenAPI 3.0's Schema Object does not have.
const NOT_OPENAPI30: &[&str] = &[
    "$dynamicRef",
    "additionalItems",
    "const",
    "contains",
    "contentEncoding",
    "contentMediaType",
    "contentSchema",
    "dependencies",
    "dependentRequired",
    "dependentSchemas",
    "else",
    "if",
    "maxContains",
    "minContains",
    "patternProperties",
    "prefixItems",
    "propertyNames",
    "then",
    "unevaluatedItems",
    "unevaluatedProperties",
];

/// Keywords that draft 4 does not have.
const NOT_DRAFT4: &[&str] = &[
    "$dynamicRef",
    "const",
    "contains",
    "contentEncoding",
    "contentMediaType",
    "contentSchema",
    "dependentRequired",
    "dependentSchemas",
    "discriminator",
    "else",
    "if",
    "maxContains",
    "minContains",
    "nullable",
    "prefixItems",
    "propertyNames",
    "then",
    "unevaluatedItems",
    "unevaluatedProperties",
];

const VALIDATION: &[&str] = &[
    "const",
    "dependentRequired",
    "enum",
    "exclusiveMaximum",
    "exclusiveMinimum",
    "maxContains",
    "maxItems",
    "maxLength",
    "maxProperties",
    "maximum",
    "minContains",
    "minItems",
    "minLength",
    "minProperties",
    "minimum",
    "multipleOf",
    "pattern",
    "required",
    "type",
    "uniqueItems",
];

const APPLICATOR: &[&str] = &[
    "additionalProperties",
    "allOf",
    "anyOf",
    "contains",
    "dependencies",
    "dependentSchemas",
    "else",
    "if",
    "items",
    "not",
    "oneOf",
    "patternProperties",
    "prefixItems",
    "properties",
    "propertyNames",
    "then",
];

/// Reads one schema object.
pub(super) fn compile<'r>(compiler: &mut Compiler<'r>, id: Id, target: &Target<'r>) -> Schema {
    let dialect = compiler.dialect(target);
    let mut schema = Schema {
        types: types::ANY,
        resource: target.resource,
        place: target.place().into(),
        excluded: compiler.excluded(target),
        ..Schema::default()
    };
    let Some(object) = target.value.as_object() else {
        let reason = if dialect.draft == Draft::Draft202012 {
            "a schema must be an object, `true` or `false`"
        } else {
            "a schema must be an object"
        };
        compiler.error(target, reason);
        return schema;
    };
    let mut reader = Reader {
        compiler,
        id,
        target,
        dialect,
        object,
        number: None,
        string: None,
        array: None,
        shape: None,
    };
    if let Some(reference) = object.get("$ref") {
        reader.reference(reference, &mut schema);
        if dialect.lonely_ref() {
            reader.hidden_siblings();
            return schema;
        }
    }
    for (keyword, value) in object.iter() {
        if reader.means_something(keyword) {
            reader.keyword(keyword, value, &mut schema);
        }
    }
    reader.objects();
    reader.arrays();
    reader.conditional(&mut schema);
    reader.nullable(&mut schema);
    schema.number = reader.number.map(Box::new);
    schema.string = reader.string.map(Box::new);
    schema.array = reader.array.map(Box::new);
    schema.object = reader.shape.map(Box::new);
    schema
}

struct Reader<'c, 'r> {
    compiler: &'c mut Compiler<'r>,
    id: Id,
    target: &'c Target<'r>,
    dialect: Dialect,
    object: &'r Object,
    number: Option<NumberRules>,
    string: Option<StringRules>,
    array: Option<ArrayRules>,
    shape: Option<ObjectRules>,
}

impl<'r> Reader<'_, 'r> {
    fn wrong(&mut self, keyword: &str, expected: &str) {
        let target = self.compiler.inner(self.target, self.target.value, &[keyword]);
        self.compiler.error(&target, format!("`{keyword}` must be {expected}"));
    }

    fn unenforced(&mut self, keyword: &str, reason: impl Into<String>) {
        let target = self.compiler.inner(self.target, self.target.value, &[keyword]);
        self.compiler.list(self.id, &target, reason);
    }

    fn child(&mut self, keyword: &str, value: &'r Value) -> Id {
        self.compiler.below(self.target, value, &[keyword])
    }

    /// Whether the keyword is of the dialect; one that is not is listed, unless it is an extension.
    fn means_something(&mut self, keyword: &str) -> bool {
        if ANNOTATIONS.contains(&keyword) || keyword == "$ref" || keyword.starts_with("x-") {
            return false;
        }
        if !self.dialect.validation && VALIDATION.contains(&keyword)
            || !self.dialect.applicator && APPLICATOR.contains(&keyword)
            || !self.dialect.unevaluated && keyword.starts_with("unevaluated")
        {
            self.unenforced(keyword, format!("`{keyword}` is of a vocabulary that the dialect does not use"));
            return false;
        }
        let missing = match self.dialect.draft {
            Draft::OpenApi30 => NOT_OPENAPI30.contains(&keyword),
            Draft::Draft4 => NOT_DRAFT4.contains(&keyword),
            Draft::Draft202012 => matches!(keyword, "additionalItems" | "nullable"),
        };
        if missing {
            self.unenforced(keyword, format!("`{keyword}` means nothing in this dialect"));
        }
        !missing
    }

    /// Draft 4 and OpenAPI 3.0: what stands beside `$ref` is not read.
    fn hidden_siblings(&mut self) {
        let object = self.object;
        for (keyword, _) in object.iter() {
            if keyword != "$ref" && !ANNOTATIONS.contains(&keyword) && !keyword.starts_with("x-") {
                self.unenforced(keyword, format!("`{keyword}` stands beside `$ref`, which hides it"));
            }
        }
    }

    fn reference(&mut self, reference: &'r Value, schema: &mut Schema) {
        let Some(text) = reference.as_str() else { return self.wrong("$ref", "a string") };
        match self.compiler.find(self.target, text) {
            Ok((target, _)) => {
                let id = self.compiler.number(target);
                schema.applied.push(Applied::All(id));
            }
            Err(reason) => self.compiler.error(self.target, reason),
        }
    }

    /// 2020-12 core §8.2.3.2: as `$ref`, unless it leads to a dynamic anchor.
    fn dynamic_reference(&mut self, reference: &'r Value, schema: &mut Schema) {
        let Some(text) = reference.as_str() else { return self.wrong("$dynamicRef", "a string") };
        match self.compiler.find(self.target, text) {
            Ok((target, anchor)) => {
                let name = anchor.filter(|anchor| self.compiler.is_dynamic(&target, anchor));
                let otherwise = self.compiler.number(target);
                schema.applied.push(match name {
                    Some(name) => Applied::Dynamic { name: self.compiler.dynamic(&name), otherwise },
                    None => Applied::All(otherwise),
                });
            }
            Err(reason) => self.compiler.error(self.target, reason),
        }
    }

    fn keyword(&mut self, keyword: &'r str, value: &'r Value, schema: &mut Schema) {
        match keyword {
            "$dynamicRef" => self.dynamic_reference(value, schema),
            "type" => self.types(value, schema),
            "enum" => match value.as_array() {
                Some([]) if self.dialect.draft != Draft::Draft202012 => {
                    self.wrong(keyword, "a list that is not empty")
                }
                Some(values) => self.constants(values.to_vec(), false, schema),
                None => self.wrong(keyword, "a list"),
            },
            "const" => self.constants(vec![value.clone()], true, schema),
            "multipleOf" => match value.as_number() {
                Some(number) if !number.decimal().is_negative() && !number.decimal().is_zero() => {
                    if number.decimal().is_multiple_of(&number.decimal()).is_none() {
                        return self.wrong(keyword, "of at most 19 digits");
                    }
                    let small = small(number.as_str());
                    self.numbers().multiple_of = Some((number.clone(), small));
                }
                _ => self.wrong(keyword, "a number above 0"),
            },
            "minimum" | "maximum" => self.bound(keyword, value),
            "exclusiveMinimum" | "exclusiveMaximum" => self.exclusive(keyword, value),
            "minLength" => {
                if let Some(count) = self.count(keyword, value) {
                    self.strings().least = count;
                }
            }
            "maxLength" => {
                if let Some(count) = self.count(keyword, value) {
                    self.strings().most = Some(count);
                }
            }
            "pattern" => match value.as_str() {
                Some(text) => {
                    let place = self.compiler.inner(self.target, value, &[keyword]);
                    if let Some(matcher) = self.compiler.pattern(self.id, &place, text) {
                        self.strings().pattern = Some((matcher, text.into()));
                    }
                }
                None => self.wrong(keyword, "a string"),
            },
            "format" => self.format(value),
            "allOf" | "anyOf" | "oneOf" => self.alternatives(keyword, value, schema),
            "not" => {
                let id = self.child(keyword, value);
                schema.applied.push(Applied::Not(id));
            }
            "unevaluatedItems" => schema.unevaluated_items = Some(self.child(keyword, value)),
            "unevaluatedProperties" => schema.unevaluated_properties = Some(self.child(keyword, value)),
            "contentEncoding" | "contentMediaType" | "contentSchema" => {
                let reason = format!("`{keyword}` annotates: what is inside the string is not looked at");
                self.unenforced(keyword, reason);
            }
            // Read together, after this loop.
            "if" | "then" | "else" | "nullable" | "discriminator" => {}
            "properties"
            | "patternProperties"
            | "additionalProperties"
            | "propertyNames"
            | "required"
            | "minProperties"
            | "maxProperties"
            | "dependentRequired"
            | "dependentSchemas"
            | "dependencies" => {}
            "items" | "prefixItems" | "additionalItems" | "contains" | "minContains" | "maxContains"
            | "minItems" | "maxItems" | "uniqueItems" => {}
            _ => self.unenforced(keyword, format!("`{keyword}` is no keyword of this dialect")),
        }
    }

    fn numbers(&mut self) -> &mut NumberRules {
        self.number.get_or_insert_default()
    }

    fn strings(&mut self) -> &mut StringRules {
        self.string.get_or_insert_default()
    }

    /// A number of things: an integer from 0, which may be written `2.0`.
    fn count(&mut self, keyword: &str, value: &Value) -> Option<u64> {
        let count = value.as_u64();
        if count.is_none() {
            self.wrong(keyword, "an integer from 0");
        }
        count
    }

    fn types(&mut self, value: &'r Value, schema: &mut Schema) {
        let one = |name: &str| match name {
            "null" if !is_openapi30(self.dialect) => Some(types::NULL),
            "boolean" => Some(types::BOOLEAN),
            "integer" => Some(types::INTEGER),
            "number" => Some(types::INTEGER | types::FRACTION),
            "string" => Some(types::STRING),
            "array" => Some(types::ARRAY),
            "object" => Some(types::OBJECT),
            _ => None,
        };
        let several = value.as_array().filter(|_| !is_openapi30(self.dialect));
        let (bits, names) = match (value.as_str(), several) {
            (Some(name), _) => (one(name), format!("`{name}`")),
            (None, Some(names)) => {
                let bits = names.iter().try_fold(0, |bits, name| Some(bits | one(name.as_str()?)?));
                let names: Vec<String> =
                    names.iter().map(|name| format!("`{}`", name.as_str().unwrap_or_default())).collect();
                (bits, names.join(" or "))
            }
            (None, None) => (None, String::new()),
        };
        match bits {
            Some(bits) => {
                schema.types = bits;
                schema.type_names = Some(names.into());
            }
            None => self.wrong("type", "a type of this dialect"),
        }
    }

    fn constants(&mut self, values: Vec<Value>, single: bool, schema: &mut Schema) {
        // `enum` beside `const`: both hold, so only what is in both is left.
        let values = match schema.constants.take() {
            Some(other) => values.into_iter().filter(|value| other.values.contains(value)).collect(),
            None => values,
        };
        let mut texts: Vec<&str> = values.iter().filter_map(Value::as_str).collect();
        texts.sort_unstable();
        texts.dedup();
        let strings =
            (texts.len() > 4).then(|| Table::new(texts.iter().map(|text| ((*text).into(), ())).collect()));
        schema.constants = Some(Box::new(Constants { strings, single, values }));
    }

    fn bound(&mut self, keyword: &str, value: &'r Value) {
        let Some(number) = value.as_number() else { return self.wrong(keyword, "a number") };
        let least = keyword == "minimum";
        let flag = if least { "exclusiveMinimum" } else { "exclusiveMaximum" };
        let exclusive = self.dialect.draft != Draft::Draft202012
            && self.object.get(flag).and_then(Value::as_bool) == Some(true);
        self.limit(number, least, exclusive);
    }

    fn exclusive(&mut self, keyword: &str, value: &'r Value) {
        match (value, self.dialect.draft) {
            (Value::Number(number), Draft::Draft202012) => {
                self.limit(number, keyword == "exclusiveMinimum", true)
            }
            (_, Draft::Draft202012) => self.wrong(keyword, "a number"),
            // Read beside `minimum` and `maximum`.
            (Value::Bool(true), _) => {
                let other = if keyword == "exclusiveMinimum" { "minimum" } else { "maximum" };
                if self.object.get(other).is_none() {
                    self.wrong(keyword, &format!("beside `{other}`"));
                }
            }
            (Value::Bool(false), _) => {}
            _ => self.wrong(keyword, "`true` or `false`; a number is 2020-12 (OpenAPI 3.1)"),
        }
    }

    fn limit(&mut self, number: &Number, least: bool, exclusive: bool) {
        let bound = Bound::new(number, exclusive);
        let rules = self.numbers();
        if least { rules.least.push(bound) } else { rules.most.push(bound) }
    }

    fn format(&mut self, value: &'r Value) {
        let Some(name) = value.as_str() else { return self.wrong("format", "a string") };
        if !self.compiler.options().formats && !self.dialect.format_assertion {
            return;
        }
        match Format::by_name(name) {
            Some(Format::Nothing) => {}
            Some(format) if format.is_of_numbers() => self.numbers().format = Some(format),
            Some(format) => self.strings().format = Some(format),
            None => self.unenforced("format", format!("the format `{name}` is not known")),
        }
    }

    fn schemas(&mut self, keyword: &str, value: &'r Value) -> Option<Vec<Id>> {
        match value.as_array() {
            Some(items) if !items.is_empty() => Some(
                items
                    .iter()
                    .enumerate()
                    .map(|(number, item)| {
                        self.compiler.below(self.target, item, &[keyword, &number.to_string()])
                    })
                    .collect(),
            ),
            _ => {
                self.wrong(keyword, "a list of schemas that is not empty");
                None
            }
        }
    }

    fn alternatives(&mut self, keyword: &str, value: &'r Value, schema: &mut Schema) {
        let Some(ids) = self.schemas(keyword, value) else { return };
        match keyword {
            "allOf" => schema.applied.extend(ids.into_iter().map(Applied::All)),
            "anyOf" => {
                let discriminator = self.discriminator(value, &ids);
                schema.applied.push(Applied::Any(ids, discriminator));
            }
            _ => {
                let discriminator = self.discriminator(value, &ids);
                schema.applied.push(Applied::One(ids, discriminator));
            }
        }
    }

    /// OpenAPI 3.0.4 §4.7.25: values are mapped, or they are the names at the ends of the alternatives' references.
    fn discriminator(&mut self, alternatives: &'r Value, ids: &[Id]) -> Option<Discriminator> {
        let discriminator = self.object.get("discriminator")?;
        let Some(property) = discriminator.get("propertyName").and_then(Value::as_str) else {
            self.wrong("discriminator", "an object with `propertyName`");
            return None;
        };
        let mut names: Object = Object::new();
        let mut entries: Vec<(Box<str>, Id)> = Vec::new();
        for (item, id) in alternatives.as_array().unwrap_or_default().iter().zip(ids) {
            let reference = item.get("$ref").and_then(Value::as_str).unwrap_or_default();
            let name = reference.rsplit(['/', '#']).next().unwrap_or_default();
            if !name.is_empty() && names.insert(name, Value::Null).is_none() {
                entries.push((name.into(), *id));
            }
        }
        for (value, to) in
            discriminator.get("mapping").and_then(Value::as_object).into_iter().flat_map(Object::iter)
        {
            let reference = to.as_str().unwrap_or_default();
            let by_name = entries.iter().find(|(name, _)| **name == *reference).map(|(_, id)| *id);
            let id = by_name.or_else(|| {
                let (target, _) = self.compiler.find(self.target, reference).ok()?;
                let name = target.pointer.segments().last()?.to_owned();
                entries.iter().find(|(other, _)| **other == *name).map(|(_, id)| *id)
            });
            if let Some(id) = id {
                entries.retain(|(name, _)| **name != *value);
                entries.push((value.into(), id));
            }
        }
        Some(Discriminator { property: property.into(), alternatives: Table::new(entries) })
    }

    fn conditional(&mut self, schema: &mut Schema) {
        if self.dialect.draft != Draft::Draft202012 || !self.dialect.applicator {
            return;
        }
        let Some(condition) = self.object.get("if") else { return };
        let condition = self.child("if", condition);
        let mut branch = |keyword: &str| {
            let value = self.object.get(keyword)?;
            Some(self.compiler.below(self.target, value, &[keyword]))
        };
        let then = branch("then").unwrap_or(super::code::ALWAYS);
        let otherwise = branch("else").unwrap_or(super::code::ALWAYS);
        schema.applied.push(Applied::If { condition, then, otherwise });
    }

    /// OpenAPI 3.0.3 §4.7.24.1: `nullable` adds `null` to `type`, where that stands in the same schema.
    fn nullable(&mut self, schema: &mut Schema) {
        if !is_openapi30(self.dialect) {
            return;
        }
        match self.object.get("nullable") {
            Some(Value::Bool(true)) if schema.type_names.is_some() => {
                schema.types |= types::NULL;
                schema.type_names = schema.type_names.take().map(|names| format!("{names} or `null`").into());
            }
            Some(Value::Bool(true)) => {
                self.unenforced("nullable", "`nullable` without `type` allows nothing more (OpenAPI 3.0.3)");
            }
            Some(Value::Bool(false)) | None => {}
            Some(_) => self.wrong("nullable", "`true` or `false`"),
        }
    }
}
