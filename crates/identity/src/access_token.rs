//! Access tokens of our own (RFC 9068), as the gate believes them.
//!
//! A token is verified once and remembered by its SHA-256 until it expires, so that the next request costs a
//! hash instead of a signature. What was revoked meanwhile is asked every time: remembering never makes a
//! token live longer. What it is bound to is proved by every request anew.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, Weak};
use std::time::Duration;

use gabion_model::{AccountId, Acr, Principal, Role, TenantId, Timestamp};
use gabion_vault::encoding::base64url_decode_32;
use gabion_vault::jwt::{self, Jwks, LONGEST_TOKEN, TokenError};
use gabion_vault::sha256;
use serde::Deserialize;

use crate::account::{Account, Follower};
use crate::credential::{Credential, CredentialKind, NewCredential, Scopes};
use crate::keyring::Keyring;
use crate::oauth::dpop::{self, ProofError, ProvenRequest};
use crate::oauth::replay::Replay;
use crate::oauth::revocation::{Revocations, Watcher};
use crate::storage::AccountChange;

/// The tokens that were verified and have not expired.
pub struct AccessTokens {
    keys: Arc<Keyring>,
    revocations: Arc<Revocations>,
    issuer: RwLock<Arc<str>>,
    shards: Vec<Mutex<HashMap<[u8; 32], Arc<AccessToken>>>>,
    /// Proofs that were used, by the first byte of their id's hash.
    proofs: Vec<Replay>,
}

/// A token that was verified.
#[derive(Debug)]
pub struct AccessToken {
    pub credential: Arc<Credential>,
    pub confirmation: Confirmation,
    audiences: Box<[Box<str>]>,
    /// Its grant, or its own id where it was made without one.
    family: Box<str>,
    /// It was made from a grant.
    granted: bool,
    issued: i64,
}

/// What must be shown beside a token that is bound to its holder: all of it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Confirmation {
    /// The certificate with this SHA-256 (RFC 8705).
    pub certificate: Option<[u8; 32]>,
    /// A proof by the key with this RFC 7638 thumbprint (RFC 9449).
    pub key: Option<String>,
}

/// Why a token is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AccessTokenError {
    #[error(transparent)]
    Token(#[from] TokenError),
    #[error("the token was revoked")]
    Revoked,
}

