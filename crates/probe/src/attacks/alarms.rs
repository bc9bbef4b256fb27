//! Whether somebody is told of an attack, and whether more comes of it: alerts and incidents. Part of `monitoring`.
//!
//! What stands in the list of alerts, and was not there before, is a new one. Fifty ordinary requests go first: what rings then is
//! noise, and the control. Then two attacks, one after the other, so that what rings is known by when it rings, or by a word: wrong
//! passwords, for one name, for many names, and for an account that may be broken; and ten attacks on databases, pages and files
//! in addresses. Last, somebody reads what they may, forty times in a row, which need not ring.

use std::collections::BTreeSet;

use gabion_model::Severity;
use serde_json::Value;

use super::monitoring::{ID, Sink, attempt};
use super::usable;
use crate::call::{Call, Put};
use crate::control::Control;
use crate::facts::Watched;
use crate::field::Field;
use crate::operation::{Place, Point};
use crate::sacrifice::{self, door};
use crate::verdict::{Exchange, Outcome, Proof, Verdict};
use crate::wire::{Request, WireError};

/// Where Gabion's own gate tells alerts and incidents.
const GATE: [&str; 2] = ["/.gabion/api/v1/alerts?limit=200", "/.gabion/api/v1/incidents?limit=200"];
const HINT: &str = "hint: `monitoring.alerts`, `monitoring.incidents`";

/// Requests of each kind.
const ORDINARY: usize = 50;
const WRONG: usize = 12;
const READS: usize = 40;

/// Where alerts and incidents are.
pub(super) struct Desk<'a> {
    alerts: Sink<'a>,
    incidents: Option<Sink<'a>>,
    /// Whether the facts say that there are any.
    declared: bool,
}

impl<'a> Desk<'a> {
    /// As the facts say, or as the gate in front tells somebody; nothing where neither is.
    pub(super) async fn find(field: &'a Field) -> Result<Option<Self>, WireError> {
        let facts = field.facts.monitoring.as_ref();
        let within = facts.map_or_else(crate::facts::Monitoring::usual_time, |facts| facts.within);
        let sink = |place: &Watched| Sink::new(field, place.clone(), within.as_duration());
        if let Some(alerts) = facts.and_then(|facts| facts.alerts.as_ref()) {
            let incidents = facts.and_then(|facts| facts.incidents.as_ref()).map(sink);
            return Ok(Some(Self { alerts: sink(alerts), incidents, declared: true }));
        }
        let [alerts, incidents] = GATE;
        // Where nobody at all is told anything at that path, nobody else is.
        let strangers = usable(field.request(0, &Request::get(alerts)).await)?;
        if strangers.is_none_or(|answer| !matches!(answer.status, 401 | 403)) {
            return Ok(None);
        }
        for who in field.signed_in() {
            let place = |path: &str| {
                let identity = Some(field.person(who).name.clone());
                Watched { request: Some(format!("GET {path}")), identity, file: None }
            };
            let own = sink(&place(alerts));
            if own.read().await?.is_some_and(|text| text.trim_start().starts_with('{')) {
                let incidents = Some(sink(&place(incidents)));
                return Ok(Some(Self { alerts: own, incidents, declared: false }));
            }
        }
        Ok(None)
    }

    /// Attacks, and sees what comes of it.
    pub(super) async fn watch(&self, field: &Field) -> Result<(), WireError> {
        let name = self.alerts.name();
        let Some(first) = self.alerts.entries().await? else {
            let says = format!("alerts cannot be read where they are said to be; {HINT}");
            field.say(Outcome::new(ID, &name, Verdict::Inconclusive, says).aspect("alert"));
            return Ok(());
        };
        let opened = match &self.incidents {
            Some(incidents) => incidents.entries().await?,
            None => None,
        };
        let ordinary = ordinary(field).await?;
        let calm = self.alerts.new_after(&first, PAUSES).await?;
        if let (Some(door), Some(entry)) = (&ordinary, calm.iter().next()) {
            let says =
                format!("{ORDINARY} ordinary requests ring: whoever is told of everything looks at nothing");
            let proof = Proof::new(door.clone(), short(entry));
            let outcome = Outcome::new(ID, &name, Verdict::Tentative, says).aspect("alert-noise");
            field.say(outcome.severity(Severity::Low).proof(proof));
        } else if ordinary.is_some() {
            let says = format!("{ORDINARY} ordinary requests do not ring");
            field.say(Outcome::new(ID, &name, Verdict::Passed, says).aspect("alert-noise"));
        }
        let mut rang = BTreeSet::new();
        let before = self.alerts.entries().await?.unwrap_or_default();
        if let Some((words, shown)) = guesses(field).await? {
            rang.extend(self.judge(field, "alert-sign-in", "wrong passwords", &before, &words, shown).await?);
        }
        let before = self.alerts.entries().await?.unwrap_or_default();
        let (word, shown) = payloads(field).await?;
        rang.extend(
            self.judge(field, "alert-payload", "attacks in addresses", &before, &[word], shown).await?,
        );
        self.reads(field).await?;
        self.incident(field, opened, &rang).await
    }

