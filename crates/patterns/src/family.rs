//! The languages a rule may name, as far as their patterns are read alike.

use gabion_syntax::Language;

/// Languages with one kind of patterns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Family {
    Generic,
    Go,
    Java,
    Python,
    Regex,
    Rust,
    Script,
}

impl Family {
    pub(crate) const fn of(language: Language) -> Self {
        match language {
            Language::Go => Self::Go,
            Language::Java => Self::Java,
            Language::JavaScript | Language::TypeScript | Language::Tsx => Self::Script,
            Language::Python => Self::Python,
            Language::Rust => Self::Rust,
        }
    }

    pub(crate) const fn is_code(self) -> bool {
        !matches!(self, Self::Generic | Self::Regex)
    }

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Generic => "generic",
            Self::Go => "Go",
            Self::Java => "Java",
            Self::Python => "Python",
            Self::Regex => "regex",
            Self::Rust => "Rust",
            Self::Script => "JavaScript or TypeScript",
        }
    }
}

/// A language as a rule names it; none where it is not read here.
pub(crate) fn named(name: &str) -> Option<(Family, &'static [Language])> {
    Some(match name.to_ascii_lowercase().as_str() {
        "go" | "golang" => (Family::Go, &[Language::Go]),
        "java" => (Family::Java, &[Language::Java]),
        "js" | "javascript" => (Family::Script, &[Language::JavaScript]),
        "ts" | "typescript" => (Family::Script, &[Language::TypeScript, Language::Tsx]),
        "py" | "python" | "python2" | "python3" => (Family::Python, &[Language::Python]),
        "rust" | "rs" => (Family::Rust, &[Language::Rust]),
        "generic" => (Family::Generic, &[]),
        "regex" | "none" => (Family::Regex, &[]),
        _ => return None,
    })
}
