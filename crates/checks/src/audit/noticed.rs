//! What is recorded of requests that were not refused, because rules of the detection ask for it.

use gabion_identity::CredentialKind;
use gabion_model::{ControlId, Event, EventKind, Network, Outcome};
use http::StatusCode;
use http::header::CONTENT_LENGTH;
use memchr::memmem;

use super::{Audit, agent, key_id};
use crate::answer::{Answer, Source};
use crate::exchange::Exchange;
use crate::tally::Answered;

/// How paths and accounts begin that nobody uses.
const CANARY: &str = "canary-";

impl Audit {
    pub(super) fn notice(&self, exchange: &Exchange, answer: &Answer<'_>) {
        self.notice_moves(exchange);
        if answer.source != Source::Upstream || exchange.refusal.is_some() {
            return;
        }
        let status = answer.head.status;
        let is_refused = is_refusal(status);
        if is_refused || status.is_server_error() {
            self.ledger.observe(refused(exchange, status));
        }
        let (path, principal) = (exchange.path(), exchange.principal());
        let is_canary = |name: &str| name.starts_with(CANARY);
        if memmem::find(path.as_bytes(), b"/canary-").is_some()
            || principal.is_some_and(|principal| is_canary(&principal.name))
        {
            let mut event = event(exchange, EventKind::Traffic, "request.canary", Outcome::Success);
            event.metadata.insert("status".to_owned(), status.as_u16().to_string());
            self.ledger.observe(event);
        }
        let Some(route) = exchange.route.and_then(|route| self.routes.get(route)) else { return };
        let length =
            answer.head.headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
        self.tally.count(&Answered {
            principal,
            route,
            path,
            reads: exchange.method.is_safe(),
            refused: is_refused,
            failed: status.is_server_error(),
            bytes: length.unwrap_or(0),
            now: exchange.now,
        });
    }

    /// A session or key that comes from another network than before.
    fn notice_moves(&self, exchange: &Exchange) {
        let network = Network::of(exchange.client);
        if let Some(session) = &exchange.session
            && let Some(arrival) = session.whereabouts.note(network)
        {
            let mut event = event(exchange, EventKind::Session, "session.moved", Outcome::Success);
            event.resource = session.id.as_str().to_owned();
            let same = is_same_program(session.user_agent.as_deref(), agent(exchange));
            event.metadata.insert("agent".to_owned(), if same { "same" } else { "other" }.to_owned());
            if let Some(from) = arrival.from {
                event.metadata.insert("from".to_owned(), from.to_string());
            }
            self.ledger.observe(event);
        }
        if let Some(credential) = &exchange.credential
            && credential.kind == CredentialKind::ApiKey
            && let Some(arrival) = credential.whereabouts.note(network)
        {
            let mut event = event(exchange, EventKind::Session, "key.moved", Outcome::Success);
            event.resource = credential.id.to_string();
            let program = credential.principal.program;
            event.metadata.insert("program".to_owned(), program.to_string());
            if let Some(from) = arrival.from {
                event.metadata.insert("from".to_owned(), from.to_string());
            }
            self.ledger.observe(event);
        }
    }
}

fn event(exchange: &Exchange, kind: EventKind, action: &str, outcome: Outcome) -> Event {
    let control = ControlId::WATCH_DETECTIONS;
    let mut event = Event::new(exchange.now, kind, action, exchange.actor(), outcome, control);
    event.tenant = exchange.tenant();
    if let Some(credential) = &exchange.credential {
        event.metadata.insert(credential.kind.as_str().to_owned(), credential.id.to_string());
        event.metadata.extend(key_id(credential));
    }
    event.resource = exchange.path().to_owned();
    event.address = Some(exchange.client);
    event.user_agent = agent(exchange).map(str::to_owned);
    event.request_id = Some(exchange.request_id);
    event
}

/// The application's own no, or its failure.
fn refused(exchange: &Exchange, status: StatusCode) -> Event {
    let failed = status.is_server_error();
    let action = if failed { "answer.failed" } else { "answer.refused" };
    let mut event = event(exchange, EventKind::Traffic, action, Outcome::Failure);
    event.control = if failed { ControlId::API_ERRORS } else { ControlId::AUTHZ_OBJECTS };
    // Words, and no number: each status is a kind of its own where floods are folded.
    event.reason = Some(format!("the application says {}", status.canonical_reason().unwrap_or("an error")));
    event.metadata.insert("method".to_owned(), exchange.method.to_string());
    event.metadata.insert("status".to_owned(), status.as_u16().to_string());
    event
}

const fn is_refusal(status: StatusCode) -> bool {
    matches!(status.as_u16(), 401 | 403 | 404 | 405 | 410)
}

/// Whether two `User-Agent`s are one program: versions may differ, and what is kept of a session's is bounded.
fn is_same_program(kept: Option<&str>, now: Option<&str>) -> bool {
    let words =
        |agent: &str| agent.chars().filter(|character| !character.is_ascii_digit()).collect::<String>();
    match (kept, now) {
        (Some(kept), Some(now)) => kept == now || (!kept.is_empty() && words(now).starts_with(&words(kept))),
        (None, None) => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_update_is_the_same_program_and_another_browser_is_not() {
        let firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
        assert!(is_same_program(Some(firefox), Some(&firefox.replace("140", "141"))));
        assert!(is_same_program(Some(firefox.split_at(40).0), Some(firefox)), "what is kept is bounded");
        assert!(!is_same_program(Some(firefox), Some("curl/8.5.0")));
        assert!(!is_same_program(Some(firefox), None) && !is_same_program(Some(""), Some("curl/8.5.0")));
        assert!(is_same_program(None, None));
    }

    #[test]
    fn what_is_a_no_and_what_is_an_answer() {
        let no = [401, 403, 404, 405, 410];
        assert!((100..600).all(|code| is_refusal(StatusCode::from_u16(code).unwrap()) == no.contains(&code)));
    }
}
