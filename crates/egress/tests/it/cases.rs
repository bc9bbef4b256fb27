//! Every case of `ssrf-cases.csv`. The rules under test are the file's: `http` and `https`, ports 80 and
//! 443. A case is one of four: about the proxy's listener (`waiting`), about the address alone, about
//! what its name resolves to, or about what a server does.

use std::collections::HashMap;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use gabion_egress::{Client, EgressSettings, Guard, NamePattern};
use gabion_model::Secret;
use gabion_model::outbound::{Fetch as _, FetchError, FetchRequest};

use crate::waiting::WAITING;
use crate::world::{Answer, Internet, Names, NoLine, PUBLIC, Reply, ok, redirect};

struct Case {
    id: String,
    url: String,
    allowed: bool,
    why: String,
}

/// None when the data is not on this machine.
#[expect(clippy::disallowed_methods, reason = "where the data lies")]
fn cases() -> Option<Vec<Case>> {
    let shared = std::env::var_os("GABION_SHARED")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared"), PathBuf::from);
    let text = std::fs::read_to_string(shared.join("data/ssrf-cases.csv")).ok()?;
    let rows = records(&text);
    let case = |row: Vec<String>| {
        let [id, url, expected, why, _] = <[String; 5]>::try_from(row).expect("five columns");
        let url = if why.contains("[escape]") {
            url.replace("\\t", "\t").replace("\\r", "\r").replace("\\n", "\n").replace("\\0", "\0")
        } else {
            url
        };
        Case { id, url, allowed: expected == "allow", why }
    };
    Some(rows.into_iter().skip(1).map(case).collect())
}

/// RFC 4180, as far as the file goes.
fn records(text: &str) -> Vec<Vec<String>> {
    let (mut rows, mut row, mut field, mut quoted) = (Vec::new(), Vec::new(), String::new(), false);
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '"' if quoted && letters.peek() == Some(&'"') => {
                letters.next();
                field.push('"');
            }
            '"' => quoted = !quoted,
            ',' if !quoted => row.push(std::mem::take(&mut field)),
            '\n' if !quoted => {
                row.push(std::mem::take(&mut field).trim_end_matches('\r').to_owned());
                rows.push(std::mem::take(&mut row));
            }
            other => field.push(other),
        }
    }
    rows
}

fn guard() -> Guard {
    Guard { plain: true, ..Guard::internet(Vec::new(), vec![80, 443]) }
}

/// The guard and the names of a case's fixture, and whether it is about what a server does.
fn fixture(why: &str) -> (Guard, Names, bool) {
    let (mut guard, mut answers, mut server) = (guard(), HashMap::new(), false);
    let fixtures = why.split("[fixture: ").skip(1).filter_map(|part| part.split(']').next());
    for part in fixtures.flat_map(|fixture| fixture.split(';')).map(str::trim) {
        let after = |key: &str| part.split_once(key).map(|(_, value)| value.trim());
        if let Some(dns) = part.strip_prefix("dns ") {
            // Without a name: the one of the address, which is public anyway.
            let Some((name, records)) = dns.split_once(' ') else { continue };
            // `A=x then A=y` are two lookups.
            let lookups = records.split(" then ").map(|lookup| {
                let words = lookup
                    .split(' ')
                    .filter_map(|word| word.strip_prefix("A=").or_else(|| word.strip_prefix("AAAA=")));
                words
                    .flat_map(|list| list.split(','))
                    .map(|one| one.parse().unwrap())
                    .collect::<Vec<IpAddr>>()
            });
            answers.insert(name.to_owned(), lookups.collect());
        } else if let Some(prefix) = after("nat64_prefix=") {
            guard.nat64.push(prefix.trim_end_matches("/96").parse().unwrap());
        } else if let Some(list) = part.strip_prefix("allowlist=") {
            guard.only = Some(list.split(',').map(NamePattern::new).collect());
        } else if let Some(list) = part.strip_prefix("denylist=") {
            guard.never = list.split(',').map(str::to_owned).collect();
        } else if let Some(own) = part.strip_prefix("self=") {
            guard.own.push(own.parse().unwrap());
        } else if ["http ", "https ", "tls "].iter().any(|kind| part.starts_with(kind)) {
            server = true;
        }
    }
    // A name of the file without a fixture is public.
    let names =
        Names { answers: Mutex::new(answers), others: vec![PUBLIC.parse().unwrap()], ..Names::default() };
    (guard, names, server)
}

