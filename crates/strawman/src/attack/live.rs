//! WebSockets that a page of another site opens with the visitor's cookies.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use http::{HeaderValue, header};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

use super::client::{Call, marker};
use super::ground::{Attempts, Ground, Seen};
use super::scripting::three;

pub(super) async fn hijacking(ground: &Ground) -> Attempts {
    let mut seen = Vec::new();
    for (origin, site) in
        [("https://evil.example", Some("cross-site")), ("null", None), ("https://shop.evil.example", None)]
    {
        let heard = converse(ground, origin, site, None).await;
        let worked = heard.as_deref() == Ok("hello alice");
        seen.push(told(worked, &format!("a page of {origin} listens in alice's name"), heard));
    }
    let word = marker();
    let heard = converse(ground, &ground.client.base(), Some("same-origin"), Some(&word)).await;
    let echoed = heard.as_deref() == Ok(format!("echo: {word}").as_str());
    let stream = ground.dress("alice", Call::get("/events"));
    let streamed = ground.client.hears(stream, "hello alice").await;
    let twin = match (echoed, streamed) {
        (true, true) => Seen::new(true, "the WebSocket answers, the event stream greets"),
        (false, _) => told(false, "", heard),
        (true, false) => Seen::new(false, "no: the event stream is silent"),
    };
    Attempts { variants: three(seen), twin }
}

fn told(worked: bool, what: &str, heard: Result<String, String>) -> Seen {
    let reason = match heard {
        Ok(text) => format!("no: heard `{text}`"),
        Err(reason) => format!("no: {reason}"),
    };
    Seen::new(worked, if worked { what.to_owned() } else { reason })
}

/// Opens the WebSocket with alice's cookies and answers the first thing it says; or says something and answers
/// the second.
async fn converse(
    ground: &Ground,
    origin: &str,
    site: Option<&str>,
    word: Option<&str>,
) -> Result<String, String> {
    let url = format!("{}/ws", ground.client.base().replace("http://", "ws://"));
    let mut request = url.into_client_request().map_err(|error| error.to_string())?;
    let cookies = ground.dress("alice", Call::get("/ws")).headers;
    request.headers_mut().extend(cookies);
    let value = |text| HeaderValue::from_str(text).map_err(|error| error.to_string());
    request.headers_mut().insert(header::ORIGIN, value(origin)?);
    if let Some(site) = site {
        request.headers_mut().insert("sec-fetch-site", value(site)?);
        request.headers_mut().insert("sec-fetch-mode", value("websocket")?);
    }
    let talk = async {
        let stream = ground.client.connect().await.map_err(|error| error.to_string())?;
        let (mut socket, _) =
            tokio_tungstenite::client_async(request, stream).await.map_err(|error| error.to_string())?;
        let mut heard = socket.next().await;
        if let Some(word) = word {
            socket.send(Message::text(word)).await.map_err(|error| error.to_string())?;
            heard = socket.next().await;
        }
        let _ = socket.close(None).await;
        match heard {
            Some(Ok(Message::Text(text))) => Ok(text.to_string()),
            Some(Ok(other)) => Err(format!("heard {other:?}")),
            Some(Err(error)) => Err(error.to_string()),
            None => Err("the socket was closed".to_owned()),
        }
    };
    tokio::time::timeout(Duration::from_secs(10), talk).await.map_err(|_| "too slow".to_owned())?
}
