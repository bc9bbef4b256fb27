//! The answer to a sign-in that got somewhere: the session's cookie and the way on, or the login cookie
//! and the page that asks for the next factor.

use axum::response::Response;
use form_urlencoded::byte_serialize;
use gabion_identity::cookie;
use gabion_model::Secret;
use gabion_service::{SignedIn, Step};

use crate::context::Visitor;
use crate::page;

/// 303 to `next` (judged by [`crate::next::local`]) or to the next page of the sign-in.
pub(crate) fn answer(visitor: &Visitor, step: &Step, next: &str) -> Response {
    let secure = visitor.known.secure;
    match step {
        Step::In(signed_in) => signed_in_with(page::see_other(next), signed_in, secure),
        Step::SecondFactor(pending) => {
            let path = if pending.factors.is_empty() { ENROL } else { SECOND_FACTOR };
            let cookie = Secret::new(cookie::set_login(pending.ticket.expose(), secure));
            page::with_cookie(page::see_other(&with_next(path, next)), cookie.expose())
        }
    }
}

/// Gives the session's cookie and takes the login cookie back.
pub(crate) fn signed_in_with(answer: Response, signed_in: &SignedIn, secure: bool) -> Response {
    let session = Secret::new(cookie::set(signed_in.ticket.expose(), secure));
    page::with_cookie(page::with_cookie(answer, session.expose()), &cookie::clear_login(secure))
}

/// `path?next=…`, without the question where it goes home anyway.
pub(crate) fn with_next(path: &str, next: &str) -> String {
    if next == "/" {
        return path.to_owned();
    }
    let next: String = byte_serialize(next.as_bytes()).collect();
    format!("{path}?next={next}")
}

pub(crate) const SECOND_FACTOR: &str = "/.gabion/login/second-factor";
pub(crate) const ENROL: &str = "/.gabion/login/enrol";
