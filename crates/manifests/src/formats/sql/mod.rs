//! SQL of migrations: statements of PostgreSQL as places.

mod statement;
mod token;

use gabion_finding::{Source, Span};

use crate::document::{Entry, Gap, Node, span};
use crate::subject::Subject;

pub(crate) use statement::Statement;

/// One file of SQL.
#[derive(Debug)]
pub(crate) struct SqlFile<'a> {
    pub(crate) source: &'a Source,
    pub(crate) statements: Vec<Statement>,
    pub(crate) gaps: Vec<Gap>,
}

pub(crate) fn read(source: &Source) -> SqlFile<'_> {
    let (tokens, mut gaps) = token::tokens(source.text());
    let (statements, cut) = statement::statements(&tokens, source.text());
    gaps.extend(cut);
    SqlFile { source, statements, gaps }
}

/// What is known of a database when all its files are read.
#[derive(Debug, Default)]
pub(crate) struct Database {
    rls: std::collections::BTreeSet<String>,
    forced: std::collections::BTreeSet<String>,
    invoker: std::collections::BTreeSet<String>,
    pinned: std::collections::BTreeSet<String>,
    dropped: std::collections::BTreeSet<String>,
    policies: std::collections::BTreeSet<String>,
}

/// The name without its schema, as tables are mostly named once.
fn bare(name: &str) -> String {
    name.rsplit('.').next().unwrap_or(name).to_owned()
}

impl Database {
    pub(crate) fn new<'a>(files: impl Iterator<Item = &'a SqlFile<'a>>) -> Self {
        let mut all = Self::default();
        for statement in files.flat_map(|file| &file.statements) {
            let name = bare(&statement.name);
            match statement.kind {
                "enable_rls" => drop(all.rls.insert(name)),
                "force_rls" => drop(all.forced.insert(name)),
                "create_policy" => drop(all.policies.insert(name)),
                "alter_function_path" => drop(all.pinned.insert(name)),
                "alter_view_invoker" => drop(all.invoker.insert(name)),
                "drop_table" => drop(all.dropped.insert(name)),
                _ => {}
            }
        }
        all
    }

    /// The statement as a value, with what the other files say of its object.
    fn node(&self, statement: &Statement) -> Node {
        let name = bare(&statement.name);
        let mut entries = statement.facts.clone();
        entries.push(entry("object", statement.head, Node::text(statement.head, &statement.name)));
        let mut flag = |key: &str, value: bool| {
            entries.push(Entry {
                key: key.into(),
                key_span: statement.head,
                node: Node::bool(statement.head, value),
            });
        };
        flag("rls", self.rls.contains(&name));
        flag("forced", self.forced.contains(&name));
        flag("policy", self.policies.contains(&name));
        flag("invoker", self.invoker.contains(&name));
        flag("pinned", self.pinned.contains(&name));
        flag("dropped", self.dropped.contains(&name));
        Node::map(statement.span, entries)
    }

    pub(crate) fn nodes(&self, file: &SqlFile<'_>) -> Vec<Node> {
        file.statements.iter().map(|statement| self.node(statement)).collect()
    }
}

pub(crate) fn subjects<'s>(file: &'s SqlFile<'_>, nodes: &'s [Node], all: &mut Vec<Subject<'s>>) {
    for (statement, node) in file.statements.iter().zip(nodes) {
        all.push(Subject {
            kind: "sql",
            sort: statement.kind,
            name: statement.name.clone(),
            anchor: statement.head,
            node,
            named: Vec::new(),
            source: file.source,
        });
    }
}

fn entry(key: &str, place: Span, node: Node) -> Entry {
    Entry { key: key.into(), key_span: place, node }
}

fn place(start: usize, end: usize) -> Span {
    span(start, end)
}
