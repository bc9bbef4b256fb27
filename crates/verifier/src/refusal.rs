//! What is wrong, why, and the way out.

use std::error::Error;
use std::fmt;

/// Why nothing was verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The question was wrong, not what was examined: exit code 2, otherwise 1.
    pub usage: bool,
    pub message: String,
    /// What caused it, the nearest first.
    pub causes: Vec<String>,
    pub hint: Option<String>,
}

impl Refusal {
    #[must_use]
    pub fn new(message: impl Into<String>) -> Self {
        Self { usage: false, message: message.into(), causes: Vec::new(), hint: None }
    }

    /// What was asked makes no sense.
    #[must_use]
    pub fn usage(message: impl Into<String>) -> Self {
        Self { usage: true, ..Self::new(message) }
    }

    /// Adds an error and what caused it, without repeating what was said already.
    #[must_use]
    pub fn because(mut self, error: &(dyn Error + 'static)) -> Self {
        let mut next = Some(error);
        while let Some(error) = next {
            let text = error.to_string();
            let said = |earlier: &String| earlier.contains(&text);
            if !said(&self.message) && !self.causes.iter().any(said) {
                self.causes.push(text);
            }
            next = error.source();
        }
        self
    }

    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl fmt::Display for Refusal {
    /// As a person reads it, in one line or a few.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)?;
        self.causes.iter().try_for_each(|cause| write!(formatter, ": {cause}"))?;
        self.hint.iter().try_for_each(|hint| write!(formatter, "\nhint: {hint}"))
    }
}
