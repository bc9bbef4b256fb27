//! People and how they sign in, from a file in the form of Web Fuzzing Commons: other tools of the field read the same file.
//!
//! Read are `auth` with `authTemplate` (`fixedHeaders`, `loginEndpointAuth` with either kind of payload, headers of the sign-in,
//! cookies, and a token from the body or the head in both of its spellings). `configs` are of other tools and let be. What would
//! change who signs in how, and is not understood, is an error by its place.

use std::collections::BTreeMap;

use gabion_model::Secret;
use serde::Deserialize;
use serde_json::Value;

use crate::facts::{Identity, Login, Text};

/// The largest file, in bytes, and the most people.
const LONGEST: usize = 1 << 20;
const MOST: usize = 100;

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Document {
    #[serde(default, rename = "schemaVersion")]
    _version: Option<Value>,
    auth: Vec<Value>,
    #[serde(default)]
    auth_template: Option<Value>,
    #[serde(default, rename = "configs")]
    _configs: Option<Value>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
struct Person {
    name: Option<String>,
    fixed_headers: Vec<Header>,
    login_endpoint_auth: Option<Endpoint>,
    require_mock_handling: Option<bool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    name: String,
    value: String,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
struct Endpoint {
    endpoint: Option<String>,
    #[serde(rename = "externalEndpointURL")]
    external: Option<String>,
    payload_raw: Option<String>,
    payload_user_pwd: Option<Pair>,
    headers: Vec<Header>,
    verb: Option<String>,
    content_type: Option<String>,
    token: Option<Token>,
    expect_cookies: Option<bool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Pair {
    username: String,
    password: String,
    username_field: String,
    password_field: String,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
struct Token {
    /// The older spelling.
    extract_from_field: Option<String>,
    http_header_name: Option<String>,
    header_prefix: Option<String>,
    /// The newer one.
    extract_from: Option<String>,
    extract_selector: Option<String>,
    send_in: Option<String>,
    send_name: Option<String>,
    send_template: Option<String>,
}

/// Whether a text looks like such a file, and not like a list of lines.
#[must_use]
pub fn is_shared(text: &str) -> bool {
    text.lines().any(|line| line.starts_with("auth:") || line.starts_with("authTemplate:"))
}

/// Reads a file.
///
/// # Errors
/// In words, with the place and the way out.
pub fn read(text: &str) -> Result<Vec<Identity>, String> {
    if text.len() > LONGEST {
        return Err(format!("it is longer than {} MiB", LONGEST >> 20));
    }
    let document: Document = serde_saphyr::from_str(text).map_err(|error| {
        let line = error.location().map(|at| format!("line {}: ", at.line())).unwrap_or_default();
        // The text of the error may quote a line, and a password stands in it.
        let says = error.to_string();
        let says = says.lines().next().unwrap_or_default();
        format!(
            "{line}{}",
            if says.contains("unknown field") { says } else { "it is not as Web Fuzzing Commons has it" }
        )
    })?;
    if document.auth.len() > MOST {
        return Err(format!("there are more than {MOST} people"));
    }
    let people = document.auth.into_iter().enumerate().map(|(at, own)| {
        let own = match &document.auth_template {
            Some(template) => merged(own, template, 0),
            None => own,
        };
        let person: Person = serde_json::from_value(own).map_err(|error| {
            let says = error.to_string();
            // Only names of keys are shown.
            let says =
                if says.contains("unknown field") { says } else { "a value is not of its kind".to_owned() };
            format!("`auth[{at}]`: {says}")
        })?;
        identity(person).map_err(|says| format!("`auth[{at}]`: {says}"))
    });
    people.collect()
}

/// What a template says, where somebody does not say it.
fn merged(own: Value, template: &Value, depth: usize) -> Value {
    match (own, template) {
        (Value::Object(mut own), Value::Object(template)) if depth < 8 => {
            for (name, value) in template {
                let inner = own.remove(name).unwrap_or(Value::Null);
                own.insert(name.clone(), merged(inner, value, depth.saturating_add(1)));
            }
            Value::Object(own)
        }
        (Value::Null, template) => template.clone(),
        (own, _) => own,
    }
}

fn identity(person: Person) -> Result<Identity, String> {
    let name = person.name.filter(|name| !name.is_empty()).ok_or("it has no `name`")?;
    let word = |letter: char| {
        if letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '.' | '@') { letter } else { '-' }
    };
    if person.require_mock_handling == Some(true) {
        return Err("`requireMockHandling` is for tests from within; hint: leave it out".to_owned());
    }
    let mut headers = BTreeMap::new();
    for header in person.fixed_headers {
        headers.insert(header.name, plain(header.value.trim()));
    }
    let mut identity = Identity {
        name: name.chars().map(word).collect(),
        user: None,
        password: None,
        token: None,
        headers,
        totp: None,
        recovery: Vec::new(),
        role: None,
        tenant: None,
        login: None,
    };
    if let Some(endpoint) = person.login_endpoint_auth {
        sign_in(&mut identity, endpoint)?;
    }
    if identity.login.is_none() && identity.headers.is_empty() {
        return Err("it has neither `fixedHeaders` nor `loginEndpointAuth`".to_owned());
    }
    Ok(identity)
}

fn plain(text: &str) -> Text {
    Text::Plain(Secret::new(text.to_owned()))
}

fn sign_in(identity: &mut Identity, endpoint: Endpoint) -> Result<(), String> {
    if let Some(url) = endpoint.external {
        let url: String = url.split('?').next().unwrap_or_default().chars().take(100).collect();
        return Err(format!(
            "`externalEndpointURL` leads to another place (`{url}`), and nothing leaves the target; hint: `fixedHeaders` with a token"
        ));
    }
    let path =
        endpoint.endpoint.filter(|path| path.starts_with('/')).ok_or("it has no `endpoint` with a path")?;
    let verb = endpoint.verb.unwrap_or_else(|| "POST".to_owned()).to_ascii_uppercase();
    let kind = endpoint.content_type.unwrap_or_else(|| "application/json".to_owned());
    let is_form = kind.starts_with("application/x-www-form-urlencoded");
    let mut login = Login { operation: format!("{verb} {path}"), ..Login::default() };
    for header in endpoint.headers {
        login.headers.insert(header.name, header.value);
    }
    match (endpoint.payload_user_pwd, endpoint.payload_raw) {
        (Some(_), Some(_)) => return Err("it has both `payloadUserPwd` and `payloadRaw`".to_owned()),
        (Some(pair), None) => {
            let fields = [(pair.username_field, "{user}"), (pair.password_field, "{password}")];
            if is_form {
                login.form.extend(fields.map(|(name, value)| (name, value.to_owned())));
            } else {
                let fields = fields.map(|(name, value)| (name, Value::String(value.to_owned())));
                login.json = Some(Value::Object(fields.into_iter().collect()));
            }
            identity.user = Some(pair.username);
            identity.password = Some(plain(&pair.password));
        }
        (None, raw) => {
            login.body = Some((kind, raw.unwrap_or_default()));
            // Other passwords cannot be put into it.
            login.fixed = true;
        }
    }
    if let Some(token) = endpoint.token {
        take(&mut login, token)?;
    } else if endpoint.expect_cookies != Some(true) && endpoint.expect_cookies.is_some() {
        return Err("it expects neither a cookie nor a `token`".to_owned());
    }
    identity.login = Some(login);
    Ok(())
}

fn take(login: &mut Login, token: Token) -> Result<(), String> {
    let old = token.extract_from_field.is_some()
        || token.http_header_name.is_some()
        || token.header_prefix.is_some();
    if old {
        login.token = token.extract_from_field;
        let name = token.http_header_name.unwrap_or_else(|| "Authorization".to_owned());
        login.header = Some(format!("{name}: {}{{token}}", token.header_prefix.unwrap_or_default()));
    } else {
        match (token.extract_from.as_deref().unwrap_or("body"), token.extract_selector) {
            ("body", selector) => login.token = selector,
            ("header", Some(name)) => login.token_field = Some(name),
            (other, _) => {
                return Err(format!("a token from `{other}` is not read; hint: `body` or `header`"));
            }
        }
        if token.send_in.as_deref().is_some_and(|place| place != "header") {
            return Err("a token is sent in a header only; hint: `sendIn: header`".to_owned());
        }
        let name = token.send_name.unwrap_or_else(|| "Authorization".to_owned());
        login.header =
            Some(format!("{name}: {}", token.send_template.unwrap_or_else(|| "{token}".to_owned())));
    }
    if login.token.as_deref().is_some_and(|pointer| !pointer.starts_with('/')) {
        login.token = login.token.as_ref().map(|name| format!("/{name}"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shape_is_read() {
        let people = read(
            r#"
schemaVersion: "0.1"
configs: { maxTime: 5m }
auth:
  - name: FOO BAR
    fixedHeaders:
      - { name: Authorization, value: " token of foo" }
  - name: raw
    loginEndpointAuth:
      payloadRaw: '{"u": "raw", "p": "secret"}'
  - name: bar
    loginEndpointAuth:
      payloadUserPwd: { username: bar@x, password: "456", usernameField: user, passwordField: pass }
      token: { extractFromField: /token/auth, httpHeaderName: Authorization, headerPrefix: "Bearer " }
  - name: form
    loginEndpointAuth:
      endpoint: /session
      contentType: application/x-www-form-urlencoded
      payloadUserPwd: { username: f, password: g, usernameField: user, passwordField: pass }
      token: { extractFrom: header, extractSelector: X-Token, sendIn: header, sendName: X-Auth, sendTemplate: "T {token}" }
  - name: basic
    loginEndpointAuth:
      verb: GET
      headers: [{ name: Authorization, value: Basic dGVzdA== }]
authTemplate:
  loginEndpointAuth: { endpoint: /login, verb: POST, contentType: application/json, expectCookies: true }
"#,
        );
        // A template is of everybody: who brings a header signs in besides.
        let people = people.unwrap();
        let login = |at: usize| people[at].login.as_ref().unwrap();
        assert_eq!(people[0].name, "FOO-BAR");
        assert_eq!(people[0].headers["Authorization"].expose(), "token of foo");
        assert!(login(1).fixed && login(1).body.as_ref().unwrap().1.contains("raw"));
        assert_eq!((people[2].user(), login(2).operation.as_str()), ("bar@x", "POST /login"));
        assert_eq!(login(2).token.as_deref(), Some("/token/auth"));
        assert_eq!(login(2).header.as_deref(), Some("Authorization: Bearer {token}"));
        assert_eq!(login(2).json.as_ref().unwrap()["pass"], "{password}");
        assert_eq!(login(3).form["user"], "{user}");
        assert_eq!(login(3).token_field.as_deref(), Some("X-Token"));
        assert_eq!(login(3).header.as_deref(), Some("X-Auth: T {token}"));
        assert!(login(4).operation == "GET /login" && login(4).headers.len() == 1);
    }

    #[test]
    fn what_is_not_understood_is_an_error_without_secrets() {
        for (text, says) in [
            ("auth: [{ name: a }]", "neither `fixedHeaders`"),
            ("auth: [{ fixedHeaders: [] }]", "no `name`"),
            ("auth: [{ name: a, loginEndpointAuth: { verb: POST } }]", "no `endpoint`"),
            (
                "auth: [{ name: a, loginEndpointAuth: { externalEndpointURL: 'https://b/c', verb: POST } }]",
                "another place",
            ),
            ("auth: [{ name: a, createUsers: true }]", "unknown field `createUsers`"),
            ("auth: [{ name: a, password: hidden }]", "unknown field `password`"),
            ("auth: [{ name: a, fixedHeaders: hidden }]", "not of its kind"),
            ("auth: hidden", "as Web Fuzzing Commons"),
            ("nothing: 1", "unknown field"),
            ("auth: [{ name: a, requireMockHandling: true }]", "from within"),
            (
                "auth: [{ name: a, loginEndpointAuth: { endpoint: /l, token: { extractFrom: cookie, extractSelector: b } } }]",
                "a token from `cookie`",
            ),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains(says) && !error.contains("hidden"), "{text}: {error}");
        }
        assert!(read(&"auth: [".repeat(10_000)).is_err());
        assert!(is_shared("# x\nauth:\n") && !is_shared("alice auth: x"));
    }
}
