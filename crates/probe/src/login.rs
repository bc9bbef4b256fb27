//! Signing in: as the facts say, or by the form or the operation that looks like it.

use gabion_model::Clock;
use serde_json::{Map, Value, json};

use crate::call::{Call, Payload};
use crate::facts::{Facts, Identity, Login, Second, operation_of};
use crate::one_time;
use crate::operation::{Operation, Place};
use crate::session::Session;
use crate::surface::html;
use crate::wire::{Answer, Request, Wire, WireError};

/// How people sign in here.
#[derive(Debug, Clone)]
pub enum Way {
    /// The facts say it.
    Declared(Box<Login>),
    /// A form on a page.
    Form { page: String },
    /// An operation that takes a name and a password.
    Operation(Box<Operation>),
}

/// A session that began.
#[derive(Debug)]
pub struct SignedIn {
    pub session: Session,
    pub request: Request,
    pub answer: Answer,
}

/// Ways to sign in, the surest first.
#[must_use]
pub fn ways(facts: &Facts, pages: &[(String, html::Page)], operations: &[Operation]) -> Vec<Way> {
    let mut ways: Vec<Way> =
        facts.login.iter().cloned().map(|login| Way::Declared(Box::new(login))).collect();
    if !ways.is_empty() {
        return ways;
    }
    let has_password = |page: &html::Page| page.forms.iter().any(|form| login_form(form).is_some());
    ways.extend(
        pages
            .iter()
            .filter(|(_, page)| has_password(page))
            .take(3)
            .map(|(path, _)| Way::Form { page: path.clone() }),
    );
    let mut fitting: Vec<&Operation> =
        operations.iter().filter(|operation| login_fields(operation).is_some()).collect();
    fitting.sort_by_key(|operation| {
        !SIGN_IN.iter().any(|word| operation.path.to_ascii_lowercase().contains(word))
    });
    ways.extend(fitting.into_iter().take(3).map(|operation| Way::Operation(Box::new(operation.clone()))));
    ways
}

/// What one try to sign in is made of.
#[derive(Clone)]
pub struct Try<'a> {
    pub user: &'a str,
    pub password: &'a str,
    /// The code of now, where there is one.
    pub code: &'a str,
    /// What was sent along before.
    pub before: Session,
}

impl std::fmt::Debug for Try<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Try").field("user", &self.user).finish_non_exhaustive()
    }
}

/// What became of it: what was sent, what came back, and the session that began or why none did.
#[derive(Debug)]
pub struct Tried {
    pub request: Request,
    pub answer: Answer,
    pub session: Result<Session, String>,
}

/// Signs somebody in.
///
/// # Errors
/// In words: why nobody is signed in; or the end of the run.
pub async fn sign_in(
    wire: &Wire,
    way: &Way,
    identity: &Identity,
    clock: &dyn Clock,
) -> Result<Result<SignedIn, String>, WireError> {
    let password = identity.password.as_ref().map_or("", |password| password.expose());
    let code = code_of(identity, clock);
    let one = Try { user: identity.user(), password, code: &code, before: Session::default() };
    Ok(match attempt(wire, way, &one).await? {
        Ok(Tried { request, answer, session: Ok(session) }) => Ok(SignedIn { session, request, answer }),
        Ok(Tried { session: Err(reason), .. }) | Err(reason) => Err(reason),
    })
}

/// The one-time password of now; empty where there is none.
#[must_use]
pub fn code_of(identity: &Identity, clock: &dyn Clock) -> String {
    let secret = identity.totp.as_ref();
    secret.and_then(|secret| one_time::code(secret.expose(), clock.now().as_secs())).unwrap_or_default()
}

