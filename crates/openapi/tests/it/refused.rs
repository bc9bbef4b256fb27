//! Contracts that cannot be used, and what is listed of those that can.

use std::collections::BTreeMap;

use gabion_openapi::{Contract, Match, Options};

use crate::shop::load;

fn with(paths: &str) -> String {
    format!("openapi: 3.1.0\ninfo: {{ title: t, version: '1' }}\npaths:\n{paths}")
}

#[test]
fn each_fault_has_its_place() {
    let get = |inside: &str| {
        with(&format!(
            "  /a:\n    get:\n      {inside}\n      responses: {{ '200': {{ description: d }} }}\n"
        ))
    };
    let rows: Vec<(String, &str, &str)> = vec![
        ("swagger: '2.0'".to_owned(), "shop.yaml:1", "no OpenAPI document"),
        ("openapi: 4.0.0".to_owned(), "shop.yaml:1", "version `4.0.0` is not known"),
        (with("  {}\n"), "shop.yaml", "no operation"),
        ("a: [".to_owned(), "shop.yaml:", ""),
        ("a: 1\na: 2\n".to_owned(), "shop.yaml:2", "each name once"),
        (
            get("parameters: [ { $ref: 'https://evil.example/p.yaml' } ]"),
            "shop.yaml:6",
            "nothing is ever fetched",
        ),
        (get("parameters: [ { $ref: 'other.yaml#/p' } ]"), "shop.yaml:6", "`other.yaml` is not among"),
        (get("parameters: [ { $ref: '../../etc/passwd' } ]"), "shop.yaml:6", "is not among"),
        (get("parameters: [ { $ref: '#/nowhere' } ]"), "shop.yaml:6", "leads to nothing"),
        (
            get("parameters: [ { $ref: '#/paths/~1a/get/parameters/0' } ]"),
            "shop.yaml:6",
            "leads back to itself",
        ),
        (get("parameters: [ { name: a, in: body } ]"), "shop.yaml:6", "not `body`"),
        (
            get("parameters: [ { name: a, in: query, style: matrix, schema: {} } ]"),
            "shop.yaml:6",
            "`matrix` is not for query",
        ),
        (
            get("parameters: [ { name: a, in: query, schema: {} }, { name: a, in: query, schema: {} } ]"),
            "shop.yaml:6",
            "declared twice",
        ),
        (get("parameters: [ { name: a, in: query, schema: { type: wrong } } ]"), "shop.yaml:6", ""),
        (
            with("  /a/{b}: { get: { responses: {} } }\n  /a/{c}: { get: { responses: {} } }\n"),
            "shop.yaml:5",
            "means the same requests",
        ),
        (with("  a: { get: { responses: {} } }\n"), "shop.yaml:4", "a path begins with `/`"),
        (
            with("  /a: { get: { x-sunset: soon, responses: {} } }\n"),
            "shop.yaml:4",
            "`x-sunset` is not a date",
        ),
        (
            with("  /a: { get: { responses: { '20': { description: d } } } }\n"),
            "shop.yaml:4",
            "`20` is not a status",
        ),
    ];
    for (text, place, reason) in rows {
        let problems = load(&text, &Options::default()).map(|_| ()).unwrap_err();
        let fits =
            problems.iter().any(|problem| problem.path.starts_with(place) && problem.reason.contains(reason));
        assert!(fits, "{text}\n{problems:#?}");
    }
}

#[test]
fn what_is_not_enforced_is_listed_with_its_line() {
    let text = with(
        "  /a/{b}:
    post:
      deprecated: true
      callbacks: {}
      requestBody:
        content:
          application/xml: { schema: { type: object } }
      responses: { '200': { description: d, content: { text/html: { schema: { type: string, maxLength: 9 } }, text/plain: { schema: { type: string } } } } }
",
    );
    let loaded = load(&text, &Options::default()).unwrap();
    let listed: Vec<(&str, &str)> = loaded
        .not_enforced
        .iter()
        .map(|limit| (limit.place.as_str(), limit.what.split([':', '(']).next().unwrap_or_default()))
        .collect();
    assert_eq!(
        listed,
        [
            ("shop.yaml:6", "`deprecated` without a date"),
            ("shop.yaml:6", "the path parameter `b` is not declared"),
            ("shop.yaml:7", "requests that the application itself sends "),
            ("shop.yaml:10", "what is inside a body of type `application/xml`"),
            ("shop.yaml:11", "what is inside an answer of type `text/html`"),
        ]
    );
}

#[test]
fn files_refer_to_each_other() {
    let root = with("  /pets: { $ref: 'paths/pets.yaml' }\n");
    let paths = "get:\n  parameters: [ { $ref: '../parts.json#/limit' } ]\n  responses: { '200': { description: d } }\n";
    let parts = r##"{"limit":{"name":"limit","in":"query","schema":{"$ref":"#/Limit"}},"Limit":{"type":"integer","maximum":9}}"##;
    let mut files = BTreeMap::from([("api.yaml".to_owned(), root)]);
    for (name, text) in [("paths/pets.yaml", paths), ("parts.json", parts)] {
        let missing: Vec<String> = Contract::missing(&files).unwrap().into_iter().collect();
        assert_eq!(missing, [name]);
        assert!(Contract::load(&files, "api.yaml", &Options::default()).is_err());
        files.insert(name.to_owned(), text.to_owned());
    }
    let contract = Contract::load(&files, "api.yaml", &Options::default()).unwrap().contract;
    assert_eq!(crate::shop::head(&contract, "GET", "/pets?limit=9", &[]), [""; 0]);
    assert_eq!(
        crate::shop::head(&contract, "GET", "/pets?limit=10", &[]),
        ["query limit: must be at most 9"]
    );
    let options = Options { base_path: Some("/api/".to_owned()), ..Options::default() };
    let contract = Contract::load(&files, "api.yaml", &options).unwrap().contract;
    assert!(matches!(contract.operation("GET", "/api/pets"), Match::Operation(_)));
}
