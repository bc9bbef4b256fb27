//! `gabion policy`, every verb of it, on what is right and on what is wrong; over decisions that a gate recorded.

use std::fs;
use std::path::Path;

use tempfile::TempDir;

use crate::harness::{Application, Gate, directory_with, get, run, succeed, told};

const POLICIES: &str = include_str!("../../../policy/tests/it/example/orders.cedar");
const CASES: &str = include_str!("../../../policy/tests/it/example/cases.yaml");
const SCHEMA: &str = include_str!("../../../policy/tests/it/example/schema.cedarschema");
const CONTRACT: &str = "openapi: 3.1.0
info: { title: Orders, version: '1' }
paths:
  /orders/{id}:
    parameters: [ { name: id, in: path, required: true, schema: { type: string, maxLength: 9 } } ]
    get: { operationId: getOrder, tags: [orders], responses: { '200': { description: d } } }
  /orders/{id}/pay:
    parameters: [ { name: id, in: path, required: true, schema: { type: string, maxLength: 9 } } ]
    post: { operationId: payOrder, responses: { '204': { description: d } } }
  /orders/{id}/refund:
    parameters: [ { name: id, in: path, required: true, schema: { type: string, maxLength: 9 } } ]
    post: { operationId: refundOrder, responses: { '204': { description: d } } }
  /orders:
    get: { operationId: listOrders, responses: { '200': { description: d } } }
";

/// A gate before an application whose contract says what there is to ask.
fn configuration(application: &str) -> String {
    let route = |path: &str, method: &str| {
        format!(
            "[[routes]]\npath = \"{path}\"\nmethods = [\"{method}\"]\naccess = \"signed-in\"\ncontract = \"orders\"\n\
             upstream = \"app\"\npolicy = {{ resource = \"Order\", tenant = \"claim.tenant\", \
             attributes = {{ owner = \"claim.account\", state = \"text:open\" }} }}\n"
        )
    };
    format!(
        "[gateway]\nlisten = \"127.0.0.1:0\"\ntls = {{ mode = \"off\" }}\n[admin]\nlisten = \"127.0.0.1:0\"\n\
         [data]\ndirectory = \"data\"\n[upstreams.app]\nurl = \"http://{application}\"\n[policy]\ndirectory = \"policies\"\n\
         [contracts.orders]\nfile = \"openapi.yaml\"\nanswers = \"off\"\n{}{}{}",
        route("/orders/{id}", "GET"),
        route("/orders/{id}/pay", "POST"),
        route("/orders/{id}/refund", "POST"),
    )
}

fn installation(application: &str) -> TempDir {
    let directory = directory_with(&configuration(application));
    let path = directory.path();
    write(path, "openapi.yaml", CONTRACT);
    write(path, "policies/orders.cedar", POLICIES);
    write(path, "policies/schema.cedarschema", SCHEMA);
    write(path, "policies/tests/orders.yaml", CASES);
    directory
}

fn write(directory: &Path, name: &str, text: &str) {
    let path = directory.join(name);
    fs::create_dir_all(path.parent().expect("a folder")).expect("the folder is made");
    fs::write(path, text).expect("the file is written");
}

/// Another folder of policies, in which owners see nothing.
fn changed(directory: &Path) {
    let start = POLICIES.find("@id(\"orders.own\")").expect("it is there");
    let end = POLICIES.find("@id(\"orders.pay-own\")").expect("it is there");
    write(directory, "new/orders.cedar", &format!("{}{}", &POLICIES[..start], &POLICIES[end..]));
    write(directory, "new/schema.cedarschema", SCHEMA);
}

fn code(directory: &Path, arguments: &[&str]) -> Option<i32> {
    run(directory, arguments).status.code()
}

const EXPLAIN: &[&str] = &[
    "policy",
    "explain",
    "--principal",
    "alice",
    "--action",
    "getOrder",
    "--resource",
    "Order::1",
    "--attribute",
    "tenant=acme",
    "--attribute",
    "state=open",
    "--attribute",
];

