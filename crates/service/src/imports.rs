//! Accounts of another program, taken over with the passwords it hashed.
//!
//! What was hashed elsewhere is verified once, at the next sign-in, and hashed anew with ours. How long a
//! verification takes differs by what made the hash, so until then somebody with a stopwatch can tell an
//! imported account from others.

use std::fmt;

use gabion_identity::{AccountError, AccountName, Email, Personal};
use gabion_model::{Problem, Role, Secret, TenantId};
use gabion_vault::encoding::{base64url_decode, base64url_encode};
use gabion_vault::password::{self, Verification};

use crate::accounts::is_word;
use crate::record::About;
use crate::service::Inner;
use crate::{Act, ActError, Caller, Service};

/// An account as another program had it.
#[derive(Debug, Clone, Default)]
pub struct ImportedAccount {
    pub name: String,
    pub tenant: Option<String>,
    pub roles: Vec<String>,
    pub email: Option<String>,
    pub email_verified: bool,
    pub disabled: bool,
    pub personal: Personal,
    /// As the other program stored it; none for somebody who gets a one-time link.
    pub password: Option<Secret<String>>,
}

impl Service {
    /// Takes accounts over, each whole or not at all, and says of each what was wrong with it. `pepper` is
    /// what the other program appended to every password before hashing it (devise). With `dry_run`
    /// everything is looked at and nothing is changed.
    ///
    /// # Errors
    /// [`ActError::Forbidden`] when the caller may not administer.
    pub async fn import_accounts(
        &self,
        caller: &Caller,
        accounts: Vec<ImportedAccount>,
        pepper: Option<Secret<String>>,
        dry_run: bool,
    ) -> Result<Vec<Result<(), Problem>>, ActError> {
        let work = move |inner: &Inner, _| {
            let pepper = pepper.map(|pepper| inner.seal_pepper(&pepper)).transpose()?;
            let import = |account| match inner.import(account, pepper.as_deref(), dry_run) {
                Ok(()) => Ok(Ok(())),
                Err(Refused::Act(error)) => Err(error),
                Err(Refused::Problem(problem)) => Ok(Err(problem)),
            };
            accounts.into_iter().map(import).collect()
        };
        if dry_run {
            return self.read(Act::ImportAccounts, caller, work).await;
        }
        self.act(Act::ImportAccounts, caller, About::default(), work).await
    }
}

/// Why an account was not taken over.
enum Refused {
    /// Nor can the others be.
    Act(ActError),
    Problem(Problem),
}

impl Inner {
    fn import(&self, account: ImportedAccount, pepper: Option<&str>, dry_run: bool) -> Result<(), Refused> {
        let name: AccountName = account.name.parse().map_err(|error| problem("name", error))?;
        let tenant = account.tenant.unwrap_or_else(|| TenantId::DEFAULT.to_owned());
        let words = account.roles.iter().map(|role| ("roles", role)).chain([("tenant", &tenant)]);
        for (path, word) in words {
            if !is_word(word) {
                let problem = Problem::new(path, format!("`{word}` cannot be used"));
                return Err(Refused::Problem(problem.hint("1 to 64 letters, digits and `. _ - :`")));
            }
        }
        let email = account.email.filter(|text| !text.trim().is_empty());
        let email: Option<Email> =
            email.map(|text| text.parse()).transpose().map_err(|error| problem("email", error))?;
        let stored = match &account.password {
            None => None,
            Some(hash) => {
                let kind =
                    password::examine(hash.expose()).map_err(|error| {
                        Refused::Problem(Problem::new("password_hash", error.to_string()).hint(
                            "import the account without it; the person chooses a new password by a link",
                        ))
                    })?;
                match pepper {
                    Some(pepper) if kind == "bcrypt" => Some(format!("{PEPPERED}{pepper}:{}", hash.expose())),
                    _ => Some(hash.expose().clone()),
                }
            }
        };
        let taken = || {
            problem(
                "name",
                "an account with this name or verified address exists, or did and its name was kept",
            )
        };
        let verified = email.as_ref().filter(|_| account.email_verified);
        if dry_run {
            let by_name = self.accounts.find(&name).map_err(ActError::from)?;
            let by_email = match verified {
                Some(email) => self.accounts.by_verified_email(email).map_err(ActError::from)?,
                None => None,
            };
            return if by_name.or(by_email).is_some() { Err(taken()) } else { Ok(()) };
        }
        let now = self.clock.now();
        let new = gabion_identity::NewAccount {
            tenant: TenantId::new(&tenant),
            roles: account.roles.iter().map(|role| Role::new(role)).collect(),
            email_verified: verified.map(|_| now),
            email,
            personal: account.personal,
            ..gabion_identity::NewAccount::person(name)
        };
        match self.accounts.import(new, stored, account.disabled, now, &*self.rng) {
            Ok(_) => Ok(()),
            Err(AccountError::Taken) => Err(taken()),
            Err(error) => Err(Refused::Act(error.into())),
        }
    }

    fn seal_pepper(&self, pepper: &Secret<String>) -> Result<String, ActError> {
        let sealed = self.sealing.seal(PEPPER_PLACE, pepper.expose().as_bytes(), &*self.rng);
        sealed.map(|sealed| base64url_encode(&sealed)).map_err(|_| ActError::Unavailable)
    }

    /// Verifies a password against what is stored, with the pepper it was hashed with, if it was.
    pub(crate) fn verify_password(&self, password: &Secret<String>, stored: &str) -> Verification {
        let Some((sealed, hash)) = stored.strip_prefix(PEPPERED).and_then(|rest| rest.split_once(':')) else {
            return password::verify(password, stored);
        };
        let pepper =
            base64url_decode(sealed).ok().and_then(|sealed| self.sealing.open(PEPPER_PLACE, &sealed).ok());
        let pepper =
            pepper.and_then(|pepper| String::from_utf8(pepper.expose().clone()).map(Secret::new).ok());
        match pepper {
            Some(pepper) => {
                let peppered = Secret::new([password.expose().as_str(), pepper.expose()].concat());
                password::verify(&peppered, hash)
            }
            // Nothing matches, and that takes as long as it always does.
            None => password::verify(password, ""),
        }
    }
}

fn problem(path: &str, error: impl fmt::Display) -> Refused {
    Refused::Problem(Problem::new(path, error.to_string()))
}

impl From<ActError> for Refused {
    fn from(error: ActError) -> Self {
        Self::Act(error)
    }
}

/// Before a hash that was made with a pepper: `pepper:SEALED:HASH`.
const PEPPERED: &str = "pepper:";
const PEPPER_PLACE: &str = "accounts:password:pepper";
