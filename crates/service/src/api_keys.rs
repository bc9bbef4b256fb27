//! Acts on API keys: a person's own, and those of service accounts.

use gabion_identity::api_key::{ApiKey, ApiKeyId};
use gabion_identity::{Account, AccountKind, AccountName, ApiKeyError, NewApiKey, Scopes};
use gabion_model::{Outcome, Period, Problem, Role, Secret, TenantId, Timestamp};

use crate::authorize::Standing;
use crate::record::About;
use crate::service::Inner;
use crate::{Act, ActError, AddAccountError, Caller, Notice, Service};

/// The key to make.
#[derive(Debug, Clone, Default)]
pub struct CreateApiKey {
    /// Whose it is; none: the caller's own.
    pub account: Option<String>,
    /// What its owner calls it.
    pub label: String,
    pub scopes: Vec<String>,
    /// How long it lives; none: as the configuration says.
    pub life: Option<Period>,
}

/// A key as its owner and administrators see it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct ApiKeyView {
    pub id: String,
    /// The account's name.
    pub account: String,
    pub label: String,
    /// The key's beginning.
    pub hint: String,
    pub scopes: Vec<String>,
    pub created: Timestamp,
    pub expires: Timestamp,
    pub last_used: Option<Timestamp>,
    /// The key that takes its place.
    pub successor: Option<String>,
}

/// A key just made. The secret is shown once, to whoever asked, and kept nowhere.
#[derive(Debug, Clone)]
pub struct FreshApiKey {
    pub secret: Secret<String>,
    pub view: ApiKeyView,
}

/// [`Service::create_api_key`] and [`Service::rotate_api_key`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ApiKeyActError {
    #[error(transparent)]
    Act(#[from] ActError),
    /// What was asked for cannot be.
    #[error("{0}")]
    Invalid(Problem),
}

impl Service {
    /// Makes an API key for the caller's own account; administrators and the operator, for anybody's.
    ///
    /// # Errors
    /// [`ApiKeyActError::Invalid`] for a label, scope or life that cannot be.
    pub async fn create_api_key(
        &self,
        caller: &Caller,
        new: CreateApiKey,
    ) -> Result<FreshApiKey, ApiKeyActError> {
        let about = About::of(new.account.clone().unwrap_or_default())
            .with("label", new.label.clone())
            .with("scopes", new.scopes.join(" "));
        self.act(Act::CreateApiKey, caller, about, move |inner, standing| {
            let account = inner.key_owner(&standing, new.account.as_deref())?;
            let scopes = Scopes::new(new.scopes.iter().map(String::as_str))
                .map_err(|error| ApiKeyActError::Invalid(Problem::new("scopes", error.to_string())))?;
            let wanted = NewApiKey { label: new.label, scopes, life: new.life };
            let (secret, key) =
                inner.machines.keys.create(&account, wanted, inner.clock.now(), &*inner.rng)?;
            inner.notify(&account, &Notice::ApiKeyCreated { label: key.label.clone() });
            Ok(FreshApiKey { secret, view: ApiKeyView::of(&key, &account) })
        })
        .await
    }

    /// The living keys of an account; none: the caller's own. Changes nothing and is not recorded.
    ///
    /// # Errors
    /// [`ActError::NotFound`] when there is no such account, or it is not the caller's.
    pub async fn api_keys(
        &self,
        caller: &Caller,
        account: Option<&str>,
    ) -> Result<Vec<ApiKeyView>, ActError> {
        let account = account.map(str::to_owned);
        self.read(Act::ListApiKeys, caller, move |inner, standing| {
            let account = inner.key_owner(&standing, account.as_deref())?;
            let keys = inner.machines.keys.list(&account.id, inner.clock.now());
            Ok(keys.iter().map(|key| ApiKeyView::of(key, &account)).collect())
        })
        .await
    }

    /// How long a new key may live: as long as it does when nobody says otherwise, and at most.
    #[must_use]
    pub fn api_key_lives(&self) -> (Period, Period) {
        self.0.machines.keys.lives()
    }

    /// Every living key of everybody, for administrators and the operator.
    ///
    /// # Errors
    /// [`ActError::Forbidden`] for everybody else.
    pub async fn all_api_keys(&self, caller: &Caller) -> Result<Vec<ApiKeyView>, ActError> {
        self.read(Act::ListAllApiKeys, caller, |inner, _| {
            let mut views = Vec::new();
            for key in inner.machines.keys.list_all(inner.clock.now()) {
                if let Some(account) = inner.accounts.by_id(&key.account)? {
                    views.push(ApiKeyView::of(&key, &account));
                }
            }
            Ok(views)
        })
        .await
    }

    /// Makes the successor of a key; the former works on for `overlap` (none: as the configuration says).
    ///
    /// # Errors
    /// [`ActError::NotFound`] when there is none, or it is not the caller's.
    pub async fn rotate_api_key(
        &self,
        caller: &Caller,
        id: &str,
        overlap: Option<Period>,
    ) -> Result<FreshApiKey, ApiKeyActError> {
        let id = ApiKeyId::new(id);
        self.may_touch(Act::RotateApiKey, caller, &id).await?;
        let about = About::of(id.as_str());
        self.act(Act::RotateApiKey, caller, about, move |inner, standing| {
            let (key, account) = inner.key(&standing, &id)?;
            let now = inner.clock.now();
            let (secret, key) = inner.machines.keys.rotate(&account, &key.id, overlap, now, &*inner.rng)?;
            inner.notify(&account, &Notice::ApiKeyReplaced { label: key.label.clone() });
            Ok(FreshApiKey { secret, view: ApiKeyView::of(&key, &account) })
        })
        .await
    }

