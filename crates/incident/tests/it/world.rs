//! An incident, step by step.

use std::time::Duration;

use gabion_incident::report::{Agreement, Material};
use gabion_incident::step::Alert;
use gabion_incident::{Class, Incident, Opening, Procedures, Refused, Step, Subject, What, pack, timeline};
use gabion_model::{Severity, Timestamp};

pub(crate) struct Course {
    pub(crate) incident: Incident,
    pub(crate) steps: Vec<Step>,
    pub(crate) now: Timestamp,
}

pub(crate) fn start() -> Timestamp {
    Timestamp::from_secs(1_795_356_000)
}

pub(crate) fn alert(position: u64, rule: &str, level: Severity, at: Timestamp) -> Alert {
    Alert {
        position,
        rule: rule.to_owned(),
        title: format!("Rule {rule}"),
        level,
        at,
        techniques: vec!["t1110.004".to_owned(), "nonsense".to_owned()],
        events: vec![position - 2, position - 1],
    }
}

pub(crate) fn opening(class: Class, kind: &str, automatic: bool) -> Opening {
    let procedures = Procedures::load(&pack::sources()).unwrap();
    Opening {
        title: "Somebody tries names".to_owned(),
        class,
        clocks: class.clocks(),
        kind: kind.to_owned(),
        detected: Timestamp::from_secs(start().as_secs() - 60),
        alerted: start(),
        alerts: vec![alert(40, "credential-stuffing", Severity::High, start())],
        subjects: vec![Subject::parse("network:192.0.2.0/24").unwrap()],
        tasks: procedures.of(kind),
        automatic,
    }
}

impl Course {
    pub(crate) fn new(class: Class, automatic: bool) -> Self {
        let what = What::Opened(Box::new(opening(class, "credential-stuffing", automatic)));
        let by = if automatic { "gate" } else { "ann" };
        let step = Step { number: 1, at: start(), by: by.to_owned(), from: None, what };
        Self { incident: Incident::open(7, &step).unwrap(), steps: vec![step], now: start() }
    }

    pub(crate) fn pass(&mut self, minutes: u64) -> &mut Self {
        self.now = self.now.saturating_add(Duration::from_secs(minutes * 60));
        self
    }

    pub(crate) fn try_by(&mut self, by: &str, what: What) -> Result<(), Refused> {
        let step =
            Step { number: self.steps.len() as u64 + 1, at: self.now, by: by.to_owned(), from: None, what };
        self.incident.take(&step)?;
        self.steps.push(step);
        Ok(())
    }

    pub(crate) fn attempt(&mut self, what: What) -> Result<(), Refused> {
        self.try_by("ann", what)
    }

    pub(crate) fn take(&mut self, what: What) -> &mut Self {
        self.attempt(what).unwrap();
        self
    }

    pub(crate) fn material(&self) -> Material {
        let timeline = timeline::merge(Vec::new(), &self.steps);
        Material::new(self.incident.clone(), timeline, false, Agreement::Yes, self.now)
    }
}

pub(crate) fn note(text: &str) -> What {
    What::Noted { text: text.to_owned() }
}
