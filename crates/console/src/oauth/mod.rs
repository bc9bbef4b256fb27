//! The endpoints of the OpenID Connect provider.

mod authorize;
mod consent;
mod discovery;
pub(crate) mod error;
mod flow;
mod form;
mod introspect;
mod respond;
mod revoke;
mod token;
mod userinfo;

use axum::Router;

use crate::Console;

pub(crate) fn routes(router: Router<Console>) -> Router<Console> {
    router
        .route("/.gabion/oauth/authorize", authorize::route())
        .route("/.gabion/oauth/consent", consent::route())
        .route("/.gabion/oauth/token", token::route())
        .route("/.gabion/oauth/introspect", introspect::route())
        .route("/.gabion/oauth/revoke", revoke::route())
        .route("/.gabion/oauth/userinfo", userinfo::route())
        .route("/.well-known/openid-configuration", discovery::route())
        .route("/.well-known/oauth-authorization-server", discovery::route())
}