    /// Whether something rings, and what.
    async fn judge(
        &self,
        field: &Field,
        aspect: &str,
        what: &str,
        before: &BTreeSet<String>,
        words: &[String],
        shown: Option<Exchange>,
    ) -> Result<BTreeSet<String>, WireError> {
        let new = self.alerts.new_after(before, usize::MAX).await?;
        let name = self.alerts.name();
        let outcome = match new.iter().next() {
            Some(_) => {
                let named = new.iter().any(|entry| words.iter().any(|word| entry.contains(word.as_str())));
                let says = if named { "an alert names them" } else { "an alert rings" };
                let control = Control::new("ordinary requests went before, and alerts could be read");
                Outcome::new(ID, &name, Verdict::Passed, format!("{what}: {says}")).control(control)
            }
            None => {
                let within = self.alerts.within();
                let says = format!("{what}: nobody is told within {within:?}");
                // What rings when is the gate's own to say, where nobody promised it.
                let verdict = if self.declared { Verdict::Firm } else { Verdict::Tentative };
                let outcome = Outcome::new(ID, &name, verdict, says.clone());
                match shown {
                    Some(shown) => outcome.proof(Proof::new(shown, says)),
                    None => outcome,
                }
            }
        };
        field.say(outcome.aspect(aspect));
        Ok(new)
    }

    /// Somebody reads what is theirs, as a program would.
    async fn reads(&self, field: &Field) -> Result<(), WireError> {
        let Some(door) = door(field) else { return Ok(()) };
        let before = self.alerts.entries().await?.unwrap_or_default();
        for _ in 0..READS {
            usable(field.call(door.who, &door.call).await)?;
        }
        let new = self.alerts.new_after(&before, PAUSES).await?;
        let (verdict, says) = if new.is_empty() {
            (Verdict::Inconclusive, "does not ring, and need not, where it is usual")
        } else {
            (Verdict::Passed, "rings")
        };
        let says = format!("{READS} reads of one page by one person in a row: it {says}");
        field.say(Outcome::new(ID, &self.alerts.name(), verdict, says).aspect("alert-reading"));
        Ok(())
    }

    /// Whether what rang became somebody's work.
    async fn incident(
        &self,
        field: &Field,
        opened: Option<BTreeSet<String>>,
        rang: &BTreeSet<String>,
    ) -> Result<(), WireError> {
        let Some(incidents) = &self.incidents else {
            let says = "where incidents are is not known; hint: `monitoring.incidents`";
            field.say(Outcome::new(ID, &self.alerts.name(), Verdict::NotTested, says).aspect("incident"));
            return Ok(());
        };
        let say = |verdict, says: String| {
            field.say(Outcome::new(ID, &incidents.name(), verdict, says).aspect("incident"));
        };
        let Some(before) = opened else {
            say(Verdict::Inconclusive, format!("incidents cannot be read where they are said to be; {HINT}"));
            return Ok(());
        };
        // Nothing rang: nothing can become of it, and that was said.
        if rang.is_empty() {
            say(Verdict::Inconclusive, "no alert rang of which an incident could be made".to_owned());
            return Ok(());
        }
        let bad = rang.iter().any(|entry| is_bad(entry));
        let new = incidents.new_after(&before, if bad { usize::MAX } else { PAUSES }).await?;
        match (new.iter().next(), bad) {
            (Some(entry), _) => say(Verdict::Passed, format!("an incident was opened: {}", short(entry))),
            (None, true) => {
                let within = incidents.within();
                let verdict = if self.declared { Verdict::Firm } else { Verdict::Tentative };
                say(
                    verdict,
                    format!("an alert of the worst kinds rang, and no incident was opened within {within:?}"),
                );
            }
            (None, false) => {
                say(
                    Verdict::Inconclusive,
                    "no alert was bad enough that an incident had to be opened".to_owned(),
                );
            }
        }
        Ok(())
    }
}

