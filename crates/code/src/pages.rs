//! Pages that are filled in: what a template puts into its page as it came, without escaping it.
//!
//! Templates of Jinja, Django and Thymeleaf become modules whose names are what they print (`rows[].title`), so that what a view
//! hands over can be followed to where it stands. What is included or extended is handed the same.
//!
//! | written | printed as it came |
//! |---|---|
//! | `{{ a.b\|safe }}` | `a.b` |
//! | `{% for row in rows %}{{ row\|safe }}` | `rows[]` |
//! | `{% autoescape false %}{{ a }}` | `a` |
//! | `<p th:utext="${a}">`, `[(${a})]` | `a` |

mod jsp;

use gabion_finding::Span;
use gabion_syntax::tree::{ExprKind, Module, Pattern, StmtKind};

use crate::settings;

/// What one page prints.
const PRINTS: usize = 1_000;
/// Blocks in blocks.
const DEEPEST: usize = 64;
/// Bytes of an expression.
const LONGEST: usize = 400;
/// Names in a path.
const WORDS: usize = 8;

/// Filters that leave markup what it is.
const TRANSPARENT: &[&str] = &[
    "capitalize",
    "center",
    "default",
    "default_if_none",
    "first",
    "indent",
    "join",
    "last",
    "linebreaksbr",
    "lower",
    "markdown",
    "replace",
    "reverse",
    "safe",
    "safeseq",
    "title",
    "trim",
    "truncate",
    "truncatechars",
    "truncatewords",
    "upper",
    "wordwrap",
];
/// Filters by which a page says that it is markup already.
const MARKED: &[&str] = &["safe", "safeseq"];

/// Parts of a request that pages know without a view.
const REQUESTS: &[&str] = &["GET", "POST", "args", "cookies", "form", "query_params", "values"];

