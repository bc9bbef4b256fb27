//! Gabion as an OAuth 2.1 authorization server and OpenID provider: its acts.

mod clients;

pub use clients::{AddedClient, ClientActError, ClientView, NewClient, SecretView};
