//! Schemas read into shapes.
//!
//! Members that nothing names are refused, parts of `allOf` are put together into one object, `readOnly` members do not
//! exist in a request and `writeOnly` ones not in a response. What has no shape is a [`Limit`].

use std::collections::{BTreeMap, BTreeSet};

use gabion_openapi::json::{Pointer, Value};

use crate::Limit;
use crate::contract::{At, Contract, Dialect};
use crate::names::{Names, pascal};
use crate::shape::{Additional, Array, Bound, Format, Number, Object, Property, Shape, Text};

mod both;

/// Which way the documents go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    Request,
    Response,
}

/// A schema with a name.
#[derive(Debug, Clone)]
pub(crate) struct Declaration {
    pub(crate) name: String,
    pub(crate) shape: Shape,
}

/// Reads the schemas of a contract, each that is referred to once.
#[derive(Debug)]
pub(crate) struct Reader<'a> {
    pub(crate) contract: Contract<'a>,
    pub(crate) direction: Direction,
    names: Names,
    declared: BTreeMap<String, String>,
    targets: BTreeMap<String, At<'a>>,
    queue: Vec<String>,
    /// Declarations that are being put into the place of their name.
    expanding: Vec<String>,
    depth: usize,
    limits: BTreeSet<Limit>,
}

impl<'a> Reader<'a> {
    /// `reserved`: names the target has already.
    pub(crate) fn new(contract: Contract<'a>, direction: Direction, reserved: &[&str]) -> Self {
        Self {
            contract,
            direction,
            names: Names::with(reserved),
            declared: BTreeMap::new(),
            targets: BTreeMap::new(),
            queue: Vec::new(),
            expanding: Vec::new(),
            depth: 0,
            limits: BTreeSet::new(),
        }
    }

    pub(crate) fn limit(&mut self, at: &At<'_>, reason: impl Into<String>) {
        self.limits.insert(Limit::new(at.place(), reason));
    }

    /// Every schema under `components/schemas`, and those that anything referred to.
    pub(crate) fn declarations(&mut self) -> Vec<Declaration> {
        let components = self.contract.root().and_then(|root| root.get("components"));
        for (_, at) in components.map(|at| at.members("schemas")).unwrap_or_default() {
            self.declare(&at);
        }
        let mut declarations = Vec::new();
        let mut next = 0;
        while let Some(name) = self.queue.get(next).cloned() {
            next += 1;
            let Some(at) = self.targets.get(&name).cloned() else { continue };
            let mut shape = self.shape(&at);
            if let Shape::Reference(other) = &shape
                && *other == name
            {
                self.limit(&at, "refers to itself and nothing else; nothing is accepted");
                shape = Shape::Never;
            }
            declarations.push(Declaration { name, shape });
        }
        declarations
    }

    pub(crate) fn into_parts(self) -> (Names, Vec<Limit>) {
        (self.names, self.limits.into_iter().collect())
    }

    fn declare(&mut self, at: &At<'a>) -> String {
        let place = at.place();
        if let Some(name) = self.declared.get(&place) {
            return name.clone();
        }
        let wanted = match at.pointer.segments().last() {
            Some(segment) => pascal(segment),
            None => pascal(at.file.rsplit('/').next().unwrap_or(at.file)),
        };
        let name = self.names.take(&wanted);
        self.declared.insert(place, name.clone());
        self.targets.insert(name.clone(), at.clone());
        self.queue.push(name.clone());
        name
    }

    /// What a schema allows.
    pub(crate) fn shape(&mut self, at: &At<'a>) -> Shape {
        if self.depth >= DEEPEST {
            self.limit(at, "is too deep; nothing is accepted");
            return Shape::Never;
        }
        self.depth += 1;
        let shape = match at.value {
            Value::Bool(true) => Shape::Any,
            Value::Object(_) => self.of_object(at),
            Value::Bool(false) => Shape::Never,
            _ => {
                self.limit(at, "is no schema; nothing is accepted");
                Shape::Never
            }
        };
        self.depth -= 1;
        shape
    }

    fn of_object(&mut self, at: &At<'a>) -> Shape {
        let mut shape = Shape::Any;
        if let Some(reference) = at.str("$ref") {
            shape = match self.contract.follow(at.file, reference) {
                Ok(target) => Shape::Reference(self.declare(&target)),
                Err(reason) => {
                    self.limit(at, format!("{reason}; nothing is accepted"));
                    Shape::Never
                }
            };
            let members = at.value.as_object().map_or(0, gabion_openapi::json::Object::len);
            if self.contract.dialect == Dialect::OpenApi30 || members == 1 {
                return shape;
            }
        }
        for keyword in UNREAD {
            if at.has(keyword) {
                self.limit(at, format!("`{keyword}` is not checked"));
            }
        }
        let own = self.own(at);
        shape = self.both(shape, own, at);
        for part in at.items("allOf") {
            let part_shape = self.shape(&part);
            shape = self.both(shape, part_shape, &part);
        }
        for (keyword, exactly_one) in [("anyOf", false), ("oneOf", true)] {
            if at.has(keyword) {
                let union = self.alternatives(at, keyword, exactly_one);
                shape = self.both(shape, union, at);
            }
        }
        if at.flag("nullable") && !at.has("type") {
            self.limit(at, "`nullable` without `type` beside it has no effect (OpenAPI 3.0.3 §4.7.24.1)");
        }
        shape
    }

