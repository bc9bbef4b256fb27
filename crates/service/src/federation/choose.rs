//! What becomes of somebody a provider vouched for, whom no account is linked to.
//!
//! Three ways, and an address alone is none of them ("nOAuth", CWE-290): the person is signed in to the
//! account, lately enough for a critical act, and says yes; the setting `trust_email` says that the
//! provider owns the address, and the account proved to hold the same one; or, where accounts are made
//! for people of the provider, a new one.

use gabion_identity::federation::external::ExternalIdentity;
use gabion_identity::federation::proven::Proven;
use gabion_identity::federation::{Asserted, IdentityId, Provider, Provisioning, naming};
use gabion_identity::{Account, AccountKind, Email, StorageError};
use gabion_model::{AccountId, RequestId, TenantId, Timestamp, random};
use gabion_vault::encoding::base64url_encode;

use super::callback::bounded;
use super::{Chosen, FederationError, LinkError, ProvenView, ProviderView};
use crate::record::{About, to_the_end};
use crate::service::Inner;
use crate::{Act, ActError, Caller, Notice, Service, SignInError};

impl Service {
    /// Whom a ticket of [`Arrival::Unlinked`](super::Arrival::Unlinked) names, if it is this browser's.
    /// Does not use it up.
    #[must_use]
    pub fn federation_proven(&self, ticket: &str, cookies: &[String]) -> Option<ProvenView> {
        let proven = self.0.proven(ticket, cookies)?;
        let provider = self.0.provider(&proven.provider)?;
        Some(ProvenView {
            provider: ProviderView::of(&provider),
            label: bounded(proven.asserted.label()),
            may_create: proven.account.is_none() && provider.settings.provisioning == Provisioning::Create,
            next: proven.next,
        })
    }

    /// Links the identity to the account the caller is signed in to. A critical act.
    ///
    /// # Errors
    /// [`LinkError::Act`] with [`ActError::StepUp`] when the caller must sign in again first; the ticket
    /// stays good.
    pub async fn link_identity(
        &self,
        caller: &Caller,
        ticket: &str,
        cookies: Vec<String>,
    ) -> Result<String, LinkError> {
        self.read(Act::LinkIdentity, caller, |_, standing| standing.account().map(|_| ())).await?;
        let proven = self.0.proven(ticket, &cookies).ok_or(LinkError::Unknown)?;
        let label = bounded(proven.asserted.label());
        let about = About::of(label.as_str()).with("provider", &*proven.provider);
        let ticket = ticket.to_owned();
        self.act(Act::LinkIdentity, caller, about, move |inner, standing| {
            let account = standing.account()?;
            let cookies: Vec<&str> = cookies.iter().map(String::as_str).collect();
            let now = inner.clock.now();
            if proven.account.as_ref().is_some_and(|only| *only != account.id) {
                return Err(LinkError::Unknown);
            }
            let proven = inner.federation.provens.take(&ticket, &cookies, now).ok_or(LinkError::Unknown)?;
            let identity = inner.identity_of(&proven.asserted, account.id.clone(), now);
            match inner.storage.link_identity(&identity) {
                Ok(()) => {
                    let known = inner.provider(&proven.provider);
                    let provider = known.map_or(identity.issuer, |one| one.display_name().to_owned());
                    inner.notify(&account, &Notice::IdentityLinked { provider });
                    Ok(proven.next)
                }
                Err(StorageError::Taken) => Err(LinkError::Taken),
                Err(error) => Err(ActError::from(error).into()),
            }
        })
        .await
    }

    /// Makes an account for the identity and lets its person in.
    ///
    /// # Errors
    /// [`FederationError::NotAdmitted`] where accounts are not made for people of the provider.
    pub async fn create_from_identity(
        &self,
        caller: &Caller,
        ticket: &str,
        cookies: Vec<String>,
    ) -> Result<Chosen, FederationError> {
        let (service, mut caller, ticket) = (self.clone(), caller.clone(), ticket.to_owned());
        to_the_end(async move {
            let inner = &service.0;
            caller.request_id.get_or_insert_with(|| RequestId::random(&*inner.rng));
            let proven = inner.proven(&ticket, &cookies).ok_or(FederationError::Unknown)?;
            let provider = inner.provider(&proven.provider).ok_or(FederationError::Unknown)?;
            if proven.account.is_some() || provider.settings.provisioning != Provisioning::Create {
                return Err(FederationError::NotAdmitted);
            }
            let cookies: Vec<&str> = cookies.iter().map(String::as_str).collect();
            let taken = inner.federation.provens.take(&ticket, &cookies, inner.clock.now());
            let Proven { asserted, next, wanted, .. } = taken.ok_or(FederationError::Unknown)?;
            let account = service.make_account(&caller, &provider, &asserted).await?;
            let step = service.enter_as(&caller, &provider, &asserted, account, wanted).await?;
            Ok(Chosen { step, next })
        })
        .await
    }

