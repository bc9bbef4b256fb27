//! What is read, what is refused, and that reading, writing and comparing agree.

use proptest::prelude::*;

use super::*;

fn read(text: &str) -> Result<Value, Rule> {
    parse(text.as_bytes(), &Bounds::default()).map_err(|error| error.rule)
}

fn number(text: &str) -> Number {
    Number::parse(text).unwrap()
}

/// Hostile input, and the rule that it breaks at which byte.
#[test]
fn what_means_two_things_is_refused() {
    let table: &[(&[u8], usize, Rule)] = &[
        (b"", 0, Rule::Unfinished),
        (b"\xEF\xBB\xBF{}", 0, Rule::ByteOrderMark),
        (b"\"\xFF\"", 1, Rule::Utf8),
        (b"\"\xC0\xAF\"", 1, Rule::Utf8),
        (b"\"\xED\xA0\x80\"", 1, Rule::Utf8),
        (b"{\"a\":1,\"a\":2}", 7, Rule::DuplicateName),
        (b"{\"a\":1,\"\\u0061\":2}", 7, Rule::DuplicateName),
        (b"{\"a\":{\"b\":1,\"c\":2,\"b\":3}}", 18, Rule::DuplicateName),
        (b"\"\\ud800\"", 1, Rule::Surrogate),
        (b"\"\\udc00\"", 1, Rule::Surrogate),
        (b"\"\\ud800\\u0041\"", 1, Rule::Surrogate),
        (b"\"\\ud800\\ud800\"", 1, Rule::Surrogate),
        (b"\"\\u12zz\"", 1, Rule::Escape),
        (b"\"\\u+123\"", 1, Rule::Escape),
        (b"\"\\x41\"", 1, Rule::Escape),
        (b"\"\\", 2, Rule::Unfinished),
        (b"\"a\0b\"", 2, Rule::ControlCharacter),
        (b"\"a\nb\"", 2, Rule::ControlCharacter),
        (b"\"12345678\x1f\"", 9, Rule::ControlCharacter),
        (b"\"open", 5, Rule::Unfinished),
        (b"\0", 0, Rule::Literal),
        (b"{} \0", 3, Rule::Trailing),
        (b"1 2", 2, Rule::Trailing),
        (b"[1,]", 3, Rule::Literal),
        (b"[,1]", 1, Rule::Literal),
        (b"{\"a\":1,}", 7, Rule::Name),
        (b"{a:1}", 1, Rule::Name),
        (b"{'a':1}", 1, Rule::Name),
        (b"{\"a\" 1}", 5, Rule::Unexpected),
        (b"[1}", 2, Rule::Unexpected),
        (b"{\"a\":1]", 6, Rule::Unexpected),
        (b"[1 2]", 3, Rule::Unexpected),
        (b"[", 1, Rule::Unfinished),
        (b"{\"a\"", 4, Rule::Unfinished),
        (b"tru", 0, Rule::Unfinished),
        (b"truE", 0, Rule::Literal),
        (b"NaN", 0, Rule::Literal),
        (b"Infinity", 0, Rule::Literal),
        (b"// c\n1", 0, Rule::Literal),
        (b"+1", 0, Rule::Literal),
        (b".5", 0, Rule::Literal),
        (b"01", 0, Rule::Number),
        (b"-01", 1, Rule::Number),
        (b"1.", 2, Rule::Unfinished),
        (b"[1.]", 3, Rule::Number),
        (b"[1e]", 3, Rule::Number),
        (b"[-]", 2, Rule::Number),
        (b"0x1F", 1, Rule::Trailing),
        (b"1e401", 2, Rule::NumberLength),
        (b"1e-99999999999999999999", 3, Rule::NumberLength),
    ];
    for (bytes, offset, rule) in table {
        let error = parse(bytes, &Bounds::default()).unwrap_err();
        assert_eq!((error.offset, error.rule), (*offset, *rule), "{}", String::from_utf8_lossy(bytes));
    }
}

