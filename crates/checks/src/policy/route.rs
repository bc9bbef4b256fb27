//! What a route asks policies, and where it finds the object.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use gabion_model::Problem;
use gabion_openapi::{Contract, Match, Operation};
use gabion_policy::{EntityRef, Resource, Value};
use http::Method;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Violation;
use super::source::{Said, Source, parameters};
use crate::contract::Contracts;
use crate::exchange::Exchange;
use crate::route::{Compiled, Routes};

/// What policies are asked on a route. `policy = {}` asks whether the principal may use the method on the route.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RoutePolicy {
    /// The action, as policies name it. Default: the operation of the route's `contract` that the request belongs
    /// to, by its `operationId` or as `GET /orders/{id}`; without a contract, and for what the contract does not
    /// know, the method, `HEAD` as `GET`.
    pub action: Option<String>,
    /// The type of the object, as policies name it, for instance `Order`. Default: the route itself is the
    /// resource.
    pub resource: Option<String>,
    /// Where the object's id stands: `path.NAME` for a segment `{NAME}` of the path, `query.NAME` for a
    /// parameter, `body:/order/id` for a member of a JSON body (RFC 6901), `claim.account`, `claim.name` or
    /// `claim.tenant` for what the principal is, `text:…` for what stands here. Default: the last segment in braces.
    pub id: Option<String>,
    /// Where the object's attribute `tenant` stands, likewise.
    pub tenant: Option<String>,
    /// Where other attributes of the object stand, likewise. What the object's resolver says counts before it.
    pub attributes: BTreeMap<String, String>,
    /// The action by which somebody may know of the object: who may not is told 404 instead of 403. Default: what
    /// the route with the same path that takes `GET` asks.
    pub known_by: Option<String>,
    /// No policy is asked here although `checks.policy.routes = "all"`; the reason, for the next reader.
    pub off: Option<String>,
}

/// Which action a route asks.
#[derive(Debug)]
enum Asks {
    Method,
    Named(Arc<str>),
    Operation(Arc<Operations>),
}

/// The operations of a contract and what policies call each.
#[derive(Debug)]
struct Operations {
    contract: Arc<Contract>,
    /// By the number of the operation.
    names: Vec<Arc<str>>,
}

impl Asks {
    fn of(route: &Compiled, policy: &RoutePolicy, operations: &BTreeMap<String, Arc<Operations>>) -> Self {
        if let Some(action) = &policy.action {
            return Self::Named(action.as_str().into());
        }
        let contract = route.declared.contract.as_ref().and_then(|name| operations.get(name));
        contract.map_or(Self::Method, |found| Self::Operation(Arc::clone(found)))
    }

    fn action(&self, method: &Method, path: &str) -> &Arc<str> {
        match self {
            Self::Method => by_method(method),
            Self::Named(action) => action,
            Self::Operation(operations) => {
                operations.action(method, path).unwrap_or_else(|| by_method(method))
            }
        }
    }
}

impl Operations {
    fn of(contracts: &Contracts) -> BTreeMap<String, Arc<Self>> {
        let names = |contract: &Contract| {
            contract.operations().iter().map(|operation| operation_action(operation).into()).collect()
        };
        let all = contracts.loaded.iter();
        all.map(|(name, (contract, _))| {
            (name.clone(), Arc::new(Self { names: names(contract), contract: Arc::clone(contract) }))
        })
        .collect()
    }

    fn action(&self, method: &Method, path: &str) -> Option<&Arc<str>> {
        match self.contract.operation(method.as_str(), path) {
            Match::Operation(matched) => self.names.get(matched.index),
            Match::OtherMethods(_) if method == Method::HEAD => self.action(&Method::GET, path),
            Match::OtherMethods(_) | Match::Unknown => None,
        }
    }
}

/// What policies call an operation of a contract: its `operationId`, or `GET /orders/{id}` where it has none or has
/// the name of an action of the gate's own.
#[must_use]
pub fn operation_action(operation: &Operation) -> String {
    match operation.id() {
        Some(id) if !id.is_empty() && !gabion_policy::is_own_action(id) => id.to_owned(),
        _ => format!("{} {}", operation.method(), operation.template()),
    }
}

