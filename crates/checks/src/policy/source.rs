//! Where a value that identifies an object stands in a request, and reading it as every application would.
//!
//! What readers behind the gate differ about names two objects, and is refused: a parameter or member that stands twice,
//! also in another case or with brackets, a number that a floating point number cannot hold, `;` between parameters.

use std::borrow::Cow;
use std::sync::Arc;

use bytes::Bytes;
use gabion_openapi::json::{Bounds, Document, Pointer, View};
use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};

use super::Violation;
use crate::check::Stop;
use crate::denial::Denial;
use crate::exchange::Exchange;

/// Where a value stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Source {
    /// The members of a JSON body, from the outside in.
    Body(Vec<Name>),
    Claim(Claim),
    /// The number of the segment of the path.
    Path(usize),
    Query(Name),
    Text(Arc<str>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Claim {
    Account,
    Name,
    Tenant,
}

/// A name, and what readers that ignore the case take for the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Name {
    own: Box<str>,
    folded: Box<str>,
}

/// A request, as far as values stand in it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Said<'a> {
    pub(super) exchange: &'a Exchange,
    pub(super) query: Option<&'a str>,
    /// Only where a value stands there.
    pub(super) body: Option<&'a Document<'a>>,
}

impl Source {
    pub(super) fn parse(text: &str, path: &str) -> Result<Self, String> {
        if let Some(text) = text.strip_prefix("text:") {
            return Ok(Self::Text(text.into()));
        }
        if let Some(pointer) = text.strip_prefix("body:") {
            let steps = Pointer::parse(pointer).filter(|pointer| !pointer.is_root());
            let steps = steps.ok_or_else(|| format!("`{pointer}` points at no member of a body"))?;
            return Ok(Self::Body(steps.segments().map(Name::new).collect()));
        }
        let unknown = || format!("`{text}` does not say where a value stands");
        match text.split_once('.').ok_or_else(unknown)? {
            ("path", name) => {
                let found = parameters(path).into_iter().find(|(own, _)| **own == *name);
                let found = found.ok_or_else(|| format!("the path `{path}` has no segment `{{{name}}}`"))?;
                Ok(Self::Path(found.1))
            }
            ("query", name) if !name.is_empty() => Ok(Self::Query(Name::new(name))),
            ("claim", "account") => Ok(Self::Claim(Claim::Account)),
            ("claim", "name") => Ok(Self::Claim(Claim::Name)),
            ("claim", "tenant") => Ok(Self::Claim(Claim::Tenant)),
            _ => Err(unknown()),
        }
    }

    /// It stands in what the request says, where it can be left out.
    pub(super) const fn can_be_missing(&self) -> bool {
        matches!(self, Self::Body(_) | Self::Query(_))
    }

    pub(super) const fn is_in_body(&self) -> bool {
        matches!(self, Self::Body(_))
    }

    /// The value; nothing where there is none.
    pub(super) fn read(&self, said: Said<'_>) -> Result<Option<Arc<str>>, Violation> {
        Ok(match self {
            Self::Text(text) => Some(Arc::clone(text)),
            Self::Claim(claim) => said.exchange.principal().map(|principal| match claim {
                Claim::Account => principal.account.as_str().into(),
                Claim::Name => Arc::clone(&principal.name),
                Claim::Tenant => principal.tenant.as_str().into(),
            }),
            Self::Path(number) => {
                // The path begins with `/`.
                let segment = said.exchange.path().split('/').nth(number.saturating_add(1));
                segment.filter(|segment| !segment.is_empty()).map(decoded).transpose()?
            }
            Self::Query(name) => of_query(said.query.unwrap_or_default(), name)?,
            Self::Body(steps) => match said.body {
                Some(document) => of_body(document, steps)?,
                None => None,
            },
        })
    }
}

impl Name {
    fn new(name: &str) -> Self {
        Self { own: name.into(), folded: folded(name).into() }
    }

    /// Whether it is the name itself.
    ///
    /// # Errors
    /// That some readers take it for the name, and others do not.
    fn is(&self, other: &str) -> Result<bool, Violation> {
        if *other == *self.own {
            return Ok(true);
        }
        if *folded(other) == *self.folded { Err(Violation::Ambiguous) } else { Ok(false) }
    }
}

/// Without the case, as encoding/json of Go folds it: the Kelvin sign is a `k`, and a long `s` an `s`.
fn folded(text: &str) -> Cow<'_, str> {
    if text.bytes().all(|byte| byte.is_ascii() && !byte.is_ascii_uppercase()) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.chars().flat_map(char::to_uppercase).flat_map(char::to_lowercase).collect())
}

