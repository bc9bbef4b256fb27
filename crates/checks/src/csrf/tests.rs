use proptest::prelude::*;

use super::*;

fn evidence<'a>(site: Option<&'a str>, origin: Option<&'a HeaderValue>) -> Evidence<'a> {
    Evidence {
        acts: true,
        sec_fetch_site: site.map(str::as_bytes),
        origin,
        host: b"shop.example",
        secure: true,
        trusted: &[],
        signed_in: true,
        token: false,
    }
}

#[test]
fn the_matrix() {
    use Violation as V;
    let own = HeaderValue::from_static("https://shop.example");
    let evil = HeaderValue::from_static("https://evil.example");
    let null = HeaderValue::from_static("null");
    let plain = HeaderValue::from_static("http://shop.example");
    let rows = [
        (Some("same-origin"), Some(&own), Ok(())),
        (Some("same-origin"), None, Ok(())),
        (Some("none"), None, Ok(())),
        (Some("same-site"), Some(&own), Err(V::CrossSite)),
        (Some("cross-site"), Some(&evil), Err(V::CrossSite)),
        (Some("cross-site"), None, Err(V::CrossSite)),
        (Some("Same-Origin"), Some(&own), Err(V::CrossSite)),
        (Some(""), None, Err(V::CrossSite)),
        (None, Some(&own), Ok(())),
        (None, Some(&evil), Err(V::ForeignOrigin)),
        (None, Some(&null), Err(V::ForeignOrigin)),
        (None, Some(&plain), Err(V::ForeignOrigin)),
        (None, None, Err(V::TokenMissing)),
    ];
    for (site, origin, expected) in rows {
        assert_eq!(verify(&evidence(site, origin)), expected, "{site:?} {origin:?}");
        assert_eq!(
            verify(&Evidence { acts: false, ..evidence(site, origin) }),
            Ok(()),
            "{site:?} {origin:?}"
        );
    }
    assert_eq!(verify(&Evidence { token: true, ..evidence(None, None) }), Ok(()));
    assert_eq!(verify(&Evidence { signed_in: false, ..evidence(None, None) }), Ok(()));
    let trusted = [evil.clone()];
    assert_eq!(verify(&Evidence { trusted: &trusted, ..evidence(Some("cross-site"), Some(&evil)) }), Ok(()));
    assert_eq!(verify(&Evidence { secure: false, ..evidence(None, Some(&plain)) }), Ok(()));
}

#[test]
fn default_ports_are_the_same_origin() {
    let origin = HeaderValue::from_static("https://shop.example");
    assert_eq!(verify(&Evidence { host: b"shop.example:443", ..evidence(None, Some(&origin)) }), Ok(()));
    let other = Evidence { host: b"shop.example:8443", ..evidence(None, Some(&origin)) };
    assert_eq!(verify(&other), Err(Violation::ForeignOrigin));
}

proptest! {
    #[test]
    fn no_foreign_origin_acts(name in "[a-z.:/@-]{0,24}", prefix: bool, site in proptest::option::of("same-site|cross-site|[a-z]{0,6}")) {
        let text = if prefix { format!("https://shop.example{name}") } else { format!("https://{name}") };
        prop_assume!(text != "https://shop.example" && site.as_deref() != Some("none"));
        let origin = HeaderValue::from_str(&text).unwrap();
        prop_assert!(verify(&evidence(site.as_deref(), Some(&origin))).is_err());
    }

    #[test]
    fn a_token_is_bound_to_its_session(one in "[a-z]{1,12}", other in "[a-z]{1,12}") {
        let routes = Routes::compile(&[]).unwrap();
        let csrf = Csrf::new(&Settings::default(), &routes, &Arc::new(Secret::new([7; 32])));
        let (a, b) = (csrf.token(&SessionId::new(&one)), csrf.token(&SessionId::new(&other)));
        prop_assert_eq!(a == b, one == other);
    }
}
