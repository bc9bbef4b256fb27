//! Whose certificates are believed: the machine's authorities and those of a file. And what somebody shows who is not believed.

mod judge;

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use gabion_vault::tls::{VERSIONS, provider};
use rustls::client::Resumption;
use rustls::client::danger::ServerCertVerifier;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio_rustls::TlsConnector;

use self::judge::Anybody;
pub use self::judge::{Shown, Trust};
use crate::connect::Stream;

/// Why no connection can be secured.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    #[error("cannot read `{path}`: {source}")]
    File { path: PathBuf, source: io::Error },
    #[error("`{0}` has no certificate in PEM form")]
    NoCertificate(PathBuf),
    #[error(transparent)]
    Rustls(#[from] rustls::Error),
}

/// TLS as a client, for whoever opens streams of its own within a scope of its own.
#[derive(Clone)]
pub struct Tls {
    connector: TlsConnector,
    roots: Arc<RootCertStore>,
}

impl Tls {
    /// Believes the machine's authorities and those of a file. HTTP/1.1 is offered, and nothing is resumed.
    ///
    /// # Errors
    /// When the file cannot be used.
    pub fn new(ca_file: Option<&Path>) -> Result<Self, TlsError> {
        let (config, roots) = believing(ca_file)?;
        Ok(Self { connector: TlsConnector::from(config), roots })
    }

    /// The same, talking to whoever answers: for a target near by whose certificate is itself looked at. What is sent may be read by
    /// anybody on the way.
    ///
    /// # Errors
    /// When the stack cannot be set up so.
    pub fn believing_anybody(&self) -> Result<Self, TlsError> {
        let (config, _) = anybody()?;
        Ok(Self { connector: TlsConnector::from(config), roots: Arc::clone(&self.roots) })
    }

    /// The certificates that the other side shows, and what those who are believed say to them. Nothing is sent over the stream.
    ///
    /// # Errors
    /// When the host is no name, or no certificate is shown.
    pub async fn shown(&self, host: &str, stream: Box<dyn Stream>) -> io::Result<Shown> {
        let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
        let (config, seen) = anybody().map_err(io::Error::other)?;
        // What is shown counts, whether or not the handshake comes to its end.
        let ended = TlsConnector::from(config).connect(name.clone(), stream).await.map(|_| ());
        let chain = seen.chain();
        match (ended, chain.is_empty()) {
            (Err(error), true) => Err(error),
            _ => judge::judged(chain, &name, &self.roots),
        }
    }

    /// As [`Tls::secure`], offering these protocols of applications (RFC 7301), the liked ones first. Says which one the other side
    /// chose; nothing where it chose none.
    ///
    /// # Errors
    /// When the other side cannot be believed, or speaks none of them.
    pub async fn secure_as(
        &self,
        host: &str,
        stream: Box<dyn Stream>,
        protocols: &[&[u8]],
    ) -> io::Result<(Box<dyn Stream>, Option<Vec<u8>>)> {
        let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
        let protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
        let stream = self.connector.clone().with_alpn(protocols).connect(name, stream).await?;
        let chosen = stream.get_ref().1.alpn_protocol().map(<[u8]>::to_vec);
        Ok((Box::new(stream), chosen))
    }

    /// Secures a stream to a host, whose name or address the certificate must be for.
    ///
    /// # Errors
    /// When the other side cannot be believed.
    pub async fn secure(&self, host: &str, stream: Box<dyn Stream>) -> io::Result<Box<dyn Stream>> {
        let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
        Ok(Box::new(self.connector.connect(name, stream).await?))
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Tls")
    }
}

/// Whether a connection failed because its certificate is not believed.
#[must_use]
pub fn is_distrust(error: &io::Error) -> bool {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    matches!(inner, Some(rustls::Error::InvalidCertificate(_)))
}

pub(crate) fn config(ca_file: Option<&Path>) -> Result<Arc<ClientConfig>, TlsError> {
    Ok(believing(ca_file)?.0)
}

fn believing(ca_file: Option<&Path>) -> Result<(Arc<ClientConfig>, Arc<RootCertStore>), TlsError> {
    let mut roots = RootCertStore::empty();
    let native = rustls_native_certs::load_native_certs();
    for error in &native.errors {
        tracing::debug!(%error, "a trusted authority cannot be read");
    }
    roots.add_parsable_certificates(native.certs);
    if let Some(path) = ca_file {
        let pem = std::fs::read(path).map_err(|source| TlsError::File { path: path.to_owned(), source })?;
        let none = || TlsError::NoCertificate(path.to_owned());
        let own: Vec<_> =
            CertificateDer::pem_slice_iter(&pem).collect::<Result<_, _>>().map_err(|_| none())?;
        let (added, _) = roots.add_parsable_certificates(own);
        if added == 0 {
            return Err(none());
        }
    }
    if roots.is_empty() {
        tracing::warn!("this machine trusts no certificate authority: nothing can be reached by https");
    }
    let roots = Arc::new(roots);
    let config = ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(VERSIONS)?
        .with_root_certificates(Arc::clone(&roots))
        .with_no_client_auth();
    Ok((finished(config), roots))
}

fn anybody() -> Result<(Arc<ClientConfig>, Arc<Anybody>), TlsError> {
    let seen = Arc::new(Anybody::default());
    let verifier: Arc<dyn ServerCertVerifier> = Arc::<Anybody>::clone(&seen);
    let config = ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(VERSIONS)?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth();
    Ok((finished(config), seen))
}

fn finished(mut config: ClientConfig) -> Arc<ClientConfig> {
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    // Every connection stands alone.
    config.resumption = Resumption::disabled();
    Arc::new(config)
}
