//! Rules that are wrong or mean harm.

use proptest::prelude::*;

use crate::traffic::{BASE, counting, refusal, rules, show, watcher};

fn refused(text: &str, says: &str) {
    let problems = rules(text).expect_err(text);
    let said = problems.iter().map(|problem| format!("{problem}\n")).collect::<String>();
    assert!(said.contains(says), "{says:?} is not in {said}");
    for problem in problems {
        assert!(problem.path.starts_with("test.yml") && problem.hint.is_some(), "{problem:?}");
        assert!(problem.to_string().len() < 1_500, "{problem}");
    }
}

#[test]
fn what_is_not_known_is_refused_with_its_place() {
    refused(
        &format!("{BASE}surprise: 1\n"),
        "`test.yml:7`: rule `Refused`: `surprise` is not known in a rule",
    );
    refused(&BASE.replace("action:", "acton:"), "events have no field `acton`");
    refused(&BASE.replace("action:", "action|containz:"), "there is no modifier `containz`");
    refused(&BASE.replace("action:", "action|base64offset|contains:"), "`base64offset` is not read here");
    refused(&BASE.replace("action:", "action|contains|endswith:"), "do not go together");
    refused(&BASE.replace("action:", "action|re|contains:"), "do not go together");
    refused(&BASE.replace("category: refusal", "category: refusals"), "no class `refusals`");
    refused(
        &BASE.replace("product: gabion, category: refusal", "product: windows"),
        "no event here comes from this",
    );
    refused(&BASE.replace("level: low", "level: bad"), "this level is not known");
    refused(&BASE.replace("id: base\n", ""), "`id` is missing");
    refused(
        &BASE.replace("condition: selection", "condition: selected"),
        "`selected`, which is no selection",
    );
    refused(
        &BASE.replace("condition: selection", "condition: selection | count() > 5"),
        "no longer part of Sigma",
    );
    refused(&BASE.replace("condition: selection", "timeframe: 5m, condition: selection"), "`timeframe`");
    refused(
        &BASE.replace("condition: selection", "other: {actor: x}, condition: selection"),
        "does not use the selection `other`",
    );
    refused(&format!("{BASE}gabion: {{control: no.such}}\n"), "no control has the id `no.such`");
    refused(&format!("{BASE}gabion: {{quiet: 90d}}\n"), "`quiet` is a time");
    refused(&format!("{BASE}---\n{BASE}"), "is called `base` too");
    refused("action: global\ntitle: x\n", "collections of Sigma 1");
    refused("title: x\nfilter: {}\n", "filters are not read");
    refused("just words", "a rule is a map");
    refused("", "there is no rule in it");
    refused("a: [", "this is no YAML");
    refused("a: &x 1\nb: *x\n", "anchors");
    refused("a: !!int 1\n", "tags");
    refused("title: x\ntitle: y\n", "the same key stands above");
    refused("[a]: x\n", "a key is a word");
}

#[test]
fn correlations_that_cannot_be_counted_are_refused() {
    let with = |from: &str, to: &str| {
        let correlation = "  type: event_count\n  rules: [base]\n  group-by: [address]\n  timespan: 1m\n  condition: {gte: 3}\n";
        assert!(correlation.contains(from));
        counting(&correlation.replace(from, to))
    };
    refused(&with("event_count", "value_avg"), "`value_avg` is not counted here");
    refused(&with("event_count", "no_count"), "there is no type `no_count`");
    refused(&with("event_count", "value_count"), "which `field`");
    refused(&with("event_count", "temporal"), "no other `condition` is read");
    refused(&with("gte: 3", "lt: 3"), "only when the time is over");
    refused(&with("gte: 3", "gte: 0"), "too small or too large");
    refused(&with("gte: 3", "gte: 99999999999"), "too small or too large");
    refused(&with("gte: 3", "gte: 3, gt: 3"), "one of `gte` and `gt`");
    refused(&with("timespan: 1m", "timespan: 400d"), "`timespan` is a time");
    refused(&with("timespan: 1m", "timespan: 1"), "`timespan` is a time");
    refused(&with("[address]", "[adress]"), "no field `adress`");
    refused(&with("[base]", "[base, base]"), "named twice");
    refused(&with("[base]", "[other]"), "there is no rule `other`");
    refused(&with("[base]", "[counted]"), "in a circle");
}

