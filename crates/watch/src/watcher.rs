//! Shows events to rules, one after the other, in the order of the ledger.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hasher as _};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use gabion_model::{Event, EventKind, Timestamp};

use crate::alert::{Alert, key};
use crate::anomaly::{Figure, Findings, Learner, Places, Seen};
use crate::bounds;
use crate::correlation::{Correlation, What};
use crate::fields::Fields as _;
use crate::rule::{Body, Rule};
use crate::rules::Rules;
use crate::window::{Groups, Hit, apart};

/// What a watcher has done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Events it was shown.
    pub events: u64,
    /// Alerts that rang.
    pub alerts: u64,
    /// Times a rule would have rung for the same again, and was quiet.
    pub quiet: u64,
    /// Hits that were counted together with those of other groups.
    pub shared: u64,
}

/// Rules and what they remember.
#[derive(Debug)]
pub struct Watcher {
    rules: Arc<Rules>,
    /// Keys the hashes, so that nobody can aim at somebody else's counter.
    seed: u64,
    states: Vec<State>,
    learner: Learner,
    counts: Counts,
}

#[derive(Debug, Default)]
struct State {
    groups: Groups,
    rang: HashMap<String, Rang>,
    /// For whoever is beyond what `rang` holds.
    others: Option<Rang>,
}

#[derive(Debug, Clone, Copy)]
struct Rang {
    at: Timestamp,
    repeated: u64,
}

impl Watcher {
    #[must_use]
    pub fn new(rules: Arc<Rules>, seed: u64) -> Self {
        let states = rules.iter().map(|_| State::default()).collect();
        Self { rules, seed, states, learner: Learner::new(seed), counts: Counts::default() }
    }

    /// Says where networks are.
    pub fn set_places(&mut self, places: Option<Arc<Places>>) {
        self.learner.set_places(places);
    }

    /// Learns what is usual from an event of the past, without showing it to rules.
    pub fn learn(&mut self, event: &Event) {
        self.learner.look(event);
    }

    /// Bytes that it holds for what it remembers, roughly.
    #[must_use]
    pub fn held(&self) -> usize {
        let rang = |rang: &HashMap<String, Rang>| {
            rang.keys().map(String::capacity).sum::<usize>() + rang.capacity() * size_of::<(String, Rang)>()
        };
        let states = self.states.iter().map(|state| state.groups.held() + rang(&state.rang));
        states.sum::<usize>() + self.learner.held()
    }

    /// Goes on with other rules. Those that are written as before keep what they counted.
    pub fn adopt(&mut self, rules: Arc<Rules>) {
        let former = std::mem::replace(&mut self.rules, Arc::clone(&rules));
        let mut states: HashMap<&str, (&Rule, State)> = former
            .iter()
            .zip(self.states.drain(..))
            .map(|(rule, state)| (rule.id.as_str(), (rule, state)))
            .collect();
        let kept = rules.iter().map(|rule| match states.remove(rule.id.as_str()) {
            Some((former, state)) if former.written == rule.written => state,
            _ => State::default(),
        });
        self.states = kept.collect();
    }

    #[must_use]
    pub const fn rules(&self) -> &Arc<Rules> {
        &self.rules
    }

    #[must_use]
    pub const fn counts(&self) -> Counts {
        self.counts
    }

