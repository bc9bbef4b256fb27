//! Licences as SPDX expressions (<https://spdx.github.io/spdx-spec/v2.3/SPDX-license-expressions/>), and whether one leaves a choice
//! that is not denied.

/// What an expression says.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Expression {
    All(Vec<Expression>),
    Any(Vec<Expression>),
    /// With its exception, if it has one.
    One(String, Option<String>),
}

/// Whether it is a well-formed expression of identifiers.
pub(crate) fn is_expression(text: &str) -> bool {
    read(text).is_some()
}

/// The licence that stands in the way: none where one choice of the expression has no denied one. Text that is no expression is
/// compared as a whole.
pub(crate) fn denied(text: &str, deny: &[String]) -> Option<String> {
    match read(text) {
        Some(expression) => expression.denied(deny),
        None => deny.iter().any(|it| it.eq_ignore_ascii_case(text.trim())).then(|| text.trim().to_owned()),
    }
}

impl Expression {
    fn denied(&self, deny: &[String]) -> Option<String> {
        match self {
            Self::All(parts) => parts.iter().find_map(|part| part.denied(deny)),
            Self::Any(parts) => {
                let found: Vec<Option<String>> = parts.iter().map(|part| part.denied(deny)).collect();
                if found.iter().any(Option::is_none) { None } else { found.into_iter().flatten().next() }
            }
            Self::One(licence, exception) => {
                let whole = exception.as_ref().map(|it| format!("{licence} WITH {it}"));
                let is = |it: &String| match &whole {
                    // An exception may be what makes it usable: denied only when it is named.
                    Some(whole) => same(it, whole),
                    None => same(it, licence),
                };
                deny.iter().any(is).then(|| whole.clone().unwrap_or_else(|| licence.clone()))
            }
        }
    }
}

/// `GPL-3.0`, `GPL-3.0-only`, `GPL-3.0+` and `GPL-3.0-or-later` are one family; `GPL-3.0` in a list denies them all.
fn same(denied: &str, licence: &str) -> bool {
    let family = |text: &str| {
        let text = text.to_ascii_lowercase();
        let text = text.strip_suffix('+').unwrap_or(&text);
        let text = text.strip_suffix("-only").or_else(|| text.strip_suffix("-or-later")).unwrap_or(text);
        text.to_owned()
    };
    denied.eq_ignore_ascii_case(licence) || family(licence) == denied.to_ascii_lowercase()
}

fn read(text: &str) -> Option<Expression> {
    if text.len() > 4096 {
        return None;
    }
    let spaced = text.replace('(', " ( ").replace(')', " ) ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut reader = Reader { words: &words, at: 0 };
    let expression = reader.any(0)?;
    (reader.at == words.len()).then_some(expression)
}

struct Reader<'a> {
    words: &'a [&'a str],
    at: usize,
}

impl<'a> Reader<'a> {
    fn peek(&self) -> Option<&'a str> {
        self.words.get(self.at).copied()
    }

    fn take(&mut self, word: &str) -> bool {
        let found = self.peek().is_some_and(|it| it.eq_ignore_ascii_case(word));
        self.at += usize::from(found);
        found
    }

    fn any(&mut self, depth: usize) -> Option<Expression> {
        let mut parts = vec![self.all(depth)?];
        while self.take("OR") {
            parts.push(self.all(depth)?);
        }
        Some(if parts.len() == 1 { parts.pop()? } else { Expression::Any(parts) })
    }

    fn all(&mut self, depth: usize) -> Option<Expression> {
        let mut parts = vec![self.one(depth)?];
        while self.take("AND") {
            parts.push(self.one(depth)?);
        }
        Some(if parts.len() == 1 { parts.pop()? } else { Expression::All(parts) })
    }

    fn one(&mut self, depth: usize) -> Option<Expression> {
        if depth > 32 {
            return None;
        }
        if self.take("(") {
            let inner = self.any(depth + 1)?;
            return self.take(")").then_some(inner);
        }
        let licence = identifier(self.peek()?)?;
        self.at += 1;
        let exception = if self.take("WITH") {
            let exception = identifier(self.peek()?)?;
            self.at += 1;
            Some(exception)
        } else {
            None
        };
        Some(Expression::One(licence, exception))
    }
}

fn identifier(word: &str) -> Option<String> {
    let right = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'+' | b':');
    let keyword = ["AND", "OR", "WITH"].iter().any(|it| word.eq_ignore_ascii_case(it));
    (!keyword && !word.is_empty() && word.bytes().all(right)).then(|| word.to_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_choice_that_is_free_is_taken() {
        let deny = ["AGPL-3.0", "GPL-3.0", "SSPL-1.0"].map(str::to_owned);
        for (text, expected) in [
            ("MIT", None),
            ("MIT OR GPL-3.0-only", None),
            ("(MIT AND AGPL-3.0-or-later)", Some("AGPL-3.0-or-later")),
            ("AGPL-3.0", Some("AGPL-3.0")),
            ("GPL-3.0+", Some("GPL-3.0+")),
            ("GPL-3.0-only WITH Classpath-exception-2.0", None),
            ("LGPL-3.0", None),
            ("SSPL-1.0 OR AGPL-3.0", Some("SSPL-1.0")),
            ("see LICENCE, please", None),
            ("(MIT OR", None),
        ] {
            assert_eq!(denied(text, &deny).as_deref(), expected, "{text}");
        }
        assert!(
            is_expression("MIT OR (Apache-2.0 AND BSD-3-Clause)") && !is_expression("SEE LICENSE IN x.md")
        );
    }

    proptest! {
        #[test]
        fn no_text_makes_reading_panic(text in "[A-Z() +.-]{0,60}", open in 0_usize..3000) {
            let _ = is_expression(&text);
            prop_assert!(!is_expression(&"(".repeat(open)));
        }
    }
}
