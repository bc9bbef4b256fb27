//! What the target answers: operations, and where in a request of each a value can stand.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A method and a path, with what is known of its requests and answers.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Operation {
    pub method: String,
    /// With parameters as `{name}`.
    pub path: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub parameters: Vec<Parameter>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<Body>,
    /// What a success is declared to hold: names of properties at any depth. Nothing where that is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answers: Option<BTreeSet<String>>,
    /// Whether somebody has to be signed in, where it is declared.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub protected: Option<bool>,
    /// Whether it is declared to go away.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub deprecated: bool,
    /// Whether it opens a WebSocket.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub websocket: bool,
    /// The page its form stands on: the tokens of a form are fetched from there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub page: Option<String>,
    /// Who told of it.
    pub sources: BTreeSet<Provenance>,
}

/// Who told of an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Provenance {
    /// A page had a link or a form.
    Page,
    /// A browser sent it.
    Browser,
    /// The source code, by `gabion scan --endpoints`.
    Code,
    /// The facts name it.
    Facts,
    /// Recorded traffic.
    Har,
    /// The text of a script.
    Script,
    /// An OpenAPI document.
    Specification,
    /// A well-known place.
    WellKnown,
}

impl Provenance {
    /// For people.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Page => "page",
            Self::Browser => "browser",
            Self::Code => "code",
            Self::Facts => "facts",
            Self::Har => "recorded traffic",
            Self::Script => "script",
            Self::Specification => "specification",
            Self::WellKnown => "well-known place",
        }
    }
}

/// A named value of a request.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Parameter {
    pub name: String,
    pub place: Place,
    pub required: bool,
    /// Its JSON Schema, as far as it is known.
    #[serde(skip_serializing_if = "Value::is_null")]
    pub schema: Value,
    /// Values that were seen or are declared as examples, the best first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub examples: Vec<String>,
}

/// What a request carries.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Body {
    /// `application/json`.
    pub media_type: String,
    #[serde(skip_serializing_if = "Value::is_null")]
    pub schema: Value,
    /// A whole body that was seen or is declared.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub example: Option<Value>,
    /// Fields whose value belongs to one page view: tokens against request forgery.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub tokens: BTreeSet<String>,
}

/// Where in a request a value stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    Path,
    Query,
    Header,
    Cookie,
    /// A field of a form.
    Form,
    /// A leaf of a JSON body; the name is its JSON pointer.
    Json,
    /// A file of a multipart form.
    File,
    /// The body as a whole.
    Body,
}

impl Place {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Path => "path",
            Self::Query => "query",
            Self::Header => "header",
            Self::Cookie => "cookie",
            Self::Form => "form",
            Self::Json => "json",
            Self::File => "file",
            Self::Body => "body",
        }
    }
}

/// One value of one operation's requests.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Point {
    pub place: Place,
    /// The name of the parameter or field; a JSON pointer in a JSON body; empty for the body as a whole.
    pub name: String,
}

impl Point {
    #[must_use]
    pub fn new(place: Place, name: &str) -> Self {
        Self { place, name: name.to_owned() }
    }

    /// The last word of its name: `url` of `/target/url`.
    #[must_use]
    pub fn word(&self) -> &str {
        let last = self.name.rsplit(['/', '.', '[']).find(|part| !part.trim_end_matches(']').is_empty());
        last.unwrap_or(&self.name).trim_end_matches(']')
    }
}

impl fmt::Display for Point {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.place {
            Place::Body => formatter.write_str("the body"),
            place => write!(formatter, "{} `{}`", place.as_str(), self.name),
        }
    }
}

impl Operation {
    #[must_use]
    pub fn new(method: &str, path: &str, source: Provenance) -> Self {
        let parameters = names_of(path).map(|name| Parameter {
            name: name.to_owned(),
            place: Place::Path,
            required: true,
            schema: Value::Null,
            examples: Vec::new(),
        });
        Self {
            method: method.to_ascii_uppercase(),
            path: path.to_owned(),
            parameters: parameters.collect(),
            body: None,
            answers: None,
            protected: None,
            deprecated: false,
            websocket: false,
            page: None,
            sources: BTreeSet::from([source]),
        }
    }

