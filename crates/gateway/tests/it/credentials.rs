//! What a program opened ends with what it showed: a token, a key. At once, and without anybody looking.

use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use gabion_checks::Access;
use gabion_identity::oauth::{GrantId, Revocations};
use gabion_identity::storage::AccountStorage as _;
use gabion_identity::{
    AccessTokens, Account, ApiKeys, Certificates, CredentialKind, Keyring, MachineSettings, Machines,
    MemoryStorage, NewApiKey, Scopes,
};
use gabion_model::random::SeededRng;
use gabion_model::{AccountId, Clock as _, SystemClock};
use gabion_vault::jwt::SigningKey;
use tokio::net::TcpListener;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

use crate::rig::{Build, Client, PATIENCE, Rig};

struct House {
    rig: Rig,
    listener: TcpListener,
    key: Arc<SigningKey>,
    revocations: Arc<Revocations>,
    keys: Arc<ApiKeys>,
    bot: Account,
}

impl House {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut build = Build::before(listener.local_addr().unwrap());
        let mut route = crate::rig::route("/*", Access::SignedIn);
        route.credentials = Some(vec![CredentialKind::Bearer, CredentialKind::ApiKey]);
        build.routes = vec![route];
        let key = Arc::new(SigningKey::generate().unwrap());
        let revocations = Arc::new(Revocations::new(Duration::from_secs(3600)));
        let (storage, now) = (Arc::new(MemoryStorage::new()), SystemClock.now());
        let bot = Account::new(AccountId::new("bot"), "bot".parse().unwrap(), now);
        storage.insert(&bot).unwrap();
        let keys = ApiKeys::open(storage.clone(), &MachineSettings::default(), now).unwrap();
        build.machines = Some(Machines {
            keys: Arc::clone(&keys),
            tokens: AccessTokens::new(
                Keyring::of(Arc::clone(&key)),
                Arc::clone(&revocations),
                "https://gate.test",
            ),
            certificates: Certificates::open(storage, &[]).unwrap(),
        });
        Self { rig: build.start(), listener, key, revocations, keys, bot }
    }

    fn token(&self, life: i64) -> String {
        let now = SystemClock.now().as_secs();
        let claims = serde_json::json!({
            "iss": "https://gate.test", "sub": "bot", "aud": "https://gate.test", "exp": now + life, "iat": now,
            "jti": "t", "client_id": "shop", "gid": "g1",
        });
        self.key.sign("at+jwt", &claims).unwrap()
    }

    /// An event stream that has begun, and the upstream's side of it.
    async fn events(&self, bearer: &str) -> (Client, Client) {
        let mut client = self.rig.connect().await;
        client
            .send(format!("GET /events HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {bearer}\r\n\r\n"))
            .await;
        let accepted = timeout(PATIENCE, self.listener.accept()).await.unwrap().unwrap();
        let mut upstream = Client::of(accepted.0);
        upstream.head().await.unwrap();
        upstream
            .send("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")
            .await;
        assert_eq!(client.head().await.unwrap().0, 200);
        upstream.send("5\r\nhello\r\n").await;
        assert_eq!(client.line().await.as_deref(), Some("5"));
        (client, upstream)
    }
}

/// The end of a stream: all that was said, and the connection is gone on both sides.
async fn ends(client: Client, upstream: Client) {
    assert_eq!(client.rest().await, b"hello\r\n", "cut off, and not as if it were whole");
    assert_eq!(upstream.rest().await, b"");
}

#[tokio::test]
async fn a_stream_ends_when_its_token_is_revoked() {
    let house = House::start().await;
    let (client, upstream) = house.events(&house.token(600)).await;
    house.revocations.revoke_grant(&GrantId::new("g1"), SystemClock.now());
    ends(client, upstream).await;
    let house = House::start().await;
    let (client, upstream) = house.events(&house.token(600)).await;
    house.revocations.revoke_account(&house.bot.id, SystemClock.now());
    ends(client, upstream).await;
}

#[tokio::test]
async fn a_stream_ends_when_its_token_expires() {
    let house = House::start().await;
    let (client, upstream) = house.events(&house.token(2)).await;
    ends(client, upstream).await;
}

#[tokio::test]
async fn a_stream_ends_when_its_key_is_revoked_or_replaced() {
    let house = House::start().await;
    let rng = SeededRng::new(4);
    let make = |rng: &SeededRng| {
        let new = NewApiKey { label: "x".to_owned(), scopes: Scopes::parse("read").unwrap(), life: None };
        house.keys.create(&house.bot, new, SystemClock.now(), rng).unwrap()
    };
    let (secret, key) = make(&rng);
    let (client, upstream) = house.events(secret.expose()).await;
    assert!(house.keys.revoke(&key.id).unwrap());
    ends(client, upstream).await;
    // A successor leaves its former a while, and no longer.
    let (secret, key) = make(&rng);
    let (client, upstream) = house.events(secret.expose()).await;
    let overlap = gabion_model::Period::from_secs(1);
    house.keys.rotate(&house.bot, &key.id, Some(overlap), SystemClock.now(), &rng).unwrap();
    ends(client, upstream).await;
}

#[tokio::test]
async fn a_websocket_ends_with_its_token() {
    let house = House::start().await;
    let bearer = format!("Bearer {}", house.token(600));
    let House { rig, listener, revocations, .. } = house;
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(mut socket) = tokio_tungstenite::accept_async(stream).await else { return };
            while let Some(Ok(message)) = socket.next().await {
                if socket.send(message).await.is_err() {
                    break;
                }
            }
        }
    });
    let mut request = format!("ws://{}/socket", rig.address).into_client_request().unwrap();
    request.headers_mut().insert("authorization", bearer.parse().unwrap());
    let (mut socket, _) = tokio_tungstenite::connect_async(request).await.unwrap();
    socket.send(Message::text("one")).await.unwrap();
    assert_eq!(socket.next().await.unwrap().unwrap(), Message::text("one"));
    revocations.revoke_grant(&GrantId::new("g1"), SystemClock.now());
    let end = timeout(PATIENCE, socket.next()).await.unwrap();
    assert!(!matches!(end, Some(Ok(message)) if message.is_text()), "the tunnel is closed");
}
