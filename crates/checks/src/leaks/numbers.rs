//! Numbers that carry check digits.

use super::Kind;

/// ISO/IEC 7812: issuer ranges with their lengths, and Luhn's check digit.
pub(super) fn is_card(digits: &[u8]) -> bool {
    let number = |count: usize| {
        digits.get(..count).unwrap_or_default().iter().fold(0_u32, |all, digit| {
            all.saturating_mul(10).saturating_add(u32::from(digit.wrapping_sub(b'0')))
        })
    };
    let length = digits.len();
    let issued = match (number(1), number(2), number(3), number(4)) {
        (4, ..) => matches!(length, 13 | 16 | 19),
        (_, 51..=55, ..) | (_, _, _, 2221..=2720) => length == 16,
        (_, 34 | 37, ..) => length == 15,
        (_, 36 | 38, ..) | (_, _, 300..=305, _) => length == 14,
        (_, 65 | 62, ..) | (_, _, 644..=649, _) | (_, _, _, 6011 | 3528..=3589) => {
            (16..=19).contains(&length)
        }
        _ => false,
    };
    issued && luhn(digits) && digits.iter().skip(1).any(|digit| Some(digit) != digits.get(1))
}

fn luhn(digits: &[u8]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(index, digit)| {
            let value = u32::from(digit.wrapping_sub(b'0'));
            match (index % 2, value * 2) {
                (0, _) => value,
                (_, doubled) if doubled > 9 => doubled - 9,
                (_, doubled) => doubled,
            }
        })
        .sum();
    sum.is_multiple_of(10)
}

/// How long an IBAN is that begins like this.
pub(super) fn iban_length(text: &[u8]) -> Option<usize> {
    let country = text.get(..2)?;
    IBAN_LENGTHS.iter().find(|(code, _)| code.as_bytes() == country).map(|(_, length)| *length)
}

/// ISO 13616: the length of the country, and 97-10 of ISO 7064.
pub(super) fn is_iban(text: &[u8]) -> bool {
    if iban_length(text) != Some(text.len()) {
        return false;
    }
    let (head, body) = text.split_at_checked(4).unwrap_or_default();
    let remainder = body.iter().chain(head).fold(0_u32, |remainder, byte| match byte {
        b'0'..=b'9' => (remainder * 10 + u32::from(byte - b'0')) % 97,
        _ => (remainder * 100 + u32::from(byte.to_ascii_uppercase().wrapping_sub(b'A')) + 10) % 97,
    });
    remainder == 1
}

/// Whether the check digits are right.
type Rule = fn(&[u8]) -> bool;

/// A national id of a kind that was asked for. Those of digits alone have one check digit or two, so that one number
/// in ten to a hundred passes by chance: that is why they are only looked for by name.
pub(super) fn is_national(word: &[u8], wanted: &[Kind]) -> Option<Kind> {
    let rules: [(Kind, Rule); 6] = [
        (Kind::BrCpf, br_cpf),
        (Kind::DeIdnr, de_idnr),
        (Kind::EsDni, es_dni),
        (Kind::FrNir, fr_nir),
        (Kind::NlBsn, nl_bsn),
        (Kind::PlPesel, pl_pesel),
    ];
    rules.into_iter().find(|(kind, is)| wanted.contains(kind) && is(word)).map(|(kind, _)| kind)
}

fn digits(word: &[u8], count: usize) -> Option<Vec<u32>> {
    let all = word.len() == count && word.iter().all(u8::is_ascii_digit);
    let varied = word.iter().any(|byte| Some(byte) != word.first());
    (all && varied).then(|| word.iter().map(|byte| u32::from(byte - b'0')).collect())
}

fn weighted(digits: &[u32], weights: impl Iterator<Item = u32>) -> u32 {
    digits.iter().zip(weights).map(|(digit, weight)| digit * weight).sum()
}

/// Cadastro de Pessoas Físicas: `ddd.ddd.ddd-dd`, or without the points.
fn br_cpf(word: &[u8]) -> bool {
    let bare: Vec<u8> = word.iter().copied().filter(|byte| !matches!(byte, b'.' | b'-')).collect();
    let spelled =
        word.len() == 11 || word.len() == 14 && word.get(3) == Some(&b'.') && word.get(11) == Some(&b'-');
    let Some(digits) = digits(&bare, 11).filter(|_| spelled) else { return false };
    let check = |count: usize, first: u32| {
        let sum = weighted(digits.get(..count).unwrap_or_default(), (2..=first).rev());
        digits.get(count) == Some(&(sum * 10 % 11 % 10))
    };
    check(9, 10) && check(10, 11)
}

