//! What goes wrong in production, done on purpose: `kill -9`, an application that restarts under load,
//! ten thousand slow connections, a flood of refused requests.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use http::{Request, StatusCode};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::JoinSet;

use crate::application::Application;
use crate::client::{Client, text};
use crate::gate::{Gate, PATIENCE};

const PASSWORD: &str = "seven grey stones in a wire cage";

/// Sign-ins go on while the gate is killed; every one that was acknowledged is in the ledger after the
/// next start, and its session still opens the application.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_acknowledged_is_lost_by_kill_9() {
    let application = Application::start().await;
    let mut gate = Gate::start(application.address).await;
    let link = gate.administrator_link().await;
    gate.accept(&link, PASSWORD).await;

    let mut acknowledged = BTreeSet::new();
    for sign_ins_before_the_kill in [3, 5, 8] {
        let (sender, mut signed_in) = tokio::sync::mpsc::unbounded_channel();
        let mut people = JoinSet::new();
        for _ in 0..4 {
            people.spawn(sign_in_again_and_again(gate.address, sender.clone()));
        }
        drop(sender);
        let mut last = None;
        for _ in 0..sign_ins_before_the_kill {
            let (request_id, cookie) = tokio::time::timeout(PATIENCE, signed_in.recv())
                .await
                .expect("in time")
                .expect("sign-ins go on");
            acknowledged.insert(request_id);
            last = Some(cookie);
        }
        let stopped = gate.kill().await;
        while let Some((request_id, cookie)) = signed_in.recv().await {
            acknowledged.insert(request_id);
            last = Some(cookie);
        }
        people.shutdown().await;

        gate = stopped.start_again().await;
        let recorded = gate
            .cli(&["ledger", "search", "--kind", "login", "--outcome", "success", "--format", "json"])
            .await;
        for request_id in &acknowledged {
            assert!(
                recorded.contains(request_id),
                "sign-in {request_id} was acknowledged and is not in the ledger"
            );
        }
        let mut client = Client::with_cookie(gate.address, &last.expect("somebody signed in"));
        let answer = client.get("/after").await.expect("the gate answers");
        assert_eq!(answer.status(), StatusCode::OK, "the session outlives the crash");
    }
    gate.terminate().await;
}

async fn sign_in_again_and_again(
    gate: SocketAddr,
    signed_in: tokio::sync::mpsc::UnboundedSender<(String, String)>,
) {
    loop {
        let mut client = Client::new(gate);
        let fields = [("name", "admin"), ("password", PASSWORD)];
        let Ok(answer) = client.submit("/.gabion/login", &fields).await else { return };
        if answer.status() == StatusCode::SEE_OTHER {
            let request_id = header(&answer, "gabion-request-id");
            let cookie = client.cookie().expect("a session").to_owned();
            if signed_in.send((request_id, cookie)).is_err() {
                return;
            }
        }
    }
}

/// The application is killed and started again while many clients ask. Each gets its own answer or a
/// clean 502, 503 or 504 with a request id; never another's, never half of one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn upstream_restarts_give_no_wrong_answer() {
    const RESTARTS: u64 = 12;
    let mut application = Application::start().await;
    let address = application.address;
    let gate = Gate::start(address).await;
    let counts = Arc::new(Counts::default());
    let mut clients = JoinSet::new();
    for client in 0..8 {
        clients.spawn(ask_until_stopped(gate.address, client, counts.clone()));
    }
    for _ in 0..RESTARTS {
        let before = application.served();
        tokio::time::timeout(PATIENCE, async {
            while application.served() < before + 100 {
                tokio::task::yield_now().await;
            }
        })
        .await
        .expect("the application is asked again after a restart");
        application.kill().await;
        application = Application::start_at(address).await;
    }
    counts.stop.store(true, Ordering::Relaxed);
    while let Some(result) = clients.join_next().await {
        result.expect("no client saw a wrong answer");
    }
    assert!(counts.right.load(Ordering::Relaxed) >= RESTARTS * 100);
    drop(application);
    gate.terminate().await;
}

#[derive(Default)]
struct Counts {
    right: AtomicU64,
    stop: AtomicBool,
}

