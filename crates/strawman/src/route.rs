//! What a gate in front of the application has to be told about its paths.

/// Who may call a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Anybody.
    Public,
    /// Whoever has signed in.
    SignedIn,
}

impl Access {
    /// The word in the gate's configuration.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::SignedIn => "signed-in",
        }
    }
}

/// One declared path: exact, or itself and everything below it when it ends in `/*`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GateRoute {
    pub path: &'static str,
    pub access: Access,
    /// Any one of these roles is needed; empty: none.
    pub roles: &'static [&'static str],
}

/// The `Content-Security-Policy` that fits the application's pages: they have a style sheet and pictures of
/// their own, and no script at all.
pub const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self' data:; \
     connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

/// The routes to declare. The application's own login, its sign-up and its password reset are left out: the
/// gate has its own, and a path that nobody declared is refused.
#[must_use]
pub fn gate_routes() -> &'static [GateRoute] {
    ROUTES
}

const fn public(path: &'static str) -> GateRoute {
    GateRoute { path, access: Access::Public, roles: &[] }
}

const fn signed_in(path: &'static str) -> GateRoute {
    GateRoute { path, access: Access::SignedIn, roles: &[] }
}

const fn administrators(path: &'static str) -> GateRoute {
    GateRoute { path, access: Access::SignedIn, roles: &["admin"] }
}

const ROUTES: &[GateRoute] = &[
    public("/"),
    public("/style.css"),
    public("/favicon.ico"),
    public("/shop"),
    public("/product/*"),
    public("/search"),
    public("/go"),
    public("/shared/*"),
    public("/openapi.json"),
    public("/api/products/*"),
    public("/hooks/payment"),
    signed_in("/cart/*"),
    signed_in("/orders/*"),
    signed_in("/notes/*"),
    signed_in("/profile/*"),
    signed_in("/documents"),
    signed_in("/upload"),
    signed_in("/files/*"),
    signed_in("/preview"),
    administrators("/admin"),
    administrators("/api/admin/*"),
    administrators("/api/export/*"),
    signed_in("/api/*"),
    signed_in("/ws"),
    signed_in("/events"),
];
