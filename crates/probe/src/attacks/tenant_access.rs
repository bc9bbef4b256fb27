//! Whether the caller chooses whose tenant is answered from (OWASP API1:2023, CWE-639).
//!
//! 1. Objects of answers have a property of their tenant (`tenant`, `org_id`, `workspace`, …), and people of two tenants have
//!    different values in it. That is the control: A's list has none of B's tenant, B's has some.
//! 2. A asks for the list with B's value as a parameter of that name, and as headers of such names.
//! 3. It is proven when A's answer then has objects of B's tenant that B's own answer has too.
//! 4. Negative twin: the same with a value that no tenant has, and B's value under a name that nobody reads.

use std::collections::BTreeSet;

use gabion_model::outbound::BoxFuture;
use serde_json::Value;

use super::{Attack, Phase, usable};
use crate::call::{Put, text_of};
use crate::field::{Field, Known};
use crate::learn::works;
use crate::matrix::Access;
use crate::operation::{Place, Point};
use crate::verdict::{Outcome, Proof, Verdict};
use crate::wire::{Answer, Request, WireError};

pub(super) struct TenantAccess;

const ID: &str = "tenant-access";

impl Attack for TenantAccess {
    fn id(&self) -> &'static str {
        ID
    }

    fn phase(&self) -> Phase {
        Phase::Read
    }

    fn run<'a>(&'a self, field: &'a Field) -> BoxFuture<'a, Result<(), WireError>> {
        Box::pin(run(field))
    }
}

async fn run(field: &Field) -> Result<(), WireError> {
    if field.signed_in().count() < 2 {
        field.not_tested(ID, "it takes two identities of two tenants; hint: `tenant` in `[[identities]]`");
        return Ok(());
    }
    let mut tested = 0_usize;
    for at in 0..field.operations.len() {
        let Some(operation) = field.operation(at).filter(|operation| operation.method == "GET") else {
            continue;
        };
        if operation.path.contains('{') {
            continue;
        }
        if let Some(pair) = pair(field, at) {
            tested = tested.saturating_add(1);
            attack(field, &operation.id(), &pair).await?;
        }
    }
    if tested == 0 {
        field.not_tested(ID, "no list says of which tenant its objects are, to people of two tenants");
    }
    Ok(())
}

/// Two people whose answers to one operation are of two tenants.
struct Pair<'a> {
    reader: &'a Known,
    other: &'a Known,
    /// What the tenant is called in the objects.
    property: String,
    /// The other's tenant.
    value: String,
    /// Ids or texts by which the other's objects are known again.
    objects: BTreeSet<String>,
}

fn pair(field: &Field, at: usize) -> Option<Pair<'_>> {
    let all: Vec<&Known> = field.known_of(at).filter(|known| known.who != 0).collect();
    for reader in &all {
        for other in all.iter().filter(|other| other.who != reader.who) {
            let (mine, theirs) = (reader.answer.json()?, other.answer.json()?);
            for property in PROPERTIES {
                let (own, foreign) = (values_of(&mine, property), values_of(&theirs, property));
                let mut values = foreign.iter();
                let (Some(value), None) = (values.next(), values.next()) else { continue };
                let objects = objects_of(&theirs, property, value);
                // Who sees both is meant to.
                if own.contains(value)
                    || own.len() > 1
                    || objects.is_empty()
                    || !apart(field, reader.who, other.who)
                {
                    continue;
                }
                let (property, value) = ((*property).to_owned(), value.clone());
                return Some(Pair { reader, other, property, value, objects });
            }
        }
    }
    None
}

/// Whether nothing says that two people are of one tenant.
fn apart(field: &Field, one: usize, two: usize) -> bool {
    let (one, two) = (&field.person(one).tenant, &field.person(two).tenant);
    one.is_none() || two.is_none() || one != two
}

/// What objects say of their tenant.
const PROPERTIES: &[&str] = &[
    "tenant",
    "tenant_id",
    "tenantId",
    "org",
    "org_id",
    "orgId",
    "organization",
    "organization_id",
    "organizationId",
    "organisation",
    "workspace",
    "workspace_id",
    "workspaceId",
    "account_id",
    "accountId",
    "company",
    "company_id",
    "companyId",
    "team",
    "team_id",
    "teamId",
    "project_id",
    "projectId",
    "group_id",
    "customer_id",
    "customerId",
];
const HEADERS: &[&str] = &[
    "X-Tenant",
    "X-Tenant-Id",
    "X-TenantId",
    "X-Org-Id",
    "X-Organization-Id",
    "X-Organization",
    "X-Workspace-Id",
    "X-Account-Id",
    "X-Company-Id",
    "X-Team-Id",
    "X-Project-Id",
];

