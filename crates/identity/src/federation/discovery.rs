//! What a provider says about itself (OpenID Connect Discovery 1.0, section 3).

use serde::Deserialize;
use url::Url;

use super::settings::{LONGEST_ADDRESS, is_here, issuer};

/// The parts of it that are used, judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metadata {
    pub issuer: String,
    pub authorization_endpoint: String,
    pub token_endpoint: String,
    pub jwks_uri: String,
    pub userinfo_endpoint: Option<String>,
    pub end_session_endpoint: Option<String>,
    /// Callbacks must name their issuer (RFC 9207, section 3).
    pub names_issuer: bool,
    /// The algorithms it signs ID tokens with.
    pub id_token_algorithms: Vec<String>,
    /// How clients may prove who they are at the token endpoint.
    pub client_authentication: Vec<String>,
    /// The algorithms it takes client assertions in.
    pub client_assertion_algorithms: Vec<String>,
}

/// Why it cannot be used. Alphabetical.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MetadataError {
    #[error("`{0}` is not an address this provider may name")]
    Address(&'static str),
    /// The text must not be shown to strangers: the provider wrote it.
    #[error("it calls itself `{found}`, not `{expected}`")]
    Issuer { expected: String, found: String },
    #[error("it is no JSON object of the expected form")]
    Malformed,
    #[error("it does not have the code flow with PKCE S256")]
    NoCodeFlow,
}

#[derive(Deserialize)]
struct Document {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    jwks_uri: String,
    userinfo_endpoint: Option<String>,
    end_session_endpoint: Option<String>,
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
    response_types_supported: Option<Vec<String>>,
    code_challenge_methods_supported: Option<Vec<String>>,
    id_token_signing_alg_values_supported: Option<Vec<String>>,
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
    token_endpoint_auth_signing_alg_values_supported: Option<Vec<String>>,
}

impl Metadata {
    /// Judges a discovery document found below `expected`. The issuer in it must be that one, letter by
    /// letter (section 4.3): otherwise one provider could answer for another.
    ///
    /// # Errors
    /// When it cannot be used.
    pub fn parse(body: &[u8], expected: &str) -> Result<Self, MetadataError> {
        if body.len() > LARGEST {
            return Err(MetadataError::Malformed);
        }
        let document: Document = serde_json::from_slice(body).map_err(|_| MetadataError::Malformed)?;
        if document.issuer != expected {
            let (expected, found) = (expected.to_owned(), shortened(&document.issuer));
            return Err(MetadataError::Issuer { expected, found });
        }
        let here = issuer(expected).is_ok_and(|url| url.scheme() == "http" && is_here(&url));
        let has = |list: &Option<Vec<String>>, word: &str| {
            list.as_ref().is_none_or(|list| list.iter().any(|one| one == word))
        };
        // A provider that says nothing of PKCE may still do it; one that lists methods must list S256.
        if !has(&document.response_types_supported, "code")
            || !has(&document.code_challenge_methods_supported, "S256")
        {
            return Err(MetadataError::NoCodeFlow);
        }
        let optional =
            |name, address: Option<String>| address.map(|address| judged(name, address, here)).transpose();
        Ok(Self {
            authorization_endpoint: judged("authorization_endpoint", document.authorization_endpoint, here)?,
            token_endpoint: judged("token_endpoint", document.token_endpoint, here)?,
            jwks_uri: judged("jwks_uri", document.jwks_uri, here)?,
            userinfo_endpoint: optional("userinfo_endpoint", document.userinfo_endpoint)?,
            end_session_endpoint: optional("end_session_endpoint", document.end_session_endpoint)?,
            names_issuer: document.authorization_response_iss_parameter_supported,
            // RS256 must be among them (section 3), so it is what a provider that says nothing uses.
            id_token_algorithms: document
                .id_token_signing_alg_values_supported
                .unwrap_or_else(|| vec!["RS256".to_owned()]),
            client_authentication: document
                .token_endpoint_auth_methods_supported
                .unwrap_or_else(|| vec!["client_secret_basic".to_owned()]),
            client_assertion_algorithms: document
                .token_endpoint_auth_signing_alg_values_supported
                .unwrap_or_default(),
            issuer: document.issuer,
        })
    }
}

