//! What is asked: may this principal do this to that, under these circumstances?

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use gabion_model::{Acr, Methods, Principal, Timestamp};

use crate::value::{EntityRef, Value};

/// May `principal` do `action` to `resource` in `context`?
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    pub principal: &'a Subject,
    /// The id of the action: `getOrder`, `GET`.
    pub action: &'a str,
    pub resource: &'a Resource,
    pub context: &'a Context,
}

/// Who asks. Cheap to clone; keep one per session, for what is prepared for it is kept inside.
#[derive(Debug, Clone)]
pub struct Subject(pub(crate) Arc<Identity>);

#[derive(Debug)]
pub(crate) struct Identity {
    pub(crate) kind: SubjectKind,
    pub(crate) id: Arc<str>,
    pub(crate) name: Arc<str>,
    pub(crate) tenant: Option<Arc<str>>,
    pub(crate) roles: Vec<Arc<str>>,
    pub(crate) groups: Vec<Arc<str>>,
    pub(crate) attributes: BTreeMap<Arc<str>, Value>,
}

/// The entity types a principal can be of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SubjectKind {
    /// Whoever did not sign in: `Anonymous::"anonymous"`.
    Anonymous,
    /// A program: `ServiceAccount`.
    ServiceAccount,
    /// A person: `User`.
    User,
}

impl SubjectKind {
    pub const ALL: &[Self] = &[Self::User, Self::ServiceAccount, Self::Anonymous];

    /// The name of the entity type.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Anonymous => "Anonymous",
            Self::ServiceAccount => "ServiceAccount",
            Self::User => "User",
        }
    }

    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.as_str() == text)
    }
}

impl Subject {
    /// Whoever did not sign in.
    #[must_use]
    pub fn anonymous() -> Self {
        Self::new(SubjectKind::Anonymous, "anonymous", "anonymous", None, &[], &[], BTreeMap::new())
    }

    /// `attributes` are what the team's type `Profile` declares: `principal.profile.department`.
    #[must_use]
    pub fn new(
        kind: SubjectKind,
        id: &str,
        name: &str,
        tenant: Option<&str>,
        roles: &[&str],
        groups: &[&str],
        attributes: BTreeMap<Arc<str>, Value>,
    ) -> Self {
        let sorted = |names: &[&str]| {
            let mut names: Vec<Arc<str>> = names.iter().map(|name| Arc::from(*name)).collect();
            names.sort();
            names.dedup();
            names
        };
        Self(Arc::new(Identity {
            kind,
            id: id.into(),
            name: name.into(),
            tenant: tenant.map(Into::into),
            roles: sorted(roles),
            groups: sorted(groups),
            attributes,
        }))
    }

    /// Whoever a session or a credential belongs to.
    #[must_use]
    pub fn of(principal: &Principal, kind: SubjectKind) -> Self {
        let roles: Vec<&str> = principal.roles.iter().map(gabion_model::Role::as_str).collect();
        let groups: Vec<&str> = principal.groups.iter().map(|name| &**name).collect();
        let (id, tenant) = (principal.account.as_str(), principal.tenant.as_str());
        Self::new(kind, id, &principal.name, Some(tenant), &roles, &groups, BTreeMap::new())
    }

    #[must_use]
    pub fn entity(&self) -> EntityRef {
        EntityRef { kind: self.0.kind.as_str().into(), id: self.0.id.clone() }
    }

    #[must_use]
    pub fn kind(&self) -> SubjectKind {
        self.0.kind
    }

    #[must_use]
    pub fn id(&self) -> &Arc<str> {
        &self.0.id
    }
}

/// What is acted upon.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resource {
    pub entity: EntityRef,
    /// What it is in: `Tenant::"acme"`, `Folder::"2026"`.
    pub parents: Vec<EntityRef>,
    /// Those of [`Needed::resource`](crate::Needed) at least.
    pub attributes: BTreeMap<Arc<str>, Value>,
    /// Tags; of a `Route` its path parameters.
    pub tags: BTreeMap<Arc<str>, Value>,
}

impl Resource {
    #[must_use]
    pub fn new(kind: &str, id: &str) -> Self {
        Self {
            entity: EntityRef::new(kind, id),
            parents: Vec::new(),
            attributes: BTreeMap::new(),
            tags: BTreeMap::new(),
        }
    }

    /// A declared route, with its path parameters.
    #[must_use]
    pub fn route(id: &str, parameters: impl IntoIterator<Item = (Arc<str>, Arc<str>)>) -> Self {
        let mut route = Self::new("Route", id);
        route.tags = parameters.into_iter().map(|(name, value)| (name, Value::Text(value))).collect();
        route
    }

    #[must_use]
    pub fn with(mut self, attribute: &str, value: impl Into<Value>) -> Self {
        self.attributes.insert(attribute.into(), value.into());
        self
    }

    #[must_use]
    pub fn within(mut self, parent: EntityRef) -> Self {
        self.parents.push(parent);
        self
    }
}

/// The circumstances. What is not known stays empty; a policy that reads it then does not permit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Context {
    /// The client's address.
    pub ip: Option<IpAddr>,
    pub now: Option<Timestamp>,
    /// How strongly whoever asks signed in: `context.acr` is 1, 2 or 3, and 0 where nobody did.
    pub acr: Option<Acr>,
    /// By what: `context.factors`, a set of `amr` values (RFC 8176).
    pub factors: Methods,
    pub authenticated_at: Option<Timestamp>,
    /// By what whoever asks came: `session`, `bearer`, `api-key`, `certificate`; `none` when not signed in.
    pub credential: Option<Arc<str>>,
    /// Of a token or key.
    pub scopes: Vec<Arc<str>>,
    /// The client speaks TLS to the gate.
    pub secure: bool,
    /// The fingerprint of the client's certificate.
    pub device: Option<Arc<str>>,
    pub method: Option<Arc<str>>,
    pub host: Option<Arc<str>>,
    /// Without its query.
    pub path: Option<Arc<str>>,
    /// What the team's schema declares beyond that.
    pub attributes: BTreeMap<Arc<str>, Value>,
}
