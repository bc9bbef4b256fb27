//! Acts on the keys that sign tokens.

use gabion_identity::keyring::{KeyView, KeyringError};
use gabion_vault::jwt::Algorithm;

use crate::record::About;
use crate::{Act, ActError, Caller, Service};

impl Service {
    /// Every key that is published, the signing ones first.
    ///
    /// # Errors
    /// [`ActError::Forbidden`] when the caller may not administer.
    pub async fn list_keys(&self, caller: &Caller) -> Result<Vec<KeyView>, ActError> {
        self.act(Act::ListKeys, caller, About::default(), |inner, _| Ok(inner.keys.list(inner.clock.now())))
            .await
    }

    /// Announces a successor of the signing key of one algorithm, or of each, ahead of the schedule. It
    /// signs once everybody who keeps the published keys has it.
    ///
    /// # Errors
    /// [`ActError::NotFound`] when there is no key for the algorithm.
    pub async fn rotate_keys(
        &self,
        caller: &Caller,
        algorithm: Option<Algorithm>,
    ) -> Result<Vec<KeyView>, ActError> {
        let about = About::of(algorithm.map_or("all", Algorithm::as_str));
        self.act(Act::RotateKeys, caller, about, move |inner, _| {
            let wanted = |one: &Algorithm| algorithm.is_none_or(|only| only == *one);
            let algorithms: Vec<_> = inner.keys.algorithms().into_iter().filter(wanted).collect();
            if algorithms.is_empty() {
                return Err(ActError::NotFound);
            }
            let now = inner.clock.now();
            let rotate = |one| inner.keys.rotate(one, now, &*inner.rng).map_err(ActError::from);
            algorithms.into_iter().map(rotate).collect()
        })
        .await
    }

    /// Takes a key out at once. Nothing it signed is believed any more; where it signs now, a new one does
    /// from here on.
    ///
    /// # Errors
    /// [`ActError::NotFound`] when there is no such key.
    pub async fn revoke_key(&self, caller: &Caller, kid: &str) -> Result<KeyView, ActError> {
        let wanted = kid.to_owned();
        self.act(Act::RevokeKey, caller, About::of(kid), move |inner, _| {
            Ok(inner.keys.revoke(&wanted, inner.clock.now(), &*inner.rng)?)
        })
        .await
    }

    /// Does what the schedule of the keys says is due, if anything is: part of [`tick`](Self::tick).
    ///
    /// # Errors
    /// [`ActError::Forbidden`] for everybody but the operator and the gate.
    pub async fn turn_keys(&self, caller: &Caller) -> Result<(), ActError> {
        let due = |inner: &crate::service::Inner, _| Ok::<_, ActError>(inner.keys.is_due(inner.clock.now()));
        if !self.read(Act::TurnKeys, caller, due).await? {
            return Ok(());
        }
        self.act(Act::TurnKeys, caller, About::default(), |inner, _| {
            Ok(inner.keys.turn(inner.clock.now(), &*inner.rng)?)
        })
        .await
    }
}

impl From<KeyringError> for ActError {
    fn from(error: KeyringError) -> Self {
        match error {
            KeyringError::NotFound => Self::NotFound,
            KeyringError::Storage(error) => error.into(),
            KeyringError::Key(_) | KeyringError::Sealed { .. } => {
                tracing::error!(%error, "signing keys not changed");
                Self::Unavailable
            }
        }
    }
}
