//! The condition of a rule: which selections must match.
//!
//! `not` binds closer than `and`, `and` closer than `or`; `1 of` and `all of` a pattern or `them` (names that begin
//! with `_` are left out) are written out at load.

use crate::bounds;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Condition {
    /// The number of a selection.
    Selection(usize),
    All(Vec<Condition>),
    Any(Vec<Condition>),
    Not(Box<Condition>),
}

impl Condition {
    /// Reads a condition over selections of these names.
    ///
    /// # Errors
    /// What is wrong with it, and a way out.
    pub(crate) fn read(text: &str, names: &[String]) -> Result<Self, (String, String)> {
        if text.len() > bounds::CONDITION {
            return Err((
                "the condition is too long".to_owned(),
                format!("at most {} bytes", bounds::CONDITION),
            ));
        }
        let mut parser = Parser { words: words(text), at: 0, names, terms: 0 };
        let condition = parser.any(0)?;
        match parser.peek() {
            None => Ok(condition),
            Some("|") => Err((
                "conditions with `|` are no longer part of Sigma".to_owned(),
                "count with a correlation rule".to_owned(),
            )),
            Some(word) => {
                Err((format!("`{}` is not expected in the condition", shown(word)), EXAMPLE.to_owned()))
            }
        }
    }

    pub(crate) fn is(&self, matches: &mut dyn FnMut(usize) -> bool) -> bool {
        match self {
            Self::Selection(number) => matches(*number),
            Self::All(parts) => parts.iter().all(|part| part.is(matches)),
            Self::Any(parts) => parts.iter().any(|part| part.is(matches)),
            Self::Not(part) => !part.is(matches),
        }
    }

    /// Every selection it names.
    pub(crate) fn selections(&self, add: &mut dyn FnMut(usize)) {
        match self {
            Self::Selection(number) => add(*number),
            Self::All(parts) | Self::Any(parts) => parts.iter().for_each(|part| part.selections(add)),
            Self::Not(part) => part.selections(add),
        }
    }

    /// The selections by whose match it came to be: not those under a `not`.
    pub(crate) fn because(&self, add: &mut dyn FnMut(usize)) {
        match self {
            Self::Selection(number) => add(*number),
            Self::All(parts) | Self::Any(parts) => parts.iter().for_each(|part| part.because(add)),
            Self::Not(_) => {}
        }
    }
}

const EXAMPLE: &str = "for instance `selection and not 1 of filter_*`";

struct Parser<'a> {
    words: Vec<&'a str>,
    at: usize,
    names: &'a [String],
    terms: usize,
}

type Read = Result<Condition, (String, String)>;

impl<'a> Parser<'a> {
    fn peek(&self) -> Option<&'a str> {
        self.words.get(self.at).copied()
    }

    fn take(&mut self, word: &str) -> bool {
        let taken = self.peek().is_some_and(|next| next.eq_ignore_ascii_case(word));
        self.at += usize::from(taken);
        taken
    }

    fn any(&mut self, depth: usize) -> Read {
        let mut parts = vec![self.all(depth)?];
        while self.take("or") {
            parts.push(self.all(depth)?);
        }
        Ok(several(parts, Condition::Any))
    }

    fn all(&mut self, depth: usize) -> Read {
        let mut parts = vec![self.not(depth)?];
        while self.take("and") {
            parts.push(self.not(depth)?);
        }
        Ok(several(parts, Condition::All))
    }

    fn not(&mut self, depth: usize) -> Read {
        if depth > bounds::CONDITION_DEPTH {
            return Err((
                "the condition is too deep".to_owned(),
                format!("at most {} brackets and `not` in each other", bounds::CONDITION_DEPTH),
            ));
        }
        if self.take("not") {
            return Ok(Condition::Not(Box::new(self.not(depth + 1)?)));
        }
        if self.take("(") {
            let inner = self.any(depth + 1)?;
            if !self.take(")") {
                return Err(("a bracket of the condition is not closed".to_owned(), "add `)`".to_owned()));
            }
            return Ok(inner);
        }
        self.term()
    }

    fn term(&mut self) -> Read {
        let Some(word) = self.peek() else {
            return Err(("the condition ends too early".to_owned(), EXAMPLE.to_owned()));
        };
        let quantity = match word.to_ascii_lowercase().as_str() {
            "1" | "any" => Some(false),
            "all" => Some(true),
            _ => None,
        };
        let is_quantified = self.words.get(self.at + 1).is_some_and(|next| next.eq_ignore_ascii_case("of"));
        self.at += 1;
        let Some(all) = quantity.filter(|_| is_quantified) else {
            let number = self.names.iter().position(|name| name == word);
            let number = number.ok_or_else(|| self.unknown(word))?;
            self.count(1)?;
            return Ok(Condition::Selection(number));
        };
        self.at += 1;
        let Some(pattern) = self.peek() else {
            return Err((
                "`of` needs to know of which selections".to_owned(),
                "for instance `1 of them`".to_owned(),
            ));
        };
        self.at += 1;
        let them = pattern.eq_ignore_ascii_case("them");
        let fits = |name: &str| if them { !name.starts_with('_') } else { fits(name, pattern) };
        let parts: Vec<_> = self
            .names
            .iter()
            .enumerate()
            .filter(|(_, name)| fits(name))
            .map(|(number, _)| Condition::Selection(number))
            .collect();
        if parts.is_empty() {
            return Err(self.unknown(pattern));
        }
        self.count(parts.len())?;
        Ok(several(parts, if all { Condition::All } else { Condition::Any }))
    }

    fn count(&mut self, terms: usize) -> Result<(), (String, String)> {
        self.terms += terms;
        if self.terms > bounds::TERMS {
            return Err((
                "the condition has too many terms".to_owned(),
                format!("at most {}", bounds::TERMS),
            ));
        }
        Ok(())
    }

    fn unknown(&self, word: &str) -> (String, String) {
        let names: Vec<_> = self.names.iter().take(8).map(|name| format!("`{}`", shown(name))).collect();
        (
            format!("the condition names `{}`, which is no selection", shown(word)),
            format!("there are {}", names.join(", ")),
        )
    }
}

