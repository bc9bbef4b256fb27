//! A set of rules that fit together, and which of them an event must be shown to.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use gabion_model::{EventKind, Problem};

use crate::bounds;
use crate::load::{self, Source, Taxonomy};
use crate::matcher::Matcher;
use crate::rule::{Body, Rule};

/// Rules, ready to be shown events.
#[derive(Debug, Default)]
pub struct Rules {
    rules: Vec<Rule>,
    /// Rules whose hits are only counted by correlations.
    silent: Vec<bool>,
    /// Correlations, each behind those it names.
    order: Vec<usize>,
    slices: HashMap<EventKind, Slice>,
}

/// The detections that events of one class can match.
#[derive(Debug, Default)]
struct Slice {
    by_action: HashMap<String, Vec<usize>>,
    any: Vec<usize>,
}

impl Rules {
    /// Reads and links all files. `disabled` are ids or names of rules to leave out, each with the reason.
    ///
    /// # Errors
    /// Everything that is wrong, each with file and line.
    pub fn load(sources: &[Source], disabled: &BTreeMap<String, String>) -> Result<Self, Vec<Problem>> {
        let mut problems = Vec::new();
        if sources.len() > bounds::FILES {
            let problem = Problem::new("rules", format!("there are {} files", sources.len()));
            return Err(vec![problem.hint(format!("at most {}", bounds::FILES))]);
        }
        let mut rules: Vec<Rule> = Vec::new();
        for source in sources {
            match load::read(source, Taxonomy::Own) {
                Ok(read) => rules.extend(read),
                Err(found) => problems.extend(found),
            }
            if rules.len() > bounds::RULES {
                let problem = Problem::new(&source.file, "there are too many rules");
                return Err(vec![problem.hint(format!("at most {}", bounds::RULES))]);
            }
        }
        if rules.iter().map(regexes).sum::<usize>() > bounds::REGEXES {
            let problem = Problem::new("rules", "there are too many regular expressions");
            problems.push(problem.hint(format!("at most {}; use `contains` and wildcards", bounds::REGEXES)));
        }
        if rules.iter().flat_map(values).count() > bounds::ALL_VALUES {
            let problem = Problem::new("rules", "there are too many values to compare with");
            problems.push(problem.hint(format!("at most {} in all rules", bounds::ALL_VALUES)));
        }
        problems.extend(twice(&rules));
        for name in disabled.keys() {
            if problems.is_empty() && !rules.iter().any(|rule| rule.is_called(name)) {
                let problem = Problem::new("watch.disabled", format!("there is no rule `{name}`"));
                problems.push(problem.hint("`gabion watch rules` lists them"));
            }
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        rules.retain(|rule| !disabled.keys().any(|name| rule.is_called(name)));
        let order = link(&mut rules, disabled)?;
        let mut silent = vec![false; rules.len()];
        for rule in &rules {
            if let Body::Correlation(correlation) = &rule.body
                && !correlation.generate
            {
                for number in &correlation.rules {
                    if let Some(silent) = silent.get_mut(*number) {
                        *silent = true;
                    }
                }
            }
        }
        for (silent, rule) in silent.iter_mut().zip(&rules) {
            *silent = rule.rings.map_or(*silent, |rings| !rings);
        }
        let slices = slices(&rules);
        Ok(Self { rules, silent, order, slices })
    }

    /// The same, with rules that are only tried: id or name, and the reason.
    ///
    /// # Errors
    /// Names that no rule has.
    pub fn with_dry_run(mut self, tried: &BTreeMap<String, String>) -> Result<Self, Vec<Problem>> {
        let mut problems = Vec::new();
        for name in tried.keys() {
            match self.rules.iter_mut().find(|rule| rule.is_called(name)) {
                Some(rule) => rule.dry_run = true,
                None => {
                    let problem = Problem::new("watch.dry_run", format!("there is no rule `{name}`"));
                    problems.push(problem.hint("`gabion watch rules` lists them"));
                }
            }
        }
        if problems.is_empty() { Ok(self) } else { Err(problems) }
    }

    pub fn iter(&self) -> std::slice::Iter<'_, Rule> {
        self.rules.iter()
    }

