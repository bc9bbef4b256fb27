use http::Request;
use proptest::prelude::*;

use super::*;
use crate::route::{Access, Route};

fn judged(path: &str) -> Result<String, Violation> {
    judge_path(path, false).map(|normal| normal.unwrap_or_else(|| path.to_owned()))
}

#[test]
fn paths_have_one_reading_or_none() {
    use Violation as V;
    let rows = [
        ("/", Ok("/")),
        ("/a/b.c/~d", Ok("/a/b.c/~d")),
        ("/%61dmin", Ok("/admin")),
        ("/caf%c3%a9", Ok("/caf%C3%A9")),
        ("/a%20b", Ok("/a%20b")),
        ("/a%3Bb", Ok("/a%3Bb")),
        ("/...", Ok("/...")),
        ("/.well-known/x", Ok("/.well-known/x")),
        ("/100%25", Ok("/100%25")),
        ("/a/../b", Err(V::DotSegment)),
        ("/a/./b", Err(V::DotSegment)),
        ("/a/..", Err(V::DotSegment)),
        ("/a/%2e%2E/b", Err(V::DotSegment)),
        ("/a/.%2e/b", Err(V::DotSegment)),
        ("/a/..;x=1/b", Err(V::DotSegment)),
        ("/a/..%3bx/b", Err(V::DotSegment)),
        ("/a%2fb", Err(V::EncodedSlash)),
        ("/a%2F..%2Fb", Err(V::EncodedSlash)),
        ("/a%5cb", Err(V::Backslash)),
        ("/a\\b", Err(V::Backslash)),
        ("/a%00", Err(V::ControlCharacter)),
        ("/a%0d%0ab", Err(V::ControlCharacter)),
        ("/a%7f", Err(V::ControlCharacter)),
        ("/a%ff", Err(V::NotText)),
        ("/%c0%ae%c0%ae/x", Err(V::NotText)),
        ("/a%2", Err(V::BrokenTriplet)),
        ("/a%zz", Err(V::BrokenTriplet)),
        ("/a%252e%252e/b", Err(V::DoubleEncoding)),
        ("/a%252fb", Err(V::DoubleEncoding)),
        ("/a%25%32%65%25%32%65/b", Err(V::DoubleEncoding)),
        ("/a%252%66b", Err(V::DoubleEncoding)),
        ("/a%25252f", Err(V::DoubleEncoding)),
        ("/caf\u{e9}", Err(V::NotText)),
    ];
    for (path, expected) in rows {
        assert_eq!(judged(path).as_deref(), expected.as_ref().copied(), "{path}");
    }
    assert_eq!(judge_path("/g%2fn", true), Ok(Some("/g%2Fn".to_owned())));
    assert_eq!(judge_path("/g%2f..%2fn", true), Err(V::DotSegment));
}

#[test]
fn hosts_are_valid_or_refused() {
    for host in ["a", "a.example", "a.example:8080", "127.0.0.1", "[::1]:80", "[2001:db8::1]", "my_host"] {
        assert!(is_host(host.as_bytes()), "{host}");
    }
    let wrong = [
        "",
        " ",
        "a/b",
        "a@b",
        "a.example.",
        ".a",
        "a..b",
        "a:",
        "a:0",
        "a:99999",
        "a:8o",
        "a b",
        "a,b",
        "[::1",
        "[x]",
        "::1",
        "a?b",
        "a#b",
        "a%2e",
        "-\u{e9}",
        "a:80:80",
    ];
    for host in wrong {
        assert!(!is_host(host.as_bytes()), "{host}");
    }
    assert_eq!(host_name("[::1]:80"), "[::1]");
    assert_eq!(host_name("a.example:80"), "a.example");
}

fn host_of(uri: &str, hosts: &[&str], version: Version) -> Result<HeaderValue, Violation> {
    let mut request = Request::builder().uri(uri).version(version);
    for host in hosts {
        request = request.header(HOST, *host);
    }
    judge_host(&request.body(()).unwrap().into_parts().0)
}

#[test]
fn there_is_one_host() {
    use Violation as V;
    let (h1, h2) = (Version::HTTP_11, Version::HTTP_2);
    assert_eq!(host_of("/", &["A.example"], h1), Ok(HeaderValue::from_static("a.example")));
    assert_eq!(host_of("/", &[], h1), Err(V::HostMissing));
    assert_eq!(host_of("/", &["a", "a"], h1), Err(V::HostRepeated));
    assert_eq!(host_of("/", &["a", "b"], h1), Err(V::HostRepeated));
    assert_eq!(host_of("/", &[""], h1), Err(V::HostNotValid));
    assert_eq!(host_of("http://a/", &["b"], h1), Err(V::AuthorityMismatch));
    assert_eq!(host_of("http://a/", &[], h1), Err(V::HostMissing));
    assert_eq!(host_of("http://x@a/", &["x@a"], h1), Err(V::HostNotValid));
    assert_eq!(host_of("https://a/", &[], h2), Ok(HeaderValue::from_static("a")));
    assert_eq!(host_of("https://a/", &["b"], h2), Err(V::AuthorityMismatch));
}

