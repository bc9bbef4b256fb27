//! How a client describes itself: dynamic registration (RFC 7591; OpenID Connect Dynamic Client
//! Registration 1.0) and client-id metadata documents.
//!
//! What is not understood is passed over; what is asked for and not offered is left out and the answer says
//! what was registered (RFC 7591, 2: the server may substitute), so that clients in the field get on. What
//! would be dangerous is refused: a redirect URI that is none, a software statement that nobody verifies,
//! two places of keys.

use gabion_model::{Problem, Secret};
use gabion_vault::{constant_time_eq, sha256};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::client::{
    Application, AuthenticationMethod, CertificateSubject, Client, GrantType, Metadata, RedirectUri,
    ResponseType, SignatureAlgorithm,
};
use super::error::{ErrorCode, OAuthError};

/// Applications that register themselves (RFC 7591).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RegistrationSettings {
    /// Who may register an application: nobody, whoever has the initial access token, or everybody.
    pub mode: RegistrationMode,
    /// The SHA-256 of the initial access token, in hexadecimal, for `mode = "token"`.
    pub token_sha256: Option<String>,
    /// The scopes such an application may have.
    pub scopes: Vec<String>,
    /// When there are so many clients, nobody registers one more.
    pub most: usize,
}

/// Who may register an application.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RegistrationMode {
    /// Nobody but administrators.
    #[default]
    Off,
    /// Everybody, slowly.
    Open,
    /// Whoever has the initial access token.
    Token,
}

/// Applications whose id is the https address of a document that describes them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ClientDocumentSettings {
    /// Whose documents are believed.
    pub mode: ClientDocumentMode,
    /// The hosts, for `mode = "list"`; with the port where it is not 443.
    pub hosts: Vec<String>,
    /// The scopes such an application may have.
    pub scopes: Vec<String>,
}

/// Whose documents are believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ClientDocumentMode {
    /// Every public https address's.
    Any,
    /// Those of the listed hosts.
    List,
    /// Nobody's.
    #[default]
    Off,
}

impl Default for RegistrationSettings {
    fn default() -> Self {
        Self { mode: RegistrationMode::Off, token_sha256: None, scopes: usual_scopes(), most: 1000 }
    }
}

impl Default for ClientDocumentSettings {
    fn default() -> Self {
        Self { mode: ClientDocumentMode::Off, hosts: Vec::new(), scopes: usual_scopes() }
    }
}

impl RegistrationSettings {
    #[must_use]
    pub fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        let hash = self.token_sha256.as_deref();
        if hash.is_some_and(|text| from_hex(text).is_none()) {
            problems.push(
                Problem::new("token_sha256", "is not a SHA-256 in hexadecimal")
                    .hint("`printf %s TOKEN | sha256sum`"),
            );
        }
        if self.mode == RegistrationMode::Token && hash.is_none() {
            problems.push(
                Problem::new("token_sha256", "is missing")
                    .hint("make a token with `openssl rand -hex 32` and write its SHA-256 here"),
            );
        }
        if !(1..=100_000).contains(&self.most) {
            problems.push(Problem::new("most", "is not between 1 and 100000"));
        }
        problems
    }

    /// Whether it is the initial access token.
    #[must_use]
    pub fn is_token(&self, token: Option<&Secret<String>>) -> bool {
        let (Some(token), Some(hash)) = (token, self.token_sha256.as_deref().and_then(from_hex)) else {
            return false;
        };
        constant_time_eq(&sha256(token.expose().as_bytes()), &hash)
    }
}

