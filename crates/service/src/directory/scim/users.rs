//! Users: shown, made, changed. They are removed as anybody is: [`Service::remove_person`].

use std::sync::PoisonError;

use gabion_identity::scim::patch::{self, Operation};
use gabion_identity::scim::user::{self, Password, Wanted};
use gabion_identity::scim::{Attributes, Kind, Map, Refusal, USER, value};
use gabion_identity::{Account, AccountKind, AccountName, MalformedName, NewAccount, Personal};
use gabion_model::{AccountId, Secret, TenantId};
use gabion_vault::password;
use serde_json::Value;

use super::{ScimError, ScimResource, resource, version};
use crate::authorize::Standing;
use crate::directory::accounts::Provisioned;
use crate::directory::check::Check;
use crate::directory::{DirectoryError, EditPerson};
use crate::passwords::violations;
use crate::record::{About, observed};
use crate::service::Inner;
use crate::{Act, ActError, Caller, Service};

/// What to change of a user.
#[derive(Debug, Clone)]
pub enum UserChange {
    /// Some of it (`PATCH`).
    Patch(Vec<Operation>),
    /// All of it (`PUT`). Whether the account is active, its roles and its password stay when they are not named
    /// (RFC 7644, 3.5.1): nobody who was disabled comes back because a field was left out.
    Whole(Map),
}

impl UserChange {
    /// From the body of a `PUT`.
    ///
    /// # Errors
    /// What [`value::resource`] refuses.
    pub fn whole(body: Value) -> Result<Self, Refusal> {
        value::resource(&USER, body).map(Self::Whole)
    }

    /// From the body of a `PATCH`.
    ///
    /// # Errors
    /// What [`patch::operations`] refuses.
    pub fn patch(body: Value) -> Result<Self, Refusal> {
        patch::operations(body).map(Self::Patch)
    }

    /// What the account is to be after it.
    fn of(&self, account: &Account) -> Result<Wanted, Refusal> {
        let operations = match self {
            Self::Whole(document) => return user::wanted(document.clone(), &account.personal),
            Self::Patch(operations) => operations,
        };
        let mut document = user::document(account, "");
        // No document has it; this one says whether there is one, so that it can be taken away.
        if account.password.is_some() {
            document.insert(PASSWORD.to_owned(), Value::Null);
        }
        patch::apply(&USER, &mut document, operations)?;
        let told = document.contains_key(ACTIVE);
        match document.get(PASSWORD) {
            Some(Value::Null) => document.remove(PASSWORD),
            None if account.password.is_some() => document.insert(PASSWORD.to_owned(), Value::Null),
            _ => None,
        };
        let mut wanted = user::wanted(document, &account.personal)?;
        wanted.roles.get_or_insert_default();
        if !told {
            let mut kept = wanted.attributes.as_map().clone();
            kept.insert(ACTIVE.to_owned(), Value::Null);
            wanted.attributes = Attributes::new(kept);
        }
        Ok(wanted)
    }

    /// Whether it could be about the password: then it is looked at twice, for hashing takes long.
    fn may_set_password(&self) -> bool {
        match self {
            Self::Whole(document) => document.contains_key(PASSWORD),
            Self::Patch(operations) => operations.iter().any(|operation| {
                let path = operation.path.as_ref().map(ToString::to_string).unwrap_or_default();
                let keys = operation.value.as_object().into_iter().flat_map(Map::keys);
                keys.chain([&path]).any(|name| name.to_ascii_lowercase().contains(PASSWORD))
            }),
        }
    }
}

impl Service {
    /// One user.
    ///
    /// # Errors
    /// [`DirectoryError::NotFound`] when there is none.
    pub async fn scim_user(&self, caller: &Caller, id: AccountId) -> Result<ScimResource, ScimError> {
        let asked = caller.clone();
        self.read(Act::FindAccounts, caller, move |inner, standing| {
            inner.provisioner(&asked, standing)?;
            observed(inner, Act::FindAccounts, &asked);
            Ok(inner.scim_resource(&inner.scim_account(&id)?))
        })
        .await
    }

