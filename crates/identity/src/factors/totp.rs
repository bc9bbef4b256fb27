//! Time-based one-time passwords (RFC 6238): SHA-1, six digits, 30 seconds, as every authenticator app
//! makes them.
//!
//! 1. A code is good in its own step and, for clocks that are a little off, in the neighbouring ones
//!    where the settings say so.
//! 2. The last step a code was accepted for is kept, and only a later one is accepted: a code works once,
//!    and none older than it works at all (RFC 6238, 5.2; ASVS 6.5.1).
//! 3. All candidates are computed and compared in constant time, whichever matches.

use gabion_model::{AccountId, Secret, Timestamp};
use gabion_vault::{constant_time_eq, hmac_sha1};

use super::FactorId;

/// An enrolled authenticator app.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Totp {
    pub id: FactorId,
    pub account: AccountId,
    /// What the person calls it.
    pub name: String,
    /// The secret, sealed by the vault under [`Totp::context`].
    pub sealed: Vec<u8>,
    /// The last step a code was accepted for.
    pub last_step: u64,
    pub created: Timestamp,
    pub last_used: Option<Timestamp>,
}

impl Totp {
    /// What the sealed secret is bound to: its own row.
    #[must_use]
    pub fn context(account: &AccountId, id: &FactorId) -> String {
        format!("totps:sealed:{}:{}", account.as_str(), id.as_str())
    }
}

/// The step `now` lies in.
#[must_use]
pub fn step(now: Timestamp) -> u64 {
    u64::try_from(now.as_secs()).unwrap_or_default() / PERIOD
}

/// The code of a step.
#[must_use]
pub fn code(secret: &Secret<Vec<u8>>, step: u64) -> Secret<String> {
    let tag = hmac_sha1(secret.expose(), &step.to_be_bytes());
    // RFC 4226, 5.3: four bytes from where the last nibble says.
    let at = usize::from(tag[19] & 15);
    let bytes = tag.iter().skip(at).take(4);
    let number = bytes.fold(0_u32, |number, byte| number << 8 | u32::from(*byte)) & 0x7fff_ffff;
    Secret::new(format!("{:06}", number % 1_000_000))
}

/// The step whose code was typed, among the current one and `neighbours` before and after it.
#[must_use]
pub fn matching_step(
    secret: &Secret<Vec<u8>>,
    typed: &Secret<String>,
    now: Timestamp,
    neighbours: u32,
) -> Option<u64> {
    let typed = digits(typed)?;
    let (current, neighbours) = (step(now), u64::from(neighbours.min(1)));
    let candidates = current.saturating_sub(neighbours)..=current.saturating_add(neighbours);
    candidates.fold(None, |found, step| {
        let same = constant_time_eq(code(secret, step).expose().as_bytes(), typed.expose().as_bytes());
        if same { Some(step) } else { found }
    })
}

/// What an authenticator app reads from the QR code (the `otpauth` scheme of the common apps).
#[must_use]
pub fn address(secret: &Secret<Vec<u8>>, issuer: &str, name: &str) -> Secret<String> {
    let (issuer, name) = (percent(issuer), percent(name));
    let text = gabion_vault::encoding::base32_encode(secret.expose());
    Secret::new(format!(
        "otpauth://totp/{issuer}:{name}?secret={text}&issuer={issuer}&algorithm=SHA1&digits=6&period=30"
    ))
}

/// Six digits, with the spaces people and apps put between them.
fn digits(typed: &Secret<String>) -> Option<Secret<String>> {
    let typed = typed.expose();
    if typed.len() > 16 {
        return None;
    }
    let digits: String = typed.chars().filter(|one| !one.is_whitespace()).collect();
    (digits.len() == 6 && digits.bytes().all(|byte| byte.is_ascii_digit())).then(|| Secret::new(digits))
}

fn percent(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

/// In seconds.
const PERIOD: u64 = 30;

/// Bytes of a secret: 160 bits, the output of its hash (RFC 4226, 4, R6).
pub const SECRET: usize = 20;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn published() -> Secret<Vec<u8>> {
        Secret::new(b"12345678901234567890".to_vec())
    }

    fn typed(text: &str) -> Secret<String> {
        Secret::new(text.to_owned())
    }

    /// RFC 6238, appendix B (the last six of the eight digits there).
    #[test]
    fn knows_the_published_vectors() {
        let rows = [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ];
        for (seconds, expected) in rows {
            let now = Timestamp::from_secs(seconds);
            assert_eq!(code(&published(), step(now)).expose(), expected);
            assert_eq!(matching_step(&published(), &typed(expected), now, 0), Some(step(now)));
        }
    }

    #[test]
    fn a_code_is_good_in_its_step_and_beside_it_where_allowed() {
        let now = Timestamp::from_secs(1_800_000_000);
        for (offset, alone, with_neighbours) in
            [(-2_i64, false, false), (-1, false, true), (0, true, true), (1, false, true), (2, false, false)]
        {
            let wanted = step(now).checked_add_signed(offset).unwrap();
            let typed = code(&published(), wanted);
            assert_eq!(matching_step(&published(), &typed, now, 0), alone.then_some(wanted), "{offset}");
            assert_eq!(
                matching_step(&published(), &typed, now, 1),
                with_neighbours.then_some(wanted),
                "{offset}"
            );
            assert_eq!(
                matching_step(&published(), &typed, now, 99),
                with_neighbours.then_some(wanted),
                "never more than one beside"
            );
        }
    }

    #[test]
    fn what_is_not_six_digits_matches_nothing() {
        let now = Timestamp::from_secs(59);
        for wrong in
            ["", "28708", "2870822", "28708a", "２８７０８２", "+287082", "287082\0", "      ", "-28708"]
        {
            assert_eq!(matching_step(&published(), &typed(wrong), now, 1), None, "{wrong:?}");
        }
        assert_eq!(matching_step(&published(), &typed(&" ".repeat(1000)), now, 1), None);
        assert_eq!(matching_step(&published(), &typed(" 287 082 "), now, 1), Some(1));
        assert_eq!(matching_step(&published(), &typed("287082"), Timestamp::from_secs(-99), 0), None);
    }

    #[test]
    fn apps_are_told_who_and_where() {
        assert_eq!(
            address(&published(), "Notes & Co", "ada@example.org").expose(),
            "otpauth://totp/Notes%20%26%20Co:ada%40example.org?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ\
             &issuer=Notes%20%26%20Co&algorithm=SHA1&digits=6&period=30"
        );
    }

    proptest! {
        #[test]
        fn any_text_is_judged(text in ".{0,20}", seconds in 0..4_000_000_000_i64) {
            let now = Timestamp::from_secs(seconds);
            if let Some(found) = matching_step(&published(), &typed(&text), now, 1) {
                prop_assert!(found.abs_diff(step(now)) <= 1);
            }
        }
    }
}
