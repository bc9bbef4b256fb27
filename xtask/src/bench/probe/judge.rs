//! Which hole of the straw man a finding is.
//!
//! A finding is a hole where the tool's own word for its class is one of those that `bench/probe/classes.tsv` names for the hole, and
//! its place is one of the hole's endpoints.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use serde::Deserialize;

use super::tools::Tool;
use crate::bench::Failure;

/// A finding of a tool.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Found {
    /// As the tool calls it.
    pub(super) class: String,
    /// `GET /notes/{id}` or `GET /notes/7`; the method alone or the path alone may be missing.
    pub(super) place: String,
}

/// The holes that are visible from outside, and the words of the tools for them.
pub(super) struct Holes {
    /// Id and endpoints.
    holes: BTreeMap<String, Vec<String>>,
    /// By tool and class.
    meanings: BTreeMap<(String, String), Meaning>,
}

/// What a tool means by a word.
#[derive(Debug, Clone, Default)]
struct Meaning {
    /// The ids of holes; with whether any place will do.
    holes: Vec<(String, bool)>,
    /// It says nothing of safety, or only asks people to look: that application and contract differ, or what is tentative.
    remark: bool,
}

/// What came of the findings of one run.
#[derive(Debug, Default)]
pub(super) struct Judged {
    pub(super) holes: BTreeSet<String>,
    /// Classes and places that are one of the holes.
    pub(super) places: usize,
    /// Classes and places that are none.
    pub(super) other: BTreeSet<Found>,
    /// Those that are no claim about safety.
    pub(super) remarks: BTreeSet<Found>,
    /// All, with what they were held for: class, place.
    pub(super) lines: Vec<(String, String, String)>,
}

#[derive(Deserialize)]
struct Listed {
    hole: Vec<Hole>,
}

#[derive(Deserialize)]
struct Hole {
    id: String,
    endpoint: String,
    visible: Vec<String>,
}

impl Holes {
    pub(super) fn read(root: &Path) -> Result<Self, Failure> {
        let list = fs::read_to_string(root.join("crates/strawman/src/holes.toml"))?;
        let table = fs::read_to_string(root.join("bench/probe/classes.tsv"))?;
        Self::parse(&list, &table)
    }

    fn parse(list: &str, table: &str) -> Result<Self, Failure> {
        let listed: Listed = toml::from_str(list)?;
        let visible =
            listed.hole.into_iter().filter(|hole| hole.visible.iter().any(|how| how == "black-box"));
        let holes: BTreeMap<_, _> = visible.map(|hole| (hole.id, endpoints(&hole.endpoint))).collect();
        let mut meanings = BTreeMap::new();
        for line in table.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let mut cells = line.split('\t');
            let (Some(tool), Some(class), Some(means)) = (cells.next(), cells.next(), cells.next()) else {
                return Err(format!("three cells are wanted: `{line}`").into());
            };
            let mut meaning = Meaning::default();
            for word in means.split(' ').filter(|word| *word != "-") {
                let id = word.trim_end_matches('*');
                match word {
                    "remark" => meaning.remark = true,
                    _ if holes.contains_key(id) => meaning.holes.push((id.to_owned(), word != id)),
                    _ => return Err(format!("no hole is called `{id}`").into()),
                }
            }
            meanings.insert((tool.to_owned(), class.to_owned()), meaning);
        }
        Ok(Self { holes, meanings })
    }

    /// The ids of all that can be found.
    pub(super) fn visible(&self) -> Vec<&str> {
        self.holes.keys().map(String::as_str).collect()
    }

    /// Each class counts once at each place. On the repaired twin what may be a remark is one, and no false alarm.
    pub(super) fn judge(
        &self,
        tool: Tool,
        repaired: bool,
        found: &BTreeSet<Found>,
    ) -> Result<Judged, Failure> {
        let mut judged = Judged::default();
        for one in found {
            let key = (tool.name().to_owned(), one.class.clone());
            let meaning = self.meanings.get(&key).ok_or_else(|| {
                format!("`{}` of {} has no line in bench/probe/classes.tsv", one.class, tool.name())
            })?;
            let fits: Vec<&str> = meaning
                .holes
                .iter()
                .filter(|(id, anywhere)| *anywhere || self.is_at(id, &one.place))
                .map(|(id, _)| id.as_str())
                .collect();
            let held = if !fits.is_empty() && (!repaired || !meaning.remark) {
                judged.places += 1;
                judged.holes.extend(fits.iter().map(|id| (*id).to_owned()));
                fits.join(" ")
            } else if meaning.remark {
                judged.remarks.insert(one.clone());
                "remark".to_owned()
            } else {
                judged.other.insert(one.clone());
                "other".to_owned()
            };
            judged.lines.push((held, one.class.clone(), one.place.clone()));
        }
        Ok(judged)
    }

    fn is_at(&self, id: &str, place: &str) -> bool {
        let path = place.rsplit(' ').next().unwrap_or(place);
        let path = path.split(['?', '#']).next().unwrap_or(path);
        self.holes.get(id).is_some_and(|endpoints| endpoints.iter().any(|own| is_same(own, path)))
    }
}

