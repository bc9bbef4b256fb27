//! What leaves: letters, and the guarded client's requests to other providers.

use std::sync::Arc;
use std::time::Duration;

use gabion_courier::{Courier, MailTransport};
use gabion_egress::Client;
use gabion_model::outbound::{Fetch as _, FetchError, FetchMethod, FetchRequest};
use gabion_model::{Secret, SystemClock};
use gabion_vault::SystemRng;

use super::Finding;
use crate::config::Config;

/// Connects, secures the connection, greets and signs in; sends nothing.
pub(super) async fn mail(config: &Config) -> Finding {
    let (what, mail) = ("mail", &config.mail);
    if mail.transport == MailTransport::Off {
        return Finding::ok(what, "no letters leave: people ask an administrator for a link");
    }
    let courier = match Courier::new(mail, Arc::new(SystemClock), Arc::new(SystemRng::new())) {
        Ok(courier) => courier,
        Err(error) => return Finding::fail(what, error.to_string(), "see the table `[mail]`"),
    };
    match (courier.probe().await, mail.transport) {
        (Ok(()), MailTransport::Smtp) => {
            Finding::ok(what, format!("`{}` answers; `gabion mail test ADDRESS` sends a letter", mail.host))
        }
        (Ok(()), _) => Finding::warn(
            what,
            format!("letters are written into `{}`", mail.directory.display()),
            "for development; `transport = \"smtp\"` sends them",
        ),
        (Err(error), _) => Finding::fail(
            what,
            format!("`{}`: {error}", mail.host),
            "`mail.host`, `mail.port`, `mail.security`, `mail.ca_file`, `mail.username` and `mail.password_file` say how it is spoken to",
        ),
    }
}

/// Whether the providers people may sign in with can be reached, as the gate would reach them.
pub(super) async fn egress(config: &Config) -> Vec<Finding> {
    let client = match Client::new(&config.egress) {
        Ok(client) => client,
        Err(error) => return vec![Finding::fail("egress", error.to_string(), "see `egress.ca_file`")],
    };
    let mut findings = Vec::new();
    for (name, provider) in &config.federation {
        let url = format!("{}/.well-known/openid-configuration", provider.issuer.trim_end_matches('/'));
        let request = FetchRequest {
            method: FetchMethod::Get,
            url: url.clone(),
            headers: Vec::new(),
            body: Secret::new(Vec::new()),
            largest: LARGEST,
            deadline: PATIENCE,
            redirects: 0,
        };
        findings.push(judge(
            &format!("provider {name}"),
            &url,
            client.fetch(request).await.map(|answer| answer.status),
        ));
    }
    if findings.is_empty() {
        findings.push(Finding::ok(
            "egress",
            "no provider is configured; nothing is fetched but what clients name",
        ));
    }
    findings
}

fn judge(what: &str, url: &str, answer: Result<u16, FetchError>) -> Finding {
    match answer {
        Ok(200) => Finding::ok(what, format!("{url} answers")),
        Ok(status) => Finding::fail(what, format!("{url} answers with {status}"), "is the issuer right?"),
        Err(error @ FetchError::Forbidden(_)) => Finding::fail(
            what,
            format!("{url}: {error}"),
            "for a provider on this machine or a private network: `egress.allow = [\"host:port\"]`",
        ),
        Err(error) => {
            Finding::fail(what, format!("{url}: {error}"), "people cannot sign in with it meanwhile")
        }
    }
}

const LARGEST: usize = 256 << 10;
const PATIENCE: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::super::State;
    use super::*;

    #[test]
    fn a_provider_that_answers_is_well() {
        let state = |answer| judge("provider x", "https://x.example", answer).state;
        assert_eq!(state(Ok(200)), State::Ok);
        assert_eq!(state(Ok(404)), State::Fail);
        let inside =
            judge("provider x", "https://x.example", Err(FetchError::Forbidden("private".to_owned())));
        assert!(inside.hint.is_some_and(|hint| hint.contains("egress.allow")));
    }
}
