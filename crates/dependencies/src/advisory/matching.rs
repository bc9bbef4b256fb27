//! Which advisories speak of a version, and which version none speaks of.

use gabion_finding::Ecosystem;
use gabion_model::Severity;

use super::{Advisory, Database, Event, Kind};
use crate::Version;

/// One flaw of one version of a package, whatever its names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Hit {
    /// The advisory that says most.
    pub(crate) advisory: Advisory,
    /// All names of the flaw, the advisory's own first.
    pub(crate) names: Vec<String>,
    /// The lowest version in which it is repaired.
    pub(crate) fixed: Option<String>,
    /// Whether a range could not be read, so that this is a guess on the safe side.
    pub(crate) uncertain: bool,
}

/// What is known of one version.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Hits {
    pub(crate) hits: Vec<Hit>,
    /// There are advisories, and the version is none that they can be compared with.
    pub(crate) undecided: bool,
    /// The lowest later version of which no advisory speaks.
    pub(crate) upgrade: Option<String>,
}

/// What the database knows of this version.
pub(crate) fn hits(database: &Database, ecosystem: Ecosystem, name: &str, version: &str) -> Hits {
    let all = database.of(ecosystem, name);
    if all.is_empty() {
        return Hits::default();
    }
    let read = Version::read(ecosystem, version);
    let mut found: Vec<(Advisory, bool)> = Vec::new();
    let mut undecided = false;
    for advisory in &all {
        match affects(advisory, ecosystem, version, read.as_ref()) {
            Affects::No => {}
            Affects::Unknown => undecided = true,
            Affects::Perhaps => found.push((advisory.clone(), true)),
            Affects::Yes => found.push((advisory.clone(), false)),
        }
    }
    let upgrade = read.as_ref().and_then(|version| upgrade(&all, ecosystem, version));
    let mut hits: Vec<Hit> =
        (fold(found).into_iter()).filter_map(|group| hit(group, ecosystem, read.as_ref())).collect();
    hits.sort_by(|one, other| one.names.cmp(&other.names));
    Hits { hits, undecided: undecided && read.is_none(), upgrade }
}

enum Affects {
    No,
    Perhaps,
    /// The version is none.
    Unknown,
    Yes,
}

fn affects(advisory: &Advisory, ecosystem: Ecosystem, text: &str, version: Option<&Version>) -> Affects {
    let named = advisory.versions.iter().any(|it| {
        it == text
            || version.is_some_and(|version| Version::read(ecosystem, it).is_some_and(|it| it == *version))
    });
    if named {
        return Affects::Yes;
    }
    if advisory.ranges.is_empty() {
        // Nothing that says which: everything, as the schema has it.
        return if advisory.versions.is_empty() { Affects::Yes } else { Affects::No };
    }
    let Some(version) = version else { return Affects::Unknown };
    let mut answer = Affects::No;
    for range in &advisory.ranges {
        match within(range, ecosystem, version) {
            Some(true) => return Affects::Yes,
            Some(false) => {}
            None => answer = Affects::Perhaps,
        }
    }
    answer
}

/// Evaluation of events as the OSV schema gives it. None where an event names no version.
fn within(range: &[Event], ecosystem: Ecosystem, version: &Version) -> Option<bool> {
    // `0` is before everything, also before `0.0.0-alpha`.
    let mut events: Vec<(Option<Version>, &Event)> = Vec::with_capacity(range.len());
    for event in range {
        let (Event::Introduced(text) | Event::Fixed(text) | Event::LastAffected(text)) = event;
        if text == "0" && matches!(event, Event::Introduced(_)) {
            events.push((None, event));
        } else {
            events.push((Some(Version::read(ecosystem, text)?), event));
        }
    }
    events.sort_by(|one, other| one.0.cmp(&other.0));
    let mut inside = false;
    for (at, event) in events {
        let order = at.map_or(std::cmp::Ordering::Greater, |at| version.cmp(&at));
        match event {
            Event::Introduced(_) if order.is_ge() => inside = true,
            Event::Fixed(_) if order.is_ge() => inside = false,
            Event::LastAffected(_) if order.is_gt() => inside = false,
            _ => {}
        }
    }
    Some(inside)
}