/// Tries to sign in, with whatever name and password.
///
/// # Errors
/// In words: why it could not be tried; or the end of the run.
pub async fn attempt(wire: &Wire, way: &Way, one: &Try<'_>) -> Result<Result<Tried, String>, WireError> {
    let mut before = one.before.clone();
    let (request, token) = match way {
        Way::Declared(login) => (declared(login, one), login.token.clone()),
        Way::Form { page } => {
            let answer = wire.send(&before.apply(&Request::page(page))).await?;
            before.learn(&answer);
            let read = html::read(&answer.text());
            let Some(form) = read.forms.iter().find(|form| login_form(form).is_some()) else {
                return Ok(Err(format!("`{page}` has no form with a password any more")));
            };
            let Some(request) = fill(wire, page, form, one) else {
                return Ok(Err(format!("the form at `{page}` leads elsewhere")));
            };
            (request, None)
        }
        Way::Operation(operation) => (by_operation(operation, one).request(), None),
    };
    let mut request = before.apply(&request);
    if !request.is_safe() {
        request = request.from_page_of(&wire.origin().base());
    }
    let answer = wire.send(&request).await?;
    if let Way::Declared(login) = way
        && let Some(second) = &login.second
        && !one.code.is_empty()
        && answer.status < 400
    {
        let request = second_step(second, one, before, &answer);
        let answer = wire.send(&request).await?;
        let session = session_of(&request, &answer, token.as_deref(), way);
        return Ok(Ok(Tried { request, answer, session }));
    }
    let session = session_of(&request, &answer, token.as_deref(), way);
    Ok(Ok(Tried { request, answer, session }))
}

/// The request with the code, in the session that the password began.
fn second_step(second: &Second, one: &Try<'_>, mut half: Session, first: &Answer) -> Request {
    half.learn(first);
    let body = first.json().unwrap_or_default();
    let named = body.as_object().into_iter().flatten().find(|(name, value)| {
        name.to_ascii_lowercase().contains("token") && value.as_str().is_some_and(|text| text.len() >= 8)
    });
    let named = named.and_then(|(_, value)| value.as_str().map(str::to_owned));
    let token = token_in(&body).or(named);
    let step = Login {
        operation: second.operation.clone(),
        form: second.form.clone(),
        json: second.json.clone(),
        ..Login::default()
    };
    let whole = format!("{:?} {:?}", step.form, step.json);
    match &token {
        Some(token) if !whole.contains("{token}") => {
            half.headers.push(("Authorization".to_owned(), format!("Bearer {token}")));
        }
        _ => {}
    }
    let fill = |text: &str| text.replace("{token}", token.as_deref().unwrap_or_default());
    let step = Login {
        form: step.form.iter().map(|(name, value)| (name.clone(), fill(value))).collect(),
        json: step.json.as_ref().map(|body| fill_json(body, &fill)),
        ..step
    };
    half.apply(&declared(&step, one))
}

/// Whether an answer to a request that was made by hand begins a session.
#[must_use]
pub fn begins_session(request: &Request, answer: &Answer, way: &Way) -> bool {
    let token = match way {
        Way::Declared(login) => login.token.as_deref(),
        _ => None,
    };
    session_of(request, answer, token, way).is_ok()
}

/// What the session of an identity is that brings its own credentials.
#[must_use]
pub fn brought(identity: &Identity) -> Option<Session> {
    let mut session = Session::default();
    if let Some(token) = &identity.token {
        session.headers.push(("Authorization".to_owned(), format!("Bearer {}", token.expose())));
    }
    session
        .headers
        .extend(identity.headers.iter().map(|(name, value)| (name.clone(), value.expose().to_owned())));
    (!session.is_empty()).then_some(session)
}

fn declared(login: &Login, one: &Try<'_>) -> Request {
    let filled = |text: &str| {
        text.replace("{user}", one.user).replace("{password}", one.password).replace("{totp}", one.code)
    };
    let (method, path) = operation_of(&login.operation).unwrap_or(("POST", "/"));
    let mut call = Call::new(method, path);
    if let Some((media_type, body)) = &login.body {
        call.payload = Payload::Raw { media_type: media_type.clone(), bytes: body.clone().into_bytes() };
    } else if let Some(body) = &login.json {
        call.payload = Payload::Json(fill_json(body, &filled));
    } else if !login.form.is_empty() {
        let fields = login.form.iter().map(|(name, value)| (name.clone(), Value::String(filled(value))));
        call.payload = Payload::Form(fields.collect());
    }
    let headers = login.headers.iter().map(|(name, value)| (name.clone(), filled(value)));
    call.headers.extend(headers);
    call.request()
}

