//! Refresh tokens (RFC 6749, 6; RFC 9700, 4.14): one row per grant with a counter, and no table of
//! tokens.
//!
//! A token is version ‖ grant ‖ counter ‖ HMAC under the grant's own key, so nobody makes one who has
//! not got one. Exactly one counter is good at a time; using it raises the counter by one atomic update.
//! A client that never saw the answer (or refreshed a hundred times at once) may ask again for a short
//! while and gets the very same answer, if it is the same client with the same key asking for the same.
//! Any other use of a used token means that two hold it: the grant ends for both.

use std::time::Duration;

use gabion_model::{Rng, Secret, Timestamp, random};
use gabion_vault::encoding::{base64url_decode, base64url_encode};
use gabion_vault::{constant_time_eq, hmac_sha256, sha256};

use super::client::ClientId;
use super::grant::{EndReason, Grant, LastAnswer};
use super::grant_id::GrantId;
use super::token::Confirmation;

/// A token as it was presented.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefreshToken {
    pub grant: GrantId,
    pub counter: u64,
    code: [u8; 32],
}

/// What may be done with a presented token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The grant must end: two hold its tokens.
    End(EndReason),
    /// Not good (any more), and that is all.
    Refuse,
    /// Give the same answer again.
    Replay(LastAnswer),
    /// Give new tokens, if the counter can be raised from here.
    Rotate,
}

/// A new key for a grant's tokens.
#[must_use]
pub fn new_key(rng: &dyn Rng) -> Secret<Vec<u8>> {
    Secret::new(random::bytes::<32>(rng).to_vec())
}

/// The token of a grant with a counter. None for a grant id that is not one of ours.
#[must_use]
pub fn write(grant: &GrantId, counter: u64, key: &Secret<Vec<u8>>) -> Option<Secret<String>> {
    let id: [u8; 16] = base64url_decode(grant.as_str()).ok()?.try_into().ok()?;
    let mut bytes = Vec::with_capacity(57);
    bytes.push(VERSION);
    bytes.extend(id);
    bytes.extend(counter.to_be_bytes());
    let code = hmac_sha256(key.expose(), &bytes);
    bytes.extend(code);
    let bytes = Secret::new(bytes);
    Some(Secret::new(base64url_encode(bytes.expose())))
}

/// Takes a token apart. Whether it is authentic is seen when the grant's key is known.
#[must_use]
pub fn read(text: &str) -> Option<RefreshToken> {
    if text.len() != 76 {
        return None;
    }
    let bytes = Secret::new(base64url_decode(text).ok()?);
    let rest = bytes.expose().strip_prefix(&[VERSION])?;
    let (id, rest) = rest.split_first_chunk::<16>()?;
    let (counter, code) = rest.split_first_chunk::<8>()?;
    Some(RefreshToken {
        grant: GrantId::new(&base64url_encode(id)),
        counter: u64::from_be_bytes(*counter),
        code: code.try_into().ok()?,
    })
}

impl RefreshToken {
    #[must_use]
    pub fn is_authentic(&self, key: &Secret<Vec<u8>>) -> bool {
        let Ok(id) = base64url_decode(self.grant.as_str()) else { return false };
        let mut bytes = Vec::with_capacity(25);
        bytes.push(VERSION);
        bytes.extend(id);
        bytes.extend(self.counter.to_be_bytes());
        constant_time_eq(&hmac_sha256(key.expose(), &bytes), &self.code)
    }
}

/// What distinguishes one refresh request from another: who asks, holding what, for what.
#[must_use]
pub fn fingerprint(
    client: &ClientId,
    shown: &Confirmation,
    scope: Option<&str>,
    resources: &[String],
) -> [u8; 32] {
    let mut text = Vec::new();
    let fields = [Some(client.as_str()), shown.jkt.as_deref(), shown.x5t_s256.as_deref(), scope];
    for field in fields.into_iter().chain(resources.iter().map(|one| Some(one.as_str()))) {
        // The length before each field: no two lists are written alike.
        let field = field.map(str::as_bytes);
        text.extend(field.map_or(u64::MAX, |field| field.len() as u64).to_be_bytes());
        text.extend(field.unwrap_or_default());
    }
    sha256(&text)
}

