//! Lists: what the storage can find it finds; the rest of a filter is asked of what it found, within bounds.

use gabion_identity::scim::evaluate::{self, fits};
use gabion_identity::scim::filter::{Comparison, Filter, Literal};
use gabion_identity::scim::{AttrPath, GROUP, Kind, Map, Query, Refusal, ResourceType, USER};
use gabion_identity::storage::{AccountFilter, AccountPage, GroupPage};
use gabion_identity::{Account, AccountKind, AccountName, Group, GroupName};
use gabion_model::{AccountId, GroupId};

use super::groups::{MOST_SHOWN, too_many};
use super::{ScimError, ScimList};
use crate::directory::DirectoryError;
use crate::record::observed;
use crate::service::Inner;
use crate::{Act, Caller, Service};

impl Service {
    /// A page of the users that fit, by name unless `sortBy` says otherwise.
    ///
    /// # Errors
    /// [`Kind::InvalidFilter`], [`Kind::TooMany`].
    pub async fn scim_users(&self, caller: &Caller, query: Query) -> Result<ScimList, ScimError> {
        let asked = caller.clone();
        self.read(Act::FindAccounts, caller, move |inner, standing| {
            inner.provisioner(&asked, standing)?;
            observed(inner, Act::FindAccounts, &asked);
            inner.scim_users(&query)
        })
        .await
    }

    /// A page of the groups that fit.
    ///
    /// # Errors
    /// As [`scim_users`](Self::scim_users).
    pub async fn scim_groups(&self, caller: &Caller, query: Query) -> Result<ScimList, ScimError> {
        let asked = caller.clone();
        self.read(Act::FindGroups, caller, move |inner, standing| {
            inner.provisioner(&asked, standing)?;
            observed(inner, Act::FindGroups, &asked);
            inner.scim_groups(&query)
        })
        .await
    }

    /// A page of all that fit (RFC 7644, 3.4.3): users, then groups.
    ///
    /// # Errors
    /// As [`scim_users`](Self::scim_users).
    pub async fn scim_all(&self, caller: &Caller, query: Query) -> Result<ScimList, ScimError> {
        let mut all = self.scim_users(caller, query.clone()).await?;
        let rest = Query {
            start: query.start.saturating_sub(all.total).max(1),
            count: query.count.saturating_sub(all.resources.len()),
            ..query
        };
        let groups = self.scim_groups(caller, rest).await?;
        all.total = all.total.saturating_add(groups.total);
        all.resources.extend(groups.resources);
        Ok(all)
    }
}

/// What of a filter the storage can do.
#[derive(Default)]
struct Narrowed {
    filter: AccountFilter,
    id: Option<AccountId>,
    /// The filter says more than that.
    more: bool,
    /// Nothing can fit.
    nothing: bool,
}

impl Inner {
    fn scim_users(&self, query: &Query) -> Result<ScimList, ScimError> {
        if let Some(filter) = &query.filter {
            evaluate::check(filter, &USER)?;
        }
        let narrowed = narrow(query.filter.as_ref());
        let by_name = sorts_by(query, &USER, "userName");
        let document = |account: &Account| self.scim_resource(account).body;
        let matches = |account: &Account| {
            query.filter.as_ref().is_none_or(|filter| fits(filter, &USER, &document(account)))
        };
        if narrowed.nothing {
            return Ok(ScimList { start: query.start, ..ScimList::default() });
        }
        if let Some(id) = &narrowed.id {
            let found = self.scim_account(id).ok().filter(matches);
            return Ok(window(query, &USER, found.iter().map(document).collect()));
        }
        let page = |after: Option<AccountName>, skip, limit| AccountPage {
            filter: narrowed.filter.clone(),
            after,
            skip,
            descending: by_name && query.descending,
            limit,
        };
        if by_name && !narrowed.more {
            let found =
                self.accounts.page(&page(None, query.skip(), query.count)).map_err(DirectoryError::from)?;
            let total = self.accounts.count(&narrowed.filter).map_err(DirectoryError::from)?;
            let resources = found.iter().map(document).map(|one| sent(query, &USER, one)).collect();
            return Ok(ScimList { total, start: query.start, resources });
        }
        let mut gathered = Gathered::new(query, &USER, by_name);
        let mut after = None;
        loop {
            let found = self.accounts.page(&page(after, 0, AT_ONCE)).map_err(DirectoryError::from)?;
            let last = found.len() < AT_ONCE;
            after = found.last().map(|account| account.name.clone());
            for account in &found {
                let document = document(account);
                if query.filter.as_ref().is_none_or(|filter| fits(filter, &USER, &document)) {
                    gathered.add(document)?;
                }
                gathered.looked()?;
            }
            if last {
                return Ok(gathered.list());
            }
        }
    }

