//! The bytes of a segment, versions 1 and 2. Everything an auditor has to know to read one.
//!
//! A segment is a header followed by frames, without gaps. Integers are little-endian and unsigned
//! unless said otherwise; times are microseconds since 1970-01-01T00:00:00Z, signed.
//!
//! | header | |
//! |---|---|
//! | 0..8 | `GABIONSG` |
//! | 8..12 | version of the format: 1 (records in the clear) or 2 (records sealed) |
//! | 12..20 | number of the segment, from 1 |
//! | 20..28 | sequence number of its first frame |
//! | 28..36 | time it was begun |
//! | 36..44 | earliest time of an event in the segment before; the largest number when there is none |
//! | 44..52 | latest time of an event in the segment before; the smallest number when there is none |
//! | *version 1:* 52..56 | CRC-32C of bytes 0..52 |
//! | *version 2:* 52..60 | id of the key that the segment's key is sealed with ([`KeyId`]) |
//! | 60..120 | the segment's key, sealed: nonce, ciphertext, tag (`vault::SealingKey`) |
//! | 120..124 | zero |
//! | 124..128 | CRC-32C of bytes 0..124 |
//!
//! | frame: 40 bytes and the payload | |
//! |---|---|
//! | 0..4 | length of the payload, 1 to 65535 |
//! | 4..8 | CRC-32C of bytes 8.. of the frame, its last 4 included |
//! | 8..16 | sequence number: one more than the frame before, from 1, through all segments |
//! | 16..24 | mark: every frame with a smaller number was durable before this one was written |
//! | 24..32 | time of the event |
//! | 32..36 | class of the payload, its low byte: 1 = event as JSON (`gabion_model::Event`), 2 = the same, sealed |
//! | | 3, 4 = the same two of a tenant: its tag, 16 bytes, stands before them; 5 = a tenant's checkpoint, text (`tenants`) |
//! | | of a sealed one the upper three bytes: the run that wrote it, random, so that a position is never sealed twice with one key |
//! | 36..36+n | payload |
//! | last 4 | length of the payload again, so that a segment can be read from its end |
//!
//! A sealed payload is key commitment, ciphertext and tag (`vault::record` says how). What the tree of the ledger vouches for
//! is the payload as it is stored: an auditor checks it without a key, and reads it with the key of that one record. In the
//! clear stand times, numbers and lengths. A directory may hold segments of both versions; version 1 is no longer written by
//! a gate.
//!
//! **Rules.** A frame whose number is not less than the first number of the *next* segment is void: it
//! was written by an attempt that failed and was never acknowledged; reading goes on in the next
//! segment. Behind the last good frame of the last segment there may be a torn tail (a crash while
//! writing); it holds nothing acknowledged. A bad frame anywhere else is corruption. The two are told
//! apart by the mark: a bad frame that a later good frame calls durable was not torn, it was damaged.
//! Damage inside the very last batch cannot be told from a torn write by these bytes alone.

use gabion_model::Timestamp;
use gabion_vault::RecordKey;

use crate::keys::KeyId;
use crate::tenants::TenantTag;
use crate::{Damage, Position, SegmentId};

/// Bytes of a segment's header, version 1.
pub const HEADER_SIZE: usize = 56;

/// Bytes of a segment's header, version 2.
pub const SEALED_HEADER_SIZE: usize = 128;

/// Bytes of a frame beside its payload.
pub const FRAME_OVERHEAD: usize = 40;

/// The most bytes a payload has; an entry bundle of a tiled log holds no larger one.
pub const MAX_PAYLOAD: usize = 65_535;

/// The most bytes an event has: with what sealing adds, it still is a payload.
pub const MAX_EVENT: usize = MAX_PAYLOAD - RecordKey::OVERHEAD - TenantTag::SIZE;

/// The largest frame.
pub const MAX_FRAME: usize = FRAME_OVERHEAD + MAX_PAYLOAD;

/// The class of payload that is an event as JSON.
pub const CLASS_EVENT: u32 = 1;

/// The class of payload that is a sealed event, without the run.
pub const CLASS_SEALED: u32 = 2;

/// The class of payload that is a tenant's tag and an event as JSON.
pub const CLASS_TENANT_EVENT: u32 = 3;

/// The class of payload that is a tenant's tag and a sealed event, without the run.
pub const CLASS_TENANT_SEALED: u32 = 4;

