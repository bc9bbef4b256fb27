//! Text from somebody else (a repository, a target), made safe to show: nothing in it moves a cursor, changes a colour, turns
//! the direction of reading or hides. What would is written out, as `\u{1b}`.

use std::fmt::Write as _;

/// One line for a reader's terminal or page. A tab becomes four spaces.
#[must_use]
pub fn visible(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    text.chars().for_each(|character| push(&mut out, character));
    out
}

/// Adds one character.
pub fn push(out: &mut String, character: char) {
    match character {
        '\t' => out.push_str("    "),
        _ if is_hidden(character) => {
            let _ = write!(out, "\\u{{{:x}}}", u32::from(character));
        }
        _ => out.push(character),
    }
}

/// Controls, marks of direction, what has no width, private use and tags.
fn is_hidden(character: char) -> bool {
    character.is_control()
        || matches!(
            u32::from(character),
            0x00AD | 0x034F | 0x061C | 0x115F | 0x1160 | 0x17B4 | 0x17B5 | 0x180B..=0x180E
                | 0x200B..=0x200F | 0x2028..=0x202E | 0x2060..=0x206F | 0x3164 | 0xFE00..=0xFE0F | 0xFEFF | 0xFFA0
                | 0xFFF9..=0xFFFB | 0xE000..=0xF8FF | 0xE0000..=0xE0FFF | 0xF0000..=0x0010_FFFF
        )
}

/// JSON in which nothing is hidden: such characters stand in texts only, where they may be written as `\u202e`.
#[must_use]
pub fn json(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        if character != '\n' && is_hidden(character) {
            for unit in character.encode_utf16(&mut [0; 2]) {
                let _ = write!(out, "\\u{unit:04x}");
            }
        } else {
            out.push(character);
        }
    }
    out
}

/// For text between tags and in attributes of HTML and XML.
#[must_use]
pub fn markup(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in visible(text).chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            _ => out.push(character),
        }
    }
    out
}

/// For one cell or line of Markdown: nothing of it is markup, a link or an image.
#[must_use]
pub fn markdown(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let text = visible(text);
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            // Also `@`, which would call people on a forge, and `#`, which would link to its issues.
            '@' => out.push_str("&#64;"),
            '#' => out.push_str("&#35;"),
            // An address, or a name of a picture; a line's number is neither.
            ':' if characters.peek().is_some_and(|next| !next.is_ascii_digit() && *next != ' ') => {
                out.push_str("&#58;");
            }
            '\\' | '`' | '*' | '_' | '{' | '}' | '[' | ']' | '(' | ')' | '!' | '|' | '~' => {
                out.push('\\');
                out.push(character);
            }
            _ => out.push(character),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn nothing_reaches_the_terminal() {
        assert_eq!(
            visible("a\u{1b}[31mb\rc\u{202e}d\u{9b}e\tf"),
            "a\\u{1b}[31mb\\u{d}c\\u{202e}d\\u{9b}e    f"
        );
        assert_eq!(visible("naïve 漢字 🙂"), "naïve 漢字 🙂");
        assert_eq!(markup("<a href='x'>&\""), "&lt;a href=&#39;x&#39;&gt;&amp;&quot;");
        assert_eq!(markdown("[x](y) @a #1"), "\\[x\\]\\(y\\) &#64;a &#35;1");
        assert_eq!(markdown("a.js:12: https://x :smile:"), "a.js:12: https&#58;//x &#58;smile:");
    }

    proptest! {
        #[test]
        fn what_is_shown_is_one_plain_line(text in any::<String>()) {
            for shown in [visible(&text), markup(&text), markdown(&text)] {
                prop_assert!(!shown.chars().any(is_hidden), "{shown:?}");
            }
            prop_assert!(!markup(&text).contains(['<', '>', '"', '\'']));
        }
    }
}
