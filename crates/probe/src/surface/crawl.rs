//! Following links as somebody, from the start pages on.
//!
//! 1. Read are pages, answers in JSON (links of HAL and JSON:API among them), feeds and site maps, `Link` heads, redirects,
//!    `robots.txt`, `security.txt`, and what stands in comments.
//! 2. A path becomes an operation once it was asked and is there: applications that answer every path with a page have none of
//!    these. Links of which enough alike were followed are believed.
//! 3. What ends a session or removes something is not followed, nor what the facts spare.
//! 4. It ends: of paths that differ in numbers, and of queries that differ in values, a few are followed; a path has a few dozen
//!    queries at most, and one whose parts repeat is a trap.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::html::{self, Page};
use super::{components, is_asset, is_ending, is_spared, learn_form, learn_link, strings};
use crate::field::Field;
use crate::operation::Provenance;
use crate::wire::{Answer, Request, WireError};

/// Paths of one kind that are followed.
const ALIKE: usize = 4;
/// Queries of one path that are followed.
const QUERIES: usize = 30;
/// The longest path and query.
const LONGEST: usize = 2_000;
/// Places that are remembered: a page may lead to as many as it likes.
const MET: usize = 20_000;
/// Parts of a path, and how often the same one may stand in it.
const PARTS: usize = 16;
const REPEATED: usize = 3;
/// Scripts that are kept.
const SCRIPTS: usize = 100;
/// Scripts in pages that are kept.
const INLINE: usize = 200;
/// Site maps that are read.
const MAPS: usize = 8;
/// Places that a site map or a list of rules names.
const NAMED: usize = 300;

/// Where something leads.
struct Lead {
    /// Path and query.
    to: String,
    /// Whether it has to be there to be believed: it was no link.
    faint: bool,
}

#[derive(Default)]
struct Crawl {
    queue: VecDeque<Lead>,
    met: BTreeSet<String>,
    kinds: BTreeMap<String, usize>,
    paths: BTreeMap<String, usize>,
    maps: usize,
    /// What strangers were shown: of such a path one does for somebody.
    public: BTreeSet<String>,
}

/// Follows the links of pages as somebody. The pages with their forms, by path.
///
/// # Errors
/// When the run is over.
pub async fn crawl(field: &mut Field, who: usize, most: usize) -> Result<Vec<(String, Page)>, WireError> {
    let public = field.pages.iter().filter(|(reader, _)| *reader == 0 && who != 0);
    let mut crawl = Crawl { public: public.map(|(_, path)| path.clone()).collect(), ..Crawl::default() };
    let start: Vec<String> = std::iter::once(field.wire.origin().path().to_owned())
        .chain(field.facts.target.start.iter().cloned())
        .collect();
    for to in start {
        if crawl.met.insert(to.clone()) {
            crawl.queue.push_back(Lead { to, faint: false });
        }
    }
    if who == 0 {
        for path in ["/robots.txt", "/sitemap.xml", "/.well-known/security.txt"] {
            crawl.well_known(field, path).await?;
        }
    }
    let mut pages = Vec::new();
    let mut looked = 0_usize;
    while let Some(lead) = crawl.queue.pop_front() {
        if pages.len() >= most || looked >= most.saturating_mul(3) {
            field.note(format!("the crawl looked at {most} pages and stopped; hint: `limits.pages`"));
            break;
        }
        looked = looked.saturating_add(1);
        let path = lead.to.clone();
        let Some(answer) = ask(field, who, &path).await? else { continue };
        field.memory.keep_answer(who, &path, &answer);
        // Where every path gets the same page, the first one is that page.
        let first = pages.is_empty() && looked == 1;
        if field.is_missing(&answer) && !(first && answer.is_success()) {
            continue;
        }
        let there = answer.status < 400 || matches!(answer.status, 401 | 403 | 405 | 500..=599);
        if there && (!lead.faint || answer.status < 400) && !first {
            learn_link(field, &path, Provenance::Page);
        }
        if answer.status >= 400 {
            continue;
        }
        let page = crawl.read(field, &path, &answer);
        if answer.is_success() {
            field.pages.push((who, path.clone()));
            // Only forms are asked for later.
            pages.push((path, Page { forms: page.forms, title: page.title, ..Page::default() }));
        }
    }
    Ok(pages)
}

