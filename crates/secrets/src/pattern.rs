//! A regular expression of bounded length, compiled when it is first needed.

use std::ops::Range;
use std::sync::OnceLock;

use regex_automata::meta::Regex;
use regex_automata::util::syntax;
use regex_automata::{Anchored, Input};
use regex_syntax::hir::literal::Extractor;
use regex_syntax::hir::{Hir, HirKind};

/// The longest match there may be, in bytes.
const LONGEST: usize = 20_000;
/// What one pattern may take once compiled, in bytes.
const COMPILED: usize = 4 << 20;

#[derive(Debug)]
pub(crate) struct Pattern {
    text: String,
    /// The group that holds the secret.
    group: usize,
    longest: usize,
    /// Whether every match begins with a keyword, but for what the pattern only looks at.
    leads: bool,
    compiled: OnceLock<Option<Regex>>,
}

impl Pattern {
    /// # Errors
    /// In words: when it is no regular expression, or has no bound.
    pub(crate) fn new(text: &str, keywords: &[String]) -> Result<Self, String> {
        let hir = regex_syntax::ParserBuilder::new().unicode(false).utf8(false).build().parse(text);
        let hir = hir.map_err(|error| error.to_string().replace('\n', " "))?;
        let longest =
            (hir.properties().maximum_len().filter(|longest| *longest <= LONGEST)).ok_or_else(|| {
                format!("matches without a bound of {LONGEST} bytes; write `{{1,100}}` instead of `+`")
            })?;
        let mut names = Vec::new();
        groups(&hir, &mut names);
        names.sort_unstable();
        let named = names.iter().find(|(_, name)| name.as_deref() == Some("secret"));
        let group = named.or_else(|| names.first()).map_or(0, |(index, _)| *index);
        let leads = !keywords.is_empty() && leads(&hir, keywords);
        Ok(Self { text: text.to_owned(), group, longest, leads, compiled: OnceLock::new() })
    }

    /// The length of its longest match.
    pub(crate) const fn longest(&self) -> usize {
        self.longest
    }

    /// Whether a match begins where a keyword begins.
    pub(crate) const fn leads(&self) -> bool {
        self.leads
    }

    /// Whether it compiles within its bounds.
    #[cfg(test)]
    pub(crate) fn compiles(&self) -> bool {
        self.regex().is_some()
    }

    /// The match that begins at `start`: all of it, and the secret in it.
    pub(crate) fn at(&self, text: &str, start: usize) -> Option<(Range<usize>, Range<usize>)> {
        let end = start.saturating_add(self.longest).saturating_add(1).min(text.len());
        self.search(Input::new(text.as_bytes()).range(start..end.max(start)).anchored(Anchored::Yes))
    }

    /// Every match within `range`.
    pub(crate) fn within(
        &self,
        text: &str,
        range: Range<usize>,
        mut found: impl FnMut(Range<usize>, Range<usize>),
    ) {
        let mut from = range.start;
        while from < range.end {
            let input = Input::new(text.as_bytes()).range(from..range.end);
            let Some((whole, secret)) = self.search(input) else { return };
            from = whole.end.max(from.saturating_add(1));
            found(whole, secret);
        }
    }

    fn search(&self, input: Input<'_>) -> Option<(Range<usize>, Range<usize>)> {
        let regex = self.regex()?;
        let mut captures = regex.create_captures();
        regex.search_captures(&input, &mut captures);
        let whole = captures.get_group(0)?.range();
        let secret = captures.get_group(self.group).map_or_else(|| whole.clone(), |span| span.range());
        Some((whole, secret))
    }

    fn regex(&self) -> Option<&Regex> {
        let build = || {
            Regex::builder()
                .syntax(syntax::Config::new().unicode(false).utf8(false))
                .configure(
                    Regex::config()
                        .utf8_empty(false)
                        .nfa_size_limit(Some(COMPILED))
                        .hybrid_cache_capacity(256 << 10),
                )
                .build(&self.text)
                .ok()
        };
        self.compiled.get_or_init(build).as_ref()
    }
}

/// The groups of a pattern that take part, with their names.
fn groups(hir: &Hir, found: &mut Vec<(usize, Option<String>)>) {
    match hir.kind() {
        HirKind::Capture(capture) => {
            found.push((capture.index as usize, capture.name.as_deref().map(str::to_owned)));
            groups(&capture.sub, found);
        }
        HirKind::Repetition(repetition) => groups(&repetition.sub, found),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => {
            parts.iter().for_each(|part| groups(part, found))
        }
        HirKind::Empty | HirKind::Literal(_) | HirKind::Class(_) | HirKind::Look(_) => {}
    }
}

/// Whether everything a pattern can begin with begins with one of the keywords, written in the same case.
fn leads(hir: &Hir, keywords: &[String]) -> bool {
    let literals = Extractor::new().extract(hir);
    literals.literals().is_some_and(|literals| {
        !literals.is_empty()
            && literals
                .iter()
                .all(|literal| keywords.iter().any(|word| literal.as_bytes().starts_with(word.as_bytes())))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_secret_is_a_group_and_the_length_is_known() {
        let keywords = ["ab_".to_owned()];
        let pattern = Pattern::new(r"\bab_([a-z]{3,5})\b", &keywords).unwrap();
        assert!(pattern.leads());
        assert_eq!(pattern.longest(), 8);
        assert_eq!(pattern.at("x ab_cdef.", 2), Some((2..9, 5..9)));
        assert_eq!(pattern.at("xab_cdef", 1), None);
        let mut found = Vec::new();
        pattern.within("ab_cde ab_fgh", 0..13, |_, secret| found.push(secret));
        assert_eq!(found, [3..6, 10..13]);
    }

    #[test]
    fn a_keyword_inside_does_not_lead() {
        let keywords = ["api".to_owned()];
        assert!(!Pattern::new(r"[a-z]{3}api", &keywords).unwrap().leads());
        assert!(!Pattern::new(r"(?i)api[a-z]{3}", &["nothing".to_owned()]).unwrap().leads());
    }

    #[test]
    fn patterns_without_bounds_are_refused() {
        assert!(Pattern::new("a+", &[]).unwrap_err().contains("without a bound"));
        assert!(Pattern::new("a(", &[]).is_err());
    }
}
