//! Whose a client certificate is: bindings of names in certificates to accounts.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use gabion_model::{AccountId, Problem, Timestamp};
use gabion_vault::encoding::base64url_decode_32;
use gabion_vault::x509::{DistinguishedName, PeerCertificate};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::account::{Account, Follower};
use crate::credential::{Credential, CredentialKind, NewCredential, Scopes};
use crate::name::AccountName;
use crate::storage::{AccountChange, AccountStorage, StorageError};

/// `[[machines.certificates]]`: whose the certificates with a certain name are. Exactly one of the names is
/// given.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CertificateBinding {
    /// The name of the service account that acts.
    pub account: String,
    /// What it may do: scopes, as routes ask for them.
    pub scopes: Vec<String>,
    /// A DNS name in the certificate, for instance `billing.internal`. Exactly; `*` means nothing special.
    pub dns: Option<String>,
    /// A URI in the certificate, for instance `spiffe://example.org/billing`.
    pub uri: Option<String>,
    /// An e-mail address in the certificate.
    pub email: Option<String>,
    /// The whole subject as RFC 4514 writes it, its most specific part first: `CN=billing,O=Example,C=DE`.
    pub subject: Option<String>,
    /// The SHA-256 of the certificate, in base64url (`x5t#S256`).
    pub thumbprint: Option<String>,
}

/// Every binding, with the account it leads to as it is now. Asked from memory.
pub struct Certificates {
    accounts: Arc<dyn AccountStorage>,
    bindings: RwLock<Arc<Vec<Bound>>>,
}

#[derive(Debug, Clone)]
struct Bound {
    names: Name,
    account: AccountName,
    scopes: Scopes,
    /// None while there is no such account, or it is disabled.
    credential: Option<Arc<Credential>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Name {
    Dns(String),
    Email(String),
    Subject(DistinguishedName),
    Thumbprint([u8; 32]),
    Uri(String),
}

impl CertificateBinding {
    /// Everything wrong with it; paths are relative to the table.
    #[must_use]
    pub fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        if self.account.parse::<AccountName>().is_err() {
            problems.push(Problem::new("account", format!("`{}` cannot be an account's name", self.account)));
        }
        if self.scopes.is_empty() || Scopes::new(self.scopes.iter().map(String::as_str)).is_err() {
            problems.push(
                Problem::new("scopes", "one scope at least, each without blanks")
                    .hint("for instance `scopes = [\"orders:read\"]`"),
            );
        }
        if let Err(reason) = self.name() {
            problems.push(Problem::new("account", reason).hint("for instance `dns = \"billing.internal\"`"));
        }
        problems
    }

    fn name(&self) -> Result<Name, &'static str> {
        let subject = self.subject.as_ref().map(|text| text.parse().map(Name::Subject));
        let subject = subject.transpose().map_err(|_| "`subject` is no name as RFC 4514 writes it")?;
        let names = [
            self.dns.as_ref().map(|name| Name::Dns(name.to_ascii_lowercase())),
            self.uri.clone().map(Name::Uri),
            self.email.clone().map(Name::Email),
            subject,
        ];
        let mut given = names.into_iter().flatten();
        let thumbprint = match &self.thumbprint {
            None => None,
            Some(text) => Some(Name::Thumbprint(
                base64url_decode_32(text).map_err(|_| "`thumbprint` is no SHA-256 in base64url")?,
            )),
        };
        match (given.next().or_else(|| thumbprint.clone()), given.next()) {
            (Some(name), None) if thumbprint.is_none() || Some(&name) == thumbprint.as_ref() => Ok(name),
            _ => Err("give exactly one of `dns`, `uri`, `email`, `subject` and `thumbprint`"),
        }
    }

    fn bound(&self) -> Option<Bound> {
        Some(Bound {
            names: self.name().ok()?,
            account: self.account.parse().ok()?,
            scopes: Scopes::new(self.scopes.iter().map(String::as_str)).ok()?,
            credential: None,
        })
    }
}

