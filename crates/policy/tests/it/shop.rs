//! The policies of `examples/shop`: what they must decide, and the whole table of what they do decide.

use std::collections::BTreeMap;
use std::path::Path;

use gabion_policy::cases::Cases;
use gabion_policy::review::matrix;
use gabion_policy::{Facts, Policies, Sources};

fn example(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/shop").join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn policies() -> Policies {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/shop/policies");
    let names = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
    let names = names.map(|name| name.into_string().unwrap()).filter(|name| name.ends_with(".cedar"));
    let file = |name: &str| Some((name.to_owned(), example(&format!("policies/{name}"))));
    let sources = Sources {
        policies: names
            .map(|name| (name.clone(), example(&format!("policies/{name}"))))
            .collect::<BTreeMap<_, _>>(),
        schema: file("schema.cedarschema"),
        entities: file("entities.json"),
        ..Sources::default()
    };
    let facts = Facts { roles: ["admin".into(), "member".into()].into(), ..Facts::default() };
    let policies = Policies::compile(sources, &facts).unwrap();
    assert_eq!(policies.warnings(), []);
    policies
}

#[test]
fn every_case_of_the_example_comes_out_as_it_says() {
    let (file, policies) = ("policy-tests.yaml", policies());
    let cases = Cases::parse(file, &example(file)).unwrap();
    let tried = cases.run(file, &policies).unwrap();
    let failed: Vec<_> = tried.iter().filter(|one| !one.passed).collect();
    assert!(failed.is_empty(), "{failed:#?}");
    assert!(tried.len() > 25, "{}", tried.len());
}

/// Who may do what, all of it. A change of the policies is seen here cell by cell.
#[test]
fn the_matrix_of_decisions_is_as_it_was_committed() {
    let (file, policies) = ("policy-tests.yaml", policies());
    let cases = Cases::parse(file, &example(file)).unwrap();
    let questions = cases.everything(file, &policies).unwrap();
    insta::assert_snapshot!("shop", matrix(&policies, &questions));
}
