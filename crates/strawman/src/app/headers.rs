//! Header fields on every answer: browser protections, sharing between origins, caching.

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};

use super::App;

pub(super) async fn layer(State(app): State<App>, request: Request, next: Next) -> Response {
    let origin = request.headers().get(header::ORIGIN).cloned();
    let public =
        PUBLIC.iter().any(|path| request.uri().path().starts_with(path)) || request.uri().path() == "/";
    // HOLE permissive-cors: a preflight is granted to whoever asks.
    let preflight = request.method() == Method::OPTIONS
        && request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
    let mut response = if preflight && !app.repaired {
        StatusCode::NO_CONTENT.into_response()
    } else {
        next.run(request).await
    };
    let headers = response.headers_mut();
    if app.repaired {
        protect(headers);
        if !public {
            headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        }
        return response;
    }
    // HOLE missing-headers: no word about framing, sniffing or scripts.
    // HOLE cacheable-answer: what belongs to one person may be stored by every cache on the way.
    if !public {
        headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("public, max-age=600"));
    }
    share(headers, origin);
    response
}

/// HOLE permissive-cors: every origin may read, with the visitor's cookies.
fn share(headers: &mut HeaderMap, origin: Option<HeaderValue>) {
    let Some(origin) = origin else { return };
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
    headers.insert(
        header::ACCESS_CONTROL_ALLOW_METHODS,
        HeaderValue::from_static("GET, POST, PUT, PATCH, DELETE"),
    );
    headers.insert(
        header::ACCESS_CONTROL_ALLOW_HEADERS,
        HeaderValue::from_static("content-type, authorization"),
    );
}

fn protect(headers: &mut HeaderMap) {
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "strict-origin-when-cross-origin"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
}

/// What everybody sees, and caches may keep.
const PUBLIC: &[&str] =
    &["/style.css", "/favicon.ico", "/shop", "/product/", "/search", "/openapi.yaml", "/api/products"];

/// The pages have a style sheet and pictures of their own, and no script at all.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self' data:; \
     connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";
