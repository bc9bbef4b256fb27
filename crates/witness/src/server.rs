//! `POST /add-checkpoint` (C2SP tlog-witness §"add-checkpoint").

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use gabion_tlog::witness::AddCheckpoint;

use crate::{NotCosigned, Witness};

/// The witness over HTTP. Bodies that no request can have are 413.
pub fn router(witness: Arc<Witness>) -> Router {
    Router::new()
        .route("/add-checkpoint", post(add_checkpoint))
        .layer(DefaultBodyLimit::max(AddCheckpoint::LONGEST))
        .with_state(witness)
}

async fn add_checkpoint(State(witness): State<Arc<Witness>>, body: Bytes) -> Response {
    let judged = tokio::task::spawn_blocking(move || witness.add_checkpoint(&body)).await;
    match judged {
        Ok(Ok(signature)) => (StatusCode::OK, format!("{signature}\n")).into_response(),
        Ok(Err(NotCosigned::Refused(refusal))) => {
            let status = StatusCode::from_u16(refusal.status()).unwrap_or(StatusCode::BAD_REQUEST);
            match refusal.size() {
                Some(size) => (status, [(header::CONTENT_TYPE, "text/x.tlog.size")], format!("{size}\n"))
                    .into_response(),
                None => (status, format!("{refusal}\n")).into_response(),
            }
        }
        Ok(Err(error)) => {
            tracing::error!(%error, "not cosigned");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::io;
    use std::sync::Mutex;

    use axum::body::Body;
    use axum::http::Request;
    use gabion_model::{ManualClock, Secret, Timestamp};
    use gabion_tlog::note::{Purpose, SigningKey};
    use gabion_tlog::tree::{self, InMemory};
    use gabion_tlog::witness::Seen;
    use gabion_tlog::{Checkpoint, Hash, Note, VerifyingKey, cosignature, note, proof};
    use http_body_util::BodyExt as _;
    use tower::ServiceExt as _;

    use super::*;
    use crate::Memory;

    #[derive(Debug, Default)]
    struct Kept(Mutex<BTreeMap<String, Seen>>, bool);

    impl Memory for Arc<Kept> {
        fn seen(&self, origin: &str) -> io::Result<Option<Seen>> {
            Ok(self.0.lock().unwrap().get(origin).copied())
        }

        fn keep(&self, origin: &str, seen: Seen) -> io::Result<()> {
            if self.1 {
                return Err(io::ErrorKind::StorageFull.into());
            }
            self.0.lock().unwrap().insert(origin.to_owned(), seen);
            Ok(())
        }
    }

    fn key(name: &str, purpose: Purpose, seed: u8) -> SigningKey {
        SigningKey::new(name, purpose, &Secret::new([seed; 32])).unwrap()
    }

    fn log() -> SigningKey {
        key("log.example/a", Purpose::Log, 1)
    }

    fn witness(full: bool) -> (Router, VerifyingKey) {
        let own = key("witness.example/w", Purpose::Witness, 2);
        let verifying = own.verifying().clone();
        let memory = Box::new(Arc::new(Kept(Mutex::default(), full)));
        let clock = Arc::new(ManualClock::at(Timestamp::from_secs(1_700_000_000)));
        let witness = Witness::new(own, [log().verifying().clone()], memory, clock);
        (router(Arc::new(witness)), verifying)
    }

    fn request(old: u64, new: u64, key: &SigningKey, salt: u8) -> AddCheckpoint {
        let mut leaves = InMemory::new();
        (0..40_u8).for_each(|number| leaves.push(Hash::leaf(&[number, if number < 7 { 0 } else { salt }])));
        let checkpoint = Checkpoint {
            origin: key.verifying().name().to_owned(),
            size: new,
            root: tree::root(&leaves, new).unwrap(),
            extensions: vec![],
        };
        AddCheckpoint {
            old,
            proof: proof::consistency(&leaves, old, new).unwrap().unwrap_or_default(),
            checkpoint: checkpoint.sign(key),
        }
    }

    async fn ask(router: &Router, body: impl Into<Body>) -> (u16, String, String) {
        let request = Request::post("/add-checkpoint").body(body.into()).unwrap();
        let answer = router.clone().oneshot(request).await.unwrap();
        let kind = answer.headers().get(header::CONTENT_TYPE).map(|kind| kind.to_str().unwrap().to_owned());
        let status = answer.status().as_u16();
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        (status, kind.unwrap_or_default(), String::from_utf8(body.to_vec()).unwrap())
    }

    #[tokio::test]
    async fn a_log_that_grows_is_cosigned_and_one_that_lies_is_not() {
        let (router, own) = witness(false);
        let first = request(0, 7, &log(), 1);
        let (status, _, line) = ask(&router, first.to_string()).await;
        assert_eq!(status, 200, "{line}");
        let mut cosigned: Note = first.checkpoint.clone();
        cosigned.signatures.push(note::signature(line.trim_end()).unwrap());
        assert_eq!(cosignature::cosigned(&cosigned, &own), Ok(Some(1_700_000_000)));

        let (status, ..) = ask(&router, request(7, 20, &log(), 1).to_string()).await;
        assert_eq!(status, 200);
        let (status, kind, size) = ask(&router, request(7, 30, &log(), 1).to_string()).await;
        assert_eq!((status, kind.as_str(), size.as_str()), (409, "text/x.tlog.size", "20\n"));
        let (status, ..) = ask(&router, request(20, 30, &log(), 2).to_string()).await;
        assert_eq!(status, 422, "another history with the same beginning");
        let (status, ..) = ask(&router, request(20, 20, &log(), 2).to_string()).await;
        assert_eq!(status, 409, "another tree of the same size");
        let (status, ..) =
            ask(&router, request(20, 30, &key("log.example/a", Purpose::Log, 9), 1).to_string()).await;
        assert_eq!(status, 403);
        let (status, ..) =
            ask(&router, request(0, 7, &key("log.example/b", Purpose::Log, 1), 1).to_string()).await;
        assert_eq!(status, 404);
        assert_eq!(ask(&router, "old seven\n").await.0, 400);
        assert_eq!(ask(&router, vec![b'a'; AddCheckpoint::LONGEST + 1]).await.0, 413);
        let (status, ..) = ask(&router, request(20, 30, &log(), 1).to_string()).await;
        assert_eq!(status, 200, "what was refused changed nothing");
    }

    #[tokio::test]
    async fn what_cannot_be_kept_is_not_cosigned() {
        let (router, _) = witness(true);
        let (status, _, body) = ask(&router, request(0, 7, &log(), 1).to_string()).await;
        assert_eq!((status, body.as_str()), (500, ""));
    }
}
