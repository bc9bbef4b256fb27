//! Rules in the format of semgrep: what they find in files, and what flows from their sources to their sinks.

use gabion_code::CodeScanner;
use gabion_finding::Scanner as _;

use crate::world::{lines, scan};

fn own(rules: &str) -> CodeScanner {
    CodeScanner::new(&[("own.yaml", rules)]).unwrap()
}

/// What the rule `own.…` finds.
fn found(rules: &str, files: &[(&str, &str)]) -> Vec<String> {
    let verdict = scan(&own(rules), files);
    assert!(verdict.unread.is_empty(), "{:?}", verdict.unread);
    lines(&verdict.findings).into_iter().filter(|line| line.starts_with("own.")).collect()
}

const FLOW: &str = "
rules:
  - id: own.flow
    mode: taint
    languages: [javascript, typescript, python, java, go, rust]
    severity: ERROR
    message: $X arrives
    metadata: { cwe: 'CWE-78: OS command', confidence: HIGH }
    pattern-sources:
      - pattern: read_input(...)
    pattern-sanitizers:
      - pattern: clean(...)
    pattern-sinks:
      - patterns:
          - pattern: execute($X)
          - focus-metavariable: $X
";

#[test]
fn values_flow_in_every_language() {
    let python = "def f():\n    a = read_input()\n    b = 'x' + a\n    execute(b)\n    execute(clean(b))\n    execute('x')\n";
    assert_eq!(found(FLOW, &[("a.py", python)]), ["own.flow a.py:4"]);
    let script =
        "const f = () => {\n  const { a } = read_input();\n  execute(`x ${a}`);\n  execute(clean(a));\n};\n";
    assert_eq!(found(FLOW, &[("a.js", script)]), ["own.flow a.js:3"]);
    assert_eq!(found(FLOW, &[("a.ts", script)]), ["own.flow a.ts:3"]);
    let java = "class A {\n  void f() {\n    String a = read_input();\n    if (a != null) { execute(a.trim()); }\n    execute(clean(a));\n  }\n}\n";
    assert_eq!(found(FLOW, &[("A.java", java)]), ["own.flow A.java:4"]);
    let go = "package a\nfunc f() {\n\ta := read_input()\n\texecute(a)\n\texecute(clean(a))\n}\n";
    assert_eq!(found(FLOW, &[("a.go", go)]), ["own.flow a.go:4"]);
    let rust = "fn f() {\n    let a = read_input();\n    execute(&a);\n    execute(clean(a));\n}\n";
    assert_eq!(found(FLOW, &[("a.rs", rust)]), ["own.flow a.rs:3"]);
}

#[test]
fn values_flow_through_functions_and_files() {
    let main = "const { run } = require('./run');\nrun(read_input());\n";
    let run = "exports.run = (line) => {\n  const all = [line];\n  execute(all[0]);\n};\n";
    let verdict = scan(&own(FLOW), &[("main.js", main), ("run.js", run)]);
    let finding = verdict.findings.iter().find(|one| one.rule.as_str() == "own.flow").unwrap();
    assert_eq!((&*finding.place.path, finding.place.start.line), ("run.js", 3));
    assert_eq!(finding.message, "all[0] arrives");
    assert_eq!((&*finding.trace[0].place.path, finding.trace[0].place.start.line), ("main.js", 2));
    assert!(
        found(FLOW, &[("main.js", &main.replace("read_input()", "clean(read_input())")), ("run.js", run)])
            .is_empty()
    );
}

#[test]
fn parameters_may_be_sources() {
    let rules = "
rules:
  - id: own.parameter
    mode: taint
    languages: [python]
    severity: WARNING
    message: m
    pattern-sources:
      - patterns:
          - pattern-inside: |
              @handler
              def $F(..., $P, ...):
                ...
          - focus-metavariable: $P
    pattern-sinks:
      - pattern: execute(...)
";
    let text = "@handler\ndef f(a):\n    execute(a)\n\ndef g(a):\n    execute(a)\n";
    assert_eq!(found(rules, &[("a.py", text)]), ["own.parameter a.py:3"]);
}

