//! Measures against whoever attacks, over a real gate: each holds for the next request and for what streams, ends by itself,
//! and is undone at will.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::{SinkExt as _, StreamExt as _};
use gabion_checks::{Access, Mode};
use gabion_identity::storage::AccountStorage as _;
use gabion_identity::{
    AccessTokens, Account, ApiKeys, Certificates, CredentialKind, Keyring, MachineSettings, Machines,
    MemoryStorage, NewApiKey, Scopes,
};
use gabion_model::random::SeededRng;
use gabion_model::{AccountId, Clock as _, ManualClock, SystemClock};
use gabion_respond::{
    Action, Budget, Measure, NewMeasure, Origin, Population, Register, State, Subject, Target,
};
use gabion_vault::jwt::SigningKey;
use tokio::net::TcpListener;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;

use crate::rig::{Build, Client, PATIENCE, Recorder, Response, Rig};

/// Less than a session lives idle.
const LIFE: Duration = Duration::from_secs(600);

/// A gate whose clients are who they say they are, its clock and its measures.
struct House {
    rig: Rig,
    clock: Arc<ManualClock>,
    register: Register,
    bot: Account,
    keys: Arc<ApiKeys>,
}

impl House {
    fn before(upstream: std::net::SocketAddr) -> Self {
        Self::with(upstream, Mode::Enforce)
    }

    fn with(upstream: std::net::SocketAddr, mode: Mode) -> Self {
        let clock = Arc::new(ManualClock::at(SystemClock.now()));
        let register = Register::forgetful();
        let mut build = Build::before(upstream);
        build.clock = clock.clone();
        build.shield = Some(register.shield());
        build.checks.client_address.trusted_proxies = vec!["127.0.0.0/8".to_owned()];
        build.checks.block.mode = mode;
        let mut signed_in = crate::rig::route("/in/*", Access::SignedIn);
        signed_in.credentials = Some(vec![CredentialKind::Session, CredentialKind::ApiKey]);
        build.routes = vec![crate::rig::route("/*", Access::Public), signed_in];
        let (storage, now) = (Arc::new(MemoryStorage::new()), clock.now());
        let bot = Account::new(AccountId::new("bot"), "bot".parse().unwrap(), now);
        storage.insert(&bot).unwrap();
        let keys = ApiKeys::open(storage.clone(), &MachineSettings::default(), now).unwrap();
        build.machines = Some(Machines {
            keys: Arc::clone(&keys),
            tokens: AccessTokens::new(
                Keyring::of(Arc::new(SigningKey::generate().unwrap())),
                Arc::new(gabion_identity::oauth::Revocations::new(LIFE)),
                "https://gate.test",
            ),
            certificates: Certificates::open(storage, &[]).unwrap(),
        });
        Self { rig: build.start(), clock, register, bot, keys }
    }

    fn take_as(&self, action: Action, target: Target, state: State) -> Measure {
        let now = self.clock.now();
        let new = NewMeasure {
            action,
            target,
            origin: Origin::Hand { by: "ann".to_owned() },
            reason: String::new(),
            from: now,
            until: now.saturating_add(LIFE),
            state,
        };
        self.register.take(new, Budget::default(), &Population::default(), now).unwrap().measure()
    }

    fn take(&self, action: Action, target: &str) -> Measure {
        let target = match Subject::of(action, target).unwrap() {
            Subject::Account(text) => Target::Account { id: AccountId::new(&text), name: text },
            Subject::Key(id) => Target::Key { id },
            Subject::Network(network) => Target::Network { network },
            Subject::Route(path) => Target::Route { path },
        };
        self.take_as(action, target, State::Active)
    }

    fn undo(&self, measure: &Measure) {
        self.register.undo(measure.id, "ann", self.clock.now()).unwrap();
    }

    async fn ask(&self, from: &str, path: &str, more: &str) -> Response {
        let mut client = self.rig.connect().await;
        client.send(request(from, path, more)).await;
        client.response("GET").await.expect("an answer")
    }

    async fn status(&self, from: &str, path: &str, more: &str) -> u16 {
        self.ask(from, path, more).await.status
    }

