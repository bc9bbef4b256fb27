//! One record, given to somebody who has no key to the others: its stored bytes, which are what the tree vouches for, and
//! the key of this record alone. The line `extra` of a proof (C2SP tlog-proof) holds it:
//!
//! ```text
//! record of a segment of version 1:   its JSON
//! sealed record:                      "GABIONRK" | key of the record (32 bytes) | stored bytes
//! the same two of a tenant:           "GABIONTJ" | position | stored bytes
//!                                     "GABIONTK" | position | key of the record | stored bytes
//! a tenant's checkpoint:              "GABIONTC" | its text
//! ```
//!
//! The position (8 bytes, the least first) is the record's in the node's log: it was sealed for that place, and in its
//! tenant's log it stands at another.
//!
//! Whoever checks it computes the leaf from the stored bytes, has the proof show that the leaf is in the tree, sees that the
//! key is the one that the stored bytes commit to, and only then opens them (`vault::record` says why the commitment is
//! needed). A key says nothing of the keys of other records.

use gabion_model::Event;
use gabion_vault::RecordKey;
use gabion_vault::record::RecordError;

use crate::Position;
use crate::format::MAX_PAYLOAD;
use crate::tenants::TenantTag;

/// What is handed over.
#[derive(Debug, Clone)]
pub struct Disclosure {
    pub form: Form,
    /// None when the record is not sealed.
    pub key: Option<RecordKey>,
    /// The bytes whose hash is the leaf.
    pub stored: Vec<u8>,
}

/// What the stored bytes are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// An event of no tenant.
    OfNode,
    /// A tenant's event, with its position in the node's log.
    OfTenant(Position),
    TenantCheckpoint,
}

/// The bytes disclose nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Undisclosed {
    #[error("it is neither a record's JSON nor a sealed record with its key")]
    Malformed,
    /// In another place it would be another record.
    #[error("it is the record of another position")]
    Position,
    #[error(transparent)]
    Record(#[from] RecordError),
    #[error("the record is another tenant's than it says inside")]
    Tenant,
}

const SEALED: &[u8; 8] = b"GABIONRK";
const TENANT_CLEAR: &[u8; 8] = b"GABIONTJ";
const TENANT_SEALED: &[u8; 8] = b"GABIONTK";
const TENANT_CHECKPOINT: &[u8; 8] = b"GABIONTC";

impl Disclosure {
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let key = self.key.as_ref().map(|key| key.bytes().expose().as_slice());
        match (self.form, key) {
            (Form::OfNode, None) => self.stored.clone(),
            (Form::OfNode, Some(key)) => [SEALED, key, &self.stored].concat(),
            (Form::OfTenant(at), None) => [&TENANT_CLEAR[..], &at.0.to_le_bytes(), &self.stored].concat(),
            (Form::OfTenant(at), Some(key)) => {
                [&TENANT_SEALED[..], &at.0.to_le_bytes(), key, &self.stored].concat()
            }
            (Form::TenantCheckpoint, _) => [&TENANT_CHECKPOINT[..], &self.stored].concat(),
        }
    }

    /// # Errors
    /// [`Undisclosed::Malformed`].
    pub fn parse(bytes: &[u8]) -> Result<Self, Undisclosed> {
        const fn position(bytes: &[u8]) -> Option<(Form, &[u8])> {
            match bytes.split_first_chunk::<8>() {
                Some((at, rest)) => Some((Form::OfTenant(Position(u64::from_le_bytes(*at))), rest)),
                None => None,
            }
        }
        fn key(bytes: &[u8]) -> Option<(Option<RecordKey>, &[u8])> {
            bytes.split_first_chunk::<32>().map(|(key, rest)| (Some(RecordKey::from_bytes(*key)), rest))
        }
        let parts = match bytes.split_first_chunk::<8>() {
            Some((SEALED, rest)) => key(rest).map(|(key, stored)| (Form::OfNode, key, stored)),
            Some((TENANT_CLEAR, rest)) => position(rest).map(|(form, stored)| (form, None, stored)),
            Some((TENANT_SEALED, rest)) => {
                position(rest).and_then(|(form, rest)| key(rest).map(|(key, stored)| (form, key, stored)))
            }
            Some((TENANT_CHECKPOINT, rest)) => Some((Form::TenantCheckpoint, None, rest)),
            // No JSON begins otherwise that is an object.
            _ if bytes.starts_with(b"{") => Some((Form::OfNode, None, bytes)),
            _ => None,
        };
        let (form, key, stored) = parts.ok_or(Undisclosed::Malformed)?;
        let tagged = !matches!(form, Form::OfTenant(_)) || stored.len() > TenantTag::SIZE;
        if stored.is_empty() || stored.len() > MAX_PAYLOAD || !tagged {
            return Err(Undisclosed::Malformed);
        }
        Ok(Self { form, key, stored: stored.to_vec() })
    }

    /// Whose record it is, and where it is in the node's log; none of the node's own.
    #[must_use]
    pub fn tenant(&self) -> Option<(TenantTag, Position)> {
        match (self.form, self.stored.split_first_chunk()) {
            (Form::OfTenant(position), Some((tag, _))) => Some((TenantTag(*tag), position)),
            _ => None,
        }
    }

    /// The record's JSON. The caller has seen that `stored` is the leaf at this position of the node's log, or that it is in
    /// the log of its tenant, whose own position then is the place to open it at.
    ///
    /// # Errors
    /// [`Undisclosed::Record`] when the key is another record's; [`Undisclosed::Position`] and [`Undisclosed::Tenant`] when a
    /// tenant's record says something else of itself.
    pub fn open(&self, position: Position) -> Result<Vec<u8>, Undisclosed> {
        let (mut stored, mut tag) = (&*self.stored, None);
        match self.form {
            Form::OfNode => {}
            Form::TenantCheckpoint => {
                let text = std::str::from_utf8(stored).map_err(|_| Undisclosed::Malformed)?;
                let json = serde_json::json!({ "tenant_checkpoint": text });
                return Ok(json.to_string().into_bytes());
            }
            Form::OfTenant(own) if own != position => return Err(Undisclosed::Position),
            Form::OfTenant(_) => {
                let (own, rest) = stored.split_first_chunk().ok_or(Undisclosed::Malformed)?;
                (tag, stored) = (Some(TenantTag(*own)), rest);
            }
        }
        let json = match &self.key {
            None => stored.to_vec(),
            Some(key) => key.open(position.0, stored)?,
        };
        if let Some(tag) = tag {
            let event: Event = serde_json::from_slice(&json).map_err(|_| Undisclosed::Malformed)?;
            if event.tenant.as_ref().map(TenantTag::of) != Some(tag) {
                return Err(Undisclosed::Tenant);
            }
        }
        Ok(json)
    }
}