async fn ask(field: &Field, who: usize, path: &str) -> Result<Option<Answer>, WireError> {
    if is_spared(field, path) {
        return Ok(None);
    }
    match field.request(who, &Request::page(path)).await {
        Ok(answer) => Ok(Some(answer)),
        Err(error) if error.is_end() => Err(error),
        Err(error) => {
            field.note(format!("`GET {path}`: {error}"));
            Ok(None)
        }
    }
}

impl Crawl {
    /// Reads an answer: what it leads to is followed, and its forms are learnt.
    fn read(&mut self, field: &mut Field, path: &str, answer: &Answer) -> Page {
        let mut page = Page::default();
        let heads = answer.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let seen = format!("GET {path}");
        field.notice(components::of_heads(heads, &seen));
        for to in answer.fields("location").map(str::to_owned).collect::<Vec<_>>() {
            self.lead(field, path, &to, false);
        }
        for to in answer.fields("link").flat_map(link_heads).collect::<Vec<_>>() {
            self.lead(field, path, &to, false);
        }
        let kind = answer.media_type().to_owned();
        if answer.is_html() {
            page = html::read(&answer.text());
            field.scripted |= page.scripted;
            field.notice(
                page.generator.iter().filter_map(|text| components::of_generator(text, &seen)).collect(),
            );
            let Some(base) = base_of(field, path, &page) else { return page };
            for link in &page.links {
                self.lead(field, &base, link, false);
            }
            for link in &page.faint {
                self.lead(field, &base, link, true);
            }
            for script in &page.scripts {
                let own = field.wire.origin().inside(&base, script);
                if let Some(own) = own.filter(|_| field.scripts.len() < SCRIPTS) {
                    field.scripts.insert(own);
                }
            }
            let room = INLINE.saturating_sub(field.inline.len());
            field.inline.extend(page.inline.drain(..).filter(|text| text.len() > 20).take(room));
            for form in &page.forms {
                learn_form(field, path, &base, form);
            }
        } else if let Some(body) = answer.json() {
            let mut leads = Vec::new();
            strings(&body, &mut |text| {
                if text.starts_with('/') || text.starts_with("http") {
                    leads.push(text.to_owned());
                }
            });
            for to in leads {
                self.lead(field, path, &to, true);
            }
        } else if kind.contains("xml") {
            for to in named_in(&answer.text()) {
                self.lead(field, path, &to, true);
            }
        }
        page
    }

    fn lead(&mut self, field: &mut Field, from: &str, reference: &str, faint: bool) {
        let Some(to) = field.wire.origin().inside(from, reference) else { return };
        let (path, query) = to.split_once('?').unwrap_or((&to, ""));
        if to.len() > LONGEST || is_asset(path) || is_ending(&to) || is_trap(path) || self.met.len() >= MET {
            return;
        }
        let (kind, place) = kind_of(path, query);
        let of_kind = self.kinds.entry(kind).or_default();
        let of_path = self.paths.entry(place).or_default();
        if self.met.contains(&to) || (*of_path > 0 && self.public.contains(&to)) {
            return;
        }
        if *of_kind >= ALIKE || *of_path >= QUERIES {
            if !faint && field.operations.iter().any(|own| own.matches(path).is_some()) {
                learn_link(field, &to, Provenance::Page);
            }
            return;
        }
        *of_kind = of_kind.saturating_add(1);
        *of_path = of_path.saturating_add(1);
        self.met.insert(to.clone());
        self.queue.push_back(Lead { to, faint });
    }

    /// A file at a usual place that names others.
    async fn well_known(&mut self, field: &mut Field, path: &str) -> Result<(), WireError> {
        let mut todo = vec![path.to_owned()];
        while let Some(path) = todo.pop() {
            if self.maps >= MAPS {
                return Ok(());
            }
            self.maps = self.maps.saturating_add(1);
            let Some(answer) = ask(field, 0, &path).await? else { continue };
            if !answer.is_success() || answer.is_html() || field.is_missing(&answer) {
                continue;
            }
            let text = answer.text();
            let plain = text.trim_start();
            if plain.starts_with('<') {
                let index = plain.contains("<sitemapindex");
                for to in named_in(plain) {
                    match field.wire.origin().inside(&path, &to) {
                        Some(map) if index => todo.push(map),
                        _ => self.lead(field, &path, &to, true),
                    }
                }
                todo.truncate(MAPS);
                continue;
            }
            for line in text.lines().take(NAMED) {
                let Some((name, value)) = line.split_once(':') else { continue };
                let value = value.split('#').next().unwrap_or_default().trim();
                match name.trim().to_ascii_lowercase().as_str() {
                    "sitemap" => todo.extend(field.wire.origin().inside(&path, value)),
                    "allow" | "disallow" if value.starts_with('/') && !value.contains(['*', '$']) => {
                        self.lead(field, &path, value, true);
                    }
                    "policy" | "hiring" | "acknowledgments" | "canonical" | "encryption" | "contact" => {
                        self.lead(field, &path, value, true);
                    }
                    _ => {}
                }
            }
        }
        Ok(())
    }
}