/// An address without fragment, over TLS unless the whole provider is on this machine.
fn judged(name: &'static str, address: String, here: bool) -> Result<String, MetadataError> {
    let wrong = || MetadataError::Address(name);
    let url = Url::parse(&address).map_err(|_| wrong())?;
    let plain = url.scheme() == "http" && here && is_here(&url);
    let well = (url.scheme() == "https" || plain)
        && url.fragment().is_none()
        && url.username().is_empty()
        && url.password().is_none()
        && url.has_host()
        && address.len() <= LONGEST_ADDRESS
        && address.bytes().all(|byte| byte.is_ascii_graphic());
    if well { Ok(address) } else { Err(wrong()) }
}

fn shortened(text: &str) -> String {
    text.chars().filter(|character| !character.is_control()).take(200).collect()
}

/// Providers' documents have a few KiB.
pub const LARGEST: usize = 64 * 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    const ISSUER: &str = "https://op.example/tenant";

    fn document() -> Value {
        json!({
            "issuer": ISSUER,
            "authorization_endpoint": "https://op.example/authorize?tenant=1",
            "token_endpoint": "https://op.example/token",
            "jwks_uri": "https://keys.example/jwks",
            "userinfo_endpoint": "https://op.example/userinfo",
            "response_types_supported": ["code", "id_token"],
            "unknown": {"things": ["are", "passed", "over"]},
        })
    }

    fn parse(document: &Value) -> Result<Metadata, MetadataError> {
        Metadata::parse(document.to_string().as_bytes(), ISSUER)
    }

    fn with(name: &str, value: Value) -> Value {
        let mut document = document();
        document[name] = value;
        document
    }

    #[test]
    fn what_is_not_said_has_the_standards_default() {
        let metadata = parse(&document()).unwrap();
        assert_eq!(metadata.id_token_algorithms, ["RS256"]);
        assert_eq!(metadata.client_authentication, ["client_secret_basic"]);
        assert!(!metadata.names_issuer);
    }

    /// The RP test modules `discovery-issuer-mismatch` and the mix-up defence: one spelling.
    #[test]
    fn the_issuer_is_compared_letter_by_letter() {
        for other in [
            "https://op.example/tenant/",
            "https://OP.example/tenant",
            "https://op.example:443/tenant",
            "https://op.example",
            "https://evil.example",
            "",
        ] {
            let error = parse(&with("issuer", json!(other))).unwrap_err();
            assert!(matches!(error, MetadataError::Issuer { .. }), "{other}");
        }
    }

    #[test]
    fn endpoints_are_https() {
        for name in ["authorization_endpoint", "token_endpoint", "jwks_uri", "userinfo_endpoint"] {
            for address in [
                "http://op.example/x",
                "http://127.0.0.1/x",
                "javascript:alert(1)",
                "//op.example/x",
                "https://a:b@op.example/x",
                "https://op.example/x#f",
                "https://op.example/x y",
                "file:///etc/passwd",
                "",
            ] {
                let error = parse(&with(name, json!(address))).unwrap_err();
                assert_eq!(error, MetadataError::Address(name), "{address}");
            }
        }
        let local = |address: &str| {
            let text = document().to_string().replace(ISSUER, "http://127.0.0.1:8/op");
            let mut document: Value = serde_json::from_str(&text).unwrap();
            document["token_endpoint"] = json!(address);
            Metadata::parse(document.to_string().as_bytes(), "http://127.0.0.1:8/op").is_ok()
        };
        assert!(local("http://127.0.0.1:8/token"));
        assert!(!local("http://op.example/token"), "plain only on this machine");
    }

    #[test]
    fn what_cannot_do_the_code_flow_is_refused() {
        let rows = [
            with("response_types_supported", json!(["id_token"])),
            with("code_challenge_methods_supported", json!(["plain"])),
        ];
        for row in rows {
            assert_eq!(parse(&row), Err(MetadataError::NoCodeFlow));
        }
    }

    #[test]
    fn what_is_no_such_document_is_refused() {
        for body in ["", "[]", "null", "{}", "{\"issuer\":1}", &"[".repeat(10_000)] {
            assert_eq!(Metadata::parse(body.as_bytes(), ISSUER), Err(MetadataError::Malformed));
        }
        let huge = with("padding", json!("x".repeat(LARGEST)));
        assert_eq!(parse(&huge), Err(MetadataError::Malformed));
    }
}