async fn ask_until_stopped(gate: SocketAddr, client: u64, counts: Arc<Counts>) {
    let mut connection = Client::new(gate);
    let mut number = 0_u64;
    while !counts.stop.load(Ordering::Relaxed) {
        number += 1;
        let target = format!("/public/{client}/{number}");
        let body = format!("body of {client}/{number}");
        let answer =
            connection.send(Request::put(&target), body.clone().into()).await.expect("the gate stays up");
        match answer.status() {
            StatusCode::OK => {
                assert_eq!(text(&answer), format!("PUT {target} identity=false\n{body}"));
                counts.right.fetch_add(1, Ordering::Relaxed);
            }
            StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT => {
                assert_eq!(header(&answer, "gabion-request-id").len(), 24);
            }
            // The client is fast; the gate says so, and says when to come back.
            StatusCode::TOO_MANY_REQUESTS => assert!(!header(&answer, "retry-after").is_empty()),
            other => panic!("{other} for {target}: {}", text(&answer)),
        }
    }
}

/// Ten thousand connections that never finish their head hold nothing that a normal visitor needs.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_slow_connections_do_not_stop_a_visitor() {
    const SLOW: usize = 10_000;
    const PER_ADDRESS: usize = 50;
    let application = Application::start().await;
    // Long enough that none is given up before all are there.
    let gate = Gate::start_patient(application.address, "40s").await;
    let mut slow = Vec::with_capacity(SLOW);
    for number in 0..SLOW {
        let attacker = u32::try_from(number / PER_ADDRESS).expect("fits") + 2;
        let from = Ipv4Addr::from(u32::from(Ipv4Addr::new(127, 1, 0, 0)) + attacker);
        let mut stream = connect_from(from, gate.address).await;
        let _ = stream.write_all(b"GET / HTTP/1.1\r\nHost: ").await;
        slow.push(stream);
    }
    // The last of them may still wait to be accepted.
    let held = async { while gate.metric("gabion_connections").await < SLOW as f64 {} };
    assert!(tokio::time::timeout(PATIENCE, held).await.is_ok(), "they are not all held at once");
    let mut visitor = Client::new(gate.address);
    for number in 0..20 {
        let begun = Instant::now();
        let answer = visitor.get(&format!("/public/{number}")).await.expect("the gate answers");
        assert_eq!(answer.status(), StatusCode::OK);
        assert!(begun.elapsed() < Duration::from_secs(5), "answered after {:?}", begun.elapsed());
    }
    // The slow ones are cut off: each gets a 408 or a closed connection, not eternity.
    let mut first = slow.swap_remove(0);
    let mut answer = Vec::new();
    let ended = tokio::time::timeout(PATIENCE, first.read_to_end(&mut answer)).await;
    assert!(ended.is_ok(), "a slow head is given up");
    drop(slow);
    gate.terminate().await;
}

async fn connect_from(from: Ipv4Addr, to: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.bind(SocketAddr::V4(SocketAddrV4::new(from, 0))).expect("any 127/8 address is ours");
    socket.connect(to).await.expect("the gate accepts")
}

/// Thirty seconds of refused requests as fast as they go, each with a path and an agent of its own:
/// all are counted, and the ledger stays under a megabyte.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_refusals_does_not_fill_the_ledger() {
    let application = Application::start().await;
    let gate = Gate::start(application.address).await;
    let end = Instant::now() + Duration::from_secs(30);
    let mut flood = JoinSet::new();
    for attacker in 0..4_u32 {
        let address = gate.address;
        flood.spawn(async move {
            let mut refused = 0_u64;
            let mut client = Client::new(address);
            while Instant::now() < end {
                let request = Request::get(format!("/admin{refused}/{attacker}/{refused}"))
                    .header("user-agent", format!("flood {attacker} {refused}"));
                let answer = client.send(request, bytes::Bytes::new()).await;
                let status = answer.expect("the gate answers").status();
                assert!(status.is_client_error(), "{status}");
                refused += 1;
            }
            refused
        });
    }
    let mut refused = 0;
    while let Some(count) = flood.join_next().await {
        refused += count.expect("no attacker failed");
    }
    assert_eq!(application.served(), 0, "nothing of the flood reached the application");
    let stopped = gate.terminate().await;
    let size = ledger_size(&stopped.data());
    assert!(size < 1_000_000, "{refused} refusals left {size} bytes");
    assert!(refused > 1000, "the flood was one: {refused}");
}

