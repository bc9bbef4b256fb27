//! Every operator of a search, in every language, both ways.

use crate::dialect::DIALECTS;

struct Case {
    rule: &'static str,
    statements: &'static [&'static str],
    /// Statements by number, and what is found of them.
    found: &'static [&'static str],
}

const CASES: &[Case] = &[
    Case { rule: "pattern: run($X)", statements: &["run(a)", "run(a, b)", "walk(a)"], found: &["1 run(a)"] },
    Case {
        rule: "pattern: run(...)",
        statements: &["run()", "run(a, b)", "walk(run(a))", "walk(a)"],
        found: &["1 run()", "2 run(a, b)", "3 run(a)"],
    },
    Case {
        rule: "pattern: run($X, ..., $Y)",
        statements: &["run(a)", "run(a, b)", "run(a, c, b)"],
        found: &["2 run(a, b)", "3 run(a, c, b)"],
    },
    Case {
        rule: "pattern: run($X, $X)",
        statements: &["run(a, a)", "run(a, b)", "run(f(1), f(1))"],
        found: &["1 run(a, a)", "3 run(f(1), f(1))"],
    },
    Case { rule: "pattern: run($_, $_)", statements: &["run(a, b)", "run(a)"], found: &["1 run(a, b)"] },
    Case {
        rule: "pattern: run($...FIRST, 1)",
        statements: &["run(1)", "run(a, b, 1)", "run(a, 2)"],
        found: &["1 run(1)", "2 run(a, b, 1)"],
    },
    Case {
        rule: "pattern: run(\"...\")",
        statements: &["run(\"x\")", "run(a)", "run(\"\")"],
        found: &["1 run(\"x\")", "3 run(\"\")"],
    },
    Case {
        rule: "pattern: run(\"=~/^sel/\")",
        statements: &["run(\"select\")", "run(\"unselect\")"],
        found: &["1 run(\"select\")"],
    },
    Case {
        rule: "pattern: run(\"$WORD\")\n",
        statements: &["run(\"select\")", "run(a)"],
        found: &["1 run(\"select\")"],
    },
    Case {
        rule: "pattern: run(<... secret() ...>)",
        statements: &["run(secret())", "run(walk(1 + secret()))", "run(a)", "secret()"],
        found: &["1 run(secret())", "2 run(walk(1 + secret()))"],
    },
    Case {
        rule: "pattern: $F(1)",
        statements: &["run(1)", "x.walk(1)", "run(2)"],
        found: &["1 run(1)", "2 x.walk(1)"],
    },
    Case {
        rule: "pattern: $O.run(...)",
        statements: &["x.run(1)", "run(1)", "x.y().run()"],
        found: &["1 x.run(1)", "3 x.y().run()"],
    },
    Case {
        rule: "pattern: x. ... .run()",
        statements: &["x.run()", "x.y().run()", "x.y(1).z().run()", "w.run()"],
        found: &["1 x.run()", "2 x.y().run()", "3 x.y(1).z().run()"],
    },
    Case {
        rule: "pattern: run($X + $Y)",
        statements: &["run(a + b)", "run(a - b)", "run(a)"],
        found: &["1 run(a + b)"],
    },
    Case {
        rule: "pattern: run(\"key\")",
        statements: &["let k = \"key\"", "run(k)", "run(a)"],
        found: &["2 run(k)"],
    },
    Case {
        rule: "patterns:\n- pattern: run(...)\n- pattern-not: run(1)\n- pattern-not: run($X, $X)",
        statements: &["run(1)", "run(2)", "run(a, a)", "run(a, b)"],
        found: &["2 run(2)", "4 run(a, b)"],
    },
    Case {
        rule: "pattern-either:\n- pattern: run(1)\n- pattern: walk(...)",
        statements: &["run(1)", "run(2)", "walk(a)"],
        found: &["1 run(1)", "3 walk(a)"],
    },
    Case {
        rule: "patterns:\n- pattern-either:\n  - pattern: run($X)\n  - patterns:\n    - pattern: walk($X)\n    - pattern-not: walk(1)\n- pattern-not: run(1)",
        statements: &["run(1)", "run(2)", "walk(1)", "walk(2)"],
        found: &["2 run(2)", "4 walk(2)"],
    },
    Case {
        rule: "pattern-regex: run\\(\\d+\\)",
        statements: &["run(12)", "run(a)", "walk(run(3))"],
        found: &["1 run(12)", "3 run(3)"],
    },
    Case {
        rule: "patterns:\n- pattern: run(...)\n- pattern-not-regex: \\d{2}",
        statements: &["run(12)", "run(1)"],
        found: &["2 run(1)"],
    },
    Case {
        rule: "patterns:\n- pattern: run($X)\n- pattern-regex: .*1.*",
        statements: &["run(1)", "run(2)"],
        found: &["1 run(1)"],
    },
    Case {
        rule: "patterns:\n- pattern: run($X)\n- metavariable-regex:\n    metavariable: $X\n    regex: ^(?!safe).*$",
        statements: &["run(safe_one)", "run(other)"],
        found: &["2 run(other)"],
    },
    Case {
        rule: "patterns:\n- pattern: $F($X)\n- metavariable-regex: { metavariable: $F, regex: (?i)run }",
        statements: &["run(1)", "RunAll(1)", "walk(1)"],
        found: &["1 run(1)", "2 RunAll(1)"],
    },
    Case {
        rule: "patterns:\n- pattern: run($X)\n- metavariable-pattern:\n    metavariable: $X\n    patterns:\n    - pattern: build(...)\n    - pattern-not: build(1)",
        statements: &["run(build(1))", "run(build(2))", "run(a)"],
        found: &["2 run(build(2))"],
    },
    Case {
        rule: "patterns:\n- pattern: run($X)\n- metavariable-pattern:\n    metavariable: $X\n    pattern-either:\n    - pattern: a\n    - pattern: build($Y)",
        statements: &["run(a)", "run(b)", "run(build(2))"],
        found: &["1 run(a)", "3 run(build(2))"],
    },
    Case {
        rule: "patterns:\n- pattern: run(\"$X\")\n- metavariable-pattern:\n    metavariable: $X\n    language: generic\n    pattern: drop table",
        statements: &["run(\"drop  table x\")", "run(\"drop x\")"],
        found: &["1 run(\"drop table x\")"],
    },
    Case {
        rule: "patterns:\n- pattern: run($X)\n- metavariable-comparison: { metavariable: $X, comparison: $X > 5 and $X != 7 }",
        statements: &["run(4)", "run(6)", "run(7)", "run(a)"],
        found: &["2 run(6)"],
    },
    Case {
        rule: "patterns:\n- pattern: run($X, $Y)\n- metavariable-comparison: { comparison: '$X * 2 == $Y' }",
        statements: &["run(2, 4)", "run(2, 5)"],
        found: &["1 run(2, 4)"],
    },
    Case {
        rule: "patterns:\n- pattern: run($X)\n- metavariable-comparison: { metavariable: $X, comparison: $X < 5 }",
        statements: &["let few = 3", "run(few)", "let more = 9", "run(more)"],
        found: &["2 run(few)"],
    },
    Case {
        rule: "patterns:\n- pattern: run(\"$X\")\n- metavariable-analysis: { metavariable: $X, analyzer: entropy }",
        statements: &["run(\"hV8nQ2zLr5Xw0TbKc7Jd\")", "run(\"hello there\")"],
        found: &["1 run(\"hV8nQ2zLr5Xw0TbKc7Jd\")"],
    },
    Case {
        rule: "patterns:\n- pattern: run($X, $Y)\n- focus-metavariable: $Y",
        statements: &["run(a, f(b))", "run(a)"],
        found: &["1 f(b)"],
    },
    Case {
        rule: "patterns:\n- pattern: run($X, $Y)\n- focus-metavariable: [$X, $Y]",
        statements: &["run(1, 2)"],
        found: &["1 1", "1 2"],
    },
    Case {
        rule: "patterns:\n- pattern: run($X)\n- pattern-inside: FUNCTION(outer)",
        statements: &["run(1)"],
        found: &["1 run(1)"],
    },
    Case {
        rule: "patterns:\n- pattern: run($X)\n- pattern-inside: FUNCTION(other)",
        statements: &["run(1)"],
        found: &[],
    },
    Case {
        rule: "patterns:\n- pattern: run($X)\n- pattern-not-inside: FUNCTION(outer)",
        statements: &["run(1)"],
        found: &[],
    },
    Case {
        rule: "patterns:\n- pattern: run($X)\n- pattern-not-inside: FUNCTION(other)",
        statements: &["run(1)"],
        found: &["1 run(1)"],
    },
    Case {
        rule: "patterns:\n- pattern: run($X)\n- pattern-inside: |\n    open($X);\n    ...",
        statements: &["run(a)", "open(a)", "run(a)", "run(b)"],
        found: &["3 run(a)"],
    },
    Case {
        rule: "patterns:\n- pattern: run($X)\n- pattern-not-inside: |\n    check($X);\n    ...",
        statements: &["run(a)", "check(a)", "run(a)", "run(b)"],
        found: &["1 run(a)", "4 run(b)"],
    },
    Case {
        rule: "pattern: |\n  open($X);\n  ...\n  close($X);",
        statements: &["open(a)", "walk(1)", "close(a)"],
        found: &["1 open(a)"],
    },
    Case {
        rule: "pattern: |\n  open($X);\n  close($X);",
        statements: &["open(a)", "walk(1)", "close(a)", "open(b)", "close(b)"],
        found: &["4 open(b)"],
    },
];

#[test]
fn every_operator_in_every_language() {
    let mut wrong = Vec::new();
    for dialect in DIALECTS {
        for case in CASES {
            let found = dialect.found(case.rule, case.statements);
            // Of several statements only the beginning is named above.
            let of_several = case.rule.starts_with("pattern: |");
            let same = found.len() == case.found.len()
                && found.iter().zip(case.found).all(|(one, expected)| {
                    if of_several { one.starts_with(expected) } else { one == expected }
                });
            if !same {
                wrong.push(format!(
                    "{}: {}\n   {:?}\n   found {found:?}, expected {:?}",
                    dialect.name, case.rule, case.statements, case.found
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {}\n{}", wrong.len(), CASES.len() * DIALECTS.len(), wrong.join("\n"));
}