/// A route's question, compiled.
#[derive(Debug)]
pub(super) struct Rule {
    asks: Asks,
    kind: Option<Arc<str>>,
    id: Option<Source>,
    attributes: Vec<(Arc<str>, Source)>,
    /// A value stands in the body.
    reads_body: bool,
    reading: Option<Asks>,
    /// The route as a resource; with parameters, they are its tags.
    route: Resource,
    parameters: Vec<(Arc<str>, usize)>,
}

impl RoutePolicy {
    /// Something that identifies the object stands in the body.
    #[must_use]
    pub fn reads_body(&self) -> bool {
        let texts = self.id.iter().chain(&self.tenant).chain(self.attributes.values());
        texts.into_iter().any(|text| text.starts_with("body:"))
    }

    /// What is wrong with it, on a route of this path; paths are relative to the table.
    #[must_use]
    pub fn problems(&self, path: &str) -> Vec<Problem> {
        let mut problems = Vec::new();
        let source = "for instance `path.order`, `query.id`, `body:/order_id`, `claim.tenant` or `text:EU`";
        let sources = [("id".to_owned(), self.id.as_ref()), ("tenant".to_owned(), self.tenant.as_ref())];
        let named = self.attributes.iter().map(|(name, text)| (format!("attributes.{name}"), Some(text)));
        for (key, text) in sources.into_iter().chain(named) {
            let Some(text) = text else { continue };
            if let Err(reason) = Source::parse(text, path) {
                problems.push(Problem::new(key, reason).hint(source));
            }
        }
        for (key, word) in
            [("action", &self.action), ("known_by", &self.known_by), ("resource", &self.resource)]
        {
            if word.as_ref().is_some_and(|word| word.is_empty() || word.len() > 256) {
                problems.push(Problem::new(key, "is not 1 to 256 characters"));
            }
        }
        if self.resource.is_some() && self.id.is_none() && parameters(path).is_empty() {
            problems.push(
                Problem::new("id", "the path names no object: it has no segment in braces").hint(source),
            );
        }
        if self.resource.is_none() {
            let set = [
                ("id", self.id.is_some()),
                ("tenant", self.tenant.is_some()),
                ("attributes", !self.attributes.is_empty()),
                ("known_by", self.known_by.is_some()),
            ];
            for (key, _) in set.into_iter().filter(|(_, is_set)| *is_set) {
                problems.push(
                    Problem::new(key, "has no effect: the route itself is the resource")
                        .hint("say which type of object it is about: `resource = \"Order\"`"),
                );
            }
        }
        match &self.off {
            Some(reason) if reason.trim().is_empty() => {
                problems
                    .push(Problem::new("off", "the reason is empty").hint("say why, for the next reader"));
            }
            Some(_) if *self != (Self { off: self.off.clone(), ..Self::default() }) => {
                problems
                    .push(Problem::new("off", "the other options then have no effect").hint("remove them"));
            }
            _ => {}
        }
        problems
    }
}

impl Rule {
    /// The rules of all routes.
    pub(super) fn all(routes: &Routes, everywhere: bool, contracts: &Contracts) -> Vec<Option<Self>> {
        let all: Vec<&Compiled> = routes.iter().collect();
        let operations = Operations::of(contracts);
        all.iter().map(|route| Self::new(route, &all, everywhere, &operations)).collect()
    }

    fn new(
        route: &Compiled,
        all: &[&Compiled],
        everywhere: bool,
        operations: &BTreeMap<String, Arc<Operations>>,
    ) -> Option<Self> {
        if route.is_own() {
            return None;
        }
        let declared = &route.declared;
        let default = RoutePolicy::default();
        let policy = match &declared.policy {
            Some(policy) => policy,
            None if everywhere => &default,
            None => return None,
        };
        if policy.off.is_some() {
            return None;
        }
        let path = declared.path.as_str();
        let source = |text: &String| Source::parse(text, path).ok();
        let id = match &policy.id {
            Some(text) => source(text),
            None => parameters(path).last().map(|(_, number)| Source::Path(*number)),
        };
        let tenant = policy.tenant.as_ref().and_then(source).map(|source| (Arc::from("tenant"), source));
        let attributes = policy.attributes.iter();
        let attributes =
            attributes.filter_map(|(name, text)| Some((Arc::from(name.as_str()), source(text)?)));
        let reads = |other: &&&Compiled| {
            other.pattern == route.pattern
                && other.declared.hosts == declared.hosts
                && (other.methods.is_empty() || other.methods.contains(&Method::GET))
        };
        let reading = match &policy.known_by {
            Some(named) => Some(Asks::Named(named.as_str().into())),
            None => all
                .iter()
                .find(reads)
                .and_then(|reading| Some(Asks::of(reading, reading.declared.policy.as_ref()?, operations))),
        };
        let attributes: Vec<_> = attributes.chain(tenant).collect();
        let sources = id.iter().chain(attributes.iter().map(|(_, source)| source));
        let reads_body = policy.resource.is_some() && sources.into_iter().any(Source::is_in_body);
        Some(Self {
            asks: Asks::of(route, policy, operations),
            kind: policy.resource.as_deref().map(Into::into),
            id,
            attributes,
            reads_body,
            reading,
            route: Resource::route(&declared.policy_id(), []),
            parameters: parameters(path),
        })
    }

