//! rustls on both sides: the certificate shown to clients, the authorities upstreams are verified by.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use gabion_model::Secret;
use gabion_vault::tls::{VERSIONS, provider};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore, ServerConfig};

use crate::peers::ClientVerifier;
use crate::settings::{ClientCertificates, Upstream};

/// The certificate the gate shows and its key, in PEM.
#[derive(Debug, Clone)]
pub struct TlsMaterial {
    /// The gate's certificate first, then those that lead to the authority.
    pub chain_pem: String,
    pub key_pem: Secret<String>,
}

/// Why TLS cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    #[error("`{}` cannot be read: {cause}", path.display())]
    File { path: PathBuf, cause: std::io::Error },
    #[error("{what} is not valid PEM: {cause}")]
    Pem { what: String, cause: rustls::pki_types::pem::Error },
    #[error("{what} holds no certificate")]
    NoCertificate { what: String },
    #[error("certificate and key cannot be used: {0}")]
    Rejected(#[from] rustls::Error),
    #[error("client certificates cannot be verified: {0}")]
    ClientCertificates(String),
    #[error("the machine's certificate authorities were not found; set `ca_file`")]
    NoAuthorities,
}

impl TlsMaterial {
    /// Reads a certificate chain and its key, as `tls.mode = "files"` names them.
    pub fn from_files(certificate: &Path, key: &Path) -> Result<Self, TlsError> {
        Ok(Self { chain_pem: read(certificate)?, key_pem: Secret::new(read(key)?) })
    }

    /// What listeners need; fails when the key does not belong to the certificate.
    pub(crate) fn server(
        &self,
        http2: bool,
        client: Option<&ClientCertificates>,
    ) -> Result<ServerTls, TlsError> {
        let verifier = client.map(|client| ClientVerifier::new(client).map(Arc::new)).transpose()?;
        let hosts = client.map_or_else(Vec::new, |client| client.hosts.clone());
        Ok(ServerTls {
            silent: self.config(http2, None)?,
            asking: verifier.as_ref().map(|verifier| self.config(http2, Some(verifier))).transpose()?,
            hosts,
            verifier,
        })
    }

    fn config(
        &self,
        http2: bool,
        verifier: Option<&Arc<ClientVerifier>>,
    ) -> Result<Arc<ServerConfig>, TlsError> {
        let chain = certificates(self.chain_pem.as_bytes(), "the certificate chain")?;
        let key = PrivateKeyDer::from_pem_slice(self.key_pem.expose().as_bytes())
            .map_err(|cause| TlsError::Pem { what: "the key".into(), cause })?;
        let builder = ServerConfig::builder_with_provider(provider()).with_protocol_versions(VERSIONS)?;
        let builder = match verifier {
            Some(verifier) => builder.with_client_cert_verifier(Arc::clone(verifier) as Arc<_>),
            None => builder.with_no_client_auth(),
        };
        let mut config = builder.with_single_cert(chain, key)?;
        config.alpn_protocols = protocols(http2);
        config.max_early_data_size = 0;
        Ok(Arc::new(config))
    }
}

/// Whether the authorities and the lists of revoked certificates that `client` names can be used.
///
/// # Errors
/// Which file cannot be read, or holds no certificate.
pub fn check_client_certificates(client: &ClientCertificates) -> Result<(), TlsError> {
    ClientVerifier::new(client).map(drop)
}

/// TLS towards clients: what asks them for certificates, and what does not.
#[derive(Debug)]
pub(crate) struct ServerTls {
    silent: Arc<ServerConfig>,
    asking: Option<Arc<ServerConfig>>,
    /// Only connections for these names are asked; empty: all are.
    hosts: Vec<String>,
    verifier: Option<Arc<ClientVerifier>>,
}

impl ServerTls {
    /// The one configuration for every connection; none when the name the client asks for decides.
    pub(crate) fn for_all(&self) -> Option<&Arc<ServerConfig>> {
        match &self.asking {
            None => Some(&self.silent),
            Some(asking) => self.hosts.is_empty().then_some(asking),
        }
    }

    /// The configuration for a connection to the host of this name.
    pub(crate) fn for_host(&self, name: Option<&str>) -> &Arc<ServerConfig> {
        let asked = name.is_some_and(|name| self.hosts.iter().any(|host| host.eq_ignore_ascii_case(name)));
        match &self.asking {
            Some(asking) if asked || self.hosts.is_empty() => asking,
            _ => &self.silent,
        }
    }

    pub(crate) fn verifier(&self) -> Option<&ClientVerifier> {
        self.verifier.as_deref()
    }
}

/// What connections to an `https` upstream need.
pub(crate) fn client(upstream: &Upstream) -> Result<Arc<ClientConfig>, TlsError> {
    let (pem, what) = match &upstream.ca_file {
        Some(path) => (read(path)?, format!("`{}`", path.display())),
        None => {
            let bundle = PLATFORM_AUTHORITIES.iter().map(Path::new).find(|path| path.exists());
            let bundle = bundle.ok_or(TlsError::NoAuthorities)?;
            (read(bundle)?, format!("`{}`", bundle.display()))
        }
    };
    let mut roots = RootCertStore::empty();
    let (added, _) = roots.add_parsable_certificates(certificates(pem.as_bytes(), &what)?);
    if added == 0 {
        return Err(TlsError::NoCertificate { what });
    }
    let mut config = ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(VERSIONS)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = if upstream.http2 { vec![b"h2".to_vec()] } else { vec![b"http/1.1".to_vec()] };
    Ok(Arc::new(config))
}

fn protocols(http2: bool) -> Vec<Vec<u8>> {
    let mut protocols = vec![b"http/1.1".to_vec()];
    if http2 {
        protocols.insert(0, b"h2".to_vec());
    }
    protocols
}

pub(crate) fn certificates(pem: &[u8], what: &str) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let found: Vec<_> = CertificateDer::pem_slice_iter(pem)
        .collect::<Result<_, _>>()
        .map_err(|cause| TlsError::Pem { what: what.into(), cause })?;
    if found.is_empty() { Err(TlsError::NoCertificate { what: what.into() }) } else { Ok(found) }
}

pub(crate) fn read(path: &Path) -> Result<String, TlsError> {
    std::fs::read_to_string(path).map_err(|cause| TlsError::File { path: path.into(), cause })
}

/// Where systems keep the authorities they trust: Debian, Fedora, Alpine and macOS.
const PLATFORM_AUTHORITIES: &[&str] =
    &["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem"];
