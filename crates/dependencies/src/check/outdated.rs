//! Packages that others left behind: what advisories know of newer versions, with no look anywhere else.

use std::sync::Arc;

use gabion_finding::{Ecosystem, Finding};

use super::packages::describe;
use crate::advisory::{Advisory, Database, Event, Kind};
use crate::package::Package;
use crate::say::Rules;
use crate::version::Version;

/// Major versions between what is used and what is known. One is the way of the world.
const BEHIND: u32 = 2;

/// From here on numbers are years.
const YEARS: u32 = 1_000;

/// A package the project asks for itself that is at least two major versions behind one that an advisory names as repaired, and whose own
/// major version no longer gets the same repairs.
pub(super) fn check(
    rules: &Rules,
    database: &Database,
    path: &Arc<str>,
    package: &Package,
) -> Option<Finding> {
    // Of Go the major version is part of the name.
    if package.direct != Some(true) || package.development == Some(true) || package.ecosystem == Ecosystem::Go
    {
        return None;
    }
    let own = major(package.ecosystem, &package.version)?;
    let all = database.of(package.ecosystem, &package.name);
    let repaired: Vec<Vec<(u32, &str)>> = all
        .iter()
        .filter(|advisory| advisory.kind == Kind::Flaw)
        .map(|advisory| repairs(package.ecosystem, advisory))
        .collect();
    let newest = repaired.iter().flatten().map(|(major, _)| *major).max()?;
    if newest >= YEARS || newest.saturating_sub(own) < BEHIND {
        return None;
    }
    let named: Vec<&Vec<(u32, &str)>> =
        repaired.iter().filter(|one| one.iter().any(|(major, _)| *major == newest)).collect();
    if named.iter().any(|one| one.iter().any(|(major, _)| *major == own)) {
        return None;
    }
    let version = named.iter().flat_map(|one| one.iter()).find(|(major, _)| *major == newest)?.1;
    let behind = newest.saturating_sub(own);
    let message = format!(
        "`{}` {} is {behind} major versions behind: there is {version} at least, and repairs are made there",
        package.name, package.version
    );
    let finding = rules.say("dep.outdated-major", path, package.spot, &package.name, message)?;
    let mut finding = describe(finding, package);
    finding.properties.insert("newest_known".to_owned(), version.to_owned());
    Some(finding)
}

/// The releases in which an advisory says that it is repaired, each with its major version.
fn repairs(ecosystem: Ecosystem, advisory: &Advisory) -> Vec<(u32, &str)> {
    let events = advisory.ranges.iter().flatten();
    let fixed = events.filter_map(|event| match event {
        Event::Fixed(text) => Some((major(ecosystem, text)?, text.as_str())),
        Event::Introduced(_) | Event::LastAffected(_) => None,
    });
    fixed.collect()
}

/// The first number of a release.
fn major(ecosystem: Ecosystem, text: &str) -> Option<u32> {
    let version = Version::read(ecosystem, text).filter(|version| !version.is_pre_release())?;
    let digits = version.as_str().trim_start_matches(['v', 'V', '=']);
    digits.split(|one: char| !one.is_ascii_digit()).next()?.parse().ok()
}
