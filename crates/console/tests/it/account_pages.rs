//! Profile, applications, API keys, data and deletion, as pages.

use gabion_identity::personal::{Address, Personal};
use gabion_model::Clock as _;
use gabion_service::{AccountState, Caller, EditPerson, NewClient, Which};
use http::StatusCode;
use serde_json::Value;

use crate::oauth::{self, CALLBACK, SECRET, VERIFIER, parameter};
use crate::second_factor::App;
use crate::site::{Answer, Browser, PASSWORD, Site};

const PROFILE: &str = "/.gabion/account/profile";
const KEYS: &str = "/.gabion/account/keys";
const APPLICATIONS: &str = "/.gabion/account/applications";
const DATA: &str = "/.gabion/account/data";
const DELETE: &str = "/.gabion/account/delete";

async fn ada(site: &Site) -> Browser<'_> {
    site.person("ada").await;
    let mut ada = site.browser();
    ada.sign_in("ada").await;
    ada
}

async fn known(site: &Site) -> Personal {
    site.service.person(&Caller::operator(), Which::Name("ada".to_owned())).await.unwrap().personal
}

/// The pages of this file, for what is asked of every page.
pub(crate) async fn pages(site: &Site, person: &mut Browser<'_>) -> Vec<(&'static str, Answer)> {
    let wrong = [("name", "Eva"), ("birthdate", "yesterday"), ("website", "javascript:alert(1)")];
    let key = [("label", "Night build"), ("scopes", "read, write"), ("life", "86400")];
    let mut pages = vec![
        ("profile", person.get(PROFILE).await),
        ("profile, wrong", person.post(PROFILE, &wrong).await),
        ("no keys", person.get(KEYS).await),
        ("new key", person.get("/.gabion/account/keys/new").await),
        ("new key, wrong", person.post("/.gabion/account/keys/new", &[("label", ""), ("scopes", "")]).await),
        ("key shown", person.post("/.gabion/account/keys/new", &key).await),
        ("keys", person.get("/.gabion/account/keys?notice=key-revoked").await),
        ("data", person.get(DATA).await),
        ("delete", person.get(DELETE).await),
        ("delete, wrong", person.post(DELETE, &[("name", "x")]).await),
    ];
    let id = key_id(&pages[6].1.body);
    pages.push(("key", person.get(&format!("{KEYS}/{id}")).await));
    let rotated = person.post(&format!("{KEYS}/{id}/rotate"), &[("overlap", "3600")]).await;
    pages.push(("key replaced", rotated));
    pages.push(("keys, one replaced", person.get(KEYS).await));
    site.person("new").await;
    let mut new = site.browser();
    new.sign_in("new").await;
    pages.push(("no applications", new.get(APPLICATIONS).await));
    pages
}

fn key_id(page: &str) -> String {
    let start = format!("href=\"{KEYS}/");
    let ids = page.split(&start).skip(1).filter_map(|rest| rest.split('"').next());
    ids.filter(|id| *id != "new").map(str::to_owned).next().unwrap_or_else(|| panic!("{page}"))
}

#[tokio::test]
async fn a_profile_is_filled_in_and_forgotten() {
    let site = Site::new();
    let mut ada = ada(&site).await;
    let page = ada.get(PROFILE).await.body;
    assert!(page.contains("<dd>ada</dd>") && page.contains("name=\"given_name\" value=\"\""), "{page}");

    let fields = [
        ("name", " Ada Lovelace "),
        ("given_name", "Ada"),
        ("birthdate", "1815-12-10"),
        ("website", "https://ada.example/"),
        ("street_address", "12 St James's Square\r\nLondon"),
        ("country", "England"),
    ];
    let saved = ada.post(PROFILE, &fields).await;
    assert_eq!(saved.location(), "/.gabion/account/profile?notice=profile-saved");
    let page = ada.get(saved.location()).await.body;
    assert!(page.contains("Your profile is saved.") && page.contains("value=\"Ada Lovelace\""), "{page}");
    assert!(ada.get("/.gabion/account").await.body.contains("<h2 id=\"you\">Ada Lovelace</h2>"));
    let kept = known(&site).await;
    assert_eq!((kept.name.as_deref(), kept.birthdate.as_deref()), (Some("Ada Lovelace"), Some("1815-12-10")));
    assert_eq!(kept.address.unwrap().street_address.as_deref(), Some("12 St James's Square\nLondon"));

    ada.post(PROFILE, &[("name", ""), ("given_name", "Ada")]).await;
    assert_eq!(known(&site).await, Personal { given_name: Some("Ada".to_owned()), ..Personal::default() });
}

