//! The application by itself, behind a gate as `examples/shop` has it, and repaired; in a directory of its own.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::time::Duration;

use gabion_model::{Rng, Secret, random};
use gabion_service::{Caller, NewAccount};
use gabion_strawman::{Account, Handle, Identity, Options, Place, ServeError, serve};
use tempfile::TempDir;

use super::shop::{self, Places};
use crate::failure::Failure;
use crate::gate::running::Running;
use crate::gate::state::State;
use crate::output;

/// Everything the demo runs.
#[derive(Debug)]
pub(super) struct Stage {
    /// The application by itself; people sign in at its own login.
    pub(super) alone: Handle,
    /// The same with every hole mended in its code, by itself.
    pub(super) repaired: Handle,
    /// The application behind the gate.
    behind: Handle,
    pub(super) gate: Running,
    /// The application's people, with their passwords at the gate.
    pub(super) people: Vec<Account>,
    directory: TempDir,
}

impl Stage {
    /// Starts all of it. `port` is where the gate listens, when it is free; `guarded` keeps the pages of
    /// other sites away from the application's holes while a person looks around with a browser.
    /// `more` goes behind the configuration, with a file of this name and text beside it.
    pub(super) async fn set(
        port: u16,
        guarded: bool,
        more: &str,
        file: Option<(&str, &str)>,
    ) -> Result<Self, Failure> {
        let directory = tempfile::Builder::new()
            .prefix("gabion-demo-")
            .tempdir()
            .map_err(|error| Failure::new("the demo has no place for its files").because(&error))?;
        let place = Place::take(Options::vulnerable().address).await.map_err(not_started)?;
        let places = Places { gate: address(port), application: place.address() };
        if let Some((name, text)) = file {
            shop::write(directory.path(), name, text)?;
        }
        let config = shop::configuration(directory.path(), &places, more)?;

        let state = State::open(&config)?;
        let people = enrol(&state).await?;
        let jwks = serde_json::to_string(&*state.service.keyring().public()).map_err(std::io::Error::from)?;
        let gate = Running::start(config, state).await?;

        let told = Identity::Gate { jwks, issuer: gate.origin(), audience: shop::UPSTREAM.to_owned() };
        let options = Options { guarded, ..Options::vulnerable() };
        let behind = gabion_strawman::serve_at(place, Options { identity: told, ..options.clone() });
        let behind = behind.await.map_err(not_started)?;
        let repaired = serve(Options { repaired: true, ..options.clone() }).await.map_err(not_started)?;
        let alone = serve(options).await.map_err(not_started)?;
        Ok(Self { alone, repaired, behind, gate, people, directory })
    }

    /// Stops all of it and removes what it wrote.
    pub(super) async fn clear(self) -> Result<(), Failure> {
        let Self { alone, repaired, behind, gate, directory, .. } = self;
        gate.stop(Duration::from_secs(2)).await?;
        behind.shutdown().await;
        repaired.shutdown().await;
        alone.shutdown().await;
        let path = directory.path().to_owned();
        directory.close().map_err(|error| {
            Failure::new(format!("`{}` could not be removed", path.display())).because(&error)
        })
    }
}

/// The wanted port, or any free one when it is taken.
fn address(port: u16) -> SocketAddr {
    let wanted = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    match TcpListener::bind(wanted) {
        Ok(_) => wanted,
        Err(error) => {
            output::warn(format_args!("port {port} cannot be used ({error}); taking a free one"));
            SocketAddr::from((Ipv4Addr::LOCALHOST, 0))
        }
    }
}

fn not_started(error: ServeError) -> Failure {
    Failure::new("the vulnerable application does not start").because(&error)
}

/// Makes the application's people known to the gate, each with a password of their own.
async fn enrol(state: &State) -> Result<Vec<Account>, Failure> {
    let mut people = gabion_strawman::accounts();
    let operator = Caller::operator();
    for person in &mut people {
        person.password = password(&*state.rng).expose().clone();
        let account = NewAccount {
            name: person.name.clone(),
            tenant: Some(person.tenant.clone()),
            roles: vec![person.role.clone()],
        };
        let failed = |error: &dyn std::error::Error| {
            Failure::new(format!("the demo's `{}` cannot be added: {error}", person.name))
        };
        let link = state.service.add_account(&operator, account).await.map_err(|error| failed(&error))?;
        let chosen = Secret::new(person.password.clone());
        let accepted = state.service.accept_invitation(&operator, link.token, chosen).await;
        accepted.map_err(|error| failed(&error))?;
    }
    Ok(people)
}

/// 80 random bits a person can type: `k7ma-3xqt-…`.
fn password(rng: &dyn Rng) -> Secret<String> {
    const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    let bytes: [u8; 16] = random::bytes(rng);
    let mut text = String::new();
    for (index, byte) in bytes.into_iter().enumerate() {
        if index > 0 && index % 4 == 0 {
            text.push('-');
        }
        let letter = LETTERS.get(usize::from(byte & 31)).copied().unwrap_or(b'x');
        text.push(char::from(letter));
    }
    Secret::new(text)
}

#[cfg(test)]
mod tests {
    use gabion_model::random::SeededRng;

    use super::*;

    #[test]
    fn passwords_can_be_typed_and_differ() {
        let rng = SeededRng::new(7);
        let (one, other) = (password(&rng), password(&rng));
        assert_ne!(one.expose(), other.expose());
        assert_eq!(one.expose().len(), 19);
        assert!(
            one.expose()
                .bytes()
                .all(|byte| byte == b'-' || byte.is_ascii_lowercase() || byte.is_ascii_digit())
        );
    }

    #[test]
    fn a_taken_port_is_replaced_by_a_free_one() {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = taken.local_addr().unwrap().port();
        assert_eq!(address(port).port(), 0);
    }
}
