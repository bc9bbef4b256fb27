//! The operations of a contract: their parameters and bodies as shapes.

use crate::contract::At;
use crate::names::{Names, camel};
use crate::read::{Direction, Reader};
use crate::shape::Shape;

#[derive(Debug, Clone)]
pub(crate) struct Operation {
    pub(crate) name: String,
    pub(crate) method: &'static str,
    pub(crate) path: String,
    pub(crate) parameters: Vec<Parameter>,
    /// Of requests.
    pub(crate) body: Option<Body>,
    /// Of responses: status (`200`, `4XX`, `default`) and what its JSON body is.
    pub(crate) answers: Vec<(String, Shape)>,
}

#[derive(Debug, Clone)]
pub(crate) struct Parameter {
    pub(crate) place: Place,
    pub(crate) name: String,
    pub(crate) required: bool,
    pub(crate) value: Text,
}

/// How a parameter's value, which is text, is read.
#[derive(Debug, Clone)]
pub(crate) enum Text {
    /// As one scalar.
    One(Shape),
    /// As many scalars in one text, between separators; `None`: each in a parameter of its own.
    Many { item: Shape, separator: Option<char>, min: Option<u64>, max: Option<u64> },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Place {
    Path,
    Query,
    Header,
    Cookie,
}

#[derive(Debug, Clone)]
pub(crate) struct Body {
    pub(crate) required: bool,
    pub(crate) shape: Shape,
}

impl Place {
    pub(crate) const ALL: [Self; 4] = [Self::Path, Self::Query, Self::Header, Self::Cookie];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Path => "path",
            Self::Query => "query",
            Self::Header => "header",
            Self::Cookie => "cookie",
        }
    }
}

/// All of them, in the order of the contract.
pub(crate) fn read(reader: &mut Reader<'_>) -> Vec<Operation> {
    let mut names = Names::default();
    let mut operations = Vec::new();
    let Some(root) = reader.contract.root() else { return operations };
    for (path, item) in root.members("paths") {
        let item = match reader.contract.resolve(item.clone()) {
            Ok(item) => item,
            Err(reason) => {
                reader.limit(&item, reason);
                continue;
            }
        };
        for method in METHODS {
            let Some(at) = item.get(method) else { continue };
            let wanted = at.str("operationId").map_or_else(|| camel(&format!("{method} {path}")), camel);
            let mut operation = Operation {
                name: names.take(&wanted),
                method,
                path: path.to_owned(),
                parameters: Vec::new(),
                body: None,
                answers: Vec::new(),
            };
            match reader.direction {
                Direction::Request => {
                    operation.parameters = parameters(reader, &item, &at);
                    operation.body = at.get("requestBody").and_then(|at| body(reader, at));
                }
                Direction::Response => {
                    for (status, answer) in at.members("responses") {
                        if let Some(body) = body(reader, answer) {
                            operation.answers.push((status.to_owned(), body.shape));
                        }
                    }
                }
            }
            operations.push(operation);
        }
    }
    operations
}

fn parameters<'a>(reader: &mut Reader<'a>, item: &At<'a>, operation: &At<'a>) -> Vec<Parameter> {
    let mut parameters: Vec<Parameter> = Vec::new();
    for at in item.items("parameters").into_iter().chain(operation.items("parameters")) {
        let at = match reader.contract.resolve(at.clone()) {
            Ok(at) => at,
            Err(reason) => {
                reader.limit(&at, reason);
                continue;
            }
        };
        let place = match at.str("in") {
            Some("path") => Place::Path,
            Some("query") => Place::Query,
            Some("header") => Place::Header,
            Some("cookie") => Place::Cookie,
            _ => {
                reader.limit(&at, "`in` is none of path, query, header, cookie; the parameter is left out");
                continue;
            }
        };
        let name = at.str("name").unwrap_or_default();
        let name = if place == Place::Header { name.to_ascii_lowercase() } else { name.to_owned() };
        // OpenAPI 3.1.0 §4.8.12.2.1: such header parameters are ignored.
        if place == Place::Header && ["accept", "content-type", "authorization"].contains(&name.as_str()) {
            continue;
        }
        let required = at.flag("required") || place == Place::Path;
        let value = value(reader, &at, place);
        parameters.retain(|other| (other.place, &other.name) != (place, &name));
        parameters.push(Parameter { place, name, required, value });
    }
    parameters
}

fn value<'a>(reader: &mut Reader<'a>, at: &At<'a>, place: Place) -> Text {
    let Some(schema) = at.get("schema") else {
        reader.limit(at, "its value is a document of its own (`content`); only its presence is checked");
        return Text::One(Shape::Any);
    };
    let shape = reader.shape(&schema);
    let shape = reader.opened(shape, &schema);
    let usual = if matches!(place, Place::Query | Place::Cookie) { "form" } else { "simple" };
    let style = at.str("style").unwrap_or(usual);
    let explode =
        at.value.get("explode").and_then(gabion_openapi::json::Value::as_bool).unwrap_or(style == "form");
    match shape {
        Shape::Array(array) => {
            let separator = match (style, explode) {
                ("form", true) if place == Place::Query => None,
                ("form" | "simple", _) => Some(','),
                ("spaceDelimited", false) => Some(' '),
                ("pipeDelimited", false) => Some('|'),
                _ => {
                    reader.limit(
                        at,
                        format!(
                            "arrays in the style `{}` are not read",
                            style.chars().take(20).collect::<String>()
                        ),
                    );
                    return Text::One(Shape::Any);
                }
            };
            if array.unique {
                reader.limit(at, "`uniqueItems` of a parameter is not checked");
            }
            let item = reader.opened(array.items, &schema);
            let item = scalar(reader, item, at);
            Text::Many { item, separator, min: array.min, max: array.max }
        }
        other => Text::One(scalar(reader, other, at)),
    }
}

/// A shape that one text can have.
fn scalar<'a>(reader: &mut Reader<'a>, shape: Shape, at: &At<'a>) -> Shape {
    match shape {
        Shape::Union(union) => {
            let variants: Vec<Shape> =
                union.variants.into_iter().filter(|shape| *shape != Shape::Null).collect();
            if let [one] = variants.as_slice() {
                return scalar(reader, one.clone(), at);
            }
            let kinds = variants.into_iter().map(|shape| {
                let shape = reader.opened(shape, at);
                scalar(reader, shape, at)
            });
            Shape::one_of(kinds.collect())
        }
        Shape::Array(_) | Shape::Object(_) | Shape::Reference(_) => {
            reader.limit(at, "arrays and objects as the text of a parameter are not read");
            Shape::Any
        }
        other => other,
    }
}

/// The JSON body of a request or an answer.
fn body<'a>(reader: &mut Reader<'a>, at: At<'a>) -> Option<Body> {
    let at = match reader.contract.resolve(at.clone()) {
        Ok(at) => at,
        Err(reason) => {
            reader.limit(&at, reason);
            return None;
        }
    };
    let required = at.flag("required");
    let mut shapes = Vec::new();
    for (name, media) in at.members("content") {
        let essence = name.split(';').next().unwrap_or(name).trim().to_ascii_lowercase();
        if essence == "application/json"
            || essence.ends_with("+json")
            || essence == "*/*"
            || essence == "application/*"
        {
            shapes.push(media.get("schema").map_or(Shape::Any, |schema| reader.shape(&schema)));
        } else {
            reader.limit(&media, "only JSON bodies are validated here");
        }
    }
    (!shapes.is_empty()).then(|| Body { required, shape: Shape::one_of(shapes) })
}

const METHODS: &[&str] = &["get", "put", "post", "delete", "options", "head", "patch", "trace"];