impl ClientDocumentSettings {
    #[must_use]
    pub fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        let plain = |host: &String| {
            !host.is_empty()
                && host.bytes().all(|byte| {
                    byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-:[]".contains(&byte)
                })
        };
        for host in self.hosts.iter().filter(|host| !plain(host)) {
            problems.push(
                Problem::new("hosts", format!("`{host}` is not a host"))
                    .hint("for instance `app.example`, in lower case, without a scheme and without `*`"),
            );
        }
        if self.mode == ClientDocumentMode::List && self.hosts.is_empty() {
            problems.push(Problem::new("hosts", "is empty, so nobody's documents are believed"));
        }
        problems
    }

    /// Whether a document at this address may describe a client.
    #[must_use]
    pub fn lets_in(&self, address: &str) -> bool {
        match self.mode {
            ClientDocumentMode::Off => false,
            ClientDocumentMode::Any => true,
            ClientDocumentMode::List => {
                let authority =
                    address.strip_prefix("https://").and_then(|rest| rest.split(['/', '?']).next());
                authority.is_some_and(|authority| self.hosts.iter().any(|host| host == authority))
            }
        }
    }
}

fn usual_scopes() -> Vec<String> {
    ["openid", "profile", "email", "offline_access"].map(str::to_owned).to_vec()
}

fn from_hex(text: &str) -> Option<[u8; 32]> {
    let digits: Option<Vec<u32>> = text.chars().map(|digit| digit.to_digit(16)).collect();
    let digits = digits.filter(|digits| digits.len() == 64)?;
    let mut out = [0; 32];
    for (byte, pair) in out.iter_mut().zip(digits.chunks_exact(2)) {
        let [high, low] = pair else { return None };
        *byte = u8::try_from(high * 16 + low).ok()?;
    }
    Some(out)
}

/// What a stranger may be given.
#[derive(Debug, Clone, Copy)]
pub struct Offer<'a> {
    /// The scopes that may be registered by whoever asks.
    pub scopes: &'a [String],
}

/// Reads what a client says about itself.
///
/// # Errors
/// `invalid_redirect_uri`, `invalid_client_metadata` or `invalid_software_statement`.
pub fn read(document: &Map<String, Value>, offer: Offer<'_>) -> Result<Metadata, OAuthError> {
    if document.contains_key("software_statement") {
        return Err(OAuthError::new(
            ErrorCode::InvalidSoftwareStatement,
            "software statements are not accepted here",
        ));
    }
    let reader = Reader(document);
    // Whoever asks that applications cannot tell together who somebody is must not be told that it is done.
    if reader.text("subject_type")?.is_some_and(|kind| kind != "public") {
        return Err(invalid("subject_type is not one of this server's: there is only public"));
    }
    let native = reader.text("application_type")?.as_deref() == Some("native");
    let authentication = match reader.text("token_endpoint_auth_method")? {
        None => AuthenticationMethod::SecretBasic,
        Some(word) => AuthenticationMethod::from_text(&word)
            .ok_or_else(|| invalid("token_endpoint_auth_method is not one of those offered"))?,
    };
    let grant_types = match reader.texts("grant_types")? {
        None => vec![GrantType::AuthorizationCode],
        Some(words) => words.iter().filter_map(|word| GrantType::from_text(word)).collect(),
    };
    let response_types = match reader.texts("response_types")? {
        None if grant_types.contains(&GrantType::AuthorizationCode) => vec![ResponseType::Code],
        None => Vec::new(),
        Some(words) => words.iter().filter_map(|word| ResponseType::from_text(word)).collect(),
    };
    let redirect_uris = reader.redirects("redirect_uris")?;
    let asked = reader.text("scope")?;
    let offered = |name: &str| offer.scopes.iter().any(|own| own == name);
    let scopes = match &asked {
        None => offer.scopes.to_vec(),
        Some(text) => text.split(' ').filter(|name| offered(name)).map(str::to_owned).collect(),
    };
    let name = reader.text("client_name")?.unwrap_or_else(|| named_after(&redirect_uris));
    let metadata = Metadata {
        name,
        application: if native { Application::Native } else { Application::Web },
        authentication,
        post_logout_redirect_uris: reader.redirects("post_logout_redirect_uris")?,
        redirect_uris,
        grant_types,
        response_types,
        scopes,
        jwks: document.get("jwks").filter(|value| !value.is_null()).cloned(),
        jwks_uri: reader.text("jwks_uri")?,
        certificate_subject: reader.subject()?,
        certificate_bound_access_tokens: reader.flag("tls_client_certificate_bound_access_tokens")?,
        dpop_bound_access_tokens: reader.flag("dpop_bound_access_tokens")?,
        require_pushed_authorization_requests: reader.flag("require_pushed_authorization_requests")?,
        // OpenID Connect Registration, 2: the default, if omitted, is RS256, and such a client counts on it.
        id_token_signed_response_alg: reader
            .algorithm("id_token_signed_response_alg")?
            .or(Some(SignatureAlgorithm::Rs256)),
        userinfo_signed_response_alg: reader.algorithm("userinfo_signed_response_alg")?,
        token_endpoint_auth_signing_alg: reader.text("token_endpoint_auth_signing_alg")?,
        backchannel_logout_uri: reader.text("backchannel_logout_uri")?,
        backchannel_logout_session_required: reader.flag("backchannel_logout_session_required")?,
        default_max_age: reader.number("default_max_age")?,
        default_acr_values: reader.texts("default_acr_values")?.unwrap_or_default(),
        require_auth_time: reader.flag("require_auth_time")?,
        client_uri: reader.text("client_uri")?,
        logo_uri: reader.text("logo_uri")?,
        policy_uri: reader.text("policy_uri")?,
        tos_uri: reader.text("tos_uri")?,
        contacts: reader.texts("contacts")?.unwrap_or_default(),
        software_id: reader.text("software_id")?,
        software_version: reader.text("software_version")?,
        // A stranger is never trusted further than this.
        require_pkce: true,
        first_party: false,
        certificate_thumbprints: Vec::new(),
        introspects: Vec::new(),
        resources: Vec::new(),
    };
    match metadata.problems().first() {
        None => Ok(metadata),
        Some(problem) if problem.path.ends_with("redirect_uris") => {
            Err(OAuthError::new(ErrorCode::InvalidRedirectUri, problem.to_string()))
        }
        Some(problem) => Err(invalid(problem.to_string())),
    }
}

