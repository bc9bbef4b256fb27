//! A person with second factors: Chromium over `https://localhost` with the development authority
//! trusted, an authenticator app played by `oathtool`, a passkey played by chromedriver. Everything is done
//! with the keyboard, and axe finds nothing wrong on any page.

use std::path::Path;
use std::time::Instant;

use fantoccini::Client as Browser;
use fantoccini::wd::WebDriverCompatibleCommand;
use serde_json::{Value, json};
use tokio::process::Command;
use url::Url;

use crate::application::Application;
use crate::browser::{Chromium, Screenshots, path, until};
use crate::clients;
use crate::gate::{Gate, PATIENCE};

pub(crate) const PASSWORD: &str = "seven grey stones in a wire cage";

/// The person at the browser.
pub(crate) struct Person {
    pub(crate) browser: Browser,
    here: String,
    shots: Screenshots,
    axe: String,
}

#[tokio::test]
async fn a_person_sets_up_and_uses_every_second_factor() {
    let application = Application::start().await;
    let gate = Gate::start_over_tls(application.address).await;
    let link = gate.administrator_link().await;
    let chromium = Chromium::start_trusting(&gate.directory().join("data/local-ca.pem")).await;
    let ada = Person::at_gate(&chromium, &gate, "second-factors");

    // A password, and the first sign-in with nothing else.
    ada.open(&link).await;
    ada.fill("#password", PASSWORD).await;
    ada.fill("#repeat", PASSWORD).await;
    ada.enter().await;
    ada.at("/.gabion/login").await;
    ada.look("01-login").await;
    ada.open("/.gabion/login?next=/.gabion/account/security").await;
    ada.password().await;
    ada.at("/.gabion/account/security").await;
    ada.look("02-security-empty").await;

    // An authenticator app.
    ada.press("a[href='/.gabion/account/security/totp']").await;
    ada.at("/.gabion/account/security/totp").await;
    ada.look("03-app").await;
    let secret = ada.text("#secret").await.replace(' ', "");
    ada.fill("#code", "000000").await;
    ada.enter().await;
    ada.sees("Error: Set up an authenticator app").await;
    ada.look("04-app-wrong").await;
    ada.fill("#code", &oathtool(&secret, 0).await).await;
    ada.enter().await;
    ada.sees("Your recovery codes").await;
    ada.look("05-recovery-codes").await;
    let codes: Vec<String> = ada.text(".codes").await.split_whitespace().map(str::to_owned).collect();
    assert_eq!(codes.len(), 10, "{codes:?}");

    // It is asked for from now on, and its code works once.
    ada.sign_out().await;
    ada.open("/.gabion/login?next=/hello").await;
    ada.password().await;
    ada.sees("Second step").await;
    ada.look("06-second-step").await;
    let code = oathtool(&secret, 30).await;
    ada.fill("#code", &code).await;
    ada.enter().await;
    ada.at("/hello").await;
    ada.sign_out().await;
    ada.open("/.gabion/login?next=/hello").await;
    ada.password().await;
    ada.sees("Second step").await;
    ada.fill("#code", &code).await;
    ada.enter().await;
    ada.sees("Error: Second step").await;
    ada.look("07-second-step-refused").await;

    // A recovery code does, once.
    ada.recover(&codes[0]).await;
    ada.at("/hello").await;
    ada.sign_out().await;
    ada.open("/.gabion/login?next=/.gabion/account/security").await;
    ada.password().await;
    ada.sees("Second step").await;
    ada.recover(&codes[0]).await;
    ada.sees("Error: Second step").await;
    ada.look("08-recovery-refused").await;
    ada.fill("#recovery", &codes[1]).await;
    ada.enter().await;
    ada.at("/.gabion/account/security").await;

    // A passkey.
    let device = ada.command("webauthn/authenticator", authenticator()).await;
    let device = device.as_str().expect("an id").to_owned();
    ada.press("a[href='/.gabion/account/security/passkey']").await;
    ada.at("/.gabion/account/security/passkey").await;
    ada.look("09-passkey").await;
    ada.fill("#name", "<b>my laptop</b>").await;
    ada.enter().await;
    ada.at("/.gabion/account/security").await;
    assert!(ada.text(".sessions").await.contains("<b>my laptop</b>"), "a name is text");
    ada.look("10-security").await;

    // Beside the password.
    ada.sign_out().await;
    ada.verified(&device, false).await;
    ada.open("/.gabion/login?next=/hello").await;
    ada.password().await;
    ada.sees("Second step").await;
    ada.verified(&device, true).await;
    ada.look("11-second-step-passkey").await;
    ada.press("form[data-passkey] button").await;
    ada.at("/hello").await;

    // Instead of it.
    ada.sign_out().await;
    ada.verified(&device, false).await;
    ada.open("/.gabion/login?next=/hello").await;
    ada.look("12-login-passkey").await;
    ada.verified(&device, true).await;
    ada.press("form[data-passkey] button").await;
    ada.at("/hello").await;

    // New codes, and the passkey goes.
    ada.open("/.gabion/account/security/recovery-codes").await;
    ada.look("13-new-codes").await;
    ada.press("main form button").await;
    ada.sees("Your recovery codes").await;
    ada.open("/.gabion/account/security").await;
    ada.press("a[href^='/.gabion/account/security/factors/']").await;
    ada.sees("<b>my laptop</b>").await;
    ada.look("14-factor").await;
    ada.press("form[action$='/remove'] button").await;
    ada.at("/.gabion/account/security").await;
    assert!(!ada.text(".sessions").await.contains("my laptop"));
    ada.look("15-removed").await;
    chromium.stop().await;
}

