//! The slices, what is read and what is remembered change no answer: over random policies, entities and requests the
//! engine says what plain Cedar says, which evaluates every policy over everything each time.
//!
//! One difference is wanted: where a `forbid` cannot be evaluated Cedar skips it, and here it forbids.

use std::collections::{BTreeMap, HashSet};
use std::net::IpAddr;

use cedar_policy::{
    Authorizer, Context as CedarContext, Decision, Entities, EntityUid, PolicySet, Request, Schema,
};
use gabion_model::Acr;
use gabion_policy::{
    Context, Effect, EntityRef, Facts, GroupFact, Policies, Question, Resource, RouteFact, Sources, Subject,
    SubjectKind, Value,
};
use proptest::prelude::*;
use serde_json::json;

const SCHEMA: &str = r#"
type Profile = { department?: String };
entity Folder in [Folder, Tenant] = { label?: String, keeper?: User };
entity Document in [Folder, Tenant] = { owner: User, folder?: Folder, tenant?: Tenant, tags?: Set<String>, level: Long } tags String;
action "any";
action "see" in ["any", "read"] appliesTo { principal: [User, ServiceAccount, Anonymous], resource: [Document, Folder], context: RequestContext };
action "edit" in ["any", "write"] appliesTo { principal: [User, ServiceAccount], resource: [Document, User], context: RequestContext };
"#;

const ENTITIES: &str = r#"[
 {"uid":{"type":"Folder","id":"root"},"attrs":{"label":"red"},"parents":[]},
 {"uid":{"type":"Folder","id":"sub"},"attrs":{"keeper":{"type":"User","id":"u0"}},"parents":[{"type":"Folder","id":"root"}]},
 {"uid":{"type":"Folder","id":"leaf"},"attrs":{},"parents":[{"type":"Folder","id":"sub"},{"type":"Tenant","id":"t1"}]}
]"#;

const CONDITIONS: &[&str] = &[
    "principal.id == \"u1\"",
    "principal.roles.contains(\"r1\")",
    "principal has tenant && principal.tenant == Tenant::\"t1\"",
    "principal has profile && principal.profile has department && principal.profile.department like \"s*\"",
    "principal has profile.department && principal.profile.department == \"sales\"",
    "principal in [Role::\"r0\", Group::\"g1\"]",
    "principal in Group::\"g0\"",
    "[principal].contains(User::\"u0\")",
    "{ who: principal }.who.name == \"u1\"",
    "(if context.secure then principal else User::\"u0\").name == \"u1\"",
    "context.acr >= 2",
    "context has ip && context.ip.isInRange(ip(\"10.0.0.0/8\"))",
    "context has ip && context.ip == ip(\"10.0.0.1\")",
    "context.secure",
    "context.scopes.contains(\"orders\")",
    "context.credential == \"bearer\"",
    "context.acr + 9223372036854775805 > 0",
    "context.acr * 4611686018427387904 >= 0",
];

const OF_DOCUMENTS: &[&str] = &[
    "resource.owner == principal",
    "resource.owner in Group::\"g0\"",
    "resource.owner.name == \"u1\"",
    "resource.owner has profile && resource.owner.profile has department",
    "resource.owner has profile.department",
    "resource has tenant && principal has tenant && resource.tenant == principal.tenant",
    "resource.level < context.acr",
    "resource.level + 9223372036854775806 > 0",
    "resource has tags && resource.tags.contains(\"secret\")",
    "resource.hasTag(\"k\") && resource.getTag(\"k\") == \"v\"",
    "resource in Folder::\"root\"",
    "resource has folder && resource.folder has label && resource.folder.label == \"red\"",
    "resource has folder && resource.folder in Folder::\"sub\"",
    "resource has folder && resource.folder has keeper && resource.folder.keeper == principal",
    "resource has folder && resource.folder has keeper && resource.folder.keeper.name == principal.name",
    "Folder::\"root\" has label && Folder::\"root\".label == \"red\"",
    "resource == Document::\"d1\"",
];

