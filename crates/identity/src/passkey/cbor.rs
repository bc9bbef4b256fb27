//! The little CBOR that authenticators speak (RFC 8949; CTAP 2, 8): definite lengths, bounded depth and
//! size, in any order.

use minicbor::Decoder;
use minicbor::data::Type;

/// Bytes that are no such CBOR.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("malformed CBOR")]
pub(super) struct Malformed;

impl From<minicbor::decode::Error> for Malformed {
    fn from(_: minicbor::decode::Error) -> Self {
        Self
    }
}

/// Splits off the first item.
pub(super) fn split_item(bytes: &[u8]) -> Result<(&[u8], &[u8]), Malformed> {
    let mut decoder = Decoder::new(bytes);
    skip(&mut decoder, DEEPEST)?;
    bytes.split_at_checked(decoder.position()).ok_or(Malformed)
}

/// Passes over one item, whatever it is.
pub(super) fn skip(decoder: &mut Decoder<'_>, depth: u32) -> Result<(), Malformed> {
    let deeper = depth.checked_sub(1).ok_or(Malformed);
    match decoder.datatype()? {
        Type::U8 | Type::U16 | Type::U32 | Type::U64 => decoder.u64().map(drop)?,
        Type::I8 | Type::I16 | Type::I32 | Type::I64 | Type::Int => decoder.int().map(drop)?,
        Type::Bytes => decoder.bytes().map(drop)?,
        Type::String => decoder.str().map(drop)?,
        Type::Bool => decoder.bool().map(drop)?,
        Type::Null => decoder.null()?,
        Type::F32 => decoder.f32().map(drop)?,
        Type::F64 => decoder.f64().map(drop)?,
        Type::Array => {
            let deeper = deeper?;
            for _ in 0..bounded(decoder.array()?)? {
                skip(decoder, deeper)?;
            }
        }
        Type::Map => {
            let deeper = deeper?;
            for _ in 0..bounded(decoder.map()?)? {
                skip(decoder, deeper)?;
                skip(decoder, deeper)?;
            }
        }
        _ => return Err(Malformed),
    }
    Ok(())
}

/// The number of entries; none where the length is indefinite, and not more than anybody needs.
pub(super) fn bounded(length: Option<u64>) -> Result<u64, Malformed> {
    length.filter(|length| *length <= MOST).ok_or(Malformed)
}

pub(super) const DEEPEST: u32 = 6;
const MOST: u64 = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_item_is_split_off() {
        assert_eq!(split_item(&[0xa1, 1, 0x42, 7, 8, 9]), Ok((&[0xa1, 1, 0x42, 7, 8][..], &[9][..])));
        assert_eq!(split_item(&[0x20]), Ok((&[0x20][..], &[][..])));
        for wrong in [
            &[][..],
            &[0xa1, 1],
            &[0x42, 7],
            &[0x5b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
            &[0x9f, 1, 0xff],
            &[0xbf, 1, 2, 0xff],
            &[0x9b, 0, 0, 0, 1, 0, 0, 0, 0],
            &[0xff],
            &[0xc1, 1],
        ] {
            assert_eq!(split_item(wrong), Err(Malformed), "{wrong:?}");
        }
        let deep = |depth: usize| [vec![0x81; depth], vec![1]].concat();
        assert!(split_item(&deep(6)).is_ok());
        assert_eq!(split_item(&deep(7)), Err(Malformed));
        assert_eq!(split_item(&deep(100_000)), Err(Malformed));
    }
}
