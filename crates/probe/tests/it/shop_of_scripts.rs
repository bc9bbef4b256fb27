//! An application that is one empty page and a script: who signs in gets a token, which the script keeps in its storage and sends
//! in a head of its own; what changes something wants a token against forgery too.

use axum::extract::{Path, Request};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{any, get, post};
use axum::{Json, Router};
use serde_json::{Value, json};

/// Names and passwords.
pub(crate) const PEOPLE: &[(&str, &str)] =
    &[("ann@shop.example", "made-up-ann-1"), ("bob@shop.example", "made-up-bob-1")];

const PAGE: &str = "<!doctype html><title>Shop</title><div id=app></div><script src=/main.js></script>";

const SCRIPT: &str = r##"
const app = document.querySelector('#app');
const api = (method, path, body) => fetch('/rest' + path, { method, body: body && JSON.stringify(body), headers: {
  ...(localStorage.token ? { 'x-shop-token': localStorage.token } : {}),
  ...(body ? { 'content-type': 'application/json', 'x-csrf-token': sessionStorage.csrf ?? '' } : {}) } }).then((r) => r.json().catch(() => ({})));
const views = {
  '': async () => { app.innerHTML = '<h1>Products</h1><ul></ul><a href="#/login">Login</a> <a href="#/basket">Basket</a>';
    for (const p of (await api('GET', '/products')).items) app.querySelector('ul').innerHTML += `<li><a href="#/product/${p.id}">${p.name}</a></li>`; },
  login: async () => {
    app.innerHTML = '<h1>Sign in</h1><label>E-mail <input id=mail></label><label>Password <input id=secret type=password></label><span id=go role=button>Log in</span>';
    document.querySelector('#go').onclick = async () => {
      const got = await api('POST', '/user/login', { email: document.querySelector('#mail').value, password: document.querySelector('#secret').value });
      if (got.authentication) { localStorage.token = got.authentication.token; sessionStorage.csrf = got.csrf; location.hash = '#/basket'; } }; },
  basket: async () => {
    if (!localStorage.token) { location.hash = '#/login'; return; }
    const me = await api('GET', '/user/whoami'); const basket = await api('GET', '/basket/' + me.basket);
    app.innerHTML = `<h1>Basket</h1><p>${JSON.stringify(basket)}</p><form><input name=coupon required><button>Apply</button></form><button id=out>Log out</button>`;
    app.querySelector('form').onsubmit = async (e) => { e.preventDefault();
      await api('PUT', '/basket/' + me.basket + '/coupon', { coupon: e.target.coupon.value }); app.querySelector('p').textContent = 'applied'; };
    document.querySelector('#out').onclick = () => { localStorage.clear(); location.hash = '#/'; }; },
  product: async (id) => { app.innerHTML = '<h1>Product</h1>'; await api('GET', '/products/' + id); },
};
const draw = () => { const [view, id] = location.hash.replace(/^#\/?/, '').split('/'); (views[view] ?? views[''])(id); };
const never = (kind) => api('GET', `/hidden/${kind}`) || fetch('/rest/hidden/report') || fetch('/rest/nowhere/at-all');
addEventListener('hashchange', draw); draw();
"##;

fn who(heads: &HeaderMap) -> Option<usize> {
    let token = heads.get("x-shop-token")?.to_str().ok()?;
    PEOPLE.iter().position(|(name, _)| token == format!("token-of-{name}"))
}

async fn login(heads: HeaderMap, Json(body): Json<Value>) -> Response {
    let fits = |(name, password): &&(&str, &str)| body["email"] == *name && body["password"] == *password;
    match PEOPLE.iter().find(fits) {
        Some((name, _)) if heads.contains_key("content-type") => Json(
            json!({ "authentication": { "token": format!("token-of-{name}") }, "csrf": "csrf-0123456789" }),
        )
        .into_response(),
        _ => (StatusCode::UNAUTHORIZED, "Invalid").into_response(),
    }
}

async fn basket(heads: HeaderMap, Path(id): Path<usize>) -> Response {
    match who(&heads) {
        Some(_) => {
            Json(json!({ "id": id, "items": ["pear"], "owner": PEOPLE.get(id).map(|(name, _)| *name) }))
                .into_response()
        }
        None => StatusCode::UNAUTHORIZED.into_response(),
    }
}

async fn coupon(heads: HeaderMap, Path(id): Path<usize>) -> Response {
    let token = heads.get("x-csrf-token").is_some_and(|token| token == "csrf-0123456789");
    match who(&heads) {
        Some(own) if token && own == id => Json(json!({ "applied": true })).into_response(),
        Some(_) => StatusCode::FORBIDDEN.into_response(),
        None => StatusCode::UNAUTHORIZED.into_response(),
    }
}

pub(crate) fn shop() -> Router {
    Router::new()
        .route("/main.js", get(async || ([(header::CONTENT_TYPE, "text/javascript")], SCRIPT)))
        .route(
            "/rest/products",
            get(async || Json(json!({ "items": [{ "id": 1, "name": "Pear" }, { "id": 2, "name": "Fig" }] }))),
        )
        .route(
            "/rest/products/{id}",
            get(async |Path(id): Path<u32>| Json(json!({ "id": id, "name": "Pear" }))),
        )
        .route("/rest/user/login", post(login))
        .route(
            "/rest/user/whoami",
            get(async |heads: HeaderMap| {
                Json(who(&heads).map_or(json!({}), |at| json!({ "name": PEOPLE[at].0, "basket": at })))
            }),
        )
        .route("/rest/basket/{id}", get(basket))
        .route(
            "/rest/basket/{id}/coupon",
            any(async |request: Request| {
                let heads = request.headers().clone();
                let id = request.uri().path().split('/').nth(3).and_then(|id| id.parse().ok()).unwrap_or(9);
                if request.method() == "PUT" {
                    coupon(heads, Path(id)).await
                } else {
                    StatusCode::METHOD_NOT_ALLOWED.into_response()
                }
            }),
        )
        .route("/rest/hidden/report", get(async || Json(json!({ "report": 1 }))))
        .fallback(async || Html(PAGE))
}
