//! Passkeys: what browsers are asked, what they answer, and signing in with nothing else.

use std::net::{IpAddr, Ipv4Addr};

use gabion_identity::passkey::{
    ALGORITHMS, Assertion, Demand, Holder, Passkey, Purpose, Registration, RelyingParty,
};
use gabion_identity::storage::PasskeyUse;
use gabion_identity::{Account, FactorKind, factors::UserVerification};
use gabion_model::{Acr, Methods, RequestId, Secret, random};
use gabion_vault::encoding::{base64url_decode, base64url_encode};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::record::to_the_end;
use crate::service::Inner;
use crate::{ActError, Caller, SecondFactorError, Service, Step};

/// What a browser sends after a ceremony (WebAuthn Level 3, `RegistrationResponseJSON` and
/// `AuthenticationResponseJSON`), decoded.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "Raw")]
pub struct PasskeyAnswer {
    credential: Vec<u8>,
    client_data: Vec<u8>,
    authenticator_data: Option<Vec<u8>>,
    signature: Option<Vec<u8>>,
    user_handle: Option<Vec<u8>>,
    attestation_object: Option<Vec<u8>>,
    pub(crate) transports: Vec<String>,
}

/// A question for a browser.
#[derive(Debug)]
pub struct PasskeyQuestion {
    /// `PublicKeyCredentialCreationOptionsJSON` or `PublicKeyCredentialRequestOptionsJSON`.
    pub options: Value,
    /// For the login cookie, where the browser holds none yet.
    pub ticket: Option<Secret<String>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Raw {
    raw_id: String,
    #[serde(rename = "type")]
    kind: String,
    response: RawResponse,
}

#[derive(Deserialize)]
struct RawResponse {
    #[serde(rename = "clientDataJSON")]
    client_data: String,
    #[serde(default, rename = "authenticatorData")]
    authenticator_data: Option<String>,
    #[serde(default)]
    signature: Option<String>,
    #[serde(default, rename = "userHandle")]
    user_handle: Option<String>,
    #[serde(default, rename = "attestationObject")]
    attestation_object: Option<String>,
    #[serde(default)]
    transports: Vec<String>,
}

impl TryFrom<Raw> for PasskeyAnswer {
    type Error = &'static str;

    fn try_from(raw: Raw) -> Result<Self, Self::Error> {
        let decode = |text: &str| base64url_decode(text).map_err(|_| "not base64url");
        let maybe = |text: Option<String>| text.map(|text| decode(&text)).transpose();
        if raw.kind != "public-key" {
            return Err("not a public key");
        }
        let mut transports = raw.response.transports;
        transports.retain(|one| TRANSPORTS.contains(&one.as_str()));
        transports.dedup();
        transports.truncate(TRANSPORTS.len());
        Ok(Self {
            credential: decode(&raw.raw_id)?,
            client_data: decode(&raw.response.client_data)?,
            authenticator_data: maybe(raw.response.authenticator_data)?,
            signature: maybe(raw.response.signature)?,
            user_handle: maybe(raw.response.user_handle)?,
            attestation_object: maybe(raw.response.attestation_object)?,
            transports,
        })
    }
}

impl PasskeyAnswer {
    pub(crate) fn assertion(&self) -> Option<Assertion<'_>> {
        Some(Assertion {
            credential: &self.credential,
            client_data: &self.client_data,
            authenticator_data: self.authenticator_data.as_deref()?,
            signature: self.signature.as_deref()?,
            user_handle: self.user_handle.as_deref(),
        })
    }

    pub(crate) fn registration(&self) -> Option<Registration<'_>> {
        Some(Registration {
            credential: &self.credential,
            client_data: &self.client_data,
            attestation_object: self.attestation_object.as_deref()?,
        })
    }
}

impl Service {
    /// Whether passkeys are possible here at all: the gate is reached by a name, over TLS or on
    /// `localhost`.
    #[must_use]
    pub fn passkeys_are_possible(&self) -> bool {
        self.0.relying_party().is_some()
    }

