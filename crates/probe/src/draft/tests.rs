use super::*;

#[test]
fn texts_of_a_target_stay_texts() {
    for text in ["a\"]\n[evil]", "\\", "tab\there", "\u{202e}drow", "", "'''\r\n#"] {
        let line = format!("a = {}\n# {}\n", quoted(text), comment(text));
        let read: toml::Table = toml::from_str(&line).unwrap();
        assert_eq!((read.len(), read["a"].as_str()), (1, Some(text)), "{line}");
    }
}

#[test]
fn a_json_body_is_one_line() {
    let body = serde_json::json!({ "user": { "name": "{user}" }, "n": [1, true, "x\"y"] });
    let line = format!("json = {}", inline(&body).unwrap());
    let read: toml::Table = toml::from_str(&line).unwrap();
    assert_eq!(serde_json::to_value(&read["json"]).unwrap(), body);
    assert_eq!(inline(&serde_json::json!({ "a": null })), None);
}

#[test]
fn each_variable_is_one_persons() {
    let facts = Facts::of("http://127.0.0.1:1").with("a.b", "x").with("a-b", "y").with("7", "z");
    assert_eq!(variables(&facts), ["A_B_PASSWORD", "A_B_2_PASSWORD", "USER_7_PASSWORD"]);
}

#[test]
fn what_cannot_be_taken_back_is_told_by_whole_words() {
    assert!(is_risky("/api/admin/reset") && is_risky("/db/wipe-all"));
    assert!(!is_risky("/api/presets") && !is_risky("/flushed") && !is_risky("/reset"));
}
