//! What a change touches, and what whoever reviews it has to answer: a checklist with places.
//!
//! Subjects are data, `rules/review/subjects.toml`. A subject is touched by files of certain names and by lines of certain forms,
//! new ones and ones that were taken out: the guard that is gone is what a scan of what is there cannot see.

mod subject;
mod write;

use std::sync::Arc;

use serde::Serialize;

use crate::changes::{Changes, Difference, difference};
use crate::engine::Scan;
use crate::git::GitError;

pub use subject::Subject;

/// Of one subject, so many places are named; the others are counted.
const MOST_PLACES: usize = 40;
/// Lines are looked at so far.
const LONGEST_LINE: usize = 2_000;
/// Files that are compared.
const MOST_FILES: usize = 20_000;

/// What a change touches.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Review {
    /// Grows when a field changes its meaning.
    pub version: u32,
    /// The commit it is compared with.
    pub base: String,
    /// By path.
    pub files: Vec<ChangedFile>,
    /// Only those that are touched, in the order of the rules.
    pub touched: Vec<Touched>,
    /// Titles of the others.
    pub untouched: Vec<&'static str>,
    /// Files that were not compared, since there are too many.
    pub left: usize,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ChangedFile {
    pub path: Arc<str>,
    pub state: State,
    /// Lines.
    pub added: usize,
    pub removed: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    New,
    Changed,
    Removed,
}

/// A subject, and where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Touched {
    #[serde(flatten)]
    pub subject: &'static Subject,
    pub places: Vec<Spot>,
    /// Places that are not named.
    pub more: usize,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Spot {
    pub path: Arc<str>,
    /// Counted from 1; none for a whole file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// The line is no longer there; its number is the former one.
    pub removed: bool,
    /// What was noticed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub word: Option<String>,
}

impl Review {
    /// Compares what was scanned with the commit of `changes`.
    ///
    /// # Errors
    /// When the repository cannot be read.
    pub fn new(scan: &Scan, changes: &Changes) -> Result<Self, GitError> {
        let former = changes.files()?;
        let mut review = Self::empty(changes.base());
        let mut compared = 0_usize;
        for file in &scan.files {
            let Some(source) = scan.source(&file.path) else { continue };
            let before = former.contains_key(&*file.path);
            if before && changes.is_same(&file.path, &former, source.text().as_bytes()) {
                continue;
            }
            compared = compared.saturating_add(1);
            if compared > MOST_FILES {
                review.left = review.left.saturating_add(1);
                continue;
            }
            let text = if before { changes.text(&file.path)? } else { None };
            review.add(&file.path, text.as_deref(), Some(source.text()));
        }
        for path in former.keys().filter(|path| scan.file(path).is_none()) {
            // What is still there was not read by any scanner, or was left out: the report says which.
            if scan.root.join(path).symlink_metadata().is_ok() {
                continue;
            }
            compared = compared.saturating_add(1);
            if compared > MOST_FILES {
                review.left = review.left.saturating_add(1);
                continue;
            }
            let text = changes.text(path)?;
            review.add(&Arc::from(path.as_str()), text.as_deref(), None);
        }
        review.files.sort_by(|one, other| one.path.cmp(&other.path));
        review.settle();
        Ok(review)
    }

    fn empty(base: String) -> Self {
        let touched = subject::all().iter().map(|subject| Touched { subject, places: Vec::new(), more: 0 });
        let touched = touched.collect();
        Self { version: 1, base, files: Vec::new(), touched, untouched: Vec::new(), left: 0 }
    }

    fn add(&mut self, path: &Arc<str>, former: Option<&str>, now: Option<&str>) {
        let Difference { added, removed } = difference(former.unwrap_or_default(), now.unwrap_or_default());
        let state = match (former, now) {
            (_, None) => State::Removed,
            (None, _) => State::New,
            _ => State::Changed,
        };
        if state == State::Changed && added.is_empty() && removed.is_empty() {
            return;
        }
        for touched in &mut self.touched {
            let subject = touched.subject;
            if subject.names(path) {
                let spot =
                    Spot { path: Arc::clone(path), line: None, removed: state == State::Removed, word: None };
                touched.add(spot);
            }
            let lines = added.iter().map(|line| (line, false)).chain(removed.iter().map(|line| (line, true)));
            for ((number, line), gone) in lines {
                let line = line.get(..line.floor_char_boundary(LONGEST_LINE)).unwrap_or_default();
                if let Some(word) = subject.finds(path, line) {
                    let word = Some(word.to_owned());
                    touched.add(Spot { path: Arc::clone(path), line: Some(*number), removed: gone, word });
                }
            }
        }
        let (added, removed) = (added.len(), removed.len());
        self.files.push(ChangedFile { path: Arc::clone(path), state, added, removed });
    }

