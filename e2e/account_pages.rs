//! A person at their account pages: Chromium over `https://localhost`, everything with the keyboard, axe finds
//! nothing wrong on any page. And what hostile names make of the pages: nothing.

use serde_json::{Value, json};
use tokio::process::Command;

use crate::application::Application;
use crate::browser::Chromium;
use crate::clients;
use crate::factors::{PASSWORD, Person, authenticator, oathtool};
use crate::gate::{Gate, link_in};

/// The first administrator at a browser, signed in.
async fn administrator(run: &str) -> (Application, Gate, Chromium, Person) {
    let application = Application::start().await;
    let gate = Gate::start_over_tls(application.address).await;
    let link = gate.administrator_link().await;
    let chromium = Chromium::start_trusting(&gate.directory().join("data/local-ca.pem")).await;
    let ada = Person::at_gate(&chromium, &gate, run);
    accept(&ada, &link).await;
    ada.open("/.gabion/login?next=/.gabion/account").await;
    ada.password().await;
    ada.at("/.gabion/account").await;
    (application, gate, chromium, ada)
}

async fn accept(person: &Person, link: &str) {
    person.open(link).await;
    person.fill("#password", PASSWORD).await;
    person.fill("#repeat", PASSWORD).await;
    person.enter().await;
    person.at("/.gabion/login").await;
}

/// An application that asks in the code flow and for devices.
async fn register(gate: &Gate, name: &str) {
    let grants = ["--grant", "authorization_code", "--grant", "refresh_token", "--grant", "device_code"];
    let scopes = ["--scope", "openid", "--scope", "profile", "--scope", "offline_access"];
    let mut arguments = vec!["client", "add", "--id", "shop", "--public"];
    arguments.extend(["--redirect-uri", "https://shop.example/cb"].iter().chain(&grants).chain(&scopes));
    arguments.extend(["--", name]);
    gate.cli(&arguments).await;
}

const AUTHORIZE: &str = "/.gabion/oauth/authorize?client_id=shop&redirect_uri=https%3A%2F%2Fshop.example%2Fcb\
    &response_type=code&scope=openid%20profile%20offline_access&prompt=consent&state=s&nonce=n\
    &code_challenge=dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk&code_challenge_method=S256";

/// A code for a device, as the device would get it.
async fn device_code(person: &Person) -> String {
    let script = "const done = arguments[arguments.length - 1];
        const body = new URLSearchParams({ client_id: 'shop', scope: 'openid profile' });
        fetch('/.gabion/oauth/device_authorization', { method: 'POST', body })
            .then((answer) => answer.json())
            .then((answer) => done(answer.user_code || JSON.stringify(answer)));";
    let code = person.browser.execute_async(script, Vec::new()).await.expect("asks");
    code.as_str().expect("a code").to_owned()
}