/// One parameter of a query.
fn of_query(query: &str, name: &Name) -> Result<Option<Arc<str>>, Violation> {
    // An old separator, which half of the readers know; and what is no escape is anything.
    if query.contains(';') || !is_escaped(query) {
        return Err(Violation::Ambiguous);
    }
    let mut found = None;
    for (own, value) in form_urlencoded::parse(query.as_bytes()) {
        // Some cut names at the first bracket or NUL, drop blanks before them, and read a dot or blank as `_`.
        let cut = own.split(['[', '\0']).next().unwrap_or_default().trim_start();
        let plain = cut.replace(['.', ' '], "_");
        let is_it = name.is(&own)?;
        if !is_it && (name.is(cut)? || name.is(&plain)?) {
            return Err(Violation::Ambiguous);
        }
        if !is_it {
            continue;
        }
        if found.is_some() || value.contains('\u{fffd}') || value.chars().any(char::is_control) {
            return Err(Violation::Ambiguous);
        }
        found = Some(Arc::from(&*value));
    }
    Ok(found)
}

/// Every `%` begins an escape (RFC 3986 §2.1).
fn is_escaped(text: &str) -> bool {
    text.split('%').skip(1).all(|after| {
        let mut digits = after.bytes();
        digits.next().is_some_and(|byte| byte.is_ascii_hexdigit())
            && digits.next().is_some_and(|byte| byte.is_ascii_hexdigit())
    })
}

/// The body in which a value stands; until it is there, the check is asked again.
///
/// # Errors
/// A body that is not JSON in the one way all read it, or longer than `limit` bytes.
pub(super) fn body(headers: &HeaderMap, exchange: &Exchange, limit: usize) -> Result<Bytes, Stop> {
    if exchange.asked_by.is_some() {
        return Err(Denial::from(Violation::Unseen).into());
    }
    let mut types = headers.get_all(CONTENT_TYPE).iter();
    let is_json = match (types.next(), types.next()) {
        (Some(only), None) => only.to_str().is_ok_and(is_json),
        _ => false,
    };
    let is_plain = headers.get_all(CONTENT_ENCODING).iter().all(|coding| coding == "identity");
    if !is_json || !is_plain {
        return Err(Denial::from(Violation::Ambiguous).into());
    }
    exchange.whole_body(limit)
}

/// What is read of it.
pub(super) fn document(bytes: &[u8]) -> Result<Document<'_>, Violation> {
    let bounds = Bounds { size: bytes.len(), string: bytes.len(), ..Bounds::default() };
    Document::parse(bytes, &bounds).map_err(|_| Violation::Ambiguous)
}