    /// The resource is an object, not the route.
    pub(super) const fn is_object(&self) -> bool {
        self.kind.is_some()
    }

    /// Something that identifies the object stands in the body.
    pub(super) const fn reads_body(&self) -> bool {
        self.reads_body
    }

    pub(super) fn action(&self, exchange: &Exchange) -> &Arc<str> {
        self.asks.action(&exchange.method, exchange.path())
    }

    /// The action by which somebody may know of the object.
    pub(super) fn known_by(&self, exchange: &Exchange) -> Option<&Arc<str>> {
        Some(self.reading.as_ref()?.action(&Method::GET, exchange.path()))
    }

    /// The object the request is about, as far as the request says.
    pub(super) fn resource(&self, said: Said<'_>) -> Result<Cow<'_, Resource>, Violation> {
        let Some(kind) = &self.kind else {
            if self.parameters.is_empty() {
                return Ok(Cow::Borrowed(&self.route));
            }
            let mut route = self.route.clone();
            for (name, number) in &self.parameters {
                if let Some(value) = Source::Path(*number).read(said)? {
                    route.tags.insert(Arc::clone(name), Value::Text(value));
                }
            }
            return Ok(Cow::Owned(route));
        };
        let id = self.id.as_ref().map(|id| id.read(said)).transpose()?.flatten();
        // Whose it is cannot be said of an object without a name.
        let id = id.filter(|id| !id.is_empty()).ok_or(match &self.id {
            Some(source) if source.can_be_missing() => Violation::Unnamed,
            _ => Violation::Hidden,
        })?;
        if id.len() > LONGEST_ID {
            return Err(Violation::Hidden);
        }
        let mut resource = Resource {
            entity: EntityRef { kind: Arc::clone(kind), id },
            parents: Vec::new(),
            attributes: BTreeMap::new(),
            tags: BTreeMap::new(),
        };
        for (name, source) in &self.attributes {
            if let Some(value) = source.read(said)? {
                resource.attributes.insert(Arc::clone(name), Value::Text(value));
            }
        }
        Ok(Cow::Owned(resource))
    }

    /// With what the resolver says, which counts before what the request says.
    pub(super) fn joined<'a>(
        &'a self,
        said: Cow<'a, Resource>,
        found: &'a Arc<Resource>,
    ) -> Cow<'a, Resource> {
        if self.attributes.is_empty() {
            return Cow::Borrowed(&**found);
        }
        let mut resource = (**found).clone();
        for (name, value) in &said.attributes {
            resource.attributes.entry(Arc::clone(name)).or_insert_with(|| value.clone());
        }
        Cow::Owned(resource)
    }
}

/// The method as an action.
fn by_method(method: &Method) -> &'static Arc<str> {
    use std::sync::LazyLock;
    static ACTIONS: LazyLock<Vec<(Method, Arc<str>)>> = LazyLock::new(|| {
        let methods =
            [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE, Method::OPTIONS];
        methods.into_iter().map(|method| (method.clone(), method.as_str().into())).collect()
    });
    static READ: LazyLock<Arc<str>> = LazyLock::new(|| "GET".into());
    static OTHER: LazyLock<Arc<str>> = LazyLock::new(|| "OTHER".into());
    match method {
        &Method::GET | &Method::HEAD => &READ,
        other => ACTIONS.iter().find(|(own, _)| own == other).map_or(&OTHER, |(_, action)| action),
    }
}

/// Longer ids are no object's.
const LONGEST_ID: usize = 512;