    /// Shows it the event at this place of the ledger; what rings. Alerts are not looked at.
    pub fn see(&mut self, position: u64, event: &Event) -> Vec<Alert> {
        if matches!(event.kind, EventKind::Alert | EventKind::Incident) || is_of_a_block(event) {
            return Vec::new();
        }
        self.counts.events += 1;
        let findings = self.learner.look(event);
        let seen = Seen { event, findings: &findings };
        let rules = Arc::clone(&self.rules);
        let mut alerts = Vec::new();
        let mut hits: Vec<usize> = Vec::new();
        for number in rules.candidates(event.kind, &event.action) {
            let Some(rule) = rules.rule(number) else { continue };
            if rule.matches(&seen) {
                hits.push(number);
                if !rules.is_silent(number) {
                    alerts.extend(self.ring_detection(number, rule, position, &seen));
                }
            }
        }
        if hits.is_empty() {
            return alerts;
        }
        for number in rules.correlations() {
            let Some(rule) = rules.rule(*number) else { continue };
            let Body::Correlation(correlation) = &rule.body else { continue };
            if !correlation.rules.iter().any(|named| hits.contains(named)) {
                continue;
            }
            if let Some(mut alert) = self.count(*number, rule, correlation, &hits, position, &seen) {
                hits.push(*number);
                let last = correlation.rules.iter().filter(|named| hits.contains(named));
                let details =
                    last.filter_map(|named| rules.rule(*named)).find_map(|named| match &named.body {
                        Body::Detection(detection) => {
                            Some((detection.explain(&seen), figures(named, &findings)))
                        }
                        Body::Correlation(_) => None,
                    });
                let (words, figures) = details.unwrap_or_default();
                let told = words.into_iter().chain(figures.iter().map(Figure::words));
                alert.explanation.extend(told.map(|words| format!("the last: {words}")));
                alert.figures = figures;
                if !rules.is_silent(*number) {
                    self.counts.alerts += 1;
                    alerts.push(alert);
                }
            }
        }
        alerts
    }

    fn ring_detection(
        &mut self,
        number: usize,
        rule: &Rule,
        position: u64,
        seen: &Seen<'_>,
    ) -> Option<Alert> {
        let event = seen.event;
        let Body::Detection(detection) = &rule.body else { return None };
        let group: Vec<(String, String)> = rule
            .same
            .iter()
            .filter_map(|field| seen.text(field).map(|value| (field.clone(), value.into_owned())))
            .collect();
        let own = key(group.iter().map(|(_, value)| value.as_str()));
        let repeated = self.ring(number, &own, event.time, rule.quiet)?;
        self.counts.alerts += 1;
        let mut alert = alert(rule, event, group);
        alert.count = event.count.max(1);
        alert.repeated = repeated;
        alert.events = vec![position];
        alert.explanation = detection.explain(seen);
        alert.figures = figures(rule, seen.findings);
        alert.explanation.extend(alert.figures.iter().map(Figure::words));
        if event.count > 1 {
            alert.explanation.push(format!("it stands for {} alike", event.count));
        }
        Some(alert)
    }

    /// Counts the hits for a correlation; what rings then.
    fn count(
        &mut self,
        number: usize,
        rule: &Rule,
        correlation: &Correlation,
        hits: &[usize],
        position: u64,
        seen: &Seen<'_>,
    ) -> Option<Alert> {
        let event = seen.event;
        let mut found = None;
        // The last stage first, so that one event is not two steps of a chain.
        for (place, named) in correlation.rules.iter().enumerate().rev() {
            if !hits.contains(named) {
                continue;
            }
            let Some(values) = correlation.group(place, seen) else { continue };
            let (amount, value) = match &correlation.what {
                What::Values(field, _) => match seen.text(field) {
                    Some(text) => (1, self.hash(number, &text)),
                    None => continue,
                },
                What::Sum(field, _) => match seen.text(field).and_then(|text| text.trim().parse().ok()) {
                    Some(amount) => (amount, 0),
                    None => continue,
                },
                _ => (event.count.max(1), 0),
            };
            let group = key(values.iter().map(String::as_str));
            let hash = self.hash(number, &group);
            let hit = Hit { place, time: event.time, amount, value, position };
            let timespan = correlation.timespan;
            let groups = &mut self.states.get_mut(number)?.groups;
            let (window, shared) = groups.window(&group, hash, event.time, timespan);
            let count = window.add(&correlation.what, correlation.rules.len(), timespan, hit);
            let positions = count.map(|_| window.positions());
            self.counts.shared += u64::from(shared);
            if let (Some(count), Some(positions)) = (count, positions) {
                found = Some((count, positions, values, group, shared));
            }
        }
        let (count, positions, values, group, shared) = found?;
        // Whoever is counted together rings together.
        let repeated = self.ring(number, if shared { SHARED } else { &group }, event.time, rule.quiet)?;
        let names = correlation.group_by.iter().map(|by| by.name.clone());
        let mut alert = alert(rule, event, if shared { Vec::new() } else { names.zip(values).collect() });
        alert.count = count;
        alert.threshold = correlation.threshold();
        alert.timespan = Some(correlation.timespan);
        alert.shared = shared;
        alert.repeated = repeated;
        alert.events = positions;
        alert.explanation = vec![explained(correlation, &alert)];
        Some(alert)
    }

