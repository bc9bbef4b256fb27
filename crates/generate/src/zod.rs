//! `gabion generate zod`: a contract's schemas as validators of Zod 4 (TypeScript).

use std::collections::BTreeSet;
use std::fmt::Write as _;

use gabion_openapi::json::Value;

use crate::contract::Contract;
use crate::names::quoted;
use crate::operations::{self, Operation, Parameter, Place};
use crate::read::{Declaration, Direction, Reader};
use crate::shape::{Additional, Array, Bound, Format, Number, Object, Property, Shape, Text, Union};
use crate::template::parts;
use crate::{File, Generated, Origin};

/// `contract.ts`: a type and a validator of the same name for each schema, and `operations` with the parameters and
/// bodies of each operation.
#[must_use]
pub fn contract(contract: Contract<'_>, direction: Direction, origin: &Origin) -> Generated {
    let mut reader = Reader::new(contract, direction, RESERVED);
    let operations = operations::read(&mut reader);
    let declarations = reader.declarations();
    let (_, limits) = reader.into_parts();
    let mut writer = Writer { requests: direction == Direction::Request, ..Writer::default() };
    let mut body = String::new();
    for Declaration { name, shape } in &declarations {
        let kind = writer.kind(shape, 0);
        let value = writer.value(shape, 0);
        let _ = write!(
            body,
            "\nexport type {name} = {kind};\nexport const {name}: z.ZodType<{name}> = {value};\n"
        );
        writer.written.insert(name.clone());
    }
    body.push_str("\nexport const operations = {\n");
    for operation in &operations {
        body.push_str(&writer.operation(operation));
    }
    body.push_str("};\n");
    let used = with_needs(writer.used);
    let mut text = origin.header("//", &limits);
    // A contract may have nothing to validate in this direction.
    if body.contains("z.") || !used.is_empty() {
        text.push_str("import * as z from \"zod\";\n\n");
    }
    text.push_str(&parts(include_str!("../templates/zod.ts"), "//// ", &used));
    text.truncate(text.trim_end().len());
    text.push('\n');
    text.push_str(&body);
    Generated { files: vec![File { path: "contract.ts".to_owned(), text }], limits }
}

/// Names that the parts of the template use, and `operations`.
const RESERVED: &[&str] = &[
    "Array",
    "Infinity",
    "JSON",
    "Math",
    "Number",
    "Object",
    "RegExp",
    "Rule",
    "Set",
    "String",
    "operations",
];

