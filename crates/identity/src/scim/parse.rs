//! Reads filters and paths. Everything is bounded before it is looked at: the length of the text, how deep it
//! nests and how many terms it has (kanidm's filters recursed as deep as anybody liked, without signing in).

use serde_json::Number;

use super::filter::{AttrPath, Comparison, Filter, Literal, PatchPath};
use super::{Kind, Refusal, short};

/// Bytes of a filter or a path.
pub(super) const LONGEST: usize = 4096;
/// Parentheses, `not` and brackets within each other.
pub(super) const DEEPEST: usize = 16;
/// Comparisons in one filter.
pub(super) const MOST_TERMS: usize = 64;

pub(super) fn filter(text: &str) -> Result<Filter, Refusal> {
    let mut parser = Parser::new(text, Kind::InvalidFilter)?;
    let filter = parser.or(0, false)?;
    parser.end()?;
    Ok(filter)
}

pub(super) fn path(text: &str) -> Result<PatchPath, Refusal> {
    let mut parser = Parser::new(text, Kind::InvalidPath)?;
    parser.spaces();
    let attribute = parser.attribute()?;
    let mut path = PatchPath { attribute, filter: None, sub: None };
    if parser.eat('[') {
        if path.attribute.sub.is_some() {
            return Err(parser.wrong("a part of an attribute takes no filter"));
        }
        path.filter = Some(parser.or(1, true)?);
        parser.expect(']')?;
        if parser.eat('.') {
            let sub = parser.word();
            if !is_name(sub) {
                return Err(parser.wrong("the name of a part is needed behind `].`"));
            }
            path.sub = Some(sub.to_owned());
        }
    }
    parser.end()?;
    Ok(path)
}

pub(super) fn attribute(text: &str) -> Result<AttrPath, Refusal> {
    let mut parser = Parser::new(text, Kind::InvalidPath)?;
    parser.spaces();
    let attribute = parser.attribute()?;
    parser.end()?;
    Ok(attribute)
}

struct Parser<'a> {
    rest: &'a str,
    kind: Kind,
    terms: usize,
}

impl<'a> Parser<'a> {
    fn new(text: &'a str, kind: Kind) -> Result<Self, Refusal> {
        if text.len() > LONGEST {
            return Err(kind.because(format_args!("it is longer than {LONGEST} bytes")));
        }
        Ok(Self { rest: text, kind, terms: 0 })
    }

    fn or(&mut self, depth: usize, inside: bool) -> Result<Filter, Refusal> {
        let mut any = vec![self.and(depth, inside)?];
        while self.keyword("or") {
            any.push(self.and(depth, inside)?);
        }
        Ok(Filter::any(any))
    }

    fn and(&mut self, depth: usize, inside: bool) -> Result<Filter, Refusal> {
        let mut all = vec![self.term(depth, inside)?];
        while self.keyword("and") {
            all.push(self.term(depth, inside)?);
        }
        Ok(Filter::all(all))
    }

    /// `inside` of `[…]` are parts of an attribute, which have no parts themselves.
    fn term(&mut self, depth: usize, inside: bool) -> Result<Filter, Refusal> {
        if depth > DEEPEST {
            return Err(self.wrong(&format!("it is more than {DEEPEST} levels deep")));
        }
        self.spaces();
        if self.eat('(') {
            return self.closed(depth, inside);
        }
        let before = self.rest;
        if self.word().eq_ignore_ascii_case("not") {
            self.spaces();
            if self.eat('(') {
                return Ok(Filter::Not(Box::new(self.closed(depth, inside)?)));
            }
        }
        self.rest = before;
        self.terms = self.terms.saturating_add(1);
        if self.terms > MOST_TERMS {
            return Err(self.wrong(&format!("it has more than {MOST_TERMS} comparisons")));
        }
        let path = self.attribute()?;
        if inside && (path.schema.is_some() || path.sub.is_some()) {
            return Err(self.wrong("in brackets stand the names of parts alone"));
        }
        if !self.eat('[') {
            return self.comparison(path);
        }
        if inside || path.sub.is_some() {
            return Err(self.wrong("brackets stand behind an attribute, not within brackets"));
        }
        let inner = self.or(depth.saturating_add(1), true)?;
        self.expect(']')?;
        // Not in the grammar, and what Microsoft Entra sends: `emails[type eq "work"].value eq "a@b.example"`.
        if self.eat('.') {
            let sub = self.word();
            if !is_name(sub) {
                return Err(self.wrong("the name of a part is needed behind `].`"));
            }
            let compared = self.comparison(AttrPath::plain(sub))?;
            return Ok(Filter::Matching(path, Box::new(Filter::all(vec![inner, compared]))));
        }
        Ok(Filter::Matching(path, Box::new(inner)))
    }

    fn closed(&mut self, depth: usize, inside: bool) -> Result<Filter, Refusal> {
        let filter = self.or(depth.saturating_add(1), inside)?;
        self.expect(')')?;
        Ok(filter)
    }