impl Certificates {
    /// # Errors
    /// When the storage cannot be read.
    pub fn open(
        accounts: Arc<dyn AccountStorage>,
        bindings: &[CertificateBinding],
    ) -> Result<Arc<Self>, StorageError> {
        let certificates = Self { accounts, bindings: RwLock::default() };
        certificates.set_bindings(bindings)?;
        Ok(Arc::new(certificates))
    }

    /// Takes over changed bindings. What was bound and is not any more ends, with its streams.
    ///
    /// # Errors
    /// When the storage cannot be read; then nothing changes.
    pub fn set_bindings(&self, bindings: &[CertificateBinding]) -> Result<(), StorageError> {
        let mut next: Vec<Bound> = bindings.iter().filter_map(CertificateBinding::bound).collect();
        for bound in &mut next {
            let account = self.accounts.by_name(&bound.account)?;
            bound.credential = account.and_then(|account| bound.credential_for(&account));
        }
        let former = std::mem::replace(&mut *self.write(), Arc::new(next));
        former.iter().filter_map(|bound| bound.credential.as_ref()).for_each(|credential| credential.end());
        Ok(())
    }

    /// Whose the certificate is. Where several bindings fit, the first counts. One that no authority vouches for is
    /// nobody's: its names are what its maker wrote.
    #[must_use]
    pub fn resolve(&self, certificate: &PeerCertificate, now: Timestamp) -> Option<Arc<Credential>> {
        if !certificate.vouched_for || !certificate.is_valid(now) {
            return None;
        }
        let bindings = Arc::clone(&self.bindings.read().unwrap_or_else(PoisonError::into_inner));
        let bound = bindings.iter().find(|bound| bound.names.is_in(certificate))?;
        bound.credential.as_ref().filter(|credential| credential.touch(now)).cloned()
    }

    /// Whether any certificate can lead to an account.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bindings.read().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    fn write(&self) -> std::sync::RwLockWriteGuard<'_, Arc<Vec<Bound>>> {
        self.bindings.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was granted to the account before ends; what it is now (`None`: nobody) begins.
    fn renew(&self, is_meant: impl Fn(&Bound) -> bool, account: Option<&Account>) {
        let mut bindings = self.write();
        let renewed = bindings.iter().map(|bound| {
            if !is_meant(bound) {
                return bound.clone();
            }
            if let Some(former) = &bound.credential {
                former.end();
            }
            let credential = account.and_then(|account| bound.credential_for(account));
            Bound { credential, ..bound.clone() }
        });
        *bindings = Arc::new(renewed.collect());
    }
}

impl Follower for Certificates {
    fn changed(&self, account: &Account, change: &AccountChange) {
        if change.raises_epoch() || matches!(change, AccountChange::Enable) {
            self.renew(|bound| bound.account == account.name, Some(account));
        }
    }

    fn added(&self, account: &Account) {
        self.renew(|bound| bound.account == account.name, Some(account));
    }

    fn removed(&self, account: &AccountId) {
        let is_meant = |bound: &Bound| {
            bound.credential.as_ref().is_some_and(|credential| credential.principal.account == *account)
        };
        self.renew(is_meant, None);
    }
}

impl Bound {
    fn credential_for(&self, account: &Account) -> Option<Arc<Credential>> {
        (!account.disabled).then(|| {
            Arc::new(Credential::new(NewCredential {
                kind: CredentialKind::Certificate,
                id: self.names.to_string().into(),
                principal: account.principal(),
                client: None,
                scopes: self.scopes.clone(),
                // The certificate's own end is looked at on every request.
                expires: Timestamp::from_micros(i64::MAX),
                authenticated: None,
            }))
        })
    }
}

impl Name {
    fn is_in(&self, certificate: &PeerCertificate) -> bool {
        match self {
            Self::Dns(name) => certificate.dns.contains(name),
            Self::Email(email) => certificate.emails.contains(email),
            Self::Subject(subject) => certificate.subject == *subject,
            Self::Thumbprint(thumbprint) => certificate.thumbprint == *thumbprint,
            Self::Uri(uri) => certificate.uris.contains(uri),
        }
    }
}

