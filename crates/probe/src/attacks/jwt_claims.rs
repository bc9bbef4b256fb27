//! Whether what a token says is looked at where its signature is right (RFC 7519 section 4.1, RFC 7515 section 4.1.11, RFC 8725
//! sections 3.8 and 3.9; CWE-613, CWE-345): `jwt` asks it of each kind of token.
//!
//! The key that signs is known where it was guessed, or where the facts give it (`tokens.key`). Positive control: a token that is
//! signed with it, with the claims of the valid one and times of now, is believed. Negative twin: the valid token with noise for a
//! signature, which is not. Then one thing is changed, and it is proven where the token is believed, twice:
//!
//! `expired`: it ran out an hour ago (`exp`). `not-yet`: it begins tomorrow (`nbf`). `audience`: it is for somebody else (`aud`).
//! `issuer`: somebody else gave it (`iss`), where tokens say who did. `crit`: its head says that an extension has to be understood
//! which nobody has.
//!
//! Tokens that the facts give (`tokens.others`) are really signed and not for here: each is sent as it is.
//! Without a key, and for what no given token differs in, it is not tested.

use gabion_model::Severity;
use gabion_vault::encoding::{base64_decode, base64url_decode, hex_decode};
use gabion_vault::jose::SigningKey;
use serde_json::{Map, Value, json};

use super::compact::{Token, compact, hmac};
use super::jwt::{Aim, ID, is_secret_of};
use crate::compare::Profile;
use crate::control::Control;
use crate::field::Field;
use crate::learn::works;
use crate::matrix::Access;
use crate::verdict::{Outcome, Proof, Verdict};
use crate::wire::{Answer, Request, WireError};

/// What signs tokens as the application does.
pub(super) enum Signer {
    Secret(Vec<u8>),
    Key(Box<SigningKey>),
}

impl Signer {
    /// The key that was guessed, or the one of the facts where it fits the token.
    pub(super) fn of(field: &Field, token: &Token, guessed: Option<&str>) -> Option<Self> {
        if let Some(secret) = guessed {
            return Some(Self::Secret(secret.as_bytes().to_vec()));
        }
        let text = field.facts.tokens.key.as_ref()?.expose().trim();
        if text.contains("-----BEGIN") {
            let key = SigningKey::from_pkcs8_pem(text).ok()?;
            let same = json!(key.algorithm()).as_str() == Some(token.algorithm());
            return same.then(|| Self::Key(Box::new(key)));
        }
        let plain = Some(text.as_bytes().to_vec());
        let forms = [plain, base64_decode(text).ok(), base64url_decode(text).ok(), hex_decode(text)];
        let secret = forms.into_iter().flatten().find(|secret| is_secret_of(token, secret))?;
        Some(Self::Secret(secret))
    }

    fn sign(&self, head: &Map<String, Value>, claims: &Map<String, Value>) -> Option<String> {
        match self {
            Self::Key(key) => key.sign_as(head, claims).ok(),
            Self::Secret(secret) => {
                let algorithm = head.get("alg")?.as_str()?;
                let sign = |text: &[u8]| hmac(algorithm, secret, text).unwrap_or_default();
                Some(compact(&Value::Object(head.clone()), &Value::Object(claims.clone()), sign))
            }
        }
    }
}

/// A token of which one thing is wrong.
struct Case {
    aspect: &'static str,
    severity: Severity,
    believed: &'static str,
    refused: &'static str,
    head: Map<String, Value>,
    claims: Map<String, Value>,
}

const HOUR: i64 = 60 * 60;
const DAY: i64 = 24 * HOUR;

