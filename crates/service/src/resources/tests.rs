//! Resolvers against applications that answer well, badly, slowly and not at all.

use std::sync::atomic::{AtomicU64, Ordering};

use gabion_identity::MemoryStorage;
use gabion_identity::storage::StoredResource;
use gabion_model::outbound::{BoxFuture, FetchError, FetchRequest, FetchResponse};
use gabion_model::random::SeededRng;
use gabion_model::{AccountId, ManualClock};
use gabion_vault::jwt::{Expected, Jwks, SigningKey, verify};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

const START: Timestamp = Timestamp::from_secs(1_800_000_000);

type Answer = Box<dyn Fn(&Value) -> Result<FetchResponse, FetchError> + Send + Sync>;

/// An application by a function; counts what it is asked and keeps the last request.
struct Application {
    answer: Answer,
    asked: AtomicU64,
    last: Mutex<Option<FetchRequest>>,
    gate: Option<Arc<Semaphore>>,
}

impl fmt::Debug for Application {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Application")
    }
}

impl Fetch for Application {
    fn fetch(&self, request: FetchRequest) -> BoxFuture<'_, Result<FetchResponse, FetchError>> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let question = serde_json::from_slice(request.body.expose()).unwrap();
        *self.last.lock().unwrap() = Some(request);
        Box::pin(async move {
            if let Some(gate) = &self.gate {
                gate.acquire().await.unwrap().forget();
            }
            (self.answer)(&question)
        })
    }
}

struct House {
    resolvers: Resolvers,
    application: Arc<Application>,
    storage: Arc<MemoryStorage>,
    clock: Arc<ManualClock>,
    key: Arc<SigningKey>,
}

fn house(more: impl FnOnce(&mut ResolverSettings), gate: Option<Arc<Semaphore>>, answer: Answer) -> House {
    let clock = Arc::new(ManualClock::at(START));
    let storage = Arc::new(MemoryStorage::default());
    let key = Arc::new(SigningKey::generate().unwrap());
    let application =
        Arc::new(Application { answer, asked: AtomicU64::new(0), last: Mutex::default(), gate });
    let mut settings = ResolverSettings {
        types: vec!["Order".to_owned()],
        url: Some("http://127.0.0.1:3000/resources".to_owned()),
        ..ResolverSettings::default()
    };
    more(&mut settings);
    assert_eq!(settings.problems(), []);
    let tools = Tools {
        storage: storage.clone(),
        keys: Keyring::of(Arc::clone(&key)),
        issuer: "https://gate.example".into(),
        clock: clock.clone(),
        rng: Arc::new(SeededRng::new(1)),
        sleep: |long| Box::pin(tokio::time::sleep(long)),
    };
    let all = BTreeMap::from([("shop".to_owned(), settings)]);
    let out = Arc::clone(&application);
    let resolvers = Resolvers::new(&all, &tools, move |_| Some(Arc::clone(&out) as Arc<dyn Fetch>));
    House { resolvers, application, storage, clock, key }
}

fn ok(body: &Value) -> Result<FetchResponse, FetchError> {
    Ok(FetchResponse {
        status: 200,
        headers: vec![("content-type".to_owned(), "application/json".to_owned())],
        body: body.to_string().into_bytes(),
    })
}

fn order(question: &Value) -> Result<FetchResponse, FetchError> {
    ok(&json!({
        "type": question["type"], "id": question["id"],
        "attributes": { "owner": { "type": "User", "id": "ada" }, "total": 5, "note": null },
        "parents": [{ "type": "Shop", "id": "3" }],
    }))
}

impl House {
    async fn find(&self, id: &str) -> Result<Found, Unknown> {
        self.resolvers.find(EntityRef::new("Order", id)).await
    }

    fn asked(&self) -> u64 {
        self.application.asked.load(Ordering::Relaxed)
    }
}

