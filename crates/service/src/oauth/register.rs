//! Clients that register themselves (RFC 7591) and manage their registration (RFC 7592). Off unless the
//! configuration says otherwise.

use std::net::{IpAddr, Ipv4Addr};

use gabion_identity::oauth::client::{Client, ClientError, ClientId, Metadata, NewClient, Registration};
use gabion_identity::oauth::registration::{self, Offer, RegistrationMode};
use gabion_identity::oauth::{ErrorCode, OAuthError};
use gabion_model::{Secret, TenantId};
use gabion_vault::{constant_time_eq, sha256};
use serde_json::{Map, Value};

use super::Failed;
use crate::record::About;
use crate::service::Inner;
use crate::{Act, Caller, Service};

impl Service {
    /// Registers a client by what it says about itself; answers what was registered, with its secrets.
    ///
    /// # Errors
    /// In the words of RFC 7591, 3.2.2.
    pub async fn register_client(
        &self,
        caller: &Caller,
        token: Option<Secret<String>>,
        document: Map<String, Value>,
    ) -> Result<Map<String, Value>, OAuthError> {
        let (rules, asked) = (self.0.rules(), caller.clone());
        let settings = rules.provider.settings.registration.clone();
        match settings.mode {
            RegistrationMode::Off => return Err(off()),
            RegistrationMode::Token if !settings.is_token(token.as_ref()) => {
                return Err(OAuthError::invalid_token());
            }
            RegistrationMode::Token | RegistrationMode::Open => {}
        }
        let now = self.0.clock.now();
        let address = asked.address.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
        // Given back by nobody: every registration counts.
        if self.0.protocols.registrations.reserve(&address.to_string(), address, now).is_err() {
            return Err(OAuthError::new(
                ErrorCode::TemporarilyUnavailable,
                "too many registrations from this address, try again later",
            ));
        }
        let metadata = registration::read(&document, Offer { scopes: &settings.scopes })?;
        self.hold_to_sector(&document, &metadata).await?;
        let about = About::default()
            .with("name", metadata.name.as_str())
            .with("authentication", metadata.authentication.as_str());
        let done = self.act(Act::RegisterClient, caller, about, move |inner, _| {
            if inner.clients.count().map_err(failed)? >= settings.most {
                return Err(failed(ClientError::TooMany));
            }
            let new = NewClient {
                id: None,
                tenant: TenantId::new(TenantId::DEFAULT),
                metadata,
                registration: Registration::Dynamic,
                secret: None,
            };
            let now = inner.clock.now();
            let (client, secret) = inner.clients.add(new, now, &*inner.rng).map_err(failed)?;
            let manage =
                inner.clients.renew_registration_token(&client.id, now, &*inner.rng).map_err(failed)?;
            Ok(inner.registered(&client, secret.as_ref(), Some(&manage)))
        });
        done.await.map_err(|Failed(error)| error)
    }

    /// What is registered for a client that shows its registration token.
    ///
    /// # Errors
    /// `invalid_token`, also when there is no such client (RFC 7592, 2.1).
    pub async fn registration(
        &self,
        id: &str,
        token: Option<Secret<String>>,
    ) -> Result<Map<String, Value>, OAuthError> {
        let id = id.to_owned();
        let work = move |inner: &Inner| {
            let client = inner.managed(&id, token.as_ref())?;
            Ok(inner.registered(&client, None, None))
        };
        self.blocking_or(work).await.map_err(|Failed(error)| error)
    }

    /// Replaces what is registered.
    ///
    /// # Errors
    /// As for a registration.
    pub async fn update_registration(
        &self,
        caller: &Caller,
        id: &str,
        token: Option<Secret<String>>,
        document: Map<String, Value>,
    ) -> Result<Map<String, Value>, OAuthError> {
        let (wanted, rules) = (id.to_owned(), self.0.rules());
        let find = move |inner: &Inner| inner.managed(&wanted, token.as_ref());
        let client = self.blocking_or(find).await.map_err(|Failed(error)| error)?;
        // RFC 7592, 2.2: what only the server decides may not be sent, and the id must be.
        let own = document.get("client_id").and_then(Value::as_str) == Some(client.id.as_str());
        let foreign = [
            "registration_access_token",
            "registration_client_uri",
            "client_secret_expires_at",
            "client_id_issued_at",
        ];
        if !own || foreign.iter().any(|name| document.contains_key(*name)) {
            return Err(OAuthError::invalid_request("client_id is wrong, or a member is the server's alone"));
        }
        let scopes = rules.provider.settings.registration.scopes.clone();
        let metadata = registration::read(&document, Offer { scopes: &scopes })?;
        self.hold_to_sector(&document, &metadata).await?;
        let about = About::of(client.id.to_string()).with("name", metadata.name.as_str());
        let done = self.act(Act::RegisterClient, caller, about, move |inner, _| {
            let now = inner.clock.now();
            let had_secret = client.metadata.authentication.has_secret();
            let mut changed =
                inner.clients.set_metadata(&client.id, &metadata, now, &*inner.rng).map_err(failed)?;
            let mut secret = None;
            if metadata.authentication.has_secret() && !had_secret {
                let (with, text) = inner
                    .clients
                    .rotate_secret(&client.id, std::time::Duration::ZERO, now, &*inner.rng)
                    .map_err(failed)?;
                (changed, secret) = (with, Some(text));
            }
            Ok(inner.registered(&changed, secret.as_ref(), None))
        });
        done.await.map_err(|Failed(error)| error)
    }

