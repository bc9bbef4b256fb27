//! Setting up second factors, and taking them away.
//!
//! A factor counts once it was proved to work: an authenticator app by a code, a passkey by its answer.
//! Whoever sets one up is signed in, lately enough and with all they have; or half-way through a sign-in
//! that cannot end without a factor. Either way the ticket is new afterwards.

use std::net::{IpAddr, Ipv4Addr};

use gabion_identity::factors::{FactorId, name_or, recovery, totp};
use gabion_identity::passkey::{Holder, Passkey, Purpose};
use gabion_identity::storage::{Factors, Removal};
use gabion_identity::{Account, FactorKind};
use gabion_model::{Methods, RequestId, Secret, Timestamp, random};
use gabion_vault::encoding::{base32_encode, base64url_decode, base64url_encode};
use gabion_vault::sha256;

use crate::passkeys::{PasskeyAnswer, PasskeyQuestion};
use crate::record::{About, to_the_end};
use crate::service::Inner;
use crate::{Act, ActError, Caller, EnrolError, Notice, SecondFactorError, Service, SignedIn};

/// On what ground somebody sets up a factor.
#[derive(Debug, Clone)]
pub enum Ground {
    /// A half-done sign-in: the tickets of the browser's login cookie.
    Pending(Vec<Secret<String>>),
    /// The caller's session.
    Session,
}

/// An authenticator app to be set up.
#[derive(Debug)]
pub struct TotpEnrolment {
    /// The account's name.
    pub name: String,
    /// For people who type it, in base32.
    pub secret: Secret<String>,
    /// For the QR code.
    pub address: Secret<String>,
    /// The same, sealed for this account and browser: comes back with the first code.
    pub sealed: String,
}

/// A factor that was set up.
#[derive(Debug)]
pub struct Enrolled {
    /// The session, with a new ticket.
    pub signed_in: SignedIn,
    /// The recovery codes, where there were none before. Shown once.
    pub codes: Option<Vec<Secret<String>>>,
}

/// Who sets up, found good a moment ago.
struct Enroller {
    account: Account,
    holder: Holder,
    /// What the sealed secret is bound to.
    context: String,
    /// What was proved before.
    methods: Methods,
    /// Of a half-done sign-in.
    ticket: Option<Secret<String>>,
}

enum NewFactor {
    Passkey(Box<Passkey>),
    Totp(totp::Totp),
}

impl Service {
    /// A new secret for an authenticator app. Nothing is kept until its first code was right.
    ///
    /// # Errors
    /// When the caller may not set up a factor.
    pub async fn begin_totp(&self, caller: &Caller, ground: &Ground) -> Result<TotpEnrolment, EnrolError> {
        let (caller, ground) = (caller.clone(), ground.clone());
        self.blocking_or(move |inner| {
            let enroller = inner.enroller(&caller, &ground)?;
            let secret = Secret::new(random::bytes::<{ totp::SECRET }>(&*inner.rng).to_vec());
            let now = inner.clock.now();
            let value = Secret::new([&now.as_micros().to_be_bytes()[..], secret.expose()].concat());
            let sealed = inner.sealing.seal(&enroller.context, value.expose(), &*inner.rng);
            let name = enroller.account.name.to_string();
            Ok(TotpEnrolment {
                secret: Secret::new(base32_encode(secret.expose())),
                address: totp::address(&secret, &inner.shown_as(), &name),
                sealed: base64url_encode(&sealed.map_err(|_| ActError::Unavailable)?),
                name,
            })
        })
        .await
    }

