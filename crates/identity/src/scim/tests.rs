use serde_json::{Value, json};

use super::patch::{apply, operations};
use super::project::Selection;
use super::*;
use crate::personal::Personal;

pub(super) const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

fn map(value: Value) -> Map {
    match value {
        Value::Object(map) => map,
        other => panic!("{other} is no object"),
    }
}

pub(super) fn babs() -> Map {
    map(json!({
        "id": "2819c223",
        "userName": "bjensen@example.com",
        "externalId": "Bjensen",
        "name": {"familyName": "Jensen", "givenName": "Barbara"},
        "displayName": "Babs <script>",
        "active": true,
        "emails": [
            {"value": "bjensen@example.com", "type": "work", "primary": true},
            {"value": "babs@jensen.example", "type": "home"}
        ],
        "title": "Tour Guide",
        "groups": [{"value": "e9e30dba", "display": "Guides"}],
        "meta": {"resourceType": "User", "lastModified": "2011-05-13T04:42:34.000000Z"},
        ENTERPRISE: {"employeeNumber": "701984", "manager": {"value": "26118915"}}
    }))
}

fn fits(text: &str) -> bool {
    let filter: Filter = text.parse().unwrap_or_else(|error| panic!("{text}: {error}"));
    evaluate::check(&filter, &USER).unwrap_or_else(|error| panic!("{text}: {error}"));
    evaluate::fits(&filter, &USER, &babs())
}

