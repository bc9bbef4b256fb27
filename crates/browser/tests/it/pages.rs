//! Opening, reading, filling in, clicking; contexts and their cookies; and that nothing is left behind.

use axum::extract::Form;
use axum::response::{Html, Redirect};
use axum::routing::{get, post};
use gabion_browser::{BrowserError, Cookie, Options, Patience, SameSite, Settled, Verdict};
use serde_json::json;
use std::collections::HashMap;
use std::time::Duration;

use crate::harness::{Site, TIME, browser, launch, options, page, patience, until};

#[tokio::test]
async fn a_page_is_opened_and_read() {
    let router = page(
        "/",
        "<!doctype html><title>One</title><p id=a>text</p><script>a.textContent += ' and script'</script>",
    )
    .route("/away", get(async || Redirect::to("/")))
    .route("/teapot", get(async || (axum::http::StatusCode::IM_A_TEAPOT, "short and stout")));
    let site = Site::start(router).await;
    let Some(browser) = browser(&[&site]).await else { return };
    assert!(browser.version().contains('/'));
    let context = browser.context().await.unwrap();
    let page = context.page().await.unwrap();
    let landed = page.goto(&site.url("/away"), patience()).await.unwrap();
    assert_eq!((landed.url, landed.status, landed.settled), (site.url("/"), Some(200), Settled::Quiet));
    assert_eq!(landed.mime, "text/html");
    let html = page.html().await.unwrap();
    assert!(html.starts_with("<!DOCTYPE html>") && html.contains("text and script"), "{html}");
    assert_eq!(page.evaluate("document.title", TIME).await.unwrap(), json!("One"));
    assert_eq!(page.evaluate("Promise.resolve({a: [1]})", TIME).await.unwrap(), json!({ "a": [1] }));
    let thrown = page.evaluate("throw new Error('no')", TIME).await.unwrap_err();
    assert!(thrown.to_string().contains("no"), "{thrown}");
    assert_eq!(page.goto(&site.url("/teapot"), patience()).await.unwrap().status, Some(418));
    assert!(page.picture().await.unwrap().starts_with(b"\x89PNG"));
    page.set_content("<p>other</p>").await.unwrap();
    assert!(page.html().await.unwrap().contains("<p>other</p>"));
}

#[tokio::test]
async fn who_does_not_answer_is_told() {
    let site = Site::of("").await;
    let Some(browser) = browser(&[&site]).await else { return };
    let context = browser.context().await.unwrap();
    let page = context.page().await.unwrap();
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let refused = page.goto(&format!("http://{closed}/"), patience()).await.unwrap_err();
    assert!(matches!(refused, BrowserError::Refused(_)), "{refused}");
    for url in ["file:///etc/passwd", "chrome://version", "view-source:http://a/", "javascript:1", "data:,x"]
    {
        let refused = page.goto(url, patience()).await.unwrap_err();
        assert!(matches!(refused, BrowserError::Refused(_)), "{url}: {refused}");
    }
}

#[tokio::test]
async fn a_missing_browser_is_said_with_a_way_out() {
    let nowhere = Options { search: Some("/nowhere".into()), ..Options::new(|_: &str| Verdict::Refuse) };
    let error = gabion_browser::Browser::launch(nowhere).await.unwrap_err().to_string();
    assert!(error.contains("`chromium`") && error.contains("hint: apt install chromium"), "{error}");
    let wrong = Options { program: Some("/bin/false".into()), ..Options::new(|_: &str| Verdict::Refuse) };
    let wrong = Options { patience: Duration::from_millis(300), ..wrong };
    let error = gabion_browser::Browser::launch(wrong).await.unwrap_err();
    assert!(matches!(error, BrowserError::NotStarted { .. }), "{error}");
}

#[tokio::test]
async fn nothing_is_left_of_a_browser() {
    let site = Site::of("<iframe src=/></iframe>").await;
    let Some(browser) = browser(&[&site]).await else { return };
    let context = browser.context().await.unwrap();
    let page = context.page().await.unwrap();
    page.goto(&site.url("/"), patience()).await.unwrap();
    let group = browser.group().unwrap();
    assert!(alive(group) > 2, "a shell, a browser, a renderer");
    let profile = profile(group);
    assert!(std::path::Path::new(&profile).is_dir());
    drop(browser);
    let gone = tokio::time::timeout(TIME, async {
        while alive(group) > 0 {
            tokio::task::yield_now().await;
        }
    });
    assert!(gone.await.is_ok(), "{} processes are left", alive(group));
    assert!(!std::path::Path::new(&profile).exists(), "its profile is left");
    until("its last process is gone", || naming(&profile).is_empty()).await;
    assert!(matches!(page.html().await, Err(BrowserError::PageLost(_))));
    assert!(matches!(context.page().await, Err(BrowserError::Gone(_))));
}