    fn settle(&mut self) {
        let (touched, others) =
            std::mem::take(&mut self.touched).into_iter().partition(|one: &Touched| !one.places.is_empty());
        self.touched = touched;
        self.untouched = others.iter().map(|one| one.subject.title.as_str()).collect();
        for touched in &mut self.touched {
            touched.places.sort_by(|one, other| {
                (&one.path, one.removed, one.line).cmp(&(&other.path, other.removed, other.line))
            });
        }
    }
}

impl Touched {
    fn add(&mut self, spot: Spot) {
        if self.places.len() < MOST_PLACES {
            self.places.push(spot);
        } else {
            self.more = self.more.saturating_add(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn review(files: &[(&str, Option<&str>, Option<&str>)]) -> Review {
        let mut review = Review::empty("0123".to_owned());
        for (path, former, now) in files {
            review.add(&Arc::from(*path), *former, *now);
        }
        review.settle();
        review
    }

    fn places(review: &Review, id: &str) -> Vec<String> {
        let touched = review.touched.iter().filter(|touched| touched.subject.id == id);
        let spots = touched.flat_map(|touched| &touched.places);
        let text = |spot: &Spot| {
            format!("{}{}:{}", if spot.removed { "-" } else { "+" }, spot.path, spot.line.unwrap_or(0))
        };
        spots.map(text).collect()
    }

    #[test]
    fn new_lines_and_lines_that_are_gone_are_places() {
        let former = "router.use(requireAuth);\nrouter.get('/a', a);\n";
        let now = "router.get('/a', a);\nrouter.get('/b', b);\n";
        let review = review(&[("src/routes.js", Some(former), Some(now))]);
        assert_eq!(places(&review, "guards"), ["-src/routes.js:1"]);
        assert_eq!(places(&review, "routes"), ["+src/routes.js:2"]);
        assert!(review.untouched.contains(&"Dependencies"));
        assert_eq!(
            review.files,
            [ChangedFile { path: "src/routes.js".into(), state: State::Changed, added: 1, removed: 1 }]
        );
    }

    #[test]
    fn files_are_noticed_by_their_names_and_removed_ones_too() {
        let review = review(&[
            ("web/package.json", Some("{}\n"), Some("{\"a\": 1}\n")),
            ("src/auth/check.js", Some("module.exports = 1;\n"), None),
            ("same.js", Some("a\n"), Some("a\r\n")),
        ]);
        assert_eq!(places(&review, "dependencies"), ["+web/package.json:0"]);
        assert_eq!(places(&review, "guards"), ["-src/auth/check.js:0"]);
        assert_eq!(review.files.len(), 2);
    }

    #[test]
    fn prose_is_no_code() {
        let review = review(&[("README.md", None, Some("Use app.get('/x') and jwt tokens.\n"))]);
        assert!(review.touched.is_empty(), "{review:?}");
    }

    #[test]
    fn what_is_written_can_be_read_by_people_and_programs() {
        let many: String = (0..50).map(|number| format!("const a{number} = req.body.a;\n")).collect();
        let review = review(&[("a.js", None, Some(&many)), ("`x`|\u{202e}.js", None, Some("eval(x)\n"))]);
        let text = review.markdown(&[]);
        assert!(text.contains("- [ ] ") && text.contains("and 11 more"), "{text}");
        assert!(!text.contains('\u{202e}'), "{text}");
        let json: serde_json::Value = serde_json::from_str(&review.json().unwrap()).unwrap();
        assert_eq!(json["version"], 1);
        assert!(json["touched"][0]["questions"].as_array().is_some_and(|questions| !questions.is_empty()));
    }
}