    /// The account that proved to hold the address the provider vouches for, linked now; or a new one,
    /// where accounts are made. Only for addresses the provider is trusted with.
    pub(super) async fn admit_by_address(
        &self,
        caller: &Caller,
        provider: &Provider,
        asserted: &Asserted,
    ) -> Result<Option<Account>, FederationError> {
        let Some(email) = asserted.trusted_email(&provider.settings).cloned() else { return Ok(None) };
        let holder = self.blocking(move |inner| Ok(inner.accounts.by_verified_email(&email)?)).await?;
        match holder {
            Some(account) if account.disabled || account.kind == AccountKind::Service => {
                Err(SignInError::Rejected.into())
            }
            Some(account) => {
                let about = About::of(account.name.as_str())
                    .with("provider", &*provider.name)
                    .with("by", "verified address");
                let asserted = asserted.clone();
                self.act(Act::AdmitIdentity, caller, about, move |inner, _| {
                    let identity = inner.identity_of(&asserted, account.id.clone(), inner.clock.now());
                    match inner.storage.link_identity(&identity) {
                        Ok(()) => Ok(Some(account)),
                        // Linked a moment ago, by another tab: the person tries again.
                        Err(StorageError::Taken) => Err(FederationError::Unknown),
                        Err(error) => Err(ActError::from(error).into()),
                    }
                })
                .await
            }
            None if provider.settings.provisioning == Provisioning::Create => {
                self.make_account(caller, provider, asserted).await.map(Some)
            }
            None => Ok(None),
        }
    }

    /// A new account and its way in, both or neither.
    async fn make_account(
        &self,
        caller: &Caller,
        provider: &Provider,
        asserted: &Asserted,
    ) -> Result<Account, FederationError> {
        let about =
            About::of(bounded(asserted.label())).with("provider", &*provider.name).with("by", "new account");
        let (provider, asserted) = (provider.clone(), asserted.clone());
        self.act(Act::AdmitIdentity, caller, about, move |inner, _| {
            let now = inner.clock.now();
            if inner.storage.identity(&asserted.issuer, &asserted.subject).map_err(ActError::from)?.is_some()
            {
                return Err(FederationError::Unknown);
            }
            let trusted = asserted.trusted_email(&provider.settings).cloned();
            for name in naming::candidates(&asserted, &provider.settings, &provider.name, &*inner.rng) {
                let account = inner.newcomer(&asserted, trusted.as_ref(), name, now);
                let identity = inner.identity_of(&asserted, account.id.clone(), now);
                match inner.storage.provision(&account, &identity) {
                    Ok(()) => return Ok(account),
                    Err(StorageError::Taken) => {}
                    Err(error) => return Err(ActError::from(error).into()),
                }
            }
            Err(FederationError::Unknown)
        })
        .await
    }
}

impl Inner {
    fn proven(&self, ticket: &str, cookies: &[String]) -> Option<Proven> {
        let cookies: Vec<&str> = cookies.iter().map(String::as_str).collect();
        self.federation.provens.find(ticket, &cookies, self.clock.now())
    }

    fn identity_of(&self, asserted: &Asserted, account: AccountId, now: Timestamp) -> ExternalIdentity {
        ExternalIdentity {
            id: IdentityId::random(&*self.rng),
            account,
            issuer: asserted.issuer.clone(),
            subject: asserted.subject.clone(),
            label: bounded(asserted.label()),
            linked: now,
            last_used: Some(now),
        }
    }

    /// An address counts as verified only by a word that is trusted; others are kept as what the person
    /// says of themselves.
    fn newcomer(
        &self,
        asserted: &Asserted,
        trusted: Option<&Email>,
        name: gabion_identity::AccountName,
        now: Timestamp,
    ) -> Account {
        let id = AccountId::new(&base64url_encode(&random::bytes::<16>(&*self.rng)));
        Account {
            email: asserted.email.clone(),
            email_verified: trusted.map(|_| now),
            personal: asserted.personal.clone(),
            tenant: asserted.granted.tenant.clone().unwrap_or_else(|| TenantId::new(TenantId::DEFAULT)),
            roles: asserted.granted.roles.clone(),
            ..Account::new(id, name, now)
        }
    }
}
