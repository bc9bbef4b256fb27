//! Signing other devices out.

pub(crate) mod revoke;
pub(crate) mod revoke_others;