#[tokio::test]
async fn a_person_keeps_their_account_with_the_keyboard() {
    let (_application, gate, chromium, ada) = administrator("account").await;
    ada.look("01-overview").await;

    // The profile.
    ada.press("a[href='/.gabion/account/profile']").await;
    ada.at("/.gabion/account/profile").await;
    ada.look("02-profile").await;
    ada.fill("#name", "Ada Lovelace").await;
    ada.fill("#birthdate", "yesterday").await;
    ada.enter().await;
    ada.sees("Error: Your profile").await;
    ada.look("03-profile-wrong").await;
    ada.fill("#birthdate", "1815-12-10").await;
    ada.enter().await;
    ada.sees("Your profile").await;
    ada.look("04-profile-saved").await;

    // A key: made, replaced, revoked.
    ada.press("a[href='/.gabion/account/keys']").await;
    ada.at("/.gabion/account/keys").await;
    ada.look("05-no-keys").await;
    ada.press("a[href='/.gabion/account/keys/new']").await;
    ada.sees("Create an API key").await;
    ada.look("06-new-key").await;
    ada.fill("#label", "Night build").await;
    ada.fill("#scopes", "orders:read orders:write").await;
    ada.enter().await;
    ada.sees("Your new API key").await;
    ada.look("07-key-shown").await;
    let key = ada.text(".secret").await;
    assert!(key.starts_with("gab_live_"), "{key}");
    ada.press("main a.primary").await;
    ada.sees("API keys").await;
    assert!(!ada.browser.source().await.expect("a page").contains(&key), "once");
    ada.look("08-keys").await;
    ada.press("main .sessions a").await;
    ada.sees("Night build").await;
    ada.look("09-key").await;
    ada.press("form[action$='/rotate'] button").await;
    ada.sees("Your new API key").await;
    ada.look("10-key-replaced").await;
    ada.press("main a.primary").await;
    ada.sees("API keys").await;
    ada.look("11-keys-replaced").await;
    ada.press("main .sessions a").await;
    ada.sees("Night build").await;
    ada.press("form[action$='/revoke'] button").await;
    ada.sees("API keys").await;

    // An application: allowed, a device signed in to it, its access removed.
    register(&gate, "The shop").await;
    let code = device_code(&ada).await;
    ada.open(AUTHORIZE).await;
    ada.sees("Allow access").await;
    ada.look("12-consent").await;
    ada.open("/.gabion/oauth/device").await;
    ada.sees("Sign in a device").await;
    ada.look("13-device").await;
    ada.fill("#user_code", &code).await;
    ada.enter().await;
    ada.look("14-device-confirm").await;
    ada.press("button[value='allow']").await;
    ada.sees("The device is signed in").await;
    ada.look("15-device-done").await;
    ada.open(AUTHORIZE).await;
    ada.press("button[value='allow']").await;
    ada.open("/.gabion/account/applications").await;
    assert!(ada.text("main").await.contains("The shop"));
    ada.look("16-applications").await;
    ada.press("form[action$='/applications/revoke'] button").await;
    crate::browser::until("the access is removed", async || {
        ada.browser.source().await.is_ok_and(|page| page.contains("card empty"))
    })
    .await;
    ada.look("17-no-applications").await;

    // Everything else there is to see.
    for (page, name) in [
        ("/.gabion/account/email", "18-email"),
        ("/.gabion/account/password", "19-password"),
        ("/.gabion/account/identities", "20-identities"),
        ("/.gabion/account/data", "21-data"),
        ("/.gabion/account/delete", "22-delete-last-administrator"),
        ("/.gabion/forgot", "23-forgot"),
        ("/.gabion/logout", "24-logout"),
        ("/.gabion/nowhere", "25-not-found"),
    ] {
        ada.open(page).await;
        ada.look(name).await;
    }
    ada.open("/.gabion/account/data").await;
    let script = "const done = arguments[arguments.length - 1];
        fetch('/.gabion/account/data/export', { method: 'POST' })
            .then((answer) => answer.json()).then(done);";
    let export = ada.browser.execute_async(script, Vec::new()).await.expect("asks");
    assert_eq!(export["account"]["personal"]["name"], "Ada Lovelace");

    // On a telephone.
    ada.browser.set_window_size(390, 844).await.expect("resizes");
    for (page, name) in [
        ("/.gabion/account", "26-overview-small"),
        ("/.gabion/account/profile", "27-profile-small"),
        ("/.gabion/account/data", "28-data-small"),
    ] {
        ada.open(page).await;
        ada.look(name).await;
        let wider = "return document.documentElement.scrollWidth > document.documentElement.clientWidth";
        let wider = ada.browser.execute(wider, Vec::new()).await.expect("asks");
        assert_eq!(wider, Value::Bool(false), "{page} scrolls sideways");
    }
    ada.browser.set_window_size(1100, 900).await.expect("resizes");

    // Somebody else leaves.
    ada.sign_out().await;
    let added = gate.cli(&["user", "add", "grace"]).await;
    accept(&ada, &link_in(&added).expect("a link")).await;
    ada.fill("#name", "grace").await;
    ada.fill("#password", PASSWORD).await;
    ada.enter().await;
    ada.at("/").await;
    ada.open("/.gabion/account/delete").await;
    ada.look("29-delete").await;
    ada.fill("#name", "ada").await;
    ada.enter().await;
    ada.sees("Error: Delete your account").await;
    ada.look("30-delete-wrong").await;
    ada.fill("#name", "grace").await;
    ada.enter().await;
    ada.at("/.gabion/login").await;
    ada.look("31-deleted").await;
    ada.open("/.gabion/account").await;
    ada.at("/.gabion/login").await;
    chromium.stop().await;
}

/// Would run as soon as it stood in a page as markup.
const HOSTILE: &str = "\"><img src=x onerror=\"document.title='owned'\">";

