//! The response from outside: measures by hand and by rules, those who are spared, an attacker who wants everybody blocked,
//! and machines of others that block whom the gate blocks.

use std::fs;
use std::process::Stdio;

use bytes::Bytes;
use http::{Request, StatusCode};
use serde_json::Value;
use tokio::process::Command;

use crate::application::Application;
use crate::client::{Answer, Client, text};
use crate::clients::{program, python, run};
use crate::gate::{Gate, PATIENCE, command};

const PASSWORD: &str = "a long enough password 7";
/// The tests come from many addresses, as behind a proxy.
const ON: &str = "[checks.client_address]\ntrusted_proxies = [\"127.0.0.0/8\"]\n\n\
    [[routes]]\npath = \"/api/*\"\naccess = \"signed-in\"\nupstream = \"app\"\n\
    credentials = [\"session\", \"api-key\"]\nscopes = [\"read\"]\n\n[respond]\nmode = \"on\"\n";

/// Somebody somewhere, with a cookie or a key.
#[derive(Clone)]
struct Visitor {
    from: String,
    shown: Option<(&'static str, String)>,
}

impl Visitor {
    fn at(from: &str) -> Self {
        Self { from: from.to_owned(), shown: None }
    }

    async fn signed_in(gate: &Gate, from: &str, name: &str) -> Self {
        let form = Bytes::from(format!("name={name}&password={}", PASSWORD.replace(' ', "+")));
        let mut client = Client::new(gate.address);
        let answer = client.send(form_at(gate, from), form).await.expect("the gate answers");
        assert_eq!(answer.status(), StatusCode::SEE_OTHER, "{}", text(&answer));
        let cookie = client.cookie().expect("a session").to_owned();
        Self { from: from.to_owned(), shown: Some(("cookie", cookie)) }
    }

    async fn ask(&self, gate: &Gate, path: &str) -> Answer {
        let mut request = Request::get(path).header("x-forwarded-for", &self.from);
        if let Some((name, value)) = &self.shown {
            request = request.header(*name, value);
        }
        Client::new(gate.address).send(request, Bytes::new()).await.expect("the gate answers")
    }

