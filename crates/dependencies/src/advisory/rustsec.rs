//! RustSec's own form: Markdown that begins with a block of TOML (<https://github.com/rustsec/advisory-db>).

use gabion_finding::Ecosystem;
use gabion_model::Severity;

use super::osv::one_line;
use super::{Advisory, Entry, Event, Kind, severity};
use crate::document::{self, Malformed, Node};

pub(super) fn entries(text: &str) -> Result<Vec<Entry>, Malformed> {
    let rest = text.trim_start().strip_prefix("```toml");
    let rest = rest.ok_or_else(|| Malformed::new(0, "it does not begin with a block of TOML"))?;
    let (front, prose) =
        rest.split_once("\n```").ok_or_else(|| Malformed::new(0, "the block of TOML has no end"))?;
    let node = document::toml(front)?;
    let missing = |key: &str| Malformed::new(0, format!("`{key}` is missing"));
    let about = node.get("advisory").ok_or_else(|| missing("advisory"))?;
    let id = about.text_of("id").ok_or_else(|| missing("advisory.id"))?;
    let package = about.text_of("package").ok_or_else(|| missing("advisory.package"))?;
    if about.text_of("withdrawn").is_some() {
        return Ok(Vec::new());
    }
    let texts =
        |key: &str| about.items_of(key).iter().filter_map(Node::text).map(str::to_owned).collect::<Vec<_>>();
    let scored = severity::score(&about.text_of("cvss").into_iter().collect::<Vec<_>>());
    let informational = about.text_of("informational");
    let (severity, score) = match (scored, informational) {
        (Some((score, text)), _) => (severity::of_score(score), text),
        (None, Some("notice" | "unmaintained")) => (Severity::Low, String::new()),
        (None, _) => (Severity::Medium, String::new()),
    };
    let kind = if informational == Some("unmaintained") {
        Kind::Unmaintained
    } else if texts("categories").iter().any(|it| it == "malicious") || prose.contains("malicious crate") {
        Kind::Malicious
    } else {
        Kind::Flaw
    };
    let title = prose.lines().find_map(|line| line.strip_prefix("# ")).unwrap_or(prose);
    let ranges = |key: &str| {
        let all = node.at(&["versions", key]).map_or(&[][..], Node::items);
        all.iter().filter_map(Node::text).collect::<Vec<_>>()
    };
    let functions = node.at(&["affected", "functions"]).map_or(&[][..], Node::members);
    let symbols = functions.iter().filter_map(|it| it.key.rsplit_once("::"));
    let advisory = Advisory {
        id: id.to_owned(),
        aliases: texts("aliases"),
        summary: one_line(title),
        kind,
        severity,
        score,
        ranges: affected(&ranges("patched"), &ranges("unaffected")),
        versions: Vec::new(),
        symbols: symbols.map(|(path, name)| format!("{path} {name}")).collect(),
        link: format!("https://rustsec.org/advisories/{id}"),
        cwe: Vec::new(),
        exploited: false,
        epss: None,
    };
    Ok(vec![Entry { ecosystem: Ecosystem::Cargo, name: package.to_owned(), advisory }])
}

/// RustSec names what is not affected; OSV's events name what is. Ranges of several conditions are intervals that are whole.
fn affected(patched: &[&str], unaffected: &[&str]) -> Vec<Vec<Event>> {
    let mut whole: Vec<(String, Option<String>)> = Vec::new();
    for range in patched.iter().chain(unaffected) {
        let (mut low, mut high) = ("0".to_owned(), None);
        for part in range.split(',').map(str::trim) {
            let digits = part.trim_start_matches(['<', '>', '=', '^', '~', ' ']);
            let sign = part.get(..part.len() - digits.len()).unwrap_or_default().trim();
            match sign {
                ">=" => digits.clone_into(&mut low),
                ">" => low = after(digits),
                "<" => high = Some(digits.to_owned()),
                "<=" => high = Some(after(digits)),
                "=" => {
                    digits.clone_into(&mut low);
                    high = Some(after(digits));
                }
                _ => {
                    digits.clone_into(&mut low);
                    high = caret(digits, sign == "~");
                }
            }
        }
        whole.push((low, high));
    }
    let order = |text: &str| crate::Version::read(Ecosystem::Cargo, text);
    whole.sort_by_cached_key(|(low, _)| order(low));
    let mut events = Vec::new();
    let mut from = Some("0".to_owned());
    for (low, high) in whole {
        if let Some(start) = from.take()
            && order(&start) < order(&low)
        {
            events.push(Event::Introduced(start));
            events.push(Event::Fixed(low));
        }
        from = high;
        if from.is_none() {
            break;
        }
    }
    events.extend(from.map(Event::Introduced));
    if events.is_empty() { Vec::new() } else { vec![events] }
}

/// The lowest version behind one.
fn after(version: &str) -> String {
    if version.contains('-') {
        return format!("{version}.0");
    }
    let mut numbers: Vec<u64> = version.split('.').map(|it| it.parse().unwrap_or(0)).collect();
    numbers.resize(3, 0);
    if let Some(last) = numbers.last_mut() {
        *last = last.saturating_add(1);
    }
    format!("{}-0", join(&numbers))
}

/// Where `^1.2` (or `~1.2`) ends.
fn caret(version: &str, tilde: bool) -> Option<String> {
    let mut numbers: Vec<u64> = version.split(['.', '-']).take(3).map_while(|it| it.parse().ok()).collect();
    let last = numbers.len().checked_sub(1)?;
    let at = if tilde { last.min(1) } else { numbers.iter().position(|it| *it > 0).unwrap_or(last) };
    let bumped = numbers.get_mut(at)?;
    *bumped = bumped.saturating_add(1);
    numbers.truncate(at + 1);
    numbers.resize(3, 0);
    Some(format!("{}-0", join(&numbers)))
}

fn join(numbers: &[u64]) -> String {
    numbers.iter().map(u64::to_string).collect::<Vec<_>>().join(".")
}