impl fmt::Display for Name {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dns(name) => write!(formatter, "dns:{name}"),
            Self::Email(email) => write!(formatter, "email:{email}"),
            Self::Subject(subject) => write!(formatter, "subject:{subject}"),
            Self::Thumbprint(thumbprint) => {
                write!(formatter, "sha256:{}", gabion_vault::encoding::base64url_encode(thumbprint))
            }
            Self::Uri(uri) => write!(formatter, "uri:{uri}"),
        }
    }
}

impl fmt::Debug for Certificates {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Certificates").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::{Accounts, NewAccount};
    use crate::session::Sessions;
    use crate::settings::SessionSettings;
    use crate::storage::MemoryStorage;
    use gabion_model::random::SeededRng;

    const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

    fn binding() -> CertificateBinding {
        CertificateBinding {
            account: "billing".to_owned(),
            scopes: vec!["invoices".to_owned()],
            dns: Some("billing.internal".to_owned()),
            ..CertificateBinding::default()
        }
    }

    fn certificate(dns: &str) -> PeerCertificate {
        PeerCertificate {
            vouched_for: true,
            thumbprint: [1; 32],
            subject: "CN=billing".parse().unwrap(),
            key: None,
            issuer: "CN=ca".to_owned(),
            is_self_issued: false,
            serial: "01".to_owned(),
            dns: vec![dns.to_owned()],
            uris: Vec::new(),
            emails: Vec::new(),
            addresses: Vec::new(),
            not_before: Timestamp::from_secs(0),
            not_after: NOW,
            der: Vec::new(),
        }
    }

    #[test]
    fn a_bound_certificate_is_its_account_while_both_are_good() {
        let (storage, rng) = (Arc::new(MemoryStorage::new()), SeededRng::new(1));
        let sessions = Sessions::open(storage.clone(), &SessionSettings::default(), NOW).unwrap();
        let certificates = Certificates::open(storage.clone(), &[binding()]).unwrap();
        let accounts = Accounts::new(storage, sessions).followed_by(Arc::clone(&certificates) as Arc<_>);
        let own = certificate("billing.internal");
        assert!(certificates.resolve(&own, NOW).is_none(), "there is no such account yet");
        let bot = accounts.create(NewAccount::person("billing".parse().unwrap()), NOW, &rng).unwrap();
        let credential = certificates.resolve(&own, NOW).unwrap();
        assert_eq!((&credential.principal.account, &*credential.id), (&bot.id, "dns:billing.internal"));
        assert!(certificates.resolve(&certificate("evil.billing.internal"), NOW).is_none());
        let unsigned = PeerCertificate { vouched_for: false, ..own.clone() };
        assert!(certificates.resolve(&unsigned, NOW).is_none(), "nobody vouches for it");
        assert!(certificates.resolve(&own, Timestamp::from_secs(NOW.as_secs() + 1)).is_none(), "expired");
        accounts.disable(&bot.id).unwrap();
        assert!(credential.is_ended() && certificates.resolve(&own, NOW).is_none());
        accounts.enable(&bot.id).unwrap();
        let again = certificates.resolve(&own, NOW).unwrap();
        certificates.set_bindings(&[]).unwrap();
        assert!(again.is_ended() && certificates.resolve(&own, NOW).is_none());
    }

    #[test]
    fn a_binding_names_one_thing() {
        assert_eq!(binding().problems(), []);
        let wrong = [
            CertificateBinding { dns: None, ..binding() },
            CertificateBinding { uri: Some("spiffe://x".to_owned()), ..binding() },
            CertificateBinding { thumbprint: Some("x".to_owned()), ..binding() },
            CertificateBinding { thumbprint: Some("A".repeat(43)), ..binding() },
            CertificateBinding { dns: None, subject: Some("billing".to_owned()), ..binding() },
            CertificateBinding { scopes: Vec::new(), ..binding() },
            CertificateBinding { account: String::new(), ..binding() },
        ];
        for binding in wrong {
            assert!(!binding.problems().is_empty(), "{binding:?}");
        }
        let pinned = CertificateBinding { dns: None, thumbprint: Some("A".repeat(43)), ..binding() };
        assert_eq!(pinned.problems(), []);
    }
}
