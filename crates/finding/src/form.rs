//! Regular expressions of rules.

use std::fmt;
use std::sync::{Arc, OnceLock};

use regex::{Captures, Regex, RegexBuilder};

/// A form that texts of a rule have: a regular expression that is compiled when it is first asked. There are thousands of them, of
/// which a scan of a few files asks a few. Cheap to clone.
#[derive(Clone)]
pub struct Form(Arc<Inner>);

struct Inner {
    text: Box<str>,
    compiled: OnceLock<Option<Regex>>,
}

/// What one form may take once compiled, in bytes.
const COMPILED: usize = 1 << 20;

impl Form {
    /// Of a rule that came from outside: what is wrong is said now.
    ///
    /// # Errors
    /// In words: when it is no regular expression, or too large.
    pub fn new(text: &str) -> Result<Self, String> {
        let regex = compile(text)
            .map_err(|error| format!("`{text}` is no pattern: {}", error.to_string().replace('\n', " ")))?;
        Ok(Self(Arc::new(Inner { text: text.into(), compiled: OnceLock::from(Some(regex)) })))
    }

    /// Of a rule of the program, whose tests know that it is one. What is none fits nothing.
    #[must_use]
    pub fn later(text: &str) -> Self {
        Self(Arc::new(Inner { text: text.into(), compiled: OnceLock::new() }))
    }

    fn regex(&self) -> Option<&Regex> {
        self.0.compiled.get_or_init(|| compile(&self.0.text).ok()).as_ref()
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0.text
    }

    /// Whether it is a regular expression within its bounds.
    #[must_use]
    pub fn compiles(&self) -> bool {
        self.regex().is_some()
    }

    /// Whether it was asked before.
    #[must_use]
    pub fn is_compiled(&self) -> bool {
        self.0.compiled.get().is_some()
    }

    /// Whether a text has it in it.
    #[must_use]
    pub fn is_match(&self, text: &str) -> bool {
        self.regex().is_some_and(|regex| regex.is_match(text))
    }

    /// The first place of a text that has it, with its groups.
    #[must_use]
    pub fn captures<'a>(&self, text: &'a str) -> Option<Captures<'a>> {
        self.regex()?.captures(text)
    }
}

impl fmt::Debug for Form {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Form").field(&self.0.text).finish()
    }
}

fn compile(text: &str) -> Result<Regex, regex::Error> {
    RegexBuilder::new(text).size_limit(COMPILED).build()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_compiled_when_it_is_asked() {
        let form = Form::later("^a(b+)$");
        assert!(!form.is_compiled());
        assert!(form.is_match("abb") && !form.is_match("xabb"));
        assert!(form.is_compiled() && form.clone().is_compiled());
        assert_eq!(form.captures("abb").and_then(|found| Some(found.get(1)?.as_str())), Some("bb"));
    }

    #[test]
    fn what_is_none_is_refused_or_fits_nothing() {
        assert!(Form::new("a(").unwrap_err().contains("`a(` is no pattern"));
        assert!(Form::new(r"(\w{100}){100}").is_err());
        let form = Form::later("a(");
        assert!(!form.compiles() && !form.is_match("a(") && form.captures("a(").is_none());
    }
}
