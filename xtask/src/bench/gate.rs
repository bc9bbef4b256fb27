//! `cargo xtask bench gate`: processor time per request of the gate, beside nginx and haproxy as plain
//! proxies; memory, start and latency with it.
//!
//! The measured process is alone on core 0; wrk and the upstream share core 1. All proxies run all the
//! time and take turns under load, in another order every round. Only ratios within one run mean anything.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread::sleep;
use std::time::Duration;

use super::ground::{Folder, build, enrol, local, megabytes};
use super::process::{Server, free_port};
use super::report::{Row, median_and_least, publish};
use super::{Failure, http, wrk};
use crate::output;

/// Bytes of the upstream's answer.
pub(crate) const ANSWER: usize = 1024;

/// Measures and publishes. `--rounds N`, `--seconds N`, `--binary PATH` (default: builds one with the
/// profile `dist`), `--idle N`.
pub(crate) fn run(arguments: &[String]) -> Result<(), Failure> {
    let plan = Plan::read(arguments)?;
    let root = crate::root();
    let binary = match plan.binary {
        Some(path) => path,
        None => build(&root)?,
    };
    let folder = Folder::make()?;
    let bench = Bench { root: &root, folder: &folder.0, binary: &binary, upstream: free_port()? };
    let www = folder.0.join("www");
    fs::create_dir_all(&www)?;
    fs::write(www.join("k1.html"), "x".repeat(ANSWER))?;
    for file in ["openapi.yaml", "policies/app.cedar"] {
        let to = folder.0.join(file);
        to.parent().map_or(Ok(()), fs::create_dir_all)?;
        fs::copy(root.join("bench/gate").join(file), to)?;
    }
    let upstream = bench.nginx("upstream.nginx.conf", bench.upstream, "1")?;

    let mut proxies = vec![
        bench.proxy("nginx", &mut bench.nginx_command("nginx.conf")?)?,
        bench.proxy("haproxy", &mut bench.haproxy_command()?)?,
        bench.proxy("bare", &mut bench.gabion_command("bare")?)?,
        bench.proxy("all-on", &mut bench.gabion_command("all-on")?)?,
        bench.proxy("judged", &mut bench.gabion_command("judged")?)?,
    ];
    for signed_in in proxies.iter_mut().filter(|proxy| matches!(proxy.name, "all-on" | "judged")) {
        signed_in.cookie = Some(enrol(&signed_in.server, signed_in.address)?.cookie);
    }

    for proxy in &mut proxies {
        proxy.load(1)?;
    }
    for round in 0..plan.rounds {
        output::note(&format!("round {} of {}", round + 1, plan.rounds));
        let first = round % proxies.len();
        proxies.rotate_left(first);
        for proxy in &mut proxies {
            let (load, micros) = proxy.load(plan.seconds)?;
            output::note(&format!("  {:<8} {micros:>6.2} µs {:>9.0}/s", proxy.name, load.per_second));
            proxy.micros.push(micros);
            proxy.p50.push(load.p50);
            proxy.p99.push(load.p99);
        }
        proxies.rotate_right(first);
    }
    for proxy in &mut proxies {
        proxy.hold(plan.idle)?;
    }
    drop(upstream);
    publish(&root.join("target/bench"), "gate", &rows(&proxies, plan.idle)?)
}

fn rows(proxies: &[Proxy], idle: usize) -> Result<Vec<Row>, Failure> {
    let named = |name: &str| proxies.iter().find(|proxy| proxy.name == name).ok_or("a proxy is missing");
    let mut rows = Vec::new();
    for ours in ["bare", "all-on", "judged"] {
        let own = named(ours)?;
        let (own_median, own_least) = median_and_least(&own.micros);
        for peer in ["nginx", "haproxy"] {
            let (median, least) = median_and_least(&named(peer)?.micros);
            let suffix = if peer == "nginx" { "" } else { ", beside haproxy" };
            rows.push(Row::new(format!("{ours}{suffix}"), "µs", own_median, peer, median));
            rows.push(Row::new(format!("{ours}, least of all rounds{suffix}"), "µs", own_least, peer, least));
        }
        let nginx = named("nginx")?;
        let middle = |values: &[f64]| median_and_least(values).0;
        rows.push(Row::new(
            format!("{ours}, p50 under load"),
            "µs",
            middle(&own.p50),
            "nginx",
            middle(&nginx.p50),
        ));
        rows.push(Row::new(
            format!("{ours}, p99 under load"),
            "µs",
            middle(&own.p99),
            "nginx",
            middle(&nginx.p99),
        ));
        rows.push(Row::new(
            format!("{ours}, memory idle"),
            "MB",
            own.idle_memory,
            "nginx",
            nginx.idle_memory,
        ));
        rows.push(Row::new(
            format!("{ours}, per {idle} idle connections"),
            "MB",
            own.held_memory,
            "nginx",
            nginx.held_memory,
        ));
        rows.push(Row::new(format!("{ours}, start to first answer"), "ms", own.start, "nginx", nginx.start));
    }
    Ok(rows)
}

/// What the command line asks for.
struct Plan {
    rounds: usize,
    seconds: u32,
    idle: usize,
    binary: Option<PathBuf>,
}

