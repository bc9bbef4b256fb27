//! What the inside of an application looks like when it gets into an answer: stack traces, queries, debug pages, source paths.
//!
//! Each form is a grammar of one runtime, narrow enough that a text about errors is none. Whether a match is a finding is the
//! test's to say: it must be there because of what was sent, and not before.

use std::sync::LazyLock;

use regex::bytes::{Regex, RegexBuilder};
use serde_json::Value;

use crate::surface::strings;
use crate::wire::Answer;

/// Something of the inside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leak {
    pub kind: Kind,
    /// What it is, in words: `a stack trace of Java`.
    pub what: &'static str,
    /// The text that matched, shortened.
    pub text: String,
}

/// How much it tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Where a source file is.
    Path,
    /// Words of a database.
    Database,
    StackTrace,
    /// A page made for developers, often with an interpreter in it.
    DebugPage,
}

/// Texts are searched up to this size, in bytes.
const LONGEST: usize = 256 << 10;

/// What an answer shows of the inside, the worst first.
#[must_use]
pub fn leaks(answer: &Answer) -> Vec<Leak> {
    leaks_in(&plain(answer))
}

/// What a text shows of the inside, the worst first.
#[must_use]
pub fn leaks_in(text: &str) -> Vec<Leak> {
    let found = FORMS.iter().filter_map(|form| {
        let mut all = form.expression.find_iter(text.as_bytes());
        let first = all.next()?;
        if form.twice && all.next().is_none() {
            return None;
        }
        let text = String::from_utf8_lossy(first.as_bytes()).trim().chars().take(160).collect();
        Some(Leak { kind: form.kind, what: form.what, text })
    });
    let mut all: Vec<Leak> = found.collect();
    all.sort_by_key(|leak| std::cmp::Reverse(leak.kind));
    all
}

/// The text of an answer as a person reads it: HTML without its tags, the texts of JSON.
fn plain(answer: &Answer) -> String {
    let whole = answer.text();
    let mut end = whole.len().min(LONGEST);
    while !whole.is_char_boundary(end) {
        end = end.saturating_sub(1);
    }
    let text = whole.get(..end).unwrap_or_default();
    if let Some(body) = answer.json() {
        let mut out = String::new();
        strings(&body, &mut |text| {
            out.push_str(text);
            out.push('\n');
        });
        names(&body, &mut out, 0);
        return out;
    }
    if !answer.is_html() {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, tag)) = rest.split_once('<') {
        out.push_str(before);
        let Some((tag, after)) = tag.split_once('>') else { break };
        if tag.starts_with("br") || tag.starts_with("/p") || tag.starts_with("/div") || tag.starts_with("/li")
        {
            out.push('\n');
        }
        rest = after;
    }
    out.push_str(rest);
    out.replace("&#x27;", "'")
        .replace("&#39;", "'")
        .replace("&quot;", "\"")
        .replace("&nbsp;", " ")
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&amp;", "&")
}

/// The names of members, which some frameworks give a trace.
fn names(value: &Value, out: &mut String, depth: usize) {
    if depth > 8 {
        return;
    }
    match value {
        Value::Object(members) => {
            for (name, value) in members.iter().take(200) {
                out.push_str(name);
                out.push('\n');
                names(value, out, depth.saturating_add(1));
            }
        }
        Value::Array(items) => {
            items.iter().take(50).for_each(|item| names(item, out, depth.saturating_add(1)))
        }
        _ => {}
    }
}

struct Form {
    kind: Kind,
    what: &'static str,
    /// Whether one line of it might be said by chance.
    twice: bool,
    expression: Regex,
}

static FORMS: LazyLock<Vec<Form>> = LazyLock::new(|| {
    let form = |(kind, what, twice, text): &(Kind, &'static str, bool, &str)| {
        #[expect(clippy::expect_used, reason = "the expressions are constants and a test compiles them")]
        let expression =
            RegexBuilder::new(text).unicode(false).build().expect("the expressions are well formed");
        Form { kind: *kind, what, twice: *twice, expression }
    };
    TABLE.iter().map(form).collect()
});

