//! Replacing the key that the ledger's records are sealed with.

use std::io;
use std::sync::Arc;

use gabion_ledger::keys::KeyFile;
use gabion_ledger::{KeyError, Keys, ReadError};
use gabion_model::Secret;

use crate::record::About;
use crate::{Act, ActError, Caller, Service};

/// The key was not replaced, or not to its end; whoever asks again goes on where it stopped.
#[derive(Debug, thiserror::Error)]
pub enum RekeyError {
    #[error(transparent)]
    Act(#[from] ActError),
    #[error("the key file `{place}` cannot be read or written")]
    File {
        place: String,
        #[source]
        source: io::Error,
    },
    #[error(transparent)]
    Key(#[from] KeyError),
    #[error(transparent)]
    Read(#[from] ReadError),
}

impl Service {
    /// Makes a new key and seals the key of every segment with it; how many segments there were. The former key is
    /// in the file beside the new one until the last is done, so that a crash at any moment loses nothing.
    ///
    /// # Errors
    /// [`RekeyError`]; everything can be read as before.
    pub async fn rekey_ledger(&self, caller: &Caller, file: Arc<dyn KeyFile>) -> Result<u64, RekeyError> {
        let about = About::of(file.place());
        self.act(Act::RekeyLedger, caller, about, move |inner, _| {
            let failed = |source| RekeyError::File { place: file.place(), source };
            let parse = |bytes: &Secret<Vec<u8>>| Keys::parse(file.place(), bytes).map(Arc::new);
            let mut bytes = file.read().map_err(failed)?;
            if !parse(&bytes)?.is_being_replaced() {
                let new = Keys::generate(&*inner.rng);
                bytes = Secret::new([new.expose().as_slice(), bytes.expose()].concat());
                file.write(&bytes).map_err(failed)?;
            }
            let count = inner.ledger.rekey(parse(&bytes)?, &*inner.rng)?;
            let new = Secret::new(bytes.expose().iter().take(KEY).copied().collect::<Vec<_>>());
            file.write(&new).map_err(failed)?;
            inner.ledger.rekey(parse(&new)?, &*inner.rng)?;
            Ok(count)
        })
        .await
    }
}

/// Bytes of one key.
const KEY: usize = 32;