/// The class of payload that is the text of a tenant's checkpoint.
pub const CLASS_TENANT_CHECKPOINT: u32 = 5;

const MAGIC: &[u8; 8] = b"GABIONSG";
const VERSION: u32 = 1;
const SEALED_VERSION: u32 = 2;
/// Bytes of a frame before its payload.
const PREFIX: usize = 36;

/// The beginning of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    pub segment: SegmentId,
    /// The number of its first frame.
    pub first: Position,
    pub begun: Timestamp,
    /// When the events of the segment before happened.
    pub previous: Span,
    /// None in version 1, whose records are not sealed.
    pub sealed: Option<SealedKey>,
}

/// The key of a segment, as it stands in its header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SealedKey {
    /// What it is sealed with.
    pub by: KeyId,
    pub sealed: [u8; SEALED_KEY],
}

/// Bytes of a sealed segment key: nonce, key, tag.
pub const SEALED_KEY: usize = 12 + 32 + 16;

/// The time between the earliest and the latest event of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    pub earliest: Timestamp,
    pub latest: Timestamp,
}

/// One frame, its payload borrowed from the bytes it was read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame<'a> {
    pub position: Position,
    /// Everything before this was durable when the frame was written.
    pub mark: Position,
    /// When the event happened.
    pub time: Timestamp,
    pub class: u32,
    pub payload: &'a [u8],
}

impl Span {
    /// Of no event.
    pub const EMPTY: Self =
        Self { earliest: Timestamp::from_micros(i64::MAX), latest: Timestamp::from_micros(i64::MIN) };

    pub fn include(&mut self, time: Timestamp) {
        self.earliest = self.earliest.min(time);
        self.latest = self.latest.max(time);
    }
}

impl Header {
    /// Its bytes in a segment.
    #[must_use]
    pub const fn size(&self) -> usize {
        if self.sealed.is_some() { SEALED_HEADER_SIZE } else { HEADER_SIZE }
    }

    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let version = if self.sealed.is_some() { SEALED_VERSION } else { VERSION };
        let fields: [&[u8]; 7] = [
            MAGIC,
            &version.to_le_bytes(),
            &self.segment.0.to_le_bytes(),
            &self.first.0.to_le_bytes(),
            &self.begun.as_micros().to_le_bytes(),
            &self.previous.earliest.as_micros().to_le_bytes(),
            &self.previous.latest.as_micros().to_le_bytes(),
        ];
        let mut out = fields.concat();
        if let Some(key) = &self.sealed {
            out.extend_from_slice(&key.by.0);
            out.extend_from_slice(&key.sealed);
            out.extend_from_slice(&[0; 4]);
        }
        let crc = crc32c::crc32c(&out).to_le_bytes();
        out.extend_from_slice(&crc);
        out
    }

    pub fn decode(bytes: &[u8]) -> Result<Self, Damage> {
        let start = bytes.get(..HEADER_SIZE).ok_or(Damage::Short)?;
        if !start.starts_with(MAGIC) {
            return Err(Damage::Header);
        }
        let size = match u32_at(start, 8) {
            VERSION => HEADER_SIZE,
            SEALED_VERSION => SEALED_HEADER_SIZE,
            _ => return Err(Damage::Version),
        };
        let header = bytes.get(..size).ok_or(Damage::Short)?;
        let (body, crc) = header.split_at_checked(size - 4).ok_or(Damage::Short)?;
        if crc32c::crc32c(body) != u32_at(crc, 0) {
            return Err(Damage::Checksum);
        }
        let sealed = (size == SEALED_HEADER_SIZE)
            .then(|| SealedKey { by: KeyId(bytes_at(body, 52)), sealed: bytes_at(body, 60) });
        if sealed.is_some() && u32_at(body, 120) != 0 {
            return Err(Damage::Header);
        }
        Ok(Self {
            segment: SegmentId(u64_at(body, 12)),
            first: Position(u64_at(body, 20)),
            begun: time_at(body, 28),
            previous: Span { earliest: time_at(body, 36), latest: time_at(body, 44) },
            sealed,
        })
    }
}