#[tokio::test]
async fn every_field_of_a_profile_that_is_wrong_is_told() {
    let site = Site::new();
    let mut ada = ada(&site).await;
    let fields = [("name", "Ada"), ("birthdate", "10/12/1815"), ("website", "javascript:alert(1)")];
    let told = ada.post(PROFILE, &fields).await;
    assert_eq!(told.status, StatusCode::UNPROCESSABLE_ENTITY);
    for part in [
        "Please correct the 2 fields marked below.",
        "id=\"birthdate-problem\">A date is written YYYY-MM-DD.",
        "id=\"website-problem\">An address that begins with https:// is needed.",
        "value=\"10/12/1815\"",
    ] {
        assert!(told.body.contains(part), "{part}: {}", told.body);
    }
    assert_eq!(known(&site).await, Personal::default(), "nothing was saved");
    let long = "x".repeat(513);
    let told = ada.post(PROFILE, &[("nickname", &long)]).await;
    assert_eq!(told.status, StatusCode::UNPROCESSABLE_ENTITY);
}

/// What a directory elsewhere wrote as one text is not lost when somebody changes their nickname.
#[tokio::test]
async fn an_address_that_stays_stays_whole() {
    let site = Site::new();
    let mut ada = ada(&site).await;
    let address = Address { formatted: Some("Ada\nLondon".to_owned()), ..Address::default() };
    let edit = EditPerson {
        personal: Some(Personal { address: Some(address.clone()), ..Personal::default() }),
        ..EditPerson::default()
    };
    site.service.edit_person(&Caller::operator(), Which::Name("ada".to_owned()), edit).await.unwrap();
    assert!(ada.get(PROFILE).await.body.contains("Ada\nLondon</textarea>"));
    ada.post(PROFILE, &[("nickname", "A"), ("street_address", "Ada\r\nLondon")]).await;
    assert_eq!(known(&site).await.address, Some(address));
    ada.post(PROFILE, &[("street_address", "Ada\r\nLondon"), ("country", "England")]).await;
    assert_eq!(known(&site).await.address.unwrap().formatted, None, "it would say something else");
}

#[tokio::test]
async fn an_application_is_listed_and_its_access_removed() {
    let site = Site::new();
    let mut ada = ada(&site).await;
    assert!(ada.get(APPLICATIONS).await.body.contains("None yet."));
    let secret = Some(SECRET.to_owned().into());
    let client = NewClient {
        id: Some("shop".to_owned()),
        metadata: oauth::metadata("The shop"),
        tenant: None,
        secret,
    };
    site.service.add_client(&Caller::operator(), client).await.unwrap();
    let request = oauth::authorize("").replace("openid%20profile", "openid%20profile%20offline_access");
    let location = ada.get(&format!("{request}&prompt=consent")).await.location().to_owned();
    let page = ada.get(&location).await.body;
    let back = oauth::decide(&mut ada, &page, "allow").await;
    let code = parameter(back.location(), "code");
    let form =
        format!("grant_type=authorization_code&code={code}&redirect_uri={CALLBACK}&code_verifier={VERIFIER}");
    let tokens: Value = serde_json::from_str(&oauth::token(&site, SECRET, &form).await.body).unwrap();
    let refresh = tokens["refresh_token"].as_str().unwrap().to_owned();

    let page = ada.get(APPLICATIONS).await.body;
    for part in
        ["The shop", "See your name and profile", "Stay connected while you are signed out", "last used"]
    {
        assert!(page.contains(part), "{part}: {page}");
    }
    // Nobody else sees it, or can end it.
    site.person("bob").await;
    let mut bob = site.browser();
    bob.sign_in("bob").await;
    assert!(bob.get(APPLICATIONS).await.body.contains("None yet."));
    let revoke = format!("{APPLICATIONS}/revoke");
    let theirs = bob.post(&revoke, &[("client", "shop")]).await;
    let none = bob.post(&revoke, &[("client", "https://nobody.example/client?x=y")]).await;
    assert_eq!(theirs.location(), none.location());
    assert_eq!(none.location(), "/.gabion/account/applications?notice=application-gone");

    let revoked = ada.post(&revoke, &[("client", "shop")]).await;
    assert_eq!(revoked.location(), "/.gabion/account/applications?notice=application-revoked");
    assert!(ada.get(APPLICATIONS).await.body.contains("None yet."));
    let form = format!("grant_type=refresh_token&refresh_token={refresh}");
    assert_eq!(oauth::token(&site, SECRET, &form).await.status, StatusCode::BAD_REQUEST);
}

