//! What JavaScript itself does with values: promises, borrowed methods, tables of functions, code in texts, packages.

use gabion_code::CodeScanner;

use crate::world::{scan, scanner};

/// Bodies of a handler, and whether a command is built of what the request brings.
const BODIES: &[(&str, bool)] = &[
    ("new Promise((resolve) => resolve(req.query.a)).then((a) => exec(a))", true),
    ("new Promise((resolve) => { setTimeout(() => resolve(req.query.a), 5); }).then((a) => exec(a))", true),
    ("new Promise((resolve, reject) => reject(req.query.a)).then((a) => exec(a))", false),
    ("new Promise((resolve) => resolve('ls')).then((a) => exec(a))", false),
    ("const a = await new Promise((resolve) => resolve({ name: req.query.a, b: 'ls' })); exec(a.name)", true),
    ("const a = await new Promise((resolve) => resolve({ name: req.query.a, b: 'ls' })); exec(a.b)", false),
    ("Promise.all([req.query.a, 'ls']).then(([a, b]) => exec(a))", true),
    ("Promise.all([req.query.a, 'ls']).then(([a, b]) => exec(b))", false),
    ("Promise.resolve('ls').then(() => req.query.a).then((a) => exec(a))", true),
    ("Promise.resolve(req.query.a).then(() => 'ls').then((a) => exec(a))", false),
    ("Promise.resolve(req.query.a).catch(() => 'ls').then((a) => exec(a))", true),
    ("Promise.resolve(req.query.a).finally(() => 'ls').then((a) => exec(a))", true),
    ("const run = { a: (x) => exec(x), b: (x) => x }; run[req.query.b](req.query.a)", true),
    ("const run = { a: (x) => exec(x), b: (x) => x }; run.b(req.query.a)", false),
    ("const run = process.platform === 'linux' ? (x) => exec(x) : (x) => x; run(req.query.a)", true),
    ("function f() { exec([].slice.call(arguments, 1)[0]); } f('ls', req.query.a)", true),
    ("function f() { exec([].slice.call(arguments, 1)[0]); } f(req.query.a, 'ls')", false),
    ("function f(a, b) { exec(b); } f.apply(null, ['ls', req.query.a])", true),
    ("function f(a, b) { exec(b); } f.apply(null, [req.query.a, 'ls'])", false),
    ("exec(Array.prototype.join.call([req.query.a, 'x'], ' '))", true),
    ("exec(req['query']['a'])", true),
    ("const list = [req.query.a, 'ls'].slice(1); exec(list[0])", false),
    ("require('async').each([req.query.a], (a, done) => exec(a))", true),
    ("require('async').each(['ls'], (a, done) => exec(a))", false),
    ("require('vm').runInNewContext('run(a)', { run: exec, a: req.query.a })", true),
    ("require('vm').runInNewContext('run(b)', { run: exec, a: req.query.a, b: 'ls' })", false),
];

#[test]
fn what_the_language_does() {
    let mut wrong = Vec::new();
    for (body, expected) in BODIES {
        let text = format!(
            "const {{ exec }} = require('child_process');\nmodule.exports = async (req, res) => {{\n{body};\n}};\n"
        );
        let verdict = scan(scanner(), &[("a.js", &text)]);
        assert!(verdict.unread.is_empty(), "{body}: {:?}", verdict.unread);
        let found = verdict.findings.iter().any(|finding| finding.rule.as_str() == "command.injection");
        if found != *expected {
            wrong.push(format!("{} {body}", if found { "found:" } else { "missed:" }));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// All findings of these rules, also those that are shown only when asked for, as `rule path:line`.
fn of_library(files: &[(&str, &str)]) -> Vec<String> {
    let verdict = scan(&CodeScanner::new(&[]).unwrap(), files);
    assert!(verdict.unread.is_empty(), "{:?}", verdict.unread);
    let found = verdict.findings.iter().filter(|finding| finding.rule.as_str().starts_with("library."));
    found
        .map(|finding| format!("{} {}:{}", finding.rule, finding.place.path, finding.place.start.line))
        .collect()
}

const PACKAGE: &str = r#"{ "name": "tools", "version": "1.0.0", "main": "index.js" }"#;

#[test]
fn a_package_gives_away_what_it_calls_by_a_name_nobody_knows() {
    let index = "const by = require('./by');\nexports.stat = function () { by[process.platform].apply(by, [].slice.call(arguments)); };\n";
    let by = "const { exec } = require('child_process');\n\
        exports.linux = function (pid, done) { exec('ps -p ' + pid, done); };\n\
        exports.win32 = function (pid, done) { exec('tasklist', done); };\n";
    let found = of_library(&[("package.json", PACKAGE), ("index.js", index), ("by.js", by)]);
    assert_eq!(found, ["library.command by.js:2"]);
    let safe = by.replace("+ pid", "+ Number(pid)");
    assert!(of_library(&[("package.json", PACKAGE), ("index.js", index), ("by.js", &safe)]).is_empty());
}

#[test]
fn files_of_a_package_that_others_ask_for_by_path() {
    let index = "exports.version = '1';\n";
    let inner = "const { exec } = require('child_process');\nexports.clone = (address) => exec('git clone ' + address);\n";
    let beside =
        |path: &'static str| of_library(&[("package.json", PACKAGE), ("index.js", index), (path, inner)]);
    assert_eq!(beside("lib/git.js"), ["library.command lib/git.js:2"]);
    for path in ["test/git.js", "lib/git.test.js", "examples/git.js", "dist/git.js", "gulpfile.js"] {
        assert!(beside(path).is_empty(), "{path}");
    }
    let closed = r#"{ "name": "tools", "version": "1.0.0", "exports": "./index.js" }"#;
    assert!(of_library(&[("package.json", closed), ("index.js", index), ("lib/git.js", inner)]).is_empty());
}

#[test]
fn what_a_package_calls_itself_is_given_what_it_says() {
    let index = "const { run } = require('./run');\nexports.status = () => run('status');\n";
    let run = "const { exec } = require('child_process');\nexports.run = (word) => exec('git ' + word);\n";
    assert!(of_library(&[("package.json", PACKAGE), ("index.js", index), ("run.js", run)]).is_empty());
    let index = index.replace("() => run('status')", "(word) => run(word)");
    let found = of_library(&[("package.json", PACKAGE), ("index.js", &index), ("run.js", run)]);
    assert_eq!(found, ["library.command run.js:2"]);
}

#[test]
fn one_function_that_takes_long_leaves_steps_for_the_others() {
    let mut heavy = String::from("const deep = (a, n) => {\n");
    for number in 0..14 {
        heavy += &format!("  if (a[{number}]) {{ a = deep(a + n, n) + deep(a, n + '{number}'); }}\n");
    }
    heavy += "  return a;\n};\nexports.heavy = (req, res) => {\n";
    for number in 0..400 {
        heavy += &format!("  req.query.list.forEach((x) => deep(x, '{number}'));\n");
    }
    heavy += "};\n";
    let text = format!(
        "const {{ exec }} = require('child_process');\n{heavy}exports.light = (req, res) => exec(req.query.a);\n"
    );
    let verdict = scan(scanner(), &[("a.js", &text)]);
    assert!(verdict.findings.iter().any(|finding| finding.rule.as_str() == "command.injection"));
}
