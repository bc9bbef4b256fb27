//! Who may do what: the one place that decides.
//!
//! Roles are read from the storage at every act and never from the session, and the session must still
//! be alive: what was taken from somebody a moment ago is gone now.

use gabion_identity::Account;
use gabion_model::{Actor, ControlId, EventKind, Outcome, Role};

use crate::service::Inner;
use crate::{Act, ActError, Audience, Caller};

/// What a caller is, as of now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Standing {
    /// May administer.
    Administrator(Account),
    Anonymous,
    Gate,
    Member(Account),
    Operator,
}

impl Standing {
    /// The account of whoever is signed in.
    pub(crate) fn account(self) -> Result<Account, ActError> {
        match self {
            Self::Administrator(account) | Self::Member(account) => Ok(account),
            Self::Anonymous | Self::Gate | Self::Operator => Err(ActError::Forbidden),
        }
    }

    /// Whether it belongs to the audience of an act. INVARIANT: default deny; every yes is named here.
    fn is_in(&self, audience: Audience) -> bool {
        match audience {
            Audience::Administration => matches!(self, Self::Administrator(_) | Self::Operator),
            Audience::Everybody => true,
            Audience::Machine => matches!(self, Self::Gate | Self::Operator),
            Audience::Owner => {
                matches!(self, Self::Administrator(_) | Self::Member(_) | Self::Operator)
            }
            Audience::SignedIn => matches!(self, Self::Administrator(_) | Self::Member(_)),
        }
    }
}

impl Inner {
    /// Decides, and counts a refusal.
    pub(crate) fn authorize(&self, act: Act, caller: &Caller) -> Result<Standing, ActError> {
        let standing = self.standing(caller)?;
        if standing.is_in(act.audience()) {
            return Ok(standing);
        }
        let control = match act.audience() {
            Audience::Administration | Audience::Machine => ControlId::AUTHZ_ADMIN_SURFACE,
            Audience::Everybody | Audience::Owner | Audience::SignedIn => ControlId::AUTHZ_ROLES,
        };
        let mut event = self.event(act, caller, Outcome::Failure);
        (event.kind, event.control) = (EventKind::Refusal, control);
        event.reason = Some("not allowed".to_owned());
        self.ledger.observe(event);
        Err(ActError::Forbidden)
    }

    fn standing(&self, caller: &Caller) -> Result<Standing, ActError> {
        let (id, session) = match &caller.actor {
            Actor::Account { id, session, .. } => (id, session),
            Actor::Anonymous => return Ok(Standing::Anonymous),
            Actor::Gate => return Ok(Standing::Gate),
            Actor::Operator => return Ok(Standing::Operator),
        };
        let Some(session) = session else { return Ok(Standing::Anonymous) };
        if !self.sessions.list(id, self.clock.now()).iter().any(|living| living.id == *session) {
            return Ok(Standing::Anonymous);
        }
        Ok(match self.accounts.by_id(id)? {
            Some(account) if account.disabled => Standing::Anonymous,
            Some(account) if account.has_role(Role::ADMINISTRATOR) => Standing::Administrator(account),
            Some(account) => Standing::Member(account),
            None => Standing::Anonymous,
        })
    }
}