/// Looks, where nothing needs to come: enough for what comes at once.
const PAUSES: usize = 5;

/// Alerts that somebody is woken for.
fn is_bad(entry: &str) -> bool {
    let lower = entry.to_ascii_lowercase();
    let words = lower.split(|letter: char| !letter.is_alphanumeric());
    words.into_iter().any(|word| matches!(word, "high" | "critical" | "severe" | "emergency" | "p0" | "p1"))
}

fn short(entry: &str) -> String {
    entry.chars().take(200).collect()
}

/// What a list holds: the members of its arrays, or its lines.
pub(super) fn entries(text: &str) -> BTreeSet<String> {
    match serde_json::from_str::<Value>(text) {
        Ok(value) => {
            let mut all = BTreeSet::new();
            members(&value, 0, &mut all);
            all
        }
        Err(_) => text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect(),
    }
}

fn members(value: &Value, depth: usize, all: &mut BTreeSet<String>) {
    match value {
        Value::Array(values) => all.extend(values.iter().map(Value::to_string)),
        Value::Object(fields) if depth < 4 => {
            fields.values().for_each(|value| members(value, depth.saturating_add(1), all));
        }
        _ => {}
    }
}

/// What people do all day; nothing where nobody is signed in.
async fn ordinary(field: &Field) -> Result<Option<Exchange>, WireError> {
    let Some(door) = door(field) else { return Ok(None) };
    let mut shown = None;
    for _ in 0..ORDINARY {
        if let Some((request, answer)) = usable(field.exchange(door.who, &door.call).await)? {
            shown = Some(field.evidence(door.who, &request, &answer));
        }
    }
    Ok(shown)
}

/// Wrong passwords for one name, for many, and for an account that the probe made; the names, and one of the requests.
async fn guesses(field: &Field) -> Result<Option<(Vec<String>, Option<Exchange>)>, WireError> {
    let Some(who) = field.people.iter().position(|person| person.way.is_some()) else { return Ok(None) };
    let (one, password) = (field.canary(), field.canary());
    let mut names = vec![one.clone()];
    let mut shown = None;
    for _ in 0..WRONG {
        if let Some(tried) = attempt(field, who, &one, &password).await? {
            let request = super::without_secrets(&tried.request);
            shown = Some(Exchange::new("anonymous", &request, &tried.answer));
        }
    }
    for _ in 0..WRONG {
        let name = field.canary();
        attempt(field, who, &name, &password).await?;
        names.push(name);
    }
    if let Ok(own) = sacrifice::make(field).await? {
        for _ in 0..WRONG {
            own.sign_in(field, &password).await?;
        }
        names.push(own.user.clone());
    }
    Ok(Some((names, shown)))
}

/// Attacks that everybody knows, each with a word in it.
const PAYLOADS: &[&str] = &[
    "' OR '1'='1",
    "' UNION SELECT NULL,NULL --",
    "1; DROP TABLE users --",
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "../../../../etc/passwd",
    "..\\..\\windows\\win.ini",
    "; cat /etc/passwd",
    "{{7*7}}${7*7}",
    "${jndi:ldap://127.0.0.1/a}",
];

async fn payloads(field: &Field) -> Result<(String, Option<Exchange>), WireError> {
    let word = field.canary();
    let start = Call::new("GET", field.wire.origin().path());
    let mut shown = None;
    for payload in PAYLOADS {
        let text = format!("{word}{payload}");
        let request = start.with(&Point::new(Place::Query, "q"), &Put::Text(&text)).request();
        if let Some(answer) = usable(field.wire.send(&request).await)? {
            shown = Some(Exchange::new("anonymous", &request, &answer));
        }
    }
    Ok((word, shown))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_new_in_a_list_is_known() {
        let before = entries(r#"{"items": [{"id": 1, "count": 1}], "next": null}"#);
        let after =
            entries(r#"{"items": [{"id": 2, "level": "HIGH"}, {"id": 1, "count": 1}], "next": null}"#);
        let new: Vec<&String> = after.difference(&before).collect();
        assert_eq!(new, [r#"{"id":2,"level":"HIGH"}"#]);
        assert!(is_bad(new[0]) && !is_bad("{\"name\":\"highway\"}"));
        assert_eq!(entries("one\n\n two \n").len(), 2);
        let deep = "[".repeat(200);
        assert!(entries(&deep).len() <= 1);
    }
}
