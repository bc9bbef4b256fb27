//! Who must be told by law, until when, and drafts of what to tell. A help for whoever decides; it decides nothing.
//!
//! | duty | source | until |
//! |---|---|---|
//! | `gdpr-33` | Regulation (EU) 2016/679, Art. 33(1) | 72 hours after becoming aware |
//! | `gdpr-34` | Art. 34(1) | without undue delay, where the risk is high: no date |
//! | `hipaa-404` | 45 CFR 164.404(b) | without unreasonable delay, at most 60 calendar days after discovery |
//! | `hipaa-406` | 45 CFR 164.406(b) | the same, where more than 500 residents of a State are concerned |
//! | `hipaa-408` | 45 CFR 164.408 | 500 or more: with the notice to people; fewer: 60 days after the end of the calendar year of discovery |
//! | `pci-12.10` | PCI DSS 4.0.1, 12.10.1 and the brands' rules | at once |

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use gabion_model::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::incident::{Incident, Settled};
use crate::review::days;

/// A law or a contract that asks for notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Regime {
    Gdpr,
    Hipaa,
    Pci,
}

impl Regime {
    pub const ALL: [Self; 3] = [Self::Gdpr, Self::Hipaa, Self::Pci];

    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Gdpr => "GDPR",
            Self::Hipaa => "HIPAA",
            Self::Pci => "PCI DSS",
        }
    }
}

impl std::str::FromStr for Regime {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "gdpr" => Ok(Self::Gdpr),
            "hipaa" => Ok(Self::Hipaa),
            "pci" => Ok(Self::Pci),
            _ => Err("a regime is `gdpr`, `hipaa` or `pci`".to_owned()),
        }
    }
}

/// A duty to tell somebody.
#[derive(Debug)]
pub struct Duty {
    pub id: &'static str,
    pub regime: Regime,
    pub to: &'static str,
    pub source: &'static str,
    /// When and whom it concerns, in words.
    pub when: &'static str,
    fields: &'static [&'static str],
}

const DUTIES: &[Duty] = &[
    Duty {
        id: "gdpr-33",
        regime: Regime::Gdpr,
        to: "the supervisory authority",
        source: "GDPR Art. 33(1), (3)",
        when: "72 hours after becoming aware, unless a risk to people is unlikely; later with the reasons for the delay. \
               What is not known yet may follow in phases (Art. 33(4)).",
        fields: &[
            "nature",
            "categories_of_people",
            "people",
            "categories_of_records",
            "records",
            "contact",
            "consequences",
            "measures",
        ],
    },
    Duty {
        id: "gdpr-34",
        regime: Regime::Gdpr,
        to: "the people concerned",
        source: "GDPR Art. 34(1), (2)",
        when: "without undue delay, where a high risk to them is likely; in clear and plain language. There is no fixed date.",
        fields: &["nature", "contact", "consequences", "measures", "advice"],
    },
    Duty {
        id: "hipaa-404",
        regime: Regime::Hipaa,
        to: "each individual concerned",
        source: "45 CFR 164.404",
        when: "without unreasonable delay and at most 60 calendar days after discovery, by first-class mail, or by e-mail \
               where the individual agreed to it",
        fields: &["nature", "occurred", "categories_of_records", "advice", "measures", "contact"],
    },
    Duty {
        id: "hipaa-406",
        regime: Regime::Hipaa,
        to: "prominent media of the State",
        source: "45 CFR 164.406",
        when: "where more than 500 residents of a State or jurisdiction are concerned: as the notice to individuals",
        fields: &["nature", "occurred", "people", "categories_of_records", "advice", "measures", "contact"],
    },
    Duty {
        id: "hipaa-408",
        regime: Regime::Hipaa,
        to: "the Secretary of Health and Human Services",
        source: "45 CFR 164.408",
        when: "500 or more individuals: together with the notice to them; fewer: at most 60 days after the end of the \
               calendar year of discovery",
        fields: &["nature", "occurred", "people", "categories_of_records", "measures", "contact"],
    },
    Duty {
        id: "pci-12.10",
        regime: Regime::Pci,
        to: "the acquirer and the payment brands",
        source: "PCI DSS 4.0.1, 12.10.1",
        when: "at once on suspicion that card data are concerned, as the contract with the acquirer and each brand's rules say",
        fields: &["nature", "occurred", "records", "measures", "contact"],
    },
];

