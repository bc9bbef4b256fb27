//! Change one's own password.

use std::net::{IpAddr, Ipv4Addr};

use gabion_identity::{AccountName, MalformedName, PasswordSettings, Passwords};
use gabion_model::{Outcome, RequestId, Rng, Secret};
use gabion_vault::password;

use crate::record::{About, to_the_end};
use crate::service::sentence;
use crate::{Act, ActError, Caller, ChangePasswordError, Notice, Service};

impl Service {
    /// Changes the caller's own password and ends every other session. Wrong tries at the current
    /// password count like those at sign-in: a stolen session must not become a stolen account.
    ///
    /// # Errors
    /// [`ChangePasswordError::Violations`] names every rule the new password breaks.
    pub async fn change_password(
        &self,
        caller: &Caller,
        current: Secret<String>,
        new: Secret<String>,
    ) -> Result<(), ChangePasswordError> {
        let (service, mut caller) = (self.clone(), caller.clone());
        to_the_end(async move {
            let inner = &service.0;
            caller.request_id.get_or_insert_with(|| RequestId::random(&*inner.rng));
            let asked = caller.clone();
            let account = service
                .blocking(move |inner| inner.authorize(Act::ChangePassword, &asked)?.account())
                .await?;
            let rules = inner.rules();
            let violations = violations(&rules.passwords, &new, &account.name);
            if !violations.is_empty() {
                return Err(ChangePasswordError::Violations(violations));
            }

            let place = inner.workers.place().map_err(|_| ActError::Busy)?;
            let address = caller.address.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
            let reservation = inner
                .throttle
                .reserve(account.name.as_str(), address, inner.clock.now())
                .map_err(|throttled| ChangePasswordError::Throttled { retry_after: throttled.retry_after })?;
            let (phc, cost, worker) = (account.password.clone(), rules.cost, service.clone());
            let hashed = place.run(move || {
                let matches = phc.is_some_and(|phc| worker.0.verify_password(&current, &phc).matches());
                matches.then(|| password::hash(&new, cost, &*worker.0.rng))
            });
            let hashed = match hashed.await.map_err(|_| ActError::Unavailable)? {
                Some(hashed) => hashed.map_err(|_| ActError::Busy)?,
                None => {
                    reservation.failed();
                    let mut event = inner.event(Act::ChangePassword, &caller, Outcome::Failure);
                    event.reason = Some("the current password is wrong".to_owned());
                    event.resource = account.name.to_string();
                    inner.ledger.record(event).await.map_err(ActError::from)?;
                    return Err(ChangePasswordError::Rejected);
                }
            };
            reservation.succeeded();

            let (about, keep) = (About::of(account.name.as_str()), caller.session().cloned());
            service
                .act(Act::ChangePassword, &caller, about, move |inner, standing| {
                    // Reset or changed by somebody else since it was verified.
                    if standing.account()?.epoch != account.epoch {
                        return Err(ActError::Forbidden);
                    }
                    let account =
                        inner.accounts.set_password(&account.id, hashed, keep, inner.clock.now())?;
                    inner.notify(&account, &Notice::PasswordChanged);
                    Ok(())
                })
                .await?;
            Ok(())
        })
        .await
    }
}

/// Every rule `password` breaks, as sentences for people.
pub(crate) fn violations(
    passwords: &Passwords,
    password: &Secret<String>,
    name: &AccountName,
) -> Vec<String> {
    passwords.violations(password, name).iter().map(|one| sentence(&one.to_string())).collect()
}

/// The hash of the first password of the account `name`, for a file that declares it.
///
/// # Errors
/// Every rule the password breaks, as sentences for people.
pub fn hash_password(
    settings: &PasswordSettings,
    name: &str,
    password: &Secret<String>,
    rng: &dyn Rng,
) -> Result<String, Vec<String>> {
    let name: AccountName = name.parse().map_err(|error: MalformedName| vec![error.to_string()])?;
    let broken = violations(&Passwords::new(settings), password, &name);
    if !broken.is_empty() {
        return Err(broken);
    }
    password::hash(password, settings.cost(), rng).map_err(|error| vec![error.to_string()])
}
