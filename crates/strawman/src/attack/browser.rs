//! What a page of another site can make the visitor's browser do.

use http::{Method, header};

use super::client::{Call, Reply, encode, marker};
use super::ground::{Attempts, Ground, Seen};
use super::scripting::{inline_scripts_run, three};

pub(super) async fn csrf(ground: &Ground) -> Attempts {
    let email = format!("{}@evil.example", marker());
    let call = Call::post("/profile/email").form(&[("email", &email)]).foreign();
    let form = ground.send_as("bob", call).await;
    let changed = ground.send_as("bob", Call::get("/profile")).await.has(&email);

    let title = marker();
    let draft = serde_json::json!({ "title": title, "body": "from elsewhere" }).to_string();
    let call = Call::post("/api/notes").body("text/plain", draft).foreign();
    let plain = ground.send_as("bob", call).await;
    let noted = ground.send_as("bob", Call::get("/api/notes")).await.has(&title);

    // A sandboxed frame in an older browser: the origin is `null`, and nothing says `Sec-Fetch-Site`.
    let name = format!("{}.txt", marker());
    let call =
        Call::post("/upload").upload(&name, "text/plain", b"from elsewhere").header(header::ORIGIN, "null");
    let multipart = ground.send_as("bob", call).await;
    let kept = ground.send_as("bob", Call::get(format!("/files/{name}"))).await.has("from elsewhere");

    let own = format!("{}@acme.example", marker());
    let reply = ground.send_as("bob", Call::post("/profile/email").form(&[("email", &own)])).await;
    let twin = ground.send_as("bob", Call::get("/profile")).await.has(&own);
    Attempts {
        variants: [
            Seen::reply(changed, "a foreign form has changed bob's e-mail address", &form),
            Seen::reply(noted, "a foreign form has written a note by JSON in text/plain", &plain),
            Seen::reply(kept, "a foreign frame has uploaded a file", &multipart),
        ],
        twin: Seen::reply(twin, "bob has changed his e-mail address", &reply),
    }
}

pub(super) async fn cors(ground: &Ground) -> Attempts {
    let allows = |reply: &Reply, origin: &str| {
        reply.field(header::ACCESS_CONTROL_ALLOW_ORIGIN) == origin
            && reply.field(header::ACCESS_CONTROL_ALLOW_CREDENTIALS) == "true"
    };
    let mut seen = Vec::new();
    for origin in ["https://evil.example", "null"] {
        let reply = ground.send_as("alice", Call::get("/api/me").header(header::ORIGIN, origin)).await;
        let worked = allows(&reply, origin) && reply.text_at("/name") == "alice";
        seen.push(Seen::reply(worked, &format!("the origin {origin} may read alice's data"), &reply));
    }
    let preflight = Call::new(Method::OPTIONS, "/api/profile")
        .header(header::ORIGIN, "https://evil.example")
        .header(header::ACCESS_CONTROL_REQUEST_METHOD, "PATCH")
        .header(header::ACCESS_CONTROL_REQUEST_HEADERS, "content-type");
    let reply = ground.send(preflight).await;
    let worked = reply.is_ok()
        && allows(&reply, "https://evil.example")
        && reply.field(header::ACCESS_CONTROL_ALLOW_METHODS).contains("patch");
    seen.push(Seen::reply(worked, "a foreign origin may send PATCH with JSON", &reply));
    let own = ground.same_origin(Call::get("/api/me"));
    let twin = ground.send_as("alice", own).await;
    Attempts {
        variants: three(seen),
        twin: Seen::reply(twin.text_at("/name") == "alice", "the shop's own page reads alice's data", &twin),
    }
}

pub(super) async fn headers(ground: &Ground) -> Attempts {
    let profile = ground.send_as("alice", Call::get("/profile")).await;
    let framed = profile.is_ok()
        && profile.field(header::X_FRAME_OPTIONS).is_empty()
        && !profile.field(header::CONTENT_SECURITY_POLICY).contains("frame-ancestors");
    let text = ground.send_as("alice", Call::get("/documents?file=guide.txt")).await;
    let sniffed = text.is_ok() && !text.field(header::X_CONTENT_TYPE_OPTIONS).contains("nosniff");
    let home = ground.send(Call::get("/")).await;
    let scripted = home.is_ok() && inline_scripts_run(&home);
    let style = ground.send(Call::get("/style.css")).await;
    let styled = style.is_ok() && style.field(header::CONTENT_TYPE).contains("text/css") && own_styles(&home);
    Attempts {
        variants: [
            Seen::reply(framed, "any site may frame the profile page", &profile),
            Seen::reply(sniffed, "a browser may guess the type of a document", &text),
            Seen::reply(scripted, "no policy keeps foreign scripts from running", &home),
        ],
        twin: Seen::reply(styled && home.has("Reading lamp"), "the start page comes with its style", &home),
    }
}