/// The ledger has no room left: whoever wants to sign in is told so, nobody already signed in is
/// disturbed, and nothing that was acknowledged is lost.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_ledger_refuses_what_it_must_record() {
    const SMALL: &str =
        "[ledger]\nsegment_size = \"64KiB\"\nmax_size = \"128KiB\"\n\n[checks.rate]\nmode = \"off\"\n";
    let application = Application::start().await;
    let gate = Gate::start_with(application.address, SMALL).await;
    let link = gate.administrator_link().await;
    gate.accept(&link, PASSWORD).await;

    let mut acknowledged = Vec::new();
    let mut client = Client::new(gate.address);
    let refused = loop {
        let fields = [("name", "admin"), ("password", PASSWORD)];
        let answer = client.submit("/.gabion/login", &fields).await.expect("the gate answers");
        if answer.status() != StatusCode::SEE_OTHER {
            break answer;
        }
        acknowledged.push(header(&answer, "gabion-request-id"));
        assert!(acknowledged.len() < 2000, "128 KiB are full at some point");
    };
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE, "{}", text(&refused));
    assert_eq!(header(&refused, "gabion-request-id").len(), 24);
    assert_eq!(client.get("/mine").await.expect("the gate answers").status(), StatusCode::OK);
    assert_eq!(
        Client::new(gate.address).get("/mine").await.expect("answers").status(),
        StatusCode::UNAUTHORIZED
    );

    // An orderly stop would have to be recorded too.
    let stopped = gate.kill().await;
    stopped.reconfigure("max_size = \"128KiB\"", "max_size = \"64MiB\"");
    let gate = stopped.start_again().await;
    // The last one may stand there as begun only: its end found no room.
    let search = ["ledger", "search", "--kind", "login", "--limit", "5000", "--format", "json"];
    let recorded = gate.cli(&search).await;
    let lost: Vec<_> = acknowledged.iter().enumerate().filter(|(_, id)| !recorded.contains(*id)).collect();
    assert!(
        lost.is_empty(),
        "of {} acknowledged sign-ins these are not in the ledger: {lost:?}",
        acknowledged.len()
    );
    assert!(Client::new(gate.address).sign_in("admin", PASSWORD).await.expect("the gate answers"));
    gate.terminate().await;
}

fn ledger_size(data: &std::path::Path) -> u64 {
    let mut folders = vec![data.to_path_buf()];
    let mut size = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("reads").flatten() {
            let about = entry.metadata().expect("reads");
            if about.is_dir() {
                folders.push(entry.path());
            } else if entry.path().components().any(|part| part.as_os_str() == "ledger") {
                size += about.len();
            }
        }
    }
    assert!(size > 0, "the ledger is where it was looked for");
    size
}

fn header(answer: &crate::client::Answer, name: &str) -> String {
    answer.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
}

/// A file system with no byte left, as `docs/ledger-faults.md` says: what must be on record is refused, the rest goes on, and
/// recording works again by itself.
#[tokio::test]
async fn a_full_disk_refuses_what_must_be_on_record_and_nothing_else() {
    let application = Application::start().await;
    let Some(gate) = Gate::start_on_a_small_disk(application.address, "16m").await else {
        eprintln!("skipped: this machine lets nobody mount a file system (unshare --mount)");
        return;
    };
    let link = gate.administrator_link().await;
    gate.accept(&link, PASSWORD).await;
    let within = |script: &str| {
        let mut command = tokio::process::Command::new("nsenter");
        let pid = gate.pid().to_string();
        command.args(["--mount", "--target", &pid, "sh", "-c", script]).current_dir(gate.directory());
        command
    };
    let data = gate.directory().join("data").display().to_string();
    // Until nothing more fits, to the last byte.
    let fill = format!("cat /dev/zero > {data}/filler 2>/dev/null; true");
    assert!(within(&fill).status().await.expect("it runs").success());
    // What is left of the segment's last page may still take a few.
    let mut tries = 0;
    while administrator_signs_in(gate.address).await == StatusCode::SEE_OTHER {
        tries += 1;
        assert!(tries < 50, "it is on a full disk");
    }
    assert_eq!(administrator_signs_in(gate.address).await, StatusCode::SERVICE_UNAVAILABLE);
    for _ in 0..3 {
        let answer = Client::new(gate.address).get("/public/page").await.expect("the gate answers");
        assert_eq!(answer.status(), StatusCode::OK, "what needs no record goes on");
    }
    let free = format!("rm {data}/filler");
    assert!(within(&free).status().await.expect("it runs").success());
    assert_eq!(administrator_signs_in(gate.address).await, StatusCode::SEE_OTHER, "there is space again");
    gate.terminate().await;
}

async fn administrator_signs_in(gate: SocketAddr) -> StatusCode {
    let fields = [("name", "admin"), ("password", PASSWORD)];
    Client::new(gate).submit("/.gabion/login", &fields).await.expect("the gate answers").status()
}