    fn scim_groups(&self, query: &Query) -> Result<ScimList, ScimError> {
        if let Some(filter) = &query.filter {
            evaluate::check(filter, &GROUP)?;
        }
        let by_members = query.filter.as_ref().is_some_and(|filter| filter.names("members"));
        let members = by_members || query.selection.wants(&GROUP, "members");
        let shown = std::cell::Cell::new(0_u64);
        let document = |group: &Group| {
            if members {
                shown.set(shown.get().saturating_add(group.members));
                if shown.get() > u64::try_from(MOST_SHOWN).unwrap_or(u64::MAX) {
                    return Err(too_many());
                }
            }
            Ok::<_, ScimError>(self.scim_group_resource(group, members)?.body)
        };
        let fitting = |group: &Group| {
            let document = document(group)?;
            let fits = query.filter.as_ref().is_none_or(|filter| fits(filter, &GROUP, &document));
            Ok::<_, ScimError>(fits.then_some(document))
        };
        if let Some(found) = self.few_groups(query.filter.as_ref())? {
            let found = found.iter().filter_map(|group| fitting(group).transpose());
            let mut found = found.collect::<Result<Vec<_>, _>>()?;
            order(query, &GROUP, &mut found);
            return Ok(window(query, &GROUP, found));
        }
        let by_name = sorts_by(query, &GROUP, "displayName");
        let external_id = query.filter.as_ref().and_then(|filter| {
            filter.conjuncts().iter().find_map(|one| Some(equal(one, &GROUP, "externalId", None)?.to_owned()))
        });
        let page = |after: Option<GroupName>, skip, limit| GroupPage {
            external_id: external_id.clone(),
            after,
            skip,
            descending: by_name && query.descending,
            limit,
        };
        if by_name && query.filter.is_none() {
            let found =
                self.groups.page(&page(None, query.skip(), query.count)).map_err(DirectoryError::from)?;
            let total = self.groups.count().map_err(DirectoryError::from)?;
            let resources = found.iter().map(|group| Ok(sent(query, &GROUP, document(group)?)));
            let resources = resources.collect::<Result<_, ScimError>>()?;
            return Ok(ScimList { total, start: query.start, resources });
        }
        let mut gathered = Gathered::new(query, &GROUP, by_name);
        let mut after = None;
        loop {
            let found = self.groups.page(&page(after, 0, AT_ONCE)).map_err(DirectoryError::from)?;
            let last = found.len() < AT_ONCE;
            after = found.last().map(|group| group.name.clone());
            for group in &found {
                if let Some(document) = fitting(group)? {
                    gathered.add(document)?;
                }
                gathered.looked()?;
            }
            if last {
                return Ok(gathered.list());
            }
        }
    }

    /// The groups among which those that fit are, when the filter names them: by id, name or member.
    fn few_groups(&self, filter: Option<&Filter>) -> Result<Option<Vec<Group>>, ScimError> {
        for one in filter.map(Filter::conjuncts).unwrap_or_default() {
            if let Some(id) = equal(one, &GROUP, "id", None) {
                let found = self.groups.by_id(&GroupId::new(id)).map_err(DirectoryError::from)?;
                return Ok(Some(found.into_iter().collect()));
            }
            if let Some(name) = equal(one, &GROUP, "displayName", None) {
                let found = match name.parse() {
                    Ok(name) => self.groups.find(&name).map_err(DirectoryError::from)?,
                    Err(_) => None,
                };
                return Ok(Some(found.into_iter().collect()));
            }
            if let Some(kind) = equal(one, &GROUP, "meta", Some("resourceType"))
                && kind != GROUP.name
            {
                return Ok(Some(Vec::new()));
            }
            if let Some(member) = value_equal(one, &GROUP, "members") {
                let account = self.accounts.by_id(&AccountId::new(member)).map_err(DirectoryError::from)?;
                let mut found = Vec::new();
                for own in account.iter().flat_map(|account| &account.groups) {
                    found.extend(self.groups.by_id(&own.group).map_err(DirectoryError::from)?);
                }
                return Ok(Some(found));
            }
        }
        Ok(None)
    }
}

