//! The courier with files, and with an SMTP server of a few lines on loopback; a whole one with TLS is in
//! the end-to-end tests.

#![cfg(test)]

mod channels;
mod collectors;
mod queue;
mod sinks;
mod smtp;
mod world;

use std::sync::Arc;

use gabion_courier::{Courier, MailSettings, MailTransport};
use gabion_model::outbound::Letter;
use gabion_model::random::SeededRng;
use gabion_model::{ManualClock, Secret, Timestamp};

fn courier(settings: &MailSettings) -> Courier {
    let clock = Arc::new(ManualClock::at(Timestamp::from_secs(1_795_286_828)));
    Courier::new(settings, clock, Arc::new(SeededRng::new(1))).unwrap()
}

fn to_files(directory: &std::path::Path) -> MailSettings {
    MailSettings {
        transport: MailTransport::File,
        from: "gate@example.net".to_owned(),
        directory: directory.to_owned(),
        ..MailSettings::default()
    }
}

fn letter(to: &str) -> Letter {
    Letter {
        to: to.to_owned(),
        subject: "Hello".to_owned(),
        text: Secret::new("One\r\n.\r\nTwo\r\n".to_owned()),
        html: Some(Secret::new("<p>One</p>".to_owned())),
    }
}
