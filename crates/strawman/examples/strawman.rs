//! Runs the straw man alone: `cargo run -p gabion-strawman --example strawman -- --port 3000 [--repaired]`, or behind
//! a gate that runs already: `--gate http://127.0.0.1:8080`. Ended by SIGTERM it says how many requests came.

use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr};
use std::process::ExitCode;

use gabion_strawman::{Identity, Options, accounts, serve};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::signal::unix::{SignalKind, signal};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let mut options = Options::vulnerable();
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        match word.as_str() {
            "--repaired" => options.repaired = true,
            "--port" => match words.next().and_then(|port| port.parse().ok()) {
                Some(port) => options.address = SocketAddr::from((Ipv4Addr::LOCALHOST, port)),
                None => return told(USAGE),
            },
            "--gate" => match words.next() {
                Some(origin) => match keys(&origin).await {
                    Ok(jwks) => {
                        options.identity =
                            Identity::Gate { jwks, issuer: origin, audience: "shop".to_owned() };
                    }
                    Err(error) => return told(&format!("cannot read the keys of `{origin}`: {error}")),
                },
                None => return told(USAGE),
            },
            _ => return told(USAGE),
        }
    }
    let behind = matches!(options.identity, Identity::Gate { .. });
    let handle = match serve(options).await {
        Ok(handle) => handle,
        Err(error) => return told(&error.to_string()),
    };
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{}", handle.base());
    for account in accounts().into_iter().filter(|_| !behind) {
        let _ =
            writeln!(out, "{:8} {:26} {} {}", account.name, account.password, account.tenant, account.role);
    }
    drop(out);
    let ended = match signal(SignalKind::terminate()) {
        Ok(mut ended) => ended.recv().await,
        Err(error) => return told(&error.to_string()),
    };
    let _ = ended;
    let _ = writeln!(std::io::stdout(), "{} requests", handle.requests());
    ExitCode::SUCCESS
}

/// The public keys of the gate at `http://ADDRESS:PORT`.
#[expect(clippy::disallowed_methods, reason = "an example has no way out of its own")]
async fn keys(origin: &str) -> std::io::Result<String> {
    let authority = origin.strip_prefix("http://").unwrap_or(origin);
    let mut stream = tokio::net::TcpStream::connect(authority).await?;
    let head =
        format!("GET /.well-known/jwks.json HTTP/1.1\r\nHost: {authority}\r\nConnection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).await?;
    let mut text = String::new();
    stream.read_to_string(&mut text).await?;
    text.split_once("\r\n\r\n")
        .filter(|(head, _)| head.starts_with("HTTP/1.1 200"))
        .map(|(_, body)| body.to_owned())
        .ok_or_else(|| std::io::Error::other("that is no gate"))
}

fn told(text: &str) -> ExitCode {
    let _ = writeln!(std::io::stderr(), "{text}");
    ExitCode::from(2)
}

const USAGE: &str = "usage: strawman [--port PORT] [--repaired] [--gate ORIGIN]";
