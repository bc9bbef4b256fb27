//! Every act a person or program can ask for, once: authorize → record → do → complete.
//!
//! The console, the CLI and every later door call [`Service`]; none has a way around it. An act that
//! changes something is written to the ledger (`begun`, awaited) before it takes effect and completed
//! after; when the ledger cannot record, the act is refused and nothing is changed. Acts run to their
//! end even when whoever asked goes away, so that no entry stays open and no failed try uncounted.

mod accounts;
mod act;
mod alerts;
mod api_keys;
mod authorize;
pub mod calibrate;
mod caller;
mod decisions;
mod declared;
mod directory;
mod enrolment;
mod error;
mod events;
mod factors;
mod faults;
pub mod federation;
#[cfg(fuzzing)]
pub mod fuzzing;
mod hashing;
mod holds;
mod idempotency;
mod imports;
pub mod incidents;
mod interfaces;
mod invitations;
mod keys;
mod ledger_key;
mod mail;
pub mod oauth;
mod passkeys;
mod passwords;
mod personal;
mod record;
pub mod resources;
mod response;
mod second_factor;
mod service;
mod sessions;
mod sign_in;
mod step;
pub mod user_agent;
mod view;

pub use gabion_identity::keyring::{KeyView, Standing as KeyStanding};
pub use gabion_identity::oauth::client;
pub use gabion_identity::personal::Address;
pub use gabion_identity::scim;
pub use gabion_identity::{AccountKind, FactorKind, Personal, Purpose};

pub use act::{Act, Audience};
pub use alerts::{AlertError, AskedSilence, Teller, Tried};
pub use api_keys::{ApiKeyActError, ApiKeyView, CreateApiKey, FreshApiKey};
pub use authorize::{BLOCK_SCOPE, DECISION_SCOPE, EVENT_SCOPE, RESOURCE_SCOPE, SEARCH_SCOPE};
pub use caller::Caller;
pub use decisions::{
    AskedContext, AskedDecision, AskedResource, AskedSearch, Decided, DecisionReason, Hit, KnownNames,
    SearchError, Searched, Sought, Until,
};
pub use declared::{
    Declared, DeclaredAccount, DeclaredClient, DeclaredGroup, DeclaredSecret, DeclaredThing, IdentityError,
    IdentityPlan, InitialPassword, Kept, PlannedAction, PlannedChange, PlannedField, Reconciled,
};
pub use directory::{
    DirectoryError, EditGroup, EditPerson, EditProfile, Export, Found, GroupName, GroupSearch, GroupView,
    KnownDevice, Leaving, MemberView, NewGroup, NewPerson, PasswordView, PendingAddress, Person,
    PersonSearch, RoleView, ScimError, ScimList, ScimResource, SessionPage, SignedInSession, Start,
    StateFilter, UserChange, Which,
};
pub use enrolment::{Enrolled, Ground, TotpEnrolment};
pub use error::{
    ActError, AddAccountError, ChangeEmailError, ChangePasswordError, DisableAccountError, EnrolError,
    ForgotPasswordError, InvitationError, MailLinkError, SecondFactorError, SignInError,
};
pub use events::{Submission, SubmitError, Submitted};
pub use factors::{FactorView, FactorsView};
pub use faults::{
    Exception, FaultGroup, FaultSettings, FaultState, Faults, Keep, Occurrence, release as release_name,
};
pub use federation::{
    Arrival, Chosen, Departure, FederationError, IdentityView, LinkError, LogoutRefused, ProvenView,
    ProviderView, StartFederation, UnlinkError, Upstream,
};
pub use gabion_alert as alert;
pub use gabion_ledger::hold::{Hold, HoldError};
pub use gabion_respond as respond;
pub use gabion_vault::password::from_keycloak;
pub use holds::{HoldRefused, NewHold};
pub use idempotency::IdempotencyKey;
pub use imports::ImportedAccount;
pub use interfaces::Interfaces;
pub use ledger_key::RekeyError;
pub use mail::{EmailView, MailLinkView, Notice};
pub use oauth::{AddedClient, ClientActError, ClientView, NewClient, SecretView};
pub use passkeys::{PasskeyAnswer, PasskeyQuestion};
pub use passwords::hash_password;
pub use personal::EraseError;
pub use response::{MeasureError, TakeMeasure};
pub use second_factor::{PendingView, Proof};
pub use service::{Parts, Service, Settings};
pub use step::{Pending, Step};
pub use view::{
    AccountState, AccountView, InvitationView, NewAccount, OneTimeLink, PolicyViolation, SessionView,
    SignedIn,
};
