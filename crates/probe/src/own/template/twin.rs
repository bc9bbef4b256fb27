//! The twin of a template's request: the same request for something that nobody has.
//!
//! Where the block has payloads, words in their place; else other values in the query; else another last segment of the path, with
//! the ending it has. The first page of an application has no twin.

use std::collections::BTreeMap;

use crate::wire::Request;

/// Payloads that are words.
pub(super) fn of_payloads(
    set: &BTreeMap<String, String>,
    mut word: impl FnMut() -> String,
) -> Option<BTreeMap<String, String>> {
    (!set.is_empty()).then(|| set.keys().map(|name| (name.clone(), word())).collect())
}

/// Another place.
pub(super) fn of_request(request: &Request, mut word: impl FnMut() -> String) -> Option<Request> {
    let (path, query) = match request.target.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (request.target.as_str(), None),
    };
    let mut twin = request.clone();
    let pairs: Vec<String> = query
        .unwrap_or_default()
        .split('&')
        .map(|pair| match pair.split_once('=') {
            Some((name, value)) if !value.is_empty() => format!("{name}={}", word()),
            _ => pair.to_owned(),
        })
        .collect();
    if query.is_some_and(|query| pairs.join("&") != query) {
        twin.target = format!("{path}?{}", pairs.join("&"));
        return Some(twin);
    }
    let trimmed = path.trim_end_matches('/');
    let (before, last) = trimmed.rsplit_once('/')?;
    if last.is_empty() {
        return None;
    }
    let ending = last.rsplit_once('.').filter(|(name, end)| !name.is_empty() && end.len() <= 6);
    let ending = ending.map(|(_, end)| format!(".{end}")).unwrap_or_default();
    let slash = path.get(trimmed.len()..).unwrap_or_default();
    let query = query.map(|query| format!("?{query}")).unwrap_or_default();
    twin.target = format!("{before}/{}{ending}{slash}{query}", word());
    Some(twin)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_twin_asks_for_what_nobody_has() {
        let twin =
            |target: &str| of_request(&Request::get(target), || "w".to_owned()).map(|request| request.target);
        for (target, wanted) in [
            ("/.git/config", "/.git/w"),
            ("/.env", "/w"),
            ("/a/b.php", "/a/w.php"),
            ("/a/b/", "/a/w/"),
            ("/a?x=1&y", "/a?x=w&y"),
            ("/a?flag", "/w?flag"),
        ] {
            assert_eq!(twin(target).as_deref(), Some(wanted), "{target}");
        }
        assert_eq!(twin("/"), None);
        assert_eq!(twin(""), None);
    }
}
