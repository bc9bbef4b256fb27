use super::*;
use proptest::prelude::*;

fn post(settings: &Settings, body: &str) -> Result<(), Violation> {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
    verify(settings, &Sent { method: &Method::POST, query: "", headers: &headers, body: body.as_bytes() })
}

fn query(settings: &Settings, text: &str) -> Result<(), Violation> {
    post(settings, &serde_json::json!({ "query": text }).to_string())
}

fn get(text: &str) -> Result<(), Violation> {
    let headers = HeaderMap::new();
    verify(&Settings::default(), &Sent { method: &Method::GET, query: text, headers: &headers, body: b"" })
}

#[test]
fn what_applications_send_passes() {
    let settings = Settings::default();
    for text in [
        "{ me { name } }",
        "query Orders($first: Int = 5, $after: String) { orders(first: $first, after: $after) { edges { node { id } } } }",
        "mutation M($input: OrderInput!) @client { place(input: $input) { id __typename } }",
        "subscription { priceChanged(sku: \"A\\\"1\") { price } }",
        "\"what it is for\" query Q { a(list: [1, 2.5e3, -1, null, true, ENUM, {b: [$v]}]) }",
        "{ a(text: \"\"\"block \\\"\"\" \"quoted\" \"\"\") } # and a comment",
        "query A { ...F } fragment F on Thing @x { a ... on B { b } ... @include(if: true) { c } }",
        "\u{feff}{a,b,c}",
    ] {
        assert_eq!(query(&settings, text), Ok(()), "{text}");
    }
    assert_eq!(get("query=%7Bme%7Bname%7D%7D&variables=%7B%22first%22%3A1%7D&operationName="), Ok(()));
}

#[test]
fn every_abuse_meets_its_rule() {
    let settings = Settings::default();
    let deep = format!("{}{}", "{ a ".repeat(11), "}".repeat(11));
    let deepest = format!("{}{}", "{ a ".repeat(200), "}".repeat(200));
    let by_fragments = "{ ...A } fragment A on T { a { ...B } } fragment B on T { a { a { ...C } } } \
        fragment C on T { a { a { a { a { a { a { a { a { a } } } } } } } } }";
    let unfolding: String = (0..60)
        .map(|index| format!("fragment F{index} on T {{ a {{ ...F{} ...F{} }} }} ", index + 1, index + 1))
        .collect();
    let unfolding = format!("{{ ...F0 }} {unfolding} fragment F60 on T {{ a }}");
    let aliases: String = (0..31).map(|index| format!("a{index}: me {{ id }} ")).collect();
    let aliases_inside = format!("{{ me {{ {aliases} }} }}");
    let roots = format!("{{ {} }}", "me { id } ".repeat(21));
    let directives = format!("{{ a {} }}", "@x".repeat(31));
    let rows = [
        (deep.as_str(), Violation::Depth),
        (deepest.as_str(), Violation::Depth),
        (by_fragments, Violation::Depth),
        (unfolding.as_str(), Violation::Depth),
        ("{ ...A } fragment A on T { ...B } fragment B on T { ...A }", Violation::Cycle),
        ("{ a } fragment A on T { a { ...A } }", Violation::Cycle),
        ("{ ...A }", Violation::FragmentUnknown),
        ("{ a } fragment A on T { a } fragment A on T { b }", Violation::FragmentRepeated),
        (aliases_inside.as_str(), Violation::Aliases),
        (roots.as_str(), Violation::RootFields),
        (directives.as_str(), Violation::Directives),
        ("{ a(first: 100) { b(first: 100) { c } } }", Violation::Cost),
        ("{ a(first: 99999999999999999999) { b } }", Violation::Cost),
        ("query($n: Int = 100) { a(first: $n) { b(last: $n) { c } } }", Violation::Cost),
        ("{ __schema { types { name } } }", Violation::Introspection),
        ("{ x: __type(name: \"T\") { name } }", Violation::Introspection),
        ("{ ...A } fragment A on Query { __schema { types { name } } }", Violation::Introspection),
        ("query A { a } query B { __schema { types { name } } }", Violation::Introspection),
        ("type A { a: Int } { a }", Violation::NotExecutable),
        ("", Violation::Syntax),
        ("{ a ", Violation::Syntax),
        ("{ }", Violation::Syntax),
        ("{ a(b: \"\n\") }", Violation::Syntax),
        ("{ a(b: 01) }", Violation::Syntax),
        ("fragment A on T { a }", Violation::Syntax),
        ("{ a } \u{0}", Violation::Syntax),
    ];
    for (text, expected) in rows {
        assert_eq!(query(&settings, text), Err(expected), "{text}");
    }
    let wide = format!("{{ {} }}", "a ".repeat(2_000));
    assert_eq!(query(&settings, &wide), Err(Violation::Tokens));
    let variables =
        r#"{"query":"query($n: Int) { a(first: $n) { b(first: $n) { c } } }","variables":{"n":1e2}}"#;
    assert_eq!(post(&settings, variables), Err(Violation::Cost));
}

