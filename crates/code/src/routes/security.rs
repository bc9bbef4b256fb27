//! Spring Security: which paths a chain of filters lets through, and for whom.
//!
//! A chain is a function that is given `HttpSecurity`. Its calls are read in the order they are written: the first matcher that
//! covers a path decides, as at run time. What cannot be read (a matcher made elsewhere) may cover anything, and is said as such.

use std::rc::Rc;

use gabion_finding::Span;
use gabion_syntax::Language;
use gabion_syntax::tree::{Expr, ExprKind, Function};

use super::assemble::{Guard, Route};
use super::declared::texts;
use crate::walk::{self, Visitor};
use crate::world::{Loaded, World};

/// Chains and matchers of one program.
const MOST: usize = 64;
/// Matchers of one chain.
const MATCHERS: usize = 512;
/// Segments of a path that are compared.
const SEGMENTS: usize = 64;

/// What one function says.
#[derive(Debug, Clone, Default)]
pub(crate) struct Chain {
    module: usize,
    /// The paths it is for; empty: all.
    paths: Vec<String>,
    matchers: Vec<Matcher>,
    /// No session is kept: nothing that a browser sends by itself identifies anybody.
    pub(crate) stateless: bool,
}

#[derive(Debug, Clone, Default)]
struct Matcher {
    span: Span,
    method: Option<String>,
    /// Empty: all.
    paths: Vec<String>,
    /// Paths of which a part is not known.
    unknown: bool,
    /// What it asks for; empty: nothing yet.
    asks: String,
}

/// One call, by the word that is called.
struct Word {
    at: u32,
    name: String,
    /// What it is given, as paths and a method.
    matcher: Matcher,
    /// Constants it is given.
    given: Vec<String>,
    of_something: bool,
}

struct Words<'l> {
    loaded: &'l Loaded,
    found: Vec<Word>,
}

impl World<'_> {
    /// All chains of the tree.
    pub(crate) fn security_chains(&mut self) -> Vec<Chain> {
        let mut chains = Vec::new();
        for module in 0..self.units.len() {
            let Some(loaded) = self.load_of(module, &[Language::Java]) else { continue };
            if !loaded.module().texts.iter().any(|text| &**text == "HttpSecurity" || &**text == "WebSecurity")
            {
                continue;
            }
            for function in &loaded.module().functions {
                if chains.len() < MOST && is_given_security(&loaded, function) {
                    chains.extend(chain(&loaded, module, function));
                }
            }
        }
        // A chain for some paths is asked before one for all.
        chains.sort_by_key(|chain| chain.paths.is_empty());
        chains
    }

    /// What stands before a route because of chains.
    pub(crate) fn security_guard(&mut self, chains: &[Chain], route: &Route) -> Option<Guard> {
        let chain = chains.iter().find(|chain| {
            chain.paths.is_empty() || chain.paths.iter().any(|path| covers(path, &route.path))
        })?;
        let method = |one: &&Matcher| match &one.method {
            Some(method) => route.method == *method || route.method == "ANY",
            None => true,
        };
        let covering = |one: &&Matcher| {
            one.unknown || one.paths.is_empty() || one.paths.iter().any(|path| covers(path, &route.path))
        };
        let found = chain.matchers.iter().filter(method).find(covering)?;
        let name = match (found.unknown, open(&found.asks), found.paths.is_empty()) {
            // Everybody, or somebody: nobody knows.
            (true, _, _) => format!("security {}", found.asks),
            // What is left over is open: that is no decision about this route.
            (false, true, true) => return None,
            (false, true, false) if found.paths.iter().all(|path| is_wide(path)) => return None,
            (false, _, _) => found.asks.clone(),
        };
        let (module, span, functions) = (chain.module, found.span, Vec::new());
        Some(Guard { name, module, span, functions, class: None, below: String::new() })
    }
}

fn open(asks: &str) -> bool {
    asks.starts_with("permitAll") || asks.starts_with("anonymous")
}

/// `/**`, `/api/**`: not one route but whatever there is.
fn is_wide(path: &str) -> bool {
    path.ends_with("**")
        && path.split('/').filter(|part| !part.is_empty()).count() <= 2
        && !names_public(path)
}

