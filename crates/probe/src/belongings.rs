//! Ids that stand elsewhere than in paths: what a name of a parameter or a field is an id of, and what a sign-in tells of the
//! things of whoever signed in.

use serde_json::Value;

use crate::call::{Call, text_of};
use crate::field::Field;
use crate::learn::{Object, noun, noun_of};
use crate::operation::{Place, Point};

/// The noun that a name is an id of: `order` of `order_id`, `orderId`, `X-Order`, `orderIds`; of `id` alone what the path ends
/// with. Nothing where the name is none of an id.
#[must_use]
pub fn noun_of_name(template: &str, name: &str) -> Option<String> {
    let name = name.strip_prefix("X-").or_else(|| name.strip_prefix("x-")).unwrap_or(name);
    let flat = name.replace(['-', '_'], "");
    let lower = flat.to_ascii_lowercase();
    if ALONE.contains(&lower.as_str()) {
        let segments =
            template.split(['/', '#']).filter(|segment| !segment.is_empty() && !segment.contains('{'));
        let last = segments.rev().find(|segment| !ACTIONS.contains(&segment.to_ascii_lowercase().as_str()));
        return last.map(noun);
    }
    // `fromAccount`, `source_wallet_id`: whose it is, is said first.
    let bare = |text: &str| {
        let side = SIDES.iter().find_map(|side| text.strip_prefix(side).filter(|rest| rest.len() > 2));
        noun(side.unwrap_or(text))
    };
    for ending in ["ids", "id", "uuid", "number", "no", "ref", "key"] {
        let end = name.len().saturating_sub(ending.len());
        let (Some(stem), Some(tail)) = (name.get(..end), name.get(end..)) else { continue };
        // The end is a word of its own: `userId`, `user_id`; `paid` has none.
        let own = tail.eq_ignore_ascii_case(ending)
            && (tail.starts_with(|letter: char| letter.is_ascii_uppercase()) || stem.ends_with(['_', '-']));
        if own && stem.len() > 1 {
            return Some(bare(&stem.replace(['-', '_'], "").to_ascii_lowercase()));
        }
    }
    let lower = lower.strip_suffix("id").filter(|stem| THINGS.contains(stem)).unwrap_or(&lower);
    THINGS.contains(&bare(lower).as_str()).then(|| bare(lower))
}

/// Names that are ids of whatever the path is about.
const ALONE: &[&str] = &["id", "ids", "uuid", "guid", "pk", "objectid"];
/// Last segments that are no things.
const ACTIONS: &[&str] = &[
    "view", "show", "get", "details", "detail", "export", "download", "print", "report", "read", "open",
    "batch", "bulk", "search", "query", "pdf", "csv", "index", "delete", "remove", "destroy",
];
const SIDES: &[&str] = &["from", "to", "source", "target", "sender", "receiver", "debit", "credit", "src"];
/// What a name alone may be an id of.
const THINGS: &[&str] = &[
    "account", "basket", "cart", "card", "customer", "document", "file", "folder", "invoice", "message",
    "note", "order", "owner", "payment", "project", "ticket", "user", "wallet",
];

/// What a path is about: `books` of `/books/v1`.
pub(crate) fn subject(path: &str) -> &str {
    path.rsplit('/').find(|segment| crate::learn::is_word(segment)).unwrap_or_default()
}

/// What things of a list are told apart by, where one of them is asked for by it: `title` where there is `/books/{title}`.
pub(crate) fn key_of(field: &Field, list: &str) -> Option<String> {
    let list = list.trim_end_matches('/');
    field.operations.iter().find_map(|operation| {
        let rest = operation.path.strip_prefix(list)?.strip_prefix("/{")?;
        rest.strip_suffix('}').filter(|name| !name.contains(['{', '/'])).map(str::to_owned)
    })
}

/// The noun that a point of a call is an id of.
#[must_use]
pub fn noun_at(call: &Call, point: &Point) -> Option<String> {
    match point.place {
        Place::Path => Some(noun_of(&call.template, &point.name)),
        Place::Query | Place::Header | Place::Cookie | Place::Form => {
            noun_of_name(&call.template, &point.name)
        }
        Place::Json => {
            // An item of a list is called as the list is.
            let named = point.name.rsplit('/').find(|part| part.parse::<usize>().is_err());
            noun_of_name(&call.template, named.unwrap_or_default())
        }
        Place::File | Place::Body => None,
    }
}

/// The last parameter of a call's path.
#[must_use]
pub fn last_of_path(call: &Call) -> Option<Point> {
    let name = crate::operation::names_of(&call.template).last()?;
    call.path.contains_key(name).then(|| Point::new(Place::Path, name))
}

