//! The application twice, by itself and behind a gate with everything on, in a directory of its own.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::time::Duration;

use gabion_checks::{Access, Route};
use gabion_gateway::{Tls, TlsMode, Upstream};
use gabion_model::{Rng, Secret, random};
use gabion_service::{Caller, NewAccount};
use gabion_strawman::{Account, CONTENT_SECURITY_POLICY, GateRoute, Handle, Identity, Options};
use tempfile::TempDir;

use crate::config::Config;
use crate::failure::Failure;
use crate::gate::generation;
use crate::gate::running::Running;
use crate::gate::state::State;
use crate::output;

/// The upstream's name, and with it the audience of the identities the application is told.
const UPSTREAM: &str = "shop";

/// Everything the demo runs.
#[derive(Debug)]
pub(super) struct Stage {
    /// The application by itself; people sign in at its own login.
    pub(super) alone: Handle,
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
    pub(super) async fn set(port: u16, guarded: bool) -> Result<Self, Failure> {
        let directory = tempfile::Builder::new()
            .prefix("gabion-demo-")
            .tempdir()
            .map_err(|error| Failure::new("the demo has no place for its files").because(&error))?;
        let mut config = Config::default();
        config.data.directory = directory.path().join("data");
        config.gateway.listen = free_address(port)?;
        config.gateway.tls = Tls { mode: TlsMode::Off, ..Tls::default() };
        config.admin.listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        config.routes = routes();
        config.checks.headers.csp = CONTENT_SECURITY_POLICY.to_owned();

        let state = State::open(&config)?;
        let jwks = serde_json::to_string(&*state.service.keyring().public()).map_err(std::io::Error::from)?;
        let issuer = generation::origin(&config, config.gateway.listen);
        let told = Identity::Gate { jwks, issuer, audience: UPSTREAM.to_owned() };
        let application = Options { guarded, ..Options::vulnerable() };
        let alone = serve(application.clone()).await?;
        let behind = serve(Options { identity: told, ..application }).await?;
        let upstream = Upstream { url: behind.base(), ..Upstream::default() };
        config.upstreams.insert(UPSTREAM.to_owned(), upstream);

        let people = enrol(&state).await?;
        let gate = Running::start(config, state).await?;
        Ok(Self { alone, behind, gate, people, directory })
    }

    /// Stops all of it and removes what it wrote.
    pub(super) async fn clear(self) -> Result<(), Failure> {
        let Self { alone, behind, gate, directory, .. } = self;
        gate.stop(Duration::from_secs(2)).await?;
        behind.shutdown().await;
        alone.shutdown().await;
        let path = directory.path().to_owned();
        directory.close().map_err(|error| {
            Failure::new(format!("`{}` could not be removed", path.display())).because(&error)
        })
    }
}

/// The wanted port, or a free one when it is taken.
fn free_address(port: u16) -> Result<SocketAddr, Failure> {
    let wanted = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    match TcpListener::bind(wanted).and_then(|listener| listener.local_addr()) {
        Ok(address) => return Ok(address),
        Err(error) => output::warn(format_args!("port {port} cannot be used ({error}); taking a free one")),
    }
    let any = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|listener| listener.local_addr());
    any.map_err(|error| Failure::new("there is no free port on 127.0.0.1").because(&error))
}

/// The application's paths, under the names of this machine only: a request that names another host is
/// refused, so that no link can be made to lead there.
fn routes() -> Vec<Route> {
    let declare = |declared: &GateRoute| {
        let access = match declared.access {
            gabion_strawman::Access::Public => Access::Public,
            gabion_strawman::Access::SignedIn => Access::SignedIn,
        };
        let mut route = Route::new(declared.path, access, UPSTREAM);
        route.hosts = vec!["127.0.0.1".to_owned(), "localhost".to_owned()];
        route.roles = declared.roles.iter().map(|role| (*role).to_owned()).collect();
        route
    };
    gabion_strawman::gate_routes().iter().map(declare).collect()
}

async fn serve(options: Options) -> Result<Handle, Failure> {
    gabion_strawman::serve(options)
        .await
        .map_err(|error| Failure::new("the vulnerable application does not start").because(&error))
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
        assert_ne!(free_address(port).unwrap().port(), port);
    }
}
