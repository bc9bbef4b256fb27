//! Texts people and alerts bring: bounded, and without anything that moves a terminal or turns a line around.

/// Longest title, name, owner, place.
pub const LINE: usize = 200;
/// Longest note, in bytes.
pub const NOTE: usize = 8 << 10;

/// A text of several lines, cleaned.
///
/// # Errors
/// It is empty, or has more than `most` bytes: nothing is cut off what somebody wrote.
pub fn block(text: &str, most: usize) -> Result<String, String> {
    let text = text.trim();
    if text.is_empty() {
        return Err("is empty".to_owned());
    }
    if text.len() > most {
        return Err(format!("has more than {most} bytes"));
    }
    Ok(text
        .replace("\r\n", "\n")
        .chars()
        .map(|one| if is_harmless(one) { one } else { '\u{fffd}' })
        .collect())
}

/// A text of one line, cleaned.
///
/// # Errors
/// As [`block`].
pub fn line(text: &str) -> Result<String, String> {
    let text = block(text, LINE)?;
    Ok(text.chars().map(|one| if one.is_control() { ' ' } else { one }).collect())
}

/// The same for what no person wrote: cut instead of refused.
#[must_use]
pub fn clipped(text: &str, most: usize) -> String {
    let clean = text.chars().map(|one| if is_harmless(one) && one != '\n' { one } else { ' ' });
    let mut kept: String = clean.take(most).collect();
    if text.chars().nth(most).is_some() {
        kept.push('…');
    }
    kept.trim().to_owned()
}

/// No control characters but line ends and tabs, and nothing that changes the direction of text.
fn is_harmless(one: char) -> bool {
    let turns = matches!(one, '\u{200e}' | '\u{200f}' | '\u{061c}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let separates = matches!(one, '\u{2028}' | '\u{2029}' | '\u{feff}');
    !turns && !separates && (!one.is_control() || one == '\n' || one == '\t')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_moves_a_terminal_is_gone_and_what_is_long_is_refused() {
        assert_eq!(block(" a\r\nb\u{1b}[2J\u{202e}c ", NOTE).unwrap(), "a\nb\u{fffd}[2J\u{fffd}c");
        assert_eq!(line("two\nlines").unwrap(), "two lines");
        assert!(block(&"x".repeat(100_000), NOTE).unwrap_err().contains("8192"));
        assert!(block(" \n", NOTE).is_err());
        assert_eq!(clipped("abcd\u{7}ef", 4), "abcd…");
    }

    proptest! {
        #[test]
        fn nothing_hostile_stays(text in any::<String>()) {
            if let Ok(clean) = line(&text) {
                prop_assert!(!clean.chars().any(char::is_control) && clean.len() <= LINE * 3);
            }
            prop_assert!(clipped(&text, 10).chars().count() <= 11);
        }
    }
}
