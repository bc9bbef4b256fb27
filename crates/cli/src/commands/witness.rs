//! `gabion witness`: cosigns the ledgers of other machines (C2SP tlog-witness).

use std::io;
use std::sync::Arc;

use gabion_model::{Secret, SystemClock, random};
use gabion_store::Directory;
use gabion_tlog::note::Purpose;
use gabion_tlog::witness::Seen;
use gabion_tlog::{Hash, SigningKey, VerifyingKey};
use gabion_vault::{SystemRng, encoding, sha256_of};
use gabion_witness::{Memory, Witness, router};
use tokio::net::TcpListener;

use super::block_on;
use crate::arguments;
use crate::failure::{Exit, Failure};
use crate::output;

const SEED: &str = "witness.key";
const PUBLIC: &str = "witness.pub";

pub(super) fn run(arguments: &arguments::Witness) -> Result<Exit, Failure> {
    let logs = arguments.logs.iter().map(|text| log(text)).collect::<Result<Vec<_>, _>>()?;
    let directory = Directory::open(&arguments.data)
        .map_err(|error| Failure::new("the witness's directory cannot be used").because(&error))?;
    let key = key(&directory, arguments.name.as_deref())?;
    let public = key.verifying().to_string();
    let witness = Witness::new(key, logs, Box::new(Files(directory)), Arc::new(SystemClock));
    block_on(async move {
        let listener = TcpListener::bind(arguments.listen).await.map_err(|error| {
            Failure::new(format!("cannot listen on `{}`", arguments.listen))
                .because(&error)
                .hint("see `--listen`")
        })?;
        let address = listener.local_addr().map_err(|error| Failure::new("no address").because(&error))?;
        output::announce(&format!("cosigning at http://{address}/add-checkpoint\nkey  {public}\n"));
        axum::serve(listener, router(Arc::new(witness)))
            .with_graceful_shutdown(async { drop(tokio::signal::ctrl_c().await) })
            .await
            .map_err(|error| Failure::new("the witness stopped").because(&error))?;
        Ok(Exit::Success)
    })
}

fn log(text: &str) -> Result<VerifyingKey, Failure> {
    let wrong = || Failure::usage(format!("`--log {text}` is no key of a log"));
    let key = VerifyingKey::parse(text.trim()).map_err(|error| wrong().because(&error))?;
    if key.purpose() == Purpose::Log {
        Ok(key)
    } else {
        Err(wrong().hint("that is a witness's; `gabion ledger key` prints a log's"))
    }
}

/// The witness's key: the one that is there, or a new one of this name.
fn key(directory: &Directory, name: Option<&str>) -> Result<SigningKey, Failure> {
    let unusable = |error: &(dyn std::error::Error + 'static)| {
        Failure::new(format!("the key in `{}` cannot be used", directory.path().display())).because(error)
    };
    let kept = directory.read_file(SEED).map_err(|error| unusable(&error))?.map(Secret::new);
    let public = directory.read_file(PUBLIC).map_err(|error| unusable(&error))?;
    let known = public.and_then(|text| VerifyingKey::parse(String::from_utf8(text).ok()?.trim()).ok());
    let name = match (&kept, &known, name) {
        (Some(_), Some(known), Some(name)) if known.name() != name => {
            return Err(Failure::usage(format!("`--name {name}`: this witness is `{}`", known.name()))
                .hint("another witness needs another directory"));
        }
        (Some(_), Some(known), _) => known.name().to_owned(),
        (_, _, Some(name)) => name.to_owned(),
        (_, _, None) => {
            return Err(Failure::usage("a new witness needs a name")
                .hint("for instance `--name witness.example/w1`: a URL without scheme"));
        }
    };
    let seed: Secret<[u8; 32]> = match &kept {
        Some(seed) => {
            let whole: Result<[u8; 32], _> = seed.expose().as_slice().try_into();
            Secret::new(whole.map_err(|error| unusable(&error))?)
        }
        None => Secret::new(random::bytes(&SystemRng::new())),
    };
    let key = SigningKey::new(&name, Purpose::Witness, &seed)
        .map_err(|error| Failure::usage(format!("`--name {name}`: {error}")))?;
    if kept.is_none() {
        directory.write_file(SEED, seed.expose()).map_err(|error| unusable(&error))?;
    }
    let text = format!("{}\n", key.verifying());
    directory.write_file(PUBLIC, text.as_bytes()).map_err(|error| unusable(&error))?;
    Ok(key)
}

/// One small file for each log: origin, size and root, a line each.
#[derive(Debug)]
struct Files(Directory);

impl Files {
    fn name(origin: &str) -> String {
        let hash = sha256_of(&[origin.as_bytes()]);
        format!("log-{}", encoding::base64url_encode(&hash))
    }
}

impl Memory for Files {
    fn seen(&self, origin: &str) -> io::Result<Option<Seen>> {
        let Some(bytes) = self.0.read_file(&Self::name(origin)).map_err(io::Error::other)? else {
            return Ok(None);
        };
        let text = String::from_utf8(bytes).map_err(io::Error::other)?;
        let mut lines = text.lines();
        let parsed = match (lines.next(), lines.next(), lines.next(), lines.next()) {
            (Some(own), Some(size), Some(root), None) if own == origin => {
                size.parse().ok().zip(Hash::from_base64(root)).map(|(size, root)| Seen { size, root })
            }
            _ => None,
        };
        // Closed: without it nobody knows whether the log only grew.
        parsed.map(Some).ok_or_else(|| io::ErrorKind::InvalidData.into())
    }

    fn keep(&self, origin: &str, seen: Seen) -> io::Result<()> {
        let text = format!("{origin}\n{}\n{}\n", seen.size, seen.root);
        self.0.write_file(&Self::name(origin), text.as_bytes()).map_err(io::Error::other)
    }
}