    /// A key of the bot: what is shown, and its id.
    fn key(&self, seed: u64) -> (String, String) {
        let new = NewApiKey { label: "x".to_owned(), scopes: Scopes::parse("read").unwrap(), life: None };
        let (shown, key) = self.keys.create(&self.bot, new, self.clock.now(), &SeededRng::new(seed)).unwrap();
        (format!("X-Api-Key: {}\r\n", shown.expose()), key.id.to_string())
    }
}

fn request(from: &str, path: &str, more: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: app.test\r\nX-Forwarded-For: {from}\r\n{more}\r\n")
}

/// An event stream that has begun, and the upstream's side of it.
async fn stream(house: &House, listener: &TcpListener, from: &str, more: &str) -> (Client, Client) {
    let mut client = house.rig.connect().await;
    client.send(request(from, "/in/events", more)).await;
    let mut upstream = Client::of(timeout(PATIENCE, listener.accept()).await.unwrap().unwrap().0);
    upstream.head().await.unwrap();
    upstream
        .send("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")
        .await;
    assert_eq!(client.head().await.unwrap().0, 200);
    upstream.send("5\r\nhello\r\n").await;
    assert_eq!(client.line().await.as_deref(), Some("5"));
    (client, upstream)
}

async fn ends((client, upstream): (Client, Client)) {
    assert_eq!(client.rest().await, b"hello\r\n", "cut off, and not as if it were whole");
    assert_eq!(upstream.rest().await, b"");
}

#[tokio::test]
async fn who_is_blocked_is_refused_at_once_for_its_time_and_nobody_else() {
    let upstream = Recorder::plain().await;
    let house = House::before(upstream.address);
    for (action, target, inside, outside) in [
        (Action::BlockAddress, "192.0.2.7", &["192.0.2.7", "::ffff:192.0.2.7"][..], "192.0.2.8"),
        (Action::BlockAddress, "::ffff:192.0.2.9", &["192.0.2.9"][..], "192.0.2.10"),
        (
            Action::BlockAddress,
            "2001:db8:1:2::7",
            &["2001:db8:1:2::7", "2001:db8:1:2:f::1"][..],
            "2001:db8:1:3::7",
        ),
        (
            Action::BlockNetwork,
            "198.51.100.0/24",
            &["198.51.100.255", "::ffff:198.51.100.1"][..],
            "198.51.101.1",
        ),
        (Action::BlockNetwork, "2001:db8:9::/48", &["2001:db8:9:ffff::1"][..], "2001:db8:a::1"),
    ] {
        // On a connection that is open already.
        let mut client = house.rig.connect().await;
        client.send(request(inside[0], "/x", "")).await;
        assert_eq!(client.response("GET").await.unwrap().status, 200);
        let measure = house.take(action, target);
        client.send(request(inside[0], "/x", "")).await;
        let refused = client.response("GET").await.unwrap();
        assert_eq!(refused.status, 403, "{target}");
        refused.assert_is_ours();
        assert!(!refused.text().contains(inside[0]), "{}", refused.text());
        assert_eq!(client.rest().await, b"", "and the connection is closed");
        for address in inside {
            assert_eq!(house.status(address, "/x", "").await, 403, "{target}: {address}");
            assert_eq!(house.status(address, "/.gabion/login", "").await, 403, "{target}: {address}");
        }
        assert_eq!(house.status(outside, "/x", "").await, 200, "{target}");
        house.undo(&measure);
        assert_eq!(house.status(inside[0], "/x", "").await, 200, "{target} was undone");

        house.take(action, target);
        house.clock.advance(LIFE - Duration::from_micros(1));
        assert_eq!(house.status(inside[0], "/x", "").await, 403, "{target}");
        house.clock.advance(Duration::from_micros(1));
        assert_eq!(house.status(inside[0], "/x", "").await, 200, "{target}: its time is over");
    }
    assert!(house.rig.refusals("incident.procedure") > 10);
}