#[test]
fn what_is_right_is_said_by_every_verb() {
    let directory = installation("127.0.0.1:1");
    let path = directory.path();
    let checked = succeed(path, &["policy", "check"]);
    assert!(checked.starts_with("ok  policies: 6 policies, 11 actions, generation "), "{checked}");
    assert_eq!(succeed(path, &["policy", "test"]), "8 passed, 0 failed\n");
    let owner = [EXPLAIN, &["owner=alice"]].concat();
    insta::assert_snapshot!("policy-explain-allowed", told(&run(path, &owner)));
    let other = [EXPLAIN, &["owner=bob"]].concat();
    insta::assert_snapshot!("policy-explain-denied", told(&run(path, &other)));
    let cases = "policies/tests/orders.yaml";
    insta::assert_snapshot!("policy-matrix", told(&run(path, &["policy", "matrix", cases])));
    let csv = ["policy", "review", "--principals", cases, "--format", "csv"];
    insta::assert_snapshot!("policy-review", told(&run(path, &csv)));
    let html = succeed(path, &["policy", "review", "--principals", cases, "--format", "html"]);
    assert!(html.starts_with("<!doctype html>") && html.contains("orders.refund"), "{html}");
    let rows = succeed(path, &["policy", "review", "--principals", cases, "--format", "json"]);
    let rows: Vec<serde_json::Value> = serde_json::from_str(&rows).expect("JSON");
    assert!(rows.iter().any(|row| row["action"] == "getOrder" && row["name"] == "alice"), "{rows:?}");
    let schema = succeed(path, &["policy", "schema"]);
    for words in [
        "action \"getOrder\" in [\"read\", \"tag:orders\"]",
        "action \"payOrder\" in [\"write\"]",
        "resource: [Order]",
        "//   Route::\"/orders/{id}/pay\"",
        "asked by no route",
        "//   Action::\"listOrders\"",
    ] {
        assert!(schema.contains(words), "{words} in\n{schema}");
    }
    changed(path);
    assert_eq!(code(path, &["policy", "diff", "policies", "--questions", cases]), Some(0));
    insta::assert_snapshot!(
        "policy-diff",
        told(&run(path, &["policy", "diff", "new", "--questions", cases]))
    );
}

#[test]
fn what_is_wrong_is_said_with_its_place_and_a_way_out() {
    let directory = installation("127.0.0.1:1");
    let path = directory.path();
    let cases = "policies/tests/orders.yaml";
    write(path, cases, &CASES.replace("expect: deny\n    by: []", "expect: allow\n    by: []"));
    insta::assert_snapshot!("policy-test-failed", told(&run(path, &["policy", "test"])));
    write(path, "policies/tests/orders.yaml", "cases: [ { name: x } ]");
    insta::assert_snapshot!("policy-test-unreadable", told(&run(path, &["policy", "test"])));
    write(
        path,
        "policies/orders.cedar",
        "permit (principal, action == Action::\"getOrdr\", resource);\npermit (",
    );
    let broken = told(&run(path, &["policy", "check"]));
    insta::assert_snapshot!("policy-check-broken", broken);
    write(path, "policies/orders.cedar", "permit (principal, action == Action::\"getOrdr\", resource);");
    insta::assert_snapshot!("policy-check-unknown", told(&run(path, &["policy", "check"])));
    for verb in [
        &["policy", "explain", "--action", "getOrder", "--resource", "Order::1"][..],
        &["policy", "diff", "new"],
        &["policy", "review", "--format", "csv"],
        &["policy", "matrix", cases],
        &["policy", "schema"],
        &["config", "check"],
        &["run"],
    ] {
        assert_eq!(code(path, verb), Some(2), "nobody decides by broken policies: {verb:?}");
    }
    write(path, "openapi.yaml", "openapi: 3.1.0\npaths: 3\n");
    assert_eq!(code(path, &["policy", "check"]), Some(2), "nor by half a contract");
}

