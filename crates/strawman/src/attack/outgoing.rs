//! Requests the application makes for the attacker, and requests it believes without asking for a signature.

use gabion_model::{Clock, SystemClock};
use serde_json::json;

use super::canary::Canary;
use super::client::{Call, Reply, marker};
use super::ground::{Attempts, Ground, Seen};
use super::scripting::three;
use crate::app::webhook::{FIELDS, SECRET, signature};

pub(super) async fn ssrf(ground: &Ground) -> Attempts {
    let preview =
        async |url: &str| ground.send_as("alice", Call::post("/preview").form(&[("url", url)])).await;
    let mut seen = Vec::new();
    // The same address in three spellings: a list of forbidden texts misses one.
    for host in ["127.0.0.1", "localhost", "2130706433"] {
        let canary = Canary::start().await;
        let reply = preview(&canary.url(host)).await;
        let told = reply.is_ok() && canary.told(&reply.body);
        seen.push(Seen::reply(told, &format!("the answer of a server inside, reached as {host}"), &reply));
    }
    let form = ground.send_as("alice", Call::get("/preview")).await;
    let partner = form.body.split("<code>").nth(1).and_then(|rest| rest.split("</code>").next());
    let twin = match partner {
        Some(url) => preview(url).await,
        None => form,
    };
    Attempts {
        variants: three(seen),
        twin: Seen::reply(
            twin.is_ok() && twin.has("recycled cotton"),
            "the preview shows the partner's news",
            &twin,
        ),
    }
}

pub(super) async fn webhook(ground: &Ground) -> Attempts {
    let now = SystemClock.now().as_secs();
    let mut seen = Vec::new();
    for (what, signed) in [
        ("unsigned", None),
        ("signed with a secret of the attacker's", Some(("whsec_Z3Vlc3NlZC1ieS1hbi1hdHRhY2tlci0wMDA=", now))),
        ("a message from an hour ago, sent again,", Some((SECRET, now - 3600))),
    ] {
        let (reply, paid) = report(ground, signed).await;
        seen.push(Seen::reply(paid, &format!("{what} and the order is paid"), &reply));
    }
    let (reply, paid) = report(ground, Some((SECRET, now))).await;
    Attempts {
        variants: three(seen),
        twin: Seen::reply(paid, "a message of the payment provider, and the order is paid", &reply),
    }
}

/// Orders something as alice, reports it paid, and looks whether it is.
async fn report(ground: &Ground, signed: Option<(&str, i64)>) -> (Reply, bool) {
    let line = json!({ "product": 1, "quantity": 1 });
    let order = ground.send_as("alice", Call::post("/api/orders").json(&line)).await.text_at("/id");
    let number: i64 = order.parse().unwrap_or_default();
    let id = format!("evt-{}", marker());
    let body = json!({ "id": id, "order": number, "status": "paid" }).to_string();
    let mut call = Call::post("/hooks/payment").body("application/json", body.clone());
    if let Some((secret, seconds)) = signed {
        let values = [id.clone(), seconds.to_string(), signature(secret, &id, seconds, &body)];
        for (name, value) in FIELDS.iter().zip(&values) {
            call = call.header(name, value);
        }
    }
    let reply = ground.send(call).await;
    let order = ground.send_as("alice", Call::get(format!("/api/orders/{order}"))).await;
    (reply, order.text_at("/status") == "paid")
}
