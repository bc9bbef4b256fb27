//! What is refused at load, and where it says the fault is.

use std::collections::BTreeMap;

use gabion_policy::{Facts, GroupFact, Policies, RouteFact, Sources};

fn problems(policy: &str, schema: Option<&str>) -> Vec<String> {
    let facts = Facts {
        routes: vec![RouteFact { id: "/orders/*".into(), path: "/orders/*".into() }],
        roles: ["clerk".into(), "auditor".into()].into(),
        ..Facts::default()
    };
    let sources = Sources {
        policies: BTreeMap::from([("a.cedar".to_owned(), policy.to_owned())]),
        schema: schema.map(|text| ("schema.cedarschema".to_owned(), text.to_owned())),
        ..Sources::default()
    };
    match Policies::compile(sources, &facts) {
        Ok(policies) => policies.warnings().iter().map(|one| format!("warning {one}")).collect(),
        Err(problems) => problems.iter().map(ToString::to_string).collect(),
    }
}

#[test]
fn what_is_wrong_is_said_with_its_line_and_a_way_out() {
    let order = "entity Order = { owner: User };\naction \"pay\" appliesTo { principal: [User], resource: [Order], context: RequestContext };";
    let rows: [(&str, Option<&str>, &[&str]); 12] = [
        ("permit(principal, action == Action::\"GET\", resource);", None, &[]),
        ("\n\npermit(principal, action, resource", None, &["a.cedar:3"]),
        ("permit(principal, action == Action::\"GTE\", resource);", None, &["a.cedar:1", "GTE"]),
        (
            "permit(principal, action == Action::\"GET\", resource)\nwhen { principal.nmae == \"x\" };",
            None,
            &["a.cedar:2", "nmae"],
        ),
        ("permit(principal in ?principal, action, resource);", None, &["a.cedar:1", "template"]),
        (
            "permit(principal, action == Action::\"GET\", resource == Route::\"/order/*\");",
            None,
            &["did you mean `Route::\"/orders/*\"`?"],
        ),
        (
            "permit(principal in Role::\"clrek\", action == Action::\"GET\", resource);",
            None,
            &["warning", "did you mean `Role::\"clerk\"`?"],
        ),
        (
            "@stepup(\"2fa\")\npermit(principal, action == Action::\"GET\", resource);",
            None,
            &["did you mean `@step_up`?"],
        ),
        (
            "@step_up(\"3fa\")\npermit(principal, action == Action::\"GET\", resource);",
            None,
            &["not a step-up"],
        ),
        (
            "@id(\"a\") permit(principal, action == Action::\"GET\", resource);\n@id(\"a\") permit(principal, action == Action::\"PUT\", resource);",
            None,
            &["a.cedar:2", "taken by the policy at a.cedar:1"],
        ),
        (
            "permit(principal, action == Action::\"pay\", resource) when { resource.owner == 3 };",
            Some(order),
            &["a.cedar:1"],
        ),
        (
            "permit(principal, action == Action::\"GET\", resource);",
            Some("\nentity User;"),
            &["schema.cedarschema:2", "filled by the gate", "type Profile"],
        ),
    ];
    for (policy, schema, wanted) in rows {
        let found = problems(policy, schema);
        if wanted.is_empty() {
            assert!(found.is_empty(), "{policy}: {found:?}");
        }
        for word in wanted {
            assert!(found.iter().any(|one| one.contains(word)), "{policy}: {word} in {found:?}");
        }
    }
}

#[test]
fn a_policy_that_can_never_apply_is_refused() {
    let found = problems(
        "forbid(principal, action == Action::\"GET\", resource) when { principal is Tenant };",
        None,
    );
    assert!(!found.is_empty());
}

#[test]
fn groups_in_a_circle_are_refused() {
    let group = |parent: &str| GroupFact { parents: [parent.into()].into(), ..GroupFact::default() };
    let facts = Facts {
        groups: BTreeMap::from([("a".into(), group("b")), ("b".into(), group("a"))]),
        ..Facts::default()
    };
    assert!(Policies::compile(Sources::default(), &facts).is_err());
}

#[test]
fn the_generation_is_the_content() {
    let of = |policy: &str| {
        let policies = BTreeMap::from([("a.cedar".to_owned(), policy.to_owned())]);
        Policies::compile(Sources { policies, ..Sources::default() }, &Facts::default()).unwrap().generation()
    };
    let one = "permit(principal, action == Action::\"GET\", resource);";
    assert_eq!(of(one), of(one));
    assert_ne!(of(one), of("permit(principal, action == Action::\"PUT\", resource);"));
}
