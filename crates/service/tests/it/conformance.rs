//! The lists in `conformance/oidc/` and the tests they name: a name without a test is a promise that nobody keeps.

use std::process::Command;

const LISTS: [(&str, &str); 2] = [
    ("modules.toml", include_str!("../../../../conformance/oidc/modules.toml")),
    ("modules-rp.toml", include_str!("../../../../conformance/oidc/modules-rp.toml")),
];

/// How many modules each plan for relying parties has; those for providers are counted in `e2e/oidc_modules.rs`.
const PLANS: [(&str, usize); 4] =
    [("basic", 14), ("dynamic", 12), ("rp-initiated-logout", 3), ("back-channel-logout", 8)];

#[test]
fn the_plans_for_relying_parties_are_complete() {
    let value = |entry: &'static str, key: &str| -> Option<&'static str> {
        entry.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(" = \"")?.strip_suffix('"'))
    };
    let modules: Vec<&str> = LISTS[1].1.split("[[module]]").skip(1).collect();
    let plans = |entry: &'static str| value(entry, "plan").unwrap_or_default().split(", ");
    for (plan, count) in PLANS {
        let of = modules.iter().filter(|entry| plans(entry).any(|one| one == plan)).count();
        assert_eq!(of, count, "{plan}");
    }
    let mut names: Vec<_> = modules.iter().map(|entry| value(entry, "name").unwrap()).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), modules.len(), "each module stands there once");
    for entry in modules {
        let (test, excluded) = (value(entry, "test"), value(entry, "excluded"));
        assert!(test.is_some() != excluded.is_some(), "a test or a reason: {entry}");
    }
}

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
    assert!(named > 30, "{named} tests are named here");
}