/// The key in a page, which must be in it once.
fn shown(page: &Answer) -> String {
    assert_eq!(page.status, StatusCode::OK, "{}", page.body);
    assert_eq!(page.header("cache-control"), "no-store");
    let (_, rest) =
        page.body.split_once("aria-label=\"The key\">").unwrap_or_else(|| panic!("{}", page.body));
    let key = rest.split('<').next().unwrap().to_owned();
    assert_eq!(page.body.matches(&key).count(), 1);
    key
}

#[tokio::test]
async fn a_key_is_shown_once_and_works_until_it_is_replaced_or_revoked() {
    let site = Site::new();
    let mut ada = ada(&site).await;
    let works = |key: &str| site.service.machines().keys.resolve(key, site.clock.now()).is_some();
    let page = ada.get("/.gabion/account/keys/new").await.body;
    assert!(page.contains("<option value=\"7776000\" selected>90 days, until 2027-02-19</option>"), "{page}");
    let form = [("label", "Night build"), ("scopes", "orders:read,  orders:write"), ("life", "604800")];
    let key = shown(&ada.post("/.gabion/account/keys/new", &form).await);
    let list = ada.get(KEYS).await.body;
    for part in
        ["Night build", "<code>orders:read</code> <code>orders:write</code>", "in 7 days", "never used"]
    {
        assert!(list.contains(part), "{part}: {list}");
    }
    assert!(works(&key));
    assert!(ada.get(KEYS).await.body.contains("last used <time"));
    let one = format!("{KEYS}/{}", key_id(&list));
    assert!(!list.contains(&key) && !ada.get(&one).await.body.contains(&key));

    let next = shown(&ada.post(&format!("{one}/rotate"), &[("overlap", "3600")]).await);
    assert!(works(&key) && works(&next) && key != next);
    assert!(ada.get(&one).await.body.contains("It was replaced already, and ends"));
    let twice = ada.post(&format!("{one}/rotate"), &[("overlap", "0")]).await;
    assert_eq!(twice.location(), "/.gabion/account/keys?notice=key-gone");
    for _ in 0..3 {
        site.pass(1201);
        assert_eq!(ada.get(KEYS).await.status, StatusCode::OK);
    }
    assert!(!works(&key) && works(&next));

    let one = format!("{KEYS}/{}", key_id(&ada.get(KEYS).await.body));
    let revoked = ada.post(&format!("{one}/revoke"), &[]).await;
    assert_eq!(
        revoked.location(),
        "/.gabion/account/keys?notice=key-revoked",
        "ending asks for no new sign-in"
    );
    assert!(!works(&next));
    assert_eq!(ada.get(&one).await.location(), "/.gabion/account/keys?notice=key-gone");
}

#[tokio::test]
async fn what_is_wrong_with_a_key_is_told() {
    let site = Site::new();
    let mut ada = ada(&site).await;
    for (label, scopes, life, told) in [
        ("", "read", "86400", "A label is 1 to 64 printable characters."),
        ("build", " , ", "86400", "A key needs one scope at least."),
        ("build", "re\"ad", "86400", "id=\"scopes\" name=\"scopes\" value=\"re&#34;ad\""),
        ("build", "read", "0", "A key lives from one minute to"),
        ("build", "read", "99999999999", "A key lives from one minute to"),
        ("build", "read", "soon", "Choose how long it works."),
    ] {
        let fields = [("label", label), ("scopes", scopes), ("life", life)];
        let answer = ada.post("/.gabion/account/keys/new", &fields).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{fields:?}");
        assert!(answer.body.contains(told), "{told}: {}", answer.body);
    }
    assert!(ada.get(KEYS).await.body.contains("None yet."));
}

