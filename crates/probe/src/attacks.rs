//! The tests: each a file of its own, described in `rules/probe/`.

mod alarms;
mod api_key;
mod archive_bomb;
mod authentication_bypass;
mod business_limits;
mod cacheable_answer;
mod certificate;
mod command_injection;
mod compact;
mod condition;
mod cors;
mod csrf;
mod default_credentials;
mod deserialisation;
mod effect;
mod exposed_files;
mod extras;
mod forged_identity;
mod function_access;
mod graphql_access;
mod graphql_csrf;
mod graphql_introspection;
mod graphql_limits;
mod header_injection;
mod headers;
mod host_header;
mod input_validation;
mod inventory;
mod jwt;
mod jwt_address;
mod jwt_claims;
mod ldap_injection;
mod leftovers;
mod login_around;
mod login_code;
mod login_injection;
mod login_rate;
mod lure;
mod markup;
mod mass_assignment;
mod meter;
mod mfa;
mod missing_login;
mod monitoring;
mod nosql_injection;
mod oauth;
mod object_access;
mod object_delete;
mod object_use;
mod object_write;
pub(crate) mod open_port;
mod open_redirect;
mod password_change;
mod password_policy;
mod password_reset;
mod path_traversal;
mod pixel_flood;
mod prototype_pollution;
mod race_condition;
mod rate_limit;
mod reckoning;
mod redos;
mod registration;
mod reset_page;
mod secrets_in_answers;
mod session_concurrency;
mod session_cookies;
mod session_end;
mod session_identifiers;
mod session_in_address;
pub(crate) mod session_timeout;
mod skipped_step;
mod spelling;
mod sql_injection;
mod sql_stored;
mod ssrf;
mod template_injection;
mod tenant_access;
mod tls;
mod token_lifetime;
mod udp_service;
mod union;
mod upload_contents;
mod upload_execution;
mod upload_size;
mod uploads;
mod user_enumeration;
mod verbose_errors;
mod version_disclosure;
mod vulnerable_component;
mod waiting;
mod webhooks;
mod websocket_access;
mod xpath_injection;
mod xss_dom;
mod xss_reflected;
mod xss_stored;
mod xxe;

pub(crate) use self::session_cookies::without_secrets;
use gabion_model::outbound::BoxFuture;

use crate::field::Field;
use crate::wire::WireError;

/// A test. It says what it found through [`Field::say`], one outcome for each thing it looked at.
pub trait Attack: Sync {
    /// The id of its description, and the name of its file with `-`.
    fn id(&self) -> &'static str;

    /// Harmless ones go first.
    fn phase(&self) -> Phase;

    /// # Errors
    /// Only when the run is over; what happens to one request is an outcome.
    fn run<'a>(&'a self, field: &'a Field) -> BoxFuture<'a, Result<(), WireError>>;
}

/// When a test runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Reads what any visitor gets.
    Look,
    /// Sends hostile values, and reads.
    Read,
    /// Writes to what the probe made or its identities own.
    Write,
    /// Removes what the probe made.
    Remove,
    /// Asks more often than is allowed.
    Limits,
    /// Begins and ends sessions.
    Sessions,
    /// Sends a few wrong passwords.
    Guess,
    /// Sends wrong codes for an account with a second factor.
    Factor,
    /// Sends so many that an account may be locked.
    Lock,
    /// Asks where others may have used up what is allowed.
    Last,
}

/// All of them, in no order.
pub static ALL: &[&dyn Attack] = &[
    &api_key::ApiKey,
    &archive_bomb::ArchiveBomb,
    &authentication_bypass::AuthenticationBypass,
    &business_limits::BusinessLimits,
    &cacheable_answer::CacheableAnswer,
    &command_injection::CommandInjection,
    &cors::Cors,
    &csrf::Csrf,
    &default_credentials::DefaultCredentials,
    &deserialisation::Deserialisation,
    &exposed_files::ExposedFiles,
    &forged_identity::ForgedIdentity,
    &function_access::FunctionAccess,
    &graphql_access::GraphqlAccess,
    &graphql_csrf::GraphqlCsrf,
    &graphql_introspection::GraphqlIntrospection,
    &graphql_limits::GraphqlLimits,
    &header_injection::HeaderInjection,
    &headers::Headers,
    &host_header::HostHeader,
    &input_validation::InputValidation,
    &inventory::Inventory,
    &jwt::Jwt,
    &ldap_injection::LdapInjection,
    &login_code::LoginCode,
    &login_injection::LoginInjection,
    &login_rate::LoginRate,
    &mass_assignment::MassAssignment,
    &mfa::Mfa,
    &missing_login::MissingLogin,
    &monitoring::Monitoring,
    &nosql_injection::NosqlInjection,
    &oauth::Oauth,
    &object_access::ObjectAccess,
    &object_delete::ObjectDelete,
    &object_use::ObjectUse,
    &object_write::ObjectWrite,
    &open_port::OpenPort,
    &open_redirect::OpenRedirect,
    &password_change::PasswordChange,
    &password_policy::PasswordPolicy,
    &password_reset::PasswordReset,
    &path_traversal::PathTraversal,
    &pixel_flood::PixelFlood,
    &prototype_pollution::PrototypePollution,
    &race_condition::RaceCondition,
    &rate_limit::RateLimit,
    &redos::Redos,
    &secrets_in_answers::SecretsInAnswers,
    &session_concurrency::SessionConcurrency,
    &session_cookies::SessionCookies,
    &session_end::SessionEnd,
    &session_identifiers::SessionIdentifiers,
    &session_in_address::SessionInAddress,
    &session_timeout::SessionTimeout,
    &skipped_step::SkippedStep,
    &sql_injection::SqlInjection,
    &sql_stored::SqlStored,
    &ssrf::Ssrf,
    &template_injection::TemplateInjection,
    &tenant_access::TenantAccess,
    &tls::Tls,
    &token_lifetime::TokenLifetime,
    &udp_service::UdpService,
    &upload_contents::UploadContents,
    &upload_execution::UploadExecution,
    &upload_size::UploadSize,
    &uploads::Uploads,
    &user_enumeration::UserEnumeration,
    &verbose_errors::VerboseErrors,
    &version_disclosure::VersionDisclosure,
    &vulnerable_component::VulnerableComponent,
    &webhooks::Webhooks,
    &websocket_access::WebsocketAccess,
    &xpath_injection::XpathInjection,
    &xss_dom::XssDom,
    &xss_reflected::XssReflected,
    &xss_stored::XssStored,
    &xxe::Xxe,
];

/// As many true as false ones, in random order.
pub(crate) fn shuffled(field: &Field, count: usize) -> Vec<bool> {
    let mut truths: Vec<bool> = (0..count).map(|round| round % 2 == 0).collect();
    let below = u32::try_from(count).unwrap_or(1);
    for at in 0..truths.len() {
        let other = usize::try_from(field.number(below)).unwrap_or(0).min(truths.len().saturating_sub(1));
        truths.swap(at, other);
    }
    truths
}

/// Whether two people are signed in at least; without them a test between people says so.
fn takes_two(field: &Field, id: &'static str) -> bool {
    let two = field.signed_in().nth(1).is_some();
    if !two {
        field.not_tested(id, "it takes two identities; hint: `[[identities]]`");
    }
    two
}

/// What became of one request: an answer, or nothing that can be used; the end of a run goes on up.
pub(crate) fn usable<T>(result: Result<T, WireError>) -> Result<Option<T>, WireError> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.is_end() => Err(error),
        Err(_) => Ok(None),
    }
}