#[test]
fn parameters_and_empty_segments_do_not_lead_past_a_route() {
    let routes = [Route::new("/admin/*", Access::SignedIn, "app"), Route::new("/*", Access::Public, "app")];
    let routes = Arc::new(Routes::compile(&routes).unwrap());
    let check = Normalise::new(&Settings::default(), &routes);
    let run = |path: &str| {
        let request = Request::builder().uri(path).header(HOST, "a").body(()).unwrap();
        let (mut head, ()) = request.into_parts();
        let mut exchange = crate::exchange::tests::exchange(&head);
        check.request(&mut head, &mut exchange).map(|()| exchange.route)
    };
    for path in ["//admin/x", "/;/admin/x", "/admin;a=b/x", "/admin;/x", "/admin//x/..;", "///admin"] {
        assert!(run(path).is_err(), "{path}");
    }
    for (path, route) in
        [("/admin/a;b=c", 0), ("/admin//x", 0), ("/static//x", 1), ("/x;jsessionid=1", 1), ("/admin", 0)]
    {
        assert_eq!(run(path).unwrap(), Some(route), "{path}");
    }
}

#[test]
fn no_reading_of_a_path_leads_past_a_route_that_asks_for_more() {
    let mut admins = Route::new("/team/*", Access::SignedIn, "app");
    admins.roles = vec!["lead".into()];
    let mut read_only = Route::new("/orders/all", Access::SignedIn, "app");
    read_only.methods = vec!["GET".into()];
    let routes = [
        Route::new("/admin/*", Access::SignedIn, "app"),
        Route::new("/Secret", Access::SignedIn, "app"),
        Route::new("/docs/", Access::SignedIn, "app"),
        Route::new("/about", Access::Public, "app"),
        Route::new("/About/", Access::SignedIn, "app"),
        admins,
        read_only,
        Route::new("/*", Access::Public, "app"),
        Route::new("/files/{name}", Access::Public, "app"),
        Route::new("/files/private/*", Access::SignedIn, "app"),
    ];
    let routes = Arc::new(Routes::compile(&routes).unwrap());
    let settings = Settings { encoded_slashes: true, ..Settings::default() };
    let check = Normalise::new(&settings, &routes);
    let run = |method: &str, path: &str| {
        let request = Request::builder().method(method).uri(path).header(HOST, "a").body(()).unwrap();
        let (mut head, ()) = request.into_parts();
        let mut exchange = crate::exchange::tests::exchange(&head);
        check.request(&mut head, &mut exchange).map(|()| exchange.route)
    };
    for path in [
        "/Admin/x",
        "/ADMIN",
        "/Admin;x",
        "/%41dmin/x",
        "/secret",
        "/Secret/",
        "/SECRET/",
        "/docs",
        "/Team/x",
        "/orders/all/",
        "/files/private%2Fx",
        "/x%2F..",
        "/orders/all%3Fx",
        "/orders/all%23/x",
        "/orders/all%20",
        "/orders/all.",
        "/orders/all%3bx=y",
        "/admin%20./x",
        "/admin%3B/x",
    ] {
        assert!(run("GET", path).is_err(), "{path}");
    }
    assert!(run("POST", "/Orders/All").is_err(), "declared with other methods");
    for (path, route) in [
        ("/admin/Own/", 0),
        ("/Secret", 1),
        ("/docs/", 2),
        ("/about", 3),
        ("/About/", 4),
        ("/team/", 5),
        ("/README", 7),
        ("/admin%20guide", 7),
        ("/orders/all.css", 7),
        ("/static/", 7),
        ("/", 7),
        ("/files/Public%2Fx", 8),
    ] {
        assert_eq!(run("GET", path).unwrap(), Some(route), "{path}");
    }
}

#[test]
fn a_target_without_a_path_or_with_a_raw_query_is_refused() {
    let routes = Arc::new(Routes::compile(&[Route::new("/*", Access::Public, "app")]).unwrap());
    let check = Normalise::new(&Settings::default(), &routes);
    let run = |uri: &str| {
        let request = Request::builder().uri(uri).header(HOST, "a").body(()).unwrap();
        let (mut head, ()) = request.into_parts();
        let mut exchange = crate::exchange::tests::exchange(&head);
        check.request(&mut head, &mut exchange).map(|()| head.uri.to_string())
    };
    for uri in ["http://a?/admin", "/?caf\u{e9}"] {
        assert!(run(uri).is_err(), "{uri}");
    }
    assert_eq!(run("http://a/?x").unwrap(), "/?x");
    assert_eq!(run("http://a").unwrap(), "/");
}

proptest! {
    #[test]
    fn the_normal_form_is_stable_and_harmless(path in "/([a-c./;]|%[0-9a-fA-F]{2}|%25){0,12}") {
        if let Ok(normal) = judged(&path) {
            prop_assert_eq!(judged(&normal), Ok(normal.clone()));
            prop_assert!(!normal.split('/').any(|segment| matches!(segment, "." | "..")));
            let lower = normal.to_ascii_lowercase();
            for forbidden in ["%2f", "%5c", "%2e", "%00", "\\"] {
                prop_assert!(!lower.contains(forbidden), "{normal}");
            }
        }
    }

    #[test]
    fn decoding_twice_never_climbs(path in "/([a-c./]|%25|%2e|%2E|%2f|%5c|%32|%35|%65){0,16}") {
        if let Ok(normal) = judged(&path) {
            let mut text = normal;
            for _ in 0..3 {
                text = text.replace("%25", "%").replace("%2e", ".").replace("%2E", ".").replace("%2F", "/").replace("%2f", "/").replace("%5c", "/");
                prop_assert!(!text.split('/').any(|segment| segment == ".."), "{text}");
            }
        }
    }

    #[test]
    fn any_bytes_are_a_host_or_not(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
        if is_host(&bytes) {
            prop_assert!(bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_.:[]".contains(byte)));
            prop_assert!(HeaderValue::from_bytes(&bytes).is_ok());
        }
    }
}
