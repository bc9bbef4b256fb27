//! Public keys as authenticators give them (COSE_Key, RFC 9052 and 9053; RFC 8230 for RSA).

use gabion_vault::signature::PublicKey;
use minicbor::Decoder;
use minicbor::data::Type;

use super::cbor::{self, Malformed};

/// Algorithms in the order they are asked for (IANA COSE): ES256, EdDSA, RS256.
pub const ALGORITHMS: [i64; 3] = [ES256, EDDSA, RS256];

/// Reads one key. What it may be used for is decided by its algorithm, never by whoever presents it.
///
/// # Errors
/// [`Malformed`] for anything but one ES256, EdDSA or RS256 key with each member once.
pub(super) fn parse(bytes: &[u8]) -> Result<PublicKey, Malformed> {
    let mut members = Members::default();
    let mut decoder = Decoder::new(bytes);
    for _ in 0..cbor::bounded(decoder.map()?)? {
        members.read(&mut decoder)?;
    }
    if decoder.position() != bytes.len() {
        return Err(Malformed);
    }
    let Members { kty, alg, first, second, third } = members;
    match (kty, alg, first, second, third) {
        (Some(EC2), Some(ES256), Some(First::Curve(P256)), Some(x), Some(y)) => {
            Ok(PublicKey::Es256 { x: array(x)?, y: array(y)? })
        }
        (Some(OKP), Some(EDDSA), Some(First::Curve(ED25519)), Some(x), None) => {
            Ok(PublicKey::EdDsa { x: array(x)? })
        }
        (Some(RSA), Some(RS256), Some(First::Bytes(n)), Some(e), None) => {
            let (n, e) = (stripped(n), stripped(e));
            let sound = (256..=1024).contains(&n.len()) && (1..=8).contains(&e.len());
            sound.then(|| PublicKey::Rs256 { n: n.to_vec(), e: e.to_vec() }).ok_or(Malformed)
        }
        _ => Err(Malformed),
    }
}

#[derive(Default)]
struct Members<'a> {
    kty: Option<i64>,
    alg: Option<i64>,
    /// Label -1: a curve, or an RSA modulus.
    first: Option<First<'a>>,
    /// Label -2: x, or an RSA exponent.
    second: Option<&'a [u8]>,
    /// Label -3: y.
    third: Option<&'a [u8]>,
}

#[derive(Clone, Copy)]
enum First<'a> {
    Curve(i64),
    Bytes(&'a [u8]),
}

impl<'a> Members<'a> {
    fn read(&mut self, decoder: &mut Decoder<'a>) -> Result<(), Malformed> {
        if matches!(decoder.datatype()?, Type::String) {
            decoder.str()?;
            return cbor::skip(decoder, cbor::DEEPEST);
        }
        match decoder.i64()? {
            1 => once(&mut self.kty, decoder.i64()?),
            3 => once(&mut self.alg, decoder.i64()?),
            -1 if matches!(decoder.datatype()?, Type::Bytes) => {
                once(&mut self.first, First::Bytes(decoder.bytes()?))
            }
            -1 => once(&mut self.first, First::Curve(decoder.i64()?)),
            -2 => once(&mut self.second, decoder.bytes()?),
            -3 => once(&mut self.third, decoder.bytes()?),
            _ => cbor::skip(decoder, cbor::DEEPEST),
        }
    }
}

fn once<T>(place: &mut Option<T>, value: T) -> Result<(), Malformed> {
    if place.is_some() {
        return Err(Malformed);
    }
    *place = Some(value);
    Ok(())
}

fn array(bytes: &[u8]) -> Result<[u8; 32], Malformed> {
    bytes.try_into().map_err(|_| Malformed)
}

fn stripped(mut bytes: &[u8]) -> &[u8] {
    while let [0, rest @ ..] = bytes {
        bytes = rest;
    }
    bytes
}