/// Whether anything was found.
///
/// # Errors
/// When the run is over.
pub(super) async fn claims(aim: &Aim<'_>, signer: Option<&Signer>) -> Result<bool, WireError> {
    let field = aim.field;
    let (mut said, mut found) = given(aim).await?;
    let not_tested = |aspect: &str, reason: &str| {
        field.say(Outcome::new(ID, &aim.operation, Verdict::NotTested, reason).aspect(aspect));
    };
    let Some(signer) = signer else {
        not_tested(
            "claims",
            "the key that signs is not known: whether tokens are refused that ran out, begin later, or are of or for somebody else is seen of none but those that the facts give; hint: `tokens.key` or `tokens.others`",
        );
        return Ok(found);
    };
    let now = field.clock.now().as_secs();
    let token = &aim.held.token;
    let mut plain = token.claims.clone();
    plain.insert("jti".to_owned(), Value::String(field.canary()));
    for (name, at) in [("iat", -60), ("nbf", -60), ("exp", HOUR)] {
        if plain.contains_key(name) || name == "exp" {
            plain.insert(name.to_owned(), json!(now.saturating_add(at)));
        }
    }
    let Some(control) = signer.sign(&token.head, &plain) else { return Ok(found) };
    let Some((request, answer)) = aim.believed(&control).await? else {
        not_tested(
            "claims",
            "a token with the claims of the valid one that the known key signed anew is not believed: a session is kept beside it, or the key is another one",
        );
        return Ok(found);
    };
    let control = field.evidence(aim.held.who, &request, &answer);
    if token.claims.get("iss").is_none() {
        not_tested("issuer", "tokens do not say who gave them (`iss`)");
    }
    for case in cases(field, token, &plain, now) {
        if said.contains(&case.aspect) {
            continue;
        }
        said.push(case.aspect);
        let Some(made) = signer.sign(&case.head, &case.claims) else { continue };
        let in_order = Control::shown(
            "a token that the same key signed and that is in order is believed",
            control.clone(),
        );
        let outcome =
            |verdict, says: &str| Outcome::new(ID, &aim.operation, verdict, says).aspect(case.aspect);
        let Some((request, answer)) = aim.believed(&made).await? else {
            field.say(outcome(Verdict::Passed, case.refused).control(in_order));
            continue;
        };
        found = true;
        field.saw(&aim.operation, 0, Access::Violation, case.believed);
        let proof = Proof::new(
            field.evidence(aim.held.who, &request, &answer),
            "the answer is the one of the valid token",
        )
        .twin(field.evidence(aim.held.who, &aim.twin.0, &aim.twin.1))
        .shown(control.clone());
        field.say(
            outcome(Verdict::Proven, case.believed).severity(case.severity).proof(proof).control(in_order),
        );
    }
    Ok(found)
}

