//! Texts that have no place in the repository: paths of somebody's machine, lints silenced without a
//! reason, and work left undone.

use super::finding::Finding;
use super::workspace::Workspace;

/// This file names what it forbids.
const EXEMPT: &str = "xtask/src/tidy/text.rs";

/// Top folders of the machines the project is written on. An installed product lives in none of them.
const PLACES: &[&str] = &["/work/", "/tmp/brief", "/home/", "/Users/"];

const CODE: &[(&str, &str)] = &[
    ("#[allow(", "use `#[expect(lint, reason = \"...\")]`"),
    ("#![allow(", "use `#![expect(lint, reason = \"...\")]`"),
    ("todo!(", "finish it, or leave it out"),
    ("unimplemented!(", "finish it, or leave it out"),
];

const UNDONE: &[&str] = &["TODO", "FIXME", "XXX", "HACK"];

pub(super) fn check(workspace: &Workspace) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in workspace.files.iter().filter(|file| file.path != EXEMPT && file.path != "Cargo.lock") {
        for (number, line) in file.text.lines().enumerate() {
            for place in PLACES.iter().filter(|place| names_place(line, place)) {
                findings.push(Finding::new(
                    file.at(number + 1),
                    format!("the path `{place}` exists on one machine only"),
                    "name it from the repository's root or from the user's home",
                ));
            }
        }
        if !file.is_rust() {
            continue;
        }
        let code = &Code::of(&file.text);
        for (word, way_out) in CODE {
            for line in code.lines_with(word) {
                findings.push(Finding::new(file.at(line), format!("`{word}`"), *way_out));
            }
        }
        for (number, line) in file.text.lines().enumerate().filter(|(_, line)| line.contains("//")) {
            let comment = line.split_once("//").map_or("", |(_, comment)| comment);
            for word in UNDONE.iter().filter(|word| super::source::contains_word(comment, word)) {
                findings.push(Finding::new(
                    file.at(number + 1),
                    format!("`{word}` in a comment"),
                    "do it, or open an issue and leave the code without the note",
                ));
            }
        }
    }
    findings
}

/// Whether an absolute path beginning with `place` stands in `line`.
fn names_place(line: &str, place: &str) -> bool {
    line.match_indices(place).any(|(at, _)| {
        let before = line.get(..at).and_then(|head| head.chars().next_back());
        !before.is_some_and(|c| {
            c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '/' | '~' | '}' | ')' | '*')
        })
    })
}

/// Comments and strings blanked, tests kept: these words are wrong there too.
struct Code(String);

impl Code {
    fn of(text: &str) -> Self {
        let unhidden = text.replace("#[cfg(test)]", "            ").replace("#[test]", "       ");
        Self(super::source::Source::new(&unhidden).code)
    }

    fn lines_with(&self, word: &str) -> Vec<usize> {
        let lines = self.0.lines().enumerate();
        lines.filter(|(_, line)| line.contains(word)).map(|(number, _)| number + 1).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn what(path: &str, text: &str) -> Vec<String> {
        check(&Workspace::of(&[(path, text)])).into_iter().map(|finding| finding.what).collect()
    }

    #[test]
    fn what_does_not_belong_is_found() {
        assert_eq!(what("README.md", "see /work/notes"), ["the path `/work/` exists on one machine only"]);
        assert_eq!(what("a.rs", "#[allow(dead_code)]\nfn f() {}"), ["`#[allow(`"]);
        assert_eq!(what("a.rs", "#[cfg(test)]\nmod tests { fn f() { todo!() } }"), ["`todo!(`"]);
        assert_eq!(what("a.rs", "// TODO later"), ["`TODO` in a comment"]);
    }

    #[test]
    fn what_only_looks_like_it_is_not() {
        assert_eq!(what("a.md", "target/work/x and https://a/home/b and ~/home/c"), [""; 0]);
        assert_eq!(what("a.rs", "let a = \"#[allow(\"; // the todos"), [""; 0]);
    }
}