/// A policy, and whether it is one the validator may refuse.
fn policy() -> impl Strategy<Value = String> {
    let principal = prop::sample::select(vec![
        "principal",
        "principal is User",
        "principal is ServiceAccount",
        "principal == User::\"u0\"",
        "principal == User::\"u1\"",
        "principal in Role::\"r0\"",
        "principal in Role::\"r1\"",
        "principal in Group::\"g0\"",
        "principal in Group::\"g1\"",
        "principal in Tenant::\"t1\"",
        "principal is User in Role::\"r1\"",
        "principal in User::\"u0\"",
    ]);
    let action = prop::sample::select(vec![
        "action == Action::\"see\"",
        "action in Action::\"any\"",
        "action in [Action::\"see\", Action::\"edit\"]",
        "action in Action::\"read\"",
        "action == Action::\"edit\"",
    ]);
    let resource = prop::sample::select(vec![
        "resource is Document",
        "resource == Document::\"d0\"",
        "resource == Document::\"d1\"",
        "resource is Document in Folder::\"root\"",
        "resource is Document in Tenant::\"t1\"",
        "resource is Document in Folder::\"leaf\"",
    ]);
    let conditions = prop::collection::vec(
        (
            any::<bool>(),
            prop_oneof![prop::sample::select(CONDITIONS), prop::sample::select(OF_DOCUMENTS)],
            any::<bool>(),
        ),
        0..3,
    );
    let of_documents = (any::<bool>(), principal.clone(), action, resource, conditions).prop_map(
        |(permit, principal, action, resource, conditions)| {
            let mut text =
                format!("{}({principal}, {action}, {resource})", if permit { "permit" } else { "forbid" });
            for (when, condition, negated) in conditions {
                let condition = if negated { format!("!({condition})") } else { condition.to_owned() };
                text.push_str(&format!(" {} {{ {condition} }}", if when { "when" } else { "unless" }));
            }
            text + ";"
        },
    );
    let plain = (
        any::<bool>(),
        principal,
        prop::sample::select(vec![
            "action, resource",
            "action == Action::\"see\", resource is Folder",
            "action == Action::\"see\", resource in Folder::\"sub\"",
            "action == Action::\"edit\", resource is User",
            "action == Action::\"edit\", resource in Role::\"r1\"",
            "action == Action::\"edit\", resource == User::\"u1\"",
        ]),
    )
        .prop_map(|(permit, principal, rest)| {
            format!("{}({principal}, {rest});", if permit { "permit" } else { "forbid" })
        });
    prop_oneof![4 => of_documents, 1 => plain]
}

#[derive(Debug, Clone)]
struct Asked {
    kind: SubjectKind,
    id: String,
    tenant: Option<&'static str>,
    roles: Vec<&'static str>,
    groups: Vec<&'static str>,
    department: Option<&'static str>,
    action: &'static str,
    resource: (&'static str, &'static str),
    parents: Vec<(&'static str, &'static str)>,
    owner: &'static str,
    folder: Option<&'static str>,
    of_tenant: Option<&'static str>,
    secret: Option<bool>,
    level: i64,
    tag: Option<&'static str>,
    ip: Option<&'static str>,
    acr: Option<Acr>,
    secure: bool,
    scope: bool,
    bearer: bool,
}

fn asked() -> impl Strategy<Value = Asked> {
    let principal = (
        prop::sample::select(vec![
            SubjectKind::User,
            SubjectKind::User,
            SubjectKind::ServiceAccount,
            SubjectKind::Anonymous,
        ]),
        prop::sample::select(vec!["u0", "u1", "u2"]),
        prop::option::of(prop::sample::select(vec!["t0", "t1"])),
        prop::sample::subsequence(vec!["r0", "r1", "r2"], 0..3),
        prop::sample::subsequence(vec!["g0", "g1", "g2"], 0..2),
        prop::option::of(prop::sample::select(vec!["sales", "it"])),
    );
    let resource = (
        prop::sample::select(vec![
            ("Document", "d0"),
            ("Document", "d1"),
            ("Document", "d2"),
            ("Folder", "sub"),
            ("Folder", "new"),
            ("User", "u0"),
            ("User", "u1"),
        ]),
        prop::sample::subsequence(vec![("Folder", "root"), ("Folder", "leaf"), ("Tenant", "t1")], 0..2),
        prop::sample::select(vec!["u0", "u1"]),
        prop::option::of(prop::sample::select(vec!["root", "sub", "leaf"])),
        prop::option::of(prop::sample::select(vec!["t0", "t1"])),
        prop::option::of(any::<bool>()),
        prop::sample::select(vec![0_i64, 1, 2]),
        prop::option::of(prop::sample::select(vec!["v", "w"])),
    );
    let context = (
        prop::option::of(prop::sample::select(vec!["10.0.0.1", "10.0.0.2", "192.0.2.1"])),
        prop::option::of(prop::sample::select(vec![Acr::OneFactor, Acr::TwoFactors])),
        any::<bool>(),
        any::<bool>(),
        any::<bool>(),
    );
    (principal, prop::sample::select(vec!["see", "edit"]), resource, context).prop_map(|(p, action, r, c)| {
        Asked {
            kind: p.0,
            id: p.1.to_owned(),
            tenant: p.2,
            roles: p.3,
            groups: p.4,
            department: p.5,
            action,
            resource: r.0,
            parents: r.1,
            owner: r.2,
            folder: r.3,
            of_tenant: r.4,
            secret: r.5,
            level: r.6,
            tag: r.7,
            ip: c.0,
            acr: c.1,
            secure: c.2,
            scope: c.3,
            bearer: c.4,
        }
    })
}