impl Person {
    /// Somebody at a browser that trusts the gate.
    pub(crate) fn at_gate(chromium: &Chromium, gate: &Gate, run: &str) -> Self {
        Self {
            browser: chromium.browser(),
            here: format!("https://localhost:{}", gate.address.port()),
            shots: Screenshots::of(run),
            axe: axe(),
        }
    }

    pub(crate) async fn open(&self, path: &str) {
        self.browser.goto(&format!("{}{path}", self.here)).await.expect("opens");
    }

    /// Puts the focus there with the Tab key alone.
    pub(crate) async fn tab_to(&self, selector: &str) {
        let is_there = format!("return document.activeElement.matches({selector:?})");
        for _ in 0..60 {
            if self.browser.execute(&is_there, Vec::new()).await.expect("asks") == Value::Bool(true) {
                return;
            }
            self.keys("\u{E004}").await;
        }
        panic!(
            "the Tab key does not lead to {selector}:\n{}",
            self.browser.source().await.unwrap_or_default()
        );
    }

    pub(crate) async fn keys(&self, keys: &str) {
        let focused = self.browser.active_element().await.expect("something has the focus");
        focused.send_keys(keys).await.expect("types");
    }

    pub(crate) async fn fill(&self, selector: &str, text: &str) {
        self.tab_to(selector).await;
        self.browser.active_element().await.expect("the field").clear().await.expect("clears");
        self.tab_to(selector).await;
        self.keys(text).await;
    }

    pub(crate) async fn enter(&self) {
        self.keys("\u{E007}").await;
    }

    pub(crate) async fn press(&self, selector: &str) {
        self.tab_to(selector).await;
        self.enter().await;
    }

    pub(crate) async fn password(&self) {
        self.fill("#name", "admin").await;
        self.fill("#password", PASSWORD).await;
        self.enter().await;
    }

    pub(crate) async fn recover(&self, code: &str) {
        let open = "return document.querySelector('details.more').open";
        if self.browser.execute(open, Vec::new()).await.expect("asks") == Value::Bool(false) {
            self.press("details.more summary").await;
        }
        self.fill("#recovery", code).await;
        self.enter().await;
    }

