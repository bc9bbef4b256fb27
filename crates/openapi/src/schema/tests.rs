//! What contracts ask for beyond the public suite: unknown members, directions, violations, bounds, bad schemas.

use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::json::{self, Bounds, Document, Pointer, Value};

fn value(text: &str) -> Value {
    json::parse(text.as_bytes(), &Bounds::file()).unwrap()
}

fn compiled(schema: &str, options: &Options) -> Result<Program, Vec<CompileError>> {
    let mut registry = Registry::new();
    registry.add("a.json", Arc::new(value(schema)), Root::Schema);
    Program::compile(&registry, "a.json", options)
}

fn program(schema: &str, options: &Options) -> Program {
    compiled(schema, options).unwrap()
}

fn request() -> Options {
    Options::contract(Draft::Draft202012, Direction::Request)
}

/// The violations, a line each; empty where there is none.
fn violations(program: &Program, document: &str) -> String {
    let document = Document::parse(document.as_bytes(), &Bounds::default()).unwrap();
    match program.validate(&document) {
        Ok(_) => String::new(),
        Err(violations) => {
            assert!(!violations.is_empty(), "a refusal has a reason");
            violations.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
        }
    }
}

#[test]
fn unknown_members_are_refused_where_the_schema_names_members() {
    for (schema, fits, fails) in [
        // Nothing said: closed.
        (
            r#"{"properties":{"a":{}}}"#,
            &[r#"{"a":1}"#, "{}", "[]"][..],
            &[r#"{"b":1}"#, r#"{"a":1,"b":1}"#][..],
        ),
        // Opened, or typed, by the schema.
        (r#"{"properties":{"a":{}},"additionalProperties":true}"#, &[r#"{"b":1}"#], &[]),
        (
            r#"{"properties":{"a":{}},"additionalProperties":{"type":"integer"}}"#,
            &[r#"{"b":1}"#],
            &[r#"{"b":""}"#],
        ),
        (r#"{"properties":{"a":{}},"unevaluatedProperties":true}"#, &[r#"{"b":1}"#], &[]),
        (r#"{"properties":{"a":{}},"patternProperties":{"^x-":{}}}"#, &[r#"{"x-b":1}"#], &[r#"{"b":1}"#]),
        // Free-form.
        (r#"{"type":"object"}"#, &[r#"{"b":1}"#], &[]),
        (r#"{"properties":{"a":{"type":"object"}}}"#, &[r#"{"a":{"x":{"y":1}}}"#], &[]),
        // Named by any schema that applies: beside each other, nested alike, by reference.
        (
            r#"{"allOf":[{"properties":{"a":{"properties":{"x":{}}}}},{"properties":{"a":{"properties":{"y":{}}}}}]}"#,
            &[r#"{"a":{"x":1,"y":1}}"#],
            &[r#"{"a":{"x":1,"z":1}}"#, r#"{"b":1}"#],
        ),
        (
            r##"{"$ref":"#/$defs/base","properties":{"b":{}},"$defs":{"base":{"properties":{"a":{}}}}}"##,
            &[r#"{"a":1,"b":1}"#],
            &[r#"{"c":1}"#],
        ),
        // Of alternatives, by those that fit; of what is excluded or asked about, by none.
        (
            r#"{"anyOf":[{"properties":{"a":{"const":1}},"required":["a"]},{"properties":{"b":{}},"required":["b"]}]}"#,
            &[r#"{"a":1}"#, r#"{"b":2}"#, r#"{"a":1,"b":2}"#],
            &[r#"{"a":2,"b":2}"#],
        ),
        (
            r#"{"not":{"properties":{"a":{"type":"string"}},"required":["a"]}}"#,
            &[r#"{"b":1}"#],
            &[r#"{"a":""}"#],
        ),
        (
            r#"{"properties":{"k":{}},"if":{"properties":{"k":{"const":1}}},"then":{"properties":{"one":{}}},"else":{"properties":{"other":{}}}}"#,
            &[r#"{"k":1,"one":1}"#, r#"{"k":2,"other":1}"#],
            &[r#"{"k":1,"other":1}"#, r#"{"k":2,"one":1}"#],
        ),
        (
            r#"{"properties":{"a":{}},"dependentSchemas":{"a":{"properties":{"b":{}}}}}"#,
            &[r#"{"a":1,"b":1}"#],
            &[r#"{"b":1}"#],
        ),
        (r#"{"items":{"properties":{"a":{}}}}"#, &[r#"[{"a":1},3]"#], &[r#"[{"a":1},{"b":1}]"#]),
        (
            r#"{"contains":{"properties":{"a":{}},"required":["a"]}}"#,
            &[r#"[{"a":1},{"b":1}]"#],
            &[r#"[{"a":1,"b":1}]"#],
        ),
    ] {
        let program = program(schema, &request());
        for document in fits {
            assert_eq!(violations(&program, document), "", "{schema} {document}");
        }
        for document in fails {
            assert_ne!(violations(&program, document), "", "{schema} {document}");
        }
    }
}

#[test]
fn members_are_stripped_where_that_is_asked_for() {
    let schema = r#"{"properties":{"id":{"type":"integer"},"secret":{"writeOnly":true},"items":{"items":{"properties":{"n":{}}}},"free":{"type":"object"}},"required":["id","secret"]}"#;
    let strip = Options {
        unknown: Handling::Strip,
        other_direction: Handling::Strip,
        ..Options::contract(Draft::Draft202012, Direction::Response)
    };
    let program = program(schema, &strip);
    let text = r#"{ "id": 1.0, "hash": "x", "secret": "s", "items": [{"n": 1, "m": [2]}, {}], "free": {"k": "\u00e9"} }"#;
    let document = Document::parse(text.as_bytes(), &Bounds::default()).unwrap();
    let validated = program.validate(&document).unwrap();
    assert!(validated.is_changed());
    let expected = r#"{"id":1.0,"items":[{"n":1},{}],"free":{"k":"é"}}"#;
    assert_eq!(validated.write(&[]), expected);
    assert_eq!(validated.to_value().to_string(), expected);
    assert_eq!(program.validate_value(&value(text)).unwrap().to_string(), expected);
    let masks = ["/id", "/items/*/n", "/items/1", "/free/none"].map(|mask| Pointer::parse(mask).unwrap());
    assert_eq!(validated.write(&masks), r#"{"items":[{},null],"free":{"k":"é"}}"#);
    // Nothing to strip: the very bytes.
    let text = r#"{ "id" : 1e0 }"#;
    let document = Document::parse(text.as_bytes(), &Bounds::default()).unwrap();
    let validated = program.validate(&document).unwrap();
    assert!(!validated.is_changed());
    assert_eq!(validated.write(&[]), text);
    assert_eq!(validated.write(&[Pointer::root()]), r#"{"id":1e0}"#);
}

#[test]
fn members_of_the_other_direction_are_refused_and_not_required() {
    let schema = r##"{"properties":{"id":{"$ref":"#/$defs/id"},"name":{},"password":{"writeOnly":true}},
        "required":["id","name","password"],"$defs":{"id":{"type":"integer","readOnly":true}}}"##;
    let to = program(schema, &request());
    assert_eq!(violations(&to, r#"{"name":1,"password":1}"#), "");
    assert_eq!(
        violations(&to, r#"{"id":1,"name":1,"password":1}"#),
        "/id: is read-only and must not be sent"
    );
    assert_eq!(violations(&to, r#"{"name":1}"#), ": must have the member `password`");
    let from = program(schema, &Options::contract(Draft::Draft202012, Direction::Response));
    assert_eq!(violations(&from, r#"{"id":1,"name":1}"#), "");
    assert_eq!(
        violations(&from, r#"{"id":1,"name":1,"password":1}"#),
        "/password: is write-only and must not be answered"
    );
}

#[test]
fn violations_speak_the_schemas_words_and_never_the_documents() {
    let schema = r##"{"type":"object","required":["name","tags"],"properties":{
        "name":{"type":"string","minLength":2,"maxLength":5,"pattern":"^[a-z]+$"},
        "age":{"type":"integer","minimum":0,"exclusiveMaximum":150,"multipleOf":1},
        "tags":{"type":"array","items":{"enum":["a","b"]},"maxItems":3,"uniqueItems":true},
        "a/b~c":{"type":["string","null"]},
        "mail":{"format":"email"},
        "map":{"type":"object","additionalProperties":{"type":"boolean"}},
        "pet":{"oneOf":[{"$ref":"#/$defs/Cat"},{"$ref":"#/$defs/Dog"}],"discriminator":{"propertyName":"kind"}}},
        "$defs":{"Cat":{"type":"object","properties":{"kind":{"const":"Cat"},"lives":{"type":"integer"}},"required":["kind","lives"]},
        "Dog":{"type":"object","properties":{"kind":{"const":"Dog"},"bark":{"type":"string"}},"required":["kind","bark"]}}}"##;
    let program = program(schema, &request());
    let secret = "SECRET7";
    for (document, expected) in [
        ("1", ": must be of type `object`"),
        ("{}", ": must have the member `name`\n: must have the member `tags`"),
        (
            r#"{"name":"SECRET7","tags":[]}"#,
            "/name: must have at most 5 characters\n/name: must match `^[a-z]+$`",
        ),
        (r#"{"name":"é","tags":[]}"#, "/name: must have at least 2 characters\n/name: must match `^[a-z]+$`"),
        (
            r#"{"name":"ab","tags":["a","SECRET7","a"]}"#,
            "/tags/1: must be one of the listed values\n/tags: must not have two equal items",
        ),
        (r#"{"name":"ab","tags":[],"age":-1}"#, "/age: must be at least 0"),
        (r#"{"name":"ab","tags":[],"age":150}"#, "/age: must be less than 150"),
        (r#"{"name":"ab","tags":[],"age":1.5}"#, "/age: must be of type `integer`"),
        (r#"{"name":"ab","tags":[],"a/b~c":1}"#, "/a~1b~0c: must be of type `string` or `null`"),
        (r#"{"name":"ab","tags":[],"mail":"SECRET7"}"#, "/mail: must have the format `email`"),
        (
            r#"{"name":"ab","tags":[],"SECRET7":{"SECRET7":1}}"#,
            ": must not have members that the contract does not name",
        ),
        (r#"{"name":"ab","tags":[],"map":{"SECRET7":1}}"#, "/map/*: must be of type `boolean`"),
        (
            r#"{"name":"ab","tags":[],"pet":{"kind":"Cat","lives":"SECRET7"}}"#,
            "/pet/lives: must be of type `integer`",
        ),
        (
            r#"{"name":"ab","tags":[],"pet":{"kind":"SECRET7"}}"#,
            "/pet: must fit exactly one of the alternatives, and fits none",
        ),
    ] {
        let said = violations(&program, document);
        assert_eq!(said, expected, "{document}");
        assert!(!said.contains(secret));
    }
    let many = format!("[{}]", vec!["1"; 1000].join(","));
    let program = self::program(r#"{"items":{"type":"string"}}"#, &request());
    assert_eq!(violations(&program, &many).lines().count(), 20, "the list is bounded");
}

/// What `$ref`s, patterns and keywords may not be, and where.
#[test]
fn schemas_that_cannot_be_enforced_are_refused() {
    for (schema, place, reason) in [
        (r##"{"$ref":"#"}"##, "a.json#", "leads back to itself"),
        (
            r##"{"allOf":[{"$ref":"#/$defs/a"}],"$defs":{"a":{"anyOf":[{"$ref":"#/$defs/b"}]},"b":{"not":{"$ref":"#/$defs/a"}}}}"##,
            "a.json#/$defs/",
            "leads back to itself",
        ),
        (r##"{"$ref":"#/$defs/none"}"##, "a.json#", "leads to nothing"),
        (r#"{"$ref":"https://evil.example/schema.json"}"#, "a.json#", "nothing is fetched"),
        (r#"{"$ref":"file:///etc/passwd"}"#, "a.json#", "nothing is fetched"),
        (r#"{"properties":{"a":{"pattern":"(a)\\1"}}}"#, "a.json#/properties/a/pattern", "backreference"),
        (r#"{"patternProperties":{"(?<!a)b":{}}}"#, "a.json#/patternProperties/(?<!a)b", "lookbehind"),
        (r#"{"type":"strnig"}"#, "a.json#/type", "must be a type"),
        (r#"{"minLength":-1}"#, "a.json#/minLength", "integer from 0"),
        (r#"{"minLength":1.5}"#, "a.json#/minLength", "integer from 0"),
        (r#"{"maxItems":"3"}"#, "a.json#/maxItems", "integer from 0"),
        (r#"{"multipleOf":0}"#, "a.json#/multipleOf", "above 0"),
        (r#"{"multipleOf":1.0000000000000000000001}"#, "a.json#/multipleOf", "19 digits"),
        (r#"{"required":true}"#, "a.json#/required", "list of names"),
        (r#"{"items":[{}]}"#, "a.json#/items", "prefixItems"),
        (r#"{"allOf":[]}"#, "a.json#/allOf", "not empty"),
        (r#"{"properties":[]}"#, "a.json#/properties", "object of schemas"),
        (r#"{"additionalProperties":"no"}"#, "a.json#/additionalProperties", "must be an object"),
        (r#"{"$schema":"http://json-schema.org/draft-07/schema#"}"#, "a.json#", "is not known"),
        (r#"{"exclusiveMinimum":true,"minimum":1}"#, "a.json#/exclusiveMinimum", "must be a number"),
    ] {
        let errors = compiled(schema, &request()).unwrap_err();
        let found =
            errors.iter().any(|error| error.place.starts_with(place) && error.reason.contains(reason));
        assert!(found, "{schema}: {errors:?}");
    }
}

#[test]
fn what_is_not_enforced_is_listed() {
    let listed = |schema: &str, options: &Options| {
        let listed = program(schema, options).unenforced();
        listed.iter().map(|one| one.place.replace("a.json#", "")).collect::<Vec<_>>().join(" ")
    };
    let lists = Options { patterns: Patterns::List, ..request() };
    assert_eq!(listed(r#"{"maxLenght":1,"x-a":1,"title":"t","example":1}"#, &lists), "/maxLenght");
    assert_eq!(
        listed(r#"{"format":"colour","contentEncoding":"base64"}"#, &lists),
        "/contentEncoding /format"
    );
    assert_eq!(listed(r#"{"items":{"pattern":"a(?!b)"}}"#, &lists), "/items/pattern");
    let old = Options::contract(Draft::OpenApi30, Direction::Request);
    assert_eq!(
        listed(
            r#"{"const":1,"if":{},"nullable":true,"properties":{"a":{"type":"string","nullable":true}}}"#,
            &old
        ),
        "/const /if /nullable"
    );
    assert_eq!(
        listed(
            r##"{"properties":{"a":{"$ref":"#/definitions/b","maxLength":1}},"definitions":{"b":{"type":"string"}}}"##,
            &old
        ),
        "/properties/a/maxLength"
    );
}

#[test]
fn openapi_3_0_reads_schemas_its_own_way() {
    let old = Options::contract(Draft::OpenApi30, Direction::Request);
    for (schema, fits, fails) in [
        (r#"{"type":"string","nullable":true}"#, &["null", "\"a\""][..], &["1"][..]),
        (r#"{"type":"string","nullable":true,"enum":["a"]}"#, &["\"a\""], &["null"]),
        (r#"{"minimum":1,"exclusiveMinimum":true}"#, &["2"], &["1"]),
        (r#"{"format":"decimal"}"#, &["\"-1.50\"", "1e9", "\"7\""], &["\"1e9\"", "\".5\"", "\"\""]),
        (r#"{"format":"url"}"#, &["\"https://a.example/b\""], &["\"a.example\""]),
        (r#"{"type":"integer","format":"int32"}"#, &["2147483647", "1.0"], &["2147483648", "1.5"]),
        (r#"{"type":"string","format":"byte"}"#, &["\"aGk=\""], &["\"aGk\"", "\"aGl=\"", "\"a b=\""]),
        (r#"{"type":"object","properties":{"a":{"type":"string"}}}"#, &[r#"{"a":""}"#], &[r#"{"b":""}"#]),
    ] {
        let program = program(schema, &old);
        fits.iter()
            .for_each(|document| assert_eq!(violations(&program, document), "", "{schema} {document}"));
        fails
            .iter()
            .for_each(|document| assert_ne!(violations(&program, document), "", "{schema} {document}"));
    }
    assert!(compiled(r#"{"type":["string","null"]}"#, &old).is_err());
    assert!(compiled(r#"{"type":"null"}"#, &old).is_err());
    assert!(compiled(r#"{"exclusiveMinimum":1}"#, &old).is_err());
}

/// A contract's document holds schemas and is none.
#[test]
fn schemas_inside_other_documents_share_what_they_refer_to() {
    let document = value(
        r##"{"openapi":"3.1.0","paths":{"/a":{"schema":{"$ref":"#/components/schemas/A"}}},
        "components":{"schemas":{"A":{"properties":{"next":{"$ref":"#/components/schemas/A"},"b":{"$ref":"parts.yaml#/B"}}},
        "Broken":{"pattern":"("},"Bad":{"$ref":"#/components/schemas/Broken"}}}}"##,
    );
    let mut registry = Registry::new();
    registry.add("openapi.yaml", Arc::new(document), Root::Container);
    registry.add("parts.yaml", Arc::new(value(r#"{"B":{"type":"integer"}}"#)), Root::Container);
    let mut compiler = Compiler::new(&registry, request());
    assert_eq!(compiler.add("openapi.yaml#/paths/~1a/schema").unwrap(), 0);
    for place in ["Broken", "Bad", "Bad"] {
        let errors = compiler.add(&format!("openapi.yaml#/components/schemas/{place}")).unwrap_err();
        assert_eq!(errors[0].place, "openapi.yaml#/components/schemas/Broken/pattern");
    }
    assert_eq!(compiler.add("parts.yaml#/B").unwrap(), 1);
    let programs = compiler.finish();
    assert_eq!(violations(&programs[0], r#"{"next":{"next":{"b":1}}}"#), "");
    assert_eq!(
        violations(&programs[0], r#"{"next":{"next":{"b":"x"}}}"#),
        "/next/next/b: must be of type `integer`"
    );
    assert_eq!(violations(&programs[1], "1"), "");
}

/// Work is bounded: what multiplies, and what goes round by dynamic references, is refused.
#[test]
fn work_is_bounded() {
    let doubling = program(
        r##"{"anyOf":[{"properties":{"n":{"$ref":"#"},"x":false}},{"properties":{"n":{"$ref":"#"},"y":false}}]}"##,
        &Options { steps: 10_000, ..request() },
    );
    let deep =
        |depth: usize| format!("{}{}{}", "{\"n\":".repeat(depth), r#"{"x":1,"y":1}"#, "}".repeat(depth));
    assert_ne!(violations(&doubling, &deep(3)), "");
    assert!(violations(&doubling, &deep(40)).ends_with("is too complex for its schema"));
    let circle = r##"{"$dynamicAnchor":"a","anyOf":[{"type":"string"},{"$dynamicRef":"#a"}]}"##;
    assert!(compiled(circle, &request()).is_err(), "a circle in one place is seen at load");
    let unique = program(r#"{"uniqueItems":true}"#, &request());
    let items: Vec<String> = (0..5000).map(|number| format!("{{\"a\":{number},\"b\":[{number}]}}")).collect();
    assert_eq!(violations(&unique, &format!("[{}]", items.join(","))), "");
    assert_ne!(violations(&unique, &format!("[{},{}]", items.join(","), r#"{"b":[7.0],"a":7}"#)), "");
}

#[test]
fn large_documents_are_bounded_by_their_schema() {
    let extent = |schema: &str| program(schema, &request()).extent();
    let small = extent(
        r#"{"properties":{"a":{"type":"string","maxLength":10},"b":{"type":"array","maxItems":3,"items":{"type":"integer"}}}}"#,
    );
    assert_eq!(small.depth, None, "a number and a string have the schema, too, and so has any array");
    let small = extent(
        r#"{"type":"object","properties":{"a":{"type":"string","maxLength":10},"b":{"type":"array","maxItems":3,"items":{"type":"integer"}}}}"#,
    );
    assert_eq!(small.depth, Some(2));
    assert!(small.bytes.is_some_and(|bytes| (200..1000).contains(&bytes)), "{small:?}");
    assert_eq!(extent(r#"{"type":"object","properties":{"a":{"type":"string"}}}"#).bytes, None);
    assert_eq!(extent(r#"{"type":"object"}"#), Extent::default());
    assert_eq!(extent(r##"{"type":"object","properties":{"a":{"$ref":"#"}}}"##), Extent::default());
    assert_eq!(extent(r#"{"enum":["a",[[1]]]}"#).depth, Some(2));
    // Schemas beside each other name members together: none of them says how large the object is.
    let parts = r#"{"allOf":[{"type":"object","properties":{"a":{"type":"integer"}}},{"type":"object","properties":{"b":{"type":"string"}}}]}"#;
    assert_eq!(extent(parts).bytes, None);
    let open = r#"{"type":"object","properties":{"a":{"type":"integer"}},"unevaluatedProperties":true}"#;
    assert_eq!(extent(open).bytes, None);
    let closed = r#"{"type":"object","properties":{"a":{"type":"integer"}},"additionalProperties":false}"#;
    assert!(extent(closed).bytes.is_some());
}

fn schemas() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just(r#"{"type":"string","maxLength":3}"#.to_owned()),
        Just(r#"{"type":"integer","minimum":2}"#.to_owned()),
        Just(r#"{"enum":[1,"a",null]}"#.to_owned()),
        Just("true".to_owned()),
        Just("false".to_owned()),
        Just(r##"{"$ref":"#/$defs/x"}"##.to_owned()),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        let two = (inner.clone(), inner.clone());
        prop_oneof![
            two.clone().prop_map(|(a, b)| format!(r#"{{"properties":{{"a":{a},"b":{b}}}}}"#)),
            two.clone().prop_map(|(a, b)| format!(r#"{{"anyOf":[{a},{b}],"unevaluatedProperties":false}}"#)),
            two.clone().prop_map(|(a, b)| format!(r#"{{"oneOf":[{a},{b}]}}"#)),
            two.clone().prop_map(|(a, b)| format!(r#"{{"allOf":[{a},{b}]}}"#)),
            two.clone().prop_map(|(a, b)| format!(r#"{{"if":{a},"then":{b}}}"#)),
            two.prop_map(|(a, b)| format!(r#"{{"prefixItems":[{a}],"items":{b},"uniqueItems":true}}"#)),
            inner.prop_map(|a| format!(r#"{{"not":{a}}}"#)),
        ]
    })
}

fn documents() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("1".to_owned()),
        Just("2.0".to_owned()),
        Just("\"a\"".to_owned()),
        Just("\"long\"".to_owned()),
        Just("null".to_owned()),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!(r#"{{"a":{a},"b":{b}}}"#)),
            inner.clone().prop_map(|a| format!(r#"{{"c":{a}}}"#)),
            prop::collection::vec(inner, 0..3).prop_map(|items| format!("[{}]", items.join(","))),
        ]
    })
}

proptest! {
    /// Strict is a part of plain; a tree and its text are judged alike; stripping leaves a document that fits.
    #[test]
    fn judgements_agree(schema in schemas(), document in documents()) {
        let schema = format!(r#"{{"allOf":[{schema}],"$defs":{{"x":{{"properties":{{"a":{{"type":"string"}}}}}}}}}}"#);
        let at = |options: &Options| program(&schema, options);
        let text = Document::parse(document.as_bytes(), &Bounds::default()).unwrap();
        let plain = at(&Options::plain(Draft::Draft202012)).validate(&text).is_ok();
        let strict = at(&request()).validate(&text).is_ok();
        let strip = at(&Options { unknown: Handling::Strip, ..request() });
        prop_assert!(plain || !strict);
        prop_assert_eq!(strip.validate(&text).is_ok(), plain, "stripping changes no verdict");
        prop_assert_eq!(at(&request()).validate_value(&value(&document)).is_ok(), strict);
        if let Ok(validated) = strip.validate(&text) {
            prop_assert_eq!(validated.is_changed(), plain && !strict);
        }
        if strict && let Some(bytes) = at(&request()).extent().bytes {
            prop_assert!(document.len() as u64 <= bytes);
        }
        let opposite = format!(r#"{{"not":{schema}}}"#).replace("#/$defs/x", "#/not/$defs/x");
        let opposite = program(&opposite, &Options::plain(Draft::Draft202012));
        prop_assert_eq!(opposite.validate(&text).is_ok(), !plain);
    }
}
