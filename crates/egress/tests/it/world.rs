//! A small internet: names, what they resolve to, and servers behind public addresses that are really on
//! loopback.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex};

use gabion_egress::resolve::{Resolve, ResolveError};
use gabion_egress::{Client, Dial, EgressSettings, Guard, Stream};
use gabion_model::Clock as _;
use gabion_model::outbound::BoxFuture;
use gabion_model::{Period, SystemClock};
use gabion_vault::tls::LocalCa;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

/// What a name of the fixtures resolves to unless a fixture says otherwise.
pub(crate) const PUBLIC: &str = "93.184.216.34";

/// Answers of a server: from the request's head to the bytes that are sent back.
pub(crate) type Answer = Arc<dyn Fn(&str) -> Reply + Send + Sync>;

#[derive(Clone)]
pub(crate) enum Reply {
    Bytes(Vec<u8>),
    /// Sends the first, and then the second for ever.
    Endless(Vec<u8>, Vec<u8>),
    /// Sends it and then nothing more, without closing.
    Stuck(Vec<u8>),
}

#[derive(Debug, Default)]
pub(crate) struct Names {
    /// Each lookup takes the first answer; the last one stays.
    pub(crate) answers: Mutex<HashMap<String, Vec<Vec<IpAddr>>>>,
    pub(crate) asked: Mutex<Vec<String>>,
    /// What names that are not listed resolve to.
    pub(crate) others: Vec<IpAddr>,
}

impl Resolve for Names {
    fn resolve<'a>(&'a self, name: &'a str, _: bool) -> BoxFuture<'a, Result<Vec<IpAddr>, ResolveError>> {
        self.asked.lock().unwrap().push(name.to_owned());
        let found = match self.answers.lock().unwrap().get_mut(name) {
            Some(answers) if answers.len() > 1 => answers.remove(0),
            Some(answers) => answers.first().cloned().unwrap_or_default(),
            None => self.others.clone(),
        };
        let found = if found.is_empty() { Err(ResolveError("no such name".to_owned())) } else { Ok(found) };
        Box::pin(async move { found })
    }
}

/// Leads every address to one of two servers, by port, and remembers where it was to go.
#[derive(Debug)]
pub(crate) struct Lines {
    pub(crate) dialled: Mutex<Vec<SocketAddr>>,
    plain: SocketAddr,
    secure: SocketAddr,
}

impl Dial for Lines {
    #[expect(clippy::disallowed_methods, reason = "the test's own line to its server on loopback")]
    fn dial(&self, address: SocketAddr) -> BoxFuture<'_, io::Result<Box<dyn Stream>>> {
        self.dialled.lock().unwrap().push(address);
        let server = if address.port() == 80 { self.plain } else { self.secure };
        Box::pin(async move { Ok(Box::new(TcpStream::connect(server).await?) as Box<dyn Stream>) })
    }
}

/// Leads nowhere.
#[derive(Debug)]
pub(crate) struct NoLine;

impl Dial for NoLine {
    fn dial(&self, address: SocketAddr) -> BoxFuture<'_, io::Result<Box<dyn Stream>>> {
        panic!("`{address}` was dialled")
    }
}

pub(crate) struct Internet {
    pub(crate) names: Arc<Names>,
    pub(crate) lines: Arc<Lines>,
    /// The heads of the requests that arrived.
    pub(crate) heard: Arc<Mutex<Vec<String>>>,
    directory: TempDir,
}

impl Internet {
    /// Servers that give `answer`, by TLS with a certificate for `certified`.
    pub(crate) async fn new(names: Names, certified: &[&str], answer: Answer) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let now = SystemClock.now();
        let authority = LocalCa::create(now).unwrap();
        std::fs::write(directory.path().join("ca.pem"), authority.certificate_pem()).unwrap();
        let certified: Vec<String> = certified.iter().map(|name| (*name).to_owned()).collect();
        let issued = authority.issue(&certified, now).unwrap();
        let tls = issued.server().unwrap();
        let heard = Arc::new(Mutex::new(Vec::new()));
        let plain = serve(Arc::clone(&heard), Arc::clone(&answer), None).await;
        let secure = serve(Arc::clone(&heard), answer, Some(TlsAcceptor::from(tls))).await;
        let lines = Arc::new(Lines { dialled: Mutex::default(), plain, secure });
        Self { names: Arc::new(names), lines, heard, directory }
    }

    pub(crate) fn client(&self, guard: Guard) -> Client {
        let settings = EgressSettings {
            ca_file: Some(self.directory.path().join("ca.pem")),
            timeout: Period::from_secs(20),
            ..EgressSettings::default()
        };
        Client::new(&settings).unwrap().with(guard, self.names.clone(), self.lines.clone())
    }

    pub(crate) fn dialled(&self) -> Vec<SocketAddr> {
        self.lines.dialled.lock().unwrap().clone()
    }
}

async fn serve(heard: Arc<Mutex<Vec<String>>>, answer: Answer, tls: Option<TlsAcceptor>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (heard, answer, tls) = (Arc::clone(&heard), Arc::clone(&answer), tls.clone());
            tokio::spawn(async move {
                let stream: Box<dyn Stream> = match tls {
                    Some(tls) => match tls.accept(stream).await {
                        Ok(stream) => Box::new(stream),
                        Err(_) => return,
                    },
                    None => Box::new(stream),
                };
                let _ = talk(stream, &heard, &answer).await;
            });
        }
    });
    address
}

async fn talk(mut stream: Box<dyn Stream>, heard: &Mutex<Vec<String>>, answer: &Answer) -> io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await?);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    heard.lock().unwrap().push(head.clone());
    match answer(&head) {
        Reply::Bytes(bytes) => {
            stream.write_all(&bytes).await?;
            stream.shutdown().await
        }
        Reply::Endless(first, rest) => {
            stream.write_all(&first).await?;
            loop {
                stream.write_all(&rest).await?;
            }
        }
        Reply::Stuck(bytes) => {
            stream.write_all(&bytes).await?;
            stream.flush().await?;
            std::future::pending().await
        }
    }
}

/// `200` with a body.
pub(crate) fn ok(body: &str) -> Reply {
    Reply::Bytes(format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len()).into_bytes())
}

pub(crate) fn redirect(status: u16, location: &str) -> Reply {
    let head = format!("HTTP/1.1 {status} Elsewhere\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n");
    Reply::Bytes(head.into_bytes())
}
