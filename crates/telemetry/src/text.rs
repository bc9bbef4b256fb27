//! Keeping a text inside its line and its field.

use std::fmt::Write as _;

use serde_json::Value;

/// Ends a line, moves a terminal or changes the order in which text is read, for some reader.
pub(crate) fn is_unprintable(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{200e}' | '\u{200f}' | '\u{061c}' | '\u{feff}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// The text with `\u{…}` for everything that could leave its line.
pub(crate) fn flat(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        if is_unprintable(character) {
            let _ = write!(out, "\\u{{{:x}}}", u32::from(character));
        } else {
            out.push(character);
        }
    }
    out
}

/// The value as JSON on one line. Outside of ASCII everything is escaped (RFC 8259, 7), so that no reader finds a
/// line's end, a byte order mark or an encoding to get wrong.
pub(crate) fn json(value: &Value) -> String {
    let written = value.to_string();
    let mut out = String::with_capacity(written.len());
    for character in written.chars() {
        // Only in a string may such a character stand, so an escape is always right.
        if character.is_ascii() && !character.is_ascii_control() {
            out.push(character);
        } else {
            for unit in character.encode_utf16(&mut [0; 2]) {
                let _ = write!(out, "\\u{unit:04x}");
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn json_is_one_line_of_ascii_and_means_the_same(text: String) {
            let value = serde_json::json!({ text.clone(): text });
            let written = json(&value);
            prop_assert!(written.bytes().all(|byte| (0x20..0x7f).contains(&byte)));
            prop_assert_eq!(serde_json::from_str::<Value>(&written).unwrap(), value);
        }

        #[test]
        fn what_is_flat_has_nothing_unprintable(text: String) {
            prop_assert!(!flat(&text).chars().any(is_unprintable));
        }
    }
}
