//! From an alert to what the settings ask for.

use gabion_model::{Event, EventKind, Period, Severity};

use crate::{Action, MalformedNetwork, Mode, Network, Settings};

/// What is to be done, before it is known whom the names mean.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wish {
    pub action: Action,
    pub subject: Subject,
    pub life: Period,
    pub dry_run: bool,
    /// Name of the rule, or its id.
    pub rule: String,
    pub reason: String,
}

/// Whom an alert, or a person, names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// By id or by name.
    Account(String),
    Key(String),
    Network(Network),
    Route(String),
}

impl Subject {
    /// Whom an action is about, as people write it: an address or a network, an account's name or id, a key's id, the path
    /// that a route declares.
    ///
    /// # Errors
    /// It is neither an address nor a network, where the action needs one; or wider than one client, where it is about one.
    pub fn of(action: Action, written: &str) -> Result<Self, MalformedNetwork> {
        Ok(match action {
            Action::BlockAddress => {
                let network: Network = written.parse()?;
                Self::Network(if network.is_client() { network } else { return Err(MalformedNetwork) })
            }
            Action::BlockNetwork | Action::SlowDown => Self::Network(written.parse()?),
            Action::DisableAccount | Action::RequireStepUp | Action::RevokeSessions => {
                Self::Account(written.to_owned())
            }
            Action::DisableKey => Self::Key(written.to_owned()),
            Action::StrictRoute => Self::Route(written.to_owned()),
        })
    }
}

/// What the settings ask for when an alert rings. An action whose subject the alert does not name is left out.
#[must_use]
pub fn plan(settings: &Settings, event: &Event) -> Vec<Wish> {
    if settings.mode == Mode::Off || event.kind != EventKind::Alert || event.action != ALERT {
        return Vec::new();
    }
    let id = event.metadata.get("rule").map(String::as_str);
    let name = Some(event.resource.as_str()).filter(|name| !name.is_empty());
    let severity = event.severity.unwrap_or(Severity::Low);
    let Some(rule) = settings.of([name, id], severity) else { return Vec::new() };
    // Many were counted together: the one who came last is not the one who did it.
    if event.metadata.contains_key("shared") {
        return Vec::new();
    }
    let mode = rule.mode.unwrap_or(settings.mode);
    let wish = |action: Action| {
        Some(Wish {
            action,
            subject: subject(action, event, rule.route.as_deref())?,
            life: settings.life_of(rule.life),
            dry_run: mode != Mode::On,
            rule: name.or(id).unwrap_or_default().to_owned(),
            reason: event.reason.clone().unwrap_or_default(),
        })
    };
    rule.actions.iter().filter_map(|action| wish(*action)).collect()
}

fn subject(action: Action, event: &Event, route: Option<&str>) -> Option<Subject> {
    let group = |field: &str| event.metadata.get(&format!("group.{field}")).map(String::as_str);
    match action {
        Action::BlockAddress | Action::SlowDown => {
            let grouped = group("address").or_else(|| group("c-ip")).and_then(|text| text.parse().ok());
            grouped.or_else(|| event.address.map(Network::client)).map(Subject::Network)
        }
        Action::BlockNetwork => group("network").and_then(|text| text.parse().ok()).map(Subject::Network),
        Action::DisableAccount | Action::RequireStepUp | Action::RevokeSessions => {
            let account = group("actor.id").or_else(|| group("actor")).or_else(|| group("resource"));
            account.map(|account| Subject::Account(account.to_owned()))
        }
        Action::DisableKey => group("metadata.api-key").map(|id| Subject::Key(id.to_owned())),
        Action::StrictRoute => route.map(|path| Subject::Route(path.to_owned())),
    }
}

/// The action of alerts in the ledger.
const ALERT: &str = "alert.raised";

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use gabion_model::{Actor, ControlId, Outcome, Timestamp};

    use super::*;
    use crate::RuleSettings;

    fn alert(name: &str, group: &[(&str, &str)]) -> Event {
        let (now, control) = (Timestamp::from_secs(0), ControlId::WATCH_DETECTIONS);
        let mut event = Event::new(now, EventKind::Alert, ALERT, Actor::Gate, Outcome::Success, control);
        name.clone_into(&mut event.resource);
        event.severity = Some(Severity::High);
        event.address = Some("192.0.2.7".parse().unwrap());
        event.metadata =
            group.iter().map(|(key, value)| (format!("group.{key}"), (*value).to_owned())).collect();
        event.metadata.insert("rule".to_owned(), "id-of-the-rule".to_owned());
        event
    }

    fn rule(actions: &[Action]) -> RuleSettings {
        RuleSettings { actions: actions.to_vec(), life: None, route: None, mode: None }
    }

    fn on(rules: &[(&str, RuleSettings)]) -> Settings {
        let rules = rules.iter().map(|(name, rule)| ((*name).to_owned(), rule.clone())).collect();
        Settings { mode: Mode::On, rules, ..Settings::default() }
    }

    #[test]
    fn a_rule_of_the_program_blocks_the_address_and_is_a_dry_run_until_it_is_turned_on() {
        let event = alert("credential-stuffing", &[("network", "192.0.2.0/24")]);
        let wishes = plan(&Settings::default(), &event);
        assert_eq!(wishes.len(), 1);
        assert!(wishes[0].dry_run);
        assert_eq!(wishes[0].subject, Subject::Network("192.0.2.7".parse().unwrap()));
        assert!(!plan(&on(&[]), &event)[0].dry_run);
        assert_eq!(plan(&Settings { mode: Mode::Off, ..on(&[]) }, &event), []);
    }

    #[test]
    fn what_a_team_says_replaces_what_comes_with_the_program() {
        let event = alert("credential-stuffing", &[("network", "192.0.2.0/24")]);
        let network = rule(&[Action::BlockNetwork]);
        for name in ["credential-stuffing", "id-of-the-rule"] {
            let wishes = plan(&on(&[(name, network.clone())]), &event);
            assert_eq!(wishes[0].subject, Subject::Network("192.0.2.0/24".parse().unwrap()));
        }
        assert_eq!(plan(&on(&[("credential-stuffing", rule(&[]))]), &event), []);
    }

    #[test]
    fn severities_speak_for_rules_nobody_named() {
        let mut settings = on(&[]);
        settings.severities = BTreeMap::from([("high".to_owned(), rule(&[Action::RevokeSessions]))]);
        let event = alert("of-our-own", &[("actor", "ann")]);
        assert_eq!(plan(&settings, &event)[0].subject, Subject::Account("ann".to_owned()));
    }

    #[test]
    fn an_action_without_a_subject_and_a_shared_count_do_nothing() {
        let all = [
            Action::BlockNetwork,
            Action::DisableAccount,
            Action::DisableKey,
            Action::RevokeSessions,
            Action::RequireStepUp,
            Action::StrictRoute,
        ];
        assert_eq!(plan(&on(&[("x", rule(&all))]), &alert("x", &[("network", "everywhere")])), []);
        let mut shared = alert("credential-stuffing", &[]);
        shared.metadata.insert("shared".to_owned(), "true".to_owned());
        assert_eq!(plan(&on(&[]), &shared), []);
        let mut other = alert("credential-stuffing", &[]);
        other.kind = EventKind::Application;
        assert_eq!(plan(&on(&[]), &other), [], "what an application says is no alert");
    }
}
