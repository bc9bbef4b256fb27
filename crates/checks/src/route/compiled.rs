//! The table of routes as the request path uses it.

use std::sync::{Arc, OnceLock};

use gabion_identity::CredentialKind;
use gabion_model::{Problem, Role};
use http::header::ACCESS_CONTROL_REQUEST_METHOD;
use http::{HeaderValue, Method, request};

use super::{Access, CachePolicy, Pattern, Route, RouteIndex, by_specificity};

/// All routes, the gate's own included.
#[derive(Debug)]
pub(crate) struct Routes {
    routes: Vec<Compiled>,
    /// The declared ones, most specific first.
    order: Vec<RouteIndex>,
    /// The gate's own, most specific first. They are nobody else's, whatever the hosts say.
    own: Vec<RouteIndex>,
    /// No pattern has capitals or ends in `/`.
    plain: bool,
    /// Host names that may be asked for; empty when some route answers to every host.
    hosts: Vec<String>,
    /// Names of the gate itself, beside; only its own pages are there.
    own_hosts: OnceLock<Vec<String>>,
    /// Names of upstreams, as `Destination::Upstream` counts them.
    upstreams: Vec<Arc<str>>,
}

/// A route ready for matching. What only one check needs, that check compiles for itself.
#[derive(Debug)]
pub(crate) struct Compiled {
    pub(crate) declared: Route,
    pub(crate) pattern: Pattern,
    pub(crate) methods: Vec<Method>,
    pub(crate) allow: HeaderValue,
    pub(crate) roles: Vec<Role>,
    /// Index into the upstreams; `None` is the gate itself.
    pub(crate) upstream: Option<usize>,
}

/// The kinds of credential a route takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Taken(u8);

impl Taken {
    fn of(kinds: &[CredentialKind]) -> Self {
        Self(kinds.iter().fold(0, |taken, kind| taken | Self::bit(*kind)))
    }

    pub(crate) const fn contains(self, kind: CredentialKind) -> bool {
        self.0 & Self::bit(kind) != 0
    }

    const fn bit(kind: CredentialKind) -> u8 {
        match kind {
            CredentialKind::Session => 1,
            CredentialKind::Bearer => 2,
            CredentialKind::ApiKey => 4,
            CredentialKind::Certificate => 8,
            CredentialKind::Webhook => 16,
        }
    }

    const fn is_below(self, other: Self) -> bool {
        self.0 & !other.0 == 0 && self.0 != other.0
    }
}

/// What the table says about a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Found {
    Route(RouteIndex),
    /// The path is declared, with other methods only.
    OtherMethods(RouteIndex),
    Nothing,
}

