//! The same contract gives the same bytes, and what cannot be expressed is told.

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

use std::collections::BTreeMap;

use gabion_generate::{Contract, Direction, Generated, Origin, pydantic, zod};
use gabion_openapi::json::{Bounds, Value, yaml};
use proptest::prelude::*;

fn both(text: &str) -> [Generated; 2] {
    let (value, _) = yaml::parse(text, &Bounds::file()).unwrap();
    let files = BTreeMap::from([("openapi.yaml".to_owned(), value)]);
    made(&files)
}

fn made(files: &BTreeMap<String, Value>) -> [Generated; 2] {
    let contract = Contract::new(files, "openapi.yaml").unwrap_or_else(|problem| panic!("{problem}"));
    let origin = Origin {
        version: "1".to_owned(),
        command: "c".to_owned(),
        sources: Vec::new(),
        hash: "h".to_owned(),
    };
    [
        zod::contract(contract, Direction::Request, &origin),
        pydantic::contract(contract, Direction::Request, &origin),
    ]
}

fn of(schema: &str) -> [Generated; 2] {
    both(&format!("openapi: 3.1.0\ncomponents: {{schemas: {{A: {schema}}}}}\npaths: {{}}\n"))
}

#[test]
fn what_has_no_shape_is_told_and_stands_in_the_file() {
    for (schema, told) in [
        ("{not: {type: string}}", "`not` is not checked"),
        ("{type: string, format: duration}", "the format `duration` is not checked"),
        ("{type: array, prefixItems: [{type: string}]}", "`prefixItems` is not checked"),
        ("{type: object, patternProperties: {a: {}}}", "such members are refused"),
        ("{$ref: '#/components/schemas/B'}", "leads to nothing that is read; nothing is accepted"),
        ("{$ref: 'https://evil.example/a.json'}", "leads to nothing that is read; nothing is accepted"),
        (
            "{allOf: [{$ref: '#/components/schemas/A'}, {type: string}]}",
            "is a part of itself; nothing is accepted",
        ),
        ("{enum: [[1]]}", "lists arrays or objects"),
        ("{properties: {a: {}}}", "does not say its type"),
    ] {
        for generated in of(schema) {
            assert!(
                generated.limits.iter().any(|limit| limit.reason.contains(told)),
                "{schema}: {:?}",
                generated.limits
            );
            assert!(generated.files[0].text.contains(told), "{schema}");
        }
    }
}

#[test]
fn nothing_of_a_contract_leaves_its_literal_or_its_comment() {
    let evil =
        r#"{type: object, properties: {"\"; evil(); //": {type: string, pattern: "\"\n evil()"}}, not: {}}"#;
    for generated in of(evil) {
        let text = &generated.files[0].text;
        assert!(text.lines().all(|line| !line.trim_start().starts_with("evil()")), "{text}");
        assert!(text.contains(r#"\"; evil(); //"#), "{text}");
    }
}

proptest! {
    #[test]
    fn any_schema_is_read_and_twice_the_same(schema in schema()) {
        prop_assert_eq!(of(&schema), of(&schema));
    }
}

/// Schemas as flow YAML, right and wrong.
fn schema() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("{type: string, minLength: 1, format: date}".to_owned()),
        Just("{type: integer, minimum: 3}".to_owned()),
        Just("{type: [string, 'null']}".to_owned()),
        Just("{const: 1}".to_owned()),
        Just("{enum: [a, null, 2]}".to_owned()),
        Just("{$ref: '#/components/schemas/A'}".to_owned()),
        Just("true".to_owned()),
        Just("false".to_owned()),
        Just("7".to_owned()),
    ];
    leaf.prop_recursive(4, 24, 3, |inner| {
        let list = proptest::collection::vec(inner.clone(), 1..4);
        prop_oneof![
            inner.clone().prop_map(|one| format!("{{type: array, items: {one}, uniqueItems: true}}")),
            (inner.clone(), inner.clone()).prop_map(|(one, other)| format!(
                "{{type: object, required: [a], properties: {{a: {one}, class: {other}}}}}"
            )),
            inner.prop_map(|one| format!("{{type: object, additionalProperties: {one}}}")),
            (prop_oneof![Just("allOf"), Just("anyOf"), Just("oneOf")], list)
                .prop_map(|(word, list)| format!("{{{word}: [{}]}}", list.join(", "))),
        ]
    })
}