fn facts() -> Facts {
    Facts {
        routes: vec![RouteFact { id: "/a".into(), path: "/a".into() }],
        groups: BTreeMap::from([
            ("g0".into(), GroupFact::default()),
            ("g1".into(), GroupFact { parents: ["g0".into()].into(), ..GroupFact::default() }),
            ("g2".into(), GroupFact { roles: ["r1".into()].into(), ..GroupFact::default() }),
        ]),
        ..Facts::default()
    }
}

impl Asked {
    fn subject(&self) -> Subject {
        let profile = self.department.map(|name| ("department".into(), Value::from(name)));
        Subject::new(
            self.kind,
            &self.id,
            &self.id,
            self.tenant,
            &self.roles,
            &self.groups,
            profile.into_iter().collect(),
        )
    }

    fn resource(&self) -> Resource {
        let mut made = Resource::new(self.resource.0, self.resource.1);
        if self.resource.0 == "User" {
            return made
                .with("id", self.resource.1)
                .with("name", self.resource.1)
                .with("roles", Value::Set(Vec::new()))
                .with("groups", Value::Set(Vec::new()));
        }
        if self.resource == ("Folder", "sub") {
            return made;
        }
        made.parents = self.parents.iter().map(|(kind, id)| EntityRef::new(kind, id)).collect();
        if self.resource.0 == "Document" {
            made = made.with("owner", self.owner).with("level", self.level);
            if let Some(folder) = self.folder {
                made = made.with("folder", folder);
            }
            if let Some(tenant) = self.of_tenant {
                made = made.with("tenant", tenant);
            }
            if let Some(secret) = self.secret {
                let tags = if secret { vec![Value::from("secret")] } else { Vec::new() };
                made = made.with("tags", Value::Set(tags));
            }
            made.tags = self.tag.into_iter().map(|tag| ("k".into(), Value::from(tag))).collect();
        }
        made
    }

    fn context(&self) -> Context {
        Context {
            now: Some(gabion_model::Timestamp::from_secs(1_767_312_000)),
            ip: self.ip.map(|ip| ip.parse::<IpAddr>().unwrap()),
            acr: self.acr,
            secure: self.secure,
            scopes: if self.scope { vec!["orders".into()] } else { Vec::new() },
            credential: self.bearer.then(|| "bearer".into()),
            ..Context::default()
        }
    }

