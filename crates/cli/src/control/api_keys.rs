//! API keys and service accounts, over the control socket.

use gabion_model::Period;
use gabion_service::{ApiKeyActError, ApiKeyView, Caller, CreateApiKey, FreshApiKey, Service};
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

use super::operation::{Password, Refusal, Reply};

/// What can be asked about API keys.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "verb", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum ApiKeyRequest {
    Create {
        account: String,
        label: String,
        scopes: Vec<String>,
        life: Option<Period>,
    },
    List {
        account: Option<String>,
    },
    Rotate {
        id: String,
        overlap: Option<Period>,
    },
    Revoke {
        id: String,
    },
    /// An account for a program.
    AddAccount {
        name: String,
        roles: Vec<String>,
    },
}

/// A key as `gabion api-key list` shows it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ApiKeyRow {
    pub(crate) id: String,
    pub(crate) account: String,
    pub(crate) label: String,
    pub(crate) hint: String,
    pub(crate) scopes: Vec<String>,
    pub(crate) created: String,
    pub(crate) expires: String,
    pub(crate) last_used: Option<String>,
    pub(crate) successor: Option<String>,
    /// The key itself, where it was made just now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) key: Option<Password>,
}

pub(crate) async fn act(
    service: &Service,
    request: ApiKeyRequest,
    answers: &mpsc::Sender<Reply>,
) -> Result<Reply, Refusal> {
    let caller = Caller::operator();
    let rows = match request {
        ApiKeyRequest::Create { account, label, scopes, life } => {
            let new = CreateApiKey { account: Some(account), label, scopes, life };
            vec![fresh(service.create_api_key(&caller, new).await?)]
        }
        ApiKeyRequest::Rotate { id, overlap } => {
            vec![fresh(service.rotate_api_key(&caller, &id, overlap).await.map_err(of_a_key)?)]
        }
        ApiKeyRequest::List { account: Some(account) } => {
            service.api_keys(&caller, Some(&account)).await?.into_iter().map(row).collect()
        }
        ApiKeyRequest::List { account: None } => {
            service.all_api_keys(&caller).await?.into_iter().map(row).collect()
        }
        ApiKeyRequest::Revoke { id } => {
            let revoked = service.revoke_api_key(&caller, &id).await;
            revoked.map_err(|error| of_a_key(error.into()))?;
            return Ok(Reply::Done);
        }
        ApiKeyRequest::AddAccount { name, roles } => {
            service.add_service_account(&caller, &name, roles).await?;
            return Ok(Reply::Done);
        }
    };
    for row in rows {
        if answers.send(Reply::ApiKey(Box::new(row))).await.is_err() {
            break;
        }
    }
    Ok(Reply::End)
}

fn fresh(made: FreshApiKey) -> ApiKeyRow {
    ApiKeyRow { key: Some(Password(made.secret)), ..row(made.view) }
}

fn row(view: ApiKeyView) -> ApiKeyRow {
    ApiKeyRow {
        id: view.id,
        account: view.account,
        label: view.label,
        hint: view.hint,
        scopes: view.scopes,
        created: view.created.to_string(),
        expires: view.expires.to_string(),
        last_used: view.last_used.map(|time| time.to_string()),
        successor: view.successor,
        key: None,
    }
}

/// What was not found is a key, not an account.
fn of_a_key(error: ApiKeyActError) -> Refusal {
    match error {
        ApiKeyActError::Act(gabion_service::ActError::NotFound) => {
            Refusal::new("there is no such key").hint("`gabion api-key list` shows them")
        }
        error => error.into(),
    }
}

impl From<ApiKeyActError> for Refusal {
    fn from(error: ApiKeyActError) -> Self {
        match error {
            ApiKeyActError::Act(error) => error.into(),
            ApiKeyActError::Invalid(problem) => Self::new(problem.reason),
        }
    }
}