    /// The same page again, after a code that was wrong.
    ///
    /// # Errors
    /// [`EnrolError::Gone`] when `sealed` is not this browser's, or old.
    pub async fn resume_totp(
        &self,
        caller: &Caller,
        ground: &Ground,
        sealed: &str,
    ) -> Result<TotpEnrolment, EnrolError> {
        let (caller, ground, sealed) = (caller.clone(), ground.clone(), sealed.to_owned());
        self.blocking_or(move |inner| {
            let enroller = inner.enroller(&caller, &ground)?;
            let secret = inner.unseal(&enroller, &sealed)?;
            let name = enroller.account.name.to_string();
            let address = totp::address(&secret, &inner.shown_as(), &name);
            Ok(TotpEnrolment { secret: Secret::new(base32_encode(secret.expose())), address, sealed, name })
        })
        .await
    }

    /// Sets up an authenticator app with its first code.
    ///
    /// # Errors
    /// [`EnrolError::Rejected`] for a wrong code.
    pub async fn confirm_totp(
        &self,
        caller: &Caller,
        ground: &Ground,
        sealed: &str,
        code: Secret<String>,
        name: &str,
    ) -> Result<Enrolled, EnrolError> {
        let (service, mut caller, ground) = (self.clone(), caller.clone(), ground.clone());
        let (sealed, name) = (sealed.to_owned(), name_or(name, "Authenticator app"));
        to_the_end(async move {
            caller.request_id.get_or_insert_with(|| RequestId::random(&*service.0.rng));
            let asked = caller.clone();
            let (enroller, new) = service
                .blocking_or(move |inner| {
                    let enroller = inner.enroller(&asked, &ground)?;
                    let secret = inner.unseal(&enroller, &sealed)?;
                    let address = asked.address.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
                    let (id, now) = (&enroller.account.id, inner.clock.now());
                    let reservation = inner
                        .counters
                        .reserve(FactorKind::Totp, id, address, now)
                        .map_err(|throttled| EnrolError::Throttled { retry_after: throttled.retry_after })?;
                    let neighbours = inner.rules().factors.totp_neighbouring_steps;
                    let Some(last_step) = totp::matching_step(&secret, &code, now, neighbours) else {
                        reservation.failed();
                        return Err(EnrolError::Rejected);
                    };
                    reservation.succeeded();
                    let new = inner.new_totp(&enroller.account, &secret, name, last_step)?;
                    Ok((enroller, new))
                })
                .await?;
            service.add_factor(caller, enroller, NewFactor::Totp(new), Methods::TOTP).await
        })
        .await
    }

    /// What to ask a browser to make a passkey.
    ///
    /// # Errors
    /// When the caller may not set up a factor, or passkeys are not possible here.
    pub async fn begin_passkey(
        &self,
        caller: &Caller,
        ground: &Ground,
    ) -> Result<PasskeyQuestion, EnrolError> {
        let (caller, ground) = (caller.clone(), ground.clone());
        self.blocking_or(move |inner| {
            let enroller = inner.enroller(&caller, &ground)?;
            let rp = inner.relying_party().ok_or(EnrolError::Gone)?;
            let existing = inner.storage.factors(&enroller.account.id).map_err(ActError::from)?.passkeys;
            let now = inner.clock.now();
            let challenge = inner.challenges.issue(enroller.holder, Purpose::Registration, now, &*inner.rng);
            let options = inner.creation_options(&rp, &challenge, &enroller.account, &existing);
            Ok(PasskeyQuestion { options, ticket: None })
        })
        .await
    }

