//! What holds of every filter and every patch.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::filter::{Comparison, Literal};
use super::patch::apply;
use super::tests::{ENTERPRISE, babs, operations_of};
use super::*;

fn name() -> impl Strategy<Value = String> {
    "[a-zA-Z][a-zA-Z0-9_-]{0,8}".prop_filter("a keyword", |name| !name.eq_ignore_ascii_case("not"))
}

fn attribute() -> impl Strategy<Value = AttrPath> {
    let schema = proptest::option::of("urn:[a-z:0-9.]{1,20}");
    (schema, name(), proptest::option::of(name())).prop_map(|(schema, name, sub)| AttrPath {
        schema,
        name,
        sub,
    })
}

fn literal() -> impl Strategy<Value = Literal> {
    prop_oneof![
        any::<bool>().prop_map(Literal::Bool),
        Just(Literal::Null),
        any::<i64>().prop_map(|number| Literal::Number(number.into())),
        (-1e9..1e9_f64).prop_map(|number| Literal::Number(serde_json::Number::from_f64(number).unwrap())),
        ".{0,12}".prop_map(Literal::String),
    ]
}

fn comparison() -> impl Strategy<Value = Comparison> {
    let words = ["eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le"];
    proptest::sample::select(words.to_vec()).prop_map(|word| Comparison::parse(word).unwrap())
}

fn term(path: impl Strategy<Value = AttrPath> + Clone) -> impl Strategy<Value = Filter> {
    prop_oneof![
        path.clone().prop_map(Filter::Present),
        (path, comparison(), literal())
            .prop_map(|(path, comparison, literal)| Filter::Compare(path, comparison, literal)),
    ]
}

fn nest(leaf: BoxedStrategy<Filter>, depth: u32) -> BoxedStrategy<Filter> {
    let nested = leaf.prop_recursive(depth, 24, 3, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 1..4).prop_map(Filter::all),
            proptest::collection::vec(inner.clone(), 1..4).prop_map(Filter::any),
            inner.prop_map(|one| Filter::Not(Box::new(one))),
        ]
    });
    nested.boxed()
}

fn filter() -> impl Strategy<Value = Filter> {
    let plain = name().prop_map(|name| AttrPath::plain(&name)).boxed();
    let inner = nest(term(plain.clone()).boxed(), 2);
    let matching = (plain, inner).prop_map(|(path, inner)| Filter::Matching(path, Box::new(inner)));
    nest(prop_oneof![3 => term(attribute().boxed()), 1 => matching].boxed(), 3)
}

fn terms(filter: &Filter) -> usize {
    match filter {
        Filter::And(all) | Filter::Or(all) => all.iter().map(terms).sum(),
        Filter::Not(inner) => terms(inner),
        Filter::Matching(_, inner) => 1 + terms(inner),
        Filter::Compare(..) | Filter::Present(_) => 1,
    }
}

proptest! {
    #[test]
    fn what_is_printed_reads_the_same(filter in filter()) {
        let text = filter.to_string();
        if text.len() <= 4096 && terms(&filter) <= 64 {
            prop_assert_eq!(text.parse::<Filter>().map_err(|error| format!("{text}: {error}")), Ok(filter));
        }
    }

    #[test]
    fn any_text_is_read_or_refused(text in ".{0,200}") {
        if let Ok(filter) = text.parse::<Filter>() {
            prop_assert_eq!(filter.to_string().parse::<Filter>(), Ok(filter));
        }
        if let Ok(path) = text.parse::<PatchPath>() {
            prop_assert_eq!(path.to_string().parse::<PatchPath>(), Ok(path));
        }
    }

    #[test]
    fn words_of_the_grammar_are_read_or_refused(words in proptest::collection::vec(
        proptest::sample::select(vec!["emails", "[", "]", "(", ")", " ", "type", "eq", "pr", "\"x\"", "and", "or", "not", ".", "urn:", ":", "true", "$ref", "-1"]), 0..24)
    ) {
        let text = words.concat();
        if let Ok(filter) = text.parse::<Filter>() {
            prop_assert_eq!(filter.to_string().parse::<Filter>(), Ok(filter.clone()));
            if evaluate::check(&filter, &USER).is_ok() {
                let document = babs();
                prop_assert_eq!(
                    evaluate::fits(&filter, &USER, &document),
                    !evaluate::fits(&Filter::Not(Box::new(filter)), &USER, &document)
                );
            }
        }
    }

    /// However it was patched, a document has one primary value at most, bounded lists, and its name.
    #[test]
    fn patches_keep_what_must_hold(steps in proptest::collection::vec((
        proptest::sample::select(vec!["add", "replace", "remove"]),
        proptest::sample::select(vec!["emails", "emails[type eq \"work\"]", "emails[type eq \"home\"].primary", "emails.value", "userName", "name", "name.givenName", "active", ENTERPRISE, "title"]),
        proptest::sample::select(vec![json!("x"), json!(true), json!(null), json!([]), json!({"value": "y", "primary": true}), json!([{"value": "z", "primary": true, "type": "home"}, {"value": "w"}]), json!({"givenName": "G", "department": "D"})]),
    ), 0..12)) {
        let operations: Vec<Value> = steps.iter().map(|(op, path, value)| json!({"op": op, "path": path, "value": value})).collect();
        let mut document = babs();
        for one in operations {
            let body = json!({"schemas": [patch::PATCH], "Operations": [one]});
            let Ok(one) = operations_of(body) else { continue };
            let mut next = document.clone();
            if apply(&USER, &mut next, &one).is_ok() {
                document = next;
            }
        }
        prop_assert!(document.contains_key("userName"));
        let emails = document.get("emails").and_then(Value::as_array).cloned().unwrap_or_default();
        prop_assert!(emails.iter().filter(|one| value::is_primary(one)).count() <= 1);
        prop_assert!(emails.len() <= value::MOST_VALUES);
        prop_assert!(!document.values().any(Value::is_null));
    }
}