/// Judges an authentic token against its grant as it is stored now.
#[must_use]
pub fn judge(
    grant: &Grant,
    token: &RefreshToken,
    client: &ClientId,
    shown: &Confirmation,
    asked: &[u8; 32],
    grace: Duration,
    now: Timestamp,
) -> Verdict {
    let Some(refresh) = &grant.refresh else { return Verdict::Refuse };
    if grant.redeemed.is_none() || !grant.is_alive(now) {
        return Verdict::Refuse;
    }
    if grant.client != *client {
        return Verdict::End(EndReason::ForeignClient);
    }
    if !grant.terms.bound_to().is_met_by(shown) {
        return Verdict::End(EndReason::ForeignKey);
    }
    if token.counter == refresh.counter {
        return Verdict::Rotate;
    }
    match &refresh.last {
        Some(last)
            if token.counter.checked_add(1) == Some(refresh.counter)
                && now.saturating_since(last.time) < grace
                && last.asked == *asked =>
        {
            Verdict::Replay(last.clone())
        }
        _ => Verdict::End(EndReason::RefreshReused),
    }
}

const VERSION: u8 = 1;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oauth::grant::{NewGrant, Refresh, Terms};
    use gabion_model::AccountId;
    use gabion_model::random::SeededRng;
    use proptest::prelude::*;

    const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);
    const GRACE: Duration = Duration::from_secs(30);
    const DAY: Duration = Duration::from_secs(86_400);

    fn client(id: &str) -> ClientId {
        id.parse().unwrap()
    }

    fn key(name: &str) -> Confirmation {
        Confirmation { jkt: Some(name.to_owned()), x5t_s256: Some("certificate".to_owned()) }
    }

    fn grant(counter: u64, last: Option<LastAnswer>) -> Grant {
        let new = NewGrant {
            client: client("shop"),
            account: AccountId::new("ada"),
            epoch: 0,
            session: None,
            terms: Terms {
                dpop_jkt: Some("key".to_owned()),
                x5t_s256: Some("certificate".to_owned()),
                ..Terms::default()
            },
            now: NOW,
        };
        let refresh = Some(Refresh { key: Vec::new(), counter, last });
        Grant { refresh, ..Grant::without_code(new, DAY, DAY, &SeededRng::new(1)) }
    }

    fn token(grant: &Grant, counter: u64) -> RefreshToken {
        RefreshToken { grant: grant.id.clone(), counter, code: [0; 32] }
    }

    #[test]
    fn tokens_are_authentic_or_nothing() {
        let rng = SeededRng::new(3);
        let (key, other, id) = (new_key(&rng), new_key(&rng), GrantId::random(&rng));
        let text = write(&id, 7, &key).unwrap();
        let read_back = read(text.expose()).unwrap();
        assert_eq!((&read_back.grant, read_back.counter), (&id, 7));
        assert!(read_back.is_authentic(&key) && !read_back.is_authentic(&other));
        for at in 0..text.expose().len() {
            let mut forged = text.expose().clone();
            let with = if forged.as_bytes()[at] == b'A' { "B" } else { "A" };
            forged.replace_range(at..=at, with);
            assert!(!read(&forged).is_some_and(|token| token.is_authentic(&key)), "letter {at}");
            assert!(text.expose().get(..at).and_then(read).is_none());
        }
        assert!(write(&GrantId::new("not ours"), 0, &key).is_none());
    }

    #[test]
    fn one_counter_is_good_and_the_one_before_for_a_moment() {
        let asked = fingerprint(&client("shop"), &key("key"), None, &[]);
        let last = LastAnswer { time: NOW, asked, answer: b"sealed".to_vec() };
        let grant = grant(5, Some(last.clone()));
        let judge = |counter, client: &ClientId, own: Option<&str>, asked: &[u8; 32], seconds| {
            let now = NOW.saturating_add(Duration::from_secs(seconds));
            let shown = own.map(key).unwrap_or_default();
            judge(&grant, &token(&grant, counter), client, &shown, asked, GRACE, now)
        };
        let (shop, other) = (client("shop"), client("other"));
        assert_eq!(judge(5, &shop, Some("key"), &asked, 0), Verdict::Rotate);
        assert_eq!(judge(4, &shop, Some("key"), &asked, 29), Verdict::Replay(last));
        assert_eq!(judge(4, &shop, Some("key"), &asked, 30), Verdict::End(EndReason::RefreshReused));
        assert_eq!(judge(3, &shop, Some("key"), &asked, 0), Verdict::End(EndReason::RefreshReused));
        assert_eq!(judge(6, &shop, Some("key"), &asked, 0), Verdict::End(EndReason::RefreshReused));
        assert_eq!(judge(5, &other, Some("key"), &asked, 0), Verdict::End(EndReason::ForeignClient));
        assert_eq!(judge(5, &shop, None, &asked, 0), Verdict::End(EndReason::ForeignKey));
        assert_eq!(judge(5, &shop, Some("key2"), &asked, 0), Verdict::End(EndReason::ForeignKey));
        for certificate in [None, Some("another".to_owned())] {
            let shown = Confirmation { x5t_s256: certificate, ..key("key") };
            let verdict = super::judge(&grant, &token(&grant, 5), &shop, &shown, &asked, GRACE, NOW);
            assert_eq!(verdict, Verdict::End(EndReason::ForeignKey), "{shown:?}");
        }
        let different = fingerprint(&shop, &key("key"), Some("openid"), &[]);
        assert_eq!(judge(4, &shop, Some("key"), &different, 0), Verdict::End(EndReason::RefreshReused));
        assert_eq!(judge(5, &shop, Some("key"), &asked, 86_400), Verdict::Refuse, "expired");
    }

    #[test]
    fn requests_are_told_apart() {
        let (shop, a, b) = (client("shop"), "a".to_owned(), "b".to_owned());
        let (none, empty) = (Confirmation::default(), Some(String::new()));
        let rows = [
            fingerprint(&shop, &none, None, &[]),
            fingerprint(&shop, &Confirmation { jkt: empty.clone(), x5t_s256: None }, None, &[]),
            fingerprint(&shop, &Confirmation { jkt: None, x5t_s256: empty }, None, &[]),
            fingerprint(&shop, &none, Some(""), &[]),
            fingerprint(&shop, &none, Some("ab"), &[]),
            fingerprint(&shop, &none, Some("a"), std::slice::from_ref(&b)),
            fingerprint(&shop, &none, None, &[a.clone(), b.clone()]),
            fingerprint(&shop, &none, None, &[format!("{a}{b}")]),
            fingerprint(&client("shop2"), &none, None, &[]),
        ];
        for (index, row) in rows.iter().enumerate() {
            assert!(rows.iter().skip(index + 1).all(|other| other != row));
        }
    }

    proptest! {
        /// Whatever the order in which holders of one grant's tokens refresh: two different answers for one
        /// counter are never given, and a token older than the last ends the grant.
        #[test]
        fn a_counter_is_never_answered_twice(uses in proptest::collection::vec((0_u64..6, 0_u64..40), 1..40)) {
            let asked = fingerprint(&client("shop"), &key("key"), None, &[]);
            let mut grant = grant(0, None);
            let (mut now, mut answered) = (NOW, std::collections::BTreeMap::new());
            for (back, seconds) in uses {
                now = now.saturating_add(Duration::from_secs(seconds));
                let counter = grant.refresh.as_ref().unwrap().counter;
                let used = token(&grant, counter.saturating_sub(back));
                match judge(&grant, &used, &client("shop"), &key("key"), &asked, GRACE, now) {
                    Verdict::Rotate => {
                        let answer = counter.to_be_bytes().to_vec();
                        prop_assert_eq!(answered.insert(used.counter, answer.clone()), None);
                        let last = Some(LastAnswer { time: now, asked, answer });
                        grant.refresh = Some(Refresh { key: Vec::new(), counter: counter + 1, last });
                    }
                    Verdict::Replay(last) => prop_assert_eq!(answered.get(&used.counter), Some(&last.answer)),
                    Verdict::End(_) => {
                        prop_assert!(used.counter < counter);
                        grant.ended = Some(now);
                    }
                    Verdict::Refuse => prop_assert!(grant.ended.is_some()),
                }
            }
        }

        #[test]
        fn any_text_is_read_or_refused(text in "[A-Za-z0-9_-]{76}|.{0,80}") {
            let _ = read(&text);
        }
    }
}
