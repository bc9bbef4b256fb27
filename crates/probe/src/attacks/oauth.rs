//! Whether an authorization server gives codes and tokens to whom they belong (RFC 6749, RFC 7636, RFC 9700; CWE-601, CWE-287).
//!
//! With a client that the facts name (`[oauth]`), and an identity that agrees. Control: a code is sent to the registered address,
//! and becomes a token by the verifier of its challenge (`S256`).
//!
//! `redirect`: a code is sent to an address that is not registered: of another host (high), or of another path (medium). It is
//! proven by the `Location` that has the code. `no-pkce`: a code that was asked for without a challenge becomes a token without a
//! verifier. `plain`: a challenge that is the verifier itself. `verifier`: a wrong verifier. `replay`: a code a second time.
//! `client`: a code of another client. Each is proven by the token. `scope`: a scope that nobody knows is granted. `state`: an
//! answer without the `state` that was sent, by which clients tell their own requests.

use gabion_model::Severity;
use gabion_model::outbound::BoxFuture;
use gabion_vault::encoding::base64url_encode;
use gabion_vault::sha256_of;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use super::{Attack, Phase, usable};
use crate::call::{Call, Payload};
use crate::facts;
use crate::field::Field;
use crate::surface::html;
use crate::verdict::{Exchange, Outcome, Proof, Verdict};
use crate::wire::{Answer, Request, WireError};

pub(super) struct Oauth;

const ID: &str = "oauth";

impl Attack for Oauth {
    fn id(&self) -> &'static str {
        ID
    }

    fn phase(&self) -> Phase {
        Phase::Sessions
    }

    fn run<'a>(&'a self, field: &'a Field) -> BoxFuture<'a, Result<(), WireError>> {
        Box::pin(run(field))
    }
}

async fn run(field: &Field) -> Result<(), WireError> {
    let Some(facts) = &field.facts.oauth else {
        field.not_tested(ID, "no client of an authorization server is known; hint: `[oauth]`");
        return Ok(());
    };
    let Some(who) = field.signed_in().find(|who| field.person(*who).name == facts.identity) else {
        field.not_tested(ID, format!("`{}` is not signed in", facts.identity));
        return Ok(());
    };
    let (mut authorize, mut token) = (facts.authorize.clone(), facts.token.clone());
    if authorize.is_none() || token.is_none() {
        for path in ["/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"] {
            let answer = usable(field.request(0, &Request::get(path)).await)?;
            let Some(told) = answer.and_then(|answer| answer.json()) else { continue };
            let place = |name: &str| {
                let url = told.get(name).and_then(Value::as_str)?;
                field.wire.origin().inside("/", url)
            };
            authorize = authorize.or_else(|| place("authorization_endpoint"));
            token = token.or_else(|| place("token_endpoint"));
        }
    }
    let (Some(authorize), Some(token)) = (authorize, token) else {
        field.not_tested(
            ID,
            "where codes and tokens are given is not known; hint: `oauth.authorize` and `oauth.token`",
        );
        return Ok(());
    };
    Server { field, facts, who, authorize, token }.attack().await
}

struct Server<'a> {
    field: &'a Field,
    facts: &'a facts::OAuth,
    who: usize,
    authorize: String,
    token: String,
}

/// What a request for a code is made of.
struct Ask<'a> {
    redirect: &'a str,
    challenge: Option<(&'a str, &'a str)>,
    scope: Option<&'a str>,
}

/// Where the answer leads.
struct Led {
    request: Request,
    answer: Answer,
    /// The whole `Location`, where it has a code.
    to: String,
    code: String,
    state: bool,
}

/// What a code became.
struct Redeemed {
    request: Request,
    answer: Answer,
    token: bool,
}

fn parameters(pairs: &[(&str, &str)]) -> String {
    let pairs =
        pairs.iter().map(|(name, value)| format!("{name}={}", utf8_percent_encode(value, NON_ALPHANUMERIC)));
    pairs.collect::<Vec<_>>().join("&")
}

/// Why no token was given, by the server's own words (RFC 6749, section 5.2), in a few of them.
fn refusal(answer: &Answer) -> String {
    let body = answer.json().unwrap_or_default();
    let word = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let (error, description) = (word("error"), word("error_description"));
    let words = format!("{} {error} {description}", answer.status);
    words.chars().filter(|sign| !sign.is_control()).take(160).collect::<String>().trim_end().to_owned()
}

