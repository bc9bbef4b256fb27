//! Setting up a second factor, in the two places where it is done: on the security page of one's account,
//! and in a sign-in that cannot end without one. The pages are the same, only the addresses differ.

pub(crate) mod passkey;
pub(crate) mod totp;

use askama::Template;
use axum::response::Response;
use gabion_model::Secret;
use gabion_service::{ActError, EnrolError, Enrolled, Ground};
use http::StatusCode;

use crate::context::Visitor;
use crate::page::{self, Action, Message};
use crate::{step, words};

/// Where it is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Account,
    Login,
}

#[derive(Template)]
#[template(path = "recovery_codes.html")]
struct Codes<'a> {
    codes: Vec<&'a str>,
    next: &'a str,
}

impl Place {
    pub(crate) const fn base(self) -> &'static str {
        match self {
            Self::Account => "/.gabion/account/security",
            Self::Login => step::ENROL,
        }
    }

    pub(crate) fn ground(self, visitor: &Visitor) -> Ground {
        match self {
            Self::Account => Ground::Session,
            Self::Login => Ground::Pending(visitor.login_tickets()),
        }
    }

    /// The session's new cookie, and the recovery codes where there are some to show.
    pub(crate) fn done(self, visitor: &Visitor, enrolled: &Enrolled, next: &str) -> Response {
        let next = match self {
            Self::Account => "/.gabion/account/security?notice=factor-added",
            Self::Login => next,
        };
        let answer = match &enrolled.codes {
            Some(codes) => show_codes(codes, next),
            None => page::see_other(next),
        };
        step::signed_in_with(answer, &enrolled.signed_in, visitor.known.secure)
    }

    /// What is not about the thing itself; that is shown on its page.
    pub(crate) fn refused(self, visitor: &Visitor, error: EnrolError, next: &str) -> Response {
        match error {
            EnrolError::Act(ActError::StepUp { acr, .. }) => visitor.step_up(acr),
            EnrolError::Act(ActError::Busy | ActError::Unavailable) => visitor.unavailable(),
            EnrolError::Throttled { retry_after } => {
                let message = Message {
                    title: "Too many failed tries",
                    text: "Please wait a while, then try again.",
                    action: None,
                    request_id: None,
                };
                let answer = page::render(StatusCode::TOO_MANY_REQUESTS, &message);
                page::retry_after(answer, words::seconds_up(retry_after))
            }
            EnrolError::TooMany => {
                let message = Message {
                    title: "That is enough",
                    text: "You have as many second factors as one account can have. Remove one first.",
                    action: Some(Action {
                        href: "/.gabion/account/security",
                        label: "Go to the security page",
                    }),
                    request_id: None,
                };
                page::render(StatusCode::CONFLICT, &message)
            }
            _ => match self {
                Self::Account => page::see_other("/.gabion/account/security?notice=factor-gone"),
                Self::Login => begin_again(next),
            },
        }
    }
}

/// The codes, once.
pub(crate) fn show_codes(codes: &[Secret<String>], next: &str) -> Response {
    let codes = codes.iter().map(|code| code.expose().as_str()).collect();
    page::render(StatusCode::OK, &Codes { codes, next })
}

/// A half-done sign-in that is there no more.
pub(crate) fn begin_again(next: &str) -> Response {
    let path = step::with_next("/.gabion/login", next);
    let mark = if path.contains('?') { '&' } else { '?' };
    page::see_other(&format!("{path}{mark}notice=begin-again"))
}
