//! The authorization request (RFC 6749, 4.1.1; OpenID Connect Core 1.0, 3.1.2; RFC 7636; RFC 8707;
//! RFC 9449, 10), and what must happen before it is granted.
//!
//! First it is settled where an answer may go at all ([`Target`]); until then every failure is a page of
//! our own. Everything after that is answered by redirect.

use gabion_model::{AccountId, Acr, Methods, Timestamp};
use serde::{Deserialize, Serialize};

use super::claims::ClaimsRequest;
use super::client::{Client, ClientId, GrantType};
use super::error::{ErrorCode, OAuthError};
use super::parameters::Parameters;
use super::resource;
use super::scope::{ScopeTable, Scopes};
use super::settings::ProviderSettings;

/// Where the answer goes, and how.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    pub client: ClientId,
    /// As asked for: one of the registered ones.
    pub redirect_uri: String,
    pub mode: ResponseMode,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
}

/// Why nobody may be redirected anywhere. Alphabetical.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    #[error("the address to return to is missing")]
    MissingRedirect,
    #[error("a parameter that says where to return to was sent more than once")]
    Repeated,
    #[error("the application is not known here")]
    UnknownClient,
    #[error("the address to return to is not registered for the application")]
    UnknownRedirect,
}

/// How the answer travels (OAuth 2.0 Multiple Response Types, 2.1; OAuth 2.0 Form Post Response Mode).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResponseMode {
    FormPost,
    #[default]
    Query,
}

/// What the person must be asked (OpenID Connect Core 1.0, 3.1.2.1, `prompt`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
#[expect(clippy::struct_excessive_bools, reason = "the values of the specification, each by itself")]
pub struct Prompt {
    pub none: bool,
    pub login: bool,
    pub consent: bool,
    pub select_account: bool,
}

/// A request that was judged and may be granted if the person agrees.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthorizationRequest {
    pub target: Target,
    pub scope: Scopes,
    #[serde(default)]
    pub resources: Vec<String>,
    #[serde(default)]
    pub claims: ClaimsRequest,
    #[serde(default)]
    pub nonce: Option<String>,
    /// The S256 code challenge.
    #[serde(default)]
    pub challenge: Option<String>,
    #[serde(default)]
    pub prompt: Prompt,
    /// In seconds.
    #[serde(default)]
    pub max_age: Option<u64>,
    /// Levels asked for, weakest first.
    #[serde(default)]
    pub acr: Vec<Acr>,
    #[serde(default)]
    pub acr_essential: bool,
    #[serde(default)]
    pub login_hint: Option<String>,
    /// As it came; whoever has the keys turns it into `subject`.
    #[serde(default)]
    pub id_token_hint: Option<String>,
    /// Nobody else may be who signs in.
    #[serde(default)]
    pub subject: Option<String>,
    #[serde(default)]
    pub dpop_jkt: Option<String>,
}

/// How far a request has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    pub begun: Timestamp,
    /// The person chose to go on with the account that is signed in.
    pub selected: bool,
    /// The person was sent to the login with a level asked for.
    pub stepped_up: bool,
}

/// Whether the person agreed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Consented {
    JustNow,
    No,
    /// Earlier, to all of it; or nobody needs to be asked.
    Remembered,
}

/// Who is signed in.
#[derive(Debug, Clone, Copy)]
pub struct Present<'a> {
    pub account: &'a AccountId,
    pub authenticated: Timestamp,
    pub methods: Methods,
}

/// What happens next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// The person must sign in: `fresh` also when somebody is, with at least `acr`.
    Login {
        fresh: bool,
        acr: Option<Acr>,
    },
    Select,
    Consent,
    Grant,
    Refuse(OAuthError),
}

