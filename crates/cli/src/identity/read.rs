//! From `identity.toml` to what the service is told, or to everything that is wrong with it.

use std::fmt;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path as FilePath, PathBuf};
use std::time::Duration;

use gabion_model::{Period, Problem, Secret};
use gabion_service::{
    Declared, DeclaredAccount, DeclaredClient, DeclaredGroup, DeclaredSecret, InitialPassword,
};

use super::file::{ClientEntry, IdentityFile, PersonEntry};
use super::mask::mask;
use crate::config::diagnostic::{Diagnostic, Source};
use crate::config::load::{LoadError, Wrong, placed, read_as};
use crate::config::tree::Node;
use crate::control::operation::Password;

/// A file that was looked at: right by itself.
#[derive(Clone)]
pub(crate) struct Looked {
    /// What is missing in this environment and may be there in the gate's.
    pub(crate) warnings: Vec<Diagnostic>,
    pub(crate) source: Source,
    tree: Node,
}

/// A file with its secrets.
#[derive(Debug)]
pub(crate) struct Read {
    pub(crate) declared: Declared,
    looked: Looked,
}

/// Looks at the file as `config check` does: everything but what the environment holds.
///
/// # Errors
/// Everything that is wrong with it, each with its place.
pub(crate) fn look(path: &FilePath) -> Result<Looked, LoadError> {
    let mut missing = Vec::new();
    let looked = whole(path, |file, base| {
        let mut secrets = Secrets { base, environment: &|_| None, problems: Vec::new(), missing: Vec::new() };
        let declared = secrets.declare(file);
        let mut problems = secrets.problems;
        problems.extend(declared.problems());
        missing = secrets.missing;
        (problems, ())
    });
    let (mut looked, ()) = looked?;
    let set = |name: &str| variable(name).is_some();
    looked.warnings = missing
        .into_iter()
        .filter(|(_, name)| !set(name))
        .map(|(path, name)| {
            let words = format!("the environment variable `{name}` is not set here");
            let problem = Problem::new(path, words).hint("the gate does not start without it");
            placed(problem, &looked.tree)
        })
        .collect();
    Ok(looked)
}

/// Reads the file with its secrets, for whoever acts by it.
///
/// # Errors
/// Everything that is wrong with it, each with its place.
pub(crate) fn read(path: &FilePath) -> Result<Read, LoadError> {
    let (looked, declared) = whole(path, |file, base| {
        let mut secrets = Secrets { base, environment: &variable, problems: Vec::new(), missing: Vec::new() };
        let declared = secrets.declare(file);
        let mut problems = secrets.problems;
        problems.extend(secrets.missing.into_iter().map(|(path, name)| {
            Problem::new(path, format!("the environment variable `{name}` is not set"))
                .hint("set it where the gate is started, or name a file instead")
        }));
        problems.extend(declared.problems());
        (problems, declared)
    })?;
    Ok(Read { declared, looked })
}

/// Problems of the service, where the file says what they are about.
pub(crate) fn place(looked: &Looked, problems: Vec<Problem>) -> LoadError {
    let mut diagnostics: Vec<Diagnostic> =
        problems.into_iter().map(|problem| placed(problem, &looked.tree)).collect();
    diagnostics.sort_by_key(Diagnostic::order);
    LoadError::Wrong(Box::new(Wrong { diagnostics, source: Some(looked.source.clone()) }))
}

/// Without the tree: it holds hashes.
impl fmt::Debug for Looked {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Looked").field("source", &self.source.name).finish_non_exhaustive()
    }
}

impl Read {
    pub(crate) fn into_parts(self) -> (Declared, Looked) {
        (self.declared, self.looked)
    }
}

fn whole<T>(
    path: &FilePath,
    declare: impl FnOnce(&IdentityFile, &FilePath) -> (Vec<Problem>, T),
) -> Result<(Looked, T), LoadError> {
    let text = text(path)?;
    let base = path.parent().unwrap_or(FilePath::new(""));
    let shown = Source { name: path.display().to_string(), text: mask(text.expose()) };
    let mut told = None;
    let source = Source { name: shown.name.clone(), text: text.expose().clone() };
    let found = read_as::<IdentityFile>(&source, |file| {
        let (problems, value) = declare(file, base);
        told = Some(value);
        problems
    });
    match (found, told) {
        (Ok((_, tree)), Some(value)) => Ok((Looked { warnings: Vec::new(), source: shown, tree }, value)),
        (Ok(_), None) => Err(wrong(Vec::new(), shown)),
        (Err(diagnostics), _) => Err(wrong(diagnostics, shown)),
    }
}

