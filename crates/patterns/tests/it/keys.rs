//! What a rule says besides what it looks for, and that nothing it says is passed over.

use gabion_finding::{Confidence, Span};
use gabion_model::Severity;
use gabion_patterns::PatternRules;
use gabion_syntax::Language;

use crate::dialect::{look, on_stack, read};

const RULE: &str =
    "rules:\n- id: a\n  languages: [python]\n  severity: ERROR\n  message: m\n  pattern: run($X)\n";

/// What is wrong with rules.
fn refused(rules: &str) -> String {
    on_stack(|| PatternRules::default().read("own.yaml", rules).expect_err(rules).to_string())
}

#[test]
fn every_unknown_key_is_named_with_its_line() {
    let of = |more: &str| refused(&format!("{RULE}  {more}\n"));
    for (more, key, of_what) in [
        ("patern: x", "patern", "a rule"),
        ("pattern-sinks: []", "pattern-sinks", "a rule"),
        ("options: { speed: 9 }", "speed", "`options`"),
        ("paths: { only: [a] }", "only", "`paths`"),
        ("fix-regex: { regex: a, replacement: b, counts: 1 }", "counts", "`fix-regex`"),
    ] {
        let says = of(more);
        assert!(
            says.contains("rule `a`, line 7") && says.contains(&format!("`{key}` is no key of {of_what}")),
            "{says}"
        );
    }
    let inner = |part: &str| {
        refused(&RULE.replace("pattern: run($X)", &format!("patterns: [{{ pattern: x }}, {part}]")))
    };
    for (part, key) in [
        ("{ pattern-insde: y }", "pattern-insde"),
        ("{ metavariable-regexp: 1 }", "metavariable-regexp"),
        ("{ metavariable-regex: { metavariable: $X, regex: a, flags: i } }", "flags"),
        ("{ metavariable-comparison: { comparison: 1 < 2, radix: 2 } }", "radix"),
        ("{ metavariable-type: { metavariable: $X, typ: a } }", "typ"),
        ("{ metavariable-analysis: { metavariable: $X, analyzer: entropy, level: 1 } }", "level"),
    ] {
        let says = inner(part);
        assert!(says.contains("line 6") && says.contains(&format!("`{key}` is no key")), "{says}");
    }
    let taint = "rules:\n- id: t\n  mode: taint\n  languages: [python]\n  severity: ERROR\n  message: m\n  pattern-sources: [{ pattern: a }]\n  pattern-sinks: [{ pattern: b }]\n";
    assert!(
        refused(&format!("{taint}  pattern: x\n")).contains("`pattern` is no key of a rule in mode `taint`")
    );
    assert!(refused(&taint.replace("{ pattern: b }", "{ pattern: b, exakt: true }")).contains("`exakt`"));
    assert!(refused(&format!("extra: 1\n{RULE}")).contains("`extra` is no key of a file of rules"));
}

#[test]
fn what_is_missing_or_wrong_is_said() {
    for (from, to, says) in [
        ("  id: a\n", "", "is no rule"),
        ("  severity: ERROR\n", "", "`severity` is missing"),
        ("  message: m\n", "", "`message` is missing"),
        ("  languages: [python]\n", "", "`languages` is missing"),
        ("  pattern: run($X)\n", "", "looks for nothing"),
        ("ERROR", "LOUD", "`LOUD` is no severity"),
        ("pattern: run($X)", "pattern: ''", "a pattern is empty"),
        ("pattern: run($X)", "pattern-regex: '('", "is no pattern"),
        ("pattern: run($X)", "patterns: [{ pattern-not: x }]", "says only what is not looked for"),
        ("pattern: run($X)", "pattern: x\n  pattern-regex: y", "has more than one of"),
        ("pattern: run($X)", "patterns: [{ pattern: x }, { focus-metavariable: x }]", "is no variable"),
        (
            "pattern: run($X)",
            "patterns: [{ pattern: x }, { metavariable-comparison: { comparison: 'x = 1' } }]",
            "is no comparison",
        ),
        ("pattern: run($X)", "mode: sideways\n  pattern: x", "`sideways` is no mode"),
        (
            "pattern: run($X)",
            "mode: taint\n  pattern-sources: [{ pattern: x }]",
            "`pattern-sinks` is missing",
        ),
        ("pattern: run($X)", "pattern: x\n  metadata: { control: web.nothing }", "web.nothing"),
        ("pattern: run($X)", "pattern: x\n  paths: { include: ['[z-a]'] }", "is no pattern of paths"),
        ("pattern: run($X)", "pattern: x\n  pattern: y", "twice"),
    ] {
        if from == "  id: a\n" {
            continue;
        }
        let rules = RULE.replace(from, to);
        assert_ne!(rules, RULE, "{from}");
        let said = refused(&rules);
        assert!(said.contains(says), "{rules}\n{said}");
    }
    assert!(refused(&RULE.replace("- id: a\n  lang", "- lang")).contains("`id` is missing"));
    assert!(refused("").contains("begins with `rules:`") && refused("rules: 1").contains("is no rule"));
    assert!(refused(&format!("{RULE}{}", RULE.trim_start_matches("rules:\n"))).contains("stands here twice"));
}

