//! The device grant (RFC 8628): codes for a device, a person's word about them, tokens for the device.
//!
//! Codes are guessed at by people only who are signed in; wrong ones are counted by account and address.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use gabion_identity::oauth::client::{Client, GrantType};
use gabion_identity::oauth::device::{self, Approval, Decision as Word, DeviceRequest, INTERVAL, LIFE};
use gabion_identity::oauth::grant::{Grant, NewGrant, Terms};
use gabion_identity::oauth::scope::OFFLINE_ACCESS;
use gabion_identity::oauth::token::TokenAnswer;
use gabion_identity::oauth::{ErrorCode, OAuthError, Parameters, Scopes, resource};
use gabion_identity::{Account, StorageError};
use gabion_model::{Secret, random};
use gabion_vault::encoding::base64url_encode;
use gabion_vault::sha256;

use super::issue::Issue;
use super::{AskingClient, Failed, ScopeView, TokenRequest};
use crate::record::{About, to_the_end};
use crate::service::Inner;
use crate::{Act, ActError, Caller, Service};

/// What a device is told.
#[derive(Debug)]
pub struct DeviceCodes {
    pub device_code: Secret<String>,
    /// As it is shown to the person.
    pub user_code: String,
    /// In seconds.
    pub expires_in: u64,
    /// In seconds.
    pub interval: u64,
}

/// What a person is asked about a device.
#[derive(Debug, Clone)]
pub struct DeviceView {
    /// As it is shown, to be compared with the device's screen.
    pub user_code: String,
    pub client: AskingClient,
    pub scopes: Vec<ScopeView>,
    /// From where the device asked.
    pub address: Option<String>,
}

/// Why a code was not decided about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DeviceError {
    #[error(transparent)]
    Act(#[from] ActError),
    #[error("too many wrong codes, wait a little")]
    Throttled,
    /// Unknown, expired, decided: never said which.
    #[error("the code does not work: it was mistyped, has expired or was used")]
    Unknown,
}

impl Service {
    /// Codes for a device of an authenticated client.
    ///
    /// # Errors
    /// `unauthorized_client`, `invalid_scope`, `invalid_target`.
    pub fn authorize_device(
        &self,
        caller: &Caller,
        client: &Arc<Client>,
        parameters: &Parameters,
    ) -> Result<DeviceCodes, OAuthError> {
        let inner = &self.0;
        let rules = inner.rules();
        let settings = &rules.provider.settings;
        if !settings.enabled || !client.allows_grant(GrantType::DeviceCode) {
            return Err(OAuthError::new(
                ErrorCode::UnauthorizedClient,
                "the client is not registered for this grant type",
            ));
        }
        let unusable =
            || OAuthError::new(ErrorCode::InvalidScope, "no scope asked for is one the client may have");
        let asked = parameters.get("scope").unwrap_or_default();
        let mut scope = Scopes::parse(asked).ok_or_else(unusable)?;
        let something = !scope.is_empty();
        let refreshed = client.allows_grant(GrantType::RefreshToken);
        scope.retain(|name| {
            rules.provider.scopes.knows(name)
                && client.allows_scope(name)
                && (refreshed || name != OFFLINE_ACCESS)
        });
        if something && scope.is_empty() {
            return Err(unusable());
        }
        let issuer = inner.issuer();
        let resources = resource::select(parameters.all("resource"), &settings.resources, &issuer)?;
        if !resources.iter().all(|resource| client.allows_resource(resource)) {
            return Err(OAuthError::new(
                ErrorCode::InvalidTarget,
                "the client may not ask for that resource",
            ));
        }
        let now = inner.clock.now();
        let address = caller.address.map(|address| address.to_string());
        let full = || {
            OAuthError::new(ErrorCode::TemporarilyUnavailable, "too many devices wait, try again in a minute")
        };
        let mut device = DeviceRequest::new(client.id.clone(), scope, resources, address, now, &*inner.rng);
        // Two that wait never share a code.
        while inner.protocols.devices.find(now, |other| other.user_code == device.user_code).is_some() {
            let DeviceRequest { client, scope, resources, address, .. } = device;
            device = DeviceRequest::new(client, scope, resources, address, now, &*inner.rng);
        }
        let (code, user_code) =
            (base64url_encode(&random::bytes::<32>(&*inner.rng)), device::shown(&device.user_code));
        let until = now.saturating_add(LIFE);
        let owner =
            format!("{} {}", client.id, caller.address.map_or_else(String::new, |one| one.to_string()));
        inner
            .protocols
            .devices
            .put(sha256(code.as_bytes()), &owner, device, until, now)
            .map_err(|_| full())?;
        Ok(DeviceCodes {
            device_code: Secret::new(code),
            user_code,
            expires_in: LIFE.as_secs(),
            interval: INTERVAL.as_secs(),
        })
    }