/// The path that references of a page are relative to; nothing where they all lead elsewhere.
fn base_of(field: &Field, path: &str, page: &Page) -> Option<String> {
    match &page.base {
        Some(base) => field.wire.origin().inside(path, base),
        None => Some(path.to_owned()),
    }
}

/// The targets of a `Link` head (RFC 8288).
fn link_heads(value: &str) -> Vec<String> {
    let parts = value.split('<').skip(1).take(50);
    parts.filter_map(|part| Some(part.split_once('>')?.0.trim().to_owned())).collect()
}

/// Places that a site map or a feed names.
fn named_in(text: &str) -> Vec<String> {
    let mut all = Vec::new();
    for name in ["loc", "link", "url", "guid"] {
        for part in text.split(&format!("<{name}>")).skip(1).take(NAMED) {
            let value = part.split('<').next().unwrap_or_default().trim();
            if value.starts_with('/') || value.starts_with("http") {
                all.push(value.replace("&amp;", "&"));
            }
        }
    }
    all.extend(html::read(text).links);
    all.truncate(NAMED);
    all
}

/// What a path and a query are of, and the path alone: numbers by a placeholder, values of queries left out but for words that
/// may choose what is shown.
fn kind_of(path: &str, query: &str) -> (String, String) {
    let mut place = String::with_capacity(path.len());
    // `;jsessionid=…` is no part of a path.
    for part in path.split('/').map(|part| part.split(';').next().unwrap_or_default()) {
        let mut digits = false;
        for letter in part.chars() {
            if letter.is_ascii_digit() {
                if !digits {
                    place.push('#');
                }
                digits = true;
            } else {
                digits = false;
                place.push(letter);
            }
        }
        if super::is_value(part) {
            place.push_str("{}");
        }
        place.push('/');
    }
    let mut names: Vec<String> = url::form_urlencoded::parse(query.as_bytes())
        .take(50)
        .map(|(name, value)| {
            let word = value.len() <= 24
                && value.chars().all(|letter| letter.is_ascii_alphabetic() || "._-/".contains(letter));
            if word { format!("{name}={value}") } else { name.into_owned() }
        })
        .collect();
    names.sort();
    names.dedup();
    (format!("{place}?{}", names.join("&")), place)
}

/// A path that goes on for ever: its parts repeat, or are too many.
fn is_trap(path: &str) -> bool {
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    let repeated = |part: &&str| parts.iter().filter(|own| *own == part).count() >= REPEATED;
    parts.len() > PARTS || parts.iter().any(repeated)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_in_values_is_of_one_kind() {
        let kind = |path: &str, query: &str| kind_of(path, query).0;
        assert_eq!(kind("/item-7", "a=1&b=2"), kind("/item-12", "b=9&a=3"));
        assert_eq!(kind("/2026/01/02/x", ""), kind("/2025/11/30/x", ""));
        assert_eq!(kind("/a;jsessionid=0123", ""), kind("/a;jsessionid=9876", ""));
        assert_ne!(kind("/index", "page=about"), kind("/index", "page=news"));
        assert_eq!(kind_of("/index", "page=about").1, kind_of("/index", "page=news").1);
    }

    #[test]
    fn paths_without_end_are_traps() {
        assert!(is_trap("/a/b/a/b/a/b") && is_trap(&"/x1/x2".repeat(10)));
        assert!(!is_trap("/users/1/friends/1/notes"));
    }

    #[test]
    fn places_are_read_from_heads_and_maps() {
        assert_eq!(link_heads("</a?x>; rel=next, <http://b/c>; rel=\"x\""), ["/a?x", "http://b/c"]);
        let map = "<urlset><url><loc> /a?b=1&amp;c=2 </loc></url><url><loc>nothing</loc></url></urlset>";
        assert_eq!(named_in(map), ["/a?b=1&c=2"]);
    }
}
