//! Statements: what they do, to what, and the parts that rules ask about.

use gabion_finding::{Span, UnreadReason};

use super::entry;
use super::token::{Kind, Token, tokens};
use crate::document::{Entry, Gap, Node};

/// One statement.
#[derive(Debug, Clone)]
pub(crate) struct Statement {
    /// `create_table`, `grant`, `create_role`, … or `other`.
    pub(crate) kind: &'static str,
    /// The table, role or function it is about, in lower case.
    pub(crate) name: String,
    /// The first words, up to the name.
    pub(crate) head: Span,
    pub(crate) span: Span,
    pub(super) facts: Vec<Entry>,
}

const MOST: usize = 20_000;
const TENANT: &[&str] = &[
    "tenant_id",
    "org_id",
    "organization_id",
    "organisation_id",
    "account_id",
    "workspace_id",
    "customer_id",
    "company_id",
];

pub(super) fn statements(all: &[Token], text: &str) -> (Vec<Statement>, Vec<Gap>) {
    let mut statements = Vec::new();
    for words in all.split(|token| token.kind == Kind::Sign && token.text == ";") {
        if statements.len() >= MOST {
            let gap = Gap { reason: UnreadReason::Budget, detail: format!("more than {MOST} statements") };
            return (statements, vec![gap]);
        }
        statements.extend(Words { all: words, text }.statement());
    }
    (statements, Vec::new())
}

struct Words<'a> {
    all: &'a [Token],
    text: &'a str,
}

