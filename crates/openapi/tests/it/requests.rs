//! What the contract makes of requests.

use gabion_openapi::{BodyPlan, Contract, Match, Options};
use proptest::prelude::*;

use crate::shop::{Head, faults, head, shop};

fn contract() -> Contract {
    shop(&Options::default())
}

#[test]
fn paths_and_methods() {
    let contract = contract();
    let id = |method: &str, path: &str| match contract.operation(method, path) {
        Match::Operation(matched) => {
            format!("{} {}", matched.operation.method(), matched.operation.template())
        }
        Match::OtherMethods(allow) => format!("405 {allow}"),
        Match::Unknown => "404".to_owned(),
    };
    assert_eq!(id("GET", "/v1/orders"), "GET /v1/orders");
    assert_eq!(id("HEAD", "/v1/orders"), "GET /v1/orders");
    assert_eq!(id("PUT", "/v1/orders"), "405 GET, HEAD, POST");
    assert_eq!(id("GET", "/v1/orders/latest"), "GET /v1/orders/latest");
    assert_eq!(id("DELETE", "/v1/orders/latest"), "405 GET, HEAD", "the concrete path decides");
    assert_eq!(id("DELETE", "/v1/orders/7"), "DELETE /v1/orders/{id}");
    for path in ["/orders", "/v1/orders/", "/v1/Orders", "/v1/orders/7/x", "/v1", "*", ""] {
        assert_eq!(id("GET", path), "404", "{path}");
    }
}

#[test]
fn parameters_of_every_style() {
    let contract = contract();
    let good = [
        "/v1/orders",
        "/v1/orders?page=7",
        "/v1/orders?state=open&state=paid",
        "/v1/orders?near=1.5,-2e3",
        "/v1/orders?near=1.5%2C2",
        "/v1/orders?words=a%20b+c",
        "/v1/orders?ids=1|2%7C",
        "/v1/orders?filter[min]=3&filter%5Btag%5D=a&filter[tag]=b",
        "/v1/orders?where=%7B%22a%22%3A1%7D",
        "/v1/orders/9007199254740993",
        "/v1/m/;x=1;y=2/.1,2/a,7",
    ];
    let wrong = [
        ("/v1/orders?page=0", "query page: must be at least 1"),
        ("/v1/orders?page=7&page=8", "query page: only once"),
        ("/v1/orders?page=7.0", "query page: must be of type `integer`"),
        ("/v1/orders?page=1e1", "query page: must be of type `integer`"),
        ("/v1/orders?page=%37%", "query page: every `%` is followed by two hexadecimal digits"),
        ("/v1/orders?page=", "query page: must be of type `integer`"),
        ("/v1/orders?Page=1", "query: must not have parameters that the contract does not name"),
        ("/v1/orders?page[]=1", "query: must not have parameters that the contract does not name"),
        ("/v1/orders?%ff=1", "query: text is UTF-8"),
        ("/v1/orders?state=open&state=lost", "query state /1: must be one of the listed values"),
        ("/v1/orders?near=1,x", "query near /1: must be of type `number`"),
        ("/v1/orders?near=1,2%2C3", "query near: delimiters are all encoded or none is"),
        ("/v1/orders?filter[min]=x", "query filter /min: must be of type `integer`"),
        ("/v1/orders?filter[min]=1&filter[min]=2", "query filter: only once"),
        ("/v1/orders?filter[max]=1", "query filter: must not have members that the contract does not name"),
        ("/v1/orders?where=%7B%22a%22%3A1%2C%22a%22%3A2%7D", "query where: one JSON text"),
        ("/v1/orders/x", "path id: must be of type `integer`"),
        ("/v1/orders/007", "path id: must be of type `integer`"),
        ("/v1/orders/9007199254740994", "path id: must be at most 9007199254740993"),
        ("/v1/m/x=1/.1/a,7", "path point: written in the style of the contract"),
        ("/v1/m/;x=1;z=2/.1/a,7", "path point: must not have members that the contract does not name"),
        ("/v1/m/;x=1/1/a,7", "path list: written in the style of the contract"),
        ("/v1/m/;x=1/.1/a", "path map: written in the style of the contract"),
    ];
    for target in good.iter().filter(|target| !target.ends_with("%7C")) {
        assert_eq!(head(&contract, "GET", target, &[]), [""; 0], "{target}");
    }
    for (target, fault) in wrong {
        let found = head(&contract, "GET", target, &[]);
        let found: Vec<&str> = found.iter().map(String::as_str).collect();
        let like = |found: &&str| found.replace(" /*", "") == fault || *found == fault;
        assert!(found.iter().any(like), "{target}: {found:?}");
    }
    assert_eq!(head(&contract, "GET", "/v1/orders?ids=1%7C2", &[]), [""; 0]);
    assert_eq!(head(&contract, "GET", "/v1/orders?ids=1|2%7C3", &[]).len(), 1);
}

