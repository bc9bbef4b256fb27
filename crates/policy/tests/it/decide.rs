//! Decisions: default deny, roles, ownership, tenants, network, time, factors, obligations.

use std::collections::BTreeMap;
use std::time::Duration;

use gabion_model::{Acr, Timestamp};
use gabion_policy::{
    Context, Decision, Effect, EntityRef, Facts, GroupFact, Obligation, OperationFact, Policies, Question,
    Resource, RouteFact, Sources, Subject, SubjectKind,
};

const SCHEMA: &str = "
entity Order in [Tenant] = { owner: User, tenant: Tenant, total?: Long };
";

fn policies(text: &str) -> Policies {
    let operation = |id: &str, method: &str| OperationFact {
        id: id.into(),
        methods: [method.into()].into(),
        tags: ["orders".into()].into(),
        resources: ["Order".into()].into(),
        ..OperationFact::default()
    };
    let facts = Facts {
        routes: vec![RouteFact { id: "/orders/{id}".into(), path: "/orders/{id}".into() }],
        operations: vec![operation("getOrder", "GET"), operation("payOrder", "POST")],
        groups: BTreeMap::from([
            (
                "eu-support".into(),
                GroupFact { roles: ["clerk".into()].into(), parents: ["support".into()].into() },
            ),
            ("support".into(), GroupFact::default()),
        ]),
        ..Facts::default()
    };
    let sources = Sources {
        policies: BTreeMap::from([("a.cedar".to_owned(), text.to_owned())]),
        schema: Some(("schema.cedarschema".to_owned(), SCHEMA.to_owned())),
        entities: None,
        cache: 64,
    };
    Policies::compile(sources, &facts).unwrap()
}

fn user(id: &str, roles: &[&str], groups: &[&str]) -> Subject {
    Subject::new(SubjectKind::User, id, id, Some("acme"), roles, groups, BTreeMap::new())
}

fn order(owner: &str, tenant: &str) -> Resource {
    Resource::new("Order", "17").with("owner", owner).with("tenant", tenant)
}

/// Asked twice, so that the remembered answer is judged too.
fn ask(
    policies: &Policies,
    principal: &Subject,
    action: &str,
    resource: &Resource,
    context: &Context,
) -> Decision {
    let question = Question { principal, action, resource, context };
    let first = policies.decide(&question);
    assert_eq!(first, policies.decide(&question), "remembered");
    first
}

fn allows(policies: &Policies, principal: &Subject, resource: &Resource, context: &Context) -> bool {
    ask(policies, principal, "getOrder", resource, context).is_allowed()
}

#[test]
fn what_nothing_permits_is_denied() {
    let none = policies("");
    let context = Context::default();
    assert!(!allows(&none, &user("alice", &["administrator"], &[]), &order("alice", "acme"), &context));
    let all = policies("permit(principal, action, resource);");
    let alice = user("alice", &[], &[]);
    assert!(allows(&all, &alice, &order("alice", "acme"), &context));
    // No such action, an action of other things, a type nobody declared.
    assert!(!ask(&all, &alice, "dropOrder", &order("alice", "acme"), &context).is_allowed());
    assert!(!ask(&all, &alice, "getOrder", &Resource::route("/orders/{id}", []), &context).is_allowed());
    assert!(!ask(&all, &alice, "getOrder", &Resource::new("Invoice", "1"), &context).is_allowed());
}

