//! `cargo xtask bench identity`: what the provider does on one core, on its durable store: sign-ins by
//! password, grants and refreshes of tokens, introspections, tokens verified at the gate; memory and start.
//!
//! The gate is alone on core 0; the load runs on core 1. The peers' figures are the ones they publish,
//! with the source in `bench/README.md`: none of them can be measured here, so they stand beside ours as a
//! bar, not as a comparison.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use super::ground::{Folder, PASSWORD, accept, build, enrol, example, local, megabytes, sign_in};
use super::load::{Answer, Talker, once, pin, speak};
use super::process::{Server, free_port};
use super::report::{Row, median_and_least, publish};
use super::{Failure, http};
use crate::output;

/// Measures and publishes. `--rounds N`, `--seconds N`, `--binary PATH` (default: builds one with the
/// profile `dist`).
pub(crate) fn run(arguments: &[String]) -> Result<(), Failure> {
    let plan = Plan::read(arguments)?;
    let root = crate::root();
    let binary = match &plan.binary {
        Some(path) => path.clone(),
        None => build(&root)?,
    };
    let hash_cost = example(&root, "gabion-vault", "hash_cost")?;
    let token_cost = example(&root, "gabion-identity", "token_cost")?;
    let folder = Folder::make()?;
    pin("1")?;
    let mut stage = Stage::set(&root, &folder.0, &binary)?;
    let mut rows = vec![
        Row::new("memory, idle", "MB", stage.idle_memory, "rauthy", 57.0),
        Row::new("start to first answer", "ms", stage.start, "none published", 0.0),
    ];
    let mut acts: Vec<(Act, Vec<f64>)> = Act::ALL.iter().map(|act| (*act, Vec::new())).collect();
    let mut hashes = Vec::new();
    for round in 0..plan.rounds {
        output::note(&format!("round {} of {}", round + 1, plan.rounds));
        for (act, figures) in &mut acts {
            if *act == Act::SignIn {
                hashes.push(alone(&hash_cost)?.trim().parse()?);
            }
            let (per_second, nanos) = stage.play(*act, plan.seconds)?;
            output::note(&format!(
                "  {:<34} {per_second:>9.0}/s {:>9.1} µs of processor each",
                act.name(),
                nanos / 1_000.0
            ));
            figures.push(nanos);
        }
    }
    for (act, figures) in &acts {
        let (median, _) = median_and_least(figures);
        let (peer, figure) = act.peer();
        rows.push(Row::new(format!("{}, per core", act.name()), "1/s", 1e9 / median, peer, figure));
        if *act == Act::SignIn {
            let (hash, _) = median_and_least(&hashes);
            let outside = 100.0 * (1.0 - hash / median);
            rows.push(Row::new("sign-in, processor outside Argon2id", "%", outside, "goal", 3.0));
        }
    }
    rows.extend(verifications(&alone(&token_cost)?)?);
    publish(&root.join("target/bench"), "identity", &rows)
}

struct Plan {
    rounds: usize,
    seconds: u64,
    binary: Option<PathBuf>,
}

impl Plan {
    fn read(arguments: &[String]) -> Result<Self, Failure> {
        let mut plan = Self { rounds: 3, seconds: 4, binary: None };
        let mut arguments = arguments.iter();
        while let Some(name) = arguments.next() {
            let value = arguments.next().ok_or_else(|| format!("`{name}` needs a value"))?;
            match name.as_str() {
                "--rounds" => plan.rounds = value.parse()?,
                "--seconds" => plan.seconds = value.parse()?,
                "--binary" => plan.binary = Some(value.into()),
                _ => return Err(format!("unknown option `{name}`").into()),
            }
        }
        Ok(plan)
    }
}

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Act {
    SignIn,
    ClientCredentials,
    Refresh,
    Introspect,
}

impl Act {
    const ALL: &[Self] = &[Self::SignIn, Self::ClientCredentials, Self::Refresh, Self::Introspect];

    const fn name(self) -> &'static str {
        match self {
            Self::SignIn => "sign-ins by password",
            Self::ClientCredentials => "client credentials grants",
            Self::Refresh => "refreshes",
            Self::Introspect => "introspections",
        }
    }

    /// Whose published figure, per core, is the bar.
    const fn peer(self) -> (&'static str, f64) {
        match self {
            Self::SignIn => ("keycloak", 15.0),
            Self::ClientCredentials | Self::Refresh => ("keycloak", 120.0),
            // 5109 on two cores, in memory.
            Self::Introspect => ("hydra", 2554.5),
        }
    }
}

/// The gate, the people and the applications.
struct Stage {
    server: Server,
    address: SocketAddr,
    /// `client:secret` of the application, for Basic authentication.
    application: String,
    refreshing: Vec<Refreshing>,
    token: String,
    start: f64,
    idle_memory: f64,
}

