//! An OpenID provider in memory, reached through [`Fetch`] like any: an honest one, unless told otherwise.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

use gabion_model::outbound::{BoxFuture, Fetch, FetchError, FetchMethod, FetchRequest, FetchResponse};
use gabion_model::{Clock as _, ManualClock};
use gabion_vault::encoding::{base64_encode, base64url_encode};
use gabion_vault::jose::{Algorithm, Jwks, SigningKey, left_half_hash};
use gabion_vault::sha256;
use serde_json::{Map, Value, json};
use url::{Url, form_urlencoded};

pub(crate) const CLIENT: &str = "gabion";
pub(crate) const SECRET: &str = "s3cret+of/the client";

/// What is wrong with its ID tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Signed {
    #[default]
    Right,
    /// The header has no `kid`.
    WithoutKid,
    /// `alg` is `none`.
    None,
    /// Another key than the one it names.
    Tampered,
}

/// Several providers, one network.
#[derive(Debug, Default)]
pub(crate) struct Network(Mutex<Vec<Arc<Op>>>);

#[derive(Debug)]
pub(crate) struct Op {
    pub(crate) issuer: String,
    pub(crate) key: SigningKey,
    pub(crate) other_key: SigningKey,
    pub(crate) clock: Arc<ManualClock>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
pub(crate) struct State {
    /// Put over the right ones in the ID token; null takes one away.
    pub(crate) id_token: Map<String, Value>,
    pub(crate) userinfo: Map<String, Value>,
    pub(crate) metadata: Map<String, Value>,
    pub(crate) signed: Signed,
    /// The published set has two keys.
    pub(crate) two_keys: bool,
    pub(crate) rotated: bool,
    pub(crate) down: bool,
    pub(crate) redirects: bool,
    pub(crate) requests: Vec<String>,
    codes: HashMap<String, Code>,
}

#[derive(Debug, Clone)]
struct Code {
    nonce: Option<String>,
    challenge: String,
    redirect_uri: String,
    fresh: bool,
}

impl Op {
    pub(crate) fn new(issuer: &str, clock: Arc<ManualClock>) -> Arc<Self> {
        Self::signing(issuer, clock, Algorithm::Es256)
    }