/// The examples of RFC 7644, 3.4.2.2, and what is next to them.
#[test]
fn filters_mean_what_the_standard_says() {
    for (text, expected) in [
        (r#"userName eq "BJENSEN@example.com""#, true),
        (r#"USERNAME EQ "bjensen@example.com""#, true),
        (r#"externalId eq "bjensen""#, false),
        (r#"externalId eq "Bjensen""#, true),
        (r#"name.familyName co "ENS""#, true),
        (r#"userName sw "B""#, true),
        (r#"urn:ietf:params:scim:schemas:core:2.0:User:userName sw "b""#, true),
        (r#"userName ew ".COM""#, true),
        (r#"title pr"#, true),
        ("nickName pr", false),
        ("name.middleName pr", false),
        ("name pr", true),
        (r#"meta.lastModified gt "2011-05-13T04:42:33Z""#, true),
        (r#"meta.lastModified ge "2011-05-13T06:42:34+02:00""#, true),
        (r#"meta.lastModified lt "2011-05-13T04:42:34.000Z""#, false),
        (r#"meta.lastModified le "2011-05-13T04:42:34.000Z""#, true),
        (r#"title pr and userType eq "Employee""#, false),
        (r#"title pr or userType eq "Intern""#, true),
        (r#"schemas eq "urn:x""#, false),
        (
            r#"userType ne "Employee" and not (emails co "example.org" or emails.value co "example.net")"#,
            true,
        ),
        (r#"emails.type eq "work""#, true),
        (r#"emails[type eq "work" and value co "@example.com"]"#, true),
        (r#"emails[type eq "home" and value co "@example.com"]"#, false),
        (r#"emails[type eq "work" and value co "@example.com"] or ims[type eq "xmpp"]"#, true),
        (r#"emails[type eq "work"].value eq "bjensen@example.com""#, true),
        (r#"emails[type eq "home"].value eq "bjensen@example.com""#, false),
        ("emails[primary eq true]", true),
        (r#"emails[not (type eq "work")]"#, true),
        ("active eq true", true),
        (r#"active eq "False""#, false),
        ("active ne false", true),
        (r#"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:employeeNumber eq "701984""#, true),
        (r#"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value eq "26118915""#, true),
        (r#"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager eq "26118915""#, true),
        (r#"employeeNumber eq "701984""#, false),
        (r#"colour eq "red""#, false),
        (r#"colour ne "red""#, true),
        ("nickName eq null", true),
        ("title ne null", true),
        (r#"password eq "secret""#, false),
        (r#"id eq "2819C223""#, false),
        (r#"groups.value eq "e9e30dba""#, true),
        (r#"title pr and (nickName pr or displayName co "<SCRIPT>")"#, true),
        (r#"nickName pr and title pr or active eq true"#, true),
        (r#"nickName pr and (title pr or active eq true)"#, false),
        (r#"displayName eq "babs \u003cscript\u003e""#, true),
        (r#"displayName gt "babs""#, true),
    ] {
        assert_eq!(fits(text), expected, "{text}");
    }
}

#[test]
fn what_is_no_filter_is_refused_with_its_place() {
    for text in [
        "",
        " ",
        "userName",
        "userName eq",
        r#"userName eq ada"#,
        r#"userName eq "ada"#,
        r#"userName eq "ada\""#,
        r#"userName eq "a" or"#,
        r#"userName eq "a" and and title pr"#,
        r#"userName eq "a" title pr"#,
        r#"userName like "a""#,
        r#"(userName eq "a""#,
        r#"userName eq "a")"#,
        r#"emails[type eq "work""#,
        r#"emails[emails[type eq "work"]]"#,
        r#"emails[urn:x:type eq "work"]"#,
        r#"emails[a.b eq "work"]"#,
        r#"emails.value[type eq "work"]"#,
        "not title pr",
        "1title pr",
        "a.b.c pr",
        "x:title pr",
        "title pr\n",
        "title\u{a0}pr",
        r#"title eq 'x'"#,
        "title eq 1e999999",
        "title eq 0x1",
    ] {
        let error = text.parse::<Filter>().unwrap_err();
        assert_eq!(error.kind, Kind::InvalidFilter, "{text}");
    }
    for text in [
        "active gt true",
        "active co true",
        r#"active eq "perhaps""#,
        r#"meta.created eq "yesterday""#,
        "title eq 7",
        "title gt null",
        r#"title[value eq "x"]"#,
        r#"emails[primary gt true]"#,
    ] {
        let filter: Filter = text.parse().unwrap();
        assert_eq!(evaluate::check(&filter, &USER).unwrap_err().kind, Kind::InvalidFilter, "{text}");
    }
}

/// kanidm 1.10.0: a filter that nested deep enough overflowed the stack of the server, before anybody had
/// signed in.
#[test]
fn kanidm_unbounded_filter_recursion() {
    for (open, close) in [("(", ")"), ("not (", ")"), ("emails[not (", ")]"), ("emails[", "]")] {
        for depth in [17, 100, 1_000, 1_000_000] {
            let text = format!("{}title pr{}", open.repeat(depth), close.repeat(depth));
            assert!(text.parse::<Filter>().is_err(), "{open} {depth}");
            assert!(open.repeat(depth).parse::<Filter>().is_err());
            assert!(format!("emails[{text}]").parse::<PatchPath>().is_err());
        }
    }
    let nested = |depth| format!("{}title pr{}", "(".repeat(depth), ")".repeat(depth));
    assert!(nested(16).parse::<Filter>().is_ok());
    let terms = |count: usize| vec!["title pr"; count].join(" and ");
    assert!(terms(64).parse::<Filter>().is_ok());
    assert!(terms(65).parse::<Filter>().is_err());
    assert!(format!(r#"title eq "{}""#, "x".repeat(4096)).parse::<Filter>().is_err());
}

#[test]
fn json_is_read_strictly() {
    for text in [
        r#"{"a": 1, "a": 2}"#,
        r#"{"a": {"b": 1, "b": 1}}"#,
        r#"[{"op": "add", "op": "remove"}]"#,
        "{",
        "{} {}",
        "nul",
        "\u{feff}{}",
    ] {
        assert_eq!(json::parse(text.as_bytes()).unwrap_err().kind, Kind::InvalidSyntax, "{text}");
    }
    for depth in [13, 100, 100_000] {
        assert!(json::parse("[".repeat(depth).as_bytes()).is_err());
        assert!(json::parse(format!("{}{}", "[".repeat(depth), "]".repeat(depth)).as_bytes()).is_err());
        assert!(json::parse(r#"{"a":"#.repeat(depth).as_bytes()).is_err());
    }
    assert!(json::parse(format!("[{}0]", "0,".repeat(json::MOST_VALUES)).as_bytes()).is_err());
    assert_eq!(
        json::parse(br#"{"a": [1, -2, 1.5, "x", null, true]}"#).unwrap(),
        json!({"a": [1, -2, 1.5, "x", null, true]})
    );
}

#[test]
fn a_resource_is_read_by_its_schema() {
    let core = USER.core.id;
    let read = |body: Value| value::resource(&USER, body);
    let kept = read(json!({
        "SCHEMAS": [core, ENTERPRISE],
        "username": "ada",
        "ID": "mine",
        "meta": {"version": "x"},
        "groups": [{"value": "administrators"}],
        "active": "False",
        "nickName": "",
        "title": null,
        "emails": [{"VALUE": "a@b.example", "Primary": "True", "colour": "red"}],
        "phoneNumbers": [],
        "photos": ["https://a.example/p.png"],
        "colour": "red",
        ENTERPRISE: {"Department": "X", "manager": "7", "colour": "red"}
    }))
    .unwrap();
    let expected = json!({
        "userName": "ada",
        "active": false,
        "emails": [{"value": "a@b.example", "primary": true}],
        "photos": [{"value": "https://a.example/p.png"}],
        ENTERPRISE: {"department": "X", "manager": {"value": "7"}}
    });
    assert_eq!(Value::Object(kept), expected);
    for (body, kind) in [
        (json!([]), Kind::InvalidSyntax),
        (json!({"userName": "ada"}), Kind::InvalidSyntax),
        (json!({"schemas": [], "userName": "ada"}), Kind::InvalidSyntax),
        (json!({"schemas": [GROUP.core.id], "userName": "ada"}), Kind::InvalidValue),
        (json!({"schemas": [core, "urn:x:y"], "userName": "ada"}), Kind::InvalidValue),
        (json!({"schemas": [core], "userName": "ada", "urn:x:y": {}}), Kind::InvalidValue),
        (json!({"schemas": [core]}), Kind::InvalidValue),
        (json!({"schemas": [core], "userName": ""}), Kind::InvalidValue),
        (json!({"schemas": [core], "userName": "a", "UserName": "b"}), Kind::InvalidSyntax),
        (json!({"schemas": [core], "userName": ["ada"]}), Kind::InvalidValue),
        (json!({"schemas": [core], "userName": 7}), Kind::InvalidValue),
        (json!({"schemas": [core], "userName": "a\u{0}b"}), Kind::InvalidValue),
        (json!({"schemas": [core], "userName": "x".repeat(513)}), Kind::InvalidValue),
        (json!({"schemas": [core], "userName": "ada", "active": "yes"}), Kind::InvalidValue),
        (json!({"schemas": [core], "userName": "ada", "name": "Ada"}), Kind::InvalidValue),
        (
            json!({"schemas": [core], "userName": "ada", "profileUrl": "javascript:alert(1)"}),
            Kind::InvalidValue,
        ),
        (json!({"schemas": [core], "userName": "ada", "photos": [{"value": "data:x"}]}), Kind::InvalidValue),
        (
            json!({"schemas": [core], "userName": "ada", "emails": [
                {"value": "a@b.example", "primary": true}, {"value": "c@b.example", "primary": true}]}),
            Kind::InvalidValue,
        ),
        (
            json!({"schemas": [core], "userName": "ada", "emails": vec![json!({"value": "a@b.example"}); 101]}),
            Kind::InvalidValue,
        ),
    ] {
        assert_eq!(read(body.clone()).unwrap_err().kind, kind, "{body:.120}");
    }
}

pub(super) fn operations_of(body: Value) -> Result<Vec<patch::Operation>, Kind> {
    operations(body).map_err(|error| error.kind)
}

fn patched(operations: Value) -> Result<Value, Kind> {
    let body = json!({"schemas": [patch::PATCH], "Operations": operations});
    let operations = operations_of(body)?;
    let mut document = babs();
    apply(&USER, &mut document, &operations).map_err(|error| error.kind)?;
    Ok(Value::Object(document))
}

fn after(operations: Value) -> Value {
    patched(operations.clone()).unwrap_or_else(|kind| panic!("{operations}: {kind:?}"))
}

#[test]
fn patches_do_what_the_standard_says() {
    let emails = |value: &Value| value["emails"].as_array().cloned().unwrap_or_default();
    let done = after(json!([{"op": "add", "value": {"nickName": "Babs", "title": "Guide"}}]));
    assert_eq!((done["nickName"].as_str(), done["title"].as_str()), (Some("Babs"), Some("Guide")));

    let done = after(
        json!([{"op": "add", "path": "emails", "value": [{"value": "new@b.example", "primary": true}]}]),
    );
    assert_eq!(emails(&done).len(), 3);
    assert_eq!(emails(&done)[0]["primary"], json!(false), "one is the primary one");
    assert_eq!(emails(&done)[2]["primary"], json!(true));
    let same =
        json!([{"op": "add", "path": "emails", "value": {"value": "babs@jensen.example", "type": "home"}}]);
    assert_eq!(emails(&after(same)).len(), 2, "what is there is not added again");

    let done = after(
        json!([{"op": "replace", "path": "emails[type eq \"home\"]", "value": {"type": "home", "value": "x@b.example"}}]),
    );
    assert_eq!(emails(&done)[1], json!({"type": "home", "value": "x@b.example"}));
    let done =
        after(json!([{"op": "replace", "path": "emails[type eq \"home\"].value", "value": "x@b.example"}]));
    assert_eq!(emails(&done)[1], json!({"type": "home", "value": "x@b.example"}));
    let done = after(json!([{"op": "replace", "path": "emails[type eq \"home\"].primary", "value": true}]));
    assert_eq!(
        (emails(&done)[0]["primary"].clone(), emails(&done)[1]["primary"].clone()),
        (json!(false), json!(true))
    );
    assert_eq!(emails(&after(json!([{"op": "replace", "path": "emails", "value": []}]))).len(), 0);

    let done = after(json!([{"op": "replace", "path": "name", "value": {"givenName": "Babs"}}]));
    assert_eq!(done["name"], json!({"familyName": "Jensen", "givenName": "Babs"}), "the other parts stay");
    let done = after(json!([{"op": "replace", "path": "name.familyName", "value": "X"}]));
    assert_eq!(done["name"]["familyName"], "X");
    let done = after(
        json!([{"op": "remove", "path": "name.familyName"}, {"op": "remove", "path": "name.givenName"}]),
    );
    assert_eq!(done.get("name"), None);

    assert_eq!(emails(&after(json!([{"op": "remove", "path": "emails[type eq \"work\"]"}]))).len(), 1);
    assert_eq!(emails(&after(json!([{"op": "remove", "path": "emails"}]))).len(), 0);
    assert_eq!(emails(&after(json!([{"op": "remove", "path": "emails[type eq \"no\"]"}]))).len(), 2);
    assert_eq!(
        emails(&after(json!([{"op": "remove", "path": "emails.type"}])))[1],
        json!({"value": "babs@jensen.example"})
    );

    let path = |rest: &str| format!("{ENTERPRISE}{rest}");
    let done = after(json!([{"op": "add", "path": path(":department"), "value": "Tours"}]));
    assert_eq!(done[ENTERPRISE]["department"], "Tours");
    assert_eq!(done[ENTERPRISE]["employeeNumber"], "701984");
    let done = after(json!([{"op": "replace", "path": ENTERPRISE, "value": {"department": "Tours"}}]));
    assert_eq!(done[ENTERPRISE]["department"], "Tours");
    assert_eq!(after(json!([{"op": "remove", "path": ENTERPRISE}])).get(ENTERPRISE), None);
    let gone = json!([{"op": "remove", "path": path(":manager")}, {"op": "remove", "path": path(":employeeNumber")}]);
    assert_eq!(after(gone).get(ENTERPRISE), None);
}

#[test]
fn patches_that_cannot_be_are_refused_with_their_class() {
    for (operations, kind) in [
        (json!([{"op": "replace", "path": "id", "value": "x"}]), Kind::Mutability),
        (json!([{"op": "replace", "path": "groups", "value": []}]), Kind::Mutability),
        (json!([{"op": "add", "path": "meta.version", "value": "x"}]), Kind::Mutability),
        (json!([{"op": "remove", "path": "userName"}]), Kind::Mutability),
        (json!([{"op": "replace", "path": "userName", "value": null}]), Kind::InvalidValue),
        (json!([{"op": "remove"}]), Kind::NoTarget),
        (
            json!([{"op": "replace", "path": "emails[type eq \"none\"].value", "value": "x@b.example"}]),
            Kind::NoTarget,
        ),
        (json!([{"op": "replace", "path": "emails.value", "value": "x@b.example"}]), Kind::NoTarget),
        (json!([{"op": "add", "path": "colour", "value": "red"}]), Kind::InvalidPath),
        (json!([{"op": "add", "path": "name.colour", "value": "red"}]), Kind::InvalidPath),
        (
            json!([{"op": "add", "path": "emails[type eq \"work\"].colour", "value": "red"}]),
            Kind::InvalidPath,
        ),
        (json!([{"op": "add", "path": "emails[", "value": "red"}]), Kind::InvalidPath),
        (json!([{"op": "add", "path": "title[value eq \"x\"]", "value": "red"}]), Kind::InvalidPath),
        (json!([{"op": "add", "path": 7, "value": "red"}]), Kind::InvalidPath),
        (json!([{"op": "add", "path": "emails[primary gt true]", "value": {}}]), Kind::InvalidFilter),
        (json!([{"op": "add", "path": "title"}]), Kind::InvalidValue),
        (json!([{"op": "add", "value": "x"}]), Kind::InvalidValue),
        (json!([{"op": "add", "path": "active", "value": "perhaps"}]), Kind::InvalidValue),
        (json!([{"op": "move", "path": "title", "value": "x"}]), Kind::InvalidSyntax),
        (json!([{"op": "add", "OP": "remove", "path": "title", "value": "x"}]), Kind::InvalidSyntax),
        (json!([]), Kind::InvalidSyntax),
        (json!(["add"]), Kind::InvalidSyntax),
        (json!({}), Kind::InvalidSyntax),
        (json!(vec![json!({"op": "remove", "path": "title"}); 501]), Kind::InvalidSyntax),
    ] {
        assert_eq!(patched(operations.clone()), Err(kind), "{operations:.160}");
    }
    assert_eq!(operations(json!({"Operations": []})).unwrap_err().kind, Kind::InvalidSyntax);
    let two = json!({"schemas": [patch::PATCH], "Operations": [], "operations": []});
    assert_eq!(operations(two).unwrap_err().kind, Kind::InvalidSyntax);
}

/// What Microsoft Entra sends.
#[test]
fn entra_is_understood() {
    let done = after(json!([
        {"op": "Replace", "path": "active", "value": "False"},
        {"op": "Add", "path": "phoneNumbers[type eq \"mobile\"].value", "value": "+1 425"},
        {"op": "Replace", "value": {
            "displayName": "Bob",
            "name.givenName": "Bob",
            "emails[type eq \"work\"].value": "bob@example.com",
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department": "Sales"
        }},
        {"op": "Add", "path": format!("{ENTERPRISE}:manager"), "value": "9"}
    ]));
    assert_eq!(done["active"], json!(false));
    assert_eq!(done["phoneNumbers"], json!([{"type": "mobile", "value": "+1 425"}]));
    assert_eq!(done["displayName"], "Bob");
    assert_eq!(done["name"]["givenName"], "Bob");
    assert_eq!(done["emails"][0]["value"], "bob@example.com");
    assert_eq!(done[ENTERPRISE]["department"], "Sales");
    assert_eq!(done[ENTERPRISE]["manager"]["value"], "9");
    let done =
        after(json!([{"op": "Remove", "path": "emails", "value": [{"value": "babs@jensen.example"}]}]));
    assert_eq!(done["emails"].as_array().unwrap().len(), 1);
}

/// What Okta sends.
#[test]
fn okta_is_understood() {
    let done = after(json!([{"op": "replace", "value": {"active": false}}]));
    assert_eq!(done["active"], json!(false));
    let done = after(json!([{"op": "replace", "value": {
        "id": "another", "schemas": ["x"], "meta": {}, "groups": [], "displayName": "Bob"
    }}]));
    assert_eq!((done["id"].as_str(), done["displayName"].as_str()), (Some("2819c223"), Some("Bob")));
    let operations =
        operations(json!({"schemas": [patch::PATCH], "Operations": [{"op": "replace", "value": {"id": "x", "displayName": "New"}}]}))
            .unwrap();
    let wanted = group::patched(&operations).unwrap();
    assert_eq!((wanted.name.as_deref(), wanted.members.len()), (Some("New"), 0));
}

#[test]
fn a_patch_of_a_group_is_a_list_of_changes() {
    use group::Change;
    let ids = |ids: &[&str]| ids.iter().map(|id| gabion_model::AccountId::new(id)).collect::<Vec<_>>();
    let wanted = |operations: Value| {
        let body = json!({"schemas": [patch::PATCH], "Operations": operations});
        operations_of(body).and_then(|all| group::patched(&all).map_err(|error| error.kind))
    };
    let members = |operations: Value| wanted(operations).unwrap().members;
    assert_eq!(
        members(
            json!([{"op": "add", "path": "members", "value": [{"value": "a"}, {"value": "b", "display": "B"}]}])
        ),
        [Change::Add(ids(&["a", "b"]))]
    );
    assert_eq!(
        members(
            json!([{"op": "Remove", "path": "members[value eq \"a\"]"}, {"op": "remove", "path": "members", "value": [{"value": "b"}]}])
        ),
        [Change::Remove(ids(&["a"])), Change::Remove(ids(&["b"]))]
    );
    assert_eq!(members(json!([{"op": "remove", "path": "members"}])), [Change::Exactly(vec![])]);
    assert_eq!(
        members(json!([{"op": "replace", "path": "members", "value": ["a"]}])),
        [Change::Exactly(ids(&["a"]))]
    );
    assert!(matches!(
        members(json!([{"op": "remove", "path": "members[display co \"x\"]"}]))[..],
        [Change::RemoveFitting(_)]
    ));
    for (operations, kind) in [
        (
            json!([{"op": "add", "path": "members", "value": [{"value": "g", "type": "Group"}]}]),
            Kind::InvalidValue,
        ),
        (
            json!([{"op": "add", "path": "members", "value": [{"value": "g", "$ref": "https://x/Groups/g"}]}]),
            Kind::InvalidValue,
        ),
        (json!([{"op": "add", "path": "members", "value": [{"type": "User"}]}]), Kind::InvalidValue),
        (json!([{"op": "replace", "path": "members[value eq \"a\"].value", "value": "b"}]), Kind::Mutability),
        (
            json!([{"op": "replace", "path": "members[value eq \"a\"]", "value": {"value": "b"}}]),
            Kind::Mutability,
        ),
        (json!([{"op": "remove", "path": "displayName"}]), Kind::Mutability),
        (json!([{"op": "replace", "path": "displayName", "value": ""}]), Kind::Mutability),
        (json!([{"op": "replace", "path": "displayName.x", "value": "a"}]), Kind::InvalidPath),
        (json!([{"op": "replace", "path": "roles", "value": []}]), Kind::InvalidPath),
        (json!([{"op": "replace", "path": "id", "value": "x"}]), Kind::Mutability),
    ] {
        assert_eq!(wanted(operations.clone()), Err(kind), "{operations}");
    }
}

#[test]
fn only_what_is_asked_for_is_sent() {
    let project = |included: &[&str], excluded: &[&str]| {
        let mut document = babs();
        document.insert("password".to_owned(), "never".into());
        Selection::new(included, excluded).unwrap().apply(&USER, &mut document);
        Value::Object(document)
    };
    assert_eq!(project(&[], &[]).get("password"), None);
    assert_eq!(project(&["password"], &[]).get("password"), None);
    assert_eq!(
        project(&["USERNAME", "name.givenName", "emails.value"], &[]),
        json!({
            "id": "2819c223",
            "userName": "bjensen@example.com",
            "name": {"givenName": "Barbara"},
            "emails": [{"value": "bjensen@example.com"}, {"value": "babs@jensen.example"}]
        })
    );
    let enterprise = format!("{ENTERPRISE}:employeeNumber");
    assert_eq!(project(&[&enterprise], &[])[ENTERPRISE], json!({"employeeNumber": "701984"}));
    assert_eq!(project(&[ENTERPRISE], &[])[ENTERPRISE], babs()[ENTERPRISE]);
    let less = project(&[], &["emails", "name.givenName", "id", ENTERPRISE]);
    assert_eq!(
        (less.get("emails"), less.get(ENTERPRISE), less["id"].as_str()),
        (None, None, Some("2819c223"))
    );
    assert_eq!(less["name"], json!({"familyName": "Jensen"}));
    assert!(Selection::new(&["a"], &["b"]).is_err());
    assert!(Selection::new(&["a b"], &[]).is_err());
}

#[test]
fn a_query_is_read_strictly_and_bounded() {
    let read = |pairs: &[(&str, &str)]| Query::from_pairs(pairs.iter().copied());
    let query = read(&[("startIndex", "-3"), ("count", "5000"), ("unknown", "x")]).unwrap();
    assert_eq!((query.start, query.skip(), query.count), (1, 0, query::LONGEST_PAGE));
    assert_eq!(read(&[("count", "-1")]).unwrap().count, 0);
    assert_eq!(read(&[("startIndex", "11"), ("count", "10")]).unwrap().skip(), 10);
    for (pairs, kind) in [
        (&[("count", "x")][..], Kind::InvalidValue),
        (&[("count", "99999999999999999999")], Kind::InvalidValue),
        (&[("filter", "title")], Kind::InvalidFilter),
        (&[("filter", "title pr"), ("Filter", "title pr")], Kind::InvalidSyntax),
        (&[("sortOrder", "up")], Kind::InvalidValue),
        (&[("sortBy", "a b")], Kind::InvalidPath),
        (&[("attributes", "title"), ("excludedAttributes", "name")], Kind::InvalidValue),
    ] {
        assert_eq!(read(pairs).unwrap_err().kind, kind, "{pairs:?}");
    }
    let body = json!({"schemas": [query::SEARCH_REQUEST], "filter": "title pr", "count": 3, "attributes": ["title"]});
    let query = Query::from_body(body).unwrap();
    assert_eq!((query.count, query.selection.included.len()), (3, 1));
    for body in [json!([]), json!({"count": 3}), json!({"schemas": [query::SEARCH_REQUEST], "count": "3"})] {
        assert!(Query::from_body(body).is_err());
    }
}

/// What the account says wins over what the directory said; labels stay.
#[test]
fn a_document_and_its_account_agree() {
    use crate::account::Account;
    let id = gabion_model::AccountId::new("a");
    let mut account = Account::new(id, "ada".parse().unwrap(), gabion_model::Timestamp::from_secs(0));
    let wanted = |document: Map| user::wanted(document, &Personal::default()).unwrap();
    let store = |account: &mut Account, wanted: user::Wanted| {
        account.email = wanted.email.map(|email| email.parse().unwrap());
        (account.personal, account.attributes) = (wanted.personal, wanted.attributes);
        account.external_id = wanted.external_id;
    };
    let mut sent = babs();
    sent.insert(
        "phoneNumbers".to_owned(),
        json!([{"value": "1", "type": "work"}, {"value": "2", "type": "home"}]),
    );
    sent.insert(
        "addresses".to_owned(),
        json!([{"type": "home", "locality": "Paris"}, {"type": "work", "country": "FR"}]),
    );
    sent.insert("photos".to_owned(), json!([{"value": "https://a.example/p", "type": "photo"}]));
    sent.insert("name".to_owned(), json!({"givenName": "B", "honorificPrefix": "Dr"}));
    sent.insert("locale".to_owned(), json!("fr-CA"));
    store(&mut account, wanted(sent.clone()));
    assert_eq!(account.personal.phone_number.as_deref(), Some("1"));
    assert_eq!(account.personal.address.as_ref().and_then(|one| one.country.as_deref()), Some("FR"));
    assert_eq!(account.personal.given_name.as_deref(), Some("B"));
    let shown = user::document(&account, "https://x/scim");
    for name in [
        "emails",
        "phoneNumbers",
        "addresses",
        "photos",
        "name",
        "locale",
        "title",
        "displayName",
        "externalId",
        ENTERPRISE,
    ] {
        assert_eq!(shown.get(name), sent.get(name), "{name}");
    }
    assert_eq!(shown["schemas"], json!([USER.core.id, ENTERPRISE]));
    store(&mut account, wanted(shown.clone()));
    assert_eq!(user::document(&account, "https://x/scim"), shown, "nothing changes by itself");

    account.email = Some("new@example.com".parse().unwrap());
    account.personal.phone_number = None;
    account.personal.address = None;
    let shown = user::document(&account, "https://x/scim");
    assert_eq!(shown["emails"][0], json!({"value": "new@example.com", "type": "work", "primary": true}));
    assert_eq!(shown["phoneNumbers"], json!([{"value": "2", "type": "home"}]));
    assert_eq!(shown["addresses"], json!([{"type": "home", "locality": "Paris"}]));
    assert!(wanted(map(json!({"userName": "a"}))).attributes.is_empty());
    let much: Vec<Value> =
        (0..100).map(|one| json!({"value": format!("{one}{}", "x".repeat(400))})).collect();
    assert!(user::wanted(map(json!({"userName": "a", "ims": much})), &Personal::default()).is_err());
}
