//! What a run is told: facts from a file, and what the command line says besides.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use gabion_egress::resolve::SystemResolver;
use gabion_egress::{TcpDial, Tls};
use gabion_finding::visible;
use gabion_model::{Clock as _, SystemClock};
use gabion_probe::facts::{FactsError, Identity};
use gabion_probe::{Chromium, Document, DocumentKind, Facts, Level, World, logins, shared_logins};
use gabion_vault::SystemRng;

use crate::arguments::{ProbeChoice, ProbeLevel, ProbeTarget};
use crate::failure::Failure;

/// Where facts stand unless somebody says otherwise.
pub(super) const FILE: &str = "probe.toml";
/// The longest file that is read.
const LARGEST: u64 = 64 << 20;

/// Facts as they are written down, and the folder whose files they name.
pub(super) struct Given {
    /// Without what stands in the environment.
    facts: Facts,
    pub(super) folder: PathBuf,
    file: Option<PathBuf>,
}

/// Facts from a file or, with a URL alone, those of nobody.
pub(super) fn read(target: &ProbeTarget) -> Result<Given, Failure> {
    let url = target.target.as_deref().filter(|target| target.contains("://"));
    let named = target.target.as_deref().filter(|_| url.is_none()).map(PathBuf::from);
    if let (Some(named), Some(_)) = (&named, &target.facts) {
        return Err(Failure::usage(format!(
            "`{}` is no URL, and `--facts` names another file",
            shown(named)
        ))
        .hint("leave one of them out"));
    }
    let file = named.or_else(|| target.facts.clone());
    let file = match (file, url) {
        (Some(file), _) => Some(file),
        (None, Some(_)) => None,
        (None, None) => Some(PathBuf::from(FILE)),
    };
    let Some(file) = file else {
        let facts = Facts::of(url.unwrap_or_default());
        return Ok(Given { facts, folder: PathBuf::from("."), file: None });
    };
    let text = whole(&file).map_err(|failure| {
        let hint = "`gabion probe URL` needs no file; `gabion probe init URL` drafts one";
        if file.exists() { failure } else { failure.hint(hint) }
    })?;
    let facts = Facts::read(&text).map_err(|error| wrong(&file, &error))?;
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new(".")).to_owned();
    let mut given = Given { facts, folder, file: Some(file) };
    if let Some(url) = url {
        url.clone_into(&mut given.facts.target.url);
    }
    Ok(given)
}

impl Given {
    /// Facts with what the command line says, and the world they are used in.
    pub(super) fn prepare(&self, target: &ProbeTarget) -> Result<(Facts, World), Failure> {
        let mut facts = self.facts.clone();
        if let Some(file) = &target.logins {
            facts.add_people(people(file)?);
        }
        // Who is named by `--logins` needs no variable.
        if let Some(file) = &self.file {
            let settled = facts.resolve(&variable).and_then(|()| facts.check());
            settled.map_err(|error| wrong(file, &error))?;
        }
        facts.limits.requests = target.requests.unwrap_or(facts.limits.requests);
        facts.limits.rate = target.rate.unwrap_or(facts.limits.rate);
        facts.limits.time = target.time.unwrap_or(facts.limits.time);
        if target.ca_file.is_some() {
            facts.target.ca_file.clone_from(&target.ca_file);
        } else if let Some(file) = &mut facts.target.ca_file {
            *file = self.folder.join(&*file);
        }
        facts.target.proxy = target.proxy.or(facts.target.proxy);
        if let Some(ports) = &target.ports {
            facts.target.ports = ports.clone();
        }
        if target.udp_ports.is_some() {
            facts.target.udp_ports.clone_from(&target.udp_ports);
        }
        facts.target.verify &= !target.no_verify;
        let documents = self.documents(&mut facts, target)?;
        facts.check().map_err(|error| wrong(Path::new("the command line"), &error))?;
        let tls = facts.target.url.starts_with("https").then(|| Tls::new(facts.target.ca_file.as_deref()));
        let tls = tls.transpose().map_err(|error| {
            Failure::usage("the certificates to believe cannot be used").because(&error).hint("`--ca-file`")
        })?;
        let world = World {
            clock: Arc::new(SystemClock),
            rng: Arc::new(SystemRng::default()),
            resolver: Arc::new(SystemResolver),
            dial: Arc::new(TcpDial),
            tls,
            documents,
            advisories: super::super::scan::known(SystemClock.now()),
            browser: Some(Chromium::default()),
            only: Vec::new(),
            skip: Vec::new(),
            own: super::own::given(target, &self.folder)?,
        };
        Ok((facts, world))
    }

