//! What advisories say of the packages of a file.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use gabion_finding::{Confidence, Ecosystem, Finding, Step, Unread, UnreadReason, Verdict};

use super::packages::describe;
use crate::advisory::{Advisories, Database, Hit, Hits, Kind, hits};
use crate::graph::Graph;
use crate::package::{Inventory, Package};
use crate::reach::{Reach, Uses};
use crate::say::Rules;

/// Judges every package of a file, each version once.
pub(crate) fn check(
    rules: &Rules,
    advisories: &Advisories,
    uses: &Uses<'_>,
    path: &Arc<str>,
    it: &Inventory,
    out: &mut Verdict,
) {
    if it.packages.is_empty() {
        return;
    }
    let unjudged =
        |detail: String| Unread { path: Arc::clone(path), reason: UnreadReason::NoVerdict, detail };
    let database = match advisories {
        Advisories::Unwanted => return,
        Advisories::Missing => {
            let detail =
                "there are no advisories: nothing is known of its packages; run `gabion scan db update`";
            out.unread.push(unjudged(detail.to_owned()));
            return;
        }
        Advisories::Unusable(reason) => {
            out.unread.push(unjudged(format!("the advisories cannot be used: {reason}")));
            return;
        }
        Advisories::Stale { database, days } => {
            let age = if *days == u32::MAX {
                "are from the future".to_owned()
            } else {
                format!("are {days} days old")
            };
            out.unread.push(unjudged(format!("the advisories {age}: newer flaws are not known")));
            database
        }
        Advisories::Ready { database, .. } => database,
    };
    let graph = Graph::new(&it.packages);
    let mut seen = HashSet::new();
    let mut uncovered: BTreeMap<Ecosystem, usize> = BTreeMap::new();
    for (at, package) in it.packages.iter().enumerate() {
        if !seen.insert((package.ecosystem, &package.name, &package.version)) {
            continue;
        }
        if !database.covers(package.ecosystem) {
            *uncovered.entry(package.ecosystem).or_default() += 1;
            continue;
        }
        one(rules, database, uses, &graph, path, (at, package), out);
    }
    for (ecosystem, count) in uncovered {
        let ecosystem = ecosystem.as_str();
        out.unread.push(unjudged(format!(
            "the advisories have nothing about {ecosystem}: {count} packages not judged"
        )));
    }
}

fn one(
    rules: &Rules,
    database: &Database,
    uses: &Uses<'_>,
    graph: &Graph<'_>,
    path: &Arc<str>,
    (at, package): (usize, &Package),
    out: &mut Verdict,
) {
    let found = hits(database, package.ecosystem, &package.name, &package.version);
    if found.undecided {
        let detail = format!(
            "line {}: `{}` has advisories, and `{}` is no version that they can be compared with",
            package.spot.start.line, package.name, package.version
        );
        out.unread.push(Unread { path: Arc::clone(path), reason: UnreadReason::NoVerdict, detail });
    }
    if found.hits.is_empty() {
        out.findings.extend(super::outdated::check(rules, database, path, package));
        return;
    }
    let way = graph.path(at);
    for hit in &found.hits {
        let reach = reach(uses, package, hit, &way);
        out.findings.extend(finding(rules, path, package, &found, hit, &way, reach));
    }
}

/// Of the package itself; of what somebody else brings in, of who does.
fn reach<'a>(uses: &Uses<'a>, package: &Package, hit: &Hit, way: &[&str]) -> (Reach<'a>, Option<String>) {
    let own = uses.reach(package.ecosystem, &package.name, &hit.advisory.symbols);
    if own == Reach::Not
        && let [first, .., _] = way
        && let it @ Reach::Imported(_) = uses.reach(package.ecosystem, first, &[])
    {
        return (it, Some((*first).to_owned()));
    }
    (own, None)
}