fn narrow(filter: Option<&Filter>) -> Narrowed {
    let mut narrowed = Narrowed {
        filter: AccountFilter { kind: Some(AccountKind::Person), ..AccountFilter::default() },
        ..Narrowed::default()
    };
    for one in filter.map(Filter::conjuncts).unwrap_or_default() {
        narrowed.by(one);
    }
    narrowed
}

impl Narrowed {
    fn by(&mut self, one: &Filter) {
        let filter = &mut self.filter;
        if let Some(id) = equal(one, &USER, "id", None) {
            self.id = Some(AccountId::new(id));
        } else if let Some(name) = equal(one, &USER, "userName", None) {
            // Names are stored folded, and this is how they are compared.
            let folded = name.to_lowercase();
            match folded.parse::<AccountName>() {
                Ok(name) if name.as_str() == folded && filter.name.is_none() => filter.name = Some(name),
                Ok(name) if name.as_str() == folded => self.more = true,
                _ => self.nothing = true,
            }
        } else if let Some(external_id) = equal(one, &USER, "externalId", None)
            && filter.external_id.is_none()
        {
            filter.external_id = Some(external_id.to_owned());
        } else if let Some(kind) = equal(one, &USER, "meta", Some("resourceType")) {
            self.nothing |= kind != USER.name;
        } else if let Some(group) = value_equal(one, &USER, "groups")
            && filter.group.is_none()
        {
            filter.group = Some(GroupId::new(group));
        } else {
            // It may be that these do not say all of it.
            self.more = true;
            if let Some(prefix) = starts_with(one)
                && filter.name_prefix.is_none()
            {
                filter.name_prefix = Some(prefix);
            } else if let Some(address) = address(one)
                && filter.mentions.is_none()
            {
                filter.mentions = Some(address.to_owned());
            }
        }
    }
}

/// `attribute.part eq "text"`.
fn equal<'a>(
    filter: &'a Filter,
    resource: &'static ResourceType,
    attribute: &str,
    part: Option<&str>,
) -> Option<&'a str> {
    let Filter::Compare(path, Comparison::Equal, Literal::String(text)) = filter else { return None };
    let found = resource.find(path).filter(|found| found.extension.is_none())?;
    let same = found.attribute.name == attribute && found.sub.map(|sub| sub.name) == part;
    (same && !text.is_empty()).then_some(text)
}

/// `attribute.value eq "text"`, `attribute eq "text"`, `attribute[value eq "text"]`.
fn value_equal<'a>(filter: &'a Filter, resource: &'static ResourceType, attribute: &str) -> Option<&'a str> {
    match filter {
        Filter::Matching(path, inner) if path.name.eq_ignore_ascii_case(attribute) => match &**inner {
            Filter::Compare(part, Comparison::Equal, Literal::String(text))
                if part.name.eq_ignore_ascii_case("value") =>
            {
                Some(text)
            }
            _ => None,
        },
        one => {
            equal(one, resource, attribute, Some("value")).or_else(|| equal(one, resource, attribute, None))
        }
    }
}

/// `userName sw "…"`, when it is one that a name can begin with.
fn starts_with(filter: &Filter) -> Option<String> {
    let Filter::Compare(path, Comparison::StartsWith, Literal::String(text)) = filter else { return None };
    let folded = text.to_lowercase();
    let of_names = |byte: u8| byte.is_ascii_alphanumeric() || b"._-+@".contains(&byte);
    (USER.find(path)?.attribute.name == "userName" && !folded.is_empty() && folded.bytes().all(of_names))
        .then_some(folded)
}

