//! What can be asked, and how it is done; the same whoever asks and however.

mod clients;

use std::fmt;
use std::sync::Arc;

use gabion_courier::ArchiveBoard;
use gabion_ledger::keys::KeyFile;
use gabion_ledger::{Ledger, Query, ReadError, Record, TreeStorage};
use gabion_model::{Problem, Secret, Timestamp};
use gabion_service::alert::{ChannelStanding, Group, Silence};
use gabion_service::respond::Measure;
use gabion_service::{
    AccountKind, AccountState, ActError, AddAccountError, Caller, DirectoryError, DisableAccountError,
    EraseError, Hold, ImportedAccount, InvitationError, KeyStanding, KeyView, NewAccount, OneTimeLink,
    Person, PersonSearch, Personal, RekeyError, Service, Start, Which,
};
use gabion_vault::jwt::Algorithm;
use serde::{Deserialize, Serialize, Serializer};
use tokio::sync::mpsc;

use super::api_keys::{self, ApiKeyRequest, ApiKeyRow};
use super::directory::{self, DirectoryRequest, DirectoryRow};
use super::errors::{self, ErrorsRequest};
use super::holds;
pub(crate) use super::holds::{HoldRequest, LedgerStanding};
use super::identity::{self, IdentityReply, IdentityRequest};
use super::incidents::{self, IncidentRequest, Uploads};
use super::response::{self, ResponseRequest};
use crate::gate::record_key::RecordKeyFile;
use crate::gate::state::State;

pub(crate) use clients::{Client, ClientRequest};

/// One request. On the socket: one line of JSON.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Request {
    Add {
        name: String,
        tenant: Option<String>,
        roles: Vec<String>,
        password: Option<Password>,
    },
    ApiKey {
        api_key: ApiKeyRequest,
    },
    Client {
        client: ClientRequest,
    },
    Directory {
        directory: DirectoryRequest,
    },
    Disable {
        name: String,
    },
    Enable {
        name: String,
    },
    /// What the ledger says of a removed account.
    Erase {
        name: String,
    },
    Errors {
        errors: ErrorsRequest,
    },
    FirstLink,
    Identity {
        identity: IdentityRequest,
    },
    Invite {
        name: String,
    },
    Hold {
        hold: HoldRequest,
    },
    Incident {
        incident: Box<IncidentRequest>,
    },
    LedgerStatus,
    /// Whether nothing holds what is said of an account.
    MayErase {
        name: String,
    },
    Import {
        accounts: Vec<ImportAccount>,
        pepper: Option<Password>,
        dry_run: bool,
    },
    KeyList,
    KeyRevoke {
        kid: String,
    },
    KeyRotate {
        algorithm: Option<Algorithm>,
    },
    List,
    RekeyLedger,
    Reset {
        name: String,
        password: Option<Password>,
    },
    ResetFactors {
        name: String,
    },
    Response {
        response: ResponseRequest,
    },
    Search {
        query: Query,
    },
    Tail {
        count: usize,
        follow: bool,
    },
}

/// A password on its way through the 0600 socket. Printed as `***`, wiped when dropped.
#[derive(Clone, Deserialize)]
#[serde(transparent)]
pub(crate) struct Password(pub(crate) Secret<String>);

/// One answer. A list, a search or a tail answers with many and ends with `End`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "snake_case")]
pub(crate) enum Reply {
    Account(Account),
    Alert(Box<Group>),
    ApiKey(Box<ApiKeyRow>),
    Channel(Box<ChannelStanding>),
    Client(Box<Client>),
    Directory(Box<DirectoryRow>),
    /// A part of a document.
    Document {
        part: String,
    },
    Done,
    /// The end of a stream.
    End,
    Error(Box<gabion_service::FaultGroup>),
    Hold(Box<Hold>),
    Identity(Box<IdentityReply>),
    LedgerStatus(Box<LedgerStanding>),
    Imported {
        refused: Vec<NotImported>,
    },
    Key(Key),
    Link(Link),
    Measure(Box<Measure>),
    /// There is an administrator already.
    NoLink,
    Record(Box<Record>),
    /// The key of the ledger's records was replaced, in so many segments.
    Rekeyed {
        segments: u64,
    },
    Refused(Refusal),
    Silence(Box<Silence>),
    /// What came of a test message.
    Told(Box<response::Told>),
}

