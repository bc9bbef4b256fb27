//! Webhooks of our own, signed by Standard Webhooks: whoever receives one finds a library for it in every
//! language.

use std::time::Duration;

use gabion_model::outbound::{FetchMethod, FetchRequest};
use gabion_model::{Secret, Timestamp};
use gabion_vault::webhook::{Key, Scheme, SignFault, sign};

/// A message to `url`, signed by every key so that receivers can change theirs without a gap. It is handed to
/// [`gabion_model::outbound::Fetch`]; `id` stays the same when it is sent again, the time does not.
///
/// # Errors
/// No key that signs, or an id that cannot stand in a signature.
pub fn webhook(
    url: &str,
    keys: &[Key],
    id: &str,
    now: Timestamp,
    body: Vec<u8>,
) -> Result<FetchRequest, SignFault> {
    let fields = sign(&Scheme::Standard, keys, id, now.as_secs(), &body)?;
    let json = ("content-type".to_owned(), "application/json".to_owned());
    let headers = [json].into_iter().chain(fields).map(|(name, value)| (name, Secret::new(value))).collect();
    Ok(FetchRequest {
        method: FetchMethod::Post,
        url: url.to_owned(),
        headers,
        body: Secret::new(body),
        // The answer's status counts; nobody reads more of it.
        largest: 64 * 1024,
        deadline: Duration::from_secs(15),
        // A receiver that moved says so to people.
        redirects: 0,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_carries_what_its_receiver_verifies() {
        let keys = [Key::parse(&Scheme::Standard, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap()];
        let body = b"{\"test\": 2432232314}".to_vec();
        let now = Timestamp::from_secs(1_614_265_330);
        let made = webhook("https://shop.example/hooks", &keys, "msg_p5jXN8AQM9LWM0D4loKWxJek", now, body);
        let made = made.unwrap();
        let field = |name: &str| {
            made.headers.iter().find(|(own, _)| own == name).map(|(_, value)| value.expose().as_str())
        };
        assert_eq!(field("webhook-id"), Some("msg_p5jXN8AQM9LWM0D4loKWxJek"));
        assert_eq!(field("webhook-timestamp"), Some("1614265330"));
        assert_eq!(field("webhook-signature"), Some("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="));
        assert_eq!(made.redirects, 0);
    }
}
