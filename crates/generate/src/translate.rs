//! Regular expressions of ECMA-262 for the linear-time engine of Pydantic, which is the crate `regex`.
//!
//! `\d`, `\w` and `\b` mean ASCII in ECMA-262 and all of Unicode there.

/// The same expression for that engine; `None` where it has none (look-around, references back).
pub(crate) fn for_linear(pattern: &str) -> Option<String> {
    let mut out = String::with_capacity(pattern.len());
    let mut characters = pattern.chars().peekable();
    let mut in_class = false;
    while let Some(character) = characters.next() {
        match character {
            '\\' => match characters.next()? {
                'd' => out.push_str(if in_class { "0-9" } else { "[0-9]" }),
                'D' => out.push_str("[^0-9]"),
                'w' => out.push_str(if in_class { "A-Za-z0-9_" } else { "[A-Za-z0-9_]" }),
                'W' => out.push_str("[^A-Za-z0-9_]"),
                'b' if in_class => out.push_str("\\x08"),
                'b' => out.push_str("(?-u:\\b)"),
                'B' => return None,
                's' if in_class => out.push_str(SPACES),
                's' => out.push_str(&format!("[{SPACES}]")),
                'S' => out.push_str(&format!("[^{SPACES}]")),
                'c' | '0'..='9' | 'k' => return None,
                other @ ('n' | 'r' | 't' | 'v' | 'f' | 'x' | 'u' | 'p' | 'P') => {
                    out.push('\\');
                    out.push(other);
                }
                other => out.push_str(&regex::escape(&other.to_string())),
            },
            // A class inside a class, and its operators, do not exist in ECMA-262.
            '[' if in_class => out.push_str("\\["),
            '&' | '~' if in_class => {
                out.push('\\');
                out.push(character);
            }
            '[' => {
                in_class = true;
                out.push('[');
                if characters.next_if_eq(&'^').is_some() {
                    out.push('^');
                }
                // `[]` fits nothing there and begins a class here.
                if characters.peek() == Some(&']') {
                    return None;
                }
            }
            ']' if in_class => {
                in_class = false;
                out.push(']');
            }
            '.' if !in_class => out.push_str("[^\\n\\r\\u2028\\u2029]"),
            '(' if !in_class && characters.peek() == Some(&'?') => {
                let mut ahead = characters.clone();
                ahead.next();
                match (ahead.next(), ahead.next()) {
                    (Some(':'), _) => out.push('('),
                    (Some('<'), Some(next)) if next != '=' && next != '!' => out.push('('),
                    _ => return None,
                }
            }
            other => out.push(other),
        }
    }
    regex::Regex::new(&out).is_ok().then_some(out)
}

/// White space and line ends of ECMA-262.
const SPACES: &str =
    "\\t\\n\\x0b\\x0c\\r \\u00a0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000\\ufeff";

#[cfg(test)]
mod tests {
    use super::*;

    fn fits(pattern: &str, text: &str) -> bool {
        regex::Regex::new(&for_linear(pattern).unwrap()).unwrap().is_match(text)
    }

    #[test]
    fn classes_mean_what_they_mean_there() {
        assert!(fits(r"^\d+$", "12") && !fits(r"^\d+$", "١٢"));
        assert!(fits(r"^[\w.-]+$", "a_b.c-d") && !fits(r"^[\w.-]+$", "é"));
        assert!(fits(r"^\S+\/\@$", "a/@") && !fits(r"^\S+$", "a\u{feff}"));
        assert!(!fits("^a$", "a\n") && !fits("^.$", "\r") && fits("^[.]$", "."));
        assert!(fits("^[[&&]+$", "[&"));
        for none in [r"(?=a)", r"(?<!a)b", r"(a)\1", r"[]", r"\k<a>", "(", r"\ca"] {
            assert_eq!(for_linear(none), None, "{none}");
        }
    }
}