#[test]
fn what_costs_too_much_is_refused() {
    let with = |value: &str| BASE.replace("action: request.refused", value);
    refused(&with(&format!("action|re: '{}'", "a".repeat(2000))), "too long");
    refused(&with("action|re: '(?:a{1000}){1000}'"), "too large");
    refused(&with("action|re: '(a)\\1'"), "no regular expression");
    refused(&with(&format!("action: '{}'", "*a".repeat(40))), "full of wildcards");
    refused(&with(&format!("action: '{}'", "a".repeat(2000))), "too long");
    refused(&with(&format!("action: [{}]", "x, ".repeat(5000))), "too many values");
    refused(&with(&format!("action: {}1{}", "[".repeat(40), "]".repeat(40))), "too deep");
    refused(&format!("{}# {}", BASE, "x".repeat(300_000)), "bytes");
    let condition = format!("condition: '{}selection{}'", "(".repeat(200), ")".repeat(200));
    refused(&BASE.replace("condition: selection", &condition), "too deep");
    let many: String =
        (0..2100).map(|n| format!("---\n{}", BASE.replace("base", &format!("r{n}")))).collect();
    assert!(many.len() > 300_000, "more than a file holds");
}

#[test]
fn a_set_that_costs_too_much_is_refused() {
    let source = |number: usize| {
        let values: String = (0..3000).map(|n| format!("v{n}, ")).collect();
        let rule = BASE.replace("base", &format!("r{number}"));
        let text = rule.replace("action: request.refused", &format!("resource|contains: [{values}]"));
        gabion_watch::Source { file: format!("test.yml-{number}"), text }
    };
    let sources: Vec<_> = (0..20).map(source).collect();
    let load = |sources: &[gabion_watch::Source]| gabion_watch::Rules::load(sources, &Default::default());
    assert_eq!(load(&sources[..2]).unwrap().len(), 2);
    assert!(load(&sources).unwrap_err()[0].reason.contains("too many values"));
}

#[test]
fn files_made_to_be_slow_are_read_soon() {
    for text in
        ["[", "{", "- ", "? ", "{a: ", "[{", "a:\n", "'", "\"", "&a ", "|\n", "--- \n", "#", "\\", "!a ", "%"]
    {
        let _ = rules(&text.repeat(200_000 / text.len()));
    }
}

#[test]
fn the_worst_pattern_is_done_soon() {
    let worst = format!("'{}b'", "*a?".repeat(8));
    let mut watcher = watcher(&BASE.replace("action: request.refused", &format!("resource: {worst}")));
    let event = refusal(0, "192.0.2.1", &"a".repeat(100_000));
    assert_eq!(show(&mut watcher, [event]), []);
}

proptest! {
    #[test]
    fn anything_is_a_set_of_rules_or_problems_with_a_place(text in any::<String>()) {
        if let Err(problems) = rules(&text) {
            prop_assert!(!problems.is_empty() && problems.iter().all(|problem| problem.path.starts_with("test.yml")));
        }
    }

    #[test]
    fn a_rule_with_anything_in_it_matches_or_does_not(
        field in "(action|resource|time|address|metadata.x|)(\\|(contains|all|re|cidr|hour|gte|windash|fieldref|exists|cased|neq|endswith)){0,3}",
        values in proptest::collection::vec("[a-z0-9/*?.\\\\-]{0,6}|true|null|192.0.2.0/24|action", 0..4),
        resource in any::<String>(),
    ) {
        let values: Vec<_> = values.iter().map(|value| format!("'{value}'")).collect();
        let text = BASE.replace("action: request.refused", &format!("'{field}': [{}]", values.join(", ")));
        if let Ok(rules) = rules(&text) {
            let mut watcher = gabion_watch::Watcher::new(rules.into(), 3);
            let once = show(&mut watcher, [refusal(0, "192.0.2.1", &resource)]);
            let explained = once.iter().flat_map(|alert| &alert.explanation).all(|words| !words.is_empty());
            prop_assert!(explained);
        }
    }
}
