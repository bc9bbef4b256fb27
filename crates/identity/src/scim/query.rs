//! What a list is asked for with, in the address or in the body of `/.search` (RFC 7644, 3.4.2, 3.4.3).

use serde_json::Value;

use super::project::Selection;
use super::{AttrPath, Filter, Kind, Map, Refusal};

/// One question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    pub filter: Option<Filter>,
    /// From 1.
    pub start: u64,
    /// At most [`LONGEST_PAGE`].
    pub count: usize,
    pub sort_by: Option<AttrPath>,
    pub descending: bool,
    pub selection: Selection,
}

impl Default for Query {
    fn default() -> Self {
        Self {
            filter: None,
            start: 1,
            count: LONGEST_PAGE,
            sort_by: None,
            descending: false,
            selection: Selection::default(),
        }
    }
}

impl Query {
    /// From the parameters of an address, names and values decoded. Unknown ones are passed over.
    ///
    /// # Errors
    /// [`Kind::InvalidSyntax`] for a parameter that stands twice, [`Kind::InvalidValue`] for a number that is
    /// none, what [`Filter`] refuses.
    pub fn from_pairs<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> Result<Self, Refusal> {
        let mut body = Map::new();
        for (name, value) in pairs {
            let Some(known) = NAMES.iter().find(|known| known.eq_ignore_ascii_case(name)) else { continue };
            let value = match *known {
                "startIndex" | "count" => {
                    let number = value.parse::<i64>().map_err(|_| not_a_number(known))?;
                    Value::from(number)
                }
                "attributes" | "excludedAttributes" => value
                    .split(',')
                    .map(str::trim)
                    .filter(|name| !name.is_empty())
                    .map(Value::from)
                    .collect::<Vec<_>>()
                    .into(),
                _ => Value::from(value),
            };
            if body.insert((*known).to_owned(), value).is_some() {
                return Err(Kind::InvalidSyntax.because(format_args!("`{known}` stands twice")));
            }
        }
        Self::read(&body)
    }

    /// From the body of a `POST` to `/.search`.
    ///
    /// # Errors
    /// As [`from_pairs`](Self::from_pairs), and [`Kind::InvalidSyntax`] for another kind of body.
    pub fn from_body(body: Value) -> Result<Self, Refusal> {
        let Value::Object(body) = body else {
            return Err(Kind::InvalidSyntax.because("a search request is a JSON object"));
        };
        let mut known = Map::new();
        let mut is_request = false;
        for (key, value) in body {
            if key.eq_ignore_ascii_case("schemas") {
                let ids = value.as_array().map(Vec::as_slice).unwrap_or_default();
                is_request = ids.iter().any(|id| id.as_str() == Some(SEARCH_REQUEST));
            } else if let Some(name) = NAMES.iter().find(|name| name.eq_ignore_ascii_case(&key))
                && known.insert((*name).to_owned(), value).is_some()
            {
                return Err(Kind::InvalidSyntax.because(format_args!("`{name}` stands twice")));
            }
        }
        if !is_request {
            return Err(Kind::InvalidSyntax.because(format_args!("`schemas` names `{SEARCH_REQUEST}`")));
        }
        Self::read(&known)
    }

    fn read(body: &Map) -> Result<Self, Refusal> {
        let text = |name: &'static str| match body.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.as_str())),
            Some(_) => Err(Kind::InvalidValue.because(format_args!("`{name}` is a text"))),
        };
        let number = |name: &'static str| match body.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => value.as_i64().map(Some).ok_or_else(|| not_a_number(name)),
        };
        let list = |name: &'static str| match body.get(name) {
            None | Some(Value::Null) => Ok(Vec::new()),
            Some(Value::String(one)) => Ok(vec![one.as_str()]),
            Some(Value::Array(all)) if all.iter().all(Value::is_string) => {
                Ok(all.iter().filter_map(Value::as_str).collect())
            }
            Some(_) => Err(Kind::InvalidValue.because(format_args!("`{name}` is a list of names"))),
        };
        let filter = text("filter")?.filter(|text| !text.trim().is_empty());
        let descending = match text("sortOrder")? {
            None => false,
            Some(order) if order.eq_ignore_ascii_case("ascending") => false,
            Some(order) if order.eq_ignore_ascii_case("descending") => true,
            Some(_) => return Err(Kind::InvalidValue.because("`sortOrder` is `ascending` or `descending`")),
        };
        // RFC 7644, 3.4.2.4: what is below 1 is 1; a negative count is 0.
        let start = number("startIndex")?.unwrap_or(1).max(1);
        let count = number("count")?.map_or(LONGEST_PAGE, |count| usize::try_from(count).unwrap_or(0));
        Ok(Self {
            filter: filter.map(str::parse).transpose()?,
            start: u64::try_from(start).unwrap_or(1),
            count: count.min(LONGEST_PAGE),
            sort_by: text("sortBy")?.map(str::parse).transpose()?,
            descending,
            selection: Selection::new(&list("attributes")?, &list("excludedAttributes")?)?,
        })
    }

    /// How many are passed over.
    #[must_use]
    pub const fn skip(&self) -> u64 {
        self.start.saturating_sub(1)
    }
}

fn not_a_number(name: &str) -> Refusal {
    Kind::InvalidValue.because(format_args!("`{name}` is a whole number"))
}

const NAMES: [&str; 7] =
    ["filter", "startIndex", "count", "sortBy", "sortOrder", "attributes", "excludedAttributes"];

pub const SEARCH_REQUEST: &str = "urn:ietf:params:scim:api:messages:2.0:SearchRequest";
/// What one answer holds at most, and when nothing else is asked for.
pub const LONGEST_PAGE: usize = 200;
