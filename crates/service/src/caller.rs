//! Who asks, and from where.

use std::net::IpAddr;
use std::sync::Arc;

use gabion_identity::{Account, Credential};
use gabion_model::{Actor, RequestId, SessionId, TenantId};

/// The origin of an act: what the ledger writes beside it and what [`authorize`](crate::authorize)
/// decides by. Made by an adapter (the console from a request, the CLI from its control socket).
#[derive(Debug, Clone)]
pub struct Caller {
    pub actor: Actor,
    /// Whose tenant's record the act is; none for the default tenant's.
    pub tenant: Option<TenantId>,
    /// What a program showed instead of a session.
    pub credential: Option<Arc<Credential>>,
    /// The client as `client_address` judged it; `None` for the machine's own acts.
    pub address: Option<IpAddr>,
    pub user_agent: Option<String>,
    pub request_id: Option<RequestId>,
}

impl Caller {
    /// Whoever holds the machine, through the CLI.
    #[must_use]
    pub const fn operator() -> Self {
        Self::alone(Actor::Operator)
    }

    /// The operator, by the identity file.
    #[must_use]
    pub fn identity_file() -> Self {
        Self { user_agent: Some("identity file".to_owned()), ..Self::operator() }
    }

    /// The gate itself: start and timers.
    #[must_use]
    pub const fn gate() -> Self {
        Self::alone(Actor::Gate)
    }

    const fn alone(actor: Actor) -> Self {
        let (tenant, credential, address, user_agent, request_id) = (None, None, None, None, None);
        Self { actor, tenant, credential, address, user_agent, request_id }
    }

    /// From here on this account acts: it was proved to be it.
    pub(crate) fn becomes(&mut self, account: &Account) {
        self.actor = Actor::Account { id: account.id.clone(), name: account.name.to_string(), session: None };
        self.tenant = account.tenant.told();
    }

    /// The session that asks, if one does.
    #[must_use]
    pub const fn session(&self) -> Option<&SessionId> {
        match &self.actor {
            Actor::Account { session, .. } => session.as_ref(),
            Actor::Anonymous | Actor::Gate | Actor::Operator => None,
        }
    }
}
