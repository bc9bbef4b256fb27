//! PEM (RFC 7468) for the two things we keep in files: PKCS#8 keys and certificates.

use gabion_model::Secret;
use rustls_pki_types::PrivatePkcs8KeyDer;
use rustls_pki_types::pem::PemObject as _;
use zeroize::Zeroize as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Writes a PKCS#8 key as PEM.
pub(crate) fn write_pkcs8(der: &[u8]) -> Secret<String> {
    let mut body = STANDARD.encode(der);
    let mut out = String::with_capacity(body.len() + body.len() / 64 + 64);
    out.push_str("-----BEGIN PRIVATE KEY-----\n");
    let mut rest = body.as_str();
    while let Some((line, more)) = rest.split_at_checked(64) {
        out.push_str(line);
        out.push('\n');
        rest = more;
    }
    if !rest.is_empty() {
        out.push_str(rest);
        out.push('\n');
    }
    out.push_str("-----END PRIVATE KEY-----\n");
    body.zeroize();
    Secret::new(out)
}

/// Reads the first PKCS#8 key in a PEM text.
pub(crate) fn read_pkcs8(text: &str) -> Option<Secret<Vec<u8>>> {
    let key = PrivatePkcs8KeyDer::from_pem_slice(text.as_bytes()).ok()?;
    Some(Secret::new(key.secret_pkcs8_der().to_vec()))
}