/// CWE-639.
#[tokio::test]
async fn somebody_elses_key_is_not_there() {
    let site = Site::new();
    let mut ada = ada(&site).await;
    let form = [("label", "build"), ("scopes", "read")];
    let key = shown(&ada.post("/.gabion/account/keys/new", &form).await);
    let id = key_id(&ada.get(KEYS).await.body);
    site.person("bob").await;
    let mut bob = site.browser();
    bob.sign_in("bob").await;
    for id in [id.as_str(), "none"] {
        let gone = "/.gabion/account/keys?notice=key-gone";
        assert_eq!(bob.get(&format!("{KEYS}/{id}")).await.location(), gone);
        assert_eq!(bob.post(&format!("{KEYS}/{id}/rotate"), &[("overlap", "0")]).await.location(), gone);
        assert_eq!(bob.post(&format!("{KEYS}/{id}/revoke"), &[]).await.location(), gone);
    }
    assert!(site.service.machines().keys.resolve(&key, site.clock.now()).is_some());
}

#[tokio::test]
async fn the_export_has_everything_and_no_secret() {
    let site = Site::new();
    crate::mail::proven(&site).await;
    let mut ada = site.browser();
    ada.sign_in("ada").await;
    ada.post(PROFILE, &[("name", "Ada Lovelace")]).await;
    let page = ada.get("/.gabion/account/security/totp").await;
    let app = App::of(&page);
    let codes = app.confirm(&mut ada, &app.code(&site)).await;
    let key = shown(&ada.post("/.gabion/account/keys/new", &[("label", "build"), ("scopes", "read")]).await);
    ada.post("/.gabion/account/email", &[("email", "ada@example.net")]).await;
    oauth::pages(&site, &mut ada).await;

    assert!(ada.get(DATA).await.body.contains("Download your data"));
    let answer = ada.post("/.gabion/account/data/export", &[]).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    assert_eq!(answer.header("content-disposition"), "attachment; filename=\"account-data.json\"");
    assert_eq!(
        (answer.header("content-type"), answer.header("cache-control")),
        ("application/json", "no-store")
    );
    let export: Value = serde_json::from_str(&answer.body).unwrap();
    for (pointer, value) in [
        ("/account/name", "ada"),
        ("/account/email", "ada@example.org"),
        ("/account/personal/name", "Ada Lovelace"),
        ("/second_factors/factors/0/kind", "totp"),
        ("/applications/0/name", "Shop"),
        ("/api_keys/0/label", "build"),
        ("/sessions/0/name", "ada"),
    ] {
        assert_eq!(export.pointer(pointer).and_then(Value::as_str), Some(value), "{pointer}: {export:#}");
    }
    let pending = export["pending_addresses"].as_array().unwrap();
    assert!(pending.iter().any(|one| one["email"] == "ada@example.net" && one["cancels"] == false));
    assert_eq!(export["second_factors"]["recovery_codes"], 10);
    assert_eq!(export["password"]["set"], true);
    assert!(!export["devices"].as_array().unwrap().is_empty());
    let actions: Vec<_> =
        export["events"].as_array().unwrap().iter().map(|event| event["action"].as_str().unwrap()).collect();
    assert!(actions.contains(&"account.export") && actions.contains(&"api-key.create"), "{actions:?}");

    let cookie = ada.cookie.clone().unwrap();
    let ticket = cookie.split_once('=').unwrap().1;
    let code = codes.body.split("<code>").nth(1).unwrap().split('<').next().unwrap();
    let (_, secret) = page.body.split_once("<code id=\"secret\">").unwrap();
    let secret = secret.split('<').next().unwrap().replace(' ', "");
    for secret in [&*key, PASSWORD, ticket, code, &*secret, "$argon2"] {
        assert!(!secret.is_empty() && !answer.body.contains(secret), "{secret}");
    }
}

