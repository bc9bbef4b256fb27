//! Back-channel logout (OpenID Connect Back-Channel Logout 1.0): when a session ends, for whatever reason,
//! every application that was signed in to from it is told; when an account is removed, every application
//! that still has something of it is told, too.
//!
//! What ended is queued where it ends and told by a task of its own: nobody who signs out waits for other
//! people's servers. An application that cannot be reached is tried again at the next ticks, three times in
//! all; its grants have ended here long before.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use gabion_identity::oauth::client::{Client, ClientId};
use gabion_identity::oauth::logout::{LOGOUT_TOKEN_TYPE, logout_claims};
use gabion_identity::session::Watcher;
use gabion_identity::{Session, StorageError};
use gabion_model::outbound::FetchRequest;
use gabion_model::{AccountId, Outcome, Secret, SessionId, random};
use gabion_vault::encoding::base64url_encode;
use tokio::sync::Notify;

use crate::service::Inner;
use crate::{Act, ActError, Caller, Service};

/// What ended.
#[derive(Debug, Default)]
pub(crate) struct Farewells {
    waiting: Mutex<Vec<Farewell>>,
    more: Notify,
}

#[derive(Debug, Clone)]
pub(crate) struct Farewell {
    /// None: everything of the account, whatever session it came from (2.4: `sub` without `sid`).
    session: Option<SessionId>,
    account: AccountId,
    /// The clients that are still to be told; none until they were looked up.
    clients: Option<Vec<String>>,
    tries: u8,
}

impl Farewells {
    fn take(&self) -> Vec<Farewell> {
        std::mem::take(&mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn put(&self, farewell: Farewell) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.len() < MOST {
            waiting.push(farewell);
        } else {
            tracing::warn!("too many sessions ended at once; some applications are not told");
        }
    }
}

impl Farewells {
    /// Tells those, as soon as may be.
    pub(crate) fn say(&self, farewells: Vec<Farewell>) {
        for farewell in farewells {
            self.put(farewell);
        }
        self.more.notify_one();
    }
}

impl Watcher for Farewells {
    fn session_ended(&self, session: &Session) {
        self.put(Farewell {
            session: Some(session.id.clone()),
            account: session.principal.account.clone(),
            clients: None,
            tries: 0,
        });
        self.more.notify_one();
    }
}

impl Service {
    /// Tells applications as sessions end, on the runtime this is called on; where there is none, the
    /// ticks do.
    pub(crate) fn tell_farewells(&self) {
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        let (farewells, inner) =
            (std::sync::Arc::clone(&self.0.protocols.farewells), std::sync::Arc::downgrade(&self.0));
        runtime.spawn(async move {
            loop {
                farewells.more.notified().await;
                let Some(inner) = inner.upgrade() else { return };
                Self(inner).say_farewells().await;
            }
        });
    }

    /// Tells whoever is to be told now.
    pub(crate) async fn say_farewells(&self) {
        for farewell in self.0.protocols.farewells.take() {
            self.say_farewell(farewell).await;
        }
    }

    async fn say_farewell(&self, mut farewell: Farewell) {
        let names = match farewell.clients.take() {
            Some(names) => names,
            None => {
                let Some(session) = farewell.session.clone() else { return };
                let found = self
                    .blocking(move |inner| {
                        let clients = inner.storage.clients_of_session(&session)?;
                        Ok(clients.iter().map(ToString::to_string).collect())
                    })
                    .await;
                found.unwrap_or_default()
            }
        };
        let mut left = Vec::new();
        for name in names {
            let Ok(Some(client)) = self.known_client(&name).await else { continue };
            let Some(uri) = client.metadata.backchannel_logout_uri.clone() else { continue };
            let told = match self.0.logout_token(&client, &farewell) {
                Ok(token) => self.tell(&client, &uri, &token).await,
                Err(_) => false,
            };
            if !told {
                left.push(name);
            }
        }
        farewell.tries = farewell.tries.saturating_add(1);
        if !left.is_empty() && farewell.tries < TRIES {
            farewell.clients = Some(left);
            self.0.protocols.farewells.put(farewell);
        }
    }

    /// Whether the application took it.
    async fn tell(&self, client: &Client, uri: &str, token: &Secret<String>) -> bool {
        let form = {
            let mut form = form_urlencoded::Serializer::new(String::new());
            form.append_pair("logout_token", token.expose());
            Secret::new(form.finish())
        };
        let answer = self.0.fetch.fetch(FetchRequest::post_form(uri, form)).await;
        let failure = match answer {
            // 2.8: 200; some frameworks answer 204 for want of a body.
            Ok(answer) if matches!(answer.status, 200 | 204) => None,
            Ok(answer) => Some(format!("the application answered {}", answer.status)),
            Err(error) => Some(error.to_string()),
        };
        let outcome = if failure.is_none() { Outcome::Success } else { Outcome::Failure };
        let mut event = self.0.event(Act::EndGrant, &Caller::gate(), outcome);
        event.resource = client.id.to_string();
        "oauth.backchannel-logout".clone_into(&mut event.action);
        event.reason.clone_from(&failure);
        self.0.ledger.observe(event);
        failure.is_none()
    }
}

impl Inner {
    /// Whom to tell that there is no such account any more: asked while there is one.
    pub(crate) fn farewells_of(&self, account: &AccountId) -> Result<Vec<Farewell>, StorageError> {
        let now = self.clock.now();
        let mut told: BTreeMap<Option<SessionId>, BTreeSet<ClientId>> = BTreeMap::new();
        for session in self.sessions.list(account, now) {
            let clients = self.storage.clients_of_session(&session.id)?;
            told.entry(Some(session.id.clone())).or_default().extend(clients);
        }
        for grant in self.storage.grants_of(account, now)? {
            told.entry(grant.session).or_default().insert(grant.client);
        }
        let farewells = told.into_iter().filter(|(_, clients)| !clients.is_empty());
        let farewells = farewells.map(|(session, clients)| Farewell {
            session,
            account: account.clone(),
            clients: Some(clients.iter().map(ToString::to_string).collect()),
            tries: 0,
        });
        Ok(farewells.collect())
    }

    fn logout_token(&self, client: &Client, farewell: &Farewell) -> Result<Secret<String>, ActError> {
        let jti = base64url_encode(&random::bytes::<16>(&*self.rng));
        let claims = logout_claims(
            &self.issuer(),
            client.id.as_str(),
            farewell.account.as_str(),
            farewell.session.as_ref().map(SessionId::as_str),
            &jti,
            self.clock.now(),
        );
        let alg = client.metadata.id_token_signed_response_alg;
        self.sign_for(alg, LOGOUT_TOKEN_TYPE, &claims).map_err(|_| ActError::Unavailable)
    }
}

/// Sessions that end between two runs of the task.
const MOST: usize = 100_000;
const TRIES: u8 = 3;