const TABLE: &[(Kind, &str, bool, &str)] = &[
    (
        Kind::StackTrace,
        "a stack trace of Java",
        true,
        r"at [\w$.]+\.[\w$<>]+\((?:[\w$]+\.(?:java|kt|scala|groovy):\d+|Native Method|Unknown Source)\)",
    ),
    (
        Kind::StackTrace,
        "a stack trace of .NET",
        true,
        r"at [\w.`<>]+\.[\w`<>.\[\]]+\([^()\n]{0,200}\)(?: in [^\n]{1,200}:line \d+|\r?\n\s+at )",
    ),
    (Kind::StackTrace, "a stack trace of Python", false, r#"File "[^"\n]{1,300}", line \d+, in [\w<>.]+"#),
    (
        Kind::StackTrace,
        "a stack trace of JavaScript",
        false,
        r"at (?:async )?(?:new )?[^\n()]{0,120}\(?(?:file://|node:internal/)?(?:/|[A-Z]:\\)?[^\s():]{1,200}\.(?:[cm]?[jt]sx?):\d+:\d+\)?|at [^\n]{1,100}\(node:internal/[^)\n]+:\d+:\d+\)",
    ),
    (
        Kind::StackTrace,
        "a stack trace of PHP",
        false,
        r"#\d+ /?[^\s(]{1,200}\.php\(\d+\): |(?:Fatal error|Parse error|Warning|Notice|Uncaught [\w\\]+)[^\n]{0,300} in /?[^\s]{1,200}\.php(?: on line |:)\d+",
    ),
    (Kind::StackTrace, "a stack trace of Ruby", false, r"[\w./-]{1,200}\.rb:\d+:in ['`][^'\n]{1,120}'"),
    (
        Kind::StackTrace,
        "a stack trace of Go",
        false,
        r"goroutine \d+ \[[a-z ,0-9]+\]:\s|\n\t/[^\s]{1,200}\.go:\d+ \+0x[0-9a-f]+",
    ),
    (
        Kind::StackTrace,
        "a stack trace of Rust",
        false,
        r"stack backtrace:\s+\d+: |thread '[^'\n]{1,80}' (?:\(\d+\) )?panicked at [^\n]{1,200}\.rs:\d+:\d+",
    ),
    (
        Kind::StackTrace,
        "a stack trace of Elixir",
        true,
        r"\([a-z_0-9]+ \d+\.\d+[^)\s]*\) [\w/.-]+\.exs?:\d+: [\w.]+",
    ),
    (Kind::StackTrace, "a stack trace of Perl", false, r" at /[^\s]{1,200}\.(?:pl|pm|cgi) line \d+\.?"),
    (
        Kind::DebugPage,
        "the debugger of Werkzeug",
        false,
        r"Werkzeug Debugger|The debugger caught an exception in your WSGI application",
    ),
    (
        Kind::DebugPage,
        "the debug page of Django",
        false,
        r"seeing this error because you have\s+DEBUG = True",
    ),
    (
        Kind::DebugPage,
        "the debug page of Laravel",
        false,
        r"Illuminate\\[\w\\]+|Whoops, looks like something went wrong\.",
    ),
    (
        Kind::DebugPage,
        "the debug page of Rails",
        false,
        r"Action Controller: Exception caught|Rails\.root: /|Better Errors can't apply inline style",
    ),
    (
        Kind::DebugPage,
        "the debug page of Symfony",
        false,
        r"Symfony Exception|Symfony\\Component\\[\w\\]+Exception",
    ),
    (
        Kind::DebugPage,
        "the error page of ASP.NET",
        false,
        r"Server Error in '/[^'\n]{0,80}' Application\.|An unhandled exception occurred while processing the request\.",
    ),
    (
        Kind::Database,
        "an error of MySQL",
        false,
        r"You have an error in your SQL syntax; check the manual|Unknown column '[^'\n]{1,200}' in '(?:field list|where clause|order clause|having clause|on clause)'",
    ),
    (
        Kind::Database,
        "an error of PostgreSQL",
        false,
        r"(?:PG::\w+Error|psycopg2?\.errors\.\w+|org\.postgresql\.util\.PSQLException)|ERROR: +(?:syntax error at or near|invalid input syntax for|unterminated quoted string at or near|column \S+ does not exist)|invalid input syntax for (?:type )?(?:integer|uuid|numeric|bigint|boolean|date|timestamp)[^\n]{0,40}:",
    ),
    (
        Kind::Database,
        "an error of SQLite",
        false,
        r#"near "[^"\n]{1,200}": syntax error|(?:no such (?:column|table): |unrecognized token: )\S|SQLITE_(?:ERROR|CONSTRAINT|MISMATCH)|sqlite3\.\w*Error|SqliteFailure|SqlInputError"#,
    ),
    (
        Kind::Database,
        "an error of SQL Server",
        false,
        r"Unclosed quotation mark after the character string|Incorrect syntax near '|Conversion failed when converting the \w+ value|System\.Data\.SqlClient\.SqlException|Microsoft OLE DB Provider for",
    ),
    (Kind::Database, "an error of Oracle", false, r"\bORA-\d{5}: "),
    (
        Kind::Database,
        "an error of a database driver",
        false,
        r"SQLSTATE\[\w+\]|java\.sql\.SQL\w*Exception|org\.hibernate\.\w+|SequelizeDatabaseError|PrismaClient\w+Error|TypeORMError|QueryFailedError|sqlalchemy\.exc\.\w+|ActiveRecord::StatementInvalid|MongoServerError|MongoError|CastError: Cast to ",
    ),
    (
        Kind::Database,
        "a query",
        false,
        r"(?:SELECT [\w.,*\s()`\x22\[\]'|-]{1,400}? FROM [\w.`\x22\[\]]+|INSERT INTO [\w.`\x22\[\]]+ ?\([\w,\s`\x22]{1,300}\) VALUES|UPDATE [\w.`\x22]+ SET [\w`\x22.]+ ?= ?[?$:@'\d]|DELETE FROM [\w.`\x22]+ WHERE )",
    ),
    (
        Kind::Path,
        "the path of a source file",
        false,
        r"(?:/(?:home|var|usr|app|srv|opt|Users|workspace|root|code)/[\w.@/+-]{1,200}|[A-Z]:\\[\w .\\-]{1,200})\.(?:py|js|ts|rb|php|java|go|rs|cs|pl|jsp|aspx?)\b",
    ),
];

/// What databases say of a query they cannot read.
#[must_use]
pub fn database_error(answer: &Answer) -> Option<&'static str> {
    DATABASE_WORDS.iter().find(|words| answer.has(words)).copied()
}

