//! What a gate remembers: the data directory and everything that lives in it.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use gabion_checks::{CredentialKind, Mode};
use gabion_courier::{ArchiveBoard, Courier};
use gabion_egress::Client;
use gabion_gateway::TlsMode;
use gabion_identity::{Keyring, Storage};
use gabion_ledger::hold::Holds;
use gabion_ledger::retention::Retention;
use gabion_ledger::{Ledger, Protection, RecordSealing, Seal, SegmentSource, SegmentStorage};
use gabion_model::{Clock, Rng, Secret, SystemClock, Timestamp, random};
use gabion_service::federation::{Credential, Provider, ProviderSettings};
use gabion_service::oauth::{Edge, ProtectedResource};
use gabion_service::{Interfaces, Service};
use gabion_store::sqlite::{Database, SubjectKeys};
use gabion_store::{BreachedFile, Directory, DirectoryError};
use gabion_tlog::note::Purpose;
use gabion_tlog::{SigningKey, VerifyingKey};
use gabion_vault::jwt;
use gabion_vault::{SealingKey, SystemRng};

use super::record_key::RecordKeyFile;
use crate::config::Config;
use crate::failure::{Exit, Failure};

/// The one key of former versions; today's lie in the database.
const SIGNING_KEY: &str = "signing-key.pem";

/// The key under which small secrets lie in the database.
pub(super) const SEALING_KEY: &str = "sealing.key";

/// The seed of the key that signs the ledger's checkpoints, and the public half of that key.
const LEDGER_KEY: &str = "ledger.key";
pub(crate) const LEDGER_PUBLIC_KEY: &str = "ledger.pub";

/// An opened data directory. Holds its lock until it is dropped.
#[derive(Debug, Clone)]
pub(crate) struct State {
    pub(crate) directory: Directory,
    pub(crate) ledger: Ledger,
    pub(crate) record_key: Arc<RecordKeyFile>,
    /// What may be removed and erased.
    pub(crate) retention: Arc<Retention>,
    /// How far the archive is.
    pub(crate) archive: ArchiveBoard,
    /// By which the ledger's checkpoints are verified.
    pub(crate) log: VerifyingKey,
    pub(crate) service: Service,
    /// Letters. Whoever opens the state starts it, and closes it before the end.
    pub(crate) courier: Courier,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) rng: Arc<dyn Rng>,
    /// Records that were gone before the ledger was first sealed, when this start sealed it.
    pub(crate) unknown: u64,
    /// What was seen of operations, and what is learned of them.
    pub(crate) interfaces: Interfaces,
}