#[tokio::test]
async fn an_answer_is_what_policies_can_compare_and_is_used_again_for_a_while() {
    let house = house(|_| {}, None, Box::new(order));
    assert_eq!(house.resolvers.at_hand("Order", "17", START), None);
    let found = house.find("17").await.unwrap().unwrap();
    assert_eq!(found.entity, EntityRef::new("Order", "17"));
    assert_eq!(found.parents, [EntityRef::new("Shop", "3")]);
    assert_eq!(found.attributes["owner"], EntityRef::new("User", "ada").into());
    assert_eq!(found.attributes["total"], 5.into());
    assert!(!found.attributes.contains_key("note"), "null is not there");
    assert_eq!(house.resolvers.at_hand("Order", "17", START), Some(Some(Arc::clone(&found))));
    assert_eq!(house.find("17").await, Ok(Some(found)));
    assert_eq!(house.asked(), 1);
    house.clock.advance(Duration::from_secs(10));
    assert_eq!(house.resolvers.at_hand("Order", "17", house.clock.now()), None, "too old");
    house.find("17").await.unwrap();
    assert_eq!(house.asked(), 2);
    assert_eq!(house.resolvers.find(EntityRef::new("Invoice", "1")).await, Err(Unknown::NoResolver));
}

#[tokio::test]
async fn the_question_is_signed_for_this_application_this_address_and_this_body() {
    let house = house(|_| {}, None, Box::new(order));
    house.find("17").await.unwrap();
    let request = house.application.last.lock().unwrap().take().unwrap();
    assert_eq!((request.url.as_str(), request.redirects), ("http://127.0.0.1:3000/resources", 0));
    assert_eq!(request.body.expose().as_slice(), br#"{"type":"Order","id":"17"}"#);
    let field = |name: &str| {
        let found = request.headers.iter().find(|(own, _)| own == name);
        found.map(|(_, value)| value.expose().clone()).unwrap()
    };
    let issuer = "https://gate.example";
    let expected =
        Expected { typ: "gabion-request+jwt", issuer, audience: "shop", now: START, leeway: Duration::ZERO };
    let claims: Value = verify(&field("gabion-request"), &Jwks::of([&*house.key]), &expected).unwrap();
    assert_eq!(
        claims["body"],
        gabion_vault::encoding::base64url_encode(&gabion_vault::sha256(request.body.expose()))
    );
    assert_eq!((&claims["htm"], &claims["htu"]), (&json!("POST"), &json!(request.url)));
    assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 60);
    let first = claims["jti"].clone();
    house.find("18").await.unwrap();
    let request = house.application.last.lock().unwrap().take().unwrap();
    let second = request.headers.iter().find(|(own, _)| own == "gabion-request").unwrap().1.expose().clone();
    let claims: Value = verify(&second, &Jwks::of([&*house.key]), &expected).unwrap();
    assert_ne!(claims["jti"], first);
}

#[tokio::test]
async fn many_who_ask_about_one_object_ask_once() {
    let gate = Arc::new(Semaphore::new(0));
    let house = Arc::new(house(|_| {}, Some(Arc::clone(&gate)), Box::new(order)));
    let asking: Vec<_> = (0..20)
        .map(|_| {
            let house = Arc::clone(&house);
            tokio::spawn(async move { house.find("17").await })
        })
        .collect();
    while house.asked() == 0 {
        tokio::task::yield_now().await;
    }
    gate.add_permits(1);
    for one in asking {
        assert!(one.await.unwrap().unwrap().is_some());
    }
    assert_eq!(house.asked(), 1);
}

#[tokio::test]
async fn whoever_goes_away_leaves_the_question_to_the_next() {
    let gate = Arc::new(Semaphore::new(0));
    let house = Arc::new(house(|_| {}, Some(Arc::clone(&gate)), Box::new(order)));
    let first = tokio::spawn({
        let house = Arc::clone(&house);
        async move { house.find("17").await }
    });
    while house.asked() == 0 {
        tokio::task::yield_now().await;
    }
    let second = tokio::spawn({
        let house = Arc::clone(&house);
        async move { house.find("17").await }
    });
    tokio::task::yield_now().await;
    first.abort();
    assert!(first.await.is_err());
    gate.add_permits(1);
    assert!(second.await.unwrap().unwrap().is_some());
    assert_eq!(house.asked(), 2);
}