/// The address of a client's other redirect URIs (OpenID Connect Registration 1.0, 5), which must be fetched
/// and [held](is_of_sector) to those that are registered.
///
/// # Errors
/// `invalid_client_metadata` when it is no https address.
pub fn sector(document: &Map<String, Value>) -> Result<Option<String>, OAuthError> {
    let Some(address) = Reader(document).text("sector_identifier_uri")? else { return Ok(None) };
    let https = address.starts_with("https://") && address.parse::<RedirectUri>().is_ok();
    if https { Ok(Some(address)) } else { Err(invalid("sector_identifier_uri is not an https address")) }
}

/// Whether what was found at that address, a list of texts, has all of the client's redirect URIs.
#[must_use]
pub fn is_of_sector(found: &str, metadata: &Metadata) -> bool {
    let Ok(listed) = serde_json::from_str::<Vec<String>>(found) else { return false };
    metadata.redirect_uris.iter().all(|uri| listed.iter().any(|one| one == uri.as_str()))
}

/// What was registered, as RFC 7591, 3.2.1 answers it; without secrets.
#[must_use]
pub fn describe(client: &Client) -> Map<String, Value> {
    let metadata = &client.metadata;
    let words = |values: Vec<&str>| Value::from(values);
    let uris = |uris: &[RedirectUri]| Value::from(uris.iter().map(RedirectUri::as_str).collect::<Vec<_>>());
    let mut document = Map::new();
    let mut set = |name: &str, value: Value| {
        let empty = match &value {
            Value::Null | Value::Bool(false) => true,
            Value::Array(items) => items.is_empty(),
            _ => false,
        };
        if !empty {
            document.insert(name.to_owned(), value);
        }
    };
    set("client_id", client.id.as_str().into());
    set("client_id_issued_at", client.created.as_secs().into());
    set("client_name", metadata.name.as_str().into());
    set("application_type", metadata.application.as_str().into());
    set("token_endpoint_auth_method", metadata.authentication.as_str().into());
    set("redirect_uris", uris(&metadata.redirect_uris));
    set("post_logout_redirect_uris", uris(&metadata.post_logout_redirect_uris));
    set("grant_types", words(metadata.grant_types.iter().map(|one| one.as_str()).collect()));
    set("response_types", words(metadata.response_types.iter().map(|one| one.as_str()).collect()));
    set("scope", metadata.scopes.join(" ").into());
    set("subject_type", "public".into());
    set("jwks", json!(metadata.jwks));
    set("jwks_uri", json!(metadata.jwks_uri));
    if let Some(subject) = &metadata.certificate_subject {
        let (name, value) = subject_member(subject);
        set(name, value.into());
    }
    set("tls_client_certificate_bound_access_tokens", metadata.certificate_bound_access_tokens.into());
    set("dpop_bound_access_tokens", metadata.dpop_bound_access_tokens.into());
    set("require_pushed_authorization_requests", metadata.require_pushed_authorization_requests.into());
    set("id_token_signed_response_alg", json!(metadata.id_token_signed_response_alg));
    set("userinfo_signed_response_alg", json!(metadata.userinfo_signed_response_alg));
    set("token_endpoint_auth_signing_alg", json!(metadata.token_endpoint_auth_signing_alg));
    set("backchannel_logout_uri", json!(metadata.backchannel_logout_uri));
    set("backchannel_logout_session_required", metadata.backchannel_logout_session_required.into());
    set("default_max_age", json!(metadata.default_max_age));
    set("default_acr_values", json!(metadata.default_acr_values));
    set("require_auth_time", metadata.require_auth_time.into());
    set("client_uri", json!(metadata.client_uri));
    set("logo_uri", json!(metadata.logo_uri));
    set("policy_uri", json!(metadata.policy_uri));
    set("tos_uri", json!(metadata.tos_uri));
    set("contacts", json!(metadata.contacts));
    set("software_id", json!(metadata.software_id));
    set("software_version", json!(metadata.software_version));
    document
}