/// JSON in UTF-8, which is how it is sent (RFC 8259 §8.1).
fn is_json(media_type: &str) -> bool {
    let mut parts = media_type.split(';').map(str::trim);
    let essence = parts.next().unwrap_or_default().to_ascii_lowercase();
    let is_utf8 = |parameter: &str| {
        parameter.split_once('=').is_some_and(|(name, value)| {
            name.eq_ignore_ascii_case("charset") && value.trim_matches('"').eq_ignore_ascii_case("utf-8")
        })
    };
    (essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json")))
        && parts.all(is_utf8)
}

/// One member of a body.
fn of_body(document: &Document<'_>, steps: &[Name]) -> Result<Option<Arc<str>>, Violation> {
    let mut node = document.root();
    for step in steps {
        // An item of an array has no name, and one object is asked about.
        let View::Object(members) = node.view() else { return Err(Violation::Ambiguous) };
        let mut found = None;
        for (key, value) in members {
            let View::String(key) = key.view() else { return Err(Violation::Ambiguous) };
            // To whom a NUL ends a text, what follows is not there.
            let seen = key.split(char::is_control).next().unwrap_or_default();
            if seen.len() != key.len() && *folded(seen) == *step.folded {
                return Err(Violation::Ambiguous);
            }
            if step.is(key)? {
                found = Some(value);
            }
        }
        match found {
            Some(value) => node = value,
            None => return Ok(None),
        }
    }
    match node.view() {
        View::Null => Ok(None),
        View::String(text) if !text.chars().any(char::is_control) => Ok(Some(text.into())),
        // Written in the one way, and held by every reader (RFC 8259 §6).
        View::Number(text) => match text.parse::<i64>() {
            Ok(number) if number.unsigned_abs() < 1 << 53 && number.to_string() == text => {
                Ok(Some(text.into()))
            }
            _ => Err(Violation::Ambiguous),
        },
        _ => Err(Violation::Ambiguous),
    }
}

/// The segments in braces and their numbers.
pub(super) fn parameters(path: &str) -> Vec<(Arc<str>, usize)> {
    let segments = path.strip_prefix('/').unwrap_or(path).split('/').enumerate();
    let name = |(number, segment): (usize, &str)| {
        let name = segment.strip_prefix('{')?.strip_suffix('}')?;
        Some((Arc::from(name), number))
    };
    segments.filter_map(name).collect()
}

/// A segment as the application reads it.
fn decoded(segment: &str) -> Result<Arc<str>, Violation> {
    if !segment.contains('%') {
        return Ok(segment.into());
    }
    let mut bytes = Vec::with_capacity(segment.len());
    let mut rest = segment.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digit =
            |byte: Option<u8>| char::from(byte?).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        match (digit(rest.next()), digit(rest.next())) {
            (Some(high), Some(low)) => bytes.push(high << 4 | low),
            _ => return Err(Violation::Ambiguous),
        }
    }
    let text = String::from_utf8(bytes).map_err(|_| Violation::Ambiguous)?;
    // What one reader takes for an end, another takes for a part.
    if text.contains(['/', '\\', '?', '#', '%', ';']) || text.chars().any(char::is_control) {
        return Err(Violation::Ambiguous);
    }
    Ok(text.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn query(query: &str) -> Result<Option<String>, Violation> {
        of_query(query, &Name::new("order_id")).map(|found| found.map(|text| text.to_string()))
    }

    fn member(body: &str, at: &str) -> Result<Option<String>, Violation> {
        let Ok(Source::Body(steps)) = Source::parse(&format!("body:{at}"), "/") else { panic!("{at}") };
        let document = document(body.as_bytes())?;
        of_body(&document, &steps).map(|found| found.map(|text| text.to_string()))
    }

    #[test]
    fn a_parameter_has_one_reading() {
        let found = Ok(Some("7".to_owned()));
        for one in ["order_id=7", "a=1&order_id=7", "order_id=%37&order=8", "order_id=7&orders[]=8"] {
            assert_eq!(query(one), found, "{one}");
        }
        for none in ["", "order=7", "x[order_id]=7"] {
            assert_eq!(query(none), Ok(None), "{none}");
        }
        for two in [
            "order_id=7&order_id=7",
            "ORDER_ID=8&order_id=7",
            "order_id[]=7",
            "order_id=7&order_id[0]=8",
            "order.id=8&order_id=7",
            "order id=8",
            "+order_id=8&order_id=7",
            "order_id%00x=8&order_id=7",
            "x=1;order_id=8&order_id=7",
            "order_id=7%",
            "order_id=%ff",
            "order_id=7%00",
            "order_id=7%0a",
        ] {
            assert_eq!(query(two), Err(Violation::Ambiguous), "{two}");
        }
    }

    #[test]
    fn a_member_has_one_reading() {
        let found = Ok(Some("7".to_owned()));
        for one in [
            r#"{"order_id":"7"}"#,
            r#"{"order_id":7}"#,
            r#"{"a":{"order_id":8},"order_id":"7"}"#,
            r#"{"order\u005fid":"7"}"#,
        ] {
            assert_eq!(member(one, "/order_id"), found, "{one}");
        }
        for none in [r#"{}"#, r#"{"order_id":null}"#, r#"{"order":{"order_id":7}}"#] {
            assert_eq!(member(none, "/order_id"), Ok(None), "{none}");
        }
        for two in [
            "",
            "7",
            "[]",
            r#"[{"order_id":7}]"#,
            r#"{"order_id":7,"order_id":7}"#,
            r#"{"order_id":7,"a":{"b":1,"b":2}}"#,
            r#"{"order_id":7,"Order_Id":8}"#,
            r#"{"ORDER_ID":8}"#,
            r#"{"order_id\u0000":8,"order_id":7}"#,
            r#"{"order_id":[7]}"#,
            r#"{"order_id":{"id":7}}"#,
            r#"{"order_id":true}"#,
            r#"{"order_id":7.0}"#,
            r#"{"order_id":7e0}"#,
            r#"{"order_id":-0}"#,
            r#"{"order_id":9007199254740993}"#,
            r#"{"order_id":"7\u0000"}"#,
            r#"{"order_id":"7\ud800"}"#,
            "{\"order_id\":7}{}",
            "\u{feff}{\"order_id\":7}",
        ] {
            assert_eq!(member(two, "/order_id"), Err(Violation::Ambiguous), "{two}");
        }
        assert_eq!(member(r#"{"order":{"id":"7"}}"#, "/order/id"), found);
        assert_eq!(
            member(r#"{"Order":{"id":"8"},"order":{"id":"7"}}"#, "/order/id"),
            Err(Violation::Ambiguous)
        );
        assert_eq!(member(r#"{"order":[{"id":"7"}]}"#, "/order/0/id"), Err(Violation::Ambiguous));
        assert_eq!(
            member("{\"\u{212a}\":1}", "/k"),
            Err(Violation::Ambiguous),
            "a Kelvin sign is a k to some"
        );
    }

    #[test]
    fn json_is_sent_in_utf_8() {
        for good in ["application/json", "Application/JSON; charset=UTF-8", "application/merge-patch+json"] {
            assert!(is_json(good), "{good}");
        }
        for bad in [
            "",
            "text/plain",
            "application/json; charset=utf-16",
            "application/json, text/plain",
            "text/json",
        ] {
            assert!(!is_json(bad), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn whatever_comes_has_one_reading_or_none(text in ".{0,64}") {
            let _ = query(&text);
            let _ = member(&text, "/a");
        }

        #[test]
        fn an_id_is_read_as_it_was_written(id in "[^\\p{C}\u{fffd}]{1,40}", before in "[a-n]{0,8}") {
            let body = serde_json::json!({ before.clone(): 1, "order_id": id.clone() }).to_string();
            prop_assert_eq!(member(&body, "/order_id"), Ok(Some(id.clone())));
            let query_of = form_urlencoded::Serializer::new(String::new())
                .append_pair(&before, "1").append_pair("order_id", &id).finish();
            prop_assert_eq!(query(&query_of), Ok(Some(id)));
        }
    }
}
