//! The same question to the engine and to plain Cedar, which evaluates every policy over everything each time.
//!
//! One difference is wanted: where a `forbid` cannot be evaluated Cedar skips it, and here it forbids. The fuzz target
//! `policy` asks by the same words.

use std::collections::{BTreeMap, HashSet};
use std::net::IpAddr;

use cedar_policy::{
    AuthorizationError, Authorizer, Context as CedarContext, Decision, Entities, EntityUid, PolicySet,
    Request, Schema,
};
use gabion_model::Acr;
use gabion_policy::{
    Context, Effect, EntityRef, Facts, GroupFact, Policies, Question, Resource, RouteFact, Sources, Subject,
    SubjectKind, Value,
};
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

#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) kind: SubjectKind,
    pub(crate) id: String,
    pub(crate) tenant: Option<&'static str>,
    pub(crate) roles: Vec<&'static str>,
    pub(crate) groups: Vec<&'static str>,
    pub(crate) department: Option<&'static str>,
    pub(crate) action: &'static str,
    pub(crate) resource: (&'static str, &'static str),
    pub(crate) parents: Vec<(&'static str, &'static str)>,
    pub(crate) owner: &'static str,
    pub(crate) folder: Option<&'static str>,
    pub(crate) of_tenant: Option<&'static str>,
    pub(crate) secret: Option<bool>,
    pub(crate) level: i64,
    pub(crate) tag: Option<&'static str>,
    pub(crate) ip: Option<&'static str>,
    pub(crate) acr: Option<Acr>,
    pub(crate) secure: bool,
    pub(crate) scope: bool,
    pub(crate) bearer: bool,
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

/// The policies of some texts; `None` where the validator refuses them.
pub(crate) fn compile(texts: &[String]) -> Option<Policies> {
    let sources = Sources {
        policies: BTreeMap::from([("p.cedar".to_owned(), texts.join("\n"))]),
        schema: Some(("schema.cedarschema".to_owned(), SCHEMA.to_owned())),
        entities: Some(("entities.json".to_owned(), ENTITIES.to_owned())),
        // Small, so that entries give way.
        cache: 16,
    };
    Policies::compile(sources, &facts()).ok()
}

/// Asks both about everything, and then again against the grain, so that most is remembered.
pub(crate) fn agree(texts: &[String], questions: &[Asked]) {
    let engine = compile(texts).expect("they compile");
    let (schema, _) = Schema::from_cedarschema_str(engine.schema_text()).unwrap();
    let plain: PolicySet = texts.join("\n").parse().unwrap();
    let authorizer = Authorizer::new();
    let asked: Vec<_> = questions
        .iter()
        .map(|one| (one, one.subject(), one.resource(), one.context(), one.plain(&schema)))
        .collect();
    for (one, principal, resource, context, plain_question) in asked.iter().chain(asked.iter().rev()) {
        let question = Question { principal, action: one.action, resource, context };
        let decision = engine.decide(&question);
        let Some((request, entities)) = plain_question else {
            assert_eq!(decision.effect, Effect::Deny, "{one:?}");
            continue;
        };
        let answer = authorizer.is_authorized(request, &plain, entities);
        let failed: HashSet<String> = answer
            .diagnostics()
            .errors()
            .map(|error| match error {
                AuthorizationError::PolicyEvaluationError(error) => error.policy_id().to_string(),
            })
            .collect();
        let forbids = |id: &String| {
            let policy = plain.policy(&id.parse().unwrap());
            policy.is_some_and(|policy| policy.effect() == cedar_policy::Effect::Forbid)
        };
        let forbid_failed = failed.iter().any(forbids);
        let denied = forbid_failed || answer.decision() == Decision::Deny;
        let wanted = if denied { Effect::Deny } else { Effect::Allow };
        let told = || format!("{one:?}\n{}\n{decision:?}", texts.join("\n"));
        assert_eq!(decision.effect, wanted, "{}", told());
        assert_eq!(decision.faults.len(), failed.len(), "{}", told());
        if !forbid_failed {
            assert_eq!(decision.policies.len(), answer.diagnostics().reason().count(), "{}", told());
        }
    }
}
