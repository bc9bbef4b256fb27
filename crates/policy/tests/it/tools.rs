//! Cases, explanations, differences, reviews and the matrix, over one example.

use std::collections::BTreeMap;

use gabion_policy::cases::Cases;
use gabion_policy::diff::Difference;
use gabion_policy::review::{self, May};
use gabion_policy::{
    Context, Effect, Facts, OperationFact, OwnedQuestion, Policies, Question, Resource, Sources, Subject,
    SubjectKind, WrittenQuestion,
};

const POLICIES: &str = include_str!("example/orders.cedar");
const CASES: &str = include_str!("example/cases.yaml");

fn example(text: &str) -> Policies {
    let operation = |id: &str, method: &str| OperationFact {
        id: id.into(),
        methods: [method.into()].into(),
        resources: ["Order".into()].into(),
        ..OperationFact::default()
    };
    let facts = Facts {
        operations: vec![
            operation("getOrder", "GET"),
            operation("payOrder", "POST"),
            operation("refundOrder", "POST"),
        ],
        ..Facts::default()
    };
    let sources = Sources {
        policies: BTreeMap::from([("orders.cedar".to_owned(), text.to_owned())]),
        schema: Some((
            "schema.cedarschema".to_owned(),
            include_str!("example/schema.cedarschema").to_owned(),
        )),
        entities: None,
        cache: 64,
    };
    Policies::compile(sources, &facts).unwrap()
}

fn user(id: &str, roles: &[&str]) -> Subject {
    Subject::new(SubjectKind::User, id, id, Some("acme"), roles, &[], BTreeMap::new())
}

fn order(owner: &str) -> Resource {
    Resource::new("Order", "1").with("owner", owner).with("tenant", "acme").with("state", "open")
}

#[test]
fn cases_pass_and_fail_with_the_reason() {
    let cases = Cases::parse("cases.yaml", CASES).unwrap();
    let tried = cases.run("cases.yaml", &example(POLICIES)).unwrap();
    assert_eq!(tried.len(), 8);
    assert!(tried.iter().all(|one| one.passed), "{tried:#?}");
    let opened = format!(
        "{POLICIES}\n@id(\"open\") permit(principal, action == Action::\"getOrder\", resource is Order);"
    );
    let failed: Vec<_> =
        cases.run("cases.yaml", &example(&opened)).unwrap().into_iter().filter(|one| !one.passed).collect();
    assert!(
        failed.iter().any(|one| one.differs.iter().any(|text| text == "expected deny, got allow")),
        "{failed:#?}"
    );
}

#[test]
fn a_file_of_cases_is_judged_before_it_is_asked() {
    let wrong =
        CASES.replace("principal: carol", "principal: carrol").replace("\"step_up:2fa,5m\"", "\"stepup\"");
    let problems: Vec<String> =
        Cases::parse("c.yaml", &wrong).unwrap_err().iter().map(ToString::to_string).collect();
    assert!(problems.iter().any(|one| one.contains("`carrol` is not declared")), "{problems:?}");
    assert!(problems.iter().any(|one| one.contains("`stepup` is not an obligation")), "{problems:?}");
    for text in ["cases: [1]", "casses: []", "cases: [{name: a}]", ":", "principals: {a: {roles: 3}}"] {
        assert!(Cases::parse("c.yaml", text).is_err(), "{text}");
    }
}

#[test]
fn an_explanation_names_the_condition_that_would_change_it() {
    let set = example(POLICIES);
    let (context, mine) = (Context::default(), order("alice"));
    let bob = user("bob", &[]);
    let question = Question { principal: &bob, action: "getOrder", resource: &mine, context: &context };
    let why = set.explain(&question);
    assert_eq!(why.effect, Effect::Deny);
    let nearest = why.nearest.first().unwrap();
    assert_eq!((&*nearest.policy.0, &*nearest.place), ("orders.own", "orders.cedar:2"));
    let missing: Vec<_> = nearest.missing().collect();
    assert_eq!(missing.len(), 1);
    assert_eq!(missing[0].text, "resource.owner == principal");
    let found: Vec<String> =
        missing[0].found.iter().map(|one| format!("{} = {}", one.name, one.value)).collect();
    assert!(found.iter().any(|one| one.contains("owner") && one.contains("User::\"alice\"")), "{found:?}");
    assert!(found.iter().any(|one| one.contains("principal") && one.contains("User::\"bob\"")), "{found:?}");

    let alice = user("alice", &[]);
    let why = set.explain(&Question { principal: &alice, ..question });
    assert_eq!(why.because, "`orders.own` at orders.cedar:2 permits it, and nothing else does");
    let held = mine.clone().with("held", true);
    let why =
        set.explain(&Question { principal: &alice, action: "payOrder", resource: &held, context: &context });
    assert_eq!(why.because, "`orders.held` at orders.cedar:22 forbids it");
    let why =
        set.explain(&Question { principal: &alice, action: "burnOrder", resource: &mine, context: &context });
    assert!(why.because.contains("there is no such action"), "{}", why.because);
    let bare = Resource::new("Order", "1");
    let why =
        set.explain(&Question { principal: &alice, action: "getOrder", resource: &bare, context: &context });
    assert!(why.unfit.contains(&"resource.owner".to_owned()), "{why:#?}");
}