#[test]
fn what_nobody_would_read_is_not_passed_over() {
    let directory = installation("127.0.0.1:1");
    let path = directory.path();
    write(path, "policies/.#orders.cedar", "what an editor leaves");
    assert_eq!(code(path, &["policy", "check"]), Some(0));
    for name in
        ["policies/app.cedarschema", "policies/schema.cedarschema.json", "policies/strict/forbid.cedar"]
    {
        write(path, name, "forbid (principal, action, resource);");
        let told = told(&run(path, &["policy", "check"]));
        assert!(told.contains(&format!("{name}` would be passed over")), "{told}");
        let file = path.join(name);
        fs::remove_file(file).expect("it was written");
    }
    assert_eq!(code(path, &["policy", "check"]), Some(0), "an empty folder says nothing");
}

#[test]
fn an_action_that_does_not_apply_closes_no_route_unsaid() {
    let directory = installation("127.0.0.1:1");
    let path = directory.path();
    let configuration = configuration("127.0.0.1:1");
    for (asked, place) in [
        ("action = \"read\", resource = \"Order\"", "the action `read` does not apply to `Order`"),
        ("action = \"POST\", resource = \"Order\"", "the action `POST` does not apply to `Order`"),
        (
            "action = \"look\", resource = \"Order\", known_by = \"GET\"",
            "the action `GET` does not apply to `Order`",
        ),
    ] {
        let route = format!(
            "\n[[routes]]\npath = \"/more/{{id}}\"\naccess = \"signed-in\"\nupstream = \"app\"\npolicy = {{ {asked} }}\n"
        );
        write(path, "gabion.toml", &format!("{configuration}{route}"));
        let told = told(&run(path, &["config", "check"]));
        assert!(told.contains(place) && told.contains("gabion.toml:"), "{asked}: {told}");
    }
}

#[test]
fn a_change_is_asked_over_what_a_gate_decided() {
    let application = Application::start();
    let directory = installation(&application.address.to_string());
    let path = directory.path();
    changed(path);
    let warned = "nobody is known to have `Role::\"clerk\"`";
    let gate = Gate::start(path);
    gate.process.wait_for_stderr("a policy is worth a look");
    let password = "seven-grey-stones-in-a-wire-cage";
    gate.accept(&gate.link(), password);
    let cookie = format!("Cookie: {}", gate.sign_in("admin", password).expect("signs in"));
    assert_eq!(get(gate.address, "/orders/17", &[&cookie]).status, 200);
    assert_eq!(get(gate.address, "/orders/18", &[&cookie]).status, 200);

    let same = run(path, &["policy", "diff", "policies"]);
    assert_eq!(same.status.code(), Some(0), "{}", told(&same));
    assert!(told(&same).contains("0 changes of 2 questions asked"), "{}", told(&same));
    let other = run(path, &["policy", "diff", "new", "--format", "json"]);
    assert_eq!(other.status.code(), Some(4), "{}", told(&other));
    let difference: serde_json::Value = serde_json::from_slice(&other.stdout).expect("JSON");
    assert_eq!((&difference["asked"], difference["changes"].as_array().map(Vec::len)), (&2.into(), Some(2)));
    let change = &difference["changes"][0];
    assert_eq!((&change["before"]["effect"], &change["after"]["effect"]), (&"allow".into(), &"deny".into()));
    assert_eq!(change["question"]["action"], "getOrder", "the contract's operation");
    assert_eq!(change["question"]["resource"]["type"], "Order");

    // The gate that runs says which names there are.
    let checked = told(&run(path, &["policy", "check"]));
    assert!(checked.starts_with("exit 0") && checked.contains(warned), "{checked}");
    let examined = told(&run(path, &["doctor"]));
    assert!(examined.contains(warned), "{examined}");
    let schema = succeed(path, &["policy", "schema"]);
    assert!(schema.contains("//   Role::\"administrator\""), "{schema}");
    assert!(schema.contains("//   Tenant::\"default\""), "{schema}");
}
