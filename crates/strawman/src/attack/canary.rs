//! A server of the attacker's on loopback, standing for one that only the application's host can reach. It
//! tells a secret to whoever asks, so a secret in an answer proves that the application came by.

use std::net::Ipv4Addr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::client::marker;

pub(super) struct Canary {
    port: u16,
    secret: String,
    task: Option<JoinHandle<()>>,
}

impl Canary {
    /// A canary that could not start is on port 0 and tells nothing.
    pub(super) async fn start() -> Self {
        let secret = format!("canary{}", marker());
        let Ok(listener) = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await else {
            return Self { port: 0, secret, task: None };
        };
        let port = listener.local_addr().map_or(0, |address| address.port());
        let answer = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{secret}",
            secret.len()
        );
        let task = tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut request = [0; 1024];
                let _ = stream.read(&mut request).await;
                let _ = stream.write_all(answer.as_bytes()).await;
                let _ = stream.shutdown().await;
            }
        });
        Self { port, secret, task: Some(task) }
    }

    /// The canary's address, with the host written as given.
    pub(super) fn url(&self, host: &str) -> String {
        format!("http://{host}:{}/", self.port)
    }

    /// Whether the secret stands in the text.
    pub(super) fn told(&self, text: &str) -> bool {
        text.contains(&self.secret)
    }
}

impl Drop for Canary {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}
