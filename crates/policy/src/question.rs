//! What is asked: may this principal do this to that, under these circumstances?

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::IpAddr;
use std::sync::{Arc, Mutex};

use gabion_model::{Acr, Methods, Principal, Timestamp};

use crate::cache::OfPrincipal;
use crate::prepared::Prepared;
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
    /// A digest of all but what tells one principal from another of its kind, for finding; never for comparing.
    pub(crate) class: u64,
    /// The same with what tells one from another.
    pub(crate) digest: u64,
    /// What the last generation that asked made of it; the generation's token beside it.
    pub(crate) prepared: Mutex<Option<(Arc<()>, Arc<Prepared>)>>,
}

impl Identity {
    /// Whether nothing differs that is read. Roles, groups and tenant always count.
    pub(crate) fn is_like(self: &Arc<Self>, other: &Arc<Self>, read: OfPrincipal) -> bool {
        Arc::ptr_eq(self, other)
            || (self.kind == other.kind
                && self.class == other.class
                && self.tenant == other.tenant
                && self.roles == other.roles
                && self.groups == other.groups
                && (!read.id || self.id == other.id)
                && (!read.name || self.name == other.name)
                && (!read.profile || self.attributes == other.attributes))
    }
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
        let (tenant, roles, groups) = (tenant.map(Arc::from), sorted(roles), sorted(groups));
        let mut state = DefaultHasher::new();
        (kind, &tenant, &roles, &groups).hash(&mut state);
        let class = state.finish();
        id.hash(&mut state);
        Self(Arc::new(Identity {
            kind,
            id: id.into(),
            name: name.into(),
            tenant,
            roles,
            groups,
            attributes,
            class,
            digest: state.finish(),
            prepared: Mutex::default(),
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

const DAY: i64 = 86_400;

impl Context {
    /// Seconds of the day and day of the week of `now` in UTC, Monday as 1.
    fn of_day(&self) -> Option<(i64, i64)> {
        let seconds = self.now?.as_secs();
        // 1970-01-01 was a Thursday.
        Some((
            seconds.rem_euclid(DAY),
            seconds.div_euclid(DAY).saturating_add(3).rem_euclid(7).saturating_add(1),
        ))
    }

    fn hour(&self) -> Option<i64> {
        self.of_day().map(|(seconds, _)| seconds / 3600)
    }

    fn weekday(&self) -> Option<i64> {
        self.of_day().map(|(_, day)| day)
    }

    fn strength(&self) -> i64 {
        match self.acr {
            None => 0,
            Some(Acr::OneFactor) => 1,
            Some(Acr::TwoFactors) => 2,
            Some(Acr::PhishingResistant) => 3,
        }
    }

    /// What policies see as `context.NAME`.
    pub(crate) fn attribute(&self, name: &str) -> Option<Value> {
        let text = |text: &Option<Arc<str>>| text.clone().map(Value::Text);
        match name {
            "now" => self.now.map(instant),
            "hour" => self.hour().map(Value::Long),
            "weekday" => self.weekday().map(Value::Long),
            "ip" => self.ip.map(|ip| Value::Text(ip.to_string().into())),
            "secure" => Some(Value::Bool(self.secure)),
            "acr" => Some(Value::Long(self.strength())),
            "factors" => Some(Value::Set(self.factors.amr().into_iter().map(Value::from).collect())),
            "authenticated_at" => self.authenticated_at.map(instant),
            "credential" => Some(self.credential.clone().map_or_else(|| Value::from("none"), Value::Text)),
            "scopes" => Some(Value::Set(self.scopes.iter().cloned().map(Value::Text).collect())),
            "device" => text(&self.device),
            "method" => text(&self.method),
            "host" => text(&self.host),
            "path" => text(&self.path),
            other => self.attributes.get(other).cloned(),
        }
    }

    /// Whether policies see the same of both.
    pub(crate) fn has_same(&self, other: &Self, one: &Circumstance) -> bool {
        match one {
            Circumstance::Acr => self.acr == other.acr,
            Circumstance::AuthenticatedAt => self.authenticated_at == other.authenticated_at,
            Circumstance::Credential => self.credential == other.credential,
            Circumstance::Device => self.device == other.device,
            Circumstance::Factors => self.factors == other.factors,
            Circumstance::Host => self.host == other.host,
            Circumstance::Hour => self.hour() == other.hour(),
            Circumstance::Ip => self.ip == other.ip,
            Circumstance::Method => self.method == other.method,
            Circumstance::Now => self.now == other.now,
            Circumstance::Own(name) => self.attributes.get(name) == other.attributes.get(name),
            Circumstance::Path => self.path == other.path,
            Circumstance::Scopes => self.scopes == other.scopes,
            Circumstance::Secure => self.secure == other.secure,
            Circumstance::Weekday => self.weekday() == other.weekday(),
        }
    }

    /// Equal where [`has_same`](Self::has_same).
    pub(crate) fn hash_one(&self, one: &Circumstance, state: &mut impl Hasher) {
        match one {
            Circumstance::Acr => self.acr.hash(state),
            Circumstance::AuthenticatedAt => self.authenticated_at.hash(state),
            Circumstance::Credential => self.credential.hash(state),
            Circumstance::Device => self.device.hash(state),
            Circumstance::Factors => self.factors.hash(state),
            Circumstance::Host => self.host.hash(state),
            Circumstance::Hour => self.hour().hash(state),
            Circumstance::Ip => self.ip.hash(state),
            Circumstance::Method => self.method.hash(state),
            Circumstance::Now => self.now.hash(state),
            Circumstance::Own(name) => self.attributes.get(name).hash(state),
            Circumstance::Path => self.path.hash(state),
            Circumstance::Scopes => self.scopes.hash(state),
            Circumstance::Secure => self.secure.hash(state),
            Circumstance::Weekday => self.weekday().hash(state),
        }
    }
}

/// One of the circumstances. Alphabetical.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Circumstance {
    Acr,
    AuthenticatedAt,
    Credential,
    Device,
    Factors,
    Host,
    Hour,
    Ip,
    Method,
    Now,
    /// What the team's schema declares.
    Own(Arc<str>),
    Path,
    Scopes,
    Secure,
    Weekday,
}

impl Circumstance {
    /// What policies call `context.NAME`.
    pub(crate) fn of(name: &str) -> Self {
        match name {
            "acr" => Self::Acr,
            "authenticated_at" => Self::AuthenticatedAt,
            "credential" => Self::Credential,
            "device" => Self::Device,
            "factors" => Self::Factors,
            "host" => Self::Host,
            "hour" => Self::Hour,
            "ip" => Self::Ip,
            "method" => Self::Method,
            "now" => Self::Now,
            "path" => Self::Path,
            "scopes" => Self::Scopes,
            "secure" => Self::Secure,
            "weekday" => Self::Weekday,
            own => Self::Own(own.into()),
        }
    }
}

/// As Cedar's `datetime` is written: milliseconds, UTC.
fn instant(time: Timestamp) -> Value {
    let text = time.to_string();
    // Microseconds are cut: `…:05.000006Z` becomes `…:05.000Z`.
    let text = text.len().checked_sub(4).and_then(|end| text.get(..end)).unwrap_or(&text);
    Value::Text(format!("{text}Z").into())
}