#[test]
fn every_bound_holds_exactly() {
    let bounds = Bounds { size: 40, depth: 3, members: 2, items: 3, string: 4, number: 5 };
    for (fits, fails, rule) in [
        ("[[[]]]", "[[[[]]]]", Rule::Depth),
        (r#"{"a":{"b":{}}}"#, r#"{"a":{"b":[{}]}}"#, Rule::Depth),
        (r#"{"a":1,"b":2}"#, r#"{"a":1,"b":2,"c":3}"#, Rule::Members),
        ("[1,2,3]", "[1,2,3,4]", Rule::Items),
        (r#""abcd""#, r#""abcde""#, Rule::StringLength),
        (r#""\u00e9\u00e9""#, r#""\u00e9\u00e9a""#, Rule::StringLength),
        (r#"{"abcd":1}"#, r#"{"abcde":1}"#, Rule::StringLength),
        ("12345", "123456", Rule::NumberLength),
        ("1e5", "1e6", Rule::NumberLength),
        ("                                       1", "                                        1", Rule::Size),
    ] {
        assert!(parse(fits.as_bytes(), &bounds).is_ok(), "{fits}");
        assert_eq!(parse(fails.as_bytes(), &bounds).unwrap_err().rule, rule, "{fails}");
    }
    let none = Bounds { members: 0, items: 0, ..bounds };
    assert!(parse(b"[{ }, []]", &Bounds { items: 2, ..none }).is_ok());
    assert_eq!(parse(b"[ 1]", &none).unwrap_err().rule, Rule::Items);
    assert_eq!(parse(br#"{"a":1}"#, &none).unwrap_err().rule, Rule::Members);
    // Whatever the bounds say, the stack is finite.
    let deep = "[".repeat(100_000);
    let unbounded = Bounds { depth: usize::MAX, ..Bounds::file() };
    assert_eq!(
        parse(deep.as_bytes(), &unbounded).unwrap_err(),
        ParseError { offset: DEEPEST, rule: Rule::Depth }
    );
}

#[test]
fn names_are_compared_in_large_objects_too() {
    let names: Vec<String> = (0..500).map(|number| format!("\"name{number}\":0")).collect();
    let text = |names: &[String]| format!("{{{}}}", names.join(","));
    assert!(read(&text(&names)).is_ok());
    for twin in [0, 23, 24, 25, 26, 499] {
        let mut twins = names.clone();
        twins.push(names[twin].clone());
        let text = text(&twins);
        let error = parse(text.as_bytes(), &Bounds::default()).unwrap_err();
        assert_eq!(error.rule, Rule::DuplicateName, "{twin}");
        assert!(error.offset > text.len() - 20, "the later one is named");
    }
}

#[test]
fn numbers_are_exact() {
    for (one, other) in [("1", "1.0"), ("1e2", "100"), ("-0", "0.0e5"), ("0.10", "1e-1"), ("12.50e1", "125")]
    {
        assert_eq!(number(one), number(other), "{one} {other}");
        assert!(number(one).decimal().is_integer() || one == "0.10");
    }
    let ascending = [
        "-1e3",
        "-12",
        "-1.5",
        "-0.1",
        "0",
        "1e-400",
        "0.1",
        "0.11",
        "1",
        "9007199254740992",
        "9007199254740993",
        "1e17",
    ];
    for pair in ascending.windows(2) {
        assert!(number(pair[0]).decimal() < number(pair[1]).decimal(), "{pair:?}");
    }
    for (multiple, divisor, expected) in [
        ("0.3", "0.1", true),
        ("1.1", "0.1", true),
        ("19.99", "0.01", true),
        ("0.35", "0.1", false),
        ("1e308", "0.123456789", false),
        ("1e308", "0.5", true),
        ("9007199254740993", "2", false),
        ("-4.02", "2.01", true),
        ("0", "7", true),
        ("7", "70", false),
        ("70", "7e1", true),
    ] {
        let fits = number(multiple).decimal().is_multiple_of(&number(divisor).decimal());
        assert_eq!(fits, Some(expected), "{multiple} {divisor}");
    }
    assert_eq!(number("1").decimal().is_multiple_of(&number("0").decimal()), None);
    assert_eq!(number("1.8446744073709551615e19").as_u64(), Some(u64::MAX));
    assert_eq!(number("-9223372036854775808").as_i64(), Some(i64::MIN));
    assert_eq!(number("9223372036854775808").as_i64(), None);
    assert_eq!(number("1.5").as_i64(), None);
}

#[test]
fn pointers_lead_where_the_rfc_says() {
    // RFC 6901 §5.
    let document =
        read(r#"{"foo":["bar","baz"],"":0,"a/b":1,"c%d":2,"e^f":3,"g|h":4,"i\\j":5,"k\"l":6," ":7,"m~n":8}"#)
            .unwrap();
    for (pointer, expected) in [
        ("/foo/0", "\"bar\""),
        ("/", "0"),
        ("/a~1b", "1"),
        ("/c%d", "2"),
        ("/i\\j", "5"),
        ("/k\"l", "6"),
        ("/ ", "7"),
        ("/m~0n", "8"),
    ] {
        let pointer = Pointer::parse(pointer).unwrap();
        assert_eq!(document.at(&pointer).unwrap().to_string(), expected, "{pointer}");
    }
    for missing in ["/foo/00", "/foo/2", "/foo/-", "/foo/+1", "/bar"] {
        assert_eq!(document.at(&Pointer::parse(missing).unwrap()), None, "{missing}");
    }
    for broken in ["foo", "/~", "/~2"] {
        assert_eq!(Pointer::parse(broken), None, "{broken}");
    }
}

#[test]
fn yaml_becomes_the_same_tree() {
    let text = "openapi: 3.0.3\nservers: [{url: https://a.example}]\npaths:\n  /pets:\n    get:\n      responses:\n        200: &ok\n          description: >-\n            all\n            pets\n        '201': *ok\n        default: *ok\nlimits: [1, -0x1, 0o17, 0x1F, 1_000, .5, +7, 007, 1., 1e3, ~, null, yes, True, '1', !!str 2, 2020-01-01]\n";
    let (value, lines) = yaml::parse(text, &Bounds::file()).unwrap();
    let expected = read(
        r#"{"openapi":"3.0.3","servers":[{"url":"https://a.example"}],"paths":{"/pets":{"get":{"responses":{
        "200":{"description":"all pets"},"201":{"description":"all pets"},"default":{"description":"all pets"}}}}},
        "limits":[1,"-0x1",15,31,"1_000",0.5,7,7,1,1e3,null,null,"yes",true,"1","2","2020-01-01"]}"#,
    )
    .unwrap();
    assert_eq!(value, expected);
    for (pointer, line) in [("", 1), ("/paths", 4), ("/paths/~1pets/get/responses/201", 7), ("/limits/3", 13)]
    {
        assert_eq!(lines.line(&value, &Pointer::parse(pointer).unwrap()), Some(line), "{pointer}");
    }
    let (json, lines) = parse_file(b"{\n \"a\": [1,\n  {\"b\": \"x\\n\"}]\n}", &Bounds::file()).unwrap();
    assert_eq!(lines.line(&json, &Pointer::parse("/a/1/b").unwrap()), Some(3));
    assert_eq!(lines.line(&json, &Pointer::parse("/a/0").unwrap()), Some(2));
}

#[test]
fn yaml_that_means_two_things_is_refused() {
    let laughs: String =
        (1..30).map(|level| format!("a{level}: &a{level} [*a{0}, *a{0}, *a{0}]\n", level - 1)).collect();
    for (text, rule) in [
        ("a: 1\na: 2\n", Rule::DuplicateName),
        ("<<: {a: 1}\n", Rule::Key),
        ("? [a]\n: 1\n", Rule::Key),
        ("a: *b\n", Rule::Yaml),
        ("a: &a [*a]\n", Rule::Alias),
        ("a: .nan\n", Rule::Number),
        ("a: -.inf\n", Rule::Number),
        ("a: !!binary aGk=\n", Rule::Tag),
        ("a: !ruby/object x\n", Rule::Tag),
        ("a: !!int x\n", Rule::Tag),
        ("a: 1\n---\nb: 2\n", Rule::Trailing),
        ("a: [1\n", Rule::Yaml),
        ("", Rule::Unfinished),
        (&format!("a0: &a0 [x, x, x]\n{laughs}"), Rule::Alias),
        (&"[".repeat(210), Rule::Depth),
    ] {
        let error = yaml::parse(text, &Bounds::file()).unwrap_err();
        assert_eq!(error.rule, rule, "{text:.60}: {error}");
    }
}

fn trees() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<u64>().prop_map(Into::into),
        // The other reader is exact about these.
        any::<i16>().prop_map(|number| (f64::from(number) / 8.0).into()),
        ".{0,20}".prop_map(serde_json::Value::String),
    ];
    leaf.prop_recursive(5, 60, 8, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..8).prop_map(Into::into),
            prop::collection::btree_map(".{0,6}", inner, 0..8)
                .prop_map(|members| serde_json::Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    /// Never panics; what is read is written and read again as the same; and another reader reads it, too.
    #[test]
    fn any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(value) = parse(&bytes, &Bounds::default()) {
            prop_assert_eq!(&parse(value.to_string().as_bytes(), &Bounds::default()).unwrap(), &value);
            prop_assert!(serde_json::from_slice::<serde_json::Value>(&bytes).is_ok());
        }
    }

    /// Texts that look like JSON: refused by both readers, or by this one alone for what it adds.
    #[test]
    fn json_like(text in r#"[\[\]{}",:0-9eE.+\-a\\u truefalsn \n]{0,40}"#) {
        let ours = read(&text);
        match serde_json::from_str::<serde_json::Value>(&text) {
            Ok(theirs) => match ours {
                Ok(value) => prop_assert_eq!(value, read(&theirs.to_string()).unwrap()),
                Err(rule) => prop_assert!(matches!(rule, Rule::DuplicateName | Rule::NumberLength), "{}", rule),
            },
            // Exponents beyond the other reader's range are numbers all the same.
            Err(error) => prop_assert!(ours.is_err() || error.to_string().contains("out of range"), "{}", error),
        }
    }

    /// Whatever another writer writes is read as the same, however it is laid out.
    #[test]
    fn written_by_another(tree in trees()) {
        let compact = read(&tree.to_string()).unwrap();
        let pretty = read(&serde_json::to_string_pretty(&tree).unwrap()).unwrap();
        prop_assert_eq!(&compact, &pretty);
        let back: serde_json::Value = serde_json::from_str(&compact.to_string()).unwrap();
        prop_assert_eq!(back, tree);
        let document = Document::of(&compact);
        prop_assert_eq!(document.root().to_value(), compact.clone());
        prop_assert!(document.root().equals(&compact));
    }

    /// Decimals compare as integers do where both can.
    #[test]
    fn decimals_are_in_order(one in any::<i32>(), other in any::<i32>(), shift in 0_usize..6) {
        let scaled = |number: i32| Number::parse(&format!("{number}{}e-{shift}", "0".repeat(shift))).unwrap();
        prop_assert_eq!(scaled(one).decimal().cmp(&scaled(other).decimal()), one.cmp(&other));
        prop_assert_eq!(scaled(one).as_i64(), Some(i64::from(one)));
        if other != 0 {
            let fits = scaled(one).decimal().is_multiple_of(&number(&other.to_string()).decimal());
            prop_assert_eq!(fits, Some(i64::from(one) % i64::from(other) == 0));
        }
    }

    #[test]
    fn yaml_never_panics(text in r"[\[\]{}:,&*!|>'\x22a-c0-9#?\- \n%@`~<]{0,80}") {
        if let Ok((value, lines)) = yaml::parse(&text, &Bounds::default()) {
            prop_assert!(lines.line(&value, &Pointer::root()).is_some());
            prop_assert_eq!(read(&value.to_string()).unwrap(), value);
        }
    }
}
