//! No secret reaches the record or a `Debug` output: secrets are planted everywhere, then searched for.

use gabion_model::Secret;
use gabion_service::{Caller, NewAccount};

use crate::world::{World, anonymous, secret, signed_in};

const PLANTED: &[&str] =
    &["gravel-PLANTED-one-stone", "gravel-PLANTED-two-stones", "gravel-PLANTED-three", "PLANTED-as-name"];

#[tokio::test]
async fn planted_secrets_are_nowhere() {
    let world = World::new();
    let service = &world.service;
    let mut printed = String::new();
    let mut secrets: Vec<String> = PLANTED.iter().map(|text| (*text).to_owned()).collect();
    let mut see = |thing: &dyn std::fmt::Debug| printed.push_str(&format!("{thing:?}\n{thing:#?}\n"));
    let caller = anonymous("203.0.113.7");

    let admin = service.first_administrator_link(&Caller::gate()).await.unwrap().unwrap();
    see(&admin);
    see(&admin.path());
    let accepted = service.accept_invitation(&caller, admin.token.clone(), secret(PLANTED[0])).await;
    see(&accepted);
    let weak = service.accept_invitation(&caller, admin.token.clone(), secret("PLANTED")).await;
    see(&weak);
    let ada = NewAccount { name: "ada".to_owned(), ..NewAccount::default() };
    let link = service.add_account(&Caller::operator(), ada).await.unwrap();
    see(&link);
    service.accept_invitation(&caller, link.token.clone(), secret(PLANTED[0])).await.unwrap();
    let reset = service.reset_account(&Caller::operator(), "ada").await.unwrap();
    service.accept_invitation(&caller, reset.token.clone(), secret(PLANTED[1])).await.unwrap();
    see(&service.invitation(&caller, reset.token.clone()).await);

    let signed = service.sign_in(&caller, "ada", secret(PLANTED[1])).await.unwrap().signed_in().unwrap();
    see(&signed);
    see(&service.sign_in(&caller, "ada", secret(PLANTED[2])).await);
    // People type their password where the name belongs.
    see(&service.sign_in(&caller, PLANTED[3], secret(PLANTED[3])).await);
    let own = signed_in(&signed.session);
    see(&service.change_password(&own, secret(PLANTED[2]), secret(PLANTED[0])).await);
    see(&service.change_password(&own, secret(PLANTED[1]), secret("PLANTED")).await);
    service.change_password(&own, secret(PLANTED[1]), secret(PLANTED[2])).await.unwrap();
    see(&service.sessions(&own).await);
    see(&service.list_accounts(&Caller::operator()).await);
    service.sign_out(&own).await.unwrap();
    see(&world.service);
    see(&own);

    let tokens = [&admin.token, &link.token, &reset.token, &signed.ticket];
    secrets.extend(tokens.map(|token: &Secret<String>| token.expose().clone()));
    secrets.push("$argon2id$".to_owned());
    secrets.push("PLANTED".to_owned());
    let events = world.events().await;
    assert!(events.len() > 20, "the test looks at something");
    for event in &events {
        printed.push_str(&format!("{event:?}\n{}\n", serde_json::to_string(event).unwrap()));
    }
    for planted in &secrets {
        assert!(!printed.contains(planted.as_str()), "`{planted}` was printed or recorded");
    }
}
