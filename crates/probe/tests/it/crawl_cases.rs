//! One site with a place for each way in which pages lead on; each way leads to `/found/NAME` and nothing else does.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{Path, Request};
use axum::http::{StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::get;

/// Ways that a reader of HTML can follow: name, and what stands on its page.
pub(crate) const READ: &[(&str, &str)] = &[
    ("anchor", "<a href=/found/anchor>x</a>"),
    ("area", "<map name=m><area href=/found/area></map>"),
    ("base", "<base href=/found/><a href=base>x</a>"),
    (
        "button-formaction",
        "<form action=/nothing><input name=a><button formaction=/found/button-formaction>x</button></form>",
    ),
    ("comment", "<!-- old menu: <a href='/found/comment'>x</a> -->"),
    ("comment-url", "<!-- moved to /found/comment-url for now -->"),
    ("form-get", "<form action=/found/form-get><input name=q></form>"),
    ("form-outside", "<form id=f action=/found/form-outside method=post></form><input name=a form=f>"),
    (
        "form-post",
        "<form action=/found/form-post method=post><input name=a required><input type=email name=b><select name=c><option>1</select></form>",
    ),
    ("frame", "<frameset><frame src=/found/frame></frameset>"),
    ("html-entity", "<a href='&#x2f;found&#47;html-entity'>x</a>"),
    ("iframe", "<iframe src=/found/iframe></iframe>"),
    ("link-next", "<link rel=next href=/found/link-next>"),
    ("meta-refresh", "<meta http-equiv=refresh content='5; URL=/found/meta-refresh'>"),
    ("noscript", "<noscript><a href=/found/noscript>x</a></noscript>"),
    ("object", "<object data=/found/object></object>"),
    ("protocol-relative", "<a href=//HOST/found/protocol-relative>x</a>"),
    ("relative", "<a href=../../found/relative>x</a>"),
    ("srcset", "<img srcset='/found/srcset 1x, /found/srcset?2 2x'>"),
    ("svg", "<svg><a xlink:href=/found/svg><text>x</text></a></svg>"),
    ("template", "<template><a href=/found/template>x</a></template>"),
];

/// Ways that need a browser.
pub(crate) const RENDERED: &[(&str, &str)] = &[
    ("attribute-handler", "<div onclick=\"fetch('/found/attribute-handler')\">x</div>"),
    ("beacon", "<script>navigator.sendBeacon('/found/beacon', 'x')</script>"),
    (
        "built-link",
        "<script>const a = document.createElement('a'); a.href = ['/found', 'built-link'].join('/'); document.body.append(a)</script>",
    ),
    (
        "change",
        "<select id=s><option>a<option>b</select><script>s.addEventListener('change', () => fetch('/found/' + 'cha' + 'nge'))</script>",
    ),
    (
        "css-hover",
        "<style>ul ul{display:none} li:hover>ul{display:block}</style><ul><li>Menu<ul><li><button onclick=\"fetch('/found/css-' + 'hover')\">x</button></ul></ul>",
    ),
    ("delayed", "<script>setTimeout(() => fetch('/found/' + 'delayed'), 60)</script>"),
    (
        "dialog",
        "<button onclick='d.showModal()'>Open</button><dialog id=d><button onclick=\"fetch('/found/' + 'dialog')\">Inside</button></dialog>",
    ),
    ("document-write", "<script>document.write('<a hr' + 'ef=/fou' + 'nd/document-write>x</a>')</script>"),
    ("double-click", "<p id=p>x</p><script>p.ondblclick = () => fetch('/found/double' + '-click')</script>"),
    ("event-source", "<script>new EventSource('/found/event' + '-source')</script>"),
    (
        "fetch-json",
        "<script>fetch('/found/fetch' + '-json', {method: 'POST', headers: {'content-type': 'application/json'}, body: '{\"a\":1}'})</script>",
    ),
    ("focus", "<input id=i><script>i.onfocus = () => fetch('/found/' + 'focus')</script>"),
    (
        "form-scripted",
        "<form id=f><input name=a required><button>Go</button></form><script>f.onsubmit = (e) => { e.preventDefault(); fetch('/found/form' + '-scripted', {method: 'POST', body: new FormData(f)}) }</script>",
    ),
    (
        "frame-button",
        "<iframe srcdoc=\"<button onclick=&quot;fetch('/found/frame' + '-button')&quot;>x</button>\"></iframe>",
    ),
    (
        "hash-route",
        "<a href='#/list'>x</a><script>onhashchange = onload = () => location.hash === '#/list' && fetch('/found/hash' + '-route')</script>",
    ),
    (
        "history-route",
        "<a href=/case/history-route/deep id=l>x</a><script>const go = () => location.pathname.endsWith('/deep') && fetch('/found/history' + '-route'); l.onclick = (e) => { e.preventDefault(); history.pushState(0, '', l.href); go() }; go()</script>",
    ),
    (
        "hover",
        "<div id=m>Menu</div><script>m.onmouseenter = () => { m.innerHTML += '<button id=b>x</button>'; b.onclick = () => fetch('/found/' + 'hover') }</script>",
    ),
    (
        "infinite-scroll",
        "<div style='height:4000px'></div><div id=e></div><script>new IntersectionObserver((all) => all[0].isIntersecting && fetch('/found/infinite' + '-scroll')).observe(e)</script>",
    ),
    ("input-event", "<input id=i><script>i.oninput = () => fetch('/found/input' + '-event')</script>"),
    (
        "key",
        "<input id=i><script>i.onkeydown = (e) => e.key === 'Enter' && fetch('/found/' + 'key')</script>",
    ),
    (
        "lazy-script",
        "<button onclick=\"const s = document.createElement('script'); s.src = '/lazy.js'; document.body.append(s)\">x</button>",
    ),
    ("location", "<button onclick=\"location = '/found/' + 'location'\">x</button>"),
    (
        "nested",
        "<button onclick=\"this.outerHTML = '<details><summary>Two</summary><i role=button onclick=&quot;fetch(`/found/${\\'nested\\'}`)&quot;>Three</i></details>'\">One</button>",
    ),
    ("open", "<button onclick=\"window.open('/found/' + 'open')\">x</button>"),
    (
        "pointer",
        "<span id=s style='cursor:pointer'>x</span><script>s.addEventListener('click', () => fetch('/found/' + 'pointer'))</script>",
    ),
    ("prompt", "<button onclick=\"confirm('really?'); fetch('/found/' + 'prompt')\">x</button>"),
    (
        "shadow-button",
        "<div id=h></div><script>const r = h.attachShadow({mode: 'open'}); r.innerHTML = '<button>x</button>'; r.querySelector('button').onclick = () => fetch('/found/shadow' + '-button')</script>",
    ),
    (
        "shadow-link",
        "<div id=h></div><script>h.attachShadow({mode: 'open'}).innerHTML = '<a href=/found/shadow' + '-link>x</a>'</script>",
    ),
    (
        "tabs",
        "<div role=tablist><div role=tab>A</div><div role=tab id=t>B</div></div><script>t.onclick = () => fetch('/found/' + 'tabs')</script>",
    ),
    (
        "web-component",
        "<x-menu></x-menu><script>customElements.define('x-menu', class extends HTMLElement { connectedCallback() { this.innerHTML = '<b role=menuitem>x</b>'; this.firstChild.onclick = () => fetch('/found/web' + '-component') } })</script>",
    ),
    (
        "websocket",
        "<script>new WebSocket(location.origin.replace('http', 'ws') + '/found/' + 'websocket')</script>",
    ),
    (
        "worker",
        "<script>new Worker(URL.createObjectURL(new Blob([`fetch('${location.origin}/found/' + 'worker')`])))</script>",
    ),
    (
        "xhr",
        "<script>const x = new XMLHttpRequest(); x.open('PUT', '/found/' + 'xhr'); x.setRequestHeader('x-own', '1'); x.send('{\"a\": 1}')</script>",
    ),
];

/// Ways that are told by something else than a page.
pub(crate) const TOLD: &[&str] =
    &["hal", "json-api", "link-head", "redirect", "robots", "security-txt", "sitemap", "sitemap-nested"];

/// What was asked of the site.
pub(crate) type Asked = Arc<Mutex<Vec<String>>>;

/// The site.
pub(crate) fn site(asked: Asked) -> Router {
    Router::new()
        .route("/", get(start))
        .route("/case/{name}/", get(case))
        .route("/case/{name}/{*deep}", get(async |Path((name, _)): Path<(String, String)>| case(Path(name)).await))
        .route("/found/{name}", axum::routing::any(async || ([("x", "y")], "found")))
        .route("/lazy.js", get(async || ([(header::CONTENT_TYPE, "text/javascript")], "fetch('/found/lazy' + '-script')")))
        .route("/told/hal", get(async || json(r#"{"_links":{"self":{"href":"/told/hal"},"next":{"href":"/found/hal"}},"n":1}"#)))
        .route("/told/json-api", get(async || json(r#"{"data":[],"links":{"related":"http://HOST/found/json-api"}}"#)))
        .route("/told/link-head", get(async || ([(header::LINK, "</found/link-head>; rel=\"next\"")], Html("x"))))
        .route("/told/redirect", get(async || Redirect::to("/found/redirect")))
        .route("/robots.txt", get(async || "User-agent: *\nDisallow: /found/robots\nDisallow: /found/*.php$\nSitemap: /sitemap.xml\n"))
        .route("/sitemap.xml", get(async || xml("<sitemapindex><sitemap><loc>http://HOST/more.xml</loc></sitemap></sitemapindex>")))
        .route("/more.xml", get(async || xml("<urlset><url><loc>http://HOST/found/sitemap-nested</loc></url><url><loc>/found/sitemap</loc></url></urlset>")))
        .route("/.well-known/security.txt", get(async || "Contact: mailto:a@b.example\nPolicy: http://HOST/found/security-txt\n"))
        .route("/calendar", get(calendar))
        .layer(middleware::from_fn(move |request: Request, next: Next| named(Arc::clone(&asked), request, next)))
}

/// Notes what was asked, and puts the site's own name where `HOST` stands.
async fn named(asked: Asked, request: Request, next: Next) -> Response {
    asked.lock().unwrap().push(format!("{} {}", request.method(), request.uri()));
    let host =
        request.headers().get("host").and_then(|host| host.to_str().ok()).unwrap_or_default().to_owned();
    let (parts, body) = next.run(request).await.into_parts();
    let bytes = axum::body::to_bytes(body, 1 << 20).await.unwrap();
    let text = String::from_utf8_lossy(&bytes).replace("HOST", &host);
    let mut answer = Response::from_parts(parts, axum::body::Body::from(text));
    answer.headers_mut().remove(header::CONTENT_LENGTH);
    answer
}

async fn start() -> Html<String> {
    let cases = READ.iter().chain(RENDERED).map(|(name, _)| format!("<a href='/case/{name}/'>{name}</a> "));
    let told =
        ["hal", "json-api", "link-head", "redirect"].map(|name| format!("<a href=/told/{name}>{name}</a> "));
    Html(format!(
        "{}{}<a href='/calendar?year=2026&month=1'>calendar</a>",
        cases.collect::<String>(),
        told.concat()
    ))
}

async fn case(Path(name): Path<String>) -> Response {
    match READ.iter().chain(RENDERED).find(|(own, _)| *own == name) {
        Some((_, html)) => {
            Html(format!("<!doctype html><title>{name}</title><h1>{name}</h1>{html}")).into_response()
        }
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

/// A calendar that goes on for ever.
async fn calendar(request: Request) -> Html<String> {
    let query = request.uri().query().unwrap_or_default().to_owned();
    let number = |name: &str| {
        let value = query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
        value.and_then(|value| value.parse::<u32>().ok()).unwrap_or(1)
    };
    let (year, month) = (number("year"), number("month"));
    let days: String = (1..=28)
        .map(|day| format!("<a href='/calendar?year={year}&month={month}&day={day}'>{day}</a>"))
        .collect();
    Html(format!(
        "<h1>{month} {year}</h1>{days}<a href='/calendar?year={}&month={}'>next</a>",
        year + month / 12,
        month % 12 + 1
    ))
}

fn json(text: &'static str) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json")], text)
}

fn xml(text: &'static str) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/xml")], text)
}
