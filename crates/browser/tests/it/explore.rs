//! Exploring applications made of scripts: what is reached only by pressing, routes, forms, and what is left alone.

use std::time::Duration;

use axum::Router;
use axum::response::Html;
use axum::routing::get;
use gabion_browser::{Ended, ExploreOptions, Explored};
use tokio::time::Instant;

use crate::harness::{Site, browser, page};

/// A shell whose views are drawn by scripts: routes by history and by fragment, a menu behind a press, a dialog behind
/// that, a list that grows, a form that scripts send.
const APPLICATION: &str = r#"<!doctype html><title>App</title>
<nav><a href=/shop data-link>Shop</a> <a href='#/about'>About</a> <button id=menu>Menu</button>
  <a href=/logout>Log out</a> <button id=end onclick="fetch('/api/session', {method: 'DELETE'})">Sign out</button></nav>
<main></main>
<script>
  const main = document.querySelector('main');
  const api = (path, options) => fetch('/api' + path, options).then((r) => r.text()).catch(() => '');
  const views = {
    '/': () => { main.innerHTML = '<h1>Home</h1>'; api('/news'); },
    '/shop': () => {
      main.innerHTML = '<h1>Shop</h1><div class=list></div><div class=card style="cursor:pointer">Details</div><div class=buy role=button>Buy now</div>';
      api('/products');
      for (let i = 0; i < 40; i++) main.querySelector('.list').innerHTML += `<a href="/product/${i}" data-link>Product ${i}</a> `;
      main.querySelector('.card').onclick = () => { api('/products/1/details'); history.pushState(0, '', '/details'); draw(); };
      main.querySelector('.buy').onclick = () => api('/bought');
    },
    '/details': () => { main.innerHTML = '<h1>Details</h1><input id=term><input id=quick placeholder=Find><span class=go>Search</span>';
      main.querySelector('#quick').onkeyup = (e) => e.key === 'Enter' && api('/quick?q=' + e.target.value);
      main.querySelector('.go').addEventListener('click', () => api('/search?q=' + main.querySelector('#term').value)); },
    '/account': () => {
      main.innerHTML = '<h1>Account</h1><form><input name=email type=email required><input name=password type=password required><button>Save</button></form>';
      main.querySelector('form').onsubmit = (e) => { e.preventDefault(); const d = new FormData(e.target);
        if (d.get('email') && d.get('password')) api('/account', {method: 'PUT', body: JSON.stringify(Object.fromEntries(d))}); };
    },
  };
  function draw() {
    if (location.hash === '#/about') { main.innerHTML = '<h1>About</h1>'; api('/about'); return; }
    const product = /^\/product\/(\d+)$/.exec(location.pathname);
    if (product) { main.innerHTML = '<h1>Product ' + product[1] + '</h1><button class=like>Like</button>'; api('/products/' + product[1]);
      main.querySelector('.like').onclick = () => api('/products/' + product[1] + '/like', {method: 'POST'}); return; }
    (views[location.pathname] ?? views['/'])();
  }
  addEventListener('popstate', draw); addEventListener('hashchange', draw);
  document.addEventListener('click', (e) => {
    const link = e.target.closest('[data-link]');
    if (link) { e.preventDefault(); history.pushState(0, '', link.href); draw(); }
  });
  menu.onclick = () => {
    if (document.querySelector('#drop')) return;
    document.querySelector('nav').insertAdjacentHTML('beforeend', '<ul id=drop><li role=menuitem>Profile</li><li role=menuitem>More</li></ul>');
    const [profile, more] = document.querySelectorAll('#drop li');
    profile.onclick = () => { history.pushState(0, '', '/account'); draw(); };
    more.onclick = () => { main.innerHTML = '<dialog open><h2>Deep</h2><button id=deep>Deeper</button></dialog>'; deep.onclick = () => api('/deep'); };
  };
  addEventListener('scroll', () => api('/scrolled'), {once: true});
  draw();
</script><div style="height: 3000px"></div>"#;

fn application() -> Router {
    let shell = async || Html(APPLICATION);
    Router::new().route("/api/{*rest}", axum::routing::any(async || "{}")).fallback(shell)
}

async fn explore(site: &Site, options: &ExploreOptions) -> Option<Explored> {
    let browser = browser(&[site]).await?;
    let context = browser.context().await.unwrap();
    Some(context.explore(&[&site.url("/")], options).await.unwrap())
}

#[tokio::test]
async fn an_application_of_scripts_is_known_afterwards() {
    let site = Site::start(application()).await;
    let began = Instant::now();
    let Some(explored) = explore(&site, &ExploreOptions::default()).await else { return };
    assert_eq!(explored.ended, Ended::Complete, "{explored:#?}");
    let asked = site.asked();
    for wanted in [
        "GET /api/news",
        "GET /api/products",
        "GET /api/products/1/details",
        "GET /api/about",
        "GET /api/deep",
        "PUT /api/account",
        "GET /api/search?q=test",
        "GET /api/quick?q=test",
        "GET /api/scrolled",
        "POST /api/products/",
    ] {
        assert!(asked.iter().any(|line| line.starts_with(wanted)), "{wanted}: {asked:#?} {explored:#?}");
    }
    for harm in ["/logout", "DELETE", "/api/bought"] {
        assert!(!asked.iter().any(|line| line.contains(harm)), "{harm} was asked for");
    }
    assert!(explored.avoided.iter().any(|what| what.contains("/logout")), "{:?}", explored.avoided);
    assert!(explored.avoided.iter().any(|what| what.contains("Buy now")), "{:?}", explored.avoided);
    let urls: Vec<&str> = explored.urls.iter().map(|found| found.url.as_str()).collect();
    for path in ["/", "/shop", "/details", "/account", "/#/about", "/product/39", "/logout"] {
        assert!(urls.contains(&site.url(path).as_str()), "{path}: {urls:?}");
    }
    let products = asked.iter().filter(|line| line.starts_with("GET /product/")).count();
    assert!(products < 20, "{products} of one kind");
    assert!(explored.forms.iter().any(|found| found.form.fields.iter().any(|field| field.name == "email")));
    let account = explored.requests.iter().find(|one| one.method == "PUT").unwrap();
    assert!(account.sent.as_ref().is_some_and(|sent| sent.contains("probe@example.com")));
    assert!(began.elapsed() < Duration::from_secs(50), "{:?}", began.elapsed());
}

