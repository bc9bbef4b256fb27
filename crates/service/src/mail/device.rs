//! The memory of devices: a first sign-in from a new one is told to the owner.

use gabion_identity::Account;
use gabion_identity::mail::Device;
use gabion_model::Timestamp;

use super::Notice;
use crate::service::Inner;
use crate::{Caller, user_agent};

impl Inner {
    /// Notes from where somebody signed in; a failure keeps nobody out.
    pub(crate) fn note_device(&self, account: &Account, caller: &Caller, now: Timestamp) {
        let device = user_agent::describe(caller.user_agent.as_deref());
        match self.mail_links().seen(&account.id, &device, caller.address, now) {
            Ok(Device::New) => {
                let address = caller.address.map_or_else(|| "unknown".to_owned(), |one| one.to_string());
                let time = Timestamp::from_secs(now.as_secs()).to_string().replace(".000000Z", " UTC");
                self.notify(account, &Notice::NewDevice { device, address, time });
            }
            Ok(Device::First | Device::Known) => {}
            Err(error) => tracing::warn!(%error, "device not noted"),
        }
    }
}
