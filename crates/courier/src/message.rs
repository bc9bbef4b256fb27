//! A letter as a message: RFC 5322 and MIME.

use std::time::{Duration, SystemTime};

use gabion_model::outbound::Letter;
use gabion_model::{Rng, Timestamp, random};
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart, SinglePart};
use lettre::{Address, Message};

use crate::transport::DeliveryError;

/// Makes the message of a letter.
pub(crate) fn compose(
    letter: &Letter,
    from: &Mailbox,
    now: Timestamp,
    rng: &dyn Rng,
) -> Result<Message, DeliveryError> {
    let to: Address = letter.to.parse().map_err(|_| DeliveryError::Unusable)?;
    let id = format!("<{}@{}>", hex(rng), from.email.domain());
    let date = SystemTime::UNIX_EPOCH + Duration::from_secs(u64::try_from(now.as_secs()).unwrap_or(0));
    let builder = Message::builder()
        .from(from.clone())
        .to(Mailbox::new(None, to))
        .subject(one_line(&letter.subject))
        .date(date)
        .message_id(Some(id))
        // RFC 3834, 5: no answering machine answers it.
        .raw_header(HeaderValue::new(
            HeaderName::new_from_ascii_str("Auto-Submitted"),
            "auto-generated".to_owned(),
        ));
    let text = || SinglePart::builder().header(ContentType::TEXT_PLAIN).body(letter.text.expose().clone());
    let message = match &letter.html {
        Some(html) => builder.multipart(
            MultiPart::alternative()
                .boundary(hex(rng))
                .singlepart(text())
                .singlepart(SinglePart::builder().header(ContentType::TEXT_HTML).body(html.expose().clone())),
        ),
        None => builder.singlepart(text()),
    };
    message.map_err(|_| DeliveryError::Unusable)
}

/// A header field is one line, whatever somebody called themselves (CWE-93).
fn one_line(text: &str) -> String {
    text.chars().map(|one| if one.is_control() { ' ' } else { one }).take(LONGEST_SUBJECT).collect()
}

fn hex(rng: &dyn Rng) -> String {
    random::bytes::<16>(rng).iter().map(|byte| format!("{byte:02x}")).collect()
}

const LONGEST_SUBJECT: usize = 200;

#[cfg(test)]
mod tests {
    use super::*;
    use gabion_model::Secret;
    use gabion_model::random::SeededRng;

    fn formatted(subject: &str, html: Option<&str>) -> String {
        let letter = Letter {
            to: "ada@example.org".to_owned(),
            subject: subject.to_owned(),
            text: Secret::new("Grüße,\r\n.\r\nBcc: x@example.org\n".to_owned()),
            html: html.map(|html| Secret::new(html.to_owned())),
        };
        let from = Mailbox::new(Some("Gabion".to_owned()), "gate@example.net".parse().unwrap());
        let now = Timestamp::from_secs(1_795_286_828);
        let message = compose(&letter, &from, now, &SeededRng::new(1)).unwrap();
        String::from_utf8(message.formatted()).unwrap()
    }

    #[test]
    fn a_message_is_whole_and_the_same_again() {
        let message = formatted("Choose a new password", Some("<p>Hello</p>"));
        for line in [
            "From: Gabion <gate@example.net>",
            "To: ada@example.org",
            "Subject: Choose a new password",
            "Date: Sat, 21 Nov 2026 18:47:08 +0000",
            "Auto-Submitted: auto-generated",
            "MIME-Version: 1.0",
        ] {
            assert!(message.contains(&format!("{line}\r\n")), "{line}\n{message}");
        }
        assert!(message.contains("@example.net>\r\n") && message.contains("Message-ID: <"));
        assert_eq!(message, formatted("Choose a new password", Some("<p>Hello</p>")));
    }

    #[test]
    fn nobody_writes_a_header_field() {
        let message = formatted("Hello\r\nBcc: eve@example.org\r\n\r\n<script>\u{0}\u{85}", None);
        let (head, _) = message.split_once("\r\n\r\n").unwrap();
        assert!(!head.lines().any(|line| line.to_ascii_lowercase().starts_with("bcc")), "{head}");
        for line in message.split("\r\n") {
            assert!(!line.contains('\r') && !line.contains('\n'), "{line:?}");
        }
    }

    #[test]
    fn what_is_no_address_gets_no_letter() {
        let from = Mailbox::new(None, "gate@example.net".parse().unwrap());
        for to in ["", "ada", "ada@example.org\r\nRCPT TO:<eve@example.org>", "a@b.example, c@d.example"] {
            let letter = Letter {
                to: to.to_owned(),
                subject: String::new(),
                text: Secret::new(String::new()),
                html: None,
            };
            let made = compose(&letter, &from, Timestamp::from_secs(0), &SeededRng::new(1));
            assert!(matches!(made, Err(DeliveryError::Unusable)), "{to:?}");
        }
    }
}