fn names_public(path: &str) -> bool {
    const OPEN: &[&str] = &[
        "public", "auth", "login", "sign", "regist", "static", "open", "error", "swagger", "docs",
        "actuator", "webjars", "health", "assets", "css", "js", "images", "oauth", "webhook",
    ];
    let path = path.to_lowercase();
    OPEN.iter().any(|word| path.contains(word))
}

fn is_given_security(loaded: &Loaded, function: &Function) -> bool {
    function.params.iter().any(|param| {
        let of_type = param.of_type.as_ref().map(|of_type| loaded.text(of_type.path)).unwrap_or_default();
        matches!(of_type.rsplit('.').next(), Some("HttpSecurity" | "WebSecurity"))
    })
}

fn chain(loaded: &Rc<Loaded>, module: usize, function: &Function) -> Option<Chain> {
    let mut words = Words { loaded, found: Vec::new() };
    for one in &loaded.module().functions {
        if function.span.start <= one.span.start && one.span.end <= function.span.end {
            walk::function(one, &mut words);
        }
    }
    let mut found = words.found;
    found.sort_by_key(|word| word.at);
    found.dedup_by_key(|word| word.at);
    let mut chain = Chain { module, ..Chain::default() };
    let mut next: Option<Matcher> = None;
    let mut ignoring = false;
    for word in found {
        read(word, &mut chain, &mut next, &mut ignoring);
        if chain.matchers.len() >= MATCHERS {
            break;
        }
    }
    (!chain.matchers.is_empty()).then_some(chain)
}

fn read(word: Word, chain: &mut Chain, next: &mut Option<Matcher>, ignoring: &mut bool) {
    match word.name.as_str() {
        "requestMatchers" | "antMatchers" | "mvcMatchers" | "regexMatchers" | "pathMatchers" => {
            let mut matcher = word.matcher;
            matcher.unknown |= matcher.paths.is_empty() && matcher.method.is_none();
            matcher.unknown |= word.name == "regexMatchers";
            if *ignoring {
                "permitAll()".clone_into(&mut matcher.asks);
                chain.matchers.push(matcher);
            } else {
                *next = Some(matcher);
            }
        }
        "anyRequest" | "anyExchange" => {
            *next = Some(Matcher { span: word.matcher.span, ..Matcher::default() });
        }
        "ignoring" => *ignoring = true,
        "securityMatcher" | "securityMatchers" => chain.paths.extend(word.matcher.paths),
        // `http.antMatcher("/api/**")`, not the one that makes a matcher.
        "antMatcher" if next.is_none() && chain.matchers.is_empty() && word.of_something => {
            chain.paths.extend(word.matcher.paths);
        }
        "sessionCreationPolicy" => chain.stateless |= word.given.iter().any(|text| text == "STATELESS"),
        "permitAll" | "authenticated" | "hasRole" | "hasAuthority" | "hasAnyRole" | "hasAnyAuthority"
        | "denyAll" | "access" | "fullyAuthenticated" | "anonymous" | "hasIpAddress" | "rememberMe"
        | "hasScope" => {
            let Some(mut matcher) = next.take() else { return };
            matcher.asks = format!("{}({})", word.name, word.given.join(" "));
            chain.matchers.push(matcher);
        }
        _ => {}
    }
}

/// Words that say something of a chain.
const SAYS: &[&str] = &[
    "access",
    "anonymous",
    "antMatcher",
    "antMatchers",
    "anyExchange",
    "anyRequest",
    "authenticated",
    "denyAll",
    "fullyAuthenticated",
    "hasAnyAuthority",
    "hasAnyRole",
    "hasAuthority",
    "hasIpAddress",
    "hasRole",
    "hasScope",
    "ignoring",
    "mvcMatchers",
    "pathMatchers",
    "permitAll",
    "regexMatchers",
    "rememberMe",
    "requestMatchers",
    "securityMatcher",
    "securityMatchers",
    "sessionCreationPolicy",
];

