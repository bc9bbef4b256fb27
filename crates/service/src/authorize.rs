//! Who may do what: the one place that decides.
//!
//! Roles are read from the storage at every act and never from the session, and the session must still
//! be alive: what was taken from somebody a moment ago is gone now.

use std::sync::Arc;

use gabion_identity::credential::ADMINISTRATION_SCOPE;
use gabion_identity::{Account, Credential, Session};
use gabion_model::{AccountId, Actor, ControlId, EventKind, Outcome, Role};

use crate::service::Inner;
use crate::{Act, ActError, Audience, Caller};

/// What a caller is, as of now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Standing {
    /// May administer.
    Administrator(Account),
    Anonymous,
    /// An application that asks what somebody may.
    Asker(Account),
    Gate,
    Member(Account),
    Operator,
    /// A program that keeps people and groups in step with a directory elsewhere.
    Provisioner(Account),
    /// An application that says what happened in it.
    Recorder(Account),
    /// An application that says what its objects are.
    Registrar(Account),
    /// Another machine that blocks whom the gate blocks.
    Shield(Account),
}

impl Standing {
    /// The account of whoever is signed in.
    pub(crate) fn account(self) -> Result<Account, ActError> {
        match self {
            Self::Administrator(account) | Self::Member(account) => Ok(account),
            Self::Anonymous
            | Self::Asker(_)
            | Self::Gate
            | Self::Operator
            | Self::Provisioner(_)
            | Self::Recorder(_)
            | Self::Registrar(_)
            | Self::Shield(_) => Err(ActError::Forbidden),
        }
    }

    /// Whether it belongs to the audience of an act. INVARIANT: default deny; every yes is named here.
    fn is_in(&self, audience: Audience) -> bool {
        match audience {
            Audience::Administration => matches!(self, Self::Administrator(_) | Self::Operator),
            Audience::Deciding => {
                matches!(self, Self::Administrator(_) | Self::Asker(_) | Self::Operator)
            }
            Audience::Everybody => true,
            Audience::Machine => matches!(self, Self::Gate | Self::Operator),
            Audience::Owner => {
                matches!(self, Self::Administrator(_) | Self::Member(_) | Self::Operator)
            }
            Audience::Provisioning => {
                matches!(self, Self::Administrator(_) | Self::Operator | Self::Provisioner(_))
            }
            Audience::Recording => {
                matches!(self, Self::Administrator(_) | Self::Member(_) | Self::Operator | Self::Recorder(_))
            }
            Audience::Registering => {
                matches!(self, Self::Administrator(_) | Self::Operator | Self::Registrar(_))
            }
            Audience::Responding => {
                matches!(self, Self::Administrator(_) | Self::Gate | Self::Operator)
            }
            // A program is an asker only for what it was given the scope for.
            Audience::Searching => {
                matches!(self, Self::Administrator(_) | Self::Asker(_) | Self::Operator)
            }
            Audience::Shielding => {
                matches!(self, Self::Administrator(_) | Self::Operator | Self::Shield(_))
            }
            Audience::SignedIn => matches!(self, Self::Administrator(_) | Self::Member(_)),
        }
    }
}

impl Inner {
    /// Decides, and counts a refusal.
    pub(crate) fn authorize(&self, act: Act, caller: &Caller) -> Result<Standing, ActError> {
        let standing = self.standing(act, caller)?;
        // What is one's own is changed by people who are signed in, never by a key they gave to a program.
        let in_person = caller.credential.is_none() || act.audience() != Audience::SignedIn;
        if in_person && standing.is_in(act.audience()) {
            self.step_up(act, caller, &standing)?;
            return Ok(standing);
        }
        let control = match act.audience() {
            Audience::Administration
            | Audience::Deciding
            | Audience::Machine
            | Audience::Provisioning
            | Audience::Registering
            | Audience::Responding
            | Audience::Searching
            | Audience::Shielding => ControlId::AUTHZ_ADMIN_SURFACE,
            Audience::Everybody | Audience::Owner | Audience::Recording | Audience::SignedIn => {
                ControlId::AUTHZ_ROLES
            }
        };
        let mut event = self.event(act, caller, Outcome::Failure);
        (event.kind, event.control) = (EventKind::Refusal, control);
        event.reason = Some("not allowed".to_owned());
        self.ledger.observe(event);
        Err(ActError::Forbidden)
    }

