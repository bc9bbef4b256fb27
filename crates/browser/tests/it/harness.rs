//! A site of its own for each test, and a browser whose scope is that site.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::middleware::{self, Next};
use axum::response::Html;
use axum::routing::get;
use gabion_browser::{Browser, BrowserError, Limits, Options, Patience, Verdict};
use tokio::net::TcpListener;

pub(crate) const TIME: Duration = Duration::from_secs(10);

/// A server on a free port, which remembers what it was asked.
pub(crate) struct Site {
    pub(crate) address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Site {
    pub(crate) async fn start(router: Router) -> Self {
        let asked = Arc::new(Mutex::new(Vec::new()));
        let remembered = Arc::clone(&asked);
        let router = router.layer(middleware::from_fn(move |request: Request, next: Next| {
            let remembered = Arc::clone(&remembered);
            async move {
                remembered.lock().unwrap().push(format!("{} {}", request.method(), request.uri()));
                next.run(request).await
            }
        }));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { address, asked }
    }

    /// A site of one page at `/`.
    pub(crate) async fn of(html: &'static str) -> Self {
        Self::start(page("/", html)).await
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The same site by another name, which is another site to the browser.
    pub(crate) fn named(&self, name: &str, path: &str) -> String {
        format!("http://{name}:{}{path}", self.address.port())
    }

    /// What it was asked, without the browser's wish for an icon.
    pub(crate) fn asked(&self) -> Vec<String> {
        let asked = self.asked.lock().unwrap();
        asked.iter().filter(|line| !line.contains("favicon")).cloned().collect()
    }
}

pub(crate) fn page(path: &str, html: &'static str) -> Router {
    Router::new().route(path, get(async move || Html(html)))
}

/// The usual options for these sites; `victim.test` and `attacker.test` are this machine.
pub(crate) fn options(sites: &[&Site]) -> Options {
    let ports: Vec<u16> = sites.iter().map(|site| site.address.port()).collect();
    let mut options = Options::new(move |url: &str| {
        let rest = url.split_once("://").map_or("", |(_, rest)| rest);
        let place = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let port = place.rsplit(':').next().and_then(|port| port.parse().ok());
        if port.is_some_and(|port: u16| ports.contains(&port)) { Verdict::Allow } else { Verdict::Refuse }
    });
    options.names = ["victim.test", "attacker.test"]
        .map(|name| (name.to_owned(), IpAddr::from(Ipv4Addr::LOCALHOST)))
        .to_vec();
    options
}

/// A browser, or nothing where there is none.
pub(crate) async fn launch(options: Options) -> Option<Browser> {
    match Browser::launch(options).await {
        Ok(browser) => Some(browser),
        Err(error @ BrowserError::Missing { .. }) => {
            let test = std::thread::current().name().unwrap_or("test").to_owned();
            eprintln!("skipped: {test}: {error}");
            None
        }
        Err(error) => panic!("{error}"),
    }
}

pub(crate) async fn browser(sites: &[&Site]) -> Option<Browser> {
    launch(options(sites)).await
}

pub(crate) async fn limited(sites: &[&Site], limits: Limits) -> Option<Browser> {
    launch(Options { limits, ..options(sites) }).await
}

pub(crate) fn patience() -> Patience {
    Patience::within(TIME)
}

/// Waits for `condition`, which becomes true without anybody doing anything more.
pub(crate) async fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let seen = tokio::time::timeout(TIME, async {
        while !condition() {
            tokio::task::yield_now().await;
        }
    });
    assert!(seen.await.is_ok(), "not seen: {what}");
}