/// What drafts say, and how it is asked for. Alphabetical.
const FACTS: &[(&str, &str)] = &[
    ("advice", "what people can do themselves"),
    ("categories_of_people", "whose data: customers, patients, employees"),
    ("categories_of_records", "which data: names, addresses, health data, card numbers"),
    ("consequences", "what may follow for people"),
    ("contact", "name and contact of the data protection officer or whoever answers questions"),
    ("measures", "what was done and is planned"),
    ("nature", "what happened, in a few sentences"),
    ("occurred", "when it happened and when it was discovered"),
    ("people", "about how many people"),
    ("records", "about how many records"),
];

pub(crate) fn is_fact(name: &str) -> bool {
    FACTS.iter().any(|(known, _)| *known == name)
}

pub(crate) fn fact_names() -> String {
    FACTS.iter().map(|(name, _)| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

pub(crate) fn duty_names() -> String {
    DUTIES.iter().map(|duty| format!("`{}`", duty.id)).collect::<Vec<_>>().join(", ")
}

#[must_use]
pub fn duty(id: &str) -> Option<&'static Duty> {
    DUTIES.iter().find(|duty| duty.id == id)
}

/// A duty of an incident, as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Standing {
    pub id: &'static str,
    pub to: &'static str,
    pub source: &'static str,
    pub when: &'static str,
    /// Since when it was known.
    pub aware: Timestamp,
    /// The last moment; none where the law names no date.
    pub until: Option<Timestamp>,
    pub late: bool,
    pub settled: Option<Settled>,
    /// The facts a draft still misses.
    pub missing: Vec<&'static str>,
}

/// Every duty of the regimes that began.
#[must_use]
pub fn standing(incident: &Incident, now: Timestamp) -> Vec<Standing> {
    let known = |duty: &'static Duty| {
        let aware = *incident.regimes.get(&duty.regime)?;
        let until = until(duty, aware, &incident.facts);
        let settled = incident.duties.get(duty.id).cloned();
        Some(Standing {
            id: duty.id,
            to: duty.to,
            source: duty.source,
            when: duty.when,
            aware,
            until,
            late: settled.is_none() && until.is_some_and(|until| until < now),
            settled,
            missing: duty.fields.iter().copied().filter(|name| fact(incident, name).is_none()).collect(),
        })
    };
    DUTIES.iter().filter_map(known).collect()
}

fn until(duty: &Duty, aware: Timestamp, facts: &BTreeMap<String, String>) -> Option<Timestamp> {
    let after = |seconds: u64| Some(aware.saturating_add(Duration::from_secs(seconds)));
    match duty.id {
        "gdpr-33" => after(72 * 3600),
        "hipaa-404" | "hipaa-406" => after(60 * DAY),
        "hipaa-408" if people(facts).is_some_and(|people| people < 500) => {
            let year: i64 = aware.to_string().get(..4)?.parse().ok()?;
            let next = days(year + 1, 1, 1)?;
            Some(Timestamp::from_secs((next + 60) * 86_400))
        }
        // How many is not known yet: the earlier date.
        "hipaa-408" => after(60 * DAY),
        "pci-12.10" => Some(aware),
        _ => None,
    }
}

const DAY: u64 = 24 * 3600;

/// The number in the fact `people`.
fn people(facts: &BTreeMap<String, String>) -> Option<u64> {
    let written = facts.get("people")?;
    let digits: String = written.chars().filter(|one| !matches!(one, ',' | '.' | ' ' | '\'')).collect();
    digits.parse().ok()
}

/// A fact that was told, or that the incident knows.
fn fact(incident: &Incident, name: &str) -> Option<String> {
    let known = || match name {
        "occurred" => Some(format!("first event {}, noticed {}", incident.detected, incident.alerted)),
        _ => None,
    };
    incident.facts.get(name).cloned().or_else(known)
}

