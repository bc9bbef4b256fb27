//! The endpoints of the OpenID Connect provider.

mod authorize;
mod consent;
mod device;
mod device_authorization;
mod discovery;
pub(crate) mod error;
mod flow;
mod form;
mod introspect;
mod logout;
mod par;
mod register;
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
        .route("/.gabion/oauth/device", device::route())
        .route("/.gabion/oauth/device_authorization", device_authorization::route())
        .route("/.gabion/oauth/logout", logout::route())
        .route("/.gabion/oauth/logout/confirm", logout::confirmed())
        .route("/.gabion/oauth/par", par::route())
        .route("/.gabion/oauth/register", register::route())
        .route("/.gabion/oauth/register/{id}", register::managed())
        .route("/.gabion/oauth/token", token::route())
        .route("/.gabion/oauth/introspect", introspect::route())
        .route("/.gabion/oauth/revoke", revoke::route())
        .route("/.gabion/oauth/userinfo", userinfo::route())
        .route("/.well-known/openid-configuration", discovery::route())
        .route("/.well-known/oauth-authorization-server", discovery::route())
}
