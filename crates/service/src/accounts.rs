//! Acts on accounts, for administrators and the operator.

use gabion_identity::storage::{AccountFilter, AccountPage};
use gabion_identity::{Account, AccountError, AccountKind, AccountName, MalformedName};
use gabion_model::{Problem, Role, TenantId};

use crate::record::About;
use crate::service::Inner;
use crate::{
    AccountState, AccountView, Act, ActError, AddAccountError, Caller, DisableAccountError, NewAccount,
    OneTimeLink, Purpose, Service,
};

impl Service {
    /// Makes an account without a password and the link by which its owner sets one.
    ///
    /// # Errors
    /// [`AddAccountError::Invalid`] for a name, role or tenant that cannot be one.
    pub async fn add_account(
        &self,
        caller: &Caller,
        account: NewAccount,
    ) -> Result<OneTimeLink, AddAccountError> {
        let about = About::of(account.name.as_str()).with("roles", account.roles.join(" "));
        self.act(Act::AddAccount, caller, about, move |inner, _| {
            let account = inner.create(account)?;
            Ok(inner.issue(&account, Purpose::Enrolment)?)
        })
        .await
    }

    /// All accounts by name; [`find_people`](Self::find_people) gives them page by page.
    ///
    /// # Errors
    /// [`ActError::Forbidden`] when the caller may not administer.
    pub async fn list_accounts(&self, caller: &Caller) -> Result<Vec<AccountView>, ActError> {
        self.act(Act::ListAccounts, caller, About::default(), |inner, _| {
            let (mut views, mut after) = (Vec::new(), None);
            loop {
                let page = AccountPage { after: after.take(), limit: AT_ONCE, ..AccountPage::default() };
                let accounts = inner.accounts.page(&page)?;
                after = accounts.last().map(|last| last.name.clone());
                views.extend(accounts.into_iter().map(|account| inner.view(account)));
                if after.is_none() {
                    return Ok(views);
                }
            }
        })
        .await
    }

    /// Bars an account and ends all its sessions and live streams at once.
    ///
    /// # Errors
    /// [`DisableAccountError::LastAdministrator`] when nobody else could administer.
    pub async fn disable_account(&self, caller: &Caller, name: &str) -> Result<(), DisableAccountError> {
        let wanted = name.to_owned();
        self.act(Act::DisableAccount, caller, About::of(name), move |inner, _| {
            let account = inner.named(&wanted)?;
            match inner.accounts.disable(&account.id) {
                Ok(_) => Ok(()),
                Err(AccountError::LastAdministrator) => Err(DisableAccountError::LastAdministrator),
                Err(error) => Err(ActError::from(error).into()),
            }
        })
        .await
    }

    /// Lets a disabled account sign in again.
    ///
    /// # Errors
    /// [`ActError::NotFound`] when there is no such account.
    pub async fn enable_account(&self, caller: &Caller, name: &str) -> Result<(), ActError> {
        let wanted = name.to_owned();
        self.act(Act::EnableAccount, caller, About::of(name), move |inner, _| {
            let account = inner.named(&wanted)?;
            inner.accounts.enable(&account.id)?;
            Ok(())
        })
        .await
    }

    /// Takes the password of an account away, ends its sessions, and makes the link by which its owner
    /// sets a new one.
    ///
    /// # Errors
    /// [`ActError::NotFound`] when there is no such account.
    pub async fn reset_account(&self, caller: &Caller, name: &str) -> Result<OneTimeLink, ActError> {
        let wanted = name.to_owned();
        self.act(Act::ResetAccount, caller, About::of(name), move |inner, _| {
            let account = inner.named(&wanted)?;
            // A program has no password, and a link would give it one.
            if account.kind == AccountKind::Service {
                return Err(ActError::NotFound);
            }
            let account = inner.accounts.remove_password(&account.id)?;
            inner.issue(&account, Purpose::Reset)
        })
        .await
    }

