//! Authorization requests: parameters, `claims`, scopes and redirect addresses.
#![no_main]

use gabion_identity::oauth::client::RedirectUri;
use gabion_identity::oauth::redirect::{form_action, redirect_host};
use gabion_identity::oauth::{ClaimsRequest, Parameters, Scopes, refresh, resource};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(parameters) = Parameters::parse(text) {
        for name in parameters.names() {
            assert!(!parameters.all(name).is_empty(), "a parameter without a value is not there");
        }
        for part in ["claims", "scope", "redirect_uri", "resource", "refresh_token"] {
            parameters.all(part).iter().for_each(|value| read(value));
        }
    }
    read(text);
});

fn read(text: &str) {
    if let Ok(claims) = ClaimsRequest::parse(text) {
        let stored = serde_json::to_string(&claims).expect("claims are stored");
        assert_eq!(serde_json::from_str::<ClaimsRequest>(&stored).expect("and read"), claims);
    }
    if let Some(scopes) = Scopes::parse(text) {
        assert_eq!(Scopes::parse(&scopes.to_string()), Some(scopes), "one spelling");
    }
    if let Ok(uri) = text.parse::<RedirectUri>() {
        assert!(uri.matches(text), "a registered address is itself");
    }
    if let Some(source) = form_action(text) {
        assert!(!source.contains([' ', ';', ',', '*', '\'']), "one word of a policy: {source:?}");
    }
    let _ = (redirect_host(text), refresh::read(text), resource::is_resource(text));
}
