//! How many wrong tries a second factor allows: counters of its own for each kind, per account and per
//! address, beside those of passwords (Zitadel CVE-2025-64102, Keycloak CVE-2026-16103: wrong codes that
//! nobody counted).
//!
//! A try is reserved before it is looked at (see [`crate::throttle`]): N tries at once count N (Zitadel
//! GHSA-7h8m-vrxx-vr4m). Beside the window of `[login]` a day has a limit of its own, so that nobody
//! who knows a password guesses codes for weeks, five at a time.

use std::net::IpAddr;

use gabion_model::{AccountId, Period, Rng, Timestamp};

use super::{FactorKind, FactorSettings};
use crate::settings::LoginSettings;
use crate::throttle::{Reservation, Throttle, Throttled};

/// The counters of all second factors.
#[derive(Clone, Debug)]
pub struct FactorCounters {
    totp: Counters,
    passkey: Counters,
    recovery_code: Counters,
}

/// The right to one try. Dropped or [`failed`](Self::failed), it counts as a wrong one.
#[derive(Debug)]
#[must_use = "a reservation that is dropped counts as a wrong try"]
pub struct FactorReservation([Reservation; 2]);

#[derive(Clone, Debug)]
struct Counters {
    window: Throttle,
    day: Throttle,
}

impl FactorCounters {
    #[must_use]
    pub fn new(login: &LoginSettings, factors: &FactorSettings, rng: &dyn Rng) -> Self {
        let day = day(login, factors);
        let counters = || Counters { window: Throttle::new(login, rng), day: Throttle::new(&day, rng) };
        Self { totp: counters(), passkey: counters(), recovery_code: counters() }
    }

    /// Takes over changed settings; what was counted stays counted.
    pub fn set_settings(&self, login: &LoginSettings, factors: &FactorSettings) {
        for counters in [&self.totp, &self.passkey, &self.recovery_code] {
            counters.window.set_settings(login);
            counters.day.set_settings(&day(login, factors));
        }
    }

    /// Reserves one try at a factor of `account` from `address`.
    ///
    /// # Errors
    /// When one of its counters is full. Nothing is counted then.
    pub fn reserve(
        &self,
        kind: FactorKind,
        account: &AccountId,
        address: IpAddr,
        now: Timestamp,
    ) -> Result<FactorReservation, Throttled> {
        let counters = match kind {
            FactorKind::Totp => &self.totp,
            FactorKind::Passkey => &self.passkey,
            FactorKind::RecoveryCode => &self.recovery_code,
        };
        let day = counters.day.reserve(account.as_str(), address, now)?;
        match counters.window.reserve(account.as_str(), address, now) {
            Ok(window) => Ok(FactorReservation([day, window])),
            Err(throttled) => {
                // Not looked at, so not wrong.
                day.succeeded();
                Err(throttled)
            }
        }
    }
}

impl FactorReservation {
    /// The try was right and is not counted.
    pub fn succeeded(self) {
        for one in self.0 {
            one.succeeded();
        }
    }

    /// The try was wrong and stays counted.
    pub fn failed(self) {}
}

fn day(login: &LoginSettings, factors: &FactorSettings) -> LoginSettings {
    LoginSettings {
        failures_per_account: factors.failures_per_day,
        failures_per_address: 1000,
        failures_in_all: 100_000,
        window: Period::from_secs(24 * 60 * 60),
        ..login.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gabion_model::random::SeededRng;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

    fn counters() -> FactorCounters {
        FactorCounters::new(&LoginSettings::default(), &FactorSettings::default(), &SeededRng::new(1))
    }

    fn address(last: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, last])
    }

    #[test]
    fn zitadel_cve_2025_64102_each_kind_has_counters_of_its_own() {
        let (counters, ada) = (counters(), AccountId::new("ada"));
        for _ in 0..5 {
            counters.reserve(FactorKind::Totp, &ada, address(1), NOW).unwrap().failed();
        }
        assert!(counters.reserve(FactorKind::Totp, &ada, address(2), NOW).is_err());
        for kind in [FactorKind::Passkey, FactorKind::RecoveryCode] {
            counters.reserve(kind, &ada, address(2), NOW).unwrap().succeeded();
        }
        let bob = AccountId::new("bob");
        counters.reserve(FactorKind::Totp, &bob, address(2), NOW).unwrap().succeeded();
    }

    /// Zitadel GHSA-7h8m-vrxx-vr4m, for second factors.
    #[test]
    fn zitadel_ghsa_7h8m_a_thousand_wrong_tries_at_once_get_five_looks() {
        let (counters, looked) = (counters(), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            for thread in 0..8_u8 {
                let (counters, looked) = (&counters, &looked);
                scope.spawn(move || {
                    for _ in 0..125 {
                        let tried =
                            counters.reserve(FactorKind::Totp, &AccountId::new("ada"), address(thread), NOW);
                        if let Ok(reservation) = tried {
                            looked.fetch_add(1, Ordering::Relaxed);
                            reservation.failed();
                        }
                    }
                });
            }
        });
        assert_eq!(looked.into_inner(), 5);
    }

    #[test]
    fn a_day_has_a_limit_of_its_own() {
        let (counters, ada) = (counters(), AccountId::new("ada"));
        let mut looked = 0;
        for minute in 0..23 * 60 {
            let now = NOW.saturating_add(Duration::from_secs(minute * 60));
            if let Ok(reservation) = counters.reserve(FactorKind::Totp, &ada, address(1), now) {
                reservation.failed();
                looked += 1;
            }
        }
        assert_eq!(looked, 20);
    }
}