fn fill_json(value: &Value, filled: &dyn Fn(&str) -> String) -> Value {
    match value {
        Value::String(text) => Value::String(filled(text)),
        Value::Array(items) => items.iter().map(|item| fill_json(item, filled)).collect(),
        Value::Object(object) => object
            .iter()
            .map(|(name, value)| (name.clone(), fill_json(value, filled)))
            .collect::<Map<_, _>>()
            .into(),
        other => other.clone(),
    }
}

/// The names of the fields for the name and for the password.
fn login_form(form: &html::Form) -> Option<(&str, &str)> {
    let mut passwords = form.fields.iter().filter(|field| field.kind == "password");
    let password = passwords.next()?;
    // Two of them set a new one.
    if passwords.next().is_some() || password.autocomplete == "new-password" {
        return None;
    }
    let text = |field: &&html::Field| {
        matches!(field.kind.as_str(), "text" | "email" | "tel") && !field.name.is_empty()
    };
    let said = form.fields.iter().find(|field| matches!(field.autocomplete.as_str(), "username" | "email"));
    let user = said.or_else(|| form.fields.iter().find(text))?;
    Some((&user.name, &password.name))
}

fn fill(wire: &Wire, page: &str, form: &html::Form, one: &Try<'_>) -> Option<Request> {
    let (user, secret) = login_form(form)?;
    let action = wire.origin().inside(page, if form.action.is_empty() { page } else { &form.action })?;
    let mut call = Call::new(if form.method == "GET" { "GET" } else { "POST" }, &action);
    let fields = form.fields.iter().filter(|field| !field.name.is_empty()).map(|field| {
        let value = match field.name.as_str() {
            name if name == user => one.user.to_owned(),
            name if name == secret => one.password.to_owned(),
            _ if field.kind == "checkbox" && field.value.is_empty() => "on".to_owned(),
            _ => field.value.clone(),
        };
        (field.name.clone(), Value::String(value))
    });
    call.payload = Payload::Form(fields.collect());
    Some(call.request())
}

/// The names of an operation's fields for the name and for the password.
pub(crate) fn login_fields(operation: &Operation) -> Option<(String, String)> {
    if operation.method != "POST" {
        return None;
    }
    let body = operation.body.as_ref()?;
    // What it is declared to take, or what was sent to it.
    let properties = match body.schema.get("properties") {
        Some(properties) => properties.as_object()?,
        None => body.example.as_ref()?.as_object()?,
    };
    let find = |words: &[&str]| {
        let fits = |name: &&String| words.iter().any(|word| name.to_ascii_lowercase().contains(word));
        properties.keys().find(fits).cloned()
    };
    let password = find(&["password", "passwd", "pwd", "passphrase"])?;
    let user = find(&["username", "user", "login", "email", "mail", "name", "account"])?;
    // More of them is a registration.
    let simple = properties.len() <= 5
        && !REGISTER.iter().any(|word| operation.path.to_ascii_lowercase().contains(word));
    (simple && user != password).then_some((user, password))
}

fn by_operation(operation: &Operation, one: &Try<'_>) -> Call {
    let mut call = Call::new(&operation.method, &operation.path);
    let (user_field, password_field) = login_fields(operation).unwrap_or_default();
    let body = json!({ user_field.as_str(): one.user, password_field.as_str(): one.password });
    let form = operation.body.as_ref().is_some_and(|body| body.media_type.contains("form"));
    call.payload = match body {
        Value::Object(fields) if form => Payload::Form(fields.into_iter().collect()),
        other => Payload::Json(other),
    };
    call
}

