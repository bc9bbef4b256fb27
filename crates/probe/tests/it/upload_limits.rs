//! How much somebody may upload: files that grow.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::extract::{DefaultBodyLimit, Multipart, Path};
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse as _};
use axum::routing::{get, post};
use axum::{Json, Router};
use gabion_probe::facts::{Level, Upload};
use gabion_probe::{Facts, Report, Verdict, run};
use serde_json::json;

use crate::ground::{Silent, print, world};

const MIB: usize = 1 << 20;

/// What becomes of files that are larger than the application wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Larger {
    /// They are kept like any other.
    Kept,
    /// They are refused while they come in.
    Refused,
    /// They are taken, and their beginning is kept.
    Shortened,
    /// They are answered with a success, and not kept.
    Dropped,
    /// Nothing is taken any more after the first of them.
    Broken,
}

/// Files by name; a name is the probe's own.
type Disk = Arc<Mutex<BTreeMap<String, Vec<u8>>>>;

fn app(larger: Larger, most: usize, disk: &Disk) -> Router {
    let (kept, shown, gone) = (Arc::clone(disk), Arc::clone(disk), Arc::clone(disk));
    let broken = Arc::new(Mutex::new(false));
    let upload = move |mut form: Multipart| async move {
        let Some(field) = form.next_field().await.unwrap() else {
            return StatusCode::BAD_REQUEST.into_response();
        };
        let name = field.file_name().unwrap_or_default().to_owned();
        let Ok(content) = field.bytes().await else { return StatusCode::PAYLOAD_TOO_LARGE.into_response() };
        let mut content = content.to_vec();
        if *broken.lock().unwrap() {
            return StatusCode::BAD_GATEWAY.into_response();
        }
        if content.len() > most {
            match larger {
                Larger::Kept => {}
                Larger::Refused => return StatusCode::PAYLOAD_TOO_LARGE.into_response(),
                Larger::Shortened => content.truncate(most),
                Larger::Dropped => return Json(json!({ "taken": name })).into_response(),
                Larger::Broken => {
                    *broken.lock().unwrap() = true;
                    return StatusCode::BAD_GATEWAY.into_response();
                }
            }
        }
        kept.lock().unwrap().insert(name.clone(), content);
        Json(json!({ "taken": name })).into_response()
    };
    let form = "<form method=post action=/upload enctype=multipart/form-data><input type=file name=file></form>\
         <a href=/files/none.txt>one</a>";
    let give = move |Path(name): Path<String>| async move {
        match shown.lock().unwrap().get(&name) {
            Some(content) => ([("content-type", "text/plain")], content.clone()).into_response(),
            None => StatusCode::NOT_FOUND.into_response(),
        }
    };
    let remove = move |Path(name): Path<String>| async move {
        gone.lock().unwrap().remove(&name).map_or(StatusCode::NOT_FOUND, |_| StatusCode::NO_CONTENT)
    };
    // The framework's own bound is what stops those that are refused.
    let bound = if larger == Larger::Refused { most } else { 64 * MIB };
    Router::new()
        .route("/", get(move || async move { Html(form) }))
        .route("/openapi.json", get(|| async { Json(contract()) }))
        .route("/upload", post(upload))
        .route("/files/{name}", get(give).delete(remove))
        .layer(DefaultBodyLimit::max(bound))
}

fn contract() -> serde_json::Value {
    let name = json!([{ "name": "name", "in": "path", "required": true, "schema": { "type": "string" } }]);
    let fine = json!({ "200": { "description": "fine" } });
    json!({ "openapi": "3.0.3", "info": { "title": "files", "version": "1" }, "paths": { "/files/{name}": {
        "get": { "parameters": name, "responses": fine }, "delete": { "parameters": name, "responses": fine } } } })
}

async fn probe(larger: Larger, most: usize, told: &dyn Fn(&mut Facts)) -> (Report, Disk) {
    let disk = Disk::default();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let app = app(larger, most, &disk);
    let server = tokio::spawn(async move { axum::serve(listener, app).await });
    let mut facts = Facts::of(&base);
    told(&mut facts);
    let report = run(facts, &world(&["upload-size"]), &Silent).await.unwrap();
    server.abort();
    print(&report);
    (report, disk)
}

fn verdicts(report: &Report) -> Vec<(Verdict, &str)> {
    report.outcomes.iter().map(|outcome| (outcome.verdict, outcome.says.as_str())).collect()
}

fn declared(max: usize) -> impl Fn(&mut Facts) {
    move |facts| {
        let max = u64::try_from(max).unwrap();
        facts.uploads = vec![Upload { operation: "POST /upload".to_owned(), max }];
    }
}

#[tokio::test]
async fn files_that_may_grow_without_end_are_worth_a_look_and_proven_where_the_bound_is_known() {
    let (report, _) = probe(Larger::Kept, 0, &|_| {}).await;
    let [(Verdict::Tentative, says)] = verdicts(&report)[..] else { panic!("{:?}", verdicts(&report)) };
    assert!(says.contains("24 MiB") && says.contains("has not signed in"), "{says}");
    let left = report.notes.iter().any(|note| note.contains("only the level `destructive` removes it"));
    assert!(left, "{:?}", report.notes);

    let (report, disk) = probe(Larger::Kept, 0, &|facts| {
        declared(2 * MIB)(facts);
        facts.target.level = Level::Destructive;
    })
    .await;
    let [(Verdict::Proven, says)] = verdicts(&report)[..] else { panic!("{:?}", verdicts(&report)) };
    assert!(says.contains("2.2 MiB") && says.contains("2 MiB are the most"), "{says}");
    let proof = report.findings[0].outcome.proof.as_ref().unwrap();
    assert!(proof.twin.is_some() && proof.attack.request.body.len() < 1_000);
    // What it made is gone again.
    assert!(disk.lock().unwrap().values().all(|content| content.len() < MIB));
}

#[tokio::test]
async fn files_that_are_refused_or_not_kept_whole_are_no_finding() {
    for (larger, most, told, seen) in [
        (Larger::Refused, 2 * MIB, None, "a file of 4 MiB is"),
        (Larger::Refused, 2 * MIB, Some(2 * MIB), "a file of 2.2 MiB is"),
        (Larger::Shortened, 2 * MIB, Some(2 * MIB), "is not kept whole"),
        (Larger::Dropped, 2 * MIB, Some(2 * MIB), "is not kept whole"),
    ] {
        let (report, _) =
            probe(larger, most, &|facts| told.into_iter().for_each(|max| declared(max)(facts))).await;
        let [(Verdict::Passed, says)] = verdicts(&report)[..] else {
            panic!("{larger:?}: {:?}", verdicts(&report))
        };
        assert!(says.contains(seen), "{larger:?}: {says}");
        assert!(report.outcomes[0].control.is_some());
    }
}

#[tokio::test]
async fn what_breaks_or_may_be_as_large_as_that_is_no_pass() {
    let (report, _) = probe(Larger::Broken, 2 * MIB, &declared(2 * MIB)).await;
    let [(Verdict::Inconclusive, says)] = verdicts(&report)[..] else { panic!("{:?}", verdicts(&report)) };
    assert!(says.contains("now a small one is not taken either"), "{says}");
    let (report, _) = probe(Larger::Kept, 0, &declared(500 * MIB)).await;
    let [(Verdict::NotTested, says)] = verdicts(&report)[..] else { panic!("{:?}", verdicts(&report)) };
    assert!(says.contains("500 MiB"), "{says}");
}