    /// Everything, as plain Cedar would be told it.
    fn plain(&self, schema: &Schema) -> Option<(Request, Entities)> {
        let uid = |kind: &str, id: &str| json!({ "type": kind, "id": id });
        let mut parents: Vec<_> = self.roles.iter().map(|id| uid("Role", id)).collect();
        parents.extend(self.groups.iter().map(|id| uid("Group", id)));
        parents.extend(self.tenant.iter().map(|id| uid("Tenant", id)));
        let mut attributes =
            json!({ "id": self.id, "name": self.id, "roles": self.roles, "groups": self.groups });
        if let Some(tenant) = self.tenant {
            attributes["tenant"] = uid("Tenant", tenant);
        }
        if let Some(name) = self.department {
            attributes["profile"] = json!({ "department": name });
        }
        let kind = self.kind.as_str();
        let mut all = vec![json!({ "uid": uid(kind, &self.id), "attrs": attributes, "parents": parents })];
        let resource = self.resource();
        let is_principal = self.kind.as_str() == self.resource.0 && self.id == self.resource.1;
        if !is_principal && self.resource != ("Folder", "sub") {
            let attributes: serde_json::Map<String, serde_json::Value> = resource
                .attributes
                .iter()
                .map(|(name, value)| {
                    let json = match (&**name, value) {
                        ("owner", Value::Text(id)) => uid("User", id),
                        ("folder", Value::Text(id)) => uid("Folder", id),
                        ("tenant", Value::Text(id)) => uid("Tenant", id),
                        _ => value.to_json(),
                    };
                    (name.to_string(), json)
                })
                .collect();
            let tags: serde_json::Map<String, serde_json::Value> =
                resource.tags.iter().map(|(name, value)| (name.to_string(), value.to_json())).collect();
            let parents: Vec<_> = resource.parents.iter().map(|one| uid(&one.kind, &one.id)).collect();
            all.push(json!({ "uid": uid(self.resource.0, self.resource.1), "attrs": attributes, "parents": parents, "tags": tags }));
        }
        let known: Vec<serde_json::Value> = serde_json::from_str(ENTITIES).unwrap();
        all.extend(known);
        for (name, group) in facts().groups {
            let mut parents: Vec<_> = group.parents.iter().map(|id| uid("Group", id)).collect();
            parents.extend(group.roles.iter().map(|id| uid("Role", id)));
            all.push(json!({ "uid": uid("Group", &name), "attrs": {}, "parents": parents }));
        }
        let entities = Entities::from_json_value(serde_json::Value::Array(all), Some(schema)).unwrap();
        let action: EntityUid = format!("Action::\"{}\"", self.action).parse().unwrap();
        let mut context = json!({
            "now": { "__extn": { "fn": "datetime", "arg": "2026-01-02T00:00:00.000Z" } }, "hour": 0, "weekday": 5,
            "secure": self.secure, "factors": [], "scopes": if self.scope { vec!["orders"] } else { vec![] },
            "acr": self.acr.map_or(0, |acr| if acr == Acr::OneFactor { 1 } else { 2 }),
            "credential": if self.bearer { "bearer" } else { "none" },
        });
        if let Some(ip) = self.ip {
            context["ip"] = json!({ "__extn": { "fn": "ip", "arg": ip } });
        }
        let context = CedarContext::from_json_value(context, Some((schema, &action))).unwrap();
        let parse = |kind: &str, id: &str| format!("{kind}::\"{id}\"").parse::<EntityUid>().unwrap();
        let (principal, resource) = (parse(kind, &self.id), parse(self.resource.0, self.resource.1));
        Some((Request::new(principal, action, resource, context, Some(schema)).ok()?, entities))
    }
}

fn compile(texts: &[String]) -> Option<Policies> {
    let sources = Sources {
        policies: BTreeMap::from([("p.cedar".to_owned(), texts.join("\n"))]),
        schema: Some(("schema.cedarschema".to_owned(), SCHEMA.to_owned())),
        entities: Some(("entities.json".to_owned(), ENTITIES.to_owned())),
        // Small, so that entries give way.
        cache: 16,
    };
    Policies::compile(sources, &facts()).ok()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn slices_and_memory_change_no_answer(
        texts in prop::collection::vec(policy(), 1..12),
        questions in prop::collection::vec(asked(), 1..40),
    ) {
        // What the validator refuses alone does not take part.
        let texts: Vec<String> = texts.into_iter().filter(|text| compile(std::slice::from_ref(text)).is_some()).collect();
        let engine = compile(&texts).expect("each compiles");
        let (schema, _) = Schema::from_cedarschema_str(engine.schema_text()).unwrap();
        let plain: PolicySet = texts.join("\n").parse().unwrap();
        let authorizer = Authorizer::new();
        let asked: Vec<_> = questions.iter().map(|one| (one, one.subject(), one.resource(), one.context(), one.plain(&schema))).collect();
        // Twice, the second time against the grain, so that most are remembered.
        for (one, principal, resource, context, plain_question) in asked.iter().chain(asked.iter().rev()) {
            let question = Question { principal, action: one.action, resource, context };
            let decision = engine.decide(&question);
            let Some((request, entities)) = plain_question else {
                prop_assert_eq!(decision.effect, Effect::Deny);
                continue;
            };
            let answer = authorizer.is_authorized(request, &plain, entities);
            let failed: HashSet<String> = answer.diagnostics().errors().map(|error| match error {
                cedar_policy::AuthorizationError::PolicyEvaluationError(error) => error.policy_id().to_string(),
            }).collect();
            let forbid_failed = failed.iter().any(|id| {
                plain.policy(&id.parse().unwrap()).is_some_and(|policy| policy.effect() == cedar_policy::Effect::Forbid)
            });
            let wanted = if forbid_failed || answer.decision() == Decision::Deny { Effect::Deny } else { Effect::Allow };
            prop_assert_eq!(decision.effect, wanted, "{:?}\n{}\n{:?}", one, texts.join("\n"), decision);
            prop_assert_eq!(decision.faults.len(), failed.len(), "{:?}\n{}\n{:?}", one, texts.join("\n"), decision);
            if !forbid_failed {
                prop_assert_eq!(decision.policies.len(), answer.diagnostics().reason().count(), "{:?}\n{}", one, texts.join("\n"));
            }
        }
    }
}