/// The paths of `GET, PUT /api/notes/{id}; GET /notes/{id}`.
fn endpoints(text: &str) -> Vec<String> {
    text.split(';')
        .filter_map(|part| part.split_whitespace().find(|word| word.starts_with('/')))
        .map(|path| path.split('?').next().unwrap_or(path).to_owned())
        .collect()
}

/// Whether a path, of a request or of a contract, is of an endpoint.
fn is_same(endpoint: &str, path: &str) -> bool {
    let (own, other) = (endpoint.split('/'), path.split('/'));
    own.clone().count() == other.clone().count()
        && own.zip(other).all(|(own, other)| own == other || (own.starts_with('{') && !other.is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: &str = r#"
        [[hole]]
        id = "idor"
        endpoint = "GET, PUT /api/notes/{id}; GET /notes/{id}"
        visible = ["black-box"]
        [[hole]]
        id = "headers"
        endpoint = "GET /profile"
        visible = ["black-box", "code"]
        [[hole]]
        id = "unseen"
        endpoint = "GET /"
        visible = ["code"]
    "#;
    const TABLE: &str =
        "# tool, class, holes\nwapiti\tObject\tidor\nwapiti\tCSP\theaders*\nwapiti\tStatus\tremark\n";

    fn found(class: &str, place: &str) -> Found {
        Found { class: class.to_owned(), place: place.to_owned() }
    }

    #[test]
    fn a_finding_is_a_hole_by_its_class_at_its_place() {
        let holes = Holes::parse(LIST, TABLE).unwrap();
        assert_eq!(holes.visible(), ["headers", "idor"]);
        let all = [
            found("CSP", "GET /shop"),
            found("Object", "GET /api/notes/7?x=/y"),
            found("Object", "GET /notes/{id}"),
            found("Object", "GET /notes/7/share"),
            found("Object", "GET /notes/"),
            found("Status", "GET /shop"),
        ];
        let judged = holes.judge(Tool::Wapiti, false, &all.into_iter().collect()).unwrap();
        assert_eq!(judged.holes.iter().collect::<Vec<_>>(), ["headers", "idor"]);
        assert_eq!((judged.places, judged.other.len(), judged.remarks.len()), (3, 2, 1));
    }

    #[test]
    fn a_word_that_nobody_explained_ends_the_bench() {
        let holes = Holes::parse(LIST, TABLE).unwrap();
        assert!(holes.judge(Tool::Wapiti, false, &[found("New", "GET /")].into()).is_err());
        assert!(Holes::parse(LIST, "wapiti\tObject\tidol\n").is_err());
        assert!(Holes::parse(LIST, "wapiti\tObject\tunseen\n").is_err());
    }

    #[test]
    fn the_table_names_holes_that_there_are() {
        let holes = Holes::read(&crate::root()).unwrap();
        assert_eq!(holes.visible().len(), 29);
        // Each is known by a word of ours.
        for hole in holes.visible() {
            let own = holes.meanings.iter().filter(|((tool, _), _)| tool == Tool::Gabion.name());
            assert!(own.flat_map(|(_, meaning)| &meaning.holes).any(|(id, _)| id == hole), "{hole}");
        }
    }
}
