//! Who is asking.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Arc<str>);

        impl $name {
            #[must_use]
            pub fn new(text: &str) -> Self {
                Self(text.into())
            }

            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.pad(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&self.0, formatter)
            }
        }
    };
}

text_id! {
    /// Names an account for ever, across renames. Random, made by `identity`.
    AccountId
}
text_id! {
    /// Names a session in lists, events and logs. Public: it is not the ticket the cookie holds.
    SessionId
}
text_id! {
    /// One customer of the application. `default` where the application has only one.
    TenantId
}
text_id! {
    /// A named set of permissions, for instance `administrator`.
    Role
}

text_id! {
    /// Names a group for ever, across renames. Random, made by `identity`.
    GroupId
}

impl Role {
    /// May administer Gabion itself.
    pub const ADMINISTRATOR: &str = "administrator";
}

impl TenantId {
    pub const DEFAULT: &str = "default";

    /// The tenant, where it is not the default one: records of an application with one tenant belong to nobody else.
    #[must_use]
    pub fn told(&self) -> Option<Self> {
        (self.as_str() != Self::DEFAULT).then(|| self.clone())
    }
}

/// An authenticated person or program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    pub account: AccountId,
    /// The name the person signs in with.
    pub name: Arc<str>,
    pub tenant: TenantId,
    /// Its own and those its groups give.
    pub roles: Arc<[Role]>,
    /// The names of the groups it is in.
    pub groups: Arc<[Arc<str>]>,
    /// A program's account (a service account, a client by itself), no person's.
    pub program: bool,
}

impl Principal {
    #[must_use]
    pub fn has_role(&self, role: &str) -> bool {
        self.roles.iter().any(|own| own.as_str() == role)
    }
}
