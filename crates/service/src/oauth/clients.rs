//! Acts on the applications that may ask for tokens, for administrators and the operator.

use std::time::Duration;

use gabion_identity::oauth::client::{
    self, Client, ClientError, ClientId, MalformedClientId, Metadata, Registration,
};
use gabion_model::{AccountId, Problem, Secret, TenantId, Timestamp};
use serde::Serialize;

use crate::record::About;
use crate::service::Inner;
use crate::{Act, ActError, Caller, Service};

/// The client to register.
#[derive(Debug, Clone, Default)]
pub struct NewClient {
    /// Random when not given.
    pub id: Option<String>,
    /// `default` when not given.
    pub tenant: Option<String>,
    pub metadata: Metadata,
    /// A secret that exists already, at least 32 characters; without it one is made.
    pub secret: Option<Secret<String>>,
}

/// A client just registered. The secret is shown once, to whoever asked for it.
#[derive(Debug, Clone)]
pub struct AddedClient {
    pub client: ClientView,
    pub secret: Option<Secret<String>>,
}

/// One client as administrators see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ClientView {
    pub id: ClientId,
    pub tenant: TenantId,
    pub registration: Registration,
    pub disabled: bool,
    pub created: Timestamp,
    pub updated: Timestamp,
    /// The service account it acts as by its own credentials.
    pub account: Option<AccountId>,
    /// Those that work now.
    pub secrets: Vec<SecretView>,
    pub metadata: Metadata,
    /// Another one with every change: an entity tag.
    pub revision: u64,
}

/// What may be known of a secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SecretView {
    pub id: String,
    pub created: Timestamp,
    pub expires: Option<Timestamp>,
}

/// Any act on clients.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ClientActError {
    #[error(transparent)]
    Act(#[from] ActError),
    /// It is not as whoever asked last saw it.
    #[error("the client was changed by somebody else meanwhile")]
    Changed,
    /// Everything that is wrong with what was asked for.
    #[error("the client cannot be registered like this")]
    Invalid(Vec<Problem>),
    /// It authenticates otherwise.
    #[error("the client has no secret: it authenticates by other means")]
    NoSecret,
    #[error("there is no such client")]
    NotFound,
    #[error("there is already a client with this id")]
    Taken,
    #[error("there are too many clients")]
    TooMany,
}

impl Service {
    /// Registers a client.
    ///
    /// # Errors
    /// [`ClientActError::Invalid`] with every problem.
    pub async fn add_client(&self, caller: &Caller, new: NewClient) -> Result<AddedClient, ClientActError> {
        let about = About::of(new.id.as_deref().unwrap_or_default())
            .with("name", new.metadata.name.as_str())
            .with("authentication", new.metadata.authentication.as_str());
        self.act(Act::AddClient, caller, about, move |inner, _| {
            let id = new.id.map(|id| parse(&id)).transpose()?;
            let new = client::NewClient {
                id,
                tenant: TenantId::new(new.tenant.as_deref().unwrap_or(TenantId::DEFAULT)),
                metadata: new.metadata,
                registration: Registration::Operator,
                secret: new.secret,
            };
            let now = inner.clock.now();
            let (client, secret) = inner.clients.add(new, now, &*inner.rng)?;
            Ok(AddedClient { client: ClientView::of(&client, now), secret })
        })
        .await
    }

    /// All clients by id.
    ///
    /// # Errors
    /// [`ActError::Forbidden`] when the caller may not administer.
    pub async fn list_clients(&self, caller: &Caller) -> Result<Vec<ClientView>, ClientActError> {
        self.act(Act::ListClients, caller, About::default(), |inner, _| {
            let now = inner.clock.now();
            Ok(inner.clients.list()?.iter().map(|client| ClientView::of(client, now)).collect())
        })
        .await
    }

    /// One client.
    ///
    /// # Errors
    /// [`ClientActError::NotFound`] when there is none of that id.
    pub async fn client(&self, caller: &Caller, id: &str) -> Result<ClientView, ClientActError> {
        let wanted = id.to_owned();
        self.act(Act::ListClients, caller, About::of(id), move |inner, _| {
            let client = inner.clients.find(&known(&wanted)?)?.ok_or(ClientActError::NotFound)?;
            Ok(ClientView::of(&client, inner.clock.now()))
        })
        .await
    }

    /// Gives a client other metadata.
    ///
    /// # Errors
    /// [`ClientActError::Invalid`] with every problem.
    pub async fn change_client(
        &self,
        caller: &Caller,
        id: &str,
        metadata: Metadata,
    ) -> Result<ClientView, ClientActError> {
        let (wanted, about) = (id.to_owned(), About::of(id).with("name", metadata.name.as_str()));
        self.act(Act::ChangeClient, caller, about, move |inner, _| {
            let now = inner.clock.now();
            let client = inner.clients.set_metadata(&known(&wanted)?, &metadata, now, &*inner.rng)?;
            Ok(ClientView::of(&client, now))
        })
        .await
    }

    /// The same, if the client still has this revision.
    ///
    /// # Errors
    /// [`ClientActError::Changed`] when it has another.
    pub async fn change_client_of(
        &self,
        caller: &Caller,
        id: &str,
        revision: u64,
        metadata: Metadata,
    ) -> Result<ClientView, ClientActError> {
        let (wanted, about) = (id.to_owned(), About::of(id).with("name", metadata.name.as_str()));
        self.act(Act::ChangeClient, caller, about, move |inner, _| {
            let (id, now) = (known(&wanted)?, inner.clock.now());
            let client = inner.clients.set_metadata_of(&id, revision, &metadata, now, &*inner.rng)?;
            Ok(ClientView::of(&client, now))
        })
        .await
    }

