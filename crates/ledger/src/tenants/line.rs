//! A tenant's record as one line of JSON, for whoever is given the tenant's log:
//!
//! ```text
//! {"index":0,"position":17,"disclosure":"<base64, see `disclosure`>","event":{…}}
//! ```
//!
//! `index` is its place in the tenant's log, from 0, `position` its number in the node's; `event` is what the disclosure opens
//! to, for reading. There is one spelling: a line that says anything else beside what the disclosure says is refused.

use gabion_vault::encoding::{base64_decode, base64_encode};
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::TenantTag;
use crate::Position;
use crate::disclosure::{Disclosure, Undisclosed};

/// The most bytes of a line, without its newline.
pub const LONGEST: usize = 192 << 10;

/// A line that was read: its record is this tenant's, and says so inside. Nobody has looked yet whether it is in the log.
#[derive(Debug)]
pub struct Line {
    pub index: u64,
    pub position: Position,
    pub tenant: TenantTag,
    pub disclosed: Disclosure,
    /// The event.
    pub json: Vec<u8>,
}

/// Why a line is not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MalformedLine {
    #[error("it is not a tenant's record in JSON")]
    Json,
    #[error(transparent)]
    Undisclosed(#[from] Undisclosed),
    #[error("it says something else than the record that it discloses")]
    Other,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Members<'a> {
    index: u64,
    #[serde(rename = "position")]
    _position: u64,
    disclosure: &'a str,
    #[serde(rename = "event")]
    _event: IgnoredAny,
}

/// The line of a tenant's record, without its newline.
///
/// # Errors
/// When it is not a tenant's record, or does not open.
pub fn write(index: u64, disclosed: &Disclosure) -> Result<Vec<u8>, Undisclosed> {
    let (_, position) = disclosed.tenant().ok_or(Undisclosed::Malformed)?;
    Ok(spelled(index, position, disclosed, &disclosed.open(position)?))
}

fn spelled(index: u64, position: Position, disclosed: &Disclosure, json: &[u8]) -> Vec<u8> {
    let disclosure = base64_encode(&disclosed.encode());
    let start = format!(r#"{{"index":{index},"position":{position},"disclosure":"{disclosure}","event":"#);
    [start.as_bytes(), json, b"}"].concat()
}

/// Reads a line, without its newline.
///
/// # Errors
/// When it is not one, or not in its one spelling.
pub fn parse(line: &[u8]) -> Result<Line, MalformedLine> {
    if line.len() > LONGEST {
        return Err(MalformedLine::Json);
    }
    let members: Members<'_> = serde_json::from_slice(line).map_err(|_| MalformedLine::Json)?;
    let disclosure = base64_decode(members.disclosure).map_err(|_| MalformedLine::Json)?;
    let disclosed = Disclosure::parse(&disclosure)?;
    let (tenant, position) = disclosed.tenant().ok_or(MalformedLine::Other)?;
    let json = disclosed.open(position)?;
    if spelled(members.index, position, &disclosed, &json) != line {
        return Err(MalformedLine::Other);
    }
    Ok(Line { index: members.index, position, tenant, disclosed, json })
}

#[cfg(test)]
mod tests {
    use gabion_model::random::SeededRng;
    use gabion_model::{Actor, ControlId, Event, EventKind, Outcome, TenantId, Timestamp};
    use gabion_vault::SegmentKey;
    use proptest::prelude::*;

    use super::*;
    use crate::Form;

    fn disclosed() -> Disclosure {
        let (kind, control) = (EventKind::Login, ControlId::LEDGER_ADMIN_ACTS);
        let mut event =
            Event::new(Timestamp::from_secs(7), kind, "x", Actor::Gate, Outcome::Success, control);
        let tenant = TenantId::new("acme");
        event.tenant = Some(tenant.clone());
        let key = SegmentKey::generate(&SeededRng::new(1)).record(9, 7);
        let sealed = key.seal(9, &serde_json::to_vec(&event).unwrap()).unwrap();
        let stored = [&TenantTag::of(&tenant).0[..], &sealed].concat();
        Disclosure { form: Form::OfTenant(Position(9)), key: Some(key), stored }
    }

    #[test]
    fn a_line_has_one_spelling() {
        let line = String::from_utf8(write(4, &disclosed()).unwrap()).unwrap();
        let read = parse(line.as_bytes()).unwrap();
        assert_eq!((read.index, read.position), (4, Position(9)));
        assert_eq!(read.tenant, TenantTag::of(&TenantId::new("acme")));
        for (from, to) in [
            ("\"index\":4", "\"index\":04"),
            ("\"position\":9", "\"position\":8"),
            ("\"action\":\"x\"", "\"action\":\"y\""),
            ("\"event\":{", "\"event\":{},\"event\":{"),
            ("\"index\":4", "\"index\":4,\"more\":1"),
            ("\"index\":4,", "\"index\": 4,"),
            ("\"index\":4,", ""),
        ] {
            assert!(line.contains(from) && parse(line.replace(from, to).as_bytes()).is_err(), "{to}");
        }
        assert!(write(0, &Disclosure { form: Form::OfNode, ..disclosed() }).is_err());
    }

    proptest! {
        #[test]
        fn any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..200), at: prop::sample::Index, change in 1..=255_u8) {
            let _ = parse(&bytes);
            let mut line = write(4, &disclosed()).unwrap();
            let at = at.index(line.len());
            line[at] ^= change;
            if let Ok(read) = parse(&line) {
                prop_assert_eq!(write(read.index, &read.disclosed).unwrap(), line);
            }
        }
    }
}