#[cfg(test)]
mod tests {
    use gabion_model::random::SeededRng;
    use gabion_vault::SegmentKey;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_disclosed_record_opens_with_its_own_key_at_its_own_place() {
        let segment = SegmentKey::generate(&SeededRng::new(1));
        let key = segment.record(4, 7);
        let stored = key.seal(4, b"{\"time\":1}").unwrap();
        let given = Disclosure { form: Form::OfNode, key: Some(key), stored: stored.clone() };
        let taken = Disclosure::parse(&given.encode()).unwrap();
        assert_eq!(taken.stored, stored);
        assert_eq!(taken.open(Position(4)).unwrap(), b"{\"time\":1}");
        assert_eq!(taken.open(Position(5)), Err(Undisclosed::Record(RecordError::Sealed)));
        let other = Disclosure { form: Form::OfNode, key: Some(segment.record(5, 7)), stored };
        assert_eq!(other.open(Position(4)), Err(Undisclosed::Record(RecordError::Commitment)));
    }

    #[test]
    fn a_tenants_record_says_whose_it_is_outside_and_inside() {
        let control = gabion_model::ControlId::LEDGER_ADMIN_ACTS;
        let (kind, outcome) = (gabion_model::EventKind::Login, gabion_model::Outcome::Success);
        let actor = gabion_model::Actor::Anonymous;
        let mut event = Event::new(gabion_model::Timestamp::default(), kind, "x", actor, outcome, control);
        event.tenant = Some(gabion_model::TenantId::new("acme"));
        let json = serde_json::to_vec(&event).unwrap();
        let key = SegmentKey::generate(&SeededRng::new(1)).record(9, 7);
        for key in [None, Some(key)] {
            let inner = key.as_ref().map_or(json.clone(), |key| key.seal(9, &json).unwrap());
            let of = |tenant: &str| {
                let tag = TenantTag::of(&gabion_model::TenantId::new(tenant));
                let stored = [&tag.0[..], &inner].concat();
                let own = Disclosure { form: Form::OfTenant(Position(9)), key: key.clone(), stored };
                Disclosure::parse(&own.encode()).unwrap()
            };
            assert_eq!(of("acme").open(Position(9)).unwrap(), json);
            assert_eq!(of("acme").open(Position(8)), Err(Undisclosed::Position));
            assert_eq!(of("other").open(Position(9)), Err(Undisclosed::Tenant));
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(
            mut bytes in prop::collection::vec(any::<u8>(), 0..200),
            kind in prop::option::of(prop::sample::select(
                vec![SEALED, TENANT_CLEAR, TENANT_SEALED, TENANT_CHECKPOINT],
            )),
        ) {
            if let Some(kind) = kind {
                bytes.splice(0..0, *kind);
            }
            if let Ok(read) = Disclosure::parse(&bytes) {
                prop_assert_eq!(read.encode(), bytes);
                let _ = (read.open(Position(1)), read.tenant().map(|(_, at)| read.open(at)));
            }
        }
    }
}
