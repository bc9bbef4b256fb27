//! What becomes of pictures that are small files and many pixels.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::sync::{Arc, Mutex};

use axum::extract::{Multipart, Path};
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse as _};
use axum::routing::{get, post};
use axum::{Json, Router};
use flate2::read::ZlibDecoder;
use gabion_probe::facts::Level;
use gabion_probe::picture::png;
use gabion_probe::{Facts, Report, Verdict, run};
use serde_json::json;

use crate::ground::{Silent, print, world};

/// What the application does with pictures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Draws {
    /// A small one of each.
    All,
    /// A small one of each that is no larger than it wants.
    Bounded,
    /// It looks at the size, leaves larger ones as they are, and says so with a success.
    Leaves,
    /// It keeps what it gets.
    Nothing,
    /// It gives one and the same, whatever it got.
    Always,
}

/// The size of a picture, and whether all of its pixels are there: decoded as any decoder does.
fn decoded(bytes: &[u8], most: u64) -> Option<()> {
    let number = |at: usize| Some(u32::from_be_bytes(*bytes.get(at..)?.first_chunk()?));
    let (width, height) = (number(16)?, number(20)?);
    if u64::from(width) * u64::from(height) > most {
        return None;
    }
    let length = usize::try_from(number(33)?).ok()?;
    let mut pixels = Vec::new();
    ZlibDecoder::new(bytes.get(41..41 + length)?).read_to_end(&mut pixels).ok()?;
    let row = usize::try_from(width.div_ceil(8)).ok()? + 1;
    (pixels.len() == row * usize::try_from(height).ok()?).then_some(())
}

fn app(draws: Draws) -> Router {
    let disk: Arc<Mutex<BTreeMap<String, Vec<u8>>>> = Arc::default();
    let shown = Arc::clone(&disk);
    let small = png(8, 8, |row| row.fill(0x55)).unwrap();
    let upload = move |mut form: Multipart| async move {
        let field = form.next_field().await.unwrap().unwrap();
        let name = field.file_name().unwrap_or_default().to_owned();
        let content = field.bytes().await.unwrap().to_vec();
        let most = if draws == Draws::All { u64::MAX } else { 40_000_000 };
        let kept = match (draws, decoded(&content, most)) {
            (Draws::Nothing, _) => content,
            (Draws::Always, _) | (_, Some(())) => small,
            (Draws::Leaves, None) if content.len() > 4_000 => content,
            (_, None) => return StatusCode::UNPROCESSABLE_ENTITY.into_response(),
        };
        disk.lock().unwrap().insert(name.clone(), kept);
        Json(json!({ "picture": format!("/pictures/{name}") })).into_response()
    };
    let give = move |Path(name): Path<String>| async move {
        match shown.lock().unwrap().get(&name) {
            Some(content) => ([("content-type", "image/png")], content.clone()).into_response(),
            None => StatusCode::NOT_FOUND.into_response(),
        }
    };
    let form =
        "<form method=post action=/upload enctype=multipart/form-data><input type=file name=file></form>";
    Router::new()
        .route("/", get(move || async move { Html(form) }))
        .route("/upload", post(upload))
        .route("/pictures/{name}", get(give))
}

async fn probe(draws: Draws, level: Level) -> Report {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let server = tokio::spawn(async move { axum::serve(listener, app(draws)).await });
    let mut facts = Facts::of(&base);
    facts.target.level = level;
    let report = run(facts, &world(&["pixel-flood"]), &Silent).await.unwrap();
    server.abort();
    print(&report);
    report
}

#[tokio::test]
async fn pictures_of_any_size_are_proven_and_only_where_something_is_made_of_them() {
    for (draws, verdict, told) in [
        (Draws::All, Verdict::Proven, "10000 by 10000 pixels in"),
        (Draws::Bounded, Verdict::Passed, "is refused (422)"),
        (Draws::Leaves, Verdict::Passed, "nothing is made of"),
        (Draws::Nothing, Verdict::NotTested, "no picture comes back"),
        (Draws::Always, Verdict::Inconclusive, "whatever is sent"),
    ] {
        let report = probe(draws, Level::Destructive).await;
        let [outcome] = &report.outcomes[..] else { panic!("{draws:?}") };
        assert!(outcome.verdict == verdict && outcome.says.contains(told), "{draws:?}: {}", outcome.says);
        assert_eq!(outcome.control.is_some(), verdict >= Verdict::Proven || verdict == Verdict::Passed);
    }
    // It is a burden: nobody gets it who did not allow that.
    let report = probe(Draws::All, Level::Active).await;
    assert!(report.findings.is_empty());
}