    /// Makes the secret with this SHA-256 the one that goes on, as its owner chose it; the former ones work
    /// for `overlap` longer.
    ///
    /// # Errors
    /// [`ClientActError::NoSecret`] when the client authenticates otherwise.
    pub(crate) async fn set_client_secret(
        &self,
        caller: &Caller,
        id: &str,
        hash: [u8; 32],
        overlap: Duration,
    ) -> Result<ClientView, ClientActError> {
        let (wanted, about) =
            (id.to_owned(), About::of(id).with("overlap_seconds", overlap.as_secs().to_string()));
        self.act(Act::RotateClientSecret, caller, about, move |inner, _| {
            let now = inner.clock.now();
            let client = inner.clients.set_secret(&known(&wanted)?, hash, overlap, now, &*inner.rng)?;
            Ok(ClientView::of(&client, now))
        })
        .await
    }

    /// Makes a new secret; the former ones work for `overlap` longer.
    ///
    /// # Errors
    /// [`ClientActError::NoSecret`] when the client authenticates otherwise.
    pub async fn rotate_client_secret(
        &self,
        caller: &Caller,
        id: &str,
        overlap: Duration,
    ) -> Result<AddedClient, ClientActError> {
        let (wanted, about) =
            (id.to_owned(), About::of(id).with("overlap_seconds", overlap.as_secs().to_string()));
        self.act(Act::RotateClientSecret, caller, about, move |inner, _| {
            let now = inner.clock.now();
            let (client, secret) =
                inner.clients.rotate_secret(&known(&wanted)?, overlap, now, &*inner.rng)?;
            Ok(AddedClient { client: ClientView::of(&client, now), secret: Some(secret) })
        })
        .await
    }

    /// Refuses a client from now on.
    ///
    /// # Errors
    /// [`ClientActError::NotFound`] when there is none of that id.
    pub async fn disable_client(&self, caller: &Caller, id: &str) -> Result<ClientView, ClientActError> {
        self.switch_client(Act::DisableClient, caller, id, true).await
    }

    /// Lets a disabled client ask again.
    ///
    /// # Errors
    /// [`ClientActError::NotFound`] when there is none of that id.
    pub async fn enable_client(&self, caller: &Caller, id: &str) -> Result<ClientView, ClientActError> {
        self.switch_client(Act::EnableClient, caller, id, false).await
    }

    /// Removes a client with its secrets.
    ///
    /// # Errors
    /// [`ClientActError::NotFound`] when there is none of that id.
    pub async fn remove_client(&self, caller: &Caller, id: &str) -> Result<(), ClientActError> {
        let wanted = id.to_owned();
        self.act(Act::RemoveClient, caller, About::of(id), move |inner, _| {
            let id = known(&wanted)?;
            let client = inner.clients.find(&id)?;
            inner.clients.remove(&id)?;
            match client {
                Some(client) => inner.end_client(&client)?,
                None => drop(inner.end_grants_of_client(&id)?),
            }
            Ok(())
        })
        .await
    }

    async fn switch_client(
        &self,
        act: Act,
        caller: &Caller,
        id: &str,
        disabled: bool,
    ) -> Result<ClientView, ClientActError> {
        let wanted = id.to_owned();
        self.act(act, caller, About::of(id), move |inner, _| {
            let now = inner.clock.now();
            let client = inner.clients.set_disabled(&known(&wanted)?, disabled, now)?;
            if disabled {
                inner.end_client(&client)?;
            }
            if disabled {
                inner.end_grants_of_client(&client.id)?;
            }
            Ok(ClientView::of(&client, now))
        })
        .await
    }
}

impl Inner {
    /// Everything a client was given has ended: what people granted, and what it was given for itself.
    pub(super) fn end_client(&self, client: &Client) -> Result<(), ActError> {
        self.end_grants_of_client(&client.id)?;
        if let Some(account) = &client.account {
            self.watch.revocations.revoke_account(account, self.clock.now());
        }
        Ok(())
    }
}

impl ClientView {
    fn of(client: &Client, now: Timestamp) -> Self {
        let secrets = client.secrets.iter().filter(|secret| !secret.is_expired(now));
        Self {
            id: client.id.clone(),
            tenant: client.tenant.clone(),
            registration: client.registration,
            disabled: client.disabled,
            created: client.created,
            updated: client.updated,
            account: client.account.clone(),
            secrets: secrets
                .map(|secret| SecretView {
                    id: secret.id.clone(),
                    created: secret.created,
                    expires: secret.expires,
                })
                .collect(),
            metadata: client.metadata.clone(),
            revision: client.revision,
        }
    }
}

fn parse(id: &str) -> Result<ClientId, ClientActError> {
    id.parse().map_err(|error: MalformedClientId| {
        ClientActError::Invalid(vec![Problem::new("id", format!("`{id}`: {error}"))])
    })
}

/// The id of a client that can be there.
fn known(id: &str) -> Result<ClientId, ClientActError> {
    id.parse().map_err(|_: MalformedClientId| ClientActError::NotFound)
}

impl From<ClientError> for ClientActError {
    fn from(error: ClientError) -> Self {
        match error {
            ClientError::Changed => Self::Changed,
            ClientError::Invalid(problems) => Self::Invalid(problems),
            ClientError::NoSecret => Self::NoSecret,
            ClientError::NotFound => Self::NotFound,
            ClientError::Storage(error) => Self::Act(error.into()),
            ClientError::Taken => Self::Taken,
            ClientError::TooMany => Self::TooMany,
        }
    }
}