/// An address that whoever fits has, in a form in which it is stored as it is written.
fn address(filter: &Filter) -> Option<&str> {
    let text = match filter {
        Filter::Matching(path, inner) if path.name.eq_ignore_ascii_case("emails") => {
            inner.conjuncts().iter().find_map(|one| match one {
                Filter::Compare(part, Comparison::Equal | Comparison::Contains, Literal::String(text))
                    if part.name.eq_ignore_ascii_case("value") =>
                {
                    Some(text.as_str())
                }
                _ => None,
            })
        }
        one => value_equal(one, &USER, "emails"),
    };
    text.filter(|text| {
        !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"\\".contains(&byte))
    })
}

/// Whether it is in the order the storage has.
fn sorts_by(query: &Query, resource: &'static ResourceType, attribute: &str) -> bool {
    query.sort_by.as_ref().is_none_or(|path| {
        resource.find(path).is_some_and(|found| {
            found.extension.is_none() && found.sub.is_none() && found.attribute.name == attribute
        })
    })
}

fn order(query: &Query, resource: &'static ResourceType, documents: &mut [Map]) {
    let default = AttrPath::plain(if resource.name == USER.name { "userName" } else { "displayName" });
    let path = query.sort_by.as_ref().unwrap_or(&default);
    documents.sort_by(|one, other| {
        let ordering = evaluate::order(path, resource, one, other);
        if query.descending { ordering.reverse() } else { ordering }
    });
}

/// What is sent of one.
fn sent(query: &Query, resource: &'static ResourceType, mut document: Map) -> Map {
    query.selection.apply(resource, &mut document);
    document
}

/// The part of all that fit that was asked for.
fn window(query: &Query, resource: &'static ResourceType, all: Vec<Map>) -> ScimList {
    let total = u64::try_from(all.len()).unwrap_or(u64::MAX);
    let skip = usize::try_from(query.skip()).unwrap_or(usize::MAX);
    let resources = all.into_iter().skip(skip).take(query.count).map(|one| sent(query, resource, one));
    ScimList { total, start: query.start, resources: resources.collect() }
}

/// What was found so far, when each one must be looked at.
struct Gathered<'a> {
    query: &'a Query,
    resource: &'static ResourceType,
    /// They come in order: only those of the page are kept.
    ordered: bool,
    total: u64,
    looked: usize,
    kept: Vec<Map>,
}

impl<'a> Gathered<'a> {
    const fn new(query: &'a Query, resource: &'static ResourceType, ordered: bool) -> Self {
        Self { query, resource, ordered, total: 0, looked: 0, kept: Vec::new() }
    }

    fn add(&mut self, document: Map) -> Result<(), ScimError> {
        if !self.ordered {
            if self.kept.len() >= MOST_SORTED {
                return Err(many(format!(
                    "more than {MOST_SORTED} cannot be sorted so; sort by name, or filter"
                )));
            }
            self.kept.push(document);
        } else if self.total >= self.query.skip() && self.kept.len() < self.query.count {
            self.kept.push(sent(self.query, self.resource, document));
        }
        self.total = self.total.saturating_add(1);
        Ok(())
    }

    fn looked(&mut self) -> Result<(), ScimError> {
        self.looked = self.looked.saturating_add(1);
        if self.looked <= MOST_LOOKED_AT {
            return Ok(());
        }
        Err(many(format!(
            "more than {MOST_LOOKED_AT} would have to be looked at; filter by `userName`, `externalId`, `id` or `emails` too"
        )))
    }

    fn list(mut self) -> ScimList {
        if self.ordered {
            return ScimList { total: self.total, start: self.query.start, resources: self.kept };
        }
        order(self.query, self.resource, &mut self.kept);
        window(self.query, self.resource, self.kept)
    }
}

fn many(detail: String) -> ScimError {
    Refusal { kind: Kind::TooMany, detail }.into()
}

const AT_ONCE: usize = 500;
const MOST_LOOKED_AT: usize = 50_000;
const MOST_SORTED: usize = 5_000;
