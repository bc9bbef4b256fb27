//! Link previews: the server fetches a page and shows its beginning.

use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use axum::{Form, Router};
use http::{StatusCode, Uri};
use serde::Deserialize;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::App;
use super::caller::SignedIn;
use super::page::{escape, page};
use super::refusal::{Answer, Refusal};

pub(super) fn routes() -> Router<App> {
    Router::new().route("/preview", get(form).post(preview))
}

async fn form(State(app): State<App>, SignedIn(user): SignedIn) -> Response {
    page("Preview", Some(&user), &form_html(&app))
}

#[derive(Deserialize)]
struct Link {
    url: String,
}

async fn preview(State(app): State<App>, SignedIn(user): SignedIn, Form(Link { url }): Form<Link>) -> Answer {
    // HOLE ssrf: wherever the address leads, loopback and private networks included.
    if app.repaired && !is_allowed(&app, &url) {
        return Err(Refusal::bad_request("We preview our partner's pages only."));
    }
    let text = fetch(&url).await.map_err(|reason| {
        Refusal::new(StatusCode::BAD_GATEWAY, format!("That page does not answer: {reason}"))
    })?;
    let excerpt: String = text.chars().take(600).collect();
    let body = format!("{}<h2>{}</h2><pre>{}</pre>", form_html(&app), escape(&url), escape(&excerpt));
    Ok(page("Preview", Some(&user), &body))
}

fn form_html(app: &App) -> String {
    format!(
        "<h1>Preview a link</h1><p>For instance our partner's news: <code>http://{}/news</code></p>\
         <form method=\"post\" action=\"/preview\"><input name=\"url\" type=\"url\" aria-label=\"Address\" required>\
         <button>Preview</button></form>",
        app.partner
    )
}

fn is_allowed(app: &App, url: &str) -> bool {
    url.parse::<Uri>().is_ok_and(|url| {
        url.scheme_str() == Some("http")
            && url.authority().is_some_and(|given| given.as_str() == app.partner.to_string())
    })
}

/// The body of the page at `url`, over a socket of our own.
#[expect(clippy::disallowed_methods, reason = "the outgoing fetch of the application is a hole by design")]
pub(super) async fn fetch(url: &str) -> Result<String, String> {
    let uri: Uri = url.parse().map_err(|error| format!("{error}"))?;
    let authority =
        uri.authority().filter(|_| uri.scheme_str() == Some("http")).ok_or("not an http address")?;
    let host = authority.host().trim_matches(['[', ']']);
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let connect = async {
        let mut stream = TcpStream::connect((host, authority.port_u16().unwrap_or(80))).await?;
        let request = format!("GET {path} HTTP/1.1\r\nHost: {authority}\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await?;
        let mut bytes = Vec::new();
        stream.take(64 * 1024).read_to_end(&mut bytes).await?;
        Ok::<_, std::io::Error>(bytes)
    };
    let bytes = tokio::time::timeout(std::time::Duration::from_secs(5), connect)
        .await
        .map_err(|_| "too slow".to_owned())?
        .map_err(|error| error.to_string())?;
    let text = String::from_utf8_lossy(&bytes);
    Ok(text.split_once("\r\n\r\n").map(|(_, body)| body.to_owned()).unwrap_or_default())
}
