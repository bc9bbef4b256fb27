//! `gabion generate pydantic`: a contract's schemas as models of Pydantic 2 (Python).

use std::collections::BTreeSet;
use std::fmt::Write as _;

use gabion_openapi::json::Value;

use crate::contract::Contract;
use crate::names::{Names, pascal, quoted_python as quoted, snake};
use crate::operations::{self, Operation, Parameter, Place};
use crate::read::{Declaration, Direction, Reader};
use crate::shape::{Additional, Array, Bound, Format, Number, Object, Property, Shape, Text, Union};
use crate::template::parts;
use crate::translate::for_linear;
use crate::{File, Generated, Limit, Origin};

/// `contract.py`: a model for each object, a type for each other schema, and for each operation models of its
/// parameters and the type of its body.
#[must_use]
pub fn contract(contract: Contract<'_>, direction: Direction, origin: &Origin) -> Generated {
    let mut reader = Reader::new(contract, direction, RESERVED);
    let operations = operations::read(&mut reader);
    let declarations = reader.declarations();
    let (names, mut limits) = reader.into_parts();
    let mut writer = Writer {
        names,
        used: BTreeSet::new(),
        classes: String::new(),
        models: Vec::new(),
        aliases: String::new(),
        limits: BTreeSet::new(),
        nullable: nullable_names(&declarations),
        requests: direction == Direction::Request,
    };
    for declaration in &declarations {
        match &declaration.shape {
            Shape::Object(object) if is_class(&declaration.shape) => {
                writer.class(&declaration.name, object, "forbid");
            }
            shape => {
                let expression = writer.expression(shape, &declaration.name);
                writer.alias(&declaration.name, &expression);
            }
        }
    }
    for operation in &operations {
        writer.operation(operation);
    }
    limits.extend(writer.limits);
    limits.sort();
    let used = with_needs(writer.used);
    let mut code = parts(include_str!("../templates/pydantic.py"), "#### ", &used);
    code.truncate(code.trim_end().len());
    if !code.is_empty() {
        code.push_str("\n\n\n");
    }
    code.push_str(&writer.classes);
    code.push_str(&writer.aliases);
    let _ = write!(code, "\n\nMODELS: tuple[type[BaseModel], ...] = (");
    for model in &writer.models {
        let _ = write!(code, "\n    {model},");
    }
    code.push_str("\n)\nfor _model in MODELS:\n    _model.model_rebuild()\n");
    let text = format!("{}{}{code}", origin.header("#", &limits), imports(&code));
    Generated { files: vec![File { path: "contract.py".to_owned(), text }], limits }
}

/// The imports that `code` needs.
fn imports(code: &str) -> String {
    let mut text = String::from("from __future__ import annotations\n\n");
    for module in ["ipaddress", "json", "re"] {
        if code.contains(&format!("{module}.")) {
            let _ = writeln!(text, "import {module}");
        }
    }
    let from = |module: &str, names: &[&str]| {
        let used = |name: &&str| {
            code.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').any(|word| word == *name)
        };
        let names: Vec<&str> = names.iter().copied().filter(used).collect();
        if names.is_empty() { String::new() } else { format!("from {module} import {}\n", names.join(", ")) }
    };
    text.push_str(&from("collections.abc", &["Callable"]));
    text.push_str(&from("decimal", &["Decimal", "localcontext"]));
    text.push_str(&from("typing", &["Annotated", "Any", "Literal", "Union"]));
    text.push('\n');
    let names = [
        "AfterValidator",
        "BaseModel",
        "BeforeValidator",
        "ConfigDict",
        "Field",
        "Strict",
        "model_validator",
    ];
    text.push_str(&from("pydantic", &names));
    text.push_str(&from("typing_extensions", &["TypeAliasType"]));
    text.push_str("\n\n");
    text
}

const RESERVED: &[&str] = &[
    "AfterValidator",
    "Annotated",
    "Any",
    "BaseModel",
    "BeforeValidator",
    "Callable",
    "ConfigDict",
    "Decimal",
    "False",
    "Field",
    "Literal",
    "MODELS",
    "None",
    "Strict",
    "True",
    "TypeAliasType",
    "Union",
    "ValueError",
];

