//! Whether an answer looks as a test says, and what of it shows that.

use serde_json::Value;

use super::expression::{Expression, Names, Term};
use super::form::{Holds, Look, Rules, Texts};
use super::functions::pattern;
use super::values::{Drawn, Values};
use crate::wire::Answer;

/// Names that `fits` has of the answer, besides the values of the test.
pub(crate) const NAMES: &[&str] =
    &["all_headers", "body", "content_length", "content_type", "header", "response", "status_code"];

/// A status, or a range of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Statuses(u16, u16);

impl Statuses {
    /// `200`, `2xx`, `200-299`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let number =
            |text: &str| text.trim().parse::<u16>().ok().filter(|status| (100..600).contains(status));
        if let Some(class) = text.strip_suffix("xx").and_then(|class| class.parse::<u16>().ok()) {
            let first = class.checked_mul(100).filter(|_| (1..6).contains(&class))?;
            return Some(Self(first, first.saturating_add(99)));
        }
        match text.split_once('-') {
            Some((from, to)) => Some(Self(number(from)?, number(to)?)),
            None => number(text).map(|status| Self(status, status)),
        }
    }

    const fn has(self, status: u16) -> bool {
        self.0 <= status && status <= self.1
    }
}

/// What was looked for and is there: in words, and the very texts.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Seen {
    pub(crate) says: Vec<String>,
    /// Texts that were wanted and are in the answer.
    pub(crate) texts: Vec<String>,
    /// Of these the values that nothing else has, each with its text.
    pub(crate) telling: Vec<(Vec<u8>, String)>,
}

/// An answer under a look: what was seen, or what is not so.
pub(crate) type Looked = Result<Seen, String>;

impl Look {
    pub(crate) fn is_empty(&self) -> bool {
        self.status.is_none()
            && self.header.is_empty()
            && self.json.is_empty()
            && self.body.is_none()
            && self.fits.is_none()
    }

    /// Looks at an answer. The outer error is one of the test itself: a value that cannot be computed.
    pub(crate) fn at(&self, answer: &Answer, values: &Values, with: &Drawn<'_>) -> Result<Looked, String> {
        let mut seen = Seen::default();
        if let Some(wanted) = &self.status {
            let wanted: Vec<String> = wanted.all().map(super::form::Text::shown).collect();
            let fits =
                wanted.iter().filter_map(|text| Statuses::parse(text)).any(|one| one.has(answer.status));
            if !fits {
                return Ok(Err(format!("the status is {}, not {}", answer.status, wanted.join(" or "))));
            }
            seen.says.push(format!("status {}", answer.status));
        }
        for (name, holds) in &self.header {
            let values_of: Vec<&str> = answer.fields(name).collect();
            let own = (!values_of.is_empty()).then(|| Value::String(values_of.join(", ")));
            let eye = Eye { what: format!("the field `{name}`"), values, with, body: false };
            if let Err(reason) = eye.holds(holds, own.as_ref(), &mut seen)? {
                return Ok(Err(reason));
            }
        }
        if !self.json.is_empty() {
            let body = answer.json();
            for (pointer, holds) in &self.json {
                let own = body.as_ref().and_then(|body| body.pointer(pointer));
                let eye = Eye { what: format!("the member `{pointer}`"), values, with, body: false };
                if let Err(reason) = eye.holds(holds, own, &mut seen)? {
                    return Ok(Err(reason));
                }
            }
        }
        if let Some(holds) = &self.body {
            let own = Value::String(answer.text());
            let eye = Eye { what: "the body".to_owned(), values, with, body: true };
            if let Err(reason) = eye.holds(holds, Some(&own), &mut seen)? {
                return Ok(Err(reason));
            }
        }
        if let Some(text) = &self.fits {
            let mut names = values.names.clone();
            describe(answer, &mut names, "");
            if !Expression::parse(text)?.truth(&with.surroundings(&names))? {
                return Ok(Err(format!("`{text}` is not so")));
            }
            seen.says.push(format!("`{text}` is so"));
        }
        Ok(Ok(seen))
    }
}

/// The parts of an answer by their names.
pub(crate) fn describe(answer: &Answer, names: &mut Names, after: &str) {
    let mut head = format!("HTTP/1.1 {}\r\n", answer.status);
    for (name, value) in &answer.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
        let own = name.to_ascii_lowercase().replace('-', "_");
        names.insert(format!("{own}{after}"), Term::text(value));
    }
    let whole = [head.as_bytes(), b"\r\n", &answer.body].concat();
    let number = |length: usize| Term::Number(u32::try_from(length).map_or(f64::MAX, f64::from));
    for (name, term) in [
        ("all_headers", Term::text(&head)),
        ("body", Term::Text(answer.body.clone())),
        ("content_length", number(answer.body.len())),
        ("content_type", Term::text(answer.field("content-type").unwrap_or_default())),
        ("header", Term::text(&head)),
        ("response", Term::Text(whole)),
        ("status_code", Term::Number(f64::from(answer.status))),
        ("duration", Term::Number(answer.elapsed.as_secs_f64())),
    ] {
        names.insert(format!("{name}{after}"), term);
    }
}

/// Looks at one value.
struct Eye<'a> {
    what: String,
    values: &'a Values,
    with: &'a Drawn<'a>,
    /// Whether a value alone stands for what it has in it.
    body: bool,
}

