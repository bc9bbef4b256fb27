//! How deep and how long one statement of a file may be, judged before anything recursive reads it.

use gabion_model::Problem;

/// Brackets within brackets.
const DEEPEST: usize = 32;
/// Operators of one statement; a chain of them nests as deep as it is long.
const MOST_OPERATORS: usize = 250;

/// What is too much in policies or a schema, with its line. Strings and comments do not count.
pub(crate) fn problem(file: &str, text: &str) -> Option<Problem> {
    let (mut line, mut depth, mut operators) = (1_usize, 0_usize, 0_usize);
    let mut bytes = text.bytes().peekable();
    let mut word = [0_u8; 4];
    let mut letters = 0_usize;
    while let Some(byte) = bytes.next() {
        if byte.is_ascii_alphanumeric() || byte == b'_' {
            if let Some(place) = word.get_mut(letters) {
                *place = byte;
            }
            letters = letters.saturating_add(1);
            continue;
        }
        if WORDS.iter().any(|one| word.get(..letters) == Some(*one)) {
            operators = operators.saturating_add(1);
        }
        letters = 0;
        match byte {
            b'\n' => line = line.saturating_add(1),
            b'"' => {
                while let Some(inside) = bytes.next() {
                    match inside {
                        b'"' => break,
                        b'\\' => drop(bytes.next()),
                        b'\n' => line = line.saturating_add(1),
                        _ => {}
                    }
                }
            }
            b'/' if bytes.peek() == Some(&b'/') => {
                let more = bytes.any(|inside| inside == b'\n');
                line = line.saturating_add(usize::from(more));
            }
            b'(' | b'[' | b'{' => depth = depth.saturating_add(1),
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            b';' if depth == 0 => operators = 0,
            b'&' | b'|' | b'+' | b'-' | b'*' | b'.' | b'<' | b'=' | b'!' => {
                operators = operators.saturating_add(1);
            }
            _ => {}
        }
        if depth > DEEPEST {
            let reason = format!("brackets are nested more than {DEEPEST} deep");
            return Some(Problem::new(format!("{file}:{line}"), reason).hint("write several policies"));
        }
        // `&&` and `==` have two letters.
        if operators > MOST_OPERATORS.saturating_mul(2) {
            let reason = format!("there are more than {MOST_OPERATORS} operators in one statement");
            return Some(
                Problem::new(format!("{file}:{line}"), reason)
                    .hint("write several policies, or a set: `[\"a\", \"b\"].contains(resource.name)`"),
            );
        }
    }
    None
}

/// Operators that are words.
const WORDS: [&[u8]; 5] = [b"has", b"if", b"in", b"is", b"like"];
