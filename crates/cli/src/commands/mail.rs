//! `gabion mail`.

use std::sync::Arc;

use gabion_courier::{Courier, DeliveryError, MailTransport};
use gabion_identity::Email;
use gabion_model::outbound::Letter;
use gabion_model::{Secret, SystemClock};
use gabion_vault::SystemRng;

use super::{block_on, for_data};
use crate::arguments::{MailTest, MailVerb};
use crate::config::Config;
use crate::failure::{Exit, Failure};
use crate::output::{self, GOOD, STRONG};

pub(super) fn run(verb: MailVerb) -> Result<Exit, Failure> {
    match verb {
        MailVerb::Test(arguments) => test(&arguments),
    }
}

fn test(arguments: &MailTest) -> Result<Exit, Failure> {
    let config = for_data(&arguments.config)?.config;
    let address: Email = arguments.address.parse().map_err(|error| {
        Failure::usage(format!("`{}` cannot get a letter", arguments.address)).because(&error)
    })?;
    let courier =
        Courier::new(&config.mail, Arc::new(SystemClock), Arc::new(SystemRng::new())).map_err(|error| {
            Failure::new("letters cannot be sent").because(&error).hint("see the table `[mail]`")
        })?;
    let letter = Letter {
        to: address.as_str().to_owned(),
        subject: "Letters from Gabion arrive".to_owned(),
        text: Secret::new("This letter was sent by `gabion mail test`. There is nothing to do.\n".to_owned()),
        html: None,
    };
    block_on(async { courier.deliver(&letter).await.map_err(|error| refused(&config, &error)) })?;
    output::data(format_args!("{GOOD}sent{GOOD:#} a letter to {STRONG}{address}{STRONG:#}"))?;
    Ok(Exit::Success)
}

fn refused(config: &Config, error: &DeliveryError) -> Failure {
    let failure = Failure::new("the letter was not sent").because(error);
    match (config.mail.transport, error) {
        (MailTransport::Off, _) => {
            failure.hint("`[mail]` with `transport = \"smtp\"`, `from` and `host` says how letters leave")
        }
        (MailTransport::Smtp, _) => failure.hint(format!(
            "the server is `{}`; `mail.security`, `mail.ca_file`, `mail.username` and `mail.password_file` say how it is spoken to",
            config.mail.host
        )),
        (MailTransport::File, _) => failure,
    }
}