#[test]
fn header_fields_and_cookies() {
    let contract = contract();
    let uuid = "0189f5a2-3c4d-7e5f-8a6b-0123456789ab";
    let fine = [
        ("x-trace", uuid),
        ("x-days", "2026-01-01, 2026-01-02"),
        ("cookie", "a=b; theme=dark"),
        ("x-other", "…"),
    ];
    assert_eq!(head(&contract, "GET", "/v1/orders", &fine), [""; 0]);
    let rows: [(&[(&str, &str)], &str); 4] = [
        (&[("x-trace", "nonsense")], "header X-Trace: must have the format `uuid`"),
        (&[("x-trace", uuid), ("x-trace", uuid)], "header X-Trace: only once"),
        (&[("cookie", "theme=dark; theme=light")], "cookie theme: only once"),
        (&[("cookie", "theme=neon")], "cookie theme: must be one of the listed values"),
    ];
    for (fields, fault) in rows {
        assert_eq!(head(&contract, "GET", "/v1/orders", fields), [fault], "{fields:?}");
    }
}

/// What a body comes to: no fault, or all of them.
fn body(contract: &Contract, media_type: Option<&str>, bytes: &[u8]) -> Vec<String> {
    let Match::Operation(matched) = contract.operation("POST", "/v1/orders") else { panic!("no operation") };
    match matched.body(media_type, !bytes.is_empty()) {
        Err(refusal) => faults(refusal),
        Ok(BodyPlan::Whole(limit, judge)) => {
            assert!(
                bytes.len() <= limit || media_type.is_none(),
                "over the limit: {} > {limit}",
                bytes.len()
            );
            judge.check(bytes).err().map(faults).unwrap_or_default()
        }
        Ok(plan) => panic!("{plan:?}"),
    }
}