#[test]
fn severities_weaknesses_and_confidence_become_ours() {
    for (written, expected) in [
        ("INFO", Severity::Low),
        ("WARNING", Severity::Medium),
        ("ERROR", Severity::High),
        ("LOW", Severity::Low),
        ("MEDIUM", Severity::Medium),
        ("HIGH", Severity::High),
        ("CRITICAL", Severity::Critical),
    ] {
        let rules = read(&RULE.replace("ERROR", written));
        assert_eq!(rules.rules().next().unwrap().severity, expected, "{written}");
    }
    let with = |metadata: &str| read(&format!("{RULE}  metadata: {metadata}\n"));
    let rules = with(
        "{ cwe: ['CWE-89: SQL', 'CWE-564'], confidence: LOW, references: ['https://example.org/a', 'file:///b'], owasp: A1 }",
    );
    let rule = rules.rules().next().unwrap();
    assert_eq!((rule.cwe.as_slice(), rule.confidence), (&[89, 564][..], Confidence::Low));
    assert_eq!((rule.control.as_str(), rule.references.len()), ("input.queries", 1));
    let rules = with("{ cwe: 'CWE-327: Broken', control: web.csrf }");
    let rule = rules.rules().next().unwrap();
    assert_eq!((rule.cwe.as_slice(), rule.control.as_str()), (&[327][..], "web.csrf"));
}

#[test]
fn paths_choose_files() {
    let rules = format!("{RULE}  paths:\n    include: ['*.py', src/**]\n    exclude: [tests/, '*_gen.py']\n");
    let found = |file: &str| look(&rules, file, Some(Language::Python), "run(1)\n").findings.len();
    assert_eq!(
        [found("a.py"), found("x/src/a/b.py"), found("x/tests/a.py"), found("a_gen.py")],
        [1, 1, 0, 0]
    );
    assert_eq!(found("a.pyw"), 0);
}

#[test]
fn a_fix_is_what_the_rule_writes() {
    let fixed = |fix: &str, text: &str| {
        let looked = look(&format!("{RULE}{fix}"), "a.py", Some(Language::Python), text);
        let fix = looked.findings.first().and_then(|one| one.fix.clone())?;
        let edit = &fix.edits[0];
        let end = u32::try_from(text.len()).ok()?;
        let (before, behind) = (Span::new(0, edit.span.start), Span::new(edit.span.end, end));
        Some(format!("{}{}{}", before.of(text), edit.text, behind.of(text)))
    };
    assert_eq!(
        fixed("  fix: walk($X, safe=True)\n", "y = run(a + 1)\n").unwrap(),
        "y = walk(a + 1, safe=True)\n"
    );
    assert_eq!(fixed("  fix: ''\n", "run(a)\n").unwrap(), "\n");
    assert_eq!(fixed("  fix: run($X)\n", "run(a)\n"), None, "it changes nothing");
    let regex = "  fix-regex: { regex: 'run\\((.*)\\)', replacement: 'walk(\\1, $1)' }\n";
    assert_eq!(fixed(regex, "run(a)\n").unwrap(), "walk(a, $1)\n");
    let once = "  fix-regex: { regex: a, replacement: b, count: 1 }\n";
    assert_eq!(fixed(once, "run(aa)\n").unwrap(), "run(ba)\n");
    assert_eq!(fixed("", "run(a)\n"), None);
}

#[test]
fn messages_show_what_variables_stand_for_and_no_more_than_that() {
    let said = |message: &str, text: &str| {
        let looked = look(
            &RULE.replace("message: m", &format!("message: {message}")),
            "a.py",
            Some(Language::Python),
            text,
        );
        looked.findings[0].message.clone()
    };
    assert_eq!(said("'$X arrives, not $Y, for $5'", "run(a)\n"), "a arrives, not $Y, for $5");
    let long = format!("run('{}')\n", "ä".repeat(5_000));
    assert!(said("$X", &long).len() <= 200);
}

#[test]
fn options_change_what_is_seen() {
    let found = |options: &str, pattern: &str, text: &str| {
        let rule = RULE.replace("run($X)", pattern) + options;
        look(&rule, "a.py", Some(Language::Python), text).findings.len()
    };
    let text = "k = 'key'\nrun(k)\n";
    assert_eq!(found("", "run('key')", text), 1);
    assert_eq!(found("  options: { constant_propagation: false }\n", "run('key')", text), 0);
    let text = "k = make()\nrun(k)\n";
    assert_eq!(found("", "run(make())", text), 0);
    assert_eq!(found("  options: { symbolic_propagation: true }\n", "run(make())", text), 1);
}
