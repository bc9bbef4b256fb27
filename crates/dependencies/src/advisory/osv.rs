//! The OSV schema (<https://ossf.github.io/osv-schema/>), in JSON as databases publish it and in YAML as PyPA writes it.

use gabion_model::Severity;

use super::{Advisory, Entry, Event, Kind, ecosystem, scores, severity};
use crate::bounds;
use crate::document::Node;
use crate::name;

/// What it says of packages of our ecosystems; nothing where it was withdrawn.
pub(super) fn entries(node: &Node) -> Option<Vec<Entry>> {
    let id = node.text_of("id").filter(|id| !id.is_empty() && id.len() <= bounds::NAME)?;
    if node.text_of("withdrawn").is_some() {
        return Some(Vec::new());
    }
    let texts = |key: &str| {
        let items = node.items_of(key).iter().filter_map(Node::text);
        items.filter(|it| it.len() <= bounds::NAME).take(64).map(str::to_owned).collect::<Vec<_>>()
    };
    let summary = node.text_of("summary").filter(|it| !it.is_empty());
    let summary = summary.or_else(|| node.text_of("details")).unwrap_or_default();
    let link = link(node, id);
    let mut out: Vec<Entry> = Vec::new();
    for affected in node.items_of("affected") {
        let Some(ecosystem) = affected.at(&["package", "ecosystem"]).and_then(Node::text).and_then(ecosystem)
        else {
            continue;
        };
        let Some(called) = affected.at(&["package", "name"]).and_then(Node::text) else { continue };
        let (severity, score) = rate(node, affected);
        let ranges = affected.items_of("ranges").iter().filter(|it| it.text_of("type") != Some("GIT"));
        let ranges: Vec<Vec<Event>> = ranges.map(events).filter(|it| !it.is_empty()).collect();
        let versions =
            affected.items_of("versions").iter().filter_map(Node::text).map(str::to_owned).collect();
        out.push(Entry {
            ecosystem,
            name: name::normal(ecosystem, called),
            advisory: Advisory {
                id: id.to_owned(),
                aliases: texts("aliases"),
                summary: one_line(summary),
                kind: kind(node, affected, id),
                severity,
                score,
                ranges,
                versions,
                symbols: symbols(affected),
                link: link.clone(),
                cwe: weaknesses(node),
                exploited: exploited(node),
                epss: epss(node),
            },
        });
    }
    Some(out)
}

/// The first sentence or line, at most 200 letters.
pub(super) fn one_line(text: &str) -> String {
    let line = text
        .lines()
        .map(str::trim)
        .find(|line| !line.is_empty() && !line.starts_with('#'))
        .unwrap_or_default();
    let mut out: String = line.chars().take(200).filter(|letter| !letter.is_control()).collect();
    if line.chars().count() > 200 {
        out.push('…');
    }
    out
}

fn link(node: &Node, id: &str) -> String {
    let preferred = ["ADVISORY", "WEB"].iter().find_map(|kind| {
        let of = node.items_of("references").iter().filter(|it| it.text_of("type") == Some(kind));
        of.filter_map(|it| it.text_of("url")).find(|url| url.starts_with("https://") && url.len() <= 512)
    });
    preferred.map_or_else(|| format!("https://osv.dev/vulnerability/{id}"), str::to_owned)
}

fn events(range: &Node) -> Vec<Event> {
    let mut out = Vec::new();
    for event in range.items_of("events") {
        let text = |key: &str| event.text_of(key).map(str::to_owned);
        out.extend(text("introduced").map(Event::Introduced));
        out.extend(text("fixed").map(Event::Fixed));
        out.extend(text("last_affected").map(Event::LastAffected));
    }
    // GitHub's way to say the last version before there was a repaired one.
    let last = range.at(&["database_specific", "last_known_affected_version_range"]).and_then(Node::text);
    if let Some(last) = last.and_then(|it| it.strip_prefix("<=")).map(str::trim)
        && !out.iter().any(|it| matches!(it, Event::Fixed(_) | Event::LastAffected(_)))
    {
        out.push(Event::LastAffected(last.to_owned()));
    }
    out
}

