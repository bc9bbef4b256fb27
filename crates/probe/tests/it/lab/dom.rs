//! Scripts of pages that take what others write, from everywhere to everywhere; and scripts that take care.

use axum::http::header;
use axum::response::{Html, IntoResponse};

use super::{Page, Where, examine, sample};
use crate::browser::had_browser;

/// Where scripts get a text from: name, and a program with `USE(text)` in it.
const SOURCES: &[(&str, &str)] = &[
    ("fragment", "USE(decodeURIComponent(location.hash.slice(1)));"),
    ("fragment as it stands", "if (location.hash) USE(location.hash.slice(1));"),
    (
        "fragment when it changes",
        "const show = () => USE(decodeURIComponent(location.hash.slice(1))); addEventListener('hashchange', show); show();",
    ),
    ("route", "if (location.hash.startsWith('#/')) USE(decodeURIComponent(location.hash.slice(2)));"),
    (
        "parameter of the fragment",
        "const v = new URLSearchParams(location.hash.slice(1)).get('view'); if (v) USE(v);",
    ),
    ("parameter", "const t = new URLSearchParams(location.search).get('tab'); if (t !== null) USE(t);"),
    (
        "parameter by an expression",
        "const m = /[?&]lang=([^&]*)/.exec(location.search); if (m) USE(decodeURIComponent(m[1]));",
    ),
    ("query", "USE(decodeURIComponent(location.search.slice(1)));"),
    ("whole address", "const p = document.URL.split('#')[1]; if (p) USE(decodeURIComponent(p));"),
    ("referrer", "const r = document.referrer.split('?')[1]; if (r) USE(decodeURIComponent(r));"),
    ("name", "if (window.name) USE(window.name);"),
    (
        "message",
        "addEventListener('message', (event) => { if (typeof event.data === 'string') USE(event.data); });",
    ),
    (
        "member of a message",
        "addEventListener('message', (event) => { if (event.data.body) USE(event.data.body.html); });",
    ),
    (
        "message of JSON",
        "onmessage = (event) => { try { const data = JSON.parse(event.data); if (data.html) USE(data.html); } catch (_) { } };",
    ),
    ("kept", "const k = localStorage.getItem('draft'); if (k) USE(k);"),
    ("kept for a tab", "const k = sessionStorage.getItem('draft'); if (k) USE(k);"),
];

/// What scripts do with it.
const SINKS: &[(&str, &str)] = &[
    ("content", "box.innerHTML = s"),
    ("content within a value", "box.innerHTML = '<p title=\"' + s + '\">x</p>'"),
    ("content within an address", "box.innerHTML = '<a href=\"' + s.replace(/\"/g, '') + '\">x</a>'"),
    ("outer content", "box.outerHTML = '<div>' + s + '</div>'"),
    ("content beside", "box.insertAdjacentHTML('beforeend', s)"),
    (
        "fragment of a range",
        "box.append(document.createRange().createContextualFragment('<b>' + s + '</b>'))",
    ),
    ("written", "document.write('<b>' + s + '</b>')"),
    ("evaluated", "try { eval(s) } catch (_) { }"),
    ("evaluated within a text", "eval(\"go('\" + s + \"')\")"),
    ("timer", "setTimeout(\"go('\" + s + \"')\", 0)"),
    ("function", "new Function('a', 'return \"' + s + '\"')(1)"),
    ("address of a link", "link.href = s"),
    ("attribute", "link.setAttribute('href', s)"),
    ("handler", "link.setAttribute('onclick', \"go('\" + s + \"')\")"),
    ("place", "if (s.length > 3) location = s"),
    ("frame's document", "frame.srcdoc = s"),
    ("frame's address", "frame.src = s"),
    ("script's address", "const x = document.createElement('script'); x.src = s; document.body.append(x)"),
    (
        "script's text",
        "const x = document.createElement('script'); x.text = \"go('\" + s + \"')\"; document.body.append(x)",
    ),
];

fn shown(source: &str, sink: &str) -> String {
    let script = source.replace("USE(", "use(");
    format!(
        "<!doctype html><html><body><h1>A page</h1><div id=box></div><a id=link href=\"/\">x</a><iframe id=frame></iframe>\
         <script>function go() {{ }} const box = document.getElementById('box'), link = document.getElementById('link'), \
         frame = document.getElementById('frame'); function use(s) {{ if (!s) return; {sink}; }} {script}</script></body></html>"
    )
}

