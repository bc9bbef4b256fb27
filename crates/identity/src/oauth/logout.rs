//! Logout tokens (OpenID Connect Back-Channel Logout 1.0, 2.4): what a client is told when a session ends.

use std::time::Duration;

use gabion_model::Timestamp;
use serde_json::{Map, Value, json};

/// The header's `typ` (2.4).
pub const LOGOUT_TOKEN_TYPE: &str = "logout+jwt";

/// How long a logout token is good (2.4: at most two minutes are recommended).
const LIFE: Duration = Duration::from_secs(120);

/// The claims of a logout token. INVARIANT: no `nonce`, so that it cannot be taken for an ID token.
#[must_use]
pub fn logout_claims(
    issuer: &str,
    client: &str,
    subject: &str,
    session: Option<&str>,
    jti: &str,
    now: Timestamp,
) -> Map<String, Value> {
    let mut claims = Map::new();
    let mut set = |name: &str, value: Value| claims.insert(name.to_owned(), value);
    set("iss", issuer.into());
    set("aud", client.into());
    set("sub", subject.into());
    set("iat", now.as_secs().into());
    set("exp", now.saturating_add(LIFE).as_secs().into());
    set("jti", jti.into());
    set("events", json!({ "http://schemas.openid.net/event/backchannel-logout": {} }));
    if let Some(session) = session {
        set("sid", session.into());
    }
    claims
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_logout_token_has_what_the_specification_lists() {
        let claims =
            logout_claims("https://id.example", "shop", "ada", Some("s"), "1", Timestamp::from_secs(100));
        let mut names: Vec<_> = claims.keys().map(String::as_str).collect();
        names.sort_unstable();
        assert_eq!(names, ["aud", "events", "exp", "iat", "iss", "jti", "sid", "sub"]);
        assert_eq!(claims["exp"], 220);
        assert_eq!(claims["events"], json!({ "http://schemas.openid.net/event/backchannel-logout": {} }));
    }
}
