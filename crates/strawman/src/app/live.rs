//! What happens while the page is open: a WebSocket that echoes and notifies, and a stream of events.

use std::convert::Infallible;

use axum::Router;
use axum::extract::{Request, State};
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use futures_util::stream::{self, Stream};
use futures_util::{SinkExt, StreamExt};
use http::{HeaderValue, StatusCode, header};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::watch;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::Role;

use super::caller::{SignedIn, User};
use super::refusal::{Answer, Refusal};
use super::{App, csrf};

pub(super) fn routes() -> Router<App> {
    Router::new().route("/ws", get(websocket)).route("/events", get(events))
}

/// Something a user is told at once.
#[derive(Debug, Clone)]
pub(super) struct News {
    pub(super) user: i64,
    pub(super) text: String,
}

/// Starts with `hello NAME`, then one event for each piece of news.
async fn events(
    State(app): State<App>,
    SignedIn(user): SignedIn,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let hello = format!("hello {}", user.name);
    let news = app.news.subscribe();
    let rest = stream::unfold((app.stopped.clone(), news), move |(mut stopped, mut news)| async move {
        loop {
            tokio::select! {
                () = ended(&mut stopped) => return None,
                received = news.recv() => match received {
                    Ok(piece) if piece.user == user.id => {
                        return Some((Ok(Event::default().data(piece.text)), (stopped, news)));
                    }
                    Ok(_) | Err(RecvError::Lagged(_)) => {}
                    Err(RecvError::Closed) => return None,
                },
            }
        }
    });
    Sse::new(stream::once(async { Ok(Event::default().data(hello)) }).chain(rest))
}

/// Answers `echo: TEXT` to each text, and tells the news in between.
async fn websocket(State(app): State<App>, SignedIn(user): SignedIn, mut request: Request) -> Answer {
    let headers = request.headers();
    let key = headers.get(header::SEC_WEBSOCKET_KEY).cloned();
    let Some(key) = key.filter(|_| headers.contains_key(header::UPGRADE)) else {
        return Err(Refusal::new(StatusCode::UPGRADE_REQUIRED, "This is a WebSocket."));
    };
    // HOLE websocket-hijacking: a page of another site may open it with the visitor's cookies.
    if app.repaired && csrf::is_foreign(headers) {
        return Err(Refusal::forbidden());
    }
    let upgrade = hyper::upgrade::on(&mut request);
    tokio::spawn(async move {
        if let Ok(upgraded) = upgrade.await {
            converse(&app, &user, upgraded).await;
        }
    });
    let accept = HeaderValue::from_str(&derive_accept_key(key.as_bytes()));
    let accept = accept.map_err(|_| Refusal::bad_request("That is not a WebSocket key."))?;
    Ok(switching(accept))
}

fn switching(accept: HeaderValue) -> Response {
    let fields = [
        (header::CONNECTION, HeaderValue::from_static("upgrade")),
        (header::UPGRADE, HeaderValue::from_static("websocket")),
        (header::SEC_WEBSOCKET_ACCEPT, accept),
    ];
    (StatusCode::SWITCHING_PROTOCOLS, fields).into_response()
}

async fn converse(app: &App, user: &User, upgraded: Upgraded) {
    let mut socket = WebSocketStream::from_raw_socket(TokioIo::new(upgraded), Role::Server, None).await;
    let mut news = app.news.subscribe();
    let mut stopped = app.stopped.clone();
    let mut say = Some(format!("hello {}", user.name));
    loop {
        if let Some(text) = say.take()
            && socket.send(Message::text(text)).await.is_err()
        {
            return;
        }
        tokio::select! {
            () = ended(&mut stopped) => {
                let _ = socket.close(None).await;
                return;
            }
            received = news.recv() => match received {
                Ok(piece) if piece.user == user.id => say = Some(piece.text),
                Ok(_) | Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return,
            },
            message = socket.next() => match message {
                Some(Ok(Message::Text(text))) => say = Some(format!("echo: {text}")),
                Some(Ok(Message::Close(_)) | Err(_)) | None => return,
                Some(Ok(_)) => {}
            },
        }
    }
}

/// Returns when the application stops.
async fn ended(stopped: &mut watch::Receiver<bool>) {
    let _ = stopped.wait_for(|stop| *stop).await;
}
