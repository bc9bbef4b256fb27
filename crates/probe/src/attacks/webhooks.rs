//! Whether messages of other systems are believed without their signature (CWE-345, CWE-347, CWE-294).
//!
//! For each webhook of the facts:
//! 1. Before anything, its effect must not show yet; else only answers are compared.
//! 2. Attacks, the mildest forgery last: no signature, an empty one, one by another secret, one bit changed, the body changed
//!    under its signature, a signature cut short, a message of an hour ago that is signed well, one of an hour ahead, and the
//!    time changed under its signature.
//! 3. Positive control: a message that is signed well is taken, and its effect shows where it did not before.
//! 4. Replay: the control once more. Taking it twice is tentative, since only its effect tells whether it counted twice.
//! 5. Negative twin: nonsense without a signature. Where that is answered as the control is, the answer tells nothing.
//!
//! `proven` where the effect was seen after the attack, `firm` where the attack was answered twice as the control was.
//! Without facts an operation that is called like a webhook is proven where a message that nobody signed changes the state of
//! somebody's own thing: see `webhooks/unsigned.rs`.

mod unsigned;

use gabion_model::Severity;
use gabion_model::outbound::BoxFuture;
use gabion_vault::encoding::{base64_decode, base64_encode, hex_encode};
use gabion_vault::hmac_sha256;

use super::{Attack, Phase, usable};
use crate::control::Control;
use crate::facts::{Webhook, WebhookScheme, operation_of};
use crate::field::Field;
use crate::verdict::{Outcome, Proof, Verdict};
use crate::wire::{Answer, Request, WireError};

pub(super) struct Webhooks;

const ID: &str = "webhooks";

impl Attack for Webhooks {
    fn id(&self) -> &'static str {
        ID
    }

    fn phase(&self) -> Phase {
        Phase::Write
    }

    fn run<'a>(&'a self, field: &'a Field) -> BoxFuture<'a, Result<(), WireError>> {
        Box::pin(run(field))
    }
}

async fn run(field: &Field) -> Result<(), WireError> {
    for webhook in &field.facts.webhooks {
        if let Some(aim) = Aim::new(field, webhook) {
            aim.attack().await?;
        }
    }
    let named = |operation: &str| field.facts.webhooks.iter().any(|webhook| webhook.operation == operation);
    let mut met = 0_usize;
    for operation in &field.operations {
        let path = operation.path.to_ascii_lowercase();
        let called = ["webhook", "/hook", "/ipn", "/notify/"].iter().any(|word| path.contains(word));
        if operation.method != "POST" || !called || named(&operation.id()) {
            continue;
        }
        met = met.saturating_add(1);
        if unsigned::attack(field, operation).await? {
            continue;
        }
        let says = "no facts tell how it is signed; hint: `[[webhooks]]` with its secret and a body";
        field.say(Outcome::new(ID, &operation.id(), Verdict::NotTested, says));
    }
    if field.facts.webhooks.is_empty() && met == 0 {
        field.not_tested(
            ID,
            "no operation is called like a webhook, and the facts name none; hint: `[[webhooks]]`",
        );
    }
    Ok(())
}

/// One message: its id, when it says it was sent, its body and its fields.
struct Message {
    body: String,
    fields: Vec<(&'static str, String)>,
}

/// What is done to a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Forgery {
    None,
    Unsigned,
    EmptySignature,
    OtherSecret,
    OneBit,
    OtherBody,
    CutShort,
    Old,
    Ahead,
    OtherTime,
}

const FORGERIES: &[(Forgery, &str, &str)] = &[
    (Forgery::Unsigned, "unsigned", "a message without a signature is believed"),
    (Forgery::EmptySignature, "empty", "a message with an empty signature is believed"),
    (Forgery::OtherSecret, "other-secret", "a message signed with another secret is believed"),
    (Forgery::OneBit, "one-bit", "a message with a changed signature is believed"),
    (Forgery::CutShort, "cut", "a message with the beginning of its signature is believed"),
    (Forgery::OtherBody, "other-body", "a message that was changed after it was signed is believed"),
    (Forgery::OtherTime, "other-time", "a message whose time was changed after it was signed is believed"),
    (Forgery::Old, "old", "a message of an hour ago is believed, so that a recorded one can be sent again"),
    (Forgery::Ahead, "ahead", "a message from an hour ahead is believed"),
];

struct Aim<'a> {
    field: &'a Field,
    webhook: &'a Webhook,
    method: &'a str,
    path: &'a str,
}

impl<'a> Aim<'a> {
    fn new(field: &'a Field, webhook: &'a Webhook) -> Option<Self> {
        let (method, path) = operation_of(&webhook.operation)?;
        Some(Self { field, webhook, method, path })
    }

