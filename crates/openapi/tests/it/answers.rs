//! What the contract makes of answers, and of operations that end.

use gabion_model::Timestamp;
use gabion_openapi::{AnswerPlan, Answers, Contract, Judged, Match, Options};

use crate::shop::shop;

fn contract(answers: Answers) -> Contract {
    shop(&Options { answers, ..Options::default() })
}

fn operation(contract: &Contract, method: &str, path: &str) -> usize {
    match contract.operation(method, path) {
        Match::Operation(matched) => matched.index,
        _ => panic!("no operation"),
    }
}

fn judged(contract: &Contract, body: &str) -> Judged {
    let index = operation(contract, "POST", "/v1/orders");
    match contract.answer(index, 201, Some("application/json")) {
        AnswerPlan::Json(judge) => judge.check(body.as_bytes(), 4096),
        plan => panic!("{plan:?}"),
    }
}

#[test]
fn what_the_contract_does_not_name_is_stripped_or_refused() {
    let (strip, enforce) = (contract(Answers::Strip), contract(Answers::Enforce));
    let good = r#"{"id":1,"sku":"AB1"}"#;
    assert_eq!(judged(&strip, good), Judged::Fits);
    assert_eq!(judged(&enforce, good), Judged::Fits);
    let over = r#"{"id":1,"sku":"AB1","cost":3,"secret":"s","parts":[{"sku":"x","supplier":"y"}]}"#;
    assert_eq!(
        judged(&strip, over),
        Judged::Stripped(r#"{"id":1,"sku":"AB1","parts":[{"sku":"x"}]}"#.to_owned())
    );
    assert!(matches!(judged(&enforce, over), Judged::Faults(_)));
    for wrong in [r#"{"id":"1","sku":"AB1"}"#, "{}", "[", r#"{"sku":"AB1","sku":"AB2"}"#] {
        assert!(matches!(judged(&strip, wrong), Judged::Faults(_)), "{wrong}");
    }
}

#[test]
fn statuses_and_types() {
    let contract = contract(Answers::Enforce);
    let list = operation(&contract, "GET", "/v1/orders");
    assert!(matches!(
        contract.answer(list, 200, Some("application/json; charset=utf-8")),
        AnswerPlan::Json(_)
    ));
    assert!(matches!(
        contract.answer(list, 200, Some("application/json; charset=utf-16")),
        AnswerPlan::OtherType
    ));
    assert!(matches!(contract.answer(list, 200, Some("text/html")), AnswerPlan::OtherType));
    assert!(matches!(contract.answer(list, 200, None), AnswerPlan::OtherType));
    assert!(matches!(contract.answer(list, 302, Some("text/html")), AnswerPlan::Empty));
    assert!(matches!(contract.answer(list, 418, Some("application/problem+json")), AnswerPlan::Json(_)));
    assert!(matches!(contract.answer(list, 500, Some("text/plain")), AnswerPlan::Undeclared));
    let latest = operation(&contract, "GET", "/v1/orders/latest");
    assert!(matches!(contract.answer(latest, 200, Some("text/plain")), AnswerPlan::Anything));
}

#[test]
fn operations_are_deprecated_and_then_gone() {
    let contract = contract(Answers::Off);
    let Match::Operation(matched) = contract.operation("DELETE", "/v1/orders/7") else {
        panic!("no operation")
    };
    let operation = matched.operation;
    assert_eq!(operation.deprecation().as_deref(), Some("@1767225600"));
    assert_eq!(operation.sunset().as_deref(), Some("Thu, 31 Dec 2026 00:00:00 GMT"));
    let sunset = Timestamp::from_secs(1_798_675_200);
    assert!(operation.is_gone(sunset) && !operation.is_gone(Timestamp::from_secs(1_798_675_199)));
    let Match::Operation(matched) = contract.operation("GET", "/v1/orders/7") else { panic!("no operation") };
    assert_eq!((matched.operation.deprecation(), matched.operation.sunset()), (None, None));
}