/// What a member may not be called: words of the language, names used in annotations, members of every model.
const TAKEN: &[&str] = &[
    "and",
    "as",
    "assert",
    "async",
    "await",
    "bool",
    "break",
    "class",
    "classmethod",
    "cls",
    "construct",
    "continue",
    "copy",
    "def",
    "del",
    "dict",
    "elif",
    "else",
    "except",
    "fields",
    "finally",
    "float",
    "for",
    "from",
    "from_orm",
    "global",
    "if",
    "import",
    "in",
    "int",
    "ipaddress",
    "is",
    "json",
    "lambda",
    "list",
    "localcontext",
    "nonlocal",
    "not",
    "object",
    "or",
    "parse_file",
    "parse_obj",
    "parse_raw",
    "pass",
    "raise",
    "re",
    "return",
    "schema",
    "schema_json",
    "self",
    "str",
    "try",
    "tuple",
    "type",
    "update_forward_refs",
    "validate",
    "while",
    "with",
    "yield",
];

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

/// Whether it becomes a class: an object with members of its own. Others are dictionaries, or nothing fits.
fn is_class(shape: &Shape) -> bool {
    matches!(shape, Shape::Object(object) if !is_impossible(object) && !is_dictionary(object))
}

fn is_dictionary(object: &Object) -> bool {
    object.properties.is_empty() && matches!(object.additional, Additional::Allowed(_))
}

fn is_impossible(object: &Object) -> bool {
    object.properties.iter().any(|property| property.required && property.shape == Shape::Never)
}

struct Writer {
    names: Names,
    used: BTreeSet<&'static str>,
    classes: String,
    models: Vec<String>,
    aliases: String,
    limits: BTreeSet<Limit>,
    /// Declarations that may be null.
    nullable: BTreeSet<String>,
    requests: bool,
}

impl Writer {
    fn limit(&mut self, place: &str, reason: impl Into<String>) {
        self.limits.insert(Limit::new(place, reason));
    }

    fn use_part(&mut self, part: &'static str) {
        self.used.insert(part);
    }

    fn alias(&mut self, name: &str, expression: &str) {
        let _ = writeln!(self.aliases, "{name} = TypeAliasType({}, {})", quoted(name), quoted(expression));
    }

    fn class(&mut self, name: &str, object: &Object, extra: &str) {
        let mut text = format!("class {name}(BaseModel):\n");
        let extra = if let Additional::Allowed(_) = object.additional { "allow" } else { extra };
        let _ = writeln!(text, "    model_config = ConfigDict(extra=\"{extra}\")");
        if let Additional::Allowed(shape) = &object.additional
            && *shape != Shape::Any
        {
            let shape = self.expression(shape, &format!("{name}Other"));
            let _ = writeln!(text, "    __pydantic_extra__: dict[str, {shape}] = Field(init=False)");
        }
        let mut fields = Names::with(TAKEN);
        for property in &object.properties {
            let open = matches!(object.additional, Additional::Allowed(_));
            if property.shape == Shape::Never && !open {
                continue;
            }
            let field = self.field(name, property, &mut fields);
            text.push_str(&field);
        }
        if object.min.is_some_and(|min| min > 0) || object.max.is_some() {
            self.use_part("members");
            let most = object.max.map_or_else(|| "None".to_owned(), |max| max.to_string());
            let least = object.min.unwrap_or_default();
            let _ = write!(
                text,
                "\n    @model_validator(mode=\"before\")\n    @classmethod\n    def _count(cls, value: Any) -> Any:\n        \
                 return _members(value, {least}, {most})\n"
            );
        }
        text.push_str("\n\n");
        self.classes.push_str(&text);
        self.models.push(name.to_owned());
    }

    fn field(&mut self, class: &str, property: &Property, fields: &mut Names) -> String {
        let expression = self.expression(&property.shape, &format!("{class}{}", pascal(&property.name)));
        self.field_of(
            &property.name,
            &expression,
            property.required,
            nullable(&property.shape, &self.nullable),
            fields,
        )
    }