/// What a page does with a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Printed<'a> {
    /// Puts it into the page as it is.
    Raw(&'a str),
    /// What the request says under that name, without a view.
    Request(&'a str),
    /// All it has goes to this page, too.
    Page(&'a str),
}

/// Whether a file of that path may be one.
pub(crate) fn may_be(path: &str) -> bool {
    [".html", ".htm", ".jinja", ".jinja2", ".xhtml"].iter().any(|end| path.ends_with(end)) || jsp::is(path)
}

/// Whether a text of a program may name one.
pub(crate) fn may_name(text: &str) -> bool {
    text.len() < 200 && may_be(text) && !text.contains([' ', '\n', '<'])
}

/// A module whose names are what is printed; none where nothing is.
pub(crate) fn module(path: &str, text: &str) -> Option<Module> {
    let found = printed(path, text);
    if found.is_empty() {
        return None;
    }
    let all = found.into_iter().map(|one| (one.kind.to_owned(), one.name, one.span, one.span));
    Some(settings::constants(all))
}

/// What such a module prints, and where.
pub(crate) fn read(module: &Module) -> Vec<(Printed<'_>, Span)> {
    let body = module.functions.first().map(|run| run.body.as_slice()).unwrap_or_default();
    let all = body.iter().filter_map(|stmt| match &stmt.kind {
        StmtKind::Let { pattern: Pattern::Name(kind, span), value: Some(value), .. } => match value.kind {
            ExprKind::String(name) => {
                let name = module.text(name);
                let printed = match module.text(*kind) {
                    RAW => Printed::Raw(name),
                    REQUEST => Printed::Request(name),
                    PAGE => Printed::Page(name),
                    _ => return None,
                };
                Some((printed, *span))
            }
            _ => None,
        },
        _ => None,
    });
    all.collect()
}

const RAW: &str = "raw";
const REQUEST: &str = "request";
const PAGE: &str = "page";

#[derive(Debug, PartialEq, Eq)]
struct Print {
    kind: &'static str,
    name: String,
    span: Span,
}

/// A name of a block, and what it stands for.
struct Alias {
    name: String,
    path: String,
    /// How deep the block is that it belongs to.
    depth: usize,
}

#[derive(Default)]
struct Reader {
    found: Vec<Print>,
    aliases: Vec<Alias>,
    depth: usize,
    /// Whether values are escaped, block in block.
    escaping: Vec<bool>,
}

fn printed(path: &str, text: &str) -> Vec<Print> {
    let mut reader = Reader::default();
    if jsp::is(path) {
        jsp::read(text, &mut reader);
        return reader.found;
    }
    if text.contains("{{") || text.contains("{%") {
        reader.braces(text);
    }
    if text.contains("th:") {
        reader.attributes(text);
    }
    reader.found
}

impl Reader {
    fn print(&mut self, kind: &'static str, name: String, start: usize, end: usize) {
        let at = |offset: usize| u32::try_from(offset).unwrap_or(u32::MAX);
        let print = Print { kind, name, span: Span::new(at(start), at(end)) };
        if self.found.len() < PRINTS && !self.found.contains(&print) {
            self.found.push(print);
        }
    }

    /// `{{ … }}` and `{% … %}`.
    fn braces(&mut self, text: &str) {
        let mut at = 0_usize;
        // What a page prints literally.
        let mut literal: Option<&'static str> = None;
        while let Some(start) =
            text.get(at..).and_then(|rest| rest.find('{')).map(|next| at.saturating_add(next))
        {
            let open = text.get(start..start.saturating_add(2)).unwrap_or_default();
            let close = match open {
                "{{" => "}}",
                "{%" => "%}",
                "{#" => "#}",
                _ => {
                    at = start.saturating_add(1);
                    continue;
                }
            };
            let inside_at = start.saturating_add(2);
            let Some(length) = text.get(inside_at..).and_then(|rest| rest.find(close)) else {
                // None of this kind ends any more.
                at = inside_at;
                if open == "{{" && !text.get(at..).is_some_and(|rest| rest.contains("%}")) {
                    return;
                }
                if open == "{%" || open == "{#" {
                    return;
                }
                continue;
            };
            let inside_end = inside_at.saturating_add(length);
            let end = inside_end.saturating_add(2);
            let inside = text.get(inside_at..inside_end).unwrap_or_default();
            let inside = inside.trim_start_matches(['-', '+']).trim_end_matches(['-', '+']).trim();
            at = end;
            match (open, literal) {
                ("{%", Some(until)) if inside == until => literal = None,
                (_, Some(_)) => {}
                ("{{", None) => self.value(inside, start, end),
                ("{%", None) => literal = self.block(inside, start, end),
                _ => {}
            }
        }
    }

    /// `{{ a|safe }}`.
    fn value(&mut self, inside: &str, start: usize, end: usize) {
        if inside.len() > LONGEST {
            return;
        }
        let parts = split(inside, '|');
        let Some((first, filters)) = parts.split_first() else { return };
        let names: Vec<&str> = filters
            .iter()
            .map(|filter| filter.trim().split(['(', ':', ' ']).next().unwrap_or_default())
            .collect();
        let escaped = self.escaping.last().copied().unwrap_or(true);
        let marked = names.iter().any(|name| MARKED.contains(name));
        let known = names.iter().all(|name| TRANSPARENT.contains(name));
        if known && (marked || !escaped) {
            for path in paths(first) {
                let path = self.resolved(&path);
                let asked = path.strip_prefix("request.").and_then(|path| path.split_once('.'));
                match asked.filter(|(of, _)| REQUESTS.contains(of)) {
                    Some((_, name)) => self.print(REQUEST, name.to_owned(), start, end),
                    None => self.print(RAW, path, start, end),
                }
            }
        }
    }

    /// `{% for row in rows %}`; what a literal part ends with, where one begins.
    fn block(&mut self, inside: &str, start: usize, end: usize) -> Option<&'static str> {
        let (word, rest) = inside.split_once(char::is_whitespace).unwrap_or((inside, ""));
        let rest = rest.trim();
        match word {
            "raw" => return Some("endraw"),
            "verbatim" => return Some("endverbatim"),
            "comment" => return Some("endcomment"),
            "autoescape" => {
                let on = !matches!(rest, "false" | "off" | "False");
                if self.escaping.len() < DEEPEST {
                    self.escaping.push(on);
                }
            }
            "endautoescape" => drop(self.escaping.pop()),
            "for" => {
                self.depth = self.depth.saturating_add(1);
                if let Some((names, over)) = rest.split_once(" in ") {
                    let over = over.split(" if ").next().unwrap_or(over).replace(".items()", ".items");
                    let over = split(&over, '|');
                    let path = over.first().map(|over| paths(over)).unwrap_or_default().into_iter().next();
                    if let Some(path) = path {
                        let path = self.resolved(path.strip_suffix(".items").unwrap_or(&path));
                        for name in names.split(',') {
                            self.alias(name.trim(), format!("{path}[]"));
                        }
                    }
                }
            }
            "endfor" | "endwith" => {
                self.depth = self.depth.saturating_sub(1);
                let depth = self.depth;
                self.aliases.retain(|alias| alias.depth <= depth);
            }
            "with" | "set" => {
                if word == "with" {
                    self.depth = self.depth.saturating_add(1);
                }
                let pair = rest
                    .split_once('=')
                    .or_else(|| rest.split_once(" as ").map(|(value, name)| (name, value)));
                if let Some((name, value)) = pair {
                    let value = split(value, '|');
                    let path = value.first().map(|value| paths(value)).unwrap_or_default().into_iter().next();
                    if let Some(path) = path {
                        let path = self.resolved(&path);
                        self.alias(name.trim(), path);
                    }
                }
            }
            "include" | "extends" => {
                let quote = rest.chars().next().filter(|sign| matches!(sign, '"' | '\''));
                let name = quote.and_then(|quote| rest.get(1..)?.split(quote).next());
                if let Some(name) = name.filter(|name| may_name(name)) {
                    self.print(PAGE, name.to_owned(), start, end);
                }
            }
            _ => {}
        }
        None
    }

    fn alias(&mut self, name: &str, path: String) {
        if is_word(name) && self.aliases.len() < DEEPEST && path.len() <= LONGEST {
            self.aliases.push(Alias { name: name.to_owned(), path, depth: self.depth });
        }
    }

    /// With what a name of a block stands for in its place.
    fn resolved(&self, path: &str) -> String {
        let (first, rest) = path.split_at(path.find(['.', '[']).unwrap_or(path.len()));
        match self.aliases.iter().rev().find(|alias| alias.name == first) {
            Some(alias) => format!("{}{rest}", alias.path),
            None => path.to_owned(),
        }
    }

    /// `th:utext="${a}"`, `[(${a})]`, `th:each="row : ${rows}"`.
    fn attributes(&mut self, text: &str) {
        for (start, each) in quoted(text, "th:each=") {
            let _ = start;
            if let Some((name, over)) = each.split_once(':') {
                let name = name.split(',').next().unwrap_or(name).trim();
                for path in expressed(over) {
                    let path = self.resolved(&path);
                    self.alias(name, format!("{path}[]"));
                }
            }
        }
        for (start, value) in quoted(text, "th:utext=") {
            self.expressions(value, start);
        }
        for (at, _) in text.match_indices("[(").take(PRINTS) {
            let inside = text.get(at.saturating_add(2)..).unwrap_or_default();
            let short: String = inside.chars().take(LONGEST).collect();
            if let Some((value, _)) = short.split_once(")]") {
                self.expressions(value, at.saturating_add(2));
            }
        }
    }

    fn expressions(&mut self, value: &str, start: usize) {
        let end = start.saturating_add(value.len());
        for path in expressed(value) {
            match path.strip_prefix("param.") {
                Some(name) => self.print(REQUEST, name.to_owned(), start, end),
                None => {
                    let path = self.resolved(&path);
                    self.print(RAW, path, start, end);
                }
            }
        }
    }
}

/// The values of an attribute, and where each begins.
fn quoted<'a>(text: &'a str, name: &'a str) -> impl Iterator<Item = (usize, &'a str)> {
    text.match_indices(name).take(PRINTS).filter_map(move |(at, _)| {
        let start = at.saturating_add(name.len());
        let rest = text.get(start..)?;
        let quote = rest.chars().next().filter(|sign| matches!(sign, '"' | '\''))?;
        let value = rest.get(1..)?;
        let end = value.bytes().take(LONGEST).position(|byte| char::from(byte) == quote)?;
        Some((start.saturating_add(1), value.get(..end)?))
    })
}

