//! Acts on sessions: sign out, list, revoke.

use std::cmp::Reverse;

use gabion_model::{EventKind, Outcome, SessionId};

use crate::authorize::Standing;
use crate::record::About;
use crate::service::Inner;
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
    /// What a member may not end is a refusal, counted like any other, and no act: whoever is signed in
    /// could otherwise fill the ledger with tries.
    ///
    /// # Errors
    /// [`ActError::NotFound`] when there is none, or it is not the caller's to end.
    pub async fn revoke_session(&self, caller: &Caller, id: &SessionId) -> Result<(), ActError> {
        let (asked, wanted, id) = (caller.clone(), id.clone(), id.clone());
        self.read(Act::RevokeSession, caller, move |inner, standing| {
            if inner.may_end(&standing, &wanted) {
                return Ok(());
            }
            let mut event = inner.event(Act::RevokeSession, &asked, Outcome::Failure);
            event.kind = EventKind::Refusal;
            event.reason = Some(ActError::NotFound.to_string());
            inner.ledger.observe(event);
            Err(ActError::NotFound)
        })
        .await?;
        self.act(Act::RevokeSession, caller, About::of(id.as_str()), move |inner, standing| {
            let revoked = inner.may_end(&standing, &id) && inner.sessions.revoke(&id)?;
            if revoked { Ok(()) } else { Err(ActError::NotFound) }
        })
        .await
    }

    /// Ends all of the caller's sessions but the asking one; answers how many. Where there is no other,
    /// nothing is done and nothing recorded.
    ///
    /// # Errors
    /// [`ActError::Forbidden`] when the caller is not signed in.
    pub async fn revoke_other_sessions(&self, caller: &Caller) -> Result<usize, ActError> {
        let (asking, own) = (caller.session().cloned(), caller.session().cloned());
        let others = self.read(Act::RevokeOtherSessions, caller, move |inner, standing| {
            let living = inner.sessions.list(&standing.account()?.id, inner.clock.now());
            Ok::<_, ActError>(living.iter().any(|one| Some(&one.id) != own.as_ref()))
        });
        if !others.await? {
            return Ok(0);
        }
        self.act(Act::RevokeOtherSessions, caller, About::default(), move |inner, standing| {
            let account = standing.account()?;
            Ok(inner.sessions.revoke_account(&account.id, asking.as_ref())?)
        })
        .await
    }
}

impl Inner {
    fn may_end(&self, standing: &Standing, id: &SessionId) -> bool {
        match standing {
            Standing::Administrator(_) | Standing::Operator => true,
            Standing::Member(own) => {
                self.sessions.list(&own.id, self.clock.now()).iter().any(|one| one.id == *id)
            }
            Standing::Anonymous
            | Standing::Asker(_)
            | Standing::Gate
            | Standing::Provisioner(_)
            | Standing::Recorder(_)
            | Standing::Registrar(_)
            | Standing::Shield(_) => false,
        }
    }
}
