//! What the provider says about itself (OpenID Connect Discovery 1.0, 3; RFC 8414, 2). Made from the
//! tables the endpoints go by, so that it promises nothing that is not there.

use gabion_identity::oauth::client::{AuthenticationMethod, GrantType};
use gabion_identity::oauth::registration::{ClientDocumentMode, RegistrationMode};
use gabion_identity::oauth::scope::{self, OFFLINE_ACCESS};
use gabion_model::Acr;
use gabion_vault::jwt::Algorithm;
use serde_json::{Map, Value, json};

use crate::Service;

impl Service {
    /// The document; none when the provider is switched off.
    #[must_use]
    pub fn provider_metadata(&self) -> Option<Map<String, Value>> {
        let inner = &self.0;
        let rules = inner.rules();
        if !rules.provider.settings.enabled {
            return None;
        }
        let issuer = inner.issuer();
        let at = |path: &str| format!("{issuer}/.gabion/oauth/{path}");
        let edge = &rules.provider.edge;
        let offered = |method: &&AuthenticationMethod| match method {
            AuthenticationMethod::Tls => edge.certificates,
            AuthenticationMethod::SelfSignedTls => edge.self_signed_certificates,
            _ => true,
        };
        let methods: Vec<_> = TOKEN_METHODS.iter().filter(offered).map(|method| method.as_str()).collect();
        let confidential: Vec<_> =
            methods.iter().filter(|one| **one != AuthenticationMethod::None.as_str()).collect();
        let algorithms: Vec<_> = inner.keys.algorithms().iter().map(|algorithm| algorithm.as_str()).collect();
        let asymmetric: Vec<_> = Algorithm::ASYMMETRIC.iter().map(|alg| alg.as_str()).collect();
        let settings = &rules.provider.settings;
        let registers = settings.registration.mode != RegistrationMode::Off;
        let documents = settings.client_documents.mode != ClientDocumentMode::Off;
        let scopes: Vec<_> = rules.provider.scopes.names().collect();
        debug_assert!(scopes.contains(&OFFLINE_ACCESS));
        let claims: Vec<_> = ["acr", "amr", "aud", "auth_time", "azp", "exp", "iat", "iss", "nonce", "sid"]
            .into_iter()
            .chain(scope::CLAIMS.iter().copied())
            .collect();
        let document = json!({
            "issuer": *issuer,
            "authorization_endpoint": at("authorize"),
            "token_endpoint": at("token"),
            "userinfo_endpoint": at("userinfo"),
            "introspection_endpoint": at("introspect"),
            "revocation_endpoint": at("revoke"),
            "pushed_authorization_request_endpoint": at("par"),
            "device_authorization_endpoint": at("device_authorization"),
            "end_session_endpoint": at("logout"),
            "jwks_uri": format!("{issuer}/.well-known/jwks.json"),
            "scopes_supported": scopes,
            "claims_supported": claims,
            "claim_types_supported": ["normal"],
            "response_types_supported": ["code"],
            "response_modes_supported": ["query", "form_post"],
            "grant_types_supported": GrantType::ALL.iter().map(|grant| grant.as_str()).collect::<Vec<_>>(),
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": algorithms,
            "userinfo_signing_alg_values_supported": algorithms,
            "token_endpoint_auth_methods_supported": methods,
            "revocation_endpoint_auth_methods_supported": methods,
            "introspection_endpoint_auth_methods_supported": confidential,
            "code_challenge_methods_supported": ["S256"],
            "acr_values_supported": Acr::ALL.iter().map(|acr| acr.as_str()).collect::<Vec<_>>(),
            "prompt_values_supported": ["none", "login", "consent", "select_account"],
            "display_values_supported": ["page"],
            "ui_locales_supported": ["en"],
            "claims_parameter_supported": true,
            "request_parameter_supported": false,
            "request_uri_parameter_supported": false,
            "authorization_response_iss_parameter_supported": true,
            "token_endpoint_auth_signing_alg_values_supported": asymmetric,
            "revocation_endpoint_auth_signing_alg_values_supported": asymmetric,
            "introspection_endpoint_auth_signing_alg_values_supported": asymmetric,
            "dpop_signing_alg_values_supported": asymmetric,
            "require_pushed_authorization_requests": false,
            "backchannel_logout_supported": true,
            "backchannel_logout_session_supported": true,
        });
        match document {
            Value::Object(mut document) => {
                if registers {
                    document.insert("registration_endpoint".to_owned(), at("register").into());
                }
                if edge.takes_certificates() {
                    document.insert("tls_client_certificate_bound_access_tokens".to_owned(), true.into());
                }
                if let Some(origin) = edge.certificate_origin(&issuer) {
                    document.insert("mtls_endpoint_aliases".to_owned(), aliases(&origin));
                }
                if documents {
                    document.insert("client_id_metadata_document_supported".to_owned(), true.into());
                }
                Some(document)
            }
            _ => None,
        }
    }
}

/// How clients may authenticate here.
const TOKEN_METHODS: &[AuthenticationMethod] = &[
    AuthenticationMethod::SecretBasic,
    AuthenticationMethod::SecretPost,
    AuthenticationMethod::PrivateKeyJwt,
    AuthenticationMethod::Tls,
    AuthenticationMethod::SelfSignedTls,
    AuthenticationMethod::None,
];

/// Where the endpoints are on which certificates are looked at (RFC 8705, 5).
fn aliases(origin: &str) -> Value {
    let rows = [
        ("token_endpoint", "token"),
        ("pushed_authorization_request_endpoint", "par"),
        ("introspection_endpoint", "introspect"),
        ("revocation_endpoint", "revoke"),
        ("device_authorization_endpoint", "device_authorization"),
        ("userinfo_endpoint", "userinfo"),
    ];
    let rows = rows.map(|(name, path)| (name.to_owned(), format!("{origin}/.gabion/oauth/{path}").into()));
    Value::Object(rows.into_iter().collect())
}
