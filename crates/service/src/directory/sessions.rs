//! Sessions of others, for administrators.

use std::cmp::Reverse;
use std::net::IpAddr;

use gabion_identity::Session;
use gabion_model::{AccountId, SessionId, Timestamp};
use serde::Serialize;

use super::{DirectoryError, Which};
use crate::record::{About, observed};
use crate::{Act, ActError, Caller, Service};

/// One living session as administrators see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SignedInSession {
    pub id: SessionId,
    pub account: AccountId,
    pub name: String,
    pub started: Timestamp,
    pub last_seen: Timestamp,
    pub address: Option<IpAddr>,
    pub user_agent: Option<String>,
    /// How the person proved who they are (RFC 8176).
    pub methods: Vec<String>,
}

/// A page of living sessions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionPage {
    pub items: Vec<SignedInSession>,
    pub next: Option<String>,
}

impl Service {
    /// A page of the living sessions, by id; or all of one account, the latest seen first.
    ///
    /// # Errors
    /// When the caller may not administer.
    pub async fn find_sessions(
        &self,
        caller: &Caller,
        of: Option<Which>,
        token: Option<String>,
        limit: usize,
    ) -> Result<SessionPage, DirectoryError> {
        let asked = caller.clone();
        self.read(Act::FindSessions, caller, move |inner, _| {
            observed(inner, Act::FindSessions, &asked);
            let now = inner.clock.now();
            if let Some(which) = of {
                let account = inner.which(&which)?;
                let mut items: Vec<_> =
                    inner.sessions.list(&account.id, now).iter().map(|one| view(one)).collect();
                items.sort_by_key(|one| Reverse(one.last_seen));
                return Ok(SessionPage { items, next: None });
            }
            let after = token.map(|token| inner.opened("page:sessions", &token)).transpose()?;
            let after = after.as_deref().map(SessionId::new);
            let limit = limit.min(500);
            let mut page = inner.sessions.page(after.as_ref(), limit.saturating_add(1), now);
            let more = page.len() > limit;
            page.truncate(limit);
            let next = match page.last() {
                Some(last) if more => Some(inner.token("page:sessions", last.id.as_str())?),
                _ => None,
            };
            Ok(SessionPage { items: page.iter().map(|one| view(one)).collect(), next })
        })
        .await
    }
}

impl Service {
    /// Ends every session of somebody; tokens, keys and open links stay. Answers how many.
    ///
    /// # Errors
    /// [`DirectoryError::NotFound`] when there is no such account.
    pub async fn end_sessions(&self, caller: &Caller, which: Which) -> Result<usize, DirectoryError> {
        self.act(Act::EndSessions, caller, About::of(which.text()), move |inner, _| {
            let account = inner.which(&which)?;
            inner.pending.end(&account.id);
            Ok(inner.sessions.revoke_account(&account.id, None).map_err(ActError::from)?)
        })
        .await
    }
}

pub(super) fn view(session: &Session) -> SignedInSession {
    SignedInSession {
        id: session.id.clone(),
        account: session.principal.account.clone(),
        name: session.principal.name.to_string(),
        started: session.started,
        last_seen: session.last_seen(),
        address: session.address,
        user_agent: session.user_agent.clone(),
        methods: session.methods.amr().iter().map(ToString::to_string).collect(),
    }
}