impl Target {
    /// Settles where answers go. `client` is the one named by `client_id`, when there is one.
    ///
    /// # Errors
    /// When nobody may be redirected.
    pub fn of(parameters: &Parameters, client: Option<&Client>) -> Result<Self, TargetError> {
        for name in ["client_id", "redirect_uri", "state", "response_mode"] {
            if parameters.all(name).len() > 1 {
                return Err(TargetError::Repeated);
            }
        }
        let client = client.filter(|client| !client.disabled).ok_or(TargetError::UnknownClient)?;
        let uri = parameters.get("redirect_uri").ok_or(TargetError::MissingRedirect)?;
        client.redirect_uri(uri).ok_or(TargetError::UnknownRedirect)?;
        Ok(Self {
            client: client.id.clone(),
            redirect_uri: uri.to_owned(),
            mode: ResponseMode::read(parameters.get("response_mode")).unwrap_or_default(),
            state: parameters.get("state").filter(|state| state.len() <= LONGEST_STATE).map(str::to_owned),
        })
    }
}

impl ResponseMode {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::FormPost => "form_post",
            Self::Query => "query",
        }
    }

    fn read(text: Option<&str>) -> Option<Self> {
        match text {
            None | Some("query") => Some(Self::Query),
            Some("form_post") => Some(Self::FormPost),
            Some(_) => None,
        }
    }
}

impl AuthorizationRequest {
    /// Judges what was asked, wherever the parameters came from (the query, a form, a pushed request).
    ///
    /// # Errors
    /// What the application is told by redirect.
    pub fn validate(
        target: Target,
        parameters: &Parameters,
        client: &Client,
        settings: &ProviderSettings,
        scopes: &ScopeTable,
        origin: &str,
    ) -> Result<Self, OAuthError> {
        parameters.check_unique()?;
        for (name, code) in [
            ("request", ErrorCode::RequestNotSupported),
            ("request_uri", ErrorCode::RequestUriNotSupported),
            ("registration", ErrorCode::RegistrationNotSupported),
        ] {
            if parameters.has(name) {
                return Err(OAuthError::new(code, format!("{name} is not supported here")));
            }
        }
        if !client.allows_grant(GrantType::AuthorizationCode) {
            return Err(OAuthError::new(
                ErrorCode::UnauthorizedClient,
                "the client is not registered for the code flow",
            ));
        }
        if parameters.require("response_type")? != "code" {
            return Err(OAuthError::new(ErrorCode::UnsupportedResponseType, "response_type must be code"));
        }
        if ResponseMode::read(parameters.get("response_mode")).is_none() {
            return Err(OAuthError::invalid_request("response_mode must be query or form_post"));
        }
        if parameters.get("state").is_some_and(|state| state.len() > LONGEST_STATE) {
            return Err(OAuthError::invalid_request("state is too long"));
        }
        let scope = scope(parameters, client, scopes)?;
        let claims = parameters.get("claims").map(ClaimsRequest::parse).transpose()?.unwrap_or_default();
        let resources = resource::select(parameters.all("resource"), &settings.resources, origin)?;
        if !resources.iter().all(|resource| client.allows_resource(resource)) {
            return Err(OAuthError::new(
                ErrorCode::InvalidTarget,
                "the client may not ask for that resource",
            ));
        }
        let (acr, acr_essential) = levels(parameters, client, &claims);
        Ok(Self {
            scope,
            resources,
            nonce: bounded(parameters, "nonce", LONGEST_NONCE)?,
            challenge: challenge(parameters, client, settings)?,
            prompt: Prompt::parse(parameters.get("prompt").unwrap_or_default())?,
            max_age: max_age(parameters)?.or(client.metadata.default_max_age),
            acr,
            acr_essential,
            login_hint: parameters
                .get("login_hint")
                .filter(|hint| hint.len() <= LONGEST_HINT)
                .map(str::to_owned),
            id_token_hint: bounded(parameters, "id_token_hint", LONGEST_TOKEN)?,
            subject: claims.subject.clone(),
            dpop_jkt: thumbprint(parameters, "dpop_jkt")?,
            claims,
            target,
        })
    }