/// HTML in a display name (identity.md 2b, kanidm): in every name a person can set.
#[tokio::test]
async fn html_in_every_name_is_text_on_every_page() {
    let (_application, gate, chromium, ada) = administrator("hostile").await;
    // A device that calls itself so.
    let here = format!("https://localhost:{}", gate.address.port());
    let (login, origin) = (format!("{here}/.gabion/login"), format!("origin: {here}"));
    let form = format!("name=admin&password={}", PASSWORD.replace(' ', "+"));
    let asked = ["-sSk", "-o", "/dev/null", "-w", "%{http_code}", "-A", HOSTILE, "-H", &origin, "-d", &form];
    let said = clients::run(Command::new("curl").args(asked).arg(&login)).await;
    assert_eq!(said, "303");

    // The profile, a key, an application.
    ada.open("/.gabion/account/profile").await;
    for field in ["#name", "#given_name", "#nickname", "#gender", "#country", "#phone_number"] {
        ada.fill(field, HOSTILE).await;
    }
    ada.enter().await;
    ada.sees("Your profile").await;
    ada.open("/.gabion/account/keys/new").await;
    ada.fill("#label", HOSTILE).await;
    ada.fill("#scopes", "read").await;
    ada.enter().await;
    ada.sees("Your new API key").await;
    inert(&ada, "the new key", true).await;
    register(&gate, HOSTILE).await;

    // A group: on no page, and JSON where programs ask for it.
    let script = "const done = arguments[arguments.length - 1];
        const groups = '/.gabion/api/v1/groups';
        const headers = { 'content-type': 'application/json' };
        fetch(groups, { method: 'POST', headers, body: JSON.stringify({ name: arguments[0] }) })
            .then(() => fetch(groups))
            .then((answer) => done(['content-type', 'x-content-type-options']
                .map((name) => answer.headers.get(name))));";
    let told = ada.browser.execute_async(script, vec![json!(HOSTILE)]).await.expect("asks");
    assert!(told[0].as_str().is_some_and(|kind| kind.contains("json")), "{told}");
    assert_eq!(told[1], "nosniff");

    // Second factors.
    ada.open("/.gabion/account/security/totp").await;
    let secret = ada.text("#secret").await.replace(' ', "");
    ada.fill("#name", HOSTILE).await;
    ada.fill("#code", &oathtool(&secret, 0).await).await;
    ada.enter().await;
    ada.sees("Your recovery codes").await;
    ada.command("webauthn/authenticator", authenticator()).await;
    ada.open("/.gabion/account/security/passkey").await;
    ada.fill("#name", HOSTILE).await;
    ada.enter().await;
    ada.at("/.gabion/account/security").await;

    let code = device_code(&ada).await;
    ada.open("/.gabion/oauth/device").await;
    ada.fill("#user_code", &code).await;
    ada.enter().await;
    crate::browser::until("the device is shown", async || {
        ada.browser.source().await.is_ok_and(|page| page.contains("value=\"deny\""))
    })
    .await;
    inert(&ada, "device", true).await;
    ada.open(AUTHORIZE).await;
    inert(&ada, "consent", true).await;
    ada.press("button[value='allow']").await;
    for (page, shown) in [
        ("/.gabion/account", true),
        ("/.gabion/account/profile", true),
        ("/.gabion/account/keys", true),
        ("/.gabion/account/applications", true),
        ("/.gabion/account/security", true),
        ("/.gabion/account/email", false),
        ("/.gabion/account/password", false),
        ("/.gabion/account/identities", false),
        ("/.gabion/account/data", false),
        ("/.gabion/account/delete", false),
    ] {
        ada.open(page).await;
        inert(&ada, page, shown).await;
    }
    for page in ["/.gabion/account/keys", "/.gabion/account/security"] {
        ada.open(page).await;
        ada.press("main .sessions a").await;
        ada.sees(HOSTILE).await;
        inert(&ada, &format!("{page} one"), true).await;
    }
    chromium.stop().await;
}

/// Nothing of it ran or became an element, and it stands there as text, where it is shown.
async fn inert(person: &Person, page: &str, shown: bool) {
    let script = "const text = document.body.textContent
            + [...document.querySelectorAll('input, textarea')].map((one) => one.value).join(' ');
        return [document.title === 'owned',
            document.querySelectorAll('img:not(.qr), script:not([src])').length,
            text.includes(arguments[0])];";
    let found = person.browser.execute(script, vec![json!(HOSTILE)]).await.expect("asks");
    assert_eq!((&found[0], &found[1]), (&json!(false), &json!(0)), "{page}");
    if shown {
        assert_eq!(found[2], json!(true), "{page} shows the name: {}", person.text("body").await);
    }
    person.look(&page.replace(['/', ' ', '.'], "-")).await;
}