/// Identifikationsnummer: ISO 7064, MOD 11,10; no leading zero; among the first ten one digit stands twice or three
/// times, and no other more than once (§139b AO, as the Bundeszentralamt issues them).
fn de_idnr(word: &[u8]) -> bool {
    let Some(digits) = digits(word, 11).filter(|digits| digits.first() != Some(&0)) else { return false };
    let times = |digit: u32| digits.iter().take(10).filter(|other| **other == digit).count();
    let repeated: Vec<usize> = (0..10).map(times).filter(|times| *times > 1).collect();
    if !matches!(repeated.as_slice(), [2 | 3]) {
        return false;
    }
    let product = digits.iter().take(10).fold(10_u32, |product, digit| {
        let sum = (digit + product) % 10;
        (if sum == 0 { 10 } else { sum }) * 2 % 11
    });
    digits.last() == Some(&((11 - product) % 10))
}

/// Documento nacional de identidad and NIE: a letter for the remainder by 23.
fn es_dni(word: &[u8]) -> bool {
    let Some((letter, rest)) = word.split_last().filter(|_| word.len() == 9) else { return false };
    let mut number = rest.to_vec();
    if let Some(first) = number.first_mut() {
        *first = match *first {
            b'X' => b'0',
            b'Y' => b'1',
            b'Z' => b'2',
            other => other,
        };
    }
    let value = std::str::from_utf8(&number).ok().and_then(|text| text.parse::<usize>().ok());
    let whole = number.iter().all(u8::is_ascii_digit);
    whole && value.is_some_and(|value| b"TRWAGMYFPDXBNJZSQVHLCKE".get(value % 23) == Some(letter))
}

/// Numéro d'inscription au répertoire: 97 less the remainder by 97. Corsica's departments count as 19 and 18.
fn fr_nir(word: &[u8]) -> bool {
    let mut bare = word.to_vec();
    if let Some(department) = bare.get_mut(5..7) {
        match &*department {
            b"2A" => department.copy_from_slice(b"19"),
            b"2B" => department.copy_from_slice(b"18"),
            _ => {}
        }
    }
    let Some(digits) = digits(&bare, 15) else { return false };
    let value = |range: std::ops::Range<usize>| {
        digits.get(range).unwrap_or_default().iter().fold(0_u64, |all, digit| all * 10 + u64::from(*digit))
    };
    let plausible = matches!(value(0..1), 1 | 2) && matches!(value(3..5), 1..=12 | 20..=42 | 50..=99);
    plausible && 97 - value(0..13) % 97 == value(13..15)
}

/// Burgerservicenummer: the test of eleven.
fn nl_bsn(word: &[u8]) -> bool {
    let Some(digits) = digits(word, 9) else { return false };
    let sum = weighted(&digits, (2..=9).rev());
    digits.last().is_some_and(|last| (sum + 10 * last) % 11 == 0)
}

/// Powszechny Elektroniczny System Ewidencji Ludności: a date of birth and a check digit.
fn pl_pesel(word: &[u8]) -> bool {
    let Some(digits) = digits(word, 11) else { return false };
    let two = |at: usize| digits.get(at).zip(digits.get(at + 1)).map_or(0, |(tens, ones)| tens * 10 + ones);
    let date = (1..=12).contains(&(two(2) % 20)) && (1..=31).contains(&two(4));
    let sum = weighted(&digits, [1, 3, 7, 9, 1, 3, 7, 9, 1, 3].into_iter());
    date && digits.last() == Some(&((10 - sum % 10) % 10))
}

/// ISO 13616 registry.
const IBAN_LENGTHS: &[(&str, usize)] = &[
    ("AD", 24),
    ("AE", 23),
    ("AL", 28),
    ("AT", 20),
    ("AZ", 28),
    ("BA", 20),
    ("BE", 16),
    ("BG", 22),
    ("BH", 22),
    ("BR", 29),
    ("CH", 21),
    ("CR", 22),
    ("CY", 28),
    ("CZ", 24),
    ("DE", 22),
    ("DK", 18),
    ("DO", 28),
    ("EE", 20),
    ("EG", 29),
    ("ES", 24),
    ("FI", 18),
    ("FO", 18),
    ("FR", 27),
    ("GB", 22),
    ("GE", 22),
    ("GI", 23),
    ("GL", 18),
    ("GR", 27),
    ("GT", 28),
    ("HR", 21),
    ("HU", 28),
    ("IE", 22),
    ("IL", 23),
    ("IS", 26),
    ("IT", 27),
    ("JO", 30),
    ("KW", 30),
    ("KZ", 20),
    ("LB", 28),
    ("LI", 21),
    ("LT", 20),
    ("LU", 20),
    ("LV", 21),
    ("MC", 27),
    ("MD", 24),
    ("ME", 22),
    ("MK", 19),
    ("MT", 31),
    ("NL", 18),
    ("NO", 15),
    ("PK", 24),
    ("PL", 28),
    ("PT", 25),
    ("QA", 29),
    ("RO", 24),
    ("RS", 22),
    ("SA", 24),
    ("SE", 24),
    ("SI", 19),
    ("SK", 24),
    ("SM", 27),
    ("TN", 24),
    ("TR", 26),
    ("UA", 29),
    ("VA", 22),
    ("XK", 20),
];
