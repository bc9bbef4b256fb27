//! Runs the straw man alone: `cargo run -p gabion-strawman --example strawman -- --port 3000 [--repaired]`.

use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr};
use std::process::ExitCode;

use gabion_strawman::{Options, accounts, serve};

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
            _ => return told(USAGE),
        }
    }
    let handle = match serve(options).await {
        Ok(handle) => handle,
        Err(error) => return told(&error.to_string()),
    };
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{}", handle.base());
    for account in accounts() {
        let _ =
            writeln!(out, "{:8} {:26} {} {}", account.name, account.password, account.tenant, account.role);
    }
    drop(out);
    handle.wait().await;
    ExitCode::SUCCESS
}

fn told(text: &str) -> ExitCode {
    let _ = writeln!(std::io::stderr(), "{text}");
    ExitCode::from(2)
}

const USAGE: &str = "usage: strawman [--port PORT] [--repaired]";