impl Stage {
    fn set(root: &Path, folder: &Path, binary: &Path) -> Result<Self, Failure> {
        let port = free_port()?;
        let text = fs::read_to_string(root.join("bench/identity/gabion.toml"))?
            .replace("{folder}", &folder.display().to_string())
            .replace("{upstream}", &free_port()?.to_string())
            .replace("{port}", &port.to_string())
            .replace("{admin}", &free_port()?.to_string());
        let configuration = folder.join("gabion.toml");
        fs::write(&configuration, text)?;
        let (address, log) = (local(port), folder.join("gabion.log"));
        let mut command = Command::new(binary);
        command.arg("run").arg("--config").arg(&configuration);
        let (server, start) = Server::start(&mut command, "0", address, &log)?;
        let idle_memory = megabytes(server.memory()?);

        let administrator = enrol(&server, address)?;
        let gabion = |arguments: &[&str]| -> Result<String, Failure> {
            let output = Command::new(binary).args(arguments).arg("--config").arg(&configuration).output()?;
            if !output.status.success() {
                return Err(String::from_utf8_lossy(&output.stderr).into_owned().into());
            }
            Ok(String::from_utf8(output.stdout)?)
        };
        let registered = gabion(&[
            "client",
            "add",
            "bench",
            "--first-party",
            "--redirect-uri",
            CALLBACK,
            "--grant",
            "authorization_code",
            "--grant",
            "refresh_token",
            "--grant",
            "client_credentials",
            "--scope",
            "openid",
            "--scope",
            "offline_access",
            "--format",
            "json",
        ])?;
        let registered: Value = serde_json::from_str(&registered)?;
        let text = |name: &str| {
            registered
                .get(name)
                .and_then(Value::as_str)
                .map(str::to_owned)
                .ok_or_else(|| format!("no {name}"))
        };
        let client = text("client_id").or_else(|_| text("id"))?;
        let application = format!("{client}:{}", text("client_secret")?);
        for index in 0..PEOPLE {
            accept(address, &gabion(&["user", "add", &person(index)])?)?;
        }
        let cookie = sign_in(address, &administrator.name)?;
        let mut refreshing = Vec::new();
        let mut token = String::new();
        for _ in 0..TALKERS {
            let (access, refresh) = tokens(address, &cookie, &client, &application)?;
            refreshing.push(Refreshing { address, application: application.clone(), refresh });
            token = access;
        }
        Ok(Self {
            server,
            address,
            application,
            refreshing,
            token,
            start: start.as_secs_f64() * 1_000.0,
            idle_memory,
        })
    }

    /// Lets one act be asked for as often as it is answered. How many a second, and the processor time of
    /// one in nanoseconds.
    fn play(&mut self, act: Act, seconds: u64) -> Result<(f64, f64), Failure> {
        let before = self.server.cpu()?;
        let duration = Duration::from_secs(seconds);
        let repeat = |count, request: &dyn Fn(usize) -> Vec<u8>, expected| -> Vec<Repeating> {
            (0..count).map(|index| Repeating { request: request(index), expected }).collect()
        };
        let spoken = match act {
            Act::SignIn => {
                let form = |index| {
                    let form = format!("name={}&password={}&next=%2F", person(index), encoded(PASSWORD));
                    page_form(self.address, "/.gabion/login", &form)
                };
                speak(self.address, &mut repeat(PEOPLE, &form, 303), duration)
            }
            Act::ClientCredentials => {
                let form = |_| self.post("/.gabion/oauth/token", "grant_type=client_credentials");
                speak(self.address, &mut repeat(TALKERS, &form, 200), duration)
            }
            Act::Introspect => {
                let form = |_| self.post("/.gabion/oauth/introspect", &format!("token={}", self.token));
                speak(self.address, &mut repeat(TALKERS, &form, 200), duration)
            }
            Act::Refresh => speak(self.address, &mut self.refreshing, duration),
        }?;
        let nanos = self.server.cpu()?.saturating_sub(before);
        Ok((spoken.per_second(), nanos as f64 / spoken.exchanges.max(1) as f64))
    }

    fn post(&self, path: &str, form: &str) -> Vec<u8> {
        client_form(self.address, path, &self.application, form)
    }
}

/// Asks the same again and again.
struct Repeating {
    request: Vec<u8>,
    expected: u16,
}

impl Talker for Repeating {
    fn ask(&mut self) -> Vec<u8> {
        self.request.clone()
    }

    fn hear(&mut self, answer: &Answer) -> Result<(), String> {
        let text = String::from_utf8_lossy(&answer.body);
        if answer.status != self.expected || text.contains("\"active\":false") {
            return Err(format!("{}: {text}", answer.status));
        }
        Ok(())
    }
}

/// Spends each refresh token for the next.
struct Refreshing {
    address: SocketAddr,
    application: String,
    refresh: String,
}