    fn field_of(
        &mut self,
        name: &str,
        expression: &str,
        required: bool,
        nullable: bool,
        fields: &mut Names,
    ) -> String {
        let field = field_name(name, fields);
        let alias = if field == name { String::new() } else { format!("Field(alias={})", quoted(name)) };
        let mut inner = expression.to_owned();
        let mut rest: Vec<String> = Vec::new();
        if !alias.is_empty() {
            rest.push(alias);
        }
        if !required {
            inner = format!("Union[{inner}, None]");
            if !nullable {
                self.use_part("given");
                rest.push("BeforeValidator(_given)".to_owned());
            }
        }
        let annotation =
            if rest.is_empty() { inner } else { format!("Annotated[{inner}, {}]", rest.join(", ")) };
        let default = if required { "" } else { " = None" };
        format!("    {field}: {annotation}{default}\n")
    }

    /// The type. `hint`: how a class would be called that has to be made for it.
    fn expression(&mut self, shape: &Shape, hint: &str) -> String {
        match shape {
            Shape::Any => "Any".to_owned(),
            Shape::Never => self.never(),
            Shape::Null => "None".to_owned(),
            Shape::Boolean => "Annotated[bool, Strict()]".to_owned(),
            Shape::Literal(values) => self.literal(values),
            Shape::Number(number) => self.number(number),
            Shape::Text(text) => self.text(text, hint),
            Shape::Array(array) => self.array(array, hint),
            Shape::Object(object) => self.object(object, hint),
            Shape::Union(union) => self.union(union, hint),
            Shape::Reference(name) => name.clone(),
        }
    }

    fn never(&mut self) -> String {
        self.use_part("never");
        "Annotated[None, BeforeValidator(_never)]".to_owned()
    }

    fn literal(&mut self, values: &[Value]) -> String {
        let all: Vec<String> = values.iter().map(literal).collect();
        if values.iter().all(|value| matches!(value, Value::String(_))) {
            return format!("Literal[{}]", all.join(", "));
        }
        self.use_part("exactly");
        let fractions = values
            .iter()
            .any(|value| value.as_number().is_some_and(|number| number.as_str().contains(['.', 'e', 'E'])));
        let kind = if fractions { "Any".to_owned() } else { format!("Literal[{}]", all.join(", ")) };
        format!("Annotated[{kind}, BeforeValidator(_exactly({}))]", all.join(", "))
    }

    fn number(&mut self, number: &Number) -> String {
        let mut rules: Vec<String> = Vec::new();
        for (bound, limit) in &number.bounds {
            let word = match bound {
                Bound::AtLeast => "ge",
                Bound::Above => "gt",
                Bound::AtMost => "le",
                Bound::Below => "lt",
            };
            rules.push(format!("Field({word}={limit})"));
        }
        for divisor in &number.multiple_of {
            self.use_part("multiple");
            rules.push(format!("AfterValidator(_multiple_of({}))", quoted(divisor)));
        }
        let kind = if number.integer {
            self.use_part("whole");
            rules.push("BeforeValidator(_whole)".to_owned());
            "int, Strict()"
        } else {
            "float, Strict(), Field(allow_inf_nan=False)"
        };
        rules.insert(0, kind.to_owned());
        format!("Annotated[{}]", rules.join(", "))
    }

    fn text(&mut self, text: &Text, hint: &str) -> String {
        let mut rules = vec!["str, Strict()".to_owned()];
        rules.extend(text.min.filter(|min| *min > 0).map(|min| format!("Field(min_length={min})")));
        rules.extend(text.max.map(|max| format!("Field(max_length={max})")));
        for pattern in &text.patterns {
            match for_linear(pattern) {
                Some(pattern) => rules.push(format!("Field(pattern={})", quoted(&pattern))),
                None => self.limit(
                    hint,
                    "its `pattern` is not checked: the linear-time engine has no such expression",
                ),
            }
        }
        for format in &text.formats {
            self.used.insert(format.name());
            rules.push(format!("AfterValidator({})", function(*format)));
        }
        format!("Annotated[{}]", rules.join(", "))
    }