/// Parts of the template need others.
fn with_needs(used: BTreeSet<&'static str>) -> BTreeSet<&'static str> {
    let mut all = used;
    for (part, needs) in
        [("date-time", ["date", "time"]), ("email", ["hostname"; 2]), ("uri", ["uri-reference"; 2])]
    {
        if all.contains(part) {
            all.extend(needs);
        }
    }
    all
}

#[derive(Debug, Default)]
struct Writer {
    used: BTreeSet<&'static str>,
    /// Declarations above the present line.
    written: BTreeSet<String>,
    requests: bool,
}

impl Writer {
    /// The type.
    fn kind(&self, shape: &Shape, depth: usize) -> String {
        match shape {
            Shape::Any => "unknown".to_owned(),
            Shape::Never => "never".to_owned(),
            Shape::Null => "null".to_owned(),
            Shape::Boolean => "boolean".to_owned(),
            Shape::Literal(values) => values.iter().map(literal).collect::<Vec<_>>().join(" | "),
            Shape::Number(_) => "number".to_owned(),
            Shape::Text(_) => "string".to_owned(),
            Shape::Array(array) => format!("({})[]", self.kind(&array.items, depth)),
            Shape::Object(object) => self.object_kind(object, depth),
            Shape::Union(union) => {
                let variants = union.variants.iter().map(|variant| self.kind(variant, depth));
                variants.collect::<Vec<_>>().join(" | ")
            }
            Shape::Reference(name) => name.clone(),
        }
    }

    fn object_kind(&self, object: &Object, depth: usize) -> String {
        if is_impossible(object) {
            return "never".to_owned();
        }
        let inner = indent(depth + 1);
        let mut text = String::from("{\n");
        for property in shown(object) {
            let (name, kind) = (quoted(&property.name), self.kind(&property.shape, depth + 1));
            let _ = if property.required {
                writeln!(text, "{inner}{name}: {kind};")
            } else {
                writeln!(text, "{inner}{name}?: {kind} | undefined;")
            };
        }
        if let Additional::Allowed(shape) = &object.additional {
            let kind =
                if object.properties.is_empty() { self.kind(shape, depth + 1) } else { "unknown".to_owned() };
            let _ = writeln!(text, "{inner}[name: string]: {kind};");
        }
        if text.ends_with("{\n") {
            return "Record<string, never>".to_owned();
        }
        text.push_str(&indent(depth));
        text.push('}');
        text
    }

    /// The validator.
    fn value(&mut self, shape: &Shape, depth: usize) -> String {
        match shape {
            Shape::Any => "z.unknown()".to_owned(),
            Shape::Never => "z.never()".to_owned(),
            Shape::Null => "z.null()".to_owned(),
            Shape::Boolean => "z.boolean()".to_owned(),
            Shape::Literal(values) => literals(values),
            Shape::Number(number) => numeric(number),
            Shape::Text(text) => self.text(text),
            Shape::Array(array) => self.array(array, depth),
            Shape::Object(object) => self.object(object, depth),
            Shape::Union(union) => self.union(union, depth),
            Shape::Reference(name) if self.written.contains(name) => name.clone(),
            Shape::Reference(name) => format!("z.lazy(() => {name})"),
        }
    }

    fn text(&mut self, text: &Text) -> String {
        let mut rules = Vec::new();
        rules.extend(text.min.filter(|min| *min > 0).map(|min| format!("min: {min}")));
        rules.extend(text.max.map(|max| format!("max: {max}")));
        if !text.patterns.is_empty() {
            self.used.insert("pattern");
            let patterns: Vec<String> =
                text.patterns.iter().map(|pattern| format!("pattern({})", quoted(pattern))).collect();
            rules.push(format!("patterns: [{}]", patterns.join(", ")));
        }
        if !text.formats.is_empty() {
            self.used.extend(text.formats.iter().map(|format| format.name()));
            let formats: Vec<&str> = text.formats.iter().map(|format| function(*format)).collect();
            rules.push(format!("formats: [{}]", formats.join(", ")));
        }
        if rules.is_empty() {
            return "z.string()".to_owned();
        }
        self.used.insert("text");
        format!("text({{ {} }})", rules.join(", "))
    }

    fn array(&mut self, array: &Array, depth: usize) -> String {
        let mut text = format!("z.array({})", self.value(&array.items, depth));
        if let Some(min) = array.min.filter(|min| *min > 0) {
            let _ = write!(text, ".min({min})");
        }
        if let Some(max) = array.max {
            let _ = write!(text, ".max({max})");
        }
        if array.unique {
            self.used.insert("unique");
            text.push_str(".refine(unique, \"items repeat\")");
        }
        text
    }

    fn object(&mut self, object: &Object, depth: usize) -> String {
        if is_impossible(object) {
            return "z.never()".to_owned();
        }
        let mut text = match &object.additional {
            Additional::Allowed(shape) if object.properties.is_empty() => {
                format!("z.record(z.string(), {})", self.value(shape, depth))
            }
            Additional::Allowed(Shape::Any) => format!("z.looseObject({})", self.properties(object, depth)),
            Additional::Allowed(shape) => {
                let rest = self.value(shape, depth);
                format!("z.object({}).catchall({rest})", self.properties(object, depth))
            }
            Additional::Unsaid | Additional::Refused => {
                format!("z.strictObject({})", self.properties(object, depth))
            }
        };
        if object.min.is_some_and(|min| min > 0) || object.max.is_some() {
            self.used.insert("members");
            let max = object.max.map_or_else(|| "Infinity".to_owned(), |max| max.to_string());
            let min = object.min.unwrap_or_default();
            let _ = write!(text, ".refine(members({min}, {max}), \"too few or too many members\")");
        }
        text
    }

    fn properties(&mut self, object: &Object, depth: usize) -> String {
        let mut text = String::from("{");
        for property in shown(object) {
            let optional = if property.required { "" } else { ".optional()" };
            let value = self.value(&property.shape, depth + 1);
            let _ = write!(text, "\n{}{}: {value}{optional},", indent(depth + 1), member(&property.name));
        }
        if text.len() > 1 {
            text.push('\n');
            text.push_str(&indent(depth));
        }
        text.push('}');
        text
    }

    fn union(&mut self, union: &Union, depth: usize) -> String {
        let variants: Vec<String> = union.variants.iter().map(|variant| self.value(variant, depth)).collect();
        let variants = variants.join(", ");
        match &union.discriminator {
            Some(property) => format!("z.discriminatedUnion({}, [{variants}])", quoted(property)),
            None if union.exactly_one => format!("z.xor([{variants}])"),
            None => format!("z.union([{variants}])"),
        }
    }

    fn operation(&mut self, operation: &Operation) -> String {
        let Operation { name, method, path, parameters, body, answers } = operation;
        let mut text = format!(
            "  {name}: {{\n    method: {},\n    template: {},\n",
            quoted(&method.to_ascii_uppercase()),
            quoted(path)
        );
        for place in Place::ALL {
            let here: Vec<&Parameter> =
                parameters.iter().filter(|parameter| parameter.place == place).collect();
            // Others than the contract names arrive in every header and every cookie.
            let closed = matches!(place, Place::Path | Place::Query);
            if here.is_empty() && !(closed && self.requests) {
                continue;
            }
            let _ =
                write!(text, "    {}: z.{}({{", place.name(), if closed { "strictObject" } else { "object" });
            if here.is_empty() {
                text.push_str("}),\n");
                continue;
            }
            text.push('\n');
            for parameter in here {
                let value = self.parameter(parameter);
                let optional = if parameter.required { "" } else { ".optional()" };
                let _ = writeln!(text, "      {}: {value}{optional},", member(&parameter.name));
            }
            text.push_str("    }),\n");
        }
        if let Some(body) = body {
            let optional = if body.required { "" } else { ".optional()" };
            let _ = writeln!(text, "    body: {}{optional},", self.value(&body.shape, 2));
        }
        if !answers.is_empty() {
            text.push_str("    answers: {\n");
            for (status, shape) in answers {
                let _ = writeln!(text, "      {}: {},", quoted(status), self.value(shape, 3));
            }
            text.push_str("    },\n");
        }
        text.push_str("  },\n");
        text
    }

    fn parameter(&mut self, parameter: &Parameter) -> String {
        match &parameter.value {
            operations::Text::One(shape) => self.of_text(shape),
            operations::Text::Many { item, separator, min, max } => {
                self.used.insert("list");
                let mut items = format!("z.array({})", self.of_text(item));
                if let Some(min) = min.filter(|min| *min > 0) {
                    let _ = write!(items, ".min({min})");
                }
                if let Some(max) = max {
                    let _ = write!(items, ".max({max})");
                }
                match separator {
                    Some(separator) => format!("list({items}, {})", quoted(&separator.to_string())),
                    None => format!("list({items})"),
                }
            }
        }
    }

    fn of_text(&mut self, shape: &Shape) -> String {
        match shape {
            Shape::Number(number) => {
                self.used.insert("number");
                format!("numeric.pipe({})", numeric(number))
            }
            Shape::Boolean => {
                self.used.insert("boolean");
                "truth".to_owned()
            }
            Shape::Literal(values) => {
                let texts: Vec<Value> = values.iter().map(|value| as_text(value).as_str().into()).collect();
                let reading = match values.first() {
                    Some(Value::Number(_)) => ".transform(Number)",
                    Some(Value::Bool(_)) => ".transform((value) => value === \"true\")",
                    _ => "",
                };
                format!("{}{reading}", literals(&texts))
            }
            Shape::Union(union) => {
                let variants: Vec<String> =
                    union.variants.iter().map(|variant| self.of_text(variant)).collect();
                format!("z.union([{}])", variants.join(", "))
            }
            Shape::Null => "z.literal(\"\")".to_owned(),
            Shape::Any => "z.string()".to_owned(),
            other => self.value(other, 3),
        }
    }
}

/// Properties that are written: what may not be there at all is named only where others may.
fn shown(object: &Object) -> impl Iterator<Item = &Property> {
    let open = matches!(object.additional, Additional::Allowed(_));
    object.properties.iter().filter(move |property| open || property.shape != Shape::Never)
}

/// Whether it must have a member that nothing fits.
fn is_impossible(object: &Object) -> bool {
    object.properties.iter().any(|property| property.required && property.shape == Shape::Never)
}

pub(crate) fn literals(values: &[Value]) -> String {
    let values: Vec<String> = values.iter().map(literal).collect();
    format!("z.literal([{}])", values.join(", "))
}

fn literal(value: &Value) -> String {
    match value {
        Value::String(text) => quoted(text),
        Value::Number(number) => number.as_str().to_owned(),
        Value::Bool(true) => "true".to_owned(),
        Value::Bool(false) => "false".to_owned(),
        Value::Null | Value::Array(_) | Value::Object(_) => "null".to_owned(),
    }
}

fn as_text(value: &Value) -> String {
    value.as_str().map_or_else(|| literal(value), str::to_owned)
}

fn numeric(number: &Number) -> String {
    let mut text = String::from(if number.integer { "z.int()" } else { "z.number()" });
    for (bound, limit) in &number.bounds {
        // `z.int()` is within ±(2^53 − 1) by itself.
        if number.integer && limit.len() > 16 && !limit.contains(['.', 'e', 'E']) {
            continue;
        }
        let method = match bound {
            Bound::AtLeast => "gte",
            Bound::Above => "gt",
            Bound::AtMost => "lte",
            Bound::Below => "lt",
        };
        let _ = write!(text, ".{method}({limit})");
    }
    for divisor in &number.multiple_of {
        let _ = write!(text, ".multipleOf({divisor})");
    }
    text
}

const fn function(format: Format) -> &'static str {
    match format {
        Format::Base64 => "isBase64",
        Format::Date => "isDate",
        Format::DateTime => "isDateTime",
        Format::Email => "isEmail",
        Format::Hostname => "isHostname",
        Format::Ipv4 => "isIpv4",
        Format::Ipv6 => "isIpv6",
        Format::Time => "isTime",
        Format::Uri => "isUri",
        Format::UriReference => "isUriReference",
        Format::Uuid => "isUuid",
    }
}

/// A member of an object literal: `__proto__` only in brackets is one.
fn member(name: &str) -> String {
    if name == "__proto__" { format!("[{}]", quoted(name)) } else { quoted(name) }
}

fn indent(depth: usize) -> String {
    "  ".repeat(depth)
}
