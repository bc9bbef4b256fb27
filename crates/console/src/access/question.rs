//! AuthZEN's parts of a question (5), and reading them. Pure: what cannot be used is said.
//!
//! What a question says of its subject is passed over: roles, groups and tenant are those of the account. What it says of the
//! action stands in `context.action`.

use gabion_service::{AskedDecision, AskedResource};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::{circumstances, values};

/// Four parts. Each may come from the defaults of several questions.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(crate) struct Question {
    pub(crate) subject: Option<Entity>,
    pub(crate) action: Option<Action>,
    pub(crate) resource: Option<Entity>,
    pub(crate) context: Option<Map<String, Value>>,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(crate) struct Entity {
    #[serde(rename = "type")]
    kind: Option<String>,
    id: Option<String>,
    properties: Map<String, Value>,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(crate) struct Action {
    name: Option<String>,
    properties: Map<String, Value>,
}

/// Which part a search leaves open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Open {
    Action,
    Nothing,
    Resource,
    Subject,
}

impl Question {
    pub(crate) fn read(members: Value) -> Result<Self, String> {
        // What is wrong with which value is not repeated.
        serde_json::from_value(members).map_err(|_| "a part of the question has the wrong type".to_owned())
    }

    /// With what is not said taken from `defaults` (7.1.1): whole parts, and the type and id of what is said.
    pub(crate) fn or(self, defaults: &Self) -> Self {
        Self {
            subject: Entity::or(self.subject, defaults.subject.as_ref()),
            action: match (self.action, &defaults.action) {
                (Some(own), Some(default)) => {
                    Some(Action { name: own.name.or_else(|| default.name.clone()), ..own })
                }
                (own, default) => own.or_else(|| default.clone()),
            },
            resource: Entity::or(self.resource, defaults.resource.as_ref()),
            context: self.context.or_else(|| defaults.context.clone()),
        }
    }

    /// As the service is asked; of what is open only the type counts.
    pub(crate) fn asked(self, open: Open) -> Result<AskedDecision, String> {
        let missing = |part: &str| format!("`{part}` is missing");
        let subject = self.subject.ok_or_else(|| missing("subject"))?;
        let resource = self.resource.ok_or_else(|| missing("resource"))?;
        let mut context = self.context.unwrap_or_default();
        let action = match (open, self.action) {
            (Open::Action, _) => String::new(),
            (_, None) => return Err(missing("action")),
            (_, Some(action)) => {
                if !action.properties.is_empty()
                    && context.insert("action".to_owned(), action.properties.into()).is_some()
                {
                    return Err("`action.properties` and `context.action` would be one".to_owned());
                }
                action.name.ok_or_else(|| missing("action.name"))?
            }
        };
        let masks = match context.remove("obligations") {
            None => false,
            Some(Value::Array(words)) => words.iter().any(|word| word == "mask"),
            Some(_) => return Err("`context.obligations` is no list".to_owned()),
        };
        let id = |id: Option<String>, is_open: bool, part: &str| match id {
            _ if is_open => Ok(String::new()),
            Some(id) => Ok(id),
            None => Err(missing(part)),
        };
        Ok(AskedDecision {
            subject_kind: subject.kind.ok_or_else(|| missing("subject.type"))?,
            subject: id(subject.id, open == Open::Subject, "subject.id")?,
            action,
            resource: AskedResource {
                kind: resource.kind.ok_or_else(|| missing("resource.type"))?,
                id: id(resource.id, open == Open::Resource, "resource.id")?,
                attributes: values(resource.properties),
                parents: Vec::new(),
            },
            context: circumstances(context)?,
            masks,
        })
    }
}

impl Entity {
    fn or(own: Option<Self>, default: Option<&Self>) -> Option<Self> {
        match (own, default) {
            (Some(own), Some(default)) => Some(Self {
                kind: own.kind.or_else(|| default.kind.clone()),
                id: own.id.or_else(|| default.id.clone()),
                ..own
            }),
            (own, default) => own.or_else(|| default.cloned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn read(members: Value) -> Question {
        Question::read(members).unwrap()
    }

    #[test]
    fn a_part_stands_whole_or_takes_its_type_and_id_from_the_defaults() {
        let defaults = read(json!({
            "subject": { "type": "user", "id": "alice", "properties": { "a": 1 } },
            "resource": { "type": "record" },
            "context": { "ip": "192.0.2.1" },
        }));
        let one = read(
            json!({ "action": { "name": "read" }, "resource": { "id": "1", "properties": { "b": 2 } } }),
        );
        let asked = one.or(&defaults).asked(Open::Nothing).unwrap();
        assert_eq!((&*asked.subject, &*asked.resource.kind, &*asked.resource.id), ("alice", "record", "1"));
        assert_eq!(asked.resource.attributes.len(), 1);
        assert_eq!(asked.context.ip, Some([192, 0, 2, 1].into()));
        let own = read(json!({ "subject": { "type": "user", "id": "bob" }, "context": {} })).or(&defaults);
        assert!(own.subject.unwrap().properties.is_empty(), "properties are of one part");
        assert!(own.context.unwrap().is_empty());
    }

    #[test]
    fn what_is_missing_is_named_and_nothing_is_repeated() {
        let whole = json!({ "subject": { "type": "user", "id": "a" }, "action": { "name": "read" },
            "resource": { "type": "record", "id": "1" } });
        for (pointer, open, said) in [
            ("/subject", Open::Nothing, Some("`subject` is missing")),
            ("/subject/id", Open::Nothing, Some("`subject.id` is missing")),
            ("/subject/id", Open::Subject, None),
            ("/subject/type", Open::Subject, Some("`subject.type` is missing")),
            ("/action", Open::Resource, Some("`action` is missing")),
            ("/action", Open::Action, None),
            ("/action/name", Open::Nothing, Some("`action.name` is missing")),
            ("/resource/id", Open::Subject, Some("`resource.id` is missing")),
            ("/resource/id", Open::Resource, None),
        ] {
            let mut question = whole.clone();
            *question.pointer_mut(pointer).unwrap() = Value::Null;
            let asked = read(question).asked(open);
            assert_eq!(asked.err().as_deref(), said, "{pointer} {open:?}");
        }
        let error = Question::read(json!({ "subject": "planted" })).unwrap_err();
        assert!(!error.contains("planted"), "{error}");
        let twice = json!({ "action": { "name": "x", "properties": { "soft": true } }, "context": { "action": {} },
            "subject": { "type": "user", "id": "a" }, "resource": { "type": "record", "id": "1" } });
        assert!(read(twice).asked(Open::Nothing).unwrap_err().contains("context.action"));
    }

    #[test]
    fn what_is_said_of_the_action_is_a_circumstance() {
        let question = read(
            json!({ "subject": { "type": "user", "id": "a", "properties": { "role": "admin" } },
            "action": { "name": "delete", "properties": { "soft": true } }, "resource": { "type": "record", "id": "1" } }),
        );
        let asked = question.asked(Open::Nothing).unwrap();
        assert_eq!(asked.context.attributes["action"].to_json(), json!({ "soft": true }));
        assert_eq!(asked.context.attributes.len(), 1, "what is said of the subject is nothing");
    }

    proptest! {
        #[test]
        fn whatever_comes_is_a_question_or_an_error(text in r#"[{}\[\]":,a-z0-9 ]{0,80}"#) {
            if let Some(members) = gabion_vault::json::object(text.as_bytes()) {
                let _ = Question::read(members.into()).map(|question| question.asked(Open::Nothing));
            }
        }
    }
}
