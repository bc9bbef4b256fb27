//! Patterns over text: regular expressions as rules write them, and the `generic` patterns, which become such.

use std::sync::Arc;

use fancy_regex::{Regex, RegexBuilder};
use gabion_finding::Span;

/// A regular expression with look-around; its steps are bounded.
#[derive(Debug)]
pub(crate) struct TextPattern {
    regex: Regex,
}

/// What it found: the place, and its groups by number and name.
#[derive(Debug)]
pub(crate) struct TextMatch {
    pub(crate) span: Span,
    pub(crate) groups: Vec<(Arc<str>, Span)>,
}

/// Steps back in one search.
const STEPS: usize = 200_000;
/// Places of one text.
const MOST: usize = 2_000;
/// Lines that `...` of a generic pattern passes.
const LINES: usize = 10;

impl TextPattern {
    pub(crate) fn regex(text: &str) -> Result<Self, String> {
        Self::build(text, true)
    }

    fn build(text: &str, multi_line: bool) -> Result<Self, String> {
        let text = translated(text);
        let regex = RegexBuilder::new(&text)
            .multi_line(multi_line)
            .backtrack_limit(STEPS)
            .delegate_size_limit(1 << 21)
            .build()
            .map_err(|error| format!("`{text}` is no pattern: {}", error.to_string().replace('\n', " ")))?;
        Ok(Self { regex })
    }

    /// Fits from the beginning of a text on, as `re.match` of Python.
    pub(crate) fn at_start(text: &str) -> Result<Self, String> {
        Self::build(&format!("\\A(?:{text})"), false)
    }

    /// A pattern of words and signs: `...` is anything for a few lines, `$X` a word.
    pub(crate) fn generic(text: &str) -> Result<Self, String> {
        let mut regex = String::from("(?s)");
        let mut seen: Vec<String> = Vec::new();
        let mut rest = text.trim();
        let mut first = true;
        while !rest.is_empty() {
            let trimmed = rest.trim_start();
            if !first {
                regex.push_str(r"\s*");
            }
            first = false;
            rest = trimmed;
            if let Some(behind) = rest.strip_prefix("...") {
                regex.push_str(&format!(r"(?:[^\n]*\n){{0,{LINES}}}?[^\n]*?"));
                rest = behind;
                continue;
            }
            if let Some((name, behind)) = variable(rest) {
                let group = name.trim_start_matches("...").to_owned();
                if seen.contains(&group) {
                    regex.push_str(&format!("(?P={group})"));
                } else if name.starts_with("...") {
                    regex.push_str(&format!(r"(?P<{group}>[^\n]*?)"));
                    seen.push(group);
                } else {
                    regex.push_str(&format!(r"(?P<{group}>\w+)"));
                    seen.push(group);
                }
                rest = behind;
                continue;
            }
            let word = rest.find(|sign: char| !(sign.is_alphanumeric() || sign == '_')).unwrap_or(rest.len());
            let length = if word > 0 { word } else { rest.chars().next().map_or(1, char::len_utf8) };
            let token = rest.get(..length).unwrap_or_default();
            if word > 0 {
                regex.push_str(&format!(r"\b{token}\b"));
            } else {
                regex.push_str(&regex::escape(token));
            }
            rest = rest.get(length..).unwrap_or_default();
        }
        Self::build(&regex, false)
    }

    /// Every place in a text; false where searching was cut off.
    pub(crate) fn find(&self, text: &str, from: u32) -> (Vec<TextMatch>, bool) {
        let mut found = Vec::new();
        let names: Vec<Option<&str>> = self.regex.capture_names().collect();
        for captures in self.regex.captures_iter(text) {
            let Ok(captures) = captures else { return (found, false) };
            if found.len() >= MOST {
                return (found, false);
            }
            let span = |one: fancy_regex::Match<'_>| {
                let at = |offset: usize| from.saturating_add(u32::try_from(offset).unwrap_or(u32::MAX));
                Span::new(at(one.start()), at(one.end()))
            };
            let Some(whole) = captures.get(0) else { continue };
            let mut groups = Vec::new();
            for number in 1..captures.len() {
                let Some(group) = captures.get(number) else { continue };
                groups.push((Arc::from(number.to_string()), span(group)));
                if let Some(Some(name)) = names.get(number) {
                    groups.push((Arc::from(*name), span(group)));
                }
            }
            found.push(TextMatch { span: span(whole), groups });
        }
        (found, true)
    }

    /// Whether it fits; none where searching was cut off.
    pub(crate) fn fits(&self, text: &str) -> Option<bool> {
        self.regex.is_match(text).ok()
    }
}

/// `$NAME` or `$...NAME` at the beginning of a text, without its sign, and what is behind.
pub(crate) fn variable(text: &str) -> Option<(&str, &str)> {
    let name = text.strip_prefix('$')?;
    let word = name.strip_prefix("...").unwrap_or(name);
    let first = word.chars().next()?;
    if !(first.is_ascii_uppercase() || first == '_') {
        return None;
    }
    let end = word
        .find(|sign: char| !(sign.is_ascii_uppercase() || sign.is_ascii_digit() || sign == '_'))
        .unwrap_or(word.len());
    let behind = word.get(end..).unwrap_or_default();
    // `$Value` is a name of the language.
    if behind.chars().next().is_some_and(|next| next.is_ascii_lowercase()) {
        return None;
    }
    let length = name.len().saturating_sub(behind.len());
    Some((name.get(..length)?, behind))
}

/// What other engines write differently.
fn translated(text: &str) -> String {
    text.replace("\\Z", "\\z").replace("\\h", "[ \\t]")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(pattern: &TextPattern, text: &str) -> Vec<String> {
        pattern.find(text, 0).0.iter().map(|one| one.span.of(text).to_owned()).collect()
    }

    #[test]
    fn look_around_and_groups() {
        let pattern = TextPattern::regex(r"(?<!x)key=(?P<K>\w+)(?!\w)").unwrap();
        assert_eq!(places(&pattern, "xkey=a key=b"), ["key=b"]);
        assert!(TextPattern::regex("(").is_err());
        let start = TextPattern::at_start("a|b").unwrap();
        assert_eq!((start.fits("bc"), start.fits("cb")), (Some(true), Some(false)));
    }

    #[test]
    fn generic_patterns_are_words_and_gaps() {
        let pattern = TextPattern::generic("password = $X ... end($X)").unwrap();
        assert_eq!(places(&pattern, "password= a\nmore\nend ( a )"), ["password= a\nmore\nend ( a )"]);
        assert!(places(&pattern, "password = a end(b)").is_empty());
        assert!(places(&pattern, "mypassword = a end(a)").is_empty());
    }

    #[test]
    fn a_pattern_that_steps_back_forever_ends() {
        let pattern = TextPattern::regex(r"(?:(a+)+)(?=b)\1c").unwrap();
        assert!(!pattern.find(&"a".repeat(5_000), 0).1);
    }

    #[test]
    fn variables_are_upper_case() {
        assert_eq!(variable("$X.y"), Some(("X", ".y")));
        assert_eq!(variable("$...ARGS)"), Some(("...ARGS", ")")));
        assert_eq!(variable("$scope"), None);
        assert_eq!(variable("$Scope"), None);
        assert_eq!(variable("$_"), Some(("_", "")));
    }
}
