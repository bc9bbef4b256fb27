//! The lists in `conformance/oidc/` and the tests they name: a name without a test is a promise that nobody keeps.

use std::process::Command;

const LISTS: [(&str, &str); 2] = [
    ("modules.toml", include_str!("../../../../conformance/oidc/modules.toml")),
    ("modules-rp.toml", include_str!("../../../../conformance/oidc/modules-rp.toml")),
];

#[test]
fn the_tests_that_are_listed_exist_and_run() {
    let list = |arguments: &[&str]| {
        let binary = std::env::current_exe().unwrap();
        let output = Command::new(binary).args(arguments).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let (all, ignored) = (list(&["--list"]), list(&["--list", "--ignored"]));
    let has = |list: &str, name: &str| list.lines().any(|line| line.strip_suffix(": test") == Some(name));
    let mut named = 0;
    for (file, text) in LISTS {
        for line in text.lines() {
            let Some(name) = line.strip_prefix("test = \"gabion-service::it ") else { continue };
            let name = name.strip_suffix('"').unwrap();
            assert!(has(&all, name), "{file} names `{name}`, and there is no such test");
            assert!(!has(&ignored, name), "{file} names `{name}`, which is ignored");
            named += 1;
        }
    }
    assert!(named > 15, "{named} tests are named here");
}
