//! What a new account is called when its person comes from a provider.

use gabion_model::{Rng, random};
use gabion_vault::encoding::base64url_encode;

use super::mapping::Asserted;
use super::settings::ProviderSettings;
use crate::name::AccountName;

/// Names to try in turn; the last is free for all practical purposes.
///
/// Only an address the provider's word counts for becomes a name with `@`: otherwise whoever comes first
/// could take the name under which somebody else would be looked for ("account pre-hijacking").
#[must_use]
pub fn candidates(
    asserted: &Asserted,
    settings: &ProviderSettings,
    provider: &str,
    rng: &dyn Rng,
) -> Vec<AccountName> {
    let mut texts = Vec::new();
    if let Some(email) = asserted.trusted_email(settings) {
        texts.push(email.as_str().to_owned());
    }
    let username = asserted.username.as_deref().and_then(|name| name.split('@').next());
    let username = username.filter(|name| !RESERVED.contains(&name.to_ascii_lowercase().as_str()));
    if let Some(username) = username.filter(|name| name.parse::<AccountName>().is_ok()) {
        texts.push(username.to_owned());
        texts.extend((2..=9).map(|number| format!("{username}-{number}")));
    }
    let tail: String = base64url_encode(&random::bytes::<12>(rng))
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .take(10)
        .collect();
    texts.push(format!("{provider}-{tail}"));
    texts.iter().filter_map(|text| text.parse().ok()).collect()
}

/// Names that mean somebody in particular to people.
const RESERVED: &[&str] = &["admin", "administrator", "gabion", "operator", "root", "support", "system"];

#[cfg(test)]
mod tests {
    use super::*;
    use gabion_model::random::SeededRng;
    use serde_json::{Value, json};

    fn names(claims: &Value, trust_email: bool) -> Vec<String> {
        let settings = ProviderSettings { trust_email, ..ProviderSettings::default() };
        let asserted =
            Asserted::read(&settings, "https://op.example", "7", claims.as_object().unwrap(), None);
        let names = candidates(&asserted, &settings, "op", &SeededRng::new(1));
        names.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_name_that_is_an_address_needs_proof() {
        let claims = json!({"email": "Ada@example.org", "email_verified": true, "preferred_username": "ada"});
        assert_eq!(names(&claims, true)[0], "ada@example.org");
        assert_eq!(names(&claims, false)[..3], ["ada", "ada-2", "ada-3"]);
        let forged = json!({"preferred_username": "boss@example.org"});
        assert!(names(&forged, true).iter().all(|name| !name.contains('@')));
    }

    #[test]
    fn there_is_always_a_name() {
        for claims in
            [json!({}), json!({"preferred_username": "Ädä"}), json!({"preferred_username": "ADMIN"})]
        {
            let names = names(&claims, false);
            assert_eq!(names.len(), 1, "{claims}");
            assert!(names[0].starts_with("op-") && names[0].len() >= 10, "{names:?}");
        }
    }
}