    /// What to ask a browser whose person wants to sign in with a passkey and nothing else. Keeps nothing.
    /// `ticket` is one the browser holds already.
    ///
    /// # Errors
    /// [`SecondFactorError::Gone`] where passkeys are not possible.
    pub fn ask_for_passkey(
        &self,
        ticket: Option<&Secret<String>>,
    ) -> Result<PasskeyQuestion, SecondFactorError> {
        let inner = &self.0;
        let rp = inner.relying_party().ok_or(SecondFactorError::Gone)?;
        let made = ticket.is_none().then(|| Secret::new(base64url_encode(&random::bytes::<32>(&*inner.rng))));
        let ticket = ticket.or(made.as_ref()).ok_or(SecondFactorError::Gone)?;
        let challenge = inner.challenges.issue_solo(ticket.expose(), inner.clock.now(), &*inner.rng);
        let options = request_options(&rp, challenge.as_bytes(), &[], UserVerification::Required);
        Ok(PasskeyQuestion { options, ticket: made })
    }

    /// Signs in with a passkey and nothing else.
    ///
    /// # Errors
    /// [`SecondFactorError::Rejected`] for whatever does not prove it.
    pub async fn sign_in_with_passkey(
        &self,
        caller: &Caller,
        tickets: &[Secret<String>],
        answer: PasskeyAnswer,
        wanted: Acr,
    ) -> Result<Step, SecondFactorError> {
        let (service, mut caller, tickets) = (self.clone(), caller.clone(), tickets.to_vec());
        to_the_end(async move {
            let inner = &service.0;
            caller.request_id.get_or_insert_with(|| RequestId::random(&*inner.rng));
            let address = caller.address.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
            let held = tickets.clone();
            let judged = service
                .blocking_or(move |inner| {
                    let found = match answer.assertion() {
                        Some(assertion) => {
                            inner.storage.passkey(assertion.credential).map_err(ActError::from)?
                        }
                        None => None,
                    };
                    let Some(passkey) = found else { return Err(SecondFactorError::Rejected) };
                    let Some(account) = inner.accounts.by_id(&passkey.account).map_err(ActError::from)?
                    else {
                        return Err(SecondFactorError::Rejected);
                    };
                    let now = inner.clock.now();
                    let reservation =
                        inner.counters.reserve(FactorKind::Passkey, &account.id, address, now).map_err(
                            |throttled| SecondFactorError::Throttled { retry_after: throttled.retry_after },
                        )?;
                    let judged = inner.judge_solo(&held, &passkey, &account, &answer)?;
                    match judged {
                        Ok(()) => reservation.succeeded(),
                        Err(_) => reservation.failed(),
                    }
                    Ok((account, judged))
                })
                .await
                .inspect_err(|error| {
                    if matches!(error, SecondFactorError::Throttled { .. }) {
                        inner.refuse_second_factor(&caller, FactorKind::Passkey);
                    }
                });
            let (account, judged) = judged?;
            if let Err(reason) = judged {
                service.record_wrong_factor(&caller, &account, FactorKind::Passkey, &reason).await?;
                return Err(SecondFactorError::Rejected);
            }
            // Whatever this browser was half-way through is over.
            for ticket in &tickets {
                drop(inner.pending.take(ticket.expose(), inner.clock.now()));
            }
            let methods = Methods::PASSKEY_USER_VERIFIED;
            Ok(service.first_factor(&caller, account, methods, None, wanted).await?)
        })
        .await
    }

    /// What to ask a browser half-way through a sign-in for its passkey as second factor.
    ///
    /// # Errors
    /// [`SecondFactorError::Gone`] when there is no such sign-in, or nothing to ask for.
    pub async fn ask_for_second_passkey(
        &self,
        tickets: &[Secret<String>],
    ) -> Result<PasskeyQuestion, SecondFactorError> {
        let tickets = tickets.to_vec();
        self.blocking_or(move |inner| {
            let open = inner.open(&tickets)?.ok_or(SecondFactorError::Gone)?;
            let rp = inner.relying_party().ok_or(SecondFactorError::Gone)?;
            let passkeys = inner.storage.factors(&open.account.id).map_err(ActError::from)?.passkeys;
            if passkeys.is_empty() {
                return Err(SecondFactorError::Gone);
            }
            let (holder, now) = (Holder::ticket(open.ticket.expose()), inner.clock.now());
            let challenge = inner.challenges.issue(holder, Purpose::Authentication, now, &*inner.rng);
            let verification = inner.rules().factors.passkey_user_verification;
            let options = request_options(&rp, &challenge, &passkeys, verification);
            Ok(PasskeyQuestion { options, ticket: None })
        })
        .await
    }
}