#[tokio::test]
async fn every_address_gets_its_verdict() {
    let Some(cases) = cases() else {
        println!("skipped: no ssrf-cases.csv under GABION_SHARED");
        return;
    };
    let (mut wrong, mut judged, mut waiting, mut served) = (Vec::new(), 0, Vec::new(), Vec::new());
    let any = Client::new(&EgressSettings::default()).unwrap();
    for case in &cases {
        if case.why.contains("[form: ") {
            waiting.push(case.id.as_str());
            continue;
        }
        let (guard, names, server) = fixture(&case.why);
        if server || BY_SERVER.iter().any(|(id, _)| *id == case.id) {
            served.push(case.id.as_str());
            continue;
        }
        judged += 1;
        let verdict = any.clone().with(guard, Arc::new(names), Arc::new(NoLine)).check(&case.url).await;
        if verdict.is_ok() != case.allowed {
            wrong.push(format!("{}: {} is {verdict:?} ({})", case.id, case.url, case.why));
        }
    }
    assert!(wrong.is_empty(), "{} of {judged} wrong:\n{}", wrong.len(), wrong.join("\n"));
    assert!(judged > 200, "only {judged} cases were judged");
    let listed: Vec<_> = WAITING.iter().map(|(id, _)| *id).collect();
    assert_eq!(waiting, listed, "each case that is left out is listed with its reason, and no other");
    let mut by_server: Vec<_> = BY_SERVER.iter().map(|(id, _)| *id).collect();
    by_server.sort_unstable();
    served.sort_unstable();
    assert_eq!(served, by_server, "each case about a server is one of `BY_SERVER`");
}

/// What a server of a case does, and what must come of it.
struct Served {
    certified: &'static [&'static str],
    answer: fn(&str) -> Reply,
    expect: Expect,
}

