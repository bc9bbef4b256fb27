//! What is refused at load, and where it says the fault is.

use std::collections::BTreeMap;

use gabion_policy::{
    Context, Facts, GroupFact, OperationFact, Policies, Question, Resource, RouteFact, Sources, Subject,
};

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
fn what_is_nested_without_end_is_refused_before_it_is_read() {
    let policy = |condition: &str| format!("permit(principal, action, resource)\nwhen {{ {condition} }};");
    let deep = format!("{}true{}", "(".repeat(100_000), ")".repeat(100_000));
    let long = ["context.secure"; 100_000].join(" || ");
    let ifs = "if context.secure then true else ".repeat(100_000) + "false";
    for (condition, words) in [(deep, "more than 32 deep"), (long, "250 operators"), (ifs, "250 operators")] {
        let found = problems(&policy(&condition), None);
        assert_eq!(found.len(), 1);
        assert!(found[0].starts_with("`a.cedar:2`") && found[0].contains(words), "{found:?}");
    }
    let schema = format!("entity Thing = {{ deep: {}Long{} }};", "Set<".repeat(100_000), ">".repeat(100_000));
    let found = problems("permit(principal, action == Action::\"GET\", resource);", Some(&schema));
    assert!(found[0].contains("250 operators"), "{found:?}");
    // As much as may be is read, on a stack as small as that of a worker.
    let much = ["context.secure && !context.secure"; 60].join(" || ");
    let brackets = format!("{}context.secure{}", "(".repeat(31), ")".repeat(31));
    let text = format!(
        "permit(principal, action, resource) when {{ \"((((\" == \"\" || {much} || {brackets} }}; // (((("
    );
    let found = std::thread::Builder::new().stack_size(2 << 20).spawn(move || problems(&text, None));
    assert_eq!(found.unwrap().join().unwrap(), Vec::<String>::new());
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
fn names_are_compared_with_all_there_are() {
    let policy = r#"
permit (principal in Role::"clark", action == Action::"GET", resource);
permit (principal in Group::"support", action == Action::"GET", resource);
permit (principal in Tenant::"acme", action == Action::"GET", resource) when { principal in Tenant::"acme" };
permit (principal == ServiceAccount::"webhook:payments", action == Action::"GET", resource);
permit (principal == ServiceAccount::"a1", action == Action::"payOrder", resource);"#;
    let operation = OperationFact { id: "payOrder".into(), idle: true, ..OperationFact::default() };
    let warnings = |facts: Facts| {
        let policies = BTreeMap::from([("a.cedar".to_owned(), policy.to_owned())]);
        let compiled = Policies::compile(Sources { policies, ..Sources::default() }, &facts).unwrap();
        let generation = compiled.generation();
        (compiled.warnings().iter().map(ToString::to_string).collect::<Vec<_>>(), generation)
    };
    let only = Facts {
        operations: vec![OperationFact { idle: false, ..operation.clone() }],
        service_accounts: ["webhook:payments".into()].into(),
        ..Facts::default()
    };
    let (none, before) = warnings(only.clone());
    assert!(none.is_empty(), "nothing is known of names: {none:?}");
    let all = Facts { operations: vec![operation], roles: ["clerk".into()].into(), complete: true, ..only };
    let (found, after) = warnings(all);
    assert_eq!(before, after, "what is only compared with decides nothing");
    insta::assert_snapshot!(found.join("\n"));
}

#[test]
fn what_is_done_by_a_method_that_writes_writes() {
    let policy = "permit (principal, action in Action::\"read\", resource);";
    for (methods, reads) in
        [(&["GET", "HEAD"][..], true), (&["GET", "POST"], false), (&[], false), (&["*"], false)]
    {
        let operation = OperationFact {
            id: "work".into(),
            methods: methods.iter().map(|method| (*method).into()).collect(),
            ..OperationFact::default()
        };
        let facts = Facts { operations: vec![operation], ..Facts::default() };
        let policies = BTreeMap::from([("a.cedar".to_owned(), policy.to_owned())]);
        let compiled = Policies::compile(Sources { policies, ..Sources::default() }, &facts).unwrap();
        let (subject, resource, context) =
            (Subject::anonymous(), Resource::new("Route", "/"), Context::default());
        let question =
            Question { principal: &subject, action: "work", resource: &resource, context: &context };
        assert_eq!(compiled.decide(&question).is_allowed(), reads, "{methods:?}");
    }
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
