//! `GET /.gabion/api/v1/users/{id}/factors`: somebody's second factors. `DELETE`: takes all of them away, for
//! somebody who lost them. `DELETE …/factors/{factor}`: takes one away.

use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::{MethodRouter, delete, get};
use gabion_model::AccountId;
use gabion_service::{FactorKind, FactorsView, Which};
use http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use crate::Console;
use crate::api::v1::{done, json, refused};
use crate::api::{Asker, Problem};

pub(crate) fn route() -> MethodRouter<Console> {
    get(list).delete(reset)
}

pub(crate) fn one() -> MethodRouter<Console> {
    delete(remove)
}

/// What somebody proves who they are by, beside a password.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Factors {
    items: Vec<Factor>,
    /// How many recovery codes are left.
    recovery_codes: usize,
    /// Whether a second factor is required of the account.
    required: bool,
}

/// A second factor; never its secret.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Factor {
    id: String,
    /// `passkey` or `totp`.
    kind: &'static str,
    /// What its owner calls it.
    name: String,
    created: String,
    last_used: Option<String>,
    /// A passkey that its owner's other devices have, too.
    synced: bool,
}

impl From<FactorsView> for Factors {
    fn from(view: FactorsView) -> Self {
        let items = view.factors.into_iter().map(|factor| Factor {
            id: factor.id,
            kind: match factor.kind {
                FactorKind::Passkey => "passkey",
                FactorKind::Totp => "totp",
                FactorKind::RecoveryCode => "recovery_code",
            },
            name: factor.name,
            created: factor.created.to_string(),
            last_used: factor.last_used.map(|time| time.to_string()),
            synced: factor.synced,
        });
        Self { items: items.collect(), recovery_codes: view.recovery_codes, required: view.required }
    }
}

/// The second factors of an account.
#[utoipa::path(get, path = "/.gabion/api/v1/users/{id}/factors", tag = "users", operation_id = "list_factors",
    params(("id" = String, Path)), responses((status = 200, body = Factors), (status = 404, body = Problem)))]
pub(crate) async fn list(State(console): State<Console>, asker: Asker, Path(id): Path<String>) -> Response {
    match console.service.find_factors(&asker.caller, Which::Id(AccountId::new(&id))).await {
        Ok(factors) => json(StatusCode::OK, &Factors::from(factors)),
        Err(error) => refused(error),
    }
}

/// Takes every second factor and recovery code away; sessions end.
#[utoipa::path(delete, path = "/.gabion/api/v1/users/{id}/factors", tag = "users", operation_id = "reset_factors",
    params(("id" = String, Path)), responses((status = 204), (status = 404, body = Problem)))]
pub(crate) async fn reset(State(console): State<Console>, asker: Asker, Path(id): Path<String>) -> Response {
    let person = match console.service.person(&asker.caller, Which::Id(AccountId::new(&id))).await {
        Ok(person) => person,
        Err(error) => return refused(error),
    };
    match console.service.reset_factors(&asker.caller, &person.name).await {
        Ok(_) => done(),
        Err(error) => refused(error),
    }
}

/// Takes one second factor away; sessions end.
#[utoipa::path(delete, path = "/.gabion/api/v1/users/{id}/factors/{factor}", tag = "users", operation_id = "remove_factor",
    params(("id" = String, Path), ("factor" = String, Path)), responses((status = 204), (status = 404, body = Problem)))]
pub(crate) async fn remove(
    State(console): State<Console>,
    asker: Asker,
    Path((id, factor)): Path<(String, String)>,
) -> Response {
    let which = Which::Id(AccountId::new(&id));
    match console.service.remove_factor_of(&asker.caller, which, &factor).await {
        Ok(()) => done(),
        Err(error) => refused(error),
    }
}