#[test]
fn propagators_labels_and_side_effects() {
    let rules = "
rules:
  - id: own.labels
    mode: taint
    languages: [javascript]
    severity: ERROR
    message: m
    pattern-sources:
      - { pattern: first(), label: A }
      - { pattern: second(), label: B }
      - { pattern: third($X), label: C, requires: A }
    pattern-propagators:
      - { pattern: $TO.put($FROM), from: $FROM, to: $TO }
    pattern-sinks:
      - { pattern: execute(...), requires: A and B }
      - { pattern: launch(...), requires: A and not B }
      - { pattern: start(...), requires: C }
  - id: own.effects
    mode: taint
    languages: [javascript]
    severity: ERROR
    message: m
    pattern-sources:
      - patterns: [{ pattern: fill($X) }, { focus-metavariable: $X }]
        by-side-effect: true
    pattern-sanitizers:
      - patterns: [{ pattern: check($X) }, { focus-metavariable: $X }]
        by-side-effect: true
    pattern-sinks:
      - pattern: send(...)
";
    let text = "const a = first(); const b = second();\nexecute(a);\nexecute(a + b);\nlaunch(a);\nlaunch(a + b);\n\
        const box = make();\nbox.put(a);\nlaunch(box);\nlaunch(make());\nstart(third(a));\nstart(third(1));\n\
        function f(x, y) {\n  fill(x);\n  send(x);\n  send(y);\n  check(x);\n  send(x);\n}\n";
    assert_eq!(
        found(rules, &[("a.js", text)]),
        [
            "own.labels a.js:3",
            "own.labels a.js:4",
            "own.labels a.js:8",
            "own.labels a.js:10",
            "own.effects a.js:14"
        ]
    );
}

#[test]
fn findings_say_what_they_found_and_how_to_repair_it() {
    let rules = "
rules:
  - id: Own.Debug_Flag
    languages: [python]
    severity: WARNING
    message: |
      $APP runs with debug=$V.
      More.
    metadata:
      cwe: ['CWE-489: Active Debug Code']
      references: ['https://example.org/x']
    pattern: $APP.run(..., debug=$V, ...)
    fix: $APP.run(debug=False)
  - id: own.port
    languages: [generic]
    severity: INFO
    message: port $P
    pattern: 'listen $P;'
    paths: { include: ['*.conf'] }
";
    let scanner = own(rules);
    let verdict =
        scan(&scanner, &[("a.py", "app.run(port=1, debug=True)\n"), ("b.conf", "x\n  listen  80 ;\n")]);
    let finding = verdict.findings.iter().find(|one| one.rule.as_str() == "own.debug-flag").unwrap();
    assert_eq!(finding.message, "app runs with debug=True. More.");
    assert_eq!(finding.fix.as_ref().unwrap().edits[0].text, "app.run(debug=False)");
    let rule = scanner.rules().into_iter().find(|rule| rule.id.as_str() == "own.debug-flag").unwrap();
    assert_eq!((rule.cwe.as_slice(), rule.control.as_str()), (&[489][..], "api.errors"));
    assert!(lines(&verdict.findings).contains(&"own.port b.conf:2".to_owned()));
    assert!(!scanner.reads("b.txt"));
}

#[test]
fn what_is_not_known_or_not_run_is_said() {
    let wrong = |text: &str| CodeScanner::new(&[("own.yaml", text)]).unwrap_err().to_string();
    let rule = "rules:\n- id: a\n  languages: [python]\n  severity: ERROR\n  message: m\n  pattern: x\n";
    let says = wrong(&rule.replace("pattern: x", "pattern: x\n  patern-not: y"));
    assert!(says.contains("rule `a`, line 7") && says.contains("`patern-not` is no key of a rule"), "{says}");
    assert!(
        wrong(&rule.replace("pattern: x", "patterns: [{pattern: x}, {metavariable-regexp: 1}]"))
            .contains("metavariable-regexp")
    );
    assert!(wrong(&rule.replace("pattern: x", "pattern: x\n  options: {speed: 9}")).contains("`speed`"));
    assert!(wrong(&rule.replace("pattern: x", "pattern-regex: '('")).contains("is no pattern"));
    assert!(wrong(&rule.replace("ERROR", "LOUD")).contains("LOUD"));
    assert!(wrong("rules: [").contains("line"));
    let scanner = own(&rule.replace("python", "php"));
    let unread = scan(&scanner, &[("a.py", "x = 1\n")]).unread;
    assert!(
        unread[0].detail.contains("the rule `a` is not run") && unread[0].detail.contains("`php`"),
        "{unread:?}"
    );
    let unread = scan(&own(&rule.replace("pattern: x", "pattern: 'f('")), &[("a.py", "x = 1\n")]).unread;
    assert!(unread[0].detail.contains("cannot be read as Python"), "{unread:?}");
}
