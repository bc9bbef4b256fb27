use http::Method;
use proptest::prelude::*;

use super::*;

fn found(routes: &[Route], host: &str, path: &str, method: &Method) -> Option<usize> {
    match Routes::compile(routes).unwrap().find(host, path, method) {
        Found::Route(index) => Some(index),
        Found::OtherMethods(_) | Found::Nothing => None,
    }
}

#[test]
fn the_most_specific_route_wins_whatever_the_order() {
    let paths = ["/*", "/users/*", "/users/{id}", "/users/me", "/users/{id}/keys", "/health"];
    let rows = [
        ("/", "/*"),
        ("/users", "/users/*"),
        ("/users/", "/users/*"),
        ("/users/7", "/users/{id}"),
        ("/users/me", "/users/me"),
        ("/users/7/keys", "/users/{id}/keys"),
        ("/users/7/other", "/users/*"),
        ("/health", "/health"),
        ("/health/", "/*"),
        ("/healthy", "/*"),
        ("/usersx", "/*"),
    ];
    for turn in 0..paths.len() {
        let mut turned = paths;
        turned.rotate_left(turn);
        let routes = turned.map(|path| Route::new(path, Access::Public, "app"));
        for (path, expected) in rows {
            let index = found(&routes, "a.example", path, &Method::GET).unwrap();
            assert_eq!(routes[index].path, expected, "{path}");
        }
    }
}

#[test]
fn named_hosts_come_before_patterns_and_patterns_before_every_host() {
    let mut routes = [
        Route::new("/*", Access::Public, "any"),
        Route::new("/*", Access::Public, "pattern"),
        Route::new("/*", Access::Public, "named"),
    ];
    routes[1].hosts = vec!["*.example".into()];
    routes[2].hosts = vec!["a.example".into()];
    assert_eq!(found(&routes, "a.example", "/x", &Method::GET), Some(2));
    assert_eq!(found(&routes, "b.example", "/x", &Method::GET), Some(1));
    assert_eq!(found(&routes, "example", "/x", &Method::GET), Some(0));
    assert_eq!(found(&routes, "evilexample", "/x", &Method::GET), Some(0), "a suffix is not a subdomain");
    let named = Routes::compile(&routes[1..]).unwrap();
    assert!(named.knows_host("a.example") && !named.knows_host("evil.test"));
}

#[test]
fn methods_are_part_of_the_declaration() {
    let mut route = Route::new("/orders", Access::Public, "app");
    route.methods = vec!["GET".into(), "POST".into()];
    let routes = Routes::compile(&[route]).unwrap();
    assert_eq!(routes.find("a", "/orders", &Method::HEAD), Found::Route(0), "HEAD comes with GET");
    assert_eq!(routes.find("a", "/orders", &Method::DELETE), Found::OtherMethods(0));
    assert_eq!(routes.find("a", "/other", &Method::GET), Found::Nothing);
}

#[test]
fn a_method_that_is_not_declared_does_not_fall_through_to_a_wider_route() {
    let mut read = Route::new("/admin/{page}", Access::SignedIn, "app");
    read.methods = vec!["GET".into()];
    let mut write = Route::new("/admin/{id}", Access::SignedIn, "app");
    write.methods = vec!["POST".into()];
    let routes = Routes::compile(&[Route::new("/*", Access::Public, "app"), read, write]).unwrap();
    assert_eq!(routes.find("a", "/admin/x", &Method::GET), Found::Route(1));
    assert_eq!(routes.find("a", "/admin/x", &Method::POST), Found::Route(2));
    assert_eq!(routes.find("a", "/admin/x", &Method::DELETE), Found::OtherMethods(1));
    assert_eq!(routes.find("a", "/other", &Method::DELETE), Found::Route(0));
}

#[test]
fn the_gates_own_paths_cannot_be_taken() {
    let routes = Routes::compile(&[Route::new("/*", Access::Public, "app")]).unwrap();
    for path in ["/.gabion/login", "/.gabion/anything", "/.gabion", "/.well-known/jwks.json"] {
        let Found::Route(index) = routes.find("a", path, &Method::GET) else { panic!("{path}") };
        assert!(routes.get(index).unwrap().is_own(), "{path}");
    }
    assert!(Routes::compile(&[Route::new("/.gabion/login", Access::Public, "app")]).is_err());
    let mut named = Route::new("/*", Access::Public, "app");
    named.hosts = vec!["a.example".into()];
    let routes = Routes::compile(&[named]).unwrap();
    let Found::Route(index) = routes.find("a.example", "/.gabion/login", &Method::GET) else { panic!() };
    assert!(routes.get(index).unwrap().is_own(), "a route with a host is no more specific than the gate");
}

#[test]
fn all_problems_are_found_at_once() {
    let mut route = Route::new("no-slash", Access::Public, "app");
    route.hosts = vec!["HTTPS://x".into()];
    route.methods = vec!["get".into()];
    route.roles = vec!["admin".into()];
    route.csrf_off = Some(" ".into());
    route.cors_origins = Some(vec!["*.example".into()]);
    let twin = Route::new("/a", Access::Public, "app");
    let problems = Routes::compile(&[route, twin.clone(), twin]).unwrap_err();
    let paths: Vec<_> = problems.iter().map(|problem| problem.path.as_str()).collect();
    assert_eq!(
        paths,
        [
            "routes[0].path",
            "routes[0].hosts[0]",
            "routes[0].methods[0]",
            "routes[0].roles",
            "routes[0].csrf_off",
            "routes[0].cors_origins[0]",
            "routes[2]"
        ]
    );
}

proptest! {
    #[test]
    fn any_pattern_is_parsed_or_refused_and_any_path_is_matched_or_not(
        pattern in "[/a-b*{}.%]{0,12}", path in "/[/a-b.]{0,12}",
    ) {
        if let Ok(pattern) = Pattern::parse(&pattern) {
            let _ = pattern.matches(&path);
        }
    }

    #[test]
    fn a_literal_pattern_matches_itself_only(segments in proptest::collection::vec("[ab]{1,2}", 1..4), path in "(/[ab]{1,2}){1,3}") {
        let text = format!("/{}", segments.join("/"));
        let pattern = Pattern::parse(&text).unwrap();
        prop_assert_eq!(pattern.matches(&path), path == text);
        let below = Pattern::parse(&format!("{text}/*")).unwrap();
        let under = path == text || path.starts_with(&format!("{text}/"));
        prop_assert_eq!(below.matches(&path), under);
    }
}