    /// What must happen next. INVARIANT: [`Step::Grant`] only when everything the request demands of the
    /// sign-in holds for whoever is signed in now, however the browser came here.
    #[must_use]
    pub fn next(
        &self,
        progress: Progress,
        present: Option<Present<'_>>,
        consented: Consented,
        now: Timestamp,
    ) -> Step {
        let silent = self.prompt.none;
        let login = |fresh| {
            if silent {
                let text = "nobody suitable is signed in, and prompt=none forbids to ask";
                return Step::Refuse(OAuthError::new(ErrorCode::LoginRequired, text));
            }
            Step::Login { fresh, acr: self.acr.first().copied() }
        };
        let Some(present) = present else { return login(false) };
        // Whoever signed in after the request came did it for the request.
        let anew = present.authenticated >= progress.begun;
        if self.subject.as_deref().is_some_and(|subject| subject != present.account.as_str()) {
            if anew {
                let text = "somebody else signed in than the request asked for";
                return Step::Refuse(OAuthError::new(ErrorCode::LoginRequired, text));
            }
            return login(true);
        }
        let age = now.saturating_since(present.authenticated).as_secs();
        let too_old = self.max_age.is_some_and(|most| age > most || most == 0);
        if !anew && (self.prompt.login || too_old) {
            return login(true);
        }
        if self.acr.first().is_some_and(|least| present.methods.acr() < *least) {
            if !silent && !progress.stepped_up {
                return login(false);
            }
            if self.acr_essential {
                let text = "the person could not sign in at the level asked for";
                return Step::Refuse(OAuthError::new(ErrorCode::UnmetAuthenticationRequirements, text));
            }
        }
        if self.prompt.select_account && !progress.selected && !anew {
            return Step::Select;
        }
        let asked = match consented {
            Consented::JustNow => true,
            Consented::No => false,
            Consented::Remembered => !self.prompt.consent,
        };
        match (asked, silent) {
            (true, _) => Step::Grant,
            (false, true) => {
                let text = "consent is needed, and prompt=none forbids to ask";
                Step::Refuse(OAuthError::new(ErrorCode::ConsentRequired, text))
            }
            (false, false) => Step::Consent,
        }
    }
}

impl Prompt {
    /// Values that are not known are ignored; `none` stands alone.
    fn parse(text: &str) -> Result<Self, OAuthError> {
        let mut prompt = Self::default();
        let mut count = 0_usize;
        for value in text.split(' ').filter(|value| !value.is_empty()) {
            count = count.saturating_add(1);
            match value {
                "none" => prompt.none = true,
                "login" => prompt.login = true,
                "consent" => prompt.consent = true,
                "select_account" => prompt.select_account = true,
                _ => {}
            }
        }
        if prompt.none && count > 1 {
            return Err(OAuthError::invalid_request("prompt=none cannot be combined"));
        }
        Ok(prompt)
    }
}

/// The level that tokens name: of those asked for the highest that was reached, otherwise what was.
#[must_use]
pub fn told_acr(asked: &[Acr], methods: Methods) -> Acr {
    let reached = methods.acr();
    asked.iter().copied().filter(|acr| *acr <= reached).max().unwrap_or(reached)
}

/// Whether a verifier belongs to an S256 challenge (RFC 7636, 4.1, 4.6).
#[must_use]
pub fn is_verifier_of(verifier: &str, challenge: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    (43..=128).contains(&verifier.len())
        && verifier.bytes().all(allowed)
        && gabion_vault::constant_time_eq(
            gabion_vault::encoding::base64url_encode(&gabion_vault::sha256(verifier.as_bytes())).as_bytes(),
            challenge.as_bytes(),
        )
}

/// What is asked for, is known, and the client may have. What is not understood is ignored (OpenID
/// Connect Core 1.0, 3.1.2.1); the answer says what was granted (RFC 6749, 3.3).
fn scope(parameters: &Parameters, client: &Client, scopes: &ScopeTable) -> Result<Scopes, OAuthError> {
    let error = || OAuthError::new(ErrorCode::InvalidScope, "no scope asked for is one the client may have");
    let asked = parameters.get("scope").unwrap_or_default();
    let mut scope = Scopes::parse(asked).ok_or_else(error)?;
    let something = !scope.is_empty();
    scope.retain(|name| scopes.knows(name) && client.allows_scope(name));
    if !client.allows_grant(GrantType::RefreshToken) {
        scope.retain(|name| name != super::scope::OFFLINE_ACCESS);
    }
    if something && scope.is_empty() { Err(error()) } else { Ok(scope) }
}

