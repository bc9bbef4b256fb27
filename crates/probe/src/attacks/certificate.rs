//! What is wrong with the certificates that the target shows (CWE-295, CWE-298, CWE-326, CWE-327; RFC 5280, RFC 9325, section 4). Part
//! of `tls`.
//!
//! The chain is taken in a handshake that believes anybody, and judged afterwards: by the authorities that this machine and the facts
//! believe, at a moment when the certificate is good, so that each thing that is wrong is said by itself.
//!
//! `certificate`: it has ended, ends within two weeks, or is not good yet. `issuer`: it is signed by itself, by an authority that nobody
//! here knows, or the certificate of its issuer is not sent. `name`: it is not for the host that was asked. `key`: a key of RSA below
//! 2048 bits, or of a curve below 224. `signature`: it, or one that it is signed by, is signed over SHA-1 or MD5.
//!
//! Proven when a second handshake shows the same certificate. Near by, where people make their own, what strangers could do with it is
//! less, and so is the severity.

use gabion_egress::{Shown, Trust};
use gabion_model::Severity;
use gabion_vault::encoding::hex_encode;
use gabion_vault::x509::{KeyKind, PeerCertificate};

use super::tls::{CONNECT, ID};
use crate::field::Field;
use crate::scope::is_near;
use crate::verdict::{Exchange, Outcome, Proof, Verdict};
use crate::wire::{Request, WireError};

/// A certificate that is renewed by a machine is renewed before.
const SOON: i64 = 14 * DAY;
const DAY: i64 = 24 * 60 * 60;

/// What is said of one thing: whether it is wrong, how bad that is at a public address and near by.
struct Judged {
    aspect: &'static str,
    wrong: Option<(Severity, Severity)>,
    says: String,
}

impl Judged {
    fn good(aspect: &'static str, says: impl Into<String>) -> Self {
        Self { aspect, wrong: None, says: says.into() }
    }

    fn wrong(aspect: &'static str, far: Severity, near: Severity, says: impl Into<String>) -> Self {
        Self { aspect, wrong: Some((far, near)), says: says.into() }
    }
}

pub(super) async fn judge(field: &Field) -> Result<(), WireError> {
    let (first, second) = match (field.wire.shown(CONNECT).await?, field.wire.shown(CONNECT).await?) {
        (Ok(first), Ok(second)) => (first, second),
        (Err(error), _) | (_, Err(error)) => {
            let says = format!("no certificate is shown: {error}");
            field.say(Outcome::new(ID, "", Verdict::Inconclusive, says).aspect("certificate"));
            return Ok(());
        }
    };
    let chain: Vec<PeerCertificate> =
        first.chain.iter().map_while(|der| PeerCertificate::parse(der).ok()).collect();
    let Some(own) = chain.first() else {
        let says = "what is shown is no certificate that can be read";
        field.say(Outcome::new(ID, "", Verdict::Inconclusive, says).aspect("certificate"));
        return Ok(());
    };
    let near = field.wire.addresses().iter().all(|address| is_near(address.ip()));
    let now = field.clock.now().as_secs();
    for one in [
        validity(own, now),
        issuer(&first, &chain),
        name(&first, own, field.wire.origin().host()),
        key(own),
        signature(&chain),
    ] {
        let outcome = match one.wrong {
            None => Outcome::new(ID, "", Verdict::Passed, one.says),
            Some((far, close)) => {
                // Several machines behind one address may show several.
                let again = second.chain.first() == first.chain.first();
                let verdict = if again { Verdict::Proven } else { Verdict::Firm };
                let proof = Proof::new(shown(field, own, &first), one.says.clone());
                let severity = if near { close } else { far };
                Outcome::new(ID, "", verdict, one.says).severity(severity).proof(proof)
            }
        };
        field.say(outcome.aspect(one.aspect));
    }
    Ok(())
}