    /// Whether whoever asks for a critical act proved lately enough, and with all they have, who they are.
    fn step_up(&self, act: Act, caller: &Caller, standing: &Standing) -> Result<(), ActError> {
        let (Standing::Administrator(account) | Standing::Member(account), Some(id)) =
            (standing, caller.session())
        else {
            return Ok(());
        };
        if !act.is_critical() {
            return Ok(());
        }
        let rules = self.rules();
        let max_age = rules.factors.critical_within.as_duration();
        let acr = self.enough(account)?;
        let now = self.clock.now();
        let is_fresh = |session: &Arc<Session>| {
            session.id == *id
                && session.methods.acr() >= acr
                && session.authenticated <= now
                && now.saturating_since(session.authenticated) <= max_age
        };
        if self.sessions.list(&account.id, now).iter().any(is_fresh) {
            return Ok(());
        }
        Err(ActError::StepUp { acr, max_age })
    }

    fn standing(&self, act: Act, caller: &Caller) -> Result<Standing, ActError> {
        let (id, session) = match &caller.actor {
            Actor::Account { id, session, .. } => (id, session),
            Actor::Anonymous => return Ok(Standing::Anonymous),
            Actor::Gate => return Ok(Standing::Gate),
            Actor::Operator => return Ok(Standing::Operator),
        };
        if let Some(credential) = &caller.credential {
            return self.program(act, id, credential);
        }
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

    /// A program is an administrator when its account is one and it was given the scope for it; otherwise it
    /// may ask for what everybody may.
    fn program(&self, act: Act, id: &AccountId, credential: &Credential) -> Result<Standing, ActError> {
        let scoped = credential.scopes.contains(ADMINISTRATION_SCOPE);
        let provisions = credential.scopes.contains(PROVISIONING_SCOPE);
        let asks = match act.audience() {
            Audience::Deciding => credential.scopes.contains(DECISION_SCOPE),
            Audience::Searching => credential.scopes.contains(SEARCH_SCOPE),
            _ => false,
        };
        let registers = act.audience() == Audience::Registering && credential.scopes.contains(RESOURCE_SCOPE);
        let records = act.audience() == Audience::Recording && credential.scopes.contains(EVENT_SCOPE);
        let shields = act.audience() == Audience::Shielding && credential.scopes.contains(BLOCK_SCOPE);
        if !(scoped || provisions || asks || records || registers || shields)
            || credential.principal.account != *id
            || !credential.touch(self.clock.now())
        {
            return Ok(Standing::Anonymous);
        }
        Ok(match self.accounts.by_id(id)? {
            Some(account) if !account.disabled && scoped && account.has_role(Role::ADMINISTRATOR) => {
                Standing::Administrator(account)
            }
            Some(account) if !account.disabled && asks => Standing::Asker(account),
            Some(account) if !account.disabled && records => Standing::Recorder(account),
            Some(account) if !account.disabled && registers => Standing::Registrar(account),
            Some(account) if !account.disabled && shields => Standing::Shield(account),
            Some(account) if !account.disabled && provisions => Standing::Provisioner(account),
            _ => Standing::Anonymous,
        })
    }
}

/// What a program must have been given to keep people and groups in step (SCIM).
const PROVISIONING_SCOPE: &str = "gabion:scim";

/// What an application must have been given to ask what somebody may.
pub const DECISION_SCOPE: &str = "gabion:authorize";

/// What another machine must have been given to read who is blocked.
pub const BLOCK_SCOPE: &str = "gabion:blocks";

/// What an application must have been given to ask who may, and what.
pub const SEARCH_SCOPE: &str = "gabion:search";

/// What an application must have been given to say what happened in it.
pub const EVENT_SCOPE: &str = "gabion:events";

/// What an application must have been given to say what its objects are.
pub const RESOURCE_SCOPE: &str = "gabion:resources";
