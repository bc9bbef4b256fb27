//! `gabion webhook`.

use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;

use gabion_checks::webhook::{Sender, verify};
use gabion_model::{Clock as _, SystemClock, random};
use gabion_vault::SystemRng;
use gabion_vault::encoding::base64url_encode;
use gabion_vault::webhook::{SignFault, sign};
use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::json;

use super::for_data;
use crate::arguments::{ConfigFile, Webhook, WebhookSign, WebhookVerify};
use crate::failure::{Exit, Failure};
use crate::output::{self, GOOD, STRONG};
use crate::webhooks;

pub(super) fn run(verb: &Webhook) -> Result<Exit, Failure> {
    match verb {
        Webhook::Sign(arguments) => print_fields(arguments),
        Webhook::Verify(arguments) => judge(arguments),
    }
}

fn print_fields(arguments: &WebhookSign) -> Result<Exit, Failure> {
    let sender = sender(&arguments.name, &arguments.config)?;
    let body = read(&arguments.body)?;
    let id = arguments.id.clone().unwrap_or_else(|| {
        let bytes: [u8; 16] = random::bytes(&SystemRng::new());
        format!("msg_{}", base64url_encode(&bytes))
    });
    let time = arguments.timestamp.unwrap_or_else(|| SystemClock.now().as_secs());
    let fields = sign(sender.scheme(), sender.keys(), &id, time, &body).map_err(|fault| {
        let failure = Failure::usage("the body cannot be signed").because(&fault);
        match fault {
            SignFault::NoKey => failure.hint("a public key only verifies; the sender has the other half"),
            SignFault::Id => failure.hint("visible characters without `.`, at most 256"),
        }
    })?;
    for (name, value) in fields {
        output::data(format_args!("{name}: {value}"))?;
    }
    Ok(Exit::Success)
}

fn judge(arguments: &WebhookVerify) -> Result<Exit, Failure> {
    let sender = sender(&arguments.name, &arguments.config)?;
    let mut headers = HeaderMap::new();
    for field in &arguments.headers {
        let (name, value) = field.split_once(':').ok_or_else(|| {
            Failure::usage("a header field has no `:`").hint("for instance `--header 'webhook-id: msg_1'`")
        })?;
        let name = HeaderName::from_bytes(name.trim().as_bytes());
        let value = HeaderValue::from_str(value.trim());
        let (Ok(name), Ok(value)) = (name, value) else {
            return Err(Failure::usage("a header field cannot be sent like that"));
        };
        headers.append(name, value);
    }
    let body = read(&arguments.body)?;
    let now = arguments.at.unwrap_or_else(|| SystemClock.now().as_secs());
    let verified = verify(&sender, &headers, &body, now).map_err(|violation| {
        Failure::new("the message would be refused").because(&violation).hint(format!(
            "read are the fields {}, over {} bytes of body",
            sender.scheme().headers().iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", "),
            body.len()
        ))
    })?;
    let value = json!({ "sender": sender.name(), "id": verified.id, "timestamp": verified.timestamp });
    output::value(arguments.format, &value, || {
        let at = verified.timestamp.map(|time| format!(", signed at {time}")).unwrap_or_default();
        format!("{GOOD}verified{GOOD:#}: signed by {STRONG}{}{STRONG:#}{at}", sender.name())
    })?;
    Ok(Exit::Success)
}

fn sender(name: &str, file: &ConfigFile) -> Result<Arc<Sender>, Failure> {
    let config = for_data(file)?.config;
    let settings = config.webhooks.get(name).ok_or_else(|| {
        let known = config.webhooks.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
        let failure = Failure::usage(format!("there is no sender `{name}`"));
        if known.is_empty() {
            failure.hint(format!("describe it in a table `[webhooks.{name}]`"))
        } else {
            failure.hint(format!("described: {known}"))
        }
    })?;
    let senders = webhooks::sender(name, settings).map_err(|problems| {
        problems.iter().fold(Failure::usage("the sender cannot be used"), |failure, problem| {
            failure.because_text(problem.to_string())
        })
    })?;
    senders.find(name).ok_or_else(|| Failure::usage(format!("there is no sender `{name}`")))
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let unreadable =
        |error: std::io::Error| Failure::usage(format!("cannot read `{}`", path.display())).because(&error);
    if path.as_os_str() == "-" {
        let mut bytes = Vec::new();
        std::io::stdin().lock().take(LARGEST).read_to_end(&mut bytes).map_err(unreadable)?;
        return Ok(bytes);
    }
    std::fs::read(path).map_err(unreadable)
}

const LARGEST: u64 = 64 << 20;
