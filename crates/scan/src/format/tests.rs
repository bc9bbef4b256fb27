use super::*;

#[test]
fn the_schema_is_one() {
    let schema = schema();
    assert!(schema.get("properties").and_then(|members| members.get("findings")).is_some());
}

#[test]
fn paths_become_addresses() {
    assert_eq!(uri("a b/ü?#.js"), "a%20b/%C3%BC%3F%23.js");
}