#[derive(Deserialize)]
struct Claims {
    sub: String,
    aud: Audiences,
    exp: f64,
    iat: i64,
    jti: String,
    #[serde(default)]
    client_id: Option<String>,
    #[serde(default)]
    scope: String,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    auth_time: Option<i64>,
    #[serde(default)]
    acr: Option<Acr>,
    #[serde(default)]
    roles: Vec<String>,
    #[serde(default)]
    groups: Vec<String>,
    #[serde(default)]
    tenant: Option<String>,
    #[serde(default)]
    gid: Option<String>,
    #[serde(default)]
    cnf: Option<Cnf>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audiences {
    One(String),
    Many(Vec<String>),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Cnf {
    jkt: Option<String>,
    #[serde(rename = "x5t#S256")]
    x5t: Option<String>,
}

impl AccessTokens {
    #[must_use]
    pub fn new(keys: Arc<Keyring>, revocations: Arc<Revocations>, issuer: &str) -> Arc<Self> {
        let tokens = Arc::new(Self {
            keys,
            revocations,
            issuer: RwLock::new(issuer.into()),
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
            proofs: (0..SHARDS).map(|_| new_replay()).collect(),
        });
        let watcher: Weak<Self> = Arc::downgrade(&tokens);
        tokens.revocations.watch(watcher);
        tokens
    }

    /// The gate is reached by another address: what was issued under the former counts no more.
    pub fn set_issuer(&self, issuer: &str) {
        let mut own = self.issuer.write().unwrap_or_else(PoisonError::into_inner);
        if **own != *issuer {
            *own = issuer.into();
            self.end_where(|_| true);
        }
    }

    /// The token, if it is one of ours, has not expired and was not revoked. Whom it is for and what it is
    /// bound to is the caller's to ask.
    ///
    /// # Errors
    /// The first reason not to believe it.
    pub fn resolve(&self, token: &str, now: Timestamp) -> Result<Arc<AccessToken>, AccessTokenError> {
        if token.len() > LONGEST_TOKEN {
            return Err(TokenError::Malformed.into());
        }
        let hash = sha256(token.as_bytes());
        let shard = self.shard(&hash).ok_or(TokenError::Malformed)?;
        let kept = lock(shard).get(&hash).cloned();
        let found = match kept {
            Some(found) => found,
            None => {
                let found = Arc::new(self.verify(token, now)?);
                keep(&mut lock(shard), hash, found, now)
            }
        };
        if self.is_revoked(&found) {
            found.credential.end();
            lock(shard).remove(&hash);
            return Err(AccessTokenError::Revoked);
        }
        if !found.credential.touch(now) {
            found.credential.end();
            lock(shard).remove(&hash);
            return Err(TokenError::Expired.into());
        }
        Ok(found)
    }

    /// Judges the proofs beside a token that is bound to a key (RFC 9449, 7.1). Asked on every request: that the
    /// token is known says nothing of who shows it.
    ///
    /// # Errors
    /// The first reason not to believe it.
    pub fn prove(
        &self,
        token: &AccessToken,
        proofs: &[&str],
        request: &ProvenRequest<'_>,
    ) -> Result<(), ProofError> {
        let proof = match proofs {
            [] => return Err(ProofError::Missing),
            [one] => dpop::verify(one, request)?,
            _ => return Err(ProofError::Repeated),
        };
        if token.confirmation.key.as_deref() != Some(proof.jkt.as_str()) {
            return Err(ProofError::Key);
        }
        let [first, ..] = sha256(proof.jti.as_bytes());
        let seen = self.proofs.get(usize::from(first) % SHARDS).ok_or(ProofError::Replayed)?;
        proof.use_once(seen, request.now)
    }

    /// Ends what has expired or was revoked, with the streams it opened; call it often. Returns how many.
    pub fn sweep(&self, now: Timestamp) -> usize {
        self.end_where(|token| now >= token.credential.expires() || self.is_revoked(token))
    }

    /// How many are remembered.
    #[must_use]
    pub fn count(&self) -> usize {
        self.shards.iter().map(|shard| lock(shard).len()).sum()
    }

    fn is_revoked(&self, token: &AccessToken) -> bool {
        let account = &token.credential.principal.account;
        self.revocations.is_revoked(Some(&token.family), account, token.issued)
            || (!token.granted && self.revocations.is_forgotten(account, token.issued))
    }

    fn end_where(&self, doomed: impl Fn(&AccessToken) -> bool) -> usize {
        let mut ended = 0;
        for shard in &self.shards {
            lock(shard).retain(|_, token| {
                let end = doomed(token);
                if end {
                    token.credential.end();
                    ended += 1;
                }
                !end
            });
        }
        ended
    }

    fn verify(&self, token: &str, now: Timestamp) -> Result<AccessToken, TokenError> {
        let issuer = Arc::clone(&self.issuer.read().unwrap_or_else(PoisonError::into_inner));
        AccessToken::read(token, &self.keys.public(), &issuer, now, Duration::ZERO)
    }

    fn shard(&self, hash: &[u8; 32]) -> Option<&Mutex<HashMap<[u8; 32], Arc<AccessToken>>>> {
        let [first, ..] = hash;
        self.shards.get(usize::from(*first) % SHARDS)
    }
}

impl AccessToken {
    /// A token that `issuer` signed with one of `keys`, within its life by clocks that are `leeway` apart at
    /// most. Whether it was revoked cannot be seen from it.
    ///
    /// # Errors
    /// The first reason not to believe it.
    pub fn read(
        token: &str,
        keys: &Jwks,
        issuer: &str,
        now: Timestamp,
        leeway: Duration,
    ) -> Result<Self, TokenError> {
        let claims: Claims = jwt::verify_for_anybody(token, keys, TYPE, issuer, now, leeway)?;
        #[expect(clippy::cast_possible_truncation, reason = "verified to be finite; a saturated end is far")]
        let expires = Timestamp::from_secs(claims.exp as i64);
        let scopes = Scopes::parse(&claims.scope).map_err(|_| TokenError::Claims)?;
        let authenticated =
            claims.auth_time.map(|time| (Timestamp::from_secs(time), claims.acr.unwrap_or(Acr::OneFactor)));
        let name = claims.name.as_deref().unwrap_or(&claims.sub);
        let principal = Principal {
            account: AccountId::new(&claims.sub),
            name: name.into(),
            tenant: TenantId::new(claims.tenant.as_deref().unwrap_or(TenantId::DEFAULT)),
            roles: claims.roles.iter().map(|role| Role::new(role)).collect(),
            groups: claims.groups.iter().map(String::as_str).map(Into::into).collect(),
            // What a person granted names the grant; what a client was given by itself does not.
            program: claims.gid.is_none(),
        };
        let confirmation = match claims.cnf {
            None => Confirmation::default(),
            // Bound in a way that is not understood: nobody can show what it asks for.
            Some(Cnf { jkt: None, x5t: None }) => return Err(TokenError::Claims),
            Some(Cnf { jkt, x5t }) => {
                let thumbprint = x5t.as_deref().map(base64url_decode_32).transpose();
                Confirmation { certificate: thumbprint.map_err(|_| TokenError::Claims)?, key: jkt }
            }
        };
        let audiences = match claims.aud {
            Audiences::One(one) => vec![one],
            Audiences::Many(many) => many,
        };
        let granted = claims.gid.is_some();
        let family = claims.gid.unwrap_or_else(|| claims.jti.clone()).into_boxed_str();
        let credential = Credential::new(NewCredential {
            kind: CredentialKind::Bearer,
            id: claims.jti.into(),
            principal,
            client: claims.client_id.map(Into::into),
            scopes,
            expires,
            authenticated,
        });
        Ok(Self {
            credential: Arc::new(credential),
            confirmation,
            audiences: audiences.into_iter().map(String::into_boxed_str).collect(),
            family,
            granted,
            issued: claims.iat,
        })
    }

    /// Whether it is for this resource (RFC 8707): exactly, but for a final `/`.
    #[must_use]
    pub fn is_for(&self, resource: &str) -> bool {
        let resource = resource.trim_end_matches('/');
        self.audiences.iter().any(|own| own.trim_end_matches('/') == resource)
    }
}

impl Watcher for AccessTokens {
    /// What was revoked ends now, with its streams.
    fn revoked(&self) {
        self.end_where(|token| self.is_revoked(token));
    }
}

impl Follower for AccessTokens {
    fn changed(&self, account: &Account, change: &AccountChange) {
        if change.raises_epoch() {
            self.removed(&account.id);
        }
    }

    fn removed(&self, account: &AccountId) {
        self.end_where(|token| token.credential.principal.account == *account);
    }
}

impl fmt::Debug for AccessTokens {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("AccessTokens").finish_non_exhaustive()
    }
}

/// Remembers a token, or finds it remembered: two who verify it at once share one. When there is no room, what has
/// expired goes, then what opened no stream: a stream must hear of its token's end.
fn keep(
    shard: &mut HashMap<[u8; 32], Arc<AccessToken>>,
    hash: [u8; 32],
    token: Arc<AccessToken>,
    now: Timestamp,
) -> Arc<AccessToken> {
    if shard.len() >= PER_SHARD {
        shard.retain(|_, one| {
            let expired = now >= one.credential.expires();
            if expired {
                one.credential.end();
            }
            !expired
        });
    }
    if shard.len() >= PER_SHARD {
        shard.retain(|_, one| Arc::strong_count(one) > 1 || Arc::strong_count(&one.credential) > 1);
    }
    match shard.entry(hash) {
        Entry::Occupied(kept) => Arc::clone(kept.get()),
        Entry::Vacant(room) => Arc::clone(room.insert(token)),
    }
}

fn new_replay() -> Replay {
    Replay::with_room(dpop::window(), Timestamp::from_micros(0), PROOFS, PROOFS_OF_ONE)
}

fn lock<T>(shard: &Mutex<T>) -> MutexGuard<'_, T> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The `typ` of access tokens (RFC 9068, section 2.1).
pub const TYPE: &str = "at+jwt";

const SHARDS: usize = 32;
/// 16384 tokens in all.
const PER_SHARD: usize = 512;
/// Two million in all: some 27,000 requests a second, each with its own proof.
const PROOFS: usize = 65_536;
/// A quarter of the room at most is one key's.
const PROOFS_OF_ONE: u32 = 16_384;

#[cfg(test)]
mod tests {
    use super::*;
    use gabion_vault::jwt::SigningKey;
    use serde_json::{Value, json};

