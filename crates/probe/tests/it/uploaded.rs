//! What becomes of what uploaded files have inside.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::extract::{Multipart, Path};
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse as _};
use axum::routing::{get, post};
use axum::{Json, Router};
use gabion_probe::archive::zip;
use gabion_probe::{Facts, Report, Verdict, run};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::ground::{Silent, print, world};

/// What the application does with what is inside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Follows {
    /// It asks at the addresses that entities name.
    Entities,
    /// It asks at every address that it sees: a preview of links.
    Addresses,
    /// It unpacks archives to wherever their names lead.
    Names,
    /// It unpacks archives, and takes the last part of each name.
    LastNames,
    Nothing,
}

async fn ask(address: &str) {
    let Some((authority, path)) = address.strip_prefix("http://").and_then(|rest| rest.split_once('/'))
    else {
        return;
    };
    #[expect(clippy::disallowed_methods, reason = "the server under test asks where it should not")]
    let mut stream = tokio::net::TcpStream::connect(authority).await.unwrap();
    let request = format!("GET /{path} HTTP/1.1\r\nHost: {authority}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let _ = stream.read_to_end(&mut Vec::new()).await;
}

/// The files of an archive, as they are stored in it.
fn files(bytes: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut all = Vec::new();
    let mut rest = bytes;
    while let Some((head, behind)) =
        rest.split_at_checked(30).filter(|(head, _)| head.starts_with(b"PK\x03\x04"))
    {
        let size = u32::from_le_bytes(head[18..22].try_into().unwrap());
        let (name, behind) = behind.split_at(usize::from(u16::from_le_bytes([head[26], head[27]])));
        let (content, behind) = behind.split_at(usize::try_from(size).unwrap());
        all.push((String::from_utf8(name.to_vec()).unwrap(), content.to_vec()));
        rest = behind;
    }
    all
}

fn app(follows: Follows) -> Router {
    let disk: Arc<Mutex<BTreeMap<String, Vec<u8>>>> = Arc::default();
    let (kept, shown, higher) = (Arc::clone(&disk), Arc::clone(&disk), disk);
    let upload = move |mut form: Multipart| async move {
        let Some(field) = form.next_field().await.unwrap() else {
            return StatusCode::BAD_REQUEST.into_response();
        };
        let name = field.file_name().unwrap_or_default().to_owned();
        let content = field.bytes().await.unwrap().to_vec();
        let inside = if content.starts_with(b"PK") { files(&content) } else { vec![(name.clone(), content)] };
        for (name, content) in inside {
            let text = String::from_utf8_lossy(&content).into_owned();
            let named = text.split_once("SYSTEM \"").and_then(|(_, rest)| rest.split('"').next());
            match follows {
                Follows::Entities if named.is_some() => ask(named.unwrap()).await,
                Follows::Addresses => {
                    let to = text.split_once("http://127.").map(|(_, to)| to).unwrap_or_default();
                    let to = to.split(['"', '<', ' ']).next().unwrap_or_default();
                    ask(&format!("http://127.{to}")).await;
                }
                _ => {}
            }
            let place = match follows {
                Follows::Names if name.starts_with("../") => name.replacen("../", "/", 1),
                _ => format!("/files/{}", name.rsplit('/').next().unwrap_or_default()),
            };
            kept.lock().unwrap().insert(place, content);
        }
        Json(json!({ "taken": name })).into_response()
    };
    let give = |disk: &Mutex<BTreeMap<String, Vec<u8>>>, place: &str| match disk.lock().unwrap().get(place) {
        Some(content) => ([("content-type", "text/plain")], content.clone()).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    };
    let form =
        "<form method=post action=/upload enctype=multipart/form-data><input type=file name=file></form>";
    Router::new()
        .route("/", get(move || async move { Html(form) }))
        .route("/upload", post(upload))
        .route(
            "/files/{name}",
            get(move |Path(name): Path<String>| async move { give(&shown, &format!("/files/{name}")) }),
        )
        .route(
            "/{name}",
            get(move |Path(name): Path<String>| async move { give(&higher, &format!("/{name}")) }),
        )
}

async fn probe(follows: Follows) -> Report {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let server = tokio::spawn(async move { axum::serve(listener, app(follows)).await });
    let report = run(Facts::of(&base), &world(&["upload-contents"]), &Silent).await.unwrap();
    server.abort();
    print(&report);
    report
}

fn found(report: &Report) -> Vec<(&str, &str, Verdict)> {
    let found = report.findings.iter().map(|finding| {
        let outcome = &finding.outcome;
        (outcome.operation.as_str(), outcome.aspect.as_str(), outcome.verdict)
    });
    found.collect()
}

#[tokio::test]
async fn what_files_have_inside_and_is_followed_is_proven() {
    let report = probe(Follows::Entities).await;
    assert_eq!(found(&report), [("POST /upload", "entity", Verdict::Proven)]);
    let report = probe(Follows::Names).await;
    assert_eq!(found(&report), [("POST /upload", "slip", Verdict::Proven)]);
}

#[tokio::test]
async fn files_that_are_kept_as_they_are_and_previews_of_links_are_no_finding() {
    for follows in [Follows::Addresses, Follows::LastNames, Follows::Nothing] {
        let report = probe(follows).await;
        assert_eq!(found(&report), [], "{follows:?}");
        assert!(report.outcomes.iter().any(|outcome| outcome.verdict == Verdict::Passed), "{follows:?}");
    }
}

#[tokio::test]
async fn an_archive_is_one_that_others_unpack() {
    let folder = tempfile::TempDir::new().unwrap();
    let path = folder.path().join("a.zip");
    let all = [("one.txt".to_owned(), b"1".to_vec()), ("../two.txt".to_owned(), Vec::new())];
    std::fs::write(&path, zip(&all)).unwrap();
    assert_eq!(files(&zip(&all)), all);
    let mut command = tokio::process::Command::new("python3");
    command.args(["-m", "zipfile", "-t"]).arg(&path);
    let output = command.output().await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}