const OKP: i64 = 1;
const EC2: i64 = 2;
const RSA: i64 = 3;
const ES256: i64 = -7;
const EDDSA: i64 = -8;
const RS256: i64 = -257;
const P256: i64 = 1;
const ED25519: i64 = 6;

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use minicbor::Encoder;
    use proptest::prelude::*;

    pub(crate) fn es256(x: [u8; 32], y: [u8; 32]) -> Vec<u8> {
        let mut out = Encoder::new(Vec::new());
        out.map(5).unwrap().i64(1).unwrap().i64(2).unwrap().i64(3).unwrap().i64(-7).unwrap();
        out.i64(-1).unwrap().i64(1).unwrap().i64(-2).unwrap().bytes(&x).unwrap();
        out.i64(-3).unwrap().bytes(&y).unwrap();
        out.into_writer()
    }

    #[test]
    fn the_three_kinds_are_read_in_any_order() {
        assert_eq!(parse(&es256([1; 32], [2; 32])), Ok(PublicKey::Es256 { x: [1; 32], y: [2; 32] }));
        let mut out = Encoder::new(Vec::new());
        out.map(5).unwrap().i64(-2).unwrap().bytes(&[7; 32]).unwrap().i64(-1).unwrap().i64(6).unwrap();
        out.i64(3).unwrap().i64(-8).unwrap().i64(1).unwrap().i64(1).unwrap();
        out.str("extra").unwrap().array(2).unwrap().i64(1).unwrap().null().unwrap();
        assert_eq!(parse(&out.into_writer()), Ok(PublicKey::EdDsa { x: [7; 32] }));
        let mut out = Encoder::new(Vec::new());
        out.map(4).unwrap().i64(1).unwrap().i64(3).unwrap().i64(3).unwrap().i64(-257).unwrap();
        out.i64(-1).unwrap().bytes(&[&[0][..], &[9; 256]].concat()).unwrap();
        out.i64(-2).unwrap().bytes(&[1, 0, 1]).unwrap();
        assert_eq!(parse(&out.into_writer()), Ok(PublicKey::Rs256 { n: vec![9; 256], e: vec![1, 0, 1] }));
    }

    #[test]
    fn everything_else_is_no_key() {
        let good = es256([1; 32], [2; 32]);
        assert_eq!(parse(&[good.clone(), vec![0]].concat()), Err(Malformed), "something behind it");
        for cut in 0..good.len() {
            assert_eq!(parse(&good[..cut]), Err(Malformed));
        }
        let with = |entries: &[(i64, i64)]| {
            let mut out = Encoder::new(Vec::new());
            out.map(2 + entries.len() as u64).unwrap();
            out.i64(-2).unwrap().bytes(&[1; 32]).unwrap().i64(-3).unwrap().bytes(&[1; 32]).unwrap();
            for (label, value) in entries {
                out.i64(*label).unwrap().i64(*value).unwrap();
            }
            out.into_writer()
        };
        assert!(parse(&with(&[(1, 2), (3, -7), (-1, 1)])).is_ok());
        for (what, entries) in [
            ("ES256 on another curve", &[(1, 2), (3, -7), (-1, 2)][..]),
            ("EdDSA with a curve of ECDSA", &[(1, 2), (3, -8), (-1, 1)]),
            ("ES384", &[(1, 2), (3, -35), (-1, 2)]),
            ("a symmetric key", &[(1, 4), (3, 5), (-1, 1)]),
            ("no algorithm", &[(1, 2), (-1, 1)]),
            ("an algorithm twice", &[(1, 2), (3, -7), (3, -7), (-1, 1)]),
            ("Ed25519 with a y", &[(1, 1), (3, -8), (-1, 6)]),
        ] {
            assert_eq!(parse(&with(entries)), Err(Malformed), "{what}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_judged(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = parse(&bytes);
        }

        #[test]
        fn a_damaged_key_is_another_or_none(at in 0..77_usize, with: u8) {
            let mut key = es256([1; 32], [2; 32]);
            key[at] = with;
            let _ = parse(&key);
        }
    }
}
