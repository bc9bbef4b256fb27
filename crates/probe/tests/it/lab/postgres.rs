//! PostgreSQL, where it is installed: a server of its own, and a connection that speaks its protocol (version 3).

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use gabion_egress::{Dial as _, Stream, TcpDial};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, Command};
use tokio::sync::Mutex;

/// A server that runs as long as this is there, and the connection to it.
pub(super) struct Postgres {
    stream: Mutex<Box<dyn Stream>>,
    _server: Child,
    _folder: TempDir,
}

/// Where Debian puts its programs.
fn programs() -> Option<PathBuf> {
    let folders = std::fs::read_dir("/usr/lib/postgresql").ok()?;
    let folders = folders.filter_map(|entry| Some(entry.ok()?.path().join("bin")));
    folders.filter(|folder| folder.join("initdb").exists()).max()
}

impl Postgres {
    /// With these statements run; nothing where there is no server to start.
    pub(super) async fn start(statements: &str) -> Option<Self> {
        let Some(programs) = programs() else {
            println!("no `postgres` here");
            return None;
        };
        let folder = TempDir::new().unwrap();
        let data = folder.path().join("data");
        std::fs::create_dir(&data).unwrap();
        let run = async |program: &str, arguments: &[&str]| {
            let mut command = Command::new(program);
            let output = command.args(arguments).stdin(Stdio::null()).output().await;
            output.is_ok_and(|output| output.status.success())
        };
        // It does not run as root; whoever is root gives it to the user that came with the package.
        let id = Command::new("id").arg("-u").output().await.ok()?;
        let (path, data) = (folder.path().display().to_string(), data.display().to_string());
        let root = id.stdout.starts_with(b"0\n");
        if root && !(run("chown", &["postgres", &data]).await && run("chmod", &["o+x", &path]).await) {
            println!("no user `postgres` here");
            return None;
        }
        let command = |program: &str| {
            let program = programs.join(program);
            let mut command = Command::new(if root { "setpriv".into() } else { program.clone() });
            if root {
                command.args(["--reuid", "postgres", "--regid", "postgres", "--clear-groups"]).arg(program);
            }
            command.current_dir("/").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
            command.kill_on_drop(true);
            command
        };
        let mut made = command("initdb");
        made.args(["--no-sync", "-U", "lab", "-A", "trust", "-E", "UTF8", "-D", &data]);
        if !made.status().await.is_ok_and(|status| status.success()) {
            println!("no database can be made here");
            return None;
        }
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut server = command("postgres");
        server.args(["-D", &data, "-p", &port.to_string(), "-h", "127.0.0.1", "-k", "", "-F"]);
        let server = server.spawn().ok()?;
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        let mut stream = connected(address).await;
        for _ in 0..600 {
            if stream.is_some() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
            stream = connected(address).await;
        }
        let own = Self { stream: Mutex::new(stream.unwrap()), _server: server, _folder: folder };
        own.ask(statements).await.unwrap();
        Some(own)
    }

    /// The rows of a query, as lines; `written` for a statement that changed something.
    pub(super) async fn ask(&self, query: &str) -> Result<Vec<String>, String> {
        let mut stream = self.stream.lock().await;
        send(&mut **stream, b'Q', &[query.as_bytes(), b"\0"].concat()).await;
        answered(&mut **stream).await
    }

    /// As [`Postgres::ask`], and what it changed is taken back.
    pub(super) async fn ask_only(&self, query: &str) -> Result<Vec<String>, String> {
        self.ask("BEGIN").await.unwrap();
        let rows = self.ask(query).await;
        self.ask("ROLLBACK").await.unwrap();
        rows
    }

    /// With a text as its first parameter.
    pub(super) async fn ask_with(&self, query: &str, value: &str) -> Result<Vec<String>, String> {
        let mut stream = self.stream.lock().await;
        let stream = &mut **stream;
        send(stream, b'P', &[b"\0", query.as_bytes(), b"\0\0\0"].concat()).await;
        let length = u32::try_from(value.len()).unwrap().to_be_bytes();
        send(stream, b'B', &[&b"\0\0\0\0\0\x01"[..], &length, value.as_bytes(), b"\0\0"].concat()).await;
        send(stream, b'E', b"\0\0\0\0\0").await;
        send(stream, b'S', b"").await;
        answered(stream).await
    }
}

async fn connected(address: SocketAddr) -> Option<Box<dyn Stream>> {
    let mut stream = TcpDial.dial(address).await.ok()?;
    let start = b"\0\x03\0\0user\0lab\0database\0postgres\0options\0-c statement_timeout=20s\0\0";
    let length = u32::try_from(start.len() + 4).unwrap().to_be_bytes();
    stream.write_all(&[&length[..], start].concat()).await.ok()?;
    answered(&mut *stream).await.ok().map(|_| stream)
}

async fn send(stream: &mut dyn Stream, kind: u8, content: &[u8]) {
    let length = u32::try_from(content.len() + 4).unwrap().to_be_bytes();
    stream.write_all(&[&[kind], &length[..], content].concat()).await.unwrap();
}

/// Everything up to the word that the server is ready; nothing that a value has in it ends a message early.
async fn answered(stream: &mut dyn Stream) -> Result<Vec<String>, String> {
    let (mut rows, mut problem) = (Vec::new(), None);
    loop {
        let mut head = [0; 5];
        if let Err(error) = stream.read_exact(&mut head).await {
            return Err(error.to_string());
        }
        let length = u32::from_be_bytes([head[1], head[2], head[3], head[4]]);
        let mut content = vec![0; usize::try_from(length).unwrap() - 4];
        stream.read_exact(&mut content).await.unwrap();
        match head[0] {
            b'D' => rows.push(row(&content)),
            b'C' => {
                let said = String::from_utf8_lossy(&content).into_owned();
                let changes = ["INSERT", "UPDATE", "DELETE"].iter().any(|word| said.starts_with(word));
                if changes && !said.contains(" 0\0") {
                    rows.push("written".to_owned());
                }
            }
            b'E' => {
                let fields = content.split(|byte| *byte == 0);
                let own = fields.filter_map(|field| field.strip_prefix(b"M")).next().unwrap_or_default();
                problem = Some(format!("ERROR:  {}", String::from_utf8_lossy(own)));
            }
            b'Z' => return problem.map_or(Ok(rows), Err),
            _ => {}
        }
    }
}

fn row(content: &[u8]) -> String {
    let (count, mut rest) = (u16::from_be_bytes([content[0], content[1]]), &content[2..]);
    let mut cells = Vec::new();
    for _ in 0..count {
        let (length, behind) = rest.split_first_chunk::<4>().unwrap();
        // Nothing at all is less than nothing.
        let length = usize::try_from(i32::from_be_bytes(*length)).unwrap_or(0);
        let (cell, behind) = behind.split_at(length);
        cells.push(String::from_utf8_lossy(cell).into_owned());
        rest = behind;
    }
    cells.join(" / ")
}