enum Expect {
    /// Fetched, and only this address was ever dialled, on these ports.
    Fetched(&'static [u16]),
    /// Refused by the guard, and only the first, public server was dialled.
    Forbidden,
    TooLarge,
    TimedOut,
    /// The certificate or the answer is not believed.
    Unreachable,
}

const NOBODY: &[&str] = &["nobody.example.net"];

/// The cases whose fixture is more than a name's addresses.
const BY_SERVER: &[(&str, Served)] = &[
    ("altsvc", Served { certified: &["alt.example.net"], answer: alt_svc, expect: Expect::Fetched(&[443]) }),
    ("dns-rebind", Served { certified: NOBODY, answer: plain, expect: Expect::Fetched(&[80]) }),
    (
        "dns-svcb-hint",
        Served { certified: &["s1.example.net"], answer: plain, expect: Expect::Fetched(&[443]) },
    ),
    ("lim-big", Served { certified: NOBODY, answer: endless, expect: Expect::TooLarge }),
    ("lim-gzipbomb", Served { certified: NOBODY, answer: packed, expect: Expect::Unreachable }),
    ("lim-slow", Served { certified: NOBODY, answer: stuck, expect: Expect::TimedOut }),
    ("redir-301-meta", leads(to_301)),
    ("redir-303-meta", leads(to_303)),
    (
        "redir-auth-drop",
        Served {
            certified: &["redir.example.net", "ok.example.net"],
            answer: to_other,
            expect: Expect::Fetched(&[443, 443]),
        },
    ),
    ("redir-backslash", leads(to_backslash)),
    (
        "redir-downgrade",
        Served { certified: &["redir.example.net"], answer: to_plain, expect: Expect::Forbidden },
    ),
    ("redir-gopher", leads(to_gopher)),
    ("redir-ip-literal", leads(to_literal)),
    (
        "redir-localhost-307",
        Served { certified: &["307.r3dir.me"], answer: to_localhost, expect: Expect::Forbidden },
    ),
    ("redir-loop", leads(to_itself)),
    ("redir-port", leads(to_port)),
    ("redir-relative", leads(to_relative)),
    (
        "redir-to-allowed",
        Served { certified: &["ok.example.net"], answer: to_other, expect: Expect::Fetched(&[80, 443]) },
    ),
    ("redir-userinfo", leads(to_userinfo)),
    ("tls-ip-pin", Served { certified: &["example.com"], answer: plain, expect: Expect::Unreachable }),
    (
        "tls-wrong-name",
        Served { certified: &["other.example.net"], answer: plain, expect: Expect::Unreachable },
    ),
];

const fn leads(answer: fn(&str) -> Reply) -> Served {
    Served { certified: NOBODY, answer, expect: Expect::Forbidden }
}

fn plain(_: &str) -> Reply {
    ok("hello")
}
fn alt_svc(_: &str) -> Reply {
    Reply::Bytes(b"HTTP/1.1 200 OK\r\nAlt-Svc: h2=\"127.0.0.1:443\"\r\nContent-Length: 0\r\n\r\n".to_vec())
}
fn endless(_: &str) -> Reply {
    let head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
    Reply::Endless(head, [b"1000\r\n".as_slice(), &[b'x'; 4096], b"\r\n"].concat())
}
fn packed(_: &str) -> Reply {
    Reply::Bytes(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n\x1f\x8b".to_vec())
}
fn stuck(_: &str) -> Reply {
    Reply::Stuck(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nx".to_vec())
}
fn to_301(_: &str) -> Reply {
    redirect(301, "http://169.254.169.254/latest/meta-data/")
}
fn to_303(_: &str) -> Reply {
    redirect(303, "http://169.254.169.254/latest/meta-data/")
}
fn to_other(head: &str) -> Reply {
    if head.to_ascii_lowercase().contains("host: ok.example.net") {
        return ok("there");
    }
    redirect(302, "https://ok.example.net/")
}
fn to_backslash(_: &str) -> Reply {
    redirect(302, "/\\169.254.169.254/")
}
fn to_plain(_: &str) -> Reply {
    redirect(302, "http://example.com/")
}
fn to_gopher(_: &str) -> Reply {
    redirect(302, "gopher://127.0.0.1:6379/_FLUSHALL")
}
fn to_literal(_: &str) -> Reply {
    redirect(302, "http://10.0.0.1/")
}
fn to_localhost(_: &str) -> Reply {
    redirect(307, "http://localhost")
}
fn to_itself(_: &str) -> Reply {
    redirect(302, "http://redir.example.net/loop")
}
fn to_port(_: &str) -> Reply {
    redirect(302, "http://example.com:6379/")
}
fn to_relative(_: &str) -> Reply {
    redirect(302, "//169.254.169.254/")
}
fn to_userinfo(_: &str) -> Reply {
    redirect(302, "http://a:b@example.com/")
}

#[tokio::test]
async fn whatever_servers_do_only_what_was_judged_is_reached() {
    let Some(cases) = cases() else {
        println!("skipped: no ssrf-cases.csv under GABION_SHARED");
        return;
    };
    for (id, served) in BY_SERVER {
        let case = cases.iter().find(|case| case.id == *id).expect("a case of the file");
        let (guard, names, _) = fixture(&case.why);
        let answer: Answer = Arc::new(served.answer);
        let internet = Internet::new(names, served.certified, answer).await;
        let client = internet.client(guard);
        let request = FetchRequest {
            redirects: 5,
            deadline: std::time::Duration::from_secs(2),
            ..FetchRequest::get(&case.url)
        }
        .header("authorization", Secret::new("Bearer planted-secret".to_owned()))
        .header("cookie", Secret::new("planted=secret".to_owned()));
        let fetched = client.fetch(request.clone()).await;
        let ports: Vec<u16> = internet.dialled().iter().map(|address| address.port()).collect();
        let public: IpAddr = PUBLIC.parse().unwrap();
        assert!(
            internet.dialled().iter().all(|address| address.ip() == public),
            "{id}: {:?}",
            internet.dialled()
        );
        match served.expect {
            Expect::Fetched(expected) => {
                assert_eq!(fetched.map(|answer| answer.status), Ok(200), "{id}");
                assert_eq!(ports, expected, "{id}");
            }
            Expect::Forbidden => {
                assert!(matches!(fetched, Err(FetchError::Forbidden(_))), "{id}: {fetched:?}");
                assert!(ports.len() == 1 || (*id == "redir-loop" && ports.len() == 6), "{id}: {ports:?}");
            }
            Expect::TooLarge => assert_eq!(fetched, Err(FetchError::TooLarge), "{id}"),
            Expect::TimedOut => assert_eq!(fetched, Err(FetchError::TimedOut), "{id}"),
            Expect::Unreachable => {
                assert!(matches!(fetched, Err(FetchError::Unreachable(_))), "{id}: {fetched:?}");
            }
        }
        let heard = internet.heard.lock().unwrap().clone();
        match *id {
            "redir-auth-drop" | "redir-to-allowed" => {
                let [first, second] = heard.as_slice() else { panic!("{id}: {heard:?}") };
                assert!(first.contains("planted-secret") && first.contains("planted=secret"), "{id}");
                assert!(!second.contains("planted"), "{id}: {second}");
            }
            "dns-rebind" => assert_eq!(internet.names.asked.lock().unwrap().len(), 1, "one lookup"),
            "altsvc" => {
                assert!(client.fetch(request).await.is_ok());
                assert!(internet.dialled().iter().all(|address| address.ip() == public));
                assert_eq!(internet.dialled().len(), 2, "a connection of its own each time");
            }
            _ => {}
        }
    }
}
