//! Gabion's engines in the application's own process.

use std::sync::Arc;
use std::time::Duration;

use gabion_identity::storage::{AccountStorage, ApiKeyStorage, SessionStorage};
use gabion_identity::{
    Account, ApiKeys, BeginSession, MachineSettings, MemoryStorage, NewApiKey, Scopes, SessionSettings,
    Sessions,
};
use gabion_model::random::SeededRng;
use gabion_model::{AccountId, Clock as _, ManualClock, Methods};
use gabion_tower::{Acr, embedded};

use crate::world::*;

struct House {
    storage: Arc<MemoryStorage>,
    account: Account,
    clock: Arc<ManualClock>,
    sessions: Arc<Sessions>,
    keys: Arc<ApiKeys>,
}

impl House {
    fn new() -> Self {
        let storage = Arc::new(MemoryStorage::default());
        let account = Account::new(AccountId::new("a1"), "ada".parse().unwrap(), START);
        AccountStorage::insert(&*storage, &account).unwrap();
        let kept = Arc::clone(&storage) as Arc<dyn SessionStorage>;
        let sessions = Sessions::open(kept, &SessionSettings::default(), START).unwrap();
        let kept = Arc::clone(&storage) as Arc<dyn ApiKeyStorage>;
        let keys = ApiKeys::open(kept, &MachineSettings::default(), START).unwrap();
        Self { storage, account, clock: Arc::new(ManualClock::at(START)), sessions, keys }
    }

    fn sign_in(&self, methods: Methods) -> String {
        let begin = BeginSession { methods, address: None, user_agent: None, now: START };
        self.sessions.begin(&self.account, begin, &SeededRng::new(5)).unwrap().0.expose().clone()
    }

    fn application(&self) -> Application {
        let credentials = embedded::session(Arc::clone(&self.sessions), true)
            .or(embedded::api_key(Arc::clone(&self.keys)))
            .clock(Arc::clone(&self.clock) as Arc<_>);
        Application::with(credentials)
    }
}

#[tokio::test]
async fn a_session_is_its_cookie() {
    let house = House::new();
    let cookie = format!("theme=dark; __Host-gabion={}", house.sign_in(Methods::PASSWORD));
    let application = house.application();
    let person = application.get(&[("cookie", &cookie)]).await.json();
    assert_eq!((&person["name"], &person["acr"]), (&"ada".into(), &"urn:gabion:acr:1fa".into()));
    assert_eq!(person["methods"], serde_json::json!(["pwd"]));
    application.get(&[("cookie", &cookie.replace("__Host-gabion", "gabion-dev"))]).await.refused(401, "");
    let strong = embedded::session(Arc::clone(&house.sessions), true).acr(Acr::TwoFactors);
    let strong = Application::with(strong.clock(Arc::clone(&house.clock) as Arc<_>));
    strong.get(&[("cookie", &cookie)]).await.refused(401, "insufficient_user_authentication");
    house.sessions.revoke_account(&house.account.id, None).unwrap();
    application.get(&[("cookie", &cookie)]).await.refused(401, "");
}

#[tokio::test]
async fn a_key_lives_until_it_expires_or_is_revoked_and_not_beside_a_session() {
    let house = House::new();
    let new = || NewApiKey { label: "ci".to_owned(), scopes: Scopes::parse("read").unwrap(), life: None };
    let (secret, key) = house.keys.create(&house.account, new(), START, &SeededRng::new(7)).unwrap();
    let application = house.application();
    let shown = [("x-api-key", secret.expose().as_str())];
    assert_eq!(application.get(&shown).await.json()["scopes"], "read");
    let cookie = format!("__Host-gabion={}", house.sign_in(Methods::PASSWORD));
    application.get(&[shown[0], ("cookie", &cookie)]).await.refused(400, "");
    house.clock.advance(Duration::from_secs(u64::try_from(key.expires.as_secs() - START.as_secs()).unwrap()));
    application.get(&shown).await.refused(401, "invalid_token");
    let (second, second_key) =
        house.keys.create(&house.account, new(), house.clock.now(), &SeededRng::new(8)).unwrap();
    let shown = [("x-api-key", second.expose().as_str())];
    assert_eq!(application.get(&shown).await.status, 200);
    house.keys.revoke(&second_key.id).unwrap();
    application.get(&shown).await.refused(401, "invalid_token");
    assert_ne!(key.id, second_key.id);
    drop(house.storage);
}

#[test]
fn people_have_no_scopes_to_ask_for() {
    let house = House::new();
    let people = embedded::session(Arc::clone(&house.sessions), true).scope("read");
    assert!(people.layer().unwrap_err().to_string().contains("people have no scopes"));
}