#[test]
fn bodies_of_every_type() {
    let contract = contract();
    let json = Some("application/json");
    let form = Some("application/x-www-form-urlencoded");
    let text = Some("text/plain; charset=UTF-8");
    let multipart = Some("multipart/form-data; boundary=X");
    let part = |name: &str, more: &str, value: &str| {
        format!("--X\r\nContent-Disposition: form-data; name=\"{name}\"{more}\r\n\r\n{value}\r\n")
    };
    let parts = |parts: &[String]| format!("{}--X--\r\n", parts.concat());
    let good: Vec<(Option<&str>, String)> = vec![
        (json, r#"{"sku":"AB1","count":3,"parts":[{"sku":"x","part":{"part":{}}}],"secret":"s"}"#.to_owned()),
        (Some("Application/JSON; charset=\"utf-8\""), r#"{"sku":"AB1"}"#.to_owned()),
        (form, "sku=AB1&count=3".to_owned()),
        (form, "sku=AB1&parts=%7B%22sku%22%3A%22x%22%7D&parts=%7B%7D".to_owned()),
        (text, "twenty characters".to_owned()),
        (
            multipart,
            parts(&[part("note", "", "hi"), part("count", "", "7"), part("detail", "", "{\"a\":true}")]),
        ),
        (
            multipart,
            parts(&[
                part("note", "", "hi"),
                part("picture", "; filename=\"../a.png\"\r\nContent-Type: image/png", "12345678"),
            ]),
        ),
    ];
    for (media_type, bytes) in good {
        assert_eq!(body(&contract, media_type, bytes.as_bytes()), [""; 0], "{bytes}");
    }
    let wrong: Vec<(Option<&str>, String, &str)> = vec![
        (json, String::new(), "NoBody"),
        (None, "x".to_owned(), "MediaType"),
        (Some("application/xml"), "<a/>".to_owned(), "MediaType"),
        (Some("application/json; charset=utf-16"), "{}".to_owned(), "MediaType"),
        (Some("application/json, text/plain"), "{}".to_owned(), "MediaType"),
        (
            json,
            r#"{"sku":"AB1","role":"admin"}"#.to_owned(),
            "must not have members that the contract does not name",
        ),
        (json, r#"{"sku":"AB1","id":7}"#.to_owned(), "is read-only and must not be sent"),
        (json, r#"{"sku":"AB1","sku":"AB2"}"#.to_owned(), "each name once in an object"),
        (json, "{\"sku\":\"AB1\",\"count\":1.5}".to_owned(), "must be of type `integer`"),
        (json, "{\"sku\":\"\\ud800\"}".to_owned(), "half of a surrogate pair"),
        (json, "{\"sku\":\"AB1\"} {}".to_owned(), "something after the value"),
        (json, "\u{feff}{\"sku\":\"AB1\"}".to_owned(), "no byte order mark"),
        (json, format!("{}{}", "[".repeat(300), "]".repeat(300)), "nested too deeply"),
        (form, "sku=AB1&sku=AB2".to_owned(), "body /sku: only once"),
        (form, "sku=AB1&role=admin".to_owned(), "must not have members that the contract does not name"),
        (form, "sku=%ff".to_owned(), "body /sku: text is UTF-8"),
        (text, "more than twenty characters".to_owned(), "must have at most 20 characters"),
        (
            multipart,
            parts(&[part("note", "", "hi"), part("role", "", "admin")]),
            "must not have members that the contract does not name",
        ),
        (
            multipart,
            parts(&[part("note", "", "far too long")]),
            "body /note: must have at most 10 characters",
        ),
        (multipart, parts(&[part("note", "; filename=\"a\"", "hi")]), "body /note: is not a file"),
        (multipart, parts(&[part("note", "", "hi"), part("note", "", "ho")]), "body /note: only once"),
        (
            multipart,
            parts(&[
                part("note", "", "hi"),
                part("picture", "; filename=\"a\"\r\nContent-Type: image/png", "123456789"),
            ]),
            "body /picture: has at most 8 bytes",
        ),
        (
            multipart,
            parts(&[
                part("note", "", "hi"),
                part("picture", "; filename=\"a\"\r\nContent-Type: text/html", "1"),
            ]),
            "body /picture: has the media type image/png or image/jpeg",
        ),
        (Some("multipart/form-data"), parts(&[part("note", "", "hi")]), "the media type names a boundary"),
    ];
    for (media_type, bytes, fault) in wrong {
        let found = body(&contract, media_type, bytes.as_bytes());
        assert!(found.iter().any(|found| found.contains(fault)), "{bytes}: {found:?}");
        for value in ["admin", "AB2", "role"] {
            assert!(
                !found.iter().any(|found| found.contains(value)),
                "nothing of the request is repeated: {found:?}"
            );
        }
    }
}

#[test]
fn sizes_come_from_the_schema() {
    let contract = contract();
    let Match::Operation(matched) = contract.operation("POST", "/v1/orders") else { panic!("no operation") };
    let limit = |media_type| match matched.body(Some(media_type), true).unwrap() {
        BodyPlan::Whole(limit, _) | BodyPlan::Bounded(limit) => limit,
        BodyPlan::None => 0,
    };
    assert_eq!(limit("text/plain"), 80 + 1024);
    assert_eq!(limit("application/json"), 1 << 20, "a schema that goes round has no bound of its own");
    let Match::Operation(matched) = contract.operation("GET", "/v1/orders") else { panic!("no operation") };
    assert!(matches!(matched.body(None, false), Ok(BodyPlan::None)));
    assert!(matched.body(None, true).is_err());
}

proptest! {
    #[test]
    fn nothing_a_client_sends_panics(target in "[ -~]{0,60}", media_type in "[ -~]{0,40}", bytes in proptest::collection::vec(any::<u8>(), 0..120)) {
        let contract = contract();
        let target = format!("/v1/orders?{target}");
        let (path, query) = target.split_once('?').unwrap();
        let Match::Operation(matched) = contract.operation("GET", path) else { panic!("no operation") };
        let _ = matched.head(Some(query), &Head(&[("cookie", query), ("x-days", query), ("x-trace", query)]));
        if let Match::Operation(matched) = contract.operation("GET", &format!("/v1/m/{}/{}/x", query.replace('/', ""), media_type.replace('/', ""))) {
            let _ = matched.head(None, &Head(&[]));
        }
        let Match::Operation(matched) = contract.operation("POST", path) else { panic!("no operation") };
        for media_type in [media_type.as_str(), "application/json", "application/x-www-form-urlencoded", "multipart/form-data; boundary=a", "text/plain"] {
            if let Ok(BodyPlan::Whole(_, judge)) = matched.body(Some(media_type), true) {
                let _ = judge.check(&bytes);
            }
        }
    }
}