    /// Makes a user. `vouched`: whoever asks answers for it that the address is the person's.
    ///
    /// # Errors
    /// [`ScimError::Refused`] for what is no user, [`DirectoryError::Taken`] for a name that is another's.
    pub async fn scim_add_user(
        &self,
        caller: &Caller,
        body: Value,
        vouched: bool,
    ) -> Result<ScimResource, ScimError> {
        let wanted = user::wanted(value::resource(&USER, body)?, &Personal::default())?;
        let asked = caller.clone();
        self.read::<_, ScimError>(Act::ProvisionAccount, caller, move |inner, standing| {
            Ok(inner.provisioner(&asked, standing).map(|_| ())?)
        })
        .await?;
        let hash = self.scim_hash(&wanted).await?;
        let about = About::of(wanted.user_name.as_str()).with("via", "scim");
        let asked = caller.clone();
        self.act(Act::ProvisionAccount, caller, about, move |inner, standing| {
            let standing = inner.provisioner(&asked, standing)?;
            let account = inner.scim_insert(&standing, wanted, hash, vouched)?;
            Ok(inner.scim_resource(&account))
        })
        .await
    }

    /// Changes a user: all of it or nothing. Of `versions` it must have one, when any are named.
    ///
    /// # Errors
    /// [`DirectoryError::Changed`] when it has another version.
    pub async fn scim_change_user(
        &self,
        caller: &Caller,
        id: AccountId,
        change: UserChange,
        versions: Option<Vec<String>>,
        vouched: bool,
    ) -> Result<ScimResource, ScimError> {
        let mut hash = None;
        if change.may_set_password() {
            let (asked, planned, id) = (caller.clone(), change.clone(), id.clone());
            let wanted = self
                .read::<_, ScimError>(Act::EditAccount, caller, move |inner, standing| {
                    inner.provisioner(&asked, standing)?;
                    Ok(planned.of(&inner.scim_account(&id)?)?)
                })
                .await?;
            hash = self.scim_hash(&wanted).await?;
        }
        let asked = caller.clone();
        let about = About::of(id.as_str()).with("via", "scim");
        self.act(Act::EditAccount, caller, about, move |inner, standing| {
            let standing = inner.provisioner(&asked, standing)?;
            // A patch is of what is there: nobody else patches between looking and writing.
            let _held = inner.provisioning.lock().unwrap_or_else(PoisonError::into_inner);
            let account = inner.scim_account(&id)?;
            if versions.is_some_and(|versions| !versions.contains(&tag(inner, &account))) {
                return Err(DirectoryError::Changed.into());
            }
            let wanted = change.of(&account)?;
            let account = inner.scim_edit(&standing, &account, wanted, hash, vouched)?;
            Ok(inner.scim_resource(&account))
        })
        .await
    }

    /// Removes a user, of one of these versions when any are named.
    ///
    /// # Errors
    /// [`DirectoryError::LastAdministrator`] when nobody else could administer.
    pub async fn scim_remove_user(
        &self,
        caller: &Caller,
        id: AccountId,
        versions: Option<Vec<String>>,
    ) -> Result<(), ScimError> {
        let asked = caller.clone();
        let about = About::of(id.as_str()).with("via", "scim");
        self.act(Act::RemoveAccount, caller, about, move |inner, standing| {
            inner.provisioner(&asked, standing)?;
            let account = inner.scim_account(&id)?;
            if versions.is_some_and(|versions| !versions.contains(&tag(inner, &account))) {
                return Err(DirectoryError::Changed.into());
            }
            inner.remove_account(&account.id, false)?;
            Ok(())
        })
        .await
    }

    /// The hash of the password that is wanted, if one is, made where hashing is bounded.
    async fn scim_hash(&self, wanted: &Wanted) -> Result<Option<String>, ScimError> {
        let Password::Set(password) = &wanted.password else { return Ok(None) };
        let wrong = |detail: String| Refusal { kind: Kind::InvalidValue, detail };
        let name: AccountName =
            wanted.user_name.parse().map_err(|error: MalformedName| wrong(format!("`userName`: {error}")))?;
        let rules = self.0.rules();
        let broken = violations(&rules.passwords, password, &name);
        if !broken.is_empty() {
            return Err(wrong(format!("`password`: {}", broken.join(" "))).into());
        }
        let place = self.0.workers.place().map_err(|_| ActError::Busy)?;
        let (password, cost, worker): (Secret<String>, _, _) = (password.clone(), rules.cost, self.clone());
        let hashed = place.run(move || password::hash(&password, cost, &*worker.0.rng)).await;
        Ok(Some(hashed.map_err(|_| ActError::Unavailable)?.map_err(|_| ActError::Busy)?))
    }
}

