//! The same statements in every language, and rules held against them.

use std::fmt::Write as _;

use gabion_finding::Source;
use gabion_patterns::{Looked, PatternRules};
use gabion_syntax::Language;

/// How a language is written where languages differ.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Dialect {
    pub(crate) language: Language,
    /// As rules name it.
    pub(crate) name: &'static str,
    pub(crate) file: &'static str,
    /// What stands before the statements, on a line of its own, and behind them.
    around: (&'static str, &'static str),
    /// What begins a declaration, and what sets it.
    declares: (&'static str, &'static str),
    end: &'static str,
    indent: &'static str,
    /// A pattern of the function they stand in.
    pub(crate) function: &'static str,
}

pub(crate) const DIALECTS: &[Dialect] = &[
    Dialect {
        language: Language::JavaScript,
        name: "javascript",
        file: "a.js",
        around: ("function outer(a, b) {", "}"),
        declares: ("let ", " = "),
        end: ";",
        indent: "  ",
        function: "function NAME(...) { ... }",
    },
    Dialect {
        language: Language::TypeScript,
        name: "typescript",
        file: "a.ts",
        around: ("function outer(a: string, b: number): void {", "}"),
        declares: ("const ", " = "),
        end: ";",
        indent: "  ",
        function: "function NAME(...) { ... }",
    },
    Dialect {
        language: Language::Python,
        name: "python",
        file: "a.py",
        around: ("def outer(a: str, b: int):", ""),
        declares: ("", " = "),
        end: "",
        indent: "    ",
        function: "def NAME(...):\n  ...",
    },
    Dialect {
        language: Language::Java,
        name: "java",
        file: "A.java",
        around: ("class A { void outer(String a, int b) {", "} }"),
        declares: ("var ", " = "),
        end: ";",
        indent: "    ",
        function: "$T NAME(...) { ... }",
    },
    Dialect {
        language: Language::Go,
        name: "go",
        file: "a.go",
        around: ("package a; func outer(a string, b int) {", "}"),
        declares: ("", " := "),
        end: "",
        indent: "\t",
        function: "func NAME(...) { ... }",
    },
    Dialect {
        language: Language::Rust,
        name: "rust",
        file: "a.rs",
        around: ("fn outer(a: String, b: i32) {", "}"),
        declares: ("let ", " = "),
        end: ";",
        indent: "    ",
        function: "fn NAME(...) { ... }",
    },
];

impl Dialect {
    /// Statements as they are written: `let x = 1` declares.
    pub(crate) fn file_of(&self, statements: &[&str]) -> String {
        let mut text = format!("{}\n", self.around.0);
        for statement in statements {
            let _ = writeln!(text, "{}{}{}", self.indent, self.statement(statement), self.end);
        }
        text + self.around.1 + "\n"
    }

    fn statement(&self, statement: &str) -> String {
        match statement.strip_prefix("let ").and_then(|rest| rest.split_once(" = ")) {
            Some((name, value)) => format!("{}{name}{}{value}", self.declares.0, self.declares.1),
            None => statement.to_owned(),
        }
    }

    /// A rule for this language: in `rule`, `;` ends a statement and `FUNCTION(name)` is the pattern of one.
    pub(crate) fn rule(&self, rule: &str) -> String {
        let mut text = format!(
            "rules:\n- id: own.rule\n  languages: [{}]\n  severity: ERROR\n  message: m\n",
            self.name
        );
        for line in rule.lines() {
            let indent = line.len() - line.trim_start().len();
            match line.split_once("FUNCTION(") {
                Some((before, name)) => {
                    let pattern = self.function.replace("NAME", name.trim_end_matches(')'));
                    let _ = writeln!(text, "  {before}|");
                    for one in pattern.lines() {
                        let _ = writeln!(text, "  {}      {one}", " ".repeat(indent));
                    }
                }
                None => {
                    let line = if self.end.is_empty() { line.trim_end_matches(';') } else { line };
                    let _ = writeln!(text, "  {line}");
                }
            }
        }
        text
    }

    /// What the rule finds among the statements: their number, from 1, and what is found there, in one line.
    pub(crate) fn found(&self, rule: &str, statements: &[&str]) -> Vec<String> {
        let text = self.file_of(statements);
        let looked = look(&self.rule(rule), self.file, Some(self.language), &text);
        assert!(looked.unread.is_empty(), "{}: {:?}", self.name, looked.unread);
        let said = |span: gabion_finding::Span| {
            span.of(&text).split_whitespace().collect::<Vec<_>>().join(" ").trim_end_matches(';').to_owned()
        };
        let mut found: Vec<(u32, String)> = (looked.findings.iter())
            .map(|finding| (finding.place.start.line.saturating_sub(1), said(finding.place.span)))
            .collect();
        found.sort();
        found.iter().map(|(line, text)| format!("{line} {text}")).collect()
    }
}

/// Reads rules; all of them are run.
pub(crate) fn read(rules: &str) -> PatternRules {
    on_stack(|| {
        let mut read = PatternRules::default();
        read.read("own.yaml", rules).unwrap_or_else(|error| panic!("{error}\n{rules}"));
        assert_eq!(read.left_out(), [], "{rules}");
        read
    })
}

/// What rules say of a file.
pub(crate) fn look(rules: &str, file: &str, language: Option<Language>, text: &str) -> Looked {
    let rules = read(rules);
    look_with(&rules, file, language, text)
}

pub(crate) fn look_with(rules: &PatternRules, file: &str, language: Option<Language>, text: &str) -> Looked {
    on_stack(|| {
        let source = Source::new(file, text);
        let parsed = language.map(|language| gabion_syntax::parse(language, text));
        let code = language.zip(parsed.as_ref()).map(|(language, parsed)| (language, &parsed.module));
        rules.look(&source, code)
    })
}

/// Parsers want room.
pub(crate) fn on_stack<T: Send>(run: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| {
        let thread =
            std::thread::Builder::new().stack_size(4 * gabion_syntax::STACK).spawn_scoped(scope, run);
        match thread.unwrap().join() {
            Ok(done) => done,
            Err(panic) => std::panic::resume_unwind(panic),
        }
    })
}
