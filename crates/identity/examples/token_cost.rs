//! Prints what it costs the gate to believe an access token, in nanoseconds: one line for each algorithm
//! with its name, the first sight of a token, and every later one. The fastest of many short rounds each.

#![expect(clippy::print_stdout, reason = "a measurement prints")]

use std::sync::Arc;
use std::time::Duration;

use gabion_identity::oauth::revocation::Revocations;
use gabion_identity::{AccessTokens, Keyring};
use gabion_model::Timestamp;
use gabion_vault::jose::Algorithm;
use gabion_vault::jwt::SigningKey;
use serde_json::json;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    for algorithm in [Algorithm::Es256, Algorithm::Rs256, Algorithm::EdDsa] {
        let key = Arc::new(SigningKey::generate_for(algorithm)?);
        let tokens = (0..TOKENS).map(|index| token(&key, index)).collect::<Result<Vec<_>, _>>()?;
        let (mut first, mut later) = (f64::MAX, f64::MAX);
        for _ in 0..ROUNDS {
            let revocations = Arc::new(Revocations::new(Duration::from_secs(900)));
            let house = AccessTokens::new(Keyring::of(Arc::clone(&key)), revocations, ISSUER);
            let believe = || tokens.iter().all(|token| house.resolve(token, NOW).is_ok());
            first = first.min(each(believe)?);
            for _ in 0..ROUNDS {
                later = later.min(each(believe)?);
            }
        }
        println!("{algorithm} {first:.1} {later:.1}");
    }
    Ok(())
}

/// As the token endpoint writes it (RFC 9068, section 2.2).
fn token(key: &SigningKey, index: u32) -> Result<String, Box<dyn std::error::Error>> {
    let claims = json!({
        "iss": ISSUER, "sub": "3f1c8e02-75a1-4a57-9b61-0a6f2f6a2c11", "aud": "https://shop.example",
        "iat": NOW.as_secs(), "exp": NOW.as_secs() + 600, "jti": format!("token-{index}"),
        "client_id": "shop", "scope": "openid offline_access", "auth_time": NOW.as_secs(),
        "acr": "urn:gabion:acr:1fa", "amr": ["pwd"], "roles": ["member"], "tenant": "default", "gid": "grant-1",
    });
    Ok(key.sign("at+jwt", &claims)?)
}

/// Nanoseconds for each token. A round is shorter than a time slice, so the fastest one was not interrupted.
#[expect(clippy::disallowed_methods, reason = "a measurement reads the machine's clock")]
fn each(work: impl Fn() -> bool) -> Result<f64, Box<dyn std::error::Error>> {
    let start = std::time::Instant::now();
    if !work() {
        return Err("a token was not believed".into());
    }
    Ok(start.elapsed().as_secs_f64() * 1e9 / f64::from(TOKENS))
}

const ISSUER: &str = "https://shop.example";
const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);
const TOKENS: u32 = 40;
const ROUNDS: usize = 50;