    async fn attack(&self) -> Result<(), WireError> {
        let say =
            |verdict, says: &str| self.field.say(Outcome::new(ID, &self.webhook.operation, verdict, says));
        // Nothing that could be taken by mistake: no JSON, no signature.
        let nonsense = Request::new(self.method, self.path).body("text/plain", self.field.canary());
        let Some(twin) = usable(self.field.request(0, &nonsense).await)? else {
            say(Verdict::Inconclusive, "nothing answers there");
            return Ok(());
        };
        let mut taken: Vec<(Forgery, Request, Answer, bool)> = Vec::new();
        for (forgery, ..) in FORGERIES {
            let timed = matches!(forgery, Forgery::Old | Forgery::Ahead | Forgery::OtherTime);
            if timed && self.webhook.scheme == WebhookScheme::Github {
                continue;
            }
            let before = self.effect().await?;
            let Some((request, answer)) = self.send(*forgery).await? else { continue };
            let after = self.effect().await?;
            taken.push((*forgery, request, answer, before == Some(false) && after == Some(true)));
        }
        let before = self.effect().await?;
        let Some((control_request, control)) = self.send(Forgery::None).await? else { return Ok(()) };
        let after = self.effect().await?;
        let works = control.is_success() && (before != Some(false) || after == Some(true));
        if !works {
            let says = format!(
                "a message that is signed well is not taken: it answered {}; hint: `secret`, `scheme` and `body` of the facts",
                control.status
            );
            say(Verdict::Inconclusive, &says);
            // What had an effect had it nevertheless.
            taken.retain(|(.., effect)| *effect);
        }
        let telling = twin.status != control.status;
        if works && !telling && taken.iter().all(|(.., effect)| !effect) && before != Some(false) {
            say(
                Verdict::Inconclusive,
                "nonsense is answered as a good message is, and no effect tells them apart; hint: `effect`",
            );
            return Ok(());
        }
        let good = || {
            let says = "a message that is signed well is taken";
            Control::shown(says, self.field.evidence(0, &control_request, &control))
        };
        let mut found = false;
        for (forgery, request, answer, effect) in &taken {
            let Some((_, aspect, says)) = FORGERIES.iter().find(|(own, ..)| own == forgery) else { continue };
            // Who takes one forgery does not verify: the others say no more.
            if found {
                break;
            }
            let alike = works && telling && answer.status == control.status;
            if !effect && !alike {
                continue;
            }
            let verdict = if *effect {
                Verdict::Proven
            } else {
                // Once more, with new values.
                match self.send(*forgery).await? {
                    Some((_, again)) if again.status == control.status => Verdict::Firm,
                    _ => continue,
                }
            };
            let timed = matches!(forgery, Forgery::Old | Forgery::Ahead);
            let severity = if timed { Severity::Medium } else { Severity::High };
            let evidence = match (effect, &self.webhook.effect) {
                (true, Some(effect)) => {
                    format!("afterwards `{}` has `{}`, and did not before", effect.request, effect.holds)
                }
                _ => format!(
                    "it is answered {} as the control, and nonsense is answered {}",
                    answer.status, twin.status
                ),
            };
            let proof = Proof::new(self.field.evidence(0, request, answer), evidence)
                .twin(self.field.evidence(0, &nonsense, &twin))
                .shown(self.field.evidence(0, &control_request, &control));
            let outcome = Outcome::new(ID, &self.webhook.operation, verdict, *says);
            let outcome = outcome.aspect(aspect).severity(severity).proof(proof);
            self.field.say(if works { outcome.control(good()) } else { outcome });
            found = true;
        }
        if !works {
            return Ok(());
        }
        if !found {
            let says = format!("a good message is taken, and {} forgeries are refused", taken.len());
            let outcome = Outcome::new(ID, &self.webhook.operation, Verdict::Passed, says);
            self.field.say(outcome.control(good()));
        }
        self.replay(&control_request, &control).await
    }

    /// The control once more.
    async fn replay(&self, request: &Request, control: &Answer) -> Result<(), WireError> {
        if self.webhook.scheme == WebhookScheme::Github {
            return Ok(());
        }
        let Some(again) = usable(self.field.request(0, request).await)? else { return Ok(()) };
        let (verdict, says) = if again.status == control.status && again.body == control.body {
            (
                Verdict::Tentative,
                "the same message is taken a second time; look whether it counts a second time",
            )
        } else {
            (Verdict::Passed, "the same message is not taken a second time")
        };
        let proof = Proof::new(self.field.evidence(0, request, &again), "it is answered as the first time");
        let outcome =
            Outcome::new(ID, &self.webhook.operation, verdict, says).aspect("replay").severity(Severity::Low);
        let first =
            Control::shown("the message was taken the first time", self.field.evidence(0, request, control));
        let outcome = outcome.control(first);
        self.field.say(if verdict == Verdict::Tentative { outcome.proof(proof) } else { outcome });
        Ok(())
    }