#[tokio::test]
async fn what_is_only_tried_out_or_waits_refuses_nobody() {
    let upstream = Recorder::plain().await;
    let house = House::before(upstream.address);
    for state in [State::DryRun, State::Pending] {
        let network = "192.0.2.7".parse().unwrap();
        house.take_as(Action::BlockAddress, Target::Network { network }, state);
        assert_eq!(house.status("192.0.2.7", "/x", "").await, 200, "{state:?}");
    }
    // A check that only observes counts, and refuses and delays nothing.
    let house = House::with(upstream.address, Mode::Observe);
    house.take(Action::BlockAddress, "192.0.2.7");
    house.take(Action::SlowDown, "192.0.2.8");
    for _ in 0..20 {
        assert_eq!(house.status("192.0.2.7", "/x", "").await, 200);
        assert_eq!(house.status("192.0.2.8", "/x", "").await, 200);
    }
}

#[tokio::test]
async fn whoever_is_slowed_down_waits_for_its_turn_and_nobody_waits_with_it() {
    let upstream = Recorder::plain().await;
    let house = House::before(upstream.address);
    let measure = house.take(Action::SlowDown, "192.0.2.7");
    assert_eq!(house.status("192.0.2.7", "/1", "").await, 200, "the first at once");
    house.clock.advance(Duration::from_millis(1_500));
    let asked = Instant::now();
    let mut waiting = house.rig.connect().await;
    waiting.send(request("192.0.2.7", "/2", "")).await;
    assert_eq!(house.status("192.0.2.8", "/3", "").await, 200);
    assert!(
        !upstream.all().iter().any(|request| request.line().contains("/2")),
        "it waits before the application"
    );
    assert_eq!(waiting.response("GET").await.unwrap().status, 200);
    assert!(asked.elapsed() >= Duration::from_millis(490), "{:?}", asked.elapsed());
    // The gate's clock stands still: the turns up to ten seconds are taken, and what is more is told to come back.
    let mut clients = Vec::new();
    for number in 0..8 {
        let mut client = house.rig.connect().await;
        client.send(request("192.0.2.7", &format!("/more{number}"), "")).await;
        clients.push(client);
    }
    let mut waiting = Vec::new();
    for mut client in clients {
        match timeout(Duration::from_millis(300), client.response("GET")).await {
            Err(_) => waiting.push(client),
            Ok(answer) => {
                let answer = answer.unwrap();
                assert_eq!((answer.status, answer.field("retry-after")), (429, Some("11")));
                answer.assert_is_ours();
            }
        }
    }
    assert_eq!(waiting.len(), 4, "ten seconds are four turns more");
    // Who is blocked while it waits gets nothing from the application.
    house.undo(&measure);
    assert_eq!(house.status("192.0.2.7", "/now", "").await, 200, "it was undone");
    house.take(Action::BlockAddress, "192.0.2.7");
    assert_eq!(waiting[0].response("GET").await.unwrap().status, 403);
    assert!(!upstream.all().iter().any(|request| request.line().contains("/more")));
}

#[tokio::test]
async fn an_account_proves_itself_again_or_is_out() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let house = House::before(listener.local_addr().unwrap());
    let (cookie, session) = house.rig.sign_in("ada");
    let cookie = format!("Cookie: {cookie}\r\n");
    let account = house.rig.sessions.find(&session, house.clock.now()).unwrap().principal.account.clone();
    let navigation =
        format!("{cookie}Accept: text/html\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document\r\n");

    for action in [Action::RequireStepUp, Action::DisableAccount] {
        let open = stream(&house, &listener, "192.0.2.7", &cookie).await;
        house.clock.advance(Duration::from_secs(1));
        let measure = house.take(action, account.as_str());
        ends(open).await;
        let refused = house.ask("192.0.2.7", "/in/x", &cookie).await;
        if action == Action::RequireStepUp {
            assert_eq!(refused.status, 401);
            assert!(refused.field("www-authenticate").is_some(), "{}", refused.head);
            let sent = house.ask("192.0.2.7", "/in/x", &navigation).await;
            assert!(
                sent.status == 303 && sent.field("location").unwrap().contains("/.gabion/login?"),
                "{}",
                sent.head
            );
            assert_eq!(house.status("192.0.2.7", "/.gabion/login", &cookie).await, 200);
        } else {
            assert_eq!(refused.status, 403);
        }
        refused.assert_is_ours();
        house.undo(&measure);
        let (client, upstream) = stream(&house, &listener, "192.0.2.7", &cookie).await;
        drop((client, upstream));
        let open = {
            house.take(action, account.as_str());
            house.clock.advance(LIFE);
            stream(&house, &listener, "192.0.2.7", &cookie).await
        };
        drop(open);
    }
}