#[tokio::test]
async fn an_account_is_deleted_when_its_name_is_typed() {
    let site = Site::new();
    let mut ada = ada(&site).await;
    let mut phone = site.browser();
    phone.sign_in("ada").await;
    let key = shown(&ada.post("/.gabion/account/keys/new", &[("label", "build"), ("scopes", "read")]).await);
    let page = ada.get(DELETE).await.body;
    for part in ["2 devices you are signed in on", "1 API key", "Type <strong>ada</strong>"] {
        assert!(page.contains(part), "{part}: {page}");
    }
    for typed in ["", "bob", "<script>"] {
        let told = ada.post(DELETE, &[("name", typed)]).await;
        assert_eq!(told.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(
            told.body.contains("This is not the name of your account.") && !told.body.contains("<script>")
        );
    }
    phone.get("/.gabion/account").await;
    let gone = ada.post(DELETE, &[("name", " Ada ")]).await;
    assert_eq!(gone.location(), "/.gabion/login?notice=account-removed");
    assert_eq!(ada.cookie, None, "the cookie goes too");
    assert!(ada.get(gone.location()).await.body.contains("Your account is deleted"));
    assert!(phone.get("/.gabion/account").await.location().starts_with("/.gabion/login"));
    assert!(site.service.machines().keys.resolve(&key, site.clock.now()).is_none());
    let again = phone.post("/.gabion/login", &[("name", "ada"), ("password", PASSWORD)]).await;
    assert_eq!(again.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn the_last_administrator_is_told_before_and_after() {
    let site = Site::new();
    let link = site.invite("ada", None, &["administrator"]).await;
    let fields = [("token", link.token.expose().as_str()), ("password", PASSWORD)];
    site.browser().post("/.gabion/welcome", &fields).await;
    let mut ada = site.browser();
    ada.sign_in("ada").await;
    let page = ada.get(DELETE).await.body;
    assert!(page.contains("You are the last administrator") && !page.contains("for good</button>"), "{page}");
    let told = ada.post(DELETE, &[("name", "ada")]).await;
    assert_eq!(told.status, StatusCode::CONFLICT);
    assert!(told.body.contains("Make somebody else one first. Nothing was deleted."), "{}", told.body);
    let still = site.service.person(&Caller::operator(), Which::Name("ada".to_owned())).await.unwrap();
    assert_eq!(still.state, AccountState::Active);
}

/// A session left open is not enough for what lasts or tells everything.
#[tokio::test]
async fn whoever_signed_in_long_ago_signs_in_again_and_comes_back() {
    let site = Site::new();
    let mut ada = ada(&site).await;
    shown(&ada.post("/.gabion/account/keys/new", &[("label", "build"), ("scopes", "read")]).await);
    let one = format!("{KEYS}/{}", key_id(&ada.get(KEYS).await.body));
    let rotate = format!("{one}/rotate");
    site.pass(5 * 60 + 1);
    let login = |page: &str| {
        let page = page.replace('/', "%2F");
        format!("/.gabion/login?fresh=1&acr=urn%3Agabion%3Aacr%3A1fa&next={page}")
    };
    for path in ["/.gabion/account/keys/new", DELETE] {
        assert_eq!(ada.get(path).await.location(), login(path));
    }
    for (path, fields, page) in [
        ("/.gabion/account/keys/new", &[("label", "b"), ("scopes", "s")][..], "/.gabion/account/keys/new"),
        (&rotate, &[("overlap", "0")], &one),
        ("/.gabion/account/data/export", &[], DATA),
        (DELETE, &[("name", "ada")], DELETE),
    ] {
        assert_eq!(ada.post(path, fields).await.location(), login(page), "{path}");
    }
    // What changes nothing for anybody else needs none.
    for path in [PROFILE, KEYS, APPLICATIONS, DATA, &one] {
        assert_eq!(ada.get(path).await.status, StatusCode::OK, "{path}");
    }
    assert_eq!(ada.post(PROFILE, &[("name", "Ada")]).await.status, StatusCode::SEE_OTHER);
}