impl<'a> Frame<'a> {
    /// Appends the frame to `out`. The payload has 1 to [`MAX_PAYLOAD`] bytes.
    pub fn encode(&self, out: &mut Vec<u8>) {
        debug_assert!((1..=MAX_PAYLOAD).contains(&self.payload.len()), "callers bound the payload");
        let length = u32::try_from(self.payload.len()).unwrap_or(u32::MAX).to_le_bytes();
        let fields: [&[u8]; 6] = [
            &self.position.0.to_le_bytes(),
            &self.mark.0.to_le_bytes(),
            &self.time.as_micros().to_le_bytes(),
            &self.class.to_le_bytes(),
            self.payload,
            &length,
        ];
        out.reserve(self.size());
        out.extend_from_slice(&length);
        let crc = fields.iter().fold(0, |crc, field| crc32c::crc32c_append(crc, field));
        out.extend_from_slice(&crc.to_le_bytes());
        for field in fields {
            out.extend_from_slice(field);
        }
    }

    /// Bytes the frame takes in a segment.
    #[must_use]
    pub const fn size(&self) -> usize {
        FRAME_OVERHEAD + self.payload.len()
    }

    /// Reads the frame at the beginning of `bytes`. [`Damage::Short`] means that more bytes are needed.
    pub fn decode(bytes: &'a [u8]) -> Result<Self, Damage> {
        let length = bytes.first_chunk().map(|length| u32::from_le_bytes(*length)).ok_or(Damage::Short)?;
        let length = payload_length(length)?;
        let frame = bytes.get(..FRAME_OVERHEAD + length).ok_or(Damage::Short)?;
        let checked = frame.get(8..).ok_or(Damage::Short)?;
        if crc32c::crc32c(checked) != u32_at(frame, 4) {
            return Err(Damage::Checksum);
        }
        if payload_length(u32_at(frame, PREFIX + length))? != length {
            return Err(Damage::Length);
        }
        Ok(Self {
            position: Position(u64_at(frame, 8)),
            mark: Position(u64_at(frame, 16)),
            time: time_at(frame, 24),
            class: u32_at(frame, 32),
            payload: frame.get(PREFIX..PREFIX + length).ok_or(Damage::Short)?,
        })
    }

    /// Reads the frame at the end of `bytes`.
    pub fn decode_last(bytes: &'a [u8]) -> Result<Self, Damage> {
        let length = bytes.last_chunk().map(|length| u32::from_le_bytes(*length)).ok_or(Damage::Short)?;
        let size = FRAME_OVERHEAD + payload_length(length)?;
        let start = bytes.len().checked_sub(size).ok_or(Damage::Short)?;
        let frame = Self::decode(bytes.get(start..).ok_or(Damage::Short)?)?;
        if frame.size() == size { Ok(frame) } else { Err(Damage::Length) }
    }
}

fn payload_length(length: u32) -> Result<usize, Damage> {
    usize::try_from(length).ok().filter(|length| (1..=MAX_PAYLOAD).contains(length)).ok_or(Damage::Length)
}

fn bytes_at<const N: usize>(bytes: &[u8], offset: usize) -> [u8; N] {
    bytes.get(offset..).and_then(|rest| rest.first_chunk()).copied().unwrap_or([0; N])
}

fn time_at(bytes: &[u8], offset: usize) -> Timestamp {
    Timestamp::from_micros(i64::from_le_bytes(bytes_at(bytes, offset)))
}

fn u32_at(bytes: &[u8], offset: usize) -> u32 {
    u32::from_le_bytes(bytes_at(bytes, offset))
}

