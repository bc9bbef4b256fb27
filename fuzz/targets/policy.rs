//! Policies, entities and questions as texts: anything is a set of policies or a list of problems with their places,
//! and what slices and the memory answer is what plain Cedar answers.
#![no_main]

use std::collections::BTreeMap;

use gabion_model::Acr;
use gabion_policy::cases::Cases;
use gabion_policy::{Facts, OperationFact, Policies, Sources, SubjectKind};
use libfuzzer_sys::fuzz_target;

#[path = "../../crates/policy/tests/it/plain.rs"]
mod plain;

// Policies, a schema, entities and a question, with a zero byte between them; then the choices of further questions.
fuzz_target!(|bytes: &[u8]| {
    let mut parts = bytes.splitn(5, |byte| *byte == 0);
    let mut text = || parts.next().and_then(|part| std::str::from_utf8(part).ok()).unwrap_or_default().to_owned();
    let (policies, schema, entities, question) = (text(), text(), text(), text());
    let choices = parts.next().unwrap_or_default();
    let operation = OperationFact { id: "see".into(), resources: ["Thing".into()].into(), ..OperationFact::default() };
    let facts = Facts { operations: vec![operation], complete: true, ..Facts::default() };
    let sources = Sources {
        policies: BTreeMap::from([("fuzz.cedar".to_owned(), policies.clone())]),
        schema: (!schema.is_empty()).then(|| ("schema.cedarschema".to_owned(), schema)),
        entities: (!entities.is_empty()).then(|| ("entities.json".to_owned(), entities)),
        cache: 8,
    };
    let asked = Cases::question(&question).ok().and_then(|written| written.read().ok());
    match Policies::compile(sources, &facts) {
        Ok(compiled) => {
            if let Some(asked) = &asked {
                let once = compiled.decide(&asked.as_question());
                assert_eq!(once, compiled.decide(&asked.as_question()), "remembered");
                let explained = compiled.explain(&asked.as_question());
                assert_eq!(explained.effect, once.effect);
                let _ = (compiled.needs(&asked.action), compiled.wants(&asked.as_question()));
            }
        }
        Err(problems) => assert!(!problems.is_empty() && problems.iter().all(|one| !one.path.is_empty())),
    }
    // What is on trial plain Cedar would count.
    let texts = [policies];
    if !texts.iter().any(|text| text.contains('@')) && plain::compile(&texts).is_some() {
        let questions: Vec<plain::Asked> = choices.chunks_exact(6).take(16).map(chosen).collect();
        plain::agree(&texts, &questions);
    }
});

fn chosen(bytes: &[u8]) -> plain::Asked {
    let at = |index: usize| usize::from(bytes.get(index).copied().unwrap_or_default());
    let bit = |number: usize| at(5) >> number & 1 == 1;
    let pick = |number: usize, of: &[&'static str]| of.get(number % (of.len() + 1)).copied();
    let some = |number: usize, of: &[&'static str]| of.get(number % of.len()).copied().unwrap_or_default();
    let set = |number: usize, of: &[&'static str]| -> Vec<&'static str> {
        of.iter().enumerate().filter(|(place, _)| number >> place & 1 == 1).map(|(_, one)| *one).collect()
    };
    let kinds = [SubjectKind::User, SubjectKind::ServiceAccount, SubjectKind::Anonymous, SubjectKind::User];
    let resources = [
        ("Document", "d0"),
        ("Document", "d1"),
        ("Document", "d2"),
        ("Folder", "sub"),
        ("Folder", "new"),
        ("User", "u0"),
        ("User", "u1"),
    ];
    plain::Asked {
        kind: kinds.get(at(0) % 4).copied().unwrap_or(SubjectKind::User),
        id: some(at(0) / 4, &["u0", "u1", "u2"]).to_owned(),
        tenant: pick(at(0) / 16, &["t0", "t1"]),
        roles: set(at(1), &["r0", "r1", "r2"]),
        groups: set(at(1) / 8, &["g0", "g1", "g2"]),
        department: pick(at(1) / 64, &["sales", "it"]),
        action: some(at(2), &["see", "edit"]),
        resource: resources.get(at(2) / 2 % 7).copied().unwrap_or(("Document", "d0")),
        parents: [("Folder", "root"), ("Folder", "leaf"), ("Tenant", "t1")]
            .into_iter()
            .enumerate()
            .filter(|(place, _)| at(2) / 16 >> place & 1 == 1)
            .map(|(_, parent)| parent)
            .collect(),
        owner: some(at(3), &["u0", "u1"]),
        folder: pick(at(3) / 2, &["root", "sub", "leaf"]),
        of_tenant: pick(at(3) / 8, &["t0", "t1"]),
        secret: bit(0).then(|| bit(1)),
        level: i64::from(bytes.get(4).copied().unwrap_or_default() % 3),
        tag: pick(at(3) / 32, &["v", "w"]),
        ip: pick(at(4) / 4, &["10.0.0.1", "10.0.0.2", "192.0.2.1"]),
        acr: [None, Some(Acr::OneFactor), Some(Acr::TwoFactors)].get(at(4) / 16 % 3).copied().flatten(),
        secure: bit(2),
        scope: bit(3),
        bearer: bit(4),
    }
}