impl Talker for Refreshing {
    fn ask(&mut self) -> Vec<u8> {
        let form = format!("grant_type=refresh_token&refresh_token={}", encoded(&self.refresh));
        client_form(self.address, "/.gabion/oauth/token", &self.application, &form)
    }

    fn hear(&mut self, answer: &Answer) -> Result<(), String> {
        let json: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        let next = json.get("refresh_token").and_then(Value::as_str);
        self.refresh = next
            .ok_or_else(|| format!("{}: {}", answer.status, String::from_utf8_lossy(&answer.body)))?
            .to_owned();
        Ok(())
    }
}

/// An access and a refresh token by the code flow.
fn tokens(
    address: SocketAddr,
    cookie: &str,
    client: &str,
    application: &str,
) -> Result<(String, String), Failure> {
    // RFC 7636, appendix B.
    let (verifier, challenge) =
        ("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    let mut path = format!(
        "/.gabion/oauth/authorize?response_type=code&client_id={client}&redirect_uri={}&scope=openid+offline_access\
         &code_challenge={challenge}&code_challenge_method=S256",
        encoded(CALLBACK)
    );
    for _ in 0..4 {
        let answer = http::ask(
            address,
            &format!(
                "GET {path} HTTP/1.1\r\nHost: {address}\r\nCookie: {cookie}\r\nAccept: text/html\r\nConnection: close\r\n\r\n"
            ),
        )?;
        let location = answer.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("location").then(|| value.trim().to_owned())
        });
        let location = location.ok_or_else(|| format!("no redirect:\n{answer}"))?;
        if let Some(code) = location.split(['?', '&']).find_map(|pair| pair.strip_prefix("code=")) {
            let form = format!(
                "grant_type=authorization_code&code={code}&redirect_uri={}&code_verifier={verifier}",
                encoded(CALLBACK)
            );
            let answer = once(address, &client_form(address, "/.gabion/oauth/token", application, &form))?;
            let json: Value = serde_json::from_slice(&answer.body)?;
            let text = |name: &str| json.get(name).and_then(Value::as_str).map(str::to_owned);
            let both = text("access_token").zip(text("refresh_token"));
            return both.ok_or_else(|| format!("no tokens: {json}").into());
        }
        path = location.strip_prefix(&format!("http://{address}")).unwrap_or(&location).to_owned();
    }
    Err("the authorization never ended".into())
}

fn client_form(address: SocketAddr, path: &str, application: &str, form: &str) -> Vec<u8> {
    format!(
        "POST {path} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Basic {}\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{form}",
        base64(application.as_bytes()),
        form.len()
    )
    .into_bytes()
}

fn page_form(address: SocketAddr, path: &str, form: &str) -> Vec<u8> {
    format!(
        "POST {path} HTTP/1.1\r\nHost: {address}\r\nOrigin: http://{address}\r\nSec-Fetch-Site: same-origin\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{form}",
        form.len()
    )
    .into_bytes()
}

/// What it prints, run on the core of the gate while nothing is asked of that.
fn alone(executable: &Path) -> Result<String, Failure> {
    let output = Command::new("taskset").args(["-c", "0"]).arg(executable).output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned().into());
    }
    Ok(String::from_utf8(output.stdout)?)
}

/// Tokens believed a second: the lines `ALGORITHM FIRST LATER`, in nanoseconds.
fn verifications(lines: &str) -> Result<Vec<Row>, Failure> {
    let mut rows = Vec::new();
    for line in lines.lines() {
        let [algorithm, first, later] = line.split(' ').collect::<Vec<_>>()[..] else {
            return Err(format!("not three figures: {line}").into());
        };
        for (which, nanos) in [("first", first), ("later", later)] {
            let name = format!("tokens believed, {algorithm}, {which}");
            rows.push(Row::new(name, "1/s", 1e9 / nanos.parse::<f64>()?, "none published", 0.0));
        }
    }
    Ok(rows)
}

fn person(index: usize) -> String {
    format!("person-{index}")
}

fn encoded(value: &str) -> String {
    http::encoded(value)
}

/// RFC 4648, section 4.
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let group =
            chunk.iter().fold(0_u32, |group, byte| group << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for place in 0..4 {
            let index = (group >> (18 - 6 * place)) as usize & 63;
            let letter =
                if place > chunk.len() { b'=' } else { ALPHABET.get(index).copied().unwrap_or(b'=') };
            text.push(char::from(letter));
        }
    }
    text
}

const CALLBACK: &str = "http://127.0.0.1:9/callback";
/// How many sign in at once: each takes a hashing worker.
const PEOPLE: usize = 4;
/// Kept connections under load.
const TALKERS: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn basic_credentials_are_encoded() {
        for (text, expected) in
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("a:b?>", "YTpiPz4=")]
        {
            assert_eq!(base64(text.as_bytes()), expected);
        }
    }
}