    pub(crate) async fn sign_out(&self) {
        self.open("/.gabion/logout").await;
        self.press("main form button").await;
        self.sees("You are signed out").await;
    }

    pub(crate) async fn at(&self, expected: &str) {
        let began = Instant::now();
        while path(&self.browser).await != expected {
            if began.elapsed() > PATIENCE {
                let source = self.browser.source().await.unwrap_or_default();
                panic!("not at {expected} but at {}:\n{source}", path(&self.browser).await);
            }
        }
    }

    pub(crate) async fn sees(&self, title: &str) {
        until(title, async || self.browser.title().await.unwrap_or_default() == title).await;
    }

    pub(crate) async fn text(&self, selector: &str) -> String {
        let script = format!("return document.querySelector({selector:?}).textContent");
        let text = self.browser.execute(&script, Vec::new()).await.expect("asks");
        text.as_str().unwrap_or_default().trim().to_owned()
    }

    /// A picture for people, and what axe says.
    pub(crate) async fn look(&self, name: &str) {
        self.shots.take(&self.browser, name).await;
        self.browser.execute(&self.axe, Vec::new()).await.expect("axe is loaded");
        let script = "const done = arguments[arguments.length - 1];
            axe.run().then((found) => done(found.violations.map((one) =>
                one.id + ': ' + one.nodes.map((node) => node.html).join(' | '))));";
        let found = self.browser.execute_async(script, Vec::new()).await.expect("axe runs");
        assert_eq!(found, json!([]), "{name}");
    }

    pub(crate) async fn verified(&self, device: &str, verified: bool) {
        let endpoint = format!("webauthn/authenticator/{device}/uv");
        self.command(&endpoint, json!({ "isUserVerified": verified })).await;
    }

    pub(crate) async fn command(&self, endpoint: &str, body: Value) -> Value {
        let command = WebAuthn { endpoint: endpoint.to_owned(), body: body.to_string() };
        self.browser.issue_cmd(command).await.expect("chromedriver does it")
    }
}

/// WebAuthn Level 2, 11: WebDriver's virtual authenticators.
#[derive(Debug)]
struct WebAuthn {
    endpoint: String,
    body: String,
}

impl WebDriverCompatibleCommand for WebAuthn {
    fn endpoint(&self, base: &Url, session: Option<&str>) -> Result<Url, url::ParseError> {
        base.join(&format!("session/{}/{}", session.unwrap_or_default(), self.endpoint))
    }

    fn method_and_body(&self, _: &Url) -> (http::Method, Option<String>) {
        (http::Method::POST, Some(self.body.clone()))
    }
}

pub(crate) fn authenticator() -> Value {
    json!({
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": true,
        "hasUserVerification": true,
        "isUserConsenting": true,
        "isUserVerified": true,
    })
}

/// The code of an app whose clock goes `ahead` by so many seconds.
pub(crate) async fn oathtool(secret: &str, ahead: u32) -> String {
    let now = format!("now + {ahead} seconds");
    let mut command = Command::new("oathtool");
    let said = clients::run(command.args(["--totp", "--base32", "--now", &now, secret])).await;
    said.trim().to_owned()
}

fn axe() -> String {
    let file = clients::package("axe-core").join("axe.min.js");
    std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

/// What the trust of a browser is made of, in a home of its own.
pub(crate) async fn trust(home: &Path, authority: &Path) {
    let database = home.join(".pki/nssdb");
    std::fs::create_dir_all(&database).expect("a folder for the trust");
    let database = format!("sql:{}", database.display());
    let authority = authority.to_str().expect("a path in UTF-8");
    clients::run(Command::new("certutil").args(["-N", "-d", &database, "--empty-password"])).await;
    let add = ["-A", "-d", &database, "-n", "gabion", "-t", "C,,", "-i", authority];
    clients::run(Command::new("certutil").args(add)).await;
}
