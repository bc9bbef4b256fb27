//! What answers tell that they should not: internals in errors, secrets in data.

use super::client::{Call, Reply};
use super::ground::{Attempts, Ground, Seen};

pub(super) async fn verbose_errors(ground: &Ground) -> Attempts {
    let id = ground.send(Call::get("/product/abc")).await;
    let sort = ground.send(Call::get("/api/products?sort=nonsense")).await;
    let number = ground.send_as("alice", Call::get("/api/orders/99999999999999999999")).await;
    let known = ground.send(Call::get("/product/1")).await;
    let unknown = ground.send(Call::get("/product/4711")).await;
    let internals = |reply: &Reply| {
        let worked = reply.has("stack backtrace") && reply.has("SELECT ");
        Seen::reply(worked, "the query and a stack trace in the answer", reply)
    };
    Attempts {
        variants: [internals(&id), internals(&sort), internals(&number)],
        twin: Seen::reply(
            known.has("Reading lamp") && unknown.status == 404,
            "a product shows, an unknown one is not found",
            &known,
        ),
    }
}

pub(super) async fn secrets(ground: &Ground) -> Attempts {
    let me = ground.send_as("alice", Call::get("/api/me")).await;
    let people = ground.send_as("alice", Call::get("/api/people")).await;
    let product = ground.send(Call::get("/api/products/1")).await;
    let works = me.text_at("/name") == "alice" && people.has("\"bob\"") && product.has("Reading lamp");
    Attempts {
        variants: [
            Seen::reply(me.has("$argon2id$"), "the password hash in one's own data", &me),
            Seen::reply(people.has("straw_"), "the API tokens of colleagues", &people),
            Seen::reply(product.has("sup-live-"), "the supplier's key in a product", &product),
        ],
        twin: Seen::reply(works, "one's own data, colleagues and products", &me),
    }
}
