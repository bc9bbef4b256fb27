//! What people do with their own account: change what is known of them, take it with them, leave.

use gabion_identity::{AccountEdit, Personal};

use super::check::Check;
use super::{DirectoryError, Person};
use crate::record::About;
use crate::{Act, ActError, Caller, Notice, Service};

/// What a person changes of what is known of them.
#[derive(Debug, Clone, Default)]
pub struct EditProfile {
    pub personal: Personal,
}

/// What goes when somebody deletes their account, for the page that asks whether they mean it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leaving {
    /// What they must type.
    pub name: String,
    /// Nobody else could administer: it cannot be deleted now.
    pub last_administrator: bool,
    pub sessions: usize,
    pub second_factors: usize,
    pub identities: usize,
    pub applications: usize,
    pub api_keys: usize,
}

impl Service {
    /// The caller's own account.
    ///
    /// # Errors
    /// [`ActError::Forbidden`] when the caller is not signed in.
    pub async fn profile(&self, caller: &Caller) -> Result<Person, DirectoryError> {
        self.read(Act::ShowProfile, caller, |inner, standing| Ok(inner.person(&standing.account()?))).await
    }

    /// Changes what is known of the caller.
    ///
    /// # Errors
    /// [`DirectoryError::Invalid`] with every problem.
    pub async fn edit_profile(&self, caller: &Caller, edit: EditProfile) -> Result<Person, DirectoryError> {
        // Judged before anything is recorded: whoever is signed in could otherwise fill the record.
        let mut check = Check::default();
        check.personal(&edit.personal);
        check.done()?;
        self.act(Act::EditProfile, caller, About::default(), move |inner, standing| {
            let account = standing.account()?;
            let edit = AccountEdit { personal: Some(edit.personal), ..AccountEdit::default() };
            Ok(inner.person(&inner.accounts.edit(&account.id, edit, inner.clock.now())?))
        })
        .await
    }

    /// What would go with the caller's own account. Changes nothing and is not recorded.
    ///
    /// # Errors
    /// [`ActError::StepUp`] when the caller must prove again who they are.
    pub async fn leaving(&self, caller: &Caller) -> Result<Leaving, ActError> {
        self.read(Act::RemoveOwnAccount, caller, |inner, standing| {
            let account = standing.account()?;
            let now = inner.clock.now();
            Ok(Leaving {
                last_administrator: inner.accounts.is_last_administrator(&account)?,
                sessions: inner.sessions.list(&account.id, now).len(),
                second_factors: inner.storage.factors(&account.id)?.count(),
                identities: inner.storage.identities(&account.id)?.len(),
                applications: inner.grant_views(&account)?.len(),
                api_keys: inner.machines.keys.list(&account.id, now).len(),
                name: account.name.to_string(),
            })
        })
        .await
    }

    /// Removes the caller's own account; everything of it ends at once.
    ///
    /// # Errors
    /// [`DirectoryError::Invalid`] when `name` is not the account's, [`DirectoryError::LastAdministrator`]
    /// when nobody else could administer.
    pub async fn remove_own(&self, caller: &Caller, name: &str) -> Result<(), DirectoryError> {
        let typed = name.trim().to_lowercase();
        let own = self.profile(caller).await?;
        if own.name != typed {
            let mut check = Check::default();
            check.add("name", "this is not the name of your account".to_owned());
            check.done()?;
        }
        self.act(Act::RemoveOwnAccount, caller, About::of(own.name), |inner, standing| {
            let account = standing.account()?;
            let account = inner.remove_account(&account.id, false)?;
            inner.notify(&account, &Notice::AccountRemoved);
            Ok(())
        })
        .await
    }
}