    #[must_use]
    pub fn len(&self) -> usize {
        self.rules.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// Whether the rule's hits are only counted by correlations.
    #[must_use]
    pub fn is_silent(&self, number: usize) -> bool {
        self.silent.get(number).copied().unwrap_or(false)
    }

    /// The longest time any of them looks back or is quiet.
    #[must_use]
    pub fn memory(&self) -> Duration {
        let times = self.rules.iter().map(|rule| match &rule.body {
            Body::Correlation(correlation) => correlation.timespan.max(rule.quiet),
            Body::Detection(_) => rule.quiet,
        });
        times.max().unwrap_or_default()
    }

    pub(crate) fn rule(&self, number: usize) -> Option<&Rule> {
        self.rules.get(number)
    }

    pub(crate) fn correlations(&self) -> &[usize] {
        &self.order
    }

    /// The detections that an event of this class and action can match.
    pub(crate) fn candidates(&self, kind: EventKind, action: &str) -> impl Iterator<Item = usize> {
        let slice = self.slices.get(&kind);
        let any = slice.into_iter().flat_map(|slice| &slice.any);
        let own = slice.into_iter().flat_map(move |slice| {
            let found = slice.by_action.get(action).or_else(|| slice.by_action.get(&action.to_lowercase()));
            found.into_iter().flatten()
        });
        any.chain(own).copied()
    }
}

impl<'a> IntoIterator for &'a Rules {
    type Item = &'a Rule;
    type IntoIter = std::slice::Iter<'a, Rule>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

fn regexes(rule: &Rule) -> usize {
    values(rule).filter(|value| matches!(value, Matcher::Regex(_))).count()
}

fn values(rule: &Rule) -> impl Iterator<Item = &Matcher> {
    let selections = match &rule.body {
        Body::Detection(detection) => detection.selections.as_slice(),
        Body::Correlation(_) => &[],
    };
    selections.iter().flat_map(|selection| &selection.groups).flatten().flat_map(|item| &item.values)
}

fn place(rule: &Rule) -> String {
    format!("{}:{}", rule.file, rule.line)
}

fn twice(rules: &[Rule]) -> Vec<Problem> {
    let mut seen: HashMap<&str, &Rule> = HashMap::new();
    let mut problems = Vec::new();
    for rule in rules {
        for name in
            std::iter::once(rule.id.as_str()).chain(rule.name.as_deref().filter(|name| *name != rule.id))
        {
            if let Some(first) = seen.insert(name, rule) {
                let reason =
                    format!("rule `{}`: the rule `{}` is called `{name}` too", rule.title, first.title);
                problems.push(Problem::new(place(rule), reason).hint("give it an id and a name of its own"));
            }
        }
    }
    problems
}

/// Finds the rules that correlations name; the correlations, each behind those it names.
fn link(rules: &mut [Rule], disabled: &BTreeMap<String, String>) -> Result<Vec<usize>, Vec<Problem>> {
    let mut called: HashMap<String, usize> = HashMap::new();
    for (number, rule) in rules.iter().enumerate() {
        called.insert(rule.id.clone(), number);
        if let Some(name) = &rule.name {
            called.insert(name.clone(), number);
        }
    }
    let mut problems = Vec::new();
    for rule in rules.iter_mut() {
        let at = place(rule);
        let Body::Correlation(correlation) = &mut rule.body else { continue };
        for name in &correlation.named {
            match called.get(name) {
                Some(number) => correlation.rules.push(*number),
                None => {
                    let reason = format!("rule `{}`: there is no rule `{name}` to count", rule.title);
                    let hint = if disabled.contains_key(name) {
                        format!("`watch.disabled` names it; disable `{}` too", rule.id)
                    } else {
                        "write it, or correct the name".to_owned()
                    };
                    problems.push(Problem::new(&at, reason).hint(hint));
                }
            }
        }
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    let mut order = Vec::new();
    let mut left: Vec<usize> = (0..rules.len())
        .filter(|number| rules.get(*number).is_some_and(|rule| named(rule).is_some()))
        .collect();
    while !left.is_empty() {
        let (ready, waiting): (Vec<_>, Vec<_>) = left.iter().partition(|number| {
            let names = rules.get(**number).and_then(named).unwrap_or_default();
            !names.iter().any(|other| left.contains(other))
        });
        if ready.is_empty() {
            let circle = waiting.into_iter().filter_map(|number: usize| rules.get(number));
            return Err(circle
                .map(|rule: &Rule| {
                    let reason = format!("rule `{}`: correlations count each other in a circle", rule.title);
                    Problem::new(place(rule), reason).hint("name a detection instead")
                })
                .collect());
        }
        order.extend(ready);
        left = waiting;
    }
    Ok(order)
}

fn named(rule: &Rule) -> Option<&[usize]> {
    match &rule.body {
        Body::Correlation(correlation) => Some(&correlation.rules),
        Body::Detection(_) => None,
    }
}

fn slices(rules: &[Rule]) -> HashMap<EventKind, Slice> {
    let mut slices: HashMap<EventKind, Slice> = HashMap::new();
    for (number, rule) in rules.iter().enumerate() {
        let Body::Detection(detection) = &rule.body else { continue };
        let classes = detection.needs("class");
        let actions = detection.needs("action");
        for kind in &rule.classes {
            if classes.as_ref().is_some_and(|classes| !classes.contains(kind.as_str())) {
                continue;
            }
            let slice = slices.entry(*kind).or_default();
            match &actions {
                Some(actions) => {
                    for action in actions {
                        slice.by_action.entry(action.clone()).or_default().push(number);
                    }
                }
                None => slice.any.push(number),
            }
        }
    }
    slices
}
