//! The ways a message leaves.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use gabion_model::{Rng, Timestamp, random};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor};

use crate::settings::{MailSecurity, MailSettings, MailTransport};

pub(crate) enum Transport {
    File(PathBuf),
    Off,
    Smtp(Box<AsyncSmtpTransport<Tokio1Executor>>),
}

/// Why letters cannot be sent at all.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    #[error("cannot read `{path}`: {source}")]
    File { path: PathBuf, source: io::Error },
    #[error("`mail.from` is no e-mail address")]
    From,
    #[error("`{0}` has no certificate in PEM form")]
    NoCertificate(PathBuf),
    #[error("`{0}` has no password in its first line")]
    NoPassword(PathBuf),
    #[error("the connection to the mail server cannot be secured: {0}")]
    Tls(lettre::transport::smtp::Error),
}

/// Why a letter was not delivered. The text names the server's answer, never the letter.
#[derive(Debug, thiserror::Error)]
pub enum DeliveryError {
    #[error("the letter cannot be written: {0}")]
    File(io::Error),
    #[error("no mail transport is configured")]
    NotConfigured,
    #[error("the mail server answered and takes nothing")]
    NotReady,
    #[error("the mail server did not take it: {0}")]
    Smtp(lettre::transport::smtp::Error),
    #[error("the mail server did not answer in time")]
    TimedOut,
    #[error("the letter's address is unusable")]
    Unusable,
}

impl DeliveryError {
    /// Another try may do better.
    pub(crate) fn is_transient(&self) -> bool {
        match self {
            Self::File(_) | Self::NotReady | Self::TimedOut => true,
            Self::NotConfigured | Self::Unusable => false,
            Self::Smtp(error) => !error.is_permanent(),
        }
    }
}

impl Transport {
    pub(crate) fn new(settings: &MailSettings) -> Result<Self, SetupError> {
        match settings.transport {
            MailTransport::Off => Ok(Self::Off),
            MailTransport::File => Ok(Self::File(settings.directory.clone())),
            MailTransport::Smtp => smtp(settings).map(Box::new).map(Self::Smtp),
        }
    }

    /// One connection, without a letter.
    pub(crate) async fn probe(&self) -> Result<(), DeliveryError> {
        match self {
            Self::Off => Err(DeliveryError::NotConfigured),
            Self::File(directory) if directory.exists() && !directory.is_dir() => {
                Err(DeliveryError::File(io::Error::from(io::ErrorKind::NotADirectory)))
            }
            Self::File(_) => Ok(()),
            Self::Smtp(smtp) => match tokio::time::timeout(EACH_STEP, smtp.test_connection()).await {
                Ok(Ok(true)) => Ok(()),
                Ok(Ok(false)) => Err(DeliveryError::NotReady),
                Ok(Err(error)) => Err(DeliveryError::Smtp(error)),
                Err(_) => Err(DeliveryError::TimedOut),
            },
        }
    }

    /// One try.
    pub(crate) async fn deliver(
        &self,
        message: Message,
        now: Timestamp,
        rng: &dyn Rng,
    ) -> Result<(), DeliveryError> {
        match self {
            Self::Off => Err(DeliveryError::NotConfigured),
            Self::File(directory) => {
                let name = format!("{}-{:08x}", now.as_micros(), u32::from_be_bytes(random::bytes(rng)));
                let (directory, content) = (directory.clone(), message.formatted());
                let write = move || write(&directory, &name, &content);
                match tokio::task::spawn_blocking(write).await {
                    Ok(written) => written.map_err(DeliveryError::File),
                    Err(error) => Err(DeliveryError::File(io::Error::other(error))),
                }
            }
            Self::Smtp(smtp) => match tokio::time::timeout(WHOLE, smtp.send(message)).await {
                Ok(sent) => sent.map(|_| ()).map_err(DeliveryError::Smtp),
                Err(_) => Err(DeliveryError::TimedOut),
            },
        }
    }
}

fn smtp(settings: &MailSettings) -> Result<AsyncSmtpTransport<Tokio1Executor>, SetupError> {
    let tls = match settings.security {
        MailSecurity::Plain => Tls::None,
        MailSecurity::Starttls => Tls::Required(parameters(settings)?),
        MailSecurity::Tls => Tls::Wrapper(parameters(settings)?),
    };
    // "Dangerous" is its default of no TLS, which is set in the same breath.
    let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&settings.host)
        .port(settings.port())
        .tls(tls)
        .timeout(Some(EACH_STEP));
    if let (Some(username), Some(path)) = (&settings.username, &settings.password_file) {
        let text = fs::read_to_string(path).map_err(|source| unreadable(path, source))?;
        let password = text.lines().next().filter(|line| !line.is_empty());
        let password = password.ok_or_else(|| SetupError::NoPassword(path.clone()))?;
        builder = builder.credentials(Credentials::new(username.clone(), password.to_owned()));
    }
    Ok(builder.build())
}

fn parameters(settings: &MailSettings) -> Result<TlsParameters, SetupError> {
    let mut builder = TlsParameters::builder(settings.host.clone());
    if let Some(path) = &settings.ca_file {
        let pem = fs::read(path).map_err(|source| unreadable(path, source))?;
        let none = |_| SetupError::NoCertificate(path.clone());
        builder = builder.add_root_certificate(Certificate::from_pem(&pem).map_err(none)?);
    }
    builder.build_rustls().map_err(SetupError::Tls)
}

fn unreadable(path: &Path, source: io::Error) -> SetupError {
    SetupError::File { path: path.to_owned(), source }
}

/// Readable by the owner only: letters hold one-time links. Whoever looks at the folder sees whole
/// letters.
fn write(directory: &Path, name: &str, content: &[u8]) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
    let unfinished = directory.join(format!(".{name}"));
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&unfinished)?;
    file.write_all(content)?;
    drop(file);
    fs::rename(&unfinished, directory.join(format!("{name}.eml")))
}

const EACH_STEP: Duration = Duration::from_secs(20);
const WHOLE: Duration = Duration::from_secs(60);
