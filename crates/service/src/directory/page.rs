//! Pages of lists, and the tokens with which the next page is asked for.
//!
//! A token is sealed under the gate's own key and bound to the list and the filter it was made for: one
//! that was forged, moved to another list or made for another filter is refused (Ory Hydra GO-2026-4807).

use gabion_identity::storage::{AccountFilter, AccountPage, GroupPage};
use gabion_identity::{AccountKind, AccountName};
use gabion_model::{GroupId, Role, TenantId};
use gabion_vault::encoding::{base64url_decode, base64url_encode};
use gabion_vault::sha256;

use super::check::Check;
use super::{DirectoryError, GroupView, Person, StateFilter};
use crate::record::observed;
use crate::service::Inner;
use crate::{Act, Caller, Service};

/// Which accounts; what is `None` fits all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PersonSearch {
    pub name: Option<String>,
    /// Name or address have this in them, in whatever case.
    pub contains: Option<String>,
    pub email: Option<String>,
    pub external_id: Option<String>,
    pub kind: Option<AccountKind>,
    pub tenant: Option<String>,
    pub role: Option<String>,
    pub group: Option<GroupId>,
    pub state: Option<StateFilter>,
    pub descending: bool,
}

/// Which groups.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GroupSearch {
    pub name: Option<String>,
    pub external_id: Option<String>,
    pub descending: bool,
}

/// Where a page begins.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Start {
    #[default]
    First,
    /// Behind so many.
    Skip(u64),
    /// Where an earlier page ended: its [`Found::next`].
    Token(String),
}

/// A page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found<T> {
    pub items: Vec<T>,
    /// How many fit in all.
    pub total: u64,
    /// The token of the next page; none behind the last one.
    pub next: Option<String>,
}

impl Service {
    /// A page of the accounts that fit, by name. Changes nothing; that it was asked for is counted in the
    /// record.
    ///
    /// # Errors
    /// [`DirectoryError::Invalid`] for a filter or a token that cannot be one.
    pub async fn find_people(
        &self,
        caller: &Caller,
        search: PersonSearch,
        start: Start,
        limit: usize,
    ) -> Result<Found<Person>, DirectoryError> {
        let asked = caller.clone();
        self.read(Act::FindAccounts, caller, move |inner, _| {
            observed(inner, Act::FindAccounts, &asked);
            let context = format!("page:accounts:{}", digest(&format!("{search:?}")));
            let filter = search.filter()?;
            let (after, skip) = inner.start(&context, start)?;
            let after: Option<AccountName> = after.and_then(|name| name.parse().ok());
            let limit = limit.min(LONGEST_PAGE);
            let mut page = inner.accounts.page(&AccountPage {
                filter: filter.clone(),
                after,
                skip,
                descending: search.descending,
                limit: limit.saturating_add(1),
            })?;
            let more = page.len() > limit;
            page.truncate(limit);
            let next = match page.last() {
                Some(last) if more => Some(inner.token(&context, last.name.as_str())?),
                _ => None,
            };
            let total = inner.accounts.count(&filter)?;
            Ok(Found { items: page.into_iter().map(|account| inner.person(&account)).collect(), total, next })
        })
        .await
    }

    /// A page of the groups that fit, by name.
    ///
    /// # Errors
    /// [`DirectoryError::Invalid`] for a token that cannot be one.
    pub async fn find_groups(
        &self,
        caller: &Caller,
        search: GroupSearch,
        start: Start,
        limit: usize,
    ) -> Result<Found<GroupView>, DirectoryError> {
        let asked = caller.clone();
        self.read(Act::FindGroups, caller, move |inner, _| {
            observed(inner, Act::FindGroups, &asked);
            if let Some(name) = &search.name {
                let found = match name.parse() {
                    Ok(name) => inner.groups.find(&name)?,
                    Err(_) => None,
                };
                let items: Vec<_> = found.iter().map(super::groups::view).collect();
                return Ok(Found { total: u64::from(!items.is_empty()), items, next: None });
            }
            let context = format!("page:groups:{}", digest(&format!("{search:?}")));
            let (after, skip) = inner.start(&context, start)?;
            let limit = limit.min(LONGEST_PAGE);
            let mut page = inner.groups.page(&GroupPage {
                external_id: search.external_id.clone(),
                after: after.and_then(|name| name.parse().ok()),
                skip,
                descending: search.descending,
                limit: limit.saturating_add(1),
            })?;
            let more = page.len() > limit;
            page.truncate(limit);
            let next = match page.last() {
                Some(last) if more => Some(inner.token(&context, last.name.as_str())?),
                _ => None,
            };
            let total = match search.external_id {
                Some(_) => u64::try_from(page.len()).unwrap_or(u64::MAX),
                None => inner.groups.count()?,
            };
            Ok(Found { items: page.iter().map(super::groups::view).collect(), total, next })
        })
        .await
    }
}

impl PersonSearch {
    fn filter(&self) -> Result<AccountFilter, DirectoryError> {
        let mut check = Check::default();
        let name = self.name.as_deref().and_then(|name| check.name(name));
        let email = self.email.as_deref().and_then(|email| check.email(email));
        if let Some(contains) = self.contains.as_ref().filter(|text| text.is_empty() || text.len() > 254) {
            check.add("contains", format!("{} characters; 1 to 254 can be looked for", contains.len()));
        }
        check.done()?;
        let (disabled, enrolled) = match self.state {
            None => (None, None),
            Some(StateFilter::Disabled) => (Some(true), None),
            Some(StateFilter::Active) => (Some(false), Some(true)),
            Some(StateFilter::Invited) => (Some(false), Some(false)),
        };
        Ok(AccountFilter {
            name,
            name_prefix: None,
            contains: self.contains.as_ref().map(|text| text.to_lowercase()),
            email,
            external_id: self.external_id.clone(),
            mentions: None,
            kind: self.kind,
            tenant: self.tenant.as_deref().map(TenantId::new),
            role: self.role.as_deref().map(Role::new),
            group: self.group.clone(),
            disabled,
            enrolled,
        })
    }
}

impl Inner {
    fn start(&self, context: &str, start: Start) -> Result<(Option<String>, u64), DirectoryError> {
        match start {
            Start::First => Ok((None, 0)),
            Start::Skip(count) => Ok((None, count)),
            Start::Token(token) => self.opened(context, &token).map(|last| (Some(last), 0)),
        }
    }

    pub(super) fn token(&self, context: &str, last: &str) -> Result<String, DirectoryError> {
        let sealed = self.sealing.seal(context, last.as_bytes(), &*self.rng);
        sealed.map(|sealed| base64url_encode(&sealed)).map_err(|_| crate::ActError::Unavailable.into())
    }

    /// What a token of ours says.
    pub(super) fn opened(&self, context: &str, token: &str) -> Result<String, DirectoryError> {
        let opened = base64url_decode(token).ok().and_then(|sealed| self.sealing.open(context, &sealed).ok());
        opened.and_then(|last| String::from_utf8(last.expose().clone()).ok()).ok_or_else(|| {
            let mut check = Check::default();
            check.add("page", "this is no page of this list; begin with the first one".to_owned());
            DirectoryError::Invalid(check.0)
        })
    }
}

fn digest(text: &str) -> String {
    base64url_encode(&sha256(text.as_bytes()))
}

/// More is asked for page by page.
const LONGEST_PAGE: usize = 500;
