//! Texts of Java from which something is taken out, or in which something is replaced: what is left can do less.

use crate::value::{KindSet, Value};
use crate::world::World;

impl World<'_> {
    /// What is left of a text where `what` (a pattern, or a text) became `with`.
    pub(super) fn java_replaced(&self, text: &Value, what: &Value, with: &Value, by_pattern: bool) -> Value {
        let mut left = Value { flows: text.all_flows(), ..Value::default() };
        left.add_flows(&with.all_flows());
        let (Some(what), Some(with)) = (what.as_constant(), with.as_constant()) else { return left };
        let plain = with.chars().all(|sign| sign.is_alphanumeric() || matches!(sign, '_' | '-' | ' '));
        if by_pattern && plain && keeps_plain(&what) {
            return left.made_safe(KindSet::MAX);
        }
        let mut safe = 0;
        if &*what == "<" && !with.contains('<')
            || by_pattern && plain && what.starts_with('[') && what.contains('<')
        {
            safe |= self.models.kinds.find(&["html", "markup"]);
        }
        let breaks = ["\n", "\\n", "\\s", "\\R", "\\p{Cntrl}"].iter().any(|sign| what.contains(sign));
        if breaks && !with.contains(['\n', '\r']) && (by_pattern || what.len() == 1) {
            safe |= self.models.kinds.find(&["log-line", "http-header"]);
        }
        left.made_safe(safe)
    }
}

/// `[^a-zA-Z0-9_-]`: everything goes but what does no harm.
fn keeps_plain(pattern: &str) -> bool {
    if matches!(pattern, "\\W" | "\\W+" | "\\D" | "\\D+") {
        return true;
    }
    let Some(inside) = pattern.strip_prefix("[^") else { return false };
    let Some((inside, behind)) = inside.split_once(']') else { return false };
    matches!(behind, "" | "+" | "*")
        && !inside.contains(['<', '>', '\'', '"', ';', '|', '&', '$', '`', '/', '(', '\n', '*'])
        && !inside.contains("\\S")
        && !inside.contains("\\p{Punct}")
}

#[cfg(test)]
mod tests {
    use super::keeps_plain;

    #[test]
    fn what_keeps_only_what_does_no_harm() {
        for pattern in ["[^a-zA-Z0-9]", "[^\\w-]+", "[^0-9.]", "\\W", "\\D+"] {
            assert!(keeps_plain(pattern), "{pattern}");
        }
        for pattern in ["[^<]", "[a-z]", "[^a-z]|x", "[^a-z'\"]", "[^\\S]", "\\w", "[^a-z/]", ""] {
            assert!(!keeps_plain(pattern), "{pattern}");
        }
    }
}