/// Where a browser keeps its profile, from the command line of its group's leader.
fn profile(group: i32) -> String {
    let line = std::fs::read(format!("/proc/{group}/cmdline")).unwrap();
    let line = String::from_utf8_lossy(&line).into_owned();
    line.split('\0').find_map(|word| word.strip_prefix("--user-data-dir=").map(str::to_owned)).unwrap()
}

/// Command lines in which a path stands.
fn naming(path: &str) -> Vec<String> {
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    processes
        .filter_map(|process| std::fs::read(process.path().join("cmdline")).ok())
        .map(|line| String::from_utf8_lossy(&line).into_owned())
        .filter(|line| line.contains(path))
        .collect()
}

/// Processes of a group that still run.
fn alive(group: i32) -> usize {
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    processes
        .filter_map(|process| std::fs::read_to_string(process.path().join("stat")).ok())
        .filter(|stat| {
            let rest = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
            let words: Vec<&str> = rest.split_whitespace().collect();
            words.first() != Some(&"Z") && words.get(2).is_some_and(|one| *one == group.to_string())
        })
        .count()
}

#[tokio::test]
async fn links_and_forms_are_read_with_what_finds_them_again() {
    let site = Site::of(
        "<base href=/deep/><a href=one>One</a><a href='#x'>x</a><area href=../two><svg><a xlink:href=/three></a></svg>
         <div id=host></div><script>
           host.attachShadow({mode: 'open'}).innerHTML = '<a href=/shadow>in the shade</a><input name=s>';
           Array.prototype.slice = String.prototype.slice = () => 'spoiled';
         </script>
         <form action=/send method=post enctype=multipart/form-data><label>Mail <input name=mail type=email required maxlength=30></label>
         <select name=kind><option value=a>A<option value=b selected>B</select><textarea name=note>old</textarea>
         <input type=hidden name=token value=t><button>Go</button></form>
         <form id=search><input name=q></form><input id=loose placeholder='Search here'>",
    )
    .await;
    let Some(browser) = browser(&[&site]).await else { return };
    let context = browser.context().await.unwrap();
    let page = context.page().await.unwrap();
    page.goto(&site.url("/"), patience()).await.unwrap();
    let links: Vec<String> = page.links().await.unwrap().into_iter().map(|link| link.url).collect();
    let wanted = ["/deep/one", "/deep/#x", "/two", "/three", "/shadow"].map(|path| site.url(path));
    assert_eq!(links, wanted);
    let forms = page.forms().await.unwrap();
    let send = forms.iter().find(|form| form.method == "POST").unwrap();
    assert_eq!((send.action.as_str(), send.method.as_str()), (site.url("/send").as_str(), "POST"));
    assert_eq!(send.enctype, "multipart/form-data");
    let names: Vec<(&str, &str)> =
        send.fields.iter().map(|field| (field.name.as_str(), field.kind.as_str())).collect();
    let wanted =
        [("mail", "email"), ("kind", "select"), ("note", "textarea"), ("token", "hidden"), ("", "button")];
    assert_eq!(names, wanted);
    assert_eq!((send.fields[0].label.as_str(), send.fields[0].max_length), ("Mail", Some(30)));
    assert_eq!((send.fields[1].value.as_str(), send.fields[1].options.len()), ("b", 2));
    assert!(forms.iter().any(|form| form.selector == "#search" && form.fields[0].name == "q"));
    let loose = forms.iter().find(|form| form.loose).unwrap();
    assert_eq!(loose.fields.len(), 2);
    for field in &loose.fields {
        page.fill(&field.selector, "found again").await.unwrap();
    }
    let shade = "document.querySelector('#host').shadowRoot.querySelector('input').value + loose.value";
    assert_eq!(page.evaluate(shade, TIME).await.unwrap(), json!("found againfound again"));
}

