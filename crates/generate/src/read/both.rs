//! Two shapes at once: what `allOf` means, and keywords beside alternatives.

use gabion_openapi::json::Value;

use super::Reader;
use crate::contract::At;
use crate::shape::{Additional, Array, Bound, Number, Object, Property, Shape, Text, Union};

impl<'a> Reader<'a> {
    /// What fits both.
    pub(super) fn both(&mut self, one: Shape, other: Shape, at: &At<'a>) -> Shape {
        match (one, other) {
            (Shape::Any, shape) | (shape, Shape::Any) => shape,
            (Shape::Never, _) | (_, Shape::Never) => Shape::Never,
            (Shape::Reference(one), Shape::Reference(other)) if one == other => Shape::Reference(one),
            (Shape::Reference(name), shape) | (shape, Shape::Reference(name)) => {
                self.expanded(&name, at, |reader, named| reader.both(named, shape, at))
            }
            (Shape::Union(union), shape) | (shape, Shape::Union(union)) => {
                self.distributed(union, &shape, at)
            }
            (Shape::Literal(values), shape) | (shape, Shape::Literal(values)) => {
                if let Shape::Text(text) = &shape
                    && !(text.patterns.is_empty() && text.formats.is_empty())
                {
                    self.limit(at, "`pattern` and `format` beside a list of values are not checked");
                }
                let values: Vec<Value> = values.into_iter().filter(|value| fits(value, &shape)).collect();
                if values.is_empty() { Shape::Never } else { Shape::Literal(values) }
            }
            (Shape::Null, Shape::Null) => Shape::Null,
            (Shape::Boolean, Shape::Boolean) => Shape::Boolean,
            (Shape::Number(one), Shape::Number(other)) => Shape::Number(numbers(one, other)),
            (Shape::Text(one), Shape::Text(other)) => Shape::Text(texts(one, other)),
            (Shape::Array(one), Shape::Array(other)) => {
                let (one, other) = (*one, *other);
                Shape::Array(Box::new(Array {
                    min: one.min.max(other.min),
                    max: least(one.max, other.max),
                    unique: one.unique || other.unique,
                    items: self.both(one.items, other.items, at),
                }))
            }
            (Shape::Object(one), Shape::Object(other)) => {
                Shape::Object(Box::new(self.objects_both(*one, *other, at)))
            }
            _ => Shape::Never,
        }
    }

    /// Does something with what a name stands for; a schema that is a part of itself fits nothing.
    fn expanded(&mut self, name: &str, at: &At<'a>, work: impl FnOnce(&mut Self, Shape) -> Shape) -> Shape {
        let Some(target) = self.targets.get(name).cloned() else { return Shape::Never };
        if self.expanding.iter().any(|other| other == name) {
            self.limit(at, "is a part of itself; nothing is accepted");
            return Shape::Never;
        }
        self.expanding.push(name.to_owned());
        let shape = self.shape(&target);
        let shape = work(self, shape);
        self.expanding.pop();
        shape
    }

    /// A shape in which no name stands at the top.
    pub(crate) fn opened(&mut self, shape: Shape, at: &At<'a>) -> Shape {
        match shape {
            Shape::Reference(name) => self.expanded(&name, at, |reader, shape| reader.opened(shape, at)),
            other => other,
        }
    }

    fn distributed(&mut self, union: Union, shape: &Shape, at: &At<'a>) -> Shape {
        let many = if let Shape::Union(other) = shape { other.variants.len() } else { 1 };
        if union.variants.len().saturating_mul(many) > MOST_VARIANTS {
            self.limit(at, "has too many alternatives at once; nothing is accepted");
            return Shape::Never;
        }
        let Union { variants, exactly_one, discriminator } = union;
        let variants: Vec<Shape> =
            variants.into_iter().map(|variant| self.both(variant, shape.clone(), at)).collect();
        let objects = variants.iter().all(|variant| matches!(variant, Shape::Object(_) | Shape::Never));
        Shape::union(variants, exactly_one, discriminator.filter(|_| objects))
    }

    fn objects_both(&mut self, one: Object, other: Object, at: &At<'a>) -> Object {
        let mut properties = Vec::with_capacity(one.properties.len() + other.properties.len());
        for property in &one.properties {
            let twin = other.properties.iter().find(|twin| twin.name == property.name);
            properties.push(match twin {
                Some(twin) => Property {
                    name: property.name.clone(),
                    shape: self.both(property.shape.clone(), twin.shape.clone(), at),
                    required: property.required || twin.required,
                },
                None => self.seen_by(property, &other.additional, at),
            });
        }
        for property in &other.properties {
            if !one.properties.iter().any(|twin| twin.name == property.name) {
                properties.push(self.seen_by(property, &one.additional, at));
            }
        }
        let additional = match (one.additional, other.additional) {
            (Additional::Refused, _) | (_, Additional::Refused) => Additional::Refused,
            (Additional::Unsaid, additional) | (additional, Additional::Unsaid) => additional,
            (Additional::Allowed(one), Additional::Allowed(other)) => {
                Additional::Allowed(self.both(one, other, at))
            }
        };
        Object {
            properties,
            additional,
            min: one.min.max(other.min),
            max: least(one.max, other.max),
            hint: one.hint.or(other.hint),
        }
    }

