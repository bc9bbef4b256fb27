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

#[test]
fn what_the_facts_said_is_said_again() {
    let text = r#"
secrets = ["never-shown-anywhere"]
[target]
url = "http://127.0.0.1:3000"
http = "2"
ports = [22, 8080]
udp_ports = true
verify = false
[[identities]]
name = "alice"
password = "not-a-real-one"
[identities.login]
operation = "POST /staff/login"
form = { u = "{user}", p = "{password}" }
headers = { "X-Staff" = "1" }
token = "/t"
header = "Authorization: Bearer {token}"
[identities.login.second]
operation = "POST /staff/code"
json = { code = "{totp}" }
[login]
operation = "POST /login"
json = { a = { b = "{user}" }, p = "{password}" }
token_field = "X-Token"
[accounts]
mail = "127.0.0.1:2525"
token = "15m"
sessions = 2
[accounts.create]
operation = "POST /register"
json = { name = "{user}", password = "{password}" }
identity = "alice"
[accounts.reset]
operation = "POST /reset/{token}"
form = { new = "{new}" }
[oauth]
client = "probe"
secret = "not-a-real-one-either"
redirect = "http://127.0.0.1:9/cb"
identity = "alice"
other = "second"
[monitoring]
request = "GET /audit"
identity = "alice"
within = "5s"
alerts = { request = "GET /alerts", identity = "alice" }
incidents = { file = "/var/log/incidents" }
[callback]
dns = "127.0.0.1:5353"
zone = "cb.example"
[[bounds]]
operation = "POST /orders"
field = "quantity"
min = 1.0
step = 0.5
[[uploads]]
operation = "POST /files"
max = 2000000
"#;
    let facts = Facts::parse(text, &|_| None).unwrap();
    let mut out = String::new();
    given::root(&mut out, &facts);
    let _ = writeln!(out, "[target]\nurl = {}", quoted(&facts.target.url));
    given::target(&mut out, &facts.target);
    out.push_str("[[identities]]\nname = \"alice\"\npassword = { env = \"ALICE_PASSWORD\" }\n");
    given::login(&mut out, "identities.login", facts.identities[0].login.as_ref().unwrap());
    given::login(&mut out, "login", facts.login.as_ref().unwrap());
    given::accounts(&mut out, &facts);
    given::rest(&mut out, &facts);
    assert!(!out.contains("not-a-real-one") && !out.contains("never-shown"), "{out}");
    assert_eq!(variables(&facts), ["ALICE_PASSWORD", "SECRET_1", "CLIENT_SECRET"]);
    let read = Facts::parse(&out, &|name| {
        let hidden = match name {
            "SECRET_1" => "never-shown-anywhere",
            "CLIENT_SECRET" => "not-a-real-one-either",
            "ALICE_PASSWORD" => "not-a-real-one",
            _ => return None,
        };
        Some(hidden.to_owned())
    });
    let read = read.unwrap_or_else(|error| panic!("{error}\n{out}"));
    // What `Debug` does not show is compared by itself.
    assert_eq!(format!("{read:?}"), format!("{facts:?}"), "{out}");
    let own = |facts: &Facts| {
        let staff = facts.identities[0].login.clone().unwrap();
        let login = facts.login.clone().unwrap();
        (staff.form, staff.headers, staff.token, staff.header, login.json, login.token_field)
    };
    assert_eq!(own(&read), own(&facts));
    let code = |facts: &Facts| facts.identities[0].login.clone().unwrap().second.unwrap().json;
    assert_eq!(code(&read), code(&facts));
}
