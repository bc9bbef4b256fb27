//! Acts on sessions: sign out, list, revoke.

use std::cmp::Reverse;

use gabion_model::SessionId;

use crate::authorize::Standing;
use crate::record::About;
use crate::{Act, ActError, Caller, Service, SessionView};

impl Service {
    /// Ends the caller's own session.
    ///
    /// # Errors
    /// [`ActError::Forbidden`] when the caller is not signed in.
    pub async fn sign_out(&self, caller: &Caller) -> Result<(), ActError> {
        let own = caller.session().cloned().ok_or(ActError::Forbidden)?;
        self.act(Act::SignOut, caller, About::of(own.as_str()), move |inner, _| {
            inner.sessions.revoke(&own)?;
            Ok(())
        })
        .await
    }

    /// The caller's own sessions, the asking one first, then the latest seen. Changes nothing and is not
    /// recorded.
    ///
    /// # Errors
    /// [`ActError::Forbidden`] when the caller is not signed in.
    pub async fn sessions(&self, caller: &Caller) -> Result<Vec<SessionView>, ActError> {
        let asking = caller.session().cloned();
        self.read(Act::ListSessions, caller, move |inner, standing| {
            let account = standing.account()?;
            let living = inner.sessions.list(&account.id, inner.clock.now());
            let mut views: Vec<_> = living
                .iter()
                .map(|session| SessionView {
                    id: session.id.clone(),
                    started: session.started,
                    last_seen: session.last_seen(),
                    address: session.address,
                    user_agent: session.user_agent.clone(),
                    current: Some(&session.id) == asking.as_ref(),
                })
                .collect();
            views.sort_by_key(|view| (!view.current, Reverse(view.last_seen), Reverse(view.started)));
            Ok(views)
        })
        .await
    }

    /// Ends one of the caller's own sessions; administrators and the operator may end any.
    ///
    /// # Errors
    /// [`ActError::NotFound`] when there is none, or it is not the caller's to end.
    pub async fn revoke_session(&self, caller: &Caller, id: &SessionId) -> Result<(), ActError> {
        let id = id.clone();
        self.act(Act::RevokeSession, caller, About::of(id.as_str()), move |inner, standing| {
            let revoked = match &standing {
                Standing::Administrator(_) | Standing::Operator => inner.sessions.revoke(&id)?,
                Standing::Member(own) => {
                    let is_own =
                        inner.sessions.list(&own.id, inner.clock.now()).iter().any(|one| one.id == id);
                    is_own && inner.sessions.revoke(&id)?
                }
                Standing::Anonymous | Standing::Gate => false,
            };
            if revoked { Ok(()) } else { Err(ActError::NotFound) }
        })
        .await
    }

    /// Ends all of the caller's sessions but the asking one; answers how many.
    ///
    /// # Errors
    /// [`ActError::Forbidden`] when the caller is not signed in.
    pub async fn revoke_other_sessions(&self, caller: &Caller) -> Result<usize, ActError> {
        let asking = caller.session().cloned();
        self.act(Act::RevokeOtherSessions, caller, About::default(), move |inner, standing| {
            let account = standing.account()?;
            Ok(inner.sessions.revoke_account(&account.id, asking.as_ref())?)
        })
        .await
    }
}