impl State {
    /// Opens the directory of the configuration, made where there is none.
    ///
    /// # Errors
    /// Another process holds it, its permissions are unsafe, or something in it is damaged.
    pub(crate) fn open(config: &Config) -> Result<Self, Failure> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let rng: Arc<dyn Rng> = Arc::new(SystemRng::new());
        let path = &config.data.directory;
        let directory = Directory::open(path).map_err(|error| refused(path, &error))?;
        let segments = directory.segments().map_err(|error| refused(path, &error))?;
        let segments: Arc<dyn SegmentStorage> = Arc::new(segments);
        let source: Arc<dyn SegmentSource> = Arc::<dyn SegmentStorage>::clone(&segments);
        let record_key = Arc::new(RecordKeyFile::of(config));
        let keys = record_key.open(&source, &*rng)?;
        let database_path = directory.database_path();
        let database = Database::open(&database_path).map_err(|error| {
            Failure::new(format!("the database `{}` cannot be opened", database_path.display()))
                .because(&error)
        })?;
        let incidents = super::incidents::desk(config, &database, Arc::new(directory.ledger_tree()))?;
        let sealing = Arc::new(sealing_key(&directory, &*rng)?);
        let subjects = SubjectKeys::new(database.clone(), Arc::clone(&sealing));
        let seal = seal(&directory, config, &*rng)?;
        let log = seal.key.verifying().clone();
        let documents: Arc<dyn gabion_model::Documents> = Arc::new(database.clone());
        let unread = |error: gabion_model::DocumentError| {
            Failure::new("legal holds, alerts and measures cannot be read").because(&error)
        };
        let holds = Arc::new(Holds::open(Arc::clone(&documents)).map_err(unread)?);
        let awaits = config.ledger.archive.as_ref().is_some_and(|archive| archive.keep_until_archived);
        let retention = Arc::new(Retention::new(holds, source, awaits));
        let archive = ArchiveBoard::default();
        if config.ledger.archive.is_some() {
            archive.read(&super::archive::Kept(directory.clone()));
        }
        let log_key = seal.key.clone();
        let protection = Protection {
            retention: Some(Arc::clone(&retention)),
            seal: Some(seal),
            records: Some(RecordSealing { keys, rng: Arc::clone(&rng), subjects: Some(Arc::new(subjects)) }),
        };
        let (ledger, recovery) =
            Ledger::open_protected(segments, &config.ledger, Arc::clone(&clock), protection).map_err(
                |error| {
                    Failure::new("the ledger cannot be opened").because(&error).hint(format!(
                    "its files are in `{}`; keep a copy before anything else, then `gabion ledger verify`",
                    path.join(Directory::LEDGER).display()
                ))
                },
            )?;
        let ledger = ledger.with_indexes(Arc::new(directory.ledger_indexes()));
        let ledger = ledger
            .keep_tenants(Arc::new(directory.ledger_tenants()), &log_key, Arc::clone(&clock))
            .map_err(|error| {
                Failure::new("the tenants' trees of the ledger cannot be opened").because(&error).hint(
                    "they lie in `ledger/tenants`, and are made again of the records where that is removed",
                )
            })?;
        let storage: Arc<dyn Storage> = Arc::new(database);
        let keys = keyring(&directory, config, &storage, &sealing, clock.now(), &*rng)?;
        let courier = Courier::new(&config.mail, Arc::clone(&clock), Arc::clone(&rng)).map_err(|error| {
            Failure::new("letters cannot be sent").because(&error).hint("see the table `[mail]`")
        })?;
        let fetch = Client::new(&config.egress).map_err(|error| {
            Failure::new("other servers cannot be reached").because(&error).hint("see `egress.ca_file`")
        })?;
        let service = Service::open(gabion_service::Parts {
            storage,
            keys,
            sealing,
            fetch: Arc::new(fetch),
            mail: Arc::new(courier.clone()),
            origin: super::generation::origin(config, config.gateway.listen),
            ledger: ledger.clone(),
            clock: Arc::clone(&clock),
            rng: Arc::clone(&rng),
            settings: service_settings(config),
            workers: std::thread::available_parallelism().map_or(1, NonZeroUsize::get),
        })
        .map_err(|error| Failure::new("the sessions cannot be read").because(&error))?;
        service.set_incidents(incidents);
        let documents = || Arc::clone(&documents);
        service.set_register(gabion_respond::Register::open(documents()).map_err(unread)?);
        let desk = gabion_alert::Desk::open(documents(), config.alerts.clone()).map_err(unread)?;
        service.set_desk(Arc::new(desk));
        service.set_teller(Arc::new(super::alerts::Direct::new(&service, &courier, &clock)));
        set_breached_list(&service, config)?;
        service.set_settings(&service_settings(config));
        super::errors::restore(&service.faults(), &directory);
        let interfaces = crate::contract::restore(&directory);
        service.set_interfaces(interfaces.clone());
        Ok(Self {
            directory,
            ledger,
            record_key,
            retention,
            archive,
            log,
            unknown: recovery.unknown,
            service,
            courier,
            clock,
            rng,
            interfaces,
        })
    }
}

/// Opens the list of breached passwords anew and gives it to the service, whose settings come next.
///
/// # Errors
/// When there is a file and it is no such list; the service keeps the list it has.
pub(crate) fn set_breached_list(service: &Service, config: &Config) -> Result<(), Failure> {
    let list = match &config.passwords.breached_file {
        Some(path) => {
            let list = BreachedFile::open(path).map_err(|error| {
                Failure::new(format!("the list of breached passwords `{}` cannot be used", path.display()))
                    .because(&error)
                    .hint("each line begins with a SHA-1 digest in hexadecimal, and the lines are sorted")
            })?;
            Some(Arc::new(list) as Arc<_>)
        }
        None => None,
    };
    service.set_breached_list(list);
    Ok(())
}

/// The tables the service goes by.
pub(crate) fn service_settings(config: &Config) -> gabion_service::Settings {
    gabion_service::Settings {
        sessions: config.sessions.clone(),
        passwords: config.passwords.clone(),
        login: config.login.clone(),
        provider: config.provider.clone(),
        federation: providers(config),
        machines: config.machines.clone(),
        tokens: config.tokens.clone(),
        factors: config.factors.clone(),
        respond: config.respond.clone(),
        routes: config.routes.iter().map(|route| route.path.clone()).collect(),
        edge: edge(config),
    }
}

