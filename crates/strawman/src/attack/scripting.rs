//! Scripts of the attacker in pages of the application. An attempt counts when a browser would run the script:
//! the markup must stand on the page as it was sent, and the page's Content-Security-Policy must let it run.

use http::header;

use super::client::{Call, Reply, encode, marker};
use super::ground::{Attempts, Ground, Seen, described};

pub(super) async fn reflected(ground: &Ground) -> Attempts {
    let (inline, handler) = inline_payloads();
    let mut seen = Vec::new();
    for payload in [&inline, &handler] {
        let page = ground.send_as("alice", Call::get(format!("/shop?category={}", encode(payload)))).await;
        seen.push(inline_seen(&page, payload));
    }
    let (path, loaded) = upload_script(ground).await;
    let payload = format!("<script src=\"{path}\"></script>");
    let page = ground.send_as("alice", Call::get(format!("/shop?category={}", encode(&payload)))).await;
    seen.push(external_seen(&page, &payload, loaded));
    let twin = ground.send(Call::get("/shop?category=lamps")).await;
    let works = twin.has("Reading lamp") && twin.has("lamps") && !twin.has("Brass pencil");
    Attempts { variants: three(seen), twin: Seen::reply(works, "the category shows its products", &twin) }
}

pub(super) async fn stored(ground: &Ground) -> Attempts {
    let (inline, handler) = inline_payloads();
    let mut seen = Vec::new();
    for payload in [&inline, &handler] {
        seen.push(inline_seen(&plant(ground, payload).await, payload));
    }
    let (path, loaded) = upload_script(ground).await;
    let payload = format!("<script src=\"{path}\"></script>");
    seen.push(external_seen(&plant(ground, &payload).await, &payload, loaded));
    let text = format!("Wicks for {}", marker());
    let twin = plant(ground, &text).await;
    Attempts {
        variants: three(seen),
        twin: Seen::reply(twin.is_ok() && twin.has(&text), "the colleague reads the shared note", &twin),
    }
}

/// Whether the page's policy lets scripts run that stand in its text.
pub(super) fn inline_scripts_run(page: &Reply) -> bool {
    script_sources(page).iter().all(|sources| sources.iter().any(|source| source == "'unsafe-inline'"))
}

/// Whether the page's policy lets scripts of the same origin run.
fn own_scripts_run(page: &Reply) -> bool {
    let own = |source: &String| matches!(source.as_str(), "'self'" | "*" | "http:" | "https:");
    script_sources(page).iter().all(|sources| sources.iter().any(own))
}

/// What each policy of the page says of scripts; a policy that says nothing is left out.
fn script_sources(page: &Reply) -> Vec<Vec<String>> {
    let field = page.field(header::CONTENT_SECURITY_POLICY);
    let sources = |policy: &str| {
        let directive = |name: &str| {
            policy.split(';').find_map(|part| {
                let mut words = part.split_whitespace();
                (words.next() == Some(name)).then(|| words.map(str::to_owned).collect::<Vec<_>>())
            })
        };
        directive("script-src").or_else(|| directive("default-src"))
    };
    field.split(',').filter_map(sources).collect()
}

fn inline_payloads() -> (String, String) {
    let name = marker();
    (
        format!("<script>console.log('{name}')</script>"),
        format!("<img src=x onerror=\"console.log('{name}')\">"),
    )
}

/// Writes a note as mallory, shares it, and opens the link as alice.
async fn plant(ground: &Ground, text: &str) -> Reply {
    let draft = serde_json::json!({ "title": "Have a look", "body": text });
    let note = ground.send_as("mallory", Call::post("/api/notes").json(&draft)).await;
    let share = Call::post(format!("/notes/{}/share", note.text_at("/id")));
    let shared = ground.send_as("mallory", share).await;
    let path = shared.text_at("/path");
    if path.is_empty() {
        return shared;
    }
    ground.send_as("alice", Call::get(path)).await
}

/// Uploads a script as mallory. Answers its path, and whether alice's browser would take it for a script.
async fn upload_script(ground: &Ground) -> (String, bool) {
    let name = format!("{}.js", marker());
    let call = Call::post("/upload").upload(&name, "text/javascript", b"console.log('strawman');");
    let uploaded = ground.send_as("mallory", call).await;
    let path = match uploaded.text_at("/path") {
        path if path.is_empty() => format!("/files/{name}"),
        path => path,
    };
    let script = ground.send_as("alice", Call::get(path.clone())).await;
    let typed = script.field(header::CONTENT_TYPE).contains("javascript");
    (path, script.is_ok() && typed && script.has("console.log"))
}

fn inline_seen(page: &Reply, payload: &str) -> Seen {
    match (on_page(page, payload), inline_scripts_run(page)) {
        (true, true) => Seen::new(true, "the script stands on the page and runs"),
        (true, false) => {
            Seen::new(false, "no: the script stands on the page, its policy does not let it run")
        }
        (false, _) => Seen::new(false, format!("no: {}, no script on the page", described(page))),
    }
}

fn external_seen(page: &Reply, payload: &str, loaded: bool) -> Seen {
    match (on_page(page, payload), loaded && own_scripts_run(page)) {
        (true, true) => Seen::new(true, "an uploaded script is on the page and runs"),
        (true, false) => Seen::new(false, "no: the reference stands on the page, the script does not load"),
        (false, _) => Seen::new(false, format!("no: {}, no script on the page", described(page))),
    }
}

fn on_page(page: &Reply, payload: &str) -> bool {
    page.is_ok() && page.has(payload) && page.field(header::CONTENT_TYPE).contains("html")
}

/// The first three.
pub(super) fn three(seen: Vec<Seen>) -> [Seen; 3] {
    let mut seen = seen.into_iter();
    std::array::from_fn(|_| seen.next().unwrap_or_else(|| Seen::new(false, "no: not tried")))
}
