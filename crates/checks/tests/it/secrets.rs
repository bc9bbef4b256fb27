//! No secret reaches ledger or access log, wherever in a request it stands.

use gabion_checks::Denial;
use http::Response;

use crate::world::*;

const PLANTED: &str = "s3cr3t-planted-value";

#[test]
fn planted_secrets_stay_out_of_every_record() {
    let world = World::new();
    let (ticket, _) = world.sign_in("alice", &[]);
    let cookie = format!("sid={PLANTED}; __Host-gabion={ticket}");
    let fields = [
        ("cookie", cookie.as_str()),
        ("authorization", PLANTED),
        ("x-api-key", PLANTED),
        ("x-gabion-csrf", PLANTED),
        ("origin", "https://s3cr3t-planted-value.example"),
        ("referer", "https://shop.example/?token=s3cr3t-planted-value"),
    ];
    let query = format!("?token={PLANTED}&password={PLANTED}");
    for path in ["/account/x", "/shop/x", "/admin/x", "/undeclared", "/shop/%2e%2e/x"] {
        for method in ["GET", "POST", "TRACE"] {
            match world.send(request(method, &format!("{path}{query}"), &fields)) {
                Sent::Answered(answer) => {
                    assert!(!String::from_utf8_lossy(answer.body()).contains(PLANTED));
                }
                Sent::Admitted(mut admitted) => {
                    assert!(!format!("{:?}", admitted.exchange.session()).contains(&ticket));
                    let (mut head, ()) =
                        Response::builder().header("set-cookie", PLANTED).body(()).unwrap().into_parts();
                    world.pipeline.response(&mut admitted.exchange, &mut head);
                }
            }
        }
    }
    let admitted = world.send(request("GET", &format!("/shop/x{query}"), &fields[..1])).admitted();
    let _ = world.pipeline.refuse(admitted.exchange, Denial::upstream_timeout());
    let events = world.events();
    assert!(events.len() > 5);
    let records = serde_json::to_string(&events).unwrap() + &world.log.all().join("\n");
    for secret in [PLANTED, ticket.as_str(), "password="] {
        assert!(!records.contains(secret), "{secret} was recorded");
    }
    assert!(world.log.all().len() > 10 && records.contains("/account/x"));
}