impl Words<'_> {
    fn is(&self, at: usize, word: &str) -> bool {
        self.all.get(at).is_some_and(|token| token.kind == Kind::Name && token.text == word)
    }

    fn find(&self, from: usize, words: &[&str]) -> Option<usize> {
        (from..self.all.len()).find(|at| {
            words.iter().enumerate().all(|(offset, word)| self.is(at.saturating_add(offset), word))
        })
    }

    fn has(&self, words: &[&str]) -> bool {
        self.find(0, words).is_some()
    }

    fn span(&self, from: usize, to: usize) -> Span {
        let start = self.all.get(from).map_or(0, |token| token.span.start);
        let end = self.all.get(to).or(self.all.last()).map_or(start, |token| token.span.end);
        Span::new(start, end)
    }

    /// `a.b` at a position, past `if not exists`, `only`; and where it ends.
    fn name(&self, mut at: usize) -> (String, usize) {
        while ["if", "not", "exists", "only", "concurrently"].iter().any(|word| self.is(at, word)) {
            at = at.saturating_add(1);
        }
        let mut name = String::new();
        while let Some(token) = self.all.get(at) {
            match token.kind {
                Kind::Name | Kind::Quoted if name.is_empty() || name.ends_with('.') => {
                    name.push_str(&token.text)
                }
                Kind::Sign if token.text == "." && !name.is_empty() => name.push('.'),
                _ => break,
            }
            at = at.saturating_add(1);
        }
        (name, at.saturating_sub(1))
    }

    fn statement(&self) -> Option<Statement> {
        self.all.first()?;
        let words: Vec<&str> = self
            .all
            .iter()
            .take(8)
            .map(|token| if token.kind == Kind::Name { token.text.as_str() } else { "" })
            .collect();
        let skip = |at: usize, optional: &[&str]| {
            (at..words.len())
                .find(|at| words.get(*at).is_none_or(|word| !optional.contains(word)))
                .unwrap_or(at)
        };
        match words.as_slice() {
            ["create", ..] => {
                let at = skip(
                    1,
                    &[
                        "or",
                        "replace",
                        "global",
                        "local",
                        "unlogged",
                        "foreign",
                        "materialized",
                        "recursive",
                        "constraint",
                        "event",
                        "trusted",
                    ],
                );
                let temporary = self.is(at, "temp") || self.is(at, "temporary");
                let at = if temporary { at.saturating_add(1) } else { at };
                match words.get(at).copied().unwrap_or_default() {
                    "table" => Some(self.table(at, temporary)),
                    "role" | "user" if !self.is(at.saturating_add(1), "mapping") => {
                        Some(self.role("create_role", at))
                    }
                    "function" | "procedure" => Some(self.function(at)),
                    "policy" => Some(self.policy(at)),
                    "view" => Some(self.view(at)),
                    "trigger" => Some(self.trigger(at)),
                    "extension" => Some(self.plain("create_extension", at)),
                    "publication" => Some(self.plain("create_publication", at)),
                    "subscription" | "server" => Some(self.texts("create_connection", at)),
                    _ => None,
                }
            }
            ["alter", "user" | "role" | "group", ..] => Some(self.role("alter_role", 1)),
            ["alter", "table", ..] => Some(self.alter_table()),
            ["alter", "function" | "procedure", ..] => {
                let kind = if self.has(&["search_path"]) { "alter_function_path" } else { "alter_function" };
                Some(self.plain(kind, 1))
            }
            ["alter", "view", ..] if self.has(&["security_invoker"]) => {
                Some(self.plain("alter_view_invoker", 1))
            }
            ["alter", "default", "privileges", ..] => {
                let at = self.find(0, &["grant"])?;
                Some(self.grant("default_grant", at))
            }
            ["alter", "system" | "database", ..] => Some(self.setting(self.find(0, &["set"])?)),
            ["grant", ..] => Some(self.grant("grant", 0)),
            ["drop", "table", ..] => Some(self.plain("drop_table", 1)),
            ["drop", "policy", ..] => Some(self.plain("drop_policy", 1)),
            ["set", ..] => Some(self.setting(0)),
            ["copy", ..] => Some(self.texts("copy", 0)),
            ["do", ..] => Some(self.texts("do", 0)),
            _ => None,
        }
    }

    fn built(&self, kind: &'static str, name: String, end: usize, facts: Vec<Entry>) -> Statement {
        let span = self.span(0, self.all.len().saturating_sub(1));
        Statement { kind, name, head: self.span(0, end), span, facts }
    }

    fn flag(&self, key: &str, words: &[&str]) -> Option<Entry> {
        let at = self.find(0, words)?;
        let place = self.span(at, at.saturating_add(words.len()).saturating_sub(1));
        Some(entry(key, place, Node::bool(place, true)))
    }

    fn words_between(&self, from: usize, to: usize) -> Node {
        let inside = self.all.get(from..to.min(self.all.len())).unwrap_or_default();
        let names = inside.iter().filter(|token| token.kind != Kind::Sign);
        let nodes = names.map(|token| Node::text(token.span, token.text.to_lowercase())).collect();
        Node::list(self.span(from, to.saturating_sub(1)), nodes)
    }

    fn plain(&self, kind: &'static str, at: usize) -> Statement {
        let (name, end) = self.name(at.saturating_add(1));
        self.built(kind, name, end, Vec::new())
    }

    fn texts(&self, kind: &'static str, at: usize) -> Statement {
        let (name, end) = self.name(at.saturating_add(1));
        let texts = self.all.iter().filter(|token| token.kind == Kind::Text);
        let nodes = texts.map(|token| Node::text(token.span, &token.text)).collect();
        let place = self.span(0, end);
        let mut facts = vec![entry("texts", place, Node::list(place, nodes))];
        facts.extend(self.flag("program", &["program"]));
        self.built(kind, name, end, facts)
    }

    fn table(&self, at: usize, temporary: bool) -> Statement {
        let (name, end) = self.name(at.saturating_add(1));
        let (mut columns, mut depth, mut fresh) = (Vec::new(), 0_usize, false);
        for token in self.all.iter().skip(end.saturating_add(1)) {
            match (token.kind, token.text.as_str()) {
                (Kind::Sign, "(") => {
                    depth = depth.saturating_add(1);
                    fresh = depth == 1;
                }
                (Kind::Sign, ")") => depth = depth.saturating_sub(1),
                (Kind::Sign, ",") => fresh = depth == 1,
                (Kind::Name | Kind::Quoted, word) if fresh && depth == 1 => {
                    columns.push(Node::text(token.span, word));
                    fresh = false;
                }
                _ => {}
            }
        }
        let place = self.span(0, end);
        let tenant = columns.iter().find(|column| column.scalar().is_some_and(|name| TENANT.contains(&name)));
        let mut facts = Vec::new();
        facts.extend(tenant.map(|column| entry("tenant", column.span, column.clone())));
        facts.push(entry("columns", place, Node::list(place, columns)));
        if temporary || self.has(&["partition", "of"]) {
            facts.push(entry("part", place, Node::bool(place, true)));
        }
        self.built("create_table", name, end, facts)
    }

    fn alter_table(&self) -> Statement {
        let (name, end) = self.name(2);
        let kind = if self.has(&["disable", "row", "level", "security"]) {
            "disable_rls"
        } else if self.has(&["no", "force", "row", "level", "security"]) {
            "unforce_rls"
        } else if self.has(&["force", "row", "level", "security"]) {
            "force_rls"
        } else if self.has(&["enable", "row", "level", "security"]) {
            "enable_rls"
        } else if self.has(&["disable", "trigger"]) {
            "disable_trigger"
        } else {
            "alter_table"
        };
        self.built(kind, name, end, Vec::new())
    }

    fn role(&self, kind: &'static str, at: usize) -> Statement {
        let (name, end) = self.name(at.saturating_add(1));
        let mut facts = Vec::new();
        for (key, words) in [
            ("superuser", ["superuser"].as_slice()),
            ("bypassrls", &["bypassrls"]),
            ("createrole", &["createrole"]),
            ("replication", &["replication"]),
            ("login", &["login"]),
        ] {
            facts.extend(self.flag(key, words));
        }
        if let Some(at) = self.find(0, &["password"]) {
            let next = at.saturating_add(1);
            let value = self.all.get(next).filter(|token| token.kind == Kind::Text && !token.text.is_empty());
            // `:'name'` and `${NAME}` are put in when it runs, and a verifier is no password.
            let known = |text: &str| {
                text.starts_with("SCRAM-SHA-256$")
                    || text.contains("${")
                    || text.contains("{{")
                    || text.contains("%(")
            };
            facts.extend(
                value
                    .filter(|token| !known(&token.text))
                    .map(|token| entry("password", self.span(at, at), Node::text(token.span, &token.text))),
            );
        }
        if let Some(at) = self.find(0, &["set"]) {
            let (setting, _) = self.name(at.saturating_add(1));
            let value = self.all.last().map(|token| token.text.to_lowercase()).unwrap_or_default();
            let place = self.span(at, self.all.len());
            facts.push(entry("setting", place, Node::text(place, setting)));
            facts.push(entry("value", place, Node::text(place, value)));
        }
        self.built(kind, name, end, facts)
    }

    fn setting(&self, at: usize) -> Statement {
        let skip =
            usize::from(self.is(at.saturating_add(1), "local") || self.is(at.saturating_add(1), "session"));
        let (name, end) = self.name(at.saturating_add(1).saturating_add(skip));
        let value = self.all.last().map(|token| token.text.to_lowercase()).unwrap_or_default();
        let place = self.span(at, self.all.len());
        let facts = vec![entry("value", place, Node::text(place, value))];
        self.built("set", name, end, facts)
    }

    fn function(&self, at: usize) -> Statement {
        let (name, end) = self.name(at.saturating_add(1));
        let mut facts = Vec::new();
        facts.extend(self.flag("definer", &["security", "definer"]));
        facts.extend(self.flag("search_path", &["search_path"]));
        facts.extend(self.flag("trigger", &["returns", "trigger"]));
        let language = self.find(end, &["language"]).and_then(|at| self.all.get(at.saturating_add(1)));
        facts.extend(
            language.map(|token| {
                entry("language", token.span, Node::text(token.span, token.text.to_lowercase()))
            }),
        );
        let body =
            self.all.iter().filter(|token| token.kind == Kind::Text).max_by_key(|token| token.text.len());
        facts.extend(body.map(|token| entry("body", token.span, Node::text(token.span, &token.text))));
        facts.extend(body.and_then(|token| concatenated(&token.text)).map(|says| {
            let place = self.span(0, end);
            entry("concatenates", place, Node::text(place, says))
        }));
        self.built("create_function", name, end, facts)
    }

    fn policy(&self, at: usize) -> Statement {
        let (policy, end) = self.name(at.saturating_add(1));
        let on = self.find(end, &["on"]).unwrap_or(end);
        let (table, _) = self.name(on.saturating_add(1));
        let mut facts = vec![entry("policy_name", self.span(0, end), Node::text(self.span(0, end), policy))];
        facts.extend(self.flag("restrictive", &["as", "restrictive"]));
        facts.extend(self.flag("select", &["for", "select"]));
        for (key, words) in [("using", ["using"].as_slice()), ("check", &["with", "check"])] {
            let Some(at) = self.find(0, words) else { continue };
            let open = at.saturating_add(words.len());
            let inside = self.parenthesis(open);
            let place = self.span(at, inside);
            let text = place.of(self.text).split_whitespace().collect::<String>().to_lowercase();
            facts.push(entry(key, place, Node::text(place, text)));
        }
        self.built("create_policy", table, end, facts)
    }

    /// Where the parenthesis that opens here closes.
    fn parenthesis(&self, open: usize) -> usize {
        let mut depth = 0_usize;
        for (at, token) in self.all.iter().enumerate().skip(open) {
            match (token.kind, token.text.as_str()) {
                (Kind::Sign, "(") => depth = depth.saturating_add(1),
                (Kind::Sign, ")") => depth = depth.saturating_sub(1),
                _ => {}
            }
            if depth == 0 {
                return at;
            }
        }
        self.all.len().saturating_sub(1)
    }

    fn view(&self, at: usize) -> Statement {
        let (name, end) = self.name(at.saturating_add(1));
        let mut facts = Vec::new();
        facts.extend(self.flag("materialized", &["materialized", "view"]));
        facts.extend(self.flag("security_invoker", &["security_invoker"]));
        let from = self.find(end, &["from"]).unwrap_or(self.all.len());
        let (table, _) = self.name(from.saturating_add(1));
        let place = self.span(0, end);
        facts.push(entry("over", place, Node::text(place, table)));
        self.built("create_view", name, end, facts)
    }

    fn trigger(&self, at: usize) -> Statement {
        let (name, end) = self.name(at.saturating_add(1));
        let on = self.find(end, &["on"]).unwrap_or(end);
        let (table, _) = self.name(on.saturating_add(1));
        let place = self.span(0, end);
        let mut facts = vec![entry("table", place, Node::text(place, table))];
        facts.push(entry("events", place, self.words_between(end.saturating_add(1), on)));
        facts.extend(self.flag("before", &["before"]));
        self.built("create_trigger", name, end, facts)
    }

    fn grant(&self, kind: &'static str, at: usize) -> Statement {
        let to = self.find(at, &["to"]).unwrap_or(self.all.len());
        let on = self.find(at, &["on"]).filter(|on| *on < to);
        let mut facts = Vec::new();
        let privileges = self.words_between(at.saturating_add(1), on.unwrap_or(to));
        facts.push(entry("privileges", privileges.span, privileges));
        let with = self.find(to, &["with"]).or_else(|| self.find(to, &["granted"])).unwrap_or(self.all.len());
        let grantees = self.words_between(to.saturating_add(1), with);
        facts.push(entry("to", self.span(to, with.saturating_sub(1)), grantees));
        facts.extend(self.flag("grant_option", &["with", "grant", "option"]));
        facts.extend(self.flag("admin_option", &["with", "admin", "option"]));
        let mut name = String::new();
        if let Some(on) = on {
            let object = self.words_between(on.saturating_add(1), to);
            let kinds = [
                "table",
                "all",
                "schema",
                "database",
                "function",
                "sequence",
                "in",
                "tables",
                "functions",
                "sequences",
                "schemas",
            ];
            let named: Vec<&str> =
                object.items().iter().filter_map(Node::scalar).filter(|word| !kinds.contains(word)).collect();
            name = named.join(".");
            let first = object.items().first().and_then(Node::scalar).unwrap_or_default().to_owned();
            facts.push(entry(
                "on",
                object.span,
                Node::text(
                    object.span,
                    if kinds.contains(&first.as_str()) { first } else { "table".to_owned() },
                ),
            ));
        } else {
            facts.push(entry("roles", self.span(at, to), Node::bool(self.span(at, to), true)));
        }
        let end = on.unwrap_or(to).saturating_sub(1);
        self.built(kind, name, end, facts)
    }
}