    /// The link for the first administrator, or none when an administrator can already sign in. An older
    /// link stops working.
    ///
    /// # Errors
    /// [`ActError::Forbidden`] for everybody but the operator and the gate.
    pub async fn first_administrator_link(&self, caller: &Caller) -> Result<Option<OneTimeLink>, ActError> {
        let act = Act::FirstAdministratorLink;
        if self.read(act, caller, |inner, _| Ok::<_, ActError>(inner.accounts.has_administrator()?)).await? {
            return Ok(None);
        }
        self.act(act, caller, About::default(), |inner, _| {
            if inner.accounts.has_administrator()? {
                return Ok(None);
            }
            let account = inner.first_administrator()?;
            inner.issue(&account, Purpose::FirstAdministrator).map(Some)
        })
        .await
    }
}

impl Inner {
    pub(crate) fn issue(&self, account: &Account, purpose: Purpose) -> Result<OneTimeLink, ActError> {
        let rules = self.rules();
        let (token, invitation) =
            rules.invitations.issue(&account.id, purpose, self.clock.now(), &*self.rng)?;
        Ok(OneTimeLink {
            token,
            account: account.id.clone(),
            name: account.name.to_string(),
            purpose,
            expires: invitation.expires,
        })
    }

    pub(crate) fn named(&self, name: &str) -> Result<Account, ActError> {
        let name: AccountName = name.parse().map_err(|_: MalformedName| ActError::NotFound)?;
        self.accounts.find(&name)?.ok_or(ActError::NotFound)
    }

    fn create(&self, account: NewAccount) -> Result<Account, AddAccountError> {
        let name: AccountName = account.name.parse().map_err(|error: MalformedName| {
            AddAccountError::Invalid(Problem::new("name", format!("`{}`: {error}", account.name)))
        })?;
        let tenant = account.tenant.unwrap_or_else(|| TenantId::DEFAULT.to_owned());
        let words = account.roles.iter().map(|role| ("roles", role)).chain([("tenant", &tenant)]);
        for (path, word) in words {
            if !is_word(word) {
                let problem = Problem::new(path, format!("`{word}` cannot be used"))
                    .hint("1 to 64 letters, digits and `. _ - :`");
                return Err(AddAccountError::Invalid(problem));
            }
        }
        let new = gabion_identity::NewAccount {
            tenant: TenantId::new(&tenant),
            roles: account.roles.iter().map(|role| Role::new(role)).collect(),
            ..gabion_identity::NewAccount::person(name.clone())
        };
        self.accounts.create(new, self.clock.now(), &*self.rng).map_err(|error| match error {
            AccountError::Taken => AddAccountError::NameTaken(name.to_string()),
            error => ActError::from(error).into(),
        })
    }

    /// The administrator who was never enrolled, or a new one.
    fn first_administrator(&self) -> Result<Account, ActError> {
        let waiting = AccountFilter {
            role: Some(Role::new(Role::ADMINISTRATOR)),
            kind: Some(AccountKind::Person),
            disabled: Some(false),
            ..AccountFilter::default()
        };
        let page = AccountPage { filter: waiting, limit: 1, ..AccountPage::default() };
        if let Some(account) = self.accounts.page(&page)?.pop() {
            return Ok(account);
        }
        for name in FIRST_NAMES {
            let new = NewAccount {
                name: (*name).to_owned(),
                tenant: None,
                roles: vec![Role::ADMINISTRATOR.to_owned()],
            };
            match self.create(new) {
                Ok(account) => return Ok(account),
                Err(AddAccountError::Act(error)) => return Err(error),
                Err(AddAccountError::Invalid(_) | AddAccountError::NameTaken(_)) => {}
            }
        }
        tracing::error!("every name for a first administrator is taken");
        Err(ActError::Unavailable)
    }

    fn view(&self, account: Account) -> AccountView {
        let state = AccountState::of(&account);
        AccountView {
            sessions: self.sessions.list(&account.id, self.clock.now()).len(),
            name: account.name.to_string(),
            roles: account.roles.iter().map(|role| role.as_str().to_owned()).collect(),
            id: account.id,
            tenant: account.tenant,
            state,
            created: account.created,
            last_sign_in: account.last_sign_in,
        }
    }
}

/// What can stand in a claim, a policy and a list without quoting.
pub(crate) fn is_word(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-:".contains(&byte))
}

/// Of the storage, so that it is not held up by a large directory.
const AT_ONCE: usize = 500;
/// The later ones are for an application that has a user of the former name.
const FIRST_NAMES: &[&str] = &["admin", "administrator", "gabion-admin"];