struct Reader<'a>(&'a Map<String, Value>);

impl Reader<'_> {
    fn text(&self, name: &str) -> Result<Option<String>, OAuthError> {
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(_) => Err(invalid(format!("{name} must be a text"))),
        }
    }

    fn texts(&self, name: &str) -> Result<Option<Vec<String>>, OAuthError> {
        let Some(value) = self.0.get(name).filter(|value| !value.is_null()) else { return Ok(None) };
        let items = value.as_array().filter(|items| items.len() <= MOST);
        let texts = items.and_then(|items| {
            items.iter().map(|item| item.as_str().map(str::to_owned)).collect::<Option<Vec<_>>>()
        });
        texts.map(Some).ok_or_else(|| invalid(format!("{name} must be a list of at most {MOST} texts")))
    }

    fn redirects(&self, name: &'static str) -> Result<Vec<RedirectUri>, OAuthError> {
        let texts = self.texts(name)?.unwrap_or_default();
        let parse = |text: String| {
            text.parse::<RedirectUri>().map_err(|error| {
                OAuthError::new(ErrorCode::InvalidRedirectUri, format!("an address in {name}: {error}"))
            })
        };
        texts.into_iter().map(parse).collect()
    }

    fn flag(&self, name: &str) -> Result<bool, OAuthError> {
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(false),
            Some(Value::Bool(flag)) => Ok(*flag),
            Some(_) => Err(invalid(format!("{name} must be true or false"))),
        }
    }

    fn number(&self, name: &str) -> Result<Option<u64>, OAuthError> {
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => {
                value.as_u64().map(Some).ok_or_else(|| invalid(format!("{name} must be a number")))
            }
        }
    }

    fn algorithm(&self, name: &str) -> Result<Option<SignatureAlgorithm>, OAuthError> {
        let Some(word) = self.text(name)? else { return Ok(None) };
        SignatureAlgorithm::from_text(&word)
            .map(Some)
            .ok_or_else(|| invalid(format!("{name} is not an algorithm of this server")))
    }

    fn subject(&self) -> Result<Option<CertificateSubject>, OAuthError> {
        let mut found = None;
        type Maker = fn(String) -> CertificateSubject;
        let makers: [(&str, Maker); 5] = [
            ("tls_client_auth_subject_dn", CertificateSubject::Dn),
            ("tls_client_auth_san_dns", CertificateSubject::SanDns),
            ("tls_client_auth_san_email", CertificateSubject::SanEmail),
            ("tls_client_auth_san_ip", CertificateSubject::SanIp),
            ("tls_client_auth_san_uri", CertificateSubject::SanUri),
        ];
        for (name, make) in makers {
            if let Some(text) = self.text(name)? {
                if found.is_some() {
                    return Err(invalid("exactly one member says what the certificate is (RFC 8705, 2.1.2)"));
                }
                found = Some(make(text));
            }
        }
        Ok(found)
    }
}