    fn array(&mut self, array: &Array, hint: &str) -> String {
        let mut rules = vec![format!("list[{}]", self.expression(&array.items, &format!("{hint}Item")))];
        rules.extend(array.min.filter(|min| *min > 0).map(|min| format!("Field(min_length={min})")));
        rules.extend(array.max.map(|max| format!("Field(max_length={max})")));
        if array.unique {
            self.use_part("unique");
            rules.push("BeforeValidator(_unique)".to_owned());
        }
        annotated(rules)
    }

    fn object(&mut self, object: &Object, hint: &str) -> String {
        if is_impossible(object) {
            return self.never();
        }
        if let Additional::Allowed(shape) = &object.additional
            && object.properties.is_empty()
        {
            let mut rules = vec![format!("dict[str, {}]", self.expression(shape, &format!("{hint}Value")))];
            rules.extend(object.min.filter(|min| *min > 0).map(|min| format!("Field(min_length={min})")));
            rules.extend(object.max.map(|max| format!("Field(max_length={max})")));
            return annotated(rules);
        }
        let name = self.names.take(hint);
        self.class(&name, object, "forbid");
        name
    }

    fn union(&mut self, union: &Union, hint: &str) -> String {
        let mut variants = Vec::new();
        for (index, variant) in union.variants.iter().enumerate() {
            let name = match variant {
                Shape::Object(object) => {
                    object.hint.clone().unwrap_or_else(|| format!("Option{}", index + 1))
                }
                _ => format!("Option{}", index + 1),
            };
            variants.push(self.expression(variant, &format!("{hint}{name}")));
        }
        let mut expression = format!("Union[{}]", variants.join(", "));
        if union.exactly_one {
            self.limit(hint, "`oneOf`: that a value fits only one of the alternatives is not checked");
        }
        let tag = |variant: &Shape, property: &str| {
            match variant {
            Shape::Object(object) => object.properties.iter().any(|own| {
                own.name == property && matches!(&own.shape, Shape::Literal(values) if values.iter().all(|value| value.as_str().is_some()))
            }),
            _ => false,
        }
        };
        if let Some(property) = &union.discriminator
            && union.variants.iter().all(|variant| tag(variant, property))
        {
            let field = field_name(property, &mut Names::with(TAKEN));
            expression = format!("Annotated[{expression}, Field(discriminator={})]", quoted(&field));
        }
        expression
    }

    fn operation(&mut self, operation: &Operation) {
        let name = pascal(&operation.name);
        for place in Place::ALL {
            let here: Vec<&Parameter> =
                operation.parameters.iter().filter(|parameter| parameter.place == place).collect();
            let closed = matches!(place, Place::Path | Place::Query);
            if here.is_empty() && !(closed && self.requests) {
                continue;
            }
            let class = self.names.take(&format!("{name}{}", pascal(place.name())));
            let extra = if closed { "forbid" } else { "ignore" };
            let mut text = format!(
                "class {class}(BaseModel):\n    \"\"\"{} {}\"\"\"\n\n    model_config = ConfigDict(extra=\"{extra}\")\n",
                operation.method.to_ascii_uppercase(),
                documented(&operation.path)
            );
            let mut fields = Names::with(TAKEN);
            for parameter in here {
                let expression = self.parameter(parameter, &class);
                let field =
                    self.field_of(&parameter.name, &expression, parameter.required, false, &mut fields);
                text.push_str(&field);
            }
            text.push_str("\n\n");
            self.classes.push_str(&text);
            self.models.push(class);
        }
        if let Some(body) = &operation.body {
            let name = self.names.take(&format!("{name}Body"));
            let shape = self.expression(&body.shape, &format!("{name}Value"));
            let shape = if body.required { shape } else { format!("Union[{shape}, None]") };
            self.alias(&name, &shape);
        }
        for (status, shape) in &operation.answers {
            let name = self.names.take(&format!("{name}Answer{}", pascal(status).replace("Type_", "")));
            let shape = self.expression(shape, &format!("{name}Value"));
            self.alias(&name, &shape);
        }
    }