/// The objects of an answer with their value of a property.
fn walk<'a>(value: &'a Value, property: &str, depth: usize, take: &mut dyn FnMut(&'a Value, String)) {
    if depth > 4 {
        return;
    }
    match value {
        Value::Array(items) => {
            items.iter().take(200).for_each(|item| walk(item, property, depth.saturating_add(1), take));
        }
        Value::Object(members) => {
            let own = members.get(property).filter(|own| own.is_string() || own.is_number());
            if let Some(own) = own {
                take(value, text_of(own));
            }
            members.values().for_each(|value| walk(value, property, depth.saturating_add(1), take));
        }
        _ => {}
    }
}

fn values_of(body: &Value, property: &str) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    walk(body, property, 0, &mut |_, value| {
        all.insert(value);
    });
    all
}

/// The objects of a tenant, each as its whole text.
fn objects_of(body: &Value, property: &str, tenant: &str) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    walk(body, property, 0, &mut |object, value| {
        let members = object.as_object().map_or(0, serde_json::Map::len);
        if value == tenant && members >= 2 && all.len() < 500 {
            all.insert(object.to_string());
        }
    });
    all
}

/// How the other tenant is named.
enum Way {
    Parameter(String),
    Headers,
}

async fn attack(field: &Field, id: &str, pair: &Pair<'_>) -> Result<(), WireError> {
    let who = pair.reader.who;
    let stray = format!("{}x", pair.value);
    let mut ways: Vec<Way> = vec![Way::Parameter(pair.property.clone())];
    let declared = field.operation(pair.reader.operation).map(|operation| &operation.parameters);
    for parameter in declared.into_iter().flatten().filter(|parameter| parameter.place == Place::Query) {
        if PROPERTIES.contains(&parameter.name.as_str()) && parameter.name != pair.property {
            ways.push(Way::Parameter(parameter.name.clone()));
        }
    }
    ways.push(Way::Headers);
    let (reader, other) = (field.person(who), field.person(pair.other.who));
    for way in &ways {
        let Some((request, answer)) = send(field, pair, way, &pair.value).await? else { continue };
        if foreign(field, pair, &answer).is_none() {
            continue;
        }
        let Some((twin_request, twin)) = send(field, pair, way, &stray).await? else { continue };
        let nonsense = Way::Parameter(field.canary());
        let Some((_, unread)) = send(field, pair, &nonsense, &pair.value).await? else { continue };
        let Some((_, again)) = send(field, pair, way, &pair.value).await? else { continue };
        let Some(object) = foreign(field, pair, &again) else { continue };
        let Some((control_request, control)) =
            usable(field.exchange(pair.other.who, &pair.other.call).await)?
        else {
            continue;
        };
        if foreign(field, pair, &twin).is_some() || foreign(field, pair, &unread).is_some() {
            let says = "objects of the other tenant come and go by themselves";
            field.say(Outcome::new(ID, id, Verdict::Inconclusive, says));
            continue;
        }
        let says =
            format!("`{}` reads what belongs to the tenant of `{}`, by naming it", reader.name, other.name);
        field.saw(id, who, Access::Violation, says.as_str());
        let evidence: String = format!("an object of `{}`: {object}", pair.value).chars().take(300).collect();
        let proof = Proof::new(field.evidence(who, &request, &answer), evidence)
            .twin(field.evidence(who, &twin_request, &twin))
            .shown(field.evidence(pair.other.who, &control_request, &control));
        let mut outcome = Outcome::new(ID, id, Verdict::Proven, says);
        if let Way::Parameter(name) = way {
            outcome = outcome.at(&Point::new(Place::Query, name));
        }
        field.say(outcome.proof(proof));
        return Ok(());
    }
    let says = format!("`{}` does not get what belongs to the tenant of `{}`", reader.name, other.name);
    field.say(Outcome::new(ID, id, Verdict::Passed, says));
    Ok(())
}

async fn send(
    field: &Field,
    pair: &Pair<'_>,
    way: &Way,
    value: &str,
) -> Result<Option<(Request, Answer)>, WireError> {
    let mut request = match way {
        Way::Parameter(name) => {
            pair.reader.call.with(&Point::new(Place::Query, name), &Put::Text(value)).request()
        }
        Way::Headers => pair.reader.call.request(),
    };
    if let Way::Headers = way {
        for name in HEADERS {
            request = request.header(name, value);
        }
    }
    let answer = usable(field.request(pair.reader.who, &request).await)?;
    Ok(answer.filter(|answer| works(field, answer)).map(|answer| (request, answer)))
}

/// An object of the other's that an answer has.
fn foreign(field: &Field, pair: &Pair<'_>, answer: &Answer) -> Option<String> {
    let body = answer.json().filter(|_| !field.is_missing(answer))?;
    objects_of(&body, &pair.property, &pair.value).into_iter().find(|object| pair.objects.contains(object))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn objects_are_told_by_their_tenant() {
        let body =
            json!({ "data": [{ "id": 1, "tenant": "a" }, { "id": 2, "tenant": "b" }, { "tenant": "b" }] });
        assert_eq!(values_of(&body, "tenant").len(), 2);
        assert_eq!(objects_of(&body, "tenant", "b").len(), 1);
        assert!(objects_of(&body, "org", "b").is_empty());
    }
}
