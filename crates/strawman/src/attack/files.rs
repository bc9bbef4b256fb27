//! Files the attacker should not get, and files the attacker should not be able to leave.

use http::header;

use super::client::{Call, encode, marker};
use super::ground::{Attempts, Ground, Seen};
use super::scripting::three;

pub(super) async fn path_traversal(ground: &Ground) -> Attempts {
    let read = async |file: &str| {
        ground.send_as("alice", Call::get(format!("/documents?file={}", encode(file)))).await
    };
    let climbing = read("../secrets/master.key").await;
    let absolute = read("/etc/passwd").await;
    let winding = read("../uploads/../secrets/master.key").await;
    let twin = read("guide.txt").await;
    Attempts {
        variants: [
            Seen::reply(climbing.has("strawman-master-key"), "the master key", &climbing),
            Seen::reply(absolute.has("root:"), "/etc/passwd", &absolute),
            Seen::reply(winding.has("strawman-master-key"), "the master key, by a detour", &winding),
        ],
        twin: Seen::reply(twin.is_ok() && twin.has("kettle"), "the guide", &twin),
    }
}

pub(super) async fn unsafe_upload(ground: &Ground) -> Attempts {
    let script = format!("console.log('{}')", marker());
    let page = format!("<!doctype html><script>{script}</script>");
    let picture = format!("<svg xmlns=\"http://www.w3.org/2000/svg\"><script>{script}</script></svg>");
    let mut seen = Vec::new();
    for (extension, kind, content) in
        [("html", "text/html", page), ("svg", "image/svg+xml", picture), ("js", "text/javascript", script)]
    {
        let call =
            Call::post("/upload").upload(&format!("{}.{extension}", marker()), kind, content.as_bytes());
        let uploaded = ground.send_as("mallory", call).await;
        let path = uploaded.text_at("/path");
        if path.is_empty() {
            seen.push(Seen::reply(false, "", &uploaded));
            continue;
        }
        let served = ground.send_as("alice", Call::get(path)).await;
        let there = served.is_ok() && served.has(&content);
        let active = if extension == "js" {
            served.field(header::CONTENT_TYPE).contains("javascript")
        } else {
            served.field(header::CONTENT_TYPE).contains(kind)
                && !served.field(header::CONTENT_DISPOSITION).contains("attachment")
        };
        seen.push(Seen::reply(
            there && active,
            &format!("an uploaded {extension} file comes back as active content of the shop"),
            &served,
        ));
    }
    let text = format!("Milk, wicks and {}", marker());
    let kept = ground
        .send_as("alice", Call::post("/upload").upload("list.txt", "text/plain", text.as_bytes()))
        .await;
    let twin = ground.send_as("alice", Call::get(kept.text_at("/path"))).await;
    Attempts {
        variants: three(seen),
        twin: Seen::reply(twin.is_ok() && twin.body == text, "the uploaded list comes back", &twin),
    }
}
