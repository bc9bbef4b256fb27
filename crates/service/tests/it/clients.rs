//! Clients: registered, changed, given new secrets, removed; all of it on record, no secret in it.

use std::time::Duration;

use gabion_model::{Outcome, Secret};
use gabion_service::client::{AuthenticationMethod, Metadata};
use gabion_service::{ActError, Caller, ClientActError, NewClient};

use crate::world::{World, signed_in};

fn shop() -> NewClient {
    let metadata = Metadata {
        name: "Shop".to_owned(),
        redirect_uris: vec!["https://shop.example/cb".parse().unwrap()],
        ..Metadata::default()
    };
    NewClient { id: Some("shop".to_owned()), metadata, ..NewClient::default() }
}

#[tokio::test]
async fn a_client_from_its_first_day_to_its_last() {
    let world = World::new();
    let (service, operator) = (&world.service, Caller::operator());
    let added = service.add_client(&operator, shop()).await.unwrap();
    let secret = added.secret.unwrap();
    assert_eq!(added.client.secrets.len(), 1);
    assert_eq!(service.add_client(&operator, shop()).await.unwrap_err(), ClientActError::Taken);

    let rotated = service.rotate_client_secret(&operator, "shop", Duration::from_secs(3600)).await.unwrap();
    let second = rotated.secret.unwrap();
    assert_ne!(secret.expose(), second.expose());
    assert_eq!(service.client(&operator, "shop").await.unwrap().secrets.len(), 2);
    world.pass(60);
    assert_eq!(service.client(&operator, "shop").await.unwrap().secrets.len(), 1, "the overlap is over");

    let public = Metadata { authentication: AuthenticationMethod::None, ..shop().metadata };
    let changed = service.change_client(&operator, "shop", public).await.unwrap();
    assert!(changed.secrets.is_empty());
    let none = service.rotate_client_secret(&operator, "shop", Duration::ZERO).await.unwrap_err();
    assert_eq!(none, ClientActError::NoSecret);

    assert!(service.disable_client(&operator, "shop").await.unwrap().disabled);
    assert!(!service.enable_client(&operator, "shop").await.unwrap().disabled);
    service.remove_client(&operator, "shop").await.unwrap();
    assert!(service.list_clients(&operator).await.unwrap().is_empty());
    assert_eq!(service.client(&operator, "shop").await.unwrap_err(), ClientActError::NotFound);
    assert_eq!(service.client(&operator, "nö").await.unwrap_err(), ClientActError::NotFound);

    let events = format!("{:?}", world.events().await);
    for action in ["client.add", "client.change", "client.disable", "client.enable", "client.remove"] {
        let outcomes = world.outcomes(action).await;
        assert_eq!((outcomes[0].0, outcomes[1].0), (Outcome::Begun, Outcome::Success), "{action}");
    }
    assert!(!events.contains(secret.expose().as_str()) && !events.contains(second.expose().as_str()));
}

#[tokio::test]
async fn what_breaks_a_rule_is_refused_with_every_reason() {
    let world = World::new();
    let wrong = NewClient {
        id: Some("not an id".to_owned()),
        metadata: Metadata::default(),
        secret: Some(Secret::new("short".to_owned())),
        ..NewClient::default()
    };
    let refused = world.service.add_client(&Caller::operator(), wrong.clone()).await.unwrap_err();
    assert!(matches!(refused, ClientActError::Invalid(problems) if problems[0].path == "id"));
    let wrong = NewClient { id: None, ..wrong };
    let refused = world.service.add_client(&Caller::operator(), wrong).await.unwrap_err();
    let ClientActError::Invalid(problems) = refused else { panic!("{refused}") };
    let paths: Vec<_> = problems.iter().map(|problem| problem.path.as_str()).collect();
    assert_eq!(paths, ["name", "redirect_uris", "secret"]);
    let member = world.guest("ada", &[]).await;
    let caller = signed_in(&member.session);
    let refused = world.service.add_client(&caller, shop()).await.unwrap_err();
    assert_eq!(refused, ClientActError::Act(ActError::Forbidden));
}
