//! Requests as pages write them, and the routes they are for.

use gabion_syntax::tree::{Call, Entry, Expr, ExprKind, Key, Module, Part};

/// What stands for a value in a path.
const VALUE: char = '\u{fffc}';
/// Segments of a path that is looked at.
const SEGMENTS: usize = 24;

/// A request that a page sends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Request {
    pub(crate) method: String,
    /// Segments; none is a value.
    path: Vec<Option<String>>,
    /// Something that is not known stands before it: `${API}/users`.
    behind: bool,
}

impl Request {
    /// It has a body that a form fills.
    pub(crate) fn sends(&self) -> bool {
        matches!(self.method.as_str(), "POST" | "PUT" | "PATCH")
    }

    /// Whether a route with that method and path would answer it.
    pub(crate) fn is_for(&self, method: &str, path: &str) -> bool {
        if method != self.method && method != "ANY" {
            return false;
        }
        let route: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).take(SEGMENTS).collect();
        let Some(extra) = route.len().checked_sub(self.path.len()) else { return false };
        if extra > 0 && !self.behind {
            return false;
        }
        let mut words = 0_usize;
        let fits = route.iter().skip(extra).zip(&self.path).all(|(own, asked)| {
            let any = own.starts_with('{');
            match asked {
                Some(asked) if !any => {
                    words = words.saturating_add(1);
                    asked == own
                }
                // A value in a place that has a name of its own in the route is another route.
                None => any,
                Some(_) => true,
            }
        });
        fits && words > 0
    }
}

/// `fetch('/x', { method: 'POST' })`, `axios.post('/x')`, `api.delete(`/x/${id}`)`, `axios({ url, method })`.
pub(super) fn requested(module: &Module, call: &Call) -> Option<Request> {
    let first = &call.arguments.first()?.value;
    let (name, owner) = match &call.callee.kind {
        ExprKind::Name(name) => (module.text(*name), None),
        ExprKind::Member { object, name } => (module.text(*name), Some(last_word(module, object)?)),
        _ => return None,
    };
    match owner {
        None | Some("window" | "globalThis") if matches!(name, "fetch" | "$fetch" | "ofetch") => {
            let options = call.arguments.get(1).map(|one| &one.value);
            let method = match options.map(|options| field(module, options, "method")) {
                Some(Some(method)) => text(module, method)?.to_ascii_uppercase(),
                _ => "GET".to_owned(),
            };
            request(module, method, first)
        }
        None if matches!(name, "axios" | "ky" | "request") => match &first.kind {
            ExprKind::Object { .. } => {
                let method = match field(module, first, "method") {
                    Some(method) => text(module, method)?.to_ascii_uppercase(),
                    None => "GET".to_owned(),
                };
                request(module, method, field(module, first, "url")?)
            }
            _ => None,
        },
        Some(owner) if is_client(owner) => {
            let method = match name {
                "get" => "GET",
                "post" => "POST",
                "put" => "PUT",
                "patch" => "PATCH",
                "delete" | "del" => "DELETE",
                _ => return None,
            };
            request(module, method.to_owned(), first)
        }
        _ => None,
    }
}

/// What sends requests is called so.
fn is_client(name: &str) -> bool {
    let name = name.trim_start_matches('$').to_ascii_lowercase();
    matches!(name.as_str(), "axios" | "http" | "ky" | "superagent" | "request" | "client" | "fetcher")
        || ["api", "axios", "httpclient", "apiclient", "axiosinstance"].iter().any(|end| name.ends_with(end))
}

fn last_word<'a>(module: &'a Module, one: &Expr) -> Option<&'a str> {
    match &one.kind {
        ExprKind::Name(name) | ExprKind::Member { name, .. } => Some(module.text(*name)),
        ExprKind::This => Some("this"),
        _ => None,
    }
}

fn field<'a>(module: &Module, object: &'a Expr, wanted: &str) -> Option<&'a Expr> {
    let ExprKind::Object { entries, .. } = &object.kind else { return None };
    entries.iter().find_map(|entry| match entry {
        Entry::Pair(Key::Name(name), value) if module.text(*name) == wanted => Some(value),
        _ => None,
    })
}

fn text<'a>(module: &'a Module, one: &Expr) -> Option<&'a str> {
    match &one.kind {
        ExprKind::String(text) => Some(module.text(*text)),
        _ => None,
    }
}

fn request(module: &Module, method: String, address: &Expr) -> Option<Request> {
    let mut written = String::new();
    spelled(module, address, &mut written, 8);
    let written = written.split(['?', '#']).next().unwrap_or_default();
    let (behind, path) = match written.strip_prefix(VALUE) {
        Some(path) => (true, path),
        None => (false, written),
    };
    // Another server answers what begins with its name.
    if !path.starts_with('/') || path.starts_with("//") || path.len() > 500 {
        return None;
    }
    let parts = path.split('/').filter(|part| !part.is_empty()).take(SEGMENTS);
    let path: Vec<Option<String>> =
        parts.map(|part| (!part.contains(VALUE)).then(|| part.to_owned())).collect();
    (!path.is_empty()).then_some(Request { method, path, behind })
}

/// A text with what is not known of it.
fn spelled(module: &Module, one: &Expr, into: &mut String, depth: usize) {
    match &one.kind {
        ExprKind::String(text) => into.push_str(module.text(*text)),
        ExprKind::Template { parts, .. } => {
            for part in parts {
                match part {
                    Part::Text(text) => into.push_str(module.text(*text)),
                    Part::Value(_) => into.push(VALUE),
                }
            }
        }
        ExprKind::Binary { op: gabion_syntax::tree::BinaryOp::Add, left, right } if depth > 0 => {
            spelled(module, left, into, depth.saturating_sub(1));
            spelled(module, right, into, depth.saturating_sub(1));
        }
        _ => into.push(VALUE),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(address: &str) -> Option<Request> {
        let text = format!("fetch({address}, {{ method: 'post' }})");
        let parsed = gabion_syntax::parse(gabion_syntax::Language::JavaScript, &text);
        let module = parsed.module;
        let body = &module.functions.first().unwrap().body;
        let gabion_syntax::tree::StmtKind::Expr(Expr { kind: ExprKind::Call(call), .. }) = &body[0].kind
        else {
            panic!("{body:?}");
        };
        requested(&module, call)
    }

    #[test]
    fn which_route_answers() {
        let is_for = |address: &str, path: &str| of(address).is_some_and(|one| one.is_for("POST", path));
        assert!(is_for("'/api/users'", "/api/users"));
        assert!(is_for("`/api/users/${id}?x=1`", "/api/users/{id}"));
        assert!(is_for("'/api/users/' + id + '/roles'", "/api/users/{id}/roles"));
        assert!(is_for("`${API}/users/${id}`", "/api/v1/users/{id}"));
        assert!(is_for("'/api/users/me'", "/api/users/{id}"));
        assert!(!is_for("'/api/users'", "/api/users/{id}"));
        assert!(!is_for("'/api/users'", "/v1/api/users"));
        assert!(!is_for("`/api/${kind}/x`", "/api/users/x"));
        assert!(!is_for("`${API}/${id}`", "/{kind}/{id}"));
        assert!(!is_for("'https://other.example/api/users'", "/api/users"));
        assert!(!of("'/api/users'").unwrap().is_for("GET", "/api/users"));
    }
}
