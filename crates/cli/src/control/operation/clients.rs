//! What can be asked about the applications that may ask for tokens.

use std::time::Duration;

use gabion_service::client::Metadata;
use gabion_service::{AddedClient, Caller, ClientActError, ClientView, NewClient, Service};
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

use super::{Password, Refusal, Reply};

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "verb", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum ClientRequest {
    Add { id: Option<String>, tenant: Option<String>, metadata: Box<Metadata> },
    Change { id: String, metadata: Box<Metadata> },
    Disable { id: String },
    Enable { id: String },
    List,
    Remove { id: String },
    RotateSecret { id: String, overlap_seconds: u64 },
    Show { id: String },
}

/// A client as `gabion client` shows it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Client {
    pub(crate) id: String,
    pub(crate) tenant: String,
    pub(crate) registration: String,
    pub(crate) disabled: bool,
    pub(crate) created: String,
    pub(crate) updated: String,
    /// Its service account.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) account: Option<String>,
    pub(crate) secrets: Vec<ClientSecret>,
    pub(crate) metadata: Metadata,
    /// For whoever asked for it, once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) client_secret: Option<Password>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ClientSecret {
    pub(crate) id: String,
    pub(crate) created: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) expires: Option<String>,
}

pub(super) async fn act(
    service: &Service,
    request: ClientRequest,
    answers: &mpsc::Sender<Reply>,
) -> Result<Reply, Refusal> {
    let caller = &Caller::operator();
    let client = match request {
        ClientRequest::Add { id, tenant, metadata } => {
            let new = NewClient { id, tenant, metadata: *metadata, secret: None };
            Client::added(service.add_client(caller, new).await?)
        }
        ClientRequest::Change { id, metadata } => {
            Client::of(&service.change_client(caller, &id, *metadata).await?)
        }
        ClientRequest::Disable { id } => Client::of(&service.disable_client(caller, &id).await?),
        ClientRequest::Enable { id } => Client::of(&service.enable_client(caller, &id).await?),
        ClientRequest::List => {
            for client in service.list_clients(caller).await? {
                if answers.send(Reply::Client(Box::new(Client::of(&client)))).await.is_err() {
                    break;
                }
            }
            return Ok(Reply::End);
        }
        ClientRequest::Remove { id } => {
            service.remove_client(caller, &id).await?;
            return Ok(Reply::Done);
        }
        ClientRequest::RotateSecret { id, overlap_seconds } => {
            let overlap = Duration::from_secs(overlap_seconds);
            Client::added(service.rotate_client_secret(caller, &id, overlap).await?)
        }
        ClientRequest::Show { id } => Client::of(&service.client(caller, &id).await?),
    };
    // Nobody listens: then nobody needs to know.
    let _ = answers.send(Reply::Client(Box::new(client))).await;
    Ok(Reply::End)
}

impl Client {
    fn of(view: &ClientView) -> Self {
        let registration = serde_json::to_value(view.registration).ok();
        Self {
            id: view.id.to_string(),
            tenant: view.tenant.to_string(),
            registration: registration.as_ref().and_then(|word| word.as_str()).unwrap_or_default().to_owned(),
            disabled: view.disabled,
            created: view.created.to_string(),
            updated: view.updated.to_string(),
            account: view.account.as_ref().map(ToString::to_string),
            secrets: view
                .secrets
                .iter()
                .map(|secret| ClientSecret {
                    id: secret.id.clone(),
                    created: secret.created.to_string(),
                    expires: secret.expires.map(|time| time.to_string()),
                })
                .collect(),
            metadata: view.metadata.clone(),
            client_secret: None,
        }
    }

    fn added(added: AddedClient) -> Self {
        Self { client_secret: added.secret.map(Password), ..Self::of(&added.client) }
    }
}

impl From<ClientActError> for Refusal {
    fn from(error: ClientActError) -> Self {
        match error {
            ClientActError::Act(error) => error.into(),
            ClientActError::Invalid(problems) => {
                let more = problems.iter().map(ToString::to_string).collect();
                Self { more, ..Self::new("the client cannot be registered like this; nothing was changed") }
            }
            ClientActError::NoSecret => Self::new(&error)
                .hint("`gabion client change` can make it authenticate by `client_secret_basic`"),
            ClientActError::NotFound => {
                Self::new(&error).hint("`gabion client list` shows the ids there are")
            }
            ClientActError::Taken => Self::new(&error).hint("choose another `--id`, or leave it out"),
            ClientActError::Changed | ClientActError::TooMany => Self::new(&error),
        }
    }
}