/// What applications are told of listeners and routes.
fn edge(config: &Config) -> Edge {
    let asked = config.gateway.tls.client_certificates.as_ref();
    let asked = asked.filter(|_| config.gateway.tls.mode != TlsMode::Off);
    let told = &config.checks.mtls;
    let told = Some(told).filter(|told| {
        told.forwarded && told.mode != Mode::Off && !config.checks.client_address.trusted_proxies.is_empty()
    });
    let by_authority = asked.is_some_and(|asked| !asked.ca_file.as_os_str().is_empty());
    let mut resources: Vec<ProtectedResource> = Vec::new();
    for route in &config.routes {
        if !route.credentials().contains(&CredentialKind::Bearer) {
            continue;
        }
        let known = resources.iter_mut().find(|one| one.resource == route.resource);
        match known {
            Some(known) => {
                let new = route.scopes.iter().filter(|scope| !known.scopes.contains(scope));
                let new: Vec<String> = new.cloned().collect();
                known.scopes.extend(new);
            }
            None => resources
                .push(ProtectedResource { resource: route.resource.clone(), scopes: route.scopes.clone() }),
        }
    }
    Edge {
        certificates: by_authority || told.is_some_and(|told| told.forwarded_verified),
        self_signed_certificates: asked.is_some_and(|asked| asked.self_signed)
            || told.is_some_and(|told| !told.forwarded_verified),
        certificate_host: asked.and_then(|asked| asked.hosts.first().cloned()),
        resources,
    }
}

/// The providers of the configuration, each with what its file holds.
fn providers(config: &Config) -> Vec<Provider> {
    let secret = |path: &Path| match std::fs::read_to_string(path) {
        Ok(text) => Some(Arc::new(Secret::new(text.trim().to_owned()))),
        Err(error) => {
            // `config check` found it readable a moment ago.
            tracing::error!(path = %path.display(), %error, "secret of a provider not read");
            None
        }
    };
    let credential =
        |settings: &ProviderSettings| match (&settings.client_secret_file, &settings.client_key_file) {
            (Some(path), _) => secret(path).map_or(Credential::Unreadable, Credential::Secret),
            (None, Some(path)) => secret(path).map_or(Credential::Unreadable, Credential::Key),
            (None, None) => Credential::None,
        };
    let provider = |(name, settings): (&String, &ProviderSettings)| Provider {
        name: name.as_str().into(),
        credential: credential(settings),
        settings: settings.clone(),
    };
    config.federation.iter().map(provider).collect()
}

/// Where a gate that holds `data` listens for other commands.
pub(crate) fn control_socket(data: &Path) -> PathBuf {
    data.join("control.sock")
}

/// The hints are in the errors' own text, in brackets.
pub(crate) fn refused(path: &Path, error: &DirectoryError) -> Failure {
    let text = error.to_string();
    let (reason, hint) = match text.split_once(" (hint: ") {
        Some((reason, hint)) => (reason.to_owned(), Some(hint.trim_end_matches(')').to_owned())),
        None => (text, None),
    };
    let mut failure = match error {
        DirectoryError::Locked { .. } => Failure::new(reason).exit(Exit::Busy),
        DirectoryError::Io { .. } => Failure::new(reason).because(error),
        _ => Failure::new(format!("the data directory `{}` is not safe to use", path.display()))
            .because_text(reason),
    };
    if let Some(hint) = hint {
        failure = failure.hint(hint);
    }
    failure
}

/// The stored keys. The one that former versions kept in a file is taken over, and the file goes once it is
/// stored.
fn keyring(
    directory: &Directory,
    config: &Config,
    storage: &Arc<dyn Storage>,
    sealing: &Arc<SealingKey>,
    now: Timestamp,
    rng: &dyn Rng,
) -> Result<Arc<Keyring>, Failure> {
    let former = read_text(directory, SIGNING_KEY)?;
    let imported = former.as_ref().map(|pem| {
        jwt::SigningKey::from_pkcs8_pem(pem.expose()).map_err(|error| {
            Failure::new(format!("the signing key `{}` cannot be read", directory.path().join(SIGNING_KEY).display()))
                .because(&error)
                .hint("restore it from a backup, or remove it: applications that cached it refuse our identities for a while then")
        })
    });
    let (storage, sealing) = (Arc::clone(storage) as Arc<_>, Arc::clone(sealing));
    let keys = Keyring::open(storage, sealing, config.tokens.clone(), imported.transpose()?, now, rng)
        .map_err(|error| {
            Failure::new("the signing keys cannot be read")
                .because(&error)
                .hint(format!("restore `{SEALING_KEY}` and the database from one backup"))
        })?;
    if former.is_some() {
        directory.remove_file(SIGNING_KEY).map_err(|error| refused(directory.path(), &error))?;
    }
    Ok(keys)
}

