//! Decisions per engine and number of policies. Prints JSON: nanoseconds, median and 99th percentile.
//!
//! Five of the policies name a role of the principal; all name the action. `cold` is a question that was not asked
//! before, by a principal that has a session; `cached` one that was.

use std::collections::BTreeMap;
use std::hint::black_box;
use std::time::Instant;

use cedar_policy::{Authorizer, Context as CedarContext, Entities, EntityUid, PolicySet, Request, Schema};
use gabion_model::Acr;
use gabion_policy::{Context, Facts, Policies, Question, Resource, Sources, Subject, SubjectKind};

const SCHEMA: &str = "entity Document = { owner: User, level: Long };
action \"see\" in [\"read\"] appliesTo { principal: [User, ServiceAccount, Anonymous], resource: [Document], context: RequestContext };";

fn main() {
    let sizes = [10_usize, 100, 1000, 10_000];
    let mut rows = Vec::new();
    for size in sizes {
        let text = cedar(size);
        let cold = compile(&text, 0);
        rows.push(row("gabion, cold", size, ours(&cold, 20_000, 1)));
        let cached = compile(&text, 16_384);
        rows.push(row("gabion, cached", size, ours(&cached, 20_000, 100)));
        rows.push(row("cedar", size, plain(&cold, &text, (2_000_000 / size).clamp(50, 20_000))));
        rows.push(row("regorus", size, rego(size, (500_000 / size).clamp(20, 5_000))));
    }
    println!("{}", serde_json::to_string_pretty(&rows).unwrap());
}

fn row(engine: &str, policies: usize, (p50, p99): (f64, f64)) -> serde_json::Value {
    eprintln!("{engine:<16} {policies:>6} policies  p50 {p50:>12.0} ns  p99 {p99:>12.0} ns");
    serde_json::json!({ "engine": engine, "policies": policies, "p50_ns": p50, "p99_ns": p99 })
}

/// The rules; `bench/policy/casbin.mjs` and `rego` say the same.
fn cedar(size: usize) -> String {
    let rule = |number: usize| {
        format!(
            "permit(principal in Role::\"r{}\", action == Action::\"see\", resource is Document) \
             when {{ resource.owner == principal && resource.level <= {} && context.acr >= 1 }};\n",
            number / 5,
            number % 5
        )
    };
    (0..size).map(rule).collect()
}

fn role(size: usize) -> String {
    format!("r{}", size / 10)
}

fn compile(text: &str, cache: u32) -> Policies {
    let sources = Sources {
        policies: BTreeMap::from([("a.cedar".to_owned(), text.to_owned())]),
        schema: Some(("schema.cedarschema".to_owned(), SCHEMA.to_owned())),
        entities: None,
        cache,
    };
    Policies::compile(sources, &Facts::default()).expect("the rules compile")
}

/// `batch` questions are timed together; each question of a batch of one is about another document.
fn ours(policies: &Policies, times: usize, batch: usize) -> (f64, f64) {
    let role = role(policies.len());
    let alice = Subject::new(
        SubjectKind::User,
        "alice",
        "alice",
        Some("acme"),
        &[&role, "other"],
        &["staff"],
        BTreeMap::new(),
    );
    let context = Context { acr: Some(Acr::TwoFactors), ip: "10.0.0.1".parse().ok(), ..Context::default() };
    let documents: Vec<Resource> = (0..times)
        .map(|number| Resource::new("Document", &number.to_string()).with("owner", "alice").with("level", 2))
        .collect();
    let mut taken = Vec::with_capacity(times);
    for (number, document) in documents.iter().enumerate() {
        let resource = if batch == 1 { document } else { &documents[0] };
        let question = Question { principal: &alice, action: "see", resource, context: &context };
        let start = Instant::now();
        for _ in 0..batch {
            assert!(black_box(policies.decide(black_box(&question))).is_allowed());
        }
        if number > 100 {
            taken.push(start.elapsed().as_nanos() as f64 / batch as f64);
        }
    }
    spread(taken)
}

fn plain(policies: &Policies, text: &str, times: usize) -> (f64, f64) {
    let (schema, _) = Schema::from_cedarschema_str(policies.schema_text()).unwrap();
    let set: PolicySet = text.parse().unwrap();
    let uid = |kind: &str, id: &str| serde_json::json!({ "type": kind, "id": id });
    let entities = serde_json::json!([
        { "uid": uid("User", "alice"), "attrs": { "id": "alice", "name": "alice", "roles": [], "groups": [] },
          "parents": [uid("Role", &role(policies.len())), uid("Role", "other"), uid("Group", "staff")] },
        { "uid": uid("Document", "0"), "attrs": { "owner": uid("User", "alice"), "level": 2 }, "parents": [] },
    ]);
    let entities = Entities::from_json_value(entities, Some(&schema)).unwrap();
    let [principal, action, resource]: [EntityUid; 3] =
        ["User::\"alice\"", "Action::\"see\"", "Document::\"0\""].map(|text| text.parse().unwrap());
    let authorizer = Authorizer::new();
    let mut taken = Vec::with_capacity(times);
    for _ in 0..times {
        let start = Instant::now();
        let context =
            CedarContext::from_pairs([("acr".to_owned(), cedar_policy::RestrictedExpression::new_long(2))])
                .unwrap();
        let request =
            Request::new(principal.clone(), action.clone(), resource.clone(), context, None).unwrap();
        let answer = authorizer.is_authorized(&request, &set, &entities);
        taken.push(start.elapsed().as_nanos() as f64);
        assert_eq!(answer.decision(), cedar_policy::Decision::Allow);
    }
    spread(taken)
}

fn rego(size: usize, times: usize) -> (f64, f64) {
    let rule = |number: usize| {
        format!(
            "allow if {{ input.principal.roles[_] == \"r{}\"; input.action == \"see\"; input.resource.type == \"Document\"; \
             input.resource.owner == input.principal.id; input.resource.level <= {}; input.acr >= 1 }}\n",
            number / 5,
            number % 5
        )
    };
    let mut engine = regorus::Engine::new();
    // A file may have one MiB and so many lines.
    let rules: Vec<String> = (0..size).map(rule).collect();
    for (number, part) in rules.chunks(2000).enumerate() {
        let default = if number == 0 { "default allow := false\n" } else { "" };
        let module = format!("package bench\nimport rego.v1\n{default}{}", part.concat());
        engine.add_policy(format!("bench{number}.rego"), module).unwrap();
    }
    let input = serde_json::json!({
        "principal": { "id": "alice", "roles": [role(size), "other"] }, "action": "see",
        "resource": { "type": "Document", "owner": "alice", "level": 2 }, "acr": 2,
    })
    .to_string();
    let input = regorus::Value::from_json_str(&input).unwrap();
    let mut taken = Vec::with_capacity(times);
    for _ in 0..times {
        let start = Instant::now();
        engine.set_input(input.clone());
        let answer = engine.eval_rule("data.bench.allow".to_owned()).unwrap();
        taken.push(start.elapsed().as_nanos() as f64);
        assert_eq!(answer, regorus::Value::from(true));
    }
    spread(taken)
}

fn spread(mut taken: Vec<f64>) -> (f64, f64) {
    taken.sort_by(f64::total_cmp);
    (taken[taken.len() / 2], taken[taken.len() * 99 / 100])
}
