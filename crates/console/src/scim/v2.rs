//! `/.gabion/scim/v2/…`

mod discovery;
mod groups;
mod refused;
mod search;
mod users;

use axum::Router;
use axum::routing::MethodRouter;

use super::Refused;
use crate::Console;

pub(crate) fn routes() -> Router<Console> {
    Router::new()
        .route("/.gabion/scim/v2/Users", closed(users::route()))
        .route("/.gabion/scim/v2/Users/.search", closed(users::search::route()))
        .route("/.gabion/scim/v2/Users/{id}", closed(users::one::route()))
        .route("/.gabion/scim/v2/Groups", closed(groups::route()))
        .route("/.gabion/scim/v2/Groups/.search", closed(groups::search::route()))
        .route("/.gabion/scim/v2/Groups/{id}", closed(groups::one::route()))
        .route("/.gabion/scim/v2/.search", closed(search::route()))
        .route("/.gabion/scim/v2/ServiceProviderConfig", closed(discovery::service_provider_config()))
        .route("/.gabion/scim/v2/ResourceTypes", closed(discovery::resource_types()))
        .route("/.gabion/scim/v2/ResourceTypes/{id}", closed(discovery::resource_type()))
        .route("/.gabion/scim/v2/Schemas", closed(discovery::schemas()))
        .route("/.gabion/scim/v2/Schemas/{id}", closed(discovery::schema()))
        .route("/.gabion/scim/v2/Me", refused::route())
        .route("/.gabion/scim/v2/Bulk", refused::route())
        .route("/.gabion/scim/{*rest}", axum::routing::any(async || Refused::not_found().answer()))
}

/// Other methods get a SCIM answer too.
fn closed(route: MethodRouter<Console>) -> MethodRouter<Console> {
    route.fallback(async || Refused::method().answer())
}
