//! People, groups, sessions and grants, over the control socket.

use gabion_model::SessionId;
use gabion_service::{
    AccountKind, Caller, DirectoryError, EditGroup, EditPerson, GroupName, GroupSearch, GroupView,
    KnownNames, NewGroup, Person, PersonSearch, Service, SessionPage, Start, Which,
};
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

use super::operation::{Refusal, Reply};

/// What can be asked.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "verb", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum DirectoryRequest {
    AddGroup {
        name: String,
        roles: Vec<String>,
        tenant: Option<String>,
    },
    ChangeGroup {
        name: String,
        rename: Option<String>,
        roles: Option<Vec<String>>,
        add: Vec<String>,
        remove: Vec<String>,
    },
    Email {
        name: String,
        address: Option<String>,
        verified: bool,
    },
    EndSession {
        id: String,
    },
    EndSessions {
        name: String,
    },
    Grants {
        name: String,
    },
    Groups,
    /// What policies can name.
    Names,
    People {
        kind: AccountKind,
    },
    ReleaseName {
        name: String,
    },
    Remove {
        name: String,
        kind: AccountKind,
        keep_name: bool,
    },
    RemoveGroup {
        name: String,
    },
    Rename {
        name: String,
        to: String,
    },
    Revoke {
        name: String,
    },
    RevokeGrant {
        name: String,
        client: String,
    },
    Roles {
        name: String,
        set: Option<Vec<String>>,
        add: Vec<String>,
        remove: Vec<String>,
    },
    Sessions {
        name: Option<String>,
    },
    Show {
        name: String,
    },
    ShowGroup {
        name: String,
    },
}

/// What is answered, in any number.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum DirectoryRow {
    /// How many ended.
    Ended(usize),
    Factor(FactorRow),
    Grant(GrantRow),
    Group(GroupRow),
    /// The name of somebody in a group.
    Member(String),
    Names(KnownNames),
    Person(PersonRow),
    Session(SessionRow),
}

