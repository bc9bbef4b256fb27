//! What was found and what is still to be done: states are known by their shape, addresses by their kind.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};

use url::Url;

use super::{Ended, ExploreOptions, Explored, FormFound, UrlFound};
use crate::sight::Form;

/// Addresses that are kept.
const URLS: usize = 10_000;
/// Forms that are kept.
const FORMS: usize = 2_000;

/// Shared by the pages that explore.
#[derive(Debug, Default)]
pub(super) struct Plan {
    /// Addresses to visit.
    todo: VecDeque<String>,
    /// How many pages are at work; who is may find more to do.
    pub(super) busy: usize,
    urls: BTreeMap<String, UrlFound>,
    /// Addresses that were queued, by kind.
    kinds: HashMap<String, usize>,
    queued: HashSet<String>,
    shapes: HashSet<String>,
    /// What was pressed, and on which kinds of pages.
    pressed: HashMap<String, HashSet<String>>,
    sent: HashSet<String>,
    forms: Vec<FormFound>,
    forms_seen: HashSet<String>,
    pub(super) avoided: Vec<String>,
    pub(super) clicks: usize,
    pub(super) lost: usize,
    /// Time is over.
    pub(super) over: bool,
    /// What there was not enough of; addresses are visited all the same.
    used_up: Option<Ended>,
}

impl Plan {
    pub(super) fn next(&mut self) -> Option<String> {
        if self.over { None } else { self.todo.pop_front() }
    }

    /// An address was seen on `on`. It is visited when it may be, and when not enough of its kind were.
    pub(super) fn found(&mut self, url: &str, on: &str, visit: bool, options: &ExploreOptions) {
        let Some((address, kind)) = normal(url) else { return };
        if self.urls.len() < URLS {
            self.urls.entry(address.clone()).or_insert_with(|| UrlFound {
                url: address.clone(),
                on: on.to_owned(),
                visited: false,
            });
        }
        if !visit || !self.queued.insert(address.clone()) {
            return;
        }
        let of_kind = self.kinds.entry(kind).or_default();
        *of_kind = of_kind.saturating_add(1);
        if *of_kind <= options.per_kind {
            self.todo.push_back(address);
        }
    }

    pub(super) fn visited(&mut self, url: &str) {
        if let Some((address, _)) = normal(url)
            && let Some(found) = self.urls.get_mut(&address)
        {
            found.visited = true;
        }
    }

    /// Whether nothing of this shape was seen before.
    pub(super) fn is_new(&mut self, shape: &str, options: &ExploreOptions) -> bool {
        if self.shapes.contains(shape) {
            return false;
        }
        if self.shapes.len() >= options.states {
            self.used_up.get_or_insert(Ended::States);
            return false;
        }
        self.shapes.insert(shape.to_owned())
    }

    /// Whether something is to be pressed: on a few kinds of pages, once each, as long as there are clicks left.
    pub(super) fn press(&mut self, key: &str, page: &str, options: &ExploreOptions) -> bool {
        let page = normal(page).map_or_else(String::new, |(_, kind)| kind);
        let met = self.pressed.get(key);
        if met.is_some_and(|met| met.contains(&page) || met.len() >= options.per_key) {
            return false;
        }
        if self.clicks >= options.clicks {
            self.used_up.get_or_insert(Ended::Clicks);
            return false;
        }
        self.clicks = self.clicks.saturating_add(1);
        self.pressed.entry(key.to_owned()).or_default().insert(page)
    }

    pub(super) fn form(&mut self, page: &str, form: &Form) {
        if form.loose && form.fields.is_empty() {
            return;
        }
        let page_kind = normal(page).map_or_else(String::new, |(_, kind)| kind);
        let signature = if form.loose { format!("{page_kind} {}", signature(form)) } else { signature(form) };
        if self.forms.len() < FORMS && self.forms_seen.insert(signature) {
            self.forms.push(FormFound { page: page.to_owned(), form: form.clone() });
        }
    }

    /// Whether this form is to be sent: once each kind.
    pub(super) fn send(&mut self, form: &Form) -> bool {
        self.sent.insert(signature(form))
    }