    /// What the person who typed a code is asked.
    ///
    /// # Errors
    /// [`DeviceError::Unknown`] for a code that does not work, whatever the reason.
    pub async fn device(&self, caller: &Caller, typed: &str) -> Result<DeviceView, DeviceError> {
        let (device, _) = self.find_device(caller, typed).await?;
        let client = self.known_client(device.client.as_str()).await.map_err(|_| ActError::Unavailable)?;
        let client = client.ok_or(DeviceError::Unknown)?;
        let rules = self.0.rules();
        let scopes = device.scope.iter().map(|name| ScopeView {
            name: name.to_owned(),
            words: rules.provider.scopes.describe(name).to_owned(),
        });
        Ok(DeviceView {
            user_code: device::shown(&device.user_code),
            client: AskingClient::of(&client, client.metadata.client_uri.as_deref().unwrap_or_default()),
            scopes: scopes.collect(),
            address: device.address,
        })
    }

    /// The person's word about a device.
    ///
    /// # Errors
    /// [`DeviceError::Unknown`] for a code that does not work, whatever the reason.
    pub async fn decide_device(&self, caller: &Caller, typed: &str, allow: bool) -> Result<(), DeviceError> {
        let (device, hash) = self.find_device(caller, typed).await?;
        let asked = caller.clone();
        let about = About::of(device.client.to_string())
            .with("scope", device.scope.to_string())
            .with("decision", if allow { "allow" } else { "deny" });
        self.act(Act::DecideDevice, caller, about, move |inner, _| {
            let present = inner.present(&asked).map_err(|_| ActError::Unavailable)?;
            let (account, session) = present.ok_or(ActError::Forbidden)?;
            let word = if allow {
                Word::Approved(Approval {
                    account: account.id.clone(),
                    epoch: account.epoch,
                    session: session.id.clone(),
                    authenticated: session.authenticated,
                    methods: session.methods,
                })
            } else {
                Word::Denied
            };
            let now = inner.clock.now();
            let decided = inner.protocols.devices.with(&hash, now, |device, _| device.decide(word));
            if decided == Some(true) { Ok(()) } else { Err(DeviceError::Unknown) }
        })
        .await
    }

    async fn find_device(
        &self,
        caller: &Caller,
        typed: &str,
    ) -> Result<(DeviceRequest, [u8; 32]), DeviceError> {
        let (typed, asked) = (typed.to_owned(), caller.clone());
        self.read(Act::DecideDevice, caller, move |inner, standing| {
            let account = standing.account()?;
            let now = inner.clock.now();
            let address = asked.address.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
            let attempt = inner
                .protocols
                .tries
                .reserve(&format!("device {}", account.id), address, now)
                .map_err(|_| DeviceError::Throttled)?;
            let code = device::normalised(&typed);
            let found = code.and_then(|code| {
                let wanted = |device: &DeviceRequest| device.user_code == code && !device.is_decided();
                let hash = inner.protocols.devices.find(now, wanted)?;
                Some((inner.protocols.devices.with(&hash, now, |device, _| device.clone())?, hash))
            });
            match found {
                Some(found) => {
                    attempt.succeeded();
                    Ok(found)
                }
                None => {
                    attempt.failed();
                    Err(DeviceError::Unknown)
                }
            }
        })
        .await
    }

