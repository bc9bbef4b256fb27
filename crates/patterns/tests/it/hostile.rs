//! Files of rules, and code, that are made to take long: an end comes soon, and what was cut is said.

use std::fmt::Write as _;

use gabion_finding::UnreadReason;
use gabion_patterns::PatternRules;
use gabion_syntax::Language;

use crate::dialect::{look, look_with, on_stack, read};

fn refused(rules: &str) -> String {
    on_stack(|| PatternRules::default().read("own.yaml", rules).expect_err("refused").to_string())
}

fn rule(what: &str) -> String {
    format!("rules:\n- id: a\n  languages: [javascript]\n  severity: ERROR\n  message: m\n{what}")
}

#[test]
fn aliases_that_multiply_are_refused() {
    let mut bomb = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for at in 1..12 {
        let before = format!("*a{}", at - 1);
        let _ = writeln!(bomb, "a{at}: &a{at} [{}]", vec![before; 10].join(", "));
    }
    bomb.push_str("rules: *a11\n");
    assert!(refused(&bomb).contains("too many values"));
    let merge = "x: &x { a: 1 }\nrules:\n- <<: *x\n  id: b\n";
    assert!(refused(merge).contains("`a` is no key") || refused(merge).contains("`x` is no key"));
    assert!(refused("rules: *nowhere\n").contains("line 1"));
}

#[test]
fn what_nests_deep_is_refused() {
    for text in ["rules: ".to_owned() + &"[".repeat(50_000), "- ".repeat(50_000), "a: ".repeat(1_000)] {
        assert!(refused(&text).len() < 1_000);
    }
    let mut either = String::from("  pattern-either:\n");
    for depth in 1..60 {
        let _ = writeln!(either, "{}- pattern-either:", "  ".repeat(depth + 1));
    }
    assert!(refused(&rule(&either)).contains("deeper"));
    // As a pattern it is code that nests too deep, and that is said.
    let deep = rule(&format!("  pattern: '{}x{}'\n", "f(".repeat(5_000), ")".repeat(5_000)));
    let left = on_stack(|| {
        let mut rules = PatternRules::default();
        rules.read("own.yaml", &deep).unwrap();
        rules.left_out()
    });
    assert!(left[0].detail.contains("cannot be read"), "{left:?}");
}

#[test]
fn expressions_that_are_huge_or_never_end_are_refused_or_cut() {
    for regex in
        ["(a{1000}){1000}".to_owned(), "a{0,99999}".repeat(50), "(".repeat(100_000), "[a-".to_owned()]
    {
        let says = refused(&rule(&format!("  pattern-regex: '{regex}'\n")));
        assert!(says.contains("is no pattern"), "{}", says.chars().take(200).collect::<String>());
    }
    let slow = rule("  pattern-regex: '(?:(x+)+)(?=y)\\1z'\n");
    let looked = look(&slow, "a.js", Some(Language::JavaScript), &format!("// {}\n", "x".repeat(50_000)));
    assert_eq!(looked.unread[0].reason, UnreadReason::Budget);
    assert!(looked.unread[0].detail.contains('a'));
    let slow = rule(
        "  patterns:\n  - pattern: run($X)\n  - metavariable-regex: { metavariable: $X, regex: '(?:(x+)+)(?=y)\\1z' }\n",
    );
    let looked = look(&slow, "a.js", Some(Language::JavaScript), &format!("run({});\n", "x".repeat(50_000)));
    assert_eq!((looked.findings.len(), looked.unread[0].reason), (0, UnreadReason::Budget));
}

#[test]
fn what_is_no_text_of_rules_is_refused() {
    for text in [
        "\u{0}",
        "\u{feff}\u{feff}",
        "%YAML 9.9\n---\n",
        "rules: !!binary x",
        "\t\t- x",
        "? [a]: b\n",
        "---\n---\n",
        "rules:\n- \u{202e}\n",
    ] {
        assert!(!refused(text).is_empty(), "{text:?}");
    }
    let long = format!("rules:\n- id: a\n  message: {}\n", "x".repeat(17 << 20));
    assert!(refused(&long).contains("longer than 16 MiB"));
    let long = rule(&format!("  pattern: '{}'\n", "x".repeat(70_000)));
    assert!(refused(&long).contains("longer than 64 KiB"));
}

#[test]
fn ten_thousand_rules_are_read_and_run() {
    let mut rules = String::from("rules:\n");
    for at in 0..10_000 {
        let _ = write!(
            rules,
            "- id: own.rule-{at}\n  languages: [javascript]\n  severity: ERROR\n  message: m\n  pattern: call_{at}($X)\n"
        );
    }
    let rules = read(&rules);
    assert_eq!(rules.rules().count(), 10_000);
    let text: String = (0..200).map(|at| format!("call_{}(a);\n", at * 50)).collect();
    let looked = look_with(&rules, "a.js", Some(Language::JavaScript), &text);
    assert_eq!((looked.findings.len(), looked.unread.len()), (200, 0));
}

/// A pattern, and code that makes it hard.
fn hard(pattern: &str, text: &str) -> gabion_patterns::Looked {
    let lines: String = pattern.lines().map(|line| format!("    {line}\n")).collect();
    look(&rule(&format!("  pattern: |\n{lines}")), "a.js", Some(Language::JavaScript), text)
}

#[test]
fn gaps_among_many_things_end() {
    // Each gap may end anywhere, and the last name is never there.
    let arguments = vec!["a"; 800].join(", ");
    let looked = hard("run(..., a, ..., a, ..., a, ..., a, ..., b)", &format!("run({arguments});\n"));
    assert!(looked.findings.is_empty());
    let looked = hard("a();\n...\na();\n...\na();\n...\na();\n...\nb();", &"a();\n".repeat(800));
    assert!(looked.findings.is_empty());
    let looked = hard(
        "run(<... $X ...>, <... $Y ...>, <... $Z ...>, <... never() ...>)",
        &format!("run({0}, {0}, {0}, {0}); never;\n", vec!["f(a, b)"; 100].join(" + ")),
    );
    assert!(looked.findings.is_empty());
    let looked = hard(
        "<... $X + <... $Y + <... never() ...> ...> ...>",
        &format!("x = {}; never;\n", vec!["a"; 380].join(" + ")),
    );
    assert!(looked.findings.is_empty());
    let chain = format!("x{};\n", ".a()".repeat(350));
    assert!(hard("x. ... .a(). ... .a(). ... .a(). ... .b()", &format!("{chain}b;\n")).findings.is_empty());
}

#[test]
fn places_of_one_file_are_counted() {
    let looked = hard("$X", &"a;\n".repeat(20_000));
    assert!(looked.findings.len() <= 500);
    let both = rule("  patterns:\n  - pattern: run($X)\n  - pattern-inside: |\n      $F();\n      ...\n");
    let text = format!("{}{}", "f();\n".repeat(1_500), "run(a);\n".repeat(1_500));
    let looked = look(&both, "a.js", Some(Language::JavaScript), &text);
    assert!(looked.findings.len() <= 500);
}