    /// `GET /api/notes/{id}`.
    #[must_use]
    pub fn id(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    /// Whether it changes nothing, by its method, or by the word its document of GraphQL begins with.
    #[must_use]
    pub fn is_safe(&self) -> bool {
        matches!(self.method.as_str(), "GET" | "HEAD" | "OPTIONS") || self.is_query()
    }

    fn is_query(&self) -> bool {
        let example = self.body.as_ref().and_then(|body| body.example.as_ref());
        let document = example.and_then(|example| example.get("query")).and_then(Value::as_str);
        let writes = |text: &str| text.trim_start().starts_with("mutation");
        self.path.contains('#') && document.is_some_and(|text| !writes(text))
    }

    pub fn parameter(&self, place: Place, name: &str) -> Option<&Parameter> {
        self.parameters.iter().find(|parameter| parameter.place == place && parameter.name == name)
    }

    /// The values of the path's parameters where this path is one of the template's.
    #[must_use]
    pub fn matches(&self, path: &str) -> Option<BTreeMap<String, String>> {
        template_matches(&self.path, path)
    }

    /// Takes in what another source says of the same operation.
    pub fn merge(&mut self, other: Self) {
        self.sources.extend(other.sources);
        for parameter in other.parameters {
            let own = self
                .parameters
                .iter_mut()
                .find(|own| own.place == parameter.place && own.name == parameter.name);
            match own {
                None => self.parameters.push(parameter),
                Some(own) => {
                    for example in parameter.examples {
                        if !own.examples.contains(&example) && own.examples.len() < EXAMPLES {
                            own.examples.push(example);
                        }
                    }
                    if own.schema.is_null() {
                        own.schema = parameter.schema;
                    }
                    own.required |= parameter.required;
                }
            }
        }
        match (&mut self.body, other.body) {
            (own @ None, body) => *own = body,
            (Some(own), Some(body)) if own.media_type == body.media_type => {
                own.example = own.example.take().or(body.example);
                own.tokens.extend(body.tokens);
                if own.schema.is_null() {
                    own.schema = body.schema;
                }
            }
            _ => {}
        }
        self.answers = self.answers.take().or(other.answers);
        self.protected = self.protected.or(other.protected);
        self.page = self.page.take().or(other.page);
        self.websocket |= other.websocket;
        self.deprecated |= other.deprecated;
    }
}

/// Examples kept of one parameter.
const EXAMPLES: usize = 8;

/// The names in a template, in order.
pub fn names_of(template: &str) -> impl Iterator<Item = &str> {
    template.split('{').skip(1).filter_map(|part| Some(part.split_once('}')?.0))
}

/// What the parameters of a template are in a path; segments with more around a parameter fit too.
#[must_use]
pub fn template_matches(template: &str, path: &str) -> Option<BTreeMap<String, String>> {
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let mut values = BTreeMap::new();
    let (mut forms, mut segments) = (template.split('/'), path.split('/'));
    loop {
        let (form, segment) = match (forms.next(), segments.next()) {
            (None, None) => return Some(values),
            (Some(form), Some(segment)) => (form, segment),
            _ => return None,
        };
        match form.split_once('{') {
            None if form == segment => {}
            None => return None,
            Some((before, rest)) => {
                let (name, after) = rest.split_once('}')?;
                let value = segment.strip_prefix(before)?.strip_suffix(after)?;
                if value.is_empty() || after.contains('{') {
                    return None;
                }
                let value = percent_encoding::percent_decode_str(value).decode_utf8_lossy().into_owned();
                values.insert(name.to_owned(), value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_give_their_values() {
        let values = template_matches("/a/{id}/b/{name}.json", "/a/1/b/x%20y.json?z").unwrap();
        assert_eq!(values["id"], "1");
        assert_eq!(values["name"], "x y");
        for (template, path) in [("/a/{id}", "/a/"), ("/a/{id}", "/a/1/2"), ("/a", "/b"), ("/{a}{b}", "/x")] {
            assert_eq!(template_matches(template, path), None, "{template} {path}");
        }
    }

    #[test]
    fn sources_add_up() {
        let mut one = Operation::new("get", "/a/{id}", Provenance::Page);
        let mut two = Operation::new("GET", "/a/{id}", Provenance::Specification);
        two.protected = Some(true);
        if let Some(id) = two.parameters.first_mut() {
            id.examples.push("7".to_owned());
        }
        one.merge(two);
        assert_eq!(one.sources.len(), 2);
        assert_eq!(one.protected, Some(true));
        assert_eq!(one.parameters.len(), 1);
        assert_eq!(one.parameters[0].examples, ["7"]);
    }
}