impl Inner {
    pub(super) fn scim_account(&self, id: &AccountId) -> Result<Account, DirectoryError> {
        let found = self.accounts.by_id(id)?.filter(|account| account.kind == AccountKind::Person);
        found.ok_or(DirectoryError::NotFound)
    }

    pub(super) fn scim_resource(&self, account: &Account) -> ScimResource {
        resource(user::document(account, &self.scim_base()), tag(self, account))
    }

    fn scim_insert(
        &self,
        standing: &Standing,
        wanted: Wanted,
        hash: Option<String>,
        vouched: bool,
    ) -> Result<Account, DirectoryError> {
        let mut check = Check::default();
        let name = check.name(&wanted.user_name);
        let email = wanted.email.as_deref().and_then(|email| check.email(email));
        let roles = check.roles(&wanted.roles.unwrap_or_default());
        check.personal(&wanted.personal);
        if let Some(external_id) = &wanted.external_id {
            check.external_id(external_id);
        }
        check.done()?;
        let name = name.ok_or(DirectoryError::NotFound)?;
        self.may_grant(standing, &roles, &[])?;
        let now = self.clock.now();
        let new = NewAccount {
            tenant: TenantId::new(TenantId::DEFAULT),
            roles,
            email_verified: email.as_ref().filter(|_| vouched).map(|_| now),
            email,
            personal: wanted.personal,
            external_id: wanted.external_id,
            attributes: wanted.attributes,
            ..NewAccount::person(name.clone())
        };
        let disabled = wanted.active == Some(false);
        let made = self.accounts.import(new, hash, disabled, now, &*self.rng);
        made.map_err(|error| self.taken(error, Some(&name), None))
    }

    fn scim_edit(
        &self,
        standing: &Standing,
        account: &Account,
        wanted: Wanted,
        hash: Option<String>,
        vouched: bool,
    ) -> Result<Account, DirectoryError> {
        let renamed = wanted.user_name.parse().ok().as_ref() != Some(&account.name);
        let address = account.email.as_ref().map(ToString::to_string);
        let same_address = match (&wanted.email, &address) {
            (Some(wanted), Some(address)) => wanted.eq_ignore_ascii_case(address),
            (wanted, address) => wanted.is_none() && address.is_none(),
        };
        let own: Vec<_> = account.roles.iter().map(|role| role.as_str().to_owned()).collect();
        let edit = EditPerson {
            name: renamed.then_some(wanted.user_name),
            email_verified: (!same_address).then_some(vouched && wanted.email.is_some()),
            email: (!same_address).then_some(wanted.email),
            personal: Some(wanted.personal).filter(|personal| *personal != account.personal),
            external_id: Some(wanted.external_id).filter(|id| *id != account.external_id),
            roles: wanted.roles.filter(|roles| *roles != own),
            disabled: wanted.active.map(|active| !active).filter(|disabled| *disabled != account.disabled),
            ..EditPerson::default()
        };
        let provisioned = Provisioned {
            attributes: Some(wanted.attributes).filter(|attributes| *attributes != account.attributes),
            password: match (wanted.password, hash) {
                (Password::Set(_), Some(hash)) => Some(Some(hash)),
                // It was none when it was looked at first; asked again, it is hashed.
                (Password::Set(_), None) => return Err(DirectoryError::Changed),
                (Password::Remove, _) => Some(None),
                (Password::Keep, _) => None,
            },
        };
        self.edit(standing, account, edit, provisioned)
    }
}

fn tag(inner: &Inner, account: &Account) -> String {
    version(&(inner.person(account).version, account.attributes.as_map()))
}

const ACTIVE: &str = "active";
const PASSWORD: &str = "password";
