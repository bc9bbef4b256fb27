//! How somebody proved who they are: the methods (RFC 8176) and what they add up to (`acr`).

use std::fmt;

use serde::{Deserialize, Serialize};

/// The methods by which one person proved who they are, together.
#[derive(Clone, Copy, PartialEq, Eq, Default, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Methods(u16);

/// How much the methods add up to, weakest first.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema,
)]
pub enum Acr {
    /// One factor.
    #[serde(rename = "urn:gabion:acr:1fa")]
    OneFactor,
    /// Two factors of different kinds, or a passkey that verified its user.
    #[serde(rename = "urn:gabion:acr:2fa")]
    TwoFactors,
    /// A factor that cannot be phished: a passkey that verified its user, or one beside another factor
    /// (OpenID Connect Extended Authentication Profile ACR Values 1.0, section 2).
    #[serde(rename = "phr")]
    PhishingResistant,
}

impl Methods {
    pub const NONE: Self = Self(0);
    pub const PASSWORD: Self = Self(1);
    /// A time-based one-time password.
    pub const TOTP: Self = Self(1 << 1);
    /// A passkey or security key that only saw a touch.
    pub const PASSKEY: Self = Self(1 << 2);
    /// A passkey that verified its user (PIN, biometric). Includes [`PASSKEY`](Self::PASSKEY).
    pub const PASSKEY_USER_VERIFIED: Self = Self(1 << 2 | 1 << 3);
    pub const RECOVERY_CODE: Self = Self(1 << 4);
    /// Another provider vouches.
    pub const FEDERATED: Self = Self(1 << 5);
    /// Another provider vouches for two factors, and is trusted in that. Includes
    /// [`FEDERATED`](Self::FEDERATED).
    pub const FEDERATED_TWO_FACTORS: Self = Self(1 << 5 | 1 << 6);
    /// A link sent to the person.
    pub const LINK: Self = Self(1 << 7);

    #[must_use]
    pub const fn with(self, more: Self) -> Self {
        Self(self.0 | more.0)
    }

    #[must_use]
    pub const fn contains(self, methods: Self) -> bool {
        self.0 & methods.0 == methods.0
    }

    #[must_use]
    pub const fn bits(self) -> u16 {
        self.0
    }

    /// Unknown bits are dropped: what cannot be named proves nothing.
    #[must_use]
    pub const fn from_bits(bits: u16) -> Self {
        Self(bits & 0xff)
    }

    /// What the methods add up to. A recovery code stands in for the second factor it replaces.
    #[must_use]
    pub const fn acr(self) -> Acr {
        let first = self.contains(Self::PASSWORD) || self.contains(Self::FEDERATED);
        let second = self.contains(Self::TOTP) || self.contains(Self::RECOVERY_CODE);
        if self.contains(Self::PASSKEY_USER_VERIFIED) || (self.contains(Self::PASSKEY) && first) {
            Acr::PhishingResistant
        } else if (first && second) || self.contains(Self::FEDERATED_TWO_FACTORS) {
            Acr::TwoFactors
        } else {
            Acr::OneFactor
        }
    }

    /// The `amr` values (RFC 8176, section 2).
    #[must_use]
    pub fn amr(self) -> Vec<&'static str> {
        let rows = [
            (Self::PASSWORD, "pwd"),
            (Self::TOTP, "otp"),
            (Self::PASSKEY, "pop"),
            (Self::PASSKEY_USER_VERIFIED, "user"),
            (Self::RECOVERY_CODE, "kba"),
        ];
        let mut values: Vec<_> =
            rows.iter().filter(|(method, _)| self.contains(*method)).map(|(_, value)| *value).collect();
        if self.acr() >= Acr::TwoFactors {
            values.push("mfa");
        }
        values
    }
}

impl fmt::Debug for Methods {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_list().entries(self.amr()).finish()
    }
}

impl Acr {
    pub const ALL: &[Self] = &[Self::OneFactor, Self::TwoFactors, Self::PhishingResistant];

    /// The value in tokens and requests.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OneFactor => "urn:gabion:acr:1fa",
            Self::TwoFactors => "urn:gabion:acr:2fa",
            Self::PhishingResistant => "phr",
        }
    }

    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|acr| acr.as_str() == text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn methods_add_up() {
        let rows = [
            (Methods::PASSWORD, Acr::OneFactor),
            (Methods::LINK, Acr::OneFactor),
            (Methods::TOTP, Acr::OneFactor),
            (Methods::PASSKEY, Acr::OneFactor),
            (Methods::FEDERATED, Acr::OneFactor),
            (Methods::FEDERATED_TWO_FACTORS, Acr::TwoFactors),
            (Methods::PASSWORD.with(Methods::TOTP), Acr::TwoFactors),
            (Methods::PASSWORD.with(Methods::RECOVERY_CODE), Acr::TwoFactors),
            (Methods::PASSWORD.with(Methods::PASSKEY), Acr::PhishingResistant),
            (Methods::PASSKEY_USER_VERIFIED, Acr::PhishingResistant),
        ];
        for (methods, acr) in rows {
            assert_eq!(methods.acr(), acr, "{methods:?}");
            assert_eq!(Methods::from_bits(methods.bits()), methods);
            assert_eq!(methods.amr().contains(&"mfa"), acr >= Acr::TwoFactors);
            assert_eq!(Acr::parse(acr.as_str()), Some(acr));
        }
        assert_eq!(Methods::from_bits(u16::MAX).bits(), 0xff);
        assert_eq!(Methods::NONE.amr(), [""; 0]);
    }
}