/// An account as `gabion user list` shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Account {
    pub(crate) name: String,
    pub(crate) id: String,
    pub(crate) tenant: String,
    pub(crate) roles: Vec<String>,
    pub(crate) state: String,
    pub(crate) created: String,
    pub(crate) sessions: usize,
}

/// An account of another program.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ImportAccount {
    pub(crate) name: String,
    pub(crate) password_hash: Option<Password>,
    pub(crate) email: Option<String>,
    pub(crate) email_verified: bool,
    pub(crate) roles: Vec<String>,
    pub(crate) tenant: Option<String>,
    pub(crate) disabled: bool,
    pub(crate) display_name: Option<String>,
    pub(crate) given_name: Option<String>,
    pub(crate) family_name: Option<String>,
}

/// The account of a batch that was not taken over, and why.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct NotImported {
    pub(crate) index: usize,
    pub(crate) field: String,
    pub(crate) reason: String,
    pub(crate) hint: Option<String>,
}

/// A signing key as `gabion key list` shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Key {
    pub(crate) kid: String,
    pub(crate) algorithm: Algorithm,
    pub(crate) state: KeyState,
    pub(crate) created: String,
    /// Signs from here on.
    pub(crate) active: String,
    /// Is published until here, if that is known.
    pub(crate) expires: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum KeyState {
    Active,
    Next,
    Retired,
}

/// A one-time link: for whoever asked, and for nobody else.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Link {
    pub(crate) name: String,
    pub(crate) url: String,
    pub(crate) expires: Timestamp,
}

/// Why it was not done, and the way out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Refusal {
    pub(crate) reason: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) more: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) hint: Option<String>,
}

/// What is needed to do what is asked.
#[derive(Debug, Clone)]
pub(crate) struct Operator {
    service: Service,
    ledger: Ledger,
    /// Of the ledger's records.
    record_key: Arc<RecordKeyFile>,
    /// Put before the path of a link.
    origin: String,
    uploads: Uploads,
    tree: Arc<dyn TreeStorage>,
    archive: ArchiveBoard,
}

impl Operator {
    pub(crate) fn new(state: &State, origin: String) -> Self {
        let record_key = Arc::clone(&state.record_key);
        let (service, ledger) = (state.service.clone(), state.ledger.clone());
        let (tree, archive) = (Arc::new(state.directory.ledger_tree()), state.archive.clone());
        Self { service, ledger, record_key, origin, uploads: Uploads::default(), tree, archive }
    }

    /// Does it and sends every answer; ends early when nobody listens any more.
    pub(crate) async fn act(&self, request: Request, answers: mpsc::Sender<Reply>) {
        let done = match request {
            Request::ApiKey { api_key } => api_keys::act(&self.service, api_key, &answers).await,
            Request::Client { client } => clients::act(&self.service, client, &answers).await,
            Request::Directory { directory } => directory::act(&self.service, directory, &answers).await,
            Request::Errors { errors } => errors::act(&self.service, errors, &answers).await,
            Request::Hold { hold } => holds::act(&self.service, hold, &answers).await,
            Request::LedgerStatus => self.status(&answers).await,
            Request::Identity { identity } => identity::act(&self.service, identity, &answers).await,
            Request::Incident { incident } => {
                incidents::act(&self.service, &self.uploads, *incident, &answers).await
            }
            Request::Response { response } => response::act(&self.service, response, &answers).await,
            Request::List => self.list(&answers).await,
            Request::KeyList => self.keys(&answers).await,
            Request::KeyRotate { algorithm } => self.rotate(algorithm, &answers).await,
            Request::RekeyLedger => self.rekey().await,
            Request::Search { query } => self.search(query, &answers).await,
            Request::Tail { count, follow } => self.tail(count, follow, &answers).await,
            other => self.once(other).await,
        };
        // Nobody listens: then nobody needs to know.
        let _ = answers.send(done.unwrap_or_else(Reply::Refused)).await;
    }

