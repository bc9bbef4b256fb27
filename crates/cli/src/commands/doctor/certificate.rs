//! When the certificate ends (RFC 5280, 4.1.2.5): the one fact of it that is read here.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::Duration;

use gabion_gateway::TlsMode;
use gabion_model::{Clock as _, SystemClock, Timestamp};
use gabion_vault::encoding::base64url_decode;

use super::Finding;
use crate::config::Config;
use crate::gate::announce::minute;

/// Time enough to get another.
const SOON: Duration = Duration::from_secs(14 * 86_400);

pub(super) fn examine(config: &Config) -> Vec<Finding> {
    let what = "certificate";
    match (config.gateway.tls.mode, &config.gateway.tls.certificate) {
        (TlsMode::Off, _) => vec![Finding::warn(
            what,
            "none: plain HTTP, for development on this machine",
            "`gateway.tls = { mode = \"local-ca\" }`, or `files` with your own",
        )],
        (TlsMode::LocalCa, _) => {
            vec![Finding::ok(what, "made at every start by Gabion's development authority")]
        }
        (TlsMode::Files, Some(path)) => {
            let end = fs::read_to_string(path).ok().and_then(|pem| end_of(&pem));
            let Some(end) = end else {
                let detail = format!("`{}` holds no certificate that can be read", path.display());
                return vec![Finding::fail(what, detail, "a certificate chain in PEM, the gate's own first")];
            };
            let key = config.gateway.tls.key.as_deref().and_then(exposed);
            std::iter::once(judge(end, SystemClock.now())).chain(key).collect()
        }
        (TlsMode::Files, None) => Vec::new(),
    }
}

/// A key that others may read, or its group write. Reading by a group is how keys are often shared.
fn exposed(key: &Path) -> Option<Finding> {
    let mode = fs::metadata(key).ok()?.mode();
    let shown = key.display();
    (mode & 0o027 != 0).then(|| {
        let detail = format!("others may use `{shown}` (mode {:04o})", mode & 0o7777);
        Finding::warn("private key", detail, format!("chmod 600 {shown}"))
    })
}

fn judge(end: Timestamp, now: Timestamp) -> Finding {
    let (what, until) = ("certificate", minute(end));
    if end <= now {
        Finding::fail(what, format!("ended at {until}"), "renew it, then reload with SIGHUP")
    } else if end.saturating_since(now) < SOON {
        Finding::warn(what, format!("ends at {until}"), "renew it, then reload with SIGHUP")
    } else {
        Finding::ok(what, format!("good until {until}"))
    }
}

/// The end of the first certificate of a PEM file.
fn end_of(pem: &str) -> Option<Timestamp> {
    let (_, after) = pem.split_once("-----BEGIN CERTIFICATE-----")?;
    let (body, _) = after.split_once("-----END CERTIFICATE-----")?;
    let text: String = body
        .chars()
        .filter_map(|character| match character {
            '+' => Some('-'),
            '/' => Some('_'),
            '=' => None,
            other => (!other.is_whitespace()).then_some(other),
        })
        .collect();
    let der = base64url_decode(&text).ok()?;
    let (certificate, _) = take(&der, SEQUENCE)?;
    let (fields, _) = take(certificate, SEQUENCE)?;
    // version [0] OPTIONAL, serialNumber, signature, issuer, validity
    let fields = take(fields, VERSION).map_or(fields, |(_, rest)| rest);
    let (_, fields) = take(fields, INTEGER)?;
    let (_, fields) = take(fields, SEQUENCE)?;
    let (_, fields) = take(fields, SEQUENCE)?;
    let (validity, _) = take(fields, SEQUENCE)?;
    let (_, not_after) = any(validity)?;
    match *not_after.first()? {
        UTC_TIME => {
            let (text, _) = take(not_after, UTC_TIME)?;
            let text = std::str::from_utf8(text).ok()?;
            let century = if text.get(..2)?.parse::<u32>().ok()? >= 50 { "19" } else { "20" };
            timestamp(&format!("{century}{text}"))
        }
        GENERALIZED_TIME => {
            let (text, _) = take(not_after, GENERALIZED_TIME)?;
            timestamp(std::str::from_utf8(text).ok()?)
        }
        _ => None,
    }
}

const INTEGER: u8 = 0x02;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
const SEQUENCE: u8 = 0x30;
const VERSION: u8 = 0xA0;

/// The content of the DER value at the front, when it has this tag, and what follows it.
fn take(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    if *der.first()? != tag {
        return None;
    }
    any(der)
}

fn any(der: &[u8]) -> Option<(&[u8], &[u8])> {
    let (first, rest) = der.get(1..)?.split_first()?;
    let (length, rest) = if *first < 0x80 {
        (usize::from(*first), rest)
    } else {
        let (bytes, rest) = rest.split_at_checked(usize::from(first & 0x7F))?;
        if bytes.len() > 4 {
            return None;
        }
        (bytes.iter().fold(0, |length, byte| length << 8 | usize::from(*byte)), rest)
    };
    rest.split_at_checked(length)
}

/// `20271224120000Z`
fn timestamp(text: &str) -> Option<Timestamp> {
    let number = |from: usize, to: usize| text.get(from..to)?.parse::<i64>().ok();
    let (year, month, day) = (number(0, 4)?, number(4, 6)?, number(6, 8)?);
    let (hour, minute, second) = (number(8, 10)?, number(10, 12)?, number(12, 14)?);
    if text.get(14..) != Some("Z") || !(1..=12).contains(&month) {
        return None;
    }
    // Days since the epoch by 400-year eras that begin on 1 March.
    let shifted_year = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (shifted_year.div_euclid(400), shifted_year.rem_euclid(400));
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let days = era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468;
    Some(Timestamp::from_secs(((days * 24 + hour) * 60 + minute) * 60 + second))
}

#[cfg(test)]
mod tests {
    use super::super::State;
    use super::*;

    #[test]
    fn a_key_within_reach_of_others_is_told() {
        use std::os::unix::fs::PermissionsExt as _;
        let key = tempfile::NamedTempFile::new().unwrap();
        for (mode, told) in [(0o600, false), (0o400, false), (0o640, false), (0o660, true), (0o644, true)] {
            fs::set_permissions(key.path(), fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(exposed(key.path()).is_some(), told, "{mode:o}");
        }
    }

    #[test]
    fn reads_the_end_of_a_certificate() {
        let now = Timestamp::from_secs(1_795_286_828);
        let authority = gabion_vault::tls::LocalCa::create(now).unwrap();
        let issued = authority.issue(&["localhost".to_owned()], now).unwrap();
        let end = end_of(&issued.chain_pem).unwrap();
        assert_eq!(end.as_secs(), issued.expires.as_secs());
        assert_eq!(judge(end, now).state, State::Ok);
        assert_eq!(judge(end, end).state, State::Fail);
        assert_eq!(judge(now.saturating_add(Duration::from_secs(86_400)), now).state, State::Warn);
    }

    #[test]
    fn times_are_those_of_the_calendar() {
        assert_eq!(timestamp("20000229000000Z"), Some(Timestamp::from_secs(951_782_400)));
        assert_eq!(timestamp("19700101000001Z"), Some(Timestamp::from_secs(1)));
        assert_eq!(timestamp("2000022900000"), None);
    }

    #[test]
    fn what_is_no_certificate_has_no_end() {
        for text in ["", "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----"] {
            assert_eq!(end_of(text), None);
        }
        assert!(take(&[0x30, 0x84, 0xFF, 0xFF, 0xFF, 0xFF, 0], SEQUENCE).is_none());
    }
}