/// The paths and the method that a matcher is given.
fn patterns(loaded: &Loaded, from: &Expr, into: &mut Matcher, depth: usize) {
    let Some(depth) = depth.checked_sub(1) else {
        into.unknown = true;
        return;
    };
    match &from.kind {
        ExprKind::String(text) => into.paths.push(loaded.text(*text).to_owned()),
        ExprKind::List { items, .. } => items.iter().for_each(|item| patterns(loaded, item, into, depth)),
        // `new AntPathRequestMatcher("/x", "POST")`, `antMatcher("/x")`.
        ExprKind::Call(call) => {
            for argument in &call.arguments {
                match &argument.value.kind {
                    ExprKind::String(text) if is_method(loaded.text(*text)) => {
                        into.method = Some(loaded.text(*text).to_owned());
                    }
                    _ => patterns(loaded, &argument.value, into, depth),
                }
            }
            into.unknown |= call.arguments.is_empty();
        }
        ExprKind::Member { name, .. } | ExprKind::Name(name) => {
            let text = loaded.text(*name);
            if is_method(text) {
                into.method = Some(text.to_owned());
                return;
            }
            let mut fields = loaded.module().classes.iter().flat_map(|class| &class.fields);
            match fields.find(|field| field.name == *name).and_then(|field| field.value.as_ref()) {
                Some(value) => patterns(loaded, value, into, depth),
                None => into.unknown = true,
            }
        }
        ExprKind::Spread(value) | ExprKind::Cast { value, .. } => patterns(loaded, value, into, depth),
        _ => into.unknown = true,
    }
}

fn is_method(text: &str) -> bool {
    matches!(text, "GET" | "POST" | "PUT" | "PATCH" | "DELETE" | "HEAD" | "OPTIONS")
}

/// Whether a pattern (`/users/*`, `/api/**`) covers a path.
fn covers(pattern: &str, path: &str) -> bool {
    let parts = |text: &str| -> Vec<String> {
        let parts = text.split('/').filter(|part| !part.is_empty()).take(SEGMENTS);
        parts.map(str::to_owned).collect()
    };
    fits(&parts(pattern), &parts(path))
}

fn fits(pattern: &[String], path: &[String]) -> bool {
    // Which beginnings of the path the pattern so far covers.
    let mut ends: Vec<bool> = vec![false; path.len().saturating_add(1)];
    if let Some(first) = ends.first_mut() {
        *first = true;
    }
    for part in pattern {
        let mut next = vec![false; ends.len()];
        if part == "**" {
            let mut seen = false;
            for (from, to) in ends.iter().zip(&mut next) {
                seen |= *from;
                *to = seen;
            }
        } else {
            let steps = ends.iter().zip(path).zip(next.iter_mut().skip(1));
            for ((from, segment), to) in steps {
                *to = *from && one(part, segment);
            }
        }
        ends = next;
    }
    ends.last().copied().unwrap_or(false)
}

fn one(part: &str, segment: &str) -> bool {
    match part.split_once('*') {
        Some((start, end)) => segment.starts_with(start) && segment.ends_with(end.trim_start_matches('*')),
        None => part == segment || part.starts_with('{') || segment == "{}",
    }
}

impl Visitor for Words<'_> {
    fn expression(&mut self, from: &Expr) {
        let ExprKind::Call(call) = &from.kind else { return };
        let (ExprKind::Member { name, .. } | ExprKind::Name(name)) = &call.callee.kind else { return };
        let text = self.loaded.text(*name);
        if !SAYS.contains(&text) || self.found.len() > MATCHERS.saturating_mul(4) {
            return;
        }
        let mut matcher = Matcher { span: from.span, ..Matcher::default() };
        for argument in &call.arguments {
            patterns(self.loaded, &argument.value, &mut matcher, 4);
        }
        let given = call.arguments.iter().flat_map(|one| texts(self.loaded, &one.value)).take(4).collect();
        let (at, name) = (call.callee.span.end, text.to_owned());
        let of_something = matches!(&call.callee.kind, ExprKind::Member { .. });
        self.found.push(Word { at, name, matcher, given, of_something });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_cover_paths() {
        for (pattern, path, expected) in [
            ("/api/**", "/api/orders/{id}", true),
            ("/api/**", "/api", true),
            ("/api/**", "/apix", false),
            ("/api/*", "/api/orders", true),
            ("/api/*", "/api/orders/{id}", false),
            ("/**", "/", true),
            ("/a/**/z", "/a/b/c/z", true),
            ("/a/**/z", "/a/b/c", false),
            ("/users/{id}", "/users/{name}", true),
            ("/users", "/users/", true),
            ("/files/*.html", "/files/a.html", true),
        ] {
            assert_eq!(covers(pattern, path), expected, "{pattern} {path}");
        }
    }
}