fn challenge_of(verifier: &str) -> String {
    base64url_encode(&sha256_of(&[verifier.as_bytes()]))
}

impl Server<'_> {
    fn say(&self, verdict: Verdict, aspect: &str, says: &str) {
        self.field.say(Outcome::new(ID, &self.operation(aspect), verdict, says).aspect(aspect));
    }

    fn operation(&self, aspect: &str) -> String {
        match aspect {
            "redirect" | "scope" | "state" => format!("GET {}", self.authorize),
            _ => format!("POST {}", self.token),
        }
    }

    fn found(&self, aspect: &str, severity: Severity, says: &str, proof: Proof) {
        let outcome = Outcome::new(ID, &self.operation(aspect), Verdict::Proven, says).aspect(aspect);
        self.field.say(outcome.severity(severity).proof(proof));
    }

    fn verifier(&self) -> String {
        format!(
            "{}-{}-{}-{}",
            self.field.canary(),
            self.field.canary(),
            self.field.canary(),
            self.field.canary()
        )
    }

    /// Asks for a code; agrees where that is asked.
    async fn ask(&self, ask: &Ask<'_>) -> Result<Option<Led>, WireError> {
        let state = self.field.canary();
        let mut pairs = vec![
            ("response_type", "code"),
            ("client_id", self.facts.client.as_str()),
            ("redirect_uri", ask.redirect),
            ("state", state.as_str()),
        ];
        if let Some(scope) = ask.scope.or(self.facts.scope.as_deref()) {
            pairs.push(("scope", scope));
        }
        if let Some((challenge, method)) = ask.challenge {
            pairs.extend([("code_challenge", challenge), ("code_challenge_method", method)]);
        }
        let mut request = Request::get(&format!("{}?{}", self.authorize, parameters(&pairs)));
        let Some(mut answer) = usable(self.field.request(self.who, &request).await)? else { return Ok(None) };
        for _ in 0..2 {
            let page = html::read(&answer.text());
            let next = if let Some(call) = self.consent(&request, &page).filter(|_| answer.is_success()) {
                usable(self.field.exchange(self.who, &call).await)?
            } else {
                // A step of its own on the way.
                let to = answer
                    .field("location")
                    .and_then(|to| self.field.wire.origin().inside(&request.target, to));
                match to.filter(|to| answer.is_redirect() && !to.contains("code=")) {
                    Some(to) => {
                        let request = Request::get(&to);
                        let answer = usable(self.field.request(self.who, &request).await)?;
                        answer.map(|answer| (request, answer))
                    }
                    None => None,
                }
            };
            let Some(next) = next else { break };
            (request, answer) = next;
        }
        let to = answer.field("location").unwrap_or_default().to_owned();
        let query = to.split_once('?').map_or("", |(_, query)| query).split('#').next().unwrap_or_default();
        let mut code = String::new();
        let mut same = false;
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            match name.as_ref() {
                "code" => code = value.into_owned(),
                "state" => same = value == state.as_str(),
                _ => {}
            }
        }
        let led = Led { request, answer, to, code, state: same };
        Ok((!led.code.is_empty()).then_some(led))
    }

    /// The form that agrees, filled in.
    fn consent(&self, request: &Request, page: &html::Page) -> Option<Call> {
        let form = page.forms.iter().find(|form| form.method == "POST")?;
        let yes = |text: &str| {
            let text = text.to_ascii_lowercase();
            ["allow", "approve", "accept", "agree", "consent", "authorize", "yes", "grant", "continue"]
                .iter()
                .any(|word| text.contains(word))
        };
        let action = if form.action.is_empty() { request.target.as_str() } else { &form.action };
        let to = self.field.wire.origin().inside(&request.target, action)?;
        let mut call = Call::new("POST", &to);
        let buttons: Vec<_> =
            form.fields.iter().filter(|field| matches!(field.kind.as_str(), "submit" | "button")).collect();
        let chosen = buttons
            .iter()
            .find(|field| yes(&field.value) || yes(&field.name))
            .map(|field| field.name.clone());
        let chosen_value = buttons
            .iter()
            .find(|field| yes(&field.value) || yes(&field.name))
            .map(|field| field.value.clone());
        let mut fields: Vec<(String, Value)> = Vec::new();
        for field in form.fields.iter().filter(|field| !field.name.is_empty()) {
            let value = match field.kind.as_str() {
                "submit" | "button" => continue,
                "checkbox" if field.value.is_empty() => "on".to_owned(),
                _ => field.value.clone(),
            };
            fields.push((field.name.clone(), Value::String(value)));
        }
        if let (Some(name), Some(value)) = (chosen, chosen_value) {
            fields.push((name, Value::String(value)));
        }
        call.payload = Payload::Form(fields);
        Some(call)
    }

    /// Makes a token of a code.
    async fn redeem(
        &self,
        client: &str,
        code: &str,
        verifier: Option<&str>,
    ) -> Result<Option<Redeemed>, WireError> {
        let mut pairs = vec![
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", self.facts.redirect.as_str()),
            ("client_id", client),
        ];
        let secret = self.facts.secret.as_ref().filter(|_| client == self.facts.client);
        if let Some(secret) = secret {
            pairs.push(("client_secret", secret.expose()));
        }
        if let Some(verifier) = verifier {
            pairs.push(("code_verifier", verifier));
        }
        let request =
            Request::new("POST", &self.token).body("application/x-www-form-urlencoded", parameters(&pairs));
        let Some(answer) = usable(self.field.wire.send(&request).await)? else { return Ok(None) };
        let body = answer.json().unwrap_or_default();
        let given = body.get("access_token").and_then(Value::as_str);
        if let Some(given) = given {
            let headers = vec![("Authorization".to_owned(), format!("Bearer {given}"))];
            self.field.hide(&crate::session::Session { headers, ..crate::session::Session::default() });
        }
        let token = answer.is_success() && given.is_some();
        Ok(Some(Redeemed { request, answer, token }))
    }

    fn shown(&self, redeemed: &Redeemed) -> Exchange {
        Exchange::new(&self.facts.client, &redeemed.request, &redeemed.answer)
    }

    async fn attack(&self) -> Result<(), WireError> {
        let verifier = self.verifier();
        let challenge = challenge_of(&verifier);
        let usual =
            Ask { redirect: &self.facts.redirect, challenge: Some((&challenge, "S256")), scope: None };
        let Some(mut led) = self.ask(&usual).await? else {
            self.say(Verdict::Inconclusive, "", "no code is sent to the registered address");
            return Ok(());
        };
        let mut tried = self.redeem(&self.facts.client, &led.code, Some(&verifier)).await?;
        // Other tests may have tried too often.
        if let Some(Redeemed { answer, .. }) = &tried
            && self.field.wire.wait_as_told(answer).await
            && let Some(again) = self.ask(&usual).await?
        {
            led = again;
            tried = self.redeem(&self.facts.client, &led.code, Some(&verifier)).await?;
        }
        let control = match tried {
            Some(control) if control.token => control,
            tried => {
                let says = match tried.map(|tried| tried.answer) {
                    Some(answer) => format!("a code becomes no token: {}", refusal(&answer)),
                    None => "a code becomes no token: no answer".to_owned(),
                };
                self.say(Verdict::Inconclusive, "", &says);
                return Ok(());
            }
        };
        if led.state {
            self.say(Verdict::Passed, "state", "the `state` that was sent comes back");
        } else {
            let proof = Proof::new(
                self.field.evidence(self.who, &led.request, &led.answer),
                "its `Location` has no `state`",
            );
            self.found("state", Severity::Medium, "the `state` that was sent does not come back", proof);
        }
        let again = self.redeem(&self.facts.client, &led.code, Some(&verifier)).await?;
        self.judge("replay", Severity::Medium, "a code becomes a token a second time", again, &control);
        self.proofs(&control).await?;
        self.redirects(&led).await?;
        self.scopes(&led).await
    }

    fn judge(
        &self,
        aspect: &str,
        severity: Severity,
        says: &str,
        tried: Option<Redeemed>,
        control: &Redeemed,
    ) {
        match tried {
            Some(tried) if tried.token => {
                let proof = Proof::new(self.shown(&tried), "a token was given").twin(self.shown(control));
                self.found(aspect, severity, says, proof);
            }
            Some(_) => self.say(Verdict::Passed, aspect, "no token is given"),
            None => self.say(Verdict::Inconclusive, aspect, "it got no answer"),
        }
    }

    /// Challenges and who redeems.
    async fn proofs(&self, control: &Redeemed) -> Result<(), WireError> {
        let verifier = self.verifier();
        let (challenge, client) = (challenge_of(&verifier), self.facts.client.as_str());
        let wrong = self.verifier();
        let high = if self.facts.secret.is_some() { Severity::Medium } else { Severity::High };
        let mut kinds = vec![
            ("no-pkce", high, "a code is given and redeemed without a challenge", None, client, None),
            (
                "plain",
                Severity::Low,
                "a challenge that is the verifier itself is taken (`plain`)",
                Some((verifier.as_str(), "plain")),
                client,
                Some(verifier.as_str()),
            ),
            (
                "verifier",
                Severity::High,
                "a wrong verifier makes a token of a code",
                Some((challenge.as_str(), "S256")),
                client,
                Some(wrong.as_str()),
            ),
        ];
        if let Some(other) = &self.facts.other {
            let says = "a code of one client becomes a token of another";
            kinds.push(("client", Severity::High, says, Some((&challenge, "S256")), other, Some(&verifier)));
        }
        for (aspect, severity, says, challenge, client, verifier) in kinds {
            let ask = Ask { redirect: &self.facts.redirect, challenge, scope: None };
            match self.ask(&ask).await? {
                Some(led) => {
                    let tried = self.redeem(client, &led.code, verifier).await?;
                    self.judge(aspect, severity, says, tried, control);
                }
                None => self.say(Verdict::Passed, aspect, "no code is given"),
            }
        }
        Ok(())
    }

    async fn redirects(&self, control: &Led) -> Result<(), WireError> {
        let registered = &self.facts.redirect;
        let Ok(url) = url::Url::parse(registered) else { return Ok(()) };
        let host = url.host_str().unwrap_or_default();
        let port = url.port().map_or_else(String::new, |port| format!(":{port}"));
        let (scheme, path) = (url.scheme(), url.path());
        let word = self.field.canary();
        let variants = [
            (Severity::High, format!("https://{word}.example{path}")),
            (Severity::High, format!("{scheme}://{host}.{word}.example{path}")),
            (Severity::High, format!("{scheme}://{host}{port}@{word}.example{path}")),
            (Severity::High, format!("{scheme}://{word}.example\\@{host}{port}{path}")),
            (Severity::Medium, format!("{registered}/../{word}")),
            (Severity::Medium, format!("{registered}{word}")),
            (Severity::Low, format!("{registered}?{word}=1")),
        ];
        for (severity, variant) in variants {
            let verifier = self.verifier();
            let challenge = challenge_of(&verifier);
            let ask = Ask { redirect: &variant, challenge: Some((&challenge, "S256")), scope: None };
            let Some(led) = self.ask(&ask).await? else { continue };
            if !led.to.contains(&word) {
                continue;
            }
            let says = format!("a code is sent to `{variant}`, which is not registered");
            let proof = Proof::new(
                self.field.evidence(self.who, &led.request, &led.answer),
                "its `Location` leads there, with a code",
            )
            .twin(self.field.evidence(self.who, &control.request, &control.answer))
            .marked(word.as_str());
            self.found("redirect", severity, &says, proof);
            return Ok(());
        }
        self.say(Verdict::Passed, "redirect", "codes are sent to the registered address alone");
        Ok(())
    }

    async fn scopes(&self, control: &Led) -> Result<(), WireError> {
        let (verifier, word) = (self.verifier(), self.field.canary());
        let challenge = challenge_of(&verifier);
        let scope = format!("{} {word}", self.facts.scope.as_deref().unwrap_or("openid"));
        let ask = Ask {
            redirect: &self.facts.redirect,
            challenge: Some((&challenge, "S256")),
            scope: Some(&scope),
        };
        let granted = match self.ask(&ask).await? {
            Some(led) => self.redeem(&self.facts.client, &led.code, Some(&verifier)).await?,
            None => None,
        };
        let body = granted.as_ref().and_then(|own| own.answer.json()).unwrap_or_default();
        let told = body.get("scope").and_then(Value::as_str).unwrap_or_default();
        match granted {
            Some(own) if own.token && told.split(' ').any(|one| one == word) => {
                let proof = Proof::new(self.shown(&own), format!("its `scope` has `{word}`"))
                    .twin(self.field.evidence(self.who, &control.request, &control.answer));
                self.found("scope", Severity::Medium, "a scope that nobody knows is granted", proof);
            }
            _ => self.say(Verdict::Passed, "scope", "a scope that nobody knows is not granted"),
        }
        Ok(())
    }
}
