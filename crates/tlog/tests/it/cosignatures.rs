//! Cosignatures (C2SP tlog-cosignature, Ed25519) against vectors.
//!
//! The vectors were made from the specification's text alone, with Python's `hashlib` and the package `cryptography`: the
//! key's id is the beginning of SHA-256 over name, newline, type 4 and public key; the message is
//! `cosignature/v1`, `time` and the seconds, and the checkpoint's text, a line each; the line holds id, time (big-endian)
//! and signature. The seed of each key is the SHA-256 of its name, the log's that of `log`.

use gabion_model::Secret;
use gabion_tlog::cosignature::{cosign, cosigned};
use gabion_tlog::note::Purpose;
use gabion_tlog::{Checkpoint, Note, SigningKey, VerifyingKey};
use sha2::{Digest as _, Sha256};

const LOG: &str = "log.example/ledger+5015b61d+AZsfhHkc/HZjBFhU04netcqVRJ2HXydqg4QLBgqznPxx";

struct Vector {
    witness: &'static str,
    time: u64,
    note: &'static str,
}

const VECTORS: [Vector; 3] = [
    Vector {
        witness: "witness.example/w1+d7ec3267+BO2NXp96io5WwyFvQUEMfhRIAsqSo9DZ83HT1Nfgqy6k",
        time: 1,
        note: "\
log.example/ledger
0
47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=

— log.example/ledger UBW2HVVpKa5Al87q7FukZC0mtYFug4/tXAjHsmjrIg3q9jiqWQnC0jVVBCBt8ssaJ/tz8QUheHb4wY82XjDSqASPbAk=
— witness.example/w1 1+wyZwAAAAAAAAABY3Be1i0mmhHuTXOmm0buoU79Ea5yazU7VuiqP1PAWrK0l420Zj2WyrfXo74UEKZmqIcntk12c2druRLcYiCXDg==
",
    },
    Vector {
        witness: "Witness-Ø.example+79bbc0d8+BKp/u7wdbZ0aYnx6TVJmwps395ioQ4b2PqSTJDtIxpK3",
        time: 1_679_315_147,
        note: "\
log.example/ledger
20852163
SBNJTRN+FjG7owHVrKtue7eqdM4RhdRWVl71HXN2d7I=

— log.example/ledger UBW2HaQL1Q3FJB9e6MM9xcnT8MOX45CmmMWoQcOY0/vr6vV5XU2wUVeam4RjCBcC53OAeJBUnW8F/nBA/WIf/zK/rg8=
— Witness-Ø.example ebvA2AAAAABkGFDLGUdpIkFhiAJYlaiR1D6HsAmvae8YOeZeJS697eNjfDYK+fl2frTOM6N0YGBDOuOeb+HF47qSdDM1i5NQA/2hDg==
",
    },
    Vector {
        witness: "w+fe7b045a+BOjCEHV3UUlzlx2fCfFKtQ6uSVc8Y86JnxmKdvZunMBS",
        time: 253_402_300_799,
        note: "\
log.example/ledger
9007199254740993
SBNJTRN+FjG7owHVrKtue7eqdM4RhdRWVl71HXN2d7I=
extension one
zwei ä

— log.example/ledger UBW2HVa/ESb974kZNxG39hSKtG6bSDBidpOU/auT48h/kLPqVycPwIyz2YupyZ0FtkMpGFYF7RaKZc5tAYbiRfIpFw8=
— w /nsEWgAAADr/9EF/ZafQb3acitR8F5b9Ie6ItXUq/nS0ARwiD/YTYJqy+f6P5olVEtwFlMtc3WvpjocLQ6SEBu8v9qdRESsLOro6Ag==
",
    },
];

fn seed(text: &str) -> Secret<[u8; 32]> {
    Secret::new(Sha256::digest(text).into())
}

#[test]
fn cosignatures_are_those_of_the_specification() {
    let log = VerifyingKey::parse(LOG).unwrap();
    for Vector { witness, time, note: text } in VECTORS {
        let key = VerifyingKey::parse(witness).unwrap();
        let note = Note::parse(text.as_bytes()).unwrap();
        assert_eq!(note.to_string(), text);
        assert!(Checkpoint::open(&note, &log).is_ok(), "{text}");
        assert_eq!(cosigned(&note, &key), Ok(Some(time)), "{witness}");

        // Ed25519 has one signature of a message: ours is the vector's, byte for byte.
        let own = SigningKey::new(key.name(), Purpose::Witness, &seed(key.name())).unwrap();
        assert_eq!(own.verifying().to_string(), witness);
        assert_eq!(cosign(&note.text, time, &own).unwrap(), note.signatures[1]);
        let own = SigningKey::new("log.example/ledger", Purpose::Log, &seed("log")).unwrap();
        assert_eq!(Note::sign(note.text.clone(), &own).signatures[0], note.signatures[0]);
    }
}

#[test]
fn a_cosignature_of_another_time_text_or_witness_is_not_taken() {
    let keys = VECTORS.map(|vector| VerifyingKey::parse(vector.witness).unwrap());
    let notes = VECTORS.map(|vector| Note::parse(vector.note.as_bytes()).unwrap());
    for (number, note) in notes.iter().enumerate() {
        for (other, key) in keys.iter().enumerate().filter(|(other, _)| *other != number) {
            assert_eq!(cosigned(note, key), Ok(None));
            // The line of another checkpoint below this one.
            let mut moved = note.clone();
            moved.signatures.push(notes[other].signatures[1].clone());
            assert!(cosigned(&moved, key).is_err());
        }
        let mut later = note.clone();
        later.signatures[1].bytes[7] ^= 1;
        assert!(cosigned(&later, &keys[number]).is_err());
    }
}