/// Whether the page's policy lets its own style sheet through.
fn own_styles(page: &Reply) -> bool {
    let policy = page.field(header::CONTENT_SECURITY_POLICY);
    let directive = |name: &str| policy.split(';').map(str::trim).find(|part| part.starts_with(name));
    directive("style-src")
        .or_else(|| directive("default-src"))
        .is_none_or(|sources| sources.contains("'self'"))
}

pub(super) async fn redirect(ground: &Ground) -> Attempts {
    let go = async |to: &str| ground.send(Call::get(format!("/go?to={}", encode(to)))).await;
    let mut seen = Vec::new();
    for to in ["https://evil.example/", "//evil.example/", "/\\evil.example/"] {
        let reply = go(to).await;
        // Browsers read a backslash as a slash.
        let location = reply.field(header::LOCATION).replace('\\', "/");
        let away = location.strip_prefix("https:").unwrap_or(&location).starts_with("//evil.example");
        let worked = (300..400).contains(&reply.status) && away;
        seen.push(Seen::reply(worked, &format!("{to} leads to evil.example"), &reply));
    }
    let twin = go("/shop").await;
    let works = (300..400).contains(&twin.status) && twin.field(header::LOCATION).ends_with("/shop");
    Attempts { variants: three(seen), twin: Seen::reply(works, "the link leads to the shop", &twin) }
}

pub(super) async fn cacheable(ground: &Ground) -> Attempts {
    let mut seen = Vec::new();
    let mut name = false;
    for path in ["/profile", "/api/me", "/orders"] {
        let reply = ground.send_as("alice", Call::get(path)).await;
        let word = reply.field(header::CACHE_CONTROL);
        let stored = !word.contains("no-store")
            && !word.contains("private")
            && (word.contains("public") || word.contains("max-age"));
        name |= reply.is_ok() && reply.has("alice");
        seen.push(Seen::reply(
            reply.is_ok() && stored,
            &format!("every cache may keep {path}: {word}"),
            &reply,
        ));
    }
    let style = ground.send(Call::get("/style.css")).await;
    let kept = style.is_ok() && style.field(header::CACHE_CONTROL).contains("max-age");
    Attempts {
        variants: three(seen),
        twin: Seen::reply(name && kept, "alice's pages come, and the style sheet may be cached", &style),
    }
}

pub(super) async fn host(ground: &Ground) -> Attempts {
    let draft = serde_json::json!({ "title": "Shared", "body": marker() });
    let note = ground.send_as("alice", Call::post("/api/notes").json(&draft)).await;
    let share = || Call::post(format!("/notes/{}/share", note.text_at("/id")));
    let mut seen = Vec::new();
    for (field, value) in
        [("host", "evil.example"), ("x-forwarded-host", "evil.example"), ("forwarded", "host=evil.example")]
    {
        let mut call = share().header(field, value);
        if field == "host" {
            call = call.header(header::ORIGIN, "http://evil.example").header("sec-fetch-site", "same-origin");
        }
        let reply = ground.send_as("alice", call).await;
        let worked = reply.is_ok() && reply.text_at("/link").contains("//evil.example");
        seen.push(Seen::reply(worked, &format!("{field}: the mailed link leads to evil.example"), &reply));
    }
    let shared = ground.send_as("alice", share()).await;
    let twin = match shared.text_at("/path") {
        path if path.is_empty() => shared,
        path => ground.send(Call::get(path)).await,
    };
    let works =
        twin.is_ok() && draft.get("body").and_then(|body| body.as_str()).is_some_and(|text| twin.has(text));
    Attempts { variants: three(seen), twin: Seen::reply(works, "the mailed link shows the note", &twin) }
}