/// The session that an answer begins.
fn session_of(request: &Request, answer: &Answer, token: Option<&str>, way: &Way) -> Result<Session, String> {
    if answer.status >= 400 {
        return Err(format!("`{} {}` answered {}", request.method, request.target, answer.status));
    }
    let mut session = Session { origin: request.field("origin").map(str::to_owned), ..Session::default() };
    if let Some(cookie) = request.field("cookie") {
        let pairs = cookie.split(';').filter_map(|pair| pair.trim().split_once('='));
        session.cookies.extend(pairs.map(|(name, value)| (name.to_owned(), value.to_owned())));
    }
    session.learn(answer);
    let body = answer.json();
    let declared = match way {
        Way::Declared(login) => Some(login),
        _ => None,
    };
    let field = declared.and_then(|login| login.token_field.as_deref());
    let field = field.and_then(|name| answer.field(name)).map(str::to_owned);
    let found = match token {
        _ if field.is_some() => field,
        Some(pointer) => {
            body.as_ref().and_then(|body| body.pointer(pointer)).and_then(Value::as_str).map(str::to_owned)
        }
        None => body.as_ref().and_then(token_in),
    };
    if let Some(token) = found {
        let form = match declared.and_then(|login| login.header.as_ref()) {
            Some(header) => header.replace("{token}", &token),
            None => format!("Authorization: Bearer {token}"),
        };
        let (name, value) = form.split_once(':').unwrap_or(("Authorization", &form));
        session.headers.push((name.trim().to_owned(), value.trim().to_owned()));
    } else if answer.fields("set-cookie").next().is_none() && !goes_on(request, answer) {
        return Err(format!(
            "`{} {}` answered {} with neither a cookie nor a token; hint: say in `[login]` how people sign in",
            request.method, request.target, answer.status
        ));
    } else if answer.is_success()
        && html::read(&answer.text()).forms.iter().any(|form| login_form(form).is_some())
    {
        return Err(format!("`{} {}` shows its form again", request.method, request.target));
    }
    Ok(session)
}

/// Whether the session is one that began with the form's page: its cookie stays, and the answer leads elsewhere.
fn goes_on(request: &Request, answer: &Answer) -> bool {
    let own = request.target.split('?').next().unwrap_or_default();
    let elsewhere = answer.field("location").is_some_and(|to| !to.contains(own));
    request.field("cookie").is_some() && answer.is_redirect() && elsewhere
}

/// A token in an answer: by the names they have, at any depth.
pub(crate) fn token_in(body: &Value) -> Option<String> {
    fn walk(value: &Value, depth: usize, best: &mut Option<(usize, String)>) {
        if depth > 6 {
            return;
        }
        match value {
            Value::Object(object) => {
                for (name, value) in object {
                    let name = name.to_ascii_lowercase().replace(['_', '-'], "");
                    let rank = TOKENS.iter().position(|known| name == *known);
                    if let (Some(rank), Value::String(text)) = (rank, value)
                        && text.len() >= 8
                        && best.as_ref().is_none_or(|(own, _)| rank < *own)
                    {
                        *best = Some((rank, text.clone()));
                    }
                    walk(value, depth.saturating_add(1), best);
                }
            }
            Value::Array(items) => {
                items.iter().take(10).for_each(|item| walk(item, depth.saturating_add(1), best))
            }
            _ => {}
        }
    }
    let mut best = None;
    walk(body, 0, &mut best);
    best.map(|(_, token)| token)
}

/// Names of tokens, without `_` and `-`, the surest first.
const TOKENS: &[&str] = &[
    "accesstoken",
    "authtoken",
    "bearertoken",
    "token",
    "jwt",
    "idtoken",
    "sessiontoken",
    "sessionid",
    "apikey",
];
const SIGN_IN: &[&str] = &["login", "signin", "sign-in", "authenticate", "auth", "token", "session"];
const REGISTER: &[&str] = &["register", "signup", "sign-up", "reset", "forgot", "change"];

/// Whether an operation signs people in, out or up: what is called with care.
#[must_use]
pub fn is_account_operation(operation: &Operation) -> bool {
    let path = operation.path.to_ascii_lowercase();
    let words =
        ["login", "logout", "signin", "signout", "sign-in", "sign-out", "logoff", "password", "deactivate"];
    words.iter().any(|word| path.contains(word)) || {
        let fields = operation.parameters.iter().filter(|parameter| parameter.place == Place::Form);
        fields.into_iter().any(|parameter| parameter.name.contains("password"))
    }
}