fn rate(node: &Node, affected: &Node) -> (Severity, String) {
    let all = affected.items_of("severity").iter().chain(node.items_of("severity"));
    let vectors: Vec<&str> = all.filter_map(|it| it.text_of("score")).collect();
    let own = affected.at(&["database_specific", "cvss"]).and_then(Node::text);
    let vectors: Vec<&str> = vectors.into_iter().chain(own).collect();
    if let Some((score, text)) = severity::score(&vectors) {
        return (severity::of_score(score), text);
    }
    let word = node.at(&["database_specific", "severity"]).and_then(Node::text);
    (word.and_then(severity::of_word).unwrap_or(Severity::Medium), String::new())
}

fn kind(node: &Node, affected: &Node, id: &str) -> Kind {
    let informational = affected.at(&["database_specific", "informational"]).and_then(Node::text);
    let malware = node.at(&["database_specific", "malicious-packages-origins"]).is_some()
        || (node.at(&["database_specific", "cwe_ids"]).map_or(&[][..], Node::items).iter())
            .any(|it| it.text() == Some("CWE-506"));
    match informational {
        Some("unmaintained") => Kind::Unmaintained,
        _ if malware || id.starts_with("MAL-") => Kind::Malicious,
        _ => Kind::Flaw,
    }
}

/// Go names packages and their symbols, PyPA modules and attributes, RustSec and GitHub functions by path.
fn symbols(affected: &Node) -> Vec<String> {
    let mut out = Vec::new();
    for import in affected.at(&["ecosystem_specific", "imports"]).map_or(&[][..], Node::items) {
        let path = import.text_of("path").unwrap_or_default();
        let named = import.items_of("symbols");
        out.extend(named.iter().filter_map(Node::text).map(|symbol| format!("{path} {symbol}")));
        if named.is_empty() && !path.is_empty() {
            out.push(format!("{path} "));
        }
        if let Some(attribute) = import.text_of("attribute") {
            let modules = import.items_of("modules").iter().filter_map(Node::text);
            out.extend(modules.map(|module| format!("{module} {attribute}")));
        }
    }
    let functions = affected.at(&["ecosystem_specific", "affected_functions"]).map_or(&[][..], Node::items);
    for function in functions.iter().filter_map(Node::text).filter(|it| !it.trim().is_empty()) {
        let function = function.trim().trim_end_matches("()");
        let (path, name) = function.rsplit_once(['.', ':', '#']).unwrap_or(("", function));
        out.push(format!("{} {name}", path.trim_end_matches(':')));
    }
    let functions = affected.at(&["ecosystem_specific", "affects", "functions"]);
    for function in functions.map_or(&[][..], Node::items) {
        out.extend(
            function.text().and_then(|it| it.rsplit_once("::")).map(|(path, name)| format!("{path} {name}")),
        );
    }
    out.truncate(512);
    out
}

fn weaknesses(node: &Node) -> Vec<u16> {
    let ids = node.at(&["database_specific", "cwe_ids"]).map_or(&[][..], Node::items);
    ids.iter().filter_map(|it| it.text()?.strip_prefix("CWE-")?.parse().ok()).take(16).collect()
}

/// Databases spell it in their own ways; each says it in `database_specific`.
fn exploited(node: &Node) -> bool {
    let specific = node.get("database_specific");
    specific.is_some_and(|it| {
        ["kev", "cisa_kev", "known_exploited"].iter().any(|key| {
            it.is_true(key) || it.get(key).is_some_and(Node::is_table) || it.text_of(key) == Some("true")
        })
    })
}

fn epss(node: &Node) -> Option<u16> {
    let it = node.at(&["database_specific", "epss"])?;
    let text = it.text().or_else(|| it.text_of("score")).or_else(|| it.text_of("percentage"))?;
    scores::share(text)
}