    async fn once(&self, request: Request) -> Result<Reply, Refusal> {
        let caller = Caller::operator();
        let service = &self.service;
        match request {
            Request::Add { name, tenant, roles, password } => {
                self.judge(&name, password.as_ref())?;
                let link = service.add_account(&caller, NewAccount { name, tenant, roles }).await?;
                self.finish(link, password).await
            }
            Request::Disable { name } => {
                service.disable_account(&caller, &name).await?;
                Ok(Reply::Done)
            }
            Request::Erase { name } => {
                service.erase_personal(&caller, &name).await?;
                Ok(Reply::Done)
            }
            Request::MayErase { name } => {
                service.may_erase(&caller, &name).await?;
                Ok(Reply::Done)
            }
            Request::Enable { name } => {
                service.enable_account(&caller, &name).await?;
                Ok(Reply::Done)
            }
            Request::Reset { name, password } => {
                self.judge(&name, password.as_ref())?;
                if password.is_some() && self.is_disabled(&name).await? {
                    return Err(Refusal::new("the account is disabled; nothing was changed")
                        .hint("`gabion user enable NAME` lets the person sign in again"));
                }
                let link = service.reset_account(&caller, &name).await?;
                self.finish(link, password).await
            }
            Request::ResetFactors { name } => {
                service.reset_factors(&caller, &name).await?;
                Ok(Reply::Done)
            }
            Request::FirstLink => {
                let link = service.first_administrator_link(&caller).await?;
                Ok(link.map_or(Reply::NoLink, |link| self.link(&link)))
            }
            Request::Invite { name } => {
                let link = service.invite(&caller, Which::Name(name)).await?;
                Ok(self.link(&link))
            }
            Request::Import { accounts, pepper, dry_run } => {
                let accounts = accounts.into_iter().map(ImportAccount::into_imported).collect();
                let pepper = pepper.map(|Password(pepper)| pepper);
                let judged = service.import_accounts(&caller, accounts, pepper, dry_run).await?;
                let refused = judged.into_iter().enumerate().filter_map(|(index, judged)| {
                    let Problem { path: field, reason, hint } = judged.err()?;
                    Some(NotImported { index, field, reason, hint })
                });
                Ok(Reply::Imported { refused: refused.collect() })
            }
            Request::KeyRevoke { kid } => match service.revoke_key(&caller, &kid).await {
                Ok(_) => Ok(Reply::Done),
                Err(ActError::NotFound) => {
                    Err(Refusal::new("there is no such key").hint("`gabion key list` shows them"))
                }
                Err(error) => Err(error.into()),
            },
            Request::ApiKey { .. }
            | Request::Client { .. }
            | Request::Directory { .. }
            | Request::Errors { .. }
            | Request::Hold { .. }
            | Request::Identity { .. }
            | Request::LedgerStatus
            | Request::Incident { .. }
            | Request::KeyList
            | Request::KeyRotate { .. }
            | Request::List
            | Request::RekeyLedger
            | Request::Response { .. }
            | Request::Search { .. }
            | Request::Tail { .. } => Ok(Reply::End),
        }
    }

    async fn rekey(&self) -> Result<Reply, Refusal> {
        let file = Arc::clone(&self.record_key) as Arc<dyn KeyFile>;
        match self.service.rekey_ledger(&Caller::operator(), file).await {
            Ok(segments) => Ok(Reply::Rekeyed { segments }),
            Err(RekeyError::Act(error)) => Err(error.into()),
            Err(error) => Err(Refusal::new(format!("the key was not replaced to the end: {error}"))
                .hint("everything can be read as before; `gabion ledger rekey` goes on where it stopped")),
        }
    }

    /// Before anything is changed: a password that is refused leaves everything as it was.
    fn judge(&self, name: &str, password: Option<&Password>) -> Result<(), Refusal> {
        let violations = password.map(|password| self.service.password_violations(name, &password.0));
        match violations {
            Some(more) if !more.is_empty() => {
                Err(Refusal { more, ..Refusal::new("the password is refused; nothing was changed") })
            }
            _ => Ok(()),
        }
    }

