//! Bech32 (BIP 173), in which age writes its keys.

const DIGITS: &[u8; 32] = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l";

/// Whether the checksum holds, in one case throughout.
pub(super) fn is_valid(text: &str) -> bool {
    let folded = text.to_ascii_lowercase();
    if text != folded && text != text.to_ascii_uppercase() {
        return false;
    }
    let Some((human, data)) = folded.rsplit_once('1') else { return false };
    if human.is_empty() || data.len() < 6 {
        return false;
    }
    let digits = data
        .bytes()
        .map(|byte| DIGITS.iter().position(|digit| *digit == byte).and_then(|at| u32::try_from(at).ok()));
    let Some(digits) = digits.collect::<Option<Vec<u32>>>() else { return false };
    let high = human.bytes().map(|byte| u32::from(byte >> 5));
    let low = human.bytes().map(|byte| u32::from(byte & 31));
    high.chain(std::iter::once(0)).chain(low).chain(digits).fold(1, step) == 1
}

fn step(sum: u32, value: u32) -> u32 {
    const GENERATORS: [u32; 5] = [0x3b6a_57b2, 0x2650_8e6d, 0x1ea1_19fa, 0x3d42_33dd, 0x2a14_62b3];
    let top = sum >> 25;
    let next = (sum & 0x01ff_ffff) << 5 ^ value;
    GENERATORS
        .iter()
        .zip(0_u32..)
        .filter(|(_, bit)| top >> bit & 1 == 1)
        .fold(next, |sum, (generator, _)| sum ^ generator)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_examples_of_the_standard() {
        for valid in ["A12UEL5L", "a12uel5l", "abcdef1qpzry9x8gf2tvdw0s3jn54khce6mua7lmqqqxw"] {
            assert!(is_valid(valid), "{valid}");
        }
        for wrong in ["A12UEL5l", "a12uel5m", "1", "", "pzry9x0s0muk", "a1b"] {
            assert!(!is_valid(wrong), "{wrong}");
        }
    }
}
