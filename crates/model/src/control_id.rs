//! The ids of the control catalogue: the one name a promise has in checks, ledger, metrics, findings
//! and reports. The list here and the entries in `catalogue/*.toml` are the same set; a test in
//! `control` holds them together.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The id of one control, for instance `web.csrf`. Cheap to copy and compare.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ControlId(&'static str);

impl ControlId {
    /// Every id there is, in catalogue order.
    pub const ALL: &[Self] = ALL;

    /// The id as it stands in the catalogue, for instance `web.csrf`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.0
    }
}

/// The text is not the id of a control.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no control has the id `{0}`")]
pub struct UnknownControl(pub String);

impl FromStr for ControlId {
    type Err = UnknownControl;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.iter().copied().find(|id| id.0 == text).ok_or_else(|| UnknownControl(text.to_owned()))
    }
}

impl fmt::Display for ControlId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.0)
    }
}

impl fmt::Debug for ControlId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.0)
    }
}

impl Serialize for ControlId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0)
    }
}

impl<'de> Deserialize<'de> for ControlId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

macro_rules! control_ids {
    ($($name:ident = $id:literal;)*) => {
        /// One constant per control; what each promises stands in the catalogue.
        impl ControlId {
            $(#[doc = concat!("`", $id, "`")] pub const $name: Self = Self($id);)*
        }
        const ALL: &[ControlId] = &[$(ControlId($id)),*];
    };
}

control_ids! {
    AUTHN_PASSWORD_HASHING = "authn.password-hashing";
    AUTHN_PASSWORD_POLICY = "authn.password-policy";
    AUTHN_LOGIN_THROTTLE = "authn.login-throttle";
    AUTHN_NO_ENUMERATION = "authn.no-enumeration";
    AUTHN_TOTP = "authn.totp";
    AUTHN_PASSKEYS = "authn.passkeys";
    AUTHN_RECOVERY_CODES = "authn.recovery-codes";
    AUTHN_PASSWORD_RESET = "authn.password-reset";
    AUTHN_NO_DEFAULT_ACCOUNTS = "authn.no-default-accounts";
    AUTHN_INSTANT_OFFBOARDING = "authn.instant-offboarding";
    TOKEN_ALGORITHMS = "token.algorithms";
    TOKEN_LIFETIMES = "token.lifetimes";
    TOKEN_CLAIMS = "token.claims";
    TOKEN_API_KEYS = "token.api-keys";
    TOKEN_KEY_ROTATION = "token.key-rotation";
    OAUTH_PKCE = "oauth.pkce";
    OAUTH_EXACT_REDIRECTS = "oauth.exact-redirects";
    OAUTH_CONSENT = "oauth.consent";
    SESSION_COOKIES = "session.cookies";
    SESSION_IDENTIFIERS = "session.identifiers";
    SESSION_TIMEOUTS = "session.timeouts";
    SESSION_REVOCATION = "session.revocation";
    AUTHZ_DECLARED_ROUTES = "authz.declared-routes";
    AUTHZ_ROLES = "authz.roles";
    AUTHZ_OBJECTS = "authz.objects";
    AUTHZ_FIELDS = "authz.fields";
    AUTHZ_TRUSTED_IDENTITY = "authz.trusted-identity";
    AUTHZ_STEP_UP = "authz.step-up";
    AUTHZ_TENANTS = "authz.tenants";
    AUTHZ_LEAST_PRIVILEGE = "authz.least-privilege";
    AUTHZ_ADMIN_SURFACE = "authz.admin-surface";
    AUTHZ_ACCESS_REVIEW = "authz.access-review";
    INPUT_CONTRACT = "input.contract";
    INPUT_LIMITS = "input.limits";
    INPUT_QUERIES = "input.queries";
    INPUT_COMMANDS = "input.commands";
    INPUT_OUTPUT_ENCODING = "input.output-encoding";
    INPUT_PATHS = "input.paths";
    EGRESS_DESTINATIONS = "egress.destinations";
    EGRESS_BOUNDS = "egress.bounds";
    INPUT_DESERIALISATION = "input.deserialisation";
    INPUT_UPLOADS = "input.uploads";
    INPUT_WAF = "input.waf";
    WEB_CSRF = "web.csrf";
    WEB_CSP = "web.csp";
    WEB_HTTPS = "web.https";
    WEB_HEADERS = "web.headers";
    WEB_CORS = "web.cors";
    WEB_REDIRECTS = "web.redirects";
    ABUSE_RATE_LIMITS = "abuse.rate-limits";
    API_INVENTORY = "api.inventory";
    API_WEBHOOKS = "api.webhooks";
    API_ERRORS = "api.errors";
    API_FAIL_CLOSED = "api.fail-closed";
    DATA_CLASSIFICATION = "data.classification";
    DATA_FIELD_ENCRYPTION = "data.field-encryption";
    DATA_KEY_MANAGEMENT = "data.key-management";
    DATA_TLS = "data.tls";
    DATA_SERVICE_IDENTITY = "data.service-identity";
    DATA_BACKUPS = "data.backups";
    DATA_MINIMISATION = "data.minimisation";
    DATA_ERASURE = "data.erasure";
    DATA_RANDOMNESS = "data.randomness";
    CONFIG_NO_SECRETS_IN_CODE = "config.no-secrets-in-code";
    CONFIG_SECRET_STORE = "config.secret-store";
    CONFIG_SAFE_STARTUP = "config.safe-startup";
    CONFIG_CONTAINERS = "config.containers";
    CONFIG_KUBERNETES = "config.kubernetes";
    SUPPLY_VULNERABILITIES = "supply.vulnerabilities";
    SUPPLY_SBOM = "supply.sbom";
    SUPPLY_PINNING = "supply.pinning";
    SUPPLY_PIPELINE = "supply.pipeline";
    ASSURANCE_STATIC_ANALYSIS = "assurance.static-analysis";
    ASSURANCE_DYNAMIC_TESTS = "assurance.dynamic-tests";
    ASSURANCE_THREAT_MODEL = "assurance.threat-model";
    LEDGER_SECURITY_EVENTS = "ledger.security-events";
    LEDGER_ADMIN_ACTS = "ledger.admin-acts";
    LEDGER_DATABASE_TRAIL = "ledger.database-trail";
    LEDGER_SANITISED = "ledger.sanitised";
    LEDGER_TAMPER_EVIDENCE = "ledger.tamper-evidence";
    LEDGER_SHIPPING = "ledger.shipping";
    LEDGER_RETENTION = "ledger.retention";
    WATCH_DETECTIONS = "watch.detections";
    WATCH_ALERTS = "watch.alerts";
    INCIDENT_CLASSIFICATION = "incident.classification";
    INCIDENT_PROCEDURE = "incident.procedure";
    INCIDENT_CUSTODY = "incident.custody";
    INCIDENT_NOTIFICATION = "incident.notification";
    INCIDENT_REVIEW = "incident.review";
    ASSURANCE_CONTINUOUS_EVIDENCE = "assurance.continuous-evidence";
}
