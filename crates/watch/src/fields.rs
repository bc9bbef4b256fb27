//! Which fields an event has for the rules (`docs/guides/detections.md` tells of each what is in it).

use std::borrow::Cow;

use gabion_model::{Actor, Event, EventKind, Network};

use crate::anomaly;

/// What rules look at: texts by name.
pub trait Fields {
    /// None where the event has no such field.
    fn text(&self, field: &str) -> Option<Cow<'_, str>>;

    /// Whether any field's text is one that `look` wants.
    fn any(&self, look: &mut dyn FnMut(&str) -> bool) -> bool;
}

/// The fields of Gabion's events; `metadata.` and a key is one too. Alphabetical.
pub const NAMES: &[&str] = &[
    "action",
    "actor",
    "actor.id",
    "actor.session",
    "actor.type",
    "address",
    "c-ip",
    "check",
    "class",
    "control",
    "count",
    "cs-method",
    "cs-uri-stem",
    "cs-user-agent",
    "minute",
    "network",
    "outcome",
    "reason",
    "request_id",
    "resource",
    "sc-status",
    "severity",
    "time",
    "user_agent",
];

const METADATA: &str = "metadata.";

pub(crate) fn is_known(field: &str) -> bool {
    NAMES.contains(&field)
        || anomaly::FIELDS.contains(&field)
        || field.strip_prefix(METADATA).is_some_and(|key| !key.is_empty())
}

/// The classes rules may ask for. Alerts are none of them: a rule never rings because a rule rang.
pub(crate) const CLASSES: [EventKind; 10] = [
    EventKind::Administration,
    EventKind::Application,
    EventKind::Configuration,
    EventKind::Decision,
    EventKind::Error,
    EventKind::Login,
    EventKind::Logout,
    EventKind::Refusal,
    EventKind::Session,
    EventKind::Traffic,
];

impl Fields for Event {
    fn text(&self, field: &str) -> Option<Cow<'_, str>> {
        let own = |text: &'static str| Some(Cow::Borrowed(text));
        let metadata = |key: &str| self.metadata.get(key).map(|text| Cow::Borrowed(text.as_str()));
        match field {
            "action" => Some(Cow::Borrowed(&self.action)),
            "actor" => match &self.actor {
                Actor::Account { name, .. } => Some(Cow::Borrowed(name)),
                Actor::Anonymous => own("anonymous"),
                Actor::Gate => own("gate"),
                Actor::Operator => own("operator"),
            },
            "actor.id" => match &self.actor {
                Actor::Account { id, .. } => Some(Cow::Borrowed(id.as_str())),
                _ => None,
            },
            "actor.session" => match &self.actor {
                Actor::Account { session, .. } => session.as_ref().map(|id| Cow::Borrowed(id.as_str())),
                _ => None,
            },
            "actor.type" => own(match &self.actor {
                Actor::Account { .. } => "account",
                Actor::Anonymous => "anonymous",
                Actor::Gate => "gate",
                Actor::Operator => "operator",
            }),
            "address" | "c-ip" => self.address.map(|address| Cow::Owned(address.to_string())),
            "check" => metadata("check"),
            "class" => own(self.kind.as_str()),
            "control" => own(self.control.as_str()),
            "count" => Some(Cow::Owned(self.count.to_string())),
            "cs-method" => metadata("method"),
            // The minute it happened in, to count in how many something goes on.
            "minute" => {
                let time = self.time.to_string();
                time.get(..16).map(|minute| Cow::Owned(minute.to_owned()))
            }
            "network" => self.address.map(|address| Cow::Owned(Network::of(address).to_string())),
            "outcome" => own(self.outcome.as_str()),
            "reason" => self.reason.as_deref().map(Cow::Borrowed),
            "request_id" => self.request_id.map(|id| Cow::Owned(id.to_string())),
            "cs-uri-stem" | "resource" => {
                (!self.resource.is_empty()).then_some(Cow::Borrowed(self.resource.as_str()))
            }
            "sc-status" => metadata("status"),
            "severity" => self.severity.map(|severity| Cow::Borrowed(severity.as_str())),
            "time" => Some(Cow::Owned(self.time.to_string())),
            "cs-user-agent" | "user_agent" => self.user_agent.as_deref().map(Cow::Borrowed),
            other => metadata(other.strip_prefix(METADATA)?),
        }
    }

    fn any(&self, look: &mut dyn FnMut(&str) -> bool) -> bool {
        look(&self.action)
            || look(&self.resource)
            || self.reason.as_deref().is_some_and(&mut *look)
            || self.user_agent.as_deref().is_some_and(&mut *look)
            || matches!(&self.actor, Actor::Account { name, .. } if look(name))
            || self.metadata.values().any(|value| look(value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gabion_model::{ControlId, Outcome, Timestamp};

    #[test]
    fn every_name_is_one_that_an_event_answers_to() {
        let mut event = Event::new(
            Timestamp::from_secs(1),
            EventKind::Refusal,
            "request.refused",
            Actor::Account { id: gabion_model::AccountId::new("a1"), name: "ann".to_owned(), session: None },
            Outcome::Failure,
            ControlId::WEB_CSRF,
        );
        event.resource = "/x".to_owned();
        event.address = Some("2001:db8:1:2::3".parse().unwrap());
        for (key, value) in [("check", "csrf"), ("method", "POST"), ("status", "403")] {
            event.metadata.insert(key.to_owned(), value.to_owned());
        }
        event.user_agent = Some("curl".to_owned());
        event.reason = Some("why".to_owned());
        let empty: Vec<_> = NAMES.iter().filter(|name| event.text(name).is_none()).collect();
        assert_eq!(empty, [&"actor.session", &"request_id", &"severity"]);
        assert_eq!(event.text("network").as_deref(), Some("2001:db8:1::/48"));
        assert_eq!(event.text("minute").as_deref(), Some("1970-01-01T00:00"));
        assert_eq!(event.text("metadata.method").as_deref(), Some("POST"));
        assert!(event.text("nothing").is_none());
        assert!(event.any(&mut |text| text == "POST"));
    }
}
