//! What a rule of one's own can ask of code.

use gabion_code::CodeScanner;

use crate::world::{lines, scan};

const HEAD: &str = "[[rule]]\nid = \"own.rule\"\ntitle = \"t\"\ncontrol = \"input.queries\"\ncwe = [1]\nseverity = \"low\"\n\
    confidence = \"high\"\nwhy = \"w\"\nfix = \"f\"\nmessage = \"`{callee}`\"\n";

fn found(rule: &str, files: &[(&str, &str)]) -> Vec<String> {
    let text = format!("{HEAD}{rule}");
    let scanner = CodeScanner::new(&[("own.toml", &text)]).unwrap();
    let verdict = scan(&scanner, files);
    lines(&verdict.findings).into_iter().filter(|line| line.starts_with("own.rule")).collect()
}

#[test]
fn places_that_are_set() {
    let of = |path: &str, more: &str| {
        format!(
            "[[rule.set]]\npath = \"{path}\"\nlanguages = [\"python\", \"javascript\"]\n{more}\nwhen = [{{ argument = 0, constant = true }}]\n"
        )
    };
    let key = of("flask.Flask().secret_key=", "");
    let app = |line: &str| format!("import os\nfrom flask import Flask\napp = Flask(__name__)\n{line}\n");
    assert_eq!(found(&key, &[("a.py", &app("app.secret_key = 'abc'"))]), ["own.rule a.py:4"]);
    assert!(found(&key, &[("a.py", &app("app.secret_key = os.environ['KEY']"))]).is_empty());
    let item = of("flask.Flask().config.SECRET_KEY=", "");
    assert_eq!(found(&item, &[("a.py", &app("app.config['SECRET_KEY'] = 'abc'"))]), ["own.rule a.py:4"]);
    let name = of("~DEBUG=", "of_module = true");
    assert_eq!(found(&name, &[("settings.py", "DEBUG = True\n")]), ["own.rule settings.py:1"]);
    assert!(found(&name, &[("settings.py", "def f():\n    DEBUG = True\n")]).is_empty());
    let field = of("~token=", "");
    assert_eq!(found(&field, &[("a.js", "f({\n token: 'x' });\n")]), ["own.rule a.js:2"]);
    let given = of("~make()=", "");
    assert_eq!(found(&given, &[("a.js", "const make = () => 'x';\n")]), ["own.rule a.js:1"]);
    assert_eq!(found(&given, &[("a.py", "def make():\n    return 'x'\n")]), ["own.rule a.py:2"]);
}

#[test]
fn literals_of_a_type_are_calls() {
    let rule = "[[rule.call]]\npath = \"crypto/tls.Config()\"\nlanguages = [\"go\"]\nwhen = [{ named = \"InsecureSkipVerify\", is = true }]\n";
    let file = |value: &str| {
        format!(
            "package a\n\nimport \"crypto/tls\"\n\nfunc f() *tls.Config {{\n\treturn &tls.Config{{InsecureSkipVerify: {value}}}\n}}\n"
        )
    };
    assert_eq!(found(rule, &[("a.go", &file("true"))]), ["own.rule a.go:6"]);
    assert!(found(rule, &[("a.go", &file("false"))]).is_empty());
}

#[test]
fn comparisons() {
    let rule =
        "[[rule.compare]]\nlanguages = [\"javascript\"]\npath = '\\.digest\\(\\)$'\nconstant = false\n";
    let file = |line: &str| {
        format!(
            "const crypto = require('crypto');\nconst f = (a) => {{\n  const mac = crypto.createHmac('sha256', key).update(a).digest('hex');\n  {line}\n}};\n"
        )
    };
    assert_eq!(found(rule, &[("a.js", &file("return mac === a.mac;"))]), ["own.rule a.js:4"]);
    assert_eq!(found(rule, &[("a.js", &file("if (a.mac != mac) throw 1;"))]), ["own.rule a.js:4"]);
    assert!(found(rule, &[("a.js", &file("if (mac === null) throw 1;"))]).is_empty());
    assert!(found(rule, &[("a.js", &file("if (mac === 'abc') throw 1;"))]).is_empty());
}

#[test]
fn what_is_missing_everywhere() {
    let rule =
        "missing = [\"helmet()\"]\n[[rule.call]]\npath = \"express()\"\nlanguages = [\"javascript\"]\n";
    let app = ("app.js", "const app = require('express')();\nrequire('./safe')(app);\n");
    assert_eq!(found(rule, &[app]), ["own.rule app.js:1"]);
    let safe = ("safe.js", "module.exports = (app) => app.use(require('helmet')());\n");
    assert!(found(rule, &[app, safe]).is_empty());
}

#[test]
fn a_rule_with_a_wrong_path_is_refused() {
    let refused =
        |rule: &str| CodeScanner::new(&[("own.toml", &format!("{HEAD}{rule}"))]).unwrap_err().to_string();
    assert!(
        refused("[[rule.call]]\npath = \"a\"\nlanguages = [\"go\"]\n").contains("does not end with `()`")
    );
    assert!(
        refused("[[rule.set]]\npath = \"a()\"\nlanguages = [\"go\"]\n").contains("does not end with `=`")
    );
    assert!(refused("").contains("finds nothing"));
}
