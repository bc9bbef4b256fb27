//! Texts that would nest a parser too deep are found before it sees them: parsers recurse, and a stack that runs out ends the
//! process. Each is counted as its language is written (`python::depth`, `javascript::depth`); tree-sitter keeps its own stack.

use gabion_finding::Span;

use crate::Language;

/// Where it gets too deep.
pub(crate) fn too_deep(language: Language, text: &str) -> Option<Span> {
    match language {
        Language::JavaScript | Language::TypeScript | Language::Tsx => {
            crate::javascript::depth::too_deep(language, text)
        }
        Language::Python => crate::python::depth::too_deep(text),
        Language::Go | Language::Java | Language::Rust => None,
    }
}