#[tokio::test]
async fn a_form_is_filled_in_and_sent() {
    async fn told(Form(form): Form<HashMap<String, String>>) -> Html<String> {
        let mut all: Vec<_> = form.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
        all.sort();
        Html(format!("<p>{}</p>", all.join(" ")))
    }
    let form = "<form action=/send method=post><input name=mail><select name=kind><option>a<option>b</select>
        <input type=checkbox name=yes><textarea name=note></textarea><button id=go>Go</button></form>
        <div id=count>0</div><div id=hidden style='display:none' onclick=\"count.textContent='hidden'\"></div>
        <button id=more onclick=\"count.textContent=event.isTrusted\">More</button>";
    let site = Site::start(page("/", form).route("/send", post(told))).await;
    let Some(browser) = browser(&[&site]).await else { return };
    let context = browser.context().await.unwrap();
    let page = context.page().await.unwrap();
    page.goto(&site.url("/"), patience()).await.unwrap();
    page.click("#more").await.unwrap();
    assert_eq!(page.evaluate("count.textContent", TIME).await.unwrap(), json!("true"), "by the mouse");
    page.click("#hidden").await.unwrap();
    assert_eq!(page.evaluate("count.textContent", TIME).await.unwrap(), json!("hidden"));
    for (selector, value) in [
        ("[name=mail]", "a@b.test"),
        ("[name=kind]", "b"),
        ("[name=yes]", "on"),
        ("[name=note]", "two words"),
    ] {
        page.fill(selector, value).await.unwrap();
    }
    assert!(matches!(page.fill("#none", "x").await, Err(BrowserError::Element(_))));
    assert!(matches!(page.fill("[name=kind]", "c").await, Err(BrowserError::Script(_))));
    assert!(matches!(page.click("#none").await, Err(BrowserError::Element(_))));
    page.click("#go").await.unwrap();
    page.settle(patience()).await.unwrap();
    assert_eq!(page.url(), site.url("/send"));
    assert!(page.html().await.unwrap().contains("kind=b mail=a@b.test note=two words yes=on"));
}

#[tokio::test]
async fn contexts_share_no_cookies() {
    let site = Site::of("<script>document.cookie = 'seen=1'</script>").await;
    let Some(browser) = browser(&[&site]).await else { return };
    let (one, two) = (browser.context().await.unwrap(), browser.context().await.unwrap());
    let page = one.page().await.unwrap();
    page.goto(&site.url("/"), patience()).await.unwrap();
    let mut session = Cookie::new("session", "s", "127.0.0.1");
    (session.http_only, session.same_site) = (true, Some(SameSite::Strict));
    session.expires = Some(4_000_000_000.0);
    one.set_cookies(&[session.clone()]).await.unwrap();
    let mut cookies = one.cookies().await.unwrap();
    cookies.sort_by(|one, other| one.name.cmp(&other.name));
    let names: Vec<&str> = cookies.iter().map(|cookie| cookie.name.as_str()).collect();
    assert_eq!(names, ["seen", "session"]);
    assert!(cookies[1].http_only && cookies[1].same_site == Some(SameSite::Strict));
    assert!(cookies[1].expires.is_some() && cookies[0].expires.is_none());
    assert_eq!(two.cookies().await.unwrap(), []);
    assert_eq!(page.evaluate("document.cookie", TIME).await.unwrap(), json!("seen=1"));
    one.clear_cookies().await.unwrap();
    assert_eq!(one.cookies().await.unwrap(), []);
}

#[tokio::test]
async fn three_pages_work_at_once() {
    let site = Site::of("<button id=b onclick='this.textContent = 1'>0</button>").await;
    let Some(browser) = launch(options(&[&site])).await else { return };
    let context = browser.context().await.unwrap();
    let work = async || {
        let page = context.page().await.unwrap();
        for _ in 0..3 {
            page.goto(&site.url("/"), Patience::within(TIME)).await.unwrap();
            page.click("#b").await.unwrap();
            assert_eq!(page.evaluate("b.textContent", TIME).await.unwrap(), json!("1"));
        }
    };
    tokio::join!(work(), work(), work());
}

#[tokio::test]
async fn frames_of_the_site_are_read_and_filled_in_too() {
    let router = page("/", "<iframe id=f src=/inner/page></iframe><iframe srcdoc='<a href=/doc>d</a>'></iframe>")
        .route("/inner/page", get(async || Html("<a href=next>n</a><form method=post><input name=in><button onclick='done.value = 1'>b</button></form><input id=done>")));
    let site = Site::start(router).await;
    let Some(browser) = browser(&[&site]).await else { return };
    let context = browser.context().await.unwrap();
    let page = context.page().await.unwrap();
    page.goto(&site.url("/"), patience()).await.unwrap();
    let links = page.links().await.unwrap();
    let urls: Vec<&str> = links.iter().map(|link| link.url.as_str()).collect();
    assert_eq!(urls, [site.url("/inner/page"), site.url("/inner/next"), site.url("/doc")]);
    let forms = page.forms().await.unwrap();
    let form = forms.iter().find(|form| !form.loose).unwrap();
    assert_eq!(form.action, site.url("/inner/page"));
    page.fill(&form.fields[0].selector, "typed").await.unwrap();
    let typed = "f.contentDocument.querySelector('[name=in]').value";
    assert_eq!(page.evaluate(typed, TIME).await.unwrap(), json!("typed"));
    page.click(&form.fields[1].selector).await.unwrap();
    page.settle(patience()).await.unwrap();
    assert_eq!(site.asked().last().map(String::as_str), Some("POST /inner/page"));
}
