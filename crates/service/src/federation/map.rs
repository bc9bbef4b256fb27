//! What a provider's claims give: roles and groups, brought up to date at every sign-in.
//!
//! Roles and groups that some rule names come and go with the claims; others stay. Whoever loses one loses
//! the sessions that carry it.

use gabion_identity::federation::{Asserted, Provider};
use gabion_identity::group::GroupError;
use gabion_identity::{Account, AccountError, GroupName};
use gabion_model::{GroupId, Role};

use super::FederationError;
use crate::record::About;
use crate::service::Inner;
use crate::{Act, ActError, Caller, Service};

/// What is to change.
struct Changes {
    roles: Option<Vec<Role>>,
    join: Vec<GroupName>,
    leave: Vec<GroupId>,
}

impl Service {
    /// The account with what the claims give, as it is after that.
    pub(super) async fn map_claims(
        &self,
        caller: &Caller,
        provider: &Provider,
        asserted: &Asserted,
        account: Account,
    ) -> Result<Account, FederationError> {
        let changes = Changes::of(provider, asserted, &account);
        if account.disabled || changes.is_empty() {
            return Ok(account);
        }
        let roles: Vec<&str> = changes.roles.iter().flatten().map(Role::as_str).collect();
        let groups: Vec<&str> = changes.join.iter().map(GroupName::as_str).collect();
        let about = About::of(account.name.as_str())
            .with("provider", &*provider.name)
            .with("roles", roles.join(" "))
            .with("joins", groups.join(", "));
        self.act(Act::MapClaims, caller, about, move |inner, _| inner.apply(&account, changes)).await
    }
}

impl Inner {
    fn apply(&self, account: &Account, changes: Changes) -> Result<Account, FederationError> {
        if let Some(roles) = changes.roles {
            match self.accounts.set_roles(&account.id, roles) {
                // Nobody is locked out by what a provider stopped saying.
                Err(AccountError::LastAdministrator) => {
                    tracing::warn!(account = %account.name, "the last administrator keeps the role");
                }
                changed => drop(changed.map_err(ActError::from)?),
            }
        }
        let (now, this) = (self.clock.now(), || vec![account.id.clone()]);
        for group in changes.leave {
            self.changed(account, self.groups.change_members(&group, Vec::new(), this(), now))?;
        }
        for name in changes.join {
            match self.groups.find(&name) {
                Ok(Some(group)) if group.tenant == account.tenant => {
                    self.changed(account, self.groups.change_members(&group.id, this(), Vec::new(), now))?;
                }
                Ok(_) => tracing::warn!(group = %name.as_str(), "a rule names a group that is not there"),
                Err(error) => self.changed(account, Err::<(), _>(error))?,
            }
        }
        Ok(self.accounts.by_id(&account.id).map_err(ActError::from)?.ok_or(ActError::NotFound)?)
    }

    fn changed<T>(&self, account: &Account, result: Result<T, GroupError>) -> Result<(), FederationError> {
        match result {
            Ok(_) => Ok(()),
            Err(GroupError::Storage(error)) => Err(ActError::from(error).into()),
            Err(error) => {
                tracing::warn!(account = %account.name, %error, "membership stays as it is");
                Ok(())
            }
        }
    }
}

impl Changes {
    fn of(provider: &Provider, asserted: &Asserted, account: &Account) -> Self {
        let settings = &provider.settings;
        let same = |one: &GroupName, other: &str| {
            other.parse::<GroupName>().is_ok_and(|other| other.folded() == one.folded())
        };
        let is_in = |name: &str| account.groups.iter().any(|one| same(&one.name, name));
        let given = &asserted.granted.groups;
        let managed: Vec<&String> = settings.map.iter().flat_map(|rule| &rule.groups).collect();
        let lost = |name: &GroupName| {
            managed.iter().any(|one| same(name, one)) && !given.iter().any(|one| same(name, one))
        };
        Self {
            roles: asserted.roles(settings, &account.roles),
            join: given.iter().filter(|name| !is_in(name)).filter_map(|name| name.parse().ok()).collect(),
            leave: account.groups.iter().filter(|one| lost(&one.name)).map(|one| one.group.clone()).collect(),
        }
    }

    fn is_empty(&self) -> bool {
        self.roles.is_none() && self.join.is_empty() && self.leave.is_empty()
    }
}
