use super::*;

#[test]
fn shapes_are_learned_and_values_are_not() {
    let mut draft = Draft::default();
    for number in 0..6 {
        let body = format!(
            "{{\"name\":\"Kim Secret\",\"age\":{},\"born\":\"1990-01-0{}\",\"tags\":[\"a\"]}}",
            30 + number,
            number + 1
        );
        let answer = "{\"id\":4711,\"scores\":{\"kim@example.org\":1.5}}";
        draft.observe(&Observation {
            method: "POST",
            path: "/users/4711/notes",
            query: "page=2&token=VerySecret",
            request_type: Some("application/json"),
            request_body: Some(body.as_bytes()),
            status: 201,
            answer_type: Some("application/json; charset=utf-8"),
            answer_body: Some(answer.as_bytes()),
        });
    }
    let kept = serde_json::to_string(&draft).unwrap();
    let text = draft.document("Shop").to_string();
    for secret in ["Kim", "Secret", "4711", "1990", "kim@", "1.5"] {
        assert!(!text.contains(secret) && !kept.contains(secret), "{secret}: {text} {kept}");
    }
    let value = draft.document("Shop");
    let operation = value.get("paths").unwrap().get("/users/{users_id}/notes").unwrap().get("post").unwrap();
    let schema = operation
        .get("requestBody")
        .unwrap()
        .get("content")
        .unwrap()
        .get("application/json")
        .unwrap()
        .get("schema")
        .unwrap();
    let property = |name: &str| schema.get("properties").unwrap().get(name).unwrap().to_string();
    assert_eq!(property("age"), r#"{"type":"integer","minimum":0,"maximum":999}"#);
    assert_eq!(property("born"), r#"{"type":"string","format":"date","maxLength":32}"#);
    assert_eq!(schema.get("additionalProperties").unwrap().as_bool(), Some(false));
    assert!(
        text.contains(
            r#""scores":{"type":"object","maxProperties":1000,"additionalProperties":{"type":"number""#
        ),
        "{text}"
    );
}

#[test]
fn an_archive_becomes_a_draft() {
    let archive = br#"{"log":{"entries":[{"request":{"method":"GET","url":"https://shop.example/orders?page=1","headers":[]},
        "response":{"status":200,"content":{"mimeType":"application/json","text":"[{\"id\":1}]"}}},
        {"request":{"method":"GET","url":"https://cdn.example/x.js"},"response":{"status":200,"content":{}}}]}}"#;
    let draft = har(archive, &["shop.example".to_owned()]).unwrap();
    assert_eq!(draft.operations(), 1);
    assert!(har(b"{}", &[]).is_err());
}

fn seen<'a>(method: &'a str, path: &'a str, body: Option<&'a [u8]>) -> Observation<'a> {
    let json = Some("application/json");
    Observation { method, path, status: 200, answer_type: json, answer_body: body, ..Observation::default() }
}

/// Words made of letters: numbers would be taken for what they are.
fn word(number: usize) -> String {
    number.to_string().bytes().map(|digit| char::from(digit - b'0' + b'a')).collect()
}