fn cases(field: &Field, token: &Token, plain: &Map<String, Value>, now: i64) -> Vec<Case> {
    let head = &token.head;
    let with = |changes: &[(&str, Value)]| {
        let mut claims = plain.clone();
        claims.extend(changes.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
        claims
    };
    let at = |seconds: i64| json!(now.saturating_add(seconds));
    let stranger = format!("https://{}.example", field.canary());
    let audience = match token.claims.get("aud") {
        Some(Value::Array(_)) => json!([stranger]),
        _ => json!(stranger),
    };
    let extension = field.canary();
    let mut critical = head.clone();
    critical.insert("crit".to_owned(), json!([extension]));
    critical.insert(extension, Value::Bool(true));
    let began = [("iat", at(-2 * HOUR)), ("nbf", at(-2 * HOUR)), ("exp", at(-HOUR))];
    let began: Vec<_> =
        began.into_iter().filter(|(name, _)| *name == "exp" || plain.contains_key(*name)).collect();
    let mut all = vec![
        Case {
            aspect: "expired",
            severity: Severity::High,
            believed: "a token that ran out an hour ago is believed",
            refused: "a token that ran out an hour ago is refused",
            head: head.clone(),
            claims: with(&began),
        },
        Case {
            aspect: "not-yet",
            severity: Severity::Low,
            believed: "a token that begins tomorrow is believed today",
            refused: "a token that begins tomorrow is refused",
            head: head.clone(),
            claims: with(&[("nbf", at(DAY)), ("exp", at(2 * DAY))]),
        },
        Case {
            aspect: "audience",
            // Where the application's own say for whom they are, others come from the same key.
            severity: if token.claims.contains_key("aud") { Severity::High } else { Severity::Low },
            believed: "a token that is for somebody else (`aud`) is believed",
            refused: "a token that is for somebody else is refused",
            head: head.clone(),
            claims: with(&[("aud", audience)]),
        },
        Case {
            aspect: "crit",
            severity: Severity::Low,
            believed: "a token is believed whose head has what must be understood (`crit`) and is not",
            refused: "a token whose head has what must be understood and is not is refused",
            head: critical,
            claims: plain.clone(),
        },
    ];
    if token.claims.contains_key("iss") {
        all.push(Case {
            aspect: "issuer",
            severity: Severity::Medium,
            believed: "a token that somebody else gave (`iss`) is believed",
            refused: "a token that somebody else gave is refused",
            head: head.clone(),
            claims: with(&[("iss", json!(stranger))]),
        });
    }
    all
}

/// Sends the tokens of the facts that are not for here: the aspects that were said, and whether anything was found.
async fn given(aim: &Aim<'_>) -> Result<(Vec<&'static str>, bool), WireError> {
    let field = aim.field;
    let (mut said, mut found) = (Vec::new(), false);
    for text in &field.facts.tokens.others {
        let Some(token) = Token::parse(text.expose().trim()) else {
            let says = "a token of `tokens.others` is no JSON Web Token";
            field.say(Outcome::new(ID, &aim.operation, Verdict::NotTested, says).aspect("foreign"));
            continue;
        };
        let (aspect, what) = differs(&aim.held.token, &token, field.clock.now().as_secs());
        let valid = aim.held.carrier.carry(&aim.request, &aim.held.token.text);
        let valid = field.evidence(aim.held.who, &valid, &aim.control);
        let control = Control::shown("the valid token is believed", valid.clone());
        let outcome = |verdict, says: String| Outcome::new(ID, &aim.operation, verdict, says).aspect(aspect);
        let outcome = if let Some((request, answer)) = opened(aim, &token.text).await? {
            found = true;
            let says = format!("a token that is not for here is believed: {what}");
            field.saw(&aim.operation, 0, Access::Violation, says.as_str());
            let proof = Proof::new(
                field.evidence(aim.held.who, &request, &answer),
                "the answer is none that a refused token gets",
            )
            .twin(field.evidence(aim.held.who, &aim.twin.0, &aim.twin.1))
            .shown(valid);
            outcome(Verdict::Proven, says).severity(Severity::High).proof(proof)
        } else {
            outcome(Verdict::Passed, format!("a token that is not for here is refused: {what}"))
        };
        said.push(aspect);
        field.say(outcome.control(control));
    }
    Ok((said, found))
}

/// What came back, where a token opens it twice: it may be somebody else's, and the answer of theirs.
async fn opened(aim: &Aim<'_>, token: &str) -> Result<Option<(Request, Answer)>, WireError> {
    let refused = Profile::of(&[&aim.twin.1]);
    let mut last = None;
    for _ in 0..2 {
        last = aim.send(token).await?.filter(|(_, answer)| {
            let as_refused = aim.twin.1.status == answer.status
                && refused.as_ref().is_some_and(|refused| refused.fits(answer, "", ""));
            works(aim.field, answer) && !aim.field.is_refusal(answer) && !as_refused
        });
        if last.is_none() {
            break;
        }
    }
    Ok(last)
}

/// In what a token that is not for here differs from the valid one.
fn differs(valid: &Token, other: &Token, now: i64) -> (&'static str, &'static str) {
    let time = |name: &str| other.claims.get(name).and_then(Value::as_f64).map(|seconds| seconds as i64);
    match () {
        () if time("exp").is_some_and(|end| end < now) => ("expired", "it ran out"),
        () if time("nbf").is_some_and(|begin| begin > now) => ("not-yet", "it begins later"),
        () if valid.claims.get("iss") != other.claims.get("iss") => ("issuer", "somebody else gave it"),
        () if valid.claims.get("aud") != other.claims.get("aud") => ("audience", "it is for somebody else"),
        () => ("foreign", "by its issuer, its audience and its times it could be"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_given_token_is_named_by_what_is_wrong_with_it() {
        let token = |claims: Value| {
            let text = compact(&json!({ "alg": "HS256" }), &claims, |_| vec![1]);
            Token::parse(&text).unwrap()
        };
        let valid = token(json!({ "iss": "a", "aud": "b", "exp": 200 }));
        for (claims, aspect) in [
            (json!({ "iss": "a", "aud": "b", "exp": 50 }), "expired"),
            (json!({ "iss": "a", "aud": "b", "exp": 200, "nbf": 150 }), "not-yet"),
            (json!({ "iss": "c", "aud": "b", "exp": 200 }), "issuer"),
            (json!({ "iss": "a", "aud": ["c"], "exp": 200 }), "audience"),
            (json!({ "iss": "a", "aud": "b", "exp": 300 }), "foreign"),
        ] {
            assert_eq!(differs(&valid, &token(claims), 100).0, aspect);
        }
    }
}