#[test]
fn an_envelope_has_one_reading() {
    let settings = Settings::default();
    let rows = [
        (r#"{"query":"{a}","query":"{b}"}"#, Violation::Envelope),
        (r#"{"Query":"{a}"}"#, Violation::Envelope),
        (r#"{"query":"{a}","variables":{"n":1,"n":1000}}"#, Violation::Envelope),
        (r#"{"query":"{a}","other":1}"#, Violation::Envelope),
        (r#"{"query":"{a}"} {"#, Violation::Envelope),
        (r#"{"query":["{a}"]}"#, Violation::Envelope),
        ("[]", Violation::Envelope),
        (r#"[{"query":"{a}"},{"query":"{a}"}]"#, Violation::Batch),
        (r#"{"operationName":"A"}"#, Violation::Missing),
        (r#"{"extensions":{"persistedQuery":{"version":1,"sha256Hash":"x"}}}"#, Violation::Persisted),
        (r#"{"id":"x"}"#, Violation::Persisted),
        (r#"{"query":"{a}","documentId":"x"}"#, Violation::Persisted),
    ];
    for (body, expected) in rows {
        assert_eq!(post(&settings, body), Err(expected), "{body}");
    }
    let allow = Settings { persisted: Persisted::Allow, batch: 2, ..settings.clone() };
    assert_eq!(post(&allow, r#"{"id":"x"}"#), Ok(()));
    let many =
        format!(r#"[{{"query":"{{ {} }}"}},{{"query":"{{ {} }}"}}]"#, "a ".repeat(15), "a ".repeat(15));
    assert_eq!(post(&allow, &many), Err(Violation::RootFields), "a batch counts as one");
    let only = Settings { persisted: Persisted::Only, ..settings };
    assert_eq!(post(&only, r#"{"query":"{a}"}"#), Err(Violation::OnlyPersisted));
}

#[test]
fn addresses_and_types_leave_no_second_way_in() {
    assert_eq!(get("query=mutation%7Ba%7D"), Err(Violation::MutationByGet));
    assert_eq!(get("query=%7Ba%7D&query=%7Bb%7D"), Err(Violation::Envelope));
    assert_eq!(get("Query=%7Ba%7D"), Err(Violation::Envelope));
    assert_eq!(get(""), Err(Violation::Missing));
    assert_eq!(get("id=1"), Err(Violation::Persisted));
    let settings = Settings::default();
    for parameters in ["query=%7Bb%7D", "qu%65ry=x", "Variables=%7B%7D", "%zz=1"] {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let sent =
            Sent { method: &Method::POST, query: parameters, headers: &headers, body: br#"{"query":"{a}"}"# };
        assert_eq!(verify(&settings, &sent), Err(Violation::Parameters), "{parameters}");
    }
    for kind in [
        "text/plain",
        "application/graphql",
        "multipart/form-data; boundary=x",
        "application/json; charset=utf-16",
    ] {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        let sent = Sent { method: &Method::POST, query: "", headers: &headers, body: br#"{"query":"{a}"}"# };
        assert_eq!(verify(&settings, &sent), Err(Violation::MediaType), "{kind}");
    }
}

#[test]
fn introspection_that_is_on_may_be_deep() {
    let settings = Settings { introspection: true, ..Settings::default() };
    let deep = format!("{{ __schema {{ types {{ {}name{} }} }} }}", "ofType { ".repeat(12), " }".repeat(12));
    assert_eq!(query(&settings, &deep), Ok(()));
    let deep = format!("{{ {}a{} }}", "b { ".repeat(12), " }".repeat(12));
    assert_eq!(query(&settings, &deep), Err(Violation::Depth));
}

#[test]
fn suggestions_are_cut_from_errors_and_from_nothing_else() {
    let error =
        br#"{"errors":[{"message":"Cannot query field \"nam\". Did you mean \"name\" or \"tel\"?","locations":[{}]}]}"#;
    let cut = without_suggestions(error).unwrap();
    assert_eq!(
        std::str::from_utf8(&cut).unwrap(),
        r#"{"errors":[{"message":"Cannot query field \"nam\".","locations":[{}]}]}"#
    );
    assert_eq!(without_suggestions(br#"{"data":{"a":"x. Did you mean y?"}}"#), None);
    assert_eq!(without_suggestions(br#"{"errors":[],"data":{"a":"x. Did you mean y?"}}"#), None);
    assert_eq!(without_suggestions(b"x Did you mean y"), None);
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "[{}()\\[\\]:!$@=|&. a-c0-9\"#\\\\,\n-]{0,80}") {
        let _ = query(&Settings::default(), &text);
        let _ = get(&text);
        let _ = post(&Settings::default(), &text);
        let _ = without_suggestions(text.as_bytes());
    }

    #[test]
    fn the_depth_is_that_of_the_fields(depth in 1_usize..30, limit in 1_usize..30, inline in 0_usize..3) {
        let settings = Settings { depth: limit, ..Settings::default() };
        let wrap = "... on T { ".repeat(inline);
        let text = format!("{{ {wrap}{}a{}{} }}", "a { ".repeat(depth - 1), " }".repeat(depth - 1), " }".repeat(inline));
        prop_assert_eq!(query(&settings, &text).is_ok(), depth <= limit);
    }

    #[test]
    fn cost_is_that_of_the_unfolded_query(lists in proptest::collection::vec(1_u64..20, 1..5)) {
        let open: String = lists.iter().map(|first| format!("a(first: {first}) {{ ")).collect();
        let text = format!("{{ {open}b{} }}", " }".repeat(lists.len()));
        let cost = lists.iter().rev().fold(1_u64, |below, first| below * first + 1);
        let exact = Settings { cost, ..Settings::default() };
        prop_assert_eq!(query(&exact, &text), Ok(()));
        let less = Settings { cost: cost - 1, ..Settings::default() };
        prop_assert_eq!(query(&less, &text), Err(Violation::Cost));
    }
}
