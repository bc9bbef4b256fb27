//! Accounts, passwords, sessions and login throttling, free of I/O.
//!
//! An engine: the clock and the random source are parameters, storage is three traits
//! ([`storage::AccountStorage`], [`storage::SessionStorage`], [`storage::InvitationStorage`]) that
//! [`storage::MemoryStorage`] and `gabion-store` implement and one [`storage::conformance`] suite
//! checks. Password hashing takes long, so it happens outside, between [`login::begin`] and
//! [`login::Attempt::finish`].

pub mod access_token;
pub mod account;
pub mod api_key;
pub mod certificate;
pub mod cookie;
pub mod credential;
pub mod decoy;
pub mod email;
pub mod factors;
pub mod federation;
pub mod group;
pub mod invitation;
pub mod keyring;
pub mod login;
pub mod machines;
pub mod mail;
pub mod name;
pub mod oauth;
pub mod passkey;
pub mod passwords;
pub mod pending;
pub mod personal;
pub mod scim;
pub mod session;
pub mod settings;
pub mod storage;
pub mod throttle;
pub mod whereabouts;

pub use access_token::{AccessToken, AccessTokens, Confirmation};
pub use account::{
    Account, AccountEdit, AccountError, AccountKind, Accounts, Follower, Membership, NewAccount,
};
pub use api_key::{ApiKey, ApiKeyError, ApiKeyId, ApiKeys, NewApiKey};
pub use certificate::{CertificateBinding, Certificates};
pub use credential::{Credential, CredentialKind, NewCredential, Scopes};
pub use decoy::Decoys;
pub use email::Email;
pub use factors::{FactorKind, FactorSettings};
pub use group::{Group, GroupEdit, GroupError, GroupName, Groups, Member, NewGroup};
pub use invitation::{Invitation, Invitations, Purpose};
pub use keyring::{KeySettings, Keyring};
pub use machines::Machines;
pub use name::{AccountName, MalformedName};
pub use oauth::ProviderSettings;
pub use passwords::{Passwords, Profile, Violation};
pub use pending::{PendingSignIn, PendingSignIns};
pub use personal::Personal;
pub use session::{AssertionSlot, BeginSession, Session, Sessions};
pub use settings::{LoginSettings, MachineSettings, PasswordSettings, SessionSettings};
pub use storage::{MemoryStorage, Storage, StorageError};
pub use throttle::{Reservation, Throttle, Throttled};
pub use whereabouts::{Arrival, Whereabouts};