    /// Ends a key at once, with every stream it opened.
    ///
    /// # Errors
    /// [`ActError::NotFound`] when there is none, or it is not the caller's.
    pub async fn revoke_api_key(&self, caller: &Caller, id: &str) -> Result<(), ActError> {
        let id = ApiKeyId::new(id);
        self.may_touch(Act::RevokeApiKey, caller, &id).await?;
        self.act(Act::RevokeApiKey, caller, About::of(id.as_str()), move |inner, standing| {
            inner.key(&standing, &id)?;
            if inner.machines.keys.revoke(&id)? { Ok(()) } else { Err(ActError::NotFound) }
        })
        .await
    }

    /// Makes an account for a program. It has no password and never signs in; it acts by its keys,
    /// certificates and client credentials.
    ///
    /// # Errors
    /// [`AddAccountError::Invalid`] for a name or role that cannot be one.
    pub async fn add_service_account(
        &self,
        caller: &Caller,
        name: &str,
        roles: Vec<String>,
    ) -> Result<(), AddAccountError> {
        let (about, name) = (About::of(name).with("roles", roles.join(" ")), name.to_owned());
        self.act(Act::AddServiceAccount, caller, about, move |inner, _| {
            let invalid = |path: &str, reason: String| AddAccountError::Invalid(Problem::new(path, reason));
            let parsed: AccountName =
                name.parse().map_err(|_| invalid("name", format!("`{name}` cannot be an account's name")))?;
            if let Some(role) = roles.iter().find(|role| !is_word(role)) {
                return Err(invalid("roles", format!("`{role}` cannot be used")));
            }
            let new = gabion_identity::NewAccount {
                kind: AccountKind::Service,
                tenant: TenantId::new(TenantId::DEFAULT),
                roles: roles.iter().map(|role| Role::new(role)).collect(),
                ..gabion_identity::NewAccount::person(parsed.clone())
            };
            match inner.accounts.create(new, inner.clock.now(), &*inner.rng) {
                Ok(_) => Ok(()),
                Err(gabion_identity::AccountError::Taken) => {
                    Err(AddAccountError::NameTaken(parsed.to_string()))
                }
                Err(error) => Err(ActError::from(error).into()),
            }
        })
        .await
    }

    /// Whether the caller may do something to this key; if not, a counted refusal and no act, so that nobody
    /// fills the ledger with tries.
    async fn may_touch(&self, act: Act, caller: &Caller, id: &ApiKeyId) -> Result<(), ActError> {
        let (asked, id) = (caller.clone(), id.clone());
        self.read(act, caller, move |inner, standing| {
            let found = inner.key(&standing, &id).map(drop);
            if found == Err(ActError::NotFound) {
                let mut event = inner.event(act, &asked, Outcome::Failure);
                event.kind = gabion_model::EventKind::Refusal;
                event.reason = Some(ActError::NotFound.to_string());
                inner.ledger.observe(event);
            }
            found
        })
        .await
    }
}

impl Inner {
    /// The account a key is or shall be of.
    fn key_owner(&self, standing: &Standing, name: Option<&str>) -> Result<Account, ActError> {
        let named = |name: &str| {
            let name: AccountName = name.parse().map_err(|_| ActError::NotFound)?;
            self.accounts.find(&name)?.filter(|account| !account.disabled).ok_or(ActError::NotFound)
        };
        match (standing, name) {
            (Standing::Administrator(own) | Standing::Member(own), None) => Ok(own.clone()),
            (Standing::Administrator(_) | Standing::Operator, Some(name)) => named(name),
            // Whether there is such an account is not a member's to learn.
            (Standing::Member(own), Some(name)) if own.name.as_str() == name => Ok(own.clone()),
            (Standing::Member(_), Some(_)) => Err(ActError::NotFound),
            _ => Err(ActError::Forbidden),
        }
    }

    /// A key the caller may see and end, with its account.
    fn key(&self, standing: &Standing, id: &ApiKeyId) -> Result<(ApiKey, Account), ActError> {
        let key = self.machines.keys.find(id, self.clock.now()).ok_or(ActError::NotFound)?;
        let is_own = match standing {
            Standing::Administrator(_) | Standing::Operator => true,
            Standing::Member(own) => own.id == key.account,
            Standing::Anonymous
            | Standing::Asker(_)
            | Standing::Gate
            | Standing::Provisioner(_)
            | Standing::Recorder(_)
            | Standing::Registrar(_)
            | Standing::Shield(_) => false,
        };
        let account = self.accounts.by_id(&key.account)?.filter(|_| is_own).ok_or(ActError::NotFound)?;
        Ok((key, account))
    }
}

impl ApiKeyView {
    pub(crate) fn of(key: &ApiKey, account: &Account) -> Self {
        Self {
            id: key.id.to_string(),
            account: account.name.to_string(),
            label: key.label.clone(),
            hint: key.hint.clone(),
            scopes: key.scopes.iter().map(str::to_owned).collect(),
            created: key.created,
            expires: key.expires,
            last_used: key.last_used,
            successor: key.successor.as_ref().map(ToString::to_string),
        }
    }
}

impl From<ApiKeyError> for ApiKeyActError {
    fn from(error: ApiKeyError) -> Self {
        let path = match &error {
            ApiKeyError::Life(_) => "life",
            ApiKeyError::Label => "label",
            ApiKeyError::Scopes => "scopes",
            ApiKeyError::Replaced | ApiKeyError::TooMany(_) => "account",
            ApiKeyError::NotFound => return ActError::NotFound.into(),
            ApiKeyError::Storage(error) => return ActError::from(error.clone()).into(),
        };
        Self::Invalid(Problem::new(path, error.to_string()))
    }
}

/// What can stand in a claim and a list without quoting.
fn is_word(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-:".contains(&byte))
}
