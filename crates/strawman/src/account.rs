//! The people who use the application.

/// A user of the application. Behind a gate the gate must know an account of the same name, tenant and roles.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    pub name: String,
    pub password: String,
    pub tenant: String,
    /// `member` or `admin`.
    pub role: String,
}

/// The users the application starts with: three of the tenant `acme`, two of `globex`, an administrator each.
#[must_use]
pub fn accounts() -> Vec<Account> {
    [
        ("alice", "violet-harbour-drums-41", "acme", "member"),
        ("bob", "copper-lantern-orbit-77", "acme", "member"),
        ("mallory", "quiet-thistle-marble-19", "acme", "member"),
        ("ann", "granite-sparrow-tulip-63", "acme", "admin"),
        ("carol", "saffron-window-echo-28", "globex", "member"),
        ("gus", "maple-anchor-ribbon-85", "globex", "admin"),
    ]
    .into_iter()
    .map(|(name, password, tenant, role)| Account {
        name: name.to_owned(),
        password: password.to_owned(),
        tenant: tenant.to_owned(),
        role: role.to_owned(),
    })
    .collect()
}