    async fn send(&self, forgery: Forgery) -> Result<Option<(Request, Answer)>, WireError> {
        let message = self.message(forgery);
        let mut request = Request::new(self.method, self.path).body("application/json", message.body);
        for (name, value) in message.fields {
            request = request.header(name, &value);
        }
        Ok(usable(self.field.request(0, &request).await)?.map(|answer| (request, answer)))
    }

    /// Whether its effect shows; nothing where that is not known.
    async fn effect(&self) -> Result<Option<bool>, WireError> {
        let Some(effect) = &self.webhook.effect else { return Ok(None) };
        let Some(who) = self.field.people.iter().position(|person| person.name == effect.identity) else {
            return Ok(None);
        };
        let Some((method, path)) = operation_of(&effect.request) else { return Ok(None) };
        let answer = usable(self.field.request(who, &Request::new(method, path)).await)?;
        Ok(answer.filter(Answer::is_success).map(|answer| answer.has(&effect.holds)))
    }

    fn message(&self, forgery: Forgery) -> Message {
        let id = format!("msg_{}", self.field.canary());
        let mut body = self.webhook.body.replace("{id}", &id);
        let now = self.field.clock.now().as_secs();
        let seconds = match forgery {
            Forgery::Old => now.saturating_sub(3_600),
            Forgery::Ahead => now.saturating_add(3_600),
            _ => now,
        };
        let mut secret = self.webhook.secret.expose().to_owned();
        if forgery == Forgery::OtherSecret {
            secret = match secret.starts_with("whsec_") {
                true => format!("whsec_{}", base64_encode(self.field.canary().as_bytes())),
                false => self.field.canary(),
            };
        }
        let mut signature = signed(self.webhook.scheme, &secret, &id, seconds, &body);
        match forgery {
            Forgery::EmptySignature => signature.clear(),
            // Another first letter that the encoding knows.
            Forgery::OneBit => {
                let first = if signature.starts_with('a') { 'b' } else { 'a' };
                signature = std::iter::once(first).chain(signature.chars().skip(1)).collect();
            }
            Forgery::CutShort => signature = signature.chars().take(8).collect(),
            // The same to a parser, and other bytes.
            Forgery::OtherBody => body.push(' '),
            _ => {}
        }
        let sent = if forgery == Forgery::OtherTime { seconds.saturating_add(7) } else { seconds };
        let mut fields = fields(self.webhook.scheme, &id, sent, &signature);
        if forgery == Forgery::Unsigned {
            fields.clear();
        }
        Message { body, fields }
    }
}

/// The signature by itself, as its scheme encodes it.
fn signed(scheme: WebhookScheme, secret: &str, id: &str, seconds: i64, body: &str) -> String {
    match scheme {
        WebhookScheme::Github => hex_encode(&hmac_sha256(secret.as_bytes(), body.as_bytes())),
        WebhookScheme::Stripe => {
            hex_encode(&hmac_sha256(secret.as_bytes(), format!("{seconds}.{body}").as_bytes()))
        }
        WebhookScheme::StandardWebhooks => {
            let text = secret.strip_prefix("whsec_").unwrap_or(secret);
            let key = base64_decode(text).unwrap_or_else(|_| secret.as_bytes().to_vec());
            base64_encode(&hmac_sha256(&key, format!("{id}.{seconds}.{body}").as_bytes()))
        }
    }
}

fn fields(scheme: WebhookScheme, id: &str, seconds: i64, signature: &str) -> Vec<(&'static str, String)> {
    match scheme {
        WebhookScheme::Github => vec![("X-Hub-Signature-256", format!("sha256={signature}"))],
        WebhookScheme::Stripe => vec![("Stripe-Signature", format!("t={seconds},v1={signature}"))],
        WebhookScheme::StandardWebhooks => vec![
            ("webhook-id", id.to_owned()),
            ("webhook-timestamp", seconds.to_string()),
            ("webhook-signature", format!("v1,{signature}")),
        ],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_signed_as_their_schemes_say() {
        // The example of the specification of Standard Webhooks.
        let body = r#"{"event_type":"ping","data":{"success":true}}"#;
        let secret = "whsec_plJ3nmyCDGBKInavdOK15jsl";
        let signature =
            signed(WebhookScheme::StandardWebhooks, secret, "msg_loFOjxBNrRLzqYUf", 1_731_705_121, body);
        assert_eq!(signature, "rAvfW3dJ/X/qxhsaXPOyyCGmRKsaKWcsNccKXlIktD0=");
        // The example of GitHub's documentation.
        let signature = signed(WebhookScheme::Github, "It's a Secret to Everybody", "", 0, "Hello, World!");
        assert_eq!(signature, "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17");
    }
}
