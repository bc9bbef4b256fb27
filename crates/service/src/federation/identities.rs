//! The identities of other providers that are linked to one's own account.

use gabion_identity::federation::IdentityId;
use gabion_identity::{Account, FactorKind, StorageError};

use super::{IdentityView, UnlinkError};
use crate::record::About;
use crate::service::Inner;
use crate::{Act, ActError, Caller, Notice, Service};

impl Service {
    /// The caller's own, the first linked first. Changes nothing and is not recorded.
    ///
    /// # Errors
    /// [`ActError::Forbidden`] when the caller is not signed in.
    pub async fn identities(&self, caller: &Caller) -> Result<Vec<IdentityView>, ActError> {
        self.read(Act::ListIdentities, caller, |inner, standing| inner.identity_views(&standing.account()?))
            .await
    }

    /// Unlinks one of the caller's own: nobody signs in to the account with it any more. A critical act.
    ///
    /// # Errors
    /// [`UnlinkError::Last`] when nobody could sign in to the account without it.
    pub async fn unlink_identity(&self, caller: &Caller, id: &str) -> Result<(), UnlinkError> {
        let id = IdentityId::new(id);
        // What is not the caller's is no act: whoever is signed in could fill the ledger with tries.
        let wanted = id.clone();
        let known = self
            .read(Act::UnlinkIdentity, caller, move |inner, standing| {
                let own = inner.identity_views(&standing.account()?)?;
                own.into_iter().find(|one| one.id == wanted.as_str()).ok_or(ActError::NotFound)
            })
            .await?;
        let provider = known.provider;
        self.act(Act::UnlinkIdentity, caller, About::of(known.label), move |inner, standing| {
            let account = standing.account()?;
            let keep_one = !inner.has_other_way_in(&account)?;
            match inner.storage.unlink_identity(&account.id, &id, keep_one) {
                Ok(true) => {
                    inner.notify(&account, &Notice::IdentityUnlinked { provider });
                    Ok(())
                }
                Ok(false) => Err(ActError::NotFound.into()),
                Err(StorageError::Stale) => Err(UnlinkError::Last),
                Err(error) => Err(ActError::from(error).into()),
            }
        })
        .await
    }
}

impl Inner {
    pub(crate) fn identity_views(&self, account: &Account) -> Result<Vec<IdentityView>, ActError> {
        let rules = self.rules();
        let known = |issuer: &str| {
            let provider = rules.federation.iter().find(|one| one.settings.issuer == issuer);
            provider.map_or_else(|| issuer.to_owned(), |one| one.display_name().to_owned())
        };
        let own = self.storage.identities(&account.id)?;
        let view = own.into_iter().map(|identity| IdentityView {
            id: identity.id.to_string(),
            provider: known(&identity.issuer),
            label: identity.label,
            linked: identity.linked,
            last_used: identity.last_used,
        });
        Ok(view.collect())
    }

    /// Whether somebody can sign in to the account without another provider.
    fn has_other_way_in(&self, account: &Account) -> Result<bool, ActError> {
        Ok(account.password.is_some() || self.usable_factors(account)?.contains(&FactorKind::Passkey))
    }
}