fn shown(field: &Field, own: &PeerCertificate, shown: &Shown) -> Exchange {
    let origin = field.wire.origin();
    let names: Vec<&str> = own.dns.iter().chain(&own.addresses).map(String::as_str).take(20).collect();
    let answer = format!(
        "{} certificates; its own: subject {}, issuer {}, for {}, SHA-256 {}",
        shown.chain.len(),
        own.subject,
        own.issuer,
        names.join(", "),
        hex_encode(&own.thumbprint)
    );
    let request = Request::new("TLS", &format!("{}:{} Certificate", origin.host(), origin.port()));
    let answer = answer.chars().take(1_000).collect();
    Exchange { who: "anonymous".to_owned(), request, status: 0, answer }
}

fn validity(own: &PeerCertificate, now: i64) -> Judged {
    let aspect = "certificate";
    let left = own.not_after.as_secs().saturating_sub(now);
    let days = left / DAY;
    if own.not_before.as_secs() > now {
        let says = format!("the certificate of `{}` is not good yet", own.issuer);
        return Judged::wrong(aspect, Severity::Medium, Severity::Low, says);
    }
    if left < 0 {
        let says = format!("the certificate of `{}` ended {} days ago", own.issuer, days.saturating_neg());
        return Judged::wrong(aspect, Severity::Medium, Severity::Low, says);
    }
    if left < SOON {
        let says = format!("the certificate of `{}` ends in {days} days", own.issuer);
        return Judged::wrong(aspect, Severity::Low, Severity::Low, says);
    }
    Judged::good(aspect, format!("the certificate is good for {days} days more"))
}

fn issuer(shown: &Shown, chain: &[PeerCertificate]) -> Judged {
    let aspect = "issuer";
    let wrong = |says: String| Judged::wrong(aspect, Severity::High, Severity::Low, says);
    match (&shown.trust, chain) {
        (Trust::Whole, _) => Judged::good(aspect, "it leads to an authority that is believed"),
        // Many that are signed by themselves say that they are an authority, too, and are refused for that.
        (Trust::Nobody | Trust::Refused(_), [own, ..]) if own.is_self_issued => {
            wrong("the certificate is signed by itself: nobody says whose it is".to_owned())
        }
        (Trust::Refused(why), _) => wrong(format!("the chain is not taken: {why}")),
        (Trust::Nobody, [.., last]) if last.is_self_issued => {
            wrong(format!("it is signed by `{}`, an authority that nobody here knows", last.subject))
        }
        (Trust::Nobody, [.., last]) => wrong(format!(
            "the chain is not whole: the certificate of `{}`, by which it goes on, is neither sent nor known here",
            last.issuer
        )),
        (Trust::Nobody, []) => wrong("nobody vouches for it".to_owned()),
    }
}

fn name(shown: &Shown, own: &PeerCertificate, host: &str) -> Judged {
    if shown.named {
        return Judged::good("name", format!("it is for `{host}`"));
    }
    let names: Vec<&str> = own.dns.iter().chain(&own.addresses).map(String::as_str).take(5).collect();
    let names = if names.is_empty() { "nobody".to_owned() } else { names.join(", ") };
    let says = format!("the certificate is for {names}, and not for `{host}`");
    Judged::wrong("name", Severity::High, Severity::Low, says)
}

fn key(own: &PeerCertificate) -> Judged {
    let (kind, bits, least) = match own.strength().key {
        KeyKind::Rsa(bits) => ("RSA", bits, 2_048),
        KeyKind::Elliptic(bits) => ("a curve", bits, 224),
        KeyKind::Other => return Judged::good("key", "its key is of a kind without lengths to choose"),
    };
    let says = format!("its key is one of {kind} with {bits} bits");
    if bits >= least {
        return Judged::good("key", says);
    }
    Judged::wrong("key", Severity::High, Severity::Medium, format!("{says}: at least {least} are needed"))
}

/// Of all but those that are signed by themselves: what somebody believes is believed for itself.
fn signature(chain: &[PeerCertificate]) -> Judged {
    let own = chain.iter().enumerate().filter(|(at, one)| *at == 0 || !one.is_self_issued);
    let broken = own.filter_map(|(_, one)| Some((one, one.strength().broken_digest?))).next();
    match broken {
        None => Judged::good("signature", "nothing is signed over a broken digest"),
        Some((one, digest)) => {
            let says = format!(
                "the certificate of `{}` is signed over {digest}: another with the same signature can be made",
                one.subject
            );
            Judged::wrong("signature", Severity::Medium, Severity::Low, says)
        }
    }
}
