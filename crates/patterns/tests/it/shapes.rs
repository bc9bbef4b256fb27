//! Forms that only some languages have: types of variables, objects, classes, catches, decorators.

use gabion_syntax::Language;

use crate::dialect::look;

/// Language, pattern, file, and the text of each place that is found.
const CASES: &[(&str, Language, &str, &str, &[&str])] = &[
    // Typed variables.
    (
        "typescript",
        Language::TypeScript,
        "($X: string).run()",
        "function f(a: string, b: number) { a.run(); b.run(); }",
        &["a.run()"],
    ),
    (
        "python",
        Language::Python,
        "($X: str).run()",
        "def f(a: str, b: int):\n    a.run()\n    b.run()\n",
        &["a.run()"],
    ),
    (
        "java",
        Language::Java,
        "(String $X).run()",
        "class A { void f(String a, int b) { a.run(); b.run(); } }",
        &["a.run()"],
    ),
    (
        "java",
        Language::Java,
        "(java.sql.Statement $S).execute(...)",
        "import java.sql.Statement;\nclass A { void f(Statement s, Other o) { s.execute(q); o.execute(q); } }",
        &["s.execute(q)"],
    ),
    (
        "go",
        Language::Go,
        "($X: string).Run()",
        "package a\nfunc f(a string, b int) { a.Run(); b.Run() }",
        &["a.Run()"],
    ),
    (
        "go",
        Language::Go,
        "($D: *sql.DB).Query(...)",
        "package a\nimport \"database/sql\"\nfunc f(d *sql.DB, o *Other) { d.Query(q); o.Query(q) }",
        &["d.Query(q)"],
    ),
    (
        "rust",
        Language::Rust,
        "($X: String).run()",
        "fn f(a: String, b: i32) { a.run(); b.run(); }",
        &["a.run()"],
    ),
    // Objects.
    (
        "javascript",
        Language::JavaScript,
        "({ a: 1, ... })",
        "x = { b: 2, a: 1 }; y = { a: 2 };",
        &["{ b: 2, a: 1 }"],
    ),
    (
        "javascript",
        Language::JavaScript,
        "run({ ..., secure: false, ... })",
        "run({ a, secure: false, b }); run({ secure: true });",
        &["run({ a, secure: false, b })"],
    ),
    (
        "typescript",
        Language::TypeScript,
        "run({ $K: \"...\" })",
        "run({ a: 'x' }); run({ a: 1 });",
        &["run({ a: 'x' })"],
    ),
    (
        "python",
        Language::Python,
        "{..., \"verify\": False, ...}",
        "x = {'a': 1, 'verify': False}\ny = {'verify': True}\n",
        &["{'a': 1, 'verify': False}"],
    ),
    (
        "python",
        Language::Python,
        "run(..., verify=False, ...)",
        "run(a, verify=False, b=1)\nrun(a, verify=True)\nrun(False)\n",
        &["run(a, verify=False, b=1)"],
    ),
    (
        "go",
        Language::Go,
        "tls.Config{..., InsecureSkipVerify: true, ...}",
        "package a\nimport \"crypto/tls\"\nvar x = tls.Config{A: 1, InsecureSkipVerify: true}\nvar y = tls.Config{InsecureSkipVerify: false}\n",
        &["tls.Config{A: 1, InsecureSkipVerify: true}"],
    ),
    (
        "rust",
        Language::Rust,
        "Config { verify: false, ... }",
        "fn f() { let x = Config { a: 1, verify: false }; let y = Config { verify: true, a: 2 }; }",
        &["Config { a: 1, verify: false }"],
    ),
    (
        "java",
        Language::Java,
        "new Config(..., false)",
        "class A { Object a = new Config(1, false); Object b = new Config(true); }",
        &["new Config(1, false)"],
    ),
    // What only one of them has.
    (
        "python",
        Language::Python,
        "@app.route(...)\ndef $F(...):\n  ...",
        "@app.route('/x')\ndef f():\n    pass\n\ndef g():\n    pass\n",
        &["def f():\n    pass"],
    ),
    (
        "java",
        Language::Java,
        "try { ... } catch (Exception $E) { }",
        "class A { void f() { try { a(); } catch (Exception e) { } try { b(); } catch (Exception e) { log(e); } } }",
        &["try { a(); } catch (Exception e) { }"],
    ),
    (
        "javascript",
        Language::JavaScript,
        "if ($X == null) { ... }",
        "if (a == null) { f(); }\nif (a) { f(); }\n",
        &["if (a == null) { f(); }"],
    ),
    (
        "go",
        Language::Go,
        "$X, err := run(...)",
        "package a\nfunc f() { v, err := run(1); w := run(2) }",
        &["v, err := run(1)"],
    ),
    (
        "rust",
        Language::Rust,
        "unsafe_call!(...)",
        "fn f() { unsafe_call!(a); other!(a); }",
        &["unsafe_call!(a)"],
    ),
];

#[test]
fn forms_of_one_language() {
    let mut wrong = Vec::new();
    for (name, language, pattern, text, expected) in CASES {
        let lines: String = pattern.lines().map(|line| format!("    {line}\n")).collect();
        let rules = format!(
            "rules:\n- id: own.rule\n  languages: [{name}]\n  severity: ERROR\n  message: m\n  pattern: |\n{lines}"
        );
        let file = format!("a.{}", ending(*language));
        let looked = look(&rules, &file, Some(*language), text);
        assert!(looked.unread.is_empty(), "{:?}", looked.unread);
        let found: Vec<&str> = looked.findings.iter().map(|one| one.place.span.of(text)).collect();
        let same = found.len() == expected.len()
            && found
                .iter()
                .zip(*expected)
                .all(|(one, expected)| one.contains(expected) || expected.contains(one));
        if !same {
            wrong.push(format!("{name}: {pattern}\n   found {found:?}, expected {expected:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

const fn ending(language: Language) -> &'static str {
    match language {
        Language::Go => "go",
        Language::Java => "java",
        Language::JavaScript => "js",
        Language::Python => "py",
        Language::Rust => "rs",
        Language::Tsx => "tsx",
        Language::TypeScript => "ts",
    }
}

#[test]
fn text_of_any_kind() {
    let rules = "rules:\n- id: own.generic\n  languages: [generic]\n  severity: INFO\n  message: port $P\n  pattern: 'listen $P;'\n\
        - id: own.regex\n  languages: [regex]\n  severity: LOW\n  message: key $1\n  pattern-regex: key=(\\w+)\n";
    let looked = look(rules, "a.conf", None, "listen  80 ;\nkey=abc\nmylisten 81;\n");
    let said: Vec<&str> = looked.findings.iter().map(|one| one.message.as_str()).collect();
    assert_eq!(said, ["port 80", "key abc"]);
}