/// PKCE, S256 only. Demanded of everybody but confidential clients whose registration excepts them.
fn challenge(
    parameters: &Parameters,
    client: &Client,
    settings: &ProviderSettings,
) -> Result<Option<String>, OAuthError> {
    let excepted = client.is_confidential() && !client.metadata.require_pkce && settings.pkce_exceptions;
    match (parameters.get("code_challenge"), parameters.get("code_challenge_method")) {
        (Some(challenge), Some("S256")) => {
            gabion_vault::encoding::base64url_decode_32(challenge)
                .map_err(|_| OAuthError::invalid_request("code_challenge is not a SHA-256 in base64url"))?;
            Ok(Some(challenge.to_owned()))
        }
        (Some(_), _) => Err(OAuthError::invalid_request("code_challenge_method must be S256")),
        (None, Some(_)) => Err(OAuthError::invalid_request("code_challenge is missing")),
        (None, None) if excepted => Ok(None),
        (None, None) => Err(OAuthError::invalid_request("PKCE is required: code_challenge is missing")),
    }
}

fn max_age(parameters: &Parameters) -> Result<Option<u64>, OAuthError> {
    let Some(text) = parameters.get("max_age") else { return Ok(None) };
    let digits = text.len() <= 10 && text.bytes().all(|byte| byte.is_ascii_digit());
    match text.parse() {
        Ok(seconds) if digits => Ok(Some(seconds)),
        _ => Err(OAuthError::invalid_request("max_age is not a number of seconds")),
    }
}

/// The levels asked for, and whether one is essential: `claims` first, then `acr_values`, then what the
/// client registered.
fn levels(parameters: &Parameters, client: &Client, claims: &ClaimsRequest) -> (Vec<Acr>, bool) {
    if !claims.acr.is_empty() {
        return (claims.acr.clone(), claims.acr_essential);
    }
    let mut levels: Vec<_> = match parameters.get("acr_values") {
        Some(text) => text.split(' ').take(MOST_LEVELS).filter_map(Acr::parse).collect(),
        None => client.metadata.default_acr_values.iter().filter_map(|text| Acr::parse(text)).collect(),
    };
    levels.sort_unstable();
    levels.dedup();
    (levels, false)
}

fn bounded(parameters: &Parameters, name: &'static str, most: usize) -> Result<Option<String>, OAuthError> {
    match parameters.get(name) {
        Some(text) if text.len() > most => Err(OAuthError::invalid_request(format!("{name} is too long"))),
        other => Ok(other.map(str::to_owned)),
    }
}

fn thumbprint(parameters: &Parameters, name: &'static str) -> Result<Option<String>, OAuthError> {
    let Some(text) = parameters.get(name) else { return Ok(None) };
    gabion_vault::encoding::base64url_decode_32(text)
        .map_err(|_| OAuthError::invalid_request(format!("{name} is not a SHA-256 in base64url")))?;
    Ok(Some(text.to_owned()))
}