    async fn is_disabled(&self, name: &str) -> Result<bool, Refusal> {
        match self.service.person(&Caller::operator(), Which::Name(name.to_owned())).await {
            Ok(person) => Ok(person.state == AccountState::Disabled),
            Err(DirectoryError::NotFound) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Hands out the link, or uses it for the password that is there already.
    async fn finish(&self, link: OneTimeLink, password: Option<Password>) -> Result<Reply, Refusal> {
        let Some(password) = password else { return Ok(self.link(&link)) };
        self.service.accept_invitation(&Caller::operator(), link.token, password.0).await?;
        Ok(Reply::Done)
    }

    async fn list(&self, answers: &mpsc::Sender<Reply>) -> Result<Reply, Refusal> {
        let mut start = Start::First;
        loop {
            let search = PersonSearch { kind: Some(AccountKind::Person), ..PersonSearch::default() };
            let page = self.service.find_people(&Caller::operator(), search, start, AT_ONCE).await?;
            for person in &page.items {
                if answers.send(Reply::Account(Account::of(person))).await.is_err() {
                    return Ok(Reply::End);
                }
            }
            match page.next {
                Some(next) => start = Start::Token(next),
                None => return Ok(Reply::End),
            }
        }
    }

    async fn keys(&self, answers: &mpsc::Sender<Reply>) -> Result<Reply, Refusal> {
        let keys = self.service.list_keys(&Caller::operator()).await?;
        Ok(send_keys(&keys, answers).await)
    }

    async fn rotate(
        &self,
        algorithm: Option<Algorithm>,
        answers: &mpsc::Sender<Reply>,
    ) -> Result<Reply, Refusal> {
        match self.service.rotate_keys(&Caller::operator(), algorithm).await {
            Ok(keys) => Ok(send_keys(&keys, answers).await),
            Err(ActError::NotFound) => {
                Err(Refusal::new("there is no key for this algorithm").hint("`gabion key list` shows them"))
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn status(&self, answers: &mpsc::Sender<Reply>) -> Result<Reply, Refusal> {
        let (ledger, tree, archive) = (self.ledger.clone(), Arc::clone(&self.tree), self.archive.standing());
        let standing = blocking(move || LedgerStanding::of(&ledger, &*tree, archive)).await?;
        // Nobody listens: then nobody needs to know.
        let _ = answers.send(Reply::LedgerStatus(Box::new(standing))).await;
        Ok(Reply::End)
    }

    async fn search(&self, query: Query, answers: &mpsc::Sender<Reply>) -> Result<Reply, Refusal> {
        self.settle().await;
        let (search, answers) = (self.ledger.search(query), answers.clone());
        blocking(move || {
            for record in search {
                if answers.blocking_send(Reply::Record(Box::new(record?))).is_err() {
                    break;
                }
            }
            Ok(Reply::End)
        })
        .await
    }

    async fn tail(
        &self,
        count: usize,
        follow: bool,
        answers: &mpsc::Sender<Reply>,
    ) -> Result<Reply, Refusal> {
        self.settle().await;
        let (ledger, before) = (self.ledger.clone(), self.ledger.last());
        let records = blocking(move || Ok(ledger.tail(count)?)).await?;
        let last = records.last().map(|record| record.position).or(before);
        for record in records {
            if answers.send(Reply::Record(Box::new(record))).await.is_err() {
                return Ok(Reply::End);
            }
        }
        if !follow {
            return Ok(Reply::End);
        }
        let mut following = self.ledger.follow(last);
        loop {
            tokio::select! {
                () = answers.closed() => return Ok(Reply::End),
                next = following.next() => match next? {
                    None => return Ok(Reply::End),
                    Some(record) => {
                        if answers.send(Reply::Record(Box::new(record))).await.is_err() {
                            return Ok(Reply::End);
                        }
                    }
                },
            }
        }
    }

    /// So that what was refused a moment ago is found.
    async fn settle(&self) {
        if let Err(error) = self.ledger.flush().await {
            tracing::warn!(%error, "ledger not flushed");
        }
    }

    fn link(&self, link: &OneTimeLink) -> Reply {
        let url = format!("{}{}", self.origin, link.path().expose());
        Reply::Link(Link { name: link.name.clone(), url, expires: link.expires })
    }
}

async fn send_keys(keys: &[KeyView], answers: &mpsc::Sender<Reply>) -> Reply {
    for key in keys {
        if answers.send(Reply::Key(Key::of(key))).await.is_err() {
            break;
        }
    }
    Reply::End
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Refusal> + Send + 'static,
) -> Result<T, Refusal> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|_| Err(Refusal::new("the search ended unexpectedly")))
}

impl Account {
    fn of(view: &Person) -> Self {
        let state = serde_json::to_value(view.state).ok();
        Self {
            name: view.name.clone(),
            id: view.id.to_string(),
            tenant: view.tenant.to_string(),
            roles: view.roles.clone(),
            state: state.as_ref().and_then(|state| state.as_str()).unwrap_or_default().to_owned(),
            created: view.created.to_string(),
            sessions: view.sessions,
        }
    }
}

impl ImportAccount {
    fn into_imported(self) -> ImportedAccount {
        ImportedAccount {
            name: self.name,
            tenant: self.tenant,
            roles: self.roles,
            email: self.email,
            email_verified: self.email_verified,
            disabled: self.disabled,
            personal: Personal {
                name: self.display_name,
                given_name: self.given_name,
                family_name: self.family_name,
                ..Personal::default()
            },
            password: self.password_hash.map(|Password(hash)| hash),
        }
    }
}

impl Key {
    fn of(view: &KeyView) -> Self {
        let state = match view.standing {
            KeyStanding::Active => KeyState::Active,
            KeyStanding::Next => KeyState::Next,
            KeyStanding::Retired => KeyState::Retired,
        };
        Self {
            kid: view.kid.clone(),
            algorithm: view.algorithm,
            state,
            created: view.times.created.to_string(),
            active: view.times.active.to_string(),
            expires: view.times.expires.map(|time| time.to_string()),
        }
    }
}

impl Refusal {
    pub(super) fn new(reason: impl fmt::Display) -> Self {
        Self { reason: reason.to_string(), more: Vec::new(), hint: None }
    }

    pub(super) fn hint(mut self, hint: &str) -> Self {
        self.hint = Some(hint.to_owned());
        self
    }
}

impl From<ActError> for Refusal {
    fn from(error: ActError) -> Self {
        match error {
            ActError::NotFound => {
                Self::new("there is no account of that name").hint("`gabion user list` shows them")
            }
            ActError::Unavailable => Self::new(error).hint("`gabion doctor` looks for the cause"),
            ActError::Busy | ActError::Forbidden | ActError::StepUp { .. } => Self::new(error),
        }
    }
}

impl From<EraseError> for Refusal {
    fn from(error: EraseError) -> Self {
        match error {
            EraseError::Act(error) => error.into(),
            EraseError::Held(_) => {
                Self::new(error).hint("`gabion ledger hold list` shows why; nothing was changed")
            }
            EraseError::Living => Self::new(error).hint("`gabion user erase` removes the account as well"),
            EraseError::NotFound => Self::new(error),
        }
    }
}

impl From<AddAccountError> for Refusal {
    fn from(error: AddAccountError) -> Self {
        match error {
            AddAccountError::Act(error) => error.into(),
            AddAccountError::Invalid(problem) => {
                Self { hint: problem.hint, ..Self::new(format_args!("{}: {}", problem.path, problem.reason)) }
            }
            AddAccountError::NameTaken(_) => {
                Self::new(error).hint("`gabion user reset NAME` makes a new link for it")
            }
        }
    }
}

impl From<DisableAccountError> for Refusal {
    fn from(error: DisableAccountError) -> Self {
        match error {
            DisableAccountError::Act(error) => error.into(),
            DisableAccountError::LastAdministrator => {
                Self::new(error).hint("make another administrator first")
            }
        }
    }
}

impl From<InvitationError> for Refusal {
    fn from(error: InvitationError) -> Self {
        match error {
            InvitationError::Act(error) => error.into(),
            InvitationError::Invalid => Self::new(error),
            InvitationError::Violations(rules) => Self {
                more: rules,
                ..Self::new("the password was refused, and the account has none")
                    .hint("`gabion user reset NAME` prints a link with which to choose another")
            },
        }
    }
}

impl From<ReadError> for Refusal {
    fn from(error: ReadError) -> Self {
        let mut more = Vec::new();
        let mut cause = std::error::Error::source(&error);
        while let Some(error) = cause {
            more.push(error.to_string());
            cause = error.source();
        }
        Self { more, ..Self::new(&error) }
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("***")
    }
}

/// Only ever onto the control socket.
impl Serialize for Password {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.expose())
    }
}

/// Of a list, so that a large one is never held whole.
const AT_ONCE: usize = 200;