fn subject_member(subject: &CertificateSubject) -> (&'static str, &str) {
    match subject {
        CertificateSubject::Dn(text) => ("tls_client_auth_subject_dn", text),
        CertificateSubject::SanDns(text) => ("tls_client_auth_san_dns", text),
        CertificateSubject::SanEmail(text) => ("tls_client_auth_san_email", text),
        CertificateSubject::SanIp(text) => ("tls_client_auth_san_ip", text),
        CertificateSubject::SanUri(text) => ("tls_client_auth_san_uri", text),
    }
}

/// The host of its first address: what a person can recognise.
fn named_after(uris: &[RedirectUri]) -> String {
    let origin = uris.first().and_then(RedirectUri::origin);
    origin.unwrap_or_else(|| "An application without a name".to_owned()).chars().take(100).collect()
}

fn invalid(description: impl Into<std::borrow::Cow<'static, str>>) -> OAuthError {
    OAuthError::new(ErrorCode::InvalidClientMetadata, description)
}

const MOST: usize = 50;

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(document: Value) -> Result<Metadata, ErrorCode> {
        let scopes = ["openid".to_owned(), "profile".to_owned()];
        let Value::Object(document) = document else { panic!() };
        read(&document, Offer { scopes: &scopes }).map_err(|error| error.code)
    }

    /// identity.md 2: hardened registration that real clients cannot pass helps nobody.
    #[test]
    fn clients_in_the_field_get_on() {
        let asked = json!({
            "redirect_uris": ["http://127.0.0.1:33418/", "http://localhost:33418/"],
            "client_name": "An editor",
            "client_uri": "https://editor.example",
            "grant_types": ["authorization_code", "refresh_token", "implicit", "urn:unknown"],
            "response_types": ["code", "token"],
            "token_endpoint_auth_method": "none",
            "application_type": "native",
            "scope": "openid admin",
            "frontchannel_logout_uri": "https://editor.example/out",
            "subject_type": "public",
            "x-unknown": {"deep": [1]},
        });
        let metadata = judged(asked).unwrap();
        assert_eq!(metadata.grant_types, [GrantType::AuthorizationCode, GrantType::RefreshToken]);
        assert_eq!(metadata.response_types, [ResponseType::Code]);
        assert_eq!(metadata.scopes, ["openid"]);
        assert!(metadata.require_pkce && !metadata.first_party);
        let minimal = judged(json!({"redirect_uris": ["https://app.example/cb"]})).unwrap();
        assert_eq!(minimal.authentication, AuthenticationMethod::SecretBasic);
        assert_eq!(minimal.id_token_signed_response_alg, Some(SignatureAlgorithm::Rs256));
        assert_eq!((minimal.name.as_str(), minimal.scopes.len()), ("https://app.example", 2));
    }

    #[test]
    fn who_may_is_as_configured() {
        assert!(RegistrationSettings::default().problems().is_empty());
        let hash = sha256(b"initial").iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        let by_token = RegistrationSettings {
            mode: RegistrationMode::Token,
            token_sha256: Some(hash),
            ..RegistrationSettings::default()
        };
        assert!(by_token.problems().is_empty());
        assert!(by_token.is_token(Some(&Secret::new("initial".to_owned()))));
        assert!(!by_token.is_token(Some(&Secret::new("other".to_owned()))) && !by_token.is_token(None));
        let without = RegistrationSettings { token_sha256: None, ..by_token };
        assert_eq!(without.problems().len(), 1);
        let listed = ClientDocumentSettings {
            mode: ClientDocumentMode::List,
            hosts: vec!["app.example".to_owned()],
            ..ClientDocumentSettings::default()
        };
        assert!(listed.problems().is_empty() && listed.lets_in("https://app.example/client.json"));
        for other in [
            "https://evil.example/app.example",
            "https://app.example.evil.example/x",
            "https://app.example:8443/x",
        ] {
            assert!(!listed.lets_in(other), "{other}");
        }
        assert!(!ClientDocumentSettings::default().lets_in("https://app.example/client.json"));
    }

    #[test]
    fn a_sector_lists_every_address() {
        let uris = ["https://app.example/cb", "https://other.example/cb"];
        let metadata = judged(json!({ "redirect_uris": uris })).unwrap();
        assert!(is_of_sector(&json!([uris[1], uris[0], "https://third.example/"]).to_string(), &metadata));
        for found in [json!([uris[0]]), json!([]), json!({ "redirect_uris": uris }), json!(["x", 1])] {
            assert!(!is_of_sector(&found.to_string(), &metadata), "{found}");
        }
        let named = |value: Value| {
            let Value::Object(document) = json!({ "sector_identifier_uri": value }) else { panic!() };
            sector(&document).map_err(|error| error.code)
        };
        assert_eq!(named(Value::Null), Ok(None));
        assert_eq!(named(json!("https://app.example/s")), Ok(Some("https://app.example/s".to_owned())));
        for wrong in ["http://app.example/s", "http://127.0.0.1/s", "https://", "app.example", ""] {
            assert_eq!(named(json!(wrong)), Err(ErrorCode::InvalidClientMetadata), "{wrong}");
        }
    }

    #[test]
    fn what_is_dangerous_is_refused() {
        let with = |name: &str, value: Value| {
            let mut document = json!({"redirect_uris": ["https://app.example/cb"]});
            document[name] = value;
            judged(document).unwrap_err()
        };
        for uris in [
            json!(["https://*.app.example/cb"]),
            json!(["http://app.example/cb"]),
            json!(["https://app.example/#x"]),
            json!(["javascript:alert(1)"]),
            json!([]),
        ] {
            assert_eq!(with("redirect_uris", uris.clone()), ErrorCode::InvalidRedirectUri, "{uris}");
        }
        assert_eq!(with("redirect_uris", json!("https://app.example/")), ErrorCode::InvalidClientMetadata);
        assert_eq!(with("software_statement", json!("e.e.e")), ErrorCode::InvalidSoftwareStatement);
        for (name, value) in [
            ("jwks", json!({"keys": [{"kty": "oct", "k": "c2VjcmV0"}]})),
            ("jwks_uri", json!("http://app.example/jwks")),
            ("token_endpoint_auth_method", json!("client_secret_jwt")),
            ("id_token_signed_response_alg", json!("none")),
            ("logo_uri", json!("data:text/html,x")),
            ("policy_uri", json!("javascript:alert(1)")),
            ("require_auth_time", json!("true")),
            ("client_name", json!(7)),
            ("contacts", json!(vec!["x"; 51])),
            ("grant_types", json!(["implicit"])),
            ("subject_type", json!("pairwise")),
        ] {
            assert_eq!(with(name, value.clone()), ErrorCode::InvalidClientMetadata, "{name} {value}");
        }
        assert_eq!(with("application_type", json!(1)), ErrorCode::InvalidClientMetadata);
        let trusted = judged(json!({"redirect_uris": ["https://app.example/"], "first_party": true}));
        assert!(!trusted.unwrap().first_party, "nobody makes himself trusted");
    }
}