const LONGEST_STATE: usize = 4096;
const LONGEST_NONCE: usize = 1024;
const LONGEST_HINT: usize = 254;
const LONGEST_TOKEN: usize = 8 * 1024;
const MOST_LEVELS: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const BEGUN: Timestamp = Timestamp::from_secs(1_800_000_000);

    fn request() -> AuthorizationRequest {
        AuthorizationRequest {
            target: Target {
                client: "shop".parse().unwrap(),
                redirect_uri: "https://shop.example/cb".to_owned(),
                mode: ResponseMode::Query,
                state: None,
            },
            scope: Scopes::of(["openid"]),
            resources: Vec::new(),
            claims: ClaimsRequest::default(),
            nonce: None,
            challenge: None,
            prompt: Prompt::default(),
            max_age: None,
            acr: Vec::new(),
            acr_essential: false,
            login_hint: None,
            id_token_hint: None,
            subject: None,
            dpop_jkt: None,
        }
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_secs(BEGUN.as_secs() + seconds)
    }

    #[test]
    fn the_verifier_of_the_specification() {
        // RFC 7636, appendix B.
        let challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
        assert!(is_verifier_of("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", challenge));
        for wrong in ["", challenge, "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXl", &"x".repeat(129), "ü"] {
            assert!(!is_verifier_of(wrong, challenge), "{wrong}");
        }
    }

    #[test]
    fn prompts_are_read() {
        let read = |text| Prompt::parse(text).map_err(|error| error.code);
        assert_eq!(read(""), Ok(Prompt::default()));
        assert_eq!(read("login consent"), Ok(Prompt { login: true, consent: true, ..Prompt::default() }));
        assert_eq!(read("create"), Ok(Prompt::default()), "what is not known is ignored");
        for wrong in ["none login", "none none", "consent none", "none create"] {
            assert_eq!(read(wrong), Err(ErrorCode::InvalidRequest), "{wrong}");
        }
    }

    #[test]
    fn tokens_name_the_highest_level_asked_for_and_reached() {
        let strong = Methods::PASSWORD.with(Methods::PASSKEY);
        assert_eq!(told_acr(&[], strong), Acr::PhishingResistant);
        assert_eq!(told_acr(&[Acr::TwoFactors], strong), Acr::TwoFactors);
        assert_eq!(told_acr(&[Acr::PhishingResistant], Methods::PASSWORD), Acr::OneFactor);
    }

    proptest! {
        /// Whatever is asked and whoever is there: a grant is made only when all that was asked holds, and
        /// `prompt=none` never leads to a page.
        #[test]
        fn nothing_is_granted_that_was_not_earned(
            flags in proptest::array::uniform8(any::<bool>()),
            authenticated in -1000_i64..1000,
            max_age in proptest::option::of(0_u64..900),
            methods in 0_u16..256,
            consented in 0_u8..3,
            seconds in 0_i64..1000,
        ) {
            let [login, consent, select_account, none, essential, selected, stepped_up, other] = flags;
            let prompt = if none {
                Prompt { none, ..Prompt::default() }
            } else {
                Prompt { none, login, consent, select_account }
            };
            let request = AuthorizationRequest {
                prompt,
                max_age,
                acr: if essential { vec![Acr::TwoFactors] } else { Vec::new() },
                acr_essential: essential,
                subject: other.then(|| "ada".to_owned()),
                ..request()
            };
            let consented = match consented {
                0 => Consented::No,
                1 => Consented::Remembered,
                _ => Consented::JustNow,
            };
            let account = AccountId::new(if flags[0] { "ada" } else { "bob" });
            let methods = Methods::from_bits(methods);
            let authenticated = at(authenticated.min(seconds));
            let now = at(seconds);
            let progress = Progress { begun: BEGUN, selected, stepped_up };
            let present = Present { account: &account, authenticated, methods };
            let step = request.next(progress, Some(present), consented, now);
            let alone = request.next(progress, None, consented, now);
            prop_assert!(matches!(alone, Step::Login { .. } | Step::Refuse(_)), "nobody is granted anything");
            if none {
                prop_assert!(matches!(step, Step::Grant | Step::Refuse(_)));
                prop_assert!(matches!(alone, Step::Refuse(_)));
            }
            if step == Step::Grant {
                let anew = authenticated >= BEGUN;
                prop_assert!(!prompt.login || anew);
                let age = now.saturating_since(authenticated).as_secs();
                prop_assert!(anew || max_age.is_none_or(|most| most > 0 && age <= most));
                prop_assert!(!essential || methods.acr() >= Acr::TwoFactors);
                prop_assert!(!other || account.as_str() == "ada");
                prop_assert!(consented != Consented::No);
                prop_assert!(!prompt.consent || consented == Consented::JustNow);
                prop_assert!(!prompt.select_account || selected || anew);
            }
        }
    }
}