    /// Files that tell of operations. A path at the target stays in the facts: the run fetches it.
    fn documents(&self, facts: &mut Facts, target: &ProbeTarget) -> Result<Vec<Document>, Failure> {
        let mut files: Vec<(DocumentKind, PathBuf)> = Vec::new();
        let beside = |name: &String| self.folder.join(name);
        let (paths, openapi): (Vec<String>, Vec<String>) = std::mem::take(&mut facts.target.openapi)
            .into_iter()
            .partition(|name| name.starts_with('/') && !Path::new(name).is_file());
        files.extend(openapi.iter().map(|name| (DocumentKind::OpenApi, beside(name))));
        facts.target.openapi = paths;
        for name in &target.openapi {
            let file = PathBuf::from(name);
            if name.starts_with('/') && !file.is_file() {
                facts.target.openapi.push(name.clone());
            } else {
                files.push((DocumentKind::OpenApi, file));
            }
        }
        files.extend(facts.target.endpoints.iter().map(|name| (DocumentKind::Endpoints, beside(name))));
        files.extend(target.endpoints.iter().map(|file| (DocumentKind::Endpoints, file.clone())));
        files.extend(facts.target.har.iter().map(|name| (DocumentKind::Har, beside(name))));
        files.extend(target.har.iter().map(|file| (DocumentKind::Har, file.clone())));
        files
            .into_iter()
            .map(|(kind, file)| Ok(Document { kind, text: whole(&file)?, name: shown(&file) }))
            .collect()
    }
}

/// A list of logins; `-` is standard input.
pub(super) fn people(file: &Path) -> Result<Vec<Identity>, Failure> {
    let text = if file.as_os_str() == "-" { standard_input()? } else { whole(file)? };
    let read = if shared_logins::is_shared(&text) {
        shared_logins::read(&text)
    } else {
        logins(&text).map_err(|error| error.to_string())
    };
    read.map_err(|error| {
        let (message, hint) = split(&error);
        let failure = Failure::usage(format!("`{}`: {}", shown(file), visible(&message)));
        match hint {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    })
}

/// With the tests and the level that were chosen.
pub(super) fn chosen(mut facts: Facts, world: &mut World, choice: &ProbeChoice) -> Result<Facts, Failure> {
    for word in choice.only.iter().chain(&choice.skip) {
        let is_own = world.own.abouts().any(|about| about.id == *word);
        if !is_own && gabion_probe::about::about(word).is_none() {
            return Err(super::near(word, &world.own));
        }
    }
    world.only.clone_from(&choice.only);
    world.skip.clone_from(&choice.skip);
    if let Some(level) = choice.level {
        facts.target.level = match level {
            ProbeLevel::Passive => Level::Passive,
            ProbeLevel::Active => Level::Active,
            ProbeLevel::Destructive => Level::Destructive,
        };
    }
    Ok(facts)
}

/// A path as its writer wrote it, for messages.
pub(super) fn shown(path: &Path) -> String {
    visible(&path.display().to_string())
}

/// The text of a file, up to a size.
pub(super) fn whole(file: &Path) -> Result<String, Failure> {
    let name = shown(file);
    let unreadable = |error: &std::io::Error| Failure::usage(format!("cannot read `{name}`")).because(error);
    let open = std::fs::File::open(file).map_err(|error| unreadable(&error))?;
    bounded(open).map_err(|error| unreadable(&error))
}

fn standard_input() -> Result<String, Failure> {
    bounded(std::io::stdin().lock())
        .map_err(|error| Failure::usage("cannot read standard input").because(&error))
}

fn bounded(from: impl std::io::Read) -> std::io::Result<String> {
    let mut bytes = Vec::new();
    from.take(LARGEST.saturating_add(1)).read_to_end(&mut bytes)?;
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > LARGEST {
        return Err(std::io::Error::other(format!("it is longer than {} MiB", LARGEST >> 20)));
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn variable(name: &str) -> Option<String> {
    let found = std::env::vars_os().find(|(own, _)| own == name);
    found.and_then(|(_, value)| value.into_string().ok())
}

fn wrong(file: &Path, error: &FactsError) -> Failure {
    let (message, hint) = split(&error.to_string());
    let failure = Failure::usage(format!("`{}` is wrong", shown(file))).because_text(visible_lines(&message));
    match hint {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}

/// Message and hint of an error that has one.
fn split(text: &str) -> (String, Option<String>) {
    match text.split_once("; hint: ") {
        Some((message, hint)) => (message.to_owned(), Some(hint.to_owned())),
        None => (text.to_owned(), None),
    }
}

fn visible_lines(text: &str) -> String {
    text.trim_end().lines().map(visible).collect::<Vec<_>>().join("\n    ")
}