    pub(super) fn into_explored(self) -> Explored {
        Explored {
            urls: self.urls.into_values().collect(),
            forms: self.forms,
            requests: Vec::new(),
            avoided: self.avoided,
            states: self.shapes.len(),
            clicks: self.clicks,
            lost: self.lost,
            ended: if self.over { Ended::Time } else { self.used_up.unwrap_or(Ended::Complete) },
        }
    }
}

/// What a form is, whatever stands in it.
fn signature(form: &Form) -> String {
    let names: Vec<String> =
        form.fields.iter().map(|field| format!("{}:{}", field.name, field.kind)).collect();
    let action = normal(&form.action).map_or_else(|| form.action.clone(), |(_, kind)| kind);
    format!("{} {action} {}", form.method, names.join(","))
}

/// An address without the fragment that only scrolls; and its kind: numbers and identifiers by a placeholder, queries by
/// their names.
fn normal(url: &str) -> Option<(String, String)> {
    let mut url = Url::parse(url).ok()?;
    if !matches!(url.scheme(), "http" | "https") {
        return None;
    }
    let route = url.fragment().filter(|one| one.starts_with('/') || one.starts_with('!')).map(str::to_owned);
    url.set_fragment(route.as_deref());
    let mut names: Vec<String> = url.query_pairs().map(|(name, _)| name.into_owned()).collect();
    names.sort();
    names.dedup();
    let path: Vec<String> = url.path().split('/').map(piece).collect();
    let route: Vec<String> = route.unwrap_or_default().split('/').map(piece).collect();
    let kind = format!(
        "{}{}?{}#{}",
        url.origin().ascii_serialization(),
        path.join("/"),
        names.join("&"),
        route.join("/")
    );
    Some((url.into(), kind))
}

/// A part of a path, or what stands for all of its kind.
fn piece(part: &str) -> String {
    let digits = part.chars().filter(char::is_ascii_digit).count();
    let hex = part.len() >= 16 && part.chars().all(|c| c.is_ascii_hexdigit() || c == '-');
    if hex || (digits > 0 && digits.saturating_mul(2) >= part.len()) || part.len() > 60 {
        "{}".to_owned()
    } else {
        part.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(url: &str) -> String {
        normal(url).unwrap().1
    }

    #[test]
    fn addresses_of_one_kind() {
        assert_eq!(kind("http://a/items/12?b=1&a=2"), kind("http://a/items/7?a=x&b=y"));
        assert_eq!(kind("http://a/o/0123456789abcdef-01"), kind("http://a/o/5"));
        assert_ne!(kind("http://a/items/new"), kind("http://a/items/12"));
        assert_ne!(kind("http://a/#/one"), kind("http://a/#/two"));
        assert_eq!(normal("http://a/x#top").unwrap().0, "http://a/x");
        assert_eq!(normal("http://a/x#/top").unwrap().0, "http://a/x#/top");
        assert_eq!(normal("mailto:a@b.test"), None);
    }

    #[test]
    fn a_few_of_each_kind_are_visited_and_all_are_found() {
        let options = ExploreOptions { per_kind: 2, ..ExploreOptions::default() };
        let mut plan = Plan::default();
        for number in 0..10 {
            plan.found(&format!("http://a/items/{number}"), "http://a/", true, &options);
        }
        plan.found("http://a/logout", "http://a/", false, &options);
        let mut todo = 0;
        while plan.next().is_some() {
            todo += 1;
        }
        assert_eq!(todo, 2);
        assert_eq!(plan.into_explored().urls.len(), 11);
    }

    #[test]
    fn clicks_end() {
        let options = ExploreOptions { clicks: 2, ..ExploreOptions::default() };
        let mut plan = Plan::default();
        let page = "http://a/";
        assert!(plan.press("a", page, &options) && !plan.press("a", page, &options));
        assert!(plan.press("b", page, &options) && !plan.press("c", page, &options));
        assert_eq!(plan.into_explored().ended, Ended::Clicks);
    }
}
