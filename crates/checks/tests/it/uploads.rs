//! Uploads, as far as a request's head goes.

use gabion_checks::upload::{Kind, RouteUpload};
use gabion_checks::{Mode, Settings};

use crate::world::*;

const FORM: (&str, &str) = ("content-type", "multipart/form-data; boundary=theirs");

#[test]
fn a_form_goes_on_under_another_boundary_and_without_sums_of_what_came() {
    let world = World::new();
    let fields =
        [FORM, ("content-length", "100"), ("content-digest", "sha-256=:AAAA=:"), ("repr-digest", "x")];
    let admitted = world.send(request("POST", "/shop/x", &fields)).admitted();
    assert!(admitted.passage.is_some() && admitted.only_watched.is_none());
    let kind = admitted.head.headers["content-type"].to_str().unwrap();
    assert!(kind.starts_with("multipart/form-data; boundary=\"gabion-") && kind.len() > 70, "{kind}");
    for sum in ["content-digest", "repr-digest"] {
        assert!(!admitted.head.headers.contains_key(sum));
    }
    let again = world.send(request("POST", "/shop/x", &fields)).admitted();
    assert_ne!(admitted.head.headers["content-type"], again.head.headers["content-type"], "drawn for each");
}

#[test]
fn a_watched_form_goes_on_as_it_came() {
    let mut settings = Settings::default();
    settings.upload.mode = Mode::Observe;
    let world = World::with(&settings, &routes());
    let fields = [FORM, ("content-length", "100"), ("content-digest", "sha-256=:AAAA=:")];
    let admitted = world.send(request("POST", "/shop/x", &fields)).admitted();
    assert!(admitted.passage.is_some() && admitted.only_watched == Some("upload"));
    assert_eq!(admitted.head.headers["content-type"], FORM.1);
    assert!(admitted.head.headers.contains_key("content-digest"));
    let file = [("content-type", "image/png"), ("content-length", "100")];
    assert_eq!(world.send(request("PUT", "/shop/x", &file)).status(), 200, "observed only");
}

#[test]
fn bodies_that_are_files_are_taken_where_a_route_says_so() {
    let mut routes = routes();
    let world = World::with(&Settings::default(), &routes);
    let file = [("content-type", "image/png"), ("content-length", "100")];
    assert_eq!(world.send(request("POST", "/shop/x", &file)).status(), 415);
    assert_eq!(world.send(request("POST", "/shop/x", &file[..1])).status(), 200, "there is no body");
    let json = [("content-type", "application/json"), ("content-length", "100")];
    assert!(world.send(request("POST", "/shop/x", &json)).admitted().passage.is_none());
    for route in &mut routes {
        route.upload =
            Some(RouteUpload { types: Some(vec![Kind::Png]), raw: true, ..RouteUpload::default() });
    }
    let world = World::with(&Settings::default(), &routes);
    assert!(world.send(request("POST", "/shop/x", &file)).admitted().passage.is_some());
    assert!(
        world.send(request("POST", "/shop/x", &json)).admitted().passage.is_some(),
        "judged as a file, too"
    );
}

#[test]
fn heads_that_can_be_read_in_two_ways_are_refused() {
    let world = World::new();
    let rows: [(&[(&str, &str)], u16); 6] = [
        (&[("content-type", "multipart/form-data")], 400),
        (&[("content-type", "multipart/form-data; boundary=a; boundary=b")], 400),
        (&[("content-type", "multipart/mixed; boundary=a")], 415),
        (&[("content-type", "text/plain, multipart/form-data; boundary=a")], 415),
        (&[FORM, ("content-type", "text/plain")], 415),
        (&[FORM, ("content-encoding", "gzip")], 415),
    ];
    for (fields, status) in rows {
        let all = [fields, &[("content-length", "10")]].concat();
        assert_eq!(world.send(request("POST", "/shop/x", &all)).status(), status, "{fields:?}");
    }
}
