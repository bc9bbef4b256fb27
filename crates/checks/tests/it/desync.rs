//! The cases of aws/http-desync-guardian, as far as they can be said in typed heads. What cannot be said
//! (control characters in names, versions that do not exist) never gets past the parser; the raw forms
//! are tests of the gateway.

use std::path::PathBuf;

use http::{HeaderName, HeaderValue, Method, Request, Uri, Version};

use crate::world::*;

#[derive(Debug, Default)]
struct Case {
    name: String,
    uri: String,
    method: String,
    version: String,
    headers: Vec<(String, String)>,
    tier: String,
    reason: String,
}

#[test]
fn no_dangerous_case_is_passed_on() {
    let Some(folder) = folder() else {
        println!("skipped: no_dangerous_case_is_passed_on: no test data");
        return;
    };
    let (mut all, mut said) = (0, 0);
    let mut passed = Vec::new();
    let mut refused = Vec::new();
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "yaml") {
            continue;
        }
        for case in read(&std::fs::read_to_string(&path).unwrap()) {
            all += 1;
            let Some(request) = say(&case) else { continue };
            said += 1;
            let world = World::with(
                &gabion_checks::Settings::default(),
                &[gabion_checks::Route::new("/*", gabion_checks::Access::Public, "app")],
            );
            let sent = world.send(request);
            let row = format!("{} ({}, {})", case.name, case.tier, case.reason);
            match (&sent, case.tier.as_str()) {
                (Sent::Admitted(admitted), "Severe" | "Ambiguous") if !is_harmless(&case, admitted) => {
                    passed.push(row)
                }
                (Sent::Answered(_), "Compliant") if !is_stricter(&case) => refused.push(row),
                _ => {}
            }
        }
    }
    assert_eq!(all, 159);
    assert!(said > 60, "{said}");
    assert!(passed.is_empty(), "passed on:\n{}", passed.join("\n"));
    assert!(refused.is_empty(), "refused without need:\n{}", refused.join("\n"));
}

/// A dangerous case that may pass, because what made it dangerous does not reach the upstream or has one
/// meaning there.
fn is_harmless(case: &Case, admitted: &gabion_checks::Admitted) -> bool {
    let headers = &admitted.head.headers;
    // Nothing that frames the message, nothing that resembles it.
    let framing = headers.keys().any(|name| {
        let name = name.as_str().replace('_', "-");
        name.contains("transfer-encoding") || (name.contains("content-length") && name != "content-length")
    });
    !framing
        && !matches!(
            case.reason.as_str(),
            "BothTeClPresent" | "MultipleContentLength" | "DuplicateContentLength"
        )
        && headers.get_all("content-length").iter().count() <= 1
}

/// Legal, and refused on purpose.
fn is_stricter(case: &Case) -> bool {
    // Codings other than chunked: no application behind a gate needs them, and peers differ on them.
    let coding = case.headers.iter().any(|(name, value)| {
        name.eq_ignore_ascii_case("transfer-encoding") && !value.eq_ignore_ascii_case("chunked")
    });
    let version = case.version != "HTTP/1.1";
    // Control characters in a path, also encoded ones; raw characters that must be encoded.
    let path = case.uri.contains("%0") || !case.uri.is_ascii();
    coding || version || path
}

fn say(case: &Case) -> Option<Request<()>> {
    let version = match case.version.as_str() {
        "HTTP/1.1" => Version::HTTP_11,
        "HTTP/1.0" => Version::HTTP_10,
        _ => return None,
    };
    let mut request = Request::new(());
    *request.version_mut() = version;
    *request.method_mut() = Method::from_bytes(case.method.as_bytes()).ok()?;
    *request.uri_mut() = case.uri.parse::<Uri>().ok()?;
    for (name, value) in &case.headers {
        // A value's bytes, one for each character of the file's escapes.
        let bytes: Vec<u8> =
            value.chars().map(|character| u8::try_from(u32::from(character)).ok()).collect::<Option<_>>()?;
        let value = HeaderValue::from_bytes(bytes.trim_ascii()).ok()?;
        request.headers_mut().append(HeaderName::from_bytes(name.as_bytes()).ok()?, value);
    }
    if !request.headers().contains_key("host") {
        request.headers_mut().insert("host", HeaderValue::from_static("shop.example"));
    }
    // So that nothing but framing decides.
    request.headers_mut().insert("sec-fetch-site", HeaderValue::from_static("same-origin"));
    Some(request)
}

fn folder() -> Option<PathBuf> {
    #[expect(clippy::disallowed_methods, reason = "where the test data lies is told by the environment")]
    let shared = std::env::var("GABION_SHARED")
        .map_or_else(|_| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared"), PathBuf::from);
    let folder = shared.join("data/desync/tests");
    folder.is_dir().then_some(folder)
}

/// The few forms of YAML the files use: one key to a line, lists of headers by indentation.
fn read(text: &str) -> Vec<Case> {
    let mut cases: Vec<Case> = Vec::new();
    for line in text.lines().filter(|line| !line.trim_start().starts_with('#')) {
        let indent = line.len() - line.trim_start().len();
        let Some((key, value)) = line.trim_start().split_once(':') else { continue };
        let value = scalar(value.trim());
        if let ("- name", 0) = (key, indent) {
            cases.push(Case { name: value, ..Case::default() });
            continue;
        }
        let Some(case) = cases.last_mut() else { continue };
        match (key, indent) {
            ("uri", 2) => case.uri = value,
            ("method", 2) => case.method = value,
            ("version", 2) => case.version = value,
            ("- name", 4) => case.headers.push((value, String::new())),
            ("value", 6) => case.headers.last_mut().unwrap().1 = value,
            ("tier", 4) => case.tier = value,
            ("reason", 4) => case.reason = value,
            _ => {}
        }
    }
    cases
}

fn scalar(text: &str) -> String {
    if let Some(inner) = text.strip_prefix('\'').and_then(|text| text.strip_suffix('\'')) {
        return inner.replace("''", "'");
    }
    let Some(inner) = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')) else {
        return text.split(" #").next().unwrap().trim().to_owned();
    };
    let mut out = String::new();
    let mut characters = inner.chars();
    while let Some(character) = characters.next() {
        if character != '\\' {
            out.push(character);
            continue;
        }
        match characters.next().unwrap() {
            't' => out.push('\t'),
            'r' => out.push('\r'),
            'n' => out.push('\n'),
            '0' => out.push('\0'),
            'x' => {
                let digits: String = characters.by_ref().take(2).collect();
                out.push(char::from(u8::from_str_radix(&digits, 16).unwrap()));
            }
            other => out.push(other),
        }
    }
    out
}