/// The paths in `${…}`.
fn expressed(value: &str) -> Vec<String> {
    let pieces = value.split("${").skip(1).filter_map(|piece| piece.split('}').next());
    pieces.take(WORDS).filter(|inside| !inside.contains(['(', '?', '#'])).flat_map(paths).collect()
}

/// Parts of an expression that stand beside each other, quotes and brackets aside.
fn split(text: &str, by: char) -> Vec<&str> {
    let mut found = Vec::new();
    let (mut start, mut depth, mut quote) = (0_usize, 0_usize, None);
    for (at, sign) in text.char_indices() {
        match (quote, sign) {
            (Some(open), _) if sign == open => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') => quote = Some(sign),
            (None, '(' | '[' | '{') => depth = depth.saturating_add(1),
            (None, ')' | ']' | '}') => depth = depth.saturating_sub(1),
            (None, _) if sign == by && depth == 0 => {
                found.extend(text.get(start..at));
                start = at.saturating_add(sign.len_utf8());
            }
            _ => {}
        }
    }
    found.extend(text.get(start..));
    found
}

/// What is put together in an expression: `a`, `a.b`, `a['b']`, `a ~ b`; nothing of what is called.
fn paths(expression: &str) -> Vec<String> {
    let parts = split(expression, '~').into_iter().flat_map(|part| split(part, '+'));
    parts.filter_map(|part| path(part.trim())).collect()
}

