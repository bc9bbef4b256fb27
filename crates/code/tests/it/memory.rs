//! Calls that were run before: what is remembered of them holds no longer once a variable of the module was set.

use crate::world::found;

/// As often as it takes until a call is remembered, and once more.
fn often(call: &str, indent: &str) -> String {
    format!("{indent}{call}\n").repeat(6)
}

#[test]
fn what_a_function_reads_of_its_module_may_change_between_calls() {
    let script = |later: &str| {
        format!(
            "const {{ exec }} = require('child_process');\nlet current = 'ls';\nfunction run(x) {{\n  exec(current);\n}}\n\
             module.exports = (req, res) => {{\n{}  current = {later};\n  run(1);\n}};\n",
            often("run(1);", "  ")
        )
    };
    assert_eq!(found(&[("a.js", &script("req.query.a"))]), ["command.injection a.js:4"]);
    assert!(found(&[("a.js", &script("'ps'"))]).is_empty());
    let python = |later: &str| {
        format!(
            "import os\nfrom flask import Flask, request\napp = Flask(__name__)\ncurrent = 'ls'\n\ndef run(x):\n    os.system(current)\n\n\
             @app.route('/x')\ndef view():\n    global current\n{}    current = {later}\n    run(1)\n",
            often("run(1)", "    ")
        )
    };
    assert_eq!(found(&[("a.py", &python("request.args['a']"))]), ["command.injection a.py:7"]);
    assert!(found(&[("a.py", &python("'ps'"))]).is_empty());
}

#[test]
fn lists_of_a_module_that_are_filled() {
    let script = |item: &str| {
        format!(
            "const {{ exec }} = require('child_process');\nconst jobs = ['ls'];\nfunction run(x) {{\n  jobs.forEach((job) => exec(job));\n}}\n\
             module.exports = (req, res) => {{\n{}  jobs.push({item});\n  run(1);\n}};\n",
            often("run(1);", "  ")
        )
    };
    assert_eq!(found(&[("a.js", &script("req.query.a"))]), ["command.injection a.js:4"]);
    assert!(found(&[("a.js", &script("'ps'"))]).is_empty());
}

#[test]
fn variables_that_are_set_at_each_call_come_to_an_end() {
    // Each calls all others and sets a variable: without a bound each way through them is another.
    let mut text = String::from("let state = 0;\n");
    for at in 0..40 {
        let calls: String = (0..40).map(|other| format!("  f{other}(x + {other});\n")).collect();
        text.push_str(&format!("function f{at}(x) {{\n  state = state + {at};\n{calls}}}\n"));
    }
    text.push_str("f0(1);\n");
    assert!(crate::world::scan(crate::world::scanner(), &[("a.js", &text)]).findings.is_empty());
}