/// A draft in plain text; what is not known yet stands in square brackets. None for what is no duty.
#[must_use]
pub fn draft(incident: &Incident, id: &str, organisation: Option<&str>, now: Timestamp) -> Option<String> {
    let duty = duty(id)?;
    let aware = incident.regimes.get(&duty.regime).copied();
    let mut text = String::new();
    let from = organisation.unwrap_or("[name of the organisation: `incidents.organisation`]");
    let _ = writeln!(text, "DRAFT, not sent. To: {}", duty.to);
    let _ = writeln!(text, "From: {from}\nSource: {}\nWhen: {}", duty.source, duty.when);
    match aware.map(|aware| (aware, until(duty, aware, &incident.facts))) {
        Some((aware, Some(until))) => {
            let late =
                if until < now { " (this moment has passed: give the reasons for the delay)" } else { "" };
            let _ = writeln!(text, "Known since: {aware}\nUntil: {until}{late}");
        }
        Some((aware, None)) => {
            let _ = writeln!(text, "Known since: {aware}");
        }
        None => {
            let _ = writeln!(
                text,
                "The clock does not run yet: `gabion incident notify {} --aware TIME`",
                incident.id
            );
        }
    }
    let _ = writeln!(text, "Our reference: {}\n", incident.name());
    let opening = match duty.id {
        "gdpr-33" => "We notify a personal data breach.",
        "gdpr-34" => "We write to you because data about you were concerned by a security incident.",
        "hipaa-404" => "We write to you because your health information was concerned by a breach.",
        "hipaa-406" => "We announce a breach of unsecured protected health information.",
        "hipaa-408" => "We report a breach of unsecured protected health information.",
        _ => "We report that card data may have been compromised.",
    };
    let _ = writeln!(text, "{opening}\n");
    for name in duty.fields {
        let asked = FACTS.iter().find(|(known, _)| known == name).map_or("", |(_, asked)| asked);
        let heading = name.replace('_', " ");
        match fact(incident, name) {
            Some(value) => {
                let _ = writeln!(text, "{heading}:\n  {}\n", value.replace('\n', "\n  "));
            }
            None => {
                let _ = writeln!(text, "{heading}:\n  [missing: {asked}]\n");
            }
        }
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(written: &str) -> Timestamp {
        // The end of the day before is the beginning of this one.
        let mut parts = written.split('-');
        let year = parts.next().unwrap().parse().unwrap();
        let (month, day) = (parts.next().unwrap().parse().unwrap(), parts.next().unwrap().parse().unwrap());
        Timestamp::from_secs(days(year, month, day).unwrap() * 86_400)
    }

    fn date(id: &str, aware: &str, people: Option<&str>) -> Option<String> {
        let facts = people.map(|people| ("people".to_owned(), people.to_owned())).into_iter().collect();
        let until = until(duty(id).unwrap(), at(aware), &facts)?;
        Some(until.to_string().replace(".000000Z", ""))
    }

    #[test]
    fn dates_of_the_laws() {
        assert_eq!(date("gdpr-33", "2026-11-22", None).unwrap(), "2026-11-25T00:00:00");
        assert_eq!(date("gdpr-34", "2026-11-22", None), None);
        assert_eq!(date("hipaa-404", "2026-11-22", None).unwrap(), "2027-01-21T00:00:00");
        assert_eq!(date("hipaa-406", "2028-01-31", None).unwrap(), "2028-03-31T00:00:00");
        assert_eq!(date("hipaa-408", "2026-11-22", None).unwrap(), "2027-01-21T00:00:00");
        assert_eq!(date("hipaa-408", "2026-11-22", Some("1,200")).unwrap(), "2027-01-21T00:00:00");
        // The 60th day after 31 December is 1 March, in a leap year 29 February.
        assert_eq!(date("hipaa-408", "2026-11-22", Some("499")).unwrap(), "2027-03-02T00:00:00");
        assert_eq!(date("hipaa-408", "2027-02-01", Some("12")).unwrap(), "2028-03-01T00:00:00");
        assert_eq!(date("pci-12.10", "2026-11-22", None).unwrap(), "2026-11-22T00:00:00");
    }

    #[test]
    fn every_field_of_a_duty_can_be_told() {
        assert!(DUTIES.iter().flat_map(|duty| duty.fields).all(|name| is_fact(name)));
    }
}