/// The key of an earlier start, or a new one.
fn sealing_key(directory: &Directory, rng: &dyn Rng) -> Result<SealingKey, Failure> {
    let kept = directory.read_file(SEALING_KEY).map_err(|error| refused(directory.path(), &error))?;
    let bytes = if let Some(bytes) = kept {
        Secret::new(bytes)
    } else {
        let bytes = SealingKey::generate(rng);
        directory
            .write_file(SEALING_KEY, bytes.expose())
            .map_err(|error| refused(directory.path(), &error))?;
        bytes
    };
    SealingKey::from_bytes(&bytes).map_err(|error| {
        Failure::new(format!(
            "the sealing key `{}` cannot be used",
            directory.path().join(SEALING_KEY).display()
        ))
        .because(&error)
        .hint("restore it from a backup; without it, second factors and client secrets cannot be read")
    })
}

/// What the ledger is sealed with: a key of its own, made where there is none. Its public half lies beside it for
/// whoever is to verify.
pub(super) fn seal(directory: &Directory, config: &Config, rng: &dyn Rng) -> Result<Seal, Failure> {
    let kept = directory.read_file(LEDGER_KEY).map_err(|error| refused(directory.path(), &error))?;
    let wrong = || {
        Failure::new(format!(
            "the ledger's key `{}` cannot be used",
            directory.path().join(LEDGER_KEY).display()
        ))
        .hint("restore it from a backup: without it the ledger cannot go on")
    };
    let seed = if let Some(bytes) = kept {
        let bytes = Secret::new(bytes);
        let whole: Option<[u8; 32]> = bytes.expose().as_slice().try_into().ok();
        whole.map(Secret::new).ok_or_else(wrong)?
    } else {
        let seed = Secret::new(random::bytes::<32>(rng));
        directory.write_file(LEDGER_KEY, seed.expose()).map_err(|error| refused(directory.path(), &error))?;
        seed
    };
    let named =
        |name: &str| SigningKey::new(name, Purpose::Log, &seed).map_err(|error| wrong().because(&error));
    let key = match &config.ledger.origin {
        Some(origin) => named(origin)?,
        None => named(&format!("gabion/{:08x}", named("gabion")?.verifying().id()))?,
    };
    write_text(directory, LEDGER_PUBLIC_KEY, &format!("{}\n", key.verifying()))?;
    Ok(Seal { key, storage: Arc::new(directory.ledger_tree()) })
}

/// A small text file of the data directory; none when it is not there.
pub(crate) fn read_text(directory: &Directory, name: &str) -> Result<Option<Secret<String>>, Failure> {
    let bytes = directory.read_file(name).map_err(|error| refused(directory.path(), &error))?;
    bytes
        .map(|bytes| {
            let text = String::from_utf8(bytes);
            text.map(Secret::new)
                .map_err(|_| Failure::new(format!("`{name}` in the data directory is not text")))
        })
        .transpose()
}

pub(crate) fn write_text(directory: &Directory, name: &str, text: &str) -> Result<(), Failure> {
    directory.write_file(name, text.as_bytes()).map_err(|error| refused(directory.path(), &error))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Former versions kept one key in a file.
    #[tokio::test]
    async fn the_key_file_of_former_versions_is_taken_over_and_removed() {
        let directory = tempfile::tempdir().unwrap();
        let mut config = Config::default();
        config.data.directory = directory.path().join("data");
        let former = jwt::SigningKey::generate().unwrap();
        let opened = Directory::open(&config.data.directory).unwrap();
        write_text(&opened, SIGNING_KEY, former.to_pkcs8_pem().expose()).unwrap();
        drop(opened);

        let open = || State::open(&config).map_err(|_| "the state cannot be opened");
        let state = open().unwrap();
        assert_eq!(state.service.keyring().signing().kid(), former.kid());
        assert!(!config.data.directory.join(SIGNING_KEY).exists());
        drop(state);
        let database = std::fs::read(config.data.directory.join("gabion.db")).unwrap();
        let private = former.pkcs8().expose();
        assert!(!database.windows(32).any(|part| private.windows(32).any(|own| own == part)), "sealed");
    }
}