const DATABASE_WORDS: &[&str] = &[
    "You have an error in your SQL syntax",
    "check the manual that corresponds to your",
    "ER_PARSE_ERROR",
    "unterminated quoted string",
    "unterminated quoted identifier",
    "syntax error at or near",
    "Unclosed quotation mark",
    "Incorrect syntax near",
    "quoted string not properly terminated",
    "ORA-01756",
    "ORA-00933",
    "unrecognized token:",
    "SQLITE_ERROR",
    "SQLSTATE[42",
    "SQLSyntaxErrorException",
    "near \"'\": syntax error",
    "incomplete input",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(text: &str) -> Vec<Kind> {
        leaks_in(text).iter().map(|leak| leak.kind).collect()
    }

    #[test]
    fn every_runtime_is_known_by_its_traces() {
        for (what, text) in [
            ("Java", "java.lang.X\n\tat a.b.C.d(C.java:12)\n\tat a.b.E.<init>(E.java:3)\n"),
            (
                ".NET",
                "   at A.B.C(String s) in C:\\src\\B.cs:line 7\n   at A.B.D()\n   at A.E.F()\n   at A.G()",
            ),
            ("Python", "Traceback (most recent call last):\n  File \"/srv/a.py\", line 3, in view\n"),
            ("JavaScript", "TypeError: x\n    at Object.handle (/app/server.js:10:5)\n"),
            ("PHP", "#0 /var/www/a.php(12): f()\n"),
            ("Ruby", "app/models/a.rb:12:in `find'"),
            ("Go", "panic: x\n\ngoroutine 1 [running]:\nmain.main()\n"),
            ("Rust", "stack backtrace:\n   0: a::b\n"),
            ("Perl", "died at /srv/a.pl line 3."),
        ] {
            let found = leaks_in(text);
            assert!(found.iter().any(|leak| leak.what.ends_with(what)), "{what}: {found:?}");
        }
    }

    #[test]
    fn databases_speak() {
        for text in [
            "SELECT id, title FROM notes WHERE id = ?1",
            "near \"'\": syntax error",
            "ERROR: invalid input syntax for type integer: \"x\"",
            "SQLSTATE[42000]: Syntax error",
            "no such column: x",
            "ORA-00933: SQL command not properly ended",
        ] {
            assert!(kinds(text).contains(&Kind::Database), "{text}");
        }
    }

    #[test]
    fn what_people_write_is_nothing() {
        for text in [
            "Something went wrong on our side.",
            "Please select an item from the list, update your settings and delete from your cart where needed.",
            "Select a plan from our list",
            "Look at the file in line 3, in the second column",
            "We meet at Bob's (room 12) at noon",
            "invalid value for `id`: expected an integer",
            "Our stack: Java, Python and Go. Errors at noon.",
            "See /usr/share/doc for more",
            "at least one letter (a-z) at most 12",
            "the request is not valid: /items/0 has no `name`",
            "no such file in your folder",
            "Warning: your session ends in 5 minutes",
        ] {
            assert_eq!(leaks_in(text), [], "{text}");
        }
    }

    #[test]
    fn pages_and_json_are_read_as_people_read_them() {
        let mut answer = Answer {
            status: 500,
            headers: vec![("content-type".to_owned(), "text/html".to_owned())],
            body: b"<pre>TypeError: x<br> &nbsp; &nbsp;at handle (/app/server.js:1:2)<br></pre>".to_vec(),
            cut: false,
            elapsed: std::time::Duration::ZERO,
        };
        assert_eq!(leaks(&answer)[0].kind, Kind::StackTrace);
        answer.headers.clear();
        answer.body = br#"{"error":{"stack":"E\n    at f (/app/a.js:1:2)\n"}}"#.to_vec();
        assert_eq!(leaks(&answer)[0].kind, Kind::StackTrace);
    }
}