    const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);
    const ISSUER: &str = "https://id.example";

    struct House {
        key: Arc<SigningKey>,
        revocations: Arc<Revocations>,
        tokens: Arc<AccessTokens>,
    }

    fn house() -> House {
        let key = Arc::new(SigningKey::generate().unwrap());
        let revocations = Arc::new(Revocations::new(Duration::from_secs(900)));
        let tokens = AccessTokens::new(Keyring::of(Arc::clone(&key)), Arc::clone(&revocations), ISSUER);
        House { key, revocations, tokens }
    }

    fn claims(more: &Value) -> Value {
        let mut claims = json!({
            "iss": ISSUER, "sub": "ada", "aud": "https://id.example/api", "exp": NOW.as_secs() + 600,
            "iat": NOW.as_secs(), "jti": "t1", "client_id": "shop", "scope": "read write", "gid": "g1",
            "roles": ["clerk"],
        });
        for (name, value) in more.as_object().unwrap() {
            claims[name] = value.clone();
        }
        claims
    }

    impl House {
        fn token(&self, more: Value) -> String {
            self.key.sign(TYPE, &claims(&more)).unwrap()
        }
    }

    #[test]
    fn a_token_is_verified_once_and_says_who_and_what_for() {
        let house = house();
        let token = house.token(json!({}));
        let first = house.tokens.resolve(&token, NOW).unwrap();
        let again = house.tokens.resolve(&token, NOW).unwrap();
        assert!(Arc::ptr_eq(&first, &again));
        let credential = &first.credential;
        assert_eq!(credential.principal.account, AccountId::new("ada"));
        assert!(credential.principal.has_role("clerk") && credential.scopes.contains("write"));
        assert_eq!(credential.client.as_deref(), Some("shop"));
        assert!(first.is_for("https://id.example/api") && first.is_for("https://id.example/api/"));
        assert!(!first.is_for("https://id.example") && !first.is_for("https://id.example/api2"));
    }