    /// A property that another part of the schema does not name.
    fn seen_by(&mut self, property: &Property, additional: &Additional, at: &At<'a>) -> Property {
        let shape = match additional {
            Additional::Unsaid => property.shape.clone(),
            Additional::Refused => Shape::Never,
            Additional::Allowed(shape) => self.both(property.shape.clone(), shape.clone(), at),
        };
        Property { name: property.name.clone(), shape, required: property.required }
    }

    /// Whether a value may fit two of them.
    pub(super) fn overlap(&mut self, variants: &[Shape], at: &At<'a>) -> bool {
        let variants: Vec<Shape> = variants.iter().map(|shape| self.opened(shape.clone(), at)).collect();
        let mut pairs = variants.iter().enumerate().flat_map(|(index, one)| {
            variants.iter().skip(index + 1).map(move |other| (one.clone(), other.clone()))
        });
        pairs.any(|(one, other)| meets(&one, &other))
    }

    pub(super) fn objects(&mut self, variants: &[Shape], at: &At<'a>) -> usize {
        let opened = variants.iter().map(|shape| self.opened(shape.clone(), at));
        opened.filter(|shape| matches!(shape, Shape::Object(_))).count()
    }
}

/// Whether some value may fit both; `true` when in doubt.
fn meets(one: &Shape, other: &Shape) -> bool {
    match (one, other) {
        (Shape::Never, _) | (_, Shape::Never) => false,
        (Shape::Any | Shape::Reference(_), _) | (_, Shape::Any | Shape::Reference(_)) => true,
        (Shape::Union(union), shape) | (shape, Shape::Union(union)) => {
            union.variants.iter().any(|variant| meets(variant, shape))
        }
        (Shape::Literal(values), shape) | (shape, Shape::Literal(values)) => {
            values.iter().any(|value| fits(value, shape))
        }
        (Shape::Object(one), Shape::Object(other)) => !one.properties.iter().any(|property| {
            let twin = other.properties.iter().find(|twin| twin.name == property.name);
            twin.is_some_and(|twin| {
                (property.required || twin.required) && {
                    // Both must have it, or a value without it fits one only because it is not asked for there.
                    property.required && twin.required && !meets(&property.shape, &twin.shape)
                }
            })
        }),
        (Shape::Null, Shape::Null)
        | (Shape::Boolean, Shape::Boolean)
        | (Shape::Number(_), Shape::Number(_))
        | (Shape::Text(_), Shape::Text(_))
        | (Shape::Array(_), Shape::Array(_)) => true,
        _ => false,
    }
}

/// Whether a scalar fits, as far as patterns and formats are not asked.
fn fits(value: &Value, shape: &Shape) -> bool {
    match (value, shape) {
        (_, Shape::Any | Shape::Reference(_))
        | (Value::Null, Shape::Null)
        | (Value::Bool(_), Shape::Boolean) => true,
        (Value::Number(number), Shape::Number(rule)) => {
            let exact: f64 = number.as_str().parse().unwrap_or(f64::NAN);
            let holds = |(bound, limit): &(Bound, String)| {
                let limit: f64 = limit.parse().unwrap_or(f64::NAN);
                match bound {
                    Bound::AtLeast => exact >= limit,
                    Bound::Above => exact > limit,
                    Bound::AtMost => exact <= limit,
                    Bound::Below => exact < limit,
                }
            };
            rule.bounds.iter().all(holds) && (!rule.integer || number.decimal().is_integer())
        }
        (Value::String(text), Shape::Text(rule)) => {
            let length = text.chars().count() as u64;
            rule.min.is_none_or(|min| length >= min) && rule.max.is_none_or(|max| length <= max)
        }
        (value, Shape::Literal(values)) => values.contains(value),
        (value, Shape::Union(union)) => union.variants.iter().any(|variant| fits(value, variant)),
        _ => false,
    }
}

fn numbers(mut one: Number, other: Number) -> Number {
    one.integer |= other.integer;
    extend(&mut one.bounds, other.bounds);
    extend(&mut one.multiple_of, other.multiple_of);
    one
}

fn texts(mut one: Text, other: Text) -> Text {
    one.min = one.min.max(other.min);
    one.max = least(one.max, other.max);
    extend(&mut one.patterns, other.patterns);
    extend(&mut one.formats, other.formats);
    one
}

fn extend<T: PartialEq>(list: &mut Vec<T>, more: Vec<T>) {
    for item in more {
        if !list.contains(&item) {
            list.push(item);
        }
    }
}

fn least(one: Option<u64>, other: Option<u64>) -> Option<u64> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

const MOST_VARIANTS: usize = 256;
