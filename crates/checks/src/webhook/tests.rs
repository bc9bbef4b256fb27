use std::collections::BTreeMap;

use super::*;
use gabion_model::Secret;

fn senders(toml: &[(&str, SenderSettings)]) -> Result<Senders, Vec<Problem>> {
    let settings: BTreeMap<_, _> =
        toml.iter().map(|(name, settings)| ((*name).to_owned(), settings.clone())).collect();
    Senders::read(&settings, |from| match from.env.as_deref() {
        Some("SECRET") => Ok(Secret::new("a secret of many bytes".to_owned())),
        Some("SHORT") => Ok(Secret::new("short".to_owned())),
        _ => Err("is not set".to_owned()),
    })
}

fn env(name: &str) -> SecretFrom {
    SecretFrom { file: None, env: Some(name.to_owned()) }
}

#[test]
fn problems_name_their_place_and_not_the_secret() {
    let settings = SenderSettings {
        secrets: vec![env("SECRET"), env("SHORT"), env("NONE")],
        ..SenderSettings::new(SchemeName::Github)
    };
    let problems = senders(&[("forge", settings)]).unwrap_err();
    let said: Vec<_> = problems.iter().map(ToString::to_string).collect();
    assert_eq!(problems.len(), 2, "{said:?}");
    assert_eq!(problems[0].path, "webhooks.forge.secrets[1].env");
    assert_eq!(problems[1].path, "webhooks.forge.secrets[2].env");
    assert!(said.iter().all(|text| !text.contains("short\"") && !text.contains("many bytes")), "{said:?}");
}

#[test]
fn what_a_scheme_says_itself_cannot_be_said_again() {
    let settings = SenderSettings {
        secrets: vec![env("SECRET")],
        header: Some("X-Signature".to_owned()),
        tolerance: gabion_model::Period::from_secs(0),
        ..SenderSettings::new(SchemeName::Stripe)
    };
    let paths: Vec<_> = settings.problems().into_iter().map(|problem| problem.path).collect();
    assert_eq!(paths, ["tolerance", "header"]);
    let custom = SenderSettings { secrets: vec![env("SECRET")], ..SenderSettings::new(SchemeName::Custom) };
    assert_eq!(custom.problems()[0].path, "header");
    let custom = SenderSettings {
        header: Some("X-Signature".to_owned()),
        signed: Some("{id}.{body}".to_owned()),
        ..custom
    };
    assert_eq!(custom.problems()[0].path, "signed");
    assert!(SenderSettings { id_header: Some("X-Id".to_owned()), ..custom }.problems().is_empty());
}

#[test]
fn a_repeated_field_is_refused() {
    let settings = SenderSettings { secrets: vec![env("SECRET")], ..SenderSettings::new(SchemeName::Github) };
    let sender = senders(&[("forge", settings)]).unwrap().find("forge").unwrap();
    let fields = webhook::sign(sender.scheme(), sender.keys(), "1", 0, b"{}").unwrap();
    let mut headers = HeaderMap::new();
    for (name, value) in &fields {
        headers.append(HeaderName::from_bytes(name.as_bytes()).unwrap(), value.parse().unwrap());
    }
    assert!(verify(&sender, &headers, b"{}", 0).is_ok());
    headers.append("x-hub-signature-256", fields[1].1.parse().unwrap());
    assert_eq!(verify(&sender, &headers, b"{}", 0), Err(webhook::Violation::HeaderRepeated));
}