    /// RFC 8628, 3.4.
    pub(super) async fn device_tokens(
        &self,
        caller: &Caller,
        request: TokenRequest,
    ) -> Result<Secret<String>, OAuthError> {
        let code = request.parameters.require("device_code")?;
        let (hash, now) = (sha256(code.as_bytes()), self.0.clock.now());
        let client = Arc::clone(&request.client);
        let asked = self
            .0
            .protocols
            .devices
            .with(&hash, now, |device, _| (device.client == client.id).then(|| device.poll(now)));
        let expired = || {
            OAuthError::new(ErrorCode::ExpiredToken, "the device code is unknown, has expired or was used")
        };
        let approval = match asked {
            None => return Err(expired()),
            // Somebody else's.
            Some(None) => return Err(OAuthError::invalid_grant()),
            Some(Some(Ok(approval))) => approval,
            Some(Some(Err(error))) => {
                if error.code == ErrorCode::AccessDenied {
                    drop(self.0.protocols.devices.take(&hash, now));
                }
                return Err(error);
            }
        };
        // Of any number who ask at once, one gets it.
        let device = self.0.protocols.devices.take(&hash, now).ok_or_else(expired)?;
        let (service, mut caller) = (self.clone(), caller.clone());
        let done = to_the_end(async move {
            let client = Arc::clone(&request.client);
            let work = move |inner: &Inner| inner.device_grant(&device, &approval, &request);
            let (grant, account, answer) = service.blocking_or(work).await?;
            caller.becomes(&account);
            service.granted(&caller, &grant, &client, answer).await
        });
        done.await.map_err(|Failed(error)| error)
    }
}

impl Inner {
    fn device_grant(
        &self,
        device: &DeviceRequest,
        approval: &Approval,
        request: &TokenRequest,
    ) -> Result<(Grant, Account, TokenAnswer), Failed> {
        let TokenRequest { client, confirmation, .. } = request;
        let (rules, now) = (self.rules(), self.clock.now());
        let settings = &rules.provider.settings;
        // Refresh tokens of public clients are bound to what they hold (RFC 9449, 5; RFC 8705, 4).
        let bind = confirmation.clone().filter(|_| !client.is_confidential()).unwrap_or_default();
        let new = NewGrant {
            client: client.id.clone(),
            account: approval.account.clone(),
            epoch: approval.epoch,
            // The device is elsewhere: signing out of the browser does not sign it out, unless it asked
            // for no more than the session has.
            session: Some(approval.session.clone()),
            terms: Terms {
                scope: device.scope.clone(),
                resources: device.resources.clone(),
                authenticated: approval.authenticated,
                methods: approval.methods,
                dpop_jkt: bind.jkt,
                x5t_s256: bind.x5t_s256,
                ..Terms::default()
            },
            now,
        };
        let refreshed = client.allows_grant(GrantType::RefreshToken);
        let life = if refreshed { settings.refresh_idle } else { settings.access_token };
        let absolute = settings.refresh_absolute.as_duration();
        let mut grant = Grant::without_code(new, life.as_duration(), absolute, &*self.rng);
        // A television stays signed in when the browser that vouched for it is closed.
        grant.offline = true;
        grant.refresh = self.refresh_key(&grant.id, client)?;
        match self.storage.insert_grant(&grant) {
            Ok(()) => {}
            Err(StorageError::Stale) => return Err(OAuthError::invalid_grant().into()),
            Err(error) => return Err(error.into()),
        }
        let account = self.account_of(&grant, now)?;
        let issue = Issue {
            grant: &grant,
            account: &account,
            client,
            scope: &grant.terms.scope,
            resources: &grant.terms.resources,
            confirmation: confirmation.as_ref(),
            counter: 0,
        };
        let answer = self.issue_tokens(issue, now)?;
        Ok((grant, account, answer))
    }
}
