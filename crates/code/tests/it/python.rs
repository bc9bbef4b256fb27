//! Python: handlers whose only difference is whether what the request brings arrives.

mod choices;
mod classes;
mod files;
mod flows;
mod frameworks;
mod sinks;

use gabion_code::CodeScanner;

use crate::world::scan;

/// Bodies of a handler, with what the request brings in `param`.
fn handler(body: &str) -> String {
    let mut text = String::from(
        "import os\nimport re\nimport base64\nimport configparser\nimport urllib.parse\nimport subprocess\n\
         from flask import Flask, request, session, make_response, redirect, abort, render_template\n\
         app = Flask(__name__)\n\n@app.route('/x', methods=['GET', 'POST'])\ndef view():\n    param = request.form.get('value', '')\n",
    );
    for line in body.lines() {
        text.push_str("    ");
        text.push_str(line);
        text.push('\n');
    }
    text
}

/// Which of these are judged otherwise than expected: rule, text of a file, whether the rule finds something.
fn wrong<'a>(cases: impl Iterator<Item = (&'a str, String, bool)>) -> Vec<String> {
    let scanner = CodeScanner::new(&[]).unwrap();
    let mut wrong = Vec::new();
    for (rule, text, expected) in cases {
        let verdict = scan(&scanner, &[("app.py", &text)]);
        assert!(verdict.unread.is_empty(), "{text}: {:?}", verdict.unread);
        let found = verdict.findings.iter().any(|finding| finding.rule.as_str() == rule);
        if found != expected {
            let says: Vec<&str> = verdict.findings.iter().map(|finding| finding.rule.as_str()).collect();
            wrong.push(format!("{} {rule} {says:?}\n{text}", if found { "found:" } else { "missed:" }));
        }
    }
    wrong
}
