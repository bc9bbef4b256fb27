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
}

/// The routes to declare. The application's own login, its sign-up and its password reset are left out: the
/// gate has its own, and a path that nobody declared is refused.
#[must_use]
pub fn gate_routes() -> &'static [GateRoute] {
    ROUTES
}

const fn public(path: &'static str) -> GateRoute {
    GateRoute { path, access: Access::Public }
}

const fn signed_in(path: &'static str) -> GateRoute {
    GateRoute { path, access: Access::SignedIn }
}

const ROUTES: &[GateRoute] = &[
    public("/"),
    public("/style.css"),
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
    signed_in("/admin"),
    signed_in("/api/*"),
    signed_in("/ws"),
    signed_in("/events"),
];