fn path(text: &str) -> Option<String> {
    let mut path = String::new();
    let plain = text.replace("['", ".").replace("[\"", ".").replace("']", "").replace("\"]", "");
    for (number, word) in plain.split('.').enumerate() {
        let word = word.trim();
        let (name, item) = match word.split_once('[') {
            Some((name, _)) if word.ends_with(']') => (name, true),
            Some(_) => return None,
            None => (word, false),
        };
        // `rows.0`.
        let counted = number > 0 && !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_digit());
        if number >= WORDS || !(counted || is_word(name)) {
            return None;
        }
        if counted {
            path.push_str("[]");
            continue;
        }
        if number > 0 {
            path.push('.');
        }
        path.push_str(name);
        if item {
            path.push_str("[]");
        }
    }
    (!matches!(path.as_str(), "true" | "false" | "True" | "False" | "none" | "None")).then_some(path)
}

fn is_word(text: &str) -> bool {
    let mut signs = text.chars();
    signs.next().is_some_and(|first| first.is_alphabetic() || first == '_')
        && signs.all(|sign| sign.is_alphanumeric() || sign == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &str) -> Vec<String> {
        printed("a.html", text).iter().map(|print| format!("{} {}", print.kind, print.name)).collect()
    }

    #[test]
    fn what_is_printed_as_it_came() {
        assert_eq!(
            all("<p>{{ a }}</p><p>{{ b.c|safe }}</p>{{- d['e'] | lower | safe -}}"),
            ["raw b.c", "raw d.e"]
        );
        assert_eq!(
            all("{{ a|escape|safe }}{{ b|tojson|safe }}{{ c()|safe }}{{ 'x'|safe }}{{ d|length|safe }}"),
            [""; 0]
        );
        assert_eq!(
            all("{% for row in rows %}{{ row.text|safe }}{% endfor %}{{ row|safe }}"),
            ["raw rows[].text", "raw row"]
        );
        assert_eq!(all("{% for key, value in a.items() %}{{ value|safe }}{% endfor %}"), ["raw a[]"]);
        assert_eq!(all("{% for key, value in a.items %}{{ value|safe }}{% endfor %}"), ["raw a[]"]);
        assert_eq!(all("{% autoescape off %}{{ a }}{{ b|e }}{% endautoescape %}{{ c }}"), ["raw a"]);
        assert_eq!(all("{% raw %}{{ a|safe }}{% endraw %}{# {{ b|safe }} #}{{ c|safe }}"), ["raw c"]);
        assert_eq!(
            all("{% include 'shop/row.html' %}{% extends \"base.html\" %}"),
            ["page shop/row.html", "page base.html"]
        );
        assert_eq!(
            all("{% with x=a.b %}{{ x|safe }}{% endwith %}{% set y = c %}{{ y ~ '!' ~ z|safe }}"),
            ["raw a.b", "raw c", "raw z"]
        );
        assert_eq!(
            all("<p th:text=\"${a}\" th:utext=\"${b}\">[(${c.d})] [[${e}]]</p>"),
            ["raw b", "raw c.d"]
        );
        assert_eq!(
            all("<i th:each=\"row : ${rows}\"><b th:utext=\"${row.text} + ${param.q}\"/></i>"),
            ["raw rows[].text", "request q"]
        );
        assert_eq!(all("<b th:utext=\"#{message}\"/><b th:utext=\"${#strings.escapeXml(a)}\"/>"), [""; 0]);
    }

    #[test]
    fn hostile_pages_end() {
        for piece in [
            "{{",
            "{%",
            "{#",
            "{{ a|",
            "{% for a in b %}",
            "{% autoescape off %}",
            "th:utext=\"",
            "[(",
            "{{ é['",
        ] {
            let text = format!("th:{}", piece.repeat(20_000));
            assert!(printed("a.html", &text).len() <= PRINTS, "{piece}");
        }
        assert!(printed("a.html", &"{{ a|safe }}".repeat(10_000)).len() <= PRINTS);
        assert!(module("a.html", "<p>nothing</p>").is_none());
    }
}