    /// One that signs with another algorithm.
    pub(crate) fn signing(issuer: &str, clock: Arc<ManualClock>, algorithm: Algorithm) -> Arc<Self> {
        let state = State::default();
        let op = Self {
            issuer: issuer.to_owned(),
            key: SigningKey::generate_for(algorithm).unwrap(),
            other_key: SigningKey::generate_for(algorithm).unwrap(),
            clock,
            state: Mutex::new(state),
        };
        let algorithms = json!([algorithm.as_str()]);
        op.state().metadata.insert("id_token_signing_alg_values_supported".to_owned(), algorithms);
        Arc::new(op)
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Somebody signs in: what the browser is sent back with.
    pub(crate) fn authorize(&self, url: &str) -> Vec<(String, String)> {
        let url = Url::parse(url).unwrap();
        assert_eq!(url.path(), "/authorize");
        let query: HashMap<String, String> = url.query_pairs().into_owned().collect();
        assert_eq!(query["response_type"], "code");
        assert_eq!(query["client_id"], CLIENT);
        assert_eq!(query["code_challenge_method"], "S256");
        let mut state = self.state();
        let code = format!("code-{}", state.codes.len());
        let kept = Code {
            nonce: query.get("nonce").cloned(),
            challenge: query["code_challenge"].clone(),
            redirect_uri: query["redirect_uri"].clone(),
            fresh: query.get("max_age").is_some_and(|age| age == "0"),
        };
        state.codes.insert(code.clone(), kept);
        vec![
            ("code".to_owned(), code),
            ("state".to_owned(), query["state"].clone()),
            ("iss".to_owned(), self.issuer.clone()),
        ]
    }

    fn answer(&self, request: &FetchRequest) -> FetchResponse {
        let path = request.url.strip_prefix(&self.issuer).unwrap();
        self.state().requests.push(path.to_owned());
        match (path, request.method) {
            ("/.well-known/openid-configuration", FetchMethod::Get) if self.state().redirects => {
                FetchResponse {
                    status: 302,
                    headers: vec![("location".to_owned(), format!("{}/elsewhere", self.issuer))],
                    body: Vec::new(),
                }
            }
            ("/.well-known/openid-configuration", FetchMethod::Get) => json_answer(200, &self.metadata()),
            ("/jwks", FetchMethod::Get) => {
                let state = self.state();
                let keys: Vec<&SigningKey> = match (state.rotated, state.two_keys) {
                    (true, _) => vec![&self.other_key],
                    (false, true) => vec![&self.key, &self.other_key],
                    (false, false) => vec![&self.key],
                };
                json_answer(200, &serde_json::to_value(Jwks::of(keys)).unwrap())
            }
            ("/token", FetchMethod::Post) => self.token(request),
            ("/userinfo", FetchMethod::Get) => {
                let bearer = header(request, "authorization");
                assert_eq!(bearer.as_deref(), Some("Bearer access"), "the token is in the header");
                let mut claims = json!({"sub": "7"});
                merge(&mut claims, &self.state().userinfo);
                json_answer(200, &claims)
            }
            other => panic!("nobody asks for {other:?}"),
        }
    }

    fn metadata(&self) -> Value {
        let issuer = &self.issuer;
        let mut metadata = json!({
            "issuer": issuer,
            "authorization_endpoint": format!("{issuer}/authorize"),
            "token_endpoint": format!("{issuer}/token"),
            "jwks_uri": format!("{issuer}/jwks"),
            "userinfo_endpoint": format!("{issuer}/userinfo"),
            "token_endpoint_auth_methods_supported": ["client_secret_basic"],
            "authorization_response_iss_parameter_supported": true,
        });
        merge(&mut metadata, &self.state().metadata);
        metadata
    }

    fn token(&self, request: &FetchRequest) -> FetchResponse {
        let form: HashMap<String, String> =
            form_urlencoded::parse(request.body.expose()).into_owned().collect();
        let encode = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
        let basic = format!("Basic {}", base64_encode(format!("{CLIENT}:{}", encode(SECRET)).as_bytes()));
        let by_post = form.get("client_secret").is_some_and(|secret| secret == SECRET);
        let by_header = header(request, "authorization").is_some_and(|found| found == basic);
        if !(by_post || by_header) {
            return json_answer(401, &json!({"error": "invalid_client"}));
        }
        let code = self.state().codes.remove(&form["code"]);
        let challenge = base64url_encode(&sha256(form["code_verifier"].as_bytes()));
        let Some(code) = code.filter(|code| {
            code.challenge == challenge
                && code.redirect_uri == form["redirect_uri"]
                && form["grant_type"] == "authorization_code"
        }) else {
            return json_answer(400, &json!({"error": "invalid_grant"}));
        };
        let now = self.clock.now().as_secs();
        let mut claims = json!({
            "iss": self.issuer, "aud": CLIENT, "sub": "7", "iat": now, "exp": now + 300,
            "nonce": code.nonce, "at_hash": left_half_hash(Algorithm::Es256, b"access"),
        });
        if code.fresh {
            claims["auth_time"] = json!(now);
        }
        let state = self.state();
        merge(&mut claims, &state.id_token);
        let key = if state.rotated { &self.other_key } else { &self.key };
        let token = match state.signed {
            Signed::Right => key.sign("JWT", &claims).unwrap(),
            Signed::WithoutKid => key.sign_bare(&claims).unwrap(),
            Signed::None => {
                let part = |value: &Value| base64url_encode(value.to_string().as_bytes());
                format!("{}.{}.", part(&json!({"alg": "none"})), part(&claims))
            }
            Signed::Tampered => {
                let (right, wrong) =
                    (key.sign("JWT", &claims).unwrap(), self.other_key.sign("JWT", &claims).unwrap());
                let signature = wrong.rsplit_once('.').unwrap().1;
                format!("{}.{signature}", right.rsplit_once('.').unwrap().0)
            }
        };
        json_answer(200, &json!({"id_token": token, "access_token": "access", "token_type": "Bearer"}))
    }
}

impl Network {
    pub(crate) fn add(&self, op: &Arc<Op>) {
        self.0.lock().unwrap().push(Arc::clone(op));
    }
}

impl Fetch for Network {
    fn fetch(&self, request: FetchRequest) -> BoxFuture<'_, Result<FetchResponse, FetchError>> {
        assert_eq!(request.redirects, 0, "no redirect is followed");
        let ops = self.0.lock().unwrap().clone();
        Box::pin(async move {
            let op = ops.iter().find(|op| request.url.starts_with(&format!("{}/", op.issuer)));
            let op = op.ok_or_else(|| FetchError::Forbidden("it is on a private network".to_owned()))?;
            if op.state().down {
                return Err(FetchError::TimedOut);
            }
            let answer = op.answer(&request);
            if answer.body.len() > request.largest { Err(FetchError::TooLarge) } else { Ok(answer) }
        })
    }
}

fn merge(into: &mut Value, over: &Map<String, Value>) {
    let into = into.as_object_mut().unwrap();
    for (name, value) in over {
        match value {
            Value::Null => into.remove(name),
            value => into.insert(name.clone(), value.clone()),
        };
    }
}

fn header(request: &FetchRequest, name: &str) -> Option<String> {
    request.headers.iter().find(|(own, _)| own == name).map(|(_, value)| value.expose().clone())
}

fn json_answer(status: u16, body: &Value) -> FetchResponse {
    let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
    FetchResponse { status, headers, body: body.to_string().into_bytes() }
}
