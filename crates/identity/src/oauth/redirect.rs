//! Redirect URIs as pages and policies name them.

use url::Url;

/// What `form-action` must list for a redirect to the address: an origin, or a scheme with its colon.
/// None for what no policy could name without meaning more.
#[must_use]
pub fn form_action(uri: &str) -> Option<String> {
    let url = Url::parse(uri).ok()?;
    let source = match url.scheme() {
        "https" | "http" => url.origin().ascii_serialization(),
        scheme => format!("{scheme}:"),
    };
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"+-.:/[]".contains(&byte);
    source.bytes().all(fits).then_some(source)
}

/// Where an answer goes, for people: the host, or the scheme of an application on their device.
#[must_use]
pub fn redirect_host(uri: &str) -> String {
    match Url::parse(uri) {
        Ok(url) => match url.host_str() {
            Some(host) if matches!(url.scheme(), "https" | "http") => host.to_owned(),
            _ => format!("{}:", url.scheme()),
        },
        Err(_) => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_policy_can_name_the_origin_and_nothing_more() {
        assert_eq!(form_action("https://app.example/cb?x").as_deref(), Some("https://app.example"));
        assert_eq!(form_action("http://127.0.0.1:8/cb").as_deref(), Some("http://127.0.0.1:8"));
        assert_eq!(form_action("com.example.app:/cb").as_deref(), Some("com.example.app:"));
        assert_eq!(form_action("https://a;script-src.example/"), None);
        assert_eq!(redirect_host("https://app.example:8443/cb"), "app.example");
        assert_eq!(redirect_host("com.example.app:/cb"), "com.example.app:");
    }

    proptest! {
        #[test]
        fn a_source_is_one_word(uri in "[a-z]{1,6}:[ -~]{0,40}") {
            if let Some(source) = form_action(&uri) {
                prop_assert!(!source.contains([' ', ';', ',', '*', '\'']));
            }
        }
    }
}
