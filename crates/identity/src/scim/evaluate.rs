//! Whether a resource fits a filter (RFC 7644, 3.4.2.2).
//!
//! An attribute that is not kept is one without a value. Texts are compared without case unless the schema says
//! `caseExact`; moments are compared as moments. Of a multi-valued attribute one fitting value is enough, and
//! without a part its `value` counts. Costs at most terms × values.

use std::cmp::Ordering;

use serde_json::Value;

use super::filter::{AttrPath, Comparison, Filter, Literal};
use super::schema::{Attribute, ResourceType, Type};
use super::{Kind, Map, Refusal};

/// Whether the filter can be asked of the resource type at all.
///
/// # Errors
/// [`Kind::InvalidFilter`] for a comparison that the attribute's type does not have, for instance `gt` of a
/// boolean (RFC 7644, table 3).
pub fn check(filter: &Filter, resource: &'static ResourceType) -> Result<(), Refusal> {
    check_in(filter, Scope::Resource(resource))
}

/// Whether the resource fits. The filter was [checked](check).
#[must_use]
pub fn fits(filter: &Filter, resource: &'static ResourceType, document: &Map) -> bool {
    holds(filter, Scope::Resource(resource), document)
}

/// Whether one value of a multi-valued attribute fits what stands in brackets behind it.
#[must_use]
pub fn value_fits(filter: &Filter, attribute: &'static Attribute, value: &Value) -> bool {
    value.as_object().is_some_and(|value| holds(filter, Scope::Value(attribute), value))
}

/// As [`check`], for what stands in brackets.
///
/// # Errors
/// [`Kind::InvalidFilter`].
pub fn check_value(filter: &Filter, attribute: &'static Attribute) -> Result<(), Refusal> {
    check_in(filter, Scope::Value(attribute))
}

/// What names are looked up in.
#[derive(Clone, Copy)]
enum Scope {
    Resource(&'static ResourceType),
    Value(&'static Attribute),
}

/// An attribute as a filter sees it: how it is compared, and where.
struct Seen {
    leaf: &'static Attribute,
    extension: Option<&'static str>,
    attribute: &'static Attribute,
    /// Which part of it is compared.
    part: Option<&'static str>,
}

impl Scope {
    fn find(self, path: &AttrPath) -> Option<Seen> {
        let (extension, attribute, sub) = match self {
            Self::Value(attribute) => {
                let plain = path.schema.is_none() && path.sub.is_none();
                (None, attribute.part(&path.name).filter(|_| plain)?, None)
            }
            Self::Resource(resource) => {
                let found = resource.find(path)?;
                (found.extension.map(|schema| schema.id), found.attribute, found.sub)
            }
        };
        // RFC 7644, 3.4.2.2: a complex attribute without part is compared by its `value`.
        let sub = sub.or_else(|| attribute.part("value").filter(|_| attribute.kind == Type::Complex));
        Some(Seen { leaf: sub.unwrap_or(attribute), extension, attribute, part: sub.map(|sub| sub.name) })
    }
}

impl Seen {
    /// The values of the attribute itself.
    fn whole<'a>(&self, document: &'a Map) -> &'a [Value] {
        let place = match self.extension {
            None => Some(document),
            Some(id) => document.get(id).and_then(Value::as_object),
        };
        match place.and_then(|place| place.get(self.attribute.name)) {
            None | Some(Value::Null) => &[],
            Some(Value::Array(values)) => values,
            Some(one) => std::slice::from_ref(one),
        }
    }

    /// The values that are compared.
    fn values<'a>(&self, document: &'a Map) -> impl Iterator<Item = &'a Value> + use<'a> {
        let part = self.part;
        self.whole(document).iter().filter_map(move |value| match part {
            None => Some(value),
            Some(part) => value.get(part),
        })
    }
}

