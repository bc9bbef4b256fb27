//! Java, both ways: what is found, and the same code where nothing is wrong.

mod answers;
mod classes;
mod documents;
mod frameworks;
mod guards;
mod queries;
mod secrets;
mod sinks;
mod sources;
mod texts;
mod ways;

use std::sync::LazyLock;

use gabion_code::CodeScanner;

use crate::world::{lines, scan};

/// Made once: it reads all rules.
pub(crate) static SCANNER: LazyLock<CodeScanner> = LazyLock::new(|| CodeScanner::new(&[]).unwrap());

/// A servlet with that in its method, and whether the rule fires.
pub(crate) struct Case {
    pub(crate) body: &'static str,
    pub(crate) found: bool,
}

pub(crate) const fn bad(body: &'static str) -> Case {
    Case { body, found: true }
}

pub(crate) const fn good(body: &'static str) -> Case {
    Case { body, found: false }
}

/// A servlet whose method is `body`, with what else its class has.
pub(crate) fn servlet(body: &str, members: &str) -> String {
    format!(
        "package shop.pages;\n\nimport java.io.*;\nimport java.util.*;\nimport javax.servlet.*;\nimport javax.servlet.http.*;\n\n\
        public class Page extends HttpServlet {{\n\
        \x20   @Override\n    public void doGet(HttpServletRequest request, HttpServletResponse response) throws ServletException, IOException {{\n\
        \x20       doPost(request, response);\n    }}\n\n\
        \x20   @Override\n    public void doPost(HttpServletRequest request, HttpServletResponse response) throws ServletException, IOException {{\n\
        {body}\n    }}\n{members}\n}}\n"
    )
}

/// Runs all cases; each is a servlet made by `page`.
pub(crate) fn check(rule: &str, cases: &[Case], page: impl Fn(&str) -> Vec<(String, String)>) {
    let mut wrong = Vec::new();
    for case in cases {
        let files = page(case.body);
        let files: Vec<(&str, &str)> =
            files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
        let verdict = scan(&SCANNER, &files);
        assert!(verdict.unread.is_empty(), "{}: {:?}", case.body, verdict.unread);
        let found = verdict.findings.iter().any(|finding| finding.rule.as_str() == rule);
        if found != case.found {
            let kind = if found { "false alarm" } else { "missed" };
            wrong.push(format!("{rule} {kind}: {}\n    {:?}", case.body, lines(&verdict.findings)));
        }
    }
    assert!(wrong.is_empty(), "{} of {}\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

pub(crate) fn page(body: &str) -> Vec<(String, String)> {
    vec![("src/main/java/shop/pages/Page.java".to_owned(), servlet(body, ""))]
}