fn page(source: &str, sink: &str) -> Page {
    let text = shown(source, sink);
    Page::new(Where::Nowhere, "", move |_| Html(text.clone()).into_response())
}

fn pages() -> Vec<Page> {
    let mut all = Vec::new();
    let text = |list: &[(&'static str, &'static str)], name: &str| {
        list.iter().find(|(own, _)| *own == name).unwrap().1
    };
    for (source, program) in SOURCES {
        for sink in ["content", "evaluated within a text", "address of a link"] {
            // What a browser encodes is no markup; an address is one still.
            let encoded = *source == "fragment as it stands" && sink == "content";
            if !encoded {
                all.push(page(program, text(SINKS, sink)).is("source", source).is("sink", sink));
            }
        }
    }
    for (sink, program) in SINKS {
        for source in ["fragment", "message"] {
            // Writing into a page that is done replaces it.
            all.push(page(text(SOURCES, source), program).is("source", source).is("sink", sink));
        }
    }
    all
}

fn alike() -> Vec<Page> {
    let fragment = SOURCES[0].1;
    let mut all = Vec::new();
    for (word, source, sink) in [
        ("text", fragment, "box.textContent = s"),
        (
            "encoded",
            fragment,
            "box.innerHTML = s.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/\"/g, '&quot;')",
        ),
        ("an address with a scheme", fragment, "if (/^https?:/.test(s)) link.href = s"),
        ("a part of an address", fragment, "link.href = '/go?to=' + encodeURIComponent(s)"),
        ("a place within", fragment, "if (s.length > 3) location = '/go?to=' + encodeURIComponent(s)"),
        ("letters only", fragment, "if (/^[a-z0-9]+$/.test(s)) box.innerHTML = '<b>' + s + '</b>'"),
        ("a text of JSON", fragment, "eval('(' + JSON.stringify(s).replace(/</g, '') + ')')"),
        ("a timer's function", fragment, "setTimeout(() => { box.textContent = s; }, 0)"),
        (
            "a message from a friend",
            "addEventListener('message', (event) => { if (event.origin === 'https://shop.example') USE(event.data); });",
            "box.innerHTML = s",
        ),
        (
            "a message as a number",
            "addEventListener('message', (event) => { USE(Number(event.data)); });",
            "box.innerHTML = s",
        ),
        (
            "a chosen one",
            fragment,
            "box.innerHTML = { home: '<b>home</b>', help: '<i>help</i>' }[s] || 'nothing'",
        ),
        (
            "cleaned",
            fragment,
            "const d = new DOMParser().parseFromString(s, 'text/html'); box.innerHTML = ''; box.append(d.body.textContent)",
        ),
        (
            "a template",
            fragment,
            "const t = document.createElement('template'); t.innerHTML = s; box.textContent = t.content.textContent",
        ),
        ("the name as a text", "if (window.name) USE(window.name);", "box.append(s)"),
        (
            "what is kept as a text",
            "const k = localStorage.getItem('draft'); if (k) USE(k);",
            "box.title = s",
        ),
        ("its own place", fragment, "box.innerHTML = '<a href=\"' + location.pathname + '\">x</a>'"),
    ] {
        all.push(page(source, sink).alike(word));
    }
    let text = shown(fragment, "box.innerHTML = s").replace("<script>", "<script nonce=c2VjcmV0>");
    let policy = "script-src 'nonce-c2VjcmV0'; object-src 'none'; base-uri 'none'";
    let answer =
        move |_: &str| ([(header::CONTENT_SECURITY_POLICY, policy)], Html(text.clone())).into_response();
    all.push(Page::new(Where::Nowhere, "", answer).alike("a policy with a nonce"));
    let text = shown(fragment, "box.innerHTML = s");
    let policy = "require-trusted-types-for 'script'";
    let answer =
        move |_: &str| ([(header::CONTENT_SECURITY_POLICY, policy)], Html(text.clone())).into_response();
    all.push(Page::new(Where::Nowhere, "", answer).alike("trusted types"));
    all
}

async fn all_is_found(every: usize) {
    let mut pages = pages();
    pages.extend(alike());
    let table = examine(sample(pages, every), &["xss-dom"], &["xss-dom"]).await;
    if !had_browser(&table.report, "xss-dom") {
        return;
    }
    table.print();
    let (part, alarms) = table.score();
    assert_eq!(alarms, 0);
    assert!(part >= 95.0, "{part}");
}

#[tokio::test]
async fn scripts_of_pages_that_run_what_others_write_are_proven_and_nothing_else_is() {
    all_is_found(6).await;
}