#[tokio::test]
async fn an_application_without_end_is_left_in_time() {
    const ENDLESS: &str = "<script>
        let n = 0;
        const more = () => { n += 1; const tag = 'x-' + String.fromCharCode(97 + n % 26, 97 + (n / 26 | 0) % 26);
          document.body.insertAdjacentHTML('beforeend', `<${tag} id=e${tag} role=button class=${tag}>${tag}</${tag}><a href='/${tag}-${Math.random().toString(36).replace(/[^a-z]/g, '')}'>x</a>`);
          document.body.lastElementChild.previousElementSibling.onclick = more; };
        onload = more;</script>";
    let site = Site::start(Router::new().fallback(async || Html(ENDLESS))).await;
    let time = Duration::from_secs(6);
    let began = Instant::now();
    let Some(explored) = explore(&site, &ExploreOptions { time, ..ExploreOptions::default() }).await else {
        return;
    };
    assert!(began.elapsed() < time * 4, "{:?}", began.elapsed());
    assert_ne!(explored.ended, Ended::Complete);
    let few =
        ExploreOptions { clicks: 3, states: 3, time: Duration::from_secs(3), ..ExploreOptions::default() };
    let Some(explored) = explore(&site, &few).await else { return };
    assert!(explored.clicks <= 3 && explored.states <= 3 && explored.ended != Ended::Complete);
}

#[tokio::test]
async fn whoever_explores_is_not_locked_out() {
    let html = "<form action=/password method=post><input type=password name=new><input type=password name=again><button>Save</button></form>
        <form action=/login method=post><input name=user><input type=password name=password><button>Go</button></form>
        <form action=/session method=post><button>Sign out</button></form><form action=/items/7/delete method=post><button>x</button></form>";
    let site = Site::start(page("/", html).fallback(async || "")).await;
    let Some(explored) = explore(&site, &ExploreOptions::default()).await else { return };
    let sent: Vec<String> = site.asked().into_iter().filter(|line| line.starts_with("POST")).collect();
    assert_eq!(sent, ["POST /login"]);
    assert_eq!(explored.avoided.len(), 3, "{:?}", explored.avoided);
    assert_eq!(explored.forms.len(), 4, "they are known all the same");
}

#[tokio::test]
async fn what_is_allowed_is_pressed_and_what_is_forbidden_is_not() {
    let html = "<button onclick=\"fetch('/removed')\">Remove</button><button onclick=\"fetch('/launched')\">Launch</button>";
    let site = Site::start(page("/", html).fallback(async || "")).await;
    let options = ExploreOptions {
        forbidden: vec!["launch".into()],
        allowed: vec!["remove".into()],
        ..ExploreOptions::default()
    };
    if explore(&site, &options).await.is_none() {
        return;
    }
    assert_eq!(site.asked(), ["GET /", "GET /", "GET /removed"]);
}

#[tokio::test]
async fn nothing_beyond_the_scope_is_explored() {
    let outside = Site::start(Router::new().fallback(async || "outside")).await;
    let html = "<a href='OUT/link'>x</a><button onclick=\"location = 'OUT/pressed'\">Go</button>
        <form action='OUT/form' method=post><button>Send</button></form><button onclick=\"fetch('/after')\">After</button>";
    let html = html.replace("OUT", &outside.url(""));
    let site =
        Site::start(Router::new().route("/", get(async move || Html(html))).fallback(async || "")).await;
    let Some(explored) = explore(&site, &ExploreOptions::default()).await else { return };
    assert_eq!(outside.asked(), [""; 0]);
    assert!(explored.urls.iter().all(|found| found.url.starts_with(&site.url(""))), "{:?}", explored.urls);
    assert!(site.asked().contains(&"GET /after".to_owned()), "{:?}", site.asked());
}

#[tokio::test]
async fn an_exploration_is_whoever_the_context_is() {
    let html = "<script>fetch('/me', {headers: {'x-token': localStorage.token ?? ''}})</script><a href=/other>Other</a>";
    let site =
        Site::start(Router::new().route("/me", get(async || "{}")).fallback(async move || Html(html))).await;
    let Some(browser) = browser(&[&site]).await else { return };
    let context = browser.context().await.unwrap();
    context.on_new_document("localStorage.token = 'mine'");
    context.header("authorization", "Bearer ours");
    context.binding("ran");
    let explored = context.explore(&[&site.url("/")], &ExploreOptions::default()).await.unwrap();
    assert!(explored.requests.len() >= 2, "{:?}", explored.requests);
    for request in &explored.requests {
        assert_eq!(
            (request.header("x-token"), request.header("authorization")),
            (Some("mine"), Some("Bearer ours"))
        );
    }
    let page = context.page().await.unwrap();
    page.evaluate("ran('x')", crate::harness::TIME).await.unwrap();
    assert_eq!(context.recorded().payloads("ran").collect::<Vec<_>>(), ["x"]);
}
