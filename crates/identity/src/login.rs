//! Sign-in by password, around the slow part.
//!
//! [`begin`] decides whether a try is allowed and says what to verify the password against; the caller
//! verifies on a thread made for it; [`Attempt::finish`] decides. An unknown name, a malformed one, an
//! account without a password and a disabled account all cost one verification, like a wrong password
//! ([`Decoys`] says against what), and give the same answer (OWASP ASVS 6.3.8; CWE-204, CWE-208).

use std::net::IpAddr;
use std::sync::Arc;

use gabion_model::Timestamp;
use gabion_vault::password::{Cost, Verification};

use crate::account::{Account, AccountError, Accounts};
use crate::decoy::Decoys;
use crate::email::Email;
use crate::name::AccountName;
use crate::throttle::{Reservation, Throttle, Throttled};

/// An allowed try, waiting for its verification. Dropped, it counts as a wrong try.
#[derive(Debug)]
#[must_use = "an attempt that is dropped counts as a wrong try"]
pub struct Attempt {
    account: Option<Account>,
    phc: Arc<str>,
    reservation: Reservation,
}

/// How it ended.
#[derive(Debug)]
pub enum Outcome {
    /// The password is right. Where `rehash`, hash it anew at today's cost and keep that
    /// ([`Accounts::rehash`]).
    Accepted {
        account: Account,
        rehash: bool,
    },
    Rejected(Rejection),
}

/// Why the person was not let in: for the ledger. The person sees one and the same sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    pub reason: RejectionReason,
    /// The account whose name was given, if there is one.
    pub account: Option<Account>,
}

/// Alphabetical.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RejectionReason {
    /// The password was right.
    #[error("the account is disabled")]
    Disabled,
    #[error("the account has no password yet")]
    NotEnrolled,
    #[error("there is no account with this name")]
    UnknownName,
    #[error("the password is wrong")]
    WrongPassword,
}