#[tokio::test]
async fn a_websocket_of_a_blocked_address_is_cut() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let house = House::before(listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let Ok(mut socket) = tokio_tungstenite::accept_async(stream).await else { return };
                while let Some(Ok(message)) = socket.next().await {
                    if socket.send(message).await.is_err() {
                        break;
                    }
                }
            });
        }
    });
    let open = async |from: &str| {
        let mut request = format!("ws://{}/socket", house.rig.address).into_client_request().unwrap();
        request.headers_mut().insert("x-forwarded-for", from.parse().unwrap());
        request.headers_mut().insert("origin", format!("http://{}", house.rig.address).parse().unwrap());
        let (mut socket, _) = tokio_tungstenite::connect_async(request).await.unwrap();
        socket.send(Message::text("one")).await.unwrap();
        assert_eq!(socket.next().await.unwrap().unwrap(), Message::text("one"));
        socket
    };
    let (mut theirs, mut other) = (open("192.0.2.7").await, open("192.0.3.7").await);
    house.take(Action::BlockNetwork, "192.0.2.0/24");
    let end = timeout(PATIENCE, theirs.next()).await.unwrap();
    assert!(!matches!(end, Some(Ok(message)) if message.is_text()), "the tunnel is closed");
    other.send(Message::text("two")).await.unwrap();
    assert_eq!(other.next().await.unwrap().unwrap(), Message::text("two"));
}

#[tokio::test]
async fn a_disabled_key_is_refused_its_stream_cut_and_another_key_works() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let house = House::before(listener.local_addr().unwrap());
    let ((key, id), (other, _)) = (house.key(1), house.key(2));
    let open = stream(&house, &listener, "192.0.2.7", &key).await;
    let measure = house.take(Action::DisableKey, &id);
    ends(open).await;
    assert_eq!(house.status("192.0.2.7", "/in/x", &key).await, 403);
    drop(stream(&house, &listener, "192.0.2.7", &other).await);
    house.undo(&measure);
    drop(stream(&house, &listener, "192.0.2.7", &key).await);
    house.take(Action::DisableKey, &id);
    assert_eq!(house.status("192.0.2.7", "/in/x", &key).await, 403);
    // Whoever must prove itself again cannot by a key.
    house.clock.advance(LIFE);
    let open = stream(&house, &listener, "192.0.2.7", &other).await;
    house.take(Action::RequireStepUp, "bot");
    ends(open).await;
    assert_eq!(house.status("192.0.2.7", "/in/x", &other).await, 401);
    house.clock.advance(LIFE);
    drop(stream(&house, &listener, "192.0.2.7", &key).await);
}

#[tokio::test]
async fn a_route_that_was_made_strict_asks_everybody_to_sign_in() {
    let upstream = Recorder::plain().await;
    let house = House::before(upstream.address);
    let (cookie, _) = house.rig.sign_in("ada");
    let cookie = format!("Cookie: {cookie}\r\n");
    let measure = house.take(Action::StrictRoute, "/*");
    let refused = house.ask("192.0.2.7", "/x", "").await;
    assert_eq!(refused.status, 401);
    assert!(refused.field("www-authenticate").is_some(), "{}", refused.head);
    assert_eq!(house.status("192.0.2.7", "/x", &cookie).await, 200);
    assert_eq!(
        house.status("192.0.2.7", "/.gabion/login", "").await,
        200,
        "who cannot sign in could not be asked to"
    );
    house.undo(&measure);
    assert_eq!(house.status("192.0.2.7", "/x", "").await, 200);
    house.take(Action::StrictRoute, "/*");
    house.clock.advance(LIFE);
    assert_eq!(house.status("192.0.2.7", "/x", "").await, 200, "its time is over");
}
