//! What archives become where they are opened.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::extract::{DefaultBodyLimit, Multipart, Path};
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse as _};
use axum::routing::{get, post};
use axum::{Json, Router};
use flate2::read::{DeflateDecoder, GzDecoder};
use gabion_probe::archive::{Member, archive, gzip};
use gabion_probe::{Facts, Report, Verdict, run};
use serde_json::json;

use crate::ground::{Silent, print, world};

const MIB: u64 = 1 << 20;

/// What the application does with archives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Opens {
    /// It unpacks all of them, and gives what was inside.
    All,
    /// It unpacks up to a bound of bytes and files, and refuses the rest.
    Bounded,
    /// It unpacks what is small, and leaves out what is not.
    Skips,
    /// It tells the names inside, after it unpacked what is behind them: nothing is kept.
    Reads,
    /// It tells the names inside, and unpacks nothing.
    Lists,
    /// It keeps them as they are.
    Nothing,
    /// It keeps them as they are, and says what texts are in them.
    Texts,
}

/// A member: its name, how it is packed, what was packed, how long it says it is.
type Inner<'a> = (String, bool, &'a [u8], u64);

/// The members of an archive as its directory tells them.
fn members(bytes: &[u8]) -> Option<Vec<Inner<'_>>> {
    let number = |at: usize| Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?));
    let short = |at: usize| Some(usize::from(u16::from_le_bytes(*bytes.get(at..)?.first_chunk()?)));
    let end = bytes.len().checked_sub(22).filter(|end| bytes[*end..].starts_with(b"PK\x05\x06"))?;
    let mut at = usize::try_from(number(end + 16)?).ok()?;
    let mut all = Vec::new();
    for _ in 0..short(end + 10)? {
        let (packed, length) = (usize::try_from(number(at + 20)?).ok()?, number(at + 24)?);
        let name = String::from_utf8(bytes.get(at + 46..at + 46 + short(at + 28)?)?.to_vec()).ok()?;
        let begin = usize::try_from(number(at + 42)?).ok()?;
        let begin = begin + 30 + short(begin + 26)?;
        all.push((name, short(at + 10)? == 8, bytes.get(begin..begin + packed)?, u64::from(length)));
        at += 46 + short(at + 28)?;
    }
    Some(all)
}

/// A file that was unpacked: its beginning, and how long it is. A real disk would have all of it.
#[derive(Clone)]
struct Kept {
    begins: Vec<u8>,
    length: u64,
}

/// Unpacks up to a bound; nothing where it is more. Who weighs it looks at each byte.
fn unpacked(mut read: impl std::io::Read, most: u64, weighs: bool) -> Option<Kept> {
    let (mut begins, mut length, mut piece, mut sum) = (Vec::new(), 0_u64, vec![0; 1 << 16], 7_u64);
    loop {
        let count = read.read(&mut piece).ok()?;
        if count == 0 {
            return (sum != 0).then_some(Kept { begins, length });
        }
        length += u64::try_from(count).unwrap();
        if length > most {
            return None;
        }
        if begins.len() < 2 << 20 {
            begins.extend_from_slice(&piece[..count]);
        }
        if weighs {
            sum = piece[..count]
                .iter()
                .fold(sum, |sum, byte| sum.wrapping_mul(31).wrapping_add(u64::from(*byte)));
        }
    }
}

/// What one upload comes to: files by name, or nothing where it is refused.
fn open(name: &str, content: &[u8], opens: Opens) -> Option<Vec<(String, Kept)>> {
    let most = match opens {
        Opens::Bounded | Opens::Skips => MIB,
        _ => 1_000 * MIB,
    };
    let own = |bytes: &[u8]| Kept { begins: bytes.to_vec(), length: u64::try_from(bytes.len()).unwrap() };
    if matches!(opens, Opens::Nothing | Opens::Texts) {
        return Some(vec![(name.to_owned(), own(content))]);
    }
    if let Some(plain) = name.strip_suffix(".gz") {
        let kept = unpacked(GzDecoder::new(content), most, false);
        return match (kept, opens) {
            (Some(kept), _) => Some(vec![(plain.to_owned(), kept)]),
            (None, Opens::Skips) => Some(Vec::new()),
            (None, _) => None,
        };
    }
    let Some(members) = members(content) else { return Some(vec![(name.to_owned(), own(content))]) };
    if opens == Opens::Bounded && members.len() > 1_000 {
        return None;
    }
    let mut all = Vec::new();
    for (name, deflated, bytes, length) in members {
        let kept = match deflated {
            _ if opens == Opens::Lists => Some(Kept { begins: Vec::new(), length }),
            true => unpacked(DeflateDecoder::new(bytes), most, opens == Opens::Reads),
            false => Some(own(bytes)),
        };
        match kept {
            Some(kept) => all.push((name, kept)),
            None if opens == Opens::Skips => {}
            None => return None,
        }
    }
    Some(all)
}