/// Versions in which something is repaired, behind this one, lowest first, releases before what comes before a release.
fn repaired<'a>(
    advisories: impl Iterator<Item = &'a Advisory>,
    ecosystem: Ecosystem,
    version: &Version,
) -> Vec<Version> {
    let events = advisories.flat_map(|it| &it.ranges).flatten();
    let mut all: Vec<Version> = events
        .filter_map(|event| match event {
            Event::Fixed(text) => Version::read(ecosystem, text),
            _ => None,
        })
        .filter(|it| it > version)
        .collect();
    let early = |it: &Version| it.is_pre_release() && !version.is_pre_release();
    all.sort_by(|one, other| early(one).cmp(&early(other)).then_with(|| one.cmp(other)));
    all.dedup();
    all
}

fn upgrade(all: &[Advisory], ecosystem: Ecosystem, version: &Version) -> Option<String> {
    let candidates = repaired(all.iter(), ecosystem, version);
    let free = |candidate: &Version| {
        let speaks = |it: &&Advisory| it.kind != Kind::Unmaintained;
        all.iter()
            .filter(speaks)
            .all(|it| matches!(affects(it, ecosystem, candidate.as_str(), Some(candidate)), Affects::No))
    };
    candidates.into_iter().take(256).find(free).map(|it| it.as_str().to_owned())
}

/// All their names, and the advisories.
type Group = (Vec<String>, Vec<(Advisory, bool)>);

/// Groups of advisories that name each other.
fn fold(found: Vec<(Advisory, bool)>) -> Vec<Vec<(Advisory, bool)>> {
    let mut groups: Vec<Group> = Vec::new();
    for (advisory, uncertain) in found {
        let mut names = vec![advisory.id.clone()];
        names.extend(advisory.aliases.iter().cloned());
        let mut members = vec![(advisory, uncertain)];
        let mut others = Vec::with_capacity(groups.len());
        for (their_names, their_members) in groups {
            if their_names.iter().any(|it| names.contains(it)) {
                names.extend(their_names);
                members.extend(their_members);
            } else {
                others.push((their_names, their_members));
            }
        }
        others.push((names, members));
        groups = others;
    }
    groups.into_iter().map(|(_, members)| members).collect()
}

fn hit(mut group: Vec<(Advisory, bool)>, ecosystem: Ecosystem, version: Option<&Version>) -> Option<Hit> {
    // Most is said by who scored it; then the ecosystem's own database, which knows the functions.
    let worth = |it: &Advisory| (it.kind == Kind::Malicious, !it.score.is_empty(), !it.symbols.is_empty());
    group.sort_by(|one, other| worth(&other.0).cmp(&worth(&one.0)).then_with(|| one.0.id.cmp(&other.0.id)));
    let fixed = version.and_then(|version| {
        let first = repaired(group.iter().map(|(it, _)| it), ecosystem, version).into_iter().next();
        first.map(|it| it.as_str().to_owned())
    });
    let uncertain = group.iter().all(|(_, uncertain)| *uncertain);
    let exploited = group.iter().any(|(it, _)| it.exploited);
    let epss = group.iter().filter_map(|(it, _)| it.epss).max();
    let symbols = group.iter().map(|(it, _)| &it.symbols).find(|it| !it.is_empty()).cloned();
    let mut names: Vec<String> = Vec::new();
    for (advisory, _) in &group {
        for name in std::iter::once(&advisory.id).chain(&advisory.aliases) {
            if !names.contains(name) {
                names.push(name.clone());
            }
        }
    }
    let (mut advisory, _) = group.into_iter().next()?;
    advisory.exploited = exploited;
    advisory.epss = epss;
    advisory.symbols = symbols.unwrap_or_default();
    if advisory.kind == Kind::Malicious {
        advisory.severity = Severity::Critical;
    }
    Some(Hit { advisory, names, fixed, uncertain })
}