#[test]
fn a_difference_says_what_opens_and_what_closes() {
    let before = example(POLICIES);
    let after = example(&POLICIES.replace("resource.owner == principal };", "true };"));
    let question = |who: &str| OwnedQuestion {
        principal: user(who, &[]),
        action: "getOrder".to_owned(),
        resource: order("alice"),
        context: Context::default(),
    };
    let questions = [question("alice"), question("bob"), question("bob")];
    let difference = Difference::of(&before, &after, &questions);
    assert_eq!((difference.asked, difference.changes.len()), (3, 1));
    let change = &difference.changes[0];
    assert_eq!((change.count, change.before.effect, change.after.effect), (2, Effect::Deny, Effect::Allow));
    assert_eq!(change.question.principal.id, "bob");
    assert!(Difference::of(&before, &before, &questions).changes.is_empty());
}

#[test]
fn a_review_says_who_may_and_under_which_conditions() {
    let set = example(POLICIES);
    let rows = set.review(&[user("alice", &[]), user("=cmd()", &["clerk"]), Subject::anonymous()]);
    let row = |who: &str, action: &str| rows.iter().find(|row| row.name == who && row.action == action);
    let own = row("alice", "getOrder").unwrap();
    assert_eq!(
        (own.may, own.when.as_slice()),
        (May::Sometimes, &["resource.owner == principal".to_owned()][..])
    );
    assert!(row("alice", "refundOrder").is_none());
    assert!(rows.iter().all(|row| row.name != "anonymous"));
    let pay = row("alice", "payOrder").unwrap();
    assert_eq!(pay.unless, ["resource has held and resource.held"]);
    let csv = review::csv(&rows);
    assert!(csv.starts_with("principal,name,"));
    assert!(csv.contains("\"'=cmd()\""), "no formula reaches a spreadsheet: {csv}");
    let html = review::html(&rows, "a<b", "0");
    assert!(html.contains("a&lt;b") && !html.contains("<b>"), "{html}");
}

#[test]
fn the_matrix_of_the_example() {
    let set = example(POLICIES);
    let cases = Cases::parse("cases.yaml", CASES).unwrap();
    insta::assert_snapshot!(review::matrix(&set, &cases.everything("cases.yaml", &set).unwrap()));
}

#[test]
fn a_written_question_is_the_question() {
    let context = Context {
        ip: Some("10.0.0.1".parse().unwrap()),
        now: Some(gabion_model::Timestamp::from_secs(1_767_312_000)),
        acr: Some(gabion_model::Acr::TwoFactors),
        factors: gabion_model::Methods::PASSWORD.with(gabion_model::Methods::TOTP),
        scopes: vec!["orders".into()],
        secure: true,
        credential: Some("bearer".into()),
        ..Context::default()
    };
    let (alice, order) = (user("alice", &["clerk"]), order("alice"));
    let question = Question { principal: &alice, action: "getOrder", resource: &order, context: &context };
    let written = WrittenQuestion::of(&question);
    let json = serde_json::to_string(&written).unwrap();
    let again: WrittenQuestion = serde_json::from_str(&json).unwrap();
    let read = again.read().unwrap();
    assert_eq!(read.context, context);
    assert_eq!(read.resource, order);
    assert_eq!(WrittenQuestion::of(&read.as_question()), written);
    for (name, value) in [("ip", "x"), ("now", "yesterday"), ("hour", "3"), ("acr", "9"), ("scopes", "a")] {
        let mut wrong = written.clone();
        wrong.context.insert(name.into(), value.into());
        assert!(wrong.read().is_err(), "{name}");
    }
}