fn finding(
    rules: &Rules,
    path: &Arc<str>,
    package: &Package,
    found: &Hits,
    hit: &Hit,
    way: &[&str],
    (reach, through): (Reach<'_>, Option<String>),
) -> Option<Finding> {
    let advisory = &hit.advisory;
    let rule = match advisory.kind {
        Kind::Flaw => "dep.known-vuln",
        Kind::Malicious => "dep.malicious",
        Kind::Unmaintained => "dep.unmaintained",
    };
    let what = format!("{} {} {}", package.ecosystem.as_str(), package.name, smallest(&hit.names));
    let mut finding = rules.say(rule, path, package.spot, &what, message(package, found, hit, way))?;
    finding.severity = advisory.severity;
    let named = !advisory.symbols.is_empty();
    finding.confidence = match reach {
        _ if hit.uncertain => Confidence::Low,
        _ if advisory.kind != Kind::Flaw => finding.confidence,
        Reach::Called(_) | Reach::Unknown => Confidence::High,
        Reach::Imported(_) if named => Confidence::Medium,
        Reach::Imported(_) => Confidence::High,
        Reach::Not => Confidence::Medium,
    };
    if let Reach::Called(one) | Reach::Imported(one) = reach {
        let says = match (reach, &through, one.symbol.as_deref()) {
            (Reach::Called(_), _, Some(symbol)) => {
                format!("`{symbol}`, which the advisory names, is called here")
            }
            (_, Some(other), _) => format!("`{other}`, which brings it in, is imported here"),
            _ => "it is imported here".to_owned(),
        };
        finding.trace.push(Step { place: one.place.clone(), says });
    }
    finding = describe(finding, package);
    let mut add = |key: &str, value: String| {
        if !value.is_empty() {
            finding.properties.insert(key.to_owned(), value);
        }
    };
    add("advisory", advisory.id.clone());
    add("aliases", hit.names.iter().skip(1).cloned().collect::<Vec<_>>().join(" "));
    add("cvss", advisory.score.clone());
    add("cwe", advisory.cwe.iter().map(|it| format!("CWE-{it}")).collect::<Vec<_>>().join(" "));
    add("link", advisory.link.clone());
    add("fixed", hit.fixed.clone().unwrap_or_default());
    add("upgrade", found.upgrade.clone().unwrap_or_default());
    add("path", if way.len() > 1 { way.join(" > ") } else { String::new() });
    add("reach", if through.is_some() { "through" } else { reach.as_str() }.to_owned());
    if named {
        let functions = if matches!(reach, Reach::Called(_)) { "called" } else { "not_seen" };
        add("functions", functions.to_owned());
    }
    if advisory.exploited {
        add("exploited", "true".to_owned());
    }
    if let Some(share) = advisory.epss {
        add("epss", format!("{}.{:02}%", share / 100, share % 100));
    }
    Some(finding)
}

/// The name that stays when another database names the flaw too: a CVE where there is one.
fn smallest(names: &[String]) -> &str {
    let cve = names.iter().find(|name| name.starts_with("CVE-"));
    cve.or_else(|| names.first()).map_or("", String::as_str)
}

fn message(package: &Package, found: &Hits, hit: &Hit, way: &[&str]) -> String {
    let names = hit.names.iter().take(3).map(String::as_str).collect::<Vec<_>>().join(", ");
    let summary = hit.advisory.summary.trim_end_matches('.');
    let said = if summary.is_empty() { names } else { format!("{summary} ({names})") };
    let after = match (&hit.fixed, &found.upgrade) {
        (_, Some(upgrade)) if hit.advisory.kind == Kind::Flaw => {
            format!("; {upgrade} is free of all that is known")
        }
        (Some(fixed), _) => format!("; repaired in {fixed}"),
        _ if hit.advisory.kind == Kind::Flaw => "; no repaired version is known".to_owned(),
        _ => String::new(),
    };
    // Who asks for it is who can raise it.
    let raise = match way {
        [first, _, ..] => format!("; `{first}` brings it in"),
        _ => String::new(),
    };
    format!("`{}` {}: {said}{after}{raise}", package.name, package.version)
}