    async fn get(&self, gate: &Gate, path: &str) -> u16 {
        self.ask(gate, path).await.status().as_u16()
    }
}

fn form_at(gate: &Gate, from: &str) -> http::request::Builder {
    Request::post("/.gabion/login")
        .header("x-forwarded-for", from)
        .header("origin", format!("http://{}", gate.address))
        .header("sec-fetch-site", "same-origin")
        .header("content-type", "application/x-www-form-urlencoded")
}

async fn respond(gate: &Gate, arguments: &[&str]) -> Vec<Value> {
    let said = gate.cli(&[&["respond"], arguments, &["--format", "json"]].concat()).await;
    match serde_json::from_str(&said).expect("JSON") {
        Value::Array(all) => all,
        one => vec![one],
    }
}

async fn take(gate: &Gate, action: &str, target: &str) -> String {
    respond(gate, &["take", action, target, "--reason", "the test"]).await[0]["id"].to_string()
}

/// A command that must be refused; what it said.
async fn refused(gate: &Gate, arguments: &[&str]) -> String {
    let output =
        command(gate.directory()).arg("respond").args(arguments).output().await.expect("gabion runs");
    assert!(!output.status.success(), "{arguments:?} was done: {}", String::from_utf8_lossy(&output.stdout));
    String::from_utf8_lossy(&output.stderr).into_owned()
}

async fn key(gate: &Gate, scope: &str) -> (String, String) {
    let made =
        gate.cli(&["api-key", "create", "--account", "bot", "--scope", scope, "--format", "json"]).await;
    let made: Value = serde_json::from_str(&made).expect("JSON");
    let word = |name: &str| made[name].as_str().expect("text").to_owned();
    (word("key"), word("id"))
}

/// Asks again until it is so.
async fn until(gate: &Gate, what: &str, is_so: impl AsyncFn() -> bool) {
    let patience = tokio::time::Instant::now() + PATIENCE;
    while !is_so().await {
        assert!(tokio::time::Instant::now() < patience, "{what}: never came to be so:\n{}", gate.output());
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}

/// Asks for what scanners ask for, by which a rule rings.
async fn scan(gate: &Gate, from: &str) {
    for path in ["/.env", "/.git/config", "/wp-login.php", "/phpinfo.php"] {
        assert!(matches!(Visitor::at(from).get(gate, path).await, 401 | 403), "{from}{path}");
    }
}

#[tokio::test]
async fn every_measure_holds_over_a_crash_until_it_is_undone_and_stands_in_the_ledger() {
    let application = Application::start().await;
    let gate = Gate::start_with(application.address, ON).await;
    let link = gate.administrator_link().await;
    gate.accept(&link, PASSWORD).await;
    for name in ["ann", "bob", "cid"] {
        gate.add_account(name, PASSWORD).await;
    }
    gate.cli(&["service-account", "add", "bot"]).await;
    let (shown, id) = key(&gate, "read").await;
    let bot = Visitor { shown: Some(("x-api-key", shown)), ..Visitor::at("198.51.100.30") };
    let ann = Visitor::signed_in(&gate, "198.51.100.1", "ann").await;
    let bob = Visitor::signed_in(&gate, "198.51.100.2", "bob").await;
    let cid = Visitor::signed_in(&gate, "198.51.100.3", "cid").await;
    let boss = Visitor::signed_in(&gate, "198.51.100.9", "admin").await;
    let stranger = |from: &str| Visitor::at(from);
    for (visitor, path) in [(&ann, "/a"), (&bob, "/a"), (&cid, "/a"), (&boss, "/a"), (&bot, "/api/a")] {
        assert_eq!(visitor.get(&gate, path).await, 200);
    }

    // Who is spared, and what is not there.
    for (action, target, words) in [
        ("block_address", "127.0.0.1", "private addresses are spared"),
        ("block_address", "198.51.100.9", "an administrator works from there"),
        ("block_network", "198.51.0.0/16", "an administrator works from there"),
        ("slow_down", "0.0.0.0/0", "spared"),
        ("block_address", "192.0.2.0/24", "no address"),
        ("disable_account", "admin", "it administers"),
        ("disable_account", "nobody", "no account of that name"),
        ("disable_key", "nothing", "no API key"),
        ("strict_route", "/nowhere", "no route declares that path"),
    ] {
        let said = refused(&gate, &["take", action, target, "--reason", "the test"]).await;
        assert!(said.contains(words), "{action} {target}: {said}");
    }

    let ids = [
        take(&gate, "block_address", "192.0.2.7").await,
        take(&gate, "block_address", "2001:db8:1:2::7").await,
        take(&gate, "block_network", "203.0.113.0/24").await,
        take(&gate, "slow_down", "192.0.2.99").await,
        take(&gate, "require_step_up", "ann").await,
        take(&gate, "revoke_sessions", "bob").await,
        take(&gate, "disable_account", "cid").await,
        take(&gate, "disable_key", &id).await,
        take(&gate, "strict_route", "/public/*").await,
    ];
    let holds = async |gate: &Gate| {
        for from in ["192.0.2.7", "::ffff:192.0.2.7", "2001:db8:1:2:3::4", "203.0.113.200"] {
            assert_eq!(stranger(from).get(gate, "/.gabion/login").await, 403, "{from}");
        }
        for from in ["192.0.2.8", "2001:db8:1:3::4", "203.0.114.1"] {
            assert_eq!(stranger(from).get(gate, "/.gabion/login").await, 200, "{from}");
        }
        assert_eq!(ann.get(gate, "/a").await, 401);
        assert_eq!(bob.get(gate, "/a").await, 401);
        assert_ne!(cid.get(gate, "/a").await, 200);
        assert_eq!(bot.get(gate, "/api/a").await, 403);
        assert_eq!(stranger("192.0.2.8").get(gate, "/public/a").await, 401);
        assert_eq!(boss.get(gate, "/public/a").await, 200);
    };
    holds(&gate).await;
    let gate = gate.kill().await.start_again().await;
    holds(&gate).await;
    // Who proves who they are goes on; who is disabled cannot.
    let again = Visitor::signed_in(&gate, "198.51.100.1", "ann").await;
    assert_eq!(again.get(&gate, "/a").await, 200);
    let form = Bytes::from(format!("name=cid&password={}", PASSWORD.replace(' ', "+")));
    let tried = Client::new(gate.address).send(form_at(&gate, "198.51.100.3"), form).await.expect("answers");
    assert_eq!(tried.status(), 403);
    assert_eq!(Visitor::signed_in(&gate, "198.51.100.2", "bob").await.get(&gate, "/a").await, 200);
    // One waits for the other.
    let slow = stranger("192.0.2.99");
    assert_eq!(slow.get(&gate, "/.gabion/login").await, 200);
    let began = tokio::time::Instant::now();
    assert_eq!(slow.get(&gate, "/.gabion/login").await, 200);
    assert!(began.elapsed().as_millis() > 1_000, "{:?}", began.elapsed());

    for id in &ids {
        respond(&gate, &["undo", id]).await;
    }
    assert!(refused(&gate, &["undo", &ids[0]]).await.contains("has ended"));
    for from in ["192.0.2.7", "2001:db8:1:2:3::4", "203.0.113.200"] {
        assert_eq!(stranger(from).get(&gate, "/public/a").await, 200, "{from}");
    }
    assert_eq!(bot.get(&gate, "/api/a").await, 200);
    assert_eq!(Visitor::signed_in(&gate, "198.51.100.3", "cid").await.get(&gate, "/a").await, 200);
    assert!(respond(&gate, &["list"]).await.is_empty());
    for (action, least) in [("response.take", 34), ("response.undo", 20)] {
        let found = gate.cli(&["ledger", "search", action, "--limit", "1000", "--format", "json"]).await;
        assert_eq!(found.lines().count(), least, "{action}: {found}");
    }
    gate.cli(&["ledger", "verify"]).await;
}

#[tokio::test]
async fn an_attacker_who_pretends_to_be_everybody_locks_nobody_out() {
    let application = Application::start().await;
    let more = format!("{ON}budget = {{ floor = 2 }}\n");
    let gate = Gate::start_with(application.address, &more).await;
    let link = gate.administrator_link().await;
    gate.accept(&link, PASSWORD).await;
    gate.add_account("ann", PASSWORD).await;
    let boss = Visitor::signed_in(&gate, "203.0.99.7", "admin").await;
    let mut people = Vec::new();
    for third in 1..=6 {
        people.push(Visitor::signed_in(&gate, &format!("203.0.{third}.7"), "ann").await);
    }
    // Behind a proxy that is believed: thousands of addresses nobody has, then everybody's.
    let mut anybody = Client::new(gate.address);
    for number in 0..2_000_u32 {
        let [_, b, c, d] = (number * 4_099).to_be_bytes();
        let request = Request::get("/public/a").header("x-forwarded-for", format!("11.{b}.{c}.{d}"));
        assert_eq!(anybody.send(request, Bytes::new()).await.expect("the gate answers").status(), 200);
    }
    scan(&gate, &boss.from).await;
    for person in &people {
        scan(&gate, &person.from).await;
    }
    until(&gate, "all were judged", async || respond(&gate, &["list"]).await.len() == people.len()).await;
    let all = respond(&gate, &["list"]).await;
    let of = |state: &str| all.iter().filter(|one| one["state"] == state).count();
    assert_eq!((of("active"), of("pending")), (2, 4), "{all:#?}");
    assert_eq!(boss.get(&gate, "/a").await, 200);
    let mut served = 0;
    for person in &people {
        served += u32::from(person.get(&gate, "/a").await == 200);
    }
    assert_eq!(served, 4);
    // A failed try is on record for the administrator's address, and people hear that something waits.
    let tried =
        gate.cli(&["ledger", "search", "response.take", "--outcome", "failure", "--format", "json"]).await;
    assert!(tried.contains("an administrator works from there") && tried.contains("203.0.99.7"), "{tried}");
    let rang = gate.cli(&["ledger", "search", "--kind", "alert", "--limit", "100", "--format", "json"]).await;
    assert_eq!(rang.lines().filter(|line| line.contains("\"response-waits\"")).count(), 4, "{rang}");

    // A person decides: yes to one, no to another, which no rule takes again.
    let waiting: Vec<_> = all.iter().filter(|one| one["state"] == "pending").collect();
    let from = |one: &Value| one["target"]["network"].as_str().expect("an address").to_owned();
    respond(&gate, &["approve", &waiting[0]["id"].to_string()]).await;
    assert_eq!(Visitor::at(&from(waiting[0])).get(&gate, "/public/a").await, 403);
    respond(&gate, &["undo", &waiting[1]["id"].to_string()]).await;
    assert_eq!(Visitor::at(&from(waiting[1])).get(&gate, "/public/a").await, 200);
    assert!(refused(&gate, &["approve", &waiting[1]["id"].to_string()]).await.contains("has ended"));
    gate.cli(&["ledger", "verify"]).await;
}

#[tokio::test]
async fn without_a_word_of_configuration_it_only_says_what_it_would_do() {
    let application = Application::start().await;
    let more = ON.replace("\n[respond]\nmode = \"on\"\n", "");
    let gate = Gate::start_with(application.address, &more).await;
    scan(&gate, "192.0.2.7").await;
    until(&gate, "a dry run", async || !respond(&gate, &["list"]).await.is_empty()).await;
    let listed = respond(&gate, &["list"]).await;
    assert_eq!(
        (&listed[0]["state"], &listed[0]["origin"]["rule"]),
        (&"dry_run".into(), &"scanner-paths".into())
    );
    assert_eq!(Visitor::at("192.0.2.7").get(&gate, "/public/a").await, 200);
    let taken = gate.cli(&["ledger", "search", "response.take", "--format", "json"]).await;
    assert!(taken.contains("\"dry_run\":\"true\""), "{taken}");
    assert_eq!(gate.cli(&["respond", "export"]).await, "");
}

/// What a bouncer of others knows, after it asked the gate.
async fn pycrowdsec(gate: &Gate, key: &str, arguments: &[&str]) -> Value {
    let url = format!("http://{}/.gabion/crowdsec/", gate.address);
    let said = run(&mut python("bouncer.py", &[&[url.as_str(), key], arguments].concat())).await;
    serde_json::from_str(&said).unwrap_or_else(|error| panic!("{error} in {said}"))
}

#[tokio::test]
async fn bouncers_of_others_block_whom_the_gate_blocks() {
    let application = Application::start().await;
    let gate = Gate::start_with(application.address, ON).await;
    gate.cli(&["service-account", "add", "bot"]).await;
    let (blocks, _) = key(&gate, "gabion:blocks").await;
    for target in ["192.0.2.7", "203.0.113.0/24", "2001:db8:1:2::7"] {
        respond(&gate, &["block", target, "--reason", "the test"]).await;
    }
    // Its own words for one address; nothing for another.
    let asked =
        pycrowdsec(&gate, &blocks, &["query", "192.0.2.7", "203.0.113.9", "2001:db8:1:2:3::4", "192.0.2.8"])
            .await;
    let one = &asked["192.0.2.7"][0];
    assert_eq!(
        (&one["scope"], &one["type"], &one["value"], &one["scenario"], &one["origin"]),
        (&"Ip".into(), &"ban".into(), &"192.0.2.7".into(), &"gabion/by-hand".into(), &"gabion".into()),
        "{asked}"
    );
    assert_eq!(
        (&asked["203.0.113.9"][0]["scope"], &asked["203.0.113.9"][0]["value"]),
        (&"Range".into(), &"203.0.113.0/24".into())
    );
    assert_eq!(asked["2001:db8:1:2:3::4"][0]["value"], "2001:db8:1:2::/64");
    assert_eq!(asked["192.0.2.8"], Value::Null);

    // A list of its own, kept up to date by what is new and what is over.
    let mut bouncer =
        python("bouncer.py", &[&format!("http://{}/.gabion/crowdsec/", gate.address), &blocks, "follow"]);
    let mut bouncer = bouncer.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("python runs");
    let mut lines =
        tokio::io::AsyncBufReadExt::lines(tokio::io::BufReader::new(bouncer.stdout.take().expect("a pipe")));
    let mut input = bouncer.stdin.take().expect("a pipe");
    let mut next = async || -> Value {
        tokio::io::AsyncWriteExt::write_all(&mut input, b"\n").await.expect("writes");
        let line = tokio::time::timeout(PATIENCE, lines.next_line()).await.expect("in time").expect("reads");
        serde_json::from_str(&line.expect("a line")).expect("JSON")
    };
    let first = next().await;
    assert_eq!(
        first["known"],
        serde_json::json!(["192.0.2.7/32", "2001:db8:1:2::/64", "203.0.113.0/24"]),
        "{first}"
    );
    respond(&gate, &["unblock", "192.0.2.7"]).await;
    respond(&gate, &["block", "192.0.2.8", "--reason", "the test"]).await;
    let second = next().await;
    assert_eq!(
        second["known"],
        serde_json::json!(["192.0.2.8/32", "2001:db8:1:2::/64", "203.0.113.0/24"]),
        "{second}"
    );
    assert!(second["deleted"].as_array().expect("a list").contains(&"192.0.2.7".into()), "{second}");

    // A key without the scope, and none: in the words that bouncers read.
    let (other, _) = key(&gate, "read").await;
    for (key, status) in [(other.as_str(), 403), ("", 403), ("nonsense", 401)] {
        let request = Request::get("/.gabion/crowdsec/v1/decisions").header("x-api-key", key);
        let request = if key.is_empty() { Request::get("/.gabion/crowdsec/v1/decisions") } else { request };
        let answer = Client::new(gate.address).send(request, Bytes::new()).await.expect("the gate answers");
        assert_eq!(answer.status().as_u16(), status, "{key}: {}", text(&answer));
    }
    let away = Visitor { shown: Some(("x-api-key", blocks.clone())), ..Visitor::at("198.51.100.9") };
    assert_eq!(
        away.get(&gate, "/.gabion/crowdsec/v1/decisions").await,
        404,
        "the API answers this machine alone"
    );
    let list = Request::get("/.gabion/api/v1/blocks").header("x-api-key", &blocks);
    let list = Client::new(gate.address).send(list, Bytes::new()).await.expect("the gate answers");
    assert_eq!(text(&list), gate.cli(&["respond", "export"]).await);
    nginx_reads(&text(&list)).await;
}

/// The plain list as nginx reads it.
async fn nginx_reads(list: &str) {
    let folder = tempfile::tempdir().expect("a folder");
    let denied: String = list.lines().map(|line| format!("deny {line};\n")).collect();
    assert_eq!(denied.lines().count(), 3);
    fs::write(folder.path().join("blocked.conf"), denied).expect("writes");
    let place = folder.path().display();
    let configuration = format!(
        "pid {place}/pid; error_log stderr; events {{}}\nhttp {{ access_log off; include {place}/blocked.conf; \
         server {{ listen 127.0.0.1:1; }} }}\n"
    );
    fs::write(folder.path().join("nginx.conf"), configuration).expect("writes");
    let path = folder.path().join("nginx.conf");
    run(program("nginx").arg("-t").arg("-p").arg(folder.path()).arg("-c").arg(path)).await;
}

/// Debian's `crowdsec-custom-bouncer`, a program that runs another for each address: it adds, it removes, and it says so
/// when its key is not taken.
#[tokio::test]
async fn crowdsecs_own_bouncer_adds_and_removes() {
    let application = Application::start().await;
    let gate = Gate::start_with(application.address, ON).await;
    gate.cli(&["service-account", "add", "bot"]).await;
    let (blocks, _) = key(&gate, "gabion:blocks").await;
    respond(&gate, &["block", "192.0.2.7", "--reason", "the test", "--for", "10m"]).await;
    let folder = gate.directory();
    let (script, said) = (folder.join("ban.sh"), folder.join("said"));
    fs::write(&script, format!("#!/bin/sh\necho \"$1 $2 $3\" >> {}\n", said.display())).expect("writes");
    run(Command::new("chmod").arg("+x").arg(&script)).await;
    let configuration = |key: &str| {
        format!(
            "bin_path: {}\npiddir: {place}\nupdate_frequency: 1s\ncache_retention_duration: 1s\ndaemonize: false\n\
             log_mode: stdout\nlog_dir: {place}\nlog_level: info\napi_url: http://{}/.gabion/crowdsec/\napi_key: {key}\n\
             prometheus:\n  enabled: false\n  listen_addr: 127.0.0.1\n  listen_port: 60602\n",
            script.display(),
            gate.address,
            place = folder.display()
        )
    };
    let file = folder.join("bouncer.yaml");
    fs::write(&file, configuration(&blocks)).expect("writes");
    let mut bouncer = program("crowdsec-custom-bouncer");
    let bouncer = bouncer.arg("-c").arg(&file).stdout(Stdio::null()).stderr(Stdio::null());
    let mut bouncer = bouncer.spawn().expect("crowdsec-custom-bouncer runs (hint: `cargo xtask test tools`)");
    let heard = |words: &str| fs::read_to_string(&said).unwrap_or_default().contains(words);
    until(&gate, "the first is added", async || heard("add 192.0.2.7 ")).await;
    respond(&gate, &["block", "2001:db8:1:2::7", "--reason", "the test"]).await;
    until(&gate, "one more is added", async || heard("add 2001:db8:1:2::/64 ")).await;
    respond(&gate, &["unblock", "192.0.2.7"]).await;
    until(&gate, "it is removed", async || heard("del 192.0.2.7 ")).await;
    bouncer.kill().await.expect("it ends");

    fs::write(&file, configuration("nonsense")).expect("writes");
    let mut bouncer = program("crowdsec-custom-bouncer");
    let output = tokio::time::timeout(PATIENCE, bouncer.arg("-c").arg(&file).output()).await;
    let output = output.expect("it gives up").expect("it runs");
    assert!(!output.status.success(), "{output:?}");
}