impl Eye<'_> {
    fn holds(
        &self,
        holds: &Holds,
        own: Option<&Value>,
        seen: &mut Seen,
    ) -> Result<Result<(), String>, String> {
        let rules = match holds {
            Holds::Rules(rules) => rules.clone(),
            Holds::Value(Value::String(text)) if self.body => {
                Rules { has: Some(Texts::One(super::form::Text::Text(text.clone()))), ..Rules::default() }
            }
            Holds::Value(value) => Rules { is: Some(value.clone()), ..Rules::default() },
        };
        self.rules(&rules, own, seen)
    }

    fn tell(&self, written: &str, text: &str, seen: &mut Seen) {
        let values = self.values.telling(written, self.with);
        seen.telling.extend(values.into_iter().map(|value| (value, text.to_owned())));
    }

    fn rules(
        &self,
        rules: &Rules,
        own: Option<&Value>,
        seen: &mut Seen,
    ) -> Result<Result<(), String>, String> {
        let what = &self.what;
        match (rules.absent, own) {
            (Some(true), None) => seen.says.push(format!("{what} is not there")),
            (Some(true), Some(_)) => return Ok(Err(format!("{what} is there"))),
            (_, None) => return Ok(Err(format!("{what} is not there"))),
            _ => {}
        }
        let Some(own) = own else { return Ok(Ok(())) };
        let text = crate::call::text_of(own);
        if let Some(wanted) = &rules.is {
            let written = wanted.as_str().unwrap_or_default();
            let wanted = self.values.fill_json(wanted, self.with)?;
            // What a computed text says may stand there as a number.
            if wanted != *own && (wanted.is_object() || crate::call::text_of(&wanted) != text) {
                return Ok(Err(format!("{what} is not `{}`", brief(&crate::call::text_of(&wanted)))));
            }
            let wanted = crate::call::text_of(&wanted);
            seen.says.push(format!("{what} is `{}`", brief(&wanted)));
            self.tell(written, &wanted, seen);
            seen.texts.push(wanted);
        }
        for wanted in rules.has.iter().flat_map(Texts::all) {
            let written = wanted.shown();
            let wanted = self.values.fill(&written, self.with)?;
            if wanted.is_empty() || !text.contains(&wanted) {
                return Ok(Err(format!("{what} lacks `{}`", brief(&wanted))));
            }
            seen.says.push(format!("{what} has `{}`", brief(&wanted)));
            self.tell(&written, &wanted, seen);
            seen.texts.push(wanted);
        }
        for other in rules.lacks.iter().flat_map(Texts::all) {
            let other = self.values.fill(&other.shown(), self.with)?;
            if text.contains(&other) {
                return Ok(Err(format!("{what} has `{}`", brief(&other))));
            }
            seen.says.push(format!("{what} lacks `{}`", brief(&other)));
        }
        if let Some(wanted) = &rules.matches {
            let wanted = pattern(&self.values.fill(wanted, self.with)?)?;
            let Some(found) = wanted.find(text.as_bytes()) else {
                return Ok(Err(format!("{what} does not match `{wanted}`")));
            };
            let found = String::from_utf8_lossy(found.as_bytes()).into_owned();
            seen.says.push(format!("{what} matches with `{}`", brief(&found)));
            seen.texts.push(found);
        }
        Ok(Ok(()))
    }
}

/// A text as reports show it.
fn brief(text: &str) -> String {
    let short: String = text.chars().filter(|letter| !letter.is_control()).take(80).collect();
    if short.len() < text.len() { format!("{short}…") } else { short }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use gabion_model::random::SeededRng;

    use super::*;

    fn answer() -> Answer {
        Answer {
            status: 201,
            headers: vec![("Content-Type".to_owned(), "application/json".to_owned())],
            body: br#"{"id": 7, "owner": {"name": "ann"}, "tags": ["a", "b"]}"#.to_vec(),
            cut: false,
            elapsed: Duration::ZERO,
        }
    }

    fn looked(yaml: &str) -> Looked {
        let look: Look = serde_saphyr::from_str(yaml).unwrap();
        let rng = SeededRng::new(1);
        let with = Drawn { rng: &rng, now: 0 };
        let mut values = Values::default();
        values.define("name", "ann", &with).unwrap();
        look.at(&answer(), &values, &with).unwrap()
    }

    #[test]
    fn answers_look_as_they_do() {
        for yaml in [
            "status: 201",
            "status: 2xx",
            "status: [200, 201]",
            "status: 200-299",
            "json: { /id: 7, /owner/name: '{{name}}', /tags/1: { has: b } }",
            "json: { /nothing: { absent: true } }",
            "json: { /owner: { is: { name: ann } } }",
            "body: '{{name}}'",
            "body: { has: [id, owner], lacks: [password], matches: '\"id\": \\d' }",
            "header: { content-type: { has: json }, x-other: { absent: true } }",
            "fits: status_code == 201 && contains(body, name) && content_type == 'application/json'",
        ] {
            assert!(looked(yaml).is_ok(), "{yaml}: {:?}", looked(yaml));
        }
        for yaml in [
            "status: 200",
            "status: 4xx",
            "json: { /id: 8 }",
            "json: { /owner: { is: { name: bob } } }",
            "json: { /nothing: 7 }",
            "json: { /id: { absent: true } }",
            "body: { has: [id, nothing] }",
            "body: { lacks: [ann] }",
            "body: { matches: '^x' }",
            "header: { x-other: x }",
            "fits: status_code == 200",
        ] {
            assert!(looked(yaml).is_err(), "{yaml}");
        }
        assert_eq!(looked("body: { matches: 'id. *: \\d' }").unwrap().texts, ["id\": 7"]);
    }

    #[test]
    fn statuses_are_read() {
        for text in ["99", "600", "6xx", "x", "", "200-", "0xx"] {
            assert_eq!(Statuses::parse(text), None, "{text}");
        }
    }
}
