//! Whose certificates are believed: the machine's authorities and those of a file.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use gabion_vault::tls::{VERSIONS, provider};
use rustls::client::Resumption;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};

/// Why no connection can be secured.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    #[error("cannot read `{path}`: {source}")]
    File { path: PathBuf, source: std::io::Error },
    #[error("`{0}` has no certificate in PEM form")]
    NoCertificate(PathBuf),
    #[error(transparent)]
    Rustls(#[from] rustls::Error),
}

pub(crate) fn config(ca_file: Option<&Path>) -> Result<Arc<ClientConfig>, TlsError> {
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
    let mut config = ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(VERSIONS)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    // Every connection stands alone.
    config.resumption = Resumption::disabled();
    Ok(Arc::new(config))
}