    fn comparison(&mut self, path: AttrPath) -> Result<Filter, Refusal> {
        if !self.spaces() {
            return Err(self.wrong("a space and an operator are needed behind an attribute"));
        }
        let word = self.word();
        if word.eq_ignore_ascii_case("pr") {
            return Ok(Filter::Present(path));
        }
        let Some(comparison) = Comparison::parse(word) else {
            return Err(self.wrong(&format!(
                "`{}` is no operator; there are eq, ne, co, sw, ew, pr, gt, ge, lt and le",
                short(word)
            )));
        };
        if !self.spaces() {
            return Err(self.wrong("a space and a value are needed behind an operator"));
        }
        Ok(Filter::Compare(path, comparison, self.literal()?))
    }

    fn literal(&mut self) -> Result<Literal, Refusal> {
        if self.rest.starts_with('"') {
            let mut escaped = true;
            let end = self.rest.char_indices().find(|(_, one)| {
                let closes = *one == '"' && !escaped;
                escaped = !escaped && *one == '\\';
                closes
            });
            let text = end.and_then(|(at, _)| self.take(at.saturating_add(1)));
            return text
                .and_then(|text| serde_json::from_str(text).ok())
                .map(Literal::String)
                .ok_or_else(|| self.wrong("a text is a JSON string in double quotes"));
        }
        let length = self
            .rest
            .find(|one: char| !(one.is_ascii_alphanumeric() || matches!(one, '+' | '-' | '.')))
            .unwrap_or(self.rest.len());
        let word = self.take(length).unwrap_or_default();
        match word.to_ascii_lowercase().as_str() {
            "true" => Ok(Literal::Bool(true)),
            "false" => Ok(Literal::Bool(false)),
            "null" => Ok(Literal::Null),
            _ => number(word).map(Literal::Number).ok_or_else(|| {
                self.wrong("a value is a text in double quotes, a number, true, false or null")
            }),
        }
    }

    fn attribute(&mut self) -> Result<AttrPath, Refusal> {
        let word = self.word();
        let (schema, rest) = match word.rsplit_once(':') {
            None => (None, word),
            Some((schema, rest)) => (Some(schema), rest),
        };
        let (name, sub) = match rest.split_once('.') {
            None => (rest, None),
            Some((name, sub)) => (name, Some(sub)),
        };
        let is_urn = |text: &str| text.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("urn:"));
        if !schema.is_none_or(is_urn) || !is_name(name) || !sub.is_none_or(is_name) {
            return Err(self.wrong(&format!("`{}` is no attribute", short(word))));
        }
        Ok(AttrPath { schema: schema.map(str::to_owned), name: name.to_owned(), sub: sub.map(str::to_owned) })
    }

    /// `and`, `or` between two terms, with a space (or a parenthesis) on both sides.
    fn keyword(&mut self, keyword: &str) -> bool {
        let before = self.rest;
        self.spaces();
        if self.word().eq_ignore_ascii_case(keyword) && self.rest.starts_with([' ', '(']) {
            return true;
        }
        self.rest = before;
        false
    }

    fn word(&mut self) -> &'a str {
        let length = self
            .rest
            .find(|one: char| !(one.is_ascii_alphanumeric() || matches!(one, '-' | '_' | ':' | '.' | '$')))
            .unwrap_or(self.rest.len());
        self.take(length).unwrap_or_default()
    }

    fn take(&mut self, length: usize) -> Option<&'a str> {
        let (taken, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        Some(taken)
    }

    /// Whether there was at least one.
    fn spaces(&mut self) -> bool {
        let before = self.rest;
        self.rest = self.rest.trim_start_matches(' ');
        before.len() != self.rest.len()
    }

    fn eat(&mut self, one: char) -> bool {
        match self.rest.strip_prefix(one) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn expect(&mut self, one: char) -> Result<(), Refusal> {
        self.spaces();
        if self.eat(one) { Ok(()) } else { Err(self.wrong(&format!("`{one}` is needed"))) }
    }

    fn end(&mut self) -> Result<(), Refusal> {
        self.spaces();
        if self.rest.is_empty() { Ok(()) } else { Err(self.wrong("it does not end where it could")) }
    }

    fn wrong(&self, rule: &str) -> Refusal {
        let what = if self.kind == Kind::InvalidFilter { "filter" } else { "path" };
        let place = if self.rest.is_empty() {
            "at its end".to_owned()
        } else {
            format!("before `{}`", short(self.rest).chars().take(24).collect::<String>())
        };
        self.kind.because(format_args!("the {what} cannot be read {place}: {rule}"))
    }
}

/// A JSON number, read exactly: one that is printed reads the same.
fn number(word: &str) -> Option<Number> {
    let any = serde_json::from_str::<Number>(word).ok()?;
    if any.is_f64() { word.parse().ok().and_then(Number::from_f64) } else { Some(any) }
}

/// RFC 7643, 2.1 `ATTRNAME`, and `$ref`.
fn is_name(text: &str) -> bool {
    let name = text.strip_prefix('$').unwrap_or(text);
    name.starts_with(|first: char| first.is_ascii_alphabetic())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}