impl Inner {
    pub(crate) fn relying_party(&self) -> Option<RelyingParty> {
        RelyingParty::of(&self.origin())
    }

    pub(crate) fn verifies_users(&self) -> bool {
        self.rules().factors.passkey_user_verification == UserVerification::Required
    }

    fn judge_solo(
        &self,
        tickets: &[Secret<String>],
        passkey: &Passkey,
        account: &Account,
        answer: &PasskeyAnswer,
    ) -> Result<Result<(), String>, ActError> {
        let now = self.clock.now();
        let (Some(rp), Some(assertion)) = (self.relying_party(), answer.assertion()) else {
            return Ok(Err("the answer of the passkey is malformed".to_owned()));
        };
        let challenge = match assertion.claimed_challenge() {
            Ok(challenge) => challenge,
            Err(error) => return Ok(Err(error.to_string())),
        };
        let is_ours = |ticket: &Secret<String>| self.challenges.is_solo(&challenge, ticket.expose(), now);
        if !tickets.iter().any(is_ours) {
            return Ok(Err("the challenge is another browser's, or old".to_owned()));
        }
        let demand = Demand { user_verification: true, user_handle: true };
        let shown = match assertion.verify(&rp, &challenge, passkey, demand) {
            Ok(shown) => shown,
            Err(error) => return Ok(Err(error.to_string())),
        };
        if account.disabled {
            return Ok(Err("the account is disabled".to_owned()));
        }
        let used = PasskeyUse {
            before: passkey.sign_count,
            sign_count: shown.sign_count,
            backed_up: shown.backed_up,
            now,
        };
        if !self.challenges.use_solo(&challenge, now) || !self.storage.use_passkey(&passkey.id, &used)? {
            return Ok(Err("the answer was used before".to_owned()));
        }
        Ok(Ok(()))
    }

    /// What a browser is asked to make a passkey.
    pub(crate) fn creation_options(
        &self,
        rp: &RelyingParty,
        challenge: &[u8],
        account: &Account,
        existing: &[Passkey],
    ) -> Value {
        let algorithms = ALGORITHMS.map(|alg| json!({ "type": "public-key", "alg": alg }));
        let shown = account.personal.name.as_deref().unwrap_or_else(|| account.name.as_str());
        json!({
            "rp": { "id": rp.id(), "name": self.shown_as() },
            "user": {
                "id": base64url_encode(account.id.as_str().as_bytes()),
                "name": account.name.as_str(),
                "displayName": shown,
            },
            "challenge": base64url_encode(challenge),
            "pubKeyCredParams": algorithms,
            "timeout": TIMEOUT,
            "excludeCredentials": existing.iter().map(descriptor).collect::<Vec<_>>(),
            "authenticatorSelection": {
                "residentKey": "preferred",
                "requireResidentKey": false,
                "userVerification": self.rules().factors.passkey_user_verification.as_str(),
            },
            "attestation": "none",
        })
    }

    /// What authenticators show beside the name.
    pub(crate) fn shown_as(&self) -> String {
        let configured = self.rules().factors.issuer.trim().to_owned();
        if !configured.is_empty() {
            return configured;
        }
        let origin = self.origin();
        let host = origin.split_once("://").map_or(&*origin, |(_, rest)| rest);
        host.split([':', '/']).next().filter(|host| !host.is_empty()).unwrap_or("Gabion").to_owned()
    }
}

fn request_options(
    rp: &RelyingParty,
    challenge: &[u8],
    allowed: &[Passkey],
    verification: UserVerification,
) -> Value {
    json!({
        "challenge": base64url_encode(challenge),
        "timeout": TIMEOUT,
        "rpId": rp.id(),
        "allowCredentials": allowed.iter().map(descriptor).collect::<Vec<_>>(),
        "userVerification": verification.as_str(),
    })
}

fn descriptor(passkey: &Passkey) -> Value {
    json!({
        "type": "public-key",
        "id": base64url_encode(&passkey.credential),
        "transports": passkey.transports,
    })
}

/// In milliseconds: as long as a challenge is good.
const TIMEOUT: u32 = 300_000;

/// WebAuthn Level 3, 5.8.4.
const TRANSPORTS: [&str; 6] = ["usb", "nfc", "ble", "smart-card", "hybrid", "internal"];