fn check_in(filter: &Filter, scope: Scope) -> Result<(), Refusal> {
    match filter {
        Filter::And(all) | Filter::Or(all) => all.iter().try_for_each(|one| check_in(one, scope)),
        Filter::Not(inner) => check_in(inner, scope),
        Filter::Present(_) => Ok(()),
        Filter::Compare(path, comparison, literal) => match scope.find(path) {
            Some(seen) if !can(seen.leaf.kind, *comparison, literal) => {
                Err(Kind::InvalidFilter.because(format_args!(
                    "`{}` cannot be compared so with `{}`",
                    super::short(&path.to_string()),
                    comparison.as_str()
                )))
            }
            _ => Ok(()),
        },
        Filter::Matching(path, inner) => match scope.find(path) {
            Some(seen) if seen.attribute.kind == Type::Complex => {
                check_in(inner, Scope::Value(seen.attribute))
            }
            Some(_) => Err(Kind::InvalidFilter.because(format_args!(
                "`{}` has no parts that could stand in brackets",
                super::short(&path.to_string())
            ))),
            None => Ok(()),
        },
    }
}

fn can(kind: Type, comparison: Comparison, literal: &Literal) -> bool {
    use Comparison::{Equal, NotEqual};
    match (kind, literal) {
        (_, Literal::Null) => matches!(comparison, Equal | NotEqual),
        (Type::Boolean, literal) => matches!(comparison, Equal | NotEqual) && boolean(literal).is_some(),
        (Type::Complex, _) => false,
        (Type::DateTime, Literal::String(text)) => moment(text).is_some(),
        (Type::Reference | Type::String, Literal::String(_)) => true,
        _ => false,
    }
}

/// Some directories write booleans as texts.
fn boolean(literal: &Literal) -> Option<bool> {
    match literal {
        Literal::Bool(value) => Some(*value),
        Literal::String(text) if text.eq_ignore_ascii_case("true") => Some(true),
        Literal::String(text) if text.eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    }
}

fn holds(filter: &Filter, scope: Scope, document: &Map) -> bool {
    match filter {
        Filter::And(all) => all.iter().all(|one| holds(one, scope, document)),
        Filter::Or(any) => any.iter().any(|one| holds(one, scope, document)),
        Filter::Not(inner) => !holds(inner, scope, document),
        Filter::Present(path) => scope.find(path).is_some_and(|seen| {
            let named = path.sub.is_some();
            if named {
                seen.values(document).any(is_present)
            } else {
                seen.whole(document).iter().any(is_present)
            }
        }),
        Filter::Compare(path, comparison, literal) => match scope.find(path) {
            None => without_value(*comparison, literal),
            Some(seen) => {
                let mut values = seen.values(document).filter(|value| is_present(value)).peekable();
                match values.peek() {
                    None => without_value(*comparison, literal),
                    Some(_) => values.any(|value| compare(seen.leaf, value, *comparison, literal)),
                }
            }
        },
        Filter::Matching(path, inner) => scope.find(path).is_some_and(|seen| {
            let fits = |value: &Value| value_fits(inner, seen.attribute, value);
            seen.whole(document).iter().any(fits)
        }),
    }
}

fn is_present(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(values) => !values.is_empty(),
        Value::Object(map) => map.values().any(is_present),
        Value::Bool(_) | Value::Number(_) => true,
    }
}

/// What has no value equals nothing but `null`.
fn without_value(comparison: Comparison, literal: &Literal) -> bool {
    match comparison {
        Comparison::Equal => *literal == Literal::Null,
        Comparison::NotEqual => *literal != Literal::Null,
        _ => false,
    }
}

fn compare(leaf: &Attribute, value: &Value, comparison: Comparison, literal: &Literal) -> bool {
    let ordering = match (value, literal) {
        (_, Literal::Null) => return comparison == Comparison::NotEqual,
        (Value::Bool(value), literal) => boolean(literal).map(|literal| value.cmp(&literal)),
        (Value::String(value), Literal::String(literal)) => {
            match (leaf.kind, moment(value), moment(literal)) {
                (Type::DateTime, Some(value), Some(literal)) => Some(value.cmp(&literal)),
                _ if leaf.case_exact => return texts(value, literal, comparison),
                _ => return texts(&value.to_lowercase(), &literal.to_lowercase(), comparison),
            }
        }
        _ => None,
    };
    match (comparison, ordering) {
        (Comparison::Equal, ordering) => ordering == Some(Ordering::Equal),
        (Comparison::NotEqual, ordering) => ordering != Some(Ordering::Equal),
        (Comparison::Greater, Some(ordering)) => ordering.is_gt(),
        (Comparison::GreaterOrEqual, Some(ordering)) => ordering.is_ge(),
        (Comparison::Less, Some(ordering)) => ordering.is_lt(),
        (Comparison::LessOrEqual, Some(ordering)) => ordering.is_le(),
        _ => false,
    }
}