#[tokio::test]
async fn what_is_not_there_is_remembered_shortly() {
    let answer = |_: &Value| Ok(FetchResponse { status: 404, headers: Vec::new(), body: Vec::new() });
    let house = house(|_| {}, None, Box::new(answer));
    assert_eq!(house.find("17").await, Ok(None));
    assert_eq!(house.resolvers.at_hand("Order", "17", START), Some(None));
    assert_eq!(house.find("17").await, Ok(None));
    assert_eq!(house.asked(), 1);
    house.clock.advance(Duration::from_secs(2));
    house.find("17").await.unwrap();
    assert_eq!(house.asked(), 2);
}

#[tokio::test]
async fn an_answer_that_lies_or_cannot_be_read_is_none() {
    let deep = (0..9).fold(json!(1), |inner, _| json!([inner]));
    let many: serde_json::Map<String, Value> = (0..101).map(|n| (format!("a{n}"), json!(n))).collect();
    let rows: Vec<String> = vec![
        json!({ "type": "Order", "id": "18", "attributes": {} }).to_string(),
        json!({ "type": "Invoice", "id": "17", "attributes": {} }).to_string(),
        json!({ "id": "17", "attributes": {} }).to_string(),
        json!({ "type": "Order", "id": "17", "attributes": [] }).to_string(),
        json!({ "type": "Order", "id": "17", "attributes": { "a": 1.5 } }).to_string(),
        json!({ "type": "Order", "id": "17", "attributes": { "a": 9_223_372_036_854_775_808_u64 } })
            .to_string(),
        json!({ "type": "Order", "id": "17", "attributes": { "a": [null] } }).to_string(),
        json!({ "type": "Order", "id": "17", "attributes": { "a": deep } }).to_string(),
        json!({ "type": "Order", "id": "17", "attributes": many }).to_string(),
        json!({ "type": "Order", "id": "17", "parents": [{ "type": "no type", "id": "1" }] }).to_string(),
        json!({ "type": "Order", "id": "17", "attributes": {}, "admin": true }).to_string(),
        r#"{"type":"Order","id":"17","attributes":{"owner":"ada","owner":"eve"}}"#.to_owned(),
        r#"{"type":"Order","type":"Order","id":"17"}"#.to_owned(),
        r#"{"type":"Order","id":"17"}{}"#.to_owned(),
        String::new(),
        "null".to_owned(),
    ];
    for body in rows {
        let text = body.clone();
        let answer = move |_: &Value| {
            let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
            Ok(FetchResponse { status: 200, headers, body: text.clone().into_bytes() })
        };
        let house = house(|_| {}, None, Box::new(answer));
        assert!(matches!(house.find("17").await, Err(Unknown::Unusable(_))), "{body}");
        assert_eq!(house.resolvers.at_hand("Order", "17", START), None, "{body}");
    }
    let page = |_: &Value| {
        let headers = vec![("content-type".to_owned(), "text/html".to_owned())];
        Ok(FetchResponse { status: 200, headers, body: br#"{"type":"Order","id":"17"}"#.to_vec() })
    };
    let house = house(|_| {}, None, Box::new(page));
    assert!(matches!(house.find("17").await, Err(Unknown::Unusable(_))));
}

#[tokio::test]
async fn an_application_that_fails_is_left_alone_for_a_moment() {
    type Answer = fn() -> Result<FetchResponse, FetchError>;
    let rows: [(Answer, Unknown); 4] = [
        (|| Err(FetchError::TimedOut), Unknown::TimedOut),
        (|| Err(FetchError::TooLarge), Unknown::Unusable("it is too large")),
        (
            || Err(FetchError::Unreachable("x".to_owned())),
            Unknown::Unreachable("the server cannot be reached: x".to_owned()),
        ),
        (|| Ok(FetchResponse { status: 500, headers: Vec::new(), body: Vec::new() }), Unknown::Status(500)),
    ];
    for (answer, expected) in rows {
        let house = house(|_| {}, None, Box::new(move |_: &Value| answer()));
        for try_ in 0..FAILURES {
            assert_eq!(house.find(&try_.to_string()).await, Err(expected.clone()));
        }
        assert_eq!(house.find("17").await, Err(Unknown::LeftAlone));
        assert_eq!(house.asked(), u64::from(FAILURES));
        house.clock.advance(PAUSE);
        assert_eq!(house.find("17").await, Err(expected));
    }
}

#[tokio::test(start_paused = true)]
async fn a_slow_application_is_not_waited_for() {
    let gate = Arc::new(Semaphore::new(0));
    let house = house(
        |settings| settings.timeout = gabion_model::Period::from_millis(50),
        Some(gate),
        Box::new(order),
    );
    assert_eq!(house.find("17").await, Err(Unknown::TimedOut));
    assert_eq!(house.find(&"x".repeat(513)).await, Err(Unknown::TooLong));
}

#[tokio::test]
async fn what_was_registered_is_known_until_it_is_said_anew() {
    let house = house(|settings| settings.url = None, None, Box::new(order));
    assert_eq!(house.find("17").await, Ok(None));
    let stored = |attributes: &str| StoredResource {
        kind: "Order".to_owned(),
        id: "17".to_owned(),
        attributes: attributes.to_owned(),
        parents: "[]".to_owned(),
        by: AccountId::new("shop"),
        at: START,
    };
    house.storage.put_resource(&stored(r#"{"paid":false}"#)).unwrap();
    house.resolvers.forget("Order", "17");
    assert_eq!(house.find("17").await.unwrap().unwrap().attributes["paid"], false.into());
    house.storage.put_resource(&stored("damaged")).unwrap();
    house.resolvers.forget("Order", "17");
    assert!(matches!(house.find("17").await, Err(Unknown::Unusable(_))));
    assert_eq!(house.asked(), 0);
}

#[test]
fn wrong_settings_are_told() {
    let paths = |settings: ResolverSettings| {
        settings.problems().into_iter().map(|problem| problem.path).collect::<Vec<_>>()
    };
    assert_eq!(paths(ResolverSettings::default()), ["types"]);
    let wrong = ResolverSettings {
        types: vec!["Order".to_owned(), "an order".to_owned(), "A::".to_owned()],
        url: Some("http://user:secret@127.0.0.1/?a=b".to_owned()),
        timeout: gabion_model::Period::from_secs(31),
        answer_limit: gabion_model::ByteSize::new(1),
        cache: gabion_model::Period::from_secs(86_401),
        entries: 0,
        concurrent: 0,
        ..ResolverSettings::default()
    };
    assert_eq!(
        paths(wrong),
        ["types[1]", "types[2]", "url", "timeout", "cache", "answer_limit", "entries", "concurrent"]
    );
    let one = ResolverSettings { types: vec!["Order".to_owned()], ..ResolverSettings::default() };
    let both = BTreeMap::from([("a".to_owned(), one.clone()), ("b".to_owned(), one)]);
    assert_eq!(problems(&both).into_iter().map(|problem| problem.path).collect::<Vec<_>>(), ["b.types[0]"]);
}

proptest! {
    #[test]
    fn no_answer_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200), text in "[\\[\\]{}\":,0-9a-z. ]{0,80}") {
        let object = EntityRef::new("Order", "17");
        let _ = answer::read(&bytes, &object);
        let _ = answer::read(text.as_bytes(), &object);
        let wrapped = format!(r#"{{"type":"Order","id":"17","attributes":{text}}}"#);
        let _ = answer::read(wrapped.as_bytes(), &object);
    }

    #[test]
    fn the_cache_keeps_its_bound_and_never_says_what_was_not_kept(
        most in 1_usize..20, steps in proptest::collection::vec((0_u8..3, 0_u8..30, 0_i64..20), 0..200),
    ) {
        let mut cache = Cache::new(most);
        let mut truth: BTreeMap<String, (Found, i64)> = BTreeMap::new();
        for (act, id, time) in steps {
            let id = id.to_string();
            match act {
                0 => {
                    let found = (time % 2 == 0).then(|| Arc::new(gabion_policy::Resource::new("Order", &id)));
                    cache.keep(&id, found.clone(), Timestamp::from_secs(time));
                    truth.insert(id, (found, time));
                }
                1 => {
                    cache.forget(&id);
                    truth.remove(&id);
                }
                _ => {
                    if let Some(found) = cache.read(&id, Timestamp::from_secs(time)) {
                        let (kept, until) = truth.get(&id).unwrap();
                        prop_assert!(*kept == found && time < *until);
                    }
                }
            }
            prop_assert!(cache.len() <= most.div_ceil(2) * 2);
        }
    }
}