/// Why no try was allowed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BeginError {
    #[error(transparent)]
    Account(#[from] AccountError),
    #[error(transparent)]
    Throttled(#[from] Throttled),
}

/// Reserves a try and looks up what to verify against.
///
/// # Errors
/// When there were too many wrong tries or the storage fails.
pub fn begin(
    accounts: &Accounts,
    throttle: &Throttle,
    decoys: &Decoys,
    name: &str,
    address: IpAddr,
    now: Timestamp,
) -> Result<Attempt, BeginError> {
    let parsed = name.parse::<AccountName>().ok();
    // A malformed name cannot be an account's; it is counted like one all the same.
    let counted = parsed.as_ref().map_or(name, AccountName::as_str);
    // A proven address is as good as the name; both are looked up for whatever could be either, and both
    // are counted as the account's name.
    let email = name.parse::<Email>().ok();
    let by_name = parsed.as_ref().map_or(Ok(None), |name| accounts.find(name))?;
    let by_email = email.as_ref().map_or(Ok(None), |email| accounts.by_verified_email(email))?;
    let account = by_name.or(by_email);
    let counted = account.as_ref().map_or(counted, |account| account.name.as_str());
    let reservation = throttle.reserve(counted, address, now)?;
    // Looked up for everybody: what is done for some only, tells them apart.
    let stand_in = decoys.stand_in(accounts, counted)?;
    let own = account.as_ref().and_then(|account| account.password.as_deref());
    let phc = own.map_or(stand_in, Into::into);
    Ok(Attempt { account, phc, reservation })
}

impl Attempt {
    /// What to verify the password against.
    #[must_use]
    pub fn phc(&self) -> Arc<str> {
        Arc::clone(&self.phc)
    }

    /// Decides, and settles the try.
    #[must_use]
    pub fn finish(self, verification: Verification, cost: Cost) -> Outcome {
        let Self { account, reservation, .. } = self;
        let reason = match &account {
            None => RejectionReason::UnknownName,
            Some(account) if account.password.is_none() => RejectionReason::NotEnrolled,
            Some(_) if !verification.matches() => RejectionReason::WrongPassword,
            Some(account) if account.disabled => RejectionReason::Disabled,
            Some(_) => {
                if let Some(account) = account {
                    reservation.succeeded();
                    return Outcome::Accepted { account, rehash: verification.needs_rehash(cost) };
                }
                RejectionReason::UnknownName
            }
        };
        reservation.failed();
        Outcome::Rejected(Rejection { reason, account })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::NewAccount;
    use crate::session::Sessions;
    use crate::settings::{LoginSettings, SessionSettings};
    use crate::storage::MemoryStorage;
    use gabion_model::Secret;
    use gabion_model::random::SeededRng;
    use gabion_vault::{SealingKey, password};

    const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

    struct House {
        accounts: Accounts,
        throttle: Throttle,
        decoys: Decoys,
    }

    impl House {
        /// `ada` with a password, `disabled` with the same, `invited` without.
        fn new() -> Self {
            let (storage, rng) = (Arc::new(MemoryStorage::new()), SeededRng::new(1));
            let sessions = Sessions::open(storage.clone(), &SessionSettings::default(), NOW).unwrap();
            let accounts = Accounts::new(storage, sessions);
            let phc = password::hash(&secret("correct horse"), Cost::FLOOR, &rng).unwrap();
            for name in ["ada", "disabled", "invited"] {
                let new = NewAccount::person(name.parse().unwrap());
                let account = accounts.create(new, NOW, &rng).unwrap();
                if name != "invited" {
                    accounts.set_password(&account.id, phc.clone(), None, NOW).unwrap();
                }
                if name == "disabled" {
                    accounts.disable(&account.id).unwrap();
                }
            }
            let key = SealingKey::from_bytes(&SealingKey::generate(&rng)).unwrap();
            let decoys = Decoys::new(Arc::new(key), password::dummy(Cost::FLOOR, &rng));
            let settings = LoginSettings { failures_per_address: 1000, ..LoginSettings::default() };
            Self { accounts, throttle: Throttle::new(&settings, &rng), decoys }
        }

        fn begin(&self, name: &str) -> Result<Attempt, BeginError> {
            let address = "192.0.2.1".parse().unwrap();
            begin(&self.accounts, &self.throttle, &self.decoys, name, address, NOW)
        }

        fn try_in(&self, name: &str, password: &str) -> Result<Outcome, BeginError> {
            let attempt = self.begin(name)?;
            let verification = password::verify(&secret(password), &attempt.phc());
            Ok(attempt.finish(verification, Cost::FLOOR))
        }
    }

    fn secret(text: &str) -> Secret<String> {
        Secret::new(text.to_owned())
    }

    #[test]
    fn the_right_password_lets_in_under_every_spelling_of_the_name() {
        let house = House::new();
        for name in ["ada", " ADA ", "ａｄａ"] {
            let outcome = house.try_in(name, "correct horse").unwrap();
            assert!(
                matches!(outcome, Outcome::Accepted { account, rehash: false } if account.name.as_str() == "ada")
            );
        }
    }

    #[test]
    fn a_proven_address_signs_in_and_counts_as_the_name() {
        let house = House::new();
        let ada = house.accounts.find(&"ada".parse().unwrap()).unwrap().unwrap();
        let email: Email = "ada@example.org".parse().unwrap();
        let with = |verified| house.accounts.set_email(&ada.id, Some(email.clone()), verified, NOW).unwrap();
        with(None);
        let outcome = house.try_in("ada@example.org", "correct horse").unwrap();
        assert!(matches!(outcome, Outcome::Rejected(_)), "an address nobody proved is nobody's");
        with(Some(NOW));
        let outcome = house.try_in("ADA@example.org", "correct horse").unwrap();
        assert!(matches!(outcome, Outcome::Accepted { account, .. } if account.name.as_str() == "ada"));
        for name in ["ada", "ada@example.org", "ada", "ada@example.org", "ada"] {
            assert!(matches!(house.try_in(name, "wrong"), Ok(Outcome::Rejected(_))));
        }
        assert!(house.begin("ada@example.org").is_err());
        assert!(house.begin("ada").is_err(), "one counter for both spellings");
    }

    #[test]
    fn every_other_try_is_rejected_and_counted() {
        for (name, password, expected) in [
            ("ada", "wrong", RejectionReason::WrongPassword),
            ("ada", "", RejectionReason::WrongPassword),
            ("disabled", "correct horse", RejectionReason::Disabled),
            ("disabled", "wrong", RejectionReason::WrongPassword),
            ("invited", "correct horse", RejectionReason::NotEnrolled),
            ("nobody", "correct horse", RejectionReason::UnknownName),
            ("no such <name>", "correct horse", RejectionReason::UnknownName),
            ("", "", RejectionReason::UnknownName),
        ] {
            let house = House::new();
            for _ in 0..5 {
                match house.try_in(name, password).unwrap() {
                    Outcome::Rejected(rejection) => assert_eq!(rejection.reason, expected, "{name}"),
                    outcome @ Outcome::Accepted { .. } => panic!("{name}: {outcome:?}"),
                }
            }
            // Known or not, the name is now throttled: the answer tells nothing either way.
            assert!(matches!(house.begin(name), Err(BeginError::Throttled(_))), "{name}");
        }
    }

    /// CWE-204, CWE-208: whatever the name, one verification of the same cost is asked for.
    #[test]
    fn rauthy_audit_2025_the_work_tells_nothing_about_the_account() {
        let house = House::new();
        let cost = |name: &str| {
            let phc = house.begin(name).unwrap().phc();
            let fields: Vec<_> = phc.split('$').map(str::to_owned).collect();
            assert_eq!(fields.len(), 6, "{phc}");
            (fields[1].clone(), fields[2].clone(), fields[3].clone(), fields[4].len(), fields[5].len())
        };
        let known = cost("ada");
        for name in ["disabled", "invited", "nobody", "no such <name>"] {
            let house = House::new();
            let phc = house.begin(name).unwrap().phc();
            assert_eq!(phc.len(), house.begin("ada").unwrap().phc().len());
            assert_eq!(cost(name), known, "{name}");
        }
    }

    /// authentik CVE-2026-49448: a stage skipped by sending nothing.
    #[test]
    fn authentik_cve_2026_49448_nothing_is_accepted_without_a_verification_that_matched() {
        let house = House::new();
        let attempt = house.begin("ada").unwrap();
        let against_dummy =
            password::verify(&secret("correct horse"), &password::dummy(Cost::FLOOR, &SeededRng::new(2)));
        assert!(matches!(attempt.finish(against_dummy, Cost::FLOOR), Outcome::Rejected(_)));
        drop(house.begin("ada").unwrap());
        for _ in 0..3 {
            drop(house.try_in("ada", "wrong"));
        }
        assert!(house.begin("ada").is_err(), "an abandoned attempt was counted");
    }

    /// The hash of another stands in for theirs; that it matches lets nobody in.
    #[test]
    fn the_password_of_a_stand_in_opens_nothing() {
        let house = House::new();
        for name in ["nobody", "invited"] {
            assert!(matches!(house.try_in(name, "correct horse"), Ok(Outcome::Rejected(_))), "{name}");
        }
    }

    /// CWE-208: unknown names take the time of one of the hashes there are, and each always of the same.
    #[test]
    fn unknown_names_are_spread_over_the_hashes_there_are() {
        let house = House::new();
        let imported = "$2b$12$abcdefghijklmnopqrstuuZ5e1Xq0sXq3cXb4wq0sXq3cXb4wq0sX";
        for index in 0..8 {
            let name = format!("imported-{index}").parse().unwrap();
            let new = NewAccount::person(name);
            let rng = SeededRng::new(100 + index);
            house.accounts.import(new, Some(imported.to_owned()), false, NOW, &rng).unwrap();
        }
        let phc = |name: &str| house.begin(name).unwrap().phc();
        let names: Vec<_> = (0..60).map(|index| format!("nobody-{index}")).collect();
        let foreign = names.iter().filter(|name| phc(name).starts_with("$2b$")).count();
        assert!((10..60).contains(&foreign), "{foreign} of 60 seem imported, 8 of 10 accounts are");
        for name in &names {
            let again = phc(&name.to_uppercase());
            assert_eq!(phc(name), again, "{name} in other letters");
        }
    }

    #[test]
    fn a_cheap_hash_is_to_be_renewed() {
        let house = House::new();
        let attempt = house.begin("ada").unwrap();
        let verification = password::verify(&secret("correct horse"), &attempt.phc());
        let costlier = Cost::new(32 * 1024, 3, 1).unwrap();
        assert!(matches!(attempt.finish(verification, costlier), Outcome::Accepted { rehash: true, .. }));
    }
}