    /// Sets up a passkey.
    ///
    /// # Errors
    /// [`EnrolError::Rejected`] for an answer that breaks a rule.
    pub async fn finish_passkey(
        &self,
        caller: &Caller,
        ground: &Ground,
        answer: PasskeyAnswer,
        name: &str,
    ) -> Result<Enrolled, EnrolError> {
        let (service, mut caller, ground) = (self.clone(), caller.clone(), ground.clone());
        let name = name_or(name, "Passkey");
        to_the_end(async move {
            caller.request_id.get_or_insert_with(|| RequestId::random(&*service.0.rng));
            let asked = caller.clone();
            let (enroller, passkey, methods) = service
                .blocking_or(move |inner| {
                    let enroller = inner.enroller(&asked, &ground)?;
                    let now = inner.clock.now();
                    let challenge = inner.challenges.take(enroller.holder, Purpose::Registration, now);
                    let challenge = challenge.ok_or(EnrolError::Gone)?;
                    let rp = inner.relying_party().ok_or(EnrolError::Gone)?;
                    let registration = answer.registration().ok_or(EnrolError::Rejected)?;
                    let made =
                        registration.verify(&rp, &challenge, inner.verifies_users()).map_err(|error| {
                            tracing::info!(%error, "passkey not registered");
                            EnrolError::Rejected
                        })?;
                    let methods =
                        if made.user_verified { Methods::PASSKEY_USER_VERIFIED } else { Methods::PASSKEY };
                    let passkey = Passkey {
                        id: FactorId::new(&base64url_encode(&random::bytes::<16>(&*inner.rng))),
                        account: enroller.account.id.clone(),
                        name,
                        credential: made.credential,
                        public_key: made.public_key,
                        sign_count: made.sign_count,
                        backup_eligible: made.backup_eligible,
                        backed_up: made.backed_up,
                        transports: answer.transports.clone(),
                        aaguid: made.aaguid,
                        created: now,
                        last_used: None,
                    };
                    Ok::<_, EnrolError>((enroller, Box::new(passkey), methods))
                })
                .await?;
            service.add_factor(caller, enroller, NewFactor::Passkey(passkey), methods).await
        })
        .await
    }

    /// Keeps a factor that was proved to work, and begins a session with a new ticket on the strength of
    /// it.
    async fn add_factor(
        &self,
        mut caller: Caller,
        enroller: Enroller,
        new: NewFactor,
        methods: Methods,
    ) -> Result<Enrolled, EnrolError> {
        let Enroller { account, methods: before, ticket, .. } = enroller;
        let act = if ticket.is_some() { Act::EnrolFactor } else { Act::AddFactor };
        let (mut rehashed, mut origin) = (None, None);
        if let Some(ticket) = &ticket {
            // Of two requests that finish one sign-in at once, one does.
            let taken = self.0.pending.take(ticket.expose(), self.0.clock.now());
            let taken = taken.ok_or(EnrolError::Gone)?;
            (rehashed, origin) = (taken.rehashed, taken.origin);
            caller.becomes(&account);
        }
        let kind = match &new {
            NewFactor::Passkey(_) => FactorKind::Passkey,
            NewFactor::Totp(_) => FactorKind::Totp,
        };
        let about = About::of(account.name.as_str()).with("factor", kind.as_str());
        let owner = account.clone();
        let codes = self
            .act(act, &caller, about, move |inner, _| {
                let own = inner.storage.factors(&owner.id).map_err(ActError::from)?;
                if own.count() >= MOST {
                    return Err(EnrolError::TooMany);
                }
                match &new {
                    NewFactor::Passkey(passkey) => inner.storage.add_passkey(passkey),
                    NewFactor::Totp(totp) => inner.storage.add_totp(totp),
                }
                .map_err(|error| match error {
                    gabion_identity::StorageError::Taken => EnrolError::Gone,
                    error => ActError::from(error).into(),
                })?;
                let codes = (own.recovery_codes == 0).then(|| inner.new_codes(&owner)).transpose()?;
                let what = match &new {
                    NewFactor::Passkey(passkey) => called(FactorKind::Passkey, &passkey.name),
                    NewFactor::Totp(totp) => called(FactorKind::Totp, &totp.name),
                };
                inner.notify(&owner, &Notice::SecondFactorAdded { what });
                Ok(codes)
            })
            .await?;
        let signed_in = self.enter(caller, account, before.with(methods), rehashed).await;
        let signed_in = signed_in.map_err(SecondFactorError::from)?;
        self.0.federation.began(origin, &signed_in, self.0.clock.now());
        Ok(Enrolled { signed_in, codes })
    }