    fn parameter(&mut self, parameter: &Parameter, class: &str) -> String {
        let hint = format!("{class}{}", pascal(&parameter.name));
        match &parameter.value {
            operations::Text::One(shape) => self.of_text(shape, &hint),
            operations::Text::Many { item, separator, min, max } => {
                self.use_part("list");
                let mut rules = vec![format!("list[{}]", self.of_text(item, &hint))];
                rules.extend(min.filter(|min| *min > 0).map(|min| format!("Field(min_length={min})")));
                rules.extend(max.map(|max| format!("Field(max_length={max})")));
                let separator =
                    separator.map_or_else(|| "None".to_owned(), |separator| quoted(&separator.to_string()));
                rules.push(format!("BeforeValidator(_list({separator}))"));
                annotated(rules)
            }
        }
    }

    fn of_text(&mut self, shape: &Shape, hint: &str) -> String {
        let reading = match shape {
            Shape::Number(_) => "number",
            Shape::Boolean => "boolean",
            Shape::Literal(values) => match values.first() {
                Some(Value::Number(_)) => "number",
                Some(Value::Bool(_)) => "boolean",
                _ => return self.expression(shape, hint),
            },
            Shape::Union(union) => {
                let variants: Vec<String> =
                    union.variants.iter().map(|variant| self.of_text(variant, hint)).collect();
                return format!("Union[{}]", variants.join(", "));
            }
            Shape::Any => return "Annotated[str, Strict()]".to_owned(),
            other => return self.expression(other, hint),
        };
        self.use_part(reading);
        let function = if reading == "number" { "_number" } else { "_truth" };
        format!("Annotated[{}, BeforeValidator({function})]", self.expression(shape, hint))
    }
}

/// The wire's name where Python and Pydantic have nothing against it.
fn field_name(name: &str, fields: &mut Names) -> String {
    let plain = name.chars().all(|character| character.is_ascii_alphanumeric() || character == '_');
    let first = name.chars().next().is_some_and(|first| first.is_ascii_lowercase());
    let wanted = if plain && first && !name.starts_with("model_") && !TAKEN.contains(&name) {
        name.to_owned()
    } else {
        let name = snake(name);
        if name.starts_with("model_") || TAKEN.contains(&name.as_str()) { format!("{name}_") } else { name }
    };
    fields.take(&wanted)
}

/// Those of the declarations that `null` fits; each may name others.
fn nullable_names(declarations: &[Declaration]) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    loop {
        let found: BTreeSet<String> = declarations
            .iter()
            .filter(|declaration| nullable(&declaration.shape, &names))
            .map(|declaration| declaration.name.clone())
            .collect();
        if found == names {
            return names;
        }
        names = found;
    }
}

fn nullable(shape: &Shape, names: &BTreeSet<String>) -> bool {
    match shape {
        Shape::Null | Shape::Any => true,
        Shape::Literal(values) => values.contains(&Value::Null),
        Shape::Union(union) => union.variants.iter().any(|variant| nullable(variant, names)),
        Shape::Reference(name) => names.contains(name),
        _ => false,
    }
}

fn annotated(rules: Vec<String>) -> String {
    match rules.as_slice() {
        [one] => one.clone(),
        _ => format!("Annotated[{}]", rules.join(", ")),
    }
}

fn literal(value: &Value) -> String {
    match value {
        Value::String(text) => quoted(text),
        Value::Number(number) => number.as_str().to_owned(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::Null | Value::Array(_) | Value::Object(_) => "None".to_owned(),
    }
}

/// A path in a docstring.
fn documented(path: &str) -> String {
    path.chars()
        .filter(|character| ('!'..='~').contains(character) && !matches!(character, '"' | '\\'))
        .collect()
}

const fn function(format: Format) -> &'static str {
    match format {
        Format::Base64 => "_base64",
        Format::Date => "_date",
        Format::DateTime => "_date_time",
        Format::Email => "_email",
        Format::Hostname => "_hostname",
        Format::Ipv4 => "_ipv4",
        Format::Ipv6 => "_ipv6",
        Format::Time => "_time",
        Format::Uri => "_uri",
        Format::UriReference => "_uri_reference",
        Format::Uuid => "_uuid",
    }
}
