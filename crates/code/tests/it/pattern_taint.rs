//! Rules of semgrep in the mode `taint`: every part of one, in every language.

use gabion_code::CodeScanner;

use crate::world::{lines, scan};

const RULES: &str = "
rules:
  - id: own.flow
    mode: taint
    languages: [javascript, typescript, python, java, go, rust]
    severity: ERROR
    message: m
    pattern-sources:
      - pattern: read_input(...)
      - patterns: [{ pattern: fill($X) }, { focus-metavariable: $X }]
        by-side-effect: true
    pattern-sanitizers:
      - pattern: clean(...)
      - patterns: [{ pattern: check($X) }, { focus-metavariable: $X }]
        by-side-effect: true
    pattern-propagators:
      - { pattern: 'copy($FROM, $TO)', from: $FROM, to: $TO }
    pattern-sinks:
      - pattern: send(...)
      - patterns: [{ pattern: 'launch($A, $B)' }, { focus-metavariable: $B }]
";

/// Statements of a function with the parameters `x` and `y`, and whether something arrives.
const BODIES: &[(&[&str], bool)] = &[
    (&["send(read_input())"], true),
    (&["send(x)"], false),
    (&["let a = read_input()", "send(a)"], true),
    (&["let a = clean(read_input())", "send(a)"], false),
    (&["let a = read_input()", "send(clean(a))"], false),
    (&["let a = read_input()", "send(wrap(a, 1))"], true),
    (&["let a = read_input()", "launch(1, a)"], true),
    (&["let a = read_input()", "launch(a, 1)"], false),
    (&["fill(x)", "send(x)"], true),
    (&["fill(x)", "send(y)"], false),
    (&["fill(x)", "check(x)", "send(x)"], false),
    (&["fill(x)", "check(y)", "send(x)"], true),
    (&["let a = read_input()", "copy(a, y)", "send(y)"], true),
    (&["let a = read_input()", "copy(a, y)", "send(x)"], false),
    (&["copy(x, y)", "send(y)"], false),
];

type Written = (&'static str, &'static str, &'static str, (&'static str, &'static str), &'static str);

/// File, what stands around the statements, what begins a declaration and sets it, what ends a statement.
const LANGUAGES: &[Written] = &[
    ("a.js", "function outer(x, y) {\n", "}\n", ("let ", " = "), ";"),
    ("a.ts", "function outer(x: string, y: string) {\n", "}\n", ("const ", " = "), ";"),
    ("a.py", "def outer(x, y):\n", "", ("", " = "), ""),
    ("A.java", "class A { void outer(String x, String y) {\n", "} }\n", ("String ", " = "), ";"),
    ("a.go", "package a\nfunc outer(x string, y string) {\n", "}\n", ("", " := "), ""),
    ("a.rs", "fn outer(x: String, y: String) {\n", "}\n", ("let ", " = "), ";"),
];

#[test]
fn every_part_of_a_flow_in_every_language() {
    let scanner = CodeScanner::new(&[("own.yaml", RULES)]).unwrap();
    let mut wrong = Vec::new();
    for (file, before, behind, (begin, set), end) in LANGUAGES {
        for (statements, expected) in BODIES {
            let mut text = (*before).to_owned();
            for statement in *statements {
                let statement = match statement.strip_prefix("let ").and_then(|rest| rest.split_once(" = ")) {
                    Some((name, value)) => format!("{begin}{name}{set}{value}"),
                    None => (*statement).to_owned(),
                };
                text.push_str(&format!("    {statement}{end}\n"));
            }
            text.push_str(behind);
            let verdict = scan(&scanner, &[(file, &text)]);
            assert!(verdict.unread.is_empty(), "{text}{:?}", verdict.unread);
            let found = lines(&verdict.findings).iter().any(|line| line.starts_with("own.flow"));
            if found != *expected {
                wrong.push(format!(
                    "{} {file}: {}",
                    if found { "found:" } else { "missed:" },
                    statements.join("; ")
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A pattern of a source may stand for what is called: then the call gives what comes from it, and arrives in itself.
#[test]
fn what_is_called_may_be_a_source() {
    let rules = "
rules:
  - id: own.called
    mode: taint
    languages: [javascript, python]
    severity: ERROR
    message: m
    pattern-sources:
      - pattern: $R.query
    pattern-sinks:
      - pattern: $D.query($Q, ...)
      - pattern: send($Q)
";
    let scanner = CodeScanner::new(&[("own.yaml", rules)]).unwrap();
    for (text, expected) in [
        ("db.query('select 1');", vec!["own.called a.js:1"]),
        ("db.query();", vec![]),
        ("const a = db.query();\nsend(a);", vec!["own.called a.js:2"]),
        ("db.run('select 1');\nsend(db);", vec![]),
    ] {
        assert_eq!(lines(&scan(&scanner, &[("a.js", text)]).findings), expected, "{text}");
    }
    let verdict = scan(&scanner, &[("a.py", "db.query('select 1')\nsend(db.run())\n")]);
    assert_eq!(lines(&verdict.findings), ["own.called a.py:1"]);
}