    /// Whether a rule may ring for these; how often it would have since it last did.
    fn ring(&mut self, number: usize, group: &str, now: Timestamp, quiet: Duration) -> Option<u64> {
        let state = self.states.get_mut(number)?;
        if state.rang.len() >= bounds::RANG && !state.rang.contains_key(group) {
            state.rang.retain(|_, rang| apart(rang.at, now) < quiet);
        }
        let is_full = state.rang.len() >= bounds::RANG;
        let rang = match state.rang.get_mut(group) {
            Some(rang) => rang,
            None if is_full => match &mut state.others {
                Some(rang) => rang,
                others @ None => {
                    *others = Some(Rang { at: now, repeated: 0 });
                    return Some(0);
                }
            },
            None => {
                state.rang.insert(group.to_owned(), Rang { at: now, repeated: 0 });
                return Some(0);
            }
        };
        if apart(rang.at, now) < quiet {
            rang.repeated += 1;
            self.counts.quiet += 1;
            return None;
        }
        rang.at = now;
        Some(std::mem::take(&mut rang.repeated))
    }

    fn hash(&self, number: usize, text: &str) -> u64 {
        let mut hasher = DefaultHasher::new();
        hasher.write_u64(self.seed);
        hasher.write_usize(number);
        hasher.write(text.as_bytes());
        hasher.finish()
    }
}

/// The key under which groups that are counted together ring. No group has it: each part of a key ends in a sign.
const SHARED: &str = "";

fn alert(rule: &Rule, event: &Event, group: Vec<(String, String)>) -> Alert {
    Alert {
        rule: rule.id.clone(),
        name: rule.name.clone(),
        title: rule.title.clone(),
        description: rule.description.clone(),
        false_positives: rule.false_positives.clone(),
        level: rule.level,
        techniques: rule.techniques().collect(),
        control: rule.control,
        author: rule.author.clone(),
        time: event.time,
        group,
        shared: false,
        count: 1,
        threshold: None,
        timespan: None,
        repeated: 0,
        events: Vec::new(),
        address: event.address.as_ref().map(IpAddr::to_canonical),
        figures: Vec::new(),
        dry_run: rule.dry_run,
        explanation: Vec::new(),
    }
}

/// The figures behind what the rule asks for.
fn figures(rule: &Rule, findings: &Findings) -> Vec<Figure> {
    findings.figures.iter().filter(|figure| rule.asks_for(figure.field)).cloned().collect()
}

fn explained(correlation: &Correlation, alert: &Alert) -> String {
    let rules: Vec<_> = correlation.named.iter().map(|name| format!("`{name}`")).collect();
    let rules = rules.join(", ");
    let within = minutes(correlation.timespan);
    let mut words = match &correlation.what {
        What::Events(least) => {
            format!("{} events of {rules} within {within}, threshold {least}", alert.count)
        }
        What::Values(field, least) => {
            format!(
                "{} different values of {field} in events of {rules} within {within}, threshold {least}",
                alert.count
            )
        }
        What::Sum(field, least) => {
            format!(
                "{field} adds up to {} in events of {rules} within {within}, threshold {least}",
                alert.count
            )
        }
        What::Together => format!("all of {rules} within {within}"),
        What::InOrder => format!("{rules} in this order within {within}"),
    };
    let group: Vec<_> = alert
        .group
        .iter()
        .map(|(field, value)| format!("{field} `{}`", crate::condition::shown(value)))
        .collect();
    if alert.shared {
        words.push_str(", by several that are too many to tell apart");
    } else if !group.is_empty() {
        words.push_str(&format!(", all with {}", group.join(", ")));
    }
    words
}

fn minutes(period: Duration) -> String {
    match period.as_secs() {
        seconds if seconds % 3600 == 0 => format!("{}h", seconds / 3600),
        seconds if seconds % 60 == 0 => format!("{}m", seconds / 60),
        seconds => format!("{seconds}s"),
    }
}

/// What a block refuses says nothing new of whoever is blocked: it would keep the block alive for ever.
fn is_of_a_block(event: &Event) -> bool {
    event.kind == EventKind::Refusal && event.metadata.get("check").is_some_and(|check| check == "block")
}