    /// RFC 8725: another purpose, another issuer, no algorithm, an ended life.
    #[test]
    fn what_is_no_access_token_of_ours_is_not_believed() {
        let house = house();
        let stranger = SigningKey::generate().unwrap().sign(TYPE, &claims(&json!({}))).unwrap();
        let identity = house.key.sign("JWT", &claims(&json!({}))).unwrap();
        let rows = [
            (stranger, TokenError::UnknownKey),
            (identity, TokenError::Type),
            (house.token(json!({ "iss": "https://evil.example" })), TokenError::Issuer),
            (house.token(json!({ "exp": NOW.as_secs() })), TokenError::Expired),
            (house.token(json!({ "nbf": NOW.as_secs() + 1 })), TokenError::NotYetValid),
            (house.token(json!({ "scope": "a\tb" })), TokenError::Claims),
            (house.token(json!({ "cnf": { "kid": "x" } })), TokenError::Claims),
            ("x".repeat(LONGEST_TOKEN + 1), TokenError::Malformed),
        ];
        for (token, reason) in rows {
            assert_eq!(house.tokens.resolve(&token, NOW).unwrap_err(), AccessTokenError::Token(reason));
        }
        assert_eq!(house.tokens.count(), 0, "what is not believed is not remembered");
    }

    /// better-auth #6893: what was revoked lived on in a cache.
    #[test]
    fn better_auth_6893_remembering_never_outlives_a_revocation_or_the_end() {
        let house = house();
        let (token, other) = (house.token(json!({})), house.token(json!({ "gid": "g2" })));
        let kept = house.tokens.resolve(&token, NOW).unwrap();
        house.tokens.resolve(&other, NOW).unwrap();
        house.revocations.revoke_grant(&crate::oauth::grant_id::GrantId::new("g1"), NOW);
        assert_eq!(house.tokens.resolve(&token, NOW).unwrap_err(), AccessTokenError::Revoked);
        assert!(kept.credential.is_ended(), "and its streams end");
        assert!(house.tokens.resolve(&other, NOW).is_ok());
        let end = NOW.saturating_add(Duration::from_secs(600));
        assert!(house.tokens.resolve(&other, end).is_err());
        house.tokens.resolve(&other, NOW).unwrap();
        assert_eq!(house.tokens.sweep(end), 1);
    }

    #[test]
    fn the_memory_is_bounded() {
        let house = house();
        let token = Arc::new(house.tokens.verify(&house.token(json!({})), NOW).unwrap());
        let mut shard = HashMap::new();
        for number in 0..2 * PER_SHARD {
            let mut hash = [0; 32];
            hash[..8].copy_from_slice(&number.to_le_bytes());
            keep(
                &mut shard,
                hash,
                Arc::new(AccessToken {
                    credential: Arc::new(Credential::new(NewCredential {
                        kind: CredentialKind::Bearer,
                        id: "x".into(),
                        principal: token.credential.principal.clone(),
                        client: None,
                        scopes: Scopes::default(),
                        expires: token.credential.expires(),
                        authenticated: None,
                    })),
                    confirmation: Confirmation::default(),
                    audiences: Box::default(),
                    family: "g".into(),
                    granted: true,
                    issued: 0,
                }),
                NOW,
            );
            assert!(shard.len() <= PER_SHARD);
        }
    }

