//! What people may not see or do: objects of others, of other tenants, functions of administrators.

use serde_json::json;

use super::client::{Call, marker};
use super::ground::{Attempts, Ground, Seen};

pub(super) async fn idor_user(ground: &Ground) -> Attempts {
    let secret = marker();
    let draft = json!({ "title": "Mine", "body": secret });
    let id = ground.send_as("bob", Call::post("/api/notes").json(&draft)).await.text_at("/id");
    let json_path = format!("/api/notes/{id}");
    let read = ground.send_as("alice", Call::get(json_path.clone())).await;
    let page = ground.send_as("alice", Call::get(format!("/notes/{id}"))).await;
    let changed = marker();
    let replace =
        Call::new(http::Method::PUT, json_path.clone()).json(&json!({ "title": "Mine", "body": changed }));
    let put = ground.send_as("alice", replace).await;
    let after = ground.send_as("bob", Call::get(json_path)).await;
    let own = ground.send_as("alice", Call::post("/api/notes").json(&draft)).await;
    let twin = ground.send_as("alice", Call::get(format!("/api/notes/{}", own.text_at("/id")))).await;
    Attempts {
        variants: [
            Seen::reply(read.has(&secret), "alice reads bob's note", &read),
            Seen::reply(page.has(&secret), "alice reads bob's note on its page", &page),
            Seen::reply(after.has(&changed), "alice has rewritten bob's note", &put),
        ],
        twin: Seen::reply(twin.text_at("/body") == secret, "alice reads her own note", &twin),
    }
}

pub(super) async fn idor_tenant(ground: &Ground) -> Attempts {
    let line = json!({ "product": 6, "quantity": 7 });
    let theirs = ground.send_as("carol", Call::post("/api/orders").json(&line)).await.text_at("/id");
    let read = ground.send_as("alice", Call::get(format!("/api/orders/{theirs}"))).await;
    let invoice = ground.send_as("alice", Call::get(format!("/api/orders/{theirs}/invoice"))).await;
    let list = ground.send_as("alice", Call::get("/api/orders?tenant=globex")).await;
    let mine = ground.send_as("alice", Call::post("/api/orders").json(&line)).await.text_at("/id");
    let twin = ground.send_as("alice", Call::get(format!("/api/orders/{mine}"))).await;
    Attempts {
        variants: [
            Seen::reply(read.text_at("/tenant") == "globex", "acme's alice reads an order of globex", &read),
            Seen::reply(
                invoice.text_at("/billed_to") == "carol@globex.example",
                "acme's alice reads an invoice of globex",
                &invoice,
            ),
            Seen::reply(
                list.is_ok() && list.has("\"globex\""),
                "acme's alice lists the orders of globex",
                &list,
            ),
        ],
        twin: Seen::reply(
            !mine.is_empty() && twin.text_at("/id") == mine && twin.text_at("/tenant") == "acme",
            "alice reads her own order",
            &twin,
        ),
    }
}

pub(super) async fn function_level(ground: &Ground) -> Attempts {
    let page = ground.send_as("alice", Call::get("/admin")).await;
    let users = ground.send_as("alice", Call::get("/api/admin/users")).await;
    let (posted, shown) = announce(ground, "alice").await;
    let (by_ann, twin) = announce(ground, "ann").await;
    Attempts {
        variants: [
            Seen::reply(
                page.is_ok() && page.has("People of"),
                "a member opens the page of administrators",
                &page,
            ),
            Seen::reply(users.is_ok() && users.has("\"role\""), "a member lists accounts and roles", &users),
            Seen::reply(shown, "a member's text is announced on the start page", &posted),
        ],
        twin: Seen::reply(twin, "an administrator's text is announced on the start page", &by_ann),
    }
}

/// Announces something, and looks whether it stands on the start page.
async fn announce(ground: &Ground, name: &str) -> (super::client::Reply, bool) {
    let text = format!("New: {}", marker());
    let posted =
        ground.send_as(name, Call::post("/api/admin/announcement").json(&json!({ "text": text }))).await;
    let shown = ground.send(Call::get("/")).await.has(&text);
    (posted, shown)
}

pub(super) async fn mass_assignment(ground: &Ground) -> Attempts {
    let change = async |fields| {
        ground.send_as("mallory", Call::new(http::Method::PATCH, "/api/profile").json(&fields)).await
    };
    let me = async || ground.send_as("mallory", Call::get("/api/me")).await;
    let mut seen = Vec::new();
    for (field, value, before) in [
        ("role", json!("admin"), json!("member")),
        ("tenant", json!("globex"), json!("acme")),
        ("credit", json!(5000), json!(0)),
    ] {
        let reply = change(json!({ field: value })).await;
        let now = me().await.text_at(&format!("/{field}"));
        let wanted = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        seen.push(Seen::reply(now == wanted, &format!("mallory's {field} is now {now}"), &reply));
        change(json!({ field: before })).await;
    }
    let name = format!("Mallory {}", marker());
    let reply = change(json!({ "display_name": name })).await;
    let twin = me().await.text_at("/display_name") == name;
    Attempts {
        variants: super::scripting::three(seen),
        twin: Seen::reply(twin, "mallory has a new display name", &reply),
    }
}

pub(super) async fn missing_login(ground: &Ground) -> Attempts {
    let customers = ground.send(Call::get("/api/export/customers")).await;
    let orders = ground.send(Call::get("/api/export/orders")).await;
    let settings = ground.send(Call::get("/api/export/configuration")).await;
    let twin = ground.send_as("ann", Call::get("/api/export/customers")).await;
    Attempts {
        variants: [
            Seen::reply(
                customers.is_ok() && customers.has("alice,"),
                "a stranger exports the customers",
                &customers,
            ),
            Seen::reply(orders.is_ok() && orders.has("order 1,"), "a stranger exports the orders", &orders),
            Seen::reply(
                settings.is_ok() && settings.has("\"partner\""),
                "a stranger reads the configuration",
                &settings,
            ),
        ],
        twin: Seen::reply(
            twin.is_ok() && twin.has("alice,"),
            "an administrator exports the customers",
            &twin,
        ),
    }
}