impl Routes {
    pub(crate) fn compile(declared: &[Route]) -> Result<Self, Vec<Problem>> {
        let mut problems = Vec::new();
        let mut routes = Vec::new();
        let mut upstreams: Vec<Arc<str>> = Vec::new();
        for (index, route) in declared.iter().enumerate() {
            let at = format!("routes[{index}]");
            problems.extend(route.problems().into_iter().map(|problem| problem.under(&at)));
            let upstream = upstreams.iter().position(|name| **name == *route.upstream).unwrap_or_else(|| {
                upstreams.push(route.upstream.as_str().into());
                upstreams.len() - 1
            });
            match Compiled::new(route.clone(), Some(upstream)) {
                Ok(compiled) => routes.push(compiled),
                Err(_) => continue,
            }
            if is_own(&route.path) {
                problems.push(
                    Problem::new(
                        format!("{at}.path"),
                        format!("`{}` belongs to the gate itself", route.path),
                    )
                    .hint("`/.gabion/` and `/.well-known/jwks.json` are not passed on"),
                );
            }
            let twin = declared.iter().take(index).position(|other| {
                other.path == route.path && other.hosts == route.hosts && other.methods == route.methods
            });
            if let Some(twin) = twin {
                problems
                    .push(Problem::new(at, format!("is the same as `routes[{twin}]`")).hint("remove one"));
            }
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        let any_host = routes.iter().any(|route| route.declared.hosts.is_empty());
        let hosts = if any_host {
            Vec::new()
        } else {
            routes.iter().flat_map(|route| route.declared.hosts.iter().cloned()).collect()
        };
        let declared = routes.len();
        routes.extend(own());
        let sorted = |range: std::ops::Range<RouteIndex>| {
            let mut order: Vec<RouteIndex> = range.collect();
            order.sort_by(|left, right| match (routes.get(*left), routes.get(*right)) {
                (Some(left), Some(right)) => by_specificity(left, right),
                _ => left.cmp(right),
            });
            order
        };
        let (order, own) = (sorted(0..declared), sorted(declared..routes.len()));
        let plain = routes.iter().all(|route| route.pattern.is_plain());
        Ok(Self { routes, order, own, plain, hosts, own_hosts: OnceLock::new(), upstreams })
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Compiled> {
        self.routes.iter()
    }

    pub(crate) fn get(&self, index: RouteIndex) -> Option<&Compiled> {
        self.routes.get(index)
    }

    pub(crate) fn upstreams(&self) -> &[Arc<str>] {
        &self.upstreams
    }

    /// May a request ask for this host (lower case, without port) at all?
    pub(crate) fn knows_host(&self, host: &str) -> bool {
        self.hosts.is_empty()
            || self.hosts.iter().any(|pattern| host_matches(pattern, host))
            || self.own_hosts.get().is_some_and(|own| own.iter().any(|one| one == host))
    }

    /// Names by which the gate's own pages can be reached besides; said once.
    pub(crate) fn set_own_hosts(&self, hosts: Vec<String>) {
        let _ = self.own_hosts.set(hosts);
    }

    /// The most specific route for a normalised path.
    pub(crate) fn find(&self, host: &str, path: &str, method: &Method) -> Found {
        self.search(host, path, method, Pattern::matches)
    }

    /// Would an application that ignores case, what ends a segment, or the encoding of a delimiter take the
    /// path for one whose route asks for more than `found`? A route that spells the whole path is taken at its
    /// word.
    pub(crate) fn asks_for_more(&self, found: &Found, host: &str, path: &str, method: &Method) -> bool {
        let Found::Route(found) = found else { return false };
        let Some(found) = self.routes.get(*found) else { return false };
        let has_other = || path.bytes().any(|byte| byte.is_ascii_uppercase() || byte == b'%');
        if found.pattern.is_exact() || (self.plain && !path.ends_with(['/', '.']) && !has_other()) {
            return false;
        }
        // Decoded too early, `?` and `#` end the path.
        let end = ["%3F", "%23"].iter().filter_map(|delimiter| path.find(delimiter)).min();
        let path = path.get(..end.unwrap_or(path.len())).unwrap_or(path);
        let slashes = path.contains("%2F").then(|| path.replace("%2F", "/"));
        let path = slashes.as_deref().unwrap_or(path);
        match self.search(host, path, method, Pattern::matches_loosely) {
            Found::Route(other) | Found::OtherMethods(other) => {
                self.routes.get(other).is_some_and(|other| other.asks_for_more(found))
            }
            Found::Nothing => false,
        }
    }

    fn search(&self, host: &str, path: &str, method: &Method, matches: fn(&Pattern, &str) -> bool) -> Found {
        let mut other: Option<(RouteIndex, &Compiled)> = None;
        // The gate's own paths all begin with `/.`.
        let own = if path.starts_with("/.") { self.own.as_slice() } else { &[] };
        for &index in own.iter().chain(&self.order) {
            let Some(route) = self.routes.get(index) else { continue };
            if !matches(&route.pattern, path) || !route.answers_to(host) {
                continue;
            }
            // INVARIANT: the most specific pattern decides. A route with other methods never gives way to
            // a wider one, or `POST` would slip past a guarded `GET`; only to its like.
            if other.is_some_and(|(_, other)| !route.is_like(other)) {
                break;
            }
            // A preflight asks on behalf of the method it names; `cors` answers it.
            if route.methods.is_empty() || route.methods.contains(method) || *method == Method::OPTIONS {
                return Found::Route(index);
            }
            other = other.or(Some((index, route)));
        }
        other.map_or(Found::Nothing, |(index, _)| Found::OtherMethods(index))
    }
}

impl Compiled {
    fn new(declared: Route, upstream: Option<usize>) -> Result<Self, String> {
        let pattern = Pattern::parse(&declared.path)?;
        let mut methods: Vec<Method> =
            declared.methods.iter().filter_map(|method| Method::from_bytes(method.as_bytes()).ok()).collect();
        if methods.contains(&Method::GET) && !methods.contains(&Method::HEAD) {
            methods.push(Method::HEAD);
        }
        let allow = methods.iter().map(Method::as_str).collect::<Vec<_>>().join(", ");
        let allow = HeaderValue::from_str(&allow).map_err(|_| "method".to_owned())?;
        let roles = declared.roles.iter().map(|role| Role::new(role)).collect();
        Ok(Self { declared, pattern, methods, allow, roles, upstream })
    }

    pub(crate) fn taken(&self) -> Taken {
        Taken::of(self.declared.credentials())
    }

    /// Whether the method a preflight asks for is declared here.
    pub(crate) fn takes_preflight(&self, head: &request::Parts) -> bool {
        let mut asked = head.headers.get_all(ACCESS_CONTROL_REQUEST_METHOD).iter();
        let (Some(asked), None) = (asked.next(), asked.next()) else { return false };
        let asked = Method::from_bytes(asked.as_bytes());
        asked.is_ok_and(|asked| self.methods.is_empty() || self.methods.contains(&asked))
    }

    pub(crate) fn is_own(&self) -> bool {
        self.upstream.is_none()
    }

    pub(crate) fn cache(&self) -> CachePolicy {
        self.declared.cache.unwrap_or(match self.declared.access {
            Access::Public => CachePolicy::Upstream,
            Access::SignedIn => CachePolicy::NoStore,
        })
    }

    /// Named hosts first, then `*.` patterns, then every host.
    pub(super) fn host_rank(&self) -> usize {
        match self.declared.hosts.first() {
            None => 2,
            Some(first) => usize::from(first.starts_with('*')),
        }
    }

    /// Is there anybody who may use `weaker` and not this?
    fn asks_for_more(&self, weaker: &Self) -> bool {
        let signature = self.declared.webhook.is_some() && self.declared.webhook != weaker.declared.webhook;
        let asks_policies = self.declared.policy.as_ref().is_some_and(|policy| policy.off.is_none());
        signature
            || (asks_policies && self.declared.policy != weaker.declared.policy)
            || self.declared.access == Access::SignedIn
                && (weaker.declared.access == Access::Public
                    || !self.roles.is_empty()
                        && (weaker.roles.is_empty()
                            || weaker.roles.iter().any(|role| !self.roles.contains(role)))
                    || self.taken().is_below(weaker.taken())
                    || self.declared.scopes.iter().any(|scope| !weaker.declared.scopes.contains(scope))
                    || self.declared.acr() > weaker.declared.acr()
                    || self
                        .declared
                        .max_age
                        .is_some_and(|own| weaker.declared.max_age.is_none_or(|age| own < age)))
    }

    /// The same place, perhaps for other methods.
    fn is_like(&self, other: &Self) -> bool {
        self.pattern == other.pattern && self.declared.hosts == other.declared.hosts
    }

    fn answers_to(&self, host: &str) -> bool {
        self.declared.hosts.is_empty()
            || self.declared.hosts.iter().any(|pattern| host_matches(pattern, host))
    }
}

fn host_matches(pattern: &str, host: &str) -> bool {
    match pattern.strip_prefix('*') {
        Some(suffix) => host.len() > suffix.len() && host.ends_with(suffix),
        None => pattern == host,
    }
}

fn is_own(path: &str) -> bool {
    path == "/.gabion"
        || path.starts_with("/.gabion/")
        || path.starts_with("/.well-known/oauth-protected-resource/")
        || OWN_DOCUMENTS.contains(&path)
}

/// The gate's own documents below `/.well-known/`.
const OWN_DOCUMENTS: &[&str] = &[
    "/.well-known/authzen-configuration",
    "/.well-known/authzen-configuration/.gabion",
    "/.well-known/jwks.json",
    "/.well-known/openid-configuration",
    "/.well-known/oauth-authorization-server",
    "/.well-known/oauth-protected-resource",
];

/// What scripts of every site may read, without credentials: it takes no cookie.
const OPEN_TO_ALL: &[&str] = &[
    "/.gabion/oauth/token",
    "/.gabion/oauth/par",
    "/.gabion/oauth/revoke",
    "/.gabion/oauth/userinfo",
    "/.well-known/jwks.json",
    "/.well-known/openid-configuration",
    "/.well-known/oauth-authorization-server",
    "/.well-known/oauth-protected-resource/*",
];

/// The gate's own paths. The console behind them answers 404 to what it does not know.
fn own() -> impl Iterator<Item = Compiled> {
    let rows = [
        ("/.gabion/*", Access::Public, None, None),
        ("/.gabion/account", Access::SignedIn, None, None),
        ("/.gabion/account/*", Access::SignedIn, None, None),
        ("/.gabion/login", Access::Public, Some("login"), None),
        ("/.gabion/federation/*", Access::Public, Some("login"), None),
        (
            "/.gabion/federation/{provider}/backchannel-logout",
            Access::Public,
            None,
            Some("a provider calls it; its signed token counts, and no cookie"),
        ),
        ("/.gabion/login/*", Access::Public, Some("login"), None),
        ("/.gabion/welcome", Access::Public, Some("login"), None),
        ("/.gabion/forgot", Access::Public, Some("login"), None),
        ("/.gabion/email", Access::Public, Some("login"), None),
        ("/.gabion/assets/*", Access::Public, None, None),
        (
            "/.gabion/csp-report",
            Access::Public,
            None,
            Some("reports carry no credentials and change nothing"),
        ),
        (
            "/.gabion/oauth/authorize",
            Access::Public,
            None,
            Some("a request changes nothing before the person agrees"),
        ),
        ("/.gabion/oauth/token", Access::Public, Some("machines"), Some("takes no cookie")),
        ("/.gabion/oauth/introspect", Access::Public, Some("machines"), Some("takes no cookie")),
        ("/.gabion/oauth/device", Access::Public, Some("login"), None),
        ("/.gabion/oauth/device_authorization", Access::Public, None, Some("takes no cookie")),
        (
            "/.gabion/oauth/logout",
            Access::Public,
            None,
            Some("a request changes nothing before the person agrees"),
        ),
        ("/.gabion/oauth/par", Access::Public, Some("machines"), Some("takes no cookie")),
        ("/.gabion/oauth/register", Access::Public, None, Some("takes no cookie")),
        ("/.gabion/oauth/register/*", Access::Public, None, Some("takes no cookie")),
        ("/.gabion/oauth/revoke", Access::Public, Some("machines"), Some("takes no cookie")),
        ("/.gabion/oauth/userinfo", Access::Public, Some("machines"), Some("takes no cookie")),
        ("/.gabion/api/*", Access::Public, None, None),
        ("/.gabion/api/v1/events", Access::Public, Some("events"), None),
        ("/.gabion/access/*", Access::Public, Some("machines"), None),
        ("/.gabion/crowdsec/*", Access::Public, None, None),
        ("/.gabion/scim/*", Access::Public, Some("machines"), Some("takes no cookie")),
        ("/.well-known/jwks.json", Access::Public, None, None),
        ("/.well-known/authzen-configuration", Access::Public, None, None),
        ("/.well-known/authzen-configuration/.gabion", Access::Public, None, None),
        ("/.well-known/oauth-protected-resource/*", Access::Public, None, None),
        ("/.well-known/openid-configuration", Access::Public, None, None),
        ("/.well-known/oauth-authorization-server", Access::Public, None, None),
    ];
    rows.into_iter().filter_map(|(path, access, rate, csrf_off)| {
        let mut route = Route::new(path, access, "");
        route.rate = rate.map(str::to_owned);
        route.csrf_off = csrf_off.map(str::to_owned);
        route.cors_origins = OPEN_TO_ALL.contains(&path).then(|| vec!["*".to_owned()]);
        let scim = path.starts_with("/.gabion/scim/");
        let programs = scim
            || ["/.gabion/api/", "/.gabion/access/", "/.gabion/crowdsec/"]
                .iter()
                .any(|own| path.starts_with(own));
        let documents = programs && path != "/.gabion/api/v1/events";
        let limit = if documents { PROGRAM_BODY_LIMIT } else { OWN_BODY_LIMIT };
        if programs {
            let taken = CredentialKind::ALL.iter().filter(|kind| !scim || **kind != CredentialKind::Session);
            route.credentials = Some(taken.copied().collect());
        }
        route.body_limit = Some(limit);
        route.upload_limit = Some(limit);
        Compiled::new(route, None).ok()
    })
}

/// What programs that administer send: a group with thousands of members.
const PROGRAM_BODY_LIMIT: gabion_model::ByteSize = gabion_model::ByteSize::new(1024 * 1024);

/// Forms of the gate's own pages are small.
const OWN_BODY_LIMIT: gabion_model::ByteSize = gabion_model::ByteSize::new(64 * 1024);
