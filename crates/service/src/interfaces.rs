//! Acts on what was seen of the applications' interfaces.

use std::sync::Arc;

use gabion_openapi::inventory::{Inventory, Report};
use gabion_openapi::learn::{Draft, Drafts};

use crate::record::About;
use crate::{Act, ActError, Caller, Service};

/// What the gate sees of the applications' interfaces while requests pass. Shared with the request path.
#[derive(Debug, Clone, Default)]
pub struct Interfaces {
    /// Which operations are used, those that no contract knows among them.
    pub inventory: Arc<Inventory>,
    /// Contracts that are being learned.
    pub drafts: Arc<Drafts>,
}

impl Service {
    /// Where the request path keeps what it sees, from now on.
    pub fn set_interfaces(&self, interfaces: Interfaces) {
        self.0.interfaces.store(Arc::new(interfaces));
    }

    /// Which operations were used, and which of them no contract knows.
    ///
    /// # Errors
    /// [`ActError::Forbidden`] when the caller may not administer.
    pub async fn inventory(&self, caller: &Caller) -> Result<Report, ActError> {
        self.read(Act::ListOperations, caller, |inner, _| Ok(inner.interfaces.load().inventory.report()))
            .await
    }

    /// What was learned of an interface so far.
    ///
    /// # Errors
    /// [`ActError::NotFound`] when no draft has that name.
    pub async fn contract_draft(&self, caller: &Caller, name: &str) -> Result<Draft, ActError> {
        let wanted = name.to_owned();
        self.act(Act::ReadDraft, caller, About::of(name), move |inner, _| {
            inner.interfaces.load().drafts.draft(&wanted).ok_or(ActError::NotFound)
        })
        .await
    }
}
