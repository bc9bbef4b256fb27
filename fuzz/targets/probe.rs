//! What a hostile target sends is read: heads, codings, pages, cookies, documents, and compared.
#![no_main]

use gabion_probe::compare::Profile;
use gabion_probe::session::{Session, SetCookie};
use gabion_probe::surface::{html, read_openapi, templated};
use gabion_probe::wire::{Answer, Request};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Some(answer) = Answer::of_bytes(bytes) {
        let page = html::read(&answer.text());
        for link in &page.links {
            let _ = templated(link);
        }
        for cookie in answer.fields("set-cookie") {
            let _ = SetCookie::parse(cookie);
        }
        let mut session = Session::default();
        session.learn(&answer);
        let _ = session.apply(&Request::get("/")).curl("http://127.0.0.1", &[]);
        if let Some(profile) = Profile::of(&[&answer]) {
            assert!(profile.fits(&answer, "", ""));
        }
        let _ = answer.json();
    }
    if let Ok(text) = std::str::from_utf8(bytes)
        && let Ok(told) = read_openapi(text)
    {
        for operation in told.operations {
            if let Some(body) = &operation.body {
                let _ = gabion_probe::sample::sample(&body.schema, "");
            }
        }
    }
});