fn u64_at(bytes: &[u8], offset: usize) -> u64 {
    u64::from_le_bytes(bytes_at(bytes, offset))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn frame(payload: &[u8], numbers: (u64, u64, i64, u32)) -> Frame<'_> {
        Frame {
            position: Position(numbers.0),
            mark: Position(numbers.1),
            time: Timestamp::from_micros(numbers.2),
            class: numbers.3,
            payload,
        }
    }

    #[test]
    fn the_layout_is_what_the_header_of_this_file_says() {
        let header = Header {
            segment: SegmentId(2),
            first: Position(7),
            begun: Timestamp::from_micros(-1),
            previous: Span::EMPTY,
            sealed: None,
        };
        let bytes = header.encode();
        assert_eq!(bytes.len(), HEADER_SIZE);
        assert_eq!(&bytes[..28], b"GABIONSG\x01\0\0\0\x02\0\0\0\0\0\0\0\x07\0\0\0\0\0\0\0");
        assert_eq!(&bytes[28..36], [0xff; 8]);
        assert_eq!(bytes[36..52], [i64::MAX.to_le_bytes(), i64::MIN.to_le_bytes()].concat());
        assert_eq!(bytes[52..], crc32c::crc32c(&bytes[..52]).to_le_bytes());

        let key = SealedKey { by: KeyId([5; 8]), sealed: [6; SEALED_KEY] };
        let sealed = Header { sealed: Some(key), ..header }.encode();
        assert_eq!(sealed.len(), SEALED_HEADER_SIZE);
        assert_eq!(&sealed[..12], b"GABIONSG\x02\0\0\0");
        assert_eq!(sealed[12..52], bytes[12..52]);
        assert_eq!(sealed[52..60], [5; 8]);
        assert_eq!(sealed[60..120], [6; SEALED_KEY]);
        assert_eq!(sealed[120..124], [0; 4]);
        assert_eq!(sealed[124..], crc32c::crc32c(&sealed[..124]).to_le_bytes());

        let mut bytes = Vec::new();
        frame(b"{}", (9, 8, 256, CLASS_EVENT)).encode(&mut bytes);
        assert_eq!(bytes.len(), 42);
        assert_eq!(bytes[..4], [2, 0, 0, 0]);
        assert_eq!(bytes[4..8], crc32c::crc32c(&bytes[8..]).to_le_bytes());
        assert_eq!(bytes[8..16], 9_u64.to_le_bytes());
        assert_eq!(bytes[16..24], 8_u64.to_le_bytes());
        assert_eq!(bytes[24..32], 256_i64.to_le_bytes());
        assert_eq!(bytes[32..], *b"\x01\0\0\0{}\x02\0\0\0");
    }

    #[test]
    fn zeroes_are_not_a_frame() {
        assert_eq!(Frame::decode(&[0; 4096]), Err(Damage::Length));
    }

    proptest! {
        #[test]
        fn a_frame_reads_back_from_both_ends(
            payload in prop::collection::vec(any::<u8>(), 1..600),
            numbers: (u64, u64, i64, u32),
            before in prop::collection::vec(any::<u8>(), 0..50),
            after in prop::collection::vec(any::<u8>(), 0..50),
        ) {
            let frame = frame(&payload, numbers);
            let mut bytes = before.clone();
            frame.encode(&mut bytes);
            prop_assert_eq!(Frame::decode_last(&bytes), Ok(frame));
            bytes.extend_from_slice(&after);
            prop_assert_eq!(Frame::decode(&bytes[before.len()..]), Ok(frame));
        }

        #[test]
        fn a_changed_byte_is_noticed(
            payload in prop::collection::vec(any::<u8>(), 1..200),
            numbers: (u64, u64, i64, u32),
            at: prop::sample::Index,
            change in 1..=255_u8,
        ) {
            let mut bytes = Vec::new();
            frame(&payload, numbers).encode(&mut bytes);
            let index = at.index(bytes.len());
            bytes[index] ^= change;
            prop_assert!(Frame::decode(&bytes).is_err());
        }

        #[test]
        fn a_header_reads_back_and_a_changed_one_does_not(
            numbers: (u64, u64, i64, i64), key: Option<([u8; 8], [u8; 32])>,
            at: prop::sample::Index, change in 1..=255_u8,
        ) {
            let mut whole = [9; SEALED_KEY];
            whole[..32].copy_from_slice(&key.unwrap_or_default().1);
            let header = Header {
                segment: SegmentId(numbers.0),
                first: Position(numbers.1),
                begun: Timestamp::from_micros(numbers.2),
                previous: Span { earliest: Timestamp::from_micros(numbers.3), latest: Timestamp::default() },
                sealed: key.map(|(by, _)| SealedKey { by: KeyId(by), sealed: whole }),
            };
            let mut bytes = header.encode();
            prop_assert_eq!(bytes.len(), header.size());
            prop_assert_eq!(Header::decode(&bytes), Ok(header));
            let at = at.index(bytes.len());
            bytes[at] ^= change;
            prop_assert!(Header::decode(&bytes).is_err());
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = (Frame::decode(&bytes), Frame::decode_last(&bytes), Header::decode(&bytes));
        }
    }
}
