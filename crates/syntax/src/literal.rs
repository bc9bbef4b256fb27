//! Numbers and strings as Go, Java and Rust write them.

/// The value of a number; not a number where it has none here (hexadecimal fractions).
pub(crate) fn number(text: &str, zero_is_octal: bool) -> f64 {
    let plain: String = text.chars().filter(|sign| *sign != '_').collect::<String>().to_ascii_lowercase();
    let (digits, radix) = if let Some(rest) = plain.strip_prefix("0x") {
        (rest, 16)
    } else if let Some(rest) = plain.strip_prefix("0b") {
        (rest, 2)
    } else if let Some(rest) = plain.strip_prefix("0o") {
        (rest, 8)
    } else if zero_is_octal && plain.len() > 1 && plain.starts_with('0') && all_digits(&plain) {
        (plain.as_str(), 8)
    } else {
        (plain.as_str(), 10)
    };
    if radix != 10 {
        // Behind the digits stands at most the name of a type: `u8`, `L`.
        let digits = digits.find(|sign: char| !sign.is_digit(radix)).map_or(digits, |end| {
            let fraction = digits.get(end..).is_some_and(|rest| rest.starts_with(['.', 'p']));
            if fraction { "" } else { digits.get(..end).unwrap_or_default() }
        });
        return u128::from_str_radix(digits, radix).map_or(f64::NAN, |value| value as f64);
    }
    let end = digits.find(|sign: char| !(sign.is_ascii_digit() || ".e+-".contains(sign)));
    end.map_or(digits, |end| digits.get(..end).unwrap_or_default()).parse().unwrap_or(f64::NAN)
}

fn all_digits(text: &str) -> bool {
    text.trim_end_matches('l').bytes().all(|byte| byte.is_ascii_digit())
}

/// What stands between the quotes, with its escapes resolved. What is no escape stays as it is.
pub(crate) fn unescape(text: &str) -> String {
    let mut found = String::with_capacity(text.len());
    let mut rest = text;
    // The first half of a character that Java writes in two.
    let mut high: Option<u32> = None;
    while let Some(start) = rest.find('\\') {
        if start > 0 {
            high = None;
        }
        found.push_str(rest.get(..start).unwrap_or_default());
        rest = rest.get(start.saturating_add(1)..).unwrap_or_default();
        let Some(sign) = rest.chars().next() else {
            found.push('\\');
            break;
        };
        let behind = rest.get(sign.len_utf8()..).unwrap_or_default();
        let (value, behind) = match sign {
            'n' => (Some(u32::from('\n')), behind),
            'r' => (Some(u32::from('\r')), behind),
            't' => (Some(u32::from('\t')), behind),
            'b' => (Some(8), behind),
            'f' => (Some(12), behind),
            'a' => (Some(7), behind),
            'v' => (Some(11), behind),
            's' => (Some(u32::from(' ')), behind),
            '\n' | '\r' => {
                // A line that goes on: what indents the next one is no part of it.
                rest = behind.trim_start();
                continue;
            }
            'x' => digits(behind, 16, 2),
            'u' if behind.starts_with('{') => {
                let (value, behind) = digits(behind.get(1..).unwrap_or_default(), 16, 6);
                (value, behind.strip_prefix('}').unwrap_or(behind))
            }
            'u' => digits(behind.trim_start_matches('u'), 16, 4),
            'U' => digits(behind, 16, 8),
            '0'..='3' => digits(rest, 8, 3),
            '4'..='7' => digits(rest, 8, 2),
            other => (Some(u32::from(other)), behind),
        };
        rest = behind;
        match (value, high) {
            (Some(low @ 0xDC00..=0xDFFF), Some(first)) => {
                let pair = ((first & 0x3FF) << 10) | (low & 0x3FF);
                found.push(char::from_u32(pair.saturating_add(0x1_0000)).unwrap_or('\u{FFFD}'));
                high = None;
            }
            (Some(first @ 0xD800..=0xDBFF), _) => high = Some(first),
            (Some(value), _) => {
                found.push(char::from_u32(value).unwrap_or('\u{FFFD}'));
                high = None;
            }
            (None, _) => {
                found.push('\\');
                found.push(sign);
                high = None;
            }
        }
    }
    found.push_str(rest);
    found
}

/// At most `most` digits, and what stands behind them.
fn digits(text: &str, radix: u32, most: usize) -> (Option<u32>, &str) {
    let length = text.bytes().take(most).take_while(|byte| char::from(*byte).is_digit(radix)).count();
    let value = text.get(..length).and_then(|digits| u32::from_str_radix(digits, radix).ok());
    (value, text.get(length..).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_of_three_languages() {
        for (text, value) in [
            ("0", 0.0),
            ("1_000", 1000.0),
            ("0xFFL", 255.0),
            ("0b101", 5.0),
            ("0o17", 15.0),
            ("017", 15.0),
            ("1.5e3f", 1500.0),
            ("10u8", 10.0),
            ("0x1fu32", 31.0),
            ("2.5d", 2.5),
        ] {
            assert_eq!(number(text, true), value, "{text}");
        }
        assert_eq!(number("017", false), 17.0);
        assert!(number("0x1.8p3", true).is_nan());
    }

    #[test]
    fn escapes_of_three_languages() {
        for (text, value) in [
            (r"a\nb", "a\nb"),
            (r#"\"q\""#, "\"q\""),
            (r"\u0041\u{42}\x43\U00000044", "ABCD"),
            (r"\ud83d\ude00", "😀"),
            (r"\101\0", "A\0"),
            ("a\\\n   b", "ab"),
            (r"\q\", r"q\"),
        ] {
            assert_eq!(unescape(text), value, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_has_a_value(text in "[\\\\a-z0-9ux{}\"é\n]{0,40}") {
            unescape(&text);
            number(&text, true);
        }
    }
}
