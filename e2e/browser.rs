//! A person with Chromium: signs in, sees the application, looks at the sessions, ends one; the same
//! with JavaScript switched off.

use std::process::Stdio;

use fantoccini::{Client as Browser, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::json;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::application::Application;
use crate::gate::{Gate, PATIENCE};

const PASSWORD: &str = "seven grey stones in a wire cage";

#[tokio::test]
async fn a_person_signs_in_and_ends_a_session() {
    the_main_job(true).await;
}

#[tokio::test]
async fn the_same_without_javascript() {
    the_main_job(false).await;
}

async fn the_main_job(javascript: bool) {
    let application = Application::start().await;
    let gate = Gate::start(application.address).await;
    let link = gate.administrator_link().await;
    gate.accept(&link, PASSWORD).await;
    let here = format!("http://{}", gate.address);
    let chromium = Chromium::start(javascript).await;
    let browser = &chromium.browser;
    let shots = Screenshots::of(if javascript { "with-javascript" } else { "without-javascript" });

    // A stranger who opens the application is sent to the sign-in page and comes back after it.
    browser.goto(&format!("{here}/hello?from=browser")).await.expect("opens");
    assert!(path(browser).await.starts_with("/.gabion/login"));
    assert_eq!(application.served(), 0, "the application was not asked");
    shots.take(browser, "1-login").await;
    sign_in(browser, "wrong password").await;
    until("the refusal is shown", async || title(browser).await.starts_with("Error")).await;
    assert!(path(browser).await.starts_with("/.gabion/login"));
    shots.take(browser, "2-login-refused").await;
    sign_in(browser, PASSWORD).await;
    until("the application is shown", async || path(browser).await == "/hello").await;
    let page = browser.source().await.expect("has a source");
    assert!(page.contains("GET /hello?from=browser identity=true"), "{page}");
    shots.take(browser, "3-application").await;

    // Another device signs in too; the account page shows both and ends the other.
    let mut other = crate::client::Client::new(gate.address);
    assert!(other.sign_in("admin", PASSWORD).await.expect("the gate answers"));
    assert_eq!(other.get("/mine").await.expect("the gate answers").status(), 200);
    browser.goto(&format!("{here}/.gabion/account")).await.expect("opens");
    shots.take(browser, "4-account").await;
    let others = Locator::Css("form[action$='/revoke'] button");
    assert_eq!(browser.find_all(others).await.expect("searches").len(), 1, "one session is not this one");
    browser.find(others).await.expect("the button").click().await.expect("clicks");
    until("the other session is gone", async || {
        browser.find_all(others).await.is_ok_and(|found| found.is_empty())
    })
    .await;
    shots.take(browser, "5-revoked").await;
    assert_eq!(
        other.get("/mine").await.expect("the gate answers").status(),
        401,
        "the revoked session is over"
    );

    // Signing out ends this one.
    browser
        .find(Locator::Css("form[action='/.gabion/logout'] button"))
        .await
        .expect("the button")
        .click()
        .await
        .expect("clicks");
    until("the account page is left", async || path(browser).await != "/.gabion/account").await;
    shots.take(browser, "6-signed-out").await;
    browser.goto(&format!("{here}/hello")).await.expect("opens");
    assert!(path(browser).await.starts_with("/.gabion/login"));
    chromium.stop().await;
}

async fn sign_in(browser: &Browser, password: &str) {
    for (field, value) in [("name", "admin"), ("password", password)] {
        let field = browser.find(Locator::Css(&format!("input[name={field}]"))).await.expect("the field");
        field.clear().await.expect("clears");
        field.send_keys(value).await.expect("types");
    }
    browser.find(Locator::Css("main form button")).await.expect("the button").click().await.expect("clicks");
}

/// A click returns before the page it leads to is there.
pub(crate) async fn until(what: &str, condition: impl AsyncFn() -> bool) {
    let seen = tokio::time::timeout(PATIENCE, async { while !condition().await {} }).await;
    assert!(seen.is_ok(), "not seen: {what}");
}

async fn title(browser: &Browser) -> String {
    browser.title().await.unwrap_or_default()
}

pub(crate) async fn path(browser: &Browser) -> String {
    browser.current_url().await.expect("has an address").path().to_owned()
}

/// Chromium under chromedriver, with a profile of its own.
pub(crate) struct Chromium {
    browser: Browser,
    driver: Child,
    _profile: TempDir,
}

impl Chromium {
    async fn start(javascript: bool) -> Self {
        Self::start_in(TempDir::new().expect("a temporary directory"), javascript).await
    }

    /// One that trusts an authority.
    pub(crate) async fn start_trusting(authority: &std::path::Path) -> Self {
        let profile = TempDir::new().expect("a temporary directory");
        crate::factors::trust(profile.path(), authority).await;
        Self::start_in(profile, true).await
    }

    pub(crate) fn browser(&self) -> Browser {
        self.browser.clone()
    }

    async fn start_in(profile: TempDir, javascript: bool) -> Self {
        let mut driver = Command::new("chromedriver")
            .arg("--port=0")
            .env("HOME", profile.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("chromedriver starts (package `chromium-driver`)");
        let mut lines = BufReader::new(driver.stdout.take().expect("a pipe")).lines();
        let port = loop {
            let line = lines.next_line().await.expect("reads").expect("chromedriver says its port");
            if let Some((_, port)) = line.split_once("started successfully on port ") {
                break port.trim_end_matches('.').to_owned();
            }
        };
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        let options = json!({
            "args": [
                "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
                "--disable-background-networking", "--disable-component-update", "--disable-sync",
                "--disable-dev-shm-usage", "--window-size=1100,900",
                format!("--user-data-dir={}", profile.path().display()),
            ],
            "prefs": { "profile.managed_default_content_settings.javascript": if javascript { 1 } else { 2 } },
        });
        let capabilities = [("goog:chromeOptions".to_owned(), options)].into_iter().collect();
        let browser = tokio::time::timeout(
            PATIENCE,
            ClientBuilder::new(HttpConnector::new())
                .capabilities(capabilities)
                .connect(&format!("http://127.0.0.1:{port}")),
        )
        .await
        .expect("Chromium starts in time")
        .expect("Chromium starts");
        Self { browser, driver, _profile: profile }
    }

    pub(crate) async fn stop(mut self) {
        let _ = self.browser.close().await;
        let _ = self.driver.kill().await;
    }
}

/// What the browser showed, kept under the build folder for people to look at.
pub(crate) struct Screenshots(std::path::PathBuf);

impl Screenshots {
    pub(crate) fn of(run: &str) -> Self {
        let folder = crate::gate::binary().with_file_name("screenshots").join(run);
        std::fs::create_dir_all(&folder).expect("a folder for screenshots");
        Self(folder)
    }

    pub(crate) async fn take(&self, browser: &Browser, name: &str) {
        let picture = browser.screenshot().await.expect("a screenshot");
        std::fs::write(self.0.join(format!("{name}.png")), picture).expect("the screenshot is written");
    }
}