    /// Gives a factor of one's own another name.
    ///
    /// # Errors
    /// [`ActError::NotFound`] when it is not there.
    pub async fn rename_factor(&self, caller: &Caller, id: &str, name: &str) -> Result<(), ActError> {
        let (id, name) = (FactorId::new(id), name_or(name, "Unnamed"));
        self.act(Act::RenameFactor, caller, About::of(id.as_str()), move |inner, standing| {
            let account = standing.account()?;
            let renamed = inner.storage.rename_factor(&account.id, &id, &name)?;
            if renamed { Ok(()) } else { Err(ActError::NotFound) }
        })
        .await
    }

    /// Removes a factor of one's own.
    ///
    /// # Errors
    /// [`EnrolError::LastFactor`] when it is the last one and one is required.
    pub async fn remove_factor(&self, caller: &Caller, id: &str) -> Result<(), EnrolError> {
        let id = FactorId::new(id);
        self.act(Act::RemoveFactor, caller, About::of(id.as_str()), move |inner, standing| {
            let account = standing.account()?;
            let required = inner.rules().factors.is_required_for(&account.roles);
            let own = inner.factors_view(&account)?.factors;
            match inner.storage.remove_factor(&account.id, &id, required).map_err(ActError::from)? {
                Removal::Removed => {
                    if let Some(gone) = own.into_iter().find(|one| one.id == id.as_str()) {
                        let what = called(gone.kind, &gone.name);
                        inner.notify(&account, &Notice::SecondFactorRemoved { what });
                    }
                    Ok(())
                }
                Removal::Last => Err(EnrolError::LastFactor),
                Removal::NotThere => Err(ActError::NotFound.into()),
            }
        })
        .await
    }

    /// New recovery codes in place of all old ones. Shown once.
    ///
    /// # Errors
    /// [`ActError::NotFound`] when there is no factor they could stand in for.
    pub async fn new_recovery_codes(&self, caller: &Caller) -> Result<Vec<Secret<String>>, ActError> {
        self.act(Act::NewRecoveryCodes, caller, About::default(), move |inner, standing| {
            let account = standing.account()?;
            if inner.storage.factors(&account.id)?.count() == 0 {
                return Err(ActError::NotFound);
            }
            let codes = inner.new_codes(&account)?;
            inner.notify(&account, &Notice::RecoveryCodesRenewed);
            Ok(codes)
        })
        .await
    }

    /// Takes every second factor of an account away and ends what was granted to it until now: for somebody
    /// who lost them all and proved otherwise who they are.
    ///
    /// # Errors
    /// [`ActError::NotFound`] when there is no such account.
    pub async fn reset_factors(&self, caller: &Caller, name: &str) -> Result<usize, ActError> {
        let wanted = name.to_owned();
        self.act(Act::ResetFactors, caller, About::of(name), move |inner, _| {
            let account = inner.named(&wanted)?;
            let count = inner.storage.clear_factors(&account.id)?;
            // Last, so that it also ends what begins between the two: whoever found the lost device is out.
            let account = inner.accounts.revoke_all(&account.id)?;
            inner.pending.end(&account.id);
            inner.notify(&account, &Notice::FactorsReset);
            Ok(count)
        })
        .await
    }
}

impl Inner {
    fn enroller(&self, caller: &Caller, ground: &Ground) -> Result<Enroller, EnrolError> {
        let enroller = match ground {
            Ground::Session => {
                let account = self.authorize(Act::AddFactor, caller)?.account()?;
                let id = caller.session().ok_or(ActError::Forbidden)?;
                let living = self.sessions.list(&account.id, self.clock.now());
                let session = living.iter().find(|one| one.id == *id).ok_or(ActError::Forbidden)?;
                let (holder, methods) = (Holder::session(id), session.methods);
                let context = context(&account, b"session:", id.as_str());
                Enroller { account, holder, context, methods, ticket: None }
            }
            Ground::Pending(tickets) => {
                let open = self.open(tickets)?.ok_or(EnrolError::Gone)?;
                // Whoever has a factor proves it; this door is for those who have none.
                if !open.pending.enrol || !self.usable_factors(&open.account)?.is_empty() {
                    return Err(EnrolError::Gone);
                }
                let ticket = open.ticket.expose();
                let (holder, methods) = (Holder::ticket(ticket), open.pending.methods);
                let context = context(&open.account, b"ticket:", ticket);
                Enroller { account: open.account, holder, context, methods, ticket: Some(open.ticket) }
            }
        };
        Ok(enroller)
    }