#[test]
fn owners_tenants_roles_and_groups() {
    let set = policies(
        "@id(\"owner\") permit(principal, action == Action::\"getOrder\", resource) when { resource.owner == principal };
         @id(\"clerk\") permit(principal in Role::\"clerk\", action in Action::\"read\", resource is Order)
           when { principal has tenant && principal.tenant == resource.tenant };
         @id(\"support\") permit(principal in Group::\"support\", action in Action::\"tag:orders\", resource is Order);",
    );
    let context = Context::default();
    let (alice, bob) = (user("alice", &[], &[]), user("bob", &["clerk"], &[]));
    let own = ask(&set, &alice, "getOrder", &order("alice", "acme"), &context);
    assert_eq!(own.policies.iter().map(|id| &*id.0).collect::<Vec<_>>(), ["owner"]);
    assert!(!allows(&set, &alice, &order("bob", "acme"), &context));
    assert!(allows(&set, &bob, &order("alice", "acme"), &context));
    assert!(!allows(&set, &bob, &order("alice", "umbrella"), &context), "another tenant's");
    assert!(
        !ask(&set, &bob, "payOrder", &order("alice", "acme"), &context).is_allowed(),
        "reading is not paying"
    );
    // A group in a group; and a role by a group nobody named to the session.
    let eva = user("eva", &[], &["eu-support"]);
    assert!(ask(&set, &eva, "payOrder", &order("alice", "umbrella"), &context).is_allowed());
    assert!(
        !allows(&set, &Subject::anonymous(), &order("anonymous", "acme"), &context),
        "another type of principal"
    );
    let robot =
        Subject::new(SubjectKind::ServiceAccount, "alice", "alice", Some("acme"), &[], &[], BTreeMap::new());
    assert!(!allows(&set, &robot, &order("alice", "umbrella"), &context), "a program of the same name");
}

#[test]
fn network_time_and_factors() {
    let set = policies(
        "permit(principal, action == Action::\"getOrder\", resource) when {
            context has ip && context.ip.isInRange(ip(\"10.0.0.0/8\")) && context.acr >= 2 &&
            context.now.toTime() >= duration(\"8h\") && context.weekday <= 5 };",
    );
    let alice = user("alice", &[], &[]);
    let order = order("alice", "acme");
    // 2026-01-02 is a Friday.
    let at = |hour: i64| Timestamp::from_secs(1_767_312_000 + hour * 3600);
    let good = Context {
        ip: Some("10.1.2.3".parse().unwrap()),
        now: Some(at(9)),
        acr: Some(Acr::TwoFactors),
        ..Context::default()
    };
    assert!(allows(&set, &alice, &order, &good));
    let others = [
        Context { ip: Some("11.0.0.1".parse().unwrap()), ..good.clone() },
        Context { ip: None, ..good.clone() },
        Context { now: Some(at(7)), ..good.clone() },
        Context { now: Some(at(24 + 9)), ..good.clone() },
        Context { now: None, ..good.clone() },
        Context { acr: Some(Acr::OneFactor), ..good.clone() },
    ];
    for context in others {
        assert!(!allows(&set, &alice, &order, &context), "{context:?}");
    }
}

#[test]
fn what_is_remembered_is_what_was_asked() {
    let set = policies(
        "permit(principal, action == Action::\"getOrder\", resource) when { resource.owner == principal };
         forbid(principal, action, resource) when { context has ip && context.ip == ip(\"10.0.0.9\") };",
    );
    let (alice, bob) = (user("alice", &[], &[]), user("bob", &[], &[]));
    let here = |ip: &str| Context { ip: Some(ip.parse().unwrap()), ..Context::default() };
    for _ in 0..3 {
        assert!(allows(&set, &alice, &order("alice", "acme"), &here("10.0.0.1")));
        assert!(!allows(&set, &bob, &order("alice", "acme"), &here("10.0.0.1")));
        assert!(!allows(&set, &alice, &order("alice", "acme"), &here("10.0.0.9")));
        assert!(!allows(&set, &alice, &order("bob", "acme"), &here("10.0.0.1")));
    }
}

/// Cedar skips a policy that cannot be evaluated. For one that forbids that would be an opening.
#[test]
fn a_forbid_that_cannot_be_evaluated_forbids() {
    let set = policies(
        "permit(principal, action == Action::\"getOrder\", resource);
         @id(\"large\") forbid(principal, action, resource is Order) when { resource has total && resource.total + 9223372036854775807 < 0 };",
    );
    let alice = user("alice", &[], &[]);
    let decision =
        ask(&set, &alice, "getOrder", &order("alice", "acme").with("total", 1), &Context::default());
    assert_eq!(decision.effect, Effect::Deny);
    assert_eq!(decision.faults.len(), 1);
    assert!(allows(&set, &alice, &order("alice", "acme"), &Context::default()));
}

#[test]
fn what_is_missing_or_does_not_fit_opens_nothing() {
    let set = policies(
        "@id(\"any\") permit(principal in Role::\"clerk\", action, resource);
         @id(\"owner\") permit(principal, action == Action::\"getOrder\", resource) when { resource.owner == principal };",
    );
    let bare = Resource::new("Order", "17");
    let question = |principal: &Subject, resource: &Resource| {
        ask(&set, principal, "getOrder", resource, &Context::default())
    };
    let alice = user("alice", &[], &[]);
    let decision = question(&alice, &bare);
    assert_eq!(decision.effect, Effect::Deny);
    assert_eq!(decision.faults.len(), 1, "{:?}", decision.faults);
    assert_eq!(question(&alice, &bare.clone().with("owner", 3)).effect, Effect::Deny);
    assert_eq!(
        question(&alice, &bare.clone().with("owner", EntityRef::new("Tenant", "alice"))).effect,
        Effect::Deny
    );
    // Who needs no owner is not in its way.
    assert_eq!(question(&user("bob", &["clerk"], &[]), &bare).effect, Effect::Allow);
    let forbidding = policies(
        "permit(principal, action, resource);
         forbid(principal, action == Action::\"getOrder\", resource) when { resource.tenant == Tenant::\"evil\" };",
    );
    let decision = ask(&forbidding, &alice, "getOrder", &bare.with("owner", "alice"), &Context::default());
    assert_eq!(decision.effect, Effect::Deny, "who knows whose it is");
}

#[test]
fn obligations_come_from_annotations() {
    let set = policies(
        "@mask(\"/email, /phone\") permit(principal in Role::\"clerk\", action == Action::\"getOrder\", resource);
         @step_up(\"2fa, 5m\") permit(principal in Role::\"boss\", action == Action::\"payOrder\", resource);
         @step_up(\"2fa\") forbid(principal in Role::\"lead\", action == Action::\"payOrder\", resource) when { context.acr < 2 };
         @id(\"trial\") @mode(\"dry_run\") forbid(principal in Role::\"clerk\", action == Action::\"getOrder\", resource);",
    );
    let order = order("alice", "acme");
    let clerk = ask(&set, &user("c", &["clerk"], &[]), "getOrder", &order, &Context::default());
    assert_eq!(clerk.effect, Effect::Allow);
    assert_eq!(
        clerk.obligations.first(),
        Some(&Obligation::Mask { fields: vec!["/email".into(), "/phone".into()] })
    );
    let Some(Obligation::DryRun { effect: Effect::Deny, policies }) = clerk.obligations.last() else {
        panic!("{:?}", clerk.obligations)
    };
    assert_eq!(&*policies[0].0, "trial");
    let boss = ask(&set, &user("b", &["boss"], &[]), "payOrder", &order, &Context::default());
    let five = Obligation::StepUp { acr: Acr::TwoFactors, max_age: Some(Duration::from_secs(300)) };
    assert_eq!((boss.effect, &*boss.obligations), (Effect::Allow, &[five.clone()][..]));
    let now = Timestamp::from_secs(1000);
    assert!(five.is_met(Some(Acr::PhishingResistant), Some(Timestamp::from_secs(700)), now));
    assert!(!five.is_met(Some(Acr::TwoFactors), Some(Timestamp::from_secs(699)), now));
    assert!(!five.is_met(Some(Acr::OneFactor), Some(now), now));
    // Who is only forbidden for want of a factor is told so; who nobody permits at all is not.
    let lead = ask(&set, &user("l", &["lead"], &[]), "payOrder", &order, &Context::default());
    assert_eq!(lead.effect, Effect::Deny);
    let none = ask(&set, &user("n", &[], &[]), "payOrder", &order, &Context::default());
    assert!(none.obligations.is_empty());
}

#[test]
fn what_must_be_asked_for_is_what_policies_read() {
    let set = policies(
        "permit(principal in Role::\"clerk\", action, resource);
         permit(principal is User, action == Action::\"getOrder\", resource) when { resource.owner == principal };",
    );
    assert_eq!(set.needs("getOrder").resource, ["owner".into()].into());
    assert!(set.needs("payOrder").is_empty());
    let (resource, context) = (Resource::new("Order", "17"), Context::default());
    let alice = user("alice", &[], &[]);
    let question = Question { principal: &alice, action: "getOrder", resource: &resource, context: &context };
    assert_eq!(set.wants(&question).resource, ["owner".into()].into());
    let known = resource.clone().with("owner", "alice");
    assert!(set.wants(&Question { resource: &known, ..question }).is_empty());
    assert!(set.wants(&Question { principal: &Subject::anonymous(), ..question }).is_empty());
}

#[test]
fn routes_have_their_path_parameters() {
    let set = policies(
        "permit(principal, action in Action::\"read\", resource == Route::\"/orders/{id}\")
           when { resource.hasTag(\"id\") && resource.getTag(\"id\") == principal.id && resource.path like \"/orders*\" };",
    );
    let route = |id: &str| Resource::route("/orders/{id}", [("id".into(), id.into())]);
    let alice = user("alice", &[], &[]);
    assert!(ask(&set, &alice, "GET", &route("alice"), &Context::default()).is_allowed());
    assert!(!ask(&set, &alice, "GET", &route("bob"), &Context::default()).is_allowed());
    assert!(!ask(&set, &alice, "POST", &route("alice"), &Context::default()).is_allowed());
}
