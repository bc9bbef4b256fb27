//! Paths of routes in one form: `/users/{id}`.

use crate::value::HOLE;

/// A path as frameworks write it, in our form: `:id`, `<int:id>`, `[id]`, `{id:int}`, `(?P<id>\d+)` and `*rest` are `{…}`.
pub(crate) fn normal(path: &str) -> String {
    let path = path.trim_start_matches('^').trim_end_matches('$');
    let mut out = String::from("/");
    for part in path.split('/').filter(|part| !part.is_empty()) {
        if !out.ends_with('/') {
            out.push('/');
        }
        out.push_str(&segment(part));
    }
    out
}

/// Two of them, one behind the other.
pub(crate) fn joined(before: &str, behind: &str) -> String {
    let start = before.trim_end_matches('/');
    let end = behind.trim_start_matches('/');
    if end.is_empty() && !start.is_empty() { start.to_owned() } else { format!("{start}/{end}") }
}

/// Names of the parameters of a path in our form.
pub(crate) fn names(path: &str) -> impl Iterator<Item = &str> {
    path.split('{').skip(1).filter_map(|rest| rest.split('}').next()).filter(|name| !name.is_empty())
}

fn segment(part: &str) -> String {
    let mut out = String::new();
    let mut rest = part;
    while let Some(first) = rest.chars().next() {
        let (end, close) = match first {
            ':' | '*' => {
                let name = rest.trim_start_matches([':', '*']);
                let length =
                    name.find(|one: char| !one.is_alphanumeric() && one != '_').unwrap_or(name.len());
                out.push_str(&format!("{{{}}}", name.get(..length).unwrap_or_default()));
                let after = name.get(length..).unwrap_or_default();
                // A pattern behind the name: `:id(\d+)`, `:id?`.
                rest = match after.strip_prefix('(') {
                    Some(inside) => inside.split_once(')').map_or("", |(_, rest)| rest),
                    None => after.trim_start_matches('?'),
                };
                continue;
            }
            '<' => ('<', '>'),
            '{' => ('{', '}'),
            '[' => ('[', ']'),
            '(' => ('(', ')'),
            HOLE => {
                out.push_str("{}");
                rest = rest.get(HOLE.len_utf8()..).unwrap_or_default();
                continue;
            }
            one => {
                out.push(one);
                rest = rest.get(one.len_utf8()..).unwrap_or_default();
                continue;
            }
        };
        let inside = rest.get(end.len_utf8()..).unwrap_or_default();
        let (name, after) = inside.split_once(close).unwrap_or((inside, ""));
        rest = after.trim_start_matches([']', '?', '+', '*', '}', ')']);
        out.push_str(&format!("{{{}}}", parameter(name, end)));
    }
    out
}

/// The name in what stands between brackets.
fn parameter(text: &str, open: char) -> String {
    let text = text.trim_start_matches(['.', '*', '[']);
    let name = match open {
        // `<int:id>`, `<id>`.
        '<' => text.rsplit(':').next().unwrap_or(text),
        // `(?P<id>\d+)`.
        '(' => text.split_once('<').and_then(|(_, rest)| rest.split_once('>')).map_or("", |(name, _)| name),
        // `{id:[0-9]+}`, `{id:path}`.
        _ => text.split(':').next().unwrap_or(text),
    };
    name.chars().filter(|one| one.is_alphanumeric() || matches!(one, '_' | '-')).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_form_for_all() {
        for (written, expected) in [
            ("/users/:id", "/users/{id}"),
            ("users/<int:pk>/", "/users/{pk}"),
            ("/users/{id:[0-9]+}/x", "/users/{id}/x"),
            ("^users/(?P<id>\\d+)/$", "/users/{id}"),
            ("/a/[id]/[...slug]", "/a/{id}/{slug}"),
            ("/a/[[...slug]]", "/a/{slug}"),
            ("/a/:id(\\d+)/b", "/a/{id}/b"),
            ("/a/:id?", "/a/{id}"),
            ("/files/*", "/files/{}"),
            ("/from-:from.json", "/from-{from}.json"),
            ("", "/"),
            ("/\u{FFFC}/x", "/{}/x"),
        ] {
            assert_eq!(normal(written), expected, "{written}");
        }
        assert_eq!(joined("/api", "/"), "/api");
        assert_eq!(joined("", "/x"), "/x");
        assert_eq!(joined("/", "/"), "/");
        assert_eq!(names("/a/{id}/{b}").collect::<Vec<_>>(), ["id", "b"]);
    }
}
