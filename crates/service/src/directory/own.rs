//! What people do with their own account: change what is known of them, take it with them, leave.

use gabion_identity::{AccountEdit, Personal};
use gabion_ledger::Query;
use gabion_model::Event;
use serde::Serialize;

use super::check::Check;
use super::{DirectoryError, Person, SignedInSession};
use crate::record::About;
use crate::{Act, ActError, Caller, Service};

/// What a person changes of what is known of them.
#[derive(Debug, Clone, Default)]
pub struct EditProfile {
    pub personal: Personal,
}

/// Everything held about a person.
#[derive(Debug, Clone, Serialize)]
pub struct Export {
    pub account: Person,
    pub sessions: Vec<SignedInSession>,
    /// What the record says they did, the latest ones.
    pub events: Vec<Event>,
    /// There are earlier events than those.
    pub events_cut: bool,
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

    /// Everything held about the caller, for them to take away (GDPR, articles 15 and 20).
    ///
    /// # Errors
    /// When the caller is not signed in.
    pub async fn export(&self, caller: &Caller) -> Result<Export, DirectoryError> {
        let account = self
            .act(Act::ExportData, caller, About::default(), |inner, standing| {
                Ok::<_, DirectoryError>(inner.person(&standing.account()?))
            })
            .await?;
        self.0.ledger.flush().await.map_err(ActError::from)?;
        let id = account.id.clone();
        self.blocking_or(move |inner| {
            let sessions = inner.sessions.list(&id, inner.clock.now());
            let sessions = sessions.iter().map(|one| super::sessions::view(one)).collect();
            let query = Query {
                actor: Some(id.as_str().to_owned()),
                limit: Some(MOST_EVENTS + 1),
                ..Query::default()
            };
            let mut events = Vec::new();
            for record in inner.ledger.search(query) {
                match record {
                    Ok(record) => events.push(record.event),
                    Err(error) => {
                        tracing::error!(%error, "export without all events");
                        return Err(ActError::Unavailable.into());
                    }
                }
            }
            let events_cut = events.len() > MOST_EVENTS;
            events.truncate(MOST_EVENTS);
            Ok(Export { account, sessions, events, events_cut })
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
            inner.accounts.remove(&account.id, false, inner.clock.now())?;
            Ok(())
        })
        .await
    }
}

/// What one file holds; earlier ones are asked for from whoever runs the gate.
const MOST_EVENTS: usize = 10_000;
