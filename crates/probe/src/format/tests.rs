use super::*;

#[test]
fn the_schema_is_one() {
    let schema = schema();
    assert!(schema.get("properties").and_then(|members| members.get("findings")).is_some());
}

#[test]
fn what_is_long_is_cut_between_characters() {
    assert_eq!(bounded("äöü", 2), "äö…");
    assert_eq!(bounded("äöü", 3), "äöü");
}