/// The object that a point names by its id, where it is somebody's alone: made by them, or in nobody else's lists.
#[must_use]
pub fn owned<'a>(field: &'a Field, call: &Call, point: &Point, who: usize) -> Option<&'a Object> {
    let (noun, id) = (noun_at(call, point)?, call.value(point)?);
    field.objects.iter().find(|object| {
        let same = object.noun == noun && object.id == id;
        let theirs = object.made_by == Some(who) || object.seen_by.iter().all(|other| *other == who);
        same && theirs
    })
}

/// An id of somebody's own of a kind, the one that nobody else has first.
#[must_use]
pub fn own_id(field: &Field, noun: &str, who: usize) -> Option<String> {
    let own = field.objects.iter().filter(|object| {
        object.noun == noun && (object.made_by == Some(who) || object.seen_by.contains(&who))
    });
    let best = own.min_by_key(|object| (object.made_by != Some(who), object.seen_by.len()));
    best.map(|object| object.id.clone())
}

/// Takes from what people were answered when they signed in, and from what their tokens claim, the ids of their things.
pub fn learn_from_sign_in(field: &mut Field) {
    let nouns: std::collections::BTreeSet<String> = field
        .operations
        .iter()
        .flat_map(|operation| {
            let path = operation.path.split('/').filter(|part| !part.is_empty() && !part.contains('{'));
            path.map(noun)
        })
        .collect();
    for who in field.signed_in().collect::<Vec<_>>() {
        let person = field.person(who);
        let mut told: Vec<Value> = crate::tokens::claims_of(&person.session());
        told.extend(person.login.as_ref().and_then(|(_, answer)| answer.json()));
        let mut found = Vec::new();
        told.iter().for_each(|value| ids_in(value, "user", 0, &nouns, &mut found));
        for (noun, id) in found.into_iter().take(MOST) {
            crate::harvest::remember(field, &noun, &id, who, false, &Value::Null);
        }
    }
}

/// Ids that are taken from one sign-in.
const MOST: usize = 40;

/// Ids in what a sign-in tells; `about` is what the object around is.
fn ids_in(
    value: &Value,
    about: &str,
    depth: usize,
    nouns: &std::collections::BTreeSet<String>,
    out: &mut Vec<(String, String)>,
) {
    let Value::Object(members) = value else { return };
    if depth > 4 {
        return;
    }
    for (name, value) in members {
        match value {
            Value::Object(_) => {
                // `data` and the like say nothing of what is in them.
                let inner = noun(name);
                let about = if nouns.contains(&inner) { inner } else { about.to_owned() };
                ids_in(value, &about, depth.saturating_add(1), nouns, out);
            }
            Value::String(_) | Value::Number(_) => {
                let id = text_of(value);
                if id.is_empty() || id.len() > 64 {
                    continue;
                }
                let lower = name.to_ascii_lowercase();
                if matches!(lower.as_str(), "id" | "_id" | "uuid" | "sub") {
                    out.push((about.to_owned(), id));
                } else if let Some(noun) = noun_of_name("/", name) {
                    out.push((noun, id));
                } else if let Some(stem) =
                    lower.strip_suffix("id").filter(|stem| (1..=2).contains(&stem.len()))
                {
                    // `bid` of a shop with baskets.
                    let fit = nouns.iter().filter(|noun| noun.starts_with(stem));
                    out.extend(fit.map(|noun| (noun.clone(), id.clone())));
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn names_tell_what_they_are_ids_of() {
        for (name, noun) in [
            ("order_id", "order"),
            ("orderIds", "order"),
            ("X-Account-Id", "account"),
            ("X-Account", "account"),
            ("fromAccount", "account"),
            ("source_wallet_id", "wallet"),
            ("invoiceNumber", "invoice"),
            ("userid", "user"),
            ("from_account", "account"),
        ] {
            assert_eq!(noun_of_name("/x", name).as_deref(), Some(noun), "{name}");
        }
        assert_eq!(noun_of_name("/basket", "id").as_deref(), Some("basket"));
        assert_eq!(noun_of_name("/invoices/export", "id").as_deref(), Some("invoice"));
        for name in ["paid", "q", "page", "valid", "grid", "turkey", "casino", "title"] {
            assert_eq!(noun_of_name("/x", name), None, "{name}");
        }
    }

    #[test]
    fn sign_ins_tell_of_things() {
        let nouns = ["basket", "user", "order"].map(str::to_owned).into_iter().collect();
        let mut found = Vec::new();
        let told = json!({ "authentication": { "bid": 3, "user": { "id": 7 }, "order_id": "o9" }, "exp": 1 });
        ids_in(&told, "user", 0, &nouns, &mut found);
        found.sort();
        let own = |noun: &str, id: &str| (noun.to_owned(), id.to_owned());
        assert_eq!(found, [own("basket", "3"), own("order", "o9"), own("user", "7")]);
    }
}