    fn unseal(&self, enroller: &Enroller, sealed: &str) -> Result<Secret<Vec<u8>>, EnrolError> {
        let sealed = base64url_decode(sealed).map_err(|_| EnrolError::Gone)?;
        let value = self.sealing.open(&enroller.context, &sealed).map_err(|_| EnrolError::Gone)?;
        let (made, secret) = value.expose().split_first_chunk::<8>().ok_or(EnrolError::Gone)?;
        let (made, now) = (Timestamp::from_micros(i64::from_be_bytes(*made)), self.clock.now());
        if made > now || now.saturating_since(made) >= gabion_identity::pending::LIFE {
            return Err(EnrolError::Gone);
        }
        Ok(Secret::new(secret.to_vec()))
    }

    fn new_totp(
        &self,
        account: &Account,
        secret: &Secret<Vec<u8>>,
        name: String,
        last_step: u64,
    ) -> Result<totp::Totp, ActError> {
        // Named after its secret, so that one secret is one factor however often it is confirmed.
        let named = sha256(&[b"totp:", account.id.as_str().as_bytes(), b":", secret.expose()].concat());
        let id = FactorId::new(&base64url_encode(named.get(..16).unwrap_or_default()));
        let context = totp::Totp::context(&account.id, &id);
        let sealed = self.sealing.seal(&context, secret.expose(), &*self.rng);
        Ok(totp::Totp {
            sealed: sealed.map_err(|_| ActError::Unavailable)?,
            id,
            account: account.id.clone(),
            name,
            last_step,
            created: self.clock.now(),
            last_used: None,
        })
    }

    fn new_codes(&self, account: &Account) -> Result<Vec<Secret<String>>, ActError> {
        let codes = recovery::generate(&*self.rng);
        let hashes: Vec<_> = codes.iter().filter_map(|code| recovery::hash(&account.id, code)).collect();
        self.storage.set_recovery_codes(&account.id, &hashes)?;
        Ok(codes)
    }

    /// What the account can prove beside its first factor.
    pub(crate) fn usable_factors(&self, account: &Account) -> Result<Vec<FactorKind>, ActError> {
        let Factors { totps, passkeys, recovery_codes } = self.storage.factors(&account.id)?;
        let has_any = !totps.is_empty() || !passkeys.is_empty();
        let kinds = [
            (!passkeys.is_empty(), FactorKind::Passkey),
            (!totps.is_empty(), FactorKind::Totp),
            (has_any && recovery_codes > 0, FactorKind::RecoveryCode),
        ];
        Ok(kinds.into_iter().filter_map(|(has, kind)| has.then_some(kind)).collect())
    }
}

/// A factor as its owner calls it, for a letter.
pub(crate) fn called(kind: FactorKind, name: &str) -> String {
    let kind = match kind {
        FactorKind::Passkey => "the passkey",
        FactorKind::RecoveryCode => "the recovery code",
        FactorKind::Totp => "the authenticator app",
    };
    format!("{kind} \"{name}\"")
}

fn context(account: &Account, kind: &[u8], holder: &str) -> String {
    let holder = base64url_encode(&sha256(&[kind, holder.as_bytes()].concat()));
    format!("totp-enrolment:{}:{holder}", account.id.as_str())
}

/// Nobody needs more, and each is tried at a sign-in.
const MOST: usize = 20;
