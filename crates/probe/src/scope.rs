//! Where the probe may go: one origin, at an address that is near unless its owner said yes.
//!
//! 1. The target is an `http` or `https` URL without credentials.
//! 2. Its name is resolved once; every address must be loopback or private (RFC 1918, RFC 4193), or the facts must hold the
//!    word that the target serves at [`OWNERSHIP`].
//! 3. What was judged is what is dialled, for the whole run; a name that changes its mind leads nowhere else.

use std::net::{IpAddr, SocketAddr};

use gabion_egress::resolve::Resolve;
use url::Url;

/// Where the owner of a public target says that it may be attacked.
pub const OWNERSHIP: &str = "/.well-known/gabion-probe.txt";

/// The origin that is attacked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    url: Url,
}

/// Why a target is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScopeError {
    #[error("`{0}` is no URL of an application; hint: `http://127.0.0.1:3000`")]
    NoUrl(String),
    #[error("`{0}` has a name or a password in it; hint: who signs in stands in `[[identities]]`")]
    Credentials(String),
    #[error("`{0}` has no address: {1}")]
    NoAddress(String, String),
    #[error(
        "`{host}` is at {address}, which is neither loopback nor private; \
         hint: choose a word of 16 letters or more for `target.ownership`, and let the application serve it at `{OWNERSHIP}`"
    )]
    Public { host: String, address: IpAddr },
}

impl Origin {
    /// # Errors
    /// When it is no `http` or `https` URL, or has credentials in it.
    pub fn parse(text: &str) -> Result<Self, ScopeError> {
        let nothing = || ScopeError::NoUrl(text.to_owned());
        let mut url = Url::parse(text).map_err(|_| nothing())?;
        if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
            return Err(nothing());
        }
        if !url.username().is_empty() || url.password().is_some() {
            let _ = (url.set_username(""), url.set_password(None));
            return Err(ScopeError::Credentials(url.to_string()));
        }
        url.set_query(None);
        url.set_fragment(None);
        Ok(Self { url })
    }

    #[must_use]
    pub fn is_tls(&self) -> bool {
        self.url.scheme() == "https"
    }

    /// Host and port as `Host` has them.
    #[must_use]
    pub fn authority(&self) -> String {
        let host = self.url.host_str().unwrap_or_default();
        self.url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
    }

    #[must_use]
    pub fn host(&self) -> &str {
        self.url.host_str().unwrap_or_default()
    }

    #[must_use]
    pub fn port(&self) -> u16 {
        self.url.port_or_known_default().unwrap_or(80)
    }

    /// Scheme and authority, without a final slash: `http://127.0.0.1:3000`.
    #[must_use]
    pub fn base(&self) -> String {
        format!("{}://{}", self.url.scheme(), self.authority())
    }

    /// The path that the target was given with.
    #[must_use]
    pub fn path(&self) -> &str {
        self.url.path()
    }

    /// Path and query of a reference met on the page at `from` (a path), where it leads to this origin.
    #[must_use]
    pub fn inside(&self, from: &str, reference: &str) -> Option<String> {
        let page = self.url.join(from).ok()?;
        let to = page.join(reference.trim()).ok()?;
        let own = to.scheme() == self.url.scheme()
            && to.host_str() == self.url.host_str()
            && to.port_or_known_default() == self.url.port_or_known_default();
        own.then(|| match to.query() {
            Some(query) => format!("{}?{query}", to.path()),
            None => to.path().to_owned(),
        })
    }

    /// Where it is, judged. `owned` says that its owner agreed.
    ///
    /// # Errors
    /// When it has no address, or a public one without its owner's word.
    pub async fn addresses(
        &self,
        resolver: &dyn Resolve,
        owned: bool,
    ) -> Result<Vec<SocketAddr>, ScopeError> {
        let host = self.host();
        let bare = host.trim_matches(['[', ']']);
        let found: Vec<IpAddr> = match bare.parse::<IpAddr>() {
            Ok(address) => vec![address],
            Err(_) if bare == "localhost" => {
                vec![[127, 0, 0, 1].into(), std::net::Ipv6Addr::LOCALHOST.into()]
            }
            Err(_) => resolver
                .resolve(bare, false)
                .await
                .map_err(|error| ScopeError::NoAddress(host.to_owned(), error.to_string()))?,
        };
        if found.is_empty() {
            return Err(ScopeError::NoAddress(host.to_owned(), "nothing was found".to_owned()));
        }
        if let Some(address) = found.iter().find(|address| !owned && !is_near(**address)) {
            return Err(ScopeError::Public { host: host.to_owned(), address: *address });
        }
        Ok(found.into_iter().map(|address| SocketAddr::new(address, self.port())).collect())
    }
}

/// Loopback, RFC 1918 and RFC 4193. Link-local is not near: the metadata services of clouds are there.
#[must_use]
pub fn is_near(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => address.is_loopback() || address.is_private(),
        IpAddr::V6(address) => address.is_loopback() || address.is_unique_local(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_applications_are_targets() {
        for wrong in ["", "127.0.0.1:3000", "file:///etc/passwd", "ftp://a", "http://"] {
            assert!(matches!(Origin::parse(wrong), Err(ScopeError::NoUrl(_))), "{wrong}");
        }
        let error = Origin::parse("http://ann:secret@a/").unwrap_err().to_string();
        assert!(!error.contains("secret"), "{error}");
    }

    #[test]
    fn references_are_followed_inside_only() {
        let origin = Origin::parse("http://127.0.0.1:3000/app/").unwrap();
        for (reference, leads) in [
            ("x?y=1#z", Some("/app/x?y=1")),
            ("/x", Some("/x")),
            ("http://127.0.0.1:3000/z", Some("/z")),
            ("//127.0.0.1:3000/z", Some("/z")),
            ("http://127.0.0.1:3001/", None),
            ("https://127.0.0.1:3000/", None),
            ("//evil.example/", None),
            ("\\\\evil.example/", None),
            ("javascript:alert(1)", None),
            ("mailto:a@b", None),
        ] {
            assert_eq!(origin.inside("/app/", reference).as_deref(), leads, "{reference}");
        }
    }

    #[test]
    fn clouds_and_the_internet_are_not_near() {
        for near in
            ["127.0.0.1", "::1", "10.1.2.3", "192.168.0.1", "172.16.0.9", "fd00::1", "::ffff:127.0.0.1"]
        {
            assert!(is_near(near.parse().unwrap()), "{near}");
        }
        for far in [
            "169.254.169.254",
            "8.8.8.8",
            "100.64.0.1",
            "fe80::1",
            "2001:db8::1",
            "::ffff:8.8.8.8",
            "0.0.0.0",
        ] {
            assert!(!is_near(far.parse().unwrap()), "{far}");
        }
    }
}