fn wrong(diagnostics: Vec<Diagnostic>, source: Source) -> LoadError {
    LoadError::Wrong(Box::new(Wrong { diagnostics, source: Some(source) }))
}

fn text(path: &FilePath) -> Result<Secret<String>, LoadError> {
    let unreadable = |source| LoadError::Identity { path: path.to_owned(), source };
    let file = File::open(path).map_err(unreadable)?;
    let mut text = String::new();
    file.take(LARGEST + 1).read_to_string(&mut text).map_err(unreadable)?;
    if u64::try_from(text.len()).is_ok_and(|length| length > LARGEST) {
        let words = "it is larger than 16 MiB; bring people in with `gabion user import`";
        return Err(unreadable(std::io::Error::new(std::io::ErrorKind::FileTooLarge, words)));
    }
    Ok(Secret::new(text))
}

/// What looks secrets up, and collects what is wrong with them.
struct Secrets<'a> {
    /// What relative paths count from.
    base: &'a FilePath,
    environment: &'a dyn Fn(&str) -> Option<String>,
    problems: Vec<Problem>,
    /// Variables that are not set, with the key that names them.
    missing: Vec<(String, String)>,
}

impl Secrets<'_> {
    fn declare(&mut self, file: &IdentityFile) -> Declared {
        let groups = file.groups.iter().map(|group| DeclaredGroup {
            name: group.name.clone(),
            tenant: group.tenant.clone(),
            roles: group.roles.clone(),
            external_id: group.external_id.clone(),
        });
        let programs = file.service_accounts.iter().map(|program| DeclaredAccount {
            name: program.name.clone(),
            tenant: program.tenant.clone(),
            roles: program.roles.clone(),
            groups: program.groups.clone(),
            external_id: program.external_id.clone(),
            disabled: program.disabled,
            ..DeclaredAccount::default()
        });
        Declared {
            groups: groups.collect(),
            service_accounts: programs.collect(),
            people: file.people.iter().enumerate().map(|(index, one)| self.person(index, one)).collect(),
            clients: file.clients.iter().enumerate().map(|(index, one)| self.client(index, one)).collect(),
        }
    }

    fn person(&mut self, index: usize, entry: &PersonEntry) -> DeclaredAccount {
        let path = format!("people[{index}]");
        let hash = |secret| InitialPassword::Hash(secret);
        let given = [
            ("password_hash", entry.password_hash.is_some()),
            ("password_hash_file", entry.password_hash_file.is_some()),
            ("password_hash_env", entry.password_hash_env.is_some()),
            ("password_file", entry.password_file.is_some()),
            ("password_env", entry.password_env.is_some()),
        ];
        self.one_of(&path, &given);
        let password = match entry {
            PersonEntry { password_hash: Some(Password(hashed)), .. } => Some(hash(hashed.clone())),
            PersonEntry { password_hash_file: Some(file), .. } => {
                self.file(&path, "password_hash_file", file).map(hash)
            }
            PersonEntry { password_hash_env: Some(name), .. } => {
                self.variable(&path, "password_hash_env", name).map(hash)
            }
            PersonEntry { password_file: Some(file), .. } => {
                self.file(&path, "password_file", file).map(InitialPassword::Text)
            }
            PersonEntry { password_env: Some(name), .. } => {
                self.variable(&path, "password_env", name).map(InitialPassword::Text)
            }
            _ => None,
        };
        DeclaredAccount {
            name: entry.name.clone(),
            tenant: entry.tenant.clone(),
            email: entry.email.clone(),
            email_verified: entry.email_verified,
            personal: entry.personal.clone(),
            roles: entry.roles.clone(),
            groups: entry.groups.clone(),
            external_id: entry.external_id.clone(),
            disabled: entry.disabled,
            password,
            invite: entry.invite,
        }
    }

    fn client(&mut self, index: usize, entry: &ClientEntry) -> DeclaredClient {
        let path = format!("clients[{index}]");
        let given = [
            ("secret_env", entry.secret_env.is_some()),
            ("secret_file", entry.secret_file.is_some()),
            ("secret_sha256", entry.secret_sha256.is_some()),
        ];
        self.one_of(&path, &given);
        let secret = match entry {
            ClientEntry { secret_env: Some(name), .. } => {
                self.variable(&path, "secret_env", name).map(DeclaredSecret::Text)
            }
            ClientEntry { secret_file: Some(file), .. } => {
                self.file(&path, "secret_file", file).map(DeclaredSecret::Text)
            }
            ClientEntry { secret_sha256: Some(Password(digest)), .. } => {
                let digest = digest_of(digest.expose());
                if digest.is_none() {
                    let problem =
                        Problem::new(format!("{path}.secret_sha256"), "is no SHA-256 in hexadecimal");
                    self.problems.push(problem.hint("64 characters: `printf %s \"$SECRET\" | sha256sum`"));
                }
                digest.map(DeclaredSecret::Sha256)
            }
            _ => None,
        };
        DeclaredClient {
            id: entry.id.clone(),
            tenant: entry.tenant.clone(),
            metadata: entry.metadata.clone(),
            disabled: entry.disabled,
            secret,
            secret_overlap: entry.secret_overlap.map_or(OVERLAP, Period::as_duration),
        }
    }

    fn one_of(&mut self, path: &str, given: &[(&str, bool)]) {
        let mut given = given.iter().filter(|(_, given)| *given).map(|(name, _)| *name);
        if let (Some(first), Some(second)) = (given.next(), given.next()) {
            let problem = Problem::new(format!("{path}.{second}"), format!("`{first}` says it already"));
            self.problems.push(problem.hint("keep one of the two"));
        }
    }

    /// The first line of a file.
    fn file(&mut self, path: &str, key: &str, file: &FilePath) -> Option<Secret<String>> {
        let place: PathBuf = self.base.join(file);
        let mut text = String::new();
        let read = File::open(&place).and_then(|file| file.take(LONGEST_SECRET).read_to_string(&mut text));
        let text = Secret::new(text);
        let reason = match read {
            Err(error) => format!("cannot read `{}`: {error}", place.display()),
            Ok(_) => match text.expose().lines().next().map(str::trim_end) {
                Some(line) if !line.is_empty() => return Some(Secret::new(line.to_owned())),
                _ => format!("the first line of `{}` is empty", place.display()),
            },
        };
        self.problems.push(Problem::new(format!("{path}.{key}"), reason));
        None
    }

    fn variable(&mut self, path: &str, key: &str, name: &str) -> Option<Secret<String>> {
        let key = format!("{path}.{key}");
        if name.is_empty() || name.contains(['=', '\0']) {
            self.problems.push(Problem::new(key, "is no name of an environment variable"));
            return None;
        }
        match (self.environment)(name) {
            Some(value) if !value.is_empty() => Some(Secret::new(value)),
            _ => {
                self.missing.push((key, name.to_owned()));
                None
            }
        }
    }
}

/// What the environment of this process says.
fn variable(name: &str) -> Option<String> {
    std::env::vars_os().find(|(key, _)| key == name).and_then(|(_, value)| value.into_string().ok())
}

fn digest_of(text: &str) -> Option<[u8; 32]> {
    let text = text.trim().as_bytes();
    if text.len() != 64 {
        return None;
    }
    let mut digest = [0; 32];
    for (byte, pair) in digest.iter_mut().zip(text.chunks(2)) {
        let pair = std::str::from_utf8(pair).ok().filter(|pair| !pair.starts_with('+'))?;
        *byte = u8::from_str_radix(pair, 16).ok()?;
    }
    Some(digest)
}

const LARGEST: u64 = 16 << 20;
const LONGEST_SECRET: u64 = 4096;
const OVERLAP: Duration = Duration::from_secs(86_400);