impl Plan {
    fn read(arguments: &[String]) -> Result<Self, Failure> {
        let mut plan = Self { rounds: 7, seconds: 3, idle: 10_000, binary: None };
        let mut arguments = arguments.iter();
        while let Some(name) = arguments.next() {
            let value = arguments.next().ok_or_else(|| format!("`{name}` needs a value"))?;
            match name.as_str() {
                "--rounds" => plan.rounds = value.parse()?,
                "--seconds" => plan.seconds = value.parse()?,
                "--idle" => plan.idle = value.parse()?,
                "--binary" => plan.binary = Some(value.into()),
                _ => return Err(format!("unknown option `{name}`").into()),
            }
        }
        Ok(plan)
    }
}

/// A proxy under measurement.
struct Proxy {
    name: &'static str,
    server: Server,
    address: SocketAddr,
    cookie: Option<String>,
    /// Milliseconds.
    start: f64,
    /// Megabytes, before the first load.
    idle_memory: f64,
    held_memory: f64,
    micros: Vec<f64>,
    p50: Vec<f64>,
    p99: Vec<f64>,
}

impl Proxy {
    /// One run of wrk, and the processor time each request cost.
    fn load(&self, seconds: u32) -> Result<(wrk::Load, f64), Failure> {
        let url = format!("http://{}/k1.html", self.address);
        let before = self.server.cpu()?;
        let load = wrk::run("1", &url, CONNECTIONS, seconds, self.cookie.as_deref())
            .map_err(|error| format!("{}: {error}", self.name))?;
        let nanos = self.server.cpu()?.saturating_sub(before);
        Ok((load, nanos as f64 / 1_000.0 / load.requests.max(1) as f64))
    }

    /// Opens idle connections and sees what memory they take.
    fn hold(&mut self, count: usize) -> Result<(), Failure> {
        // haproxy is not asked: its buffers are sized for its own defaults.
        if self.name == "haproxy" {
            return Ok(());
        }
        let before = self.server.memory()?;
        let held: Result<Vec<_>, _> =
            (0..count).map(|_| http::idle(self.address, self.cookie.as_deref())).collect();
        let held = held.map_err(|error| format!("{}: {error}", self.name))?;
        sleep(SETTLE);
        self.held_memory = megabytes(self.server.memory()?.saturating_sub(before));
        drop(held);
        Ok(())
    }
}

/// Where everything is.
struct Bench<'a> {
    root: &'a Path,
    folder: &'a Path,
    binary: &'a Path,
    upstream: u16,
}

impl Bench<'_> {
    /// Writes a configuration from `bench/gate` with its places filled in.
    fn configure(&self, file: &str, name: &str, port: u16) -> Result<PathBuf, Failure> {
        let text = fs::read_to_string(self.root.join("bench/gate").join(file))?;
        let text = text
            .replace("{folder}", &self.folder.display().to_string())
            .replace("{upstream}", &self.upstream.to_string())
            .replace("{port}", &port.to_string())
            .replace("{admin}", &free_port()?.to_string())
            .replace("{name}", name);
        let path = self.folder.join(format!("{name}-{file}"));
        fs::write(&path, text)?;
        Ok(path)
    }

    fn nginx(&self, file: &str, port: u16, core: &str) -> Result<Server, Failure> {
        let config = self.configure(file, file, port)?;
        let mut command = Command::new("/usr/sbin/nginx");
        command.arg("-c").arg(config).arg("-p").arg(self.folder);
        Ok(Server::start(&mut command, core, local(port), &self.folder.join(format!("{file}.log")))?.0)
    }

    fn nginx_command(&self, file: &str) -> Result<(u16, Command), Failure> {
        let port = free_port()?;
        let mut command = Command::new("/usr/sbin/nginx");
        command.arg("-c").arg(self.configure(file, "peer", port)?).arg("-p").arg(self.folder);
        Ok((port, command))
    }

    fn haproxy_command(&self) -> Result<(u16, Command), Failure> {
        let port = free_port()?;
        let mut command = Command::new("/usr/sbin/haproxy");
        command.arg("-db").arg("-f").arg(self.configure("haproxy.cfg", "peer", port)?);
        Ok((port, command))
    }

    fn gabion_command(&self, name: &str) -> Result<(u16, Command), Failure> {
        let port = free_port()?;
        let mut command = Command::new(self.binary);
        command.arg("run").arg("--config").arg(self.configure(&format!("{name}.toml"), name, port)?);
        Ok((port, command))
    }

    fn proxy(&self, name: &'static str, command: &mut (u16, Command)) -> Result<Proxy, Failure> {
        let (port, command) = command;
        let address = local(*port);
        let log = self.folder.join(format!("{name}.log"));
        let (server, start) =
            Server::start(command, "0", address, &log).map_err(|error| format!("{name}: {error}"))?;
        let idle_memory = megabytes(server.memory()?);
        Ok(Proxy {
            name,
            server,
            address,
            cookie: None,
            start: start.as_secs_f64() * 1_000.0,
            idle_memory,
            held_memory: 0.0,
            micros: Vec::new(),
            p50: Vec::new(),
            p99: Vec::new(),
        })
    }
}

/// After this long without a word a connection is idle, and what it needed is given back.
const SETTLE: Duration = Duration::from_secs(4);
/// Kept connections under load.
const CONNECTIONS: u32 = 64;