#[test]
fn names_in_a_path_become_a_parameter_and_words_stay() {
    let mut draft = Draft::default();
    for number in 0..40 {
        let (person, thing) = (format!("/users/{}/posts", word(number)), format!("/api/{}", word(number)));
        draft.observe(&seen("GET", &person, Some(br#"{"title":"a","text":"b"}"#)));
        let answer = format!("[{{\"{}\":1}}]", word(number));
        draft.observe(&seen("GET", &thing, Some(answer.as_bytes())));
    }
    let paths: Vec<&str> = draft.paths.keys().map(String::as_str).collect();
    assert!(paths.contains(&"/users/{id}/posts") && !paths.contains(&"/users/bc/posts"), "{paths:?}");
    assert_eq!(paths.iter().filter(|path| path.starts_with("/users")).count(), 1, "{paths:?}");
    assert_eq!(paths.iter().filter(|path| path.starts_with("/api/")).count(), 40, "{paths:?}");
    let users = draft.document("x").to_string();
    assert!(
        users.contains(r#""in":"path","required":true,"schema":{"type":"string","maxLength":32}"#),
        "{users}"
    );
    assert_eq!(draft.paths["/users/{id}/posts"]["get"].seen, 40);
}

#[test]
fn whatever_comes_a_draft_stays_small() {
    let mut draft = Draft::default();
    for number in 0..2_000_usize {
        // Many paths, many names, deep documents, many media types.
        let nested = (0..14).fold(String::from("1"), |inner, level| {
            format!("{{\"{}\":{inner},\"{}\":2}}", word(number + level), word(number * 7 + level))
        });
        let path = format!("/{}/{}", word(number), word(number % 50));
        let media_type = format!("application/{}+json", word(number));
        draft.observe(&Observation {
            query: &format!("{}=1", word(number)),
            answer_type: Some(&media_type),
            ..seen("GET", &path, Some(nested.as_bytes()))
        });
        draft.observe(&seen("GET", "/one", Some(nested.as_bytes())));
    }
    assert!(draft.is_full());
    assert!(draft.paths.len() <= MOST_PATHS);
    let counted = draft.clone().counted();
    assert!(counted.places <= MOST_PLACES, "{}", counted.places);
    let mut twice = draft.clone();
    twice.merge(draft);
    assert!(twice.counted().places <= MOST_PLACES);
    let long = format!("application/{}", "x".repeat(9_000));
    let mut draft = Draft::default();
    draft.observe(&Observation { answer_type: Some(&long), ..seen("GET", "/", None) });
    draft.observe(&seen("GET", &"/a".repeat(400), None));
    assert!(draft.document("x").to_string().len() < 300);
}

#[test]
fn counts_survive_a_merge_and_what_is_rare_says_so() {
    let mut one = Draft::default();
    for _ in 0..60 {
        one.observe(&seen("GET", "/me", Some(br#"{"name":"kim"}"#)));
    }
    let mut two = Draft::default();
    two.observe(&seen("GET", "/me", Some(br#"{"name":"kim","role":"admin"}"#)));
    one.merge(two);
    let text = one.document("x").to_string();
    assert!(text.contains(r#""required":["name"]"#), "{text}");
    assert!(text.contains(r#""description":"seen 1 of 61 times""#), "{text}");
}

#[test]
fn a_draft_is_a_contract_that_takes_what_it_was_drafted_from() {
    let mut draft = Draft::default();
    let body = br#"{"name":"kim","tags":["a"],"price":-1.5,"more":{"at":"2026-01-01T00:00:00Z"}}"#;
    for _ in 0..6 {
        draft.observe(&Observation {
            query: "page=2",
            request_type: Some("application/json"),
            request_body: Some(body),
            ..seen("POST", "/things/7/parts", Some(body))
        });
    }
    let text = crate::yaml(&draft.document("x"));
    let files = BTreeMap::from([("draft.yaml".to_owned(), text)]);
    let loaded = crate::Contract::load(&files, "draft.yaml", &crate::Options::default()).unwrap();
    assert_eq!(loaded.not_enforced, []);
    let crate::Match::Operation(matched) = loaded.contract.operation("POST", "/things/8/parts") else {
        panic!()
    };
    let Ok(crate::BodyPlan::Whole(_, judge)) = matched.body(Some("application/json"), true) else { panic!() };
    judge.check(body).unwrap();
    assert!(judge.check(br#"{"name":"kim","role":"admin"}"#).is_err());
}

proptest::proptest! {
    /// Whatever passes a gate, the draft stays in its bounds, outlives a restart and is a contract that loads.
    #[test]
    fn anything_observed_gives_a_contract(
        seen in proptest::collection::vec(
            (0_usize..7, "(/[a-z0-9.%{}_-]{0,9}){1,5}", "[a-z0-9&=%;\\[\\]]{0,20}", 199_u16..505, "[ -~]{0,40}", "[\\[\\]{}\":,a-c0-9 ]{0,40}"),
            0..40,
        ),
    ) {
        let methods = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "planted"];
        let types = ["application/json", "application/x-www-form-urlencoded", "text/html"];
        let drafts = Drafts::default();
        for (number, (method, path, query, status, word, body)) in seen.iter().enumerate() {
            let media_type = types.get(number % 4).copied().unwrap_or(word);
            drafts.observe("one", &Observation {
                method: methods[*method],
                path,
                query,
                request_type: Some(media_type),
                request_body: Some(body.as_bytes()),
                status: *status,
                answer_type: Some(media_type),
                answer_body: Some(body.as_bytes()),
            });
        }
        let kept = serde_json::to_vec(&drafts.changed().unwrap_or_default()).unwrap();
        let again = Drafts::restore(serde_json::from_slice(&kept).unwrap());
        let draft = drafts.draft("one").unwrap_or_default();
        let text = draft.document("x").to_string();
        proptest::prop_assert_eq!(&text, &again.draft("one").unwrap_or_default().document("x").to_string());
        if draft.operations() > 0 {
            let files = BTreeMap::from([("draft.json".to_owned(), text.clone())]);
            let loaded = crate::Contract::load(&files, "draft.json", &crate::Options::default());
            proptest::prop_assert!(loaded.is_ok(), "{:?} {}", loaded.err(), text);
        }
    }
}