    /// What the keywords of one schema allow, without those that hold alternatives and parts.
    fn own(&mut self, at: &At<'a>) -> Shape {
        let shape = match self.types(at) {
            None => Shape::Any,
            Some(types) => {
                let whole_numbers_too = types.contains(&"number");
                let shapes = types.iter().filter(|kind| !(whole_numbers_too && **kind == "integer"));
                Shape::one_of(shapes.map(|kind| self.of_type(at, kind)).collect())
            }
        };
        let values = match (at.get("const"), at.value.get("enum").and_then(Value::as_array)) {
            (Some(value), _) if self.contract.dialect == Dialect::OpenApi31 => vec![value.value.clone()],
            (_, Some(values)) => values.to_vec(),
            _ => return shape,
        };
        if values.iter().any(|value| matches!(value, Value::Array(_) | Value::Object(_))) {
            self.limit(at, "lists arrays or objects as its values; only their type is checked");
            return shape;
        }
        self.both(shape, Shape::Literal(values), at)
    }

    /// The types it may have; from its other keywords, if it does not say. `None`: any.
    fn types(&mut self, at: &At<'a>) -> Option<Vec<&'a str>> {
        let mut types: Vec<&str> = match at.value.get("type") {
            Some(Value::String(kind)) => vec![kind.as_str()],
            Some(Value::Array(kinds)) => kinds.iter().filter_map(Value::as_str).collect(),
            _ => {
                let implied = IMPLIED.iter().filter(|(_, keywords)| keywords.iter().any(|word| at.has(word)));
                let implied: Vec<&str> = implied.map(|(kind, _)| *kind).collect();
                if implied.is_empty() {
                    return None;
                }
                self.limit(at, format!("does not say its type; taken as `{}`", implied.join("` or `")));
                implied
            }
        };
        if self.contract.dialect == Dialect::OpenApi30 && at.flag("nullable") && at.has("type") {
            types.push("null");
        }
        Some(types)
    }

    fn of_type(&mut self, at: &At<'a>, kind: &str) -> Shape {
        match kind {
            "null" => Shape::Null,
            "boolean" => Shape::Boolean,
            "integer" | "number" => self.number(at, kind == "integer"),
            "string" => self.text(at),
            "array" => {
                let items = at.get("items").map_or(Shape::Any, |items| self.shape(&items));
                let (min, max) = (at.size("minItems"), at.size("maxItems"));
                let unique = at.flag("uniqueItems");
                Shape::Array(Box::new(Array { items, min, max, unique }))
            }
            "object" => self.object(at),
            other => {
                self.limit(at, format!("`{other}` is no type; nothing is accepted"));
                Shape::Never
            }
        }
    }

    fn number(&mut self, at: &At<'a>, integer: bool) -> Shape {
        let mut number = Number { integer, ..Number::default() };
        let of =
            |name: &str| at.value.get(name).and_then(Value::as_number).map(|found| found.as_str().to_owned());
        let closed = [
            ("minimum", "exclusiveMinimum", Bound::AtLeast, Bound::Above),
            ("maximum", "exclusiveMaximum", Bound::AtMost, Bound::Below),
        ];
        for (name, exclusive, bound, strict) in closed {
            if let Some(value) = of(name) {
                number.bounds.push((if at.flag(exclusive) { strict } else { bound }, value));
            }
            if let Some(value) = of(exclusive) {
                number.bounds.push((strict, value));
            }
        }
        number.multiple_of.extend(of("multipleOf"));
        let range = match at.str("format") {
            Some("int32") => Some(("-2147483648", "2147483647")),
            Some("int64") => Some(("-9223372036854775808", "9223372036854775807")),
            None | Some("float" | "double") => None,
            Some(other) => {
                self.limit(at, format!("the format `{}` of a number is not checked", short(other)));
                None
            }
        };
        if let Some((least, most)) = range {
            number.bounds.push((Bound::AtLeast, least.to_owned()));
            number.bounds.push((Bound::AtMost, most.to_owned()));
        }
        Shape::Number(number)
    }

    fn text(&mut self, at: &At<'a>) -> Shape {
        let mut text = Text { min: at.size("minLength"), max: at.size("maxLength"), ..Text::default() };
        text.patterns.extend(at.str("pattern").map(str::to_owned));
        if let Some(name) = at.str("format") {
            match Format::named(name) {
                Ok(format) => text.formats.extend(format),
                Err(()) => self.limit(at, format!("the format `{}` is not checked", short(name))),
            }
        }
        Shape::Text(text)
    }

    fn object(&mut self, at: &At<'a>) -> Shape {
        let mut object = Object::open();
        let required: BTreeSet<&str> = match at.value.get("required").and_then(Value::as_array) {
            Some(names) => names.iter().filter_map(Value::as_str).collect(),
            None => BTreeSet::new(),
        };
        let other = match self.direction {
            Direction::Request => "readOnly",
            Direction::Response => "writeOnly",
        };
        let members = at.members("properties");
        for (name, property) in &members {
            let target = self.contract.resolve(property.clone()).ok();
            let elsewhere = property.flag(other) || target.is_some_and(|target| target.flag(other));
            let shape = if elsewhere { Shape::Never } else { self.shape(property) };
            let required = required.contains(name) && !elsewhere;
            object.properties.push(Property { name: (*name).to_owned(), shape, required });
        }
        for name in required {
            if !members.iter().any(|(member, _)| *member == name) {
                let property = Property { name: name.to_owned(), shape: Shape::Any, required: true };
                object.properties.push(property);
            }
        }
        object.additional = match at.get("additionalProperties") {
            None if at.value.get("unevaluatedProperties").and_then(Value::as_bool) == Some(true) => {
                Additional::Allowed(Shape::Any)
            }
            None => Additional::Unsaid,
            Some(schema) => match self.shape(&schema) {
                Shape::Never => Additional::Refused,
                shape => Additional::Allowed(shape),
            },
        };
        if at.has("patternProperties") {
            self.limit(at, "`patternProperties`: such members are refused");
        }
        (object.min, object.max) = (at.size("minProperties"), at.size("maxProperties"));
        object.hint = at.pointer.segments().last().filter(|_| is_component(&at.pointer)).map(pascal);
        Shape::Object(Box::new(object))
    }

    fn alternatives(&mut self, at: &At<'a>, keyword: &str, exactly_one: bool) -> Shape {
        let items = at.items(keyword);
        let discriminator = at.get("discriminator").and_then(|at| Some((at.str("propertyName")?, at)));
        if let Some((property, discriminator)) = discriminator {
            let tagged = items.iter().map(|item| self.tagged(item, property, &discriminator));
            let tagged: Option<Vec<Shape>> = tagged.collect();
            if let Some(variants) = tagged {
                return Shape::union(variants, false, Some(property.to_owned()));
            }
            self.limit(at, "`discriminator`: an alternative is no named object; all are tried in turn");
        }
        let variants: Vec<Shape> = items.iter().map(|item| self.shape(item)).collect();
        let overlap = exactly_one && self.overlap(&variants, at);
        if overlap {
            self.limit(
                at,
                "`oneOf`: whether an alternative fits is asked of it with unknown members refused",
            );
        } else if !exactly_one && self.objects(&variants, at) > 1 {
            self.limit(at, "`anyOf`: members of one alternative only; those of several at once are refused");
        }
        Shape::union(variants, overlap, None)
    }

    /// A variant whose discriminator must have the values that name it.
    fn tagged(&mut self, item: &At<'a>, property: &str, discriminator: &At<'a>) -> Option<Shape> {
        let target = self.contract.follow(item.file, item.str("$ref")?).ok()?;
        let mut values: Vec<Value> = Vec::new();
        for (value, means) in discriminator.members("mapping") {
            let means = means.value.as_str()?;
            let pointer = if means.contains(['#', '/', '.']) {
                means.to_owned()
            } else {
                format!("#/components/schemas/{means}")
            };
            if self.contract.follow(item.file, &pointer).is_ok_and(|other| other.place() == target.place()) {
                values.push(value.into());
            }
        }
        if values.is_empty() {
            values.push(target.pointer.segments().last()?.into());
        }
        let tag = Property { name: property.to_owned(), shape: Shape::Literal(values), required: true };
        let mut object = Object::open();
        object.properties.push(tag);
        let shape = self.shape(item);
        match self.both(shape, Shape::Object(Box::new(object)), item) {
            Shape::Object(object) => {
                let named = object.properties.iter().find(|other| other.name == property);
                if named.is_some_and(|tag| tag.shape == Shape::Never) {
                    self.limit(item, "does not allow the value of the discriminator that names it; left out");
                    return Some(Shape::Never);
                }
                Some(Shape::Object(object))
            }
            _ => None,
        }
    }
}

/// Whether it is what `components/schemas` names.
fn is_component(pointer: &Pointer) -> bool {
    let segments: Vec<&str> = pointer.segments().collect();
    matches!(segments.as_slice(), ["components", "schemas", _])
}

/// A word of the contract in a message.
fn short(text: &str) -> String {
    text.chars().take(40).collect()
}

const DEEPEST: usize = 100;

/// Types that keywords speak of, for schemas that do not say theirs.
const IMPLIED: &[(&str, &[&str])] = &[
    ("object", &["properties", "required", "additionalProperties", "minProperties", "maxProperties"]),
    ("array", &["items", "minItems", "maxItems", "uniqueItems"]),
    ("string", &["minLength", "maxLength", "pattern"]),
    ("number", &["minimum", "maximum", "multipleOf"]),
];

/// Keywords that have no shape.
const UNREAD: &[&str] = &[
    "not",
    "if",
    "dependentRequired",
    "dependentSchemas",
    "dependencies",
    "prefixItems",
    "contains",
    "unevaluatedItems",
    "propertyNames",
    "$dynamicRef",
    "contentEncoding",
    "contentMediaType",
];