fn several(mut parts: Vec<Condition>, make: fn(Vec<Condition>) -> Condition) -> Condition {
    match parts.pop() {
        Some(only) if parts.is_empty() => only,
        Some(last) => {
            parts.push(last);
            make(parts)
        }
        None => make(parts),
    }
}

fn words(text: &str) -> Vec<&str> {
    let mut words = Vec::new();
    for word in text.split_whitespace() {
        let mut rest = word;
        while let Some(at) = rest.find(['(', ')', '|']) {
            let (before, from) = rest.split_at(at);
            let (sign, after) = from.split_at(1);
            if !before.is_empty() {
                words.push(before);
            }
            words.push(sign);
            rest = after;
        }
        if !rest.is_empty() {
            words.push(rest);
        }
    }
    words
}

/// `*` any characters.
fn fits(name: &str, pattern: &str) -> bool {
    crate::pattern::Pattern::new(pattern, crate::pattern::Place::Whole, true).matches(name)
}

/// As much of a text as a message repeats.
pub(crate) fn shown(text: &str) -> String {
    text.chars()
        .take(64)
        .map(|character| if character.is_control() { '\u{fffd}' } else { character })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn names() -> Vec<String> {
        ["a", "b", "sel_1", "sel_2", "_hidden"].map(str::to_owned).to_vec()
    }

    fn holds(text: &str, matching: &[&str]) -> bool {
        let names = names();
        let condition = Condition::read(text, &names).unwrap();
        condition.is(&mut |number| matching.contains(&names[number].as_str()))
    }

    #[test]
    fn what_binds_closer() {
        assert!(holds("a or b and sel_1", &["a"]));
        assert!(!holds("(a or b) and sel_1", &["a"]));
        assert!(holds("not a and b", &["b"]) && !holds("not (a or b)", &["b"]));
        assert!(holds("NOT a OR b", &["a", "b"]));
        assert!(holds("1 of sel_*", &["sel_2"]) && !holds("all of sel_*", &["sel_2"]));
        assert!(!holds("1 of them", &["_hidden"]) && holds("any of them", &["b"]));
        assert!(holds("a and not 1 of sel_*", &["a"]));
        assert!(holds("not not a", &["a"]));
    }

    #[test]
    fn what_is_wrong_is_said() {
        let names = names();
        for text in ["", "a and", "a b", "(a", "a)", "c", "1 of c*", "1 of", "a | count() > 3", "and", "not"]
        {
            let (reason, hint) = Condition::read(text, &names).unwrap_err();
            assert!(!reason.is_empty() && !hint.is_empty(), "{text}");
        }
        let deep = format!("{}a{}", "(".repeat(100), ")".repeat(100));
        assert!(Condition::read(&deep, &names).is_err());
        let deep = format!("{}a", "not ".repeat(100));
        assert!(Condition::read(&deep, &names).is_err());
        let many = vec!["1 of them"; 400].join(" or ");
        assert!(Condition::read(&many, &names).is_err());
    }

    proptest! {
        #[test]
        fn anything_is_a_condition_or_not(text in "[ab()no t1 of*_the m|and]{0,60}") {
            let _ = Condition::read(&text, &names());
        }
    }
}