    /// Removes a client at its own wish.
    ///
    /// # Errors
    /// `invalid_token`, also when there is no such client.
    pub async fn remove_registration(
        &self,
        caller: &Caller,
        id: &str,
        token: Option<Secret<String>>,
    ) -> Result<(), OAuthError> {
        let wanted = id.to_owned();
        let find = move |inner: &Inner| inner.managed(&wanted, token.as_ref());
        let client = self.blocking_or(find).await.map_err(|Failed(error)| error)?;
        let done =
            self.act(Act::RegisterClient, caller, About::of(client.id.to_string()), move |inner, _| {
                inner.clients.remove(&client.id).map_err(failed)?;
                inner.end_client(&client)?;
                Ok(())
            });
        done.await.map_err(|Failed(error)| error)
    }

    /// The list at a client's `sector_identifier_uri` must have all of its redirect URIs, or registration
    /// must fail (OpenID Connect Registration 1.0, 5), whatever kind of subjects it gets.
    async fn hold_to_sector(
        &self,
        document: &Map<String, Value>,
        metadata: &Metadata,
    ) -> Result<(), OAuthError> {
        let Some(address) = registration::sector(document)? else { return Ok(()) };
        let found = self.fetch_text(&address).await;
        if found.is_some_and(|found| registration::is_of_sector(&found, metadata)) {
            return Ok(());
        }
        Err(OAuthError::new(
            ErrorCode::InvalidClientMetadata,
            "sector_identifier_uri could not be fetched, or does not list every redirect URI",
        ))
    }
}

impl Inner {
    /// A client that registered itself, by the token it was given then. Compared also where there is none.
    fn managed(&self, id: &str, token: Option<&Secret<String>>) -> Result<Client, Failed> {
        let id: Option<ClientId> = id.parse().ok();
        let client = match &id {
            Some(id) => self.clients.find(id).map_err(failed)?,
            None => None,
        };
        let shown = sha256(token.map_or(&[][..], |token| token.expose().as_bytes()));
        let own = client.as_ref().and_then(|client| client.registration_token).unwrap_or([0; 32]);
        let right = constant_time_eq(&shown, &own) && token.is_some();
        let client = client.filter(|client| right && !client.disabled);
        client.map(|client| (*client).clone()).ok_or_else(|| OAuthError::invalid_token().into())
    }

    /// RFC 7591, 3.2.1.
    fn registered(
        &self,
        client: &Client,
        secret: Option<&Secret<String>>,
        manage: Option<&Secret<String>>,
    ) -> Map<String, Value> {
        let mut answer = registration::describe(client);
        if let Some(secret) = secret {
            answer.insert("client_secret".to_owned(), secret.expose().as_str().into());
            answer.insert("client_secret_expires_at".to_owned(), 0.into());
        }
        if let Some(token) = manage {
            answer.insert("registration_access_token".to_owned(), token.expose().as_str().into());
        }
        let uri = format!("{}/.gabion/oauth/register/{}", self.issuer(), client.id);
        answer.insert("registration_client_uri".to_owned(), uri.into());
        answer
    }
}

fn off() -> OAuthError {
    OAuthError::new(ErrorCode::RegistrationNotSupported, "clients are registered by the operator here")
}

fn failed(error: ClientError) -> Failed {
    Failed(match error {
        ClientError::Invalid(problems) => {
            let words = problems.first().map_or_else(String::new, ToString::to_string);
            OAuthError::new(ErrorCode::InvalidClientMetadata, words)
        }
        ClientError::TooMany => {
            OAuthError::new(ErrorCode::TemporarilyUnavailable, "there are too many clients")
        }
        ClientError::NotFound => OAuthError::invalid_token(),
        ClientError::Changed | ClientError::NoSecret | ClientError::Taken => OAuthError::server_error(),
        ClientError::Storage(error) => {
            tracing::error!(%error, "registration not stored");
            OAuthError::unavailable()
        }
    })
}