    #[test]
    fn a_bound_token_says_to_what() {
        let house = house();
        let thumbprint = gabion_vault::encoding::base64url_encode(&[7; 32]);
        let bound = |cnf: Value| {
            house
                .tokens
                .resolve(&house.token(json!({ "cnf": cnf })), NOW)
                .map(|token| token.confirmation.clone())
        };
        let (certificate, key) = (Some([7; 32]), Some("k".to_owned()));
        let only = Confirmation { certificate, key: None };
        assert_eq!(bound(json!({ "x5t#S256": thumbprint })), Ok(only));
        assert_eq!(bound(json!({ "jkt": "k" })), Ok(Confirmation { certificate: None, key: key.clone() }));
        let both = bound(json!({ "jkt": "k", "x5t#S256": thumbprint }));
        assert_eq!(both, Ok(Confirmation { certificate, key }));
        for wrong in [json!({}), json!({ "x5t#S256": "short" }), json!({ "jkt": "k", "kid": "x" })] {
            assert_eq!(bound(wrong), Err(AccessTokenError::Token(TokenError::Claims)));
        }
    }

    /// A token that is known is proved to be its holder's on every request all the same.
    #[test]
    fn remembering_a_token_replaces_no_proof() {
        let (house, key) = (house(), SigningKey::generate().unwrap());
        let bound = house.token(json!({ "cnf": { "jkt": key.public().thumbprint() } }));
        let url = "https://id.example/api";
        let request = ProvenRequest { method: "GET", urls: &[url], access_token: Some(&bound), now: NOW };
        let proof = |key: &SigningKey, jti: &str, method: &str| {
            let ath = gabion_vault::encoding::base64url_encode(&sha256(bound.as_bytes()));
            let claims = json!({ "jti": jti, "htm": method, "htu": url, "iat": NOW.as_secs(), "ath": ath });
            key.prove("dpop+jwt", &claims).unwrap()
        };
        let token = house.tokens.resolve(&bound, NOW).unwrap();
        let first = proof(&key, "1", "GET");
        assert_eq!(house.tokens.prove(&token, &[first.as_str()], &request), Ok(()));
        let token = house.tokens.resolve(&bound, NOW).unwrap();
        let judged = |proofs: &[&str]| house.tokens.prove(&token, proofs, &request);
        assert_eq!(judged(&[]), Err(ProofError::Missing));
        assert_eq!(judged(&[first.as_str()]), Err(ProofError::Replayed));
        assert_eq!(judged(&[&proof(&key, "2", "GET"), &proof(&key, "3", "GET")]), Err(ProofError::Repeated));
        assert_eq!(judged(&[&proof(&key, "4", "POST")]), Err(ProofError::Method));
        let stranger = SigningKey::generate().unwrap();
        assert_eq!(judged(&[&proof(&stranger, "5", "GET")]), Err(ProofError::Key));
        assert_eq!(judged(&[&proof(&key, "5", "GET")]), Ok(()), "a stranger's proof uses up nothing");
    }

    /// Nothing sweeps here: a revocation itself ends what it concerns.
    #[test]
    fn a_revocation_ends_streams_at_once() {
        let house = house();
        let of = |more: Value| house.tokens.resolve(&house.token(more), NOW).unwrap();
        let (grant, other) = (of(json!({})), of(json!({ "gid": "g2", "sub": "bob" })));
        let own = of(json!({ "gid": null, "jti": "alone", "sub": "bot" }));
        house.revocations.revoke_grant(&crate::oauth::GrantId::new("g1"), NOW);
        assert!(grant.credential.is_ended() && !other.credential.is_ended());
        house.revocations.revoke_account(&AccountId::new("bob"), NOW);
        assert!(other.credential.is_ended() && !own.credential.is_ended());
        house.revocations.revoke_grant(&crate::oauth::GrantId::new("alone"), NOW);
        assert!(own.credential.is_ended(), "a token without a grant is a family of its own");
    }

    /// Of two cores that verify a token at once, neither gets one that nobody could end.
    #[test]
    fn two_who_verify_at_once_share_one() {
        let house = house();
        let text = house.token(json!({}));
        let found: Vec<_> = std::thread::scope(|scope| {
            let threads: Vec<_> =
                (0..8).map(|_| scope.spawn(|| house.tokens.resolve(&text, NOW).unwrap())).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert!(found.iter().all(|one| Arc::ptr_eq(one, &found[0])));
    }

    /// Whoever asks with it once more after its end ends its streams too.
    #[test]
    fn an_expired_token_ends_its_streams_when_it_is_shown_again() {
        let house = house();
        let text = house.token(json!({}));
        let kept = house.tokens.resolve(&text, NOW).unwrap();
        assert!(house.tokens.resolve(&text, NOW.saturating_add(Duration::from_secs(600))).is_err());
        assert!(kept.credential.is_ended());
    }
}