fn app(opens: Opens) -> Router {
    let disk: Arc<Mutex<BTreeMap<String, Kept>>> = Arc::default();
    let shown = Arc::clone(&disk);
    let upload = move |mut form: Multipart| async move {
        let field = form.next_field().await.unwrap().unwrap();
        let name = field.file_name().unwrap_or_default().to_owned();
        let content = field.bytes().await.unwrap();
        let Some(all) = open(&name, &content, opens) else {
            return StatusCode::UNPROCESSABLE_ENTITY.into_response();
        };
        let names: Vec<String> = all.iter().map(|(name, _)| name.clone()).collect();
        match opens {
            Opens::Reads | Opens::Lists => Json(json!({ "inside": names })).into_response(),
            Opens::Texts => {
                let text = String::from_utf8_lossy(&content).into_owned();
                disk.lock().unwrap().extend(all);
                Json(json!({ "taken": name, "seen": text })).into_response()
            }
            _ => {
                disk.lock().unwrap().extend(all);
                Json(json!({ "taken": name })).into_response()
            }
        }
    };
    let give = move |Path(name): Path<String>| async move {
        let Some(kept) = shown.lock().unwrap().get(&name).cloned() else {
            return StatusCode::NOT_FOUND.into_response();
        };
        // As much as anybody reads of it.
        let length = kept.length.to_string();
        let body = futures_util::stream::iter([Ok::<_, std::io::Error>(kept.begins)]);
        (
            [("content-type", "text/plain".to_owned()), ("content-length", length)],
            axum::body::Body::from_stream(body),
        )
            .into_response()
    };
    let form =
        "<form method=post action=/upload enctype=multipart/form-data><input type=file name=file></form>";
    Router::new()
        .route("/", get(move || async move { Html(form) }))
        .route("/upload", post(upload))
        .route("/files/{name}", get(give))
        .layer(DefaultBodyLimit::max(16 << 20))
}

async fn probe(opens: Opens) -> Report {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let server = tokio::spawn(async move { axum::serve(listener, app(opens)).await });
    let report = run(Facts::of(&base), &world(&["archive-bomb"]), &Silent).await.unwrap();
    server.abort();
    print(&report);
    report
}

fn said(report: &Report) -> Vec<(&str, Verdict)> {
    report.outcomes.iter().map(|outcome| (outcome.aspect.as_str(), outcome.verdict)).collect()
}

#[tokio::test]
async fn archives_that_become_whatever_they_like_are_proven() {
    let report = probe(Opens::All).await;
    assert_eq!(
        said(&report),
        [("zip", Verdict::Proven), ("entries", Verdict::Tentative), ("gzip", Verdict::Proven)]
    );
    let proof = report.findings[0].outcome.proof.as_ref().unwrap();
    assert!(proof.twin.is_some() && proof.attack.request.body.len() < 10_000);
    assert!(
        report.notes.iter().any(|note| note.contains("nothing is known that removes it")),
        "{:?}",
        report.notes
    );
}

#[tokio::test]
async fn bounds_lists_and_files_that_are_kept_as_they_are_are_no_finding() {
    for (opens, expected) in [
        (
            Opens::Bounded,
            &[("zip", Verdict::Passed), ("entries", Verdict::Passed), ("gzip", Verdict::Passed)][..],
        ),
        (
            Opens::Skips,
            &[("zip", Verdict::Passed), ("entries", Verdict::Tentative), ("gzip", Verdict::Passed)],
        ),
        (Opens::Lists, &[("zip", Verdict::Passed)]),
        (Opens::Nothing, &[("", Verdict::NotTested)]),
        (Opens::Texts, &[("", Verdict::NotTested)]),
    ] {
        let report = probe(opens).await;
        assert_eq!(said(&report), expected, "{opens:?}");
        let passed = report.outcomes.iter().filter(|outcome| outcome.verdict == Verdict::Passed);
        assert!(passed.into_iter().all(|outcome| outcome.control.is_some()), "{opens:?}");
    }
}

#[tokio::test]
async fn what_is_unpacked_and_not_kept_is_told_by_time_alone() {
    let report = probe(Opens::Reads).await;
    assert_eq!(said(&report), [("zip", Verdict::Firm)]);
    assert!(report.outcomes[0].says.contains("ms at most"), "{}", report.outcomes[0].says);
}

#[tokio::test]
async fn packed_zeros_are_what_others_unpack() {
    let folder = tempfile::TempDir::new().unwrap();
    let members =
        [Member::zeros("zeros.txt", 3), Member::deflated("small.txt", b"notes"), Member::stored("as", b"is")];
    std::fs::write(folder.path().join("a.zip"), archive(&members)).unwrap();
    std::fs::write(folder.path().join("b.gz"), gzip(b"notes", 2)).unwrap();
    let script = "import gzip, zipfile\n\
        zip = zipfile.ZipFile('a.zip')\n\
        assert zip.testzip() is None\n\
        assert zip.read('zeros.txt') == bytes(3 << 20) and zip.read('small.txt') == b'notes' and zip.read('as') == b'is'\n\
        assert gzip.open('b.gz').read() == b'notes' + bytes(2 << 20)\n";
    let mut command = tokio::process::Command::new("python3");
    let output = command.current_dir(folder.path()).args(["-c", script]).output().await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
