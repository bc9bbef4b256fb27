//! What the application answers when it does not do what it was asked.

use std::backtrace::Backtrace;
use std::fmt::Debug;
use std::panic::Location;

use axum::response::{IntoResponse, Response};
use http::StatusCode;

use super::Inner;

/// A refusal: the answer with the text the caller reads.
#[derive(Debug)]
pub(super) struct Refusal(Box<Response>);

/// What a handler returns.
pub(super) type Answer = Result<Response, Refusal>;

impl Refusal {
    pub(super) fn new(status: StatusCode, text: impl Into<String>) -> Self {
        let text: String = text.into();
        Self(Box::new((status, text).into_response()))
    }

    pub(super) fn bad_request(text: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, text)
    }

    pub(super) fn forbidden() -> Self {
        Self::new(StatusCode::FORBIDDEN, "You may not do that.")
    }

    pub(super) fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "There is no such thing here.")
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        *self.0
    }
}

impl Inner {
    /// The answer to an error nobody expected.
    #[track_caller]
    pub(super) fn broken(&self, doing: &str, error: impl Debug) -> Refusal {
        // HOLE verbose-errors
        if self.repaired {
            tracing::error!(?error, doing, "request failed");
            return Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, "Something went wrong on our side.");
        }
        let text = format!(
            "500 {error:?}\nwhile running: {doing}\nat {}\n\nstack backtrace:\n{}",
            Location::caller(),
            own_frames(&Backtrace::force_capture().to_string()),
        );
        Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, text)
    }

    /// The answer to a value that does not parse.
    #[track_caller]
    pub(super) fn malformed(&self, doing: &str, error: impl Debug) -> Refusal {
        if self.repaired { Refusal::not_found() } else { self.broken(doing, error) }
    }
}

/// The first frames, which are the application's own.
fn own_frames(trace: &str) -> String {
    trace.lines().take(24).collect::<Vec<_>>().join("\n")
}