/// An account in full.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct PersonRow {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) kind: AccountKind,
    pub(crate) state: String,
    pub(crate) email: Option<String>,
    pub(crate) email_verified: bool,
    pub(crate) display_name: Option<String>,
    pub(crate) roles: Vec<String>,
    pub(crate) effective_roles: Vec<String>,
    pub(crate) groups: Vec<String>,
    pub(crate) tenant: String,
    pub(crate) external_id: Option<String>,
    pub(crate) created: String,
    pub(crate) updated: String,
    pub(crate) last_sign_in: Option<String>,
    pub(crate) sessions: usize,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct FactorRow {
    pub(crate) id: String,
    pub(crate) kind: String,
    pub(crate) name: String,
    pub(crate) created: String,
    pub(crate) last_used: Option<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct GroupRow {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) roles: Vec<String>,
    pub(crate) tenant: String,
    pub(crate) members: u64,
    pub(crate) external_id: Option<String>,
    pub(crate) created: String,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct SessionRow {
    pub(crate) id: String,
    pub(crate) user: String,
    pub(crate) address: Option<String>,
    pub(crate) user_agent: Option<String>,
    pub(crate) methods: Vec<String>,
    pub(crate) started: String,
    pub(crate) last_seen: String,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct GrantRow {
    pub(crate) client: String,
    pub(crate) name: String,
    pub(crate) scopes: Vec<String>,
    pub(crate) granted: String,
    pub(crate) last_used: Option<String>,
    pub(crate) active: usize,
}

pub(crate) async fn act(
    service: &Service,
    request: DirectoryRequest,
    answers: &mpsc::Sender<Reply>,
) -> Result<Reply, Refusal> {
    let caller = &Caller::operator();
    let tell = |row| async move {
        // Nobody listens: then nobody needs to know.
        let _ = answers.send(Reply::Directory(Box::new(row))).await;
    };
    match request {
        DirectoryRequest::AddGroup { name, roles, tenant } => {
            let new = NewGroup { name, roles, tenant, ..NewGroup::default() };
            tell(group_row(service.add_group(caller, new).await.map_err(of_group)?)).await;
        }
        DirectoryRequest::ChangeGroup { name, rename, roles, add, remove } => {
            let group = group(service, &name).await?;
            let edit = EditGroup {
                name: rename,
                roles,
                add: ids(service, &add).await?,
                remove: ids(service, &remove).await?,
                ..EditGroup::default()
            };
            tell(group_row(service.edit_group(caller, group.id, edit).await.map_err(of_group)?)).await;
        }
        DirectoryRequest::Email { name, address, verified } => {
            let verified = verified.then_some(true);
            let edit = EditPerson { email: Some(address), email_verified: verified, ..EditPerson::default() };
            tell(person_row(service.edit_person(caller, Which::Name(name), edit).await?)).await;
        }
        DirectoryRequest::EndSession { id } => {
            service.revoke_session(caller, &SessionId::new(&id)).await.map_err(|error| match error {
                gabion_service::ActError::NotFound => {
                    Refusal::new("there is no such session").hint("`gabion session list` shows them")
                }
                error => error.into(),
            })?;
            tell(DirectoryRow::Ended(1)).await;
        }
        DirectoryRequest::EndSessions { name } => {
            tell(DirectoryRow::Ended(service.end_sessions(caller, Which::Name(name)).await?)).await;
        }
        DirectoryRequest::Grants { name } => {
            for grant in service.grants(caller, Some(&name)).await? {
                tell(DirectoryRow::Grant(GrantRow {
                    client: grant.client,
                    name: grant.name,
                    scopes: grant.scopes.into_iter().map(|scope| scope.name).collect(),
                    granted: grant.granted.to_string(),
                    last_used: grant.last_used.map(|time| time.to_string()),
                    active: grant.active,
                }))
                .await;
            }
        }
        DirectoryRequest::Groups => {
            let mut start = Start::First;
            loop {
                let page = service.find_groups(caller, GroupSearch::default(), start, AT_ONCE).await?;
                for group in page.items {
                    tell(group_row(group)).await;
                }
                match page.next {
                    Some(next) if !answers.is_closed() => start = Start::Token(next),
                    _ => break,
                }
            }
        }
        DirectoryRequest::Names => tell(DirectoryRow::Names(service.known_names().await?)).await,
        DirectoryRequest::People { kind } => {
            let mut start = Start::First;
            loop {
                let search = PersonSearch { kind: Some(kind), ..PersonSearch::default() };
                let page = service.find_people(caller, search, start, AT_ONCE).await?;
                for person in page.items {
                    tell(person_row(person)).await;
                }
                match page.next {
                    Some(next) if !answers.is_closed() => start = Start::Token(next),
                    _ => break,
                }
            }
        }
        DirectoryRequest::ReleaseName { name } => {
            if !service.release_name(caller, &name).await? {
                return Err(Refusal::new(format_args!("the name `{}` is not kept", short(&name))));
            }
            return Ok(Reply::Done);
        }
        DirectoryRequest::Remove { name, kind, keep_name } => {
            let person = service.person(caller, Which::Name(name)).await?;
            if person.kind != kind {
                let (is, verb) = match person.kind {
                    AccountKind::Person => ("a person", "user"),
                    AccountKind::Service => ("a program", "service-account"),
                };
                return Err(Refusal::new(format_args!("`{}` is {is}; nothing was removed", person.name))
                    .hint(&format!("`gabion {verb} remove {}`", person.name)));
            }
            service.remove_person(caller, Which::Id(person.id), keep_name).await?;
            return Ok(Reply::Done);
        }
        DirectoryRequest::RemoveGroup { name } => {
            let group = group(service, &name).await?;
            service.remove_group(caller, group.id).await.map_err(of_group)?;
            return Ok(Reply::Done);
        }
        DirectoryRequest::Rename { name, to } => {
            let edit = EditPerson { name: Some(to), ..EditPerson::default() };
            tell(person_row(service.edit_person(caller, Which::Name(name), edit).await?)).await;
        }
        DirectoryRequest::Revoke { name } => {
            tell(DirectoryRow::Ended(service.revoke_person(caller, Which::Name(name)).await?)).await;
        }
        DirectoryRequest::RevokeGrant { name, client } => {
            let revoked = service.revoke_grant(caller, Some(&name), &client).await;
            revoked.map_err(|error| match error {
                gabion_service::ActError::NotFound => {
                    Refusal::new("there is no such person, or nothing is allowed to this application")
                        .hint("`gabion grant list NAME` shows what is")
                }
                error => error.into(),
            })?;
            return Ok(Reply::Done);
        }
        DirectoryRequest::Roles { name, set, add, remove } => {
            let mut person = service.person(caller, Which::Name(name)).await?;
            let mut roles = set.unwrap_or_else(|| person.roles.clone());
            roles.retain(|role| !remove.contains(role));
            for role in add {
                if !roles.contains(&role) {
                    roles.push(role);
                }
            }
            if roles != person.roles {
                let version = Some(person.version);
                let edit = EditPerson { roles: Some(roles), version, ..EditPerson::default() };
                person = service.edit_person(caller, Which::Id(person.id), edit).await?;
            }
            tell(person_row(person)).await;
        }
        DirectoryRequest::Sessions { name } => {
            let mut token = None;
            loop {
                let of = name.clone().map(Which::Name);
                let SessionPage { items, next } = service.find_sessions(caller, of, token, AT_ONCE).await?;
                for session in items {
                    tell(DirectoryRow::Session(SessionRow {
                        id: session.id.to_string(),
                        user: session.name,
                        address: session.address.map(|address| address.to_string()),
                        user_agent: session.user_agent,
                        methods: session.methods,
                        started: session.started.to_string(),
                        last_seen: session.last_seen.to_string(),
                    }))
                    .await;
                }
                token = next;
                if token.is_none() || answers.is_closed() {
                    break;
                }
            }
        }
        DirectoryRequest::Show { name } => {
            let person = service.person(caller, Which::Name(name)).await?;
            let factors = service.find_factors(caller, Which::Id(person.id.clone())).await?;
            tell(person_row(person)).await;
            for factor in factors.factors {
                let kind = serde_json::to_value(factor.kind).ok();
                tell(DirectoryRow::Factor(FactorRow {
                    id: factor.id,
                    kind: kind.as_ref().and_then(|kind| kind.as_str()).unwrap_or_default().to_owned(),
                    name: factor.name,
                    created: factor.created.to_string(),
                    last_used: factor.last_used.map(|time| time.to_string()),
                }))
                .await;
            }
        }
        DirectoryRequest::ShowGroup { name } => {
            let group = group(service, &name).await?;
            let id = group.id.clone();
            tell(group_row(group)).await;
            let mut after = None;
            loop {
                let members = service.group_members(caller, id.clone(), after.take(), AT_ONCE).await?;
                after = members.last().map(|last| last.id.clone());
                for member in members {
                    tell(DirectoryRow::Member(member.name)).await;
                }
                if after.is_none() || answers.is_closed() {
                    break;
                }
            }
        }
    }
    Ok(Reply::End)
}

async fn group(service: &Service, name: &str) -> Result<GroupView, Refusal> {
    let search = GroupSearch { name: Some(name.to_owned()), ..GroupSearch::default() };
    let found = service.find_groups(&Caller::operator(), search, Start::First, 1).await?;
    found.items.into_iter().next().ok_or_else(|| of_group(DirectoryError::NotFound))
}

async fn ids(service: &Service, names: &[String]) -> Result<Vec<gabion_model::AccountId>, Refusal> {
    let mut ids = Vec::with_capacity(names.len());
    for name in names {
        match service.person(&Caller::operator(), Which::Name(name.clone())).await {
            Ok(person) => ids.push(person.id),
            Err(DirectoryError::NotFound) => {
                return Err(Refusal::new(format_args!(
                    "there is no account `{}`; nothing was changed",
                    short(name)
                ))
                .hint("`gabion user list` and `gabion service-account list` show them"));
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(ids)
}

fn person_row(person: Person) -> DirectoryRow {
    let state = serde_json::to_value(person.state).ok();
    DirectoryRow::Person(PersonRow {
        id: person.id.to_string(),
        name: person.name,
        kind: person.kind,
        state: state.as_ref().and_then(|state| state.as_str()).unwrap_or_default().to_owned(),
        email: person.email,
        email_verified: person.email_verified,
        display_name: person.personal.name,
        roles: person.roles,
        effective_roles: person.effective_roles,
        groups: person.groups.into_iter().map(|GroupName { name, .. }| name).collect(),
        tenant: person.tenant.to_string(),
        external_id: person.external_id,
        created: person.created.to_string(),
        updated: person.updated.to_string(),
        last_sign_in: person.last_sign_in.map(|time| time.to_string()),
        sessions: person.sessions,
    })
}

fn group_row(group: GroupView) -> DirectoryRow {
    DirectoryRow::Group(GroupRow {
        id: group.id.to_string(),
        name: group.name,
        roles: group.roles,
        tenant: group.tenant.to_string(),
        members: group.members,
        external_id: group.external_id,
        created: group.created.to_string(),
    })
}

/// What was not found is a group, not an account.
fn of_group(error: DirectoryError) -> Refusal {
    match error {
        DirectoryError::NotFound => {
            Refusal::new("there is no group of that name").hint("`gabion group list` shows them")
        }
        error => error.into(),
    }
}

/// As much of a name as is repeated.
fn short(name: &str) -> String {
    name.chars().take(64).map(|one| if one.is_control() { '\u{fffd}' } else { one }).collect()
}

impl From<DirectoryError> for Refusal {
    fn from(error: DirectoryError) -> Self {
        match error {
            DirectoryError::Act(error) => error.into(),
            DirectoryError::Invalid(problems) => {
                let more = problems.iter().map(ToString::to_string).collect();
                Self { more, ..Self::new("this cannot be; nothing was changed") }
            }
            DirectoryError::LastAdministrator => Self::new(&error).hint("make another administrator first"),
            DirectoryError::NotFound => gabion_service::ActError::NotFound.into(),
            DirectoryError::Taken(_) => {
                Self::new(&error).hint("somebody has it, or had it and the name is kept")
            }
            DirectoryError::Changed | DirectoryError::Protected => Self::new(&error),
        }
    }
}

const AT_ONCE: usize = 200;
