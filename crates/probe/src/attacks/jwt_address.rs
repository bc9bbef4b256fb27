//! A token that names an address for the key that signed it (`jku`, `x5u`; RFC 7515, sections 4.1.2 and 4.1.5): `jwt` sends some.
//!
//! 1. A token with the claims of a valid one is signed by a key of our own, and names our listener, which has that key.
//! 2. **Proven** (`key-address`): it is believed, twice.
//! 3. **Firm** (`key-fetched`): it is not, and our listener was asked, twice: whoever sends a token chooses what the application
//!    asks. Negative twin: the address as a claim, which nobody must fetch.

use std::time::Duration;

use gabion_model::Severity;
use gabion_vault::jose::{Algorithm, SigningKey};
use serde_json::{Value, json};

use super::jwt::{Aim, ID};
use crate::catch::Catch;
use crate::matrix::Access;
use crate::verdict::{Outcome, Proof, Verdict};
use crate::wire::WireError;

/// How long somebody may take to ask.
const PATIENCE: Duration = Duration::from_millis(700);

/// Whether there was something to say, and then it is said.
///
/// # Errors
/// When the run is over.
pub(super) async fn address(aim: &Aim<'_>) -> Result<bool, WireError> {
    let field = aim.field;
    let Some(catch) = &field.catch else { return Ok(false) };
    let algorithm =
        if aim.held.token.algorithm().starts_with("RS") { Algorithm::Rs256 } else { Algorithm::Es256 };
    let Ok(key) = SigningKey::generate_for(algorithm) else { return Ok(false) };
    let make = |word: &str, in_head: bool| {
        let url = format!("{}/keys.json", catch.url(word));
        let mut claims = aim.held.token.claims.clone();
        let mut head = json!({ "alg": algorithm, "typ": "JWT", "kid": key.kid() });
        claims.insert("jti".to_owned(), Value::String(word.to_owned()));
        if in_head {
            merge(&mut head, &json!({ "jku": url, "x5u": url }));
        } else {
            claims.insert("about".to_owned(), Value::String(url));
        }
        key.sign_as(&head, &claims).ok()
    };
    let keys = json!({ "keys": [key.public()] }).to_string();
    let mut asked = Vec::new();
    for _ in 0..2 {
        let word = Catch::word(&*field.rng);
        catch.tell(&word, &keys);
        let Some(token) = make(&word, true) else { return Ok(false) };
        if let Some((request, answer)) = aim.believed(&token).await? {
            let says = "a token names the address of its key, and is believed";
            field.saw(&aim.operation, 0, Access::Violation, says);
            let valid = aim.held.carrier.carry(&aim.request, &aim.held.token.text);
            let evidence = "the answer is the one of the valid token; the key is one that we made";
            let proof = Proof::new(field.evidence(aim.held.who, &request, &answer), evidence)
                .twin(field.evidence(aim.held.who, &aim.twin.0, &aim.twin.1))
                .shown(field.evidence(aim.held.who, &valid, &aim.control))
                .by_steps();
            let outcome = Outcome::new(ID, &aim.operation, Verdict::Proven, says).aspect("key-address");
            field.say(outcome.proof(proof));
            return Ok(true);
        }
        if catch.wait(&word, PATIENCE).await.is_none() {
            return Ok(false);
        }
        asked.push(token);
    }
    let word = Catch::word(&*field.rng);
    let Some(plain) = make(&word, false) else { return Ok(false) };
    let Some(twin) = aim.send(&plain).await? else { return Ok(false) };
    if catch.wait(&word, PATIENCE).await.is_some() {
        return Ok(false);
    }
    let Some(token) = asked.pop() else { return Ok(false) };
    let Some((request, answer)) = aim.send(&token).await? else { return Ok(false) };
    let says = "the address that a token names for its key is fetched, whoever made the token";
    let proof = Proof::new(field.evidence(aim.held.who, &request, &answer), "our listener was asked for it")
        .twin(field.evidence(aim.held.who, &twin.0, &twin.1))
        .by_steps();
    let outcome = Outcome::new(ID, &aim.operation, Verdict::Firm, says).aspect("key-fetched");
    field.say(outcome.severity(Severity::Medium).proof(proof));
    Ok(true)
}

fn merge(into: &mut Value, more: &Value) {
    if let (Some(into), Some(more)) = (into.as_object_mut(), more.as_object()) {
        into.extend(more.clone());
    }
}