fn texts(value: &str, literal: &str, comparison: Comparison) -> bool {
    match comparison {
        Comparison::Contains => value.contains(literal),
        Comparison::EndsWith => value.ends_with(literal),
        Comparison::Equal => value == literal,
        Comparison::Greater => value > literal,
        Comparison::GreaterOrEqual => value >= literal,
        Comparison::Less => value < literal,
        Comparison::LessOrEqual => value <= literal,
        Comparison::NotEqual => value != literal,
        Comparison::StartsWith => value.starts_with(literal),
    }
}

/// Orders two values as `sortBy` does: texts without case unless they are exact, what has no value last.
#[must_use]
pub fn order(path: &AttrPath, resource: &'static ResourceType, one: &Map, other: &Map) -> Ordering {
    let Some(seen) = Scope::Resource(resource).find(path) else { return Ordering::Equal };
    let key = |document: &Map| {
        // RFC 7644, 3.4.2.3: of several values the primary one, or the first.
        let values = seen.whole(document);
        let primary = values.iter().find(|value| value.get("primary") == Some(&Value::Bool(true)));
        let value = primary.or(values.first())?;
        let value = match seen.part {
            None => value,
            Some(part) => value.get(part)?,
        };
        match value {
            Value::String(text) if seen.leaf.case_exact => Some(text.clone()),
            Value::String(text) => Some(text.to_lowercase()),
            Value::Bool(value) => Some(value.to_string()),
            _ => None,
        }
    };
    match (key(one), key(other)) {
        (Some(one), Some(other)) => one.cmp(&other),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => Ordering::Equal,
    }
}

/// An `xsd:dateTime` with a zone (RFC 7643, 2.3.5), in microseconds since 1970.
fn moment(text: &str) -> Option<i64> {
    let (date, time) = text.split_once('T')?;
    let mut date = date.splitn(3, '-').map(|part| (part.len(), part.parse::<i64>()));
    let mut digits = |length: usize, range: std::ops::RangeInclusive<i64>| match date.next() {
        Some((found, Ok(number))) if found == length && range.contains(&number) => Some(number),
        _ => None,
    };
    let (year, month, day) = (digits(4, 0..=9999)?, digits(2, 1..=12)?, digits(2, 1..=31)?);
    let (time, offset) = match time.strip_suffix(['Z', 'z']) {
        Some(time) => (time, 0),
        None => {
            let at = time.rfind(['+', '-'])?;
            let (time, zone) = time.split_at_checked(at)?;
            let sign = if zone.starts_with('-') { -1 } else { 1 };
            let (hours, minutes) = zone.get(1..)?.split_once(':')?;
            (time, sign * (two(hours, 14)? * 60 + two(minutes, 59)?))
        }
    };
    let (clock, fraction) = time.split_once('.').unwrap_or((time, "0"));
    let mut clock = clock.splitn(3, ':');
    let (hour, minute, second) = (two(clock.next()?, 24)?, two(clock.next()?, 59)?, two(clock.next()?, 60)?);
    if fraction.is_empty() || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let micros: i64 = format!("{:0<6}", fraction.get(..6).unwrap_or(fraction)).parse().ok()?;
    // Days from the civil calendar, with years that begin in March.
    let (shifted, from_march) = (year - i64::from(month <= 2), (month + 9) % 12);
    let (era, of_era) = (shifted.div_euclid(400), shifted.rem_euclid(400));
    let days = era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + (153 * from_march + 2) / 5 + day
        - 1
        - 719_468;
    let seconds = days * 86_400 + hour * 3600 + (minute - offset) * 60 + second;
    Some(seconds * 1_000_000 + micros)
}

fn two(text: &str, most: i64) -> Option<i64> {
    let digits = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|number| digits && *number <= most)
}