/// `EXECUTE 'text' || name` in a body: the name may hold a statement. `quote_ident`, `quote_literal` and `format` with `%I` and
/// `%L` are how it is done.
fn concatenated(body: &str) -> Option<String> {
    let (all, _) = tokens(body);
    for statement in all.split(|token| token.kind == Kind::Sign && token.text == ";") {
        let Some(at) = statement.iter().position(|token| token.kind == Kind::Name && token.text == "execute")
        else {
            continue;
        };
        let rest = statement.get(at.saturating_add(1)..).unwrap_or_default();
        let rest =
            rest.split(|token| token.kind == Kind::Name && token.text == "using").next().unwrap_or_default();
        let name = |word: &str| rest.iter().any(|token| token.kind == Kind::Name && token.text == word);
        let joined = rest
            .windows(2)
            .any(|pair| pair.iter().all(|token| token.kind == Kind::Sign && token.text == "|"));
        let function =
            rest.first().is_some_and(|token| matches!(token.text.as_str(), "function" | "procedure"));
        if joined
            && !function
            && !name("quote_ident")
            && !name("quote_literal")
            && !name("quote_nullable")
            && !name("format")
            && !name("regclass")
        {
            return Some("execute".to_owned());
        }
        let placed = rest.iter().any(|token| token.kind == Kind::Text && token.text.contains("%s"));
        if name("format") && placed && !name("regclass") && !name("quote_ident") && !name("quote_literal") {
            return Some("format".to_owned());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(text: &str) -> Statement {
        let (all, _) = tokens(text);
        statements(&all, text).0.remove(0)
    }

    fn node(text: &str) -> (&'static str, String, Node) {
        let statement = one(text);
        (statement.kind, statement.name.clone(), Node::map(statement.span, statement.facts))
    }

    #[test]
    fn statements_are_told_apart() {
        let (kind, name, facts) =
            node("CREATE TABLE IF NOT EXISTS app.orders (id int, tenant_id uuid NOT NULL, CHECK (id > 0))");
        assert_eq!((kind, name.as_str()), ("create_table", "app.orders"));
        assert_eq!(facts.str_at("tenant"), Some("tenant_id"));
        let (kind, name, facts) = node("GRANT SELECT, INSERT ON TABLE app.x TO public WITH GRANT OPTION");
        assert_eq!((kind, name.as_str()), ("grant", "app.x"));
        assert_eq!(facts.get("to").unwrap().items()[0].scalar(), Some("public"));
        assert_eq!(facts.get("privileges").unwrap().items().len(), 2);
        let (kind, name, facts) =
            node("create policy p on x.rls for update using ( true ) with check (a = b)");
        assert_eq!((kind, name.as_str()), ("create_policy", "x.rls"));
        assert_eq!(
            (facts.str_at("using"), facts.str_at("check")),
            (Some("using(true)"), Some("withcheck(a=b)"))
        );
        let (_, _, facts) = node("CREATE USER a WITH PASSWORD 'hunter2' SUPERUSER");
        assert_eq!((facts.str_at("password"), facts.str_at("superuser")), (Some("hunter2"), Some("true")));
        assert!(node("CREATE USER a PASSWORD :'pw'").2.get("password").is_none());
    }

    #[test]
    fn bodies_that_join_texts_are_seen() {
        let body = |text: &str| {
            node(&format!("create function f() returns int language plpgsql as $$ {text} $$"))
                .2
                .get("concatenates")
                .is_some()
        };
        assert!(body("begin execute 'select * from ' || name; end"));
        assert!(body("begin execute format('select %s', x); end"));
        assert!(!body("begin execute 'select * from ' || quote_ident(name); end"));
        assert!(!body("begin execute format('select %I', x) using a; end"));
        assert!(!body("begin return a || b; end"));
    }
}
