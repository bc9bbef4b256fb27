//! What is told about accounts: how they are made, and how their passwords are changed, reset and mailed about.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use gabion_model::Period;
use serde::Deserialize;
use serde_json::Value;

use super::operation_of;
use crate::call::{Call, Payload};

/// A request with places to fill in: `{user}`, `{email}`, `{id}`, `{password}`, `{new}`, `{token}`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Template {
    /// `POST /register`; places may stand in the path too.
    pub operation: String,
    #[serde(default)]
    pub form: BTreeMap<String, String>,
    #[serde(default)]
    pub json: Option<Value>,
    /// Who sends it, where it is not the account itself or nobody.
    #[serde(default)]
    pub identity: Option<String>,
}

/// The requests of an account's life, where they are not found by their names.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Accounts {
    /// Makes an account that tests may break: `{user}`, `{email}`, `{password}`.
    pub create: Option<Template>,
    /// Sets another password: `{password}` (the one of before), `{new}`, `{user}`, `{id}`.
    pub change: Option<Template>,
    /// Asks for a letter that resets a password: `{user}`, `{email}`.
    pub forgot: Option<Template>,
    /// Sets a password by what the letter had in it: `{token}`, `{new}`, `{user}`, `{email}`.
    pub reset: Option<Template>,
    /// Asks for a letter with a code that signs in: `{user}`, `{email}`.
    pub code: Option<Template>,
    /// Signs in by that code: `{token}`, `{user}`, `{email}`.
    pub enter: Option<Template>,
    /// Where the probe takes the application's mail: an address of this machine, `127.0.0.1:2525`.
    pub mail: Option<SocketAddr>,
    /// How long a token that carries a session is meant to be good: `15m`.
    pub token: Option<Period>,
    /// After how long a session ends that nobody uses: `15m`. A run waits for what is left of it when all else is done, where its own
    /// time allows.
    pub idle: Option<Period>,
    /// Sessions that one account may have at one time.
    pub sessions: Option<u32>,
}

/// What a number of a request may be.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bound {
    /// `POST /orders`.
    pub operation: String,
    /// The name of the field, or its JSON pointer: `/lines/0/quantity`.
    pub field: String,
    #[serde(default)]
    pub min: Option<f64>,
    #[serde(default)]
    pub max: Option<f64>,
    /// It is a whole number of these.
    #[serde(default)]
    pub step: Option<f64>,
}

/// How large a file may be.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Upload {
    /// `POST /files`.
    pub operation: String,
    /// In bytes: whatever is larger is to be refused.
    pub max: u64,
}

/// What goes in steps: an order that is made, paid and confirmed.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Flow {
    /// What reports call it.
    pub name: String,
    /// Who goes through it.
    pub identity: String,
    /// In their order; `{id}` stands for the member of that name in an answer before.
    pub steps: Vec<Template>,
    /// Where it shows that the end was reached; places may stand in its request.
    #[serde(default)]
    pub effect: Option<super::Effect>,
}

impl Accounts {
    pub(crate) fn templates(&self) -> impl Iterator<Item = (&'static str, &Template)> {
        [
            ("accounts.create", &self.create),
            ("accounts.change", &self.change),
            ("accounts.forgot", &self.forgot),
            ("accounts.reset", &self.reset),
            ("accounts.code", &self.code),
            ("accounts.enter", &self.enter),
        ]
        .into_iter()
        .filter_map(|(at, template)| Some((at, template.as_ref()?)))
    }
}

impl Template {
    /// The request with its places filled in.
    #[must_use]
    pub fn call(&self, fill: &dyn Fn(&str) -> String) -> Call {
        let (method, path) = operation_of(&self.operation).unwrap_or(("POST", "/"));
        let mut call = Call::new(method, path);
        for name in crate::operation::names_of(path) {
            call.path.insert(name.to_owned(), Value::String(fill(&format!("{{{name}}}"))));
        }
        if let Some(body) = &self.json {
            call.payload = Payload::Json(filled(body, fill));
        } else if !self.form.is_empty() {
            let fields = self.form.iter().map(|(name, value)| (name.clone(), Value::String(fill(value))));
            call.payload = Payload::Form(fields.collect());
        }
        call
    }
}

fn filled(value: &Value, fill: &dyn Fn(&str) -> String) -> Value {
    match value {
        Value::String(text) => Value::String(fill(text)),
        Value::Array(items) => items.iter().map(|item| filled(item, fill)).collect(),
        Value::Object(members) => {
            members.iter().map(|(name, value)| (name.clone(), filled(value, fill))).collect()
        }
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn places_are_filled_in() {
        let template: Template = toml::from_str(
            "operation = \"PUT /users/{user}/password\"\njson = { old = \"{password}\", all = [\"{new}\", 1] }",
        )
        .unwrap();
        let call = template
            .call(&|text| text.replace("{user}", "ann").replace("{password}", "one").replace("{new}", "two"));
        assert_eq!(call.path_text(), "/users/ann/password");
        assert_eq!(call.payload, Payload::Json(json!({ "old": "one", "all": ["two", 1] })));
    }
}
