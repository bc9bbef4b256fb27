//! A shop's API. People come through the gate, programs with an access token or an API key; each handler
//! sees one [`Principal`].

use axum::extract::Path;
use axum::routing::{get, post};
use axum::{Json, Router};
use gabion_tower::{Authorize, Gabion, Mistakes, NotAllowed, Object, Principal, Secret};
use http::StatusCode;
use serde_json::{Value, json};

/// The application. `audience` is its name among the gate's upstreams, `resource` what access tokens for it name, `key` its
/// own API key, by which it asks the gate who may see and pay an invoice.
///
/// # Errors
/// When what is asked for cannot be.
pub fn application(
    gabion: &Gabion,
    audience: &str,
    resource: &str,
    key: &Secret<String>,
) -> Result<Router, Mistakes> {
    let anybody = gabion.session(audience).or(gabion.bearer(resource)).or(gabion.api_key());
    let reading = anybody.clone().scope("orders:read");
    let writing = anybody.clone().scope("orders:write").role("clerk");
    Ok(Router::new()
        .merge(
            Router::new()
                .route("/invoices/{id}", get(invoice).delete(cancel_invoice))
                .route_layer(gabion.decisions(key).layer())
                .route_layer(anybody.clone().layer()?),
        )
        .merge(Router::new().route("/", get(greet)).route_layer(anybody.allow_strangers().layer()?))
        .merge(
            Router::new()
                .route("/me", get(me))
                .route("/orders/{id}", get(order))
                .route_layer(reading.layer()?),
        )
        .merge(Router::new().route("/orders", post(add_order)).route_layer(writing.layer()?)))
}

async fn greet(who: Option<Principal>) -> String {
    who.map_or_else(|| "Hello, stranger".to_owned(), |who| format!("Hello, {}", who.name))
}

async fn me(who: Principal) -> Json<Value> {
    let roles: Vec<&str> = who.roles.iter().map(gabion_tower::Role::as_str).collect();
    Json(json!({
        "account": who.account.as_str(),
        "name": &*who.name,
        "by": who.kind.as_str(),
        "roles": roles,
        "groups": &*who.groups,
        "scopes": who.scopes.iter().collect::<Vec<_>>(),
        "acr": who.acr.map(gabion_tower::Acr::as_str),
        "methods": &*who.methods,
    }))
}

async fn order(who: Principal, Path(id): Path<u32>) -> Json<Value> {
    Json(json!({ "id": id, "seen_by": who.account.as_str() }))
}

async fn add_order(who: Principal) -> Json<Value> {
    Json(json!({ "id": 1, "added_by": who.account.as_str() }))
}

/// Who may see it the gate's policies say, and of what; the gate knows whose it is.
async fn invoice(may: Authorize, Path(id): Path<u32>) -> Result<Json<Value>, NotAllowed> {
    let permit =
        may.hiding().masking().authorize("readInvoice", Object::new("Invoice", &id.to_string())).await?;
    let invoice = json!({ "id": id, "total": 1200, "card": "4111 1111 1111 1111" });
    Ok(Json(permit.masked(invoice).unwrap_or_default()))
}

/// Policies ask for a second factor here.
async fn cancel_invoice(may: Authorize, Path(id): Path<u32>) -> Result<StatusCode, NotAllowed> {
    let _permit = may.hiding().authorize("cancelInvoice", Object::new("Invoice", &id.to_string())).await?;
    Ok(StatusCode::NO_CONTENT)
}
