//! One function turns a `Denial` into an answer, so that no refusal forgets the headers, the request id
//! or its record, and none shows its detail.

use super::finding::Finding;
use super::workspace::Workspace;

/// The file with the function.
const HOME: &str = "crates/checks/src/answer.rs";

/// What a second such function would have to look like.
const SIGNS: &[&str] = &[
    "impl IntoResponse for Denial",
    "impl From<Denial> for Response",
    "impl From<&Denial> for Response",
    "denial.public",
];

pub(super) fn check(workspace: &Workspace) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in workspace.product().filter(|file| file.path != HOME) {
        for sign in SIGNS {
            for line in file.source().lines_with(sign) {
                findings.push(Finding::new(
                    file.at(line),
                    format!("`{sign}`: a second way from a refusal to an answer"),
                    "hand the denial to `Pipeline::refuse`; the text is written in crates/checks/src/answer.rs only",
                ));
            }
        }
    }
    let turning: Vec<_> = workspace
        .product()
        .flat_map(|file| {
            let code: Vec<&str> = file.source().code.lines().collect();
            code.iter()
                .enumerate()
                .filter(|(_, line)| {
                    line.contains("fn ")
                        && super::source::contains_word(line, "&Denial")
                        && line.contains("Response<")
                })
                .map(|(number, _)| (file, number + 1))
                .collect::<Vec<_>>()
        })
        .filter(|(file, _)| file.path != HOME)
        .collect();
    for (file, line) in turning {
        findings.push(Finding::new(
            file.at(line),
            "a second function from `&Denial` to a response",
            "call the one in crates/checks/src/answer.rs through `Pipeline::refuse`",
        ));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_way_is_found() {
        for code in [
            "impl IntoResponse for Denial {}",
            "let body = denial.public;",
            "fn answer(denial: &Denial) -> Response<Bytes> {}",
        ] {
            assert_eq!(check(&Workspace::of(&[("crates/gateway/src/a.rs", code)])).len(), 1, "{code}");
            assert_eq!(check(&Workspace::of(&[(HOME, code)])), [], "{code}");
        }
    }
}
